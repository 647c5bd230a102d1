"""A group under attack: its people, a wire that everybody watches, and all that one of them could ever read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import cbor2
from cryptography.exceptions import InvalidTag

from siegel import Group, GroupPolicy, MemoryStorage, Outgoing, PeerError, Role, SiegelError, inspect_envelope
from siegel.errors import Replay
from siegel.events import GroupEvent, MessageReceived, PartRefused
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, EVERYBODY, MALLORY, NOW, Person, Wire, forge, insight, refused, to
from tests.attacks.group_wire import Message, OwnChain, Reading

DAVE, GHOST = map(Person, ("dave", "ghost"))
CONTACTS = (*EVERYBODY, DAVE.user_id)
ROLES: Mapping[Person, Role] = {BOB: Role.ADMIN, CAROL: Role.MEMBER, MALLORY: Role.MEMBER}

Taken = list[GroupEvent | PeerError]


class Insider:
    """One user with all keys that they ever had, who keeps whatever they open and gives nothing back."""

    def __init__(self, person: Person, group_id: bytes) -> None:
        self.person, self.group_id = person, group_id
        self.keys: list[bytes] = []  # epoch keys: those that were given, and what follows from them
        self.readings: dict[bytes, list[Reading]] = {}
        self.controls: list[tuple[bytes, list[Any]]] = []  # who said it, and what
        self.bodies: list[bytes] = []

    def watch(self, data: bytes) -> None:
        """Takes what can be had from something on the wire."""
        kind = data[1]
        if kind == wire.GROUP_MESSAGE:
            self._read(Message.of(data))
        elif kind == wire.BROADCAST:
            said = wire.said_in(data, self.group_id, self.keys)
            if said:
                self._learn(said[0], cbor2.loads(said[2]))
        elif any(entry[0] == self.person.id for entry in Wire.of(data).entries):
            seen = insight(data, self.person)
            assert seen.sender
            self._learn(seen.sender, cbor2.loads(seen.inner[2]))

    def _learn(self, sender: bytes, control: list[Any]) -> None:
        self.controls.append((sender, control))
        _, items, key, announcements, *_ = control
        self.keys += [key[1]] if key else []
        admissions = [item for item in items if wire.action_of(item)[0] in (wire.ADD, wire.ADOPT)]
        self.keys += [wire.derived_key(known, wire.head_of(item)) for item in admissions for known in tuple(self.keys)]
        for announcement in announcements:
            reading = Reading.of(announcement)
            self.readings.setdefault(reading.chain_id, []).append(reading)

    def _read(self, message: Message) -> None:
        for reading in self.readings.get(message.chain_id, ()):
            try:
                self.bodies.append(message.opened(reading.leaf(message.index))[3])
            except (LookupError, InvalidTag):
                continue

    def leaf(self, message: Message) -> bytes:
        """The key of somebody's message."""
        return self.readings[message.chain_id][0].leaf(message.index)

    @property
    def knowledge(self) -> tuple[int, int, int]:
        """How much was learned: epoch keys, controls, texts."""
        return len(self.keys), len(self.controls), len(self.bodies)


class Thief(NamedTuple):
    """What lies in the storage of somebody's client for their live chain: enough to write on in it."""

    chain_id: bytes
    seed: bytes
    nodes: list[bytes]
    number: int
    previous: bytes

    @classmethod
    def of(cls, records: Mapping[str, bytes]) -> Thief:
        (record,) = (data for name, data in records.items() if name.endswith("/own/sending"))
        chain_id, encoded = cbor2.loads(record)
        seed, frontier, number, previous = cbor2.loads(encoded)
        return cls(chain_id, seed, [frontier[at + 3 : at + 35] for at in range(0, len(frontier), 35)], number, previous)

    def write(self, body: bytes, head: bytes, *, index: int, previous: bytes) -> Message:
        leaf = wire.leaf_of(self.number, self.nodes, index)
        place = (self.chain_id, index, head, previous)
        return wire.written(place, body, leaf=leaf, sign=lambda data: wire.sign_with(self.seed, data))


