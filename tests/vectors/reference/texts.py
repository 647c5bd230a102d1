"""Padding, bech32m and recovery words, by hand (spec PAD-1, PAD-2, TEXT-1, TEXT-2, WORD-1, WORD-2)."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Final

from tests.vectors.reference import Refused, require
from tests.vectors.reference.labels import sha256

# --- padding ----------------------------------------------------------------------------------------------------------


def padme(length: int) -> int:
    """The bucket of a length, in the words of the paper: E = ⌊log2 L⌋, S = ⌊log2 E⌋ + 1, the last E - S bits zero."""
    length = max(length, 64)
    exponent = length.bit_length() - 1
    bits = math.floor(math.log2(exponent)) + 1
    step = 1 << exponent - bits
    return -(-length // step) * step


def pad(plain: bytes) -> bytes:
    """Length (4 bytes, counted in), text, zeros up to the bucket."""
    length = len(plain) + 4
    return length.to_bytes(4, "big") + plain + bytes(padme(length) - length)


def unpad(padded: bytes, stage: str = "padding", code: str = "malformed") -> bytes:
    """The text of the one padded form."""
    length = int.from_bytes(padded[:4], "big")
    require(4 <= length <= len(padded) and pad(padded[4:length]) == padded, stage, code)
    return padded[4:length]


# --- bech32m (BIP 350) ------------------------------------------------------------------------------------------------

CHARACTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M: Final = 0x2BC830A3
BECH32: Final = 1  # the older constant of BIP 173, which is refused


def polymod(values: list[int]) -> int:
    """The checksum polynomial, as BIP 173 prints it."""
    generator = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for i in range(5):
            checksum ^= generator[i] if (top >> i) & 1 else 0
    return checksum


def bech32(prefix: str, values: list[int], constant: int = BECH32M) -> str:
    """Prefix, separator, 5-bit values and their checksum as text."""
    checksum = polymod(_expanded(prefix) + values + [0] * 6) ^ constant
    return prefix + "1" + "".join(CHARACTERS[v] for v in values + [(checksum >> 5 * (5 - i)) & 31 for i in range(6)])


def to_fives(data: bytes) -> list[int]:
    """Bytes as 5-bit values; the last one is filled with zero bits."""
    count = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << count * 5 - len(data) * 8
    return [(number >> 5 * (count - 1 - i)) & 31 for i in range(count)]


def write_text(prefix: str, data: bytes) -> str:
    """The text form of 32 bytes."""
    return bech32(prefix, to_fives(data))


def read_text(text: str, prefix: str) -> bytes:
    """The 32 bytes of a text form. Refused at text, checksum, kind, length or spare-bits."""
    require(len(text) <= 90 and all("!" <= c <= "~" for c in text), "text")
    require(text in {text.lower(), text.upper()}, "text")
    found, separator, payload = text.lower().rpartition("1")
    require(separator == "1" and found != "" and len(payload) >= 6, "text")
    require(all(c in CHARACTERS for c in payload), "text")
    values = [CHARACTERS.index(c) for c in payload]
    require(polymod(_expanded(found) + values) == BECH32M, "checksum")
    require(found == prefix, "kind")
    values = values[:-6]
    require(len(values) == 52, "length")  # 52 × 5 = 32 × 8 + 4
    require(values[-1] & 15 == 0, "spare-bits")
    number = 0
    for value in values:
        number = number << 5 | value
    return (number >> 4).to_bytes(32, "big")


def _expanded(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


# --- recovery words (BIP 39) ------------------------------------------------------------------------------------------

_LIST: Final = Path(__file__).resolve().parents[3] / "src" / "siegel" / "words.txt"
_LIST_SHA256: Final = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"  # of BIP 39's english.txt


@cache
def word_list() -> list[str]:
    """BIP 39's English list; the file is known by its hash."""
    raw = _LIST.read_bytes()
    if sha256(raw).hex() != _LIST_SHA256:
        raise ValueError("words.txt is not BIP 39's English list")
    return raw.decode("ascii").split()


def write_words(entropy: bytes) -> str:
    """The words of 32 bytes (24), or of any other length that BIP 39 knows."""
    bits = "".join(f"{byte:08b}" for byte in entropy)
    bits += f"{sha256(entropy)[0]:08b}"[: len(entropy) // 4]
    return " ".join(word_list()[int(bits[i : i + 11], 2)] for i in range(0, len(bits), 11))


def read_words(words: str) -> bytes:
    """The 32 bytes of 24 words. Refused at count, list or checksum."""
    given = words.lower().split()
    require(len(given) == 24, "count")
    require(all(word in word_list() for word in given), "list")
    bits = "".join(f"{word_list().index(word):011b}" for word in given)
    entropy = int(bits[:256], 2).to_bytes(32, "big")
    require(write_words(entropy) == " ".join(given), "checksum")
    return entropy


def read_secret(entropy: bytes) -> bytes:
    """An identity secret: 32 bytes, not all zero (ID-2)."""
    if len(entropy) != 32 or entropy == bytes(32):
        raise Refused("secret", "invalid-argument")
    return entropy
