"""How a batch is taken: as its inputs one by one, at one signature check for each run of messages."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel.errors import (
    InvalidMessage,
    MalformedError,
    MissingEpochKey,
    MissingSenderKey,
    NotARecipient,
    PeerError,
    Replay,
    StaleRoster,
)
from siegel.events import MessageDisputed, MessageReceived, MessageReinstated, PartRefused, RosterChanged
from siegel.groups import chain
from siegel.groups.actions import Role
from siegel.groups.control import Control
from siegel.groups.intake import MAX_MISSING
from siegel.groups.links import decode_row
from siegel.groups.message import GroupMessage, parse_message, verify_signature
from siegel.groups.messages import Outcome
from siegel.groups.parked import MAX_COUNT
from tests.groups.chains import unsigned
from tests.groups.company import MESSAGE, SEALED, Company, parts, records_of, users
from tests.people import public

TEAM = ("anna", "bert", "carl", "dora")


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The index of each message whose own signature was checked."""
    checked: list[int] = []
    original = verify_signature

    def watched(message: GroupMessage, signing_key: bytes) -> None:
        checked.append(message.number)
        original(message, signing_key)

    monkeypatch.setattr(chain, "verify_signature", watched)
    return checked


def stream(team: Company, device: str, count: int) -> list[bytes]:
    """Messages of a chain that the others know."""
    team.say(device)
    return [parts(team.act(device, "encrypt", f"{device} {number}".encode()))[0] for number in range(count)]


# --- one signature check for a run -----------------------------------------------------------------------------------


def test_a_run_costs_one_signature_check(verified: list[int]) -> None:
    team = Company(*TEAM)
    messages = stream(team, "anna", 50)
    verified.clear()
    outcomes = team["bert"].receive_many(messages, at=team.at)
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert verified == [50], "that of the newest, which vouches for all below it"


def test_each_run_costs_one(verified: list[int]) -> None:
    team = Company(*TEAM)
    messages = stream(team, "anna", 30)
    del messages[20], messages[10]
    verified.clear()
    team["bert"].receive_many(messages, at=team.at)
    assert sorted(verified) == [10, 20, 30], "two are missing; behind each ends a run"


def test_runs_of_several_senders_may_be_mixed(verified: list[int]) -> None:
    team = Company(*TEAM)
    by_anna, by_carl = stream(team, "anna", 20), stream(team, "carl", 20)
    mixed = [message for pair in zip(by_anna, by_carl, strict=True) for message in pair]
    random.Random(0).shuffle(mixed)
    verified.clear()
    outcomes = team["bert"].receive_many(mixed, at=team.at)
    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 40
    assert verified == [20, 20]


def test_one_by_one_each_is_checked(verified: list[int]) -> None:
    team = Company(*TEAM)
    messages = stream(team, "anna", 10)
    verified.clear()
    for message in messages:
        team["bert"].receive(message, at=team.at)
    assert verified == list(range(1, 11))


def test_backwards_the_first_vouches_for_all(verified: list[int]) -> None:
    team = Company(*TEAM)
    messages = stream(team, "anna", 10)
    verified.clear()
    for message in reversed(messages):
        team["bert"].receive(message, at=team.at)
    assert verified == [10]


# --- a batch is its inputs one by one --------------------------------------------------------------------------------


