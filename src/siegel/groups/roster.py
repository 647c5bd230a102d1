"""Knows who is in a group and who may do what, at one head (spec: roster.md, ROS-7, ROS-8, ROS-12)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from siegel.groups.actions import (
    Action,
    Add,
    CloseGroup,
    Create,
    FreshKey,
    GroupPolicy,
    Refresh,
    Role,
    Who,
)
from siegel.groups.operations import Operation
from siegel.identity import Identity, UserId

# Admins 0, other members 1, everybody else 2; the height of the grant, or of the admission; id. Low is senior.
Seniority: TypeAlias = tuple[int, int, bytes]
NOBODY: Final[Seniority] = (2, 0, b"")

_NONE: Final[frozenset[UserId]] = frozenset()


class Member(NamedTuple):
    """A member's role; the heights of the operations that admitted them and, of an admin, that made them one."""

    role: Role
    since: int
    admin_since: int | None


class KeyKind(Enum):
    """Where the epoch key of a head comes from: drawn for it, derived from its parent's, or its parent's itself."""

    FRESH = 0
    DERIVED = 1
    KEPT = 2


class KeyOrigin(NamedTuple):
    """The newest operation at or below a head that brought a fresh epoch key; ``at`` (ms) is its author's claim."""

    head: bytes
    at: int
    key: FreshKey


class Change(NamedTuple):
    """What the operation of a head did to whom.

    ``silenced`` lost the right to post, by being named; if ``muted``, whoever is a member without being an admin did,
    by the policy. (These are not listed: a policy that goes back and forth would be kept at the size of the group.)
    """

    admitted: frozenset[UserId] = _NONE
    removed: frozenset[UserId] = _NONE
    demoted: frozenset[UserId] = _NONE
    silenced: frozenset[UserId] = _NONE
    muted: bool = False

    @property
    def is_calm(self) -> bool:
        """Whether nobody lost rights."""
        return not (self.removed or self.demoted or self.silenced or self.muted)


class Roster(NamedTuple):
    """The state of a group at ``head``. ``decided`` are the operations adopted or dismissed at or below it.

    ``epoch`` is the newest head at or below this one whose epoch key is not its parent's.
    """

    group_id: bytes
    head: bytes
    height: int
    name: str
    policy: GroupPolicy
    founder: UserId
    members: MappingProxyType[UserId, Member]
    closed: bool
    decided: frozenset[bytes]
    key_kind: KeyKind
    key_origin: KeyOrigin
    epoch: bytes
    change: Change

    @property
    def roles(self) -> dict[UserId, Role]:
        """Each member's role."""
        return {user: member.role for user, member in self.members.items()}

    @property
    def holders(self) -> frozenset[UserId]:
        """Who was given the epoch key of this head.

        Whoever leaves does so by an operation with a fresh key, and whoever joins gets the derived one: so these are
        the members without those from whom the last fresh key was withheld.
        """
        return frozenset(self.members.copy()) - frozenset(self.key_origin.key.withheld)  # a dict's hashes are at hand

    def role(self, user: UserId) -> Role | None:
        """The user's role; None for somebody who is not in."""
        member = self.members.get(user)
        return member.role if member else None

    def may_post(self, user: UserId) -> bool:
        """Whether the user may write messages at this head."""
        return posts(self.role(user), self.policy)

    def entitled(self, user: UserId, action: Action) -> bool:
        """Whether the user's role allows such an act at all. Against whom it goes is another question (ROS-7)."""
        role = self.role(user)
        if isinstance(action, Refresh):
            return self.may_post(user)
        if isinstance(action, Add) and role is Role.MEMBER and self.policy.adding is Who.MEMBERS:
            return all(given is Role.MEMBER for _, given in action.members)  # only admins grant other roles
        if isinstance(action, CloseGroup):  # it ends everybody's rights, so nobody may be senior
            return user == self.first_admin
        return role is Role.ADMIN and not isinstance(action, Create)

    def seniority(self, user: UserId) -> Seniority:
        """Admins by the height of their grant, the founder first; members by that of their admission; then by id."""
        member = self.members.get(user)
        if member is None:
            return NOBODY
        if member.admin_since is None:
            return 1, member.since, user.data
        if member.admin_since == 0 and user == self.founder:  # a founder who was away has a later grant
            return 0, 0, b""
        return 0, member.admin_since, user.data

    def is_senior(self, user: UserId, other: UserId) -> bool:
        """Whether an admin is senior to the other user."""
        return self.role(user) is Role.ADMIN and self.seniority(user) < self.seniority(other)

    @property
    def admins(self) -> Iterator[UserId]:
        """The admins, in no order."""
        return (user for user, member in self.members.items() if member.admin_since is not None)

    @property
    def first_admin(self) -> UserId | None:
        """The most senior admin; None if all have left."""
        return min(self.admins, key=self.seniority, default=None)

    def seniors(self, user: UserId) -> frozenset[UserId]:
        """The admins who are senior to the user."""
        place = self.seniority(user)
        return frozenset(other for other in self.admins if self.seniority(other) < place)

    def __repr__(self) -> str:
        return f"<Roster of {len(self.members)} at height {self.height}, head {self.head.hex()[:8]}>"


def posts(role: Role | None, policy: GroupPolicy) -> bool:
    """Whether somebody with this role may write messages under this policy; None is nobody's."""
    return role is Role.ADMIN or (role is Role.MEMBER and policy.posting is Who.MEMBERS)


def propose(roster: Roster, author: Identity, action: Action, *, at: int) -> Operation:
    """The author's operation on top of the roster's head, signed; ``apply`` says whether it is allowed."""
    place = {"group_id": roster.group_id, "previous": roster.head}
    return Operation.sign(author, **place, height=roster.height + 1, action=action, at=at)
