"""Knows how a group takes control: operations, keys, chains, records, requests (spec: group.md, GRP-2, GRP-5, GRP-8).

Laws: each part proves itself or is bound to who sent it; an input that changes nothing and is refused raises; what is
right takes effect, whatever stands beside it. Who may say what:

    roster items, public identities   anybody: they prove themselves        announcement   the chain's owner alone
    epoch key, request                an active member, sealed              invitation     opened by ``Group.join``
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from siegel.errors import (
    Expired,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    MissingEpochKey,
    NotPermitted,
    PeerError,
    Replay,
    StaleRoster,
    Superseded,
)
from siegel.events import (
    CloneAlarm,
    EpochKeyReceived,
    EpochKeyRefused,
    ForkDetected,
    GroupEvent,
    IdentityUpdated,
    PartRefused,
    ReplyReady,
    SenderKeyReceived,
)
from siegel.groups import chain as chains
from siegel.groups import epoch
from siegel.groups.actions import Add
from siegel.groups.broadcast import Broadcast, open_broadcast, parse_broadcast
from siegel.groups.certificate import Announcement, Certificate, Close
from siegel.groups.chain import GRACE, Chain, Step
from siegel.groups.control import CONTENT_TYPE, Control, GivenKey, Request
from siegel.groups.epoch import EpochKey
from siegel.groups.history import History, Item, parse_item
from siegel.groups.member import Member
from siegel.groups.messages import EARLY, link_events
from siegel.groups.records import OwedClose
from siegel.groups.state import Candidate
from siegel.identity import PublicIdentity, UserId
from siegel.sealed import open_content

MAX_LIVE_CHAINS: Final = 16
_MAX_OWED: Final = 64

BROADCAST: Final = b"\x86\x0c"


class Receiver:
    """Takes one input of control into a candidate, and collects what it did."""

    def __init__(self, candidate: Candidate, member: Member) -> None:
        self._candidate, self._member = candidate, member
        self._events: list[GroupEvent] = []
        self._refusals: list[PeerError] = []
        self._changed = False

    def take(self, data: bytes) -> tuple[GroupEvent, ...]:
        """What a broadcast, or a sealed control message, did. Raises why it was refused, if it did nothing."""
        if data[:2] == BROADCAST:
            self._take_broadcast(data)
        else:
            sender, control = open_control(data, self._member)
            self._take(control, sender, data)
        if not self._changed and not self._events:
            early = [refusal for refusal in self._refusals if isinstance(refusal, EARLY)]
            raise (*early, *self._refusals, Replay("it says nothing new"))[0]
        return (*self._events, *map(PartRefused, self._refusals))

    # --- who speaks

    def _take_broadcast(self, data: bytes) -> None:
        candidate, broadcast = self._candidate, parse_broadcast(data)
        if broadcast.head not in candidate.history:
            raise StaleRoster(broadcast.head)
        key = epoch.key_at(candidate.history, candidate.keys, broadcast.head)
        if key is None:
            raise MissingEpochKey("the epoch key of this broadcast is not here")
        try:
            said = open_broadcast(broadcast, key.key, group_id=candidate.group_id)
        except InvalidMessage:
            if key.giver is None:
                raise
            said = None
        if said is None:
            raise MissingEpochKey("it does not open under the epoch key that was given to us, which may be wrong")
        if candidate.history.roster_of(broadcast.head).role(said.sender) is None:
            raise NotPermitted("its sender is not in the group")
        control = _decode(said.control)
        if control.key or control.request or control.not_after is not None:
            raise NotPermitted("this travels sealed, never under an epoch key")
        self._take(control, said.sender, data, broadcast=broadcast)

    def _take(self, control: Control, sender: UserId, data: bytes, *, broadcast: Broadcast | None = None) -> None:
        if control.group_id != self._candidate.group_id:
            raise NotPermitted("control of another group")
        self._take_items(control.items)
        for encoded in control.identities:
            self._attempt(partial(self._take_identity, encoded))
        if control.key:
            self._attempt(partial(self._take_key, control.key, sender, data))
        for encoded in control.announcements:
            self._attempt(partial(self._take_announcement, encoded, sender, broadcast))
        if control.request:
            self._attempt(partial(self._answer, control.request, sender))

    def _attempt(self, part: Callable[[], None]) -> None:
        try:
            part()
        except PeerError as error:
            self._refusals.append(error.with_traceback(None))

    # --- the parts

    def _take_items(self, encoded: tuple[bytes, ...]) -> None:
        candidate, items = self._candidate, list[Item]()
        for data in encoded:
            try:
                items.append(parse_item(data))
            except PeerError as error:
                self._refusals.append(error.with_traceback(None))
        extension = candidate.history.extend(items)
        self._refusals.extend(error for _, error in extension.refused)
        before, missing = candidate.history, candidate.history.missing
        if extension.stored:
            self._changed = True
            self._events.extend(extension.events)
            candidate.advance(extension.history, extension.stored)
            self._events.extend(follow_roster(candidate, before))
        elif extension.history.missing != missing:
            candidate.advance(extension.history, ())
        self._refusals.extend(StaleRoster(head) for head in extension.history.missing if items)

    def _take_identity(self, encoded: bytes) -> None:
        candidate, record = self._candidate, PublicIdentity.decode(encoded, at=self._candidate.at)
        user, held = record.user_id, candidate.identities.get(record.user_id)
        if candidate.history.roster.role(user) is None and user not in _wanted(candidate.history):
            raise NotPermitted("the record of somebody who is not in the group")
        if held is None or record.issued_at > held.issued_at:
            candidate.identities.put(user, record)
            if held is not None and not held.sealing_number and record.sealing_number:
                candidate.flags = candidate.flags._replace(refresh=True)  # P5: the old key may be known to a thief
            self._events.append(IdentityUpdated(user, record.sealing_number))
        elif record.issued_at < held.issued_at:
            raise Superseded("a newer record of this user is held")
        elif record != held:
            self._events.append(ForkDetected(user, (held.encode(), encoded)))

    def _take_key(self, given: GivenKey, sender: UserId, data: bytes) -> None:
        candidate, history = self._candidate, self._candidate.history
        if given.head not in history:
            raise StaleRoster(given.head)
        if sender not in history.active:
            raise NotPermitted("an epoch key comes from an active member")
        if self._member.user_id not in history.roster_of(given.head).holders:
            raise NotPermitted("an epoch key is for the holders of its head")
        try:
            key = epoch.given(history, candidate.keys, given.head, given.key, giver=sender, at=candidate.at)
        except InvalidMessage:
            self._events.append(EpochKeyRefused(sender, given.head, data))
            return
        if key is None:
            return
        name = history.roster_of(given.head).epoch
        if epoch.key_at(history, candidate.keys, name) is not None:
            candidate.rivals[name] = key
            return
        if epoch.forget_at(history, name, key) <= candidate.at:
            raise Expired("the epoch of this key is over")
        take_key(candidate, name, key)
        self._events.append(EpochKeyReceived(given.head))

    def _take_announcement(self, encoded: bytes, sender: UserId, broadcast: Broadcast | None) -> None:
        candidate, history = self._candidate, self._candidate.history
        announcement = Announcement.decode(encoded)
        certificate = announcement.certificate
        if certificate.sender != sender or certificate.group_id != candidate.group_id:
            raise NotPermitted("only its owner announces a chain, and in its group")
        if certificate.head not in history:
            raise StaleRoster(certificate.head)
        roster = history.roster_of(certificate.head)
        if roster.closed or not roster.may_post(sender):
            raise NotPermitted("its owner may not post")
        if broadcast and not history.is_calm(certificate.head, broadcast.head):
            raise NotPermitted("somebody lost rights since the chain was announced; it had to end")
        if is_ours(candidate, certificate.chain_id):
            raise Replay("our own chain")
        known = candidate.chains.get(certificate.chain_id)
        for close in certificate.closes:
            self._attempt(partial(self._take_close, close, sender))
            self._notice_twin(close, certificate)
        if known is None:
            self._begin(announcement)
            return
        permitted = candidate.permissions.of(known.certificate)
        rows = candidate.rows(certificate.chain_id)
        self._follow(chains.extend(known, rows, announcement, permitted=permitted, at=candidate.at), sender)

    def _begin(self, announcement: Announcement) -> None:
        candidate, certificate = self._candidate, announcement.certificate
        sender = certificate.sender
        live = (c for c in candidate.chains.values() if c.certificate.sender == sender and c.retire_at is None)
        if sum(1 for _ in live) >= MAX_LIVE_CHAINS:
            raise LimitExceeded("chains", f"more than {MAX_LIVE_CHAINS} live ones of one sender")
        self._follow(chains.begin(announcement), sender)
        self._events.append(SenderKeyReceived(sender, certificate.chain_id, announcement.start))
        for name, owed in list(candidate.closes.items()):
            if owed.close.chain_id == certificate.chain_id:
                candidate.closes.put(name, None)
                self._take_close(owed.close, owed.owner)

    def _take_close(self, close: Close, owner: UserId) -> None:
        candidate, chain = self._candidate, self._candidate.chains.get(close.chain_id)
        if chain is None:
            owed = OwedClose(owner, close)
            full = sum(1 for other in candidate.closes.values() if other.owner == owner) >= _MAX_OWED
            if owed.name not in candidate.closes and not full and not is_ours(candidate, close.chain_id):
                candidate.closes.put(owed.name, owed)
                self._changed = True
        elif chain.certificate.sender == owner:
            permitted, rows = candidate.permissions.of(chain.certificate), candidate.rows(close.chain_id)
            self._follow(chains.close(chain, rows, close, permitted=permitted, at=candidate.at), owner)

    def _notice_twin(self, close: Close, certificate: Certificate) -> None:
        """Our live chain was ended, and not by us: nobody would accept what we say in it (GRP-7). Once, if we know."""
        sending = self._candidate.sending
        if sending is None or self._candidate.flags.rotate:
            return
        if sending.certificate.chain_id == close.chain_id and certificate.sender == self._member.user_id:
            self._candidate.flags = self._candidate.flags._replace(rotate=True)
            evidence = (sending.certificate.encode(), certificate.encode())
            self._events.append(CloneAlarm(close.chain_id, close.end, evidence))

    def _follow(self, step: Step, sender: UserId) -> None:
        candidate = self._candidate
        before = candidate.chains.get(step.chain.certificate.chain_id)
        self._changed |= bool(step.rows) or _shown(before) != _shown(step.chain)
        candidate.take(step)
        self._events.extend(link_events(step, sender))
        self._refusals.extend(result for result in step.results if isinstance(result, PeerError))

    def _answer(self, request: Request, asker: UserId) -> None:
        candidate, member = self._candidate, self._member
        if asker not in candidate.history.active:
            raise NotPermitted("only active members are answered")
        sending = candidate.sending
        answer = Control(candidate.group_id, items=candidate.history.since(request.head))
        if request.key and asker in epoch.entitled(candidate.history):
            answer = answer._replace(key=member.newest_key(candidate))
        if sending is not None and sending.certificate.chain_id in request.chains:
            answer = answer._replace(announcements=(sending.announcement().encode(),))
        if not (answer.items or answer.key or answer.announcements):
            raise Replay("nothing that was asked for is here")
        before = len(candidate.outgoing)
        if member.seal(candidate, answer, (asker,)):
            raise NotPermitted("no usable record of the asker is known")
        self._events.append(ReplyReady(asker, tuple(candidate.outgoing[before:])))


def _shown(chain: Chain | None) -> object:
    """What a transition may change in a chain, as far as it can be compared."""
    return chain and (chain.start, chain.summary, chain.retire_at, chain.tree.node_count)


def open_control(data: bytes, member: Member) -> tuple[UserId, Control]:
    """Sender and content of a sealed control message. Errors as ``open_sealed``; NotPermitted for other content."""
    _, _, _, content = open_content(data, member.holder)
    if content.sender is None or content.content_type != CONTENT_TYPE:
        raise NotPermitted("not the control of a group")
    return UserId(content.sender), _decode(content.body)


def _decode(control: bytes) -> Control:
    try:
        return Control.decode(control)
    except (MalformedError, LimitExceeded):
        pass
    raise InvalidMessage  # a secret has been used: whatever is wrong, it is the same


def is_ours(candidate: Candidate, chain_id: bytes) -> bool:
    """Whether this instance writes or wrote the chain."""
    live = candidate.sending is not None and candidate.sending.certificate.chain_id == chain_id
    return live or chain_id in candidate.flags.own


# --- what follows from another roster --------------------------------------------------------------------------------


def follow_roster(candidate: Candidate, before: History) -> list[GroupEvent]:
    """Brings keys and chains in line with another history; what happens to messages by that."""
    after, events = candidate.history, list[GroupEvent]()
    settle_keys(candidate)
    for user in candidate.identities.keys() - after.roster.members.keys() - _wanted(after):
        candidate.identities.put(user, None)
    concerned = _concerned(before, after)
    for chain_id, chain in list(candidate.chains.items()):
        sender = chain.certificate.sender
        if (concerned is None or sender in concerned) and chain_id not in candidate.flags.own:
            permitted = candidate.permissions.of(chain.certificate)
            step = chains.review(chain, candidate.rows(chain_id), permitted=permitted)
            if chain.retire_at is None and not after.roster.may_post(sender):
                step = step._replace(chain=chain._replace(retire_at=candidate.at + GRACE))
            candidate.take(step)
            events.extend(link_events(step, sender))
    return events


def _wanted(history: History) -> set[UserId]:
    """Whom pending operations would admit: whoever adopts one has to invite them."""
    return {
        user
        for operation in history.pending
        if isinstance(operation.action, Add)
        for user, _ in operation.action.members
    }


def _concerned(before: History, after: History) -> set[UserId] | None:
    """Whose messages may stand differently now; None for everybody's."""
    if after.common(before.roster.head, after.roster.head) != before.roster.head:
        return None
    users = set(before.suspended ^ after.suspended)
    for change in after.changes(before.roster.head, after.roster.head):
        if change.muted:
            return None
        users |= change.silenced
    left = before.leavers.keys() | after.leavers.keys()
    return users | {user for user in left if before.leavers.get(user) != after.leavers.get(user)}


def take_key(candidate: Candidate, name: bytes, key: EpochKey) -> None:
    """Holds an epoch's key from now on, and what follows from it."""
    for other, held in epoch.taken(candidate.history, candidate.keys, name, key).items():
        candidate.keys.put(other, held)
    settle_keys(candidate)


def settle_keys(candidate: Candidate) -> None:
    """Derives the key of the head that holds, and notes which epochs are over."""
    for name, key in epoch.settled(candidate.history, candidate.keys, at=candidate.at).items():
        candidate.keys.put(name, key)
    drawn = candidate.history.roster.key_origin.head
    if drawn != candidate.origin:
        candidate.flags = candidate.flags._replace(refresh=False)
