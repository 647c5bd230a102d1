"""Keyrings and data keys: what follows from a root, and wrapped keys that were moved (UNL-6, UNL-7)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, stream
from tests.vectors.generator.unlock_parts import (
    DATA,
    DATA_KEY,
    DATA_SALT,
    KEYRING,
    OTHER_ROOT,
    OTHER_STORE,
    RING,
    ROOT,
    SALTS,
    SCOPE,
    STORE,
    row,
)
from tests.vectors.reference import cbor, unlock


def keyrings(book: Category) -> None:
    """Both groups."""
    _keyrings(book.group("keyring", 60_901))
    _data_keys(book.group("data-key", 61_001))


def _asked(data: bytes = KEYRING, *, root: bytes = ROOT, store_id: bytes = STORE) -> dict[str, Any]:
    return {"keyring": data, "root": root, "storeId": store_id, "collection": 7, "field": 1, "scope": "emil"}


def _keyrings(group: Group) -> None:
    base = group.valid("what follows from a root", spec="UNL-6", flags="KnownAnswer", input=_asked())
    none = _asked() | {"collection": 0, "field": 0, "scope": None}
    group.valid("no scope, and the first numbers", spec="UNL-6", flags="KnownAnswer", input=none)
    last = RING._replace(epoch=2**32 - 1).encode(ROOT, SALTS)
    group.valid("the last epoch", spec="UNL-6", flags="Boundary", input=_asked(last))

    def refuse(comment: str, flags: str, given: dict[str, Any], spec: str = "UNL-6") -> None:
        group.invalid(comment, spec=spec, flags=flags, code="corrupt-header", stage="keyring", base=base, input=given)

    secret, number, epoch = (
        cbor.octets(item) if isinstance(item, bytes) else cbor.uint(item) for item in cbor.read(KEYRING)
    )
    refuse("under another root", "WrongKey", _asked(root=OTHER_ROOT), "UNL-1 UNL-6")
    refuse("in another store", "OtherPlace", _asked(store_id=OTHER_STORE), "UNL-1 UNL-6")
    refuse("secret and epoch key exchanged", "OtherPlace", _asked(cbor.array(epoch, number, secret)), "UNL-1 UNL-6")
    refuse("the secret twice", "OtherPlace", _asked(cbor.array(secret, number, secret)))
    refuse("an older number", "Rollback", _asked(cbor.array(secret, cbor.uint(2), epoch)))
    refuse("a later number", "Rollback", _asked(cbor.array(secret, cbor.uint(4), epoch)))
    refuse("a number above 2^32 - 1", "WrongShape", _asked(RING._replace(epoch=2**32).encode(ROOT, SALTS)))
    refuse("a bit of the secret flipped", "Damaged", _asked(flipped(KEYRING, 90)), "UNL-1 UNL-6")
    refuse("a bit of the epoch key flipped", "Damaged", _asked(flipped(KEYRING, -20)), "UNL-1 UNL-6")
    refuse("two items", "WrongShape", _asked(cbor.array(secret, number)))
    refuse("no epoch key", "WrongShape", _asked(cbor.array(secret, number, cbor.octets(b""))))
    refuse("one byte is missing", "Truncated", _asked(KEYRING[:-1]))
    refuse("one byte more", "TrailingBytes", _asked(KEYRING + b"\0"))


def _data_keys(group: Group) -> None:
    def show(data: bytes | None, kid: int = DATA_KEY.kid, ring: bytes = KEYRING) -> dict[str, Any]:
        return {"keyring": ring, "root": ROOT, "storeId": STORE, "kid": kid, "row": data}

    base = group.valid("a data key", spec="UNL-7", flags="KnownAnswer", input=show(row()))
    for comment, key in {
        "the first number": DATA_KEY._replace(kid=1, collection=0),
        "the last number": DATA_KEY._replace(kid=2**32 - 1, collection=2**16 - 1),
        "used up": DATA_KEY._replace(reserved=2**28),
        "not used yet": DATA_KEY._replace(reserved=0),
    }.items():
        group.valid(f"a data key: {comment}", spec="UNL-7", flags="Boundary", input=show(row(key), key.kid))

    def refuse(
        comment: str, flags: str, given: dict[str, Any], spec: str = "UNL-7", code: str = "corrupt-header"
    ) -> None:
        group.invalid(comment, spec=spec, flags=flags, code=code, stage="data-key", base=base, input=given)

    honest = unlock.wrap(DATA, RING.epoch_key, DATA_KEY.place(STORE), DATA_SALT).wrapped
    for comment, key in {
        "another collection": DATA_KEY._replace(collection=8),
        "another scope": DATA_KEY._replace(scope=RING.derive("record scope", cbor.text("carl"))[:16]),
        "fewer reserved": DATA_KEY._replace(reserved=0),
        "another epoch": DATA_KEY._replace(epoch=2),
    }.items():
        refuse(f"moved: {comment}", "OtherPlace", show(key.row(honest)), "UNL-1 UNL-7")
    refuse("moved: another number", "OtherPlace", show(row(), DATA_KEY.kid + 1), "UNL-1 UNL-7")
    elsewhere = row(place=DATA_KEY.place(OTHER_STORE))
    refuse("moved: another store", "OtherPlace", show(elsewhere), "UNL-1 UNL-7")
    after = RING._replace(epoch=4, epoch_key=stream("epoch key 4", 32))
    rotated = after.encode(ROOT, SALTS)
    refuse("an old row after the epoch was rotated", "Rollback", show(row(), ring=rotated))
    relabelled = DATA_KEY._replace(epoch=4).row(honest)
    refuse("an old row that says the new epoch", "Rollback", show(relabelled, ring=rotated), "UNL-1 UNL-7")
    at_root = DATA_KEY.row(unlock.wrap(DATA, ROOT, DATA_KEY.place(STORE), DATA_SALT).wrapped)
    refuse("wrapped under the root", "WrongKey", show(at_root), "UNL-1 UNL-7")
    for name, at in {"salt": -112, "commitment": -80, "key": -48, "tag": -1}.items():
        refuse(f"a bit of the {name} flipped", "Damaged", show(flipped(row(), at)), "UNL-1 UNL-7")
    above = DATA_KEY._replace(reserved=2**28 + 1)
    refuse("more reserved than 2^28", "Limit", show(row(above)))
    refuse("a collection above 2^16 - 1", "WrongShape", show(row(DATA_KEY._replace(collection=2**16))))
    refuse("a scope id of 15 bytes", "WrongShape", show(row(DATA_KEY._replace(scope=SCOPE[:-1]))))
    for kid in (0, 2**32):
        refuse(f"the number {kid}", "WrongShape", show(row(DATA_KEY._replace(kid=kid)), kid))
    refuse("one byte is missing", "Truncated", show(row()[:-1]))
    refuse("one byte more", "TrailingBytes", show(row() + b"\0"))
    refuse("no bytes at all", "Truncated", show(b""))
    refuse("no row: it was erased", "NoKey", show(None), code="key-unavailable")
