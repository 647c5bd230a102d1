"""Knows what an operation can do to a roster, and the one form of each act (spec: roster.md, ROS-2, ROS-3).

Laws: an act that exists as an object after ``parse_action`` has the allowed shape and size; lists that are sets
stand in strictly ascending order, so one act has one encoding. Who may do it is the roster's matter, not this room's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from siegel._core import shape
from siegel._core.codec import Decoded, Value
from siegel._core.instants import DAY, HOUR
from siegel._core.suite import HASH_BYTES
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError
from siegel.identity import USER_ID_BYTES, UserId

NONCE_BYTES: Final = 32
CHAIN_ID_BYTES: Final = 16

# Bounds on what a stranger can make us hold. A roster of 10,000 takes about 360 kB in one operation.
MAX_MEMBERS: Final = 10_000
MAX_NAME_BYTES: Final = 255
MAX_NAMED: Final = 1_024  # operations adopted or dismissed at once
MAX_STATEMENTS: Final = 256
MAX_CLOSES: Final = 16_384  # 16 live chains of each of a thousand users
MAX_CHAIN_INDEX: Final = 2**16 - 1
MAX_ROTATE_AGE: Final = 365 * DAY


class Role(Enum):
    """What a member may do. An archivist is a reader whom every client must show."""

    ADMIN = 0
    MEMBER = 1
    READER = 2
    ARCHIVIST = 3


class Who(Enum):
    """Whom a policy allows something."""

    MEMBERS = 0
    ADMINS = 1


class Sealing(Enum):
    """Which sealing keys members may publish; ``FORWARD_SECRET`` refuses those with number 0."""

    ANY = 0
    FORWARD_SECRET = 1


class GroupPolicy(NamedTuple):
    """The rules of a group that its admins choose.

    ``posting`` ADMINS makes a broadcast channel. A chain carries at most ``rotate_messages`` (1 … 65,536) messages and
    ``rotate_age`` (ms, one hour … 365 days); the epoch key is refreshed at the same age.
    """

    posting: Who = Who.MEMBERS
    adding: Who = Who.ADMINS
    rotate_messages: int = 10_000
    rotate_age: int = 7 * DAY
    sealing: Sealing = Sealing.ANY


class ChainClose(NamedTuple):
    """The last message that counts of a chain (16 bytes of chain id, index 0 … 65,535), as the signer saw it."""

    chain_id: bytes
    last_index: int


class FreshKey(NamedTuple):
    """An epoch key drawn for this operation: its commitment (32 bytes), and the members who do not get it."""

    commitment: bytes
    withheld: tuple[UserId, ...] = ()


# --- the acts, numbered by their place in KINDS ----------------------------------------------------------------------


class Create(NamedTuple):
    """Founds a group; its author is the first admin and does not stand among the members. ``nonce`` is 32 bytes."""

    nonce: bytes
    name: str
    policy: GroupPolicy
    members: tuple[tuple[UserId, Role], ...]
    fresh: FreshKey


class Add(NamedTuple):
    """Admits users."""

    members: tuple[tuple[UserId, Role], ...]


class Remove(NamedTuple):
    """Takes users out; ``statements`` are encoded leave statements of some of them."""

    users: tuple[UserId, ...]
    statements: tuple[bytes, ...]
    closes: tuple[ChainClose, ...]
    fresh: FreshKey


class Adopt(NamedTuple):
    """Does, in its author's name too, what operations (by head, in this order) of losing branches wanted to do."""

    operations: tuple[bytes, ...]
    closes: tuple[ChainClose, ...] = ()
    fresh: FreshKey | None = None


class Dismiss(NamedTuple):
    """Ends the waiting of operations (by head) of losing branches without effect."""

    operations: tuple[bytes, ...]


class Refresh(NamedTuple):
    """Brings a fresh epoch key and changes nothing else."""

    fresh: FreshKey


class SetRole(NamedTuple):
    """Gives a member another role."""

    user: UserId
    role: Role
    closes: tuple[ChainClose, ...] = ()


