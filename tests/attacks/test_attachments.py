"""Attacks on attachments, AT-1 … AT-3 of the catalogue, and what of others touches them (README.md)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel.attachment_files import decrypt_file, encrypt_file
from siegel.attachment_reader import AttachmentReader
from siegel.attachments import AttachmentRef
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError, SiegelError
from siegel.streams import StreamDecryptor
from tests.attacks.attachment_wire import CHUNK, HEADER, PREVIEW, SEALED, Attachment, Stream
from tests.attacks.attacker import refused, sha256
from tests.attacks.two_keys import collide

SIZE = 3 * CHUNK + 1000  # and 1,048 zeros behind it
PHOTO, OTHER = Attachment("photo", SIZE), Attachment("another photo", SIZE)
REF = AttachmentRef.decode(PHOTO.reference())
FIRST, SECOND, THIRD, LAST = PHOTO.stream.chunks


class Server:
    """Keeps one stream, and counts what it was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.asked = data, 0

    def read_at(self, offset: int, length: int, /) -> bytes:
        found = self.data[offset : offset + length]
        self.asked += len(found)
        return found


def whole(folder: Path, data: bytes, ref: AttachmentRef = REF) -> bytes:
    """The payload, as a file; nothing stands in the folder if it is refused."""
    source, target = folder / "fetched", folder / "payload"
    source.write_bytes(data)
    try:
        decrypt_file(source, target, ref)
    except SiegelError:
        assert [path.name for path in folder.iterdir()] == ["fetched"]
        raise
    return target.read_bytes()


def part(data: bytes, at: int, ref: AttachmentRef = REF) -> bytes:
    """Ten bytes from a place."""
    reader = AttachmentReader(Server(data), ref)
    reader.seek(at)
    return reader.read(10)


def released(data: bytes) -> bytes:
    """What the sans-IO decryptor gives out, chunk by chunk, before it refuses or ends."""
    decryptor, out = StreamDecryptor(PHOTO.key, context=PHOTO.context()), b""
    with suppress(InvalidMessage):
        out += decryptor.update(data[:HEADER])
        for at in range(HEADER, len(data), SEALED):
            out += decryptor.update(data[at : at + SEALED])
        out += decryptor.finalize()
    return out


def test_at_2_without_a_fault_it_opens(tmp_path: Path) -> None:
    """What the attacks below change is good before: whole, in each chunk, and as a stream."""
    assert whole(tmp_path, PHOTO.data) == PHOTO.payload
    for at in (0, CHUNK, 2 * CHUNK, 3 * CHUNK):
        assert part(PHOTO.data, at) == PHOTO.payload[at : at + 10]
    assert released(PHOTO.data) == PHOTO.payload + bytes(1048)


# --- AT-1: lengths ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [b"\0", bytes(16), LAST, FIRST], ids=["a byte", "16 bytes", "the end", "a chunk"])
def test_at_1_bytes_behind_the_end(tmp_path: Path, more: bytes) -> None:
    """Signal Android 2016 (Aumasson & Vervier): the MAC covered a prefix, the rest was appended unnoticed. Holds: the
    whole and each part are refused, whatever part is asked for first.
    """
    with refused(InvalidMessage):
        whole(tmp_path, PHOTO.data + more)
    for at in (0, CHUNK, SIZE - 1):
        with refused(InvalidMessage):
            part(PHOTO.data + more, at)


def test_at_1_four_gibibytes_behind_the_end(tmp_path: Path) -> None:
    """As above, the case itself: the length was cast to 32 bits. The file has a hole of 2^32 bytes. Holds: refused
    before a byte is read; in parts, after less than three chunks.
    """
    source, target, steps = tmp_path / "fetched", tmp_path / "payload", list[int]()
    source.write_bytes(PHOTO.data)
    os.truncate(source, len(PHOTO.data) + 2**32)
    with refused(InvalidMessage):
        decrypt_file(source, target, REF, progress=lambda done, _: steps.append(done))
    assert steps == []
    assert not target.exists()
    with source.open("rb") as file, refused(InvalidMessage):
        AttachmentReader(file, REF).read(1)
    server = Server(PHOTO.data + bytes(10 * SEALED))
    with refused(InvalidMessage):
        AttachmentReader(server, REF).read(1)
    assert server.asked < 3 * SEALED


