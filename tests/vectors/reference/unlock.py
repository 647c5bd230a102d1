"""Unlocking a store, by hand (spec UNL-1 … UNL-7): wrapped keys, passphrases, slots, table, keys below the root.

Argon2id is that of the ``argon2`` reference implementation; the library's is OpenSSL's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import Refused, cbor, identity, require, texts
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, labelled, sha256

SLOT: Final = 14
TABLE: Final = 15
IDENTITY, RAW, PASSPHRASE, WORDS, PROVIDER = range(1, 6)
DAMAGED: Final = "corrupt-header"
WRONG: Final = "wrong-key"


def hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """HKDF with SHA-256 to 32 bytes (RFC 5869)."""
    return hkdf_expand(hmac_sha256(salt, secret), info, 32)


# --- wrapped keys (UNL-1) ---------------------------------------------------------------------------------------------


class Wrapping(NamedTuple):
    """One wrapping, with what is computed on the way."""

    extracted: bytes
    commitment: bytes
    key: bytes
    wrapped: bytes


def keys_of(under: bytes, place: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """What is extracted, the commitment, the wrapping key."""
    extracted = hmac_sha256(salt, under)
    expanded = hkdf_expand(extracted, place, 64)
    return extracted, expanded[:32], expanded[32:]


def wrap(key: bytes, under: bytes, place: bytes, salt: bytes) -> Wrapping:
    """The key under another, for a place."""
    extracted, commitment, wrapping = keys_of(under, place, salt)
    wrapped = salt + commitment + AESGCM(wrapping).encrypt(bytes(12), key, b"")
    return Wrapping(extracted, commitment, wrapping, wrapped)


def unwrap(wrapped: bytes, under: bytes, place: bytes, stage: str = "unwrap", code: str = "invalid-message") -> bytes:
    """The key, or one refusal for all that may be wrong."""
    require(len(wrapped) == 112, stage, code)
    _, commitment, wrapping = keys_of(under, place, wrapped[:32])
    require(commitment == wrapped[32:64], stage, code)
    try:
        return AESGCM(wrapping).decrypt(bytes(12), wrapped[64:], b"")
    except InvalidTag:
        raise Refused(stage, code) from None


# --- keys from outside (UNL-2, UNL-3) ---------------------------------------------------------------------------------


def normalised(text: str) -> bytes:
    """A passphrase in its one form."""
    kinds = [unicodedata.category(sign) for sign in text]
    require(bool(text.strip()) and not {"Cc", "Cs", "Cn"} & set(kinds), "argument", "invalid-argument")
    spaced = "".join(" " if kind == "Zs" else sign for kind, sign in zip(kinds, text, strict=True))
    data = unicodedata.normalize("NFC", spaced).encode()
    require(len(data) <= 1024, "argument", "invalid-argument")
    return data


def check_cost(memory: int, passes: int, lanes: int, stage: str, code: str) -> None:
    """The limits of a passphrase's cost."""
    require(19_456 <= memory <= 1_048_576 and 2 <= passes <= 16 and 1 <= lanes <= 8, stage, code)
    require(memory * passes <= 4_194_304, stage, code)


def stretched(passphrase: bytes, memory: int, passes: int, lanes: int, salt: bytes) -> bytes:
    """Argon2id, version 1.3."""
    return hash_secret_raw(passphrase, salt, passes, memory, lanes, 32, Type.ID, 0x13)


class Key(NamedTuple):
    """What somebody unlocks with: of a provider, the pairs of blob and secret that it knows."""

    kind: int
    data: bytes = b""
    pairs: Sequence[tuple[bytes, bytes]] = ()


def key_of(given: dict[str, Any]) -> Key:
    """A key as the vectors describe it."""
    ((name, value),) = given.items()
    match name:
        case "identity" | "bytes":
            data = bytes.fromhex(value)
            require(len(data) == 32 and any(data), "argument", "invalid-argument")
            return Key(IDENTITY, identity.derive(data, "store")) if name == "identity" else Key(RAW, data)
        case "passphrase":
            return Key(PASSPHRASE, normalised(value))
        case "words":
            data = texts.read_words(value)
            require(any(data), "argument", "invalid-argument")
            return Key(WORDS, data)
        case _:
            return Key(PROVIDER, b"", [(bytes.fromhex(blob), bytes.fromhex(secret)) for blob, secret in value])


def secret_of(key: Key, parameters: Any) -> bytes:
    """The 32 bytes that a key gives under the parameters of a slot."""
    if key.kind == PASSPHRASE:
        return stretched(key.data, *parameters)
    if key.kind == PROVIDER:
        secret = dict(key.pairs).get(parameters, b"")
        require(len(secret) == 32, "unwrap", "key-unavailable")
        return secret
    return key.data


