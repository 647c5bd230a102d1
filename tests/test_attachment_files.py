"""ATT-8: files to attachments and back, whole or not at all, in constant memory, piece by piece."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel._core.secret import Secret
from siegel.attachment_files import decrypt_file, encrypt_file, parts
from siegel.attachments import AttachmentRef, context_for, padded_bytes
from siegel.errors import InvalidArgument, InvalidMessage, StateError
from siegel.files import SourceFile
from siegel.streams import StreamDecryptor, StreamEncryptor, ciphertext_bytes
from tests.attachments import CHUNK, FORGERIES, HEADER, SEALED, Places, changed, forgeries, payload_of

MIB = 1 << 20
SIZES = (0, 1, 63, 64, 65, CHUNK - 1, CHUNK, CHUNK + 1, MIB - 1, MIB, MIB + 1, 2 * MIB + 12_345)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, 2 * MIB + 12_345)


# --- honest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_what_was_encrypted_comes_back(tmp_path: Path, size: int) -> None:
    places = Places(tmp_path, size)
    ref = places.encrypt()
    stream = places.staging.read_bytes()
    assert (ref.size, ref.ciphertext_size) == (size, len(stream)) == (size, ciphertext_bytes(padded_bytes(size)))
    assert ref.digest == sha256(stream).digest()
    assert places.decrypt(ref) == payload_of(size)
    assert places.names == {"source", "staging", "copy"}


@settings(max_examples=25)
@given(size=st.integers(0, 3 * CHUNK))
def test_it_is_the_stream_of_the_specification(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """ATT-2, ATT-3: the payload and its padding, in the context of role and padded size."""
    places = Places(tmp_path_factory.mktemp("one"), size)
    ref = places.encrypt(role="preview")
    decryptor = StreamDecryptor(ref.key.reveal(), context=context_for("preview", size))
    text = decryptor.update(places.staging.read_bytes()) + decryptor.finalize()
    assert text == payload_of(size) + bytes(padded_bytes(size) - size)


def test_the_reference_says_what_it_was_asked_to_say(places: Places) -> None:
    ref = places.encrypt(role="thumbnail", media_type="image/avif", name="visit.avif", thumbnail=b"small")
    assert (ref.role, ref.media_type, ref.name, ref.thumbnail) == ("thumbnail", "image/avif", "visit.avif", b"small")
    assert AttachmentRef.decode(ref.encode()).encode() == ref.encode()
    plain = places.encrypt()
    assert (plain.role, plain.media_type, plain.name, plain.thumbnail) == ("main", None, None, None)


def test_each_encryption_has_a_key_and_a_salt_of_its_own(places: Places) -> None:
    keys, streams = set[bytes](), set[bytes]()
    for _ in range(5):
        keys.add(places.encrypt().key.reveal())
        streams.add(places.staging.read_bytes()[:24])
    assert len(keys) == len(streams) == 5


def test_both_files_are_their_owner_s(places: Places) -> None:
    places.decrypt(places.encrypt())
    for path in (places.staging, places.copy):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_whole_file_replaces_another(places: Places) -> None:
    places.staging.write_bytes(b"before")
    places.copy.write_bytes(b"before")
    assert places.decrypt(places.encrypt()) == places.source.read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_progress_counts_the_ciphertext(tmp_path: Path, size: int) -> None:
    places, there, back = Places(tmp_path, size), list[tuple[int, int]](), list[tuple[int, int]]()
    ref = places.encrypt(progress=lambda *now: there.append(now))
    places.decrypt(ref, progress=lambda *now: back.append(now))
    for seen in (there, back):
        assert seen == sorted(seen)
        assert seen[-1] == (ref.ciphertext_size, ref.ciphertext_size)
        assert {in_all for _, in_all in seen} == {ref.ciphertext_size}
        assert len(seen) >= size // MIB


# --- refused ---------------------------------------------------------------------------------------------------------


def refuse(places: Places, ref: AttachmentRef) -> None:
    """InvalidMessage, and nothing is left; with a file of the target's name, that file."""
    before = places.names
    with pytest.raises(InvalidMessage) as caught:
        places.decrypt(ref)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert places.names == before
    places.copy.write_bytes(b"before")
    with pytest.raises(InvalidMessage):
        places.decrypt(ref)
    assert places.copy.read_bytes() == b"before"
    assert places.names == before | {"copy"}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_changed_stream(tmp_path: Path, forgery: str) -> None:
    """AT-2: also when the digest in the reference is that of the changed stream."""
    places = Places(tmp_path, 3 * CHUNK + 17)
    ref, other = places.encrypt(), Places(tmp_path, 3 * CHUNK + 17)
    stream = places.staging.read_bytes()
    other.encrypt()
    places.staging.write_bytes(forgeries(stream, places.staging.read_bytes())[forgery])
    refuse(places, ref)
    places.copy.unlink()
    refuse(places, changed(ref, digest=sha256(places.staging.read_bytes()).digest()))


