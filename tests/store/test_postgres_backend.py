"""What only the backend in PostgreSQL has: tables of one shape, and no promise to be alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from siegel.errors import (
    CorruptRecord,
    NewerFormat,
    StoreError,
)
from siegel.store.postgres_backend import PostgresBackend
from tests.store.rows import name, row

Connection = psycopg.Connection[Any]


@pytest.fixture
def backend(postgres_address: str) -> Iterator[PostgresBackend]:
    with closing(PostgresBackend(postgres_address, create=True)) as backend:
        yield backend


@pytest.fixture
def plain(postgres_address: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        yield connection


def test_a_store_is_not_made_by_opening_it(postgres_address: str) -> None:
    with pytest.raises(StoreError, match="no store"):
        PostgresBackend(postgres_address)


def test_a_store_that_is_there_is_opened_by_making_it(backend: PostgresBackend, postgres_address: str) -> None:
    backend.put(1, [(row(1), 0)])
    with closing(PostgresBackend(postgres_address, create=True)) as again:
        assert again.scan(1, limit=9) == [row(1)]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE siegel_record ADD COLUMN more BYTEA",
        "ALTER TABLE siegel_record ALTER COLUMN day TYPE BIGINT",
        "DROP TABLE siegel_tag",
    ],
)
def test_tables_of_another_shape_are_left_as_they_are(
    backend: PostgresBackend, plain: Connection, postgres_address: str, change: str
) -> None:
    plain.execute(change.encode())
    for create in (False, True):
        with pytest.raises(StoreError, match="is not as this library makes it"):
            PostgresBackend(postgres_address, create=create)


def test_a_trigger_is_refused(backend: PostgresBackend, plain: Connection, postgres_address: str) -> None:
    plain.execute("CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    plain.execute("CREATE TRIGGER planted BEFORE INSERT ON siegel_key FOR EACH ROW EXECUTE FUNCTION planted()")
    with pytest.raises(StoreError, match="siegel_key has a trigger"):
        PostgresBackend(postgres_address)


def test_tables_of_a_newer_version_are_left_as_they_are(
    backend: PostgresBackend, plain: Connection, postgres_address: str
) -> None:
    plain.execute("UPDATE siegel_format SET version = 2")
    plain.execute("ALTER TABLE siegel_record ADD COLUMN more BYTEA")
    with pytest.raises(NewerFormat) as caught:
        PostgresBackend(postgres_address, create=True)
    assert caught.value.version == 2


def test_a_row_that_this_library_did_not_write(backend: PostgresBackend, plain: Connection) -> None:
    backend.put(1, [(row(1), 0)])
    plain.execute("UPDATE siegel_record SET revision = -1")
    with pytest.raises(CorruptRecord):
        backend.get(1, [name(1)])


def test_deleted_rows_of_another_users_tables_stay(
    backend: PostgresBackend, plain: Connection, postgres_address: str
) -> None:
    plain.execute("DROP ROLE IF EXISTS reader")
    plain.execute("CREATE ROLE reader LOGIN")
    plain.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    plain.execute("GRANT USAGE ON SCHEMA public TO reader")
    assert len(backend.scrub()) == 1
    with closing(PostgresBackend(postgres_address.replace("user=postgres", "user=reader"))) as reader:
        assert reader.scrub() == ()
    plain.execute("DROP OWNED BY reader")


def test_another_writer_may_always_have_been_there(backend: PostgresBackend) -> None:
    assert not backend.single_writer
    assert backend.changed()
    assert backend.changed()