# --- slots (UNL-4) ----------------------------------------------------------------------------------------------------


class Slot(NamedTuple):
    """The items of a slot."""

    store_id: bytes
    kind: int
    parameters: Any
    wrapped: bytes


def parameters_of(parameters: Any) -> bytes:
    """The parameters, encoded."""
    if isinstance(parameters, list):
        *numbers, salt = parameters
        return cbor.array(*map(cbor.uint, numbers), cbor.octets(salt))
    return cbor.NULL if parameters is None else cbor.octets(parameters)


def place_of(store_id: bytes, kind: int, parameters: Any) -> bytes:
    """The place for which the root key is wrapped."""
    said = cbor.octets(store_id), cbor.uint(kind), parameters_of(parameters)
    return labelled("unlock slot", cbor.uint(SLOT), cbor.uint(1), *said)


def slot_of(store_id: bytes, kind: int, parameters: Any, wrapped: bytes) -> bytes:
    """The bytes of a slot, whatever it says."""
    items = cbor.octets(store_id), cbor.uint(kind), parameters_of(parameters), cbor.octets(wrapped)
    return cbor.array(cbor.uint(SLOT), cbor.uint(1), *items)


def make_slot(key: Key, root: bytes, store_id: bytes, parameters: Any, salt: bytes) -> bytes:
    """An honest slot."""
    place = place_of(store_id, key.kind, parameters)
    return slot_of(store_id, key.kind, parameters, wrap(root, secret_of(key, parameters), place, salt).wrapped)


def slot_id(slot: bytes) -> bytes:
    """The id of a slot."""
    return sha256(labelled("slot id", cbor.octets(slot)))[:16]


def _items(data: bytes, kind: int, count: int) -> list[Any]:
    try:
        return cbor.top_level(data, {kind: count})[1]
    except Refused as refused:
        code = "newer-format" if refused.code == "unsupported-version" else DAMAGED
        raise Refused(refused.stage, code) from None


def read_slot(data: bytes, store_id: bytes) -> Slot:
    """The stages from ``encoding`` to ``cost``."""
    items = _items(data, SLOT, 6)
    require(cbor.is_octets(items[0], 16) and cbor.is_uint(items[1]), "shape", DAMAGED)
    slot = Slot(*items)
    require(slot.kind in range(IDENTITY, PROVIDER + 1) and cbor.is_octets(slot.wrapped, 112), "shape", DAMAGED)
    require(_fits(slot.kind, slot.parameters), "shape", DAMAGED)
    require(slot.store_id == store_id, "store", DAMAGED)
    if slot.kind == PASSPHRASE:
        memory, passes, lanes, _ = slot.parameters
        check_cost(memory, passes, lanes, "cost", DAMAGED)
    return slot


def _fits(kind: int, parameters: Any) -> bool:
    if kind == PASSPHRASE:
        shaped = cbor.is_array(parameters, 4) and all(map(cbor.is_uint, parameters[:3]))
        return shaped and cbor.is_octets(parameters[3], 16)
    if kind == PROVIDER:
        return cbor.is_octets(parameters) and 1 <= len(parameters) <= 4096
    return parameters is None


def open_slot(data: bytes, key: Key, store_id: bytes) -> bytes:
    """The root key."""
    slot = read_slot(data, store_id)
    require(slot.kind == key.kind, "kind", WRONG)
    return unlocked(slot, key)


def unlocked(slot: Slot, key: Key) -> bytes:
    """The root key of a slot of the key's kind."""
    place = place_of(slot.store_id, slot.kind, slot.parameters)
    return unwrap(slot.wrapped, secret_of(key, slot.parameters), place, "unwrap", WRONG)


# --- the table (UNL-5) ------------------------------------------------------------------------------------------------


def tag_of(slots: Sequence[bytes], root: bytes, store_id: bytes, purpose: str = "slot table") -> bytes:
    """The tag of a table."""
    listed = cbor.array(*map(cbor.octets, slots))
    return hkdf(store_id, root, labelled(purpose, cbor.uint(TABLE), cbor.uint(1), listed))


def table_of(slots: Sequence[bytes], tag: bytes, store_id: bytes) -> bytes:
    """The bytes of a table, whatever it says."""
    items = cbor.octets(store_id), cbor.array(*map(cbor.octets, slots)), cbor.octets(tag)
    return cbor.array(cbor.uint(TABLE), cbor.uint(1), *items)


def make_table(slots: Sequence[bytes], root: bytes, store_id: bytes) -> bytes:
    """An honest table."""
    require(1 <= len(slots) <= 8 and len(set(slots)) == len(slots), "argument", "invalid-argument")
    return table_of(slots, tag_of(slots, root, store_id), store_id)


