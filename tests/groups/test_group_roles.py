"""What roles and policies allow, what changes when they change, and how an epoch key is refreshed."""

from __future__ import annotations

import pytest

from siegel import SealingKeys
from siegel.errors import InvalidMessage, NotPermitted, StateError
from siegel.events import EpochKeyReceived, MessageDisputed, RosterChanged
from siegel.groups.actions import GroupPolicy, Refresh, Role, Sealing, Who
from siegel.groups.broadcast import open_broadcast, parse_broadcast
from siegel.groups.message import parse_message
from siegel.groups.operations import Operation
from siegel.groups.state import State
from siegel.groups.storage import MemoryStorage, Outgoing
from tests.groups.company import (
    BROADCAST,
    MESSAGE,
    SEALED,
    Company,
    kinds,
    message_of,
    named,
    parts,
    records_of,
    user,
    users,
)
from tests.people import AT, DAY, HOUR, person

TEAM = ("anna", "bert", "carl")
WEEK = 7 * DAY


# --- roles -----------------------------------------------------------------------------------------------------------


def test_a_role_is_seen_by_everybody() -> None:
    team = Company(*TEAM)
    for role in (Role.ADMIN, Role.ARCHIVIST, Role.READER, Role.MEMBER):
        team.do("anna", "set_role", user("carl"), role)
        assert all(team[name].roster.roles[user("carl")] is role for name in TEAM)


def test_only_admins_give_roles_and_only_to_juniors() -> None:
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    for author, target, role in (
        ("carl", "carl", Role.ADMIN),
        ("bert", "anna", Role.MEMBER),
        ("anna", "anna", Role.MEMBER),
        ("anna", "dora", Role.READER),
        ("anna", "carl", Role.MEMBER),
    ):
        with pytest.raises(StateError):
            team.act(author, "set_role", user(target), role)


@pytest.mark.parametrize(("before", "after"), [(Role.MEMBER, Role.READER), (Role.ADMIN, Role.MEMBER)])
def test_after_a_loss_of_rights_everybody_begins_anew(before: Role, after: Role) -> None:
    team = Company(*TEAM, roles={"carl": before})
    chains = {name: message_of(team.act(name, "encrypt", b"")).chain_id for name in ("anna", "bert")}
    team.do("anna", "set_role", user("carl"), after)
    for name in ("anna", "bert"):
        out = team.act(name, "encrypt", b"x")
        assert message_of(out).chain_id != chains[name]
        assert kinds(out) == [BROADCAST, MESSAGE], "the key stays: nobody is out"
        assert "carl" in team.deliver(out, name).readers


def test_a_gain_of_rights_lets_chains_go_on() -> None:
    team = Company(*TEAM, roles={"carl": Role.READER})
    chain = message_of(team.act("anna", "encrypt", b"")).chain_id
    team.do("anna", "set_role", user("carl"), Role.ADMIN)
    assert message_of(team.act("anna", "encrypt", b"x")).chain_id == chain
    assert team.say("carl").readers == {"anna", "bert"}


def test_what_a_demoted_member_said_stands_and_what_they_say_is_refused() -> None:
    team = Company(*TEAM)
    team.say("carl", "before")
    unseen = team.act("carl", "encrypt", b"not seen by anna")
    team.deliver(unseen, "carl", to=["bert"])
    out = team.act("anna", "set_role", user("carl"), Role.READER)
    heard = team.deliver(out, "anna", to=["bert"])
    assert [event.index for event in heard.events(MessageDisputed)] == [1]
    assert team.say("carl", "I know of nothing").errors("bert") == [NotPermitted]
    team.hand(out.control, ["carl"])
    with pytest.raises(StateError):
        team.act("carl", "encrypt", b"x")


def test_a_reader_reads_asks_and_leaves() -> None:
    team = Company(*TEAM, "dora", roles={"dora": Role.READER})
    assert team.say("anna").readers == {"bert", "carl", "dora"}
    team.deliver(team.act("anna", "remove", users("carl")), "anna", to=["bert"])
    team.say("bert", "x")
    assert team.ask("dora").texts("dora") == [b"x"]
    assert team["dora"].roster == team["anna"].roster
    with pytest.raises(StateError):
        team.act("dora", "refresh")
    team.do("dora", "leave")
    assert user("dora") not in team["anna"].active


