"""The attacker's tools do what the attacks need: without a fault they make what the library accepts and expects."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from siegel import open_sealed, seal
from siegel.errors import InvalidMessage, MalformedError
from tests.attacks import curves, group_wire
from tests.attacks.artefacts import letter_for, sealed
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    CONTENT,
    EVERYBODY,
    MALLORY,
    NOW,
    OPEN,
    PRIVATE,
    Wire,
    assert_no_secret,
    decoded,
    forge,
    insight,
    record,
    refused,
    to,
)
from tests.attacks.group_wire import Message
from tests.attacks.groups import DAVE, GHOST, World, texts
from tests.attacks.handmade_hpke import seal_with_ephemeral


@pytest.mark.parametrize("mode", [OPEN, PRIVATE])
def test_without_a_fault_a_forgery_is_a_message(mode: int) -> None:
    envelope = forge(ALICE, to(BOB, CAROL), mode=mode)
    for person in (BOB, CAROL):
        for data in (envelope, letter_for(person, envelope)):
            message = open_sealed(data, identity=person.identity, contacts=EVERYBODY)
            assert [message.content_type, message.sent_at, message.body] == CONTENT
            assert message.sender == ALICE.user_id
    unsigned = forge(None, to(BOB), mode=mode)
    assert open_sealed(unsigned, identity=BOB.identity, contacts=[], allow_anonymous=True).sender is None


def test_a_forgery_is_what_seal_makes() -> None:
    """From what a reader sees of an honest message all of it but the entries' randomness can be made again."""
    honest = seal(b"meet at noon", sender=ALICE.identity, recipients=[BOB.record], content_type="text/plain", at=NOW)
    wire, seen = Wire.of(honest), insight(honest, BOB)
    again = Wire.of(forge(ALICE, to(BOB), nonce=wire.nonce, secret=seen.content_secret))
    assert (again.header, again.nonce, again.body) == (wire.header, wire.nonce, wire.body)
    assert record(BOB, issued_at=NOW) == BOB.record.encode() == decoded(record(BOB)).encode()


def test_an_entry_by_hand_opens() -> None:
    wire = Wire.of(sealed(BOB))
    wire.entries = [seal_with_ephemeral(wire.header, BOB.to, insight(wire.encode(), BOB).content_secret)]
    assert open_sealed(wire.encode(), identity=BOB.identity, contacts=EVERYBODY).sender == ALICE.user_id


def test_curves_by_hand() -> None:
    seed = os.urandom(32)
    honest = Ed25519PrivateKey.from_private_bytes(seed)
    public = honest.public_key().public_bytes_raw()
    assert curves.encode(curves.multiply(curves.secret_scalar(seed), curves.BASE)) == public
    assert curves.naive_verify(public, b"text", honest.sign(b"text"))
    assert not curves.naive_verify(public, b"texts", honest.sign(b"text"))
    honest.public_key().verify(curves.signature_of(curves.secret_scalar(seed), public, b"text", r=7), b"text")
    assert len(curves.small_order_encodings()) == 14
    assert all(curves.multiply(8, curves.decode(a)).x == 0 for a in curves.small_order_encodings())

    one, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    u = one.public_key().public_bytes_raw()
    twin = curves.torsioned_twin(u)
    assert twin != u
    assert other.exchange(X25519PublicKey.from_public_bytes(twin)) == other.exchange(one.public_key())


def test_a_shown_secret_is_seen() -> None:
    for secret in (BOB.secret, BOB.derive("hedge")):
        for shown in (secret.hex(), f"key={secret!r}", str(list(secret)), secret[:16].hex(), f"{[secret]}"):
            with pytest.raises(AssertionError):
                assert_no_secret(shown)


def test_a_refusal_with_a_cause_is_seen() -> None:
    def answer(cause: Exception) -> None:
        try:
            raise cause
        except type(cause):
            raise InvalidMessage  # noqa: B904  # the fault that is to be seen

    with pytest.raises(AssertionError), refused(InvalidMessage):
        answer(KeyError())
    with pytest.raises(MalformedError), refused(InvalidMessage):
        raise MalformedError("place", "not what was expected")


def test_an_insider_by_hand_reads_and_writes_what_the_library_does() -> None:
    """The group of the attacks, seen from outside the library: what it sends can be read, what is made is accepted."""
    world = World()
    world.send(BOB, world.groups[BOB].add([DAVE.record], at=world.at))
    world.everything_honest_opens()
    assert len(world.insiders[MALLORY].bodies) == len(world.insiders[DAVE].bodies) == 4
    assert world.insiders[GHOST].knowledge == (0, 0, 0)
    assert all(Message.of(data).encode() == data for data in world.log if data[1] == group_wire.GROUP_MESSAGE)

    chain = world.begun(MALLORY)
    bodies = [b"%d" % number for number in range(3)]
    data = [chain.write(body).encode() for body in bodies]
    assert texts(world.take(CAROL, *data)) == [(MALLORY.id, body) for body in bodies]
    newcomers = chain.announcement(2)
    assert texts(world.take(ALICE, world.sealed(MALLORY, ALICE, announcements=[newcomers]), data[2])) == [
        (MALLORY.id, b"2")
    ]
    renaming = group_wire.operation(ALICE, world.group_id, world.head, world.height + 1, [group_wire.RENAME, b"new"])
    world.take(BOB, world.sealed(ALICE, BOB, items=[renaming]))
    assert world.groups[BOB].roster.head == group_wire.head_of(renaming)
