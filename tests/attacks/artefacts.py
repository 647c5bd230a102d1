"""One good example of each kind of bytes that arrive from outside, and every door that takes bytes or text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from siegel import (
    AttachmentRef,
    Contacts,
    Group,
    Identity,
    OpenedMessage,
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
    safety_qr,
    seal,
)
from siegel._core.secret import Secret
from siegel.groups.broadcast import open_broadcast, parse_broadcast
from siegel.groups.certificate import Certificate
from siegel.groups.message import open_message, parse_message, verify_signature
from siegel.groups.operations import LeaveStatement, Operation
from tests.attacks.attachment_wire import Attachment
from tests.attacks.attacker import ALICE, BOB, CAROL, EVERYBODY, MALLORY, NOW, Person, sha256
from tests.attacks.group_wire import broadcast, chain_of, leave_statement, operation, removal
from tests.attacks.groups import World


class Artefact(NamedTuple):
    """Bytes, and the strictest thing that reads them."""

    name: str
    data: bytes
    read: Callable[[bytes], object]


def record_read(data: bytes) -> PublicIdentity:
    return PublicIdentity.decode(data, at=NOW)


def opened_by(reader: Person, *, anonymous: bool = False) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        return open_sealed(data, identity=reader.identity, contacts=EVERYBODY, allow_anonymous=anonymous)

    return read


def sealed(
    *people: Person, body: bytes = b"meet at noon", private: bool = False, sender: Person | None = ALICE
) -> bytes:
    """An honest message."""
    return seal(
        body,
        sender=sender.identity if sender else None,
        recipients=[person.record for person in people],
        private=private,
        at=NOW,
        content_type="text/plain",
    )


def letter_for(reader: Person, envelope: bytes) -> bytes:
    return dict(letters(envelope))[reader.user_id]


RECORD = Artefact("public identity", ALICE.record.encode(), record_read)
SUCCESSION = Artefact(
    "succession", Succession.create(old=ALICE.identity, new=BOB.identity, at=NOW).encode(), Succession.decode
)
ENVELOPE = Artefact("envelope", sealed(BOB), opened_by(BOB))
LETTER = Artefact("letter", letter_for(BOB, sealed(BOB, CAROL, MALLORY)), opened_by(BOB))
PRIVATE_LETTER = Artefact("private letter", letter_for(BOB, sealed(BOB, CAROL, MALLORY, private=True)), opened_by(BOB))


# --- of groups: made by hand, each read by the room that knows its form ----------------------------------------------

GROUP_ID, HEAD, EPOCH_KEY = (sha256(what) for what in (b"a group", b"a head", b"an epoch key"))
CHAIN = chain_of(ALICE, GROUP_ID, HEAD, closes=[[bytes(16), 7, HEAD], [b"\1" * 16, 0, None]])


def message_read(data: bytes) -> object:
    message = parse_message(data)
    verify_signature(message, CHAIN.signing_key)
    return open_message(message, Secret(CHAIN.leaf(0)))


def broadcast_read(data: bytes) -> object:
    return open_broadcast(parse_broadcast(data), Secret(EPOCH_KEY), group_id=GROUP_ID)


OF_GROUPS = (
    Artefact("group message", CHAIN.write(b"meet at noon", index=0).encode(), message_read),
    Artefact("chain certificate", CHAIN.certificate(), Certificate.decode),
    Artefact(
        "roster operation",
        operation(ALICE, GROUP_ID, HEAD, 3, removal(BOB.id, EPOCH_KEY, closes=[[CHAIN.chain_id, 7]])),
        Operation,
    ),
    Artefact("leave statement", leave_statement(ALICE, GROUP_ID, HEAD, closes=[[CHAIN.chain_id, 7]]), LeaveStatement),
    Artefact("broadcast", broadcast(ALICE, GROUP_ID, HEAD, EPOCH_KEY, b"what was said"), broadcast_read),
)
REFERENCE = Artefact("attachment reference", Attachment("photo", 100).reference(), AttachmentRef.decode)
ARTEFACTS = (RECORD, SUCCESSION, ENVELOPE, LETTER, PRIVATE_LETTER, *OF_GROUPS, REFERENCE)


def some_contacts() -> Contacts:
    contacts = Contacts(BOB.user_id)
    contacts.add(ALICE.record, name="alice")
    contacts.add(CAROL.record, name="carol")
    contacts.succeed(Succession.decode(SUCCESSION.data))
    return contacts


def some_sealing_keys() -> SealingKeys:
    keys = SealingKeys(BOB.identity)
    keys.rotate(at=NOW)
    keys.rotate(at=NOW + 1)
    return keys


# What the user's own device keeps; never sent, and read as strictly all the same.
STATES = (
    Artefact("contacts", some_contacts().encode(), Contacts.decode),
    Artefact(
        "sealing keys", some_sealing_keys().encode(), lambda data: SealingKeys.decode(data, identity=BOB.identity)
    ),
    Artefact("safety QR", safety_qr(ALICE.user_id, BOB.user_id), lambda data: _owner().verify(ALICE.user_id, data)),
)


def _owner() -> Contacts:
    contacts = Contacts(BOB.user_id)
    contacts.add(ALICE.record)
    return contacts


def _first(results: list[OpenedMessage | SiegelError]) -> OpenedMessage:
    (result,) = results
    if isinstance(result, SiegelError):
        raise result
    return result


_world = World()

BYTE_DOORS: dict[str, Callable[[bytes], object]] = {artefact.name: artefact.read for artefact in ARTEFACTS + STATES} | {
    "inspect": inspect_envelope,
    "audit": lambda data: audit_recipients(data, allowed=EVERYBODY),
    "letters": lambda data: list(letters(data)),
    "open with rotating keys": lambda data: open_sealed(data, identity=some_sealing_keys(), contacts=EVERYBODY),
    "open with contacts": lambda data: open_sealed(data, identity=BOB.identity, contacts=some_contacts()),
    "open many": lambda data: _first(open_many([data], identity=BOB.identity, contacts=EVERYBODY)),
    "open unsigned": opened_by(BOB, anonymous=True),
    "user id": UserId,
    "secret": Identity.from_secret,
    "receive in a group": lambda data: _world.groups[BOB].receive(data, at=NOW),
    "join a group": lambda data: Group.join(data, identity=BOB.identity, contacts=EVERYBODY, at=NOW),
    "restore a group": lambda data: Group.restore(data, identity=BOB.identity, contacts=EVERYBODY),
}

TEXT_DOORS: dict[str, Callable[[str], object]] = {
    "user id": UserId.parse,
    "secret": Identity.parse,
    "words": Identity.from_words,
    "safety number": lambda text: _owner().verify(ALICE.user_id, text),
}
