"""Knows how lengths are hidden: Padmé buckets (PURBs, Nikitin et al., PoPETs 2019; spec PAD-1, PAD-2).

A padded text is a 4-byte big-endian length (counted in), the text, and zeros up to exactly the bucket's size. Law: for
each text there is one padded form and every other is refused.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from siegel.errors import MalformedError

FLOOR: Final = 64
_PREFIX: Final = 4


@lru_cache(maxsize=1024)
def padme(length: int) -> int:
    """The smallest allowed size that holds ``length`` bytes: at most 12 % more, O(log log n) bits of length shown."""
    size = max(length, FLOOR)
    exponent = size.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (size + mask) & ~mask


def pad(*text: bytes) -> bytes:
    """The padded form of a text, whole or in parts: a large one is joined once."""
    length = _PREFIX + sum(map(len, text))
    return b"".join((length.to_bytes(_PREFIX, "big"), *text, bytes(padme(length) - length)))


def unpad(padded: bytes) -> bytes:
    """The text inside. MalformedError for a wrong size, length or a padding byte that is not zero (attack SM-12)."""
    length = int.from_bytes(padded[:_PREFIX], "big")
    if not _PREFIX <= length <= len(padded) or len(padded) != padme(length):
        raise MalformedError("padding", "the size is not the one for this length")
    if padded.count(0, length) != len(padded) - length:
        raise MalformedError("padding", "a padding byte is not zero")
    return padded[_PREFIX:length]
