"""CHN-1 … CHN-6: certificates and announcements. Only the owner speaks for a chain, and says where others end."""

from __future__ import annotations

from hashlib import sha256

import cbor2
import pytest

from siegel._core.codec import Value, encode
from siegel._core.labels import Label, labelled
from siegel._core.suite import sign
from siegel.errors import (
    InvalidArgument,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    SiegelError,
    UnsupportedVersion,
)
from siegel.groups.certificate import Announcement, Certificate, Close, chain_id_of
from siegel.groups.key_tree import INDEX_COUNT
from siegel.identity import signing_key
from tests.groups.chains import CERTIFICATE, GROUP, HEAD, KEY, announcement, certificate, tree_from
from tests.people import AT, person

ALICE = person("alice")
OLD, UNUSED = Close(bytes(16), 7, sha256(b"link 7").digest()), Close(b"\1" * 16, 0, None)
CLOSING = certificate(closes=(UNUSED, OLD))
SMALL_POINT = b"\1" + bytes(31)
SEVENTEEN: list[Value] = [[bytes((n,)) * 16, 7, bytes(32)] for n in range(17)]


def fields() -> list[Value]:
    """The fields of the closing certificate, as they are signed."""
    closes: list[Value] = [[bytes(16), 7, OLD.final_link], [b"\1" * 16, 0, None]]
    return [GROUP, HEAD, CERTIFICATE.chain_id, ALICE.user_id.data, KEY.public, closes, AT]


def signed(items: list[Value], name: str = "alice", kind: int = 7, version: int = 1) -> bytes:
    """A certificate of whatever fields, validly signed."""
    signature = sign(signing_key(person(name)), labelled(Label.CHAIN_CERTIFICATE, 7, 1, *items))
    return encode([kind, version, *items, signature])


# --- certificate -----------------------------------------------------------------------------------------------------


def test_the_form_by_hand() -> None:
    assert CLOSING.encode() == signed(fields())
    assert CLOSING.closes == (OLD, UNUSED), "in order of their chains"
    array = cbor2.dumps([GROUP, ALICE.user_id.data, KEY.public], canonical=True)
    assert CLOSING.chain_id == sha256(b"siegel/1 chain id\0" + array).digest()[:16]
    array = cbor2.dumps([7, 1, *fields()], canonical=True)
    assert CLOSING.genesis == sha256(b"siegel/1 chain genesis\0" + array).digest()


def test_a_certificate_comes_back() -> None:
    again = Certificate.decode(CLOSING.encode())
    assert again == CLOSING != CERTIFICATE
    assert hash(again) == hash(CLOSING)
    assert again.encode() == CLOSING.encode()
    assert (again.group_id, again.head, again.sender, again.at) == (GROUP, HEAD, ALICE.user_id, AT)
    assert CERTIFICATE.encode() != CERTIFICATE
    with pytest.raises(AttributeError):
        again.at = 0
    assert str(ALICE.user_id) in repr(again)


def test_ends() -> None:
    assert (OLD.end, UNUSED.end) == (8, 0)


def test_a_chain_id_belongs_to_group_sender_and_key() -> None:
    ids = {
        chain_id_of(GROUP, ALICE.user_id.data, KEY.public),
        chain_id_of(HEAD, ALICE.user_id.data, KEY.public),
        chain_id_of(GROUP, person("bob").user_id.data, KEY.public),
        chain_id_of(GROUP, ALICE.user_id.data, ALICE.user_id.data),
    }
    assert len(ids) == 4


def changed(place: int, value: Value) -> list[Value]:
    items = fields()
    items[place] = value
    return items


def closes(*items: Value) -> list[Value]:
    return changed(5, list(items))


