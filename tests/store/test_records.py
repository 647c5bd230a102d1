"""STO-1, STO-2, STO-3, STO-4: a record opens where it was written, and nowhere else; and what it says has one form."""

from __future__ import annotations

from collections.abc import Callable

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.codec import decode
from siegel._core.instants import LATEST
from siegel._core.secret import Secret
from siegel._core.suite import MacKey, hmac_sha256
from siegel.errors import CorruptRecord, InvalidArgument, MalformedError
from siegel.store.records import (
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    OVERHEAD_BYTES,
    Content,
    Record,
    _usual,
    check_key,
    check_value,
    name_of,
    tag_of,
    within,
)
from tests.people import secret_of
from tests.store.records_at_hand import COLLECTION, KEY, KID, NAME, STORE_ID, row, sealer

NONCE = bytes(range(12))
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=20).filter(str.isascii)
KEYS = TEXTS | st.binary(max_size=40)
CONTENTS = st.builds(
    Content,
    KEYS,
    st.binary(max_size=100),
    st.none() | st.integers(0, LATEST),
    st.dictionaries(st.integers(0, 23), TEXTS, max_size=3),
    st.none() | st.integers(0, LATEST),
)


# --- what a record says ----------------------------------------------------------------------------------------------


@given(CONTENTS)
def test_a_content_has_one_encoding(content: Content) -> None:
    assert Content.decode(content.encode()) == content
    items: list[object] = [content.key, content.value, content.expires]
    if content.fields or content.restored is not None:
        items.append(content.fields)
    if content.restored is not None:
        items.append(content.restored)
    assert content.encode() == cbor2.dumps(items, canonical=True)


@pytest.mark.parametrize(
    "items",
    [
        7,
        [],
        ["key", b"value"],
        ["key", b"value", None, {0: "x"}, 1, 1],
        ["key", b"value", None, None, 1],
        ["key", b"value", None, {}, LATEST + 1],
        ["key", b"value", None, {}, None],
        [1, b"value", None],
        ["key", "value", None],
        ["key", b"value", LATEST + 1],
        ["key", b"value", "soon"],
        ["key", b"value", None, {}],
        ["key", b"value", None, {0: b"x"}],
        ["key", b"value", None, None],
    ],
    ids=str,
)
def test_another_shape_is_refused(items: object) -> None:
    with pytest.raises(MalformedError):
        Content.decode(cbor2.dumps(items, canonical=True))


@given(st.binary(max_size=40).map(lambda end: b"\x83" + end + b"\xf6") | CONTENTS.map(Content.encode))
def test_the_short_way_of_reading_is_the_decoders(data: bytes) -> None:
    read = _usual(data)
    assert read is None or [*read, None] == decode(data)


@pytest.mark.parametrize("length", [0, 1, 22, 23, 24, 25, 254, 255, 256, 257, 65_535, 65_536])
def test_keys_and_values_of_every_length_of_head(length: int) -> None:
    for key, value in (("k" * length, b"v"), (b"k" * length, b"v"), ("k", b"v" * length)):
        content = Content(key, value, None, {})
        data = content.encode()
        assert Content.decode(data) == content
        assert (_usual(data) is not None) == (len(key) < 256)
        for place in range(min(len(data), 8)):
            other = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            found = _usual(other)
            assert found is None or [*found, None] == decode(other)


def test_nothing_that_is_printed_shows_data() -> None:
    for shown in (repr(Record("who", b"what")), repr(Content("who", b"what", None, {0: "where"}))):
        assert not any(word in shown for word in ("who", "what", "where"))


def test_what_is_no_key_is_refused() -> None:
    for key in (1, None, ["x"], "x" * (MAX_KEY_BYTES + 1), "ü" * 513, b"x" * (MAX_KEY_BYTES + 1)):
        with pytest.raises(InvalidArgument):
            check_key(key)  # type: ignore[arg-type]  # what the test is about


def test_what_is_a_key_is_taken() -> None:
    for key in ("", b"", "x" * MAX_KEY_BYTES, "ü" * 512):
        check_key(key)


def test_a_value_is_bytes_and_not_too_many() -> None:
    check_value(b"")
    for value in ("text", bytearray(1), None, bytes(MAX_VALUE_BYTES + 1)):
        with pytest.raises(InvalidArgument):
            check_value(value)  # type: ignore[arg-type]  # what the test is about


