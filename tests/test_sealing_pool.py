"""Sealing in several processes gives what sealing in one gives."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import pytest

from siegel import letters, open_sealed, seal, sealing_pool
from siegel._core.secret import Secret
from siegel._core.suite import SealingPublicKey, SealingSecretKey, hpke_open
from siegel.errors import StateError
from siegel.identity import hedge_secret
from siegel.sealing_pool import seal_in_processes
from tests.people import AT, company, person, secret_of

SECRET = Secret(secret_of("content"))
KEYS = [SealingSecretKey(Secret(secret_of(f"key {number}"))) for number in range(5)]
JOBS = [(SealingPublicKey(key.public, where="key"), bytes([place])) for place, key in enumerate(KEYS)]


@pytest.mark.parametrize(("workers", "count"), [(2, 5), (5, 3), (1, 1), (2, 33), (3, 500)])
def test_each_job_is_done_and_stays_in_its_place(workers: int, count: int) -> None:
    jobs = [(JOBS[place % 5][0], place.to_bytes(2, "big")) for place in range(count)]
    sealed = seal_in_processes(workers)(SECRET, jobs)
    assert len(sealed) == count
    for place, one in enumerate(sealed):
        assert hpke_open(KEYS[place % 5], one, info=place.to_bytes(2, "big")).reveal() == SECRET.reveal()


def test_a_message_sealed_by_two_opens_like_one_sealed_by_one() -> None:
    people = company(70)
    for private in (False, True):
        envelopes = [
            seal(b"text", sender=person("alice"), recipients=people, private=private, at=AT, workers=workers)
            for workers in (None, 1, 2)
        ]
        assert len({len(envelope) for envelope in envelopes}) == 1
        for envelope in envelopes:
            for name in ("alice", "bob", "colleague 69"):
                for data in (envelope, dict(letters(envelope))[person(name).user_id]):
                    read = open_sealed(data, identity=person(name), contacts=[person("alice").user_id])
                    assert (read.body, read.recipient_count) == (b"text", 70)


@pytest.mark.parametrize("error", [OSError, RuntimeError, AssertionError])
def test_processes_that_do_not_start(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def start(_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(sealing_pool._CONTEXT.Process, "start", start)
    with pytest.raises(StateError, match="did not start") as caught:
        seal(b"text", sender=person("alice"), recipients=company(40), at=AT, workers=2)
    assert caught.value.__context__ is None
    report = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    hedge = hedge_secret(person("alice")).reveal()
    assert repr(hedge)[2:-1] not in report
    assert "seal_content" in report


SCRIPT = """
from siegel import Identity, seal

seal(b"text", sender=None, recipients=[Identity.generate().public() for _ in range(2_000)], workers=2)
"""


def test_a_script_without_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert 'call from under if __name__ == "__main__"' in done.stderr.splitlines()[-1]
