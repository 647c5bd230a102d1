"""SUITE-3: X25519. The library computes it; which public keys may stand in a sealing key is our own check.

Ours is stricter than RFC 7748, which masks the top bit and reduces: there one key has several encodings, here one.
What the check must answer is computed here from the curve, not taken from the list in the suite.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from siegel._core import suite
from siegel._core.secret import Secret
from siegel.errors import MalformedError
from tests.vectors.third_party.sources import Case, Source, each, key_value_text, wycheproof

RFC_7748 = Source("cryptography-vectors/X25519/rfc7748.txt", key_value_text, "asymmetric/X25519/rfc7748.txt")

PRIME, A = 2**255 - 19, 486662
ML_KEM_HALF = suite.SealingSecretKey(Secret(bytes(range(32)))).public[: suite.ML_KEM_KEY_BYTES]
ZERO_KEYS_PUBLIC = X25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()

# The second vector of RFC 7748 §5.2 has the top bit set, to show that it is masked. Ours refuses it: not the one
# encoding of its key. Every public key in these halves of Wycheproof is canonical and of high order: none refused.
REFUSED = {f"{RFC_7748.path}#2"}


def is_low_order(u: int) -> bool:
    """Whether the point, on the curve or its twist, is the identity after three doublings (RFC 7748 §5, x-only)."""
    x, z = u, 1
    for _ in range(3):
        x, z = (x * x - z * z) ** 2 % PRIME, 4 * x * z * (x * x + A * x * z + z * z) % PRIME
    return z == 0


def may_be_sealed_to(u: bytes) -> bool:
    number = int.from_bytes(u, "little")
    return number < PRIME and not is_low_order(number) and u != ZERO_KEYS_PUBLIC


def is_accepted(u: bytes) -> bool:
    try:
        suite.SealingPublicKey(ML_KEM_HALF + u, where="vector")
    except MalformedError:
        return False
    return True


def check(name: str, private: bytes, public: bytes, shared: bytes) -> None:
    key = X25519PrivateKey.from_private_bytes(private)
    assert key.exchange(X25519PublicKey.from_public_bytes(public)) == shared
    assert is_accepted(public) == may_be_sealed_to(public) == (name not in REFUSED)


@each(RFC_7748)
def test_rfc_7748(case: Case) -> None:
    values = (bytes.fromhex(case[name]) for name in ("INPUT_SCALAR", "INPUT_U", "OUTPUT_U"))
    check(f"{RFC_7748.path}#{case['COUNT']}", *values)


@each(wycheproof("x25519_test.subset.json"))
def test_wycheproof(case: Case) -> None:
    assert case["result"] == "valid"
    check("", *(bytes.fromhex(case[name]) for name in ("private", "public", "shared")))


def test_the_predicate_knows_the_points_of_low_order() -> None:
    """RFC 7748 §6.1: zero, and by the curve equation one and minus one double to it; the base point is none of them."""
    assert is_low_order(0)
    assert is_low_order(1)
    assert is_low_order(PRIME - 1)
    assert not is_low_order(9)
