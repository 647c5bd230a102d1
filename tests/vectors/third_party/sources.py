"""Knows where third-party vectors lie, and turns each into one test (see ``vectors/third-party.md``).

Laws: no vector is copied into this repository; a set that is not on the machine is a skip with the reason, which the
gate turns into a failure; a set that is there and yields nothing is an error; a test is named by file and vector.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.markdown import ROOT

Case: TypeAlias = dict[str, Any]
Reader: TypeAlias = Callable[[Path], Iterable[tuple[object, Case]]]

VARIABLE = "SIEGEL_EXTERNAL_VECTORS"
PACKAGE = Path(str(files("cryptography_vectors")))


def find_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder that the environment names, or ``shared/external-vectors`` beside the repository; None without one.

    ``none`` says that there is none: then the gate, too, counts what it leaves out instead of failing.
    """
    chosen = environment.get(VARIABLE)
    if chosen == "none":
        return None
    folder = Path(chosen) if chosen else ROOT.parent / "shared" / "external-vectors"
    if folder.is_dir():
        return folder
    if chosen:
        raise FileNotFoundError(f"{VARIABLE} names no folder: {chosen}")
    return None


@dataclass(frozen=True)
class Source:
    """One file or folder of vectors: its path in the folder of all of them, and in ``cryptography-vectors`` if there.

    ``read`` yields each vector with its number or name, unique in the set.
    """

    path: str
    read: Reader
    packaged: str | None = None

    def locate(self, environment: Mapping[str, str] = os.environ) -> Path | None:
        """Where it lies on this machine; None if nowhere. A folder that is there but lacks the set is an error."""
        folder = find_folder(environment)
        if folder is None:
            return PACKAGE / self.packaged if self.packaged else None
        if not (folder / self.path).exists():
            raise FileNotFoundError(f"the folder of third-party vectors lacks {self.path}")
        return folder / self.path


class Inventory:
    """What was found, what was left out, what was run: the closing line of a run is made of it."""

    def __init__(self) -> None:
        self.sources: set[Source] = set()
        self.left_out: set[str] = set()
        self.found: set[str] = set()
        self.selected: set[str] = set()
        self.run: set[str] = set()

    def summary(self) -> str:
        """One line."""
        parts = [f"{len(self.run)} run"]
        if other := len(self.found - self.selected):
            parts.append(f"{other} for algorithms that are not ours")
        if self.left_out:
            names = ", ".join(sorted(self.left_out))
            parts.append(f"{len(self.left_out)} sets left out, not on this machine: {names}")
        return "third-party vectors: " + "; ".join(parts)


INVENTORY = Inventory()


def each(
    source: Source, *, where: Callable[[Case], object] = lambda _: True, inventory: Inventory = INVENTORY
) -> pytest.MarkDecorator:
    """Runs the test once for each vector, as its argument ``case``; ``where`` chooses those that the test is about."""
    inventory.sources.add(source)
    path = source.locate()
    if path is None:
        inventory.left_out.add(source.path)
        missing = pytest.mark.skip(reason=f"{source.path} is not on this machine; {VARIABLE} can name its folder")
        marks = [missing, pytest.mark.third_party]
        return pytest.mark.parametrize("case", [pytest.param({}, id=source.path, marks=marks)])
    named = {f"{source.path}#{number}": case for number, case in source.read(path)}
    chosen = {name: case for name, case in named.items() if where(case)}
    if not chosen:
        raise LookupError(f"{source.path} yields no vector for this test")
    inventory.found |= named.keys()
    inventory.selected |= chosen.keys()
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen.keys())


# --- readers ---------------------------------------------------------------------------------------------------------


def wycheproof(name: str) -> Source:
    """One file of Wycheproof, version 1; a vector also has the fields of its group."""
    return Source(f"wycheproof/testvectors_v1/{name}", _wycheproof)


def _wycheproof(path: Path) -> Iterator[tuple[object, Case]]:
    for group in json.loads(path.read_bytes())["testGroups"]:
        shared = {key: value for key, value in group.items() if key != "tests"}
        for test in group["tests"]:
            yield test["tcId"], shared | test


def json_list(path: Path) -> Iterator[tuple[object, Case]]:
    """A JSON array of objects; numbered from 0."""
    return enumerate(json.loads(path.read_bytes()))


def json_tests(path: Path) -> Iterator[tuple[object, Case]]:
    """A JSON object with an array of ``tests`` that have a ``tcId``."""
    return ((test["tcId"], test) for test in json.loads(path.read_bytes())["tests"])


def acvp(path: Path) -> Iterator[tuple[object, Case]]:
    """A file of NIST's ACVP server; a vector also has the fields of its group."""
    return _wycheproof(path)


def key_value_text(path: Path) -> Iterator[tuple[object, Case]]:
    """Lines ``key = value``; a line with COUNT begins the next vector."""
    case: Case = {}
    for line in path.read_text("utf-8").splitlines():
        key, separator, value = line.partition("=")
        if not separator or line.startswith("#"):
            continue
        if key.strip() == "COUNT" and case:
            yield case["COUNT"], case
            case = {}
        case[key.strip()] = value.strip()
    yield case.get("COUNT", 1), case
