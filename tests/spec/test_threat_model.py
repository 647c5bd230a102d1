"""The threat model names the tests that keep its promises; they are there."""

from __future__ import annotations

import re

from tests.markdown import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def test_the_tests_that_it_names_exist() -> None:
    named = set(re.findall(r"`(tests/[^`]+)`", PAGE))
    assert named != set()
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_each_property_says_its_conditions_its_limits_and_its_tests() -> None:
    properties = set(re.findall(r"^\| (P[0-9]+) \|", PAGE, re.MULTILINE))
    sections = re.findall(r"^### (P[0-9]+): .*?\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in sections} == properties
    for name, section in sections:
        for part in ("*Holds ", "*Not promised:*", "*Held by* `tests/"):
            assert section.count(part) == 1, (name, part)
