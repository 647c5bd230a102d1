"""ENC-9 and the taking apart of decoded values: exact types, exact lengths, the place of the fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from siegel._core import shape
from siegel.errors import MalformedError, UnsupportedVersion


def top(data: object, *, kind: int = 2, fields: int = 1) -> list[Any]:
    return list(shape.top_level(cbor2.dumps(data), kind=kind, fields=fields, where="object"))


def test_the_items_behind_type_and_version() -> None:
    assert top([2, 1, b"x"]) == [b"x"]
    assert top([2, 1], fields=0) == []


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        (5, "object", "not an array"),
        ({0: 1}, "object", "not an array"),
        (b"x", "object", "not an array"),
        ([], "object", "no type number and version"),
        ([2], "object", "no type number and version"),
        ([b"", 1, b"x"], "object type", "not an unsigned integer"),
        ([True, 1, b"x"], "object type", "not an unsigned integer"),
        ([2, None, b"x"], "object version", "not an unsigned integer"),
        ([2, True, b"x"], "object version", "not an unsigned integer"),
        ([3, 1, b"x"], "object", "another kind"),
        ([2, 1], "object", "3 items"),
        ([2, 1, b"x", b"y"], "object", "3 items"),
        ([2, 1.0, b"x"], "byte 2", "float"),
    ],
)
def test_refused_top_level(data: object, where: str, what: str) -> None:
    with pytest.raises(MalformedError, match=what) as caught:
        top(data)
    assert caught.value.where == where


@pytest.mark.parametrize("version", [0, 2, 2**64 - 1])
def test_another_version(version: int) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        top([2, version, b"x"])
    assert caught.value.version == version


VALUES: list[Any] = [0, 1, 2**64 - 1, False, True, None, b"", b"12", "", "12", [], [1, 2], {}, {0: 1}]
TAKERS: dict[type, Callable[[Any], object]] = {
    int: lambda value: shape.uint(value, "there"),
    bytes: lambda value: shape.octets(value, None, "there"),
    str: lambda value: shape.text(value, "there"),
    list: lambda value: shape.array(value, None, "there"),
}


@pytest.mark.parametrize("kind", TAKERS)
def test_types_are_exact(kind: type) -> None:
    take = TAKERS[kind]
    for value in VALUES:
        if type(value) is kind:
            assert take(value) is value
        else:
            with pytest.raises(MalformedError, match="there: not ") as caught:
                take(value)
            assert caught.value.where == "there"


def test_lengths_are_exact() -> None:
    assert shape.octets(b"12", 2, "there") == b"12"
    assert shape.array([1, 2], 2, "there") == [1, 2]
    for wrong in (0, 1, 3):
        with pytest.raises(MalformedError, match=f"there: {wrong} bytes are needed, not 2"):
            shape.octets(b"12", wrong, "there")
        with pytest.raises(MalformedError, match=f"there: an array of {wrong} items is needed, not of 2"):
            shape.array([1, 2], wrong, "there")


def test_bounds_are_included() -> None:
    assert shape.uint(5, "there", most=5) == 5
    with pytest.raises(MalformedError, match="there: above 5"):
        shape.uint(6, "there", most=5)
