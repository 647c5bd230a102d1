"""BAK-1 … BAK-9: a backup restores what it should on an empty machine; what is not whole, or another's, nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import Contacts, Identity, PublicIdentity
from siegel.errors import (
    CorruptRecord,
    InvalidArgument,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    NotPermitted,
    SiegelError,
    StateError,
    UnsupportedVersion,
    WrongKey,
)
from siegel.groups.state import prefix_of
from siegel.store.backup import Backup, restore_backup, verify_backup, write_backup
from siegel.store.kept import StoredContacts, StoredSealingKeys
from siegel.store.keys import FLOOR, Argon2Cost, Passphrase, RecoveryWords
from siegel.store.memory_backend import MemoryBackend
from siegel.store.outbox import Outbox
from siegel.store.records import Record
from siegel.store.scopes import Scope
from siegel.store.sealed_file import Purpose, write_file
from siegel.store.store import Store
from tests.people import AT, person, public
from tests.store.clients import Client, deliver, founded, stored
from tests.store.conftest import Opener
from tests.store.records_at_hand import KEY, new_store

DAY = 86_400_000
ALICE = person("alice")
WORDS = "what nobody else would think of"


def filled(store: Store | None = None) -> Store:
    store = store or new_store()
    for scope in ("anna", "bert", None):
        collection = store.collection("messages", scope=scope, index=("folder", "day"))
        collection.put("1", b"first")
        collection.put("1", f"text of {scope}".encode(), index={"day": "1"}, expires=AT + 9 * DAY)
        collection.put(b"\xff", bytes(range(256)), index={"folder": "in"})
    store.collection("files").put_many([(f"file {number}", bytes([number]) * 3_000) for number in range(40)])
    return store


def contents(store: Store) -> dict[tuple[str, str | None], list[Record]]:
    found: dict[tuple[str, str | None], list[Record]] = {}
    for name, index in (("messages", ("folder", "day")), ("files", ())):
        for scope in ("anna", "bert", None):
            records = store.collection(name, scope=scope, index=index).scan(at=0)
            found[name, scope] = sorted((r._replace(restored=None) for r in records), key=lambda r: str(r.key))
    return found


def backed_up(target: Path, store: Store | None = None, **named: object) -> Path:
    write_backup(store or filled(), target, identity=ALICE, at=AT, **named)  # type: ignore[arg-type]  # passphrase, cost
    return target


# --- what it is for --------------------------------------------------------------------------------------------------


def test_24_words_and_the_file_are_enough_on_an_empty_machine(opener: Opener, tmp_path: Path) -> None:
    store = filled()
    backed_up(tmp_path / "backup", store)
    words = ALICE.words()

    identity = Identity.from_words(words)
    empty = Store.create(opener.fresh(), key=identity)
    backup = restore_backup(tmp_path / "backup", empty, owner=identity)
    assert backup == Backup(ALICE.user_id, AT, 46, ("files", "messages"))
    assert contents(empty) == contents(store)
    assert empty.scopes() == (Scope("anna"), Scope("bert"))
    assert empty.verify().ok
    if opener.keeps:
        empty.close()
        assert contents(Store.open(opener.again(), key=identity)) == contents(store)


def test_what_was_restored_says_so_until_it_is_written_again(tmp_path: Path) -> None:
    store = new_store()
    restore_backup(backed_up(tmp_path / "backup"), store, owner=ALICE)
    collection = store.collection("messages", scope="anna", index=("folder", "day"))
    assert {record.restored for record in collection.scan(at=AT)} == {AT}
    assert store.restores == 1
    collection.put("1", b"here")
    record = collection.get("1")
    assert record is not None
    assert (record.revision, record.restored) == (3, None)
    collection.put("new", b"here")
    assert [record.restored for record in collection.get_many(["new", b"\xff"], at=AT) if record] == [None, AT]


def test_a_backup_is_proved_without_being_restored(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = backed_up(tmp_path / "backup")
    backup = verify_backup(path, owner=ALICE, progress=lambda done, in_all: seen.append((done, in_all)))
    assert backup == Backup(ALICE.user_id, AT, 46, ("files", "messages"))
    assert all(done <= in_all for done, in_all in seen)


def test_of_two_the_newer_record_stays(tmp_path: Path) -> None:
    here, there = new_store(), new_store()
    for store, times in ((here, {"a": 3, "b": 1, "c": 1}), (there, {"a": 1, "b": 3, "d": 2})):
        for key, count in times.items():
            for number in range(count):
                store.collection("c").put(key, f"{'here' if store is here else 'there'} {number}".encode())
    restore_backup(backed_up(tmp_path / "backup", there), here, owner=ALICE)
    records = {record.key: (record.value, record.revision) for record in here.collection("c").scan()}
    assert records == {"a": (b"here 2", 3), "b": (b"there 2", 3), "c": (b"here 0", 1), "d": (b"there 1", 2)}
    assert here.verify().ok
    restore_backup(tmp_path / "backup", here, owner=ALICE)
    assert {record.key: (record.value, record.revision) for record in here.collection("c").scan()} == records


def test_what_may_still_be_undone_leaves_no_store(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    store = filled(Store.create(connection, key=KEY))
    acts = (
        lambda: backed_up(tmp_path / "backup", store),
        lambda: store.export(tmp_path / "backup", key=ALICE),
        lambda: store.export_readable(tmp_path / "backup"),
    )
    for act in acts:
        with pytest.raises(StateError, match="a transaction is open"), store.transaction():
            act()
        connection.execute("BEGIN")
        with pytest.raises(StateError, match="application"):
            act()
        connection.execute("ROLLBACK")
    assert not (tmp_path / "backup").exists()


def test_progress_ends_with_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siegel.store.carrying.PAGE", 10)
    seen: list[tuple[int, int]] = []
    backed_up(tmp_path / "backup", progress=lambda done, in_all: seen.append((done, in_all)))
    assert seen == [(10, 48), (20, 48), (30, 48), (40, 48), (48, 48)]  # with the names of two scopes


def test_a_hold_is_restored_with_its_scope(tmp_path: Path) -> None:
    store = filled()
    store.hold("anna", at=AT - DAY)
    empty = new_store()
    restore_backup(backed_up(tmp_path / "backup", store), empty, owner=ALICE)
    assert empty.scopes() == (Scope("anna", AT - DAY), Scope("bert"))


def test_what_has_expired_is_left_out(tmp_path: Path) -> None:
    store = filled()
    write_backup(store, tmp_path / "backup", identity=ALICE, at=AT + 10 * DAY)
    assert verify_backup(tmp_path / "backup", owner=ALICE).records == 43


def test_more_than_is_taken_over_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siegel.store.carrying._BATCH", 5)
    monkeypatch.setattr("siegel.store.sealed_file._PIECE", 1_000)
    store, empty = filled(), new_store()
    restore_backup(backed_up(tmp_path / "backup", store), empty, owner=ALICE)
    assert contents(empty) == contents(store)


def test_a_store_without_records_has_a_backup(tmp_path: Path) -> None:
    backup = verify_backup(backed_up(tmp_path / "backup", new_store()), owner=ALICE)
    assert backup == Backup(ALICE.user_id, AT, 0, ())


# --- who opens it ----------------------------------------------------------------------------------------------------


def test_a_passphrase_opens_it_in_the_identitys_place(tmp_path: Path) -> None:
    path = backed_up(tmp_path / "backup", passphrase=Passphrase(WORDS), cost=FLOOR)
    assert verify_backup(path, owner=ALICE.user_id, passphrase=Passphrase(WORDS)).records == 46
    assert verify_backup(path, owner=ALICE, passphrase=Passphrase(WORDS)).records == 46
    with pytest.raises(WrongKey):
        verify_backup(path, owner=ALICE)
    with pytest.raises(WrongKey):
        verify_backup(path, owner=ALICE, passphrase=Passphrase("another"))
    with pytest.raises(WrongKey):
        verify_backup(backed_up(tmp_path / "other"), owner=ALICE, passphrase=Passphrase(WORDS))
    with pytest.raises(InvalidArgument):
        verify_backup(path, owner=ALICE.user_id)


def test_another_passphrase_changes_nothing_about_the_identity(tmp_path: Path) -> None:
    store = filled()
    user, words = ALICE.user_id, ALICE.words()
    for passphrase in ("one", "two"):
        backed_up(tmp_path / passphrase, store, passphrase=Passphrase(passphrase), cost=FLOOR)
    assert (ALICE.user_id, ALICE.words()) == (user, words)
    for passphrase in ("one", "two"):
        assert verify_backup(tmp_path / passphrase, owner=user, passphrase=Passphrase(passphrase)).owner == user


def test_another_identity_opens_nothing(tmp_path: Path) -> None:
    path = backed_up(tmp_path / "backup")
    with pytest.raises(WrongKey):
        verify_backup(path, owner=person("mallory"))


def test_what_unlocks_a_store_opens_no_backup(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        backed_up(tmp_path / "backup", cost=FLOOR)
    with pytest.raises(InvalidArgument):
        backed_up(tmp_path / "backup", passphrase=Passphrase("x"), cost=Argon2Cost(8, 1, 1))
    assert not (tmp_path / "backup").exists()
    with pytest.raises(InvalidArgument):
        new_store().export(tmp_path / "export", key=Provider())


class Provider:
    def wrap(self, secret: bytes) -> bytes:
        return secret

    def unwrap(self, blob: bytes) -> bytes:
        return blob


# --- what is refused -------------------------------------------------------------------------------------------------


def refused(path: Path, *errors: type[SiegelError]) -> None:
    store = filled()
    before = contents(store), store.sequence
    with pytest.raises(errors):
        verify_backup(path, owner=ALICE)
    with pytest.raises(errors):
        restore_backup(path, store, owner=ALICE)
    assert (contents(store), store.sequence) == before


def test_every_byte_counts(tmp_path: Path) -> None:
    store = new_store()
    store.collection("c").put("a", b"1")
    data = backed_up(tmp_path / "backup", store).read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        (tmp_path / "changed").write_bytes(changed)
        with pytest.raises((MalformedError, LimitExceeded, UnsupportedVersion, WrongKey, InvalidMessage)):
            verify_backup(tmp_path / "changed", owner=ALICE)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_part_of_a_backup_is_none(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("backup")
    whole = backed_up(folder / "backup").read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    (folder / "cut").write_bytes(whole[:cut])
    with pytest.raises((MalformedError, LimitExceeded, InvalidMessage)):
        verify_backup(folder / "cut", owner=ALICE)
    (folder / "cut").write_bytes(whole + whole[cut:])
    with pytest.raises(InvalidMessage):
        verify_backup(folder / "cut", owner=ALICE)


@given(data=st.binary(max_size=200))
def test_other_bytes_are_no_backup(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("backup") / "backup"
    path.write_bytes(data)
    with pytest.raises((MalformedError, LimitExceeded, UnsupportedVersion)):
        verify_backup(path, owner=ALICE)


def test_what_only_the_passphrase_authenticates_is_no_backup(tmp_path: Path) -> None:
    """Whoever knows the passphrase can encrypt, and cannot sign."""
    mallory = person("mallory")
    for owner in (mallory, None):
        write_file(
            tmp_path / "forged",
            purpose=Purpose.BACKUP,
            key=ALICE,
            cost=None,
            signer=owner,
            at=AT,
            frames=[[1, "c", []], [3, None, "a", b"x", 1, None, {}]],
        )
        refused(tmp_path / "forged", InvalidMessage)


def test_an_export_is_no_backup_and_a_backup_no_export(tmp_path: Path) -> None:
    filled().export(tmp_path / "export", key=ALICE)
    refused(tmp_path / "export", MalformedError)
    backed_up(tmp_path / "backup")
    with pytest.raises(MalformedError):
        new_store().restore(tmp_path / "backup", key=ALICE)


FRAMES: list[list[object]] = [
    [[3, None, "a", b"", 1, None, {}]],
    [[2, "scope", None]],
    [[1, "c"]],
    [[1, "c", ["f", 7]]],
    [[1, 7, []]],
    [[1, "c", []], [7, "x"]],
    [[1, "c", []], [2, "scope"]],
    [[1, "c", []], [2, "scope", 2**60]],
    [[1, "c", []], [3, 0, "a", b"", 1, None, {}]],
    [[1, "c", []], [3, None, 7, b"", 1, None, {}]],
    [[1, "c", []], [3, None, "a", "text", 1, None, {}]],
    [[1, "c", []], [3, None, "a", b"", 0, None, {}]],
    [[1, "c", []], [3, None, "a", b"", 1, 2**60, {}]],
    [[1, "c", []], [3, None, "a", b"", 1, None, {0: "x"}]],
    [[1, "c", []], [3, None, "a", b"", 1, None, None]],
    [[1, "c", []], [3, None, "ä" * 600, b"", 1, None, {}]],
    [[1, "c", []], [4, None]],
    [[0, ALICE.user_id.data, AT]],
    [7],
    [[]],
    [["x"]],
]


@pytest.mark.parametrize("frames", FRAMES, ids=str)
def test_frames_of_another_shape_are_not_authentic(tmp_path: Path, frames: list[object]) -> None:
    write_file(
        tmp_path / "backup",
        purpose=Purpose.BACKUP,
        key=ALICE,
        cost=None,
        signer=ALICE,
        at=AT,
        frames=frames,  # type: ignore[arg-type]  # what the test is about
    )
    refused(tmp_path / "backup", InvalidMessage)


@pytest.mark.parametrize(
    ("collection", "key"),
    [
        ("siegel/group records", "own/sending"),
        ("siegel/group records", "key/00"),
        ("siegel/client", f"sealing keys/{ALICE.user_id}"),
        ("siegel/outbox", b"1"),
        ("siegel/scopes", "scope"),
        ("siegel/of another version", "x"),
    ],
)
def test_what_must_not_be_in_a_backup_is_refused_although_it_is_signed(
    tmp_path: Path, collection: str, key: str | bytes
) -> None:
    write_file(
        tmp_path / "backup",
        purpose=Purpose.BACKUP,
        key=ALICE,
        cost=None,
        signer=ALICE,
        at=AT,
        frames=[
            [1, "c", []],
            [3, None, "new", b"x", 1, None, {}],
            [1, collection, []],
            [3, None, key, b"", 1, None, {}],
        ],
    )
    refused(tmp_path / "backup", NotPermitted)


def test_a_damaged_store_has_no_backup(tmp_path: Path) -> None:
    backend = MemoryBackend()
    store = filled(Store.create(backend, key=KEY))
    row = backend.scan(1, limit=1)[0]
    backend._rows[1][row.name] = row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))
    (tmp_path / "backup").write_bytes(b"the one before")
    with pytest.raises(CorruptRecord):
        backed_up(tmp_path / "backup", store)
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    assert (tmp_path / "backup").read_bytes() == b"the one before"


def test_a_database_is_not_overwritten(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        with pytest.raises(InvalidArgument):
            backed_up(tmp_path / "s.db", store)
        assert store.verify().ok


# --- a client --------------------------------------------------------------------------------------------------------


def sending_of(client: Client) -> bytes:
    return next(data for name, data in stored(client).items() if name.endswith("own/sending"))


def test_a_restored_group_begins_a_new_chain_and_everybody_reads_on(tmp_path: Path) -> None:
    team = founded()
    anna, bert, carl = team
    for client in team:
        client.say(f"{client.name} before")
    deliver(team)
    live = sending_of(anna)
    write_backup(anna.store, tmp_path / "backup", identity=anna.identity, at=anna.clock())
    assert live not in (tmp_path / "backup").read_bytes()

    anna.say("lost with the telephone")
    store = Store.create(MemoryBackend(), key=anna.identity)
    restore_backup(tmp_path / "backup", store, owner=anna.identity)
    keys = [
        record.key
        for record in store.collection("siegel/group records", scope=prefix_of(anna.here.group_id)[:-1]).scan()
    ]
    assert not any(str(key).startswith(("own/", "key/", "link/")) for key in keys)
    anna.use(store)
    assert anna.here.roster == bert.here.roster
    bert.say("where are you?")
    deliver(team)
    anna.say("I have a new one")
    deliver(team)
    bert.say("good")
    carl.say("good, too")
    deliver(team)
    assert bert.bodies[-2:] == [b"I have a new one", b"good, too"]
    assert anna.bodies[-2:] == [b"good", b"good, too"]


def test_a_group_that_is_in_use_is_not_put_back(tmp_path: Path) -> None:
    team = founded()
    anna, bert, _ = team
    write_backup(anna.store, tmp_path / "backup", identity=anna.identity, at=anna.clock())
    anna.say("since")
    deliver(team)
    scope = prefix_of(anna.here.group_id)[:-1]
    before = {record.key: record for record in anna.store.collection("siegel/group records", scope=scope).scan()}
    restore_backup(tmp_path / "backup", anna.store, owner=anna.identity)
    assert before == {r.key: r for r in anna.store.collection("siegel/group records", scope=scope).scan()}
    anna.use(anna.store)
    anna.say("and on")  # in a new chain: the store says that it was restored
    deliver(team)
    assert bert.bodies[-2:] == [b"since", b"and on"]


def test_contacts_are_in_it_and_secrets_of_the_device_are_not(tmp_path: Path) -> None:
    store, empty = new_store(), new_store()
    kept = StoredContacts(store)
    kept.contacts.add(public("bob"))
    kept.save()
    keys = StoredSealingKeys(store, identity=ALICE)
    keys.keys.rotate(at=AT)
    keys.save()
    Outbox(store).add("somebody", b"waits")
    restore_backup(backed_up(tmp_path / "backup", store), empty, owner=ALICE)
    bob: PublicIdentity = public("bob")
    assert StoredContacts(empty).contacts.get(bob.user_id) is not None
    assert StoredSealingKeys(empty, identity=ALICE).keys.numbers == ()
    assert not list(empty.collection("siegel/outbox").scan())

    other = new_store()
    theirs = StoredContacts(other)
    theirs.contacts.add(public("carol"))
    theirs.save()
    restore_backup(tmp_path / "backup", other, owner=ALICE)
    found: Contacts = StoredContacts(other).contacts
    with pytest.raises(InvalidArgument):
        found.get(bob.user_id)
    assert found.get(public("carol").user_id) is not None


def test_recovery_words_of_a_store_are_no_identity(tmp_path: Path) -> None:
    path = backed_up(tmp_path / "backup")
    other = Identity.from_words(RecoveryWords.generate().words())
    with pytest.raises(WrongKey):
        verify_backup(path, owner=other)
