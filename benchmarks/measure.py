"""Knows how two functions are compared: in turn, pair by pair, so that a drifting machine slows both.

What is measured is processor time, because what other programs do on a shared machine is not our cost.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. Times are medians in seconds; ``ratio`` is the median of the pairs' ratios."""

    what: str
    ours: float
    against: str
    theirs: float
    ratio: float
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was counted or timed and has nothing beside it."""

    what: str
    value: float
    unit: str
    limit: str = ""


def compare(
    what: str,
    ours: Callable[[], object],
    against: str,
    theirs: Callable[[], object],
    *,
    pairs: int,
    limit: str = "",
    clock: Callable[[], float] = process_time,
) -> Row:
    """Times both functions ``pairs`` times, in turn, with the order changing from pair to pair."""
    our_times, their_times = list[float](), list[float]()
    ours()  # the first calls load keys and fill caches; what is measured is the steady state
    theirs()
    with no_collection():
        for pair in range(pairs):
            if pair % 2:
                our_times.append(seconds(ours, clock))
                their_times.append(seconds(theirs, clock))
            else:
                their_times.append(seconds(theirs, clock))
                our_times.append(seconds(ours, clock))
    return row(what, our_times, against, their_times, limit=limit)


@contextmanager
def no_collection() -> Generator[None, None, None]:
    """Keeps the garbage collector, which comes when it likes, out of what is measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def row(what: str, ours: list[float], against: str, theirs: list[float], *, limit: str = "") -> Row:
    """The line for times that were taken pair by pair."""
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return Row(what, median(ours), against, median(theirs), ratio, limit)


def timed(function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> tuple[float, _T]:
    """How long one call takes, and what it returns."""
    start = process_time()
    result = function(*arguments, **named)
    return process_time() - start, result


def seconds(function: Callable[[], object], clock: Callable[[], float] = process_time) -> float:
    """How long one call takes."""
    start = clock()
    function()
    return clock() - start


def usual(function: Callable[[], object], *, times: int) -> float:
    """The median of as many calls."""
    return median(seconds(function) for _ in range(times))
