"""What each type of group about records at rest asks for, answered by the library."""

from __future__ import annotations

from typing import Any, Final
from unittest import mock

from siegel._core.instants import instant
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel._core.suite import MacKey, RecordKey, mac
from siegel.errors import SiegelError
from siegel.store import header
from siegel.store.anchor import CallbackAnchor
from siegel.store.backend import Row
from siegel.store.collection import Collection
from siegel.store.freshness import Tally, element_of
from siegel.store.header import Catalogue, Entry, Header
from siegel.store.memory_backend import MemoryBackend
from siegel.store.records import Content, Record, RecordSealer, check_key, check_value, name_of, tag_of, within
from siegel.store.store import Store
from tests.vectors.notation import Case, Outcome, brief, expand, spell, unspell
from tests.vectors.reference.operations import Operation

# --- records ----------------------------------------------------------------------------------------------------------


def _mac_key(case: Case, name: str) -> MacKey:
    return MacKey(Secret(case.data(name)))


def record_name(case: Case) -> Outcome:
    key = unspell(case.input["key"])
    check_key(key)
    return Outcome({"name": name_of(_mac_key(case, "namesKey"), within(case.input["scope"]), key)})


def field_tag(case: Case) -> Outcome:
    return Outcome({"tag": tag_of(_mac_key(case, "indexKey"), within(case.input["scope"]), case.input["text"])})


def _sealer(case: Case) -> RecordSealer:
    key, collection = RecordKey(Secret(case.data("dataKey"))), case.input["collection"]
    return RecordSealer(key, kid=case.input["kid"], store_id=case.data("storeId"), collection=collection)


def seal_record(case: Case) -> Outcome:
    given = case.input
    key, value, fields = unspell(given["key"]), case.data("value"), dict(given["fields"])
    check_key(key)
    check_value(value)
    if given["expires"] is not None:
        instant(given["expires"])
    plaintext = Content(key, value, given["expires"], fields, given["restored"]).encode()
    name, revision = case.data("name"), given["revision"]
    record = _sealer(case).seal_with_nonce(name, revision, plaintext, expand(case.random["nonce"]))
    place = labelled(Label.RECORD, 1, given["kid"], case.data("storeId"), given["collection"], name, revision)
    return Outcome({"record": brief(record)}, {"plaintext": brief(plaintext), "associatedData": place})


def open_record(case: Case) -> Outcome:
    content = _sealer(case).open(Row(case.data("name"), case.input["revision"], case.data("record")))
    said = {"key": spell(content.key), "value": content.value, "expires": content.expires}
    return Outcome(said | {"fields": [list(pair) for pair in content.fields.items()], "restored": content.restored})


def _element(case: Case, row: dict[str, Any]) -> int:
    return element_of(_mac_key(case, "sumsKey"), Row(expand(row["name"]), row["revision"], expand(row["record"])))


def element(case: Case) -> Outcome:
    return Outcome({"element": _element(case, case.input).to_bytes(32, "big")})


def tally(case: Case) -> Outcome:
    elements = [_element(case, row) for row in case.input["rows"]]
    total = Tally().after(added=elements, rows=len(elements))
    shown = {"elements": [number.to_bytes(32, "big") for number in elements]}
    return Outcome({"rows": total.rows, "sum": total.total.to_bytes(32, "big")}, shown)


# --- header and catalogue ---------------------------------------------------------------------------------------------


def seal_header(case: Case) -> Outcome:
    given = case.input["header"]
    made = Header(
        sequence=given["number"],
        previous=expand(given["before"]),
        restores=given["restores"],
        anchored=given["anchored"],
        ring_changes=given["changes"],
        catalogue=expand(given["catalogue"]),
        tallies=tuple((number, Tally(rows, int(sums, 16))) for number, rows, sums in given["tallies"]),
    )
    with mock.patch.object(header, "random_bytes", return_value=expand(case.random["salt"])):
        block = header.seal_header(made, _mac_key(case, "headerSecret"), case.data("storeId"))
    return Outcome({"block": block}, _shown(case, made.encode(), Label.HEADER, block))


def seal_catalogue(case: Case) -> Outcome:
    given = case.input["catalogue"]
    entries = tuple(Entry(number, name, tuple(fields)) for number, name, fields in given["entries"])
    made = Catalogue(expand(given["keyring"]), expand(given["slots"]), entries)
    with mock.patch.object(header, "random_bytes", return_value=expand(case.random["salt"])):
        block = header.seal_catalogue(made, _mac_key(case, "headerSecret"), case.data("storeId"))
    return Outcome({"block": block}, _shown(case, made.encode(), Label.CATALOGUE, block))


def _shown(case: Case, content: bytes, label: Label, block: bytes) -> dict[str, Any]:
    return {"content": content, "key": mac(_mac_key(case, "headerSecret"), labelled(label, block[:49]))}


def open_header(case: Case) -> Outcome:
    opened = header.open_header(case.data("block"), _mac_key(case, "headerSecret"), case.data("storeId"))
    return Outcome(
        {
            "number": opened.sequence,
            "before": opened.previous,
            "restores": opened.restores,
            "anchored": opened.anchored,
            "changes": opened.ring_changes,
            "catalogue": opened.catalogue,
            "tallies": [[number, of.rows, of.total.to_bytes(32, "big")] for number, of in opened.tallies],
        }
    )


