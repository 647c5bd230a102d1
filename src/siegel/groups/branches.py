"""Knows the tree of a group's operations, and which of its heads holds (spec: roster.md, ROS-14 … ROS-16).

Laws: every operation in the tree is valid at its own place; the winner is a function of the set of operations, in
whatever order they came, and of nothing off its path; what somebody signs below a head that a senior of theirs has
endorsed, or below their own removal, cannot win there. What one operation costs does not grow with those before it, as
long as it stands on the winner; elsewhere it grows with the length of the path, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from siegel.errors import NotPermitted
from siegel.groups.actions import Adopt, Dismiss, Refresh, Role
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import NOBODY, Change, Member, Roster, Seniority
from siegel.groups.transitions import References, apply, found, touched
from siegel.identity import UserId

_ROSTERS: Final = 16  # with all members at hand; others are put together from below, for each may have 10,000
_NO_MEMBERS: Final[MappingProxyType[UserId, Member]] = MappingProxyType({})


class Tie(NamedTuple):
    """Two branches of one head that the same user endorses: two devices, or two faces. The first holds."""

    author: UserId
    heads: tuple[bytes, bytes]


class _Node(NamedTuple):
    """An operation in its place.

    ``rank`` is its author's seniority at its parent, ``left`` that of the seniors whose leave statements it carries.
    ``outline`` is its roster without members and decisions, ``members`` are those whose membership it changed (None:
    took out), ``unrest`` is the number of operations at or below it that took rights. ``jump`` is a head below, such
    that each head of the path is found in few steps (Myers, An applicative random-access stack, 1983).
    """

    operation: Operation
    rank: Seniority
    left: frozenset[Seniority]
    outline: Roster
    members: Mapping[UserId, Member | None]
    unrest: int
    jump: bytes


class _Weight(NamedTuple):
    """What the operations above a fork give to a head; the least wins (ROS-14, ROS-15, ROS-16).

    ``kind``: 0 for acts, 1 for refreshes alone. ``words``: who speaks for it, the most senior first, up to the first
    who has not left; with 0 for who has left by one of these operations, 1 for others.
    """

    kind: int
    words: tuple[tuple[Seniority, int], ...]


class Branches:
    """The tree above one founding operation. It grows in place: work on a ``copy`` until the outcome is accepted.

    ``winner`` is the head that holds; ``losing`` are those off its path, each after those that it needs.
    """

    __slots__ = ("_mutings", "_nodes", "_rosters", "_touched", "losing", "root", "winner")

    def __init__(self, operation: Operation) -> None:
        """NotPermitted unless the operation founds a group."""
        roster = found(operation)
        self.root = self.winner = operation.head
        self.losing: tuple[bytes, ...] = ()
        self._nodes: dict[bytes, _Node] = {}
        self._touched: dict[UserId, tuple[bytes, ...]] = {}  # the operations that changed a user's membership
        self._mutings: tuple[bytes, ...] = ()  # those whose policy took the right to post
        self._rosters: dict[bytes, Roster] = {}
        self._put(_Node(operation, NOBODY, frozenset(), _outline(roster), roster.members, 0, self.root), roster)

    def copy(self) -> Branches:
        """A tree of its own with the same operations."""
        other = Branches.__new__(Branches)
        other.root, other.winner, other.losing = self.root, self.winner, self.losing
        other._nodes = self._nodes.copy()  # noqa: SLF001  # the class is its own
        other._touched = self._touched.copy()  # noqa: SLF001  # as above
        other._mutings = self._mutings  # noqa: SLF001  # as above
        other._rosters = self._rosters.copy()  # noqa: SLF001  # as above
        return other

    # --- growing

    def lacks(self, item: Operation | LeaveStatement) -> Iterator[bytes]:
        """The heads that must be here before this can be judged and are not."""
        return (head for head in needs(item) if head not in self._nodes)

    def add(self, operation: Operation) -> None:
        """Puts the operation in its place, once nothing is lacking. NotPermitted, LimitExceeded as ``apply``."""
        before = self.roster_at(operation.previous)
        references = self._references(operation, before)
        after = apply(before, operation, references)
        gone = (s.user_id for s in operation.statements if before.is_senior(s.user_id, operation.author))
        parent = self._nodes[operation.previous]
        node = _Node(
            operation,
            before.seniority(operation.author),
            frozenset(map(before.seniority, gone)),
            _outline(after),
            {user: after.members.get(user) for user in touched(operation, references)},
            parent.unrest + (not after.change.is_calm),
            self._jump(operation.previous),
        )
        self._put(node, after)
        self._rank(operation)

    def _references(self, operation: Operation, before: Roster) -> References:
        named, statements, parent = _named(operation), operation.statements, operation.previous
        if any(self.is_below(head, parent) for head in named):
            raise NotPermitted("an operation of the own branch is in effect already")
        seniors = (s for s in statements if before.is_senior(s.user_id, operation.author))
        return References(
            {head: self.operation(head) for head in named},
            {statement.head: self.height(self.common(statement.head, parent)) for statement in statements},
            frozenset(statement for statement in seniors if self._is_belied(statement, parent)),
        )

    def _is_belied(self, statement: LeaveStatement, parent: bytes) -> bool:
        steps = self.down(statement.head, self.common(statement.head, parent))
        operations = (self.operation(head) for head in steps)
        return any(o.author == statement.user_id and not isinstance(o.action, Refresh) for o in operations)

    def _jump(self, parent: bytes) -> bytes:
        """Twice as far as from the parent, if its two jumps are of one length; else the parent."""
        first = self._nodes[parent].jump
        second = self._nodes[first].jump
        even = self.height(parent) - self.height(first) == self.height(first) - self.height(second)
        return second if even else parent

    def _put(self, node: _Node, roster: Roster) -> None:
        head = node.operation.head
        self._nodes[head] = node
        for user in node.members:
            self._touched[user] = (*self._touched.get(user, ()), head)
        if roster.change.muted:
            self._mutings += (head,)
        self._remember(roster)

    def _rank(self, operation: Operation) -> None:
        if operation.previous == self.winner:
            self.winner = operation.head  # what gives the winner more weight cannot make it lose
        elif self._outweighs(operation.head, self.winner):
            self.winner = operation.head
            self.losing = tuple(head for head in self._nodes if not self.is_below(head, self.winner))
        else:
            self.losing += (operation.head,)

    # --- looking

    def __contains__(self, head: bytes) -> bool:
        return head in self._nodes

    def __iter__(self) -> Iterator[bytes]:
        """All heads, each after those that it needs."""
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def after(self, count: int) -> list[bytes]:
        """The heads without the first ``count``, in the same order."""
        return list(islice(reversed(self._nodes), len(self._nodes) - count))[::-1]

    def operation(self, head: bytes) -> Operation:
        """The operation with this head."""
        return self._nodes[head].operation

    def height(self, head: bytes) -> int:
        """The height of the operation with this head."""
        return self._nodes[head].operation.height

    def change(self, head: bytes) -> Change:
        """What the operation with this head did."""
        return self._nodes[head].outline.change

    def outline(self, head: bytes) -> Roster:
        """The roster at a head of the tree without its members and without what was decided; at no cost."""
        return self._nodes[head].outline

    def roster_at(self, head: bytes) -> Roster:
        """The roster at a head of the tree."""
        steps, below = list[bytes](), head
        while below and below not in self._rosters:
            steps.append(below)
            below = self.operation(below).previous
        roster = self._rosters.get(below)
        if steps or roster is None:
            roster = self._follow(roster, steps[::-1])
        self._remember(roster)
        return roster

    def _follow(self, roster: Roster | None, steps: list[bytes]) -> Roster:
        members = dict(roster.members) if roster else dict[UserId, Member]()
        decided = set(roster.decided) if roster else set[bytes]()
        for node in map(self._nodes.__getitem__, steps):
            decided.update(_named(node.operation))
            for user, member in node.members.items():
                if member is not None:
                    members[user] = member
                else:
                    members.pop(user, None)
        outline = self._nodes[steps[-1]].outline
        return outline._replace(members=MappingProxyType(members), decided=frozenset(decided))

    def _remember(self, roster: Roster) -> None:
        self._rosters.pop(roster.head, None)
        self._rosters[roster.head] = roster
        if len(self._rosters) > _ROSTERS:
            del self._rosters[next(iter(self._rosters))]  # the one that nobody has asked for the longest

    def member(self, user: UserId, head: bytes) -> Member | None:
        """The user's membership at this head; None for somebody who is not in."""
        for step in reversed(self._touched.get(user, ())):
            if self.is_below(step, head):
                return self._nodes[step].members[user]
        return None

    def is_calm(self, start: bytes, end: bytes) -> bool:
        """Whether ``start`` is ``end`` or below it, and nobody lost rights on the way."""
        return self._nodes[start].unrest == self._nodes[end].unrest and self.is_below(start, end)

    def silencing(self, user: UserId) -> list[bytes]:
        """The operations below the winner that took the user's right to post, lowest first."""
        heads = {head for head in self._touched.get(user, ()) if user in self.change(head).silenced}
        heads.update(head for head in self._mutings if self._mutes(head, user))
        return sorted((head for head in heads if self.is_below(head, self.winner)), key=self.height)

    def _mutes(self, head: bytes, user: UserId) -> bool:
        before, after = self.member(user, self.operation(head).previous), self.member(user, head)
        return bool(before and before.role is Role.MEMBER and not (after and after.role is Role.ADMIN))

    # --- paths

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
        height = min(self.height(one), self.height(other))
        one, other = self._at(one, height), self._at(other, height)
        while one != other:
            here, there = self._nodes[one], self._nodes[other]
            if here.jump != there.jump:
                one, other = here.jump, there.jump  # of one height, for they are of one height themselves
            else:
                one, other = here.operation.previous, there.operation.previous
        return one

    def is_below(self, head: bytes, other: bytes) -> bool:
        """Whether a head is another one or an ancestor of it."""
        return self.height(head) <= self.height(other) and self._at(other, self.height(head)) == head

    def _at(self, head: bytes, height: int) -> bytes:
        """The head of this height on the path of another one that is not lower."""
        while (node := self._nodes[head]).operation.height > height:
            head = node.jump if self.height(node.jump) >= height else node.operation.previous
        return head

    # --- the head that holds

    def _outweighs(self, one: bytes, other: bytes) -> bool:
        """Whether one head wins against another, neither of which is an ancestor of the other (ROS-14)."""
        fork = self.common(one, other)
        return self._standing(one, fork) < self._standing(other, fork)

    def tie(self, head: bytes) -> Tie | None:
        """How a losing head lost, if only by the hash, to another branch that the same user endorses."""
        fork = self.common(head, self.winner)
        (mine, second), (its, first) = self._standing(head, fork), self._standing(self.winner, fork)
        speaker = mine.words[-1][0]
        if mine != its or speaker == NOBODY:
            return None
        return Tie(UserId(speaker[2]) if speaker[2] else self.outline(fork).founder, (first, second))

    def _standing(self, head: bytes, fork: bytes) -> tuple[_Weight, bytes]:
        """What counts for a head at a fork, and its first head above."""
        return self._weight(head, fork), self._at(head, self.height(fork) + 1)

    def _weight(self, head: bytes, fork: bytes) -> _Weight:
        """What a head is worth by the operations on its path above the fork.

        A rank counts if it was had at the fork already: a grant or admission above it is the branch's own word.
        """
        nodes = [self._nodes[step] for step in self.down(head, fork)]
        acts = [node for node in nodes if not isinstance(node.operation.action, Refresh)]
        words = dict.fromkeys((node.rank for node in acts or nodes), 1)
        words.update((rank, 0) for node in acts for rank in node.left)
        height = self.height(fork)
        spoken = sorted((rank, plain) for rank, plain in words.items() if rank[1] <= height)
        spoken.append((NOBODY, 1))
        end = next(place for place, (_, plain) in enumerate(spoken) if plain)
        return _Weight(int(not acts), tuple(spoken[: end + 1]))


def needs(item: Operation | LeaveStatement) -> tuple[bytes, ...]:
    """The heads without which an operation or statement cannot be judged."""
    if isinstance(item, LeaveStatement):
        return (item.head,)
    below = (item.previous,) if item.previous else ()
    return below + _named(item) + tuple(statement.head for statement in item.statements)


def _named(operation: Operation) -> tuple[bytes, ...]:
    return operation.action.operations if isinstance(operation.action, Adopt | Dismiss) else ()


def _outline(roster: Roster) -> Roster:
    return roster._replace(members=_NO_MEMBERS, decided=frozenset())
