"""The formulas of the chapter on attachments give the values of its example: by hand, not by the library."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core.secret import Secret
from siegel._core.suite import sha256 as library_hash
from siegel.attachments import AttachmentRef
from siegel.streams import StreamDecryptor
from tests.spec.test_formulas import cbor, labelled, octets, sha256


def value(name: str) -> bytes:
    return octets("attachment", name)


SIZE = len(value("payload"))


def test_att_1() -> None:
    """ATT-1: three outputs, one chunk."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + value("salt") + value("context")
    first = hmac.digest(value("key"), info + b"\1", "sha512")
    output = (first + hmac.digest(value("key"), first + info + b"\2", "sha512"))[:76]
    assert value("AEAD key") + value("base nonce") + value("commitment") == output
    chunk = AESGCM(value("AEAD key")).encrypt(value("base nonce"), value("text"), None)
    assert value("stream") == value("salt") + value("commitment") + chunk
    assert len(value("stream")) == 56 + len(value("text")) + 16 * (len(value("text")) // 16_384 + 1)


def test_att_2_and_3() -> None:
    """ATT-2, ATT-3: 108 bytes have E = 6 and S = 3, so they are rounded up to a multiple of 8."""
    padded = SIZE + -SIZE % 8
    assert value("text") == value("payload") + bytes(padded - SIZE)
    assert value("context") == labelled("attachment", 0, padded)


def test_att_4() -> None:
    """ATT-4."""
    stream = value("stream")
    items = 0, value("key"), SIZE, len(stream), sha256(stream), "text/plain", "minutes.txt", None
    assert value("reference") == cbor(13, 1, *items)


def test_the_library_opens_it() -> None:
    """ATT-8."""
    reference = AttachmentRef.decode(value("reference"))
    assert (reference.role, reference.media_type, reference.name) == ("main", "text/plain", "minutes.txt")
    assert reference.context == value("context")
    assert reference.digest == library_hash(value("stream"))
    assert type(reference.key) is Secret
    decryptor = StreamDecryptor(reference.key.reveal(), context=reference.context)
    text = decryptor.update(value("stream")) + decryptor.finalize()
    assert text[: reference.size] == value("payload")
