"""A second implementation of the protocol, written for the vectors: plain, slow, and with a hook at each step.

It shares no code with the library and imports nothing of it, so a mistake in one shows as a difference between the two.
Bytes are built by hand (``cbor``), encapsulation takes its randomness as an argument (``hpke``), and whatever is
refused is refused with the name of the stage that refuses it (``Refused``). The names are those of ``docs/spec``.
"""

from __future__ import annotations

from typing import Final

EARLIEST: Final = 0
LATEST: Final = 253_402_300_799_999  # ENC-10, the last millisecond of the year 9999
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR


class Refused(Exception):
    """The object is refused at ``stage`` (README.md names them in order) with the library's error ``code``."""

    def __init__(self, stage: str, code: str = "malformed") -> None:
        super().__init__(f"{code} at stage {stage}")
        self.stage = stage
        self.code = code


def require(condition: bool, stage: str, code: str = "malformed") -> None:  # noqa: FBT001  # reads as a sentence
    """Refused unless the condition holds."""
    if not condition:
        raise Refused(stage, code)
