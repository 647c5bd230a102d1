"""Category ``key-tree``: which key an index has, and what is kept after it was taken (KEY-1 … KEY-4)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, mutation, stream
from tests.vectors.generator.chain_parts import ROOT
from tests.vectors.reference import key_tree
from tests.vectors.reference.key_tree import DEPTH, entry, node_at

EDGES = (0, 1, 2, 3, 127, 128, 129, 32_767, 32_768, 32_769, 65_534, 65_535)


def category() -> Category:
    """The vectors of this file."""
    book = Category("key-tree")
    group = book.group("leaf", 13001)
    for index in (*EDGES, 0x5555):
        given = {"root": ROOT, "index": index}
        group.valid(f"the key of index {index}", spec="KEY-1", flags="KeyTree", input=given)
    group.valid("a root of zeros", spec="KEY-1", flags="KeyTree", input={"root": bytes(32), "index": 1})
    _covers(book.group("cover", 13101))
    _taking(book.group("take-keys", 13201))
    _at_rest(book.group("frontier", 13401))
    return book


# --- covers -----------------------------------------------------------------------------------------------------------


def _covers(group: Group) -> None:
    for start in (0, 1, 3, 4, 10_000, 21_845, 32_767, 32_768, 49_152, 65_534, 65_535):
        nodes = key_tree.cover(ROOT, start)
        comment = f"from index {start} on, nodes: {len(nodes)}"
        group.valid(comment, spec="KEY-4", flags="Boundary", input={"start": start, "nodes": nodes})
    base = group.first + 4
    nodes, start = key_tree.cover(ROOT, 10_000), 10_000
    left, right = (node_at(ROOT, (first, DEPTH - 1)) for first in (0, 32_768))
    cases: dict[str, dict[str, Any]] = {
        "the first node is missing": {"start": start, "nodes": nodes[1:]},
        "the last node is missing": {"start": start, "nodes": nodes[:-1]},
        "a node in the middle is missing": {"start": start, "nodes": [*nodes[:4], *nodes[5:]]},
        "a node more at the end": {"start": start, "nodes": [*nodes, right]},
        "a node more at the beginning": {"start": start, "nodes": [node_at(ROOT, (start - 1, 0)), *nodes]},
        "the last node twice": {"start": start, "nodes": [*nodes, nodes[-1]]},
        "no node at all": {"start": start, "nodes": []},
        "the root alone": {"start": start, "nodes": [ROOT]},
        "the cover of the next index": {"start": start, "nodes": key_tree.cover(ROOT, start + 1)},
        "the cover of the index before": {"start": start, "nodes": key_tree.cover(ROOT, start - 1)},
        "from 0, the two children of the root": {"start": 0, "nodes": [left, right]},
        "from 0, no node at all": {"start": 0, "nodes": []},
        "from the last index, two nodes": {"start": 65_535, "nodes": [node_at(ROOT, (65_535, 0)), right]},
        "the last node as its two children": {
            "start": start,
            "nodes": [*nodes[:-1], *(node_at(ROOT, (first, DEPTH - 2)) for first in (32_768, 49_152))],
        },
    }
    for comment, given in cases.items():
        group.invalid(
            comment,
            spec="KEY-4",
            flags="Frontier",
            code="malformed",
            stage="cover",
            base=base,
            mutation=mutation("nodes", comment),
            input=given,
        )


# --- taking keys ------------------------------------------------------------------------------------------------------

EVERY_SECOND = {"first": 0, "last": 8_198, "step": 2}  # 4,100 keys, which leave more gaps than a frontier may have


def _taking(group: Group) -> None:
    hole = key_tree.write({place: node_at(ROOT, place) for place in ((0, 2), (6, 1), (65_535, 0))})
    for comment, given in {
        "the first five in order": {"root": ROOT, "take": [0, 1, 2, 3, 4]},
        "the first five, the last first": {"root": ROOT, "take": [4, 3, 2, 1, 0]},
        "the first five in another order leave the same frontier": {"root": ROOT, "take": [2, 0, 4, 1, 3]},
        "a far skip, and back": {"root": ROOT, "take": [60_000, 0]},
        "the last index": {"root": ROOT, "take": [65_535]},
        "both sides of the middle": {"root": ROOT, "take": [32_768, 32_767]},
        "a frontier with a hole": {"frontier": hole, "take": [7, 0, 65_535, 6]},
        "a thousand in order": {"root": ROOT, "take": [{"first": 0, "last": 999, "step": 1}]},
    }.items():
        group.valid(comment, spec="KEY-1 KEY-2", flags="KeyTree", input=given)
    comment = "every second index: of more than 4,096 nodes the lowest go, and the next gap stays"
    given = {"root": ROOT, "take": [EVERY_SECOND, 33]}
    group.valid(comment, spec="KEY-2 KEY-3", flags="KeyTree Limit", input=given)
    used: dict[str, tuple[str, dict[str, Any]]] = {
        "an index that was used": ("KEY-2", {"root": ROOT, "take": [0, 0]}),
        "an index that was used, after the next one": ("KEY-2", {"root": ROOT, "take": [0, 1, 0]}),
        "the last index, used": ("KEY-2", {"root": ROOT, "take": [65_535, 65_535]}),
        "an index that was used before a far skip": ("KEY-2", {"root": ROOT, "take": [5, 60_000, 5]}),
        "an index that was used after a far skip": ("KEY-2", {"root": ROOT, "take": [60_000, 5, 60_000]}),
        "an index in the hole of a frontier": ("KEY-2", {"frontier": hole, "take": [4]}),
        "an index in the hole of a frontier, at its upper end": ("KEY-2", {"frontier": hole, "take": [5]}),
        "an index behind the highest node but one": ("KEY-2", {"frontier": hole, "take": [8]}),
        "a leaf at rest that was taken": ("KEY-2", {"frontier": hole, "take": [65_535, 65_535]}),
        "an index below a frontier": ("KEY-2", {"frontier": hole[35:], "take": [3]}),
        "an empty frontier, first index": ("KEY-2", {"frontier": b"", "take": [0]}),
        "an empty frontier, last index": ("KEY-2", {"frontier": b"", "take": [65_535]}),
        "the highest gap that was dropped": ("KEY-2 KEY-3", {"root": ROOT, "take": [EVERY_SECOND, 31]}),
    }
    for comment, (spec, given) in used.items():
        group.invalid(comment, spec=spec, flags="UsedKey", code="expired", stage="key", input=given)


# --- at rest ----------------------------------------------------------------------------------------------------------


def _at_rest(group: Group) -> None:
    node, other = stream("a node", 32), stream("another node", 32)
    frontiers = {
        "nothing left": b"",
        "the root": entry((0, 16), ROOT),
        "one leaf, the last": entry((65_535, 0), node),
        "two nodes side by side": entry((0, 3), node) + entry((8, 3), other),
        "a hole between two nodes": entry((4, 2), node) + entry((32_768, 15), other),
    }
    for comment, data in frontiers.items():
        group.valid(comment, spec="KEY-2", flags="Frontier", input={"frontier": data})
    base = group.first + 3
    most = {"step": 2, "count": 4_096, "node": node}
    group.valid("as many nodes as there may be", spec="KEY-2 KEY-3", flags="Boundary", input={"leaves": most})
    faults = {
        "one byte is missing": frontiers["two nodes side by side"][:-1],
        "one byte more": frontiers["two nodes side by side"] + b"\0",
        "a node alone, without place": node,
        "height 17": entry((0, 17), node),
        "height 255": entry((0, 255), node),
        "height 1 at an odd index": entry((1, 1), node),
        "height 16 at an index above 0": entry((32_768, 16), node),
        "height 4 at index 8": entry((8, 4), node),
        "height 1 at the last index, beyond the end": entry((65_535, 1), node),
        "the same node twice": entry((8, 3), node) * 2,
        "the same place with two nodes": entry((8, 3), node) + entry((8, 3), other),
        "two nodes in descending order": entry((8, 3), other) + entry((0, 3), node),
        "a node and its left child": entry((8, 3), node) + entry((8, 2), other),
        "a node and its right child": entry((8, 3), node) + entry((12, 2), other),
        "a child and its parent": entry((8, 2), node) + entry((8, 3), other),
        "the root and a leaf": entry((0, 16), ROOT) + entry((65_535, 0), node),
        "height before the first index": bytes([4]) + (16).to_bytes(2, "big") + node,
        "a first index in little-endian order": (4_096).to_bytes(2, "little") + bytes([12]) + node,
    }
    for comment, data in faults.items():
        group.invalid(
            comment,
            spec="KEY-2",
            flags="Frontier",
            code="malformed",
            stage="frontier",
            base=base,
            mutation=mutation("frontier", comment),
            input={"frontier": data},
        )
    group.invalid(
        "one node more than there may be",
        spec="KEY-3",
        flags="Frontier Limit",
        code="malformed",
        stage="frontier",
        input={"leaves": most | {"count": 4_097}},
    )
