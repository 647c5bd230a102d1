"""STO-5, STO-6: the sum knows its rows, and a watch what stands where."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from siegel._core.suite import hmac_sha256
from siegel.store.freshness import Counts, Tally, Watch, element_of
from tests.people import secret_of
from tests.store.records_at_hand import NAME, SUMS, row

ELEMENTS = st.integers(0, 2**256 - 1)


def test_an_element_covers_all_that_makes_a_row() -> None:
    whole = row()
    covered = NAME + (1).to_bytes(8, "big") + whole.value[:17] + whole.value[-16:]
    assert element_of(SUMS, whole) == int.from_bytes(hmac_sha256(secret_of("sums"), covered), "big")
    others = [
        whole._replace(name=b"another record's"),
        whole._replace(revision=2),
        *(whole._replace(value=_flipped(whole.value, place)) for place in (0, 1, 5, 16, -16, -1)),
    ]
    assert len({element_of(SUMS, other) for other in (whole, *others)}) == len(others) + 1


def _flipped(value: bytes, place: int) -> bytes:
    flipped = bytearray(value)
    flipped[place] ^= 1
    return bytes(flipped)


@given(st.lists(ELEMENTS, max_size=8), st.randoms(use_true_random=False))
def test_a_tally_knows_no_order_and_takes_back(elements: list[int], shuffled: random.Random) -> None:
    whole = Tally().after(added=elements, rows=len(elements))
    step = Tally()
    for element in shuffled.sample(elements, len(elements)):
        step = step.after(added=[element], rows=1)
    assert step == whole
    assert whole.after(removed=elements, rows=-len(elements)) == Tally()
    assert 0 <= whole.total < 2**256


@given(ELEMENTS.filter(bool))
def test_a_row_that_is_there_twice_does_not_cancel_out(element: int) -> None:
    twice = Tally().after(added=[element, element], rows=2)
    assert twice.total == 2 * element % 2**256
    assert twice != Tally()


def test_a_watch_agrees_with_what_was_noted() -> None:
    watch = Watch()
    assert watch.agrees(b"a", None)
    assert watch.note(b"a", 5) is None
    assert watch.agrees(b"a", 5)
    assert not watch.agrees(b"a", 6)
    assert not watch.agrees(b"a", None)
    assert watch.tally() == Tally(1, 5)
    assert len(watch) == 1
    assert watch.note(b"a", None) == 5
    assert watch.agrees(b"a", None)
    assert watch.tally() == Tally()


def test_counts_take_back_what_a_transaction_noted() -> None:
    counts, watch = Counts(), Watch()
    watch.note(b"old", 1)
    watch.note(b"changed", 2)
    counts.keep(7, watch)
    counts.begin([(7, Tally(2, 3))])
    counts.count(7, added=[9, 8], removed=[2, 1], rows=0)
    counts.note(7, [(b"changed", 9), (b"old", None), (b"new", 8), (b"new", 7)])
    counts.note(8, [(b"of a collection that nobody watches", 1)])
    assert counts.tally(7) == Tally(2, 17)
    assert watch.agrees(b"new", 7)
    counts.undo()
    assert watch.tally() == Tally(2, 3)
    assert watch.agrees(b"changed", 2)
    assert watch.agrees(b"new", None)


def test_counts_forget_a_watch_that_another_header_contradicts() -> None:
    counts, watch, empty = Counts(), Watch(), Watch()
    watch.note(b"a", 1)
    counts.keep(7, watch)
    counts.keep(8, empty)
    counts.believe([(7, Tally(1, 1))])
    assert counts.watch(7) is watch
    assert counts.watch(8) is empty
    counts.believe([(7, Tally(1, 2))])
    assert counts.watch(7) is None
    assert counts.watch(8) is empty
