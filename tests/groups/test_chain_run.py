"""MSG-13: a new run of messages is received in less time, and with the result that the general way has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel.errors import InvalidArgument, InvalidMessage, NotPermitted, PeerError
from siegel.groups import chain as chains
from siegel.groups.certificate import Announcement, Close
from siegel.groups.chain import Opened, Step
from siegel.groups.links import Permission, Row
from siegel.groups.message import GroupMessage, parse_message
from tests.groups.chains import (
    CERTIFICATE,
    HEAD,
    KEY,
    OTHER_KEY,
    announcement,
    anything,
    damaged,
    data_of,
    leaf,
    nothing,
    receive_both_ways,
    run,
)
from tests.people import AT

RUN = run(0, 7)
OTHER_HEAD = bytes(32)


class Reader:
    """Takes every step both ways, and tells which of them it was."""

    def __init__(self, first: Announcement | None = None) -> None:
        step = chains.begin(first or announcement())
        self.chain, self.rows = step.chain, dict[int, Row](step.rows)

    def quick(self, messages: Sequence[GroupMessage], *, waiting: Sequence[GroupMessage] = ()) -> bool:
        step, quick = receive_both_ways(self.chain, self.rows, messages, waiting=waiting)
        self.apply(step)
        return quick

    def apply(self, step: Step) -> None:
        self.chain = step.chain
        self.rows |= step.rows


def rival(number: int, previous: bytes = CERTIFICATE.genesis) -> GroupMessage:
    return parse_message(data_of(number, previous, body=b"rival"))


@pytest.mark.parametrize(
    ("before", "messages"),
    [
        ([], RUN),
        ([], RUN[:1]),
        (RUN[:3], RUN[3:]),
        (RUN[:3], RUN[5:]),  # a gap below
        ([], RUN[5:]),
        ([], [*map(damaged, RUN[:7]), RUN[7]]),  # vouched for by the newest
        ([rival(0)], run(1, 3, rival(0).link)),
    ],
)
def test_new_runs(before: list[GroupMessage], messages: list[GroupMessage]) -> None:
    reader = Reader()
    reader.quick(before)
    assert reader.quick(messages)
    assert all(reader.rows[message.number + 1][0].link == message.link for message in messages)
    assert not any(reader.chain.tree.covers(message.number) for message in messages)


@pytest.mark.parametrize(
    ("before", "messages"),
    [
        ([], []),
        ([], [*RUN[:3], *RUN[4:]]),  # a gap among them
        ([], RUN[::-1]),
        ([], [*RUN, RUN[7]]),  # one twice
        ([], [RUN[0], rival(1)]),  # does not name the one before
        ([], [RUN[0], rival(2, RUN[0].link)]),  # names one that stands elsewhere
        ([], [*RUN[:7], damaged(RUN[7])]),  # nothing proves the newest
        ([RUN[3]], RUN[:3]),  # below what is known
        ([RUN[3]], RUN[2:]),
        (RUN[:3], [rival(3)]),  # contradicts what is known
        ([RUN[0], rival(0)], RUN[1:]),  # the chain is dead
    ],
)
def test_anything_else(before: list[GroupMessage], messages: list[GroupMessage]) -> None:
    reader = Reader()
    reader.quick(before)
    assert not reader.quick(messages)


def test_what_waits_may_matter() -> None:
    assert not Reader().quick(RUN[1:], waiting=[damaged(RUN[0])])


def test_a_chain_that_has_ended() -> None:
    reader = Reader()
    reader.quick(RUN[:3])
    end = Close(CERTIFICATE.chain_id, 2, RUN[2].link)
    reader.apply(chains.close(reader.chain, reader.rows, end, permitted=anything, at=AT))
    assert not reader.quick(RUN[3:])


def test_from_a_later_start() -> None:
    reader = Reader(announcement(3, RUN[2].link))
    assert not reader.quick(RUN[2:])
    assert Reader(announcement(3, RUN[2].link)).quick(RUN[3:])
    reader = Reader()
    reader.chain = reader.chain._replace(start=3)  # what begins a chain attests the link there; this one does not
    assert not reader.quick(RUN)


def test_without_the_links_of_what_was_received() -> None:
    """So begins a state that was restored from an export."""
    reader = Reader()
    reader.quick(RUN[:3])
    reader.rows.clear()
    assert reader.quick(RUN[3:])
    assert sorted(reader.rows) == [3, 4, 5, 6, 7, 8]


def test_another_chain() -> None:
    with pytest.raises(InvalidArgument):
        Reader().quick([RUN[0], RUN[1]._replace(chain_id=bytes(16)), RUN[2]])


def test_permission_refuses_in_a_run_as_elsewhere() -> None:
    reader = Reader()
    step, quick = receive_both_ways(reader.chain, reader.rows, RUN, permitted=nothing)
    assert quick
    assert [type(result) for result in step.results] == [NotPermitted] * len(RUN)
    assert step.chain.tree.encode() == reader.chain.tree.encode()


def test_a_fault_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[GroupMessage] = []

    def verify(message: GroupMessage, _key: bytes) -> None:
        checked.append(message)
        raise InvalidMessage

    monkeypatch.setattr(chains, "verify_signature", verify)
    begun = Reader()
    step = chains.receive(begun.chain, begun.rows, RUN, permitted=anything, at=AT)
    assert step.unproven == tuple(RUN)
    assert checked == RUN[::-1], "the newest, as one of a run, and not again"


def only(head: bytes) -> Permission:
    def permitted(_number: int, named: bytes) -> PeerError | None:
        return None if named == head else NotPermitted("a rule of the test")

    return permitted


@st.composite
def batches(draw: st.DrawFn) -> list[list[GroupMessage]]:
    """A sender's messages with faults of every kind, mostly in order and in batches of any size."""
    messages: list[GroupMessage] = []
    link = CERTIFICATE.genesis
    for number in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["sound"] * 6 + ["sealed to others", "not permitted", "forged"]))
        data = data_of(
            number,
            link,
            head=OTHER_HEAD if kind == "not permitted" else HEAD,
            under=leaf(number + 1) if kind == "sealed to others" else None,
            key=OTHER_KEY if kind == "forged" else KEY,
        )
        messages.append(parse_message(data))
        link = messages[-1].link
    for _ in range(draw(st.integers(0, 2))):
        one, other = (draw(st.integers(0, len(messages) - 1)) for _ in range(2))
        messages[one], messages[other] = messages[other], messages[one]
    cuts = sorted(draw(st.sets(st.integers(1, len(messages)))) | {len(messages)})
    return [messages[first:last] for first, last in zip([0, *cuts], cuts, strict=False)]


def test_both_ways_are_taken_and_have_one_result() -> None:
    ways = {True: 0, False: 0}
    opened = {True: 0, False: 0}

    @given(batches())
    @settings(max_examples=200)
    def holds(given_batches: list[list[GroupMessage]]) -> None:
        reader = Reader()
        for batch in given_batches:
            step, quick = receive_both_ways(reader.chain, reader.rows, batch, permitted=only(HEAD))
            reader.apply(step)
            ways[quick] += 1
            opened[quick] += sum(isinstance(result, Opened) for result in step.results)

    holds()
    assert min(*ways.values(), *opened.values()) > 20
