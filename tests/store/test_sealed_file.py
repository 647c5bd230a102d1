"""BAK-1 … BAK-5: the file's form, byte by byte, and what its size says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from siegel._core import passwords
from siegel._core.padding import padme
from siegel._core.suite import sha256
from siegel._core.wrapping import unwrap
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError, UnsupportedVersion, WrongKey
from siegel.identity import backup_secret
from siegel.store import sealed_file
from siegel.store.keys import CEILING, FLOOR, MAX_WORK, Argon2Cost, Passphrase
from siegel.store.sealed_file import Purpose, SealedFile, write_file
from tests.people import AT, person

ALICE = person("alice")
PHRASE = Passphrase("a phrase")


def written(path: Path, *frames: Any, purpose: Purpose = Purpose.BACKUP, passphrase: bool = False) -> Path:
    write_file(
        path,
        purpose=purpose,
        key=PHRASE if passphrase else ALICE,
        cost=FLOOR if passphrase else None,
        signer=ALICE if purpose is Purpose.BACKUP else None,
        at=AT,
        frames=frames,
    )
    return path


def read(path: Path, *, passphrase: bool = False) -> list[Any]:
    with SealedFile(path, purpose=Purpose.BACKUP, key=PHRASE if passphrase else ALICE, owner=ALICE.user_id) as file:
        return list(file.frames())


def labelled(text: str, *items: object) -> bytes:
    return text.encode() + b"\0" + cbor2.dumps(list(items), canonical=True)


def parts(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length], data[4 + length :]


def test_the_form_is_the_one_that_is_written_down(tmp_path: Path) -> None:
    """Read by hand, with other libraries where there are any."""
    head, stream = parts(written(tmp_path / "f", [1, "c", []], [3, None, "a", b"x", 1, None, {}]).read_bytes())
    items = cbor2.loads(head)
    assert items[:5] == [10, 1, 1, 1, None]
    place = labelled("siegel/1 archive key", 10, 1, 1, 1, None)
    key = unwrap(items[5], under=backup_secret(ALICE), info=place).reveal()
    opener = Cobblestone256Decryptor(key, labelled("siegel/1 archive stream", sha256(head)))
    plain = opener.update(stream) + opener.finalize()

    frames: list[Any] = []
    said, at = b"", 0
    while not frames or frames[-1][0] != 4:
        length = int.from_bytes(plain[at : at + 4], "big")
        frames.append(cbor2.loads(plain[at + 4 : at + 4 + length]))
        said += plain[at : at + 4 + length] if frames[-1][0] != 4 else b""
        at += 4 + length
    assert frames[:-1] == [[0, ALICE.user_id.data, AT], [1, "c", []], [3, None, "a", b"x", 1, None, {}]]
    signed = labelled("siegel/1 archive signature", sha256(head), sha256(said))
    Ed25519PublicKey.from_public_bytes(ALICE.user_id.data).verify(frames[-1][1], signed)
    assert not any(plain[at:])
    assert len(plain) == padme(at)


@given(frames=st.lists(st.tuples(st.just(1), st.binary(max_size=70_000)), max_size=5))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[int, bytes]]) -> None:
    path = written(tmp_path_factory.mktemp("file") / "f", *frames)
    assert read(path) == [list(frame) for frame in frames]


def test_it_can_be_read_again(tmp_path: Path) -> None:
    with SealedFile(written(tmp_path / "f", [1, "x"]), purpose=Purpose.BACKUP, key=ALICE, owner=ALICE.user_id) as file:
        assert list(file.frames()) == list(file.frames()) == [[1, "x"]]


# --- the head, before any key ----------------------------------------------------------------------------------------


def with_head(path: Path, place: int, value: object) -> Path:
    head, stream = parts(path.read_bytes())
    items = cbor2.loads(head)
    items[place] = value
    changed = cbor2.dumps(items, canonical=True)
    path.write_bytes(len(changed).to_bytes(4, "big") + changed + stream)
    return path


COSTS = [
    FLOOR._replace(memory_kib=FLOOR.memory_kib - 1),
    FLOOR._replace(passes=1),
    FLOOR._replace(lanes=0),
    CEILING._replace(memory_kib=CEILING.memory_kib + 1),
    FLOOR._replace(passes=17),
    FLOOR._replace(lanes=9),
    Argon2Cost(2**63, 2**63, 2**31),
    Argon2Cost(MAX_WORK // 16 + 1, 16, 1),
]


@pytest.mark.parametrize("cost", COSTS, ids=str)
def test_a_cost_outside_of_the_limits_is_refused_before_it_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: Argon2Cost
) -> None:
    path = with_head(written(tmp_path / "f", passphrase=True), 4, [*cost, bytes(16)])

    def paid(**_: object) -> None:
        pytest.fail("derived")

    monkeypatch.setattr(passwords, "argon2id", paid)
    monkeypatch.setattr("siegel.store.keys.argon2id", paid)
    with pytest.raises(MalformedError, match="cost"):
        read(path, passphrase=True)


def test_another_cost_within_the_limits_opens_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "f", passphrase=True)
    head, _ = parts(path.read_bytes())
    with pytest.raises(WrongKey):
        read(with_head(path, 4, [*FLOOR._replace(passes=3), cbor2.loads(head)[4][3]]), passphrase=True)


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [
        (0, 9, MalformedError),
        (1, 2, UnsupportedVersion),
        (2, 2, MalformedError),
        (2, 3, MalformedError),
        (3, 5, MalformedError),
        (3, 9, MalformedError),
        (3, 2, WrongKey),
        (3, 3, MalformedError),
        (4, b"", MalformedError),
        (5, bytes(111), MalformedError),
        (5, bytes(112), WrongKey),
    ],
)
def test_another_head_is_refused(tmp_path: Path, place: int, value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(with_head(written(tmp_path / "f"), place, value))


def test_a_head_has_a_length(tmp_path: Path) -> None:
    for start in (b"", bytes(4), (2_000).to_bytes(4, "big")):
        (tmp_path / "f").write_bytes(start + bytes(3_000) * bool(start))
        with pytest.raises(LimitExceeded):
            read(tmp_path / "f")


# --- the stream ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["padding", "size", "long frame", "signature", "no signature", "end"])
def test_what_the_writer_never_writes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    framed = sealed_file._framed

    def odd(items: Any) -> bytes:
        if items[0] != 4:
            return framed(items)
        match fault:
            case "padding":
                return framed(items) + b"\1"
            case "long frame":
                return (2**31).to_bytes(4, "big")
            case "signature":
                return framed([4, bytes(64)])
            case "no signature":
                return framed([4, None])
            case "end":
                return framed([4, items[1], 0])
            case _:
                return framed(items)

    monkeypatch.setattr(sealed_file, "_framed", odd)
    if fault == "size":
        monkeypatch.setattr(sealed_file, "padme", lambda size: size + 1)
    path = written(tmp_path / "f", [1, "x" * 200])
    monkeypatch.undo()
    with pytest.raises(InvalidMessage):
        read(path)


def test_few_sizes_and_none_that_depends_on_what_is_said(tmp_path: Path) -> None:
    sizes = {written(tmp_path / "f", [1, bytes(count)]).stat().st_size for count in range(2_000, 4_000, 7)}
    assert len(sizes) <= 34
    same = {written(tmp_path / "f", [1, fill * 3_000]).stat().st_size for fill in (b"\0", b"a", b"ab", b"abc")}
    assert len({written(tmp_path / "f", [1, fill]).stat().st_size for fill in (bytes(3_000), b"ab" * 1_500)}) == 1
    assert len(same) == 3


def test_one_passphrase_twice_gives_no_equal_bytes(tmp_path: Path) -> None:
    one = parts(written(tmp_path / "f", passphrase=True).read_bytes())
    other = parts(written(tmp_path / "f", passphrase=True).read_bytes())
    assert cbor2.loads(one[0])[4][3] != cbor2.loads(other[0])[4][3]
    assert one[1][:24] != other[1][:24]


def test_a_target_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        written(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "f")
    with pytest.raises(InvalidArgument):
        written(tmp_path / "link")
