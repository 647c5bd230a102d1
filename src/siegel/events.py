"""Knows what is reported beside a result: things that happened and need no exception (spec ID-15, ID-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias, dataclass_transform

from siegel._core.frozen import Frozen

if TYPE_CHECKING:
    from siegel.identity import UserId


@dataclass_transform(frozen_default=True)
class Event(Frozen):
    """Base of all events: made of the values that its annotations name, in order; equal to its own kind alone."""

    __slots__ = ()
    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._names = tuple(cls.__annotations__)

    def __init__(self, *values: object) -> None:
        self._set(**dict(zip(self._names, values, strict=True)))

    def _said(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and type(self) is type(other) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash((type(self), self._said()))

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in zip(self._names, self._said(), strict=True))
        return f"{type(self).__name__}({said})"


class SealingKeyShared(Event):
    """Two user ids publish one sealing key. Both records are kept; one of the two users does not hold the key."""

    __slots__ = ("other", "user_id")

    user_id: UserId
    other: UserId


class SuccessionClaimed(Event):
    """A user's old key and a new key both say that the new one takes over. A hint: verify the new safety number."""

    __slots__ = ("new", "old")

    old: UserId
    new: UserId


class ForkDetected(Event):
    """Two signed and contradictory histories; ``evidence`` is the signed bytes of both."""

    __slots__ = ("evidence", "user_id")

    user_id: UserId
    evidence: tuple[bytes, ...]


ContactEvent: TypeAlias = SealingKeyShared | SuccessionClaimed | ForkDetected


# --- of a group's roster; group ids and heads are 32 bytes -----------------------------------------------------------


class RosterChanged(Event):
    """Another head holds. ``switched``: the old one stands on a branch that lost, so everybody rotates on next send."""

    __slots__ = ("admitted", "group_id", "head", "old_head", "removed", "switched")

    group_id: bytes
    old_head: bytes
    head: bytes
    switched: bool
    admitted: tuple[UserId, ...]
    removed: tuple[UserId, ...]


class RosterTied(Event):
    """One author endorsed both branches of a fork, and the lower hash decided. Two devices do this honestly."""

    __slots__ = ("author", "group_id", "heads")

    group_id: bytes
    author: UserId
    heads: tuple[bytes, bytes]


class OperationPending(Event):
    """An operation of a losing branch waits for an admin to adopt or dismiss it; until then it suspends ``against``."""

    __slots__ = ("against", "author", "group_id", "operation")

    group_id: bytes
    operation: bytes
    author: UserId
    against: tuple[UserId, ...]


class SuspensionChanged(Event):
    """Nobody seals to, or accepts from, the members whose suspension begins; those whose suspension ended take part."""

    __slots__ = ("begun", "ended", "group_id")

    group_id: bytes
    begun: tuple[UserId, ...]
    ended: tuple[UserId, ...]


class MembersLeft(Event):
    """Members said that they are out. Nobody seals to them; an admin's removal makes it final."""

    __slots__ = ("group_id", "user_ids")

    group_id: bytes
    user_ids: tuple[UserId, ...]


RosterEvent: TypeAlias = RosterChanged | RosterTied | OperationPending | SuspensionChanged | MembersLeft
