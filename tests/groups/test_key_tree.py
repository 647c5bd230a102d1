"""KEY-1 … KEY-4, the key tree: forward secrecy by exhaustive search, one frontier per set, canonical encoding."""

from __future__ import annotations

import itertools
import random
from hashlib import sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.secret import Secret
from siegel.errors import Expired, InvalidArgument, MalformedError, StateError
from siegel.groups import key_tree
from siegel.groups.key_tree import DEPTH, INDEX_COUNT, MAX_NODES, NODE_BYTES, KeyTree, canonical_cover

ROOT = bytes(range(32))
INDICES = st.integers(0, INDEX_COUNT - 1)


def fresh() -> KeyTree:
    return KeyTree.from_root(Secret(ROOT))


def leaf(index: int, depth: int = DEPTH) -> bytes:
    """The definition: 16 steps from the root, a bit of the index each, the highest first."""
    node = ROOT
    for bit in reversed(range(depth)):
        both = sha512(b"siegel/1 key tree\0" + node).digest()
        node = both[32:] if index >> bit & 1 else both[:32]
    return node


def derivable(tree: KeyTree) -> set[bytes]:
    """Everything that follows from a frontier, by trying every derivation down to the leaves."""
    found: set[bytes] = set()
    for _, height, entry in tree._frontier:
        level = {entry[3:]}
        for _ in range(height + 1):
            found |= level
            level = {sha512(b"siegel/1 key tree\0" + n).digest()[half : half + 32] for n in level for half in (0, 32)}
    return found


# --- what an index is worth ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 2, 3, 255, 256, 32_767, 32_768, 65_534, 65_535])
def test_keys_follow_the_definition(index: int) -> None:
    assert fresh().take(index).reveal() == leaf(index)


def test_in_order_use_keeps_the_frontier_canonical() -> None:
    tree = fresh()
    for index in range(300):
        assert tree.take(index).reveal() == leaf(index)
        assert tree.cover()[0] == index + 1
        assert tree.node_count <= DEPTH


