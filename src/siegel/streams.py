"""Knows encrypted streams: large payloads piece by piece, without files or sockets (spec: attachments.md, ATT-1).

Laws: one key encrypts one stream in its life; every byte that comes out of a decryptor is authentic and at its place,
and only ``finalize`` says that nothing is missing at the end.
"""

from __future__ import annotations

from typing import Final

from siegel._core.chunked import CHUNK_BYTES, HEADER_BYTES, SEALED_CHUNK_BYTES, ChunkDecryptor, ChunkEncryptor
from siegel._core.secret import KeyObject, Secret
from siegel.errors import InvalidArgument

KEY_BYTES: Final = 32


class StreamEncryptor(KeyObject):
    """Encrypts a payload piece by piece.

    ``key``: 32 fresh random bytes, for this stream alone: the key of another stream, or of another version of this
    payload, must not be used. ``context``: what the stream is for; whoever decrypts has to say the same.
    """

    __slots__ = ("_chunks",)

    def __init__(self, key: bytes, *, context: bytes) -> None:
        self._chunks = ChunkEncryptor(_secret(key), context)

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """The ciphertext that is complete after these bytes: whole chunks. StateError after ``finalize``."""
        return self._chunks.update(data)

    def update_into(self, data: bytes | bytearray | memoryview, buffer: bytearray | memoryview) -> int:
        """As ``update``, into a buffer that can hold ``room_for(len(data))`` bytes; how many bytes were written."""
        return self._chunks.update_into(data, buffer)

    def finalize(self) -> bytes:
        """The rest of the ciphertext. Without it the stream counts as cut off."""
        return self._chunks.finalize()


class StreamDecryptor(KeyObject):
    """Decrypts a stream piece by piece.

    What comes out before ``finalize`` is authentic, in order, from the beginning, and may be shown or played. It may
    not be taken for complete: only when ``finalize`` returns, nothing was cut off. After InvalidMessage nothing more is
    to be had, and what was received so far ought to be thrown away where the whole counts.
    """

    __slots__ = ("_chunks",)

    def __init__(self, key: bytes, *, context: bytes) -> None:
        self._chunks = ChunkDecryptor(_secret(key), context)

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """The plaintext of the chunks that are complete after these bytes. InvalidMessage if one is not authentic."""
        return self._chunks.update(data)

    def update_into(self, data: bytes | bytearray | memoryview, buffer: bytearray | memoryview) -> int:
        """As ``update``, into a buffer that can hold ``room_for(len(data))`` bytes; how many bytes were written."""
        return self._chunks.update_into(data, buffer)

    def finalize(self) -> bytes:
        """The rest of the plaintext. InvalidMessage if the stream was cut off."""
        return self._chunks.finalize()


def ciphertext_bytes(plaintext_bytes: int) -> int:
    """How long the stream of a payload of this length is: 56 bytes more, and 16 for each chunk."""
    return HEADER_BYTES + plaintext_bytes + (plaintext_bytes // CHUNK_BYTES + 1) * (SEALED_CHUNK_BYTES - CHUNK_BYTES)


def room_for(data_bytes: int) -> int:
    """How large a buffer for ``update_into`` has to be for so many bytes, whatever came before."""
    return HEADER_BYTES + (data_bytes // CHUNK_BYTES + 2) * SEALED_CHUNK_BYTES


def _secret(key: bytes) -> Secret:
    if type(key) is not bytes or len(key) != KEY_BYTES:
        raise InvalidArgument(f"the key of a stream is {KEY_BYTES} bytes")
    return Secret(key)
