"""keygen, public, words, safety-number."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from siegel import Identity, PublicIdentity, safety_number
from siegel._core.instants import DAY
from tests.cli.conftest import NOW, Run
from tests.cli.terminal import SIEGEL, siegel_in_terminal, written
from tests.people import person


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# --- keygen ----------------------------------------------------------------------------------------------------------


def test_a_key_file_is_its_owner_s_alone(office: Path, run: Run, no_umask: None) -> None:
    done = run("keygen", "-o", "new.key")
    assert done.status == 0
    assert mode("new.key") == 0o600
    created, named, secret = Path("new.key").read_text().splitlines()
    identity = Identity.parse(secret)
    assert created.startswith("# created 20")
    assert named == f"# user id: {identity.user_id}"
    assert done.out == b""
    assert done.err == f"user id: {identity.user_id}\n"


def test_every_identity_is_another(office: Path, run: Run) -> None:
    run("keygen", "-o", "one.key")
    run("keygen", "-o", "two.key")
    assert Path("one.key").read_text().splitlines()[2] != Path("two.key").read_text().splitlines()[2]


def test_keygen_without_a_file_writes_to_standard_output(office: Path, run: Run) -> None:
    before = written(office)
    done = run("keygen")
    identity = Identity.parse(done.out.decode().splitlines()[2])
    assert done.err == f"user id: {identity.user_id}\n"
    assert written(office) == before


@pytest.mark.parametrize(("mode_of_file", "warned"), [(0o644, True), (0o600, False)])
def test_a_secret_redirected_into_a_file(office: Path, mode_of_file: int, warned: bool) -> None:  # noqa: FBT001  # a table
    target = office / "loose.key"
    target.touch(mode=mode_of_file)
    with target.open("wb") as stdout:
        done = subprocess.run([*SIEGEL, "keygen"], stdout=stdout, stderr=subprocess.PIPE, check=True)
    assert (b"a secret goes to a file that other users can read" in done.stderr) is warned


def test_keygen_keeps_an_existing_file(office: Path, run: Run) -> None:
    before = Path("ada.key").read_bytes()
    done = run("keygen", "-o", "ada.key")
    assert done.status == 1
    assert done.err == "siegel: error: ada.key exists already (-f overwrites it)\n"
    assert Path("ada.key").read_bytes() == before


def test_force_replaces_it(office: Path, run: Run, no_umask: None) -> None:
    before = Path("ada.key").read_bytes()
    Path("ada.key").chmod(0o666)
    assert run("keygen", "-f", "-o", "ada.key").status == 0
    assert Path("ada.key").read_bytes() != before
    assert mode("ada.key") == 0o600


def test_keygen_as_json(office: Path, run: Run) -> None:
    done = run("keygen", "--json", "-o", "new.key")
    facts = json.loads(done.out)
    assert facts == {"user_id": str(Identity.parse(Path("new.key").read_text().split()[-1]).user_id), "file": "new.key"}


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_go_to_a_file_of_their_owner_and_come_back(office: Path, run: Run, no_umask: None) -> None:
    assert run("words", "-i", "ada.key", "-o", "ada.words").status == 0
    assert mode("ada.words") == 0o600
    done = run("keygen", "--from-words", "ada.words", "-o", "again.key")
    assert done == (0, b"", f"user id: {person('ada').user_id}\n")
    assert Path("again.key").read_text().splitlines()[2] == Path("ada.key").read_text().splitlines()[2]


def test_words_come_from_standard_input(office: Path, run: Run) -> None:
    done = run("keygen", "--from-words", "-o", "again.key", stdin=person("ben").words().upper().encode())
    assert done.status == 0
    assert Path("again.key").read_text().splitlines()[2] == person("ben").reveal()


def test_words_do_not_go_into_a_pipe(office: Path, run: Run) -> None:
    done = run("words", "-i", "ada.key")
    assert done == (
        1,
        b"",
        "siegel: error: the words are shown on a terminal only (say -o FILE to keep them in one)\n",
    )


def test_words_are_shown_on_a_terminal(office: Path) -> None:
    status, screen = siegel_in_terminal("words", "-i", "ada.key", cwd=office)
    assert status == 0
    lines = screen.splitlines()
    assert lines[0] == "These words are the secret: whoever reads them is the user."
    assert " ".join(lines[2:]) == person("ada").words()


def test_typed_words_are_not_shown(office: Path) -> None:
    words = person("ada").words()
    status, screen = siegel_in_terminal(
        "keygen", "--from-words", "-o", "again.key", typed=words.encode() + b"\n", after=b"24 words", cwd=office
    )
    assert status == 0
    assert screen == f"24 words, on one line (not shown): \nuser id: {person('ada').user_id}\n"


@pytest.mark.parametrize("typed", ["qwertz " * 24, "abandon art", "", "abandon " * 24])
def test_wrong_words_make_no_key(office: Path, run: Run, typed: str) -> None:
    before = written(office)
    done = run("keygen", "--from-words", "-o", "again.key", stdin=typed.encode())
    assert done.status == 1
    assert done.err.endswith("(check the words and their order)\n")
    assert "qwertz" not in done.err
    assert "abandon" not in done.err
    assert written(office) == before


# --- public ----------------------------------------------------------------------------------------------------------


def test_public_is_a_record_of_90_days(office: Path, run: Run) -> None:
    done = run("public", "-i", "ada.key", "-o", "ada.pub")
    record = PublicIdentity.decode(Path("ada.pub").read_bytes())
    assert done.status == 0
    assert record.user_id == person("ada").user_id
    assert record.not_after - record.issued_at == 90 * DAY
    assert "(90 days)" in done.err


def test_public_as_json(office: Path, run: Run) -> None:
    facts = json.loads(run("public", "-i", "ada.key", "-o", "ada.pub", "--json").out)
    record = PublicIdentity.decode(Path("ada.pub").read_bytes())
    assert facts == {
        "user_id": str(record.user_id),
        "sealing_number": 0,
        "issued_at": record.issued_at,
        "not_after": record.not_after,
        "bytes": len(record.encode()),
        "file": "ada.pub",
    }


def test_public_goes_into_a_pipe_and_its_facts_beside(office: Path, run: Run) -> None:
    done = run("public", "-i", "ada.key", "--json")
    assert PublicIdentity.decode(done.out).user_id == person("ada").user_id
    assert json.loads(done.err)["file"] is None


# --- key files -------------------------------------------------------------------------------------------------------


def test_a_key_file_open_to_others_is_warned_of(office: Path, run: Run) -> None:
    Path("ada.key").chmod(0o640)
    done = run("public", "-i", "ada.key", "-o", "ada.pub")
    assert done.status == 0
    warning, *_ = done.err.splitlines()
    assert warning == "siegel: warning: ada.key is open to other users of this machine (chmod 600 ada.key)"


def test_the_warning_is_json_where_asked(office: Path, run: Run) -> None:
    Path("ada.key").chmod(0o604)
    done = run("public", "-i", "ada.key", "-o", "ada.pub", "--json")
    assert json.loads(done.err)["warning"].startswith("ada.key is open")


def test_a_closed_key_file_is_not(office: Path, run: Run) -> None:
    assert "warning" not in run("public", "-i", "ada.key", "-o", "ada.pub").err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "broken.key is not a key file"),
        (b"# only a comment\n", "broken.key is not a key file"),
        (b"\xff\xfe\x00", "broken.key is not a key file"),
        (b"siegel-secret-1" + b"q" * 58, "broken.key: bech32m: the checksum does not match"),
    ],
)
def test_a_broken_key_file_is_named(office: Path, run: Run, content: bytes, said: str) -> None:
    Path("broken.key").write_bytes(content)
    done = run("public", "-i", "broken.key", "-o", "x.pub")
    assert done.status == 1
    assert said in done.err
    assert not Path("x.pub").exists()


def test_two_secrets_are_no_key_file(office: Path, run: Run) -> None:
    Path("two.key").write_bytes(Path("ada.key").read_bytes() + Path("ben.key").read_bytes())
    assert "two.key is not a key file" in run("public", "-i", "two.key", "-o", "x.pub").err


def test_a_key_file_written_in_capitals_with_spaces_is_read(office: Path, run: Run) -> None:
    Path("typed.key").write_text(f"\n  {person('ada').reveal().upper()}  \n")
    assert f"{person('ada').user_id}" in run("public", "-i", "typed.key", "-o", "x.pub").err


# --- safety-number ---------------------------------------------------------------------------------------------------

NUMBER = safety_number(person("ada").user_id, person("ben").user_id)


@pytest.mark.parametrize("ours", ["ada.key", "staff/ada.pub", str(person("ada").user_id)])
@pytest.mark.parametrize("theirs", ["ben.key", "staff/ben.pub", str(person("ben").user_id)])
def test_safety_number(office: Path, run: Run, ours: str, theirs: str) -> None:
    assert run("safety-number", "-i", ours, theirs) == (0, f"{NUMBER}\n".encode(), "")


def test_safety_number_as_json(office: Path, run: Run) -> None:
    facts = json.loads(run("safety-number", "-i", "ada.key", "staff/ben.pub", "--json").out)
    assert facts == {
        "ours": str(person("ada").user_id),
        "theirs": str(person("ben").user_id),
        "safety_number": NUMBER,
    }


def test_the_same_number_agrees(office: Path, run: Run) -> None:
    done = run("safety-number", "-i", "ada.key", "staff/ben.pub", "--compare", stdin=NUMBER.replace(" ", "\n").encode())
    assert done == (0, b"the safety numbers agree: both sides hold the same two identities\n", "")


def test_another_number_is_an_error(office: Path, run: Run) -> None:
    theirs = safety_number(person("ben").user_id, person("eva").user_id)
    done = run("safety-number", "-i", "ada.key", "staff/ben.pub", "--compare", "--json", stdin=theirs.encode())
    assert done.status == 1
    assert done.out == b""
    assert json.loads(done.err)["error"]["code"] == "identity-changed"


@pytest.mark.parametrize("seen", [b"", b"12345", b"\xff" * 60])
def test_what_is_no_number_is_an_error(office: Path, run: Run, seen: bytes) -> None:
    done = run("safety-number", "-i", "ada.key", "staff/ben.pub", "--compare", "--json", stdin=seen)
    assert done.status == 1
    assert json.loads(done.err)["error"]["code"] == "malformed"


def test_a_number_with_oneself_is_wrong_usage(office: Path, run: Run) -> None:
    done = run("safety-number", "-i", "ada.key", "staff/ada.pub")
    assert done.status == 2
    assert "both are the same user" in done.err


def test_a_record_past_its_end_still_has_a_number(office: Path, run: Run) -> None:
    Path("old.pub").write_bytes(person("ben").public(at=NOW - 200 * DAY).encode())
    assert run("safety-number", "-i", "ada.key", "old.pub").out.decode().strip() == NUMBER


def test_a_number_is_typed_in_a_terminal(office: Path) -> None:
    status, screen = siegel_in_terminal(
        "safety-number", "-i", "ada.key", "staff/ben.pub", "--compare",
        typed=NUMBER.encode() + b"\n\x04", after=b"Ctrl-D", cwd=office,
    )  # fmt: skip
    assert status == 0
    assert "the safety numbers agree" in screen
