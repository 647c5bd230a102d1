"""Who can ever read what: the library's own acts, requests and announcements, on any branch, over a wire that forgets
nothing and knows for whom each thing was.

Six people act by the rules, on what they have heard so far; they also demand what they should not have, and sign what
they like below old heads, and give keys away. All keep each key that they ever took, and derive what they can. What
must hold at every step: nobody knows the epoch key of a head at which they are not in, or from whom it was withheld;
nobody reads a broadcast or a message who did not take part, as its author knew, when it was sent (EPO-2 … EPO-5).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from siegel import UserId
from siegel._core.instants import DAY, SECOND
from siegel._core.secret import Secret
from siegel.errors import InvalidArgument, MalformedError, PeerError, StateError
from siegel.groups import acts, epoch, keeping, sending
from siegel.groups.actions import Action, Dismiss, FreshKey, GroupPolicy, Refresh, Rename, Role, Sealing, SetRole, Who
from siegel.groups.broadcast import parse_broadcast
from siegel.groups.certificate import Announcement
from siegel.groups.control import Control, GivenKey, Request
from siegel.groups.history import History
from siegel.groups.member import Member
from siegel.groups.message import Content, parse_message
from siegel.groups.receiving import Receiver
from siegel.groups.roster import KeyKind, propose
from siegel.groups.state import Candidate, State
from siegel.groups.storage import MemoryStorage, Outgoing
from tests.groups.rosters import add, remove, user
from tests.people import AT, person, public

FOUNDER, ADMINS = "frida", ("frida", "anna", "bert")
PEOPLE = (*ADMINS, "carl", "dora", "emil")
USERS = {name: user(name) for name in PEOPLE}

people = st.sampled_from(PEOPLE)
active = st.sampled_from((*ADMINS, *ADMINS, *PEOPLE))
numbers = st.integers(min_value=0, max_value=10_000)
heard = st.booleans()  # whether everybody hears of it at once
KINDS = ("add", "add", "remove", "role", "rename", "refresh", "policy")

Work = Callable[[Candidate, Member], object]


class Sent(NamedTuple):
    """Something on the wire: sealed ``to`` these users, or broadcast under the key of ``head``."""

    sender: UserId
    data: bytes
    control: Control
    to: frozenset[UserId]
    head: bytes | None
    active: frozenset[UserId]  # as the sender knew them


class Written(NamedTuple):
    """A message: its place in its chain, and who took part, as its author knew."""

    chain_id: bytes
    number: int
    active: frozenset[UserId]


class Speaker(Member):
    """A member of whom it is remembered what they said; what they seal is not encrypted."""

    def __init__(self, name: str) -> None:
        super().__init__(person(name), [public(other) for other in PEOPLE])
        self.said: dict[bytes, tuple[Control, frozenset[UserId]]] = {}

    def seal(self, candidate: Candidate, control: Control, users: Iterable[UserId]) -> tuple[UserId, ...]:
        if to := frozenset(users):
            token = b"sealed" + sha256(control.encode() + repr(sorted(map(bytes, to))).encode()).digest()
            candidate.outgoing.append(token)
            self.said[token] = control, to
        return ()

    def broadcast(self, candidate: Candidate, control: Control, head: bytes, key: Secret) -> None:
        super().broadcast(candidate, control, head, key)
        self.said[candidate.outgoing[-1]] = control, frozenset()


class Peer:
    """One person's client, once they are let in."""

    def __init__(self, name: str) -> None:
        self.member, self.storage = Speaker(name), MemoryStorage()
        self.state: State | None = None

    @property
    def history(self) -> History:
        assert self.state is not None
        return self.state.history


