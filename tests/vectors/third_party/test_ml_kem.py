"""SUITE-2, SUITE-4: ML-KEM-768 (FIPS 203). Our check of encapsulation keys; the library's keys and decapsulation; and
``kyber-py``, with which vectors are made from explicit randomness."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from hashlib import sha3_512
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from kyber_py.ml_kem import ML_KEM_768

from siegel._core import suite
from siegel.errors import MalformedError
from tests.vectors.third_party.sources import Case, Source, acvp, each, wycheproof

BASE_POINT = (9).to_bytes(32, "little")  # an X25519 half that nothing speaks against


def lines(path: Path) -> Iterator[tuple[object, Case]]:
    """One encapsulation key in hexadecimal per line."""
    text = gzip.decompress(path.read_bytes()).decode("ascii")
    return ((number, {"ek": line}) for number, line in enumerate(text.splitlines(), start=1))


def trace(path: Path) -> Iterator[tuple[object, Case]]:
    """One vector: lines ``name = value``. The first value of a name is the one that FIPS 203 calls so."""
    case: Case = {}
    for line in path.read_text("utf-8").splitlines():
        name, _, value = line.partition(" = ")
        case.setdefault(name, value)
    yield 1, case


ENCAPS = wycheproof("mlkem_768_encaps_test.json")
DECAPS = wycheproof("mlkem_768_test.json")
KEYGEN = wycheproof("mlkem_768_keygen_seed_test.json")
ACVP_KEYGEN = Source("acvp-ml-kem/ML-KEM-keyGen-FIPS203/internalProjection.json", acvp)
ACVP_ENCAPS = Source("acvp-ml-kem/ML-KEM-encapDecap-FIPS203/internalProjection.json", acvp)
MODULUS = Source("cctv/ML-KEM/modulus/ML-KEM-768.txt.gz", lines)
INTERMEDIATE = Source("cctv/ML-KEM/intermediate/ML-KEM-768.txt", trace)
UNLUCKY = Source("cctv/ML-KEM/unluckysample/ML-KEM-768.txt", trace)


def is_accepted(encapsulation_key: bytes) -> bool:
    try:
        suite.SealingPublicKey(encapsulation_key + BASE_POINT, where="vector")
    except MalformedError:
        return False
    return True


def octets(case: Case, *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


# --- our check of encapsulation keys ---------------------------------------------------------------------------------


@each(MODULUS)
def test_a_coefficient_not_below_the_modulus_is_refused(case: Case) -> None:
    assert not is_accepted(*octets(case, "ek"))


@each(ENCAPS)
def test_encapsulation_keys(case: Case) -> None:
    key, message = octets(case, "ek", "m")
    assert is_accepted(key) == (case["result"] == "valid")
    if case["result"] == "valid":
        assert ML_KEM_768._encaps_internal(key, message) == tuple(octets(case, "K", "c"))


@each(ACVP_ENCAPS, where=lambda case: case["parameterSet"] == "ML-KEM-768" and case["function"] == "encapsulation")
def test_encapsulation_of_acvp(case: Case) -> None:
    key, message = octets(case, "ek", "m")
    assert is_accepted(key)
    assert ML_KEM_768._encaps_internal(key, message) == tuple(octets(case, "k", "c"))


# --- conformance of the dependency -----------------------------------------------------------------------------------


def check_keygen(seed: bytes, encapsulation_key: bytes) -> None:
    key = MLKEM768PrivateKey.from_seed_bytes(seed).public_key()
    assert key.public_bytes_raw() == encapsulation_key
    assert is_accepted(encapsulation_key)


@each(KEYGEN)
def test_keys_from_seeds(case: Case) -> None:
    check_keygen(*octets(case, "seed", "ek"))


@each(ACVP_KEYGEN, where=lambda case: case["parameterSet"] == "ML-KEM-768")
def test_keys_from_seeds_of_acvp(case: Case) -> None:
    check_keygen(bytes.fromhex(case["d"] + case["z"]), *octets(case, "ek"))


@each(DECAPS)
def test_decapsulation(case: Case) -> None:
    seed, ciphertext = octets(case, "seed", "c")
    if case["result"] == "valid":
        check_keygen(seed, *octets(case, "ek"))
        assert MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext) == bytes.fromhex(case["K"])
    else:
        with pytest.raises(ValueError, match=r"\d|length|size"):
            MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext)


def check_trace(case: Case) -> None:
    """CCTV made these two with the draft of FIPS 203, whose key generation does not hash the rank (§5.1, step 1).

    So the seed leads to another key today, which is shown here; checks and encapsulation are those of the standard.
    """
    public, message, ciphertext, shared = octets(case, "ek", "m", "c", "K")
    assert is_accepted(public)
    assert ML_KEM_768._encaps_internal(public, message) == (shared, ciphertext)
    seed, rho = bytes.fromhex(case["d"]), public[-32:]
    assert sha3_512(seed).digest()[:32] == rho, "the draft's derivation"
    key = MLKEM768PrivateKey.from_seed_bytes(seed + bytes.fromhex(case["z"])).public_key().public_bytes_raw()
    assert key[-32:] == sha3_512(seed + b"\x03").digest()[:32] != rho, "the standard's derivation"


@each(INTERMEDIATE)
def test_intermediate_values(case: Case) -> None:
    check_trace(case)


@each(UNLUCKY)
def test_a_matrix_that_takes_unusually_many_samples(case: Case) -> None:
    check_trace(case)
