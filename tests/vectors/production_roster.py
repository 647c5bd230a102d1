"""What each type of group about rosters asks for, answered by the library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from siegel._core.labels import Label, labelled
from siegel.errors import PeerError
from siegel.groups.actions import action_value, closes_value
from siegel.groups.history import History, parse_item
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import Roster
from siegel.identity import UserId
from tests.vectors.notation import Case, Outcome, expand, spell
from tests.vectors.reference.operations import Operation as Answer


def roster_operation(case: Case) -> Outcome:
    operation = Operation(case.data("operation"))
    assert operation.encode() == case.data("operation")
    author, action = bytes(operation.author), action_value(operation.action)
    expected = {
        "groupId": operation.group_id,
        "head": operation.head,
        "height": operation.height,
        "previous": operation.previous,
        "author": author,
        "at": operation.at,
        "action": spell(action),
    }
    group_id = operation.group_id if operation.previous else b""
    items = 4, 1, group_id, operation.height, operation.previous, author, operation.at, action
    return Outcome(expected, {"signedPart": labelled(Label.ROSTER_OPERATION, *items)})


def leave_statement(case: Case) -> Outcome:
    statement = LeaveStatement(case.data("statement"))
    assert statement.encode() == case.data("statement")
    expected = {
        "groupId": statement.group_id,
        "head": statement.head,
        "userId": bytes(statement.user_id),
        "closes": closes_value(statement.closes),
        "at": statement.at,
    }
    return Outcome(expected, {"signedPart": statement.signed})


# --- logs -------------------------------------------------------------------------------------------------------------


class Log:
    """A history that takes bytes as they arrive, and says what it holds in the words of the vectors."""

    def __init__(self, first: bytes) -> None:
        item = parse_item(first)
        assert isinstance(item, Operation)
        self.history = History.found(item)

    def arrive(self, data: bytes) -> list[tuple[bytes, PeerError]]:
        """What is refused because of it, as bytes, and why."""
        try:
            item = parse_item(data)
        except PeerError as error:
            return [(data, error)]
        extension = self.history.extend([item])
        self.history = extension.history
        return [(one.encode(), error) for one, error in extension.refused]

    def outline(self) -> dict[str, Any]:
        """What is shown of a history that refused something."""
        history = self.history
        return {
            "head": history.roster.head,
            "pending": [operation.head for operation in history.pending],
            "suspended": _sorted(history.suspended),
            "leavers": [[user, sorted(map(list, history.leavers[UserId(user)]))] for user in _sorted(history.leavers)],
            "missing": sorted(history.missing),
        }

    def summary(self) -> dict[str, Any]:
        """Everything that the history says."""
        roster = self.history.roster
        return {
            **self.outline(),
            "height": roster.height,
            "name": roster.name,
            "policy": _numbers(roster),
            "closed": roster.closed,
            "members": [[user, roster.roles[UserId(user)].value] for user in _sorted(roster.members)],
            "admins": list(map(bytes, _admins(roster))),
            "keyKind": roster.key_kind.name.lower(),
            "epoch": roster.epoch,
            "holders": _sorted(roster.holders),
            "decided": sorted(roster.decided),
            "ties": sorted([bytes(tie.author), *tie.heads] for tie in self.history._ties),
        }


def _numbers(roster: Roster) -> list[int]:
    policy = roster.policy
    return [policy.posting.value, policy.adding.value, policy.rotate_messages, policy.rotate_age, policy.sealing.value]


def _sorted(users: Iterable[UserId]) -> list[bytes]:
    return sorted(map(bytes, users))


def _admins(roster: Roster) -> list[UserId]:
    admins = [user for user, member in roster.members.items() if member.admin_since is not None]
    return sorted(admins, key=roster.seniority)


def log_of_items(case: Case) -> Outcome:
    items = {name: expand(data) for name, data in case.fixture["items"].items()}
    names = {data: name for name, data in items.items()}
    first, *rest = case.input["items"]
    last = len(rest) - 1
    log = Log(items[first])
    refused: list[list[str]] = []
    for place, name in enumerate(rest):
        refusals = log.arrive(items[name])
        if place == last and (own := dict(refusals).get(items[name])) is not None:
            assert refused == []  # there is one fault
            case.after.update(log.outline())
            raise own
        refused += sorted([names[data], error.code] for data, error in refusals)
    return Outcome({**log.summary(), "refused": refused})


OPERATIONS: Final[dict[str, Answer]] = {
    "roster-operation": roster_operation,
    "leave-statement": leave_statement,
    "roster-log": log_of_items,
}
