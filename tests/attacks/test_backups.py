"""Attacks on what is to bring everything back: backups and exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from siegel import Store, open_sealed, restore_backup, seal, verify_backup, write_backup
from siegel.errors import InvalidMessage, MalformedError, SiegelError, WrongKey
from siegel.store.keys import FLOOR, Passphrase
from siegel.store.memory_backend import MemoryBackend
from siegel.store.sealed_file import Purpose, write_file
from tests.people import AT, person, public, secret_of

ALICE, MALLORY = person("alice"), person("mallory")
PHRASE = Passphrase("guessed by the server")
RECORDS: list[Any] = [[1, "messages", []], [3, None, "1", b"invented", 9, None, {}]]


def a_store(**records: bytes) -> Store:
    store = Store.create(MemoryBackend(), key=secret_of("store"))
    store.collection("messages").put_many(records.items())
    return store


def refused(path: Path, kind: type[SiegelError], **named: Any) -> None:
    """By who verifies and by who restores, and nothing is restored."""
    store = a_store(mine=b"kept")
    with pytest.raises(kind) as verified:
        verify_backup(path, **named)
    with pytest.raises(kind) as restored:
        restore_backup(path, store, **named)
    for caught in (verified.value, restored.value):
        assert type(caught) is kind
        assert caught.__cause__ is None
    assert [record.key for record in store.collection("messages").scan()] == ["mine"]
    assert store.restores == 0


def test_st_7_a_backup_that_its_owner_did_not_sign(tmp_path: Path) -> None:
    """Matrix key backup v1: whoever had the public half of the backup's key could write backups. Here a signature."""
    for signer in (MALLORY, None):
        write_file(tmp_path / "b", purpose=Purpose.BACKUP, key=PHRASE, cost=FLOOR, signer=signer, at=AT, frames=RECORDS)
        refused(tmp_path / "b", InvalidMessage, owner=ALICE.user_id, passphrase=PHRASE)


def test_st_7_one_kind_of_file_in_the_place_of_another(tmp_path: Path) -> None:
    """Borg CVE-2023-36811: an archive was taken for a manifest. Here the key is bound to the purpose."""
    a_store(a=b"1").export(tmp_path / "b", key=PHRASE, cost=FLOOR)
    refused(tmp_path / "b", MalformedError, owner=ALICE.user_id, passphrase=PHRASE)
    data = bytearray((tmp_path / "b").read_bytes())
    assert data[4:9] == bytes.fromhex("860a010203")  # the head: purpose 2, a passphrase
    data[7] = 1
    (tmp_path / "b").write_bytes(data)
    refused(tmp_path / "b", WrongKey, owner=ALICE.user_id, passphrase=PHRASE)


def test_st_7_a_record_whose_bytes_are_the_end_of_a_file(tmp_path: Path) -> None:
    """Borg again: stored data whose bytes equal a manifest was parsed as one. Here data stands inside of a record."""
    write_backup(a_store(a=b"1"), tmp_path / "b", identity=ALICE, at=AT)
    end = bytes.fromhex("0000004482045840") + bytes(64)
    store = a_store(a=end, b=(tmp_path / "b").read_bytes(), c=b"\x82\x04\xf6")
    write_backup(store, tmp_path / "b", identity=ALICE, at=AT)
    assert verify_backup(tmp_path / "b", owner=ALICE).records == 3
    empty = a_store()
    restore_backup(tmp_path / "b", empty, owner=ALICE)
    record = empty.collection("messages").get("a")
    assert record is not None
    assert record.value == end


def test_st_7_a_backup_that_arrives_in_a_message(tmp_path: Path) -> None:
    """Matrix: a server installs a key for backups by a synchronised message. Here no message is anything but one."""
    write_backup(a_store(a=b"1"), tmp_path / "b", identity=MALLORY, at=AT)
    data = (tmp_path / "b").read_bytes()
    with pytest.raises(MalformedError):
        open_sealed(data, identity=ALICE, contacts=[public("mallory")])
    envelope = seal(data, sender=MALLORY, recipients=[public("alice")], at=AT)
    (tmp_path / "b").write_bytes(open_sealed(envelope, identity=ALICE, contacts=[public("mallory")]).body)
    refused(tmp_path / "b", WrongKey, owner=ALICE)


