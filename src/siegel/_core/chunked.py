"""Knows encryption in chunks: Cobblestone-256 of C2SP chunked-encryption, sequential and one chunk at a time (ATT-1).

    salt (24) ‖ commitment (32) ‖ chunk 0 ‖ chunk 1 ‖ …    each chunk 16,384 bytes and a tag of 16; the last is shorter

Laws: sequential work is the library's; one chunk alone is opened by the published formula, after the commitment was
compared; no chunk opens at another place, in another stream, or under another context; every failure is InvalidMessage.

Source: c2sp.org/chunked-encryption@v1.
"""

from __future__ import annotations

from typing import Final

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import AlreadyFinalized, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import SECRET_BYTES, require_equal
from siegel.errors import InvalidArgument, InvalidMessage, StateError

SALT_BYTES: Final = 24
COMMITMENT_BYTES: Final = 32
HEADER_BYTES: Final = SALT_BYTES + COMMITMENT_BYTES
CHUNK_BYTES: Final = 16_384
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + 16

_INFO: Final = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
_NONCE_BYTES: Final = 12
_SHA512: Final = hashes.SHA512()


class ChunkEncryptor(KeyObject):
    """Encrypts one stream from its beginning to its end, under a salt that it draws itself."""

    __slots__ = ("_context",)

    def __init__(self, key: Secret, context: bytes) -> None:
        self._context = Cobblestone256Encryptor(_checked(key), context)

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """The ciphertext that is complete after these bytes."""
        try:
            return self._context.update(data)
        except AlreadyFinalized:
            pass
        raise StateError("the stream is finished")

    def update_into(self, data: bytes | bytearray | memoryview, buffer: bytearray | memoryview) -> int:
        """The same into a buffer that has room for it; how many bytes were written."""
        try:
            return self._context.update_into(data, buffer)
        except AlreadyFinalized:
            pass
        except ValueError as error:
            raise InvalidArgument(str(error)) from None
        raise StateError("the stream is finished")

    def finalize(self) -> bytes:
        """The last chunk."""
        try:
            return self._context.finalize()
        except AlreadyFinalized:
            pass
        raise StateError("the stream is finished")


class ChunkDecryptor(KeyObject):
    """Decrypts one stream from its beginning to its end. After a failure it is finished."""

    __slots__ = ("_context",)

    def __init__(self, key: Secret, context: bytes) -> None:
        self._context = Cobblestone256Decryptor(_checked(key), context)

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """The plaintext of the chunks that are complete after these bytes, all of them verified."""
        try:
            return self._context.update(data)
        except AlreadyFinalized:
            failure: Exception = StateError("the stream is finished")
        except InvalidTag:
            failure = InvalidMessage()
        raise failure

    def update_into(self, data: bytes | bytearray | memoryview, buffer: bytearray | memoryview) -> int:
        """The same into a buffer that has room for it; how many bytes were written."""
        try:
            return self._context.update_into(data, buffer)
        except AlreadyFinalized:
            failure: Exception = StateError("the stream is finished")
        except InvalidTag:
            failure = InvalidMessage()
        except ValueError as error:
            failure = InvalidArgument(str(error))
        raise failure

    def finalize(self) -> bytes:
        """The plaintext of the last chunk; the stream is whole."""
        try:
            return self._context.finalize()
        except AlreadyFinalized:
            failure: Exception = StateError("the stream is finished")
        except InvalidTag:
            failure = InvalidMessage()
        raise failure


class ChunkOpener(KeyObject):
    """Opens single chunks of one stream."""

    __slots__ = ("_aead", "_base")

    def __init__(self, key: Secret, context: bytes, header: bytes) -> None:
        """``header``: the first 56 bytes. InvalidMessage unless the key and context are those of this stream."""
        if len(header) != HEADER_BYTES:
            raise InvalidMessage
        info = _INFO + header[:SALT_BYTES] + context
        kdf = HKDFExpand(_SHA512, SECRET_BYTES + _NONCE_BYTES + COMMITMENT_BYTES, info)
        output = Secret(kdf.derive(_checked(key)))  # a crash report of the next line would show its bytes (EN-6)
        require_equal(output.reveal()[SECRET_BYTES + _NONCE_BYTES :], header[SALT_BYTES:])
        self._aead = AESGCM(output.reveal()[:SECRET_BYTES])
        self._base = int.from_bytes(output.reveal()[SECRET_BYTES : SECRET_BYTES + _NONCE_BYTES], "big")

    def open(self, index: int, chunk: bytes | memoryview) -> bytes:
        """The plaintext of the chunk at this place; InvalidMessage for any other bytes."""
        nonce = (self._base ^ index).to_bytes(_NONCE_BYTES, "big")
        try:
            return self._aead.decrypt(nonce, chunk, None)
        except (InvalidTag, ValueError):
            pass
        raise InvalidMessage


def _checked(key: Secret) -> bytes:
    if len(key.reveal()) != SECRET_BYTES:
        raise InvalidArgument(f"the key of a stream has {SECRET_BYTES} bytes")
    return key.reveal()
