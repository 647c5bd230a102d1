"""What a set of operations means, in whatever order it came: ROS-9 … ROS-11, ROS-14 … ROS-18."""

from __future__ import annotations

import random
from itertools import combinations, permutations, product

import pytest

from siegel.errors import LimitExceeded, MalformedError, NotPermitted, PeerError, Superseded
from siegel.events import (
    MembersLeft,
    OperationPending,
    RosterChanged,
    RosterEvent,
    RosterTied,
    SuspensionChanged,
)
from siegel.groups.actions import Action, Adopt, CloseGroup, Dismiss, GroupPolicy, Refresh, Rename, Role, SetRole, Who
from siegel.groups.history import MAX_STATEMENTS, MAX_WAITING, History, Item, parse_item
from siegel.groups.losing import MAX_LOSING
from siegel.groups.operations import Operation
from tests.groups.machines.ranks import reference_of
from tests.groups.machines.test_roster_machine import meaning
from tests.groups.rosters import KEY, Team, add, close, create, key, leave, remove, sign, user, users

ADMIN, MEMBER, READER, _ = Role

ROLES = {"anna": ADMIN, "bert": MEMBER, "carl": MEMBER, "dora": MEMBER, "mallory": MEMBER}


def team(*, policy: GroupPolicy = GroupPolicy(), **roles: Role) -> Team:  # noqa: B008  # an immutable value
    """Frida, then Anna, then Bert as admins; Bert's grant is younger."""
    started = Team(create(roles={**ROLES, **roles}, policy=policy))
    started.act("frida", SetRole(user("bert"), ADMIN))
    return started


def twin(original: Team) -> Team:
    other = Team.__new__(Team)
    other.history = original.history
    return other


# --- which branch wins -----------------------------------------------------------------------------------------------


def test_the_branch_of_the_most_senior_wins() -> None:
    """ROS-14."""
    here = team()
    fork = here.roster.head
    by_bert = here.act("bert", Rename("bert"))
    assert here.roster.name == "bert"
    by_anna = here.act("anna", Rename("anna"), on=fork)
    assert here.roster.name == "anna"
    here.act("frida", Rename("frida"), on=by_bert.head)
    assert here.roster.name == "frida"
    here.act("anna", Rename("anna again"), on=by_anna.head)
    assert here.roster.name == "frida"


def test_members_stand_behind_admins_and_before_strangers() -> None:
    """ROS-14: by id."""
    here = team(policy=GroupPolicy(adding=Who.MEMBERS))
    fork = here.roster.head
    senior, junior = ("carl", "dora") if bytes(user("carl")) < bytes(user("dora")) else ("dora", "carl")
    by_junior = here.act(junior, add({"emil": MEMBER}))
    by_senior = here.act(senior, add({"emil": MEMBER}), on=fork)
    assert here.roster.head == by_senior.head
    here.act("bert", Rename("x"), on=by_junior.head)
    assert here.roster.name == "x"


def test_a_refresh_endorses_nothing() -> None:
    """ROS-14, ROS-16."""
    here = team()
    fork = here.roster.head
    by_anna = here.act("anna", Refresh(KEY))
    assert here.roster.head == by_anna.head
    by_frida = here.act("frida", Refresh(KEY), on=fork)
    assert here.roster.head == by_frida.head, "among refreshes seniority decides"
    by_bert = here.act("bert", Rename("x"), on=by_anna.head)
    assert here.roster.head == by_bert.head, "an act outweighs any refresh"
    assert here.history.pending == ()


def test_the_lower_hash_where_one_author_endorsed_both() -> None:
    """ROS-14: with an event, for one author may have two devices."""
    here = team()
    fork = here.roster.head
    one, other = (sign("anna", here.roster, Rename(name)) for name in ("one", "other"))
    low, high = sorted((one.head, other.head))
    extension = here.history.extend([one, other])
    assert extension.history.roster.head == low
    tied = [event for event in extension.events if isinstance(event, RosterTied)]
    assert tied == [RosterTied(here.roster.group_id, user("anna"), (low, high))]
    here.take(one, other)
    assert not any(isinstance(e, RosterTied) for e in here.history.extend([one]).events), "said once"
    here.act("frida", Rename("x"), on=high)
    assert here.history.common(fork, here.roster.head) == fork
    assert here.roster.name == "x"


