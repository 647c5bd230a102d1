"""store export and restore."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from siegel.store.store import Store
from tests.cli.conftest import Run
from tests.cli.terminal import siegel_in_terminal, written
from tests.cli.test_progress import SLOWLY
from tests.people import person

ADA, BEN = ("-i", "ada.key"), ("-i", "ben.key")


@pytest.fixture
def cabinet(notice: Path, run: Run) -> Path:
    """``cabinet.db`` with a note and a message of a scope, and Ben's empty ``other.db``."""
    path = notice.with_name("cabinet.db")
    with Store.open(path, key=person("ada")) as store:
        store.collection("notes").put("monday", b"lunch")
        store.collection("messages", scope="care-team").put("17", b"hello")
    assert run("store", "create", "other.db", *BEN).status == 0
    return path


def test_there_and_back(cabinet: Path, run: Run) -> None:
    done = run("store", "export", "cabinet.db", *ADA, "--export-words", "w", "-o", "all")
    assert done.status == 0
    assert done.err.startswith("wrote everything to all: ")
    assert b"lunch" not in Path("all").read_bytes()
    assert stat.S_IMODE(Path("all").stat().st_mode) == 0o600
    for count in ("2 records", "0 records"):
        taken = run("store", "restore", "other.db", "all", *BEN, "--export-words", "w")
        assert taken.err.startswith(f"took over {count} from all")
    assert run("store", "get", "other.db", "notes", "monday", *BEN).out == b"lunch"


def test_of_a_scope(cabinet: Path, run: Run) -> None:
    words = ("--scope", "care-team", "--export-identity", "ben.key", "-o", "part")
    assert run("store", "export", "cabinet.db", *ADA, *words).status == 0
    assert run("store", "restore", "other.db", "part", *BEN, "--export-identity", "ben.key").status == 0
    assert run("store", "ls", "other.db", *BEN).out == b"messages  1 record\n"


def test_a_scope_that_is_not_there(cabinet: Path, office: Path, run: Run) -> None:
    before = written(office)
    words = ("--scope", "care-taem", "--readable", "-o", "part")
    assert "there is no scope care-taem" in run("store", "export", "cabinet.db", *ADA, *words).err
    assert written(office) == before


def test_readable_is_warned_of(cabinet: Path, run: Run) -> None:
    done = run("store", "export", "cabinet.db", *ADA, "--readable", "-o", "all.jsonl")
    assert done.err == (
        "siegel: warning: all.jsonl is not encrypted: whoever gets it reads all of it\n"
        "wrote 2 records to all.jsonl, readable\n"
    )
    lines = [json.loads(line) for line in Path("all.jsonl").read_text().splitlines()]
    assert {line["key"] for line in lines} == {"monday", "17"}
    assert stat.S_IMODE(Path("all.jsonl").stat().st_mode) == 0o600


def test_its_passphrase_is_typed_twice_and_asked_for_again(cabinet: Path, office: Path) -> None:
    phrase = b"correct horse\n"
    steps = [(b"new passphrase of all: ", phrase), (b"the same again: ", phrase)]
    status, screen = siegel_in_terminal("store", "export", "cabinet.db", *ADA, "-o", "all", then=steps, cwd=office)
    assert status == 0
    assert "correct horse" not in screen
    steps = [(b"passphrase of all: ", phrase)]
    status, screen = siegel_in_terminal("store", "restore", "other.db", "all", *BEN, then=steps, cwd=office)
    assert status == 0
    assert "took over 2 records" in screen


@pytest.mark.parametrize("name", ["cabinet.db", "./cabinet.db", "cabinet.db-wal"])
def test_an_export_never_takes_the_store_s_place(cabinet: Path, run: Run, name: str) -> None:
    before = cabinet.read_bytes()
    done = run("store", "export", "cabinet.db", *ADA, "--readable", "-f", "-o", name)
    assert done.status == 2
    assert cabinet.read_bytes() == before


def test_an_existing_file_is_kept(cabinet: Path, run: Run) -> None:
    done = run("store", "export", "cabinet.db", *ADA, "--readable", "-o", "notice.txt")
    assert done.err == "siegel: error: notice.txt exists already (-f overwrites it)\n"


def test_what_is_readable_has_no_key(cabinet: Path, run: Run) -> None:
    words = ("--readable", "--export-identity", "ben.key", "-o", "x")
    assert run("store", "export", "cabinet.db", *ADA, *words).status == 2


@pytest.mark.parametrize("at", [0, 20, 300, -1])
def test_a_damaged_export_changes_nothing(cabinet: Path, run: Run, at: int) -> None:
    assert run("store", "export", "cabinet.db", *ADA, "--export-identity", "ben.key", "-o", "all").status == 0
    data = bytearray(Path("all").read_bytes())
    data[at] ^= 1
    Path("all").write_bytes(data)
    done = run("store", "restore", "other.db", "all", *BEN, "--export-identity", "ben.key")
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert run("store", "ls", "other.db", *BEN).out == b""


@pytest.mark.parametrize(("name", "what"), [("nothing", "No such file"), ("notice.txt", "notice.txt is not")])
def test_what_is_no_export(cabinet: Path, run: Run, name: str, what: str) -> None:
    done = run("store", "restore", "other.db", name, *BEN, "--export-identity", "ben.key")
    assert done.status == 1
    assert what in done.err


def test_a_key_of_another_export(cabinet: Path, run: Run) -> None:
    assert run("store", "export", "cabinet.db", *ADA, "--export-identity", "ben.key", "-o", "all").status == 0
    done = run("store", "restore", "other.db", "all", *BEN, "--export-identity", "eva.key")
    assert done.err == "siegel: error: this key does not open all (try another key; nothing was changed)\n"


def test_long_work_shows_how_far_it_is(cabinet: Path, office: Path) -> None:
    words = ("--export-identity", "ben.key")
    _, screen = siegel_in_terminal(
        "store", "export", "cabinet.db", *ADA, *words, "-o", "all", cwd=office, program=SLOWLY, columns=100
    )
    assert "\rexporting 100 %" in screen
    _, screen = siegel_in_terminal(
        "store", "restore", "other.db", "all", *BEN, *words, cwd=office, program=SLOWLY, columns=100
    )
    assert "\rrestoring " in screen
    assert screen.split("\r")[-1].startswith("took over 2 records from all")
