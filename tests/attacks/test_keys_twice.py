"""Attacks on keys that are used twice or in twos, PR-8 and PR-9 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import siegel
from siegel import SealingKeys, seal
from siegel.errors import InvalidMessage, SiegelError
from tests.attacks.artefacts import opened_by, sealed
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    CONTENT,
    EVERYBODY,
    MALLORY,
    NONCE,
    NOW,
    OPEN,
    Person,
    Wire,
    cbor,
    content_keys,
    decrypt_body,
    encrypt_body,
    insight,
    pad,
    refused,
    root_of,
    seal_entry,
    sha256,
    signed_part,
)
from tests.attacks.two_keys import collide

# --- PR-8: the same key and nonce twice ------------------------------------------------------------------------------

TEXTS: dict[str, Callable[[], bytes]] = {
    "text": lambda: sealed(BOB, CAROL),
    "other text": lambda: sealed(BOB, CAROL, body=b"meet at nine"),
    "longer text": lambda: sealed(BOB, CAROL, body=b"meet at noon."),
    "more readers": lambda: sealed(BOB, CAROL, MALLORY),
    "other reader": lambda: sealed(BOB, MALLORY),
    "other sender": lambda: sealed(BOB, CAROL, sender=MALLORY),
    "unsigned": lambda: sealed(BOB, CAROL, sender=None),
    "other type": lambda: _by_alice(content_type="text/html"),
    "later": lambda: _by_alice(at=NOW + 1),
}


def _by_alice(content_type: str = "text/plain", at: int = NOW) -> bytes:
    return seal(
        b"meet at noon",
        sender=ALICE.identity,
        recipients=[BOB.record, CAROL.record],
        content_type=content_type,
        at=at,
    )


def key_and_text(envelope: bytes) -> tuple[bytes, tuple[bytes, bytes]]:
    """The body key, and all that was encrypted or authenticated under it."""
    wire = Wire.of(envelope)
    key = insight(envelope, BOB).body_key
    return key, (cbor(wire.header), decrypt_body(key, wire.body, wire.header))


def repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: b"\x42" * count)


def test_pr_8_a_repeated_generator_repeats_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """hpke-rs RUSTSEC-2026-0071, cocoon RUSTSEC-2023-0068, restored snapshots (Ristenpart & Yilek 2010): the generator
    gives the same bytes again. Holds: no two texts share a body key; sealing one text twice gives one ciphertext (P9).
    """
    repeated(monkeypatch)
    used: dict[bytes, tuple[bytes, bytes]] = {}
    for make in TEXTS.values():
        key, text = key_and_text(make())
        assert used.setdefault(key, text) == text
    assert len(used) == len(TEXTS)
    first, second = (Wire.of(sealed(*people)) for people in ((BOB, CAROL), (CAROL, BOB)))
    assert (first.header, first.body) == (second.header, second.body)


def test_pr_8_a_repeated_generator_and_private_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above: one text, sealed open and private at one instant. The signature covers the mode, so these are two
    plaintexts. Holds: they do not share a key (P9).
    """
    repeated(monkeypatch)
    (key, text), (private_key, private_text) = (
        key_and_text(sealed(BOB, CAROL, private=private)) for private in (False, True)
    )
    assert text != private_text
    assert key != private_key


def test_pr_8_keys_are_fresh() -> None:
    """As above, in health: one text many times. Holds: every message has its own keys and its own audience nonce."""
    wires = [Wire.of(sealed(BOB)) for _ in range(500)]
    assert len({wire.root for wire in wires}) == len({wire.header[3] for wire in wires}) == len(wires)
    assert len({wire.nonce for wire in wires}) == len({wire.body for wire in wires}) == len(wires)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_pr_8_key_objects_are_not_duplicated(duplicate: Callable[[object], object]) -> None:
    """As above: a cloned key object goes on where the original does. Holds: no copy, no pickle."""
    for holder in (BOB.identity, SealingKeys(BOB.identity)):
        with pytest.raises(TypeError):
            duplicate(holder)


