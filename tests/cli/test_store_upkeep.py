"""store slots, rotate, erase, verify."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from siegel.store.store import Store
from tests.cli.conftest import Run
from tests.cli.terminal import siegel_in_terminal
from tests.cli.test_progress import SLOWLY
from tests.people import person

ADA = ("-i", "ada.key")


@pytest.fixture
def cabinet(notice: Path) -> Path:
    """``cabinet.db`` with 20 messages of a scope."""
    path = notice.with_name("cabinet.db")
    with Store.open(path, key=person("ada")) as store:
        store.collection("messages", scope="care-team").put_many([(str(n), b"hello") for n in range(20)])
    return path


# --- slots and keys --------------------------------------------------------------------------------------------------


def test_slots_come_and_go(cabinet: Path, run: Run) -> None:
    added = run("store", "slots", "add", "cabinet.db", *ADA, "--new-identity", "ben.key")
    assert added.status == 0
    assert added.err.endswith(": 2 keys open cabinet.db\n")
    ours, theirs = run("store", "slots", "list", "cabinet.db", "-i", "ben.key").out.decode().splitlines()
    assert ours.endswith("  identity")
    done = run("store", "slots", "remove", "cabinet.db", "-i", "ben.key", ours[:12])
    assert done.err.splitlines()[0] == f"removed the slot {ours.split()[0]} (identity): 1 slot left"
    assert run("store", "ls", "cabinet.db", *ADA).status == 1
    assert run("store", "ls", "cabinet.db", "-i", "ben.key").status == 0
    last = run("store", "slots", "remove", "cabinet.db", "-i", "ben.key", theirs[:12])
    assert last.status == 1


def test_a_slot_that_is_none(cabinet: Path, run: Run) -> None:
    done = run("store", "slots", "remove", "cabinet.db", *ADA, "xyz")
    assert done.err == ("siegel: error: no slot begins with 'xyz' ('siegel store slots list' shows their ids)\n")


def test_slots_for_a_program(cabinet: Path, run: Run) -> None:
    facts = json.loads(run("store", "slots", "list", "cabinet.db", *ADA, "--json").out)
    assert (facts["kind"], facts["cost"], len(facts["id"])) == ("identity", None, 32)


def test_rotate(cabinet: Path, run: Run) -> None:
    done = run("store", "rotate", "cabinet.db", *ADA)
    assert done == (0, b"", "wrapped every data key anew, and forgot what wrapped them before\n")
    assert run("store", "verify", "cabinet.db", *ADA).out == b"20 records opened, nothing is wrong\n"


# --- erase -----------------------------------------------------------------------------------------------------------


def test_erasing_asks_and_reports(cabinet: Path, office: Path, run: Run) -> None:
    status, screen = siegel_in_terminal(
        *("store", "erase", "cabinet.db", "care-team", *ADA), typed=b"yes\n", after=b"Type yes: ", cwd=office
    )
    assert status == 0
    assert screen.startswith("Erase all of care-team in cabinet.db for good? Type yes: ")
    assert "data keys destroyed" in screen
    assert "Out of reach:\n- copies of the database" in screen
    assert run("store", "ls", "cabinet.db", "messages", "--scope", "care-team", *ADA).out == b""


@pytest.mark.parametrize("answer", [b"\n", b"y\n", b"no\n"])
def test_any_other_answer_erases_nothing(cabinet: Path, office: Path, run: Run, answer: bytes) -> None:
    status, screen = siegel_in_terminal(
        *("store", "erase", "cabinet.db", "care-team", *ADA), typed=answer, after=b"Type yes: ", cwd=office
    )
    assert status == 1
    assert screen.endswith("siegel: error: nothing was erased (type yes, or say --yes)\n")
    assert b"20 records" in run("store", "verify", "cabinet.db", *ADA).out


def test_nobody_is_there_to_ask(cabinet: Path, run: Run) -> None:
    done = run("store", "erase", "cabinet.db", "care-team", *ADA, stdin=b"yes\n")
    assert done.status == 2
    assert b"20 records" in run("store", "verify", "cabinet.db", *ADA).out


def test_erasing_for_a_program(cabinet: Path, run: Run) -> None:
    report = json.loads(run("store", "erase", "cabinet.db", "care-team", "--yes", "--json", *ADA).out)
    assert report["records"] >= 20
    assert report["undone"] == []
    again = run("store", "erase", "cabinet.db", "care-team", "--yes", *ADA)
    assert again.status == 0
    assert again.err == "siegel: warning: no records are known of a scope care-team\n"


def test_what_is_held_stays(cabinet: Path, run: Run) -> None:
    with Store.open(cabinet, key=person("ada")) as store:
        store.hold("care-team")
    done = run("store", "erase", "cabinet.db", "care-team", "--yes", *ADA)
    assert done.status == 1
    assert "a legal hold lies on the scope" in done.err
    assert b"care-team  held since 20" in run("store", "open", "cabinet.db", *ADA).out


# --- verify ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(cabinet: Path) -> Path:
    """One record of the messages has another byte, and another is gone."""
    database = sqlite3.connect(cabinet)
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    (table,) = [name for name in tables if _has_values(database, name)]
    rows = database.execute(f"SELECT rowid, value FROM {table} ORDER BY rowid DESC LIMIT 2").fetchall()  # noqa: S608  # ours
    (changed, value), (gone, _) = rows
    database.execute(f"UPDATE {table} SET value = ? WHERE rowid = ?", (value[:-1] + b"?", changed))  # noqa: S608  # ours
    database.execute(f"DELETE FROM {table} WHERE rowid = ?", (gone,))  # noqa: S608  # ours
    database.commit()
    database.close()
    return cabinet


def _has_values(database: sqlite3.Connection, table: str) -> bool:
    columns = {column for _, column, *_ in database.execute(f"PRAGMA table_info({table})")}
    return {"name", "revision", "value"} <= columns


def test_what_is_wrong_is_listed(damaged: Path, run: Run) -> None:
    done = run("store", "verify", "cabinet.db", *ADA)
    assert done.status == 1
    assert len(done.out.splitlines()) == 2
    assert done.out.startswith(b"messages  ")
    assert done.err.startswith("siegel: error: cabinet.db: 2 faults; 18 records opened (restore")
    error = json.loads(run("store", "verify", "cabinet.db", *ADA, "--json").err)["error"]
    assert error["code"] == "store-damaged"
    assert [fault["collection"] for fault in error["faults"]] == ["messages", "messages"]


def test_long_work_shows_how_far_it_is(cabinet: Path, office: Path) -> None:
    status, screen = siegel_in_terminal("store", "verify", "cabinet.db", *ADA, cwd=office, program=SLOWLY, columns=100)
    assert status == 0
    assert "\rverifying 100 %" in screen
    assert screen.split("\r")[-1] == "20 records opened, nothing is wrong\n"
