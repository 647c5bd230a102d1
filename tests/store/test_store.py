"""A store from its creation to its end: keys, slots, collections, anchors, other processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from siegel.errors import (
    CorruptHeader,
    CorruptRecord,
    InvalidArgument,
    RollbackDetected,
    StateError,
    StoreError,
    WrongKey,
)
from siegel.store.anchor import FileAnchor
from siegel.store.keys import FLOOR, Passphrase, RecoveryWords
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.people import person, secret_of
from tests.store.records_at_hand import KEY, new_store

NOW = 1_800_000_000_000
DAY = 86_400_000


def reopened(path: Path | str, **named: object) -> Store:
    return Store.open(path, key=KEY, **named)  # type: ignore[arg-type]  # an anchor, or read_only


# --- beginning and end -----------------------------------------------------------------------------------------------


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        store.collection("messages").put("a", b"1")
        assert store.sequence == 3
        assert store.restores == 0
        assert not store.read_only
    with Store.open(str(tmp_path / "s.db"), key=KEY) as store:
        record = store.collection("messages").get("a")
        assert record is not None
        assert (record.key, record.value, record.revision) == ("a", b"1", 1)
        assert store.collections() == ("messages",)
        assert store.sequence == 3


def test_there_is_one_store_in_a_database(tmp_path: Path) -> None:
    store_id = Store.create(tmp_path / "s.db", key=KEY).store_id
    with pytest.raises(StateError, match="already"):
        Store.create(tmp_path / "s.db", key=secret_of("another"))
    assert reopened(tmp_path / "s.db").store_id == store_id
    with pytest.raises(StoreError, match="no store"):
        Store.open(MemoryBackend(), key=KEY)


def test_two_stores_share_nothing() -> None:
    assert new_store().store_id != new_store().store_id


@pytest.mark.parametrize("key", [person("alice"), KEY, Passphrase("correct horse"), RecoveryWords.generate()])
def test_each_kind_of_key_opens_what_it_made(key: object) -> None:
    backend = MemoryBackend()
    cost = FLOOR if isinstance(key, Passphrase) else None
    Store.create(backend, key=key, cost=cost).collection("c").put("a", b"1")  # type: ignore[arg-type]  # each kind
    assert Store.open(backend, key=key).collection("c").get("a") is not None  # type: ignore[arg-type]  # as above
    with pytest.raises(WrongKey):
        Store.open(backend, key=secret_of("another"))


def test_no_key_is_a_key() -> None:
    """Attack ST-11."""
    for key in (b"", bytes(32), b"short", "text", None):
        with pytest.raises(InvalidArgument):
            Store.create(MemoryBackend(), key=key)  # type: ignore[arg-type]  # what the test is about


def test_a_locked_store_has_no_keys() -> None:
    store = new_store()
    collection = store.collection("c")
    collection.put("a", b"1")
    store.lock()
    for attempt in (
        lambda: collection.get("a"),
        lambda: collection.put("a", b"2"),
        lambda: store.collection("c"),
        lambda: list(collection.scan()),
        store.verify,
        store.rotate,
        store.slots,
        store.sweep,
        lambda: store.transaction().__enter__(),
    ):
        with pytest.raises(StateError, match="locked"):
            attempt()
    store.close()


def test_a_store_is_not_closed_or_locked_in_the_middle() -> None:
    store = new_store()
    with store.transaction():
        for attempt in (store.close, store.lock):
            with pytest.raises(StateError, match="open"):
                attempt()
    store.close()


# --- collections -----------------------------------------------------------------------------------------------------


def test_a_collection_is_made_once(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s.db", key=KEY)
    store.collection("a").put("k", b"of a")
    store.collection("b").put("k", b"of b")
    before = store.sequence
    assert [store.collection(name).get("k").value for name in ("a", "b")] == [b"of a", b"of b"]  # type: ignore[union-attr]  # they are there
    assert store.sequence == before
    assert reopened(tmp_path / "s.db").collections() == ("a", "b")


def test_a_collection_whose_making_was_undone_takes_nothing() -> None:
    """Another collection has its number now."""
    store = new_store()
    lost = None
    with suppress(ZeroDivisionError), store.transaction():
        lost = store.collection("lost")
        _ = 1 // 0
    assert lost is not None
    other = store.collection("other")
    with pytest.raises(StateError, match="undone"):
        lost.put("a", b"1")
    other.put("a", b"1")
    assert store.collection("lost").get("a") is None


def test_names_of_fields_are_checked() -> None:
    store = new_store()
    for index in (["at"], [1]):
        with pytest.raises(InvalidArgument):
            store.collection("c", index=index)  # type: ignore[arg-type]  # what the test is about
    with pytest.raises(InvalidArgument):
        store.collection("c", index=[str(number) for number in range(25)])


# --- slots and rotation ----------------------------------------------------------------------------------------------


def test_slots_are_added_and_removed(tmp_path: Path) -> None:
    path, other = tmp_path / "s.db", RecoveryWords.generate()
    store = Store.create(path, key=KEY)
    (first,) = store.slots()
    second = store.add_slot(other)
    assert [slot.id for slot in store.slots()] == [first.id, second]
    Store.open(path, key=other).close()
    store.remove_slot(first.id)
    with pytest.raises(WrongKey):
        Store.open(path, key=KEY)
    assert [slot.id for slot in Store.open(path, key=other).slots()] == [second]
    with pytest.raises(InvalidArgument, match="last"):
        store.remove_slot(second)


def test_an_old_table_of_slots_is_not_taken() -> None:
    """Attack ST-2: a slot that was removed does not come back with its table."""
    backend = MemoryBackend()
    store = new_store(backend)
    other = RecoveryWords.generate()
    store.add_slot(other)
    old = backend.blocks()["slots"]
    store.remove_slot(store.slots()[0].id)
    backend.put_block("slots", old)
    for key in (KEY, other):
        with pytest.raises(CorruptHeader):
            Store.open(backend, key=key)


def test_rotation_wraps_again_and_changes_no_record() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    collections = [store.collection("c", scope=scope) for scope in (None, "a", "b")]
    for collection in collections:
        collection.put("k", b"1")
    rows, keys = backend.scan(1, limit=10), backend.keys()
    store.rotate()
    assert backend.scan(1, limit=10) == rows
    wrapped_again = backend.keys()
    assert [kid for kid, _ in wrapped_again] == [kid for kid, _ in keys]
    assert not set(wrapped_again) & set(keys)
    for each in (store, Store.open(backend, key=KEY)):
        assert all(each.collection("c", scope=scope).get("k") is not None for scope in (None, "a", "b"))
        assert each.verify().ok
    backend.put_keys(keys)  # resurrected from an old copy (attack ST-12)
    with pytest.raises(StoreError):
        Store.open(backend, key=KEY).collection("c").get("k")


# --- anchors ---------------------------------------------------------------------------------------------------------


def test_an_older_copy_is_noticed_by_the_anchor(tmp_path: Path) -> None:
    """Attack ST-4."""
    path, anchor = tmp_path / "s.db", FileAnchor(tmp_path / "anchor")
    with Store.create(path, key=KEY, anchor=anchor) as store:
        store.collection("c").put("a", b"old")
    copy = path.read_bytes()
    with reopened(path, anchor=anchor) as store:
        store.collection("c").put("a", b"new")
    path.write_bytes(copy)
    with pytest.raises(RollbackDetected, match="transaction 3, and was at 4"):
        reopened(path, anchor=anchor)
    with reopened(path, anchor=anchor, read_only=True) as store:
        assert store.read_only
        collection = store.collection("c")
        record = collection.get("a")
        assert record is not None
        assert record.value == b"old"
        for attempt in (
            lambda: collection.put("a", b"x"),
            lambda: collection.delete("a"),
            lambda: store.collection("new"),
            store.rotate,
            store.sweep,
        ):
            with pytest.raises(RollbackDetected):
                attempt()
        assert store.verify().ok
        store.acknowledge_restore()
        assert store.restores == 1
        assert store.sequence == 5
        collection.put("a", b"after")
    with reopened(path, anchor=anchor) as store:
        assert store.restores == 1
        assert store.verify().ok


def test_without_an_anchor_an_older_copy_is_not_noticed(tmp_path: Path) -> None:
    """Attack ST-4: as the documentation says."""
    path = tmp_path / "s.db"
    with Store.create(path, key=KEY) as store:
        store.collection("c").put("a", b"old")
    copy = path.read_bytes()
    with reopened(path) as store:
        store.collection("c").put("a", b"new")
    path.write_bytes(copy)
    record = reopened(path).collection("c").get("a")
    assert record is not None
    assert record.value == b"old"
    assert "anchor" in str(Store.__doc__)


def test_another_past_is_noticed_by_the_anchor(tmp_path: Path) -> None:
    """Two copies that went different ways, with one more transaction, or as many."""
    path, anchor = tmp_path / "s.db", FileAnchor(tmp_path / "anchor")
    with Store.create(path, key=KEY, anchor=anchor) as store:
        store.collection("c")
    copy = path.read_bytes()
    with reopened(path, anchor=anchor) as store:
        store.collection("c").put("a", b"1")
    for further in (1, 2):
        path.write_bytes(copy)
        with reopened(path) as store:
            for _ in range(further):
                store.collection("c").put("a", b"other")
        with pytest.raises(RollbackDetected):
            reopened(path, anchor=anchor)


def test_an_anchor_that_was_emptied_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store.create(path, key=KEY, anchor=FileAnchor(tmp_path / "anchor")).close()
    (tmp_path / "anchor").unlink()
    with pytest.raises(RollbackDetected, match="knows nothing"):
        reopened(path, anchor=FileAnchor(tmp_path / "anchor"))
    with reopened(path, anchor=FileAnchor(tmp_path / "anchor"), read_only=True) as store:
        store.acknowledge_restore()
    reopened(path, anchor=FileAnchor(tmp_path / "anchor")).close()


def test_an_anchor_may_be_behind_by_a_crash(tmp_path: Path) -> None:
    path, anchor = tmp_path / "s.db", FileAnchor(tmp_path / "anchor")
    Store.create(path, key=KEY, anchor=anchor).close()
    with reopened(path) as store:  # as if the power went after COMMIT
        store.collection("c")
    with reopened(path, anchor=anchor) as store:
        store.collection("c").put("a", b"1")
        assert anchor.get() == (store.sequence, store._ledger.state.position[1])


class _Broken:
    def get(self) -> None:
        return None

    def advance(self, sequence: int, digest: bytes) -> None:
        raise OSError(f"no answer to {sequence}, {digest.hex()}")


def test_an_anchor_that_does_not_answer_is_told_of_and_loses_nothing() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    store._ledger._anchor = _Broken()
    with pytest.raises(StoreError, match="kept, but the anchor") as caught:
        collection.put("a", b"1")
    assert isinstance(caught.value.__cause__, OSError)
    assert collection.get("a") is not None
    assert Store.open(backend, key=KEY).verify().ok


def test_nothing_to_acknowledge() -> None:
    with pytest.raises(StateError, match="no rollback"):
        new_store().acknowledge_restore()


def test_read_only_by_choice() -> None:
    backend = MemoryBackend()
    new_store(backend).collection("c").put("a", b"1")
    store = Store.open(backend, key=KEY, read_only=True)
    assert store.collection("c").get("a") is not None
    for attempt in (lambda: store.collection("c").put("a", b"2"), store.rotate, store.acknowledge_restore):
        with pytest.raises(StateError):
            attempt()


# --- the application's own connection --------------------------------------------------------------------------------


def own(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS ours (text TEXT)")
    return connection


def count(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("SELECT count(*) FROM ours").fetchone()
    return int(found)


def test_the_applications_statements_go_with_the_stores_transaction(tmp_path: Path) -> None:
    connection = own(tmp_path / "app.db")
    store = Store.create(connection, key=KEY)
    collection = store.collection("c")
    with store.transaction():
        connection.execute("INSERT INTO ours VALUES ('a')")
        collection.put("a", b"1")
    with suppress(ZeroDivisionError), store.transaction():
        connection.execute("INSERT INTO ours VALUES ('b')")
        collection.put("b", b"2")
        _ = 1 // 0
    assert count(connection) == 1
    assert [record.key for record in collection.scan()] == ["a"]
    assert store.verify().ok


def test_the_store_goes_with_the_applications_transaction(tmp_path: Path) -> None:
    connection, anchor = own(tmp_path / "app.db"), FileAnchor(tmp_path / "anchor")
    store = Store.create(connection, key=KEY, anchor=anchor)
    collection = store.collection("c")
    collection.put("a", b"1")
    told = anchor.get()
    for ending in ("ROLLBACK", "COMMIT", "ROLLBACK"):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO ours VALUES ('a')")
        collection.put("a", ending.encode())
        collection.put(ending, b"new")
        store.collection("d", scope=ending).put("a", b"under a key of its own")
        assert anchor.get() == told, "it is not on the disk yet"
        connection.execute(ending)
        assert store.verify().ok
    assert count(connection) == 1
    assert {record.key for record in collection.scan()} == {"a", "COMMIT"}
    record = collection.get("a")
    assert record is not None
    assert (record.value, record.revision) == (b"COMMIT", 2)
    assert store.collection("d", scope="ROLLBACK").get("a") is None
    store.collection("d", scope="ROLLBACK").put("a", b"again")
    now = anchor.get()
    assert now is not None
    assert now[0] == store.sequence
    assert Store.open(connection, key=KEY, anchor=anchor).verify().ok


def test_at_the_end_the_anchor_hears_of_what_the_application_committed(tmp_path: Path) -> None:
    connection, anchor = own(tmp_path / "app.db"), FileAnchor(tmp_path / "anchor")
    store = Store.create(connection, key=KEY, anchor=anchor)
    connection.execute("BEGIN")
    store.collection("c").put("a", b"1")
    connection.execute("COMMIT")
    told, sequence = anchor.get(), store.sequence
    store.close()
    assert told is not None
    assert told[0] < sequence
    assert anchor.get() is not None
    assert anchor.get()[0] == sequence  # type: ignore[index]  # it was told


# --- other processes -------------------------------------------------------------------------------------------------


def test_two_openings_of_one_file_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    one = Store.create(path, key=KEY)
    other = reopened(path)
    one.collection("c").put("a", b"1")
    theirs = other.collection("c", scope="s")
    theirs.put("a", b"2")
    one.collection("c", scope="s").put("b", b"3")
    other.collection("d", index=["f"]).put("a", b"4", index={"f": "x"})
    one.rotate()
    theirs.put("c", b"5")
    assert {r.key for r in one.collection("c", scope="s").scan()} == {"a", "b", "c"}
    assert [r.key for r in one.collection("d", index=["f"]).find(f="x")] == ["a"]
    assert one.verify().ok
    assert other.verify().ok
    assert one.sequence == other.sequence


def test_an_older_copy_under_an_open_store_is_noticed(tmp_path: Path) -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    old = backend.blocks()
    collection.put("a", b"1")
    for name, block in old.items():
        backend.put_block(name, block)
    backend.changed = lambda: True  # type: ignore[method-assign]  # as if another process had written it
    with pytest.raises(RollbackDetected):
        collection.put("a", b"2")
    assert store.read_only


PROCESS = """
import sys
from siegel.errors import Conflict, StoreLocked
from siegel.store.store import Store
store = Store.open(sys.argv[1], key=bytes.fromhex(sys.argv[2]))
counter = store.collection("counters", scope=sys.argv[3])
shared = store.collection("shared", strict=True)
for number in range(60):
    counter.put(str(number), b"")
    while True:
        held = shared.get("counter")
        try:
            shared.put("counter", b"%d" % (int(held.value) + 1 if held else 1), expected=held.revision if held else 0)
        except (Conflict, StoreLocked):
            continue
        break
    print(held.revision + 1 if held else 1)
