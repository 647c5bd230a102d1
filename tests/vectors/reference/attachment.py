"""Attachments by hand: streams from an explicit salt, and references (spec ATT-1 … ATT-9).

AES is that of the package ``cryptography``, HKDF with SHA-512 is written out. A text can be chosen by its ciphertext:
so a long stream is described by a few bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import Refused, cbor, require, texts
from tests.vectors.reference.labels import labelled

KIND: Final = 13
HEADER: Final = 56
PIECE: Final = 16_384
CHUNK: Final = PIECE + 16
MOST: Final = 2**48
LARGEST: Final = {"name": 255, "media_type": 127, "thumbnail": 8192}
ROLES: Final = ["main", "thumbnail", "preview"]
SEPARATORS: Final = "/\\:"
BIDI_CONTROL: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LINE_BREAKS: Final = "\u2028\u2029"
CONTROLS: Final = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
DEVICES: Final = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}
_TYPE_NAME: Final = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"


# --- streams ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """What follows from key, salt and context (ATT-1)."""

    aead: bytes
    base: bytes
    commitment: bytes

    def nonce(self, index: int) -> bytes:
        """The nonce of a chunk."""
        return (int.from_bytes(self.base, "big") ^ index).to_bytes(12, "big")

    def seal(self, index: int, piece: bytes) -> bytes:
        """The chunk of a piece."""
        return AESGCM(self.aead).encrypt(self.nonce(index), piece, None)

    def open(self, index: int, chunk: bytes) -> bytes:
        """The piece in a chunk. Refused at stage chunk."""
        try:
            return AESGCM(self.aead).decrypt(self.nonce(index), chunk, None)
        except (InvalidTag, ValueError):
            raise Refused("chunk", "invalid-message") from None

    def piece_of(self, index: int, ciphertext: bytes) -> bytes:
        """The piece whose chunk begins with this ciphertext: the first block of the key stream is the tag's."""
        mode = modes.CTR(self.nonce(index) + (2).to_bytes(4, "big"))
        return Cipher(algorithms.AES(self.aead), mode).decryptor().update(ciphertext)


