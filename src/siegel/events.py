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
