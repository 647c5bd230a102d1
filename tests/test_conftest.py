"""The guards of conftest.py stop what they are there to stop."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import NetworkForbidden
from tests.markdown import ROOT

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1 (RFC 5737): nobody's address
ELSEWHERE_6 = ("2001:db8::1", 9)  # RFC 3849, likewise


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(lambda udp: udp.connect(ELSEWHERE), id="connect"),
        pytest.param(lambda udp: udp.sendto(b"", ELSEWHERE), id="sendto"),
        pytest.param(lambda udp: udp.sendmsg([b""], [], 0, ELSEWHERE), id="sendmsg"),
        pytest.param(lambda udp: udp.bind(("", 0)), id="bind"),  # "" is every interface
        pytest.param(lambda _: socket.create_connection(ELSEWHERE, timeout=1), id="create_connection"),
        pytest.param(lambda _: socket.create_connection(ELSEWHERE_6, timeout=1), id="create_connection-6"),
        pytest.param(lambda _: socket.getaddrinfo("host.invalid", 9), id="getaddrinfo"),
        pytest.param(lambda _: socket.gethostbyname("host.invalid"), id="gethostbyname"),
    ],
)
def test_no_test_reaches_another_machine(reach: Callable[[socket.socket], object]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(NetworkForbidden):
        reach(udp)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"here")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(4) == b"here"


@pytest.mark.parametrize("gate", ["true", ""])
def test_a_skip_is_a_failure_in_the_gate_only(tmp_path: Path, gate: str) -> None:
    (tmp_path / "test_left_out.py").write_text(
        "import pytest\ndef test_one(): pytest.skip('no such component')\n", encoding="utf-8"
    )
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)]
    environment = {"CI": gate, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == (1 if gate else 0), run.stdout + run.stderr
    assert ("1 failed" if gate else "1 skipped") in run.stdout
