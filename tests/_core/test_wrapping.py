"""UNL-1: one key under another: it opens under that key and in that place, or not at all (attacks ST-5, PR-9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.secret import Secret
from siegel._core.wrapping import SALT_BYTES, WRAPPED_BYTES, unwrap, wrap
from siegel.errors import InvalidMessage
from tests.people import secret_of

KEY, OTHER_KEY, WRAPPED = Secret(secret_of("key")), Secret(secret_of("other")), Secret(secret_of("wrapped"))
SALT, OTHER_SALT = secret_of("salt")[:SALT_BYTES], secret_of("other salt")[:SALT_BYTES]
PLACE = b"a place"
DATA = wrap(WRAPPED, under=KEY, info=PLACE, salt=SALT)


def refused(data: bytes, *, under: Secret = KEY, info: bytes = PLACE) -> None:
    with pytest.raises(InvalidMessage) as caught:
        unwrap(data, under=under, info=info)
    assert caught.value.__context__ is None


def test_what_was_wrapped_comes_back() -> None:
    assert unwrap(DATA, under=KEY, info=PLACE).reveal() == WRAPPED.reveal()
    assert len(DATA) == WRAPPED_BYTES == 112
    assert DATA.startswith(SALT)


def test_another_key_opens_nothing() -> None:
    refused(DATA, under=OTHER_KEY)


@given(st.binary(max_size=64).filter(lambda place: place != PLACE))
def test_another_place_opens_nothing(place: bytes) -> None:
    refused(DATA, info=place)


@pytest.mark.parametrize("at", range(WRAPPED_BYTES))
def test_no_byte_can_be_changed(at: int) -> None:
    for bit in (1, 0x80):
        refused(DATA[:at] + bytes([DATA[at] ^ bit]) + DATA[at + 1 :])


@pytest.mark.parametrize("size", [0, 1, 48, WRAPPED_BYTES - 1, WRAPPED_BYTES + 1])
def test_it_has_one_length(size: int) -> None:
    refused((DATA + DATA)[:size])


def test_parts_of_two_do_not_make_a_third() -> None:
    other = wrap(WRAPPED, under=KEY, info=PLACE, salt=OTHER_SALT)
    for cut in (32, 64):
        refused(DATA[:cut] + other[cut:])
        refused(other[:cut] + DATA[cut:])


def test_the_same_key_twice_looks_like_two() -> None:
    other = wrap(WRAPPED, under=KEY, info=PLACE, salt=OTHER_SALT)
    same = [one == two for one, two in zip(DATA, other, strict=True)]
    assert sum(same) < 16
