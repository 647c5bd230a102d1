"""The key tree of a chain, by hand (spec KEY-1 … KEY-4). A frontier is a dictionary: place → node."""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

from tests.vectors.reference import Refused, require
from tests.vectors.reference.labels import label

DEPTH: Final = 16
COUNT: Final = 65_536
MAX_NODES: Final = 4_096

Place: TypeAlias = tuple[int, int]  # first index, height
Frontier: TypeAlias = dict[Place, bytes]


STEP: Final = label("key tree") + b"\0"


def children(node: bytes, step: bytes = STEP) -> tuple[bytes, bytes]:
    """Left and right child (KEY-1)."""
    both = hashlib.sha512(step + node).digest()
    return both[:32], both[32:]


def node_at(root: bytes, place: Place, step: bytes = STEP) -> bytes:
    """The node at a place: from the root down by the bits of its first index."""
    first, height = place
    node = root
    for bit in range(DEPTH - 1, height - 1, -1):
        node = children(node, step)[first >> bit & 1]
    return node


def leaf(root: bytes, index: int) -> bytes:
    """The key of a message."""
    return node_at(root, (index, 0))


def cover_places(start: int) -> list[Place]:
    """The canonical cover of [start, 65536) (KEY-4)."""
    places: list[Place] = []
    while start < COUNT:
        height = DEPTH if start == 0 else (start & -start).bit_length() - 1
        places.append((start, height))
        start += 1 << height
    return places


def cover(root: bytes, start: int) -> list[bytes]:
    """The nodes of the canonical cover."""
    return [node_at(root, place) for place in cover_places(start)]


def from_cover(start: int, nodes: list[bytes]) -> Frontier:
    """The frontier that begins with a cover. Refused at cover."""
    places = cover_places(start)
    require(len(nodes) == len(places), "cover")
    return dict(zip(places, nodes, strict=True))


def end_of(place: Place) -> int:
    """The first index that a node does not cover."""
    return place[0] + (1 << place[1])


def holder(frontier: Frontier, index: int) -> Place | None:
    """The place of the node that covers the index."""
    return next((place for place in frontier if place[0] <= index < end_of(place)), None)


def key_of(frontier: Frontier, index: int) -> bytes:
    """The leaf of the index; nothing is taken. Refused at key."""
    place = holder(frontier, index)
    if place is None:
        raise Refused("key", "expired")
    node = frontier[place]
    for bit in range(place[1] - 1, -1, -1):
        node = children(node)[index >> bit & 1]
    return node


def without(frontier: Frontier, index: int) -> Frontier:
    """The frontier after the index was taken (KEY-2, KEY-3)."""
    place = holder(frontier, index)
    assert place is not None
    left = dict(frontier)
    node = left.pop(place)
    first, height = place
    while height:
        height -= 1
        halves = dict(zip((first, first + (1 << height)), children(node), strict=True))
        first = max(half for half in halves if half <= index)
        node = halves.pop(first)
        left.update({(sibling, height): other for sibling, other in halves.items()})
    return capped(left)


def below(frontier: Frontier, end: int) -> Frontier:
    """What the frontier covers below an index: all from there on is deleted."""
    while True:
        crossing = [place for place in frontier if place[0] < end < end_of(place)]
        if not crossing:
            return {place: node for place, node in frontier.items() if place[0] < end}
        ((first, height),) = crossing
        halves = (first, height - 1), (first + (1 << height - 1), height - 1)
        node = frontier[first, height]
        rest = {place: other for place, other in frontier.items() if place != (first, height)}
        frontier = rest | dict(zip(halves, children(node), strict=True))


def capped(frontier: Frontier) -> Frontier:
    """At most 4,096 nodes, the highest ones (KEY-3)."""
    return frontier if len(frontier) <= MAX_NODES else dict(sorted(frontier.items())[-MAX_NODES:])


def write(frontier: Frontier) -> bytes:
    """The frontier at rest (KEY-2)."""
    return b"".join(entry(place, node) for place, node in sorted(frontier.items()))


def entry(place: Place, node: bytes) -> bytes:
    """One node of it."""
    return place[0].to_bytes(2, "big") + bytes([place[1]]) + node


def read(data: bytes) -> Frontier:
    """The frontier at rest. Refused at frontier."""
    require(len(data) % 35 == 0 and len(data) // 35 <= MAX_NODES, "frontier")
    frontier: Frontier = {}
    end = 0
    for at in range(0, len(data), 35):
        place = int.from_bytes(data[at : at + 2], "big"), data[at + 2]
        require(place[1] <= DEPTH and place[0] % (1 << place[1]) == 0 and place[0] >= end, "frontier")
        frontier[place] = data[at + 3 : at + 35]
        end = end_of(place)
    return frontier


def held(frontier: Frontier) -> list[list[int]]:
    """The indices whose keys are held, as runs: first and last."""
    runs: list[list[int]] = []
    for place in sorted(frontier):
        if runs and runs[-1][1] == place[0] - 1:
            runs[-1][1] = end_of(place) - 1
        else:
            runs.append([place[0], end_of(place) - 1])
    return runs
