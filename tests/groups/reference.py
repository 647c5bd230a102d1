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
from siegel.groups.operations import Operation


@dataclass
class State:
    """What the operations of one path add up to."""

    roles: dict[UserId, Role] = field(default_factory=dict[UserId, Role])
    admins: list[UserId] = field(default_factory=list[UserId])  # most senior first
    adding: Who = Who.ADMINS
    posting: Who = Who.MEMBERS
    closed: bool = False

    def copy(self) -> State:
        return replace(self, roles=dict(self.roles), admins=list(self.admins))

    def junior(self, author: UserId, target: UserId) -> bool:
        if target not in self.admins:
            return author in self.admins
        return author in self.admins and self.admins.index(author) < self.admins.index(target)

    def give(self, user: UserId, role: Role) -> None:
        self.take(user)
        self.roles[user] = role
        if role is Role.ADMIN:
            self.admins.append(user)

    def take(self, user: UserId) -> None:
        self.roles.pop(user, None)
        if user in self.admins:
            self.admins.remove(user)


class Reference:
    """A set of operations, each with everything that it needs."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = {operation.head: operation for operation in operations}
        self._states: dict[bytes, State] = {}
        self.root = next(op.head for op in self.operations.values() if isinstance(op.action, Create))

    def path(self, head: bytes) -> list[Operation]:
        found = [self.operations[head]]
        while found[-1].previous:
            found.append(self.operations[found[-1].previous])
        return found[::-1]

    def common(self, one: bytes, other: bytes) -> Operation:
        both = [a for a, b in zip(self.path(one), self.path(other), strict=False) if a == b]
        return both[-1]

    # --- one path: every act was allowed, by asserting that it was

    def state(self, head: bytes) -> State:
        if head not in self._states:
            operation = self.operations[head]
            state = self.state(operation.previous) if operation.previous else State()
            self.step(state, operation)
            self._states[head] = state
        return self._states[head].copy()

    def step(self, state: State, operation: Operation) -> None:
        assert not state.closed
        author, action = operation.author, operation.action
        if isinstance(action, Create):
            state.give(author, Role.ADMIN)
            for user, role in action.members:
                state.give(user, role)
            state.adding, state.posting = action.policy.adding, action.policy.posting
        elif isinstance(action, Adopt):
            for head in action.operations:
                self.adopt(state, author, self.operations[head])
        elif isinstance(action, Dismiss):
            assert author in state.admins
            for head in action.operations:
                other = self.operations[head]
                assert author not in targets(other.action)
                assert not state.junior(other.author, author) or other.author not in state.admins
        else:
            asked = {statement.user_id for statement in operation.statements}
            self.perform(state, author, action, asked)

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
            for user, role in action.members:  # ascending by id, as admins of one height stand
                state.give(user, role)
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
        head = self.root
        while children := [op.head for op in self.operations.values() if op.previous == head]:
            state = self.state(head)
            head = min(children, key=lambda child: (self.weight(child, state), child))
        return head

    def weight(self, child: bytes, state: State) -> list[tuple[int, bytes]]:
        """0 acts or 1 refreshes; the place among the admins, or behind them; whether it is another's leaving; again."""
        found: list[list[tuple[int, bytes]]] = []
        for operation in self.operations.values():
            path = self.path(operation.head)
            if child in [step.head for step in path]:
                kind, author = int(isinstance(operation.action, Refresh)), operation.author
                for one in (author, *(statement.user_id for statement in operation.statements)):
                    places = self.place(one, state), (int(one == author), b""), self.place(author, state)
                    found.append([(kind, b""), *places])
        return min(found)

    def place(self, user: UserId, state: State) -> tuple[int, bytes]:
        if user not in state.roles:
            return 1_001, user.data
        return (state.admins.index(user), b"") if user in state.admins else (1_000, user.data)


def targets(action: Action) -> frozenset[UserId]:
    """Whom a removal or a change of role goes against."""
    if isinstance(action, Remove):
        return frozenset(action.users)
    return frozenset((action.user,)) if isinstance(action, SetRole) else frozenset()


def in_roles(roles: Mapping[UserId, Role]) -> list[tuple[bytes, str]]:
    """Roles in an order that can be compared and printed."""
    return sorted((user.data, role.name) for user, role in roles.items())
