"""Who comes, who goes: add, remove, leave and return, suspension; what each of them can read from then on."""

from __future__ import annotations

import pytest

from siegel.errors import (
    Expired,
    InvalidArgument,
    NotARecipient,
    NotPermitted,
    Replay,
    StateError,
    UnknownSender,
)
from siegel.events import (
    EpochKeyReceived,
    IdentityUpdated,
    MembersLeft,
    MessageDisputed,
    RosterChanged,
    SenderKeyReceived,
)
from siegel.groups.actions import GroupPolicy, Role, Who
from siegel.groups.acts import INVITATION_LIFE
from siegel.groups.control import Control
from siegel.groups.group import Group
from siegel.groups.storage import MemoryStorage
from tests.groups.company import BROADCAST, MESSAGE, SEALED, Company, kinds, message_of, named, parts, user, users
from tests.people import AT, person, public

TEAM = ("anna", "bert", "carl")


# --- coming ----------------------------------------------------------------------------------------------------------


def test_an_admission_costs_one_broadcast_and_one_seal() -> None:
    team = Company(*TEAM)
    team.say("anna")
    out = team.act("anna", "add", [public("dora"), public("emil")])
    assert kinds(out) == [BROADCAST, SEALED]
    assert named(out.control[1]) == {*users("dora", "emil")}
    heard = team.deliver(out, "anna")
    (change,) = heard.events(RosterChanged, "bert")
    assert {*change.admitted} == {*users("dora", "emil")}
    assert not change.removed
    assert not change.switched
    assert {event.user_id for event in heard.events(IdentityUpdated, "bert")} == {*users("dora", "emil")}
    assert not heard.events(EpochKeyReceived, "bert"), "whoever is in derives the key"


def test_newcomers_read_from_now_on_and_nothing_before() -> None:
    team = Company(*TEAM)
    before = [data for name in TEAM for data in parts(team.act(name, "encrypt", b"before"))]
    team.hand(before, ["anna", "bert", "carl"])
    out = team.act("anna", "add", [public("dora")])
    team.storages["dora"] = MemoryStorage()
    team.deliver(out, "anna")
    assert team.hand(before, ["dora"]).readers == set()
    for name in TEAM:
        heard = team.say(name, "after")
        assert heard.texts("dora") == [b"after"]
        assert team.hand(before, ["dora"]).readers == set()
    assert team.say("dora").readers == {*TEAM}


def test_nobody_rotates_for_a_newcomer() -> None:
    team = Company(*TEAM)
    chains = {name: message_of(team.act(name, "encrypt", b"")).chain_id for name in TEAM}
    team.do("anna", "add", [public("dora")])
    for name in TEAM:
        out = team.act(name, "encrypt", b"x")
        assert message_of(out).chain_id == chains[name]
        assert kinds(out) == [BROADCAST, MESSAGE], "one announcement for all newcomers"
        assert kinds(team.act(name, "encrypt", b"y")) == [MESSAGE]


def test_whoever_has_a_chain_ignores_its_announcement_for_newcomers() -> None:
    team = Company(*TEAM)
    team.say("anna")
    team.add("anna", "dora")
    heard = team.say("anna", "x")
    assert heard.errors("bert") == [Replay]
    assert heard.readers == {"bert", "carl", "dora"}


def test_members_admit_where_the_policy_lets_them() -> None:
    team = Company(*TEAM, policy=GroupPolicy(adding=Who.MEMBERS))
    team.add("carl", "dora")
    assert team.say("dora").readers == {*TEAM}
    with pytest.raises(StateError):
        team.act("carl", "add", [public("emil")], role=Role.ADMIN)
    with pytest.raises(StateError):
        Company(*TEAM).act("carl", "add", [public("dora")])


@pytest.mark.parametrize("names", [["bert"], ["dora", "bert"]])
def test_a_member_is_not_admitted_again(names: list[str]) -> None:
    with pytest.raises(StateError, match="already a member"):
        Company(*TEAM).act("anna", "add", [public(name) for name in names])


def test_an_admission_of_nobody_is_none() -> None:
    with pytest.raises(InvalidArgument):
        Company(*TEAM).act("anna", "add", [])


# --- invitations -----------------------------------------------------------------------------------------------------


def test_an_invitation_ends() -> None:
    _, out = Group.create(person("anna"), members=[public("bert")], name="x", at=AT)
    (invitation,) = out.control
    with pytest.raises(Expired):
        Group.join(invitation, identity=person("bert"), contacts=[public("anna")], at=AT + INVITATION_LIFE + 1)
    Group.join(invitation, identity=person("bert"), contacts=[public("anna")], at=AT + INVITATION_LIFE)