def test_who_was_removed_wins_nothing_below() -> None:
    """ROS-15: back-dated by an admin whom a senior removed."""
    here = team()
    fork = here.roster.head
    here.act("anna", remove("bert"))
    before = meaning(here.history)
    for action in (add({"emil": ADMIN}), remove("carl"), Rename("x"), Refresh(KEY)):
        [error] = here.take(sign("bert", here.at(fork), action))
        assert isinstance(error, NotPermitted | Superseded)
        assert meaning(here.history) == before


def test_who_was_demoted_wins_nothing_below() -> None:
    """ROS-15, ROS-18."""
    here = team()
    fork = here.roster.head
    here.act("anna", SetRole(user("bert"), MEMBER))
    before = meaning(here.history)
    late = sign("bert", here.at(fork), remove("carl"))
    on_top = sign("bert", here.at(fork), add({"emil": MEMBER}))
    assert [type(error) for error in here.take(late, on_top)] == [NotPermitted, NotPermitted]
    assert meaning(here.history) == before


def test_who_has_left_wins_nothing_below() -> None:
    """ROS-15: the most senior left, and a junior made it final."""
    here = team()
    fork = here.roster.head
    here.act("bert", Rename("later"))
    gone = leave("frida", here.roster)
    here.take(gone)
    here.act("anna", remove("frida", statements=[gone]))
    before = meaning(here.history)
    late = sign("frida", here.at(fork), add({"emil": ADMIN}))
    assert [type(error) for error in here.take(late)] == [NotPermitted]
    assert meaning(here.history) == before
    other = Team(parse_founding(here))
    other.take(late, *map(parse_item, here.history.records))
    assert other.roster == here.roster


def test_seniority_ends_with_the_membership() -> None:
    """ROS-15: who left as the first and came back as the last cannot use the old rank, either."""
    here = team()
    fork = here.roster.head
    by_bert = here.act("bert", Rename("bert"))
    gone = leave("frida", here.roster)
    here.take(gone)
    here.act("anna", remove("frida", statements=[gone]))
    here.act("anna", add({"frida": ADMIN}))
    here.act("frida", Rename("back"))
    assert here.take(sign("frida", here.at(fork), Rename("below"))) == []
    assert here.roster.name == "back"
    assert here.history.is_calm(by_bert.head, by_bert.head)


def parse_founding(here: Team) -> Operation:
    founding = parse_item(here.history.records[0])
    assert isinstance(founding, Operation)
    return founding


# --- pending and suspended -------------------------------------------------------------------------------------------


def test_a_losing_removal_suspends() -> None:
    """ROS-17."""
    here = team()
    fork = here.roster.head
    lost = here.act("bert", remove("mallory", "carl"))
    here.act("anna", Rename("x"), on=fork)
    assert here.history.pending == (lost,)
    assert here.history.suspended == set(users("mallory", "carl"))
    assert here.history.active == set(users("frida", "anna", "bert", "dora"))
    adoption = here.act("anna", Adopt((lost.head,), (), KEY))
    assert user("mallory") not in here.roster.members
    after = here.at(adoption.head)
    assert after.decided == {lost.head}
    assert not here.history.pending


def test_a_dismissal_ends_a_suspension() -> None:
    """ROS-10, ROS-17."""
    here = team()
    fork = here.roster.head
    lost = here.act("bert", SetRole(user("carl"), READER))
    here.act("anna", Rename("x"), on=fork)
    assert here.history.suspended == set(users("carl"))
    here.act("anna", Dismiss((lost.head,)))
    assert not here.history.pending
    assert not here.history.suspended
    assert here.roster.role(user("carl")) is MEMBER


@pytest.mark.parametrize("action", [add({"emil": MEMBER}), Rename("y"), SetRole(user("carl"), ADMIN)])
def test_only_what_takes_suspends(action: Action) -> None:
    """ROS-17."""
    here = team()
    fork = here.roster.head
    lost = here.act("bert", action)
    here.act("anna", Rename("x"), on=fork)
    assert here.history.pending == (lost,)
    assert here.history.suspended == set()


