"""Attacks on how keys are made and used, PR-5 … PR-7 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import nacl.bindings as sodium
import pytest

import siegel
from siegel import Identity, SealingKeys, Succession, UserId, open_sealed
from siegel._core.labels import Label
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError, StateError, UnsupportedVersion
from siegel.groups.certificate import Certificate
from siegel.groups.operations import LeaveStatement, Operation
from tests.attacks.artefacts import (
    ARTEFACTS,
    CHAIN,
    EPOCH_KEY,
    GROUP_ID,
    HEAD,
    RECORD,
    STATES,
    SUCCESSION,
    broadcast_read,
    message_read,
    opened_by,
    sealed,
)
from tests.attacks.attacker import (
    ALICE,
    BOB,
    EVERYBODY,
    MALLORY,
    NONCE,
    NOW,
    always,
    cbor,
    decoded,
    forge,
    insight,
    pad,
    refused,
    to,
    with_body,
)
from tests.attacks.group_wire import broadcast, leave_statement, operation, removal
from tests.attacks.mutations import field

# --- PR-5: one key in two protocols ----------------------------------------------------------------------------------

LABELS = [label.text for label in Label]


def relabelled(text: bytes, label: str) -> bytes:
    """The same items under another label."""
    _, items = text.split(b"\0", 1)
    return label.encode() + b"\0" + items


def record_under(label: str) -> object:
    fields = [ALICE.id, ALICE.sealing_key, 0, NOW, NOW + 1]
    text = b"siegel/1 public identity\0" + cbor([1, 1, *fields])
    return decoded(cbor([1, 1, *fields, ALICE.sign(relabelled(text, label))]))


def succession_under(label: str) -> object:
    fields = [ALICE.id, BOB.id, NOW]
    text = relabelled(b"siegel/1 succession\0" + cbor([8, 1, *fields]), label)
    return Succession.decode(cbor([8, 1, *fields, ALICE.sign(text), BOB.sign(text)]))


def message_under(label: str) -> object:
    return opened_by(BOB)(forge(ALICE, to(BOB), sign=lambda text: ALICE.sign(relabelled(text, label))))


def certificate_under(label: str) -> object:
    return Certificate.decode(CHAIN.certificate(lambda text: ALICE.sign(relabelled(text, label))))


def operation_under(label: str) -> object:
    action = removal(BOB.id, EPOCH_KEY)
    return Operation(operation(ALICE, GROUP_ID, HEAD, 3, action, sign=lambda text: ALICE.sign(relabelled(text, label))))


def leave_under(label: str) -> object:
    return LeaveStatement(leave_statement(ALICE, GROUP_ID, HEAD, sign=lambda text: ALICE.sign(relabelled(text, label))))


def broadcast_under(label: str) -> object:
    said = broadcast(ALICE, GROUP_ID, HEAD, EPOCH_KEY, b"", sign=lambda text: ALICE.sign(relabelled(text, label)))
    return broadcast_read(said)


def group_message_under(label: str) -> object:
    message = CHAIN.write(b"meet at noon", index=0)
    return message_read(message.signed(lambda text: CHAIN.sign(relabelled(text, label))).encode())


SIGNED: dict[str, Callable[[str], object]] = {
    "siegel/1 public identity": record_under,
    "siegel/1 succession": succession_under,
    "siegel/1 message signature": message_under,
    "siegel/1 chain certificate": certificate_under,
    "siegel/1 roster operation": operation_under,
    "siegel/1 leave statement": leave_under,
    "siegel/1 broadcast signature": broadcast_under,
    "siegel/1 group signature": group_message_under,
}


def test_pr_5_labels_are_unique_and_prefix_free() -> None:
    """Threema's "kompromat" (Paterson, Scarlata, Truong 2023), Nostr NIP-04 and NIP-46: what one protocol makes,
    another accepts. Holds: every use has its own label, and none is the beginning of another (P10).
    """
    assert len(set(LABELS)) == len(LABELS) >= 18
    for one in LABELS:
        assert one.startswith("siegel/1 ")
        assert one.isascii()
        assert not any(one != other and other.startswith(one) for other in LABELS)
        assert "\0" not in one  # the byte that ends it


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("signed", SIGNED)
def test_pr_5_a_signature_counts_for_one_thing(signed: str, label: str) -> None:
    """As above, and ID-3: the matrix of everything signed against every label. Each cell is a correct signature over
    the right items; only the label of that very thing makes it count (P10).
    """
    if label == signed:
        assert SIGNED[signed](label) is not None
    else:
        with refused(InvalidMessage):
            SIGNED[signed](label)


def test_pr_5_signatures_cannot_be_moved() -> None:
    """As above, with signatures that Alice really made. Holds: each fits the thing that she signed, at its place."""
    seen = insight(sealed(BOB), BOB)
    made = {
        "record": field(RECORD.data, (7,)),
        "old": field(SUCCESSION.data, (5,)),
        "new": field(SUCCESSION.data, (6,)),
        "message": seen.signature,
    }
    for name, signature in made.items():
        if name != "record":
            with refused(InvalidMessage):
                decoded(cbor([*_fields(RECORD.data, 7), signature]))
        if name != "message":
            with refused(InvalidMessage):
                opened_by(BOB)(forge(ALICE, to(BOB), sign=always(signature)))
        if name != "old":
            with refused(InvalidMessage):
                Succession.decode(cbor([*_fields(SUCCESSION.data, 5), signature, made["new"]]))
        if name != "new":
            with refused(InvalidMessage):
                Succession.decode(cbor([*_fields(SUCCESSION.data, 6), signature]))


def _fields(data: bytes, count: int) -> list[object]:
    return [field(data, (i,)) for i in range(count)]


def test_pr_5_an_artefact_opens_one_door() -> None:
    """As above, over everything that is made of bytes or text: no artefact is accepted where another is expected."""
    doors = {artefact.read: artefact.name for artefact in ARTEFACTS + STATES}
    for artefact in ARTEFACTS + STATES:
        for read, name in doors.items():
            same_door = name == artefact.name or {name, artefact.name} <= {"envelope", "letter", "private letter"}
            if not same_door:
                with refused(MalformedError, UnsupportedVersion, LimitExceeded):
                    read(artefact.data)
    for text, parse in ((str(BOB.user_id), Identity.parse), (BOB.identity.reveal(), UserId.parse)):
        with refused(MalformedError):
            parse(text)


def test_pr_5_no_key_has_two_jobs() -> None:
    """As above: signing keys converted for key agreement. Holds: six derived secrets, all different, sealing not
    converted from signing; no public name signs, agrees or converts. (A group encrypts messages and files are
    encrypted, under no key of ours.)
    """
    derived = [BOB.derive(purpose) for purpose in ("sign", "seal", "store", "backup", "index", "hedge")]
    assert len({BOB.secret, *derived}) == 7
    assert sodium.crypto_sign_ed25519_pk_to_curve25519(BOB.id) not in BOB.record.encode()
    members = {
        name
        for thing in siegel.__all__
        for name in dir(getattr(siegel, thing))
        if not name.startswith("_") and (thing, name) != ("Group", "encrypt")
    }
    names = {name for name in {*members, *siegel.__all__} if "_file" not in name}
    for word in ("sign", "exchange", "agree", "convert", "to_x25519", "to_curve25519", "encrypt", "decrypt", "derive"):
        assert not [name for name in names if name.lower().split("_")[0] == word], word


# --- PR-6: the reader's own key --------------------------------------------------------------------------------------


def test_pr_6_whoever_stole_bobs_key_cannot_be_alice() -> None:
    """Key compromise impersonation: NaCl boxes, X3DH, Threema C2S. The attacker holds all of Bob's secrets. Holds: the
    sender is authenticated by a signature that no reader can make (P2). Control: with Alice's key it opens.
    """
    earlier = insight(sealed(BOB), BOB)
    signers: list[Callable[[bytes], bytes]] = [
        BOB.sign,
        MALLORY.sign,
        always(earlier.signature),
        always(bytes(64)),
        lambda text: BOB.sign(text)[:32] + ALICE.sign(b"another text")[32:],
    ]
    for sign in signers:
        with refused(InvalidMessage):
            opened_by(BOB)(forge(ALICE, to(BOB), sign=sign))
    assert open_sealed(forge(ALICE, to(BOB)), identity=BOB.identity, contacts=EVERYBODY).sender == ALICE.user_id


def test_pr_6_a_leaked_content_secret_makes_no_new_message() -> None:
    """As above: one leaked ephemeral lets the attacker speak for ever. Holds: the content secret of an old message
    carries that message alone; under its header no other text is Alice's, under another header nothing is (P2).
    """
    envelope = sealed(BOB)
    seen = insight(envelope, BOB)
    texts = [["text/plain", NOW, b"pay"], ["text/plain", NOW + 1, seen.inner[2]], ["text/html", *seen.inner[1:]]]
    for inner in texts:
        with refused(InvalidMessage):
            opened_by(BOB)(with_body(envelope, BOB, pad(cbor([inner, ALICE.id, seen.signature]))))
    again = forge(
        ALICE, to(BOB), inner=seen.inner, secret=seen.content_secret, nonce=NONCE, sign=always(seen.signature)
    )
    with refused(InvalidMessage):
        opened_by(BOB)(again)


# --- PR-7: no randomness ---------------------------------------------------------------------------------------------


def one_short(count: int) -> bytes:
    return b"\1" * (count - 1)


def nothing(_: int) -> bytes:
    return b""


def broken(_: int) -> bytes:
    raise OSError("no entropy")


@pytest.mark.parametrize("generator", [bytes, one_short, nothing, broken])
def test_pr_7_the_generator_fails(generator: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """libcrux-ed25519 RUSTSEC-2026-0075, Cryptocat 2013: a failed generator gives an all-zero or short key. Holds: keys
    and messages are not made, and the state stays as it was (P9).
    """
    keys = SealingKeys(BOB.identity)
    keys.rotate(at=NOW)
    before = keys.encode()
    monkeypatch.setattr(os, "urandom", generator)
    makers: list[Callable[[], object]] = [
        Identity.generate,
        lambda: keys.rotate(at=NOW + 1),
        lambda: sealed(BOB),
        lambda: sealed(BOB, sender=None),
        lambda: sealed(BOB, private=True),
    ]
    for make in makers:
        with pytest.raises(StateError):
            make()
    assert keys.encode() == before


def test_pr_7_processes_do_not_share_keys() -> None:
    """As above: a generator copied by fork. Holds: parent and children draw from the operating system."""
    script = """
import os
from siegel import Identity
Identity.generate()
for _ in range(2):
    child = os.fork()
    if not child:
        os.write(1, str(Identity.generate().user_id).encode() + b"\\n")
        os._exit(0)
    os.waitpid(child, 0)
print(Identity.generate().user_id)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert len(set(done.stdout.split())) == 3


@pytest.mark.parametrize("secret", [bytes(32), b"\1" * 16, b"\1" * 31, b"\1" * 33, b"", "a" * 32, [1] * 32])
def test_pr_7_short_zero_or_typed_otherwise(secret: object) -> None:
    """As above, Session's 16-byte seeds: key material of less entropy or of another type. Holds: 32 bytes or none."""
    with refused(InvalidArgument):
        Identity.from_secret(secret)  # type: ignore[arg-type]  # the attack
