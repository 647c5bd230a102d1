"""AES-GCM ciphertexts that open under two keys (Dodis, Grubbs, Ristenpart, Woodage, CRYPTO 2018), by hand.

The tag is linear in each block of ciphertext, so one free block makes the tags of two keys agree.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 16
_REDUCTION = 0xE1 << 120
_ONE = 1 << 127  # the field's one in GCM's bit order


def _encrypt_block(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # the raw block cipher is GCM's part
    return encryptor.update(block) + encryptor.finalize()


def _multiply(a: int, b: int) -> int:
    """NIST SP 800-38D, algorithm 1."""
    product = 0
    for i in range(127, -1, -1):
        if a >> i & 1:
            product ^= b
        b = b >> 1 ^ (_REDUCTION if b & 1 else 0)
    return product


def _power(a: int, exponent: int) -> int:
    result = _ONE
    while exponent:
        if exponent & 1:
            result = _multiply(result, a)
        a, exponent = _multiply(a, a), exponent >> 1
    return result


def _blocks(aad: bytes, ciphertext: bytes) -> list[int]:
    """What GHASH reads: associated data, ciphertext, lengths."""
    padded = [text + bytes(-len(text) % _BLOCK) for text in (aad, ciphertext)]
    lengths = (len(aad) * 8).to_bytes(8, "big") + (len(ciphertext) * 8).to_bytes(8, "big")
    data = b"".join(padded) + lengths
    return [int.from_bytes(data[i : i + _BLOCK], "big") for i in range(0, len(data), _BLOCK)]


def _ghash(h: int, blocks: list[int]) -> int:
    state = 0
    for block in blocks:
        state = _multiply(state ^ block, h)
    return state


def collide(
    key: bytes,
    other: bytes,
    plaintext: bytes,
    *,
    aad: bytes,
    free: int,
    nonces: tuple[bytes, bytes] = (bytes(12), bytes(12)),
) -> bytes:
    """Ciphertext and tag that open under both keys, each with its nonce: under ``key`` to the plaintext except for the
    block that begins at ``free``, under ``other`` to noise.
    """
    h, other_h = (int.from_bytes(_encrypt_block(k, bytes(_BLOCK)), "big") for k in (key, other))
    pairs = zip((key, other), nonces, strict=True)
    mask, other_mask = (int.from_bytes(_encrypt_block(k, nonce + b"\0\0\0\1"), "big") for k, nonce in pairs)
    counters = range(2, 2 + -(-len(plaintext) // _BLOCK))
    stream = b"".join(_encrypt_block(key, nonces[0] + counter.to_bytes(4, "big")) for counter in counters)
    ciphertext = bytearray(a ^ b for a, b in zip(plaintext, stream, strict=False))
    assert free % _BLOCK == 0
    assert free + _BLOCK <= len(ciphertext)
    ciphertext[free : free + _BLOCK] = bytes(_BLOCK)

    blocks = _blocks(aad, bytes(ciphertext))
    position = -(-len(aad) // _BLOCK) + free // _BLOCK
    exponent = len(blocks) - position  # the free block enters the tag multiplied by h to this power
    factor = _power(h, exponent) ^ _power(other_h, exponent)
    rest = _ghash(h, blocks) ^ mask ^ _ghash(other_h, blocks) ^ other_mask
    block = _multiply(rest, _power(factor, 2**128 - 2))  # the inverse, by Fermat
    ciphertext[free : free + _BLOCK] = block.to_bytes(_BLOCK, "big")
    tag = _ghash(h, _blocks(aad, bytes(ciphertext))) ^ mask
    return bytes(ciphertext) + tag.to_bytes(_BLOCK, "big")
