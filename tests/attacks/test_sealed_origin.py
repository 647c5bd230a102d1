"""Attacks on who wrote a sealed message and to whom, SM-1 … SM-7 and SM-10 of the catalogue (README.md here)."""

from __future__ import annotations

import inspect
import random
from itertools import product

import pytest

from siegel import Contacts, SealingKeys, UserId, inspect_envelope, letters, open_many, open_sealed, seal
from siegel.errors import (
    Expired,
    InvalidArgument,
    InvalidMessage,
    MalformedError,
    NotARecipient,
    PeerError,
    UnknownSender,
)
from tests.attacks.artefacts import LETTER, PRIVATE_LETTER, Artefact, letter_for, opened_by, sealed, some_contacts
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    CONTENT,
    DAY,
    EVERYBODY,
    MALLORY,
    NOW,
    Wire,
    always,
    cbor,
    decoded,
    forge,
    insight,
    pad,
    record,
    record_signed_part,
    refused,
    seal_entry,
    to,
    with_body,
)
from tests.attacks.interface import callables_of_messages
from tests.attacks.mutations import field, replaced

# --- SM-1: passed on -------------------------------------------------------------------------------------------------


def test_sm_1_what_alice_signed_for_bob_reaches_carol() -> None:
    """PGP, S/MIME (Davis 2001, "Defective Sign & Encrypt"): Bob seals the signed text to Carol, as if Alice had.
    Holds: the signature covers the header, and the header the exact readers (P1, P2). Control: as Bob's own it opens.
    """
    envelope = sealed(BOB)
    seen = insight(envelope, BOB)

    same_header = Wire.of(envelope)
    same_header.entries = [seal_entry(same_header.header, CAROL.to, seen.content_secret)]
    with refused(MalformedError):
        opened_by(CAROL)(same_header.encode())

    for people, nonce, secret in (
        ((CAROL,), same_header.nonce, seen.content_secret),
        ((CAROL,), bytes(32), bytes(range(32))),
        ((BOB, CAROL), same_header.nonce, seen.content_secret),
    ):
        passed_on = forge(ALICE, to(*people), inner=seen.inner, nonce=nonce, secret=secret, sign=always(seen.signature))
        for data in (passed_on, letter_for(CAROL, passed_on)):
            with refused(InvalidMessage):
                opened_by(CAROL)(data)

    own = forge(BOB, to(CAROL), inner=seen.inner)
    assert open_sealed(own, identity=CAROL.identity, contacts=EVERYBODY).sender == BOB.user_id


@pytest.mark.parametrize("letter", [LETTER, PRIVATE_LETTER], ids=lambda letter: letter.name)
def test_sm_1_a_letter_is_passed_on(letter: Artefact) -> None:
    """As above, by letter: Bob hands his letter to Alice, who was not named, with an entry sealed to her. Holds: the
    letter has no proof for her under the signed root (P1).
    """
    data = letter.data
    header = field(data, (2,))
    with refused(NotARecipient):
        opened_by(ALICE)(data)
    for secret in (bytes(32), bytes(range(32))):
        entry = seal_entry(header, ALICE.to, secret)
        with refused(MalformedError):
            opened_by(ALICE)(replaced(data, (3,), entry))


# --- SM-2: sent back, sent again -------------------------------------------------------------------------------------


def test_sm_2_a_message_is_reflected() -> None:
    """Threema (attack 4), LINE Letter Sealing, direction-symmetric keys: Alice gets her own message to Bob as if from
    Bob. Holds: she is no reader of it; relabelled it is not what she signed (P1).
    """
    envelope = sealed(BOB)
    with refused(NotARecipient):
        opened_by(ALICE)(envelope)
    wire = Wire.of(envelope)
    wire.entries[0][0] = ALICE.id
    with refused(MalformedError):
        opened_by(ALICE)(wire.encode())
    with refused(InvalidMessage):
        opened_by(ALICE)(wire.recount().encode())
    seen = insight(envelope, BOB)
    reflected = forge(BOB, to(ALICE), inner=seen.inner, secret=seen.content_secret, sign=always(seen.signature))
    with refused(InvalidMessage):
        opened_by(ALICE)(reflected)


