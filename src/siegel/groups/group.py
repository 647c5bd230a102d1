"""Knows the group as its users handle it: the one mutable object, the only thing that sends (spec: group.md).

Laws: *save, then speak*: nothing is returned before the state that made it is committed; whatever fails, nothing is
lost and no key encrypts twice; an input that is refused leaves the state as it was, but for links that it attests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, NoReturn, TypeAlias

from siegel._core.instants import HOUR, instant
from siegel.errors import InvalidArgument, MalformedError, PeerError, StateError
from siegel.events import GroupEvent, MessageReceived
from siegel.groups import acts, epoch, joining, keeping, sending
from siegel.groups import chain as chains
from siegel.groups.actions import Action, CloseGroup, GroupPolicy, Rename, Role
from siegel.groups.control import Control, Request
from siegel.groups.intake import Intake
from siegel.groups.member import Member
from siegel.groups.message import MAX_PARENTS, Content, Parent
from siegel.groups.messages import Outcome
from siegel.groups.operations import Operation
from siegel.groups.roster import Roster
from siegel.groups.state import Candidate, State
from siegel.groups.storage import MemoryStorage, Outgoing, SharedStorage, Storage
from siegel.identity import Identity, UserId
from siegel.sealed import Known, check_content_type
from siegel.sealing_keys import SealingKeys

Skipped: TypeAlias = tuple[UserId, ...]

_DEFAULT_POLICY: Final = GroupPolicy()
_REFRESH_STEP: Final = 6 * HOUR  # between the turns of the members


class Gap(NamedTuple):
    """Messages of a sender's chain (16 bytes of chain id) that exist and are not here: first and last index."""

    sender: UserId
    chain_id: bytes
    first: int
    last: int