# --- names and tags --------------------------------------------------------------------------------------------------


def test_names_and_tags_are_hmacs_over_scope_and_key() -> None:
    key, scope = secret_of("names"), within("scope")
    assert name_of(MacKey(Secret(key)), scope, "k") == hmac_sha256(key, b"\x82\x65scope\x61k")[:16]
    assert tag_of(MacKey(Secret(key)), scope, "k") == hmac_sha256(key, b"\x82\x65scope\x61k")[:8]


@given(st.lists(st.tuples(st.none() | TEXTS, KEYS), unique=True, min_size=2, max_size=2))
def test_two_keys_never_share_a_name(places: list[tuple[str | None, str | bytes]]) -> None:
    """Nor do text and bytes, nor the keys of two scopes."""
    key = MacKey(Secret(secret_of("names")))
    one, other = (name_of(key, within(scope), place) for scope, place in places)
    assert one != other


# --- sealing ---------------------------------------------------------------------------------------------------------


@given(CONTENTS, st.integers(1, 2**63 - 1))
def test_what_is_sealed_opens_at_its_place(content: Content, revision: int) -> None:
    sealed = row()._replace(revision=revision, value=sealer().seal(NAME, revision, content.encode()))
    assert sealer().open(sealed) == content
    assert len(sealed.value) == len(content.encode()) + OVERHEAD_BYTES


def test_the_bytes_are_the_published_ones() -> None:
    """STO-1, from the primitive alone."""
    plaintext = Content("key", b"value", None, {}).encode()
    place = cbor2.dumps([1, KID, STORE_ID, COLLECTION, NAME, 300], canonical=True)
    ciphertext = AESGCM(KEY).encrypt(NONCE, plaintext, b"siegel/1 row\0" + place)
    sealed = sealer().seal_with_nonce(NAME, 300, plaintext, NONCE)
    assert sealed == b"\x01" + KID.to_bytes(4, "big") + NONCE + ciphertext


def test_the_same_record_is_never_sealed_alike() -> None:
    """Attack ST-13: another nonce each time, and so other bytes."""
    sealed = {row().value for _ in range(10_000)}
    assert len({value[5:17] for value in sealed}) == 10_000
    one, other = list(sealed)[:2]
    different = sum((a ^ b).bit_count() for a, b in zip(one[17:], other[17:], strict=True))
    assert different > 0.3 * 8 * len(one[17:])


PLACES: dict[str, Callable[[], object]] = {
    "another name": lambda: sealer().open(row()._replace(name=b"another record's")),
    "an earlier revision": lambda: sealer().open(row(revision=2)._replace(revision=1)),
    "a later revision": lambda: sealer().open(row()._replace(revision=2)),
    "another collection": lambda: sealer(collection=8).open(row()),
    "another store": lambda: sealer(store_id=bytes(16)).open(row()),
    "another data key": lambda: sealer(secret=secret_of("another")).open(row()),
    "another number of the data key": lambda: sealer(kid=KID + 1).open(row()),
    "another number, in the bytes too": lambda: sealer(kid=KID + 1).open(
        row()._replace(value=b"\x01" + (KID + 1).to_bytes(4, "big") + row().value[5:])
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_record_opens_nowhere_else(place: str) -> None:
    """Attack ST-3."""
    with pytest.raises(CorruptRecord) as caught:
        PLACES[place]()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_every_bit_of_a_record_counts() -> None:
    whole = row()
    for place in range(8 * len(whole.value)):
        flipped = bytearray(whole.value)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(CorruptRecord):
            sealer().open(whole._replace(value=bytes(flipped)))


def test_no_length_of_a_record_is_too_short() -> None:
    whole = row()
    for length in range(len(whole.value)):
        with pytest.raises(CorruptRecord):
            sealer().open(whole._replace(value=whole.value[:length]))
    with pytest.raises(CorruptRecord):
        sealer().open(whole._replace(value=whole.value + b"\0"))


def test_a_sealed_text_that_is_no_record_is_refused() -> None:
    """A writer who holds the key and makes something else: authentic, and not a record."""
    with pytest.raises(CorruptRecord):
        sealer().open(row()._replace(value=sealer().seal(NAME, 1, b"\x00")))
