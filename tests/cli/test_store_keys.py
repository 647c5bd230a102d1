"""What opens a store, as a person hands it over; and that no passphrase and no key is ever to be seen."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from siegel.store.keys import FLOOR, Argon2Cost, Passphrase
from siegel.store.store import Store
from tests.cli.conftest import Run
from tests.cli.terminal import SIEGEL, siegel, siegel_in_terminal, written

PHRASE = "correct horse battery"


@pytest.fixture
def cabinet(office: Path) -> Path:
    """``cabinet.db``, which a passphrase opens."""
    Store.create(office / "cabinet.db", key=Passphrase(PHRASE), cost=FLOOR).close()
    return office / "cabinet.db"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe; whoever closes one puts it out of the test's reach."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def said(pipe: tuple[int, int], data: bytes) -> str:
    """The number of a descriptor from which these bytes come."""
    os.write(pipe[1], data)
    os.close(pipe[1])
    return str(pipe[0])


# --- passphrases -----------------------------------------------------------------------------------------------------


def test_a_new_passphrase_is_typed_twice_and_not_shown(office: Path) -> None:
    typed = f"{PHRASE}\n".encode()
    steps = [(b"new passphrase of new.db: ", typed), (b"the same again: ", typed)]
    status, screen = siegel_in_terminal("store", "create", "new.db", then=steps, cwd=office)
    assert status == 0
    assert PHRASE not in screen
    assert "the same again: " in screen
    Store.open(office / "new.db", key=Passphrase(PHRASE)).close()


def test_two_that_differ_make_nothing(office: Path) -> None:
    before = written(office)
    steps = [(b"new passphrase of new.db: ", b"one of them\n"), (b"the same again: ", b"the other\n")]
    status, screen = siegel_in_terminal("store", "create", "new.db", then=steps, cwd=office)
    assert status == 1
    assert screen.endswith("siegel: error: the two passphrases differ (try again)\n")
    assert written(office) == before


def test_it_is_asked_for_once_to_open(cabinet: Path, office: Path) -> None:
    status, screen = siegel_in_terminal(
        "store", "open", "cabinet.db", typed=f"{PHRASE}\n".encode(), after=b"passphrase of cabinet.db: ", cwd=office
    )
    assert status == 0
    assert "passphrase  a guess takes 19 MiB, 2 passes" in screen
    assert PHRASE not in screen


def test_it_is_asked_for_on_the_terminal_while_the_value_comes_through_a_pipe(cabinet: Path, office: Path) -> None:
    code = "import subprocess, sys; sys.exit(subprocess.run([*%r, *sys.argv[1:]], input=b'hello\\n').returncode)"
    program = (sys.executable, "-c", code % (SIEGEL,))
    status, screen = siegel_in_terminal(
        *("store", "put", "cabinet.db", "notes", "monday"),
        typed=f"{PHRASE}\n".encode(),
        after=b"passphrase of cabinet.db: ",
        cwd=office,
        program=program,
    )
    assert status == 0
    assert screen.endswith("wrote 6 bytes to monday, revision 1\n")


def test_without_a_terminal_nobody_is_asked(cabinet: Path, run: Run) -> None:
    done = run("store", "open", "cabinet.db", stdin=PHRASE.encode())
    assert done.status == 2
    assert done.err.startswith("siegel: error: there is no terminal to ask for a passphrase (name a key with -i, ")


@pytest.mark.parametrize("line", [f"{PHRASE}\n", PHRASE, f"{PHRASE}\r\nmore"])
def test_it_comes_from_a_descriptor(cabinet: Path, run: Run, pipe: tuple[int, int], line: str) -> None:
    assert run("store", "ls", "cabinet.db", "--passphrase-fd", said(pipe, line.encode())).status == 0


def test_two_come_from_one_descriptor(cabinet: Path, run: Run, pipe: tuple[int, int]) -> None:
    descriptor = said(pipe, f"{PHRASE}\nanother one\n".encode())
    words = ("--passphrase-fd", descriptor, "--new-passphrase-fd", descriptor)
    assert run("store", "slots", "add", "cabinet.db", *words).status == 0
    Store.open(cabinet, key=Passphrase("another one")).close()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"\n", "the passphrase: a passphrase is text that is not empty (choose another one)"),
        (b"   \n", "the passphrase: a passphrase is text that is not empty (choose another one)"),
        (b"\xff\n", "the passphrase is not UTF-8 (write it as UTF-8)"),
        (b"x" * 5_000, "the passphrase: a passphrase has at most 1024 bytes of UTF-8 (choose another one)"),
        (b"wrong\n", "cabinet.db: this key does not open the store (try another key; nothing was changed)"),
    ],
)
def test_one_that_is_none(cabinet: Path, run: Run, pipe: tuple[int, int], line: bytes, what: str) -> None:
    done = run("store", "open", "cabinet.db", "--passphrase-fd", said(pipe, line))
    assert done == (1, b"", f"siegel: error: {what}\n")


def test_a_terminal_is_no_descriptor_for_it(cabinet: Path, office: Path) -> None:
    status, screen = siegel_in_terminal("store", "open", "cabinet.db", "--passphrase-fd", "0", cwd=office)
    assert status == 2
    assert "which shows what is typed (leave --passphrase-fd out)" in screen


def test_a_descriptor_that_is_not_there(cabinet: Path, run: Run) -> None:
    done = run("store", "open", "cabinet.db", "--passphrase-fd", "987")
    assert done.status == 1
    assert "cannot read a passphrase from descriptor 987: Bad file descriptor" in done.err


def test_a_new_one_costs_what_the_library_says(office: Path, run: Run, pipe: tuple[int, int]) -> None:
    assert run("store", "create", "new.db", "--passphrase-fd", said(pipe, b"something\n")).status == 0
    with Store.open(office / "new.db", key=Passphrase("something")) as store:
        assert [slot.cost for slot in store.slots()] == [Argon2Cost()]


# --- files and words -------------------------------------------------------------------------------------------------


def test_a_file_of_32_bytes(office: Path, run: Run) -> None:
    Path("store.key").touch(0o600)
    Path("store.key").write_bytes(bytes(range(32)))
    assert run("store", "create", "new.db", "--key-file", "store.key").err.startswith("made new.db")
    assert run("store", "ls", "new.db", "--key-file", "store.key") == (0, b"", "")
    Path("store.key").chmod(0o644)
    assert "store.key is open to other users" in run("store", "ls", "new.db", "--key-file", "store.key").err


@pytest.mark.parametrize("data", [b"", bytes(32), b"x" * 31, b"x" * 33])
def test_a_file_of_anything_else(office: Path, run: Run, data: bytes) -> None:
    Path("store.key").write_bytes(data)
    before = written(office)
    done = run("store", "create", "new.db", "--key-file", "store.key")
    assert done.status == 1
    assert "store.key is not a file of 32 random bytes" in done.err
    assert written(office) == before


def test_recovery_words_are_made_and_read_back(notice: Path, office: Path, run: Run) -> None:
    assert run("store", "slots", "add", "cabinet.db", "-i", "ada.key", "--new-words", "w").status == 0
    assert stat.S_IMODE(Path("w").stat().st_mode) == 0o600
    assert run("store", "ls", "cabinet.db", "--words", "w").status == 0
    assert run("store", "ls", "cabinet.db", "--words", "-", stdin=Path("w").read_bytes()).status == 0
    words = " ".join(Path("w").read_text().splitlines()[1:])
    status, screen = siegel_in_terminal(
        *("store", "ls", "cabinet.db", "--words", "-"), typed=f"{words}\n".encode(), after=b"24 words", cwd=office
    )
    assert (status, screen) == (0, "24 words, on one line (not shown): \n")


def test_a_store_may_be_made_with_words_alone(office: Path, run: Run) -> None:
    done = run("store", "create", "new.db", "--new-words", "w")
    assert done.status == 0
    assert done.err.endswith("w holds the words that open it: whoever reads them can\n")
    assert not any(word in done.err for word in Path("w").read_text().splitlines()[1:])
    assert run("store", "ls", "new.db", "--words", "w").status == 0


def test_wrong_words_are_not_repeated(notice: Path, run: Run) -> None:
    Path("w").write_text("qwertz " * 24)
    done = run("store", "ls", "cabinet.db", "--words", "w")
    assert done.status == 1
    assert done.err.endswith("(check the words and their order)\n")
    assert "qwertz" not in done.err


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    done = siegel("store", "open", "postgresql://ada:hunter2@localhost/x", "-i", "ada.key")
    assert done.status == 2
    assert "a password stands on the command line" in done.err
    assert "hunter2" not in done.err
