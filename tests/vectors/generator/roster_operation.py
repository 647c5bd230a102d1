"""Category ``roster-operation``: operations and leave statements on the wire (ROS-1 … ROS-4, ROS-6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, mutation, stream
from tests.vectors.generator.people import NOW, person
from tests.vectors.generator.roster_parts import (
    ADMINS_POST,
    END,
    FORWARD_SECRET,
    add,
    adopt,
    close,
    create,
    dismiss,
    follow,
    found,
    fresh,
    leave,
    refresh,
    remove,
    rename,
    set_policy,
    set_role,
    user,
)
from tests.vectors.generator.roster_wrong import wrong_acts, wrong_statements
from tests.vectors.generator.suite import small_key, small_r, torsion_r, with_torsion
from tests.vectors.notation import joined, shake
from tests.vectors.reference import HOUR, LATEST, cbor, identity
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import label
from tests.vectors.reference.roster_wire import ADMIN, ARCHIVIST, MAX_BYTES, MEMBER, READER, Act, Operation, Statement

SPEC = "ROS-1 ROS-2 ROS-3 ROS-6 ENC-9"
LEAVE_SPEC = "ROS-3 ROS-4 ROS-6 ENC-9"

FOUNDING = found("frida", create({"anna": ADMIN, "carl": MEMBER, "dora": READER}))
GONE = leave(FOUNDING, "carl", close(1, 7), close(2))
HEADS = [stream(f"head {number}", 32) for number in range(1025)]


def category() -> Category:
    """The vectors of this file."""
    book = Category("roster-operation")
    operations, refused = book.group("roster-operation", 30001), book.group("roster-operation", 30101)
    base = _operations(operations)
    refuse = Refuser(refused, "operation", base, SPEC)
    honest = follow(FOUNDING, "frida", rename("other"))
    _outside(refuse, honest, "4")
    _items(refuse, honest)
    _founding(refuse)
    for comment, value, spec, flags, code in wrong_acts(FOUNDING.head, HEADS):
        data = _raw(honest, action=value)
        refuse.data(comment, "shape", data, spec, flags, code=code)
    _keys(refuse, honest)
    _forgeries(refuse, honest, "roster operation", "frida")
    _carried(refuse)

    statements, refused = book.group("leave-statement", 30501), book.group("leave-statement", 30551)
    refuse = Refuser(refused, "statement", _statements(statements), LEAVE_SPEC)
    _outside(refuse, GONE, "5")
    for comment, data, spec in wrong_statements(GONE):
        refuse.data(comment, "shape", data, spec, "WrongShape")
    _keys(refuse, GONE)
    _forgeries(refuse, GONE, "leave statement", "carl")
    return book


class Refuser:
    """Adds objects that have to be refused, each against one honest object."""

    def __init__(self, group: Group, name: str, base: int, spec: str) -> None:
        self.group, self.name, self.base, self.spec = group, name, base, spec

    def data(
        self, comment: str, stage: str, data: Any, spec: str, flags: str, *, code: str = "malformed", step: str = ""
    ) -> None:
        """Bytes as they are."""
        early = {"size", "encoding", "type", "version"}
        step = step or ("bytes" if stage in early else "signature" if stage == "signature" else "items")
        self.group.invalid(
            comment,
            spec=spec,
            flags=flags,
            code=code,
            stage=stage,
            base=self.base,
            mutation=mutation(step, comment),
            input={self.name: data},
        )


# --- what is valid ----------------------------------------------------------------------------------------------------


def _acts() -> Iterator[tuple[str, Act]]:
    yield "add a member", add({"emil": MEMBER})
    yield "add three with other roles", add({"bert": ADMIN, "emil": ARCHIVIST, "mallory": READER})
    yield "remove one", remove("carl")
    yield "remove two and close their chains", remove("carl", "dora", closes=[close(1, 7), close(2)])
    yield "remove with a leave statement", remove("carl", statements=[GONE.encode()])
    later = leave(FOUNDING, "carl", at=NOW + 9).encode()
    yield "remove with two statements of one user", remove("carl", statements=[later, GONE.encode()])
    yield "remove with a statement that stands twice", remove("carl", statements=[GONE.encode()] * 2)
    yield "remove, the key withheld from two", remove("carl", key=fresh("anna", "dora"))
    yield "adopt one operation", adopt(HEADS[0])
    yield "adopt two with a fresh key and closes", adopt(*HEADS[1:3], closes=[close(3, 65_535)], key=fresh("dora"))
    yield "adopt two in the other order", adopt(*HEADS[2:0:-1])
    yield "dismiss two", dismiss(*HEADS[:2])
    yield "refresh the key", refresh()
    yield "set a role", set_role("carl", READER, close(1, 0))
    yield "set a role without closes", set_role("carl", ADMIN)
    yield "set the policy", set_policy(ADMINS_POST, close(4, 1))
    yield "set a policy that refuses sealing number 0", set_policy(FORWARD_SECRET, key=fresh())
    yield "rename the group", rename("Büro")
    yield "close the group", END


def _operations(group: Group) -> int:
    def put(comment: str, operation: Operation, flags: str = "Normal", spec: str = SPEC) -> None:
        group.valid(comment, spec=spec, flags=flags, input={"operation": operation.encode()})

    for comment, act in _acts():
        put(comment, follow(FOUNDING, "frida", act))
    put("found a group", FOUNDING)
    alone = create({}, [1, 0, 1, HOUR, 1], name="x", key=fresh())
    put("found a group of one, the least policy", found("frida", alone), "Boundary")
    withheld = create({"anna": ADMIN, "dora": READER}, key=fresh("dora"))
    put("found a group, the key withheld from one", found("frida", withheld))

    def edge(comment: str, act: Act, spec: str = SPEC, **changes: Any) -> None:
        put(comment, follow(FOUNDING, "frida", act, **changes), "Boundary", spec)

    edge("a name of 255 bytes", rename("x" * 255))
    edge("a name of 255 bytes in 85 characters", rename("封" * 85))
    edge("a name that is not in normal form C", rename("Bu\u0308ro"))
    edge("a name of code points that are not assigned", rename("\u0378\ufffe\U0010ffff"))
    edge("a name of one character", rename("x"))
    edge("the greatest policy", set_policy([1, 1, 65_536, 365 * 24 * HOUR, 1], key=fresh()))
    edge("the last instant", rename("x"), f"{SPEC} ENC-10", at=LATEST)
    edge("the first instant", rename("x"), f"{SPEC} ENC-10", at=0)
    edge("the greatest height", rename("x"), height=2**64 - 1)
    edge("a user id that is no key", Act("add", {"members": [[bytes(32), MEMBER]]}))
    edge("16 chains", remove("carl", closes=[close(number) for number in range(16)]))
    return group.first


def _statements(group: Group) -> int:
    for comment, statement, flags in (
        ("a leave statement", GONE, "Normal"),
        ("without closes", leave(FOUNDING, "dora"), "Normal"),
        ("a close at the last index", leave(FOUNDING, "carl", close(1, 65_535)), "Boundary"),
        ("in the last instant", leave(FOUNDING, "carl", at=LATEST), "Boundary"),
        ("as of a head that nobody knows", leave(FOUNDING, "carl", head=HEADS[0]), "Normal"),
    ):
        group.valid(comment, spec=LEAVE_SPEC, flags=flags, input={"statement": statement.encode()})
    return group.first


# --- bytes, type, version ---------------------------------------------------------------------------------------------


def _outside(refuse: Refuser, item: Operation | Statement, number: str) -> None:
    """The faults that come before the shape; ``number`` is the type number."""
    honest, one = item.encode(), uint(1)
    items = (*item.items(), octets(item.signature))
    kind, version, *rest = items
    refuse.data("no bytes at all", "encoding", b"", "ENC-8", "Truncated")
    refuse.data("the first half", "encoding", honest[: len(honest) // 2], "ENC-4", "Truncated")
    refuse.data("the last byte is missing", "encoding", honest[:-1], "ENC-4", "Truncated")
    refuse.data("a byte behind the end", "encoding", honest + b"\0", "ENC-8", "TrailingBytes")
    refuse.data("the same twice", "encoding", honest * 2, "ENC-8", "TrailingBytes")
    refuse.data("an array of indefinite length", "encoding", b"\x9f" + honest[1:] + b"\xff", "ENC-3", "Indefinite")
    refuse.data("version 1 in two bytes", "encoding", array(kind, uint(1, 1), *rest), "ENC-2", "NonShortest")
    longer = cbor.head(cbor.BYTES, 64, 2) + item.signature
    refuse.data("a signature with a two-byte length", "encoding", array(*items[:-1], longer), "ENC-2", "NonShortest")
    tagged = array(*items[:-2], cbor.head(cbor.TAG, 1) + items[-2], items[-1])
    refuse.data("a tag before the last item but one", "encoding", tagged, "ENC-1", "ForbiddenType")
    for other in ("1", "2", {"4": "5", "5": "4"}[number], "99"):
        refuse.data(f"type number {other}", "type", array(uint(int(other)), one, *rest), "ENC-9", "WrongType")
    refuse.data("not an array", "type", octets(honest), "ENC-9", "WrongShape")
    refuse.data("true as type number", "type", array(cbor.TRUE, version, *rest), "ENC-9", "WrongShape")
    for wrong in (0, 2, 2**64 - 1):
        data = array(kind, uint(wrong), *rest)
        refuse.data(f"version {wrong}", "version", data, "ENC-9", "WrongVersion", code="unsupported-version")
    refuse.data("the signature is missing", "shape", array(*items[:-1]), refuse.spec.split()[1], "WrongShape")
    refuse.data("one item more", "shape", array(*items, cbor.NULL), refuse.spec.split()[1], "WrongShape")
    # The rest is never read: the size is checked first.
    whole = joined(honest, shake(b"too long", MAX_BYTES + 1 - len(honest)))
    refuse.data("1,048,577 bytes", "size", whole, "ROS-3", "Limit", code="limit-exceeded")
    allowed = joined(honest, shake(b"too long", MAX_BYTES - len(honest)))
    refuse.data("1,048,576 bytes, most of them behind the end", "encoding", allowed, "ROS-3 ENC-8", "TrailingBytes")


# --- the items of an operation ----------------------------------------------------------------------------------------

PLACES = {"group id": 2, "height": 3, "previous head": 4, "author": 5, "at": 6, "action": 7}


def _raw(operation: Operation, **changed: bytes) -> bytes:
    """The operation with encoded items in the place of others, signed again by Frida."""
    items = list(operation.items())
    for name, item in changed.items():
        items[PLACES[name.replace("_", " ")]] = item
    text = label("roster operation") + b"\0" + array(*items)
    return array(*items, octets(identity.sign_with(person("frida").secret, text)))


def _items(refuse: Refuser, honest: Operation) -> None:
    def put(name: str, comment: str, item: bytes, spec: str = "ROS-1") -> None:
        data = _raw(honest, **{name.replace(" ", "_"): item})
        refuse.data(f"{name}: {comment}", "shape", data, spec, "WrongShape")

    for name in ("group id", "previous head"):
        put(name, "empty", octets(b""))
        put(name, "31 bytes", octets(bytes(31)))
        put(name, "33 bytes", octets(bytes(33)))
        put(name, "null", cbor.NULL)
    put("height", "0", uint(0))
    put("height", "true", cbor.TRUE)
    put("height", "a byte string", octets(b"\1"))
    put("author", "31 bytes", octets(user("frida")[:31]))
    put("author", "33 bytes", octets(user("frida") + b"\0"))
    put("author", "empty", octets(b""))
    put("author", "text", cbor.text("frida"))
    put("at", "one after the last instant", uint(LATEST + 1), "ROS-1 ENC-10")
    put("at", "null", cbor.NULL)
    items = honest.items()
    for comment, signature in (("63 bytes", octets(bytes(63))), ("empty", octets(b"")), ("null", cbor.NULL)):
        refuse.data(f"signature: {comment}", "shape", array(*items, signature), "ROS-1", "WrongShape")


def _founding(refuse: Refuser) -> None:
    """A founding operation has nothing below it, and its author is not named."""
    for name, item in (("group id", octets(bytes(32))), ("previous head", octets(bytes(32))), ("height", uint(1))):
        data = _raw(FOUNDING, **{name.replace(" ", "_"): item})
        refuse.data(f"a founding operation with a {name}", "shape", data, "ROS-1", "WrongShape")
    other = Operation(b"", 0, b"", user("frida"), NOW, rename("x")).signed(person("frida").secret)
    refuse.data("a renaming at the place of a founding operation", "shape", other.encode(), "ROS-1", "WrongShape")
    above = follow(FOUNDING, "frida", create({}))
    refuse.data("a founding act at height 1", "shape", above.encode(), "ROS-1", "WrongShape")
    members = [[user("frida"), MEMBER]]
    act = Act("create", {**create({}).fields, "members": members})
    data = found("frida", act).encode()
    refuse.data("the founder among the members", "shape", data, "ROS-2", "WrongShape")


# --- keys and signatures ----------------------------------------------------------------------------------------------


def _keys(refuse: Refuser, honest: Operation | Statement) -> None:
    spec = f"{refuse.spec} SUITE-1"
    keys = {
        "32 zeros": bytes(32),
        "the identity point": small_key(b"")[0],
        "y above the field": (2**255 - 18).to_bytes(32, "little"),
        "a point outside the prime-order subgroup": with_torsion(stream("torsion", 32), b"")[0],
    }
    name = "author" if isinstance(honest, Operation) else "user_id"
    for comment, key in keys.items():
        secret = person("frida" if isinstance(honest, Operation) else "carl").secret
        fields: dict[str, Any] = {name: key}
        data = replace(honest, **fields).signed(secret).encode()
        refuse.data(f"a key that is none: {comment}", "signing-key", data, spec, "BadPoint", step="items")


def _forgeries(refuse: Refuser, honest: Operation | Statement, purpose: str, name: str) -> None:
    spec, text = f"{refuse.spec} SUITE-1", honest.text()
    seed, secret = identity.derive(person(name).secret, "sign"), person(name).secret

    def put(comment: str, flags: str, signature: bytes) -> None:
        data = replace(honest, signature=signature).encode()
        refuse.data(comment, "signature", data, spec, flags, code="invalid-message")

    def by(label_text: bytes, rest: bytes) -> bytes:
        return identity.sign_with(secret, label_text + rest)

    items = array(*honest.items())
    put("signed by another", "ForeignSender", identity.sign_with(person("mallory").secret, text))
    put("a bit of R flipped", "BadSignature", flipped(honest.signature, 0))
    put("a bit of S flipped", "BadSignature", flipped(honest.signature, 32))
    put("R = identity, S = h·a", "BadPoint", small_r(seed, text)[2])
    put("R with a point of order 8 added", "BadPoint", torsion_r(seed, text)[2])
    put("under the label of heads", "WrongLabel", by(label("roster head") + b"\0", items))
    put("under no label", "WrongLabel", by(b"", items))
    put("without the zero byte", "MissingSeparator", by(label(purpose), items))
    changes: dict[str, dict[str, Any]] = {"at": {"at": NOW + 77}}
    if isinstance(honest, Operation):
        changes |= {
            "group id": {"group_id": bytes(32)},
            "height": {"height": 2},
            "previous head": {"previous": HEADS[0]},
            "author": {"author": user("mallory")},
            "action": {"action": rename("another")},
        }
    else:
        changes |= {
            "group id": {"group": bytes(32)},
            "head": {"head": HEADS[0]},
            "user id": {"user_id": user("mallory")},
            "closes": {"closes": ()},
        }
    for what, fields in changes.items():
        data = replace(honest, **fields).encode()
        comment = f"another {what} under the same signature"
        refuse.data(comment, "signature", data, spec, "BadSignature", code="invalid-message", step="items")


def _carried(refuse: Refuser) -> None:
    """Removals, signed in order, that carry something else than a leave statement."""
    spec = "ROS-2 ROS-4 ROS-6"
    items = (*GONE.items(), octets(GONE.signature))
    wrong: dict[str, tuple[bytes, str, str]] = {
        "no bytes": (b"", "Truncated", "malformed"),
        "a statement and a byte more": (GONE.encode() + b"\0", "TrailingBytes", "malformed"),
        "an operation": (follow(FOUNDING, "carl", rename("x")).encode(), "WrongType", "malformed"),
        "version 2": (array(items[0], uint(2), *items[2:]), "WrongVersion", "unsupported-version"),
        "an item missing": (array(*items[:5], *items[6:]), "WrongShape", "malformed"),
        "a key that is none": (replace(GONE, user_id=bytes(32)).encode(), "BadPoint", "malformed"),
        "another's signature": (
            replace(GONE, signature=leave(FOUNDING, "dora").signature).encode(),
            "ForeignSender",
            "invalid-message",
        ),
        "signed by the remover": (
            replace(GONE, signature=b"").signed(person("frida").secret).encode(),
            "ForeignSender",
            "invalid-message",
        ),
    }
    for comment, (data, flags, code) in wrong.items():
        operation = follow(FOUNDING, "frida", remove("carl", statements=[data]))
        refuse.data(
            f"carried as a statement: {comment}", "statements", operation.encode(), spec, flags, code=code, step="items"
        )
    many = follow(FOUNDING, "frida", remove("carl", statements=[b""] * 256))
    comment = "carried as statements: 256 times nothing, as many as there may be"
    refuse.data(comment, "statements", many.encode(), f"{spec} ROS-3", "Truncated", step="items")
    honest = GONE.encode()
    second = follow(FOUNDING, "frida", remove("carl", statements=[honest, flipped(honest, -1)]))
    comment = "carried as a statement: a second one with a damaged signature"
    refuse.data(comment, "statements", second.encode(), spec, "BadSignature", code="invalid-message", step="items")