def test_at_1_sizes_that_agree_modulo_2_32() -> None:
    """As above, in the reference. Holds: the two sizes follow from each other as whole numbers, or it is malformed."""
    for changes in (
        {"ciphertext_size": len(PHOTO.data) + 2**32},
        {"ciphertext_size": len(PHOTO.data) % 2**15},
        {"size": SIZE + 2**32},
        {"size": SIZE + 2**32, "ciphertext_size": len(PHOTO.data) + 2**32},
    ):
        with refused(MalformedError):
            AttachmentRef.decode(PHOTO.reference(**changes))
    with refused(LimitExceeded):
        AttachmentRef.decode(PHOTO.reference(size=2**64 - 1, ciphertext_size=2**64 - 1))


# --- AT-2: chunks ----------------------------------------------------------------------------------------------------


def cut_and_mixed() -> dict[str, tuple[bytes, int]]:
    """Streams that a server makes, and how many chunks in front are as they were."""
    stream, other = PHOTO.stream, OTHER.stream.chunks
    return {
        "the last chunk dropped": (stream.encode(FIRST, SECOND, THIRD), 3),
        "a chunk in the middle dropped": (stream.encode(FIRST, THIRD, LAST), 1),
        "all chunks dropped": (PHOTO.stream.header, 0),
        "cut inside the last chunk": (PHOTO.data[:-1], 3),
        "cut inside a chunk": (PHOTO.data[: HEADER + SEALED + 100], 1),
        "two chunks swapped": (stream.encode(SECOND, FIRST, THIRD, LAST), 0),
        "a chunk doubled": (stream.encode(FIRST, FIRST, SECOND, THIRD, LAST), 1),
        "a chunk in the place of another": (stream.encode(FIRST, SECOND, SECOND, LAST), 2),
        "a chunk of another file": (stream.encode(FIRST, other[1], THIRD, LAST), 1),
        "the end of another file": (stream.encode(FIRST, SECOND, THIRD, other[3]), 3),
        "the last chunk first": (stream.encode(LAST, FIRST, SECOND, THIRD), 0),
        "a chunk that is not the last in its place": (stream.encode(FIRST, SECOND, THIRD, THIRD), 3),
        "an empty chunk behind the last": (stream.encode(*stream.chunks, stream.seal(4, b"")), 3),
        "an empty chunk in the place of the last": (stream.encode(FIRST, SECOND, THIRD, bytes(16)), 3),
        "a bit flipped": (PHOTO.data[:-20] + bytes((PHOTO.data[-20] ^ 1,)) + PHOTO.data[-19:], 3),
    }


@pytest.mark.parametrize("attack", cut_and_mixed())
def test_at_2_cut_and_mixed(tmp_path: Path, attack: str) -> None:
    """Sync, pCloud, Seafile, Icedrive, Tresorit (Hofmann & Truong 2024): chunks removed, reordered, taken from other
    files. Holds: the whole is refused and leaves no file; the decryptor gives out what is before the change, no more;
    a part is what it was or refused.
    """
    data, good = cut_and_mixed()[attack]
    with refused(InvalidMessage):
        whole(tmp_path, data)
    assert released(data) == PHOTO.payload[: good * CHUNK]
    for at in (0, CHUNK, 2 * CHUNK, 3 * CHUNK):
        with suppress(InvalidMessage):
            assert part(data, at) == PHOTO.payload[at : at + 10]
            assert len(data) == len(PHOTO.data)
            assert data[-len(LAST) :] == LAST


def test_at_2_a_stream_that_only_its_sender_can_make(tmp_path: Path) -> None:
    """As above, by who has the key: a last chunk that is full, an empty one where it is not due, chunks behind it.
    Holds: a stream has one form for its text.
    """
    stream, text = PHOTO.stream, PHOTO.payload[: 3 * CHUNK]
    full = stream.encode(FIRST, SECOND, THIRD)
    for data in (
        full,
        stream.encode(FIRST, SECOND, THIRD, stream.seal(3, bytes(CHUNK))),
        stream.encode(FIRST, SECOND, THIRD, stream.seal(3, b""), stream.seal(4, b"")),
        stream.encode(FIRST, stream.seal(1, b"short"), stream.seal(2, b"")),
    ):
        decryptor = StreamDecryptor(PHOTO.key, context=PHOTO.context())
        with refused(InvalidMessage):
            decryptor.update(data)
            decryptor.finalize()
        with refused(InvalidMessage):
            whole(tmp_path, data)
    decryptor = StreamDecryptor(PHOTO.key, context=PHOTO.context())
    assert decryptor.update(full + stream.seal(3, b"")) + decryptor.finalize() == text


