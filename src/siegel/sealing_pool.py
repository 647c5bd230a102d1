"""Knows how a content secret is sealed to many recipients in several processes (spec: sealed.md, SEAL-8).

Threads do not help: the work holds the interpreter lock. The caller's process is one of the workers: its keys are
loaded, and it seals while the others start. Each of the others gets small shares over a pipe, one for each result.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Final, TypeAlias

from siegel._core.secret import Secret
from siegel._core.suite import SealingPublicKey, hpke_seal
from siegel.errors import StateError

# Never fork the caller: its threads may hold locks that the child would wait for.
if sys.platform == "win32":
    _CONTEXT = multiprocessing.get_context("spawn")
else:
    _CONTEXT = multiprocessing.get_context("forkserver")
_SHARE: Final = 32  # jobs; 45 kB, which a pipe takes at once, and some milliseconds of work
_AHEAD: Final = 2  # shares that a worker holds, so that it need not wait for us

Job: TypeAlias = tuple[SealingPublicKey, bytes]


def seal_in_processes(workers: int) -> Callable[[Secret, Sequence[Job]], list[bytes]]:
    """A sealer that divides its jobs among this many processes. StateError if they cannot be started."""

    def sealer(secret: Secret, jobs: Sequence[Job]) -> list[bytes]:
        shares = [jobs[i : i + _SHARE] for i in range(0, len(jobs), _SHARE)]
        try:
            with _other_workers(min(workers, len(shares)) - 1, secret) as others:
                results = _share_out(shares, secret, others)
        # A worker that cannot start closes its pipe; the last two are what multiprocessing raises in the wrong place.
        except (OSError, EOFError, RuntimeError, AssertionError):
            results = None
        if results is None:
            raise StateError(
                'the worker processes did not start; call from under if __name__ == "__main__", or without workers'
            )
        return [sealed for share in results for sealed in share]

    return sealer


def _share_out(shares: Sequence[Sequence[Job]], secret: Secret, others: Sequence[Connection]) -> list[list[bytes]]:
    results: list[list[bytes]] = [[] for _ in shares]
    to_do = iter(range(len(shares)))
    given: dict[Connection, list[int]] = {other: [] for other in others}  # the places of their shares, oldest first

    def give(other: Connection) -> None:
        place = next(to_do, None)
        if place is not None:
            other.send([(key.data, info) for key, info in shares[place]])
            given[other].append(place)

    for other in others:
        for _ in range(_AHEAD):
            give(other)
    while True:
        place = next(to_do, None)
        if place is not None:
            results[place] = [hpke_seal(key, secret, info=info) for key, info in shares[place]]
        busy = [other for other in others if given[other]]
        if place is None and not busy:
            return results
        ready = wait(busy, timeout=0 if place is not None else None)
        for other in [other for other in busy if other in ready]:
            results[given[other].pop(0)] = other.recv()
            give(other)


@contextmanager
def _other_workers(count: int, secret: Secret) -> Generator[list[Connection]]:
    """Starts so many processes and ends them afterwards, whatever they are doing: they hold nothing but shares."""
    pipes = [_CONTEXT.Pipe() for _ in range(count)]
    processes = [_CONTEXT.Process(target=_work, args=(theirs, secret.reveal()), daemon=True) for _, theirs in pipes]
    try:
        for process in processes:
            process.start()
        for _, theirs in pipes:
            theirs.close()  # so that the end of a process is the end of its pipe
        yield [ours for ours, _ in pipes]
    finally:
        for process in processes:
            if process.pid is not None:
                process.terminate()
                process.join()
        for ours, _ in pipes:
            ours.close()


def _work(pipe: Connection, secret: bytes) -> None:
    wrapped = Secret(secret)
    while True:
        try:
            jobs: list[tuple[bytes, bytes]] = pipe.recv()
        except EOFError:  # the caller is gone
            return
        pipe.send([hpke_seal(SealingPublicKey(key, where="sealing key"), wrapped, info=info) for key, info in jobs])
