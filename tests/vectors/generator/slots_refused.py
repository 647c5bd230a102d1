"""Slots that open nothing: other keys, other stores, changed costs, other shapes (UNL-2 … UNL-4)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Group, flipped
from tests.vectors.generator.unlock_parts import (
    BLOB,
    FLOOR,
    IDENTITY,
    KEYS,
    OTHER_RAW,
    OTHER_STORE,
    PASSPHRASE,
    PASSPHRASE_SALT,
    PROVIDED,
    PROVIDER,
    RAW,
    STORE,
    WORDS,
    slot,
)
from tests.vectors.reference import cbor, texts, unlock

WEAK = {
    "almost no cost": (8, 1, 1),
    "19,455 KiB": (19_455, 2, 1),
    "one pass": (19_456, 1, 1),
    "no lanes": (19_456, 2, 0),
    "17 passes": (19_456, 17, 1),
    "nine lanes": (19_456, 2, 9),
    "2 TiB": (2**31, 2, 1),
    "the largest number": (2**64 - 1, 2, 1),
    "five passes over 1 GiB": (1_048_576, 5, 1),
}


class Refuser:
    """Adds slots that are refused."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def __call__(
        self,
        stage: str,
        comment: str,
        flags: str,
        data: bytes,
        *,
        key: dict[str, Any] = RAW,
        code: str = "corrupt-header",
        spec: str = "",
        store_id: bytes = STORE,
    ) -> None:
        given = {"slot": data, "storeId": store_id, "key": key}
        self.group.invalid(comment, spec=f"UNL-4 {spec}", flags=flags, code=code, stage=stage, input=given)


def refused_slots(group: Group) -> None:
    """All of them."""
    refuse = Refuser(group)
    _keys(refuse)
    _places(refuse)
    _costs(refuse)
    _shapes(refuse)


def _keys(refuse: Refuser) -> None:
    def wrong(comment: str, data: bytes, key: dict[str, Any], stage: str = "unwrap") -> None:
        refuse(stage, comment, "WrongKey", data, key=key, code="wrong-key", spec="UNL-2")

    wrong("other 32 bytes", slot(RAW), OTHER_RAW)
    wrong("another identity", slot(IDENTITY), {"identity": "01" * 32})
    wrong("another passphrase", slot(PASSPHRASE), {"passphrase": "Correct horse battery staple"})
    wrong("other words", slot(WORDS), {"words": texts.write_words(b"\1" * 32)})
    wrong("a provider that gives another secret", slot(PROVIDER), {"provider": [[BLOB.hex(), "01" * 32]]})
    for name, key in KEYS.items():
        if key is not RAW:
            wrong(f"{name} for a slot of 32 bytes", slot(RAW), key, "kind")
    identity = unlock.key_of(IDENTITY).data.hex()
    wrong("an identity's secret as 32 bytes", slot(IDENTITY), {"bytes": identity}, "kind")
    for comment, pairs in {"nothing": [], "31 bytes": [[BLOB.hex(), PROVIDED[:-1].hex()]]}.items():
        key = {"provider": pairs}
        refuse(
            "unwrap", f"a provider that gives {comment}", "WrongKey", slot(PROVIDER), key=key, code="key-unavailable"
        )


def _places(refuse: Refuser) -> None:
    for name, key in KEYS.items():
        moved = slot(key, store_id=OTHER_STORE)
        refuse("store", f"a slot of another store, for {name}", "OtherPlace", moved, key=key)
    read = unlock.read_slot(slot(RAW), STORE)

    def wrong(comment: str, data: bytes, key: dict[str, Any] = RAW, spec: str = "", store_id: bytes = STORE) -> None:
        refuse("unwrap", comment, "OtherPlace", data, key=key, code="wrong-key", spec=spec, store_id=store_id)

    renamed = unlock.slot_of(OTHER_STORE, unlock.RAW, None, read.wrapped)
    wrong("a slot that says another store", renamed, store_id=OTHER_STORE)
    words = {"words": texts.write_words(bytes.fromhex(RAW["bytes"]))}
    wrong("32 bytes as words", unlock.slot_of(STORE, unlock.WORDS, None, read.wrapped), words, "UNL-2")
    provider = {"provider": [[BLOB.hex(), RAW["bytes"]]]}
    wrong("32 bytes by a provider", unlock.slot_of(STORE, unlock.PROVIDER, BLOB, read.wrapped), provider, "UNL-2")
    ticket = unlock.read_slot(slot(PROVIDER), STORE)
    other = {"provider": [[b"another ticket".hex(), PROVIDED.hex()]]}
    wrong("another ticket for it", unlock.slot_of(STORE, 5, b"another ticket", ticket.wrapped), other, "UNL-2")
    for name, at in {"salt": 0, "commitment": 32, "root": 64, "tag": 111}.items():
        data = unlock.slot_of(STORE, unlock.RAW, None, flipped(read.wrapped, at))
        refuse("unwrap", f"a bit of the {name} flipped", "Damaged", data, code="wrong-key", spec="UNL-1")


