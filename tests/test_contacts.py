"""ID-11, ID-14, ID-15, ID-19: whom the caller knows, and what changes that."""

from __future__ import annotations

from typing import Any

import pytest

from siegel import Contacts, ContactState, PublicIdentity, Succession, safety_number, safety_qr
from siegel.errors import (
    IdentityChanged,
    InvalidArgument,
    MalformedError,
    Superseded,
    UnknownSender,
)
from siegel.events import ForkDetected, SealingKeyShared, SuccessionClaimed
from siegel.identity import issue, sealing_secret
from tests.people import AT, DAY, person, public, rotating

ALICE, BOB, MALLORY = (person(name).user_id for name in ("alice", "bob", "mallory"))
NUMBER = safety_number(ALICE, BOB)


def pinned() -> Contacts:
    """Alice's contacts: Bob, under his name."""
    contacts = Contacts(ALICE)
    assert contacts.add(public("bob"), name="bob") == ()
    return contacts


def violated() -> Contacts:
    """The same after a directory gave Mallory's record for Bob."""
    contacts = pinned()
    with pytest.raises(IdentityChanged):
        contacts.add(public("mallory"), name="bob")
    return contacts


def verified() -> Contacts:
    """The same after Alice and Bob compared numbers."""
    contacts = pinned()
    contacts.verify(BOB, NUMBER)
    return contacts


def again(contacts: Contacts) -> Contacts:
    """The contacts after a restart."""
    read = Contacts.decode(contacts.encode())
    assert read.encode() == contacts.encode()
    return read


def handover(new: str, at: int = AT) -> Succession:
    return Succession.create(old=person("bob"), new=person(new), at=at)


# --- nobody, pinned, verified ----------------------------------------------------------------------------------------


def test_nobody() -> None:
    contacts = Contacts()
    assert contacts.state(BOB) is None
    assert (len(contacts), list(contacts)) == (0, [])
    for who in (BOB, "bob", ""):
        with pytest.raises(InvalidArgument, match="nobody"):
            contacts.get(who)
    with pytest.raises(UnknownSender) as caught:
        contacts.require(BOB)
    assert caught.value.sender == BOB.data


def test_pinned() -> None:
    contacts = pinned()
    assert contacts.state(BOB) is ContactState.PINNED
    assert contacts.get(BOB) == contacts.get("bob") == public("bob")
    assert list(contacts) == [BOB]
    contacts.require(BOB)


def test_a_name_is_not_needed() -> None:
    contacts = Contacts()
    contacts.add(public("bob"))
    assert contacts.get(BOB) == public("bob")
    with pytest.raises(InvalidArgument):
        contacts.get("bob")
    contacts.add(public("bob"), name="bob")
    assert contacts.get("bob") == public("bob")


def test_several_names_of_one_user() -> None:
    contacts = pinned()
    contacts.add(public("bob"), name="robert")
    assert contacts.get("bob") == contacts.get("robert")


def test_the_same_record_again_changes_nothing() -> None:
    contacts = pinned()
    before = contacts.encode()
    assert contacts.add(public("bob"), name="bob") == ()
    assert contacts.encode() == before


@pytest.mark.parametrize(
    "seen", [NUMBER, NUMBER.replace(" ", ""), safety_qr(BOB, ALICE)], ids=["number", "digits", "QR"]
)
def test_verified(seen: str | bytes) -> None:
    contacts = pinned()
    contacts.verify(BOB, seen)
    assert contacts.state(BOB) is ContactState.VERIFIED
    assert contacts.get(BOB) == public("bob")
    contacts.require(BOB)


@pytest.mark.parametrize("make", [pinned, verified, violated])
def test_a_number_that_differs_changes_nothing(make: Any) -> None:
    contacts = make()
    before = contacts.encode()
    for seen in (safety_number(ALICE, MALLORY), safety_qr(MALLORY, ALICE)):
        with pytest.raises(IdentityChanged):
            contacts.verify(BOB, seen)
    with pytest.raises(MalformedError):
        contacts.verify(BOB, "no number")
    assert contacts.encode() == before


def test_whom_to_verify() -> None:
    with pytest.raises(UnknownSender):
        pinned().verify(MALLORY, safety_number(ALICE, MALLORY))
    contacts = Contacts()
    contacts.add(public("bob"))
    with pytest.raises(InvalidArgument, match="do not know their owner"):
        contacts.verify(BOB, NUMBER)


# --- newer and older records -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pinned, verified])
def test_a_newer_record_keeps_the_trust(make: Any) -> None:
    contacts = make()
    state = contacts.state(BOB)
    newer = public("bob", AT + 1)
    assert contacts.add(newer) == ()
    assert contacts.get("bob") == newer
    assert contacts.state(BOB) is state


def test_an_older_record_is_superseded() -> None:
    contacts = pinned()
    contacts.add(public("bob", AT + DAY))
    before = contacts.encode()
    for older in (public("bob"), rotating("bob", AT + DAY - 1)[1]):
        with pytest.raises(Superseded):
            contacts.add(older)
        with pytest.raises(Superseded):
            contacts.accept(older)
        with pytest.raises(Superseded):
            contacts.add(older, name="another name")
    assert contacts.encode() == before


def test_number_0_may_follow_a_rotating_key() -> None:
    keys, first = rotating("bob")
    contacts = Contacts()
    contacts.add(first)
    contacts.add(keys.public(replace_rotating=True, at=AT + 1))
    assert contacts.get(BOB).sealing_number == 0


def test_another_record_of_the_same_instant() -> None:
    contacts = pinned()
    other = rotating("bob", AT)[1]
    with pytest.raises(IdentityChanged, match="same instant"):
        contacts.add(other)
    assert contacts.state(BOB) is ContactState.VIOLATED
    contacts.accept(public("bob"))
    assert contacts.get(BOB) == public("bob"), "the pinned record was kept"


