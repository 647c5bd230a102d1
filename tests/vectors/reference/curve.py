"""Ed25519 by hand (RFC 8032 §5.1, §6; spec SUITE-1): strict verification, and the parts from which bad signatures
are made. Slow, and not for secrets.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, TypeAlias

from tests.vectors.reference import require

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P
_ROOT_OF_MINUS_ONE: Final = pow(2, (P - 1) // 4, P)

Point: TypeAlias = tuple[int, int, int, int]  # extended coordinates X : Y : Z : T
IDENTITY: Final[Point] = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """The sum of two points (complete formulas)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, d - c, d + c, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    """The point added to itself, scalar times."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def same(a: Point, b: Point) -> bool:
    """Whether the two are one point."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def compress(point: Point) -> bytes:
    """The 32 bytes of a point."""
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(data: bytes) -> Point | None:
    """The point of the 32 bytes, if they are its canonical form; otherwise None."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if len(data) != 32 or y >= P:
        return None
    ratio = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(ratio, (P + 3) // 8, P)
    if x * x % P != ratio:
        x = x * _ROOT_OF_MINUS_ONE % P
    if x * x % P != ratio or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _base() -> Point:
    point = decompress((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    assert point is not None
    return point


BASE: Final = _base()


@lru_cache(maxsize=1024)
def is_strict(data: bytes) -> bool:
    """Whether the bytes are canonical and a point of prime order (and so not small)."""
    point = decompress(data)
    return point is not None and not same(point, IDENTITY) and same(times(L, point), IDENTITY)


def expand(seed: bytes) -> tuple[int, bytes]:
    """Secret scalar and nonce prefix of a 32-byte seed."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & ~(7 | 1 << 255) | 1 << 254, digest[32:]


@lru_cache(maxsize=1024)
def public_key(seed: bytes) -> bytes:
    """The public key of a seed."""
    return compress(times(expand(seed)[0], BASE))


def challenge(r: bytes, a: bytes, message: bytes, prefix: bytes = b"") -> int:
    """h = SHA-512(prefix ‖ R ‖ A ‖ M) mod L; the prefix is empty but for Ed25519ctx and Ed25519ph."""
    return int.from_bytes(hashlib.sha512(prefix + r + a + message).digest(), "little") % L


def sign(seed: bytes, message: bytes, prefix: bytes = b"") -> bytes:
    """The signature of RFC 8032, 64 bytes."""
    scalar, nonce_prefix = expand(seed)
    nonce = int.from_bytes(hashlib.sha512(prefix + nonce_prefix + message).digest(), "little") % L
    r = compress(times(nonce, BASE))
    s = (nonce + challenge(r, public_key(seed), message, prefix) * scalar) % L
    return r + s.to_bytes(32, "little")


def verify(public: bytes, message: bytes, signature: bytes, stage: str = "signature") -> None:
    """Strict verification; refused as invalid-message."""
    require(len(signature) == 64 and is_strict(public) and is_strict(signature[:32]), stage, "invalid-message")
    r, a = decompress(signature[:32]), decompress(public)
    s = int.from_bytes(signature[32:], "little")
    assert r is not None
    assert a is not None
    expected = add(r, times(challenge(signature[:32], public, message), a))
    require(s < L and same(times(s, BASE), expected), stage, "invalid-message")


# --- parts of bad keys and signatures ---------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def torsion() -> Point:
    """A point of order 8: the first point of full order by y, times L."""
    for y in range(2, 100):
        point = decompress(y.to_bytes(32, "little"))
        if point is not None:
            small = times(L, point)
            if not same(times(4, small), IDENTITY):
                return small
    raise AssertionError("there is one")


def small_points() -> list[bytes]:
    """The eight points of small order, canonical, beginning with the identity."""
    return [compress(times(i, torsion())) for i in range(8)]
