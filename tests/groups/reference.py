"""The rules of the roster once more, slow and from the whole set, for the machines to compare with.

Nothing here is shared with the library but the parsed operations: roles are names in dictionaries, the seniority of
admins is a list in which the founder stands first and every new admin last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from siegel import UserId
from siegel.groups.actions import (
    Action,
    Add,
    Adopt,
    CloseGroup,
    Create,
    Dismiss,
    Refresh,
    Remove,
    Role,
    SetPolicy,
    SetRole,
    Who,
)
from siegel.groups.operations import LeaveStatement, Operation

NOBODY = 1_000_000


@dataclass
class State:
    """What the operations of one path add up to. A grant and an admission are known by the head that made them."""

    roles: dict[UserId, Role] = field(default_factory=dict[UserId, Role])
    admins: list[UserId] = field(default_factory=list[UserId])  # most senior first
    order: list[UserId] = field(default_factory=list[UserId])  # of admission
    admitted: dict[UserId, bytes] = field(default_factory=dict[UserId, bytes])
    granted: dict[UserId, bytes] = field(default_factory=dict[UserId, bytes])
    adding: Who = Who.ADMINS
    posting: Who = Who.MEMBERS
    closed: bool = False
    head: bytes = b""  # of the operation that is being done

    def copy(self) -> State:
        copied = replace(self, roles=dict(self.roles), admitted=dict(self.admitted), granted=dict(self.granted))
        copied.admins, copied.order = list(self.admins), list(self.order)
        return copied

    def junior(self, author: UserId, target: UserId) -> bool:
        if target not in self.admins:
            return author in self.admins
        return author in self.admins and self.admins.index(author) < self.admins.index(target)

    def admit(self, user: UserId, role: Role) -> None:
        assert user not in self.roles
        self.order.append(user)
        self.admitted[user] = self.head
        self.give(user, role)

    def give(self, user: UserId, role: Role) -> None:
        if user in self.admins:
            self.admins.remove(user)
            del self.granted[user]
        self.roles[user] = role
        if role is Role.ADMIN:
            self.admins.append(user)
            self.granted[user] = self.head

    def take(self, user: UserId) -> None:
        self.give(user, Role.READER)
        self.order.remove(user)
        del self.roles[user], self.admitted[user]

    def settle(self) -> None:
        """Who comes in or rises by one operation stands by id, whatever the order in which it names them."""
        for ranked, made in ((self.admins, self.granted), (self.order, self.admitted)):
            new = [user for user in ranked if made[user] == self.head]
            ranked[:] = [user for user in ranked if user not in new] + sorted(new, key=bytes)


class Reference:
    """A set of operations, each with everything that it needs."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = {operation.head: operation for operation in operations}
        self._states: dict[bytes, State] = {}
        self._paths: dict[bytes, list[Operation]] = {}
        self.root = next(op.head for op in self.operations.values() if isinstance(op.action, Create))

    def path(self, head: bytes) -> list[Operation]:
        if head not in self._paths:
            operation = self.operations[head]
            self._paths[head] = [*(self.path(operation.previous) if operation.previous else ()), operation]
        return self._paths[head]

    def common(self, one: bytes, other: bytes) -> Operation:
        both = [a for a, b in zip(self.path(one), self.path(other), strict=False) if a == b]
        return both[-1]

    # --- one path: every act was allowed, by asserting that it was

    def state(self, head: bytes) -> State:
        if head not in self._states:
            operation = self.operations[head]
            state = self.state(operation.previous).copy() if operation.previous else State()
            state.head = head
            self.step(state, operation)
            state.settle()
            if not operation.previous:  # the founder comes first
                state.admins.sort(key=lambda user: user != operation.author)
            self._states[head] = state
        return self._states[head]

    def step(self, state: State, operation: Operation) -> None:
        assert not state.closed
        author, action = operation.author, operation.action
        if isinstance(action, Create):
            for user, role in (*action.members, (author, Role.ADMIN)):
                state.admit(user, role)
            state.adding, state.posting = action.policy.adding, action.policy.posting
        elif isinstance(action, Adopt):
            for head in action.operations:
                self.adopt(state, author, self.operations[head])
        elif isinstance(action, Dismiss):
            assert author in state.admins
            for head in action.operations:
                other = self.operations[head]
                if author != state.admins[0]:
                    assert author not in targets(other.action)
                    assert not state.junior(other.author, author) or other.author not in state.admins
        else:
            gone = self.left(operation, state)
            assert gone <= {s.user_id for s in operation.statements if self.means(s, operation.previous)}
            self.perform(state, author, action, gone)

    def left(self, operation: Operation, state: State) -> set[UserId]:
        """Those for whom a removal speaks: seniors of its author who left, if nobody is left who is senior."""
        seniors = {user for user in state.admins if state.junior(user, operation.author)}
        gone = {statement.user_id for statement in operation.statements} & seniors
        assert not gone or gone == seniors
        return gone

    def means(self, statement: LeaveStatement, head: bytes) -> bool:
        """Whether somebody who left signed no act between this path and where they said so."""
        mine = {step.head for step in self.path(head)}
        above = [step for step in self.path(statement.head) if step.head not in mine]
        return all(step.author != statement.user_id or isinstance(step.action, Refresh) for step in above)

    def adopt(self, state: State, adopter: UserId, other: Operation) -> None:
        action = other.action
        if isinstance(action, Add):
            action = Add(tuple(pair for pair in action.members if pair[0] not in state.roles))
            if action.members:
                assert self.may_add(state, other.author, action)
        elif isinstance(action, Remove):
            action = action._replace(users=tuple(user for user in action.users if user in state.roles))
        elif isinstance(action, SetRole):
            if state.roles.get(action.user) in (None, action.role):
                return
        else:
            assert other.author in state.admins or (isinstance(action, SetPolicy) and self.has(state, action))
        self.perform(state, adopter, action, set())

    def has(self, state: State, action: SetPolicy) -> bool:
        return (state.adding, state.posting) == (action.policy.adding, action.policy.posting)

    def may_add(self, state: State, author: UserId, action: Add) -> bool:
        if author in state.admins:
            return True
        plain = all(role is Role.MEMBER for _, role in action.members)
        return state.adding is Who.MEMBERS and state.roles.get(author) is Role.MEMBER and plain

    def perform(self, state: State, author: UserId, action: Action, asked: set[UserId]) -> None:
        if isinstance(action, Add):
            assert self.may_add(state, author, action)
            assert not any(user in state.roles for user, _ in action.members)
            for user, role in action.members:
                state.admit(user, role)
            return
        if isinstance(action, Refresh):
            assert author in state.admins or (state.posting is Who.MEMBERS and state.roles.get(author) is Role.MEMBER)
            return
        assert author in state.admins
        if isinstance(action, Remove):
            for user in action.users:
                assert user != author
                assert user in asked or state.junior(author, user)
                assert user in state.roles
                state.take(user)
        elif isinstance(action, SetRole):
            assert action.user != author
            assert state.junior(author, action.user)
            state.give(action.user, action.role)
        elif isinstance(action, SetPolicy):
            state.adding, state.posting = action.policy.adding, action.policy.posting
        elif isinstance(action, CloseGroup):
            assert state.admins[0] == author
            state.closed = True

    # --- many paths: which one holds

    def winner(self) -> bytes:
        """The one head without children that beats every other."""
        parents = {operation.previous for operation in self.operations.values()}
        tips = [head for head in self.operations if head not in parents]
        best = tips[0]
        for tip in tips[1:]:
            best = tip if self.beats(tip, best) else best
        assert all(tip == best or self.beats(best, tip) for tip in tips)
        return best

    def beats(self, one: bytes, other: bytes) -> bool:
        fork = self.common(one, other)
        ours, theirs = self.path(one)[fork.height + 1 :], self.path(other)[fork.height + 1 :]
        return (self.weight(ours, fork.head), ours[0].head) < (self.weight(theirs, fork.head), theirs[0].head)

    def weight(self, steps: list[Operation], fork: bytes) -> list[tuple[int, int]]:
        """Whether there are acts; then each user who left or, as the last one, speaks, by their place at the fork."""
        state = self.state(fork)
        acts = [step for step in steps if not isinstance(step.action, Refresh)]
        leavers, speakers = set[int](), set[int]()
        for step in acts or steps:
            before = self.state(step.previous)
            leavers |= {self.place(user, before, state) for user in self.left(step, before)}
            speakers.add(self.place(step.author, before, state))
        speaker = min(speakers - leavers, default=NOBODY)
        gone = [(place, 0) for place in sorted(leavers) if place < speaker]
        return [(0 if acts else 1, 0), *gone, (speaker, 1)]

    def place(self, user: UserId, before: State, fork: State) -> int:
        """The user's place at a fork, if what they are where they sign is what they were there."""
        if user in before.admins:
            same = before.granted[user] == fork.granted.get(user)
            return fork.admins.index(user) if same else NOBODY
        same = before.admitted[user] == fork.admitted.get(user)
        return len(fork.admins) + fork.order.index(user) if same else NOBODY


def targets(action: Action) -> frozenset[UserId]:
    """Whom a removal or a change of role goes against."""
    if isinstance(action, Remove):
        return frozenset(action.users)
    return frozenset((action.user,)) if isinstance(action, SetRole) else frozenset()


def in_roles(roles: Mapping[UserId, Role]) -> list[tuple[bytes, str]]:
    """Roles in an order that can be compared and printed."""
    return sorted((user.data, role.name) for user, role in roles.items())
