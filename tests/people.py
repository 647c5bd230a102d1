"""The people of the tests: the same at every run, and made once."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from siegel import Identity, PublicIdentity, SealingKeys, UserId
from siegel._core.instants import DAY, HOUR, SECOND
from siegel.errors import SiegelError

__all__ = ["AT", "DAY", "HOUR", "SECOND", "company", "dates", "person", "public", "rotating", "secret_of", "verdict"]

AT = 1_700_000_000_000  # an instant in 2023 that stands for "now"


def secret_of(name: str) -> bytes:
    """The 32 bytes of one person."""
    return sha256(b"a person of the tests: " + name.encode()).digest()


@cache
def person(name: str) -> Identity:
    """The identity of this name."""
    return Identity.from_secret(secret_of(name))


@cache
def public(name: str, at: int = AT) -> PublicIdentity:
    """The record with sealing number 0 of this name, issued at ``at``."""
    return person(name).public(at=at)


@cache
def company(count: int) -> tuple[PublicIdentity, ...]:
    """The records of ``count`` people; number 0 is "alice", 1 is "bob"."""
    names = ["alice", "bob", *(f"colleague {number}" for number in range(2, count))]
    return tuple(public(name) for name in names[:count])


def rotating(name: str, at: int = AT) -> tuple[SealingKeys, PublicIdentity]:
    """Fresh sealing keys of this name with one rotating key, and the record that publishes it."""
    keys = SealingKeys(person(name))
    return keys, keys.rotate(at=at)


def dates(record: PublicIdentity) -> tuple[UserId, int, int, int]:
    """What a record says beside its keys: user id, sealing number, issued at, not after."""
    return record.user_id, record.sealing_number, record.issued_at, record.not_after


def verdict(error: SiegelError) -> tuple[type[SiegelError], tuple[object, ...], str]:
    """Everything that an error shows: its type, arguments and representation."""
    return type(error), error.args, repr(error)
