"""Who has what rank where, and who has lost it: the questions that the machine of the roster asks."""

from __future__ import annotations

from collections.abc import Mapping

from siegel import UserId
from siegel.errors import PeerError
from siegel.groups.actions import Refresh
from siegel.groups.history import History
from siegel.groups.operations import LeaveStatement, Operation
from tests.groups.reference import NOBODY, Reference
from tests.groups.rosters import user

EVERYBODY = ("frida", "anna", "bert", "carl", "dora", "mallory", "emil")
NAMES = {user(name): name for name in EVERYBODY}


def heads(history: History) -> list[bytes]:
    return list(history._branches)


def operations(history: History) -> list[Operation]:
    return [history._branches.operation(head) for head in history._branches]


def reference_of(history: History) -> Reference:
    return Reference(operations(history))


def outcasts(history: History) -> set[str]:
    """Who was taken out or demoted on the way to the head that holds, and is not back."""
    rosters = [history.roster_of(head) for head in history._branches.path(history.roster.head)]
    lost = {one for a in rosters for one in a.members if a.seniority(one) < history.roster.seniority(one)}
    return {NAMES[one] for one in lost}


def may_act(history: History, name: str, head: bytes) -> bool:
    roster = history.roster_of(head)
    return not roster.closed and roster.seniority(user(name)) < history.roster.seniority(user(name))


def losing_too(history: History, operation: Operation) -> History | None:
    """The history with an operation that is valid at its place, kept or not; None for any other."""
    branches = history._branches.copy()
    try:
        branches.add(operation)
    except PeerError:
        return None
    return History(branches)


def is_closed(history: History, new: Mapping[bytes, Operation]) -> bool:
    """Whether nothing is lacking, and every operation is valid at its place."""
    branches, left = history._branches.copy(), dict(new)
    while ready := [op for op in left.values() if not list(branches.lacks(op))]:
        for operation in ready:
            del left[operation.head]
            try:
                branches.add(operation)
            except PeerError:
                return False
    return not left


def is_outranked(reference: Reference, holding: list[Operation], operation: Operation, fork: bytes) -> bool:
    """Whether a senior of the author, by the order at the fork, has acted above it, on the way that holds."""
    state, before = reference.state(fork), reference.state(operation.previous)
    above = [step for step in holding if step.height > reference.operations[fork].height]
    acts = [step for step in above if not isinstance(step.action, Refresh)]
    places = [reference.place(step.author, reference.state(step.previous), state) for step in acts]
    return not operation.statements and min(places, default=NOBODY) < reference.place(operation.author, before, state)


def has_lost(reference: Reference, history: History, author: UserId, fork: bytes) -> bool:
    """Whether somebody has not now what they had at the fork."""
    then, now = reference.state(fork), reference.state(history.roster.head)
    if author in then.admins:
        return then.granted[author] != now.granted.get(author)
    return author not in now.admins and (author not in then.roles or then.admitted[author] != now.admitted.get(author))


def is_true_to(reference: Reference, statement: LeaveStatement) -> bool:
    """Whether everything that somebody signed who left stands at or below where they said so."""
    said = {step.head for step in reference.path(statement.head)}
    own = [op for op in reference.operations.values() if op.author == statement.user_id]
    return all(op.head in said or isinstance(op.action, Refresh) for op in own)
