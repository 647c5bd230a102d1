"""Records at rest, by hand (spec STO-1 … STO-9): records, names, tags, elements, tallies, header, catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import LATEST, Refused, cbor, require
from tests.vectors.reference.labels import hmac_sha256, labelled

DAMAGED: Final = "corrupt-record"
BROKEN: Final = "corrupt-header"
CLEAR: Final = 49


def optional(value: str | None) -> bytes:
    """A scope, encoded."""
    return cbor.NULL if value is None else cbor.text(value)


def key_item(key: str | bytes) -> bytes:
    """The key of a record, encoded."""
    data = key.encode() if isinstance(key, str) else key
    require(len(data) <= 1024, "argument", "invalid-argument")
    return cbor.text(key) if isinstance(key, str) else cbor.octets(key)


# --- records (STO-1 … STO-4) ------------------------------------------------------------------------------------------


class Content(NamedTuple):
    """What a record says."""

    key: str | bytes
    value: bytes
    expires: int | None = None
    fields: dict[int, str] = {}  # noqa: RUF012  # never written to
    restored: int | None = None

    def encode(self) -> bytes:
        """The plaintext."""
        require(len(self.value) <= 2**24, "argument", "invalid-argument")
        require(self.expires is None or self.expires <= LATEST, "argument", "invalid-argument")
        items = [key_item(self.key), cbor.octets(self.value)]
        items.append(cbor.NULL if self.expires is None else cbor.uint(self.expires))
        if self.fields or self.restored is not None:
            pairs = ((cbor.uint(number), cbor.text(text)) for number, text in sorted(self.fields.items()))
            items.append(cbor.mapping(*pairs))
        if self.restored is not None:
            items.append(cbor.uint(self.restored))
        return cbor.array(*items)


def read_content(data: bytes) -> Content:
    """The one meaning of a plaintext."""
    stage = "record", DAMAGED
    try:
        items = cbor.read(data)
    except Refused:
        raise Refused(*stage) from None
    require(cbor.is_array(items) and 3 <= len(items) <= 5, *stage)
    require(type(items[0]) in {str, bytes} and cbor.is_octets(items[1]), *stage)
    require(items[2] is None or cbor.is_uint(items[2], LATEST), *stage)
    if len(items) > 3:
        require(type(items[3]) is dict and (len(items) == 5 or items[3] != {}), *stage)
        require(all(type(text) is str for text in items[3].values()), *stage)
    require(len(items) < 5 or cbor.is_uint(items[4], LATEST), *stage)
    return Content(*items)


class Place(NamedTuple):
    """Where a record stands."""

    kid: int
    store_id: bytes
    collection: int
    name: bytes
    revision: int
    suite: int = 1

    def data(self, build: Callable[..., bytes] = labelled) -> bytes:
        """The associated data."""
        first = cbor.uint(self.suite), cbor.uint(self.kid), cbor.octets(self.store_id), cbor.uint(self.collection)
        return build("row", *first, cbor.octets(self.name), cbor.uint(self.revision))


def seal(key: bytes, place: Place, plaintext: bytes, nonce: bytes, build: Callable[..., bytes] = labelled) -> bytes:
    """The record at its place."""
    head = bytes([place.suite]) + place.kid.to_bytes(4, "big")
    return head + nonce + AESGCM(key).encrypt(nonce, plaintext, place.data(build))


def open_record(record: bytes, key: bytes, place: Place) -> Content:
    """What a record says at its place."""
    stage = "record", DAMAGED
    require(len(record) >= 33 and record[:5] == b"\1" + place.kid.to_bytes(4, "big"), *stage)
    try:
        plaintext = AESGCM(key).decrypt(record[5:17], record[17:], place.data())
    except InvalidTag:
        raise Refused(*stage) from None
    return read_content(plaintext)


def name_of(names_key: bytes, scope: str | None, key: str | bytes) -> bytes:
    """The name under which a key stands."""
    return hmac_sha256(names_key, cbor.array(optional(scope), key_item(key)))[:16]


def tag_of(index_key: bytes, scope: str | None, text: str) -> bytes:
    """The tag of a field."""
    return hmac_sha256(index_key, cbor.array(optional(scope), cbor.text(text)))[:8]


# --- the sum (STO-5, STO-6) -------------------------------------------------------------------------------------------


def element(sums_key: bytes, name: bytes, revision: int, record: bytes) -> bytes:
    """The element of a row, 32 bytes."""
    return hmac_sha256(sums_key, name + revision.to_bytes(8, "big") + record[:17] + record[-16:])


def total(elements: Iterable[bytes]) -> bytes:
    """The sum of elements, 32 bytes."""
    return (sum(int.from_bytes(item, "big") for item in elements) % 2**256).to_bytes(32, "big")


# --- header and catalogue (STO-7 … STO-9) -----------------------------------------------------------------------------


class Header(NamedTuple):
    """The items of a header; tallies are number, rows, sum."""

    number: int
    before: bytes
    restores: int
    anchored: bool
    changes: int
    catalogue: bytes
    tallies: list[tuple[int, int, bytes]]

    def encode(self) -> bytes:
        """The content of its block."""
        tallies = [cbor.array(cbor.uint(n), cbor.uint(rows), cbor.octets(sums)) for n, rows, sums in self.tallies]
        first = cbor.uint(self.number), cbor.octets(self.before), cbor.uint(self.restores)
        told = cbor.TRUE if self.anchored else cbor.FALSE
        return cbor.array(*first, told, cbor.uint(self.changes), cbor.octets(self.catalogue), cbor.array(*tallies))


class Catalogue(NamedTuple):
    """The items of a catalogue; entries are number, name, names of fields."""

    keyring: bytes
    slots: bytes
    entries: list[tuple[int, str, list[str]]]

    def encode(self) -> bytes:
        """The content of its block."""
        entries = [
            cbor.array(cbor.uint(number), cbor.text(name), cbor.array(*map(cbor.text, fields)))
            for number, name, fields in self.entries
        ]
        return cbor.array(cbor.octets(self.keyring), cbor.octets(self.slots), cbor.array(*entries))


def block_key(secret: bytes, purpose: str, clear: bytes, build: Callable[..., bytes] = labelled) -> bytes:
    """The key of one block; the purpose is ``state header`` or ``catalogue``."""
    return hmac_sha256(secret, build(purpose, cbor.octets(clear)))


def seal_block(  # noqa: PLR0917  # in the order of the formula
    content: bytes,
    purpose: str,
    secret: bytes,
    store_id: bytes,
    salt: bytes,
    build: Callable[..., bytes] = labelled,
) -> bytes:
    """A block."""
    clear = b"\1" + store_id + salt
    return clear + AESGCM(block_key(secret, purpose, clear, build)).encrypt(bytes(12), content, b"")


def store_id_of(block: bytes) -> bytes:
    """The store id that a block says."""
    require(len(block) >= CLEAR + 16, "format", BROKEN)
    require(block[0] == 1, "format", "newer-format")
    return block[1:17]


def _opened(block: bytes, purpose: str, secret: bytes, store_id: bytes) -> Any:
    require(store_id_of(block) == store_id, "store", BROKEN)
    try:
        content = AESGCM(block_key(secret, purpose, block[:CLEAR])).decrypt(bytes(12), block[CLEAR:], b"")
        return cbor.read(content)
    except (InvalidTag, Refused):
        raise Refused(purpose, BROKEN) from None


def open_header(block: bytes, secret: bytes, store_id: bytes) -> Header:
    """The header in its block."""
    stage = "state header", BROKEN
    items = _opened(block, "state header", secret, store_id)
    require(cbor.is_array(items, 7) and all(cbor.is_uint(items[at]) for at in (0, 2, 4)), *stage)
    require(all(cbor.is_octets(items[at], 32) for at in (1, 5)) and type(items[3]) is bool, *stage)
    require(cbor.is_array(items[6]) and all(cbor.is_array(tally, 3) for tally in items[6]), *stage)
    for number, rows, sums in items[6]:
        require(cbor.is_uint(number, 2**16 - 1) and cbor.is_uint(rows) and cbor.is_octets(sums, 32), *stage)
    require(_ascending([tally[0] for tally in items[6]]), *stage)
    items[6] = [tuple(tally) for tally in items[6]]
    return Header(*items)


def open_catalogue(block: bytes, secret: bytes, store_id: bytes) -> Catalogue:
    """The catalogue in its block."""
    stage = "catalogue", BROKEN
    items = _opened(block, "catalogue", secret, store_id)
    require(cbor.is_array(items, 3) and cbor.is_octets(items[0]) and cbor.is_octets(items[1], 32), *stage)
    require(cbor.is_array(items[2]) and all(cbor.is_array(entry, 3) for entry in items[2]), *stage)
    for number, name, fields in items[2]:
        require(cbor.is_uint(number, 2**16 - 1) and type(name) is str and cbor.is_array(fields), *stage)
        require(all(type(field) is str for field in fields) and len(set(fields)) == len(fields) <= 24, *stage)
    names = [entry[1] for entry in items[2]]
    require(_ascending([entry[0] for entry in items[2]]) and len(set(names)) == len(names), *stage)
    return Catalogue(items[0], items[1], [tuple(entry) for entry in items[2]])


def _ascending(numbers: list[int]) -> bool:
    return all(one < other for one, other in pairwise(numbers))