def open_catalogue(case: Case) -> Outcome:
    opened = header.open_catalogue(case.data("block"), _mac_key(case, "headerSecret"), case.data("storeId"))
    entries = [[entry.number, entry.name, list(entry.fields)] for entry in opened.entries]
    return Outcome({"keyring": opened.keyring, "slots": opened.slots, "entries": entries})


# --- a whole store ----------------------------------------------------------------------------------------------------


class Database(MemoryBackend):
    """A database whose content somebody else may put back."""

    def __init__(self, case: Case, given: dict[str, Any]) -> None:
        super().__init__()
        self.put_back(case, given)

    def put_back(self, case: Case, given: dict[str, Any]) -> None:
        fixture, without = case.fixture, given.get("without", [])
        MemoryBackend.__init__(self)
        self.foreign = True
        for kind, name in given["blocks"].items():
            self.put_block(kind, expand(fixture["blocks"][name]))
        self.put_keys((kid, expand(data)) for kid, data in fixture["keys"] if kid not in without)
        self.put_keys((kid, expand(data)) for kid, data in given.get("keys", []))
        for name in given["rows"]:
            row = fixture["rows"][name]
            tags = tuple((number, expand(tag)) for number, tag in row["tags"])
            made = Row(expand(row["name"]), row["revision"], expand(row["record"]), row["day"], tags)
            self.put(row["collection"], [(made, 0)])

    def changed(self) -> bool:
        super().changed()
        foreign, self.foreign = self.foreign, False
        return foreign


class Remembered:
    """An anchor in memory."""

    def __init__(self, known: dict[str, Any] | None) -> None:
        self.position = (known["number"], expand(known["digest"])) if known else None

    def get(self) -> tuple[int, bytes] | None:
        return self.position

    def advance(self, number: int, digest: bytes) -> None:
        if self.position is None or number > self.position[0]:
            self.position = number, digest


def salvaged(case: Case) -> Outcome:
    key = bytes.fromhex(case.fixture["key"]["bytes"])
    found = Store.salvage(Database(case, case.input), key=key)
    return Outcome({"records": [[name, spell(record.key), record.value, record.revision] for name, record in found]})


def whole(case: Case) -> Outcome:
    given, key = case.input, bytes.fromhex(case.fixture["key"]["bytes"])
    memory = Remembered(given["anchor"]) if "anchor" in given else None
    anchor = CallbackAnchor(memory.get, memory.advance) if memory else None
    database = Database(case, given)
    store = Store.open(database, key=key, anchor=anchor, read_only=given.get("readOnly", False))
    results: list[Any] = []
    for step in given["steps"]:
        try:
            results.append(_step(store, database, case, step))
        except SiegelError as error:
            case.after.update(_state(store, memory))
            if error.code != step.get("refused"):
                raise
            results.append({"refused": error.code})
        else:
            assert "refused" not in step
    case.after.clear()
    return Outcome({"results": results, "state": _state(store, memory)})


def _state(store: Store, memory: Remembered | None) -> dict[str, Any]:
    state = store._ledger.state.header
    return {
        "number": state.sequence,
        "restores": state.restores,
        "tallies": [[number, of.rows] for number, of in state.tallies],
        "writable": not store.read_only,
        "anchor": memory.position[0] if memory and memory.position else None,
    }


def _collection(store: Store, case: Case, step: dict[str, Any]) -> Collection:
    name = step["collection"]
    (entry,) = [entry for entry in store._ledger.catalogue.entries if entry.name == name]
    strict = name in case.input.get("strict", [])
    return store.collection(name, scope=step["scope"], index=entry.fields, strict=strict)


def _step(store: Store, database: Database, case: Case, step: dict[str, Any]) -> Any:
    match step["do"]:
        case "put" | "delete":
            return _writing(store, case, step)
        case "transaction":
            with store.transaction():
                return [_part(store, case, part) for part in step["steps"]]
        case "get":
            record = _collection(store, case, step).get(unspell(step["key"]), at=step["at"])
            return None if record is None else _record(store, step, record)
        case "find":
            wanted = {step["field"]: step["text"]}
            found = _collection(store, case, step).find(at=0, **wanted)
            return [spell(key) for key in sorted((record.key for record in found), key=str)]
        case "verify":
            verified = store.verify()
            faults = [[fault.collection, fault.record] for fault in verified.faults]
            return {"records": verified.records, "faults": faults}
        case "put back":
            database.put_back(case, step)
        case "acknowledge":
            store.acknowledge_restore()
        case other:
            raise AssertionError(other)
    return None


def _record(store: Store, step: dict[str, Any], record: Record) -> dict[str, Any]:
    fields = next(entry.fields for entry in store._ledger.catalogue.entries if entry.name == step["collection"])
    said = {"revision": record.revision, "key": spell(record.key), "value": record.value, "expires": record.expires}
    numbered = [[fields.index(name), text] for name, text in record.fields.items()]
    return said | {"fields": numbered, "restored": record.restored}


def _writing(store: Store, case: Case, step: dict[str, Any]) -> int:
    collection, key, expected = _collection(store, case, step), unspell(step["key"]), step.get("expected")
    if step["do"] == "delete":
        return collection.delete(key, expected=expected)
    return collection.put(key, expand(step["value"]), expires=step.get("expires"), expected=expected)


def _part(store: Store, case: Case, part: dict[str, Any]) -> Any:
    refused = part.get("refused")
    try:
        return _writing(store, case, part)
    except SiegelError as error:
        if error.code != refused:
            raise
        return {"refused": error.code}


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
