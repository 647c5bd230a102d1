"""What only the backend in SQLite has: its file, its tables, and the application's connection beside it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from siegel.errors import (
    CorruptHeader,
    CorruptRecord,
    NewerFormat,
    SerializationFailure,
    StateError,
    StoreError,
    StoreLocked,
)
from siegel.store import sqlite_tables
from siegel.store.sqlite_backend import SqliteBackend
from tests.store.rows import as_read, name, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def backend(path: Path) -> Iterator[SqliteBackend]:
    with closing(SqliteBackend(path, create=True)) as backend:
        yield backend


# --- its file --------------------------------------------------------------------------------------------------------


def test_only_its_owner_reads_its_files(path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(SqliteBackend(str(path), create=True)) as backend:
            backend.put(1, [(row(1), 0)])
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_a_store_is_not_made_by_opening_it(path: Path) -> None:
    with pytest.raises(StoreError, match="no file"):
        SqliteBackend(path)
    assert not path.exists()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(StoreError, match="no store"):
        SqliteBackend(path)


def test_a_store_that_is_there_is_opened_by_making_it(backend: SqliteBackend, path: Path) -> None:
    backend.put(1, [(row(1), 0)])
    with closing(SqliteBackend(path, create=True)) as again:
        assert again.scan(1, limit=9) == [row(1)]


def test_a_commit_is_on_the_disk_when_it_returns(backend: SqliteBackend) -> None:
    assert backend._session.run("PRAGMA synchronous") == [(2,)]
    assert backend._session.run("PRAGMA fullfsync") == [(1,)]
    assert backend._session.run("PRAGMA journal_mode") == [("wal",)]


def test_a_schema_that_was_changed_has_no_power(backend: SqliteBackend) -> None:
    assert backend._session.run("PRAGMA trusted_schema") == [(0,)]
    assert backend._session.run("PRAGMA cell_size_check") == [(1,)]


def test_another_connection_that_wrote_is_noticed_once(backend: SqliteBackend, path: Path) -> None:
    backend.put(1, [(row(1), 0)])
    assert not backend.changed(), "its own writing"
    with closing(SqliteBackend(path)) as other:
        assert not other.changed()
        other.put(1, [(row(2), 0)])
    assert backend.changed()
    assert not backend.changed()


def test_what_is_deleted_is_gone_from_the_files(backend: SqliteBackend, path: Path) -> None:
    canary = os.urandom(16)
    backend.put(1, [(row(1, content=canary * 400), 0), (row(2), 0)])
    backend.put_keys([(1, canary)])
    backend.put_block("slots", canary)
    assert canary in on_disk(path)
    backend.delete(1, [(name(1), 1)])
    backend.delete_keys([1])
    backend.put_block("slots", None)
    assert canary in on_disk(path), "the log has it still"
    assert len(backend.scrub()) == 2
    assert canary not in on_disk(path)
    assert backend.scan(1, limit=9) == [row(2)]


def test_a_step_that_a_reader_prevents_is_not_told(path: Path) -> None:
    with (
        closing(SqliteBackend(path, create=True, timeout=0.1)) as backend,
        closing(sqlite3.connect(path)) as reader,
    ):
        backend.put_block("header", b"before")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM siegel_block").fetchall()
        backend.put_block("header", b"after")
        assert [step for step in backend.scrub() if "log" in step] == []
        reader.rollback()
        assert len(backend.scrub()) == 2


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


# --- its tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE siegel_record ADD COLUMN more BLOB",
        "DROP INDEX siegel_record_key",
        "DROP TABLE siegel_tag",
        "CREATE INDEX siegel_more ON siegel_record (value)",
        "CREATE TRIGGER planted AFTER INSERT ON siegel_record BEGIN DELETE FROM siegel_key; END",
    ],
)
def test_tables_of_another_shape_are_left_as_they_are(backend: SqliteBackend, path: Path, change: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute(change)
        before = other.execute("SELECT * FROM sqlite_schema").fetchall()
        for create in (False, True):
            with pytest.raises(StoreError, match="is not as this library makes it"):
                SqliteBackend(path, create=create)
        assert other.execute("SELECT * FROM sqlite_schema").fetchall() == before


def test_tables_of_a_newer_version_are_left_as_they_are(backend: SqliteBackend, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("ALTER TABLE siegel_record ADD COLUMN more BLOB")
        other.execute("UPDATE siegel_format SET version = 2")
        other.commit()
    with pytest.raises(NewerFormat) as caught:
        SqliteBackend(path, create=True)
    assert caught.value.version == 2


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (sqlite_tables.GET_ONE, 2),
        (sqlite_tables.GET_SOME[8], 9),
        (sqlite_tables.GET_SOME[64], 65),
        (sqlite_tables.SCAN, 3),
        (sqlite_tables.FIND, 5),
        (sqlite_tables.EXPIRED, 2),
        (sqlite_tables.OF_KEY, 2),
        (sqlite_tables.COUNT, 1),
        (sqlite_tables.REPLACE, 6),
        (sqlite_tables.DELETE, 3),
        (sqlite_tables.UNTAG, 2),
    ],
)
def test_every_question_has_an_index(backend: SqliteBackend, statement: str, values: int) -> None:
    plan = [step for *_, step in backend._session.run("EXPLAIN QUERY PLAN " + statement, *[b""] * values)]
    assert all(step.startswith("SEARCH") for step in plan), plan


@pytest.mark.parametrize(
    ("change", "ask"),
    [
        ("UPDATE siegel_record SET name = x'00'", lambda backend: backend.scan(1, limit=9)),
        ("UPDATE siegel_record SET revision = 0", lambda backend: backend.get(1, [name(1)])),
        ("UPDATE siegel_record SET revision = -1", lambda backend: backend.of_key(7, limit=9)),
    ],
)
def test_a_row_that_this_library_did_not_write(
    backend: SqliteBackend, path: Path, change: str, ask: Callable[[SqliteBackend], object]
) -> None:
    backend.put(1, [(row(1), 0)])
    with closing(sqlite3.connect(path)) as other:
        other.execute(change)
        other.commit()
    with pytest.raises(CorruptRecord):
        ask(backend)


# --- the application's connection ------------------------------------------------------------------------------------

CONNECTIONS: dict[str, dict[str, Any]] = {
    str(level): {"isolation_level": level} for level in (None, "", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")
}
if sys.version_info >= (3, 12):
    CONNECTIONS |= {f"autocommit {value}": {"autocommit": value} for value in (True, False)}
ALWAYS_IN_TRANSACTION = "autocommit False"


@pytest.fixture(params=CONNECTIONS)
def application(request: pytest.FixtureRequest, path: Path) -> Iterator[sqlite3.Connection]:
    """A connection as applications have them, with a table of its own; it makes something else of rows and of text."""
    with closing(sqlite3.connect(path, **CONNECTIONS[request.param])) as connection:
        connection.execute("PRAGMA journal_mode = WAL") if request.param != ALWAYS_IN_TRANSACTION else None
        connection.execute("CREATE TABLE message (text)")
        connection.commit()
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes
        yield connection


@pytest.fixture
def beside(application: sqlite3.Connection) -> Iterator[SqliteBackend]:
    with closing(SqliteBackend(application, create=True)) as backend:
        application.commit()
        yield backend


def begin(application: sqlite3.Connection) -> None:
    if not application.in_transaction:
        application.execute("BEGIN")


def end(application: sqlite3.Connection, *, keep: bool) -> None:
    if getattr(application, "autocommit", None) is True:  # then the methods do nothing
        application.execute("COMMIT" if keep else "ROLLBACK")
    elif keep:
        application.commit()
    else:
        application.rollback()


def kept(path: Path) -> tuple[int, int]:
    """How many messages of the application and rows of the store another connection sees."""
    with closing(sqlite3.connect(path)) as other:
        ((messages,),) = other.execute("SELECT count(*) FROM message").fetchall()
        ((rows,),) = other.execute("SELECT count(*) FROM siegel_record").fetchall()
    return messages, rows


@pytest.mark.parametrize("keep", [True, False])
def test_the_store_goes_with_the_applications_transaction(
    application: sqlite3.Connection, beside: SqliteBackend, path: Path, *, keep: bool
) -> None:
    begin(application)
    application.execute("INSERT INTO message VALUES ('one')")
    beside.begin()
    assert beside.joined
    beside.put(1, [(row(1), 0), (row(2), 0)])
    beside.commit()
    beside.put(1, [(row(3), 0)])
    assert kept(path) == (0, 0)
    end(application, keep=keep)
    assert kept(path) == ((1, 3) if keep else (0, 0))


@pytest.mark.parametrize("keep", [True, False])
def test_the_application_goes_with_the_stores_transaction(
    application: sqlite3.Connection, beside: SqliteBackend, path: Path, *, keep: bool
) -> None:
    beside.begin()
    beside.put(1, [(row(1), 0)])
    application.execute("INSERT INTO message VALUES ('one')")
    beside.put(1, [(row(2), 0)])
    if keep:
        beside.commit()
    else:
        beside.rollback()
    if beside.joined:  # this connection always has a transaction open, and it is the application's
        assert kept(path) == (0, 0)
        application.commit()
    assert kept(path) == ((1, 2) if keep else (0, 0))


def test_a_part_that_is_undone_leaves_the_applications(
    application: sqlite3.Connection, beside: SqliteBackend, path: Path
) -> None:
    begin(application)
    application.execute("INSERT INTO message VALUES ('one')")
    beside.put(1, [(row(1), 0)])
    beside.begin()
    beside.put(1, [(row(2), 0)])
    application.execute("INSERT INTO message VALUES ('two')")
    beside.rollback()
    end(application, keep=True)
    assert kept(path) == (1, 1)


def test_what_the_connection_makes_of_rows_and_text_changes_nothing(
    application: sqlite3.Connection, beside: SqliteBackend
) -> None:
    beside.put(1, [(row(1, day=3, tags=((1, b"tag"),)), 0)])
    beside.put_block("header", b"data")
    assert beside.blocks() == {"header": b"data"}
    assert beside.find(1, 1, b"tag", limit=9) == [as_read(row(1, day=3))]
    application.commit()
    with closing(SqliteBackend(application)) as again:
        assert again.scan(1, limit=9) == [row(1, day=3)]


def test_a_transaction_that_the_application_ended_is_told(
    application: sqlite3.Connection, beside: SqliteBackend, path: Path
) -> None:
    beside.begin()
    beside.put(1, [(row(1), 0)])
    end(application, keep=True)
    with pytest.raises(StateError, match="ended by others"):
        beside.commit()
    assert kept(path) == (0, 1)


def test_a_part_that_the_application_ended_cannot_be_undone(
    application: sqlite3.Connection, beside: SqliteBackend, path: Path
) -> None:
    begin(application)
    beside.begin()
    beside.put(1, [(row(1), 0)])
    end(application, keep=True)
    begin(application)
    with pytest.raises(StateError, match="ended by others"):
        beside.rollback()
    assert kept(path) == (0, 1)


def test_a_closed_backend_leaves_the_connection_open(application: sqlite3.Connection, beside: SqliteBackend) -> None:
    beside.close()
    application.execute("INSERT INTO message VALUES ('one')")


def test_in_the_applications_transaction_too_there_is_one_writer(path: Path) -> None:
    with (
        closing(SqliteBackend(path, create=True, timeout=0.05)) as other,
        closing(sqlite3.connect(path, isolation_level=None)) as application,
        closing(SqliteBackend(application)) as backend,
    ):
        application.execute("BEGIN")
        backend.begin()
        with pytest.raises(StoreLocked):
            other.begin()
        backend.rollback()


def test_an_application_that_read_before_another_wrote_has_to_run_again(path: Path) -> None:
    with (
        closing(SqliteBackend(path, create=True)) as other,
        closing(sqlite3.connect(path, isolation_level=None)) as application,
        closing(SqliteBackend(application)) as backend,
    ):
        application.execute("BEGIN")
        assert backend.blocks() == {}
        other.put_block("header", b"of the other")
        with pytest.raises(SerializationFailure) as caught:
            backend.begin()
        assert not caught.value.retryable
        application.rollback()
        backend.put_block("header", b"again")


def test_a_connection_that_the_application_closed(path: Path) -> None:
    application = sqlite3.connect(path)
    backend = SqliteBackend(application, create=True)
    application.close()
    with pytest.raises(StateError, match="cannot be used"):
        backend.blocks()


# --- processes -------------------------------------------------------------------------------------------------------


def test_a_child_process_does_not_use_the_connection(backend: SqliteBackend, path: Path) -> None:
    backend.begin()
    backend.put(1, [(row(1), 0)])
    child = os.fork()
    if child == 0:
        verdict = 1
        try:
            backend.close()
            backend.scan(1, limit=9)
        except StateError as error:
            verdict = 0 if "another process" in str(error) else 2
        finally:
            os._exit(verdict)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with closing(SqliteBackend(path, timeout=0.05)) as other, pytest.raises(StoreLocked):
        other.begin()
    backend.commit()
    assert backend.scan(1, limit=9) == [row(1)]


def test_a_child_process_opens_the_store_again(backend: SqliteBackend, path: Path) -> None:
    child = os.fork()
    if child == 0:
        verdict = 1
        try:
            own = SqliteBackend(path)
            own.put(1, [(row(1), 0)])
            own.close()
            verdict = 0
        finally:
            os._exit(verdict)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend.scan(1, limit=9) == [row(1)]


# --- a file that is none ---------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"neither header nor pages" * 400)
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(CorruptHeader):
            SqliteBackend(path, create=create)
    assert path.read_bytes() == before


def test_a_file_where_none_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteBackend(tmp_path / "nowhere" / "store.db", create=True)
    with pytest.raises(StoreError, match="no file"):
        SqliteBackend(tmp_path)
