"""A store that is open, by hand (spec STO-10 … STO-17): anchor, transactions, collections, verifying, salvaging."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tests.vectors.reference import DAY, Refused, cbor, require, store, unlock
from tests.vectors.reference.labels import sha256
from tests.vectors.reference.store import BROKEN, DAMAGED, Content, Header, Place

BEHIND: Final = "rollback-detected"
CAP: Final = 2**28


class Row(NamedTuple):
    """A row of the database."""

    name: bytes
    revision: int
    record: bytes
    day: int | None = None
    tags: tuple[tuple[int, bytes], ...] = ()


@dataclass
class Database:
    """Blocks, rows of data keys by kid, rows by collection and name."""

    blocks: dict[str, bytes]
    keys: dict[int, bytes]
    rows: dict[int, dict[bytes, Row]]


@dataclass
class Store:
    """An open store. ``anchor`` is None where there is none, else what it knows (None: nothing)."""

    database: Database
    key: dict[str, Any]
    anchor: list[tuple[int, bytes] | None] | None = None
    read_only: bool = False
    rolled_back: bool = False
    known: tuple[int, bytes] | None = None
    drawn: int = 0
    strict: set[int] = field(default_factory=set[int])
    watched: dict[int, dict[bytes, bytes]] = field(default_factory=dict[int, dict[bytes, bytes]])

    def __post_init__(self) -> None:
        blocks = self.database.blocks
        require("header" in blocks and "slots" in blocks, "format", BROKEN)
        self.store_id = store.store_id_of(blocks["header"])
        self.root, _ = unlock.unlock(blocks["slots"], unlock.key_of(self.key), self.store_id)
        self.secret = unlock.header_secret(self.root, self.store_id)
        self._read()
        told = self.anchor[0] if self.anchor else None
        behind = self._behind(told) if told else self.anchor is not None and self.header.anchored
        if behind:
            self.known, self.rolled_back = told or self.known, True
            require(self.read_only, "anchor", BEHIND)
        elif not self.read_only:
            self.known = self.position

    # --- what is true ---

    @property
    def position(self) -> tuple[int, bytes]:
        """What an anchor knows."""
        return self.header.number, sha256(self.database.blocks["header"])

    def _read(self) -> None:
        blocks = self.database.blocks
        require("catalogue" in blocks, "named", BROKEN)
        self.header = store.open_header(blocks["header"], self.secret, self.store_id)
        require(sha256(blocks["catalogue"]) == self.header.catalogue, "named", BROKEN)
        self.catalogue = store.open_catalogue(blocks["catalogue"], self.secret, self.store_id)
        require(sha256(blocks["slots"]) == self.catalogue.slots, "named", BROKEN)
        self.ring = unlock.read_keyring(self.catalogue.keyring, self.root, self.store_id)

    def _behind(self, known: tuple[int, bytes]) -> bool:
        number, digest = known
        mine, block = self.position
        later = mine == number + 1 and self.header.before != digest
        return mine < number or (mine == number and block != digest) or later

    def look(self) -> None:
        """Another writer may have been there."""
        before = self.header, self.catalogue, self.ring
        self._read()
        if self.known and self._behind(self.known):
            self.header, self.catalogue, self.ring = before
            self.rolled_back = self.read_only = True
            raise Refused("anchor", BEHIND)
        self.known = self.position
        for number, seen in list(self.watched.items()):
            if (len(seen), store.total(seen.values())) != self.tally(number):
                del self.watched[number]

    def entry(self, name: str) -> tuple[int, str, list[str]]:
        """A collection."""
        return next(entry for entry in self.catalogue.entries if entry[1] == name)

    def tally(self, number: int) -> tuple[int, bytes]:
        """What the header says of a collection."""
        return next(((rows, sums) for n, rows, sums in self.header.tallies if n == number), (0, bytes(32)))

    # --- the transaction ---

    def transaction(self, steps: Any) -> Any:
        """All that the function does is kept, or nothing."""
        require(not self.rolled_back, "anchor", BEHIND)
        require(not self.read_only, "writing", "state-error")
        self.look()
        before = copy.deepcopy(self.database)
        try:
            result = steps()
            if self.database != before:
                self._commit(before)
        except BaseException:
            self.database.blocks, self.database.keys, self.database.rows = before.blocks, before.keys, before.rows
            raise
        return result

    def _commit(self, before: Database, *, restores: int = 0, above: int = 0) -> None:
        old, blocks = self.header, self.database.blocks
        header = Header(
            max(old.number, above) + 1,
            sha256(blocks["header"]),
            old.restores + restores,
            old.anchored or self.anchor is not None,
            old.changes + (self.database.keys != before.keys),
            old.catalogue,
            self._tallies(before),
        )
        salt = sha256(b"salt" + blocks["header"])
        blocks["header"] = store.seal_block(header.encode(), "state header", self.secret, self.store_id, salt)
        self.header = header
        self.known = self.position
        if self.anchor is not None:
            self.anchor[0] = self.position

    def acknowledge(self) -> None:
        """A person says that the older state is meant."""
        require(self.rolled_back, "writing", "state-error")
        self._read()
        self.rolled_back = self.read_only = False
        self._commit(self.database, restores=1, above=self.known[0] if self.known else 0)

    def _tallies(self, before: Database) -> list[tuple[int, int, bytes]]:
        """The tallies of the header, with what was written and without what was replaced or deleted (STO-6)."""
        tallies = {number: (rows, int.from_bytes(sums, "big")) for number, rows, sums in self.header.tallies}
        for number in self.database.rows:
            new, old = self.elements(number), self.elements(number, before)
            rows, sums = tallies.get(number, (0, 0))
            for name in new.keys() | old.keys():
                if new.get(name) != old.get(name):
                    rows += (name in new) - (name in old)
                    sums += int.from_bytes(new.get(name, b""), "big") - int.from_bytes(old.get(name, b""), "big")
                    self._watch(number, name, new.get(name))
                    tallies[number] = rows, sums
        return [(n, rows, (sums % 2**256).to_bytes(32, "big")) for n, (rows, sums) in sorted(tallies.items())]

    def _watch(self, number: int, name: bytes, element: bytes | None) -> None:
        if number in self.watched:
            self.watched[number].pop(name, None)
            self.watched[number] |= {} if element is None else {name: element}

    def elements(self, number: int, database: Database | None = None) -> dict[bytes, bytes]:
        """The elements of the rows of a collection, by name."""
        key = self.ring.derive("accumulator", cbor.uint(number))
        rows = (database or self.database).rows.get(number, {})
        return {name: store.element(key, name, row.revision, row.record) for name, row in rows.items()}

    # --- collections ---

    def name(self, number: int, scope: str | None, key: str | bytes) -> bytes:
        """The name of a key."""
        return store.name_of(self.ring.derive("record names", cbor.uint(number)), scope, key)

    def open(self, number: int, row: Row) -> Content:
        """What a row says."""
        kid = int.from_bytes(row.record[1:5], "big")
        require(kid in self.database.keys, "record", DAMAGED)
        _, key = unlock.read_row(self.ring, kid, self.database.keys[kid])
        return store.open_record(row.record, key, Place(kid, self.store_id, number, row.name, row.revision))

    def require_fresh(self, number: int, name: bytes) -> None:
        """What stands under a name of a strict collection is what was written last (STO-16)."""
        if number in self.strict:
            self.look()
            elements = self.elements(number)
            first = number not in self.watched
            seen = self.watched.setdefault(number, elements)
            agrees = seen.get(name) == elements.get(name)
            if not agrees or (first and (len(seen), store.total(seen.values())) != self.tally(number)):
                self.rolled_back = self.read_only = True
                raise Refused("strict", BEHIND)

    def get(self, number: int, scope: str | None, key: str | bytes, at: int) -> tuple[Row, Content] | None:
        """The record under a key."""
        name = self.name(number, scope, key)
        self.require_fresh(number, name)
        row = self.database.rows.get(number, {}).get(name)
        if row is None:
            return None
        content = self.open(number, row)
        return None if content.expires is not None and content.expires <= at else (row, content)

    def find(self, entry: tuple[int, str, list[str]], scope: str | None, named: str, text: str) -> Iterator[Content]:
        """The records with a field."""
        number, _, fields = entry
        require(named in fields, "argument", "invalid-argument")
        place = fields.index(named)
        tag = store.tag_of(self.ring.derive("blind index", cbor.uint(number), cbor.uint(place)), scope, text)
        for row in self.database.rows.get(number, {}).values():
            if (place, tag) in row.tags:
                content = self.open(number, row)
                if content.fields.get(place) == text:
                    yield content

    def put(self, number: int, scope: str | None, content: Content, expected: int | None) -> int:
        """Writes a record; its revision."""
        name, plaintext = self.name(number, scope, content.key), content.encode()
        revision = self._replaceable(number, name, expected) + 1
        kid = self._kid(number, scope)
        _, key = unlock.read_row(self.ring, kid, self.database.keys[kid])
        place = Place(kid, self.store_id, number, name, revision)
        record = store.seal(key, place, plaintext, hashlib.shake_256(place.data()).digest(12))
        day = None if content.expires is None else content.expires // DAY
        self.database.rows.setdefault(number, {})[name] = Row(name, revision, record, day)
        return revision

    def delete(self, number: int, scope: str | None, key: str | bytes, expected: int | None) -> int:
        """Deletes a record; the revision that it had."""
        name = self.name(number, scope, key)
        revision = self._replaceable(number, name, expected)
        self.database.rows.get(number, {}).pop(name, None)
        return revision

    def _replaceable(self, number: int, name: bytes, expected: int | None) -> int:
        self.require_fresh(number, name)
        row = self.database.rows.get(number, {}).get(name)
        if row is not None:
            self.open(number, row)
        revision = row.revision if row else 0
        require(expected in {None, revision}, "expected", "conflict")
        return revision

    def _kid(self, number: int, scope: str | None) -> int:
        """A data key of this place that may still be used; else another is drawn."""
        scope_id = self.ring.derive("record scope", store.optional(scope))[:16]
        for kid, data in self.database.keys.items():
            row, _ = unlock.read_row(self.ring, kid, data)
            if (row.collection, row.scope) == (number, scope_id) and row.reserved < CAP:
                return kid
        self.drawn += 1
        fresh = unlock.DataKey(2**32 - self.drawn, self.ring.epoch, number, scope_id, 1)
        salt = sha256(b"data key" + bytes([self.drawn]))
        wrapped = unlock.wrap(sha256(salt), self.ring.epoch_key, fresh.place(self.store_id), salt).wrapped
        self.database.keys[fresh.kid] = fresh.row(wrapped)
        return fresh.kid

    # --- the whole ---

    def verify(self) -> tuple[int, list[list[str | None]]]:
        """How many records open, and what is wrong."""
        opened, faults = 0, list[list[str | None]]()
        for number, name, _ in self.catalogue.entries:
            rows = self.database.rows.get(number, {})
            for _, row in sorted(rows.items()):
                try:
                    content = self.open(number, row)
                except Refused:
                    faults.append([name, row.name.hex()])
                    continue
                opened += 1
                if row.day != (None if content.expires is None else content.expires // DAY):
                    faults.append([name, row.name.hex()])
            if (len(rows), store.total(self.elements(number).values())) != self.tally(number):
                faults.append([name, None])
        return opened, faults


def salvage(database: Database, key: dict[str, Any]) -> list[tuple[str, Content, int]]:
    """What opens without a header."""
    blocks = database.blocks
    require("slots" in blocks and "catalogue" in blocks, "format", BROKEN)
    store_id = store.store_id_of(blocks["catalogue"])
    root, _ = unlock.unlock(blocks["slots"], unlock.key_of(key), store_id)
    catalogue = store.open_catalogue(blocks["catalogue"], unlock.header_secret(root, store_id), store_id)
    ring = unlock.read_keyring(catalogue.keyring, root, store_id)
    found: list[tuple[str, Content, int]] = []
    for number, name, _ in catalogue.entries:
        for _, row in sorted(database.rows.get(number, {}).items()):
            kid = int.from_bytes(row.record[1:5], "big")
            try:
                _, data_key = unlock.read_row(ring, kid, database.keys.get(kid))
                place = Place(kid, store_id, number, row.name, row.revision)
                found.append((name, store.open_record(row.record, data_key, place), row.revision))
            except Refused:
                continue
    return found
