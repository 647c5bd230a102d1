"""SUITE-5, SUITE-6: AES-256-GCM under a key used once, HKDF-SHA256, HMAC-SHA-256, and what a commitment is for."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from siegel._core import suite
from siegel._core.secret import Secret
from siegel.errors import InvalidMessage
from tests.vectors.third_party.sources import Case, Source, each, json_tests, key_value_text, wycheproof

AES_GCM = wycheproof("aes_gcm_test.json")
HKDF_SHA256 = wycheproof("hkdf_sha256_test.json")
HMAC_SHA256 = wycheproof("hmac_sha256_test.json")
RFC_5869 = Source("cryptography-vectors/KDF/rfc-5869-HKDF-SHA256.txt", key_value_text, "KDF/rfc-5869-HKDF-SHA256.txt")
TWO_KEYS = Source("own-key-commitment/aead-two-keys.json", json_tests)


def octets(case: Case, *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


# --- AES-GCM ---------------------------------------------------------------------------------------------------------


@each(AES_GCM)
def test_the_library_does_aes_gcm(case: Case) -> None:
    key, nonce, aad, message, ciphertext, tag = octets(case, "key", "iv", "aad", "msg", "ct", "tag")
    cipher = AESGCM(key)
    if not 8 <= len(nonce) <= 128:  # the library's own limits, also where the vector says valid
        with pytest.raises(ValueError, match="Nonce"):
            cipher.decrypt(nonce, ciphertext + tag, aad)
    elif case["result"] == "valid":
        assert cipher.decrypt(nonce, ciphertext + tag, aad) == message
        assert cipher.encrypt(nonce, message, aad) == ciphertext + tag
    else:
        with pytest.raises(InvalidTag):
            cipher.decrypt(nonce, ciphertext + tag, aad)


@each(AES_GCM, where=lambda case: case["keySize"] == 256 and case["ivSize"] == 96)
def test_ours_does_aes_256_gcm(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our nonce is always zero, in a vector it seldom is: the constant is replaced, and nothing else."""
    key, nonce, aad, message, ciphertext, tag = octets(case, "key", "iv", "aad", "msg", "ct", "tag")
    monkeypatch.setattr(suite, "_ONLY_NONCE", nonce)
    if case["result"] == "valid":
        assert suite.decrypt_once(Secret(key), ciphertext + tag, aad=aad) == message
        assert suite.encrypt_once(Secret(key), message, aad=aad) == ciphertext + tag
    else:
        with pytest.raises(InvalidMessage):
            suite.decrypt_once(Secret(key), ciphertext + tag, aad=aad)


@each(AES_GCM, where=lambda case: case["keySize"] == 256 and case["iv"] == bytes(12).hex())
def test_ours_with_the_zero_nonce_of_the_vector(case: Case) -> None:
    key, aad, message, ciphertext, tag = octets(case, "key", "aad", "msg", "ct", "tag")
    assert case["result"] == "valid"
    assert suite.decrypt_once(Secret(key), ciphertext + tag, aad=aad) == message
    assert suite.encrypt_once(Secret(key), message, aad=aad) == ciphertext + tag


# --- HKDF and HMAC ---------------------------------------------------------------------------------------------------


def check_ours(salt: bytes, material: bytes, info: bytes, expected: bytes) -> None:
    """Ours gives 32 and 64 bytes; an output of another length is a prefix of, or has as prefix, the same stream."""
    one = suite.hkdf(salt=salt, secret=Secret(material), info=info).reveal()
    assert one[: len(expected)] == expected[:32]
    left, right = suite.hkdf_expand_pair(suite.hkdf_extract(salt=salt, material=material), info=info)
    assert (left + right.reveal())[: len(expected)] == expected[:64]


@each(RFC_5869)
def test_rfc_5869(case: Case) -> None:
    salt, material, info, extracted, expected = octets(case, "salt", "IKM", "info", "PRK", "OKM")
    assert suite.hkdf_extract(salt=salt, material=material).reveal() == extracted
    assert len(expected) == int(case["L"])
    assert HKDFExpand(hashes.SHA256(), len(expected), info).derive(extracted) == expected
    check_ours(salt, material, info, expected)


@each(HKDF_SHA256)
def test_hkdf(case: Case) -> None:
    salt, material, info, expected = octets(case, "salt", "ikm", "info", "okm")
    if case["result"] == "valid":
        assert HKDF(hashes.SHA256(), case["size"], salt, info).derive(material) == expected
        check_ours(salt, material, info, expected)
    else:  # more than 255 blocks; ours has no argument for a length
        with pytest.raises(ValueError, match="derive keys larger"):
            HKDF(hashes.SHA256(), case["size"], salt, info)


@each(HMAC_SHA256)
def test_hmac(case: Case) -> None:
    key, message, tag = octets(case, "key", "msg", "tag")
    ours = suite.hmac_sha256(key, message)[: case["tagSize"] // 8]
    if case["result"] == "valid":
        suite.require_equal(ours, tag)
    else:
        with pytest.raises(InvalidMessage):
            suite.require_equal(ours, tag)


# --- commitment ------------------------------------------------------------------------------------------------------


@each(TWO_KEYS)
def test_an_aead_alone_does_not_commit_to_its_key(case: Case) -> None:
    """One ciphertext, two keys, two plaintexts: this is what the commitment before decryption is for."""
    cipher: type[AESGCM | ChaCha20Poly1305] = AESGCM if case["aead"] == "AES-256-GCM" else ChaCha20Poly1305
    first, second, nonce, aad, ciphertext = octets(case, "key1", "key2", "iv", "aad", "ct")
    opened = [cipher(key).decrypt(nonce, ciphertext, aad) for key in (first, second)]
    assert opened == octets(case, "pt1", "pt2")
    assert first != second


@each(TWO_KEYS, where=lambda case: case["aead"] == "AES-256-GCM")
def test_our_commitment_tells_the_two_keys_apart(case: Case) -> None:
    first, second = (suite.hkdf_expand_pair(Secret(key), info=b"")[0] for key in octets(case, "key1", "key2"))
    suite.require_equal(first, bytes(first))
    with pytest.raises(InvalidMessage):
        suite.require_equal(first, second)