def unlock(table: bytes, key: Key, store_id: bytes) -> tuple[bytes, list[bytes]]:
    """The root key, and the slots."""
    items = _items(table, TABLE, 5)
    require(cbor.is_octets(items[0], 16) and cbor.is_array(items[1]) and cbor.is_octets(items[2], 32), "shape", DAMAGED)
    slots = items[1]
    require(
        all(map(cbor.is_octets, slots)) and 1 <= len(slots) <= 8 and len(set(slots)) == len(slots), "shape", DAMAGED
    )
    require(items[0] == store_id, "store", DAMAGED)
    read = [read_slot(slot, store_id) for slot in slots]
    last = Refused("unwrap", WRONG)
    for slot in read:
        if slot.kind == key.kind:
            try:
                root = unlocked(slot, key)
            except Refused as refused:
                last = refused if refused.code != WRONG else last
                continue
            require(items[2] == tag_of(slots, root, store_id), "table", DAMAGED)
            return root, slots
    raise last


# --- keys below the root (UNL-6, UNL-7) -------------------------------------------------------------------------------


class Keyring(NamedTuple):
    """What a keyring holds."""

    store_id: bytes
    secret: bytes
    epoch: int
    epoch_key: bytes

    def derive(self, purpose: str, *items: bytes) -> bytes:
        """What follows from the store secret."""
        return hkdf(self.store_id, self.secret, labelled(purpose, *items))

    def encode(self, root: bytes, salts: Sequence[bytes]) -> bytes:
        """The keyring wrapped under a root key."""
        secret = wrap(self.secret, root, secret_place(self.store_id), salts[0]).wrapped
        epoch = wrap(self.epoch_key, root, epoch_place(self.store_id, self.epoch), salts[1]).wrapped
        return cbor.array(cbor.octets(secret), cbor.uint(self.epoch), cbor.octets(epoch))


def header_secret(root: bytes, store_id: bytes) -> bytes:
    """The secret under which the header is sealed."""
    return hkdf(store_id, root, labelled("header secret"))


def secret_place(store_id: bytes) -> bytes:
    """Where the store secret stands."""
    return labelled("wrapped secret", cbor.octets(store_id))


def epoch_place(store_id: bytes, number: int) -> bytes:
    """Where an epoch key stands."""
    return labelled("wrapped epoch", cbor.octets(store_id), cbor.uint(number))


def read_keyring(data: bytes, root: bytes, store_id: bytes) -> Keyring:
    """The keyring of this store."""
    stage = "keyring", DAMAGED
    items = _array(data, 3, *stage)
    require(cbor.is_octets(items[0], 112) and cbor.is_octets(items[2], 112), *stage)
    require(cbor.is_uint(items[1], 2**32 - 1), *stage)
    epoch_key = unwrap(items[2], root, epoch_place(store_id, items[1]), *stage)
    return Keyring(store_id, unwrap(items[0], root, secret_place(store_id), *stage), items[1], epoch_key)


class DataKey(NamedTuple):
    """A data key with its place."""

    kid: int
    epoch: int
    collection: int
    scope: bytes
    reserved: int

    def place(self, store_id: bytes) -> bytes:
        """Where it stands."""
        items = cbor.octets(store_id), cbor.uint(self.kid), cbor.uint(self.collection), cbor.octets(self.scope)
        return labelled("wrapped data key", *items, cbor.uint(self.epoch), cbor.uint(self.reserved))

    def row(self, wrapped: bytes) -> bytes:
        """Its row."""
        items = cbor.uint(self.epoch), cbor.uint(self.collection), cbor.octets(self.scope), cbor.uint(self.reserved)
        return cbor.array(*items, cbor.octets(wrapped))


def read_row(ring: Keyring, kid: int, row: bytes | None) -> tuple[DataKey, bytes]:
    """A data key of the store, and its 32 bytes."""
    stage = "data-key", DAMAGED
    require(row is not None, "data-key", "key-unavailable")
    items = _array(row or b"", 5, *stage)
    require(1 <= kid < 2**32 and cbor.is_uint(items[0], 2**32 - 1) and cbor.is_uint(items[1], 2**16 - 1), *stage)
    require(cbor.is_octets(items[2], 16) and cbor.is_uint(items[3], 2**28) and cbor.is_octets(items[4], 112), *stage)
    key = DataKey(kid, *items[:4])
    require(key.epoch == ring.epoch, *stage)
    return key, unwrap(items[4], ring.epoch_key, key.place(ring.store_id), *stage)


def _array(data: bytes, length: int, stage: str, code: str) -> list[Any]:
    try:
        items = cbor.read(data)
    except Refused:
        raise Refused(stage, code) from None
    require(cbor.is_array(items, length), stage, code)
    return list(items)
