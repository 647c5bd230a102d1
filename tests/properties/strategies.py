"""Values, bytes and texts for the laws: what is allowed, and what is nearly so."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import cbor2
from hypothesis import strategies as st

from siegel._core.codec import MAX_DEPTH, MAX_UINT, Value

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

# --- values of the codec ---------------------------------------------------------------------------------------------

edges = st.sampled_from([edge + d for edge in (0, 24, 2**8, 2**16, 2**32, 2**64) for d in (-1, 0, 1)])
uints = st.one_of(st.integers(0, MAX_UINT), edges.filter(lambda number: 0 <= number <= MAX_UINT))
texts = st.text().map(lambda text: unicodedata.normalize("NFC", text))
scalars = st.one_of(uints, st.binary(max_size=300), texts, st.booleans(), st.none())


def _containers(items: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(st.lists(items, max_size=30), st.dictionaries(st.integers(0, 23), items, max_size=6))


def depth(value: object) -> int:
    """How many containers stand in each other."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return 1 + max(map(depth, value), default=0)
    return 0


values: st.SearchStrategy[Value] = st.recursive(scalars, _containers, max_leaves=25).filter(
    lambda value: depth(value) <= MAX_DEPTH
)

_foreign_scalars = st.one_of(
    scalars,
    edges,
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(),
    st.datetimes(timezones=st.timezones()),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.just(cbor2.undefined),
    st.integers(32, 255).map(cbor2.CBORSimpleValue),
)
foreign_values = st.recursive(
    _foreign_scalars,
    lambda items: st.one_of(
        st.lists(items, max_size=5),
        st.dictionaries(st.one_of(st.integers(-2, 30), st.text(max_size=3), st.booleans()), items, max_size=5),
        st.builds(cbor2.CBORTag, st.integers(0, 300), items),
    ),
    max_leaves=10,
)

# --- nearly valid objects --------------------------------------------------------------------------------------------


def mutants(originals: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """A valid object with items dropped, doubled, swapped, replaced or taken from another, or with bytes changed."""

    @st.composite
    def mutant(draw: Draw) -> bytes:
        tree = cbor2.loads(draw(st.sampled_from(originals)))
        of_items, of_bytes = draw(st.sampled_from([(1, 0), (2, 0), (0, 1), (0, 2), (1, 1)]))
        for _ in range(of_items):
            tree = _with_item_changed(draw, tree, originals)
        data = cbor2.dumps(tree)
        for _ in range(of_bytes):
            data = _with_bytes_changed(draw, data)
        return data

    return mutant()  # a closure, because an argument would be printed with each failure, and these are long


@st.composite
def changed_bytes(draw: Draw, original: bytes) -> bytes:
    """The bytes with one or two changes, which may undo each other."""
    return _with_bytes_changed(draw, _with_bytes_changed(draw, original) if draw(st.booleans()) else original)


def _with_item_changed(draw: Draw, tree: Any, originals: Sequence[bytes]) -> Any:
    arrays = [array for array in _arrays(tree) if array]
    if not arrays:
        return draw(foreign_values)
    array = draw(st.sampled_from(arrays))
    place, other = draw(st.integers(0, len(array) - 1)), draw(st.integers(0, len(array) - 1))
    match draw(st.sampled_from(["drop", "double", "swap", "replace", "splice", "number", "bytes"])):
        case "drop":
            del array[place]
        case "double":
            array.insert(other, array[place])
        case "swap":
            array[place], array[other] = array[other], array[place]
        case "replace":
            array[place] = draw(foreign_values)
        case "splice":
            array[place] = draw(st.sampled_from(list(_items(cbor2.loads(draw(st.sampled_from(originals)))))))
        case "number" if type(array[place]) is int:
            array[place] += draw(st.integers(-2, 2))
        case "bytes" if type(array[place]) is bytes:
            array[place] = _with_bytes_changed(draw, array[place])
        case _:
            array[place] = draw(scalars)
    return tree


def _arrays(tree: Any) -> Iterator[list[Any]]:
    return (item for item in _items(tree) if isinstance(item, list))


def _items(tree: Any) -> Iterator[Any]:
    yield tree
    if isinstance(tree, list):
        for item in tree:
            yield from _items(item)


def _with_bytes_changed(draw: Draw, data: bytes) -> bytes:
    place = draw(st.integers(0, max(0, len(data) - 1)))
    length = draw(st.integers(1, 8))
    more: bytes = draw(st.binary(min_size=1, max_size=8))
    match draw(st.sampled_from(["flip", "drop", "double", "insert", "cut", "lengthen"])):
        case "flip" if data:
            return data[:place] + bytes([data[place] ^ 1 << draw(st.integers(0, 7))]) + data[place + 1 :]
        case "drop":
            return data[:place] + data[place + length :]
        case "double":
            return data[: place + length] + data[place:]
        case "cut":
            return data[:place]
        case "lengthen":
            return data + more
        case _:
            return data[:place] + more + data[place:]


@st.composite
def mistyped(draw: Draw, originals: Sequence[str]) -> str:
    """A valid text with characters replaced, dropped, doubled, swapped or put in, or in another case."""
    text: str = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        match draw(st.sampled_from(["replace", "drop", "double", "swap", "insert", "case", "cut"])):
            case "replace":
                text = text[:place] + draw(st.characters(codec="utf-8")) + text[place + 1 :]
            case "drop":
                text = text[:place] + text[place + 1 :]
            case "double":
                text = text[: place + 1] + text[place:]
            case "swap":
                text = text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
            case "insert":
                text = text[:place] + draw(st.text(min_size=1, max_size=3)) + text[place:]
            case "case":
                text = text[:place] + text[place : place + 1].swapcase() + text[place + 1 :]
            case _:
                text = text[:place]
    return text
