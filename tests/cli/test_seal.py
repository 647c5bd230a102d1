"""The whole way through files and pipes; seal, and letters."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from siegel import open_sealed
from siegel._core.instants import DAY
from siegel.envelope import MAX_BODY_BYTES
from tests.cli.conftest import NOW, PEOPLE, Run
from tests.cli.terminal import siegel, siegel_in_terminal, written
from tests.people import person

ADA, BEN, EVA = (person(name) for name in PEOPLE)
BODY = b"The works meeting is on Friday.\n"


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_ten_megabytes_between_two_folders(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    body = os.urandom(2**10) * 10_000
    for folder in (ours, theirs):
        folder.mkdir()
        assert siegel("keygen", "-o", "my.key", cwd=folder).status == 0
    assert siegel("public", "-i", "my.key", "-o", theirs / "them.pub", cwd=ours).status == 0
    assert siegel("public", "-i", "my.key", "-o", ours / "them.pub", cwd=theirs).status == 0
    (ours / "plan.bin").write_bytes(body)

    sealed = siegel("seal", "-r", "them.pub", "-i", "my.key", "-o", theirs / "plan.sealed", "plan.bin", cwd=ours)
    assert sealed.status == 0, sealed.err
    assert body[:1024] not in (theirs / "plan.sealed").read_bytes()
    opened = siegel("open", "-i", "my.key", "-c", "them.pub", "-o", "plan.bin", "plan.sealed", cwd=theirs)
    assert opened.status == 0, opened.err
    assert (theirs / "plan.bin").read_bytes() == body
    assert opened.err.startswith("from:  them  siegel1")

    refused = siegel("open", "-i", "my.key", "-c", "them.pub", "-o", "again.bin", theirs / "plan.sealed", cwd=ours)
    assert refused.status == 1
    assert written(ours) == ["my.key", "plan.bin", "them.pub"]


def test_through_pipes(office: Path) -> None:
    sealed = siegel("seal", "-r", "staff/ben.pub", "-i", "ada.key", stdin=BODY, cwd=office)
    assert sealed.err == f"sealed 32 bytes to 1 recipient, signed: an envelope of {len(sealed.out):,} bytes\n"
    opened = siegel("open", "-i", "ben.key", "-c", "staff", stdin=sealed.out, cwd=office)
    assert opened.out == BODY
    assert opened.err.startswith(f"from:  ada  {ADA.user_id}\n")


def test_worker_processes(office: Path) -> None:
    done = siegel(
        "seal", "-r", "staff/ada.pub", "staff/ben.pub", "-i", "eva.key", "--workers", "2", stdin=BODY, cwd=office
    )
    assert done.status == 0, done.err
    assert open_sealed(done.out, identity=BEN, contacts=[EVA.user_id]).body == BODY


@pytest.mark.parametrize("size", [0, 1, MAX_BODY_BYTES])
def test_every_allowed_size(office: Path, run: Run, size: int) -> None:
    sealed = run("seal", "-r", "staff/ben.pub", "-i", "ada.key", stdin=bytes(size))
    assert run("open", "-i", "ben.key", "-c", "staff", stdin=sealed.out).out == bytes(size)


def test_more_than_the_limit_names_the_other_command_and_writes_nothing(office: Path, run: Run) -> None:
    before = written(office)
    done = run("seal", "-r", "staff/ben.pub", "-i", "ada.key", "-o", "big", stdin=bytes(MAX_BODY_BYTES + 1))
    assert done.status == 1
    assert "standard input is larger than 16 MiB (16,777,216 bytes)" in done.err
    assert "'siegel encrypt-file' makes an encrypted stream" in done.err
    assert written(office) == before


def test_a_larger_input_is_not_loaded(office: Path, run: Run) -> None:
    with (office / "huge").open("wb") as huge:
        huge.truncate(2**40)  # a hole: the disk holds nothing of it, memory could not
    assert run("seal", "huge", "-r", "staff/ben.pub", "-i", "ada.key", "-o", "x").status == 1
    assert run("open", "huge", "-i", "ada.key", "-o", "x").status == 1
    assert run("inspect", "huge").status == 1
    assert run("seal", "notice.txt", "-r", "huge", "-i", "ada.key", "-o", "x").status == 1
    assert run("public", "-i", "huge", "-o", "x").status == 1


# --- seal ------------------------------------------------------------------------------------------------------------


def test_who_signs_has_to_be_said(office: Path, run: Run) -> None:
    done = run("seal", "notice.txt", "-r", "staff/ben.pub", "-o", "x")
    assert done.status == 2
    assert "one of the arguments -i/--identity --anonymous is required" in done.err
    assert run("seal", "notice.txt", "-r", "staff/ben.pub", "-i", "ada.key", "--anonymous", "-o", "x").status == 2
    assert not Path("x").exists()


def test_anonymous(office: Path, run: Run) -> None:
    sealed = run("seal", "notice.txt", "-r", "staff/ben.pub", "--anonymous")
    assert "not signed" in sealed.err
    refused = run("open", "-i", "ben.key", "-c", "staff", "-o", "x", stdin=sealed.out)
    assert refused.status == 1
    assert "--anonymous opens it" in refused.err
    assert not Path("x").exists()
    opened = run("open", "-i", "ben.key", "--anonymous", stdin=sealed.out)
    assert opened.out == BODY
    assert opened.err.startswith("from:  nobody signed it\n")


def test_content_type(office: Path, run: Run) -> None:
    sealed = run("seal", "-r", "staff/ben.pub", "-i", "ada.key", "--content-type", "text/plain", stdin=BODY)
    assert open_sealed(sealed.out, identity=BEN, contacts=[ADA.user_id]).content_type == "text/plain"
    reserved = run("seal", "-r", "staff/ben.pub", "-i", "ada.key", "--content-type", "siegel/x", stdin=BODY)
    assert reserved.status == 1
    assert reserved.out == b""


def test_seal_as_json(office: Path, run: Run) -> None:
    done = run("seal", "notice.txt", "-r", "staff/ben.pub", "staff/eva.pub", "-i", "ada.key", "-o", "x", "--json")
    facts = json.loads(done.out)
    assert sorted(facts.pop("recipients")) == sorted([str(BEN.user_id), str(EVA.user_id)])
    message = open_sealed(Path("x").read_bytes(), identity=BEN, contacts=[ADA.user_id])
    assert facts == {
        "message_id": message.message_id.hex(),
        "private": False,
        "signed": True,
        "body_bytes": 32,
        "bytes": Path("x").stat().st_size,
        "file": "x",
    }


def test_an_input_behind_the_recipients_is_not_taken_for_one(office: Path, run: Run) -> None:
    done = run("seal", "-i", "ada.key", "-r", "staff/ben.pub", "notice.txt")
    assert done.status == 1
    assert done.err.endswith("(if it is the input, name it before -r or behind --)\n")
    sealed = run("seal", "-i", "ada.key", "-r", "staff/ben.pub", "--", "notice.txt")
    assert open_sealed(sealed.out, identity=BEN, contacts=[ADA.user_id]).body == BODY


@pytest.mark.parametrize(
    ("recipient", "said"),
    [
        ("notice.txt", "notice.txt is not a public identity: byte "),
        ("ben.key", "ben.key holds a secret; a public identity is needed ('siegel public' makes one from it)"),
        ("nobody.pub", "cannot read nobody.pub: No such file or directory"),
        ("staff", "cannot read staff: Is a directory (name a file)"),
        ("ended.pub", "ended.pub: public identity: the record has ended (ask for a fresh public identity"),
        (str(BEN.user_id), "a user id alone has no sealing key"),
        ("staff/eva.pub", "a user stands twice among the recipients"),
    ],
)
def test_what_is_no_recipient(office: Path, run: Run, recipient: str, said: str) -> None:
    Path("ended.pub").write_bytes(BEN.public(at=NOW - 91 * DAY).encode())
    before = written(office)
    done = run("seal", "notice.txt", "-r", "staff/eva.pub", recipient, "-i", "ada.key", "-o", "x")
    assert done.status in {1, 2}
    assert done.err.startswith(f"siegel: error: {said}")
    assert written(office) == before


# --- letters ---------------------------------------------------------------------------------------------------------


def test_letters(office: Path, run: Run) -> None:
    done = run("seal", "notice.txt", "-r", "staff/ben.pub", "staff/eva.pub", "-i", "ada.key", "--letters", "out/box")
    assert done == (0, b"", "sealed 32 bytes to 2 recipients, signed: 2 letters in out/box\n")
    assert written(office / "out") == ["box/ben.letter", "box/eva.letter"]
    assert run("open", "-i", "ben.key", "-c", "staff", "out/box/ben.letter").out == BODY
    refused = run("open", "-i", "ben.key", "-c", "staff", "-o", "x", "out/box/eva.letter")
    assert refused.status == 1
    assert "no entry of this envelope is for this identity" in refused.err


def test_letters_as_json(office: Path, run: Run) -> None:
    facts = json.loads(
        run("seal", "-r", "staff/ben.pub", "-i", "ada.key", "--letters", "out", "--json", stdin=BODY).out
    )
    assert facts["letters"] == [{"user_id": str(BEN.user_id), "file": "out/ben.letter"}]


def test_recipients_named_alike_have_letters_named_by_id(office: Path, run: Run) -> None:
    Path("other").mkdir()
    Path("other/BEN.pub").write_bytes(EVA.public().encode())
    assert (
        run("seal", "-r", "staff/ben.pub", "other/BEN.pub", "-i", "ada.key", "--letters", "out", stdin=BODY).status == 0
    )
    assert written(office / "out") == sorted(f"{user.user_id}.letter" for user in (BEN, EVA))


def test_private_letters_hide_the_others(office: Path, run: Run) -> None:
    done = run(
        "seal", "-r", "staff/ben.pub", "staff/eva.pub", "-i", "ada.key", "--private", "--letters", "out", stdin=BODY
    )
    assert "warning" not in done.err
    opened = run("open", "-i", "ben.key", "-c", "staff", "out/ben.letter")
    assert "to:    2 recipients, hidden from each other" in opened.err
    assert EVA.user_id.data not in Path("out/ben.letter").read_bytes()


def test_private_without_letters_is_warned_of(office: Path, run: Run) -> None:
    done = run("seal", "-r", "staff/ben.pub", "staff/eva.pub", "-i", "ada.key", "--private", stdin=BODY)
    assert done.status == 0
    assert done.err.startswith("siegel: warning: --private hides recipients only if letters reach them")


def test_letters_and_an_envelope_exclude_each_other(office: Path, run: Run) -> None:
    assert run("seal", "-r", "staff/ben.pub", "-i", "ada.key", "--letters", "out", "-o", "x", stdin=BODY).status == 2
    assert not Path("out").exists()


def test_existing_letters_are_kept(office: Path, run: Run) -> None:
    Path("out").mkdir()
    Path("out/eva.letter").write_bytes(b"kept")
    words = ("seal", "-r", "staff/ben.pub", "staff/eva.pub", "-i", "ada.key", "--letters", "out")
    assert "out/eva.letter exists already" in run(*words, stdin=BODY).err
    assert written(office / "out") == ["eva.letter"]
    assert Path("out/eva.letter").read_bytes() == b"kept"
    assert run(*words, "-f", stdin=BODY).status == 0
    assert run("open", "-i", "eva.key", "-c", "staff", "out/eva.letter").out == BODY


def test_a_disk_that_fills_up_leaves_no_half_delivery(office: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.link, list[object]()

    def third_fails(*names: str | Path) -> None:
        calls.append(names)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(*names)

    monkeypatch.setattr(os, "link", third_fails)
    done = run("seal", "-r", *sorted(Path("staff").iterdir()), "-i", "ada.key", "--letters", "out", stdin=BODY)
    assert done.status == 1
    assert "No space left on device (free some space, then try again)" in done.err
    assert len(calls) == 3
    assert written(office / "out") == []


def test_letters_into_what_is_no_folder(office: Path, run: Run) -> None:
    done = run("seal", "-r", "staff/ben.pub", "-i", "ada.key", "--letters", "notice.txt", stdin=BODY)
    assert done.status == 1
    assert "notice.txt is not a folder" in done.err


# --- on a terminal ---------------------------------------------------------------------------------------------------


def test_an_envelope_does_not_go_to_a_terminal(office: Path) -> None:
    status, screen = siegel_in_terminal("seal", "notice.txt", "-r", "staff/ben.pub", "-i", "ada.key", cwd=office)
    assert status == 1
    assert screen == "siegel: error: an envelope is binary and does not go to a terminal (say -o FILE, or use a pipe)\n"


def test_a_message_is_typed(office: Path) -> None:
    status, _ = siegel_in_terminal(
        "seal", "-r", "staff/ben.pub", "-i", "ada.key", "-o", "typed.sealed",
        typed=b"hello\n\x04", after=b"type what to seal; end with Ctrl-D", cwd=office,
    )  # fmt: skip
    assert status == 0
    sealed = (office / "typed.sealed").read_bytes()
    assert open_sealed(sealed, identity=BEN, contacts=[ADA.user_id]).body == b"hello\n"
