"""Knows the wire form of roster operations and leave statements (spec: roster.md, ROS-1, ROS-4, ROS-6).

Laws: an object of this room was verified as a whole: shape, limits, signature; its head is a hash over everything that
was signed and not over the signature, so one act has one head. What it may do is the roster's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siegel._core import shape
from siegel._core.codec import Decoded, Value, encode
from siegel._core.frozen import Frozen
from siegel._core.instants import LATEST, instant
from siegel._core.labels import Label, labelled
from siegel._core.suite import HASH_BYTES, SIGNATURE_BYTES, check_signing_key, sha256, sign, verify
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError
from siegel.groups.actions import (
    MAX_MEMBERS,
    Action,
    ChainClose,
    Create,
    Remove,
    action_value,
    closes_value,
    parse_action,
    parse_closes,
)
from siegel.identity import USER_ID_BYTES, Identity, UserId, signing_key

MAX_OPERATION_BYTES: Final = 1 << 20
NO_HEAD: Final = b""  # group id and previous head of the operation that founds the group

_WHERE: Final = "roster operation"
_LEAVE: Final = "leave statement"


class Operation(Frozen):
    """A signed act on a group's roster.

    ``group_id``, ``head`` and ``previous`` are 32 bytes (``previous`` is empty in the operation that founds a group);
    ``height`` is the number of operations below it; ``at`` (ms) is its author's claim and decides nothing.
    """

    __slots__ = ("_encoded", "action", "at", "author", "group_id", "head", "height", "previous", "statements")

    group_id: bytes
    height: int
    previous: bytes
    author: UserId
    at: int
    action: Action
    statements: tuple[LeaveStatement, ...]
    head: bytes
    _encoded: bytes

    def __init__(self, data: bytes) -> None:
        """Parses and verifies. LimitExceeded, MalformedError, UnsupportedVersion, InvalidMessage (a signature)."""
        _check_size(data, _WHERE)
        items = shape.top_level(data, kind=shape.ROSTER_OPERATION, fields=7, where=_WHERE)
        group_id = shape.octets(items[0], None, f"{_WHERE} group id")
        height = shape.uint(items[1], f"{_WHERE} height")
        previous = shape.octets(items[2], None, f"{_WHERE} previous head")
        author = shape.octets(items[3], USER_ID_BYTES, f"{_WHERE} author")
        at = shape.uint(items[4], f"{_WHERE} at", most=LATEST)
        action = parse_action(items[5], f"{_WHERE} action")
        signature = shape.octets(items[6], SIGNATURE_BYTES, f"{_WHERE} signature")
        _check_place(action, group_id, height, previous, author)
        carried = action.statements if isinstance(action, Remove) else ()
        check_signing_key(author, where=f"{_WHERE} author")
        unsigned = bytes((data[0] - 1,)) + data[1 : -len(encode(signature))]  # one encoding, so none is made again
        verify(author, Label.ROSTER_OPERATION + unsigned, signature)
        self._set(
            group_id=group_id or sha256(Label.GROUP_ID + unsigned),
            height=height,
            previous=previous,
            author=UserId(author),
            at=at,
            action=action,
            statements=tuple(LeaveStatement(statement) for statement in carried),
            head=sha256(Label.ROSTER_HEAD + unsigned),
            _encoded=data,
        )

    @classmethod
    def found(cls, founder: Identity, *, action: Create, at: int) -> Operation:
        """The signed operation that founds a group. InvalidArgument for an act outside the limits."""
        return cls.sign(founder, group_id=NO_HEAD, height=0, previous=NO_HEAD, action=action, at=at)

    @classmethod
    def sign(
        cls, author: Identity, *, group_id: bytes, height: int, previous: bytes, action: Action, at: int
    ) -> Operation:
        """The operation, signed. InvalidArgument for an act outside the limits. Whether it is allowed is not asked."""
        fields: list[Value] = [group_id, height, previous, author.user_id.data, instant(at), action_value(action)]
        unsigned = encode([shape.ROSTER_OPERATION, shape.VERSION, *fields])
        signature = sign(signing_key(author), Label.ROSTER_OPERATION + unsigned)
        try:
            return cls(bytes((unsigned[0] + 1,)) + unsigned[1:] + encode(signature))
        except (MalformedError, LimitExceeded) as error:
            raise InvalidArgument(str(error)) from None

    def encode(self) -> bytes:
        """The signed bytes."""
        return self._encoded

    def __eq__(self, other: object) -> bool:
        return self.head == other.head if isinstance(other, Operation) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.head)

    def __repr__(self) -> str:
        return f"<Operation {type(self.action).__name__} {self.head.hex()[:8]} at height {self.height}>"


class LeaveStatement(Frozen):
    """A member's signed word that they are out, as of ``head`` (32 bytes); ``closes`` ends their own chains."""

    __slots__ = ("_encoded", "at", "closes", "group_id", "head", "signed", "user_id")

    group_id: bytes
    head: bytes
    user_id: UserId
    closes: tuple[ChainClose, ...]
    at: int
    signed: bytes
    _encoded: bytes

    def __init__(self, data: bytes) -> None:
        """Parses and verifies. LimitExceeded, MalformedError, UnsupportedVersion, InvalidMessage (the signature)."""
        _check_size(data, _LEAVE)
        items = shape.top_level(data, kind=shape.LEAVE_STATEMENT, fields=6, where=_LEAVE)
        user_id = shape.octets(items[2], USER_ID_BYTES, f"{_LEAVE} user id")
        fields: dict[str, object] = {
            "group_id": shape.octets(items[0], HASH_BYTES, f"{_LEAVE} group id"),
            "head": shape.octets(items[1], HASH_BYTES, f"{_LEAVE} head"),
            "closes": parse_closes(items[3], f"{_LEAVE} closes"),
            "at": shape.uint(items[4], f"{_LEAVE} at", most=LATEST),
        }
        signature = shape.octets(items[5], SIGNATURE_BYTES, f"{_LEAVE} signature")
        check_signing_key(user_id, where=f"{_LEAVE} user id")
        signed = _left(items[:5])
        verify(user_id, signed, signature)
        self._set(**fields, user_id=UserId(user_id), signed=signed, _encoded=data)

    @classmethod
    def sign(
        cls, user: Identity, *, group_id: bytes, head: bytes, closes: tuple[ChainClose, ...], at: int
    ) -> LeaveStatement:
        """The statement, signed. InvalidArgument for one outside the limits."""
        fields: list[Value] = [group_id, head, user.user_id.data, closes_value(closes), instant(at)]
        signature = sign(signing_key(user), _left(fields))
        try:
            return cls(encode([shape.LEAVE_STATEMENT, shape.VERSION, *fields, signature]))
        except (MalformedError, LimitExceeded) as error:
            raise InvalidArgument(str(error)) from None

    def encode(self) -> bytes:
        """The signed bytes."""
        return self._encoded

    def __eq__(self, other: object) -> bool:
        return self.signed == other.signed if isinstance(other, LeaveStatement) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.signed)

    def __repr__(self) -> str:
        return f"<LeaveStatement of {self.user_id}>"


def _left(fields: Sequence[Decoded] | Sequence[Value]) -> bytes:
    return labelled(Label.LEAVE_STATEMENT, shape.LEAVE_STATEMENT, shape.VERSION, *fields)


def _check_size(data: bytes, where: str) -> None:
    if len(data) > MAX_OPERATION_BYTES:
        raise LimitExceeded(where, f"more than {MAX_OPERATION_BYTES} bytes")


def _check_place(action: Action, group_id: bytes, height: int, previous: bytes, author: bytes) -> None:
    """A founding operation stands below everything, any other above something (ROS-1)."""
    if not isinstance(action, Create):
        if not len(group_id) == len(previous) == HASH_BYTES or height == 0:
            raise MalformedError(_WHERE, "only the founding operation stands alone")
    elif group_id or previous or height:
        raise MalformedError(_WHERE, "the founding operation has nothing below it")
    elif any(user.data == author for user, _ in action.members):
        raise MalformedError(f"{_WHERE} action members", "the founder is in without being named")
    elif len(action.members) >= MAX_MEMBERS:
        raise LimitExceeded(f"{_WHERE} action members", f"with the founder more than {MAX_MEMBERS}")
