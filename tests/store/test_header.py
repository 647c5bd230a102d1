"""STO-7 … STO-9: header and catalogue have one form, and open as what they are."""

from __future__ import annotations

from collections.abc import Callable

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core.secret import Secret
from siegel._core.suite import MacKey, hmac_sha256, sha256
from siegel.errors import CorruptHeader, MalformedError, NewerFormat
from siegel.store.freshness import Tally
from siegel.store.header import (
    Catalogue,
    Entry,
    Header,
    digest_of,
    open_catalogue,
    open_header,
    seal_catalogue,
    seal_header,
    store_id_of,
)
from tests.people import secret_of
from tests.store.records_at_hand import STORE_ID

SECRET = secret_of("header")
KEY = MacKey(Secret(SECRET))
HEADER = Header(
    5,
    bytes(32),
    1,
    anchored=True,
    ring_changes=3,
    catalogue=b"c" * 32,
    tallies=((1, Tally(2, 2**256 - 1)), (9, Tally())),
)
CATALOGUE = Catalogue(b"wrapped", b"s" * 32, (Entry(1, "messages", ("folder", "from")), Entry(9, "ü")))
HEADER_ITEMS: list[object] = [
    5,
    bytes(32),
    1,
    True,
    3,
    b"c" * 32,
    [[1, 2, b"\xff" * 32], [9, 0, bytes(32)]],
]
CATALOGUE_ITEMS: list[object] = [b"wrapped", b"s" * 32, [[1, "messages", ["folder", "from"]], [9, "ü", []]]]


def test_each_has_one_encoding() -> None:
    assert HEADER.encode() == cbor2.dumps(HEADER_ITEMS, canonical=True)
    assert CATALOGUE.encode() == cbor2.dumps(CATALOGUE_ITEMS, canonical=True)
    assert Header.decode(HEADER.encode()) == HEADER
    assert Catalogue.decode(CATALOGUE.encode()) == CATALOGUE


def changed(items: list[object], place: int, value: object) -> bytes:
    return cbor2.dumps([*items[:place], value, *items[place + 1 :]], canonical=True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "5"),
        (1, bytes(31)),
        (2, None),
        (3, 1),
        (4, b""),
        (5, bytes(33)),
        (6, None),
        (6, [[1, 2]]),
        (6, [[1, 2, bytes(31)]]),
        (6, [[2**16, 2, bytes(32)]]),
        (6, [[9, 0, bytes(32)], [1, 0, bytes(32)]]),
        (6, [[1, 0, bytes(32)], [1, 0, bytes(32)]]),
    ],
)
def test_another_header_is_refused(place: int, value: object) -> None:
    with pytest.raises(MalformedError):
        Header.decode(changed(HEADER_ITEMS, place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "wrapped"),
        (1, bytes(31)),
        (2, None),
        (2, [[1, b"messages", []]]),
        (2, [[1, "messages"]]),
        (2, [[1, "messages", [1]]]),
        (2, [[1, "messages", ["from", "from"]]]),
        (2, [[1, "messages", [str(n) for n in range(25)]]]),
        (2, [[1, "messages", []], [2, "messages", []]]),
        (2, [[2, "a", []], [1, "b", []]]),
    ],
)
def test_another_catalogue_is_refused(place: int, value: object) -> None:
    with pytest.raises(MalformedError):
        Catalogue.decode(changed(CATALOGUE_ITEMS, place, value))


def test_the_block_is_the_published_one() -> None:
    """STO-9, from the primitives alone."""
    block = seal_header(HEADER, KEY, STORE_ID)
    clear, sealed = block[:49], block[49:]
    assert clear[:17] == b"\x01" + STORE_ID
    key = hmac_sha256(SECRET, b"siegel/1 state header\0" + cbor2.dumps([clear]))
    assert AESGCM(key).decrypt(bytes(12), sealed, b"") == HEADER.encode()
    assert digest_of(block) == sha256(block)


def test_what_is_sealed_opens() -> None:
    assert open_header(seal_header(HEADER, KEY, STORE_ID), KEY, STORE_ID) == HEADER
    assert open_catalogue(seal_catalogue(CATALOGUE, KEY, STORE_ID), KEY, STORE_ID) == CATALOGUE
    assert store_id_of(seal_header(HEADER, KEY, STORE_ID)) == STORE_ID


def test_no_two_blocks_are_alike() -> None:
    assert len({seal_header(HEADER, KEY, STORE_ID)[17:49] for _ in range(100)}) == 100


OPENERS: dict[str, Callable[[bytes, MacKey, bytes], object]] = {"header": open_header, "catalogue": open_catalogue}
BLOCKS = {"header": seal_header(HEADER, KEY, STORE_ID), "catalogue": seal_catalogue(CATALOGUE, KEY, STORE_ID)}


@pytest.mark.parametrize("kind", OPENERS)
def test_every_bit_of_a_block_counts(kind: str) -> None:
    """Attack ST-2."""
    block = BLOCKS[kind]
    for place in range(8 * len(block)):
        flipped = bytearray(block)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(NewerFormat if place < 8 else CorruptHeader):
            OPENERS[kind](bytes(flipped), KEY, STORE_ID)


@pytest.mark.parametrize("kind", OPENERS)
def test_a_block_opens_as_itself_alone(kind: str) -> None:
    block = BLOCKS[kind]
    attempts: list[Callable[[], object]] = [
        lambda: OPENERS[kind](block, MacKey(Secret(bytes(32))), STORE_ID),
        lambda: OPENERS[kind](block, KEY, bytes(16)),
        lambda: OPENERS[kind](block[:1] + bytes(16) + block[17:], KEY, bytes(16)),
        lambda: OPENERS[kind](BLOCKS["catalogue" if kind == "header" else "header"], KEY, STORE_ID),
        lambda: OPENERS[kind](block + b"\0", KEY, STORE_ID),
        *(lambda length=length: OPENERS[kind](block[:length], KEY, STORE_ID) for length in range(1, len(block))),
    ]
    for attempt in attempts:
        with pytest.raises(CorruptHeader) as caught:
            attempt()
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
