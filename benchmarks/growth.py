"""How cost grows: with the messages of a backlog, 1,000 to 40,000, and with the members of a group, 100 to 4,000.

The least of a few runs, because what else the machine does must not bend a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.company import AT, BODY, Snapshot, people, person
from benchmarks.groups import Backlog
from benchmarks.measure import Fact, no_collection, seconds
from benchmarks.membership import Seals
from benchmarks.peers import megolm_peer
from siegel import Group, MemoryStorage

MESSAGES = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 40_000)
MEMBERS = (100, 500, 1_000, 2_000, 3_000, 4_000)
REPEATED = 5


@dataclass(frozen=True, slots=True)
class Line:
    """Measured points, in milliseconds by number; ``ours`` tells us from peers and raw primitives."""

    name: str
    points: list[tuple[int, float]]
    ours: bool = True

    def add(self, number: int, runs: Sequence[Callable[[], object]]) -> None:
        """The next point: the shortest of these runs."""
        if runs:
            with no_collection():
                self.points.append((number, min(map(seconds, runs)) * 1e3))

    @property
    def slope(self) -> float:
        """What one costs at the largest number, if it is 1 at the smallest."""
        (few, first), (many, last) = self.points[0], self.points[-1]
        return (last / many) / (first / few)


@dataclass(frozen=True, slots=True)
class Chart:
    """The lines over one number."""

    title: str
    over: str
    lines: list[Line]


def run(*, pairs: int) -> list[Fact]:
    return facts(measure(quick=pairs <= 100))


def facts(charts: list[Chart]) -> list[Fact]:
    """Whether it is linear."""
    found: list[Fact] = []
    for chart in charts:
        for line in chart.lines:
            few, many = line.points[0][0], line.points[-1][0]
            what = f"{line.name}: each of {many:,} {chart.over}, if each of {few:,} is 1"
            found.append(Fact(what, line.slope, "", "about 1" if line.ours else ""))
    return found


def measure(*, quick: bool) -> list[Chart]:
    """Both charts; ``quick`` takes a twentieth of the numbers."""
    part = 20 if quick else 1
    return [
        _over_messages([number // part for number in MESSAGES]),
        _over_members([number // part for number in MEMBERS]),
    ]


def _over_messages(numbers: list[int]) -> Chart:
    backlog = Backlog(numbers[-1])
    ours, theirs = Line("siegel receive_many", []), Line("vodozemac decrypt, one by one", [], ours=False)
    for number in numbers:
        part, peer = backlog.first(number), megolm_peer(BODY, number)
        for line, work in (
            (ours, [partial(part.catch_up, one) for one in part.receivers(REPEATED)]),
            (theirs, [peer.backlog] * REPEATED if peer else []),
        ):
            line.add(number, work)
    return Chart("Catching up with one sender", "messages", [line for line in (ours, theirs) if line.points])


def _over_members(numbers: list[int]) -> Chart:
    seals = Seals(numbers[-1])
    creating, removing, loading = Line("create", []), Line("remove one", []), Line("load", [])
    raw = Line("as many raw HPKE seals", [], ours=False)
    for number in numbers:
        others, storage = people(1, number), MemoryStorage()
        create = partial(Group.create, person(0), members=others, name="team", at=AT)
        group, _ = create(storage=storage)
        load = partial(Group.load, group.group_id, identity=person(0), contacts=(), storage=Snapshot(storage))
        creating.add(number, [create] * REPEATED)
        removing.add(number, [partial(group.remove, [other.user_id], at=AT) for other in others[:REPEATED]])
        raw.add(number, [partial(seals.make, number)] * REPEATED)
        loading.add(number, [load] * REPEATED)
    return Chart("Acts of a group", "members", [creating, removing, raw, loading])
