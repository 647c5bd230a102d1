"""STO-17: what is wrong is listed, all of it; what still opens is given, even where a store does not open any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from siegel.errors import CorruptHeader, CorruptRecord, NewerFormat, StoreError, WrongKey
from siegel.store.backend import Row
from siegel.store.memory_backend import MemoryBackend
from siegel.store.records import Record
from siegel.store.store import Store
from siegel.store.verification import Fault, Verification
from tests.people import secret_of
from tests.store.records_at_hand import KEY, new_store

NOW = 1_800_000_000_000


def filled(backend: MemoryBackend) -> Store:
    store = new_store(backend)
    messages = store.collection("messages", index=["folder"])
    messages.put_many([(f"m{number}", f"text {number}".encode()) for number in range(700)])
    messages.put("found", b"by its field", index={"folder": "in"}, expires=NOW)
    store.collection("keys", scope="alice").put(b"k", b"secret")
    return store


def rows_of(store: Store, collection: str) -> dict[bytes, Row]:
    entry = next(entry for entry in store._ledger.catalogue.entries if entry.name == collection)
    held: dict[bytes, Row] = store._backend._rows[entry.number]  # type: ignore[attr-defined]  # the one in memory
    return held


def damaged(row: Row) -> Row:
    return row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))


# --- verify ----------------------------------------------------------------------------------------------------------


def test_a_store_without_faults() -> None:
    assert filled(MemoryBackend()).verify() == Verification(702, ())
    assert new_store().verify() == (0, ())
    assert new_store().verify().ok


def test_every_fault_is_listed_and_nothing_stops() -> None:
    store = filled(MemoryBackend())
    rows = rows_of(store, "messages")
    first, second, third = sorted(rows)[:3]
    rows[first], rows[second] = damaged(rows[first]), rows[second]._replace(day=3)
    del rows[third]
    (secret,) = rows_of(store, "keys")
    rows_of(store, "keys")[secret] = rows_of(store, "keys")[secret]._replace(revision=2)
    found = store.verify()
    assert found.records == 702 - 3
    assert not found.ok
    assert {(fault.collection, fault.record) for fault in found.faults} == {
        ("messages", first.hex()),
        ("messages", second.hex()),
        ("messages", None),
        ("keys", secret.hex()),
        ("keys", None),
    }
    assert Fault("messages", None, "has 700 records, and 701 were written") in found.faults
    assert Fault("keys", None, "has a record that is not the one written last") in found.faults


def test_a_collection_that_cannot_be_read_does_not_hide_the_others() -> None:
    backend = MemoryBackend()
    store = filled(backend)
    scan = backend.scan

    def failing(collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        if collection == 1:
            raise StoreError("a page is damaged")
        return scan(collection, after=after, limit=limit)

    backend.scan = failing  # type: ignore[method-assign]  # the disk
    found = store.verify()
    assert found.records == 1
    assert [fault.what for fault in found.faults] == ["cannot be read to its end: a page is damaged"]


def test_verifying_changes_nothing() -> None:
    backend = MemoryBackend()
    store = filled(backend)
    rows_of(store, "messages").popitem()
    before = backend.blocks(), backend.keys(), store.sequence
    assert not store.verify().ok
    assert (backend.blocks(), backend.keys(), store.sequence) == before
    store.collection("messages").put("goes on", b"")
    assert not store.verify().ok, "no writing heals it"


# --- salvage ---------------------------------------------------------------------------------------------------------


def salvaged(backend: MemoryBackend) -> dict[tuple[str, str | bytes], Record]:
    found = Store.salvage(backend, key=KEY)
    return {(name, record.key): record for name, record in found if not name.startswith("siegel/")}


def test_everything_that_opens_is_given() -> None:
    backend = MemoryBackend()
    store = filled(backend)
    whole = salvaged(backend)
    assert len(whole) == 702
    assert whole["messages", "found"] == Record("found", b"by its field", 1, NOW, {"folder": "in"})
    assert whole["keys", b"k"].value == b"secret"
    rows = rows_of(store, "messages")
    for name in sorted(rows)[:10]:
        rows[name] = damaged(rows[name])
    left = salvaged(backend)
    assert len(left) == 692
    assert left.items() <= whole.items()


@pytest.mark.parametrize("block", [None, b"", b"\x01damaged", bytes(200)])
def test_a_store_without_a_header_gives_its_records(block: bytes | None) -> None:
    backend = MemoryBackend()
    filled(backend)
    backend.put_block("header", block)
    with pytest.raises((CorruptHeader, NewerFormat)):
        Store.open(backend, key=KEY)
    assert len(salvaged(backend)) == 702


@pytest.mark.parametrize("name", ["slots", "catalogue"])
def test_without_what_is_needed_there_is_nothing(name: str) -> None:
    backend = MemoryBackend()
    filled(backend)
    block = backend.blocks()[name]
    for damage in (None, b"", block[:-1], block[:-1] + bytes([block[-1] ^ 1])):
        backend.put_block(name, damage)
        with pytest.raises(StoreError):
            salvaged(backend)


def test_nothing_without_the_key() -> None:
    backend = MemoryBackend()
    filled(backend)
    with pytest.raises(WrongKey):
        list(Store.salvage(backend, key=secret_of("another")))


def test_a_page_that_cannot_be_read_costs_its_own_records() -> None:
    backend = MemoryBackend()
    store = filled(backend)
    bad = sorted(rows_of(store, "messages"))[100]
    scan = backend.scan

    def failing(collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        page = scan(collection, after=after, limit=limit)
        if bad in [row.name for row in page]:
            raise CorruptRecord("a page is damaged")
        return page

    backend.scan = failing  # type: ignore[method-assign]  # the disk
    assert 690 <= len(salvaged(backend)) <= 701


def test_a_disk_that_reads_nothing_comes_to_an_end() -> None:
    backend = MemoryBackend()
    filled(backend)

    def failing(collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        raise StoreError(f"{collection}, {after.hex()}, {limit}: no disk")

    backend.scan = failing  # type: ignore[method-assign]  # as above
    assert salvaged(backend) == {}


def test_a_file_is_left_as_it_is(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        store.collection("c").put("a", b"1")
    before = (tmp_path / "s.db").read_bytes()
    found = Store.salvage(tmp_path / "s.db", key=KEY)
    assert [(name, record.key, record.value) for name, record in found] == [("c", "a", b"1")]
    assert (tmp_path / "s.db").read_bytes() == before
