"""CHN-7, MSG-9 … MSG-15: stories of what is accepted, what is refused with which error, what a thief cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from siegel._core.codec import encode
from siegel.errors import (
    Expired,
    InvalidArgument,
    InvalidMessage,
    MalformedError,
    MissingSenderKey,
    NotPermitted,
    PeerError,
    Replay,
)
from siegel.groups import chain as chains
from siegel.groups import message as messages
from siegel.groups.certificate import Announcement, Close
from siegel.groups.chain import GRACE, Chain, Opened, Step
from siegel.groups.key_tree import INDEX_COUNT, KeyTree
from siegel.groups.links import (
    ATTESTED,
    DELIVERED,
    RECEIVED,
    Disputed,
    Forked,
    Link,
    Reinstated,
    Row,
    decode_row,
    encode_row,
)
from siegel.groups.message import GroupMessage, parse_message
from tests.groups.chains import (
    CERTIFICATE,
    HEAD,
    KEY,
    OTHER_KEY,
    announcement,
    anything,
    certificate,
    damaged,
    data_of,
    leaf,
    nothing,
    run,
    tree_from,
    unsigned,
)
from tests.people import AT

ID = CERTIFICATE.chain_id


class Reader:
    """A chain and its rows, after each step."""

    def __init__(self, first: Announcement | None = None) -> None:
        step = chains.begin(first or announcement())
        self.chain: Chain = step.chain
        self.rows: dict[int, Row] = dict(step.rows)

    def after(self, step: Step) -> Step:
        self.chain = step.chain
        self.rows |= step.rows
        return step

    def receive(self, given: Sequence[GroupMessage], *, permitted: Any = anything, **more: Any) -> Step:
        return self.after(chains.receive(self.chain, self.rows, given, permitted=permitted, at=AT, **more))

    def kinds(self, given: Sequence[GroupMessage], **more: Any) -> list[type[object]]:
        return [type(result) for result in self.receive(given, **more).results]

    def close(self, number: int, link: bytes | None) -> Step:
        end = Close(ID, number, link)
        return self.after(chains.close(self.chain, self.rows, end, permitted=anything, at=AT))

    def extend(self, other: Announcement, *, at: int = AT) -> Step:
        return self.after(chains.extend(self.chain, self.rows, other, permitted=anything, at=at))

    def state(self) -> tuple[bytes, dict[int, bytes]]:
        return self.chain.encode(), {place: encode_row(row) for place, row in self.rows.items()}


# --- one signature for a run -----------------------------------------------------------------------------------------


def test_a_run_is_opened_in_order() -> None:
    reader, given = Reader(), run(0, 40)
    step = reader.receive(given)
    assert [result.message for result in step.results if isinstance(result, Opened)] == given
    assert reader.chain.tree.cover()[0] == 41
    assert step.events == ()
    assert reader.kinds(given) == [Replay] * 41


def test_one_signature_check_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []

    def verify(message: GroupMessage, key: bytes) -> None:
        checked.append(message.number)
        messages.verify_signature(message, key)

    monkeypatch.setattr(chains, "verify_signature", verify)
    given = run(0, 40)
    Reader().receive([*given[:20], *given[30:]][::-1])
    assert checked == [40, 19]


def test_a_batch_has_the_result_of_one_by_one() -> None:
    given = [damaged(m) if m.number % 3 == 0 else m for m in run(0, 20)]
    whole, single = Reader(), Reader()
    assert whole.kinds(given[::-1]) == [Opened] * 20 + [Opened]
    for message in given[::-1]:
        single.receive([message])
    assert whole.state() == single.state()


def test_nothing_is_derived_for_what_is_not_authentic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacks GR-5 and GR-9: an insider knows the keys and cannot sign; a far index costs nothing."""
    reader, forged, late = Reader(), parse_message(data_of(60_000, key=OTHER_KEY)), damaged(run(0, 0)[0])
    before = reader.state()
    monkeypatch.setattr(KeyTree, "take", lambda *_: pytest.fail("a key was derived"))
    step = reader.receive([forged, late])
    assert [type(result) for result in step.results] == [InvalidMessage] * 2
    assert step.unproven == (forged, late)
    assert reader.state() == before


def test_permission_comes_before_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    given = run(0, 1)
    monkeypatch.setattr(KeyTree, "take", lambda *_: pytest.fail("a key was derived"))
    asked: list[tuple[int, bytes]] = []

    def refuse(number: int, head: bytes) -> PeerError:
        asked.append((number, head))
        return NotPermitted("no")

    assert Reader().kinds(given, permitted=refuse) == [NotPermitted] * 2
    assert asked == [(0, HEAD), (1, HEAD)]


