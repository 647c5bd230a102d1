"""The catalogue is kept: each attack has its tests and its row in README.md, and nothing else has."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
IN_SCOPE = {
    f"{kind}-{number}"
    for kind, last in (("ID", 8), ("PR", 14), ("SM", 13), ("GR", 14), ("AT", 3), ("EN", 6))
    for number in range(1, last + 1)
} | {f"ST-{number}" for number in range(1, 14)}  # of stores
OF_THE_TOOLS = {"test_toolbox.py", Path(__file__).name}


def attacks() -> dict[str, str]:
    """Each test function with its docstring."""
    found: dict[str, str] = {}
    for path in HERE.glob("test_*.py"):
        if path.name not in OF_THE_TOOLS:
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found[node.name] = ast.get_docstring(node) or ""
    return found


def attack_of(test: str) -> str:
    match = re.match(r"test_([a-z]{2})_(\d+)_", test)
    assert match, f"{test} is not named after an attack"
    return f"{match[1].upper()}-{match[2]}"


def test_every_attack_is_made() -> None:
    made = Counter(map(attack_of, attacks()))
    assert set(made) == IN_SCOPE


def test_every_attack_has_its_row() -> None:
    rows = re.findall(r"^\| ([A-Z]{2}-\d+) \|.*\|.*\|.*\|$", (HERE / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(IN_SCOPE)


def test_every_test_says_what_it_is_about() -> None:
    short = [name for name, docstring in attacks().items() if len(docstring) < 60]
    assert short == []


def test_every_file_has_its_row() -> None:
    named = set(re.findall(r"^\| `(\w+\.py)` \|", (HERE / "README.md").read_text("utf-8"), re.MULTILINE))
    assert named == {path.name for path in HERE.glob("*.py") if not path.name.startswith(("test_", "__"))}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(test_[a-z]{2}_\d+_\w+)`", (HERE / "README.md").read_text("utf-8"))
    assert len(named) >= 12
    assert sorted(set(named) - attacks().keys()) == []


def test_every_test_elsewhere_exists() -> None:
    named = re.findall(r"`tests/(\w+\.py)`", (HERE / "README.md").read_text("utf-8"))
    assert len(named) >= 2
    assert [name for name in named if not (HERE.parent / name).exists()] == []
