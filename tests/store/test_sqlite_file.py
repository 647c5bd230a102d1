"""What a failure of SQLite means, and on which file systems its log is safe."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from siegel.errors import (
    CorruptHeader,
    CorruptRecord,
    SerializationFailure,
    SiegelError,
    StateError,
    StoreError,
    StoreLocked,
)
from siegel.store import sqlite_file
from siegel.store.sqlite_file import failure, network_of, open_file

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /home rw,relatime shared:7 - nfs4 server:/home rw
31 30 0:41 / /home/anna/local rw - xfs /dev/vdb rw
32 22 0:42 / /mnt/with\\040space rw - fuse.sshfs somebody@there rw
33 22 0:43 / /hidden rw - ext4 /dev/vdc rw
34 22 0:44 / /hidden rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/var/store.db", None),
        ("/home/anna/store.db", "nfs4"),
        ("/homestead/store.db", None),
        ("/home/anna/local/store.db", None),
        ("/mnt/with space/store.db", "fuse.sshfs"),
        ("/hidden/store.db", "cifs"),
    ],
)
def test_the_file_system_of_a_path(tmp_path: Path, path: str, network: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="utf-8")
    assert network_of(Path(path), mounts) == network


def test_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert network_of(tmp_path / "store.db", tmp_path / "no such file") is None


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "network_of", lambda _: "nfs4")
    with pytest.raises(StoreError, match="network file system \\(nfs4\\)"):
        open_file(tmp_path / "store.db", create=True, timeout=1)
    assert list(tmp_path.iterdir()) == []


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(StoreError, match="too old"):
        open_file(tmp_path / "store.db", create=True, timeout=1)


def coded(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("with text that quotes what was read")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_NAME"
    return error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (coded(sqlite3.SQLITE_BUSY), StoreLocked),
        (coded(sqlite3.SQLITE_BUSY_RECOVERY), StoreLocked),
        (coded(sqlite3.SQLITE_LOCKED), StoreLocked),
        (coded(sqlite3.SQLITE_BUSY_SNAPSHOT), SerializationFailure),
        (coded(sqlite3.SQLITE_CORRUPT), CorruptRecord),
        (coded(sqlite3.SQLITE_CORRUPT_INDEX), CorruptRecord),
        (coded(sqlite3.SQLITE_NOTADB), CorruptHeader),
        (coded(sqlite3.SQLITE_FULL), StoreError),
        (coded(sqlite3.SQLITE_IOERR_FSYNC), StoreError),
        (sqlite3.OperationalError("Could not decode to UTF-8 column 'name' with text 'quoted'"), CorruptRecord),
        (UnicodeDecodeError("utf-8", b"quoted \x80", 7, 8, "invalid start byte"), CorruptRecord),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), StateError),
    ],
)
def test_a_failure_has_its_meaning_and_quotes_nothing(
    error: sqlite3.Error | UnicodeDecodeError, meaning: type[SiegelError]
) -> None:
    found = failure(error)
    assert type(found) is meaning
    assert "quote" not in str(found)