def hkdf_expand_sha512(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512 (RFC 5869 §2.3)."""
    output = block = b""
    for counter in range(1, 256):
        if len(output) >= length:
            break
        block = hmac.new(secret, block + info + bytes([counter]), hashlib.sha512).digest()
        output += block
    return output[:length]


def keys_of(key: bytes, salt: bytes, context: bytes) -> Keys:
    """AEAD key, base nonce and commitment."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    output = hkdf_expand_sha512(key, info, 76)
    return Keys(output[:32], output[32:44], output[44:])


def encrypt(key: bytes, context: bytes, salt: bytes, text: bytes) -> bytes:
    """The stream of a text."""
    keys = keys_of(key, salt, context)
    pieces = [text[at : at + PIECE] for at in range(0, len(text) + 1, PIECE)]
    return salt + keys.commitment + b"".join(keys.seal(index, piece) for index, piece in enumerate(pieces))


def begin(key: bytes, context: bytes, header: bytes) -> Keys:
    """The keys of a stream that begins so. Refused at stage commitment."""
    keys = keys_of(key, header[:24], context)
    require(len(header) == HEADER and header[24:] == keys.commitment, "commitment", "invalid-message")
    return keys


def decrypt(key: bytes, context: bytes, stream: bytes, released: list[bytes]) -> bytes:
    """The text of a stream. ``released`` takes the pieces one by one, those before a refusal too."""
    keys = begin(key, context, stream[:HEADER])
    at, index = HEADER, 0
    while len(stream) - at >= CHUNK:
        released.append(keys.open(index, stream[at : at + CHUNK]))
        at, index = at + CHUNK, index + 1
    require(len(stream) - at >= 16, "end", "invalid-message")
    released.append(keys.open(index, stream[at:]))
    return b"".join(released)


def stream_size(text_size: int) -> int:
    """The length of the stream of a text."""
    return HEADER + text_size + 16 * (text_size // PIECE + 1)


# --- references -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """The fields of a reference (ATT-4), unchecked."""

    role: int
    key: bytes
    size: int
    stream_size: int
    digest: bytes
    media_type: str | None = None
    name: str | None = None
    thumbnail: bytes | None = None

    @property
    def padded(self) -> int:
        """The length of the text (ATT-2)."""
        return texts.padme(max(self.size, 64))

    @property
    def context(self) -> bytes:
        """The context of the stream (ATT-3)."""
        return labelled("attachment", cbor.uint(self.role), cbor.uint(self.padded))

    def items(self) -> list[bytes]:
        """The encoded items behind type and version."""
        optional = [cbor.NULL if text is None else cbor.text(text) for text in (self.media_type, self.name)]
        thumbnail = cbor.NULL if self.thumbnail is None else cbor.octets(self.thumbnail)
        sizes = [cbor.uint(self.size), cbor.uint(self.stream_size)]
        return [cbor.uint(self.role), cbor.octets(self.key), *sizes, cbor.octets(self.digest), *optional, thumbnail]

    def encode(self, kind: int = KIND, version: int = 1) -> bytes:
        """The bytes of the reference."""
        return cbor.array(cbor.uint(kind), cbor.uint(version), *self.items())


def made(role: int, key: bytes, salt: bytes, payload: bytes, **described: Any) -> tuple[Reference, bytes]:
    """A reference, and the stream to which it points."""
    draft = Reference(role, key, len(payload), 0, b"", **described)
    stream = encrypt(key, draft.context, salt, payload.ljust(draft.padded, b"\0"))
    return replace(draft, stream_size=len(stream), digest=hashlib.sha256(stream).digest()), stream


def read(data: bytes) -> Reference:
    """The reference that the bytes hold, checked stage by stage (ATT-4)."""
    require(len(data) <= 9216, "size", "limit-exceeded")
    _, items = cbor.top_level(data, {KIND: 10})
    role, key, size, stream, digest, media_type, name, thumbnail = items
    require(cbor.is_uint(role, 2) and cbor.is_octets(key, 32) and cbor.is_octets(digest, 32), "shape")
    require(cbor.is_uint(size) and cbor.is_uint(stream), "shape")
    require(all(text is None or type(text) is str for text in (media_type, name)), "shape")
    require(thumbnail is None or cbor.is_octets(thumbnail), "shape")
    reference = Reference(*items)
    check_limits(reference)
    require(stream == stream_size(reference.padded), "sizes")
    check_description(reference)
    return reference


def check_limits(reference: Reference) -> None:
    """Refused at stage limit."""
    require(reference.size <= MOST, "limit", "limit-exceeded")
    for field, most in LARGEST.items():
        value = getattr(reference, field)
        length = 0 if value is None else len(value.encode() if type(value) is str else value)
        require(length <= most, "limit", "limit-exceeded")


def check_description(reference: Reference) -> None:
    """Refused at stage description (ATT-5 … ATT-7)."""
    stage = "description"
    require(reference.thumbnail != b"", stage)
    if reference.media_type is not None:
        require(re.fullmatch(f"{_TYPE_NAME}/{_TYPE_NAME}", reference.media_type) is not None, stage)
    if reference.name is not None:
        require(is_name(reference.name), stage)


def is_name(name: str) -> bool:
    """Whether an attachment can have this name (ATT-5)."""
    if not name or name.endswith((".", " ")):
        return False
    if any(character in SEPARATORS + BIDI_CONTROL + LINE_BREAKS + CONTROLS for character in name):
        return False
    device = name.partition(".")[0].rstrip(" ")
    lowered = "".join(character.lower() if character.isascii() else character for character in device)
    return lowered not in DEVICES


# --- opening ----------------------------------------------------------------------------------------------------------


def open_whole(reference: Reference, stream: bytes) -> bytes:
    """The payload (ATT-8)."""
    require(len(stream) == reference.stream_size, "size", "invalid-message")
    text = decrypt(reference.key, reference.context, stream, [])
    require(hashlib.sha256(stream).digest() == reference.digest, "digest", "invalid-message")
    require(not any(text[reference.size :]), "padding", "invalid-message")
    return text[: reference.size]


def open_part(reference: Reference, stream: bytes, first: int, count: int) -> bytes:
    """The bytes of the payload from ``first`` on, at most ``count`` (ATT-9)."""
    require(len(stream) == reference.stream_size, "size", "invalid-message")
    keys = begin(reference.key, reference.context, stream[:HEADER])
    last = reference.padded // PIECE
    end = min(first + count, reference.size)
    wanted = range(first // PIECE, (end - 1) // PIECE + 1) if end > first else range(0)
    opened = {index: keys.open(index, chunk_of(stream, index)) for index in (last, *wanted)}
    for index, piece in opened.items():
        require(not any(piece[max(reference.size - index * PIECE, 0) :]), "padding", "invalid-message")
    part = b"".join(opened[index] for index in wanted)
    return part[first - wanted.start * PIECE :][: end - first] if wanted else b""


def chunk_of(stream: bytes, index: int) -> bytes:
    """The chunk at a place."""
    at = HEADER + index * CHUNK
    return stream[at : at + CHUNK]
