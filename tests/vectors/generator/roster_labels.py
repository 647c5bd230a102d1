"""The labels of rosters for the category ``labels``: their items, and objects made under wrong ones (LAB-1, LAB-2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group
from tests.vectors.generator.people import person
from tests.vectors.generator.roster_parts import close, create, follow, found, leave, rename
from tests.vectors.generator.roster_worlds import path
from tests.vectors.reference import identity
from tests.vectors.reference.cbor import array, read
from tests.vectors.reference.labels import sha256
from tests.vectors.reference.roster_wire import ADMIN, MEMBER

Build = Callable[..., bytes]  # purpose and encoded items to bytes

FOUNDING = found("frida", create({"anna": ADMIN, "carl": MEMBER}))
OPERATION = follow(FOUNDING, "frida", rename("other"))
GONE = leave(FOUNDING, "carl", close(1, 7))


def roster_items() -> dict[str, tuple[Any, ...]]:
    """Every purpose, and items as they stand behind its label."""

    def items(encoded: tuple[bytes, ...]) -> tuple[Any, ...]:
        return tuple(read(array(*encoded)))

    return {
        "roster operation": items(OPERATION.items()),
        "roster head": items(OPERATION.items()),
        "group id": items(FOUNDING.items()),
        "leave statement": items(GONE.items()),
    }


def roster_refusals(book: Category, faults: Mapping[str, tuple[Build, str]]) -> None:
    """What was signed or hashed under a wrong label."""
    operations, statements = book.group("roster-operation", 12501), book.group("leave-statement", 12551)
    here = path(book.group("roster-log", 12601))
    founding = here.here.operations["founding"]
    for fault, (build, flags) in faults.items():
        forged = replace(OPERATION, signature=_signed("frida", build("roster operation", *OPERATION.items())))
        _refuse(operations, "roster operation", fault, flags, {"operation": forged.encode()})
        said = replace(GONE, signature=_signed("carl", build("leave statement", *GONE.items())))
        _refuse(statements, "leave statement", fault, flags, {"statement": said.encode()})
        other = sha256(build("group id", *founding.items()))
        name = here.here.sign(f"a group id, its label {fault}", "frida", rename("x"), "founding", group_id=other)
        comment = f"label group id {fault}"
        here.refuses_items(comment, "LAB-1 LAB-2 ROS-6", flags, ["founding", name], stage="place")
    for comment, name in _heads(here.here.sign, founding.items(), faults):
        given = {"items": ["founding", name]}
        here.here.group.valid(comment, spec="LAB-1 LAB-2 ROS-6 ROS-18", flags="Waiting", input=given)


def _heads(
    sign: Callable[..., str], items: tuple[bytes, ...], faults: Mapping[str, tuple[Build, str]]
) -> Iterator[tuple[str, str]]:
    """Operations on a head under a wrong label, which nobody will ever find."""
    for fault, (build, _) in faults.items():
        head = sha256(build("roster head", *items))
        name = sign(f"a previous head, its label {fault}", "frida", rename("x"), "founding", previous=head)
        yield f"label roster head {fault}: no such head is known", name


def _signed(name: str, text: bytes) -> bytes:
    return identity.sign_with(person(name).secret, text)


def _refuse(group: Group, purpose: str, fault: str, flags: str, given: dict[str, bytes]) -> None:
    comment = f"label {purpose} {fault}"
    group.invalid(
        comment,
        spec="LAB-1 LAB-2 ROS-6",
        flags=flags,
        code="invalid-message",
        stage="signature",
        input=given,
    )
