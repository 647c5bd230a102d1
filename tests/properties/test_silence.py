"""No exception, and no report of one with all its local variables, holds a byte of a secret."""

from __future__ import annotations

import base64
import io
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import (
    AttachmentReader,
    AttachmentRef,
    Contacts,
    Identity,
    SealingKeys,
    SiegelError,
    StreamDecryptor,
    open_many,
    open_sealed,
    seal,
)
from siegel._core.secret import Secret
from siegel.errors import InvalidArgument, InvalidMessage, PeerError, StateError
from siegel.identity import hedge_secret
from siegel.words import from_words
from tests.messages import FAULTS, message, steps_of
from tests.people import AT, DAY, company, person, public, rotating, secret_of
from tests.properties.strategies import mistyped, mutants
from tests.vectors.reference import attachment as by_hand_attachment
from tests.vectors.reference import identity as by_hand
from tests.vectors.reference import sealed
from tests.vectors.reference.sealed import Steps

ALICE, BOB = person("alice"), person("bob")
KEYS, ROTATING = rotating("bob")


def secrets_of(name: str) -> list[bytes]:
    """Everything secret that follows from one person's 32 bytes."""
    return [secret_of(name), *(by_hand.derive(secret_of(name), purpose) for purpose in ("sign", "seal", "hedge"))]


OURS = [*secrets_of("alice"), *secrets_of("bob"), *(key.seed.reveal() for key in KEYS._keys.values())]


def forms(secret: bytes) -> Iterator[str]:
    """How secret bytes could stand in a text."""
    yield repr(secret)[2:-1]
    yield repr(bytearray(secret))[12:-2]
    yield secret.hex()
    yield secret.hex().upper()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")
    yield str(list(secret))[1:-1]
    yield str(int.from_bytes(secret, "big"))
    yield str(int.from_bytes(secret, "little"))
    yield secret.decode("latin-1")


def inside(error: BaseException) -> TracebackType | None:
    """The traceback from the first frame of the library on; the frames before it are the test's own."""
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_globals["__name__"].startswith("siegel"):
        trace = trace.tb_next
    return trace


def report(error: BaseException) -> str:
    """What the most talkative crash reporter would send."""
    shown = traceback.TracebackException(type(error), error, inside(error), capture_locals=True, max_group_width=100)
    chain = [repr(link) for link in (error.__cause__, error.__context__) if link]
    return (
        "".join(shown.format(chain=True)) + repr(error) + str(error) + repr(error.args) + repr(vars(error)) + str(chain)
    )


def is_silent(error: BaseException, secrets: list[bytes]) -> None:
    text = report(error)
    assert "siegel" in text
    for secret in secrets:
        assert not any(form in text for form in forms(secret))


def test_the_reporter_sees_what_there_is() -> None:
    secret = secret_of("planted")
    for planted in forms(secret):
        with pytest.raises(AssertionError):
            is_silent(SiegelError(f"siegel: {planted}"), [secret])


# --- opening ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_not_authentic(name: str) -> None:
    steps = sealed.seal(message(), FAULTS[name])
    with pytest.raises(InvalidMessage) as caught:
        open_sealed(steps.envelope, identity=BOB, contacts=[ALICE.user_id])
    is_silent(caught.value, [*OURS, steps.secret, steps.body_key, steps.keys[32:]])


def steps_to(name: str, content_type: str) -> Steps:
    return steps_of(message(sender=name, content_type=content_type))


@pytest.mark.parametrize(("sender", "content_type"), [("mallory", "text/plain"), ("alice", "siegel/control")])
def test_what_is_authentic_and_refused(sender: str, content_type: str) -> None:
    steps = steps_to(sender, content_type)
    with pytest.raises(SiegelError) as caught:
        open_sealed(steps.envelope, identity=BOB, contacts=[ALICE.user_id])
    is_silent(caught.value, [*OURS, steps.secret, steps.body_key])


STEPS = steps_of()
TO_ROTATING = seal(b"text", sender=ALICE, recipients=[ROTATING], at=AT)


@settings(max_examples=150)
@given(mutants([STEPS.envelope, TO_ROTATING]))
def test_whatever_comes_in(data: bytes) -> None:
    for holder in (BOB, KEYS):
        try:
            open_sealed(data, identity=holder, contacts=Contacts())
        except SiegelError as error:
            is_silent(error, [*OURS, STEPS.secret, STEPS.body_key])
            if isinstance(error, InvalidMessage):
                assert error.__cause__ is None  # noqa: PT017  # one of several errors, each with its own law
                assert error.__context__ is None  # noqa: PT017  # as above
        (result,) = open_many([data], identity=holder, contacts=[ALICE.user_id])
        if isinstance(result, SiegelError):
            is_silent_without_frames(result)


