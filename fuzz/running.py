"""Runs a target under atheris, which is libFuzzer with the branches of Python for its coverage."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

MISUSED = 2


class Finding(Exception):
    """A law does not hold for this input."""


def instrumented() -> AbstractContextManager[object]:
    """Modules of siegel that are first imported in this context report their branches, where atheris is installed."""
    try:
        import atheris  # noqa: PLC0415  # the tests import targets without it
    except ImportError:
        return nullcontext()
    context: AbstractContextManager[object] = atheris.instrument_imports(include=["siegel"])
    return context


def run(one_input: Callable[[bytes], None], *, seeds: Sequence[bytes], longest: int) -> None:
    """Fuzzes with inputs of up to ``longest`` bytes, beginning at the seeds; ends the process (see the package)."""
    parser = argparse.ArgumentParser(description=one_input.__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long to look (default 60)")
    parser.add_argument("--findings", type=Path, default=Path(), metavar="DIR", help="where to put a finding")
    parser.add_argument("inputs", nargs="*", type=Path, metavar="FILE", help="run these inputs once, and nothing else")
    chosen = parser.parse_args()
    for path in chosen.inputs:
        one_input(path.read_bytes())
    if chosen.inputs:
        return
    try:
        import atheris  # noqa: PLC0415  # the tests import targets without it
    except ImportError:
        parser.exit(MISUSED, "atheris is not installed: pip install --group fuzz\n")
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        options = [f"-max_total_time={chosen.seconds}", f"-max_len={longest}", f"-artifact_prefix={chosen.findings}/"]
        atheris.Setup([sys.argv[0], *options, corpus], one_input)
        atheris.Fuzz()
