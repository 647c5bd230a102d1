"""ID-1 … ID-10: one secret, and the public record made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from siegel import Identity, PublicIdentity, UserId
from siegel._core import bech32m
from siegel._core.instants import DAY, HOUR, LATEST
from siegel._core.secret import Secret
from siegel._core.suite import SealingSecretKey, SigningKey
from siegel.errors import (
    Expired,
    InvalidArgument,
    InvalidMessage,
    MalformedError,
    NotPermitted,
    SiegelError,
    UnsupportedVersion,
)
from siegel.identity import hedge_secret, sealing_secret, signing_key
from siegel.words import to_words
from tests._core.test_suite import BAD_X25519, NOT_CANONICAL, SMALL_ORDER, WITH_TORSION, coefficient
from tests.people import AT, dates, person, public, secret_of
from tests.vectors.reference import cbor
from tests.vectors.reference.identity import Record

SECRET = secret_of("alice")
ALICE = person("alice")
ID = ALICE.user_id


def derived(purpose: bytes) -> Secret:
    return Secret(HKDF(hashes.SHA256(), 32, b"siegel/1 identity", b"siegel/1 %b\0\x80" % purpose).derive(SECRET))


# --- the secret ------------------------------------------------------------------------------------------------------


def test_derivations() -> None:
    assert ID.data == SigningKey(derived(b"sign")).public == signing_key(ALICE).public
    assert sealing_secret(ALICE).public == SealingSecretKey(derived(b"seal")).public
    assert hedge_secret(ALICE).reveal() == derived(b"hedge").reveal()


def test_one_secret_one_user() -> None:
    for same in (
        Identity.from_secret(SECRET),
        Identity.from_words(ALICE.words()),
        Identity.parse(ALICE.reveal()),
        Identity.parse(ALICE.reveal().upper()),
    ):
        assert same.user_id == ID
        assert same.public(at=AT).encode() == ALICE.public(at=AT).encode(), "deterministic to the last byte"


def test_generate() -> None:
    users = {Identity.generate().user_id for _ in range(10)}
    assert len(users) == 10


def test_forms() -> None:
    assert ALICE.words() == to_words(SECRET)
    assert ALICE.reveal() == bech32m.encode("siegel-secret-", SECRET)
    assert ALICE.reveal().startswith("siegel-secret-1")


@pytest.mark.parametrize("secret", [b"", bytes(32), SECRET[:31], SECRET + b"\0", bytes(31), bytes(64)], ids=repr)
def test_secrets_that_are_none(secret: bytes) -> None:  # ID-2
    with pytest.raises(InvalidArgument, match="32 bytes, not all zero"):
        Identity.from_secret(secret)


@pytest.mark.parametrize(
    "read",
    [
        lambda: Identity.from_words(to_words(bytes(32))),
        lambda: Identity.parse(bech32m.encode("siegel-secret-", bytes(32))),
    ],
    ids=["words", "text"],
)
def test_the_zero_secret_in_any_form(read: Callable[[], Identity]) -> None:
    with pytest.raises(InvalidArgument, match="not all zero"):
        read()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (str(ID), "another kind"),
        (bech32m.encode("siegel-secret-", SECRET[:31]), "32 bytes"),
        (ALICE.reveal()[:-1], "checksum"),
        ("", "too short"),
    ],
    ids=["user id", "length", "checksum", "nothing"],
)
def test_texts_that_are_no_secret(text: str, what: str) -> None:
    with pytest.raises(MalformedError, match=what):
        Identity.parse(text)


# --- user ids --------------------------------------------------------------------------------------------------------


def test_user_id_forms() -> None:
    assert str(ID).startswith("siegel1")
    assert UserId.parse(str(ID)) == UserId.parse(str(ID).upper()) == UserId(bytes(ID)) == ID
    assert bytes(ID) == ID.data
    assert len(ID.data) == 32
    assert repr(ID) == f"<UserId {ID}>"
    assert {ID: 1}[UserId.parse(str(ID))] == 1
    assert person("bob").user_id != ID


def test_a_user_id_is_a_value() -> None:
    with pytest.raises(AttributeError):
        setattr(ID, "data", bytes(32))  # noqa: B010  # an assignment would not pass the type checker


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytearray(32), memoryview(bytes(32)), "a" * 32, None])
def test_a_user_id_has_32_bytes(data: bytes) -> None:
    with pytest.raises(MalformedError, match="32 bytes") as caught:
        UserId(data)
    assert caught.value.where == "user id"


@pytest.mark.parametrize("point", [*SMALL_ORDER, *NOT_CANONICAL, *WITH_TORSION])
def test_a_user_id_in_text_is_a_usable_key(point: str) -> None:
    with pytest.raises(MalformedError, match="prime-order") as caught:
        UserId.parse(bech32m.encode("siegel", bytes.fromhex(point)))
    assert caught.value.where == "user id"


def test_a_secret_is_no_user_id() -> None:
    with pytest.raises(MalformedError, match="another kind"):
        UserId.parse(ALICE.reveal())


# --- the record ------------------------------------------------------------------------------------------------------

RECORD = public("alice")
FIELDS = Record(ID.data, sealing_secret(ALICE).public, 0, AT, AT + 90 * DAY)


def test_layout() -> None:
    assert RECORD.encode() == FIELDS.signed(SECRET).encode()
    assert dates(RECORD) == (ID, 0, AT, AT + 90 * DAY)
    assert RECORD.sealing_key.data == sealing_secret(ALICE).public


def test_there_and_back() -> None:
    decoded = PublicIdentity.decode(RECORD.encode(), at=AT)
    assert dates(decoded) == dates(RECORD)
    assert decoded.encode() == RECORD.encode()
    assert decoded == RECORD
    assert hash(decoded) == hash(RECORD)
    assert decoded != public("alice", AT + 1)
    assert decoded != RECORD.encode()
    assert repr(decoded) == f"<PublicIdentity of {ID}, sealing number 0>"


def test_now_is_the_clock_where_none_is_given() -> None:
    record = ALICE.public()
    assert PublicIdentity.decode(record.encode()) == record
    with pytest.raises(Expired):
        PublicIdentity.decode(RECORD.encode())  # of 2023


def test_a_record_ends_and_begins() -> None:
    data = RECORD.encode()
    for at in (AT - DAY, AT, AT + 90 * DAY - 1):
        PublicIdentity.decode(data, at=at)
    for at in (AT + 90 * DAY, AT + 90 * DAY + 1, LATEST):
        with pytest.raises(Expired, match="has ended"):
            PublicIdentity.decode(data, at=at)
    for at in (AT - DAY - 1, 0):
        with pytest.raises(NotPermitted, match="24 hours"):
            PublicIdentity.decode(data, at=at)


def test_the_last_records_of_all() -> None:
    last = ALICE.public(at=LATEST - 1)
    assert dates(last) == (ID, 0, LATEST - 1, LATEST)
    assert PublicIdentity.decode(last.encode(), at=LATEST - 1) == last
    with pytest.raises(InvalidArgument):
        ALICE.public(at=LATEST)  # it would end as it begins


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"signing_key": ID.data[:31]}, "signing key", "32 bytes"),
        ({"signing_key": b""}, "signing key", "32 bytes"),
        ({"sealing_key": FIELDS.sealing_key[:-1]}, "sealing key", "1216 bytes"),
        ({"sealing_key": FIELDS.sealing_key + b"\0"}, "sealing key", "1216 bytes"),
        ({"sealing_key": coefficient(FIELDS.sealing_key, 700, 3329)}, "sealing key", "ML-KEM"),
        *(
            ({"sealing_key": FIELDS.sealing_key[:1184] + bytes.fromhex(u)}, "sealing key", "X25519")
            for u in BAD_X25519.values()
        ),
        ({"issued_at": LATEST + 1, "not_after": LATEST + 2}, "issued at", "above"),
        ({"not_after": LATEST + 1}, "not after", "above"),
        ({"sealing_number": LATEST + 1}, "sealing number", "above"),
        ({"not_after": AT}, "not after", "before it begins"),
        ({"not_after": AT - 1}, "not after", "before it begins"),
        ({"not_after": 0}, "not after", "before it begins"),
        ({"sealing_number": AT + 1}, "sealing number", "younger"),
    ],
)
def test_malformed_though_signed(changes: dict[str, Any], where: str, what: str) -> None:
    record = replace(FIELDS, **changes).signed(SECRET)
    with pytest.raises(MalformedError, match=what) as caught:
        PublicIdentity.decode(record.encode(), at=AT)
    assert caught.value.where == f"public identity {where}"


@pytest.mark.parametrize("point", [*SMALL_ORDER, *NOT_CANONICAL, *WITH_TORSION])
def test_a_signing_key_that_is_none(point: str) -> None:
    record = replace(FIELDS, signing_key=bytes.fromhex(point)).signed(SECRET)
    with pytest.raises(MalformedError, match="prime-order") as caught:
        PublicIdentity.decode(record.encode(), at=AT)
    assert caught.value.where == "public identity signing key"


@pytest.mark.parametrize(("number", "issued_at", "not_after"), [(0, 0, 1), (AT, AT, AT + 1), (1, AT, LATEST)])
def test_allowed_dates(number: int, issued_at: int, not_after: int) -> None:
    record = replace(FIELDS, sealing_number=number, issued_at=issued_at, not_after=not_after).signed(SECRET)
    assert dates(PublicIdentity.decode(record.encode(), at=issued_at)) == (ID, number, issued_at, not_after)


@pytest.mark.parametrize(
    "changes",
    [
        {"sealing_key": sealing_secret(person("bob")).public},
        {"sealing_number": 1},
        {"issued_at": AT - 1},
        {"not_after": AT + 91 * DAY},
        {"signing_key": person("bob").user_id.data},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_field_is_signed(changes: dict[str, Any]) -> None:
    record = replace(FIELDS.signed(SECRET), **changes)
    with pytest.raises(InvalidMessage):
        PublicIdentity.decode(record.encode(), at=AT)


def top(*items: bytes) -> bytes:
    return cbor.array(*items)


GOOD = [cbor.uint(1), cbor.uint(1), *FIELDS.fields(), cbor.octets(FIELDS.signed(SECRET).signature)]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        pytest.param(b"", "byte 0", id="nothing"),
        pytest.param(top(*GOOD) + b"\0", f"byte {len(top(*GOOD))}", id="bytes after the end"),
        pytest.param(top(*GOOD)[:-1], f"byte {len(top(*GOOD)) - 66}", id="cut short"),
        pytest.param(top(*GOOD[:7]), "public identity", id="no signature"),
        pytest.param(top(*GOOD, cbor.NULL), "public identity", id="an item too many"),
        pytest.param(top(cbor.uint(2), *GOOD[1:]), "public identity", id="another kind"),
        pytest.param(top(cbor.TRUE, *GOOD[1:]), "public identity type", id="true for 1"),
        pytest.param(top(*GOOD[:2], cbor.text("a" * 32), *GOOD[3:]), "public identity signing key", id="text"),
        pytest.param(top(*GOOD[:5], cbor.NULL, *GOOD[6:]), "public identity issued at", id="null"),
        pytest.param(top(*GOOD[:7], cbor.octets(bytes(63))), "public identity signature", id="short signature"),
        pytest.param(cbor.octets(top(*GOOD)), "public identity", id="wrapped"),
    ],
)
def test_malformed(data: bytes, where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        PublicIdentity.decode(data, at=AT)
    assert caught.value.where == where


@pytest.mark.parametrize("version", [0, 2, 2**64 - 1])
def test_another_version(version: int) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        PublicIdentity.decode(top(GOOD[0], cbor.uint(version), *GOOD[2:]), at=AT)
    assert caught.value.version == version


def test_every_bit_of_a_record_counts() -> None:
    data = RECORD.encode()
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(SiegelError):
            PublicIdentity.decode(bytes(flipped), at=AT + HOUR)
