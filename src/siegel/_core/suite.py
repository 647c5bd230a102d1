"""Knows all the cryptography; the only importer of the libraries that do it (spec: labels.md, SUITE-1 … SUITE-6).

Bytes in, bytes out; secret bytes travel as ``Secret``. Parsed keys are opaque handles, so that a key is checked and
loaded once. Laws: whatever fails after a secret was used raises the same InvalidMessage with no cause; every public key
passes its checks before it is used; a comparison of secrets takes constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from typing import Final

import nacl.bindings as sodium
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from nacl.exceptions import BadSignatureError

from siegel._core.secret import KeyObject, Secret
from siegel.errors import InvalidMessage, MalformedError, StateError

SECRET_BYTES: Final = 32
HASH_BYTES: Final = 32
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
SIGNING_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
ML_KEM_KEY_BYTES: Final = 1184
X25519_KEY_BYTES: Final = 32
SEALING_KEY_BYTES: Final = ML_KEM_KEY_BYTES + X25519_KEY_BYTES
SEALED_OVERHEAD_BYTES: Final = 1088 + 32 + TAG_BYTES  # ML-KEM ciphertext, X25519 ephemeral, AEAD tag


# --- randomness and hashes -------------------------------------------------------------------------------------------

_SHA256: Final = hashes.SHA256()


def random_bytes(count: int) -> bytes:
    """Fresh bytes of the operating system's generator. A generator that fails stops us (attack PR-7)."""
    try:
        data = os.urandom(count)
    except (OSError, NotImplementedError):
        data = b""
    if len(data) != count or not any(data):
        raise StateError("the operating system's random generator does not work")
    return data


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4), 32 bytes."""
    return hashlib.sha256(data).digest()


class RunningSha256:
    """SHA-256 of what arrives piece by piece."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, data: bytes | memoryview) -> None:
        """The next piece."""
        self._hash.update(data)

    def digest(self) -> bytes:
        """32 bytes: the hash of all pieces so far."""
        return self._hash.digest()


def sha512(data: bytes) -> bytes:
    """SHA-512 (FIPS 180-4), 64 bytes."""
    return hashlib.sha512(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104), 32 bytes."""
    return hmac.digest(key, data, "sha256")


def hkdf(*, salt: bytes, secret: Secret, info: bytes) -> Secret:
    """HKDF-SHA256 (RFC 5869; SUITE-5), extract and expand to 32 bytes."""
    return Secret(HKDF(_SHA256, 32, salt, info).derive(secret.reveal()))


def hkdf_extract(*, salt: bytes, material: bytes) -> Secret:
    """HKDF-Extract with SHA-256 (RFC 5869 §2.2): 32 bytes, uniform if salt or material is unknown and random."""
    return Secret(hmac.digest(salt, material, "sha256"))


def hkdf_expand_pair(secret: Secret, *, info: bytes) -> tuple[bytes, Secret]:
    """HKDF-Expand with SHA-256 (RFC 5869 §2.3) to 64 bytes: a public half (a commitment) and a secret half (a key)."""
    output = HKDFExpand(_SHA256, 64, info).derive(secret.reveal())
    return output[:32], Secret(output[32:])


def require_equal(left: bytes, right: bytes) -> None:
    """Constant-time comparison. InvalidMessage unless both are the same."""
    if not hmac.compare_digest(left, right):
        raise InvalidMessage


# --- signatures: Ed25519, strict -------------------------------------------------------------------------------------


class SigningKey(KeyObject):
    """An Ed25519 signing key (RFC 8032) from its 32-byte seed. The public half is computed, never given (PR-4)."""

    __slots__ = ("_pair", "public")

    def __init__(self, seed: Secret) -> None:
        self.public: bytes
        self._pair: bytes
        self.public, self._pair = sodium.crypto_sign_seed_keypair(seed.reveal())


def sign(key: SigningKey, message: bytes) -> bytes:
    """The 64-byte signature over the message."""
    return sodium.crypto_sign(message, key._pair)[:SIGNATURE_BYTES]  # noqa: SLF001  # the class is this room's own


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Strict Ed25519 (SUITE-1): A and R canonical, of prime order, not small; S < L. InvalidMessage otherwise.

    libsodium refuses S >= L, small R, and A that is small or not canonical; the check of A here adds the prime order.
    Then R, which is recomputed as S·B - h·A and compared as bytes, can only be canonical and of prime order too.
    """
    if len(public) == SIGNING_KEY_BYTES and len(signature) == SIGNATURE_BYTES and _is_prime_order(public):
        try:
            sodium.crypto_sign_open(signature + message, public)
        except BadSignatureError:
            pass
        else:
            return
    raise InvalidMessage  # outside the handler: no cause, no context


