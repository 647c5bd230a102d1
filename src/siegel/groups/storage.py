"""Knows what a group asks of its storage: small records under names, one transaction for each step (spec: group.md).

Law: *save, then speak*. What a step changes and what it wants to send are committed together, before it returns.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol, runtime_checkable

from siegel.identity import UserId

# What another device or a backup may have of a group, without the chain that it sends in (keeping.py): no epoch key.
CARRIED_FOLDERS: Final = ("log/", "certificate/", "chain/", "identity/", "close/")


class Outgoing(NamedTuple):
    """What to deliver: first the ``control``, each to all members (sealed ones to those they name), then the message.

    ``skipped`` are members for whom nothing could be sealed, because no usable public identity of theirs is known.
    """

    message: bytes | None = None
    control: tuple[bytes, ...] = ()
    skipped: tuple[UserId, ...] = ()

    def __repr__(self) -> str:
        return f"<Outgoing: message {self.message is not None}, {len(self.control)} control>"


class Records(dict[str, bytes | None]):
    """Records by name, None for one to delete. They hold secrets, and no log or crash report shows them (EN-6)."""

    def __repr__(self) -> str:
        return f"<{len(self)} records>"


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


@runtime_checkable
class SharedStorage(Storage, Protocol):
    """A storage that others write to as well, and whose commits may still be undone by a transaction around them."""

    def handle(self) -> Storage:
        """The same records for one group object, which remembers what that object read and wrote.

        Its ``load`` and ``commit`` raise ``Conflict`` where something else stands by then, until ``changed`` is asked.
        """
        ...

    def changed(self) -> bool:
        """Whether something else stands there than this handle read or wrote last; the group then reads it again."""
        ...


class MemoryStorage:
    """Records in dictionaries. They are gone with the process: for tests, and for clients that persist elsewhere."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, bytes]] = {}  # by the part of the name up to the last slash
        self._order: list[str] = []  # their names in order: those below a folder stand together

    def load(self, prefix: str) -> list[tuple[str, bytes]]:
        """As ``Storage``."""
        own = self._folders.get(_folder_of(prefix), {})
        found = [(name, data) for name, data in own.items() if name.startswith(prefix)]
        for folder in self._order[bisect_right(self._order, prefix) :]:
            if not folder.startswith(prefix):
                break
            found.extend(self._folders[folder].items())
        return found

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        """As ``Storage``; what is to be sent is the caller's from the return value alone."""
        del outgoing
        for name, data in changes.items():
            folder = _folder_of(name)
            if folder not in self._folders:
                self._folders[folder] = {}
                insort(self._order, folder)
            if data is None:
                self._folders[folder].pop(name, None)
            else:
                self._folders[folder][name] = data


def _folder_of(name: str) -> str:
    return name[: name.rfind("/") + 1]
