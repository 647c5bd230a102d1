"""What a client of a group takes, and what it says of it, by hand (spec GRP-1, GRP-2, GRP-4 … GRP-8).

A client is told who sent what: envelopes and broadcasts are opened elsewhere. What an input did is a list of words.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeAlias

from tests.vectors.reference import LATEST, Refused, cbor, identity, require, roster_log
from tests.vectors.reference import chain as chains
from tests.vectors.reference.cbor import octets
from tests.vectors.reference.chain import Chain
from tests.vectors.reference.group_message import Message, Parent, read
from tests.vectors.reference.key_tree import COUNT, holder
from tests.vectors.reference.labels import labelled, sha256
from tests.vectors.reference.roster_log import Log
from tests.vectors.reference.roster_state import change
from tests.vectors.reference.sender_chain import Close, read_announcement

MAX_ITEMS: Final = 16_384
MAX_ITEM: Final = 1 << 20
MAX_ANNOUNCEMENTS: Final = 16
MAX_ANNOUNCEMENT: Final = 2_676
MAX_IDENTITIES: Final = 1_024
MAX_IDENTITY: Final = 2_048
MAX_ASKED: Final = 64
MAX_LIVE: Final = 16
INVALID: Final = "invalid-message"
REFUSED: Final = "not-permitted"

Words: TypeAlias = list[str]


# --- control (GRP-1) --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Control:
    """The seven items."""

    group: bytes
    items: list[bytes]
    key: list[bytes] | None
    announcements: list[bytes]
    identities: list[bytes]
    request: list[Any] | None
    not_after: int | None


def read_control(data: bytes) -> Control:
    """Control after every check that looks at it alone. Refused at control."""
    try:
        value = cbor.read(data)
    except Refused:
        raise Refused("control", INVALID) from None
    require(cbor.is_array(value, 7), "control", INVALID)
    group, items, key, announcements, identities, request, not_after = value
    sound = (
        cbor.is_octets(group, 32)
        and _strings(items, MAX_ITEMS, MAX_ITEM)
        and (key is None or (cbor.is_array(key, 2) and all(cbor.is_octets(part, 32) for part in key)))
        and _strings(announcements, MAX_ANNOUNCEMENTS, MAX_ANNOUNCEMENT)
        and _strings(identities, MAX_IDENTITIES, MAX_IDENTITY)
        and (request is None or _is_request(request))
        and (not_after is None or cbor.is_uint(not_after, LATEST))
    )
    require(sound, "control", INVALID)
    return Control(*value)


def _strings(value: Any, count: int, size: int) -> bool:
    return (
        cbor.is_array(value) and len(value) <= count and all(cbor.is_octets(one) and len(one) <= size for one in value)
    )


def _is_request(value: Any) -> bool:
    if not cbor.is_array(value, 3) or not cbor.is_octets(value[0], 32) or not isinstance(value[1], bool):
        return False
    return cbor.is_array(value[2]) and len(value[2]) <= MAX_ASKED and all(cbor.is_octets(one, 16) for one in value[2])


# --- who takes part, and which message may stand ----------------------------------------------------------------------


def active(log: Log) -> set[bytes]:
    """The members who take part (GRP-2)."""
    return set(log.state.members) - set(log.suspended()) - set(log.leavers())


def calm(log: Log, start: bytes, end: bytes) -> bool:
    """Whether a head is another one or above it, and nobody was removed, demoted or silenced on the way."""
    path = log.path(end)
    if start not in path:
        return False
    above = path[path.index(start) :]
    steps = [change(log.states[low], log.states[high]) for low, high in pairwise(above)]
    return not any(step.taken_out or step.demoted or step.silenced for step in steps)


def posts(log: Log, head: bytes, user: bytes) -> bool:
    """Whether a user may post at a head."""
    return not log.states[head].closed and log.states[head].may_post(user)


def last_index(log: Log, sender: bytes, chain_id: bytes, begun: bytes) -> int:
    """The last index of a chain that every close which counts lets stand; -1 for none (GRP-4)."""
    last = COUNT
    path = log.path(log.state.head)
    for low, high in pairwise(path):
        silenced = change(log.states[low], log.states[high]).silenced
        if sender in silenced and high not in log.path(begun):
            closes = log.operations[high].action.fields.get("closes") or []
            last = min(last, next((index for chain, index in closes if chain == chain_id), -1))
    if sender in log.leavers():
        own = [index for chain, index in log.leavers()[sender] if chain == chain_id]
        last = min(last, max(own, default=-1))
    return last


def may_stand(log: Log, chain: Chain, index: int, head: bytes) -> None:
    """GRP-4. Refused at head, rights or closes."""
    certificate, sender = chain.certificate, chain.certificate.sender
    require(head in log.operations, "head", "stale-roster")
    require(calm(log, certificate.head, head), "rights", REFUSED)
    places = {head, log.fork(head, log.state.head)}
    require(all(posts(log, place, sender) for place in places), "rights", REFUSED)
    require(sender not in log.suspended(), "rights", REFUSED)
    require(index <= last_index(log, sender, certificate.chain_id, certificate.head), "closes", REFUSED)


# --- a client ---------------------------------------------------------------------------------------------------------


@dataclass
class Client:
    """What one client knows. ``own``: its live chain as a receiver sees it who has read everything."""

    user: bytes
    log: Log
    now: int
    chains: dict[bytes, Chain] = field(default_factory=dict[bytes, Chain])
    identities: dict[bytes, identity.Record] = field(default_factory=dict[bytes, identity.Record])
    keys: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    owed: dict[bytes, tuple[bytes, Close]] = field(default_factory=dict[bytes, "tuple[bytes, Close]"])
    own: Chain | None = None

    # --- control: GRP-2 and GRP-5

    def hear(self, sender: bytes, data: bytes, under: bytes | None) -> Words:
        """Control from this sender; ``under``: the head of the broadcast, None if it came sealed."""
        if under is not None:
            require(under in self.log.operations, "head", "stale-roster")
            require(self.log.states[under].role(sender) is not None, "authority", REFUSED)
        control = read_control(data)
        sealed_only = control.key or control.request or control.not_after is not None
        require(under is None or not sealed_only, "carrier", REFUSED)
        require(control.group == self.log.states[self.log.root].group, "group", REFUSED)
        words, refusals = Words(), list[Refused]()
        parts: list[Callable[[], Words]] = [
            *(partial(self._item, item) for item in control.items),
            *(partial(self._identity, record) for record in control.identities),
            *([partial(self._key, control.key, sender)] if control.key else []),
            *(partial(self._announcement, one, sender, under) for one in control.announcements),
            *([partial(self._request, control.request, sender)] if control.request else []),
        ]
        for part in parts:
            before = deepcopy(self.__dict__)
            try:
                words += part()
            except Refused as refused:
                self.__dict__.update(before)
                refusals.append(refused)
        if not words:
            raise refusals[0] if refusals else Refused("news", "replay")
        return [*words, *(f"refused: {refused.code}" for refused in refusals)]

    def _item(self, item: bytes) -> Words:
        before = self.log.state.head
        known = len(self.log.operations), len(self.log.statements)
        self.log, refusals = roster_log.arrive(self.log, item)
        if refusals:
            raise refusals[0][1]
        if (len(self.log.operations), len(self.log.statements)) == known:
            require(not self.log.missing(), "head", "stale-roster")
            return []
        return ["roster" if self.log.state.head != before else "log"]

    def _identity(self, data: bytes) -> Words:
        record = identity.read_record(data, self.now)
        user = record.signing_key
        require(user in self.log.state.members, "authority", REFUSED)
        held = self.identities.get(user)
        if held is None or record.issued_at > held.issued_at:
            self.identities[user] = record
            return ["identity"]
        require(record.issued_at == held.issued_at, "order", "superseded")
        return ["contradiction"] if record != held else []

    def _key(self, given: list[bytes], sender: bytes) -> Words:
        head, key = given
        require(sender in active(self.log), "authority", REFUSED)
        require(head in self.log.operations, "head", "stale-roster")
        epoch = self.log.states[head].epoch
        if epoch in self.keys:
            return [] if self.keys[epoch] == key else ["key refused"]
        operation = self.log.operations[epoch]
        fresh = operation.action.fields.get("fresh")
        if fresh is not None and sha256(labelled("epoch commitment", octets(key))) != fresh[0]:
            return ["key refused"]
        self.keys[epoch] = key
        return ["key"]

    def _announcement(self, data: bytes, sender: bytes, under: bytes | None) -> Words:
        certificate, announcement, frontier = read_announcement(data)
        group = self.log.states[self.log.root].group
        require(certificate.sender == sender and certificate.group_id == group, "authority", REFUSED)
        require(certificate.head in self.log.operations, "head", "stale-roster")
        require(posts(self.log, certificate.head, sender), "rights", REFUSED)
        require(under is None or calm(self.log, certificate.head, under), "rights", REFUSED)
        words: Words = []
        for close in certificate.closes:
            words += self._close(close, sender)
        known = self.chains.get(certificate.chain_id)
        if known is not None:
            known.extend(certificate, announcement, frontier, self.now)
            return [*words, "chain"]
        live = [c for c in self.chains.values() if c.certificate.sender == sender and c.retire_at is None]
        require(len(live) < MAX_LIVE, "limit", "limit-exceeded")
        self.chains[certificate.chain_id] = chains.begin(certificate, announcement, frontier)
        words.append("chain")
        owner, close = self.owed.pop(certificate.chain_id, (b"", (b"", 0, None)))
        return [*words, *(self._close(close, sender) if owner == sender else [])]

    def _close(self, close: Close, owner: bytes) -> Words:
        chain = self.chains.get(close[0])
        if chain is None:
            self.owed[close[0]] = owner, close
            return ["owed"]
        if chain.certificate.sender != owner:
            return []
        before = deepcopy(chain)
        chain.close(close)
        chain.settle(before, partial(self._permits, chain), self.now)
        return ["end"]

    def _request(self, request: list[Any], sender: bytes) -> Words:
        """GRP-8: which parts the answer has."""
        require(sender in active(self.log), "authority", REFUSED)
        head, wants_key, wanted = request
        known = set(self.log.path(head)) if head in self.log.operations else set[bytes]()
        items = bool(set(self.log.operations) - known or self.log.statements)
        holds = self.log.state.epoch in self.keys and sender in self.log.state.holders()
        own = self.own is not None and self.own.certificate.chain_id in wanted
        parts = {"items": items, "key": wants_key and holds, "chain": own}
        require(any(parts.values()), "news", "replay")
        return [f"answer: {', '.join(part for part, there in parts.items() if there)}"]

    # --- messages: GRP-4, GRP-6 and GRP-7

    def _permits(self, chain: Chain, index: int, head: bytes) -> bool:
        try:
            may_stand(self.log, chain, index, head)
        except Refused:
            return False
        return True

    def receive(self, data: bytes) -> Words:
        """One message."""
        message = read(data)
        if self.own is not None and message.chain_id == self.own.certificate.chain_id:
            return self._receive_own(self.own, message)
        require(message.chain_id in self.chains, "known", "missing-sender-key")
        chain = self.chains[message.chain_id]
        chain.enter([message])
        require(chain.is_authentic(message), "authentic", INVALID)
        may_stand(self.log, chain, message.index, message.head)
        content = chain.judge(message, partial(self._permits, chain))
        return ["message", *(word for parent in content.parents for word in self._seen(chain, message, parent))]

    def _seen(self, chain: Chain, message: Message, parent: Parent) -> Words:
        """GRP-6."""
        chain_id, index, link = parent
        known = self.chains.get(chain_id)
        if self.own is not None and self.own.certificate.chain_id == chain_id:
            known = self.own
        links = known.at(index + 1) if known else set[bytes]()
        if links and link not in links:
            return ["contradicted"]
        here = any(known is not None and known.links[index + 1, one] is not None for one in links)
        if here:
            return []
        if known is not None:
            return ["missing"] if holder(known.frontier, index) is not None else []
        was_in = self.user in self.log.states[chain.certificate.head].members
        return ["missing"] if was_in and message.index > 0 else []

    def _receive_own(self, own: Chain, message: Message) -> Words:
        """GRP-7."""
        key = message.place, message.link
        seen = own.links.get(key) is not None
        own.enter([message])
        require(own.is_authentic(message), "authentic", INVALID)
        require(not seen, "delivered", "replay")
        return ["alarm", "refused: not-permitted"]
