"""What somebody gains who signs below, leaves, comes back, or floods: nothing. ROS-10, ROS-11, ROS-14 … ROS-18."""

from __future__ import annotations

from itertools import permutations

import pytest

from siegel.errors import LimitExceeded, NotPermitted, PeerError, Superseded
from siegel.groups.actions import (
    MAX_CLOSES,
    Action,
    Adopt,
    CloseGroup,
    Dismiss,
    GroupPolicy,
    Refresh,
    Rename,
    Role,
    SetRole,
    Who,
)
from siegel.groups.history import MAX_WAITING_BYTES, History
from siegel.groups.losing import MAX_LOSING
from siegel.groups.operations import Operation
from siegel.groups.roster import Roster
from tests.groups.machines.test_roster_machine import meaning
from tests.groups.rosters import KEY, Team, add, close, create, leave, remove, sign, user, users
from tests.groups.test_history import team, twin

ADMIN, MEMBER, READER, _ = Role

ATTEMPTS: list[Action] = [
    add({"emil": ADMIN}),
    remove("carl"),
    remove("anna"),
    SetRole(user("mallory"), ADMIN),
    Rename("x"),
    CloseGroup(),
    Refresh(KEY),
]


def refusals(here: Team, *operations: Operation) -> list[type[PeerError]]:
    """Why each is refused; nothing else may change."""
    before = meaning(here.history)
    errors = [type(error) for error in here.take(*operations)]
    assert meaning(here.history) == before
    return errors


# --- by another's leave statement ------------------------------------------------------------------------------------


def test_the_statement_of_the_founder_is_no_key_for_whoever_was_removed() -> None:
    """ROS-11, ROS-15: Bert, removed by Anna, takes the place of Frida, who left, below his own removal."""
    here = team()
    fork = here.roster.head
    gone = leave("frida", here.roster)
    here.take(gone)
    here.act("anna", remove("bert"))
    assert refusals(here, sign("bert", here.at(fork), remove("frida", statements=[gone]))) == [NotPermitted]


def test_nor_once_her_leaving_is_final() -> None:
    """ROS-11, ROS-15: Carl made it final, who is junior to Bert."""
    here = team()
    fork = here.roster.head
    here.act("frida", SetRole(user("carl"), ADMIN))
    gone = leave("frida", here.roster)
    here.take(gone)
    here.act("anna", remove("bert"))
    left = leave("anna", here.roster)
    here.act("carl", remove("frida", "anna", statements=[gone, left]))
    for on in (fork, here.at(fork).head):
        wrong = remove("frida", statements=[gone])
        assert refusals(here, sign("bert", here.at(on), wrong)) == [NotPermitted]


def test_next_in_line_cannot_undo_what_whoever_left_had_signed() -> None:
    """ROS-11: Frida removed Anna, and left later; her statement is for the path on which she did."""
    here = team()
    fork = here.roster.head
    here.act("frida", remove("anna"))
    gone = leave("frida", here.roster)
    here.take(gone)
    assert refusals(here, sign("anna", here.at(fork), remove("frida", statements=[gone]))) == [NotPermitted]


def test_whoever_left_with_another_does_not_come_back_by_theirs() -> None:
    """ROS-15: Frida and Anna left, and Bert made it final; Anna makes Frida's leaving final below."""
    here = team()
    fork = here.roster.head
    statements = [leave("frida", here.roster), leave("anna", here.roster)]
    here.take(*statements)
    here.act("bert", remove("frida", "anna", statements=statements))
    late = sign("anna", here.at(fork), remove("frida", statements=statements[:1]))
    assert refusals(here, late) == [NotPermitted]
    assert here.roster.first_admin == user("bert")


def test_only_the_next_in_line_makes_a_seniors_leaving_final() -> None:
    """ROS-11."""
    here = team()
    frida, anna = leave("frida", here.roster), leave("anna", here.roster)
    here.take(frida, anna)
    assert refusals(here, sign("bert", here.roster, remove("frida", statements=[frida]))) == [NotPermitted]
    assert refusals(here, sign("bert", here.roster, remove("anna", statements=[anna]))) == [NotPermitted]
    unsaid = remove("frida", "anna", statements=[frida])
    assert refusals(here, sign("bert", here.roster, unsaid)) == [NotPermitted]
    other = twin(here)
    here.act("anna", remove("frida", statements=[frida]))
    other.act("bert", remove("frida", "anna", statements=[frida, anna]))
    other.act("bert", CloseGroup())


def test_whoever_refreshed_before_leaving_is_succeeded() -> None:
    """ROS-11: a refresh says nothing about a branch."""
    here = team()
    fork = here.roster.head
    refreshed = here.act("frida", Refresh(KEY))
    gone = leave("frida", here.at(refreshed.head))
    here.take(gone)
    here.act("anna", Rename("x"), on=fork)
    here.act("anna", remove("frida", statements=[gone]))
    assert user("frida") not in here.roster.members


