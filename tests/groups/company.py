"""A company of the tests: people with a group on each of their devices, and the wire between them.

A device is named after its person: "anna", or "anna/tablet". Whatever a person sends is delivered to all others in the
order of ``Outgoing``: the control, then the message; what is sealed reaches those whom it names, as a server would do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from siegel import Identity, PublicIdentity, SealingKeys, UserId
from siegel.envelope import letters
from siegel.errors import SiegelError
from siegel.events import Event, MessageReceived, ReplyReady
from siegel.groups import epoch
from siegel.groups.actions import GroupPolicy, Role
from siegel.groups.control import Control
from siegel.groups.group import Group
from siegel.groups.member import Member
from siegel.groups.message import GroupMessage, parse_message
from siegel.groups.state import Candidate
from siegel.groups.storage import MemoryStorage, Outgoing
from siegel.inspection import inspect_envelope
from siegel.sealed import Known
from tests.people import AT, SECOND, person, public

EVERYBODY = ("anna", "bert", "carl", "dora", "emil", "frida")

SEALED, LETTER = b"\x86\x02", b"\x86\x06"
BROADCAST, MESSAGE = b"\x86\x0c", b"\x8a\x03"

_E = TypeVar("_E", bound=Event)


def owner(device: str) -> str:
    """The name of the person whose device it is."""
    return device.partition("/")[0]


def user(device: str) -> UserId:
    return person(owner(device)).user_id


def users(*devices: str) -> tuple[UserId, ...]:
    return tuple(map(user, devices))


def parts(out: Outgoing) -> list[bytes]:
    """What there is to deliver, in its order."""
    return [*out.control, *((out.message,) if out.message else ())]


def kinds(out: Outgoing) -> list[bytes]:
    """The first two bytes of each part: what kind of object it is."""
    return [data[:2] for data in parts(out)]


def message_of(out: Outgoing) -> GroupMessage:
    """The message that was sent, parsed."""
    assert out.message is not None
    return parse_message(out.message)


def records_of(storage: MemoryStorage) -> dict[str, bytes]:
    """Everything that stands in a storage."""
    return dict(storage.load(""))


def named(data: bytes) -> set[UserId]:
    """For whom sealed bytes are."""
    return {user_id for user_id, _ in inspect_envelope(data).recipients}


class Heard:
    """What each device made of one delivery."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, object]] = []

    def add(self, device: str, outcome: object) -> None:
        several = outcome if isinstance(outcome, tuple) and not isinstance(outcome, MessageReceived) else (outcome,)
        self.outcomes.extend((device, one) for one in several)

    def of(self, device: str) -> list[object]:
        """Events and errors, in order."""
        return [outcome for other, outcome in self.outcomes if other == device]

    def events(self, kind: type[_E], device: str | None = None) -> list[_E]:
        found = [one for other, one in self.outcomes if device in {None, other}]
        return [event for event in found if isinstance(event, kind)]

    def messages(self, device: str) -> list[MessageReceived]:
        return [event for event in self.of(device) if isinstance(event, MessageReceived)]

    def texts(self, device: str) -> list[bytes]:
        return [message.body for message in self.messages(device)]

    def errors(self, device: str) -> list[type[SiegelError]]:
        return [type(error) for error in self.of(device) if isinstance(error, SiegelError)]

    @property
    def readers(self) -> set[str]:
        """Who read a message."""
        return {device for device, outcome in self.outcomes if isinstance(outcome, MessageReceived)}


