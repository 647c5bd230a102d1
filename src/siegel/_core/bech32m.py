"""Knows how keys are written as text: bech32m (BIP 350; spec TEXT-1, TEXT-2).

Law: a text decodes to one byte string of the expected kind, or raises MalformedError that says what is wrong without
repeating the text, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siegel.errors import MalformedError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_CONSTANT: Final = 0x2BC830A3
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM: Final = 6
_LONGEST: Final = 90


def encode(prefix: str, data: bytes) -> str:
    """``prefix ‖ "1" ‖ data and checksum in 5-bit characters``, lower case."""
    values = list(_regroup(data, 8, 5))
    checksum = _polymod((*_expand(prefix), *values, *([0] * _CHECKSUM))) ^ _CONSTANT
    values += (checksum >> 5 * (_CHECKSUM - 1 - i) & 31 for i in range(_CHECKSUM))
    return prefix + "1" + "".join(_ALPHABET[value] for value in values)


def decode(text: str, *, prefix: str, length: int) -> bytes:
    """The ``length`` bytes written under ``prefix``; upper case is read too, mixed case is not (BIP 173)."""
    found, values = split(text)
    if found != prefix:
        raise MalformedError(f"{prefix}1…", "the text is of another kind")
    spare_bits = len(values) * 5 - length * 8
    if not 0 <= spare_bits < 5:
        raise MalformedError(f"{prefix}1…", f"the text does not hold {length} bytes")
    if values and values[-1] & ((1 << spare_bits) - 1):
        raise MalformedError(f"{prefix}1…", "spare bits are not zero")
    return bytes(_regroup(values, 5, 8))


def split(text: str) -> tuple[str, list[int]]:
    """Prefix and 5-bit values of a valid bech32m string, checksum verified and removed."""
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _LONGEST:
        raise MalformedError("bech32m", f"not {_LONGEST} or fewer printable characters")
    if text.lower() != text and text.upper() != text:
        raise MalformedError("bech32m", "upper and lower case are mixed")
    prefix, separator, payload = text.lower().rpartition("1")
    if not separator or not prefix or len(payload) < _CHECKSUM:
        raise MalformedError("bech32m", "no prefix, or too short")
    if any(character not in _VALUES for character in payload):
        raise MalformedError("bech32m", "a character outside the alphabet")
    values = [_VALUES[character] for character in payload]
    if _polymod((*_expand(prefix), *values)) != _CONSTANT:
        raise MalformedError("bech32m", "the checksum does not match; a character is wrong")
    return prefix, values[:-_CHECKSUM]


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: Iterable[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                checksum ^= generator
    return checksum


def _regroup(values: Iterable[int], width: int, new_width: int) -> Iterable[int]:
    """Big-endian regrouping of bits; a last, incomplete group is filled with zeros only when groups get narrower."""
    buffer = bits = 0
    for value in values:
        buffer, bits = buffer << width | value, bits + width
        while bits >= new_width:
            bits -= new_width
            yield buffer >> bits & ((1 << new_width) - 1)
        buffer &= (1 << bits) - 1
    if bits and new_width < width:
        yield buffer << (new_width - bits)