def test_suspension_ends_no_right() -> None:
    """ROS-17: the validity of an operation is a matter of its path."""
    here = team()
    fork = here.roster.head
    here.act("anna", remove("bert"))
    here.act("frida", Rename("x"), on=fork)
    assert here.history.suspended == set(users("bert"))
    here.act("bert", Rename("y"))
    assert here.roster.name == "y"


def test_a_new_admission_is_a_new_word() -> None:
    """ROS-17: a pending removal goes against the membership that it saw."""
    here = team()
    fork = here.roster.head
    here.act("bert", remove("carl"))
    here.act("anna", remove("carl"), on=fork)
    here.act("anna", add({"carl": MEMBER}))
    assert len(here.history.pending) == 1
    assert here.history.suspended == set()


def test_a_removal_outlives_its_authors_removal() -> None:
    """ROS-17: Bert removed Mallory, and Anna removed Bert without knowing."""
    here = team()
    fork = here.roster.head
    lost = here.act("bert", remove("mallory"))
    here.act("anna", remove("bert"), on=fork)
    assert here.history.suspended == set(users("mallory"))
    here.act("anna", Adopt((lost.head,), (), KEY))
    assert user("mallory") not in here.roster.members


def test_adopting_what_is_in_effect() -> None:
    """ROS-9: only operations of other branches can be named."""
    here = team()
    named = here.act("bert", remove("mallory"))
    for action in (Adopt((named.head,)), Dismiss((named.head,))):
        assert [type(error) for error in here.take(sign("frida", here.roster, action))] == [NotPermitted]


def test_what_is_named_is_asked_for() -> None:
    """ROS-18: an operation that was not worth keeping is kept once something needs it."""
    here = team()
    fork = here.roster.head
    lost = sign("bert", here.roster, remove("mallory"))
    here.act("anna", remove("bert"))
    without = twin(here)
    assert [type(error) for error in without.take(lost)] == [NotPermitted]
    assert lost.head not in without.history
    knows = Team(parse_founding(here))
    knows.take(*map(parse_item, here.history.records[:2]), lost)
    knows.take(*map(parse_item, here.history.records))
    adoption = knows.act("anna", Adopt((lost.head,), (), KEY))
    assert without.take(adoption) == []
    assert without.history.missing == {lost.head}
    assert without.take(lost) == []
    assert meaning(without.history) == meaning(knows.history)
    assert fork in without.history


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_leaving() -> None:
    """ROS-11."""
    here = team()
    gone = leave("carl", here.roster, close(1, 4))
    assert here.take(gone, gone) == []
    assert here.history.leavers == {user("carl"): {close(1, 4)}}
    assert user("carl") not in here.history.active
    assert here.history.roster.role(user("carl")) is MEMBER
    here.act("bert", remove("carl", statements=[gone]))
    assert here.history.leavers == {}
    here.act("bert", add({"carl": MEMBER}))
    assert here.history.leavers == {}, "a new admission is a new word"
    assert here.take(gone) == []
    assert here.history.leavers == {}, "and the old statement is worth nothing"


def test_leaving_from_a_branch_that_lost() -> None:
    """ROS-11: the statement speaks of the membership that both branches share."""
    here = team()
    fork = here.roster.head
    lost = here.act("bert", Rename("bert"))
    gone = leave("carl", here.at(lost.head))
    here.act("anna", Rename("anna"), on=fork)
    here.take(gone)
    assert set(here.history.leavers) == set(users("carl"))
    here.act("anna", remove("carl", statements=[gone]))
    assert here.history.leavers == {}


def test_statements_that_are_refused() -> None:
    """ROS-11."""
    here = team()
    stranger, foreign = leave("emil", here.roster), leave("carl", Team(create(nonce=3)).roster)
    assert [type(error) for error in here.take(stranger)] == [NotPermitted]
    assert [type(error) for error in here.take(foreign)] == [NotPermitted]
    here.act("anna", remove("carl"))
    assert [type(error) for error in here.take(leave("carl", here.roster))] == [NotPermitted]
    many = [leave("dora", here.roster, at=number) for number in range(MAX_STATEMENTS + 1)]
    assert [type(error) for error in here.take(*many)] == [LimitExceeded]


