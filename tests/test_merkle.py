"""MRK-1 … MRK-3 against RFC 6962 §2.1 written down as it stands there."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest

from siegel.errors import InvalidArgument, MalformedError
from siegel.merkle import MerkleTree, check_consistency, leaf_hash, root_from_path

MOST = 70
DATA = [f"leaf {number}".encode() for number in range(MOST)]
LEAVES = [leaf_hash(data) for data in DATA]
TREES = [MerkleTree(LEAVES[:size]) for size in range(MOST + 1)]

# --- the RFC, recursive ----------------------------------------------------------------------------------------------


def split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


@cache
def mth(begin: int, end: int) -> bytes:
    if begin == end:
        return hashlib.sha256().digest()
    if end - begin == 1:
        return hashlib.sha256(b"\x00" + DATA[begin]).digest()
    middle = begin + split(end - begin)
    return hashlib.sha256(b"\x01" + mth(begin, middle) + mth(middle, end)).digest()


def path(index: int, begin: int, end: int) -> list[bytes]:
    if end - begin == 1:
        return []
    middle = begin + split(end - begin)
    if index < middle:
        return [*path(index, begin, middle), mth(middle, end)]
    return [*path(index, middle, end), mth(begin, middle)]


def proof(old: int, size: int) -> list[bytes]:
    return subproof(old, 0, size, whole=True)


def subproof(old: int, begin: int, end: int, *, whole: bool) -> list[bytes]:
    if old == end:
        return [] if whole else [mth(begin, end)]
    middle = begin + split(end - begin)
    if old <= middle:
        return [*subproof(old, begin, middle, whole=whole), mth(middle, end)]
    return [*subproof(old, middle, end, whole=False), mth(begin, middle)]


# --- roots and paths -------------------------------------------------------------------------------------------------


def test_roots() -> None:
    for size, tree in enumerate(TREES):
        assert tree.size == size
        assert tree.root == mth(0, size)


def test_the_empty_tree() -> None:
    assert TREES[0].root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_leaf_is_no_node() -> None:
    assert leaf_hash(b"") == hashlib.sha256(b"\0").digest()
    inner = MerkleTree(LEAVES[:2])
    assert leaf_hash(b"\x01" + LEAVES[0] + LEAVES[1]) != inner.root


def test_inclusion_paths() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            found = TREES[size].inclusion_path(index)
            assert found == path(index, 0, size)
            assert root_from_path(LEAVES[index], index=index, size=size, path=found) == mth(0, size)


def test_a_path_has_one_length() -> None:
    for size in range(1, 34):
        for index in range(size):
            right = path(index, 0, size)
            for wrong, what in ((right[:-1], "too short"), ([*right, bytes(32)], "too long")):
                if len(wrong) == len(right):
                    continue  # the tree of one leaf has no shorter path
                with pytest.raises(MalformedError, match=what) as caught:
                    root_from_path(LEAVES[index], index=index, size=size, path=wrong)
                assert caught.value.where == "inclusion proof"


def test_a_path_is_for_one_place() -> None:
    for size in range(1, 34):
        for index in range(size):
            for other in range(size):
                try:
                    root = root_from_path(LEAVES[index], index=other, size=size, path=path(index, 0, size))
                except MalformedError:
                    continue
                assert (root == mth(0, size)) is (index == other)


def test_another_leaf_or_node_leads_elsewhere() -> None:
    for size in (1, 2, 3, 7, 8, 64, 70):
        for index in range(size):
            right = path(index, 0, size)
            assert root_from_path(bytes(32), index=index, size=size, path=right) != mth(0, size)
            for place in range(len(right)):
                wrong = [*right[:place], bytes(32), *right[place + 1 :]]
                assert root_from_path(LEAVES[index], index=index, size=size, path=wrong) != mth(0, size)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (7, 7), (-1, 7), (2**64 - 1, 7)])
def test_an_index_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(MalformedError, match="outside the tree"):
        root_from_path(LEAVES[0], index=index, size=size, path=[])
    with pytest.raises(InvalidArgument, match="outside the tree"):
        TREES[size].inclusion_path(index)


@pytest.mark.parametrize("node", [b"", bytes(31), bytes(33)], ids=len)
def test_a_node_has_32_bytes(node: bytes) -> None:
    with pytest.raises(MalformedError, match="32 bytes"):
        root_from_path(LEAVES[0], index=0, size=2, path=[node])
    with pytest.raises(MalformedError, match="32 bytes"):
        check_consistency(old_size=1, old_root=mth(0, 1), new_size=2, new_root=mth(0, 2), proof=[node])


# --- consistency -----------------------------------------------------------------------------------------------------


def consistent(old: int, size: int, found: list[bytes], *, old_root: bytes = b"", new_root: bytes = b"") -> None:
    check_consistency(
        old_size=old,
        old_root=old_root or mth(0, old),
        new_size=size,
        new_root=new_root or mth(0, size),
        proof=found,
    )


def test_consistency_proofs() -> None:
    for size in range(1, MOST + 1):
        for old in range(1, size + 1):
            found = TREES[size].consistency_proof(old)
            assert found == proof(old, size)
            consistent(old, size, found)


def test_a_proof_has_one_length() -> None:
    for size in range(1, 34):
        for old in range(1, size + 1):
            right = proof(old, size)
            with pytest.raises(MalformedError, match="too long"):
                consistent(old, size, [*right, bytes(32)])
            if right:
                with pytest.raises(MalformedError, match="too short"):
                    consistent(old, size, right[:-1])


def test_another_history_is_not_consistent() -> None:
    for size in range(1, 34):
        for old in range(1, size + 1):
            right = proof(old, size)
            for wrong in ({"old_root": bytes(32)}, {"new_root": bytes(32)}):
                with pytest.raises(MalformedError, match="not consistent"):
                    consistent(old, size, right, **wrong)
            for place in range(len(right)):
                with pytest.raises(MalformedError, match="not consistent"):
                    consistent(old, size, [*right[:place], bytes(32), *right[place + 1 :]])


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 5), (6, 5), (-1, 5)])
def test_sizes_that_have_no_proof(old: int, size: int) -> None:
    with pytest.raises(MalformedError, match="empty or larger"):
        check_consistency(old_size=old, old_root=bytes(32), new_size=size, new_root=bytes(32), proof=[])
    with pytest.raises(InvalidArgument, match="outside the tree"):
        TREES[size].consistency_proof(old)