def check_signing_key(public: bytes, *, where: str) -> None:
    """MalformedError unless the 32 bytes are a canonical Ed25519 point of prime order, not small (PR-1, PR-2)."""
    if len(public) != SIGNING_KEY_BYTES or not _is_prime_order(public):
        raise MalformedError(where, "not an Ed25519 key: not canonical, small, or not in the prime-order subgroup")


@lru_cache(maxsize=4096)
def _is_prime_order(public: bytes) -> bool:
    # Public data only, so remembering it gives nothing away; the check costs as much as a signature.
    return sodium.crypto_core_ed25519_is_valid_point(public)


# --- sealing: HPKE base mode, KEM MLKEM768-X25519 (X-Wing, 0x647a), HKDF-SHA256, AES-256-GCM -------------------------

# SUITE-2
_HPKE: Final = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_X25519_PRIME: Final = 2**255 - 19
# Points whose order divides 8, on the curve and on its twist, as canonical u (RFC 7748 §6.1; "May the Fourth" list).
_X25519_LOW_ORDER: Final = frozenset(
    bytes.fromhex(u)
    for u in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
# The public key of the all-zero private key: seen on many accounts of broken clients (attack ID-6).
_X25519_WEAK: Final = frozenset((bytes.fromhex("2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74"),))


class SealingPublicKey:
    """A checked and loaded public sealing key, 1216 bytes: ML-KEM-768 encapsulation key (1184) and X25519 u (32)."""

    __slots__ = ("_loaded", "data")

    def __init__(self, data: bytes, *, where: str) -> None:
        if len(data) != SEALING_KEY_BYTES:
            raise MalformedError(where, f"a sealing key has {SEALING_KEY_BYTES} bytes")
        _check_x25519(data[ML_KEM_KEY_BYTES:], where)
        self.data = data
        self._loaded = hpke.MLKEM768X25519PublicKey(
            _load_ml_kem(data[:ML_KEM_KEY_BYTES], where), X25519PublicKey.from_public_bytes(data[ML_KEM_KEY_BYTES:])
        )


def _load_ml_kem(data: bytes, where: str) -> MLKEM768PublicKey:
    try:
        return MLKEM768PublicKey.from_public_bytes(data)  # performs the modulus check of FIPS 203 §7.2 (SUITE-4)
    except ValueError:
        pass
    raise MalformedError(where, "not an ML-KEM-768 key: a coefficient is not below the modulus")


def _check_x25519(u: bytes, where: str) -> None:
    # SUITE-3. One key, one encoding: the library would accept u >= p and a set top bit as aliases (attack PR-1).
    if int.from_bytes(u, "little") >= _X25519_PRIME:
        raise MalformedError(where, "not an X25519 key: not below the prime, or its top bit is set")
    if u in _X25519_LOW_ORDER or u in _X25519_WEAK:
        raise MalformedError(where, "not an X25519 key: low order, or known to be weak")


class SealingSecretKey(KeyObject):
    """A sealing key pair from its 32-byte X-Wing seed: SHAKE256(seed, 96) = ML-KEM seed (64) ‖ X25519 scalar (32)."""

    __slots__ = ("_loaded", "public")

    def __init__(self, seed: Secret) -> None:
        expanded = hashlib.shake_256(seed.reveal()).digest(96)
        ml_kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
        del expanded
        self._loaded = hpke.MLKEM768X25519PrivateKey(ml_kem, x25519)
        self.public: bytes = ml_kem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def hpke_seal(key: SealingPublicKey, secret: Secret, *, info: bytes) -> bytes:
    """The secret sealed to the key: 1136 bytes more than it has, bound to ``info`` (RFC 9180 §6.1)."""
    return _HPKE.encrypt(secret.reveal(), key._loaded, info)  # noqa: SLF001  # the class is this room's own


def hpke_open(key: SealingSecretKey, sealed: bytes, *, info: bytes) -> Secret:
    """The secret that was sealed to the key under the same ``info``; InvalidMessage otherwise."""
    try:
        return Secret(_HPKE.decrypt(sealed, key._loaded, info))  # noqa: SLF001  # the class is this room's own
    except InvalidTag:
        pass
    raise InvalidMessage


# --- content: AES-256-GCM under a key that is used once --------------------------------------------------------------

# SUITE-6. A zero nonce is safe because each of these keys encrypts one text in its life: it is expanded from a content
# secret that is fresh per message (SEAL-5). It would not be safe for a key that is stored and used again.
_ONLY_NONCE: Final = bytes(12)


def encrypt_once(key: Secret, plaintext: bytes, *, aad: bytes) -> bytes:
    """AES-256-GCM under a key made for this one text. 16 bytes longer than the plaintext."""
    return AESGCM(key.reveal()).encrypt(_ONLY_NONCE, plaintext, aad)


def decrypt_once(key: Secret, ciphertext: bytes, *, aad: bytes) -> bytes:
    """The plaintext; InvalidMessage if key, text or associated data differ. Check the key's commitment first (PR-9)."""
    try:
        return AESGCM(key.reveal()).decrypt(_ONLY_NONCE, ciphertext, aad)
    except InvalidTag:
        pass
    raise InvalidMessage


# A group message's key is a leaf of a key tree, and is used once; but state that was cloned or restored from a backup
# may use it again. So its nonce is a hash over the text itself (MESSAGE_NONCE): another text gets another nonce.


def encrypt_with_nonce(key: Secret, nonce: bytes, plaintext: bytes, *, aad: bytes) -> bytes:
    """AES-256-GCM under a 12-byte nonce that the caller derived. 16 bytes longer than the plaintext."""
    return AESGCM(key.reveal()).encrypt(nonce, plaintext, aad)


def decrypt_with_nonce(key: Secret, nonce: bytes, ciphertext: bytes, *, aad: bytes) -> bytes:
    """The plaintext; InvalidMessage if anything differs. Check the key's commitment first (PR-9)."""
    try:
        return AESGCM(key.reveal()).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        pass
    raise InvalidMessage


# --- data at rest: keys that are loaded once and used for many small records -----------------------------------------


class MacKey(KeyObject):
    """A key of HMAC-SHA-256 (RFC 2104) that is hashed in once."""

    __slots__ = ("_loaded",)

    def __init__(self, key: Secret) -> None:
        self._loaded = HMAC(key.reveal(), _SHA256)


def mac(key: MacKey, data: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes, in a third of the time that ``hmac_sha256`` takes."""
    context = key._loaded.copy()  # noqa: SLF001  # the class is this room's own
    context.update(data)
    return context.finalize()


class RecordKey(KeyObject):
    """An AES-256-GCM key for many records. Its nonces are random: state that is restored or cloned repeats none.

    Of 2^28 random nonces of 96 bits two are equal with a probability below 2^-40; whoever holds the key keeps to that.
    """

    __slots__ = ("_loaded",)

    def __init__(self, key: Secret) -> None:
        self._loaded = AESGCM(key.reveal())


def encrypt_record(key: RecordKey, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """AES-256-GCM under 12 fresh random bytes. 16 bytes longer than the plaintext."""
    return key._loaded.encrypt(nonce, plaintext, aad)  # noqa: SLF001  # the class is this room's own


def decrypt_record(key: RecordKey, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """The plaintext; InvalidMessage if anything differs. The key was chosen by its number and not tried (PR-9)."""
    try:
        return key._loaded.decrypt(nonce, ciphertext, aad)  # noqa: SLF001  # the class is this room's own
    except InvalidTag:
        pass
    raise InvalidMessage
