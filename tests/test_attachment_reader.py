"""ATT-9: an attachment as a file, of which single parts are fetched and verified, from wherever it lies."""

from __future__ import annotations

import asyncio
import copy
import io
import os
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.secret import Secret
from siegel.attachment_files import encrypt_file
from siegel.attachment_reader import AttachmentReader, Source
from siegel.attachments import AttachmentRef, context_for
from siegel.errors import InvalidArgument, InvalidMessage
from siegel.streams import StreamEncryptor
from tests.attachments import CHUNK, FORGERIES, HEADER, SEALED, changed, forgeries, payload_of

SIZE = 5 * CHUNK + 1234


class Server:
    """Ciphertext behind range requests, which are counted."""

    def __init__(self, stream: bytes) -> None:
        self.stream = stream
        self.requests: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.requests.append((offset, length))
        return self.stream[offset : offset + length]


class Made(NamedTuple):
    """An attachment and its ciphertext."""

    ref: AttachmentRef
    path: Path

    @property
    def stream(self) -> bytes:
        return self.path.read_bytes()


def make(folder: Path, size: int) -> Made:
    (folder / "source").write_bytes(payload_of(size))
    return Made(encrypt_file(folder / "source", folder / "staging"), folder / "staging")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("attachment"), SIZE)


SOURCES: dict[str, Callable[[Made], Source]] = {
    "name": lambda made: str(made.path),
    "path": lambda made: made.path,
    "bytes": lambda made: io.BytesIO(made.stream),
    "file": lambda made: made.path.open("rb"),
    "raw file": lambda made: io.FileIO(made.path),
    "server": lambda made: Server(made.stream),
}


# --- honest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SOURCES)
def test_it_reads_like_the_payload(made: Made, kind: str) -> None:
    source = SOURCES[kind](made)
    with AttachmentReader(source, made.ref) as reader:
        assert reader.readable()
        assert reader.seekable()
        assert not reader.writable()
        assert reader.read() == payload_of(SIZE)
        assert (reader.tell(), reader.read(), reader.read(10)) == (SIZE, b"", b"")
        assert reader.seek(-100, os.SEEK_END) == SIZE - 100
        assert reader.read(1000) == payload_of(SIZE)[-100:]
        assert reader.seek(CHUNK - 10) == CHUNK - 10
        assert reader.read(20) == payload_of(SIZE)[CHUNK - 10 : CHUNK + 10]
        assert reader.seek(-5, os.SEEK_CUR) == CHUNK + 5
        assert reader.readall() == payload_of(SIZE)[CHUNK + 5 :]
        assert reader.seek(SIZE + 1) == SIZE + 1
        assert reader.read(1) == b""
        assert reader.readinto(bytearray(10)) == 0
    if isinstance(source, io.IOBase):
        assert not source.closed, "who opened it closes it"
        source.close()


@pytest.mark.parametrize("size", [0, 1, 64, CHUNK - 1, CHUNK, CHUNK + 1, 70 * CHUNK])
def test_sizes(tmp_path: Path, size: int) -> None:
    made = make(tmp_path, size)
    with AttachmentReader(made.path, made.ref) as reader:
        assert reader.read() == payload_of(size)
        assert reader.seek(0, os.SEEK_END) == size


@given(st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(0, 3 * CHUNK)), max_size=12))
def test_any_places_in_any_order(made: Made, places: list[tuple[int, int]]) -> None:
    with AttachmentReader(made.path, made.ref) as reader, io.BytesIO(payload_of(SIZE)) as plain:
        for offset, size in places:
            assert reader.seek(offset) == plain.seek(offset)
            buffer = bytearray(size)
            assert reader.readinto(buffer) == len(expected := plain.read(size))
            assert buffer[: len(expected)] == expected
            assert reader.tell() == plain.tell()


def test_under_a_buffer(made: Made) -> None:
    with io.BufferedReader(AttachmentReader(made.path, made.ref), 1 << 16) as reader:
        assert b"".join(iter(lambda: reader.read(1000), b"")) == payload_of(SIZE)
        reader.seek(2 * CHUNK)
        assert reader.peek(1)[:1] == payload_of(SIZE)[2 * CHUNK : 2 * CHUNK + 1]


def test_only_what_is_asked_for_is_fetched(made: Made) -> None:
    server = Server(made.stream)
    reader = AttachmentReader(server, made.ref)
    assert server.requests == []
    reader.seek(2 * CHUNK + 5)
    reader.read(10)
    last = HEADER + made.ref.padded_size // CHUNK * SEALED
    asked = [(0, HEADER), (last, made.ref.ciphertext_size - last + 1), (HEADER + 2 * SEALED, SEALED)]
    assert server.requests == asked, "one byte more is asked for at the end, and must not be there"
    reader.read(10)
    reader.seek(-1, os.SEEK_END)
    reader.read()
    assert server.requests == asked, "chunks that were just used are kept"
    reader.seek(CHUNK)
    reader.read(2 * CHUNK)
    assert server.requests[3:] == [(HEADER + SEALED, 2 * SEALED)], "neighbours come with one request"


