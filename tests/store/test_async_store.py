"""A store among coroutines: what they write at a time is one transaction, and each has its own result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from siegel.errors import Conflict, InvalidArgument, StateError, StoreError, WrongKey
from siegel.store.async_store import AsyncStore
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.people import secret_of
from tests.store.failing import FailingBackend
from tests.store.records_at_hand import KEY


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    match request.param:
        case "memory":
            return MemoryBackend()
        case "sqlite":
            return tmp_path / "s.db"
        case _:
            server = conninfo_to_dict(request.getfixturevalue("postgres_address"))
            return f"postgresql://{server['user']}@{server['host']}:{server['port']}/{server['dbname']}"


def within(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 60))


async def sequence(store: AsyncStore) -> int:
    return await store.run(lambda inner: inner.sequence)


def test_what_was_awaited_is_read_and_is_there_again(place: Any) -> None:
    async def scene() -> None:
        async with await AsyncStore.create(place, key=KEY) as store:
            messages = await store.collection("messages", scope="bert", index=["folder"])
            assert await messages.put("a", b"1", index={"folder": "in"}) == 1
            assert await messages.put_many([("b", b"2"), ("c", b"3")]) == [1, 1]
            assert await messages.delete("c") == 1
            assert [record and record.value for record in await messages.get_many(["a", "b", "c"])] == [
                b"1",
                b"2",
                None,
            ]
            assert [record.key async for record in messages.find(folder="in")] == ["a"]
        async with await AsyncStore.open(place, key=KEY) as store:
            messages = await store.collection("messages", scope="bert")
            assert sorted([record.value async for record in messages.scan()]) == [b"1", b"2"]
            record = await messages.get("a")
            assert record is not None
            assert record.value == b"1"

    within(scene())


def test_writers_of_the_moment_share_a_transaction_and_a_refusal_is_of_one(place: Any) -> None:
    async def scene() -> None:
        async with await AsyncStore.create(place, key=KEY) as store:
            records = await store.collection("c")
            await records.put("taken", b"")
            before = await sequence(store)
            writings = [records.put("taken" if n == 50 else f"{n}", b"x", expected=0) for n in range(200)]
            answers = await asyncio.gather(*writings, return_exceptions=True)
            assert [n for n, answer in enumerate(answers) if answer != 1] == [50]
            assert isinstance(answers[50], Conflict)
            if not str(place).startswith("postgresql"):  # whose header does not follow each transaction
                assert await sequence(store) - before < 100
            assert len([record async for record in records.scan()]) == 200

    within(scene())


def test_a_function_that_fails_is_undone_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await AsyncStore.create(tmp_path / "s.db", key=KEY) as store:
            await store.collection("c")

            def change(number: int) -> Any:
                def work(inner: Store) -> int:
                    inner.collection("c").put(f"{number}", b"")
                    if number % 10 == 3:
                        raise LookupError(number)
                    return number

                return work

            answers = await asyncio.gather(*[store.write(change(n)) for n in range(40)], return_exceptions=True)
            failed = [n for n, answer in enumerate(answers) if isinstance(answer, LookupError)]
            assert failed == [3, 13, 23, 33]
            kept = await store.read(lambda inner: [record.key for record in inner.collection("c").scan()])
            assert sorted(map(int, map(str, kept))) == [n for n in range(40) if n not in failed]

            def ended(_: Store) -> None:
                raise StopIteration

            for way in (store.write, store.read, store.run):
                with pytest.raises(RuntimeError):
                    await way(ended)

    within(scene())


def test_a_commit_that_fails_fails_all_who_were_in_it_and_the_store_goes_on() -> None:
    async def scene() -> None:
        backend: Any = FailingBackend(MemoryBackend())
        async with await AsyncStore.create(backend, key=KEY) as store:
            records = await store.collection("c")
            await records.put("a", b"")
            gate = threading.Event()
            waiting = asyncio.ensure_future(store.run(lambda _: gate.wait(10)))
            writings = [asyncio.ensure_future(records.put(f"{n}", b"")) for n in range(5)]
            await asyncio.sleep(0)
            backend.arm(1 + 1 + 5 * 2 + 2)  # begin, changed, a get and a put each, the header, COMMIT
            gate.set()
            await waiting
            answers = await asyncio.gather(*writings, return_exceptions=True)
            backend.arm(None)
            assert all(isinstance(answer, StoreError) for answer in answers)
            assert [record.key async for record in records.scan()] == ["a"]
            assert await records.put("1", b"") == 1

    within(scene())


def test_who_is_cancelled_wrote_once_or_never_and_takes_nobody_with_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await AsyncStore.create(tmp_path / "s.db", key=KEY) as store:
            records = await store.collection("c")
            gate = threading.Event()
            waiting = asyncio.ensure_future(store.run(lambda _: gate.wait(10)))
            writings = [asyncio.ensure_future(records.put(f"{n}", b"")) for n in range(20)]
            await asyncio.sleep(0)
            for writing in writings[::2]:
                writing.cancel()
            await asyncio.sleep(0)
            gate.set()
            await waiting
            answers = await asyncio.gather(*writings, return_exceptions=True)
            assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
            assert answers[1::2] == [1] * 10
            assert {record.key async for record in records.scan()} == {f"{n}" for n in range(1, 20, 2)}

            begun, end = threading.Event(), threading.Event()

            def slow(inner: Store) -> None:
                begun.set()
                inner.collection("c").put("slow", b"")
                end.wait(10)

            last = asyncio.ensure_future(store.write(slow))
            await asyncio.to_thread(begun.wait, 10)
            last.cancel()
            with pytest.raises(asyncio.CancelledError):
                await last
            end.set()
            await store.run(lambda _: None)
            record = await records.get("slow")
            assert record is not None
            assert record.revision == 1

    within(scene())


def test_readers_wait_for_no_writer(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await AsyncStore.create(tmp_path / "s.db", key=KEY) as store:
            strict = await store.collection("strict", strict=True)
            records = await store.collection("c", scope="bert")
            await asyncio.gather(strict.put("s", b"1"), records.put("a", b"1"))
            begun, end = threading.Event(), threading.Event()

            def slow(inner: Store) -> None:
                inner.collection("c", scope="bert").put("a", b"2")
                begun.set()
                end.wait(10)

            writing = asyncio.ensure_future(store.write(slow))
            await asyncio.to_thread(begun.wait, 10)
            for collection in (records, strict):
                assert [record.value async for record in collection.scan()] == [b"1"]
            end.set()
            await writing
            record = await records.get("a")
            assert record is not None
            assert record.value == b"2"

    within(scene())


def test_closing_waits_for_what_was_asked_for_before(place: Any) -> None:
    async def scene() -> None:
        store = await AsyncStore.create(place, key=KEY)
        records = await store.collection("c")
        writings = [asyncio.ensure_future(records.put(f"{n}", b"")) for n in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(store.close(), store.close())
        assert await asyncio.gather(*writings) == [1] * 50
        with pytest.raises(StateError, match="closed"):
            await records.put("late", b"")
        with pytest.raises(StateError, match="closed"):
            await records.get("1")
        async with await AsyncStore.open(place, key=KEY) as store:
            records = await store.collection("c")
            assert len([record async for record in records.scan()]) == 50

    within(scene())


def test_what_was_erased_is_forgotten_by_the_reader_too(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await AsyncStore.create(tmp_path / "s.db", key=KEY) as store:
            records = await store.collection("c", scope="bert")
            await records.put("a", b"1")
            assert await records.get("a") is not None
            await store.run(lambda inner: inner.erase("bert"))
            assert await records.get("a") is None
            keyring = await store.read(lambda inner: inner._ledger.keyring)
            assert keyring.kids(scope=keyring.scope_id("bert")) == ()

    within(scene())


def test_what_does_not_open_leaves_no_thread(tmp_path: Path) -> None:
    async def scene() -> None:
        await (await AsyncStore.create(tmp_path / "s.db", key=KEY)).close()
        with pytest.raises(WrongKey):
            await AsyncStore.open(tmp_path / "s.db", key=secret_of("another"))
        with Store.open(tmp_path / "s.db", key=KEY) as store, pytest.raises(InvalidArgument):
            await AsyncStore.open(store._backend._session._connection, key=KEY)  # type: ignore[attr-defined]
        await asyncio.sleep(0.1)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("siegel-")]

    within(scene())
