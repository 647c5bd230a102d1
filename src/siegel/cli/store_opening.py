"""Knows how a command gets at a store: the database, the key, the anchor; and how it says what went wrong there."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from siegel.cli.errors import CommandError, UsageError, translated
from siegel.cli.progress import ProgressBar
from siegel.cli.store_keys import read_key
from siegel.cli.terminal import Console
from siegel.errors import SiegelError
from siegel.store.anchor import FileAnchor
from siegel.store.backend import Backend, Row
from siegel.store.header import RESERVED
from siegel.store.ledger import Ledger
from siegel.store.sqlite_backend import SqliteBackend
from siegel.store.store import Store

_POSTGRES: Final = ("postgresql://", "postgres://")
_REMEDIES: Final = {
    "wrong-key": "try another key; nothing was changed",
    "state-error": "correct what the message names",
    "corrupt-header": "restore it from a backup; Store.salvage in a program may still get at records",
    "corrupt-record": "'siegel store verify' lists what is damaged; the other records stay readable",
    "invalid-message": "it was damaged, or cut off; take another copy",
    "store-error": "correct what the message names",
}
_ROLLED_BACK: Final = (
    "an older copy was put back: if you restored a backup, say 'siegel store open … --acknowledge-restore'; if nobody "
    "did, do not write to it, and find out who replaced it. --read-only reads it as it is"
)


class Collected(NamedTuple):
    """A collection, as the catalogue names it."""

    name: str
    records: int
    fields: tuple[str, ...]


# --- errors ----------------------------------------------------------------------------------------------------------


@contextmanager
def told(name: str) -> Generator[None]:
    """Errors of the library inside the block are told with the name of the store, and what a person can do."""
    try:
        yield
    except SiegelError as error:
        known = translated(error)
        remedy = _ROLLED_BACK if error.code == "rollback-detected" else _REMEDIES.get(error.code, known.remedy)
        raise CommandError(known.code, f"{name}: {known}", remedy, known.details) from None


# --- databases -------------------------------------------------------------------------------------------------------


class _Watched:
    """A backend that says how much was read of it, or written to it. All else is the backend's own."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.bar: ProgressBar | None = None
        self.rows_in_all = 0  # to read; or
        self.bytes_in_all = 0  # to write
        self._rows = self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def scan(self, collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        """As the backend does it."""
        rows = self._backend.scan(collection, after=after, limit=limit)
        if self.bar is not None and self.rows_in_all:
            self._rows += len(rows)
            self._bytes += sum(len(row.value) for row in rows)
            # Bytes in all are estimated from the rows, whose number is known.
            self.bar(self._bytes, max(self._bytes * self.rows_in_all // max(self._rows, 1), self._bytes, 1))
        return rows

    def put(self, collection: int, rows: Sequence[tuple[Row, int]]) -> None:
        """As the backend does it."""
        self._backend.put(collection, rows)
        if self.bar is not None and self.bytes_in_all:
            self._bytes += sum(len(row.value) for row, _ in rows)
            self.bar(min(self._bytes, self.bytes_in_all), self.bytes_in_all)


def is_file_name(name: str) -> bool:
    """Whether the database is a file, and not behind a URL."""
    return not name.startswith(_POSTGRES)


def database(name: str, *, create: bool = False) -> Backend:
    """The backend of a path or URL. Whoever asked for it closes it."""
    if is_file_name(name):
        return SqliteBackend(Path(name), create=create)
    if urlsplit(name).password is not None:
        raise UsageError(
            "a password stands on the command line, where other users of this machine can read it",
            "write it to ~/.pgpass, and leave it out of the URL",
        )
    try:
        from siegel.store.postgres_backend import PostgresBackend  # noqa: PLC0415  # psycopg is an extra
    except ImportError:
        raise CommandError("not-installed", "PostgreSQL needs psycopg", "pip install 'siegel[postgres]'") from None
    return PostgresBackend(name, create=create)


# --- stores ----------------------------------------------------------------------------------------------------------


@contextmanager
def opened(args: argparse.Namespace, console: Console, *, doing: str = "", bytes_to_write: int = 0) -> Generator[Store]:
    """The store of the options, open; closed at the end.

    ``doing`` stands beside the bar of long work, which reads all records, or writes about so many bytes.
    """
    read_only = getattr(args, "read_only", False) or getattr(args, "acknowledge_restore", False)
    with told(args.store):
        watched = _Watched(database(args.store))
        try:
            key = read_key(args, console)
            anchor = None if args.anchor is None else FileAnchor(args.anchor)
            with (
                Store.open(cast("Backend", watched), key=key, anchor=anchor, read_only=read_only) as store,
                ProgressBar(console, doing) as bar,
            ):
                if getattr(args, "acknowledge_restore", False):
                    store.acknowledge_restore()
                elif read_only:
                    console.warn(f"{args.store} is read as it is; that it is the newest was not required")
                elif anchor is None and is_anchored(store):
                    console.warn(f"an anchor follows {args.store}; without --anchor an older copy is not noticed")
                if doing:
                    watched.bytes_in_all = bytes_to_write
                    watched.rows_in_all = 0 if bytes_to_write else _rows_of(store)
                    watched.bar = bar
                yield store
        finally:
            watched.close()


def collected(store: Store, *, own: bool = False) -> list[Collected]:
    """The collections in order of their names; with ``own`` also those of the library."""
    ledger = _ledger_of(store)
    with ledger.snapshot():
        found = [
            Collected(entry.name, ledger.backend.count(entry.number), entry.fields)
            for entry in ledger.catalogue.entries
            if own or not entry.name.startswith(RESERVED)
        ]
    return sorted(found)


def _rows_of(store: Store) -> int:
    return sum(entry.records for entry in collected(store, own=True))


def is_anchored(store: Store) -> bool:
    """Whether an anchor has ever followed it."""
    return _ledger_of(store).certain().header.anchored


def _ledger_of(store: Store) -> Ledger:
    return store._ledger  # noqa: SLF001  # what a person asks of a store, and no program needs: counts, and its anchor
