"""Attack ID-1 of the catalogue: a reader whom the sender did not name (README.md in this folder)."""

from __future__ import annotations

import pytest

from siegel import Contacts, audit_recipients, inspect_envelope, letters, open_sealed, seal
from siegel.errors import IdentityChanged, InvalidArgument, InvalidMessage, MalformedError, NotPermitted
from tests.attacks.artefacts import LETTER, PRIVATE_LETTER, letter_for, opened_by, sealed
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    CONTENT,
    EVERYBODY,
    MALLORY,
    NONCE,
    NOW,
    OPEN,
    SECRET,
    Signer,
    Wire,
    always,
    cbor,
    content_keys,
    encrypt_body,
    forge,
    insight,
    leaf,
    merkle_root,
    pad,
    refused,
    salt_of,
    seal_entry,
    signed_part,
    to,
)
from tests.attacks.attacker import LETTER as LETTER_KIND
from tests.attacks.mutations import field, replaced

HONEST = (BOB, CAROL)


def test_id_1_server_adds_a_reader_and_leaves_the_header() -> None:
    """Key servers, "ghost user" (Levy & Robinson 2018; ePrint 2026/058). The server puts one more entry, sealed to
    itself, into the envelope. Holds: entries must lead to the root in the header, seen without any key (P1).
    """
    wire = Wire.of(sealed(*HONEST))
    wire.entries.append(seal_entry(wire.header, MALLORY.to, bytes(32)))
    haunted = wire.sort().encode()
    for reader in (*HONEST, MALLORY):
        with refused(MalformedError):
            opened_by(reader)(haunted)
    for look in (inspect_envelope, letters, lambda data: audit_recipients(data, allowed=EVERYBODY)):
        with refused(MalformedError):
            look(haunted)


def test_id_1_server_adds_a_reader_and_recomputes_the_header() -> None:
    """As above; the server makes count and root fit. Holds: every entry's HPKE info binds the header, so the copy of
    every honest recipient is refused, before the signature is reached (P1).
    """
    wire = Wire.of(sealed(*HONEST))
    wire.entries.append(seal_entry(wire.header, MALLORY.to, bytes(32)))
    haunted = wire.recount().encode()
    assert {user_id for user_id, _ in inspect_envelope(haunted).recipients} >= {MALLORY.user_id}
    for reader in (*HONEST, MALLORY):
        with refused(InvalidMessage):
            opened_by(reader)(haunted)
    for user_id, letter in letters(haunted):
        reader = next(person for person in (*HONEST, MALLORY) if person.user_id == user_id)
        with refused(InvalidMessage):
            opened_by(reader)(letter)


def test_id_1_a_reader_lets_a_ghost_in() -> None:
    """A colluding recipient knows the content secret and makes everything anew for a larger audience, except the
    signature. Holds: the signature covers the header, thus the exact set (P1). Control: Alice could have.
    """
    envelope = sealed(*HONEST)
    seen = insight(envelope, BOB)

    def with_ghost(sign: Signer) -> bytes:
        return forge(
            ALICE,
            to(*HONEST, MALLORY),
            inner=seen.inner,
            nonce=Wire.of(envelope).nonce,
            secret=seen.content_secret,
            sign=sign,
        )

    for signature in (seen.signature, BOB.sign(b"whatever"), bytes(64)):
        forged = with_ghost(always(signature))
        for reader in (*HONEST, MALLORY):
            with refused(InvalidMessage):
                opened_by(reader)(forged)
    assert opened_by(CAROL)(with_ghost(ALICE.sign))


def test_id_1_a_ghost_in_a_letter() -> None:
    """As above, by letter: a ghost among the listed ids, a ghost's own letter, a proof for somebody not named. Holds:
    a letter proves its reader's membership under the signed root; the list must lead to it (P1).
    """
    nonce = field(LETTER.data, (4, 0))
    for ids in ((BOB, CAROL, MALLORY, ALICE), (BOB, CAROL, ALICE), (BOB, CAROL), (BOB,)):
        listed = sorted((person.id for person in ids), key=lambda user_id: leaf(nonce, user_id))
        with refused(MalformedError):
            opened_by(BOB)(replaced(LETTER.data, (4, 1), listed))
    for letter in (LETTER, PRIVATE_LETTER):
        renamed = replaced(letter.data, (3, 0), ALICE.id)
        for reader in (ALICE, BOB):
            with refused(MalformedError):
                opened_by(reader)(renamed)

    envelope = sealed(*HONEST, private=True)
    wire = Wire.of(envelope)
    own_entry = seal_entry(wire.header, MALLORY.to, insight(envelope, BOB).content_secret)
    honest = letter_for(BOB, envelope)
    for index in range(2):
        proof = [index, salt_of(wire.nonce, MALLORY.id), field(honest, (4, 2))]
        with refused(MalformedError):
            opened_by(MALLORY)(replaced(replaced(honest, (3,), own_entry), (4,), proof))


