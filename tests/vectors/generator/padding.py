"""Category ``padding``: one padded form for each text (PAD-1, PAD-2)."""

from __future__ import annotations

from tests.vectors.generator.book import Category, flipped, mutation, stream
from tests.vectors.notation import shake
from tests.vectors.reference.texts import pad, padme


def category() -> Category:
    """The vectors of this file."""
    book = Category("padding")
    group = book.group("bucket", 2001)
    for length in (0, 1, 63, 64, 65, 67, 68, 73, 128, 129, 1000, 65_537):
        group.valid(f"bucket of {length} bytes", spec="PAD-2", flags="Boundary", input={"length": length})
    for length in (2**24, 2**24 + 1024, 2**32, 2**32 + 1):
        group.valid(f"bucket of {length} bytes", spec="PAD-2", flags="Boundary", input={"length": length})

    group = book.group("pad", 2101)
    for length in (0, 1, 59, 60, 61, 64, 67, 68, 69, 123, 124, 125, 252, 253, 1000):
        given = {"text": stream("padded text", length)}
        group.valid(f"text of {length} bytes", spec="PAD-1 PAD-2", flags="Boundary", input=given)
    group.valid("text of zeros", spec="PAD-1", flags="Boundary", input={"text": bytes(20)})
    large = {"text": shake(b"padded text", 1_000_003)}
    group.valid("text of 1,000,003 bytes", spec="PAD-1 PAD-2", flags="Boundary", input=large)

    _unpad(book)
    return book


def _unpad(book: Category) -> None:
    group = book.group("unpad", 2201)
    text = stream("text to unpad", 75)  # 79 with its length, in a bucket of 80
    honest = pad(text)
    base = group.valid("text of 75 bytes in 80", spec="PAD-1 PAD-2", flags="Normal", input={"padded": honest})

    def refuse(comment: str, padded: bytes, spec: str = "PAD-1") -> None:
        change = mutation("padded", comment)
        group.invalid(
            comment,
            spec=spec,
            flags="Padding",
            code="malformed",
            stage="padding",
            base=base,
            mutation=change,
            input={"padded": padded},
        )

    size, length = len(honest), len(text) + 4

    def with_length(claimed: int, order: str = "big") -> bytes:
        raw = claimed.to_bytes(4, "big") if order == "big" else claimed.to_bytes(4, "little")
        return raw + honest[4:]

    refuse("no bytes at all", b"")
    refuse("three bytes", honest[:3])
    refuse("a length and nothing else", (4).to_bytes(4, "big"), "PAD-2")
    refuse("a length that does not count itself", with_length(len(text)))
    refuse("a length in little-endian order", with_length(length, "little"))
    refuse("length 0", with_length(0))
    refuse("length 3, less than its own four bytes", with_length(3))
    refuse("a length one longer than what is there", with_length(size + 1))
    refuse("length 2^32-1", with_length(2**32 - 1))
    refuse("a length one shorter, so that text stands in the padding", with_length(length - 1))
    refuse("the last padding byte is 1", flipped(honest, -1))
    refuse("the last padding byte has its top bit set", flipped(honest, -1, 0x80))
    refuse("padding of 0x80 and zeros", flipped(honest, length, 0x80))
    refuse("no padding", honest[:length], "PAD-2")
    refuse("one zero byte too many", honest + b"\0", "PAD-2")
    refuse("the next bucket", honest + bytes(padme(size + 1) - size), "PAD-2")
    refuse("twice the size", honest + bytes(size), "PAD-2")
    small = pad(stream("text to unpad", 10))
    refuse("below the floor of 64 bytes", small[:14], "PAD-2")
    refuse("32 bytes, a power of two below the floor", small[:32], "PAD-2")
    refuse("63 bytes", small[:63], "PAD-2")
    refuse("65 bytes", small + b"\0", "PAD-2")
    refuse("all zeros", bytes(64))
    refuse("65 zeros behind an empty text", (4).to_bytes(4, "big") + bytes(65), "PAD-2")
    big = pad(stream("text to unpad", 1100))
    refuse("a text of 1100 bytes, padded to a multiple of 16", big[:1104], "PAD-2")
    refuse("a text of 1100 bytes, padded to a power of two", big[:1104] + bytes(2048 - 1104), "PAD-2")
    refuse("a padding byte in the middle is not zero", flipped(big, 1110))
    refuse("a text of 1100 bytes in the bucket above its own", big + bytes(padme(len(big) + 1) - len(big)), "PAD-2")
    for bit in (8, 64):
        refuse(f"length with bit {bit} flipped", with_length(length ^ bit))
    refuse("length with a bit of its first byte flipped", flipped(honest, 0, 0x10))
    refuse("length in two bytes", length.to_bytes(2, "big") + honest[4:] + bytes(2))
    refuse("text behind the padding", honest[:4] + bytes(1) + text)
    refuse("the length counts the padding too", with_length(size) + bytes(padme(size + 4) - size))
    for extra in (1, 2, 4, 8):
        refuse(f"a bucket and {extra} more zero bytes", small + bytes(2 * extra), "PAD-2")
    refuse("the first padding byte is 1", flipped(honest, length))
    refuse("the padded form of a longer text, cut", pad(stream("text to unpad", 100))[:80])
