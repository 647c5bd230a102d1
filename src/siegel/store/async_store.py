"""Knows a store among coroutines: what is awaited is durable, and a thread of its own reads without waiting for it.

Laws: as siegel.store.group_commit; a reader sees all that was awaited before it was asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, TypeVar

from siegel._core.secret import KeyObject
from siegel.errors import InvalidArgument
from siegel.store.anchor import Anchor
from siegel.store.backend import Backend
from siegel.store.collection import Collection
from siegel.store.group_commit import StoreThread
from siegel.store.keys import Argon2Cost, Key
from siegel.store.reading import PAGE
from siegel.store.records import Key as RecordKey
from siegel.store.records import Record
from siegel.store.sqlite_backend import SqliteBackend
from siegel.store.store import Store

Place: TypeAlias = "str | PathLike[str] | Backend"

_POSTGRES: Final = ("postgresql://", "postgres://")

_T = TypeVar("_T")


class _Write(Protocol):
    def __call__(self, step: Callable[[], _T]) -> Coroutine[Any, Any, _T]: ...


class _Read(Protocol):
    def __call__(self, question: Callable[[Store], _T]) -> Coroutine[Any, Any, _T]: ...


class AsyncStore(KeyObject):
    """A ``Store`` for asyncio, over the path of an SQLite file, the URL of a PostgreSQL database, or a ``Backend``.

    One thread writes. What many tasks write at a time is kept by one commit, each with its own result: a ``Conflict``
    fails only the task that asked for it. What was awaited is on the disk.

    Over a path or a URL a second thread reads, on a connection of its own, and does not wait for the commits; a
    ``Backend`` has one connection, so there it does. Reading finds what was awaited before.

    A task that is cancelled while it waits has written all or nothing of what it asked for, and never twice; which of
    both, reading tells. One event loop or several may use an ``AsyncStore``, and the process that opened it alone.
    """

    __slots__ = ("_reader", "_writer")

    def __init__(self, writer: StoreThread, reader: StoreThread) -> None:
        self._writer = writer
        self._reader = reader

    @classmethod
    async def create(
        cls, database: Place, *, key: Key, anchor: Anchor | None = None, cost: Argon2Cost | None = None
    ) -> AsyncStore:
        """A new store, as ``Store.create``."""
        return await _opened(database, key, lambda: Store.create(database, key=key, anchor=anchor, cost=cost))

    @classmethod
    async def open(
        cls, database: Place, *, key: Key, anchor: Anchor | None = None, read_only: bool = False
    ) -> AsyncStore:
        """The store in this database, as ``Store.open``. The key is used twice: once for the thread that reads."""
        return await _opened(database, key, lambda: Store.open(database, key=key, anchor=anchor, read_only=read_only))

    async def close(self) -> None:
        """After all that was asked for before: ends the use, and forgets the keys."""
        if self._reader is not self._writer:
            await self._reader.close()
        await self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    # --- functions of a store ---

    async def write(self, change: Callable[[Store], _T]) -> _T:
        """Runs a function of the store within a transaction, and returns what it returned, when that is durable.

        All that the function writes is kept or, if it raises, undone. Others' writings may be in the same transaction,
        and if it fails the function is called a second time: it writes to the store, and has no other effect.
        """
        return await self._writer.write(change, step=False)

    async def read(self, question: Callable[[Store], _T]) -> _T:
        """Runs a function of the store that only reads, and returns what it returned, no iterator."""
        return await self._reader.call(question)

    async def run(self, task: Callable[[Store], _T]) -> _T:
        """Runs a function of the store that is no part of a transaction, on the thread that writes.

        Upkeep, as ``sweep`` and ``erase``, and what it holds of the store itself, as ``sequence``.
        """
        answer = await self._writer.call(task)
        if self._reader is not self._writer:
            await self._reader.call(_look_again)  # keys that were destroyed are forgotten there, too
        return answer

    async def collection(
        self,
        name: str,
        *,
        scope: str | None = None,
        index: Sequence[str] = (),
        strict: bool = False,
        life: int | None = None,
    ) -> AsyncCollection:
        """The collection of this name, as ``Store.collection``."""

        def found(store: Store) -> Collection:
            return store.collection(name, scope=scope, index=index, strict=strict, life=life)

        writing = reading = await self.run(found)
        if self._reader is not self._writer:
            reading = await self.read(found)
        return AsyncCollection(writing, reading, write=self._step, read=self.read)

    async def _step(self, step: Callable[[], _T]) -> _T:
        return await self._writer.write(lambda _: step(), step=True)


class AsyncCollection(KeyObject):
    """The records of one collection and scope. Made by ``AsyncStore.collection``; its methods are ``Collection``'s."""

    __slots__ = ("_read", "_reading", "_write", "_writing", "name", "scope")

    def __init__(self, writing: Collection, reading: Collection, *, write: _Write, read: _Read) -> None:
        self._writing = writing
        self._reading = reading
        self._write = write
        self._read = read
        self.name = writing.name
        self.scope = writing.scope

    async def put(
        self,
        key: RecordKey,
        value: bytes,
        *,
        index: Mapping[str, str] | None = None,
        expires: int | None = None,
        expected: int | None = None,
        at: int | None = None,
    ) -> int:
        """As ``Collection.put``; it is durable when this returns."""
        return await self._write(
            lambda: self._writing.put(key, value, index=index, expires=expires, expected=expected, at=at)
        )

    async def put_many(self, items: Iterable[tuple[RecordKey, bytes] | Record], *, at: int | None = None) -> list[int]:
        """As ``Collection.put_many``."""
        records = list(items)  # of the caller's own thread, and looked at once
        return await self._write(lambda: self._writing.put_many(records, at=at))

    async def delete(self, key: RecordKey, *, expected: int | None = None) -> int:
        """As ``Collection.delete``."""
        return await self._write(lambda: self._writing.delete(key, expected=expected))

    async def get(self, key: RecordKey, *, at: int | None = None) -> Record | None:
        """As ``Collection.get``."""
        return await self._read(lambda _: self._reading.get(key, at=at))

    async def get_many(self, keys: Iterable[RecordKey], *, at: int | None = None) -> list[Record | None]:
        """As ``Collection.get_many``."""
        wanted = list(keys)
        return await self._read(lambda _: self._reading.get_many(wanted, at=at))

    def scan(self, *, at: int | None = None) -> AsyncIterator[Record]:
        """As ``Collection.scan``."""
        return self._pages(lambda: self._reading.scan(at=at))

    def find(self, *, at: int | None = None, **index: str) -> AsyncIterator[Record]:
        """As ``Collection.find``."""
        return self._pages(lambda: self._reading.find(at=at, **index))

    async def _pages(self, begin: Callable[[], Iterator[Record]]) -> AsyncIterator[Record]:
        records: Iterator[Record] | None = None

        def page(_: Store) -> list[Record]:
            nonlocal records
            if records is None:
                records = begin()
            return list(islice(records, PAGE))

        while found := await self._read(page):
            for record in found:
                yield record


