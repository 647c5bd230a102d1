"""Category ``group``: control, what a client takes, what it sends, how somebody comes in (GRP-1 … GRP-12)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, stream
from tests.vectors.generator.group_parts import (
    FOUNDED,
    GROUP_ID,
    KEY,
    control,
    spoilt,
    strings,
    world,
)
from tests.vectors.generator.group_sent import acts, invitations, sent
from tests.vectors.generator.group_taken import taken
from tests.vectors.reference import LATEST, cbor
from tests.vectors.reference.cbor import array, octets, text, uint


def category() -> Category:
    """The file."""
    book = Category("group")
    _control(book)
    taken(world(book.group("group", 50_101)))
    sent(world(book.group("group-sending", 50_301)))
    acts(world(book.group("group-act", 50_401)))
    invitations(world(book.group("group-invitation", 50_501)))
    return book


# --- control (GRP-1) --------------------------------------------------------------------------------------------------


def _control(book: Category) -> None:
    group = book.group("control", 50_001)
    some = stream("some bytes", 40)
    whole = {
        "items": [some],
        "key": (FOUNDED, KEY),
        "announcements": [some],
        "identities": [some, some],
        "request": (FOUNDED, True, [some[:16]]),
        "not_after": LATEST,
    }
    for comment, parts in {
        "nothing in it": {},
        "all parts": whole,
        "as many announcements as may be": {"announcements": [b""] * 16},
        "a request for 64 chains": {"request": (FOUNDED, False, [some[:16]] * 64)},
    }.items():
        group.valid(comment, spec="GRP-1", flags="Normal", input={"control": control(**parts)})  # type: ignore[arg-type]
    wrong = {
        "a group id of 31 bytes": {"group": octets(GROUP_ID[:31])},
        "a roster item that is text": {"items": array(text("item"))},
        "items that are no array": {"items": octets(b"")},
        "a key of 31 bytes": {"key": array(octets(FOUNDED), octets(KEY[:31]))},
        "a key without a head": {"key": array(octets(KEY))},
        "17 announcements": {"announcements": strings([b""] * 17)},
        "an announcement of 2,677 bytes": {"announcements": strings([bytes(2_677)])},
        "1,025 identities": {"identities": strings([b""] * 1_025)},
        "an identity of 2,049 bytes": {"identities": strings([bytes(2_049)])},
        "a request whose key is 1": {"request": array(octets(FOUNDED), uint(1), array())},
        "a request for 65 chains": {"request": array(octets(FOUNDED), cbor.TRUE, strings([some[:16]] * 65))},
        "a request for a chain id of 15 bytes": {"request": array(octets(FOUNDED), cbor.TRUE, strings([some[:15]]))},
        "an end after the year 9999": {"not_after": uint(LATEST + 1)},
        "an end that is text": {"not_after": text("tomorrow")},
    }
    for comment, changed in wrong.items():
        _refused(group, comment, "GRP-1", "WrongShape", spoilt(**changed))
    _refused(group, "a byte behind the end", "GRP-1", "TrailingBytes", control() + b"\0")
    _refused(group, "six items", "GRP-1", "WrongShape", b"\x86" + control()[1:-1])
    _refused(group, "a length that is not the shortest", "GRP-1", "NonShortest", b"\x98\x07" + control()[1:])


def _refused(group: Any, comment: str, spec: str, flags: str, data: bytes) -> None:
    group.invalid(comment, spec=spec, flags=flags, code="invalid-message", stage="control", input={"control": data})
