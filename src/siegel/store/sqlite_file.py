"""Knows the file of a store in SQLite: who may read it, how it is written durably, and what a failure of it means.

The journal is SQLite's write-ahead log, which needs memory that all processes of one machine share: on a network file
system it corrupts, and is refused where the file system can be known.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path, PurePosixPath

from siegel.errors import (
    CorruptHeader,
    CorruptRecord,
    SerializationFailure,
    SiegelError,
    StateError,
    StoreError,
    StoreLocked,
)

_OLDEST = (3, 37, 0)  # the first with STRICT tables
_MOUNTS = Path("/proc/self/mountinfo")
_ON_A_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
    | {f"fuse.{name}" for name in ("ceph", "davfs", "glusterfs", "rclone", "s3fs", "sshfs")}
)
# A damaged schema gets into the text of SQLite's own error, which the driver then cannot decode.
FAILURES = (sqlite3.Error, UnicodeDecodeError)
_SETTINGS = (
    "synchronous = FULL",  # a commit is on the disk when it returns
    "fullfsync = ON",  # also where the operating system has a weaker fsync (macOS)
    "checkpoint_fullfsync = ON",
    "secure_delete = ON",  # what is deleted is overwritten with zeros
    "trusted_schema = OFF",  # a changed schema calls no function with effects
    "cell_size_check = ON",  # a damaged page is noticed early
    "temp_store = MEMORY",  # no file beside the two that SQLite needs
    "cache_size = -16384",  # KiB
)


def open_file(path: Path, *, create: bool, timeout: float) -> sqlite3.Connection:
    """A connection of our own, in no transaction. A new file can be read by its owner only."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; the store needs 3.37")
    path = path.absolute()
    if network := network_of(path):
        raise StoreError(f"the store would lie on a network file system ({network}), where its log is not safe")
    if create:
        _make_file(path)
    elif not path.is_file():
        raise StoreError("there is no file at this path")
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        _set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if journal != "wal":
        raise StoreError(f"SQLite cannot use its write-ahead log here (the journal is {journal!r})")
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")


def _make_file(path: Path) -> None:
    """SQLite would make it with the mode of the process, and gives its log the mode of the file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"the file of the store cannot be made ({error.strerror})") from error


def network_of(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The name of the network file system that the path lies on, where this system tells."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    place = PurePosixPath(os.path.realpath(path))
    nearest, kind = -1, ""
    for line in lines:
        mount, _, source = line.partition(" - ")
        point = PurePosixPath(mount.split(" ")[4].replace("\\040", " "))
        if len(point.parts) >= nearest and place.is_relative_to(point):  # of two at one place the later one hides
            nearest, kind = len(point.parts), source.split(" ")[0]
    return kind if kind in _ON_A_NETWORK else None


def failure(error: sqlite3.Error | UnicodeDecodeError) -> SiegelError:
    """What an error of SQLite means here. Its own text may quote what it read, and stays in the cause."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, UnicodeDecodeError) or (code is None and isinstance(error, sqlite3.OperationalError)):
        return CorruptRecord("the database holds text that cannot be read")
    if code is None:
        return StateError(f"the connection cannot be used ({error})")  # closed, or of another thread
    name = error.sqlite_errorname
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT:  # only in the application's transaction: ours begins by writing
        return SerializationFailure(retryable=False)
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreLocked(f"another writer did not end in time ({name})")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_MISMATCH:
            return CorruptRecord(f"the database is damaged ({name})")
        case sqlite3.SQLITE_NOTADB:
            return CorruptHeader(f"the file is no database of SQLite, or its first page is damaged ({name})")
        case _:
            return StoreError(f"the database failed ({name})")
