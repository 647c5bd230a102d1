"""SUITE-1 … SUITE-6: what the cryptography promises. Known answers of third parties stand in tests/vectors."""

from __future__ import annotations

import copy
import hashlib
import hmac
from collections.abc import Callable

import nacl.bindings as sodium
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core import suite
from siegel._core.secret import Secret
from siegel._core.suite import (
    SEALED_OVERHEAD_BYTES,
    SEALING_KEY_BYTES,
    MacKey,
    RecordKey,
    SealingPublicKey,
    SealingSecretKey,
    SigningKey,
    check_signing_key,
    decrypt_once,
    decrypt_record,
    encrypt_once,
    encrypt_record,
    hkdf,
    hkdf_expand_pair,
    hkdf_extract,
    hpke_open,
    hpke_seal,
    mac,
    random_bytes,
    require_equal,
    sign,
    verify,
)
from siegel.errors import InvalidMessage, MalformedError, StateError
from tests.people import secret_of, verdict

SEED = secret_of("suite")
KEY = SigningKey(Secret(SEED))
MESSAGE = b"what was signed"
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19


def refused_as_not_authentic(attempt: Callable[..., object], *args: object, **named: object) -> None:
    with pytest.raises(InvalidMessage) as caught:
        attempt(*args, **named)
    assert verdict(caught.value) == verdict(InvalidMessage())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# --- randomness and hashes -------------------------------------------------------------------------------------------


def test_random_bytes_are_fresh() -> None:
    drawn = {random_bytes(32) for _ in range(100)}
    assert len(drawn) == 100
    assert all(len(data) == 32 for data in drawn)


@pytest.mark.parametrize("broken", [bytes(32), b"", SEED[:31], SEED + b"x"], ids=len)
def test_a_broken_generator_stops_us(monkeypatch: pytest.MonkeyPatch, broken: bytes) -> None:
    monkeypatch.setattr("os.urandom", lambda _: broken)
    with pytest.raises(StateError, match="random generator"):
        random_bytes(32)


def extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, material, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 §2.3, from HMAC alone."""
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output, counter = output + block, counter + 1
    return output[:length]


def test_hkdf_is_rfc_5869() -> None:
    salt, info = b"salt", b"info"
    assert hkdf(salt=salt, secret=Secret(SEED), info=info).reveal() == expand(extract(salt, SEED), info, 32)
    assert hkdf_extract(salt=salt, material=SEED).reveal() == extract(salt, SEED)
    public, secret = hkdf_expand_pair(Secret(SEED), info=info)
    assert public + secret.reveal() == expand(SEED, info, 64)
    assert len(public) == 32


def test_hash_and_mac() -> None:
    assert suite.sha256(b"abc") == hashlib.sha256(b"abc").digest()
    running = suite.RunningSha256()
    running.update(b"a")
    running.update(memoryview(b"bc"))
    assert running.digest() == suite.sha256(b"abc")
    assert suite.hmac_sha256(b"key", b"abc") == hmac.new(b"key", b"abc", hashlib.sha256).digest()


def test_require_equal() -> None:
    require_equal(b"same", bytes(bytearray(b"same")))
    for left, right in ((b"same", b"sane"), (b"same", b"sam"), (b"", b"same")):
        refused_as_not_authentic(require_equal, left, right)


# --- signatures ------------------------------------------------------------------------------------------------------

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
NOT_CANONICAL = [  # the same small points, written with y >= p or with a sign that x = 0 does not have
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]
NOT_A_POINT = ["0200000000000000000000000000000000000000000000000000000000000000"]
TORSION = bytes.fromhex(SMALL_ORDER[6])  # order 8
WITH_TORSION = [sodium.crypto_core_ed25519_add(KEY.public, bytes.fromhex(point)).hex() for point in SMALL_ORDER[1:]]


def test_sign_and_verify() -> None:
    signature = sign(KEY, MESSAGE)
    assert len(signature) == 64
    assert len(KEY.public) == 32
    verify(KEY.public, MESSAGE, signature)
    assert sign(SigningKey(Secret(SEED)), MESSAGE) == signature, "Ed25519 is deterministic"


def test_every_bit_of_a_signature_counts() -> None:
    signature = sign(KEY, MESSAGE)
    for place in range(512):
        flipped = bytearray(signature)
        flipped[place // 8] ^= 1 << place % 8
        refused_as_not_authentic(verify, KEY.public, MESSAGE, bytes(flipped))


def test_a_signature_is_for_one_message_and_one_key() -> None:
    signature = sign(KEY, MESSAGE)
    other = SigningKey(Secret(secret_of("somebody else")))
    refused_as_not_authentic(verify, KEY.public, MESSAGE + b"\0", signature)
    refused_as_not_authentic(verify, KEY.public, b"", signature)
    refused_as_not_authentic(verify, other.public, MESSAGE, signature)


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_a_signature_has_64_bytes(length: int) -> None:
    refused_as_not_authentic(verify, KEY.public, MESSAGE, (sign(KEY, MESSAGE) * 2)[:length])


@pytest.mark.parametrize("point", [*SMALL_ORDER, *NOT_CANONICAL, *WITH_TORSION, *NOT_A_POINT, "", "00" * 31, "01" * 33])
def test_keys_that_are_none(point: str) -> None:
    public = bytes.fromhex(point)
    with pytest.raises(MalformedError) as caught:
        check_signing_key(public, where="there")
    assert caught.value.where == "there"
    refused_as_not_authentic(verify, public, MESSAGE, sign(KEY, MESSAGE))
    refused_as_not_authentic(verify, public, MESSAGE, public.ljust(32, b"\0")[:32] + bytes(32))
    check_signing_key(KEY.public, where="there")


def scalar(number: int) -> bytes:
    return (number % ORDER).to_bytes(32, "little")


def crafted(nonce_point: bytes, nonce: int) -> bytes:
    """A signature by the owner of KEY that solves the verifier's equation but for the torsion of the nonce's point."""
    secret = int.from_bytes(hashlib.sha512(SEED).digest()[:32], "little") & ((1 << 254) - 8) | 1 << 254
    challenge = int.from_bytes(hashlib.sha512(nonce_point + KEY.public + MESSAGE).digest(), "little")
    return nonce_point + scalar(nonce + challenge * secret)


def test_signatures_that_other_libraries_accept() -> None:
    nonce_point = sodium.crypto_scalarmult_ed25519_base_noclamp(scalar(7))
    verify(KEY.public, MESSAGE, crafted(nonce_point, 7))  # what is crafted is right where the point is
    identity = bytes.fromhex(SMALL_ORDER[0])
    refused_as_not_authentic(verify, KEY.public, MESSAGE, crafted(identity, 0))
    for point in SMALL_ORDER[1:]:
        torsioned = sodium.crypto_core_ed25519_add(nonce_point, bytes.fromhex(point))
        refused_as_not_authentic(verify, KEY.public, MESSAGE, crafted(torsioned, 7))
    for point in SMALL_ORDER + NOT_CANONICAL:
        refused_as_not_authentic(verify, KEY.public, MESSAGE, crafted(bytes.fromhex(point), 0))
    signature = sign(KEY, MESSAGE)
    for times in range(1, 8):
        larger = int.from_bytes(signature[32:], "little") + times * ORDER
        aliased = signature[:32] + larger.to_bytes(32, "little")
        refused_as_not_authentic(verify, KEY.public, MESSAGE, aliased)


def test_a_key_with_torsion_is_refused_where_libsodium_alone_accepts() -> None:
    """The challenge is a multiple of 8, so the torsion in the key vanishes from the equation."""
    secret = int.from_bytes(hashlib.sha512(SEED).digest()[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public = bytes.fromhex(WITH_TORSION[-1])
    for nonce in range(1, 200):
        nonce_point = sodium.crypto_scalarmult_ed25519_base_noclamp(scalar(nonce))
        challenge = int.from_bytes(hashlib.sha512(nonce_point + public + MESSAGE).digest(), "little") % ORDER
        if challenge % 8 == 0:
            signature = nonce_point + scalar(nonce + challenge * secret)
            assert sodium.crypto_sign_open(signature + MESSAGE, public) == MESSAGE
            refused_as_not_authentic(verify, public, MESSAGE, signature)
            return
    raise AssertionError


# --- sealing ---------------------------------------------------------------------------------------------------------

SEALING = SealingSecretKey(Secret(SEED))
PUBLIC = SealingPublicKey(SEALING.public, where="key")
CONTENT = Secret(secret_of("content"))


def test_a_sealing_key_follows_from_its_seed() -> None:
    assert SealingSecretKey(Secret(SEED)).public == SEALING.public == PUBLIC.data
    assert len(SEALING.public) == SEALING_KEY_BYTES == 1216


def test_seal_and_open() -> None:
    sealed = hpke_seal(PUBLIC, CONTENT, info=b"info")
    assert len(sealed) == SEALED_OVERHEAD_BYTES + 32 == 1168
    assert hpke_open(SEALING, sealed, info=b"info").reveal() == CONTENT.reveal()
    assert hpke_seal(PUBLIC, CONTENT, info=b"info") != sealed


def test_what_is_sealed_is_bound() -> None:
    sealed = hpke_seal(PUBLIC, CONTENT, info=b"info")
    other = SealingSecretKey(Secret(secret_of("somebody else")))
    refused_as_not_authentic(hpke_open, SEALING, sealed, info=b"other")
    refused_as_not_authentic(hpke_open, SEALING, sealed, info=b"")
    refused_as_not_authentic(hpke_open, other, sealed, info=b"info")
    for length in (0, 1, 1119, 1120, 1135, 1136, 1167):
        refused_as_not_authentic(hpke_open, SEALING, sealed[:length], info=b"info")
    refused_as_not_authentic(hpke_open, SEALING, sealed + b"\0", info=b"info")


@pytest.mark.parametrize("place", [0, 1087, 1088, 1118, 1119, 1120, 1151, 1152, 1167])
def test_every_part_of_a_sealed_secret_counts(place: int) -> None:
    sealed = hpke_seal(PUBLIC, CONTENT, info=b"info")
    for bit in range(8):  # the top bit of byte 1119 is the one that X25519 itself ignores
        flipped = sealed[:place] + bytes([sealed[place] ^ 1 << bit]) + sealed[place + 1 :]
        refused_as_not_authentic(hpke_open, SEALING, flipped, info=b"info")


@pytest.mark.parametrize(
    "point", [bytes(32), b"\1" + bytes(31), (PRIME - 1).to_bytes(32, "little")], ids=["0", "1", "-1"]
)
def test_a_low_order_ephemeral_is_refused(point: bytes) -> None:
    sealed = hpke_seal(PUBLIC, CONTENT, info=b"info")
    refused_as_not_authentic(hpke_open, SEALING, sealed[:1088] + point + sealed[1120:], info=b"info")


BAD_X25519 = {
    "0": "00" * 32,
    "1": "01" + "00" * 31,
    "order 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "order 8, the other": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "p-1": "ec" + "ff" * 30 + "7f",
    "p": "ed" + "ff" * 30 + "7f",
    "p+1": "ee" + "ff" * 30 + "7f",
    "p+9, an alias of the base point": "f6" + "ff" * 30 + "7f",
    "2^255-1": "ff" * 31 + "7f",
    "top bit": SEALING.public[1184:-1].hex() + f"{SEALING.public[-1] | 128:02x}",
    "the all-zero private key's": "2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74",
}


@pytest.mark.parametrize("name", BAD_X25519)
def test_x25519_keys_that_are_none(name: str) -> None:
    with pytest.raises(MalformedError, match="X25519") as caught:
        SealingPublicKey(SEALING.public[:1184] + bytes.fromhex(BAD_X25519[name]), where="there")
    assert caught.value.where == "there"


def coefficient(key: bytes, index: int, value: int) -> bytes:
    """The ML-KEM key with one of its 12-bit coefficients replaced (FIPS 203, ByteEncode_12)."""
    packed = int.from_bytes(key[:1152], "little")
    packed &= ~(0xFFF << 12 * index)
    return (packed | value << 12 * index).to_bytes(1152, "little") + key[1152:]


@pytest.mark.parametrize("index", [0, 1, 2, 383, 766, 767])
def test_the_modulus_check(index: int) -> None:
    SealingPublicKey(coefficient(SEALING.public, index, 3328), where="there")
    for value in (3329, 3330, 4095):
        with pytest.raises(MalformedError, match="ML-KEM") as caught:
            SealingPublicKey(coefficient(SEALING.public, index, value), where="there")
        assert caught.value.where == "there"
        assert caught.value.__context__ is None


@pytest.mark.parametrize("length", [0, 32, 1184, 1215, 1217])
def test_a_sealing_key_has_1216_bytes(length: int) -> None:
    with pytest.raises(MalformedError, match="1216"):
        SealingPublicKey((SEALING.public * 2)[:length], where="there")


# --- content ---------------------------------------------------------------------------------------------------------


def test_encrypt_once_is_aes_256_gcm_with_a_zero_nonce() -> None:
    ciphertext = encrypt_once(CONTENT, b"text", aad=b"header")
    assert ciphertext == AESGCM(CONTENT.reveal()).encrypt(bytes(12), b"text", b"header")
    assert len(ciphertext) == 4 + 16
    assert decrypt_once(CONTENT, ciphertext, aad=b"header") == b"text"


def test_what_is_encrypted_is_bound() -> None:
    ciphertext = encrypt_once(CONTENT, b"text", aad=b"header")
    refused_as_not_authentic(decrypt_once, Secret(SEED), ciphertext, aad=b"header")
    refused_as_not_authentic(decrypt_once, CONTENT, ciphertext, aad=b"headers")
    for length in range(len(ciphertext)):
        refused_as_not_authentic(decrypt_once, CONTENT, ciphertext[:length], aad=b"header")
    for place in range(8 * len(ciphertext)):
        flipped = bytearray(ciphertext)
        flipped[place // 8] ^= 1 << place % 8
        refused_as_not_authentic(decrypt_once, CONTENT, bytes(flipped), aad=b"header")


# --- data at rest ----------------------------------------------------------------------------------------------------


def test_a_mac_key_is_hmac() -> None:
    key = MacKey(Secret(SEED))
    for data in (b"", b"abc", bytes(200)):
        assert mac(key, data) == hmac.digest(SEED, data, "sha256")
    assert mac(key, b"abc") == mac(key, b"abc"), "one use leaves nothing in the key"


def test_a_record_is_aes_gcm_and_bound() -> None:
    key, nonce = RecordKey(Secret(SEED)), bytes(range(12))
    ciphertext = encrypt_record(key, nonce, b"text", b"place")
    assert ciphertext == AESGCM(SEED).encrypt(nonce, b"text", b"place")
    assert decrypt_record(key, nonce, ciphertext, b"place") == b"text"
    refused_as_not_authentic(decrypt_record, key, nonce, ciphertext, b"places")
    refused_as_not_authentic(decrypt_record, key, bytes(12), ciphertext, b"place")
    refused_as_not_authentic(decrypt_record, RecordKey(Secret(bytes(32))), nonce, ciphertext, b"place")
    for length in range(len(ciphertext)):
        refused_as_not_authentic(decrypt_record, key, nonce, ciphertext[:length], b"place")
    for place in range(8 * len(ciphertext)):
        flipped = bytearray(ciphertext)
        flipped[place // 8] ^= 1 << place % 8
        refused_as_not_authentic(decrypt_record, key, nonce, bytes(flipped), b"place")


def test_keys_of_the_store_are_dull() -> None:
    for key in (MacKey(Secret(SEED)), RecordKey(Secret(SEED))):
        assert repr(key) == f"<{type(key).__name__}>"
        with pytest.raises(TypeError, match="comparable"):
            _ = key == key  # noqa: PLR0124  # the comparison itself is what is refused
        with pytest.raises(TypeError, match="copied"):
            copy.copy(key)
