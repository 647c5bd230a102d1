"""What only the backend in SQLite has: its file, and tables of exactly one shape."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from siegel.errors import (
    CorruptHeader,
    CorruptRecord,
    NewerFormat,
    StoreError,
)
from siegel.store.sqlite_backend import SqliteBackend
from tests.store.rows import name, row


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
