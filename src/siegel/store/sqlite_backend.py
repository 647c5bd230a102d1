"""Knows a store in SQLite: its tables, and one transaction on a file of its own or on the application's connection.

Tables that are not exactly those of this library are refused: what is more could be a trigger that somebody planted.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from siegel.errors import Conflict, CorruptHeader, NewerFormat, StateError, StoreError
from siegel.store import sqlite_tables as sql
from siegel.store.backend import FORMAT, Row, refuse_doubles, row_of
from siegel.store.sqlite_file import FAILURES, failure, open_file

_P = ParamSpec("_P")
_T = TypeVar("_T")

_open: WeakSet[SqliteBackend] = WeakSet()
_inherited: list[SqliteBackend] = []


def _guarded(
    method: Callable[Concatenate[SqliteBackend, _P], _T],
) -> Callable[Concatenate[SqliteBackend, _P], _T]:
    """The method, for the process that opened the connection, and with errors of our own."""

    @wraps(method)
    def guarded(self: SqliteBackend, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._process != os.getpid():
            raise StateError("the backend is closed" if self._process is None else "another process opened the store")
        try:
            return method(self, *args, **kwargs)
        except FAILURES as error:
            raise failure(error) from error

    return guarded


class SqliteBackend:
    """A ``Backend`` in SQLite.

    On a path it has a connection of its own: every commit is on the disk when it returns, and what is deleted is
    overwritten. On the application's connection its statements and the application's are kept or undone together, and
    how durable they are is as the application set that connection up; ``secure_delete`` is switched on there.
    """

    single_writer = True

    def __init__(
        self, database: str | Path | sqlite3.Connection, *, create: bool = False, timeout: float = 5.0
    ) -> None:
        """Opens the tables, or makes them if they are not there and ``create`` says so.

        Args:
            database: The path of the file, or the application's connection.
            create: Whether to make what is not there. Nothing that is there is changed.
            timeout: For how many seconds to wait for another writer, on a path.

        Raises:
            StoreError: There is no store and ``create`` is False; the tables have another shape; a network file system.
            NewerFormat: A newer version of the library made the tables.
        """
        self._process: int | None = os.getpid()
        self._own = not isinstance(database, sqlite3.Connection)
        self._in_transaction = False
        self.joined = False
        self._ready = False  # the tables are there
        try:
            if isinstance(database, sqlite3.Connection):
                self._connection = database
            else:
                self._connection = open_file(Path(database), create=create, timeout=timeout)
            try:
                self._cursor = sqlite3.Cursor(self._connection)  # without the application's row factory
                self._run("PRAGMA secure_delete = ON")
                self._open_tables(create=create)
                self._ready = True
                self._version = self._data_version()
            except BaseException:
                if self._own:
                    self._connection.close()
                raise
        except FAILURES as error:
            raise failure(error) from error
        _open.add(self)

    def _open_tables(self, *, create: bool) -> None:
        if not self._shape() and create:
            with self._writing():
                if not self._shape():  # else another process was first
                    for statement in sql.TABLES.values():
                        self._run(statement)
                    self._run(sql.MARK_FORMAT, FORMAT)
        shape = self._shape()
        if not shape:
            raise StoreError("there is no store in this database")
        if "siegel_format" in shape:
            for (version,) in self._run(sql.READ_FORMAT):
                if type(version) is int and version > FORMAT:
                    raise NewerFormat("tables", version)
        for name in sorted(sql.TABLES.keys() | shape.keys()):
            if sql.TABLES.get(name) != shape.get(name):
                raise StoreError(f"{name} is not as this library makes it; the database is left as it is")

    def _shape(self) -> dict[str, str]:
        return {_text(name): _text(text) for name, text in self._run(sql.SCHEMA)}

    # --- transactions ---

    @_guarded
    def begin(self) -> None:
        """As ``Backend``."""
        self._begin()

    @_guarded
    def commit(self) -> None:
        """As ``Backend``."""
        self._commit()

    @_guarded
    def rollback(self) -> None:
        """As ``Backend``."""
        self._rollback()

    def _begin(self) -> None:
        if self._in_transaction:
            raise StateError("a transaction is open already")
        self.joined = self._connection.in_transaction
        if not self.joined:
            self._run("BEGIN IMMEDIATE")
        else:
            self._run("SAVEPOINT siegel")
            try:
                if self._ready:
                    self._run(sql.LOCK)
            except BaseException:
                self._undo("siegel")
                raise
        self._in_transaction = True

    def _commit(self) -> None:
        self._refuse_no_transaction()
        if not self._connection.in_transaction:
            self._in_transaction = False
            raise StateError("the transaction was ended by others on this connection")
        self._run("RELEASE siegel" if self.joined else "COMMIT")
        self._in_transaction = False

    def _rollback(self) -> None:
        self._refuse_no_transaction()
        self._in_transaction = False
        if self.joined:
            self._undo("siegel")
        elif self._connection.in_transaction:
            self._run("ROLLBACK")

    def _refuse_no_transaction(self) -> None:
        if not self._in_transaction:
            raise StateError("no transaction is open")

    def _undo(self, savepoint: str) -> None:
        if self._connection.in_transaction:  # SQLite itself ends a transaction on a full disk, and undoes it all
            self._run(f"ROLLBACK TO {savepoint}")
            self._run(f"RELEASE {savepoint}")

    @contextmanager
    def _writing(self) -> Generator[None, None, None]:
        """In the transaction that is open, or in one of its own."""
        if self._in_transaction:
            yield
            return
        self._begin()
        try:
            yield
            self._commit()
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        if self._in_transaction:
            self._rollback()

    @contextmanager
    def _whole(self, count: int) -> Generator[None, None, None]:
        """Several rows in one call: all of them or none."""
        with self._writing():
            if count < 2:
                yield
                return
            self._run("SAVEPOINT siegel_rows")
            try:
                yield
            except BaseException:
                self._undo("siegel_rows")
                raise
            self._run("RELEASE siegel_rows")

    @_guarded
    def changed(self) -> bool:
        """As ``Backend``. What others write on this same connection is not noticed."""
        before, self._version = self._version, self._data_version()
        return before != self._version

    def _data_version(self) -> object:
        return self._run("PRAGMA data_version")[0]

    # --- blocks and keys ---

    @_guarded
    def blocks(self) -> dict[str, bytes]:
        """As ``Backend``."""
        found: dict[str, bytes] = {}
        for name, data in self._run(sql.BLOCKS):
            if type(data) is not bytes:
                raise CorruptHeader("the database holds a block of another shape")
            found[_text(name)] = data
        return found

    @_guarded
    def put_block(self, name: str, data: bytes | None) -> None:
        """As ``Backend``."""
        with self._writing():
            if data is None:
                self._run(sql.DELETE_BLOCK, name.encode())
            else:
                self._run(sql.PUT_BLOCK, name.encode(), data)

    @_guarded
    def swap_block(self, name: str, data: bytes, expected: bytes | None) -> bool:
        """As ``Backend``."""
        with self._writing():
            if expected is None:
                return self._write(sql.ADD_BLOCK, [(name.encode(), data)]) == 1
            return self._write(sql.SWAP_BLOCK, [(data, name.encode(), expected)]) == 1

    @_guarded
    def keys(self) -> list[tuple[int, bytes]]:
        """As ``Backend``."""
        found = self._run(sql.KEYS)
        if any(type(wrapped) is not bytes for _, wrapped in found):
            raise CorruptHeader("the database holds a key of another shape")
        return found

    @_guarded
    def put_keys(self, items: Iterable[tuple[int, bytes]]) -> None:
        """As ``Backend``."""
        with self._writing():
            self._write(sql.PUT_KEY, list(items))

    @_guarded
    def delete_keys(self, kids: Iterable[int]) -> int:
        """As ``Backend``."""
        with self._writing():
            return self._write(sql.DELETE_KEY, [(kid,) for kid in kids])

    # --- rows ---

    @_guarded
    def get(self, collection: int, names: Sequence[bytes]) -> list[Row]:
        """As ``Backend``."""
        if len(names) == 1:
            return _rows(self._run(sql.GET_ONE, collection, names[0]))
        wanted, found = list(dict.fromkeys(names)), list[Row]()
        while wanted:
            count = sql.MANY if len(wanted) > sql.FEW else sql.FEW
            some, wanted = wanted[:count], wanted[count:]
            padding = some[-1:] * (count - len(some))
            found += _rows(self._run(sql.GET_SOME[count], collection, *some, *padding))
        return found

    @_guarded
    def put(self, collection: int, rows: Sequence[tuple[Row, int]]) -> None:
        """As ``Backend``."""
        refuse_doubles([row[0] for row, _ in rows])
        new = [
            (collection, name, revision, day, value)
            for (name, revision, value, day, _), replaced in rows
            if not replaced
        ]
        others = [
            (revision, day, value, collection, name, replaced)
            for (name, revision, value, day, _), replaced in rows
            if replaced
        ]
        with self._whole(len(rows)):
            if (new and self._write(sql.INSERT, new) < len(new)) or (
                others and self._write(sql.REPLACE, others) < len(others)
            ):
                raise Conflict("a row has another revision than the one expected")
            if others:
                self._untag(collection, [name for _, _, _, _, name, _ in others])
            if tags := [(collection, field, tag, row[0]) for row, _ in rows for field, tag in row[4]]:
                self._write(sql.TAG, tags)

    @_guarded
    def delete(self, collection: int, rows: Sequence[tuple[bytes, int]]) -> None:
        """As ``Backend``."""
        refuse_doubles([name for name, _ in rows])
        with self._whole(len(rows)):
            if self._write(sql.DELETE, [(collection, name, revision) for name, revision in rows]) < len(rows):
                raise Conflict("a row has another revision than the one expected")
            self._untag(collection, [name for name, _ in rows])

    def _untag(self, collection: int, names: list[bytes]) -> None:
        if self._run(sql.TAGGED, collection):
            self._write(sql.UNTAG, [(collection, name) for name in names])

    @_guarded
    def scan(self, collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        """As ``Backend``."""
        return _rows(self._run(sql.SCAN, collection, after, limit))

    @_guarded
    def find(self, collection: int, field: int, tag: bytes, *, after: bytes = b"", limit: int) -> list[Row]:
        """As ``Backend``."""
        return _rows(self._run(sql.FIND, collection, field, tag, after, limit))

    @_guarded
    def expired(self, day: int, *, limit: int) -> list[tuple[int, Row]]:
        """As ``Backend``."""
        return [(at, row_of(*columns)) for at, *columns in self._run(sql.EXPIRED, day, limit)]

    @_guarded
    def of_key(self, kid: int, *, limit: int) -> list[tuple[int, Row]]:
        """As ``Backend``."""
        return [(at, row_of(*columns)) for at, *columns in self._run(sql.OF_KEY, kid.to_bytes(4, "big"), limit)]

    @_guarded
    def count(self, collection: int) -> int:
        """As ``Backend``; it counts in the index."""
        ((rows,),) = self._run(sql.COUNT, collection)
        return int(rows)

    # --- upkeep ---

    @_guarded
    def scrub(self) -> tuple[str, ...]:
        """As ``Backend``. A reader that stays keeps the log as it is; then that step is not among those told."""
        if self._connection.in_transaction:
            raise StateError("a transaction is open; what is deleted in it is not gone yet")
        steps: list[str] = []
        if self._run("PRAGMA secure_delete") == [(1,)]:
            steps.append("deleted bytes are overwritten with zeros in the database file")
        ((busy, frames, _),) = self._run("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy and frames >= 0:
            steps.append("the write-ahead log is written into the database file and cut to nothing")
        return tuple(steps)

    def close(self) -> None:
        """As ``Backend``. In another process than the one that opened it nothing is done: a copy is all it has."""
        if self._process != os.getpid():
            return
        self._abandon()
        self._process = None
        _open.discard(self)
        self._cursor.close()
        if self._own:
            self._connection.close()

    # --- inside ---

    def _run(self, statement: str, *values: object) -> list[Any]:
        return self._cursor.execute(statement, values).fetchall()

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> int:
        return self._cursor.executemany(statement, rows).rowcount


def _rows(found: list[Any]) -> list[Row]:
    return [row_of(*columns) for columns in found]


def _text(data: object) -> str:
    """Text, whatever the application's connection makes of it."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)


def _keep_inherited() -> None:
    """A child process never lets go of its parent's connections: closing them would end the parent's locks."""
    _inherited.extend(_open)


os.register_at_fork(after_in_child=_keep_inherited)
