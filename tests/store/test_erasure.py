"""ERA-1 … ERA-6: a scope is erased with its keys, and nothing else is; what is held stays; what expired goes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from siegel._core.suite import MacKey
from siegel.errors import (
    CorruptHeader,
    CorruptRecord,
    InvalidArgument,
    KeyUnavailable,
    ScopeHeld,
    StateError,
    StoreError,
)
from siegel.store.anchor import FileAnchor
from siegel.store.backend import Backend
from siegel.store.header import CATALOGUE, HEADER, SLOTS, open_catalogue
from siegel.store.keyring import Keyring, header_key
from siegel.store.memory_backend import MemoryBackend
from siegel.store.postgres_backend import PostgresBackend
from siegel.store.scopes import SCOPES, Scope
from siegel.store.slots import unlock
from siegel.store.sqlite_backend import SqliteBackend
from siegel.store.store import Store
from tests.store.conftest import Opener
from tests.store.failing import FailingBackend
from tests.store.records_at_hand import KEY, new_store

NOW = 1_800_000_000_000
DAY = 86_400_000


def filled(backend: Backend) -> Store:
    store = Store.create(backend, key=KEY)
    for scope in ("anna", "bert", None):
        store.collection("messages", scope=scope, index=("folder",)).put("1", b"text", index={"folder": "in"})
        store.collection("files", scope=scope).put_many([(str(number), b"file") for number in range(5)])
    return store


def contents(store: Store, scope: str | None) -> int:
    return sum(len(list(store.collection(name, scope=scope).scan())) for name in ("messages", "files"))


# --- erasing ---------------------------------------------------------------------------------------------------------


def test_a_scope_is_erased_and_no_other(opener: Opener) -> None:
    store = filled(opener.fresh())
    report = store.erase("anna", at=NOW)
    assert (report.records, report.damaged, report.keys, report.lost) == (7, 0, 3, 0)  # one record is the scope's name
    assert (report.at, report.sequence, report.store_id, report.undone) == (NOW, store.sequence, store.store_id, ())
    assert contents(store, "anna") == 0
    assert not list(store.collection("messages", scope="anna", index=("folder",)).find(folder="in"))
    assert contents(store, "bert") == contents(store, None) == 6
    assert store.scopes() == (Scope("bert"),)
    assert store.verify().ok
    if opener.keeps:
        store.close()
        store = Store.open(opener.again(), key=KEY)
        assert (contents(store, "anna"), contents(store, "bert")) == (0, 6)
        assert store.verify().ok


def test_an_erased_scope_can_be_written_again(opener: Opener) -> None:
    store = filled(opener.fresh())
    collection = store.collection("messages", scope="anna")
    store.erase("anna")
    assert collection.get("1") is None
    assert collection.put("1", b"new") == 1
    assert store.scopes() == (Scope("anna"), Scope("bert"))
    assert store.verify().ok


def test_erasing_twice_does_no_harm(opener: Opener) -> None:
    store = filled(opener.fresh())
    first = store.erase("anna")
    second = store.erase("anna")
    assert (second.records, second.keys) == (0, 0)
    assert second.epoch == first.epoch + 1
    assert store.erase("nobody").records == 0
    assert contents(store, "bert") == 6


def test_more_rows_than_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siegel.store.erasure.PAGE", 4)
    store = new_store()
    store.collection("c", scope="anna").put_many([(str(number), b"") for number in range(21)])
    assert store.erase("anna").records == 22
    assert store.verify().ok


def test_a_strict_collection_knows_of_it() -> None:
    store = new_store()
    strict = store.collection("c", scope="anna", strict=True)
    strict.put("a", b"1")
    assert strict.get("a") is not None
    store.erase("anna")
    assert strict.get("a") is None
    assert list(strict.scan()) == []


def test_the_report_says_what_was_done_and_what_cannot_be(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY, anchor=FileAnchor(tmp_path / "anchor")) as store:
        store.collection("c", scope="anna").put("a", b"1")
        report = store.erase("anna", at=NOW)
        assert FileAnchor(tmp_path / "anchor").get() == store._ledger.state.position
    text = str(report)
    for words in ("2 records deleted", "2 data keys destroyed", "epoch 2 begun", "the anchor told", "write-ahead log"):
        assert words in text
    for words in ("Out of reach", "backups", "flash", str(NOW), report.scope_id.hex()):
        assert words in text
    assert "anna" not in text + repr(report)


def test_a_database_that_cannot_be_cleaned_is_told_and_the_keys_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryBackend()
    store = filled(backend)

    def full() -> tuple[str, ...]:
        raise StoreError("the disk is full")

    monkeypatch.setattr(backend, "scrub", full)
    report = store.erase("anna")
    assert report.undone == ("the database's files could not be cleaned: the disk is full",)
    assert "Failed" in str(report)
    assert contents(store, "anna") == 0


def test_damaged_records_go_too_and_are_counted() -> None:
    backend = MemoryBackend()
    store = filled(backend)
    kids = store._ledger.keyring.kids(scope=store._ledger.keyring.scope_id("anna"))
    rows = [found for kid in kids for found in backend.of_key(kid, limit=9)]
    names = {entry.number: entry.name for entry in store._ledger.catalogue.entries}
    number, row = next((number, row) for number, row in rows if names[number] != SCOPES)
    backend._rows[number][row.name] = row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))
    report = store.erase("anna")
    assert (report.records, report.damaged) == (7, 1)
    assert not any(backend.of_key(kid, limit=1) for kid in kids)
    assert not store.verify().ok  # what stood there last was never read: the sum does not forget it


def test_keys_that_were_damaged_before_are_told() -> None:
    backend = MemoryBackend()
    filled(backend).close()
    keyring = Store.open(backend, key=KEY)._ledger.keyring
    (kid, *_) = keyring.kids(scope=keyring.scope_id("bert"))
    backend.put_keys([(kid, b"damaged")])
    store = Store.open(backend, key=KEY)
    assert store.erase("anna").lost == 1


def test_erasing_is_a_transaction_of_its_own(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    store = Store.create(connection, key=KEY)
    store.collection("c", scope="anna").put("a", b"1")
    with pytest.raises(StateError, match="its own"), store.transaction():
        store.erase("anna")
    connection.execute("BEGIN")
    with pytest.raises(StateError, match="application"):
        store.erase("anna")
    connection.execute("ROLLBACK")
    record = store.collection("c", scope="anna").get("a")
    assert record is not None
    assert store.erase("anna").records == 2


def test_what_fails_before_its_end_erases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryBackend()
    store = filled(backend)

    def fails(*_: object) -> int:
        raise StoreError("no")

    with monkeypatch.context() as patched:
        patched.setattr(backend, "delete_keys", fails)
        with pytest.raises(StoreError):
            store.erase("anna")
    assert contents(store, "anna") == 6
    assert store.verify().ok
    assert store.erase("anna").records == 7


def test_a_scope_has_a_name() -> None:
    store = new_store()
    for scope in (None, 7, b"anna"):
        with pytest.raises(InvalidArgument):
            store.erase(scope)  # type: ignore[arg-type]  # what the test is about


def test_other_processes_notice(tmp_path: Path) -> None:
    one = Store.create(tmp_path / "s.db", key=KEY)
    one.collection("c", scope="anna").put("a", b"1")
    other = Store.open(tmp_path / "s.db", key=KEY)
    assert other.collection("c", scope="anna").get("a") is not None
    one.erase("anna")
    assert other.collection("c", scope="anna").get("a") is None
    other.collection("c", scope="anna").put("b", b"2")
    assert one.verify().ok
    assert one.scopes() == (Scope("anna"),)


def test_over_a_server_nothing_that_another_process_wrote_is_forgotten_or_lost(postgres_address: str) -> None:
    backends = PostgresBackend(postgres_address, create=True), PostgresBackend(postgres_address)
    one = Store.create(backends[0], key=KEY)
    one.collection("c", scope="anna").put("a", b"1")
    other = Store.open(backends[1], key=KEY)
    for scope in ("anna", "bert"):
        other.collection("d", scope=scope).put("a", f"of {scope}".encode())
    assert one.erase("anna").records == 3  # under keys that it had not seen
    one.rotate()
    for store in (one, other):
        record = store.collection("d", scope="bert").get("a")
        assert record is not None
        assert record.value == b"of bert"
        assert store.collection("d", scope="anna").get("a") is None
        assert store.scopes() == (Scope("bert"),)
        assert store.verify().ok
    for backend in backends:
        backend.close()


@pytest.mark.parametrize("late", [False, True])
def test_a_crash_at_any_call_erases_all_or_nothing(*, late: bool) -> None:
    call, ends = 0, set[int]()
    while True:
        call += 1
        backend = FailingBackend(MemoryBackend())
        store = filled(backend.whole)
        before = store._ledger.keyring.epoch
        backend.arm(call, late=late)
        with suppress(StoreError):
            store.erase("anna")
        if backend.calls < call:
            break
        found = Store.open(backend.crashed(), key=KEY)
        erased = found._ledger.keyring.epoch > before
        ends.add(contents(found, "anna"))
        assert contents(found, "anna") == (0 if erased else 6)
        assert contents(found, "bert") == 6
        assert len(found.scopes()) == (1 if erased else 2)
        assert found.verify().ok
    assert call > 10
    assert ends == ({0, 6} if late else {6})


# --- what is left on the disk ----------------------------------------------------------------------------------------


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_nothing_of_an_erased_scope_is_left_in_any_file(tmp_path: Path) -> None:
    """Rows, names, tags, wrapped keys and the old epoch's key stood in the files before, and do not any more."""
    folder = tmp_path / "live"
    folder.mkdir()
    store = Store.create(folder / "s.db", key=KEY)
    for scope in ("scope-canary", "bert"):
        collection = store.collection("messages", scope=scope, index=("folder",))
        for number in range(50):
            collection.put(f"key-canary-{number}", b"value-canary" * 40, index={"folder": f"folder-canary-{number}"})
        collection.put("key-canary-1", b"another-canary")
        collection.delete("key-canary-2")
    backend, ledger = store._backend, store._ledger
    kids = ledger.keyring.kids(scope=ledger.keyring.scope_id("scope-canary"))
    rows = [row for kid in kids for _, row in backend.of_key(kid, limit=1_000)]
    wraps = [wrapped[-112:] for kid, wrapped in list(backend.keys()) if kid in kids]
    traces = [trace for row in rows for trace in (row.name, row.value[5:])]
    traces += [*wraps, backend.blocks()[CATALOGUE], ledger.keyring.scope_id("scope-canary")]
    before = all_bytes(folder)
    assert len(rows) > 40
    assert all(trace in before for trace in traces)

    store.erase("scope-canary")
    after = all_bytes(folder)
    assert [trace.hex() for trace in traces if trace in after] == []
    store.close()
    after = all_bytes(folder)
    assert [trace.hex() for trace in traces if trace in after] == []
    assert not any(word in before + after for word in (b"canary", b"scope-", b"folder-"))


