"""STO-11, STO-12: a database that fails at any call leaves the old state or the new one, and a store that goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from siegel.errors import CorruptHeader, RollbackDetected, StateError, StoreError
from siegel.store.anchor import CallbackAnchor
from siegel.store.keys import RecoveryWords
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.store.failing import FailingBackend
from tests.store.records_at_hand import KEY, new_store

NOW = 1_800_000_000_000
WORDS = RecoveryWords.generate()


def content(store: Store) -> dict[str, object]:
    """All that the store says."""
    found: dict[str, object] = {"collections": store.collections(), "slots": len(store.slots())}
    for name in store.collections():
        collection = store.collection(name, index=["f"])
        found[name] = {(r.key, r.value, r.revision) for r in collection.scan(at=0)}
        found[f"{name} by field"] = {r.key for r in collection.find(f="x", at=0)}
    return found


def prepared() -> tuple[FailingBackend, Store]:
    backend = FailingBackend(MemoryBackend())
    store = Store.create(backend.whole, key=KEY)
    for name in ("one", "two"):
        collection = store.collection(name, index=["f"])
        collection.put_many([(str(number), b"old") for number in range(5)])
    store.collection("one", index=["f"]).put("found", b"old", index={"f": "x"}, expires=NOW)
    return backend, store


def several(store: Store) -> None:
    one, two = store.collection("one", index=["f"]), store.collection("two", index=["f"], scope="of its own")
    with store.transaction():
        one.put("1", b"new", index={"f": "x"})
        two.put("1", b"new")
        one.delete("2")
        store.collection("three", index=["f"]).put("3", b"new")
        one.put("1", b"newer")


ACTS: dict[str, Callable[[Store], object]] = {
    "put": lambda store: store.collection("one").put("new", b"new"),
    "put over": lambda store: store.collection("one").put("found", b"new"),
    "put many": lambda store: store.collection("two").put_many([("0", b"new"), ("9", b"new")]),
    "delete": lambda store: store.collection("one").delete("found"),
    "several": several,
    "a new collection": lambda store: store.collection("three"),
    "a new scope": lambda store: store.collection("one", scope="s").put("a", b"new"),
    "add a slot": lambda store: store.add_slot(WORDS),
    "remove a slot": lambda store: store.remove_slot(store.slots()[1].id),
    "rotate": lambda store: store.rotate(),
    "sweep": lambda store: store.sweep(at=NOW),
}


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("strict", [False, True], ids=["", "watched"])
@pytest.mark.parametrize("act", ACTS)
def test_whatever_fails_the_state_is_old_or_new(act: str, late: bool, strict: bool) -> None:  # noqa: FBT001  # parameters
    """Attack ST-12. And the store that saw the failure agrees with one that is opened afterwards."""
    call = 0
    while True:
        call += 1
        backend, store = prepared()
        if act == "remove a slot":
            store.add_slot(WORDS)
        if strict:
            assert store.collection("one", strict=True).get("1") is not None
        old, restores = content(store), store.restores
        backend.arm(call, late=late)
        failed = False
        try:
            ACTS[act](store)
        except StoreError:
            failed = True
        reached = backend.calls >= call
        backend.arm(None)
        if not reached:
            break
        after = content(store)
        fresh = Store.open(backend.crashed(), key=KEY)
        assert content(fresh) == after, call
        assert fresh.verify().ok
        assert store.verify().ok
        assert fresh.restores == restores
        assert not store.read_only
        if not failed or after != old:
            assert after == new_content(act), call
        with suppress(StateError, IndexError):  # a part of it may be done already
            ACTS[act](store)
        store.collection("one", strict=strict).put("afterwards", b"")
        assert Store.open(backend.inner, key=KEY).verify().ok
        assert store.verify().ok
    assert call > 4
    assert not failed
    assert content(store) == new_content(act)


def new_content(act: str) -> dict[str, object]:
    _, store = prepared()
    if act == "remove a slot":
        store.add_slot(WORDS)
    ACTS[act](store)
    return content(store)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_store_that_was_not_made_whole_can_be_made_again(late: bool) -> None:  # noqa: FBT001  # a parameter
    for call in range(1, 12):
        backend = FailingBackend(MemoryBackend())
        backend.arm(call, late=late)
        try:
            Store.create(backend.whole, key=KEY)
        except StoreError:
            backend.arm(None)
            inner = backend.crashed()
            if inner.blocks():
                assert Store.open(inner, key=KEY).verify().ok, "all of it is there"
            else:
                Store.create(inner, key=KEY)


def test_what_failed_is_not_counted_against_the_anchor() -> None:
    told: list[tuple[int, bytes]] = []
    anchor = CallbackAnchor(lambda: told[-1] if told else None, lambda at, digest: told.append((at, digest)))
    backend = FailingBackend(MemoryBackend())
    store = Store.create(backend.whole, key=KEY, anchor=anchor)
    collection = store.collection("c")
    for call in range(1, 12):
        for late in (False, True):
            backend.arm(call, late=late)
            with suppress(StoreError):
                collection.put("a", b"")
            backend.arm(None)
    collection.put("a", b"")
    assert [at for at, _ in told] == sorted({at for at, _ in told})
    assert told[-1][0] == store.sequence
    assert Store.open(backend.inner, key=KEY, anchor=anchor).verify().ok


# --- headers that somebody else wrote --------------------------------------------------------------------------------


def test_the_header_of_another_store_is_refused() -> None:
    """Attack ST-2."""
    backend, other = MemoryBackend(), MemoryBackend()
    new_store(backend).collection("c").put("a", b"1")
    new_store(other).collection("c").put("a", b"1")
    own = backend.blocks()
    for names in (["header"], ["catalogue"], ["slots"], ["header", "catalogue"], ["slots", "header"]):
        for name in names:
            backend.put_block(name, other.blocks()[name])
        with pytest.raises(StoreError):
            Store.open(backend, key=KEY)
        for name, block in own.items():
            backend.put_block(name, block)
    assert Store.open(backend, key=KEY).verify().ok


def test_a_missing_block_is_told() -> None:
    for name in ("header", "catalogue", "slots"):
        backend = MemoryBackend()
        new_store(backend)
        backend.put_block(name, None)
        with pytest.raises(CorruptHeader):
            Store.open(backend, key=KEY)


def test_an_old_header_over_new_records_is_told_by_verify() -> None:
    """Attack ST-4."""
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    collection.put("a", b"1")
    old = backend.blocks()
    collection.put("b", b"2")
    for name, block in old.items():
        backend.put_block(name, block)
    assert [fault.what for fault in Store.open(backend, key=KEY).verify().faults] == [
        "has 2 records, and 1 were written"
    ]


def test_a_header_that_changes_between_reading_and_writing_stops_the_writing() -> None:
    """Attack ST-2: no time between check and use."""
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    with pytest.raises(StoreError, match="another writer"):  # noqa: PT012, SIM117  # the error comes at the end of the block
        with store.transaction():
            collection.put("a", b"1")
            backend.put_block("header", b"forged")
    assert collection.get("a") is None
    assert store.verify().ok


def test_a_block_that_is_put_back_alone_is_noticed_by_the_next_reading() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    old = backend.blocks()
    store.collection("c")
    backend.changed = lambda: True  # type: ignore[method-assign]  # another process may have written
    backend.put_block("catalogue", old["catalogue"])
    with pytest.raises(CorruptHeader):
        store.collection("c").put("a", b"1")
    backend.put_block("header", old["header"])
    with pytest.raises(RollbackDetected):
        store.collection("c").put("a", b"1")