def test_a_statement_at_a_head_that_is_not_kept() -> None:
    """ROS-18: it keeps nothing alive, and nobody asks for its head again."""
    here = team()
    late = sign("bert", here.roster, remove("carl"))
    gone = leave("bert", here.roster._replace(head=late.head))
    here.act("anna", remove("bert"))
    before = meaning(here.history)
    assert [type(error) for error in here.take(gone, late)] == [NotPermitted, NotPermitted]
    assert meaning(here.history) == before
    assert here.history.missing == set()


def test_what_is_not_valid_does_not_wait() -> None:
    """ROS-18: below it nothing is kept, and nobody asks for what it stands on."""
    here = team()
    late = sign("bert", here.roster, Rename("late"))
    wrong = sign("dora", here.roster._replace(head=late.head, height=late.height), Rename("no"))
    here.act("anna", remove("bert"))
    for arrivals in ([[wrong], [late]], [[late, wrong]], [[wrong, late]]):
        there, refused = twin(here), list[PeerError]()
        for items in arrivals:
            refused += there.take(*items)
        assert [type(error) for error in refused] == [NotPermitted, NotPermitted]
        assert there.history.missing == set()


def test_a_statement_of_another_group() -> None:
    here = team()
    text = leave("carl", here.roster._replace(group_id=bytes(32)))
    assert [type(error) for error in here.take(text)] == [NotPermitted]


# --- what waits, what is refused -------------------------------------------------------------------------------------


def test_nothing_is_lost_that_comes_too_early() -> None:
    """ROS-18."""
    here = team()
    ahead = twin(here)
    chain = [ahead.act("anna", Rename(str(number))) for number in range(5)]
    gone = leave("carl", ahead.roster)
    ahead.take(gone)
    early: list[Item] = [gone, *chain[:0:-1]]
    for item in early:
        assert here.take(item) == []
    assert here.roster.height == 1
    assert here.history.missing == {chain[0].head}
    here.take(chain[0])
    assert meaning(here.history) == meaning(ahead.history)
    assert here.history.missing == set()


def test_not_everything_waits() -> None:
    """ROS-18."""
    here = team()
    ahead = twin(here)
    ahead.act("anna", Rename("unseen"))
    early = [leave("carl", ahead.roster, at=number) for number in range(MAX_WAITING + 3)]
    assert [type(error) for error in here.take(*early)] == [LimitExceeded] * 3


def test_not_everything_is_pending() -> None:
    """ROS-18."""
    here = team()
    fork = here.roster.head
    many = [sign("bert", here.roster, Rename(str(number))) for number in range(MAX_LOSING + 2)]
    here.act("anna", Rename("x"))
    assert [type(error) for error in here.take(*many)] == [LimitExceeded] * 2
    assert len(here.history.pending) == MAX_LOSING
    here.act("anna", Dismiss(tuple(operation.head for operation in here.history.pending)))
    assert here.take(*[item for item in many if item.head not in here.history]) == []
    assert here.history.common(fork, here.roster.head) == fork


def test_void_operations_are_kept_only_for_what_stands_on_them() -> None:
    """ROS-18."""
    here = team()
    refresh = sign("bert", here.roster, Refresh(KEY))
    bert = twin(here)
    bert.take(refresh)
    on_top = bert.act("bert", Rename("y"))
    here.act("anna", Rename("x"))
    assert [type(error) for error in here.take(refresh)] == [Superseded]
    assert refresh.head not in here.history
    assert here.take(on_top) == []
    assert here.history.missing == {refresh.head}
    assert here.take(refresh) == []
    assert here.history.pending == (on_top,)
    assert refresh.head in here.history


def test_an_operation_without_right_changes_nothing() -> None:
    """ROS-7, ROS-18; and whatever stands on it waits in vain."""
    here = team()
    wrong = sign("carl", here.roster, add({"emil": ADMIN}))
    before = meaning(here.history)
    assert [type(error) for error in here.take(wrong)] == [NotPermitted]
    assert meaning(here.history) == before
    with pytest.raises(NotPermitted):
        History.found(wrong)


