"""Knows the key tree of a sender chain: a puncturable pseudorandom function as a binary tree (spec: chain.md, KEY).

The tree has depth 16, a node is 32 secret bytes, SHA-512 of a node gives its two children, and a leaf is the key of one
message. What is kept is the *frontier*: the nodes that cover the indices not used yet. Laws: taking an index removes
every node from which its key follows, so a used key cannot be derived again; an index costs at most 16 steps however
far the skip; a frontier and its encoding depend on the set of taken indices, not on their order. Knows no messages.

Source: Goldreich, Goldwasser, Micali, "How to construct random functions" (1986); punctured: Boneh, Waters (2013).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Final, TypeAlias, TypeVar

from siegel._core.labels import Label
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import sha512
from siegel.errors import Expired, InvalidArgument, MalformedError, StateError

DEPTH: Final = 16
INDEX_COUNT: Final = 1 << DEPTH
NODE_BYTES: Final = 32
MAX_NODES: Final = 4096  # KEY-3, 144 kB; only a sender who skips thousands of messages makes a frontier that large

_Subject = TypeVar("_Subject")
_Result = TypeVar("_Result")

_PLACE_BYTES: Final = 2 + 1  # first index, height
_ENTRY_BYTES: Final = _PLACE_BYTES + NODE_BYTES
_entry: Final = Struct(f">HB{NODE_BYTES}s").pack
# First index covered, height (0 is a leaf), and the node as it is stored, behind its place: with each message that is
# sent or taken the whole frontier is stored, and all but a node or two of it are as they were.
_Node: TypeAlias = tuple[int, int, bytes]
_STEP: Final = bytes(Label.KEY_TREE)  # looked up once: a member of an Enum takes longer
_WHERE: Final = "key tree"


class KeyTree(KeyObject):
    """The frontier of one chain. It changes in place: work on a ``copy``, and assign that when everything is done."""

    __slots__ = ("_frontier",)

    def __init__(self, frontier: list[_Node]) -> None:
        self._frontier = frontier

    @classmethod
    def from_root(cls, root: Secret) -> KeyTree:
        """The tree of a new chain: its root (32 bytes) covers all 65,536 indices."""
        if len(root.reveal()) != NODE_BYTES:
            raise InvalidArgument(f"the root of a key tree is {NODE_BYTES} bytes")
        return cls([_node(0, DEPTH, root.reveal())])

    @classmethod
    def from_cover(cls, start: int, nodes: Sequence[bytes]) -> KeyTree:
        """The tree over ``start`` and everything above, from the nodes of the canonical cover, lowest first.

        MalformedError unless there is exactly one node of 32 bytes for each place of the cover.
        """
        places = list(canonical_cover(start, INDEX_COUNT))
        if len(nodes) != len(places) or any(len(node) != NODE_BYTES for node in nodes):
            raise MalformedError(_WHERE, f"from index {start} there are {len(places)} nodes of {NODE_BYTES} bytes")
        return cls([_node(first, height, node) for (first, height), node in zip(places, nodes, strict=True)])

    def copy(self) -> KeyTree:
        """A candidate to work on; the original stays as it is until the candidate is assigned."""
        return KeyTree(self._frontier.copy())

    @property
    def node_count(self) -> int:
        """How many nodes are held."""
        return len(self._frontier)

    def covers(self, index: int) -> bool:
        """Whether the key of this index can be derived."""
        place = self._before(index + 1) - 1
        return place >= 0 and index < _end(self._frontier[place])

    def take(self, index: int) -> Secret:
        """KEY-2: the key of this index, which cannot be derived again afterwards. Expired if it cannot be now."""
        return self.spend(index, lambda _, key: key, None)

    def spend(self, index: int, use: Callable[[_Subject, Secret], _Result], subject: _Subject) -> _Result:
        """What ``use(subject, key)`` returns with the key that ``take`` returns. If it raises, the key is still there.

        ``use`` may not touch the tree: what is left of the frontier is worked out before, and written after it.
        """
        frontier = self._frontier
        place = bisect_left(frontier, (index + 1,)) - 1
        if place < 0 or index >= _end(frontier[place]):
            raise Expired("the key of this message was used or dropped")
        start, height, entry = frontier[place]
        node = entry[_PLACE_BYTES:]
        siblings: list[_Node] = []
        below = 0  # how many of them cover lower indices
        while height:
            height -= 1
            left, right = _children(node)
            middle = start + (1 << height)
            if index < middle:
                siblings.insert(below, (middle, height, _entry(middle, height, right)))
                node = left
            else:
                siblings.insert(below, (start, height, _entry(start, height, left)))
                below += 1
                start, node = middle, right
        result = use(subject, Secret(node))
        frontier[place : place + 1] = siblings
        if len(frontier) > MAX_NODES:
            self._drop_lowest()
        return result

    def puncture_from(self, end: int) -> None:
        """Forgets every key from this index on."""
        del self._frontier[self._before(end) :]
        if not self._frontier or _end(self._frontier[-1]) <= end:
            return
        start, height, entry = self._frontier.pop()  # the one node on both sides of the cut
        node = entry[_PLACE_BYTES:]
        while start < end:
            height -= 1
            left, right = _children(node)
            middle = start + (1 << height)
            if end < middle:
                node = left
            else:
                self._frontier.append(_node(start, height, left))
                start, node = middle, right

    def cover(self) -> tuple[int, list[bytes]]:
        """First index and nodes of the canonical cover up to the end: what its owner announces to a newcomer.

        StateError if there are gaps: only an owner, who takes keys in order, has such a frontier.
        """
        start = self._frontier[0][0] if self._frontier else INDEX_COUNT
        if [(first, height) for first, height, _ in self._frontier] != list(canonical_cover(start, INDEX_COUNT)):
            raise StateError("a frontier with gaps cannot be announced")
        return start, [entry[_PLACE_BYTES:] for _, _, entry in self._frontier]

    def prepend(self, lower: KeyTree) -> None:
        """Adds a frontier of indices that were never held, below all that are. InvalidArgument if it overlaps."""
        if lower._frontier and self._frontier and _end(lower._frontier[-1]) > self._frontier[0][0]:
            raise InvalidArgument("the lower frontier reaches into this one")
        self._frontier = lower._frontier + self._frontier
        self._drop_lowest()

    def encode(self) -> bytes:
        """35 bytes a node, ascending: first index (2, big-endian), height (1), node (32). Secret."""
        return b"".join([entry for _, _, entry in self._frontier])

    @classmethod
    def decode(cls, data: bytes) -> KeyTree:
        """The frontier that ``encode`` wrote. MalformedError unless nodes are ascending, aligned and apart."""
        if len(data) % _ENTRY_BYTES or len(data) > MAX_NODES * _ENTRY_BYTES:
            raise MalformedError(_WHERE, f"not a list of at most {MAX_NODES} nodes")
        frontier: list[_Node] = []
        end = 0
        for i in range(0, len(data), _ENTRY_BYTES):
            start, height = int.from_bytes(data[i : i + 2], "big"), data[i + 2]
            if height > DEPTH or start < end or start % (1 << height):
                raise MalformedError(_WHERE, "a node is not at its place")
            end = start + (1 << height)
            frontier.append((start, height, data[i : i + _ENTRY_BYTES]))
        return cls(frontier)

    # --- inside

    def _before(self, index: int) -> int:
        """How many nodes begin below this index."""
        return bisect_left(self._frontier, (index,))

    def _drop_lowest(self) -> None:
        # The lowest gaps are the oldest: their messages are the least likely to come.
        if len(self._frontier) > MAX_NODES:
            del self._frontier[: len(self._frontier) - MAX_NODES]


def _node(start: int, height: int, node: bytes) -> _Node:
    return start, height, _entry(start, height, node)


def _end(node: _Node) -> int:
    """The first index that a node does not cover."""
    return node[0] + (1 << node[1])


def canonical_cover(start: int, end: int) -> Iterator[tuple[int, int]]:
    """KEY-4: the fewest nodes (first index, height) that cover [start, end) and nothing else, ascending."""
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        yield start, height
        start += 1 << height


def _children(node: bytes) -> tuple[bytes, bytes]:  # KEY-1
    both = sha512(_STEP + node)
    return both[:NODE_BYTES], both[NODE_BYTES:]
