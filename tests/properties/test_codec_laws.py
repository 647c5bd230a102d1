"""Laws of the codec: one meaning, one encoding, and cbor2 agrees."""

from __future__ import annotations

import cbor2
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.codec import SEEDS, same
from siegel._core.codec import Value, array_of, decode, encode
from siegel.errors import MalformedError
from tests.properties.strategies import foreign_values, mutants, values


def listed(value: object) -> object:
    """The value as it comes back: arrays are lists, map entries stand in ascending order."""
    if isinstance(value, list | tuple):
        return [listed(item) for item in value]
    if isinstance(value, dict):
        return {key: listed(value[key]) for key in sorted(value)}
    return value


def check(data: bytes) -> None:
    """Refused as MalformedError, or read as the one value that cbor2 reads too and that has these bytes alone."""
    try:
        value = decode(data)
    except MalformedError as error:
        kind, place = error.where.split()
        if kind != "byte" or not 0 <= int(place) <= len(data):
            raise
        return
    assert encode(value) == data
    assert same(value, cbor2.loads(data))


@given(values)
def test_a_value_comes_back(value: Value) -> None:
    encoded = encode(value)
    assert same(decode(encoded), listed(value))
    assert encoded == cbor2.dumps(value, canonical=True)
    assert same(cbor2.loads(encoded), listed(value))


@given(st.lists(values, max_size=30))
def test_an_array_is_its_items(items: list[Value]) -> None:
    assert array_of(*map(encode, items)) == encode(items) if items else array_of() == b"\x80"


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(values.map(encode).flatmap(lambda data: mutants([data])))
def test_nearly_valid_bytes(data: bytes) -> None:
    check(data)


@given(foreign_values)
@example({True: 1})
@example([1.0, -1, cbor2.undefined])
def test_what_cbor2_writes_of_anything(value: object) -> None:
    check(cbor2.dumps(value))
    check(cbor2.dumps(value, canonical=True))


@given(values, st.binary(min_size=1))
def test_one_item_and_no_more(value: Value, more: bytes) -> None:
    encoded = encode(value)
    for data in (encoded + more, encoded[:-1]):
        try:
            decode(data)
        except MalformedError:
            continue
        raise AssertionError


@given(values, values)
def test_no_encoding_begins_another(one: Value, other: Value) -> None:
    if not same(listed(one), listed(other)):
        assert not encode(one).startswith(encode(other))


def test_the_seeds_of_the_fuzzer() -> None:
    for seed in SEEDS:
        check(seed)
