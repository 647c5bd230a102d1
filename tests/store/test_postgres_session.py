"""One connection to PostgreSQL: many writers, the application's transaction and ours on it, few journeys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.pq import Trace
from psycopg.rows import dict_row

from siegel.errors import (
    Conflict,
    CorruptRecord,
    SerializationFailure,
    StateError,
    StoreError,
    StoreLocked,
)
from siegel.store.postgres_backend import PostgresBackend
from tests.store.rows import as_read, name, row

Connection = psycopg.Connection[Any]


@pytest.fixture
def backend(postgres_address: str) -> Iterator[PostgresBackend]:
    with closing(PostgresBackend(postgres_address, create=True)) as backend:
        yield backend


@pytest.fixture
def other(postgres_address: str, backend: PostgresBackend) -> Iterator[PostgresBackend]:
    with closing(PostgresBackend(postgres_address)) as other:
        yield other


@pytest.fixture
def plain(postgres_address: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        yield connection


# --- many writers ----------------------------------------------------------------------------------------------------


def test_who_read_what_another_has_changed_runs_again(backend: PostgresBackend, other: PostgresBackend) -> None:
    backend.put(1, [(row(1), 0)])
    backend.begin()
    assert backend.get(1, [name(1)]) == [row(1)]
    other.put(1, [(row(1, 2), 1)])
    with pytest.raises(SerializationFailure) as caught:
        backend.put(1, [(row(1, 2, content=b"late"), 1)])
    assert caught.value.retryable
    with pytest.raises(StateError):
        backend.blocks()
    with pytest.raises(StateError):
        backend.commit()
    backend.rollback()
    with pytest.raises(Conflict):
        backend.put(1, [(row(1, 2, content=b"late"), 1)])
    assert backend.scan(1, limit=9) == [row(1, 2)]


def test_two_who_read_what_the_other_writes_are_not_both_kept(backend: PostgresBackend, other: PostgresBackend) -> None:
    """Each writes a row of its own after reading the other's: one order of the two must explain what is kept."""
    backend.put(1, [(row(1), 0), (row(2), 0)])
    backend.begin()
    other.begin()
    for each in (backend, other):
        assert len(each.get(1, [name(1), name(2)])) == 2
    backend.put(1, [(row(1, 2), 1)])
    backend.commit()
    with pytest.raises(SerializationFailure):  # noqa: PT012 - whichever of the two statements notices
        other.put(1, [(row(2, 2), 1)])
        other.commit()
    other.rollback()
    assert backend.scan(1, limit=9) == [row(1, 2), row(2)]


def test_two_who_wait_for_each_other_run_again(backend: PostgresBackend, plain: Connection) -> None:
    backend.put(1, [(row(1), 0)])
    plain.execute("SET lock_timeout = 100")
    backend.begin()
    backend.put(1, [(row(1, 2), 1)])
    with closing(PostgresBackend(plain)) as waiting, pytest.raises(StoreLocked):
        waiting.put(1, [(row(1, 2), 1)])
    backend.commit()


@pytest.mark.parametrize(
    ("state", "error"), [("40001", SerializationFailure), ("40P01", SerializationFailure), ("XX001", CorruptRecord)]
)
def test_what_the_server_reports(backend: PostgresBackend, state: str, error: type[Exception]) -> None:
    block = f"DO $$ BEGIN RAISE 'text that quotes what was read' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(error) as caught:
        backend._session.run(cast("Any", block))
    assert "quotes" not in str(caught.value)


# --- the application's connection ------------------------------------------------------------------------------------


@pytest.fixture(params=["autocommit", "transactions", "serializable", "other cursors"])
def application(request: pytest.FixtureRequest, postgres_address: str) -> Iterator[Connection]:
    """A connection as applications have them, with a table of its own."""
    with psycopg.connect(postgres_address, autocommit=request.param == "autocommit") as connection:
        connection.execute("CREATE TABLE message (text TEXT)")
        connection.commit()
        if request.param == "serializable":
            connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        if request.param == "other cursors":
            connection.row_factory = cast("Any", dict_row)
            connection.cursor_factory = psycopg.ClientCursor
        yield connection
        connection.rollback()


@pytest.fixture
def beside(application: Connection) -> Iterator[PostgresBackend]:
    with closing(PostgresBackend(application, create=True)) as backend:
        yield backend


def kept(plain: Connection) -> tuple[int, int]:
    """How many messages of the application and rows of the store another connection sees."""
    found = plain.execute("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM siegel_record)").fetchone()
    assert found is not None
    return found[0], found[1]


def begin(application: Connection) -> None:
    if application.autocommit:
        application.execute("BEGIN")


