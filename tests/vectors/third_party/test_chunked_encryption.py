"""ATT-1, ATT-9: Cobblestone-256 through every interface: at once, piece by piece, from file to file, chunk by chunk."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from hashlib import sha256, sha512
from pathlib import Path

import pytest

from siegel._core.chunked import ChunkOpener
from siegel._core.secret import Secret
from siegel.attachment_files import decrypt_file
from siegel.attachment_reader import AttachmentReader
from siegel.attachments import AttachmentRef
from siegel.errors import InvalidArgument, InvalidMessage
from siegel.streams import StreamDecryptor, ciphertext_bytes, room_for
from tests.vectors.reference import Refused, attachment
from tests.vectors.third_party.sources import Case, each, wycheproof

STREAMS = wycheproof("c2sp_chunked_encryption_aes_256_gcm_test.json")
HEADER, CHUNK, SEALED = 56, 16_384, 16_400
SMALL = HEADER + 2 * SEALED + 100


def has_a_key_of_its_size(case: Case) -> bool:
    return "InvalidKeySize" not in case["flags"]


def is_valid(case: Case) -> bool:
    return bool(case["result"] == "valid")


def stream_of(case: Case) -> bytes:
    return zlib.decompress(bytes.fromhex(case["ct"]))


def decryptor_of(case: Case) -> StreamDecryptor:
    return StreamDecryptor(bytes.fromhex(case["key"]), context=bytes.fromhex(case["ctx"]))


def check_text(case: Case, text: bytes) -> None:
    """The whole text of a valid vector; of another one the part before the fault, if there is any."""
    assert len(text) == case.get("msgLength", 0)
    assert sha512(text).hexdigest() == case.get("msgSha512", sha512(b"").hexdigest())


def decrypt(case: Case, pieces: Iterable[bytes]) -> bytes:
    """What comes out, and whether the stream is refused as it should be."""
    decryptor, text = decryptor_of(case), list[bytes]()
    try:
        text.extend(decryptor.update(piece) for piece in pieces)
        text.append(decryptor.finalize())
    except InvalidMessage:
        assert not is_valid(case)
    else:
        assert is_valid(case)
    return b"".join(text)


class Ref(AttachmentRef):
    """A reference to a stream in another context than an attachment's, and without padding."""

    __slots__ = ("_given",)

    _given: bytes

    def __init__(self, case: Case, stream: bytes) -> None:
        size = len(stream) - HEADER - 16 * (max(len(stream) - HEADER, 0) // SEALED + 1)
        self._set(
            role="main",
            key=Secret(bytes.fromhex(case["key"])),
            size=max(size, 0),
            ciphertext_size=ciphertext_bytes(max(size, 0)),
            digest=sha256(stream).digest(),
            _given=bytes.fromhex(case["ctx"]),
        )

    @property
    def padded_size(self) -> int:
        return self.size

    @property
    def context(self) -> bytes:
        return self._given


# --- sequential ------------------------------------------------------------------------------------------------------


@each(STREAMS, where=lambda case: not has_a_key_of_its_size(case))
def test_a_key_of_another_size(case: Case) -> None:
    with pytest.raises(InvalidArgument, match="32 bytes"):
        decryptor_of(case)
    with pytest.raises(InvalidArgument, match="32 bytes"):
        ChunkOpener(Secret(bytes.fromhex(case["key"])), b"", stream_of(case)[:HEADER])


@each(STREAMS, where=has_a_key_of_its_size)
def test_at_once(case: Case) -> None:
    text = decrypt(case, [stream_of(case)])
    if is_valid(case):
        check_text(case, text)


@each(STREAMS, where=has_a_key_of_its_size)
def test_piece_by_piece(case: Case) -> None:
    """What is released before the fault is the vector's prefix."""
    stream = stream_of(case)
    for size in (1, 7, 56, SEALED - 1, SEALED, SEALED + 1, 100_000)[0 if len(stream) <= SMALL else 1 :]:
        text = decrypt(case, (stream[at : at + size] for at in range(0, len(stream), size)))
        if is_valid(case) or size <= SEALED:  # a piece that holds good chunks and the fault gives nothing
            check_text(case, text)


@each(STREAMS, where=lambda case: has_a_key_of_its_size(case) and len(stream_of(case)) <= SMALL)
def test_every_split_in_two(case: Case) -> None:
    stream = stream_of(case)
    for at in range(len(stream) + 1):
        text = decrypt(case, (stream[:at], stream[at:]))
        if is_valid(case):
            check_text(case, text)


@each(STREAMS, where=has_a_key_of_its_size)
def test_into_a_buffer(case: Case) -> None:
    stream, decryptor, text = stream_of(case), decryptor_of(case), b""
    buffer = bytearray(room_for(SEALED))
    try:
        for at in range(0, len(stream), SEALED):
            text += buffer[: decryptor.update_into(stream[at : at + SEALED], buffer)]
        text += decryptor.finalize()
    except InvalidMessage:
        assert not is_valid(case)
    else:
        assert is_valid(case)
    check_text(case, text)


@each(STREAMS, where=has_a_key_of_its_size)
def test_from_file_to_file(case: Case, tmp_path: Path) -> None:
    stream, staging, target = stream_of(case), tmp_path / "staging", tmp_path / "target"
    staging.write_bytes(stream)
    if is_valid(case):
        decrypt_file(staging, target, Ref(case, stream))
        check_text(case, target.read_bytes())
        return
    with pytest.raises(InvalidMessage):
        decrypt_file(staging, target, Ref(case, stream))
    assert [path.name for path in tmp_path.iterdir()] == ["staging"]


# --- random access ---------------------------------------------------------------------------------------------------


@each(STREAMS, where=has_a_key_of_its_size)
def test_chunk_by_chunk(case: Case) -> None:
    """The header alone, the last chunk alone, and the chunks from the first one on."""
    stream, key, context = stream_of(case), Secret(bytes.fromhex(case["key"])), bytes.fromhex(case["ctx"])
    if "HeaderFailure" in case["flags"]:
        with pytest.raises(InvalidMessage):
            ChunkOpener(key, context, stream[:HEADER])
        return
    opener = ChunkOpener(key, context, stream[:HEADER])
    assert opener._base == int(case["baseNonce"], 16)
    chunks = [stream[at : at + SEALED] for at in range(HEADER, len(stream), SEALED)]
    last = len(stream[HEADER:]) // SEALED
    if is_valid(case) or "ValidFinalChunk" in case["flags"]:
        assert len(opener.open(last, chunks[last])) < CHUNK
    else:
        with pytest.raises(InvalidMessage):
            opener.open(last, stream[HEADER + last * SEALED :])
    text = b""
    for index, chunk in enumerate(chunks):
        try:
            text += opener.open(index, chunk)
        except InvalidMessage:
            assert not is_valid(case)
            break
    check_text(case, text)


@each(STREAMS, where=is_valid)
def test_a_reader_at_every_chunk(case: Case) -> None:
    stream = stream_of(case)
    reader = AttachmentReader(io.BytesIO(stream), Ref(case, stream))
    text = reader.read()
    check_text(case, text)
    for edge in range(0, len(text) + 1, CHUNK):
        for start in (edge - 1, edge, edge + 1):
            for size in (1, 2, CHUNK, CHUNK + 2):
                reader.seek(max(start, 0))
                assert reader.read(size) == text[max(start, 0) :][:size]


@each(STREAMS, where=lambda case: has_a_key_of_its_size(case) and not is_valid(case))
def test_a_reader_refuses(case: Case) -> None:
    """At the first byte, unless the header and the last chunk are right; then at the first chunk that is wrong."""
    stream = stream_of(case)
    reader = AttachmentReader(io.BytesIO(stream), Ref(case, stream))
    good = case.get("msgLength", 0) if "ValidFinalChunk" in case["flags"] else 0
    if good:
        check_text(case, reader.read(good))
    with pytest.raises(InvalidMessage):
        reader.read(1)
    assert reader.tell() == good
    with pytest.raises(InvalidMessage):
        reader.read()


# --- the second implementation ---------------------------------------------------------------------------------------


@each(STREAMS, where=has_a_key_of_its_size)
def test_the_second_implementation(case: Case) -> None:
    """The same verdict, the same prefix, and the keys of the vector; what it encrypts is the stream of the vector."""
    stream, key, context = stream_of(case), bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"])
    released: list[bytes] = []
    if is_valid(case):
        text = attachment.decrypt(key, context, stream, released)
        assert attachment.encrypt(key, context, stream[:24], text) == stream
    else:
        with pytest.raises(Refused) as caught:
            attachment.decrypt(key, context, stream, released)
        assert caught.value.code == "invalid-message"
        assert (caught.value.stage == "commitment") == ("HeaderFailure" in case["flags"])
    check_text(case, b"".join(released))
    if "aeadKey" in case:
        keys = attachment.keys_of(key, stream[:24], context)
        assert (keys.aead.hex(), keys.base.hex()) == (case["aeadKey"], case["baseNonce"])