def test_an_invitation_by_nobody_we_know_is_refused() -> None:
    _, out = Group.create(person("anna"), members=[public("bert")], name="x", at=AT)
    with pytest.raises(UnknownSender) as unknown:
        Group.join(out.control[0], identity=person("bert"), contacts=[public("carl")], at=AT)
    assert unknown.value.sender == bytes(user("anna"))


def test_a_replayed_invitation_does_nothing() -> None:
    team = Company(*TEAM)
    (_, invitation) = team.act("anna", "add", [public("dora")]).control
    team.join("dora", invitation)
    with pytest.raises(Replay):
        team.join("dora", invitation)
    with pytest.raises(Replay):
        team["dora"].receive(invitation, at=team.at)


def test_an_invitation_does_not_bring_a_forgotten_group_back() -> None:
    team = Company(*TEAM)
    out = team.act("anna", "add", [public("dora")])
    team.deliver(out, "anna")
    team.join("dora", out.control[1])
    team["dora"].forget()
    del team.groups["dora"]
    with pytest.raises(Replay):
        team.join("dora", out.control[1])


def test_who_forgot_a_group_comes_back_by_a_new_admission() -> None:
    team = Company(*TEAM)
    team.do("anna", "remove", users("carl"))
    team["carl"].forget()
    del team.groups["carl"]
    team.add("anna", "carl")
    assert team["carl"].roster == team["anna"].roster
    assert team.say("carl").readers == {"anna", "bert"}
    assert team.say("bert").readers == {"anna", "carl"}


def test_who_was_removed_comes_back_into_what_they_have() -> None:
    team = Company(*TEAM)
    team.say("carl", "before")
    team.do("anna", "remove", users("carl"))
    invitation = team.act("anna", "add", [public("carl")])
    team.deliver(invitation, "anna", to=["bert"])
    sealed = [data for data in invitation.control if data[:2] == SEALED]
    team.join("carl", sealed[0])
    assert team["carl"].roster == team["anna"].roster
    for name in TEAM:
        assert team.say(name).readers == {*TEAM} - {name}


def test_an_invitation_opens_by_the_handle_as_well() -> None:
    """Somebody who has the group, and is admitted again, may simply receive."""
    team = Company(*TEAM)
    team.do("anna", "remove", users("carl"))
    team.do("anna", "add", [public("carl")])
    assert team["carl"].roster == team["anna"].roster
    assert team.say("carl").readers == {"anna", "bert"}


# --- going -----------------------------------------------------------------------------------------------------------


def test_a_removal_is_sealed_to_those_who_stay() -> None:
    team = Company(*TEAM)
    out = team.act("anna", "remove", users("carl"))
    assert kinds(out) == [SEALED]
    assert named(out.control[0]) == {*users("anna", "bert")}, "anna may have other devices"
    with pytest.raises(NotARecipient):
        team["carl"].receive(out.control[0], at=team.at)


def test_who_was_removed_reads_nothing_more() -> None:
    team = Company("anna", "bert", "carl", "dora")
    for name in ("anna", "bert", "carl", "dora"):
        team.say(name)
    team.do("anna", "remove", users("carl"))
    for name in ("anna", "bert", "dora"):
        out = team.act(name, "encrypt", b"without carl")
        assert kinds(out) == [BROADCAST, MESSAGE], "a new chain, under the fresh key"
        assert team.deliver(out, name).readers == {"anna", "bert", "dora"} - {name}


def test_who_was_removed_can_still_not_read_when_told_of_it() -> None:
    """Even the operation, the invitation of somebody else, and everything on the wire do not help."""
    team = Company("anna", "bert", "carl", "dora")
    team.say("anna")
    team.do("anna", "remove", users("carl"))
    team.add("anna", "emil")
    team.say("bert")
    team.say("emil")
    everything = [data for _, data in team.wire if data[:2] in {BROADCAST, MESSAGE}]
    log = Control(team["anna"].group_id, items=team["anna"].operations())
    told = team.sealed("emil", log, "carl")
    assert team.hand([told], ["carl"]).events(RosterChanged, "carl")
    heard = team.hand(everything, ["carl"])
    assert heard.readers == set()
    with pytest.raises(StateError, match="not in the group"):
        team.act("carl", "encrypt", b"x")


def test_what_somebody_says_after_their_removal_is_refused() -> None:
    team = Company(*TEAM)
    assert team.say("carl", "before").readers == {"anna", "bert"}
    team.do("anna", "remove", users("carl"))
    heard = team.say("carl", "I am still here")
    assert heard.readers == set()
    assert heard.errors("bert") == [NotPermitted]
    team.clone("carl", "carl/again")
    team.tick(8 * 86_400_000)
    heard = team.say("carl/again", "and here, in a new chain", to=["anna", "bert"])
    assert heard.events(SenderKeyReceived)
    assert heard.readers == set()


