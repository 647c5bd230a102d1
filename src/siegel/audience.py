"""Knows who a message is for: salted leaves, their order, the signed root (spec: sealed.md, SEAL-2, SEAL-3). Pure.

Laws: an audience is a set of distinct user ids; one root fits one set; the order of the leaves is the order of their
hashes and tells nothing about ids, so a letter's proof does not betray its neighbours in private mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from siegel._core.codec import encode
from siegel._core.labels import Label, labelled
from siegel._core.suite import SIGNING_KEY_BYTES, hmac_sha256
from siegel.errors import MalformedError
from siegel.merkle import MerkleTree, leaf_hash

NONCE_BYTES: Final = 32
SALT_BYTES: Final = 16

# What ``labelled`` writes around a salt and an id: constant, for both have one length, and needed for every recipient.
_ID: Final = SIGNING_KEY_BYTES
_BEFORE_SALTED_ID: Final = labelled(Label.AUDIENCE_SALT, bytes(_ID))[:-_ID]
_BEFORE_ID: Final = encode(bytes(_ID))[:-_ID]
_AFTER_HEAD: Final = SALT_BYTES + len(_BEFORE_ID) + _ID
_BEFORE_SALT: Final = labelled(Label.AUDIENCE_LEAF, bytes(SALT_BYTES), bytes(_ID))[:-_AFTER_HEAD]


def salt_of(nonce: bytes, user_id: bytes) -> bytes:
    """The 16-byte salt of one member's leaf; without the nonce nobody can test whether an id is in the audience."""
    return hmac_sha256(nonce, _BEFORE_SALTED_ID + user_id)[:SALT_BYTES]


def leaf_of(salt: bytes, user_id: bytes) -> bytes:
    """The leaf hash of one member."""
    return leaf_hash(_BEFORE_SALT + salt + _BEFORE_ID + user_id)


def audience_leaves(nonce: bytes, user_ids: Iterable[bytes]) -> list[bytes]:
    """The leaf hash of each id, in the given order: ``leaf_of`` and ``salt_of``, for thousands."""
    leaves = list[bytes]()
    for user_id in user_ids:
        salt = hmac_sha256(nonce, _BEFORE_SALTED_ID + user_id)[:SALT_BYTES]
        leaves.append(leaf_hash(_BEFORE_SALT + salt + _BEFORE_ID + user_id))
    return leaves


def audience_tree(nonce: bytes, user_ids: Sequence[bytes], *, where: str) -> MerkleTree:
    """The tree over these ids. MalformedError unless they stand in the order of their leaves, each once."""
    leaves = audience_leaves(nonce, user_ids)
    if any(left >= right for left, right in pairwise(leaves)):
        raise MalformedError(where, "the recipients are not in the order of their leaves, or one stands twice")
    return MerkleTree(leaves)
