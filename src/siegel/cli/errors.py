"""Knows how a command says no: a code, one sentence, a remedy, an exit status.

Laws: 0 is success, 1 refused or failed, 2 wrong usage; an error is one line and never a traceback.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Final

from siegel.cli.terminal import Json
from siegel.errors import SiegelError, UnknownSender
from siegel.identity import UserId

FAILED: Final = 1
MISUSED: Final = 2

# Where the library speaks of functions, a person at a terminal needs the option or command.
_REMEDIES: Final = {
    "not-a-recipient": "use the key it was sealed for; 'siegel inspect' shows for whom it is labelled",
    "superseded": "keep the newer record; this one is old",
    "limit-exceeded": "drop it; nothing this large was sealed by this protocol",
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


def translated(error: SiegelError, *, about: str | None = None) -> CommandError:
    """The library's error in the words of the command line; ``about`` names the file it is about."""
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
    return CommandError(error.code, f"{about}: {message}" if about else message, remedy, details)


@contextmanager
def about(name: str) -> Generator[None]:
    """Errors of the library inside the block are told with the name of the file that they are about."""
    try:
        yield
    except SiegelError as error:
        raise translated(error, about=name) from None
