"""MSG-9 … MSG-12: what a hostile sender signs costs us a bounded number of steps and links for each message."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from siegel.errors import InvalidMessage, NotPermitted
from siegel.groups import chain as chains
from siegel.groups.certificate import Close
from siegel.groups.chain import Opened, Step
from siegel.groups.links import MAX_RIVALS, Forked, Row
from siegel.groups.message import GroupMessage, parse_message
from tests.groups.chains import CERTIFICATE, announcement, anything, data_of, run
from tests.people import AT

COUNT = 60
RUN = run(0, COUNT - 1)
RIVALS = [parse_message(data_of(m.number, m.previous, body=b"rival")) for m in RUN]


class Counted(dict[int, Row]):
    """Rows that count how often one is looked for."""

    lookups = 0

    def get(self, place: int, default: object = None) -> Row:  # what a ledger asks
        self.lookups += 1
        return super().get(place, default)  # type: ignore[arg-type]  # the same


class Reader:
    """A chain, its rows, and how many rows a step looked for."""

    def __init__(self) -> None:
        step = chains.begin(announcement())
        self.chain, self.rows = step.chain, Counted(step.rows)
        self.lookups = 0

    def receive(self, messages: Sequence[GroupMessage]) -> Step:
        return self._apply(chains.receive(self.chain, self.rows, messages, permitted=anything, at=AT))

    def kinds(self, messages: Sequence[GroupMessage]) -> set[type[object]]:
        return {type(result) for result in self.receive(messages).results}

    def close(self, number: int, link: bytes) -> Step:
        end = Close(CERTIFICATE.chain_id, number, link)
        return self._apply(chains.close(self.chain, self.rows, end, permitted=anything, at=AT))

    def _apply(self, step: Step) -> Step:
        self.lookups, self.rows.lookups = self.rows.lookups, 0
        self.chain = step.chain
        self.rows.update(step.rows)
        return step


# --- steps -----------------------------------------------------------------------------------------------------------


def test_a_close_of_a_chain_that_is_forked_everywhere() -> None:
    reader = Reader()
    reader.receive(RUN)
    reader.receive(RIVALS)
    assert len(reader.close(COUNT - 1, RUN[-1].link).events) == COUNT, "all are reinstated"
    assert reader.lookups < 20 * COUNT
    assert chains.gaps(reader.chain, reader.rows) == []


def test_a_rival_of_what_is_final_is_refused_at_once() -> None:
    """Whoever has seen such a message can send it again and again."""
    reader = Reader()
    reader.receive(RUN)
    reader.receive(RIVALS)
    reader.close(COUNT - 1, RUN[-1].link)
    for message in RIVALS[:1], RIVALS[-1:]:
        assert reader.kinds(message) == {NotPermitted}
        assert reader.lookups < 20


def test_rivals_of_what_is_final_and_not_delivered() -> None:
    reader = Reader()
    reader.receive([*RUN, *RIVALS])
    step = chains.close(
        reader.chain, reader.rows, Close(CERTIFICATE.chain_id, COUNT - 1, RUN[-1].link), permitted=anything, at=AT
    )
    reader._apply(step)
    assert reader.kinds(RIVALS) == {NotPermitted}
    assert reader.lookups < 20 * COUNT
    assert chains.gaps(reader.chain, reader.rows) == [(0, COUNT - 1)]
    assert reader.rows.lookups < 20 * COUNT


def test_an_owner_who_closes_at_every_place() -> None:
    reader = Reader()
    reader.receive(RUN)
    total = 0
    for message in RUN[::-1]:
        reader.close(message.number, message.link)
        total += reader.lookups
    assert total < 20 * COUNT
    assert reader.chain.summary.end == (1, RUN[0].link)


# --- links -----------------------------------------------------------------------------------------------------------


def stair(height: int) -> list[list[GroupMessage]]:
    """Sixteen at each place that are signed for themselves, and those below that are vouched for, more at each step."""
    links = [bytes((n // 256, n % 256)) * 16 for n in range(MAX_RIVALS * height)]
    signed, vouched = list[list[GroupMessage]](), list[GroupMessage]()
    for number in range(height):
        step = [parse_message(data_of(number, link, body=bytes((n,)))) for n, link in enumerate(links)]
        signed.append(step[:MAX_RIVALS])
        vouched += step[MAX_RIVALS:]
        links = [message.link for message in step[MAX_RIVALS:]]
        links = links[: MAX_RIVALS * (height - number - 1)]
    return [*signed, vouched]


def test_contradictions_are_bounded() -> None:
    reader, events = Reader(), list[object]()
    for batch in stair(6):
        events += reader.receive(batch).events
    assert max(map(len, reader.rows.values())) == MAX_RIVALS
    assert all(isinstance(event, Forked) and len(event.links) <= MAX_RIVALS for event in events)
    assert len(events) <= MAX_RIVALS * len(reader.rows)


def test_at_a_full_place_no_signature_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    rivals = [parse_message(data_of(0, body=bytes((n,)))) for n in range(MAX_RIVALS + 1)]
    assert reader.kinds(rivals[:-1]) == {NotPermitted}
    monkeypatch.setattr(chains, "verify_signature", lambda *_: pytest.fail("checked"))
    assert reader.kinds(rivals[-1:]) == {InvalidMessage}
    reader.close(0, rivals[-1].link)
    assert reader.kinds(rivals[-1:]) == {Opened}, "the owner's word counts, however many rivals a thief has signed"
    assert len(reader.rows[1]) == MAX_RIVALS + 1


def flooded() -> Reader:
    """A thief of the chain's key has filled places before the owner's messages came."""
    reader = Reader()
    for number in range(4):
        reader.receive([parse_message(data_of(number, bytes((n,)) * 32)) for n in range(MAX_RIVALS)])
    assert [len(reader.rows[place]) for place in range(5)] == [MAX_RIVALS] * 5
    return reader


def test_what_is_final_comes_to_a_full_place_too() -> None:
    reader, given = flooded(), RUN[:6]
    reader.close(5, given[5].link)
    assert reader.kinds(given) == {Opened}
    assert [len(reader.rows[place]) for place in range(7)] == [MAX_RIVALS, *[MAX_RIVALS + 1] * 4, 1, 1]


def test_what_becomes_final_comes_to_a_full_place_too() -> None:
    reader, given = flooded(), RUN[:6]
    assert reader.kinds(given) == {InvalidMessage, NotPermitted}
    reader.close(5, given[5].link)
    assert chains.gaps(reader.chain, reader.rows) == [(3, 5)], "below, it is not known yet what is final"
    assert reader.kinds(given) == {Opened}
