"""Operations and leave statements on the wire, by hand (spec ROS-1 … ROS-4, ROS-6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from tests.vectors.reference import DAY, HOUR, LATEST, Refused, cbor, curve, identity, require
from tests.vectors.reference.cbor import is_array, is_octets, is_uint
from tests.vectors.reference.labels import labelled, sha256
from tests.vectors.reference.operations import encoded

OPERATION: Final = 4
STATEMENT: Final = 5

MAX_BYTES: Final = 1_048_576
MAX_MEMBERS: Final = 10_000
MAX_NAME: Final = 255
MAX_OPERATIONS: Final = 1_024
MAX_STATEMENTS: Final = 256
MAX_CLOSES: Final = 16_384

ADMIN, MEMBER, READER, ARCHIVIST = range(4)

FIELDS: Final[dict[str, tuple[str, ...]]] = {  # the acts in the order of their numbers (ROS-2)
    "create": ("nonce", "name", "policy", "members", "fresh"),
    "add": ("members",),
    "remove": ("users", "statements", "closes", "fresh"),
    "adopt": ("operations", "closes", "fresh"),
    "dismiss": ("operations",),
    "refresh": ("fresh",),
    "set role": ("user", "role", "closes"),
    "set policy": ("policy", "closes", "fresh"),
    "rename": ("name",),
    "close": (),
}
ACTS: Final = tuple(FIELDS)


@dataclass(frozen=True)
class Act:
    """An act and its fields by name, each a decoded value."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def value(self) -> list[Any]:
        """The array on the wire."""
        return [ACTS.index(self.kind), *(self.fields[name] for name in FIELDS[self.kind])]


@dataclass(frozen=True)
class Operation:
    """The items of an operation, in the order of the wire."""

    group_id: bytes
    height: int
    previous: bytes
    author: bytes
    at: int
    action: Act
    signature: bytes = b""

    def items(self) -> tuple[bytes, ...]:
        """The encoded items from type to action."""
        places = (OPERATION, 1, self.group_id, self.height, self.previous, self.author, self.at, self.action.value())
        return tuple(map(encoded, places))

    def text(self) -> bytes:
        """What the signature covers."""
        return labelled("roster operation", *self.items())

    @property
    def head(self) -> bytes:
        """The head."""
        return sha256(labelled("roster head", *self.items()))

    @property
    def group(self) -> bytes:
        """The group id, which the founding operation does not carry."""
        return self.group_id or sha256(labelled("group id", *self.items()))

    @property
    def statements(self) -> list[Statement]:
        """The leave statements that a removal carries."""
        return [read_statement(data) for data in self.action.fields.get("statements", [])]

    @property
    def named(self) -> list[bytes]:
        """The heads that an adoption or dismissal names."""
        return list(self.action.fields.get("operations", []))

    def needs(self) -> list[bytes]:
        """The heads without which it waits (ROS-18)."""
        parent = [self.previous] if self.previous else []
        return parent + self.named + [statement.head for statement in self.statements]

    def encode(self) -> bytes:
        """The bytes."""
        return cbor.array(*self.items(), cbor.octets(self.signature))

    def signed(self, secret: bytes) -> Operation:
        """With a signature by this identity, whatever the fields say."""
        fields = self.group_id, self.height, self.previous, self.author, self.at, self.action
        return Operation(*fields, identity.sign_with(secret, self.text()))


@dataclass(frozen=True)
class Statement:
    """The items of a leave statement."""

    group: bytes
    head: bytes
    user_id: bytes
    closes: tuple[tuple[bytes, int], ...]
    at: int
    signature: bytes = b""

    def items(self) -> tuple[bytes, ...]:
        """The encoded items from type to at."""
        closes = [list(close) for close in self.closes]
        return tuple(map(encoded, (STATEMENT, 1, self.group, self.head, self.user_id, closes, self.at)))

    def text(self) -> bytes:
        """What the signature covers."""
        return labelled("leave statement", *self.items())

    def needs(self) -> list[bytes]:
        """The head without which it waits (ROS-18)."""
        return [self.head]

    def encode(self) -> bytes:
        """The bytes."""
        return cbor.array(*self.items(), cbor.octets(self.signature))

    def signed(self, secret: bytes) -> Statement:
        """With a signature by this identity, whatever the fields say."""
        fields = self.group, self.head, self.user_id, self.closes, self.at
        return Statement(*fields, identity.sign_with(secret, self.text()))


# --- reading ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def read_item(data: bytes) -> Operation | Statement:
    """What arrives at a log. Refused at one of the stages from size to statements."""
    kind, items = _top_level(data, {OPERATION: 9, STATEMENT: 8})
    return _operation(items) if kind == OPERATION else _statement(items)


def read_operation(data: bytes) -> Operation:
    """An operation and nothing else."""
    return _operation(_top_level(data, {OPERATION: 9})[1])


@lru_cache(maxsize=4096)
def read_statement(data: bytes) -> Statement:
    """A leave statement and nothing else."""
    return _statement(_top_level(data, {STATEMENT: 8})[1])


