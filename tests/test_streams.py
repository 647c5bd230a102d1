"""ATT-1: streams piece by piece, however they are split; what a changed stream gives away before it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel.errors import InvalidArgument, InvalidMessage, StateError
from siegel.streams import StreamDecryptor, StreamEncryptor, ciphertext_bytes, room_for

KEY, OTHER_KEY = sha256(b"stream").digest(), sha256(b"other stream").digest()
CONTEXT = b"a test"
CHUNK, SEALED, HEADER = 16_384, 16_400, 56
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17)


def text(size: int) -> bytes:
    return (sha256(b"text").digest() * (size // 32 + 1))[:size]


def encrypted(plain: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    encryptor = StreamEncryptor(key, context=context)
    return encryptor.update(plain) + encryptor.finalize()


def decrypted(stream: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    decryptor = StreamDecryptor(key, context=context)
    return decryptor.update(stream) + decryptor.finalize()


def released(pieces: Sequence[bytes]) -> bytes:
    """What comes out before the stream is refused."""
    decryptor, out = StreamDecryptor(KEY, context=CONTEXT), b""
    try:
        for piece in pieces:
            out += decryptor.update(piece)
        out += decryptor.finalize()
    except InvalidMessage:
        return out
    raise AssertionError("a changed stream was taken for whole")


def chunks(stream: bytes) -> list[bytes]:
    """Header and chunks."""
    return [stream[:HEADER], *(stream[at : at + SEALED] for at in range(HEADER, len(stream), SEALED))]


# --- honest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_what_was_encrypted_comes_back(size: int) -> None:
    stream = encrypted(text(size))
    assert decrypted(stream) == text(size)
    assert len(stream) == ciphertext_bytes(size)


@given(st.sampled_from(SIZES), st.lists(st.integers(0, 2 * CHUNK), max_size=8))
def test_however_it_is_split(size: int, cuts: list[int]) -> None:
    encryptor, stream, plain = StreamEncryptor(KEY, context=CONTEXT), b"", text(size)
    for piece in split(plain, cuts):
        stream += encryptor.update(piece)
    stream += encryptor.finalize()
    decryptor, out = StreamDecryptor(KEY, context=CONTEXT), b""
    for piece in split(stream, cuts):
        out += decryptor.update(piece)
    assert out + decryptor.finalize() == plain


@given(st.sampled_from(SIZES), st.lists(st.integers(0, 2 * CHUNK), max_size=8))
def test_into_a_buffer(size: int, cuts: list[int]) -> None:
    encryptor, stream, plain = StreamEncryptor(KEY, context=CONTEXT), b"", text(size)
    for piece in split(plain, cuts):
        buffer = bytearray(room_for(len(piece)))
        stream += buffer[: encryptor.update_into(piece, buffer)]
    stream += encryptor.finalize()
    decryptor, out = StreamDecryptor(KEY, context=CONTEXT), b""
    for piece in split(stream, cuts):
        buffer = bytearray(room_for(len(piece)))
        out += buffer[: decryptor.update_into(piece, buffer)]
    assert out + decryptor.finalize() == plain


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    pieces: list[bytes] = []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    return [*pieces, data]


def test_two_streams_of_one_text_have_nothing_in_common() -> None:
    assert encrypted(text(100))[:HEADER] != encrypted(text(100))[:HEADER]


# --- changed ---------------------------------------------------------------------------------------------------------

STREAM = encrypted(text(3 * CHUNK + 17))
OTHER = encrypted(text(3 * CHUNK + 17))
FORGERIES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "the last chunk is missing": (lambda c: c[:-1], 3),
    "cut at a chunk": (lambda c: c[:3], 2),
    "cut inside a chunk": (lambda c: [*c[:2], c[2][:100]], 1),
    "cut inside the header": (lambda c: [c[0][:40]], 0),
    "nothing but the header": (lambda c: c[:1], 0),
    "a byte more": (lambda c: [*c, b"x"], 3),
    "a chunk more": (lambda c: [*c, c[1]], 3),
    "two chunks change places": (lambda c: [c[0], c[2], c[1], *c[3:]], 0),
    "a chunk stands twice": (lambda c: [*c[:2], *c[1:]], 1),
    "a chunk of another stream": (lambda c: [*c[:2], chunks(OTHER)[2], *c[3:]], 1),
    "the header of another stream": (lambda c: [chunks(OTHER)[0], *c[1:]], 0),
    "the last chunk stands first": (lambda c: [c[0], c[-1], *c[1:-1]], 0),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_changed_stream_releases_what_is_before_the_change_and_no_more(forgery: str) -> None:
    forge, good = FORGERIES[forgery]
    assert released(forge(chunks(STREAM))) == text(3 * CHUNK + 17)[: good * CHUNK]


@pytest.mark.parametrize("at", [0, 23, 24, 55, 56, HEADER + SEALED - 1, HEADER + SEALED, len(STREAM) - 1])
def test_a_flipped_bit(at: int) -> None:
    changed = STREAM[:at] + bytes((STREAM[at] ^ 1,)) + STREAM[at + 1 :]
    good = max(at - HEADER, 0) // SEALED
    assert released(chunks(changed)) == text(3 * CHUNK + 17)[: good * CHUNK]


def test_another_key_or_context() -> None:
    for key, context in ((OTHER_KEY, CONTEXT), (KEY, b"another"), (KEY, b"")):
        with pytest.raises(InvalidMessage):
            decrypted(STREAM, key, context)


# --- wrong use -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"x", bytearray(KEY), "k" * 32])
def test_keys_of_another_form(key: object) -> None:
    for kind in (StreamEncryptor, StreamDecryptor):
        with pytest.raises(InvalidArgument, match="32 bytes"):
            kind(key, context=CONTEXT)  # type: ignore[arg-type]


def test_a_finished_stream() -> None:
    encryptor, decryptor = StreamEncryptor(KEY, context=CONTEXT), StreamDecryptor(KEY, context=CONTEXT)
    decryptor.update(encryptor.update(b"text") + encryptor.finalize())
    decryptor.finalize()
    for stream in (encryptor, decryptor):
        with pytest.raises(StateError, match="finished"):
            stream.update(b"")
        with pytest.raises(StateError, match="finished"):
            stream.update_into(b"", bytearray(room_for(0)))
        with pytest.raises(StateError, match="finished"):
            stream.finalize()


def test_after_a_failure_nothing_more_is_had() -> None:
    decryptor = StreamDecryptor(KEY, context=CONTEXT)
    with pytest.raises(InvalidMessage):
        decryptor.update(bytes(100))
    with pytest.raises(StateError):
        decryptor.update(STREAM)


def test_a_buffer_that_is_too_small_loses_nothing() -> None:
    encryptor, plain = StreamEncryptor(KEY, context=CONTEXT), text(2 * CHUNK)
    with pytest.raises(InvalidArgument, match="buffer"):
        encryptor.update_into(plain, bytearray(10))
    stream = encryptor.update(plain) + encryptor.finalize()
    assert decrypted(stream) == plain


def test_keys_are_not_shown_or_copied() -> None:
    for stream in (StreamEncryptor(KEY, context=CONTEXT), StreamDecryptor(KEY, context=CONTEXT)):
        assert repr(stream) == f"<{type(stream).__name__}>"
        with pytest.raises(TypeError):
            stream.__copy__()
