"""What was opened before is told apart, as far back as the horizon, and no further is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import OpenedMessage, open_sealed, seal
from siegel._core.instants import LATEST
from siegel.errors import Expired, InvalidArgument, Replay
from siegel.store.replay import HORIZON, ReplayGuard
from siegel.store.store import Store
from tests.people import AT, DAY, HOUR, person, public
from tests.store.clients import fresh, undone
from tests.store.records_at_hand import KEY


def opened(text: bytes = b"hello", *, at: int = AT) -> OpenedMessage:
    envelope = seal(text, sender=person("alice"), recipients=[public("bob")], at=at)
    return open_sealed(envelope, identity=person("bob"), contacts=[public("alice")])


def claimed(number: int, sent_at: int) -> OpenedMessage:
    """A message with this id, sent when its sender says."""
    message_id = number.to_bytes(32, "big")
    return opened()._replace(sent_at=sent_at, message_id=message_id)


def test_once() -> None:
    guard, message = ReplayGuard(fresh()), opened()
    guard.take(message, at=AT)
    for at in (AT, AT + HOUR, AT + HORIZON - 1):
        with pytest.raises(Replay):
            guard.take(message, at=at)
    guard.take(opened(), at=AT)  # the same text, sealed again, is another message


def test_the_same_bytes_opened_again_are_the_same_message() -> None:
    envelope = seal(b"hello", sender=person("alice"), recipients=[public("bob"), public("carol")], at=AT)
    guard = ReplayGuard(fresh())
    guard.take(open_sealed(envelope, identity=person("bob"), contacts=[public("alice")]), at=AT)
    with pytest.raises(Replay):
        guard.take(open_sealed(envelope, identity=person("carol"), contacts=[public("alice")]), at=AT)


def test_what_is_older_than_the_horizon_is_refused() -> None:
    guard = ReplayGuard(fresh(), horizon=DAY)
    guard.take(claimed(1, AT - DAY + 1), at=AT)
    with pytest.raises(Expired):
        guard.take(claimed(2, AT - DAY), at=AT)
    with pytest.raises(Expired):
        guard.take(claimed(1, AT - DAY + 1), at=AT + 1)


def test_sweeping_forgets_what_would_be_refused_anyway() -> None:
    store = fresh()
    guard = ReplayGuard(store, horizon=DAY)
    for number in range(10):
        guard.take(claimed(number, AT + number * HOUR), at=AT + number * HOUR)
    assert store.sweep(at=AT + DAY + 4 * HOUR) == 5
    for number in range(10):
        with pytest.raises((Expired, Replay)):
            guard.take(claimed(number, AT + number * HOUR), at=AT + DAY + 4 * HOUR)
    assert store.sweep(at=AT + 3 * DAY) == 5


def test_a_date_in_the_future_buys_no_second_time() -> None:
    store = fresh()
    guard = ReplayGuard(store, horizon=DAY)
    for message in (claimed(1, AT + 1_000 * DAY), claimed(2, LATEST)):
        guard.take(message, at=AT)
        for at in (AT, message.sent_at - 1, message.sent_at):
            store.sweep(at=at)
            with pytest.raises((Replay, Expired)):
                guard.take(message, at=at)


def test_a_clock_that_went_back() -> None:
    guard = ReplayGuard(fresh(), horizon=DAY)
    guard.take(claimed(1, AT), at=AT)
    with pytest.raises(Replay):
        guard.take(claimed(1, AT), at=AT - 10 * DAY)


def test_what_is_undone_comes_again() -> None:
    store = fresh()
    guard, history = ReplayGuard(store), store.collection("history")
    message = opened()
    with undone(store):
        guard.take(message, at=AT)
        history.put(message.message_id, message.body)
    with store.transaction():
        guard.take(message, at=AT)
        history.put(message.message_id, message.body)
    assert len(list(history.scan())) == 1


def test_a_refusal_leaves_the_transaction_as_it_is() -> None:
    store = fresh()
    guard, history = ReplayGuard(store), store.collection("history")
    guard.take(claimed(1, AT), at=AT)
    with store.transaction():
        for number in (1, 2, 1, 3):
            try:
                guard.take(claimed(number, AT), at=AT)
            except Replay:
                continue
            history.put(str(number), b"")
    assert {record.key for record in history.scan()} == {"2", "3"}


def test_it_is_remembered_when_the_store_is_opened_again(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        ReplayGuard(store).take(claimed(1, AT), at=AT)
    with Store.open(tmp_path / "s.db", key=KEY) as store, pytest.raises(Replay):
        ReplayGuard(store).take(claimed(1, AT), at=AT)


def test_two_processes_take_it_once(tmp_path: Path) -> None:
    one = ReplayGuard(Store.create(tmp_path / "s.db", key=KEY))
    other = ReplayGuard(Store.open(tmp_path / "s.db", key=KEY))
    one.take(claimed(1, AT), at=AT)
    with pytest.raises(Replay):
        other.take(claimed(1, AT), at=AT)


def test_a_horizon_is_a_length_of_time() -> None:
    for horizon in (0, -1, 1.5, LATEST + 1, True):
        with pytest.raises(InvalidArgument):
            ReplayGuard(fresh(), horizon=horizon)  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 6), st.booleans()),
        max_size=40,
    )
)
def test_never_twice_while_the_clock_does_not_go_back(steps: list[tuple[int, int, bool]]) -> None:
    store = fresh()
    guard = ReplayGuard(store, horizon=3 * DAY)
    taken: set[int] = set()
    now = AT
    for number, passed, sweeps in steps:
        now += passed * HOUR * 6
        if sweeps:
            store.sweep(at=now)
        sent_at = AT + number * DAY
        try:
            guard.take(claimed(number, sent_at), at=now)
        except Replay:
            assert number in taken
        except Expired:
            assert sent_at + 3 * DAY <= now
        else:
            assert number not in taken
            taken.add(number)
