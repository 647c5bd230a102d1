"""Merkle trees in the recursive words of RFC 6962 §2.1 (spec MRK-1 … MRK-3), by hand."""

from __future__ import annotations

from tests.vectors.reference import require
from tests.vectors.reference.labels import sha256

_STAGE = "proof"


def leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data)


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right)


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    """MTH of leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = _split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]): the siblings from the leaf upwards."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def root_of_path(leaf_hash: bytes, index: int, size: int, siblings: list[bytes], stage: str = _STAGE) -> bytes:
    """The root to which a path leads; refused unless index, size and length of the path fit each other."""
    require(0 <= index < size and all(len(sibling) == 32 for sibling in siblings), stage)
    if size == 1:
        require(not siblings, stage)
        return leaf_hash
    require(bool(siblings), stage)
    k = _split(size)
    if index < k:
        return node(root_of_path(leaf_hash, index, k, siblings[:-1], stage), siblings[-1])
    return node(siblings[-1], root_of_path(leaf_hash, index - k, size - k, siblings[:-1], stage))


def consistency(old_size: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return _subproof(old_size, leaves, whole=True)


def _subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole=whole), root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], whole=False), root(leaves[:k])]


def check_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: list[bytes]) -> None:
    """Refused unless the proof shows that the new tree begins with the old one."""
    require(0 < old_size <= new_size and all(len(item) == 32 for item in proof), _STAGE)
    roots = _roots(old_size, new_size, proof, old_root, whole=True)
    require(roots == (old_root, new_root), _STAGE)


def _roots(m: int, n: int, proof: list[bytes], known: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    """Old and new root of the subtree, the mirror image of SUBPROOF; the last item of the proof belongs to the top."""
    if m == n:
        require(len(proof) == (0 if whole else 1), _STAGE)
        return (known, known) if whole else (proof[0], proof[0])
    require(bool(proof), _STAGE)
    k, sibling = _split(n), proof[-1]
    if m <= k:
        old, new = _roots(m, k, proof[:-1], known, whole=whole)
        return old, node(new, sibling)
    old, new = _roots(m - k, n - k, proof[:-1], known, whole=False)
    return node(sibling, old), node(sibling, new)
