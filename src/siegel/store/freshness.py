"""Knows which rows a collection has, in 40 bytes: their number, and a sum that nobody without the key can keep
(docs/spec/store.md, STO-5, STO-6).

Each row has an element, a keyed hash of its name, revision, data key, nonce and tag. The sum of the elements modulo
2^256 stands in the sealed header. Laws: a row that is missing, older, moved or there twice changes the sum; an element
is subtracted only for a row that was read and opened in the same transaction. A sum does not depend on order, so one
row costs the same in every collection; a repeated row does not cancel out, as it would with XOR.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from siegel._core.suite import TAG_BYTES, MacKey, mac
from siegel.store.backend import Row
from siegel.store.records import HEAD_BYTES

TOTAL_BYTES: Final = 32
_MODULUS: Final = 1 << 8 * TOTAL_BYTES


def element_of(key: MacKey, row: Row) -> int:
    """The number that stands for exactly this row. All parts have fixed lengths, so they cannot run together."""
    value = row.value
    covered = b"".join((row.name, row.revision.to_bytes(8, "big"), value[:HEAD_BYTES], value[-TAG_BYTES:]))
    return int.from_bytes(mac(key, covered), "big")


class Tally(NamedTuple):
    """How many rows a collection has, and the sum of their elements."""

    rows: int = 0
    total: int = 0

    def after(self, *, added: Iterable[int] = (), removed: Iterable[int] = (), rows: int) -> Tally:
        """The tally with so many rows more, and these elements added and removed."""
        return Tally(self.rows + rows, (self.total + sum(added) - sum(removed)) % _MODULUS)


class Watch:
    """The elements of all rows of a strict collection by name: a reading is compared with what was written last."""

    __slots__ = ("_elements",)

    def __init__(self) -> None:
        self._elements: dict[bytes, int] = {}

    def note(self, name: bytes, element: int | None) -> int | None:
        """Notes the row that stands there, or that none does (None), and returns what was noted before."""
        before = self._elements.pop(name, None)
        if element is not None:
            self._elements[name] = element
        return before

    def tally(self) -> Tally:
        """What the header must say of these rows."""
        return Tally().after(added=self._elements.values(), rows=len(self._elements))

    def agrees(self, name: bytes, element: int | None) -> bool:
        """Whether a row with this element (None: no row) is what stands there."""
        return self._elements.get(name) == element

    def __len__(self) -> int:
        return len(self._elements)


class Counts:
    """The tallies of all collections in a transaction, and the watches of the strict ones. ``undo`` takes all back."""

    __slots__ = ("_noted", "_watches", "tallies")

    def __init__(self) -> None:
        self.tallies: dict[int, Tally] = {}
        self._watches: dict[int, Watch] = {}
        self._noted: list[tuple[Watch, bytes, int | None]] = []

    def begin(self, tallies: Iterable[tuple[int, Tally]]) -> None:
        """A transaction begins with what the header says."""
        self.tallies = dict(tallies)
        self._noted.clear()

    def undo(self) -> None:
        """The watches are as they were when the transaction began."""
        for watch, name, element in reversed(self._noted):
            watch.note(name, element)
        self._noted.clear()

    def believe(self, tallies: Iterable[tuple[int, Tally]]) -> None:
        """Another header was read: a watch that does not agree with it is forgotten."""
        known = dict(tallies)
        self._watches = {n: watch for n, watch in self._watches.items() if watch.tally() == known.get(n, Tally())}

    def tally(self, collection: int) -> Tally:
        """The tally of a collection, with what this transaction changed."""
        return self.tallies.get(collection, Tally())

    def count(self, collection: int, *, added: Iterable[int], removed: Iterable[int], rows: int) -> None:
        """Rows were written, and others replaced or deleted: their elements, and how many rows more there are."""
        self.tallies[collection] = self.tally(collection).after(added=added, removed=removed, rows=rows)

    def note(self, collection: int, elements: Iterable[tuple[bytes, int | None]]) -> None:
        """What stands under these names now, if the collection is watched."""
        watch = self._watches.get(collection)
        if watch is not None:
            self._noted.extend((watch, name, watch.note(name, element)) for name, element in elements)

    def watch(self, collection: int) -> Watch | None:
        """The watch of a strict collection, if it was read."""
        return self._watches.get(collection)

    def keep(self, collection: int, watch: Watch) -> None:
        """A strict collection was read."""
        self._watches[collection] = watch