class SetPolicy(NamedTuple):
    """Replaces the policy; with a fresh epoch key if it now refuses sealing number 0."""

    policy: GroupPolicy
    closes: tuple[ChainClose, ...] = ()
    fresh: FreshKey | None = None


class Rename(NamedTuple):
    """Gives the group another name."""

    name: str


class CloseGroup(NamedTuple):
    """Ends the group: no operation can follow."""


Action: TypeAlias = Create | Add | Remove | Adopt | Dismiss | Refresh | SetRole | SetPolicy | Rename | CloseGroup
KINDS: Final[tuple[type[Action], ...]] = (
    Create,
    Add,
    Remove,
    Adopt,
    Dismiss,
    Refresh,
    SetRole,
    SetPolicy,
    Rename,
    CloseGroup,
)
_ROLES: Final = tuple(Role)  # by their numbers; asking the Enum takes longer, and a roster has thousands
_WITHOUT_KEY: Final = (Adopt, SetPolicy)  # whether these bring a fresh key depends on the roster


def users_of(action: Action) -> frozenset[UserId]:
    """The users whom an act admits, removes or gives a role."""
    match action:
        case Create() | Add():
            return frozenset(user for user, _ in action.members)
        case Remove():
            return frozenset(action.users)
        case SetRole():
            return frozenset((action.user,))
        case _:
            return frozenset()


# --- encoding --------------------------------------------------------------------------------------------------------


def action_value(action: Action) -> list[Value]:
    """``[number, field, …]``."""
    return [KINDS.index(type(action)), *(_value(field) for field in action)]


def closes_value(closes: Sequence[ChainClose]) -> Value:
    """``[[chain id, last index], …]``."""
    return [_value(close) for close in closes]


def _value(item: object) -> Value:
    if isinstance(item, UserId):
        return item.data
    if isinstance(item, Enum):
        return _value(item.value)
    if isinstance(item, tuple):
        return [_value(part) for part in cast("tuple[object, ...]", item)]
    if isinstance(item, str):
        return _utf8(item)
    if item is None or isinstance(item, int | bytes):
        return item
    raise TypeError(f"{type(item).__name__} does not stand in an action")


def _utf8(text: str) -> bytes:
    # Not as text of the encoding: whether that is normal depends on a version of Unicode, and so would the roster.
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument("the name holds a lone surrogate") from None


# --- parsing ---------------------------------------------------------------------------------------------------------

_Item = TypeVar("_Item")


def parse_action(value: Decoded, where: str) -> Action:
    """The act. MalformedError for another shape, LimitExceeded for a list or name that is too long."""
    items = shape.array(value, None, where)
    number = shape.uint(items[0] if items else None, f"{where} number")
    if number >= len(KINDS):
        raise MalformedError(f"{where} number", "no such act")
    kind = KINDS[number]
    fields = shape.array(items, 1 + len(kind._fields), where)[1:]
    named = zip(kind._fields, fields, strict=True)
    action = kind(*(_PARSERS[name](field, f"{where} {name}") for name, field in named))
    if getattr(action, "fresh", b"") is None and kind not in _WITHOUT_KEY:
        raise MalformedError(f"{where} fresh", "this act needs a fresh epoch key")
    if isinstance(action, Add) and not action.members:
        raise MalformedError(f"{where} members", "empty")
    return action


def parse_closes(value: Decoded, where: str) -> tuple[ChainClose, ...]:
    """Closed chains, ascending by chain id."""

    def close(item: Decoded, place: str) -> ChainClose:
        chain_id, last_index = shape.array(item, 2, place)
        return ChainClose(
            shape.octets(chain_id, CHAIN_ID_BYTES, place), shape.uint(last_index, place, most=MAX_CHAIN_INDEX)
        )

    return _ascending(_list_of(close, value, where, most=MAX_CLOSES), lambda item: item.chain_id, where)


