"""Knows how rows of an open store are read: page by page, under the right key, and compared with what was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from siegel.errors import CorruptRecord, KeyUnavailable
from siegel.store.backend import Row, data_key_of
from siegel.store.freshness import Watch, element_of
from siegel.store.ledger import Ledger
from siegel.store.records import Content, RecordSealer

PAGE: Final = 512  # rows read at once


def rows_of(ledger: Ledger, collection: int) -> Iterator[Row]:
    """All rows of a collection, in order of name."""
    after = b""
    while page := ledger.backend.scan(collection, after=after, limit=PAGE):
        yield from page
        after = page[-1].name


def open_row(ledger: Ledger, collection: int, row: Row) -> Content:
    """What a row says. CorruptRecord unless it was written there."""
    try:
        sealer = sealer_of(ledger, collection, data_key_of(row.value))
    except KeyUnavailable:
        sealer = None
    if sealer is None:
        raise CorruptRecord(f"the record {row.name.hex()} is under no key of the store: damaged, or erased before")
    return sealer.open(row)


def sealer_of(ledger: Ledger, collection: int, kid: int) -> RecordSealer:
    """For the records of this data key. KeyUnavailable if the store has no such key."""
    try:
        return ledger.ready.sealer(ledger.keyring, collection, kid)
    except KeyUnavailable:
        if ledger.in_transaction and ledger.backend.single_writer:
            raise  # nobody else could have drawn it meanwhile
    ledger.look_again()
    return ledger.ready.sealer(ledger.keyring, collection, kid)


def read_keys(ledger: Ledger) -> None:
    """Within a transaction, before it changes a key: all data keys, also those that other processes drew since.

    Whoever begins a new epoch needs them all: one that is not wrapped again is lost with the old epoch.
    """
    if not ledger.backend.single_writer:
        ledger.keyring.load(ledger.backend.keys())
        ledger.ready.clear()


def watch_of(ledger: Ledger, collection: int) -> Watch:
    """What stands in a strict collection, read once. Within a transaction or snapshot."""
    watch = ledger.counts.watch(collection)
    if watch is None:
        watch, key = Watch(), ledger.ready.sums(ledger.keyring, collection)
        for row in rows_of(ledger, collection):
            watch.note(row.name, element_of(key, row))
        if watch.tally() != ledger.counts.tally(collection):
            raise ledger.rolled_back("a strict collection has other records than were written last")
        ledger.counts.keep(collection, watch)
    return watch
