"""Category ``broadcast``: how they are written, opened, and heard by who knows a group (EPO-7 … EPO-9)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, stream
from tests.vectors.generator.broadcast_inside import refused_inside
from tests.vectors.generator.broadcast_outside import refused_outside
from tests.vectors.generator.broadcast_parts import HONEST, STEPS, broadcast_of, given
from tests.vectors.generator.epoch_parts import (
    AGAIN,
    BACK,
    BRANCHES,
    CALM,
    FALSE,
    FIRST,
    FOUNDED,
    GONE,
    MALLORY,
    OUT,
    QUARREL,
    RENAMED,
    SECOND,
    WITHOUT,
    held,
    line,
    said,
    world,
)
from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_parts import user
from tests.vectors.generator.roster_worlds import World
from tests.vectors.notation import shake
from tests.vectors.reference import LATEST
from tests.vectors.reference.broadcast import Steps


def category() -> Category:
    """The vectors of this file."""
    book = Category("broadcast")
    _written(book.group("write-broadcast", 45_001))
    base = 45_101
    _opened(book.group("open-broadcast", base))
    refused_outside(book.group("open-broadcast", 45_201), base)
    refused_inside(book.group("open-broadcast", 45_301), base)
    _heard(world(book.group("hear-broadcast", 45_501)))
    return book


# --- writing ----------------------------------------------------------------------------------------------------------


def _written(group: Group) -> None:
    def writing(control: Any, now: int = NOW, hedge: bytes = HONEST.hedge) -> dict[str, Any]:
        places = {"groupId": HONEST.group_id, "rosterHead": HONEST.head, "epochKey": HONEST.key}
        return {
            "now": now,
            "random": {"hedge": hedge},
            "input": {"secret": HONEST.sender, **places, "control": control},
        }

    cases: dict[str, tuple[Any, ...]] = {
        "a short control": (HONEST.control,),
        "an empty control": (b"",),
        "a control that fills its padded size": (stream("control", 204),),
        "a control one byte longer": (stream("control", 205),),
        "the first instant": (HONEST.control, 0),
        "the last instant": (HONEST.control, LATEST),
        "random bytes that are zero": (HONEST.control, NOW, bytes(32)),
        "2,097,152 bytes": (shake(b"as much as may be", 2_097_152),),
    }
    for comment, arguments in cases.items():
        group.valid(f"write {comment}", spec="EPO-7 EPO-8 EPO-9", flags="KnownAnswer", **writing(*arguments))
    wrong: dict[str, tuple[Any, ...]] = {
        "2,097,153 bytes": (shake(b"too much", 2_097_153),),
        "with 31 random bytes": (HONEST.control, NOW, bytes(31)),
        "with 33 random bytes": (HONEST.control, NOW, bytes(33)),
        "without random bytes": (HONEST.control, NOW, b""),
    }
    for comment, arguments in wrong.items():
        group.invalid(
            f"write {comment}",
            spec="EPO-9",
            flags="Argument",
            code="invalid-argument",
            stage="argument",
            **writing(*arguments),
        )


# --- opening ----------------------------------------------------------------------------------------------------------


def _opened(group: Group) -> None:
    for comment, data in {
        "an announcement to a group": STEPS.broadcast,
        "an empty control": broadcast_of(control=b"").broadcast,
        "a control of 1,000 bytes": broadcast_of(control=stream("a long control", 1_000)).broadcast,
        "at the first instant": broadcast_of(at=0).broadcast,
        "at the last instant": broadcast_of(at=LATEST).broadcast,
        "with a nonce of zeros": broadcast_of({"nonce": lambda *_: bytes(32)}).broadcast,
    }.items():
        group.valid(f"open {comment}", spec="EPO-7 EPO-8 EPO-9", flags="Normal", input=given(data))


# --- by who knows the group -------------------------------------------------------------------------------------------


def _heard(here: World) -> None:
    def hearing(items: list[str], data: bytes, *keys: dict[str, Any]) -> dict[str, Any]:
        return {"now": NOW, "input": {"items": items, "held": list(keys), "broadcast": data}}

    first, second = held(here, "founding", FIRST), held(here, "carl removed", SECOND)
    by_emil, by_mallory = line(here, "emil added"), line(here, "emil added", "mallory added")
    lost = line(here, "bert adds emil")
    without = held(here, "refreshed without dora", SECOND)

    def accept(comment: str, items: list[str], sent: Steps, *keys: dict[str, Any]) -> None:
        given_here = hearing(items, sent.broadcast, *keys)
        here.group.valid(f"heard {comment}", spec="EPO-3 EPO-8", flags="Normal", **given_here)

    accept("by a member", RENAMED, said(here, "carl", "renamed", FIRST), first)
    accept("at a head below", MALLORY, said(here, "carl", "founding", FIRST), first)
    accept("under a derived key", MALLORY, said(here, "carl", "mallory added", by_mallory), first)
    accept("by a newcomer", MALLORY, said(here, "emil", "emil added", by_emil), first)
    accept("by a reader", CALM, said(here, "dora", "dora a reader", by_mallory), first)
    accept("by who was in at that head", BACK, said(here, "carl", "dora a reader", by_mallory), first)
    accept("on a branch that lost", BRANCHES, said(here, "bert", "bert adds emil", lost), first)
    accept("by who was let in there", BRANCHES, said(here, "emil", "bert adds emil", lost), first)
    accept("by who is suspended", QUARREL, said(here, "dora", "renamed", FIRST), first)
    accept("by who has left", GONE, said(here, "carl", "dismissed", SECOND), without)
    accept("by who is no holder", AGAIN, said(here, "dora", "dismissed", SECOND), without)
    honest, told = said(here, "carl", "emil added", by_emil), held(here, "emil added", by_emil, giver=user("anna"))
    accept("under a key that was told", MALLORY, honest, told)

    def refuse(
        comment: str, why: tuple[str, str, str, str], items: list[str], sent: Steps, *keys: dict[str, Any]
    ) -> None:
        code, stage, spec, flags = why
        given_here = hearing(items, sent.broadcast, *keys)
        comment = f"not heard: {comment}"
        here.group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, **given_here)

    unknown = "stale-roster", "head", "EPO-8", "Waiting"
    refuse("head not known", unknown, RENAMED, said(here, "anna", "emil added", by_emil), first)
    refuse("head not known, and no key", unknown, FOUNDED, said(here, "anna", "emil added", by_emil))
    early, at_renamed = ("missing-epoch-key", "key", "EPO-3 EPO-8", "EpochKey"), said(here, "carl", "renamed", FIRST)
    refuse("no key", early, RENAMED, at_renamed)
    out = said(here, "anna", "carl removed", SECOND)
    refuse("by who was removed, at the head without them", early, OUT, out, first)
    refreshed = said(here, "anna", "refreshed without dora", SECOND)
    refuse("by who was left out of a refresh", early, WITHOUT, refreshed, first)
    refuse("by a newcomer, at the head before", early, MALLORY, at_renamed, held(here, "emil added", by_emil))
    refuse("by who was let in by a losing branch", early, BRANCHES, at_renamed, held(here, "bert adds emil", lost))
    doubt = "missing-epoch-key", "commitment", "EPO-4 EPO-8", "EpochKey"
    false = held(here, "emil added", FALSE, giver=user("anna"))
    refuse("under a key that was told, and is another", doubt, MALLORY, honest, false)
    other = "invalid-message", "commitment", "EPO-3 EPO-7", "Commitment"
    moved = said(here, "carl", "renamed", FIRST, head=here.head("emil added"))
    refuse("under the key of the head below", other, MALLORY, moved, first)
    made_up = said(here, "carl", "emil added", FALSE)
    refuse("under a false key, of which the true one is proven", other, MALLORY, made_up, first)
    old = said(here, "carl", "carl removed", by_mallory)
    refuse("at a removal, under the key of before", other, OUT, old, first, second)
    late = "not-permitted", "sender", "EPO-8", "ForeignSender"
    refuse("sent by who was removed there", late, OUT, said(here, "carl", "carl removed", SECOND), second)
    refuse("sent by who came later", late, MALLORY, said(here, "mallory", "emil added", by_emil), first)
    refuse("sent by who was let in on another branch", late, BRANCHES, said(here, "emil", "renamed", FIRST), first)
    refuse("sent by a stranger who has the key", late, RENAMED, said(here, "a stranger", "renamed", FIRST), first)
