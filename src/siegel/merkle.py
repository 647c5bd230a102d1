"""Knows Merkle trees: roots, inclusion paths, consistency proofs (RFC 6962 §2.1; spec MRK-1 … MRK-3). Pure.

Leaves enter as leaf hashes. Law: a proof is accepted for one length only, so no proof has two readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from siegel._core.suite import HASH_BYTES, sha256
from siegel.errors import InvalidArgument, MalformedError


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data) (MRK-1): a leaf can never be taken for an inner node."""
    return sha256(b"\x00" + data)


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


class MerkleTree:
    """The tree over a sequence of leaf hashes (32 bytes each); all levels are kept, so each path costs O(log n)."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        level = list(leaves)
        self._levels = [level]
        while len(level) > 1:
            above = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            if len(level) % 2:
                above.append(level[-1])  # RFC 6962: the odd one out moves up unchanged
            self._levels.append(above)
            level = above

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The tree's head; SHA-256 of nothing for the empty tree."""
        return self._levels[-1][0] if self._levels[-1] else sha256(b"")

    def inclusion_path(self, index: int) -> list[bytes]:
        """The siblings from leaf to root (RFC 6962 §2.1.1)."""
        if not 0 <= index < self.size:
            raise InvalidArgument("the index is outside the tree")
        path: list[bytes] = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling])
            index >>= 1
        return path

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """The nodes that show that the first ``old_size`` leaves are a prefix of this tree (RFC 6962 §2.1.2)."""
        if not 0 < old_size <= self.size:
            raise InvalidArgument("the older size is outside the tree")
        if old_size == self.size:
            return []
        height = (old_size & -old_size).bit_length() - 1  # levels whose node on the old right edge is complete
        index, proof = (old_size - 1) >> height, list[bytes]()
        if index:
            proof.append(self._levels[height][index])
        for level in self._levels[height:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                proof.append(level[sibling])
            index >>= 1
        return proof


def root_from_path(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that the path leads to (MRK-2). MalformedError for a path of another length than index and size need."""
    if not 0 <= index < size:
        raise MalformedError("inclusion proof", "the index is outside the tree")
    node, *siblings = _hashes([leaf, *path], "inclusion proof")
    last, rest = size - 1, iter(siblings)
    while last:
        if index & 1:
            node = _node(_next(rest, "inclusion proof"), node)
        elif index < last:
            node = _node(node, _next(rest, "inclusion proof"))
        index, last = index >> 1, last >> 1
    _exhausted(rest, "inclusion proof")
    return node


def check_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """MalformedError unless the proof shows that the new tree extends the old one (RFC 9162 §2.1.4.2; MRK-3)."""
    where = "consistency proof"
    if not 0 < old_size <= new_size:
        raise MalformedError(where, "the older tree is empty or larger than the newer one")
    rest = iter(_hashes(proof, where))
    if old_size < new_size:
        old_node, new_node = _grown_roots(old_size, old_root, new_size, rest)
    else:
        old_node = new_node = old_root
    _exhausted(rest, where)
    if old_node != old_root or new_node != new_root:
        raise MalformedError(where, "the trees are not consistent")


def _grown_roots(old_size: int, old_root: bytes, new_size: int, rest: Iterator[bytes]) -> tuple[bytes, bytes]:
    """Both roots as the proof implies them, climbing from the last complete subtree of the older tree."""
    where = "consistency proof"
    index, last = old_size - 1, new_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old_node = new_node = _next(rest, where) if index else old_root
    while last:
        if index & 1:
            sibling = _next(rest, where)
            old_node, new_node = _node(sibling, old_node), _node(sibling, new_node)
        elif index < last:
            new_node = _node(new_node, _next(rest, where))
        index, last = index >> 1, last >> 1
    return old_node, new_node


def _hashes(path: Sequence[bytes], where: str) -> Sequence[bytes]:
    if any(len(node) != HASH_BYTES for node in path):
        raise MalformedError(where, f"a node has not {HASH_BYTES} bytes")
    return path


def _next(rest: Iterator[bytes], where: str) -> bytes:
    node = next(rest, None)
    if node is None:
        raise MalformedError(where, "too short")
    return node


def _exhausted(rest: Iterator[bytes], where: str) -> None:
    if next(rest, None) is not None:
        raise MalformedError(where, "too long")
