"""Knows what an operation makes of the roster that it stands on (spec: roster.md, ROS-5, ROS-7 … ROS-13).

A roster is a function of the operations below its head, and of what those name by hash; nothing else that stands
on another branch changes it. Laws: nobody is in whom no entitled member admitted; nobody takes rights from a senior;
nobody removes or demotes themselves, so a group never runs out of admins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from siegel.errors import LimitExceeded, NotPermitted
from siegel.groups.actions import (
    MAX_MEMBERS,
    Action,
    Add,
    Adopt,
    CloseGroup,
    Create,
    Dismiss,
    FreshKey,
    Refresh,
    Remove,
    Rename,
    Role,
    Sealing,
    SetPolicy,
    SetRole,
    Who,
    users_of,
)
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import Change, KeyKind, KeyOrigin, Member, Roster
from siegel.identity import UserId

_RIGHTS: Final = {Role.ADMIN: 2, Role.MEMBER: 1, Role.READER: 0, Role.ARCHIVIST: 0, None: -1}


class References(NamedTuple):
    """What an operation names outside its own path, found by whoever holds the other branches.

    ``operations``: the adopted or dismissed ones by head, each valid at its own place and none below this one.
    ``common``: for the head of each carried leave statement the height of its last common head with this path.
    ``belied``: the statements whose user signed acts between that common head and the statement's.
    """

    operations: Mapping[bytes, Operation] = MappingProxyType({})
    common: Mapping[bytes, int] = MappingProxyType({})
    belied: frozenset[LeaveStatement] = frozenset()


_NO_REFERENCES: Final = References()


def found(operation: Operation) -> Roster:
    """The roster of a founding operation; NotPermitted for any other."""
    action = operation.action
    if not isinstance(action, Create):
        raise NotPermitted("not the operation that founds a group")
    members = {user: _member(role, 0) for user, role in (*action.members, (operation.author, Role.ADMIN))}
    _check_fresh(action.fresh, members, operation.author)
    return Roster(
        group_id=operation.group_id,
        head=operation.head,
        height=0,
        name=action.name,
        policy=action.policy,
        founder=operation.author,
        members=MappingProxyType(members),
        closed=False,
        decided=frozenset(),
        key_kind=KeyKind.FRESH,
        key_origin=KeyOrigin(operation.head, operation.at, action.fresh),
        epoch=operation.head,
        change=Change(admitted=frozenset(members)),
    )


def apply(roster: Roster, operation: Operation, references: References = _NO_REFERENCES) -> Roster:
    """The roster after the operation, which stands directly on this one (ROS-5).

    NotPermitted if its author has no right to it here, LimitExceeded for too many members.
    """
    if (operation.group_id, operation.previous, operation.height) != (roster.group_id, roster.head, roster.height + 1):
        raise NotPermitted("the operation does not stand on this head")
    if roster.closed:
        raise NotPermitted("the group is closed")
    action, author = operation.action, operation.author
    named = [references.operations[head] for head in _named(action)]
    if isinstance(action, Adopt | Dismiss):
        after = _decide(roster, author, action, named)
    else:
        after = _perform(roster, author, action, left=_leavers(roster, operation, references))
    change = _change(roster, after, touched(operation, references))
    if getattr(action, "closes", ()) and not (change.silenced or change.muted):  # ROS-13
        raise NotPermitted("chains are closed, and nobody loses the right to post")
    after = after._replace(head=operation.head, height=operation.height, change=change)
    return _with_key(roster, after, operation)


def touched(operation: Operation, references: References) -> frozenset[UserId]:
    """Everybody whose membership the operation can have changed."""
    named = (references.operations[head] for head in _named(operation.action))
    return users_of(operation.action).union(*(users_of(other.action) for other in named))


def _named(action: Action) -> tuple[bytes, ...]:
    return action.operations if isinstance(action, Adopt | Dismiss) else ()


def _leavers(roster: Roster, operation: Operation, references: References) -> frozenset[UserId]:
    """Who said, by a statement that this removal carries, that they are out; each statement must stand (ROS-11).

    Without those who had acted on the way to where they said so: their word is for that branch, and not for this one.
    """
    for statement in operation.statements:
        if statement.group_id != roster.group_id or statement.user_id not in users_of(operation.action):
            raise NotPermitted("a leave statement of another group, or of somebody who is not removed")
        member = roster.members.get(statement.user_id)
        if member is None or member.since > references.common[statement.head]:
            raise NotPermitted("the leave statement is void: its user was admitted again")
    return frozenset(s.user_id for s in operation.statements if s not in references.belied)


def _decide(roster: Roster, author: UserId, action: Adopt | Dismiss, named: list[Operation]) -> Roster:
    """Adopts or dismisses the named operations, in their order (ROS-9, ROS-10)."""
    after, seniors = roster, roster.seniors(author)
    for operation in named:
        if operation.head in roster.decided:
            raise NotPermitted("an operation is adopted or dismissed once")
        if isinstance(operation.action, Create | Adopt | Dismiss | Refresh):
            raise NotPermitted("a losing operation of this kind is void")
        if isinstance(action, Adopt):
            after = _adopt(after, author, operation)
        elif not after.entitled(author, action):
            raise NotPermitted("only admins dismiss")
        elif seniors and (_goes_against(operation, author) or operation.author in seniors):
            raise NotPermitted("only the most senior admin dismisses an act against themselves, and nobody a senior's")
    return after._replace(decided=roster.decided.union(action.operations))


def _goes_against(operation: Operation, user: UserId) -> bool:
    return isinstance(operation.action, Remove | SetRole) and user in users_of(operation.action)


def _adopt(roster: Roster, adopter: UserId, operation: Operation) -> Roster:
    """What is left of the operation, done by the adopter.

    What gives, its author must be entitled to give now: a client may adopt without asking anybody, and a back-dated
    admission by somebody who lost the right must not ride on that. What takes was judged where it was signed.
    """
    if not roster.entitled(adopter, operation.action):
        raise NotPermitted("the author has no right to this act")
    action = _remainder(roster, operation.action)
    if action is None:
        return roster
    if not _takes(roster, action) and not roster.entitled(operation.author, action):
        raise NotPermitted("the author of the adopted operation has lost the right to it")
    return _perform(roster, adopter, action)


def _remainder(roster: Roster, action: Action) -> Action | None:
    """The part of an act that is not done yet; None if there is nothing left to do."""
    match action:
        case Add():
            members = tuple((user, role) for user, role in action.members if user not in roster.members)
            return action._replace(members=members) if members else None
        case Remove():
            users = tuple(user for user in action.users if user in roster.members)
            return action._replace(users=users) if users else None
        case SetRole():
            return action if roster.role(action.user) not in (None, action.role) else None
        case SetPolicy():
            return action if action.policy != roster.policy else None
        case Rename():
            return action if action.name != roster.name else None
        case _:
            return action


def _takes(roster: Roster, action: Action) -> bool:
    """Whether the act takes rights from named users."""
    if isinstance(action, SetRole):
        return _RIGHTS[roster.role(action.user)] > _RIGHTS[action.role]
    return isinstance(action, Remove)


def _perform(roster: Roster, actor: UserId, action: Action, *, left: frozenset[UserId] = frozenset()) -> Roster:
    """The roster after the act, its head and height not yet moved. ``left``: who asked to be removed."""
    if not roster.entitled(actor, action):
        raise NotPermitted("the author has no right to this act")
    match action:
        case Add():
            return _admit(roster, action)
        case Remove():
            # Whoever takes a senior's place by that senior's word must be next in line: it will count for the senior.
            succeeds = bool(left) and roster.seniors(actor) <= left
            for user in action.users:
                _check_target(roster, actor, user, asked=succeeds and user in left)
            members = roster.members.copy()
            for user in action.users:
                del members[user]
            return _with_members(roster, members)
        case SetRole():
            _check_target(roster, actor, action.user, asked=False)
            return _give_role(roster, action)
        case SetPolicy():
            if action.policy == roster.policy:
                raise NotPermitted("the policy is as it was")
            return roster._replace(policy=action.policy)
        case Rename():
            return roster._replace(name=action.name)
        case CloseGroup():
            return roster._replace(closed=True)
        case _:  # Refresh; Create, Adopt and Dismiss do not come here
            return roster


def _check_target(roster: Roster, actor: UserId, user: UserId, *, asked: bool) -> None:
    """NotPermitted unless the admin may take something from this member (ROS-8)."""
    if user not in roster.members:
        raise NotPermitted("not a member")
    if user == actor:  # their fresh key would be known to somebody who is out, and the last admin could go
        raise NotPermitted("nobody removes or changes themselves; they leave")
    if not asked and not roster.is_senior(actor, user):
        raise NotPermitted("an admin removes and changes only juniors")


def _admit(roster: Roster, action: Add) -> Roster:
    if any(user in roster.members for user, _ in action.members):
        raise NotPermitted("already a member")
    new = {user: _member(role, roster.height + 1) for user, role in action.members}
    return _with_members(roster, roster.members | new)


def _give_role(roster: Roster, action: SetRole) -> Roster:
    old = roster.members[action.user]
    if old.role is action.role:
        raise NotPermitted("the role is as it was")
    granted = roster.height + 1 if action.role is Role.ADMIN else None
    return _with_members(roster, roster.members | {action.user: Member(action.role, old.since, granted)})


def _member(role: Role, height: int) -> Member:
    return Member(role, height, height if role is Role.ADMIN else None)


def _with_members(roster: Roster, members: dict[UserId, Member]) -> Roster:
    if len(members) > MAX_MEMBERS:
        raise LimitExceeded("roster", f"more than {MAX_MEMBERS} members")
    return roster._replace(members=MappingProxyType(members))


# --- what it did, and which key it brings ----------------------------------------------------------------------------


def _change(before: Roster, after: Roster, touched: Collection[UserId]) -> Change:
    admitted = {u for u in touched if u in after.members and after.members[u].since == before.height + 1}
    removed = {u for u in touched if u in before.members and (u in admitted or u not in after.members)}
    kept = [u for u in touched if u in before.members and u not in removed]
    muting = before.policy.posting is Who.MEMBERS and after.policy.posting is Who.ADMINS
    return Change(
        admitted=frozenset(admitted),
        removed=frozenset(removed),
        demoted=frozenset(u for u in kept if _RIGHTS[before.role(u)] > _RIGHTS[after.role(u)]),
        silenced=frozenset(u for u in touched if before.may_post(u) and (u in removed or not after.may_post(u))),
        muted=muting and any(m.role is Role.MEMBER and not after.may_post(u) for u, m in before.members.items()),
    )


def _with_key(before: Roster, after: Roster, operation: Operation) -> Roster:
    """The roster with the epoch key that the operation brings (ROS-12)."""
    fresh: FreshKey | None = getattr(operation.action, "fresh", None)
    tightened = before.policy.sealing is Sealing.ANY and after.policy.sealing is Sealing.FORWARD_SECRET
    needed = bool(after.change.removed) or tightened or isinstance(operation.action, Refresh)
    if needed is not (fresh is not None):
        raise NotPermitted("a fresh epoch key where none belongs, or none where one does")
    if fresh is None and not after.change.admitted:
        return after._replace(key_kind=KeyKind.KEPT)
    after = after._replace(epoch=operation.head)
    if fresh is None:
        return after._replace(key_kind=KeyKind.DERIVED)
    _check_fresh(fresh, after.members, operation.author)
    return after._replace(key_kind=KeyKind.FRESH, key_origin=KeyOrigin(operation.head, operation.at, fresh))


def _check_fresh(fresh: FreshKey, members: Mapping[UserId, Member], author: UserId) -> None:
    if author in fresh.withheld or not all(user in members for user in fresh.withheld):
        raise NotPermitted("a fresh key is withheld from its author, or from somebody who is not in")
