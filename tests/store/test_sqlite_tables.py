"""The tables of a store in SQLite: no question looks through all rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from siegel.store import sqlite_tables
from siegel.store.sqlite_backend import SqliteBackend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    with closing(SqliteBackend(tmp_path / "store.db", create=True)) as backend:
        yield backend


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (sqlite_tables.GET_ONE, 2),
        (sqlite_tables.GET_SOME[8], 9),
        (sqlite_tables.GET_SOME[64], 65),
        (sqlite_tables.SCAN, 3),
        (sqlite_tables.FIND, 5),
        (sqlite_tables.EXPIRED, 2),
        (sqlite_tables.OF_KEY, 2),
        (sqlite_tables.COUNT, 1),
        (sqlite_tables.REPLACE, 6),
        (sqlite_tables.DELETE, 3),
        (sqlite_tables.UNTAG, 2),
    ],
)
def test_every_question_has_an_index(backend: SqliteBackend, statement: str, values: int) -> None:
    plan = [step for *_, step in backend._session.run("EXPLAIN QUERY PLAN " + statement, *[b""] * values)]
    assert all(step.startswith("SEARCH") for step in plan), plan