def _list_of(
    parse: Callable[[Decoded, str], _Item], value: Decoded, where: str, *, most: int, least: int = 0
) -> tuple[_Item, ...]:
    items = shape.array(value, None, where)
    if len(items) > most:
        raise LimitExceeded(where, f"more than {most} items")
    if len(items) < least:
        raise MalformedError(where, "empty")
    return tuple(parse(item, where) for item in items)


def _ascending(items: tuple[_Item, ...], key: Callable[[_Item], bytes], where: str) -> tuple[_Item, ...]:
    keys = [key(item) for item in items]
    if any(left >= right for left, right in pairwise(keys)):
        raise MalformedError(where, "not in ascending order, or one stands twice")
    return items


def _user(value: Decoded, where: str) -> UserId:
    return UserId(shape.octets(value, USER_ID_BYTES, where))


def _users(value: Decoded, where: str) -> tuple[UserId, ...]:
    return _ascending(_list_of(_user, value, where, most=MAX_MEMBERS, least=1), bytes, where)


def _role(value: Decoded, where: str) -> Role:
    return _ROLES[shape.uint(value, where, most=len(_ROLES) - 1)]


def _members(value: Decoded, where: str) -> tuple[tuple[UserId, Role], ...]:
    def member(item: Decoded, place: str) -> tuple[UserId, Role]:
        user, role = shape.array(item, 2, place)
        return _user(user, place), _role(role, place)

    members = _list_of(member, value, where, most=MAX_MEMBERS)
    return _ascending(members, lambda pair: pair[0].data, where)


def _name(value: Decoded, where: str) -> str:
    data = shape.octets(value, None, where)
    if not data:
        raise MalformedError(where, "empty")
    if len(data) > MAX_NAME_BYTES:
        raise LimitExceeded(where, f"more than {MAX_NAME_BYTES} bytes")
    try:
        name = data.decode()
    except UnicodeDecodeError:
        name = None
    if name is None:  # raised outside the handler: no context
        raise MalformedError(where, "not UTF-8")
    return name


def _policy(value: Decoded, where: str) -> GroupPolicy:
    posting, adding, messages, age, sealing = shape.array(value, 5, where)
    policy = GroupPolicy(
        Who(shape.uint(posting, f"{where} posting", most=1)),
        Who(shape.uint(adding, f"{where} adding", most=1)),
        shape.uint(messages, f"{where} messages", most=MAX_CHAIN_INDEX + 1),
        shape.uint(age, f"{where} age", most=MAX_ROTATE_AGE),
        Sealing(shape.uint(sealing, f"{where} sealing", most=1)),
    )
    if policy.rotate_messages < 1 or policy.rotate_age < HOUR:
        raise MalformedError(where, "chains would end at once")  # or one admin could make everybody rotate for ever
    return policy


def _fresh(value: Decoded, where: str) -> FreshKey | None:
    if value is None:
        return None
    commitment, withheld = shape.array(value, 2, where)
    users = _list_of(_user, withheld, f"{where} withheld", most=MAX_MEMBERS)
    return FreshKey(
        shape.octets(commitment, HASH_BYTES, f"{where} commitment"), _ascending(users, bytes, f"{where} withheld")
    )


def _operations(value: Decoded, where: str) -> tuple[bytes, ...]:
    heads = _list_of(lambda item, place: shape.octets(item, HASH_BYTES, place), value, where, most=MAX_NAMED, least=1)
    if len(set(heads)) != len(heads):
        raise MalformedError(where, "one stands twice")
    return heads


# Each field has one form wherever it stands.
_PARSERS: Final[Mapping[str, Callable[[Decoded, str], Any]]] = {
    "nonce": lambda value, where: shape.octets(value, NONCE_BYTES, where),
    "name": _name,
    "policy": _policy,
    "members": _members,
    "users": _users,
    "user": _user,
    "role": _role,
    "operations": _operations,
    "closes": parse_closes,
    "fresh": _fresh,
    "statements": lambda value, where: _list_of(
        lambda item, place: shape.octets(item, None, place), value, where, most=MAX_STATEMENTS
    ),
}
