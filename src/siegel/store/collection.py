"""Knows one collection of an open store: records under keys, written, read, found and expired
(docs/spec/store.md, STO-13, STO-14, STO-15, STO-16).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from siegel._core.instants import DAY, LATEST, instant
from siegel._core.secret import KeyObject
from siegel._core.suite import NONCE_BYTES, random_bytes
from siegel.errors import Conflict, InvalidArgument, StateError
from siegel.store.backend import Row, data_key_of
from siegel.store.freshness import element_of
from siegel.store.header import Entry
from siegel.store.ledger import Ledger
from siegel.store.reading import PAGE, open_row, rows_of, sealer_of, watch_of
from siegel.store.records import Content, Key, Record, check_key, check_value, name_of, tag_of, within


class _Writing(NamedTuple):
    """One record to be written, and the revision that must stand there."""

    name: bytes
    content: Content
    expected: int | None
    revision: int | None = None  # that it has already; None: the next one


class Collection(KeyObject):
    """The records of one collection and scope. Made by ``Store.collection``.

    A key is text or bytes, up to 1,024 bytes, and never readable on disk; a value is up to 16 MiB. Each method that
    writes is a transaction of its own, or part of the one that is open (``Store.transaction``).
    """

    __slots__ = (
        *("_fields", "_introduce", "_ledger", "_life", "_number", "_scope_id", "_strict", "_within"),
        *("name", "scope"),
    )

    def __init__(
        self,
        ledger: Ledger,
        entry: Entry,
        *,
        scope: str | None,
        fields: tuple[str, ...],
        strict: bool,
        life: int | None = None,
        introduce: Callable[[str], None] | None = None,
    ) -> None:
        self.name = entry.name
        self.scope = scope
        self._ledger = ledger
        self._number = entry.number
        self._within = within(scope)
        self._scope_id = ledger.keyring.scope_id(scope)
        self._fields = {field: number for number, field in enumerate(entry.fields) if field in fields}
        self._strict = strict
        self._life = life
        self._introduce = introduce

    # --- writing ---

    def put(
        self,
        key: Key,
        value: bytes,
        *,
        index: Mapping[str, str] | None = None,
        expires: int | None = None,
        expected: int | None = None,
        at: int | None = None,
    ) -> int:
        """Writes a record, over the one that is there. Returns its new revision, from 1.

        Args:
            key: Text (in Unicode normal form C) or bytes.
            value: Up to 16 MiB.
            index: The fields to find it by, of those that the collection was opened with.
            expires: The instant from which on the record is not given out. Its day stands readable in the database.
                None: after the collection's ``life``, if it has one.
            expected: The revision that must stand there now, 0 for none; None writes over any.
            at: From when the ``life`` counts (None: now).

        Raises:
            Conflict: Another revision stands there. Nothing was written.
            CorruptRecord: What stands there is not what was written; it is not replaced by mistake.
        """
        return self._write([self._writing(Record(key, value, 0, expires, index or {}), expected, at)])[0]

    def put_many(self, items: Iterable[tuple[Key, bytes] | Record], *, at: int | None = None) -> list[int]:
        """Writes records, all or none: pairs of key and value, or ``Record`` with index and expiry. Their revisions.

        The revision of a given ``Record`` is not looked at. No key may stand twice.
        """
        records = [item if isinstance(item, Record) else Record(*item) for item in items]
        return self._write([self._writing(record, None, at) for record in records])

    def _merge(self, records: Iterable[Record]) -> int:
        writings = [self._writing(record, None, None)._replace(revision=record.revision) for record in records]
        if any(not writing.revision for writing in writings):
            raise InvalidArgument("a record of another store has a revision")
        with self._ledger.step():
            stored = self._stored([writing.name for writing in writings])
            news = [w for w in writings if w.name not in stored or stored[w.name].revision < (w.revision or 0)]
            self._write(news)
        return len(news)

    def delete(self, key: Key, *, expected: int | None = None) -> int:
        """Deletes a record, and returns the revision that it had; 0 if there was none.

        Conflict if another revision stands there than ``expected``. A record that is written anew begins at 1.
        """
        name = self._name(key)
        with self._ledger.step():
            row = self._stored([name]).get(name)
            revision = row.revision if row else 0
            if expected is not None and expected != revision:
                raise _conflict(expected, revision)
            if row is None:
                return 0
            open_row(self._ledger, self._number, row)
            remove_rows(self._ledger, self._number, [row])
            return revision

    def _writing(self, record: Record, expected: int | None, at: int | None) -> _Writing:
        check_value(record.value)
        expires = record.expires
        if expires is not None:
            instant(expires)
        elif self._life is not None and record.restored is None:
            expires = min(instant(at) + self._life, LATEST)
        fields: Mapping[int, str] = self._numbered(record.fields) if record.fields else {}
        content = Content(record.key, record.value, expires, fields, record.restored)
        return _Writing(self._name(record.key), content, expected)

    def _numbered(self, fields: Mapping[str, str]) -> Mapping[int, str]:
        if any(type(text) is not str for text in fields.values()):
            raise InvalidArgument("what a record is found by is text")
        return {self._field(field): text for field, text in fields.items()}

    def _write(self, writings: list[_Writing]) -> list[int]:
        if not writings:
            return []
        ledger, number = self._ledger, self._number
        counting = ledger.backend.single_writer
        with ledger.step():
            self._require_entry()
            stored = self._stored([writing.name for writing in writings])
            revisions = [self._next_revision(writing, stored.get(writing.name)) for writing in writings]
            self._name_scope()
            kid = ledger.keyring.use(number, self._scope_id, count=len(writings))
            seal = sealer_of(ledger, number, kid).seal_with_nonce
            nonces = random_bytes(NONCE_BYTES * len(writings))
            rows: list[tuple[Row, int]] = []
            for (name, content, _, _), revision in zip(writings, revisions, strict=True):
                at = NONCE_BYTES * len(rows)
                sealed = seal(name, revision, content.encode(), nonces[at : at + NONCE_BYTES])
                day = None if content.expires is None else content.expires // DAY
                tags = self._tags(content.fields) if content.fields else ()
                replaced = stored.get(name)
                rows.append((Row(name, revision, sealed, day, tags), replaced.revision if replaced else 0))
            ledger.backend.put(number, rows)
            if counting:
                key = ledger.ready.sums(ledger.keyring, number)
                elements = {row.name: element_of(key, row) for row, _ in rows}
                ledger.count(number, elements, removed=[element_of(key, row) for row in stored.values()])
        return revisions

    def _next_revision(self, writing: _Writing, row: Row | None) -> int:
        """The revision to write. What stands there is opened: only what we wrote is subtracted (STO-6)."""
        revision = row.revision if row else 0
        if row is not None:
            open_row(self._ledger, self._number, row)
        if writing.expected is not None and writing.expected != revision:
            raise _conflict(writing.expected, revision)
        return revision + 1 if writing.revision is None else writing.revision

    def _name_scope(self) -> None:
        """Before the first data key of this collection and scope is drawn, the scope is known by name (ERA-1)."""
        if self._introduce is None or self.scope is None:
            return
        if not self._ledger.keyring.serves(self._number, self._scope_id):
            self._introduce(self.scope)

    # --- reading ---

    def get(self, key: Key, *, at: int | None = None) -> Record | None:
        """The record under this key; None if there is none, or it expired before ``at`` (now)."""
        name = self._name(key)
        if self._strict:
            row = self._read([name]).get(name)
        else:
            row = next((row for row in self._ledger.backend.get(self._number, (name,)) if row.name == name), None)
        return None if row is None else self._record(row, at)

    def get_many(self, keys: Iterable[Key], *, at: int | None = None) -> list[Record | None]:
        """For each key, in order, as ``get``."""
        names = [self._name(key) for key in keys]
        rows = self._read(names)
        return [self._record(rows[name], at) if name in rows else None for name in names]

    def scan(self, *, at: int | None = None) -> Iterator[Record]:
        """Every record of this collection and scope, in an order that means nothing.

        Records that are written meanwhile come or do not come. The other scopes of the collection are passed over, but
        the database reads them: its work grows with the whole collection.
        """
        return self._opened(self._scanned(), at, {})

    def find(self, *, at: int | None = None, **index: str) -> Iterator[Record]:
        """The records with these fields, in an order that means nothing. InvalidArgument for an unknown field.

        The database looks for one of them by its tag; each record is opened and compared with what is looked for.
        """
        if not index:
            raise InvalidArgument("a field to look for is needed")
        wanted = {self._field(field): text for field, text in index.items()}
        field, text = next(iter(wanted.items()))
        return self._opened(self._found(field, self._tag(field, text)), at, wanted)

    def _opened(self, rows: Iterable[Row], at: int | None, wanted: Mapping[int, str]) -> Iterator[Record]:
        for row in rows:
            content = open_row(self._ledger, self._number, row)
            if all(content.fields.get(number) == text for number, text in wanted.items()):
                record = self._visible(content, row.revision, at)
                if record is not None:
                    yield record

    def _scanned(self) -> Iterator[Row]:
        rows: Iterable[Row] = rows_of(self._ledger, self._number)
        if self._strict:
            with self._ledger.snapshot():
                rows = list(rows)
                self._compare(None, rows)
        ours: dict[int, bool] = {}
        for row in rows:
            kid = data_key_of(row.value)
            if kid not in ours:
                ours[kid] = self._is_ours(kid, row)
            if ours[kid]:
                yield row

    def _is_ours(self, kid: int, row: Row) -> bool:
        """Whether the data key belongs to this scope. One that is not known is asked for, and refused."""
        if kid not in self._ledger.keyring.kids(collection=self._number):
            open_row(self._ledger, self._number, row)
        return kid in self._ledger.keyring.kids(collection=self._number, scope=self._scope_id)

    def _found(self, field: int, tag: bytes) -> Iterator[Row]:
        after, backend = b"", self._ledger.backend
        while page := backend.find(self._number, field, tag, after=after, limit=PAGE):
            if self._strict:
                with self._ledger.snapshot():
                    page = list(self._stored([row.name for row in page]).values())
            yield from page
            after = max(row.name for row in page)

    def _read(self, names: list[bytes]) -> dict[bytes, Row]:
        if self._strict:
            with self._ledger.snapshot():
                return self._stored(names)
        return self._stored(names)

    def _stored(self, names: list[bytes]) -> dict[bytes, Row]:
        """The rows that there are, of a strict collection those that were written last."""
        rows = self._ledger.backend.get(self._number, names)
        if self._strict:
            self._compare(names, rows)
        return {row.name: row for row in rows}

    def _compare(self, names: list[bytes] | None, rows: list[Row]) -> None:
        ledger = self._ledger
        watch, key = watch_of(ledger, self._number), ledger.ready.sums(ledger.keyring, self._number)
        found = {row.name: element_of(key, row) for row in rows}
        complete = names is not None or len(found) == len(watch)
        if not complete or not all(watch.agrees(name, found.get(name)) for name in names or found):
            raise ledger.rolled_back("a record of a strict collection is not the one that was written last")

    # --- keys, fields, expiry ---

    def _name(self, key: Key) -> bytes:
        check_key(key)
        ledger = self._ledger
        return name_of(ledger.ready.names(ledger.keyring, self._number), self._within, key)

    def _tags(self, fields: Mapping[int, str]) -> tuple[tuple[int, bytes], ...]:
        return tuple((number, self._tag(number, text)) for number, text in fields.items())

    def _tag(self, field: int, text: str) -> bytes:
        ledger = self._ledger
        return tag_of(ledger.ready.index(ledger.keyring, self._number, field), self._within, text)

    def _field(self, field: str) -> int:
        number = self._fields.get(field)
        if number is None:
            raise InvalidArgument(f"the collection was not opened with a field {field!r}")
        return number

    def _record(self, row: Row, at: int | None) -> Record | None:
        return self._visible(open_row(self._ledger, self._number, row), row.revision, at)

    def _visible(self, content: Content, revision: int, at: int | None) -> Record | None:
        if content.expires is not None and content.expires <= instant(at):
            return None
        if not content.fields and content.restored is None:
            return Record(content.key, content.value, revision, content.expires)
        index = {self._field_name(number): text for number, text in content.fields.items()}
        return Record(content.key, content.value, revision, content.expires, index, content.restored)

    def _field_name(self, number: int) -> str:
        fields = self._require_entry().fields
        if number >= len(fields):  # another process gave the collection further ones
            self._ledger.look_again()
            fields = self._require_entry().fields
        return fields[number]

    def _require_entry(self) -> Entry:
        """What the catalogue says of this collection. StateError if the transaction that made it was undone."""
        for entry in self._ledger.catalogue.entries:
            if entry.number == self._number and entry.name == self.name:
                return entry
        raise StateError("the transaction that made this collection was undone; ask the store for it again")


def merge(collection: Collection, records: Iterable[Record]) -> int:
    """Takes over records of another store: those whose revision is above the one here. They keep it. How many.

    CorruptRecord if what stands here is damaged; no key may stand twice.
    """
    return collection._merge(records)  # noqa: SLF001  # the class is this room's own


def remove_rows(ledger: Ledger, collection: int, rows: list[Row]) -> None:
    """Deletes rows that were read and opened in this transaction (STO-6)."""
    ledger.backend.delete(collection, [(row.name, row.revision) for row in rows])
    if ledger.backend.single_writer:
        key = ledger.ready.sums(ledger.keyring, collection)
        elements = dict.fromkeys([row.name for row in rows])
        ledger.count(collection, elements, removed=[element_of(key, row) for row in rows])


def _conflict(expected: int, revision: int) -> Conflict:
    return Conflict(f"revision {revision} stands there, and {expected} was expected")
