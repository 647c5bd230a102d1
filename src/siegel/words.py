"""Knows the 24 words on paper: BIP 39, English list, 32 bytes ↔ 24 words (spec WORD-1, WORD-2).

The words *are* the secret (entropy and checksum); BIP 39's passphrase and stretching to a wallet seed are not used.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from siegel._core.suite import SECRET_BYTES, sha256
from siegel.errors import MalformedError

WORD_COUNT: Final = 24
_BITS: Final = 11


@cache
def word_list() -> tuple[str, ...]:
    """The 2048 English words of BIP 39, in order."""
    from importlib.resources import files  # noqa: PLC0415  # half of the time that importing siegel would take

    return tuple(files("siegel").joinpath("words.txt").read_text("ascii").split())


def to_words(secret: bytes) -> str:
    """24 words, separated by single spaces: 256 bits and 8 bits of checksum."""
    number = int.from_bytes(secret + sha256(secret)[:1], "big")
    return " ".join(word_list()[number >> _BITS * (WORD_COUNT - 1 - i) & 2047] for i in range(WORD_COUNT))


def from_words(words: str) -> bytes:
    """The 32 bytes. Case and spacing do not matter. MalformedError names the place, never the word."""
    given = words.lower().split()
    if len(given) != WORD_COUNT:
        raise MalformedError("words", f"{WORD_COUNT} words are needed, {len(given)} were given")
    positions = {word: position for position, word in enumerate(word_list())}
    number = 0
    for place, word in enumerate(given, start=1):
        if word not in positions:
            raise MalformedError(f"word {place}", "not in the English word list of BIP 39")
        number = number << _BITS | positions[word]
    data = number.to_bytes(SECRET_BYTES + 1, "big")
    if sha256(data[:SECRET_BYTES])[:1] != data[SECRET_BYTES:]:
        raise MalformedError("words", "the checksum does not match; a word is wrong or in the wrong place")
    return data[:SECRET_BYTES]
