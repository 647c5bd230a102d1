"""SEAL-11, SEAL-19, SEAL-20: what an envelope shows without a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from siegel import PublicIdentity, UserId, audit_recipients, inspect_envelope, letters, open_sealed, seal
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError, NotPermitted, UnsupportedVersion
from tests.people import AT, company, person, public, rotating

PEOPLE = company(4)
ALICE = person("alice")


def sealed_to(*people: PublicIdentity, private: bool = False) -> bytes:
    return seal(bytes(1000), sender=ALICE, recipients=people, private=private, at=AT)


def ids(people: tuple[PublicIdentity, ...] = PEOPLE) -> set[UserId]:
    return {member.user_id for member in people}


@pytest.mark.parametrize("private", [False, True], ids=["open", "private"])
def test_an_envelope(private: bool) -> None:  # noqa: FBT001  # a parameter of the test
    _, record = rotating("rotating")
    envelope = sealed_to(*PEOPLE, record, private=private)
    info = inspect_envelope(envelope)
    assert (info.letter, info.private, info.recipient_count) == (False, private, 5)
    assert dict(info.recipients) == dict.fromkeys(ids(), 0) | {record.user_id: AT}
    assert info.body_bytes == 1152 + 16  # Padmé size and tag
    assert info.message_id == open_sealed(envelope, identity=ALICE, contacts=[]).message_id


@pytest.mark.parametrize("private", [False, True], ids=["open", "private"])
def test_a_letter(private: bool) -> None:  # noqa: FBT001  # a parameter of the test
    envelope = sealed_to(*PEOPLE, private=private)
    for user_id, letter in letters(envelope):
        info = inspect_envelope(letter)
        assert (info.letter, info.private, info.recipient_count) == (True, private, 4)
        assert info.recipients == ((user_id, 0),)
        assert info.message_id == inspect_envelope(envelope).message_id
        assert info.body_bytes == inspect_envelope(envelope).body_bytes


def test_an_anonymous_envelope_looks_like_any_other() -> None:
    assert inspect_envelope(seal(b"", sender=None, recipients=PEOPLE, at=AT)).recipient_count == 4


@pytest.mark.parametrize("allowed", [list, tuple, set, frozenset, dict.fromkeys])
def test_an_audit_that_finds_nothing(allowed: Callable[[set[UserId]], set[UserId]]) -> None:
    for private in (False, True):
        audit_recipients(sealed_to(*PEOPLE, private=private), allowed=allowed(ids()))
        audit_recipients(sealed_to(PEOPLE[0], private=private), allowed=allowed(ids()))


def test_an_audit_names_who_is_outside() -> None:
    stranger, another = public("stranger"), public("another stranger")
    envelope = sealed_to(*PEOPLE, stranger, another)
    with pytest.raises(NotPermitted) as caught:
        audit_recipients(envelope, allowed=ids())
    said = str(caught.value)
    assert str(stranger.user_id) in said
    assert str(another.user_id) in said
    assert not any(str(user_id) in said for user_id in ids())
    with pytest.raises(NotPermitted):
        audit_recipients(envelope, allowed=[])


def test_a_letter_cannot_be_audited() -> None:
    for private in (False, True):
        _, letter = next(letters(sealed_to(*PEOPLE, private=private)))
        with pytest.raises(MalformedError, match="letter"):
            audit_recipients(letter, allowed=ids())


@pytest.mark.parametrize("read", [inspect_envelope, lambda data: audit_recipients(data, allowed=ids())])
def test_what_is_no_envelope(read: Callable[[Any], object]) -> None:
    envelope = sealed_to(*PEOPLE)
    for data in (b"", b"\xf6", envelope[:-1], envelope + b"\0", PEOPLE[0].encode()):
        with pytest.raises(MalformedError):
            read(data)
    with pytest.raises(UnsupportedVersion):
        read(envelope[:2] + b"\2" + envelope[3:])
    with pytest.raises(LimitExceeded):
        read(bytes(48 * 2**20))
    with pytest.raises(InvalidArgument):
        read(bytearray(envelope))


@pytest.mark.parametrize("read", [inspect_envelope, lambda data: audit_recipients(data, allowed=ids())])
def test_a_renamed_label_is_seen_by_anybody(read: Callable[[bytes], object]) -> None:
    envelope = sealed_to(*PEOPLE)
    renamed = envelope.replace(PEOPLE[2].user_id.data, person("stranger").user_id.data)
    assert renamed != envelope
    with pytest.raises(MalformedError, match="entries"):
        read(renamed)
