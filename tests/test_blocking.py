"""Work that blocks is awaited in a thread, and is over when the wait is."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from siegel.blocking import in_thread


def test_the_result_and_the_error_arrive() -> None:
    assert asyncio.run(in_thread(lambda: 7)) == 7

    def fails() -> None:
        raise KeyError("reason")

    with pytest.raises(KeyError, match="reason"):
        asyncio.run(in_thread(fails))


def test_the_loop_goes_on() -> None:
    async def both() -> list[str]:
        order: list[str] = []
        released = threading.Event()

        async def release() -> None:
            order.append("loop")
            released.set()

        def work() -> None:
            assert released.wait(10)
            order.append("thread")

        await asyncio.gather(in_thread(work), release())
        return order

    assert asyncio.run(both()) == ["loop", "thread"]


@pytest.mark.parametrize("error", [None, KeyError])
def test_a_cancellation_waits_for_the_end_of_the_work(error: type[Exception] | None) -> None:
    """Also one that comes twice; an error of work that nobody waits for any more is not reported."""
    ended: list[bool] = []

    def work() -> None:
        time.sleep(0.05)
        ended.append(True)
        if error is not None:
            raise error

    async def cancelled() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        task = asyncio.create_task(in_thread(work))
        for _ in range(3):
            await asyncio.sleep(0.005)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]
        del task
        assert complaints == []

    asyncio.run(cancelled())
