"""Category ``group-message``: messages as they are sent and as they are read, alone and in chains (MSG-1 … MSG-15)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, stream
from tests.vectors.generator.chain_parts import (
    CERTIFICATE,
    ENDED,
    GROUP,
    HEAD,
    KEY,
    LATER_HEAD,
    LINK,
    ROOT,
    SEED,
    SENT_AT,
    content,
    leaf,
    message,
)
from tests.vectors.generator.group_message_inside import refused_inside
from tests.vectors.generator.group_message_outside import refused_outside
from tests.vectors.generator.people import ALICE, NOW
from tests.vectors.generator.receiving import stories
from tests.vectors.generator.receiving_refused import refusals
from tests.vectors.notation import shake
from tests.vectors.reference import LATEST

PARENTS = tuple(sorted((stream(f"another chain {n}", 16), n, stream(f"another link {n}", 32)) for n in (0, 9, 65_535)))


def category() -> Category:
    """The vectors of this file."""
    book = Category("group-message")
    _send(book.group("send", 40001))
    _read(book.group("group-message", 40101))
    group = book.group("group-message", 40201)
    refused_outside(group, base=40101)
    refused_inside(book.group("group-message", 40401), base=40101)
    stories(book)
    refusals(book)
    return book


# --- sending ----------------------------------------------------------------------------------------------------------


def said(body: Any = b"", **changes: Any) -> dict[str, Any]:
    """A message that is to be sent."""
    given = {"do": "send", "rosterHead": HEAD, "contentType": "text/plain", "sentAt": SENT_AT, "parents": []}
    return given | {"body": body} | changes


def sending(*steps: dict[str, Any], closes: tuple[Any, ...] = ()) -> dict[str, Any]:
    """``input``, ``random`` and ``now`` of a vector of type send."""
    count = sum(step["do"] == "send" for step in steps)
    return {
        "now": NOW,
        "random": {"secrets": SEED + ROOT, "hedges": [stream(f"hedge of sending {n}", 16) for n in range(count)]},
        "input": {
            "secret": ALICE.secret,
            "groupId": GROUP,
            "rosterHead": HEAD,
            "closes": list(closes),
            "steps": list(steps),
        },
    }


def _send(group: Group) -> None:
    announce = {"do": "announce"}
    spec, flags = "MSG-1 MSG-2 MSG-3 MSG-4 MSG-5 MSG-6 MSG-7", "KnownAnswer"

    def valid(comment: str, *steps: dict[str, Any], more: str = "", closes: tuple[Any, ...] = ()) -> None:
        group.valid(comment, spec=f"{spec}{more}", flags=flags, **sending(*steps, closes=closes))

    valid("one message", said(b"The board meets on Friday."))
    three = [said(f"message {n}".encode()) for n in range(3)]
    valid("three messages, announced before, between and after", announce, three[0], announce, *three[1:], announce)
    valid("nothing but an announcement", announce, more=" CHN-6", closes=(ENDED[0],))
    valid("another roster head from the second on", three[0], said(b"later", rosterHead=LATER_HEAD))
    valid("the same text twice, with other random bytes", three[0], three[0])
    valid("three parents", said(b"", parents=[list(parent) for parent in PARENTS]))
    valid("an empty body and the shortest type, at instant 0", said(b"", contentType="x", sentAt=0))
    valid("a type of 255 bytes, at the last instant", said(b"", contentType="\u00e9" * 127 + "x", sentAt=LATEST))
    valid("a body of 65,536 bytes", said(shake(b"a long body", 65_536)), more=" MSG-8")
    refused: dict[str, dict[str, Any]] = {
        "no content type": said(contentType=""),
        "a content type of 256 bytes": said(contentType="\u00e9" * 128),
        "a content type that is not in normal form C": said(contentType="te\u0301xt"),
        "an instant after the year 9999": said(sentAt=LATEST + 1),
        "a body of 65,537 bytes": said(shake(b"a long body", 65_537)),
        "four parents": said(parents=[*map(list, PARENTS), [b"\xff" * 16, 0, LINK]]),
        "parents in descending order": said(parents=[list(parent) for parent in reversed(PARENTS)]),
        "two parents of one chain": said(parents=[[PARENTS[0][0], 1, LINK], [PARENTS[0][0], 2, LINK]]),
        "a parent with index 65,536": said(parents=[[PARENTS[0][0], 65_536, LINK]]),
        "a parent with a link of 31 bytes": said(parents=[[PARENTS[0][0], 1, LINK[1:]]]),
        "a parent with a chain id of 15 bytes": said(parents=[[PARENTS[0][0][1:], 1, LINK]]),
    }
    for comment, step in refused.items():
        group.invalid(
            f"asked to send {comment}",
            spec="MSG-6",
            flags="Argument",
            code="invalid-argument",
            stage="argument",
            **sending(step),
        )
    parents = [list(PARENTS[0])]
    valid("a body of 65,536 bytes, and a parent", said(shake(b"a long body", 65_536), parents=parents), more=" MSG-8")
    valid("a type of 255 bytes, and a parent", said(b"", contentType="x" * 255, parents=parents))


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(group: Group) -> None:
    def valid(comment: str, data: bytes, index: int, flags: str = "Boundary") -> None:
        given = {"message": data, "chainSigningKey": KEY, "leaf": leaf(index)}
        group.valid(comment, spec="MSG-1 MSG-2 MSG-3 MSG-5 MSG-6 MSG-7", flags=flags, input=given)

    valid("a message", message(5, LINK, b"a text that its readers see").message, 5, "Normal")
    for index in (0, 23, 24, 255, 256, 65_535):
        valid(f"a message of index {index}", message(index, LINK if index else CERTIFICATE.genesis).message, index)
    for comment, changed in {
        "three parents": content(parents=PARENTS),
        "a type of one byte, at instant 0": content(content_type="x", sent_at=0),
        "a type of 255 bytes, at the last instant": content(content_type="\u00e9" * 127 + "x", sent_at=LATEST),
        "a content type of the protocol, which its reader has to judge": content(content_type="siegel/control"),
        "an instant that fits into four bytes": content(sent_at=2**32 - 1),
        "an instant that needs eight bytes": content(sent_at=2**32),
        "a body of 23 bytes": content(bytes(23)),
        "a body of 24 bytes": content(bytes(24)),
        "a body of 256 bytes": content(bytes(256)),
        "a type of 255 bytes, at instant 0": content(content_type="x" * 255, sent_at=0),
        "a type of one byte, at the last instant": content(content_type="x", sent_at=LATEST),
    }.items():
        valid(comment, message(5, LINK, content=changed).message, 5)