def _costs(refuse: Refuser) -> None:
    read = unlock.read_slot(slot(PASSPHRASE), STORE)
    for comment, cost in WEAK.items():
        data = unlock.slot_of(STORE, unlock.PASSPHRASE, [*cost, PASSPHRASE_SALT], read.wrapped)
        refuse("cost", f"changed to {comment}", "Cost", data, key=PASSPHRASE, spec="UNL-3")
    cheap = slot(PASSPHRASE, parameters=[19_455, 2, 1, PASSPHRASE_SALT])
    refuse("cost", "made with 19,455 KiB by who knows the passphrase", "Cost", cheap, key=PASSPHRASE, spec="UNL-3")
    memory, passes, lanes = FLOOR
    for comment, parameters in {
        "more memory": [memory + 1, passes, lanes, PASSPHRASE_SALT],
        "more passes": [memory, passes + 1, lanes, PASSPHRASE_SALT],
        "more lanes": [memory, passes, lanes + 1, PASSPHRASE_SALT],
        "another salt": [memory, passes, lanes, flipped(PASSPHRASE_SALT, 3)],
    }.items():
        data = unlock.slot_of(STORE, unlock.PASSPHRASE, parameters, read.wrapped)
        refuse("unwrap", f"changed to {comment}", "Cost", data, key=PASSPHRASE, code="wrong-key", spec="UNL-3")


def _shapes(refuse: Refuser) -> None:
    honest = slot(RAW)
    wrapped = unlock.read_slot(honest, STORE).wrapped
    refuse("encoding", "no bytes at all", "Truncated", b"")
    refuse("encoding", "one byte is missing", "Truncated", honest[:-1])
    refuse("encoding", "one byte more", "TrailingBytes", honest + b"\0")
    refuse("encoding", "the array's head in two bytes", "NonShortest", b"\x98\x06" + honest[1:])
    refuse("type", "the type of a table", "WrongType", b"\x86\x0f" + honest[2:])
    refuse("type", "no array", "WrongType", cbor.octets(honest))
    refuse("version", "version 2", "WrongVersion", b"\x86\x0e\x02" + honest[3:], code="newer-format")
    refuse("version", "version 0", "WrongVersion", b"\x86\x0e\x00" + honest[3:], code="newer-format")
    for kind in (0, 6, 2**32):
        data = unlock.slot_of(STORE, kind, None, wrapped)
        refuse("shape", f"the kind {kind}", "WrongShape", data, spec="UNL-2")
    plain: dict[str, Any] = {
        "no bytes": b"",
        "what a provider wrote": BLOB,
        "a cost": [*FLOOR, PASSPHRASE_SALT],
    }
    for comment, parameters in plain.items():
        refuse(
            "shape",
            f"32 bytes with {comment}",
            "WrongShape",
            unlock.slot_of(STORE, 2, parameters, wrapped),
            spec="UNL-2",
        )
    costly: dict[str, Any] = {
        "no cost": None,
        "three numbers and no salt": [*FLOOR, b""],
        "a salt of 15 bytes": [*FLOOR, PASSPHRASE_SALT[:-1]],
        "two numbers": [*FLOOR[:2], PASSPHRASE_SALT],
    }
    for comment, parameters in costly.items():
        data = unlock.slot_of(STORE, unlock.PASSPHRASE, parameters, wrapped)
        refuse("shape", f"a passphrase with {comment}", "WrongShape", data, key=PASSPHRASE, spec="UNL-3")
    for comment, parameters in {"nothing": b"", "4,097 bytes": bytes(4097)}.items():
        data = unlock.slot_of(STORE, unlock.PROVIDER, parameters, wrapped)
        refuse("shape", f"a provider that wrote {comment}", "WrongShape", data, key=PROVIDER, spec="UNL-2")
    for length in (0, 80, 111, 113):
        data = unlock.slot_of(STORE, unlock.RAW, None, wrapped[:length].ljust(length, b"\0"))
        refuse("shape", f"a wrapped root of {length} bytes", "WrongShape", data, spec="UNL-1")
    refuse("shape", "a store id of 15 bytes", "WrongShape", unlock.slot_of(STORE[:-1], 2, None, wrapped))
