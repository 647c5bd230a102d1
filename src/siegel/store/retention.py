"""Knows what leaves a store because its time is over (docs/rationale/erasure-and-backup.md, ERA-6).

Laws: only a record that was opened, and says itself that it has expired, is deleted; of a scope that is held, none.
"""

from __future__ import annotations

from siegel._core.instants import DAY
from siegel.errors import StoreError
from siegel.store.backend import Row, data_key_of
from siegel.store.collection import remove_rows
from siegel.store.ledger import Ledger
from siegel.store.reading import PAGE, open_row
from siegel.store.scopes import held_scopes


def sweep(ledger: Ledger, now: int) -> int:
    """Deletes the records that are expired; how many."""
    day = now // DAY  # first the days that are over, then those of today that may be
    return _swept(ledger, now, day) + _swept(ledger, now, day + 1)


def _swept(ledger: Ledger, now: int, day: int) -> int:
    """Deletes what expired among the records of the days before this one, in transactions of a few hundred."""
    deleted, limit = 0, PAGE
    while True:
        with ledger.transaction():
            rows = ledger.backend.expired(day, limit=limit)
            held = held_scopes(ledger) if rows else frozenset[bytes]()
            gone = [(number, row) for number, row in rows if _may_go(ledger, number, row, now, held)]
            for number in sorted({number for number, _ in gone}):
                remove_rows(ledger, number, [row for of, row in gone if of == number])
        deleted += len(gone)
        if len(rows) < limit:
            return deleted
        if not gone:
            limit *= 2  # none of these may go: look beyond them


def _may_go(ledger: Ledger, collection: int, row: Row, now: int, held: frozenset[bytes]) -> bool:
    try:
        expires = open_row(ledger, collection, row).expires
    except StoreError:
        return False
    return expires is not None and expires <= now and ledger.keyring.scope_of(data_key_of(row.value)) not in held
