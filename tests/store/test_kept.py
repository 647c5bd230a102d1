"""Contacts and sealing keys in a store: what was saved is there again, and no older copy takes its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from siegel import Contacts, ContactState, SealingKeys, open_sealed, seal
from siegel.errors import Conflict, Expired, InvalidArgument, RollbackDetected
from siegel.store.backend import Row
from siegel.store.kept import StoredContacts, StoredSealingKeys
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.people import AT, DAY, person, public
from tests.store.clients import fresh, undone
from tests.store.records_at_hand import KEY

US = person("alice").user_id


def contacts_in(store: Store) -> StoredContacts:
    return StoredContacts(store, ours=US)


def keys_in(store: Store) -> StoredSealingKeys:
    return StoredSealingKeys(store, identity=person("alice"))


def test_contacts_are_there_again(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        kept = contacts_in(store)
        assert isinstance(kept.contacts, Contacts)
        assert (len(kept.contacts), kept.contacts.ours) == (0, US)
        kept.contacts.add(public("bob"), name="bob")
        kept.save()
    with Store.open(tmp_path / "s.db", key=KEY) as store:
        contacts = StoredContacts(store).contacts
        assert contacts.get("bob") == public("bob")
        assert contacts.state(public("bob").user_id) is ContactState.PINNED
        assert contacts.ours == US


def test_sealing_keys_open_what_was_sealed_before(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        kept = keys_in(store)
        assert isinstance(kept.keys, SealingKeys)
        assert kept.keys.numbers == ()
        record = kept.keys.rotate(at=AT)
        kept.save()
    envelope = seal(b"hello", sender=person("bob"), recipients=[record], at=AT)
    with Store.open(tmp_path / "s.db", key=KEY) as store:
        kept = keys_in(store)
        assert open_sealed(envelope, identity=kept.keys, contacts=[public("bob")]).body == b"hello"
        assert kept.keys.newest() == record
        kept.keys.expire(at=AT + 100 * DAY)
        kept.save()
    with Store.open(tmp_path / "s.db", key=KEY) as store, pytest.raises(Expired):
        open_sealed(envelope, identity=keys_in(store).keys, contacts=[public("bob")])


def test_life_and_grace_count_where_nothing_was_saved() -> None:
    store = fresh()
    first = StoredSealingKeys(store, identity=person("alice"), life=DAY, grace=DAY)
    assert first.keys.rotate(at=AT).not_after == AT + DAY
    first.save()
    again = StoredSealingKeys(store, identity=person("alice"), life=3 * DAY)
    assert again.keys.rotate(at=AT + 1).not_after == AT + 1 + DAY
    with pytest.raises(InvalidArgument):
        StoredSealingKeys(store, identity=person("bob"), life=0)


def test_each_identity_has_keys_of_its_own() -> None:
    store = fresh()
    alice = keys_in(store)
    alice.keys.rotate(at=AT)
    alice.save()
    assert StoredSealingKeys(store, identity=person("bob")).keys.numbers == ()
    assert keys_in(store).keys.numbers == (AT,)


def change_contacts(kept: StoredContacts) -> bytes:
    kept.contacts.add(public("bob" if len(kept.contacts) == 0 else "carol"))
    return kept.contacts.encode()


def change_keys(kept: StoredSealingKeys) -> bytes:
    kept.keys.rotate(at=AT + DAY * len(kept.keys.numbers))
    return kept.keys.encode()


BOTH = pytest.mark.parametrize(
    ("opened", "change"), [(contacts_in, change_contacts), (keys_in, change_keys)], ids=["contacts", "sealing keys"]
)
Opened = Callable[[Store], StoredContacts | StoredSealingKeys]
Change = Callable[[object], bytes]


def value(kept: StoredContacts | StoredSealingKeys) -> bytes:
    return kept.contacts.encode() if isinstance(kept, StoredContacts) else kept.keys.encode()


@BOTH
def test_a_stale_copy_overwrites_nothing(opened: Opened, change: Change) -> None:
    store = fresh()
    one, other = opened(store), opened(store)
    newest = change(one)
    one.save()
    change(other)
    for _ in range(2):
        with pytest.raises(Conflict):
            other.save()
    assert value(opened(store)) == newest
    other.reload()
    assert value(other) == newest
    newest = change(other)
    other.save()
    other.save()
    assert value(opened(store)) == newest
    with pytest.raises(Conflict):
        one.save()


@BOTH
def test_a_saving_that_was_undone_is_noticed(opened: Opened, change: Change) -> None:
    store = fresh()
    kept = opened(store)
    before = value(kept)
    with undone(store):
        change(kept)
        kept.save()
    with pytest.raises(Conflict):
        kept.save()
    kept.reload()
    assert value(kept) == before
    newest = change(kept)
    kept.save()
    assert value(opened(store)) == newest


@BOTH
def test_not_over_what_another_wrote_after_ours_was_undone(tmp_path: Path, opened: Opened, change: Change) -> None:
    store = Store.create(tmp_path / "s.db", key=KEY)
    kept, other = opened(store), opened(Store.open(tmp_path / "s.db", key=KEY))
    with undone(store):
        change(kept)
        kept.save()
    change(other)
    newest = change(other)
    other.save()  # the revision is the one that ours would have had
    with pytest.raises(Conflict):
        kept.save()
    assert value(opened(store)) == newest


@BOTH
def test_a_refusal_leaves_the_transaction_as_it_is(opened: Opened, change: Change) -> None:
    store = fresh()
    one, other = opened(store), opened(store)
    change(one)
    one.save()
    with store.transaction():
        change(other)
        with pytest.raises(Conflict):
            other.save()
        other.reload()
        newest = change(other)
        other.save()
    assert value(opened(store)) == newest


@BOTH
def test_an_older_record_that_is_put_back_is_noticed(opened: Opened, change: Change) -> None:
    backend = MemoryBackend()
    store = Store.create(backend, key=KEY)
    kept = opened(store)
    change(kept)
    kept.save()
    old: dict[int, dict[bytes, Row]] = {number: dict(rows) for number, rows in backend._rows.items()}
    change(kept)
    kept.save()
    for number, rows in old.items():
        backend._rows[number].update(rows)
    with pytest.raises(RollbackDetected):
        opened(store)


def test_keys_are_not_shown() -> None:
    kept = keys_in(fresh())
    assert repr(kept) == "<StoredSealingKeys>"
    with pytest.raises(TypeError):
        kept.__reduce__()
