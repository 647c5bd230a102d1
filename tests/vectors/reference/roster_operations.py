"""What each type of group about rosters asks for, answered by the reference."""

from __future__ import annotations

from typing import Final

from tests.vectors.notation import Case, Outcome, expand, spell
from tests.vectors.reference import roster_log
from tests.vectors.reference.operations import Operation
from tests.vectors.reference.roster_wire import read_operation, read_statement


def roster_operation(case: Case) -> Outcome:
    found = read_operation(case.data("operation"))
    expected = {
        "groupId": found.group,
        "head": found.head,
        "height": found.height,
        "previous": found.previous,
        "author": found.author,
        "at": found.at,
        "action": spell(found.action.value()),
    }
    return Outcome(expected, {"signedPart": found.text()})


def leave_statement(case: Case) -> Outcome:
    found = read_statement(case.data("statement"))
    expected = {
        "groupId": found.group,
        "head": found.head,
        "userId": found.user_id,
        "closes": [list(close) for close in found.closes],
        "at": found.at,
    }
    return Outcome(expected, {"signedPart": found.text()})


def log_of_items(case: Case) -> Outcome:
    """The items arrive one by one; the last one is judged, earlier ones may be refused."""
    items = {name: expand(data) for name, data in case.fixture["items"].items()}
    names = {data: name for name, data in items.items()}
    first, *rest = case.input["items"]
    last = len(rest) - 1
    log = roster_log.begin(items[first])
    refused: list[list[str]] = []
    for place, name in enumerate(rest):
        log, refusals = roster_log.arrive(log, items[name])
        if place == last and (own := dict(refusals).get(items[name])) is not None:
            assert refused == []  # there is one fault
            case.after.update(roster_log.outline(log))
            raise own
        refused += sorted([names[data], error.code] for data, error in refusals)
    return Outcome({**roster_log.summary(log), "refused": refused})


OPERATIONS: Final[dict[str, Operation]] = {
    "roster-operation": roster_operation,
    "leave-statement": leave_statement,
    "roster-log": log_of_items,
}
