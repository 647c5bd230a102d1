"""Payloads for the category ``attachment``, opened by their reference whole and in parts (ATT-2, ATT-8, ATT-9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from tests.vectors.generator.attachment_parts import OTHER_KEY, OTHER_SALT, attached, fixture_of
from tests.vectors.generator.book import Category, Group, mutation
from tests.vectors.reference.attachment import Reference
from tests.vectors.reference.labels import sha256

SIZE: Final = 2 * 16_384  # two full chunks, an empty one, and no padding
LONG, STREAM = attached(SIZE)
OTHER_LONG, OTHER_STREAM = attached(SIZE, key=OTHER_KEY, name="other chunk")
PADDED: Final = 16_384 + 1000  # a full chunk, and 24 zeros behind the payload
HONEST, SHORT = attached(PADDED, name="padded chunk")
SMALL, TINY = attached(100)
LABEL: Final = b"siegel/1 attachment\0\x80"


class Refuser:
    """Adds payloads that have to be refused, each against an honest one."""

    def __init__(self, group: Group, base: int, flags: str = "") -> None:
        self.group, self.base, self.flags = group, base, flags

    def __call__(self, stage: str, comment: str, given: dict[str, Any], flags: str, spec: str) -> None:
        """One of them."""
        self.group.invalid(
            comment,
            spec=spec,
            flags=f"{self.flags} {flags}",
            code="invalid-message",
            stage=stage,
            base=self.base,
            mutation=mutation("bytes", comment),
            input=given,
        )


# --- whole ------------------------------------------------------------------------------------------------------------


def whole(reference: Reference, stream: Iterable[Any]) -> dict[str, Any]:
    """The input of a vector of type attachment."""
    return {"reference": reference.encode(), "stream": list(stream)}


def payloads(book: Category, number: int) -> None:
    """Whole payloads."""
    group = book.group("attachment", number, fixture_of(STREAM, OTHER_STREAM, SHORT))
    spec = "ATT-1 ATT-2 ATT-3 ATT-8"
    base = group.valid("two chunks, padded", spec=spec, flags="Normal", input=whole(HONEST, SHORT.parts))
    given = whole(LONG, STREAM.parts)
    group.valid("two full chunks and an empty one", spec=spec, flags="Boundary", input=given)
    for size in (0, 1, 63, 64, 65, 100):
        reference, stream = attached(size)
        given = whole(reference, stream.parts)
        group.valid(f"a payload of {size} bytes", spec=spec, flags="Boundary", input=given)
    for role, name in ((1, "thumbnail"), (2, "preview")):
        reference, stream = attached(100, role=role)
        group.valid(f"role {name}", spec=spec, flags="Normal", input=whole(reference, stream.parts))
    refuse = Refuser(group, base)
    _sizes(refuse)
    _chunks(refuse)
    _contexts(refuse)
    _digests(refuse)
    for comment, size, padding in (
        ("the last padding byte is 1", 100, b"\0\0\0\1"),
        ("the first padding byte is 1", 100, b"\1\0\0\0"),
        ("padding of 0x80 and zeros", 100, b"\x80\0\0\0"),
        ("one padding byte, and it is not zero", 103, b"\1"),
        ("no payload, and a text in the padding", 0, b"hidden".ljust(64, b"\0")),
        ("the last padding byte behind a full chunk is 1", PADDED, bytes(23) + b"\1"),
    ):
        reference, stream = attached(size, padding=padding, name="padded badly")
        parts = [stream.named.get(part, part) for part in stream.parts]
        refuse("padding", comment, whole(reference, parts), "Padding", "ATT-2 ATT-8")


def _sizes(refuse: Refuser) -> None:
    spec = "ATT-1 ATT-8"
    parts = TINY.parts
    refuse("size", "a byte more", whole(SMALL, [*parts, b"\0"]), "Chunks", spec)
    refuse("size", "a byte less", whole(SMALL, [parts[0], parts[1][:-1]]), "Chunks", spec)
    refuse("size", "the last chunk twice", whole(SMALL, [*parts, parts[1]]), "Chunks", spec)
    refuse("size", "nothing but the header", whole(SMALL, parts[:1]), "Chunks", spec)
    refuse("size", "no bytes at all", whole(SMALL, []), "Chunks", spec)
    refuse("size", "the last chunk is missing", whole(LONG, STREAM.parts[:-1]), "Chunks", spec)
    refuse("size", "the first chunk twice", whole(LONG, [*STREAM.parts[:2], *STREAM.parts[1:]]), "Chunks", spec)
    _, longer = attached(108)
    refuse("size", "a longer payload under the same key", whole(SMALL, longer.parts), "OtherStream", spec)


def _chunks(refuse: Refuser) -> None:
    spec = "ATT-1 ATT-8"
    _, first, second, last = STREAM.parts
    for comment, chunks, flags in (
        ("two chunks change places", [second, first, last], "Chunks"),
        ("the first chunk in the place of the second", [first, first, last], "Chunks"),
        ("a chunk of another payload of the same sender", [first, OTHER_STREAM.parts[2], last], "OtherStream"),
        ("the last chunk of another payload of the same sender", [first, second, OTHER_STREAM.parts[3]], "OtherStream"),
    ):
        refuse("chunk", comment, whole(LONG, STREAM.having(*chunks)), flags, spec)


def _contexts(refuse: Refuser) -> None:
    refuse("commitment", "another payload of the same sender", whole(LONG, OTHER_STREAM.parts), "OtherStream", "ATT-8")
    wrong_key = replace(SMALL, key=OTHER_KEY)
    refuse("commitment", "a reference with another key", whole(wrong_key, TINY.parts), "OtherStream", "ATT-8")
    for role, name in ((1, "thumbnail"), (2, "preview")):
        given = whole(replace(SMALL, role=role), TINY.parts)
        refuse("commitment", f"a stream of role main, as {name}", given, "OtherStream", "ATT-3 ATT-8")
    larger = replace(SMALL, size=108).context
    for comment, context in (("another padded size", larger), ("nothing", b""), ("a label and no items", LABEL)):
        reference, stream = attached(100, context=context)
        refuse("commitment", f"a context of {comment}", whole(reference, stream.parts), "OtherStream", "ATT-3 ATT-8")


def _digests(refuse: Refuser) -> None:
    _, again = attached(100, salt=OTHER_SALT)
    refuse("digest", "the same payload under another salt", whole(SMALL, again.parts), "OtherStream", "ATT-8")
    for comment, digest in {
        "a digest of zeros": bytes(32),
        "the digest of the payload": sha256(TINY.text[:100]),
        "the digest of the stream without its header": sha256(TINY.data[56:]),
    }.items():
        refuse("digest", comment, whole(replace(SMALL, digest=digest), TINY.parts), "OtherStream", "ATT-4 ATT-8")


# --- parts ------------------------------------------------------------------------------------------------------------


def parts(book: Category, number: int) -> None:
    """Parts of payloads."""
    group = book.group("attachment-part", number, fixture_of(STREAM, OTHER_STREAM, SHORT))
    flags, spec = "RandomAccess", "ATT-1 ATT-9"

    def part(
        first: int, count: int, reference: Reference = LONG, stream: Iterable[Any] = STREAM.parts
    ) -> dict[str, Any]:
        return whole(reference, stream) | {"first": first, "count": count}

    base = group.valid("a part in the second chunk", spec=spec, flags=flags, input=part(20_000, 100))
    for first, count in ((0, 1), (0, SIZE), (16_383, 2), (16_384, 16_384), (1, SIZE - 1), (SIZE - 1, 100), (SIZE, 1)):
        given = part(first, count)
        group.valid(f"from byte {first}, bytes: {count}", spec=spec, flags=f"{flags} Boundary", input=given)
    for first, count in ((PADDED - 1, 100), (16_384, 1000), (PADDED, 24), (100, 0)):
        given = part(first, count, HONEST, SHORT.parts)
        comment = f"of a padded payload, from byte {first}, bytes: {count}"
        group.valid(comment, spec=spec, flags=f"{flags} Boundary", input=given)
    _, first, second, last = STREAM.parts
    twice = STREAM.having(first, first, last)
    comment = "the first chunk, where the second is not authentic"
    group.valid(comment, spec=spec, flags=flags, input=part(0, 10, stream=twice))

    refuse = Refuser(group, base, flags)
    refuse("chunk", "a chunk that is not authentic", part(16_384, 10, stream=twice), "Chunks", spec)
    moved = STREAM.having(second, first, last)
    refuse("chunk", "a chunk that has changed places", part(0, 10, stream=moved), "Chunks", spec)
    exchanged = STREAM.having(first, OTHER_STREAM.parts[2], last)
    refuse("chunk", "a chunk of another payload", part(16_384, 10, stream=exchanged), "OtherStream", spec)
    ended = STREAM.having(first, second, bytes(16))
    refuse("chunk", "the first chunk, where the last is not authentic", part(0, 10, stream=ended), "Chunks", spec)
    cut = STREAM.parts[:-1]
    refuse("size", "the first chunk of a stream that was cut", part(0, 10, stream=cut), "Chunks", spec)
    longer = [*STREAM.parts, b"\0"]
    refuse("size", "the first chunk of a stream with a byte more", part(0, 10, stream=longer), "Chunks", spec)
    refuse("commitment", "a part of another payload", part(0, 10, stream=OTHER_STREAM.parts), "OtherStream", spec)
    for comment, reference, rules in (
        ("another role", replace(LONG, role=2), "ATT-3 ATT-9"),
        ("another key", replace(LONG, key=OTHER_KEY), spec),
    ):
        refuse("commitment", f"a part, by a reference of {comment}", part(0, 10, reference), "OtherStream", rules)
    for comment, padding in (("the last", b"\0\0\0\1"), ("the first", b"\1\0\0\0")):
        reference, stream = attached(100, padding=padding)
        given = part(0, 10, reference, stream.parts)
        refuse("padding", f"a part beside padding of which {comment} is 1", given, "Padding", "ATT-2 ATT-9")
