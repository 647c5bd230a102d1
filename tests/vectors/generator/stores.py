"""Category ``store``: records at rest, header and catalogue, and what is done with a store (STO-1 … STO-17)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group
from tests.vectors.generator.store_blocks import blocks as sealed_blocks
from tests.vectors.generator.store_parts import (
    ANCHORED_BLOCK,
    EXPIRES,
    FIRST_BLOCK,
    FIXTURE,
    NOW_ROWS,
    OLD_ROWS,
    SECOND_BLOCK,
    STANDS,
    STOOD,
    key_row,
)
from tests.vectors.generator.store_records import records
from tests.vectors.reference import LATEST
from tests.vectors.reference.labels import sha256

Step = dict[str, Any]


def category() -> Category:
    """The vectors of this file."""
    book = Category("store")
    records(book)
    sealed_blocks(book)
    group = book.group("store", 66_201, FIXTURE)
    for chapter in (_named, _anchored, _transactions, _revisions, _keys, _read, _strict, _verified):
        chapter(group)
    _salvaged(book.group("salvage", 66_401, FIXTURE))
    return book


# --- what is asked for ------------------------------------------------------------------------------------------------


def _store(*steps: Step, rows: list[str] = NOW_ROWS, blocks: dict[str, str] = STANDS, **more: Any) -> dict[str, Any]:
    return {"blocks": blocks, "rows": rows} | more | {"steps": list(steps)}


def _get(key: str = "note", *, collection: str = "chats", scope: str | None = None, at: int = 0) -> Step:
    return {"do": "get", "collection": collection, "scope": scope, "key": {"text": key}, "at": at}


def _put(key: str, value: bytes = b"new", *, collection: str = "chats", **more: Any) -> Step:
    step = {"do": "put", "collection": collection, "scope": None, "key": {"text": key}, "value": value.hex()}
    return step | more


def _delete(key: str, *, collection: str = "chats", **more: Any) -> Step:
    return {"do": "delete", "collection": collection, "scope": None, "key": {"text": key}} | more


def _find(field: str = "thread", text: str = "t1") -> Step:
    return {"do": "find", "collection": "chats", "scope": "emil", "field": field, "text": text}


def _together(*steps: Step) -> Step:
    return {"do": "transaction", "steps": list(steps)}


def _put_back(rows: list[str], **blocks: str) -> Step:
    return {"do": "put back", "blocks": STANDS | blocks, "rows": rows}


def _swap(old: str, new: str) -> list[str]:
    return [new if name == old else name for name in NOW_ROWS]


def _knows(block: bytes, number: int = 8) -> dict[str, Any]:
    return {"number": number, "digest": sha256(block)}


VERIFY: Step = {"do": "verify"}
ACKNOWLEDGE: Step = {"do": "acknowledge"}


def _refuse(  # noqa: PLR0917  # so that a vector is read in one line
    group: Group, comment: str, spec: str, flags: str, code: str, stage: str, given: dict[str, Any]
) -> None:
    group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, input=given)


# --- what names what (STO-8, STO-9) -----------------------------------------------------------------------------------


def _named(group: Group) -> None:
    group.valid("a store and its records", spec="STO-3 STO-8 STO-9", flags="Normal", input=_store(_get(), VERIFY))
    for comment, flags, stage, change in (
        ("a catalogue that the header does not name", "Rollback", "named", {"catalogue": "catalogue again"}),
        ("slots that the catalogue does not name", "Rollback", "named", {"slots": "other slots"}),
        ("the header of another store", "OtherPlace", "store", {"header": "foreign"}),
        ("a header under another root", "WrongKey", "state header", {"header": "under another root"}),
        ("a damaged header", "Damaged", "state header", {"header": "damaged"}),
    ):
        given = _store(_get(), blocks=STANDS | change)
        _refuse(group, comment, "STO-8 STO-9" if stage == "named" else "STO-9", flags, "corrupt-header", stage, given)
    later = _store(_get(), blocks=STANDS | {"header": "later format"})
    _refuse(group, "a header of a later format", "STO-9", "WrongVersion", "newer-format", "format", later)
    for name, stage in {"header": "format", "slots": "format", "catalogue": "named"}.items():
        left = {kind: block for kind, block in STANDS.items() if kind != name}
        given = _store(_get(), blocks=left)
        _refuse(group, f"no {name}", "STO-9", "Truncated", "corrupt-header", stage, given)


# --- anchors (STO-10) -------------------------------------------------------------------------------------------------


def _anchored(group: Group) -> None:
    for comment, known in {
        "an anchor that knows this header": _knows(SECOND_BLOCK),
        "an anchor that knows the header before": _knows(FIRST_BLOCK, 7),
        "an anchor that knows a header long before": _knows(FIRST_BLOCK, 2),
        "an empty anchor, and a store that had none": None,
    }.items():
        given = _store(_put("new"), anchor=known)
        group.valid(comment, spec="STO-7 STO-10", flags="Normal", input=given)
    behind: dict[str, tuple[dict[str, str], dict[str, Any] | None]] = {
        "an old header": (STOOD, _knows(SECOND_BLOCK)),
        "a header long gone": (STANDS, _knows(SECOND_BLOCK, 2**40)),
        "the same number, another header": (STANDS | {"header": "second again"}, _knows(SECOND_BLOCK)),
        "the next number after another header": (STANDS | {"header": "other past"}, _knows(FIRST_BLOCK, 7)),
        "a store that was anchored, and an empty anchor": (STANDS | {"header": "anchored"}, None),
    }
    for comment, (blocks, known) in behind.items():
        given = _store(_get(), blocks=blocks, anchor=known)
        _refuse(group, comment, "STO-10", "Rollback", "rollback-detected", "anchor", given)
        given = _store(_get(), ACKNOWLEDGE, _put("new"), blocks=blocks, anchor=known, readOnly=True)
        group.valid(f"{comment}: read, and acknowledged", spec="STO-10", flags="Rollback", input=given)
    blocks, known = behind["an old header"]
    given = _store(_put("new"), blocks=blocks, anchor=known, readOnly=True)
    _refuse(group, "written before it was acknowledged", "STO-10", "Rollback", "rollback-detected", "anchor", given)
    _refuse(
        group, "acknowledged without a rollback", "STO-10", "Argument", "state-error", "writing", _store(ACKNOWLEDGE)
    )
    given = _store(_put("new"), readOnly=True)
    _refuse(group, "written, though opened to be read", "STO-10", "Argument", "state-error", "writing", given)
    given = _store(_put("new"), blocks=STANDS | {"header": "anchored"}, anchor=_knows(ANCHORED_BLOCK))
    group.valid("a store that was anchored, and goes on", spec="STO-10", flags="Normal", input=given)


# --- transactions (STO-11, STO-12) ------------------------------------------------------------------------------------


def _transactions(group: Group) -> None:
    three = _together(_put("a"), _put("note"), _delete("timed"))
    group.valid("one header for all of it", spec="STO-6 STO-7 STO-11", flags="Normal", input=_store(three, VERIFY))
    refused = _together(_put("a"), _put("b", expected=1, refused="conflict"), _put("c"))
    given = _store(refused, VERIFY)
    group.valid("a refusal inside that is taken", spec="STO-11 STO-13", flags="Normal", input=given)
    undone = _together(_put("a"), _put("b", expected=1)) | {"refused": "conflict"}
    given = _store(undone, _get("a"), VERIFY)
    group.valid("nothing is left of what was undone", spec="STO-11", flags="Normal", input=given)
    given = _store(_together(_put("a"), _delete("note"), _put("b", expected=1)))
    _refuse(group, "a part is refused, so nothing is kept", "STO-11", "Argument", "conflict", "expected", given)
    given = _store(_together(_put("a"), _put("note")), rows=_swap("plain", "damaged"))
    _refuse(group, "a damaged row, so nothing is kept", "STO-11", "Damaged", "corrupt-record", "record", given)

    given = _store(_put_back(NOW_ROWS), _put("a"), rows=OLD_ROWS, blocks=STOOD)
    group.valid("another process wrote meanwhile", spec="STO-12", flags="Normal", input=given)
    for comment, step in {
        "an old copy under an open store": _put_back(OLD_ROWS, header="first"),
        "another header of the same number": _put_back(NOW_ROWS, header="second again"),
    }.items():
        given = _store(step, _put("a"))
        _refuse(group, comment, "STO-12 STO-10", "Rollback", "rollback-detected", "anchor", given)
    given = _store(_put_back(NOW_ROWS, header="other past"), _put("a"), rows=OLD_ROWS, blocks=STOOD)
    comment = "a next header with another past, under an open store"
    _refuse(group, comment, "STO-12 STO-10", "Rollback", "rollback-detected", "anchor", given)
    given = _store(_put_back(NOW_ROWS, catalogue="catalogue again"), _put("a"))
    _refuse(
        group, "another catalogue under an open store", "STO-12 STO-9", "Rollback", "corrupt-header", "named", given
    )
    old = _put("a") | {"refused": "rollback-detected"}
    given = _store(_put_back(OLD_ROWS, header="first"), old, ACKNOWLEDGE, _put("a"))
    group.valid("an old copy, acknowledged", spec="STO-10 STO-12", flags="Rollback", input=given)


# --- revisions (STO-13) -----------------------------------------------------------------------------------------------


def _revisions(group: Group) -> None:
    given = _store(_put("a"), _put("a"), _put("a", expected=2), _get("a"), VERIFY)
    group.valid("the first revisions of a key", spec="STO-13", flags="Normal", input=given)
    given = _store(
        _put("new", expected=0), _delete("new", expected=1), _put("new", expected=0), _delete("none"), VERIFY
    )
    group.valid("deleted, and begun again", spec="STO-6 STO-13", flags="Normal", input=given)
    given = _store(_put("note", expires=EXPIRES), _get("note", at=EXPIRES), VERIFY)
    group.valid("written over, with an expiry", spec="STO-13 STO-15", flags="Normal", input=given)
    for comment, step in {
        "an older revision is expected": _put("note", expected=1),
        "a later one is expected": _put("note", expected=3),
        "none is expected": _put("note", expected=0),
        "one is expected, and there is none": _put("new", expected=1),
        "deleted as another revision": _delete("note", expected=1),
        "deleted, though there is none": _delete("new", expected=1),
    }.items():
        _refuse(group, comment, "STO-13", "Argument", "conflict", "expected", _store(step))
    for comment, step in {"written over": _put("note"), "deleted": _delete("note")}.items():
        for name in ("damaged", "moved"):
            given = _store(step, rows=_swap("plain", name))
            flags = "Damaged" if name == "damaged" else "OtherPlace"
            spec = "STO-6 STO-13"
            _refuse(group, f"a row that is {name}, {comment}", spec, flags, "corrupt-record", "record", given)


# --- data keys (STO-14) -----------------------------------------------------------------------------------------------


def _keys(group: Group) -> None:
    given = _store(_put("a", collection="full"), _get("a", collection="full"), _get("last", collection="full"), VERIFY)
    group.valid("a key that is used up, and the next", spec="STO-14", flags="Limit", input=given)
    given = _store(_put("a", collection="full"), VERIFY, rows=NOW_ROWS[:-1], blocks=STANDS, without=[14])
    group.valid("no key yet", spec="STO-14", flags="Boundary", input=given)
    above = key_row(14, 3, None, 2**28 + 1)
    given = _store(_get("last", collection="full"), without=[14], keys=[above])
    spec = "STO-14 UNL-7"
    _refuse(group, "a key that says more than 2^28 records", spec, "Limit", "corrupt-header", "data-key", given)
    given = _store(_get("last", collection="full"), without=[14])
    _refuse(group, "a record whose key was erased", "STO-1 STO-14", "NoKey", "corrupt-record", "record", given)
    given = _store(_get(collection="sessions"), rows=[*NOW_ROWS, "elsewhere"])
    spec = "STO-1 STO-14"
    _refuse(group, "a row that was moved to another collection", spec, "OtherPlace", "corrupt-record", "record", given)


# --- reading (STO-3, STO-4, STO-15) -----------------------------------------------------------------------------------


def _read(group: Group) -> None:
    group.valid("in its scope", spec="STO-3", flags="Normal", input=_store(_get("m1", scope="emil")))
    group.valid("in no scope", spec="STO-3", flags="Normal", input=_store(_get("m1")))
    given = _store(_find(), rows=[*NOW_ROWS, "other text"])
    group.valid("found, and another text under the same tag", spec="STO-4", flags="Normal", input=given)
    group.valid("another text", spec="STO-4", flags="Normal", input=_store(_find(text="t3")))
    unknown = _store(_find(field="person"))
    _refuse(group, "a field that there is not", "STO-4", "Argument", "invalid-argument", "argument", unknown)
    given = _store(_find(), rows=_swap("indexed", "indexed, damaged"))
    _refuse(group, "found, and damaged", "STO-4", "Damaged", "corrupt-record", "record", given)

    given = _store(_get("timed", at=EXPIRES - 1), _get("timed", at=EXPIRES), _get("timed", at=LATEST))
    group.valid("until it expires", spec="STO-15", flags="Boundary", input=given)
    given = _store(_put("a", expires=LATEST), _get("a", at=LATEST - 1))
    group.valid("the last instant", spec="STO-15", flags="Boundary", input=given)
    after = _store(_put("a", expires=LATEST + 1))
    _refuse(group, "an expiry after the last instant", "STO-15", "Limit", "invalid-argument", "argument", after)
    given = _store(_get("timed"), rows=_swap("timed", "later"))
    comment = "an expiry after the last instant, in a record"
    _refuse(group, comment, "STO-2 STO-15", "Limit", "corrupt-record", "record", given)
    given = _store(_get("note", at=0), rows=_swap("plain", "moved"))
    _refuse(
        group,
        "a record that expires, in place of another",
        "STO-1 STO-15",
        "OtherPlace",
        "corrupt-record",
        "record",
        given,
    )


# --- strict collections (STO-16) --------------------------------------------------------------------------------------


def _strict(group: Group) -> None:
    get = _get("s", collection="sessions")
    strict: dict[str, Any] = {"strict": ["sessions"]}
    group.valid("a strict collection", spec="STO-5 STO-6 STO-16", flags="Normal", input=_store(get, **strict))
    given = _store(get, _put("s", collection="sessions"), get, _put("t", collection="sessions"), get, **strict)
    group.valid("a strict collection that is written", spec="STO-6 STO-16", flags="Normal", input=given)
    given = _store(get, _get("none", collection="sessions"), rows=_swap("session", "old session"))
    group.valid("an old row, and not strict", spec="STO-16", flags="Rollback", input=given)
    stage, spec = "strict", "STO-5 STO-6 STO-16"
    for comment, rows in {
        "an old row": _swap("session", "old session"),
        "a row that is gone": [name for name in NOW_ROWS if name != "session"],
        "a row too many": [*NOW_ROWS, "elsewhere"],
        "another tag": _swap("session", "damaged session"),
    }.items():
        given = _store(get, rows=rows, **strict)
        _refuse(group, f"strict: {comment}", spec, "Rollback", "rollback-detected", stage, given)
        then = _get("note", collection="sessions") if "elsewhere" in rows else get
        given = _store(get, _put_back(rows), then, **strict)
        later = f"strict: {comment}, put there under an open store"
        _refuse(group, later, spec, "Rollback", "rollback-detected", stage, given)
    given = _store(_put("s", collection="sessions"), rows=_swap("session", "old session"), **strict)
    _refuse(group, "strict: an old row, written over", spec, "Rollback", "rollback-detected", stage, given)


# --- verifying, salvaging (STO-17) ------------------------------------------------------------------------------------


def _verified(group: Group) -> None:
    for comment, rows in {
        "an old row": _swap("plain", "older"),
        "a damaged row": _swap("plain", "damaged"),
        "a row that is gone": NOW_ROWS[1:],
        "a moved row": _swap("plain", "moved"),
        "a row too many": [*NOW_ROWS, "elsewhere"],
        "another day beside a row": _swap("timed", "timed, another day"),
        "all of them gone": [],
    }.items():
        spec = "STO-6 STO-17" if "row" in comment else "STO-17"
        group.valid(f"verified: {comment}", spec=spec, flags="Rollback", input=_store(VERIFY, rows=rows))


def _salvaged(group: Group) -> None:
    def show(rows: list[str] = NOW_ROWS, **blocks: str) -> dict[str, Any]:
        return {"blocks": STANDS | blocks, "rows": rows}

    left = {"blocks": {kind: block for kind, block in STANDS.items() if kind != "header"}, "rows": NOW_ROWS}
    group.valid("no header", spec="STO-17", flags="Normal", input=left)
    group.valid("a damaged header", spec="STO-17", flags="Damaged", input=show(header="damaged"))
    rows = [*_swap("plain", "damaged"), "elsewhere"]
    group.valid("what opens of damaged rows", spec="STO-17", flags="Damaged", input=show(rows))
    group.valid("what opens without a key", spec="STO-17", flags="NoKey", input=show() | {"without": [11]})
    for comment, name in {"no catalogue": "catalogue", "no slots": "slots"}.items():
        given = {"blocks": {kind: block for kind, block in STANDS.items() if kind != name}, "rows": NOW_ROWS}
        _refuse(group, comment, "STO-17", "Truncated", "corrupt-header", "format", given)
    given = show(catalogue="second")
    _refuse(group, "a header for a catalogue", "STO-9 STO-17", "WrongType", "corrupt-header", "catalogue", given)
