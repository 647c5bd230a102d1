"""SEAL-2, SEAL-3: who a message is for."""

from __future__ import annotations

import hashlib
import hmac
import random

import pytest

from siegel.audience import audience_leaves, audience_tree, leaf_of, salt_of
from siegel.errors import MalformedError
from siegel.merkle import MerkleTree
from tests.people import company, secret_of

NONCE = secret_of("nonce")
IDS = [member.user_id.data for member in company(9)]
ORDERED = sorted(IDS, key=lambda user_id: leaf_of(salt_of(NONCE, user_id), user_id))


def test_a_salt() -> None:
    labelled = b"siegel/1 audience salt\0\x81\x58\x20" + IDS[0]
    assert salt_of(NONCE, IDS[0]) == hmac.digest(NONCE, labelled, "sha256")[:16]


def test_a_leaf() -> None:
    salt = salt_of(NONCE, IDS[0])
    labelled = b"siegel/1 audience leaf\0\x82\x50" + salt + b"\x58\x20" + IDS[0]
    assert leaf_of(salt, IDS[0]) == hashlib.sha256(b"\0" + labelled).digest()
    assert audience_leaves(NONCE, IDS) == [leaf_of(salt_of(NONCE, user_id), user_id) for user_id in IDS]


def test_the_tree_stands_in_the_order_of_the_leaves() -> None:
    assert audience_tree(NONCE, ORDERED, where="there").root == MerkleTree(sorted(audience_leaves(NONCE, IDS))).root
    assert sorted(IDS) != ORDERED, "an order by id would betray neighbours"


def test_no_other_order() -> None:
    shuffled = random.Random(3)
    for _ in range(50):
        order = shuffled.sample(ORDERED, len(ORDERED))
        if order != ORDERED:
            with pytest.raises(MalformedError, match="order of their leaves") as caught:
                audience_tree(NONCE, order, where="there")
            assert caught.value.where == "there"


def test_nobody_stands_twice() -> None:
    for place, user_id in enumerate(ORDERED):
        with pytest.raises(MalformedError, match="stands twice"):
            audience_tree(NONCE, [*ORDERED[:place], user_id, *ORDERED[place:]], where="there")


def test_another_nonce_is_another_audience() -> None:
    other = secret_of("another nonce")
    leaves = set(audience_leaves(NONCE, IDS)) & set(audience_leaves(other, IDS))
    assert not leaves


def test_another_member_is_another_root() -> None:
    roots = {audience_tree(NONCE, [i for i in ORDERED if i != out], where="there").root for out in ORDERED}
    assert len(roots) == len(ORDERED)
