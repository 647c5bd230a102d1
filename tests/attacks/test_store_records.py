"""Attacks on the records and the header of a store: ST-2 … ST-4, ST-10, ST-12, ST-13 (README.md in this folder).

The attacker writes the database with an SQLite of his own, while no store is open or while one is.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel.errors import CorruptHeader, CorruptRecord, NewerFormat, RollbackDetected
from siegel.store.anchor import FileAnchor
from siegel.store.store import Store
from tests.attacks.attacker import cbor, refused, remember_secret, sha256

KEY = remember_secret(sha256(b"key of the application"))
NOW = 1_800_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two collections, two scopes and a field."""
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        for name in ("accounts", "sites"):
            for scope in ("alice", "bob"):
                collection = store.collection(name, scope=scope, index=["kind"])
                collection.put("first", f"{name} {scope} 1".encode(), index={"kind": "x"})
                collection.put("second", f"{name} {scope} 2".encode(), expires=NOW)
    return tmp_path / "s.db"


def written(path: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What the attacker does with the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def rows(path: Path) -> list[tuple[int, bytes, int, bytes]]:
    found = written(path, "SELECT collection, name, revision, value FROM siegel_record ORDER BY rowid")
    return [(int(str(c)), bytes(n), int(str(r)), bytes(v)) for c, n, r, v in found]  # type: ignore[call-overload]  # columns


def blocks(path: Path) -> dict[bytes, bytes]:
    found = written(path, "SELECT name, data FROM siegel_block")
    return {bytes(n): bytes(d) for n, d in found}  # type: ignore[call-overload]  # columns


# --- ST-2: header and catalogue --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["header", "catalogue"])
def test_st_2_every_bit_of_header_and_catalogue(path: Path, name: str) -> None:
    """LUKS2 in confidential machines (CVE-2025-59054, CVE-2025-58356): a header that nothing authenticates says which
    cipher is used. Holds: each bit of both blocks counts, the format among them, before any record is read.
    """
    ((block,),) = written(path, "SELECT data FROM siegel_block WHERE name = ?", name.encode())
    assert isinstance(block, bytes)
    for place in [*range(8 * 60), *range(8 * 60, 8 * len(block), 37)]:
        forged = bytearray(block)
        forged[place // 8] ^= 1 << place % 8
        written(path, "UPDATE siegel_block SET data = ? WHERE name = ?", bytes(forged), name.encode())
        with refused(NewerFormat if place < 8 and name == "header" else CorruptHeader, NewerFormat):
            Store.open(path, key=KEY)
    written(path, "UPDATE siegel_block SET data = ? WHERE name = ?", block, name.encode())
    assert Store.open(path, key=KEY).verify().ok


def test_st_2_a_header_of_the_attackers_own(path: Path) -> None:
    """As above: a header in the published form, under a secret that the attacker chose, and one that is not encrypted.
    Holds: it is sealed under a secret that follows from the root key alone.
    """
    ((block,),) = written(path, "SELECT data FROM siegel_block WHERE name = x'686561646572'")
    assert isinstance(block, bytes)
    clear = block[:49]
    content = cbor([9, bytes(32), 0, False, 0, bytes(32), []])
    for secret in (bytes(32), block[17:49], sha256(clear)):
        key = hmac.digest(secret, b"siegel/1 state header\0" + cbor([clear]), "sha256")
        for forged in (clear + AESGCM(key).encrypt(bytes(12), content, b""), clear + content + bytes(16)):
            written(path, "UPDATE siegel_block SET data = ? WHERE name = x'686561646572'", forged)
            with refused(CorruptHeader):
                Store.open(path, key=KEY)


def test_st_2_the_header_of_another_store_under_the_same_key(path: Path, tmp_path: Path) -> None:
    """As above: both stores are opened by one key, so a header of the other could fit. Holds: it names its store, and
    its root is another; also together with the other's catalogue.
    """
    Store.create(tmp_path / "other.db", key=KEY).close()
    for name in (b"header", b"catalogue"):
        ((block,),) = written(tmp_path / "other.db", "SELECT data FROM siegel_block WHERE name = ?", name)
        written(path, "UPDATE siegel_block SET data = ? WHERE name = ?", block, name)
        with refused(CorruptHeader):
            Store.open(path, key=KEY)


# --- ST-3: cut and paste ---------------------------------------------------------------------------------------------


def test_st_3_records_exchanged(path: Path) -> None:
    """Bitwarden, LastPass (ePrint 2026/058), minio: fields that are encrypted one by one are exchanged, so that a
    password goes to another site. Holds: place and revision are authenticated. Each pair: scopes, collections, keys.
    """
    of = Counter(collection for collection, *_ in rows(path))
    records = [row for row in rows(path) if of[row[0]] == 4]  # the application's: the library keeps two of its own
    for one in records:
        for other in records:
            if one == other:
                continue
            written(path, "UPDATE siegel_record SET value = ? WHERE collection = ? AND name = ?", other[3], *one[:2])
            written(path, "UPDATE siegel_record SET value = ? WHERE collection = ? AND name = ?", one[3], *other[:2])
            with Store.open(path, key=KEY) as store:
                faults = store.verify().faults
                assert len([fault for fault in faults if fault.record is not None]) == 2
                assert len(opened_and_refused(store)) == 6
            for row in (one, other):
                written(path, "UPDATE siegel_record SET value = ? WHERE collection = ? AND name = ?", row[3], *row[:2])
    with Store.open(path, key=KEY) as store:
        assert store.verify().ok


def opened_and_refused(store: Store) -> list[object]:
    """What still opens in the two collections; the rest is CorruptRecord."""
    opened: list[object] = []
    for name in ("accounts", "sites"):
        for scope in ("alice", "bob"):
            for key in ("first", "second"):
                try:
                    record = store.collection(name, scope=scope).get(key, at=0)
                except CorruptRecord:
                    continue
                assert record is not None
                assert record.value == f"{name} {scope} {1 if key == 'first' else 2}".encode()
                opened.append(record)
    return opened


def test_st_3_a_record_under_another_name_or_revision(path: Path) -> None:
    """As above: the row is kept and what stands beside it is changed, or it is put a second time under another name."""
    attacks: list[tuple[str, tuple[object, ...]]] = [
        ("UPDATE siegel_record SET revision = revision + 1", ()),
        ("UPDATE siegel_record SET collection = 4 - collection WHERE collection IN (1, 3)", ()),
        ("UPDATE siegel_record SET name = randomblob(16)", ()),
        ("INSERT INTO siegel_record SELECT collection, randomblob(16), revision, day, value FROM siegel_record", ()),
    ]
    for statement, values in attacks:
        backup = path.read_bytes()
        written(path, statement, *values)
        with Store.open(path, key=KEY) as store:
            faults = [fault for fault in store.verify().faults if fault.record is not None]
            assert len(faults) >= 4, statement
        for log in ("-wal", "-shm"):
            path.with_name(path.name + log).unlink(missing_ok=True)
        path.write_bytes(backup)


def test_st_3_a_record_of_another_store(path: Path, tmp_path: Path) -> None:
    """As above: the same key opens both stores, the collections and the logical keys are the same. Holds: names differ,
    and under the right name the record of the other store does not open.
    """
    with Store.create(tmp_path / "other.db", key=KEY) as store:
        collection = store.collection("accounts", scope="alice", index=["kind"])
        collection.put("first", b"the attacker's")
    theirs = rows(tmp_path / "other.db")
    assert not {name for _, name, _, _ in theirs} & {name for _, name, _, _ in rows(path)}
    for _, _, _, value in theirs:
        written(path, "UPDATE siegel_record SET value = ?", value)
        with Store.open(path, key=KEY) as store, refused(CorruptRecord):
            store.collection("accounts", scope="alice").get("first")


# --- ST-4: older, deleted, put back ----------------------------------------------------------------------------------

ATTACKS: dict[str, Callable[[Path, tuple[int, bytes, int, bytes]], object]] = {
    "old": lambda path, row: written(
        path, "UPDATE siegel_record SET revision = ?, value = ? WHERE collection = ? AND name = ?", *row[2:], *row[:2]
    ),
    "deleted": lambda path, row: written(path, "DELETE FROM siegel_record WHERE collection = ? AND name = ?", *row[:2]),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_st_4_one_record_is_set_back(path: Path, attack: str) -> None:
    """Vault synchronisation and VM snapshots (ePrint 2024/989, 2026/058): an old row is put back, or one is left out.
    Holds: a strict collection refuses at once, verify lists it for every other, and no writing heals the sum.
    """
    with Store.open(path, key=KEY) as store:
        collection = store.collection("accounts", scope="alice")
        before = rows(path)
        collection.put("first", b"newer")
    changed = {(c, n) for c, n, _, _ in before if (c, n, 2) in {row[:3] for row in rows(path)}}
    (old,) = [row for row in before if row[:2] in changed]
    ATTACKS[attack](path, old)
    with Store.open(path, key=KEY) as store:
        loose = store.collection("accounts", scope="alice")
        assert [fault.collection for fault in store.verify().faults] == ["accounts"]
        loose.put("second", b"written on")
        loose.put("first", b"over it")
        assert [fault.collection for fault in store.verify().faults] == ["accounts"]
    with Store.open(path, key=KEY) as store, refused(RollbackDetected):
        store.collection("accounts", scope="alice", strict=True).get("first")


def test_st_4_a_deleted_record_comes_back(path: Path) -> None:
    """As above: what a person deleted is inserted again, authentic as it was. Holds: as above."""
    before = rows(path)
    with Store.open(path, key=KEY) as store:
        store.collection("accounts", scope="alice").delete("first")
    (gone,) = [row for row in before if row not in rows(path)]
    collection, name, revision, value = gone
    written(path, "INSERT INTO siegel_record VALUES (?, ?, ?, NULL, ?)", collection, name, revision, value)
    with Store.open(path, key=KEY) as store:
        assert [fault.collection for fault in store.verify().faults] == ["accounts"]
        with refused(RollbackDetected):
            store.collection("accounts", scope="bob", strict=True).get("first")
        with refused(RollbackDetected):
            store.collection("accounts", scope="bob").put("first", b"nothing is written any more")


@pytest.mark.parametrize("anchored", [True, False])
def test_st_4_the_whole_file_is_set_back(path: Path, anchored: bool) -> None:  # noqa: FBT001  # a parameter
    """As above, with the file as a whole, which is authentic. Holds with an anchor: refused. Without one it is not
    noticed, and the documentation says so.
    """
    anchor = FileAnchor(path.parent / "anchor") if anchored else None
    with Store.open(path, key=KEY, anchor=anchor) as store:
        store.collection("accounts", scope="alice").put("first", b"old")
    copy = path.read_bytes()
    with Store.open(path, key=KEY, anchor=anchor) as store:
        store.collection("accounts", scope="alice").put("first", b"new")
    path.write_bytes(copy)
    if anchored:
        with refused(RollbackDetected):
            Store.open(path, key=KEY, anchor=anchor)
        return
    with Store.open(path, key=KEY) as store:
        assert store.verify().ok
    assert "Without an anchor, an old copy that is put\n    back between two openings is not noticed" in str(
        Store.__doc__
    )


# --- ST-10: what lies open -------------------------------------------------------------------------------------------


def test_st_10_nothing_is_named_on_the_disk(path: Path) -> None:
    """LastPass addresses, file names of Nextcloud and EncFS: the values are encrypted and the names are not. Holds: no
    key, name, scope, field or value stands in any file of an open store, in whatever form, nor twice in one form.
    """
    with Store.open(path, key=KEY) as store:
        store.collection("accounts", scope="alice").put("first", b"accounts alice 1")
        files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        assert {"s.db", "s.db-wal"} <= files.keys()
        for words in ("accounts", "sites", "alice", "bob", "first", "second", "kind"):
            word = words.encode()
            for form in (word, words.encode("utf-16-le"), word.hex().encode(), sha256(word), sha256(word)[:16]):
                assert not [name for name, data in files.items() if form in data], words
    names = [name for _, name, _, _ in rows(path)]
    assert len(set(names)) == len(names), "one key in two places has two names"


# --- ST-12: recovery that an attacker writes -------------------------------------------------------------------------


def test_st_12_a_journal_of_the_attacker(path: Path) -> None:
    """LUKS2 CVE-2021-4122: forged recovery data makes the tool finish an operation that nobody began. SQLite replays a
    write-ahead log that it finds; here it holds a later state with an old header, and an old one with a later header.
    Holds: what was replayed is authenticated like everything else, and nothing is ever decrypted on the disk.
    """
    first = blocks(path)
    with Store.open(path, key=KEY) as store:
        store.rotate()
        store.collection("accounts", scope="alice").put("first", b"new")
    later = blocks(path)
    for mixed in ({b"header": first[b"header"]}, {b"catalogue": first[b"catalogue"]}):
        for name, data in mixed.items():
            written(path, "UPDATE siegel_block SET data = ? WHERE name = ?", data, name)
        with refused(CorruptHeader):
            Store.open(path, key=KEY)
        for name, data in later.items():
            written(path, "UPDATE siegel_block SET data = ? WHERE name = ?", data, name)
    with Store.open(path, key=KEY) as store:
        assert store.verify().ok


def test_st_12_keys_of_an_epoch_that_ended(path: Path) -> None:
    """As above: the wrapped keys from before a rotation are put back. Holds: the epoch key that opened them is gone,
    and the records under them are refused one by one.
    """
    before = written(path, "SELECT kid, wrapped FROM siegel_key")
    with Store.open(path, key=KEY) as store:
        store.rotate()
    for kid, wrapped in before:
        written(path, "UPDATE siegel_key SET wrapped = ? WHERE kid = ?", wrapped, kid)
    with Store.open(path, key=KEY) as store:
        assert store.verify().records == 0
        with refused(CorruptHeader):
            store.collection("accounts", scope="alice").get("first")


# --- ST-13: two states under one key and nonce -----------------------------------------------------------------------


def test_st_13_equal_states_and_restored_ones(path: Path) -> None:
    """vodozemac's pickles: one key and IV for two versions of a state. Holds: each writing draws its nonce, also when a
    copy of the store goes on from the same point, and equal texts have unequal bytes.
    """
    copy, seen = path.read_bytes(), list[bytes]()
    for _ in range(3):
        path.write_bytes(copy)
        with Store.open(path, key=KEY) as store:
            collection = store.collection("accounts", scope="alice")
            for _ in range(400):
                collection.put("first", b"the same state")
                (value,) = [v for _, _, _, v in rows(path)[:2] if v not in seen][-1:]
                seen.append(value)
    assert len({value[:17] for value in seen}) == len(seen) == 1200
    pairs = pairwise(seen)
    shares = [
        sum((a ^ b).bit_count() for a, b in zip(x[17:], y[17:], strict=True)) / (8 * len(x[17:])) for x, y in pairs
    ]
    assert 0.4 < sum(shares) / len(shares) < 0.6
