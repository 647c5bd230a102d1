"""How somebody comes in: an invitation, opened, checked against what is known, and taken once."""

from __future__ import annotations

import pytest

from siegel import Contacts
from siegel._core.secret import Secret
from siegel.envelope import letters
from siegel.errors import (
    Expired,
    IdentityChanged,
    InvalidMessage,
    MalformedError,
    NotARecipient,
    NotPermitted,
    PeerError,
    Replay,
    UnknownSender,
)
from siegel.groups.control import Control, GivenKey
from siegel.groups.joining import open_invitation, tombstone_of, tombstone_record
from siegel.groups.member import Member
from siegel.groups.state import prefix_of
from siegel.groups.storage import MemoryStorage, Outgoing
from siegel.sealed import seal
from tests.groups.company import EVERYBODY, LETTER, SEALED, Company, records_of, user, users
from tests.people import DAY, person, public

CONTACTS = [public(name) for name in EVERYBODY]
TEAM = ("anna", "bert")


def invited(**changes: object) -> tuple[Company, bytes]:
    """A company, and an invitation for Emil by Anna with some of its parts replaced."""
    team = Company(*TEAM)
    team.do("anna", "add", [public("emil")])
    group = team["anna"]
    parts = {"items": group.operations(), "not_after": team.at + DAY, **changes}
    control = Control(group.group_id, **parts)  # type: ignore[arg-type]  # whatever a test puts there
    return team, team.sealed("anna", control, "emil")


def test_an_invitation_may_be_written_by_hand() -> None:
    team, invitation = invited()
    assert team.join("emil", invitation).roster == team["anna"].roster


def test_letters_are_invitations_as_well() -> None:
    team = Company(*TEAM, by_letter=True)
    team.add("anna", "emil")
    assert team["emil"].roster == team["anna"].roster
    envelopes = [data for _, data in team.wire if data[:2] == SEALED]
    assert all(share[:2] == LETTER for data in envelopes for _, share in letters(data))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"not_after": None}, NotPermitted),
        ({"not_after": 0}, Expired),
        ({"items": ()}, InvalidMessage),
        ({"items": (b"junk",)}, InvalidMessage),
        ({"key": GivenKey(bytes(32), Secret(bytes(32)))}, None),
    ],
    ids=["no end", "ended", "no log", "junk", "a key of another head"],
)
def test_what_is_no_invitation_is_refused(changes: dict[str, object], error: type[PeerError] | None) -> None:
    team, invitation = invited(**changes)
    if error is None:
        assert team.join("emil", invitation).roster == team["anna"].roster
        return
    with pytest.raises(error):
        team.join("emil", invitation)
    assert records_of(team.storages["emil"]) == {}


def test_an_invitation_with_a_false_key_is_not_authentic() -> None:
    team = Company(*TEAM)
    founding = team["anna"].roster.head
    control = Control(
        team["anna"].group_id,
        items=team["anna"].operations(),
        key=GivenKey(founding, Secret(bytes(32))),
        not_after=team.at + DAY,
    )
    team.storages["bert"] = MemoryStorage()
    del team.groups["bert"]
    with pytest.raises(InvalidMessage):
        team.join("bert", team.sealed("anna", control, "bert"))
    assert records_of(team.storages["bert"]) == {}


def test_the_log_has_to_be_that_of_the_group() -> None:
    team, other = Company(*TEAM), Company(*TEAM)
    team.do("anna", "add", [public("emil")])
    control = Control(other["anna"].group_id, items=team["anna"].operations(), not_after=team.at + DAY)
    with pytest.raises(NotPermitted, match="another group"):
        team.join("emil", team.sealed("anna", control, "emil"))


def test_who_invites_has_admitted_us_themselves() -> None:
    """Not another member, and not somebody who only passes on what an admin did."""
    team, _ = invited()
    passed_on = Control(team["anna"].group_id, items=team["anna"].operations(), not_after=team.at + DAY)
    with pytest.raises(NotPermitted, match="not an admission of us"):
        team.join("emil", team.sealed("bert", passed_on, "emil"))


