"""Rows for the tests of backends: what a sealed record looks like from outside, with bytes that mean nothing."""

from __future__ import annotations

from siegel.store.backend import Row


def name(number: int) -> bytes:
    return bytes([number]) * 16


def sealed(kid: int, content: bytes = b"") -> bytes:
    return b"\x01" + kid.to_bytes(4, "big") + bytes(12) + content + bytes(16)


def row(
    number: int,
    revision: int = 1,
    *,
    kid: int = 7,
    content: bytes = b"",
    day: int | None = None,
    tags: tuple[tuple[int, bytes], ...] = (),
) -> Row:
    return Row(name(number), revision, sealed(kid, content), day, tags)


def as_read(row: Row) -> Row:
    return row._replace(tags=())
