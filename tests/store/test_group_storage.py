"""Groups that live in a store: what is loaded is what was committed, the newest, and all of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import Group, MemoryStorage, Outgoing
from siegel.errors import Conflict, InvalidArgument, Replay, StateError
from siegel.events import MessageReceived
from siegel.groups.state import prefix_of
from siegel.groups.storage import SharedStorage
from siegel.store import group_storage as room
from siegel.store.backend import Backend, Row
from siegel.store.group_storage import StoreStorage
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.people import company, person, public
from tests.store.clients import CONTACTS, TEAM, Client, Clock, deliver, founded, fresh, places, stored, undone
from tests.store.records_at_hand import KEY

GROUP = prefix_of(bytes(range(32)))
NOTHING = Outgoing()


# --- as groups use it ------------------------------------------------------------------------------------------------


def test_a_group_lives_in_every_database(fresh: Callable[[], Backend]) -> None:
    backend = fresh()
    team = founded(Store.create(backend, key=KEY))
    anna, bert, carl = team
    for number in range(3):
        for client in team:
            client.say(f"{client.name} {number}")
        deliver(team)
    anna.here.remove([carl.identity.user_id], at=anna.clock())
    deliver(team)
    anna.use(Store.open(backend, key=KEY))
    assert anna.here.roster == bert.here.roster
    assert len(anna.here.roster.members) == 2
    anna.say("after")
    bert.say("after, too")
    deliver(team)
    assert bert.bodies[-1] == b"after"
    assert anna.bodies == [b"bert 0", b"carl 0", b"bert 1", b"carl 1", b"bert 2", b"carl 2", b"after, too"]
    assert b"after" not in carl.bodies


def test_a_group_that_is_loaded_is_the_one_that_was_kept() -> None:
    anna, bert, _ = founded()
    anna.say("hello")
    deliver([anna, bert])
    for client in (anna, bert):
        again = client.load(client.here.group_id)
        assert again.roster == client.here.roster
        assert again.gaps() == client.here.gaps() == ()
        assert again.export() == client.here.export()


def test_every_act_is_kept_before_it_is_given_out() -> None:
    team = founded()
    anna, bert, carl = team
    acts: list[Callable[[], object]] = [
        lambda: anna.here.rename("another name", at=anna.clock()),
        lambda: anna.here.add([public("dora")], at=anna.clock()),
        lambda: anna.here.refresh(at=anna.clock()),
        lambda: anna.here.rotate(at=anna.clock()),
        lambda: bert.here.request(at=bert.clock()),
        lambda: carl.here.leave(at=carl.clock()),
        lambda: anna.here.remove([carl.identity.user_id], at=anna.clock()),
    ]
    for act in acts:
        out: Any = act()
        waiting = [parcel for client in team for parcel in client.outbox.pending()]
        assert [parcel.data for parcel in waiting] == [*out.control, *([out.message] if out.message else [])] != []
        assert {parcel.to for parcel in waiting} == {f"group/{anna.here.group_id.hex()}"}
        deliver(team)
        assert anna.load(anna.here.group_id).roster == anna.here.roster == bert.here.roster


def test_groups_are_kept_apart_and_listed() -> None:
    team = founded()
    anna = team[0]
    assert anna.storage.groups() == (anna.here.group_id,)
    other, _ = Group.create(anna.identity, members=[], name="notes", storage=anna.storage, at=anna.clock())
    assert set(anna.storage.groups()) == {anna.here.group_id, other.group_id}
    other.encrypt(b"to ourselves", at=anna.clock())
    assert anna.load(other.group_id).roster.name == "notes"
    assert anna.load(anna.here.group_id).roster.name == "a team"
    assert StoreStorage(fresh()).groups() == ()


def test_a_group_that_is_forgotten_leaves_its_last_head() -> None:
    team = founded()
    anna, bert, _ = team
    anna.say("hello")
    deliver(team)
    bert.here.forget()
    assert bert.storage.groups() == ()
    assert list(stored(bert)) == [f"{prefix_of(anna.here.group_id)}forgotten"]
    with pytest.raises(InvalidArgument):
        bert.load(anna.here.group_id)


def test_an_old_invitation_brings_no_forgotten_group_back() -> None:
    clock = Clock()
    anna, bert = Client("anna", fresh(), clock), Client("bert", fresh(), clock)
    anna.group, out = Group.create(
        anna.identity, members=[public("bert")], name="a team", storage=anna.storage, at=clock()
    )
    (invitation,) = out.control
    bert.take(invitation)
    bert.here.forget()
    bert.group = None
    bert.take(invitation)
    assert bert.group is None
    assert [type(error) for error in bert.errors] == [Replay]


def test_a_scope_that_is_erased_takes_the_group_and_its_history_along() -> None:
    team = founded()
    anna = team[0]
    group_id = anna.here.group_id
    scope = f"group/{group_id.hex()}"
    history = anna.store.collection("history", scope=scope)
    history.put("1", b"a message of the group")
    anna.store.erase(scope)
    assert anna.storage.groups() == ()
    assert history.get("1") is None
    with pytest.raises(InvalidArgument):
        anna.load(group_id)
    assert not anna.store.read_only


# --- one handle for each group object --------------------------------------------------------------------------------


def test_two_objects_of_one_group_never_write_over_each_other() -> None:
    team = founded()
    anna, bert, _ = team
    one, other = anna.here, anna.load(anna.here.group_id)
    for number in range(6):
        (one, other)[number % 2].encrypt(b"%d" % number, at=anna.clock())
    parcels = deliver(team)
    assert bert.bodies == [b"%d" % number for number in range(6)]
    assert all(len(messages) == 1 for messages in places(parcel.data for parcel in parcels).values())


def test_a_commit_over_what_was_not_read_is_a_conflict() -> None:
    storage = StoreStorage(fresh())
    one, other = storage.handle(), storage.handle()
    one.commit({f"{GROUP}own/flags": b"1"}, NOTHING)
    with pytest.raises(Conflict):
        other.commit({f"{GROUP}own/flags": b"2"}, Outgoing(b"message"))
    for _ in range(2):
        with pytest.raises(Conflict):
            other.load(GROUP)  # it would be mixed with what is held
        with pytest.raises(Conflict):
            other.commit({f"{GROUP}own/flags": b"2"}, NOTHING)
    assert other.changed()
    assert list(other.load(GROUP)) == [(f"{GROUP}own/flags", b"1")]
    other.commit({f"{GROUP}own/flags": b"3"}, NOTHING)
    assert one.changed()
    assert not other.changed()
    with pytest.raises(Conflict):
        one.commit({f"{GROUP}own/flags": b"4"}, NOTHING)
    assert one.changed()
    assert list(one.load(f"{GROUP}own/")) == [(f"{GROUP}own/flags", b"3")]
    assert storage.outbox.pending() == []


def test_a_conflict_leaves_the_transaction_as_it_is() -> None:
    store = fresh()
    storage = StoreStorage(store)
    one, other, history = storage.handle(), storage.handle(), store.collection("history")
    one.commit({f"{GROUP}log/1": b"1"}, NOTHING)
    with store.transaction():
        with pytest.raises(Conflict):
            other.commit({f"{GROUP}log/2": b"2"}, NOTHING)
        assert other.changed()
        list(other.load(GROUP))
        other.commit({f"{GROUP}log/2": b"3"}, NOTHING)
        history.put("1", b"")
    assert dict(one.handle().load(GROUP)) == {f"{GROUP}log/1": b"1", f"{GROUP}log/2": b"3"}
    assert history.get("1") is not None


def test_what_is_loaded_belongs_together() -> None:
    storage = StoreStorage(fresh())
    writer, reader = storage.handle(), storage.handle()
    writer.commit({f"{GROUP}log/1": b"1", f"{GROUP}key/1": b"1"}, NOTHING)
    assert len(reader.load(f"{GROUP}log/")) == 1
    writer.commit({f"{GROUP}log/2": b"2", f"{GROUP}key/2": b"2"}, NOTHING)
    for _ in range(2):
        with pytest.raises(Conflict):
            reader.load(f"{GROUP}key/")
    assert reader.changed()
    assert len(reader.load(f"{GROUP}log/")) == len(reader.load(f"{GROUP}key/")) == 2


def test_an_older_group_object_sees_what_a_newer_one_did() -> None:
    team = founded()
    anna, bert, carl = team
    older, newer = anna.here, anna.load(anna.here.group_id)
    newer.remove([carl.identity.user_id], at=anna.clock())
    older.encrypt(b"not for carl", at=anna.clock())
    deliver(team)
    assert bert.bodies == [b"not for carl"]
    assert carl.bodies == []


def test_a_group_that_is_here_is_not_made_again() -> None:
    anna, bert, _ = founded()
    exported = bert.here.export()
    with pytest.raises(StateError):
        Group.restore(exported, identity=bert.identity, contacts=CONTACTS, storage=bert.storage)
    restored = Group.restore(exported, identity=bert.identity, contacts=CONTACTS, storage=StoreStorage(fresh()))
    assert restored.roster == bert.here.roster == anna.here.roster


# --- transactions that are undone ------------------------------------------------------------------------------------


def test_what_was_received_in_a_transaction_that_was_undone_is_received_again() -> None:
    team = founded()
    anna, bert, _ = team
    for text in ("one", "two"):
        anna.say(text)
    mail = [parcel.data for parcel in anna.outbox.pending()]
    with undone(bert.store):
        for data in mail:
            bert.take(data)
    assert bert.bodies == [b"one", b"two"]
    bert.events.clear()
    for data in mail:
        bert.take(data)
    assert bert.bodies == [b"one", b"two"]
    for data in mail:
        bert.take(data)
    assert Replay in [type(error) for error in bert.errors]
    assert bert.bodies == [b"one", b"two"]


def test_what_was_encrypted_in_a_transaction_that_was_undone_is_not_sent() -> None:
    team = founded()
    anna, bert, _ = team
    anna.say("one")
    with undone(anna.store):
        anna.say("two")
        anna.say("three")
    anna.say("four")
    deliver(team)
    assert bert.bodies == [b"one", b"four"]
    assert bert.here.gaps() == ()


def test_an_act_in_a_transaction_that_was_undone_did_not_happen() -> None:
    team = founded()
    anna, bert, carl = team
    with undone(anna.store):
        anna.here.remove([carl.identity.user_id], at=anna.clock())
    anna.say("for all")
    assert len(anna.here.roster.members) == 3
    deliver(team)
    assert bert.bodies == carl.bodies == [b"for all"]


def test_undone_and_written_by_another_meanwhile(tmp_path: Path) -> None:
    team = founded(Store.create(tmp_path / "s.db", key=KEY))
    anna, bert, _ = team
    other = anna.load(anna.here.group_id, StoreStorage(Store.open(tmp_path / "s.db", key=KEY)))
    anna.say("one")
    with undone(anna.store):
        anna.say("two")
    other.encrypt(b"three", at=anna.clock())  # at the revision that ours would have had
    anna.say("four")
    parcels = deliver(team)
    assert bert.bodies == [b"one", b"three", b"four"]
    assert all(len(messages) == 1 for messages in places(parcel.data for parcel in parcels).values())


def test_together_with_the_applications_own_rows(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "app.db")
    connection.execute("CREATE TABLE sent (text TEXT)")
    connection.commit()
    team = founded(Store.create(connection, key=KEY))
    anna, bert, _ = team
    for text, keep in (("one", True), ("two", False), ("three", True)):
        connection.execute("INSERT INTO sent VALUES (?)", (text,))
        anna.say(text)
        with pytest.raises(StateError):
            anna.outbox.pending()
        if keep:
            connection.commit()
        else:
            connection.rollback()
    assert connection.execute("SELECT text FROM sent").fetchall() == [("one",), ("three",)]
    deliver(team)
    assert bert.bodies == [b"one", b"three"]


# --- what it costs ---------------------------------------------------------------------------------------------------


class Watching(MemoryBackend):
    """Notes what is written, and how often is looked for something."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Row] = []
        self.finds = 0
        self.scans = 0

    def put(self, collection: int, rows: Sequence[tuple[Row, int]]) -> None:
        self.written += [row for row, _ in rows]
        super().put(collection, rows)

    def find(self, collection: int, field: int, tag: bytes, *, after: bytes = b"", limit: int) -> list[Row]:
        self.finds += after == b""
        return super().find(collection, field, tag, after=after, limit=limit)

    def scan(self, collection: int, *, after: bytes = b"", limit: int) -> list[Row]:
        self.scans += 1
        return super().scan(collection, after=after, limit=limit)


