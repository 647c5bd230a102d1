"""The demo tells the truth, quickly, and fails if something does not go as it says."""

from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path

import pytest

from siegel import Group, SealingKeys
from siegel.cli.demo import CHAPTERS, attachments, sealed_messages
from siegel.cli.demo.stage import Stage
from siegel.cli.terminal import Console
from siegel.errors import Expired, InvalidMessage
from siegel.groups.permission import Permissions
from tests.cli.conftest import Run
from tests.cli.terminal import siegel, siegel_in_terminal

# What the demo says, with what changes from run to run as patterns: user ids, the number of a key, the time it took.
STORY = r"""
A company of six, with real files in a temporary folder
   Ada     managing director   siegel1\w{9}…
   Ben     accounts            siegel1\w{9}…
   Chiara  company doctor      siegel1\w{9}…
   Deniz   workshop            siegel1\w{9}…
   Eva     field service       siegel1\w{9}…
   Fritz   sales               siegel1\w{9}…
   Each has one secret of 32 bytes, and a public record of 1,341\.

1\. A notice to all
   Ada seals 63 bytes to six people: one envelope of 7,561 bytes\.
   The server cuts it into six letters of 1,731 bytes, one for each mailbox\.
   ok       all six opened theirs and hold the same text
   ok       each knows from the signature that Ada wrote it, and to which six

2\. A private note
   Chiara seals 58 bytes to Deniz: 1,526 bytes\. Ben's mailbox gets a copy\.
   ok       Deniz opened it; it is from Chiara
   refused  Ben: not-a-recipient; nothing was written

3\. The server adds a reader
   It puts a seventh entry, for a key of its own, into Ada's envelope\.
   refused  whoever inspects the envelope, without any key: malformed
            "envelope entries: they are not the recipients that the sender named"
   refused  each of the six: malformed; nothing was written
   It tries again, and makes count, order and root of the tree fit\.
   refused  an audit against the six, naming the ghost: not-permitted
   refused  each of the six: invalid-message; nothing was written
   refused  the ghost: invalid-message

4\. A flipped bit
   Ben's letter arrives with its very last bit flipped\.
   refused  Ben: invalid-message; nothing was written
            "the message is not authentic"
   ok       100 other bits, one by one, spread over all 13,848: refused too

5\. An old key
   40 days ago Eva published a key for 7 days, with 30 of grace for late post\.
   Ben sealed a note to it, and somebody recorded it on the way\.
   ok       Eva opened it then and deleted it; the key was deleted on schedule
   Today a thief takes the device, with every file and key that is on it\.
   refused  the thief, with the recorded note: expired
            "sealed to the rotating key \d{13}, which is not held here: deleted, or on another device"
   refused  whoever loads that public record: expired

6\. A photo from a care visit
   Chiara encrypts a photo of 3,000,000 bytes; a server keeps 3,017,672\.
   The key to it goes to Deniz, in a sealed reference of 1,591 bytes\.
   ok       Deniz decrypts it, and has Chiara's photo
   ok       he reads 4,096 bytes in its middle, for which 16,472 are fetched
   A bit flips in the middle of what the server keeps\.
   refused  Deniz, who wants the whole: invalid-message; nothing was written
   refused  Deniz, who reads there: invalid-message
   ok       what lies before it still comes out, each byte verified
   The server loses the second half\.
   refused  Deniz, who wants the whole: invalid-message; nothing was written
   refused  Deniz, who reads the beginning, which is there: invalid-message

7\. A team of six
   Ada founds a group with the five others: one invitation of 15,379 bytes\.
   Each of the six says good morning\.
   ok       each has read the five others, and knows from a signature who is who
   ok       Ada's first brings 604 bytes of keys along, her next none

8\. A channel that only the boss writes to
   Ada makes it so\. The server does not tell Deniz's program, and he writes\.
   refused  each of the five others: not-permitted
   refused  his own program, once it knows: state-error
   ok       Ada writes, and the five others read it

9\. A dismissal
   Ada removes Eva, who keeps every key, and gets what the others get\.
   ok       Ben writes, and Ada, Chiara, Deniz and Fritz read it
   refused  Eva, with his message: missing-sender-key
   refused  Eva, with the keys to it: stale-roster
   She writes as if nothing had happened\.
   refused  each of the five: not-permitted

10\. An admin who back-dates
   Ben, by now an admin, is dismissed, too\. His program has not heard of it,
   lets Eva in again, and dates that to yesterday\.
   refused  each of the four: not-permitted
   ok       the team is Ada, Chiara, Deniz and Fritz, as Ada left it
   refused  Ben and Eva, with what Ada writes: missing-sender-key

11\. A message that does not come
   The server keeps a message of Ada's from Chiara\. Fritz, who has it, answers\.
   ok       Chiara reads from his answer that she lacks a message
   ok       Ada's next one shows her that it is one of Ada's
   The server hands it over after all\.
   ok       it opens, and nothing is missing any more

36 outcomes in 11 chapters, all as promised, in \d+\.\d\d s\. The folder is deleted\.
""".removeprefix("\n")


