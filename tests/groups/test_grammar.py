"""The grammar of the roster describes every act that the code makes (its other shapes: tests/spec/test_grammar.py)."""

from __future__ import annotations

from typing import Any

import pytest

from siegel._core.codec import decode
from siegel.groups.actions import MAX_ROTATE_AGE
from siegel.groups.operations import LeaveStatement, Operation
from tests.groups.rosters import close, create, key, leave
from tests.groups.test_operations import EVERY_ACT, TEAM, signed
from tests.spec.test_grammar import matches

RULES = {
    "add": "add-action",
    "remove": "remove-action",
    "adopt": "adopt-action",
    "dismiss": "dismiss-action",
    "refresh": "refresh-action",
    "set role": "role-action",
    "set policy": "policy-action",
    "rename": "rename-action",
    "close": "close-action",
}


def value_of(item: Operation | LeaveStatement) -> Any:
    return decode(item.encode())


@pytest.mark.parametrize("name", EVERY_ACT)
def test_operations_match(name: str) -> None:
    """ROS-1, ROS-2."""
    value = value_of(signed(EVERY_ACT[name]))
    assert matches("roster-operation", value)
    rule = next(rule for act, rule in RULES.items() if name.startswith(act))
    assert [other for other in RULES.values() if matches(other, value[7])] == [rule]
    assert not matches("leave-statement", value)


def test_founding_operations_and_statements_match() -> None:
    """ROS-1, ROS-4."""
    founding = value_of(create(fresh=key()))
    assert matches("founding-operation", founding)
    assert not matches("roster-operation", founding)
    assert matches("leave-statement", value_of(leave("carl", TEAM.roster, close(1, 2))))


def test_the_bounds_of_the_grammar_are_those_of_the_code() -> None:
    """ROS-3."""
    policy = [0, 0, 1, MAX_ROTATE_AGE, 0]
    assert matches("group-policy", policy)
    for wrong in ([0, 0, 0, MAX_ROTATE_AGE, 0], [0, 0, 1, MAX_ROTATE_AGE + 1, 0], [0, 2, 1, MAX_ROTATE_AGE, 0]):
        assert not matches("group-policy", wrong)
    assert matches("group-name", b"x" * 255)
    assert not matches("group-name", b"x" * 256)
    assert not matches("group-name", b"")
