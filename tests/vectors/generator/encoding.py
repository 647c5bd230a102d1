"""Category ``encoding``: the one encoding, and what is not it (ENC-1 … ENC-8)."""

from __future__ import annotations

from tests.vectors.generator.book import Category, Group, stream
from tests.vectors.notation import joined, shake
from tests.vectors.reference.cbor import (
    ARRAY,
    BYTES,
    FALSE,
    MAP,
    NEGATIVE,
    NULL,
    TAG,
    TEXT,
    TRUE,
    UINT,
    array,
    head,
    mapping,
    octets,
    text,
    uint,
)

NAMES = ("uint", "negative", "bytes", "text", "array", "map", "tag", "simple")


def category() -> Category:
    """The vectors of this file."""
    book = Category("encoding")
    _valid(book.group("decode", 1001))
    group = book.group("decode", 1101)
    _types(group)
    _heads(group)
    _lengths(group)
    _texts(group)
    _maps(group)
    _whole(group)
    return book


def _valid(group: Group) -> None:
    for value in (0, 1, 10, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**64 - 1):
        group.valid(f"unsigned integer {value}", spec="ENC-1 ENC-2", flags="Boundary", input={"data": uint(value)})
    for count in (0, 1, 23, 24, 255, 256):
        data = octets(stream("byte string", count))
        group.valid(f"byte string of {count} bytes", spec="ENC-1 ENC-2 ENC-4", flags="Boundary", input={"data": data})
    for count in (65_535, 65_536):
        large = joined(head(BYTES, count), shake(b"byte string", count))
        group.valid(f"byte string of {count} bytes", spec="ENC-1 ENC-2 ENC-4", flags="Boundary", input={"data": large})
    for name, written in {
        "empty": "",
        "ASCII": "siegel/1 entry",
        "of 23 bytes": "s" * 23,
        "of 24 bytes": "s" * 24,
        "of 256 bytes": "s" * 256,
        "with two-byte characters, composed": "Schlüssel é",
        "with three-byte characters": "封印 가각",
        "with four-byte characters": "\U0001f511",
        "with the zero character": "a\0b",
        "with the last character of Unicode": "\U0010ffff",
        "with a byte order mark, which is a character": "\ufeffa",
        "with a combining mark that has no composed form": "q\u0323\u0307",
    }.items():
        group.valid(f"text {name}", spec="ENC-1 ENC-5", flags="Boundary", input={"data": text(written)})
    for name, data in {
        "the value false": FALSE,
        "the value true": TRUE,
        "the value null": NULL,
        "empty array": array(),
        "array of one item of each type": array(uint(1), octets(b"\1"), text("1"), array(), TRUE, FALSE, NULL),
        "array of 23 items": array(*[uint(0)] * 23),
        "array of 24 items": array(*[uint(0)] * 24),
        "array of 256 items": array(*[uint(i) for i in range(256)]),
        "empty map": mapping(),
        "map with all keys 0 … 23": mapping(*((uint(i), uint(23 - i)) for i in range(24))),
        "map with keys that leave gaps": mapping((uint(0), text("a")), (uint(7), array()), (uint(23), mapping())),
        "array like a public identity": array(uint(1), uint(1), octets(bytes(32)), NULL),
    }.items():
        group.valid(name, spec="ENC-1 ENC-3 ENC-6 ENC-8", flags="Normal", input={"data": data})
    group.valid("arrays that nest 8 deep", spec="ENC-7", flags="Boundary", input={"data": _nested(7, array())})
    item = mapping()
    for _ in range(3):
        item = mapping((uint(0), array(item)))
    item = array(item)
    group.valid("arrays and maps that nest 8 deep", spec="ENC-6 ENC-7", flags="Boundary", input={"data": item})
    wide = array(*[_nested(6, array())] * 3)
    group.valid("three branches that nest 8 deep each", spec="ENC-7", flags="Boundary", input={"data": wide})


def _nested(depth: int, inner: bytes) -> bytes:
    return head(ARRAY, 1) * depth + inner


def _refuse(group: Group, comment: str, data: bytes, spec: str, flags: str) -> None:
    group.invalid(comment, spec=spec, flags=flags, code="malformed", stage="encoding", input={"data": data})


