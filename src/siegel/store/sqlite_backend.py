"""Knows a store in SQLite: its tables, and one transaction on a file of its own or on the application's connection.

Tables that are not exactly those of this library are refused: what is more could be a trigger that somebody planted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from siegel.errors import Conflict, CorruptHeader, NewerFormat, StateError, StoreError
from siegel.store import sqlite_tables as sql
from siegel.store.backend import FORMAT, Row, refuse_doubles, row_of
from siegel.store.sqlite_session import Session


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
        self._session = Session(database, create=create, timeout=timeout)
        try:
            self._session.run("PRAGMA secure_delete = ON")
            if create and not self._shape():
                self._create()
            self._check_tables()
            self._session.lock = sql.LOCK
            self._version = self._data_version()
        except BaseException:
            self._session.close()
            raise

    def _create(self) -> None:
        with self._session.writing():
            if not self._shape():  # else another process was first
                for statement in sql.TABLES.values():
                    self._session.run(statement)
                self._session.run(sql.MARK_FORMAT, FORMAT)

    def _check_tables(self) -> None:
        shape = self._shape()
        if not shape:
            raise StoreError("there is no store in this database")
        if "siegel_format" in shape:
            for (version,) in self._session.run(sql.READ_FORMAT):
                if type(version) is int and version > FORMAT:
                    raise NewerFormat("tables", version)
        for name in sorted(sql.TABLES.keys() | shape.keys()):
            if sql.TABLES.get(name) != shape.get(name):
                raise StoreError(f"{name} is not as this library makes it; the database is left as it is")

    def _shape(self) -> dict[str, str]:
        return {_text(name): _text(text) for name, text in self._session.run(sql.SCHEMA)}

    # --- transactions ---

    @property
    def joined(self) -> bool:
        """As ``Backend``."""
        return self._session.joined

    def begin(self) -> None:
        """As ``Backend``."""
        self._session.begin()

    def commit(self) -> None:
        """As ``Backend``."""
        self._session.commit()

    def rollback(self) -> None:
        """As ``Backend``."""
        self._session.rollback()

    def changed(self) -> bool:
        """As ``Backend``. What others write on this same connection is not noticed."""
        before, self._version = self._version, self._data_version()
        return before != self._version

    def _data_version(self) -> object:
        return self._session.run("PRAGMA data_version")[0]

    # --- blocks and keys ---

    def blocks(self) -> dict[str, bytes]:
        """As ``Backend``."""
        found: dict[str, bytes] = {}
        for name, data in self._session.run(sql.BLOCKS):
            if type(data) is not bytes:
                raise CorruptHeader("the database holds a block of another shape")
            found[_text(name)] = data
        return found

    def put_block(self, name: str, data: bytes | None) -> None:
        """As ``Backend``."""
        with self._session.writing():
            if data is None:
                self._session.run(sql.DELETE_BLOCK, name.encode())
            else:
                self._session.run(sql.PUT_BLOCK, name.encode(), data)

    def swap_block(self, name: str, data: bytes, expected: bytes | None) -> bool:
        """As ``Backend``."""
        with self._session.writing():
            if expected is None:
                return self._session.write(sql.ADD_BLOCK, [(name.encode(), data)]) == 1
            return self._session.write(sql.SWAP_BLOCK, [(data, name.encode(), expected)]) == 1

    def keys(self) -> list[tuple[int, bytes]]:
        """As ``Backend``."""
        found = self._session.run(sql.KEYS)
        if any(type(wrapped) is not bytes for _, wrapped in found):
            raise CorruptHeader("the database holds a key of another shape")
        return found

    def put_keys(self, items: Iterable[tuple[int, bytes]]) -> None:
        """As ``Backend``."""
        with self._session.writing():
            self._session.write(sql.PUT_KEY, list(items))

    def delete_keys(self, kids: Iterable[int]) -> int:
        """As ``Backend``."""
        with self._session.writing():
            return self._session.write(sql.DELETE_KEY, [(kid,) for kid in kids])

    # --- rows ---

    def get(self, collection: int, names: Sequence[bytes]) -> list[Row]:
        """As ``Backend``."""
        if len(names) == 1:
            return _rows(self._session.run(sql.GET_ONE, collection, names[0]))
        wanted, found = list(dict.fromkeys(names)), list[Row]()
        while wanted:
            count = sql.MANY if len(wanted) > sql.FEW else sql.FEW
            some, wanted = wanted[:count], wanted[count:]
            padding = some[-1:] * (count - len(some))
            found += _rows(self._session.run(sql.GET_SOME[count], collection, *some, *padding))
        return found

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
        with self._session.writing_rows(len(rows)):
            if (new and self._session.write(sql.INSERT, new) < len(new)) or (
                others and self._session.write(sql.REPLACE, others) < len(others)
            ):
                raise Conflict("a row has another revision than the one expected")
            if others:
                self._untag(collection, [name for _, _, _, _, name, _ in others])
            if tags := [(collection, field, tag, row[0]) for row, _ in rows for field, tag in row[4]]:
                self._session.write(sql.TAG, tags)

    def delete(self, collection: int, rows: Sequence[tuple[bytes, int]]) -> None:
        """As ``Backend``."""
        refuse_doubles([name for name, _ in rows])
        with self._session.writing_rows(len(rows)):
            if self._session.write(sql.DELETE, [(collection, name, revision) for name, revision in rows]) < len(rows):
                raise Conflict("a row has another revision than the one expected")
            self._untag(collection, [name for name, _ in rows])

    def _untag(self, collection: int, names: list[bytes]) -> None:
        if self._session.run(sql.TAGGED, collection):
            self._session.write(sql.UNTAG, [(collection, name) for name in names])

    def scan(self, collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        """As ``Backend``."""
        return _rows(self._session.run(sql.SCAN, collection, after, limit))

    def find(self, collection: int, field: int, tag: bytes, *, after: bytes = b"", limit: int) -> list[Row]:
        """As ``Backend``."""
        return _rows(self._session.run(sql.FIND, collection, field, tag, after, limit))

    def expired(self, day: int, *, limit: int) -> list[tuple[int, Row]]:
        """As ``Backend``."""
        return [(at, row_of(*columns)) for at, *columns in self._session.run(sql.EXPIRED, day, limit)]

    def of_key(self, kid: int, *, limit: int) -> list[tuple[int, Row]]:
        """As ``Backend``."""
        return [(at, row_of(*columns)) for at, *columns in self._session.run(sql.OF_KEY, kid.to_bytes(4, "big"), limit)]

    def count(self, collection: int) -> int:
        """As ``Backend``; it counts in the index."""
        ((rows,),) = self._session.run(sql.COUNT, collection)
        return int(rows)

    # --- upkeep ---

    def scrub(self) -> tuple[str, ...]:
        """As ``Backend``. A reader that stays keeps the log as it is; then that step is not among those told."""
        if not self._session.idle:
            raise StateError("a transaction is open; what is deleted in it is not gone yet")
        steps: list[str] = []
        if self._session.run("PRAGMA secure_delete") == [(1,)]:
            steps.append("deleted bytes are overwritten with zeros in the database file")
        ((busy, frames, _),) = self._session.run("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy and frames >= 0:
            steps.append("the write-ahead log is written into the database file and cut to nothing")
        return tuple(steps)

    def close(self) -> None:
        """As ``Backend``."""
        self._session.close()


def _rows(found: list[Any]) -> list[Row]:
    return [row_of(*columns) for columns in found]


def _text(data: object) -> str:
    """Text, whatever the application's connection makes of it."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
