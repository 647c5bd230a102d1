"""Knows what unlocks a store: one to eight slots, each with the root key wrapped under another key (UNL-4, UNL-5).

    slot   [14, 1, store id (16), kind, parameters, wrapped root (112)]
    table  [15, 1, store id (16), [slot, …], tag (32)]

Laws: bytes in and bytes out; the cost of a passphrase is checked before anything is derived (attack ST-1), and is part
of what the wrapping key follows from, so nobody can lower it; a slot opens for its own store under its own parameters
(ST-2); the table is authentic only with exactly its slots, so one that was removed opens nothing when it is put back.
What fails after a secret was used is WrongKey, whatever it was. No key is a default, and none is empty (ST-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Value, encode
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel._core.suite import HASH_BYTES, SECRET_BYTES, hkdf, random_bytes, require_equal, sha256
from siegel._core.wrapping import SALT_BYTES, WRAPPED_BYTES, unwrap, wrap
from siegel.errors import InvalidArgument, InvalidMessage, KeyUnavailable, MalformedError, WrongKey
from siegel.store.damage import at_rest
from siegel.store.keyring import STORE_ID_BYTES
from siegel.store.keys import (
    MAX_BLOB_BYTES,
    Argon2Cost,
    Key,
    KeyProvider,
    Kind,
    blob_of,
    check_cost,
    kind_of,
    require_cost,
    secret_of,
)

MAX_SLOTS: Final = 8
SLOT_ID_BYTES: Final = 16
PASSPHRASE_SALT_BYTES: Final = 16

_SLOT: Final = "slot"
_TABLE: Final = "slot table"


# --- one slot --------------------------------------------------------------------------------------------------------


class Slot(NamedTuple):
    """A slot that was read, and not yet opened."""

    id: bytes
    """16 bytes by which it is named."""
    kind: Kind
    cost: Argon2Cost | None
    """What a guess costs, where it is a passphrase."""
    salt: bytes
    blob: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return f"<Slot {self.id.hex()}, {self.kind.name.lower()}>"

    @property
    def parameters(self) -> Value:
        """As they stand in the slot."""
        if self.cost is not None:
            return [*self.cost, self.salt]
        return self.blob if self.kind is Kind.PROVIDER else None


def make_slot(key: Key, *, root: Secret, store_id: bytes, cost: Argon2Cost | None = None) -> bytes:
    """A new slot: ``root``, 32 bytes, can be had by this key and for this store alone. KeyUnavailable by a provider.

    ``cost`` counts for a passphrase; InvalidArgument outside of its limits.
    """
    kind, salt, blob = kind_of(key), b"", b""
    if kind is Kind.PASSPHRASE:
        cost, salt = cost or Argon2Cost(), random_bytes(PASSPHRASE_SALT_BYTES)
        require_cost(cost)
    elif cost is not None:
        raise InvalidArgument("only a passphrase has a cost")
    given: Secret | None = None
    if isinstance(key, KeyProvider):
        given = Secret(random_bytes(SECRET_BYTES))
        blob = blob_of(key, given)
    return _sealed(
        Slot(b"", kind, cost, salt, blob, b""),
        root=root,
        under=given or secret_of(key, cost=cost, salt=salt, blob=blob),
        store_id=store_id,
        salt=random_bytes(SALT_BYTES),
    )


@at_rest(_SLOT)
def read_slot(data: bytes, *, store_id: bytes) -> Slot:
    """What a slot says without being opened: its kind, its cost. CorruptHeader, NewerFormat; no key is touched."""
    items = shape.top_level(data, kind=shape.UNLOCK_SLOT, fields=4, where=_SLOT)
    if shape.octets(items[0], STORE_ID_BYTES, f"{_SLOT} store id") != store_id:
        raise MalformedError(f"{_SLOT} store id", "the slot belongs to another store")
    number = shape.uint(items[1], f"{_SLOT} kind")
    if number not in [kind.value for kind in Kind]:
        raise MalformedError(f"{_SLOT} kind", "there is no such kind of key")
    kind, cost, salt, blob = Kind(number), None, b"", b""
    if kind is Kind.PASSPHRASE:
        *numbers, last = shape.array(items[2], 4, f"{_SLOT} parameters")
        cost = Argon2Cost(*(shape.uint(item, f"{_SLOT} cost") for item in numbers))
        check_cost(cost)
        salt = shape.octets(last, PASSPHRASE_SALT_BYTES, f"{_SLOT} salt")
    elif kind is Kind.PROVIDER:
        blob = shape.octets(items[2], None, f"{_SLOT} blob")
        if not 0 < len(blob) <= MAX_BLOB_BYTES:
            raise MalformedError(f"{_SLOT} blob", f"1 to {MAX_BLOB_BYTES} bytes are needed")
    elif items[2] is not None:
        raise MalformedError(f"{_SLOT} parameters", "this kind has none")
    wrapped = shape.octets(items[3], WRAPPED_BYTES, f"{_SLOT} root")
    return Slot(slot_id(data), kind, cost, salt, blob, wrapped)


def open_slot(data: bytes, key: Key, *, store_id: bytes) -> Secret:
    """The root key that the slot keeps. WrongKey if this key does not open it, whatever the reason.

    CorruptHeader, NewerFormat before anything is derived; KeyUnavailable if a provider fails.
    """
    slot = read_slot(data, store_id=store_id)
    if slot.kind is not kind_of(key):
        raise WrongKey
    return _opened(slot, key, store_id=store_id)


def slot_id(data: bytes) -> bytes:
    """16 bytes that name a slot."""
    return sha256(labelled(Label.SLOT_ID, data))[:SLOT_ID_BYTES]


def _place(slot: Slot, store_id: bytes) -> bytes:
    # Everything that stands in the slot: one that says anything else has another wrapping key and another commitment.
    return labelled(Label.UNLOCK_SLOT, shape.UNLOCK_SLOT, shape.VERSION, store_id, slot.kind.value, slot.parameters)


def _sealed(slot: Slot, *, root: Secret, under: Secret, store_id: bytes, salt: bytes) -> bytes:
    if len(root.reveal()) != SECRET_BYTES or len(store_id) != STORE_ID_BYTES:
        raise InvalidArgument(f"a root key has {SECRET_BYTES} bytes, a store id {STORE_ID_BYTES}")
    wrapped = wrap(root, under=under, info=_place(slot, store_id), salt=salt)
    return encode([shape.UNLOCK_SLOT, shape.VERSION, store_id, slot.kind.value, slot.parameters, wrapped])


def _opened(slot: Slot, key: Key, *, store_id: bytes) -> Secret:
    secret = secret_of(key, cost=slot.cost, salt=slot.salt, blob=slot.blob)
    try:
        return unwrap(slot.wrapped, under=secret, info=_place(slot, store_id))
    except InvalidMessage:
        pass
    raise WrongKey


# --- the table -------------------------------------------------------------------------------------------------------


def seal_slots(slots: Sequence[bytes], *, root: Secret, store_id: bytes) -> bytes:
    """The store's table of slots, which only a holder of the root can make. InvalidArgument unless 1 to 8, distinct.

    The sealed header has to name the table by its hash: the tag says that it was once whole, not that it is the newest.
    A slot that is left out opens copies of the table that were made before, until the root changes.
    """
    if not 0 < len(slots) <= MAX_SLOTS:
        raise InvalidArgument(f"a store has 1 to {MAX_SLOTS} slots: the last one is not removed, a ninth not added")
    if len(set(slots)) < len(slots):
        raise InvalidArgument("a slot stands twice")
    tag = _tag(slots, root=root, store_id=store_id)
    return encode([shape.SLOT_TABLE, shape.VERSION, store_id, list(slots), tag])


def unlock(table: bytes, key: Key, *, store_id: bytes) -> Secret:
    """The root key, from the first slot that this key opens; afterwards the whole table is checked under that root.

    WrongKey if the key opens none. CorruptHeader, NewerFormat for a table that is not of this store, or not authentic.
    """
    slots, tag = _read(table, store_id=store_id)
    read = [read_slot(slot, store_id=store_id) for slot in slots]
    kind, unavailable = kind_of(key), None
    for slot in read:
        if slot.kind is kind:
            try:
                root = _opened(slot, key, store_id=store_id)
            except WrongKey:
                continue
            except KeyUnavailable as error:  # another slot may be of this provider
                unavailable = error
                continue
            _check_tag(slots, tag, root=root, store_id=store_id)
            return root
    raise unavailable or WrongKey()


def open_slots(table: bytes, *, root: Secret, store_id: bytes) -> tuple[bytes, ...]:
    """The slots of a store whose root is held, to add to or to remove from. CorruptHeader if they are not authentic."""
    slots, tag = _read(table, store_id=store_id)
    _check_tag(slots, tag, root=root, store_id=store_id)
    return slots


def without_slot(slots: Sequence[bytes], unwanted: bytes) -> tuple[bytes, ...]:
    """The slots without the one of this id. InvalidArgument if there is none, or no other."""
    left = tuple(slot for slot in slots if slot_id(slot) != unwanted)
    if len(left) == len(slots):
        raise InvalidArgument("there is no slot of this id")
    if not left:
        raise InvalidArgument("the last slot is not removed: nothing would open the store")
    return left


@at_rest(_TABLE)
def _read(table: bytes, *, store_id: bytes) -> tuple[tuple[bytes, ...], bytes]:
    items = shape.top_level(table, kind=shape.SLOT_TABLE, fields=3, where=_TABLE)
    if shape.octets(items[0], STORE_ID_BYTES, f"{_TABLE} store id") != store_id:
        raise MalformedError(f"{_TABLE} store id", "the table belongs to another store")
    slots = tuple(shape.octets(item, None, _SLOT) for item in shape.array(items[1], None, _TABLE))
    if not 0 < len(slots) <= MAX_SLOTS or len(set(slots)) < len(slots):
        raise MalformedError(_TABLE, f"1 to {MAX_SLOTS} slots are needed, none twice")
    return slots, shape.octets(items[2], HASH_BYTES, f"{_TABLE} tag")


@at_rest(_TABLE)
def _check_tag(slots: Sequence[bytes], tag: bytes, *, root: Secret, store_id: bytes) -> None:
    require_equal(_tag(slots, root=root, store_id=store_id), tag)


def _tag(slots: Sequence[bytes], *, root: Secret, store_id: bytes) -> bytes:
    info = labelled(Label.SLOT_TABLE, shape.SLOT_TABLE, shape.VERSION, list(slots))
    return hkdf(salt=store_id, secret=root, info=info).reveal()
