"""Knows the peers that encrypt large files in pieces. Each is optional, and made to hash and to wait for the disk too.

None does the same work: none pads or commits to its key. tink and PyNaCl are given a mebibyte at a time, as siegel is.
"""
# pyright: reportMissingImports=false
# Peers are optional and not installed where the types are checked.

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl import bindings as sodium

PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class FilePeer:
    """A peer's encryption of one file to another."""

    name: str
    encrypt: Callable[[], object]


class HashedFile(io.RawIOBase):
    """A new file; what is written is hashed, and on the disk when it is closed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._digest = sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def close(self) -> None:
        if not self.closed:
            os.fsync(self._file.fileno())
            self._file.close()
        super().close()

    def digest(self) -> bytes:
        return self._digest.digest()


def installed_file_peers(source: Path, target: Path) -> Iterator[FilePeer]:
    """The peers that are installed, each checked once to have made a larger file."""
    for make in (_pyrage, _tink, _secretstream):
        try:
            peer = make(source, target)
        except ImportError:
            continue
        peer.encrypt()
        assert target.stat().st_size > source.stat().st_size
        yield peer


def pieces(path: Path, size: int = PIECE) -> Iterator[memoryview]:
    """The file, piece by piece, in one buffer."""
    buffer = memoryview(bytearray(size))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            yield buffer[:count]


def _pyrage(source: Path, target: Path) -> FilePeer:
    import pyrage  # noqa: PLC0415  # optional

    recipient = pyrage.x25519.Identity.generate().to_public()

    def encrypt() -> None:
        with source.open("rb") as reader, HashedFile(target) as writer:
            pyrage.encrypt_io(reader, writer, [recipient])

    return FilePeer("pyrage (age)", encrypt)


def _tink(source: Path, target: Path) -> FilePeer:
    import tink  # noqa: PLC0415  # optional
    from tink import streaming_aead  # noqa: PLC0415  # optional

    streaming_aead.register()
    template = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    primitive = tink.new_keyset_handle(template).primitive(streaming_aead.StreamingAead)

    def encrypt() -> None:
        with primitive.new_encrypting_stream(HashedFile(target), b"context") as stream:
            for piece in pieces(source):
                stream.write(bytes(piece))

    return FilePeer("tink (AES256_GCM_HKDF_1MB)", encrypt)


def _secretstream(source: Path, target: Path) -> FilePeer:
    def encrypt() -> None:
        state = sodium.crypto_secretstream_xchacha20poly1305_state()
        key = sodium.crypto_secretstream_xchacha20poly1305_keygen()
        with HashedFile(target) as file:
            file.write(sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key))
            for piece in pieces(source):
                file.write(sodium.crypto_secretstream_xchacha20poly1305_push(state, bytes(piece)))

    return FilePeer("PyNaCl (secretstream)", encrypt)
