"""Changes to encoded objects that keep everything else as it is: fields, lengths, heads."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import cbor2

from tests.attacks.attacker import cbor

Path = tuple[int, ...]


def paths(tree: Any, path: Path = ()) -> Iterator[Path]:
    """Every item of a tree of arrays, the tree itself first."""
    yield path
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            yield from paths(item, (*path, i))


def item_at(tree: Any, path: Path) -> Any:
    for i in path:
        tree = tree[i]
    return tree


def replaced(data: bytes, path: Path, value: Any) -> bytes:
    """The object with one item replaced."""
    tree = copy.deepcopy(cbor2.loads(data))
    if not path:
        return cbor(value)
    item_at(tree, path[:-1])[path[-1]] = value
    return cbor(tree)


def field(data: bytes, path: Path) -> Any:
    """One item of an encoded object."""
    return item_at(cbor2.loads(data), path)


def arrays(data: bytes) -> list[Path]:
    tree = cbor2.loads(data)
    return [path for path in paths(tree) if isinstance(item_at(tree, path), list)]


def byte_strings(data: bytes) -> list[Path]:
    tree = cbor2.loads(data)
    return [path for path in paths(tree) if isinstance(item_at(tree, path), bytes)]


# --- heads -----------------------------------------------------------------------------------------------------------

LONGER = {24: 1, 25: 2, 26: 4, 27: 8}
FORMS: tuple[int, ...] = (*LONGER, 31)


def head(major: int, argument: int, info: int | None = None) -> bytes:
    """A CBOR head; with ``info`` in that form, shortest or not."""
    if info is None:
        info = argument if argument < 24 else next(i for i, size in LONGER.items() if argument < 1 << 8 * size)
    first = bytes((major << 5 | info,))
    return first + argument.to_bytes(LONGER[info], "big") if info in LONGER else first


def other_forms(tree: Any) -> Iterator[tuple[int, int, bytes]]:
    """The same value with one head in another form: (which item, which form, bytes)."""
    good = cbor(tree)
    for index in range(sum(1 for _ in paths(tree))):
        for info in FORMS:
            other = _render(tree, count(), index, info)
            if other is not None and other != good:
                yield index, info, other


def _render(tree: Any, counter: Iterator[int], index: int, info: int) -> bytes | None:
    chosen = info if next(counter) == index else None
    if tree is None or isinstance(tree, bool):
        return cbor(tree)  # one byte, and no other form that means the same
    if isinstance(tree, int):
        return None if chosen == 31 else _shaped(0, tree, b"", chosen)
    if isinstance(tree, bytes | str):
        raw = tree.encode() if isinstance(tree, str) else tree
        return _shaped(3 if isinstance(tree, str) else 2, len(raw), raw, chosen)
    parts = [_render(item, counter, index, info) for item in tree]
    if any(part is None for part in parts):
        return None
    return _shaped(4, len(tree), b"".join(part for part in parts if part is not None), chosen)


def _shaped(major: int, argument: int, content: bytes, info: int | None) -> bytes | None:
    if info == 31:  # of indefinite length: an array as it is, a string as one chunk
        chunk = content if major == 4 else head(major, argument) + content
        return head(major, 0, 31) + chunk + b"\xff"
    if info is not None and argument >= 1 << 8 * LONGER[info]:
        return None
    return head(major, argument, info) + content


def lengths_around(value: bytes) -> Sequence[bytes]:
    """The lengths 0, 1, n-1, n+1 (attack PR-11), each beginning like the value itself."""
    return [b"", value[:1], value[:-1], value + b"\0"]
