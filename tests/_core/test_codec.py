"""ENC-1 … ENC-8: one meaning for each byte string, one byte string for each value."""

from __future__ import annotations

import tracemalloc
from collections import OrderedDict
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple

import cbor2
import pytest

from siegel._core.codec import MAX_DEPTH, MAX_ITEMS, MAX_UINT, Value, array_of, decode, encode
from siegel.errors import InvalidArgument, MalformedError


class Number(IntEnum):
    ONE = 1


class OwnInt(int):
    pass


class OwnBytes(bytes):
    __slots__ = ()


class OwnText(str):
    __slots__ = ()


class OwnList(list[Value]):
    pass


class Pair(NamedTuple):
    left: int
    right: int


def nested(depth: int) -> Value:
    value: Value = 0
    for _ in range(depth):
        value = [value]
    return value


# --- what has an encoding --------------------------------------------------------------------------------------------

HEADS = [  # the argument, and the bytes behind the major type's three bits
    (0, "00"),
    (1, "01"),
    (23, "17"),
    (24, "1818"),
    (255, "18ff"),
    (256, "190100"),
    (65_535, "19ffff"),
    (65_536, "1a00010000"),
    (2**32 - 1, "1affffffff"),
    (2**32, "1b0000000100000000"),
    (2**64 - 1, "1bffffffffffffffff"),
]


@pytest.mark.parametrize(("number", "encoded"), HEADS)
def test_integers_have_the_shortest_head(number: int, encoded: str) -> None:
    assert encode(number).hex() == encoded
    assert decode(bytes.fromhex(encoded)) == number


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 65_535, 65_536])
def test_lengths_have_the_shortest_head(length: int) -> None:
    head = bytes.fromhex(dict(HEADS).get(length, ""))
    of_major: dict[int, Value] = {2: bytes(length), 3: "a" * length, 4: [0] * length}
    for major, value in of_major.items():
        encoded = encode(value)
        assert encoded.startswith(bytes([head[0] | major << 5]) + head[1:])
        assert decode(encoded) == value


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (False, "f4"),
        (True, "f5"),
        (None, "f6"),
        (b"", "40"),
        ("", "60"),
        ([], "80"),
        ({}, "a0"),
        ({0: 1, 23: b"\xff"}, "a20001 1741ff"),
        ({23: 1, 0: 2}, "a20002 1701"),  # written in ascending order, in whatever order the caller had them
        ([1, [2, 3], [4, 5]], "83 01 820203 820405"),
        ("\u6c34", "63e6b0b4"),
        ("\U00010151", "64f0908591"),
        ("\u00fc", "62c3bc"),
        ([b"a", "a", True, None], "84 4161 6161 f5 f6"),
    ],
)
def test_each_type(value: Value, encoded: str) -> None:
    assert encode(value) == bytes.fromhex(encoded)
    assert decode(bytes.fromhex(encoded)) == value


def test_a_tuple_is_an_array() -> None:
    assert encode((1, (2,))) == encode([1, [2]])
    assert decode(encode((1, (2,)))) == [1, [2]]


def test_types_come_back_exactly() -> None:
    decoded = decode(bytes.fromhex("8501f54101 6101f6"))
    assert isinstance(decoded, list)
    assert [type(item) for item in decoded] == [int, bool, bytes, str, type(None)]


