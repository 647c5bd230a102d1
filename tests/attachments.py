"""Knows payloads, streams that were tampered with, and references that say something else."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from siegel.attachment_files import decrypt_file, encrypt_file
from siegel.attachments import AttachmentRef

CHUNK, SEALED, HEADER = 16_384, 16_400, 56


def payload_of(size: int) -> bytes:
    """So many bytes, no two places alike, none of the last ones zero."""
    return b"".join(sha256(place.to_bytes(4, "big")).digest() for place in range(size // 32 + 1))[:size]


class Places:
    """A folder with a payload of a size, and where its ciphertext and its copy go."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.source = folder, folder / "source"
        self.staging, self.copy = folder / "staging", folder / "copy"
        self.source.write_bytes(payload_of(size))

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def encrypt(self, **named: Any) -> AttachmentRef:
        return encrypt_file(self.source, self.staging, **named)

    def decrypt(self, ref: AttachmentRef, **named: Any) -> bytes:
        decrypt_file(self.staging, self.copy, ref, **named)
        return self.copy.read_bytes()


def chunks_of(stream: bytes) -> list[bytes]:
    """Header and chunks."""
    return [stream[:HEADER], *(stream[at : at + SEALED] for at in range(HEADER, len(stream), SEALED))]


def forgeries(stream: bytes, other: bytes) -> dict[str, bytes]:
    """Ways to tamper with a stream of two full chunks at the least, with the help of another one of its size."""
    c, o = chunks_of(stream), chunks_of(other)
    forged = {
        "nothing at all": [],
        "nothing but the header": c[:1],
        "cut inside the header": [c[0][:40]],
        "cut inside a chunk": [*c[:2], c[2][:100]],
        "cut at a chunk": c[:-1],
        "the last byte is missing": [*c[:-1], c[-1][:-1]],
        "a byte more": [*c, b"x"],
        "a chunk more": [*c, c[1]],
        "two chunks change places": [c[0], c[2], c[1], *c[3:]],
        "a chunk stands twice": [*c[:2], *c[1:]],
        "a chunk stands in the place of another": [*c[:2], c[1], *c[3:]],
        "a chunk of another stream": [*c[:2], o[2], *c[3:]],
        "the last chunk of another stream": [*c[:-1], o[-1]],
        "the header of another stream": [o[0], *c[1:]],
        "another stream": o,
    }
    return {name: b"".join(parts) for name, parts in forged.items()}


FORGERIES = sorted(forgeries(bytes(4 * SEALED), bytes(4 * SEALED)))


def changed(ref: AttachmentRef, **fields: Any) -> AttachmentRef:
    """A reference that says something else."""
    own = ("role", "key", "size", "digest", "media_type", "name", "thumbnail")
    return AttachmentRef.create(**{name: getattr(ref, name) for name in own} | fields)
