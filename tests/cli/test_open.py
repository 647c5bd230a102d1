"""open: whom we know, what is refused, what a screen shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from siegel import SealingKeys, letters, open_sealed, seal
from siegel._core.instants import DAY
from siegel.cli.demo.server import with_flipped_bit, with_ghost
from tests.cli.conftest import NOW, PEOPLE, Run
from tests.cli.terminal import siegel_in_terminal, written
from tests.people import person

ADA, BEN, EVA = (person(name) for name in PEOPLE)
GHOST = person("ghost").public()
BODY = b"The works meeting is on Friday.\n"


# --- open: whom we know ----------------------------------------------------------------------------------------------


def test_a_sender_is_named_by_file_or_folder_or_user_id(notice: Path, run: Run) -> None:
    for who in ("staff", "staff/ada.pub", str(ADA.user_id)):
        assert run("open", "-i", "ben.key", "-c", who, "notice.sealed").out == BODY


def test_who_sent_it_and_when_and_to_whom(notice: Path, run: Run) -> None:
    sender, sent, kind, *to = run("open", "-i", "ben.key", "-c", "staff", "notice.sealed").err.splitlines()
    assert sender == f"from:  ada  {ADA.user_id}"
    assert sent.startswith("sent:  20")
    assert sent.endswith(" UTC, by the sender's clock")
    assert kind == "type:  application/octet-stream, 32 bytes"
    assert sorted(to) == sorted([f"to:    ada  {ADA.user_id}", f"to:    ben  {BEN.user_id}"])


def test_open_as_json(notice: Path, run: Run) -> None:
    message = open_sealed(notice.read_bytes(), identity=BEN, contacts=[ADA.user_id])
    expected = {
        "sender": str(ADA.user_id),
        "sender_name": "ada",
        "content_type": "application/octet-stream",
        "sent_at": message.sent_at,
        "recipients": [str(user_id) for user_id in message.recipients or ()],
        "recipient_count": 2,
        "private": False,
        "message_id": message.message_id.hex(),
        "body_bytes": 32,
    }
    into_pipe = run("open", "-i", "ben.key", "-c", "staff", "--json", "notice.sealed")
    assert into_pipe.out == BODY
    assert json.loads(into_pipe.err) == {**expected, "file": None}
    into_file = run("open", "-i", "ben.key", "-c", "staff", "--json", "-o", "x", "notice.sealed")
    assert Path("x").read_bytes() == BODY
    assert json.loads(into_file.out) == {**expected, "file": "x"}
    assert into_file.err == ""


def test_one_s_own_message_needs_no_contact(notice: Path, run: Run) -> None:
    assert run("open", "-i", "ada.key", "notice.sealed").out == BODY


def test_a_contact_whose_record_has_ended_still_identifies(notice: Path, run: Run) -> None:
    Path("old.pub").write_bytes(ADA.public(at=NOW - 400 * DAY).encode())
    assert run("open", "-i", "ben.key", "-c", "old.pub", "notice.sealed").err.startswith("from:  old  siegel1")


def test_what_lies_in_a_folder_and_is_nobody_is_left_out(notice: Path, run: Run) -> None:
    Path("staff/readme.txt").write_text("colleagues")
    Path("staff/my.key").write_bytes(Path("ben.key").read_bytes())
    Path("staff/.hidden").write_text("not looked at")
    done = run("open", "-i", "ben.key", "-c", "staff", "notice.sealed")
    assert done.out == BODY
    assert [line for line in done.err.splitlines() if "warning" in line] == [
        "siegel: warning: left out: staff/my.key holds a secret; a public identity is needed",
        "siegel: warning: left out: staff/readme.txt is not a public identity",
    ]


@pytest.mark.parametrize("who", ["notice.txt", "ben.key", "nobody.pub", "siegel1qqqq"])
def test_what_is_named_and_is_nobody_is_an_error(notice: Path, run: Run, who: str) -> None:
    done = run("open", "-i", "ben.key", "-c", "staff", "-c", who, "-o", "x", "notice.sealed")
    assert done.status == 1
    assert who in done.err
    assert not Path("x").exists()


def test_a_file_may_be_named_like_a_user_id(notice: Path, run: Run) -> None:
    Path("siegel1.pub").write_bytes(ADA.public().encode())
    assert run("open", "-i", "ben.key", "-c", "siegel1.pub", "notice.sealed").out == BODY
    eves = str(ADA.user_id)
    Path(eves).write_bytes(EVA.public().encode())  # a file named like Ada's id is not asked who Ada is
    assert run("open", "-i", "ben.key", "-c", eves, "notice.sealed").err.startswith(f"from:  {ADA.user_id}")


# --- open: what is refused leaves nothing -----------------------------------------------------------------------------


def _plain() -> bytes:
    return seal(BODY, sender=ADA, recipients=[BEN.public(), EVA.public()])


def _letter_of_eva() -> bytes:
    return dict(letters(_plain()))[EVA.user_id]


def _to_a_deleted_key() -> bytes:
    return seal(BODY, sender=ADA, recipients=[SealingKeys(BEN).rotate()])


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "malformed"),
    "text": (lambda: BODY, "malformed"),
    "a flipped bit in the body": (lambda: with_flipped_bit(_plain(), (len(_plain()) - 100) * 8), "invalid-message"),
    "a flipped bit at the end": (lambda: with_flipped_bit(_plain(), len(_plain()) * 8 - 1), "invalid-message"),
    "one byte less": (lambda: _plain()[:-1], "malformed"),
    "one byte more": (lambda: _plain() + b"\0", "malformed"),
    "a ghost": (lambda: with_ghost(_plain(), GHOST, forge_root=False), "malformed"),
    "a ghost under a new root": (lambda: with_ghost(_plain(), GHOST, forge_root=True), "invalid-message"),
    "a letter to somebody else": (_letter_of_eva, "not-a-recipient"),
    "sealed to others": (lambda: seal(BODY, sender=ADA, recipients=[EVA.public()]), "not-a-recipient"),
    "a stranger's": (lambda: seal(BODY, sender=person("mallory"), recipients=[BEN.public()]), "unknown-sender"),
    "unsigned": (lambda: seal(BODY, sender=None, recipients=[BEN.public()]), "unknown-sender"),
    "a rotating key that is not held": (_to_a_deleted_key, "expired"),
    "a public identity": (lambda: ADA.public().encode(), "malformed"),
    "a key file": (lambda: Path("ada.key").read_bytes(), "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_and_nothing_is_written(office: Path, run: Run, case: str) -> None:
    make, code = REFUSED[case]
    Path("in.sealed").write_bytes(make())
    before = written(office)
    into_file = run("open", "-i", "ben.key", "-c", "staff", "-o", "out", "in.sealed", "--json")
    into_pipe = run("open", "-i", "ben.key", "-c", "staff", "in.sealed")
    assert json.loads(into_file.err)["error"]["code"] == code
    assert (into_file.status, into_file.out) == (1, b"")
    assert (into_pipe.status, into_pipe.out) == (1, b"")
    assert into_pipe.err.startswith("siegel: error: in.sealed")
    assert len(into_pipe.err.splitlines()) == 1
    assert written(office) == before


def test_a_refusal_keeps_the_file_that_force_would_replace(office: Path, run: Run) -> None:
    Path("out").write_bytes(b"kept")
    assert run("open", "-i", "ben.key", "-c", "staff", "-f", "-o", "out", stdin=BODY).status == 1
    assert Path("out").read_bytes() == b"kept"


def test_the_stranger_is_named(office: Path, run: Run) -> None:
    mallory = person("mallory")
    done = run(
        "open", "-i", "ben.key", "-c", "staff", "--json", stdin=seal(BODY, sender=mallory, recipients=[BEN.public()])
    )
    assert json.loads(done.err)["error"]["sender"] == str(mallory.user_id)
    assert str(mallory.user_id) in json.loads(done.err)["error"]["message"]


# --- on a terminal ---------------------------------------------------------------------------------------------------


def test_text_is_shown_under_its_sender(notice: Path, office: Path) -> None:
    status, screen = siegel_in_terminal("open", "-i", "ben.key", "-c", "staff", "notice.sealed", cwd=office)
    assert status == 0
    head, body = screen.split("\n\n")
    assert head.startswith("from:  ada  ")
    assert body == BODY.decode()


@pytest.mark.parametrize("body", [b"\x1b[2J\x1b[H all is well", b"\x00\x01", b"\xff", b"a\rb", "\u202etxt".encode()])
def test_what_could_deceive_is_not_shown(office: Path, run: Run, body: bytes) -> None:
    Path("in.sealed").write_bytes(seal(body, sender=ADA, recipients=[BEN.public()]))
    status, screen = siegel_in_terminal("open", "-i", "ben.key", "-c", "staff", "in.sealed", cwd=office)
    assert status == 1
    assert "siegel: error: the content is not plain text (say -o FILE, or use a pipe)" in screen
    assert not {"\x1b", "\x00", "\x01", "\r", "\u202e"} & set(screen)
    assert run("open", "-i", "ben.key", "-c", "staff", "in.sealed").out == body


def test_a_content_type_cannot_move_the_cursor(office: Path, run: Run) -> None:
    sealed = seal(BODY, sender=ADA, recipients=[BEN.public()], content_type="a\x1b[2J\nfrom:  ben\u202e")
    done = run("open", "-i", "ben.key", "-c", "staff", stdin=sealed)
    assert "type:  a\\x1b[2J\\nfrom:  ben\\u202e, 32 bytes\n" in done.err
    as_json = run("open", "-i", "ben.key", "-c", "staff", "--json", stdin=sealed)
    assert json.loads(as_json.err)["content_type"] == "a\x1b[2J\nfrom:  ben\u202e"
    assert as_json.err.isascii()
