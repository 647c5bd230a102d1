"""What holds for every test: no network beyond this machine, no silent skip in the gate, repeatable examples."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

IN_GATE = os.environ.get("CI") == "true"

# The gate gives one verdict per commit; whoever runs the tests by hand explores. No deadlines: they time the machine.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _UNTIMED)
settings.register_profile("ci", _UNTIMED, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if IN_GATE else "default")


# --- no network ------------------------------------------------------------------------------------------------------


class NetworkForbidden(Exception):
    """A test reached for another machine."""


_TAKES_SOCKET_AND_ADDRESS = {"socket.bind", "socket.connect", "socket.sendmsg", "socket.sendto"}
_TAKES_HOST = {"socket.getaddrinfo", "socket.gethostbyaddr", "socket.gethostbyname"}


def _is_here(address: object) -> bool:
    if isinstance(address, tuple):  # (host, port, …) of the internet families
        address = address[0]
    elif address is None or isinstance(address, str | bytes):
        return True  # a connected socket, checked when it connected; or the path of a Unix socket
    if address in {"localhost", None}:
        return True
    try:
        return ip_address(str(address)).is_loopback
    except ValueError:
        return False


def _stay_here(event: str, args: tuple[Any, ...]) -> None:
    if event in _TAKES_SOCKET_AND_ADDRESS:
        allowed = _is_here(args[1])
    elif event in _TAKES_HOST:
        allowed = _is_here((args[0],))
    else:
        return
    if not allowed:
        raise NetworkForbidden(f"{event}{args!r}")


# An audit hook cannot be removed, and sees each socket however it was made: no test can undo or go around it.
sys.addaudithook(_stay_here)


# --- no silent skip --------------------------------------------------------------------------------------------------


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A component that is missing in the gate is a failure: what was left out has not been shown to work.

    Third-party vectors are no component: a gate that says it has none runs those of a package, and counts the rest.
    """
    if (
        isinstance(report, pytest.TestReport)
        and "third_party" in report.keywords
        and os.environ.get("SIEGEL_EXTERNAL_VECTORS") == "none"
    ):
        return
    if IN_GATE and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which the gate does not allow: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report
