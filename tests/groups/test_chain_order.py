"""MSG-9 … MSG-15: acceptance is a function of the set, whatever the order, the batches and the faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel.errors import Expired, InvalidMessage, MissingSenderKey, NotPermitted, PeerError, Replay
from siegel.groups import chain as chains
from siegel.groups.certificate import Announcement, Close
from siegel.groups.chain import Chain, Opened, Step
from siegel.groups.links import DELIVERED, DISPUTED, RECEIVED, Disputed, Reinstated, Row
from siegel.groups.message import GroupMessage, parse_message
from siegel.groups.waiting import Waiting
from tests.groups import reference_chain as reference
from tests.groups.chains import (
    CERTIFICATE,
    OTHER_KEY,
    announcement,
    damaged,
    data_of,
    leaf,
    receive_both_ways,
    unsigned,
)
from tests.people import AT

NUMBERS = 6
STEADY, WITHDRAWN, GRANTED = (sha256(name).digest() for name in (b"steady", b"withdrawn", b"granted"))
JUNK = sha256(b"junk").digest()

Item = GroupMessage | Announcement | Close | bytes  # bytes: the rule about the roster head changes


# --- a receiver ------------------------------------------------------------------------------------------------------


class Receiver:
    """Somebody who keeps a chain as a group would: applies each step, lets what is unproven wait, checks events."""

    def __init__(self, first: Announcement, wait_for: Waiting | None = None) -> None:
        self.rows: dict[int, Row] = {}
        self.waiting = wait_for or Waiting()
        self.changed: set[bytes] = set()  # roster heads about which the rule has changed
        self.standing: dict[bytes, bool] = {}  # what the events say about each delivered message
        self.chain = self._applied(chains.begin(first))

    def permitted(self, _number: int, head: bytes) -> PeerError | None:
        refused = (head == WITHDRAWN) == (head in self.changed) and head != STEADY
        return NotPermitted("a rule of the test") if refused else None

    def take(self, item: Item) -> None:
        if isinstance(item, Announcement):
            step = chains.extend(self.chain, self.rows, item, permitted=self.permitted, at=AT)
        elif isinstance(item, Close):
            step = chains.close(self.chain, self.rows, item, permitted=self.permitted, at=AT)
        elif isinstance(item, bytes):
            self.changed.add(item)
            step = chains.review(self.chain, self.rows, permitted=self.permitted)
        else:
            self.receive([item])
            return
        self.chain = self._applied(step)

    def receive(self, batch: list[GroupMessage]) -> Step:
        before = {link for link, stands in self.standing.items() if stands}
        waiting = self.waiting.of(CERTIFICATE.chain_id)
        step, _ = receive_both_ways(self.chain, self.rows, batch, permitted=self.permitted, waiting=waiting)
        assert len(step.results) == len(batch)
        self.chain = self._applied(step)
        results = [*zip(batch, step.results, strict=True), *step.released]
        for message, result in results:
            if isinstance(result, Opened):
                assert result.message.link == message.link not in before, "delivered once"
                self.standing[message.link] = True
        self.waiting.remove(message for message, _ in step.released)
        self.waiting.add(step.unproven)
        return step

    def _applied(self, step: Step) -> Chain:
        self.rows |= step.rows
        for event in step.events:
            if isinstance(event, Disputed | Reinstated):
                stood = isinstance(event, Disputed)
                assert self.standing[event.link] is stood, "reported when it changes, and only if it was delivered"
                self.standing[event.link] = not stood
        return step.chain

    def status(self, message: GroupMessage) -> str:
        """What becomes of the message now. It was given before."""
        step = self.receive([message])
        (result,) = step.results
        entry = next((e for e in self.rows.get(message.number + 1, ()) if e.link == message.link), None)
        match result:
            case InvalidMessage():
                return "does not open" if entry else "not authentic"
            case MissingSenderKey():
                return "missing key"
            case Replay():
                assert entry is not None
                return {DELIVERED: "accepted", DISPUTED: "disputed"}[entry.state]
            case NotPermitted():
                return "not permitted" if "rule" in str(result) else "disputed"
            case Expired():
                row = self.rows[message.number + 1]
                assert any(rival.state == DISPUTED for rival in row), "a rival that was delivered used the key up"
                return "key is gone"
            case _:
                pytest.fail(f"{result!r}")


# --- a world ---------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """Everything that was ever said about one chain."""

    messages: list[GroupMessage] = field(default_factory=list)
    said: list[reference.Said] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)

    def link_at(self, draw: st.DrawFn, place: int) -> bytes:
        """A link for this place: mostly one that a message has, sometimes junk."""
        honest = [CERTIFICATE.genesis] if place == 0 else [m.link for m in self.messages if m.number + 1 == place]
        return draw(st.sampled_from([*honest, *honest, *honest, JUNK]))


@st.composite
def worlds(draw: st.DrawFn, *, closes: int, most: int = 10) -> World:
    world = World()
    for number in sorted(draw(st.lists(st.integers(0, NUMBERS - 1), max_size=most))):
        sound = draw(st.integers(0, 7)) > 0
        data = data_of(
            number,
            world.link_at(draw, number),
            body=bytes((len(world.messages),)),
            head=draw(st.sampled_from([STEADY, STEADY, STEADY, WITHDRAWN, GRANTED])),
            under=None if sound else leaf(number + 1),
        )
        signed = draw(st.booleans())
        message = parse_message(data if signed else unsigned(data))
        world.messages.append(message)
        permitted = message.head != WITHDRAWN
        world.said.append(
            reference.Said(number, message.link, message.previous, signed=signed, sound=sound, permitted=permitted)
        )
    for start in draw(st.lists(st.integers(0, NUMBERS), min_size=1, max_size=3)):
        link = world.link_at(draw, start) if start else CERTIFICATE.genesis
        world.announcements.append(announcement(start, link))
    for place in draw(st.lists(st.integers(0, NUMBERS), max_size=closes)):
        link = world.link_at(draw, place)
        world.closes.append(Close(CERTIFICATE.chain_id, max(place - 1, 0), link if place else None))
    return world


def play(world: World, order: list[Item], cuts: set[int]) -> Receiver:
    """Gives everything to a receiver in this order; messages between two cuts are one batch. Then all once more."""
    first = next(item for item in order if isinstance(item, Announcement))
    receiver, batch = Receiver(first), list[GroupMessage]()
    for at, item in enumerate(order):
        if isinstance(item, GroupMessage):
            batch.append(item)
        if batch and (at in cuts or not isinstance(item, GroupMessage) or at + 1 == len(order)):
            receiver.receive(batch)
            batch = []
        if not isinstance(item, GroupMessage) and item is not first:
            receiver.take(item)
    for message in world.messages:
        receiver.receive([message])
    return receiver


def expected(world: World) -> dict[bytes, str]:
    return reference.statuses(
        world.said,
        genesis=CERTIFICATE.genesis,
        starts=[(a.start, a.link) for a in world.announcements],
        ends=[(c.end, c.final_link or CERTIFICATE.genesis) for c in world.closes],
    )


def agrees(world: World, receiver: Receiver) -> None:
    """The receiver's view is the reference's, in each message, each event and each key."""
    wanted = expected(world)
    for message in world.messages:
        status = receiver.status(message)
        if status == "key is gone":
            assert wanted[message.link] in {"accepted", "does not open"}
        else:
            assert status == wanted[message.link]
    for link, stands in receiver.standing.items():
        assert stands == (wanted[link] == "accepted")
    links = {entry.link: entry.state for row in receiver.rows.values() for entry in row}
    for message in world.messages:
        if wanted[message.link] == "accepted" and len(receiver.rows[message.number + 1]) == 1:
            assert links[message.link] == DELIVERED
        if wanted[message.link] in {"missing key", "does not open"}:
            assert links[message.link] == RECEIVED
    held = {n for n in range(NUMBERS + 2) if receiver.chain.tree.covers(n)}
    delivered = {m.number for m in world.messages if links.get(m.link, 0) >= DELIVERED}
    start = min(a.start for a in world.announcements)
    end = min((c.end for c in world.closes), default=NUMBERS + 2)
    assert held == set(range(start, end)) - delivered


@st.composite
def orders(draw: st.DrawFn, world: World) -> tuple[list[Item], set[int]]:
    again = draw(st.lists(st.sampled_from(world.messages), max_size=3)) if world.messages else []
    spoilt = draw(st.lists(st.sampled_from(world.messages), max_size=2)) if world.messages else []
    again += map(damaged, spoilt)
    items: list[Item] = [*world.messages, *again, *world.announcements, *world.closes, WITHDRAWN, GRANTED]
    order = draw(st.permutations(items))
    return order, draw(st.sets(st.integers(0, len(order)), max_size=len(order)))


@given(st.data())
@settings(max_examples=300)
def test_any_order_and_any_batches(data: st.DataObject) -> None:
    world = data.draw(worlds(closes=2))
    views: list[Receiver] = []
    for _ in range(2):
        order, cuts = data.draw(orders(world))
        views.append(play(world, order, cuts))
        agrees(world, views[-1])
    one, other = views
    assert one.chain.summary == other.chain.summary
    assert one.chain.start == other.chain.start
    assert one.chain.retire_at == other.chain.retire_at
    assert [(p, [e[:3] for e in one.rows[p]]) for p in sorted(one.rows)] == [
        (p, [e[:3] for e in other.rows[p]]) for p in sorted(other.rows)
    ]


@given(st.data())
@settings(max_examples=100)
def test_without_contradictions_the_records_are_equal_to_the_byte(data: st.DataObject) -> None:
    world = World(announcements=[announcement()])
    link = CERTIFICATE.genesis
    for number in range(data.draw(st.integers(1, 8))):
        whole = data_of(number, link, head=STEADY)
        signed = data.draw(st.booleans())
        world.messages.append(parse_message(whole if signed else unsigned(whole)))
        link = world.messages[-1].link
        world.said.append(
            reference.Said(number, link, world.messages[-1].previous, signed=signed, sound=True, permitted=True)
        )
    records: list[tuple[bytes, dict[int, Row]]] = []
    for _ in range(2):
        order, cuts = data.draw(orders(world))
        receiver = play(world, order, cuts)
        agrees(world, receiver)
        records.append((receiver.chain.encode(), receiver.rows))
    assert records[0] == records[1]


# --- the test can fail -----------------------------------------------------------------------------------------------


def test_the_reference_tells_the_statuses_apart() -> None:
    one = parse_message(data_of(0, head=STEADY))
    rival = parse_message(data_of(0, head=STEADY, body=b"rival"))
    forged = parse_message(data_of(1, one.link, head=STEADY, key=OTHER_KEY))
    world = World([one, rival, forged], announcements=[announcement()])
    for message in world.messages:
        signed = message is not forged
        world.said.append(
            reference.Said(message.number, message.link, message.previous, signed=signed, sound=True, permitted=True)
        )
    assert [*expected(world).values()] == ["disputed", "disputed", "not authentic"]
    world.closes.append(Close(CERTIFICATE.chain_id, 0, one.link))
    assert [*expected(world).values()] == ["accepted", "disputed", "not authentic"]
    agrees(world, play(world, [*world.announcements, *world.messages, *world.closes], set()))