def is_silent_without_frames(error: SiegelError) -> None:
    text = repr(error) + str(error) + repr(error.args) + repr(vars(error))
    assert not any(form in text for secret in OURS for form in forms(secret))


# --- attachments -----------------------------------------------------------------------------------------------------

KEY = secret_of("attachment")
SMALL = by_hand_attachment.made(0, KEY, bytes(24), b"x" * 100)


@pytest.mark.parametrize("at", [0, 24, 56, 60, len(SMALL[1]) - 1])
def test_an_attachment_that_is_not_authentic(at: int) -> None:
    """ATT-8, ATT-9: neither its key nor what follows from it, even with the true salt."""
    ref, stream = AttachmentRef.decode(SMALL[0].encode()), bytearray(SMALL[1])
    keys = by_hand_attachment.keys_of(KEY, bytes(24), ref.context)
    stream[at] ^= 1
    decryptor = StreamDecryptor(KEY, context=ref.context)

    def sequential() -> None:
        decryptor.update(bytes(stream))
        decryptor.finalize()

    for attempt in (AttachmentReader(io.BytesIO(bytes(stream)), ref).read, sequential):
        with pytest.raises(InvalidMessage) as caught:
            attempt()
        is_silent(caught.value, [KEY, keys.aead])


# --- our own mistakes ------------------------------------------------------------------------------------------------


def reference(**changes: Any) -> object:
    """To an attachment whose key is one of our secrets."""
    said: dict[str, Any] = {"role": "main", "key": Secret(secret_of("alice")), "size": 1, "digest": bytes(32)}
    return AttachmentRef.create(**said | changes)


def too_late() -> object:
    return seal(b"text", sender=ALICE, recipients=[public("bob")], at=AT + 1000 * DAY)


MISTAKES: dict[str, Callable[[], object]] = {
    "an expired recipient": too_late,
    "a reserved content type": lambda: seal(b"", sender=ALICE, recipients=company(1), content_type="siegel/", at=AT),
    "a recipient twice": lambda: seal(b"", sender=ALICE, recipients=[public("bob")] * 2, at=AT),
    "number 0 over rotating keys": lambda: KEYS.public(at=AT + 1),
    "a rotation beyond the calendar": lambda: KEYS.rotate(at=2**60),
    "keys of another identity": lambda: SealingKeys.decode(rotating("alice")[0].encode(), identity=BOB),
    "a record of no instant": lambda: ALICE.public(at=-1),
    "an attachment with a path for a name": lambda: reference(name="a/b"),
    "an attachment with a short digest": lambda: reference(digest=b""),
    "an attachment of another role": lambda: reference(role="poster"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        MISTAKES[name]()
    is_silent(caught.value, OURS)


def test_a_broken_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.urandom", bytes)
    for attempt in (Identity.generate, lambda: seal(b"", sender=ALICE, recipients=company(1), at=AT), KEYS.rotate):
        with pytest.raises(StateError) as caught:
            attempt()
        is_silent(caught.value, OURS)


@pytest.mark.parametrize("place", range(4))
def test_a_library_below_that_fails_while_sealing(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    """Out of memory in the middle of a message: the report must not show the sender's secrets."""

    def fail(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(f"siegel.sealed.{['hpke_seal', 'sign', 'pad', 'encrypt_once'][place]}", fail)
    with pytest.raises(MemoryError) as caught:
        seal(b"text", sender=ALICE, recipients=company(2), at=AT)
    is_silent(caught.value, [*secrets_of("alice"), hedge_secret(ALICE).reveal()])


# --- texts that are the secret themselves: the message must not repeat them ------------------------------------------


def repeats_nothing(error: SiegelError, text: str) -> None:
    said = str(error) + repr(error.args) + repr(vars(error))
    parts = {text[i : i + 12] for i in range(max(0, len(text) - 11))} | set(text.split())
    assert not any(part in said for part in parts if len(part) > 6)  # shorter ones stand in any English sentence


@given(mistyped([ALICE.reveal()]))
def test_a_mistyped_secret_is_not_repeated(text: str) -> None:
    try:
        Identity.parse(text)
    except PeerError as error:
        said = str(error).replace("siegel-secret-1…", "")
        assert not any(text[i : i + 5] in said for i in range(len("siegel-secret-1"), len(text) - 4))
        is_silent_without_frames(error)


@given(mistyped([ALICE.words()]))
def test_mistyped_words_are_not_repeated(text: str) -> None:
    try:
        from_words(text)
    except PeerError as error:
        repeats_nothing(error, text)


@given(st.binary(max_size=64))
def test_bytes_that_are_no_secret_are_not_repeated(data: bytes) -> None:
    try:
        Identity.from_secret(data)
    except InvalidArgument as error:
        said = str(error)
        assert len(data) < 4 or not any(form in said for form in forms(data))
