"""Knows the people of the demo: a company of six, each with a folder, a key file, and the records of the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siegel.cli.files import read_file, write_file
from siegel.cli.people import key_file
from siegel.contacts import Contacts
from siegel.groups.storage import MemoryStorage
from siegel.identity import Identity, PublicIdentity
from siegel.sealed import OpenedMessage, open_sealed
from siegel.sealing_keys import SealingKeys

_LIMIT: Final = 2**20
_ROLES: Final = {
    "Ada": "managing director",
    "Ben": "accounts",
    "Chiara": "company doctor",
    "Deniz": "workshop",
    "Eva": "field service",
    "Fritz": "sales",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One member of the company; what they own is in ``folder``."""

    name: str
    role: str
    folder: Path
    identity: Identity
    record: PublicIdentity
    contacts: Contacts
    storage: MemoryStorage  # of the groups

    @property
    def mailbox(self) -> Path:
        """Where the delivery service puts what is for this person."""
        return self.folder / "mailbox"

    def opened(self, sealed: bytes, *, keys: SealingKeys | None = None) -> OpenedMessage:
        """What the person finds in an envelope or letter, with the identity or with rotating keys."""
        return open_sealed(sealed, identity=keys or self.identity, contacts=self.contacts)

    def open(self, sealed: Path, target: Path, *, keys: SealingKeys | None = None) -> OpenedMessage:
        """Opens a file, and writes the content to another once it is verified."""
        message = self.opened(read_file(sealed, limit=_LIMIT), keys=keys)
        write_file(target, message.body)
        return message


def found_company(folder: Path, *, at: int) -> tuple[Person, ...]:
    """The six, everything they own written to files under ``folder``, and each pinned by the others."""
    people = tuple(_hire(name, role, folder / name.lower(), at=at) for name, role in _ROLES.items())
    directory = folder / "directory"
    directory.mkdir()
    for person in people:
        (directory / f"{person.name.lower()}.pub").write_bytes(person.record.encode())
    for person in people:
        for path in sorted(directory.iterdir()):
            person.contacts.add(PublicIdentity.decode(read_file(path, limit=_LIMIT)), name=path.stem)
    return people


def _hire(name: str, role: str, folder: Path, *, at: int) -> Person:
    identity = Identity.generate()
    (folder / "mailbox").mkdir(parents=True)
    write_file(folder / "key.txt", key_file(identity, created_at=at), secret=True)
    return Person(name, role, folder, identity, identity.public(at=at), Contacts(identity.user_id), MemoryStorage())


def names_of(people: tuple[Person, ...]) -> str:
    """Ada, Ben and Chiara."""
    *others, last = [person.name for person in people]
    return f"{', '.join(others)} and {last}" if others else last
