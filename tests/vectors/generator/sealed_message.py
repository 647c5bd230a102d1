"""Category ``sealed-message``, put together."""

from __future__ import annotations

from tests.vectors.generator.book import Category
from tests.vectors.generator.messages import PEOPLE, Refuser, reading, sealing
from tests.vectors.generator.people import BOB
from tests.vectors.generator.sealed_audience import refused_for_audience
from tests.vectors.generator.sealed_authors import refused_for_author
from tests.vectors.generator.sealed_inside import refused_inside
from tests.vectors.generator.sealed_outside import refused_outside
from tests.vectors.generator.sealed_valid import openings, outsides, seals
from tests.vectors.notation import shake
from tests.vectors.reference.sealed import MAX_BODY


def category() -> Category:
    """The vectors of this file."""
    book = Category("sealed-message")
    seals(book)
    _, bases = openings(book)
    outsides(book, bases)
    refused_outside(Refuser(book.group("open", 22001, PEOPLE), bases.opened), bases)
    refused_for_audience(Refuser(book.group("open", 22501, PEOPLE), bases.opened), bases)
    refused_inside(Refuser(book.group("open", 23001, PEOPLE), bases.opened), bases)
    refused_for_author(Refuser(book.group("open", 23501, PEOPLE), bases.opened), bases)
    _too_large(book)
    return book


def _too_large(book: Category) -> None:
    """A sender who does not keep the limit; the envelope would be too long to be written out."""
    group = book.group("seal-open", 24001, PEOPLE)
    for name, length in (("the most there can be", MAX_BODY), ("one byte above the limit", MAX_BODY + 1)):
        given = sealing(f"large {length}", [BOB], body=shake(b"16 MiB", length))
        reader = {key: value for key, value in reading(b"").items() if key != "data"}
        given["input"] |= reader
        spec, comment = "SEAL-18", f"a body of {length} bytes, {name}"
        if length == MAX_BODY:
            group.valid(comment, spec=spec, flags="Limit", **given)
        else:
            group.invalid(
                comment, spec=spec, flags="Limit", code="invalid-message", stage="content", base=group.first, **given
            )
