"""Knows epoch keys: one secret that the members of a head share, so that announcing a chain costs one ciphertext.

Spec: epoch.md, EPO-1 … EPO-6. Laws: a fresh key is the one that its operation committed to; a derived key gives nothing
away of the key before it; which key belongs to a head follows from the head alone, on every branch, and so does who may
ever have it; a key is gone on schedule. Pure: what is held is a mapping by the head that brought the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.instants import DAY, LATEST
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel._core.suite import SECRET_BYTES, require_equal, sha256
from siegel.errors import InvalidMessage
from siegel.groups.history import History
from siegel.groups.roster import KeyKind, Roster
from siegel.identity import USER_ID_BYTES, UserId

MAX_AGE: Final = 14 * DAY  # so long after a fresh key its epochs carry new announcements
GRACE: Final = 30 * DAY  # so long a key is kept for what is on its way when nothing new is written under it

_WHERE: Final = "epoch key record"


class EpochKey(NamedTuple):
    """A key that is held: since when (ms), from whom, and since when another epoch holds (None: it is this one).

    ``giver`` is None if the key is proven: it fits the commitment of its operation, or was derived from such a key.
    """

    key: Secret
    since: int
    giver: UserId | None = None
    superseded: int | None = None

    def encode(self) -> bytes:
        """The record, secret."""
        return encode([self.key.reveal(), self.since, self.giver.data if self.giver else None, self.superseded])

    @classmethod
    def decode(cls, data: bytes) -> EpochKey:
        """The key that ``encode`` wrote. MalformedError for anything else."""
        key, since, giver, superseded = shape.array(decode(data), 4, _WHERE)
        return cls(
            Secret(shape.octets(key, SECRET_BYTES, _WHERE)),
            shape.uint(since, _WHERE, most=LATEST),
            None if giver is None else UserId(shape.octets(giver, USER_ID_BYTES, _WHERE)),
            None if superseded is None else shape.uint(superseded, _WHERE, most=LATEST),
        )


def commitment_of(key: Secret) -> bytes:
    """EPO-1: the 32 bytes by which an operation names the fresh key that it brings."""
    return sha256(labelled(Label.EPOCH_COMMITMENT, key.reveal()))


def derive(key: Secret, head: bytes) -> Secret:
    """EPO-2: the key of an admission from the key below it. Whoever comes in by it cannot go back."""
    return Secret(sha256(Label.EPOCH_DERIVATION + key.reveal() + head))


def key_at(history: History, keys: Mapping[bytes, EpochKey], head: bytes) -> EpochKey | None:
    """EPO-3: the epoch key of a known head, held or derived from one that is; None if we have neither."""
    admissions: list[bytes] = []
    while head not in keys:
        kind = _kind_at(history, head)
        if kind is KeyKind.FRESH:
            return None
        if kind is KeyKind.DERIVED:
            admissions.append(head)
        head = history.operation(head).previous
    held = keys[head]
    for admission in reversed(admissions):
        held = held._replace(key=derive(held.key, admission))
    return held


def _kind_at(history: History, head: bytes) -> KeyKind:
    """As the roster of this head says (ROS-12), which is not computed: strangers choose the heads of broadcasts."""
    operation = history.operation(head)
    if getattr(operation.action, "fresh", None) is not None:
        return KeyKind.FRESH
    (change,) = history.changes(operation.previous, head)
    return KeyKind.DERIVED if change.admitted else KeyKind.KEPT


# --- who has it ------------------------------------------------------------------------------------------------------


def entitled(history: History) -> frozenset[UserId]:
    """EPO-4: who may be given the key of the head that holds. A holder who is away gets it when they are back.

    Nobody but holders: a broadcast goes by what the roster says of them, and cannot ask who was given a key since.
    """
    return history.active & history.roster.holders


def given(
    history: History, keys: Mapping[bytes, EpochKey], head: bytes, key: Secret, *, giver: UserId, at: int
) -> EpochKey | None:
    """EPO-4: the key that somebody says belongs to a known head, as it is to be held; None if it is held already.

    InvalidMessage if it is another: it does not fit the commitment, or differs from a proven key. A derived key whose
    origin we never had cannot be proven; where it contradicts one that is held, the caller has to decide by evidence.
    """
    roster, held = history.roster_of(head), key_at(history, keys, head)
    if _kind_at(history, roster.epoch) is KeyKind.FRESH:
        require_equal(commitment_of(key), roster.key_origin.key.commitment)
        return None if held else EpochKey(key, at)
    if held is None:
        return EpochKey(key, at, giver)
    try:
        require_equal(key.reveal(), held.key.reveal())
    except InvalidMessage:
        if held.giver is None:
            raise
        return EpochKey(key, at, giver)
    return None


def taken(
    history: History, keys: Mapping[bytes, EpochKey], epoch: bytes, key: EpochKey
) -> dict[bytes, EpochKey | None]:
    """What changes when a key is taken for its epoch: above a proven key, or one that took the place of another, what
    was not proven is forgotten, for it can be derived anew."""
    if key.giver is not None and key_at(history, keys, epoch) is None:
        return {epoch: key}
    unproven = (other for other, held in keys.items() if held.giver is not None and other != epoch)
    return {epoch: key, **dict.fromkeys(other for other in unproven if key_at(history, {epoch: key}, other))}


def settled(history: History, keys: Mapping[bytes, EpochKey], *, at: int) -> dict[bytes, EpochKey]:
    """What changes when another head holds: its key is derived and held by itself, all others are superseded."""
    current = history.roster.epoch
    changed: dict[bytes, EpochKey] = {}
    held = key_at(history, keys, history.roster.head)
    if held and (current not in keys or held.superseded is not None):
        changed[current] = held._replace(superseded=None)
    for epoch, key in keys.items():
        if epoch != current and key.superseded is None:
            changed[epoch] = key._replace(superseded=at)
    return changed


# --- ages ------------------------------------------------------------------------------------------------------------


def drawn_at(roster: Roster, key: EpochKey) -> int:
    """Since when (ms) a key counts. What the author of its operation claims can make it older than it is here only."""
    return min(roster.key_origin.at, key.since)


def listeners(history: History, head: bytes) -> frozenset[UserId] | None:
    """EPO-5: all who may have the key of this head; None if one of them takes no part, so that nobody may use it."""
    roster = history.roster_of(head)
    if roster is history.roster and not (history.suspended or history.leavers or roster.key_origin.key.withheld):
        return history.active  # as a rule: all members
    return roster.holders if roster.holders <= history.active else None


def may_announce(roster: Roster, key: EpochKey, *, at: int) -> bool:
    """EPO-5: whether the epoch is young enough for new announcements; in an old one they travel sealed."""
    return at - drawn_at(roster, key) < MAX_AGE


def ended(history: History, keys: Mapping[bytes, EpochKey], *, at: int) -> Iterator[bytes]:
    """EPO-6: the epochs whose key is to be forgotten now."""
    return (epoch for epoch, key in keys.items() if forget_at(history, epoch, key) <= at)


def forget_at(history: History, epoch: bytes, key: EpochKey) -> int:
    """When a key is forgotten: a grace after its epoch was superseded, or grew too old for announcements."""
    old = drawn_at(history.roster_of(epoch), key) + MAX_AGE
    return (old if key.superseded is None else min(old, key.superseded)) + GRACE