def _types(group: Group) -> None:
    refused = {
        "negative integer -1": head(NEGATIVE, 0),
        "negative integer -2^64": head(NEGATIVE, 2**64 - 1),
        "half-precision float 0.0": bytes.fromhex("f90000"),
        "half-precision NaN": bytes.fromhex("f97e00"),
        "single-precision float 1.0": bytes.fromhex("fa3f800000"),
        "double-precision float 1.1": bytes.fromhex("fb3ff199999999999a"),
        "undefined": b"\xf7",
        "simple value 0": b"\xe0",
        "simple value 19": b"\xf3",
        "simple value 32": b"\xf8\x20",
        "simple value 255": b"\xf8\xff",
        "false in two bytes": b"\xf8\x14",
        "true in two bytes": b"\xf8\x15",
        "null in two bytes": b"\xf8\x16",
        "tag 0, a date": head(TAG, 0) + text("2026-01-01T00:00:00Z"),
        "tag 2, a big integer": head(TAG, 2) + octets(b"\x01" + bytes(8)),
        "tag 24, encoded CBOR": head(TAG, 24) + octets(uint(1)),
        "tag 28, a shared value": array(head(TAG, 28) + array(), head(TAG, 29) + uint(0)),
        "tag 29, a reference that makes a cycle": head(TAG, 28) + array(head(TAG, 29) + uint(0)),
        "tag 35, a regular expression": head(TAG, 35) + text("(a+)+$"),
        "tag 258, a set": head(TAG, 258) + array(uint(1)),
        "tag 55799, self-described CBOR": head(TAG, 55_799) + uint(1),
        "undefined inside an array": array(uint(1), b"\xf7"),
        "float as a map value": mapping((uint(0), bytes.fromhex("f93c00"))),
    }
    for name, data in refused.items():
        _refuse(group, name, data, "ENC-1", "ForbiddenType")


def _heads(group: Group) -> None:
    for value, width in ((0, 1), (23, 1), (24, 2), (255, 2), (256, 4), (65_535, 4), (65_536, 8), (2**32 - 1, 8)):
        _refuse(group, f"integer {value} with {width} argument bytes", uint(value, width), "ENC-2", "NonShortest")
    bodies = {BYTES: b"a", TEXT: b"a", ARRAY: b"\x01", MAP: b"\x01\x01"}
    for major, body in bodies.items():
        for width in (1, 2, 4, 8):
            name = f"{NAMES[major]} of length 1 with {width} length bytes"
            _refuse(group, name, head(major, 1, width) + body, "ENC-2", "NonShortest")
    _refuse(group, "map key 0 with one argument byte", head(MAP, 1) + uint(0, 1) + NULL, "ENC-2 ENC-6", "NonShortest")
    _refuse(group, "non-shortest integer inside an array", array(uint(1), uint(5, 1)), "ENC-2", "NonShortest")
    bodies = {BYTES: octets(b"a"), TEXT: text("a"), ARRAY: uint(1), MAP: uint(1) + uint(1)}
    for major, body in bodies.items():
        data = bytes([major << 5 | 31]) + body + b"\xff"
        _refuse(group, f"{NAMES[major]} of indefinite length", data, "ENC-3", "Indefinite")
    _refuse(group, "empty array of indefinite length", b"\x9f\xff", "ENC-3", "Indefinite")
    _refuse(group, "break without anything before it", b"\xff", "ENC-3", "Indefinite")
    _refuse(group, "integer of indefinite length", b"\x1f", "ENC-3", "Indefinite")
    for info in (28, 29, 30):
        for major in (UINT, BYTES, ARRAY, 7):
            name = f"reserved head {info} of {NAMES[major]}"
            _refuse(group, name, bytes([major << 5 | info]) + bytes(16), "ENC-2", "NonShortest")


