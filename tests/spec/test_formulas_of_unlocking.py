"""The formulas of the chapter on unlocking give the values of its example: by hand, not by the library."""

from __future__ import annotations

import hmac
import unicodedata

import pytest
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core.secret import Secret
from siegel.errors import CorruptHeader
from siegel.store.keyring import Keyring
from siegel.store.keys import Passphrase
from siegel.store.slots import unlock
from tests.spec.test_formulas import cbor, labelled, octets, sha256


def value(name: str) -> bytes:
    return octets("unlock", name)


STORE, ROOT = value("store id"), value("root key")
GIVEN = value("32 bytes, with 19,456 KiB, 2 passes, 1 lane")


def wrapped(secret: bytes, under: bytes, place: bytes, salt: bytes) -> bytes:
    """UNL-1."""
    extracted = hmac.digest(salt, under, "sha256")
    commitment = hmac.digest(extracted, place + b"\1", "sha256")
    key = hmac.digest(extracted, commitment + place + b"\2", "sha256")
    return salt + commitment + AESGCM(key).encrypt(bytes(12), secret, None)


def derived(secret: bytes, info: bytes) -> bytes:
    return hmac.digest(hmac.digest(STORE, secret, "sha256"), info + b"\1", "sha256")


def test_unl_1() -> None:
    made = wrapped(ROOT, GIVEN, value("place of the root key"), value("salt of the wrapping"))
    assert made == value("wrapped root key")
    assert made[32:64] == value("commitment")
    assert AESGCM(value("wrapping key")).decrypt(bytes(12), made[64:], None) == ROOT
    assert len(made) == 112


def test_unl_3() -> None:
    text = unicodedata.normalize("NFC", value("passphrase, decomposed, as UTF-8").decode()).encode()
    assert text == value("passphrase, normalised")
    assert hash_secret_raw(text, value("salt of the passphrase"), 2, 19_456, 1, 32, Type.ID, 0x13) == GIVEN


def test_unl_4() -> None:
    parameters = [19_456, 2, 1, value("salt of the passphrase")]
    assert value("place of the root key") == labelled("unlock slot", 14, 1, STORE, 3, parameters)
    assert value("slot") == cbor(14, 1, STORE, 3, parameters, value("wrapped root key"))
    assert value("slot id") == sha256(labelled("slot id", value("slot")))[:16]


def test_unl_5() -> None:
    tag = derived(ROOT, labelled("slot table", 15, 1, [value("slot")]))
    assert value("table of this slot") == cbor(15, 1, STORE, [value("slot")], tag)
    key = Passphrase(value("passphrase, decomposed, as UTF-8").decode())
    assert unlock(value("table of this slot"), key, store_id=STORE).reveal() == ROOT


def test_unl_6() -> None:
    secret = value("store secret = SHA-256 of the ASCII text store secret")
    assert value("header secret") == derived(ROOT, labelled("header secret"))
    assert value("scope id of null") == derived(secret, labelled("record scope", None))[:16]


def test_unl_7() -> None:
    epoch, data = value("epoch key 1 = SHA-256 of the ASCII text epoch key"), sha256(b"data key")
    salt, scope = value("salt of the wrapping"), value("scope id of null")
    place = value("place of data key 5 of collection 1, with 65,536 reserved")
    assert place == labelled("wrapped data key", STORE, 5, 1, scope, 1, 65_536)
    row = value("row of the data key, with the same salt")
    assert row == cbor(1, 1, scope, 65_536, wrapped(data, epoch, place, salt))
    ring = cbor(
        wrapped(sha256(b"store secret"), ROOT, labelled("wrapped secret", STORE), salt),
        1,
        wrapped(epoch, ROOT, labelled("wrapped epoch", STORE, 1), salt),
    )
    opened = Keyring.decode(ring, root=Secret(ROOT), store_id=STORE)
    opened.load([(5, row), (6, row)])
    assert opened._open(5).reveal() == data
    with pytest.raises(CorruptHeader):
        opened.key(6)