# --- by an old rank --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ATTEMPTS)
@pytest.mark.parametrize("back", [None, MEMBER])
def test_an_old_rank_is_worth_nothing(action: Action, back: Role | None) -> None:
    """ROS-14, ROS-18: removed, and perhaps in again."""
    here = team(dora=ADMIN)
    fork = here.roster.head
    here.act("anna", remove("bert"))
    if back is not None:
        here.act("anna", add({"bert": back}))
    late = sign("bert", here.at(fork), action)
    assert len(refusals(here, late)) == 1
    refusals(here, late, sign("bert", on(here.at(fork), late), Rename("above")))


@pytest.mark.parametrize("action", ATTEMPTS)
def test_a_new_rank_does_not_renew_the_old_one(action: Action) -> None:
    """ROS-14, ROS-18: in again as an admin; what may be done now is pending, and moves nothing."""
    here = team(dora=ADMIN)
    fork = here.roster.head
    here.act("anna", remove("bert"))
    here.act("anna", add({"bert": ADMIN}))
    before = here.roster
    here.take(sign("bert", here.at(fork), action))
    assert here.roster == before
    assert here.history.suspended <= set(users("carl"))


def test_a_new_grant_does_not_suspend_by_the_old_one() -> None:
    """ROS-18: Carl was senior to Bert, was demoted and is an admin again, junior to Bert."""
    here = team(carl=ADMIN)
    fork = here.roster.head
    here.act("frida", SetRole(user("carl"), MEMBER))
    here.act("frida", SetRole(user("carl"), ADMIN))
    assert refusals(here, sign("carl", here.at(fork), remove("bert"))) == [NotPermitted]
    here.act("anna", Rename("x"))


def test_a_grant_of_a_losing_branch_does_not_suspend_a_senior() -> None:
    """ROS-18: Dora was made an admin on a branch that lost, and again where Carl had become one."""
    here = team()
    fork = here.roster.head
    lost = here.act("bert", SetRole(user("dora"), ADMIN))
    here.act("anna", SetRole(user("carl"), ADMIN), on=fork)
    here.act("anna", SetRole(user("dora"), ADMIN))
    there = here.at(lost.head)
    assert refusals(here, sign("dora", there, remove("carl"))) == [NotPermitted]
    assert refusals(here, sign("dora", there, SetRole(user("carl"), READER))) == [NotPermitted]
    assert here.take(sign("dora", there, remove("mallory"))) == []
    assert here.history.suspended == set(users("mallory"))


def test_a_right_that_came_since_is_a_right() -> None:
    """ROS-18: what an admin signed as a member."""
    here = team(policy=GroupPolicy(adding=Who.MEMBERS))
    adds = sign("carl", here.roster, add({"emil": MEMBER}))
    here.act("anna", SetRole(user("carl"), ADMIN))
    assert here.take(adds) == []
    assert here.history.pending == (adds,)


def test_an_accomplice_keeps_nothing_alive() -> None:
    """ROS-18: Dora, the youngest admin, signs above what Bert signed who was removed; Carl is senior to Dora."""
    here = team()
    here.act("frida", SetRole(user("carl"), ADMIN))
    here.act("frida", SetRole(user("dora"), ADMIN))
    fork = here.roster
    here.act("anna", remove("bert"))
    late = sign("bert", fork, remove("carl"))
    above = sign("dora", on(fork, late), Rename("x"))
    assert refusals(here, late, above) == [NotPermitted, NotPermitted]
    assert here.history.suspended == set()
    here.act("frida", Rename("y"), on=fork.head)
    assert above not in here.history.pending


def test_what_a_senior_endorses_is_kept_whoever_signed_it() -> None:
    """ROS-14, ROS-18: it stands on the path that holds, then."""
    here = team()
    fork = here.roster
    here.act("anna", remove("bert"))
    late = sign("bert", fork, Rename("x"))
    above = sign("frida", on(fork, late), Rename("y"))
    assert here.take(late) != []
    assert here.take(above) == []
    assert here.history.missing == {late.head}
    assert here.take(late) == []
    assert here.roster.head == above.head


# --- by being the last ----------------------------------------------------------------------------------------------


def test_a_founder_who_goes_does_not_stop_the_group() -> None:
    """ROS-10, ROS-17: Frida removed everybody at a head as of which she had left; nobody is left who is not named."""
    here = team()
    fork = here.roster.head
    gone = leave("frida", here.roster)
    lost = here.act("frida", remove("anna", "bert", "carl", "dora", "mallory"))
    here.act("anna", remove("frida", statements=[gone]), on=fork)
    assert here.history.pending == (lost,)
    assert here.history.suspended == set(users("bert", "carl", "dora", "mallory"))
    assert refusals(here, sign("bert", here.roster, Dismiss((lost.head,)))) == [NotPermitted]
    here.act("anna", Dismiss((lost.head,)))
    assert here.history.active == set(users("anna", "bert", "carl", "dora", "mallory"))


