"""Streams and references of an attacker: chunks sealed one by one under a known key, items written one by one."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.attacks.attacker import cbor, labelled, padme, remember_secret, sha256

CHUNK, SEALED, HEADER = 16_384, 16_400, 56
MAIN, THUMBNAIL, PREVIEW = range(3)


class Stream:
    """A stream under construction: ``header`` and ``chunks`` are taken from it and put together anew."""

    def __init__(self, key: bytes, context: bytes, salt: bytes) -> None:
        info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
        output = HKDFExpand(hashes.SHA512(), 76, info).derive(remember_secret(key))
        self.aead_key, self.base, self.header = output[:32], output[32:44], salt + output[44:]
        self.chunks: list[bytes] = []

    def nonce(self, index: int) -> bytes:
        return (int.from_bytes(self.base, "big") ^ index).to_bytes(12, "big")

    def seal(self, index: int, piece: bytes) -> bytes:
        return AESGCM(self.aead_key).encrypt(self.nonce(index), piece, None)

    def write(self, text: bytes) -> Stream:
        pieces = [text[at : at + CHUNK] for at in range(0, len(text) + 1, CHUNK)]
        self.chunks = [self.seal(index, piece) for index, piece in enumerate(pieces)]
        return self

    def encode(self, *chunks: bytes) -> bytes:
        """The stream, or its header with other chunks behind it."""
        return self.header + b"".join(chunks or self.chunks)


class Attachment:
    """A payload of Alice: its stream, and the items of its reference."""

    def __init__(self, seed: str, size: int, *, role: int = MAIN, padding: bytes | None = None) -> None:
        self.payload = hashlib.shake_256(seed.encode()).digest(size)
        self.key, self.role, self.padded = sha256(b"key of " + seed.encode()), role, padme(size)
        zeros = bytes(self.padded - size) if padding is None else padding
        self.stream = Stream(self.key, self.context(), sha256(b"salt of " + seed.encode())[:24])
        self.stream.write(self.payload + zeros)
        self.data = self.stream.encode()

    def context(self) -> bytes:
        return labelled("attachment", self.role, self.padded)

    def reference(self, **changes: Any) -> bytes:
        """The reference, with other items in the place of the right ones."""
        items = {
            "type": 13,
            "version": 1,
            "role": self.role,
            "key": self.key,
            "size": len(self.payload),
            "ciphertext_size": len(self.data),
            "digest": sha256(self.data),
            "media_type": None,
            "name": None,
            "thumbnail": None,
        }
        return cbor([*(items | changes).values()])
