"""Knows the store's two sealed blocks, the header and the catalogue (docs/spec/store.md, STO-7 … STO-9).

The *header* is written anew by each transaction: its number, the hash of the header before, and the tally of every
collection. The *catalogue* changes seldom: the wrapped keys, and what the collections and their fields are called. The
header names the catalogue by its hash; without a header the catalogue still opens, and with it the records (salvage).

    format (1) ‖ store id (16) ‖ salt (32) ‖ ciphertext ‖ tag (16)

Laws: a block opens as what it is, under its own root and store id, or it is CorruptHeader; each is sealed under a key
of its own, which follows from a fresh salt, so that no number of transactions wears a key out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, array_of, decode, encode
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel._core.suite import HASH_BYTES, TAG_BYTES, MacKey, decrypt_once, encrypt_once, mac, random_bytes, sha256
from siegel.errors import CorruptHeader, InvalidArgument, InvalidMessage, MalformedError, NewerFormat
from siegel.store.freshness import TOTAL_BYTES, Tally
from siegel.store.records import MAX_FIELDS

FORMAT: Final = 1
STORE_ID_BYTES: Final = 16
SALT_BYTES: Final = 32
MAX_COLLECTIONS: Final = 2**16 - 1
HEADER: Final = "header"
CATALOGUE: Final = "catalogue"
SLOTS: Final = "slots"
RESERVED: Final = "siegel/"  # how the names of the library's own collections begin

_CLEAR: Final = 1 + STORE_ID_BYTES + SALT_BYTES


class Header(NamedTuple):
    """What is true after one transaction."""

    sequence: int
    """The number of the transaction, from 1."""
    previous: bytes
    """SHA-256 of the header block before; zeros in the first."""
    restores: int
    """How often somebody acknowledged that the store was restored."""
    anchored: bool
    """Whether an anchor was ever told of this store: then it may not be empty."""
    ring_changes: int
    """How often data keys were written or deleted: another process reads them again when this differs."""
    catalogue: bytes
    """SHA-256 of the catalogue block."""
    tallies: tuple[tuple[int, Tally], ...]
    """By number of the collection, ascending."""

    def encode(self) -> bytes:
        """STO-7."""
        tallies = [
            array_of(encode(number), encode(tally.rows), encode(tally.total.to_bytes(TOTAL_BYTES, "big")))
            for number, tally in self.tallies
        ]
        return array_of(
            encode(self.sequence),
            encode(self.previous),
            encode(self.restores),
            encode(self.anchored),
            encode(self.ring_changes),
            encode(self.catalogue),
            array_of(*tallies),
        )

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """The header's meaning. MalformedError for any other shape."""
        items = shape.array(decode(data), 7, HEADER)
        anchored = items[3]
        if type(anchored) is not bool:
            raise MalformedError(HEADER, "anchored or not is true or false")
        tallies = tuple(_tally_of(item) for item in shape.array(items[6], None, HEADER))
        _check_ascending([number for number, _ in tallies])
        return cls(
            shape.uint(items[0], HEADER),
            shape.octets(items[1], HASH_BYTES, HEADER),
            shape.uint(items[2], HEADER),
            anchored,
            shape.uint(items[4], HEADER),
            shape.octets(items[5], HASH_BYTES, HEADER),
            tallies,
        )


def _tally_of(value: Decoded) -> tuple[int, Tally]:
    number, count, total = shape.array(value, 3, HEADER)
    return (
        shape.uint(number, HEADER, most=MAX_COLLECTIONS),
        Tally(shape.uint(count, HEADER), int.from_bytes(shape.octets(total, TOTAL_BYTES, HEADER), "big")),
    )


class Entry(NamedTuple):
    """A collection: the number under which it stands in the database, its name, the names of its fields in order."""

    number: int
    name: str
    fields: tuple[str, ...] = ()


