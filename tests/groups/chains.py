"""Chains of the tests: an owner whose keys are open, so that honest and dishonest messages can be written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from unittest.mock import patch

from siegel._core.secret import Secret
from siegel._core.suite import SigningKey
from siegel.errors import NotPermitted, PeerError
from siegel.groups import chain as chains
from siegel.groups.certificate import Announcement, Certificate, Close
from siegel.groups.chain import Chain, Result, Step
from siegel.groups.key_tree import KeyTree
from siegel.groups.links import Permission, Row
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


def receive_both_ways(
    chain: Chain,
    rows: Mapping[int, Row],
    given: Sequence[GroupMessage],
    *,
    permitted: Permission = anything,
    waiting: Sequence[GroupMessage] = (),
) -> tuple[Step, bool]:
    """The step, and whether the messages were a new run; if they were, the general way had the same result."""
    with patch.object(chains, "_receive_run", wraps=chains._receive_run) as quick:
        step = chains.receive(chain, rows, given, permitted=permitted, at=AT, waiting=waiting)
    if quick.called:
        with patch.object(chains, "_is_new_run", return_value=False):
            general = chains.receive(chain, rows, given, permitted=permitted, at=AT, waiting=waiting)
        assert _seen(step) == _seen(general)
    return step, quick.called


def _seen(step: Step) -> tuple[object, ...]:
    return (
        step.chain._replace(tree=step.chain.tree.encode()),  # type: ignore[arg-type]  # a tree cannot be compared
        step.rows,
        step.events,
        [_told(result) for result in step.results],
        [(message, _told(result)) for message, result in step.released],
        step.unproven,
    )


def _told(result: Result) -> object:
    if isinstance(result, PeerError):
        return type(result), result.args, result.__traceback__, result.__cause__, result.__context__
    return result
