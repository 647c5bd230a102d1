"""The demo tells the truth, quickly, and fails if something does not go as it says."""

from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path

import pytest

from siegel import SealingKeys
from siegel.cli.demo import CHAPTERS, sealed_messages
from siegel.cli.demo.stage import Stage
from siegel.cli.terminal import Console
from siegel.errors import Expired, InvalidMessage
from tests.cli.conftest import Run
from tests.cli.terminal import siegel, siegel_in_terminal

# What the demo says, with what changes from run to run as patterns: user ids, the number of a key, the time it took.
STORY = r"""
A company of five, with real files in a temporary folder
   Ada     managing director   siegel1\w{9}…
   Ben     accounts            siegel1\w{9}…
   Chiara  company doctor      siegel1\w{9}…
   Deniz   workshop            siegel1\w{9}…
   Eva     field service       siegel1\w{9}…
   Each has one secret of 32 bytes, and a public record of 1,341 bytes at the others\.

1\. A notice to all
   Ada seals 63 bytes to five people: one envelope of 6,354 bytes\.
   The server cuts it into five letters of 1,697 bytes and delivers one to each mailbox\.
   ok       Ada, Ben, Chiara, Deniz and Eva opened theirs and hold the same text
   ok       each knows from the signature that Ada wrote it, and to which five

2\. A private note
   Chiara seals 58 bytes to Deniz: 1,526 bytes\. A copy lands in Ben's mailbox too\.
   ok       Deniz opened it; it is from Chiara
   refused  Ben: not-a-recipient; nothing was written

3\. The server adds a reader
   It puts a sixth entry, for a key of its own, into Ada's envelope\.
   refused  whoever inspects the envelope, without any key: malformed
            "envelope entries: they are not the recipients that the sender named"
   refused  each of the five: malformed; nothing was written
   It tries again and makes the list of readers fit: count, order and root of the tree\.
   refused  an audit against the five, naming the ghost: not-permitted
   refused  each of the five: invalid-message; nothing was written
   refused  the ghost: invalid-message

4\. A flipped bit
   Ben's letter arrives with its very last bit flipped\.
   refused  Ben: invalid-message; nothing was written
            "the message is not authentic"
   ok       100 other bits, one at a time, spread over all 13,576 of the letter: refused too

5\. An old key
   40 days ago Eva published a key that lives 7 days, with 30 days of grace for late post\.
   Ben sealed a note to it, and somebody recorded it on the way\.
   ok       Eva opened it then and deleted it; the key was deleted on schedule
   Today a thief takes the device, with every file and key that is on it\.
   refused  the thief, with the recorded note: expired
            "sealed to the rotating key \d{13}, which is not held here: deleted, or on another device"
   refused  whoever loads that public record: expired

14 outcomes in 5 chapters, all as promised, in \d+\.\d\d s\. The folder is deleted\.
""".removeprefix("\n")


def test_the_story(run: Run) -> None:
    began = time.perf_counter()
    done = run("demo")
    seconds = time.perf_counter() - began
    print(f"the demo took {seconds:.3f} s")  # noqa: T201  # pytest shows it beside a failure, and with -s
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(STORY, done.out.decode()), done.out.decode()
    assert len(done.out.splitlines()) <= 45
    assert seconds < 5  # a second is promised; a machine that is busy with other tests gets some more


def test_as_json(run: Run) -> None:
    facts = json.loads(run("demo", "--json").out)
    assert facts["ok"] is True
    assert len({outcome["chapter"] for outcome in facts["outcomes"]}) == len(CHAPTERS)
    assert all(outcome["as_promised"] for outcome in facts["outcomes"])
    assert [outcome["code"] for outcome in facts["outcomes"] if outcome["code"]] == [
        "not-a-recipient", "malformed", "malformed", "not-permitted", "invalid-message", "invalid-message",
        "invalid-message", "expired", "expired",
    ]  # fmt: skip


def test_the_folder_is_deleted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run("demo").status == 0
    assert list(tmp_path.iterdir()) == []


def test_colour_on_a_terminal_alone() -> None:
    status, screen = siegel_in_terminal("demo")
    assert status == 0
    assert "\x1b[32mok" in screen
    assert re.fullmatch(STORY, re.sub(r"\x1b\[\d+m", "", screen))
    assert b"\x1b" not in siegel("demo").out


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_no_colour_where_it_is_not_wanted(setting: dict[str, str]) -> None:
    status, screen = siegel_in_terminal("demo", setting=setting)
    assert status == 0
    assert re.fullmatch(STORY, screen)


# --- a library that is broken ----------------------------------------------------------------------------------------


def _accepts(*_: object, **__: object) -> None:
    return None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("inspect_envelope", "BROKEN   whoever inspects the envelope, without any key: no error"),
        ("audit_recipients", "BROKEN   an audit against the five, naming the ghost: no error"),
        ("open_sealed", "BROKEN   the ghost: no error"),
    ],
)
def test_what_is_not_refused_is_shown_as_broken(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    monkeypatch.setattr(sealed_messages, name, _accepts)
    done = run("demo")
    assert done.status == 1
    assert f"   {line}\n" in done.out.decode()
    assert "1 of 14 outcomes were not as promised" in done.err
    assert b"all as promised" not in done.out


def test_a_key_that_is_not_deleted_is_shown_as_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SealingKeys, "expire", lambda *_, **__: ())
    done = run("demo", "--json")
    assert done.status == 1
    facts = json.loads(done.out)
    assert facts["ok"] is False
    broken = [outcome["what"] for outcome in facts["outcomes"] if not outcome["as_promised"]]
    assert broken == [
        "Eva opened it then and deleted it; the key was deleted on schedule",
        "the thief, with the recorded note: no error",
    ]


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("attempt", "naming", "as_promised"),
    [
        (lambda: _raise(Expired("the key has ended")), "", True),
        (lambda: _raise(Expired("the key has ended")), "key", True),
        (lambda: _raise(Expired("the key has ended")), "record", False),
        (lambda: _raise(InvalidMessage()), "", False),
        (lambda: None, "", False),
    ],
    ids=["promised", "promised and named", "not named", "another error", "no error"],
)
def test_only_the_promised_error_counts(tmp_path: Path, attempt: object, naming: str, as_promised: bool) -> None:  # noqa: FBT001  # a table
    stage = Stage(Console(as_json=True), tmp_path)
    stage.begin("A chapter")
    assert callable(attempt)
    stage.refused("somebody", Expired, attempt, naming=naming)
    assert [outcome.as_promised for outcome in stage.outcomes] == [as_promised]


def test_one_attempt_that_succeeds_among_many_is_not_as_promised(tmp_path: Path) -> None:
    stage = Stage(Console(as_json=True), tmp_path)
    stage.begin("A chapter")
    stage.refused("some", InvalidMessage, lambda: _raise(InvalidMessage()), lambda: None)
    assert [outcome.what for outcome in stage.broken] == ["some: invalid-message, no error"]
