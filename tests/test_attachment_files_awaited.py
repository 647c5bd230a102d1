"""Awaited, the same is done in threads: the loop goes on, and a cancellation leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from siegel.attachment_files import decrypt_file_async, encrypt_file_async
from siegel.blocking import in_thread
from siegel.errors import InvalidArgument, InvalidMessage
from tests.attachments import Places

MIB = 1 << 20


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, 2 * MIB + 12_345)


def test_the_awaited_ones_do_the_same(places: Places) -> None:
    seen: list[tuple[int, int]] = []
    threads: set[int] = set()

    def note(*now: int) -> None:
        seen.append((now[0], now[1]))
        threads.add(threading.get_ident())

    async def there_and_back() -> None:
        ref = await encrypt_file_async(places.source, places.staging, name="a", progress=note)
        assert ref.name == "a"
        await decrypt_file_async(places.staging, places.copy, ref, progress=note)
        with pytest.raises(InvalidMessage):
            await decrypt_file_async(places.source, places.folder / "none", ref)
        with pytest.raises(InvalidArgument):
            await encrypt_file_async(places.source, places.staging, role="none")

    asyncio.run(there_and_back())
    assert places.copy.read_bytes() == places.source.read_bytes()
    assert places.names == {"source", "staging", "copy"}
    assert len(seen) > 6
    assert threads == {threading.get_ident()}, "progress is called in the loop"


def test_the_loop_goes_on_meanwhile(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the work is done in the loop's thread but closing descriptors."""
    used: set[tuple[str, int]] = set()

    def noting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            used.add((name, threading.get_ident()))
            return real(*arguments, **named)

        return noted

    for name in ("open", "write", "fsync", "rename"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    asyncio.run(encrypt_file_async(places.source, places.staging))
    assert {name for name, _ in used} == {"open", "write", "fsync", "rename"}
    assert threading.get_ident() not in {thread for _, thread in used}


@pytest.mark.parametrize("direction", ["encryption", "decryption"])
def test_a_cancellation_leaves_nothing(places: Places, monkeypatch: pytest.MonkeyPatch, direction: str) -> None:
    """During each step, the last one too, at whose end the target has its name."""
    ref, new = places.encrypt(), places.folder / "new"
    before = {path: path.read_bytes() for path in places.folder.iterdir()}
    steps = list[str]()

    async def run(cancelled_step: int | None) -> None:
        steps.clear()

        async def noted(work: Callable[[], object]) -> object:
            steps.append("step")
            if len(steps) == cancelled_step:
                asyncio.get_running_loop().call_soon(task.cancel)
            return await in_thread(work)

        monkeypatch.setattr("siegel.attachment_files.in_thread", noted)
        if direction == "encryption":
            task: asyncio.Task[object] = asyncio.create_task(encrypt_file_async(places.source, new))
        else:
            task = asyncio.create_task(decrypt_file_async(places.staging, new, ref))
        await task

    asyncio.run(run(None))
    assert new.exists()
    new.unlink()
    for cancelled_step in range(1, len(steps) + 1):
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run(cancelled_step))
        assert {path: path.read_bytes() for path in places.folder.iterdir()} == before


def test_a_loop_that_is_gone(places: Places) -> None:
    async def abandoned() -> None:
        task = encrypt_file_async(places.source, places.staging)
        task.send(None)
        task.close()

    asyncio.run(abandoned())
    gc.collect()
    assert places.names == {"source"}