def test_a_log_that_a_reader_keeps_is_not_told_as_cut(tmp_path: Path) -> None:
    store = Store.create(SqliteBackend(tmp_path / "s.db", create=True, timeout=0.01), key=KEY)
    store.collection("c", scope="anna").put("a", b"1")
    reader = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM siegel_record").fetchone()
    assert not any("cut to nothing" in step for step in store.erase("anna").steps)
    reader.close()
    assert any("cut to nothing" in step for step in store.erase("anna").steps)


def test_an_old_copy_of_the_file_opens_nothing_of_it_beside_the_new_header(tmp_path: Path) -> None:
    path, old = tmp_path / "s.db", tmp_path / "old.db"
    store = Store.create(path, key=KEY)
    for scope in ("anna", "bert"):
        store.collection("c", scope=scope).put("a", f"of {scope}".encode())
    store.close()
    shutil.copy(path, old)
    store = Store.open(path, key=KEY)
    kids = store._ledger.keyring.kids(scope=store._ledger.keyring.scope_id("anna"))
    store.erase("anna")
    blocks, store_id = store._backend.blocks(), store.store_id
    store.close()
    assert ("c", b"of anna") in salvaged(old)  # the copy alone, and the key: out of reach, as the report says

    with sqlite3.connect(old) as copy:
        for name in (HEADER, CATALOGUE, SLOTS):
            copy.execute("UPDATE siegel_block SET data = ? WHERE name = ?", (blocks[name], name.encode()))
        keys = [(int(kid), bytes(wrapped)) for kid, wrapped in copy.execute("SELECT kid, wrapped FROM siegel_key")]
    copy.close()
    assert not any(value == b"of anna" for _, value in salvaged(old))
    with Store.open(old, key=KEY) as opened, pytest.raises(CorruptHeader):
        opened.collection("c", scope="anna").get("a")

    root = unlock(blocks[SLOTS], KEY, store_id=store_id)
    catalogue = open_catalogue(blocks[CATALOGUE], MacKey(header_key(root, store_id=store_id)), store_id)
    keyring = Keyring.decode(catalogue.keyring, root=root, store_id=store_id)
    keyring.load(keys)
    for kid in kids:
        with pytest.raises((CorruptHeader, KeyUnavailable)):
            keyring.key(kid)