def test_the_admission_is_the_newest_operation() -> None:
    team = Company(*TEAM)
    team.do("anna", "add", [public("emil")])
    team.do("anna", "rename", "x")
    control = Control(team["anna"].group_id, items=team["anna"].operations(), not_after=team.at + DAY)
    with pytest.raises(NotPermitted, match="not an admission of us"):
        team.join("emil", team.sealed("anna", control, "emil"))


def test_who_is_not_admitted_is_not_invited() -> None:
    team = Company(*TEAM)
    team.do("anna", "add", [public("emil")])
    control = Control(team["anna"].group_id, items=team["anna"].operations(), not_after=team.at + DAY)
    candidate, member = team.candidate("anna")
    candidate.identities.put(user("frida"), public("frida"))
    member.seal(candidate, control, users("frida"))
    with pytest.raises(NotPermitted, match="not an admission of us"):
        team.join("frida", candidate.outgoing[0])


def test_errors_of_sealed_messages_come_first() -> None:
    team, invitation = invited()
    with pytest.raises(MalformedError):
        open_invitation(b"", Member(person("emil"), CONTACTS), at=team.at)
    with pytest.raises(NotARecipient):
        open_invitation(invitation, Member(person("frida"), CONTACTS), at=team.at)
    with pytest.raises(UnknownSender):
        open_invitation(invitation, Member(person("emil"), []), at=team.at)
    other = seal(b"x", sender=person("anna"), recipients=[public("emil")], at=team.at)
    with pytest.raises(NotPermitted):
        open_invitation(other, Member(person("emil"), CONTACTS), at=team.at)


def test_a_sender_in_doubt_does_not_invite() -> None:
    team, invitation = invited()
    contacts = Contacts(user("emil"))
    contacts.add(public("anna"), name="anna")
    with pytest.raises(IdentityChanged):
        contacts.add(public("bert"), name="anna")
    with pytest.raises(IdentityChanged):
        open_invitation(invitation, Member(person("emil"), contacts), at=team.at)


# --- once ------------------------------------------------------------------------------------------------------------


def test_a_tombstone_names_the_last_head() -> None:
    team, invitation = invited()
    emil = team.join("emil", invitation)
    name, data = tombstone_record(emil._state.history)
    storage = MemoryStorage()
    assert tombstone_of(storage, emil.group_id) is None
    storage.commit({name: data}, Outgoing())
    assert tombstone_of(storage, emil.group_id) == emil.roster.head
    storage.commit({name: b"\x80"}, Outgoing())
    with pytest.raises(MalformedError):
        tombstone_of(storage, emil.group_id)
    assert name.startswith(prefix_of(emil.group_id))


def test_an_older_invitation_to_a_known_group_does_nothing() -> None:
    """Also one from before, whose log has not what we know."""
    team = Company(*TEAM)
    first = team.act("anna", "add", [public("emil")])
    team.deliver(first, "anna", to=["bert"])
    team.join("emil", first.control[-1])
    team.do("anna", "rename", "x")
    with pytest.raises(Replay):
        team.join("emil", first.control[-1])
    team["emil"].forget()
    with pytest.raises(Replay):
        team.join("emil", first.control[-1])


def test_who_was_admitted_while_away_joins_again_by_the_newest() -> None:
    team = Company(*TEAM)
    team.add("anna", "emil")
    removal = team.act("anna", "remove", users("emil"))
    team.deliver(removal, "anna", to=["bert"])
    team["emil"].forget()
    del team.groups["emil"]
    second = team.act("anna", "add", [public("emil")])
    team.deliver(second, "anna", to=["bert"])
    assert team.join("emil", second.control[-1]).roster == team["anna"].roster
    with pytest.raises(Replay):
        team.join("emil", second.control[-1])
    assert team.say("emil").readers == {"anna", "bert"}
