"""Knows the team of the demo: each member's client of one group, and the server that carries what they send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

from siegel.cli.demo.company import Person
from siegel.cli.files import read_file
from siegel.errors import MalformedError
from siegel.events import GroupEvent, MessageReceived
from siegel.groups.group import Group
from siegel.groups.storage import Outgoing
from siegel.inspection import inspect_envelope

Heard: TypeAlias = dict[str, list[GroupEvent]]  # by the name of who heard it

_LIMIT: Final = 2**20


class Team:
    """The clients of these people, each from what it stored. ``at`` (ms) is the instant of the story."""

    def __init__(self, people: tuple[Person, ...], group_id: bytes, *, at: int) -> None:
        self.people, self.at = people, at
        self._clients = {
            person.name: Group.load(
                group_id, identity=person.identity, contacts=person.contacts, storage=person.storage
            )
            for person in people
        }

    def client(self, person: Person) -> Group:
        """The person's own program."""
        return self._clients[person.name]

    def others(self, person: Person) -> tuple[Person, ...]:
        """Everybody to whom the server delivers, but for this person."""
        return tuple(other for other in self.people if other is not person)

    def leave_out(self, *people: Person) -> None:
        """The server delivers nothing to these; their clients stay."""
        self.people = tuple(person for person in self.people if person not in people)

    def dismiss(self, admin: Person, person: Person) -> None:
        """An admin removes somebody, and everybody else hears of it."""
        self.leave_out(person)
        self.deliver(admin, self.client(admin).remove([person.identity.user_id], at=self.at))

    def write(self, person: Person, text: bytes) -> Outgoing:
        """A message that nobody has yet."""
        return self.client(person).encrypt(text, content_type="text/plain", at=self.at)

    def hand(self, person: Person, *data: bytes) -> list[GroupEvent]:
        """Puts things into a mailbox; what the client makes of them. Raises what the client raises."""
        mailbox, events = person.mailbox / "from the group", list[GroupEvent]()
        for one in data:
            mailbox.write_bytes(one)
            events += self.client(person).receive(read_file(mailbox, limit=_LIMIT), at=self.at)
        return events

    def deliver(self, sender: Person, outgoing: Outgoing, *, kept_from: Collection[Person] = ()) -> Heard:
        """Hands everybody else what is for them, in order."""
        return {
            person.name: self.hand(person, *[data for data in parts(outgoing) if is_for(person, data)])
            for person in self.others(sender)
            if person not in kept_from
        }

    def say(self, sender: Person, text: bytes, *, kept_from: Collection[Person] = ()) -> list[str]:
        """Writes a message and delivers it; who has read this text, as this sender's."""
        heard = self.deliver(sender, self.write(sender, text), kept_from=kept_from)
        return [name for name, events in heard.items() if has_read(events, sender, text)]


def parts(outgoing: Outgoing) -> tuple[bytes, ...]:
    """What is to be delivered, in order."""
    return (*outgoing.control, *([outgoing.message] if outgoing.message else []))


def is_for(person: Person, data: bytes) -> bool:
    """Whether it is for this person: what is sealed names its readers, the rest is for everybody."""
    try:
        named = inspect_envelope(data).recipients or ()
    except MalformedError:
        return True
    return person.identity.user_id in [user_id for user_id, _ in named]


def has_read(events: Sequence[GroupEvent], sender: Person, text: bytes) -> bool:
    """Whether these events bring this text, as this sender's, and no other."""
    read = [(event.sender, event.body) for event in events if isinstance(event, MessageReceived)]
    return read == [(sender.identity.user_id, text)]
