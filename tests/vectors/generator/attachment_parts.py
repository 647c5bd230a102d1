"""Streams and references of the vectors: a full chunk is SHAKE256 of a name, described once, in the fixture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.vectors.generator.book import stream
from tests.vectors.notation import expand, joined, shake, to_json
from tests.vectors.reference.attachment import PIECE, Keys, Reference, keys_of
from tests.vectors.reference.labels import sha256

KEY: Final = stream("attachment key", 32)
OTHER_KEY: Final = stream("another attachment key", 32)
SALT: Final = stream("attachment salt", 24)
OTHER_SALT: Final = stream("another attachment salt", 24)
BEGINNING: Final = 32  # bytes of a full chunk that are written out, so that one of them can be changed


@dataclass(frozen=True)
class Stream:
    """A stream as its parts, header first: bytes, or the name of one in the fixture."""

    keys: Keys
    parts: tuple[Any, ...]
    text: bytes
    named: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def header(self) -> bytes:
        """Salt and commitment."""
        header: bytes = self.parts[0]
        return header

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(map(self.bytes_of, self.parts))

    def bytes_of(self, part: Any) -> bytes:
        """A part."""
        return expand(to_json(self.named.get(part, part)))

    def having(self, *parts: Any) -> list[Any]:
        """The header, and other chunks behind it."""
        return [self.header, *parts]


def fixture_of(*streams: Stream) -> dict[str, Any]:
    """What the names in these streams stand for."""
    return {"parts": {name: part for made in streams for name, part in made.named.items()}}


def long_chunk(keys: Keys, index: int, name: str) -> tuple[bytes, Any]:
    """A piece of 16,384 bytes, and its chunk: a beginning, SHAKE256 of the name, and a tag."""
    rest = shake(name.encode(), PIECE - BEGINNING)
    ciphertext = stream(name, BEGINNING) + expand(rest)
    piece = keys.piece_of(index, ciphertext)
    chunk = keys.seal(index, piece)
    assert chunk[:-16] == ciphertext
    return piece, joined(ciphertext[:BEGINNING], rest, chunk[-16:])


def stream_of(
    full: int, tail: bytes, *, name: str, key: bytes = KEY, context: bytes = b"", salt: bytes = SALT
) -> Stream:
    """A stream of so many full chunks, which bear this name, and then of these bytes."""
    keys = keys_of(key, salt, context)
    long = {f"{name} {index}": long_chunk(keys, index, f"{name} {index}") for index in range(full)}
    pieces = [tail[at : at + PIECE] for at in range(0, len(tail) + 1, PIECE)]
    rest = [keys.seal(full + index, piece) for index, piece in enumerate(pieces)]
    text = b"".join(piece for piece, _ in long.values()) + tail
    named = {name: chunk for name, (_, chunk) in long.items()}
    return Stream(keys, (salt + keys.commitment, *long, *rest), text, named)


def attached(
    size: int,
    *,
    name: str = "chunk",
    role: int = 0,
    key: bytes = KEY,
    salt: bytes = SALT,
    padding: bytes | None = None,
    context: bytes | None = None,
    **described: Any,
) -> tuple[Reference, Stream]:
    """A payload of this size: its reference and its stream.

    ``padding`` stands behind the payload in the place of zeros, ``context`` in the place of the right one.
    """
    draft = Reference(role, key, size, 0, b"", **described)
    full = size // PIECE
    tail = stream(f"the end of {name}", size - full * PIECE)
    tail += bytes(draft.padded - size) if padding is None else padding
    used = draft.context if context is None else context
    made = stream_of(full, tail, name=name, key=key, context=used, salt=salt)
    return replace(draft, stream_size=len(made.data), digest=sha256(made.data)), made


HONEST: Final = replace(
    attached(100)[0], media_type="image/jpeg", name="X-ray, left knee – Zoë.jpg", thumbnail=stream("thumbnail", 40)
)
