"""The pinned contacts, by hand: order of records, names, violations, hand-overs (spec ID-11, ID-14, ID-15, ID-19)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.vectors.reference import Refused, identity, require


@dataclass
class Person:
    """One pinned user."""

    data: bytes
    record: identity.Record
    state: str = "pinned"
    succession: tuple[bytes, bytes] | None = None  # the new user id, and the signed bytes that name it


@dataclass
class Book:
    """The contacts of one user; each method takes bytes as they arrive."""

    ours: bytes | None
    people: dict[bytes, Person] = field(default_factory=dict)
    names: dict[str, bytes] = field(default_factory=dict)

    def states(self) -> dict[str, str]:
        """State by user id in hex."""
        return {user_id.hex(): person.state for user_id, person in self.people.items()}

    def add(self, data: bytes, now: int, name: str | None = None) -> list[Any]:
        """A record from a directory or a peer."""
        record = identity.read_record(data, now)
        pinned = self.names.get(name, record.signing_key) if name is not None else record.signing_key
        if pinned != record.signing_key:
            self.people[pinned].state = "violated"
            raise Refused("trust", "identity-changed")
        held = self.people.get(record.signing_key)
        if held is not None and held.data != data:
            require(record.issued_at >= held.record.issued_at, "order", "superseded")
            if record.issued_at == held.record.issued_at:
                held.state = "violated"
                raise Refused("order", "identity-changed")
        events = [
            {"sealingKeyShared": [record.signing_key.hex(), other.hex()]}
            for other, person in self.people.items()
            if other != record.signing_key and person.record.sealing_key == record.sealing_key
        ]
        if held is None:
            self.people[record.signing_key] = Person(data, record)
        else:
            held.data, held.record = data, record
        if name is not None:
            self.names[name] = record.signing_key
        return events

    def accept(self, data: bytes, now: int, name: str | None = None) -> list[Any]:
        """A person's decision for a record."""
        record = identity.read_record(data, now)
        held = self.people.get(record.signing_key)
        require(held is None or record.issued_at >= held.record.issued_at, "order", "superseded")
        evidence = held.succession if held is not None else None
        self.people[record.signing_key] = Person(data, record, succession=evidence)
        if name is not None:
            self.names[name] = record.signing_key
        return []

    def succeed(self, data: bytes) -> list[Any]:
        """A hand-over, which is a hint."""
        record = identity.read_succession(data)
        held = self.known(record.old)
        if held.succession is not None and held.succession[0] == record.new:
            return []
        held.state = "violated"
        if held.succession is not None:
            return [{"forkDetected": [record.old.hex(), held.succession[1].hex(), data.hex()]}]
        held.succession = record.new, data
        return [{"successionClaimed": [record.old.hex(), record.new.hex()]}]

    def verify(self, user_id: bytes, seen: str | bytes) -> list[Any]:
        """A person compared safety numbers."""
        if self.ours is None:
            raise Refused("argument", "invalid-argument")
        held = self.known(user_id)
        identity.check_safety(seen, self.ours, user_id)
        held.state = "verified"
        return []

    def get(self, who: bytes | str) -> bytes:
        """The record to seal to."""
        held = self.people.get(self.names.get(who, b"") if isinstance(who, str) else who)
        if held is None:
            raise Refused("argument", "invalid-argument")
        require(held.state != "violated", "trust", "identity-changed")
        return held.data

    def known(self, user_id: bytes) -> Person:
        """The person, or refused as unknown."""
        require(user_id in self.people, "trust", "unknown-sender")
        return self.people[user_id]

    def require(self, sender: bytes) -> None:
        """Whether a message of this sender may be delivered."""
        require(self.known(sender).state != "violated", "trust", "identity-changed")