def test_what_is_refused_vouches_and_can_come_again() -> None:
    reader, (one, two) = Reader(), run(0, 1)
    assert reader.kinds([two], permitted=nothing) == [NotPermitted]
    assert reader.kinds([damaged(one)]) == [Opened]
    assert reader.kinds([two]) == [Opened]


# --- not authentic yet -----------------------------------------------------------------------------------------------


def test_a_damaged_message_is_vouched_for_later() -> None:
    """MSG-10, MSG-14."""
    reader, (one, two, three) = Reader(), run(0, 2)
    step = reader.receive([damaged(one), damaged(two)])
    assert step.unproven == (damaged(one), damaged(two))
    step = reader.receive([three], waiting=step.unproven)
    assert [(m.number, type(result)) for m, result in step.released] == [(0, Opened), (1, Opened)]
    assert [type(result) for result in step.results] == [Opened]
    assert step.unproven == ()


def test_a_known_fault_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = run(0, 0)[0]
    monkeypatch.setattr(chains, "verify_signature", lambda *_: pytest.fail("checked again"))
    assert Reader().kinds([damaged(one)], waiting=[damaged(one)]) == [InvalidMessage]


def test_losing_the_cache_loses_nothing() -> None:
    reader, (one, two) = Reader(), run(0, 1)
    assert reader.kinds([damaged(one)]) == [InvalidMessage]
    reader.receive([two])
    assert reader.kinds([damaged(one)]) == [Opened]


def test_a_good_copy_beside_a_damaged_one() -> None:
    one = run(0, 0)[0]
    assert Reader().kinds([damaged(one), one]) == [Opened, Replay]


# --- what does not open ----------------------------------------------------------------------------------------------


def test_a_key_that_others_do_not_have() -> None:
    """Attack GR-7: signed and chained, and committed to another key than the one that we were given."""
    reader = Reader()
    wrong = parse_message(data_of(0, under=leaf(9)))
    step = reader.receive([wrong])
    assert isinstance(step.results[0], InvalidMessage)
    assert step.unproven == ()
    assert reader.rows[1] == (Link(wrong.link, wrong.previous, HEAD, RECEIVED),)
    assert reader.chain.tree.covers(0), "the key was taken on a copy"


def test_the_error_shows_no_cause() -> None:
    result = Reader().receive([parse_message(data_of(0, under=leaf(9)))]).results[0]
    assert isinstance(result, InvalidMessage)
    assert (result.__cause__, result.__context__, result.__traceback__) == (None, None, None)
    assert result.args == ("the message is not authentic",)


# --- gaps, starts, late messages -------------------------------------------------------------------------------------


def test_gaps_are_seen_and_filled() -> None:
    reader, given = Reader(), run(0, 9)
    reader.receive([given[2], given[7]])
    assert chains.gaps(reader.chain, reader.rows) == [(0, 1), (3, 6)]
    assert reader.kinds([damaged(m) for m in given[:6]]) == [Opened] * 2 + [Replay] + [InvalidMessage] * 3
    assert chains.gaps(reader.chain, reader.rows) == [(3, 6)]
    reader.receive([damaged(given[6])])
    assert chains.gaps(reader.chain, reader.rows) == [(3, 5)]
    reader.receive([damaged(m) for m in given[3:6]])
    assert chains.gaps(reader.chain, reader.rows) == []


def test_a_far_skip_costs_little() -> None:
    reader = Reader()
    assert reader.kinds([parse_message(data_of(60_000, bytes(32)))]) == [Opened]
    assert reader.chain.tree.node_count <= 16 + 1
    assert len(reader.rows) == 3
    assert chains.gaps(reader.chain, reader.rows) == [(0, 59_999)]


def test_before_the_start() -> None:
    given = run(0, 5)
    reader = Reader(announcement(3, given[2].link))
    assert reader.kinds(given) == [MissingSenderKey] * 3 + [Opened] * 3
    assert reader.extend(announcement()).results == ()
    assert reader.chain.start == 0
    assert reader.kinds(given) == [Opened] * 3 + [Replay] * 3


def test_a_lower_start_brings_no_used_key_back() -> None:
    given = run(0, 5)
    reader = Reader(announcement(2, given[1].link))
    reader.receive(given[3:])
    reader.extend(announcement())
    assert [n for n in range(7) if reader.chain.tree.covers(n)] == [0, 1, 2, 6]