class Catalogue(NamedTuple):
    """What the store consists of."""

    keyring: bytes
    """The wrapped keys below the root, as the keyring writes them."""
    slots: bytes
    """SHA-256 of the table of slots: an older table, with a slot that was removed, is not taken."""
    entries: tuple[Entry, ...] = ()
    """By number, ascending."""

    def encode(self) -> bytes:
        """STO-8."""
        entries = [array_of(encode(e.number), encode(e.name), encode(list(e.fields))) for e in self.entries]
        return array_of(encode(self.keyring), encode(self.slots), array_of(*entries))

    @classmethod
    def decode(cls, data: bytes) -> Catalogue:
        """The catalogue's meaning. MalformedError for any other shape."""
        keyring, slots, listed = shape.array(decode(data), 3, CATALOGUE)
        entries = tuple(_entry_of(item) for item in shape.array(listed, None, CATALOGUE))
        _check_ascending([entry.number for entry in entries])
        if len({entry.name for entry in entries}) < len(entries):
            raise MalformedError(CATALOGUE, "two collections have one name")
        return cls(shape.octets(keyring, None, CATALOGUE), shape.octets(slots, HASH_BYTES, CATALOGUE), entries)

    def entry_for(self, name: str, index: tuple[str, ...]) -> Entry:
        """The entry that the collection has, or would have with these fields. InvalidArgument if there are too many."""
        for entry in self.entries:
            if entry.name == name:
                fields = tuple(dict.fromkeys((*entry.fields, *index)))
                break
        else:
            entry = Entry(max((entry.number for entry in self.entries), default=0) + 1, name)
            fields = tuple(dict.fromkeys(index))
        if len(fields) > MAX_FIELDS or entry.number > MAX_COLLECTIONS:
            raise InvalidArgument(f"at most {MAX_COLLECTIONS} collections, of {MAX_FIELDS} fields each")
        return entry._replace(fields=fields)


def _entry_of(value: Decoded) -> Entry:
    number, name, fields = shape.array(value, 3, CATALOGUE)
    names = tuple(shape.text(field, CATALOGUE) for field in shape.array(fields, None, CATALOGUE))
    if len(set(names)) < len(names) or len(names) > MAX_FIELDS:
        raise MalformedError(CATALOGUE, f"fields have names of their own, and there are at most {MAX_FIELDS}")
    return Entry(shape.uint(number, CATALOGUE, most=MAX_COLLECTIONS), shape.text(name, CATALOGUE), names)


def _check_ascending(numbers: list[int]) -> None:
    if any(one >= other for one, other in pairwise(numbers)):
        raise MalformedError("collections", "numbers are not ascending")


# --- blocks ----------------------------------------------------------------------------------------------------------


def store_id_of(block: bytes) -> bytes:
    """The store id of a block, not authenticated: slots are opened with it, and then the block. NewerFormat."""
    if len(block) < _CLEAR + TAG_BYTES:
        raise CorruptHeader("a block of the store is cut off")
    if block[0] != FORMAT:
        raise NewerFormat("store", block[0])
    return block[1 : 1 + STORE_ID_BYTES]


def seal_header(header: Header, key: MacKey, store_id: bytes) -> bytes:
    """The block of a header, under the root's header key."""
    clear = _clear(store_id)
    return clear + encrypt_once(_header_key(key, clear), header.encode(), aad=b"")


def open_header(block: bytes, key: MacKey, store_id: bytes) -> Header:
    """The header of this block. CorruptHeader unless it was sealed for this store under this key; NewerFormat."""
    _check_clear(block, store_id)
    try:
        return Header.decode(decrypt_once(_header_key(key, block[:_CLEAR]), block[_CLEAR:], aad=b""))
    except (InvalidMessage, MalformedError):
        pass
    raise CorruptHeader("the header is not what was written for this store under this key")


def seal_catalogue(catalogue: Catalogue, key: MacKey, store_id: bytes) -> bytes:
    """The block of a catalogue, under the root's header key."""
    clear = _clear(store_id)
    return clear + encrypt_once(_catalogue_key(key, clear), catalogue.encode(), aad=b"")


def open_catalogue(block: bytes, key: MacKey, store_id: bytes) -> Catalogue:
    """The catalogue of this block. CorruptHeader unless it was sealed for this store under this key; NewerFormat."""
    _check_clear(block, store_id)
    try:
        return Catalogue.decode(decrypt_once(_catalogue_key(key, block[:_CLEAR]), block[_CLEAR:], aad=b""))
    except (InvalidMessage, MalformedError):
        pass
    raise CorruptHeader("the catalogue is not what was written for this store under this key")


def digest_of(block: bytes) -> bytes:
    """SHA-256: what the next header, and the anchor, know a block by."""
    return sha256(block)


# STO-9. Format, store id and salt are in the key: one that differs leaves nothing that opens.


def _header_key(key: MacKey, clear: bytes) -> Secret:
    return Secret(mac(key, labelled(Label.HEADER, clear)))


def _catalogue_key(key: MacKey, clear: bytes) -> Secret:
    return Secret(mac(key, labelled(Label.CATALOGUE, clear)))


def _clear(store_id: bytes) -> bytes:
    return bytes((FORMAT,)) + store_id + random_bytes(SALT_BYTES)


def _check_clear(block: bytes, store_id: bytes) -> None:
    if store_id_of(block) != store_id:
        raise CorruptHeader("a block belongs to another store")