def test_who_is_not_the_most_senior_waits_for_them() -> None:
    """ROS-10, ROS-17: Frida signed both of two branches, on two devices; in the one that loses she removed Anna."""
    here = team()
    lost = sign("frida", here.roster, remove("anna"))
    won = next(o for o in (sign("frida", here.roster, Rename(str(n))) for n in range(99)) if o.head < lost.head)
    assert here.take(lost, won) == []
    assert here.history.suspended == set(users("anna"))
    assert refusals(here, sign("anna", here.roster, Dismiss((lost.head,)))) == [NotPermitted]
    here.act("frida", Dismiss((lost.head,)))
    assert not here.history.suspended


# --- by arriving in another order ------------------------------------------------------------------------------------


def test_what_loses_on_its_own_branch_does_not_lift_it() -> None:
    """ROS-14: three members sign at the founding head and above; one of them only what is void where it loses."""
    first, second, third, fourth = sorted(("anna", "bert", "carl", "dora"), key=lambda name: bytes(user(name)))
    members: dict[str, Role] = dict.fromkeys((second, third, fourth), MEMBER)
    founding = create("frida", members, policy=GroupPolicy(adding=Who.MEMBERS))
    root = History.found(founding).roster
    there = Team(founding)
    beside = there.act(third, add({"mallory": MEMBER}))
    opens = there.act(fourth, add({first: MEMBER}), on=root.head)
    above = there.at(opens.head)
    void = sign(second, above, Adopt((beside.head,)))
    by_first = sign(first, above, add({"emil": MEMBER}))
    items = [beside, opens, void, by_first]
    rosters = set[bytes]()
    for order in permutations(items):
        here = Team(founding)
        for _ in range(2):
            for item in order:
                here.take(item)
        rosters.add(here.roster.head)
        whole = Team(founding)
        whole.take(*order)
        rosters.add(whole.roster.head)
        assert History.load(here.history.records).roster == here.roster
    assert len(rosters) == 1


def test_members_stand_by_their_admission() -> None:
    """ROS-8, ROS-14: whoever came back stands behind whoever stayed, whatever their ids."""
    for back, stayed in (("carl", "dora"), ("dora", "carl")):
        here = team(policy=GroupPolicy(adding=Who.MEMBERS))
        here.act("frida", remove(back))
        here.act("frida", add({back: MEMBER}))
        fork = here.roster.head
        here.act(back, add({"emil": MEMBER}))
        old = here.act(stayed, add({"emil": MEMBER}), on=fork)
        assert here.roster.head == old.head


# --- by flooding -----------------------------------------------------------------------------------------------------


def pile(author: str, roster: Roster, count: int) -> list[Operation]:
    """Refreshes, one on top of the other."""
    piled = list[Operation]()
    for number in range(count):
        piled.append(sign(author, roster, Refresh(KEY), at=number))
        roster = on(roster, piled[-1])
    return piled


def on(roster: Roster, operation: Operation) -> Roster:
    """What has to be known of a roster to sign on top of this operation."""
    return roster._replace(head=operation.head, height=operation.height)


def test_void_operations_are_counted() -> None:
    """ROS-18: any number of refreshes, with one addition on top that is worth keeping."""
    here = team(policy=GroupPolicy(adding=Who.MEMBERS))
    fork = here.roster
    here.act("anna", Rename("x"))
    piled = pile("carl", fork, MAX_LOSING + 1)
    addition = sign("dora", on(fork, piled[-1]), add({"emil": MEMBER}))
    errors = set(refusals(here, *piled, addition))
    assert errors == {LimitExceeded, NotPermitted, Superseded}
    assert here.take(*piled[:-1], sign("dora", on(fork, piled[-2]), add({"emil": MEMBER}))) == []
    assert len(here.history.pending) == 1


def test_what_is_decided_is_not_counted() -> None:
    """ROS-18."""
    here = team()
    fork = here.roster
    many = [sign("bert", fork, Rename(str(number))) for number in range(MAX_LOSING + 1)]
    here.act("anna", Rename("x"))
    assert len(here.take(*many)) == 1
    here.act("anna", Dismiss((many[0].head,)))
    assert here.take(many[-1]) == []


def test_what_waits_is_bounded_in_bytes() -> None:
    """ROS-18: the newest that fit, whatever is older."""
    here = team()
    nowhere = here.roster._replace(head=bytes(32))
    closes = tuple(close(number) for number in range(MAX_CLOSES))
    large = [leave("carl", nowhere, *closes, at=number) for number in range(14)]
    small = leave("dora", nowhere)
    fit = MAX_WAITING_BYTES // len(large[-1].encode())
    assert [type(error) for error in here.take(small, *large)] == [LimitExceeded] * (len(large) - fit + 1)
    assert here.history._waiting == tuple(large[-fit:])
