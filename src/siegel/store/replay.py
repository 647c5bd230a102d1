"""Knows which sealed messages were opened before, as far back as a horizon (docs/rationale/store-messages.md, KEEP-10).

Law: within the horizon a message is taken once; before it, never.
"""

from __future__ import annotations

from typing import Final

from siegel._core.instants import DAY, LATEST, instant
from siegel._core.secret import KeyObject
from siegel.errors import Conflict, Expired, InvalidArgument, Replay
from siegel.sealed import OpenedMessage
from siegel.store.store import Store

HORIZON: Final = 90 * DAY

_COLLECTION: Final = "siegel/opened"


class ReplayGuard(KeyObject):
    """Remembers the ids of opened sealed messages. (Groups need none: a message of a chain opens once.)

    A message is taken for ``horizon`` ms after the instant that its sender signed; its id is kept as long, as an empty
    record whose day of expiry stands readable in the database, and ``Store.sweep`` deletes it then. If a clock that was
    ahead has swept, messages of the time that it skipped can come twice once it is set right.
    """

    __slots__ = ("_horizon", "_opened")

    def __init__(self, store: Store, *, horizon: int = HORIZON) -> None:
        if type(horizon) is not int or not 0 < horizon <= LATEST:
            raise InvalidArgument("the horizon is a length of time in milliseconds")
        self._opened = store.collection(_COLLECTION)
        self._horizon = horizon

    def take(self, message: OpenedMessage, *, at: int | None = None) -> None:
        """Remembers a message that was just opened. In one transaction with what the application keeps of it.

        Raises:
            Replay: It was taken before.
            Expired: It was sent so long ago that nobody would remember.
        """
        expires = min(message.sent_at + self._horizon, LATEST)
        if expires <= instant(at):
            raise Expired("the message was sent before the horizon of what is remembered")
        try:
            self._opened.put(message.message_id, b"", expires=expires, expected=0)
        except Conflict:
            known = True
        else:
            known = False
        if known:  # outside the handler: no context
            raise Replay("this message was opened before")
