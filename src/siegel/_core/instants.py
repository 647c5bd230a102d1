"""Knows what an instant is: milliseconds since 1970, UTC (spec ENC-10). The clock is read here and nowhere else."""

from __future__ import annotations

import time
from typing import Final

from siegel.errors import InvalidArgument

SECOND: Final = 1_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR
# The last instant of the year 9999: every instant has a calendar date in every language, and sums stay below 2^63.
LATEST: Final = 253_402_300_799_999


def instant(at: int | None) -> int:
    """The instant that the caller gives, checked; or now, for None."""
    if at is None:
        return time.time_ns() // 1_000_000
    if type(at) is not int or not 0 <= at <= LATEST:
        raise InvalidArgument("an instant is a whole number of milliseconds between 1970 and the year 9999")
    return at