@pytest.mark.parametrize("keep", [True, False])
def test_the_store_goes_with_the_applications_transaction(
    application: Connection, beside: PostgresBackend, plain: Connection, *, keep: bool
) -> None:
    begin(application)
    application.execute("INSERT INTO message VALUES ('one')")
    beside.begin()
    assert beside.joined
    beside.put(1, [(row(1), 0), (row(2), 0)])
    beside.commit()
    beside.put(1, [(row(3), 0)])
    assert kept(plain) == (0, 0)
    if keep:
        application.commit()
    else:
        application.rollback()
    assert kept(plain) == ((1, 3) if keep else (0, 0))


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("first", ["store", "application"])
def test_the_application_goes_with_the_stores_transaction(
    application: Connection, beside: PostgresBackend, plain: Connection, first: str, *, keep: bool
) -> None:
    beside.begin()
    if first == "store":
        beside.put(1, [(row(1), 0)])
    application.execute("INSERT INTO message VALUES ('one')")
    beside.put(1, [(row(2), 0)])
    if keep:
        beside.commit()
    else:
        beside.rollback()
    assert kept(plain) == ((1, 2 if first == "store" else 1) if keep else (0, 0))
    assert not beside.joined


def test_a_part_that_is_undone_leaves_the_applications(
    application: Connection, beside: PostgresBackend, plain: Connection
) -> None:
    with application.transaction():
        application.execute("INSERT INTO message VALUES ('one')")
        beside.put(1, [(row(1), 0)])
        beside.begin()
        beside.put(1, [(row(2), 0)])
        application.execute("INSERT INTO message VALUES ('two')")
        beside.rollback()
    assert kept(plain) == (1, 1)


def test_reading_leaves_no_transaction_open(application: Connection, beside: PostgresBackend) -> None:
    before = application.autocommit
    beside.put(1, [(row(1, day=3, tags=((1, b"tag"),)), 0)])
    beside.put_block("header", b"data")
    assert beside.blocks() == {"header": b"data"}
    assert beside.find(1, 1, b"tag", limit=9) == [as_read(row(1, day=3))]
    assert beside.scrub() != ()
    assert application.info.transaction_status.name == "IDLE"
    assert application.autocommit == before


def test_a_failed_transaction_of_the_application(application: Connection, beside: PostgresBackend) -> None:
    begin(application)
    with pytest.raises(psycopg.errors.UndefinedTable):
        application.execute("SELECT * FROM nowhere")
    for call in (beside.begin, beside.blocks):
        with pytest.raises(StateError, match="failed"):
            call()
    application.rollback()
    beside.put_block("header", b"data")


def test_only_the_application_can_run_its_transaction_again(
    application: Connection, beside: PostgresBackend, postgres_address: str
) -> None:
    beside.put(1, [(row(1), 0)])
    begin(application)
    application.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert beside.count(1) == 1
    with closing(PostgresBackend(postgres_address)) as other:
        other.put(1, [(row(1, 2), 1)])
    beside.begin()
    with pytest.raises(SerializationFailure) as caught:
        beside.put(1, [(row(1, 2), 1)])
    assert not caught.value.retryable
    beside.rollback()
    application.rollback()


def test_a_closed_backend_leaves_the_connection_open(application: Connection, beside: PostgresBackend) -> None:
    beside.close()
    application.execute("INSERT INTO message VALUES ('one')")


def test_a_connection_that_the_application_closed(postgres_address: str) -> None:
    with psycopg.connect(postgres_address) as application:
        beside = PostgresBackend(application, create=True)
    for call in (beside.begin, beside.blocks):
        with pytest.raises(StoreError, match="lost"):
            call()


# --- journeys and processes ------------------------------------------------------------------------------------------


def journeys(backend: PostgresBackend, trace: Path, act: Callable[[PostgresBackend], object]) -> int:
    """How often one waits for the server, by what the client library itself notes of the protocol."""
    connection = backend._session._connection.pgconn
    with trace.open("w", encoding="utf-8") as file:
        connection.trace(file.fileno())
        connection.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        act(backend)
        connection.untrace()
    sides = [line[0] for line in trace.read_text(encoding="utf-8").splitlines()]
    return sum(before == "F" and after == "B" for before, after in pairwise(sides))


@pytest.mark.parametrize(
    ("act", "most"),
    [
        (lambda backend: backend.put(1, [(row(9), 0)]), 3),
        (lambda backend: backend.put(1, [(row(1, 2), 1)]), 3),
        (lambda backend: backend.put(1, [(row(9 + number), 0) for number in range(100)]), 4),
        (lambda backend: backend.put(1, [(row(1, 2, tags=((1, b""),)), 1)]), 4),
        (lambda backend: backend.get(1, [name(number) for number in range(100)]), 1),
    ],
    ids=["a new row", "a row written over", "many rows", "a row with tags", "many names"],
)
def test_how_often_one_waits_for_the_server(
    backend: PostgresBackend, tmp_path: Path, act: Callable[[PostgresBackend], object], most: int
) -> None:
    backend.put(1, [(row(1), 0)])
    assert 1 <= journeys(backend, tmp_path / "trace", act) <= most


def test_a_child_process_does_not_use_the_connection(backend: PostgresBackend) -> None:
    backend.begin()
    backend.put(1, [(row(1), 0)])
    child = os.fork()
    if child == 0:
        verdict = 1
        try:
            backend.close()
            backend.scan(1, limit=9)
        except StateError as error:
            verdict = 0 if "another process" in str(error) else 2
        finally:
            os._exit(verdict)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    backend.commit()
    assert backend.scan(1, limit=9) == [row(1)]


def test_a_database_that_is_not_there() -> None:
    with pytest.raises(StoreError, match="no connection"):
        PostgresBackend("host=127.0.0.1 port=1 user=postgres dbname=postgres connect_timeout=2")
