"""ENC-1 … ENC-8: what others call CBOR, and which of it is in the subset.

Which vectors must be accepted is computed from the value that the vector states, by a classifier that knows the subset
and not the decoder. What is accepted has exactly that value, is its only encoding, and ``cbor2`` reads the same.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import cbor2
import pytest

from siegel._core import codec
from siegel.errors import MalformedError
from tests.vectors.third_party.sources import Case, Source, each, json_list

OUTSIDE = object()  # the value of a vector whose notation no value of ours has: a tag, NaN, undefined, …

# Appendix F.1 of RFC 8949, whole: byte strings that are not well-formed, by the reason.
NOT_WELL_FORMED = {
    "end of input in a head": (
        "18, 19, 1a, 1b, 1901, 1a0102, 1b01020304050607, 38, 58, 78, 98, 9a01ff00, b8, d8, f8, f900, fa0000, fb000000"
    ),
    "definite-length string with short data": "41, 61, 5affffffff00, 5bffffffffffffffff010203, 7affffffff00, "
    "7b7fffffffffffffff010203",
    "definite-length container not closed": "81, 818181818181818181, 8200, a1, a20102, a100, a2000000",
    "tag without content": "c0",
    "indefinite-length string not closed": "5f4100, 7f6100",
    "indefinite-length container not closed": (
        "9f, 9f0102, bf, bf01020102, 819f, 9f8000, 9f9f9f9f9fffffffff, 9f819f819f9fffffff"
    ),
    "reserved additional information": (
        "1c, 1d, 1e, 3c, 3d, 3e, 5c, 5d, 5e, 7c, 7d, 7e, 9c, 9d, 9e, bc, bd, be, dc, dd, de, fc, fd, fe"
    ),
    "reserved two-byte simple value": "f800, f801, f818, f81f",
    "chunk of another type": "5f00ff, 5f21ff, 5f6100ff, 5f80ff, 5fa0ff, 5fc000ff, 5fe0ff, 7f4100ff",
    "chunk of indefinite length": "5f5f4100ffff, 7f7f6100ffff",
    "break outside": "ff",
    "break in a definite-length item": ("81ff, 8200ff, a1ff, a1ff00, a100ff, a20000ff, 9f81ff, 9f829f819f9fffffffff"),
    "break after a key": "bf00ff, bf000000ff",
    "integer or tag of indefinite length": "1f, 3f, df",
}


# --- readers: each case has the bytes, the value stated, and whether it is stated in its one shortest form -----------


def diagnostic(text: str) -> Any:
    """The value of RFC 8949's notation for those that Python writes alike; OUTSIDE for the rest."""
    if match := re.fullmatch(r"h'([0-9a-f]*)'", text):
        return bytes.fromhex(match[1])
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return OUTSIDE


def appendix_a(path: Path) -> Iterator[tuple[object, Case]]:
    for number, test in enumerate(json.loads(path.read_bytes())):
        value = diagnostic(test["diagnostic"]) if "diagnostic" in test else test["decoded"]
        yield number, {"encoded": bytes.fromhex(test["hex"]), "value": value, "shortest": test["roundtrip"]}


def dcbor(path: Path) -> Iterator[tuple[object, Case]]:
    # ``decoded`` has JSON's numbers, where 42.0 stands for 42: the notation beside it is exact. All is deterministic.
    for number, test in enumerate(json.loads(path.read_bytes())):
        value = diagnostic(test["diagnostic"])
        yield number, {"encoded": bytes.fromhex(test["hex"]), "value": value, "shortest": True}


def cbor_wg(path: Path) -> Iterator[tuple[object, Case]]:
    """All files of the folder. They are CBOR themselves, read by ``cbor2``."""
    for file in sorted(path.rglob("*.cbor")):
        tests = cbor2.loads(file.read_bytes(), max_depth=4096)["tests"]  # one vector nests a thousand deep
        for number, test in enumerate(tests):
            name = f"{file.relative_to(path).as_posix()}#{number}"
            yield (
                name,
                {
                    "encoded": test["encoded"],
                    "value": test["decoded"],
                    "shortest": test.get("roundtrip", True),
                },
            )


APPENDIX_A = Source("cbor/appendix_a.json", appendix_a)
DCBOR_VALID = Source("cbor/dcbor/valid.json", dcbor)
DCBOR_INVALID = Source("cbor/dcbor/invalid.json", json_list)
CBOR_WG = Source("cbor/cbor-wg", cbor_wg)


# --- the classifier --------------------------------------------------------------------------------------------------


def is_ours(value: Any, depth: int = 0) -> bool:
    """Whether the value is in the subset: by exact type, as ``True == 1 == 1.0``."""
    if value is None or type(value) in {bool, bytes}:
        return True
    if type(value) is int:
        return 0 <= value < 2**64
    if type(value) is str:
        return is_normalized("NFC", value)
    if depth == 8 or type(value) not in {list, dict}:
        return False
    if type(value) is list:
        return all(is_ours(item, depth + 1) for item in value)
    keys = list(value)
    if any(type(key) is not int or not 0 <= key <= 23 for key in keys) or keys != sorted(keys):
        return False
    return all(is_ours(item, depth + 1) for item in value.values())


def same(left: Any, right: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(same, left.values(), right.values()))
    return bool(left == right)


def check(case: Case) -> None:
    encoded, value = case["encoded"], case["value"]
    if not (case["shortest"] and is_ours(value)):
        with pytest.raises(MalformedError):
            codec.decode(encoded)
        return
    decoded = codec.decode(encoded)
    assert same(decoded, value)
    assert codec.encode(decoded) == encoded
    assert same(cbor2.loads(encoded), decoded)
    for cut in range(len(encoded)):
        with pytest.raises(MalformedError):
            codec.decode(encoded[:cut])
    with pytest.raises(MalformedError):
        codec.decode(encoded + b"\x00")


# --- the tests -------------------------------------------------------------------------------------------------------


@each(APPENDIX_A)
def test_appendix_a_of_rfc_8949(case: Case) -> None:
    check(case)


@each(CBOR_WG)
def test_the_working_groups_vectors(case: Case) -> None:
    check(case)


@each(DCBOR_VALID)
def test_deterministic_cbor(case: Case) -> None:
    check(case)


@each(DCBOR_INVALID)
def test_what_deterministic_cbor_refuses(case: Case) -> None:
    with pytest.raises(MalformedError):
        codec.decode(bytes.fromhex(case["hex"]))


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(bytes.fromhex(encoded), id=f"{reason}: {encoded}")
        for reason, listed in NOT_WELL_FORMED.items()
        for encoded in listed.split(", ")
    ],
)
def test_what_is_not_well_formed(encoded: bytes) -> None:
    with pytest.raises(MalformedError):
        codec.decode(encoded)
    with pytest.raises(cbor2.CBORDecodeError):  # shows that the list above was copied right
        cbor2.loads(encoded)


def test_the_subset_takes_some_of_each_and_refuses_some() -> None:
    """A classifier that called everything foreign would make every test above pass on refusals alone."""
    assert is_ours([0, 2**64 - 1, b"", "é", {0: None, 23: True}])
    assert not any(map(is_ours, [-1, 2**64, 1.0, "e\u0301", {24: 0}, {"a": 0}, {1: 0, 0: 0}, OUTSIDE]))
    deep: Any = 0
    for _ in range(8):
        deep = [deep]
    assert is_ours(deep)
    assert not is_ours([deep])
