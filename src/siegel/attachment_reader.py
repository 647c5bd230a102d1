"""Knows how an attachment is read in parts, from wherever its ciphertext lies (spec: attachments.md, ATT-9).

Laws: no byte is given out that is not authentic and at its place; first of all the key's commitment is compared and the
last chunk opened, which shows where the stream ends; work and memory depend on what is asked for, not on the size.
"""

from __future__ import annotations

import io
import os
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeAlias, runtime_checkable

from siegel._core.chunked import CHUNK_BYTES, HEADER_BYTES, SEALED_CHUNK_BYTES, ChunkOpener
from siegel._core.secret import KeyObject
from siegel.attachments import AttachmentRef
from siegel.blocking import in_thread
from siegel.errors import InvalidArgument, InvalidMessage
from siegel.files import FileName, SourceFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CACHED: Final = 8  # chunks: a player goes to and fro between the index at the end and the place that it plays
_FETCHED: Final = 64  # chunks at once: 1 MiB


@runtime_checkable
class Ranges(Protocol):
    """Where ciphertext lies, such as behind a server that knows range requests."""

    def read_at(self, offset: int, length: int, /) -> bytes:
        """The bytes of this place, fewer only if the ciphertext ends before. What it raises passes through."""
        ...


Source: TypeAlias = FileName | BinaryIO | Ranges


