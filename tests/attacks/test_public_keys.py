"""Attacks on keys and signatures, PR-1 … PR-4 of the catalogue (README.md in this folder)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from cryptography.exceptions import InvalidTag

from siegel import Contacts, Identity, SealingKeys, Succession, UserId, inspect_envelope, open_sealed, seal
from siegel._core.suite import sign, verify
from siegel.errors import InvalidArgument, InvalidMessage, MalformedError
from siegel.identity import signing_key
from tests.attacks import curves
from tests.attacks.artefacts import SUCCESSION, opened_by, sealed
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    EVERYBODY,
    HPKE,
    MALLORY,
    NOW,
    Wire,
    always,
    cbor,
    decoded,
    entry_info,
    forge,
    insight,
    pad,
    record,
    record_signed_part,
    refused,
    seal_entry,
    to,
    unsealing_key,
    with_body,
)
from tests.attacks.handmade_hpke import seal_with_ephemeral
from tests.attacks.interface import public_callables
from tests.attacks.mutations import field, other_forms, replaced

# --- PR-1: X25519 ----------------------------------------------------------------------------------------------------

LOW_ORDER = [
    bytes(32),
    b"\1" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    *((curves.P + offset).to_bytes(32, "little") for offset in (-1, 0, 1)),
]
ALIASES = [(curves.P + u).to_bytes(32, "little") for u in range(2, 19)]  # 9 + p among them: the base point


def top_bit(u: bytes) -> bytes:
    return u[:31] + bytes((u[31] | 128,))


NOT_A_KEY = [*LOW_ORDER, *ALIASES, *map(top_bit, [*LOW_ORDER, b"\x09" + bytes(31), ALICE.sealing_key[1184:]])]


@pytest.mark.parametrize("u", NOT_A_KEY, ids=bytes.hex)
def test_pr_1_low_order_and_alias_keys(u: bytes) -> None:
    """vodozemac, hpke-rs RUSTSEC-2026-0072, Wire Proteus: a low-order key forces a known secret; u + p and the ignored
    top bit give one key several names. Holds: a correctly self-signed record with such a key is malformed (P3, P10).
    """
    with refused(MalformedError) as caught:
        decoded(record(MALLORY, sealing_key=MALLORY.sealing_key[:1184] + u))
    assert "sealing key" in str(caught.value)


def test_pr_1_a_torsioned_twin_opens_nothing() -> None:
    """As above: a twin with a point of order eight added agrees on the same X25519 secrets under other bytes. The
    parse does not refuse it, and being other bytes it is not reported as shared. Holds: the KEM hashes the key's
    bytes, so what is sealed to the twin does not open with the original, not even with the info of the twin's owner.
    """
    twin = curves.torsioned_twin(ALICE.sealing_key[1184:])
    mallory = decoded(record(MALLORY, sealing_key=ALICE.sealing_key[:1184] + twin))
    contacts = Contacts()
    contacts.add(ALICE.record)
    assert contacts.add(mallory) == ()

    key = unsealing_key(ALICE.sealing_seed)
    copied = decoded(record(MALLORY, sealing_key=ALICE.sealing_key))
    for published, opens in ((copied, True), (mallory, False)):
        wire = Wire.of(seal(b"text", sender=BOB.identity, recipients=[published], at=NOW))
        info = entry_info(wire.header, MALLORY.id, 0)
        if opens:
            assert len(HPKE.decrypt(wire.entries[0][2], key, info)) == 32
        else:
            with pytest.raises(InvalidTag):
                HPKE.decrypt(wire.entries[0][2], key, info)


def test_pr_1_an_ephemeral_of_low_order() -> None:
    """As above, in the ciphertext: an ephemeral that makes the X25519 half of the secret all zero, everything else
    done right. Holds: InvalidMessage. Control: the same hand with an honest ephemeral is opened.
    """
    envelope = sealed(BOB)
    secret = insight(envelope, BOB).content_secret

    def with_entry(entry: list[object]) -> bytes:
        wire = Wire.of(envelope)
        wire.entries[0] = entry
        return wire.encode()

    header = Wire.of(envelope).header
    assert opened_by(BOB)(with_entry(seal_with_ephemeral(header, BOB.to, secret)))
    for u in LOW_ORDER:
        for ephemeral in (u, top_bit(u)):
            with refused(InvalidMessage):
                opened_by(BOB)(with_entry(seal_with_ephemeral(header, BOB.to, secret, ephemeral=ephemeral)))


def test_pr_1_an_alias_of_an_honest_ephemeral() -> None:
    """As above: the server sets the ignored top bit of the ephemeral. Holds: the KEM hashes it."""
    wire = Wire.of(sealed(BOB))
    sealed_secret = wire.entries[0][2]
    wire.entries[0][2] = sealed_secret[:1088] + top_bit(sealed_secret[1088:1120]) + sealed_secret[1120:]
    with refused(InvalidMessage):
        opened_by(BOB)(wire.encode())


# --- PR-2: Ed25519 ---------------------------------------------------------------------------------------------------

SMALL = curves.small_order_encodings()
NEUTRAL = curves.encode(curves.NEUTRAL)
SCALAR = curves.secret_scalar(MALLORY.signing_seed)
MIXED = curves.encode(curves.add(curves.multiply(SCALAR, curves.BASE), curves.TORSION))


def spoof(sender: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """A message to Bob by anybody, which says that ``sender`` signed it."""
    return forge(MALLORY, to(BOB), sender=sender, sign=sign)


@pytest.mark.parametrize("a", SMALL, ids=bytes.hex)
def test_pr_2_small_order_user_id(a: bytes) -> None:
    """EdDSA verifiers (ePrint 2020/1244), CVE-2025-69277: under a key of small order anybody signs anything; pyca's
    verifier accepts it. Holds: no such id is parsed, no record bears it, no message comes from it, even if the caller
    has it among the contacts (P2).
    """
    fields = [a, MALLORY.sealing_key, 0, NOW, NOW + 1]
    signature = curves.find_accepted(0, a, record_signed_part(fields), twists=8)
    with refused(MalformedError):
        decoded(cbor([1, 1, *fields, signature]))
    with refused(MalformedError):
        UserId.parse(str(UserId(a)))
    forged = spoof(a, lambda text: curves.find_accepted(0, a, text, twists=8))
    with refused(InvalidMessage):
        open_sealed(forged, identity=BOB.identity, contacts=[UserId(a)])
    for place in (2, 3):
        with refused(MalformedError):
            Succession.decode(replaced(SUCCESSION.data, (place,), a))


def test_pr_2_universal_forgery() -> None:
    """As above, appendix D: A = R = the neutral element, S = 0 fits every text. Holds: InvalidMessage."""
    assert all(curves.naive_verify(NEUTRAL, text, NEUTRAL + bytes(32)) for text in (b"", b"any", b"text"))
    for text in (b"", b"any", b"text"):
        with refused(InvalidMessage):
            verify(NEUTRAL, text, NEUTRAL + bytes(32))
    with refused(InvalidMessage):
        open_sealed(
            spoof(NEUTRAL, always(NEUTRAL + bytes(32))), identity=BOB.identity, contacts=[UserId(NEUTRAL), *EVERYBODY]
        )


def test_pr_2_mixed_order_user_id() -> None:
    """As above: a key with a torsion part has signatures that some verifiers accept and others do not, so two clients
    see two histories. Holds: only keys of prime order are keys (P7).
    """
    fields = [MIXED, MALLORY.sealing_key, 0, NOW, NOW + 1]
    with refused(MalformedError):
        decoded(cbor([1, 1, *fields, curves.find_accepted(SCALAR, MIXED, record_signed_part(fields))]))
    forged = spoof(MIXED, lambda text: curves.find_accepted(SCALAR, MIXED, text))
    with refused(InvalidMessage):
        open_sealed(forged, identity=BOB.identity, contacts=[UserId(MIXED)])


def test_pr_2_small_or_mixed_r() -> None:
    """As above, in the signature: an honest key's owner signs with R of small or mixed order, which OpenSSL or noble
    accept. Holds: InvalidMessage; one verdict for all. Control: the same hand with an ordinary R is accepted.
    """
    ordinary = spoof(MALLORY.id, lambda text: curves.signature_of(SCALAR, MALLORY.id, text, r=12345))
    assert open_sealed(ordinary, identity=BOB.identity, contacts=EVERYBODY).sender == MALLORY.user_id
    for r, twist in ((0, 0), (0, 1), (0, 4), (12345, 1), (12345, 4)):
        point = curves.multiply(twist, curves.TORSION)
        sign = partial(curves.signature_of, SCALAR, MALLORY.id, r=r, twist=point)
        forged = spoof(MALLORY.id, sign)
        with refused(InvalidMessage):
            opened_by(BOB)(forged)


def test_pr_2_a_key_that_is_not_canonical() -> None:
    """As above: y + p names the point y once more. Holds: no such encoding is a user id (P10)."""
    for y in range(2, 19):
        alias = (y + curves.P).to_bytes(32, "little")
        for a in (alias, top_bit(alias)):
            with refused(MalformedError):
                UserId.parse(str(UserId(a)))


# --- PR-3: two signatures of one text --------------------------------------------------------------------------------


def test_pr_3_s_plus_l() -> None:
    """libolm CVE-2024-45193, vodozemac before 0.10: S + L is a second signature that anybody can compute, and splits
    whatever is named by its signature. Holds: refused in every signed thing, also when a reader who can re-encrypt the
    body puts it there (P7, P10).
    """
    fields = [BOB.id, BOB.sealing_key, 0, NOW, NOW + 1]
    signature = BOB.sign(record_signed_part(fields))
    malleable = curves.plus_order(signature)
    assert curves.naive_verify(BOB.id, record_signed_part(fields), malleable)
    with refused(InvalidMessage):
        decoded(cbor([1, 1, *fields, malleable]))
    for place in (5, 6):
        other = curves.plus_order(field(SUCCESSION.data, (place,)))
        with refused(InvalidMessage):
            Succession.decode(replaced(SUCCESSION.data, (place,), other))

    envelope = sealed(BOB, CAROL)
    seen = insight(envelope, BOB)
    assert seen.signature is not None
    assert with_body(envelope, BOB, pad(cbor([seen.inner, seen.sender, seen.signature]))) == envelope
    with refused(InvalidMessage):
        body = pad(cbor([seen.inner, seen.sender, curves.plus_order(seen.signature)]))
        opened_by(CAROL)(with_body(envelope, BOB, body))


def test_pr_3_the_id_does_not_depend_on_the_way() -> None:
    """As above: ids that a server or reader can vary. Holds: sealing the same secret again, in other entries, leaves
    the message id as it is, for envelopes and letters alike (P7).
    """
    envelope = sealed(BOB, CAROL)
    secret = insight(envelope, BOB).content_secret
    wire = Wire.of(envelope)
    wire.entries = [seal_entry(wire.header, person.to, secret) for person in (BOB, CAROL)]
    again = wire.sort().encode()
    assert again != envelope
    assert opened_by(CAROL)(again) == opened_by(CAROL)(envelope)
    assert inspect_envelope(again).message_id == inspect_envelope(envelope).message_id


def test_pr_3_only_the_signer_makes_a_second_id() -> None:
    """As above: one text, signed twice under one header. Holds: its signer can, and makes two messages with two ids,
    each authentic; a reader who re-encrypts what he knows gets the same bytes back, or is refused (P7).
    """
    scalar = curves.secret_scalar(ALICE.signing_seed)
    first, second = (
        forge(ALICE, to(BOB, CAROL), sign=partial(curves.signature_of, scalar, ALICE.id, r=r)) for r in (1001, 1002)
    )
    assert Wire.of(first).header == Wire.of(second).header
    messages = [open_sealed(data, identity=CAROL.identity, contacts=EVERYBODY) for data in (first, second)]
    assert {message.sender for message in messages} == {ALICE.user_id}
    assert len({message.message_id for message in messages}) == 2

    seen = insight(first, BOB)
    content = [seen.inner, seen.sender, seen.signature]
    assert with_body(first, BOB, pad(cbor(content))) == first
    forms = [data for _, _, data in other_forms(content)]
    for plaintext in [*map(pad, forms), pad(cbor(content) + b"\0"), pad(cbor(content)) + bytes(64)]:
        with refused(InvalidMessage, MalformedError):
            opened_by(CAROL)(with_body(first, BOB, plaintext))


# --- PR-4: a pair of keys as arguments -------------------------------------------------------------------------------


PRIVATE = {"identity", "old", "secret", "seed", "sender", "text", "words"}
PUBLIC_HALF = {"public", "public_key", "signing_key", "sealing_key", "user_id", "key", "pair", "keypair", "verify_key"}


def test_pr_4_no_function_takes_a_pair() -> None:
    """ed25519-dalek before 2 (RUSTSEC-2022-0093) and dozens: signing under a public key that the caller supplies gives
    away the secret scalar. Holds: no public function takes a secret and its public half.
    """
    callables = dict(public_callables())
    assert len(callables) > 40, "the reader sees the interface"
    for name, signature in callables.items():
        names = set(signature.parameters)
        assert not (names & PRIVATE and names & PUBLIC_HALF), name


def test_pr_4_a_foreign_public_half_is_not_used() -> None:
    """As above. Holds: 64-byte pairs are refused; a signature does not change with what an object says about its
    public half, so two signatures with one R cannot be had; stored keys are seeds alone, the public half is computed.
    """
    for pair in (BOB.secret + ALICE.id, BOB.signing_seed + BOB.id):
        with refused(InvalidArgument):
            Identity.from_secret(pair)

    text = b"text"
    mixed = Identity.from_secret(BOB.secret)
    honest = sign(signing_key(mixed), text)
    mixed.user_id = ALICE.user_id
    signing_key(mixed).public = ALICE.id
    assert sign(signing_key(mixed), text) == honest == BOB.sign(text)

    keys = SealingKeys(BOB.identity)
    published = field(keys.rotate(at=NOW).encode(), (3,))
    assert published[:64] not in keys.encode()
    assert published[1184:] not in keys.encode()