def test_a_receive_in_a_group_of_a_thousand_writes_less_than_a_kibibyte(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, people = Clock(), company(1_000)
    anna, out = Group.create(person("alice"), members=people[1:], name="everybody", at=clock())
    backend = Watching()
    store = Store.create(backend, key=KEY)
    bob = Group.join(out.control[0], identity=person("bob"), contacts=people, storage=StoreStorage(store), at=clock())
    out = anna.encrypt(b"first", at=clock())
    bob.receive_many([*out.control, *([out.message] if out.message else [])], at=clock())
    names: list[str] = []
    note = room._record

    def noted(name: str, data: bytes) -> Any:
        names.append(name)
        return note(name, data)

    monkeypatch.setattr(room, "_record", noted)
    for number in range(200):
        message = anna.encrypt(b"%d" % number, at=clock()).message
        assert message is not None
        backend.written.clear()
        names.clear()
        (event,) = bob.receive(message, at=clock())
        assert isinstance(event, MessageReceived)
        assert sorted(name.partition("/")[0] for name in names) == ["chain", "link"]
        assert len(backend.written) == 3, "the chain, the link, and the head that says they belong together"
        assert sum(len(row.value) for row in backend.written) < 1024


def test_a_folder_is_one_search() -> None:
    backend = Watching()
    anna, bert, carl = founded(Store.create(backend, key=KEY))
    for client in (bert, carl):
        client.say("hello")
    deliver([anna, bert, carl])
    backend.finds = backend.scans = 0
    handle = anna.storage.handle()
    prefix = prefix_of(anna.here.group_id)
    for count, folder in enumerate(("log/", "certificate/", "chain/", "key/", "identity/", "close/", "own/"), 1):
        handle.load(prefix + folder)
        assert backend.finds == count
    chain = next(name.rpartition("/")[2] for name, _ in handle.load(f"{prefix}chain/"))
    assert handle.load(f"{prefix}link/{chain}/") != []
    assert backend.finds == 9
    assert handle.load(f"{prefix}forgotten") == []
    assert backend.finds == 10
    assert backend.scans == 0


# --- as the protocol says --------------------------------------------------------------------------------------------


def test_it_is_a_shared_storage() -> None:
    assert isinstance(StoreStorage(fresh()), SharedStorage)
    assert not isinstance(MemoryStorage(), SharedStorage)


@pytest.mark.parametrize("name", ["", "group", "group/", "flags", GROUP[:-1], "group/zz/log/1", "x" * 71])
def test_a_name_that_no_group_gives_is_refused(name: str) -> None:
    storage = StoreStorage(fresh())
    with pytest.raises(InvalidArgument):
        storage.load(name)
    with pytest.raises(InvalidArgument):
        storage.commit({name: b""}, NOTHING)


def test_a_handle_is_for_one_group() -> None:
    storage, other = StoreStorage(fresh()), prefix_of(bytes(32))
    storage.commit({f"{GROUP}log/1": b""}, NOTHING)
    with pytest.raises(InvalidArgument):
        storage.load(f"{other}log/")
    with pytest.raises(InvalidArgument):
        storage.commit({f"{GROUP}log/1": b"", f"{other}log/1": b""}, NOTHING)
    with pytest.raises(InvalidArgument, match="first"):
        StoreStorage(fresh()).commit({}, NOTHING)


def test_it_is_not_shown_or_copied() -> None:
    storage = StoreStorage(fresh())
    assert repr(storage) == "<StoreStorage>"
    with pytest.raises(TypeError):
        storage.__reduce__()


def test_nothing_of_a_group_is_readable(tmp_path: Path) -> None:
    team = founded(Store.create(tmp_path / "s.db", key=KEY))
    anna = team[0]
    anna.here.rename("a canary in the name", at=anna.clock())
    anna.say("a canary in the message")
    deliver(team)
    wanted = [b"canary", anna.here.group_id, anna.here.group_id.hex().encode(), b"own/sending", b"certificate/"]
    wanted += [person(name).user_id.data for name in TEAM]
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        assert [each for each in wanted if each in data] == [], file


names = st.sampled_from(["log/1", "log/2", "key/1", "link/aa/1", "link/aa/2", "link/bb/1", "forgotten", "own/audience"])
changes = st.dictionaries(names, st.none() | st.binary(max_size=3), max_size=5)
prefixes = st.sampled_from(["", "log/", "key/", "link/", "link/aa/", "link/bb/", "own/", "forgotten", "log/1", "none/"])


@settings(deadline=None)
@given(st.lists(st.tuples(changes, prefixes, st.booleans()), max_size=8))
def test_as_one_in_memory(steps: list[tuple[dict[str, bytes | None], str, bool]]) -> None:
    storage: StoreStorage = StoreStorage(fresh())
    model = MemoryStorage()
    for step, prefix, anew in steps:
        named: Mapping[str, bytes | None] = {GROUP + name: data for name, data in step.items()}
        if named:
            storage.commit(named, NOTHING)
        model.commit(named, NOTHING)
        if anew:
            storage = storage.handle()
        for wanted in (prefix, ""):
            found = storage.load(GROUP + wanted)
            assert len(dict(found)) == len(found)
            assert dict(found) == dict(model.load(GROUP + wanted))
