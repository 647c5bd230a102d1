"""Domain separation (spec LAB-1, LAB-2) and the hashes that it feeds (SUITE-5), by hand."""

from __future__ import annotations

import hashlib
import hmac

from tests.vectors.reference import cbor


def label(purpose: str) -> bytes:
    """``siegel/1 <purpose>`` in ASCII."""
    return b"siegel/1 " + purpose.encode("ascii")


def labelled(purpose: str, *items: bytes) -> bytes:
    """``label ‖ 0x00 ‖ CBOR array of the items``; the items are encoded already."""
    return label(purpose) + b"\0" + cbor.array(*items)


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf_expand(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 §2.3)."""
    output = block = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = hmac_sha256(secret, block + info + bytes([counter]))
        output += block
    return output[:length]