def salvaged(path: Path) -> list[tuple[str, bytes]]:
    return [(name, record.value) for name, record in Store.salvage(path, key=KEY)]


# --- scopes and their names ------------------------------------------------------------------------------------------


def test_scopes_are_known_by_name_once_they_have_records(opener: Opener) -> None:
    store = Store.create(opener.fresh(), key=KEY)
    collection = store.collection("c", scope="anna")
    assert store.scopes() == ()
    collection.put("a", b"")
    store.collection("d", scope="anna").put("a", b"")
    store.collection("c").put("a", b"")
    assert store.scopes() == (Scope("anna"),)
    assert store.collections() == ("c", "d")


def test_a_transaction_that_is_undone_names_nobody() -> None:
    store = new_store()
    collection = store.collection("c", scope="anna")
    with suppress(ZeroDivisionError), store.transaction():
        collection.put("a", b"")
        assert store.scopes() == (Scope("anna"),)
        raise ZeroDivisionError
    assert store.scopes() == ()
    collection.put("a", b"")
    assert store.scopes() == (Scope("anna"),)


def test_a_record_that_names_no_scope_is_corrupt() -> None:
    store = new_store()
    store.collection("c", scope="anna").put("a", b"")
    store.collection(SCOPES, scope="anna").put("scope", b"anna")
    with pytest.raises(CorruptRecord):
        store.scopes()


