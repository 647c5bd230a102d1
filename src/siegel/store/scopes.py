"""Knows a store's scopes: what they are called, which are held (docs/rationale/erasure-and-backup.md, ERA-1, ERA-2).

The database knows a scope by 16 bytes that mean nothing. What it is called stands in a record of the scope itself,
written before its first other record, under a data key of the scope, and destroyed with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.instants import instant
from siegel.errors import CorruptHeader, CorruptRecord, InvalidArgument, MalformedError, ScopeHeld
from siegel.store.backend import Row, data_key_of
from siegel.store.collection import Collection
from siegel.store.header import RESERVED
from siegel.store.ledger import Ledger
from siegel.store.reading import open_row, rows_of

SCOPES: Final = f"{RESERVED}scopes"

_KEY: Final = "scope"
_WHERE: Final = "scope"


class Scope(NamedTuple):
    """A scope of a store."""

    name: str
    held_since: int | None = None
    """The instant at which somebody laid a legal hold on it; None if it may be erased."""

    def encode(self) -> bytes:
        """The value of its record."""
        return encode([self.name, self.held_since])

    @classmethod
    def decode(cls, data: bytes) -> Scope:
        """The scope that ``encode`` wrote. MalformedError for anything else."""
        name, held = shape.array(decode(data), 2, _WHERE)
        return cls(shape.text(name, _WHERE), None if held is None else shape.uint(held, _WHERE))


# Each takes the collection SCOPES, opened for the scope in question.


def introduce(collection: Collection) -> Scope:
    """What is known of the scope; from now on its name is."""
    record = collection.get(_KEY)
    if record is not None:
        return Scope.decode(record.value)
    scope = Scope(_name_of(collection))
    collection.put(_KEY, scope.encode())
    return scope


def lay_hold(collection: Collection, *, at: int | None) -> None:
    """The scope is neither erased nor swept before the hold is released. A second hold changes nothing."""
    scope = introduce(collection)
    if scope.held_since is None:
        collection.put(_KEY, scope._replace(held_since=instant(at)).encode())


def release_hold(collection: Collection) -> None:
    """The scope may be erased."""
    if collection.get(_KEY) is not None:
        collection.put(_KEY, Scope(_name_of(collection)).encode())


def refuse_held(collection: Collection) -> None:
    """ScopeHeld if somebody holds the scope."""
    record = collection.get(_KEY)
    if record is not None and Scope.decode(record.value).held_since is not None:
        raise ScopeHeld("a legal hold lies on the scope")


def _name_of(collection: Collection) -> str:
    if collection.scope is None:
        raise InvalidArgument("a scope has a name")
    return collection.scope


# --- all of them -----------------------------------------------------------------------------------------------------


def scopes_of(ledger: Ledger) -> dict[bytes, Scope]:
    """Every scope by its id. CorruptRecord if the record of one is damaged."""
    found: dict[bytes, Scope] = {}
    for number, row in _rows(ledger):
        scope = _opened(ledger, number, row)
        found[ledger.keyring.scope_id(scope.name)] = scope
    return found


def held_scopes(ledger: Ledger) -> frozenset[bytes]:
    """The ids of the scopes that are held. One whose record is damaged may have been: it counts (ERA-2)."""
    held: set[bytes] = set()
    for number, row in _rows(ledger):
        try:
            scope = _opened(ledger, number, row)
        except (CorruptRecord, CorruptHeader):  # of the record, or of its data key
            scope_id = ledger.keyring.scope_of(data_key_of(row.value))
            held |= set() if scope_id is None else {scope_id}
            continue
        if scope.held_since is not None:
            held.add(ledger.keyring.scope_id(scope.name))
    return frozenset(held)


def _rows(ledger: Ledger) -> Iterator[tuple[int, Row]]:
    for entry in ledger.catalogue.entries:
        if entry.name == SCOPES:
            for row in rows_of(ledger, entry.number):
                yield entry.number, row


def _opened(ledger: Ledger, number: int, row: Row) -> Scope:
    try:
        return Scope.decode(open_row(ledger, number, row).value)
    except MalformedError:
        pass
    raise CorruptRecord(f"the record {row.name.hex()} names no scope")
