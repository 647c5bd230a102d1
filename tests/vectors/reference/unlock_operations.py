"""What each type of group about unlocking a store asks for, answered by the reference."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.notation import Case, Outcome, expand
from tests.vectors.reference import cbor, unlock
from tests.vectors.reference.operations import Operation


def wrap(case: Case) -> Outcome:
    key, under, place = (case.data(name) for name in ("key", "under", "place"))
    steps = unlock.wrap(key, under, place, expand(case.random["salt"]))
    shown = {"extracted": steps.extracted, "commitment": steps.commitment, "wrappingKey": steps.key}
    return Outcome({"wrapped": steps.wrapped}, shown)


def unwrap(case: Case) -> Outcome:
    return Outcome({"key": unlock.unwrap(case.data("wrapped"), case.data("under"), case.data("place"))})


def passphrase(case: Case) -> Outcome:
    data, cost = unlock.normalised(case.input["text"]), _cost(case)
    unlock.check_cost(*cost, "argument", "invalid-argument")
    return Outcome({"key": unlock.stretched(data, *cost, case.data("salt"))}, {"utf8": data})


def _cost(case: Case) -> tuple[int, int, int]:
    memory, passes, lanes = case.input["cost"]
    return memory, passes, lanes


def make_slot(case: Case) -> Outcome:
    key = unlock.key_of(case.input["key"])
    parameters: Any = None
    if key.kind == unlock.PASSPHRASE:
        unlock.check_cost(*_cost(case), "argument", "invalid-argument")
        parameters = [*_cost(case), expand(case.random["passphraseSalt"])]
    elif key.kind == unlock.PROVIDER:
        ((parameters, _),) = key.pairs
    slot = unlock.make_slot(key, case.data("root"), case.data("storeId"), parameters, expand(case.random["salt"]))
    return Outcome({"slot": slot, "id": unlock.slot_id(slot)})


def open_slot(case: Case) -> Outcome:
    data, store_id = case.data("slot"), case.data("storeId")
    return Outcome({"root": unlock.open_slot(data, unlock.key_of(case.input["key"]), store_id)})


def slot_table(case: Case) -> Outcome:
    slots = [expand(slot) for slot in case.input["slots"]]
    return Outcome({"table": unlock.make_table(slots, case.data("root"), case.data("storeId"))})


def unlock_table(case: Case) -> Outcome:
    root, slots = unlock.unlock(case.data("table"), unlock.key_of(case.input["key"]), case.data("storeId"))
    return Outcome({"root": root, "ids": [unlock.slot_id(slot) for slot in slots]})


def keyring(case: Case) -> Outcome:
    root, store_id = case.data("root"), case.data("storeId")
    collection, field, scope = (case.input[name] for name in ("collection", "field", "scope"))
    ring = unlock.read_keyring(case.data("keyring"), root, store_id)
    named = cbor.NULL if scope is None else cbor.text(scope)
    return Outcome(
        {
            "headerSecret": unlock.header_secret(root, store_id),
            "epoch": ring.epoch,
            "namesKey": ring.derive("record names", cbor.uint(collection)),
            "indexKey": ring.derive("blind index", cbor.uint(collection), cbor.uint(field)),
            "sumsKey": ring.derive("accumulator", cbor.uint(collection)),
            "scopeId": ring.derive("record scope", named)[:16],
        },
        {"storeSecret": ring.secret, "epochKey": ring.epoch_key},
    )


def data_key(case: Case) -> Outcome:
    ring = unlock.read_keyring(case.data("keyring"), case.data("root"), case.data("storeId"))
    row = None if case.input["row"] is None else case.data("row")
    place, key = unlock.read_row(ring, case.input["kid"], row)
    return Outcome({"key": key, "collection": place.collection, "scopeId": place.scope})


OPERATIONS: Final[dict[str, Operation]] = {
    "wrap": wrap,
    "unwrap": unwrap,
    "passphrase": passphrase,
    "make-slot": make_slot,
    "open-slot": open_slot,
    "slot-table": slot_table,
    "unlock": unlock_table,
    "keyring": keyring,
    "data-key": data_key,
}
