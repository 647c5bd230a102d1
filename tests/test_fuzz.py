"""The fuzzing targets work on their seeds, and see a fault that is planted."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fuzz import attachment, codec, public_identity, running, sealed_message, unlock
from siegel import attachments
from siegel._core.secret import Secret

TARGETS = [attachment, codec, public_identity, sealed_message, unlock]


@pytest.fixture(params=TARGETS, ids=lambda target: target.__name__)
def target(request: pytest.FixtureRequest) -> ModuleType:
    module: ModuleType = request.param
    return module


def test_seeds_and_their_neighbours(target: ModuleType) -> None:
    choices = random.Random(5)
    for seed in target.SEEDS:
        target.one_input(seed)
        for _ in range(20):
            place = choices.randrange(len(seed))
            target.one_input(seed[:place] + choices.randbytes(1) + seed[place + 1 :])
    for empty in (b"", b"\0", b"\1", b"\xff"):
        target.one_input(empty)


def test_a_second_encoding_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "decode", lambda _: [1])
    codec.one_input(b"\x81\x01")
    with pytest.raises(running.Finding):
        codec.one_input(b"\x81\x18\x01")


def test_another_value_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "decode", lambda _: True)
    monkeypatch.setattr(codec, "encode", lambda _: b"\1")
    with pytest.raises(running.Finding, match="another value"):
        codec.one_input(b"\1")


def test_a_forgery_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = sealed_message.SEEDS[0]
    monkeypatch.setattr(sealed_message, "BODY", b"something else")
    with pytest.raises(running.Finding, match="forgery"):
        sealed_message.one_input(envelope)


def test_a_released_forgery_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment, "PAYLOAD", b"something else")
    with pytest.raises(running.Finding, match="forgery"):
        attachment.one_input(attachment.SEEDS[2])
    with pytest.raises(running.Finding, match="released"):
        attachment.one_input(attachment.SEEDS[2][:-1])


def test_a_name_that_leads_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "_check_name", lambda _: None)
    data = attachment.SEEDS[1].replace("é.jpg".encode(), b"../pwd")
    with pytest.raises(running.Finding, match="path"):
        attachment.one_input(data)


def test_a_forged_slot_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlock, "ROOT", Secret(bytes(32)))
    with pytest.raises(running.Finding, match="another key"):
        unlock.one_input(unlock.SEEDS[0])
    monkeypatch.setattr(unlock, "READERS", [(lambda _: None, b"")])
    with pytest.raises(running.Finding, match="not what the store wrote"):
        unlock.one_input(unlock.SEEDS[0])


def test_another_exception_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> None:
        raise KeyError

    monkeypatch.setattr(sealed_message, "inspect_envelope", broken)
    with pytest.raises(KeyError):
        sealed_message.one_input(sealed_message.SEEDS[0])


def test_a_finding_can_be_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crash = tmp_path / "crash-1"
    crash.write_bytes(b"\x81\x01")
    seen: list[bytes] = []
    monkeypatch.setattr(sys, "argv", ["fuzz", str(crash)])
    running.run(seen.append, seeds=[], longest=1)
    assert seen == [b"\x81\x01"]
