"""Knows how a content secret is sealed to many recipients in several processes (spec: sealed.md, SEAL-8).

Threads do not help: the work holds the interpreter lock. Each process gets one share of the recipients.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from siegel._core.secret import Secret
from siegel._core.suite import SealingPublicKey, hpke_seal
from siegel.errors import StateError

# Never fork the caller: its threads may hold locks that the child would wait for.
_START: Final = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def seal_in_processes(workers: int) -> Callable[[Secret, Sequence[tuple[SealingPublicKey, bytes]]], list[bytes]]:
    """A sealer that divides its jobs among this many processes. StateError if they cannot be started."""

    def sealer(secret: Secret, jobs: Sequence[tuple[SealingPublicKey, bytes]]) -> list[bytes]:
        share = -(-len(jobs) // workers)
        shares = [[(key.data, info) for key, info in jobs[i : i + share]] for i in range(0, len(jobs), share)]
        try:
            with ProcessPoolExecutor(len(shares), mp_context=multiprocessing.get_context(_START)) as pool:
                results = list(pool.map(_seal_share, [secret.reveal()] * len(shares), shares))
        except BrokenProcessPool:
            raise StateError(
                'the worker processes did not start; call from under if __name__ == "__main__", or without workers'
            ) from None
        return [sealed for result in results for sealed in result]

    return sealer


def _seal_share(secret: bytes, jobs: list[tuple[bytes, bytes]]) -> list[bytes]:
    wrapped = Secret(secret)
    return [hpke_seal(SealingPublicKey(key, where="sealing key"), wrapped, info=info) for key, info in jobs]
