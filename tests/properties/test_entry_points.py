"""Whatever bytes or text come in: a SiegelError or nothing, and never a forgery."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import (
    AttachmentRef,
    Contacts,
    Identity,
    PublicIdentity,
    SealingKeys,
    SiegelError,
    Succession,
    UserId,
    audit_recipients,
    inspect_envelope,
    letters,
    open_many,
    open_sealed,
    safety_number,
    safety_qr,
    seal,
)
from siegel._core.secret import Secret
from siegel.safety import check_safety
from tests.messages import BODY
from tests.people import AT, company, person, public, rotating
from tests.properties.strategies import changed_bytes, mistyped, mutants

ALICE, BOB = person("alice"), person("bob")
KEYS, ROTATING = rotating("bob")
HANDOVER = Succession.create(old=BOB, new=person("robert"), at=AT)


def contacts() -> Contacts:
    known = Contacts(BOB.user_id)
    known.add(public("alice"), name="alice")
    known.add(public("bob"))
    known.verify(ALICE.user_id, safety_number(BOB.user_id, ALICE.user_id))
    known.succeed(HANDOVER)
    return known


KNOWN = contacts()
ENVELOPES = [
    seal(BODY, sender=ALICE, recipients=[record, *others], private=private, content_type="a", at=AT)
    for record in (public("bob"), ROTATING)
    for others in (company(0), company(4)[2:])
    for private in (False, True)
]
LETTERS = [dict(letters(envelope))[BOB.user_id] for envelope in ENVELOPES]
SEALED = [*ENVELOPES, *LETTERS]
RECORDS = [public("alice").encode(), ROTATING.encode()]
REFERENCE = AttachmentRef.create(
    role="main",
    key=Secret(bytes(32)),
    size=100,
    digest=bytes(32),
    media_type="image/jpeg",
    name="é.jpg",
    thumbnail=b"x",
)
OBJECTS = [*SEALED, *RECORDS, HANDOVER.encode(), KNOWN.encode(), KEYS.encode(), REFERENCE.encode()]


def open_with(holder: Identity | SealingKeys) -> Callable[[bytes], None]:
    def open_one(data: bytes) -> None:
        message = open_sealed(data, identity=holder, contacts=[ALICE.user_id], allow_anonymous=True)
        assert (message.body, message.sender, message.content_type) == (BODY, ALICE.user_id, "a"), "a forgery"

    return open_one


def written_again(read: Callable[[bytes], Any]) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        assert read(data).encode() == data, "accepted, and not the one encoding"

    return check


def many(data: bytes) -> None:
    (result,) = open_many([data], identity=KEYS, contacts=KNOWN)
    if isinstance(result, SiegelError):
        raise result


READERS: dict[str, Callable[[bytes], object]] = {
    "public identity": written_again(lambda data: PublicIdentity.decode(data, at=AT)),
    "succession": written_again(Succession.decode),
    "attachment reference": written_again(AttachmentRef.decode),
    "contacts": written_again(Contacts.decode),
    "sealing keys": written_again(lambda data: SealingKeys.decode(data, identity=BOB)),
    "open with an identity": open_with(BOB),
    "open with sealing keys": open_with(KEYS),
    "open many": many,
    "inspect": inspect_envelope,
    "audit": lambda data: audit_recipients(data, allowed=[BOB.user_id]),
    "letters": lambda data: list(letters(data)),
    "compare a QR code": lambda data: check_safety(data, ours=ALICE.user_id, theirs=BOB.user_id),
    "secret": Identity.from_secret,
    "user id": UserId,
}


def refused_or_read(read: Callable[[Any], object], given: bytes | str) -> None:
    """Any exception but a SiegelError fails the test."""
    with suppress(SiegelError):
        read(given)


@pytest.mark.parametrize("name", READERS)
def test_any_bytes(name: str) -> None:
    @settings(max_examples=50)
    @given(st.binary(max_size=200))
    def law(data: bytes) -> None:
        refused_or_read(READERS[name], data)

    law()


@settings(max_examples=700)
@given(mutants(OBJECTS))
def test_nearly_valid_objects(data: bytes) -> None:
    for read in READERS.values():
        refused_or_read(read, data)


@settings(max_examples=500)
@given(mutants(SEALED))
def test_nearly_valid_messages(data: bytes) -> None:
    for name in ("open with an identity", "open with sealing keys", "open many", "inspect", "audit", "letters"):
        refused_or_read(READERS[name], data)


SHOWN = safety_qr(BOB.user_id, ALICE.user_id)


@given(changed_bytes(SHOWN).filter(lambda data: data != SHOWN))
def test_nearly_valid_qr_codes(data: bytes) -> None:
    with pytest.raises(SiegelError):
        check_safety(data, ours=ALICE.user_id, theirs=BOB.user_id)


TEXTS = [
    str(ALICE.user_id),
    ALICE.reveal(),
    ALICE.words(),
    safety_number(ALICE.user_id, BOB.user_id),
]
TEXT_READERS: dict[str, Callable[[str], object]] = {
    "user id": UserId.parse,
    "secret": Identity.parse,
    "words": Identity.from_words,
    "safety number": lambda text: check_safety(text, ours=ALICE.user_id, theirs=BOB.user_id),
    "verify": lambda text: KNOWN.verify(ALICE.user_id, text),
    "name": lambda text: contacts().add(public("mallory"), name=text),
    "whom": KNOWN.get,
}


@pytest.mark.parametrize("name", TEXT_READERS)
def test_any_text(name: str) -> None:
    @settings(max_examples=100)
    @given(st.one_of(st.text(alphabet=st.characters(codec=None)), mistyped(TEXTS)))
    def law(text: str) -> None:
        refused_or_read(TEXT_READERS[name], text)

    law()


@given(mistyped(TEXTS[:1]))
def test_a_mistyped_user_id_is_nobody_else(text: str) -> None:
    try:
        read = UserId.parse(text)
    except SiegelError:
        return
    assert read == ALICE.user_id
    assert text.lower() == TEXTS[0]
