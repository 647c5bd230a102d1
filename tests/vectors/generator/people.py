"""The people of the vectors, and their keys. Every secret here is public."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from tests.vectors.generator.book import stream
from tests.vectors.reference import DAY, identity
from tests.vectors.reference.sealed import Recipient

NOW: Final = 1_767_225_600_000  # 2026-01-01, the instant at which records of the vectors are issued
NUMBERS: Final = (NOW, NOW + 3 * DAY)  # of Bob's rotating keys


@dataclass(frozen=True)
class Person:
    """One user: a name, the secret, and the seeds of rotating keys by number."""

    name: str
    secret: bytes = field(repr=False)
    rotating: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)

    @property
    def user_id(self) -> bytes:
        """The user id."""
        return identity.user_id(self.secret)

    @property
    def record(self) -> identity.Record:
        """The record with number 0, issued now."""
        return identity.base_record(self.secret, NOW)

    @property
    def recipient(self) -> Recipient:
        """As a recipient, number 0."""
        return Recipient(self.user_id, identity.base_sealing_key(self.secret))

    def fixture(self) -> dict[str, Any]:
        """What a vector's fixture says of the person."""
        rotating = [{"number": number, "seed": seed} for number, seed in self.rotating]
        return {"secret": self.secret, "userId": self.user_id} | ({"rotating": rotating} if rotating else {})


@lru_cache(maxsize=1024)
def person(name: str) -> Person:
    """The person of this name; Bob has rotating keys."""
    rotating = tuple((number, stream(f"{name} rotating {number}", 32)) for number in NUMBERS) if name == "bob" else ()
    return Person(name, stream(f"secret of {name}", 32), rotating)


ALICE: Final = person("alice")
BOB: Final = person("bob")
CAROL: Final = person("carol")
DAVE: Final = person("dave")
MALLORY: Final = person("mallory")


def crowd(count: int) -> list[Person]:
    """So many people, Bob the first of them."""
    return [BOB, *(person(f"person-{i:03d}") for i in range(1, count))]


def fixture(*people: Person) -> dict[str, Any]:
    """The fixture of a group of sealed messages."""
    return {"issuedAt": NOW, "people": {p.name: p.fixture() for p in people}}
