"""What came before the thing it needs is bounded, whoever fills it; and nothing that waits is lost by a repetition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel.groups.parked import MAX_BYTES, MAX_COUNT, Parked


def inputs(count: int, size: int = 8) -> Iterator[bytes]:
    """Different inputs of this size."""
    return (number.to_bytes(4, "big").ljust(size, b"\0") for number in range(count))


def parked(given: Iterator[bytes]) -> Parked:
    found = Parked()
    for data in given:
        found.add(data)
    return found


def test_in_the_order_they_came() -> None:
    kept = list(inputs(5))
    waiting = parked(inputs(5))
    assert list(waiting) == kept
    waiting.remove(kept[2])
    waiting.remove(kept[2])
    waiting.remove(b"never here")
    assert list(waiting) == kept[:2] + kept[3:]
    assert len(waiting) == 4


def test_what_is_here_keeps_its_place() -> None:
    kept = list(inputs(MAX_COUNT))
    waiting = parked(inputs(MAX_COUNT))
    waiting.add(kept[0])
    assert list(waiting) == kept
    waiting.add(b"new")
    assert list(waiting) == [*kept[1:], b"new"], "the oldest goes, though it came again"


def test_the_count() -> None:
    assert list(parked(inputs(MAX_COUNT + 44))) == list(inputs(MAX_COUNT + 44))[44:]


def test_the_bytes() -> None:
    size = MAX_BYTES // 8
    assert list(parked(inputs(20, size))) == list(inputs(20, size))[12:]
    waiting = parked(inputs(8, size))
    waiting.add(bytes(MAX_BYTES))
    assert list(waiting) == [bytes(MAX_BYTES)]


def test_what_is_too_long_drives_nothing_out() -> None:
    waiting = parked(inputs(3))
    waiting.add(bytes(MAX_BYTES + 1))
    assert list(waiting) == list(inputs(3))


def test_it_may_change_while_it_is_looked_at() -> None:
    waiting = parked(inputs(5))
    for data in waiting:
        waiting.remove(data)
        waiting.add(data + b"!")
    assert list(waiting) == [data + b"!" for data in inputs(5)]


@pytest.mark.parametrize("most", [3, 40])
@given(steps=st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=60))
def test_never_more_than_there_may_be(most: int, steps: list[tuple[bool, bytes]]) -> None:
    """Against a list; with smaller bounds, so that they are reached."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("siegel.groups.parked.MAX_COUNT", 5)
        patch.setattr("siegel.groups.parked.MAX_BYTES", most)
        waiting, model = Parked(), list[bytes]()
        for adds, data in steps:
            if not adds:
                waiting.remove(data)
                model = [one for one in model if one != data]
                continue
            waiting.add(data)
            if data not in model and len(data) <= most:
                model.append(data)
            while len(model) > 5 or sum(map(len, model)) > most:
                model.pop(0)
            assert list(waiting) == model
