"""Attacks on identities and directories, ID-2 … ID-8 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import pytest

from siegel import (
    Contacts,
    ContactState,
    Identity,
    SealingKeys,
    Succession,
    open_sealed,
    safety_number,
    seal,
)
from siegel.errors import (
    Expired,
    IdentityChanged,
    InvalidArgument,
    InvalidMessage,
    MalformedError,
    NotARecipient,
    NotPermitted,
    Superseded,
)
from siegel.events import ForkDetected, SealingKeyShared, SuccessionClaimed
from tests.attacks.artefacts import (
    ENVELOPE,
    LETTER,
    PRIVATE_LETTER,
    Artefact,
    opened_by,
    sealed,
    some_contacts,
)
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    DAY,
    EVERYBODY,
    HOUR,
    MALLORY,
    NOW,
    Person,
    Wire,
    decoded,
    record,
    record_signed_part,
    refused,
)
from tests.attacks.mutations import arrays, field, replaced

# --- ID-2: the key is swapped ----------------------------------------------------------------------------------------


def test_id_2_a_verified_contact_is_swapped() -> None:
    """WhatsApp (Albrecht, Dowling, Jones 2025; Boelter 2016), matrix-rust-sdk CVE-2024-52813. The server resets an
    identity and the client goes on. Holds: a hard stop in both directions, sticky, also over a restart and when the
    old record returns; accepting makes it pinned, never verified (P1, P2).
    """
    contacts = Contacts(ALICE.user_id)
    contacts.add(BOB.record, name="bob")
    contacts.verify(BOB.user_id, safety_number(BOB.user_id, ALICE.user_id))
    assert contacts.state(BOB.user_id) is ContactState.VERIFIED

    with refused(IdentityChanged):
        contacts.add(MALLORY.record, name="bob")
    contacts.add(BOB.record, name="bob")
    contacts = Contacts.decode(contacts.encode())
    assert contacts.state(BOB.user_id) is ContactState.VIOLATED
    with refused(IdentityChanged):
        contacts.get(BOB.user_id)
    from_bob = seal(b"text", sender=BOB.identity, recipients=[ALICE.record], at=NOW)
    with refused(IdentityChanged):
        open_sealed(from_bob, identity=ALICE.identity, contacts=contacts)

    contacts.accept(MALLORY.record, name="bob")
    assert contacts.get("bob") == MALLORY.record
    assert contacts.state(MALLORY.user_id) is ContactState.PINNED
    assert contacts.state(BOB.user_id) is ContactState.VIOLATED


def test_id_2_a_newer_record_does_not_clear_a_violation() -> None:
    """As above; the server then relays an honest new record of the same user. Holds: only a person's act ends a
    violation.
    """
    contacts = Contacts(ALICE.user_id)
    contacts.add(BOB.record, name="bob")
    with refused(IdentityChanged):
        contacts.add(MALLORY.record, name="bob")
    contacts.add(BOB.identity.public(at=NOW + 1))
    assert contacts.state(BOB.user_id) is ContactState.VIOLATED


def test_id_2_verification_needs_our_own_identity() -> None:
    """matrix-rust-sdk CVE-2024-40648: "verified" was true whatever the own identity's state. Holds: nobody becomes
    verified by contacts that do not know whose they are, or by another pair's number.
    """
    nobodys = Contacts()
    nobodys.add(BOB.record)
    with refused(InvalidArgument):
        nobodys.verify(BOB.user_id, safety_number(ALICE.user_id, BOB.user_id))
    carols = Contacts(CAROL.user_id)
    carols.add(BOB.record)
    with refused(IdentityChanged):
        carols.verify(BOB.user_id, safety_number(ALICE.user_id, BOB.user_id))
    assert nobodys.state(BOB.user_id) is carols.state(BOB.user_id) is ContactState.PINNED


# --- ID-3: one thing signed, another thing read ----------------------------------------------------------------------


def test_id_3_a_record_under_another_users_id() -> None:
    """matrix-js-sdk CVE-2022-39250: a device whose id was the user's own master key. Holds: an id *is* a signing key
    of fixed length and the record is signed by it; nobody else's signature makes it theirs (P2). The matrix of labels
    is PR-5's.
    """
    with refused(InvalidMessage):
        decoded(record(MALLORY, user_id=ALICE.id))
    for other in (ALICE.sealing_key[:32], ALICE.sealing_key[-32:], b"@alice:example.org".ljust(32)):
        with refused(InvalidMessage, MalformedError):
            decoded(record(MALLORY, user_id=other))


# --- ID-4: the victim's key under one's own name ---------------------------------------------------------------------


def test_id_4_alices_sealing_key_under_mallorys_name() -> None:
    """TextSecure and Olm unknown key share (Frosch et al. 2016, NCC 2016). Mallory publishes Alice's sealing key as
    her own. Holds: it is reported, both records are kept, and what is sealed to "Mallory" does not open as Alice's:
    the HPKE info binds the user id (P1, P2).
    """
    squatted = decoded(record(MALLORY, sealing_key=ALICE.sealing_key))
    contacts = Contacts(BOB.user_id)
    contacts.add(ALICE.record)
    assert contacts.add(squatted) == (SealingKeyShared(MALLORY.user_id, ALICE.user_id),)
    assert contacts.get(ALICE.user_id) == ALICE.record

    envelope = seal(b"text", sender=BOB.identity, recipients=[squatted], at=NOW)
    with refused(NotARecipient):
        opened_by(ALICE)(envelope)
    wire = Wire.of(envelope)
    wire.entries[0][0] = ALICE.id
    with refused(MalformedError):
        opened_by(ALICE)(wire.encode())
    with refused(InvalidMessage):
        opened_by(ALICE)(wire.recount().encode())


def test_id_4_mallorys_sealing_key_under_alices_name() -> None:
    """As above, the other way round. Holds: without Alice's signature over user id and both keys there is no record."""
    with refused(InvalidMessage):
        decoded(record(MALLORY, user_id=ALICE.id, sealing_key=MALLORY.sealing_key))
    own = replaced(ALICE.record.encode(), (3,), MALLORY.sealing_key)
    with refused(InvalidMessage):
        decoded(own)