def test_a_skip_adds_at_most_sixteen_nodes() -> None:
    tree = fresh()
    tree.take(0)
    before = tree.node_count
    tree.take(60_000)
    assert tree.node_count - before <= DEPTH


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_forward_secrecy_exhaustively(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the frontier after taking an index, and from any later one, no derivation yields its key."""
    monkeypatch.setattr(key_tree, "DEPTH", depth)
    for order in itertools.permutations(range(1 << depth), min(1 << depth, 5)):
        tree, taken = fresh(), set[bytes]()
        for index in order:
            taken.add(tree.take(index).reveal())
            assert not taken & derivable(tree)
        unused = {leaf(index, depth) for index in range(1 << depth) if index not in order}
        assert unused <= derivable(tree)


@given(st.lists(INDICES, unique=True, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_taking_leaves_no_trace(indices: list[int], chance: random.Random) -> None:
    one, other = fresh(), fresh()
    keys = {index: one.take(index).reveal() for index in indices}
    chance.shuffle(indices)
    assert {index: other.take(index).reveal() for index in indices} == keys
    assert one.encode() == other.encode()
    for index in indices:
        assert not one.covers(index)
        with pytest.raises(Expired):
            one.take(index)


def test_a_key_that_did_not_serve_is_still_there() -> None:
    tree = fresh()
    tree.take(3)
    before = tree.encode()

    def fail(subject: str, key: Secret) -> None:
        assert (subject, key.reveal()) == ("subject", leaf(60_000))
        raise MalformedError("test", subject)

    with pytest.raises(MalformedError):
        tree.spend(60_000, fail, "subject")
    assert tree.encode() == before
    assert tree.spend(60_000, lambda subject, key: (subject, key.reveal()), 7) == (7, leaf(60_000))
    assert not tree.covers(60_000)
    with pytest.raises(Expired):
        tree.spend(60_000, fail, "subject")


def test_a_copy_is_apart() -> None:
    tree = fresh()
    candidate = tree.copy()
    candidate.take(5)
    assert tree.encode() == fresh().encode()


# --- limits ----------------------------------------------------------------------------------------------------------


def test_the_lowest_gaps_are_dropped_first() -> None:
    """KEY-3."""
    tree, last = fresh(), 2 * MAX_NODES + 101
    for index in range(1, last + 1, 2):
        tree.take(index)
        assert tree.node_count <= MAX_NODES
    assert not tree.covers(0)
    assert tree.covers(last - 1)


@given(INDICES, st.lists(INDICES, unique=True, max_size=10))
def test_puncture_from(end: int, taken: list[int]) -> None:
    tree = fresh()
    for index in taken:
        tree.take(index)
    tree.puncture_from(end)
    for index in {0, end - 1, end // 2, end, end + 1, INDEX_COUNT - 1} & set(range(INDEX_COUNT)):
        assert tree.covers(index) == (index < end and index not in taken)
    if end and end - 1 not in taken:
        assert tree.take(end - 1).reveal() == leaf(end - 1)


# --- what is handed on -----------------------------------------------------------------------------------------------


def node_at(first: int, height: int) -> bytes:
    node = ROOT
    for bit in reversed(range(height, DEPTH)):
        both = sha512(b"siegel/1 key tree\0" + node).digest()
        node = both[32:] if first >> bit & 1 else both[:32]
    return node


def cover_from(start: int) -> list[bytes]:
    return [node_at(*place) for place in canonical_cover(start, INDEX_COUNT)]


@given(INDICES)
def test_a_newcomer_gets_everything_from_here_and_nothing_before(start: int) -> None:
    tree = KeyTree.from_cover(start, cover_from(start))
    assert not any(tree.covers(index) for index in (0, start // 2, start - 1) if 0 <= index < start)
    assert tree.take(INDEX_COUNT - 1).reveal() == leaf(INDEX_COUNT - 1)
    if start < INDEX_COUNT - 1:
        assert tree.take(start).reveal() == leaf(start)


def test_the_owner_announces_its_frontier() -> None:
    owner = fresh()
    for index in range(37):
        owner.take(index)
    assert owner.cover() == (37, cover_from(37))
    owner.take(40)
    with pytest.raises(StateError):
        owner.cover()


def test_a_chain_at_its_end_has_an_empty_cover() -> None:
    tree = KeyTree.from_cover(INDEX_COUNT - 1, cover_from(INDEX_COUNT - 1))
    tree.take(INDEX_COUNT - 1)
    assert tree.cover() == (INDEX_COUNT, [])


@given(INDICES, INDICES)
def test_an_earlier_announcement_adds_what_was_never_held(first: int, second: int) -> None:
    low, high = sorted((first, second))
    tree = KeyTree.from_cover(high, cover_from(high))
    lower = KeyTree.from_cover(low, cover_from(low))
    lower.puncture_from(high)
    tree.prepend(lower)
    for index in {low, high - 1, high} & set(range(low, INDEX_COUNT)):
        assert tree.take(index).reveal() == leaf(index)


def test_an_earlier_announcement_may_not_reach_into_the_tree() -> None:
    tree = KeyTree.from_cover(8, cover_from(8))
    with pytest.raises(InvalidArgument):
        tree.prepend(KeyTree.from_cover(4, cover_from(4)))


@pytest.mark.parametrize("change", [-1, 1])
def test_a_cover_has_exactly_its_nodes(change: int) -> None:
    nodes = cover_from(5)
    wrong = nodes[:change] if change < 0 else [*nodes, bytes(NODE_BYTES)]
    with pytest.raises(MalformedError, match="key tree"):
        KeyTree.from_cover(5, wrong)
    with pytest.raises(MalformedError, match="key tree"):
        KeyTree.from_cover(5, [*nodes[:-1], nodes[-1][:-1]])


@given(st.integers(0, INDEX_COUNT), st.integers(0, INDEX_COUNT))
def test_a_canonical_cover_is_exact(start: int, end: int) -> None:
    place = start
    for first, height in canonical_cover(start, end):
        assert first == place
        assert first % (1 << height) == 0
        place += 1 << height
    assert place == max(start, end)


# --- at rest ---------------------------------------------------------------------------------------------------------


@given(st.lists(INDICES, max_size=20))
def test_there_and_back(indices: list[int]) -> None:
    tree = fresh()
    for index in dict.fromkeys(indices):
        tree.take(index)
    assert KeyTree.decode(tree.encode()).encode() == tree.encode()


def entry(start: int, height: int) -> bytes:
    return start.to_bytes(2, "big") + bytes([height]) + bytes(NODE_BYTES)


@pytest.mark.parametrize(
    "data",
    [
        entry(0, 0)[:-1],  # cut
        entry(0, 17),  # above the root
        entry(1, 1),  # not aligned
        entry(65_535, 1),  # beyond the end
        entry(1, 0) + entry(0, 0),  # descending
        entry(0, 1) + entry(1, 0),  # overlapping
        entry(0, 0) + entry(0, 0),  # twice
        b"".join(entry(2 * i, 0) for i in range(MAX_NODES + 1)),  # too many
    ],
)
def test_what_is_no_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="key tree"):
        KeyTree.decode(data)


def test_a_root_has_32_bytes() -> None:
    with pytest.raises(InvalidArgument):
        KeyTree.from_root(Secret(bytes(31)))


def test_a_tree_is_dull() -> None:
    assert repr(fresh()) == "<KeyTree>"
