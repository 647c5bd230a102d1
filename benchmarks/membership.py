"""Who comes and goes in a group of 1,000, of whom 50 write: what it costs, counted and timed, beside the peers.

With sender keys every sender pays one pairwise encryption for each member. Here the author of a removal pays one seal
for each member, and every sender one broadcast. What the receivers pay stands in the rows as well.
"""

from __future__ import annotations

from statistics import median

from benchmarks.company import AT, BODY, BROADCAST, Snapshot, Team, broadcasts, people, person, public
from benchmarks.group_peers import Pairwise, Tree, pairwise_peer, tree_peer
from benchmarks.measure import Fact, Row, compare, row, timed, usual
from benchmarks.raw import Raw, new_key
from siegel import Group, MemoryStorage, inspect_envelope, letters

LARGEST = 10_000  # members that a group may have


class Seals:
    """As many raw HPKE encryptions as a fan-out has recipients."""

    def __init__(self, most: int) -> None:
        self._raw, self._keys = Raw(512), [new_key().public_key() for _ in range(most)]

    def make(self, count: int) -> None:
        for key in self._keys[:count]:
            self._raw.encrypt(key)


def run(*, pairs: int) -> list[Row | Fact]:
    quick = pairs <= 100
    size, senders, few = (100, 10, 3) if quick else (1_000, 50, 7)
    seals, pairwise, tree = Seals(size), pairwise_peer(), tree_peer(size)
    team = Team(size, senders)
    return [
        *_create(size, few, seals, pairwise, tree),
        *_add(team, pairwise, tree),
        *_remove(team, few, seals, pairwise, tree),
        *_load(LARGEST // 10 if quick else LARGEST),
    ]


def _create(size: int, few: int, seals: Seals, pairwise: Pairwise | None, tree: Tree | None) -> list[Row | Fact]:
    others, count, what = people(1, size), size - 1, f"create a group of {size:,}"

    def create() -> None:
        Group.create(person(0), members=others, name="team", at=AT)

    found = compare(what, create, f"{count:,} × encrypt", lambda: seals.make(count), pairs=3 * few, limit="≤ 1.2")
    rows: list[Row | Fact] = [found]
    if pairwise:
        each = usual(pairwise.begin, times=200)
        rows.append(_beside(what, found.ours, f"{pairwise.name}: one new session × {count:,}", each * count))
    if tree:
        rows.append(_beside(what, found.ours, f"{tree.name}, once", tree.set_up_seconds))
    (invitation,) = Group.create(person(0), members=others, name="team", at=AT)[1].control
    letter = next(letter for _, letter in letters(invitation))
    joining = usual(lambda: Group.join(invitation, identity=person(1), contacts=[public(0)], at=AT), times=few)
    return [
        *rows,
        Fact(f"{what}: an invited member's letter", len(letter), "bytes"),
        Fact(f"join a group of {size:,}", joining * 1e3, "ms"),
    ]


# --- somebody comes --------------------------------------------------------------------------------------------------


def _add(team: Team, pairwise: Pairwise | None, tree: Tree | None) -> list[Row | Fact]:
    """One newcomer, and then the next message of each sender."""
    senders, what = len(team.groups), f"add one to {team.size:,}"
    author, made = timed(team.founder.add, [public(team.size)], at=AT + 1)
    for group in team.groups[1:]:
        group.receive_many([data for data in made.control if data[:2] == BROADCAST], at=AT + 1)
    sent = [timed(group.encrypt, BODY, at=AT + 1) for group in team.groups]
    for number, (_, outgoing) in enumerate(sent):
        team.deliver(outgoing, sender=number)
    total = author + sum(seconds for seconds, _ in sent)
    control = [*made.control, *(data for _, outgoing in sent for data in outgoing.control)]
    sealed = sum(len(inspect_envelope(data).recipients) for data in control if data[:2] != BROADCAST)
    all_of_it, rows = f"{what}, and {senders} senders write", list[Row | Fact]()
    if pairwise:
        new = usual(pairwise.begin, times=200)
        rows.append(_beside(all_of_it, total, f"{pairwise.name}: one new session × {senders}", new * senders))
    if tree:
        rows.append(_beside(all_of_it, total, f"{tree.name}: one commit", usual(tree.add, times=3)))
    return [
        *rows,
        Fact(f"{what}: seals", sealed, "seals", "1"),
        Fact(f"{what}: broadcasts, with one of each of {senders} senders", broadcasts(control), "", f"≤ {senders + 1}"),
        Fact(f"{what}: the author", author * 1e3, "ms"),
        Fact(f"{what}: a sender's next message with its announcement", median(s for s, _ in sent) * 1e3, "ms"),
        Fact(f"{what}: the largest announcement", max(len(o.control[0]) for _, o in sent), "bytes", "≤ 4,096"),
    ]


# --- somebody goes ---------------------------------------------------------------------------------------------------


class Removals:
    """One silent member after the other is removed, and each time every sender writes twice. All times in seconds."""

    def __init__(self, team: Team, seals: Seals, turns: int) -> None:
        self.team, self.author, self.raw = team, list[float](), list[float]()
        self.envelope, self.letter, self.first, self.second = (list[float]() for _ in range(4))
        for turn in range(turns + 1):
            self._turn(AT + 2 + turn, seals)
        for times in (self.author, self.raw, self.envelope, self.letter, self.first, self.second):
            del times[: len(times) // (turns + 1)]  # the first turn warms up, and brings the group to its size

    def _turn(self, at: int, seals: Seals) -> None:
        team = self.team
        silent = set(team.founder.roster.members) - {group.user_id for group in team.groups}
        author, made = timed(team.founder.remove, [min(silent, key=bytes)], at=at)
        (envelope,) = made.control
        count = len(inspect_envelope(envelope).recipients)
        assert count == len(team.founder.roster.members)
        self.author.append(author)
        self.raw.append(timed(seals.make, count)[0])
        post = dict(letters(envelope))
        for number, group in enumerate(team.groups[1:]):
            times, data = (self.letter, post[group.user_id]) if number else (self.envelope, envelope)
            times.append(timed(group.receive, data, at=at)[0])
        sent = [timed(group.encrypt, BODY, at=at) for group in team.groups]
        assert all(broadcasts(outgoing.control) == len(outgoing.control) == 1 for _, outgoing in sent)
        self.first += [seconds for seconds, _ in sent]
        self.second += [timed(group.encrypt, BODY, at=at)[0] for group in team.groups]
        self.envelope_bytes, self.broadcast_bytes = len(envelope), max(len(o.control[0]) for _, o in sent)

    @property
    def announcing(self) -> float:
        """What a removal adds to a sender's next message."""
        return median(a - b for a, b in zip(self.first, self.second, strict=True))


def _remove(team: Team, few: int, seals: Seals, pairwise: Pairwise | None, tree: Tree | None) -> list[Row | Fact]:
    what, count, senders = f"remove one of {team.size:,}", team.size - 1, len(team.groups)
    removals = Removals(team, seals, few)
    author, each = median(removals.author), removals.announcing
    rows: list[Row | Fact] = [row(f"{what}: the author", removals.author, f"{count:,} × encrypt", removals.raw)]
    commit = usual(tree.remove, times=few) if tree else 0.0
    for writing in sorted({1, 10, senders}):
        after = f"{what}, and {writing} write"
        total = author + writing * each
        if pairwise:
            theirs = usual(pairwise.encrypt, times=2_000) * count * writing
            rows.append(_beside(after, total, f"{pairwise.name}: encrypt × {count:,} × {writing}", theirs))
        if tree:
            rows.append(_beside(after, total, f"{tree.name}: one commit", commit))
    return [
        *rows,
        Fact(f"{what}: the author's seals", count, "seals", f"{count:,}"),
        Fact(f"{what}: the envelope, to be cut into letters", removals.envelope_bytes, "bytes"),
        *([Fact(f"{what}: the commit of {tree.name}, which goes to all", tree.commit_bytes, "bytes")] if tree else []),
        Fact(f"{what}: added to each sender's next message", each * 1e3, "ms", "≤ 0.2"),
        Fact(f"{what}: each sender's broadcast", removals.broadcast_bytes, "bytes", "≤ 4,096"),
        Fact(f"{what}: receiving the letter", median(removals.letter) * 1e3, "ms"),
        Fact(f"{what}: receiving the whole envelope", median(removals.envelope) * 1e3, "ms"),
    ]


# --- a large roster --------------------------------------------------------------------------------------------------


def _load(size: int) -> list[Row | Fact]:
    storage = MemoryStorage()
    group, _ = Group.create(person(0), members=people(1, size), name="everybody", storage=storage, at=AT)
    snapshot = Snapshot(storage)
    loading = usual(
        lambda: Group.load(group.group_id, identity=person(0), contacts=(), storage=snapshot), times=5
    )  # fmt: skip
    return [Fact(f"load a group of {size:,}", loading * 1e3, "ms", "< 1,000")]


def _beside(what: str, ours: float, against: str, theirs: float) -> Row:
    """Two times that were not taken in pairs."""
    return Row(what, ours, against, theirs, ours / theirs)
