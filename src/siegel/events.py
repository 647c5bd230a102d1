"""Knows what is reported beside a result: things that happened and need no exception (spec ID-15, ID-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from siegel.identity import UserId


class SealingKeyShared(NamedTuple):
    """Two user ids publish one sealing key. Both records are kept; one of the two users does not hold the key."""

    user_id: UserId
    other: UserId


class SuccessionClaimed(NamedTuple):
    """A user's old key and a new key both say that the new one takes over. A hint: verify the new safety number."""

    old: UserId
    new: UserId


class ForkDetected(NamedTuple):
    """Two signed and contradictory histories; ``evidence`` is the signed bytes of both."""

    user_id: UserId
    evidence: tuple[bytes, ...]


ContactEvent: TypeAlias = SealingKeyShared | SuccessionClaimed | ForkDetected


# --- of a group's roster; group ids and heads are 32 bytes -----------------------------------------------------------


class RosterChanged(NamedTuple):
    """Another head holds. ``switched``: the old one stands on a branch that lost, so everybody rotates on next send."""

    group_id: bytes
    old_head: bytes
    head: bytes
    switched: bool
    admitted: tuple[UserId, ...]
    removed: tuple[UserId, ...]


class RosterTied(NamedTuple):
    """One author endorsed both branches of a fork, and the lower hash decided. Two devices do this honestly."""

    group_id: bytes
    author: UserId
    heads: tuple[bytes, bytes]


class OperationPending(NamedTuple):
    """An operation of a losing branch waits for an admin to adopt or dismiss it; until then it suspends ``against``."""

    group_id: bytes
    operation: bytes
    author: UserId
    against: tuple[UserId, ...]


class SuspensionChanged(NamedTuple):
    """Nobody seals to, or accepts from, the members whose suspension begins; those whose suspension ended take part."""

    group_id: bytes
    begun: tuple[UserId, ...]
    ended: tuple[UserId, ...]


class MembersLeft(NamedTuple):
    """Members said that they are out. Nobody seals to them; an admin's removal makes it final."""

    group_id: bytes
    user_ids: tuple[UserId, ...]


RosterEvent: TypeAlias = RosterChanged | RosterTied | OperationPending | SuspensionChanged | MembersLeft
