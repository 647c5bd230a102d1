"""A group as its users handle it, 256 bytes a message: one, a backlog of 10,000, a skip of 60,000; what it writes.

The state is committed to a storage in memory; parents, permissions and events are part of what is measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import copy
from itertools import islice

from benchmarks.company import AT, BODY, Recorder, Snapshot, Team
from benchmarks.group_messages import Raw
from benchmarks.measure import Fact, Row, compare
from benchmarks.peers import installed_group_peers
from siegel import Group, GroupPolicy
from siegel.events import MessageReceived
from siegel.groups.key_tree import INDEX_COUNT
from siegel.groups.message import parse_message

BACKLOG = 10_000
SKIP = 60_000
LONG = GroupPolicy(rotate_messages=INDEX_COUNT)


class Backlog:
    """Messages of one sender, and receivers who have the keys and none of the messages."""

    def __init__(self, count: int) -> None:
        self.team = Team(2, 2, policy=LONG)
        self._before = Snapshot(self.team.storages[1])
        self.messages = list(islice(self.following(), count))

    def following(self) -> Iterator[bytes]:
        """What the sender writes next."""
        while True:
            message = self.team.founder.encrypt(BODY, at=AT).message
            assert message is not None
            yield message

    def first(self, count: int) -> Backlog:
        """A part of it, for the same receivers."""
        part = copy(self)
        part.messages = self.messages[:count]
        return part

    def receivers(self, count: int) -> Iterator[Group]:
        """As many, each at the beginning; loading them is not part of what is measured."""
        return iter([self.team.again(1, self._before) for _ in range(count)])

    def catch_up(self, group: Group) -> None:
        """All of it at once."""
        outcomes = group.receive_many(self.messages, at=AT)
        assert all(type(outcome) is tuple and type(outcome[0]) is MessageReceived for outcome in outcomes)


def run(*, pairs: int) -> list[Row | Fact]:
    quick = pairs <= 100
    few = 3 if quick else 7
    backlog = Backlog(BACKLOG // 10 if quick else BACKLOG)
    raw, group = Raw(backlog.messages[-1]), backlog.team.founder
    count, steps = len(backlog.messages), min(pairs, len(backlog.messages) - 1)
    receiver, waiting = next(backlog.receivers(1)), iter(backlog.messages)
    catching_up = f"receive_many of {count:,}"

    def encrypt() -> None:
        group.encrypt(BODY, at=AT)

    rows: list[Row | Fact] = [
        compare("Group.encrypt", encrypt, "sign + hashes + AES", raw.encrypt, pairs=steps, limit="≤ 1.45"),
        compare(
            "Group.receive", lambda: receiver.receive(next(waiting), at=AT), "verify + hashes + AES", raw.receive,
            pairs=steps - 1, limit="≤ 1.45",
        ),
    ]  # fmt: skip
    fresh = backlog.receivers(few + 1)
    rows.append(
        compare(
            catching_up, lambda: backlog.catch_up(next(fresh)), "hashes + AES of each",
            lambda: [raw.open() for _ in range(count)], pairs=few,
        )
    )  # fmt: skip
    for peer in installed_group_peers(BODY, count):
        rows.append(compare("Group.encrypt", encrypt, peer.name, peer.encrypt, pairs=pairs // 8))
        again = backlog.receivers(few + 1)
        rows.append(
            compare(
                catching_up, lambda again=again: backlog.catch_up(next(again)), peer.name, peer.backlog,  # type: ignore[misc]  # bound now
                pairs=few, limit="≤ 0.25" if "vodozemac" in peer.name else "",
            )
        )  # fmt: skip
    return [*rows, *_skip(few * 20), *_written()]


def _skip(pairs: int) -> list[Row | Fact]:
    """A message 60,000 places above the last one that was received, and what it leaves in the state."""
    backlog = Backlog(1)
    first = backlog.messages[0]
    far = next(islice(backlog.following(), SKIP, None))
    receiver = next(backlog.receivers(1))
    receiver.receive(first, at=AT)
    chain_id = parse_message(far).chain_id
    before = receiver._state.chains[chain_id].tree.node_count  # noqa: SLF001  # what it keeps is what is counted
    receiver.receive(far, at=AT)
    nodes = receiver._state.chains[chain_id].tree.node_count - before  # noqa: SLF001  # as above
    far_away, next_one = backlog.receivers(pairs + 1), backlog.receivers(pairs + 1)
    row = compare(
        f"receive after a skip of {SKIP:,}", lambda: next(far_away).receive(far, at=AT),
        "receive of the next", lambda: next(next_one).receive(first, at=AT), pairs=pairs,
    )  # fmt: skip
    return [
        row,
        Fact(f"a skip of {SKIP:,} costs more than a receive", (row.ours - row.theirs) * 1e6, "µs", "≤ 50"),
        Fact(f"nodes that a skip of {SKIP:,} adds", nodes, "nodes", "≤ 16"),
    ]


def _written() -> list[Fact]:
    """What one receive writes in a group of a thousand."""
    team = Team(1_000, 2, policy=LONG)
    storage: Recorder = team.storages[1]
    facts: list[Fact] = []
    sent = [team.founder.encrypt(BODY, at=AT).message for _ in range(1_000)]
    for what, message in (("the next message", sent[0]), ("the message after a skip of 999", sent[-1])):
        assert message is not None
        team.groups[1].receive(message, at=AT)
        records = Counter(name.split("/")[2] for name in storage.last)
        assert records.keys() == {"chain", "link"}
        size = sum(len(data or b"") for data in storage.last.values())
        written = f"{records['chain']} chain and {records['link']} link rows"
        facts.append(Fact(f"receiving {what} in a group of 1,000 writes {written}", size, "bytes", "< 1,024"))
    return facts
