"""Slots, tables and wrapped keys of a store, read and made by hand from the published format."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from tests.attacks.attacker import cbor, labelled

SLOT, TABLE = 14, 15
IDENTITY, RAW, PASSPHRASE, WORDS, PROVIDER = range(1, 6)


def keys_for(under: bytes, place: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Commitment and wrapping key."""
    extracted = hmac.digest(salt, under, "sha256")
    expanded = HKDFExpand(hashes.SHA256(), 64, place).derive(extracted)
    return expanded[:32], expanded[32:]


def wrap(secret: bytes, under: bytes, place: bytes, salt: bytes) -> bytes:
    commitment, key = keys_for(under, place, salt)
    return salt + commitment + AESGCM(key).encrypt(bytes(12), secret, b"")


def slot_place(store_id: bytes, kind: int, parameters: Any) -> bytes:
    return labelled("unlock slot", SLOT, 1, store_id, kind, parameters)


def slot(root: bytes, under: bytes, store_id: bytes, kind: int, parameters: Any, *, salt: bytes) -> bytes:
    """A slot that opens with these 32 bytes."""
    wrapped = wrap(root, under, slot_place(store_id, kind, parameters), salt)
    return cbor([SLOT, 1, store_id, kind, parameters, wrapped])


def table(slots: Sequence[bytes], root: bytes, store_id: bytes) -> bytes:
    """A table that is authentic under a root."""
    info = labelled("slot table", TABLE, 1, list(slots))
    tag = HKDF(hashes.SHA256(), 32, store_id, info).derive(root)
    return cbor([TABLE, 1, store_id, list(slots), tag])


def changed(data: bytes, place: Sequence[int], value: Any) -> bytes:
    """The array with another value at a place, well formed."""
    items = cbor2.loads(data)
    inner = items
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return cbor(items)


def items_of(data: bytes) -> list[Any]:
    return list(cbor2.loads(data))
