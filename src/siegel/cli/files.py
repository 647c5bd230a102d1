"""Knows manners with files: age's. Standard input to standard output, nothing overwritten unasked, nothing half-made.

Laws: a file appears under its name complete or not at all; a secret is readable by its owner alone from its first byte
on; a terminal gets no binary.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from siegel.cli.errors import CommandError, UsageError
from siegel.cli.terminal import Console, is_plain_text

FileName: TypeAlias = str | os.PathLike[str]

STDIN_NAME: Final = "standard input"
STDOUT_NAME: Final = "standard output"
_NO_HARD_LINKS: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
_OWNER_ONLY: Final = 0o600
_AS_UMASK_SAYS: Final = 0o666
_OTHERS: Final = 0o077
_REMEDIES: Final = {
    errno.ENOENT: "check the name and its folder",
    errno.EACCES: "check who owns it and its permissions",
    errno.EPERM: "check who owns it and its permissions",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "name a folder",
    errno.ENOSPC: "free some space, then try again",
    errno.EROFS: "choose another place",
}


def os_failure(doing: str, error: OSError) -> CommandError:
    """The operating system's refusal in one sentence."""
    return CommandError(
        "operating-system", f"cannot {doing}: {error.strerror or error}", _REMEDIES.get(error.errno or 0, "")
    )


# --- reading ---------------------------------------------------------------------------------------------------------


def input_name(name: str | None) -> str:
    """How messages call an input; no name and ``-`` are standard input."""
    return STDIN_NAME if name in {None, "-"} else str(name)


def read_input(name: str | None, *, limit: int, console: Console, typed: str = "") -> bytes:
    """The input, or its first ``limit`` + 1 bytes, so that what is too long is noticed and never loaded.

    ``typed`` is what a person is told who may type it; without, a terminal as standard input is a UsageError instead
    of a wait.
    """
    if name is not None and name != "-":
        return read_file(name, limit=limit)
    if sys.stdin is None:
        raise UsageError("there is no input", "name a FILE; standard input is closed")
    if sys.stdin.isatty():
        if not typed:
            raise UsageError("there is no input", "name a FILE, or pipe it in")
        console.hint(f"{typed}; end with Ctrl-D on a line of its own")
    try:
        return sys.stdin.buffer.read(limit + 1)
    except OSError as error:
        raise os_failure(f"read {STDIN_NAME}", error) from None


def read_file(path: FileName, *, limit: int) -> bytes:
    """The file, or its first ``limit`` + 1 bytes."""
    try:
        with Path(path).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise os_failure(f"read {path}", error) from None


def read_secret_file(path: FileName, *, limit: int) -> tuple[bytes, bool]:
    """Like ``read_file``; and whether others can get at the file too."""
    try:
        with Path(path).open("rb") as file:
            return file.read(limit + 1), _exposed(file.fileno())
    except OSError as error:
        raise os_failure(f"read {path}", error) from None


def warn_exposed(path: FileName, console: Console) -> None:
    """For a file that turned out to hold a secret."""
    console.warn(f"{path} is open to other users of this machine (chmod 600 {path})")


def _exposed(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & _OTHERS)


