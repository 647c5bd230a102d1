"""SEAL-10 … SEAL-13, SUITE-6: whatever was changed, one error, and never a message."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest

from siegel import OpenedMessage, UserId, letters, open_sealed, seal
from siegel._core.padding import padme
from siegel.envelope import MAX_BODY_BYTES
from siegel.errors import InvalidMessage, MalformedError, PeerError
from tests.messages import BODY, FAULTS, letters_of, message, steps_of
from tests.people import AT, company, person, public, verdict
from tests.vectors.reference import sealed as by_hand

ALICE, BOB, COLLEAGUE = person("alice"), person("bob"), person("colleague 2")


def to_bob(body: bytes = BODY) -> bytes:
    return seal(body, sender=ALICE, recipients=[public("bob")], at=AT)


def opened(envelope: bytes, **options: Any) -> OpenedMessage:
    return open_sealed(envelope, identity=BOB, contacts=[ALICE.user_id], **options)


def test_the_honest_message_opens() -> None:
    assert opened(steps_of().envelope).body == BODY


@pytest.mark.parametrize("name", FAULTS)
def test_one_error_whatever_failed(name: str) -> None:
    steps = by_hand.seal(message(), FAULTS[name])
    (letter,) = letters_of(message(), steps)
    for data in (steps.envelope, letter):
        with pytest.raises(InvalidMessage) as caught:
            opened(data, allow_anonymous=True)
        assert verdict(caught.value) == verdict(InvalidMessage())
        assert vars(caught.value) == {}
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_a_body_over_the_limit_is_not_delivered() -> None:
    with pytest.raises(InvalidMessage):
        opened(steps_of(message(body=bytes(MAX_BODY_BYTES + 1))).envelope)


def test_a_body_belongs_to_its_header() -> None:
    one, other = to_bob(b"one"), to_bob(b"two")
    size = padme(200) + 16
    assert len(one) == len(other)
    with pytest.raises(InvalidMessage):
        opened(one[:-size] + other[-size:])


def test_every_bit_of_an_envelope_to_one() -> None:
    envelope = to_bob()
    for place in range(8 * len(envelope)):
        flipped = bytearray(envelope)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(PeerError):
            opened(bytes(flipped))


def own_places(data: bytes, others: Collection[UserId]) -> list[int]:
    """The bytes of an envelope or letter that one recipient answers for: all but number and secret of the others."""
    places = set(range(len(data)))
    for other in others:
        entry = data.find(b"\x83\x58\x20" + other.data)
        if entry >= 0:
            places -= set(range(entry + 3 + 32, entry + 3 + 32 + 1 + 3 + 1168))
    return sorted(places)


@pytest.mark.parametrize("private", [False, True], ids=["open", "private"])
def test_every_bit_of_an_envelope_to_three_that_is_not_the_others(private: bool) -> None:  # noqa: FBT001  # a parameter
    envelope = seal(BODY, sender=ALICE, recipients=company(3), private=private, at=AT)
    places = own_places(envelope, [ALICE.user_id, COLLEAGUE.user_id])
    assert len(envelope) - len(places) == 2 * 1172
    for place in places:
        for bit in range(8):
            flipped = bytearray(envelope)
            flipped[place] ^= 1 << bit
            with pytest.raises(PeerError):
                opened(bytes(flipped))


@pytest.mark.parametrize("private", [False, True], ids=["open", "private"])
def test_every_byte_of_a_letter(private: bool) -> None:  # noqa: FBT001  # a parameter
    letter = dict(letters(seal(BODY, sender=ALICE, recipients=company(3), private=private, at=AT)))[BOB.user_id]
    for place in range(len(letter)):
        for change in (1, 0x80, 0xFF):
            with pytest.raises(PeerError):
                opened(letter[:place] + bytes([letter[place] ^ change]) + letter[place + 1 :])


@pytest.mark.parametrize("make", [to_bob, lambda: next(letters(to_bob()))[1]], ids=["envelope", "letter"])
def test_cut_and_lengthened(make: Callable[[], bytes]) -> None:
    data = make()
    for end in range(len(data)):
        with pytest.raises(MalformedError):
            opened(data[:end])
    for more in (b"\0", b"\xf6", data):
        with pytest.raises(MalformedError):
            opened(data + more)
