"""Edwards25519 and Curve25519 by hand (RFC 7748, RFC 8032), for points that no library would make.

Slow, not constant-time, and only for attacks: secrets here are the attacker's own.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


class Point(NamedTuple):
    """Extended coordinates: x = X/Z, y = Y/Z, X·Y = Z·T."""

    x: int
    y: int
    z: int
    t: int


NEUTRAL = Point(0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """RFC 8032 §5.1.4; complete, so it also holds for points of small order."""
    aa, bb = (a.y - a.x) * (b.y - b.x) % P, (a.y + a.x) * (b.y + b.x) % P
    cc, dd = 2 * a.t * b.t * _D % P, 2 * a.z * b.z % P
    e, f, g, h = bb - aa, dd - cc, dd + cc, bb + aa
    return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar: int, point: Point) -> Point:
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def encode(point: Point) -> bytes:
    inverse = pow(point.z, -1, P)
    x, y = point.x * inverse % P, point.y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point:
    """Lenient, like the verifiers that the attacks are about: y may be p or more."""
    number = int.from_bytes(data, "little")
    return lift(number & (1 << 255) - 1, number >> 255)


def lift(y: int, sign: int) -> Point:
    """The point with this y and sign. ValueError if there is none."""
    y %= P
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * _ROOT_OF_MINUS_ONE % P
    if x * x % P != square:
        raise ValueError("not on the curve")
    if x & 1 != sign:
        x = -x % P
    return Point(x, y, 1, x * y % P)


BASE = lift(4 * pow(5, -1, P), 0)


def _of_order_eight() -> Point:
    y = 2
    while True:
        try:
            candidate = multiply(L, lift(y, 0))
        except ValueError:
            pass
        else:
            if encode(multiply(4, candidate)) != encode(NEUTRAL):
                return candidate
        y += 1


TORSION = _of_order_eight()


def small_order_encodings() -> list[bytes]:
    """Every 32-byte string that a lenient decoder reads as one of the eight points of small order, 14 in all."""
    found: set[bytes] = set()
    for i in range(8):
        number = int.from_bytes(encode(multiply(i, TORSION)), "little")
        y, sign = number & (1 << 255) - 1, number >> 255
        for alias in (y, y + P):
            if alias < 1 << 255:
                found.add((alias | sign << 255).to_bytes(32, "little"))
                if y in (1, P - 1):  # x = 0: the sign bit is free
                    found.add((alias | (sign ^ 1) << 255).to_bytes(32, "little"))
    return sorted(found)


def secret_scalar(seed: bytes) -> int:
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return int.from_bytes(digest, "little")


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def naive_verify(a: bytes, message: bytes, signature: bytes) -> bool:
    """S·B = R + h·A and nothing else: what a verifier without any check of its points does."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    right = add(decode(r), multiply(challenge(r, a, message), decode(a)))
    return encode(multiply(s, BASE)) == encode(right)


def u_of(point: Point) -> bytes:
    """The X25519 key of an Edwards point: u = (1 + y) / (1 - y) (RFC 7748 §4.1)."""
    return ((point.z + point.y) * pow(point.z - point.y, -1, P) % P).to_bytes(32, "little")


def point_of(u: bytes) -> Point:
    """An Edwards point with this u; which of the two does not matter to X25519."""
    number = int.from_bytes(u, "little")
    return lift((number - 1) * pow(number + 1, -1, P), 0)


def torsioned_twin(u: bytes) -> bytes:
    """Another X25519 key with the same shared secrets: every clamped scalar kills the point of order eight."""
    return u_of(add(point_of(u), TORSION))


# --- signatures that only some verifiers accept ----------------------------------------------------------------------


def signature_of(scalar: int, a: bytes, message: bytes, *, r: int, twist: Point = NEUTRAL) -> bytes:
    """S = r + h·scalar under the key bytes ``a``, with R = r·B + twist."""
    commitment = encode(add(multiply(r, BASE), twist))
    s = (r + challenge(commitment, a, message) * scalar) % L
    return commitment + s.to_bytes(32, "little")


def find_accepted(scalar: int, a: bytes, message: bytes, *, twists: int = 1) -> bytes:
    """The first signature of this kind that a verifier without checks accepts: of mixed order, one in eight is."""
    for r in range(1, 400):
        for i in range(twists):
            signature = signature_of(scalar, a, message, r=r, twist=multiply(i, TORSION))
            if naive_verify(a, message, signature):
                return signature
    raise ValueError("no such signature was found")


def plus_order(signature: bytes) -> bytes:
    """The same signature with S + L."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")
