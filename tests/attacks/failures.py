"""Every way to be refused after a secret was used, one message to Bob for each, as different as can be inside."""

from __future__ import annotations

from typing import Any

from tests.attacks.artefacts import sealed
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    MALLORY,
    NONCE,
    NOW,
    OPEN,
    SECRET,
    Wire,
    always,
    cbor,
    content_keys,
    encrypt_body,
    forge,
    pad,
    padme,
    root_of,
    seal_entry,
    sha256,
    to,
)


def _flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _with_entry(envelope: bytes, sealed_secret: bytes) -> bytes:
    wire = Wire.of(envelope)
    wire.entries[0][2] = sealed_secret
    return wire.encode()


def _with_body(envelope: bytes, body: bytes) -> bytes:
    wire = Wire.of(envelope)
    wire.body = body
    return wire.encode()


def at_unseal() -> dict[str, bytes]:
    good = Wire.of(sealed(BOB))
    other = Wire.of(sealed(BOB)).entries[0][2]
    own = good.entries[0][2]
    return {
        "unseal: ML-KEM part": _with_entry(good.encode(), _flipped(own, 7)),
        "unseal: X25519 part": _with_entry(good.encode(), _flipped(own, 1100)),
        "unseal: secret": _with_entry(good.encode(), _flipped(own, 1125)),
        "unseal: tag": _with_entry(good.encode(), _flipped(own, -1)),
        "unseal: of another message": _with_entry(good.encode(), other),
        "unseal: of another user": _with_entry(good.encode(), seal_entry(good.header, CAROL.to, SECRET)[2]),
        "unseal: halves of two": _with_entry(good.encode(), own[:1088] + other[1088:]),
        "unseal: another number": forge(ALICE, [BOB.to._replace(sealing_key=MALLORY.sealing_key)]),
    }


def at_commitment() -> dict[str, bytes]:
    good = Wire.of(forge(ALICE, to(BOB)))
    good.entries = [seal_entry(good.header, BOB.to, sha256(b"another secret"))]
    root = root_of(NONCE, [BOB.id])
    commitment, key = content_keys(SECRET, root)
    header = [OPEN, 1, root, bytes(32)]
    zero = Wire(header, NONCE, [seal_entry(header, BOB.to, SECRET)], encrypt_body(key, bytes(64), header))
    assert commitment != bytes(32)
    return {"commitment: another secret": good.encode(), "commitment: zero": zero.encode()}


def at_body() -> dict[str, bytes]:
    good = sealed(BOB)
    body = Wire.of(good).body
    other = Wire.of(sealed(BOB)).body
    return {
        "body: first byte": _with_body(good, _flipped(body, 0)),
        "body: tag": _with_body(good, _flipped(body, -1)),
        "body: of another message": _with_body(good, other),
        "body: noise": _with_body(good, b"\xa5" * 80),
    }


def at_padding() -> dict[str, bytes]:
    def padded(text: bytes, *, counted: int | None = None, size: int | None = None, fill: bytes = b"\0") -> bytes:
        counted = len(text) + 4 if counted is None else counted
        size = padme(len(text) + 4) if size is None else size
        return (counted.to_bytes(4, "big") + text).ljust(size, fill)

    inner: list[Any] = ["text/plain", NOW, b"m" * 40]
    wrong = {
        "last byte": lambda text: _flipped(pad(text), -1),
        "all ones": lambda text: padded(text, fill=b"\xff"),
        "length zero": lambda text: padded(text, counted=0),
        "length three": lambda text: padded(text, counted=3),
        "one too short": lambda text: padded(text, counted=len(text) + 3),
        "one too long": lambda text: padded(text, counted=len(text) + 5),
        "beyond the end": lambda text: padded(text, counted=2**32 - 1),
        "a larger size": lambda text: padded(text, size=padme(padme(len(text) + 4) + 1)),
        "length of another size": lambda text: padded(text, counted=64),
    }
    return {f"padding: {name}": forge(ALICE, to(BOB), inner=inner, padded=make) for name, make in wrong.items()}


def at_content() -> dict[str, bytes]:
    inners: dict[str, Any] = {
        "no array": b"meet at noon",
        "two items": ["text/plain", NOW],
        "four items": ["text/plain", NOW, b"meet", None],
        "type is bytes": [b"text/plain", NOW, b"meet"],
        "type is empty": ["", NOW, b"meet"],
        "type is too long": ["x" * 256, NOW, b"meet"],
        "type is not NFC": ["text/cafe\u0301", NOW, b"meet"],
        "instant is text": ["text/plain", "now", b"meet"],
        "instant is true": ["text/plain", True, b"meet"],
        "instant is too late": ["text/plain", 253_402_300_800_000, b"meet"],
        "instant is negative": ["text/plain", -1, b"meet"],
        "instant is a float": ["text/plain", 1.5, b"meet"],
        "body is text": ["text/plain", NOW, "meet"],
        "body is nothing": ["text/plain", NOW, None],
    }
    found = {f"content: {name}": forge(ALICE, to(BOB), inner=inner) for name, inner in inners.items()}
    found |= {
        "content: not CBOR": forge(ALICE, to(BOB), text=lambda text: b"\xff" * len(text)),
        "content: one byte more": forge(ALICE, to(BOB), text=lambda text: text + b"\0"),
        "content: empty": forge(ALICE, to(BOB), text=lambda _: b""),
        "content: a fourth item": forge(ALICE, to(BOB), text=lambda text: b"\x84" + text[1:] + b"\xf6"),
        "content: nested deep": forge(ALICE, to(BOB), text=lambda _: b"\x81" * 30 + b"\0"),
        "content: long head": forge(ALICE, to(BOB), text=lambda text: b"\x98\x03" + text[1:]),
        "content: sender without signature": forge(ALICE, to(BOB), sign=None),
        "content: signature without sender": forge(ALICE, to(BOB), sender=None),
        "content: sender of 31 bytes": forge(ALICE, to(BOB), sender=ALICE.id[:31]),
        "content: sender is text": forge(ALICE, to(BOB), sender=str(ALICE.user_id)),
        "content: signature of 63 bytes": forge(ALICE, to(BOB), sign=always(bytes(63))),
        "content: signature is empty": forge(ALICE, to(BOB), sign=always(b"")),
    }
    return found


def at_signature() -> dict[str, bytes]:
    return {
        "signature: by another": forge(ALICE, to(BOB), sign=MALLORY.sign),
        "signature: zero": forge(ALICE, to(BOB), sign=always(bytes(64))),
        "signature: of another text": forge(ALICE, to(BOB), sign=always(ALICE.sign(cbor([])))),
        "signature: S is flipped": forge(ALICE, to(BOB), sign=lambda text: _flipped(ALICE.sign(text), 40)),
        "signature: sender is no key": forge(ALICE, to(BOB), sender=bytes(32)),
    }


def after_a_secret() -> dict[str, bytes]:
    """All of them, by name; the part before the colon is the stage that refuses."""
    stages = (at_unseal, at_commitment, at_body, at_padding, at_content, at_signature)
    return {name: envelope for stage in stages for name, envelope in stage().items()}
