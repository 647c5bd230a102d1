"""Knows sealed records in dictionaries: for tests, for clients that persist elsewhere, and what the others must equal.

They are gone with the process. There is one handle and so one writer; a transaction is undone from a list of what
stood before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from siegel.errors import Conflict, StateError
from siegel.store.backend import Row, data_key_of, refuse_doubles

_NOTHING = object()


class MemoryBackend:
    """A ``Backend`` without a database."""

    single_writer = True
    joined = False

    def __init__(self) -> None:
        self._blocks: dict[str, bytes] = {}
        self._keys: dict[int, bytes] = {}
        self._rows: dict[int, dict[bytes, Row]] = {}  # by collection
        self._order: dict[int, list[bytes]] = {}  # names in order, for the collections unchanged since they were asked
        self._before: list[tuple[dict[Any, Any], Any, Any]] | None = None  # what stood there, while a transaction is on
        self._closed = False

    def begin(self) -> None:
        """As ``Backend``."""
        self._refuse_closed()
        if self._before is not None:
            raise StateError("a transaction is open already")
        self._before = []

    def commit(self) -> None:
        """As ``Backend``."""
        self._end()

    def rollback(self) -> None:
        """As ``Backend``."""
        for mapping, key, before in reversed(self._end()):
            _place(mapping, key, before)
        self._order.clear()

    def changed(self) -> bool:
        """Never: there is no other connection."""
        self._refuse_closed()
        return False

    def blocks(self) -> dict[str, bytes]:
        """As ``Backend``."""
        self._refuse_closed()
        return dict(self._blocks)

    def put_block(self, name: str, data: bytes | None) -> None:
        """As ``Backend``."""
        with self._transaction():
            self._set(self._blocks, name, _NOTHING if data is None else data)

    def swap_block(self, name: str, data: bytes, expected: bytes | None) -> bool:
        """As ``Backend``."""
        self._refuse_closed()
        if self._blocks.get(name) != expected:
            return False
        self.put_block(name, data)
        return True

    def keys(self) -> list[tuple[int, bytes]]:
        """As ``Backend``."""
        self._refuse_closed()
        return sorted(self._keys.items())

    def put_keys(self, items: Iterable[tuple[int, bytes]]) -> None:
        """As ``Backend``."""
        with self._transaction():
            for kid, wrapped in items:
                self._set(self._keys, kid, wrapped)

    def delete_keys(self, kids: Iterable[int]) -> int:
        """As ``Backend``."""
        before = len(self._keys)
        with self._transaction():
            for kid in kids:
                self._set(self._keys, kid, _NOTHING)
        return before - len(self._keys)

    def get(self, collection: int, names: Sequence[bytes]) -> list[Row]:
        """As ``Backend``."""
        rows = self._of(collection)
        return [_as_read(rows[name]) for name in dict.fromkeys(names) if name in rows]

    def put(self, collection: int, rows: Sequence[tuple[Row, int]]) -> None:
        """As ``Backend``."""
        self._refuse_conflict(collection, [(row.name, replaced) for row, replaced in rows], absent=0)
        with self._transaction():
            held = self._rows.setdefault(collection, {})
            for row, _ in rows:
                self._set(held, row.name, row)
        self._order.pop(collection, None)

    def delete(self, collection: int, rows: Sequence[tuple[bytes, int]]) -> None:
        """As ``Backend``."""
        self._refuse_conflict(collection, rows, absent=None)
        with self._transaction():
            for name, _ in rows:
                self._set(self._rows[collection], name, _NOTHING)
        self._order.pop(collection, None)

    def scan(self, collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        """As ``Backend``."""
        rows = self._of(collection)
        order = self._order.get(collection)
        if order is None:
            order = self._order[collection] = sorted(rows)
        start = bisect_right(order, after)
        return [_as_read(rows[name]) for name in order[start : start + limit]]

    def find(self, collection: int, field: int, tag: bytes, *, after: bytes = b"", limit: int) -> list[Row]:
        """As ``Backend``; it looks through the whole collection."""
        found = [row for row in self._of(collection).values() if (field, tag) in row.tags and row.name > after]
        return [_as_read(row) for row in sorted(found)[:limit]]

    def expired(self, day: int, *, limit: int) -> list[tuple[int, Row]]:
        """As ``Backend``; it looks through all there is."""
        return [(at, row) for at, row in self._everything() if row.day is not None and row.day < day][:limit]

    def of_key(self, kid: int, *, limit: int) -> list[tuple[int, Row]]:
        """As ``Backend``; it looks through all there is."""
        found = [(at, row) for at, row in self._everything() if _is_under(kid, row)]
        return found[:limit]

    def count(self, collection: int) -> int:
        """As ``Backend``."""
        return len(self._of(collection))

    def scrub(self) -> tuple[str, ...]:
        """Nothing can be done: when the interpreter gives memory back is its own affair."""
        self._refuse_closed()
        if self._before is not None:
            raise StateError("a transaction is open; what is deleted in it is not gone yet")
        return ()

    def close(self) -> None:
        """As ``Backend``."""
        if self._before is not None:
            self.rollback()
        self._closed = True

    # --- inside ---

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StateError("the backend is closed")

    def _end(self) -> list[tuple[dict[Any, Any], Any, Any]]:
        self._refuse_closed()
        if self._before is None:
            raise StateError("no transaction is open")
        before, self._before = self._before, None
        return before

    @contextmanager
    def _transaction(self) -> Generator[None, None, None]:
        """The one that is open, or one of its own; what the caller iterates over may raise in the middle of it."""
        if self._before is not None:
            yield
            return
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def _set(self, mapping: dict[Any, Any], key: object, data: object) -> None:
        before = mapping.get(key, _NOTHING)
        if self._before is not None:
            self._before.append((mapping, key, before))
        _place(mapping, key, data)

    def _of(self, collection: int) -> dict[bytes, Row]:
        self._refuse_closed()
        return self._rows.get(collection, {})

    def _everything(self) -> list[tuple[int, Row]]:
        self._refuse_closed()
        return [(collection, _as_read(row)) for collection, rows in self._rows.items() for row in rows.values()]

    def _refuse_conflict(self, collection: int, rows: Sequence[tuple[bytes, int]], *, absent: int | None) -> None:
        refuse_doubles([name for name, _ in rows])
        held = self._of(collection)
        for name, revision in rows:
            if (held[name].revision if name in held else absent) != revision:
                raise Conflict("a row has another revision than the one expected")


def _is_under(kid: int, row: Row) -> bool:
    number = data_key_of(row.value)
    return number == kid


def _place(mapping: dict[Any, Any], key: object, data: object) -> None:
    if data is _NOTHING:
        mapping.pop(key, None)
    else:
        mapping[key] = data


def _as_read(row: Row) -> Row:
    return row._replace(tags=())
