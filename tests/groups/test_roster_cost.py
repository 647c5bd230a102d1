"""What a roster costs, by counting calls: what is on top costs the same however much is below it (ROS-14 … ROS-18)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from types import FrameType

import pytest

from siegel import UserId
from siegel.groups.actions import Add, Create, GroupPolicy, Rename, Role, SetPolicy, Who
from siegel.groups.history import History
from siegel.groups.operations import Operation
from tests.groups.rosters import KEY, add, create, leave, remove, sign, user
from tests.people import AT, person

SHORT, LONG = 50, 800


def calls(action: Callable[..., object], *given: object) -> int:
    """How many functions are called, those of the interpreter included."""
    count = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        action(*given)
    finally:
        sys.setprofile(None)
    return count


@cache
def log_of(length: int) -> tuple[Operation, ...]:
    """A founding operation, and renamings on top of each other, by two admins."""
    founding = create("frida", {"anna": Role.ADMIN, "bert": Role.ADMIN, "carl": Role.MEMBER})
    operations, roster = [founding], History.found(founding).roster
    for number in range(length):
        operations.append(sign(("frida", "anna")[number % 2], roster, Rename(str(number))))
        roster = roster._replace(head=operations[-1].head, height=operations[-1].height)
    return tuple(operations)


@cache
def history_of(length: int) -> History:
    founding, *others = log_of(length)
    return History.found(founding).extend(others).history


def test_one_more_on_top() -> None:
    """Nothing is read or done again."""
    histories = history_of(SHORT), history_of(LONG)
    short, long = (calls(history.extend, [sign("anna", history.roster, Rename("x"))]) for history in histories)
    assert long <= short + 100, (short, long)


def test_a_log_one_by_one() -> None:
    def all_of(length: int) -> History:
        founding, *others = log_of(length)
        history = History.found(founding)
        for operation in others:
            history = history.extend([operation]).history
        return history

    short, long = calls(all_of, SHORT), calls(all_of, LONG)
    assert long < 1.5 * short * LONG / SHORT, (short, long)
    assert all_of(LONG).roster == history_of(LONG).roster


def test_a_log_is_loaded() -> None:
    short, long = (calls(History.load, history_of(length).records) for length in (SHORT, LONG))
    assert long < 1.5 * short * LONG / SHORT, (short, long)


@pytest.mark.parametrize(
    "ask",
    [
        lambda history, _: list(history.silencings(user("carl"))),
        lambda history, head: history.is_calm(head, history.roster.head),
        lambda history, head: history.may_post(user("carl"), head),
        lambda history, head: history.common(head, history.roster.head),
        lambda history, head: history.outline(head),
    ],
    ids=["silencings", "is_calm", "may_post", "common", "outline"],
)
def test_questions_of_each_message(ask: Callable[[History, bytes], object]) -> None:
    """They are asked for each chain and each head: the steps grow with the logarithm."""
    short, long = (calls(ask, history_of(n), log_of(n)[n // 3].head) for n in (SHORT, LONG))
    assert long <= short + 60, (short, long)


def test_what_is_back_dated_costs_one_way_down() -> None:
    """Insiders may send as many as they like."""
    costs = list[int]()
    for length in (SHORT, LONG):
        history, root = history_of(length), History.found(log_of(length)[0]).roster
        late = [sign("bert", root, Rename(f"late {number}")) for number in range(2)]
        history = history.extend(late[:1]).history
        costs.append(calls(history.extend, late[1:]))
    short, long = costs
    assert long < 1.5 * short * LONG / SHORT, (short, long)


def test_many_members() -> None:
    """In one operation, or one after the other."""
    ids = sorted(sha256(b"%d" % number).digest() for number in range(2_000))
    crowd = tuple((UserId(one), Role.MEMBER) for one in ids)

    def founded(count: int) -> bytes:
        action = Create(bytes(32), "x", GroupPolicy(), crowd[:count], KEY)
        return Operation.found(person("frida"), action=action, at=AT).encode()

    def added(count: int) -> History:
        history = History.found(create())
        for first in range(0, count, 20):
            history = history.extend([sign("frida", history.roster, Add(crowd[first : first + 20]))]).history
        return history

    few, many = (calls(History.load, [founded(count)]) for count in (500, 2_000))
    assert many < 5 * few, (few, many)
    few, many = (calls(History.load, added(count).records) for count in (500, 2_000))
    assert many < 5 * few, (few, many)


def test_statements_of_many() -> None:
    costs = list[int]()
    for count in (10, 40):
        names = [f"guest {number}" for number in range(count)]
        history = History.found(create("frida", dict.fromkeys(names, Role.MEMBER)))
        costs.append(calls(history.extend, [leave(name, history.roster) for name in names]))
    few, many = costs
    assert many < 5 * few, (few, many)


def test_a_policy_that_goes_back_and_forth_is_kept_small() -> None:
    """Who may not post is not listed: it could be ten thousand, by operations of two hundred bytes."""
    members: dict[str, Role] = dict.fromkeys(("carl", "dora"), Role.MEMBER)
    history = History.found(create("frida", members))
    closed, opened = SetPolicy(GroupPolicy(posting=Who.ADMINS)), SetPolicy(GroupPolicy())
    for action in (closed, opened, closed, add({"emil": Role.MEMBER}), opened, remove("dora"), closed):
        history = history.extend([sign("frida", history.roster, action)]).history
    assert [len(history.outline(head).change.silenced) for head in history._branches] == [0, 0, 0, 0, 0, 0, 1, 0]
    assert len(list(history.silencings(user("carl")))) == 3
    assert len(list(history.silencings(user("dora")))) == 3
    assert len(list(history.silencings(user("emil")))) == 1
