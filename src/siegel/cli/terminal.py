"""Knows what a person sees: lines, tables, colour; and what a program sees instead: JSON.

Laws: the payload of a command and what is said about it never share a stream; nothing that came from a peer reaches a
terminal with its control characters.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TextIO, TypeAlias

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"

# What reorders text on a screen without being seen (Unicode bidirectional controls).
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Console:
    """One command's voice. In JSON mode each thing said is one JSON object on one line."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def colour(self) -> bool:
        """Whether results are shown in colour."""
        return not self.as_json and colour_wanted(sys.stdout)

    def result(self, facts: Mapping[str, Json], lines: Sequence[str]) -> None:
        """What the command found out, on standard output: the lines for a person, or the facts for a program."""
        self.show([_dump(facts)] if self.as_json else [visible(line) for line in lines])

    def show(self, lines: Sequence[str]) -> None:
        """Lines of our own making, colour and all, on standard output. OSError if there is none."""
        if sys.stdout is None:
            raise OSError(errno.EBADF, "standard output is closed")
        _say(sys.stdout, lines)

    def note(self, facts: Mapping[str, Json], lines: Sequence[str], *, beside_payload: bool) -> None:
        """What is said about a payload: on standard error; facts on standard output where the payload is elsewhere."""
        if self.as_json and not beside_payload:
            self.show([_dump(facts)])
        elif self.as_json:
            _say(sys.stderr, [_dump(facts)])
        else:
            _say(sys.stderr, [visible(line) for line in lines])

    def hint(self, text: str) -> None:
        """A word to a person who may wait for something; nothing in JSON mode."""
        if not self.as_json:
            _say(sys.stderr, [f"siegel: {visible(text)}"])

    def leave_line(self) -> None:
        """Goes to a new line on a terminal, where a prompt or ^C may stand on this one."""
        if sys.stderr is not None and sys.stderr.isatty():
            _say(sys.stderr, [""])

    def warn(self, text: str) -> None:
        """Something a person should put right; the command goes on."""
        _say(sys.stderr, [_dump({"warning": text}) if self.as_json else f"siegel: warning: {visible(text)}"])

    def fail(self, *, code: str, message: str, remedy: str, details: Mapping[str, Json]) -> None:
        """Why the command did not do its work, in one line."""
        if self.as_json:
            facts: dict[str, Json] = {"code": code, "message": message, "remedy": remedy, **details}
            _say(sys.stderr, [_dump({"error": facts})])
        else:
            hint = f" ({remedy.rstrip('.')})" if remedy else ""
            _say(sys.stderr, [visible(f"siegel: error: {message}{hint}")])


def _dump(facts: Mapping[str, Json]) -> str:
    return json.dumps(facts, ensure_ascii=True, separators=(", ", ": "))


def _say(stream: TextIO | None, lines: Sequence[str]) -> None:
    if stream is not None:  # closed by the caller; print would take None for standard output
        encoding = stream.encoding or "utf-8"
        for line in lines:
            print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def colour_wanted(stream: TextIO) -> bool:
    """Whether the stream is a terminal that shows colour, and nobody said NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, style: str, *, colour: bool) -> str:
    """The text in a style, or as it is."""
    return f"\x1b[{style}m{text}\x1b[0m" if colour and text else text


def visible(text: str) -> str:
    """The text on one line, with whatever could move a cursor or reorder the line written as an escape."""
    return "".join(c if not is_control(c) else c.encode("unicode_escape").decode("ascii") for c in text)


def is_control(character: str) -> bool:
    """C0, DEL, C1, line and paragraph separators, and the invisible marks that reorder text."""
    return character < " " or "\x7f" <= character <= "\x9f" or character in "\u2028\u2029" or character in _BIDI


def is_plain_text(data: bytes) -> bool:
    """Whether the bytes may go to a terminal: UTF-8 with no control but tab and line ends."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(is_control(c) for c in text.replace("\r\n", "\n") if c not in "\t\n")


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows with their columns aligned; two spaces between, none behind."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def moment(at: int) -> str:
    """An instant (ms since 1970) as a person reads it, in UTC, to the second."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(at: int) -> str:
    """The date of an instant (ms since 1970), in UTC."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d")


def size(count: int) -> str:
    """A number of bytes, with thousands apart."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def people(count: int) -> str:
    """A number of recipients."""
    return f"{count:,} recipient{'' if count == 1 else 's'}"
