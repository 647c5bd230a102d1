"""Knows the people of the group benchmarks, each made once, and storages that forget or remember what is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cache

from siegel import Group, GroupPolicy, Identity, MemoryStorage, Outgoing, PublicIdentity

AT = 1_700_000_000_000
BODY = os.urandom(256)
BROADCAST, MESSAGE = b"\x86\x0c", b"\x8a\x03"


@cache
def person(number: int) -> Identity:
    """The identity with this number."""
    return Identity.from_secret(hashlib.sha256(b"a person of the benchmarks: %d" % number).digest())


@cache
def public(number: int) -> PublicIdentity:
    """Their record. A quarter of a millisecond: what is measured must not make it."""
    return person(number).public(at=AT)


def people(first: int, end: int) -> list[PublicIdentity]:
    """The records of everybody from one number up to another."""
    return [public(number) for number in range(first, end)]


class Snapshot:
    """A storage whose records stay as they are: a group loaded from it begins at the same place each time."""

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = MemoryStorage()
        self._storage.commit(dict(storage.load("")), Outgoing())

    def load(self, prefix: str) -> list[tuple[str, bytes]]:
        return self._storage.load(prefix)

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        """Takes part in the time that is measured, and leaves no trace."""


class Recorder(MemoryStorage):
    """A storage that remembers what the last step wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, bytes | None] = {}

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        self.last = dict(changes)
        super().commit(changes, outgoing)


class Team:
    """A group of ``size``, of whom number 0 founds it and the first ``senders`` are here and have each sent once."""

    def __init__(self, size: int, senders: int, *, policy: GroupPolicy | None = None) -> None:
        self.size = size
        self.storages = [Recorder() for _ in range(senders)]
        founder, invited = Group.create(
            person(0), members=people(1, size), name="team", policy=policy or GroupPolicy(), storage=self.storages[0],
            at=AT,
        )  # fmt: skip
        self.invitation, *pages = invited.control
        self.groups = [founder]
        for number in range(1, senders):
            joined = Group.join(
                self.invitation, identity=person(number), contacts=[public(0)], storage=self.storages[number], at=AT
            )
            joined.receive_many(pages, at=AT)
            self.groups.append(joined)
        for number, sent in enumerate([group.encrypt(BODY, at=AT) for group in self.groups]):
            self.deliver(sent, sender=number)

    @property
    def founder(self) -> Group:
        return self.groups[0]

    def deliver(self, sent: Outgoing, *, sender: int) -> None:
        """Gives what one of them sent to the others."""
        inputs = [*sent.control, *((sent.message,) if sent.message else ())]
        for number, group in enumerate(self.groups):
            if number != sender:
                group.receive_many(inputs, at=AT)

    def again(self, number: int, snapshot: Snapshot) -> Group:
        """The group of one of them as it was when the snapshot was made."""
        return Group.load(
            self.founder.group_id, identity=person(number), contacts=people(0, len(self.groups)), storage=snapshot
        )


def broadcasts(control: Iterable[bytes]) -> int:
    """How many of these are one ciphertext for everybody."""
    return sum(data[:2] == BROADCAST for data in control)