# --- legal hold ------------------------------------------------------------------------------------------------------


def test_what_is_held_is_not_erased(opener: Opener) -> None:
    store = filled(opener.fresh())
    store.hold("anna", at=NOW)
    store.hold("anna", at=NOW + 1)
    assert store.scopes()[0] == Scope("anna", NOW)
    with pytest.raises(ScopeHeld):
        store.erase("anna")
    assert contents(store, "anna") == 6
    assert store.erase("bert").records == 7
    store.release("anna")
    store.release("nobody")
    assert store.erase("anna").records == 7


def test_a_scope_can_be_held_before_it_has_records() -> None:
    store = new_store()
    store.hold("anna", at=NOW)
    store.collection("c", scope="anna").put("a", b"")
    with pytest.raises(ScopeHeld):
        store.erase("anna")


def test_a_hold_that_was_damaged_may_have_been_one() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    store.collection("c", scope="anna").put("a", b"", expires=NOW)
    store.hold("anna")
    number = next(entry.number for entry in store._ledger.catalogue.entries if entry.name == SCOPES)
    (row,) = backend.scan(number, limit=2)
    backend._rows[number][row.name] = row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))
    assert store.sweep(at=NOW + DAY) == 0
    with pytest.raises(CorruptRecord):
        store.erase("anna")


# --- retention -------------------------------------------------------------------------------------------------------


def test_a_life_is_the_expiry_of_what_has_none(opener: Opener) -> None:
    store = Store.create(opener.fresh(), key=KEY)
    collection = store.collection("c", scope="anna", life=DAY)
    collection.put("a", b"", at=NOW)
    collection.put("b", b"", expires=NOW + 3 * DAY, at=NOW)
    collection.put_many([("c", b"")], at=NOW + 1)
    store.collection("c", scope="bert").put("a", b"", at=NOW)
    found = {record.key: record.expires for record in collection.scan(at=NOW)}
    assert found == {"a": NOW + DAY, "b": NOW + 3 * DAY, "c": NOW + DAY + 1}
    assert store.sweep(at=NOW + DAY) == 1
    assert store.sweep(at=NOW + 2 * DAY) == 1
    assert [record.key for record in collection.scan(at=0)] == ["b"]
    assert len(list(store.collection("c", scope="bert").scan(at=0))) == 1
    assert store.verify().ok


def test_what_is_held_is_not_swept() -> None:
    store = new_store()
    for scope in ("anna", "bert", None):
        store.collection("c", scope=scope).put("a", b"", expires=NOW)
    store.hold("anna")
    assert store.sweep(at=NOW + DAY) == 2
    assert store.collection("c", scope="anna").get("a", at=NOW + DAY) is None  # kept, and not given out
    store.release("anna")
    assert store.sweep(at=NOW + DAY) == 1


def test_a_life_is_a_length_of_time() -> None:
    for life in (0, -1, 1.5, True, 2**60):
        with pytest.raises(InvalidArgument):
            new_store().collection("c", life=life)  # type: ignore[arg-type]  # what the test is about
