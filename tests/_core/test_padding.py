"""PAD-1, PAD-2: Padmé buckets, one padded form for each text."""

from __future__ import annotations

import math

import pytest

from siegel._core.padding import FLOOR, pad, padme, unpad
from siegel.errors import MalformedError

TABLE = [  # length, size
    (0, 64),
    (1, 64),
    (63, 64),
    (64, 64),
    (65, 72),
    (72, 72),
    (73, 80),
    (127, 128),
    (128, 128),
    (129, 144),
    (255, 256),
    (256, 256),
    (257, 272),
    (1000, 1024),
    (1025, 1088),
    (4096, 4096),
    (4097, 4352),
    (65_535, 65_536),
    (65_536, 65_536),
    (65_537, 67_584),
    (1_000_000, 1_015_808),
    (2**20, 2**20),
    (2**24, 2**24),
    (2**24 + 1, 17_301_504),
]


def by_the_paper(length: int) -> int:
    """Padmé as PURBs §4 writes it, in the paper's own terms."""
    exponent = math.floor(math.log2(length))
    size_bits = math.floor(math.log2(exponent)) + 1
    last_bits = exponent - size_bits
    mask: int = 2**last_bits - 1
    return (length + mask) & ~mask


@pytest.mark.parametrize(("length", "size"), TABLE)
def test_table(length: int, size: int) -> None:
    assert padme(length) == size


def test_the_paper() -> None:
    for length in [*range(FLOOR, 5000), *(2**n + d for n in range(13, 25) for d in (-1, 0, 1))]:
        assert padme(length) == by_the_paper(length)


def test_sizes_hold_and_cost_little() -> None:
    previous = 0
    for length in range(FLOOR, 20_000):
        size = padme(length)
        assert previous <= size
        assert length <= size <= length * 1.12
        assert padme(size) == size, "a size is its own bucket"
        previous = size


@pytest.mark.parametrize("length", [0, 1, 59, 60, 61, 68, 69, 1000, 65_532, 65_533])
def test_there_and_back(length: int) -> None:
    text = b"\xa5" * length
    padded = pad(text)
    assert len(padded) == padme(length + 4)
    assert padded == (length + 4).to_bytes(4, "big") + text + bytes(len(padded) - length - 4)
    assert unpad(padded) == text


def test_a_text_of_zeros_is_not_padding() -> None:
    for length in range(70):
        assert unpad(pad(bytes(length))) == bytes(length)


PADDED = pad(b"\xa5" * 56)  # 60 bytes of 64


@pytest.mark.parametrize(
    ("padded", "what"),
    [
        pytest.param(b"", "size", id="nothing"),
        pytest.param(PADDED[:3], "size", id="no length"),
        pytest.param(bytes(64), "size", id="length 0"),
        pytest.param(b"\0\0\0\3" + bytes(60), "size", id="length 3, not counted in"),
        pytest.param(b"\0\0\0\x41" + bytes(60), "size", id="length beyond the end"),
        pytest.param(b"\xff\xff\xff\xff" + bytes(60), "size", id="huge length"),
        pytest.param(PADDED[:-1], "size", id="a byte too few"),
        pytest.param(PADDED + b"\0", "size", id="a byte too many"),
        pytest.param(PADDED + bytes(8), "size", id="the next bucket"),
        pytest.param(b"\0\0\0\x40" + bytes(68), "size", id="72 bytes for a length of 64"),
        pytest.param(PADDED[:60], "size", id="no padding"),
        pytest.param(PADDED[:-1] + b"\1", "not zero", id="last byte"),
        pytest.param(PADDED[:60] + b"\x80" + bytes(3), "not zero", id="first byte"),
        pytest.param(b"\0\0\0\x3b" + PADDED[4:], "not zero", id="length one too small"),
    ],
)
def test_refused(padded: bytes, what: str) -> None:
    with pytest.raises(MalformedError, match=what) as caught:
        unpad(padded)
    assert caught.value.where == "padding"


def test_every_byte_of_padding_counts() -> None:
    padded = pad(b"\xa5" * 30)
    for place in range(34, len(padded)):
        with pytest.raises(MalformedError, match="not zero"):
            unpad(padded[:place] + b"\1" + padded[place + 1 :])
