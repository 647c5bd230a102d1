"""Of two faults in one roster operation, the stage that comes first in roster.md decides (see test_order_of_checks).

From the stage ``rights`` on, all refusals but two have one code: their order shows in the vectors' stages alone.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from siegel.groups.history import History, parse_item
from siegel.groups.operations import MAX_OPERATION_BYTES, Operation
from tests.spec.test_order_of_checks import found
from tests.vectors.generator import roster_parts as parts
from tests.vectors.reference.roster_wire import MEMBER

FOUNDING = parts.found("frida", parts.create({"carl": MEMBER}))

STAGES = {
    "size": "limit-exceeded",  # ROS-3
    "encoding": "malformed byte",
    "type": "malformed roster operation",
    "version": "unsupported-version",
    "shape": "malformed roster operation action fresh commitment",  # ROS-2
    "signing-key": "malformed roster operation author",  # ROS-6
    "signature": "invalid-message",  # ROS-6
    "statements": "malformed leave statement",  # ROS-2
    "place": "not-permitted",  # ROS-5
}


def arrive_with(*faults: str) -> object:
    """Takes a removal in which these stages find a fault; whatever else it says is signed."""
    statement = FOUNDING if "statements" in faults else parts.leave(FOUNDING, "carl")
    key = [bytes(31), []] if "shape" in faults else parts.fresh()
    changes: dict[str, Any] = {"height": 5} if "place" in faults else {}
    if "signing-key" in faults:
        changes["author"] = bytes(32)
    act = parts.remove("carl", statements=[statement.encode()], key=key)
    removal = parts.follow(FOUNDING, "frida", act, **changes)
    if "signature" in faults:
        removal = replace(removal, signature=bytes(64))
    data = removal.encode()
    if "type" in faults:
        data = data[:1] + b"\6" + data[2:]
    if "version" in faults:
        data = data[:2] + b"\2" + data[3:]
    if "encoding" in faults:
        data += b"\0"
    if "size" in faults:
        data += bytes(MAX_OPERATION_BYTES)
    founding = parse_item(FOUNDING.encode())
    assert isinstance(founding, Operation)
    for _, error in History.found(founding).extend([parse_item(data)]).refused:
        raise error
    return None


def test_the_honest_removal_is_taken() -> None:
    assert found(arrive_with) == "nothing"


@pytest.mark.parametrize("stage", STAGES)
def test_each_fault_alone(stage: str) -> None:
    assert found(lambda: arrive_with(stage)) == STAGES[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(STAGES, 2)))
def test_the_first_of_two_decides(first: str, second: str) -> None:
    expected = "version" if (first, second) == ("type", "version") else first  # ENC-9
    assert found(lambda: arrive_with(first, second)) == STAGES[expected]
