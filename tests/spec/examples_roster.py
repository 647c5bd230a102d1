"""The worked example of the roster's chapter, computed: a group of three, a fork, a member who leaves."""

from __future__ import annotations

from siegel import Identity
from siegel._core.codec import Value, encode
from siegel._core.labels import Label, labelled
from siegel.groups.actions import Adopt, Create, FreshKey, GroupPolicy, Remove, Rename, Role, action_value
from siegel.groups.history import History
from siegel.groups.operations import LeaveStatement, Operation
from siegel.groups.roster import propose

KEYS = [FreshKey(bytes([number]) * 32) for number in (0x11, 0x22, 0x33)]


def roster_rows(
    alice: Identity, bob: Identity, carol: Identity, *, nonce: bytes, at: int
) -> list[tuple[str, bytes | str | int]]:
    """Alice founds, Bob removes Carol while Alice renames, Alice adopts the removal; Carol had left anyway."""
    members = ((bob.user_id, Role.ADMIN), (carol.user_id, Role.MEMBER))
    create = Create(nonce, "board", GroupPolicy(), tuple(sorted(members, key=lambda pair: pair[0].data)), KEYS[0])
    founding = Operation.found(alice, action=create, at=at)
    history = History.found(founding)
    removal = propose(history.roster, bob, Remove((carol.user_id,), (), (), KEYS[1]), at=at + 1)
    renaming = propose(history.roster, alice, Rename("the board"), at=at + 2)
    place = {"group_id": founding.group_id, "head": founding.head}
    gone = LeaveStatement.sign(carol, **place, closes=(), at=at + 3)
    forked = history.extend([removal, renaming]).history
    adoption = propose(forked.roster, alice, Adopt((removal.head,), (), KEYS[2]), at=at + 4)
    items: list[Value] = [4, 1, b"", 0, b"", alice.user_id.data, at, action_value(create)]
    left: list[Value] = [5, 1, *place.values(), carol.user_id.data, [], at + 3]
    names = {removal.head: "Bob's removal", renaming.head: "Alice's renaming", adoption.head: "Alice's adoption"}
    return [
        ("action of the founding operation", encode(action_value(create))),
        ("text that Alice signs", labelled(Label.ROSTER_OPERATION, *items)),
        ("founding operation", founding.encode()),
        ("head of the founding operation", founding.head),
        ("group id", founding.group_id),
        ("Bob's removal of Carol, height 1", removal.encode()),
        ("head of the removal", removal.head),
        ("Alice's renaming, height 1", renaming.encode()),
        ("head of the renaming", renaming.head),
        ("what holds", names[forked.roster.head]),
        ("what is pending", ", ".join(names[operation.head] for operation in forked.pending)),
        ("who is suspended", "Carol" if forked.suspended == {carol.user_id} else "others"),
        ("Alice's adoption, height 2", adoption.encode()),
        ("head of the adoption", adoption.head),
        ("what holds then", names[forked.extend([adoption]).history.roster.head]),
        ("text that Carol signs to leave", labelled(Label.LEAVE_STATEMENT, *left)),
        ("her leave statement", gone.encode()),
    ]
