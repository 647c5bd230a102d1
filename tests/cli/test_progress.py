"""The bar: when it shows, what it says, that its line does not break, and that it goes away."""

from __future__ import annotations

import errno
import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel.cli import progress
from siegel.cli.progress import picture
from siegel.cli.terminal import Console
from tests.cli.terminal import siegel, siegel_in_terminal, written

# The command, where every step is shown at once and takes STEP seconds.
SLOWLY = (
    sys.executable,
    "-c",
    """
import os, sys, time
from siegel.cli import main, progress
progress._PATIENCE = progress._PAUSE = 0
show = progress.ProgressBar._show
def slowly(*words):
    show(*words)
    time.sleep(float(os.environ.get("STEP", "0")))
progress.ProgressBar._show = slowly
sys.exit(main())
""",
)
WORDS = ("encrypt-file", "film", "-o", "film.enc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ``film`` of 12 MiB."""
    with (tmp_path / "film").open("wb") as film:
        film.truncate(12 * 2**20)
    return tmp_path


@given(st.integers(0, 2**50), st.integers(1, 2**50), st.floats(0.01, 10**6), st.integers(1, 300))
def test_the_line_does_not_break(done: int, more: int, seconds: float, width: int) -> None:
    text, bar = picture("encrypting", done, done + more, seconds, width=width)
    assert len(text) + len(bar) < width
    assert set(bar) <= set("#.")
    assert "\n" not in text


def test_what_it_says() -> None:
    text, bar = picture("encrypting", 250_000_000, 1_000_000_000, 2.0, width=80)
    assert text == "encrypting  25 %  125 MB/s, 0:06 left  "
    assert bar == "##########" + "." * 30
    assert picture("encrypting", 1, 4, 2.0, width=30) == ("encrypting  25 %  ", "##.........")
    assert picture("encrypting", 1, 4, 2.0, width=18) == (" 25 %  ", "##........")
    assert picture("encrypting", 1, 4, 2.0, width=10) == ("25 %", "")
    assert picture("encrypting", 0, 4, 2.0, width=80)[0].endswith("0:00 left  ")


def test_on_a_terminal_it_comes_and_goes(folder: Path) -> None:
    status, screen = siegel_in_terminal(*WORDS, cwd=folder, program=SLOWLY, columns=100)
    assert status == 0
    pictures = screen.split("\r")
    assert len(pictures) > 10
    assert re.match(r"encrypting +\d+ % .* left +\x1b\[32m#+\x1b\[0m\.+", pictures[6])
    assert pictures[-2].strip() == ""
    assert pictures[-1].startswith("encrypted 12,582,912 bytes: film.enc has ")


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_no_colour_where_it_is_not_wanted(folder: Path, setting: dict[str, str]) -> None:
    status, screen = siegel_in_terminal(*WORDS, cwd=folder, program=SLOWLY, setting=setting)
    assert status == 0
    assert "\x1b" not in screen
    assert "#" in screen


@pytest.mark.parametrize("columns", [1, 5, 12, 20, 40])
def test_on_a_narrow_terminal(folder: Path, columns: int) -> None:
    status, screen = siegel_in_terminal(*WORDS, cwd=folder, program=SLOWLY, columns=columns, setting={"NO_COLOR": "1"})
    assert status == 0
    *pictures, _ = screen.split("\r")
    assert all(len(one) < columns for one in pictures)


def test_work_within_a_second_shows_none(folder: Path) -> None:
    (folder / "film").write_bytes(b"short")
    status, screen = siegel_in_terminal(*WORDS, cwd=folder)
    assert status == 0
    assert screen.startswith("encrypted 5 bytes")


def test_none_for_a_pipe_and_none_for_a_program(folder: Path) -> None:
    assert siegel(*WORDS, cwd=folder).err.startswith("encrypted 12,582,912 bytes")
    _, screen = siegel_in_terminal(*WORDS, "-f", "--json", cwd=folder, program=SLOWLY)
    assert screen.startswith('{"file": "film.enc"')


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (WORDS, b"encrypting"),
        (("decrypt-file", "given.enc", "-o", "back"), b"decrypting"),
        (("decrypt-file", "given.enc", "-o", "back", "--range", "0-"), b"decrypting"),
    ],
    ids=["encrypt", "decrypt", "range"],
)
def test_ctrl_c_leaves_nothing_behind(folder: Path, words: tuple[str, ...], after: bytes) -> None:
    assert siegel("encrypt-file", "film", "-o", "given.enc", cwd=folder).status == 0
    before = written(folder)
    status, screen = siegel_in_terminal(
        *words, typed=b"\x03", after=after, cwd=folder, program=SLOWLY, setting={"STEP": "30"}
    )
    assert status == 1
    assert screen.splitlines()[-1] == "siegel: error: interrupted"
    assert written(folder) == before


class Gone(io.StringIO):
    """A terminal that was closed: it has lost its width, and takes nothing."""

    def isatty(self) -> bool:
        return True

    def write(self, _: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("stream", [Gone(), None], ids=["gone", "closed"])
def test_work_goes_on_where_nobody_can_see_it(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    with progress.ProgressBar(Console(as_json=False), "encrypting") as bar:
        for done in range(10):
            bar(done, 10)
