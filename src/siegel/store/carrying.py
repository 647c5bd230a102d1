"""Knows what may leave a store, and how another takes it over (docs/rationale/erasure-and-backup.md, BAK-6 … BAK-9).

Frames of a sealed file: ``[1, collection, [field, …]]`` and ``[2, scope, held since]`` count up from 0, and
``[3, scope or null, key, value, revision, expires, {field: text}]`` belongs to the last collection.

Laws: the collections of the library's own are left behind unless a rule below lets them go; no live sending chain, no
epoch key and no rotating sealing secret goes; a record is taken over where it is newer, and marked as restored; a group
and a client's own state only where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, Value, decode
from siegel._core.instants import LATEST
from siegel.errors import CorruptRecord, InvalidMessage, MalformedError, NotPermitted, StateError
from siegel.groups.storage import CARRIED_FOLDERS
from siegel.store.backend import Row, data_key_of
from siegel.store.collection import Collection, merge
from siegel.store.header import RESERVED, Entry
from siegel.store.ledger import Ledger
from siegel.store.reading import PAGE, open_row, rows_of
from siegel.store.records import MAX_KEY_BYTES, MAX_VALUE_BYTES, Key, Record
from siegel.store.scopes import SCOPES, Scope, lay_hold, scopes_of
from siegel.store.sealed_file import Progress

COLLECTION: Final = 1
SCOPE: Final = 2
RECORD: Final = 3

_GROUPS: Final = f"{RESERVED}groups"
_GROUP_RECORDS: Final = f"{RESERVED}group records"
_CLIENT: Final = f"{RESERVED}client"
_OPENED: Final = f"{RESERVED}opened"
_SENDING: Final = "own/sending"
_CONTACTS: Final = "contacts"
_BATCH: Final = 256
_BATCH_BYTES: Final = 2**22
_WHERE: Final = "backup"

Open = Callable[..., Collection]  # ``Store.collection``


class Carried(NamedTuple):
    """A record on its way: where it belongs, and what it says."""

    collection: str
    fields: tuple[str, ...]
    scope: Scope | None
    record: Record


# --- what may go -----------------------------------------------------------------------------------------------------


def may_leave(collection: str, name: Key) -> bool:
    """BAK-6: whether a record of this name may be in a file. Of the library's own only what a rule names."""
    if not collection.startswith(RESERVED):
        return True
    if collection == _GROUP_RECORDS:
        return type(name) is str and name.startswith(CARRIED_FOLDERS)
    if collection == _CLIENT:
        return name == _CONTACTS
    return collection in {_GROUPS, _OPENED}


@contextmanager
def kept(ledger: Ledger) -> Generator[None]:
    """A time in which what is read cannot be undone any more: what leaves the store was in it."""
    if ledger.in_transaction:
        raise StateError("a transaction is open, and what it wrote may be undone: end it first")
    with ledger.snapshot():
        if ledger.backend.joined:
            raise StateError("the application's transaction is open, and what it wrote may be undone: end it first")
        yield


def leaving(ledger: Ledger, *, only: str | None, at: int, progress: Progress | None = None) -> Iterator[Value]:
    """Frames with every record that may go and has not expired; of one scope, or of all. While it is ``kept``.

    ``progress`` is called with the records looked at and the records in all.
    CorruptRecord if one does not open: a file that lacks something must not look whole.
    """
    scopes: Mapping[bytes, Scope | None] = {ledger.keyring.scope_id(None): None, **scopes_of(ledger)}
    wanted = scopes.keys() if only is None else {ledger.keyring.scope_id(only)}
    numbers: dict[bytes, int] = {}
    meter = _Meter(progress, sum(ledger.backend.count(entry.number) for entry in ledger.catalogue.entries))
    for entry in ledger.catalogue.entries:
        said = False
        for scope_id, record in _records(
            ledger, entry, meter.rows(rows_of(ledger, entry.number)), scopes=scopes, wanted=wanted, at=at
        ):
            if not said:
                yield [COLLECTION, entry.name, list(entry.fields)]
                said = True
            scope = scopes[scope_id]
            if scope is not None and scope_id not in numbers:
                numbers[scope_id] = len(numbers)
                yield [SCOPE, *scope]
            fields = {entry.fields.index(name): text for name, text in record.fields.items()}
            head = [RECORD, None if scope is None else numbers[scope_id], record.key, record.value]
            yield [*head, record.revision, record.expires, fields]


