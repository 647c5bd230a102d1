"""What a group is at one head, by hand (spec ROS-5, ROS-7 … ROS-13): one operation after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from tests.vectors.reference import require
from tests.vectors.reference.roster_wire import ADMIN, MAX_MEMBERS, MEMBER, Act, Operation

Place: TypeAlias = tuple[int, int, bytes]  # in the order of seniority

POSTING, ADDING, _, _, SEALING = range(5)  # of a policy
NOWHERE: Final[Place] = (3, 0, b"")
_NO_RIGHTS: Final = -1


def rights_of(role: int | None) -> int:
    """More for an admin than for a member, more for a member than for a reader or archivist."""
    if role is None:
        return _NO_RIGHTS
    return {ADMIN: 2, MEMBER: 1}.get(role, 0)


@dataclass(frozen=True)
class Member:
    """A role, the height of the admission and, of an admin, of the grant."""

    role: int
    since: int
    grant: int | None


@dataclass(frozen=True)
class State:
    """Everything that the operations of one path add up to."""

    group: bytes
    head: bytes
    height: int
    founder: bytes
    name: bytes
    policy: list[int]
    members: Mapping[bytes, Member]
    closed: bool = False
    decided: frozenset[bytes] = frozenset()
    key_kind: str = "fresh"
    epoch: bytes = b""
    withheld: frozenset[bytes] = frozenset()

    def role(self, user: bytes) -> int | None:
        """The role; None for somebody who is not in."""
        return self.members[user].role if user in self.members else None

    def may_post(self, user: bytes) -> bool:
        """Admins; members, unless the policy leaves posting to admins."""
        role = self.role(user)
        return role == ADMIN or (role == MEMBER and self.policy[POSTING] == 0)

    def place(self, user: bytes) -> Place:
        """The place in the order of seniority (ROS-8)."""
        if user not in self.members:
            return NOWHERE
        grant = self.members[user].grant
        if grant is None:
            return 2, self.members[user].since, user
        return (0, 0, b"") if user == self.founder and grant == 0 else (1, grant, user)

    def admins(self) -> list[bytes]:
        """The admins, the most senior first."""
        return sorted((user for user in self.members if self.role(user) == ADMIN), key=self.place)

    def is_senior(self, user: bytes, other: bytes) -> bool:
        """Whether an admin is more senior than somebody."""
        return self.role(user) == ADMIN and self.place(user) < self.place(other)

    def has_right(self, user: bytes, act: Act) -> bool:
        """ROS-7."""
        role = self.role(user)
        match act.kind:
            case "add":
                by_policy = role == MEMBER and self.policy[ADDING] == 0
                return role == ADMIN or (by_policy and all(given == MEMBER for _, given in act["members"]))
            case "refresh":
                return self.may_post(user)
            case "close":
                return self.admins()[:1] == [user]
            case "create":
                return False
            case _:
                return role == ADMIN

    def holders(self) -> list[bytes]:
        """ROS-12."""
        return sorted(set(self.members) - self.withheld)


@dataclass(frozen=True)
class Change:
    """What an operation did to whom."""

    admitted: frozenset[bytes]
    taken_out: frozenset[bytes]
    demoted: frozenset[bytes]
    silenced: frozenset[bytes]


def change(before: State, after: State) -> Change:
    """What lies between a parent's state and an operation's."""
    new = {user for user, member in after.members.items() if member.since > before.height}
    out = {user for user in before.members if user not in after.members or user in new}
    kept = set(before.members) - out
    return Change(
        admitted=frozenset(new),
        taken_out=frozenset(out),
        demoted=frozenset(u for u in kept if rights_of(after.role(u)) < rights_of(before.role(u))),
        silenced=frozenset(u for u in before.members if before.may_post(u) and (u in out or not after.may_post(u))),
    )


# --- operations -------------------------------------------------------------------------------------------------------


def _permit(condition: object, stage: str = "rights") -> None:
    require(bool(condition), stage, "not-permitted")


def found(operation: Operation) -> State:
    """The state of a founding operation, which is the first of a log (ROS-5)."""
    act = operation.action
    _permit(act.kind == "create", "place")
    named = {user: _new_member(role, 0) for user, role in act["members"]}
    state = State(
        group=operation.group,
        head=operation.head,
        height=0,
        founder=operation.author,
        name=act["name"],
        policy=act["policy"],
        members=named | {operation.author: _new_member(ADMIN, 0)},
    )
    return _with_fresh(state, operation, act["fresh"])


def follow(
    parent: State,
    operation: Operation,
    named: list[Operation],
    forks: Mapping[bytes, int],
    acted: Mapping[bytes, set[bytes]],
) -> State:
    """The state after an operation on this parent. ``named`` are the operations that it adopts or dismisses, ``forks``
    the heights of the forks of the parent with the heads of its statements, ``acted`` who signed acts above these."""
    _permit(operation.group_id == parent.group and operation.height == parent.height + 1, "place")
    _permit(not parent.closed, "place")
    author, act = operation.author, operation.action
    match act.kind:
        case "adopt":
            after = _decided(parent, named)
            for other in named:
                after = _adopt(after, author, other)
        case "dismiss":
            _permit(parent.has_right(author, act))
            after = _decided(parent, named)
            for other in named:
                _check_dismissal(parent, author, other)
        case _:
            after = _do(parent, author, act, _left(parent, operation, forks, acted))
    done = change(parent, after)
    _permit(done.silenced or not act.fields.get("closes"), "closes")
    after = replace(after, head=operation.head, height=operation.height)
    return _with_key(parent, after, operation, done)


def _decided(state: State, named: list[Operation]) -> State:
    """ROS-9, ROS-10: what may be named; that it is on another branch was found by whoever knows the branches."""
    heads = {operation.head for operation in named}
    _permit(not heads & state.decided)
    _permit(all(operation.action.kind not in {"adopt", "dismiss", "refresh"} for operation in named))
    return replace(state, decided=state.decided | heads)


def _adopt(state: State, adopter: bytes, operation: Operation) -> State:
    _permit(state.has_right(adopter, operation.action))
    for rest in _rest(state, operation.action):
        takes = rest.kind == "remove" or (
            rest.kind == "set role" and rights_of(rest["role"]) < rights_of(state.role(rest["user"]))
        )
        _permit(takes or state.has_right(operation.author, rest))
        state = _do(state, adopter, rest)
    return state


def _rest(state: State, act: Act) -> Iterator[Act]:
    """What of the act is not done yet: once, or nothing."""

    def part(**fields: Any) -> Act:
        return Act(act.kind, {**act.fields, **fields})

    match act.kind:
        case "add":
            members = [pair for pair in act["members"] if pair[0] not in state.members]
            yield from [part(members=members)] if members else []
        case "remove":
            users = [user for user in act["users"] if user in state.members]
            yield from [part(users=users)] if users else []
        case "set role":
            yield from [act] if state.role(act["user"]) not in {None, act["role"]} else []
        case "set policy":
            yield from [act] if state.policy != act["policy"] else []
        case "rename":
            yield from [act] if state.name != act["name"] else []
        case _:
            yield act


def _check_dismissal(state: State, author: bytes, other: Operation) -> None:
    """ROS-10."""
    if state.admins()[0] != author:
        _permit(author not in targets(other.action))
        _permit(not state.is_senior(other.author, author))


def targets(act: Act) -> set[bytes]:
    """Whom a removal or a change of role names."""
    match act.kind:
        case "remove":
            return set(act["users"])
        case "set role":
            return {act["user"]}
        case _:
            return set()


def _left(
    parent: State, operation: Operation, forks: Mapping[bytes, int], acted: Mapping[bytes, set[bytes]]
) -> set[bytes]:
    """ROS-11: who left by a statement that the removal carries, each of which has to stand."""
    for statement in operation.statements:
        user = statement.user_id
        _permit(statement.group == parent.group and user in operation.action["users"])
        _permit(user in parent.members and parent.members[user].since <= forks[statement.head])
    return {statement.user_id for statement in operation.statements if statement.user_id not in acted[statement.head]}


def _do(state: State, author: bytes, act: Act, left: set[bytes] | None = None) -> State:
    """One act: ROS-7, ROS-8."""
    _permit(state.has_right(author, act))
    members, height = dict(state.members), state.height + 1
    match act.kind:
        case "add":
            _permit(not any(user in members for user, _ in act["members"]))
            members |= {user: _new_member(role, height) for user, role in act["members"]}
            require(len(members) <= MAX_MEMBERS, "rights", "limit-exceeded")
        case "remove":
            ranked = state.admins()
            seniors = set(ranked[: ranked.index(author)])
            for user in act["users"]:
                _check_target(state, author, user, asked=seniors <= (left or set()))
                del members[user]
        case "set role":
            user, role = act["user"], act["role"]
            _check_target(state, author, user, asked=False)
            _permit(role != members[user].role)
            members[user] = Member(role, members[user].since, height if role == ADMIN else None)
        case "set policy":
            _permit(act["policy"] != state.policy)
            return replace(state, policy=act["policy"])
        case "rename":
            return replace(state, name=act["name"])
        case "close":
            return replace(state, closed=True)
        case _:
            assert act.kind == "refresh"
    return replace(state, members=members)


def _check_target(state: State, author: bytes, user: bytes, *, asked: bool) -> None:
    _permit(user in state.members and user != author)
    _permit(asked or state.place(author) < state.place(user))


def _new_member(role: int, height: int) -> Member:
    return Member(role, height, height if role == ADMIN else None)


# --- the epoch key (ROS-12) -------------------------------------------------------------------------------------------


def _with_key(parent: State, after: State, operation: Operation, done: Change) -> State:
    fresh = operation.action.fields.get("fresh")
    tightened = parent.policy[SEALING] < after.policy[SEALING]
    needed = bool(done.taken_out) or tightened or operation.action.kind == "refresh"
    _permit(needed == (fresh is not None), "epoch-key")
    if fresh is not None:
        return _with_fresh(after, operation, fresh)
    if done.admitted:
        return replace(after, key_kind="derived", epoch=after.head)
    return replace(after, key_kind="kept")


def _with_fresh(state: State, operation: Operation, fresh: list[Any]) -> State:
    withheld = frozenset(fresh[1])
    _permit(operation.author not in withheld and withheld <= set(state.members), "epoch-key")
    return replace(state, key_kind="fresh", epoch=state.head, withheld=withheld)
