"""inspect and audit: what anybody can see, without a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from siegel import SealingKeys, inspect_envelope, letters, seal
from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel.cli.demo.server import with_ghost
from tests.cli.conftest import NOW, PEOPLE, Run
from tests.people import person

ADA, BEN, EVA = (person(name) for name in PEOPLE)


# --- inspect ---------------------------------------------------------------------------------------------------------


def test_a_table_of_who_can_open_it(notice: Path, run: Run) -> None:
    done = run("inspect", "notice.sealed", "-c", "staff/ada.pub")
    kind, named, blank, head, *rows = done.out.decode().splitlines()
    assert kind == "envelope to 2 recipients; content of 192 bytes, encrypted and padded"
    assert named == f"message id {inspect_envelope(notice.read_bytes()).message_id.hex()}"
    assert blank == ""
    columns = [head.index(title) for title in ("user id", "sealing key", "name")]
    found = {tuple(row[start:].split("  ")[0] for start in columns) for row in rows}
    assert found == {(str(ADA.user_id), "0, recoverable", "ada"), (str(BEN.user_id), "0, recoverable", "-")}
    assert [row[0] for row in rows] == ["1", "2"]
    assert done.err == ""


def test_without_contacts_there_is_no_column_of_names(notice: Path, run: Run) -> None:
    lines = run("inspect", "notice.sealed").out.decode().splitlines()
    assert lines[3].endswith("sealing key")
    assert lines[4].endswith("0, recoverable")


def test_inspect_as_json(notice: Path, run: Run) -> None:
    info = inspect_envelope(notice.read_bytes())
    facts = json.loads(run("inspect", "--json", "-c", "staff", "notice.sealed").out)
    assert facts == {
        "letter": False,
        "private": False,
        "recipient_count": 2,
        "recipients": [
            {"user_id": str(user_id), "sealing_number": 0, "name": {ADA.user_id: "ada", BEN.user_id: "ben"}[user_id]}
            for user_id, _ in info.recipients
        ],
        "body_bytes": 192,
        "message_id": info.message_id.hex(),
    }


def test_a_letter_is_said_to_be_one(run: Run) -> None:
    envelope = seal(b"x", sender=ADA, recipients=[BEN.public(), EVA.public()], private=True)
    letter = dict(letters(envelope))[BEN.user_id]
    lines = run("inspect", stdin=letter).out.decode().splitlines()
    assert lines[0].startswith("letter to one of 2 recipients, private; ")
    assert str(BEN.user_id) in lines[4]
    assert len(lines) == 5


def test_a_rotating_key_is_dated(run: Run) -> None:
    envelope = seal(b"x", sender=ADA, recipients=[SealingKeys(BEN).rotate(at=NOW)], at=NOW)
    assert b"rotating, of 20" in run("inspect", stdin=envelope).out


@pytest.mark.parametrize("number", [253_402_300_799_999, 253_402_300_800_000, 2**64 - 1])
def test_a_label_may_hold_any_number(run: Run, number: int) -> None:
    envelope = shape.array(decode(seal(b"x", sender=ADA, recipients=[BEN.public()])), 6, "envelope")
    (entry,) = shape.array(envelope[4], 1, "entries")
    entry = shape.array(entry, 3, "entry")
    entry[1] = number
    done = run("inspect", stdin=encode(envelope))
    assert done.status == 0
    shown = done.out.decode().splitlines()[4].split("  ")[2]
    assert shown == ("rotating, of 9999-12-31 23:59:59 UTC" if number < 253_402_300_800_000 else str(number))


def test_a_name_cannot_move_the_cursor(notice: Path, run: Run) -> None:
    Path("staff/a\x1b[2Jb.pub").write_bytes(Path("staff/ada.pub").read_bytes())
    Path("staff/ada.pub").unlink()
    shown = run("inspect", "-c", "staff", "notice.sealed").out
    assert b"a\\x1b[2Jb" in shown
    assert b"\x1b" not in shown


def test_a_ghost_is_seen(notice: Path, run: Run) -> None:
    done = run("inspect", stdin=with_ghost(notice.read_bytes(), EVA.public(), forge_root=False))
    assert done.status == 1
    assert done.out == b""
    assert "they are not the recipients that the sender named" in done.err


# --- audit -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "allowed", [["staff"], ["staff/ada.pub", str(BEN.user_id)], [str(EVA.user_id), str(BEN.user_id), str(ADA.user_id)]]
)
def test_all_allowed(notice: Path, run: Run, allowed: list[str]) -> None:
    words = [word for who in allowed for word in ("--allow", who)]
    assert run("audit", *words, "notice.sealed") == (0, b"2 recipients, all allowed\n", "")


def test_labels_outside_are_named(notice: Path, run: Run) -> None:
    done = run("audit", "--allow", "staff/ben.pub", "notice.sealed")
    said = f"labelled for users outside the allowed set: {ADA.user_id} (hold it back and ask its sender)"
    assert done == (1, b"", f"siegel: error: notice.sealed: {said}\n")


def test_audit_as_json(notice: Path, run: Run) -> None:
    assert json.loads(run("audit", "--json", "--allow", "staff", "notice.sealed").out)["allowed"] is True
    error = json.loads(run("audit", "--json", "--allow", "staff/eva.pub", "notice.sealed").err)["error"]
    assert error["code"] == "not-permitted"
    assert sorted(error["outside"]) == sorted([str(ADA.user_id), str(BEN.user_id)])


def test_a_forged_list_of_readers_does_not_pass(notice: Path, run: Run) -> None:
    ghost = person("ghost")
    forged = with_ghost(notice.read_bytes(), ghost.public(), forge_root=True)
    done = run("audit", "--allow", "staff", stdin=forged)
    assert done.status == 1
    assert str(ghost.user_id) in done.err


def test_a_letter_cannot_be_audited(notice: Path, run: Run) -> None:
    letter = dict(letters(notice.read_bytes()))[BEN.user_id]
    done = run("audit", "--allow", "staff", "--json", stdin=letter)
    assert done.status == 1
    assert json.loads(done.err)["error"]["code"] == "malformed"


def test_an_empty_folder_allows_nobody(notice: Path, run: Run) -> None:
    Path("empty").mkdir()
    assert run("audit", "--allow", "empty", "notice.sealed").status == 1
