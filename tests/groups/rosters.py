"""Groups for the tests of the roster: people by name, signed operations on top of any head, the set as one history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from siegel import UserId
from siegel.errors import PeerError
from siegel.groups.actions import (
    Action,
    Add,
    ChainClose,
    Create,
    FreshKey,
    GroupPolicy,
    Remove,
    Role,
)
from siegel.groups.history import History, Item
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import Roster, propose
from tests.people import AT, person

KEY = FreshKey(bytes(32))


def user(name: str) -> UserId:
    return person(name).user_id


def users(*names: str) -> tuple[UserId, ...]:
    return tuple(sorted(map(user, names), key=bytes))


def ranked(roles: Mapping[str, Role]) -> tuple[tuple[UserId, Role], ...]:
    return tuple(sorted(((user(name), role) for name, role in roles.items()), key=lambda pair: bytes(pair[0])))


def key(*withheld: str, seed: bytes = b"") -> FreshKey:
    return FreshKey(sha256(seed).digest(), users(*withheld))


def chain(number: int) -> bytes:
    return number.to_bytes(16, "big")


def close(number: int, last: int = 0) -> ChainClose:
    return ChainClose(chain(number), last)


def create(
    founder: str = "frida",
    roles: Mapping[str, Role] | None = None,
    *,
    name: str = "a group",
    policy: GroupPolicy = GroupPolicy(),  # noqa: B008  # an immutable value
    nonce: int = 0,
    fresh: FreshKey = KEY,
    at: int = AT,
) -> Operation:
    action = Create(nonce.to_bytes(32, "big"), name, policy, ranked(roles or {}), fresh)
    return Operation.found(person(founder), action=action, at=at)


def add(roles: Mapping[str, Role]) -> Add:
    return Add(ranked(roles))


def remove(
    *names: str,
    statements: Iterable[LeaveStatement] = (),
    closes: tuple[ChainClose, ...] = (),
    fresh: FreshKey = KEY,
) -> Remove:
    return Remove(users(*names), tuple(statement.encode() for statement in statements), closes, fresh)


def leave(name: str, roster: Roster, *closes: ChainClose, at: int = AT) -> LeaveStatement:
    return LeaveStatement.sign(person(name), group_id=roster.group_id, head=roster.head, closes=closes, at=at)


def sign(name: str, roster: Roster, action: Action, *, at: int = AT) -> Operation:
    return propose(roster, person(name), action, at=at)


class Team:
    """One holder of a history, who takes what others sign."""

    def __init__(self, founding: Operation) -> None:
        self.history = History.found(founding)

    @property
    def roster(self) -> Roster:
        return self.history.roster

    def at(self, head: bytes) -> Roster:
        roster = self.history.roster_at(head)
        assert roster is not None
        return roster

    def take(self, *items: Item) -> list[PeerError]:
        """What was refused, and why."""
        extension = self.history.extend(items)
        self.history = extension.history
        return [error for _, error in extension.refused]

    def act(self, name: str, action: Action, *, on: bytes | None = None, at: int = AT) -> Operation:
        """Signs on the roster that holds, or on another head, and takes it; it must be accepted."""
        operation = sign(name, self.roster if on is None else self.at(on), action, at=at)
        assert self.take(operation) == []
        return operation

    def names(self, group: Iterable[UserId]) -> set[str]:
        known = {user(name): name for name in EVERYBODY}
        return {known[one] for one in group}


EVERYBODY = ("frida", "anna", "bert", "carl", "dora", "emil", "mallory")
