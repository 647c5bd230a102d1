"""Knows files that are read once, and files that appear whole (spec: attachments.md).

Laws: only regular files are read or replaced, and no link in their place is followed; a file gets its name when it is
complete and on the disk; work that fails leaves neither the file nor a part of it. Errors of the operating system pass
through as they are.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from siegel._core.suite import random_bytes
from siegel.errors import InvalidArgument, StateError

FileName: TypeAlias = str | os.PathLike[str]

_OWNER_ONLY: Final = 0o600
_TO_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # which keeps a pipe without a writer from stopping us
_TO_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class SourceFile:
    """A regular file, open for reading: ``size`` bytes from the beginning. InvalidArgument for anything else."""

    __slots__ = ("_file", "_name", "_status", "size")

    def __init__(self, name: FileName) -> None:
        self._name = os.fspath(name)
        descriptor = _opened(self._name)
        self._status = os.fstat(descriptor)
        if not stat.S_ISREG(self._status.st_mode):
            os.close(descriptor)
            raise InvalidArgument(f"{self._name} is not a regular file")
        self._file = io.FileIO(descriptor)
        self.size = self._status.st_size

    def pieces(self, buffer: memoryview) -> Iterator[memoryview]:
        """All of it, in order, each piece in the buffer. StateError if it does not end where it was said to."""
        left = self.size
        while left:
            count = self._file.readinto(buffer[:left])
            if not count:
                raise self._changed()
            left -= count
            yield buffer[:count]
        if self._file.read(1):
            raise self._changed()

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes of this place, fewer only if the file ends before."""
        found = os.pread(self._file.fileno(), length, offset)
        while 0 < len(found) < length:
            more = os.pread(self._file.fileno(), length - len(found), offset + len(found))
            if not more:
                break
            found += more
        return found

    def require_unchanged(self) -> None:
        """StateError if somebody wrote to it since it was opened."""
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._status.st_size, self._status.st_mtime_ns):
            raise self._changed()

    def is_same(self, status: os.stat_result) -> bool:
        """Whether this is the status of the same file."""
        return os.path.samestat(self._status, status)

    def close(self) -> None:
        """Closes it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _changed(self) -> StateError:
        return StateError(f"{self._name} was changed while it was read")


class NewFile:
    """A file that is written beside its place, gets its name by ``place``, and is gone if the work on it fails.

    It is readable by its owner alone. A regular file of that name is replaced in one step; in place of a link, a folder
    or anything else, and of the ``source`` itself: InvalidArgument.
    """

    __slots__ = ("_descriptor", "_folder", "_found", "_name", "_replaces")

    def __init__(self, name: FileName, *, source: SourceFile | None = None) -> None:
        path = Path(name)
        # All that follows is relative to the folder itself, wherever its name may lead later.
        self._folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._replaces = _is_replaceable(path, self._folder, source)
            self._name = path.name
            self._found = f".siegel-{random_bytes(8).hex()}.part"  # where it is to be found: no name that is guessed
            self._descriptor = os.open(self._found, _TO_WRITE, _OWNER_ONLY, dir_fd=self._folder)
        except BaseException:
            os.close(self._folder)
            raise

    def write(self, data: bytes | memoryview) -> None:
        """Adds the bytes."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def place(self) -> None:
        """The file is complete: it is brought to the disk, and gets its name."""
        os.fsync(self._descriptor)
        os.rename(self._found, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._found = self._name
        os.fsync(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is not None:
                self._remove()
        finally:
            os.close(self._descriptor)
            os.close(self._folder)

    def _remove(self) -> None:
        # What replaced another file stays: it is whole, and the other one does not come back.
        if self._found == self._name and self._replaces:
            return
        try:
            there = os.stat(self._found, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if os.path.samestat(there, os.fstat(self._descriptor)):  # somebody else's file may have taken the place since
            os.unlink(self._found, dir_fd=self._folder)


def _opened(name: str) -> int:
    try:
        return os.open(name, _TO_READ)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    raise InvalidArgument(f"{name} is a symbolic link; name the file itself")


def _is_replaceable(path: Path, folder: int, source: SourceFile | None) -> bool:
    """Whether a file is there. InvalidArgument if it is one that must not be replaced."""
    try:
        status = os.stat(path.name or ".", dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode):
        raise InvalidArgument(f"{path} is there, and is not a regular file")
    if source is not None and source.is_same(status):
        raise InvalidArgument(f"{path} is the file that is read")
    return True
