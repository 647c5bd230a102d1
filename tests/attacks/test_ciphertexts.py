"""Attacks on ciphertexts, their fields and versions, PR-10 … PR-14 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import ast
import hmac
import re
from functools import partial
from pathlib import Path

import pytest

import siegel
from siegel import Contacts, PeerError, SealingKeys, inspect_envelope, open_many, open_sealed, safety_number, seal
from siegel.errors import InvalidMessage, MalformedError, NotARecipient, UnsupportedVersion
from tests.attacks.artefacts import (
    ARTEFACTS,
    LETTER,
    OF_GROUPS,
    PRIVATE_LETTER,
    RECORD,
    STATES,
    SUCCESSION,
    Artefact,
    letter_for,
    opened_by,
    sealed,
)
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    EVERYBODY,
    MALLORY,
    NOW,
    PRIVATE,
    Wire,
    always,
    cbor,
    decoded,
    forge,
    insight,
    labelled,
    record,
    refused,
    to,
)
from tests.attacks.failures import after_a_secret
from tests.attacks.mutations import byte_strings, field, lengths_around, replaced

FAILURES = after_a_secret()


# --- PR-10: trial decryption -----------------------------------------------------------------------------------------


def test_pr_10_no_key_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitioning oracles (Len, Grubbs, Ristenpart 2021), age's scrypt rule. Here for keys; passwords come with the
    store. Holds: the entry's label selects one key or none; a message for others touches no key at all.
    """
    keys = SealingKeys(BOB.identity)
    rotating = keys.rotate(at=NOW)
    wire = Wire.of(seal(b"text", sender=ALICE.identity, recipients=[rotating], at=NOW))
    assert open_sealed(wire.encode(), identity=keys, contacts=EVERYBODY).body == b"text"
    wire.entries[0][1] = 0
    with refused(InvalidMessage):
        open_sealed(wire.encode(), identity=keys, contacts=EVERYBODY)
    to_base = forge(ALICE, [BOB.to._replace(number=rotating.sealing_number)])
    with refused(InvalidMessage):
        open_sealed(to_base, identity=keys, contacts=EVERYBODY)

    def never(*_: object, **__: object) -> object:
        raise AssertionError("a key was tried")

    monkeypatch.setattr("siegel.sealed.hpke_open", never)
    for data in (sealed(BOB, CAROL), letter_for(BOB, sealed(BOB, CAROL))):
        with refused(NotARecipient):
            opened_by(MALLORY)(data)


# --- PR-11: lengths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("artefact", ARTEFACTS + STATES[:2], ids=lambda artefact: artefact.name)
def test_pr_11_every_byte_string_has_its_length(artefact: Artefact) -> None:
    """OpenMLS GHSA-8x3w-qj7j-gqhf (a tag compared over the shorter length), Olm's 8-byte MAC, SFrame's 4. Every byte
    string of every artefact, at 0, 1, n-1 and n+1 bytes. Holds: malformed, before a secret is touched (P10).
    """
    places = byte_strings(artefact.data)
    assert places
    for path in places:
        for other in lengths_around(field(artefact.data, path)):
            with refused(MalformedError):
                artefact.read(replaced(artefact.data, path, other))


def test_pr_11_lengths_inside_the_ciphertext() -> None:
    """As above, where a legitimate sender wrote the field. Holds: InvalidMessage."""
    for length in (0, 1, 31, 33):
        with refused(InvalidMessage):
            opened_by(BOB)(forge(ALICE, to(BOB), sender=ALICE.id.ljust(33, b"\0")[:length]))

    def resized(text: bytes, *, length: int) -> bytes:
        return ALICE.sign(text).ljust(65, b"\0")[:length]

    for length in (0, 1, 63, 65):
        with refused(InvalidMessage):
            opened_by(BOB)(forge(ALICE, to(BOB), sign=partial(resized, length=length)))


def test_pr_11_lengths_without_cbor() -> None:
    """As above: QR payload, safety number, raw secret and user id. Holds: one length each."""
    for artefact in STATES[2:]:
        for other in lengths_around(artefact.data):
            with refused(MalformedError, UnsupportedVersion):
                artefact.read(other)
    contacts = Contacts(BOB.user_id)
    contacts.add(ALICE.record)
    number = safety_number(ALICE.user_id, BOB.user_id)
    for digits in ("", number[:1], number[:-1], number + "0"):
        with refused(MalformedError):
            contacts.verify(ALICE.user_id, digits)


# --- PR-12: what a failure tells -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAILURES)
def test_pr_12_one_error_after_a_secret(name: str) -> None:
    """libolm CVE-2024-45191, vodozemac CVE-2024-40640, Telegram (AMPS 2022): the error or its cause tells the stage.
    Holds: whatever fails after a secret was used is the same InvalidMessage, with no cause and no data, for the
    envelope, the letter and the batch. How far a message came can be timed; only its own authors can steer that.
    """
    for data in (FAILURES[name], letter_for(BOB, FAILURES[name])):
        with refused(InvalidMessage) as caught:
            opened_by(BOB)(data)
        for error in (caught.value, open_many([data], identity=BOB.identity, contacts=EVERYBODY)[0]):
            assert isinstance(error, InvalidMessage)
            assert repr(error) == repr(InvalidMessage())
            assert (error.args, vars(error), error.code) == (InvalidMessage().args, {}, "invalid-message")


