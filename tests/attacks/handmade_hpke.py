"""HPKE base mode with the KEM MLKEM768-X25519, from its parts (RFC 9180 §5.1, X-Wing's combiner), so that an attacker
can choose the X25519 ephemeral and what it is said to agree on.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.attacks.attacker import To, entry_info

_SUITE = b"HPKE" + bytes.fromhex("647a00010002")
_X_WING_LABEL = b"\\.//^\\"


def _extract(salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + _SUITE + label + material, "sha256")


def _expand(secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + _SUITE + label + info
    return HKDFExpand(hashes.SHA256(), length, labelled).derive(secret)


def seal_with_ephemeral(
    header: list[Any], recipient: To, secret: bytes, *, ephemeral: bytes | None = None, agreed: bytes = bytes(32)
) -> list[Any]:
    """An entry under this X25519 ephemeral, which agrees on ``agreed``; None makes an honest one."""
    x25519 = recipient.sealing_key[1184:]
    if ephemeral is None:
        own = X25519PrivateKey.generate()
        ephemeral = own.public_key().public_bytes_raw()
        agreed = own.exchange(X25519PublicKey.from_public_bytes(x25519))
    ml_kem_secret, ml_kem_ciphertext = MLKEM768PublicKey.from_public_bytes(recipient.sealing_key[:1184]).encapsulate()
    shared = hashlib.sha3_256(ml_kem_secret + agreed + ephemeral + x25519 + _X_WING_LABEL).digest()

    info = entry_info(header, recipient.user_id, recipient.number)
    context = b"\0" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", info)
    schedule = _extract(shared, b"secret", b"")
    key, nonce = _expand(schedule, b"key", context, 32), _expand(schedule, b"base_nonce", context, 12)
    sealed = ml_kem_ciphertext + ephemeral + AESGCM(key).encrypt(nonce, secret, None)
    return [recipient.user_id, recipient.number, sealed]
