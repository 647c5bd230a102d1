"""Knows how a command says no: a code, one sentence, a remedy, an exit status.

Laws: 0 is success, 1 refused or failed, 2 wrong usage; an error is one line and never a traceback.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Final

from siegel.cli.terminal import Json
from siegel.errors import MalformedError, SiegelError, UnknownSender
from siegel.identity import UserId

FAILED: Final = 1
MISUSED: Final = 2

# Where the library speaks of functions and bytes, a person at a terminal needs the command and the file.
_REMEDIES: Final = {
    "malformed": "it was damaged or changed on the way, or is something else",
    "unsupported-version": "update siegel, here or where this was made",
    "limit-exceeded": "drop it; nothing this large was sealed by this protocol",
    "invalid-message": "drop it; if you expected it, ask the sender to send it again",
    "expired": "ask for a fresh public identity, or ask the sender to seal again to your newest one",
    "not-a-recipient": "use the key it was sealed for; 'siegel inspect' shows for whom it is labelled",
    "invalid-argument": "correct what the message names",
}


class CommandError(Exception):
    """What the command line refuses by itself. ``details`` stand beside the message in the JSON form."""

    status: ClassVar[int] = FAILED

    def __init__(self, code: str, message: str, remedy: str, details: Mapping[str, Json] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        self.details: Mapping[str, Json] = details or {}


class UsageError(CommandError):
    """The words on the command line do not make sense together."""

    status = MISUSED

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("usage", message, remedy)


def translated(error: SiegelError) -> CommandError:
    """The library's error in the words of the command line."""
    message, remedy = str(error), _REMEDIES.get(error.code, error.remedy)
    details: dict[str, Json] = {}
    if isinstance(error, UnknownSender):
        if error.sender is None:
            remedy = "--anonymous opens it; nothing then says who wrote it"
        else:
            sender = str(UserId(error.sender))
            message = f"the sender {sender} is not among your contacts"
            remedy = "find out who that is, then name their public identity with -c"
            details["sender"] = sender
    return CommandError(error.code, message, remedy, details)


@contextmanager
def about(name: str, kind: str = "", *, remedy: str | None = None) -> Generator[None]:
    """Errors of the library inside the block are told with the name of the file that they are about.

    ``kind`` is what the file should have been; ``remedy`` stands instead of the general one.
    """
    try:
        yield
    except SiegelError as error:
        told = translated(error)
        # A place counted in bytes means that not even the encoding is ours.
        other = kind and isinstance(error, MalformedError) and error.where.startswith("byte ")
        message = f"{name} is not {kind}" if other else f"{name}: {told}"
        raise CommandError(told.code, message, told.remedy if remedy is None else remedy, told.details) from None
