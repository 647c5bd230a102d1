"""SUITE-2: HPKE and X-Wing. RFC 9180 and draft-ietf-hpke-pq against ``cryptography``; X-Wing against ours.

No published vector has our exact suite with empty associated data, so none can be opened by ``hpke_open`` itself. The
chain is: the vectors prove ``tests.vectors.reference.hpke`` right (its KEM with KEM 0x647a, its key schedule with
HKDF-SHA256 and every AEAD); then it and our suite open what the other sealed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM1024PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from siegel._core import suite
from siegel._core.secret import Secret
from siegel.errors import InvalidMessage
from tests.vectors.reference import hpke as reference
from tests.vectors.third_party.sources import Case, Source, each, json_list

RFC_9180 = Source("hpke-rfc9180/test-vectors.json", json_list, "HPKE/test-vectors.json")
HPKE_PQ = Source("hpke-pq/test-vectors.json", json_list, "HPKE/hpke-pq-test-vectors.json")
X_WING = Source("x-wing/test-vectors.json", json_list)

OUR_KEM = 0x647A
KEMS: dict[int, tuple[hpke.KEM, Callable[[bytes], Any]]] = {
    0x10: (hpke.KEM.P256, lambda raw: ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())),
    0x11: (hpke.KEM.P384, lambda raw: ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP384R1())),
    0x12: (hpke.KEM.P521, lambda raw: ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP521R1())),
    0x20: (hpke.KEM.X25519, X25519PrivateKey.from_private_bytes),
    0x41: (hpke.KEM.MLKEM768, MLKEM768PrivateKey.from_seed_bytes),
    0x42: (hpke.KEM.MLKEM1024, MLKEM1024PrivateKey.from_seed_bytes),
    OUR_KEM: (hpke.KEM.MLKEM768_X25519, lambda raw: suite.SealingSecretKey(Secret(raw))._loaded),
}
KDFS = {
    1: hpke.KDF.HKDF_SHA256,
    2: hpke.KDF.HKDF_SHA384,
    3: hpke.KDF.HKDF_SHA512,
    16: hpke.KDF.SHAKE128,
    17: hpke.KDF.SHAKE256,
}
AEADS = {1: hpke.AEAD.AES_128_GCM, 2: hpke.AEAD.AES_256_GCM, 3: hpke.AEAD.CHACHA20_POLY1305}


def octets(case: Case, *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def library_has(case: Case) -> bool:
    """Base mode with a KEM, KDF and AEAD of the library: pre-shared keys, senders' keys and X448 are no use to us."""
    return case["mode"] == 0 and case["kem_id"] in KEMS and case["kdf_id"] in KDFS and case["aead_id"] in AEADS


def is_our_kem(case: Case) -> bool:
    return bool(case["kem_id"] == OUR_KEM)


def schedule_is_written(case: Case) -> bool:
    return case["mode"] == 0 and case["kdf_id"] == 1 and case["aead_id"] in AEADS


# --- conformance of the dependency -----------------------------------------------------------------------------------


def opened_by_library(case: Case) -> bytes:
    # Through the library's private function, as the vectors have associated data and its public one has none.
    kem, load = KEMS[case["kem_id"]]
    key, encapsulated, info = octets(case, "skRm", "enc", "info")
    ciphertext, aad = octets(case["encryptions"][0], "ct", "aad")
    library = hpke.Suite(kem, KDFS[case["kdf_id"]], AEADS[case["aead_id"]])
    return openssl.hpke._decrypt_with_aad(library, encapsulated + ciphertext, load(key), info, aad)


@each(RFC_9180, where=library_has)
def test_the_library_opens_rfc_9180(case: Case) -> None:
    assert opened_by_library(case) == bytes.fromhex(case["encryptions"][0]["pt"])


@each(HPKE_PQ, where=library_has)
def test_the_library_opens_hpke_pq(case: Case) -> None:
    assert opened_by_library(case) == bytes.fromhex(case["encryptions"][0]["pt"])


