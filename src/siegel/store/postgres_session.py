"""Knows one connection to PostgreSQL: its transactions, statements that travel together, and what a failure means.

On a connection of its own every transaction is serializable, and after the connection was lost the next transaction
has a new one. The driver starts a transaction with its first statement.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, LiteralString, ParamSpec, TypeVar

import psycopg
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import tuple_row

from siegel.errors import CorruptRecord, SerializationFailure, SiegelError, StateError, StoreError, StoreLocked

Statement = tuple[LiteralString, tuple[Any, ...]]
Connection = psycopg.Connection[Any]
Cursor = psycopg.Cursor[Any]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _guarded(method: Callable[Concatenate[Session, _P], _T]) -> Callable[Concatenate[Session, _P], _T]:
    """The method, for the process that opened the connection, and with errors of our own."""

    @wraps(method)
    def guarded(self: Session, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._process != os.getpid():
            raise StateError("the backend is closed" if self._process is None else "another process opened the store")
        try:
            return method(self, *args, **kwargs)
        except psycopg.Error as error:
            raise self._failure(error) from error

    return guarded


class Session:
    """A connection of our own, or our part in the application's."""

    def __init__(self, database: str | Connection) -> None:
        self._process: int | None = os.getpid()
        self._address = database if isinstance(database, str) else None
        self._in_transaction = False
        self.joined = False
        try:
            self._connection = _connected(database) if isinstance(database, str) else database
        except psycopg.Error as error:
            raise StoreError("there is no connection to the database") from error

    # --- transactions ---

    @_guarded
    def begin(self) -> None:
        """As ``Backend``."""
        if self._in_transaction:
            raise StateError("a transaction is open already")
        self._connect_again()
        self.joined = not self.idle
        if self.joined:
            self._execute("SAVEPOINT siegel")
        elif self._connection.autocommit:  # otherwise the driver begins by itself
            self._execute("BEGIN")
        self._in_transaction = True

    @_guarded
    def commit(self) -> None:
        """As ``Backend``."""
        self._refuse_no_transaction()
        if self._status() == TransactionStatus.INERROR:  # COMMIT would roll back, and say nothing
            raise StateError("a statement of the transaction has failed; it can only be rolled back")
        if self.joined:
            self._execute("RELEASE SAVEPOINT siegel")
        elif self._status() == TransactionStatus.IDLE and self._connection.autocommit:
            self._in_transaction = False
            raise StateError("the transaction was ended by others on this connection")
        else:
            self._connection.commit()
        self._in_transaction = False

    @_guarded
    def rollback(self) -> None:
        """As ``Backend``."""
        self._refuse_no_transaction()
        self._in_transaction = False
        if self._connection.closed:
            return  # the server rolls back what a lost connection left
        if not self.joined:
            self._connection.rollback()
        elif not self.idle:
            self._execute("ROLLBACK TO SAVEPOINT siegel")
            self._execute("RELEASE SAVEPOINT siegel")

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """In the transaction that is open, or in one of its own."""
        if self._in_transaction:
            yield
            return
        self.begin()
        try:
            yield
            self.commit()
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        if self._in_transaction:
            self.rollback()

    def _refuse_no_transaction(self) -> None:
        if not self._in_transaction:
            raise StateError("no transaction is open")

    def _status(self) -> int:
        return self._connection.pgconn.transaction_status

    @property
    @_guarded
    def idle(self) -> bool:
        """Whether no transaction is open on the connection, ours or the application's."""
        return not self._in_transaction and self._status() == TransactionStatus.IDLE

    # --- statements ---

    def run(self, statement: LiteralString, *values: object) -> list[Any]:
        """Its rows, in the transaction that is open or in none."""
        (cursor,) = self.send([(statement, values)])
        return cursor.fetchall() if cursor.description else []

    def write(self, statement: LiteralString, *values: object) -> int:
        """How many rows it changed."""
        (cursor,) = self.send([(statement, values)])
        return cursor.rowcount

    @_guarded
    def send(self, statements: Sequence[Statement]) -> list[Cursor]:
        """The statements, in one journey to the server after the one that starts the transaction."""
        with self._outside():
            if len(statements) == 1:
                return [self._execute(*statements[0])]
            with self._connection.pipeline():
                return [self._execute(*statement) for statement in statements]

    @contextmanager
    def _outside(self) -> Generator[None, None, None]:
        """Outside of a transaction a statement leaves none open, even where the application's driver begins one."""
        self._connect_again()
        connection = self._connection
        if self._in_transaction or connection.autocommit or not self.idle:
            yield
            return
        connection.autocommit = True
        try:
            yield
        finally:
            if not connection.closed:
                connection.autocommit = False

    def _execute(self, statement: LiteralString, values: tuple[Any, ...] = ()) -> Cursor:
        cursor = psycopg.Cursor(self._connection, row_factory=tuple_row)  # whatever the application's cursors are
        cursor.format = Format.BINARY
        return cursor.execute(statement, values)

    @contextmanager
    def notices(self) -> Generator[list[str | None], None, None]:
        """How severe what the server remarks on is, while this lasts."""
        heard: list[str | None] = []

        def hear(notice: psycopg.errors.Diagnostic) -> None:
            heard.append(notice.severity_nonlocalized)

        self._connection.add_notice_handler(hear)
        try:
            yield heard
        finally:
            self._connection.remove_notice_handler(hear)

    # --- the connection ---

    def _connect_again(self) -> None:
        if self._address is not None and self._connection.closed and not self._in_transaction:
            self._connection = _connected(self._address)

    def close(self) -> None:
        """As ``Backend``. In another process than the one that opened it nothing is done: a copy is all it has."""
        if self._process != os.getpid():
            return
        self._abandon()
        self._process = None
        if self._address is not None:
            self._connection.close()

    def _failure(self, error: psycopg.Error) -> SiegelError:
        """What an error of PostgreSQL means here. Its own text may quote what it read, and stays in the cause."""
        state = error.sqlstate
        if state in {"40001", "40P01"}:
            return SerializationFailure(retryable=not self.joined)
        if state in {"55P03", "57014"}:
            return StoreLocked(f"another writer did not end in time ({state})")
        if state in {"XX001", "XX002"}:
            return CorruptRecord(f"the database is damaged ({state})")
        if state == "25P02":
            return StateError("a statement of the transaction has failed; it can only be rolled back")
        if state is not None:
            return StoreError(f"the database failed ({state})")
        if not self._connection.closed:
            return StateError(f"the connection cannot be used ({type(error).__name__})")
        return StoreError("the connection to the database is lost; whether the last commit was kept is not known")


def _connected(address: str) -> Connection:
    connection = psycopg.connect(address)
    connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    return connection
