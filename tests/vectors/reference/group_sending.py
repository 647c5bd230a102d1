"""What a client of a group has to send, by hand (spec GRP-3, GRP-9 … GRP-12): decisions, without any ciphertext."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.vectors.reference import DAY, Refused, identity, require, roster_log
from tests.vectors.reference.cbor import octets
from tests.vectors.reference.group import INVALID, REFUSED, active, calm, posts, read_control
from tests.vectors.reference.labels import labelled, sha256
from tests.vectors.reference.roster_log import Log, arrive
from tests.vectors.reference.roster_state import SEALING, State, change
from tests.vectors.reference.roster_wire import Act, Operation

GRACE: Final = 30 * DAY
EPOCH_AGE: Final = 14 * DAY
MAX_AGE, MAX_MESSAGES = 3, 2  # of a policy

Told = list[dict[str, Any]]


@dataclass(frozen=True)
class Side:
    """A client as far as sending goes. ``holds``: whether it has the epoch key of the head that holds."""

    user: bytes
    log: Log
    holds: bool
    records: Mapping[bytes, identity.Record]
    now: int

    def usable(self, user: bytes) -> bool:
        """Whether a record of the user is known to which may be sealed (GRP-3)."""
        record = self.records.get(user)
        if record is None or (user != self.user and record.not_after + GRACE <= self.now):
            return False  # one's own record with number 0 is issued anew before it ends
        return self.log.state.policy[SEALING] == 0 or record.sealing_number > 0

    def sealed(self, users: Iterable[bytes]) -> tuple[Told, list[bytes]]:
        """One envelope, and who is skipped."""
        able = sorted(user for user in users if self.usable(user))
        skipped = sorted(set(users) - set(able))
        return ([{"sealed": able}] if able else []), skipped

    def spread(self, head: bytes, to: set[bytes], *, announces: bool) -> tuple[Told, list[bytes]]:
        """GRP-3."""
        state = self.log.states[head]
        everybody = set(state.holders()) <= active(self.log)
        young = not announces or self.now - drawn_at(self.log, head) < EPOCH_AGE
        if not (self.holds and everybody and young):
            return self.sealed(to)
        told, skipped = self.sealed(to - set(state.holders()))
        return [{"broadcast": head}, *told], skipped


def drawn_at(log: Log, head: bytes) -> int:
    """When the newest fresh key at or below a head was made, as its author says."""
    path = log.path(head)
    fresh = [step for step in path if log.operations[step].action.fields.get("fresh") is not None]
    return log.operations[fresh[-1]].at


# --- chains (GRP-9, GRP-10) -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Live:
    """A live chain: where and when it began, how many messages it has, to whom it was announced."""

    head: bytes
    at: int
    number: int
    audience: frozenset[bytes]


def next_message(side: Side, live: Live | None, *, rotate: bool) -> dict[str, Any]:
    """What goes out before the next message. Refused at posting."""
    log, state = side.log, side.log.state
    may = posts(log, state.head, side.user) and side.user in active(log)
    require(may, "posting", "state-error")
    everybody = active(log)
    if live is None or rotate or is_over(side, live):
        if rotate:
            told, skipped = side.sealed(everybody)
        else:
            told, skipped = side.spread(state.head, everybody, announces=True)
        return {"chain": "new", "closes": live is not None, "told": told, "skipped": skipped}
    told, skipped = Told(), list[bytes]()
    if lacking := everybody - live.audience:
        told, skipped = side.spread(state.head, lacking, announces=True)
    return {"chain": "same", "closes": False, "told": told, "skipped": skipped}


def is_over(side: Side, live: Live) -> bool:
    """GRP-9."""
    log, state = side.log, side.log.state
    too_long = live.number >= state.policy[MAX_MESSAGES] or not 0 <= side.now - live.at < state.policy[MAX_AGE]
    gone = not live.audience <= active(log)
    return too_long or gone or not calm(log, live.head, state.head) or is_refreshed(log, live.head)


def is_refreshed(log: Log, head: bytes) -> bool:
    """Whether another fresh key holds than at this head."""
    path = log.path(log.state.head)
    above = path[path.index(head) + 1 :] if head in path else path
    return any(log.operations[step].action.fields.get("fresh") is not None for step in above)


def announced_to(side: Side, users: set[bytes]) -> dict[str, Any]:
    """An announcement on demand. Refused at audience."""
    require(users <= active(side.log), "audience", "state-error")
    told, skipped = side.sealed(users)
    return {"told": told, "skipped": skipped}


# --- acts (GRP-11) ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """A chain of somebody: up to which message it is known without a gap."""

    sender: bytes
    chain_id: bytes
    messages: int


def closes_of(log: Log, users: set[bytes], chains: Iterable[Known]) -> list[list[Any]]:
    """What an act that silences these users lists."""
    said = log.leavers()
    found: list[list[Any]] = []
    for chain in sorted(chains, key=lambda chain: chain.chain_id):
        if chain.sender not in users:
            continue
        last = chain.messages - 1
        if chain.sender in said:
            own = [index for chain_id, index in said[chain.sender] if chain_id == chain.chain_id]
            last = min(last, max(own, default=-1))
        if last >= 0:
            found.append([chain.chain_id, last])
    return found


def act(side: Side, wanted: Act, chains: Iterable[Known]) -> dict[str, Any]:
    """What an act of ours lists and who is told. Refused at act."""
    log, before = side.log, side.log.state
    silenced = _silenced(before, wanted)
    fields = dict(wanted.fields)
    withheld, gone = list[bytes](), set(fields.get("users", []))
    if "closes" in fields:
        fields["closes"] = closes_of(log, silenced, chains)
    if fields.get("fresh") is not None:
        withheld = sorted(set(before.members) - active(log) - gone - {side.user})
        fields["fresh"] = [bytes(32), withheld]
    if wanted.kind == "remove":
        left = [s for s in log.statements if s.user_id in gone and s.user_id in log.leavers()]
        fields["statements"] = [statement.encode() for statement in left]
    after = _after(log, side.user, Act(wanted.kind, fields))
    done = change(before, after.state)
    newcomers = done.admitted & active(after)
    others = active(after) - newcomers
    follower = Side(side.user, after, side.holds, side.records, side.now)
    if fields.get("fresh") is not None:
        told, skipped = follower.sealed(others)
    else:
        told, skipped = Side(side.user, after, side.holds, side.records, side.now).spread(
            before.head, others, announces=False
        )
    invited, unable = follower.sealed(newcomers)
    return {
        "closes": fields.get("closes", []),
        "withheld": withheld,
        "told": told,
        "invited": invited[0]["sealed"] if invited else [],
        "skipped": sorted({*skipped, *unable}),
    }


def _silenced(state: State, wanted: Act) -> set[bytes]:
    """Who loses the right to post by the act."""
    match wanted.kind:
        case "remove":
            return {user for user in wanted["users"] if state.may_post(user)}
        case "set role":
            user, role = wanted["user"], wanted["role"]
            stays = role == 0 or (role == 1 and state.policy[0] == 0)
            return {user} if state.may_post(user) and not stays else set()
        case "set policy":
            admins = set(state.admins())
            return {u for u in state.members if state.may_post(u)} - admins if wanted["policy"][0] else set()
        case _:
            return set()


def _after(log: Log, user: bytes, done: Act) -> Log:
    """The log with the operation, whose signature nobody looks at here."""
    state = log.state
    parent = log.operations[state.head]
    operation = Operation(parent.group, state.height + 1, state.head, user, parent.at + 1, done)
    try:
        after, refusals = _unsigned(log, operation)
    except Refused:
        raise Refused("act", "state-error") from None
    require(not refusals, "act", "state-error")
    return after


def _unsigned(log: Log, operation: Operation) -> tuple[Log, list[Any]]:
    trial = log.copy()
    roster_log._place(trial, operation)  # rooms of one reference: the rules without the signature
    return trial, []


# --- coming in (GRP-12) -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Invitee:
    """Somebody who is invited: whom they know, and the last head of the group that they knew."""

    user: bytes
    contacts: frozenset[bytes]
    known: bytes | None


def invited(invitee: Invitee, data: bytes, sender: bytes, now: int) -> dict[str, Any]:
    """What an invitation lets us into. Refused at control, trust, invitation, time, log, admission, news or key."""
    user, known = invitee.user, invitee.known
    control = read_control(data)
    require(sender in invitee.contacts or sender == user, "trust", "unknown-sender")
    require(control.not_after is not None, "invitation", REFUSED)
    assert control.not_after is not None
    require(now <= control.not_after, "time", "expired")
    log = _whole_log(control.items)
    require(control.group == log.states[log.root].group, "admission", REFUSED)
    newest = log.operations[log.state.head]
    below = log.states[newest.previous] if newest.previous else None
    admitted = change(below, log.state).admitted if below else set(log.state.members)
    require(newest.author == sender and user in admitted, "admission", REFUSED)
    if known is not None:
        require(known in log.operations, "news", "replay")
        height = log.operations[log.fork(known, newest.head)].height
        require(log.state.members[user].since > height, "news", "replay")
    if control.key is not None:
        head, key = control.key
        fresh = log.operations[log.states[head].epoch].action.fields.get("fresh")
        fits = fresh is None or sha256(labelled("epoch commitment", octets(key))) == fresh[0]
        require(fits, "key", INVALID)
    return {"head": newest.head, "members": len(log.state.members), "key": control.key is not None}


def _whole_log(items: list[bytes]) -> Log:
    """The log of these items, all of which have their place. Refused at log."""
    try:
        log = roster_log.begin(items[0])
        for item in items[1:]:
            log, refusals = arrive(log, item)
            require(not refusals, "log", INVALID)
        require(not log.waiting, "log", INVALID)
    except (Refused, IndexError):
        raise Refused("log", INVALID) from None
    return log
