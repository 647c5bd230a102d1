"""MSG-1 … MSG-8: one form, read by position; hashes by hand; one error for whatever does not open."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.instants import LATEST
from siegel._core.padding import FLOOR, pad, padme, unpad
from siegel._core.suite import verify
from siegel.errors import (
    InvalidArgument,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    PeerError,
    SiegelError,
    UnsupportedVersion,
)
from siegel.groups import message as messages
from siegel.groups.message import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    Content,
    GroupMessage,
    Parent,
    decode_content,
    encode_content,
    message_nonce,
    open_message,
    parse_message,
    verify_signature,
)
from tests.groups.chains import CERTIFICATE, HEAD, KEY, OTHER_KEY, content, data_of, leaf
from tests.people import AT

PREVIOUS = sha256(b"previous").digest()
SHORT = data_of(5, PREVIOUS, body=b"five")


FIELDS = ("chain_id", "number", "head", "previous", "nonce", "commitment", "ciphertext", "signature")


def fields(message: GroupMessage) -> list[object]:
    """What stands on the wire behind type and version."""
    return [getattr(message, name) for name in FIELDS]


# --- the form --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 23, 24, 255, 256, 65_535])
@pytest.mark.parametrize("size", [0, 1, 300, 2_000, MAX_BODY_BYTES])
def test_what_is_written_is_read(number: int, size: int) -> None:
    data = data_of(number, PREVIOUS, body=bytes(size))
    message = parse_message(data)
    items = cbor2.loads(data)
    assert items == [3, 1, CERTIFICATE.chain_id, number, HEAD, PREVIOUS, *fields(message)[4:]]
    assert cbor2.dumps(items, canonical=True) == data
    assert data.startswith(message.header)
    assert open_message(message, leaf(number)) == content(bytes(size))
    assert len(data) <= MAX_MESSAGE_BYTES


def test_the_hashes_by_hand() -> None:
    message, key = parse_message(SHORT), leaf(5).reveal()
    padded = pad(encode_content(content(b"five")))
    assert message.link == sha256(b"siegel/1 link\0" + SHORT[:-66]).digest()
    assert message.commitment == sha256(b"siegel/1 leaf commitment\0" + key).digest()
    nonce = sha256(b"siegel/1 message nonce\0" + key + bytes(16) + HEAD + PREVIOUS + padded).digest()[:12]
    assert message.nonce == nonce
    assert message.ciphertext == AESGCM(key).encrypt(nonce, padded, SHORT[: -66 - 2 - len(message.ciphertext)])
    verify(KEY.public, b"siegel/1 group signature\0" + message.link, message.signature)


def test_the_link_does_not_cover_the_signature() -> None:
    assert parse_message(SHORT[:-64] + bytes(64)).link == parse_message(SHORT).link


def test_another_text_gets_another_nonce_even_if_the_generator_repeats() -> None:
    usual = {"hedge": bytes(16), "head": HEAD, "previous": PREVIOUS, "padded": b"text"}
    others = [{**usual, name: value[::-1] + b"x"} for name, value in usual.items()]
    nonces = {message_nonce(leaf(0), **arguments) for arguments in [usual, *others]}
    nonces.add(message_nonce(leaf(1), **usual))
    assert len(nonces) == 6


def test_a_text_is_not_shown() -> None:
    assert "five" not in repr(content(b"five"))


# --- the reader against the decoder ----------------------------------------------------------------------------------


def judged(data: bytes) -> bool:
    """Whether the strict decoder and a table of types and lengths accept the bytes."""
    try:
        items = decode(data)
    except MalformedError:
        return False
    if type(items) is not list or len(items) != 10 or items[:2] != [3, 1] or type(items[1]) is not int:
        return False
    lengths = (16, None, 32, 32, 12, 32, None, 64)
    for item, length in zip(items[2:], lengths, strict=True):
        if type(item) is not (int if item is items[3] else bytes):
            return False
        if length is not None and (type(item) is not bytes or len(item) != length):
            return False
    number, size = items[3], len(items[8]) - 16  # type: ignore[arg-type]  # bytes, as was just checked
    return type(number) is int and number < 65_536 and FLOOR <= size == padme(size) <= MAX_MESSAGE_BYTES - 300


def variants(data: bytes) -> Iterator[bytes]:
    """Each byte outside the long opaque fields changed in several ways, doubled and dropped."""
    places = (
        [*range(30), *range(50, len(data), 1)] if len(data) < 500 else [*range(160), *range(len(data) - 70, len(data))]
    )
    for place in places:
        for byte in {data[place] ^ 1 << bit for bit in range(8)} | {0x00, 0x17, 0x18, 0x19, 0xF5, 0xF6}:
            yield data[:place] + bytes((byte,)) + data[place + 1 :]
        yield data[:place] + data[place : place + 1] + data[place:]
        yield data[:place] + data[place + 1 :]
    yield from (data[:end] for end in range(0, len(data), 7))
    yield data + b"\0"


@pytest.mark.parametrize("number", [5, 24, 255, 256, 65_535])
@pytest.mark.parametrize("size", [0, 300])
def test_the_reader_accepts_what_the_decoder_accepts(number: int, size: int) -> None:
    for data in variants(data_of(number, PREVIOUS, body=bytes(size))):
        try:
            message = parse_message(data)
        except PeerError:
            assert not judged(data), data.hex()
        else:
            assert judged(data), data.hex()
            assert [3, 1, *fields(message)] == decode(data)


@given(st.binary(max_size=400))
def test_arbitrary_bytes(data: bytes) -> None:
    for attempt in (data, SHORT[:4] + data, SHORT[: len(data)] + data):
        with pytest.raises((MalformedError, UnsupportedVersion)):
            parse_message(attempt)


def rebuilt(**changes: object) -> bytes:
    """The short message with other fields, by an encoder that is not ours."""
    names = ("type", "version", "chain", "number", "head", "previous", "nonce", "commitment", "ciphertext", "signature")
    fields = dict(zip(names, cbor2.loads(SHORT), strict=True)) | changes
    return cbor2.dumps([*fields.values()], canonical=True)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"type": 2}, "group message"),
        ({"chain": bytes(15)}, "chain id"),
        ({"chain": "x" * 16}, "chain id"),
        ({"number": 65_536}, "index"),
        ({"number": b"\5"}, "index"),
        ({"number": True}, "index"),
        ({"head": bytes(31)}, "roster head"),
        ({"previous": bytes(33)}, "previous link"),
        ({"nonce": bytes(11)}, "nonce"),
        ({"commitment": b""}, "commitment"),
        ({"ciphertext": bytes(79)}, "ciphertext"),
        ({"ciphertext": bytes(16 + 137)}, "ciphertext"),
        ({"ciphertext": b""}, "ciphertext"),
        ({"signature": bytes(63)}, "signature"),
        ({"signature": bytes(65)}, "signature"),
        ({"more": 1}, "group message"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, object], where: str) -> None:
    with pytest.raises(MalformedError, match=where):
        parse_message(rebuilt(**changes))


def test_sizes_and_versions() -> None:
    with pytest.raises(LimitExceeded):
        parse_message(bytes(MAX_MESSAGE_BYTES + 1))
    with pytest.raises(UnsupportedVersion):
        parse_message(rebuilt(version=2))
    with pytest.raises(MalformedError, match="ciphertext"):
        parse_message(rebuilt(ciphertext=bytes(padme(messages._MAX_PADDED_BYTES) - 2048 + 16 + 1)))
    with pytest.raises(InvalidArgument):
        parse_message(bytearray(SHORT))  # type: ignore[arg-type]  # what a caller without a type checker may do


# --- opening ---------------------------------------------------------------------------------------------------------


def verdict(message: GroupMessage, number: int = 5) -> tuple[type[SiegelError], tuple[object, ...], object, object]:
    with pytest.raises(SiegelError) as caught:
        open_message(message, leaf(number))
    error = caught.value
    return type(error), error.args, error.__cause__, error.__context__


def sealed_by_hand(text: bytes) -> GroupMessage:
    """A message whose plaintext is not what a writer would write."""
    message = parse_message(SHORT)
    return with_ciphertext(message, AESGCM(leaf(5).reveal()).encrypt(message.nonce, text, message.header))


def with_ciphertext(message: GroupMessage, ciphertext: bytes) -> GroupMessage:
    """The message with another ciphertext, of whatever size."""
    signed = message.header + encode(ciphertext)
    return message._replace(data=signed + message.data[-66:], text_at=len(signed) - len(ciphertext))


def test_one_error_whatever_fails() -> None:
    message = parse_message(SHORT)
    inner = encode_content(content(b"five"))
    faults = [
        message._replace(commitment=bytes(32)),
        message._replace(nonce=bytes(12)),
        message._replace(header_bytes=message.header_bytes - 1),
        with_ciphertext(message, bytes(len(message.ciphertext))),
        sealed_by_hand(inner),
        sealed_by_hand(pad(inner)[:-1] + b"\1"),
        sealed_by_hand(pad(inner[:-1])),
        sealed_by_hand(pad(b"")),
        sealed_by_hand(pad(b"\x84")),
        sealed_by_hand(pad(encode(["", AT, [], b""]))),
        sealed_by_hand(pad(encode(["x" * 256, AT, [], b""]))),
        sealed_by_hand(pad(encode(["x", LATEST + 1, [], b""]))),
        sealed_by_hand(pad(encode(["x", AT, [], bytes(MAX_BODY_BYTES + 1)]))),
        sealed_by_hand(pad(encode(["x", AT, [[bytes(16), 65_536, bytes(32)]], b""]))),
        sealed_by_hand(pad(encode(["x", AT, [[bytes((n,)) * 16, 0, bytes(32)] for n in range(4)], b""]))),
        sealed_by_hand(pad(encode(["x", AT, [[bytes((n,)) * 16, 0, bytes(32)] for n in (1, 1)], b""]))),
        sealed_by_hand(pad(encode(["x", AT, [[bytes((n,)) * 16, 0, bytes(32)] for n in (2, 1)], b""]))),
    ]
    assert open_message(sealed_by_hand(pad(inner)), leaf(5)) == content(b"five")
    wanted = (InvalidMessage, ("the message is not authentic",), None, None)
    assert {verdict(fault) for fault in faults} == {wanted}
    assert verdict(message, number=6) == wanted


def test_the_commitment_comes_before_decryption(monkeypatch: pytest.MonkeyPatch) -> None:
    decryptions: list[object] = []
    monkeypatch.setattr(messages, "decrypt_with_nonce", lambda *a, **k: decryptions.append((a, k)))
    verdict(parse_message(SHORT)._replace(commitment=bytes(32)))
    assert decryptions == []


@pytest.mark.parametrize("field", FIELDS[:-1])
def test_every_field_is_signed(field: str) -> None:
    """Attack GR-6: what was signed for one place says nothing at another."""
    message = parse_message(SHORT)
    value = getattr(message, field)
    changed = value + 1 if isinstance(value, int) else value[:-1] + bytes((value[-1] ^ 1,))
    items = decode(SHORT)
    assert isinstance(items, list)
    items[2 + FIELDS.index(field)] = changed
    other = parse_message(encode([shape.GROUP_MESSAGE, 1, *items[2:]]))
    assert getattr(other, field) == changed
    assert other.signature == message.signature
    verify_signature(message, KEY.public)
    for unproven, key in ((other, KEY), (message, OTHER_KEY)):
        with pytest.raises(InvalidMessage):
            verify_signature(unproven, key.public)


# --- the content -----------------------------------------------------------------------------------------------------

PARENTS = st.lists(
    st.builds(Parent, st.binary(min_size=16, max_size=16), st.integers(0, 65_535), st.binary(min_size=32, max_size=32)),
    max_size=3,
    unique_by=lambda parent: parent.chain_id,
).map(lambda parents: tuple(sorted(parents)))
CONTENTS = st.builds(
    Content,
    st.one_of(
        st.sampled_from(["text/plain", "x", "application/octet-stream", "\u00e9" * 127, "x" * 23, "x" * 24]),
        st.text("abc/\u00e9", min_size=1, max_size=40),
    ),
    st.one_of(st.integers(0, LATEST), st.sampled_from([0, 23, 24, 2**32 - 1, 2**32, LATEST])),
    PARENTS,
    st.binary(max_size=300),
)


@given(CONTENTS)
def test_content_has_one_encoding(said: Content) -> None:
    text = encode_content(said)
    parents = [list(parent) for parent in said.parents]
    assert text == cbor2.dumps([said.content_type, said.sent_at, parents, said.body], canonical=True)
    assert decode_content(text) == said
    assert messages._usual_content(pad(text)) in {None, said}


def test_the_usual_content_is_read_by_position() -> None:
    assert messages._usual_content(pad(encode_content(content(b"usual")))) == content(b"usual")
    assert messages._usual_content(pad(encode_content(content(b"usual", sent_at=5)))) is None


@given(CONTENTS, st.data())
def test_reading_by_position_is_never_more_lenient(said: Content, data: st.DataObject) -> None:
    text = bytearray(pad(encode_content(said._replace(parents=data.draw(st.sampled_from([(), said.parents]))))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.one_of(st.integers(0, min(len(text) - 1, 60)), st.integers(0, len(text) - 1)))
        text[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del text[data.draw(st.integers(0, len(text) - 1)) :]
    quick = messages._usual_content(bytes(text))
    if quick is not None:
        assert quick == decode_content(unpad(bytes(text)))


@given(st.binary(max_size=300), st.data())
def test_reading_by_position_looks_at_every_byte_of_the_padding(body: bytes, data: st.DataObject) -> None:
    text = encode_content(content(body))
    padded = bytearray(pad(text))
    if len(padded) > 4 + len(text):
        padded[data.draw(st.integers(4 + len(text), len(padded) - 1))] = data.draw(st.integers(1, 255))
        assert messages._usual_content(bytes(padded)) is None
    longer = pad(text) + bytes(data.draw(st.integers(1, 64)))
    assert messages._usual_content(longer) is None


def test_parents_that_are_not_an_array_are_not_read_by_position() -> None:
    text = encode_content(content())
    assert messages._usual_content(pad(text)) is not None
    at = text.index(b"\x1b") + 9
    assert text[at] == 0x80
    assert messages._usual_content(pad(text[:at] + b"\x40" + text[at + 1 :])) is None


@pytest.mark.parametrize("head", range(24, 256))
def test_no_other_byte_begins_an_index(head: int) -> None:
    data = data_of(0)
    assert data[20] == 0
    with pytest.raises(MalformedError):
        parse_message(data[:20] + bytes((head,)) + data[21:])


def test_a_type_that_is_not_in_normal_form() -> None:
    text = encode_content(content()).replace(b"\x6atext/plain", b"\x6atext/pe\xcc\x81n")
    assert len(text) == len(encode_content(content()))
    with pytest.raises(MalformedError, match="normal form"):
        decode_content(text)


@pytest.mark.parametrize(
    "said",
    [
        Content("", AT, (), b""),
        Content("x" * 256, AT, (), b""),
        Content("e\u0301", AT, (), b""),
        Content("x", -1, (), b""),
        Content("x", LATEST + 1, (), b""),
        Content("x", AT, (Parent(bytes(16), 65_536, bytes(32)),), b""),
        Content("x", AT, (Parent(bytes(15), 0, bytes(32)),), b""),
        Content("x", AT, (Parent(bytes(16), 0, bytes(31)),), b""),
        Content("x", AT, (), bytes(MAX_BODY_BYTES + 1)),
        Content("x", AT, tuple(Parent(bytes((n,)) * 16, 0, bytes(32)) for n in range(4)), b""),
        Content("x", AT, tuple(Parent(bytes((n,)) * 16, 0, bytes(32)) for n in (2, 1)), b""),
        Content("x", AT, (), bytearray(b"x")),  # type: ignore[arg-type]  # what a caller without a type checker may do
    ],
)
def test_what_cannot_be_said(said: Content) -> None:
    with pytest.raises(InvalidArgument):
        encode_content(said)
