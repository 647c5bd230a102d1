"""Knows how a file becomes an attachment, how that is sent in parts, and how it becomes a file (spec: attachments.md).

Laws: a target has its name when it is complete and checked, or never; each encryption draws a key of its own, for one
reading of one source; memory is constant. The work is a generator of steps: who blocks on it and who awaits it do the
same, and whoever stops in the middle leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Final, TypeAlias

from siegel._core.chunked import ChunkDecryptor, ChunkEncryptor
from siegel._core.secret import Secret
from siegel._core.suite import RunningSha256, random_bytes, require_equal
from siegel.attachments import AttachmentRef, check_description, context_for, padded_bytes
from siegel.blocking import in_thread
from siegel.errors import InvalidArgument, InvalidMessage
from siegel.files import FileName, NewFile, SourceFile
from siegel.streams import KEY_BYTES, ciphertext_bytes, room_for

Progress: TypeAlias = Callable[[int, int], object]

# Bytes done and bytes in all; at the end the reference, when the target has its name. Whoever takes the step after that
# one keeps the target; whoever closes the generator before does not.
_Steps: TypeAlias = Generator[tuple[int, int] | AttachmentRef, None, None]

_PIECE: Final = 1 << 20
_PART: Final = 8 << 20


# --- encryption ------------------------------------------------------------------------------------------------------


def encrypt_file(
    source: FileName,
    target: FileName,
    *,
    role: str = "main",
    media_type: str | None = None,
    name: str | None = None,
    thumbnail: bytes | None = None,
    progress: Progress | None = None,
) -> AttachmentRef:
    """Encrypts a file to a staging file, which is then uploaded, and returns the reference that goes into the message.

    The target appears complete or not at all, readable by its owner alone; a file of that name is replaced. ``role``
    (``main``, ``thumbnail`` or ``preview``), ``media_type``, ``name`` and ``thumbnail`` (at most 8 KiB) are what the
    reference says; nothing of it is taken from the source. ``progress`` is called with bytes done and bytes in all,
    both of the ciphertext; what it raises ends the work.

    InvalidArgument, also for a source or target that is a link, a folder or no regular file; StateError if somebody
    wrote to the source meanwhile; OSError as the system gives it. Nothing is left behind then, and a file of the
    target's name is what it was; unless it was replaced and the disk fails after that.
    """
    steps = _encryption(source, target, role=role, media_type=media_type, name=name, thumbnail=thumbnail)
    return _finish(steps, progress)


async def encrypt_file_async(
    source: FileName,
    target: FileName,
    *,
    role: str = "main",
    media_type: str | None = None,
    name: str | None = None,
    thumbnail: bytes | None = None,
    progress: Progress | None = None,
) -> AttachmentRef:
    """As ``encrypt_file``, in a thread, piece by piece: the event loop goes on. ``progress`` is called in the loop.

    A cancellation leaves nothing behind, as an error does.
    """
    steps = _encryption(source, target, role=role, media_type=media_type, name=name, thumbnail=thumbnail)
    return await _finish_async(steps, progress)


def _encryption(
    source: FileName, target: FileName, *, role: str, media_type: str | None, name: str | None, thumbnail: bytes | None
) -> _Steps:
    check_description(role=role, media_type=media_type, name=name, thumbnail=thumbnail)
    with SourceFile(source) as payload, NewFile(target, source=payload) as staging:
        key, digest, done = Secret(random_bytes(KEY_BYTES)), RunningSha256(), 0
        in_all = ciphertext_bytes(padded_bytes(payload.size))
        stream, buffer = ChunkEncryptor(key, context_for(role, payload.size)), memoryview(bytearray(room_for(_PIECE)))
        for piece in _padded(payload):
            ready = buffer[: stream.update_into(piece, buffer)]
            digest.update(ready)
            staging.write(ready)
            done += len(ready)
            yield done, in_all
        last = stream.finalize()
        digest.update(last)
        staging.write(last)
        yield done + len(last), in_all
        ref = AttachmentRef.create(
            role=role, key=key, size=payload.size, digest=digest.digest(), media_type=media_type, name=name,
            thumbnail=thumbnail,
        )  # fmt: skip
        payload.require_unchanged()
        staging.place()
        yield ref


def _padded(payload: SourceFile) -> Iterator[memoryview]:
    """ATT-2: the payload, and zeros up to its padded size."""
    buffer = memoryview(bytearray(_PIECE))
    yield from payload.pieces(buffer)
    buffer[:] = bytes(_PIECE)
    padding = padded_bytes(payload.size) - payload.size
    for start in range(0, padding, _PIECE):
        yield buffer[: padding - start]


# --- decryption ------------------------------------------------------------------------------------------------------


def decrypt_file(
    source: FileName, target: FileName, ref: AttachmentRef, *, progress: Progress | None = None
) -> None:  # fmt: skip
    """Decrypts a fetched attachment to a file that appears when all of it has proved to be what the reference says.

    Choose the target yourself: the reference's name is the sender's, and for showing. The target is readable by its
    owner alone; a file of that name is replaced. ``progress`` is called with bytes done and bytes in all, both of the
    ciphertext; what it raises ends the work. When the process is killed, an unfinished ``.siegel-….part`` in the
    target's folder holds what was decrypted so far.

    InvalidMessage if the source is not the attachment of this reference: its size, its digest, the key, a chunk or the
    padding. Otherwise as ``encrypt_file``: nothing is left behind then.
    """
    _finish(_decryption(source, target, ref), progress)


async def decrypt_file_async(
    source: FileName, target: FileName, ref: AttachmentRef, *, progress: Progress | None = None
) -> None:
    """As ``decrypt_file``, in a thread, piece by piece: the event loop goes on. ``progress`` is called in the loop.

    A cancellation leaves nothing behind, as an error does.
    """
    await _finish_async(_decryption(source, target, ref), progress)


def _decryption(source: FileName, target: FileName, ref: AttachmentRef) -> _Steps:
    if not isinstance(ref, AttachmentRef):
        raise InvalidArgument("ref is an AttachmentRef")
    with SourceFile(source) as staging, NewFile(target, source=staging) as plain:
        if staging.size != ref.ciphertext_size:  # attack AT-1, before anything is read
            raise InvalidMessage
        digest, done, payload = RunningSha256(), 0, _Payload(plain, ref.size)
        stream, buffer = ChunkDecryptor(ref.key, ref.context), memoryview(bytearray(room_for(_PIECE)))
        for piece in staging.pieces(memoryview(bytearray(_PIECE))):
            digest.update(piece)
            payload.write(buffer[: stream.update_into(piece, buffer)])
            done += len(piece)
            yield done, ref.ciphertext_size
        payload.write(memoryview(stream.finalize()))
        staging.require_unchanged()
        require_equal(digest.digest(), ref.digest)
        plain.place()
        yield ref


class _Payload:
    """Writes what was padded without its padding. InvalidMessage for a padding byte that is not zero (attack SM-12)."""

    __slots__ = ("_file", "_left")

    def __init__(self, file: NewFile, size: int) -> None:
        self._file, self._left = file, size

    def write(self, padded: memoryview) -> None:
        payload, padding = padded[: self._left], padded[self._left :]
        self._file.write(payload)
        self._left -= len(payload)
        if padding and bytes(padding).count(0) != len(padding):
            raise InvalidMessage


# --- steps -----------------------------------------------------------------------------------------------------------


def _finish(steps: _Steps, progress: Progress | None) -> AttachmentRef:
    with closing(steps):
        while True:
            step = next(steps)
            if isinstance(step, AttachmentRef):
                next(steps, None)
                return step
            if progress is not None:
                progress(*step)


async def _finish_async(steps: _Steps, progress: Progress | None) -> AttachmentRef:
    try:
        while True:
            step = await in_thread(lambda: next(steps))
            if isinstance(step, AttachmentRef):
                next(steps, None)  # closes descriptors; nothing is awaited between the last moment to cancel and this
                return step
            if progress is not None:
                progress(*step)
    except GeneratorExit:  # the loop is gone; the thread closes the steps when it lets go of them
        raise
    except BaseException:
        await in_thread(steps.close)
        raise


# --- upload ----------------------------------------------------------------------------------------------------------


def parts(staging: FileName, size: int = _PART, *, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The staging file in parts of ``size`` bytes, each with its offset, for an upload that may be resumed.

    The same file gives the same parts, however often it is asked: each begins at a multiple of ``size``, and the last
    may be shorter. ``start``: how many bytes arrived already; without them, the first part is the rest of its own.
    Never encrypt the source again to resume: that is another attachment, under another key.

    InvalidArgument; StateError if somebody wrote to the file meanwhile; OSError as the system gives it.
    """
    if type(size) is not int or size < 1:
        raise InvalidArgument("a part has at least one byte")
    with SourceFile(staging) as file:
        if type(start) is not int or not 0 <= start <= file.size:
            raise InvalidArgument(f"the start is an offset in the file of {file.size} bytes")
        while start < file.size:
            data = file.read_at(start, size - start % size)
            file.require_unchanged()
            yield start, data
            start += len(data)
