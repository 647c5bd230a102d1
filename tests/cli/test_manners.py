"""What holds for every command: streams, exit status, one-line errors, JSON, help, and no secret where none belongs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from siegel.cli.arguments import COMMANDS, build_parser
from siegel.cli.program import DO
from tests.cli.conftest import Run
from tests.cli.terminal import SIEGEL, siegel, siegel_in_terminal, written
from tests.people import person, secret_of

FULL = Path("/dev/full")

# One way to use each command well, one that is refused, one that is no usage; run in the office with a sealed notice.
WELL = {
    "keygen": "keygen -o new.key",
    "public": "public -i ada.key -o new.pub",
    "words": "words -i ada.key -o new.words",
    "seal": "seal notice.txt -r staff/ben.pub -i ada.key -o new.sealed",
    "open": "open -i ben.key -c staff -o new.txt notice.sealed",
    "encrypt-file": "encrypt-file notice.txt -o new.enc",
    "decrypt-file": "decrypt-file notice.enc -o new.txt",
    "store": "store open cabinet.db -i ada.key",
    "inspect": "inspect -c staff notice.sealed",
    "audit": "audit --allow staff notice.sealed",
    "safety-number": "safety-number -i ada.key staff/ben.pub",
    "demo": "demo",
    "doctor": "doctor",
}
REFUSED = {
    "keygen": "keygen -o ada.key",
    "public": "public -i notice.txt -o new.pub",
    "words": "words -i ada.key",
    "seal": "seal nothing.txt -r staff/ben.pub -i ada.key",
    "open": "open -i eva.key -c staff notice.sealed",
    "encrypt-file": "encrypt-file nothing.jpg -o new.enc",
    "decrypt-file": "decrypt-file notice.txt --reference notice.enc.ref -o new.txt",
    "store": "store get cabinet.db notes monday -i ben.key",
    "inspect": "inspect notice.txt",
    "audit": "audit --allow staff/eva.pub notice.sealed",
    "safety-number": "safety-number -i ada.key notice.txt",
}
NO_USAGE = {
    "nothing": "",
    "no such command": "frob",
    "an abbreviated option": "keygen --out x",
    "keygen": "keygen x",
    "public": "public",
    "words": "words",
    "seal": "seal notice.txt",
    "open": "open notice.sealed",
    "encrypt-file": "encrypt-file notice.txt",
    "decrypt-file": "decrypt-file notice.enc --frob",
    "a range": "decrypt-file notice.enc --range 9-1 -o new.txt",
    "a role": "encrypt-file notice.txt -o new.enc --role boss",
    "store": "store",
    "no such store command": "store frob",
    "a store command": "store slots add cabinet.db -i ada.key",
    "a descriptor": "store open cabinet.db --passphrase-fd three",
    "inspect": "inspect one two",
    "audit": "audit notice.sealed",
    "safety-number": "safety-number -i ada.key",
    "demo": "demo x",
    "doctor": "doctor --all",
    "workers": "seal notice.txt -r staff/ben.pub -i ada.key --workers 0",
}


def test_the_tables_cover_every_command() -> None:
    assert WELL.keys() == COMMANDS.keys() == DO.keys()
    assert REFUSED.keys() | {"demo", "doctor"} == COMMANDS.keys()


# --- exit status and errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", WELL.values(), ids=WELL)
def test_0_is_success(notice: Path, run: Run, words: str) -> None:
    done = run(*words.split())
    assert done.status == 0
    assert "error" not in done.err


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_1_is_refused_or_failed(notice: Path, office: Path, run: Run, words: str) -> None:
    before = written(office)
    done = run(*words.split())
    assert done.status == 1
    assert done.out == b""
    assert re.fullmatch(r"siegel: error: .+ \(.+[^.]\)\n", done.err), done.err
    assert written(office) == before


@pytest.mark.parametrize("words", NO_USAGE.values(), ids=NO_USAGE)
def test_2_is_wrong_usage(notice: Path, office: Path, run: Run, words: str) -> None:
    before = written(office)
    done = run(*words.split())
    assert done.status == 2
    assert done.out == b""
    assert re.fullmatch(r"siegel: error: .+ \('siegel( [a-z-]+)* --help' shows how\)\n", done.err), done.err
    assert written(office) == before


@pytest.mark.parametrize(
    "words", [*REFUSED.values(), *NO_USAGE.values()], ids=[*REFUSED, *(f"no {n}" for n in NO_USAGE)]
)
def test_errors_as_json(notice: Path, run: Run, words: str) -> None:
    done = run(*words.split(), "--json")
    assert done.status in {1, 2}
    assert done.out == b""
    assert len(done.err.splitlines()) == 1
    error = json.loads(done.err)["error"]
    assert error["code"]
    assert error["message"]
    assert error["remedy"]
    assert (error["code"] == "usage") is (done.status == 2)


@pytest.mark.parametrize("words", WELL.values(), ids=WELL)
def test_results_as_json(notice: Path, run: Run, words: str) -> None:
    done = run(*words.split(), "--json")
    assert isinstance(json.loads(done.out), dict)
    assert done.err == ""


def test_as_processes(notice: Path, office: Path) -> None:
    assert siegel(*WELL["audit"].split(), cwd=office) == (0, b"2 recipients, all allowed\n", "")
    refused, misused = siegel(*REFUSED["audit"].split(), cwd=office), siegel("frob", cwd=office)
    assert (refused.status, refused.out) == (1, b"")
    assert (misused.status, misused.out) == (2, b"")
    assert refused.err.startswith("siegel: error: ")
    assert misused.err.startswith("siegel: error: ")


def test_the_installed_command_is_the_module(office: Path) -> None:
    script = Path(sys.executable).with_name("siegel")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.encode() == siegel("--version").out


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["inspect", "open -i ben.key", "audit --allow staff"])
def test_nobody_types_an_envelope(office: Path, words: str) -> None:
    status, screen = siegel_in_terminal(*words.split(), cwd=office)
    assert status == 2
    assert screen == "siegel: error: there is no input (name a FILE, or pipe it in)\n"


def test_a_public_identity_does_not_go_to_a_terminal(office: Path) -> None:
    status, screen = siegel_in_terminal("public", "-i", "ada.key", cwd=office)
    assert status == 1
    assert screen == (
        "siegel: error: a public identity is binary and does not go to a terminal (say -o FILE, or use a pipe)\n"
    )


def test_who_stops_reading_gets_no_complaint(notice: Path, office: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*SIEGEL, "inspect", "notice.sealed"], stdout=writing, stderr=subprocess.PIPE, cwd=office, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("words", [WELL["inspect"], "public -i ada.key"])
def test_a_full_disk_is_told(notice: Path, office: Path, words: str) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run([*SIEGEL, *words.split()], stdout=full, stderr=subprocess.PIPE, cwd=office, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(b": No space left on device (free some space, then try again)\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("closed", "words", "status"),
    [
        (">&-", "inspect notice.sealed", 1),
        (">&-", "public -i ada.key", 2),
        ("<&-", "inspect", 2),
        ("2>&-", "inspect notice.txt", 1),
        ("2>&-", "open -i ben.key -c staff notice.sealed", 0),
    ],
)
def test_closed_streams(notice: Path, office: Path, closed: str, words: str, status: int) -> None:
    command = f"{shlex.join(SIEGEL)} {words} {closed}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, cwd=office, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stdout == ("The works meeting is on Friday.\n" if status == 0 else "")


def test_ctrl_c(office: Path) -> None:
    status, screen = siegel_in_terminal(
        "keygen", "--from-words", "-o", "new.key", typed=b"\x03", after=b"24 words", cwd=office
    )
    assert status == 1
    assert screen.splitlines()[-1] == "siegel: error: interrupted"
    assert not (office / "new.key").exists()


def test_a_screen_that_knows_no_such_letters(office: Path) -> None:
    done = siegel("demo", PYTHONIOENCODING="ascii")
    assert done.status == 0
    assert b"siegel1" in done.out
    assert done.out.isascii()


# --- secrets ---------------------------------------------------------------------------------------------------------


def traces_of(name: str) -> Iterator[bytes]:
    """The secret of this person in every form that could be printed."""
    identity = person(name)
    yield secret_of(name)
    yield secret_of(name).hex().encode()
    yield identity.reveal().removeprefix("siegel-secret-1").encode()
    yield identity.words().encode()


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["plain", "json"])
def test_no_command_but_two_prints_the_secret(notice: Path, office: Path, run: Run, flags: Sequence[str]) -> None:
    used = [words for table in (WELL, REFUSED, NO_USAGE) for words in table.values()]
    others = ["public -i ada.key", "seal notice.txt -r staff/ben.pub -i ada.key", "open -i ada.key notice.sealed"]
    confused = ["inspect ada.key", "audit --allow ada.key notice.sealed", "open -i ada.key ada.key",
                "seal ada.key -r ada.key -i ada.key", "safety-number -i ada.key ada.key",
                "seal -r staff/ben.pub -i ben.key ada.key"]  # fmt: skip
    cut = Path("cut.key")
    cut.write_bytes(Path("ada.key").read_bytes()[:-5] + b"\n")
    damaged = ["public -i cut.key", "open -i cut.key notice.sealed", "words -i cut.key", "keygen --from-words cut.key"]
    for words in [*used, *others, *confused, *damaged]:
        done = run(*words.split(), *flags)
        for trace in (*traces_of("ada"), *traces_of("ben"), *traces_of("eva")):
            assert trace[:20] not in done.out + done.err.encode(), words
    kept = {path for path in written(office) if path not in {"ada.key", "ben.key", "eva.key", "cut.key", "new.words"}}
    for path in kept:
        assert not any(trace in (office / path).read_bytes() for trace in traces_of("ada")), path


def test_the_two_that_do(office: Path, run: Run) -> None:
    assert b"siegel-secret-1" in run("keygen").out
    status, screen = siegel_in_terminal("words", "-i", "ada.key", cwd=office)
    assert status == 0
    assert person("ada").words().split()[:6] == screen.splitlines()[2].split()


@pytest.mark.parametrize(
    "words", ["public -i SECRET", "inspect SECRET", "open -i=SECRET x", "SECRET", "keygen -o SECRET"]
)
def test_a_secret_among_the_arguments_is_refused_and_not_repeated(office: Path, run: Run, words: str) -> None:
    for text in (person("ada").reveal(), person("ada").reveal().upper()):
        done = run(*words.replace("SECRET", text).split())
        assert done.status == 2
        assert "a secret stands on the command line" in done.err
        assert not any(trace[:20] in done.err.lower().encode() for trace in traces_of("ada"))


# --- help ------------------------------------------------------------------------------------------------------------


def test_help_tells_of_every_command() -> None:
    done = siegel("--help")
    assert (done.status, done.err) == (0, "")
    assert all(f"    {name}" in done.out.decode() for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    done = run(name, "--help")
    assert done.status == 0
    assert f"usage: siegel {name}" in done.out.decode()
    assert "--json" in done.out.decode()
    assert max(map(len, done.out.decode().splitlines())) <= 120


def _examples() -> Iterator[str]:
    for text in [build_parser().description or "", *(text for _, text in COMMANDS.values())]:
        for line in text.splitlines():
            if line.startswith("  siegel "):
                yield re.split(r" {2,}| [<>]", line.strip())[0]


def test_the_examples_in_the_help_are_usage() -> None:
    examples = list(_examples())
    assert len(examples) >= 20
    for example in examples:
        assert build_parser().parse_args(shlex.split(example)[1:]).command in COMMANDS


def test_a_start_loads_nothing_that_one_command_needs() -> None:
    needed = {"importlib.metadata", "siegel.cli.doctor", "siegel.cli.demo", "tempfile"}
    code = f"import sys, siegel.cli; print({needed} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- failures that are nobody's refusal -----------------------------------------------------------------------------


def test_an_error_of_the_system_is_one_line(office: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setitem(DO, "keygen", fails)
    assert run("keygen") == (1, b"", "siegel: error: cannot go on: Too many open files\n")


def test_a_fault_of_our_own_is_not_hidden(office: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(DO, "keygen", fails)
    with pytest.raises(ZeroDivisionError):
        run("keygen")
