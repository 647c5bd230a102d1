"""SEAL-7, SEAL-8, SEAL-11 … SEAL-14, SEAL-18, SEAL-19: the outside of a sealed message, what anybody can check."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest

from siegel import UserId, letters, seal
from siegel.envelope import (
    _MAX_SEALED_BYTES,
    LISTED_RECIPIENTS,
    MAX_RECIPIENTS,
    Envelope,
    Letter,
    encode_entry,
    encode_envelope,
    lists_audience,
    message_id,
    parse_envelope,
    parse_sealed,
)
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError, NotARecipient, UnsupportedVersion
from tests.messages import flip, letters_of, message, steps_of
from tests.people import AT, company, person, secret_of
from tests.vectors.reference import cbor, merkle, sealed, texts

THREE = message(company(3))
STEPS = steps_of(THREE)
NONCE = THREE.nonce
IDS = [recipient.user_id for recipient in STEPS.recipients]
ROOT = cbor.octets(STEPS.root)
COMMITMENT = cbor.octets(STEPS.commitment)


def envelope(
    *,
    header: bytes = STEPS.header,
    nonce: bytes = NONCE,
    entries: Sequence[bytes] = STEPS.entries,
    body: bytes = STEPS.body,
) -> bytes:
    return sealed.envelope(header, nonce, entries, body)


def letter(
    *, header: bytes = STEPS.header, entry: bytes = STEPS.entries[1], proof: bytes = b"", body: bytes = STEPS.body
) -> bytes:
    return sealed.letter(header, entry, proof or sealed.listing_proof(NONCE, IDS), body)


# --- envelopes -------------------------------------------------------------------------------------------------------


def test_an_envelope() -> None:
    whole = parse_envelope(STEPS.envelope)
    assert envelope() == STEPS.envelope
    entries = [encode_entry(*entry) for entry in whole.entries]
    assert encode_envelope(whole.header, whole.nonce, entries, whole.body) == STEPS.envelope
    assert whole.header.encoded == STEPS.header
    assert (whole.header.private, whole.header.recipient_count) == (False, 3)
    assert (whole.header.root, whole.header.commitment) == (STEPS.root, STEPS.commitment)
    assert whole.nonce == NONCE
    assert whole.body == STEPS.body
    assert [entry.user_id for entry in whole.entries] == IDS
    assert whole.audience == tuple(IDS)
    assert isinstance(parse_sealed(STEPS.envelope), Envelope)


def test_the_entry_of_a_user() -> None:
    whole = parse_envelope(STEPS.envelope)
    for user_id in IDS:
        assert whole.entry_for(user_id).user_id == user_id
    with pytest.raises(NotARecipient):
        whole.entry_for(person("mallory").user_id.data)


def test_a_private_envelope_names_nobody_to_its_recipients() -> None:
    assert parse_envelope(steps_of(message(company(3), private=True)).envelope).audience is None


def test_the_message_id() -> None:
    whole = parse_envelope(STEPS.envelope)
    expected = hashlib.sha256(b"siegel/1 message id\0\x82" + STEPS.header + cbor.octets(STEPS.body)).digest()
    assert message_id(whole.header, whole.body) == expected


ENTRY = [cbor.octets(IDS[0]), cbor.uint(0), cbor.octets(bytes(1168))]
GHOST = cbor.array(cbor.octets(person("mallory").user_id.data), *ENTRY[1:])
ITEMS = [
    cbor.uint(2),
    cbor.uint(1),
    STEPS.header,
    cbor.octets(NONCE),
    cbor.array(*STEPS.entries),
    cbor.octets(STEPS.body),
]
FIRST, SECOND, THIRD = STEPS.entries


def header(mode: bytes = b"\0", count: bytes = b"\3", root: bytes = ROOT, commitment: bytes = COMMITMENT) -> bytes:
    return cbor.array(mode, count, root, commitment)


BAD_ENVELOPES = {
    "nothing": (b"", "byte 0"),
    "null": (cbor.NULL, "sealed message"),
    "no items": (cbor.array(), "sealed message"),
    "text for a type": (cbor.array(cbor.text("2"), *ITEMS[1:]), "sealed message type"),
    "another kind": (cbor.array(cbor.uint(3), *ITEMS[1:]), "sealed message"),
    "five items": (cbor.array(*ITEMS[:5]), "envelope"),
    "seven items": (cbor.array(*ITEMS, cbor.NULL), "envelope"),
    "header null": (envelope(header=cbor.NULL), "header"),
    "header of three items": (envelope(header=cbor.array(b"\0", b"\3", ROOT)), "header"),
    "header of five items": (envelope(header=cbor.array(b"\0", b"\3", ROOT, COMMITMENT, ROOT)), "header"),
    "mode 2": (envelope(header=header(mode=b"\2")), "header mode"),
    "mode false": (envelope(header=header(mode=cbor.FALSE)), "header mode"),
    "no recipients": (envelope(header=header(count=b"\0"), entries=[]), "header recipient count"),
    "count null": (envelope(header=header(count=cbor.NULL)), "header recipient count"),
    "count one more": (envelope(header=header(count=b"\4")), "envelope entries"),
    "count one less": (envelope(header=header(count=b"\2")), "envelope entries"),
    "short root": (envelope(header=header(root=cbor.octets(bytes(31)))), "header root"),
    "long root": (envelope(header=header(root=cbor.octets(bytes(33)))), "header root"),
    "short commitment": (envelope(header=header(commitment=cbor.octets(bytes(31)))), "header commitment"),
    "another root": (envelope(header=header(root=cbor.octets(flip(STEPS.root, 0)))), "envelope entries"),
    "short nonce": (envelope(nonce=bytes(31)), "envelope nonce"),
    "another nonce": (envelope(nonce=secret_of("another nonce")), "envelope entries"),
    "entries null": (cbor.array(*ITEMS[:4], cbor.NULL, ITEMS[5]), "envelope entries"),
    "no entries": (envelope(entries=[]), "envelope entries"),
    "an entry added": (envelope(entries=[*STEPS.entries, GHOST]), "envelope entries"),
    "an entry added and counted": (
        envelope(header=header(count=b"\4"), entries=[*STEPS.entries, GHOST]),
        "envelope entries",
    ),
    "an entry removed": (envelope(entries=[FIRST, SECOND]), "envelope entries"),
    "an entry removed and counted": (envelope(header=header(count=b"\2"), entries=[FIRST, SECOND]), "envelope entries"),
    "an entry replaced": (envelope(entries=[FIRST, SECOND, GHOST]), "envelope entries"),
    "an entry twice": (envelope(entries=[FIRST, SECOND, SECOND]), "envelope entries"),
    "entries swapped": (envelope(entries=[SECOND, FIRST, THIRD]), "envelope entries"),
    "entries backwards": (envelope(entries=STEPS.entries[::-1]), "envelope entries"),
    "entry null": (envelope(entries=[cbor.NULL, SECOND, THIRD]), "entry"),
    "entry of two items": (envelope(entries=[cbor.array(*ENTRY[:2]), SECOND, THIRD]), "entry"),
    "entry of four items": (envelope(entries=[cbor.array(*ENTRY, cbor.NULL), SECOND, THIRD]), "entry"),
    "short user id": (envelope(entries=[cbor.array(cbor.octets(bytes(31)), *ENTRY[1:])] * 3), "entry user id"),
    "number null": (envelope(entries=[cbor.array(ENTRY[0], cbor.NULL, ENTRY[2])] * 3), "entry sealing number"),
    "short secret": (envelope(entries=[cbor.array(*ENTRY[:2], cbor.octets(bytes(1167)))] * 3), "entry sealed secret"),
    "long secret": (envelope(entries=[cbor.array(*ENTRY[:2], cbor.octets(bytes(1169)))] * 3), "entry sealed secret"),
    "body null": (cbor.array(*ITEMS[:5], cbor.NULL), "body"),
    "empty body": (envelope(body=b""), "body"),
    "body of a tag": (envelope(body=bytes(16)), "body"),
    "body below the floor": (envelope(body=bytes(63 + 16)), "body"),
    "body of no padded size": (envelope(body=bytes(65 + 16)), "body"),
    "bytes after the end": (STEPS.envelope + b"\0", f"byte {len(STEPS.envelope)}"),
}


@pytest.mark.parametrize("name", BAD_ENVELOPES)
def test_refused_envelopes(name: str) -> None:
    data, where = BAD_ENVELOPES[name]
    for parse in (parse_sealed, parse_envelope, letters):
        with pytest.raises(MalformedError) as caught:
            parse(data)
        assert caught.value.where == where


@pytest.mark.parametrize("version", [0, 2, 2**64 - 1])
@pytest.mark.parametrize("kind", [2, 6])
def test_another_version(kind: int, version: int) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        parse_sealed(cbor.array(cbor.uint(kind), cbor.uint(version), *ITEMS[2:]))
    assert caught.value.version == version


# --- limits ----------------------------------------------------------------------------------------------------------


def test_too_many_recipients() -> None:
    assert MAX_RECIPIENTS == 16_384
    for count in (MAX_RECIPIENTS + 1, 2**64 - 1):
        with pytest.raises(LimitExceeded) as caught:
            parse_sealed(envelope(header=header(count=cbor.uint(count))))
        assert caught.value.where == "header recipient count"
    with pytest.raises(MalformedError, match="16384 items"):
        parse_sealed(envelope(header=header(count=cbor.uint(MAX_RECIPIENTS))))


def test_a_body_over_the_limit() -> None:
    largest = texts.padme(16 * 2**20 + 1024)
    parse_sealed(envelope(body=bytes(largest + 16)))
    with pytest.raises(LimitExceeded, match="streams") as caught:
        parse_sealed(envelope(body=bytes(texts.padme(largest + 1) + 16)))
    assert caught.value.where == "body"


def test_what_is_far_too_large_is_not_even_read() -> None:
    huge = bytes(48 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded) as caught:
            parse_sealed(huge)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.where == "sealed message"
    assert peak < 100_000


def test_the_largest_message_is_not_refused_for_its_size() -> None:
    entry = cbor.array(cbor.octets(IDS[0]), cbor.uint(2**64 - 1), cbor.octets(bytes(1168)))
    largest = envelope(
        header=header(count=cbor.uint(MAX_RECIPIENTS)),
        entries=[entry] * MAX_RECIPIENTS,
        body=bytes(texts.padme(16 * 2**20 + 1024) + 16),
    )
    with pytest.raises(MalformedError, match="order of their leaves"):
        parse_sealed(largest)


def test_one_byte_over_the_limit() -> None:
    with pytest.raises(MalformedError):
        parse_sealed(bytes(_MAX_SEALED_BYTES))
    with pytest.raises(LimitExceeded):
        parse_sealed(bytes(_MAX_SEALED_BYTES + 1))


@pytest.mark.parametrize("data", [bytearray(STEPS.envelope), memoryview(STEPS.envelope), "text"], ids=type)
def test_only_bytes(data: bytes) -> None:
    with pytest.raises(InvalidArgument, match="bytes"):
        parse_sealed(data)


# --- letters ---------------------------------------------------------------------------------------------------------


def test_letters_by_hand() -> None:
    for private in (False, True):
        honest = message(company(5), private=private)
        steps = steps_of(honest)
        expected = letters_of(honest, steps)
        ids = [UserId(recipient.user_id) for recipient in steps.recipients]
        assert list(letters(steps.envelope)) == list(zip(ids, expected, strict=True))


def test_letters_are_made_one_by_one() -> None:
    found = letters(STEPS.envelope)
    assert isinstance(found, Iterator)
    next(found)


def test_a_letter_is_no_envelope() -> None:
    with pytest.raises(MalformedError, match="this is a letter") as caught:
        letters(letter())
    assert caught.value.where == "envelope"
    with pytest.raises(MalformedError, match="this is a letter"):
        parse_envelope(letter())


def test_a_letter_that_lists() -> None:
    read = parse_sealed(letter())
    assert isinstance(read, Letter)
    assert read.audience == tuple(IDS)
    assert [entry.user_id for entry in read.entries] == [IDS[1]]
    assert read.entry_for(IDS[1]).user_id == IDS[1]
    for other in (IDS[0], person("mallory").user_id.data):
        with pytest.raises(NotARecipient):
            read.entry_for(other)


@pytest.mark.parametrize(("count", "private", "lists"), [(64, False, True), (65, False, False), (1, True, False)])
def test_which_letters_list(count: int, private: bool, lists: bool) -> None:  # noqa: FBT001  # parameters of the test
    assert LISTED_RECIPIENTS == 64
    whole = parse_envelope(seal(b"", sender=None, recipients=company(count), private=private, at=AT))
    assert lists_audience(whole.header) is lists
    read = parse_sealed(whole.letter(count - 1))
    assert isinstance(read, Letter)
    assert (read.audience is not None) is lists


def proof(*ids: bytes, nonce: bytes = NONCE) -> bytes:
    return sealed.listing_proof(nonce, ids)


BAD_LISTS = {
    "five items": (cbor.array(cbor.uint(6), cbor.uint(1), STEPS.header, FIRST, proof(*IDS)), "letter"),
    "entry null": (letter(entry=cbor.NULL), "entry"),
    "body of no padded size": (letter(body=bytes(65 + 16)), "body"),
    "no proof": (letter(proof=cbor.NULL), "letter proof"),
    "an empty proof": (letter(proof=cbor.array()), "letter proof"),
    "a path for a list": (letter(proof=sealed.path_proof(NONCE, IDS, 1)), "letter proof"),
    "short nonce": (letter(proof=proof(*IDS, nonce=bytes(31))), "letter proof nonce"),
    "another nonce": (letter(proof=proof(*IDS, nonce=bytes(32))), "letter proof"),
    "a user missing": (letter(proof=proof(*IDS[:2])), "letter proof user ids"),
    "a user too many": (letter(proof=proof(*IDS, IDS[2])), "letter proof user ids"),
    "a user twice": (letter(proof=proof(IDS[0], IDS[1], IDS[1])), "letter proof"),
    "users swapped": (letter(proof=proof(IDS[1], IDS[0], IDS[2])), "letter proof"),
    "a short user id": (letter(proof=proof(IDS[0], IDS[1], IDS[2][:31])), "letter proof user id"),
    "users null": (letter(proof=cbor.array(cbor.octets(NONCE), cbor.NULL)), "letter proof user ids"),
    "a letter for somebody not named": (letter(entry=GHOST), "letter proof"),
    "another root": (letter(header=header(root=cbor.octets(flip(STEPS.root, 0)))), "letter proof"),
    "another mode": (letter(header=header(mode=b"\1")), "letter proof"),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_refused_lists(name: str) -> None:
    data, where = BAD_LISTS[name]
    with pytest.raises(MalformedError) as caught:
        parse_sealed(data)
    assert caught.value.where == where


HIDDEN = message(company(5), private=True)
HIDDEN_STEPS = steps_of(HIDDEN)
HIDDEN_IDS = [recipient.user_id for recipient in HIDDEN_STEPS.recipients]
SALT = sealed.salt_of(HIDDEN.nonce, HIDDEN_IDS[2])
PATH = merkle.path(2, sealed.leaves_of(HIDDEN.nonce, HIDDEN_IDS))


def hidden(
    *, index: int = 2, salt: bytes = SALT, path: Sequence[bytes] = PATH, entry: int = 2, proof: bytes = b""
) -> bytes:
    found = proof or sealed.path_proof_of(index, salt, path)
    return sealed.letter(HIDDEN_STEPS.header, HIDDEN_STEPS.entries[entry], found, HIDDEN_STEPS.body)


BAD_PATHS = {
    "a list for a path": (hidden(proof=sealed.listing_proof(HIDDEN.nonce, HIDDEN_IDS)), "letter proof"),
    "two items": (hidden(proof=cbor.array(b"\2", cbor.octets(SALT))), "letter proof"),
    "the nonce in it": (
        hidden(proof=cbor.array(b"\2", cbor.octets(SALT), cbor.array(), cbor.octets(HIDDEN.nonce))),
        "letter proof",
    ),
    "index null": (hidden(proof=cbor.array(cbor.NULL, cbor.octets(SALT), cbor.array())), "letter proof index"),
    "index 5": (hidden(index=5), "inclusion proof"),
    "index 2^64-1": (hidden(index=2**64 - 1), "inclusion proof"),
    "another index": (hidden(index=3), "letter proof"),
    "an index with a shorter path": (hidden(index=4), "inclusion proof"),
    "short salt": (hidden(salt=SALT[:15]), "letter proof salt"),
    "another salt": (hidden(salt=flip(SALT, 0)), "letter proof"),
    "somebody else's entry": (hidden(entry=3), "letter proof"),
    "path null": (hidden(proof=cbor.array(b"\2", cbor.octets(SALT), cbor.NULL)), "letter proof path"),
    "path too short": (hidden(path=PATH[:-1]), "inclusion proof"),
    "path too long": (hidden(path=[*PATH, bytes(32)]), "inclusion proof"),
    "no path": (hidden(path=[]), "inclusion proof"),
    "another node": (hidden(path=[flip(PATH[0], 0), *PATH[1:]]), "letter proof"),
    "short node": (hidden(path=[PATH[0][:31], *PATH[1:]]), "letter proof path"),
}


def test_a_letter_with_a_path() -> None:
    read = parse_sealed(hidden())
    assert isinstance(read, Letter)
    assert read.audience is None
    assert hidden() == dict(letters(HIDDEN_STEPS.envelope))[UserId(HIDDEN_IDS[2])]


@pytest.mark.parametrize("name", BAD_PATHS)
def test_refused_paths(name: str) -> None:
    data, where = BAD_PATHS[name]
    with pytest.raises(MalformedError) as caught:
        parse_sealed(data)
    assert caught.value.where == where


def test_a_private_letter_says_nothing_of_the_others() -> None:
    for user_id, found in letters(HIDDEN_STEPS.envelope):
        assert HIDDEN.nonce not in found
        assert all(other not in found for other in HIDDEN_IDS if other != user_id.data)
