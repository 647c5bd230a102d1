"""Knows one record: what it says, where it stands, and its bytes on disk (docs/spec/store.md, STO-1 … STO-4).

    suite (1) ‖ kid (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)      33 bytes more than the plaintext

Laws: a record opens at its place and at no other: suite, data key, store, collection, name and revision are its
associated data; nothing readable stands beside it; no two writings share key and nonce, whatever was restored or cloned
in between, because each draws its nonce anew; what does not open is CorruptRecord, and says nothing about why.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from siegel._core.codec import Decoded, array_of, decode, encode
from siegel._core.instants import LATEST
from siegel._core.labels import Label
from siegel._core.secret import KeyObject
from siegel._core.shape import uint
from siegel._core.suite import (
    NONCE_BYTES,
    TAG_BYTES,
    MacKey,
    RecordKey,
    decrypt_record,
    encrypt_record,
    mac,
    random_bytes,
)
from siegel.errors import CorruptRecord, InvalidArgument, InvalidMessage, MalformedError
from siegel.store.backend import NAME_BYTES, Row

SUITE: Final = 1
HEAD_BYTES: Final = 5 + NONCE_BYTES  # suite, kid, nonce
OVERHEAD_BYTES: Final = HEAD_BYTES + TAG_BYTES
INDEX_TAG_BYTES: Final = 8
MAX_KEY_BYTES: Final = 1_024
MAX_VALUE_BYTES: Final = 2**24  # larger payloads are attachments: they are read in parts
MAX_FIELDS: Final = 24  # a field is the key of a map, one byte (ENC-6)

Key: TypeAlias = "str | bytes"

_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})
_NO_NUMBERS: Final[Mapping[int, str]] = MappingProxyType({})
_NULL: Final = encode(None)
_HEAD_OF_THREE: Final = array_of(b"", b"", b"")
_NAME_HEAD: Final = encode(bytes(NAME_BYTES))[:-NAME_BYTES]


class Record(NamedTuple):
    """What stands under a key of a collection. It holds the application's data in the clear, and does not print it."""

    key: Key
    """As it was given: text and bytes are different keys."""
    value: bytes
    """Up to 16 MiB."""
    revision: int = 0
    """How many times the key was written since it was new; what ``expected`` of the next writing names."""
    expires: int | None = None
    """From this instant on the record is not given out any more."""
    fields: Mapping[str, str] = _NO_FIELDS
    """What it is found by, where the collection has an index."""
    restored: int | None = None
    """The instant of the backup or export that it was restored from; None if it was written here."""

    def __repr__(self) -> str:
        return f"<Record, revision {self.revision}, {len(self.value)} bytes>"


class Content(NamedTuple):
    """The plaintext of a record: as ``Record``, with the fields by their numbers."""

    key: Key
    value: bytes
    expires: int | None
    fields: Mapping[int, str]
    restored: int | None = None

    def __repr__(self) -> str:
        return f"<Content of {len(self.value)} bytes>"

    def encode(self) -> bytes:
        """STO-2: a deterministic CBOR array; without fields it has three items, restored it has five."""
        expires = _NULL if self.expires is None else encode(self.expires)
        if self.restored is not None:
            fields = encode(dict(self.fields))
            return array_of(encode(self.key), encode(self.value), expires, fields, encode(self.restored))
        if self.fields:
            return array_of(encode(self.key), encode(self.value), expires, encode(dict(self.fields)))
        return b"".join((_HEAD_OF_THREE, encode(self.key), encode(self.value), expires))

    @classmethod
    def decode(cls, data: bytes) -> Content:
        """The plaintext's meaning. MalformedError for any other shape."""
        usual = _usual(data)
        if usual is not None:
            return cls(*usual, None, _NO_NUMBERS)
        items = decode(data)
        if type(items) is not list or not 3 <= len(items) <= 5:
            raise MalformedError("record", "not an array of three to five items")
        key, value, expires = items[:3]
        if type(key) is not str and type(key) is not bytes:
            raise MalformedError("record", "a key is text or bytes")
        if type(value) is not bytes:
            raise MalformedError("record", "a value is bytes")
        if expires is not None and (type(expires) is not int or expires > LATEST):
            raise MalformedError("record", "no instant of expiry")
        if len(items) == 5:
            return cls(key, value, expires, _fields_of(items[3]), uint(items[4], "record", most=LATEST))
        fields = _fields_of(items[3]) if len(items) == 4 else _NO_NUMBERS
        if len(items) == 4 and not fields:
            raise MalformedError("record", "fields are a map that is not empty")
        return cls(key, value, expires, fields)


