"""Knows what is to be sent and was not yet acknowledged, in the order in which it was committed.

Rules: docs/rationale/store-messages.md, KEEP-7 … KEEP-9. Law: what is given out stands on the disk, together with the
state that made it; until it is acknowledged it is given out again, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.secret import KeyObject
from siegel.errors import InvalidArgument, MalformedError, StateError
from siegel.store.store import Store

PART_BYTES: Final = 8 * 2**20  # of a parcel; an envelope may be larger than a record
MAX_PARTS: Final = 16
MAX_BYTES: Final = MAX_PARTS * PART_BYTES
PAGE: Final = 32
PAGE_BYTES: Final = 32 * 2**20  # after so much no further parcel is given out at once

_COLLECTION: Final = "siegel/outbox"
_PLACE: Final = "place"
_WHERE: Final = "outbox record"
_NUMBER_BYTES: Final = 8
_LAST: Final = 2**63


class Parcel(NamedTuple):
    """Something to deliver. ``number`` counts up from 1; ``to`` is what it was added for; ``data`` the bytes."""

    number: int
    to: str
    data: bytes

    def __repr__(self) -> str:
        return f"<Parcel {self.number}, {len(self.data)} bytes>"


class _Place(NamedTuple):
    """The lowest number that may still wait, and the next one to be given."""

    first: int
    following: int

    def encode(self) -> bytes:
        return encode([self.first, self.following])

    @classmethod
    def decode(cls, data: bytes) -> _Place:
        first, following = shape.array(decode(data), 2, _WHERE)
        return cls(shape.uint(first, _WHERE), shape.uint(following, _WHERE))


class _Head(NamedTuple):
    """The first record of a parcel; ``parts`` counts it, too."""

    number: int
    to: str
    parts: int
    first: bytes

    def encode(self) -> bytes:
        return encode([self.to, self.parts, self.first])

    @classmethod
    def decode(cls, number: int, data: bytes) -> _Head:
        to, parts, first = shape.array(decode(data), 3, _WHERE)
        return cls(
            number,
            shape.text(to, _WHERE),
            shape.uint(parts, _WHERE, most=MAX_PARTS),
            shape.octets(first, None, _WHERE),
        )


class Outbox(KeyObject):
    """What groups and sealed messages want to send, kept in a store until its delivery is acknowledged.

    A group whose storage is a ``StoreStorage`` writes here by itself. Deliver what ``pending`` gives, in its order, and
    nothing else: a return value is lost with the process, and its transaction may still be undone. After a crash a
    parcel may be delivered twice, the same bytes both times, which its receiver tells apart.
    """

    __slots__ = ("_ledger", "_parcels", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ledger = store._ledger  # noqa: SLF001  # the rooms of one store share its ledger
        self._parcels = store.collection(_COLLECTION)

    def add(self, to: str, *data: bytes) -> tuple[int, ...]:
        """Keeps bytes to be delivered, in this order, and returns their numbers.

        ``to`` says to whom, in the application's own words; what a group sends is for ``group/`` and its id in hex. In
        one transaction with what made the bytes: then neither is kept without the other.
        """
        if type(to) is not str or any(type(item) is not bytes or len(item) > MAX_BYTES for item in data):
            raise InvalidArgument(f"a parcel is text, to whom, and up to {MAX_BYTES} bytes")
        if not data:
            return ()
        with self._store.transaction():
            place, revision = self._place()
            numbers = tuple(range(place.following, place.following + len(data)))
            for number, item in zip(numbers, data, strict=True):
                parts = [item[start : start + PART_BYTES] for start in range(0, len(item), PART_BYTES)] or [b""]
                head = _Head(number, to, len(parts), parts[0]).encode()
                self._parcels.put_many((_key(number, n), part) for n, part in enumerate([head, *parts[1:]]))
            moved = place._replace(following=place.following + len(data))
            self._parcels.put(_PLACE, moved.encode(), expected=revision)
        return numbers

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Parcel]:
        """The next parcels with a number above ``after`` that nobody has acknowledged, in order; none: no more wait.

        There may be fewer than ``limit``, when they are large. StateError within a transaction, the store's or the
        application's: what it wrote may still be undone.
        """
        if self._ledger.in_transaction:
            raise StateError("a transaction is open, and what it wrote may be undone; ask when it has ended")
        with self._ledger.snapshot():
            if self._ledger.backend.joined:
                raise StateError("the application's transaction is open; ask when it has ended")
            place, _ = self._place()
            return self._between(max(place.first, after + 1), place.following, limit)

    def acknowledge(self, *numbers: int) -> int:
        """Forgets parcels that were delivered; how many there were. In any order, and again without harm."""
        if any(type(number) is not int or not 0 < number <= _LAST for number in numbers):
            raise InvalidArgument("a parcel has a number from 1")
        with self._store.transaction():
            heads = self._heads(dict.fromkeys(numbers))
            for head in heads:
                for part in range(head.parts):
                    self._parcels.delete(_key(head.number, part))
            self._move_up()
            return len(heads)

    # --- inside ---

    def _place(self) -> tuple[_Place, int]:
        record = self._parcels.get(_PLACE)
        return (_Place.decode(record.value), record.revision) if record else (_Place(1, 1), 0)

    def _heads(self, numbers: Iterable[int]) -> list[_Head]:
        wanted = list(numbers)
        found = zip(wanted, self._parcels.get_many(map(_key, wanted)), strict=True)
        return [_Head.decode(number, record.value) for number, record in found if record is not None]

    def _between(self, start: int, stop: int, limit: int) -> list[Parcel]:
        found: list[Parcel] = []
        size = 0
        while start < stop:
            numbers = range(start, min(start + PAGE, stop))
            for head in self._heads(numbers):
                if len(found) >= limit or size >= PAGE_BYTES:
                    return found
                found.append(self._parcel(head))
                size += len(found[-1].data)
            start = numbers.stop
        return found

    def _parcel(self, head: _Head) -> Parcel:
        rest = self._parcels.get_many(_key(head.number, part) for part in range(1, head.parts))
        if None in rest:
            raise MalformedError(_WHERE, "a part is missing")
        return Parcel(head.number, head.to, b"".join([head.first, *(part.value for part in rest if part)]))

    def _move_up(self) -> None:
        """The lowest number rises over those that are gone; a page at a time, so that no call takes long."""
        place, revision = self._place()
        numbers = range(place.first, min(place.first + PAGE, place.following))
        first = next((head.number for head in self._heads(numbers)), numbers.stop)
        if first != place.first:
            self._parcels.put(_PLACE, place._replace(first=first).encode(), expected=revision)


def _key(number: int, part: int = 0) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes((part,))
