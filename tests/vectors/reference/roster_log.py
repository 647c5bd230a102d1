"""What a set of operations and leave statements means, by hand (spec ROS-9, ROS-11, ROS-14 … ROS-18).

Slow: everything is found anew from the whole set after each arrival.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tests.vectors.reference import Refused, require
from tests.vectors.reference.roster_state import Place, State, change, follow, found
from tests.vectors.reference.roster_wire import Operation, Statement, read_item

Item: TypeAlias = Operation | Statement
Weight: TypeAlias = tuple[int, Place, int, Place]
Tie: TypeAlias = tuple[bytes, bytes, bytes]  # author, the head that won, the next

MAX_PENDING: Final = 64
MAX_STATEMENTS: Final = 64
MAX_WAITING: Final = 64
VOID: Final = frozenset({"adopt", "dismiss", "refresh"})


@dataclass
class Log:
    """Everything that is known of one group, in the order in which it came to be known."""

    root: bytes
    operations: dict[bytes, Operation]
    states: dict[bytes, State]
    statements: list[Statement] = field(default_factory=list[Statement])
    waiting: list[Item] = field(default_factory=list[Item])

    def copy(self) -> Log:
        """A log of its own with the same items."""
        return Log(self.root, dict(self.operations), dict(self.states), list(self.statements), list(self.waiting))

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

    def children(self, head: bytes) -> list[bytes]:
        """The heads of the operations whose parent this is."""
        return [other for other, operation in self.operations.items() if operation.previous == head]

    # --- what holds (ROS-14 … ROS-16)

    def holds(self) -> tuple[bytes, list[Tie]]:
        """The head that holds, and the ties on the way."""
        head, ties = self.root, list[Tie]()
        while children := self.children(head):
            fork = self.states[head]
            ranked = sorted((self._weight(child, fork), child) for child in children)
            head = ranked[0][1]
            if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
                ties.append((self._signer(head, fork, ranked[0][0]), head, ranked[1][1]))
        return head, sorted(ties)

    def _weight(self, child: bytes, fork: State) -> Weight:
        return min(weight for operation in self._branch(child) for weight in weights(operation, fork))

    def _branch(self, child: bytes) -> list[Operation]:
        return [operation for head, operation in self.operations.items() if child in self.path(head)]

    def _signer(self, child: bytes, fork: State, weight: Weight) -> bytes:
        """Who gave the branch this weight."""
        return next(o.author for o in self._branch(child) if weight in weights(o, fork))

    @property
    def state(self) -> State:
        """The state at the head that holds."""
        return self.states[self.holds()[0]]

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
        return sorted(found_against)

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
        return sorted({head for item in self.waiting for head in item.needs()} - here)


def weights(operation: Operation, fork: State) -> list[Weight]:
    """What an operation gives to its branch, for its author and for who left by it."""
    kind, author = int(operation.action.kind == "refresh"), fork.place(operation.author)
    own: Weight = kind, author, 1, author
    return [own, *((kind, fork.place(statement.user_id), 0, author) for statement in operation.statements)]


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
    for oldest in trial.waiting[:-MAX_WAITING]:
        refusals[oldest.encode()] = Refused("keep", "limit-exceeded")
    trial.waiting = trial.waiting[-MAX_WAITING:]
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
    after = follow(parent, item, named, forks)
    require(not any(head in on_path for head in item.named), "rights", "not-permitted")
    log.operations[item.head] = item
    log.states[item.head] = after


def _unwanted(before: Log, after: Log) -> dict[bytes, Refused]:
    """What has come, loses, and is not worth keeping."""
    state = after.state
    path = after.path(state.head)
    pending = Counter(o.author for o in after.pending() if o.head in before.operations)
    verdicts: dict[bytes, Refused] = {}
    new = [operation for head, operation in after.operations.items() if head not in before.operations]
    for operation in new:
        if operation.head not in path and operation.head not in state.decided:
            refused = _verdict(operation, state, pending)
            if refused is not None:
                verdicts[operation.head] = refused
    for operation in reversed(new):  # what is needed came before what needs it
        if operation.head not in verdicts:
            for needed in operation.needs():
                verdicts.pop(needed, None)
    found_unwanted = {after.operations[head].encode(): refused for head, refused in verdicts.items()}
    for statement in after.statements:
        if statement.head in verdicts:
            found_unwanted[statement.encode()] = Refused("keep", "not-permitted")
    return found_unwanted


def _verdict(operation: Operation, state: State, pending: Counter[bytes]) -> Refused | None:
    if operation.action.kind in VOID:
        return Refused("keep", "superseded")
    if not state.has_right(operation.author, operation.action):
        return Refused("keep", "not-permitted")
    pending[operation.author] += 1
    return Refused("keep", "limit-exceeded") if pending[operation.author] > MAX_PENDING else None


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
        "ties": [list(tie) for tie in log.holds()[1]],
    }
