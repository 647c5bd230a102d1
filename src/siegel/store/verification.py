"""Knows how a whole store is looked through: what is wrong with it, and what of it still opens (STO-17).

Law: neither stops at a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from siegel._core.instants import DAY
from siegel._core.suite import MacKey
from siegel.errors import CorruptHeader, SiegelError, StoreError
from siegel.store.backend import NAME_BYTES, Backend, Row, data_key_of
from siegel.store.freshness import Tally, element_of
from siegel.store.header import CATALOGUE, HEADER, RESERVED, SLOTS, Entry, open_catalogue, store_id_of
from siegel.store.keyring import Keyring, header_key
from siegel.store.keys import Key
from siegel.store.ledger import Ledger
from siegel.store.reading import PAGE, open_row, rows_of
from siegel.store.record_keys import ReadyKeys
from siegel.store.records import Content, Record
from siegel.store.slots import unlock

_STEPS: Final = 1 << 12  # of the space of names, which are spread evenly: what a page that cannot be read may cost
_STEP: Final = (1 << 8 * NAME_BYTES) // _STEPS


class Fault(NamedTuple):
    """Something that is wrong."""

    collection: str
    """Its name."""
    record: str | None
    """The hashed name of a record, in hexadecimal; None where it is the collection as a whole."""
    what: str


class Verification(NamedTuple):
    """What was found when every record was opened."""

    records: int
    """How many of the application's opened."""
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(ledger: Ledger) -> Verification:
    """Opens every record and compares each collection with the header."""
    opened, faults = 0, list[Fault]()
    with ledger.snapshot():
        for entry in ledger.catalogue.entries:
            count, found = _verified(ledger, entry)
            opened += 0 if entry.name.startswith(RESERVED) else count
            faults += found
    return Verification(opened, tuple(faults))


def _verified(ledger: Ledger, entry: Entry) -> tuple[int, list[Fault]]:
    opened, faults, elements = 0, list[Fault](), list[int]()
    key = ledger.ready.sums(ledger.keyring, entry.number)
    try:
        for row in rows_of(ledger, entry.number):
            elements.append(element_of(key, row))
            try:
                content = open_row(ledger, entry.number, row)
            except StoreError as error:
                faults.append(Fault(entry.name, row.name.hex(), str(error)))
                continue
            opened += 1
            if row.day != _day_of(content):
                faults.append(Fault(entry.name, row.name.hex(), "its day of expiry is not the one that it says"))
    except StoreError as error:
        return opened, [*faults, Fault(entry.name, None, f"cannot be read to its end: {error}")]
    if ledger.backend.single_writer:
        faults += _compared(entry, Tally().after(added=elements, rows=len(elements)), ledger.counts.tally(entry.number))
    return opened, faults


def _compared(entry: Entry, found: Tally, written: Tally) -> list[Fault]:
    if found.rows != written.rows:
        return [Fault(entry.name, None, f"has {found.rows} records, and {written.rows} were written")]
    if found.total != written.total:
        return [Fault(entry.name, None, "has a record that is not the one written last")]
    return []


def _day_of(content: Content) -> int | None:
    return None if content.expires is None else content.expires // DAY


def salvage(backend: Backend, key: Key) -> Iterator[tuple[str, Record]]:
    """Every record that still opens, with the name of its collection; also of a store that does not open any more.

    The slots, the catalogue and the data keys are needed, and the header is not. Nothing says whether these records are
    the newest, or all. Expired ones are among them.
    """
    blocks = backend.blocks()
    table, catalogue_block = blocks.get(SLOTS), blocks.get(CATALOGUE)
    if table is None or catalogue_block is None:
        raise CorruptHeader(f"without slots and catalogue nothing can be had: {HEADER} alone opens no record")
    store_id = store_id_of(catalogue_block)
    root = unlock(table, key, store_id=store_id)
    catalogue = open_catalogue(catalogue_block, MacKey(header_key(root, store_id=store_id)), store_id)
    keyring = Keyring.decode(catalogue.keyring, root=root, store_id=store_id)
    keyring.load(backend.keys())
    ready = ReadyKeys()
    for entry in catalogue.entries:
        for row in _readable(backend, entry.number):
            try:
                content = ready.sealer(keyring, entry.number, data_key_of(row.value)).open(row)
            except StoreError:
                continue
            fields = {entry.fields[n]: text for n, text in content.fields.items() if n < len(entry.fields)}
            yield (
                entry.name,
                Record(content.key, content.value, row.revision, content.expires, fields, content.restored),
            )


def _readable(backend: Backend, collection: int) -> Iterator[Row]:
    """The rows that the database can still give: where a page of it cannot be read, the next names are tried."""
    after, limit = b"", PAGE
    while True:
        try:
            page = backend.scan(collection, after=after, limit=limit)
        except SiegelError:
            if limit > 1:
                limit //= 2
                continue
            beyond = (int.from_bytes(after.ljust(NAME_BYTES, b"\0"), "big") // _STEP + 1) * _STEP
            if beyond >> 8 * NAME_BYTES:
                return
            after = beyond.to_bytes(NAME_BYTES, "big")
            continue
        if not page:
            return
        yield from page
        after, limit = page[-1].name, min(2 * limit, PAGE)
