"""Knows what is reported beside a result: things that happened and need no exception (spec ID-15, ID-19, group.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias, dataclass_transform

from siegel._core.frozen import Frozen

if TYPE_CHECKING:
    from siegel.errors import PeerError
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


# --- of a group's messages; chain ids are 16 bytes, links and heads 32, an index counts the messages of its chain -----


class Seen(NamedTuple):
    """The newest message of another sender's chain that the author of a message had seen."""

    chain_id: bytes
    index: int  # type: ignore[assignment]  # hides a method of tuples that nobody needs here
    message_id: bytes


class MessageReceived(NamedTuple):
    """A message that was verified as a whole. ``sent_at`` (ms) is the sender's claim; ``message_id`` has 32 bytes.

    ``parents`` are up to three messages of others that the sender had seen. A plain tuple: a backlog makes thousands.
    """

    body: bytes
    sender: UserId
    content_type: str
    sent_at: int
    chain_id: bytes
    index: int  # type: ignore[assignment]  # as above
    parents: tuple[Seen, ...]
    message_id: bytes

    def __repr__(self) -> str:
        return f"<MessageReceived {self.message_id.hex()[:16]}, {len(self.body)} bytes from {self.sender}>"


class MessageDisputed(Event):
    """A message that was delivered stands no longer: its sender signed another, or had lost the right to it."""

    __slots__ = ("chain_id", "index", "message_id", "sender")

    sender: UserId
    chain_id: bytes
    index: int
    message_id: bytes


class MessageReinstated(Event):
    """A message that was disputed stands again: its sender confirmed it, or it turned out to be permitted."""

    __slots__ = ("chain_id", "index", "message_id", "sender")

    sender: UserId
    chain_id: bytes
    index: int
    message_id: bytes


class MessageMissing(Event):
    """``reporter`` has seen a message that did not arrive here: it is late, or somebody withholds it."""

    __slots__ = ("chain_id", "index", "reporter")

    reporter: UserId
    chain_id: bytes
    index: int


class ParentContradicted(Event):
    """``reporter`` says to have seen another message than the one that is here. Their word alone proves nothing."""

    __slots__ = ("chain_id", "index", "message_id", "reporter")

    reporter: UserId
    chain_id: bytes
    index: int
    message_id: bytes


class ChainForked(Event):
    """One place of a sender's chain has two signed messages; nothing from there on is accepted.

    ``evidence``: the signed certificate of the chain, and those of the contradicting messages that are at hand.
    """

    __slots__ = ("chain_id", "evidence", "index", "links", "sender")

    sender: UserId
    chain_id: bytes
    index: int
    links: tuple[bytes, ...]
    evidence: tuple[bytes, ...]


class CloneAlarm(Event):
    """Somebody writes in our own chain: this state was cloned or restored, or stolen. We begin a new chain."""

    __slots__ = ("chain_id", "evidence", "index")

    chain_id: bytes
    index: int
    evidence: tuple[bytes, ...]


class SenderKeyReceived(Event):
    """A sender's chain can be read from the message ``start`` on."""

    __slots__ = ("chain_id", "sender", "start")

    sender: UserId
    chain_id: bytes
    start: int


# --- of a group's keys and control -----------------------------------------------------------------------------------


class EpochKeyReceived(Event):
    """The key under which control for the epoch of this head is broadcast."""

    __slots__ = ("head",)

    head: bytes


class EpochKeyRefused(Event):
    """``sender`` gave a key that is not the one of this head. ``evidence`` is what came; another is to be asked for."""

    __slots__ = ("evidence", "head", "sender")

    sender: UserId
    head: bytes
    evidence: bytes


class IdentityUpdated(Event):
    """A member published a newer record."""

    __slots__ = ("sealing_number", "user_id")

    user_id: UserId
    sealing_number: int


class PartRefused(Event):
    """A part of what came was refused with this error; the other parts took effect."""

    __slots__ = ("error",)

    error: PeerError


class ReplyReady(Event):
    """Somebody asked for something: deliver these sealed messages. They stand in the storage's outgoing as well."""

    __slots__ = ("control", "to")

    to: UserId
    control: tuple[bytes, ...]


GroupEvent: TypeAlias = (
    RosterEvent
    | MessageReceived
    | MessageDisputed
    | MessageReinstated
    | MessageMissing
    | ParentContradicted
    | ChainForked
    | CloneAlarm
    | SenderKeyReceived
    | EpochKeyReceived
    | EpochKeyRefused
    | IdentityUpdated
    | PartRefused
    | ReplyReady
    | ForkDetected
)
