"""The worked example of the chapter on attachments, computed: payload, stream from a fixed salt, reference."""

from __future__ import annotations

from siegel._core.secret import Secret
from siegel._core.suite import sha256
from siegel.attachments import AttachmentRef, context_for, padded_bytes
from tests.vectors.reference import attachment

Rows = list[tuple[str, bytes | str | int]]

KEY = bytes(range(0x80, 0xA0))
PAYLOAD = b"The board meets on Friday. " * 4


def attachment_rows(*, salt: bytes) -> Rows:
    """A text of 108 bytes as ``minutes.txt``; the library draws its salts, so the reference encrypts here."""
    size = len(PAYLOAD)
    context = context_for("main", size)
    stream = attachment.encrypt(KEY, context, salt, PAYLOAD.ljust(padded_bytes(size), b"\0"))
    keys = attachment.keys_of(KEY, salt, context)
    reference = AttachmentRef.create(
        role="main", key=Secret(KEY), size=size, digest=sha256(stream), media_type="text/plain", name="minutes.txt"
    )
    return [
        ("payload", PAYLOAD),
        ("key", KEY),
        ("salt", salt),
        ("context", context),
        ("AEAD key", keys.aead),
        ("base nonce", keys.base),
        ("commitment", keys.commitment),
        ("text", PAYLOAD.ljust(padded_bytes(size), b"\0")),
        ("stream", stream),
        ("reference", reference.encode()),
    ]
