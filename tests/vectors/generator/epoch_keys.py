"""Category ``epoch-key``: which key belongs to a head, who may have it, which is believed (EPO-1 … EPO-6)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category
from tests.vectors.generator.epoch_given import given_keys
from tests.vectors.generator.epoch_parts import (
    ADOPTED,
    AGAIN,
    BACK,
    BRANCHES,
    CALM,
    FALSE,
    FIRST,
    FOUNDED,
    GONE,
    LOST,
    MALLORY,
    OUT,
    QUARREL,
    RENAMED,
    SECOND,
    STRICT,
    WITHOUT,
    held,
    line,
    world,
)
from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_parts import user
from tests.vectors.generator.roster_worlds import World
from tests.vectors.reference import DAY, LATEST

FRESH = {"founding", "carl removed", "bert removes dora", "refreshed without dora", "number 0 refused"}


def category() -> Category:
    """The vectors of this file."""
    book = Category("epoch-key")
    _at_heads(world(book.group("epoch-key", 35_001)))
    _used(world(book.group("use-key", 35_201)))
    given_keys(book)
    return book


# --- which key belongs to a head --------------------------------------------------------------------------------------


def _at_heads(here: World) -> None:
    first, second = held(here, "founding", FIRST), held(here, "carl removed", SECOND)
    by_emil = held(here, "emil added", line(here, "emil added"))

    def asked(items: list[str], on: str, *keys: dict[str, Any]) -> dict[str, Any]:
        return {"items": items, "held": list(keys), "head": here.head(on)}

    for comment, spec, given in (
        ("a fresh key", "EPO-1 EPO-3", asked(FOUNDED, "founding", first)),
        ("kept by a rename", "EPO-3", asked(RENAMED, "renamed", first)),
        ("of a head below", "EPO-3", asked(MALLORY, "renamed", first)),
        ("derived by an admission", "EPO-2 EPO-3", asked(MALLORY, "emil added", first)),
        ("derived twice", "EPO-2 EPO-3", asked(MALLORY, "mallory added", first)),
        ("derived twice and kept", "EPO-2 EPO-3", asked(CALM, "dora a reader", first)),
        ("from the key of an admission", "EPO-2 EPO-3", asked(CALM, "dora a reader", by_emil)),
        ("the key of an admission is not derived again", "EPO-3", asked(CALM, "emil added", first, by_emil)),
        ("fresh with a removal", "EPO-1 EPO-3", asked(BACK, "carl removed", first, second)),
        ("derived from the second fresh key", "EPO-2 EPO-3", asked(BACK, "carl back", second)),
        ("the first key at an old head", "EPO-2 EPO-3", asked(BACK, "mallory added", first, second)),
        ("on a branch that lost", "EPO-2 EPO-3", asked(BRANCHES, "bert adds emil", first)),
        ("of an adoption that admits", "EPO-2 EPO-3", asked(ADOPTED, "adopted", first)),
        (
            "fresh with a stricter policy",
            "EPO-1 EPO-3",
            asked(STRICT, "number 0 refused", held(here, "number 0 refused", SECOND)),
        ),
    ):
        here.group.valid(f"the key of a head: {comment}", spec=spec, flags="EpochKey KnownAnswer", input=given)
    on_branch = held(here, "bert adds emil", line(here, "bert adds emil"))
    back = held(here, "carl back", line(here, "carl back", key=SECOND))
    back = held(here, "carl back", line(here, "carl back", key=SECOND))
    by_mallory = held(here, "mallory added", line(here, "emil added", "mallory added"))
    on_branch = held(here, "bert adds emil", line(here, "bert adds emil"))
    without, lost = held(here, "refreshed without dora", SECOND), held(here, "bert removes dora", LOST)
    strict = held(here, "number 0 refused", SECOND)
    for comment, items, keys, names in (
        ("nothing is held", FOUNDED, (), ("founding",)),
        ("of who came with Emil", CALM, (by_emil,), ("founding", "renamed")),
        ("of who came with Mallory", CALM, (by_mallory,), ("founding", "renamed", "emil added")),
        ("of who was removed", BACK, (first, by_emil), ("carl removed", "carl back")),
        ("of who came with Mallory and missed a removal", OUT, (by_mallory,), ("founding", "carl removed")),
        ("of who came back", BACK, (back,), ("founding", "emil added", "dora a reader", "carl removed")),
        ("of who has the second fresh key", BACK, (second,), ("renamed", "emil added", "mallory added")),
        ("of who was let in by a branch that lost", ADOPTED, (on_branch,), ("founding", "renamed", "adopted")),
        ("of who has the key of a losing removal", QUARREL, (lost,), ("founding", "renamed")),
        ("of who missed a losing removal", QUARREL, (first,), ("bert removes dora",)),
        ("of who missed a refresh", AGAIN, (first,), ("refreshed without dora", "dismissed")),
        ("of who has the refreshed key", WITHOUT, (without,), ("founding", "renamed")),
        ("of who missed a stricter policy", STRICT, (first,), ("number 0 refused",)),
        ("of who has the key of a stricter policy", STRICT, (strict,), ("renamed",)),
    ):
        for name in names:
            here.group.invalid(
                f"no key {comment}, at the head: {name}",
                spec="EPO-1 EPO-3" if name in FRESH else "EPO-2 EPO-3",
                flags="EpochKey",
                code="missing-epoch-key",
                stage="key",
                input=asked(items, name, *keys),
            )


# --- how it may be used -----------------------------------------------------------------------------------------------


def _used(here: World) -> None:
    def show(
        comment: str, spec: str, items: list[str], *keys: dict[str, Any], on: str | None = None, now: int = NOW
    ) -> None:
        given = {"items": items, "held": list(keys), "head": here.head(on or items[-1])}
        here.group.valid(comment, spec=spec, flags="EpochKey", now=now, input=given)

    first = held(here, "founding", FIRST)
    show("all take part", "EPO-4 EPO-5", RENAMED, first)
    show("a newcomer is a holder", "EPO-4 EPO-5", MALLORY, first)
    show("no key is held", "EPO-5", RENAMED)
    show("a holder is suspended", "EPO-4 EPO-5", QUARREL, first, on="renamed")
    second = held(here, "refreshed without dora", SECOND)
    show("the key is withheld from who is suspended", "EPO-4 EPO-5", WITHOUT, second)
    show("who takes part again is no holder", "EPO-4 EPO-5", AGAIN, second)
    show("a holder has left", "EPO-4 EPO-5", GONE, second, on="dismissed")
    show("a head below at which a holder is suspended", "EPO-5", WITHOUT, first, on="renamed")
    for comment, now in (
        ("a millisecond before its age is 14 days", NOW + 14 * DAY - 1),
        ("its age is 14 days", NOW + 14 * DAY),
        ("the clock stands before the key", NOW - DAY),
        ("the clock stands far ahead", LATEST),
    ):
        show(f"a fresh key: {comment}", "EPO-5", FOUNDED, first, now=now)
    late = held(here, "founding", FIRST, NOW + DAY)
    show("the author's instant is earlier than that of receipt", "EPO-5", FOUNDED, late, now=NOW + 14 * DAY)
    early = held(here, "founding", FIRST, NOW - DAY)
    show("the instant of receipt is earlier than the author's", "EPO-5", FOUNDED, early, now=NOW + 13 * DAY)
    show("an admission does not make a key younger", "EPO-5", MALLORY, first, now=NOW + 14 * DAY)
    told = held(here, "emil added", FALSE, NOW, giver=user("anna"))
    show("a key that was told is used like a proven one", "EPO-5", MALLORY, told, on="emil added")
