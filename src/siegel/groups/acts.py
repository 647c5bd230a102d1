"""Knows how we act on a roster: the operation, the key it brings, who is told and how (spec: group.md, GRP-3, GRP-11).

Laws: an act is signed only if the roster allows it; a fresh key goes to the active members and to nobody else; whoever
comes in gets the log, the derived key and the others' records, and nothing from before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from siegel._core.instants import DAY
from siegel._core.secret import Secret
from siegel._core.suite import SECRET_BYTES, random_bytes
from siegel.errors import InvalidArgument, StateError
from siegel.groups import chain as chains
from siegel.groups import epoch
from siegel.groups.actions import (
    MAX_CLOSES,
    NONCE_BYTES,
    Action,
    Add,
    Adopt,
    ChainClose,
    Create,
    Dismiss,
    FreshKey,
    GroupPolicy,
    Refresh,
    Remove,
    Role,
    Sealing,
    SetPolicy,
    SetRole,
    Who,
)
from siegel.groups.control import MAX_IDENTITIES, Control
from siegel.groups.epoch import EpochKey
from siegel.groups.history import History
from siegel.groups.member import Member
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.receiving import follow_roster
from siegel.groups.roster import propose
from siegel.groups.sending import with_own_record
from siegel.groups.state import Candidate, State
from siegel.groups.storage import Storage
from siegel.identity import PublicIdentity, UserId

Members: TypeAlias = Mapping[PublicIdentity, Role] | Iterable[PublicIdentity]

INVITATION_LIFE: Final = 30 * DAY


def found(
    member: Member,
    *,
    members: Mapping[PublicIdentity, Role],
    name: str,
    policy: GroupPolicy,
    storage: Storage,
    at: int,
) -> tuple[State, Candidate, tuple[UserId, ...]]:
    """A new group with everybody invited; who was skipped."""
    key = Secret(random_bytes(SECRET_BYTES))
    others = {public.user_id: role for public, role in members.items()}
    others.pop(member.user_id, None)
    action = Create(random_bytes(NONCE_BYTES), name, policy, _by_id(others), FreshKey(epoch.commitment_of(key)))
    operation = Operation.found(member.identity, action=action, at=at)
    state = State(storage, History.found(operation))
    candidate = Candidate(state, at=at)
    candidate.advance(state.history, (operation.encode(),))
    candidate.keys.put(operation.head, EpochKey(key, at))
    for public in members:
        candidate.identities.put(public.user_id, public)
    if member.user_id not in candidate.identities:
        candidate.identities.put(member.user_id, member.own_record(None, at=at))
    return state, candidate, invite(candidate, member, frozenset(others))


def add(candidate: Candidate, member: Member, members: Mapping[PublicIdentity, Role]) -> tuple[UserId, ...]:
    """Admits users; the others learn their records."""
    newcomers = {public.user_id: role for public, role in members.items()}
    for public in members:
        candidate.identities.put(public.user_id, public)
    records = tuple(public.encode() for public in members)
    return act(candidate, member, Add(_by_id(newcomers)), records=records)


def remove(candidate: Candidate, member: Member, users: Iterable[UserId]) -> tuple[UserId, ...]:
    """Takes users out, with the leave statements of those who asked for it."""
    history, gone = candidate.history, tuple(sorted(set(users), key=bytes))
    statements = tuple(history.statement(user).encode() for user in gone if user in history.leavers)
    key = Secret(random_bytes(SECRET_BYTES))
    action = Remove(gone, statements, closes_of(candidate, gone), _fresh(candidate, member, key, gone))
    return act(candidate, member, action, key=key)


def refresh(candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    """A fresh epoch key."""
    key = Secret(random_bytes(SECRET_BYTES))
    return act(candidate, member, Refresh(_fresh(candidate, member, key)), key=key)


def set_role(candidate: Candidate, member: Member, user: UserId, role: Role) -> tuple[UserId, ...]:
    """Another role for a member."""
    roster = candidate.history.roster
    after = SetRole(user, role)
    silenced = (user,) if roster.may_post(user) and not _posts(role, roster.policy) else ()
    return act(candidate, member, after._replace(closes=closes_of(candidate, silenced)))


def set_policy(candidate: Candidate, member: Member, policy: GroupPolicy) -> tuple[UserId, ...]:
    """Other rules; with a fresh key if members with sealing number 0 are refused from now on."""
    roster = candidate.history.roster
    silenced = [u for u, role in roster.roles.items() if roster.may_post(u) and not _posts(role, policy)]
    tightened = roster.policy.sealing is Sealing.ANY and policy.sealing is Sealing.FORWARD_SECRET
    key = Secret(random_bytes(SECRET_BYTES)) if tightened else None
    fresh = _fresh(candidate, member, key) if key else None
    return act(candidate, member, SetPolicy(policy, closes_of(candidate, silenced), fresh), key=key)


def adopt(candidate: Candidate, member: Member, operations: tuple[bytes, ...]) -> tuple[UserId, ...]:
    """Does what operations of losing branches wanted to do, in this order."""
    actions, roster = _pending(candidate.history, operations), candidate.history.roster
    gone = {user for action in actions if isinstance(action, Remove) for user in action.users if user in roster.members}
    silenced = gone | {a.user for a in actions if isinstance(a, SetRole) and not _posts(a.role, roster.policy)}
    policies = [action.policy for action in actions if isinstance(action, SetPolicy)]
    if policies:
        silenced |= {user for user, role in roster.roles.items() if not _posts(role, policies[-1])}
    silenced = {user for user in silenced if roster.may_post(user)}
    tightened = roster.policy.sealing is Sealing.ANY and any(p.sealing is Sealing.FORWARD_SECRET for p in policies)
    key = Secret(random_bytes(SECRET_BYTES)) if gone or tightened else None
    fresh = _fresh(candidate, member, key, gone) if key else None
    return act(candidate, member, Adopt(operations, closes_of(candidate, silenced), fresh), key=key)


def dismiss(candidate: Candidate, member: Member, operations: tuple[bytes, ...]) -> tuple[UserId, ...]:
    """Ends the waiting of operations of losing branches."""
    _pending(candidate.history, operations)
    return act(candidate, member, Dismiss(operations))


def _pending(history: History, operations: tuple[bytes, ...]) -> list[Action]:
    """What these want to do. InvalidArgument if one is not pending: nobody could judge an act that names it."""
    pending = {operation.head: operation.action for operation in history.pending}
    if not set(operations) <= pending.keys():
        raise InvalidArgument("not a pending operation")
    return [pending[head] for head in operations]


def leave(candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    """Our word that we are out."""
    history, user = candidate.history, member.user_id
    if user not in history.roster.members:
        raise StateError("we are not in the group")
    statement = LeaveStatement.sign(
        member.identity,
        group_id=candidate.group_id,
        head=history.roster.head,
        closes=closes_of(candidate, (user,)),
        at=candidate.at,
    )
    extension = history.extend([statement])
    control = Control(candidate.group_id, items=(statement.encode(),))
    skipped = member.spread(candidate, control, head=history.roster.head, to=history.active)
    _advance(candidate, extension.history, extension.stored)
    return skipped


# --- one act ---------------------------------------------------------------------------------------------------------


def act(
    candidate: Candidate, member: Member, action: Action, *, key: Secret | None = None, records: tuple[bytes, ...] = ()
) -> tuple[UserId, ...]:
    """Signs the act, takes it into the roster, tells everybody; who was skipped.

    ``key``: the fresh one it brings. ``records``: public identities for the others. StateError if it is not allowed.
    """
    before = candidate.history
    operation = propose(before.roster, member.identity, action, at=candidate.at)
    extension = before.extend([operation])
    if extension.refused:
        raise StateError(f"not possible: {extension.refused[0][1]}")
    if key is not None:
        candidate.keys.put(operation.head, EpochKey(key, candidate.at))
    _advance(candidate, extension.history, extension.stored)
    after = candidate.history
    newcomers = after.roster.change.admitted & after.active
    others = after.active - newcomers
    control = Control(candidate.group_id, items=(operation.encode(),), identities=records[:MAX_IDENTITIES])
    control = with_own_record(candidate, member, control) if len(control.identities) < MAX_IDENTITIES else control
    if key is not None:
        skipped = member.give(candidate, control, others)
    else:
        skipped = member.spread(candidate, control, head=before.roster.head, to=others)
    _page(candidate, member, records[MAX_IDENTITIES:], others)
    return (*skipped, *(invite(candidate, member, newcomers) if newcomers else ()))


def invite(candidate: Candidate, member: Member, newcomers: frozenset[UserId]) -> tuple[UserId, ...]:
    """Seals log, key and the members' records to newcomers; who was skipped."""
    history = candidate.history
    known = [candidate.identities.get(user) for user in history.roster.members]
    records = tuple(record.encode() for record in known if record)
    control = Control(
        candidate.group_id,
        items=history.records,
        identities=records[:MAX_IDENTITIES],
        not_after=candidate.at + INVITATION_LIFE,
    )
    skipped = member.give(candidate, control, newcomers)
    _page(candidate, member, records[MAX_IDENTITIES:], newcomers)
    return skipped