# --- the reference is right ------------------------------------------------------------------------------------------


def check_schedule(case: Case) -> None:
    variant = reference.Variant(kem=case["kem_id"], kdf=case["kdf_id"], aead=case["aead_id"])
    shared, info, key, nonce = octets(case, "shared_secret", "info", "key", "base_nonce")
    assert reference.key_schedule(shared, info, variant) == (key, nonce)


@each(RFC_9180, where=schedule_is_written)
def test_key_schedule_of_rfc_9180(case: Case) -> None:
    check_schedule(case)


@each(HPKE_PQ, where=schedule_is_written)
def test_key_schedule_of_hpke_pq(case: Case) -> None:
    check_schedule(case)


def check_kem(seed: bytes, public: bytes, randomness: bytes, sent: bytes, shared: bytes) -> None:
    assert suite.SealingSecretKey(Secret(seed)).public == public
    assert suite.SealingPublicKey(public, where="vector").data == public
    assert reference.public_key(seed) == public
    assert reference.encapsulate(public, randomness) == (sent, shared)
    assert reference.decapsulate(seed, sent) == shared


@each(HPKE_PQ, where=is_our_kem)
def test_our_kem_in_hpke_pq(case: Case) -> None:
    check_kem(*octets(case, "skRm", "pkRm", "ikmE", "enc", "shared_secret"))


@each(X_WING)
def test_x_wing(case: Case) -> None:
    check_kem(*octets(case, "seed", "pk", "eseed", "ct", "ss"))


@each(HPKE_PQ, where=lambda case: is_our_kem(case) and schedule_is_written(case))
def test_the_reference_seals_the_vector_byte_for_byte(case: Case) -> None:
    public, randomness, info, sent, base_nonce = octets(case, "pkRm", "ikmE", "info", "enc", "base_nonce")
    for encryption in case["encryptions"]:
        plaintext, aad, nonce, ciphertext = octets(encryption, "pt", "aad", "nonce", "ct")
        sequence = int.from_bytes(nonce, "big") ^ int.from_bytes(base_nonce, "big")
        variant = reference.Variant(aead=case["aead_id"], aad=aad, sequence=sequence)
        assert reference.seal(public, randomness, info, plaintext, variant) == sent + ciphertext


# --- ours agrees with the reference, under the keys of the vectors ---------------------------------------------------


def check_ours(seed: bytes, randomness: bytes) -> None:
    key, secret, info = suite.SealingSecretKey(Secret(seed)), bytes(range(32)), b"info of a test"
    sealed_here = suite.hpke_seal(suite.SealingPublicKey(key.public, where="key"), Secret(secret), info=info)
    assert len(sealed_here) == len(secret) + suite.SEALED_OVERHEAD_BYTES
    assert reference.unseal(seed, sealed_here, info) == secret
    sealed_there = reference.seal(key.public, randomness, info, secret)
    assert suite.hpke_open(key, sealed_there, info=info).reveal() == secret
    with pytest.raises(InvalidMessage):
        suite.hpke_open(key, sealed_there, info=info + b"!")


@each(HPKE_PQ, where=is_our_kem)
def test_our_suite_with_keys_of_hpke_pq(case: Case) -> None:
    check_ours(*octets(case, "skRm", "ikmE"))


@each(X_WING)
def test_our_suite_with_keys_of_x_wing(case: Case) -> None:
    check_ours(*octets(case, "seed", "eseed"))


@each(HPKE_PQ, where=is_our_kem)
def test_another_suite_under_our_key_is_not_opened(case: Case) -> None:
    """Same key, same KEM, other AEAD: what was made for another suite is not authentic in ours."""
    seed, sent, info = octets(case, "skRm", "enc", "info")
    (ciphertext,) = octets(case["encryptions"][0], "ct")
    with pytest.raises(InvalidMessage):
        suite.hpke_open(suite.SealingSecretKey(Secret(seed)), sent + ciphertext, info=info)