assert store.verify().ok
"""


def test_two_processes_never_take_one_number(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store.create(path, key=KEY) as store:
        store.collection("counters")
        store.collection("shared")
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(path), KEY.hex(), name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "other")
    ]
    numbers = [int(line) for process in processes for line in process.communicate(timeout=120)[0].split()]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(numbers) == list(range(1, 121))
    with reopened(path) as store:
        record = store.collection("shared").get("counter")
        assert record is not None
        assert (record.value, record.revision) == (b"120", 120)
        assert all(len(list(store.collection("counters", scope=name).scan())) == 60 for name in ("one", "other"))
        assert store.verify().ok


# --- what lies on the disk -------------------------------------------------------------------------------------------


def test_nothing_readable_lies_on_the_disk(tmp_path: Path) -> None:
    """Attack ST-10: ids, names, values, fields, scopes, in every file and in the log."""
    words = ("canary-collection", "canary-key", "canary-value", "canary-scope", "canary-field", "canary-index")
    collection, key, value, scope, field, index = words
    path = tmp_path / "s.db"
    with Store.create(path, key=Passphrase("canary-passphrase"), cost=FLOOR) as store:
        records = store.collection(collection, scope=scope, index=[field])
        for number in range(50):
            records.put(f"{key}-{number}", value.encode() * 20, index={field: index}, expires=NOW)
        store.rotate()
        lying = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert "s.db-wal" in lying
    lying |= {f"{file.name}, closed": file.read_bytes() for file in tmp_path.iterdir()}
    for name, data in lying.items():
        for word in ("canary", *words):
            assert word.encode() not in data, (name, word)
            assert word.encode("utf-16-le") not in data, (name, word)
            assert word.encode().hex().encode() not in data, (name, word)


# --- expiry ----------------------------------------------------------------------------------------------------------


def test_sweep_deletes_what_is_expired_and_nothing_else() -> None:
    store = new_store()
    collection = store.collection("c")
    for hours in range(-30, 31):
        collection.put(str(hours), b"", expires=NOW + hours * 3_600_000)
    collection.put("for ever", b"")
    assert store.sweep(at=NOW) == 31
    assert store.sweep(at=NOW) == 0
    assert {record.key for record in collection.scan(at=0)} == {"for ever", *(str(h) for h in range(1, 31))}
    assert store.verify().ok


def test_sweep_looks_beyond_what_may_not_go_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siegel.store.retention.PAGE", 4)
    store = new_store()
    collection = store.collection("c")
    start = NOW // DAY * DAY
    for number in range(20):
        collection.put(f"later {number}", b"", expires=start + DAY - 1)
    for number in range(9):
        collection.put(f"now {number}", b"", expires=start + 5)
    assert store.sweep(at=start + 10) == 9
    assert len(list(collection.scan(at=0))) == 20


def test_sweep_does_not_believe_the_database() -> None:
    """The day in the clear is moved: nothing is deleted before its time, and what was moved out of sight is told."""
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    collection.put("a", b"", expires=NOW)
    (row,) = backend.scan(1, limit=9)
    backend._rows[1][row.name] = row._replace(day=1)
    assert store.sweep(at=NOW - 1) == 0
    assert [fault.what for fault in store.verify().faults] == ["its day of expiry is not the one that it says"]
    assert store.sweep(at=NOW) == 1


def test_sweep_leaves_what_is_damaged() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    collection.put("a", b"", expires=NOW)
    (row,) = backend.scan(1, limit=9)
    backend._rows[1][row.name] = row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))
    assert store.sweep(at=NOW) == 0
    with pytest.raises(CorruptRecord):
        collection.get("a")