def test_at_2_metadata_of_the_stream(tmp_path: Path) -> None:
    """As above: metadata beside the chunks is changed. Holds: role and padded size are in the context, key and digest
    in the reference; with any of them changed nothing opens.
    """
    grown = Attachment("photo", SIZE + 2048)
    for reference in (
        PHOTO.reference(role=PREVIEW),
        PHOTO.reference(key=OTHER.key),
        PHOTO.reference(digest=sha256(b"")),
        PHOTO.reference(size=len(grown.payload), ciphertext_size=len(grown.data)),
    ):
        with refused(InvalidMessage):
            whole(tmp_path, PHOTO.data, AttachmentRef.decode(reference))


def test_at_2_one_stream_for_two_readers(tmp_path: Path) -> None:
    """Facebook Messenger's attachments (Dodis et al. 2018; PR-9): one ciphertext opens under two keys, so that a report
    shows something harmless. Holds: the header commits to one key; for the other nothing opens, though the tag fits.
    """
    context = Attachment("small", 100).context()
    mine, other = (Stream(key, context, bytes(24)) for key in (PHOTO.key, OTHER.key))
    nonces = mine.nonce(0), other.nonce(0)
    chunk = collide(mine.aead_key, other.aead_key, bytes(104), aad=b"", free=64, nonces=nonces)
    for stream in (mine, other):
        assert len(AESGCM(stream.aead_key).decrypt(stream.nonce(0), chunk, None)) == 104
    data = mine.encode(chunk)
    sizes = {"size": 100, "ciphertext_size": len(data), "digest": sha256(data)}
    ref = AttachmentRef.decode(PHOTO.reference(key=OTHER.key, **sizes))
    with refused(InvalidMessage):
        whole(tmp_path, data, ref)
    with refused(InvalidMessage):
        part(data, 0, ref)
    decryptor = StreamDecryptor(PHOTO.key, context=context)
    assert len(decryptor.update(data) + decryptor.finalize()) == 104


# --- AT-3: what stands beside it -------------------------------------------------------------------------------------

HOSTILE = (
    *("../x", "/etc/passwd", "..\\..\\x", "C:\\x", "C:x", "a.txt:x.exe", ".", "..", ""),
    *("a\0.exe", "a.exe\n.jpg", "a\u202egpj.exe", "a\u2066gpj.exe", "a\u2028b", "a\x7f", "a\x85"),
    *("CON", "nul.txt", "com1.jpg", "LPT\u00b9", "photo.exe.", "photo.exe ", "..."),
)


def test_at_3_another_body(tmp_path: Path) -> None:
    """Cloud stores with file injection, Hollow-class messengers: the body is not bound to its message. Holds: another
    valid attachment of the same sender, of the same size and role, does not open by this reference.
    """
    for data in (OTHER.data, OTHER.stream.header + PHOTO.data[HEADER:], PHOTO.stream.header + OTHER.data[HEADER:]):
        with refused(InvalidMessage):
            whole(tmp_path, data)
        with refused(InvalidMessage):
            part(data, 0)
    again = Stream(PHOTO.key, PHOTO.context(), bytes(24)).write(PHOTO.payload + bytes(1048)).encode()
    with refused(InvalidMessage):
        whole(tmp_path, again)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_at_3_a_name_that_leads_or_lies(tmp_path: Path, name: str) -> None:
    """WhatsApp CVE-2026-23863 (NUL in a name), python-tuf CVE-2021-41131, age plugins GHSA-32gq: names lead out of a
    folder or show another type. Holds: malformed for every reader; no sender writes one, or encrypts first.
    """
    with refused(MalformedError):
        AttachmentRef.decode(PHOTO.reference(name=name))
    source = tmp_path / "source"
    source.write_bytes(b"payload")
    with pytest.raises(InvalidArgument, match=r"name|text"):
        encrypt_file(source, tmp_path / "staging", name=name)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_at_3_a_name_that_is_too_long() -> None:
    """As above: 300 bytes, and 128 characters of two bytes each. Holds: refused by their bytes."""
    for name in ("n" * 300, "n" * 256, "\u00e9" * 128):
        with refused(LimitExceeded):
            AttachmentRef.decode(PHOTO.reference(name=name))


