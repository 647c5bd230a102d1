"""Knows the raw primitives that a sealed message cannot do without, called as directly as Python allows."""

from __future__ import annotations

import hashlib
import os

import nacl.bindings as sodium
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class Raw:
    """One recipient's key pair, one sender's, and the inputs of the lengths that siegel uses for this body."""

    def __init__(self, padded_bytes: int) -> None:
        self.secret_key = new_key()
        self.public_key = self.secret_key.public_key()
        self.verify_key, self.signing_key = sodium.crypto_sign_seed_keypair(os.urandom(32))
        self.info, self.signed, self.header = os.urandom(130), os.urandom(140), os.urandom(71)
        self.key, self.nonce, self.padded = os.urandom(32), bytes(12), os.urandom(padded_bytes)
        self.sealed = self.encrypt()
        self.signature = self.sign()
        self.ciphertext = self.aes()

    def encrypt(self, public_key: hpke.MLKEM768X25519PublicKey | None = None) -> bytes:
        """One HPKE encryption of 32 bytes."""
        return SUITE.encrypt(self.key, public_key or self.public_key, self.info)

    def sign(self) -> bytes:
        """One Ed25519 signature."""
        return sodium.crypto_sign(self.signed, self.signing_key)

    def aes(self) -> bytes:
        """One AES-256-GCM encryption of the padded body."""
        return AESGCM(self.key).encrypt(self.nonce, self.padded, self.header)

    def seal(self) -> None:
        """What sealing to one recipient needs at the least."""
        self.encrypt()
        self.sign()
        self.aes()

    def open(self) -> None:
        """What opening needs at the least."""
        SUITE.decrypt(self.sealed, self.secret_key, self.info)
        sodium.crypto_sign_open(self.signature, self.verify_key)
        AESGCM(self.key).decrypt(self.nonce, self.ciphertext, self.header)


def new_key() -> hpke.MLKEM768X25519PrivateKey:
    """A fresh key pair, loaded."""
    seed = hashlib.shake_256(os.urandom(32)).digest(96)
    return hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(seed[:64]), X25519PrivateKey.from_private_bytes(seed[64:])
    )
