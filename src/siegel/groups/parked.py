"""Knows what came before the thing it needs: an operation, an epoch key, a chain (spec: group.md). No state.

Law: it is bounded, whoever fills it; losing it loses nothing, because whoever gave it was told to give it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MAX_COUNT: Final = 256
MAX_BYTES: Final = 4 * 2**20


class Parked:
    """Inputs as they came; the oldest go first."""

    def __init__(self) -> None:
        self._inputs: dict[bytes, None] = {}
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(tuple(self._inputs))

    def __len__(self) -> int:
        return len(self._inputs)

    def add(self, data: bytes) -> None:
        """Keeps an input. What is kept already keeps its place."""
        if data in self._inputs or len(data) > MAX_BYTES:
            return
        self._inputs[data] = None
        self._bytes += len(data)
        while self._bytes > MAX_BYTES or len(self._inputs) > MAX_COUNT:
            self.remove(next(iter(self._inputs)))

    def remove(self, data: bytes) -> None:
        """Forgets an input, if it is here."""
        if data in self._inputs:
            del self._inputs[data]
            self._bytes -= len(data)
