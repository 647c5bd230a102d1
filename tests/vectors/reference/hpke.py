"""HPKE base mode with MLKEM768-X25519, HKDF-SHA256 and AES-256-GCM, by hand and from explicit randomness (SUITE-2).

RFC 9180 §4, §5.1; X-Wing (draft-connolly-cfrg-xwing-kem). ML-KEM is ``kyber-py``; X25519 and AES are those of the
package ``cryptography``. ``eseed`` is the randomness of one encapsulation, 64 bytes: ML-KEM's m, the X25519 scalar.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from kyber_py.ml_kem import ML_KEM_768

from tests.vectors.reference import Refused, require
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256

ENC_BYTES: Final = 1088 + 32
Q: Final = 3329  # ML-KEM's modulus
X25519_PRIME: Final = 2**255 - 19


@dataclass(frozen=True)
class Variant:
    """What a faulty sender might choose otherwise; the defaults are the one suite."""

    kem: int = 0x647A
    kdf: int = 0x0001
    aead: int = 0x0002
    mode: int = 0
    psk: bytes = b""
    aad: bytes = b""
    sequence: int = 0


SUITE: Final = Variant()


# --- keys -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def _expand(seed: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """ML-KEM encapsulation and decapsulation key, X25519 scalar and u, of a 32-byte seed."""
    expanded = hashlib.shake_256(seed).digest(96)
    ek, dk = ML_KEM_768.key_derive(expanded[:64])
    scalar = expanded[64:]
    return ek, dk, scalar, x25519_public(scalar)


def x25519_public(scalar: bytes) -> bytes:
    """The u of a scalar."""
    return X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()


def public_key(seed: bytes) -> bytes:
    """The 1216-byte sealing key of a seed: ML-KEM encapsulation key (1184) ‖ X25519 u (32)."""
    ek, _, _, u = _expand(seed)
    return ek + u


def coefficients(ek: bytes) -> list[int]:
    """The 768 12-bit numbers of an encapsulation key, without the 32 bytes of rho behind them."""
    number = int.from_bytes(ek[:1152], "little")
    return [number >> 12 * i & 0xFFF for i in range(768)]


def with_coefficient(key: bytes, index: int, value: int) -> bytes:
    """The sealing key with one coefficient of its encapsulation key replaced."""
    number = int.from_bytes(key[:1152], "little")
    number += value - (number >> 12 * index & 0xFFF) << 12 * index
    return number.to_bytes(1152, "little") + key[1152:]


def check_public_key(key: bytes, stage: str = "sealing-key") -> None:
    """The modulus check and the checks of u (SUITE-3, SUITE-4)."""
    u = int.from_bytes(key[1184:], "little")
    require(len(key) == 1216 and all(c < Q for c in coefficients(key)), stage)
    require(u < X25519_PRIME, stage)
    require(not _is_low_order(key[1184:]), stage)
    require(key[1184:] != x25519_public(bytes(32)), stage)  # of the all-zero scalar, which everybody knows


def _is_low_order(u: bytes) -> bool:
    # A clamped scalar is a multiple of 8: it sends exactly the points of low order to zero, which the library refuses.
    try:
        X25519PrivateKey.from_private_bytes(b"\x01" * 32).exchange(X25519PublicKey.from_public_bytes(u))
    except ValueError:
        return True
    return False


# --- X-Wing -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def encapsulate(key: bytes, eseed: bytes) -> tuple[bytes, bytes]:
    """``enc`` (1120 bytes) and the shared secret, from the explicit ``eseed``."""
    ephemeral = X25519PrivateKey.from_private_bytes(eseed[32:])
    ct_x, pk_x = x25519_public(eseed[32:]), key[1184:]
    ss_m, ct_m = ML_KEM_768._encaps_internal(key[:1184], eseed[:32])
    ss_x = ephemeral.exchange(X25519PublicKey.from_public_bytes(pk_x))
    return ct_m + ct_x, _combine(ss_m, ss_x, ct_x, pk_x)


@lru_cache(maxsize=2048)
def decapsulate(seed: bytes, enc: bytes) -> bytes:
    """The shared secret. Refused at stage unseal for a low-order ephemeral."""
    _, dk, scalar, pk_x = _expand(seed)
    ct_m, ct_x = enc[:1088], enc[1088:]
    try:
        ss_x = X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(ct_x))
    except ValueError:
        raise Refused("unseal", "invalid-message") from None
    return _combine(ML_KEM_768.decaps(dk, ct_m), ss_x, ct_x, pk_x)


def _combine(ss_m: bytes, ss_x: bytes, ct_x: bytes, pk_x: bytes) -> bytes:
    return hashlib.sha3_256(ss_m + ss_x + ct_x + pk_x + bytes.fromhex("5c2e2f2f5e5c")).digest()


# --- RFC 9180 ---------------------------------------------------------------------------------------------------------


def key_schedule(shared_secret: bytes, info: bytes, variant: Variant = SUITE) -> tuple[bytes, bytes]:
    """Key and base nonce."""
    suite_id = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (variant.kem, variant.kdf, variant.aead))

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac_sha256(salt, b"HPKE-v1" + suite_id + label + ikm)

    def expand(secret: bytes, label: bytes, data: bytes, length: int) -> bytes:
        return hkdf_expand(secret, length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + data, length)

    psk_id_hash, info_hash = extract(b"", b"psk_id_hash", variant.psk), extract(b"", b"info_hash", info)
    context = bytes([variant.mode]) + psk_id_hash + info_hash
    secret = extract(shared_secret, b"secret", variant.psk)
    key_bytes = 16 if variant.aead == 1 else 32
    return expand(secret, b"key", context, key_bytes), expand(secret, b"base_nonce", context, 12)


def _aead(shared_secret: bytes, info: bytes, variant: Variant) -> tuple[AESGCM | ChaCha20Poly1305, bytes]:
    key, base_nonce = key_schedule(shared_secret, info, variant)
    nonce = int.from_bytes(base_nonce, "big") ^ variant.sequence
    return (ChaCha20Poly1305 if variant.aead == 3 else AESGCM)(key), nonce.to_bytes(12, "big")


def seal(key: bytes, eseed: bytes, info: bytes, plaintext: bytes, variant: Variant = SUITE) -> bytes:
    """``enc ‖ ciphertext ‖ tag``: 1136 bytes more than the plaintext."""
    enc, shared_secret = encapsulate(key, eseed)
    aead, nonce = _aead(shared_secret, info, variant)
    return enc + aead.encrypt(nonce, plaintext, variant.aad)


def unseal(seed: bytes, sealed: bytes, info: bytes) -> bytes:
    """The plaintext. Refused at stage unseal as invalid-message."""
    require(len(sealed) >= ENC_BYTES + 16, "unseal", "invalid-message")
    aead, nonce = _aead(decapsulate(seed, sealed[:ENC_BYTES]), info, SUITE)
    try:
        return aead.decrypt(nonce, sealed[ENC_BYTES:], b"")
    except InvalidTag:
        raise Refused("unseal", "invalid-message") from None
