"""What only the backend in memory has: no other connection, nothing to scrub, an order that follows every change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from siegel.errors import StateError
from siegel.store.backend import Backend, Row
from siegel.store.memory_backend import MemoryBackend


def row(number: int, revision: int = 1) -> Row:
    return Row(bytes([number]) * 16, revision, b"\x01" + (7).to_bytes(4, "big") + bytes(28))


def test_it_is_a_backend() -> None:
    backend: Backend = MemoryBackend()
    assert backend.single_writer
    assert backend.changed() is False
    assert backend.scrub() == ()


def test_nothing_is_scrubbed_in_the_middle_of_a_transaction() -> None:
    backend = MemoryBackend()
    backend.begin()
    with pytest.raises(StateError, match="open"):
        backend.scrub()


def test_the_order_follows_every_change() -> None:
    backend = MemoryBackend()
    backend.put(1, [(row(3), 0), (row(1), 0)])
    assert backend.scan(1, limit=9) == [row(1), row(3)]
    backend.put(1, [(row(2), 0)])
    assert backend.scan(1, limit=9) == [row(1), row(2), row(3)]
    backend.begin()
    backend.delete(1, [(row(1).name, 1)])
    assert backend.scan(1, limit=9) == [row(2), row(3)]
    backend.rollback()
    assert backend.scan(1, limit=9) == [row(1), row(2), row(3)]


def test_a_write_of_its_own_is_whole_or_nothing() -> None:
    def broken() -> Iterator[tuple[int, bytes]]:
        yield 1, b"one"
        raise KeyError

    backend = MemoryBackend()
    with pytest.raises(KeyError):
        backend.put_keys(broken())
    assert backend.keys() == []
