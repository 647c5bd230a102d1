"""Knows the messages whose own signature failed and which a later one may still vouch for (MSG-14). No state.

Law: it is bounded, whoever fills it; losing it loses nothing, because a message that arrives again is accepted by hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from siegel.groups.message import GroupMessage

MAX_BYTES: Final = 4 * 2**20
MAX_PER_CHAIN: Final = 16

_OVERHEAD_BYTES: Final = 1024  # of one message as Python objects


class Waiting:
    """The waiting messages by chain, index and link; the oldest go first."""

    def __init__(self) -> None:
        self._messages: dict[tuple[bytes, int, bytes], GroupMessage] = {}  # all of them, in the order of their arrival
        self._by_chain: dict[bytes, dict[tuple[bytes, int, bytes], GroupMessage]] = {}
        self._bytes = 0

    def __iter__(self) -> Iterator[GroupMessage]:
        return iter(self._messages.values())

    def __len__(self) -> int:
        return len(self._messages)

    def of(self, chain_id: bytes) -> list[GroupMessage]:
        """Those of one chain, in the order of their arrival."""
        siblings = self._by_chain.get(chain_id)
        return list(siblings.values()) if siblings else []

    def add(self, messages: Iterable[GroupMessage]) -> None:
        """Lets messages wait. One that waits already keeps its place."""
        for message in messages:
            key = _key(message)
            if key in self._messages:
                continue
            siblings = self._by_chain.setdefault(message.chain_id, {})
            self._messages[key] = siblings[key] = message
            self._bytes += _size(message)
            if len(siblings) > MAX_PER_CHAIN:
                self._remove(next(iter(siblings)))
            while self._bytes > MAX_BYTES:
                self._remove(next(iter(self._messages)))

    def remove(self, messages: Iterable[GroupMessage]) -> None:
        """Forgets messages: they turned out authentic, or their chain is gone."""
        for message in messages:
            self._remove(_key(message))

    def _remove(self, key: tuple[bytes, int, bytes]) -> None:
        message = self._messages.pop(key, None)
        if message is None:
            return
        self._bytes -= _size(message)
        siblings = self._by_chain[message.chain_id]
        del siblings[key]
        if not siblings:
            del self._by_chain[message.chain_id]


def _key(message: GroupMessage) -> tuple[bytes, int, bytes]:
    return message.chain_id, message.number, message.link


def _size(message: GroupMessage) -> int:
    return len(message.data) + _OVERHEAD_BYTES