def test_pr_12_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above: a comparison that stops at the first difference. Holds: the commitment goes through compare_digest,
    both when it fits and when it does not. That ``==`` is used on no secret is the architecture test's.
    """
    compared: list[object] = []
    honest = hmac.compare_digest

    def spy(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return honest(left, right)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    opened_by(BOB)(forge(ALICE, to(BOB)))
    with refused(InvalidMessage):
        opened_by(BOB)(FAILURES["commitment: zero"])
    assert len(compared) == 2
    assert compared[0] == compared[1] == Wire.of(forge(ALICE, to(BOB))).header[3]


# --- PR-13: malleability ---------------------------------------------------------------------------------------------


BITWISE = (LETTER, PRIVATE_LETTER, RECORD, SUCCESSION, *OF_GROUPS)


@pytest.mark.parametrize("artefact", BITWISE, ids=lambda artefact: artefact.name.replace(" ", "-"))
def test_pr_13_every_single_bit(artefact: Artefact) -> None:
    """NIP-04, LastPass, MEGA, EFAIL (Poddebniak et al. 2018), aes-gcm RUSTSEC-2023-0096. Every bit of the artefact is
    flipped. Holds: each is refused as the peer's fault, and nothing is returned (P2, P10). Envelopes: twin tests.
    """
    accepted: list[int] = []
    for bit in range(8 * len(artefact.data)):
        flipped = bytearray(artefact.data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            artefact.read(bytes(flipped))
        except PeerError as error:
            assert error.__context__ is None  # noqa: PT017  # a loop of thousands; pytest.raises costs more than opening
        else:
            accepted.append(bit)
    assert accepted == []


# --- PR-14: versions and types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=lambda artefact: artefact.name)
def test_pr_14_version_and_type_are_not_negotiated(artefact: Artefact) -> None:
    """Dashlane's and Bitwarden's legacy modes, PyJWT CVE-2022-29217, attic CVE-2015-4082: the attacker picks version
    or type. Holds: one version; each type number is read at its own door alone (P10).
    """
    kind = field(artefact.data, (0,))
    for version in [*range(32), 255, 2**32, 2**64 - 1]:
        if version != 1:
            with refused(UnsupportedVersion):
                artefact.read(replaced(artefact.data, (1,), version))
    for other in [*range(32), 255, 2**64 - 1]:
        if other != kind:
            with refused(MalformedError):
                artefact.read(replaced(artefact.data, (0,), other))
    for value in (None, True, False, "1", b"\1", [1]):
        for place in (0, 1):
            with refused(MalformedError):
                artefact.read(replaced(artefact.data, (place,), value))


def test_pr_14_a_signed_version_is_still_another() -> None:
    """As above, by the owner of the key: a record of version 2, and a version-1 record signed as version 2. Holds: the
    version stands in the label and in the signed items.
    """
    fields = [ALICE.id, ALICE.sealing_key, 0, NOW, NOW + 1]
    second = ALICE.sign(labelled("public identity", 1, 2, *fields))
    with refused(UnsupportedVersion):
        decoded(cbor([1, 2, *fields, second]))
    with refused(InvalidMessage):
        decoded(cbor([1, 1, *fields, second]))


def test_pr_14_the_mode_is_not_negotiated() -> None:
    """As above: open made private, or private open, by the server and by a reader. Holds: the header is in the info of
    the entry, in the associated data and in the signature (P1).
    """
    envelope = sealed(BOB, CAROL)
    wire = Wire.of(envelope)
    for mode, error in ((1, InvalidMessage), (2, MalformedError), (23, MalformedError)):
        wire.header[0] = mode
        with refused(error):
            opened_by(BOB)(wire.encode())
    seen = insight(envelope, BOB)
    private = forge(
        ALICE,
        to(BOB, CAROL),
        inner=seen.inner,
        mode=PRIVATE,
        nonce=wire.nonce,
        secret=seen.content_secret,
        sign=always(seen.signature),
    )
    assert inspect_envelope(private).private
    with refused(InvalidMessage):
        opened_by(CAROL)(private)


def test_pr_14_the_halves_of_a_sealing_key() -> None:
    """PQXDH key confusion (Bhargavan et al. 2024): a KEM key read as a curve key, or one half of the hybrid replaced.
    Holds: the halves have their places and lengths in a signed record; entries cannot be mixed from two.
    """
    ml_kem, x25519 = BOB.sealing_key[:1184], BOB.sealing_key[1184:]
    for confused in (x25519 + ml_kem, x25519.ljust(1216, b"\1"), ml_kem + bytes(32), ml_kem, x25519):
        with refused(MalformedError):
            decoded(record(BOB, sealing_key=confused))
    for mixed in (ALICE.sealing_key[:1184] + x25519, ml_kem + ALICE.sealing_key[1184:]):
        with refused(InvalidMessage):
            decoded(replaced(BOB.record.encode(), (3,), mixed))

    first, second = Wire.of(sealed(BOB)), Wire.of(sealed(BOB))
    one, other = first.entries[0][2], second.entries[0][2]
    for mixed in (other[:1088] + one[1088:], one[:1088] + other[1088:1120] + one[1120:], one[:1120] + other[1120:]):
        first.entries[0][2] = mixed
        with refused(InvalidMessage):
            opened_by(BOB)(first.encode())


def test_pr_14_no_way_around_is_named() -> None:
    """As above: suites called none, null, legacy, plain. No function, class or parameter is."""
    source = Path(siegel.__file__).parent
    weak = re.compile(r"(^|_)(none|null|legacy|plain|insecure|unsafe|algorithms?|ciphers?)(_|$)", re.IGNORECASE)
    names: set[str] = set()
    for path in set(source.rglob("*.py")) - set(source.glob("cli/**/*.py")):  # the command line speaks of plain text
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
    assert len(names) > 100, "the reader sees the source"
    assert sorted(name for name in names if weak.search(name)) == []
