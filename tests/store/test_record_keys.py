"""Keys are derived once, and those of data are forgotten when the keyring changes."""

from __future__ import annotations

import pytest

from siegel._core.secret import Secret
from siegel._core.suite import hmac_sha256, mac
from siegel.errors import CorruptRecord, KeyUnavailable
from siegel.store import record_keys
from siegel.store.backend import Row
from siegel.store.keyring import Keyring, header_key
from siegel.store.record_keys import ReadyKeys
from siegel.store.records import Content
from tests.people import secret_of
from tests.store.records_at_hand import NAME, STORE_ID

ROOT = Secret(secret_of("root"))
PLAINTEXT = Content("k", b"v", None, {}).encode()


def keyring() -> Keyring:
    return Keyring.create(ROOT, store_id=STORE_ID)


def test_the_keys_are_those_of_the_keyring() -> None:
    ring, ready = keyring(), ReadyKeys()
    for key, secret in (
        (ready.names(ring, 7), ring.names_key(7)),
        (ready.sums(ring, 7), ring.accumulator_key(7)),
        (ready.index(ring, 7, 3), ring.index_key(7, 3)),
        (ready.header(ROOT, STORE_ID), header_key(ROOT, store_id=STORE_ID)),
    ):
        assert mac(key, b"x") == hmac_sha256(secret.reveal(), b"x")
    assert ready.names(ring, 7) is ready.names(ring, 7)
    assert mac(ready.names(ring, 8), b"x") != mac(ready.names(ring, 7), b"x")
    assert mac(ready.index(ring, 7, 4), b"x") != mac(ready.index(ring, 7, 3), b"x")


def test_a_data_key_serves_its_collection() -> None:
    ring, ready = keyring(), ReadyKeys()
    kid = ring.use(7, ring.scope_id(None))
    sealer = ready.sealer(ring, 7, kid)
    row = Row(NAME, 1, sealer.seal(NAME, 1, PLAINTEXT))
    assert ready.sealer(ring, 7, kid).open(row).key == "k"
    with pytest.raises(CorruptRecord):
        ready.sealer(ring, 8, kid).open(row)
    assert ready.sealer(ring, 7, kid).open(row).key == "k", "who asked for another collection did no harm"


def test_what_is_forgotten_is_asked_for_again() -> None:
    ring, ready = keyring(), ReadyKeys()
    kid = ring.use(7, ring.scope_id(None))
    ready.sealer(ring, 7, kid)
    ring.destroy([kid])
    ready.clear()
    with pytest.raises(KeyUnavailable):
        ready.sealer(ring, 7, kid)


def test_not_more_are_held_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_keys, "MAX_SEALERS", 3)
    ring, ready = keyring(), ReadyKeys()
    kids = [ring.use(7, ring.scope_id(str(number))) for number in range(10)]
    for kid in kids:
        ready.sealer(ring, 7, kid)
        assert len(ready._sealers) <= 3
