"""Each byte of small valid objects flipped, dropped and doubled: every change is refused.

Left out is what one recipient cannot check: in an envelope the sealing number and the sealed secret of others' entries
(SEAL-14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from siegel.errors import SiegelError
from tests.vectors.files import VECTORS, Vector
from tests.vectors.notation import Case
from tests.vectors.production_sealed import opener
from tests.vectors.test_v1 import OPERATIONS

MOST: Final = 4096  # bytes; a larger object is not small
CHARACTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def changes(data: bytes, skipped: range = range(0)) -> Iterator[tuple[str, bytes]]:
    """Every byte with a bit flipped (the bit changes from place to place), left out, and written twice."""
    for at in range(len(data)):
        if at not in skipped:
            yield f"flipped at {at}", data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
            yield f"dropped at {at}", data[:at] + data[at + 1 :]
            yield f"doubled at {at}", data[: at + 1] + data[at:]


def survivors(vector: Vector, name: str, changed: Iterator[tuple[str, Any]]) -> list[str]:
    """The changes that are not refused."""
    run = _runner(vector, name)
    found: list[str] = []
    for change, value in changed:
        try:
            run(value)
        except SiegelError:
            continue
        found.append(change)
    return found


def _runner(vector: Vector, name: str) -> Callable[[Any], object]:
    """The operation with all inputs but one; a reader and what they know are made once."""
    if vector.type == "open":
        opened = opener(vector.case())
        return lambda value: opened(bytes.fromhex(value))
    rest = vector.test["input"]
    return lambda value: OPERATIONS[vector.type](Case(vector.fixture, rest | {name: value}, vector.test.get("now")))


def first(kind: str, comment: str) -> Vector:
    """The first valid vector of this type whose comment begins so."""
    return next(v for v in VECTORS if v.valid and v.type == kind and v.test["comment"].startswith(comment))


def in_hex(changed: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    return ((change, value.hex()) for change, value in changed)


@pytest.mark.parametrize(
    ("kind", "comment", "name"),
    [
        ("public-identity", "sealing number 0", "record"),
        ("public-identity", "a rotating key", "record"),
        ("succession", "a hand-over", "succession"),
        ("check-safety", "their QR code", "qr"),
        ("unpad", "text of 75 bytes", "padded"),
        ("hpke-open", "32 bytes sealed", "sealed"),
        ("content-decrypt", "64 bytes", "sealed"),
        ("certificate", "a certificate that ends two", "certificate"),
        ("group-message", "a message", "message"),
        ("group-message", "three parents", "message"),
        ("open-broadcast", "open an announcement", "broadcast"),
        ("hear-broadcast", "heard by a member", "broadcast"),
        ("roster-operation", "remove two and close", "operation"),
        ("roster-operation", "remove with a leave statement", "operation"),
        ("leave-statement", "a leave statement", "statement"),
        ("open", "an envelope to one", "data"),
        ("open", "an unsigned envelope", "data"),
        ("open", "an envelope to a rotating key", "data"),
        ("open", "a letter that names all three", "data"),
        ("open", "a private letter", "data"),
        ("open", "a private letter to one of 65", "data"),
        ("unwrap", "a key at its place", "wrapped"),
        ("open-slot", "a slot for 32 bytes", "slot"),
        ("unlock", "the second slot", "table"),
        ("keyring", "what follows", "keyring"),
        ("data-key", "a data key", "row"),
        ("open-record", "a record at its place", "record"),
        ("open-header", "a header of its store", "block"),
        ("open-catalogue", "a catalogue of its store", "block"),
    ],
)
def test_a_changed_byte_is_refused(kind: str, comment: str, name: str) -> None:
    vector = first(kind, comment)
    data = vector.case().data(name)
    assert len(data) <= MOST
    assert survivors(vector, name, in_hex(changes(data))) == survivors_by_design(vector, data)


def survivors_by_design(vector: Vector, data: bytes) -> list[str]:
    """What a change may leave readable: of a padded text alone its own bytes, which nothing authenticates."""
    if vector.type != "unpad":
        return []
    length = int.from_bytes(data[:4], "big")
    return [f"flipped at {at}" for at in range(4, length)]


def test_a_changed_byte_outside_the_entries_of_others_is_refused() -> None:
    vector = first("open", "an envelope to two")
    data = vector.case().data("data")
    people = vector.fixture["people"]
    ids = [user_id for user_id in vector.test["expected"]["recipients"] if user_id != people["bob"]["userId"]]
    (start,) = [data.index(b"\x83\x58\x20" + bytes.fromhex(user_id)) for user_id in ids]
    number, end = start + 3 + 32, start + 3 + 32 + 1 + 3 + 1168
    assert survivors(vector, "data", in_hex(changes(data, range(number, end)))) == []


@pytest.mark.parametrize(
    ("kind", "comment", "name"),
    [
        ("stream", "no context", "stream"),
        ("stream", "nothing at all", "stream"),
        ("chunk", "chunk 3 alone", "chunk"),
        ("attachment", "a payload of 100 bytes", "stream"),
        ("attachment", "a payload of 0 bytes", "stream"),
    ],
)
def test_a_changed_byte_of_a_stream_is_refused(kind: str, comment: str, name: str) -> None:
    """ATT-1, ATT-8, ATT-9: the parts of a stream are given as one."""
    vector = first(kind, comment)
    data = vector.case().joined(name)
    assert 0 < len(data) <= MOST
    assert survivors(vector, name, ((change, [changed.hex()]) for change, changed in changes(data))) == []


@pytest.mark.parametrize("kind", ["user-id", "secret-text"])
def test_a_changed_character_is_refused(kind: str) -> None:
    vector = first(kind, "siegel")
    text = vector.test["input"]["text"]

    def other(character: str) -> str:
        return CHARACTERS[CHARACTERS.index(character) ^ 1] if character in CHARACTERS else "q"

    def changed() -> Iterator[tuple[str, str]]:
        for at, character in enumerate(text):
            yield f"other character at {at}", text[:at] + other(character) + text[at + 1 :]
            yield f"upper case at {at}", text[:at] + character.upper() + text[at + 1 :]
            yield f"dropped at {at}", text[:at] + text[at + 1 :]
            yield f"doubled at {at}", text[:at] + character + text[at:]

    found = survivors(vector, "text", changed())
    assert found == [f"upper case at {at}" for at, character in enumerate(text) if character == character.upper()]


def test_a_change_that_does_nothing_would_be_seen() -> None:
    """The test itself can fail: an unchanged object survives."""
    vector = first("succession", "a hand-over")
    honest = vector.test["input"]["succession"]
    assert survivors(vector, "succession", iter([("nothing", honest)])) == ["nothing"]
    assert len(list(changes(bytes(10)))) == 30
