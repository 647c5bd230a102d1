"""Secrets are dull: not printed, copied, pickled, compared or hashed (attack EN-6)."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from siegel import AttachmentReader, AttachmentRef, Identity, SealingKeys
from siegel._core.chunked import HEADER_BYTES, ChunkDecryptor, ChunkEncryptor, ChunkOpener
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import MacKey, RecordKey, SealingSecretKey, SigningKey
from siegel.errors import InvalidArgument
from siegel.groups.key_tree import KeyTree
from siegel.store.group_storage import StoreStorage
from siegel.store.kept import StoredContacts, StoredSealingKeys
from siegel.store.keyring import Keyring
from siegel.store.keys import Passphrase, RecoveryWords
from siegel.store.memory_backend import MemoryBackend
from siegel.store.outbox import Outbox
from siegel.store.record_keys import ReadyKeys
from siegel.store.records import RecordSealer
from siegel.store.replay import ReplayGuard
from siegel.store.store import Store
from siegel.streams import StreamDecryptor, StreamEncryptor
from siegel.words import to_words
from tests.people import person, rotating, secret_of

HELD = secret_of("dull")


def holders() -> list[KeyObject]:
    """One object of each class that holds a secret."""
    secret = Secret(HELD)
    return [
        secret,
        SigningKey(secret),
        SealingSecretKey(secret),
        person("dull"),
        rotating("dull")[0],
        KeyTree.from_root(secret),
        StreamEncryptor(HELD, context=b""),
        StreamDecryptor(HELD, context=b""),
        ChunkEncryptor(secret, b""),
        ChunkDecryptor(secret, b""),
        ChunkOpener(secret, b"", StreamEncryptor(HELD, context=b"").finalize()[:HEADER_BYTES]),
        MacKey(secret),
        RecordKey(secret),
        AttachmentRef.create(role="main", key=secret, size=1, digest=HELD, name="dull", thumbnail=HELD),
        *holders_of_stores(),
    ]


def holders_of_stores() -> list[KeyObject]:
    """The same of the rooms of stores."""
    ring = Keyring.create(Secret(HELD), store_id=HELD[:16])
    store = Store.create(MemoryBackend(), key=HELD)
    sealer = RecordSealer(RecordKey(Secret(HELD)), kid=1, store_id=HELD[:16], collection=1)
    keys = [Passphrase(HELD.hex()), RecoveryWords(to_words(HELD)), ring, ReadyKeys(), sealer]
    kept = [StoreStorage(store), Outbox(store), ReplayGuard(store), StoredContacts(store)]
    return [
        *keys,
        store,
        store._ledger,
        store.collection("dull"),
        *kept,
        StoredSealingKeys(store, identity=person("dull")),
    ]


def test_every_class_that_holds_a_secret_is_tried() -> None:
    files = {AttachmentReader}  # it has lines, bytes and a dictionary like every file: tests/test_attachment_reader.py
    # These need a file or a thread, or have a length.
    elsewhere = {"SealedFile", "AsyncStore", "AsyncCollection", "StoreThread", "History"}
    found = {kind for kind in concrete(KeyObject) if kind.__name__ not in elsewhere}
    assert {type(holder) for holder in holders()} == found - files


def concrete(kind: type) -> set[type]:
    """The library's classes below it that have none below themselves."""
    subclasses: list[type] = kind.__subclasses__()
    below = [one for one in subclasses if one.__module__.startswith("siegel.")]
    return set[type]().union(*map(concrete, below)) if below else {kind}


@pytest.fixture(params=range(len(holders())), ids=lambda index: type(holders()[index]).__name__)
def holder(request: pytest.FixtureRequest) -> KeyObject:
    index: int = request.param
    return holders()[index]


def written(secret: bytes) -> list[str]:
    """How secret bytes could stand in a text."""
    return [repr(secret)[2:-1], secret.hex(), str(list(secret))[1:-1]]


@pytest.mark.parametrize("show", [repr, str, format, "%s".__mod__, lambda held: f"{held!r:>200}"])
def test_shows_nothing(holder: KeyObject, show: Callable[[object], str]) -> None:
    shown = show(holder)
    assert f"<{type(holder).__name__}" in shown
    assert not any(form in shown for form in written(HELD))


@pytest.mark.parametrize(
    "duplicate",
    [
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda held: copy.deepcopy([held]), id="deepcopy of what holds it"),
        *(
            pytest.param(partial(pickle.dumps, protocol=protocol), id=f"pickle {protocol}")
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_cannot_be_duplicated(holder: KeyObject, duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(holder)


def test_cannot_be_compared(holder: KeyObject) -> None:
    one: object = holder
    for other in (one, HELD, 1, None):
        with pytest.raises(TypeError, match="not comparable"):
            _ = one == other
        with pytest.raises(TypeError, match="not comparable"):
            _ = one != other
    with pytest.raises(TypeError):
        hash(one)
    with pytest.raises(TypeError):
        _ = {one}


@pytest.mark.parametrize("take", [vars, json.dumps, bytes, iter, len, dict, memoryview])
def test_is_no_container(holder: KeyObject, take: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        take(holder)


def test_has_no_place_for_more(holder: KeyObject) -> None:
    assert not hasattr(holder, "__dict__")
    with pytest.raises(AttributeError):
        holder.note = "seen"  # type: ignore[attr-defined]  # what must not work at run time either


def test_reveal_is_the_way_in() -> None:
    assert Secret(HELD).reveal() == HELD


@pytest.mark.parametrize("data", [bytearray(32), memoryview(bytes(32)), "text", None, 32])
def test_a_secret_is_made_of_bytes(data: Any) -> None:
    with pytest.raises(InvalidArgument):
        Secret(data)


def test_the_repr_names_the_user_and_no_more() -> None:
    identity = Identity.from_secret(HELD)
    assert repr(identity) == f"<Identity of {identity.user_id}>"
    assert repr(SealingKeys(identity)) == f"<SealingKeys of {identity.user_id}, 0 held>"
