"""Knows what a set of operations and leave statements means now (spec: roster.md, ROS-9, ROS-11, ROS-17, ROS-18).

Which roster holds, what waits for an admin's word, whom that suspends, who has left.
Laws: all of it is a function of the set, in whatever order it came; a refused operation changes nothing; what cannot be
judged yet waits, and the heads to ask for are named. Frozen: ``extend`` returns a new history.
"""

# ruff: noqa: SLF001  # History keeps its parts to itself, and the functions of this room are part of it

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from siegel._core import shape
from siegel._core.codec import decode
from siegel._core.frozen import Frozen
from siegel.errors import LimitExceeded, MalformedError, NotPermitted, PeerError
from siegel.events import (
    MembersLeft,
    OperationPending,
    RosterChanged,
    RosterEvent,
    RosterTied,
    SuspensionChanged,
)
from siegel.groups import losing
from siegel.groups.actions import ChainClose, Create
from siegel.groups.branches import Branches, Tie
from siegel.groups.operations import MAX_OPERATION_BYTES, LeaveStatement, Operation
from siegel.groups.roster import Change, Roster, posts
from siegel.identity import UserId

Item: TypeAlias = Operation | LeaveStatement
Statements: TypeAlias = Mapping[UserId, tuple[LeaveStatement, ...]]

# Bounds on what one user can make everybody keep, and on what waits.
MAX_STATEMENTS: Final = 64
MAX_WAITING: Final = 64
MAX_WAITING_BYTES: Final = 1 << 22


class Extension(NamedTuple):
    """A history after new items: what it now is, what to append to the log, what happened, what was refused and why."""

    history: History
    stored: tuple[bytes, ...]
    events: tuple[RosterEvent, ...]
    refused: tuple[tuple[Item, PeerError], ...]


def parse_item(data: bytes) -> Item:
    """The operation or leave statement that the bytes hold, verified. Errors as of the two."""
    if len(data) > MAX_OPERATION_BYTES:
        raise LimitExceeded("roster item", f"more than {MAX_OPERATION_BYTES} bytes")
    kind = shape.kind_of(shape.array(decode(data), None, "roster item"), "roster item")
    return LeaveStatement(data) if kind == shape.LEAVE_STATEMENT else Operation(data)