@pytest.mark.parametrize("start", [2, 3])
def test_a_known_chain_is_a_replay_and_still_attests(start: int) -> None:
    given = run(0, 5)
    reader = Reader(announcement(2, given[1].link))
    held = reader.chain.tree.encode()
    assert [type(r) for r in reader.extend(announcement(start, given[start - 1].link)).results] == [Replay]
    assert reader.chain.tree.encode() == held
    assert reader.kinds([damaged(given[start - 1])]) == [MissingSenderKey if start == 2 else Opened]


def test_another_certificate_is_a_fork_at_the_beginning() -> None:
    """Attack GR-8: keys of a known chain never change."""
    reader, given = Reader(announcement(1, run(0, 0)[0].link)), run(0, 2)
    reader.receive(given[1:])
    again = certificate(at=AT + 1)
    step = reader.extend(Announcement(again, 0, tree_from(0), again.genesis))
    assert [type(result) for result in step.results] == [Replay]
    assert reader.chain.start == 1
    forked, *disputed = step.events
    assert forked == Forked(ID, 0, tuple(sorted((CERTIFICATE.genesis, again.genesis))))
    assert disputed == [Disputed(ID, m.number, m.link) for m in given[1:]]


def test_dropped_keys_are_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siegel.groups.key_tree.MAX_NODES", 4)
    reader, given = Reader(), run(0, 5)
    reader.receive([given[5]])
    assert chains.gaps(reader.chain, reader.rows) == []
    assert reader.kinds(given[:5]) == [Expired] * 5


# --- forks -----------------------------------------------------------------------------------------------------------


def test_two_messages_at_one_index() -> None:
    """MSG-11, MSG-13."""
    reader, given = Reader(), run(0, 3)
    reader.receive(given)
    rival = parse_message(data_of(2, given[1].link, body=b"rival"))
    step = reader.receive([rival])
    assert [type(result) for result in step.results] == [NotPermitted]
    assert step.events == (
        Forked(ID, 3, tuple(sorted((given[2].link, rival.link)))),
        Disputed(ID, 2, given[2].link),
        Disputed(ID, 3, given[3].link),
    )
    assert reader.kinds(run(4, 4, given[3].link)) == [NotPermitted], "dead from there on"
    assert reader.chain.retire_at == AT + GRACE
    assert chains.gaps(reader.chain, reader.rows) == []


def test_what_was_not_delivered_is_not_reported() -> None:
    given = run(0, 1)
    rival = parse_message(data_of(1, given[0].link, body=b"rival"))
    step = Reader().receive([*given, rival])
    assert [type(result) for result in step.results] == [Opened, NotPermitted, NotPermitted]
    assert [type(event) for event in step.events] == [Forked]


def test_a_thief_cannot_fill_a_slot_whose_successor_is_here() -> None:
    """Attack GR-10: a slot below a received message takes no other content, however well it is signed."""
    reader, given = Reader(), run(0, 3)
    reader.receive([given[0], given[1], given[3]])
    forged = parse_message(data_of(2, given[1].link, body=b"forged"))
    step = reader.receive([forged])
    assert [type(result) for result in step.results] == [NotPermitted]
    assert step.events[0] == Forked(ID, 3, tuple(sorted((given[2].link, forged.link))))


def test_a_forged_slot_is_found_when_its_successor_comes() -> None:
    reader, given = Reader(), run(0, 3)
    forged = parse_message(data_of(2, given[1].link, body=b"forged"))
    reader.receive([given[0], given[1], forged])
    step = reader.receive([given[3]])
    assert [type(result) for result in step.results] == [NotPermitted]
    assert step.events == (
        Forked(ID, 3, tuple(sorted((given[2].link, forged.link)))),
        Disputed(ID, 2, forged.link),
    )


# --- the owner's end -------------------------------------------------------------------------------------------------


def test_nothing_comes_after_the_end() -> None:
    """Attack GR-3."""
    reader, given = Reader(), run(0, 5)
    reader.receive([given[5]])
    step = reader.close(3, given[3].link)
    assert step.events == (Disputed(ID, 5, given[5].link),)
    assert not reader.chain.tree.covers(4)
    assert reader.kinds(given) == [Opened] * 4 + [NotPermitted, Replay]
    assert reader.chain.retire_at == AT + GRACE


def test_an_unused_chain_has_no_messages() -> None:
    reader = Reader()
    reader.close(0, None)
    assert reader.kinds(run(0, 1)) == [NotPermitted] * 2
    assert reader.chain.tree.node_count == 0


