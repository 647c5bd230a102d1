"""Knows the one encoding: deterministic CBOR, strict subset (RFC 8949 §4.2.1; spec ENC-1 … ENC-8).

Allowed: unsigned integers < 2^64, byte strings, UTF-8 text in NFC, arrays, booleans, null, and maps whose keys are
integers 0 … 23 in ascending order. Containers nest at most 8 deep.

Laws: every byte string has at most one meaning and every value exactly one byte string: ``encode(decode(b)) == b`` for
each accepted ``b``. Bad input raises MalformedError with the byte where it is bad, never another exception.

The decoder is our own and not cbor2's, which would run tags (regular expressions, shared references, decimals) before
they could be refused; the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, cast
from unicodedata import is_normalized

import cbor2

from siegel.errors import InvalidArgument, MalformedError

Value: TypeAlias = "int | bytes | str | bool | Sequence[Value] | Mapping[int, Value] | None"
Decoded: TypeAlias = "int | bytes | str | bool | list[Decoded] | dict[int, Decoded] | None"

MAX_DEPTH: Final = 8  # ENC-7
MAX_ITEMS: Final = 2**18  # ENC-7: four times what the largest envelope has
MAX_KEY: Final = 23  # ENC-6: a map key is one byte on the wire, so order by length and order by bytes agree
MAX_UINT: Final = 2**64 - 1  # ENC-1

_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None}
_SHORTEST: Final = (24, 1 << 8, 1 << 16, 1 << 32)  # the least argument that needs 1, 2, 4, 8 bytes
_REFUSED: Final = {_NEGATIVE: "negative integer", _TAG: "tag"}  # ENC-1


# --- encoding --------------------------------------------------------------------------------------------------------


def encode(value: Value) -> bytes:
    """The one encoding of a value. InvalidArgument for a value outside the subset."""
    if type(value) is bytes:  # the kinds that hot paths encode; the tests hold them against cbor2
        return _head(_BYTES, len(value)) + value
    if type(value) is int and 0 <= value <= MAX_UINT:
        return _head(_UINT, value)
    if type(value) is str and value.isascii():  # which has one form, and is well-formed
        return _head(_TEXT, len(value)) + value.encode("ascii")
    if _check(value, 0) > MAX_ITEMS:
        raise InvalidArgument(f"more than {MAX_ITEMS} items")
    return cbor2.dumps(value, canonical=True)


def array_of(*items: bytes) -> bytes:
    """The encoding of an array whose items are encoded already."""
    return b"".join((_head(_ARRAY, len(items)), *items))


def array_head(count: int) -> bytes:
    """What stands before the items of an array: for what is large, and joined once."""
    return _head(_ARRAY, count)


def bytes_head(size: int) -> bytes:
    """What stands before the bytes of a byte string, as above."""
    return _head(_BYTES, size)


@lru_cache(maxsize=256)
def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes((major << 5 | argument,))
    for info, size in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << 8 * size:
            return bytes((major << 5 | info,)) + argument.to_bytes(size, "big")
    return bytes((major << 5 | 27,)) + argument.to_bytes(8, "big")


def _check(value: Value, depth: int) -> int:
    """How many items the value's containers hold. InvalidArgument for a value outside the subset."""
    # Exact types: True == 1 and a subclass of bytes may be anything; memoryview would become an array of integers.
    if type(value) is bytes or type(value) is bool or value is None:
        return 0
    if type(value) is int:
        if not 0 <= value <= MAX_UINT:
            raise InvalidArgument("integer outside 0 … 2^64-1")
        return 0
    if type(value) is str:
        _check_text(value)
        return 0
    if depth >= MAX_DEPTH:
        raise InvalidArgument(f"containers nest deeper than {MAX_DEPTH}")
    if type(value) is list or type(value) is tuple:
        items = cast("Sequence[Value]", value)
        # A list of byte strings, by the thousand in a large group, is looked at here and not by as many calls.
        return len(items) + sum([_check(item, depth + 1) for item in items if type(item) is not bytes])
    if type(value) is dict:
        entries = cast("Mapping[int, Value]", value)
        if any(type(key) is not int or not 0 <= key <= MAX_KEY for key in entries):
            raise InvalidArgument(f"a map key is an integer 0 … {MAX_KEY}")
        return 2 * len(entries) + sum(_check(item, depth + 1) for item in entries.values())
    raise InvalidArgument(f"{type(value).__name__} has no encoding")


