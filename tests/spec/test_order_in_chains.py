"""Of two faults in a certificate, an announcement or a group message, the stage that comes first decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from siegel._core.secret import Secret
from siegel.errors import InvalidMessage, MalformedError, PeerError, SiegelError, Superseded
from siegel.groups import chain as chains
from siegel.groups.certificate import Announcement, Certificate
from siegel.groups.chain import Chain
from siegel.groups.key_tree import KeyTree
from siegel.groups.links import DELIVERED, Link, Row, Summary
from siegel.groups.message import parse_message
from tests.people import AT, secret_of
from tests.vectors.reference import group_message, key_tree, sender_chain
from tests.vectors.reference.group_message import Content, Draft, Hook

GROUP, HEAD, SEED, ROOT = (bytes([n]) * 32 for n in range(4))
INDEX = 3
NEUTRAL = b"\1" + bytes(31)


def found(call: Callable[[], object]) -> str:
    """The code of the error, and the place for one that is malformed."""
    try:
        call()
    except SiegelError as error:
        return described(error)
    return "nothing"


def described(error: SiegelError) -> str:
    """The code, and the place where something is malformed."""
    return f"malformed {error.where.rstrip('0123456789 ')}" if isinstance(error, MalformedError) else error.code


def with_bytes(data: bytes, faults: tuple[str, ...], limit: int) -> bytes:
    """The object with the faults that are found in its bytes."""
    if "type" in faults:
        data = data[:1] + b"\5" + data[2:]
    if "version" in faults:
        data = data[:2] + b"\2" + data[3:]
    if "encoding" in faults:
        data += b"\0"
    return data + bytes(limit) if "size" in faults else data


def decides(first: str, second: str) -> str:
    """ENC-9: an object of a foreign type and version is one of another version."""
    return "version" if (first, second) == ("type", "version") else first


# --- certificates (the table in chain.md) ----------------------------------------------------------------------------

CERTIFICATE = {
    "size": "limit-exceeded",  # CHN-1
    "encoding": "malformed byte",
    "type": "malformed chain certificate",
    "version": "unsupported-version",
    "shape": "malformed chain certificate at",  # ENC-10
    "signing-key": "malformed chain certificate signing key",
    "chain-id": "malformed chain certificate chain id",  # CHN-2
    "signature": "invalid-message",  # CHN-5
}


def certified_with(*faults: str) -> bytes:
    """A certificate of Alice in which these stages find a fault; it is signed all the same."""
    made = sender_chain.certify(secret_of("alice"), SEED, group_id=GROUP, head=HEAD, at=AT)
    changes = dict[str, Any]()
    if "shape" in faults:
        changes["at"] = 2**64 - 1
    if "signing-key" in faults:
        changes["key"] = NEUTRAL
        changes["chain_id"] = sender_chain.chain_id_of(GROUP, made.sender, NEUTRAL)
    if "chain-id" in faults:
        changes["chain_id"] = bytes(16)
    made = replace(made, **changes).signed(secret_of("alice"))
    if "signature" in faults:
        made = replace(made, signature=bytes(64))
    return with_bytes(made.encode(), faults, 2_048)


def test_the_honest_certificate_decodes() -> None:
    assert found(lambda: Certificate.decode(certified_with())) == "nothing"


@pytest.mark.parametrize("stage", CERTIFICATE)
def test_certificate_each_fault_alone(stage: str) -> None:
    assert found(lambda: Certificate.decode(certified_with(stage))) == CERTIFICATE[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(CERTIFICATE, 2)))
def test_certificate_the_first_of_two_decides(first: str, second: str) -> None:
    data = certified_with(first, second)
    assert found(lambda: Certificate.decode(data)) == CERTIFICATE[decides(first, second)]


# --- announcements (the table in chain.md) ---------------------------------------------------------------------------

ANNOUNCEMENT = {
    "size": "limit-exceeded",  # CHN-6
    "encoding": "malformed byte",
    "shape": "malformed announcement node",
    "certificate": "invalid-message",  # CHN-5
    "cover": "malformed key tree",  # KEY-4
    "link": "malformed announcement link",  # CHN-4
}


def announced_with(*faults: str) -> bytes:
    """An announcement in which these stages find a fault."""
    certificate = certified_with("signature") if "certificate" in faults else certified_with()
    nodes = [ROOT, ROOT] if "cover" in faults else [ROOT]
    if "shape" in faults:
        nodes = [nodes[0][:-1], *nodes[1:]]
    genesis = sender_chain.certify(secret_of("alice"), SEED, group_id=GROUP, head=HEAD, at=AT).genesis
    link = bytes(32) if "link" in faults else genesis
    return with_bytes(sender_chain.Announcement(certificate, 0, nodes, link).encode(), faults, 2_676)


def test_the_honest_announcement_decodes() -> None:
    assert found(lambda: Announcement.decode(announced_with())) == "nothing"


@pytest.mark.parametrize("stage", ANNOUNCEMENT)
def test_announcement_each_fault_alone(stage: str) -> None:
    assert found(lambda: Announcement.decode(announced_with(stage))) == ANNOUNCEMENT[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(ANNOUNCEMENT, 2)))
def test_announcement_the_first_of_two_decides(first: str, second: str) -> None:
    assert found(lambda: Announcement.decode(announced_with(first, second))) == ANNOUNCEMENT[first]


# --- messages (MSG-13; the stage chain is the group's) ----------------------------------------------------------------

MESSAGE = {
    "size": "limit-exceeded",  # MSG-8
    "encoding": "malformed byte",
    "type": "malformed group message",
    "version": "unsupported-version",
    "shape": "malformed group message nonce",  # MSG-1
    "authentic": "not authentic",  # MSG-10
    "permission": "superseded",  # whatever the group answers
    "delivered": "replay",
    "standing": "not-permitted",  # MSG-12
    "start": "missing-sender-key",  # CHN-7
    "key": "expired",  # KEY-2
    "commitment": "invalid-message",  # MSG-5, as all from there on
}


def written_with(*faults: str) -> bytes:
    """A message of Alice in which these stages find a fault; it is signed all the same, unless that is the fault."""
    made = sender_chain.certify(secret_of("alice"), SEED, group_id=GROUP, head=HEAD, at=AT)
    content = Content("text/plain", AT, (), b"")
    leaf = key_tree.leaf(ROOT, INDEX)
    hooks: dict[str, Hook] = {}
    if "commitment" in faults:
        hooks["commitment"] = lambda *_: bytes(32)
    if "shape" in faults:
        hooks["nonce"] = lambda nonce, _: nonce[:-1]
    if "authentic" in faults:
        hooks["signature"] = lambda *_: bytes(64)
    draft = Draft(content, made.chain_id, INDEX, HEAD, bytes(32), leaf, SEED, bytes(16))
    return with_bytes(group_message.write(draft, hooks).message, faults, 67_884)


def judged_with(*faults: str) -> str:
    """What becomes of the message in a chain whose state has these faults for it."""
    data = written_with(*faults)
    try:
        message = parse_message(data)
    except PeerError as error:
        return described(error)
    certificate = Certificate.decode(certified_with())
    tree = KeyTree.from_root(Secret(ROOT))
    if "key" in faults:
        tree.take(INDEX)
    rows: dict[int, Row] = {}
    if "delivered" in faults and "authentic" not in faults:
        rows[INDEX + 1] = (Link(message.link, message.previous, message.head, DELIVERED),)
    summary = Summary(INDEX + 1, fork=1 if "standing" in faults else None)
    chain = Chain(certificate, INDEX + 1 if "start" in faults else 0, tree, summary)

    def permitted(_number: int, _head: bytes) -> PeerError | None:
        return Superseded("a rule of the test") if "permission" in faults else None

    step = chains.receive(chain, rows, [message], permitted=permitted, at=AT)
    (result,) = step.results
    if isinstance(result, InvalidMessage) and step.unproven:
        return "not authentic"
    return result.code if isinstance(result, PeerError) else "nothing"


def test_the_honest_message_is_delivered() -> None:
    assert judged_with() == "nothing"


@pytest.mark.parametrize("stage", MESSAGE)
def test_message_each_fault_alone(stage: str) -> None:
    assert judged_with(stage) == MESSAGE[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(MESSAGE, 2)))
def test_message_the_first_of_two_decides(first: str, second: str) -> None:
    assert judged_with(first, second) == MESSAGE[decides(first, second)]