def test_no_more_than_a_mebibyte_at_once_and_few_chunks_are_kept(tmp_path: Path) -> None:
    made = make(tmp_path, 200 * CHUNK)
    server = Server(made.stream)
    reader = AttachmentReader(server, made.ref)
    assert reader.read() == payload_of(200 * CHUNK)
    assert max(length for _, length in server.requests) == 64 * SEALED
    for index in range(200):
        reader.seek(index * CHUNK)
        reader.read(1)
    assert len(reader._cache) == 8
    before = len(server.requests)
    for index in (199, 192, 195):
        reader.seek(index * CHUNK)
        reader.read(1)
    assert len(server.requests) == before
    reader.seek(191 * CHUNK)
    reader.read(1)
    assert len(server.requests) == before + 1


def test_a_server_without_a_byte_to_spare(made: Made) -> None:
    """A file that gives less than it is asked for, again and again."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 1000))

    with AttachmentReader(Slow(made.stream), made.ref) as reader:
        assert reader.read() == payload_of(SIZE)


# --- refused ---------------------------------------------------------------------------------------------------------

STRUCTURE = set(FORGERIES) - {
    "two chunks change places", "a chunk stands in the place of another", "a chunk of another stream",
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_changed_stream(made: Made, tmp_path: Path, forgery: str) -> None:
    """What is wrong with header, size or end shows with the first byte; another chunk, when it is read: never later."""
    forged = forgeries(made.stream, make(tmp_path, SIZE).stream)[forgery]
    reader = AttachmentReader(Server(forged), made.ref)
    if forgery in STRUCTURE:
        with pytest.raises(InvalidMessage):
            reader.read(1)
    with pytest.raises(InvalidMessage) as caught:
        reader.read()
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert reader.tell() == 0


@pytest.mark.parametrize("at", [0, 23, 24, 55, -17, -1])
def test_header_and_end_are_checked_first(made: Made, at: int) -> None:
    stream = bytearray(made.stream)
    stream[at] ^= 1
    with pytest.raises(InvalidMessage):
        AttachmentReader(Server(bytes(stream)), made.ref).read(1)


def test_a_flipped_bit_is_in_one_chunk(made: Made) -> None:
    stream = bytearray(made.stream)
    stream[HEADER + 2 * SEALED + 77] ^= 1
    reader = AttachmentReader(Server(bytes(stream)), made.ref)
    for index in range(5):
        reader.seek(index * CHUNK)
        if index == 2:
            with pytest.raises(InvalidMessage):
                reader.read(1)
            assert reader.tell() == 2 * CHUNK
        else:
            assert reader.read(CHUNK) == payload_of(SIZE)[index * CHUNK : (index + 1) * CHUNK]


@pytest.mark.parametrize("more", [1, SEALED, 2**32])
def test_bytes_behind_the_end(made: Made, tmp_path: Path, more: int) -> None:
    """AT-1: shown by a single byte behind the last chunk."""
    longer = tmp_path / "longer"
    longer.write_bytes(made.stream)
    os.truncate(longer, made.ref.ciphertext_size + more)
    with AttachmentReader(longer, made.ref) as reader, pytest.raises(InvalidMessage):
        reader.read(1)


def test_another_reference(made: Made) -> None:
    for other in (
        changed(made.ref, role="preview"),
        changed(made.ref, key=Secret(bytes(32))),
        changed(made.ref, size=2 * SIZE),
        changed(made.ref, size=0),
    ):
        with pytest.raises(InvalidMessage):
            AttachmentReader(Server(made.stream), other).read(1)


def test_the_digest_is_not_looked_at(made: Made) -> None:
    """As the docstring says: whoever wants it compared decrypts the whole."""
    assert AttachmentReader(made.path, changed(made.ref, digest=bytes(32))).read() == payload_of(SIZE)


@pytest.mark.parametrize("at", [1000, 1023])
def test_padding_that_is_not_zero(at: int) -> None:
    """SM-12: the sender has the key and can encrypt anything."""
    ref = AttachmentRef.create(role="main", key=Secret(sha256(b"key").digest()), size=1000, digest=bytes(32))
    text = bytearray(payload_of(1000) + bytes(24))
    text[at] = 1
    encryptor = StreamEncryptor(ref.key.reveal(), context=context_for("main", 1000))
    stream = encryptor.update(bytes(text)) + encryptor.finalize()
    with pytest.raises(InvalidMessage):
        AttachmentReader(Server(stream), ref).read(1)


@pytest.mark.parametrize("answer", [b"", b"x", bytes(10**6), bytearray(56)])
def test_a_server_that_answers_something_else(made: Made, answer: bytes) -> None:
    class Odd(Server):
        def read_at(self, offset: int, length: int) -> bytes:
            super().read_at(offset, length)
            return answer

    with pytest.raises(InvalidMessage):
        AttachmentReader(Odd(made.stream), made.ref).read(1)


def test_what_the_source_raises_passes_through(made: Made) -> None:
    class Unsteady(Server):
        def read_at(self, offset: int, length: int) -> bytes:
            found = super().read_at(offset, length)
            if len(self.requests) == 2:
                raise ConnectionResetError
            return found

    reader = AttachmentReader(Unsteady(made.stream), made.ref)
    with pytest.raises(ConnectionResetError):
        reader.read(1)
    assert reader.read(5) == payload_of(5), "a later read may do"


# --- wrong use -------------------------------------------------------------------------------------------------------


def test_sources_that_are_none(made: Made) -> None:
    for source in (7, None, b"bytes", object()):
        with pytest.raises(InvalidArgument, match="read_at"):
            AttachmentReader(source, made.ref)  # type: ignore[arg-type]
    with made.path.open("r", encoding="latin-1") as text, pytest.raises(InvalidArgument, match="does not give bytes"):
        AttachmentReader(text, made.ref).read(1)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="AttachmentRef"):
        AttachmentReader(made.path, made.ref.encode())  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="not a regular file"):
        AttachmentReader(made.path.parent, made.ref)
    with pytest.raises(FileNotFoundError):
        AttachmentReader("nowhere", made.ref)


@pytest.mark.parametrize(("offset", "whence"), [(-1, os.SEEK_SET), (-1, os.SEEK_CUR), (-SIZE - 1, os.SEEK_END), (0, 9)])
def test_positions_that_are_none(made: Made, offset: int, whence: int) -> None:
    with AttachmentReader(made.path, made.ref) as reader:
        with pytest.raises(InvalidArgument, match="position"):
            reader.seek(offset, whence)
        assert reader.tell() == 0


def test_a_closed_reader(made: Made) -> None:
    reader = AttachmentReader(made.path, made.ref)
    reader.read(1)
    reader.close()
    reader.close()
    calls: list[Callable[[], object]] = [
        reader.read, reader.readall, reader.tell, lambda: asyncio.run(reader.aread(1)),
        lambda: reader.readinto(bytearray(1)), lambda: reader.seek(0),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(InvalidArgument, match="closed"):
            call()


def test_its_key_is_not_shown_or_copied(made: Made) -> None:
    with AttachmentReader(made.path, made.ref) as reader:
        assert repr(reader) == "<AttachmentReader>"
        with pytest.raises(TypeError, match="copied"):
            copy.copy(reader)


# --- awaited ---------------------------------------------------------------------------------------------------------


def test_awaited_reads(made: Made) -> None:
    async def read() -> None:
        with AttachmentReader(made.path, made.ref) as reader:
            assert await reader.aread(10) == payload_of(SIZE)[:10]
            assert await asyncio.gather(*(reader.aread(CHUNK) for _ in range(4))) == [
                payload_of(SIZE)[10 + place * CHUNK : 10 + (place + 1) * CHUNK] for place in range(4)
            ]
            assert reader.tell() == 10 + 4 * CHUNK
            assert await reader.aread() == payload_of(SIZE)[10 + 4 * CHUNK :]

    asyncio.run(read())


def test_the_source_is_asked_in_another_thread(made: Made) -> None:
    threads: set[int] = set()

    class Noting(Server):
        def read_at(self, offset: int, length: int) -> bytes:
            threads.add(threading.get_ident())
            return super().read_at(offset, length)

    asyncio.run(AttachmentReader(Noting(made.stream), made.ref).aread(10))
    assert threads
    assert threading.get_ident() not in threads


def test_a_cancelled_read_leaves_the_position(made: Made) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow(Server):
        def read_at(self, offset: int, length: int) -> bytes:
            asked.set()
            assert answer.wait(10)
            return super().read_at(offset, length)

    async def cancel() -> None:
        reader = AttachmentReader(Slow(made.stream), made.ref)
        reader.seek(5)
        task = asyncio.create_task(reader.aread(10))
        await asyncio.to_thread(asked.wait)
        task.cancel()
        answer.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reader.tell() == 5
        assert await reader.aread(10) == payload_of(15)[5:]

    asyncio.run(cancel())


def test_threads_that_share_a_reader(made: Made) -> None:
    """Each gets authentic bytes, though the file below has one position and all use one cache."""
    wrong: list[object] = []
    with made.path.open("rb") as file, AttachmentReader(file, made.ref) as reader:

        def read(index: int) -> None:
            for _ in range(100):
                start = index * CHUNK
                if reader._read(start, start + 100) != payload_of(SIZE)[start : start + 100]:
                    wrong.append(index)

        threads = [threading.Thread(target=read, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
