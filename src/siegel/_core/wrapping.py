"""Knows how one key is kept under another: wrapped, committed, bound to its place (spec: UNL-1).

Laws: a wrapped key opens under one key and in one place, or not at all (attacks ST-5, PR-9); wrapping twice never uses
one key and nonce for two texts, because the salt is fresh each time and the wrapping key follows from it.
"""

from __future__ import annotations

from typing import Final

from siegel._core.secret import Secret
from siegel._core.suite import (
    HASH_BYTES,
    SECRET_BYTES,
    TAG_BYTES,
    decrypt_once,
    encrypt_once,
    hkdf_expand_pair,
    hkdf_extract,
    require_equal,
)
from siegel.errors import InvalidMessage

SALT_BYTES: Final = 32
WRAPPED_BYTES: Final = SALT_BYTES + HASH_BYTES + SECRET_BYTES + TAG_BYTES

_TEXT: Final = SALT_BYTES + HASH_BYTES


def wrap(secret: Secret, *, under: Secret, info: bytes, salt: bytes) -> bytes:
    """The 32-byte secret under another, 112 bytes. ``info``: its place, labelled; ``salt``: 32 fresh random bytes.

    The place is no associated data beside the key: key and commitment follow from it, so the commitment covers it too.
    """
    commitment, key = hkdf_expand_pair(hkdf_extract(salt=salt, material=under.reveal()), info=info)
    return salt + commitment + encrypt_once(key, secret.reveal(), aad=b"")


def unwrap(wrapped: bytes, *, under: Secret, info: bytes) -> Secret:
    """The secret. InvalidMessage if the key, the place or a byte differs."""
    if len(wrapped) != WRAPPED_BYTES:
        raise InvalidMessage
    commitment, key = hkdf_expand_pair(hkdf_extract(salt=wrapped[:SALT_BYTES], material=under.reveal()), info=info)
    require_equal(commitment, wrapped[SALT_BYTES:_TEXT])
    return Secret(decrypt_once(key, wrapped[_TEXT:], aad=b""))
