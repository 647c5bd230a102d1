"""Knows how two functions are compared: in turn, pair by pair, so that a drifting machine slows both."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. Times are medians in seconds; ``ratio`` is the median of the pairs' ratios."""

    what: str
    ours: float
    against: str
    theirs: float
    ratio: float
    limit: str = ""


def compare(
    what: str,
    ours: Callable[[], object],
    against: str,
    theirs: Callable[[], object],
    *,
    pairs: int,
    limit: str = "",
) -> Row:
    """Times both functions ``pairs`` times, in turn, with the order changing from pair to pair."""
    our_times, their_times = list[float](), list[float]()
    ours()  # the first calls load keys and fill caches; what is measured is the steady state
    theirs()
    gc.collect()
    gc.disable()
    try:
        for pair in range(pairs):
            if pair % 2:
                our_times.append(_time(ours))
                their_times.append(_time(theirs))
            else:
                their_times.append(_time(theirs))
                our_times.append(_time(ours))
    finally:
        gc.enable()
    ratio = median(a / b for a, b in zip(our_times, their_times, strict=True))
    return Row(what, median(our_times), against, median(their_times), ratio, limit)


def _time(function: Callable[[], object]) -> float:
    start = perf_counter()
    function()
    return perf_counter() - start
