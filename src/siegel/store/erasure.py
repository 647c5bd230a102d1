"""Knows how a scope is erased, and what is said of it then (docs/rationale/erasure-and-backup.md, ERA-3 … ERA-5).

Laws: rows, data keys and the epoch under which these were wrapped go in one transaction, or nothing goes; what is left
of them in free pages, in a log or in an older copy of the file opens with no key that the store still has. A report
claims what was done, and names what nobody here can do.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from siegel._core.instants import instant
from siegel.errors import CorruptHeader, CorruptRecord, InvalidArgument, StateError, StoreError
from siegel.store.backend import Row
from siegel.store.collection import Collection, remove_rows
from siegel.store.ledger import Ledger
from siegel.store.reading import PAGE, open_row, read_keys
from siegel.store.scopes import refuse_held

_LIMITS: Final = (
    "copies of the database, backups and exports from before: who has one, and a key that opened it, reads it",
    "what other people's devices received, and what an application copied or displayed",
    "flash memory, and file systems that write to another place: old blocks may stay until the device reuses them",
    "memory and swap of running processes",
)
_SERVER_LIMIT: Final = "a database server's write-ahead log, replicas and dead rows, until it discards them"


class ErasureReport(NamedTuple):
    """What an erasure did, when, and what is outside of its reach. It does not hold the scope's name."""

    store_id: bytes
    """16 bytes: of which store."""
    scope_id: bytes
    """16 bytes that stand for the scope in this store; who has only them does not learn the name."""
    at: int
    """When, in milliseconds since 1970."""
    sequence: int
    """The number of the transaction that did it."""
    epoch: int
    """The number of the epoch that began with it."""
    records: int
    """How many records were deleted."""
    damaged: int
    """How many of these did not open any more. ``verify`` goes on reporting their collections."""
    keys: int
    """How many data keys were destroyed."""
    lost: int
    """Data keys of other scopes whose rows had been damaged before: until now an older row could have replaced them."""
    steps: tuple[str, ...]
    """What was done, in words. A step of the database that is not among them was not possible: the log of SQLite, for
    one, is not cut while somebody reads; erase the scope once more later."""
    undone: tuple[str, ...]
    """What was attempted and failed, in words; erase the scope once more to repeat it."""
    limits: tuple[str, ...]
    """What no erasure reaches, in words."""

    def __str__(self) -> str:
        """All of it, line by line, to be filed."""
        head = (
            f"scope {self.scope_id.hex()} of store {self.store_id.hex()}, at {self.at} ms, transaction {self.sequence}"
        )
        sections = (("Done", self.steps), ("Failed", self.undone), ("Out of reach", self.limits))
        lines = [line for title, texts in sections if texts for line in (f"{title}:", *(f"- {text}" for text in texts))]
        return "\n".join((f"Erasure of {head}", *lines))


def erase(ledger: Ledger, scope: str, *, names: Collection, at: int | None) -> ErasureReport:
    """Erases a scope. ``names``: the collection of scopes, opened for it."""
    now = instant(at)
    if type(scope) is not str:
        raise InvalidArgument("a scope is erased by its name")
    if ledger.in_transaction:
        raise StateError("erasing is a transaction of its own: what it destroys is gone when it is kept")
    scope_id = ledger.keyring.scope_id(scope)
    with ledger.transaction():
        if ledger.backend.joined:
            raise StateError("the application's transaction is open, and might be undone; erase outside of it")
        read_keys(ledger)
        refuse_held(names)
        kids = ledger.keyring.kids(scope=scope_id)
        records, damaged = _delete_rows(ledger, kids)
        ledger.keyring.destroy(kids)
        lost = ledger.keyring.rotate()
        ledger.ready.clear()
    steps, undone = _scrub(ledger)
    return ErasureReport(
        store_id=ledger.store_id,
        scope_id=scope_id,
        at=now,
        sequence=ledger.state.header.sequence,
        epoch=ledger.keyring.epoch,
        records=records,
        damaged=damaged,
        keys=len(kids),
        lost=len(lost),
        steps=(*_done(ledger, records, len(kids)), *steps),
        undone=undone,
        limits=_LIMITS if ledger.backend.single_writer else (*_LIMITS, _SERVER_LIMIT),
    )


def _delete_rows(ledger: Ledger, kids: tuple[int, ...]) -> tuple[int, int]:
    """Deletes every row under these data keys: how many, and how many of them did not open."""
    records = damaged = 0
    for kid in kids:
        while rows := ledger.backend.of_key(kid, limit=PAGE):
            records += len(rows)
            damaged += sum(not _opens(ledger, collection, row) for collection, row in rows)
            for collection in {collection for collection, _ in rows}:
                remove_rows(ledger, collection, [row for of, row in rows if of == collection])
    return records, damaged


def _opens(ledger: Ledger, collection: int, row: Row) -> bool:
    try:
        open_row(ledger, collection, row)
    except (CorruptRecord, CorruptHeader):  # of the record, or of its data key
        return False
    return True


def _scrub(ledger: Ledger) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps that the backend did, and what failed. The keys are gone already: what it leaves opens nothing."""
    try:
        return ledger.backend.scrub(), ()
    except StoreError as error:
        return (), (f"the database's files could not be cleaned: {error}",)


def _done(ledger: Ledger, records: int, keys: int) -> tuple[str, ...]:
    done = (
        f"{records} records deleted",
        f"{keys} data keys destroyed",
        f"epoch {ledger.keyring.epoch} begun: every other data key wrapped again, the epoch key before forgotten",
    )
    return (*done, "the anchor told") if ledger.anchored else done
