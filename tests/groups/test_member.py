"""Our side of a group: which record we show, whom we can seal to, and by which way control goes out."""

from __future__ import annotations

from typing import Any

import pytest

from siegel import Contacts, SealingKeys
from siegel.errors import InvalidArgument
from siegel.groups.actions import GroupPolicy, Sealing
from siegel.groups.control import Control
from siegel.groups.member import RECORD_GRACE, Member
from siegel.groups.state import Candidate
from tests.groups.company import BROADCAST, SEALED, Company, named, user, users
from tests.people import AT, DAY, person, public

TEAM = ("anna", "bert", "carl")


def side(team: Company, device: str = "anna", **other: Any) -> tuple[Candidate, Member]:
    candidate = Candidate(team[device]._state, at=team.at)
    return candidate, Member(other.get("holder", person(device)), other.get("contacts", ()))


# --- our own record --------------------------------------------------------------------------------------------------


def test_without_any_record_there_is_a_fresh_one() -> None:
    record = Member(person("anna"), ()).own_record(None, at=AT)
    assert (record.user_id, record.sealing_number, record.issued_at) == (user("anna"), 0, AT)


def test_a_record_is_shown_until_it_is_near_its_end() -> None:
    member, held = Member(person("anna"), ()), public("anna")
    assert member.own_record(held, at=AT + 59 * DAY) == held
    renewed = member.own_record(held, at=AT + 60 * DAY)
    assert renewed.issued_at == AT + 60 * DAY
    assert member.own_record(renewed, at=AT + 61 * DAY) == renewed


def test_a_new_record_is_newer_whatever_the_clock_says() -> None:
    held = public("anna", AT)
    far = Member(person("anna"), ()).own_record(held, at=held.not_after)
    assert far.issued_at > held.issued_at
    again = Member(person("anna"), ()).own_record(far, at=AT)
    assert again == far


def test_with_rotating_keys_the_newest_published_record_is_shown() -> None:
    keys = SealingKeys(person("anna"))
    member = Member(keys, ())
    assert member.own_record(None, at=AT).sealing_number == 0
    first = keys.rotate(at=AT + 1)
    assert member.own_record(public("anna"), at=AT + 2) == first
    second = keys.rotate(at=AT + DAY)
    assert member.own_record(first, at=AT + DAY) == second
    assert member.own_record(second, at=AT + 100 * DAY) == second, "no fall back to the base key"


def test_a_member_is_an_identity() -> None:
    with pytest.raises(InvalidArgument):
        Member(public("anna"), ())  # type: ignore[arg-type]  # what a caller without types may do


# --- records of others -----------------------------------------------------------------------------------------------


def test_the_newest_record_counts_wherever_it_is_known_from() -> None:
    team = Company(*TEAM)
    newer = public("bert", AT + DAY)
    for contacts, expected in (([newer], newer), ([public("bert", AT - DAY)], public("bert")), ([], public("bert"))):
        candidate, member = side(team, contacts=contacts)
        assert member.record_of(candidate, user("bert")) == expected
    candidate, member = side(team, contacts=[newer])
    candidate.identities.put(user("bert"), None)
    assert member.record_of(candidate, user("bert")) == newer
    assert member.record_of(candidate, user("emil")) is None


def test_contacts_may_be_a_store_of_contacts() -> None:
    team, contacts = Company(*TEAM), Contacts(user("anna"))
    newer = public("bert", AT + DAY)
    contacts.add(newer)
    candidate, member = side(team, contacts=contacts)
    assert member.record_of(candidate, user("bert")) == newer
    assert member.record_of(candidate, user("carl")) == public("carl")


def test_a_contact_in_doubt_is_not_sealed_to_by_the_doubtful_record() -> None:
    team, contacts = Company(*TEAM), Contacts(user("anna"))
    contacts.add(public("bert", AT + DAY), name="bert")
    with pytest.raises(Exception, match="pinned"):
        contacts.add(public("carl"), name="bert")
    candidate, member = side(team, contacts=contacts)
    assert member.record_of(candidate, user("bert")) == public("bert"), "the one that the group knows"