def test_sm_2_our_own_message_is_our_own() -> None:
    """As above: whoever is a reader of their own message sees themselves as its sender, never the other side."""
    message = open_sealed(sealed(ALICE, BOB), identity=ALICE.identity, contacts=[])
    assert message.sender == ALICE.user_id


def test_sm_2_a_repetition_has_the_same_id() -> None:
    """As above: old ciphertexts are delivered again. Opening is stateless; what it gives the rooms that keep replay
    state is an id that no server can vary: the same for envelope, letter, and another order of arrival (P7).
    """
    envelope = sealed(BOB, CAROL)
    ids = {
        open_sealed(data, identity=person.identity, contacts=EVERYBODY).message_id
        for person in (BOB, CAROL)
        for data in (envelope, letter_for(person, envelope))
    }
    assert ids == {inspect_envelope(envelope).message_id}
    assert inspect_envelope(sealed(BOB, CAROL)).message_id not in ids


# --- SM-3: dropped, reordered, spliced -------------------------------------------------------------------------------


def test_sm_3_nothing_is_taken_out_of_a_message() -> None:
    """Threema (attack 3), Telegram, Terrapin: parts are dropped, reordered, cut. Sealed messages have no order among
    each other (chains have); inside one, entries are neither dropped, doubled nor moved, and no prefix opens (P1, P7).
    """
    wire = Wire.of(sealed(BOB, CAROL, MALLORY))
    first, second, third = wire.entries
    for entries in ([first, second], [second, first, third], [first, first, third], [first, second, third, third], []):
        changed = wire.copy()
        changed.entries = entries
        for reader in (BOB, CAROL, MALLORY):
            with refused(MalformedError):
                opened_by(reader)(changed.encode())
    data = wire.encode()
    for end in range(len(data)):
        with pytest.raises(MalformedError):
            opened_by(BOB)(data[:end])


def test_sm_3_two_messages_are_not_spliced() -> None:
    """As above: pieces of two messages of one sender to one reader. Holds: of all combinations the two whole ones
    open.
    """
    one, other = Wire.of(sealed(BOB)), Wire.of(sealed(BOB))
    opened = 0
    for header, nonce, entries, body in product((one, other), repeat=4):
        spliced = Wire(header.header, nonce.nonce, entries.entries, body.body).encode()
        try:
            opened_by(BOB)(spliced)
        except PeerError:
            continue
        opened += 1
        assert header is nonce is entries is body
    assert opened == 2


def test_sm_3_a_batch_hides_nothing() -> None:
    """As above: a refused message leaves a hole that nobody sees. Holds: one result per input, in order."""
    good, bad = sealed(BOB), b"\x80"
    results = open_many([bad, good, bad, good], identity=BOB.identity, contacts=EVERYBODY)
    assert [isinstance(result, PeerError) for result in results] == [True, False, True, False]


# --- SM-4: hostile input and state -----------------------------------------------------------------------------------


def test_sm_4_a_thousand_bad_ones_and_then_the_good_one() -> None:
    """Snow CVE-2024-58265, vodozemac (key burned before authentication): an unauthenticated packet moves the state.
    Holds: contacts and sealing keys are the same bytes after each refusal, and the honest message opens.
    """
    keys = SealingKeys(BOB.identity)
    honest = seal(b"text", sender=ALICE.identity, recipients=[keys.rotate(at=NOW)], at=NOW)
    contacts = Contacts(BOB.user_id)
    contacts.add(ALICE.record, name="alice")
    before = keys.encode(), contacts.encode()
    chance = random.Random(4)
    for _ in range(1000):
        data = bytearray(honest)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] ^= chance.randint(1, 255)
        with pytest.raises(PeerError):
            open_sealed(
                bytes(data[: chance.choice((None, chance.randrange(len(data))))]), identity=keys, contacts=contacts
            )
        assert (keys.encode(), contacts.encode()) == before
    assert open_sealed(honest, identity=keys, contacts=contacts).body == b"text"


