"""Counts the vectors that ran, and says at the end how many did and what was left out."""

from __future__ import annotations

import pytest

from tests.vectors.third_party.sources import INVENTORY


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    callspec = getattr(pyfuncitem, "callspec", None)
    if callspec is not None and "case" in callspec.params:
        INVENTORY.run.add(callspec.id)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(INVENTORY.summary())
