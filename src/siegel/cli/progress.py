"""Knows the bar that shows a person how far long work is.

Law: it stands on one line of standard error, on a terminal alone, once the work has taken a second, and leaves nothing
of itself behind.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Final, Self

from siegel.cli.terminal import GREEN, Console, colour_wanted, painted

_PATIENCE: Final = 1.0  # seconds without a word
_PAUSE: Final = 0.1  # between two pictures
_WIDTH: Final = 80  # where the terminal does not say
_SHORTEST: Final = 8
_LONGEST: Final = 40
_MEGABYTE: Final = 10**6


class ProgressBar:
    """Called with what is done and what there is in all, in bytes. Errors of the terminal end the bar, not the work."""

    def __init__(self, console: Console, doing: str) -> None:
        self._doing = doing
        self._begun = time.monotonic()
        self._next = self._begun + _PATIENCE
        self._shown = 0
        self._wanted = not console.as_json and sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, done: int, in_all: int) -> None:
        """Shows it, if it is time."""
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next = now + _PAUSE
        self._show(done, in_all, now - self._begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._shown:
            self._write(f"\r{' ' * self._shown}\r")  # without an escape sequence, which not every terminal knows

    def _show(self, done: int, in_all: int, seconds: float) -> None:
        text, bar = picture(self._doing, done, in_all, seconds, width=_columns())
        before, self._shown = self._shown, len(text) + len(bar)
        filled, rest = bar.rstrip("."), bar[len(bar.rstrip(".")) :]
        line = f"{text}{painted(filled, GREEN, colour=colour_wanted(sys.stderr))}{rest}"
        self._write(f"\r{line}{' ' * (before - self._shown)}")
        self._shown = max(before, self._shown)

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._wanted = False


def picture(doing: str, done: int, in_all: int, seconds: float, *, width: int) -> tuple[str, str]:
    """What is said, and the bar behind it: both together shorter than the line, which then does not break."""
    share = done / in_all
    left = round(seconds * (in_all - done) / done) if done else 0
    percent = f"{int(share * 100):3} %"
    speed = f"{done / seconds / _MEGABYTE:,.0f} MB/s, {left // 60}:{left % 60:02} left"
    for text in (f"{doing} {percent}  {speed}  ", f"{doing} {percent}  ", f"{percent}  "):
        room = min(width - 1 - len(text), _LONGEST)
        if room >= _SHORTEST:
            return text, ("#" * int(share * room)).ljust(room, ".")
    return percent.strip()[: max(width - 1, 0)], ""


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _WIDTH
    except OSError:
        return _WIDTH