def test_st_7_what_was_restored_is_not_taken_for_what_was_received(tmp_path: Path) -> None:
    """Restored history shown like live, authenticated messages. Here each record says from which backup it came."""
    write_backup(a_store(a=b"1"), tmp_path / "b", identity=ALICE, at=AT)
    store = a_store(mine=b"kept")
    restore_backup(tmp_path / "b", store, owner=ALICE)
    assert {record.key: record.restored for record in store.collection("messages").scan()} == {"a": AT, "mine": None}


def test_st_8_a_size_that_depends_on_what_the_attacker_wrote(tmp_path: Path) -> None:
    """Threema for Android, WhatsApp: messages and keys are compressed together, and the size tells a guess."""
    secret = secret_of("what the attacker looks for")
    sizes: set[int] = set()
    for guess in (secret, secret_of("another"), bytes(32), secret[:16] * 2):
        store = a_store(**{f"from the attacker {number}": guess for number in range(50)}, secret=secret)
        write_backup(store, tmp_path / "b", identity=ALICE, at=AT)
        sizes.add((tmp_path / "b").stat().st_size)
    assert len(sizes) == 1


def test_st_8_a_size_that_counts_bytes(tmp_path: Path) -> None:
    """A size to the byte tells which of a few things was stored. Here it is one of few, at most 12 % above."""
    sizes: set[int] = set()
    for length in range(4_000, 8_000, 50):
        write_backup(a_store(a=bytes(length)), tmp_path / "b", identity=ALICE, at=AT)
        sizes.add((tmp_path / "b").stat().st_size)
        assert (tmp_path / "b").stat().st_size <= 1.12 * (length + 400) + 400
    assert len(sizes) <= 18


def test_st_9_a_backup_put_together_by_the_server(tmp_path: Path) -> None:
    """Bitwarden, LastPass, 1Password: wrapped keys are exchanged, and the client takes what it is given."""
    files: list[tuple[bytes, bytes]] = []
    for name in ("one", "other"):
        write_backup(a_store(**{name: b"1"}), tmp_path / "b", identity=ALICE, passphrase=PHRASE, cost=FLOOR, at=AT)
        data = (tmp_path / "b").read_bytes()
        length = 4 + int.from_bytes(data[:4], "big")
        files.append((data[:length], data[length:]))
    (head, _), (_, stream) = files
    (tmp_path / "b").write_bytes(head + stream)
    refused(tmp_path / "b", InvalidMessage, owner=ALICE, passphrase=PHRASE)


def test_st_9_chunks_left_out_or_in_another_order(tmp_path: Path) -> None:
    """Backups in parts that a server may drop or exchange. Here the stream is whole, in its order, or it is refused."""
    write_backup(a_store(a=bytes(70_000)), tmp_path / "b", identity=ALICE, at=AT)
    data = (tmp_path / "b").read_bytes()
    start = 4 + int.from_bytes(data[:4], "big") + 56
    chunks = [data[place : place + 16_400] for place in range(start, len(data), 16_400)]
    assert len(chunks) >= 5
    for order in ([1, 0, 2, 3, 4], [0, 2, 1, 3, 4], [0, 1, 3, 4], [0, 1, 2, 2, 3, 4], [0, 1, 2, 3], [0], []):
        (tmp_path / "b").write_bytes(data[:start] + b"".join(chunks[place] for place in order))
        refused(tmp_path / "b", InvalidMessage, owner=ALICE)


def test_st_9_a_foreign_key_under_the_users_name(tmp_path: Path) -> None:
    """A vault's key of the server's own, wrapped to the user's public key. Here nothing public makes a backup."""
    write_backup(a_store(a=b"1"), tmp_path / "b", identity=MALLORY, at=AT)
    refused(tmp_path / "b", WrongKey, owner=ALICE)
    write_backup(a_store(a=b"1"), tmp_path / "b", identity=MALLORY, passphrase=PHRASE, cost=FLOOR, at=AT)
    refused(tmp_path / "b", InvalidMessage, owner=ALICE.user_id, passphrase=PHRASE)
