"""Knows the messages whose own signature failed and which a later one may still vouch for (MSG-14). No state.

Law: it is bounded, whoever fills it; losing it loses nothing, because a message that arrives again is accepted by hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siegel.groups.message import GroupMessage

MAX_BYTES: Final = 4 * 2**20
MAX_PER_CHAIN: Final = 16

_OVERHEAD_BYTES: Final = 1024  # of one message as Python objects


class Waiting:
    """The waiting messages by chain, index and link; the oldest go first."""

    def __init__(self) -> None:
        self._messages: dict[tuple[bytes, int, bytes], GroupMessage] = {}
        self._bytes = 0

    def of(self, chain_id: bytes) -> list[GroupMessage]:
        """Those of one chain, in the order of their arrival."""
        return [message for message in self._messages.values() if message.chain_id == chain_id]

    def add(self, messages: Iterable[GroupMessage]) -> None:
        """Lets messages wait. One that waits already keeps its place."""
        for message in messages:
            if _key(message) in self._messages:
                continue
            self._messages[_key(message)] = message
            self._bytes += _size(message)
            siblings = self.of(message.chain_id)
            if len(siblings) > MAX_PER_CHAIN:
                self.remove(siblings[:1])
            while self._bytes > MAX_BYTES:
                self.remove([next(iter(self._messages.values()))])

    def remove(self, messages: Iterable[GroupMessage]) -> None:
        """Forgets messages: they turned out authentic, or their chain is gone."""
        for message in messages:
            if self._messages.pop(_key(message), None) is not None:
                self._bytes -= _size(message)


def _key(message: GroupMessage) -> tuple[bytes, int, bytes]:
    return message.chain_id, message.number, message.link


def _size(message: GroupMessage) -> int:
    return len(message.data) + _OVERHEAD_BYTES