class History(Frozen):
    """Everything that is known of one group's roster, and what follows from it.

    ``roster`` is the one that holds. ``pending`` are operations of losing branches that no admin has adopted or
    dismissed, lowest first. ``suspended`` members take no part until the pending operations against them are decided;
    ``leavers`` (with the closes of their chains) until they are admitted again.
    """

    __slots__ = (
        "_active",
        "_against",
        "_branches",
        "_statements",
        "_ties",
        "_waiting",
        "leavers",
        "pending",
        "roster",
        "suspended",
    )

    roster: Roster
    pending: tuple[Operation, ...]
    suspended: frozenset[UserId]
    leavers: Mapping[UserId, frozenset[ChainClose]]
    _active: frozenset[UserId] | None  # None until it is asked for: a log that is read makes many histories
    _against: Mapping[bytes, frozenset[UserId]]
    _branches: Branches
    _statements: Statements
    _waiting: tuple[Item, ...]
    _ties: frozenset[Tie]

    def __init__(
        self,
        branches: Branches,
        statements: Statements = MappingProxyType({}),
        waiting: tuple[Item, ...] = (),
        ties: frozenset[Tie] = frozenset(),
    ) -> None:
        roster = branches.roster_at(branches.winner)
        pending = losing.pending(branches, roster)
        against = losing.against(branches, roster, pending)
        self._set(
            _active=None,
            _against=against,
            _branches=branches,
            _statements=statements,
            _waiting=waiting,
            _ties=ties,
            roster=roster,
            pending=pending,
            suspended=frozenset[UserId]().union(*against.values()),
            leavers=_leavers(branches, roster, statements),
        )

    @classmethod
    def found(cls, operation: Operation) -> History:
        """The history of a group that was just founded. NotPermitted for any other operation."""
        return cls(Branches(operation))

    @classmethod
    def load(cls, records: Iterable[bytes]) -> History:
        """The history of a log, whose records are operations and leave statements in any order.

        Errors as of the records; MalformedError if one founds no group or another one, or does not fit the others.
        """
        items = [parse_item(record) for record in records]
        founding = [item for item in items if isinstance(item, Operation) and isinstance(item.action, Create)]
        if not founding:
            raise MalformedError("roster log", "no operation that founds the group")
        extension = _extended(cls.found(founding[0]), items, bounded=False)
        if extension.refused or extension.history._waiting:
            raise MalformedError("roster log", "a record does not fit the others")
        return extension.history

    # --- what is known

    @property
    def records(self) -> tuple[bytes, ...]:
        """The log: every operation after those that it needs, then the leave statements."""
        items: list[Item] = [self._branches.operation(head) for head in self._branches]
        return tuple(item.encode() for item in (*items, *chain.from_iterable(self._statements.values())))

    @property
    def active(self) -> frozenset[UserId]:
        """The members who take part: not suspended, and not leaving."""
        active = self._active
        if active is None:
            members = frozenset(self.roster.members.copy())  # of a dict, whose hashes are at hand
            active = members - self.suspended - self.leavers.keys()
            self._set(_active=active)
        return active

    @property
    def missing(self) -> frozenset[bytes]:
        """The heads that waiting items need, of each the first: ask whoever sent them for what you lack."""
        waiting = {item.head for item in self._waiting if isinstance(item, Operation)}
        needed = (next(self._branches.lacks(item)) for item in self._waiting)  # or one operation asks for a thousand
        return frozenset(needed) - waiting

    def __contains__(self, head: bytes) -> bool:
        return head in self._branches

    def roster_at(self, head: bytes) -> Roster | None:
        """The roster at a head, winning or not; None for a head that is not known."""
        if head == self.roster.head:
            return self.roster
        return self._branches.roster_at(head) if head in self._branches else None

    def roster_of(self, head: bytes) -> Roster:
        """The roster at a head that is known to be known."""
        return self.roster if head == self.roster.head else self._branches.roster_at(head)

    def outline(self, head: bytes) -> Roster:
        """The roster at a known head without its members and without what was decided; at no cost."""
        return self._branches.outline(head)

    def operation(self, head: bytes) -> Operation:
        """The operation with a known head."""
        return self._branches.operation(head)

    def changes(self, start: bytes, end: bytes) -> Iterator[Change]:
        """What the operations above the known head ``start`` did, from ``end`` down."""
        return (self._branches.change(head) for head in self._branches.down(end, start))

    def common(self, one: bytes, other: bytes) -> bytes:
        """The last common head of two known heads."""
        return self._branches.common(one, other)

    def is_calm(self, start: bytes, end: bytes) -> bool:
        """Whether the known head ``end`` is ``start`` or above it, and nobody lost rights on the way from it."""
        return self._branches.is_calm(start, end)

    def may_post(self, user: UserId, head: bytes) -> bool:
        """Whether the user may write messages at a known head."""
        member, roster = self._branches.member(user, head), self.outline(head)
        return not roster.closed and posts(member and member.role, roster.policy)

    def silencings(self, user: UserId) -> Iterator[tuple[bytes, Mapping[bytes, int]]]:
        """Each operation on the winning branch that took the user's right to post, lowest first: its head, and the
        last index by chain id. A chain that is not listed, and not announced above that head, closes at nothing.
        """
        for head in self._branches.silencing(user):
            closes: tuple[ChainClose, ...] = getattr(self._branches.operation(head).action, "closes", ())
            yield head, dict(closes)

    def since(self, head: bytes | None = None) -> tuple[bytes, ...]:
        """What somebody lacks who knows the branch below ``head`` and nothing else; everything, if it is not known."""
        known = set[bytes]()
        if head is not None and head in self._branches:
            known = {*self._branches.path(head)}
        items: list[Item] = [self._branches.operation(other) for other in self._branches if other not in known]
        return tuple(item.encode() for item in (*items, *chain.from_iterable(self._statements.values())))

    def statement(self, user: UserId) -> LeaveStatement:
        """The word of a leaver that they are out: of several, the one at the highest head."""
        standing = (word for word in self._statements[user] if _stands(self._branches, self.roster, word))
        return max(standing, key=lambda word: (self._branches.height(word.head), word.signed))

    # --- more of it

    def extend(self, items: Iterable[Item]) -> Extension:
        """Takes operations and leave statements in any order, duplicates included.

        A refused one changes nothing and says why. NotPermitted: its author has no right to it at its place; or had it,
        and both that right and the branch are lost; or it stands on such a one. Superseded: it is void because its
        branch lost. LimitExceeded: too many of one author are on losing branches, or too many wait.
        """
        return _extended(self, items, bounded=True)


def _extended(old: History, items: Iterable[Item], *, bounded: bool) -> Extension:
    refused: list[tuple[Item, PeerError]] = []
    arrived = list(dict.fromkeys([*old._waiting, *items]))
    branches, statements, waiting = _connect(old, arrived, refused)
    known = len(old._branches)
    if bounded and (verdicts := losing.unwanted(branches, known)):
        # Built again without them: what was refused leaves no trace.
        refused.extend((branches.operation(head), error) for head, error in verdicts.items())
        lost = NotPermitted("a leave statement at a head that is not kept")
        refused.extend((said, lost) for said in chain.from_iterable(statements.values()) if said.head in verdicts)
        gone = {item for item, _ in refused}
        branches, statements, waiting = _connect(old, [item for item in arrived if item not in gone], [])
    if bounded:
        waiting = _newest(waiting, refused)
    ties = losing.ties(branches, known, old.roster.head) if bounded else frozenset[Tie]()
    new = History(branches, MappingProxyType(statements), tuple(waiting), old._ties | ties)
    stored: list[Item] = [branches.operation(head) for head in branches.after(known)]
    stored += [said for user, words in statements.items() for said in words[len(old._statements.get(user, ())) :]]
    return Extension(new, tuple(item.encode() for item in stored), _events(old, new), tuple(refused))


