"""Records at rest, one by one: names, tags, sealing, opening, elements and tallies (STO-1 … STO-6)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, stream
from tests.vectors.generator.store_parts import (
    CHATS,
    DATA,
    EXPIRES,
    INDEXED,
    OLDER,
    PLAIN,
    SESSIONS,
    TIMED,
    index_key,
    names_key,
    sums_key,
)
from tests.vectors.generator.unlock_parts import OTHER_STORE, STORE
from tests.vectors.notation import shake
from tests.vectors.reference import LATEST, cbor, store
from tests.vectors.reference.store import Content, Place

KID = 11
KEY = DATA[KID]
PLACE = Place(KID, STORE, CHATS, PLAIN["name"], 2)


def records(book: Category) -> None:
    """All groups of single records."""
    _names(book.group("record-name", 65_001), book.group("field-tag", 65_101))
    _sealed(book.group("seal-record", 65_201))
    opening = book.group("open-record", 65_301)
    _places(opening)
    _shapes(opening)
    _sums(book.group("element", 65_501), book.group("tally", 65_601))


def _names(names: Group, tags: Group) -> None:
    keys: dict[str, tuple[Any, str | None]] = {
        "text": ({"text": "note"}, None),
        "the same in a scope": ({"text": "note"}, "emil"),
        "bytes": ({"bytes": b"note".hex()}, None),
        "no characters": ({"text": ""}, None),
        "1,024 bytes": ({"text": "\u00e4" * 512}, ""),
    }
    for comment, (key, scope) in keys.items():
        flags = "Boundary" if key in ({"text": ""}, {"text": "\u00e4" * 512}) else "KnownAnswer"
        given = {"namesKey": names_key(CHATS), "scope": scope, "key": key}
        names.valid(f"the name of a key: {comment}", spec="STO-3", flags=flags, input=given)
    for comment, key in {"1,025 bytes": {"bytes": "00" * 1025}, "513 characters": {"text": "\u00e4" * 513}}.items():
        given = {"namesKey": names_key(CHATS), "scope": None, "key": key}
        names.invalid(
            f"a key that is too long: {comment}",
            spec="STO-3",
            flags="Limit",
            code="invalid-argument",
            stage="argument",
            input=given,
        )
    for comment, field, scope, text in (
        ("a text", 0, None, "t1"),
        ("the same in a scope", 0, "emil", "t1"),
        ("the same of another field", 1, None, "t1"),
        ("no characters", 23, None, ""),
    ):
        given = {"indexKey": index_key(CHATS, field), "scope": scope, "text": text}
        tags.valid(f"the tag of a field: {comment}", spec="STO-4", flags="KnownAnswer", input=given)


def _placed(place: Place, key: bytes = KEY) -> dict[str, Any]:
    given = {"dataKey": key, "kid": place.kid, "storeId": place.store_id, "collection": place.collection}
    return given | {"name": place.name, "revision": place.revision}


def _said(key: Any, value: Any, **more: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "expires": None, "fields": [], "restored": None} | more


CONTENTS: dict[str, dict[str, Any]] = {
    "text and bytes": _said({"text": "note"}, b"hello"),
    "a key of bytes": _said({"bytes": "00ff"}, b"hello"),
    "nothing in it": _said({"text": ""}, b""),
    "an expiry": _said({"text": "note"}, b"hello", expires=EXPIRES),
    "the last expiry": _said({"text": "note"}, b"hello", expires=LATEST),
    "a field": _said({"text": "note"}, b"hello", fields=[[0, "t1"]]),
    "the first and the last field, and an expiry": _said(
        {"text": "note"}, b"hello", fields=[[0, "t1"], [23, ""]], expires=0
    ),
    "restored": _said({"text": "note"}, b"hello", restored=1_767_225_600_000),
    "restored, with a field": _said({"text": "note"}, b"hello", fields=[[3, "x"]], restored=LATEST),
    "letters beyond ASCII": _said({"text": "Gr\u00fc\u00dfe"}, b"hello"),
    "66,000 bytes": _said({"text": "note"}, shake(b"a long value", 66_000)),
}


def _sealed(group: Group) -> None:
    for comment, content in CONTENTS.items():
        drawn = {"nonce": stream(f"nonce of {comment}", 12)}
        given = _placed(PLACE) | content
        group.valid(f"a record with {comment}", spec="STO-1 STO-2", flags="KnownAnswer", random=drawn, input=given)
    for comment, place in {
        "the first numbers": Place(1, STORE, 1, bytes(16), 1),
        "the last numbers": Place(2**32 - 1, STORE, 2**16 - 1, b"\xff" * 16, 2**53 - 1),
    }.items():
        drawn, given = {"nonce": bytes(12)}, _placed(place) | _said({"text": "x"}, b"y")
        group.valid(f"a record at {comment}", spec="STO-1", flags="Boundary", random=drawn, input=given)
    for comment, wrong in {
        "a key of 1,025 bytes": _said({"bytes": "00" * 1025}, b""),
        "a value of 2^24 + 1 bytes": _said({"text": "x"}, shake(b"too long", 2**24 + 1)),
        "an expiry after the last instant": _said({"text": "x"}, b"", expires=LATEST + 1),
    }.items():
        group.invalid(
            f"a record with {comment}",
            spec="STO-2",
            flags="Limit",
            code="invalid-argument",
            stage="argument",
            random={"nonce": bytes(12)},
            input=_placed(PLACE) | wrong,
        )


def _open(record: bytes, place: Place = PLACE, key: bytes = KEY) -> dict[str, Any]:
    return _placed(place, key) | {"record": record}


def _places(group: Group) -> None:
    honest = PLAIN["record"]
    base = group.valid("a record at its place", spec="STO-1 STO-2", flags="Normal", input=_open(honest))

    def refuse(comment: str, flags: str, given: dict[str, Any]) -> None:
        group.invalid(comment, spec="STO-1", flags=flags, code="corrupt-record", stage="record", base=base, input=given)

    for comment, place in {
        "under the name of another record": PLACE._replace(name=TIMED["name"]),
        "in another collection": PLACE._replace(collection=SESSIONS),
        "in another store": PLACE._replace(store_id=OTHER_STORE),
        "as a later revision": PLACE._replace(revision=3),
    }.items():
        refuse(f"moved: {comment}", "OtherPlace", _open(honest, place))
    refuse("an old revision as the newest", "Rollback", _open(OLDER["record"]))
    refuse("the record of another key", "OtherPlace", _open(TIMED["record"]))
    refuse("under another data key", "WrongKey", _open(honest, key=DATA[12]))
    refuse("that says another data key", "WrongKey", _open(honest[:1] + INDEXED["record"][1:5] + honest[5:]))
    refuse("asked for under another number", "WrongKey", _open(honest, PLACE._replace(kid=12)))
    nonce, plain = stream("a nonce", 12), Content("note", b"hello").encode()
    for suite in (0, 2, 255):
        refuse(
            f"the suite {suite}", "WrongAlgorithm", _open(store.seal(KEY, PLACE._replace(suite=suite), plain, nonce))
        )
    refuse("the null suite: nothing is encrypted", "WrongAlgorithm", _open(bytes(17) + plain + bytes(16)))
    for name, at in {"suite": 0, "number of the key": 4, "nonce": 5, "text": 17, "tag": -1}.items():
        refuse(f"a bit of the {name} flipped", "Damaged", _open(flipped(honest, at)))
    refuse("one byte is missing", "Truncated", _open(honest[:-1]))
    refuse("one byte more", "TrailingBytes", _open(honest + b"\0"))
    refuse("only the head", "Truncated", _open(honest[:17]))
    refuse("no bytes at all", "Truncated", _open(b""))


def _shapes(group: Group) -> None:
    nonce = stream("nonce of another shape", 12)

    def show(plaintext: bytes) -> dict[str, Any]:
        return _open(store.seal(KEY, PLACE, plaintext, nonce))

    key, value, none = cbor.text("note"), cbor.octets(b"hello"), cbor.NULL
    field = cbor.uint(0), cbor.text("t1")
    for comment, content in CONTENTS.items():
        if comment != "66,000 bytes":
            said = store.Content(
                content["key"].get("text", b"\0\xff"),
                content["value"],
                content["expires"],
                dict(content["fields"]),
                content["restored"],
            )
            group.valid(f"opened: {comment}", spec="STO-2", flags="Normal", input=show(said.encode()))
    for comment, plaintext, flags in (
        ("no bytes", b"", "Truncated"),
        ("no array", value, "WrongShape"),
        ("two items", cbor.array(key, value), "WrongShape"),
        ("six items", cbor.array(key, value, none, cbor.mapping(field), cbor.uint(1), none), "WrongShape"),
        ("a key that is a number", cbor.array(cbor.uint(1), value, none), "WrongShape"),
        ("a value that is text", cbor.array(key, key, none), "WrongShape"),
        ("an expiry that is false", cbor.array(key, value, cbor.FALSE), "WrongShape"),
        ("an expiry after the last instant", cbor.array(key, value, cbor.uint(LATEST + 1)), "Limit"),
        ("an empty map of fields", cbor.array(key, value, none, cbor.mapping()), "WrongShape"),
        ("null for fields", cbor.array(key, value, none, none), "WrongShape"),
        ("a field that is bytes", cbor.array(key, value, none, cbor.mapping((cbor.uint(0), value))), "WrongShape"),
        ("field 24", cbor.array(key, value, none, cbor.mapping((cbor.uint(24), key))), "MapKey"),
        ("a field twice", cbor.array(key, value, none, cbor.mapping(field, field)), "MapKey"),
        ("null for the restore", cbor.array(key, value, none, cbor.mapping(), none), "WrongShape"),
        ("a restore after the last instant", cbor.array(key, value, none, cbor.mapping(), cbor.uint(2**60)), "Limit"),
        ("a byte behind it", cbor.array(key, value, none) + b"\0", "TrailingBytes"),
        ("a head that is too long", b"\x98\x03" + cbor.array(key, value, none)[1:], "NonShortest"),
        ("a length of two bytes for five", b"\x83" + key + b"\x58\x05hello" + none, "NonShortest"),
        ("a key that is not in normal form C", cbor.array(cbor.text("u\u0308"), value, none), "BadText"),
    ):
        group.invalid(
            f"authentic, with {comment}",
            spec="STO-2",
            flags=flags,
            code="corrupt-record",
            stage="record",
            input=show(plaintext),
        )


def _sums(elements: Group, tallies: Group) -> None:
    shown = {"name": PLAIN["name"], "revision": 2, "record": PLAIN["record"]}
    for comment, change in {
        "a row": {},
        "another revision": {"revision": 3},
        "another name": {"name": TIMED["name"]},
        "another tag": {"record": flipped(PLAIN["record"], -1)},
        "the last revision": {"revision": 2**53 - 1},
    }.items():
        given = {"sumsKey": sums_key(CHATS)} | shown | change
        elements.valid(f"the element of {comment}", spec="STO-5", flags="KnownAnswer", input=given)
    rows = [{name: row[name] for name in ("name", "revision", "record")} for row in (PLAIN, INDEXED, TIMED)]
    for comment, listed in {
        "no rows": [],
        "one row": rows[:1],
        "three rows": rows,
        "three rows in another order": rows[::-1],
        "a row that stands there twice": [rows[0], rows[0]],
    }.items():
        given = {"sumsKey": sums_key(CHATS), "rows": listed}
        tallies.valid(f"the tally of {comment}", spec="STO-5 STO-6", flags="KnownAnswer", input=given)