def test_the_end_confirms_what_was_disputed() -> None:
    """MSG-9, MSG-12, MSG-15."""
    reader, given = Reader(), run(0, 3)
    rival = parse_message(data_of(1, given[0].link, body=b"rival"))
    reader.receive([*given[:3]])
    reader.receive([rival])
    assert reader.close(3, given[3].link).events == (), "not connected yet"
    step = reader.receive([damaged(given[3])])
    assert [type(result) for result in step.results] == [Opened]
    assert step.events == (Reinstated(ID, 1, given[1].link), Reinstated(ID, 2, given[2].link))
    assert reader.kinds([rival]) == [NotPermitted]


def test_the_end_itself_is_confirmed() -> None:
    reader, given = Reader(), run(0, 3)
    reader.receive(given)
    reader.receive([parse_message(data_of(3, given[2].link, body=b"rival"))])
    assert reader.close(3, given[3].link).events == (Reinstated(ID, 3, given[3].link),)


def test_a_second_end_takes_the_confirmation_back() -> None:
    reader, given = Reader(), run(0, 3)
    reader.receive(given)
    reader.receive([parse_message(data_of(1, given[0].link, body=b"rival"))])
    confirmed = reader.close(3, given[3].link).events
    assert confirmed == tuple(Reinstated(ID, n, given[n].link) for n in (1, 2, 3))
    forked, *disputed = reader.close(2, given[2].link).events
    assert forked == Forked(ID, 3, (given[3].link, given[2].link))
    assert disputed == [Disputed(ID, n, given[n].link) for n in (1, 2, 3)]


def test_a_contradiction_to_what_is_final_is_evidence_only() -> None:
    reader, given = Reader(), run(0, 3)
    reader.receive(given)
    reader.close(3, given[3].link)
    rival = parse_message(data_of(1, given[0].link, body=b"rival"))
    step = reader.receive([rival])
    assert [type(event) for event in step.events] == [Forked]
    assert reader.kinds([*given, rival]) == [Replay] * 4 + [NotPermitted]


def test_a_delivered_rival_of_what_is_final() -> None:
    reader, given = Reader(), run(0, 2)
    rival = parse_message(data_of(1, given[0].link, body=b"rival"))
    reader.receive([given[0], rival])
    reader.close(2, given[2].link)
    step = reader.receive([given[2]])
    assert [type(result) for result in step.results] == [Opened]
    assert Disputed(ID, 1, rival.link) in step.events
    assert reader.kinds([given[1]]) == [Expired], "the rival has used the key of this index up"


def test_two_different_ends_confirm_nothing() -> None:
    for first, second in ((2, 3), (3, 2)):
        reader, given = Reader(), run(0, 3)
        reader.receive(given)
        reader.close(first, given[first].link)
        step = reader.close(second, given[second].link)
        assert [event for event in step.events if isinstance(event, Forked)]
        assert reader.kinds(given) == [Replay] * 4
        assert reader.chain.summary.final is None
        assert reader.chain.summary.end == (3, given[2].link)
        assert [reader.rows[n + 1][0].state for n in range(3)] == [DELIVERED] * 3


def test_the_same_end_again_changes_nothing() -> None:
    reader, given = Reader(), run(0, 3)
    reader.receive(given)
    reader.close(3, given[3].link)
    before = reader.state()
    assert reader.close(3, given[3].link).rows == {}
    assert reader.state() == before
    assert [type(event) for event in reader.close(4, bytes(32)).events] == [Forked]
    assert reader.close(4, bytes(32)).events == (), "two ends are reported once"
    assert [type(event) for event in reader.close(3, bytes(32)).events] == [Forked, Disputed], "and two links once"


def test_after_the_grace() -> None:
    """MSG-15."""
    reader, given = Reader(), run(0, 3)
    reader.receive(given[1:])
    assert chains.expire(reader.chain, at=AT + 10 * GRACE) is reader.chain, "a live chain keeps its keys"
    reader.close(3, given[3].link)
    assert chains.expire(reader.chain, at=AT + GRACE - 1) is reader.chain
    reader.chain = chains.expire(reader.chain, at=AT + GRACE)
    assert reader.chain.tree.node_count == 0
    assert reader.kinds(given[:2]) == [Expired, Replay]


def test_an_expired_chain_gets_no_keys() -> None:
    reader, given = Reader(announcement(2, run(0, 1)[1].link)), run(0, 3)
    reader.close(3, given[3].link)
    step = reader.extend(announcement(), at=AT + GRACE)
    assert [type(result) for result in step.results] == [Replay]
    assert reader.chain.start == 2


def test_a_lower_start_of_a_closed_chain() -> None:
    reader, given = Reader(announcement(4, run(0, 3)[3].link)), run(0, 3)
    reader.close(1, given[1].link)
    reader.extend(announcement())
    assert [n for n in range(6) if reader.chain.tree.covers(n)] == [0, 1]


