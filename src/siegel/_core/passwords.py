"""Knows how a passphrase becomes a key: Argon2id (RFC 9106; spec: UNL-3). Loaded where it is needed."""

from __future__ import annotations

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from siegel._core.secret import Secret
from siegel._core.suite import SECRET_BYTES


def argon2id(passphrase: Secret, *, salt: bytes, memory_kib: int, passes: int, lanes: int) -> Secret:
    """Argon2id version 1.3 without secret and associated data, 32 bytes.

    The numbers decide how much memory and time this takes: whoever reads them from a file checks them first (ST-1).
    """
    derivation = Argon2id(salt=salt, length=SECRET_BYTES, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    return Secret(derivation.derive(passphrase.reveal()))