def test_at_3_nothing_is_written_to_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above: even a harmless name is the sender's. Holds: what is written stands where the caller says, and
    nothing beside it; a file of the sender's name is not touched.
    """
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(b"mine")
    ref = AttachmentRef.decode(PHOTO.reference(name="photo.jpg", media_type="image/jpeg"))
    assert whole(tmp_path / _folder(tmp_path), PHOTO.data, ref) == PHOTO.payload
    assert Path("photo.jpg").read_bytes() == b"mine"
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"photo.jpg", "folder", "folder/fetched", "folder/payload"}


def _folder(parent: Path) -> str:
    (parent / "folder").mkdir()
    return "folder"


# --- SM-11, SM-12, PR-13 ---------------------------------------------------------------------------------------------


def failures() -> Iterator[tuple[str, bytes, AttachmentRef]]:
    """Every way in which an attachment fails after its key was used, or its size compared."""
    for name, (data, _) in cut_and_mixed().items():
        yield name, data, REF
    yield "another body", OTHER.data, REF
    yield "another role", PHOTO.data, AttachmentRef.decode(PHOTO.reference(role=PREVIEW))
    yield "another key", PHOTO.data, AttachmentRef.decode(PHOTO.reference(key=OTHER.key))
    yield "another digest", PHOTO.data, AttachmentRef.decode(PHOTO.reference(digest=bytes(32)))
    for padding in (bytes(1047) + b"\1", b"\1" + bytes(1047), b"\x80" + bytes(1047)):
        padded = Attachment("photo", SIZE, padding=padding)
        yield f"padding {padding[0]} … {padding[-1]}", padded.data, AttachmentRef.decode(padded.reference())


def test_sm_11_a_table_of_failures_of_attachments(tmp_path: Path) -> None:
    """iMessage 2016, MEGA: errors that differ after decryption are oracles. Holds: size, commitment, chunks, digest and
    padding have one answer, and leave one folder.
    """
    answers: set[str] = set()
    for _, data, ref in failures():
        with refused(InvalidMessage) as caught:
            whole(tmp_path, data, ref)
        answers.add(repr(caught.value))
    assert answers == {repr(InvalidMessage())}
    assert len(list(failures())) > 20


def test_sm_12_a_text_in_the_padding_of_an_attachment(tmp_path: Path) -> None:
    """Coull & Dyer 2014, and a sender who hides something behind a picture. Holds: the padding is zeros, whole or in
    parts; sizes are few.
    """
    hidden = Attachment("photo", SIZE, padding=b"hidden".ljust(1048, b"\0"))
    ref = AttachmentRef.decode(hidden.reference())
    with refused(InvalidMessage):
        whole(tmp_path, hidden.data, ref)
    with refused(InvalidMessage):
        part(hidden.data, 0, ref)
    sizes = {len(Attachment("x", size).data) for size in range(0, 4097, 7)}
    assert len(sizes) < 100


def test_pr_13_every_byte_of_a_stream(tmp_path: Path) -> None:
    """Matrix attachments (IV outside the hash), MEGA, Seafile: unauthenticated parts are malleable. Holds: salt,
    commitment, ciphertext, tag: a bit flipped in any byte is refused, with and without the digest.
    """
    small = Attachment("small", 100)
    ref = AttachmentRef.decode(small.reference())
    assert whole(tmp_path, small.data, ref) == small.payload
    (tmp_path / "payload").unlink()
    for at in range(len(small.data)):
        changed = bytearray(small.data)
        changed[at] ^= 1 << at % 8
        data = bytes(changed)
        for digest in (sha256(small.data), hashlib.sha256(data).digest()):
            with refused(InvalidMessage):
                whole(tmp_path, data, AttachmentRef.decode(small.reference(digest=digest)))
        with refused(InvalidMessage):
            part(data, 0, ref)
