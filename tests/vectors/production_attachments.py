"""What each type of group asks for, answered by the library: attachments."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from siegel._core.chunked import HEADER_BYTES, SEALED_CHUNK_BYTES, ChunkOpener
from siegel._core.secret import Secret
from siegel.attachment_files import decrypt_file
from siegel.attachment_reader import AttachmentReader
from siegel.attachments import AttachmentRef, check_description
from siegel.errors import InvalidMessage, SiegelError
from siegel.streams import StreamDecryptor, StreamEncryptor, room_for
from tests.vectors.notation import Case, Outcome, brief
from tests.vectors.reference.attachment import keys_of
from tests.vectors.reference.operations import Operation


def reference(case: Case) -> Outcome:
    data = case.data("reference")
    found = AttachmentRef.decode(data)
    assert found.encode() == data
    said: dict[str, Any] = {"media_type": found.media_type, "name": found.name, "thumbnail": found.thumbnail}
    again = AttachmentRef.create(role=found.role, key=found.key, size=found.size, digest=found.digest, **said)
    assert again.encode() == data
    fields = {
        "role": found.role,
        "key": found.key.reveal(),
        "size": found.size,
        "ciphertextSize": found.ciphertext_size,
        "digest": found.digest,
        "mediaType": found.media_type,
        "name": found.name,
        "thumbnail": None if found.thumbnail is None else brief(found.thumbnail),
    }
    return Outcome(fields, {"paddedSize": found.padded_size, "context": found.context})


def describe(case: Case) -> Outcome:
    given = case.input
    thumbnail = case.data("thumbnail") if given["thumbnail"] is not None else None
    check_description(role=given["role"], media_type=given["mediaType"], name=given["name"], thumbnail=thumbnail)
    return Outcome({"allowed": True})


# --- streams ----------------------------------------------------------------------------------------------------------


def _pieces(stream: bytes) -> Iterator[bytes]:
    """The header and each chunk, so that what may be released is released."""
    yield stream[:HEADER_BYTES]
    for at in range(HEADER_BYTES, len(stream), SEALED_CHUNK_BYTES):
        yield stream[at : at + SEALED_CHUNK_BYTES]


def stream(case: Case) -> Outcome:
    key, context, data = case.data("key"), case.data("context"), case.joined("stream")
    decryptor, text = StreamDecryptor(key, context=context), b""
    buffer = bytearray(room_for(SEALED_CHUNK_BYTES))
    try:
        for piece in _pieces(data):
            text += buffer[: decryptor.update_into(piece, buffer)]
        text += decryptor.finalize()
    except SiegelError:
        case.after["released"] = brief(text)
        _assert_refused_at_once(key, context, data)
        raise
    at_once = StreamDecryptor(key, context=context)
    assert at_once.update(data) + at_once.finalize() == text
    encryptor = StreamEncryptor(key, context=context)
    again = encryptor.update(text) + encryptor.finalize()
    keys = keys_of(key, data[:24], context)  # the library does not show them; the reference proves them by encrypting
    assert len(again) == len(data)
    return Outcome({"text": brief(text)}, {"aeadKey": keys.aead, "baseNonce": keys.base})


def _assert_refused_at_once(key: bytes, context: bytes, data: bytes) -> None:
    decryptor = StreamDecryptor(key, context=context)
    try:
        decryptor.update(data)
        decryptor.finalize()
    except InvalidMessage:
        return
    raise AssertionError("refused in pieces and not as a whole")


def chunk(case: Case) -> Outcome:
    opener = ChunkOpener(Secret(case.data("key")), case.data("context"), case.data("header"))
    return Outcome({"text": brief(opener.open(case.input["index"], case.joined("chunk")))})


# --- payloads ---------------------------------------------------------------------------------------------------------


def whole(case: Case) -> Outcome:
    found, data = AttachmentRef.decode(case.data("reference")), case.joined("stream")
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "stream"), Path(folder, "payload")
        source.write_bytes(data)
        try:
            decrypt_file(source, target, found)
        except SiegelError:
            assert [path.name for path in Path(folder).iterdir()] == ["stream"]
            raise
        payload = target.read_bytes()
    assert AttachmentReader(io.BytesIO(data), found).read() == payload
    return Outcome({"payload": brief(payload)})


def part(case: Case) -> Outcome:
    found = AttachmentRef.decode(case.data("reference"))
    with AttachmentReader(io.BytesIO(case.joined("stream")), found) as reader:
        reader.seek(case.input["first"])
        return Outcome({"bytes": brief(reader.read(case.input["count"]))})


OPERATIONS: Final[dict[str, Operation]] = {
    "attachment-reference": reference,
    "describe-attachment": describe,
    "stream": stream,
    "chunk": chunk,
    "attachment": whole,
    "attachment-part": part,
}
