"""Runs the command as a person does: as a process, and in a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SIEGEL = (sys.executable, "-m", "siegel")
_SECONDS = 60

# Makes the terminal on standard input the controlling one and its signals heard, as a login does (what runs in the
# background of a script ignores Ctrl-C), and becomes the command.
_LOGIN = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, sys.argv[1:])
"""


class Result(NamedTuple):
    """What a finished command leaves."""

    status: int
    out: bytes
    err: str


def siegel(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> Result:
    """Runs the command with its streams in pipes."""
    done = subprocess.run(
        [*SIEGEL, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=_SECONDS,
    )
    return Result(done.returncode, done.stdout, done.stderr.decode())


def siegel_in_terminal(
    *arguments: str | Path,
    typed: bytes = b"",
    after: bytes = b"",
    cwd: Path | None = None,
    setting: Mapping[str, str] | None = None,
    program: Sequence[str] = SIEGEL,
    columns: int = 0,
    then: Sequence[tuple[bytes, bytes]] = (),
) -> tuple[int, str]:
    """Runs the command in a terminal; exit status and everything on the screen.

    ``typed`` is typed once ``after`` stands on the screen; ``setting`` is added to the environment; ``columns`` is the
    width of the terminal, where 0 means that it does not say; ``then`` is what has to stand on the screen, and what is
    typed after it, one pair after the other.
    """
    command = [sys.executable, "-c", _LOGIN, *program, *map(str, arguments)]
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24 if columns else 0, columns))
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env={**clean, "TERM": "xterm", **(setting or {})},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        screen = _watch(ours, [*([(after, typed)] if typed else []), *then])
        return process.wait(_SECONDS), screen.decode().replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _watch(ours: int, steps: Sequence[tuple[bytes, bytes]]) -> bytes:
    screen, left = b"", list(steps)
    while True:
        if left and left[0][0] in screen:
            os.write(ours, left.pop(0)[1])
        ready, _, _ = select.select([ours], [], [], _SECONDS)
        if not ready:
            raise TimeoutError(f"the command waits; on the screen: {screen!r}")
        try:
            seen = os.read(ours, 65536)
        except OSError:  # Linux: the other side has closed
            return screen
        if not seen:
            return screen
        screen += seen


def written(folder: Path) -> Sequence[str]:
    """Every file below the folder, also hidden and half-made ones."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
