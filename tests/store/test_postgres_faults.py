"""A store in PostgreSQL with many writers, with killed ones, and with a server that is killed and started again."""

from __future__ import annotations

import random
import time
from contextlib import closing

import pytest

from siegel.errors import StoreError
from siegel.store.postgres_backend import PostgresBackend
from tests.store import writers
from tests.store.postgres import Server
from tests.store.rows import row


@pytest.fixture(autouse=True)
def store(postgres_address: str) -> None:
    PostgresBackend(postgres_address, create=True).close()


def test_processes_that_count_lose_nothing(postgres_address: str) -> None:
    with writers.start("count", postgres_address, 40) as one, writers.start("count", postgres_address, 40) as other:
        assert [one.wait(timeout=120), other.wait(timeout=120)] == [0, 0]
    with closing(PostgresBackend(postgres_address)) as backend:
        assert writers.counter(backend) == 80
        assert [each.revision for each in backend.get(1, [writers.COUNTER])] == [80]


def test_a_writer_killed_at_any_moment(postgres_address: str) -> None:
    acknowledged = 0
    for round_ in range(4):
        with writers.start("batches", postgres_address, acknowledged) as process:
            assert process.stdout is not None
            told = [process.stdout.readline()]
            time.sleep(random.random() * 0.1)
            process.kill()
            told += process.stdout.readlines()
        acknowledged = max(int(line) for line in told if line.endswith("\n"))
        with closing(PostgresBackend(postgres_address)) as backend:
            backend.put_block("wait", b"for the end of the transaction of the one that was killed")
            found = writers.batches_kept(backend)
        assert acknowledged <= found <= acknowledged + 1, f"round {round_}"
        acknowledged = found


def test_a_server_killed_and_started_again_under_load(postgres_server: Server, postgres_address: str) -> None:
    with writers.start("batches", postgres_address, 0) as process:
        assert process.stdout is not None
        told = 0
        for _ in range(3):
            for line in process.stdout:
                if (told := int(line)) % 5 == 0:
                    break
            postgres_server.kill()
            postgres_server.start()
            with closing(PostgresBackend(postgres_address)) as backend:
                assert writers.batches_kept(backend) >= told, "what was kept is lost"
        told = int(process.stdout.readline())
        process.kill()
        told = max([told, *(int(line) for line in process.stdout if line.endswith("\n"))])
    with closing(PostgresBackend(postgres_address)) as backend:
        assert told <= writers.batches_kept(backend) <= told + 1


def test_a_lost_connection_is_told_and_the_next_transaction_has_a_new_one(
    postgres_server: Server, postgres_address: str
) -> None:
    with closing(PostgresBackend(postgres_address)) as backend:
        backend.put(1, [(row(1), 0)])
        backend.begin()
        backend.put(1, [(row(2), 0)])
        postgres_server.kill()
        with pytest.raises(StoreError):  # noqa: PT012 - the server's process for this connection ends a little later
            for revision in range(1_000):
                backend.put(1, [(row(3, revision + 1), revision)])
        with pytest.raises(StoreError):
            backend.commit()
        backend.rollback()
        with pytest.raises(StoreError, match="connection"):
            backend.begin()
        postgres_server.start()
        backend.put(1, [(row(4), 0)])
        assert backend.scan(1, limit=9) == [row(1), row(4)]