def test_eight_containers_nest_and_nine_do_not() -> None:  # ENC-7
    assert decode(encode(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(InvalidArgument, match="deeper than 8"):
        encode(nested(MAX_DEPTH + 1))
    with pytest.raises(MalformedError, match="deeper than 8") as caught:
        decode(b"\x81" * 9 + b"\x00")
    assert caught.value.where == "byte 8"
    assert decode(b"\x81" * 7 + b"\xa1\x00\x00")  # a map counts as one of the eight
    with pytest.raises(MalformedError, match="deeper than 8"):
        decode(b"\x81" * 8 + b"\xa0")


def test_items_encoded_before_are_joined() -> None:
    for count in (0, 1, 23, 24, 255, 256):
        items = [encode(number) for number in range(count)]
        assert array_of(*items) == encode(list(range(count)))


# --- what has none ---------------------------------------------------------------------------------------------------

REFUSED_VALUES: list[Any] = [
    -1,
    MAX_UINT + 1,
    1.0,
    float("nan"),
    Decimal(1),
    Fraction(1, 2),
    1j,
    Number.ONE,
    OwnInt(7),
    OwnBytes(b"own"),
    OwnText("own text"),
    OwnList([1]),
    Pair(1, 2),
    OrderedDict({0: 0}),
    bytearray(b"a"),
    memoryview(b"a"),
    {1, 2},
    frozenset({1}),
    range(3),
    object(),
    int,
    cbor2.undefined,
    cbor2.CBORSimpleValue(1),
    cbor2.CBORTag(0, "2013-03-21"),
    "\ud800",
    "u\u0308",  # ü in two code points
    {-1: 0},
    {24: 0},
    {"a": 0},
    {b"a": 0},
    {True: 0},
    {1.0: 0},
    {None: 0},
    {Number.ONE: 0},
    {0: 1.5},
]


@pytest.mark.parametrize("value", REFUSED_VALUES)
def test_no_encoding(value: Any) -> None:
    for outer in (value, [value], {0: value}, [[value]]):
        with pytest.raises(InvalidArgument):
            encode(outer)


def test_a_cycle_ends() -> None:
    cycle: list[Value] = []
    cycle.append(cycle)
    with pytest.raises(InvalidArgument, match="deeper"):
        encode(cycle)


# --- what is refused on the wire -------------------------------------------------------------------------------------

REFUSED_BYTES = [
    ("", 0, "ends too early"),
    # ENC-1: other types
    ("20", 0, "negative"),
    ("3bffffffffffffffff", 0, "negative"),
    ("c000", 0, "tag"),
    ("d81c00", 0, "tag"),
    ("d9d9f700", 0, "tag"),
    ("c24101", 0, "tag"),
    ("f7", 0, "simple"),
    ("f0", 0, "simple"),
    ("e0", 0, "simple"),
    ("f800", 0, "simple"),
    ("f814", 0, "simple"),
    ("f816", 0, "simple"),
    ("f8ff", 0, "simple"),
    ("f90000", 0, "float"),
    ("fa00000000", 0, "float"),
    ("fb0000000000000000", 0, "float"),
    ("8200 20", 2, "negative"),
    ("a10020", 2, "negative"),
    # ENC-2: the shortest head
    ("1800", 0, "shortest"),
    ("1817", 0, "shortest"),
    ("1900ff", 0, "shortest"),
    ("1a0000ffff", 0, "shortest"),
    ("1b00000000ffffffff", 0, "shortest"),
    ("5800", 0, "shortest"),
    ("580161", 0, "shortest"),
    ("7800", 0, "shortest"),
    ("9800", 0, "shortest"),
    ("b800", 0, "shortest"),
    ("9b0000000000000000", 0, "shortest"),
    ("811801", 1, "shortest"),
    # ENC-3: definite lengths
    ("5f4100ff", 0, "indefinite"),
    ("7f6100ff", 0, "indefinite"),
    ("9fff", 0, "indefinite"),
    ("bfff", 0, "indefinite"),
    ("ff", 0, "indefinite"),
    ("1f", 0, "indefinite"),
    ("1c", 0, "reserved"),
    ("5d", 0, "reserved"),
    ("9e", 0, "reserved"),
    # ENC-4: lengths that lie
    ("41", 0, "exceeds"),
    ("4261", 0, "exceeds"),
    ("6161 61", 2, "after the end"),
    ("81", 0, "exceeds"),
    ("8200", 0, "exceeds"),
    ("5bffffffffffffffff", 0, "exceeds"),
    ("9bffffffffffffffff00", 0, "exceeds"),
    ("bb8000000000000000", 0, "exceeds"),
    ("a100", 2, "ends too early"),
    ("a2000001", 4, "ends too early"),
    ("18", 0, "ends too early"),
    ("19 01", 0, "ends too early"),
    ("1b 00000000000000", 0, "ends too early"),
    ("82 81 81", 2, "exceeds"),
    ("83 8200 00", 4, "ends too early"),
    ("82 8100 18", 3, "ends too early"),
    # ENC-5: text
    ("61ff", 0, "UTF-8"),
    ("62c080", 0, "UTF-8"),  # NUL in two bytes
    ("63eda080", 0, "UTF-8"),  # a surrogate
    ("64f4908080", 0, "UTF-8"),  # above U+10FFFF
    ("6375cc88", 0, "normal form"),
    ("63e284ab", 0, "normal form"),  # the ångström sign has a canonical equivalent
    ("81 61ff", 1, "UTF-8"),
    # ENC-6: map keys
    ("a1181800", 1, "map key"),
    ("a12000", 1, "map key"),
    ("a1610000", 1, "map key"),
    ("a1410000", 1, "map key"),
    ("a1f500", 1, "map key"),
    ("a1f6", 1, "map key"),
    ("a1f900 0000", 1, "map key"),
    ("a1180100", 1, "map key"),
    ("a200000000", 3, "ascending"),
    ("a201000000", 3, "ascending"),
    # ENC-8: one item
    ("0000", 1, "after the end"),
    ("8000", 1, "after the end"),
    ("f6f6", 1, "after the end"),
]


@pytest.mark.parametrize(("encoded", "at", "what"), REFUSED_BYTES)
def test_refused_at_its_place(encoded: str, at: int, what: str) -> None:
    with pytest.raises(MalformedError, match=what) as caught:
        decode(bytes.fromhex(encoded))
    assert caught.value.where == f"byte {at}"
    assert caught.value.code == "malformed"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "data",
    [bytearray(b"\0"), memoryview(b"\0"), OwnBytes(b"\0"), "0", 0, None, [0]],
    ids=lambda data: type(data).__name__,
)
def test_only_bytes_are_decoded(data: Any) -> None:
    with pytest.raises(InvalidArgument):
        decode(data)


@pytest.mark.parametrize("argument", [2**16, 2**24, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("major", [2, 3, 4, 5])
def test_a_huge_declared_length_allocates_nothing(major: int, argument: int) -> None:
    if argument < 2**32:
        head = bytes([major << 5 | 26]) + argument.to_bytes(4, "big")
    else:
        head = bytes([major << 5 | 27]) + argument.to_bytes(8, "big")
    for data in (head, head + bytes(1000), b"\x81" * 7 + head + bytes(1000)):
        tracemalloc.start()
        try:
            with pytest.raises(MalformedError):
                decode(data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1_000_000


# --- how much one input may cost -------------------------------------------------------------------------------------


def test_containers_hold_so_many_items_together() -> None:
    half = MAX_ITEMS // 2 - 1
    full = [[0] * half, [0] * half]
    assert decode(encode(full)) == full
    over = [[0] * half, [0] * (half + 1)]
    with pytest.raises(InvalidArgument, match=f"more than {MAX_ITEMS} items"):
        encode(over)
    with pytest.raises(MalformedError, match=f"more than {MAX_ITEMS} items"):
        decode(cbor2.dumps(over, canonical=True))


def test_an_entry_of_a_map_counts_as_two() -> None:
    third = MAX_ITEMS // 3
    maps = b"\x9a" + third.to_bytes(4, "big") + b"\xa1\x00\x00" * third
    assert decode(maps) == [{0: 0}] * third
    with pytest.raises(MalformedError, match=f"more than {MAX_ITEMS} items"):
        decode(b"\x82\xa1\x00\x00" + maps)


def test_millions_of_tiny_items_are_refused_early() -> None:
    data = b"\x9a\x00\x80\x00\x00" + b"\x80" * 2**23
    tracemalloc.start()
    with pytest.raises(MalformedError, match="items"):
        decode(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