class Company:
    """A group whose first name founds it and invites the others; each device has a storage of its own."""

    def __init__(
        self,
        *names: str,
        roles: Mapping[str, Role] | None = None,
        policy: GroupPolicy = GroupPolicy(),  # noqa: B008  # an immutable value
        by_letter: bool = False,
        contacts: Known | None = None,
        rotating: Collection[str] = (),
    ) -> None:
        founder, *others = names
        self.at, self.by_letter = AT, by_letter
        self.keys = {name: SealingKeys(person(name)) for name in rotating}
        self.records = {name: keys.rotate(at=AT) for name, keys in self.keys.items()}
        self.contacts: Known = [self.public(name) for name in EVERYBODY] if contacts is None else contacts
        self.storages = {founder: MemoryStorage()}
        self.wire: list[tuple[str, bytes]] = []  # everything that was ever sent, and by which device
        members = {self.public(name): (roles or {}).get(name, Role.MEMBER) for name in others}
        group, out = Group.create(
            self.holder(founder), members=members, name="a team", policy=policy, storage=self.storages[founder], at=AT
        )
        self.groups = {founder: group}
        for name in others:
            self.storages[name] = MemoryStorage()
        self.deliver(out, founder)

    def __getitem__(self, device: str) -> Group:
        return self.groups[device]

    def holder(self, device: str) -> Identity | SealingKeys:
        return self.keys.get(owner(device), person(owner(device)))

    def public(self, device: str) -> PublicIdentity:
        return self.records.get(owner(device), public(owner(device)))

    def tick(self, step: int = SECOND) -> int:
        """The instant, a moment later."""
        self.at += step
        return self.at

    # --- sending

    def act(self, device: str, verb: str, *arguments: Any, **named_arguments: Any) -> Outgoing:
        """What a method of the device's group gives to send; nothing of it is delivered."""
        out: Outgoing = getattr(self.groups[device], verb)(*arguments, at=self.tick(), **named_arguments)
        return out

    def do(self, device: str, verb: str, *arguments: Any, **named_arguments: Any) -> Heard:
        """The same, delivered to all."""
        return self.deliver(self.act(device, verb, *arguments, **named_arguments), device)

    def say(self, device: str, text: str = "hello", *, to: Collection[str] | None = None) -> Heard:
        return self.deliver(self.act(device, "encrypt", text.encode()), device, to=to)

    def add(self, device: str, *names: str, role: Role = Role.MEMBER) -> Heard:
        for name in names:
            self.storages.setdefault(name, MemoryStorage())
        return self.do(device, "add", [self.public(name) for name in names], role=role)

    # --- receiving

    def deliver(self, out: Outgoing, sender: str, *, to: Collection[str] | None = None) -> Heard:
        """Hands everything to these devices, or to all but the sender's."""
        self.wire.extend((sender, data) for data in parts(out))
        return self.hand(parts(out), [device for device in self.storages if device != sender] if to is None else to)

    def hand(self, inputs: Iterable[bytes], devices: Collection[str]) -> Heard:
        """Hands bytes to devices as they are; one that has no group yet is let in by an invitation."""
        heard = Heard()
        for data in inputs:
            shares = dict(letters(data)) if data[:2] == SEALED else None
            for device in devices:
                if shares is None:
                    heard.add(device, self.take(device, data))
                elif user(device) in shares:
                    heard.add(device, self.take(device, shares[user(device)] if self.by_letter else data))
        return heard

    def take(self, device: str, data: bytes) -> object:
        """What one device makes of an input: events, or the error."""
        try:
            if device in self.groups:
                return self.groups[device].receive(data, at=self.at)
            if data[:2] in {SEALED, LETTER}:
                self.join(device, data)
        except SiegelError as error:
            return error
        return ()

    def join(self, device: str, invitation: bytes) -> Group:
        self.groups[device] = Group.join(
            invitation,
            identity=self.holder(device),
            contacts=self.contacts,
            storage=self.storages.setdefault(device, MemoryStorage()),
            at=self.at,
        )
        return self.groups[device]

    # --- devices

    def reload(self, device: str) -> Group:
        """The device starts anew from its storage."""
        self.groups[device] = Group.load(
            self.groups[device].group_id,
            identity=self.holder(device),
            contacts=self.contacts,
            storage=self.storages[device],
        )
        return self.groups[device]

    def clone(self, device: str, copy: str) -> Group:
        """A second instance with the same stored state, as a copied disk or a restored snapshot makes it."""
        self.storages[copy] = MemoryStorage()
        self.storages[copy].commit(records_of(self.storages[device]), Outgoing())
        self.groups[copy] = self.groups[device]
        return self.reload(copy)

    def link(self, old: str, new: str) -> Group:
        """A second device of a user, from what the first one exports; it asks for what it lacks."""
        self.storages[new] = MemoryStorage()
        self.groups[new] = Group.restore(
            self.groups[old].export(), identity=self.holder(new), contacts=self.contacts, storage=self.storages[new]
        )
        return self.groups[new]

    def answer(self, heard: Heard, asker: str) -> Heard:
        """Delivers the replies that a request brought about."""
        replies = [data for reply in heard.events(ReplyReady) for data in reply.control]
        return self.hand(replies, [asker])

    def ask(self, device: str, *to: str) -> Heard:
        """Requests and what their answers, delivered to who asked, bring about, until they bring nothing more."""
        heard, more = Heard(), True
        while more:
            answered = self.answer(self.do(device, "request", to=users(*to) if to else None), device)
            heard.outcomes += answered.outcomes
            more = any(not isinstance(outcome, SiegelError) for outcome in answered.of(device))
        return heard

    # --- what no honest client sends

    def candidate(self, device: str) -> tuple[Candidate, Member]:
        return Candidate(self.groups[device]._state, at=self.tick()), Member(self.holder(device), self.contacts)

    def sealed(self, device: str, control: Control, *to: str) -> bytes:
        """Any control, sealed by a member to these people."""
        candidate, member = self.candidate(device)
        assert member.seal(candidate, control, users(*to)) == ()
        return candidate.outgoing[0]

    def broadcast(self, device: str, control: Control, *, head: bytes | None = None) -> bytes:
        """Any control under the epoch key of a head that a member holds."""
        candidate, member = self.candidate(device)
        head = head or candidate.history.roster.head
        key = epoch.key_at(candidate.history, candidate.keys, head)
        assert key is not None
        member.broadcast(candidate, control, head, key.key)
        return candidate.outgoing[0]