def test_id_4_an_envelope_is_routed_to_somebody_else() -> None:
    """As above: the server delivers what Alice sealed to Mallory to Bob, as if meant for him. Holds: ids stand under
    the signed root and in the info of each entry (P1).
    """
    envelope = sealed(MALLORY)
    with refused(NotARecipient):
        opened_by(BOB)(envelope)
    wire = Wire.of(envelope)
    wire.entries[0][0] = BOB.id
    with refused(MalformedError):
        opened_by(BOB)(wire.encode())
    with refused(InvalidMessage):
        opened_by(BOB)(wire.recount().encode())


# --- ID-5: hearsay ---------------------------------------------------------------------------------------------------


def test_id_5_an_introduction_does_not_move_a_pin() -> None:
    """Delta Chat (Song, Mareková, Paterson 2024). Keys gossiped by third parties were trusted. The one statement here
    that introduces a key is a succession. Holds: it is an event; the pinned record stays, the new user is not pinned
    by it, and nothing is sealed to either until a person decides.
    """
    contacts = Contacts(BOB.user_id)
    contacts.add(CAROL.record, name="carol")
    events = contacts.succeed(Succession.create(old=CAROL.identity, new=MALLORY.identity, at=NOW))
    assert events == (SuccessionClaimed(CAROL.user_id, MALLORY.user_id),)
    assert list(contacts) == [CAROL.user_id]
    assert contacts.state(CAROL.user_id) is ContactState.VIOLATED
    with refused(IdentityChanged):
        contacts.get("carol")