class _Snapshots(SqliteBackend):
    """As ``SqliteBackend``, for reading alone: ``begin`` waits for no writer, and none waits for it."""

    def begin(self) -> None:
        """A view of what is committed by now, which stays as it is until the end."""
        self._session.run("BEGIN")

    def commit(self) -> None:
        """Ends the view."""
        self.rollback()

    def rollback(self) -> None:
        """Ends the view."""
        if not self._session.idle:
            self._session.run("ROLLBACK")


async def _opened(database: Place, key: Key, opening: Callable[[], Store]) -> AsyncStore:
    """The writer first: it makes what is not there."""
    path = database if isinstance(database, str | PathLike) else None
    if path is None and type(database).__module__.partition(".")[0] in ("sqlite3", "psycopg"):
        raise InvalidArgument("a connection of the application belongs to its thread; give a path or a URL")
    writer = StoreThread("siegel-writer")
    await writer.open(lambda: (opening(), None))
    if path is None:
        return AsyncStore(writer, writer)
    reader = StoreThread("siegel-reader")
    try:
        await reader.open(lambda: _reading(path, key))
    except BaseException:
        await writer.close()
        raise
    return AsyncStore(writer, reader)


def _reading(path: str | PathLike[str], key: Key) -> tuple[Store, Callable[[], None] | None]:
    if str(path).startswith(_POSTGRES):
        return Store.open(path, key=key, read_only=True), None
    backend = _Snapshots(Path(fspath(path)))
    try:
        return Store.open(backend, key=key, read_only=True), backend.close
    except BaseException:
        backend.close()
        raise


def _look_again(store: Store) -> None:
    """What the writer has changed, keys above all: reading the slots reads the state."""
    store.slots()
