"""Knows how processes are killed in the middle of encryption and decryption, and what must be true of what they left.

A program of its own, ``python -m tests.kills FOLDER WAY``, because only a process without threads may fork.
"""

from __future__ import annotations

import os
import random
import signal
import stat
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

from siegel._core.suite import random_bytes
from siegel.attachment_files import decrypt_file, encrypt_file
from siegel.attachments import context_for, padded_bytes
from siegel.errors import InvalidMessage
from siegel.streams import StreamDecryptor
from tests.attachments import payload_of

SIZE = 1_300_000  # two pieces and padding
RANDOM_KILLS = 60
POINTS = ("open", "write", "fsync", "rename")
OLD = b"what was there before"


class Scene:
    """A payload, where it goes in each direction, and every key and salt that was ever used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source, self.target, self.drawn = folder / "source", folder / "work" / "target", folder / "drawn"
        self.staging, self.size = folder / "staging", SIZE
        self.used: dict[tuple[bytes, bytes], bytes] = {}
        (folder / "work").mkdir()
        self.source.write_bytes(payload_of(SIZE))
        self.ref = encrypt_file(self.source, self.staging)

    def prepare(self, *, there: bool) -> None:
        """Another payload than in any round before, and a target that is there or not."""
        self.size += 1
        self.payload = payload_of(64) + self.size.to_bytes(64, "big") + bytes(self.size - 128)
        self.source.write_bytes(self.payload)
        for path in self.target.parent.iterdir():
            path.unlink()
        if there:
            self.target.write_bytes(OLD)
        self.drawn.write_bytes(b"")

    def encrypt(self) -> None:
        """As an application does; each key that is drawn is noted before it is used."""

        def noted(count: int) -> bytes:
            key = random_bytes(count)
            self.drawn.write_bytes(self.drawn.read_bytes() + key)
            return key

        with patch("siegel.attachment_files.random_bytes", noted):
            encrypt_file(self.source, self.target)

    def decrypt(self) -> None:
        """As an application does."""
        decrypt_file(self.staging, self.target, self.ref)

    def check(self, direction: str, *, there: bool) -> bool:
        """Under its name is nothing, or what was there before, or the whole; whether it is the whole."""
        parts = [path for path in self.target.parent.iterdir() if path != self.target]
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in parts)
        assert len(parts) <= 1
        found = self.target.read_bytes() if self.target.exists() else None
        whole = found not in {None, OLD}
        assert there or found != OLD
        assert whole or there == (found is not None)
        if direction == "decrypt":
            assert not whole or found == payload_of(SIZE)
            return whole
        files = ([found] if found is not None and whole else []) + [path.read_bytes() for path in parts]
        assert len(files) <= 1
        for data in files:
            self._check_stream(data, whole=whole)
        return whole

    def _check_stream(self, data: bytes, *, whole: bool) -> None:
        key = self.drawn.read_bytes()
        if not data:
            return
        assert len(key) == 32
        assert self.used.setdefault((key, data[:24]), self.payload) == self.payload
        assert sum(1 for other, _ in self.used if other == key) == 1
        stream = StreamDecryptor(key, context=context_for("main", self.size))
        text = stream.update(data)
        padded = self.payload + bytes(padded_bytes(self.size) - self.size)
        try:
            text += stream.finalize()
        except InvalidMessage:
            assert not whole
        else:
            assert text == padded
        assert padded.startswith(text)


def forked(work: Callable[[], object]) -> int:
    """Starts the work in a process of its own."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def ended(pid: int) -> bool:
    """Waits for its end: True if it finished, False if it was killed."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in {0, -signal.SIGKILL}, status
    return status == 0


def killing_itself(work: Callable[[], object], at: int, *, after: bool) -> None:
    """Does the work up to a call of the system that changes what is on the disk, and dies before or after the call."""
    calls = 0

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*arguments, **named)
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for name in POINTS:
        setattr(os, name, deadly(getattr(os, name)))
    work()


def at_every_point(scene: Scene, direction: str) -> None:
    """One process for each call, and for before and after it, until one is left to finish."""
    for there in (False, True):
        for after in (False, True):
            at, finished = 0, False
            while not finished:
                at += 1
                scene.prepare(there=there)
                work = getattr(scene, direction)
                finished = ended(forked(lambda: killing_itself(work, at, after=after)))  # noqa: B023  # called now
                whole = scene.check(direction, there=there)
                assert whole or not finished
            assert at > len(POINTS) + 4, "each piece is written by a call of its own"


def at_random_moments(scene: Scene, direction: str) -> None:
    """Moments over the whole of the work, and a little beyond."""
    seed = random.Random()
    scene.prepare(there=False)
    start = time.perf_counter()
    assert ended(forked(getattr(scene, direction)))
    duration = time.perf_counter() - start
    killed = 0
    for _ in range(RANDOM_KILLS):
        there = seed.random() < 0.5
        scene.prepare(there=there)
        pid = forked(getattr(scene, direction))
        time.sleep(seed.uniform(0, duration))
        os.kill(pid, signal.SIGKILL)
        finished = ended(pid)
        killed += not finished
        whole = scene.check(direction, there=there)
        assert whole or not finished
    assert killed >= RANDOM_KILLS // 4


def main() -> None:
    """Both directions."""
    scene = Scene(Path(sys.argv[1]))
    ways = {"points": at_every_point, "moments": at_random_moments}
    for direction in ("encrypt", "decrypt"):
        ways[sys.argv[2]](scene, direction)
    scene.decrypt()
    assert sha256(scene.target.read_bytes()).digest() == sha256(payload_of(SIZE)).digest()


if __name__ == "__main__":
    main()
