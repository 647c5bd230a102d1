"""Admins, members and an outsider sign what they like, where they like; a server delivers what it likes, as it likes.

What must hold at every step: nobody is in whom no entitled member put in; nobody whose removal was signed by somebody
entitled takes part again without a further act; what is signed below a head that a senior endorsed does not move the
roster, and what those sign who lost their rank there changes nothing at all; holders of the same set hold the same
roster; and nobody can stop the group (ROS-5 … ROS-18).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

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
from tests.groups.machines.ranks import (
    EVERYBODY,
    NAMES,
    has_lost,
    heads,
    is_closed,
    is_outranked,
    is_true_to,
    losing_too,
    may_act,
    operations,
    outcasts,
    reference_of,
)
from tests.groups.reference import Reference, in_roles
from tests.groups.rosters import KEY, add, create, leave, remove, sign, user

ADMINS = ("frida", "anna", "bert")
PEOPLE = (*ADMINS, "carl", "dora", "mallory")  # each of them holds a history of their own

STEPS = 10_000
LENGTH = 40  # steps of one group

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


def meaning(history: History) -> tuple[object, ...]:
    """Everything that a history says."""
    return history.roster, history.pending, history.suspended, dict(history.leavers), history.active


class RosterMachine(RuleBasedStateMachine):
    """One group, six people who hold a history each, and everything that anybody ever signed."""

    steps = 0

    @initialize(adding=st.sampled_from(Who))
    def found(self, adding: Who) -> None:
        members = {"anna": Role.ADMIN, "bert": Role.ADMIN, **dict.fromkeys(("carl", "dora", "mallory"), Role.MEMBER)}
        founding = create("frida", members, policy=GroupPolicy(adding=adding))
        self.holders = {name: History.found(founding) for name in PEOPLE}
        self.signed: list[Item] = [founding]
        type(self).steps -= 1  # the founding is counted as a step and is none

    @invariant()
    def count(self) -> None:
        type(self).steps += 1

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

    @precondition(lambda self: any(map(outcasts, self.holders.values())))
    @rule(
        victim=numbers,
        kind=st.sampled_from((*KINDS, "decide", "carry", "close")),
        number=numbers,
        length=st.integers(1, 3),
    )
    def come_back(self, victim: int, kind: str, number: int, length: int) -> None:
        """Somebody who was taken out or demoted signs where they still had a right, and on top of that, and tells all.

        They know everything that anybody ever signed, the statements of others included.
        """
        history = next(history for history in self.holders.values() if outcasts(history))
        gone = sorted(outcasts(history))
        name, knows = gone[victim % len(gone)], history
        below = [head for head in heads(history) if may_act(history, name, head)]
        head, new = below[number % len(below)], list[Item]()
        for _ in range(length):
            roster = knows.roster_of(head)
            operation = self.attempt(name, roster, self.an_attempt(knows, roster, kind, number))
            extended = losing_too(knows, operation) if operation else None
            if operation is None or extended is None:
                break
            knows, head = extended, operation.head
            new.append(operation)
            kind = KINDS[number % len(KINDS)]
        self.signed.extend(new)
        for holder in PEOPLE:
            self.take(holder, new)

    def an_attempt(self, history: History, roster: Roster, kind: str, number: int) -> Action:
        if kind == "close":
            return CloseGroup()
        if kind == "decide":
            others = [head for head in heads(history) if history.common(head, roster.head) != head]
            named = tuple(others[number % len(others) :][:2]) if others else (roster.head,)
            return (Dismiss(named), Adopt(named), Adopt(named, (), KEY))[number % 3]
        if kind == "carry":
            statements = [item for item in self.signed if isinstance(item, LeaveStatement) and item.head in history]
            by_user = {statement.user_id: statement for statement in statements if statement.user_id in roster.members}
            if by_user:
                chosen = sorted(by_user, key=bytes)[: 1 + number % len(by_user)]
                return remove(*(NAMES[one] for one in chosen), statements=[by_user[one] for one in chosen])
        return an_act(roster, kind, number)

    def attempt(self, name: str, roster: Roster, action: Action) -> Operation | None:
        try:
            return sign(name, roster, action)
        except InvalidArgument:
            return None

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
        for leaver in history.leavers.keys() - {user(name)}:
            act = remove(NAMES[leaver], statements=[history.statement(leaver)])
            self.sign_and_take(name, self.holders[name].roster, act)

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
        if not self.holders["frida"].roster.closed:
            self.nobody_is_stopped(self.holders[choice.choice(PEOPLE)])
        again = self.holders[choice.choice(PEOPLE)]
        records = list(again.records)
        choice.shuffle(records)
        assert meaning(History.load(records)) == meaning(again)
        self.check_answers(again)

    # --- what must hold

    def sign_and_take(self, name: str, roster: Roster, action: Action) -> None:
        operation = self.attempt(name, roster, action)
        if operation is not None:
            self.signed.append(operation)
            self.take(name, [operation])

    def take(self, name: str, items: Iterable[Item]) -> None:
        before, items = self.holders[name], list(items)
        extension = before.extend(items)
        after = self.holders[name] = extension.history
        assert set(after.records) == set(before.records) | set(extension.stored)
        if not extension.stored:
            assert meaning(after) == meaning(before), "what was refused left a trace"
        if not before._waiting:
            self.check_power(before, after, items)
        if extension.stored:
            self.check(after)

    def check_power(self, before: History, after: History, items: Iterable[Item]) -> None:
        """Nobody gains by signing below what a senior endorsed, or below where they lost their rank."""
        new = {item.head: item for item in items if isinstance(item, Operation) and item.head not in before}
        if any(isinstance(item, LeaveStatement) for item in items) or not new:
            return
        reference = Reference([*operations(before), *new.values()]) if is_closed(before, new) else None
        if reference is None:
            return
        holding = reference.path(before.roster.head)
        known = {operation.head for operation in holding}
        forks = {head: next(step.head for step in reference.path(head)[::-1] if step.head in known) for head in new}
        if all(is_outranked(reference, holding, op, forks[op.head]) for op in new.values()):
            assert after.roster == before.roster, "somebody got the better of a senior"
        lost = all(has_lost(reference, before, op.author, forks[op.head]) for op in new.values())
        if lost and all(is_true_to(reference, statement) for op in new.values() for statement in op.statements):
            assert after.roster == before.roster, "somebody who lost their rank moved the roster"
            if all(op.author not in before.roster.members for op in new.values()):
                assert meaning(after) == meaning(before), "somebody who is out changed something"
        deciding = any(isinstance(op.action, Adopt | Dismiss) for op in new.values())  # which keep what they stand on
        for operation in after.pending:
            for one in after._against[operation.head] if operation.head in new and not deciding else ():
                assert after.roster.is_senior(operation.author, one), "somebody suspended their senior"

    def check(self, history: History) -> None:
        reference = reference_of(history)
        roster = history.roster
        assert reference.winner() == roster.head
        assert in_roles(reference.state(roster.head).roles) == in_roles(roster.roles)
        assert roster.closed or any(role is Role.ADMIN for role in roster.roles.values())
        for operation in operations(history):
            if isinstance(operation.action, Adopt):
                continue  # what it adopts waits for itself, where the adoption is void
            fork = reference.common(operation.head, roster.head)
            above = reference.path(roster.head)[fork.height + 1 :]
            before = reference.state(operation.previous).roles if operation.previous else {}
            after = reference.state(operation.head).roles
            for victim in (one for one in before if one not in after):
                if victim in history.active and operation.head not in roster.decided and victim != roster.first_admin:
                    assert any(came_in(reference, step, victim) for step in above), "a removed member takes part"

    def check_answers(self, history: History) -> None:
        """What is looked up quickly is what the rosters say."""
        reference = reference_of(history)
        for head in heads(history):
            roster = history.roster_of(head)
            assert in_roles(roster.roles) == in_roles(reference.state(head).roles)
            for one in map(user, EVERYBODY):
                assert history.may_post(one, head) == (roster.may_post(one) and not roster.closed)
            above = reference.path(history.roster.head)
            calm = all(history.outline(step.head).change.is_calm for step in above[roster.height + 1 :])
            assert history.is_calm(head, history.roster.head) == (
                above[roster.height : roster.height + 1] == [reference.operations[head]] and calm
            )
        for one in map(user, EVERYBODY):
            rosters = [history.roster_of(step.head) for step in reference.path(history.roster.head)]
            lost = [
                b.head
                for a, b in pairwise(rosters)
                if a.may_post(one) and (one in b.change.removed or not b.may_post(one))
            ]
            assert [head for head, _ in history.silencings(one)] == lost

    def agree(self) -> None:
        histories = list(self.holders.values())
        assert all(history.roster == histories[0].roster for history in histories)
        by_set: dict[frozenset[bytes], tuple[object, ...]] = {}
        for history in histories:
            key = frozenset(history.records)
            assert by_set.setdefault(key, meaning(history)) == meaning(history)

    def nobody_is_stopped(self, history: History) -> None:
        """The most senior admin ends every suspension; what they sign holds for everybody who had the same roster."""
        first = history.roster.first_admin
        assert first is not None
        name, pending = NAMES[first], tuple(operation.head for operation in history.pending)
        if name not in PEOPLE:
            return
        if pending:
            freed = history.extend([sign(name, history.roster, Dismiss(pending))])
            assert not freed.refused
            assert not freed.history.suspended
        going_on = sign(name, history.roster, Rename(f"name {len(self.signed)}"))
        self.signed.append(going_on)
        for holder in PEOPLE:
            self.take(holder, [going_on])
            assert self.holders[holder].roster.head == going_on.head, "somebody stopped the most senior admin"


def came_in(reference: Reference, operation: Operation, one: UserId) -> bool:
    before, after = reference.state(operation.previous).roles, reference.state(operation.head).roles
    return one in after and (one not in before or isinstance(operation.action, Adopt))


def test_ten_thousand_steps() -> None:
    RosterMachine.steps = 0
    groups = STEPS * 3 // LENGTH // 2  # some end before their time
    run_state_machine_as_test(RosterMachine, settings=settings(max_examples=groups, stateful_step_count=LENGTH))
    assert RosterMachine.steps >= STEPS
