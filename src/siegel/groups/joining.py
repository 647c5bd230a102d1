"""Knows how somebody comes into a group: by an invitation, once (spec: group.md, GRP-12).

Laws: whoever invites is known to us, admitted us themselves, and did it in the newest operation of the log they send;
an invitation has an end; one for a group that we know or have left takes effect only if we were admitted again since.
"""

from __future__ import annotations

from typing import Final

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.suite import HASH_BYTES
from siegel.errors import Expired, InvalidMessage, MalformedError, NotPermitted, PeerError, Replay
from siegel.events import EpochKeyRefused
from siegel.groups.control import Control
from siegel.groups.history import History
from siegel.groups.member import Member
from siegel.groups.receiving import Receiver, open_control
from siegel.groups.state import Candidate, State, prefix_of
from siegel.groups.storage import Storage
from siegel.identity import UserId
from siegel.sealed import require_known

_TOMBSTONE: Final = "forgotten"


def open_invitation(invitation: bytes, member: Member, *, at: int) -> tuple[Control, History]:
    """The invitation and the history that it brings, checked. Errors as of ``Group.join``."""
    sender, control = open_control(invitation, member)
    require_known(sender, member.user_id, member.contacts, allow_anonymous=False)
    if control.not_after is None:
        raise NotPermitted("not an invitation")
    if at > control.not_after:
        raise Expired("the invitation has ended; ask for another")
    try:
        history = History.load(control.items)
    except MalformedError:
        history = None
    if history is None:
        raise InvalidMessage  # a secret has been used: whatever is wrong with the log, it is the same
    newest = history.operation(history.roster.head)
    if control.group_id != history.roster.group_id:
        raise NotPermitted("the log of another group")
    if newest.author != sender or member.user_id not in history.roster.change.admitted:
        raise NotPermitted("its newest operation is not an admission of us by who sent it")
    return control, history


def require_new(known: History | None, tombstone: bytes | None, history: History, user: UserId) -> None:
    """Replay unless we were admitted again after the last head that we knew of this group."""
    last = known.roster.head if known else tombstone
    if last is None:
        return
    if last not in history:
        raise Replay("an invitation to a group that was left or is known")
    height = history.operation(history.common(last, history.roster.head)).height
    if history.roster.members[user].since <= height:
        raise Replay("an invitation to a group that was left or is known")


def begin(
    invitation: bytes, control: Control, history: History, member: Member, storage: Storage, *, at: int
) -> tuple[State, Candidate]:
    """The state of a group that we come into, as a candidate. InvalidMessage if its key is another than it says."""
    state = State(storage, history)
    candidate = Candidate(state, at=at)
    candidate.advance(history, control.items)
    try:
        events = Receiver(candidate, member).take(invitation)
    except PeerError:  # it brings the log, which is in the candidate already, and nothing else that can be taken
        events = ()
    if any(isinstance(event, EpochKeyRefused) for event in events):
        raise InvalidMessage
    return state, candidate


# --- what is left of a group that was forgotten ----------------------------------------------------------------------


def tombstone_record(history: History) -> tuple[str, bytes]:
    """Name and bytes of the one record that stays: the last head, so that no old invitation brings the group back."""
    return prefix_of(history.roster.group_id) + _TOMBSTONE, encode([history.roster.head])


def tombstone_of(storage: Storage, group_id: bytes) -> bytes | None:
    """The last head of a group that was forgotten."""
    for _, data in storage.load(prefix_of(group_id) + _TOMBSTONE):
        (head,) = shape.array(decode(data), 1, "tombstone")
        return shape.octets(head, HASH_BYTES, "tombstone")
    return None
