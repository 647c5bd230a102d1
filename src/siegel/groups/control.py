"""Knows what a group's clients tell each other beside messages: one form, sealed or broadcast (spec: group.md, GRP-1).

    [group id (32), roster items, epoch key or null, announcements, public identities, request or null,
     not after or null]

Laws: the bytes say nothing about who may say it; every part is verified by itself, or by who sent it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, Value, decode, encode
from siegel._core.instants import LATEST
from siegel._core.secret import Secret
from siegel._core.suite import HASH_BYTES, SECRET_BYTES
from siegel.errors import LimitExceeded, MalformedError
from siegel.groups.certificate import MAX_ANNOUNCEMENT_BYTES
from siegel.groups.message import CHAIN_ID_BYTES
from siegel.groups.operations import MAX_OPERATION_BYTES

CONTENT_TYPE: Final = "siegel/control"

MAX_ITEMS: Final = 16_384
MAX_ANNOUNCEMENTS: Final = 16
MAX_IDENTITIES: Final = 1_024  # whoever comes to a thousand is told all of them at once
MAX_ASKED: Final = 64
_MAX_IDENTITY_BYTES: Final = 2_048

_WHERE: Final = "control"


class GivenKey(NamedTuple):
    """The epoch key of a head, as its sender says."""

    head: bytes
    key: Secret


class Request(NamedTuple):
    """Asks for what is missing above the asker's ``head``, for the newest epoch key, for chains of the one asked."""

    head: bytes
    key: bool
    chains: tuple[bytes, ...]


class Control(NamedTuple):
    """The parts that one control message has; an invitation is one with ``not_after`` (ms)."""

    group_id: bytes
    items: tuple[bytes, ...] = ()
    key: GivenKey | None = None
    announcements: tuple[bytes, ...] = ()
    identities: tuple[bytes, ...] = ()
    request: Request | None = None
    not_after: int | None = None

    def __repr__(self) -> str:
        return f"<Control of {self.group_id.hex()[:16]}>"  # announcements are keys

    def encode(self) -> bytes:
        """The bytes; secret, they travel encrypted."""
        key: Value = [self.key.head, self.key.key.reveal()] if self.key else None
        request: Value = [self.request.head, self.request.key, list(self.request.chains)] if self.request else None
        return encode(
            [
                self.group_id,
                list(self.items),
                key,
                list(self.announcements),
                list(self.identities),
                request,
                self.not_after,
            ]
        )

    @classmethod
    def decode(cls, data: bytes) -> Control:
        """The control that the bytes hold. LimitExceeded or MalformedError for anything else."""
        group_id, items, key, announcements, identities, request, not_after = shape.array(decode(data), 7, _WHERE)
        return cls(
            shape.octets(group_id, HASH_BYTES, f"{_WHERE} group id"),
            _strings(items, "roster items", count=MAX_ITEMS, size=MAX_OPERATION_BYTES),
            None if key is None else _key(key),
            _strings(announcements, "announcements", count=MAX_ANNOUNCEMENTS, size=MAX_ANNOUNCEMENT_BYTES),
            _strings(identities, "identities", count=MAX_IDENTITIES, size=_MAX_IDENTITY_BYTES),
            None if request is None else _request(request),
            None if not_after is None else shape.uint(not_after, f"{_WHERE} not after", most=LATEST),
        )


def _strings(value: Decoded, what: str, *, count: int, size: int) -> tuple[bytes, ...]:
    where = f"{_WHERE} {what}"
    strings = tuple(shape.octets(item, None, where) for item in shape.array(value, None, where))
    if len(strings) > count or any(len(string) > size for string in strings):
        raise LimitExceeded(where, f"more than {count}, or one larger than {size} bytes")
    return strings


def _key(value: Decoded) -> GivenKey:
    where = f"{_WHERE} epoch key"
    head, key = shape.array(value, 2, where)
    return GivenKey(shape.octets(head, HASH_BYTES, where), Secret(shape.octets(key, SECRET_BYTES, where)))


def _request(value: Decoded) -> Request:
    where = f"{_WHERE} request"
    head, key, chains = shape.array(value, 3, where)
    if type(key) is not bool:
        raise MalformedError(where, "not true or false")
    asked = tuple(shape.octets(chain, CHAIN_ID_BYTES, where) for chain in shape.array(chains, None, where))
    if len(asked) > MAX_ASKED:
        raise LimitExceeded(where, f"more than {MAX_ASKED} chains")
    return Request(shape.octets(head, HASH_BYTES, where), key, asked)
