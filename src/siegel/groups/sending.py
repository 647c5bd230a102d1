"""Knows when our chain changes, and how it is announced (spec: group.md, GRP-9, GRP-10).

Laws: a message goes out in a chain whose keys nobody holds who is not active now; everybody who is active can read it;
a chain that was begun because our state may be known to others is announced sealed, never under an epoch key.
"""

from __future__ import annotations

from siegel._core.suite import SECRET_BYTES, random_bytes
from siegel.errors import StateError
from siegel.groups.chain import GRACE
from siegel.groups.control import Control
from siegel.groups.links import DELIVERED, Link
from siegel.groups.member import Member
from siegel.groups.message import HEDGE_BYTES, Content
from siegel.groups.messages import own_chain
from siegel.groups.records import Flags
from siegel.groups.sending_chain import SendingChain
from siegel.groups.state import MAX_OWN, Candidate
from siegel.identity import UserId


def write(candidate: Candidate, member: Member, content: Content) -> tuple[bytes, tuple[UserId, ...]]:
    """The next message of our chain, after the chain was begun or announced where that was due; and who was skipped."""
    skipped = ready_chain(candidate, member)
    sending = candidate.sending
    if sending is None:
        raise LookupError("a chain was just made ready")
    head = candidate.history.roster.head
    following, data, link = sending.encrypt(content, head=head, hedge=random_bytes(HEDGE_BYTES))
    candidate.sending = following
    row = (Link(link, sending.previous, head, DELIVERED),)
    candidate.write_rows(sending.certificate.chain_id, {following.number: row})
    return data, skipped


def require_posting(candidate: Candidate, member: Member) -> None:
    """StateError unless we may post now."""
    history, user = candidate.history, member.user_id
    if history.roster.closed:
        raise StateError("the group is closed")
    if user not in history.roster.members:
        raise StateError("we are not in the group")
    if user in history.leavers:
        raise StateError("we have left the group")
    if user in history.suspended:
        raise StateError("we are suspended until an admin has decided")
    if not history.roster.may_post(user):
        raise StateError("our role may not post in this group")


def ready_chain(candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    """Begins a new chain if one is due (GRP-9), or announces this one to whoever lacks it; who was skipped.

    StateError unless we may post now. Who may, and what the chain is fit for, follows from the history alone.
    """
    history, sending = candidate.history, candidate.sending
    fit = (history, sending and sending.certificate, candidate.audience)
    is_ready = candidate.is_ready(fit)
    if not is_ready:
        require_posting(candidate, member)
    policy = history.roster.policy
    if (
        sending is None
        or candidate.flags.rotate
        or sending.must_end(at=candidate.at, max_messages=policy.rotate_messages, max_age=policy.rotate_age)
    ):
        return begin_chain(candidate, member)
    if is_ready:
        return ()
    start, now = history.roster_of(sending.certificate.head), history.roster
    drawn, newest = start.key_origin.head, now.key_origin.head
    if drawn != newest or not history.is_calm(start.head, now.head) or not candidate.audience <= history.active:
        return begin_chain(candidate, member)
    skipped: tuple[UserId, ...] = ()
    if lacking := history.active - candidate.audience:
        skipped = member.spread(candidate, announcement(candidate, member), head=now.head, to=lacking)
        candidate.audience = history.active
    candidate.set_ready((history, sending.certificate, candidate.audience))
    return skipped


def begin_chain(candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    """A new chain with fresh keys, announced to all who are active; the old one is closed. Who was skipped."""
    history, old, sealed = candidate.history, candidate.sending, candidate.flags.rotate
    if old is not None:
        end_chain(candidate)
    head = history.roster.head
    candidate.sending = SendingChain.begin(
        member.identity,
        group_id=candidate.group_id,
        head=head,
        closes=(old.close(),) if old else (),
        at=candidate.at,
        secrets=random_bytes(2 * SECRET_BYTES),
    )
    candidate.flags = candidate.flags._replace(rotate=False)
    candidate.audience = history.active
    control = announcement(candidate, member)
    if sealed:
        return member.seal(candidate, control, history.active)
    return member.spread(candidate, control, head=head, to=history.active)


def end_chain(candidate: Candidate) -> None:
    """Our live chain becomes one of those that we ended; its links stay, to notice who writes in our name."""
    chain = own_chain(candidate)._replace(retire_at=candidate.at + GRACE)
    chain_id, flags = chain.certificate.chain_id, candidate.flags
    candidate.chains.put(chain_id, chain)
    candidate.sending = None
    candidate.flags = Flags(flags.rotate, flags.refresh, (*flags.own, chain_id)[-MAX_OWN:])


def announcement(candidate: Candidate, member: Member) -> Control:
    """What lets others read our live chain from the next message on; with our newest record, if they lack it."""
    sending = candidate.sending
    if sending is None:
        raise StateError("we have no chain to announce; the next message begins one")
    control = Control(candidate.group_id, announcements=(sending.announcement().encode(),))
    return with_own_record(candidate, member, control)


def with_own_record(candidate: Candidate, member: Member, control: Control) -> Control:
    """The control with our own record, where it is newer than the one that the group knows."""
    held = candidate.identities.get(member.user_id)
    record = member.own_record(held, at=candidate.at)
    if record == held:
        return control
    candidate.identities.put(member.user_id, record)
    return control._replace(identities=(*control.identities, record.encode()))


# --- on demand -------------------------------------------------------------------------------------------------------


def rotate(candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    """A new chain, announced sealed."""
    require_posting(candidate, member)
    candidate.flags = candidate.flags._replace(rotate=True)
    return begin_chain(candidate, member)


def announce_to(candidate: Candidate, member: Member, users: frozenset[UserId]) -> tuple[UserId, ...]:
    """Our live chain for these. StateError for anybody who is not an active member."""
    require_posting(candidate, member)
    if not users <= candidate.history.active:
        raise StateError("keys go to active members only")
    skipped = member.seal(candidate, announcement(candidate, member), users)
    candidate.audience |= users
    return skipped


def publish(candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    """Our newest record for everybody, if they lack it."""
    history = candidate.history
    if member.user_id not in history.active:
        raise StateError("we do not take part in the group")
    control = with_own_record(candidate, member, Control(candidate.group_id))
    if not control.identities:
        return ()
    return member.spread(candidate, control, head=history.roster.head, to=history.active)
