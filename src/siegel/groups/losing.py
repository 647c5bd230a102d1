"""Knows what operations off the path of the head that holds are worth (spec: roster.md, ROS-14, ROS-17, ROS-18).

Which of them wait for an admin's word, whom that suspends; which are not kept when they come. Law: no operation that is
kept needs one that is not, and the winner has none on its path, so what holds is the same without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from siegel.errors import LimitExceeded, NotPermitted, PeerError, Superseded
from siegel.groups.actions import Adopt, Dismiss, Refresh, Remove, SetRole, users_of
from siegel.groups.branches import Branches, Tie, needs
from siegel.groups.operations import Operation
from siegel.groups.roster import Roster
from siegel.identity import UserId

MAX_LOSING: Final = 64  # undecided ones of one author, the void ones among them

_VOID: Final = (Adopt, Dismiss, Refresh)  # of a losing branch: nothing waits for an admin's word


def pending(branches: Branches, roster: Roster) -> tuple[Operation, ...]:
    """What waits for a word, lowest first."""
    losing = (branches.operation(head) for head in branches.losing if head not in roster.decided)
    waiting = [operation for operation in losing if not isinstance(operation.action, _VOID)]
    return tuple(sorted(waiting, key=lambda operation: (operation.height, operation.head)))


def against(branches: Branches, roster: Roster, operations: Collection[Operation]) -> Mapping[bytes, frozenset[UserId]]:
    """Whom each pending operation suspends, by head.

    Whoever it removes or demotes, if they are in since before the fork: a new admission is a new word. Not the most
    senior admin, against whom nobody who is in could decide.
    """
    found: dict[bytes, frozenset[UserId]] = {}
    first = roster.first_admin if operations else None
    for operation in operations:
        change = branches.change(operation.head)
        fork = branches.height(branches.common(operation.head, roster.head))
        named = (change.removed | change.demoted) & roster.members.keys()
        found[operation.head] = frozenset(u for u in named if u != first and roster.members[u].since <= fork)
    return found


def ties(branches: Branches, known: int, before: bytes) -> frozenset[Tie]:
    """The forks at which only the hash decided about what came above the ``known`` heads, or about what held before."""
    lost = {*branches.after(known), before}.intersection(branches.losing)
    return frozenset(tie for head in lost if (tie := branches.tie(head)))


# --- what is kept ----------------------------------------------------------------------------------------------------


def unwanted(branches: Branches, known: int) -> dict[bytes, PeerError]:
    """Which of the heads above the ``known`` ones are not kept, and why: not worth it, and not needed by the winner."""
    new = [branches.operation(head) for head in branches.after(known)]
    lost = set(branches.losing)
    for operation in reversed(new):  # what is needed came before what needs it
        if operation.head not in lost:
            lost.difference_update(needs(operation))
    losing = [operation for operation in new if operation.head in lost]
    if not losing:
        return {}
    verdicts = _verdicts(branches, known, losing)
    useful = set[bytes]()
    for operation in reversed(losing):
        if operation.head in verdicts:
            continue
        if isinstance(operation.action, _VOID) and operation.head not in useful:
            verdicts[operation.head] = Superseded("the branch lost, and an operation of this kind is void there")
        else:
            useful.update(needs(operation))
    return verdicts


def _verdicts(branches: Branches, known: int, losing: Iterable[Operation]) -> dict[bytes, PeerError]:
    """Which of new operations that lose are refused for what they are, or for what they stand on."""
    roster, new = branches.roster_at(branches.winner), frozenset(branches.after(known))
    kept = Counter(branches.operation(h).author for h in branches.losing if h not in new and h not in roster.decided)
    verdicts: dict[bytes, PeerError] = {}
    for operation in losing:
        author = operation.author
        if not verdicts.keys().isdisjoint(needs(operation)):
            verdicts[operation.head] = NotPermitted("it stands on an operation that is not kept")
        elif not isinstance(operation.action, _VOID) and not _has_right(roster, operation):
            verdicts[operation.head] = NotPermitted("the branch lost, and its author has no right to such an act now")
        elif kept[author] >= MAX_LOSING:
            verdicts[operation.head] = LimitExceeded(
                "roster", f"more than {MAX_LOSING} losing operations of one author"
            )
        else:
            kept[author] += 1
    return verdicts


def _has_right(roster: Roster, operation: Operation) -> bool:
    """Whether its author could do such an act now, to those whom it names and who are in."""
    author, action = operation.author, operation.action
    targets = users_of(action) & roster.members.keys() if isinstance(action, Remove | SetRole) else ()
    return roster.entitled(author, action) and all(roster.is_senior(author, user) for user in targets)