def test_a_chain_of_a_reader_is_refused() -> None:
    """A reader who was a member once, and begins a chain as of now, or as of then."""
    team = Company(*TEAM)
    team.say("carl")
    team.clone("carl", "carl/then")
    team.deliver(team.act("anna", "set_role", user("carl"), Role.READER), "anna", to=["bert", "carl"])
    team.tick(WEEK)
    out = team.act("carl/then", "encrypt", b"as of then")
    heard = team.deliver(out, "carl", to=["anna", "bert"])
    assert heard.readers == set()
    assert heard.errors("anna") == [NotPermitted]


# --- policies --------------------------------------------------------------------------------------------------------


def test_a_group_that_becomes_a_channel_silences_its_members() -> None:
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    chains = {name: message_of(team.act(name, "encrypt", b"")).chain_id for name in TEAM}
    early = team.act("carl", "encrypt", b"early")
    team.do("anna", "set_policy", GroupPolicy(posting=Who.ADMINS))
    with pytest.raises(StateError):
        team.act("carl", "encrypt", b"x")
    assert team.deliver(early, "carl").readers == set()
    for name in ("anna", "bert"):
        out = team.act(name, "encrypt", b"x")
        assert message_of(out).chain_id != chains[name]
        assert team.deliver(out, name).readers == {*TEAM} - {name}
    team.do("anna", "set_policy", GroupPolicy())
    assert team.say("carl").readers == {"anna", "bert"}


def test_only_admins_set_policies() -> None:
    with pytest.raises(StateError):
        Company(*TEAM).act("bert", "set_policy", GroupPolicy(posting=Who.ADMINS))
    with pytest.raises(StateError, match="as it was"):
        Company(*TEAM).act("anna", "set_policy", GroupPolicy())


def test_a_new_limit_holds_for_the_chain_that_runs() -> None:
    team = Company(*TEAM)
    first, second = (message_of(team.act("anna", "encrypt", b"")).chain_id for _ in range(2))
    team.do("anna", "set_policy", GroupPolicy(rotate_messages=2))
    third = message_of(team.act("anna", "encrypt", b"")).chain_id
    assert first == second != third


def test_a_rename_changes_nothing_else() -> None:
    team = Company(*TEAM)
    chain = message_of(team.act("anna", "encrypt", b"")).chain_id
    out = team.act("anna", "rename", "ein anderer Name")
    assert kinds(out) == [BROADCAST]
    team.deliver(out, "anna")
    assert {team[name].roster.name for name in TEAM} == {"ein anderer Name"}
    assert message_of(team.act("anna", "encrypt", b"")).chain_id == chain


# --- sealing: forward secret -----------------------------------------------------------------------------------------

STRICT = GroupPolicy(sealing=Sealing.FORWARD_SECRET)


def test_under_forward_secrecy_who_has_the_base_key_is_skipped_and_named() -> None:
    team = Company("anna", "bert", rotating=("anna", "bert"), policy=STRICT)
    out = team.act("anna", "add", [team.public("carl")])
    assert out.skipped == users("carl")
    assert user("carl") in team["anna"].roster.members, "it stops nobody"
    assert team.deliver(out, "anna").events(RosterChanged, "bert")
    assert team.say("anna").readers == {"bert"}


def test_a_policy_that_becomes_strict_brings_a_fresh_key_to_those_who_may_have_it() -> None:
    team = Company(*TEAM, rotating=("anna", "bert"))
    team.say("anna")
    out = team.act("anna", "set_policy", STRICT)
    assert out.skipped == users("carl")
    assert named(out.control[0]) == {*users("anna", "bert")}
    assert team.deliver(out, "anna").events(EpochKeyReceived, "bert")
    assert team.say("anna").readers == {"bert"}


