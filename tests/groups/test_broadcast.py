"""EPO-7 … EPO-9: broadcasts. One form; a key for each; the sender is who signed, under this key and at this head."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from siegel import Identity
from siegel._core.codec import Value, encode
from siegel._core.instants import LATEST
from siegel._core.labels import Label, labelled
from siegel._core.padding import pad, padme, unpad
from siegel._core.secret import Secret
from siegel._core.suite import sign
from siegel.errors import (
    InvalidArgument,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    SiegelError,
    UnsupportedVersion,
)
from siegel.groups import broadcast
from siegel.groups.broadcast import (
    MAX_BROADCAST_BYTES,
    MAX_CONTROL_BYTES,
    Announced,
    open_broadcast,
    parse_broadcast,
    write_broadcast,
)
from siegel.identity import hedge_secret, signing_key
from tests.groups.chains import GROUP, HEAD
from tests.people import AT, person, verdict

ALICE, BOB = person("alice"), person("bob")
KEY, OTHER_KEY = Secret(sha256(b"epoch key").digest()), Secret(sha256(b"another epoch key").digest())
OTHER = sha256(b"another head, or group").digest()
HEDGE = bytes(range(32))
CONTROL = b"what is said"


def written(
    control: bytes = CONTROL,
    *,
    identity: Identity = ALICE,
    group_id: bytes = GROUP,
    head: bytes = HEAD,
    key: Secret = KEY,
    at: int = AT,
    hedge: bytes = HEDGE,
) -> bytes:
    return write_broadcast(control, identity=identity, group_id=group_id, head=head, key=key, at=at, hedge=hedge)


def opened(data: bytes, key: Secret = KEY, group_id: bytes = GROUP) -> Announced:
    return open_broadcast(parse_broadcast(data), key, group_id=group_id)


DATA = written()
PARSED = parse_broadcast(DATA)


def keys_of(nonce: bytes, key: Secret = KEY, group_id: bytes = GROUP, head: bytes = HEAD) -> tuple[bytes, bytes]:
    """Commitment and key of one broadcast, by hand: HKDF (RFC 5869)."""
    extracted = hmac.digest(nonce, key.reveal(), "sha256")
    info = b"siegel/1 broadcast keys\0" + cbor2.dumps([group_id, head])
    first = hmac.digest(extracted, info + b"\1", "sha256")
    return first, hmac.digest(extracted, first + info + b"\2", "sha256")


# --- the form --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 300, 70_000, MAX_CONTROL_BYTES])
def test_what_is_written_is_read(size: int) -> None:
    data = written(bytes(size))
    items = cbor2.loads(data)
    parsed = parse_broadcast(data)
    assert items == [12, 1, HEAD, parsed.nonce, parsed.commitment, parsed.ciphertext]
    assert cbor2.dumps(items, canonical=True) == data
    assert data.startswith(parsed.header)
    assert data[len(parsed.header) :] == cbor2.dumps(parsed.ciphertext)
    assert opened(data) == (ALICE.user_id, AT, bytes(size))
    assert (len(data) == MAX_BROADCAST_BYTES) is (size == MAX_CONTROL_BYTES)


def test_the_hashes_by_hand() -> None:
    """EPO-7 … EPO-9."""
    secret = hedge_secret(ALICE).reveal()
    hashed = cbor2.dumps([KEY.reveal(), secret, HEDGE, AT, CONTROL], canonical=True)
    assert PARSED.nonce == sha256(b"siegel/1 broadcast nonce\0" + hashed).digest()
    commitment, key = keys_of(PARSED.nonce)
    assert PARSED.commitment == commitment
    header = b"\x86\x0c\x01" + cbor2.dumps(HEAD) + cbor2.dumps(PARSED.nonce) + cbor2.dumps(commitment)
    padded = AESGCM(key).decrypt(bytes(12), PARSED.ciphertext, header)
    sender, at, control, signature = cbor2.loads(unpad(padded))
    assert (sender, at, control) == (ALICE.user_id.data, AT, CONTROL)
    items = cbor2.dumps([GROUP, HEAD, commitment, sender, AT, CONTROL], canonical=True)
    assert signature == sign(signing_key(ALICE), b"siegel/1 broadcast signature\0" + items)


def test_the_length_is_hidden() -> None:
    sizes = {len(written(bytes(size))) for size in range(300, 330)}
    assert len(sizes) <= 3


def test_a_broadcast_shows_nothing_of_itself() -> None:
    assert "what is said" not in repr(opened(DATA))
    assert ALICE.user_id.data not in DATA
    assert GROUP not in DATA
    assert CONTROL not in DATA


# --- what is written -------------------------------------------------------------------------------------------------


def test_another_text_gets_another_key_even_if_the_generator_repeats() -> None:
    """EPO-9."""
    others = [
        written(b"what is sais"),
        written(identity=BOB),
        written(key=OTHER_KEY),
        written(at=AT + 1),
        written(hedge=HEDGE[::-1]),
    ]
    broadcasts = [PARSED, *map(parse_broadcast, others)]
    assert len({one.nonce for one in broadcasts}) == 6
    elsewhere = [parse_broadcast(data) for data in (written(group_id=OTHER), written(head=OTHER))]
    assert len({one.commitment for one in (*broadcasts, *elsewhere)}) == 8


def test_the_same_at_the_same_place_is_the_same() -> None:
    assert written() == DATA


@pytest.mark.parametrize("hedge", [b"", HEDGE[:31], HEDGE + b"\0"])
def test_thirty_two_random_bytes(hedge: bytes) -> None:
    with pytest.raises(InvalidArgument):
        written(hedge=hedge)


def test_the_limit_of_what_is_said() -> None:
    with pytest.raises(InvalidArgument):
        written(bytes(MAX_CONTROL_BYTES + 1))


# --- what is not parsed ----------------------------------------------------------------------------------------------


def with_item(place: int, value: Value, *, count: int = 6) -> bytes:
    items: list[Value] = [12, 1, HEAD, PARSED.nonce, PARSED.commitment, PARSED.ciphertext]
    items[place] = value
    return encode(items[:count])


@pytest.mark.parametrize(
    ("data", "kind", "where"),
    [
        (with_item(0, 11), MalformedError, "type number"),
        (with_item(0, None), MalformedError, "type"),
        (with_item(1, 2), UnsupportedVersion, "version 2"),
        (with_item(0, 12, count=5), MalformedError, "array of 6"),
        (with_item(2, HEAD[1:]), MalformedError, "roster head"),
        (with_item(2, None), MalformedError, "roster head"),
        (with_item(3, HEDGE + b"\0"), MalformedError, "nonce"),
        (with_item(4, HEDGE[1:]), MalformedError, "commitment"),
        (with_item(5, b""), MalformedError, "size"),
        (with_item(5, bytes(79)), MalformedError, "size"),
        (with_item(5, bytes(16 + 65)), MalformedError, "size"),
        (with_item(5, "text"), MalformedError, "ciphertext"),
        (DATA + b"\0", MalformedError, "after the end"),
        (DATA[:-1], MalformedError, "exceeds"),
        (b"", MalformedError, "too early"),
        (bytes(MAX_BROADCAST_BYTES + 1), LimitExceeded, "larger"),
    ],
)
def test_what_is_refused(data: bytes, kind: type[SiegelError], where: str) -> None:
    with pytest.raises(kind, match=where):
        parse_broadcast(data)


# --- what does not open ----------------------------------------------------------------------------------------------


def sealed(text: bytes, *, nonce: bytes = PARSED.nonce, head: bytes = HEAD, raw: bool = False) -> bytes:
    """Any text behind a correct key and commitment; ``raw`` is padded already."""
    commitment, key = keys_of(nonce, head=head)
    header: list[Value] = [12, 1, head, nonce, commitment]
    aad = b"\x86" + encode(header)[1:]
    return aad + encode(AESGCM(key).encrypt(bytes(12), text if raw else pad(text), aad))


def said(*items: Value) -> bytes:
    return sealed(encode(list(items)))


def signed(
    identity: Identity = ALICE,
    label: Label = Label.BROADCAST_SIGNATURE,
    **changed: Value,
) -> bytes:
    """The signature of a broadcast, over whatever items."""
    usual: dict[str, Value] = {
        "group": GROUP,
        "head": HEAD,
        "commitment": PARSED.commitment,
        "sender": ALICE.user_id.data,
        "at": AT,
        "control": CONTROL,
    }
    return sign(signing_key(identity), labelled(label, *(usual | changed).values()))


A = ALICE.user_id.data
SMALL = b"\1" + bytes(31)


def test_the_hand_made_is_as_the_library_makes_it() -> None:
    assert said(A, AT, CONTROL, signed()) == DATA


def damaged(place: int) -> bytes:
    return DATA[:place] + bytes([DATA[place] ^ 1]) + DATA[place + 1 :]


WRONG: dict[str, Callable[[], bytes]] = {
    "a bit of the head": lambda: damaged(10),
    "a bit of the nonce": lambda: damaged(40),
    "a bit of the commitment": lambda: damaged(75),
    "a bit of the text": lambda: damaged(120),
    "a bit of the tag": lambda: damaged(len(DATA) - 1),
    "the nonce of another broadcast": lambda: DATA.replace(PARSED.nonce, parse_broadcast(written(b"another")).nonce),
    "another group": lambda: written(group_id=OTHER),
    "another epoch key": lambda: written(key=OTHER_KEY),
    "another head": lambda: DATA.replace(HEAD, OTHER),
    "no array": lambda: sealed(CONTROL),
    "three items": lambda: said(A, AT, CONTROL),
    "five items": lambda: said(A, AT, CONTROL, signed(), None),
    "an instant that is no number": lambda: said(A, bool(AT), CONTROL, signed()),
    "an instant after the last": lambda: said(A, LATEST + 1, CONTROL, signed(at=LATEST + 1)),
    "text instead of bytes": lambda: said(A, AT, "text", signed(control="text")),
    "a short sender": lambda: said(A[1:], AT, CONTROL, signed(sender=A[1:])),
    "a sender of small order": lambda: said(SMALL, AT, CONTROL, SMALL + bytes(32)),
    "a short signature": lambda: said(A, AT, CONTROL, signed()[1:]),
    "a signature of zeros": lambda: said(A, AT, CONTROL, bytes(64)),
    "something behind the text": lambda: sealed(encode([A, AT, CONTROL, signed()]) + b"\0"),
    "padding that is not zero": lambda: sealed(pad(encode([A, AT, CONTROL, signed()]))[:-1] + b"\1", raw=True),
    "a length of zero": lambda: sealed(bytes(padme(200)), raw=True),
    "signed by somebody else": lambda: said(A, AT, CONTROL, signed(BOB)),
    "somebody else's signature": lambda: said(BOB.user_id.data, AT, CONTROL, signed()),
    "signed at another time": lambda: said(A, AT + 1, CONTROL, signed()),
    "another text signed": lambda: said(A, AT, b"else", signed()),
    "signed for another group": lambda: said(A, AT, CONTROL, signed(group=OTHER)),
    "signed at another head": lambda: said(A, AT, CONTROL, signed(head=OTHER)),
    "signed under another key": lambda: said(A, AT, CONTROL, signed(commitment=keys_of(PARSED.nonce, OTHER_KEY)[0])),
    "signed as something else": lambda: said(A, AT, CONTROL, signed(label=Label.MESSAGE_SIGNATURE)),
}


@pytest.mark.parametrize("fault", WRONG)
def test_whatever_is_wrong_is_the_same(fault: str) -> None:
    """EPO-8."""
    data = WRONG[fault]()
    assert data != DATA
    with pytest.raises(InvalidMessage) as caught:
        opened(data)
    assert verdict(caught.value) == verdict(InvalidMessage())
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_commitment_comes_before_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """EPO-7: one ciphertext may open under two keys, so a key is not tried that does not fit."""
    tried: list[Secret] = []

    def decrypt(key: Secret, _ciphertext: bytes, *, aad: bytes) -> bytes:
        tried.append(key)
        return aad

    monkeypatch.setattr(broadcast, "decrypt_once", decrypt)
    for key in (OTHER_KEY, KEY):
        with pytest.raises(InvalidMessage):
            opened(DATA, key)
    assert [key.reveal() for key in tried] == [keys_of(PARSED.nonce)[1]]


# --- laws ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=400), st.integers(0, LATEST), st.binary(min_size=32, max_size=32))
def test_a_broadcast_comes_back(control: bytes, at: int, hedge: bytes) -> None:
    assert opened(written(control, at=at, hedge=hedge)) == (ALICE.user_id, at, control)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, flip: int) -> None:
    data = DATA[:place] + bytes([DATA[place] ^ flip]) + DATA[place + 1 :]
    with pytest.raises((MalformedError, UnsupportedVersion, InvalidMessage)):
        opened(data)