def test_what_was_said_before_a_removal_and_not_seen_by_its_author_is_disputed() -> None:
    team = Company(*TEAM)
    team.say("carl", "0")
    late = team.act("carl", "encrypt", b"1")
    team.deliver(late, "carl", to=["bert"])
    heard = team.do("anna", "remove", users("carl"))
    (disputed,) = heard.events(MessageDisputed, "bert")
    assert (disputed.sender, disputed.index, disputed.message_id) == (user("carl"), 1, message_of(late).link)
    assert team.deliver(late, "carl", to=["anna"]).errors("anna") == [NotPermitted]


def test_what_the_author_of_a_removal_had_seen_stands_everywhere() -> None:
    team = Company(*TEAM)
    first = team.act("carl", "encrypt", b"0")
    team.deliver(first, "carl", to=["anna"])
    team.do("anna", "remove", users("carl"))
    assert team.deliver(first, "carl", to=["bert"]).texts("bert") == [b"0"]


@pytest.mark.parametrize("victims", [["frida"], ["anna"], ["bert", "frida"]])
def test_only_juniors_who_are_in_are_removed(victims: list[str]) -> None:
    with pytest.raises(StateError):
        Company(*TEAM).act("anna", "remove", users(*victims))


def test_members_remove_nobody() -> None:
    with pytest.raises(StateError):
        Company(*TEAM).act("bert", "remove", users("carl"))


def test_an_admin_removes_no_senior() -> None:
    team = Company(*TEAM, roles={"bert": Role.ADMIN, "carl": Role.ADMIN})
    with pytest.raises(StateError):
        team.act("bert", "remove", users("anna"))
    team.do("anna", "remove", users("bert"))


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_who_leaves_gets_nothing_more_and_an_admin_makes_it_final() -> None:
    team = Company(*TEAM)
    team.say("anna")
    out = team.act("carl", "leave")
    heard = team.deliver(out, "carl")
    assert [event.user_ids for event in heard.events(MembersLeft)] == [users("carl")] * 2
    assert team["bert"].active == frozenset(users("anna", "bert"))
    said = team.act("anna", "encrypt", b"carl has left")
    assert kinds(said) == [SEALED, MESSAGE], "carl holds the epoch key still"
    assert team.deliver(said, "anna").readers == {"bert"}
    team.do("anna", "remove", users("carl"))
    assert user("carl") not in team["bert"].roster.members
    assert kinds(team.act("bert", "encrypt", b"x")) == [BROADCAST, MESSAGE]


def test_who_has_left_does_nothing_more() -> None:
    team = Company(*TEAM)
    team.do("carl", "leave")
    for verb, arguments in (("encrypt", [b"x"]), ("rotate", []), ("publish", [])):
        with pytest.raises(StateError):
            team.act("carl", verb, *arguments)
    assert not team["carl"].refresh_due(at=AT * 2)


def test_what_a_leaver_said_before_stands_and_nothing_after() -> None:
    team = Company(*TEAM)
    team.say("carl", "0")
    late = team.act("carl", "encrypt", b"1")
    team.clone("carl", "carl/twin")
    team.deliver(team.act("carl", "leave"), "carl", to=["anna", "bert"])
    assert team.deliver(late, "carl", to=["anna", "bert"]).readers == {"anna", "bert"}
    assert team.say("carl/twin", "after", to=["anna", "bert"]).readers == set()


def test_who_left_can_come_back() -> None:
    team = Company(*TEAM)
    team.say("carl")
    team.do("carl", "leave")
    team.do("anna", "remove", users("carl"))
    team.add("anna", "carl")
    assert team["carl"].roster == team["bert"].roster
    for name in TEAM:
        heard = team.say(name)
        assert heard.readers == {*TEAM} - {name}
        assert heard.events(SenderKeyReceived), "everybody has a new chain"


def test_an_old_leave_statement_does_not_undo_a_return() -> None:
    team = Company(*TEAM)
    left = team.act("carl", "leave")
    team.deliver(left, "carl")
    team.do("anna", "remove", users("carl"))
    team.add("anna", "carl")
    team.hand(left.control, ["anna", "bert"])
    assert user("carl") in team["anna"].active
    assert user("carl") in team["bert"].active


def test_a_founder_may_leave_and_another_admin_lets_them_go() -> None:
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    team.do("anna", "leave")
    team.do("bert", "remove", users("anna"))
    assert team["carl"].roster.roles == {user("bert"): Role.ADMIN, user("carl"): Role.MEMBER}
    assert team.say("carl").readers == {"bert"}


def test_without_admins_a_group_keeps_posting() -> None:
    team = Company(*TEAM)
    team.do("anna", "leave")
    assert team.say("bert").readers == {"carl"}
    assert team.say("carl").readers == {"bert"}
    with pytest.raises(StateError):
        team.act("bert", "remove", users("anna"))
