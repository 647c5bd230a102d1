"""Two admins act at once: one branch loses, what it wanted is pending, and whom it goes against is suspended."""

from __future__ import annotations

import pytest

from siegel.errors import NotPermitted, StateError
from siegel.events import (
    EpochKeyReceived,
    MessageDisputed,
    MessageReinstated,
    OperationPending,
    PartRefused,
    RosterChanged,
    SuspensionChanged,
)
from siegel.groups.actions import Role
from siegel.groups.operations import Operation
from siegel.groups.storage import MemoryStorage
from tests.groups.company import BROADCAST, MESSAGE, SEALED, Company, kinds, named, user, users
from tests.people import public

TEAM = ("anna", "bert", "carl")


def divided() -> tuple[Company, Operation]:
    """Bert removes Carl while Anna, who is senior, renames the group: Bert's removal is pending everywhere."""
    team = Company("anna", "bert", "carl", "dora", roles={"bert": Role.ADMIN})
    for name in ("anna", "bert", "carl", "dora"):
        team.say(name)
    removal = team.act("bert", "remove", users("carl"))
    rename = team.act("anna", "rename", "x")
    heard = team.deliver(removal, "bert")
    team.deliver(rename, "anna")
    assert heard.events(OperationPending, "anna")
    (pending,) = team["anna"].pending()
    return team, pending


def test_a_pending_removal_suspends() -> None:
    team, pending = divided()
    for name in ("anna", "bert", "dora"):
        assert team[name].pending() == (pending,)
        assert team[name].roster.name == "x"
        assert team[name].active == frozenset(users("anna", "bert", "dora"))
        said = team.act(name, "encrypt", b"between us")
        assert kinds(said) == [SEALED, MESSAGE], "carl holds the epoch key"
        assert user("carl") not in named(said.control[0])
        assert team.deliver(said, name).readers == {"anna", "bert", "dora"} - {name}
    assert team.say("carl", "I know of nothing").readers == set()


def test_the_suspended_are_told_only_what_concerns_everybody() -> None:
    team, _ = divided()
    assert team["carl"].roster.name == "x", "the rename went to all who were active"
    assert team.say("carl").errors("anna") == [NotPermitted]
    assert not any(name == "carl" for name in team.say("anna").readers)


def test_an_adopted_removal_is_a_removal() -> None:
    team, pending = divided()
    heard = team.do("anna", "adopt", pending)
    assert user("carl") not in team["dora"].roster.members
    assert heard.events(EpochKeyReceived, "dora"), "it brings a fresh key"
    assert team["dora"].pending() == ()
    assert team.say("dora").readers == {"anna", "bert"}
    assert kinds(team.act("bert", "encrypt", b"x")) == [BROADCAST, MESSAGE]


def test_a_dismissed_removal_ends_the_suspension() -> None:
    team, pending = divided()
    heard = team.do("anna", "dismiss", pending.head)
    assert [event.ended for event in heard.events(SuspensionChanged, "dora")] == [users("carl")]
    assert team["dora"].active == frozenset(users("anna", "bert", "carl", "dora"))
    team.ask("carl")
    for name in ("anna", "bert", "carl", "dora"):
        assert team.say(name, "together again").readers == {"anna", "bert", "carl", "dora"} - {name}


def test_what_the_suspended_said_before_is_disputed_and_reinstated() -> None:
    team = Company("anna", "bert", "carl", roles={"bert": Role.ADMIN})
    team.say("carl", "0")
    removal, rename = team.act("bert", "remove", users("carl")), team.act("anna", "rename", "x")
    team.deliver(rename, "anna")
    heard = team.deliver(removal, "bert")
    assert [event.index for event in heard.events(MessageDisputed, "anna")] == [0]
    (pending,) = team["anna"].pending()
    assert team.do("anna", "dismiss", pending).events(MessageReinstated, "bert")


def test_only_pending_operations_are_decided() -> None:
    team, pending = divided()
    before = {name: team[name].roster for name in team.groups}
    for verb in ("adopt", "dismiss"):
        for operations in ([], [bytes(32)], [team["anna"].roster.head], [pending.head, bytes(32)]):
            with pytest.raises(StateError):
                team.act("anna", verb, *operations)
    with pytest.raises(StateError):
        team.act("dora", "dismiss", pending)
    assert {name: team[name].roster for name in team.groups} == before


def test_an_adopted_admission_lets_the_newcomer_in() -> None:
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    admission, rename = team.act("bert", "add", [public("dora")]), team.act("anna", "rename", "x")
    team.storages["dora"] = MemoryStorage()
    team.deliver(rename, "anna", to=["carl"])
    team.deliver(admission, "bert", to=["anna", "carl"])
    (pending,) = team["anna"].pending()
    team.deliver(rename, "anna", to=["bert"])
    team.do("anna", "adopt", pending)
    assert team["dora"].roster == team["anna"].roster
    for name in ("anna", "bert", "carl", "dora"):
        assert team.say(name).readers == {"anna", "bert", "carl", "dora"} - {name}


def test_after_a_switch_nobody_reads_who_came_by_the_branch_that_lost() -> None:
    """Dora came in by Bert's branch, and was told the chains; Anna's wins, and Dora is out."""
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    team.say("carl")
    rename = team.act("anna", "rename", "x")
    admission = team.act("bert", "add", [public("dora")])
    team.storages["dora"] = MemoryStorage()
    team.deliver(admission, "bert", to=["carl", "dora"])
    assert team.say("carl", to=["bert", "dora"]).readers == {"bert", "dora"}
    heard = team.deliver(rename, "anna", to=["bert", "carl"])
    assert [event.switched for event in heard.events(RosterChanged)] == [True, True]
    for name in ("carl", "bert"):
        assert "dora" not in team.say(name, "not for dora").readers
    assert not heard.events(PartRefused)
