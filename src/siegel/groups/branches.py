"""Knows the tree of a group's operations, and which of its branches wins (spec: roster.md, ROS-14 … ROS-16).

Laws: every operation in the tree is valid at its own place; the winner is a function of the set of operations, in
whatever order they came; what somebody signs below a head that a senior of theirs has endorsed, or below their own
removal, cannot win there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from siegel.errors import NotPermitted
from siegel.groups.actions import Adopt, Dismiss, Refresh
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import Change, References, Roster, Seniority, apply, found
from siegel.identity import UserId


class Tie(NamedTuple):
    """Two branches of one head that the same author endorses: two devices, or two faces."""

    author: UserId
    heads: tuple[bytes, bytes]


class _Node(NamedTuple):
    operation: Operation
    change: Change


class _Weight(NamedTuple):
    """What one operation gives to its branch at a fork; the least wins (ROS-15, ROS-16).

    ``kind``: 0 an act, 1 a refresh. ``senior`` is its author (``plain`` 1), or somebody whose leave statement it has
    (``plain`` 0), who thereby said that they sign nothing beside it. ``signer`` and ``author`` are its author again.
    """

    kind: int
    senior: Seniority
    plain: int
    signer: Seniority
    author: bytes


class Branches:
    """The tree above one founding operation. It grows in place: work on a ``copy`` until the outcome is accepted."""

    __slots__ = ("_children", "_nodes", "_rosters", "root")

    def __init__(self, operation: Operation) -> None:
        """NotPermitted unless the operation founds a group."""
        roster = found(operation)
        self.root = operation.head
        self._nodes = {self.root: _Node(operation, roster.change)}
        self._children: dict[bytes, tuple[bytes, ...]] = {self.root: ()}
        self._rosters = {self.root: roster}  # at the root, at tips and at forks; others are computed from below

    def copy(self) -> Branches:
        """A tree of its own with the same operations."""
        other = Branches.__new__(Branches)
        other.root = self.root
        other._nodes = self._nodes.copy()  # noqa: SLF001  # the class is its own
        other._children = self._children.copy()  # noqa: SLF001  # as above
        other._rosters = self._rosters.copy()  # noqa: SLF001  # as above
        return other

    # --- growing

    def lacks(self, item: Operation | LeaveStatement) -> Iterator[bytes]:
        """The heads that must be here before this can be judged and are not."""
        return (head for head in needs(item) if head not in self._nodes)

    def add(self, operation: Operation) -> None:
        """Puts the operation in its place, once nothing is lacking. NotPermitted, LimitExceeded as ``apply``."""
        parent = operation.previous
        before = self.roster_at(parent)
        after = apply(before, operation, self._references(operation))
        self._nodes[operation.head] = _Node(operation, after.change)
        if self._children[parent] or parent == self.root:
            self._rosters[parent] = before
        else:
            self._rosters.pop(parent, None)
        self._rosters[operation.head] = after
        self._children[parent] += (operation.head,)
        self._children[operation.head] = ()

    def _references(self, operation: Operation) -> References:
        named = _named(operation)
        if any(self.common(head, operation.previous) == head for head in named):
            raise NotPermitted("an operation of the own branch is in effect already")
        return References(
            {head: self.operation(head) for head in named},
            {s.head: self.operation(self.common(s.head, operation.previous)).height for s in operation.statements},
        )

    # --- looking

    def __contains__(self, head: bytes) -> bool:
        return head in self._nodes

    def __iter__(self) -> Iterator[bytes]:
        """All heads, each after those that it needs."""
        return iter(self._nodes)

    def operation(self, head: bytes) -> Operation:
        """The operation with this head."""
        return self._nodes[head].operation

    def change(self, head: bytes) -> Change:
        """What the operation with this head did."""
        return self._nodes[head].change

    def roster_at(self, head: bytes) -> Roster:
        """The roster at a head of the tree."""
        above: list[Operation] = []
        while head not in self._rosters:
            above.append(self.operation(head))
            head = above[-1].previous
        roster = self._rosters[head]
        for operation in reversed(above):
            roster = apply(roster, operation, self._references(operation))
        return roster

    def down(self, head: bytes, end: bytes) -> Iterator[bytes]:
        """The heads from ``head`` down to its ancestor ``end``, without that."""
        while head != end:
            yield head
            head = self.operation(head).previous

    def path(self, head: bytes) -> tuple[bytes, ...]:
        """The heads from the root up to this one."""
        return (*self.down(head, self.root), self.root)[::-1]

    def common(self, one: bytes, other: bytes) -> bytes:
        """The last common head of two heads; one of them, if it is an ancestor of the other."""
        while one != other:
            if self.operation(one).height < self.operation(other).height:
                one, other = other, one
            one = self.operation(one).previous
        return one

    def is_member(self, user: UserId, head: bytes) -> bool:
        """Whether the user is in at this head."""
        for step in reversed(self.path(head)):
            if user in self.change(step).admitted:
                return True
            if user in self.change(step).removed:
                return False
        return False

    # --- the branch that wins

    def winner(self) -> tuple[bytes, frozenset[Tie]]:
        """The head that holds, and the forks at which only the hash decided (ROS-14)."""
        head, ties = self.root, set[Tie]()
        while children := self._children[head]:
            if len(children) == 1:
                (head,) = children
                continue
            fork = self._rosters[head]
            ranked = sorted((self._weight(child, fork), child) for child in children)
            (weight, head), (runner_up, second) = ranked[:2]
            if weight == runner_up:
                ties.add(Tie(UserId(weight.author), (head, second)))
        return head, frozenset(ties)

    def _weight(self, head: bytes, fork: Roster) -> _Weight:
        """The weight of the branch that begins with this head: the best that anybody in it gives it."""
        weights: list[_Weight] = []
        branches = [head]
        while branches:
            operation = self.operation(head := branches.pop())
            kind = int(isinstance(operation.action, Refresh))
            author = fork.seniority(operation.author)
            weights.append(_Weight(kind, author, 1, author, operation.author.data))
            for statement in operation.statements:
                leaver = fork.seniority(statement.user_id)
                weights.append(_Weight(kind, leaver, 0, author, operation.author.data))
            branches.extend(self._children[head])
        return min(weights)


def needs(item: Operation | LeaveStatement) -> tuple[bytes, ...]:
    """The heads without which an operation or statement cannot be judged."""
    if isinstance(item, LeaveStatement):
        return (item.head,)
    below = (item.previous,) if item.previous else ()
    return below + _named(item) + tuple(statement.head for statement in item.statements)


def _named(operation: Operation) -> tuple[bytes, ...]:
    return operation.action.operations if isinstance(operation.action, Adopt | Dismiss) else ()
