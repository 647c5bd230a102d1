"""Knows one connection to SQLite: a transaction of our own on it, or our part in the application's."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from siegel.errors import StateError
from siegel.store.sqlite_file import FAILURES, failure, open_file

_ENDED = "the transaction was ended by others on this connection"

_P = ParamSpec("_P")
_T = TypeVar("_T")

_open: WeakSet[Session] = WeakSet()
_inherited: list[Session] = []


def _guarded(method: Callable[Concatenate[Session, _P], _T]) -> Callable[Concatenate[Session, _P], _T]:
    """The method, for the process that opened the connection, and with errors of our own."""

    @wraps(method)
    def guarded(self: Session, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._process != os.getpid():
            raise StateError("the backend is closed" if self._process is None else "another process opened the store")
        try:
            return method(self, *args, **kwargs)
        except FAILURES as error:
            raise failure(error) from error

    return guarded


class Session:
    """A connection of our own to a file, or the application's."""

    def __init__(self, database: str | Path | sqlite3.Connection, *, create: bool, timeout: float) -> None:
        self._process: int | None = os.getpid()
        self._own = not isinstance(database, sqlite3.Connection)
        self._in_transaction = False
        self.joined = False
        self.lock: str | None = None  # a statement that takes the place of the one writer and changes nothing
        try:
            if isinstance(database, sqlite3.Connection):
                self._connection = database
            else:
                self._connection = open_file(Path(database), create=create, timeout=timeout)
            self._cursor = sqlite3.Cursor(self._connection)  # without the application's row factory
        except FAILURES as error:
            raise failure(error) from error
        _open.add(self)

    # --- statements ---

    @_guarded
    def run(self, statement: str, *values: object) -> list[Any]:
        """Its rows, in the transaction that is open or in none."""
        return self._cursor.execute(statement, values).fetchall()

    @_guarded
    def write(self, statement: str, rows: list[tuple[Any, ...]]) -> int:
        """The statement once for each of these; how many rows they changed."""
        return self._cursor.executemany(statement, rows).rowcount

    def _run(self, statement: str, *values: object) -> list[Any]:
        return self._cursor.execute(statement, values).fetchall()

    # --- transactions ---

    @property
    @_guarded
    def idle(self) -> bool:
        """Whether no transaction is open on the connection, ours or the application's."""
        return not self._connection.in_transaction

    @_guarded
    def begin(self) -> None:
        """As ``Backend``."""
        if self._in_transaction:
            raise StateError("a transaction is open already")
        self.joined = not self.idle
        if not self.joined:
            self._run("BEGIN IMMEDIATE")
        else:
            self._run("SAVEPOINT siegel")
            try:
                if self.lock is not None:
                    self._run(self.lock)
            except BaseException:
                self._undo("siegel")
                raise
        self._in_transaction = True

    @_guarded
    def commit(self) -> None:
        """As ``Backend``."""
        self._refuse_no_transaction()
        if self.idle:
            self._in_transaction = False
            raise StateError(_ENDED)
        if self.joined:
            self._of_part("RELEASE siegel")
        else:
            self._run("COMMIT")
        self._in_transaction = False

    @_guarded
    def rollback(self) -> None:
        """As ``Backend``."""
        self._refuse_no_transaction()
        self._in_transaction = False
        if self.idle:
            return  # SQLite itself ends a transaction on a full disk, and undoes it all
        if self.joined:
            self._of_part("ROLLBACK TO siegel")
            self._run("RELEASE siegel")
        else:
            self._run("ROLLBACK")

    def _refuse_no_transaction(self) -> None:
        if not self._in_transaction:
            raise StateError("no transaction is open")

    def _of_part(self, statement: str) -> None:
        try:
            self._run(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            self._in_transaction = False
            raise StateError(_ENDED) from error  # there is no such savepoint any more

    def _undo(self, savepoint: str) -> None:
        if not self.idle:
            self.run(f"ROLLBACK TO {savepoint}")
            self.run(f"RELEASE {savepoint}")

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

    @contextmanager
    def writing_rows(self, count: int) -> Generator[None, None, None]:
        """Several rows in one call: all of them or none. One row alone is so by itself."""
        with self.writing():
            if count < 2:
                yield
                return
            self.run("SAVEPOINT siegel_rows")
            try:
                yield
            except BaseException:
                self._undo("siegel_rows")
                raise
            self.run("RELEASE siegel_rows")

    def _abandon(self) -> None:
        if self._in_transaction:
            self.rollback()

    def close(self) -> None:
        """As ``Backend``. In another process than the one that opened it nothing is done: a copy is all it has."""
        if self._process != os.getpid():
            return
        try:
            self._abandon()
        finally:
            self._process = None
            _open.discard(self)
            self._cursor.close()
            if self._own:
                self._connection.close()


def _keep_inherited() -> None:
    """A child process never lets go of its parent's connections: closing them would end the parent's locks."""
    _inherited.extend(_open)


os.register_at_fork(after_in_child=_keep_inherited)