class Group:
    """A group on one device of one user.

    Methods that send return ``Outgoing`` after its state was committed to the storage. They raise StateError when we
    may not do that, or not now; InvalidArgument for arguments that nobody can use; and whatever the storage raises:
    then nothing has happened, and nothing was sent.
    """

    def __init__(self, state: State, member: Member) -> None:
        """Not for users: ``create``, ``join``, ``load`` and ``restore`` make groups."""
        self._state, self._member = state, member
        self._intake = Intake(member)
        self._seen: dict[bytes, Parent] = {}  # the newest messages of others since our last one
        self._in_doubt = False  # whether the storage may hold something else than we do
        self._changed = state.storage.changed if isinstance(state.storage, SharedStorage) else None
        self._kept_house = -1

    # --- beginning

    @classmethod
    def create(
        cls,
        identity: Identity | SealingKeys,
        *,
        members: acts.Members,
        name: str,
        policy: GroupPolicy = _DEFAULT_POLICY,
        storage: Storage | None = None,
        at: int | None = None,
    ) -> tuple[Group, Outgoing]:
        """A new group with us as its first admin, and the sealed invitation for all ``members``.

        ``members``: public identities, each with a role or all as members. The groups of one storage are kept apart by
        their ids. Without ``storage`` everything is gone with the process.
        """
        member, people = Member(identity, ()), acts.roles_of(members, Role.MEMBER)
        state, candidate, skipped = acts.found(
            member, members=people, name=name, policy=policy, storage=_given(storage), at=instant(at)
        )
        group = cls(state, member)
        return group, group._commit(candidate, Outgoing(None, tuple(candidate.outgoing), skipped))

    @classmethod
    def join(
        cls,
        invitation: bytes,
        *,
        identity: Identity | SealingKeys,
        contacts: Known,
        storage: Storage | None = None,
        at: int | None = None,
    ) -> Group:
        """The group that an invitation (a control envelope, or a letter of it) lets us into.

        Raises what ``open_sealed`` raises; NotPermitted (not an invitation, or not by who admitted us), Expired (it has
        ended), Replay (the group is known, or was left or forgotten, and we were not admitted again since).
        """
        member, storage, now = Member(identity, contacts), _given(storage), instant(at)
        control, history = joining.open_invitation(invitation, member, at=now)
        known = State.load(storage, control.group_id)
        tombstone = joining.tombstone_of(storage, control.group_id)
        joining.require_new(known.history if known else None, tombstone, history, member.user_id)
        if known:
            group = cls(known, member)
            group.receive(invitation, at=now)
            return group
        state, candidate = joining.begin(invitation, control, history, member, storage, at=now)
        group = cls(state, member)
        group._commit(candidate, Outgoing())
        return group

    @classmethod
    def load(cls, group_id: bytes, *, identity: Identity | SealingKeys, contacts: Known, storage: Storage) -> Group:
        """The group as this instance stored it. InvalidArgument if the storage has no such group."""
        state = State.load(_given(storage), group_id)
        if state is None:
            raise InvalidArgument("the storage has no such group")
        return cls(state, Member(identity, contacts))

    @classmethod
    def restore(
        cls, exported: bytes, *, identity: Identity | SealingKeys, contacts: Known, storage: Storage | None = None
    ) -> Group:
        """The group from an ``export``: what was received can be read on, and our next message begins a new chain.

        StateError if the storage has the group already, a PeerError for other bytes.
        """
        storage = _given(storage)
        group_id, records = keeping.imported(exported)
        if State.load(storage, group_id) is not None:
            raise StateError("the storage has this group; a restored state never replaces a newer one")
        trial = MemoryStorage()
        trial.commit(records, Outgoing())
        if State.load(trial, group_id) is None:
            raise MalformedError("exported group", "no roster log")
        storage.commit(records, Outgoing())
        return cls.load(group_id, identity=identity, contacts=contacts, storage=storage)

    # --- what is known

    @property
    def group_id(self) -> bytes:
        """The group's 32 bytes; they prove its founding operation."""
        return self.roster.group_id

    @property
    def user_id(self) -> UserId:
        """Whose side this is."""
        return self._member.user_id

    @property
    def roster(self) -> Roster:
        """Who is in, with which role, under which policy, at the head that holds."""
        return self._state.history.roster

    @property
    def active(self) -> frozenset[UserId]:
        """The members who take part, being neither suspended nor about to leave."""
        return self._state.history.active

    def pending(self) -> tuple[Operation, ...]:
        """Operations of losing branches that wait for an admin to ``adopt`` or ``dismiss`` them."""
        return self._state.history.pending

    def operations(self, since: bytes | None = None) -> tuple[bytes, ...]:
        """The log that somebody lacks who knows the head ``since``: encoded operations and leave statements."""
        return self._state.history.since(since)

    def gaps(self) -> tuple[Gap, ...]:
        """Messages that exist, may be read, and are not here: late, lost, or withheld."""
        state = self._current()
        return tuple(
            Gap(chain.certificate.sender, chain_id, first, last)
            for chain_id, chain in state.chains.items()
            for first, last in chains.missed(chain, state.rows(chain_id), state.permissions.of(chain.certificate))
        )

    def refresh_due(self, *, at: int | None = None) -> bool:
        """Whether it is our turn to ``refresh``. Ask after synchronising: members take turns by seniority."""
        history, now = self._state.history, instant(at)
        roster, user = history.roster, self.user_id
        if not roster.may_post(user) or user not in history.active or roster.closed:
            return False
        if self._state.flags.refresh or user not in roster.holders:
            return True
        key = epoch.key_at(history, self._state.keys, roster.head)
        drawn = epoch.drawn_at(roster, key) if key else roster.key_origin.at
        posters = sorted((u for u in history.active if roster.may_post(u)), key=roster.seniority)
        return now >= drawn + roster.policy.rotate_age + posters.index(user) * _REFRESH_STEP

    # --- messages

    def encrypt(
        self, body: bytes, *, content_type: str = "application/octet-stream", at: int | None = None
    ) -> Outgoing:
        """The next message (body up to 64 KiB), and the announcements that have to be delivered before it."""
        check_content_type(content_type)
        if not isinstance(body, bytes | bytearray | memoryview):
            raise InvalidArgument("a body is bytes")
        candidate = self._candidate(at)
        parents = tuple(sorted(list(self._seen.values())[-MAX_PARENTS:])) if self._seen else ()
        content = Content(content_type, candidate.at, parents, bytes(body))
        message, skipped = sending.write(candidate, self._member, content)
        outgoing = self._commit(candidate, Outgoing(message, tuple(candidate.outgoing), skipped))
        self._seen.clear()
        return outgoing

    def receive(self, data: bytes, *, at: int | None = None) -> tuple[GroupEvent, ...]:
        """What a group message, a broadcast, or a sealed control message (or a letter of it) did.

        Raises PeerError for bytes that are refused and report nothing else: InvalidMessage, Replay, NotPermitted,
        Expired, … MissingSenderKey, StaleRoster and MissingEpochKey mean *too early*: what is missing can be asked for
        (``request``), and these bytes are to be given again. They are also kept here for a while, and taken in time.
        """
        (outcome,) = self.receive_many([data], at=at)
        if isinstance(outcome, PeerError):
            raise outcome
        return outcome

    def receive_many(self, items: Sequence[bytes], *, at: int | None = None) -> list[Outcome]:
        """``receive`` for each, in one transaction; one result or error for each, in order.

        Contiguous messages of one sender cost one signature check. Events of a whole chain stand with its last message.
        """
        candidate = self._candidate(at)
        try:
            outcomes = self._intake.take(candidate, items)
            self._commit(candidate, Outgoing(None, tuple(candidate.outgoing)))
        except BaseException:
            self._intake.put_back()
            raise
        self._remember(outcomes)
        return outcomes

    # --- acts on the roster

    def add(self, members: acts.Members, *, role: Role = Role.MEMBER, at: int | None = None) -> Outgoing:
        """Admits users: sealed invitations for them, one broadcast for the others."""
        people = acts.roles_of(members, role)
        return self._send(at, lambda candidate: acts.add(candidate, self._member, people))

    def remove(self, user_ids: Iterable[UserId], *, at: int | None = None) -> Outgoing:
        """Takes users out; a fresh epoch key goes to those who stay. Everybody's next message begins a new chain."""
        users = tuple(user_ids)
        return self._send(at, lambda candidate: acts.remove(candidate, self._member, users))

    def set_role(self, user_id: UserId, role: Role, *, at: int | None = None) -> Outgoing:
        """Gives a member another role."""
        return self._send(at, lambda candidate: acts.set_role(candidate, self._member, user_id, role))

    def set_policy(self, policy: GroupPolicy, *, at: int | None = None) -> Outgoing:
        """Other rules for the group."""
        return self._send(at, lambda candidate: acts.set_policy(candidate, self._member, policy))

    def rename(self, name: str, *, at: int | None = None) -> Outgoing:
        """Another name (1 to 255 bytes) for the group."""
        return self._act(at, Rename(name))

    def refresh(self, *, at: int | None = None) -> Outgoing:
        """A fresh epoch key for all, which shuts out who stole an old one; see ``refresh_due``."""
        return self._send(at, lambda candidate: acts.refresh(candidate, self._member))

    def adopt(self, *operations: Operation | bytes, at: int | None = None) -> Outgoing:
        """Does what these pending operations wanted to do, in this order."""
        heads = _heads(operations)
        return self._send(at, lambda candidate: acts.adopt(candidate, self._member, heads))

    def dismiss(self, *operations: Operation | bytes, at: int | None = None) -> Outgoing:
        """Ends the waiting of these pending operations without effect."""
        heads = _heads(operations)
        return self._send(at, lambda candidate: acts.dismiss(candidate, self._member, heads))

    def leave(self, *, at: int | None = None) -> Outgoing:
        """Says that we are out: nobody seals to us from then on; an admin's ``remove`` makes it final."""
        return self._send(at, lambda candidate: acts.leave(candidate, self._member))

    def close(self, *, at: int | None = None) -> Outgoing:
        """Ends the group for everybody; only the most senior admin can."""
        return self._act(at, CloseGroup())

    # --- keys

    def rotate(self, *, at: int | None = None) -> Outgoing:
        """Begins a new chain, announced sealed: after a theft, a restored backup, a doubt."""
        return self._send(at, lambda candidate: sending.rotate(candidate, self._member))

    def announce(self, *, to: Iterable[UserId], at: int | None = None) -> Outgoing:
        """Seals the keys of our next messages to active members who lack them."""
        users = frozenset(to)
        return self._send(at, lambda candidate: sending.announce_to(candidate, self._member, users))

    def publish(self, *, at: int | None = None) -> Outgoing:
        """Tells the group our newest public identity. Whoever posts does so by the way, with each new chain."""
        return self._send(at, lambda candidate: sending.publish(candidate, self._member))

    def request(self, *, to: Iterable[UserId] | None = None, at: int | None = None) -> Outgoing:
        """Asks for what we lack: operations, the epoch key, chains that were not announced to us.

        ``to``: whom to ask; if None, all active members and our other devices. For a chain only its owner can answer.
        """
        users = None if to is None else frozenset(to)

        def ask(candidate: Candidate) -> Skipped:
            history = candidate.history
            key = epoch.key_at(history, candidate.keys, history.roster.head)
            proven = key is not None and key.giver is None
            wanted = Request(history.roster.head, not proven, self._intake.missing_chains)
            asked = history.active if users is None else users  # ourselves, too: a chain may be of our other device
            return self._member.seal(candidate, Control(candidate.group_id, request=wanted), asked)

        return self._send(at, ask)

    # --- keeping

    def export(self) -> bytes:
        """The state for another device or a backup; secret. Without our live chain, the epoch keys, and the links.

        What was received before can be told apart from what was not, but no longer proved to be the same.
        """
        return keeping.exported(self._current())

    def forget(self) -> None:
        """Deletes all but the last head, which keeps old invitations out. This object is of no use afterwards."""
        state = self._current()
        records: dict[str, bytes | None] = {name: None for name, _ in state.storage.load(state.prefix)}
        name, tombstone = joining.tombstone_record(state.history)
        self._in_doubt = True
        state.storage.commit(records | {name: tombstone}, Outgoing())

    # --- inside

    def _current(self) -> State:
        """The state. Where a commit failed or was undone, or somebody else made one, the storage is asked for it."""
        self._in_doubt |= self._changed is not None and self._changed()  # until all of it is read
        if self._in_doubt:
            state = State.load(self._state.storage, self.group_id)
            if state is None:
                raise StateError("the storage does not have this group any more")
            self._state, self._in_doubt, self._seen = state, False, {}
        return self._state

    def _candidate(self, at: int | None) -> Candidate:
        candidate = Candidate(self._current(), at=instant(at))
        if not 0 <= candidate.at - self._kept_house < HOUR:
            keeping.keep_house(candidate)
            self._kept_house = candidate.at
        return candidate

    def _commit(self, candidate: Candidate, outgoing: Outgoing) -> Outgoing:
        changes = candidate.changes()
        if changes or outgoing.control or outgoing.message:
            self._in_doubt = True
            self._state.storage.commit(changes, outgoing)
            candidate.assign()
            self._in_doubt = False
        return outgoing

    def _send(self, at: int | None, work: Callable[[Candidate], Skipped]) -> Outgoing:
        candidate = self._candidate(at)
        skipped = work(candidate)
        return self._commit(candidate, Outgoing(None, tuple(candidate.outgoing), skipped))

    def _act(self, at: int | None, action: Action) -> Outgoing:
        return self._send(at, lambda candidate: acts.act(candidate, self._member, action))

    def _remember(self, outcomes: Sequence[Outcome]) -> None:
        """Keeps the newest messages of others in mind, to name them as parents of our next."""
        found: dict[bytes, Parent] = {}
        for outcome in reversed(outcomes):
            for event in () if isinstance(outcome, PeerError) else reversed(outcome):
                if type(event) is not MessageReceived or event.chain_id in found or event.sender == self.user_id:
                    continue
                found[event.chain_id] = Parent(event.chain_id, event.index, event.message_id)
            if len(found) == MAX_PARENTS:
                break
        for chain_id, parent in reversed(found.items()):
            held = self._seen.pop(chain_id, parent)
            self._seen[chain_id] = held if held.number > parent.number else parent

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a group cannot be copied or pickled: two of them would write in one chain")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = _refuse

    def __repr__(self) -> str:
        return f"<Group {self.group_id.hex()[:16]} of {len(self.roster.members)}, as {self.user_id}>"


def _given(storage: Storage | None) -> Storage:
    given = MemoryStorage() if storage is None else storage  # one that is empty may count as false
    return given.handle() if isinstance(given, SharedStorage) else given


def _heads(operations: Iterable[Operation | bytes]) -> tuple[bytes, ...]:
    return tuple(operation.head if isinstance(operation, Operation) else operation for operation in operations)