# --- SM-5: keys run out ----------------------------------------------------------------------------------------------


def test_sm_5_nothing_is_used_up() -> None:
    """WhatsApp's prekeys ("Prekey Pogo", Gegenhuber et al. 2025): anybody drains one-time keys and forward secrecy
    goes silently. There are none: sealing and opening use nothing up. Whether a record is forward secret can be seen
    in it and in every envelope (P4).
    """
    keys = SealingKeys(BOB.identity)
    rotating = keys.rotate(at=NOW)
    before = keys.encode()
    envelopes = [seal(b"text", sender=MALLORY.identity, recipients=[rotating], at=NOW) for _ in range(100)]
    for envelope in envelopes:
        open_sealed(envelope, identity=keys, contacts=EVERYBODY)
        assert inspect_envelope(envelope).recipients == ((BOB.user_id, rotating.sealing_number),)
    assert keys.encode() == before
    assert (rotating.sealing_number, BOB.record.sealing_number) == (NOW, 0)


def test_sm_5_an_old_or_unsigned_record() -> None:
    """As above: a bundle whose signed key is expired or not signed. Holds: neither is sealed to, and what was sealed
    to a deleted key is Expired, without a fallback to the recoverable key.
    """
    keys = SealingKeys(BOB.identity)
    rotating = keys.rotate(at=NOW)
    with refused(InvalidArgument):
        seal(b"text", sender=ALICE.identity, recipients=[rotating], at=rotating.not_after)
    for signature in (bytes(64), MALLORY.sign(record_signed_part([]))):
        with refused(InvalidMessage):
            decoded(record(BOB, signature=signature))
    envelope = seal(b"text", sender=ALICE.identity, recipients=[rotating], at=NOW)
    assert keys.expire(at=rotating.not_after + 30 * DAY) == (NOW,)
    with refused(Expired):
        open_sealed(envelope, identity=keys, contacts=EVERYBODY)


# --- SM-6: answers that nobody asked for -----------------------------------------------------------------------------


def test_sm_6_opening_answers_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    """WhatsApp's and Signal's receipts ("Careless Whisper", Martiny et al. 2021): silent messages cause answers whose
    timing tells. Holds: no public function that reads messages takes anything to call; a stranger's message is an
    exception and nothing else.
    """
    for name, signature in callables_of_messages():
        assert "Callable" not in str(signature), name
    contacts = some_contacts()
    before = contacts.encode()
    for stranger in (sealed(BOB, sender=MALLORY), sealed(BOB, sender=None)):
        with refused(UnknownSender):
            open_sealed(stranger, identity=BOB.identity, contacts=contacts)
    assert contacts.encode() == before
    assert capfd.readouterr() == ("", "")


# --- SM-7: the sender is an output -----------------------------------------------------------------------------------


def test_sm_7_every_place_that_could_name_a_sender() -> None:
    """matrix-rust-sdk CVE-2025-48937, Signal Android (RWC 2026), LINE groups: the displayed sender was an input.
    Mallory names Alice in the content type, in the text, in the inner field. Holds: the sender is who signed, or
    nobody (P2).
    """
    named = [f"text/plain; from={ALICE.user_id}", NOW, b"from: " + ALICE.id]
    message = open_sealed(forge(MALLORY, to(BOB), inner=named), identity=BOB.identity, contacts=EVERYBODY)
    assert message.sender == MALLORY.user_id
    for inner in (CONTENT, named):
        with refused(InvalidMessage):
            opened_by(BOB)(forge(MALLORY, to(BOB), inner=inner, sender=ALICE.id))
    with refused(InvalidMessage):
        opened_by(BOB)(forge(MALLORY, to(BOB), sender=ALICE.id + MALLORY.id))
    parameters = inspect.signature(open_sealed).parameters
    assert not [name for name in parameters if "sender" in name or "expected" in name]