def _connect(
    old: History, items: Iterable[Item], refused: list[tuple[Item, PeerError]]
) -> tuple[Branches, dict[UserId, tuple[LeaveStatement, ...]], list[Item]]:
    """Puts each item in its place, if all that it needs is there; the rest waits, in the order it came."""
    branches, statements = old._branches.copy(), dict(old._statements)
    waiting: defaultdict[bytes, list[Item]] = defaultdict(list)
    queue = list(items)[::-1]
    while queue:
        item = queue.pop()
        if item.group_id != old.roster.group_id:
            refused.append((item, NotPermitted("of another group")))
            continue
        if (lacking := next(branches.lacks(item), None)) is not None:
            waiting[lacking].append(item)
            continue
        try:
            if isinstance(item, LeaveStatement):
                _add_statement(item, branches, statements)
            elif item.head not in branches:
                branches.add(item)
                queue.extend(reversed(waiting.pop(item.head, [])))
        except PeerError as error:
            refused.append((item, error.with_traceback(None)))
    left = {item for others in waiting.values() for item in others}
    return branches, statements, [item for item in items if item in left]


def _add_statement(
    statement: LeaveStatement, branches: Branches, statements: dict[UserId, tuple[LeaveStatement, ...]]
) -> None:
    user = statement.user_id
    if branches.member(user, statement.head) is None:
        raise NotPermitted("a leave statement of somebody who is not in")
    words = statements.get(user, ())
    if statement in words:
        return
    if len(words) >= MAX_STATEMENTS:
        raise LimitExceeded("roster", f"more than {MAX_STATEMENTS} leave statements of one user")
    statements[user] = (*words, statement)


def _newest(waiting: list[Item], refused: list[tuple[Item, PeerError]]) -> list[Item]:
    """Those that may wait; whatever is older than the first for which there is no room gives way."""
    room, kept = MAX_WAITING_BYTES, len(waiting)
    while kept and len(waiting) - kept < MAX_WAITING and (room := room - len(waiting[kept - 1].encode())) >= 0:
        kept -= 1
    refused.extend((item, LimitExceeded("roster", "too many items wait")) for item in waiting[:kept])
    return waiting[kept:]


# --- leaving ---------------------------------------------------------------------------------------------------------


def _leavers(branches: Branches, roster: Roster, statements: Statements) -> Mapping[UserId, frozenset[ChainClose]]:
    """Who has left and was not admitted again since, with the closes of all their statements (ROS-11)."""
    found: dict[UserId, frozenset[ChainClose]] = {}
    for user in statements.keys() & roster.members.keys():
        standing = [statement.closes for statement in statements[user] if _stands(branches, roster, statement)]
        if standing:
            found[user] = frozenset(chain.from_iterable(standing))
    return MappingProxyType(found)


def _stands(branches: Branches, roster: Roster, statement: LeaveStatement) -> bool:
    """Whether the membership that its user left is the one that they have."""
    member = roster.members.get(statement.user_id)
    return member is not None and member.since <= branches.height(branches.common(statement.head, roster.head))


# --- what happened ---------------------------------------------------------------------------------------------------


def _ordered(users: Iterable[UserId]) -> tuple[UserId, ...]:
    return tuple(sorted(users, key=bytes))


def _events(before: History, after: History) -> tuple[RosterEvent, ...]:
    group, old, new = after.roster.group_id, before.roster, after.roster
    events: list[RosterEvent] = []
    if old.head != new.head:
        switched = after.common(old.head, new.head) != old.head
        admitted, removed = new.members.keys() - old.members.keys(), old.members.keys() - new.members.keys()
        events.append(RosterChanged(group, old.head, new.head, switched, _ordered(admitted), _ordered(removed)))
    ties = sorted(after._ties - before._ties, key=lambda tie: tie.heads)
    events.extend(RosterTied(group, tie.author, tie.heads) for tie in ties)
    known = frozenset(before.pending)
    for operation in after.pending:
        if operation not in known:
            against = _ordered(after._against[operation.head])
            events.append(OperationPending(group, operation.head, operation.author, against))
    if before.suspended != after.suspended:
        begun, ended = after.suspended - before.suspended, before.suspended - after.suspended
        events.append(SuspensionChanged(group, _ordered(begun), _ordered(ended)))
    if left := after.leavers.keys() - before.leavers.keys():
        events.append(MembersLeft(group, _ordered(left)))
    return tuple(events)
