"""Knows the small records of a group's state: what is due, who has our keys, whose word on a chain waits for the chain.

Local state, not protocol objects. Law: each has one encoding, and anything else is malformed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, decode, encode
from siegel._core.suite import HASH_BYTES, sha256
from siegel.errors import MalformedError
from siegel.groups.certificate import Close
from siegel.groups.history import History
from siegel.groups.message import CHAIN_ID_BYTES
from siegel.identity import USER_ID_BYTES, UserId

_WHERE: Final = "group record"


class Flags(NamedTuple):
    """``rotate``: the next chain is due now, and travels sealed. ``refresh``: so is a fresh epoch key.

    ``own``: the chains that this instance wrote and ended, newest last.
    """

    rotate: bool = False
    refresh: bool = False
    own: tuple[bytes, ...] = ()


class OwedClose(NamedTuple):
    """A close of a chain that is not known yet, and whose word it is: only the chain's owner's will count."""

    owner: UserId
    close: Close

    @property
    def name(self) -> bytes:
        """What it is kept under: whatever somebody says of a chain takes the place of nobody's word (attack GR-8)."""
        return sha256(encode_owed(self))


def encode_flags(flags: Flags) -> bytes:
    """The record of the flags."""
    return encode([flags.rotate, flags.refresh, list(flags.own)])


def decode_flags(data: bytes) -> Flags:
    """The flags that ``encode_flags`` wrote. MalformedError for anything else."""
    rotate, refresh, own = shape.array(decode(data), 3, _WHERE)
    if type(rotate) is not bool or type(refresh) is not bool:
        raise MalformedError(_WHERE, "not true or false")
    chains = tuple(shape.octets(chain, CHAIN_ID_BYTES, _WHERE) for chain in shape.array(own, None, _WHERE))
    return Flags(rotate, refresh, chains)


def encode_audience(audience: frozenset[UserId], history: History) -> bytes:
    """Who has our live chain: the members at the head that holds, without some, with others (a few bytes as a rule)."""
    missing, more = frozenset[UserId](), frozenset[UserId]()
    if audience is not history.active or history.suspended or history.leavers:
        members = frozenset(history.roster.members)
        missing, more = members - audience, audience - members
    return encode([history.roster.head, [user.data for user in missing], [user.data for user in more]])


def decode_audience(data: bytes, history: History) -> frozenset[UserId]:
    """The users whom ``encode_audience`` wrote. MalformedError for anything else."""
    head, missing, more = shape.array(decode(data), 3, _WHERE)
    roster = history.roster_at(shape.octets(head, HASH_BYTES, _WHERE))
    if roster is None:
        raise MalformedError(_WHERE, "keys were given at a head that the log does not have")
    return (frozenset(roster.members) - _users(missing)) | _users(more)


def _users(value: Decoded) -> frozenset[UserId]:
    users = shape.array(value, None, _WHERE)
    return frozenset(UserId(shape.octets(user, USER_ID_BYTES, _WHERE)) for user in users)


def encode_owed(owed: OwedClose) -> bytes:
    """The record of a close that is owed."""
    return encode([owed.owner.data, *owed.close])


def decode_owed(data: bytes) -> OwedClose:
    """The close that ``encode_owed`` wrote. MalformedError for anything else."""
    owner, chain_id, index, link = shape.array(decode(data), 4, _WHERE)
    close = Close(
        shape.octets(chain_id, CHAIN_ID_BYTES, _WHERE),
        shape.uint(index, _WHERE),
        None if link is None else shape.octets(link, None, _WHERE),
    )
    return OwedClose(UserId(shape.octets(owner, USER_ID_BYTES, _WHERE)), close)