def _check_text(value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgument("text holds a lone surrogate") from None
    if not is_normalized("NFC", value):
        raise InvalidArgument("text is not in Unicode normal form C")


# --- decoding --------------------------------------------------------------------------------------------------------


def decode(data: bytes) -> Decoded:
    """The value that the bytes mean. Arrays come back as lists. MalformedError for anything but the one encoding."""
    if type(data) is not bytes:
        raise InvalidArgument("encoded data must be bytes")
    value, end = _item(data, 0, 0, [MAX_ITEMS])
    if end != len(data):  # ENC-8
        raise _bad(end, "bytes after the end")
    return value


def _item(data: bytes, at: int, depth: int, room: list[int]) -> tuple[Decoded, int]:
    """The item that begins at this offset, and the offset behind it. ``room`` counts the items that may still come."""
    left = len(data) - at
    if left < 1:
        raise _bad(at, "ends too early")
    head = data[at]
    major, argument, body = head >> 5, head & 31, at + 1
    if argument == 24 and left > 1 and data[body] >= 24:  # most heads that are not one byte are two
        argument, body = data[body], body + 1
    elif argument >= 24:
        argument, body = _long_argument(data, at)
    if major == _BYTES or major == _TEXT:
        end = body + argument
        if end - at > left:
            raise _bad(at, "declared length exceeds what is there")
        return data[body:end] if major == _BYTES else _text(data[body:end], at), end
    if major == _UINT:
        return argument, body
    if major == _ARRAY or major == _MAP:
        if body + argument - at > left:  # ENC-4: every item has at least one byte
            raise _bad(at, "declared length exceeds what is there")
        _check_limits(at, depth, argument if major == _ARRAY else 2 * argument, room)
        if major == _MAP:
            return _map(data, body, argument, depth + 1, room)
        items: list[Decoded] = []
        for _ in range(argument):
            item, body = _item(data, body, depth + 1, room)
            items.append(item)
        return items, body
    return _simple(data, at, major), body


def _long_argument(data: bytes, at: int) -> tuple[int, int]:
    """The argument of a head of more than one byte, and the offset behind the head."""
    info = data[at] & 31
    if info > 27:
        raise _bad(at, "indefinite length" if info == 31 else "reserved head")  # ENC-3
    end = at + 1 + (1 << info - 24)
    if end > len(data):
        raise _bad(at, "ends too early")
    argument = int.from_bytes(data[at + 1 : end], "big")
    if argument < _SHORTEST[info - 24] and data[at] >> 5 != _SIMPLE:
        raise _bad(at, "not the shortest form")  # ENC-2
    return argument, end


def _check_limits(at: int, depth: int, count: int, room: list[int]) -> None:
    room[0] -= count
    if depth >= MAX_DEPTH:
        raise _bad(at, f"containers nest deeper than {MAX_DEPTH}")
    if room[0] < 0:  # one byte of input becomes up to eighty in memory
        raise _bad(at, f"more than {MAX_ITEMS} items")


def _simple(data: bytes, at: int, major: int) -> bool | None:
    if major != _SIMPLE:
        raise _bad(at, _REFUSED[major])
    if data[at] & 31 not in _SIMPLE_VALUES:
        raise _bad(at, "float, undefined or other simple value")
    return _SIMPLE_VALUES[data[at] & 31]


def _map(data: bytes, at: int, count: int, depth: int, room: list[int]) -> tuple[dict[int, Decoded], int]:
    entries: dict[int, Decoded] = {}
    previous = -1
    for _ in range(count):
        key = data[at] if at < len(data) else -1  # integers up to 23 are their own one-byte head
        if not 0 <= key <= MAX_KEY:
            raise _bad(at, f"a map key is an integer 0 … {MAX_KEY}")
        if key <= previous:
            raise _bad(at, "map keys are not in ascending order")
        entries[key], at = _item(data, at + 1, depth, room)
        previous = key
    return entries, at


def _text(raw: bytes, at: int) -> str:
    """The text, in its one form (ENC-5)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:  # raised outside the handler: no context, the offending bytes stay out of the traceback
        raise _bad(at, "text is not UTF-8")
    if not is_normalized("NFC", text):
        raise _bad(at, "text is not in Unicode normal form C")
    return text


def _bad(at: int, what: str) -> MalformedError:
    return MalformedError(f"byte {at}", what)
