"""Records at rest: 512-byte values in SQLite, written in batches and one by one, read, counted; and how the cost grows.

The time that passes is measured, because waiting for the disk is part of it; in turn, so that a slow disk slows all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TypeVar

from benchmarks.measure import Fact, Row, no_collection, row, seconds
from benchmarks.store_peers import Items, Ours, Plain, installed_store_peers
from siegel import Store
from siegel.store.memory_backend import MemoryBackend

VALUE_BYTES = 512
BATCH = 1_000

LIMITS = {"put": "≤ 1.8", "get": "≤ 2.0", "durable": "≤ 1.25"}  # against plain SQLite

_Call = TypeVar("_Call")


def run(*, pairs: int) -> list[Row | Fact]:
    quick = pairs <= 100
    records = 10_000 if quick else 100_000
    with TemporaryDirectory() as folder, no_collection():
        ours, peers = Ours(Path(folder)), list(installed_store_peers(Path(folder)))
        lines: list[Row | Fact] = [
            *_puts(ours, peers, records),
            *_gets(ours, peers, 20_000),
            *_durable(ours, peers, min(pairs, 2_000)),
            *_scans(ours, peers),
        ]
        for each in (ours, *peers):
            each.close()
        sizes = ours.path.stat().st_size / peers[0].path.stat().st_size
        lines.append(Fact(f"size on disk, {records:,} records", sizes, "× plain SQLite", "≤ 1.2"))
        lines += [] if quick else _growth(Path(folder), records, 10 * records)
    return [*lines, _rewrapping(100 if quick else 10_000)]


def fresh(count: int) -> list[tuple[str, bytes]]:
    return [(os.urandom(8).hex(), os.urandom(VALUE_BYTES)) for _ in range(count)]


def _puts(ours: Ours, peers: list[Plain], records: int) -> list[Row]:
    return _in_turn(
        f"put, {records:,} records in transactions of {BATCH:,}, each",
        [each.put_many for each in (ours, *peers)],
        lambda put: _timed_batch(put, fresh(BATCH)),
        times=records // BATCH,
        each=BATCH,
        peers=peers,
        limit=LIMITS["put"],
    )


def _timed_batch(put: Callable[[Items], object], items: Items) -> float:
    return seconds(lambda: put(items), perf_counter)


def _gets(ours: Ours, peers: list[Plain], reads: int) -> list[Row]:
    items = fresh(5_000)
    for each in (ours, *peers):
        each.put_many(items)
    value_of = dict(items)

    def timed(get: Callable[[str], bytes]) -> float:
        keys = random.sample(sorted(value_of), BATCH)
        return seconds(lambda: [get(key) for key in keys], perf_counter)

    for each in (ours, *peers):
        assert all(each.get(key) == value for key, value in items[:100])
    gets = [each.get for each in (ours, *peers)]
    return _in_turn("get, each", gets, timed, times=reads // BATCH, each=BATCH, peers=peers, limit=LIMITS["get"])


def _durable(ours: Ours, peers: list[Plain], times: int) -> list[Row]:
    def timed(put: Callable[[str, bytes], object]) -> float:
        ((key, value),) = fresh(1)
        return seconds(lambda: put(key, value), perf_counter)

    puts = [each.put for each in (ours, *peers)]
    what = "put, one durable transaction"
    return _in_turn(what, puts, timed, times=times, each=1, peers=peers, limit=LIMITS["durable"])


def _scans(ours: Ours, peers: list[Plain]) -> list[Row]:
    count = ours.scan()
    scans = [each.scan for each in (ours, *peers)]
    return _in_turn(
        "scan, each record", scans, lambda scan: seconds(scan, perf_counter), times=5, each=count, peers=peers, limit=""
    )


def _in_turn(
    what: str,
    calls: Sequence[_Call],
    timed: Callable[[_Call], float],
    *,
    times: int,
    each: int,
    peers: list[Plain],
    limit: str,
) -> list[Row]:
    """Ours against each peer; the order of the turns changes from round to round."""
    taken: list[list[float]] = [[] for _ in calls]
    order = list(range(len(calls)))
    for _ in range(times):
        random.shuffle(order)
        for place in order:
            taken[place].append(timed(calls[place]) / each)
    mine, *theirs = taken
    return [
        row(what, mine, peer.name, times_of_peer, limit=limit if peer.name == Plain.name else "")
        for peer, times_of_peer in zip(peers, theirs, strict=True)
    ]


def _growth(folder: Path, few: int, many: int) -> list[Fact]:
    """What a record costs when there are many, against what it costs when there are few."""
    (folder / "grown").mkdir()
    ours = Ours(folder / "grown")
    costs: dict[int, tuple[float, float]] = {}
    held = list[str]()
    for goal in (few, many):
        while len(held) < goal - few // 2:
            items = fresh(BATCH)
            ours.put_many(items)
            held += [key for key, _ in items]
        puts, gets = 0.0, 0.0
        for _ in range(few // 2 // BATCH):
            items = fresh(BATCH)
            puts += seconds(lambda items=items: ours.put_many(items), perf_counter)  # type: ignore[misc]  # bound now
            held += [key for key, _ in items]
        for key in random.sample(held, 20_000):
            gets += seconds(lambda key=key: ours.get(key), perf_counter)  # type: ignore[misc]  # as above
        costs[goal] = puts / (few // 2), gets / 20_000
    ours.close()
    (put_few, get_few), (put_many, get_many) = costs[few], costs[many]
    return [
        Fact(f"put at {many:,} records", put_many / put_few, f"× at {few:,}", "≤ 1.5"),
        Fact(f"get at {many:,} records", get_many / get_few, f"× at {few:,}", "≤ 1.5"),
    ]


def _rewrapping(keys: int) -> Fact:
    store = Store.create(MemoryBackend(), key=os.urandom(32))
    with store.transaction():
        for number in range(keys):
            store._ledger.keyring.use(1, store._ledger.keyring.scope_id(str(number)))  # noqa: SLF001  # without records
    return Fact(f"rotate, {keys:,} data keys", seconds(store.rotate, perf_counter), "seconds", "≤ 0.5")
