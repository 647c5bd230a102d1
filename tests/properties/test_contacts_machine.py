"""Contacts against a model that a reader can check by eye."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from siegel import Contacts, ContactState, PublicIdentity, Succession, UserId, safety_number, safety_qr
from siegel.errors import IdentityChanged, InvalidArgument, PeerError, Superseded, TrustError, UnknownSender
from siegel.events import ForkDetected, SealingKeyShared, SuccessionClaimed
from siegel.identity import issue, sealing_secret
from tests.people import AT, DAY, person

OURS = person("alice").user_id
USERS = ["bob", "carol", "mallory"]
ACCOUNTS = ["account 1", "account 2"]


def record(user: str, at: int, *, key_of: str, days: int) -> PublicIdentity:
    key = sealing_secret(person(key_of)).public
    return issue(person(user), sealing_key=key, sealing_number=0, issued_at=at, not_after=at + days * DAY)


# Each user at three instants; of the second instant two records; and Mallory also with Bob's key.
RECORDS = [
    *(record(user, at, key_of=user, days=90) for user in USERS for at in (AT, AT + 1, AT + 2)),
    *(record(user, AT + 1, key_of=user, days=7) for user in USERS),
    record("mallory", AT + 2, key_of="bob", days=30),
]
HANDOVERS = {
    (old, new): Succession.create(old=person(old), new=person(new), at=AT)
    for old in USERS
    for new in (*USERS, "somebody")
    if old != new
}


@dataclass
class Person:
    """What the model knows of a contact."""

    record: PublicIdentity
    state: ContactState = ContactState.PINNED
    successor: str | None = None


class ContactsMachine(RuleBasedStateMachine):
    """Directories, peers and a person act in any order; the library and the model must agree at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.contacts = Contacts(OURS)
        self.people: dict[UserId, Person] = {}
        self.names: dict[str, UserId] = {}

    @rule(public=st.sampled_from(RECORDS), name=st.sampled_from([None, *ACCOUNTS]))
    def add(self, public: PublicIdentity, name: str | None) -> None:
        """A directory hands us a record."""
        user, held = public.user_id, self.people.get(public.user_id)
        if name in self.names and self.names[name] != user:
            self.people[self.names[name]].state = ContactState.VIOLATED
            with pytest.raises(IdentityChanged):
                self.contacts.add(public, name=name)
        elif held and public.issued_at < held.record.issued_at:
            self.refused(Superseded, public, name)
        elif held and public.issued_at == held.record.issued_at and public != held.record:
            held.state = ContactState.VIOLATED
            with pytest.raises(IdentityChanged):
                self.contacts.add(public, name=name)
        else:
            events = self.contacts.add(public, name=name)
            shared = {
                other
                for other, contact in self.people.items()
                if other != user and contact.record.sealing_key.data == public.sealing_key.data
            }
            assert set(events) == {SealingKeyShared(user, other) for other in shared}
            assert len(events) == len(shared)
            self.people[user] = Person(public, held.state, held.successor) if held else Person(public)
            if name is not None:
                self.names[name] = user

    def refused(self, error: type[PeerError], public: PublicIdentity, name: str | None) -> None:
        """A PeerError leaves the state as it was, to the byte."""
        before = self.contacts.encode()
        with pytest.raises(error):
            self.contacts.add(public, name=name)
        assert self.contacts.encode() == before

    @rule(public=st.sampled_from(RECORDS), name=st.sampled_from([None, *ACCOUNTS]))
    def accept(self, public: PublicIdentity, name: str | None) -> None:
        """A person accepts a record."""
        held = self.people.get(public.user_id)
        if held and public.issued_at < held.record.issued_at:
            before = self.contacts.encode()
            with pytest.raises(Superseded):
                self.contacts.accept(public, name=name)
            assert self.contacts.encode() == before
            return
        self.contacts.accept(public, name=name)
        self.people[public.user_id] = Person(public, successor=held.successor if held else None)
        if name is not None:
            self.names[name] = public.user_id

    @rule(user=st.sampled_from(USERS), seen=st.sampled_from(["number", "QR", "another number", "another QR"]))
    def verify(self, user: str, seen: str) -> None:
        """A person compares what the other side shows."""
        theirs = person(user).user_id
        showing: dict[str, str | bytes] = {
            "number": safety_number(theirs, OURS),
            "QR": safety_qr(theirs, OURS),
            "another number": safety_number(theirs, person("somebody").user_id),
            "another QR": safety_qr(theirs, person("somebody").user_id),
        }
        shown = showing[seen]
        if theirs not in self.people:
            with pytest.raises(UnknownSender):
                self.contacts.verify(theirs, shown)
        elif "another" in seen:
            with pytest.raises(IdentityChanged):
                self.contacts.verify(theirs, shown)
        else:
            self.contacts.verify(theirs, shown)
            self.people[theirs].state = ContactState.VERIFIED

    @rule(handover=st.sampled_from(sorted(HANDOVERS)))
    def succeed(self, handover: tuple[str, str]) -> None:
        """A hand-over arrives."""
        old, new = person(handover[0]).user_id, handover[1]
        held = self.people.get(old)
        if held is None:
            with pytest.raises(UnknownSender):
                self.contacts.succeed(HANDOVERS[handover])
            return
        events = self.contacts.succeed(HANDOVERS[handover])
        if held.successor == new:
            assert events == ()
            return
        (event,) = events
        if held.successor is None:
            assert isinstance(event, SuccessionClaimed)
            assert event == SuccessionClaimed(old, person(new).user_id)
            held.successor = new
        else:
            assert isinstance(event, ForkDetected)
            evidence = HANDOVERS[handover[0], held.successor].encode(), HANDOVERS[handover].encode()
            assert event == ForkDetected(old, evidence)
        held.state = ContactState.VIOLATED

    @rule()
    def restart(self) -> None:
        """The application saves and starts again."""
        data = self.contacts.encode()
        self.contacts = Contacts.decode(data)
        assert self.contacts.encode() == data

    @invariant()
    def agrees_with_the_model(self) -> None:
        """Who is known, how far, and by which record and name."""
        assert set(self.contacts) == self.people.keys()
        assert len(self.contacts) == len(self.people)
        for user in [person(name).user_id for name in USERS]:
            held = self.people.get(user)
            assert self.contacts.state(user) is (held.state if held else None)
            self.answers(user, held)
        for name in ACCOUNTS:
            user_id = self.names.get(name)
            self.answers(name, self.people[user_id] if user_id else None)

    def answers(self, who: UserId | str, held: Person | None) -> None:
        """Whether there is a record to seal to, and whether a message may be delivered."""
        expected: type[TrustError | InvalidArgument]
        if held is not None and held.state is not ContactState.VIOLATED:
            assert self.contacts.get(who) == held.record
            if isinstance(who, UserId):
                self.contacts.require(who)
            return
        expected = InvalidArgument if held is None else IdentityChanged
        with pytest.raises(expected):
            self.contacts.get(who)
        if isinstance(who, UserId):
            with pytest.raises(UnknownSender if held is None else IdentityChanged):
                self.contacts.require(who)


TestContacts = ContactsMachine.TestCase
TestContacts.settings = settings(max_examples=60, stateful_step_count=30)