def _top_level(data: bytes, kinds: dict[int, int]) -> tuple[int, list[Any]]:
    require(len(data) <= MAX_BYTES, "size", "limit-exceeded")
    return cbor.top_level(data, kinds)


def _operation(items: list[Any]) -> Operation:
    group_id, height, previous, author, at, action, signature = items
    _shaped(is_octets(group_id) and is_uint(height) and is_octets(previous) and is_octets(author, 32))
    _shaped(is_uint(at, LATEST) and is_octets(signature, 64))
    act = _act(action)
    founds = act.kind == "create"
    _shaped((len(group_id), len(previous)) == ((0, 0) if founds else (32, 32)) and founds == (height == 0))
    if founds:
        _shaped(author not in [user for user, _ in act["members"]])
        require(len(act["members"]) < MAX_MEMBERS, "shape", "limit-exceeded")
    require(curve.is_strict(author), "signing-key")
    operation = Operation(group_id, height, previous, author, at, act, signature)
    curve.verify(author, operation.text(), signature)
    _check_statements(act)
    return operation


def _check_statements(act: Act) -> None:
    """The carried statements, whose faults are all found at this one stage."""
    for data in act.fields.get("statements", []):
        try:
            read_statement(data)
        except Refused as refused:
            raise Refused("statements", refused.code) from None


def _statement(items: list[Any]) -> Statement:
    group, head, user_id, closes, at, signature = items
    _shaped(is_octets(group, 32) and is_octets(head, 32) and is_octets(user_id, 32))
    _shaped(is_uint(at, LATEST) and is_octets(signature, 64))
    _closes(closes)
    require(curve.is_strict(user_id), "signing-key")
    statement = Statement(group, head, user_id, tuple((chain, index) for chain, index in closes), at, signature)
    curve.verify(user_id, statement.text(), signature)
    return statement


# --- the forms of acts and fields (ROS-2, ROS-3) ----------------------------------------------------------------------


def _shaped(condition: object) -> None:
    require(bool(condition), "shape")


def _act(value: Any) -> Act:
    _shaped(is_array(value) and value and is_uint(value[0], len(ACTS) - 1))
    kind = ACTS[value[0]]
    names = FIELDS[kind]
    _shaped(len(value) == 1 + len(names))
    act = Act(kind, dict(zip(names, value[1:], strict=True)))
    for name in names:
        if name == "fresh" and act[name] is None:
            _shaped(kind in {"adopt", "set policy"})
        else:
            FORMS[name](act[name])
    _shaped(kind != "add" or act["members"])
    return act


def _list(value: Any, most: int, least: int = 0) -> None:
    _shaped(is_array(value))
    require(len(value) <= most, "shape", "limit-exceeded")
    _shaped(len(value) >= least)


def _ascending(keys: list[bytes]) -> None:
    _shaped(all(one < next_one for one, next_one in pairwise(keys)))


def _name(value: Any) -> None:
    _shaped(is_octets(value) and value)
    require(len(value) <= MAX_NAME, "shape", "limit-exceeded")
    try:
        value.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise Refused("shape") from None


def _policy(value: Any) -> None:
    _shaped(is_array(value, 5) and all(map(is_uint, value)))
    posting, adding, messages, age, sealing = value
    _shaped(posting <= 1 and adding <= 1 and sealing <= 1 and 1 <= messages <= 65_536 and HOUR <= age <= 365 * DAY)


def _members(value: Any) -> None:
    _list(value, MAX_MEMBERS)
    _shaped(all(is_array(pair, 2) and is_octets(pair[0], 32) and is_uint(pair[1], ARCHIVIST) for pair in value))
    _ascending([user for user, _ in value])


def _users(value: Any, least: int = 1) -> None:
    _list(value, MAX_MEMBERS, least)
    _shaped(all(is_octets(user, 32) for user in value))
    _ascending(value)


def _operations(value: Any) -> None:
    _list(value, MAX_OPERATIONS, 1)
    _shaped(all(is_octets(head, 32) for head in value) and len(set(value)) == len(value))


def _statements(value: Any) -> None:
    _list(value, MAX_STATEMENTS)
    _shaped(all(map(is_octets, value)))


def _closes(value: Any) -> None:
    _list(value, MAX_CLOSES)
    _shaped(all(is_array(close, 2) and is_octets(close[0], 16) and is_uint(close[1], 65_535) for close in value))
    _ascending([chain for chain, _ in value])


def _fresh(value: Any) -> None:
    _shaped(is_array(value, 2) and is_octets(value[0], 32))
    _users(value[1], 0)


FORMS: Final[dict[str, Callable[[Any], None]]] = {
    "nonce": lambda value: _shaped(is_octets(value, 32)),
    "name": _name,
    "policy": _policy,
    "members": _members,
    "users": _users,
    "user": lambda value: _shaped(is_octets(value, 32)),
    "role": lambda value: _shaped(is_uint(value, ARCHIVIST)),
    "operations": _operations,
    "statements": _statements,
    "closes": _closes,
    "fresh": _fresh,
}
