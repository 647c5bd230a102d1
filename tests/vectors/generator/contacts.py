"""Category ``contacts``: pinned, verified, violated (ID-11, ID-14, ID-15, ID-19). Each step is an act or an arrival."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group
from tests.vectors.generator.people import ALICE, BOB, CAROL, DAVE, MALLORY, NOW, NUMBERS
from tests.vectors.reference import HOUR, identity

OURS = DAVE.user_id


def _signed() -> dict[str, bytes]:
    """The records and hand-overs of the fixture, by name."""
    alice, bob = ALICE.record, BOB.record
    return {
        "alice": alice.encode(),
        "alice older": identity.base_record(ALICE.secret, NOW - 1).encode(),
        "alice newer": identity.base_record(ALICE.secret, NOW + 1).encode(),
        "alice same instant": replace(alice, not_after=alice.not_after - 1).signed(ALICE.secret).encode(),
        "bob": bob.encode(),
        "bob rotating": identity.rotating_record(BOB.secret, BOB.rotating[0][1], NUMBERS[0] + HOUR).encode(),
        "bob number 0 after it": identity.base_record(BOB.secret, NOW + 2 * HOUR).encode(),
        "carol": CAROL.record.encode(),
        "mallory": MALLORY.record.encode(),
        "mallory with the key of alice": replace(MALLORY.record, sealing_key=alice.sealing_key)
        .signed(MALLORY.secret)
        .encode(),
        "alice to carol": identity.succession(ALICE.secret, CAROL.secret, NOW).encode(),
        "alice to carol, later": identity.succession(ALICE.secret, CAROL.secret, NOW + 1).encode(),
        "alice to mallory": identity.succession(ALICE.secret, MALLORY.secret, NOW).encode(),
    }


def _add(record: str, name: str | None = None, refused: str | None = None) -> dict[str, Any]:
    return (
        {"do": "add", "record": record}
        | ({"name": name} if name is not None else {})
        | ({"refused": refused} if refused is not None else {})
    )


def _accept(record: str, name: str | None = None) -> dict[str, Any]:
    return _add(record, name) | {"do": "accept"}


def _succeed(name: str) -> dict[str, Any]:
    return {"do": "succeed", "succession": name}


def _about(act: str, user_id: bytes, **more: Any) -> dict[str, Any]:
    return {"do": act, "userId": user_id} | more


ALICE_NUMBER = identity.safety_number(OURS, ALICE.user_id)
VERIFY = _about("verify", ALICE.user_id, number=ALICE_NUMBER)
SAME_INSTANT = _add("alice same instant", refused="identity-changed")
OTHER_USER = _add("mallory", "Alice", refused="identity-changed")


def category() -> Category:
    """The vectors of this file."""
    book = Category("contacts")
    fixture = {"signed": _signed()}
    _valid(book.group("contacts", 11001, fixture))
    _invalid(book.group("contacts", 11101, fixture))
    return book


def _valid(group: Group) -> None:
    def add(comment: str, spec: str, flags: str, *steps: dict[str, Any]) -> None:
        group.valid(comment, spec=spec, flags=flags, now=NOW, input={"ours": OURS, "steps": steps})

    qr = identity.safety_qr(ALICE.user_id, OURS)
    add("a first record is pinned", "ID-11", "Normal", _add("alice", "Alice"))
    add("the same record again changes nothing", "ID-11", "Normal", _add("alice"), _add("alice"))
    add("a newer record takes the place of the older one", "ID-11", "Rotation", _add("alice"), _add("alice newer"))
    add("a rotating key after number 0", "ID-11", "Rotation", _add("bob"), _add("bob rotating"))
    add("number 0 after a rotating key", "ID-11", "Rotation", _add("bob rotating"), _add("bob number 0 after it"))
    record_of_alice = _about("get", ALICE.user_id)
    add(
        "the newest record is the one to seal to",
        "ID-11",
        "Rotation",
        _add("alice"),
        _add("alice newer"),
        record_of_alice,
    )
    add(
        "two users under two names",
        "ID-14",
        "Normal",
        _add("alice", "Alice"),
        _add("bob", "Bob"),
        {"do": "get", "name": "Bob"},
    )
    add("one user under two names", "ID-14", "Normal", _add("alice", "Alice"), _add("alice", "Alice at work"))
    add("compared by number", "ID-14 ID-16", "SafetyNumber", _add("alice"), VERIFY)
    add("compared by QR code", "ID-14 ID-17", "SafetyNumber", _add("alice"), _about("verify", ALICE.user_id, qr=qr))
    add(
        "a verified contact stays verified with a newer record",
        "ID-14",
        "SafetyNumber",
        _add("alice"),
        VERIFY,
        _add("alice newer"),
    )
    add(
        "one sealing key under two ids is reported, and both are kept",
        "ID-15",
        "SharedKey",
        _add("alice"),
        _add("mallory with the key of alice"),
    )
    add("the same, the other way round", "ID-15", "SharedKey", _add("mallory with the key of alice"), _add("alice"))
    add(
        "a violation stays when the pinned record comes again",
        "ID-14",
        "KeyChange",
        _add("alice"),
        SAME_INSTANT,
        _add("alice"),
    )
    add(
        "a violation stays when a newer record comes",
        "ID-14",
        "KeyChange",
        _add("alice"),
        SAME_INSTANT,
        _add("alice newer"),
    )
    add(
        "a person accepts a record after a violation",
        "ID-14",
        "KeyChange",
        _add("alice"),
        SAME_INSTANT,
        _accept("alice newer"),
    )
    add(
        "a person accepts another user for a name",
        "ID-14",
        "KeyChange",
        _add("alice", "Alice"),
        OTHER_USER,
        _accept("mallory", "Alice"),
        {"do": "get", "name": "Alice"},
    )
    add("a comparison resolves a violation", "ID-14 ID-16", "KeyChange", _add("alice"), SAME_INSTANT, VERIFY)
    add(
        "accepting a verified contact's record makes it pinned",
        "ID-14",
        "SafetyNumber",
        _add("alice"),
        VERIFY,
        _accept("alice newer"),
    )
    claimed = (_add("alice"), _add("carol"), _succeed("alice to carol"))
    add(
        "a hand-over puts the old contact in doubt and pins nobody",
        "ID-19",
        "HandOver",
        _add("alice"),
        _succeed("alice to carol"),
    )
    add("a hand-over to somebody known", "ID-19", "HandOver", *claimed)
    add("the same hand-over again is no news", "ID-19", "HandOver", *claimed, _succeed("alice to carol, later"))
    add("a second hand-over to somebody else is a fork", "ID-19", "HandOver", *claimed, _succeed("alice to mallory"))
    add("the new contact is used", "ID-19", "HandOver", *claimed, _about("require", CAROL.user_id))
    add("a known sender", "SEAL-16", "Trust", _add("alice"), _about("require", ALICE.user_id))


def _invalid(group: Group) -> None:
    def refuse(
        comment: str, spec: str, flags: str, code: str, stage: str, *steps: dict[str, Any], ours: bytes | None = OURS
    ) -> None:
        given = {"ours": ours, "steps": steps}
        group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, now=NOW, input=given)

    changed, unknown, superseded = "identity-changed", "unknown-sender", "superseded"
    get_alice, require_alice = _about("get", ALICE.user_id), _about("require", ALICE.user_id)
    refuse("an older record", "ID-11", "Rollback", superseded, "order", _add("alice"), _add("alice older"))
    refuse(
        "the record before the newest",
        "ID-11",
        "Rollback",
        superseded,
        "order",
        _add("alice"),
        _add("alice newer"),
        _add("alice"),
    )
    refuse(
        "a rotating key that is older than number 0",
        "ID-11",
        "Rollback",
        superseded,
        "order",
        _add("bob number 0 after it"),
        _add("bob rotating"),
    )
    refuse(
        "an older record of a verified contact",
        "ID-11",
        "Rollback",
        superseded,
        "order",
        _add("alice"),
        VERIFY,
        _add("alice older"),
    )
    refuse(
        "another record of the same instant",
        "ID-11 ID-14",
        "KeyChange",
        changed,
        "order",
        _add("alice"),
        _add("alice same instant"),
    )
    refuse(
        "another record of the same instant, of a verified contact",
        "ID-11 ID-14",
        "KeyChange",
        changed,
        "order",
        _add("alice"),
        VERIFY,
        _add("alice same instant"),
    )
    refuse(
        "another user under a pinned name",
        "ID-14",
        "KeyChange",
        changed,
        "trust",
        _add("alice", "Alice"),
        _add("mallory", "Alice"),
    )
    refuse(
        "another known user under a pinned name",
        "ID-14",
        "KeyChange",
        changed,
        "trust",
        _add("alice", "Alice"),
        _add("bob"),
        _add("bob", "Alice"),
    )
    refuse(
        "another user with the same sealing key under a pinned name",
        "ID-14 ID-15",
        "SharedKey",
        changed,
        "trust",
        _add("alice", "Alice"),
        _add("mallory with the key of alice", "Alice"),
    )
    refuse(
        "sealing to a violated contact", "ID-14", "KeyChange", changed, "trust", _add("alice"), SAME_INSTANT, get_alice
    )
    refuse(
        "sealing to a violated name",
        "ID-14",
        "KeyChange",
        changed,
        "trust",
        _add("alice", "Alice"),
        OTHER_USER,
        {"do": "get", "name": "Alice"},
    )
    refuse(
        "sealing to a violated contact after the pinned record came again",
        "ID-14",
        "KeyChange",
        changed,
        "trust",
        _add("alice"),
        SAME_INSTANT,
        _add("alice"),
        get_alice,
    )
    refuse(
        "a message of a violated contact",
        "ID-14 SEAL-16",
        "KeyChange",
        changed,
        "trust",
        _add("alice"),
        SAME_INSTANT,
        require_alice,
    )
    refuse("accepting an older record", "ID-11", "Rollback", superseded, "order", _add("alice"), _accept("alice older"))
    refuse(
        "accepting an older record after a violation",
        "ID-11 ID-14",
        "Rollback",
        superseded,
        "order",
        _add("alice"),
        SAME_INSTANT,
        _accept("alice older"),
    )
    other = identity.safety_number(OURS, MALLORY.user_id)
    refuse(
        "a safety number that differs",
        "ID-14 ID-16",
        "SafetyNumber",
        changed,
        "trust",
        _add("alice"),
        _about("verify", ALICE.user_id, number=other),
    )
    swapped = identity.safety_qr(OURS, ALICE.user_id)
    refuse(
        "our own QR code, shown back to us",
        "ID-14 ID-17",
        "SafetyNumber",
        changed,
        "trust",
        _add("alice"),
        _about("verify", ALICE.user_id, qr=swapped),
    )
    refuse(
        "a safety number that differs, for a verified contact",
        "ID-14 ID-16",
        "SafetyNumber",
        changed,
        "trust",
        _add("alice"),
        VERIFY,
        _about("verify", ALICE.user_id, number=other),
    )
    refuse("comparing with somebody unknown", "ID-14", "Trust", unknown, "trust", VERIFY)
    refuse(
        "comparing without knowing oneself",
        "ID-16",
        "Argument",
        "invalid-argument",
        "argument",
        _add("alice"),
        VERIFY,
        ours=None,
    )
    refuse("a message of somebody unknown", "SEAL-16", "Trust", unknown, "trust", _add("bob"), require_alice)
    refuse("sealing to somebody unknown", "ID-14", "Argument", "invalid-argument", "argument", _add("bob"), get_alice)
    refuse(
        "sealing to an unknown name",
        "ID-14",
        "Argument",
        "invalid-argument",
        "argument",
        _add("alice", "Alice"),
        {"do": "get", "name": "alice"},
    )
    refuse(
        "a hand-over of somebody unknown",
        "ID-19",
        "HandOver",
        unknown,
        "trust",
        _add("bob"),
        _succeed("alice to carol"),
    )
    refuse(
        "sealing to the old key after a hand-over",
        "ID-19",
        "HandOver",
        changed,
        "trust",
        _add("alice"),
        _succeed("alice to carol"),
        get_alice,
    )
    refuse(
        "a message of the old key after a hand-over",
        "ID-19 SEAL-16",
        "HandOver",
        changed,
        "trust",
        _add("alice"),
        _succeed("alice to carol"),
        require_alice,
    )
    refuse(
        "sealing to the new key, which nobody pinned",
        "ID-19",
        "HandOver",
        "invalid-argument",
        "argument",
        _add("alice"),
        _succeed("alice to carol"),
        _about("get", CAROL.user_id),
    )
    refuse(
        "a message of the old key after two hand-overs",
        "ID-19",
        "HandOver",
        changed,
        "trust",
        _add("alice"),
        _succeed("alice to carol"),
        _succeed("alice to mallory"),
        require_alice,
    )
    refuse(
        "a message of the old key, verified and then handed over",
        "ID-19",
        "HandOver",
        changed,
        "trust",
        _add("alice"),
        VERIFY,
        _succeed("alice to carol"),
        require_alice,
    )
