"""Knows what is true of a store after one transaction: the header and the catalogue, opened, with their blocks.

Pure: from blocks to a state, and from a state to the next (docs/spec/store.md, STO-9, STO-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from siegel._core.suite import HASH_BYTES, MacKey
from siegel.errors import CorruptHeader
from siegel.store.freshness import Tally
from siegel.store.header import (
    CATALOGUE,
    HEADER,
    SLOTS,
    Catalogue,
    Header,
    digest_of,
    open_catalogue,
    open_header,
    seal_catalogue,
    seal_header,
)

Position: TypeAlias = tuple[int, bytes]  # the header's number, and the SHA-256 of its block


class State(NamedTuple):
    """A header and the catalogue that it names."""

    block: bytes
    header: Header
    catalogue_block: bytes
    catalogue: Catalogue

    @property
    def position(self) -> Position:
        """What an anchor knows of it."""
        return self.header.sequence, digest_of(self.block)

    def blocks(self) -> dict[str, bytes]:
        """What stands in the database."""
        return {HEADER: self.block, CATALOGUE: self.catalogue_block}


def first_state(catalogue: Catalogue, *, anchored: bool, key: MacKey, store_id: bytes) -> State:
    """The state of a new store."""
    catalogue_block = seal_catalogue(catalogue, key, store_id)
    header = Header(1, bytes(HASH_BYTES), 0, anchored, 0, digest_of(catalogue_block), ())
    return State(seal_header(header, key, store_id), header, catalogue_block, catalogue)


def read_state(blocks: Mapping[str, bytes], *, key: MacKey, store_id: bytes) -> State:
    """The state that stands in the database. CorruptHeader unless all is there, authentic and of one time."""
    block, catalogue_block = blocks.get(HEADER), blocks.get(CATALOGUE)
    if block is None or catalogue_block is None:
        raise CorruptHeader("the header or the catalogue is missing")
    header = open_header(block, key, store_id)
    if digest_of(catalogue_block) != header.catalogue:
        raise CorruptHeader("the catalogue is not the one that the header names")
    catalogue = open_catalogue(catalogue_block, key, store_id)
    if digest_of(blocks.get(SLOTS, b"")) != catalogue.slots:
        raise CorruptHeader("the slots are not those that the catalogue names")
    return State(block, header, catalogue_block, catalogue)


class Changes(NamedTuple):
    """What a transaction makes of a state."""

    catalogue: Catalogue
    tallies: Mapping[int, Tally]
    keys_changed: bool
    restores: int
    anchored: bool
    above: int = 0
    """The number of the next header is above this, too."""


def next_state(old: State, changes: Changes, *, key: MacKey, store_id: bytes) -> State:
    """The state after a transaction. The catalogue is sealed again only if it differs."""
    catalogue_block = old.catalogue_block
    if changes.catalogue != old.catalogue:
        catalogue_block = seal_catalogue(changes.catalogue, key, store_id)
    header = Header(
        sequence=max(old.header.sequence, changes.above) + 1,
        previous=digest_of(old.block),
        restores=changes.restores,
        anchored=old.header.anchored or changes.anchored,
        ring_changes=old.header.ring_changes + changes.keys_changed,
        catalogue=digest_of(catalogue_block),
        tallies=tuple(sorted(changes.tallies.items())),
    )
    return State(seal_header(header, key, store_id), header, catalogue_block, changes.catalogue)


def behind(state: State, known: Position) -> str | None:
    """Why this state cannot follow a position that is known; None if it can."""
    sequence, digest = known
    at = state.header.sequence
    if at < sequence:
        return f"the store is at transaction {at}, and was at {sequence}"
    if at == sequence and digest_of(state.block) != digest:
        return f"the store has another transaction {sequence} than the one that is known"
    if at == sequence + 1 and state.header.previous != digest:
        return f"the store has another past than transaction {sequence}, which is known"
    return None