class _Meter:
    """How many rows were looked at."""

    __slots__ = ("_done", "_in_all", "_progress")

    def __init__(self, progress: Progress | None, in_all: int) -> None:
        self._progress, self._done, self._in_all = progress, 0, in_all

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, told page by page."""
        for row in rows:
            self._done += 1
            if self._progress is not None and (not self._done % PAGE or self._done == self._in_all):
                self._progress(self._done, self._in_all)
            yield row


def _records(
    ledger: Ledger,
    entry: Entry,
    rows: Iterable[Row],
    *,
    scopes: Mapping[bytes, Scope | None],
    wanted: Iterable[bytes],
    at: int,
) -> Iterator[tuple[bytes, Record]]:
    live = _live_chains(ledger, entry, scopes) if entry.name == _GROUP_RECORDS else {}
    for row in rows:
        content = open_row(ledger, entry.number, row)
        scope_id = ledger.keyring.scope_of(data_key_of(row.value))
        if scope_id is None or scope_id not in scopes:
            raise CorruptRecord(f"the record {row.name.hex()} is of a scope whose name is not known")
        expired = content.expires is not None and content.expires <= at
        if scope_id not in wanted or expired or not may_leave(entry.name, content.key):
            continue
        if scope_id in live and str(content.key).endswith(live[scope_id]):
            continue
        fields = {entry.fields[number]: text for number, text in content.fields.items()}
        yield scope_id, Record(content.key, content.value, row.revision, content.expires, fields)


def _live_chains(ledger: Ledger, entry: Entry, scopes: Mapping[bytes, Scope | None]) -> dict[bytes, str]:
    """The id of the chain that each group sends in, in hexadecimal: its records stay here."""
    live: dict[bytes, str] = {}
    for scope_id, scope in scopes.items():
        if scope is not None:
            records = Collection(ledger, entry, scope=scope.name, fields=(), strict=False)
            sending = records.get(_SENDING)
            if sending is not None:
                chain_id, _ = shape.array(decode(sending.value), 2, _WHERE)
                live[scope_id] = shape.octets(chain_id, None, _WHERE).hex()
    return live


# --- what arrives ----------------------------------------------------------------------------------------------------


def arriving(frames: Iterable[list[Decoded]]) -> Generator[Carried, None, None]:
    """The records of the frames. InvalidMessage for frames of another shape: they are authentic, and not ours."""
    collection: tuple[str, tuple[str, ...]] | None = None
    scopes: list[Scope] = []
    for items in frames:
        carried = None
        try:
            if items[0] == COLLECTION:
                collection = _collection_of(items)
            elif items[0] == SCOPE:
                scopes.append(_scope_of(items))
            elif collection is not None:
                carried = Carried(*collection, *_record_of(items, collection[1], scopes))
            refused = collection is None  # the first frame names one
        except MalformedError:
            refused = True
        if refused:  # outside the handler: no context
            raise InvalidMessage
        if carried is not None:
            yield carried


def _collection_of(items: list[Decoded]) -> tuple[str, tuple[str, ...]]:
    _, name, fields = shape.array(items, 3, _WHERE)
    return shape.text(name, _WHERE), tuple(shape.text(field, _WHERE) for field in shape.array(fields, None, _WHERE))


def _scope_of(items: list[Decoded]) -> Scope:
    _, name, held = shape.array(items, 3, _WHERE)
    return Scope(shape.text(name, _WHERE), None if held is None else shape.uint(held, _WHERE, most=LATEST))


def _record_of(items: list[Decoded], fields: tuple[str, ...], scopes: list[Scope]) -> tuple[Scope | None, Record]:
    kind, scope, key, value, revision, expires, found = shape.array(items, 7, _WHERE)
    data = shape.octets(value, None, _WHERE)
    if kind != RECORD or (type(key) is not str and type(key) is not bytes) or type(found) is not dict:
        raise MalformedError(_WHERE, "not a record")
    key_bytes = len(key.encode() if isinstance(key, str) else key)
    if key_bytes > MAX_KEY_BYTES or len(data) > MAX_VALUE_BYTES or any(number >= len(fields) for number in found):
        raise MalformedError(_WHERE, "a record that no store holds")
    number = shape.uint(revision, _WHERE)
    until = None if expires is None else shape.uint(expires, _WHERE, most=LATEST)
    texts = {fields[number]: shape.text(text, _WHERE) for number, text in found.items()}
    if not number:
        raise MalformedError(_WHERE, "a revision counts from 1")
    place = None if scope is None else scopes[shape.uint(scope, _WHERE, most=len(scopes) - 1)]
    return place, Record(key, data, number, until, texts)


def looked_through(carried: Iterable[Carried]) -> tuple[int, frozenset[str]]:
    """How many records of the application there are, and its collections, once all of them were seen.

    NotPermitted, only then, if one of them may not be in any file (BAK-7).
    """
    count, collections, refused = 0, set[str](), False
    for item in carried:
        refused = refused or not may_leave(item.collection, item.record.key)
        if not item.collection.startswith(RESERVED):
            count += 1
            collections.add(item.collection)
    if refused:
        raise NotPermitted("the file holds keys to send with, or other state that must not leave a store")
    return count, frozenset(collections)


# --- taking it over --------------------------------------------------------------------------------------------------


def take_over(open_collection: Open, carried: Iterable[Carried], *, at: int) -> int:
    """Merges the records into a store, marked as restored from ``at``. Within a transaction. How many were written."""
    taking, written = _Taking(open_collection, at), 0
    for item in carried:
        if not may_leave(item.collection, item.record.key):
            raise NotPermitted("the file is another one than was verified")
        written += taking.add(item)
    return written + taking.flush()


class _Taking:
    """Records that wait to be merged, by collection and scope."""

    __slots__ = ("_at", "_bytes", "_count", "_groups", "_open", "_scopes", "_waiting")

    def __init__(self, open_collection: Open, at: int) -> None:
        self._open, self._at = open_collection, at
        self._waiting: dict[tuple[str, tuple[str, ...], Scope | None], list[Record]] = {}
        self._count = self._bytes = 0
        self._groups: dict[Scope | None, bool] = {}
        self._scopes: set[Scope] = set()

    def add(self, item: Carried) -> int:
        """Takes note of a record; how many were written now."""
        if not self._is_wanted(item):
            return 0
        place = item.collection, item.fields, item.scope
        self._waiting.setdefault(place, []).append(item.record._replace(restored=self._at))
        self._count += 1
        self._bytes += len(item.record.value)
        return self.flush() if self._count >= _BATCH or self._bytes >= _BATCH_BYTES else 0

    def flush(self) -> int:
        """Writes what waits; how many were newer than what stands there."""
        written = 0
        for (name, fields, scope), records in self._waiting.items():
            collection = self._open(name, scope=None if scope is None else scope.name, index=fields)
            written += merge(collection, records)
            if scope is not None and scope.held_since is not None and scope not in self._scopes:
                lay_hold(self._open(SCOPES, scope=scope.name), at=scope.held_since)
                self._scopes.add(scope)
        self._waiting.clear()
        self._count = self._bytes = 0
        return written

    def _is_wanted(self, item: Carried) -> bool:
        """BAK-9: of a group, and of the client itself, nothing where there is one already: it may be in use."""
        scope = None if item.scope is None else item.scope.name
        if item.collection == _CLIENT:
            return self._open(_CLIENT).get(item.record.key) is None
        if item.collection not in {_GROUPS, _GROUP_RECORDS}:
            return True
        if item.scope not in self._groups:
            self._groups[item.scope] = not any(self._open(_GROUPS, scope=scope).scan())
        return self._groups[item.scope]