@pytest.mark.parametrize(
    ("data", "kind", "where"),
    [
        (signed(fields(), kind=8), MalformedError, "type number"),
        (signed(fields(), version=2), UnsupportedVersion, "version 2"),
        (signed(fields()[:6]), MalformedError, "array of 10"),
        (signed(changed(0, bytes(31))), MalformedError, "group id"),
        (signed(changed(1, bytes(33))), MalformedError, "roster head"),
        (signed(changed(2, b"\7" * 16)), MalformedError, "chain id"),
        (signed(changed(2, bytes(15))), MalformedError, "chain id"),
        (signed(changed(3, SMALL_POINT)), MalformedError, "sender"),
        (signed(changed(3, person("bob").user_id.data), "bob"), MalformedError, "chain id"),
        (signed(changed(4, SMALL_POINT)), MalformedError, "signing key"),
        (signed(changed(5, None)), MalformedError, "closes"),
        (signed(closes([bytes(16), 7])), MalformedError, "closes"),
        (signed(closes([bytes(15), 7, bytes(32)])), MalformedError, "closes"),
        (signed(closes([bytes(16), 65_536, bytes(32)])), MalformedError, "closes"),
        (signed(closes([bytes(16), 7, bytes(31)])), MalformedError, "closes"),
        (signed(closes([bytes(16), 7, None])), MalformedError, "index is 0"),
        (signed(closes([CERTIFICATE.chain_id, 7, bytes(32)])), MalformedError, "before it begins"),
        (signed(closes([bytes(16), 7, bytes(32)], [bytes(16), 7, bytes(32)])), MalformedError, "ascending"),
        (signed(closes([b"\1" * 16, 7, bytes(32)], [bytes(16), 7, bytes(32)])), MalformedError, "ascending"),
        (signed(closes(*SEVENTEEN)), LimitExceeded, "more than 16"),
        (signed(changed(6, 253_402_300_800_000)), MalformedError, "at"),
        (signed(fields(), "bob"), InvalidMessage, "not authentic"),
        (signed(fields())[:-1] + b"\xff", InvalidMessage, "not authentic"),
        (signed(fields()) + b"\0", MalformedError, "after the end"),
        (bytes(2049), LimitExceeded, "larger"),
    ],
)
def test_what_is_refused(data: bytes, kind: type[SiegelError], where: str) -> None:
    with pytest.raises(kind, match=where):
        Certificate.decode(data)


def test_what_cannot_be_created() -> None:
    for bad in (
        (Close(bytes(16), 7, None),),
        (OLD, OLD),
        tuple(Close(bytes((n,)) * 16, 7, bytes(32)) for n in range(17)),
    ):
        with pytest.raises(InvalidArgument):
            certificate(closes=bad)


# --- announcement ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0, 1, 1000, 32_768])
def test_an_announcement_comes_back(start: int) -> None:
    link = CERTIFICATE.genesis if not start else bytes(32)
    data = Announcement(CERTIFICATE, start, tree_from(start), link).encode()
    again = Announcement.decode(data)
    assert (again.certificate, again.start, again.link) == (CERTIFICATE, start, link)
    assert again.tree.encode() == tree_from(start).encode()
    assert cbor2.loads(data) == [CERTIFICATE.encode(), start, tree_from(start).cover()[1], link]
    assert len(data) < 1024


def test_only_keys_from_the_start_on_are_announced() -> None:
    for tree in (tree_from(2), tree_from(0)):
        with pytest.raises(InvalidArgument):
            Announcement(CERTIFICATE, 1, tree, bytes(32)).encode()
    empty = tree_from(0)
    empty.puncture_from(0)
    with pytest.raises(InvalidArgument):
        Announcement(CERTIFICATE, INDEX_COUNT, empty, bytes(32)).encode()


NODES = tree_from(1).cover()[1]
START = announcement().encode()


@pytest.mark.parametrize(
    ("items", "kind", "where"),
    [
        ([CERTIFICATE.encode(), 1, NODES], MalformedError, "array of 4"),
        ([CERTIFICATE.encode(), 65_536, NODES, bytes(32)], MalformedError, "start"),
        ([CERTIFICATE.encode(), 1, NODES[1:], bytes(32)], MalformedError, "key tree"),
        ([CERTIFICATE.encode(), 2, NODES, bytes(32)], MalformedError, "key tree"),
        ([CERTIFICATE.encode(), 1, [*NODES[1:], b""], bytes(32)], MalformedError, "node"),
        ([CERTIFICATE.encode(), 1, NODES, bytes(31)], MalformedError, "link"),
        ([CERTIFICATE.encode(), 0, tree_from(0).cover()[1], bytes(32)], MalformedError, "hash of its certificate"),
        ([signed(fields(), "bob"), 1, NODES, bytes(32)], InvalidMessage, "not authentic"),
        ([7, 1, NODES, bytes(32)], MalformedError, "certificate"),
    ],
)
def test_announcements_that_are_refused(items: list[object], kind: type[SiegelError], where: str) -> None:
    with pytest.raises(kind, match=where):
        Announcement.decode(cbor2.dumps(items, canonical=True))


def test_size_of_announcements() -> None:
    with pytest.raises(LimitExceeded):
        Announcement.decode(bytes(10_000))
