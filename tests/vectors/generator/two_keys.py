"""A ciphertext that AES-256-GCM opens under two keys: why a commitment is checked first (SUITE-6, attack PR-9).

GHASH is linear over GF(2^128): one free block of the ciphertext makes the tags under both keys equal (Dodis, Grubbs,
Ristenpart, Woodage: "Fast Message Franking", CRYPTO 2018; Len, Grubbs, Ristenpart: "Partitioning Oracle Attacks",
2021). The free block lies in the body of an unsigned message, because a signature would cover it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.generator.book import stream
from tests.vectors.reference import cbor, hpke
from tests.vectors.reference.labels import hkdf_expand, labelled
from tests.vectors.reference.sealed import Hooks, Message, Recipient, Steps, entry, seal

_POLYNOMIAL = 0xE1 << 120  # x^128 + x^7 + x^2 + x + 1 in GCM's order of bits


def times(x: int, y: int) -> int:
    """The product in GF(2^128) (NIST SP 800-38D, algorithm 1)."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (_POLYNOMIAL if y & 1 else 0)
    return product


def inverse(x: int) -> int:
    """x to the power 2^128 - 2."""
    result = 1 << 127  # the one
    for _ in range(127):
        x = times(x, x)
        result = times(result, x)
    return result


def power(x: int, exponent: int) -> int:
    """x to a small power."""
    return reduce(times, [x] * exponent, 1 << 127)


def _block(key: bytes, block: bytes) -> int:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # the raw block cipher, as GCM uses it
    return int.from_bytes(encryptor.update(block), "big")


def colliding_block(
    keys: tuple[bytes, bytes],
    ciphertext: bytes,
    at: int,
    aad: bytes,
    nonce: bytes = bytes(12),
    *,
    other_nonce: bytes | None = None,
) -> bytes:
    """The 16 bytes at ``at`` (a multiple of 16) with which both keys give the ciphertext one tag under this nonce.

    The second key has a nonce of its own if one is given.
    """

    def blocks(data: bytes) -> list[int]:
        return [int.from_bytes(data[i : i + 16].ljust(16, b"\0"), "big") for i in range(0, len(data), 16)]

    lengths = (len(aad) * 8) << 64 | len(ciphertext) * 8
    free = ciphertext[:at] + bytes(16) + ciphertext[at + 16 :]
    sequence = [*blocks(aad), *blocks(free), lengths]
    place = len(sequence) - len(blocks(aad)) - at // 16  # the power of H by which the free block is multiplied
    difference, factor = 0, 0
    for key, used in zip(keys, (nonce, other_nonce or nonce), strict=True):
        h = _block(key, bytes(16))
        tag = _block(key, used + b"\0\0\0\1")
        digest = 0
        for block in sequence:
            digest = times(digest ^ block, h)
        difference ^= digest ^ tag
        factor ^= power(h, place)
    return times(difference, inverse(factor)).to_bytes(16, "big")


def two_key_message(given: Message, *, opens_for: bytes) -> tuple[Steps, bytes]:
    """An unsigned message to two, whose entries seal two content secrets, and the second body key.

    The header commits to the secret of ``opens_for``; the other recipient's key opens the very same ciphertext.
    """
    assert given.sender is None
    probe = seal(given)
    other = stream("the second content secret", 32)
    other_key = hkdf_expand(other, labelled("content keys", cbor.octets(probe.root)), 64)[32:]
    body = stream("a body with a free block", 96)
    at = 48  # inside the body: the prefix of the plaintext is shorter, and the body reaches beyond
    message = replace(given, body=body)

    def entries(_: list[bytes], steps: Steps) -> list[bytes]:
        def secret(recipient: Recipient) -> bytes:
            return steps.secret if recipient.user_id == opens_for else other

        jobs = zip(steps.recipients, message.eseeds, steps.infos, strict=True)
        return [entry(r, hpke.seal(r.sealing_key, eseed, info, secret(r))) for r, eseed, info in jobs]

    # The content secret is the sender's to choose: it is fixed, so that the free block does not change the keys.
    hooks: Hooks = {"secret": lambda *_: stream("the first content secret", 32), "entries": entries}
    steps = seal(message, hooks)
    block = colliding_block((steps.body_key, other_key), steps.body[:-16], at, steps.header)
    start = steps.plaintext.index(body)
    keystream = bytes(a ^ b for a, b in zip(steps.body[at : at + 16], steps.plaintext[at : at + 16], strict=True))
    plain = bytes(a ^ b for a, b in zip(block, keystream, strict=True))
    solved = body[: at - start] + plain + body[at - start + 16 :]
    steps = seal(replace(message, body=solved), hooks)
    AESGCM(other_key).decrypt(bytes(12), steps.body, steps.header)  # the tag holds under the other key too
    return steps, other_key