class AttachmentReader(KeyObject, io.RawIOBase):
    """An attachment as a seekable binary file, of which no more is fetched and decrypted than is read.

    ``source``: the ciphertext, as the name of a file, a seekable binary file, or any object with
    ``read_at(offset, length) -> bytes``, which gives fewer bytes only at the end. A file that was given open is still
    open when the reader is closed.

    The first read checks that the stream is the one of this key and ends where the reference says. Every byte that
    comes out is authentic and at its place. What is not read is not checked: another part may still prove damaged, and
    the digest in the reference is not looked at; ``decrypt_file`` does that. A read gives as many bytes as are asked
    for, fewer only at the end. Small reads in a row are faster through ``io.BufferedReader``.

    InvalidMessage where the stream is not authentic or not complete; the position is then where it was.
    """

    _own: SourceFile | None = None  # closed with the reader, even one whose construction failed

    def __init__(self, source: Source, ref: AttachmentRef) -> None:
        if not isinstance(ref, AttachmentRef):
            raise InvalidArgument("ref is an AttachmentRef")
        self._ref = ref
        self._position = 0
        self._opener: ChunkOpener | None = None
        self._cache: dict[int, bytes] = {}  # plain chunks, the one used last at the end
        self._turn = Lock()  # threads that read have one cache, and a given file one position
        self._source = self._ranges(source)

    def _ranges(self, source: Source) -> Ranges:
        if isinstance(source, str | os.PathLike):
            self._own = SourceFile(source)
            return self._own
        if isinstance(source, Ranges):
            return source
        if hasattr(source, "seek") and hasattr(source, "read"):
            return _OpenFile(source)
        raise InvalidArgument("the source is the name of a file, a binary file, or has read_at(offset, length)")

    # --- as a file ---

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """The new position: from the beginning, from here, or from the end. Behind the end there is nothing to read."""
        self._require_open()
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._ref.size}
        if whence not in origins or origins[whence] + offset < 0:
            raise InvalidArgument(
                "a position is not before the beginning, and counts from it, from here or from the end"
            )
        self._position = origins[whence] + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, or all that follow."""
        start, end = self._span(size)
        data = self._read(start, end)
        self._position = end
        return data

    async def aread(self, size: int | None = -1) -> bytes:
        """As ``read``, in a thread: the event loop goes on. After a cancellation the position is where it was."""
        start, end = self._span(size)
        self._position = end
        try:
            return await in_thread(lambda: self._read(start, end))
        except BaseException:
            self._position = start
            raise

    def readall(self) -> bytes:
        """All that follow."""
        return self.read()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """As many bytes as the buffer has, or all that follow; how many they were."""
        view = memoryview(buffer).cast("B")
        start, end = self._span(len(view))
        self._fill(view[: end - start], start)
        self._position = end
        return end - start

    def close(self) -> None:
        """Closes it, and the file if it was given by its name."""
        if self._own is not None:
            self._own.close()
        super().close()

    def _require_open(self) -> None:
        if self.closed:
            raise InvalidArgument("the reader is closed")

    def _span(self, size: int | None) -> tuple[int, int]:
        self._require_open()
        left = max(self._ref.size - self._position, 0)
        return self._position, self._position + (left if size is None or size < 0 else min(size, left))

    # --- chunks ---

    def _read(self, start: int, end: int) -> bytes:
        buffer = bytearray(end - start)
        self._fill(memoryview(buffer), start)
        return bytes(buffer)

    def _fill(self, view: memoryview, start: int) -> None:
        with self._turn:
            opener = self._opener or self._begin()
            while view:
                first = start // CHUNK_BYTES
                count = min((start + len(view) - 1) // CHUNK_BYTES - first + 1, _FETCHED)
                for index, plain in enumerate(self._pieces(opener, first, count), first):
                    part = plain[start - index * CHUNK_BYTES :][: len(view)]
                    view[: len(part)] = part
                    view, start = view[len(part) :], start + len(part)

    def _begin(self) -> ChunkOpener:
        header = self._fetch(0, HEADER_BYTES)
        opener = ChunkOpener(self._ref.key, self._ref.context, bytes(header))
        last = self._ref.padded_size // CHUNK_BYTES
        self._keep(last, self._opened(opener, last, self._fetch_last(HEADER_BYTES + last * SEALED_CHUNK_BYTES)))
        self._opener = opener
        return opener

    def _pieces(self, opener: ChunkOpener, first: int, count: int) -> list[bytes]:
        if count == 1 and first in self._cache:
            self._keep(first, self._cache[first])
            return [self._cache[first]]
        start = HEADER_BYTES + first * SEALED_CHUNK_BYTES
        sealed = memoryview(self._fetch(start, min(count * SEALED_CHUNK_BYTES, self._ref.ciphertext_size - start)))
        chunks = [sealed[at : at + SEALED_CHUNK_BYTES] for at in range(0, len(sealed), SEALED_CHUNK_BYTES)]
        plain = [self._opened(opener, index, chunk) for index, chunk in enumerate(chunks, first)]
        self._keep(first + count - 1, plain[-1])
        return plain

    def _opened(self, opener: ChunkOpener, index: int, sealed: bytes | memoryview) -> bytes:
        plain = opener.open(index, sealed)
        padding = plain[max(self._ref.size - index * CHUNK_BYTES, 0) :]
        if padding.count(0) != len(padding):  # attack SM-12
            raise InvalidMessage
        return plain

    def _keep(self, index: int, piece: bytes) -> None:
        self._cache.pop(index, None)
        self._cache[index] = piece
        if len(self._cache) > _CACHED:
            del self._cache[next(iter(self._cache))]

    # --- ciphertext ---

    def _fetch(self, offset: int, length: int) -> bytes:
        return self._checked(self._source.read_at(offset, length), length)

    def _fetch_last(self, offset: int) -> bytes:
        """What is there from the last chunk on, which is that chunk and not a byte more (attack AT-1)."""
        length = self._ref.ciphertext_size - offset
        return self._checked(self._source.read_at(offset, length + 1), length)

    def _checked(self, data: bytes, length: int) -> bytes:
        if not isinstance(data, bytes | bytearray):
            raise InvalidArgument("the source does not give bytes")
        if len(data) != length:
            raise InvalidMessage
        return data


class _OpenFile:
    """A seekable binary file, read by place."""

    __slots__ = ("_file",)

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read_at(self, offset: int, length: int, /) -> bytes:
        self._file.seek(offset)
        found = self._file.read(length)
        while found and len(found) < length:  # a raw file may give less
            more = self._file.read(length - len(found))
            if not more:
                break
            found += more
        return found
