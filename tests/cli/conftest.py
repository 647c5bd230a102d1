"""A company of three on disk, and the command run inside this process."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from siegel import Identity
from siegel._core.instants import DAY
from siegel.cli import main
from siegel.cli.people import key_file
from tests.cli.terminal import Result
from tests.people import person

NOW = time.time_ns() // 1_000_000
PEOPLE = ("ada", "ben", "eva")

Run = Callable[..., Result]


class Stream(io.TextIOWrapper):
    """A standard stream whose bytes can be read back."""

    def __init__(self, data: bytes = b"") -> None:
        self.bytes = io.BytesIO(data)
        super().__init__(self.bytes, encoding="utf-8", newline="")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command ``siegel`` with these words, inside this process."""

    def command(*words: str | Path, stdin: bytes = b"") -> Result:
        out, err = Stream(), Stream()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Stream(stdin))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main([str(word) for word in words])
        out.flush()
        err.flush()
        return Result(status, out.bytes.getvalue(), err.bytes.getvalue().decode())

    return command


def write_key(path: Path, identity: Identity) -> None:
    path.write_bytes(key_file(identity, created_at=NOW))
    path.chmod(0o600)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: ``ada.key``, ``ben.key``, ``eva.key``, ``staff/ada.pub`` …, ``notice.txt``."""
    (tmp_path / "staff").mkdir()
    for name in PEOPLE:
        write_key(tmp_path / f"{name}.key", person(name))
        (tmp_path / "staff" / f"{name}.pub").write_bytes(person(name).public(at=NOW - DAY).encode())
    (tmp_path / "notice.txt").write_bytes(b"The works meeting is on Friday.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def notice(office: Path, run: Run) -> Path:
    """``notice.sealed``: from Ada to Ada and Ben; ``notice.enc``, with its reference; the store ``cabinet.db``."""
    done = run("seal", "notice.txt", "-r", "staff/ada.pub", "staff/ben.pub", "-i", "ada.key", "-o", "notice.sealed")
    assert done.status == 0
    assert run("encrypt-file", "notice.txt", "-o", "notice.enc").status == 0
    assert run("store", "create", "cabinet.db", "-i", "ada.key").status == 0
    return office / "notice.sealed"