def test_sm_7_unsigned_is_nobodys() -> None:
    """As above: an anonymous message shown under a name. Holds: refused unless asked for, and then without sender and
    recipients; half a proof of a sender is none (P2).
    """
    unsigned = sealed(BOB, sender=None)
    with refused(UnknownSender) as caught:
        opened_by(BOB)(unsigned)
    assert isinstance(caught.value, UnknownSender)
    assert caught.value.sender is None
    message = open_sealed(unsigned, identity=BOB.identity, contacts=EVERYBODY, allow_anonymous=True)
    assert (message.sender, message.recipients) == (None, None)
    for half in (forge(ALICE, to(BOB), sign=None), forge(ALICE, to(BOB), sender=None)):
        with refused(InvalidMessage):
            opened_by(BOB, anonymous=True)(half)


def test_sm_7_a_signature_is_taken_off() -> None:
    """As above: a reader takes Alice's name off her message and passes it to the others of its audience. Any reader
    can; what is left is unsigned, refused by default, and nowhere says Alice (P2).
    """
    envelope = sealed(BOB, CAROL)
    stripped = with_body(envelope, BOB, pad(cbor([insight(envelope, BOB).inner, None, None])))
    with refused(UnknownSender):
        opened_by(CAROL)(stripped)
    message = open_sealed(stripped, identity=CAROL.identity, contacts=EVERYBODY, allow_anonymous=True)
    assert (message.sender, message.recipients) == (None, None)
    assert message.message_id != inspect_envelope(envelope).message_id


def test_sm_7_a_stranger_is_not_a_contact() -> None:
    """As above: authentic, from somebody whom the caller does not know. Holds: UnknownSender with the verified id, and
    no text, whatever the form in which the caller says whom it knows.
    """
    envelope = sealed(BOB, sender=MALLORY)
    for contacts in ([], [ALICE.user_id], {ALICE.record}, (UserId(CAROL.id),), some_contacts()):
        with refused(UnknownSender) as caught:
            open_sealed(envelope, identity=BOB.identity, contacts=contacts)
        assert isinstance(caught.value, UnknownSender)
        assert caught.value.sender == MALLORY.id
        assert "meet" not in str(vars(caught.value))


# --- SM-10: another text under a shared key --------------------------------------------------------------------------


def test_sm_10_a_reader_replaces_the_text() -> None:
    """OMEMO 2016 (Verschoor), PGP-style hybrids: every reader knows the content key and can encrypt another text under
    it, with all entries as they are. Holds: the signature covers the text's digest; what Bob signs himself is Bob's,
    to the readers that were named, under another id (P2, P7).
    """
    envelope = sealed(BOB, CAROL)
    seen = insight(envelope, BOB)
    other = ["text/plain", NOW, b"meet at nine"]
    for sender, signature in (
        (ALICE.id, seen.signature),
        (ALICE.id, BOB.sign(b"text")),
        (BOB.id, seen.signature),
        (MALLORY.id, seen.signature),
    ):
        replaced_text = with_body(envelope, BOB, pad(cbor([other, sender, signature])))
        for data in (replaced_text, letter_for(CAROL, replaced_text)):
            with refused(InvalidMessage):
                opened_by(CAROL)(data)

    wire = Wire.of(envelope)
    nonce, secret = wire.nonce, seen.content_secret
    own = forge(BOB, to(BOB, CAROL), inner=other, nonce=nonce, secret=secret)
    assert Wire.of(own).header == wire.header
    wire.body = Wire.of(own).body
    message = open_sealed(wire.encode(), identity=CAROL.identity, contacts=EVERYBODY)
    assert message.sender == BOB.user_id
    assert set(message.recipients or ()) == {user_id for user_id, _ in letters(envelope)}
    assert message.message_id != inspect_envelope(envelope).message_id