def test_who_was_skipped_publishes_a_rotating_key_and_comes_back() -> None:
    team = Company(*TEAM, rotating=("anna", "bert"))
    team.do("anna", "set_policy", STRICT)
    team.keys["carl"] = SealingKeys(person("carl"))
    team.records["carl"] = team.keys["carl"].rotate(at=team.tick())
    team.reload("carl")
    team.do("carl", "publish")
    assert team.say("anna").readers == {"bert"}
    assert team.ask("carl").texts("carl") == [b"hello"], "it had waited for the key"
    assert team["carl"].roster == team["anna"].roster
    for name in TEAM:
        assert team.say(name).readers == {*TEAM} - {name}


# --- the epoch key ---------------------------------------------------------------------------------------------------


def test_a_refresh_goes_to_everybody_and_any_poster_may() -> None:
    team = Company(*TEAM, "dora", roles={"dora": Role.READER})
    out = team.act("carl", "refresh")
    assert kinds(out) == [SEALED]
    assert named(out.control[0]) == {*users("anna", "bert", "carl", "dora")}
    heard = team.deliver(out, "carl")
    assert len(heard.events(EpochKeyReceived)) == 3
    assert all(team[name].roster.roles == team["anna"].roster.roles for name in team.groups)


def test_members_take_turns_to_refresh() -> None:
    team = Company(*TEAM)
    second, third = sorted(("bert", "carl"), key=lambda name: bytes(user(name)))
    turns = {"anna": 0, second: 6 * HOUR, third: 12 * HOUR}
    for name, later in turns.items():
        assert not team[name].refresh_due(at=AT + WEEK + later - 1)
        assert team[name].refresh_due(at=AT + WEEK + later)
    team.at = AT + WEEK
    team.do("anna", "refresh")
    for name, later in turns.items():
        assert not team[name].refresh_due(at=team.at + later), "it was done"
        assert team[name].refresh_due(at=team.at + WEEK + later)


def test_readers_and_the_suspended_have_no_turn() -> None:
    team = Company(*TEAM, roles={"bert": Role.READER})
    assert not team["bert"].refresh_due(at=AT + 10 * WEEK)
    team.do("carl", "leave")
    assert not team["carl"].refresh_due(at=AT + 10 * WEEK)
    assert team["anna"].refresh_due(at=AT + 10 * WEEK)


def test_who_stops_using_the_base_key_makes_a_refresh_due() -> None:
    team = Company(*TEAM)
    team.keys["bert"] = SealingKeys(person("bert"))
    team.keys["bert"].rotate(at=AT + 1)
    team.reload("bert")
    team.do("bert", "publish")
    for name in ("anna", "carl"):
        assert team[name].refresh_due(at=team.at)
        assert team.reload(name).refresh_due(at=team.at)
    team.do("anna", "refresh")
    assert not team["anna"].refresh_due(at=team.at)
    assert not team["carl"].refresh_due(at=team.at)


def test_of_two_refreshes_at_once_the_seniors_counts() -> None:
    team = Company(*TEAM)
    outs = {name: team.act(name, "refresh") for name in ("bert", "anna")}
    for name, out in outs.items():
        team.deliver(out, name)
    head = Operation(team["anna"].operations()[-1])
    assert isinstance(head.action, Refresh)
    for name in TEAM:
        assert team[name].roster.key_origin.head == team["anna"].roster.key_origin.head
        assert team[name].pending() == ()
    for name in TEAM:
        out = team.act(name, "encrypt", b"x")
        assert kinds(out) == [BROADCAST, MESSAGE]
        assert team.deliver(out, name).readers == {*TEAM} - {name}


def test_a_refresh_shuts_out_a_thief_of_stored_state() -> None:
    """P5: no epoch key and no chain of before opens anything that is said after."""
    team = Company(*TEAM)
    team.say("anna")
    stolen = MemoryStorage()
    stolen.commit(records_of(team.storages["bert"]), Outgoing())
    team.do("carl", "refresh")
    announcement, message = parts(team.act("anna", "encrypt", b"after"))
    state = State.load(stolen, team["anna"].group_id)
    assert state is not None
    assert state.keys
    for held in state.keys.values():
        with pytest.raises(InvalidMessage):
            open_broadcast(parse_broadcast(announcement), held.key, group_id=team["anna"].group_id)
    assert parse_message(message).chain_id not in state.chains
