"""Knows what a receiver keeps of one sender's chain, and the one rule by which messages are accepted.

Spec: chain.md, CHN-7; message.md, MSG-13 … MSG-15.

A message is *authentic* if its own signature verifies or its link is attested at its place (``links``): whoever is
vouched for by the message after it needs no signature of its own. Hence a backlog is verified backwards: one signature
for the newest message of a run, then one hash for each, with exactly the result of checking every signature.

Laws: acceptance is a function of the set of what was received, whatever the order and the batches; authenticity comes
before permission, and permission before any key is derived; what is refused still vouches for its predecessor; keys are
taken on a copy, which is kept only if the message opened. Everything here is pure: a transition takes a chain and its
rows, and returns the chain and the rows that changed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from siegel._core import shape
from siegel._core.codec import Decoded, array_of, decode, encode
from siegel._core.instants import DAY, LATEST
from siegel._core.suite import HASH_BYTES
from siegel.errors import (
    InvalidArgument,
    InvalidMessage,
    MissingSenderKey,
    NotPermitted,
    PeerError,
    Replay,
)
from siegel.groups.certificate import Announcement, Certificate, Close
from siegel.groups.key_tree import INDEX_COUNT, KeyTree
from siegel.groups.links import (
    ATTESTED,
    DELIVERED,
    MAX_RIVALS,
    RECEIVED,
    Ledger,
    Link,
    LinkEvent,
    Permission,
    Row,
    Summary,
)
from siegel.groups.message import Content, GroupMessage, open_message, verify_signature

GRACE: Final = 30 * DAY  # how long the keys of a chain that ended wait for late messages

_WHERE: Final = "chain record"
_NULL: Final = encode(None)
_number = attrgetter("number")


class Chain(NamedTuple):
    """One sender's chain as a receiver keeps it; the rows of its links are kept beside it.

    ``start`` is the lowest index whose key was ever held. From ``retire_at`` (ms; None while the chain lives) its keys
    may be forgotten; 0 says that they were.
    """

    certificate: Certificate
    start: int
    tree: KeyTree
    summary: Summary
    retire_at: int | None = None

    def encode(self) -> bytes:
        """The chain's record, secret: everything but the certificate, which is a record of its own and never changes.

        Under 700 bytes while the frontier has up to 16 nodes.
        """
        front = encode(self.start), encode(self.tree.encode()), encode(self.summary.top)
        rest = *self.summary[1:], self.retire_at
        if rest == (None, None, None, None):  # a living chain, whose record is written with each message
            return array_of(*front, _NULL, _NULL, _NULL, _NULL)
        return array_of(*front, *map(encode, rest))

    @classmethod
    def decode(cls, data: bytes, certificate: Certificate) -> Chain:
        """The chain that ``encode`` wrote. MalformedError for anything else."""
        start, frontier, top, fork, end, final, retire_at = shape.array(decode(data), 7, _WHERE)
        summary = Summary(
            shape.uint(top, _WHERE, most=INDEX_COUNT),
            None if fork is None else shape.uint(fork, _WHERE, most=INDEX_COUNT),
            _place_and_link(end),
            _place_and_link(final),
        )
        return cls(
            certificate,
            shape.uint(start, _WHERE, most=INDEX_COUNT - 1),
            KeyTree.decode(shape.octets(frontier, None, _WHERE)),
            summary,
            None if retire_at is None else shape.uint(retire_at, _WHERE, most=LATEST),
        )


def _place_and_link(value: Decoded) -> tuple[int, bytes] | None:
    if value is None:
        return None
    place, link = shape.array(value, 2, _WHERE)
    return shape.uint(place, _WHERE, most=INDEX_COUNT), shape.octets(link, HASH_BYTES, _WHERE)


class Opened(NamedTuple):
    """A message that was accepted, and what it says."""

    message: GroupMessage
    content: Content


Result: TypeAlias = Opened | PeerError

_opened, _link = Opened._make, Link._make  # in less time than by keywords


class Step(NamedTuple):
    """What a transition changed: the chain, the rows by place, and what is to be reported.

    ``results``: one for each message given, in order. ``released``: messages from the waiting ones that turned out
    authentic. ``unproven``: messages given that are not authentic so far, and may wait.
    """

    chain: Chain
    rows: dict[int, Row]
    events: tuple[LinkEvent, ...]
    results: tuple[Result, ...] = ()
    released: tuple[tuple[GroupMessage, Result], ...] = ()
    unproven: tuple[GroupMessage, ...] = ()


# --- what the owner says ---------------------------------------------------------------------------------------------


def begin(announcement: Announcement) -> Step:
    """The chain of an announcement whose chain id is new. That its sender sent it is checked by the caller."""
    certificate = announcement.certificate
    ledger = Ledger(certificate.chain_id, Summary(0), {})
    ledger.attest(0, certificate.genesis)
    ledger.attest(announcement.start, announcement.link)
    chain = Chain(certificate, announcement.start, announcement.tree.copy(), ledger.summary)
    return Step(chain, ledger.changed, ())


def extend(
    chain: Chain, rows: Mapping[int, Row], announcement: Announcement, *, permitted: Permission, at: int
) -> Step:
    """CHN-7, another announcement of a known chain: Replay as its result, unless it reaches back before all others.

    Then it adds the keys that were never held, and nothing else. Another certificate for the chain is a fork at its
    very beginning, and adds nothing.
    """
    certificate = announcement.certificate
    ledger = _ledger(chain, rows)
    ledger.attest(0, certificate.genesis)
    ledger.attest(announcement.start, announcement.link)
    ledger.settle(permitted)
    changed = _retire(chain._replace(summary=ledger.summary), at)
    reaches_back = announcement.start < chain.start and certificate == chain.certificate
    if not reaches_back or (chain.retire_at is not None and at >= chain.retire_at):
        return Step(changed, ledger.changed, tuple(ledger.events), (Replay("this chain is known"),))
    lower, tree = announcement.tree.copy(), chain.tree.copy()
    lower.puncture_from(chain.start if changed.summary.end is None else min(chain.start, changed.summary.end[0]))
    tree.prepend(lower)
    changed = changed._replace(start=announcement.start, tree=tree)
    return Step(changed, ledger.changed, tuple(ledger.events))


def close(chain: Chain, rows: Mapping[int, Row], end: Close, *, permitted: Permission, at: int) -> Step:
    """Its owner says where the chain ends: keys behind the end are forgotten, what leads up to it is final."""
    if end.chain_id != chain.certificate.chain_id:
        raise InvalidArgument("the close of another chain")
    ledger = _ledger(chain, rows)
    ledger.close(end.end, chain.certificate.genesis if end.final_link is None else end.final_link)
    ledger.settle(permitted)
    tree = chain.tree.copy()
    tree.puncture_from(end.end)
    changed = _retire(chain._replace(summary=ledger.summary, tree=tree), at)
    return Step(changed, ledger.changed, tuple(ledger.events))


# --- what others cause -----------------------------------------------------------------------------------------------


def review(chain: Chain, rows: Mapping[int, Row], *, permitted: Permission) -> Step:
    """The rules for permission have changed: disputes what was delivered and is refused now, and the other way."""
    ledger = _ledger(chain, rows)
    ledger.unsettle(0, chain.summary.top)
    ledger.settle(permitted)
    return Step(chain, ledger.changed, tuple(ledger.events))


def expire(chain: Chain, *, at: int) -> Chain:
    """The chain without keys, if its grace is over."""
    if not chain.retire_at or at < chain.retire_at:
        return chain
    return chain._replace(tree=KeyTree([]), retire_at=0)


def gaps(chain: Chain, rows: Mapping[int, Row]) -> list[tuple[int, int]]:
    """Runs (first index, last index) of messages that exist, could be opened, and are not here."""
    ledger, found = _ledger(chain, rows), list[tuple[int, int]]()
    for number in range(chain.start, chain.summary.top):
        place, row = number + 1, ledger.row(number + 1)
        wanted = any(entry.state < DELIVERED and ledger.stands(place, entry.link) for entry in row)
        if chain.tree.covers(number) and (wanted if row else ledger.stands(place, b"")):
            first = found.pop()[0] if found and found[-1][1] == number - 1 else number
            found.append((first, number))
    return found


def missed(chain: Chain, rows: Mapping[int, Row], permitted: Permission) -> Iterator[tuple[int, int]]:
    """The gaps without what may not be read: from some index on, nothing may."""
    for first, last in gaps(chain, rows):
        places = range(first, last + 1)
        end = bisect_left(places, 1, key=lambda index: permitted(index, chain.certificate.head) is not None)
        if end:
            yield first, places[end - 1]


def known(chain: Chain, rows: Mapping[int, Row]) -> int:
    """ROS-13: up to which place every link is known. What the sender left out below could still be written (GR-3).

    From before an export there are no links; what was taken counts as known there.
    """
    lowest = min(rows, default=INDEX_COUNT + 1)
    for number in range(chain.start, chain.summary.top):
        if number + 1 not in rows and (number >= lowest or chain.tree.covers(number)):
            return number
    return chain.summary.top


# --- messages --------------------------------------------------------------------------------------------------------


def receive(
    chain: Chain,
    rows: Mapping[int, Row],
    messages: Sequence[GroupMessage],
    *,
    permitted: Permission,
    at: int,
    waiting: Sequence[GroupMessage] = (),
) -> Step:
    """Messages of this chain, each accepted or refused with its own error, whatever the order and the batch.

    ``waiting`` are messages of this chain whose signature failed before; ``at`` (ms) dates the end of a forked chain.

    Results: InvalidMessage (not authentic so far, or not what its key and commitment say), what ``permitted`` answers,
    Replay, NotPermitted (behind the chain's end, or where it contradicts itself), MissingSenderKey (below ``start``),
    Expired (the key was dropped).
    """
    failed = {(message.link, message.signature) for message in waiting}
    if not waiting and _is_new_run(chain, rows, messages) and _is_signed(messages[-1], chain.certificate, failed):
        return _receive_run(chain, rows, messages, permitted)
    ledger = _ledger(chain, rows)
    everything = [*messages, *waiting]
    _authenticate(ledger, chain.certificate, everything, failed)
    ledger.settle(permitted)

    tree = chain.tree.copy()
    outcomes: list[Result | None] = [None] * len(everything)  # None: not authentic so far
    for place in sorted(range(len(everything)), key=[message.number for message in everything].__getitem__):
        message = everything[place]
        if entry := ledger.find(message.number + 1, message.link):
            outcomes[place] = outcome = (
                permitted(message.number, message.head)
                or _why_not_read(ledger, entry, message, chain.start)
                or _open(message, tree)
            )
            if type(outcome) is Opened:
                ledger.deliver(message)
    own, late = outcomes[: len(messages)], outcomes[len(messages) :]
    return Step(
        _retire(Chain(chain.certificate, chain.start, tree, ledger.summary, chain.retire_at), at),
        ledger.changed,
        tuple(ledger.events),
        tuple([outcome or InvalidMessage() for outcome in own]),
        tuple([(message, outcome) for message, outcome in zip(waiting, late, strict=True) if outcome]),
        tuple([message for message, outcome in zip(messages, own, strict=True) if not outcome]),
    )


def _authenticate(
    ledger: Ledger, certificate: Certificate, messages: list[GroupMessage], failed: set[tuple[bytes, bytes]]
) -> None:
    """Enters what is authentic, from the newest down, so that each message is vouched for before it is looked at."""
    for message in sorted(messages, key=_number, reverse=True):
        if message.chain_id != certificate.chain_id:
            raise InvalidArgument("a message of another chain")
        if ledger.enter(message, proven=False):
            continue
        if len(ledger.row(message.number + 1)) < MAX_RIVALS and _is_signed(message, certificate, failed):
            ledger.enter(message, proven=True)


def _is_signed(message: GroupMessage, certificate: Certificate, failed: set[tuple[bytes, bytes]]) -> bool:
    """Whether the chain's key signed the message. ``failed``: links with signatures that were checked in vain."""
    checked = message.link, message.signature
    if checked in failed:
        return False
    try:
        verify_signature(message, certificate.signing_key)
    except InvalidMessage:
        failed.add(checked)
        return False
    return True


def _why_not_read(ledger: Ledger, entry: Link, message: GroupMessage, start: int) -> PeerError | None:
    """MSG-13: the first reason not to open an authentic and permitted message, before any key is touched."""
    if entry.state >= DELIVERED:
        return Replay("this message was delivered before")
    if not ledger.stands(message.number + 1, message.link):
        return NotPermitted("behind the end of its chain, or where the chain contradicts itself")
    if message.number < start:
        return MissingSenderKey(message.chain_id)
    return None


def _open(message: GroupMessage, tree: KeyTree) -> Result:
    """The message opened, and its key gone; or the error, and the tree as it was."""
    try:
        return _opened((message, tree.spend(message.number, open_message, message)))
    except PeerError as error:
        return error.with_traceback(None)


# --- a new run, in less time: what is above all known links of a living chain can contradict nothing ------------------


def _is_new_run(chain: Chain, rows: Mapping[int, Row], messages: Sequence[GroupMessage]) -> bool:
    """Whether these are messages above all that is known, each the predecessor of the next, of a chain that lives."""
    summary, chain_id = chain.summary, chain.certificate.chain_id
    if summary.fork is not None or summary.end is not None or not messages:
        return False
    number, previous = messages[0].number, messages[0].previous
    if number < max(summary.top, chain.start) or any(entry.link != previous for entry in rows.get(number, ())):
        return False
    for message in messages:
        if message.previous != previous or message.number != number or message.chain_id != chain_id:
            return False
        number, previous = number + 1, message.link
    return True


def _receive_run(
    chain: Chain, rows: Mapping[int, Row], messages: Sequence[GroupMessage], permitted: Permission
) -> Step:
    """What ``receive`` does with a new run whose newest message is signed, so that all are authentic and stand.

    The tests hold it against the general way.
    """
    tree, results, first = chain.tree.copy(), list[Result](), messages[0]
    changed: dict[int, Row] = {}
    if first.number not in rows:
        changed[first.number] = (Link(first.previous, None, None, ATTESTED),)
    for message in messages:
        result = permitted(message.number, message.head) or _open(message, tree)
        state = DELIVERED if type(result) is Opened else RECEIVED
        changed[message.number + 1] = (_link((message.link, message.previous, message.head, state)),)
        results.append(result)
    run = chain._replace(tree=tree, summary=Summary(messages[-1].number + 1))
    return Step(run, changed, (), tuple(results))


def _ledger(chain: Chain, rows: Mapping[int, Row]) -> Ledger:
    return Ledger(chain.certificate.chain_id, chain.summary, rows)


def _retire(chain: Chain, at: int) -> Chain:
    """The chain with the beginning of its grace, if it has ended or is dead and has none yet."""
    summary = chain.summary
    if chain.retire_at is not None or (summary.fork is None and summary.end is None):
        return chain
    return chain._replace(retire_at=min(at + GRACE, LATEST))
