"""Knows one thread and the store that it alone uses: it puts what many ask for at a time into one transaction.

A commit waits for the disk. Whatever is asked for meanwhile is in the next one, so a hundred writers wait for two
commits, and not for a hundred. Laws: nobody hears of a writing before it is durable; a writing that is refused, or
fails, fails its caller alone; one that is cancelled was written once or never, and takes nobody else with it.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

from siegel._core.secret import KeyObject
from siegel.errors import CorruptRecord, KeyUnavailable, SerializationFailure, StateError
from siegel.store.store import Store

MAX_GROUP: Final = 512  # writings in one transaction: the first of them waits for the last
ATTEMPTS: Final = 16  # of a transaction for which another writer was first

_T = TypeVar("_T")


class _Job(NamedTuple):
    """Something to write, and who waits for it. ``step``: one writing, which writes nothing where it is refused."""

    work: Callable[[Store], Any]
    step: bool
    future: Future[Any]

    def answer(self, store: Store) -> object:
        """What it returns; the refusal, of a single writing: the transaction goes on (``Store.transaction``)."""
        try:
            return _answer(self.work, store)
        except SerializationFailure:
            raise
        except (StateError, CorruptRecord, KeyUnavailable) as error:
            if not self.step:
                raise
            return _Refused(error)

    def finish(self, answer: object) -> None:
        """Tells who waits."""
        if isinstance(answer, _Refused):
            self.future.set_exception(answer.error)
        else:
            self.future.set_result(answer)


class _Refused(NamedTuple):
    error: Exception


class StoreThread(KeyObject):
    """A thread with a store of its own. Its methods are for the other threads, those with an underscore for itself."""

    __slots__ = ("_closing", "_executor", "_jobs", "_process", "_release", "_store")

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._jobs: deque[_Job] = deque()
        self._process = os.getpid()
        self._store: Store | None = None
        self._release: Callable[[], None] | None = None
        self._closing: Future[None] | None = None

    async def open(self, opening: Callable[[], tuple[Store, Callable[[], None] | None]]) -> None:
        """Opens the store on the thread, with what is to be called when it was closed; or ends the thread."""

        def opened() -> None:
            self._store, self._release = opening()

        try:
            await asyncio.wrap_future(self._submit(opened))
        except BaseException:
            self._end()  # also what is opened only after the caller was cancelled
            raise

    async def call(self, work: Callable[[Store], _T]) -> _T:
        """Runs this on the thread, between its transactions."""
        return await asyncio.wrap_future(self._submit(lambda: _answer(work, self._opened())))

    async def write(self, work: Callable[[Store], _T], *, step: bool) -> _T:
        """Writes this in the next transaction, with whatever else waits for it."""
        future: Future[_T] = Future()
        self._jobs.append(_Job(work, step, future))
        try:
            self._submit(self._write_waiting)
        except StateError:
            future.cancel()
            raise
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """After all that was asked for before: closes the store, and ends the thread; also for who is cancelled."""
        await asyncio.shield(asyncio.wrap_future(self._end()))

    def _end(self) -> Future[None]:
        if self._closing is None:
            self._closing = self._submit(self._close)
            self._executor.shutdown(wait=False)
        return self._closing

    def _submit(self, work: Callable[[], _T]) -> Future[_T]:
        if self._process != os.getpid():
            raise StateError("another process opened the store")  # the thread is not in this one
        try:
            return self._executor.submit(work)
        except RuntimeError as error:
            raise StateError("the store is closed") from error

    # --- on the thread ---

    def _opened(self) -> Store:
        if self._store is None:
            raise StateError("the store is closed")
        return self._store

    def _close(self) -> None:
        store, self._store = self._store, None
        if store is None:
            return
        try:
            store.close()
        finally:
            if self._release is not None:
                self._release()

    def _write_waiting(self) -> None:
        """Asked for once by each job: the first time takes what waits by then, and the other times find nothing."""
        jobs: list[_Job] = []
        while self._jobs and len(jobs) < MAX_GROUP:
            job = self._jobs.popleft()
            if job.future.set_running_or_notify_cancel():  # from here on nobody cancels it
                jobs.append(job)
        if jobs:
            self._write_together(jobs)

    def _write_together(self, jobs: list[_Job]) -> None:
        """All in one transaction; where one of several fails before the commit, each in one of its own."""
        for attempt in range(1, ATTEMPTS + 1):
            answers: list[object] = []
            inside = False
            try:
                with self._opened().transaction():
                    inside = True
                    answers += [job.answer(self._opened()) for job in jobs]
                    inside = False
            except BaseException as error:  # noqa: BLE001  # whatever it is, it is a caller's, and the thread goes on
                if isinstance(error, SerializationFailure) and error.retryable and attempt < ATTEMPTS:
                    continue
                if inside and len(jobs) > 1:
                    for job in jobs:
                        self._write_together([job])
                    return
                for job in jobs:
                    job.future.set_exception(error)
                return
            for job, answer in zip(jobs, answers, strict=True):
                job.finish(answer)
            return


def _answer(work: Callable[[Store], _T], store: Store) -> _T:
    try:
        return work(store)
    except StopIteration as error:  # which no future can hold: who waits for it would wait for ever
        raise RuntimeError("an iteration ended in the middle of a function") from error
