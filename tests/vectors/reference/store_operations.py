"""What each type of group about records at rest asks for, answered by the reference."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.notation import Case, Outcome, brief, expand, spell, unspell
from tests.vectors.reference import Refused, store
from tests.vectors.reference.operations import Operation
from tests.vectors.reference.store import Catalogue, Content, Header, Place
from tests.vectors.reference.store_opened import Database, Row, Store, salvage


def record_name(case: Case) -> Outcome:
    return Outcome({"name": store.name_of(case.data("namesKey"), case.input["scope"], unspell(case.input["key"]))})


def field_tag(case: Case) -> Outcome:
    return Outcome({"tag": store.tag_of(case.data("indexKey"), case.input["scope"], case.input["text"])})


def place_of(case: Case) -> Place:
    collection, revision = (case.input[name] for name in ("collection", "revision"))
    return Place(case.input["kid"], case.data("storeId"), collection, case.data("name"), revision)


def content_of(given: dict[str, Any]) -> Content:
    fields = {int(number): text for number, text in given.get("fields", [])}
    key, value = unspell(given["key"]), expand(given["value"])
    return Content(key, value, given.get("expires"), fields, given.get("restored"))


def shown(content: Content) -> dict[str, Any]:
    fields = [[number, text] for number, text in content.fields.items()]
    said = {"key": spell(content.key), "value": content.value, "expires": content.expires}
    return said | {"fields": fields, "restored": content.restored}


def seal_record(case: Case) -> Outcome:
    place, plaintext = place_of(case), content_of(case.input).encode()
    record = store.seal(case.data("dataKey"), place, plaintext, expand(case.random["nonce"]))
    return Outcome({"record": brief(record)}, {"plaintext": brief(plaintext), "associatedData": place.data()})


def open_record(case: Case) -> Outcome:
    return Outcome(shown(store.open_record(case.data("record"), case.data("dataKey"), place_of(case))))


def element(case: Case) -> Outcome:
    key, name, revision, record = case.data("sumsKey"), case.data("name"), case.input["revision"], case.data("record")
    return Outcome({"element": store.element(key, name, revision, record)})


def tally(case: Case) -> Outcome:
    key = case.data("sumsKey")
    elements = [
        store.element(key, expand(row["name"]), row["revision"], expand(row["record"])) for row in case.input["rows"]
    ]
    return Outcome({"rows": len(elements), "sum": store.total(elements)}, {"elements": elements})


# --- header and catalogue ---------------------------------------------------------------------------------------------


def header_of(given: dict[str, Any]) -> Header:
    tallies = [(number, rows, expand(sums)) for number, rows, sums in given["tallies"]]
    before, catalogue = expand(given["before"]), expand(given["catalogue"])
    return Header(given["number"], before, given["restores"], given["anchored"], given["changes"], catalogue, tallies)


def seal_header(case: Case) -> Outcome:
    content = header_of(case.input["header"]).encode()
    return _sealed(case, content, "state header")


def seal_catalogue(case: Case) -> Outcome:
    given = case.input["catalogue"]
    entries = [(number, name, list(fields)) for number, name, fields in given["entries"]]
    content = Catalogue(expand(given["keyring"]), expand(given["slots"]), entries).encode()
    return _sealed(case, content, "catalogue")


def _sealed(case: Case, content: bytes, purpose: str) -> Outcome:
    secret, store_id, salt = case.data("headerSecret"), case.data("storeId"), expand(case.random["salt"])
    block = store.seal_block(content, purpose, secret, store_id, salt)
    key = store.block_key(secret, purpose, block[: store.CLEAR])
    return Outcome({"block": block}, {"content": content, "key": key})


def open_header(case: Case) -> Outcome:
    header = store.open_header(case.data("block"), case.data("headerSecret"), case.data("storeId"))
    return Outcome(header._asdict() | {"tallies": [list(tally) for tally in header.tallies]})


def open_catalogue(case: Case) -> Outcome:
    catalogue = store.open_catalogue(case.data("block"), case.data("headerSecret"), case.data("storeId"))
    return Outcome(catalogue._asdict() | {"entries": [list(entry) for entry in catalogue.entries]})


# --- a whole store ----------------------------------------------------------------------------------------------------


def database_of(case: Case, given: dict[str, Any]) -> Database:
    fixture = case.fixture
    blocks = {kind: expand(fixture["blocks"][name]) for kind, name in given["blocks"].items()}
    rows: dict[int, dict[bytes, Row]] = {}
    for name in given["rows"]:
        row = fixture["rows"][name]
        tags = tuple((number, expand(tag)) for number, tag in row["tags"])
        made = Row(expand(row["name"]), row["revision"], expand(row["record"]), row["day"], tags)
        rows.setdefault(row["collection"], {})[made.name] = made
    without = given.get("without", [])
    keys = {kid: expand(data) for kid, data in fixture["keys"] if kid not in without}
    return Database(blocks, keys | {kid: expand(data) for kid, data in given.get("keys", [])}, rows)


def salvaged(case: Case) -> Outcome:
    found = salvage(database_of(case, case.input), case.fixture["key"])
    records = [[name, spell(content.key), content.value, revision] for name, content, revision in found]
    return Outcome({"records": records})


def whole(case: Case) -> Outcome:
    given = case.input
    anchor: list[tuple[int, bytes] | None] | None = None
    if "anchor" in given:
        known = given["anchor"]
        anchor = [(known["number"], expand(known["digest"])) if known else None]
    opened = Store(database_of(case, given), case.fixture["key"], anchor, given.get("readOnly", False))
    opened.strict = {opened.entry(name)[0] for name in given.get("strict", [])}
    results: list[Any] = []
    for step in given["steps"]:
        try:
            results.append(_step(opened, case, step))
        except Refused as refused:
            case.after.update(_state(opened))
            if refused.code != step.get("refused"):
                raise
            results.append({"refused": refused.code})
        else:
            assert "refused" not in step
    case.after.clear()
    return Outcome({"results": results, "state": _state(opened)})


def _state(opened: Store) -> dict[str, Any]:
    header = opened.header
    return {
        "number": header.number,
        "restores": header.restores,
        "tallies": [[number, rows] for number, rows, _ in header.tallies],
        "writable": not opened.read_only,
        "anchor": opened.anchor[0][0] if opened.anchor and opened.anchor[0] else None,
    }


def _step(opened: Store, case: Case, step: dict[str, Any]) -> Any:
    match step["do"]:
        case "put" | "delete" | "transaction":
            return opened.transaction(lambda: _writing(opened, step))
        case "get":
            found = opened.get(opened.entry(step["collection"])[0], step["scope"], unspell(step["key"]), step["at"])
            return None if found is None else {"revision": found[0].revision, **shown(found[1])}
        case "find":
            entry = opened.entry(step["collection"])
            keys = [content.key for content in opened.find(entry, step["scope"], step["field"], step["text"])]
            return [spell(key) for key in sorted(keys, key=str)]
        case "verify":
            opened.look()
            records, faults = opened.verify()
            return {"records": records, "faults": faults}
        case "put back":
            opened.database = database_of(case, step)
            return None
        case "acknowledge":
            opened.acknowledge()
            return None
        case other:
            raise AssertionError(other)


def _writing(opened: Store, step: dict[str, Any]) -> Any:
    if step["do"] == "transaction":
        return [_part(opened, part) for part in step["steps"]]
    number, scope, expected = opened.entry(step["collection"])[0], step["scope"], step.get("expected")
    if step["do"] == "put":
        return opened.put(number, scope, content_of(step), expected)
    return opened.delete(number, scope, unspell(step["key"]), expected)


def _part(opened: Store, part: dict[str, Any]) -> Any:
    try:
        return _writing(opened, part)
    except Refused as refused:
        if refused.code != part.get("refused"):
            raise
        return {"refused": refused.code}


OPERATIONS: Final[dict[str, Operation]] = {
    "record-name": record_name,
    "field-tag": field_tag,
    "seal-record": seal_record,
    "open-record": open_record,
    "element": element,
    "tally": tally,
    "seal-header": seal_header,
    "open-header": open_header,
    "seal-catalogue": seal_catalogue,
    "open-catalogue": open_catalogue,
    "store": whole,
    "salvage": salvaged,
}