class World:
    """Alice's group. ``present`` are those whose clients get what honest members send; everybody watches the wire."""

    def __init__(
        self, roles: Mapping[Person, Role] = ROLES, *, policy: GroupPolicy | None = None, at: int = NOW
    ) -> None:
        self.at = at
        self.storages = {person: MemoryStorage() for person in (ALICE, *roles)}
        group, outgoing = Group.create(
            ALICE.identity,
            members={person.record: role for person, role in roles.items()},
            name="the group",
            policy=policy or GroupPolicy(),
            storage=self.storages[ALICE],
            at=at,
        )
        self.groups = {ALICE: group}
        self.group_id = group.group_id
        self.insiders = {person: Insider(person, group.group_id) for person in (ALICE, *roles, DAVE, GHOST)}
        self.log: list[bytes] = []  # the wire, from the beginning
        self.present = [ALICE]
        self._watch(outgoing.control)
        for person in roles:
            self.join(person, outgoing.control[0])

    @property
    def head(self) -> bytes:
        """The head at the founder's."""
        return self.groups[ALICE].roster.head

    @property
    def height(self) -> int:
        return self.groups[ALICE].roster.height

    @property
    def key(self) -> bytes:
        """The newest epoch key that a member who was invited could have."""
        return self.insiders[BOB].keys[-1]

    def records(self, person: Person) -> dict[str, bytes]:
        return dict(self.storages[person].load(""))

    def join(self, person: Person, invitation: bytes) -> Group:
        storage = self.storages.setdefault(person, MemoryStorage())
        group = Group.join(invitation, identity=person.identity, contacts=CONTACTS, storage=storage, at=self.at)
        self.groups[person] = group
        self.present.append(person)
        return group

    def load(self, person: Person) -> Group:
        """The person's client, started again from what it stored."""
        group = Group.load(self.group_id, identity=person.identity, contacts=CONTACTS, storage=self.storages[person])
        self.groups[person] = group
        return group

    def copied(self, person: Person) -> Group:
        """A client on a copy of what the person's client stored, as a thief or a restored backup has it."""
        storage = MemoryStorage()
        storage.commit(self.records(person), Outgoing())
        return Group.load(self.group_id, identity=person.identity, contacts=CONTACTS, storage=storage)

    # --- the wire

    def _watch(self, data: Iterable[bytes]) -> None:
        for one in data:
            self.log.append(one)
            for insider in self.insiders.values():
                insider.watch(one)

    def take(self, person: Person, *data: bytes) -> Taken:
        """What a client makes of something: events, and errors in their place."""
        taken: Taken = []
        for one in data:
            try:
                taken += self.groups[person].receive(one, at=self.at)
            except PeerError as error:
                taken.append(error)
        return taken

    def send(self, sender: Person, outgoing: Outgoing, *, to: Sequence[Person] | None = None) -> dict[Person, Taken]:
        """Delivers, honestly: sealed messages to those they name, the rest to everybody.

        Nothing may be refused, but for a chain that is announced again because of newcomers.
        """
        data = parts(outgoing)
        self._watch(data)
        self.at += 1000
        taken: dict[Person, Taken] = {}
        for person in self.present if to is None else to:
            if person is not sender:
                taken[person] = self.take(person, *[one for one in data if is_for(person, one)])
                refusals = [one for one in taken[person] if isinstance(one, PeerError | PartRefused)]
                assert all(isinstance(one, Replay) for one in refusals), refusals
        return taken

    def say(self, sender: Person, body: bytes, *, to: Sequence[Person] | None = None) -> bytes:
        """Somebody writes, and everybody reads it (or only these); the message."""
        outgoing = self.groups[sender].encrypt(body, content_type="text/plain", at=self.at)
        for person, taken in self.send(sender, outgoing, to=to).items():
            assert texts(taken) == [(sender.id, body)], person.identity
        assert outgoing.message
        return outgoing.message

    def unsent(self, sender: Person, body: bytes) -> Outgoing:
        """What somebody wrote and the server keeps to itself."""
        return self.groups[sender].encrypt(body, content_type="text/plain", at=self.at)

    def begun(self, owner: Person, *, name: str = "chain") -> OwnChain:
        """A chain that its owner writes by hand, announced to everybody."""
        chain = wire.chain_of(owner, self.group_id, self.head, name=name, at=self.at)
        self.send(owner, Outgoing(None, (self.announced(chain),)))
        return chain

    def announced(self, chain: OwnChain) -> bytes:
        """The broadcast by its owner that announces a chain, under the newest epoch key."""
        said = wire.control(self.group_id, announcements=[chain.announcement()])
        return wire.broadcast(chain.owner, self.group_id, self.head, self.key, said)

    def remove(self, admin: Person, *people: Person) -> Outgoing:
        """Takes people out; their clients are not told."""
        outgoing = self.groups[admin].remove([person.user_id for person in people], at=self.at)
        self.present = [person for person in self.present if person not in people]
        self.send(admin, outgoing)
        return outgoing

    def unsent_to_all(self, sender: Person, body: bytes) -> bytes:
        """As above, with the announcement delivered; the message."""
        outgoing = self.unsent(sender, body)
        self.send(sender, Outgoing(None, outgoing.control))
        assert outgoing.message
        return outgoing.message

    def everything_honest_opens(self) -> None:
        """Everybody who may post says something, everybody present reads it, and all see one roster."""
        assert len({self.groups[person].roster.head for person in self.present}) == 1
        roster = self.groups[self.present[0]].roster
        for person in self.present:
            if roster.may_post(person.user_id):
                self.say(person, b"an honest word of " + person.id[:4])

    # --- attacks

    def sealed(self, author: Person, *people: Person, **parts_of_control: Any) -> bytes:
        """A sealed control by hand."""
        said = wire.control(self.group_id, **parts_of_control)
        return forge(author, to(*people), inner=[wire.CONTROL, self.at, said])

    def refused(self, person: Person, data: bytes, *errors: type[SiegelError], links: bool = False) -> SiegelError:
        """The client refuses it with one of these errors, and its state stays what it was (but for links)."""
        before = self._state(person, links=links)
        with refused(*errors) as caught:
            self.groups[person].receive(data, at=self.at)
        assert self._state(person, links=links) == before
        return caught.value

    def _state(self, person: Person, *, links: bool) -> dict[str, bytes]:
        """What is stored; with ``links`` without what may change by a message that is authentic and refused."""
        found = self.records(person)
        return {name: data for name, data in found.items() if not links or not {"link", "chain"} & {*name.split("/")}}


def parts(outgoing: Outgoing) -> tuple[bytes, ...]:
    return (*outgoing.control, *([outgoing.message] if outgoing.message else []))


def is_for(person: Person, data: bytes) -> bool:
    """Whether the server would deliver it to this person."""
    return data[1] in (wire.GROUP_MESSAGE, wire.BROADCAST) or person.user_id in names_in(data)


def names_in(envelope: bytes) -> list[object]:
    """For whom an envelope is labelled, without a key."""
    return [user_id for user_id, _ in inspect_envelope(envelope).recipients or ()]


def texts(taken: Iterable[object]) -> list[tuple[bytes, bytes]]:
    """Sender and body of the messages among these events."""
    return [(bytes(one.sender), one.body) for one in taken if isinstance(one, MessageReceived)]


def of_kind(taken: Iterable[object], *kinds: type) -> list[Any]:
    return [one for one in taken if isinstance(one, kinds)]
