"""Knows a store in PostgreSQL: its tables, and many rows in one statement. Any number of writers work at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import errors as pg

from siegel.errors import Conflict, NewerFormat, StateError, StoreError
from siegel.store import postgres_tables as sql
from siegel.store.backend import FORMAT, Row, refuse_doubles, row_of
from siegel.store.postgres_session import Connection, Cursor, Session, Statement


class PostgresBackend:
    """A ``Backend`` in PostgreSQL, or in a database that speaks its protocol.

    Given where the database is, it has a connection of its own and every transaction is serializable: who read what
    another has changed since is told to run again. On the application's connection its statements and the application's
    are kept or undone together, and how transactions are isolated there is as the application set that connection up.
    """

    single_writer = False

    def __init__(self, database: str | Connection, *, create: bool = False) -> None:
        """Opens the tables, or makes them if they are not there and ``create`` says so.

        Args:
            database: A connection string or URL, or the application's connection.
            create: Whether to make the tables, in the first schema of the search path. None that is there is changed.

        Raises:
            StoreError: There is no store and ``create`` is False; the tables have another shape; no connection.
            NewerFormat: A newer version of the library made the tables.
        """
        self._session = Session(database)
        try:
            if create and not self._shape():
                self._create()
            self._check_tables()
        except BaseException:
            self._session.close()
            raise

    def _create(self) -> None:
        try:
            with self._session.writing():
                for statement in sql.CREATE:
                    self._session.run(statement)
                self._session.run(sql.MARK_FORMAT, FORMAT)
        except StoreError as error:
            if not isinstance(error.__cause__, pg.DuplicateTable | pg.UniqueViolation):  # else another was first
                raise

    def _check_tables(self) -> None:
        shape = self._shape()
        if not shape:
            raise StoreError("there is no store in this database")
        if "siegel_format" in shape:
            for (version,) in self._session.run(sql.READ_FORMAT):
                if version > FORMAT:
                    raise NewerFormat("tables", version)
        for name in sorted(sql.COLUMNS_OF):
            if sql.COLUMNS_OF[name] != shape.get(name):
                raise StoreError(f"{name} is not as this library makes it; the database is left as it is")
        for (name,) in self._session.run(sql.TRIGGERS, list(sql.COLUMNS_OF)):
            raise StoreError(f"{name} has a trigger, which this library does not make")

    def _shape(self) -> dict[str, dict[str, str]]:
        shape: dict[str, dict[str, str]] = {}
        for table, column, kind in self._session.run(sql.SHAPE, list(sql.COLUMNS_OF)):
            shape.setdefault(table, {})[column] = kind
        return shape

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
        """True: another writer may always have been there."""
        return True

    # --- blocks and keys ---

    def blocks(self) -> dict[str, bytes]:
        """As ``Backend``."""
        return dict(self._session.run(sql.BLOCKS))

    def put_block(self, name: str, data: bytes | None) -> None:
        """As ``Backend``."""
        with self._session.writing():
            if data is None:
                self._session.write(sql.DELETE_BLOCK, name)
            else:
                self._session.write(sql.PUT_BLOCK, name, data)

    def swap_block(self, name: str, data: bytes, expected: bytes | None) -> bool:
        """As ``Backend``."""
        with self._session.writing():
            if expected is None:
                return self._session.write(sql.ADD_BLOCK, name, data) == 1
            return self._session.write(sql.SWAP_BLOCK, data, name, expected) == 1

    def keys(self) -> list[tuple[int, bytes]]:
        """As ``Backend``."""
        return self._session.run(sql.KEYS)

    def put_keys(self, items: Iterable[tuple[int, bytes]]) -> None:
        """As ``Backend``."""
        keys = dict(items)
        with self._session.writing():
            self._session.write(sql.PUT_KEYS, list(keys), list(keys.values()))

    def delete_keys(self, kids: Iterable[int]) -> int:
        """As ``Backend``."""
        with self._session.writing():
            return self._session.write(sql.DELETE_KEYS, list(kids))

    # --- rows ---

    def get(self, collection: int, names: Sequence[bytes]) -> list[Row]:
        """As ``Backend``."""
        if len(names) == 1:
            return _rows(self._session.run(sql.GET_ONE, collection, names[0]))
        return _rows(self._session.run(sql.GET, collection, list(names)))

    def put(self, collection: int, rows: Sequence[tuple[Row, int]]) -> None:
        """As ``Backend``."""
        refuse_doubles([row.name for row, _ in rows])
        statements: list[Statement] = []
        if new := [(name, revision, day, value) for (name, revision, value, day, _), replaced in rows if not replaced]:
            statements.append(_insertion(collection, new))
        if others := [
            (name, revision, day, value, replaced) for (name, revision, value, day, _), replaced in rows if replaced
        ]:
            statements.append(_replacement(collection, others))
        if tags := [(field, tag, row.name) for row, _ in rows for field, tag in row.tags]:
            statements.append((sql.TAG, (collection, *_columns(tags))))
        if rows:
            self._write_rows(len(rows), statements, tagged=bool(tags))

    def delete(self, collection: int, rows: Sequence[tuple[bytes, int]]) -> None:
        """As ``Backend``."""
        refuse_doubles([name for name, _ in rows])
        if rows:
            deletion = sql.DELETE, (*_columns(rows), collection, collection)
            self._write_rows(len(rows), [deletion], tagged=False)

    def _write_rows(self, count: int, statements: list[Statement], *, tagged: bool) -> None:
        """All the rows or none. What is one row alone needs no savepoint to be so."""
        savepoint = count > 1 or tagged
        start: list[Statement] = [("SAVEPOINT siegel_rows", ())] if savepoint else []
        with self._session.writing():
            cursors = self._session.send([*start, *statements])[len(start) :]
            fits = sum(_written(cursor) for cursor in cursors[: len(cursors) - tagged]) == count
            if savepoint:
                end: list[Statement] = [("RELEASE SAVEPOINT siegel_rows", ())]
                self._session.send(end if fits else [("ROLLBACK TO SAVEPOINT siegel_rows", ()), *end])
            if not fits:
                raise Conflict("a row has another revision than the one expected")

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
        found = self._session.run(sql.OF_KEY, kid.to_bytes(4, "big"), limit)
        return [(at, row_of(*columns)) for at, *columns in found]

    def count(self, collection: int) -> int:
        """As ``Backend``; it counts in the index."""
        ((rows,),) = self._session.run(sql.COUNT, collection)
        return int(rows)

    # --- upkeep ---

    def scrub(self) -> tuple[str, ...]:
        """As ``Backend``. PostgreSQL overwrites nothing at once: pages and log keep deleted bytes for a while."""
        if not self._session.idle:
            raise StateError("a transaction is open; what is deleted in it is not gone yet")
        try:
            with self._session.notices() as severities:
                self._session.run(sql.VACUUM)
        except StoreError as error:
            if isinstance(error.__cause__, pg.FeatureNotSupported | pg.SyntaxError):  # not every database has it
                return ()
            raise
        if "WARNING" in severities:  # the tables are another user's, and were passed over
            return ()
        return ("the space of deleted rows that no other transaction sees is given back for use (VACUUM)",)

    def close(self) -> None:
        """As ``Backend``."""
        self._session.close()


def _insertion(collection: int, rows: list[tuple[bytes, int, int | None, bytes]]) -> Statement:
    if len(rows) > 1:
        return sql.INSERT, (collection, *_columns(rows))
    return sql.INSERT_ONE, (collection, *rows[0])


def _replacement(collection: int, rows: list[tuple[bytes, int, int | None, bytes, int]]) -> Statement:
    if len(rows) > 1:
        return sql.REPLACE, (*_columns(rows), collection, collection)
    ((name, revision, day, value, replaced),) = rows
    return sql.REPLACE_ONE, (revision, day, value, collection, name, replaced, collection)


def _columns(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))


def _written(cursor: Cursor) -> int:
    """How many rows a statement wrote: what it counted itself, or what the server says."""
    if cursor.description is None:
        return cursor.rowcount
    ((count,),) = cursor.fetchall()
    return int(count)


def _rows(found: list[Any]) -> list[Row]:
    return [row_of(*columns) for columns in found]
