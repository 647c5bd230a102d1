"""Sealing in several processes gives what sealing in one gives."""

from __future__ import annotations

import traceback
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NoReturn

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


@pytest.mark.parametrize(("workers", "count"), [(2, 5), (5, 3), (1, 1)])
def test_each_job_is_done_and_stays_in_its_place(workers: int, count: int) -> None:
    sealed = seal_in_processes(workers)(SECRET, JOBS[:count])
    assert len(sealed) == count
    for place, (key, one) in enumerate(zip(KEYS, sealed, strict=False)):
        assert hpke_open(key, one, info=bytes([place])).reveal() == SECRET.reveal()


def test_a_message_sealed_by_two_opens_like_one_sealed_by_one() -> None:
    people = company(9)
    for private in (False, True):
        envelopes = [
            seal(b"text", sender=person("alice"), recipients=people, private=private, at=AT, workers=workers)
            for workers in (None, 1, 2)
        ]
        assert len({len(envelope) for envelope in envelopes}) == 1
        for envelope in envelopes:
            for name in ("alice", "bob", "colleague 8"):
                for data in (envelope, dict(letters(envelope))[person(name).user_id]):
                    read = open_sealed(data, identity=person(name), contacts=[person("alice").user_id])
                    assert (read.body, read.recipient_count) == (b"text", 9)


class Broken:
    """An executor whose processes do not start."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> NoReturn:
        raise BrokenProcessPool

    def __exit__(self, *_: object) -> None:
        pass


def test_processes_that_do_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing_pool, "ProcessPoolExecutor", Broken)
    with pytest.raises(StateError, match="did not start") as caught:
        seal(b"text", sender=person("alice"), recipients=company(2), at=AT, workers=2)
    report = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    hedge = hedge_secret(person("alice")).reveal()
    assert repr(hedge)[2:-1] not in report
    assert "seal_content" in report
