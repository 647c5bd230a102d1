"""Processes that write to one store at the same time as others: ``python -m tests.store.writers HOW ADDRESS NUMBER``.

``count`` raises a counter NUMBER times, each time from what it read. ``batches`` writes batches until it is killed, and
tells the number of each batch when it is kept.
"""

from __future__ import annotations

import subprocess
import sys
import time

from siegel.errors import Conflict, SerializationFailure, StoreError
from siegel.store.backend import Backend
from siegel.store.postgres_backend import PostgresBackend
from siegel.store.sqlite_backend import SqliteBackend
from tests.markdown import ROOT
from tests.store.rows import row, sealed

BATCH = 20
COUNTER = row(1).name


def opened(address: str) -> Backend:
    return PostgresBackend(address) if "=" in address else SqliteBackend(address, timeout=60)


def start(how: str, address: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.writers", how, address, str(number)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def counter(backend: Backend) -> int:
    found = backend.get(1, [COUNTER])
    return int(found[0].value[17:-16]) if found else 0


def count(backend: Backend, times: int) -> None:
    for _ in range(times):
        while True:
            backend.begin()
            try:
                held = backend.get(1, [COUNTER])
                revision = held[0].revision if held else 0
                value = sealed(7, b"%d" % (counter(backend) + 1))
                backend.put(1, [(row(1, revision + 1)._replace(value=value), revision)])
                backend.commit()
                break
            except (Conflict, SerializationFailure):
                backend.rollback()


def write_batch(backend: Backend, number: int) -> None:
    """A batch of new rows, a block with its number, and a row that is written over each time."""
    backend.begin()
    rows = [(row(0)._replace(name=(number * BATCH + i).to_bytes(16, "big")), 0) for i in range(BATCH)]
    backend.put(2, [*rows, (row(255, number + 1), number)])
    backend.put_block("last", b"%d" % number)
    backend.commit()


def batches_kept(backend: Backend) -> int:
    """How many batches there are at one moment; each is there as a whole."""
    backend.begin()
    try:
        last = backend.blocks().get("last")
        count, held = backend.count(2), backend.get(2, [row(255).name])
    finally:
        backend.rollback()
    kept = 0 if last is None else int(last) + 1
    assert count == (kept * BATCH + 1 if kept else 0), "a batch is there in part"
    assert [each.revision for each in held] == ([kept] if kept else [])
    return kept


def write_batches(address: str, number: int) -> None:
    """The way of an application whose database may be gone for a while: it looks what was kept, and goes on."""
    backend = None
    while True:
        try:
            backend = backend or opened(address)
            write_batch(backend, number)
        except SerializationFailure:
            assert backend is not None
            backend.rollback()
            continue
        except StoreError:
            if backend is None:
                time.sleep(0.05)
                continue
            backend.close()
            backend = None
            number = _kept(address)
            continue
        number += 1
        print(number, flush=True)  # noqa: T201 - the process that started this one reads it


def _kept(address: str) -> int:
    while True:
        try:
            backend = opened(address)
        except StoreError:
            time.sleep(0.05)
            continue
        try:
            return batches_kept(backend)
        except StoreError:
            continue
        finally:
            backend.close()


def main() -> None:
    how, address, number = sys.argv[1:]
    if how == "count":
        count(opened(address), int(number))
    else:
        write_batches(address, int(number))


if __name__ == "__main__":
    main()
