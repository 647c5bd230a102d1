"""ATT-2 … ATT-7: references to attachments, what may be said in them, and how they travel."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel import open_sealed, seal
from siegel._core.secret import Secret
from siegel.attachments import (
    MAX_REFERENCE_BYTES,
    MAX_SIZE,
    ROLES,
    AttachmentRef,
    check_description,
    context_for,
    padded_bytes,
)
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError, SiegelError, UnsupportedVersion
from siegel.streams import StreamDecryptor, StreamEncryptor, ciphertext_bytes
from tests.groups.company import Company
from tests.people import AT, person, public
from tests.vectors.reference import Refused
from tests.vectors.reference import attachment as by_hand

KEY, DIGEST = sha256(b"attachment key").digest(), sha256(b"stream").digest()
EVERYTHING: dict[str, Any] = {"media_type": "image/jpeg", "name": "knee.jpg", "thumbnail": b"a small picture"}
LONGEST: dict[str, Any] = {"media_type": "a/" + "b" * 125, "name": "n" * 255, "thumbnail": bytes(8192)}


def reference(role: str = "main", size: int = 100, **said: Any) -> AttachmentRef:
    return AttachmentRef.create(role=role, key=Secret(KEY), size=size, digest=DIGEST, **said)


def fields(role: int = 0, size: int = 100, **said: Any) -> by_hand.Reference:
    """The same by hand."""
    draft = by_hand.Reference(role, KEY, size, 0, DIGEST, **said)
    return replace(draft, stream_size=by_hand.stream_size(draft.padded))


# --- honest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [{}, EVERYTHING, LONGEST], ids=["nothing", "everything", "the longest"])
@pytest.mark.parametrize("role", ROLES)
def test_layout(role: str, said: dict[str, Any]) -> None:
    assert reference(role, **said).encode() == fields(ROLES.index(role), **said).encode()
    assert len(reference(role, MAX_SIZE, **said).encode()) <= MAX_REFERENCE_BYTES


@given(st.sampled_from(ROLES), st.integers(0, MAX_SIZE) | st.integers(0, 100_000))
def test_there_and_back(role: str, size: int) -> None:
    made = reference(role, size, **EVERYTHING)
    read = AttachmentRef.decode(made.encode())
    assert read.encode() == made.encode()
    assert read.key.reveal() == KEY
    assert (read.role, read.size, read.digest) == (role, size, DIGEST)
    assert {field: getattr(read, field) for field in EVERYTHING} == EVERYTHING
    assert read.padded_size == made.padded_size == fields(ROLES.index(role), size).padded
    assert read.ciphertext_size == made.ciphertext_size == fields(ROLES.index(role), size).stream_size
    assert read.context == made.context == fields(ROLES.index(role), size).context == context_for(role, size)


@given(st.integers(0, MAX_SIZE))
def test_padding_hides_the_size_and_costs_little(size: int) -> None:
    assert size <= padded_bytes(size) <= max(64, size * 1.12)
    assert padded_bytes(padded_bytes(size)) == padded_bytes(size)


@pytest.mark.parametrize("size", [0, 100, 16_384, 20_000])
def test_a_stream_of_the_reference_opens(size: int) -> None:
    payload = b"x" * size
    encryptor = StreamEncryptor(KEY, context=context_for("main", size))
    stream = encryptor.update(payload.ljust(padded_bytes(size), b"\0")) + encryptor.finalize()
    ref = AttachmentRef.create(role="main", key=Secret(KEY), size=size, digest=sha256(stream).digest())
    assert len(stream) == ref.ciphertext_size == ciphertext_bytes(ref.padded_size)
    decryptor = StreamDecryptor(ref.key.reveal(), context=ref.context)
    assert (decryptor.update(stream) + decryptor.finalize())[: ref.size] == payload


# --- on its way ------------------------------------------------------------------------------------------------------


def test_it_travels_inside_a_sealed_message() -> None:
    ref = reference(**LONGEST)
    envelope = seal(ref.encode(), sender=person("alice"), recipients=[public("bob")], at=AT)
    assert not any(part in envelope for part in (KEY, DIGEST, LONGEST["name"].encode()))
    message = open_sealed(envelope, identity=person("bob"), contacts=[person("alice").user_id])
    assert AttachmentRef.decode(message.body).encode() == ref.encode()


def test_it_travels_inside_a_group_message() -> None:
    team = Company("anna", "bert", "carl")
    ref = reference(**LONGEST)
    out = team.act("anna", "encrypt", ref.encode())
    assert out.message is not None
    assert not any(part in out.message for part in (KEY, DIGEST, LONGEST["name"].encode()))
    heard = team.deliver(out, "anna")
    assert heard.readers == {"bert", "carl"}
    for reader in heard.readers:
        (body,) = heard.texts(reader)
        assert AttachmentRef.decode(body).encode() == ref.encode()


# --- dull ------------------------------------------------------------------------------------------------------------


def test_it_shows_nothing() -> None:
    ref = reference(**EVERYTHING)
    assert repr(ref) == f"{ref}" == "<AttachmentRef main of 100 bytes>"
    assert repr(ref.key) == "<Secret>"


def test_it_is_not_copied_compared_or_changed() -> None:
    ref = reference(**EVERYTHING)
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps, hash):
        with pytest.raises(TypeError):
            duplicate(ref)
    with pytest.raises(TypeError, match="not comparable"):
        assert ref == reference()
    with pytest.raises(AttributeError, match="cannot be changed"):
        ref.name = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del ref.digest


def test_an_error_says_nothing_of_the_key_or_of_what_was_said() -> None:
    said: dict[str, Any] = EVERYTHING | {"name": "the name of a patient/"}
    with pytest.raises(MalformedError) as caught:
        AttachmentRef.decode(fields(**said).encode())
    assert "patient" not in str(caught.value)
    assert caught.value.where == "attachment name"


# --- refused ---------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[by_hand.Reference, type[SiegelError], str]] = {
    "role": (fields(3), MalformedError, "role"),
    "key": (replace(fields(), key=KEY[:31]), MalformedError, "key"),
    "digest": (replace(fields(), digest=DIGEST + b"x"), MalformedError, "digest"),
    "size": (fields(size=MAX_SIZE + 1), LimitExceeded, "size"),
    "stream size": (replace(fields(), stream_size=fields().stream_size + 2**32), MalformedError, "ciphertext size"),
    "media type": (fields(media_type="image"), MalformedError, "media type"),
    "long media type": (fields(media_type="a/" + "b" * 126), LimitExceeded, "media type"),
    "name": (fields(name="../x"), MalformedError, "name"),
    "long name": (fields(name="n" * 256), LimitExceeded, "name"),
    "long name in few characters": (fields(name="é" * 128), LimitExceeded, "name"),
    "thumbnail": (fields(thumbnail=b""), MalformedError, "thumbnail"),  # ATT-7
    "large thumbnail": (fields(thumbnail=bytes(8193)), LimitExceeded, "thumbnail"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_one_fault(fault: str) -> None:
    wrong, error, where = WRONG[fault]
    with pytest.raises(error) as caught:
        AttachmentRef.decode(wrong.encode())
    assert isinstance(caught.value, MalformedError | LimitExceeded)
    assert caught.value.where == f"attachment {where}"


def test_another_kind_or_version() -> None:
    with pytest.raises(MalformedError, match="another kind"):
        AttachmentRef.decode(fields().encode(kind=12))
    with pytest.raises(UnsupportedVersion):
        AttachmentRef.decode(fields().encode(version=2))
    with pytest.raises(UnsupportedVersion):
        AttachmentRef.decode(fields(3).encode(kind=12, version=2))


def test_size_is_asked_before_anything_is_read() -> None:
    with pytest.raises(LimitExceeded, match="9216"):
        AttachmentRef.decode(bytes(MAX_REFERENCE_BYTES + 1))


def test_of_two_faults_the_earlier_stage_decides() -> None:
    """ATT-4: `shape`, `limit`, `sizes`, `description`."""
    stages: list[tuple[type[SiegelError], dict[str, Any]]] = [
        (MalformedError, {"digest": b""}),
        (LimitExceeded, {"name": "n" * 256}),
        (MalformedError, {"stream_size": 0}),
        (MalformedError, {"media_type": "image"}),
    ]
    places = ["digest", "name", "ciphertext size", "media type"]
    for first, (error, change) in enumerate(stages):
        for _, later in stages[first + 1 :]:
            with pytest.raises(error) as caught:
                AttachmentRef.decode(replace(fields(), **change, **later).encode())
            assert isinstance(caught.value, MalformedError | LimitExceeded)
            assert caught.value.where == f"attachment {places[first]}"


MISUSES: dict[str, Callable[[], object]] = {
    "size below zero": lambda: reference(size=-1),
    "size too large": lambda: reference(size=MAX_SIZE + 1),
    "size of another type": lambda: reference(size=True),
    "short key": lambda: AttachmentRef.create(role="main", key=Secret(b"short"), size=1, digest=DIGEST),
    "short digest": lambda: AttachmentRef.create(role="main", key=Secret(KEY), size=1, digest=b""),
    "digest of another type": lambda: AttachmentRef.create(
        role="main",
        key=Secret(KEY),
        size=1,
        digest=bytearray(32),  # type: ignore[arg-type]  # on purpose
    ),
    "role": lambda: reference("poster"),
    "name": lambda: reference(name="a/b"),
    "padded size": lambda: padded_bytes(-1),
    "context": lambda: context_for("main", -1),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_caller_who_is_wrong(misuse: str) -> None:
    with pytest.raises(InvalidArgument):
        MISUSES[misuse]()


@pytest.mark.parametrize(
    "said",
    [
        {"role": "poster"},
        {"role": None},
        {"role": b"main"},
        {"name": ""},
        {"name": b"a.jpg"},
        {"name": "Zoe\u0308"},
        {"name": "lone \ud800"},
        {"name": "n" * 256},
        {"media_type": "jpeg"},
        {"media_type": 7},
        {"media_type": "text/plain; charset=utf-8"},
        {"media_type": "a/" + "b" * 126},
        {"thumbnail": b""},
        {"thumbnail": "text"},
        {"thumbnail": bytearray(1)},
        {"thumbnail": bytes(8193)},
    ],
    ids=str,
)
def test_what_may_not_be_said_is_refused_before_any_work(said: dict[str, Any]) -> None:
    everything: dict[str, Any] = {"role": "main"} | said
    with pytest.raises(InvalidArgument):
        check_description(**everything)
    with pytest.raises(InvalidArgument):
        reference(**said)


def test_what_may_be_said() -> None:
    for role in ROLES:
        check_description(role=role)
        check_description(role=role, **EVERYTHING)
        check_description(role=role, **LONGEST)


# --- names -----------------------------------------------------------------------------------------------------------


def is_refused(name: str) -> bool:
    try:
        AttachmentRef.decode(fields(name=name).encode())
    except MalformedError:
        return True
    return False


@pytest.mark.parametrize(
    "code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x61C, 0x200E, 0x200F, 0x202E, 0x2066]
)
def test_no_character_that_acts(code: int) -> None:
    """ATT-5."""
    for name in (f"a{chr(code)}b.jpg", f"{chr(code)}a", f"a{chr(code)}"):
        assert is_refused(name)


@pytest.mark.parametrize(
    "name", ["con", "NUL.txt", "Aux.tar.gz", "com1", "LPT9.x", "com¹", "lpt³ .txt", "CONIN$", "prn "]
)
def test_no_device(name: str) -> None:
    """ATT-5."""
    assert is_refused(name)
    assert not is_refused(f"my {name.strip()}")


HOSTILE = st.text(st.sampled_from("aAcCoOnN.1 $/\\:¹\u202e\u2066\0\n~"), min_size=1, max_size=8)
NAMES = st.one_of(HOSTILE, st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))


@given(NAMES)
def test_a_name_that_is_taken_is_one_part_of_a_path_on_any_system(name: str) -> None:
    """ATT-5 (attack AT-3)."""
    if not is_refused(name):
        for kind in (PurePosixPath, PureWindowsPath):
            assert kind(name).parts == (name,)
            assert kind("downloads", name).parent == kind("downloads")
        assert not PureWindowsPath(name).is_reserved()
        assert not name.endswith((".", " "))
        assert name.isprintable() or not any(character < " " for character in name)


@given(NAMES)
def test_both_implementations_take_the_same_names(name: str) -> None:
    data = fields(name=name).encode()
    try:
        by_hand.read(data)
    except Refused:
        assert is_refused(name)
    else:
        assert AttachmentRef.decode(data).name == name


MEDIA_TYPES = st.one_of(
    st.text(st.sampled_from("aZ0/+-.;= *!\u0131é"), max_size=8),
    st.from_regex(r"[a-z]{1,5}/[a-z+.]{1,5}", fullmatch=True),
)


@given(MEDIA_TYPES)
def test_both_implementations_take_the_same_media_types(media_type: str) -> None:
    """ATT-6."""
    data = fields(media_type=media_type).encode()
    try:
        by_hand.read(data)
    except Refused:
        with pytest.raises(MalformedError):
            AttachmentRef.decode(data)
    else:
        assert AttachmentRef.decode(data).media_type == media_type