def a_day() -> tuple[Company, list[bytes]]:
    """Everything that went over the wire while Bert was away: messages, a fork, acts, two branches, broken bytes."""
    team = Company(*TEAM, roles={"carl": Role.ADMIN})
    for name in TEAM:
        team.say(name)
    team.clone("bert", "bert/later")
    team.clone("dora", "dora/twin")
    wire: list[bytes] = []

    def post(device: str, verb: str, *arguments: object, to: tuple[str, ...] = ("anna", "carl", "dora")) -> None:
        out = team.act(device, verb, *arguments)
        wire.extend(parts(out))
        team.hand(parts(out), [name for name in to if name != device])

    for number in range(3):
        post("anna", "encrypt", b"%d" % number)
        post("carl", "encrypt", b"%d" % number)
    post("dora", "encrypt", b"with one tongue")
    post("dora/twin", "encrypt", b"and another", to=())
    post("carl", "remove", users("dora"), to=())
    post("anna", "add", [public("emil")])
    post("anna", "encrypt", b"with emil")
    post("anna", "rotate")
    post("carl", "encrypt", b"before and after")
    (pending,) = team["anna"].pending() or (None,)
    if pending:
        post("anna", "dismiss", pending)
    post("dora", "encrypt", b"still here")
    post("anna", "encrypt", b"the end")
    wire += [unsigned(data) for data in wire if data[:2] == MESSAGE][:6]
    wire += [b"", b"\x8a\x03", wire[0][:-1], wire[3][:40] + b"\0" + wire[3][41:]]
    return team, wire


def standing(outcomes: list[Outcome]) -> set[bytes]:
    """Which messages were delivered, each once, and are not disputed in the end."""
    delivered: list[bytes] = []
    disputed: set[bytes] = set()
    for outcome in outcomes:
        for event in outcome if isinstance(outcome, tuple) else ():
            if isinstance(event, MessageReceived):
                delivered.append(event.message_id)
            elif isinstance(event, MessageDisputed):
                disputed.add(event.message_id)
            elif isinstance(event, MessageReinstated):
                disputed.remove(event.message_id)
    assert len(delivered) == len(set(delivered))
    return set(delivered) - disputed


def state_of(team: Company, device: str) -> dict[str, object]:
    """The records. Of a chain that forked the links alone: whoever saw one face first had opened it."""
    forked = {chain_id.hex() for chain_id, one in team[device]._state.chains.items() if one.summary.fork is not None}
    records: dict[str, object] = {}
    for name, data in records_of(team.storages[device]).items():
        folder, _, place = name.rpartition("/")
        if "/link/" in name and folder.rpartition("/")[2] in forked:
            records[name] = [(entry.link, entry.previous) for entry in decode_row(data)]
        elif "/chain/" not in name or place not in forked:
            records[name] = data
    return records


@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=12))
@settings(max_examples=60)
def test_a_batch_does_what_its_inputs_do_one_by_one(seed: int, sizes: list[int]) -> None:
    team, wire = DAY
    order = list(wire)
    random.Random(seed).shuffle(order)
    order += order[::3]  # and some of it twice
    one, many = team.clone("bert/later", "bert/one"), team.clone("bert/later", "bert/many")
    alone: list[Outcome] = []
    for data in order:
        alone += one.receive_many([data], at=team.at)
    together: list[Outcome] = []
    rest = list(order)
    for size in (*sizes, len(order)):
        together += many.receive_many(rest[:size], at=team.at)
        rest = rest[size:]
    assert len(together) == len(alone) == len(order)
    assert standing(together) == standing(alone)
    assert state_of(team, "bert/many") == state_of(team, "bert/one")


DAY = a_day()


def test_the_day_has_everything_in_it() -> None:
    team, wire = DAY
    bert = team.clone("bert/later", "bert/all")
    outcomes = bert.receive_many(wire, at=team.at)
    kinds = {type(event).__name__ for outcome in outcomes if isinstance(outcome, tuple) for event in outcome}
    errors = {type(outcome).__name__ for outcome in outcomes if isinstance(outcome, PeerError)}
    assert {"MessageReceived", "RosterChanged", "SenderKeyReceived", "ChainForked", "OperationPending"} <= kinds
    assert {"MalformedError", "Replay", "NotPermitted"} <= errors


# --- what is early ---------------------------------------------------------------------------------------------------


def test_an_error_says_what_is_missing() -> None:
    team = Company(*TEAM)
    rename = team.act("anna", "rename", "x")
    announcement, message = parts(team.act("anna", "encrypt", b"x"))
    other = Company(*TEAM).act("anna", "add", [public("emil")])
    (foreign,) = [data for data in other.control if data[:2] == SEALED]
    outcomes = team["bert"].receive_many([message, announcement, foreign], at=team.at)
    assert [type(outcome) for outcome in outcomes] == [MissingSenderKey, StaleRoster, NotARecipient]
    _, roster, _ = outcomes
    assert isinstance(roster, StaleRoster)
    assert roster.head == team["anna"].roster.head
    (outcome,) = team["bert"].receive_many(rename.control, at=team.at)
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[0], RosterChanged)
    assert isinstance(outcome[-1], MessageReceived)


