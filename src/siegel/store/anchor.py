"""Knows where a store's newest header is remembered outside of the store (docs/spec/store.md, STO-10).

An older copy of a whole store is as authentic as the newest. Only somebody who remembers how far it was can tell: a
file on another disk, the operating system's key store, a server. Without an anchor an old copy is not noticed.

Law: an anchor never goes back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from siegel._core.suite import HASH_BYTES
from siegel.errors import StoreError

_SEQUENCE_BYTES: Final = 8
_FILE_BYTES: Final = _SEQUENCE_BYTES + HASH_BYTES


class Anchor(Protocol):
    """Remembers one position of one store: the number of a transaction and 32 bytes. Neither is secret."""

    def get(self) -> tuple[int, bytes] | None:
        """What was remembered last; None if nothing ever was."""
        ...

    def advance(self, sequence: int, digest: bytes) -> None:
        """Remembers this, durably, unless something later is remembered already. It is called after each commit."""
        ...


class CallbackAnchor(NamedTuple):
    """An anchor made of two functions."""

    read: Callable[[], tuple[int, bytes] | None]
    write: Callable[[int, bytes], None]

    def get(self) -> tuple[int, bytes] | None:
        """As ``Anchor``."""
        return self.read()

    def advance(self, sequence: int, digest: bytes) -> None:
        """As ``Anchor``; the function has to keep the law."""
        self.write(sequence, digest)


class FileAnchor:
    """An anchor in a file of 40 bytes, for one store. Whoever can put back the store must not reach the file.

    Each commit of the store waits for this file to be on its disk, too.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def get(self) -> tuple[int, bytes] | None:
        """As ``Anchor``. StoreError if the file is no anchor, or cannot be read."""
        with _system_errors():
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return None
        return _parse(data)

    def advance(self, sequence: int, digest: bytes) -> None:
        """As ``Anchor``."""
        with _system_errors(), self._locked() as file:
            data = os.pread(file, _FILE_BYTES + 1, 0)
            held = _parse(data) if data else None
            if held is None or held[0] < sequence:
                # Within one sector, which a disk writes whole.
                os.pwrite(file, sequence.to_bytes(_SEQUENCE_BYTES, "big") + digest, 0)
                os.fsync(file)

    @contextmanager
    def _locked(self) -> Generator[int]:
        """The open file, for this process alone: of two that advance, the later position stays."""
        is_new = not self._path.exists()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            if is_new:
                self._keep_name()
        finally:
            os.close(file)

    def _keep_name(self) -> None:
        """A new file whose name is not on the disk would be lost with the power, and the store refused."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _parse(data: bytes) -> tuple[int, bytes] | None:
    if not data:  # made, and the power went before it was written
        return None
    if len(data) != _FILE_BYTES:
        raise StoreError("the anchor's file is not one")
    return int.from_bytes(data[:_SEQUENCE_BYTES], "big"), data[_SEQUENCE_BYTES:]


@contextmanager
def _system_errors() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"the anchor's file failed: {error.strerror}") from error
