"""Groups in a store that somebody put back: what is old or missing is noticed, and no chain is continued.

Whoever acknowledges a restore goes on: with a new chain, which all others read, as it reads theirs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from siegel.errors import RollbackDetected, StateError
from siegel.groups.state import prefix_of
from siegel.store.anchor import FileAnchor
from siegel.store.backend import Row
from siegel.store.backup import restore_backup, write_backup
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.store.clients import Client, deliver, founded, fresh, places, stored
from tests.store.records_at_hand import KEY

# --- records that are missing or old ---------------------------------------------------------------------------------


def rows_of(backend: MemoryBackend) -> dict[int, dict[bytes, Row]]:
    return {number: dict(rows) for number, rows in backend._rows.items()}


def number_of(store: Store, name: str) -> int:
    return next(entry.number for entry in store._ledger.catalogue.entries if entry.name == name)


@pytest.fixture
def team_on() -> tuple[MemoryBackend, list[Client]]:
    backend = MemoryBackend()
    team = founded(Store.create(backend, key=KEY))
    for client in team:
        client.say("hello")
    deliver(team)
    return backend, team


def test_a_record_that_is_missing_or_hidden_is_noticed(team_on: tuple[MemoryBackend, list[Client]]) -> None:
    backend, (anna, *_) = team_on
    rows = backend._rows[number_of(anna.store, "siegel/group records")]
    prefix = prefix_of(anna.here.group_id)
    names = [name.removeprefix(prefix) for name in stored(anna)]
    records = anna.store.collection("siegel/group records", scope=prefix[:-1])
    assert {name.partition("/")[0] for name in names} >= {"log", "certificate", "chain", "key", "identity", "own"}
    for name in names:
        place = records._name(name)
        row = rows.pop(place)
        for left in (None, row._replace(tags=())):  # deleted; or there, and not to be found
            if left is not None:
                rows[place] = left
            if name.startswith("link/"):  # nothing is decided by a link alone; ``verify`` counts them
                assert Client("anna", Store.open(backend, key=KEY), anna.clock).here.roster == anna.here.roster
            else:
                with pytest.raises(RollbackDetected):
                    Client("anna", Store.open(backend, key=KEY), anna.clock)
        rows[place] = row
    assert Client("anna", Store.open(backend, key=KEY), anna.clock).here.roster == anna.here.roster


def test_a_record_that_is_older_is_noticed(team_on: tuple[MemoryBackend, list[Client]]) -> None:
    backend, (anna, bert, carl) = team_on
    number = number_of(anna.store, "siegel/group records")
    before = dict(backend._rows[number])
    anna.here.rename("x", at=anna.clock())
    anna.say("again")
    deliver([anna, bert, carl])
    after = backend._rows[number]
    older = [name for name, row in before.items() if name in after and after[name].revision > row.revision]
    assert older
    for name in older:
        newest = after[name]
        after[name] = before[name]
        with pytest.raises(RollbackDetected):
            Client("anna", Store.open(backend, key=KEY), anna.clock)
        after[name] = newest
    assert Client("anna", Store.open(backend, key=KEY), anna.clock).here.roster.name == "x"


def test_a_whole_group_that_is_older_is_noticed(team_on: tuple[MemoryBackend, list[Client]]) -> None:
    backend, (anna, *_) = team_on
    before = rows_of(backend)
    anna.say("again")
    backend._rows.update(before)
    with pytest.raises(RollbackDetected):
        Client("anna", Store.open(backend, key=KEY), anna.clock)


# --- a restore that is acknowledged -----------------------------------------------------------------------------------


class Restored:
    """A team whose anna keeps her store in a file; an old copy of it can be put back."""

    def __init__(self, folder: Path) -> None:
        self._file, self._copy = folder / "s.db", folder / "copy.db"
        self._anchor = FileAnchor(folder / "anchor")
        self.team = founded(Store.create(self._file, key=KEY, anchor=self._anchor))
        self.anna, self.bert, self.carl = self.team
        self.wire: list[bytes] = []

    def say(self, *clients: Client) -> list[bytes]:
        """Each of them says something new; everything is delivered. What was said."""
        texts = [f"{client.name} at {client.clock()}" for client in clients]
        for client, text in zip(clients, texts, strict=True):
            client.say(text)
        self.deliver()
        return [text.encode() for text in texts]

    def deliver(self) -> None:
        self.wire += [parcel.data for parcel in deliver(self.team)]

    def keep_copy(self) -> None:
        self.anna.store.close()
        shutil.copy(self._file, self._copy)
        self.anna.use(Store.open(self._file, key=KEY, anchor=self._anchor))

    def put_back(self) -> Store:
        """The old copy stands there again, and is opened for reading, as it can be."""
        self.anna.store.close()
        shutil.copy(self._copy, self._file)
        with pytest.raises(RollbackDetected):
            Store.open(self._file, key=KEY, anchor=self._anchor)
        return Store.open(self._file, key=KEY, anchor=self._anchor, read_only=True)

    def restore(self) -> None:
        store = self.put_back()
        store.acknowledge_restore()
        self.anna.use(store)

    def chains_of_anna(self) -> set[bytes]:
        theirs = {chain_id for client in (self.bert, self.carl) for chain_id in own_chains(client)}
        return {chain_id for chain_id, _ in places(self.wire)} - theirs


def own_chains(client: Client) -> set[bytes]:
    state = client.here._state
    return {*state.flags.own, *([state.sending.certificate.chain_id] if state.sending else [])}


@pytest.fixture
def restored(tmp_path: Path) -> Restored:
    return Restored(tmp_path)


def test_nothing_is_sent_before_somebody_acknowledges(restored: Restored) -> None:
    restored.say(*restored.team)
    restored.keep_copy()
    restored.say(restored.anna)
    restored.anna.use(restored.put_back())
    assert restored.anna.here.roster == restored.bert.here.roster
    before = stored(restored.anna)
    with pytest.raises(RollbackDetected):
        restored.anna.say("in the old chain")
    assert restored.anna.outbox.pending() == []
    assert stored(restored.anna) == before


def test_a_restored_store_begins_a_new_chain_that_everybody_reads(restored: Restored) -> None:
    anna, bert, carl = restored.team
    restored.say(*restored.team)
    restored.say(anna, anna)
    restored.keep_copy()
    restored.say(anna, anna, bert)  # the old chain goes on, and then the store is put back
    before = restored.chains_of_anna()
    restored.restore()
    (text,) = restored.say(anna)
    assert bert.bodies[-1] == carl.bodies[-1] == text
    assert len(restored.chains_of_anna()) == len(before) + 1
    assert all(len(messages) == 1 for messages in places(restored.wire).values())
    for _ in range(3):
        texts = restored.say(*restored.team)
        assert anna.bodies[-2:] == texts[1:]
        assert [body for body in bert.bodies if body in texts] == [texts[0], texts[2]]
        assert [body for body in carl.bodies if body in texts] == texts[:2]
    assert len(restored.chains_of_anna()) == len(before) + 1, "one new chain, and no more"
    assert bert.here.gaps() == carl.here.gaps() == ()


def test_the_new_chain_is_begun_once_whatever_comes_in_between(restored: Restored) -> None:
    anna, bert, _ = restored.team
    restored.say(*restored.team)
    restored.keep_copy()
    restored.say(anna)
    restored.restore()
    restored.say(bert)  # writes to anna's group before she has said anything
    restored.anna.use(anna.store)
    restored.say(bert)
    before = restored.chains_of_anna()
    restored.say(anna)
    restored.anna.use(anna.store)
    restored.say(anna)
    assert len(restored.chains_of_anna()) == len(before) + 1


def test_a_second_restore_begins_a_second_chain(restored: Restored) -> None:
    anna, bert, carl = restored.team
    restored.say(*restored.team)
    restored.keep_copy()
    seen = restored.chains_of_anna()
    for _ in range(3):
        restored.say(anna, anna)
        restored.restore()
        (text,) = restored.say(anna)
        assert bert.bodies[-1] == carl.bodies[-1] == text
        assert restored.chains_of_anna() > seen
        seen = restored.chains_of_anna()
    assert all(len(messages) == 1 for messages in places(restored.wire).values())


def test_what_waited_in_a_restored_outbox_is_sent_as_it_was(restored: Restored) -> None:
    anna, bert, _ = restored.team
    restored.say(*restored.team)
    anna.say("waiting")
    restored.keep_copy()
    waiting = anna.outbox.pending()
    restored.deliver()
    restored.restore()
    assert anna.outbox.pending() == waiting
    restored.deliver()
    assert bert.bodies.count(b"waiting") == 1
    assert all(len(messages) == 1 for messages in places(restored.wire).values())


def test_a_group_object_that_lives_through_it_begins_a_new_chain_too() -> None:
    anna, bert, carl = founded()
    anna.say("before")
    deliver([anna, bert, carl])
    before = own_chains(anna)
    anna.store._ledger.rolled_back("as if an old copy had been put back under the open store")
    with pytest.raises(RollbackDetected):
        anna.say("refused")
    anna.store.acknowledge_restore()
    anna.say("after")
    deliver([anna, bert, carl])
    assert bert.bodies == [b"before", b"after"]
    assert not own_chains(anna) & before


def test_every_group_of_the_store_begins_a_new_chain() -> None:
    anna, bert, carl = founded()
    others = founded(anna.store, names=["anna", "dora"])
    anna.say("before")
    others[0].say("before")
    deliver([anna, bert, carl])
    before = [own_chains(client) for client in (anna, others[0])]
    anna.store._ledger.rolled_back("an old copy")
    anna.store.acknowledge_restore()
    for client, chains in zip((anna, others[0]), before, strict=True):
        client.say("after")
        assert own_chains(client).isdisjoint(chains)


def copied(store: Store, scope: str) -> Store:
    """A store of another id with the same records, as an import makes it."""
    other = fresh()
    for name, index in (("siegel/groups", ()), ("siegel/group records", ("folder",))):
        records = store.collection(name, scope=scope, index=index).scan()
        other.collection(name, scope=scope, index=index).put_many(records)
    return other


def test_an_imported_store_begins_a_new_chain() -> None:
    anna, bert, carl = founded()
    for client in (anna, bert, carl, anna):
        client.say("before")
        deliver([anna, bert, carl])
    before = own_chains(anna)
    scope = prefix_of(anna.here.group_id)[:-1]
    moved = Client("anna", copied(anna.store, scope), anna.clock)
    assert moved.here.roster == anna.here.roster
    for text in ("one", "two"):
        moved.say(text)
        bert.say(f"answer to {text}")
        deliver([moved, bert, carl])
    assert own_chains(moved).isdisjoint(before)
    assert bert.bodies[-2:] == [b"one", b"two"]
    assert carl.bodies[-4:] == [b"one", b"answer to one", b"two", b"answer to two"]
    assert moved.bodies == [b"answer to one", b"answer to two"]
    again = Client("anna", moved.store, anna.clock)
    assert again.here.roster == moved.here.roster, "what was counted anew is right"


def test_a_store_that_was_restored_from_a_backup_begins_a_new_chain(tmp_path: Path) -> None:
    anna, bert, carl = founded()
    for client in (anna, bert, carl, anna):
        client.say("before")
        deliver([anna, bert, carl])
    write_backup(anna.store, tmp_path / "backup", identity=anna.identity)
    wire = []
    for client in (anna, bert):  # and the machine is lost
        client.say("since")
        wire += [parcel.data for parcel in deliver([anna, bert, carl])]
    empty = fresh()
    restore_backup(tmp_path / "backup", empty, owner=anna.identity)
    again = Client("anna", empty, anna.clock)
    assert again.here.roster == bert.here.roster
    again.here.request(at=anna.clock())
    wire += [parcel.data for parcel in deliver([again, bert, carl])]
    for text in ("one", "two"):
        again.say(text)
        bert.say(f"answer to {text}")
        wire += [parcel.data for parcel in deliver([again, bert, carl])]
    assert own_chains(again).isdisjoint(own_chains(anna))
    assert all(len(messages) == 1 for messages in places(wire).values())
    assert bert.bodies[-2:] == [b"one", b"two"]
    assert carl.bodies[-4:] == [b"one", b"answer to one", b"two", b"answer to two"]
    assert again.bodies == [b"answer to one", b"answer to two"]
    assert Client("anna", empty, anna.clock).here.roster == bert.here.roster, "what was counted anew is right"


def test_a_damaged_group_can_be_used_on_when_that_is_acknowledged(
    team_on: tuple[MemoryBackend, list[Client]],
) -> None:
    backend, (anna, bert, carl) = team_on
    records = anna.store.collection("siegel/group records", scope=prefix_of(anna.here.group_id)[:-1])
    name = next(name for name in stored(anna) if "/identity/" in name).removeprefix(prefix_of(anna.here.group_id))
    del backend._rows[number_of(anna.store, "siegel/group records")][records._name(name)]
    store = Store.open(backend, key=KEY)
    with pytest.raises(RollbackDetected):
        Client("anna", store, anna.clock)
    assert store.read_only
    store.acknowledge_restore()
    anna.use(store)
    anna.say("after")
    deliver([anna, bert, carl])
    assert bert.bodies[-1] == carl.bodies[-1] == b"after"
    anna.use(store)
    anna.say("and on")


def test_a_store_that_was_opened_for_reading_sends_nothing(tmp_path: Path) -> None:
    team = founded(Store.create(tmp_path / "s.db", key=KEY))
    team[0].store.close()
    client = Client("anna", Store.open(tmp_path / "s.db", key=KEY, read_only=True), team[0].clock)
    with pytest.raises(StateError):
        client.say("x")
    with pytest.raises(StateError):
        client.here.rotate(at=client.clock())
    assert client.outbox.pending() == []
