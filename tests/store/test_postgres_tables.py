"""The tables of a store in PostgreSQL: no question looks through all rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from siegel.store import postgres_tables
from siegel.store.postgres_backend import PostgresBackend

Connection = psycopg.Connection[Any]


@pytest.fixture
def backend(postgres_address: str) -> Iterator[PostgresBackend]:
    with closing(PostgresBackend(postgres_address, create=True)) as backend:
        yield backend


@pytest.fixture
def plain(postgres_address: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (postgres_tables.GET_ONE, [1, b""]),
        (postgres_tables.GET, [1, [b"", b"1"]]),
        (postgres_tables.SCAN, [1, b"", 9]),
        (postgres_tables.FIND, [1, 1, b"", b"", 9]),
        (postgres_tables.EXPIRED, [1, 9]),
        (postgres_tables.OF_KEY, [b"1234", 9]),
        (postgres_tables.REPLACE_ONE, [1, 1, b"", 1, b"", 1, 1]),
    ],
)
def test_every_question_has_an_index(
    backend: PostgresBackend, plain: Connection, statement: str, values: list[object]
) -> None:
    plain.execute("SET enable_seqscan = off")  # a table without rows is read faster than its index
    plan = [line for (line,) in plain.execute(b"EXPLAIN " + statement.encode(), values)]
    assert any("Index" in line for line in plan), plan
    assert not any("Seq Scan on siegel" in line for line in plan), plan
