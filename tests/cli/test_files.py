"""Files appear whole or not at all, and nobody else's are touched."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from siegel.cli.errors import CommandError
from siegel.cli.files import Output, read_file, write_file


def test_a_file_has_the_mode_that_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "a", b"x")
        write_file(tmp_path / "b", b"x", secret=True)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o640, 0o600]


def test_a_secret_is_its_owner_s_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    real = os.open

    def watched(path: str | Path, flags: int, mode: int = 0o777) -> int:
        seen.append((flags, mode))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", watched)
    write_file(tmp_path / "key", b"secret", secret=True)
    assert seen == [(os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("step", ["fsync", "link", "replace"])
def test_a_failure_at_any_step_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, overwrite: bool  # noqa: FBT001  # a table
) -> None:  # fmt: skip
    target = tmp_path / "file"
    if overwrite:
        target.write_bytes(b"before")

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    for owner in (os, Path):
        if hasattr(owner, step):
            monkeypatch.setattr(owner, step, fails)
    if step != ("link" if overwrite else "replace"):  # that step belongs to the other way
        with pytest.raises(CommandError, match=r"cannot write .*: Input/output error"):
            write_file(target, b"after", overwrite=overwrite)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == ([b"before"] if overwrite else [])


def test_a_name_taken_in_the_last_moment_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    real = os.fsync

    def somebody_is_faster(descriptor: int) -> None:
        target.write_bytes(b"theirs")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", somebody_is_faster)
    with pytest.raises(CommandError, match="exists already"):
        write_file(target, b"ours")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def no_links(*_: object) -> None:
        raise OSError(number, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    write_file(tmp_path / "file", b"ours", secret=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"ours"]
    with pytest.raises(CommandError, match="exists already"):
        write_file(tmp_path / "file", b"again")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"ours"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="exists already"):
        Output.named(str(tmp_path / "link"), overwrite=False)
    write_file(tmp_path / "link", b"ours", overwrite=True)
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "link").is_symlink()


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    Output.named(str(pipe), overwrite=False).write(b"through the pipe")
    reader.join(10)
    assert received == [b"through the pipe"]
    assert pipe.is_fifo()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is a folder"):
        Output.named(str(tmp_path), overwrite=True)
    with pytest.raises(CommandError, match="Is a directory"):
        read_file(tmp_path, limit=1)


def test_no_more_is_read_than_needed_to_notice_too_much(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(100))
    assert len(read_file(tmp_path / "file", limit=10)) == 11