def _lengths(group: Group) -> None:
    for major in (BYTES, TEXT, ARRAY, MAP):
        for count in (1, 2**16, 2**32 - 1, 2**64 - 1):
            name = f"{NAMES[major]} that declares {count} and ends"
            _refuse(group, name, head(major, count), "ENC-4", "LyingLength")
    _refuse(group, "byte string that declares one byte more than is there", b"\x44abc", "ENC-4", "LyingLength")
    _refuse(group, "text that declares one byte more than is there", b"\x64abc", "ENC-4", "LyingLength")
    _refuse(group, "array that declares one item more than is there", b"\x83\x01\x02", "ENC-4", "LyingLength")
    _refuse(group, "map whose last key has no value", head(MAP, 2) + b"\x00\x01\x01", "ENC-4", "LyingLength")
    _refuse(
        group,
        "inner array that declares more than the whole input",
        b"\x82\x9a\xff\xff\xff\xff\x01",
        "ENC-4",
        "LyingLength",
    )
    for info, count in ((24, 0), (25, 1), (26, 3), (27, 7)):
        data = bytes([info]) + b"\xff" * count
        _refuse(group, f"integer head {info} with {count} argument bytes", data, "ENC-4", "Truncated")


def _texts(group: Group) -> None:
    for name, raw in {
        "a continuation byte alone": b"\x80",
        "an overlong zero": b"\xc0\x80",
        "an overlong slash": b"\xe0\x80\xaf",
        "a lone surrogate": b"\xed\xa0\x80",
        "a pair of surrogates": b"\xed\xa0\xbd\xed\xb4\x91",
        "a character above U+10FFFF": b"\xf4\x90\x80\x80",
        "a character that ends too early": b"a\xc3",
        "the byte 0xff": b"a\xff",
        "Latin-1": "Schlüssel".encode("latin-1"),
    }.items():
        _refuse(group, f"text with {name}", head(TEXT, len(raw)) + raw, "ENC-5", "BadText")
    for name, value in {
        "e and combining acute": "e\u0301",
        "conjoining Hangul": "\u1100\u1161",
        "the Angstrom sign": "\u212b",
        "the Ohm sign": "\u2126",
        "combining marks in another order": "q\u0307\u0323",
        "a composition exclusion": "\u0958",
    }.items():
        _refuse(group, f"text with {name}, not in normal form C", text(value), "ENC-5", "BadText")
    nested = array(mapping((uint(1), text("e\u0301"))))
    _refuse(group, "text inside a map, not in normal form C", nested, "ENC-5", "BadText")


def _maps(group: Group) -> None:
    one = uint(1)
    for name, pairs in {
        "key 24": ((uint(24), one),),
        "key 2^64-1": ((uint(2**64 - 1), one),),
        "a negative key": ((head(NEGATIVE, 0), one),),
        "a text key": ((text("a"), one),),
        "a byte string key": ((octets(b"a"), one),),
        "an array key": ((array(), one),),
        "the key true": ((TRUE, one),),
        "the key null": ((NULL, one),),
        "a key out of order": ((uint(1), one), (uint(0), one)),
        "the last key out of order": ((uint(0), one), (uint(2), one), (uint(1), one)),
        "a key twice": ((uint(0), one), (uint(0), one)),
        "a key twice with two values": ((uint(3), uint(1)), (uint(3), uint(2))),
        "a key twice with one between": ((uint(0), one), (uint(1), one), (uint(0), one)),
    }.items():
        _refuse(group, f"map with {name}", mapping(*pairs), "ENC-6", "MapKey")


def _whole(group: Group) -> None:
    _refuse(group, "arrays that nest 9 deep", _nested(8, array()), "ENC-7", "Depth")
    maps = _nested(7, mapping((uint(0), mapping())))
    _refuse(group, "maps that nest 9 deep under arrays", maps, "ENC-7", "Depth")
    _refuse(group, "arrays that nest 9 deep in a second branch", array(array(), _nested(7, array())), "ENC-7", "Depth")
    _refuse(group, "arrays that nest 10,000 deep", _nested(10_000, array()), "ENC-7", "Depth")
    _refuse(group, "no bytes at all", b"", "ENC-8", "Truncated")
    _refuse(group, "array that ends after its head", b"\x82", "ENC-4 ENC-8", "Truncated")
    _refuse(group, "a second item", uint(0) + uint(0), "ENC-8", "TrailingBytes")
    _refuse(group, "a zero byte behind an array", array() + b"\0", "ENC-8", "TrailingBytes")
    _refuse(group, "a break behind an array", array() + b"\xff", "ENC-8", "TrailingBytes")
    _refuse(group, "a line feed behind a byte string", octets(b"a") + b"\n", "ENC-8", "TrailingBytes")