def test_a_record_serves_for_thirty_days_after_its_end() -> None:
    team = Company(*TEAM)
    candidate, member = side(team)
    candidate.at = public("bert").not_after + RECORD_GRACE - 1
    assert member.record_of(candidate, user("bert")) == public("bert")
    candidate.at += 1
    assert member.record_of(candidate, user("bert")) is None


def test_where_forward_secrecy_is_asked_for_the_base_key_does_not_do() -> None:
    team = Company(*TEAM, policy=GroupPolicy(sealing=Sealing.FORWARD_SECRET), rotating=TEAM)
    candidate, member = side(team)
    assert member.record_of(candidate, user("bert")) == team.public("bert")
    candidate.identities.put(user("bert"), public("bert", AT + DAY))
    assert member.record_of(candidate, user("bert")) is None


# --- ways out --------------------------------------------------------------------------------------------------------


def sent(candidate: Candidate) -> list[bytes]:
    return [data[:2] for data in candidate.outgoing]


def said(team: Company, name: str = "note") -> Control:
    return Control(team["anna"].group_id, items=(name.encode(),))


def test_who_cannot_be_sealed_to_is_skipped_and_named() -> None:
    team = Company(*TEAM)
    candidate, member = side(team)
    candidate.identities.put(user("bert"), None)
    assert member.seal(candidate, said(team), users("bert", "carl")) == users("bert")
    assert named(candidate.outgoing[0]) == {user("carl")}
    assert member.seal(candidate, said(team), users("bert")) == users("bert")
    assert member.seal(candidate, said(team), ()) == ()
    assert len(candidate.outgoing) == 1


def test_what_all_holders_may_read_is_broadcast_once() -> None:
    team = Company(*TEAM)
    candidate, member = side(team)
    active = candidate.history.active
    assert member.spread(candidate, said(team), head=team["anna"].roster.head, to=active) == ()
    assert sent(candidate) == [BROADCAST]


def test_without_the_key_it_is_sealed() -> None:
    team = Company(*TEAM)
    candidate, member = side(team)
    for head in list(candidate.keys):
        candidate.keys.put(head, None)
    member.spread(candidate, said(team), head=team["anna"].roster.head, to=candidate.history.active)
    assert sent(candidate) == [SEALED]
    assert named(candidate.outgoing[0]) == {*users(*TEAM)}


def test_while_a_holder_takes_no_part_it_is_sealed() -> None:
    team = Company(*TEAM)
    team.do("carl", "leave")
    candidate, member = side(team)
    member.spread(candidate, said(team), head=team["anna"].roster.head, to=candidate.history.active)
    assert sent(candidate) == [SEALED]
    assert named(candidate.outgoing[0]) == {*users("anna", "bert")}


def test_what_is_too_large_for_a_broadcast_is_sealed() -> None:
    team = Company(*TEAM)
    candidate, member = side(team)
    large = Control(team["anna"].group_id, items=(bytes(1 << 20), bytes(1 << 20)))
    member.spread(candidate, large, head=team["anna"].roster.head, to=candidate.history.active)
    assert sent(candidate) == [SEALED]


def test_an_old_key_carries_control_but_no_new_chain() -> None:
    team = Company(*TEAM)
    team.say("anna")
    state = team["anna"]._state
    assert state.sending
    announcement = state.sending.announcement().encode()
    for control, expected in (
        (said(team), BROADCAST),
        (Control(team["anna"].group_id, announcements=(announcement,)), SEALED),
    ):
        candidate, member = side(team)
        candidate.at = AT + 14 * DAY
        member.spread(candidate, control, head=team["anna"].roster.head, to=candidate.history.active)
        assert sent(candidate) == [expected]


def test_the_newest_key_is_that_of_the_head_that_holds() -> None:
    team = Company(*TEAM)
    candidate, member = side(team)
    key = member.newest_key(candidate)
    assert key is not None
    assert key.head == team["anna"].roster.head
    candidate.keys.put(key.head, None)
    assert member.newest_key(candidate) is None
