"""What each type of group about unlocking a store asks for, answered by the library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from unittest import mock

from siegel import Identity
from siegel._core import wrapping
from siegel._core.passwords import argon2id
from siegel._core.secret import Secret
from siegel._core.suite import hkdf_expand_pair, hkdf_extract
from siegel.store import slots
from siegel.store.keyring import Keyring
from siegel.store.keys import Argon2Cost, Key, KeyProvider, Passphrase, RecoveryWords, require_cost
from siegel.store.slots import make_slot, open_slot, open_slots, seal_slots, slot_id, unlock
from tests.vectors.notation import Case, Outcome, expand
from tests.vectors.reference.operations import Operation


class Provider:
    """A provider that knows pairs of blob and secret, and answers with nothing for a blob that it does not know."""

    def __init__(self, pairs: Sequence[Sequence[str]]) -> None:
        self.pairs = {bytes.fromhex(blob): bytes.fromhex(secret) for blob, secret in pairs}

    def wrap(self, secret: bytes) -> bytes:
        return next(blob for blob, known in self.pairs.items() if known == secret)

    def unwrap(self, blob: bytes) -> bytes:
        return self.pairs.get(blob, b"")


def key_of(case: Case) -> Key:
    ((name, value),) = case.input["key"].items()
    match name:
        case "identity":
            return Identity.from_secret(bytes.fromhex(value))
        case "bytes":
            return bytes.fromhex(value)
        case "passphrase":
            return Passphrase(value)
        case "words":
            return RecoveryWords(value)
        case _:
            return Provider(value)


# --- wrapped keys, passphrases ----------------------------------------------------------------------------------------


def wrap(case: Case) -> Outcome:
    key, under, salt = Secret(case.data("key")), Secret(case.data("under")), expand(case.random["salt"])
    wrapped = wrapping.wrap(key, under=under, info=case.data("place"), salt=salt)
    extracted = hkdf_extract(salt=salt, material=under.reveal())
    commitment, wrapping_key = hkdf_expand_pair(extracted, info=case.data("place"))
    shown = {"extracted": extracted.reveal(), "commitment": commitment, "wrappingKey": wrapping_key.reveal()}
    return Outcome({"wrapped": wrapped}, shown)


def unwrap(case: Case) -> Outcome:
    key = wrapping.unwrap(case.data("wrapped"), under=Secret(case.data("under")), info=case.data("place"))
    return Outcome({"key": key.reveal()})


def passphrase(case: Case) -> Outcome:
    text, cost = Passphrase(case.input["text"]), Argon2Cost(*case.input["cost"])
    require_cost(cost)
    key = argon2id(text._secret, salt=case.data("salt"), **cost._asdict())
    return Outcome({"key": key.reveal()}, {"utf8": text._secret.reveal()})


# --- slots ------------------------------------------------------------------------------------------------------------


def make(case: Case) -> Outcome:
    key, drawn = key_of(case), list[bytes]()
    if isinstance(key, Passphrase):
        drawn.append(expand(case.random["passphraseSalt"]))
    elif isinstance(key, KeyProvider):
        drawn.append(expand(case.random["provided"]))
    drawn.append(expand(case.random["salt"]))
    cost = Argon2Cost(*case.input["cost"]) if "cost" in case.input else None
    with mock.patch.object(slots, "random_bytes", side_effect=drawn):
        slot = make_slot(key, root=Secret(case.data("root")), store_id=case.data("storeId"), cost=cost)
    return Outcome({"slot": slot, "id": slot_id(slot)})


def opened(case: Case) -> Outcome:
    return Outcome({"root": open_slot(case.data("slot"), key_of(case), store_id=case.data("storeId")).reveal()})


def table(case: Case) -> Outcome:
    listed, root = [expand(slot) for slot in case.input["slots"]], Secret(case.data("root"))
    return Outcome({"table": seal_slots(listed, root=root, store_id=case.data("storeId"))})


def unlocked(case: Case) -> Outcome:
    data, store_id = case.data("table"), case.data("storeId")
    root = unlock(data, key_of(case), store_id=store_id)
    listed = open_slots(data, root=root, store_id=store_id)
    return Outcome({"root": root.reveal(), "ids": [slot_id(slot) for slot in listed]})


# --- keys below the root ----------------------------------------------------------------------------------------------


def _ring(case: Case) -> Keyring:
    return Keyring.decode(case.data("keyring"), root=Secret(case.data("root")), store_id=case.data("storeId"))


def keyring(case: Case) -> Outcome:
    ring, collection = _ring(case), case.input["collection"]
    assert ring.encode() == case.data("keyring")
    expected: dict[str, Any] = {
        "headerSecret": ring.header_key.reveal(),
        "epoch": ring.epoch,
        "namesKey": ring.names_key(collection).reveal(),
        "indexKey": ring.index_key(collection, case.input["field"]).reveal(),
        "sumsKey": ring.accumulator_key(collection).reveal(),
        "scopeId": ring.scope_id(case.input["scope"]),
    }
    return Outcome(expected, {"storeSecret": ring._secret.reveal(), "epochKey": ring._epoch.key.reveal()})


def data_key(case: Case) -> Outcome:
    ring, kid = _ring(case), case.input["kid"]
    ring.load([] if case.input["row"] is None else [(kid, case.data("row"))])
    key = ring._open(kid).reveal()
    row = ring._rows[kid]
    assert ring.kids(collection=row.collection, scope=row.scope) == (kid,)
    return Outcome({"key": key, "collection": row.collection, "scopeId": row.scope})


OPERATIONS: Final[dict[str, Operation]] = {
    "wrap": wrap,
    "unwrap": unwrap,
    "passphrase": passphrase,
    "make-slot": make,
    "open-slot": opened,
    "slot-table": table,
    "unlock": unlocked,
    "keyring": keyring,
    "data-key": data_key,
}
