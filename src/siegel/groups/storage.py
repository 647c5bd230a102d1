"""Knows what a group asks of its storage: small records under names, and one transaction for each step (spec GRP-10).

Law: *save, then speak*. What a step changes and what it wants to send are committed together, before it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from siegel.identity import UserId


class Outgoing(NamedTuple):
    """What to deliver: first the ``control``, each to all members (sealed ones to those they name), then the message.

    ``skipped`` are members for whom nothing could be sealed, because no usable public identity of theirs is known.
    """

    message: bytes | None = None
    control: tuple[bytes, ...] = ()
    skipped: tuple[UserId, ...] = ()

    def __repr__(self) -> str:
        return f"<Outgoing: message {self.message is not None}, {len(self.control)} control>"


class Storage(Protocol):
    """Where groups live. The records hold secrets in the clear: keep them in an encrypted store."""

    def load(self, prefix: str) -> Iterable[tuple[str, bytes]]:
        """Name and bytes of every record whose name begins with the prefix, in any order."""
        ...

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        """Writes (bytes) and deletes (None) these records and keeps what is to be sent: all of it, durably, or nothing.

        Whatever it raises passes through to the caller; the group then reads its records again before the next step.
        """
        ...


class MemoryStorage:
    """Records in dictionaries. They are gone with the process: for tests, and for clients that persist elsewhere."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, bytes]] = {}  # by the part of the name up to the last slash

    def load(self, prefix: str) -> list[tuple[str, bytes]]:
        """As ``Storage``."""
        near = [records for folder, records in self._folders.items() if folder.startswith(prefix[: len(folder)])]
        return [(name, data) for records in near for name, data in records.items() if name.startswith(prefix)]

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        """As ``Storage``; what is to be sent is the caller's from the return value alone."""
        del outgoing
        for name, data in changes.items():
            folder = self._folders.setdefault(name[: name.rfind("/") + 1], {})
            if data is None:
                folder.pop(name, None)
            else:
                folder[name] = data
