"""Knows what a store asks of its database: bytes under hashed names, integers beside them, one transaction at a time.

No key ever comes here. A backend keeps what it is given and says who was first; that a value is authentic, in its
place and new is shown above. Laws, held by one suite for all of them: a transaction is kept whole, or not at all; what
``commit`` has returned for is durable; a row is replaced only by who names the revision that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from siegel.errors import CorruptRecord, InvalidArgument

NAME_BYTES = 16
FORMAT = 1  # of the tables


class Row(NamedTuple):
    """One sealed record, and what the database may know of it."""

    name: bytes
    """16 bytes: a keyed hash of the logical key, unique in its collection."""
    revision: int
    """From 1; it counts the writings."""
    value: bytes
    """The sealed record; bytes 1 to 4 name its data key, big endian."""
    day: int | None = None
    """When it expires, in days since 1970, in the clear."""
    tags: tuple[tuple[int, bytes], ...] = ()
    """The blind index: number of the field, and tag. Written, and not read back."""

    def __repr__(self) -> str:
        return f"<Row {self.name.hex()}, revision {self.revision}>"


class Backend(Protocol):
    """A database of sealed records. One thread at a time uses it, and only the process that opened it.

    A call that writes outside of ``begin`` and ``commit`` is a transaction of its own. All raise ``StoreError`` when
    the database fails, ``CorruptRecord`` where it is damaged, ``StoreLocked`` where another writer stays too long, and
    ``SerializationFailure`` where another was first and the transaction has to be run again. After the last of these
    nothing but ``rollback`` is possible.
    """

    single_writer: bool
    """Whether ``begin`` keeps every other writer out until the end. Without it only revisions say who was first."""

    @property
    def joined(self) -> bool:
        """Whether the last ``begin`` opened a part of the application's own transaction.

        If so, ``commit`` has made nothing durable yet.
        """
        ...

    def begin(self) -> None:
        """Opens a transaction. Where the application's own is open on its connection, a part of that one.

        Then ``commit`` keeps the part, and it is durable when the application commits.
        """
        ...

    def commit(self) -> None:
        """Keeps all that was written since ``begin``."""
        ...

    def rollback(self) -> None:
        """Forgets all that was written since ``begin``, also after an error."""
        ...

    def changed(self) -> bool:
        """Whether another connection may have written since this was last asked."""
        ...

    def blocks(self) -> dict[str, bytes]:
        """The few small blocks that stand under names of their own."""
        ...

    def put_block(self, name: str, data: bytes | None) -> None:
        """Writes a block, or deletes it (None)."""
        ...

    def swap_block(self, name: str, data: bytes, expected: bytes | None) -> bool:
        """Writes a block if it is now as expected (None: not there), and says whether it did."""
        ...

    def keys(self) -> list[tuple[int, bytes]]:
        """Every wrapped data key by its number, in order of number."""
        ...

    def put_keys(self, items: Iterable[tuple[int, bytes]]) -> None:
        """Writes wrapped data keys over those of the same number."""
        ...

    def delete_keys(self, kids: Iterable[int]) -> int:
        """Deletes wrapped data keys, and says how many were there."""
        ...

    def get(self, collection: int, names: Sequence[bytes]) -> list[Row]:
        """The rows that there are, in any order."""
        ...

    def put(self, collection: int, rows: Sequence[tuple[Row, int]]) -> None:
        """Writes rows, each with the revision that it replaces (0: none is there). No name stands twice.

        Raises:
            Conflict: One of them does not have that revision, and none is written.
        """
        ...

    def delete(self, collection: int, rows: Sequence[tuple[bytes, int]]) -> None:
        """Deletes rows by name and the revision that they have. No name stands twice.

        Raises:
            Conflict: One of them does not have that revision, and none is deleted.
        """
        ...

    def scan(self, collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        """The next rows after a name, in order of name."""
        ...

    def find(self, collection: int, field: int, tag: bytes, *, after: bytes = b"", limit: int) -> list[Row]:
        """The next rows with this tag after a name, in order of name."""
        ...

    def expired(self, day: int, *, limit: int) -> list[tuple[int, Row]]:
        """Some rows with a day before this one, each with its collection."""
        ...

    def of_key(self, kid: int, *, limit: int) -> list[tuple[int, Row]]:
        """Some rows that are sealed under a data key, each with its collection."""
        ...

    def count(self, collection: int) -> int:
        """How many rows the collection has."""
        ...

    def scrub(self) -> tuple[str, ...]:
        """Takes deleted bytes out of the database's own files as far as it can, and tells the steps done in words."""
        ...

    def close(self) -> None:
        """Ends the use. A transaction that is open is rolled back; the application's connection stays open."""
        ...


def data_key_of(value: bytes) -> int:
    """The number of the data key under which a value is sealed."""
    return int.from_bytes(value[1:5], "big")


def refuse_doubles(names: Sequence[bytes]) -> None:
    """Two writings of one row in one call would have no order that all databases agree on."""
    if len(names) > 1 and len(set(names)) < len(names):
        raise InvalidArgument("a name stands twice in one call")


def row_of(name: object, revision: object, value: object, day: object) -> Row:
    """A row as the database gave it. A damaged file gives other types and lengths (attack ST-2)."""
    if (
        type(name) is bytes
        and len(name) == NAME_BYTES
        and type(revision) is int
        and revision > 0
        and type(value) is bytes
        and (day is None or type(day) is int)
    ):
        return Row(name, revision, value, day)
    raise CorruptRecord("the database holds a row of another shape")
