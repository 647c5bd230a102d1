"""CBOR by hand (RFC 8949; spec ENC-1 … ENC-9): a builder that writes what it is told, and a strict reader."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from tests.vectors.reference import Refused, require

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
FALSE: Final = b"\xf4"
TRUE: Final = b"\xf5"
NULL: Final = b"\xf6"


# --- builder: no checks, so that it can write what nobody should ------------------------------------------------------


def head(major: int, argument: int, width: int | None = None) -> bytes:
    """Major type and argument; ``width`` is the number of argument bytes (0, 1, 2, 4, 8), by default the least."""
    if width is None:
        width = next(w for w in (0, 1, 2, 4, 8) if argument < (24 if w == 0 else 1 << 8 * w))
    info = argument if width == 0 else {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | info]) + (argument.to_bytes(width, "big") if width else b"")


def uint(value: int, width: int | None = None) -> bytes:
    """An unsigned integer."""
    return head(UINT, value) if width is None else head(UINT, value, width)


def octets(data: bytes) -> bytes:
    """A byte string."""
    return head(BYTES, len(data)) + data


def text(value: str) -> bytes:
    """A text string, in whatever normal form it is given."""
    raw = value.encode()
    return head(TEXT, len(raw)) + raw


def array(*items: bytes) -> bytes:
    """An array of items that are encoded already."""
    return head(ARRAY, len(items)) + b"".join(items)


def mapping(*pairs: tuple[bytes, bytes]) -> bytes:
    """A map of keys and values that are encoded already, in the order given."""
    return head(MAP, len(pairs)) + b"".join(key + value for key, value in pairs)


# --- reader -----------------------------------------------------------------------------------------------------------

_STAGE: Final = "encoding"


def read(data: bytes) -> Any:
    """The value of the one item in the bytes: int, bytes, str, bool, None, list, dict. Refused at stage encoding."""
    reader = _Reader(data)
    value = reader.item(0)
    require(reader.at == len(data), _STAGE)
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        require(count <= len(self.data) - self.at, _STAGE)
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        require(info < 28, _STAGE)
        argument = info if info < 24 else int.from_bytes(self.take(1 << info - 24), "big")
        require(major != SIMPLE or info < 24, _STAGE)  # floats and two-byte simple values
        require(head(major, argument)[0] == first, _STAGE)  # the shortest form begins otherwise
        return major, argument

    def item(self, depth: int) -> Any:
        major, argument = self.head()
        if major == UINT:
            return argument
        if major == BYTES:
            return self.take(argument)
        if major == TEXT:
            return _text(self.take(argument))
        if major == SIMPLE and argument in {20, 21, 22}:
            return {20: False, 21: True, 22: None}[argument]
        if major in {ARRAY, MAP} and depth < 8 and argument <= len(self.data) - self.at:
            return self.map(argument, depth) if major == MAP else [self.item(depth + 1) for _ in range(argument)]
        raise Refused(_STAGE)

    def map(self, count: int, depth: int) -> dict[int, Any]:
        entries: dict[int, Any] = {}
        for _ in range(count):
            major, key = self.head()
            require(major == UINT and key < 24 and key > max(entries, default=-1), _STAGE)
            entries[key] = self.item(depth + 1)
        return entries


def _text(raw: bytes) -> str:
    try:
        value = raw.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise Refused(_STAGE) from None
    require(unicodedata.normalize("NFC", value) == value, _STAGE)
    return value


# --- shape of what was read -------------------------------------------------------------------------------------------


def is_uint(value: Any, most: int = 2**64 - 1) -> bool:
    """Whether this is an unsigned integer (``True`` is none)."""
    return type(value) is int and value <= most


def is_octets(value: Any, length: int | None = None) -> bool:
    """Whether this is a byte string of the length."""
    return type(value) is bytes and length in {None, len(value)}


def is_array(value: Any, length: int | None = None) -> bool:
    """Whether this is an array of the length."""
    return type(value) is list and length in {None, len(value)}


def top_level(data: bytes, kinds: dict[int, int]) -> tuple[int, list[Any]]:
    """Type number and the items behind type and version of an object of one of these kinds (type → item count).

    The version is read first: a later version may have type numbers that this one does not know (ENC-9).
    """
    value = read(data)
    require(is_array(value) and len(value) >= 2 and is_uint(value[0]) and is_uint(value[1]), "type")
    require(value[1] == 1, "version", "unsupported-version")
    require(value[0] in kinds, "type")
    require(len(value) == kinds[value[0]], "shape")
    return value[0], value[2:]
