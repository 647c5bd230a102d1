"""Knows how work that blocks is awaited: in a thread of the running loop's own pool.

Law: when the wait is over, by a result, an error or a cancellation, the thread has finished with the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(work: Callable[[], _T]) -> _T:
    """What the work returns or raises. A cancellation waits for its end too: it may hold what is to be cleaned up."""
    import asyncio  # noqa: PLC0415  # takes as long to load as siegel, and only who awaits needs it

    future = asyncio.get_running_loop().run_in_executor(None, work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait((future,))  # unlike awaiting the future, this does not cancel it
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # seen; the cancellation goes first
        raise cancelled
    return future.result()
