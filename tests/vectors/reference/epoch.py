"""Epoch keys, by hand: which key belongs to a head, which is believed, when it is gone (spec EPO-1 … EPO-6)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.vectors.reference import DAY, Refused, broadcast, require, roster_log
from tests.vectors.reference.cbor import octets
from tests.vectors.reference.labels import label, labelled, sha256
from tests.vectors.reference.roster_log import Log

MAX_AGE: Final = 14 * DAY
GRACE: Final = 30 * DAY


def commitment(key: bytes) -> bytes:
    """What an operation names a fresh key by (EPO-1)."""
    return sha256(labelled("epoch commitment", octets(key)))


def derived(key: bytes, head: bytes) -> bytes:
    """The key of an operation that derives one (EPO-2)."""
    return sha256(label("epoch derivation") + b"\0" + key + head)


@dataclass(frozen=True)
class Held:
    """A key that is held; ``giver`` of one that was only told."""

    key: bytes = field(repr=False)
    since: int
    giver: bytes | None = None
    superseded: int | None = None


@dataclass
class Holder:
    """A member: what they know of the group, and their keys by epoch."""

    log: Log
    user: bytes
    held: dict[bytes, Held] = field(default_factory=dict[bytes, Held])
    kept: list[broadcast.Broadcast] = field(default_factory=list[broadcast.Broadcast])

    # --- which key: EPO-3

    def epoch(self, head: bytes) -> bytes:
        """The epoch of a head."""
        return self.log.states[head].epoch

    def line(self, epoch: bytes) -> list[bytes]:
        """The epochs from which this one's key follows, itself the first, down to the fresh key."""
        found = [epoch]
        while self.log.states[found[-1]].key_kind == "derived":
            found.append(self.epoch(self.log.operations[found[-1]].previous))
        return found

    def key(self, head: bytes) -> Held | None:
        """The key of a head, as it is held or follows from one that is."""
        line = self.line(self.epoch(head))
        place = next((n for n, epoch in enumerate(line) if epoch in self.held), None)
        if place is None:
            return None
        found = self.held[line[place]]
        for epoch in line[:place][::-1]:
            found = replace(found, key=derived(found.key, epoch))
        return found

    # --- who has it: EPO-4

    def active(self) -> set[bytes]:
        """Members who are neither suspended nor leavers."""
        return set(self.log.state.members) - set(self.log.suspended()) - set(self.log.leavers())

    def entitled(self) -> list[bytes]:
        """Who may be given the key of the head that holds."""
        return sorted(self.active() & set(self.log.state.holders()))

    def take(self, giver: bytes, head: bytes, key: bytes, now: int) -> str:
        """Somebody gives a key; what becomes of it. Refused at head, giver, holder, proof or age."""
        require(head in self.log.operations, "head", "stale-roster")
        require(giver in self.active(), "giver", "not-permitted")
        require(self.user in self.log.states[head].holders(), "holder", "not-permitted")
        epoch, before = self.epoch(head), self.key(head)
        fresh = self.log.states[epoch].key_kind == "fresh"
        if fresh:
            brought = self.log.operations[epoch].action["fresh"][0]
            require(brought == commitment(key), "proof", "invalid-message")
        if before is not None and before.key == key:
            return "held"
        require(before is None or before.giver is not None, "proof", "invalid-message")
        new = Held(key, now, None if fresh else giver)
        if before is not None:
            if not self._shows(epoch, new):
                return "rival"
            self._put(epoch, new, now)
            return "replaced"
        require(self.ends(epoch, new) > now, "age", "expired")
        self._put(epoch, new, now)
        return "proven" if fresh else "told"

    def _shows(self, epoch: bytes, new: Held) -> bool:
        """Whether a broadcast of a third member is at hand that opens under this key."""
        for kept in self.kept:
            if kept.head in self.log.operations and self.epoch(kept.head) == epoch:
                try:
                    said = broadcast.open_broadcast(kept, new.key, self.log.state.group)
                except Refused:
                    continue
                if said.sender != new.giver and said.sender in self.log.states[kept.head].members:
                    return True
        return False

    def _put(self, epoch: bytes, new: Held, now: int) -> None:
        replaces = self.key(epoch) is not None
        self.held[epoch] = new
        if new.giver is None or replaces:
            told = [other for other, held in self.held.items() if held.giver is not None and other != epoch]
            for other in told:
                if epoch in self.line(other):
                    del self.held[other]
        self.settle(now)

    # --- ages: EPO-5, EPO-6

    def settle(self, now: int) -> None:
        """The key of the head that holds is held by itself, the others are superseded."""
        state = self.log.state
        found = self.key(state.head)
        if found is not None:
            self.held[state.epoch] = replace(found, superseded=None)
        for epoch, held in self.held.items():
            if epoch != state.epoch and held.superseded is None:
                self.held[epoch] = replace(held, superseded=now)

    def drawn(self, epoch: bytes, held: Held) -> int:
        """From when the age is counted."""
        return min(self.log.operations[self.line(epoch)[-1]].at, held.since)

    def ends(self, epoch: bytes, held: Held) -> int:
        """When a key is to be forgotten."""
        old = self.drawn(epoch, held) + MAX_AGE
        return min(old, old if held.superseded is None else held.superseded) + GRACE

    def forget(self, now: int) -> None:
        """What is to be forgotten is."""
        self.held = {epoch: held for epoch, held in self.held.items() if self.ends(epoch, held) > now}

    def may_broadcast(self, head: bytes) -> bool:
        """Whether all holders at a head are active."""
        return set(self.log.states[head].holders()) <= self.active()

    def may_announce(self, head: bytes, now: int) -> bool:
        """Whether the key of a head is there, and young enough for announcements."""
        held = self.key(head)
        return held is not None and now - self.drawn(self.epoch(head), held) < MAX_AGE

    # --- what arrives

    def arrive(self, data: bytes, now: int) -> None:
        """An item of the log, which is accepted."""
        self.log, refusals = roster_log.arrive(self.log, data)
        assert not refusals
        self.settle(now)

    def hear(self, data: bytes) -> broadcast.Said:
        """What a broadcast says (EPO-8). What comes too early is kept."""
        read = broadcast.read(data)
        try:
            require(read.head in self.log.operations, "head", "stale-roster")
            said = _opened(read, self.key(read.head), self.log.state.group)
        except Refused as refused:
            if refused.code in {"stale-roster", "missing-epoch-key"}:
                self.kept.append(read)
            raise
        require(said.sender in self.log.states[read.head].members, "sender", "not-permitted")
        return said

    def state(self) -> list[dict[str, Any]]:
        """The keys that are held, by epoch."""
        return [
            {"epoch": epoch, "key": held.key, "since": held.since, "giver": held.giver, "superseded": held.superseded}
            for epoch, held in sorted(self.held.items())
        ]


def _opened(read: broadcast.Broadcast, held: Held | None, group_id: bytes) -> broadcast.Said:
    if held is None:
        raise Refused("key", "missing-epoch-key")
    try:
        return broadcast.open_broadcast(read, held.key, group_id)
    except Refused as refused:
        if held.giver is None:
            raise
        raise Refused(refused.stage, "missing-epoch-key") from None
