"""Knows the key tree of a sender chain: a puncturable pseudorandom function as a binary tree of depth 16.

A node is 32 secret bytes, SHA-512 of a node gives its two children, and a leaf is the key of one message. What is kept
is the *frontier*: the nodes that cover the indices not used yet. Laws: taking an index removes every node from which
its key follows, so a used key cannot be derived again; an index costs at most 16 steps however far the skip; a frontier
and its encoding depend on the set of taken indices, not on their order. Knows no messages.

Source: Goldreich, Goldwasser, Micali, "How to construct random functions" (1986); punctured: Boneh, Waters (2013).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from siegel._core.labels import Label
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import sha512
from siegel.errors import Expired, InvalidArgument, MalformedError, StateError

DEPTH: Final = 16
INDEX_COUNT: Final = 1 << DEPTH
NODE_BYTES: Final = 32
MAX_NODES: Final = 4096  # 144 kB; only a sender who skips thousands of messages makes a frontier that large

_ENTRY_BYTES: Final = 2 + 1 + NODE_BYTES  # first index, height, node
_WHERE: Final = "key tree"


class KeyTree(KeyObject):
    """The frontier of one chain. It changes in place: work on a ``copy`` until the message is authentic and open."""

    __slots__ = ("_heights", "_nodes", "_starts")

    def __init__(self, places: list[tuple[int, int]], nodes: list[bytes]) -> None:
        # Three lists in step, ascending: the first index that a node covers, its height (0 is a leaf), its bytes.
        self._starts = [start for start, _ in places]
        self._heights = [height for _, height in places]
        self._nodes = nodes

    @classmethod
    def from_root(cls, root: Secret) -> KeyTree:
        """The tree of a new chain: its root (32 bytes) covers all 65,536 indices."""
        if len(root.reveal()) != NODE_BYTES:
            raise InvalidArgument(f"the root of a key tree is {NODE_BYTES} bytes")
        return cls([(0, DEPTH)], [root.reveal()])

    @classmethod
    def from_cover(cls, start: int, nodes: list[bytes]) -> KeyTree:
        """The tree over ``start`` and everything above, from the nodes of the canonical cover, lowest first.

        MalformedError unless there is exactly one node of 32 bytes for each place of the cover.
        """
        places = list(canonical_cover(start, INDEX_COUNT))
        if len(nodes) != len(places) or any(len(node) != NODE_BYTES for node in nodes):
            raise MalformedError(_WHERE, f"from index {start} there are {len(places)} nodes of {NODE_BYTES} bytes")
        return cls(places, list(nodes))

    def copy(self) -> KeyTree:
        """A candidate to work on; the original stays as it is until the candidate is assigned."""
        return KeyTree(self._places(), self._nodes.copy())

    @property
    def node_count(self) -> int:
        """How many nodes are held."""
        return len(self._starts)

    def covers(self, index: int) -> bool:
        """Whether the key of this index can be derived."""
        return self._place_of(index) is not None

    def take(self, index: int) -> Secret:
        """The key of this index, which cannot be derived again afterwards. Expired if it cannot be derived now."""
        place = self._place_of(index)
        if place is None:
            raise Expired("the key of this message was used or dropped")
        start, height, node = self._pop(place)
        while height:
            height -= 1
            left, right = _children(node)
            middle = start + (1 << height)
            if index < middle:
                self._insert(place, middle, height, right)
                node = left
            else:
                self._insert(place, start, height, left)
                place += 1
                start, node = middle, right
        if len(self._starts) > MAX_NODES:
            self._forget(0, len(self._starts) - MAX_NODES)  # the lowest gaps are the oldest
        return Secret(node)

    def puncture_from(self, end: int) -> None:
        """Forgets every key from this index on."""
        place = bisect_right(self._starts, end - 1)
        self._forget(place, len(self._starts))
        if not place or self._starts[-1] + (1 << self._heights[-1]) <= end:
            return
        start, height, node = self._pop(place - 1)  # the one node on both sides of the cut
        while start < end:
            height -= 1
            left, right = _children(node)
            middle = start + (1 << height)
            if end < middle:
                node = left
            else:
                self._insert(len(self._starts), start, height, left)
                start, node = middle, right

    def cover(self) -> tuple[int, list[bytes]]:
        """First index and nodes of the canonical cover up to the end: what its owner announces to a newcomer.

        StateError if there are gaps: only an owner, who takes keys in order, has such a frontier.
        """
        start = self._starts[0] if self._starts else INDEX_COUNT
        if self._places() != list(canonical_cover(start, INDEX_COUNT)):
            raise StateError("a frontier with gaps cannot be announced")
        return start, self._nodes.copy()

    def prepend(self, lower: KeyTree) -> None:
        """Adds a frontier of indices that were never held, below all that are. InvalidArgument if it overlaps."""
        if lower._starts and self._starts and lower._starts[-1] + (1 << lower._heights[-1]) > self._starts[0]:
            raise InvalidArgument("the lower frontier reaches into this one")
        self._starts = lower._starts + self._starts
        self._heights = lower._heights + self._heights
        self._nodes = lower._nodes + self._nodes
        if len(self._starts) > MAX_NODES:
            self._forget(0, len(self._starts) - MAX_NODES)

    def encode(self) -> bytes:
        """35 bytes a node, ascending: first index (2, big-endian), height (1), node (32). Secret."""
        entries = zip(self._starts, self._heights, self._nodes, strict=True)
        return b"".join(start.to_bytes(2, "big") + bytes((height,)) + node for start, height, node in entries)

    @classmethod
    def decode(cls, data: bytes) -> KeyTree:
        """The frontier that ``encode`` wrote. MalformedError unless nodes are ascending, aligned and apart."""
        if len(data) % _ENTRY_BYTES or len(data) > MAX_NODES * _ENTRY_BYTES:
            raise MalformedError(_WHERE, f"not a list of at most {MAX_NODES} nodes")
        entries = [data[i : i + _ENTRY_BYTES] for i in range(0, len(data), _ENTRY_BYTES)]
        places = [(int.from_bytes(entry[:2], "big"), entry[2]) for entry in entries]
        end = 0
        for start, height in places:
            if height > DEPTH or start < end or start % (1 << height):
                raise MalformedError(_WHERE, "a node is not at its place")
            end = start + (1 << height)
        return cls(places, [entry[3:] for entry in entries])

    # --- inside

    def _places(self) -> list[tuple[int, int]]:
        return list(zip(self._starts, self._heights, strict=True))

    def _place_of(self, index: int) -> int | None:
        place = bisect_right(self._starts, index) - 1
        if place < 0 or index >= self._starts[place] + (1 << self._heights[place]):
            return None
        return place

    def _pop(self, place: int) -> tuple[int, int, bytes]:
        return self._starts.pop(place), self._heights.pop(place), self._nodes.pop(place)

    def _insert(self, place: int, start: int, height: int, node: bytes) -> None:
        self._starts.insert(place, start)
        self._heights.insert(place, height)
        self._nodes.insert(place, node)

    def _forget(self, first: int, end: int) -> None:
        del self._starts[first:end], self._heights[first:end], self._nodes[first:end]


def canonical_cover(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The fewest nodes (first index, height) that cover [start, end) and nothing else, ascending."""
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        yield start, height
        start += 1 << height


def _children(node: bytes) -> tuple[bytes, bytes]:
    both = sha512(Label.KEY_TREE + node)
    return both[:NODE_BYTES], both[NODE_BYTES:]
