"""ID-18: a hand-over is signed by the old and the new identity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from siegel import Succession
from siegel._core.instants import LATEST
from siegel.errors import InvalidArgument, InvalidMessage, MalformedError, SiegelError, UnsupportedVersion
from tests._core.test_suite import NOT_CANONICAL, SMALL_ORDER, WITH_TORSION
from tests.people import AT, person, secret_of
from tests.vectors.reference import cbor
from tests.vectors.reference import identity as by_hand

OLD, NEW, OTHER = (person(name) for name in ("alice", "alice, again", "mallory"))
RECORD = Succession.create(old=OLD, new=NEW, at=AT)
FIELDS = by_hand.succession(secret_of("alice"), secret_of("alice, again"), AT)


def signed(record: by_hand.Succession) -> bytes:
    """The record with both true signatures over whatever it says."""
    part = record.signed_part()
    both = (by_hand.sign_with(secret_of(name), part) for name in ("alice", "alice, again"))
    return by_hand.Succession(record.old, record.new, record.at, *both).encode()


def test_layout() -> None:
    assert RECORD.encode() == FIELDS.encode()
    assert (RECORD.old, RECORD.new, RECORD.at) == (OLD.user_id, NEW.user_id, AT)


def test_there_and_back() -> None:
    decoded = Succession.decode(RECORD.encode())
    assert (decoded.old, decoded.new, decoded.at) == (RECORD.old, RECORD.new, RECORD.at)
    assert decoded.encode() == RECORD.encode()
    assert Succession.create(old=OLD, new=NEW, at=0).at == 0
    assert Succession.create(old=OLD, new=NEW, at=LATEST).at == LATEST
    assert Succession.create(old=OLD, new=NEW).at > AT


def test_the_repr_is_short() -> None:
    assert str(OLD.user_id) in repr(RECORD)
    assert "_encoded" not in repr(RECORD)


def test_nobody_succeeds_themselves() -> None:
    with pytest.raises(InvalidArgument, match="itself"):
        Succession.create(old=OLD, new=OLD, at=AT)
    itself = by_hand.succession(secret_of("alice"), secret_of("alice"), AT).encode()
    with pytest.raises(MalformedError, match="itself"):
        Succession.decode(itself)


@pytest.mark.parametrize("at", [-1, LATEST + 1, 1.0])
def test_an_instant_is_needed(at: int) -> None:
    with pytest.raises(InvalidArgument):
        Succession.create(old=OLD, new=NEW, at=at)


@pytest.mark.parametrize("missing", ["old_signature", "new_signature"])
def test_both_must_sign(missing: str) -> None:
    part = FIELDS.signed_part()
    for signature in (bytes(64), by_hand.sign_with(secret_of("mallory"), part)):
        changed: dict[str, Any] = {missing: signature}
        with pytest.raises(InvalidMessage):
            Succession.decode(replace(FIELDS, **changed).encode())


def test_the_signatures_have_their_places() -> None:
    swapped = replace(FIELDS, old_signature=FIELDS.new_signature, new_signature=FIELDS.old_signature)
    with pytest.raises(InvalidMessage):
        Succession.decode(swapped.encode())


@pytest.mark.parametrize(
    "changes", [{"old": OTHER.user_id.data}, {"new": OTHER.user_id.data}, {"at": AT + 1}], ids=lambda c: next(iter(c))
)
def test_every_field_is_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        Succession.decode(replace(FIELDS, **changes).encode())


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("point", [*SMALL_ORDER, *NOT_CANONICAL, *WITH_TORSION])
def test_keys_that_are_none(side: str, point: str) -> None:
    changed: dict[str, Any] = {side: bytes.fromhex(point)}
    with pytest.raises(MalformedError, match="prime-order") as caught:
        Succession.decode(signed(replace(FIELDS, **changed)))
    assert caught.value.where == f"succession {side} user id"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"old": bytes(31)}, "old user id"),
        ({"new": bytes(33)}, "new user id"),
        ({"at": LATEST + 1}, "at"),
        ({"old_signature": bytes(63)}, "old signature"),
        ({"new_signature": bytes(65)}, "new signature"),
    ],
)
def test_malformed(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Succession.decode(replace(FIELDS, **changes).encode())
    assert caught.value.where == f"succession {where}"


def test_another_version_and_another_kind() -> None:
    data = RECORD.encode()
    with pytest.raises(UnsupportedVersion):
        Succession.decode(data[:2] + cbor.uint(2) + data[3:])
    with pytest.raises(MalformedError, match="another kind"):
        Succession.decode(data[:1] + cbor.uint(1) + data[2:])


def test_every_bit_counts() -> None:
    data = RECORD.encode()
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(SiegelError):
            Succession.decode(bytes(flipped))
