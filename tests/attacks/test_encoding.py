"""Attacks on encodings and parsers, EN-1 … EN-4 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from siegel import Contacts, PeerError, SiegelError, audit_recipients, inspect_envelope, letters
from siegel._core.codec import decode, encode
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError
from tests.attacks.artefacts import (
    ARTEFACTS,
    BYTE_DOORS,
    ENVELOPE,
    LETTER,
    PRIVATE_LETTER,
    RECORD,
    REFERENCE,
    STATES,
    TEXT_DOORS,
    Artefact,
    opened_by,
    record_read,
    sealed,
)
from tests.attacks.attacker import ALICE, BOB, CONTENT, MALLORY, NOW, cbor, forge, refused, to
from tests.attacks.group_wire import CONTROL, RENAME, broadcast, chain_of, control, operation
from tests.attacks.groups import World
from tests.attacks.mutations import field, head, item_at, other_forms, paths, replaced

ENCODED = ARTEFACTS + STATES[:2]


def by_name(artefact: Artefact) -> str:
    return artefact.name


# --- EN-1: crashes ---------------------------------------------------------------------------------------------------

BOMBS = {
    "arrays": b"\x81" * 100_000,
    "arrays with an end": b"\x81" * 100_000 + b"\0",
    "arrays of two": b"\x82\0" * 100_000,
    "maps": b"\xa1\0" * 100_000,
    "tags": b"\xc1" * 100_000 + b"\0",
    "indefinite arrays": b"\x9f" * 100_000,
    "indefinite strings": b"\x5f" * 100_000,
    "breaks": b"\xff" * 100_000,
    "depth of nine": b"\x81" * 9 + b"\0",
    "nothing": b"",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("door", BYTE_DOORS)
def test_en_1_bombs(door: str, bomb: str) -> None:
    """cbor2 CVE-2026-26209, serde_cbor CVE-2019-25001, OpenMLS, orjson CVE-2024-27454: nesting or short input crashes
    the reader. Holds: every door answers with an error of the tree, none with Python's.
    """
    with pytest.raises(SiegelError):
        BYTE_DOORS[door](BOMBS[bomb])


@pytest.mark.parametrize("artefact", ENCODED, ids=by_name)
def test_en_1_every_prefix(artefact: Artefact) -> None:
    """As above: input that ends early, at every byte. Holds: malformed."""
    for end in range(len(artefact.data)):
        with pytest.raises(MalformedError):
            artefact.read(artefact.data[:end])


HEADS = [bytes((first,)) for first in (0x00, 0x18, 0x40, 0x5B, 0x80, 0x9B, 0xA1, 0xC1, 0xF6, 0xFF)]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes after one to four random changes of the kinds that break parsers."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        end = min(len(changed), at + chance.choice((1, 2, 8, 32, 400)))
        match chance.randrange(5):
            case 0:
                changed[at:end] = b""
            case 1:
                changed[at:at] = changed[at:end]
            case 2:
                changed[at:at] = chance.randbytes(chance.choice((1, 2, 9)))
            case 3:
                changed[at:end] = chance.randbytes(end - at)
            case _:
                changed[at : at + 1] = bytes(
                    (chance.choice((0, 0x18, 0x40, 0x5B, 0x80, 0x9B, 0xA1, 0xC1, 0xF6, 0xFF)),)
                )
    return bytes(changed)


@pytest.mark.parametrize("door", BYTE_DOORS)
def test_en_1_mutations(door: str) -> None:
    """As above: 2,000 mutated artefacts of every kind at every door. Holds: a value or an error of the tree."""
    chance = random.Random(door)
    pool = [artefact.data for artefact in ARTEFACTS + STATES] + [sealed(BOB, sender=None)]
    for _ in range(2000):
        try:
            BYTE_DOORS[door](mutated(chance.choice(pool), chance))
        except SiegelError as error:
            assert error.__cause__ is None  # noqa: PT017  # most raise, some are legitimately read


@pytest.mark.parametrize("way", ["sealed", "broadcast"])
def test_en_1_what_a_member_signs(way: str) -> None:
    """As above, behind a good signature: a member seals, or broadcasts, mutated operations, announcements, records and
    whole controls. Holds: events, or an error of the tree; and everybody goes on.
    """
    world, chance = World(), random.Random(way)
    chain = chain_of(MALLORY, world.group_id, world.head)
    parts_of_control: dict[str, Any] = {
        "items": [
            operation(MALLORY, world.group_id, world.head, 1, [RENAME, b"name"]),
            world.insiders[BOB].controls[0][1][1][0],
        ],
        "announcements": [chain.announcement()],
        "identities": [MALLORY.record.encode(), ALICE.record.encode()],
        "request": [world.head, True, [chain.chain_id]],
        "key": [world.head, world.key],
    }
    for _ in range(500):
        damaged: dict[str, Any] = {
            name: [mutated(item, chance) if chance.random() < 0.4 else item for item in value]
            if name in ("items", "announcements", "identities")
            else value
            for name, value in parts_of_control.items()
            if chance.random() < 0.5
        }
        said = control(world.group_id, **damaged)
        if chance.random() < 0.3:
            said = mutated(said, chance)
        data = (
            forge(MALLORY, to(BOB), inner=[CONTROL, NOW, said])
            if way == "sealed"
            else broadcast(MALLORY, world.group_id, world.head, world.key, said)
        )
        try:
            world.groups[BOB].receive(data, at=world.at)
        except SiegelError as error:
            assert error.__cause__ is None  # noqa: PT017  # most raise, some are legitimately read
    world.present.remove(MALLORY)
    world.everything_honest_opens()


ODD: list[Any] = [0, 1, 23, 2**64 - 1, b"", b"\0" * 32, "", "a", [], [[]], [0] * 6, {}, {0: 0}, True, False, None, 1.5]


@pytest.mark.parametrize("artefact", ENCODED, ids=by_name)
def test_en_1_every_item_of_another_type(artefact: Artefact) -> None:
    """As above: well-formed CBOR whose items have odd types and values, one at a time. Holds: an error of the tree."""
    for path in paths(cbor2.loads(artefact.data)):
        for value in ODD:
            if type(value) is not type(field(artefact.data, path)) or value != field(artefact.data, path):
                try:
                    artefact.read(replaced(artefact.data, path, value))
                except SiegelError:
                    continue
                # Our own state, and a reference inside a message that is signed: nothing signs their fields again.
                assert artefact in (*STATES, REFERENCE)


TEXTS = [
    "",
    " ",
    "\0",
    "1",
    "siegel1",
    "siegel-secret-1",
    "\ud800",
    "é",
    "İ",
    "\u0660" * 60,
    "a" * 10**6,
    "abandon " * 24,
]


@pytest.mark.parametrize("door", TEXT_DOORS)
def test_en_1_texts(door: str) -> None:
    """As above, for what people type or scan. Holds: an error of the tree."""
    good = [str(BOB.user_id), BOB.identity.reveal(), BOB.identity.words()]
    chance = random.Random(door)
    noise = ["".join(chance.choices("".join(good) + "\u0301\ud83d٣ ", k=chance.randint(1, 90))) for _ in range(300)]
    for text in [*TEXTS, *noise, *(text[:-1] for text in good), *(text + "q" for text in good)]:
        with pytest.raises(SiegelError):
            TEXT_DOORS[door](text)


# --- EN-2: two keys that are one -------------------------------------------------------------------------------------

MERGED = [
    "a2016161016162",  # 1 twice
    "a2016161f56162",  # 1 and true, one key in Python
    "a2016161f93c006162",  # 1 and 1.0
    "a2f46161006162",  # false and 0
    "a2f97e006161f97e006162",  # NaN twice
    "a2026161016162",  # not ascending
    "a2016161f66162",  # null as a key
    "a1206161",  # a negative key
    "a1181861ff",  # 24, the first key of two bytes
    "a161006161",  # text as a key
    "a1406161",  # bytes as a key
    "a1806161",  # an array as a key
]


@pytest.mark.parametrize("data", MERGED)
def test_en_2_map_keys_do_not_merge(data: str) -> None:
    """RFC 8949 §5.6 and Python: 1, True and 1.0 are one key, duplicates collapse; signer and verifier read different
    maps (cbor2 accepts nearly all of these). Holds: keys are small integers in ascending order (P10).
    """
    with refused(MalformedError):
        decode(bytes.fromhex(data))
    with refused(MalformedError):
        opened_by(BOB)(bytes.fromhex(data))


@pytest.mark.parametrize("artefact", ENCODED, ids=by_name)
def test_en_2_a_number_is_a_number(artefact: Artefact) -> None:
    """As above: every number replaced by what Python calls equal, or by a tag around it. Holds: malformed (P10)."""
    tree = cbor2.loads(artefact.data)
    numbers = [path for path in paths(tree) if type(item_at(tree, path)) is int]
    assert numbers
    for path in numbers:
        value = item_at(tree, path)
        equal = [float(value), cbor2.CBORTag(0, value), cbor2.undefined, None, str(value), cbor2.CBORSimpleValue(99)]
        for other in [*equal, *([bool(value)] if value < 2 else [])]:
            with refused(MalformedError):
                artefact.read(replaced(artefact.data, path, other))


# --- EN-3: two texts for one meaning ---------------------------------------------------------------------------------


@pytest.mark.parametrize("artefact", ENCODED, ids=by_name)
def test_en_3_every_head_in_every_other_form(artefact: Artefact) -> None:
    """SSB's re-serialisation, PGP polyglots: one meaning, two byte strings. Every head of every artefact in every
    longer and in the indefinite form. Holds: malformed; what is accepted encodes to itself (P10).
    """
    seen = 0
    for _, _, other in other_forms(cbor2.loads(artefact.data)):
        seen += 1
        with refused(MalformedError):
            artefact.read(other)
    assert seen > 20
    assert encode(decode(artefact.data)) == artefact.data
    for tail in (b"\0", b"\xf6", b"\xff", artefact.data):
        with refused(MalformedError):
            artefact.read(artefact.data + tail)


def test_en_3_other_forms_inside_the_ciphertext() -> None:
    """As above, by a legitimate sender, who signs the same content in two encodings. Holds: InvalidMessage (P7)."""
    tree = [CONTENT, ALICE.id, bytes(64)]
    variants = [(index, info) for index, info, _ in other_forms(tree)]
    assert len(variants) > 20
    for index, info in variants:

        def other(text: bytes, index: int = index, info: int = info) -> bytes:
            forms = {(i, f): data for i, f, data in other_forms(cbor2.loads(text))}
            return forms[index, info]

        with refused(InvalidMessage):
            opened_by(BOB)(forge(ALICE, to(BOB), text=other))


TEXTS_OF_TWO_FORMS = [
    b"\xc0\xaf",  # an overlong slash
    b"\xed\xa0\x80",  # a surrogate
    b"\xf4\x90\x80\x80",  # beyond Unicode
    b"\x80",  # a lone continuation
    "e\u0301".encode(),  # NFD
    "\u212b".encode(),  # the Ångström sign, whose NFC is another character
]


def test_en_3_texts() -> None:
    """As above, Spotify's user names 2013: text in several Unicode forms. Holds: UTF-8 in NFC or nothing, on the way
    in and on the way out.
    """
    for encoded in TEXTS_OF_TWO_FORMS:
        data = (
            encoded if encoded[0] >> 5 == 3 and encoded[0] & 31 == len(encoded) - 1 else head(3, len(encoded)) + encoded
        )
        with refused(MalformedError):
            decode(data)
    contacts = Contacts()
    for name in ("e\u0301", "\u212b", "\ud800"):
        with pytest.raises(InvalidArgument):
            contacts.add(ALICE.record, name=name)
    assert len(contacts) == 0


# --- EN-4: sizes -----------------------------------------------------------------------------------------------------

LYING = [
    "5b7fffffffffffffff",
    "5affffffff",
    "7b7fffffffffffffff",
    "9b00000000ffffffff",
    "9affffffff",
    "bb00000000ffffffff",
]


def peak_of(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("lie", LYING)
def test_en_4_declared_lengths(lie: str) -> None:
    """cbor2's read(-1), SKS flooding CVE-2019-13050, rpgp CVE-2024-53857: memory for what the input says it has.
    Holds: refused before allocation, at every place of an artefact; the peak stays under 1 MB.
    """
    data = bytes.fromhex(lie)

    def everywhere() -> None:
        for door in ("public identity", "succession", "envelope", "inspect", "contacts"):
            for prefix in (b"", b"\x82\x01", b"\x86\x02\x01", b"\x86\x02\x01\x84\0\x01", b"\x88\x01\x01"):
                with pytest.raises(MalformedError):
                    BYTE_DOORS[door](prefix + data)

    assert peak_of(everywhere) < 1_000_000


@pytest.mark.parametrize("item", [b"\x80", b"\xa0", b"\x41a", b"\x61a", b"\x18\xff"], ids=bytes.hex)
def test_en_4_memory_in_proportion(item: bytes) -> None:
    """As above, with lengths that are true: an array of 20,000 tiny items. Holds: refused, and the memory for it is at
    most 80 bytes for each byte of input.
    """
    data = b"\x99" + (20_000).to_bytes(2, "big") + item * 20_000
    for door in (record_read, inspect_envelope, Contacts.decode):

        def refuse(read: Callable[[bytes], object] = door) -> None:
            with pytest.raises(PeerError):
                read(data)

        assert peak_of(refuse) < 80 * len(data) + 50_000


def test_en_4_counts() -> None:
    """As above: hpke-rs RUSTSEC-2026-0069, counts that wrap or have no cap. Holds: 1 … 16,384 recipients, as many
    entries as the header says, a path of the one length for its index.
    """
    for count in (2**14 + 1, 2**16, 2**32, 2**64 - 1):
        for artefact in (ENVELOPE, LETTER, PRIVATE_LETTER):
            with refused(LimitExceeded):
                artefact.read(replaced(artefact.data, (2, 1), count))
    for count in (0, 2, 2**14):
        for artefact in (ENVELOPE, LETTER, PRIVATE_LETTER):
            with refused(MalformedError):
                artefact.read(replaced(artefact.data, (2, 1), count))
    for path in ([], [bytes(32)] * 3, [bytes(32)] * 10_000):
        with refused(MalformedError):
            PRIVATE_LETTER.read(replaced(PRIVATE_LETTER.data, (4, 2), path))
    for index in (3, 2**14, 2**64 - 1):
        with refused(MalformedError):
            PRIVATE_LETTER.read(replaced(PRIVATE_LETTER.data, (4, 0), index))


def test_en_4_too_large_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above: inputs larger than the protocol allows, and a record with 100,000 signatures. Holds: refused before
    anything is parsed or verified.
    """

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a signature was verified")

    monkeypatch.setattr("siegel.identity.verify", never)
    many = cbor([*cbor2.loads(RECORD.data)[:7], *[bytes(64)] * 100_000])
    with refused(MalformedError):
        record_read(many)
    huge = bytes(38 * 2**20)
    for read in (opened_by(BOB), inspect_envelope, letters, lambda data: audit_recipients(data, allowed=())):
        with refused(LimitExceeded):
            read(huge)
    body = replaced(ENVELOPE.data, (5,), bytes(18 * 2**20))
    with refused(LimitExceeded):
        opened_by(BOB)(body)


def test_en_4_a_body_at_the_limit() -> None:
    """As above: one byte more than allowed, by a legitimate sender whose padded size still fits. Holds:
    InvalidMessage.
    """
    most = 16 * 2**20
    assert opened_by(BOB)(forge(ALICE, to(BOB), inner=["a", NOW, bytes(most)]))
    with refused(InvalidMessage):
        opened_by(BOB)(forge(ALICE, to(BOB), inner=["a", NOW, bytes(most + 1)]))