def test_another_group() -> None:
    here = team()
    assert [type(error) for error in here.take(create(nonce=7))] == [NotPermitted]
    other = Team(create(nonce=7))
    assert [type(error) for error in here.take(other.act("frida", Rename("x")))] == [NotPermitted]
    assert here.history.missing == set()


def test_a_senior_overrules_the_end() -> None:
    """ROS-7, ROS-14: only the most senior admin ends a group."""
    here = team()
    assert [type(error) for error in here.take(sign("anna", here.roster, CloseGroup()))] == [NotPermitted]
    here.act("frida", CloseGroup())
    assert here.roster.closed
    assert [type(error) for error in here.take(sign("frida", here.roster, Rename("x")))] == [NotPermitted]


# --- the log ---------------------------------------------------------------------------------------------------------


def busy() -> Team:
    here = team()
    fork = here.roster.head
    lost = here.act("bert", remove("mallory"))
    here.act("bert", Rename("lost"), on=lost.head)
    here.act("anna", SetRole(user("carl"), READER, (close(7, 3),)), on=fork)
    here.take(leave("dora", here.roster))
    here.act("anna", Adopt((lost.head,), (), KEY))
    return here


def test_the_log_grows_at_its_end() -> None:
    """ROS-18."""
    here = team()
    log = list(here.history.records)
    for item in map(parse_item, busy().history.records):
        extension = here.history.extend([item])
        here.history = extension.history
        log.extend(extension.stored)
    assert sorted(log) == sorted(here.history.records)
    assert meaning(History.load(log)) == meaning(here.history)


def test_the_log_in_any_order() -> None:
    here = busy()
    for seed in range(30):
        records = list(here.history.records) * 2
        random.Random(seed).shuffle(records)
        loaded = History.load(records)
        assert meaning(loaded) == meaning(here.history)
        assert loaded.roster == here.roster


def test_a_log_that_does_not_hold_together() -> None:
    here = busy()
    for records in (here.history.records[1:], here.history.records[:2] + here.history.records[3:], ()):
        with pytest.raises(MalformedError):
            History.load(records)


def test_what_somebody_lacks() -> None:
    here = busy()
    late = Team(parse_founding(here))
    assert here.history.since() == here.history.records
    assert here.history.since(bytes(32)) == here.history.records
    assert len(here.history.since(late.roster.head)) == len(here.history.records) - 1
    late.take(*map(parse_item, here.history.since(late.roster.head)))
    assert meaning(late.history) == meaning(here.history)


# --- questions of other rooms ----------------------------------------------------------------------------------------


def test_the_roster_at_any_head() -> None:
    here = busy()
    for head in reference_of(here.history).operations:
        assert here.at(head).head == head
    assert here.history.roster_at(bytes(32)) is None
    assert bytes(32) not in here.history


def test_calm() -> None:
    here = team()
    start = here.roster.head
    here.act("anna", add({"emil": MEMBER}))
    here.act("anna", Rename("x"))
    still = here.roster.head
    assert here.history.is_calm(start, still)
    assert not here.history.is_calm(still, start)
    for action in (remove("emil"), SetRole(user("carl"), READER), SetRole(user("bert"), MEMBER)):
        other = twin(here)
        end = other.act("frida", action).head
        assert not other.history.is_calm(start, end)
        assert other.history.is_calm(end, end)


def test_closes() -> None:
    """ROS-13."""
    here = team()
    head = here.act("anna", remove("carl", closes=(close(1, 5), close(2, 0)))).head
    closes = {close(1).chain_id: 5, close(2).chain_id: 0}
    assert list(here.history.silencings(user("carl"))) == [(head, closes)]
    here.act("anna", add({"carl": MEMBER}))
    assert list(here.history.silencings(user("carl"))) == [(head, closes)]
    assert list(here.history.silencings(user("dora"))) == []


# --- events ----------------------------------------------------------------------------------------------------------


def events(here: Team, *items: Item) -> tuple[RosterEvent, ...]:
    extension = here.history.extend(items)
    here.history = extension.history
    return extension.events