@pytest.mark.parametrize("artefact", [ENVELOPE, LETTER, PRIVATE_LETTER], ids=lambda artefact: artefact.name)
def test_id_5_there_is_no_outer_sender(artefact: Artefact) -> None:
    """As above: an unauthenticated outer header beside the authenticated inner one. Holds: no array of an envelope or
    letter has room for one more item, whatever its place (P2, P10).
    """
    for path in arrays(artefact.data):
        for extra in (MALLORY.id, ["from", MALLORY.id]):
            with refused(MalformedError):
                artefact.read(replaced(artefact.data, path, [*field(artefact.data, path), extra]))


# --- ID-6: weak and shared keys --------------------------------------------------------------------------------------


def test_id_6_the_key_of_the_all_zero_secret() -> None:
    """WhatsApp's directory (Gegenhuber et al., NDSS 2026): many accounts with one X25519 key, from broken clients.
    Holds: the public key of the all-zero secret is refused, though correctly self-signed; one sealing key under two
    ids is reported with both names and both are kept (refusing would let a squatter lock the owner out).
    """
    zero = bytes.fromhex("2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74")
    with refused(MalformedError) as caught:
        decoded(record(MALLORY, sealing_key=MALLORY.sealing_key[:1184] + zero))
    assert "sealing key" in str(caught.value)

    contacts = Contacts()
    contacts.add(ALICE.record)
    contacts.add(decoded(record(BOB, sealing_key=ALICE.sealing_key)))
    reported = contacts.add(decoded(record(CAROL, sealing_key=ALICE.sealing_key)))
    assert set(reported) == {
        SealingKeyShared(CAROL.user_id, ALICE.user_id),
        SealingKeyShared(CAROL.user_id, BOB.user_id),
    }
    assert len(contacts) == 3


# --- ID-7: the second instance ---------------------------------------------------------------------------------------


def test_id_7_an_import_carries_no_rotating_key() -> None:
    """Threema's ID export (Paterson, Scarlata, Truong 2023, attack 6). Holds: the exported secret is 32 bytes from
    which no rotating key follows: what was sealed to one opens on the exporting device alone (P4).
    """
    keys = SealingKeys(BOB.identity)
    envelope = seal(b"text", sender=ALICE.identity, recipients=[keys.rotate(at=NOW)], at=NOW)
    assert open_sealed(envelope, identity=keys, contacts=EVERYBODY).body == b"text"
    for imported in (Identity.from_words(BOB.identity.words()), Identity.parse(BOB.identity.reveal())):
        for holder in (imported, SealingKeys(imported)):
            with refused(Expired):
                open_sealed(envelope, identity=holder, contacts=EVERYBODY)


def test_id_7_what_leaves_the_device_holds_no_secret() -> None:
    """As above: the export held more than it said. Holds: no public artefact and no state but the one documented to
    hold secrets contains any derived secret.
    """
    keys = SealingKeys(BOB.identity)
    rotating = keys.rotate(at=NOW)
    seed = field(keys.encode(), (5, 0, 1))
    shown = [rotating.encode(), BOB.record.encode(), some_contacts().encode(), sealed(ALICE, sender=BOB)]
    secrets = [seed, BOB.secret, *map(BOB.derive, ("sign", "seal", "store", "backup", "index", "hedge"))]
    assert all(secret not in text for secret in secrets for text in shown)


def test_id_7_a_clone_is_noticed() -> None:
    """Clone detection (Cremers et al., CCS 2020). A copied state rotates on two devices at one instant. Holds: whoever
    sees both records gets IdentityChanged, in either order; neither silently replaces the other.
    """
    state = SealingKeys(BOB.identity).encode()
    first, second = (SealingKeys.decode(state, identity=BOB.identity).rotate(at=NOW) for _ in range(2))
    for one, other in ((first, second), (second, first)):
        contacts = Contacts()
        contacts.add(one)
        with refused(IdentityChanged):
            contacts.add(other)
        with refused(IdentityChanged):
            contacts.get(BOB.user_id)