@pytest.mark.parametrize("at", [0, 23, 24, 55, 56, HEADER + SEALED - 1, HEADER + SEALED, -17, -1])
def test_a_flipped_bit(tmp_path: Path, at: int) -> None:
    places = Places(tmp_path, 3 * CHUNK + 17)
    ref = places.encrypt()
    stream = bytearray(places.staging.read_bytes())
    stream[at] ^= 1
    places.staging.write_bytes(stream)
    refuse(places, changed(ref, digest=sha256(stream).digest()))


def test_another_reference(tmp_path: Path) -> None:
    places = Places(tmp_path, 1000)
    ref = places.encrypt()
    for other in (
        changed(ref, role="preview"),
        changed(ref, key=Secret(bytes(32))),
        changed(ref, digest=bytes(32)),
        changed(ref, size=5000),
        changed(ref, size=0),
    ):
        refuse(places, other)
        places.copy.unlink()
    assert places.decrypt(ref) == payload_of(1000)


def test_the_size_is_within_the_padded_size(tmp_path: Path) -> None:
    """Another size with the same padded size shows where it says less than there is: what is behind is not zero."""
    places = Places(tmp_path, 1000)
    ref = places.encrypt()
    assert padded_bytes(999) == padded_bytes(1000) == padded_bytes(1001)
    refuse(places, changed(ref, size=999))


@pytest.mark.parametrize(
    ("size", "at"),
    [(1000, 1000), (1000, 1023), (2**20 + 1, 2**20 + 1), (2**20 + 1, 2**20 + 20_000), (2**20 + 1, 2**20 + 32_767)],
)
def test_padding_that_is_not_zero(tmp_path: Path, size: int, at: int) -> None:
    """SM-12: the sender has the key and can encrypt anything; the padding of a large payload spans chunks."""
    places = Places(tmp_path, size)
    text = bytearray(payload_of(size) + bytes(padded_bytes(size) - size))
    text[at] = 1
    key = sha256(b"key").digest()
    encryptor = StreamEncryptor(key, context=context_for("main", size))
    stream = encryptor.update(bytes(text)) + encryptor.finalize()
    places.staging.write_bytes(stream)
    refuse(places, AttachmentRef.create(role="main", key=Secret(key), size=size, digest=sha256(stream).digest()))


@pytest.mark.parametrize("more", [1, SEALED, 2**32])
def test_bytes_behind_the_end_are_refused_by_the_size_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:  # fmt: skip
    """AT-1: without reading them."""
    places = Places(tmp_path, 1000)
    ref = places.encrypt()
    os.truncate(places.staging, ref.ciphertext_size + more)
    monkeypatch.setattr(SourceFile, "pieces", lambda *_: pytest.fail("it was read"))
    refuse(places, ref)