# --- writing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """Where a payload goes: to a file, or to standard output for ``path`` None. Refused early, before any work."""

    path: Path | None
    overwrite: bool

    @classmethod
    def named(cls, name: str | None, *, overwrite: bool) -> Output:
        """The output of ``-o NAME``; none and ``-`` are standard output. CommandError if the file exists."""
        if name is None or name == "-":
            if sys.stdout is None:
                raise UsageError("there is no output", "say -o FILE; standard output is closed")
            return cls(None, overwrite)
        path = Path(name)
        refuse_existing(path, overwrite=overwrite)
        return cls(path, overwrite)

    @property
    def on_stdout(self) -> bool:
        """Whether the payload takes standard output."""
        return self.path is None

    @property
    def on_terminal(self) -> bool:
        """Whether a person would get the payload on the screen."""
        return self.path is None and sys.stdout.isatty()

    def refuse_terminal(self, what: str) -> None:
        """For a payload that is binary by nature: CommandError if it would go to the screen."""
        if self.on_terminal:
            raise CommandError(
                "terminal", f"{what} is binary and does not go to a terminal", "say -o FILE, or use a pipe"
            )

    def write(self, data: bytes) -> None:
        """The payload, whole. To a terminal only if it is plain text."""
        if self.path is not None:
            write_file(self.path, data, overwrite=self.overwrite)
            return
        if self.on_terminal and not is_plain_text(data):
            raise CommandError("terminal", "the content is not plain text", "say -o FILE, or use a pipe")
        _write_stdout(data)

    @contextmanager
    def stream(self) -> Generator[BinaryIO]:
        """For a payload in pieces: a file of mode 0600 that appears when all are written, or standard output as it is.

        OSError as the system gives it.
        """
        if self.path is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        with appearing(self.path, overwrite=self.overwrite) as part, _new_file(part, _OWNER_ONLY) as file:
            yield file

    def write_secret(self, data: bytes, console: Console) -> None:
        """A secret: to a file of mode 0600; a warning if standard output is a file that others can read."""
        if self.path is not None:
            write_file(self.path, data, overwrite=self.overwrite, secret=True)
            return
        try:
            exposed = _exposed(sys.stdout.fileno())
        except OSError:  # a stream without a descriptor, inside another program
            exposed = False
        if exposed:
            console.warn("a secret goes to a file that other users can read; -o FILE would keep it to you (chmod 600)")
        _write_stdout(data)


def _write_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """CommandError if the name is taken: by a folder, or by a file and nobody said to overwrite it."""
    if path.is_dir():
        raise CommandError("file-exists", f"{path} is a folder", "name a file in it")
    if os.path.lexists(path) and not overwrite and not _is_device(path):
        raise CommandError("file-exists", f"{path} exists already", "-f overwrites it")


def refuse_device(path: Path) -> None:
    """For a file that cannot be written in one go: CommandError if the name leads to a device or pipe."""
    if _is_device(path):
        raise CommandError("file-exists", f"{path} is a device or a pipe", "name a file")


def _is_device(path: Path) -> bool:
    """Whether the name leads to a device or pipe, which is written to and never replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def write_file(path: Path, data: bytes, *, overwrite: bool = False, secret: bool = False) -> None:
    """Puts a whole file under its name, on the disk and not only in its cache; or raises CommandError."""
    try:
        if _is_device(path):
            path.write_bytes(data)
        else:
            _place(path, data, overwrite=overwrite, mode=_OWNER_ONLY if secret else _AS_UMASK_SAYS)
    except FileExistsError:
        raise CommandError("file-exists", f"{path} exists already", "-f overwrites it") from None
    except OSError as error:
        raise os_failure(f"write {path}", error) from None


def _place(path: Path, data: bytes, *, overwrite: bool, mode: int) -> None:
    with appearing(path, overwrite=overwrite) as part, _new_file(part, mode) as file:
        file.write(data)


@contextmanager
def appearing(path: Path, *, overwrite: bool) -> Generator[Path]:
    """A name for a file in the making. At the end it gets its own, in one step; after an error it is gone.

    FileExistsError if the name was taken in the meantime, and nobody said to overwrite.
    """
    # In the same folder, so that the last step is one step of the file system.
    part = path.with_name(f".siegel-{os.urandom(8).hex()}.part")
    try:
        yield part
        if not overwrite:
            _claim(part, path)
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _new_file(path: Path, mode: int) -> Generator[BinaryIO]:
    """The file is on the disk, and not only in its cache, when the block ends."""
    # The name cannot be guessed, and O_EXCL follows no link that somebody put there.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _claim(part: Path, path: Path) -> None:
    """Gives the finished file its name. FileExistsError if the name was taken in the meantime."""
    try:
        os.link(part, path)  # unlike a rename, it refuses a name that is taken
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))  # as on a memory stick
        part.replace(path)
