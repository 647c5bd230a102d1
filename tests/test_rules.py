"""Every rule of the specification stands in text, code, vectors and tests; no id is made up anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.markdown import ROOT

KINDS = (
    *("ENC", "PAD", "TEXT", "WORD", "LAB", "SUITE", "MRK", "ID", "SEAL"),
    *("KEY", "CHN", "MSG", "ROS", "EPO", "GRP", "ATT", "UNL", "STO"),
)

_RULE = re.compile(rf"\b({'|'.join(KINDS)})-([1-9][0-9]*)\b")
_DEFINITION = re.compile(r"^\((?P<anchor>[A-Z]+-[0-9]+)\)=\n\*\*(?P<id>[A-Z]+-[0-9]+)\.\*\* ", re.MULTILINE)
_RANGE = re.compile(rf"{_RULE.pattern} (?:…|to) {_RULE.pattern}")
# The catalogue of attacks has an ID-1 of its own (tests/attacks): "attack ID-6", "attacks ID-1, ID-2".
_ATTACKS = re.compile(r"\battacks? [A-Z]{2}-[0-9]+(?:(?:, | and | … )[A-Z]{2}-[0-9]+)*")
_ATTACK_TESTS = ROOT / "tests" / "attacks"


# --- collecting ------------------------------------------------------------------------------------------------------


def named(text: str) -> set[str]:
    """The rules that a text names one by one: a range is a table of contents, and no place where a rule is kept."""
    return {match[0] for match in _RULE.finditer(_RANGE.sub("", _ATTACKS.sub("", text)))}


def in_ranges(text: str) -> Iterator[str]:
    """The rules that a text names by their first and last."""
    for kind, first, last_kind, last in _RANGE.findall(_ATTACKS.sub("", text)):
        assert kind == last_kind
        yield from (f"{kind}-{number}" for number in range(int(first), int(last) + 1))


def text_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return re.sub(r"\bID-[0-9]+", "", text) if _ATTACK_TESTS in path.parents else text


def defined() -> list[str]:
    """The ids in the order in which the chapters define them."""
    pages = (ROOT / "docs" / "spec").glob("*.md")
    return [match["id"] for page in sorted(pages) for match in _DEFINITION.finditer(page.read_text(encoding="utf-8"))]


def sources() -> list[Path]:
    return sorted((ROOT / "src" / "siegel").rglob("*.py"))


def own_tests() -> list[Path]:
    """The tests; not the vectors' own generator and reference, which are counted by what they make."""
    vectors = ROOT / "tests" / "vectors"
    own = {vectors / "generator", vectors / "reference"}
    return [path for path in sorted((ROOT / "tests").rglob("*.py")) if not own & set(path.parents)]


def vectors() -> set[str]:
    """The ids in the ``spec`` fields."""
    files = [path for path in (ROOT / "vectors" / "v1").glob("*.json") if path.name != "schema.json"]
    groups = [group for file in files for group in json.loads(file.read_text(encoding="utf-8"))["groups"]]
    return {rule for group in groups for test in group["tests"] for rule in test["spec"]}


# --- the four places -------------------------------------------------------------------------------------------------


def test_rules_are_numbered_without_a_gap_and_have_their_anchor() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs" / "spec").glob("*.md")))
    assert [match["id"] for match in _DEFINITION.finditer(pages) if match["id"] != match["anchor"]] == []
    assert len(re.findall(r"^\*\*[A-Z]+-[0-9]+\.\*\*", pages, re.MULTILINE)) == len(defined())
    for kind in KINDS:
        numbers = [rule for rule in defined() if rule.startswith(f"{kind}-")]
        assert numbers == [f"{kind}-{number}" for number in range(1, len(numbers) + 1)] != []


def test_every_rule_stands_in_the_code() -> None:
    assert sorted(set(defined()) - set().union(*(named(text_of(path)) for path in sources()))) == []


def test_every_rule_stands_in_the_vectors() -> None:
    assert sorted(set(defined()) - vectors()) == []


def test_every_rule_stands_in_the_tests() -> None:
    found = set().union(*(named(text_of(path)) for path in own_tests() if path != Path(__file__)))
    assert sorted(set(defined()) - found) == []


def test_no_rule_is_made_up() -> None:
    pages = sorted((ROOT / "docs").rglob("*.md")) + sorted((ROOT / "docs").rglob("*.cddl"))
    everything = [*pages, *sources(), *sorted((ROOT / "tests").rglob("*.py"))]
    for path in everything:
        if path != Path(__file__):
            text = text_of(path)
            assert sorted(named(text).union(in_ranges(text)) - set(defined())) == [], path
    assert sorted(vectors() - set(defined())) == []


# --- the collector sees what it should -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("checked first (SUITE-6), see ENC-1, ENC-12", {"SUITE-6", "ENC-1", "ENC-12"}),
        ("spec ENC-1 … ENC-8, PAD-2", {"PAD-2"}),
        ("known to be weak (attack ID-6), of ID-7", {"ID-7"}),
        ("attacks ID-1, ID-2 and SM-3; ID-3", {"ID-3"}),
        ("GRID-1, ID-0, UUID-5, SM-2", set()),
    ],
)
def test_what_is_named(text: str, rules: set[str]) -> None:
    assert named(text) == rules


def test_what_a_range_means() -> None:
    assert list(in_ranges("ENC-9, SEAL-8 … SEAL-11 (attack ID-1 … ID-8)")) == ["SEAL-8", "SEAL-9", "SEAL-10", "SEAL-11"]
