"""ID-16, ID-17: both sides compute the same; a comparison returns nothing or raises."""

from __future__ import annotations

import hashlib
import re
from itertools import permutations

import pytest

from siegel import safety_number, safety_qr
from siegel.errors import IdentityChanged, MalformedError, UnsupportedVersion
from siegel.safety import check_safety
from tests.people import person

ALICE, BOB, CAROL = (person(name).user_id for name in ("alice", "bob", "carol"))
NUMBER = safety_number(ALICE, BOB)


def test_the_number() -> None:
    low, high = sorted((ALICE.data, BOB.data))
    digest = hashlib.sha256(b"siegel/1 safety number\0\x82\x58\x20" + low + b"\x58\x20" + high).digest()
    assert NUMBER.replace(" ", "") == str(int.from_bytes(digest, "big") % 10**60).zfill(60)


def test_its_form() -> None:
    assert re.fullmatch(r"\d{5}( \d{5}){11}", NUMBER)


def test_the_same_on_both_sides_and_nowhere_else() -> None:
    assert safety_number(BOB, ALICE) == NUMBER
    assert len({safety_number(*pair) for pair in permutations((ALICE, BOB, CAROL), 2)}) == 3


def test_leading_zeros_are_written() -> None:
    users = [person(f"zero {number}").user_id for number in range(60)]
    numbers = [safety_number(ALICE, user) for user in users]
    assert any(number.startswith("0") for number in numbers)
    assert {len(number) for number in numbers} == {71}


@pytest.mark.parametrize("seen", [NUMBER, NUMBER.replace(" ", ""), NUMBER.replace(" ", "\n"), f"  {NUMBER} "])
def test_the_right_number(seen: str) -> None:
    check_safety(seen, ours=ALICE, theirs=BOB)
    check_safety(seen, ours=BOB, theirs=ALICE)


def test_every_digit_counts() -> None:
    for place, digit in enumerate(NUMBER):
        if digit != " ":
            wrong = NUMBER[:place] + str((int(digit) + 1) % 10) + NUMBER[place + 1 :]
            with pytest.raises(IdentityChanged):
                check_safety(wrong, ours=ALICE, theirs=BOB)


@pytest.mark.parametrize(
    "seen",
    ["", NUMBER[:-1], NUMBER + "0", NUMBER[:-1] + "a", NUMBER[:-1] + "٣", NUMBER[:-1] + "²", "-" + NUMBER[1:]],
)
def test_texts_that_are_no_number(seen: str) -> None:
    with pytest.raises(MalformedError, match="60 digits") as caught:
        check_safety(seen, ours=ALICE, theirs=BOB)
    assert caught.value.where == "safety number"


def test_the_qr_payload() -> None:
    assert safety_qr(ALICE, BOB) == b"\x01" + ALICE.data + BOB.data
    check_safety(safety_qr(BOB, ALICE), ours=ALICE, theirs=BOB)


def test_our_own_qr_code_proves_nothing() -> None:
    with pytest.raises(IdentityChanged):
        check_safety(safety_qr(ALICE, BOB), ours=ALICE, theirs=BOB)


def test_every_bit_of_a_qr_payload_counts() -> None:
    shown = safety_qr(BOB, ALICE)
    for place in range(8, 8 * len(shown)):
        wrong = bytearray(shown)
        wrong[place // 8] ^= 1 << place % 8
        with pytest.raises(IdentityChanged):
            check_safety(bytes(wrong), ours=ALICE, theirs=BOB)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version(version: int) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        check_safety(bytes([version]) + bytes(64), ours=ALICE, theirs=BOB)
    assert caught.value.version == version


@pytest.mark.parametrize("length", [1, 2, 64, 66, 130])
def test_a_qr_payload_has_65_bytes(length: int) -> None:
    with pytest.raises(MalformedError, match="65 bytes"):
        check_safety((safety_qr(BOB, ALICE) * 2)[:length], ours=ALICE, theirs=BOB)


def test_an_empty_payload() -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        check_safety(b"", ours=ALICE, theirs=BOB)
    assert caught.value.version == 0
