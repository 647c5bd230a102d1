"""Admins, members and an outsider sign what they like, where they like; a server delivers what it likes, as it likes.

What must hold at every step: nobody is in whom no entitled member put in; nobody whose removal was signed by somebody
entitled takes part again without a further act; what somebody signs below a head after a senior took them out changes
nothing; holders of the same set hold the same roster; and nobody can stop the group (ROS-5 … ROS-18).
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from siegel import UserId
from siegel.errors import InvalidArgument, PeerError
from siegel.groups.actions import (
    Action,
    Adopt,
    CloseGroup,
    Dismiss,
    GroupPolicy,
    Refresh,
    Rename,
    Role,
    SetPolicy,
    SetRole,
    Who,
)
from siegel.groups.history import History, Item, parse_item
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import Roster
from tests.groups.reference import Reference, in_roles
from tests.groups.rosters import KEY, add, create, leave, remove, sign, user

ADMINS = ("frida", "anna", "bert")
PEOPLE = (*ADMINS, "carl", "dora", "mallory")  # each of them holds a history of their own
EVERYBODY = (*PEOPLE, "emil")

people = st.sampled_from(PEOPLE)
active = st.sampled_from((*ADMINS, *ADMINS, *PEOPLE))
numbers = st.integers(min_value=0, max_value=10_000)
KINDS = ("add", "add", "remove", "remove", "role", "role", "policy", "rename", "refresh")


def an_act(roster: Roster, kind: str, number: int) -> Action:
    """One of the acts that mean something at this roster, entitled or not."""
    outside = [name for name in EVERYBODY if user(name) not in roster.members]
    inside = [name for name in EVERYBODY if user(name) in roster.members]
    role = list(Role)[number % 7 % 4]
    if kind == "add" and outside:
        return add({outside[number % len(outside)]: role if number % 3 else Role.MEMBER})
    if kind == "remove":
        return remove(inside[number % len(inside)])
    if kind == "role":
        return SetRole(user(inside[number % len(inside)]), role)
    if kind == "policy":
        return SetPolicy(GroupPolicy(list(Who)[number % 2], list(Who)[number // 2 % 2]))
    return Refresh(KEY) if kind == "refresh" else Rename(f"name {number}")


def heads(history: History) -> list[bytes]:
    return list(history._branches)


def operations(history: History) -> list[Operation]:
    return [history._branches.operation(head) for head in history._branches]


def reference_of(history: History) -> Reference:
    return Reference(operations(history))


def meaning(history: History) -> tuple[object, ...]:
    """Everything that a history says."""
    return history.roster, history.pending, history.suspended, dict(history.leavers), history.active


class RosterMachine(RuleBasedStateMachine):
    """One group, six people who hold a history each, and everything that anybody ever signed."""

    @initialize(adding=st.sampled_from(Who))
    def found(self, adding: Who) -> None:
        members = {"anna": Role.ADMIN, "bert": Role.ADMIN, **dict.fromkeys(("carl", "dora", "mallory"), Role.MEMBER)}
        founding = create("frida", members, policy=GroupPolicy(adding=adding))
        self.holders = {name: History.found(founding) for name in PEOPLE}
        self.signed: list[Item] = [founding]

    # --- what people do

    @rule(name=active, kind=st.sampled_from(KINDS), number=numbers)
    def act(self, name: str, kind: str, number: int) -> None:
        """An honest client signs on the roster that it holds to be the right one."""
        roster = self.holders[name].roster
        self.sign_and_take(name, roster, an_act(roster, kind, number))

    @rule(name=active, kind=st.sampled_from(KINDS), number=numbers, place=numbers)
    def act_below(self, name: str, kind: str, number: int, place: int) -> None:
        """Anybody, in or out, signs on any head they know: late, back-dated, or on a branch that lost."""
        history = self.holders[name]
        roster = history.roster_at(heads(history)[place % len(heads(history))])
        assert roster is not None
        self.sign_and_take(name, roster, an_act(roster, kind, number))

    @rule(seed=numbers, count=st.integers(2, 4))
    def act_at_once(self, seed: int, count: int) -> None:
        """Several sign before they hear of each other."""
        choice = random.Random(seed)
        names = choice.sample(PEOPLE, k=count)
        for name in names:
            roster = self.holders[name].roster
            self.sign_and_take(name, roster, an_act(roster, choice.choice(KINDS), choice.randrange(10_000)))
        for name in names:
            self.take(name, self.signed[-count:])

    @precondition(lambda self: len(self.signed) > 5)
    @rule(name=people, number=numbers)
    def leave(self, name: str, number: int) -> None:
        history = self.holders[name]
        near = heads(history)[-3:]
        roster = history.roster_at(near[number % len(near)])
        assert roster is not None
        statement = leave(name, roster)
        self.signed.append(statement)
        self.take(name, [statement])

    @precondition(lambda self: any(history.leavers for history in self.holders.values()))
    @rule(name=active)
    def let_go(self, name: str) -> None:
        """An admin makes leaving final."""
        history = self.holders[name]
        statements = [
            s for s in history._statements.values() if s.user_id in history.leavers and s.user_id != user(name)
        ]
        by_user = {statement.user_id: statement for statement in statements}
        for leaver, statement in by_user.items():
            gone = next(other for other in PEOPLE if user(other) == leaver)
            self.sign_and_take(name, self.holders[name].roster, remove(gone, statements=[statement]))

    @precondition(lambda self: any(history.pending for history in self.holders.values()))
    @rule(name=active, adopts=st.booleans(), first=numbers)
    def decide(self, name: str, *, adopts: bool, first: int) -> None:
        """An admin's client names what is pending, one by one."""
        pending = self.holders[name].pending
        for operation in pending[first % len(pending) :] if pending else ():
            named, roster = (operation.head,), self.holders[name].roster
            if adopts:
                self.sign_and_take(name, roster, Adopt(named))  # one of the two brings the key that it needs
                self.sign_and_take(name, roster, Adopt(named, (), KEY))
            else:
                self.sign_and_take(name, roster, Dismiss(named))

    @precondition(lambda self: len(self.signed) > 30)
    @rule()
    def close(self) -> None:
        self.sign_and_take("frida", self.holders["frida"].roster, CloseGroup())

    # --- what the server does

    @rule(name=people, seed=numbers, count=st.integers(1, 8))
    def deliver(self, name: str, seed: int, count: int) -> None:
        """Some of what was ever signed, some of it twice, in any order; the rest is dropped or comes later."""
        self.take(name, random.Random(seed).choices(self.signed, k=count))

    @rule(name=people)
    def deliver_newest(self, name: str) -> None:
        self.take(name, self.signed[-4:])

    @rule(number=numbers, place=numbers, flip=st.integers(1, 255))
    def swap(self, number: int, place: int, flip: int) -> None:
        """Changed bytes are no operation, whatever was changed."""
        data = bytearray(self.signed[number % len(self.signed)].encode())
        data[place % len(data)] ^= flip
        try:
            parse_item(bytes(data))
        except PeerError:
            return
        raise AssertionError("changed bytes were accepted")

    @rule(seed=numbers)
    def deliver_everything(self, seed: int) -> None:
        """Holders of the same set hold the same roster; and the founder can go on."""
        choice, everything = random.Random(seed), list(self.signed)
        for name in PEOPLE:
            for _ in range(2):  # what was refused as worthless may be needed by what came after it
                choice.shuffle(everything)
                self.take(name, everything)
        self.agree()
        history = self.holders["frida"]
        if not history.roster.closed and user("frida") in history.active:
            going_on = sign("frida", history.roster, Rename(f"name {len(self.signed)}"))
            self.signed.append(going_on)
            for name in PEOPLE:
                self.take(name, [going_on])
                assert self.holders[name].roster.head == going_on.head, "somebody stopped the founder"
        again = self.holders[choice.choice(PEOPLE)]
        records = list(again.records)
        choice.shuffle(records)
        assert meaning(History.load(records)) == meaning(again)

    # --- what must hold

    def sign_and_take(self, name: str, roster: Roster, action: Action) -> None:
        try:
            operation = sign(name, roster, action)
        except InvalidArgument:
            return
        self.signed.append(operation)
        self.take(name, [operation])

    def take(self, name: str, items: Iterable[Item]) -> None:
        before, items = self.holders[name], list(items)
        extension = before.extend(items)
        after = self.holders[name] = extension.history
        outcasts = removed_on_the_way(before)
        new = [item for item in items if isinstance(item, LeaveStatement) or item.head not in before]
        if all(isinstance(item, Operation) and item.author in outcasts for item in new) and not before._waiting:
            assert meaning(after) == meaning(before), "somebody who was taken out changed something"
        assert set(after.records) == set(before.records) | set(extension.stored)
        if extension.stored:
            self.check(after)

    def check(self, history: History) -> None:
        reference = reference_of(history)
        roster = history.roster
        assert reference.winner() == roster.head
        assert in_roles(reference.state(roster.head).roles) == in_roles(roster.roles)
        assert roster.closed or any(role is Role.ADMIN for role in roster.roles.values())
        for operation in operations(history):
            fork = reference.common(operation.head, roster.head)
            above = reference.path(roster.head)[fork.height + 1 :]
            before = reference.state(operation.previous).roles if operation.previous else {}
            after = reference.state(operation.head).roles
            for victim in (one for one in before if one not in after):
                if victim in history.active and operation.head not in roster.decided:
                    assert any(came_in(reference, step, victim) for step in above), "a removed member takes part"

    def agree(self) -> None:
        histories = list(self.holders.values())
        assert all(history.roster == histories[0].roster for history in histories)
        by_set: dict[frozenset[bytes], tuple[object, ...]] = {}
        for history in histories:
            key = frozenset(history.records)
            assert by_set.setdefault(key, meaning(history)) == meaning(history)


def came_in(reference: Reference, operation: Operation, one: UserId) -> bool:
    before, after = reference.state(operation.previous).roles, reference.state(operation.head).roles
    return one in after and (one not in before or isinstance(operation.action, Adopt))


def removed_on_the_way(history: History) -> set[UserId]:
    gone: set[UserId] = set()
    for head in history._path:
        gone |= history._branches.change(head).removed
    return gone - history.roster.members.keys()


RosterMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=40)
TestRosterMachine = RosterMachine.TestCase
