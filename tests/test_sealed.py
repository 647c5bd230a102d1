"""SEAL-1 … SEAL-10, SEAL-14 … SEAL-18: sealing and opening."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from typing import Any

import pytest

from siegel import (
    Contacts,
    Identity,
    OpenedMessage,
    PublicIdentity,
    SealingKeys,
    UserId,
    letters,
    open_many,
    open_sealed,
    seal,
)
from siegel._core.instants import LATEST
from siegel.envelope import MAX_BODY_BYTES, MAX_RECIPIENTS, parse_envelope
from siegel.errors import (
    Expired,
    IdentityChanged,
    InvalidArgument,
    NotARecipient,
    NotPermitted,
    SiegelError,
    StateError,
    UnknownSender,
)
from tests.messages import BODY, flip, message, steps_of
from tests.people import AT, DAY, company, person, public, rotating

ALICE, BOB = person("alice"), person("bob")
KNOWN = [ALICE.user_id]


def to_bob(body: bytes = BODY, **options: Any) -> bytes:
    return seal(body, sender=ALICE, recipients=[public("bob")], at=AT, **options)


def opened(envelope: bytes, who: Identity | SealingKeys = BOB, **options: Any) -> OpenedMessage:
    return open_sealed(envelope, identity=who, contacts=KNOWN, **options)


def member(index: int) -> Identity:
    """The identity of company(n)[index]."""
    return person(["alice", "bob"][index] if index < 2 else f"colleague {index}")


# --- there and back --------------------------------------------------------------------------------------------------


def test_a_message_to_one() -> None:
    envelope = seal(BODY, sender=ALICE, recipients=[public("bob")], content_type="text/plain", at=AT)
    assert opened(envelope) == OpenedMessage(
        body=BODY,
        sender=ALICE.user_id,
        content_type="text/plain",
        sent_at=AT,
        recipients=(BOB.user_id,),
        recipient_count=1,
        private=False,
        message_id=opened(envelope).message_id,
        late=False,
    )
    assert opened(envelope) == opened(envelope), "stateless: the same bytes open twice"


@pytest.mark.parametrize("private", [False, True], ids=["open", "private"])
@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 300])
def test_a_message_to_many(count: int, private: bool) -> None:  # noqa: FBT001  # a parameter of the test
    people = company(count)
    envelope = seal(BODY, sender=ALICE, recipients=people, private=private, at=AT)
    everybody = {public.user_id for public in people}
    by_user = dict(letters(envelope))
    assert by_user.keys() == everybody
    for index in {0, 1, count // 2, count - 1} & set(range(count)):
        whole = opened(envelope, member(index))
        letter = opened(by_user[member(index).user_id], member(index))
        for read in (whole, letter):
            assert (read.body, read.sender, read.sent_at) == (BODY, ALICE.user_id, AT)
            assert (read.recipient_count, read.private) == (count, private)
            assert read.message_id == whole.message_id
        assert (whole.recipients is None) is private
        assert (letter.recipients is None) is (private or count > 64)
        for read in (whole, letter):
            assert read.recipients is None or set(read.recipients) == everybody


def test_recipients_in_any_order_and_from_a_generator() -> None:
    people = company(5)
    envelope = seal(BODY, sender=ALICE, recipients=(public for public in reversed(people)), at=AT)
    assert set(opened(envelope).recipients or ()) == {public.user_id for public in people}


def test_the_sender_reads_their_own_message_where_they_are_a_recipient() -> None:
    envelope = seal(BODY, sender=ALICE, recipients=company(2), at=AT)
    assert open_sealed(envelope, identity=ALICE, contacts=[]).sender == ALICE.user_id
    with pytest.raises(NotARecipient):
        open_sealed(to_bob(), identity=ALICE, contacts=KNOWN)


def test_a_note_to_oneself() -> None:
    envelope = seal(BODY, sender=BOB, recipients=[public("bob")], at=AT)
    assert open_sealed(envelope, identity=BOB, contacts=[]).body == BODY


def test_two_messages_share_nothing() -> None:
    def parts(envelope: bytes) -> set[bytes]:
        whole = parse_envelope(envelope)
        return {whole.header.root, whole.header.commitment, whole.nonce, whole.entries[0].sealed, whole.body}

    one, other = to_bob(), to_bob()
    assert len(parts(one) | parts(other)) == 10
    assert opened(one).message_id != opened(other).message_id


def test_now_is_the_clock_where_none_is_given() -> None:
    record = BOB.public()
    assert opened(seal(BODY, sender=ALICE, recipients=[record])).sent_at >= record.issued_at


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_bytes(kind: Callable[[bytes], bytes]) -> None:
    body = opened(to_bob(kind(BODY))).body
    assert body == BODY
    assert type(body) is bytes


@pytest.mark.parametrize("length", [0, 1, 1000, 65_536])
def test_the_length_is_hidden(length: int) -> None:
    envelope = to_bob(bytes(length))
    other = to_bob(bytes(max(0, length - 1)))
    assert opened(envelope).body == bytes(length)
    if length != 1:
        assert len(envelope) == len(other), "one byte does not show at these lengths"


@pytest.mark.parametrize("content_type", ["a", "text/plain", "siegel", "é", "日本", "a" * 255, "é" * 127])
def test_content_types(content_type: str) -> None:
    assert opened(to_bob(content_type=content_type)).content_type == content_type


def test_the_repr_does_not_show_the_body() -> None:
    read = opened(to_bob(b"for Bob alone"))
    assert "for Bob alone" not in repr(read)
    assert "for Bob alone" not in str([read])
    assert str(ALICE.user_id) in repr(read)


def test_an_opened_message_does_not_change() -> None:
    with pytest.raises(AttributeError):
        setattr(opened(to_bob()), "sender", BOB.user_id)  # noqa: B010  # an assignment would not pass the type checker


# --- rotating keys ---------------------------------------------------------------------------------------------------


def test_sealed_to_a_rotating_key() -> None:
    keys, record = rotating("bob")
    envelope = seal(BODY, sender=ALICE, recipients=[record], at=AT)
    assert opened(envelope, keys).body == BODY
    assert opened(to_bob(), keys).body == BODY, "number 0 opens with it too"
    before = keys.encode()
    with pytest.raises(Expired):
        opened(envelope, BOB)
    keys.expire(at=LATEST)
    assert keys.encode() != before
    with pytest.raises(Expired):
        opened(envelope, keys)


def test_a_record_is_sealed_to_until_its_end() -> None:
    record = public("bob")
    seal(BODY, sender=ALICE, recipients=[record], at=record.not_after - 1)
    for at in (record.not_after, record.not_after + DAY):
        with pytest.raises(InvalidArgument, match="has ended"):
            seal(BODY, sender=ALICE, recipients=[record], at=at)
    with pytest.raises(InvalidArgument, match=str(record.user_id)):
        seal(BODY, sender=ALICE, recipients=[public("carol", AT + 1), record], at=record.not_after)


# --- what the caller may not ask for ---------------------------------------------------------------------------------


def ghosts(count: int) -> list[PublicIdentity]:
    return [public("bob")] * count


@pytest.mark.parametrize(
    ("options", "what"),
    [
        pytest.param({"recipients": []}, "1 to 16384 recipients", id="nobody"),
        pytest.param({"recipients": ghosts(MAX_RECIPIENTS + 1)}, "not 16385", id="too many"),
        pytest.param({"recipients": ghosts(2)}, "twice", id="one twice"),
        pytest.param({"recipients": [public("bob"), rotating("bob")[1]]}, "twice", id="one under two numbers"),
        pytest.param({"recipients": [BOB.user_id]}, "PublicIdentity", id="a user id"),
        pytest.param({"recipients": [BOB]}, "PublicIdentity", id="an identity"),
        pytest.param({"recipients": [public("bob").encode()]}, "PublicIdentity", id="bytes"),
        pytest.param({"content_type": ""}, "content type", id="no content type"),
        pytest.param({"content_type": "a" * 256}, "255 bytes", id="content type of 256 bytes"),
        pytest.param({"content_type": "é" * 128}, "255 bytes", id="content type of 128 letters"),
        pytest.param({"content_type": "u\u0308"}, "normal form", id="content type not NFC"),
        pytest.param({"content_type": "\ud800"}, "surrogate", id="a lone surrogate"),
        pytest.param({"content_type": b"a"}, "text", id="content type of bytes"),
        pytest.param({"content_type": None}, "text", id="content type none"),
        pytest.param({"content_type": "siegel/"}, "belong to the protocol", id="reserved"),
        pytest.param({"content_type": "siegel/control"}, "belong to the protocol", id="reserved, longer"),
        pytest.param({"at": -1}, "milliseconds", id="before 1970"),
        pytest.param({"at": LATEST + 1}, "milliseconds", id="after 9999"),
        pytest.param({"at": 1.5}, "milliseconds", id="half an instant"),
        pytest.param({"workers": 0}, "number of processes", id="no workers"),
        pytest.param({"workers": -1}, "number of processes", id="fewer workers"),
        pytest.param({"workers": True}, "number of processes", id="true workers"),
        pytest.param({"workers": 1.5}, "number of processes", id="one and a half workers"),
        pytest.param({"body": "text"}, "bytes", id="text"),
        pytest.param({"body": 5}, "bytes", id="a number"),
        pytest.param({"body": [1, 2]}, "bytes", id="a list"),
        pytest.param({"body": None}, "bytes", id="nothing"),
    ],
)
def test_refused_arguments(options: dict[str, Any], what: str) -> None:
    arguments: dict[str, Any] = {"sender": ALICE, "recipients": [public("bob")], "at": AT} | options
    with pytest.raises(InvalidArgument, match=what):
        seal(arguments.pop("body", BODY), **arguments)


def test_16_mib_and_not_a_byte_more() -> None:
    largest = bytes(MAX_BODY_BYTES)
    envelope = to_bob(largest, content_type="a" * 255)
    assert opened(envelope).body == largest
    ((_, letter),) = letters(envelope)
    assert opened(letter).body == largest
    too_large = (largest + b"\0", bytearray(MAX_BODY_BYTES + 1), memoryview(array("Q", bytes(MAX_BODY_BYTES + 8))))
    for body in too_large:
        with pytest.raises(InvalidArgument, match="stream"):
            seal(body, sender=ALICE, recipients=[public("bob")], at=AT)  # type: ignore[arg-type, unused-ignore]  # any kind of bytes


def test_nothing_is_drawn_for_a_refused_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_randomness(_: int) -> bytes:
        raise AssertionError

    monkeypatch.setattr("os.urandom", no_randomness)
    with pytest.raises(InvalidArgument):
        to_bob(content_type="siegel/control")


def test_a_broken_generator_seals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.urandom", bytes)
    with pytest.raises(StateError, match="random generator"):
        to_bob()


# --- who may have sent it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "contacts",
    [
        pytest.param([ALICE.user_id], id="list of ids"),
        pytest.param((public("alice"),), id="tuple of records"),
        pytest.param({BOB.user_id, public("alice")}, id="mixed set"),
        pytest.param({ALICE.user_id: "Alice"}, id="keys of a mapping"),
        pytest.param(frozenset({public("alice", AT + 1)}), id="another record of hers"),
    ],
)
def test_known(contacts: Collection[PublicIdentity | UserId]) -> None:
    assert open_sealed(to_bob(), identity=BOB, contacts=contacts).sender == ALICE.user_id


@pytest.mark.parametrize(
    "contacts",
    [
        pytest.param([], id="nobody"),
        pytest.param([BOB.user_id], id="ourselves"),
        pytest.param({public("mallory")}, id="somebody else"),
        pytest.param(Contacts(), id="no contacts"),
    ],
)
def test_unknown(contacts: Contacts | Collection[PublicIdentity | UserId]) -> None:
    with pytest.raises(UnknownSender) as caught:
        open_sealed(to_bob(), identity=BOB, contacts=contacts)
    assert caught.value.sender == ALICE.user_id.data


def test_contacts_decide() -> None:
    contacts = Contacts(BOB.user_id)
    contacts.add(public("alice"), name="alice")
    assert open_sealed(to_bob(), identity=BOB, contacts=contacts).body == BODY
    with pytest.raises(IdentityChanged):
        contacts.add(public("mallory"), name="alice")
    with pytest.raises(IdentityChanged):
        open_sealed(to_bob(), identity=BOB, contacts=contacts)


def test_unsigned() -> None:
    envelope = seal(BODY, sender=None, recipients=company(3), at=AT)
    with pytest.raises(UnknownSender) as caught:
        opened(envelope)
    assert caught.value.sender is None
    read = opened(envelope, allow_anonymous=True)
    assert (read.body, read.sender, read.recipients, read.recipient_count) == (BODY, None, None, 3)
    assert opened(to_bob(), allow_anonymous=True).sender == ALICE.user_id, "allowing is not asking"


def test_a_message_of_the_protocol_is_not_for_applications() -> None:
    for content_type in ("siegel/", "siegel/control"):
        envelope = steps_of(message(content_type=content_type)).envelope
        with pytest.raises(NotPermitted, match="protocol itself"):
            opened(envelope)
    assert opened(steps_of(message(content_type="siegelx/")).envelope).content_type == "siegelx/"


def test_not_a_recipient() -> None:
    envelope = seal(BODY, sender=ALICE, recipients=company(2), at=AT)
    with pytest.raises(NotARecipient):
        opened(envelope, person("mallory"))
    for user_id, letter in letters(envelope):
        for index in (0, 1):
            if member(index).user_id != user_id:
                with pytest.raises(NotARecipient):
                    opened(letter, member(index))


# --- many at once ----------------------------------------------------------------------------------------------------


def test_open_many_keeps_the_order_and_stops_at_nothing() -> None:
    inputs = [
        to_bob(b"first"),
        b"",
        seal(BODY, sender=ALICE, recipients=company(1), at=AT),
        flip(to_bob(), -1),
        seal(BODY, sender=person("mallory"), recipients=[public("bob")], at=AT),
        seal(BODY, sender=None, recipients=[public("bob")], at=AT),
        seal(BODY, sender=ALICE, recipients=[rotating("bob")[1]], at=AT),
        next(letters(to_bob(b"last")))[1],
    ]
    results = open_many(iter(inputs), identity=BOB, contacts=KNOWN)
    codes = [result.code if isinstance(result, SiegelError) else result.body for result in results]
    assert codes == [
        b"first",
        "malformed",
        "not-a-recipient",
        "invalid-message",
        "unknown-sender",
        "unknown-sender",
        "expired",
        b"last",
    ]
    for result in results:
        if isinstance(result, SiegelError):
            assert result.__traceback__ is None, "an error in a list does not keep the frames of its making alive"
            assert result.__context__ is None


def test_open_many_takes_what_open_sealed_takes() -> None:
    envelope = seal(BODY, sender=None, recipients=[public("bob")], at=AT)
    (read,) = open_many([envelope], identity=rotating("bob")[0], contacts=Contacts(), allow_anonymous=True)
    assert isinstance(read, OpenedMessage)
    assert open_many([], identity=BOB, contacts=[]) == []
