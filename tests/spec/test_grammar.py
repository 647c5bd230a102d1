"""siegel.cddl describes the objects on the wire: those of the code and of the vectors match, others do not.

The validator has gaps, found by trial: a choice between arrays accepts an empty one, and of an array of arrays only the
first item is looked at; where an array or null may stand, anything passes, and behind an empty array nothing does;
where a text of some size or null may stand, bytes of that size pass too, and text where bytes of some range of sizes
may. So the choices are made here, and each entry is held against its own rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pycddl import Schema, ValidationError

from siegel import Identity, Succession, letters, seal
from siegel._core.codec import Value, decode, encode
from siegel._core.labels import Label, labelled
from siegel.attachments import ROLES
from siegel.errors import MalformedError
from siegel.groups.actions import Rename, Role
from siegel.groups.certificate import Close
from siegel.groups.message import Content, Parent, encode_content
from siegel.store.freshness import Tally
from siegel.store.header import Catalogue, Entry, Header
from siegel.store.records import Content as RecordContent
from tests.groups.chains import announcement, certificate, data_of
from tests.groups.rosters import Team, create, leave, sign
from tests.groups.test_broadcast import written
from tests.groups.test_control import FULL
from tests.markdown import ROOT
from tests.people import AT, company, person, rotating
from tests.store.test_slots import PROVIDED, SECRET, SLOTS, table
from tests.test_attachments import reference

GRAMMAR = (ROOT / "docs" / "spec" / "siegel.cddl").read_text(encoding="utf-8")
VECTORS = ROOT / "vectors" / "v1"

KINDS = {
    1: ("public-identity",),
    2: ("envelope",),
    3: ("group-message",),
    4: ("roster-operation", "founding-operation"),
    5: ("leave-statement",),
    6: ("listed-letter", "open-letter", "private-letter"),
    7: ("chain-certificate",),
    8: ("succession",),
    12: ("broadcast",),
    13: ("attachment",),
    14: ("key-slot", "passphrase-slot", "provider-slot"),
    15: ("slot-table",),
}


@cache
def schema(rule: str) -> Schema:
    return Schema(f"the-root = {rule}\n{GRAMMAR}")


def matches(rule: str, value: Any) -> bool:
    try:
        schema(rule).validate_cbor(encode(value))
    except ValidationError:
        return False
    return True


def rules_of(value: Any) -> list[str]:
    """The rules of top-level objects that a decoded value matches, entries included."""
    if not isinstance(value, list):
        return []
    found = [rule for rules in KINDS.values() for rule in rules if matches(rule, value)]
    if found == ["envelope"] and not all(matches("entry", entry) for entry in value[4]):
        return []
    return found


# --- what matches ----------------------------------------------------------------------------------------------------


def made_by_the_code() -> Iterator[tuple[str, bytes]]:
    alice = person("alice")
    yield "public-identity", alice.public(at=AT).encode()
    yield "public-identity", rotating("alice")[1].encode()
    yield "succession", Succession.create(old=alice, new=Identity.generate(), at=AT).encode()
    yield "chain-certificate", certificate(closes=(Close(bytes(16), 7, bytes(32)), Close(b"\1" * 16, 0, None))).encode()
    yield "group-message", data_of(5)
    yield "broadcast", written()
    team = Team(create(roles={"carl": Role.MEMBER}))
    yield "roster-operation", sign("frida", team.roster, Rename("x")).encode()
    yield "founding-operation", create().encode()
    yield "leave-statement", leave("carl", team.roster).encode()
    yield "attachment", reference(name="text").encode()
    for name, (slot, _, _) in SLOTS.items():
        yield ("passphrase-slot" if name == "passphrase" else "key-slot"), slot
    yield "provider-slot", PROVIDED
    yield "slot-table", table(SECRET, PROVIDED)
    for count, private, letter in (
        (1, False, "listed-letter"),
        (64, False, "listed-letter"),
        (65, False, "open-letter"),
        (1, True, "private-letter"),
        (65, True, "private-letter"),
    ):
        envelope = seal(b"", sender=alice, recipients=company(count), private=private, at=AT)
        yield "envelope", envelope
        yield letter, list(letters(envelope))[-1][1]


def first(rule: str) -> list[Any]:
    """The first of these objects, decoded."""
    value = decode(next(data for made, data in made_by_the_code() if made == rule))
    assert isinstance(value, list)
    return value


def test_what_the_code_makes_matches() -> None:
    for rule, data in made_by_the_code():
        assert rules_of(decode(data)) == [rule]


def test_the_inside_matches() -> None:
    """SEAL-4, SEAL-10, SEAL-15."""
    inner: list[Value] = ["text/plain", AT, b""]
    assert matches("inner-content", inner)
    assert matches("signed-content", [inner, bytes(32), bytes(64)])
    assert matches("unsigned-content", [inner, None, None])
    for half in ([inner, bytes(32), None], [inner, None, bytes(64)]):
        assert not matches("signed-content", half)
        assert not matches("unsigned-content", half)


def test_what_a_chain_carries_matches() -> None:
    """CHN-3, CHN-6, MSG-6."""
    for start in (0, 1, 32_768):
        assert matches("announcement", decode(announcement(start).encode()))
    parents = tuple(Parent(bytes((n,)) * 16, 0, bytes(32)) for n in range(3))
    text = Content("text/plain", AT, parents, b"")
    assert matches("group-content", decode(encode_content(text)))
    assert not matches("group-content", ["", AT, [], b""])
    assert matches("chain-end", [bytes(16), 0, None])
    assert not matches("chain-end", [bytes(16), 1, None])


def test_what_is_broadcast_matches() -> None:
    """EPO-8, and the control that it carries, sealed or broadcast."""
    said: list[Value] = [bytes(32), AT, b"", bytes(64)]
    assert matches("broadcast-text", said)
    assert not matches("broadcast-text", [*said[:2], None, said[3]])
    assert matches("group-control", FULL)
    for place in (2, 5, 6):
        assert matches("group-control", [*FULL[:place], None, *FULL[place + 1 :]])
    for place in range(7):
        assert not matches("group-control", [*FULL[:place], *FULL[place + 1 :]])
    for place in (0, 1, 3, 4, 6):
        assert not matches("group-control", [*FULL[:place], "text", *FULL[place + 1 :]])
    assert matches("given-key", FULL[2])
    assert matches("control-request", FULL[5])
    assert not matches("given-key", [bytes(32), bytes(31)])
    assert not matches("control-request", [bytes(32), 1, []])


def test_what_may_be_said_of_an_attachment_matches() -> None:
    """ATT-4 … ATT-7."""
    everything: dict[str, Any] = {"media_type": "image/jpeg", "name": "a.jpg", "thumbnail": b"x"}
    for said in (everything, {}, *({field: everything[field]} for field in everything)):
        for role in ROLES:
            assert matches("attachment", decode(reference(role=role, **said).encode()))
    whole = decode(reference(**everything).encode())
    assert isinstance(whole, list)
    wrong: dict[int, list[Any]] = {2: [3, "main", b""], 7: ["", "n" * 128, True], 8: ["", "n" * 256, True]}
    for place, values in (wrong | {9: [b"", bytes(8193), True]}).items():
        for value in values:
            assert not matches("attachment", [*whole[:place], value, *whole[place + 1 :]]), (place, value)


def test_what_a_store_seals_matches() -> None:
    """STO-2, STO-7, STO-8."""
    said: list[tuple[str, RecordContent]] = [
        ("plain-record", RecordContent("key", b"value", None, {})),
        ("plain-record", RecordContent(b"key", b"", AT, {})),
        ("found-record", RecordContent("", b"value", None, {0: "a", 23: ""})),
        ("restored-record", RecordContent("key", b"value", None, {}, AT)),
        ("restored-record", RecordContent("key", b"value", AT, {1: "a"}, 0)),
    ]
    for rule, content in said:
        value = decode(content.encode())
        assert [other for other in ("plain-record", "found-record", "restored-record") if matches(other, value)] == [
            rule
        ]
    tallies = ((1, Tally(2, 3)), (7, Tally(0, 0)))
    header = decode(
        Header(8, bytes(32), 0, anchored=False, ring_changes=4, catalogue=bytes(32), tallies=tallies).encode()
    )
    assert matches("store-header", header)
    for wrong in spoiled(header):
        numbers = all(type(wrong[at]) is int for at in (0, 2, 4)) if len(wrong) == 7 else False
        if not (numbers and wrong[1] == wrong[5] == bytes(32)):
            assert not matches("store-header", wrong), wrong
    entries = (Entry(1, "chats", ("thread",)), Entry(7, "", ()))
    catalogue = decode(Catalogue(b"keys", bytes(32), entries).encode())
    assert matches("catalogue", catalogue)
    for wrong in (
        [b"keys", bytes(31), []],
        [b"keys", bytes(32)],
        ["keys", bytes(32), []],
        [b"keys", bytes(32), [[1, "a"]]],
    ):
        assert not matches("catalogue", wrong), wrong


def label_table() -> dict[str, str]:
    """The labels of the table that are followed by CBOR, with their items."""
    page = (ROOT / "docs" / "spec" / "labels.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(siegel/1 [a-z ]+)` \|([^|]*)\| ([^|]*?) ?\|", page, re.MULTILINE)
    return {label: "" if use.endswith(", raw ") else items for label, use, items in rows}


def test_what_is_labelled_matches() -> None:
    """LAB-2."""
    header: list[Value] = [0, 1, bytes(32), bytes(32)]
    key, number = bytes(1216), 5
    chain: list[Value] = [7, 1, bytes(32), bytes(32), bytes(16), bytes(32), bytes(32), [], AT]
    operation: list[Value] = [4, 1, bytes(32), 1, bytes(32), bytes(32), AT, [9]]
    founding: list[Value] = [0, bytes(32), b"x", [0, 0, 1, 3_600_000, 0], [], [bytes(32), []]]
    uses: dict[Label, tuple[str, list[Value]]] = {
        Label.DERIVE_SIGN: ("no-items", []),
        Label.PUBLIC_IDENTITY: ("public-identity-items", [1, 1, bytes(32), key, number, number, 6]),
        Label.SUCCESSION: ("succession-items", [8, 1, bytes(32), bytes(32), AT]),
        Label.SAFETY_NUMBER: ("safety-number-items", [bytes(32), bytes(32)]),
        Label.AUDIENCE_SALT: ("audience-salt-items", [bytes(32)]),
        Label.AUDIENCE_LEAF: ("audience-leaf-items", [bytes(16), bytes(32)]),
        Label.INNER_CONTENT: ("inner-content-items", ["text/plain", AT, b""]),
        Label.CONTENT_SECRET: ("content-secret-items", [b"", 0, bytes(32), bytes(32)]),
        Label.CONTENT_KEYS: ("content-keys-items", [bytes(32)]),
        Label.ENTRY: ("entry-items", [header, bytes(32), number]),
        Label.MESSAGE_SIGNATURE: ("message-signature-items", [header, bytes(32)]),
        Label.MESSAGE_ID: ("message-id-items", [header, bytes(80)]),
        Label.ROSTER_OPERATION: ("roster-operation-items", operation),
        Label.ROSTER_HEAD: ("roster-operation-items", operation),
        Label.GROUP_ID: ("founding-items", [4, 1, b"", 0, b"", bytes(32), AT, founding]),
        Label.LEAVE_STATEMENT: ("leave-statement-items", [5, 1, bytes(32), bytes(32), bytes(32), [], AT]),
        Label.CHAIN_ID: ("chain-id-items", [bytes(32), bytes(32), bytes(32)]),
        Label.CHAIN_CERTIFICATE: ("chain-certificate-items", chain),
        Label.CHAIN_GENESIS: ("chain-genesis-items", chain),
        Label.EPOCH_COMMITMENT: ("epoch-commitment-items", [bytes(32)]),
        Label.BROADCAST_NONCE: ("broadcast-nonce-items", [bytes(32), bytes(32), bytes(32), AT, b""]),
        Label.BROADCAST_KEYS: ("broadcast-keys-items", [bytes(32), bytes(32)]),
        Label.BROADCAST_SIGNATURE: (
            "broadcast-signature-items",
            [bytes(32), bytes(32), bytes(32), bytes(32), AT, b""],
        ),
        Label.ATTACHMENT: ("attachment-items", [0, 64]),
        Label.UNLOCK_SLOT: ("unlock-slot-items", [14, 1, bytes(16), 2, None]),
        Label.SLOT_ID: ("slot-id-items", [bytes(150)]),
        Label.SLOT_TABLE: ("slot-table-items", [15, 1, [bytes(150)]]),
        Label.STORE_SECRET: ("wrapped-secret-items", [bytes(16)]),
        Label.STORE_EPOCH: ("wrapped-epoch-items", [bytes(16), 1]),
        Label.RECORD_NAMES: ("record-names-items", [7]),
        Label.BLIND_INDEX: ("blind-index-items", [7, 0]),
        Label.ACCUMULATOR: ("accumulator-items", [7]),
        Label.STORE_SCOPE: ("record-scope-items", ["emil"]),
        Label.DATA_KEY: ("wrapped-data-key-items", [bytes(16), 1, 7, bytes(16), 1, 65_536]),
        Label.RECORD: ("row-items", [1, 1, bytes(16), 7, bytes(16), 1]),
        Label.HEADER: ("state-header-items", [bytes(49)]),
        Label.CATALOGUE: ("catalogue-items", [bytes(49)]),
        Label.BACKUP_KEY: ("archive-key-items", [10, 1, 1, 1, None]),
        Label.BACKUP_STREAM: ("archive-stream-items", [bytes(32)]),
        Label.BACKUP_SIGNATURE: ("archive-signature-items", [bytes(32), bytes(32)]),
    }
    for label, (rule, items) in uses.items():
        assert matches(rule, decode(labelled(label, *items)[len(label.value) :]))
        assert not matches(rule, [*items, None])
    with_items = {label for label, items in label_table().items() if items not in {"", "none"}}
    assert {label.text for label in uses} == with_items | {"siegel/1 sign"}


def test_the_registry_is_the_table() -> None:
    """LAB-1."""
    assert sorted(label.text for label in Label) == sorted(label_table())


def test_1_to_16384_recipients() -> None:
    """SEAL-1."""
    counts = (0, 1, 16_384, 16_385)
    assert [matches("header", [0, count, bytes(32), bytes(32)]) for count in counts] == [False, True, True, False]


# --- what does not ---------------------------------------------------------------------------------------------------


def spoiled(value: Any) -> Iterator[Any]:
    """The value with one item taken away, one too many, or one of another type or size."""
    for place, item in enumerate(value):
        before, after = value[:place], value[place + 1 :]
        yield [*before, *after]
        yield [*before, item, item, *after]
        yield from ([*before, other, *after] for other in (None, True, "text", b""))
        if isinstance(item, bytes) and len(item) < 2000:
            yield [*before, item + b"\0", *after]
            yield [*before, item[:-1], *after]
        if isinstance(item, int):
            yield [*before, 2**64 - 1, *after]


@pytest.mark.parametrize("rule", [rule for rules in KINDS.values() for rule in rules])
def test_another_shape_does_not_match(rule: str) -> None:
    whole = first(rule)
    for wrong in spoiled(whole):
        sizes = [len(item) if isinstance(item, bytes) else item for item in wrong]
        if len(wrong) == len(whole) and isinstance(wrong[-1], bytes) and len(wrong[-1]) in (159, 161):
            continue  # the body of a sealed message: that its size is a padded one is no matter of grammar
        if rule == "group-message" and len(wrong) == len(whole) and isinstance(wrong[8], bytes) and len(wrong[8]) == 81:
            continue  # nor that of a group message
        if rule == "broadcast" and len(wrong) == len(whole) and isinstance(wrong[5], bytes) and len(wrong[5]) > 80:
            continue  # nor that of a broadcast
        if rule == "attachment" and len(wrong) == len(whole) and wrong[:7] == whole[:7]:
            continue  # what is said of it, or null
        if rule == "provider-slot" and wrong[:4] == whole[:4] and wrong[5:] == whole[5:] and wrong[4]:
            continue  # what a provider wrote: any bytes, for the validator also text
        if wrong == whole or (rule == "roster-operation" and wrong[3] == 2**64 - 1):
            continue  # an empty group id by another, any height above 0
        assert rules_of(wrong) == [], sizes


def test_another_header_or_entry_does_not_match() -> None:
    envelope = first("envelope")
    _, _, header, _, (entry,), _ = envelope
    for wrong in spoiled(header):
        assert rules_of([*envelope[:2], wrong, *envelope[3:]]) == [], wrong
    for wrong in spoiled(entry):
        if wrong[1:2] == [2**64 - 1]:
            continue  # a sealing number may be any unsigned integer
        assert rules_of([*envelope[:4], [entry, wrong], envelope[5]]) == []


def test_a_letter_has_the_proof_of_its_header() -> None:
    """SEAL-12, SEAL-13."""
    by_rule = {rule: first(rule) for rule in KINDS[6]}
    for rule, letter in by_rule.items():
        for other in by_rule.values():
            swapped = [*letter[:4], other[4], letter[5]]
            assert rules_of(swapped) == ([rule] if len(letter[4]) == len(other[4]) else [])


# --- the vectors -----------------------------------------------------------------------------------------------------


def hexadecimal(value: Any) -> Iterator[bytes]:
    """Every byte string of a vector."""
    if isinstance(value, dict):
        for item in value.values():
            yield from hexadecimal(item)
    elif isinstance(value, list):
        for item in value:
            yield from hexadecimal(item)
    elif isinstance(value, str) and len(value) % 2 == 0:
        try:
            yield bytes.fromhex(value)
        except ValueError:
            return


def objects_of(vector: Any) -> Iterator[list[Any]]:
    """The top-level objects in a vector, decoded."""
    for data in hexadecimal([vector.get("input"), vector.get("expected")]):
        try:
            value = decode(data)
        except MalformedError:
            continue
        if isinstance(value, list) and len(value) > 2 and value[0] in KINDS and value[1] == 1:
            yield value


def test_the_vectors_match() -> None:
    count = dict.fromkeys(KINDS, 0)
    no_objects = {"schema.json", "encoding.json"}  # the values of the latter are any, some of them arrays like objects
    for path in sorted(path for path in VECTORS.glob("*.json") if path.name not in no_objects):
        for group in json.loads(path.read_text(encoding="utf-8"))["groups"]:
            for vector in group["tests"]:
                if vector["result"] == "valid":
                    for value in objects_of(vector):
                        assert len(rules_of(value)) == 1, (path.name, vector["tcId"])
                        count[value[0]] += 1
    assert all(count.values()), count
