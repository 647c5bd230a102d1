"""A store in SQLite through kills, full disks, damage and other writers: old or new state, and nothing kept is lost."""

from __future__ import annotations

import random
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel.errors import SiegelError, StoreError, StoreLocked
from siegel.store.sqlite_backend import SqliteBackend
from tests.markdown import ROOT
from tests.store import writers
from tests.store.rows import as_read, name, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    SqliteBackend(path, create=True).close()
    return path


# --- other writers ---------------------------------------------------------------------------------------------------


def test_two_processes_that_count_lose_nothing(path: Path) -> None:
    with writers.start("count", str(path), 60) as one, writers.start("count", str(path), 60) as other:
        assert [one.wait(timeout=120), other.wait(timeout=120)] == [0, 0]
    with closing(SqliteBackend(path)) as backend:
        assert writers.counter(backend) == 120
        assert [each.revision for each in backend.get(1, [writers.COUNTER])] == [120]


def test_a_writer_who_stays_too_long(path: Path) -> None:
    with closing(SqliteBackend(path, timeout=0.2)) as backend, closing(SqliteBackend(path)) as other:
        other.begin()
        other.put(1, [(row(1), 0)])
        started = time.monotonic()
        with pytest.raises(StoreLocked):
            backend.put(1, [(row(1, content=b"second"), 0)])
        assert 0.15 < time.monotonic() - started < 10
        assert backend.scan(1, limit=9) == [], "a reader does not wait"
        other.commit()
        backend.put(1, [(row(2), 0)])
        assert backend.count(1) == 2


def test_stores_made_at_the_same_time_are_one(tmp_path: Path) -> None:
    script = (
        "import sys; from siegel.store.sqlite_backend import SqliteBackend as S; S(sys.argv[1], create=True).keys()"
    )
    path = tmp_path / "new.db"
    processes = [subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    with closing(SqliteBackend(path)) as backend:
        assert backend.blocks() == {}


# --- kills -----------------------------------------------------------------------------------------------------------


def test_a_writer_killed_at_any_moment(path: Path) -> None:
    acknowledged = 0
    for round_ in range(6):
        with writers.start("batches", str(path), acknowledged) as process:
            assert process.stdout is not None
            told = [process.stdout.readline()]
            time.sleep(random.random() * 0.1)
            process.kill()
            told += process.stdout.readlines()
        acknowledged = max(int(line) for line in told if line.endswith("\n"))
        with closing(SqliteBackend(path)) as backend:
            found = writers.batches_kept(backend)
        assert acknowledged <= found <= acknowledged + 1, f"round {round_}"
        acknowledged = found


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.7, 0.999])
def test_a_log_that_ends_anywhere(path: Path, tmp_path: Path, cut: float) -> None:
    """What the disk had of the log when the power went: whole transactions are kept up to some point, none in part."""
    with closing(SqliteBackend(path)) as backend:
        for number in range(8):
            writers.write_batch(backend, number)
        copy = tmp_path / "copy.db"
        copy.write_bytes(path.read_bytes())
        log = Path(f"{path}-wal").read_bytes()
    Path(f"{copy}-wal").write_bytes(log[: int(len(log) * cut)])
    with closing(sqlite3.connect(copy)) as plain:  # the tables themselves may be in the part that is lost
        tables = plain.execute("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'siegel_*'").fetchone()[0]
    if tables:
        with closing(SqliteBackend(copy)) as after:
            assert 0 <= writers.batches_kept(after) < 8


# --- a full disk -----------------------------------------------------------------------------------------------------


def test_a_full_database_keeps_what_it_had(path: Path) -> None:
    with closing(SqliteBackend(path)) as backend:
        backend.put(1, [(row(1), 0)])
        ((pages,),) = backend._session.run("PRAGMA page_count")
        backend._session.run(f"PRAGMA max_page_count = {pages + 4}")
        backend.begin()
        backend.put_block("header", b"in the same transaction")
        with pytest.raises(StoreError, match="SQLITE_FULL"):
            backend.put(1, [(row(number, content=bytes(5_000)), 0) for number in range(2, 30)])
        backend.rollback()
        with pytest.raises(StoreError, match="SQLITE_FULL"):
            backend.put(1, [(row(number, content=bytes(5_000)), 0) for number in range(2, 30)])
        assert backend.scan(1, limit=9) == [row(1)]
        assert backend.blocks() == {}
        backend._session.run("PRAGMA max_page_count = 100000")
        backend.put(1, [(row(2, content=bytes(5_000)), 0)])
        assert backend.count(1) == 2


def test_a_disk_that_takes_no_more(path: Path) -> None:
    """The operating system refuses the write: files of this process may not grow any more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(SqliteBackend(path)) as backend:
        backend.put(1, [(row(1), 0)])
        size = Path(f"{path}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 6_000, before[1]))
        try:
            with pytest.raises(StoreError, match="the database failed"):
                backend.put(1, [(row(number, content=bytes(5_000)), 0) for number in range(2, 30)])
            assert backend.scan(1, limit=9) == [row(1)]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        backend.put(1, [(row(2), 0)])
    with closing(SqliteBackend(path)) as again:
        assert again.scan(1, limit=9) == [row(1), row(2)]


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "store.db"
    with closing(SqliteBackend(path, create=True)) as backend:
        backend.put(1, [(row(n, content=bytes([n]) * 600, day=n, tags=((1, b"tag"),)), 0) for n in range(1, 40)])
        backend.put_keys([(7, b"wrapped"), (8, b"wrapped")])
        backend.put_block("header", b"header")
    return path


@settings(max_examples=150)
@given(place=st.integers(0, 2**16), noise=st.binary(min_size=1, max_size=40), end=st.none() | st.integers(1, 2**16))
def test_a_damaged_file_gives_rows_or_errors_of_our_own(
    tmp_path_factory: pytest.TempPathFactory, whole: Path, place: int, noise: bytes, end: int | None
) -> None:
    content = whole.read_bytes()
    place %= len(content)
    damaged = (content[:place] + noise + content[place + len(noise) :])[:end]
    path = tmp_path_factory.mktemp("damaged") / "store.db"
    path.write_bytes(damaged)
    with suppress(SiegelError), closing(SqliteBackend(path)) as backend:
        for ask in (
            backend.blocks,
            backend.keys,
            lambda: backend.scan(1, limit=100),
            lambda: backend.get(1, [name(number) for number in range(40)]),
            lambda: backend.find(1, 1, b"tag", limit=100),
            lambda: backend.expired(30, limit=100),
            lambda: backend.of_key(7, limit=100),
            lambda: backend.count(1),
            lambda: backend.put(1, [(row(number, 2), 1) for number in range(1, 40)]),
            lambda: backend.delete(1, [(name(50), 1)]),
            lambda: backend.put_keys([(7, b"again"), (9, b"new")]),
            backend.scrub,
        ):
            with suppress(SiegelError):
                ask()


def test_a_damaged_page_leaves_the_other_rows(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "store.db"
    content = whole.read_bytes()
    page = content.index(bytes([20]) * 600) // 4096 * 4096
    path.write_bytes(content[:page] + bytes(4096) + content[page + 4096 :])
    readable = 0
    with closing(SqliteBackend(path)) as backend:
        for number in range(1, 40):
            with suppress(StoreError):
                readable += backend.get(1, [name(number)]) == [
                    as_read(row(number, content=bytes([number]) * 600, day=number))
                ]
        with pytest.raises(StoreError):
            backend.get(1, [name(20)])
    assert 25 <= readable < 39
