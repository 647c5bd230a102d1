"""TEXT-1, TEXT-2: bech32m (BIP 350)."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from siegel._core.bech32m import decode, encode, split
from siegel.errors import MalformedError
from tests.people import secret_of

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
DATA = secret_of("a key in text")
TEXT = encode("siegel", DATA)

# BIP 350, "Test vectors for Bech32m".
VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
INVALID = [
    "\x201xj0phk",
    "\x7f1g6xzxy",
    "\x801vctc34",
    "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
]


class Fault(NamedTuple):
    text: str
    what: str


def with_checksum(prefix: str, values: list[int]) -> str:
    """Written by BIP 350's own description, apart from the code that is tested."""
    polynomial = 1
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    for value in [*expanded, *values, 0, 0, 0, 0, 0, 0]:
        top = polynomial >> 25
        polynomial = (polynomial & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            polynomial ^= generator if top >> i & 1 else 0
    polynomial ^= 0x2BC830A3
    checksum = [polynomial >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values + checksum)


def values_of(data: bytes, spare: int = 0) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    missing = -len(bits) % 5
    bits += f"{spare:0{missing}b}" if missing else ""
    return [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]


@pytest.mark.parametrize("text", VALID)
def test_valid_by_bip_350(text: str) -> None:
    prefix, values = split(text)
    assert with_checksum(prefix, values) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_invalid_by_bip_350(text: str) -> None:
    with pytest.raises(MalformedError):
        split(text)


@pytest.mark.parametrize("length", [*range(1, 34), 45])
def test_there_and_back(length: int) -> None:
    data = bytes(range(7, 7 + length))
    text = encode("siegel", data)
    assert text == with_checksum("siegel", values_of(data))
    assert decode(text, prefix="siegel", length=length) == data


def test_upper_case_is_read_and_never_written() -> None:
    assert TEXT.islower()
    assert decode(TEXT.upper(), prefix="siegel", length=32) == DATA


WRONG_CHARACTER = TEXT[:20] + ("q" if TEXT[20] != "q" else "p") + TEXT[21:]
FAULTS = {
    "checksum of bech32 (BIP 173)": Fault("A12UEL5L", "checksum"),
    "one wrong character": Fault(WRONG_CHARACTER, "checksum"),
    "two characters swapped": Fault(TEXT[:-2] + TEXT[-1] + TEXT[-2], "checksum"),
    "a character too many": Fault(TEXT + "q", "checksum"),
    "a character too few": Fault(TEXT[:-1], "checksum"),
    "outside the alphabet": Fault(TEXT[:-1] + "b", "alphabet"),
    "mixed case": Fault(TEXT[:-1] + TEXT[-1].upper() if TEXT[-1].isalpha() else TEXT[:-9].upper() + TEXT[-9:], "mixed"),
    "space in front": Fault(" " + TEXT, "printable"),
    "newline behind": Fault(TEXT + "\n", "printable"),
    "not ASCII": Fault(TEXT[:-1] + "é", "printable"),
    "fullwidth digits": Fault(TEXT.replace("1", "\uff11"), "printable"),
    "no separator": Fault(TEXT.replace("1", ""), "no prefix"),
    "no prefix": Fault(TEXT.partition("1")[1] + TEXT.partition("1")[2], "no prefix"),
    "nothing": Fault("", "no prefix"),
    "shorter than a checksum": Fault("siegel1qqqqq", "too short"),
    "too long": Fault(with_checksum("siegel", [0] * 90), "90"),
    "another kind": Fault(encode("siegel-secret-", DATA), "another kind"),
    "a prefix of the prefix": Fault(encode("siege", DATA), "another kind"),
    "31 bytes": Fault(encode("siegel", DATA[:31]), "does not hold 32 bytes"),
    "33 bytes": Fault(encode("siegel", DATA + b"\0"), "does not hold 32 bytes"),
    "no bytes": Fault(encode("siegel", b""), "does not hold 32 bytes"),
    "a whole character too many": Fault(with_checksum("siegel", [*values_of(DATA), 0]), "does not hold 32 bytes"),
    "spare bit 1": Fault(with_checksum("siegel", values_of(DATA, 1)), "spare bits"),
    "spare bit 2": Fault(with_checksum("siegel", values_of(DATA, 8)), "spare bits"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_refused(name: str) -> None:
    text, what = FAULTS[name]
    with pytest.raises(MalformedError, match=what) as caught:
        decode(text, prefix="siegel", length=32)
    assert caught.value.where in {"bech32m", "siegel1…"}
    assert len(text) < 4 or text not in str(caught.value), "the text may be a secret"


def test_every_wrong_character_is_noticed() -> None:
    for place in range(len("siegel1"), len(TEXT)):
        for character in ALPHABET.replace(TEXT[place], ""):
            with pytest.raises(MalformedError, match="checksum"):
                decode(TEXT[:place] + character + TEXT[place + 1 :], prefix="siegel", length=32)