def test_events() -> None:
    here = team()
    group, fork = here.roster.group_id, here.roster
    lost = sign("bert", fork, remove("mallory"))
    won = sign("anna", fork, add({"emil": MEMBER}))
    gone = leave("carl", fork)
    assert events(here, lost) == (RosterChanged(group, fork.head, lost.head, False, (), users("mallory")),)  # noqa: FBT003  # a field
    assert events(here, won, lost) == (
        RosterChanged(group, lost.head, won.head, True, users("emil", "mallory"), ()),  # noqa: FBT003  # a field
        OperationPending(group, lost.head, user("bert"), users("mallory")),
        SuspensionChanged(group, users("mallory"), ()),
    )
    assert events(here, gone) == (MembersLeft(group, users("carl")),)
    assert events(here, gone, won) == ()
    dismissal = sign("anna", here.roster, Dismiss((lost.head,)))
    assert events(here, dismissal) == (
        RosterChanged(group, won.head, dismissal.head, False, (), ()),  # noqa: FBT003  # a field
        SuspensionChanged(group, (), users("mallory")),
    )


def test_the_union_names_the_events() -> None:
    assert set(RosterEvent.__args__) == {RosterChanged, RosterTied, OperationPending, SuspensionChanged, MembersLeft}


# --- every order of a small world ------------------------------------------------------------------------------------


def small_world() -> tuple[Operation, list[Item]]:
    """Three actors, who sign on the founding head, on each other, late and after being removed; one leaves."""
    here = Team(create(roles={"anna": ADMIN, "bert": ADMIN, "carl": MEMBER}))
    root = here.roster
    first, second = sorted(("anna", "bert"), key=lambda name: bytes(user(name)))
    removal = sign(first, root, remove(second))
    takes = sign(second, root, remove("carl"))
    gives = sign(second, root, add({"emil": ADMIN}))
    here.take(takes, gives)
    here.take(removal)
    adopts = sign(first, here.at(removal.head), Adopt((takes.head,), (), KEY))
    overrules = sign("frida", here.at(takes.head), Refresh(key(second)))
    endorses = sign("frida", here.at(gives.head), Rename("x"))
    gone = leave(first, here.at(removal.head))
    return parse_founding(here), [removal, takes, gives, adopts, overrules, endorses, gone]


def test_every_order_of_every_small_set() -> None:
    """ROS-14 … ROS-18: 21 sets of five, each in all 120 orders, one by one and as a whole: one roster a set."""
    founding, items = small_world()
    for chosen in combinations(items, 5):
        operations = {item.head: item for item in chosen if isinstance(item, Operation)}
        expected = History.found(founding).extend(chosen).history
        assert reference_of(expected).winner() == expected.roster.head
        for order in permutations(chosen):
            history = History.found(founding)
            for item in order:
                history = history.extend([item]).history
            history = history.extend([operations[head] for head in history.missing if head in operations]).history
            assert history.roster == expected.roster
            assert set(history.leavers) == set(expected.leavers)
            if set(history.records) == set(expected.records):
                assert meaning(history) == meaning(expected)


def test_every_pair_of_acts_at_one_head() -> None:
    """Two of three actors sign one act each; both orders agree, and the senior's act is in effect."""
    acts: list[Action] = [
        add({"emil": MEMBER}),
        remove("carl"),
        remove("bert"),
        SetRole(user("carl"), ADMIN),
        SetRole(user("bert"), READER),
        Rename("x"),
        Refresh(KEY),
    ]
    here = team()
    for (senior, junior), one, other in product([("frida", "anna"), ("frida", "bert"), ("anna", "bert")], acts, acts):
        strong, weak = sign(senior, here.roster, one), sign(junior, here.roster, other)
        there, back = twin(here), twin(here)
        there.take(strong, weak)
        back.take(weak)
        back.take(strong)
        assert there.roster == back.roster
        assert weak.head not in there.history or weak.head in back.history
        if not isinstance(one, Refresh) or isinstance(other, Refresh):
            assert there.roster.head == strong.head
        else:
            assert there.roster.head in (weak.head, strong.head)
