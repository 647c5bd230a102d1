"""ENC-10: instants are whole milliseconds between 1970 and the year 9999."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siegel._core.instants import DAY, HOUR, LATEST, SECOND, instant
from siegel.errors import InvalidArgument


def test_none_is_now() -> None:
    before = time.time_ns() // 1_000_000
    assert before <= instant(None) <= time.time_ns() // 1_000_000


@pytest.mark.parametrize("at", [0, 1, 1_700_000_000_000, LATEST])
def test_an_instant_is_itself(at: int) -> None:
    assert instant(at) == at


@pytest.mark.parametrize("at", [-1, LATEST + 1, 2**64, 1.5, 0.0, True, "0", b"1", datetime(2023, 1, 1, tzinfo=UTC)])
def test_nothing_else_is(at: Any) -> None:
    with pytest.raises(InvalidArgument, match="milliseconds"):
        instant(at)


def test_the_last_instant_has_a_date() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    last = epoch + timedelta(milliseconds=LATEST)
    assert last == datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def test_units() -> None:
    assert timedelta(milliseconds=SECOND) == timedelta(seconds=1)
    assert timedelta(milliseconds=HOUR) == timedelta(hours=1)
    assert timedelta(milliseconds=DAY) == timedelta(days=1)