# --- wrong use -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "description", [{"role": "cover"}, {"name": "../x"}, {"media_type": "image"}, {"thumbnail": bytes(8193)}]
)
def test_a_description_that_no_reference_can_have(places: Places, description: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        places.encrypt(**description)
    assert places.names == {"source"}


def test_a_target_that_is_the_source(places: Places) -> None:
    ref = places.encrypt()
    with pytest.raises(InvalidArgument, match="the file that is read"):
        encrypt_file(places.source, places.source)
    with pytest.raises(InvalidArgument, match="the file that is read"):
        decrypt_file(places.staging, places.staging, ref)
    assert places.decrypt(ref) == places.source.read_bytes()


def test_something_else_than_a_reference(places: Places) -> None:
    with pytest.raises(InvalidArgument, match="AttachmentRef"):
        decrypt_file(places.source, places.copy, places.encrypt().encode())  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_source_that_changes_while_it_is_read(places: Places, at: int) -> None:
    ref = places.encrypt()
    before = places.names
    for source, work in ((places.source, places.encrypt), (places.staging, lambda **n: places.decrypt(ref, **n))):
        for size in (10, 5 * MIB):
            calls: list[object] = []

            def resize(*_: object, source: Path = source, size: int = size, calls: list[object] = calls) -> None:
                calls.append(None)
                if len(calls) == at + 1:
                    os.truncate(source, size)

            kept = source.read_bytes()
            with pytest.raises((StateError, InvalidMessage)) as caught:
                work(progress=resize)
            assert caught.type is StateError
            assert places.names == before
            source.write_bytes(kept)


# --- left behind: nothing --------------------------------------------------------------------------------------------


class Enough(Exception):
    """Raised by a progress callback."""


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_what_progress_raises_ends_the_work(places: Places, at: int) -> None:
    ref = places.encrypt()
    before = {path: path.read_bytes() for path in places.folder.iterdir()}

    def stop(done: int, in_all: int) -> None:
        if done > at * MIB or done == in_all:
            raise Enough

    for work in (places.encrypt, lambda **named: places.decrypt(ref, **named)):
        with pytest.raises(Enough):
            work(progress=stop)
        assert {path: path.read_bytes() for path in places.folder.iterdir()} == before


def test_a_disk_that_is_full(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = places.encrypt()
    real, left = os.write, [MIB]

    def write(descriptor: int, data: memoryview) -> int:
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    before = places.names
    for work in (places.encrypt, lambda: places.decrypt(ref)):
        left[0] = MIB
        with pytest.raises(OSError, match="No space left"):
            work()
        assert places.names == before


# --- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, SEALED, MIB, 8 * MIB])
def test_parts_are_the_staging_file(places: Places, size: int) -> None:
    ref = places.encrypt()
    found = list(parts(places.staging, size))
    assert b"".join(data for _, data in found) == places.staging.read_bytes()
    assert [offset for offset, _ in found] == list(range(0, ref.ciphertext_size, size))
    assert list(parts(places.staging, size)) == found
    for start in (0, 1, size - 1, size, size + 1, ref.ciphertext_size - 1, ref.ciphertext_size):
        if start <= ref.ciphertext_size:
            rest = list(parts(places.staging, size, start=start))
            assert b"".join(data for _, data in rest) == places.staging.read_bytes()[start:]
            assert rest[1:] == [part for part in found if part[0] > start]


def test_parts_that_cannot_be(places: Places) -> None:
    ref = places.encrypt()
    for size, start in ((0, 0), (-1, 0), (1.5, 0), (10, -1), (10, ref.ciphertext_size + 1), (10, "1")):
        with pytest.raises(InvalidArgument):
            next(parts(places.staging, size, start=start))  # type: ignore[arg-type]
    found = parts(places.staging, 1000)
    next(found)
    places.encrypt()
    next(found)  # the file that was opened is still whole under no name
    os.truncate(places.staging, 5000)
    found = parts(places.staging, 1000)
    next(found)
    os.truncate(places.staging, 4000)
    with pytest.raises(StateError):
        next(found)


# --- memory ----------------------------------------------------------------------------------------------------------

# The peak that getrusage tells on Linux is inherited from the process that started this one.
PEAK = """
import resource, sys
from pathlib import Path
from siegel.attachment_files import decrypt_file, encrypt_file

def peak():
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) * 1024

folder = sys.argv[1]
peaks = [peak()]
for name in ("small", "large"):
    decrypt_file(folder + "/staging", folder + "/copy", encrypt_file(folder + "/" + name, folder + "/staging"))
    peaks.append(peak())
print(*peaks)
"""


def test_memory_does_not_grow_with_the_size(tmp_path: Path) -> None:
    """The peak is the same for 3 MiB and for 48 MiB, within half a mebibyte of the allocator's."""
    (tmp_path / "small").write_bytes(bytes(3 * MIB))
    (tmp_path / "large").write_bytes(bytes(48 * MIB))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path)], check=True, capture_output=True, text=True, timeout=60
    )
    before, small, large = map(int, done.stdout.split())
    assert MIB < small - before <= 8 * MIB
    assert large - small <= MIB // 2