class EpochMachine(RuleBasedStateMachine):
    """One group, everybody's client, and everything that anybody ever sent or was given."""

    @initialize(adding=st.sampled_from(Who))
    def found(self, adding: Who) -> None:
        self.at = AT
        self.peers = {name: Peer(name) for name in PEOPLE}
        self.wire: list[Sent] = []
        self.written: list[Written] = []
        self.announced: dict[bytes, list[tuple[int, Sent]]] = {}
        self.given: dict[UserId, set[bytes]] = {one: set() for one in USERS.values()}
        self.drawn: dict[bytes, bytes] = {}  # fresh keys by their commitment
        self.keys: dict[bytes, bytes] = {}  # the key of each head, as the rules give it
        self.below: dict[bytes, bytes | None] = {}  # each head's parent if its key follows from that one's, else None
        self.holders: dict[bytes, frozenset[UserId]] = {}
        self.leaked: set[bytes] = set()  # heads whose key somebody drew who does not keep to the rules
        founder = self.peers[FOUNDER]
        members = {public(n): Role.ADMIN if n in ADMINS else Role.MEMBER for n in ("anna", "bert", "carl", "dora")}
        policy = GroupPolicy(adding=adding)
        founder.state, candidate, _ = acts.found(
            founder.member, members=members, name="x", policy=policy, storage=founder.storage, at=self.at
        )
        self.finish(FOUNDER, candidate)
        self.hear(0)

    # --- what people do by the rules

    @rule(name=active, kind=st.sampled_from(KINDS), number=numbers, heard=heard)
    def act(self, name: str, kind: str, number: int, *, heard: bool) -> None:
        self.run(name, lambda candidate, member: an_act(candidate, member, kind, number), heard=heard)

    @rule(seed=numbers)
    def act_at_once(self, seed: int) -> None:
        """Several act before they hear of each other, and all hear of it."""
        choice, before = random.Random(seed), len(self.wire)
        for name in choice.sample(PEOPLE, k=3):
            self.act(name, choice.choice(KINDS), choice.randrange(10_000), heard=False)
        self.hear(before)

    @rule(name=st.sampled_from(ADMINS[1:]), number=numbers)
    def quarrel(self, name: str, number: int) -> None:
        """An admin takes somebody out, or demotes them, while the founder does something else: they are suspended."""
        before = len(self.wire)
        self.act(name, ("remove", "role")[number % 2], number, heard=False)
        self.act(FOUNDER, "rename", number, heard=False)
        self.hear(before)

    @rule(name=st.sampled_from(ADMINS), adopts=st.booleans(), first=numbers, heard=heard)
    def decide(self, name: str, *, adopts: bool, first: int, heard: bool) -> None:
        def work(candidate: Candidate, member: Member) -> object:
            pending = candidate.history.pending
            named = tuple(operation.head for operation in pending[first % (len(pending) or 1) :])
            if not named:
                return None
            return acts.adopt(candidate, member, named) if adopts else acts.act(candidate, member, Dismiss(named))

        self.run(name, work, heard=heard)

    @rule(name=people, heard=heard)
    def write(self, name: str, *, heard: bool) -> None:
        self.run(name, self.write_one, heard=heard)

    @rule(name=people, heard=heard)
    def rotate(self, name: str, *, heard: bool) -> None:
        self.run(name, sending.rotate, heard=heard)

    @rule(name=people, heard=heard)
    def leave(self, name: str, *, heard: bool) -> None:
        if name != FOUNDER:
            self.run(name, acts.leave, heard=heard)

    @rule(name=people)
    def ask(self, name: str) -> None:
        """Asks all who take part for what is missing, and hears the answers."""

        def work(candidate: Candidate, member: Member) -> object:
            history = candidate.history
            wanted = Request(history.roster.head, True, ())  # noqa: FBT003  # a named tuple on the wire
            return member.seal(candidate, Control(candidate.group_id, request=wanted), history.active)

        before = len(self.wire)
        self.run(name, work, heard=True)
        self.hear(before)

    @rule()
    def days_pass(self) -> None:
        self.at += 6 * DAY

    # --- what people do against the rules

    @rule(name=people)
    def demand(self, name: str) -> None:
        """Asks everybody for everything, whatever the own state says."""
        group_id = self.peers[FOUNDER].history.roster.group_id
        wanted = Request(bytes(32), True, tuple(self.announced)[-64:])  # noqa: FBT003  # as above
        control = Control(group_id, request=wanted)
        self.wire.append(Sent(USERS[name], b"demand", control, frozenset(USERS.values()), None, frozenset()))
        self.hear(len(self.wire) - 1)

    @rule(name=people, number=numbers, place=numbers, seed=numbers)
    def forge(self, name: str, number: int, place: int, seed: int) -> None:
        """Signs on any head they know, with a fresh key that they give to whom they like."""
        peer, choice = self.peers[name], random.Random(seed)
        if peer.state is None:
            return
        heads = list(peer.history._branches)
        roster = peer.history.roster_of(heads[place % len(heads)])
        key = sha256(b"forged %d %d" % (number, len(self.wire))).digest()
        fresh = FreshKey(epoch.commitment_of(Secret(key)))
        others = [other for other in PEOPLE if other != name]
        other = others[number % len(others)]
        options: list[Action] = [
            remove(other, fresh=fresh),
            Refresh(fresh),
            add({other: Role.MEMBER}),
            SetRole(USERS[other], Role.READER),
        ]
        operation = propose(roster, person(name), choice.choice(options), at=self.at)
        self.drawn[fresh.commitment] = key
        self.leaked.add(operation.head)
        for friend in choice.sample(PEOPLE, k=2):
            self.given[USERS[friend]].add(key)
        control = Control(roster.group_id, items=(operation.encode(),))
        self.wire.append(Sent(USERS[name], b"forged", control, frozenset(USERS.values()), None, frozenset()))
        self.receive(name, self.wire[-1:])

    @rule(name=people, to=people, number=numbers)
    def leak(self, name: str, to: str, number: int) -> None:
        """Gives somebody a key, whether it is for them or not."""
        giver, taker = self.peers[name], self.peers[to]
        if giver.state is None or taker.state is None or not giver.state.keys:
            return
        head, held = list(giver.state.keys.items())[number % len(giver.state.keys)]
        control = Control(giver.history.roster.group_id, key=GivenKey(head, held.key))
        self.receive(to, [Sent(USERS[name], b"leaked", control, frozenset((USERS[to],)), None, frozenset())])

    # --- what the server does

    @rule(name=people, seed=numbers, count=st.integers(1, 8))
    def deliver(self, name: str, seed: int, count: int) -> None:
        self.receive(name, random.Random(seed).choices(self.wire, k=count))

    @rule(name=people)
    def deliver_newest(self, name: str) -> None:
        self.receive(name, self.wire[-6:])

    @rule(seed=numbers)
    def deliver_everything(self, seed: int) -> None:
        """Then whoever takes part and may have the key of the head that holds gets it, and reads what is written."""
        choice = random.Random(seed)
        for _ in range(2):
            for name in PEOPLE:
                self.receive(name, choice.sample(self.wire, k=len(self.wire)))
        for name in PEOPLE:
            self.ask(name)
        if self.run(FOUNDER, self.write_one):
            message = self.written[-1]
            assert self.readers(message) >= {USERS[name] for name in PEOPLE if self.takes_part(name)}

    # --- one step of a client

    def run(self, name: str, work: Work, *, heard: bool = False) -> bool:
        """Lets the client do something; whether it could."""
        peer, before = self.peers[name], len(self.wire)
        if peer.state is None:
            return False
        self.at += SECOND
        candidate = Candidate(peer.state, at=self.at)
        keeping.keep_house(candidate)
        written = len(self.written)
        try:
            work(candidate, peer.member)
        except (StateError, InvalidArgument):
            del self.written[written:]
            return False
        self.finish(name, candidate)
        if heard:
            self.hear(before)
        return True

    def hear(self, first: int) -> None:
        """Everybody hears of everything on the wire from this place on."""
        for name in PEOPLE:
            self.receive(name, self.wire[first:])

    def write_one(self, candidate: Candidate, member: Member) -> None:
        data, _ = sending.write(candidate, member, Content("text/plain", self.at, (), b""))
        message = parse_message(data)
        self.written.append(Written(message.chain_id, message.number, candidate.history.active))

    def receive(self, name: str, inputs: Iterable[Sent]) -> None:
        peer, own = self.peers[name], USERS[name]
        for sent in inputs:
            if sent.sender == own or (sent.head is None and own not in sent.to):
                continue
            if peer.state is None:
                self.join(name, sent)
                continue
            candidate = Candidate(peer.state, at=self.at)
            receiver = Receiver(candidate, peer.member)
            try:
                if sent.head is None:
                    receiver._take(sent.control, sent.sender, sent.data)
                else:
                    receiver.take(sent.data)
            except PeerError:
                pass
            self.finish(name, candidate)

    def join(self, name: str, sent: Sent) -> None:
        if sent.control.not_after is None:
            return
        try:
            history = History.load(sent.control.items)
        except MalformedError:
            return
        peer = self.peers[name]
        state = State(peer.storage, history)
        candidate = Candidate(state, at=self.at)
        candidate.advance(history, sent.control.items)
        Receiver(candidate, peer.member)._take(sent.control, sent.sender, sent.data)
        peer.state = state
        self.finish(name, candidate)

    def finish(self, name: str, candidate: Candidate) -> None:
        """Commits, and takes note of what was sent and learned."""
        peer = self.peers[name]
        peer.storage.commit(candidate.changes(), Outgoing())
        candidate.assign()
        for held in candidate.keys.values():
            self.given[USERS[name]].add(held.key.reveal())
            self.drawn.setdefault(epoch.commitment_of(held.key), held.key.reveal())
        self.learn(candidate.history)
        for data in candidate.outgoing:
            control, to = peer.member.said[data]
            head = None if to else parse_broadcast(data).head
            sent = Sent(USERS[name], data, control, to, head, candidate.history.active | {USERS[name]})
            self.wire.append(sent)
            if control.key:
                for one in to:
                    self.given[one].add(control.key.key.reveal())
            for encoded in control.announcements:
                announcement = Announcement.decode(encoded)
                self.announced.setdefault(announcement.certificate.chain_id, []).append((announcement.start, sent))
        self.check(candidate)

    def learn(self, history: History) -> None:
        """Which key belongs to each new head, by the rules."""
        for head in history._branches:
            if head in self.keys:
                continue
            roster, parent = history.roster_of(head), history.operation(head).previous
            if roster.key_kind is KeyKind.FRESH:
                self.keys[head], self.below[head] = self.drawn[roster.key_origin.key.commitment], None
            else:
                derived = sha256(b"siegel/1 epoch derivation\0" + self.keys[parent] + head).digest()
                self.keys[head] = derived if roster.key_kind is KeyKind.DERIVED else self.keys[parent]
                self.below[head] = parent
                if parent in self.leaked:
                    self.leaked.add(head)
                else:
                    self.leaked.discard(head)
            members = {one for one in USERS.values() if roster.role(one) is not None}
            self.holders[head] = frozenset(members - set(roster.key_origin.key.withheld))

    # --- what must hold

    def known(self, head: bytes) -> frozenset[UserId]:
        """Who can compute the key of a head."""
        found: set[UserId] = set()
        place: bytes | None = head
        while place is not None:
            found |= {one for one, keys in self.given.items() if self.keys[place] in keys}
            place = self.below[place]
        return frozenset(found)

    def openers(self, sent: Sent) -> frozenset[UserId]:
        return sent.to if sent.head is None else self.known(sent.head)

    def readers(self, message: Written) -> frozenset[UserId]:
        seen = [sent for start, sent in self.announced.get(message.chain_id, ()) if start <= message.number]
        return frozenset().union(*map(self.openers, seen))

    def takes_part(self, name: str) -> bool:
        """Whether somebody is in, as the founder knows and as they know themselves."""
        state = self.peers[name].state
        return state is not None and USERS[name] in self.peers[FOUNDER].history.active & state.history.active

    def check(self, candidate: Candidate) -> None:
        for head, value in self.keys.items():
            if head in candidate.history:
                held = epoch.key_at(candidate.history, candidate.keys, head)
                assert held is None or held.key.reveal() == value, "a key that does not belong to its head"
            if head not in self.leaked:
                assert self.known(head) <= self.holders[head], "somebody knows a key who must not"
        for sent in self.wire:
            if sent.head is not None and sent.head not in self.leaked:
                assert self.openers(sent) <= sent.active, "somebody opens a broadcast who took no part"
        for message in self.written:
            if self.is_kept(message):
                assert self.readers(message) <= message.active, "somebody reads a message who took no part"

    def is_kept(self, message: Written) -> bool:
        """Whether all keys under which its chain was announced were drawn by the rules."""
        return all(sent.head not in self.leaked for _, sent in self.announced.get(message.chain_id, ()))


def an_act(candidate: Candidate, member: Member, kind: str, number: int) -> object:
    roster = candidate.history.roster
    outside = [name for name in PEOPLE if USERS[name] not in roster.members]
    inside = [name for name in PEOPLE if USERS[name] in roster.members]
    one = USERS[inside[number % len(inside)]]
    if kind == "add":
        return acts.add(candidate, member, {public(name): Role.MEMBER for name in outside[: 1 + number % 2]})
    if kind == "remove":
        return acts.remove(candidate, member, [one])
    if kind == "role":
        return acts.set_role(candidate, member, one, list(Role)[number // 7 % 3])
    if kind == "policy":
        policy = GroupPolicy(list(Who)[number % 2], list(Who)[number // 2 % 2], sealing=list(Sealing)[number // 4 % 2])
        return acts.set_policy(candidate, member, policy)
    return acts.refresh(candidate, member) if kind == "refresh" else acts.act(candidate, member, Rename(f"{number}"))


EpochMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestEpochMachine = EpochMachine.TestCase
