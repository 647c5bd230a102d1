"""STO-10: an anchor remembers, and never goes back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from siegel.errors import StoreError
from siegel.store.anchor import CallbackAnchor, FileAnchor

ONE, OTHER = b"1" * 32, b"2" * 32


def test_a_new_file_knows_nothing_and_then_what_it_was_told(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "anchor")
    assert anchor.get() is None
    anchor.advance(7, ONE)
    assert anchor.get() == (7, ONE)
    assert FileAnchor(str(tmp_path / "anchor")).get() == (7, ONE)
    assert (tmp_path / "anchor").read_bytes() == (7).to_bytes(8, "big") + ONE


def test_an_anchor_never_goes_back(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "anchor")
    anchor.advance(7, ONE)
    anchor.advance(6, OTHER)
    anchor.advance(7, OTHER)
    assert anchor.get() == (7, ONE)
    anchor.advance(8, OTHER)
    assert anchor.get() == (8, OTHER)


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    FileAnchor(tmp_path / "anchor").advance(1, ONE)
    assert stat.S_IMODE((tmp_path / "anchor").stat().st_mode) == 0o600


def test_a_file_that_was_made_and_not_written_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / "anchor").touch()
    assert FileAnchor(tmp_path / "anchor").get() is None


@pytest.mark.parametrize("data", [b"x", bytes(39), bytes(41)], ids=len)
def test_another_file_is_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "anchor").write_bytes(data)
    with pytest.raises(StoreError):
        FileAnchor(tmp_path / "anchor").get()
    with pytest.raises(StoreError):
        FileAnchor(tmp_path / "anchor").advance(9, ONE)
    assert (tmp_path / "anchor").read_bytes() == data


def test_what_the_system_says_is_a_store_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "anchor"):
        with pytest.raises(StoreError):
            FileAnchor(path).advance(1, ONE)


def test_the_file_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: kept.append(os.fstat(file).st_ino))
    anchor = FileAnchor(tmp_path / "anchor")
    anchor.advance(1, ONE)
    file, folder = (tmp_path / "anchor").stat().st_ino, tmp_path.stat().st_ino
    assert kept == [file, folder]
    anchor.advance(2, OTHER)
    assert kept[2:] == [file]


def test_an_anchor_of_functions() -> None:
    told: list[tuple[int, bytes]] = []
    anchor = CallbackAnchor(
        lambda: told[-1] if told else None, lambda sequence, digest: told.append((sequence, digest))
    )
    assert anchor.get() is None
    anchor.advance(3, ONE)
    assert anchor.get() == (3, ONE)
