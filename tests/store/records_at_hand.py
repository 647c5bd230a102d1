"""Sealed records, names and stores for the tests of data at rest: made once, and always the same."""

from __future__ import annotations

from siegel._core.secret import Secret
from siegel._core.suite import MacKey, RecordKey
from siegel.store.backend import Row
from siegel.store.memory_backend import MemoryBackend
from siegel.store.records import Content, RecordSealer
from siegel.store.store import Store
from tests.people import secret_of

KEY = secret_of("store")
STORE_ID = bytes(range(16))
COLLECTION = 7
KID = 0x01020304
NAME = b"name of a record"
SUMS = MacKey(Secret(secret_of("sums")))


def sealer(
    *, secret: bytes = KEY, kid: int = KID, store_id: bytes = STORE_ID, collection: int = COLLECTION
) -> RecordSealer:
    return RecordSealer(RecordKey(Secret(secret)), kid=kid, store_id=store_id, collection=collection)


def row(value: bytes = b"value", *, name: bytes = NAME, revision: int = 1) -> Row:
    content = Content("key", value, None, {})
    return Row(name, revision, sealer().seal(name, revision, content.encode()))


def new_store(backend: MemoryBackend | None = None) -> Store:
    return Store.create(backend or MemoryBackend(), key=KEY)
