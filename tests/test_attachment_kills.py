"""ATT-8: a process that is killed leaves no half file under the target's name, and no key twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import ROOT


@pytest.mark.parametrize("way", ["points", "moments"])
def test_kills(tmp_path: Path, way: str) -> None:
    """At each call that changes the disk, before and after it; and at moments that nobody chose."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kills", str(tmp_path), way],
        capture_output=True, text=True, check=False, timeout=120, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
