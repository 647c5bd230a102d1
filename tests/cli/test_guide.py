"""The shell commands of the guide run as they stand, from top to bottom."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from siegel.cli.arguments import COMMANDS
from tests.markdown import ROOT, code_blocks

PAGE = ROOT / "docs" / "guide" / "command-line.md"


def test_commands(tmp_path: Path) -> None:
    blocks = code_blocks(PAGE.read_text(encoding="utf-8"), "sh")
    script = "set -eu\n" + "\n".join(block.strip() for block in blocks)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    assert "Lunch at noon?\n" in done.stdout
    assert (tmp_path / "note.txt").read_text() == "Lunch at noon?\n"
    assert "2 recipients, all allowed\n" in done.stdout
    assert all(f"siegel {command}" in script for command in COMMANDS)
