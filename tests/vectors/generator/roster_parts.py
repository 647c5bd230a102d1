"""The people, acts and signed items of the vectors about rosters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tests.vectors.generator.book import stream
from tests.vectors.generator.people import NOW, person
from tests.vectors.reference import DAY, curve, identity
from tests.vectors.reference.roster_wire import Act, Operation, Statement

PEOPLE: Final = ("frida", "anna", "bert", "carl", "dora", "emil", "mallory")
POLICY: Final = [0, 1, 10_000, 7 * DAY, 0]  # members post, admins add, any sealing key
MEMBERS_ADD: Final = [0, 0, 10_000, 7 * DAY, 0]
ADMINS_POST: Final = [1, 1, 10_000, 7 * DAY, 0]
FORWARD_SECRET: Final = [0, 1, 10_000, 7 * DAY, 1]
COMMITMENT: Final = stream("commitment to an epoch key", 32)

Roles = Mapping[str, int]
Close = Sequence[Any]  # chain id, last index


def user(name: str) -> bytes:
    """The user id."""
    return person(name).user_id


def users(*names: str) -> list[bytes]:
    """User ids in ascending order."""
    return sorted(map(user, names))


def ranked(roles: Roles) -> list[list[Any]]:
    """Users with roles, in ascending order."""
    return sorted([user(name), role] for name, role in roles.items())


def close(number: int, last: int = 0) -> Close:
    """The end of a chain."""
    return [number.to_bytes(16, "big"), last]


def fresh(*withheld: str) -> list[Any]:
    """A fresh epoch key, withheld from these."""
    return [COMMITMENT, users(*withheld)]


# --- acts -------------------------------------------------------------------------------------------------------------


def create(
    roles: Roles, policy: list[int] = POLICY, name: str = "a group", nonce: int = 0, key: list[Any] | None = None
) -> Act:
    """Founds a group; the author is not among the roles."""
    fields = {"nonce": nonce.to_bytes(32, "big"), "name": name.encode(), "policy": policy}
    return Act("create", {**fields, "members": ranked(roles), "fresh": key or fresh()})


def add(roles: Roles) -> Act:
    """Admits users."""
    return Act("add", {"members": ranked(roles)})


def remove(
    *names: str, statements: Iterable[bytes] = (), closes: Iterable[Close] = (), key: list[Any] | None = None
) -> Act:
    """Takes users out."""
    fields = {"users": users(*names), "statements": list(statements), "closes": list(closes)}
    return Act("remove", {**fields, "fresh": key or fresh()})


def adopt(*heads: bytes, closes: Iterable[Close] = (), key: list[Any] | None = None) -> Act:
    """Adopts operations; without a fresh key unless one is given."""
    return Act("adopt", {"operations": list(heads), "closes": list(closes), "fresh": key})


def dismiss(*heads: bytes) -> Act:
    """Dismisses operations."""
    return Act("dismiss", {"operations": list(heads)})


def refresh(*withheld: str) -> Act:
    """Brings a fresh key."""
    return Act("refresh", {"fresh": fresh(*withheld)})


def set_role(name: str, role: int, *closes: Close) -> Act:
    """Gives another role."""
    return Act("set role", {"user": user(name), "role": role, "closes": list(closes)})


def set_policy(policy: list[int], *closes: Close, key: list[Any] | None = None) -> Act:
    """Gives another policy; without a fresh key unless one is given."""
    return Act("set policy", {"policy": policy, "closes": list(closes), "fresh": key})


def rename(name: str) -> Act:
    """Gives another name."""
    return Act("rename", {"name": name.encode()})


END: Final = Act("close")


# --- signed items -----------------------------------------------------------------------------------------------------


def found(founder: str, act: Act, at: int = NOW) -> Operation:
    """A founding operation."""
    return Operation(b"", 0, b"", user(founder), at, act).signed(person(founder).secret)


def follow(parent: Operation, author: str, act: Act, /, **changes: Any) -> Operation:
    """An operation on this parent; with other fields, signed over them by its author."""
    at = NOW + parent.height + 1
    honest = Operation(parent.group, parent.height + 1, parent.head, user(author), at, act)
    return replace(honest, **changes).signed(person(author).secret)


def leave(below: Operation, name: str, *closes: Close, **changes: Any) -> Statement:
    """A leave statement as of this operation."""
    ends = tuple((chain, index) for chain, index in closes)
    honest = Statement(below.group, below.head, user(name), ends, NOW + below.height + 1)
    return replace(honest, **changes).signed(person(name).secret)


def signed_again(item: Operation | Statement, name: str) -> Any:
    """The same item under a second signature that is as good as the first: of another nonce, 7."""
    seed = identity.derive(person(name).secret, "sign")
    text, public, nonce = item.text(), user(name), 7
    r = curve.compress(curve.times(nonce, curve.BASE))
    s = (nonce + curve.challenge(r, public, text) * curve.expand(seed)[0]) % curve.L
    return replace(item, signature=r + s.to_bytes(32, "little"))