def test_the_story(run: Run) -> None:
    began = time.perf_counter()
    done = run("demo")
    seconds = time.perf_counter() - began
    print(f"the demo took {seconds:.3f} s")  # noqa: T201  # pytest shows it beside a failure, and with -s
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(STORY, done.out.decode()), done.out.decode()
    lines = done.out.decode().splitlines()
    assert len(lines) <= 100
    assert all(len(line) <= 80 or line.lstrip().startswith('"') for line in lines), "only what errors say may be longer"
    assert seconds < 5  # a second is promised; a machine that is busy with other tests gets some more


def test_as_json(run: Run) -> None:
    facts = json.loads(run("demo", "--json").out)
    assert facts["ok"] is True
    assert len({outcome["chapter"] for outcome in facts["outcomes"]}) == len(CHAPTERS)
    assert all(outcome["as_promised"] for outcome in facts["outcomes"])
    assert [outcome["code"] for outcome in facts["outcomes"] if outcome["code"]] == [
        "not-a-recipient", "malformed", "malformed", "not-permitted", "invalid-message", "invalid-message",
        "invalid-message", "expired", "expired", "invalid-message", "invalid-message", "invalid-message",
        "invalid-message", "not-permitted", "state-error", "missing-sender-key", "stale-roster", "not-permitted",
        "not-permitted", "missing-sender-key",
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
        ("audit_recipients", "BROKEN   an audit against the six, naming the ghost: no error"),
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
    assert "1 of 36 outcomes were not as promised" in done.err
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


def test_a_gap_that_is_not_seen_is_shown_as_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "gaps", lambda _: ())
    done = run("demo")
    assert done.status == 1
    assert "   BROKEN   Ada's next one shows her that it is one of Ada's\n" in done.out.decode()
    assert "1 of 36 outcomes were not as promised" in done.err


def test_a_changed_photo_that_is_accepted_is_shown_as_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "with_flipped_bit", lambda data, _: data)
    done = run("demo", "--json")
    assert done.status == 1
    broken = [outcome["what"] for outcome in json.loads(done.out)["outcomes"] if not outcome["as_promised"]]
    assert broken == [
        "Deniz, who wants the whole: no error; a file was written",
        "Deniz, who reads there: no error",
        "Deniz, who wants the whole: invalid-message; a file was written",
    ]


def test_rights_that_nobody_asks_for_are_shown_as_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Permissions, "of", lambda *_: lambda *_: None)
    done = run("demo", "--json")
    assert done.status == 1
    broken = [outcome["what"] for outcome in json.loads(done.out)["outcomes"] if not outcome["as_promised"]]
    assert broken[0] == "each of the five others: no error"
    assert "each of the five: no error" in broken


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
