"""store create, open, put, get, ls; anchors, and what is said of a store that was put back."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from siegel.store.store import Store
from tests.cli.conftest import NOW, Run
from tests.cli.terminal import siegel, siegel_in_terminal, written
from tests.people import person

ADA = ("-i", "ada.key")


@pytest.fixture
def cabinet(notice: Path, run: Run) -> Path:
    """``cabinet.db`` with a note, and a message of a scope."""
    assert run("store", "put", "cabinet.db", "notes", "monday", *ADA, stdin=b"lunch\n").status == 0
    words = ("messages", "17", "notice.txt", "--scope", "care-team")
    assert run("store", "put", "cabinet.db", *words, *ADA).status == 0
    return notice.with_name("cabinet.db")


# --- there and back --------------------------------------------------------------------------------------------------


def test_a_store_from_its_beginning(office: Path) -> None:
    made = siegel("store", "create", "new.db", *ADA, cwd=office)
    assert made == (0, b"", "made new.db, which one key opens; 'siegel store slots add' gives it a second one\n")
    assert stat.S_IMODE((office / "new.db").stat().st_mode) == 0o600
    wrote = siegel("store", "put", "new.db", "notes", "monday", *ADA, stdin=b"lunch\n", cwd=office)
    assert wrote == (0, b"", "wrote 6 bytes to monday, revision 1\n")
    assert siegel("store", "get", "new.db", "notes", "monday", *ADA, cwd=office) == (0, b"lunch\n", "")
    assert b"lunch" not in (office / "new.db").read_bytes()


def test_values_of_any_bytes_and_keys_of_bytes(cabinet: Path, run: Run) -> None:
    data = os.urandom(100_000)
    Path("value").write_bytes(data)
    assert run("store", "put", "cabinet.db", "keys", "0x00ff", "value", "--hex", *ADA).status == 0
    done = run("store", "get", "cabinet.db", "keys", "00FF", "--hex", "-o", "back", *ADA)
    assert done == (0, b"", "wrote 100,000 bytes to back, revision 1\n")
    assert Path("back").read_bytes() == data
    assert run("store", "ls", "cabinet.db", "keys", *ADA).out == b"0x00ff\n"


def test_accents_typed_apart_are_the_same_key(cabinet: Path, run: Run) -> None:
    assert run("store", "put", "cabinet.db", "notes", "e\u0301", "notice.txt", *ADA).status == 0
    assert run("store", "get", "cabinet.db", "notes", "\u00e9", *ADA).status == 0


def test_scopes_are_apart(cabinet: Path, run: Run) -> None:
    assert run("store", "get", "cabinet.db", "messages", "17", *ADA).status == 1
    assert run("store", "get", "cabinet.db", "messages", "17", "--scope", "care-team", *ADA).status == 0
    assert run("store", "ls", "cabinet.db", "messages", *ADA).out == b""
    assert run("store", "ls", "cabinet.db", "messages", "--scope", "care-team", *ADA).out == b"17\n"


def test_a_record_is_replaced_only_with_force(cabinet: Path, run: Run) -> None:
    words = ("store", "put", "cabinet.db", "notes", "monday", *ADA)
    assert run(*words, stdin=b"x") == (1, b"", "siegel: error: monday is there already (-f replaces it)\n")
    assert run(*words, "-f", stdin=b"x").err == "wrote 1 byte to monday, revision 2\n"


def test_what_is_replaced_keeps_its_expiry_and_what_it_is_found_by(cabinet: Path, run: Run) -> None:
    later = NOW + 86_400_000
    with Store.open(cabinet, key=person("ada")) as store:
        store.collection("visits", index=["room"]).put("a", b"1", index={"room": "7"}, expires=later)
    assert run("store", "put", "cabinet.db", "visits", "a", "-f", *ADA, stdin=b"2").status == 0
    with Store.open(cabinet, key=person("ada")) as store:
        (record,) = store.collection("visits", index=["room"]).find(room="7")
    assert (record.value, record.expires, record.revision) == (b"2", later, 2)


def test_get_looks_before_it_makes(cabinet: Path, run: Run) -> None:
    assert "there is no collection nots" in run("store", "get", "cabinet.db", "nots", "monday", *ADA).err
    assert "there is no record tuesday" in run("store", "get", "cabinet.db", "notes", "tuesday", *ADA).err
    assert run("store", "ls", "cabinet.db", *ADA).out == b"messages  1 record\nnotes     1 record\n"


@pytest.mark.parametrize("command", ["put", "get", "ls"])
def test_what_is_the_library_s_own_is_out_of_reach(cabinet: Path, run: Run, command: str) -> None:
    key = () if command == "ls" else ("x",)
    assert run("store", command, "cabinet.db", "siegel/scopes", *key, *ADA, stdin=b"x").status == 1


def test_a_value_that_is_too_large(cabinet: Path, run: Run) -> None:
    done = run("store", "put", "cabinet.db", "notes", "film", *ADA, stdin=bytes(2**24 + 1))
    assert done.status == 1
    assert "larger than 16 MiB, the most that one record holds" in done.err


def test_one_input_is_not_both(cabinet: Path, run: Run) -> None:
    for words in (("--passphrase-fd", "0"), ("--words", "-")):
        assert run("store", "put", "cabinet.db", "notes", "x", *words, stdin=b"x").status == 2


def test_a_binary_value_does_not_go_to_a_terminal(cabinet: Path, office: Path, run: Run) -> None:
    assert run("store", "put", "cabinet.db", "notes", "film", *ADA, stdin=b"\x1b[2J").status == 0
    status, screen = siegel_in_terminal("store", "get", "cabinet.db", "notes", "film", *ADA, cwd=office)
    assert status == 1
    assert "\x1b" not in screen


# --- what it is ------------------------------------------------------------------------------------------------------


def test_open_says_what_it_is(cabinet: Path, run: Run) -> None:
    lines = run("store", "open", "cabinet.db", *ADA).out.decode().splitlines()
    assert lines[0].startswith("store ")
    assert lines[1] == "anchor: none; an older copy of the whole database is not noticed"
    assert lines[4] == "1 of 8 slots"
    assert lines[5].endswith("  identity")
    assert lines[7:] == [
        "2 collections, 2 records", "  messages  1 record", "  notes     1 record", "", "1 scope", "  care-team"
    ]  # fmt: skip


def test_open_for_a_program(cabinet: Path, run: Run) -> None:
    facts = json.loads(run("store", "open", "cabinet.db", *ADA, "--json").out)
    assert [entry["records"] for entry in facts["collections"]] == [1, 1]
    assert facts["scopes"] == [{"name": "care-team", "held_since": None}]
    assert (facts["anchor"], facts["slots"][0]["kind"]) == ("none", "identity")
    (key,) = map(json.loads, run("store", "ls", "cabinet.db", "notes", *ADA, "--json").out.splitlines())
    assert (key["key"], key["revision"], key["bytes"]) == ("monday", 1, 6)
    beside = json.loads(run("store", "get", "cabinet.db", "notes", "monday", *ADA, "--json").err)
    assert (beside["key"], beside["bytes"], beside["file"]) == ("monday", 6, None)


def test_there_is_one_store_in_a_database(cabinet: Path, run: Run) -> None:
    done = run("store", "create", "cabinet.db", *ADA)
    assert done.err == "siegel: error: there is a store in cabinet.db already ('siegel store open' opens it)\n"


@pytest.mark.parametrize("name", ["nothing.db", "ada.key", "staff"])
def test_what_is_no_store(cabinet: Path, run: Run, name: str) -> None:
    before = written(cabinet.parent)
    done = run("store", "open", name, *ADA)
    assert done.status == 1
    assert done.err.startswith(f"siegel: error: {name}: ")
    assert len(done.err.splitlines()) == 1
    assert written(cabinet.parent) == before


# --- anchors ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def put_back(office: Path, run: Run) -> tuple[str, ...]:
    """``safe.db``, an older copy of what its anchor followed; the words that open it."""
    words = ("safe.db", *ADA, "--anchor", "anchor")
    assert run("store", "create", *words).status == 0
    shutil.copy("safe.db", "older.db")
    assert run("store", "put", "safe.db", "notes", "monday", "notice.txt", *words[1:]).status == 0
    shutil.copy("older.db", "safe.db")
    return words


def test_an_older_copy_is_told_with_what_to_do(put_back: tuple[str, ...], run: Run) -> None:
    for command in ("open", "ls", "rotate", "verify"):
        done = run("store", command, *put_back)
        assert done.status == 1
        assert done.out == b""
        assert done.err.startswith("siegel: error: safe.db: the store is at transaction 1, and was at ")
        assert "an older copy was put back" in done.err
        assert "--acknowledge-restore" in done.err
    error = json.loads(run("store", "open", *put_back, "--json").err)["error"]
    assert error["code"] == "rollback-detected"


def test_it_can_be_read_as_it_is(put_back: tuple[str, ...], run: Run) -> None:
    done = run("store", "open", *put_back, "--read-only")
    assert done.status == 0
    assert "siegel: warning: safe.db is read as it is" in done.err
    assert b"anchor: not required to agree (--read-only)" in done.out
    assert run("store", "open", *put_back).status == 1


def test_a_person_may_say_that_it_is_meant(put_back: tuple[str, ...], run: Run) -> None:
    done = run("store", "open", *put_back, "--acknowledge-restore")
    assert done.status == 0
    assert b"restores: 1\n" in done.out
    assert run("store", "put", *put_back[:1], "notes", "x", "notice.txt", *put_back[1:]).status == 0
    again = run("store", "open", *put_back, "--acknowledge-restore")
    assert again.err == "siegel: error: safe.db: no rollback was detected (correct what the message names)\n"


def test_an_anchor_that_is_not_named_is_warned_of(put_back: tuple[str, ...], run: Run) -> None:
    done = run("store", "open", *put_back[:3])
    assert done.err == "siegel: warning: an anchor follows safe.db; without --anchor an older copy is not noticed\n"
    assert b"anchor: one follows this store, and was not asked" in done.out


def test_an_anchor_is_of_one_store(put_back: tuple[str, ...], run: Run) -> None:
    done = run("store", "create", "other.db", *ADA, "--anchor", "anchor")
    assert done.err == "siegel: error: anchor exists already (each store has an anchor of its own)\n"
    assert not Path("other.db").exists()
