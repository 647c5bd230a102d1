"""Knows how decoded values are taken apart: exact types, exact lengths, and the place where they are wrong (ENC-9)."""

from __future__ import annotations

from typing import Final

from siegel._core.codec import Decoded, array_head, array_of, decode, encode
from siegel.errors import MalformedError, UnsupportedVersion

VERSION: Final = 1
_ENCODED_VERSION: Final = encode(VERSION)

# Type numbers of the top-level objects.
PUBLIC_IDENTITY: Final = 1
ENVELOPE: Final = 2
GROUP_MESSAGE: Final = 3
ROSTER_OPERATION: Final = 4
LEAVE_STATEMENT: Final = 5
LETTER: Final = 6
CHAIN_CERTIFICATE: Final = 7
SUCCESSION: Final = 8
BACKUP: Final = 10
BROADCAST: Final = 12
ATTACHMENT: Final = 13
UNLOCK_SLOT: Final = 14
SLOT_TABLE: Final = 15


def assemble(kind: int, *items: bytes) -> bytes:
    """A top-level object of this kind from items that are encoded already."""
    return array_of(encode(kind), _ENCODED_VERSION, *items)


def front(kind: int, fields: int) -> bytes:
    """What stands before the items of a top-level object with so many: for what is large, and joined once."""
    return array_head(fields + 2) + encode(kind) + _ENCODED_VERSION


def top_level(data: bytes, *, kind: int, fields: int, where: str) -> list[Decoded]:
    """The items behind type number and version of a top-level object of this kind."""
    items = array(decode(data), None, where)
    if kind_of(items, where) != kind:
        raise MalformedError(where, "the type number is of another kind of object")
    return array(items, fields + 2, where)[2:]


def kind_of(items: list[Decoded], where: str) -> int:
    """The type number of a top-level object whose version is ours."""
    if len(items) < 2:
        raise MalformedError(where, "no type number and version")
    kind, version = uint(items[0], f"{where} type"), uint(items[1], f"{where} version")
    if version != VERSION:
        raise UnsupportedVersion(where, version)
    return kind


def array(value: Decoded, length: int | None, where: str) -> list[Decoded]:
    """The value as an array, of exactly this length unless None."""
    if type(value) is not list:
        raise MalformedError(where, "not an array")
    if length is not None and len(value) != length:
        raise MalformedError(where, f"an array of {length} items is needed, not of {len(value)}")
    return value


def octets(value: Decoded, length: int | None, where: str) -> bytes:
    """The value as a byte string, of exactly this length unless None."""
    if type(value) is not bytes:
        raise MalformedError(where, "not a byte string")
    if length is not None and len(value) != length:
        raise MalformedError(where, f"{length} bytes are needed, not {len(value)}")
    return value


def uint(value: Decoded, where: str, *, most: int | None = None) -> int:
    """The value as an unsigned integer, not above ``most``."""
    if type(value) is not int:
        raise MalformedError(where, "not an unsigned integer")
    if most is not None and value > most:
        raise MalformedError(where, f"above {most}")
    return value


def text(value: Decoded, where: str) -> str:
    """The value as text."""
    if type(value) is not str:
        raise MalformedError(where, "not text")
    return value
