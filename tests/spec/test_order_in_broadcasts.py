"""Of two faults in a broadcast, or in a key that is given, the stage that comes first decides (EPO-4, EPO-8)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from siegel import Identity, UserId
from siegel._core.secret import Secret
from siegel.groups.control import Control, GivenKey
from siegel.groups.epoch import EpochKey
from siegel.groups.history import History
from siegel.groups.member import Member
from siegel.groups.receiving import Receiver
from siegel.groups.state import Candidate, State
from siegel.groups.storage import MemoryStorage
from tests.groups.rosters import create, user
from tests.people import AT, DAY, person, secret_of
from tests.spec.test_order_in_chains import decides, found, with_bytes
from tests.vectors.reference import broadcast, epoch, texts
from tests.vectors.reference.broadcast import Draft, Hook

KEY = b"\7" * 32
FOUNDING = create(fresh=create().action.fresh._replace(commitment=epoch.commitment(KEY)))  # type: ignore[union-attr]
READER = Identity.from_secret(b"\1" * 32)


def candidate(*, held: bool = True, at: int = AT) -> Candidate:
    made = Candidate(State(MemoryStorage(), History.found(FOUNDING)), at=at)
    if held:
        made.keys.put(FOUNDING.head, EpochKey(Secret(KEY), AT))
    return made


# --- broadcasts (the table in epoch.md) ------------------------------------------------------------------------------

BROADCAST = {
    "size": "limit-exceeded",  # EPO-7
    "encoding": "malformed byte",
    "type": "malformed broadcast",
    "version": "unsupported-version",
    "shape": "malformed broadcast nonce",  # EPO-7
    "head": "stale-roster",
    "key": "missing-epoch-key",  # EPO-3
    "signature": "invalid-message",  # EPO-8, as all from commitment on
    "sender": "not-permitted",
}


def broadcast_with(*faults: str) -> bytes:
    """A broadcast in which these stages find a fault; of those behind the key, the one that comes first is made."""
    hooks: dict[str, Hook] = {}
    if "signature" in faults:
        hooks["signature"] = lambda *_: bytes(64)
    if "shape" in faults:
        hooks["nonce"] = lambda nonce, _: nonce[1:]
    draft = Draft(
        control=Control(FOUNDING.group_id).encode(),
        sender=secret_of("carl" if "sender" in faults else "frida"),
        group_id=FOUNDING.group_id,
        head=bytes(32) if "head" in faults else FOUNDING.head,
        key=KEY,
        at=AT,
        hedge=bytes(32),
    )
    return with_bytes(broadcast.write(draft, hooks).broadcast, faults, broadcast.MAX_BROADCAST)


def heard(*faults: str) -> str:
    receiver = Receiver(candidate(held="key" not in faults), Member(READER, ()))
    return found(lambda: receiver._take_broadcast(broadcast_with(*faults)))


def test_the_honest_broadcast_is_heard() -> None:
    assert heard() == "nothing"


@pytest.mark.parametrize("stage", BROADCAST)
def test_broadcast_each_fault_alone(stage: str) -> None:
    assert heard(stage) == BROADCAST[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(BROADCAST, 2)))
def test_broadcast_the_first_of_two_decides(first: str, second: str) -> None:
    assert heard(first, second) == BROADCAST[decides(first, second)]


INSIDE = ("commitment", "body", "padding", "content", "signature")


@pytest.mark.parametrize("stages", [*((stage,) for stage in INSIDE), *combinations(INSIDE, 2)], ids="-".join)
def test_whatever_fails_behind_the_key_is_the_same(stages: tuple[str, ...]) -> None:
    hooks: dict[str, Hook] = {
        "commitment": lambda *_: bytes(32),
        "ciphertext": lambda data, _: data[:-1] + bytes([data[-1] ^ 1]),
        "padded": lambda padded, _: padded[:-1] + b"\1",
        "text": lambda *_: b"",
        "signature": lambda *_: bytes(64),
    }
    names = {"body": "ciphertext", "padding": "padded", "content": "text"}
    chosen: dict[str, Any] = {names.get(stage, stage): hooks[names.get(stage, stage)] for stage in stages}
    draft = Draft(bytes(80), secret_of("frida"), FOUNDING.group_id, FOUNDING.head, KEY, AT, bytes(32))
    data = broadcast.write(draft, chosen).broadcast
    assert len(texts.pad(b"")) == 64
    receiver = Receiver(candidate(), Member(READER, ()))
    assert found(lambda: receiver._take_broadcast(data)) == "invalid-message"


# --- keys that are given (the table in epoch.md) ---------------------------------------------------------------------

GIVEN = {
    "head": "stale-roster",
    "giver": "not-permitted",
    "holder": "not-permitted",
    "proof": "refused",
    "age": "expired",
}


def given(*faults: str) -> str:
    """What becomes of a key in which these stages find a fault."""
    made = candidate(held=False, at=AT + 44 * DAY if "age" in faults else AT)
    receiver = Receiver(made, Member(READER if "holder" in faults else person("frida"), ()))
    key = GivenKey(
        bytes(32) if "head" in faults else FOUNDING.head,
        Secret(bytes(32) if "proof" in faults else KEY),
    )
    giver: UserId = user("carl" if "giver" in faults else "frida")
    verdict = found(lambda: receiver._take_key(key, giver, b""))
    refused = [event for event in receiver._events if type(event).__name__ == "EpochKeyRefused"]
    return "refused" if refused else verdict


def test_the_honest_key_is_taken() -> None:
    assert given() == "nothing"


@pytest.mark.parametrize("stage", GIVEN)
def test_key_each_fault_alone(stage: str) -> None:
    assert given(stage) == GIVEN[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(GIVEN, 2)))
def test_key_the_first_of_two_decides(first: str, second: str) -> None:
    assert given(first, second) == GIVEN[first]
