"""One connection to SQLite: the application's transaction and ours on it, and processes that inherit it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from siegel.errors import (
    SerializationFailure,
    StateError,
    StoreLocked,
)
from siegel.store.sqlite_backend import SqliteBackend
from tests.store.rows import as_read, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def backend(path: Path) -> Iterator[SqliteBackend]:
    with closing(SqliteBackend(path, create=True)) as backend:
        yield backend


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
        connection.row_factory = as_dictionary
        connection.text_factory = bytes
        yield connection


@pytest.fixture
def beside(application: sqlite3.Connection) -> Iterator[SqliteBackend]:
    with closing(SqliteBackend(application, create=True)) as backend:
        application.commit()
        yield backend


def as_dictionary(cursor: sqlite3.Cursor, columns: tuple[object, ...]) -> dict[str, object]:
    return dict(zip([column[0] for column in cursor.description], columns, strict=True))


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