def _usual(data: bytes) -> tuple[Key, bytes] | None:
    """Key and value, where the plaintext has nothing else and an ASCII key, as nearly all have; else None.

    A third of the time that the decoder takes. What is accepted is the one encoding, because each head is compared with
    the one that the lengths ask for; the tests hold it against the decoder.
    """
    if len(data) < 4 or data[0] != 0x83 or data[-1:] != _NULL:
        return None
    kind, length, start = data[1] & 0xE0, data[1] & 0x1F, 2
    if length == 24 <= data[2]:
        length, start = data[2], 3
    elif length > 23:
        return None
    end = start + length
    if end >= len(data) or kind not in {0x40, 0x60}:
        return None
    head, key = _head_before(len(data) - end - 1), data[start:end]
    if not data.startswith(head, end):
        return None
    value = data[end + len(head) : -1]
    if kind == 0x40:
        return key, value
    return (key.decode("ascii"), value) if key.isascii() else None


@lru_cache(maxsize=4_096)
def _head_before(item_bytes: int) -> bytes:
    """The head of the byte string whose encoding has so many bytes; where none has, what no encoding begins with."""
    for head_bytes in (1, 2, 3, 5):
        encoded = encode(bytes(max(item_bytes - head_bytes, 0)))
        if len(encoded) == item_bytes:
            return encoded[:head_bytes]
    return b"\xff"


def _fields_of(value: Decoded) -> Mapping[int, str]:
    if type(value) is not dict:
        raise MalformedError("record", "fields are a map")
    fields: dict[int, str] = {}
    for number, text in value.items():
        if type(text) is not str:
            raise MalformedError("record", "a field is text")
        fields[number] = text
    return fields


def check_key(key: Key) -> None:
    """InvalidArgument unless the key is text or bytes of a length that is allowed."""
    if type(key) is not str and type(key) is not bytes:
        raise InvalidArgument("a key is text or bytes")
    size = len(key)
    if isinstance(key, str) and 4 * size > MAX_KEY_BYTES:
        size = len(key.encode("utf-8", "replace"))
    if size > MAX_KEY_BYTES:
        raise InvalidArgument(f"a key has at most {MAX_KEY_BYTES} bytes")


def check_value(value: bytes) -> None:
    """InvalidArgument unless the value is bytes of a length that is allowed."""
    if type(value) is not bytes:
        raise InvalidArgument("a value is bytes")
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidArgument(f"a value has at most {MAX_VALUE_BYTES} bytes; larger ones are attachments")


# --- names and tags --------------------------------------------------------------------------------------------------


def within(scope: str | None) -> bytes:
    """What stands before the key or text in the input of both hashes: the head of an array of two, and the scope."""
    return array_of(encode(scope), b"")


def name_of(names: MacKey, within_scope: bytes, key: Key) -> bytes:
    """STO-3: the 16 bytes under which a key stands. Keys of different scopes never meet."""
    return mac(names, within_scope + encode(key))[:NAME_BYTES]


def tag_of(index: MacKey, within_scope: bytes, text: str) -> bytes:
    """STO-4: the 8 bytes by which a field is found. Equal fields of one scope have equal tags, as everybody sees."""
    return mac(index, within_scope + encode(text))[:INDEX_TAG_BYTES]


# --- sealing ---------------------------------------------------------------------------------------------------------


class RecordSealer(KeyObject):
    """Seals and opens the records of one data key, which belongs to one collection of one store (STO-1)."""

    __slots__ = ("_head", "_key", "_place")

    def __init__(self, key: RecordKey, *, kid: int, store_id: bytes, collection: int) -> None:
        self._key = key
        self._head = bytes((SUITE,)) + kid.to_bytes(4, "big")
        # All of label ‖ CBOR [suite, kid, store id, collection, name, revision] that stands before the name.
        place = array_of(encode(SUITE), encode(kid), encode(store_id), encode(collection), b"", b"")
        self._place = Label.RECORD + place + _NAME_HEAD

    def seal(self, name: bytes, revision: int, plaintext: bytes) -> bytes:
        """The bytes on disk."""
        return self.seal_with_nonce(name, revision, plaintext, random_bytes(NONCE_BYTES))

    def seal_with_nonce(self, name: bytes, revision: int, plaintext: bytes, nonce: bytes) -> bytes:
        """The same for a nonce that the caller drew."""
        aad = self._place + name + encode(revision)
        return b"".join((self._head, nonce, encrypt_record(self._key, nonce, plaintext, aad)))

    def open(self, row: Row) -> Content:
        """What the row says. CorruptRecord unless it was sealed under this key for this place and revision."""
        value = row.value
        if value[:5] == self._head and len(value) >= OVERHEAD_BYTES:
            aad = self._place + row.name + encode(row.revision)
            try:
                return Content.decode(decrypt_record(self._key, value[5:HEAD_BYTES], value[HEAD_BYTES:], aad))
            except (InvalidMessage, MalformedError):
                pass
        raise CorruptRecord(f"the record {row.name.hex()} is not what was written there")