# --- violated --------------------------------------------------------------------------------------------------------


def test_another_user_under_a_pinned_name() -> None:
    contacts = violated()
    assert contacts.state(BOB) is ContactState.VIOLATED
    assert contacts.state(MALLORY) is None
    for who in (BOB, "bob"):
        with pytest.raises(IdentityChanged):
            contacts.get(who)
    with pytest.raises(IdentityChanged):
        contacts.require(BOB)


def test_a_violation_is_sticky() -> None:
    contacts = violated()
    contacts.add(public("bob"), name="bob")
    contacts.add(public("bob", AT + 1), name="bob")
    assert contacts.state(BOB) is ContactState.VIOLATED
    contacts = again(contacts)
    assert contacts.state(BOB) is ContactState.VIOLATED
    with pytest.raises(IdentityChanged):
        contacts.get(BOB)


def test_a_verified_contact_can_be_violated() -> None:
    contacts = verified()
    with pytest.raises(IdentityChanged):
        contacts.add(public("mallory"), name="bob")
    assert contacts.state(BOB) is ContactState.VIOLATED


def test_the_other_user_is_kept_where_known() -> None:
    contacts = pinned()
    contacts.add(public("mallory"), name="mallory")
    with pytest.raises(IdentityChanged):
        contacts.add(public("mallory", AT + 1), name="bob")
    assert contacts.state(MALLORY) is ContactState.PINNED
    assert contacts.get(MALLORY) == public("mallory")


def test_a_person_resolves_it_by_comparing() -> None:
    contacts = violated()
    contacts.verify(BOB, NUMBER)
    assert contacts.state(BOB) is ContactState.VERIFIED
    assert contacts.get("bob") == public("bob")


@pytest.mark.parametrize("make", [pinned, verified, violated])
def test_a_person_resolves_it_by_accepting(make: Any) -> None:
    contacts = make()
    contacts.accept(public("bob", AT + 1), name="bob")
    assert contacts.state(BOB) is ContactState.PINNED, "accepting is never verifying"
    assert contacts.get("bob") == public("bob", AT + 1)


def test_a_person_gives_the_name_to_another_user() -> None:
    contacts = violated()
    contacts.accept(public("mallory"), name="bob")
    assert contacts.get("bob") == public("mallory")
    assert contacts.state(MALLORY) is ContactState.PINNED
    assert contacts.state(BOB) is ContactState.VIOLATED, "the old user is not rehabilitated by it"


@pytest.mark.parametrize("name", ["u\u0308", "\ud800", b"bob", 7, ("bob",)])
def test_a_name_that_could_not_be_saved(name: Any) -> None:
    contacts = pinned()
    before = contacts.encode()
    for decide in (contacts.add, contacts.accept):
        with pytest.raises(InvalidArgument):
            decide(public("mallory"), name=name)
    assert contacts.encode() == before


# --- events ----------------------------------------------------------------------------------------------------------


def copied() -> PublicIdentity:
    """A record by which Mallory claims Bob's sealing key."""
    return issue(
        person("mallory"),
        sealing_key=sealing_secret(person("bob")).public,
        sealing_number=0,
        issued_at=AT,
        not_after=AT + DAY,
    )


def test_a_shared_sealing_key_is_reported_and_both_are_kept() -> None:
    contacts = pinned()
    events = contacts.add(copied())
    assert events == (SealingKeyShared(MALLORY, BOB),)
    assert isinstance(events[0], SealingKeyShared)
    assert contacts.state(BOB) is contacts.state(MALLORY) is ContactState.PINNED
    assert contacts.add(public("bob", AT + 1)) == (SealingKeyShared(BOB, MALLORY),)


def test_a_handover_is_a_hint() -> None:
    contacts = verified()
    events = contacts.succeed(handover("robert"))
    assert events == (SuccessionClaimed(BOB, person("robert").user_id),)
    assert isinstance(events[0], SuccessionClaimed)
    assert contacts.state(BOB) is ContactState.VIOLATED
    assert contacts.state(person("robert").user_id) is None, "the new one is not pinned by this"
    assert contacts.succeed(handover("robert")) == ()
    assert contacts.succeed(handover("robert", AT + 1)) == ()
    assert again(contacts).succeed(handover("robert")) == ()


def test_two_handovers_are_a_fork() -> None:
    contacts = pinned()
    one, other = handover("robert"), handover("mallory", AT - 1)
    contacts.succeed(one)
    for known in (contacts, again(contacts)):
        (event,) = known.succeed(other)
        assert isinstance(event, ForkDetected)
        assert event == ForkDetected(BOB, (one.encode(), other.encode()))
        assert [Succession.decode(data).old for data in event.evidence] == [BOB, BOB], "evidence stands by itself"
        assert known.state(BOB) is ContactState.VIOLATED


def test_a_handover_by_somebody_unknown() -> None:
    contacts = Contacts()
    with pytest.raises(UnknownSender) as caught:
        contacts.succeed(handover("robert"))
    assert caught.value.sender == BOB.data
    assert len(contacts) == 0


def test_accepting_ends_a_handover_and_keeps_its_evidence() -> None:
    contacts = pinned()
    contacts.succeed(handover("robert"))
    contacts.accept(public("bob"))
    assert contacts.state(BOB) is ContactState.PINNED
    assert contacts.succeed(handover("robert")) == ()
    assert contacts.state(BOB) is ContactState.PINNED
    (fork,) = contacts.succeed(handover("mallory"))
    assert isinstance(fork, ForkDetected)
    assert contacts.state(BOB) is ContactState.VIOLATED
