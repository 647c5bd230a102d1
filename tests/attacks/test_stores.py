"""Attacks on what unlocks a store and on its wrapped keys: ST-1, ST-2, ST-5, ST-6, ST-11 (README.md in this folder)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core.secret import Secret
from siegel.errors import CorruptHeader, InvalidArgument, NewerFormat, StoreError, WrongKey
from siegel.store import keyring as keyrings
from siegel.store import keys
from siegel.store.keyring import Keyring
from siegel.store.keys import FLOOR, Argon2Cost, Key, Passphrase, RecoveryWords
from siegel.store.slots import make_slot, open_slot, seal_slots, unlock
from siegel.store.store import Store
from siegel.words import to_words
from tests.attacks.attacker import ALICE, MALLORY, cbor, refused, remember_secret, sha256
from tests.attacks.store_wire import PASSPHRASE, RAW, WORDS, changed, items_of, keys_for, slot, slot_place, table
from tests.attacks.two_keys import collide

ROOT, OTHER_ROOT = remember_secret(sha256(b"root key")), remember_secret(sha256(b"another root key"))
KEY, OTHER_KEY = remember_secret(sha256(b"key of an application")), sha256(b"key that Mallory knows")
STORE, OTHER_STORE = sha256(b"store")[:16], sha256(b"another store")[:16]
PHRASE = "correct horse battery staple"
SALT = sha256(b"a salt that Mallory chose")


def honest(key: Key, *, root: bytes = ROOT, store_id: bytes = STORE) -> bytes:
    cost = FLOOR if isinstance(key, Passphrase) else None
    return make_slot(key, root=Secret(root), store_id=store_id, cost=cost)


def sealed(*slots: bytes, root: bytes = ROOT, store_id: bytes = STORE) -> bytes:
    return seal_slots(slots, root=Secret(root), store_id=store_id)


def ring_with(*places: tuple[int, str]) -> tuple[Keyring, dict[int, bytes]]:
    """A keyring, and the rows of a data key in each place."""
    ring = Keyring.create(Secret(ROOT), store_id=STORE)
    for collection, scope in places:
        ring.use(collection, ring.scope_id(scope))
    rows = dict(ring.changes().put)
    ring.keep()
    return ring, rows


def read_back(ring: Keyring, rows: dict[int, bytes]) -> Keyring:
    other = Keyring.decode(ring.encode(), root=Secret(ROOT), store_id=STORE)
    other.load(rows.items())
    return other


def test_st_2_the_attacker_makes_what_opens() -> None:
    """Slot and table made by hand are those of the format: with the right key, and no fault, they open."""
    made = slot(ROOT, KEY, STORE, RAW, None, salt=SALT)
    assert unlock(table([made], ROOT, STORE), KEY, store_id=STORE).reveal() == ROOT


# --- ST-1: the cost of a guess ---------------------------------------------------------------------------------------

COSTS = {
    "almost nothing": (8, 1, 1),
    "below the floor": (19_455, 2, 1),
    "one pass": (65_536, 1, 4),
    "no lanes": (65_536, 3, 0),
    "two terabytes": (2**31, 3, 4),
    "all of 64 bits": (2**64 - 1, 2**64 - 1, 2**64 - 1),
    "a week of passes": (65_536, 2**31, 4),
    "a minute": (1_048_576, 16, 8),
}


@pytest.mark.parametrize("cost", COSTS.values(), ids=COSTS)
def test_st_1_the_file_sets_the_cost(cost: tuple[int, int, int]) -> None:
    """Bitwarden, LastPass, SQLCipher: the server or the file says how often to stretch. Here it has limits that are
    compiled in, and nothing is derived before they are kept, whoever wrote the slot.
    """
    mine = honest(Passphrase(PHRASE))
    lowered = changed(mine, [4], [*cost, items_of(mine)[4][3]])
    by_owner = slot(ROOT, KEY, STORE, PASSPHRASE, [*cost, SALT[:16]], salt=SALT)
    with mock.patch.object(keys, "argon2id") as derive:
        for data in (lowered, by_owner):
            with refused(CorruptHeader):
                open_slot(data, Passphrase(PHRASE), store_id=STORE)
            for slots in ([data], [honest(KEY), data]):
                with refused(CorruptHeader):
                    unlock(table(slots, ROOT, STORE), Passphrase(PHRASE), store_id=STORE)
        with refused(InvalidArgument):
            make_slot(Passphrase(PHRASE), root=Secret(ROOT), store_id=STORE, cost=Argon2Cost(*cost))
    assert derive.call_count == 0


@pytest.mark.parametrize("cost", [(19_457, 2, 1), (19_456, 3, 1), (19_456, 2, 2)])
def test_st_1_another_cost_within_the_limits(cost: tuple[int, int, int]) -> None:
    """The parameters are authenticated by the key that is derived with them: another valid cost opens nothing, even
    where the derivation gives the same bytes.
    """
    mine = honest(Passphrase(PHRASE))
    moved = changed(mine, [4], [*cost, items_of(mine)[4][3]])
    with refused(WrongKey):
        open_slot(moved, Passphrase(PHRASE), store_id=STORE)
    with mock.patch.object(keys, "argon2id", return_value=Secret(KEY)):
        mine = honest(Passphrase(PHRASE))
        assert open_slot(mine, Passphrase(PHRASE), store_id=STORE).reveal() == ROOT
        with refused(WrongKey):
            open_slot(changed(mine, [4], [*cost, items_of(mine)[4][3]]), Passphrase(PHRASE), store_id=STORE)


@pytest.mark.parametrize("kind", [0, 6, 7, 2**63])
def test_st_1_another_algorithm(kind: int) -> None:
    """SQLite3MultipleCiphers opens files of weak legacy ciphers and derivations if the header names them. There is one
    derivation for a passphrase, and a kind that does not exist is refused before anything is derived.
    """
    other = changed(honest(Passphrase(PHRASE)), [3], kind)
    with mock.patch.object(keys, "argon2id") as derive, refused(CorruptHeader):
        unlock(table([other], ROOT, STORE), Passphrase(PHRASE), store_id=STORE)
    assert derive.call_count == 0


# --- ST-2: a header that nothing authenticates -----------------------------------------------------------------------


def test_st_2_every_bit_of_what_unlocks() -> None:
    """LUKS2 in eight systems for confidential machines (CVE-2025-59054), attic (CVE-2015-4082): metadata that nothing
    authenticates. Each bit of the table counts, and none makes it open to something else.
    """
    whole = sealed(honest(KEY))
    for at in range(len(whole)):
        for bit in range(8):
            with refused(CorruptHeader, NewerFormat, WrongKey):
                unlock(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :], KEY, store_id=STORE)


def test_st_2_a_cipher_that_does_nothing() -> None:
    """In those systems the cipher could be set to null, and the volume opened *successfully*, in the clear. Here no
    field names a cipher; a root that stands in a slot unencrypted, by itself or with a tag, is not taken.
    """
    mine = items_of(honest(KEY))
    commitment, _ = keys_for(KEY, slot_place(STORE, RAW, None), SALT)
    for wrapped in (
        SALT + commitment + OTHER_ROOT + bytes(16),
        bytes(64) + OTHER_ROOT + bytes(16),
        mine[5][:64] + bytes(48),
    ):
        plain = cbor([*mine[:5], wrapped])
        with refused(WrongKey):
            unlock(table([plain], OTHER_ROOT, STORE), KEY, store_id=STORE)
    for wrapped in (OTHER_ROOT, b"", SALT + OTHER_ROOT):
        with refused(CorruptHeader):
            unlock(table([cbor([*mine[:5], wrapped])], OTHER_ROOT, STORE), KEY, store_id=STORE)


def test_st_2_the_header_of_another_store() -> None:
    """Two stores of one user unlock with the same key, and their headers are exchanged. A table, a slot and a keyring
    are of the store whose id they were made for, whatever they say of themselves.
    """
    other = honest(KEY, root=OTHER_ROOT, store_id=OTHER_STORE)
    theirs = sealed(other, root=OTHER_ROOT, store_id=OTHER_STORE)
    for data in (theirs, changed(theirs, [2], STORE), table([other], OTHER_ROOT, STORE)):
        with refused(CorruptHeader):
            unlock(data, KEY, store_id=STORE)
    renamed = changed(other, [2], STORE)
    with refused(WrongKey):
        unlock(table([renamed], OTHER_ROOT, STORE), KEY, store_id=STORE)
    ring, _ = ring_with()
    for root, store_id in ((ROOT, OTHER_STORE), (OTHER_ROOT, STORE)):
        with refused(CorruptHeader):
            Keyring.decode(ring.encode(), root=Secret(root), store_id=store_id)


def test_st_2_a_slot_of_the_attacker() -> None:
    """Whoever can write the file adds a slot for a key of their own, or puts back one that was removed. It does not
    open to the root, which they do not have; and with a root of theirs the store does not open.
    """
    mine, gone = honest(KEY), honest(OTHER_KEY)
    planted = slot(OTHER_ROOT, OTHER_KEY, STORE, RAW, None, salt=SALT)
    tag = items_of(sealed(mine))[4]
    for slots in ([mine, planted], [planted, mine], [mine, gone], [gone, mine]):
        for key in (KEY, OTHER_KEY):
            with refused(CorruptHeader):
                unlock(cbor([15, 1, STORE, slots, tag]), key, store_id=STORE)
    with refused(CorruptHeader):
        unlock(table([mine, planted], OTHER_ROOT, STORE), KEY, store_id=STORE)
    ring, _ = ring_with()
    root = unlock(table([planted], OTHER_ROOT, STORE), OTHER_KEY, store_id=STORE)
    with refused(CorruptHeader):
        Keyring.decode(ring.encode(), root=root, store_id=STORE)


# --- ST-5: wrapped keys without integrity ----------------------------------------------------------------------------


def test_st_5_blocks_of_a_wrapped_key() -> None:
    """MEGA kept keys under AES-ECB: blocks could be exchanged and keys told apart by what the client did with them. No
    block of a wrapped key can be changed, moved or replaced, and no key from a failed unwrapping is ever used.
    """
    ring, rows = ring_with((1, "emil"), (1, "carl"))
    kid, other = rows
    wrapped, foreign = (items_of(rows[number])[4] for number in (kid, other))
    blocks = [wrapped[at : at + 16] for at in range(0, 112, 16)]
    forged = [wrapped[:at] + foreign[at : at + 16] + wrapped[at + 16 :] for at in range(0, 112, 16)]
    for one in range(7):
        for two in range(one):
            order = [*blocks]
            order[one], order[two] = order[two], order[one]
            forged.append(b"".join(order))
    with mock.patch.object(keyrings, "RecordKey") as used:
        for data in forged:
            with refused(CorruptHeader):
                read_back(ring, rows | {kid: changed(rows[kid], [4], data)}).key(kid)
    assert used.call_count == 0


def test_st_5_two_wrapped_keys_exchanged() -> None:
    """The server exchanges two keys of the keyring, so that data is written under a key that somebody else has. Number,
    collection, scope, epoch and store are in what a wrapped key opens with.
    """
    ring, rows = ring_with((1, "emil"), (1, "carl"), (2, "emil"))
    numbers = list(rows)
    for one in numbers:
        for two in numbers:
            if one != two:
                whole = rows | {one: rows[two]}
                inner = rows | {one: changed(rows[one], [4], items_of(rows[two])[4])}
                for forged in (whole, inner):
                    with refused(CorruptHeader):
                        read_back(ring, forged).key(one)
    secret, number, epoch = items_of(ring.encode())
    for forged_ring in ([epoch, number, secret], [secret, number, secret], [epoch, number, epoch]):
        with refused(CorruptHeader):
            Keyring.decode(cbor(forged_ring), root=Secret(ROOT), store_id=STORE)


def test_st_5_a_wrapped_key_for_two() -> None:
    """AES-GCM lets one text open under two keys. Mallory makes a slot that would give two owners two roots; its
    commitment is of one of them, and for the other nothing is decrypted.
    """
    place = slot_place(STORE, RAW, None)
    (commitment, mine), (_, theirs) = keys_for(KEY, place, SALT), keys_for(OTHER_KEY, place, SALT)
    text = collide(mine, theirs, b"\xa5" * 32, aad=b"", free=16)
    roots = [AESGCM(key).decrypt(bytes(12), text, b"") for key in (mine, theirs)]
    assert len(set(roots)) == 2
    both = cbor([14, 1, STORE, RAW, None, SALT + commitment + text])
    assert open_slot(both, KEY, store_id=STORE).reveal() == roots[0]
    with refused(WrongKey):
        open_slot(both, OTHER_KEY, store_id=STORE)


# --- ST-6: what stands beside an encrypted key -----------------------------------------------------------------------


def test_st_6_the_use_of_a_key_is_overwritten() -> None:
    """OpenPGP programs kept public parameters unauthenticated beside the private key, and one signature with changed
    ones gave it away. Kind, parameters, place and count of uses of every wrapped key are in what it opens with.
    """
    as_words = changed(honest(KEY), [3], WORDS)
    with refused(WrongKey):
        open_slot(as_words, RecoveryWords(to_words(KEY)), store_id=STORE)
    ring, rows = ring_with((1, "emil"))
    ((kid, row),) = rows.items()
    for place, value in {0: 2, 1: 2, 2: ring.scope_id("carl"), 3: 0}.items():
        with refused(CorruptHeader):
            read_back(ring, {kid: changed(row, [place], value)}).key(kid)
    with refused(CorruptHeader):
        read_back(ring, {kid + 1: row}).key(kid + 1)


def test_st_6_no_public_half_is_stored() -> None:
    """There is nothing to overwrite: no public key stands beside what an identity unlocks, and the identity computes
    its own. A slot that Mallory made for her identity does not become one of Alice's.
    """
    whole = sealed(honest(ALICE.identity))
    assert ALICE.id not in whole
    assert ALICE.sealing_key[:32] not in whole
    by_mallory = table([honest(MALLORY.identity, root=OTHER_ROOT)], OTHER_ROOT, STORE)
    with refused(WrongKey):
        unlock(by_mallory, ALICE.identity, store_id=STORE)


# --- ST-11: a key beside the data, or no key at all ------------------------------------------------------------------

NO_KEYS: dict[str, Callable[[], Any]] = {
    "no bytes": lambda: b"",
    "zeros": lambda: bytes(32),
    "too few bytes": lambda: b"password",
    "an empty passphrase": lambda: Passphrase(""),
    "a passphrase of spaces": lambda: Passphrase("  \u3000"),
    "a passphrase as plain text": lambda: "password",
    "nothing": lambda: None,
    "words of zeros": lambda: RecoveryWords(to_words(bytes(32))),
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_st_11_no_key_at_all(name: str, tmp_path: Path) -> None:
    """libolm encrypted its state under a constant, desktop programs under an empty or a default passphrase. Nothing of
    that kind makes a slot, opens one or creates a store, and no file is left that looks like one.
    """
    for attempt in (
        lambda key: make_slot(key, root=Secret(ROOT), store_id=STORE),
        lambda key: unlock(sealed(honest(KEY)), key, store_id=STORE),
        lambda key: Store.create(str(tmp_path / "store"), key=key),
    ):
        with refused(InvalidArgument):
            attempt(NO_KEYS[name]())


def test_st_11_no_default_key() -> None:
    """No function that makes, opens or unlocks anything has a key by default: a caller cannot forget to give one."""
    for function in (make_slot, open_slot, unlock, Store.create, Store.open):
        assert inspect.signature(function).parameters["key"].default is inspect.Parameter.empty


@pytest.mark.parametrize("key", [KEY, ALICE.identity, Passphrase(PHRASE), RecoveryWords(to_words(KEY))], ids=repr)
def test_st_11_the_key_beside_the_data(key: Key, tmp_path: Path) -> None:
    """Signal's desktop program kept the key of its database in a file beside it. What unlocks a store stands in no file
    of it, in none of its forms.
    """
    with Store.create(str(tmp_path / "store"), key=key) as store:
        store.collection("notes").put("k", b"v")
    with Store.open(str(tmp_path / "store"), key=key) as store:
        found = store.collection("notes").get("k")
    assert found
    assert found.value == b"v"
    said = [KEY, KEY.hex().encode(), ALICE.secret, PHRASE.encode(), to_words(KEY).encode()[:20]]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        assert [secret for secret in said if secret in data] == [], path.name
    with pytest.raises(StoreError):
        Store.open(str(tmp_path / "store"), key=OTHER_KEY)


def test_st_11_a_wrapped_key_under_itself() -> None:
    """A root that is wrapped under a key which the file contains would be no secret: no 32 bytes of the table open a
    slot of it.
    """
    whole = sealed(honest(KEY), honest(Passphrase(PHRASE)), honest(ALICE.identity))
    for at in range(len(whole) - 31):
        candidate = whole[at : at + 32]
        if any(candidate):
            with pytest.raises(WrongKey):
                unlock(whole, candidate, store_id=STORE)