def _page(candidate: Candidate, member: Member, records: tuple[bytes, ...], users: frozenset[UserId]) -> None:
    """Further records for these users, page by page; under the key of the head, if they are most of those who hold it.

    To a few they go sealed: a page is 1.4 MB, and whoever is in already has all of them.
    """
    history = candidate.history
    for first in range(0, len(records), MAX_IDENTITIES):
        control = Control(candidate.group_id, identities=records[first : first + MAX_IDENTITIES])
        if 2 * len(users) > len(history.active):
            member.spread(candidate, control, head=history.roster.head, to=users)
        else:
            member.seal(candidate, control, users)


def _advance(candidate: Candidate, history: History, stored: tuple[bytes, ...]) -> None:
    before = candidate.history
    candidate.advance(history, stored)
    follow_roster(candidate, before)  # what our own act does to messages is no news to us


def closes_of(candidate: Candidate, users: Iterable[UserId]) -> tuple[ChainClose, ...]:
    """ROS-13: the last index up to which we know each chain of these users, ascending by chain id.

    Who left said themselves where their chains end; beyond what is known here their word counts no more than others'.
    """
    leavers, concerned = candidate.history.leavers, frozenset(users)
    ends = {close.chain_id: close.last_index for user in concerned & leavers.keys() for close in sorted(leavers[user])}
    found: dict[bytes, int] = {}
    for chain_id, chain in candidate.chains.items():
        sender = chain.certificate.sender
        if sender in concerned:
            last = chains.known(chain, candidate.rows(chain_id)) - 1
            found[chain_id] = min(last, ends.get(chain_id, -1)) if sender in leavers else last
    sending = candidate.sending
    if sending and sending.certificate.sender in concerned:
        found[sending.certificate.chain_id] = sending.number - 1
    return tuple(ChainClose(chain_id, last) for chain_id, last in sorted(found.items()) if last >= 0)[:MAX_CLOSES]


def _fresh(candidate: Candidate, member: Member, key: Secret, gone: Iterable[UserId] = ()) -> FreshKey:
    """The key's commitment, withheld from members who stay and take no part."""
    history = candidate.history
    withheld = history.roster.members.keys() - history.active - frozenset(gone) - {member.user_id}
    return FreshKey(epoch.commitment_of(key), tuple(sorted(withheld, key=bytes)))


def _posts(role: Role, policy: GroupPolicy) -> bool:
    return role is Role.ADMIN or (role is Role.MEMBER and policy.posting is Who.MEMBERS)


def _by_id(members: Mapping[UserId, Role]) -> tuple[tuple[UserId, Role], ...]:
    return tuple(sorted(members.items(), key=lambda pair: pair[0].data))


def roles_of(members: Members, role: Role) -> dict[PublicIdentity, Role]:
    """Each member's role. InvalidArgument for what is no public identity, or a user twice."""
    people = list(members)
    if not all(isinstance(public, PublicIdentity) for public in people):
        raise InvalidArgument("a member is given as a PublicIdentity")
    if len({public.user_id for public in people}) != len(people):
        raise InvalidArgument("a user stands twice among the members")
    return {public: members[public] if isinstance(members, Mapping) else role for public in people}
