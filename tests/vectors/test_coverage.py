"""What the vectors of version 1 reach: every rule, flag, error, stage and label."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import pytest

from tests.markdown import ROOT
from tests.vectors.files import DOCUMENTS, VECTORS
from tests.vectors.generator.flags import NOTES
from tests.vectors.test_v1 import OPERATIONS

SPECIFICATION: Final = {
    name: (ROOT / "docs" / "spec" / f"{name}.md").read_text("utf-8")
    for name in (
        *("encoding", "labels", "identity", "sealed"),
        *("roster", "epoch", "chain", "message", "group"),
        "attachments",
        "unlock",
        "store",
    )
}
RULES: Final = [
    rule for page in SPECIFICATION.values() for rule in re.findall(r"^\*\*([A-Z]+-[0-9]+)\.\*\*", page, re.MULTILINE)
]
CATEGORIES: Final = {
    "announcement",
    "attachment",
    "broadcast",
    "chain-certificate",
    "contacts",
    "encoding",
    "epoch-key",
    "group",
    "group-message",
    "identity-derivation",
    "key-tree",
    "labels",
    "merkle",
    "padding",
    "public-identity",
    "recovery-words",
    "roster-log",
    "roster-operation",
    "safety-number",
    "sealed-message",
    "slot",
    "store",
    "succession",
    "suite",
    "text-forms",
}
# What can be raised. The rest of the tree belongs to rooms without vectors yet; fork stands in an event, never raised.
CODES: Final = {
    "conflict",
    "corrupt-header",
    "corrupt-record",
    "expired",
    "identity-changed",
    "invalid-argument",
    "invalid-message",
    "key-unavailable",
    "limit-exceeded",
    "malformed",
    "missing-epoch-key",
    "missing-sender-key",
    "newer-format",
    "not-a-recipient",
    "not-permitted",
    "replay",
    "rollback-detected",
    "stale-roster",
    "state-error",
    "superseded",
    "unknown-sender",
    "unsupported-version",
    "wrong-key",
}


def stages(page: str, heading: str) -> list[str]:
    """The first column of the table of checks behind a heading."""
    table = SPECIFICATION[page].partition(heading)[2]
    rows = table[table.index("| `") :].partition("\n\n")[0].splitlines()
    return [row.split("`")[1] for row in rows]


def test_every_rule_has_a_valid_and_an_invalid_vector() -> None:
    assert len(RULES) > 60
    for accepted in (True, False):
        reached = {rule for vector in VECTORS if vector.valid is accepted for rule in vector.test["spec"]}
        assert (accepted, sorted(set(RULES) - reached)) == (accepted, [])


def test_no_vector_names_a_rule_that_is_none() -> None:
    assert sorted({rule for vector in VECTORS for rule in vector.test["spec"]} - set(RULES)) == []


def test_every_category_has_at_least_as_many_invalid_as_valid() -> None:
    valid = Counter(vector.category for vector in VECTORS if vector.valid)
    invalid = Counter(vector.category for vector in VECTORS if not vector.valid)
    assert set(valid) == set(invalid) == CATEGORIES
    assert {
        category: (valid[category], invalid[category]) for category in valid if valid[category] > invalid[category]
    } == {}


def test_every_flag_is_explained_and_used() -> None:
    for document in DOCUMENTS:
        used = {flag for group in document["groups"] for test in group["tests"] for flag in test["flags"]}
        assert used == set(document["notes"])
        assert all(NOTES[flag] == note for flag, note in document["notes"].items())
    assert {flag for document in DOCUMENTS for flag in document["notes"]} == set(NOTES)


def test_every_error_code_is_reached() -> None:
    assert {vector.test["error"]["code"] for vector in VECTORS if not vector.valid} == CODES


@pytest.mark.parametrize(
    ("category", "wanted"),
    [
        ("sealed-message", stages("sealed", "## Opening")),
        ("public-identity", stages("identity", "in the order of these stages")),
        ("roster-log", stages("roster", "## Checks")),
        ("broadcast", stages("epoch", "## Broadcast")),
        ("attachment", [stage for part in ("Stream", "Reference") for stage in stages("attachments", f"## {part}")]),
    ],
    ids=["sealed-message", "public-identity", "roster-log", "broadcast", "attachment"],
)
def test_every_stage_refuses_something(category: str, wanted: list[str]) -> None:
    also = {"public-identity": {"contacts"}, "roster-log": {"roster-operation"}}.get(category, set[str]())
    found = {v.test["error"]["stage"] for v in VECTORS if not v.valid and v.category in {category} | also}
    assert len(wanted) > 10
    assert set(wanted) - found == set()


def test_a_stage_has_its_own_errors() -> None:
    """From unseal to signature a message has one error; before and after it, others."""
    for vector in VECTORS:
        if vector.category == "sealed-message" and not vector.valid:
            error = vector.test["error"]
            silent = error["stage"] in {"unseal", "commitment", "body", "padding", "content", "signature"}
            assert silent == (error["code"] == "invalid-message"), vector


def test_every_label_that_a_rule_uses_has_a_vector() -> None:
    rows = re.findall(r"^\| `(siegel/1 [a-z ]+)` \|.*\| ([A-Z]+-[0-9]+) \|$", SPECIFICATION["labels"], re.MULTILINE)
    shown = {vector.test["input"]["label"] for vector in VECTORS if vector.type in {"labelled", "raw"}}
    assert shown == {label for label, _ in rows}
    assert len(rows) > 15


def test_every_type_of_group_is_run_and_used() -> None:
    assert {vector.type for vector in VECTORS} == set(OPERATIONS)
