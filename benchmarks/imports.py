"""Importing siegel against importing its three dependencies: the imports alone, each in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from benchmarks.measure import Row

DEPENDENCIES = """
import cbor2, nacl.bindings, nacl.exceptions
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.ciphers import aead
from cryptography.hazmat.primitives.kdf import hkdf
"""
TIMED = "import time; start = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"


def run(*, pairs: int) -> list[Row]:
    _seconds("import siegel")  # compiles it, as installing does
    ours, theirs = list[float](), list[float]()
    for _ in range(max(5, pairs // 100)):
        ours.append(_seconds("import siegel"))
        theirs.append(_seconds(DEPENDENCIES))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return [Row("import siegel", median(ours), "import its three dependencies", median(theirs), ratio, "≤ 1.5")]


def _seconds(code: str) -> float:
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(  # noqa: S603  # our own interpreter, our own text
        [sys.executable, "-c", TIMED.format(code)], check=True, capture_output=True, text=True, env=compiled
    )
    return float(done.stdout)
