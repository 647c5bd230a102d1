"""Knows how the demo tells its story: chapters, sentences, outcomes that are checked before they are told.

Law: a line that says what happened is printed after it happened; an outcome other than the promised one is shown as
such, and the demo fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from siegel.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, Console, painted
from siegel.errors import SiegelError

_VERDICT_WIDTH: Final = 8
_OUTCOME_INDENT: Final = " " * (2 + _VERDICT_WIDTH + 2)


class Outcome(NamedTuple):
    """One checked outcome: ``code`` is the error's where something was refused."""

    chapter: str
    what: str
    as_promised: bool
    code: str | None


class Stage:
    """Where chapters are told: lines as they happen to a person, outcomes at the end to a program."""

    def __init__(self, console: Console, folder: Path) -> None:
        self.folder = folder
        self.outcomes: list[Outcome] = []
        self._console = console
        self._colour = console.colour
        self._chapters: list[str] = []

    @property
    def chapters(self) -> int:
        """How many chapters have begun."""
        return len(self._chapters)

    @property
    def broken(self) -> list[Outcome]:
        """The outcomes that were not as promised."""
        return [outcome for outcome in self.outcomes if not outcome.as_promised]

    def begin(self, title: str) -> None:
        """A new chapter."""
        self._chapters.append(title)
        self._line("")
        self._line(painted(f"{len(self._chapters)}. {title}", BOLD, colour=self._colour))

    def tell(self, *sentences: str) -> None:
        """What somebody does, one line each."""
        for sentence in sentences:
            self._line(f"   {sentence}")

    def shown(self, what: str, *, holds: bool) -> None:
        """An outcome that holds, or does not."""
        self._outcome("ok", GREEN, what, as_promised=holds, code=None)

    def refused(
        self,
        who: str,
        error: type[SiegelError],
        *attempts: Callable[[], object],
        naming: str = "",
        unwritten: Sequence[Path] = (),
    ) -> str:
        """Each attempt is refused with this error, which names what it should, and leaves none of these files.

        Returns the sentence of the last error.
        """
        found = [_error_of(attempt) for attempt in attempts]
        written = any(path.exists() for path in unwritten)
        as_promised = all(type(one) is error and naming in str(one) for one in found) and not written
        codes = sorted({one.code if one else "no error" for one in found})
        what = f"{who}: {', '.join(codes)}"
        if unwritten:
            what += "; a file was written" if written else "; nothing was written"
        self._outcome("refused", YELLOW, what, as_promised=as_promised, code=error.code)
        return str(found[-1])

    def quote(self, text: str) -> None:
        """What an error said, under the outcome it belongs to."""
        self._line(painted(f'{_OUTCOME_INDENT}"{text}"', DIM, colour=self._colour))

    def close(self, lines: Sequence[str]) -> None:
        """The last words, under an empty line."""
        for line in ("", *lines):
            self._line(line)

    def _outcome(self, verdict: str, style: str, what: str, *, as_promised: bool, code: str | None) -> None:
        self.outcomes.append(Outcome(self._chapters[-1], what, as_promised, code))
        word, style = (verdict, style) if as_promised else ("BROKEN", RED)
        self._line(f"   {painted(word.ljust(_VERDICT_WIDTH), style, colour=self._colour)} {what}")

    def _line(self, text: str) -> None:
        if not self._console.as_json:
            self._console.show([text])


def is_refused(attempt: Callable[[], object]) -> bool:
    """Whether the attempt ends in an error of the library."""
    return _error_of(attempt) is not None


def _error_of(attempt: Callable[[], object]) -> SiegelError | None:
    try:
        attempt()
    except SiegelError as error:
        return error
    return None