# --- ID-8: old, expired, never verified ------------------------------------------------------------------------------


def test_id_8_an_old_record_is_served_again() -> None:
    """Keybase (NCC 2018), sequoia-git RUSTSEC-2026-0109. The server rolls a user back to a key that was replaced.
    Holds: Superseded, also over a restart and by ``accept``; the state is the same bytes.
    """
    records = [BOB.identity.public(at=NOW + age) for age in range(3)]
    contacts = Contacts()
    contacts.add(records[2])
    before = contacts.encode()
    contacts = Contacts.decode(before)
    for old in records[:2]:
        for take in (contacts.add, contacts.accept):
            with refused(Superseded):
                take(old)
    assert contacts.encode() == before


def test_id_8_two_records_of_one_instant() -> None:
    """As above: a second history at the place of the first. Holds: IdentityChanged, and the first record is kept."""
    contacts = Contacts()
    contacts.add(BOB.record)
    rival = decoded(record(BOB, not_after=NOW + 91 * DAY))
    with refused(IdentityChanged):
        contacts.add(rival)
    assert contacts.state(BOB.user_id) is ContactState.VIOLATED
    assert BOB.record.encode() in contacts.encode()
    assert rival.encode() not in contacts.encode()


def test_id_8_an_unverified_record_is_never_kept() -> None:
    """python-tuf CVE-2020-15163: metadata that failed its check was used after the next start. Holds: a record with a
    bad signature is no object; a stored state is checked again record by record.
    """
    bad = record(BOB, issued_at=NOW + 1, signature=MALLORY.sign(record_signed_part([BOB.id])))
    with refused(InvalidMessage):
        decoded(bad)
    contacts = Contacts()
    contacts.add(BOB.record)
    with refused(InvalidMessage):
        Contacts.decode(replaced(contacts.encode(), (2, 0, 0), bad))


def test_id_8_an_ended_record_is_not_used() -> None:
    """As above: a revocation withheld for ever. Holds: records end; the end is checked at decode and again at seal."""
    last = BOB.record.not_after
    assert decoded(BOB.record.encode(), at=last - 1) == BOB.record
    with refused(Expired):
        decoded(BOB.record.encode(), at=last)
    with refused(InvalidArgument):
        seal(b"text", sender=ALICE.identity, recipients=[BOB.record], at=last)


def test_id_8_a_record_from_the_future() -> None:
    """A thief of the key dates a record years ahead, so that no honest one ever outranks it. Holds: more than 24 h
    ahead of the clock is NotPermitted, and a sealing number cannot be younger than its record.
    """
    decoded(record(BOB, issued_at=NOW + 24 * HOUR, not_after=NOW + 2 * DAY))
    with refused(NotPermitted):
        decoded(record(BOB, issued_at=NOW + 24 * HOUR + 1, not_after=NOW + 2 * DAY))
    with refused(MalformedError):
        decoded(record(BOB, number=NOW + 1))


def test_id_8_two_successors() -> None:
    """As above: the thief of an old key names another heir. Holds: a fork with both signed records as evidence,
    whatever came first, and the contact stays violated.
    """
    honest = Succession.create(old=BOB.identity, new=Person("bob, new").identity, at=NOW)
    stolen = Succession.create(old=BOB.identity, new=MALLORY.identity, at=NOW)
    for first, second in ((honest, stolen), (stolen, honest)):
        contacts = Contacts()
        contacts.add(BOB.record)
        contacts.succeed(first)
        contacts = Contacts.decode(contacts.encode())
        assert contacts.succeed(second) == (ForkDetected(BOB.user_id, (first.encode(), second.encode())),)
        assert contacts.state(BOB.user_id) is ContactState.VIOLATED
        assert all(Succession.decode(proof).old == BOB.user_id for proof in (first.encode(), second.encode()))