# --- rules that change -----------------------------------------------------------------------------------------------


def test_a_rule_that_is_learned_later() -> None:
    reader, given = Reader(), run(0, 3)
    reader.receive(given[:3])

    def to_one(number: int, _head: bytes) -> PeerError | None:
        return None if number <= 1 else NotPermitted("removed")

    step = reader.after(chains.review(reader.chain, reader.rows, permitted=to_one))
    assert step.events == (Disputed(ID, 2, given[2].link),)
    assert reader.after(chains.review(reader.chain, reader.rows, permitted=to_one)).events == ()
    assert reader.kinds(given, permitted=to_one) == [Replay, Replay, NotPermitted, NotPermitted]
    step = reader.after(chains.review(reader.chain, reader.rows, permitted=anything))
    assert step.events == (Reinstated(ID, 2, given[2].link),)


# --- records ---------------------------------------------------------------------------------------------------------


def test_a_receive_touches_one_row() -> None:
    reader, given = Reader(), run(0, 3)
    assert [sorted(reader.receive([message]).rows) for message in given] == [[1], [2], [3], [4]]


def test_records_come_back() -> None:
    reader, given = Reader(), run(0, 9)
    rival = parse_message(data_of(8, given[7].link, body=b"rival"))
    for step in ([given[4]], [given[9]], [rival]):
        reader.receive(step)
        again = Chain.decode(reader.chain.encode(), CERTIFICATE)
        assert again.encode() == reader.chain.encode()
        assert again.summary == reader.chain.summary
        assert {p: decode_row(encode_row(row)) for p, row in reader.rows.items()} == reader.rows
    reader.close(9, given[9].link)
    assert Chain.decode(reader.chain.encode(), CERTIFICATE)._replace(tree=reader.chain.tree) == reader.chain


def test_records_are_small() -> None:
    reader = Reader()
    reader.receive([parse_message(data_of(0x5555, bytes(32)))])
    assert reader.chain.tree.node_count == 16
    reader.close(0xFFFF, bytes(32))
    assert len(reader.chain.encode()) + len(CERTIFICATE.encode()) < 1024
    assert max(len(encode_row(row)) for row in reader.rows.values()) < 120


@pytest.mark.parametrize("at", range(105))
def test_a_usual_row_is_written_and_read_by_position_in_its_one_form(at: int) -> None:
    row: Row = (Link(b"\1" * 32, b"\2" * 32, b"\3" * 32, DELIVERED),)
    data = encode_row(row)
    assert data == encode([list(entry) for entry in row])
    assert decode_row(data) == row
    accepted = 0
    for byte in range(256):
        changed = data[:at] + bytes((byte,)) + data[at + 1 :]
        with suppress(MalformedError):
            assert encode([list(entry) for entry in decode_row(changed)]) == changed
            accepted += 1
    assert accepted == {104: 3}.get(at, 1 if at in {0, 1, 2, 3, 36, 37, 70, 71} else 256)


def test_damaged_records_are_refused() -> None:
    whole = Link(bytes(32), bytes(32), bytes(32), DELIVERED)
    for row in (
        (),
        (whole, whole),
        (whole._replace(link=b"\1" * 32), whole),
        (whole._replace(previous=None),),
        (whole._replace(state=ATTESTED),),
        (whole._replace(state=4),),
    ):
        with pytest.raises(MalformedError, match="link record"):
            decode_row(encode_row(row))
    with pytest.raises(MalformedError):
        Chain.decode(b"\x80", CERTIFICATE)


def test_messages_and_closes_of_other_chains_are_the_callers_mistake() -> None:
    reader = Reader()
    with pytest.raises(InvalidArgument):
        reader.receive([run(0, 0)[0]._replace(chain_id=bytes(16))])
    with pytest.raises(InvalidArgument):
        chains.close(reader.chain, {}, Close(bytes(16), 0, None), permitted=anything, at=AT)


def test_a_chain_can_be_used_up() -> None:
    reader = Reader()
    assert reader.kinds([parse_message(data_of(INDEX_COUNT - 1, bytes(32)))]) == [Opened]
    assert reader.chain.summary.top == INDEX_COUNT
    assert Chain.decode(reader.chain.encode(), CERTIFICATE).summary == reader.chain.summary


def test_signed_and_unsigned_are_told_apart() -> None:
    message = parse_message(unsigned(data_of(0)))
    assert message.link == parse_message(data_of(0)).link
    with pytest.raises(InvalidMessage):
        messages.verify_signature(message, KEY.public)
