"""Category ``contacts``: pinned, verified, violated (ID-11, ID-14, ID-15, ID-19). Each step is an act or an arrival."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

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


# --- acts and arrivals ------------------------------------------------------------------------------------------------

PIN = _add("alice")
PIN_BY_NAME = _add("alice", "Alice")
NEWER, OLDER = _add("alice newer"), _add("alice older")
SAME_INSTANT = _add("alice same instant")
CHANGED = _add("alice same instant", refused="identity-changed")
OTHER_USER = _add("mallory", "Alice")
OTHER_USER_REFUSED = _add("mallory", "Alice", refused="identity-changed")
SHARED_KEY = _add("mallory with the key of alice")
ACCEPT_NEWER = _accept("alice newer")
BOB_BASE, BOB_ROTATING, BOB_BASE_AGAIN = _add("bob"), _add("bob rotating"), _add("bob number 0 after it")
CAROL_PINNED = _add("carol")
HAND_OVER, HAND_OVER_LATER = _succeed("alice to carol"), _succeed("alice to carol, later")
OTHER_HAND_OVER = _succeed("alice to mallory")
VERIFY = _about("verify", ALICE.user_id, number=identity.safety_number(OURS, ALICE.user_id))
VERIFY_QR = _about("verify", ALICE.user_id, qr=identity.safety_qr(ALICE.user_id, OURS))
VERIFY_OTHER = _about("verify", ALICE.user_id, number=identity.safety_number(OURS, MALLORY.user_id))
VERIFY_OWN_QR = _about("verify", ALICE.user_id, qr=identity.safety_qr(OURS, ALICE.user_id))
GET, GET_BY_NAME, GET_CAROL = _about("get", ALICE.user_id), {"do": "get", "name": "Alice"}, _about("get", CAROL.user_id)
REQUIRE, REQUIRE_CAROL = _about("require", ALICE.user_id), _about("require", CAROL.user_id)

Cases: TypeAlias = dict[str, list[dict[str, Any]]]


def category() -> Category:
    """The vectors of this file."""
    book = Category("contacts")
    fixture = {"signed": _signed()}
    _valid(book.group("contacts", 11001, fixture))
    group = book.group("contacts", 11101, fixture)
    _order(group)
    _violations(group)
    _hand_overs(group)
    return book


def _valid(group: Group) -> None:
    def add(spec: str, flags: str, cases: Cases) -> None:
        for comment, steps in cases.items():
            group.valid(comment, spec=spec, flags=flags, now=NOW, input={"ours": OURS, "steps": steps})

    order: Cases = {
        "a first record is pinned": [PIN_BY_NAME],
        "the same record again changes nothing": [PIN, PIN],
        "a newer record takes the place of the older one": [PIN, NEWER],
        "the newest record is the one to seal to": [PIN, NEWER, GET],
        "a rotating key after number 0": [BOB_BASE, BOB_ROTATING],
        "number 0 after a rotating key": [BOB_ROTATING, BOB_BASE_AGAIN],
    }
    add("ID-11", "Rotation", order)
    names: Cases = {
        "two users under two names": [PIN_BY_NAME, _add("bob", "Bob"), {"do": "get", "name": "Bob"}],
        "one user under two names": [PIN_BY_NAME, _add("alice", "Alice at work")],
    }
    add("ID-14", "Normal", names)
    compared: Cases = {
        "compared by number": [PIN, VERIFY],
        "compared by QR code": [PIN, VERIFY_QR],
        "a verified contact stays verified with a newer record": [PIN, VERIFY, NEWER],
        "accepting a verified contact's record makes it pinned": [PIN, VERIFY, ACCEPT_NEWER],
    }
    add("ID-14 ID-16 ID-17", "SafetyNumber", compared)
    shared: Cases = {
        "one sealing key under two ids is reported, and both are kept": [PIN, SHARED_KEY],
        "the same, the other way round": [SHARED_KEY, PIN],
    }
    add("ID-15", "SharedKey", shared)
    sticky: Cases = {
        "a violation stays when the pinned record comes again": [PIN, CHANGED, PIN],
        "a violation stays when a newer record comes": [PIN, CHANGED, NEWER],
        "a person accepts a record after a violation": [PIN, CHANGED, ACCEPT_NEWER],
        "a person accepts another user for a name": [
            PIN_BY_NAME,
            OTHER_USER_REFUSED,
            _accept("mallory", "Alice"),
            GET_BY_NAME,
        ],
        "a comparison resolves a violation": [PIN, CHANGED, VERIFY],
    }
    add("ID-14", "KeyChange", sticky)
    handed_over: Cases = {
        "a hand-over puts the old contact in doubt and pins nobody": [PIN, HAND_OVER],
        "a hand-over to somebody known": [PIN, CAROL_PINNED, HAND_OVER],
        "the same hand-over again is no news": [PIN, CAROL_PINNED, HAND_OVER, HAND_OVER_LATER],
        "a second hand-over to somebody else is a fork": [PIN, CAROL_PINNED, HAND_OVER, OTHER_HAND_OVER],
        "a fork is still seen after a record was accepted": [PIN, HAND_OVER, ACCEPT_NEWER, OTHER_HAND_OVER],
        "the new contact is used": [PIN, CAROL_PINNED, HAND_OVER, REQUIRE_CAROL],
    }
    add("ID-19", "HandOver", handed_over)
    add("SEAL-16", "Trust", {"a known sender": [PIN, REQUIRE]})


@dataclass
class _Refusal:
    """How a table of cases is refused."""

    group: Group
    spec: str
    flags: str
    code: str
    stage: str

    def add(self, cases: Cases, ours: bytes | None = OURS) -> None:
        """Adds the cases."""
        for comment, steps in cases.items():
            given = {"ours": ours, "steps": steps}
            self.group.invalid(
                comment, spec=self.spec, flags=self.flags, code=self.code, stage=self.stage, now=NOW, input=given
            )


def _order(group: Group) -> None:
    older: Cases = {
        "an older record": [PIN, OLDER],
        "the record before the newest": [PIN, NEWER, PIN],
        "a rotating key that is older than number 0": [BOB_BASE_AGAIN, BOB_ROTATING],
        "an older record of a verified contact": [PIN, VERIFY, OLDER],
        "accepting an older record": [PIN, _accept("alice older")],
        "accepting an older record after a violation": [PIN, CHANGED, _accept("alice older")],
    }
    _Refusal(group, "ID-11", "Rollback", "superseded", "order").add(older)
    same: Cases = {
        "another record of the same instant": [PIN, SAME_INSTANT],
        "another record of the same instant, of a verified contact": [PIN, VERIFY, SAME_INSTANT],
    }
    _Refusal(group, "ID-11 ID-14", "KeyChange", "identity-changed", "order").add(same)


def _violations(group: Group) -> None:
    changed: Cases = {
        "another user under a pinned name": [PIN_BY_NAME, OTHER_USER],
        "another known user under a pinned name": [PIN_BY_NAME, BOB_BASE, _add("bob", "Alice")],
        "an old record of another user under a pinned name": [PIN_BY_NAME, BOB_BASE_AGAIN, _add("bob", "Alice")],
        "sealing to a violated contact": [PIN, CHANGED, GET],
        "sealing to a violated name": [PIN_BY_NAME, OTHER_USER_REFUSED, GET_BY_NAME],
        "sealing to a violated contact after the pinned record came again": [PIN, CHANGED, PIN, GET],
        "a message of a violated contact": [PIN, CHANGED, REQUIRE],
    }
    _Refusal(group, "ID-14 SEAL-16", "KeyChange", "identity-changed", "trust").add(changed)
    shared = {
        "another user with the same sealing key under a pinned name": [PIN_BY_NAME, SHARED_KEY | {"name": "Alice"}]
    }
    _Refusal(group, "ID-14 ID-15", "SharedKey", "identity-changed", "trust").add(shared)
    differing: Cases = {
        "a safety number that differs": [PIN, VERIFY_OTHER],
        "our own QR code, shown back to us": [PIN, VERIFY_OWN_QR],
        "a safety number that differs, for a verified contact": [PIN, VERIFY, VERIFY_OTHER],
    }
    _Refusal(group, "ID-14 ID-16 ID-17", "SafetyNumber", "identity-changed", "trust").add(differing)
    unknown: Cases = {
        "comparing with somebody unknown": [VERIFY],
        "a message of somebody unknown": [BOB_BASE, REQUIRE],
    }
    _Refusal(group, "ID-14 SEAL-16", "Trust", "unknown-sender", "trust").add(unknown)
    argument = _Refusal(group, "ID-14 ID-16", "Argument", "invalid-argument", "argument")
    argument.add({"comparing without knowing oneself": [PIN, VERIFY]}, ours=None)
    nobody: Cases = {
        "sealing to somebody unknown": [BOB_BASE, GET],
        "sealing to an unknown name": [PIN_BY_NAME, {"do": "get", "name": "alice"}],
    }
    argument.add(nobody)


def _hand_overs(group: Group) -> None:
    unknown = {"a hand-over of somebody unknown": [BOB_BASE, HAND_OVER]}
    _Refusal(group, "ID-19", "HandOver", "unknown-sender", "trust").add(unknown)
    changed: Cases = {
        "sealing to the old key after a hand-over": [PIN, HAND_OVER, GET],
        "a message of the old key after a hand-over": [PIN, HAND_OVER, REQUIRE],
        "a message of the old key after two hand-overs": [PIN, HAND_OVER, OTHER_HAND_OVER, REQUIRE],
        "a message of the old key, verified and then handed over": [PIN, VERIFY, HAND_OVER, REQUIRE],
    }
    _Refusal(group, "ID-19", "HandOver", "identity-changed", "trust").add(changed)
    new = {"sealing to the new key, which nobody pinned": [PIN, HAND_OVER, GET_CAROL]}
    _Refusal(group, "ID-19", "HandOver", "invalid-argument", "argument").add(new)
