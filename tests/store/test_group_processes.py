"""Real processes on one store: two that encrypt in one group, one that is killed in the middle of its work."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from siegel.events import MessageReceived
from siegel.store.postgres_backend import PostgresBackend
from siegel.store.store import Store
from tests.store import senders
from tests.store.clients import deliver, founded, places
from tests.store.records_at_hand import KEY

ROUNDS = 8


def two_at_once(store: Store, how: str, place: Path | str, count: int) -> int:
    """Two processes encrypt in one group; everything arrives. How often one came in between the other's reading."""
    team = founded(store)
    anna, bert, carl = team
    anna.clock.at = senders.LATER
    processes = [senders.start(how, place, number, count) for number in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    conflicts = 0
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        conflicts += int(output.split()[-1])
    wire = [parcel.data for parcel in anna.outbox.pending(limit=10_000)]
    found = places(wire)
    assert len(found) == 2 * count
    assert all(len(messages) == 1 for messages in found.values())
    assert {number for _, number in found} == set(range(2 * count)), "one chain, without a gap"
    deliver(team)
    for client in (bert, carl):
        assert Counter(client.bodies) == Counter(f"{name} {n}".encode() for name in range(2) for n in range(count))
        assert [body for body in client.bodies if body.startswith(b"0 ")] == [b"0 %d" % n for n in range(count)]
        assert client.here.gaps() == ()
    anna.say("and the first process goes on")
    deliver(team)
    assert bert.bodies[-1] == b"and the first process goes on"
    return conflicts


def test_two_processes_never_use_one_index_twice(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    two_at_once(Store.create(path, key=KEY), "send", path, 150)


def test_within_a_transaction_no_other_process_comes_in_between(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    assert two_at_once(Store.create(path, key=KEY), "locked", path, 150) == 0


@pytest.mark.parametrize("how", ["send", "locked"])
def test_where_many_write_at_once_no_index_is_used_twice_either(how: str, postgres_address: str) -> None:
    backend = PostgresBackend(postgres_address, create=True)
    two_at_once(Store.create(backend, key=KEY), how, postgres_address, 50)
    backend.close()


def killed(how: str, path: Path, number: int, delay: float) -> int:
    """Lets a process work for a while after its first sign, and kills it; the last number that it told of."""
    process = senders.start(how, path, number)
    assert process.stdout is not None
    told = process.stdout.readline()
    time.sleep(delay)
    process.kill()
    rest, _ = process.communicate(timeout=60)
    lines = [told, *rest.splitlines(keepends=True)]
    return int([line for line in lines if line.endswith("\n")][-1])


def test_killed_at_random_while_it_sends(tmp_path: Path) -> None:
    path, chance = tmp_path / "s.db", random.Random(5)
    team = founded(Store.create(path, key=KEY))
    anna, bert, carl = team
    anna.clock.at = senders.LATER
    anna.store.close()
    number = 0
    for _ in range(ROUNDS):
        last = killed("work", path, number, chance.uniform(0, 0.15))
        with Store.open(path, key=KEY) as store:
            history = {int(str(record.key)) for record in store.collection("history").scan()}
            assert not store.verify().faults
        assert history in (set(range(last + 1)), set(range(last + 2))), "what was told of is kept, and one more at most"
        number = len(history)
    anna.use(Store.open(path, key=KEY))
    wire = senders.on_the_wire(path.with_suffix(".wire"))
    wire += [parcel.data for parcel in anna.outbox.pending(limit=10_000)]
    assert all(len(messages) == 1 for messages in places(wire).values()), "the same bytes, if it was delivered again"
    assert len(places(wire)) == number
    for client in (bert, carl):
        for data in wire:
            client.take(data)
        assert client.bodies == [b"%d" % n for n in range(number)]
        assert client.here.gaps() == ()


def test_killed_at_random_while_it_receives(tmp_path: Path) -> None:
    path, chance, count = tmp_path / "bert.db", random.Random(6), 400
    team = founded(Store.create(tmp_path / "anna.db", key=KEY), Store.create(path, key=KEY))
    anna, bert, _ = team
    anna.clock.at = senders.LATER
    with anna.store.transaction():
        for number in range(count):
            anna.say(str(number))
    wire = [parcel.data for parcel in anna.outbox.pending(limit=10_000)]
    path.with_suffix(".wire").write_text("".join(f"{data.hex()}\n" for data in wire))
    bert.store.close()
    for _ in range(ROUNDS // 2):
        killed("receive", path, 0, chance.uniform(0, 0.1))
    bert.use(Store.open(path, key=KEY))
    kept = {str(record.key) for record in bert.store.collection("history").scan()}
    for data in wire:
        bert.take(data)
    again = [event.body.decode() for event in bert.events if isinstance(event, MessageReceived)]
    assert sorted([*kept, *again], key=int) == [str(number) for number in range(count)], "each of them once"
    assert bert.here.gaps() == ()
