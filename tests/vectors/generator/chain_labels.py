"""The labels of chains for the category ``labels``: their inputs, and objects made under wrong ones (LAB-1, LAB-2).

Those whose fault a reader finds in a message stand in the category ``group-message``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group
from tests.vectors.generator.chain_certificates import CLOSING
from tests.vectors.generator.chain_parts import GROUP, HEAD, KEY, ROOT, announcement, draft, leaf, message
from tests.vectors.generator.people import ALICE
from tests.vectors.notation import spell
from tests.vectors.reference import identity
from tests.vectors.reference.cbor import array, octets, read
from tests.vectors.reference.labels import sha256

Build = Callable[..., bytes]  # purpose and encoded items to bytes


def chain_labels(book: Category, faults: Mapping[str, tuple[Build, str]]) -> None:
    """What follows each label, and certificates and announcements made under wrong ones."""
    _items(book.group("labelled", 12701))
    _parts(book.group("raw", 12721))
    certificates, announcements = book.group("certificate", 12741), book.group("announcement", 12761)
    strings = octets(GROUP), octets(CLOSING.sender), octets(KEY)
    for fault, (build, flags) in faults.items():
        part = build("chain certificate", *CLOSING.fields())
        forged = replace(CLOSING, signature=identity.sign_with(ALICE.secret, part)).encode()
        _refuse(certificates, "chain certificate", fault, flags, {"certificate": forged})
        other = replace(CLOSING, chain_id=sha256(build("chain id", *strings))[:16]).signed(ALICE.secret).encode()
        given = {"certificate": other}
        _refuse(certificates, "chain id", fault, flags, given, code="malformed", stage="chain-id")
        genesis = sha256(build("chain genesis", *CLOSING.fields()))
        given = {"announcement": replace(announcement(), certificate=CLOSING.encode(), link=genesis).encode()}
        _refuse(announcements, "chain genesis", fault, flags, given, code="malformed", stage="link")


def _items(group: Group) -> None:
    fields = read(array(*CLOSING.fields()))
    items: dict[str, list[Any]] = {
        "chain id": [GROUP, CLOSING.sender, KEY],
        "chain certificate": fields,
        "chain genesis": fields,
    }
    for purpose, values in items.items():
        given = {"label": f"siegel/1 {purpose}", "items": [spell(item) for item in values]}
        group.valid(f"label {purpose}", spec="LAB-1 LAB-2", flags="KnownAnswer", input=given)


def _parts(group: Group) -> None:
    honest, steps = draft(5), message(5)
    parts: dict[str, list[bytes]] = {
        "key tree": [ROOT],
        "leaf commitment": [leaf(5)],
        "message nonce": [leaf(5), honest.hedge, HEAD, honest.previous, steps.padded],
        "link": [steps.signed],
        "group signature": [steps.link],
    }
    for purpose, strings in parts.items():
        given = {"label": f"siegel/1 {purpose}", "parts": strings}
        group.valid(f"label {purpose}", spec="LAB-1 LAB-2", flags="KnownAnswer", input=given)


def _refuse(
    group: Group,
    purpose: str,
    fault: str,
    flags: str,
    given: dict[str, Any],
    *,
    code: str = "invalid-message",
    stage: str = "signature",
) -> None:
    spec = {"chain id": "CHN-2", "chain genesis": "CHN-4"}.get(purpose, "CHN-5")
    comment = f"label {purpose} {fault}"
    group.invalid(comment, spec=f"LAB-1 LAB-2 {spec}", flags=flags, code=code, stage=stage, input=given)
