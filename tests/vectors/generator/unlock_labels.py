"""The labels of unlocking for the category ``labels``, and slots, tables and wrapped keys under wrong ones (LAB-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.vectors.generator.book import Category
from tests.vectors.generator.unlock_parts import (
    DATA_KEY,
    KEYRING,
    RAW,
    RING,
    ROOT,
    SALTS,
    SCOPE,
    STORE,
    row,
    slot,
)
from tests.vectors.notation import spell
from tests.vectors.reference import cbor, unlock
from tests.vectors.reference.cbor import NULL, array, octets, uint

Build = Callable[..., bytes]  # purpose and encoded items to bytes


def unlock_labels(book: Category, faults: Mapping[str, tuple[Build, str]]) -> None:
    """What follows each label, and what is refused under wrong ones."""
    mine = slot(RAW)
    items: dict[str, list[Any]] = {
        "unlock slot": [14, 1, STORE, unlock.RAW, None],
        "slot id": [mine],
        "slot table": [15, 1, [mine]],
        "header secret": [],
        "wrapped secret": [STORE],
        "wrapped epoch": [STORE, RING.epoch],
        "record names": [7],
        "blind index": [7, 1],
        "accumulator": [7],
        "record scope": ["emil"],
        "wrapped data key": [STORE, DATA_KEY.kid, 7, SCOPE, DATA_KEY.epoch, DATA_KEY.reserved],
    }
    group = book.group("labelled", 12_921)
    for purpose, values in items.items():
        shown = {"label": f"siegel/1 {purpose}", "items": [spell(item) for item in values]}
        group.valid(f"label {purpose}", spec="LAB-1 LAB-2", flags="KnownAnswer", input=shown)
    groups = {
        "open-slot": book.group("open-slot", 12_941),
        "unlock": book.group("unlock", 12_951),
        "keyring": book.group("keyring", 12_961),
        "data-key": book.group("data-key", 12_971),
    }
    for fault, (build, flags) in faults.items():
        for purpose, kind, given, (code, stage), spec in _wrong(build, mine):
            groups[kind].invalid(
                f"label {purpose} {fault}",
                spec=f"LAB-1 LAB-2 {spec}",
                flags=flags,
                code=code,
                stage=stage,
                input=given,
            )


def _wrong(build: Build, mine: bytes) -> Iterator[tuple[str, str, dict[str, Any], tuple[str, str], str]]:
    """Purpose, type, input, error and rule of what was made under labels that are built like this."""
    below: dict[str, Any] = {"root": ROOT, "storeId": STORE}
    asked = below | {"collection": 7, "field": 1, "scope": "emil"}
    opened = {"storeId": STORE, "key": RAW}
    damaged = "corrupt-header"

    place = build("unlock slot", uint(14), uint(1), octets(STORE), uint(unlock.RAW), NULL)
    wrapped = unlock.wrap(ROOT, bytes.fromhex(RAW["bytes"]), place, SALTS[0]).wrapped
    other = unlock.slot_of(STORE, unlock.RAW, None, wrapped)
    yield "unlock slot", "open-slot", opened | {"slot": other}, ("wrong-key", "unwrap"), "UNL-4"

    tag = unlock.hkdf(STORE, ROOT, build("slot table", uint(15), uint(1), array(octets(mine))))
    table = unlock.table_of([mine], tag, STORE)
    yield "slot table", "unlock", opened | {"table": table}, (damaged, "table"), "UNL-5"

    secret, number, epoch = cbor.read(KEYRING)
    wrapped = unlock.wrap(RING.secret, ROOT, build("wrapped secret", octets(STORE)), SALTS[0]).wrapped
    ring = array(octets(wrapped), uint(number), octets(epoch))
    yield "wrapped secret", "keyring", asked | {"keyring": ring}, (damaged, "keyring"), "UNL-6"

    place = build("wrapped epoch", octets(STORE), uint(number))
    wrapped = unlock.wrap(RING.epoch_key, ROOT, place, SALTS[1]).wrapped
    ring = array(octets(secret), uint(number), octets(wrapped))
    yield "wrapped epoch", "keyring", asked | {"keyring": ring}, (damaged, "keyring"), "UNL-6"

    said = octets(STORE), uint(DATA_KEY.kid), uint(7), octets(SCOPE), uint(DATA_KEY.epoch), uint(DATA_KEY.reserved)
    given = below | {"keyring": KEYRING, "kid": DATA_KEY.kid, "row": row(place=build("wrapped data key", *said))}
    yield "wrapped data key", "data-key", given, (damaged, "data-key"), "UNL-7"
