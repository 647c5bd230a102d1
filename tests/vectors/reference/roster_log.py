"""What a set of operations and leave statements means, by hand (spec ROS-9, ROS-11, ROS-14 … ROS-18).

Slow: everything is found anew from the whole set after each arrival.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tests.vectors.reference import Refused, require
from tests.vectors.reference.roster_state import NOWHERE, Place, State, change, follow, found, targets
from tests.vectors.reference.roster_wire import Operation, Statement, read_item

Item: TypeAlias = Operation | Statement
Weight: TypeAlias = tuple[int, list[tuple[Place, int]]]
Tie: TypeAlias = tuple[bytes, bytes, bytes]  # author, the head that won, the next

MAX_LOSING: Final = 64
MAX_STATEMENTS: Final = 64
MAX_WAITING: Final = 64
MAX_WAITING_BYTES: Final = 4 * 1_048_576
VOID: Final = frozenset({"adopt", "dismiss", "refresh"})


@dataclass
class Log:
    """Everything that is known of one group, in the order in which it came to be known."""

    root: bytes
    operations: dict[bytes, Operation]
    states: dict[bytes, State]
    statements: list[Statement] = field(default_factory=list[Statement])
    waiting: list[Item] = field(default_factory=list[Item])
    ties: set[Tie] = field(default_factory=set[Tie])

    def copy(self) -> Log:
        """A log of its own with the same items."""
        return Log(
            self.root,
            dict(self.operations),
            dict(self.states),
            list(self.statements),
            list(self.waiting),
            set(self.ties),
        )

    # --- the tree

    def path(self, head: bytes) -> list[bytes]:
        """The heads from the founding operation up to this one."""
        below: list[bytes] = []
        while head:
            below.append(head)
            head = self.operations[head].previous
        return below[::-1]

    def fork(self, one: bytes, other: bytes) -> bytes:
        """The highest head on both paths."""
        return [a for a, b in zip(self.path(one), self.path(other), strict=False) if a == b][-1]

    def fork_height(self, one: bytes, other: bytes) -> int:
        """The height of that head."""
        return self.operations[self.fork(one, other)].height

    # --- what holds (ROS-14 … ROS-16)

    def holds(self) -> bytes:
        """The one head without children that outweighs every other."""
        parents = {operation.previous for operation in self.operations.values()}
        ends = [head for head in self.operations if head not in parents]
        return next(one for one in ends if all(self._outweighs(one, other) for other in ends if other != one))

    def _outweighs(self, one: bytes, other: bytes) -> bool:
        return self._standing(one, other) < self._standing(other, one)

    def _standing(self, head: bytes, other: bytes) -> tuple[Weight, bytes]:
        """What speaks for a head against another one, and its lowest head above their fork."""
        fork = self.fork_height(head, other)
        above = self.path(head)[fork + 1 :]
        operations = [self.operations[step] for step in above]
        acts = [operation for operation in operations if operation.action.kind != "refresh"]
        places = {self.states[o.previous].place(o.author): 1 for o in acts or operations}
        for operation in acts:
            places |= dict.fromkeys(self._left(operation), 0)
        words = [(place, word) for place, word in sorted(places.items()) if place[1] <= fork]
        words.append((NOWHERE, 1))
        last = [word for _, word in words].index(1)
        return (int(not acts), words[: last + 1]), above[0]

    def _left(self, operation: Operation) -> set[Place]:
        """The places of those for whom a removal speaks."""
        state = self.states[operation.previous]
        places = {state.place(statement.user_id) for statement in operation.statements}
        return {place for place in places if place < state.place(operation.author)}

    def tie(self, head: bytes) -> Tie | None:
        """The user who speaks for this head and for the one that holds, if only the hash decided."""
        holding = self.holds()
        (weight, lost), (other, won) = self._standing(head, holding), self._standing(holding, head)
        speaker = weight[1][-1][0]
        if weight != other or speaker == NOWHERE:
            return None
        return speaker[2] or self.states[self.root].founder, won, lost

    @property
    def state(self) -> State:
        """The state at the head that holds."""
        return self.states[self.holds()]

    # --- what waits for a word (ROS-11, ROS-17)

    def pending(self) -> list[Operation]:
        """Operations of losing branches that are not void and not decided, the lowest first."""
        state = self.state
        path = self.path(state.head)
        losing = [o for head, o in self.operations.items() if head not in path and head not in state.decided]
        return sorted((o for o in losing if o.action.kind not in VOID), key=lambda o: (o.height, o.head))

    def suspended(self) -> list[bytes]:
        """Whom a pending operation takes out or demotes."""
        found_against = set[bytes]()
        for operation in self.pending():
            done = change(self.states[operation.previous], self.states[operation.head])
            found_against |= {u for u in done.taken_out | done.demoted if self._was_in(u, operation.head)}
        return sorted(found_against - set(self.state.admins()[:1]))

    def _was_in(self, user: bytes, head: bytes) -> bool:
        """Whether the user is in, admitted not above the fork with this head."""
        state = self.state
        return user in state.members and state.members[user].since <= self.fork_height(head, state.head)

    def leavers(self) -> dict[bytes, list[tuple[bytes, int]]]:
        """Who has left, with the closes of all their standing statements."""
        closes: dict[bytes, set[tuple[bytes, int]]] = {}
        for statement in self.statements:
            if self._was_in(statement.user_id, statement.head):
                closes.setdefault(statement.user_id, set()).update(statement.closes)
        return {user: sorted(closes[user]) for user in sorted(closes)}

    def missing(self) -> list[bytes]:
        """The heads to ask for."""
        here = {*self.operations, *(item.head for item in self.waiting if isinstance(item, Operation))}
        lacking = ([head for head in item.needs() if head not in self.operations] for item in self.waiting)
        return sorted({heads[0] for heads in lacking} - here)


# --- arrivals (ROS-5, ROS-18) -----------------------------------------------------------------------------------------


def begin(data: bytes) -> Log:
    """The log that begins with this operation."""
    item = read_item(data)
    require(isinstance(item, Operation), "place", "not-permitted")
    assert isinstance(item, Operation)
    return Log(item.head, {item.head: item}, {item.head: found(item)})


def arrive(log: Log, data: bytes) -> tuple[Log, list[tuple[bytes, Refused]]]:
    """The log after bytes have arrived, and which items were refused because of that, the waiting ones included."""
    try:
        item = read_item(data)
        require(item.group == log.states[log.root].group, "place", "not-permitted")
    except Refused as refused:
        return log, [(data, refused)]
    if is_known(log, item):
        return log, []
    everything = [*log.waiting, item]
    trial, refusals = _connected(log, everything)
    refusals |= _unwanted(log, trial)
    if refusals:
        trial, _ = _connected(log, [one for one in everything if one.encode() not in refusals])
    while len(trial.waiting) > MAX_WAITING or sum(len(one.encode()) for one in trial.waiting) > MAX_WAITING_BYTES:
        refusals[trial.waiting.pop(0).encode()] = Refused("keep", "limit-exceeded")
    came = [head for head in trial.operations if head not in log.operations]
    path = trial.path(trial.holds())
    lost = [head for head in (*came, log.holds()) if head not in path]
    trial.ties |= {tie for tie in map(trial.tie, lost) if tie}
    return trial, list(refusals.items())


def is_known(log: Log, item: Item) -> bool:
    """Whether an item is here already, in whatever way it is signed."""
    same = [other for other in log.waiting if other.items() == item.items()]
    if isinstance(item, Operation):
        return bool(same) or item.head in log.operations
    return bool(same) or any(other.items() == item.items() for other in log.statements)


def _connected(log: Log, items: Iterable[Item]) -> tuple[Log, dict[bytes, Refused]]:
    """The log with all that can be judged; the rest waits."""
    log, refusals = log.copy(), dict[bytes, Refused]()
    log.waiting = list(items)
    while (item := next((i for i in log.waiting if all(h in log.operations for h in i.needs())), None)) is not None:
        log.waiting.remove(item)
        try:
            _place(log, item)
        except Refused as refused:
            refusals[item.encode()] = refused
    return log, refusals


def _place(log: Log, item: Item) -> None:
    if isinstance(item, Statement):
        require(item.user_id in log.states[item.head].members, "rights", "not-permitted")
        kept = Counter(statement.user_id for statement in log.statements)
        require(kept[item.user_id] < MAX_STATEMENTS, "keep", "limit-exceeded")
        log.statements.append(item)
        return
    on_path = log.path(item.previous)
    named = [log.operations[head] for head in item.named]
    parent = log.states[item.previous]
    forks = {statement.head: log.fork_height(statement.head, item.previous) for statement in item.statements}
    acted = {statement.head: _acted(log, statement.head, forks[statement.head]) for statement in item.statements}
    after = follow(parent, item, named, forks, acted)
    require(not any(head in on_path for head in item.named), "rights", "not-permitted")
    log.operations[item.head] = item
    log.states[item.head] = after


def _acted(log: Log, head: bytes, fork: int) -> set[bytes]:
    """Who signed acts, on the way from a fork up to this head."""
    above = [log.operations[step] for step in log.path(head)[fork + 1 :]]
    return {operation.author for operation in above if operation.action.kind != "refresh"}


def _unwanted(before: Log, after: Log) -> dict[bytes, Refused]:
    """What has come, loses, and is not worth keeping."""
    path = after.path(after.holds())
    new = [operation for head, operation in after.operations.items() if head not in before.operations]
    needed = _needed(after, [operation for operation in new if operation.head in path])
    losing = [operation for operation in new if operation.head not in path and operation.head not in needed]
    verdicts: dict[bytes, Refused] = {}
    decided = after.state.decided
    kept = Counter(o.author for h, o in before.operations.items() if h not in path and h not in decided)
    for operation in losing:
        refused = _verdict(after, operation, verdicts, kept)
        if refused is None:
            kept[operation.author] += 1
        else:
            verdicts[operation.head] = refused
    waiting = [o for o in losing if o.head not in verdicts and o.action.kind not in VOID]
    useful = _needed(after, waiting)
    for operation in losing:
        if operation.action.kind in VOID and operation.head not in useful:
            verdicts.setdefault(operation.head, Refused("keep", "superseded"))
    found_unwanted = {after.operations[head].encode(): refused for head, refused in verdicts.items()}
    for statement in after.statements:
        if statement.head in verdicts:
            found_unwanted[statement.encode()] = Refused("keep", "not-permitted")
    return found_unwanted


def _needed(log: Log, operations: list[Operation]) -> set[bytes]:
    """Everything that these need, and that this needs."""
    found_needed, left = set[bytes](), [head for operation in operations for head in operation.needs()]
    while left:
        head = left.pop()
        if head not in found_needed:
            found_needed.add(head)
            left += log.operations[head].needs()
    return found_needed


def _verdict(log: Log, operation: Operation, verdicts: Mapping[bytes, Refused], kept: Counter[bytes]) -> Refused | None:
    state, author = log.state, operation.author
    if any(head in verdicts for head in operation.needs()):
        return Refused("keep", "not-permitted")
    if operation.action.kind not in VOID:
        against = targets(operation.action) & set(state.members)
        if not (state.has_right(author, operation.action) and all(state.is_senior(author, user) for user in against)):
            return Refused("keep", "not-permitted")
    return Refused("keep", "limit-exceeded") if kept[author] >= MAX_LOSING else None


def outline(log: Log) -> Mapping[str, object]:
    """What is shown of a log that refused something: that it is as it was."""
    return {
        "head": log.state.head,
        "pending": [operation.head for operation in log.pending()],
        "suspended": log.suspended(),
        "leavers": [[user, [list(close) for close in closes]] for user, closes in log.leavers().items()],
        "missing": log.missing(),
    }


def summary(log: Log) -> Mapping[str, object]:
    """Everything that a log says."""
    state = log.state
    return {
        **outline(log),
        "height": state.height,
        "name": state.name.decode(),
        "policy": state.policy,
        "closed": state.closed,
        "members": [[user, state.members[user].role] for user in sorted(state.members)],
        "admins": state.admins(),
        "keyKind": state.key_kind,
        "epoch": state.epoch,
        "holders": state.holders(),
        "decided": sorted(state.decided),
        "ties": [list(tie) for tie in sorted(log.ties)],
    }
