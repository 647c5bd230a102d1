"""Knows the command doctor: does this machine compute what the standards say, with which libraries?"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from siegel import __version__
from siegel.cli.errors import CommandError
from siegel.cli.known_answers import CHECKS, Check, WrongAnswer
from siegel.cli.terminal import GREEN, RED, Console, painted, table

# As in the package's own requirements; what an installation lacks is found when it is imported, what is old is not.
REQUIRED: Final = {"cryptography": (50,), "pynacl": (1, 6, 2), "cbor2": (6, 2)}


class Finding(NamedTuple):
    """What one check found; ``detail`` says what was checked, or what is wrong."""

    name: str
    ok: bool
    detail: str


def doctor(_: argparse.Namespace, console: Console) -> None:
    """Prints every finding; CommandError if one is bad."""
    findings = [*map(_version, REQUIRED), *map(_examined, CHECKS)]
    failed = [finding.name for finding in findings if not finding.ok]
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if console.as_json:
        checks = [finding._asdict() for finding in findings]
        console.result({"ok": not failed, "siegel": __version__, "machine": machine, "checks": checks}, [])
    else:
        table_lines = _lines(findings, colour=console.colour)
        console.show([f"siegel {__version__} on {machine}", "", *table_lines, *_verdict(findings)])
    if failed:
        raise CommandError(
            "self-test",
            f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}",
            "do not use siegel on this machine before they pass; reinstall it in a new virtual environment",
        )


def _verdict(findings: Sequence[Finding]) -> list[str]:
    return ["", f"all {len(findings)} checks passed"] if all(finding.ok for finding in findings) else []


def _lines(findings: Sequence[Finding], *, colour: bool) -> list[str]:
    rows = table([("ok" if finding.ok else "FAIL", finding.name, finding.detail) for finding in findings])
    verdicts = [
        painted(row[:4], GREEN if finding.ok else RED, colour=colour)
        for row, finding in zip(rows, findings, strict=True)
    ]
    return [verdict + row[4:] for verdict, row in zip(verdicts, rows, strict=True)]


def _version(package: str) -> Finding:
    least = REQUIRED[package]
    wanted = "at least " + ".".join(map(str, least))
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Finding(package, ok=False, detail=f"not installed; {wanted} is needed")
    return Finding(package, ok=_numbers(found) >= least, detail=f"version {found}, {wanted}")


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: 50.0.2rc1 is (50, 0, 2)."""
    leading = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, leading[0].split("."))) if leading else ()


def _examined(check: Check) -> Finding:
    try:
        check.run()
    except WrongAnswer as wrong:
        return Finding(check.name, ok=False, detail=f"{check.source}: {wrong}")
    except Exception as error:  # noqa: BLE001  # a self-test reports whatever a broken library does, and goes on
        return Finding(check.name, ok=False, detail=f"{check.source}: {type(error).__name__}: {error}")
    return Finding(check.name, ok=True, detail=check.source)
