"""Streams and single chunks for the category ``attachment`` (ATT-1, ATT-9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.generator.attachment_parts import KEY, OTHER_KEY, OTHER_SALT, fixture_of, stream_of
from tests.vectors.generator.book import Category, Group, flipped, mutation, stream
from tests.vectors.generator.two_keys import colliding_block
from tests.vectors.notation import shake
from tests.vectors.reference.attachment import keys_of

INVALID: Final = "invalid-message"
CONTEXT: Final = b"siegel test vectors: a context"
TAIL: Final = stream("the last piece", 100)
BASE: Final = stream_of(3, TAIL, name="chunk", context=CONTEXT)
SALTED: Final = stream_of(3, TAIL, name="salted chunk", context=CONTEXT, salt=OTHER_SALT)
OTHER: Final = stream_of(3, TAIL, name="other chunk", key=OTHER_KEY, context=CONTEXT)
ELSEWHERE: Final = stream_of(3, TAIL, name="chunk elsewhere", context=b"another context")
ONE: Final = stream_of(1, b"", name="only chunk", context=CONTEXT)
EIGHT: Final = stream_of(8, TAIL, name="of eight", context=bytes(1000))


def given(parts: Sequence[Any], key: bytes = KEY, context: bytes = CONTEXT) -> dict[str, Any]:
    """The input of a vector of type stream."""
    return {"key": key, "context": context, "stream": list(parts)}


class Refuser:
    """Adds streams or chunks that have to be refused, each against an honest one."""

    def __init__(self, group: Group, base: int, spec: str = "ATT-1") -> None:
        self.group, self.base, self.spec = group, base, spec

    def __call__(
        self, stage: str, comment: str, data: dict[str, Any], flags: str = "Chunks", shown: dict[str, Any] | None = None
    ) -> None:
        """One of them."""
        self.group.invalid(
            comment,
            spec=self.spec,
            flags=flags,
            code=INVALID,
            stage=stage,
            base=self.base,
            mutation=mutation("bytes", comment),
            shown=shown,
            input=data,
        )


# --- streams ----------------------------------------------------------------------------------------------------------


def streams(book: Category, first: int) -> None:
    """Streams whole, and changed in every way that a server has."""
    group = book.group("stream", first, fixture_of(BASE, SALTED, OTHER, ELSEWHERE, ONE, EIGHT))
    base = group.valid("three full chunks and a short one", spec="ATT-1", flags="Normal", input=given(BASE.parts))
    for made, comment, context in (
        (stream_of(0, b"", name="", context=CONTEXT), "nothing at all: one empty chunk", CONTEXT),
        (stream_of(0, b"\0", name="", context=CONTEXT), "a single byte", CONTEXT),
        (stream_of(0, TAIL, name=""), "no context", b""),
        (ONE, "one full chunk and an empty one", CONTEXT),
        (EIGHT, "eight full chunks, and a context of 1000 bytes", bytes(1000)),
    ):
        group.valid(comment, spec="ATT-1", flags="Boundary", input=given(made.parts, context=context))
    refuse = Refuser(group, base)
    _cut(refuse)
    _continued(refuse)
    _moved(refuse)
    _exchanged(refuse)
    _damaged(refuse)
    _two_keys(refuse)


def _cut(refuse: Refuser) -> None:
    header, first, second, third, last = BASE.parts
    for count in (0, 23, 24, 55):
        refuse("commitment", f"nothing but the first {count} bytes", given([header[:count]]))
    refuse("end", "nothing but the header", given([header]))
    refuse("end", "cut after the first chunk", given([header, first]))
    refuse("end", "cut after the second chunk", given([header, first, second]))
    refuse("end", "the last chunk is missing", given([header, first, second, third]))
    refuse("end", "cut 15 bytes into the last chunk", given([header, first, second, third, last[:15]]))
    for count in (16, 50, len(last) - 1):
        refuse("chunk", f"cut {count} bytes into the last chunk", given([header, first, second, third, last[:count]]))
    beginning, _, _ = BASE.named[second]["parts"]
    half = shake(second.encode(), 8000)  # of a SHAKE256 the first bytes are those of the longer one
    refuse("chunk", "cut in the middle of the second chunk", given([header, first, beginning, half]))
    refuse("end", "the empty last chunk is missing", given(ONE.parts[:-1]))
    refuse("chunk", "the first chunk is missing", given([header, second, third, last]))
    refuse("chunk", "a chunk in the middle is missing", given([header, first, third, last]))
    refuse("chunk", "two chunks before the last are missing", given([header, first, last]))


def _continued(refuse: Refuser) -> None:
    for comment, more in {
        "a byte behind the end": [b"\0"],
        "16 bytes behind the end": [bytes(16)],
        "the last chunk twice": BASE.parts[-1:],
        "a full chunk behind the end": BASE.parts[2:3],
        "another stream behind the end": SALTED.parts,
    }.items():
        refuse("chunk", comment, given([*BASE.parts, *more]))
    refuse("chunk", "a second empty chunk", given([*ONE.parts, ONE.keys.seal(2, b"")]))
    refuse("end", "the last chunk is a full one", given(EIGHT.parts[:-1], context=bytes(1000)))


def _moved(refuse: Refuser) -> None:
    _, first, second, third, last = BASE.parts
    for comment, chunks in {
        "the first two chunks change places": [second, first, third, last],
        "the second and third chunk change places": [first, third, second, last],
        "the last chunk stands first": [last, first, second, third],
        "the first chunk stands twice": [first, first, second, third, last],
        "the third chunk stands twice": [first, second, third, third, last],
        "the second chunk in the place of the third": [first, second, second, last],
    }.items():
        refuse("chunk", comment, given(BASE.having(*chunks)))


def _exchanged(refuse: Refuser) -> None:
    for comment, other in {
        "of a stream under another salt": SALTED,
        "of another file": OTHER,
        "of a stream in another context": ELSEWHERE,
    }.items():
        for place, name in ((1, "the first chunk"), (3, "the third chunk"), (4, "the last chunk")):
            parts = [*BASE.parts[:place], other.parts[place], *BASE.parts[place + 1 :]]
            refuse("chunk", f"{name} is that {comment}", given(parts), "OtherStream")
    refuse("chunk", "the header of another salt", given(SALTED.having(*BASE.parts[1:])), "OtherStream")
    refuse("commitment", "another file", given(OTHER.parts), "OtherStream")
    salted = [OTHER_SALT, BASE.header[24:], *BASE.parts[1:]]
    refuse("commitment", "the salt of another stream", given(salted), "OtherStream")
    for comment, key, context in (
        ("another key", OTHER_KEY, CONTEXT),
        ("a key with one bit flipped", flipped(KEY, 31), CONTEXT),
        ("no context", KEY, b""),
        ("a context with a byte more", KEY, CONTEXT + b"\0"),
    ):
        refuse("commitment", f"read with {comment}", given(BASE.parts, key, context), "OtherStream")


def _damaged(refuse: Refuser) -> None:
    header, *chunks = BASE.parts
    for at in (0, 23, 24, 55):
        changed = given([flipped(header, at), *chunks])
        refuse("commitment", f"byte {at} of the header flipped", changed, "Damaged")
    for index in range(3):
        beginning, rest, tag = BASE.named[chunks[index]]["parts"]
        for comment, chunk in {
            f"first byte of chunk {index} flipped": [flipped(bytes.fromhex(beginning), 0), rest, tag],
            f"last byte of chunk {index} flipped": [beginning, rest, flipped(bytes.fromhex(tag), -1)],
        }.items():
            changed = given(BASE.having(*chunks[:index], *chunk, *chunks[index + 1 :]))
            refuse("chunk", comment, changed, "Damaged")
    for at, name in ((0, "first byte of the last chunk"), (-1, "last byte of the stream")):
        refuse("chunk", f"{name} flipped", given([header, *chunks[:-1], flipped(chunks[-1], at)]), "Damaged")


def _two_keys(refuse: Refuser) -> None:
    """One chunk that opens under two keys: only the commitment tells the readers apart (attack PR-9)."""
    salt, at = stream("salt of two keys", 24), 48
    mine, other = keys_of(KEY, salt, CONTEXT), keys_of(OTHER_KEY, salt, CONTEXT)
    probe = mine.seal(0, stream("a piece with a free block", 96))[:-16]
    block = colliding_block((mine.aead, other.aead), probe, at, b"", mine.nonce(0), other_nonce=other.nonce(0))
    ciphertext = probe[:at] + block + probe[at + 16 :]
    chunk = mine.seal(0, mine.piece_of(0, ciphertext))
    assert chunk[:-16] == ciphertext
    AESGCM(other.aead).decrypt(other.nonce(0), chunk, None)  # the tag holds under the other key too
    keys = {"chunk": chunk, "aeadKeys": [mine.aead, other.aead], "nonces": [mine.nonce(0), other.nonce(0)]}
    comment = "a chunk that opens under two keys, read with the one to which the header does not commit"
    refuse("commitment", comment, given([salt + mine.commitment, chunk], OTHER_KEY), "Commitment", keys)


# --- chunks alone -----------------------------------------------------------------------------------------------------


def chunks_alone(book: Category, number: int) -> None:
    """One chunk and the header, without the rest of the stream."""
    group = book.group("chunk", number, fixture_of(BASE))

    def alone(index: int, *chunk: Any, **changes: Any) -> dict[str, Any]:
        return {"key": KEY, "context": CONTEXT, "header": BASE.header, "index": index, "chunk": list(chunk)} | changes

    spec = "ATT-1 ATT-9"
    _, first, second, third, last = BASE.parts
    base = group.valid("chunk 0 alone", spec=spec, flags="RandomAccess", input=alone(0, first))
    for index, chunk in ((1, second), (2, third), (3, last)):
        group.valid(f"chunk {index} alone", spec=spec, flags="RandomAccess", input=alone(index, chunk))
    for index in (255, 256, 2**32, 2**34):
        chunk = BASE.keys.seal(index, stream(f"piece {index}", 40))
        group.valid(f"chunk {index} alone", spec=spec, flags="RandomAccess Boundary", input=alone(index, chunk))
    refuse = Refuser(group, base, spec)
    beginning, rest, _ = BASE.named[first]["parts"]
    for comment, index, parts in (
        ("the first chunk at the place of the second", 1, [first]),
        ("the second chunk at the place of the first", 0, [second]),
        ("the last chunk at the place of the first", 0, [last]),
        ("a chunk 2^32 places behind its own", 2**32, [first]),
        ("the first chunk without its tag", 0, [beginning, rest]),
        ("the first chunk with a byte more", 0, [first, b"\0"]),
        ("15 bytes", 0, [bytes(15)]),
        ("no bytes at all", 0, []),
        ("the last chunk with one bit flipped", 3, [flipped(last, 0)]),
    ):
        refuse("chunk", comment, alone(index, *parts), "RandomAccess Chunks")
    for comment, changes in {
        "another key": {"key": OTHER_KEY},
        "another context": {"context": b"another"},
        "a header with one bit flipped": {"header": flipped(BASE.header, -1)},
        "another salt": {"header": OTHER_SALT + BASE.header[24:]},
        "a header that is too short": {"header": BASE.header[:55]},
    }.items():
        refuse("commitment", f"the first chunk, {comment}", alone(0, first, **changes), "RandomAccess OtherStream")
