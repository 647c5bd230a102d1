"""Sources are regular files and stay as they are; new files appear whole, or nothing appears."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest

from siegel.errors import InvalidArgument, StateError
from siegel.files import NewFile, SourceFile

BUFFER = 1000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(bytes(range(250)) * 10)
    return path


def read(file: SourceFile) -> bytes:
    return b"".join(bytes(piece) for piece in file.pieces(memoryview(bytearray(BUFFER))))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- sources ---------------------------------------------------------------------------------------------------------


def test_a_source_is_read_piece_by_piece(source: Path) -> None:
    with SourceFile(source) as file:
        assert file.size == 2500
        sizes = [len(piece) for piece in file.pieces(memoryview(bytearray(BUFFER)))]
        assert sizes == [1000, 1000, 500]
    with SourceFile(str(source)) as file:
        assert read(file) == source.read_bytes()
        file.require_unchanged()


@pytest.mark.parametrize(("offset", "length", "count"), [(0, 2500, 2500), (2400, 200, 100), (2500, 1, 0), (7, 0, 0)])
def test_a_place_in_a_source(source: Path, offset: int, length: int, count: int) -> None:
    with SourceFile(source) as file:
        assert file.read_at(offset, length) == source.read_bytes()[offset : offset + count]


def test_a_system_that_gives_less_than_asked_for(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda file, length, offset: real(file, min(length, 33), offset))
    with SourceFile(source) as file:
        assert file.read_at(100, 1000) == source.read_bytes()[100:1100]
        assert file.read_at(2400, 1000) == source.read_bytes()[2400:]


def truncated(path: Path) -> None:
    os.truncate(path, 100)


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewritten(path: Path) -> None:
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


@pytest.mark.parametrize("change", [truncated, longer, rewritten])
def test_a_source_that_is_changed_meanwhile(source: Path, change: Callable[[Path], None]) -> None:
    with SourceFile(source) as file:
        change(source)
        with pytest.raises(StateError, match="changed while it was read"):
            file.require_unchanged()


def test_a_source_that_ends_too_early(source: Path) -> None:
    with SourceFile(source) as file:
        truncated(source)
        with pytest.raises(StateError, match="changed while it was read"):
            read(file)


def test_of_a_source_that_grows_no_more_is_given_than_there_was(source: Path) -> None:
    before, given = source.read_bytes(), list[bytes]()
    with SourceFile(source) as file:
        pieces = file.pieces(memoryview(bytearray(BUFFER)))
        longer(source)
        with pytest.raises(StateError, match="changed while it was read"):
            given.extend(bytes(piece) for piece in pieces)
    assert b"".join(given) == before


def link(path: Path) -> None:
    path.with_name("origin").write_bytes(b"origin")
    path.symlink_to("origin")


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def local_socket(path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX) as listener,
        chdir(path.parent),
    ):  # a socket's name is short, a folder's may not be
        listener.bind(path.name)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, link, link_to_nothing])
def test_what_is_no_regular_file_is_no_source(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "x")
    with pytest.raises(InvalidArgument, match=r"x is (not a regular file|a symbolic link)"):
        SourceFile(tmp_path / "x")


def test_devices_are_no_source() -> None:
    with pytest.raises(InvalidArgument, match="not a regular file"):
        SourceFile("/dev/null")


def test_what_the_system_refuses_passes_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SourceFile(tmp_path / "nothing")


# --- new files -------------------------------------------------------------------------------------------------------


def placed(target: Path, source: Path, data: bytes) -> None:
    with SourceFile(source) as file, NewFile(target, source=file) as new:
        new.write(data)
        new.place()


def test_a_file_appears_when_it_is_complete(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target"
    with SourceFile(source) as file, NewFile(target, source=file) as new:
        new.write(b"one ")
        new.write(memoryview(b"two"))
        assert not target.exists()
        new.place()
        assert target.read_bytes() == b"one two"
    assert names(tmp_path) == ["source", "target"]
    assert target.read_bytes() == b"one two"


def test_it_is_its_owner_s_from_the_beginning(tmp_path: Path, source: Path) -> None:
    before = os.umask(0)
    try:
        with SourceFile(source) as file, NewFile(tmp_path / "target", source=file) as new:
            (part,) = tmp_path.glob(".siegel-*.part")
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
            new.place()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o600


def test_a_file_of_its_name_is_replaced(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"before")
    target.chmod(0o644)
    placed(target, source, b"after")
    assert target.read_bytes() == b"after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, link, link_to_nothing, local_socket])
def test_nothing_else_is_replaced(tmp_path: Path, source: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "target")
    before = names(tmp_path), (tmp_path / "target").lstat()
    with pytest.raises(InvalidArgument, match="target is there, and is not a regular file"):
        placed(tmp_path / "target", source, b"after")
    assert (names(tmp_path), (tmp_path / "target").lstat()) == before


@pytest.mark.parametrize("name", ["", ".", "..", "/", "folder/.."])
def test_names_that_are_folders(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:  # fmt: skip
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match="not a regular file"):
        placed(Path(name), source, b"after")


def test_the_source_is_not_replaced(tmp_path: Path, source: Path) -> None:
    os.link(source, tmp_path / "other name")
    for target in (source, tmp_path / "other name"):
        with pytest.raises(InvalidArgument, match="the file that is read"):
            placed(target, source, b"after")
    assert source.stat().st_size == 2500


def test_a_folder_that_is_not_there(tmp_path: Path, source: Path) -> None:
    with pytest.raises(FileNotFoundError):
        placed(tmp_path / "nowhere" / "target", source, b"")


def test_a_folder_that_moves_takes_the_file_along(tmp_path: Path, source: Path) -> None:
    (tmp_path / "folder").mkdir()
    with SourceFile(source) as file, NewFile(tmp_path / "folder" / "target", source=file) as new:
        new.write(b"text")
        (tmp_path / "folder").rename(tmp_path / "moved")
        (tmp_path / "folder").mkdir()
        new.place()
    assert names(tmp_path / "moved") == ["target"]
    assert names(tmp_path / "folder") == []


def test_a_system_that_writes_less_than_asked_for(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:7]))
    placed(tmp_path / "target", source, bytes(range(100)))
    assert (tmp_path / "target").read_bytes() == bytes(range(100))


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, step: str, there: bool  # noqa: FBT001  # a table
) -> None:  # fmt: skip
    target = tmp_path / "target"
    if there:
        target.write_bytes(b"before")
    before = names(tmp_path)
    real = os.open

    def fails(*arguments: object, **named: object) -> int:
        if step == "open" and "dir_fd" not in named:
            return real(*arguments, **named)  # type: ignore[arg-type]  # as it came
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(OSError, match="Input/output error"):
        placed(target, source, b"after")
    assert names(tmp_path) == before
    assert not there or target.read_bytes() == b"before"


@pytest.mark.parametrize("there", [False, True])
def test_a_failure_after_the_name_was_given(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, there: bool  # noqa: FBT001  # a table
) -> None:  # fmt: skip
    """A new file goes again; one that replaced another is whole and stays."""
    target = tmp_path / "target"
    if there:
        target.write_bytes(b"before")
    real = os.fsync

    def fails(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output error"):
        placed(target, source, b"after")
    assert names(tmp_path) == (["source", "target"] if there else ["source"])
    assert not there or target.read_bytes() == b"after"


def test_somebody_else_s_file_is_not_removed(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target"

    def placed_and_replaced() -> None:
        with SourceFile(source) as file, NewFile(target, source=file) as new:
            new.place()
            target.unlink()
            target.write_bytes(b"theirs")
            raise KeyError

    with pytest.raises(KeyError):
        placed_and_replaced()
    assert target.read_bytes() == b"theirs"


def test_a_part_that_somebody_removed(tmp_path: Path, source: Path) -> None:
    def removed() -> None:
        with SourceFile(source) as file, NewFile(tmp_path / "target", source=file):
            (part,) = tmp_path.glob(".siegel-*.part")
            part.unlink()
            raise KeyError

    with pytest.raises(KeyError):
        removed()
    assert names(tmp_path) == ["source"]


def test_all_descriptors_are_closed(tmp_path: Path, source: Path) -> None:
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208  # /dev/fd is no folder of files
    (tmp_path / "folder").mkdir()
    for target in ("target", "folder", "nowhere/target"):
        try:
            placed(tmp_path / target, source, b"after")
        except (InvalidArgument, FileNotFoundError):
            assert target != "target"
    for other in (tmp_path / "folder", Path("/dev/null")):
        with pytest.raises(InvalidArgument):
            SourceFile(other)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208  # as above