def test_what_is_asked_for_is_bounded_and_the_newest_of_it() -> None:
    """Chains that nobody has do not keep those away that somebody has."""
    team = Company(*TEAM)
    template = parts(team.act("anna", "encrypt", b"x"))[-1]
    made_up = [template[:4] + number.to_bytes(16, "big") + template[20:] for number in range(3 * MAX_MISSING)]
    outcomes = team["bert"].receive_many([*made_up, template], at=team.at)
    assert all(isinstance(outcome, MissingSenderKey) for outcome in outcomes)
    asked = team["bert"]._intake.missing_chains
    assert len(asked) == MAX_MISSING
    assert parse_message(template).chain_id in asked


def test_what_waits_is_bounded() -> None:
    team = Company(*TEAM)
    announcement, message = parts(team.act("anna", "encrypt", b"x"))
    made_up = [message[:4] + number.to_bytes(16, "big") + message[20:] for number in range(MAX_COUNT)]
    team["bert"].receive_many([message, *made_up], at=team.at)
    assert team.hand([announcement], ["bert"]).texts("bert") == [], "it was the oldest, and had to go"
    assert team.hand([message], ["bert"]).texts("bert") == [b"x"], "given again, it is read"


def test_junk_does_not_wait() -> None:
    team = Company(*TEAM)
    (message,) = stream(team, "anna", 1)
    junk = [b"", b"\x8a\x03", b"\x86\x0c", b"\x86\x02", message[:-1], message + b"\0"]
    outcomes = team["bert"].receive_many(junk, at=team.at)
    assert {type(outcome) for outcome in outcomes} == {MalformedError}
    assert len(team["bert"]._intake._parked) == 0


def test_what_is_refused_within_something_early_stays_with_it() -> None:
    """An early part of an input that did something is an event; the input waits all the same."""
    team = Company(*TEAM)
    rename, message = team.act("anna", "rename", "x"), team.act("anna", "encrypt", b"x")
    team.hand(rename.control, ["carl"])
    first = team.act("carl", "encrypt", b"y")
    heard = team.hand([*parts(message), *parts(first)], ["bert"])
    assert {StaleRoster, MissingSenderKey} == {*heard.errors("bert")}
    assert not heard.events(PartRefused)
    assert sorted(team.hand(rename.control, ["bert"]).texts("bert")) == [b"x", b"y"]


def test_a_message_whose_signature_failed_waits_for_the_next_one_only_in_its_own_chain() -> None:
    team = Company(*TEAM)
    by_anna, by_carl = stream(team, "anna", 2), stream(team, "carl", 2)
    heard = team.hand([unsigned(by_anna[0]), by_carl[1]], ["bert"])
    assert heard.errors("bert") == [InvalidMessage]
    assert heard.texts("bert") == [b"carl 1"]
    assert team.hand([by_anna[1]], ["bert"]).texts("bert") == [b"anna 1", b"anna 0"]
    assert team.hand([by_anna[0]], ["bert"]).errors("bert") == [Replay]


def test_a_broadcast_of_another_epoch_is_early_and_then_too_late_for_who_is_out() -> None:
    team = Company(*TEAM)
    team.do("anna", "remove", users("dora"))
    announcement, message = parts(team.act("anna", "encrypt", b"x"))
    log = team.sealed("bert", _log(team), "dora")
    assert team.hand([announcement, message], ["dora"]).errors("dora") == [StaleRoster, MissingSenderKey]
    team.hand([log], ["dora"])
    assert team.hand([announcement, message], ["dora"]).errors("dora") == [MissingEpochKey, MissingSenderKey]


def _log(team: Company) -> Control:
    return Control(team["anna"].group_id, items=team["anna"].operations())
