"""encrypt-file and decrypt-file: the whole way, what a reference says, ranges, what is refused and what is left."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from siegel import AttachmentRef, encrypt_file, open_sealed, seal
from siegel.attachments import ROLES
from siegel.cli import arguments, attachments, files
from siegel.cli.demo.server import with_flipped_bit
from siegel.errors import InvalidArgument
from tests.cli.conftest import PEOPLE, Run
from tests.cli.terminal import SIEGEL, siegel, siegel_in_terminal, written
from tests.people import person

ADA, BEN, EVA = (person(name) for name in PEOPLE)
PHOTO = os.urandom(100_000)


@pytest.fixture
def visit(office: Path, run: Run) -> Path:
    """``visit.jpg``, and its ``visit.enc`` with ``visit.enc.ref``."""
    (office / "visit.jpg").write_bytes(PHOTO)
    assert run("encrypt-file", "visit.jpg", "-o", "visit.enc").status == 0
    return office


@pytest.fixture
def sent(visit: Path, run: Run) -> Path:
    """``visit.enc`` with ``visit.sealed``: its reference from Ada, sealed to Ben."""
    words = "-r staff/ben.pub -i ada.key --reference visit.sealed --name visit.jpg --type image/jpeg"
    assert run("encrypt-file", "visit.jpg", "-o", "visit.enc", "-f", *words.split()).status == 0
    Path("visit.enc.ref").unlink()
    return visit


def reference(name: str = "visit.enc.ref") -> AttachmentRef:
    return AttachmentRef.decode(Path(name).read_bytes())


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_a_file_there_and_back(office: Path) -> None:
    (office / "visit.jpg").write_bytes(PHOTO)
    there = siegel("encrypt-file", "visit.jpg", "-o", "visit.enc", cwd=office)
    assert there == (
        0,
        b"",
        (
            "encrypted 100,000 bytes: visit.enc has 100,520, and may lie on any server\n"
            "the key is in the reference visit.enc.ref: whoever has both can read it\n"
        ),
    )
    assert PHOTO[:64] not in (office / "visit.enc").read_bytes()
    back = siegel("decrypt-file", "visit.enc", "-o", "back.jpg", cwd=office)
    assert back == (
        0,
        b"",
        "file:  main, 100,000 bytes\nwrote 100,000 bytes to back.jpg, after all of it was verified\n",
    )
    assert (office / "back.jpg").read_bytes() == PHOTO


@pytest.mark.parametrize("length", [0, 1, 16_383, 16_384, 16_385])
def test_every_size(office: Path, run: Run, length: int) -> None:
    Path("plain").write_bytes(PHOTO[:length])
    assert run("encrypt-file", "plain", "-o", "enc").status == 0
    assert run("decrypt-file", "enc", "-o", "back").status == 0
    assert Path("back").read_bytes() == PHOTO[:length]


def test_what_holds_the_key_or_the_content_is_its_owner_s_alone(visit: Path, run: Run) -> None:
    assert run("decrypt-file", "visit.enc", "-o", "back.jpg").status == 0
    assert run("decrypt-file", "visit.enc", "-o", "part.jpg", "--range", "1-2").status == 0
    for name in ("visit.enc.ref", "back.jpg", "part.jpg"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600


def test_a_reference_that_others_can_read_is_warned_of(visit: Path, run: Run) -> None:
    Path("visit.enc.ref").chmod(0o644)
    done = run("decrypt-file", "visit.enc", "-o", "back.jpg")
    assert done.err.startswith(
        "siegel: warning: visit.enc.ref is open to other users of this machine (chmod 600 visit.enc.ref)\n"
    )


def test_a_reference_through_pipes(visit: Path, run: Run) -> None:
    made = run("encrypt-file", "visit.jpg", "-o", "piped.enc", "--reference", "-")
    assert "the key is in the reference standard output" in made.err
    assert run("decrypt-file", "piped.enc", "-o", "back.jpg", "--reference", "-", stdin=made.out).status == 0
    assert Path("back.jpg").read_bytes() == PHOTO
    assert not Path("piped.enc.ref").exists()


# --- what a reference says -------------------------------------------------------------------------------------------


def test_the_description_is_what_was_said(visit: Path, run: Run) -> None:
    Path("small.jpg").write_bytes(PHOTO[:200])
    said = "--name Wunde.jpg --type image/jpeg --thumbnail small.jpg --role preview"
    assert run("encrypt-file", "visit.jpg", "-o", "said.enc", *said.split()).status == 0
    ref = reference("said.enc.ref")
    assert (ref.name, ref.media_type, ref.thumbnail, ref.role) == ("Wunde.jpg", "image/jpeg", PHOTO[:200], "preview")
    assert run("decrypt-file", "said.enc", "-o", "back.jpg").err.splitlines()[0] == (
        'file:  preview, 100,000 bytes, image/jpeg, called "Wunde.jpg", with a thumbnail of 200 bytes'
    )


def test_nothing_is_taken_from_the_source(visit: Path) -> None:
    ref = reference()
    assert (ref.name, ref.media_type, ref.thumbnail, ref.role) == (None, None, None, "main")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (["--name", "../visit.jpg"], "--name: attachment name: holds a separator"),
        (["--name", "nul"], "--name: attachment name: names a device (choose another name)"),
        (["--name", ""], "--name: attachment name: empty"),
        (["--name", "\udcff"], "--name: text holds a lone surrogate (choose another name)"),
        (["--type", "jpeg"], "--type: attachment media type: not a type and a subtype (say type and subtype, such as"),
        (["--thumbnail", "visit.jpg"], "visit.jpg: attachment thumbnail: more than 8192 bytes (name a picture of up"),
        (["--thumbnail", "nothing.jpg"], "cannot read nothing.jpg"),
    ],
)
def test_a_wrong_description_is_refused_before_any_work(visit: Path, run: Run, said: list[str], complaint: str) -> None:
    before = written(visit)
    done = run("encrypt-file", "visit.jpg", "-o", "new.enc", *said)
    assert (done.status, done.out) == (1, b"")
    assert complaint in done.err
    assert written(visit) == before


def test_a_name_in_parts_is_put_together(visit: Path, run: Run) -> None:
    assert run("encrypt-file", "visit.jpg", "-o", "said.enc", "--name", "Fuße von Ana\u0303.jpg").status == 0
    assert reference("said.enc.ref").name == "Fuße von An\u00e3.jpg"


def test_the_roles_are_those_of_the_library() -> None:
    assert arguments.ROLES == ROLES


def test_as_json(visit: Path, run: Run) -> None:
    ref = reference()
    about_it = {
        "role": "main", "size": 100_000, "ciphertext_size": ref.ciphertext_size, "sha256": ref.digest.hex(),
        "media_type": None, "name": None, "thumbnail_bytes": None,
    }  # fmt: skip
    made = json.loads(run("encrypt-file", "visit.jpg", "-o", "visit.enc", "-f", "--json").out)
    assert made.pop("sha256") == reference().digest.hex()
    assert made == {
        "file": "visit.enc", "reference": "visit.enc.ref", "recipients": [], "signed": False,
        **{name: fact for name, fact in about_it.items() if name != "sha256"},
    }  # fmt: skip
    about_it["sha256"] = reference().digest.hex()
    whole = json.loads(run("decrypt-file", "visit.enc", "-o", "back.jpg", "--json").out)
    assert whole == {**about_it, "file": "back.jpg", "first": 0, "bytes": 100_000, "whole": True}
    part = run("decrypt-file", "visit.enc", "--range", "10-19", "--json")
    assert part.out == PHOTO[10:20]
    assert json.loads(part.err) == {**about_it, "file": None, "first": 10, "bytes": 10, "whole": False}


# --- sealed to recipients --------------------------------------------------------------------------------------------


def test_a_sealed_reference(sent: Path, run: Run) -> None:
    message = open_sealed(Path("visit.sealed").read_bytes(), identity=BEN, contacts=[ADA.user_id])
    assert AttachmentRef.decode(message.body).name == "visit.jpg"
    done = run("decrypt-file", "visit.enc", "--reference", "visit.sealed", "-i", "ben.key", "-c", "staff", "-o", "b")
    sender, when, what, wrote = done.err.splitlines()
    assert sender == f"from:  ada  {ADA.user_id}"
    assert when.endswith("by the sender's clock")
    assert what == 'file:  main, 100,000 bytes, image/jpeg, called "visit.jpg"'
    assert wrote == "wrote 100,000 bytes to b, after all of it was verified"
    assert Path("b").read_bytes() == PHOTO


def test_who_sealed_it_is_told_to_programs(sent: Path, run: Run) -> None:
    words = "decrypt-file visit.enc --reference visit.sealed -i ben.key -c staff -o b --json"
    facts = json.loads(run(*words.split()).out)
    assert (facts["sender"], facts["sender_name"]) == (str(ADA.user_id), "ada")
    assert facts["name"] == "visit.jpg"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("-i eva.key -c staff", "no entry of this envelope is for this identity"),
        ("-i ben.key", f"the sender {ADA.user_id} is not among your contacts"),
        ("", "visit.sealed is sealed (say with -i whose key opens it)"),
    ],
    ids=["another user", "a stranger", "no key"],
)
def test_only_recipients_open_it_and_only_from_whom_they_know(sent: Path, run: Run, words: str, complaint: str) -> None:
    before = written(sent)
    done = run("decrypt-file", "visit.enc", "--reference", "visit.sealed", "-o", "b", *words.split())
    assert (done.status, done.out) == (1, b"")
    assert complaint in done.err
    assert written(sent) == before


def test_a_reference_that_nobody_sealed_is_no_sealed_one(visit: Path, run: Run) -> None:
    done = run("decrypt-file", "visit.enc", "-o", "b", "-i", "ben.key", "-c", "staff")
    assert done.status == 1
    assert done.err == (
        "siegel: error: visit.enc.ref is not sealed: nobody proves who made it (leave -i away to use it so)\n"
    )


def test_an_anonymous_reference(visit: Path, run: Run) -> None:
    made = run("encrypt-file", "visit.jpg", "-o", "anon.enc", "-r", "staff/ben.pub", "--anonymous")
    assert "sealed to 1 recipient, not signed: anon.enc.ref" in made.err
    words = ["decrypt-file", "anon.enc", "-o", "b", "-i", "ben.key"]
    assert "--anonymous opens it" in run(*words).err
    assert run(*words, "--anonymous").err.startswith("from:  nobody signed it\n")


def test_a_sealed_message_that_holds_no_reference(visit: Path, run: Run) -> None:
    Path("note.sealed").write_bytes(seal(b"Hello", sender=ADA, recipients=[BEN.public()]))
    done = run("decrypt-file", "visit.enc", "--reference", "note.sealed", "-o", "b", "-i", "ben.key", "-c", "staff")
    assert done.status == 1
    assert "note.sealed is not a sealed reference" in done.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("-r staff/ben.pub", "one of -i and --anonymous is required with -r"),
        ("-i ada.key", "-i and --anonymous are for a sealed reference"),
        ("--anonymous", "-i and --anonymous are for a sealed reference"),
    ],
)
def test_recipients_and_a_signature_go_together(visit: Path, run: Run, words: str, complaint: str) -> None:
    done = run("encrypt-file", "visit.jpg", "-o", "new.enc", *words.split())
    assert done.status == 2
    assert complaint in done.err
    assert not Path("new.enc").exists()


def test_a_recipient_twice_is_refused_before_any_work(visit: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "encrypt_file", lambda *_, **__: pytest.fail("it was encrypted"))
    words = "encrypt-file visit.jpg -o new.enc -r staff/ben.pub staff/ben.pub -i ada.key"
    assert "a user stands twice among the recipients" in run(*words.split()).err


@pytest.mark.parametrize("words", ["-c staff", "--anonymous"])
def test_contacts_are_for_sealed_references(visit: Path, run: Run, words: str) -> None:
    done = run("decrypt-file", "visit.enc", "-o", "b", *words.split())
    assert done.status == 2
    assert "-c and --anonymous are for a sealed reference" in done.err


# --- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("0-0", 0, 1),
        ("16383-16384", 16_383, 16_385),
        ("500-", 500, 100_000),
        ("99999-99999", 99_999, 100_000),
        ("99000-200000", 99_000, 100_000),
        ("0-", 0, 100_000),
    ],
)
def test_a_range(visit: Path, run: Run, asked: str, first: int, end: int) -> None:
    into_pipe = run("decrypt-file", "visit.enc", "--range", asked)
    assert into_pipe.out == PHOTO[first:end]
    assert into_pipe.err.splitlines()[-1] == (
        f"wrote {files_size(end - first)} to standard output, which are those from {first:,} to {end - 1:,}, "
        "each verified; the rest was not read"
    )
    assert run("decrypt-file", "visit.enc", "--range", asked, "-o", "part").status == 0
    assert Path("part").read_bytes() == PHOTO[first:end]


def files_size(count: int) -> str:
    return f"{count:,} byte{'' if count == 1 else 's'}"


def test_a_range_reads_what_it_needs(visit: Path, run: Run) -> None:
    stream = bytearray(Path("visit.enc").read_bytes())
    stream[56 + 3 * 16_400] ^= 1  # in chunk 3, which holds the bytes from 49,152 on
    Path("visit.enc").write_bytes(stream)
    assert run("decrypt-file", "visit.enc", "--range", "0-49151").out == PHOTO[:49_152]
    assert run("decrypt-file", "visit.enc", "--range", "65536-").out == PHOTO[65_536:]
    refused = run("decrypt-file", "visit.enc", "--range", "49151-49152", "-o", "part")
    assert refused.status == 1
    assert refused.err.startswith("siegel: error: visit.enc is not the file that the reference means")
    assert not Path("part").exists()


@pytest.mark.parametrize("asked", ["100000-", "100000-100001", "999999999999999999-"])
def test_a_range_behind_the_end(visit: Path, run: Run, asked: str) -> None:
    done = run("decrypt-file", "visit.enc", "--range", asked)
    assert (done.status, done.out) == (1, b"")
    assert "the file has 100,000 bytes, counted from 0" in done.err


@pytest.mark.parametrize("asked", ["5", "5-4", "-5", "a-b", "1-2-3", "\u0661-\u0662", " 1-2", "1" * 19 + "-", ""])
def test_what_is_no_range(visit: Path, run: Run, asked: str) -> None:
    done = run("decrypt-file", "visit.enc", f"--range={asked}")
    assert (done.status, done.out) == (2, b"")
    assert "the first and the last byte, counted from 0, such as 0-499 or 500-" in done.err


def test_a_range_does_not_go_to_a_terminal(visit: Path) -> None:
    status, screen = siegel_in_terminal("decrypt-file", "visit.enc", "--range", "0-9", cwd=visit)
    assert status == 1
    assert screen == (
        "siegel: error: a part of a file is binary and does not go to a terminal (say -o FILE, or use a pipe)\n"
    )


def test_who_stops_reading_a_range_gets_no_complaint(visit: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [*SIEGEL, "decrypt-file", "visit.enc", "--range", "0-"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=visit, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


# --- what is refused leaves nothing ----------------------------------------------------------------------------------


def _flipped(data: bytes) -> bytes:
    return with_flipped_bit(data, len(data) * 4)


@pytest.mark.parametrize(
    "change",
    [_flipped, lambda data: data[:-1], lambda data: data + b"\0", lambda data: data[: 56 + 2 * 16_400], lambda _: b""],
    ids=["a flipped bit", "a byte less", "a byte more", "cut at a chunk", "nothing"],
)
@pytest.mark.parametrize("words", [[], ["--range", "0-99999"]], ids=["whole", "range"])
def test_a_changed_file(visit: Path, run: Run, change: Callable[[bytes], bytes], words: list[str]) -> None:
    Path("visit.enc").write_bytes(change(Path("visit.enc").read_bytes()))
    before = written(visit)
    done = run("decrypt-file", "visit.enc", "-o", "back.jpg", *words)
    assert (done.status, done.out) == (1, b"")
    assert done.err == (
        "siegel: error: visit.enc is not the file that the reference means: it was changed, or is another one, or not "
        "all of it (fetch it again; if that does not help, ask the sender)\n"
    )
    assert written(visit) == before


def test_the_reference_of_another_file(visit: Path, run: Run) -> None:
    assert run("encrypt-file", "visit.jpg", "-o", "other.enc").status == 0
    done = run("decrypt-file", "visit.enc", "--reference", "other.enc.ref", "-o", "b", "--json")
    assert json.loads(done.err)["error"]["code"] == "invalid-message"
    assert not Path("b").exists()


@pytest.mark.parametrize("name", ["notice.txt", "ada.key", "visit.enc", "visit.jpg"])
def test_what_is_no_reference(visit: Path, run: Run, name: str) -> None:
    done = run("decrypt-file", "visit.enc", "--reference", name, "-o", "b")
    assert done.status == 1
    assert done.err.startswith(f"siegel: error: {name}")
    assert done.err.endswith(" (say with --reference which file it is, or get it again)\n")
    assert not Path("b").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("encrypt-file visit.jpg -o notice.txt", "notice.txt exists already (-f overwrites it)"),
        ("encrypt-file visit.jpg -o new.enc --reference notice.txt", "notice.txt exists already (-f overwrites it)"),
        ("decrypt-file visit.enc -o notice.txt", "notice.txt exists already (-f overwrites it)"),
        ("decrypt-file visit.enc -o notice.txt --range 0-1", "notice.txt exists already (-f overwrites it)"),
        ("encrypt-file visit.jpg -o staff", "staff is a folder (name a file in it)"),
        ("encrypt-file staff -o new.enc", "staff is not a regular file"),
        ("encrypt-file link.jpg -o new.enc", "link.jpg is a symbolic link; name the file itself"),
        ("encrypt-file visit.jpg -o /dev/null", "/dev/null is a device or a pipe (name a file)"),
        ("decrypt-file visit.enc -o /dev/null -f", "/dev/null is a device or a pipe (name a file)"),
        ("encrypt-file visit.jpg -o nowhere/new.enc", "cannot write nowhere/new.enc: No such file"),
        ("decrypt-file visit.enc -o nowhere/new.jpg", "cannot write nowhere/new.jpg: No such file"),
        ("decrypt-file visit.enc -o nowhere/new.jpg --range 0-1", "cannot write nowhere/new.jpg: No such file"),
        ("encrypt-file nothing.jpg -o new.enc", "cannot read nothing.jpg: No such file"),
        ("decrypt-file nothing.enc -o new", "there is no reference nothing.enc.ref (say with --reference"),
        ("decrypt-file nothing.enc -o new --reference visit.enc.ref", "cannot read nothing.enc: No such file"),
    ],
)
def test_files_that_cannot_be(visit: Path, run: Run, words: str, complaint: str) -> None:
    Path("link.jpg").symlink_to("visit.jpg")
    before = written(visit)
    done = run(*words.split())
    assert done.status == 1
    assert complaint in done.err
    assert done.err.count("\n") == 1
    assert written(visit) == before


@pytest.mark.parametrize(
    "words",
    [
        "encrypt-file visit.jpg -o visit.jpg -f",
        "encrypt-file visit.jpg -o ./visit.jpg -f",
        "encrypt-file visit.jpg -o hard.jpg -f",
        "encrypt-file visit.jpg -o new.enc --reference visit.jpg -f",
        "encrypt-file visit.jpg -o new.enc --reference new.enc",
        "decrypt-file visit.enc -o visit.enc -f",
        "decrypt-file visit.enc -o visit.enc.ref -f",
        "decrypt-file visit.enc -o visit.enc --range 0-1 -f",
        "decrypt-file visit.enc",
        "decrypt-file visit.enc -o -",
        "encrypt-file visit.jpg -o -",
        "encrypt-file - -o new.enc",
        "decrypt-file - -o new.jpg --reference visit.enc.ref",
    ],
)
def test_a_file_is_not_two_things_at_once(visit: Path, run: Run, words: str) -> None:
    Path("hard.jpg").hardlink_to("visit.jpg")
    before = {name: Path(name).read_bytes() for name in written(visit)}
    done = run(*words.split())
    assert (done.status, done.out) == (2, b"")
    assert {name: Path(name).read_bytes() for name in written(visit)} == before


def test_a_source_that_somebody_writes_to(visit: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def written_meanwhile(source: str, part: Path, **_: object) -> AttachmentRef:
        def grow(*_: int) -> None:
            Path("visit.jpg").write_bytes(PHOTO + b"more")

        return encrypt_file(source, part, progress=grow)

    before = written(visit)
    monkeypatch.setattr(attachments, "encrypt_file", written_meanwhile)
    done = run("encrypt-file", "visit.jpg", "-o", "new.enc")
    assert done.err == "siegel: error: visit.jpg was changed while it was read (wait until nobody writes to it)\n"
    assert written(visit) == before


def test_force_overwrites(visit: Path, run: Run) -> None:
    old = Path("visit.enc").read_bytes()
    assert run("encrypt-file", "visit.jpg", "-o", "visit.enc", "-f").status == 0
    assert Path("visit.enc").read_bytes() != old
    assert run("decrypt-file", "visit.enc", "-o", "notice.txt", "-f").status == 0
    assert Path("notice.txt").read_bytes() == PHOTO


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device"), InvalidArgument("no")])
def test_who_is_stopped_leaves_nothing(
    visit: Path, run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException | type[BaseException]
) -> None:
    def stops(*_: object, **__: object) -> None:
        raise error

    before = written(visit)
    monkeypatch.setattr(files, "_claim", stops)
    for words in (
        "encrypt-file visit.jpg -o new.enc",
        "encrypt-file visit.jpg -o new.enc -r staff/ben.pub -i ada.key",
        "decrypt-file visit.enc -o new.jpg",
        "decrypt-file visit.enc -o new.jpg --range 0-5",
    ):
        assert run(*words.split()).status == 1
        assert written(visit) == before


def test_a_target_that_cannot_get_its_name_leaves_no_reference(
    visit: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_meanwhile(source: str, part: Path, **_: object) -> AttachmentRef:
        Path("new.enc").write_bytes(b"somebody else's")
        return encrypt_file(source, part)

    monkeypatch.setattr(attachments, "encrypt_file", taken_meanwhile)
    done = run("encrypt-file", "visit.jpg", "-o", "new.enc")
    assert done.err == "siegel: error: new.enc exists already (-f overwrites it)\n"
    assert Path("new.enc").read_bytes() == b"somebody else's"
    assert not Path("new.enc.ref").exists()


def test_a_reference_that_was_put_there_meanwhile_stays(visit: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_meanwhile(source: str, part: Path, **_: object) -> AttachmentRef:
        Path("new.enc.ref").write_bytes(b"somebody else's")
        return encrypt_file(source, part)

    monkeypatch.setattr(attachments, "encrypt_file", taken_meanwhile)
    done = run("encrypt-file", "visit.jpg", "-o", "new.enc")
    assert done.err == "siegel: error: new.enc.ref exists already (-f overwrites it)\n"
    assert Path("new.enc.ref").read_bytes() == b"somebody else's"
    assert not Path("new.enc").exists()
