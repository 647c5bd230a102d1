"""Chains of the tests: an owner whose keys are open, so that honest and dishonest messages can be written by hand."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from siegel._core.secret import Secret
from siegel._core.suite import SigningKey
from siegel.errors import NotPermitted, PeerError
from siegel.groups.certificate import Announcement, Certificate, Close
from siegel.groups.key_tree import KeyTree
from siegel.groups.message import Content, GroupMessage, parse_message, write_message
from tests.people import AT, person

GROUP: Final = sha256(b"group").digest()
HEAD: Final = sha256(b"head").digest()
ROOT: Final = Secret(sha256(b"root").digest())
KEY: Final = SigningKey(Secret(sha256(b"chain key").digest()))
OTHER_KEY: Final = SigningKey(Secret(sha256(b"other key").digest()))


def certificate(closes: tuple[Close, ...] = (), at: int = AT, key: SigningKey = KEY) -> Certificate:
    """Alice's certificate of the chain."""
    return Certificate.create(person("alice"), group_id=GROUP, head=HEAD, key=key.public, closes=closes, at=at)


CERTIFICATE: Final = certificate()


def tree_from(start: int) -> KeyTree:
    """The keys from this index on."""
    tree = KeyTree.from_root(ROOT)
    for number in range(start):
        tree.take(number)
    return tree


def announcement(start: int = 0, link: bytes | None = None) -> Announcement:
    """The chain from this index on."""
    return Announcement(CERTIFICATE, start, tree_from(start), link or CERTIFICATE.genesis)


def leaf(number: int) -> Secret:
    """The key of this index."""
    return KeyTree.from_root(ROOT).take(number)


def content(body: bytes = b"", sent_at: int = AT) -> Content:
    """A text."""
    return Content("text/plain", sent_at, (), body)


def data_of(
    number: int,
    previous: bytes = CERTIFICATE.genesis,
    *,
    body: bytes = b"",
    head: bytes = HEAD,
    key: SigningKey = KEY,
    under: Secret | None = None,
) -> bytes:
    """The bytes of a message, by default as its owner would write it."""
    data, _ = write_message(
        content(body),
        chain_id=CERTIFICATE.chain_id,
        number=number,
        head=head,
        previous=previous,
        leaf=under or leaf(number),
        signing_key=key,
        hedge=bytes(16),
    )
    return data


def unsigned(data: bytes) -> bytes:
    """The same message with a signature that fails: its last byte, the top of S, is past the group's order."""
    return data[:-1] + bytes((data[-1] ^ 0xF0,))


def damaged(message: GroupMessage) -> GroupMessage:
    """The same message with a signature of zeros."""
    return parse_message(message.data[:-64] + bytes(64))


def run(first: int, last: int, previous: bytes = CERTIFICATE.genesis, *, body: bytes = b"") -> list[GroupMessage]:
    """Messages that follow each other."""
    messages: list[GroupMessage] = []
    for number in range(first, last + 1):
        messages.append(parse_message(data_of(number, previous, body=body)))
        previous = messages[-1].link
    return messages


def anything(_number: int, _head: bytes) -> PeerError | None:
    """The rule that permits everything."""
    return None


def nothing(_number: int, _head: bytes) -> PeerError | None:
    """The rule that permits nothing."""
    return NotPermitted("a rule of the test")
