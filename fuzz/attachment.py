"""Fuzzes what reads attachments: references, and streams whole, piece by piece and in parts."""

from __future__ import annotations

import io
from pathlib import PurePosixPath, PureWindowsPath

from fuzz.running import Finding, instrumented, run

with instrumented():
    from siegel import AttachmentReader, AttachmentRef, StreamDecryptor, StreamEncryptor
    from siegel._core.secret import Secret
    from siegel._core.suite import sha256
    from siegel.attachments import context_for, padded_bytes
    from siegel.errors import SiegelError

KEY = b"\1" * 32
PAYLOAD = b"x" * 17_000
SIZE = len(PAYLOAD)


def _stream() -> bytes:
    encryptor = StreamEncryptor(KEY, context=context_for("main", SIZE))
    return encryptor.update(PAYLOAD.ljust(padded_bytes(SIZE), b"\0")) + encryptor.finalize()


STREAM = _stream()
PLAIN = AttachmentRef.create(role="main", key=Secret(KEY), size=SIZE, digest=sha256(STREAM))
SAID = AttachmentRef.create(
    role="preview",
    key=Secret(KEY),
    size=SIZE,
    digest=sha256(STREAM),
    media_type="image/jpeg",
    name="é.jpg",
    thumbnail=b"x",
)

# The first byte says how the rest is used: even as a reference, odd as a stream; half of it is the place of a part.
SEEDS = [b"\0" + PLAIN.encode(), b"\0" + SAID.encode(), b"\1" + STREAM, b"\xff" + STREAM, b"\x81" + STREAM[:-1]]


def one_input(data: bytes) -> None:
    """A reference is refused, or is the one form of itself; of a stream nothing comes out but the payload."""
    chosen, rest = data[0] if data else 0, data[1:]
    if chosen % 2:
        _as_a_stream(rest)
        _in_part(rest, chosen * SIZE // 256)
    else:
        _as_a_reference(rest)


def _as_a_reference(data: bytes) -> None:
    try:
        ref = AttachmentRef.decode(data)
    except SiegelError:
        return
    if ref.encode() != data:
        raise Finding("accepted, and not the one encoding")
    if ref.name is not None and not PurePosixPath(ref.name).name == PureWindowsPath(ref.name).name == ref.name:
        raise Finding("a name that is a path")


def _as_a_stream(data: bytes) -> None:
    decryptor, text = StreamDecryptor(KEY, context=PLAIN.context), b""
    try:
        for at in range(0, len(data), 1000):
            text += decryptor.update(data[at : at + 1000])
        text += decryptor.finalize()
    except SiegelError:
        if not PAYLOAD.startswith(text):
            raise Finding("something else was released") from None
        return
    if text[:SIZE] != PAYLOAD or data != STREAM:
        raise Finding("a forgery")


def _in_part(data: bytes, place: int) -> None:
    reader = AttachmentReader(io.BytesIO(data), PLAIN)
    reader.seek(place)
    try:
        part = reader.read(100)
    except SiegelError:
        return
    if part != PAYLOAD[place : place + 100]:
        raise Finding("a forgery in part")


if __name__ == "__main__":
    run(one_input, seeds=SEEDS, longest=20_000)