def test_id_1_an_audience_is_a_set() -> None:
    """As above, by the sender, who signs an audience with one reader twice, so that it looks larger than it is, or in
    an order that tells something. Holds: distinct leaves in the order of their hashes; malformed without a key (P1,
    P10). Control: in that order it opens.
    """
    in_order = sorted(HONEST, key=lambda person: leaf(NONCE, person.id))
    for people in (in_order, in_order[::-1], [BOB, BOB], [*in_order, in_order[1]], [in_order[0], *in_order]):
        root = merkle_root([leaf(NONCE, person.id) for person in people])
        commitment, key = content_keys(SECRET, root)
        header = [OPEN, len(people), root, commitment]
        body = encrypt_body(key, pad(cbor([CONTENT, ALICE.id, ALICE.sign(signed_part(header, CONTENT))])), header)
        envelope = Wire(header, NONCE, [seal_entry(header, person.to, SECRET) for person in people], body).encode()
        letter = [LETTER_KIND, 1, header, seal_entry(header, BOB.to, SECRET), [NONCE, [p.id for p in people]], body]
        for data in (envelope, cbor(letter)):
            if people is in_order:
                assert opened_by(BOB)(data)
            else:
                with refused(MalformedError):
                    opened_by(BOB)(data)


def test_id_1_a_letter_that_keeps_quiet_about_the_others() -> None:
    """As above: a server turns the list of all readers, which an open letter must carry, into a proof for one, and the
    other way round. Holds: the header decides the kind of proof (P1).
    """
    for private in (False, True):
        envelope = sealed(*HONEST, private=private)
        wire, letter = Wire.of(envelope), letter_for(BOB, envelope)
        ids = [entry[0] for entry in wire.entries]
        index = ids.index(BOB.id)
        proof = [index, salt_of(wire.nonce, BOB.id), [leaf(wire.nonce, ids[1 - index])]]
        other = [wire.nonce, ids] if private else proof
        assert replaced(letter, (4,), proof if private else [wire.nonce, ids]) == letter
        with refused(MalformedError):
            opened_by(BOB)(replaced(letter, (4,), other))


def test_id_1_a_directory_hands_out_its_own_key() -> None:
    """Password managers' sharing, every key server (ePrint 2026/058, 5 of 27 attacks). The directory answers "bob"
    with a valid record of Mallory. Holds: a name is pinned to the first id; the answer is IdentityChanged, and from
    then on nothing is sealed to that name until a person decides (P1).
    """
    contacts = Contacts(ALICE.user_id)
    contacts.add(BOB.record, name="bob")
    with refused(IdentityChanged):
        contacts.add(MALLORY.record, name="bob")
    with refused(IdentityChanged):
        contacts.get("bob")
    assert MALLORY.user_id not in list(contacts)


@pytest.mark.parametrize("not_a_record", [BOB.user_id, bytes(BOB.id), str(BOB.user_id), BOB.record.encode(), None])
def test_id_1_nothing_is_sealed_to_an_id(not_a_record: object) -> None:
    """API shape "fetch the key for this id and encrypt". Holds: a recipient is a checked record in the caller's hand;
    there is nothing to fetch and nobody to ask (P1).
    """
    with refused(InvalidArgument):
        seal(b"text", sender=ALICE.identity, recipients=[not_a_record], at=NOW)  # type: ignore[list-item]  # the attack


def test_id_1_a_client_adds_a_reader_by_itself() -> None:
    """A sender's client that was made to add a silent reader. It cannot hide it: the reader stands in the envelope,
    among the recipients that every other reader sees, and audit_recipients names it (P1; what a client does with the
    content secret itself, nothing can show).
    """
    envelope = sealed(*HONEST, MALLORY)
    message = open_sealed(envelope, identity=BOB.identity, contacts=EVERYBODY)
    assert message.recipients is not None
    assert MALLORY.user_id in message.recipients
    with refused(NotPermitted) as caught:
        audit_recipients(envelope, allowed=[BOB.user_id, CAROL.user_id])
    assert str(MALLORY.user_id) in str(caught.value)