# --- PR-9: one ciphertext, two keys ----------------------------------------------------------------------------------

APPENDIX_D = bytes.fromhex(
    "3fd19b7a63bf212a175f9fca5b8dba8b3d5672ff7aa2f1343af41254933b6a91c34dc1165d081ca3d1c92cb8246f64a1"
)


def test_pr_9_the_primitive_does_not_commit() -> None:
    """Facebook's attachments (Dodis, Grubbs, Ristenpart, Woodage 2018), Discord DAVE, the S3 client. The catalogue's
    ciphertext opens under two AES-256-GCM keys; so does every one that ``collide`` makes. Why a commitment is needed.
    """
    keys = bytes(range(32)), bytes(range(32, 64))
    texts = {AESGCM(key).decrypt(bytes(12), APPENDIX_D, None) for key in keys}
    assert len(texts) == 2
    made = collide(*keys, bytes(100), aad=b"header", free=64)
    assert len({AESGCM(key).decrypt(bytes(12), made, b"header") for key in keys}) == 2


def salamander(committed: Person, other: Person) -> bytes:
    """An unsigned message that gives its two readers different content secrets, and whose body opens under both."""
    root = root_of(NONCE, [committed.id, other.id])
    secrets = sha256(b"one"), sha256(b"two")
    (commitment, key), (_, other_key) = (content_keys(secret, root) for secret in secrets)
    header = [OPEN, 2, root, commitment]
    plaintext = pad(cbor([["text/plain", NOW, b"%" * 100], None, None]))
    body = collide(key, other_key, plaintext, aad=cbor(header), free=64)
    assert all(decrypt_body(k, body, header) for k in (key, other_key))
    entries = [
        seal_entry(header, person.to, secret) for person, secret in zip((committed, other), secrets, strict=True)
    ]
    return Wire(header, NONCE, entries, body).sort().encode()


@pytest.mark.parametrize(("committed", "other"), [(BOB, CAROL), (CAROL, BOB)])
def test_pr_9_invisible_salamander(committed: Person, other: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, as a whole message: two readers, two content secrets, a body that decrypts under both. Holds:
    whichever key the header commits to, exactly its reader opens it; for the other nothing is decrypted (P7).
    """
    envelope = salamander(committed, other)
    assert opened_by(committed, anonymous=True)(envelope)

    def never(*_: object, **__: object) -> bytes:
        raise AssertionError("decrypted before the commitment was checked")

    monkeypatch.setattr("siegel.sealed.decrypt_once", never)
    with refused(InvalidMessage):
        opened_by(other, anonymous=True)(envelope)


def test_pr_9_every_bit_of_the_commitment_counts() -> None:
    """As above: a commitment that is nearly right, in an envelope that is sealed, encrypted and signed over it. Holds:
    InvalidMessage for each of its bits.
    """
    root = root_of(NONCE, [BOB.id])
    secret = sha256(b"content secret")
    commitment, key = content_keys(secret, root)
    for bit in range(-1, 256):  # -1: the control, unchanged
        changed = (int.from_bytes(commitment, "big") ^ (1 << bit if bit >= 0 else 0)).to_bytes(32, "big")
        header = [OPEN, 1, root, changed]
        plaintext = pad(cbor([CONTENT, ALICE.id, ALICE.sign(signed_part(header, CONTENT))]))
        body = encrypt_body(key, plaintext, header)
        envelope = Wire(header, NONCE, [seal_entry(header, BOB.to, secret)], body).encode()
        if bit < 0:
            assert opened_by(BOB)(envelope)
        else:
            with refused(InvalidMessage):
                opened_by(BOB)(envelope)


def test_pr_9_every_error_is_of_the_tree() -> None:
    """As above, for readers of many: in a batch the refused copy is an error of its own and stops no other."""
    envelope = salamander(BOB, CAROL)
    results = siegel.open_many([envelope, sealed(CAROL)], identity=CAROL.identity, contacts=EVERYBODY)
    assert isinstance(results[0], InvalidMessage)
    assert not isinstance(results[1], SiegelError)
