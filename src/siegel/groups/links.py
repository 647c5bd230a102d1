"""Knows the links of one sender chain: which are attested, where they contradict each other, what stands all the same.

Spec: message.md, MSG-9 … MSG-12.

A *place* p is the chain after p messages: place 0 is its beginning (genesis), the message with index i stands at place
i + 1 and names the link of place i as its predecessor. A link is *attested* at a place by the certificate (place 0), by
an authentic message there, by an authentic message that names it as predecessor, by the owner's announcement and by the
owner's close. Two links at one place are a *fork*: from the lowest one on the chain is dead. What hangs by hash on the
owner's close is *final*: a contradiction there is evidence and changes nothing.

Laws: what is attested, forked and final depends on the set of statements, never on their order; each row and each
message is touched a bounded number of times, whatever a hostile sender signs. Knows no keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from siegel._core import shape
from siegel._core.codec import Decoded, decode, encode
from siegel._core.suite import HASH_BYTES
from siegel.errors import MalformedError, PeerError
from siegel.groups.key_tree import INDEX_COUNT
from siegel.groups.message import GroupMessage

ATTESTED, RECEIVED, DELIVERED, DISPUTED = range(4)
# So many links of one place are kept, and the final one. A sender who signs more adds nothing to the evidence.
MAX_RIVALS: Final = 16

# None if a message with this index and roster head may stand; else the error that says why not.
Permission: TypeAlias = Callable[[int, bytes], PeerError | None]

_WHERE: Final = "link record"


class Link(NamedTuple):
    """One attested link. ``previous`` and ``head`` are its message's, None while the message has not been seen.

    ``state``: ATTESTED by others, message RECEIVED and not opened, DELIVERED, or delivered and now DISPUTED.
    """

    link: bytes
    previous: bytes | None
    head: bytes | None
    state: int


Row: TypeAlias = tuple[Link, ...]  # the links attested at one place, ascending; more than one is a fork


class Summary(NamedTuple):
    """What one needs to know of the links without reading them.

    ``top``: highest place with a link. ``fork``: lowest place with two. ``end``: place and link of the owner's close.
    ``final``: lowest place and link that hang on it, None without a close or if its owner closed in two ways.
    """

    top: int
    fork: int | None = None
    end: tuple[int, bytes] | None = None
    final: tuple[int, bytes] | None = None


class Forked(NamedTuple):
    """Event: contradictory links of one place, all attested by the chain's key or its owner; or two different ends."""

    chain_id: bytes
    place: int
    links: tuple[bytes, ...]


class Disputed(NamedTuple):
    """Event: a message that was delivered stands no longer."""

    chain_id: bytes
    number: int
    link: bytes


class Reinstated(NamedTuple):
    """Event: a message that was disputed stands again: its owner's close confirms it, or it is permitted again."""

    chain_id: bytes
    number: int
    link: bytes


LinkEvent: TypeAlias = Forked | Disputed | Reinstated


class Ledger:
    """A candidate for the next state of a chain's links; ``changed`` collects the rows that a transition writes."""

    def __init__(self, chain_id: bytes, summary: Summary, rows: Mapping[int, Row]) -> None:
        self.changed: dict[int, Row] = {}
        self.events: list[LinkEvent] = []
        self._chain_id = chain_id
        self._rows = rows
        self._top, self._fork, self._end, _ = summary
        self._final: tuple[int, bytes] | None = summary.final
        self._final_links: list[bytes] = []  # from the owner's close down, as far as they were asked for
        self._unsettled = INDEX_COUNT + 1, -1  # the places whose standing may have changed: lowest, highest

    @property
    def summary(self) -> Summary:
        """The new summary."""
        return Summary(self._top, self._fork, self._end, self._final)

    # --- reading

    def row(self, place: int) -> Row:
        """The links attested at a place."""
        return self.changed.get(place) or self._rows.get(place, ())

    def find(self, place: int, link: bytes) -> Link | None:
        """What is known of this link at this place; None if it is not attested there."""
        for entry in self.changed.get(place) or self._rows.get(place, ()):
            if entry.link == link:
                return entry
        return None

    def stands(self, place: int, link: bytes) -> bool:
        """Whether a link whose message was not delivered is undisputed: not behind the end, not forked, or final.

        For a settled ledger: then what was delivered and is not disputed stands, and of two links at most one does.
        """
        rivals = self.row(place)
        if len(rivals) > 1 and any(rival.state == DELIVERED for rival in rivals):
            return False
        return self._stands(place, link)

    def _stands(self, place: int, link: bytes) -> bool:
        if self._end and place > self._end[0]:
            return False
        if self._final and place >= self._final[0]:
            return len(self.row(place)) == 1 or link == self._final_link(place)
        return self._fork is None or place < self._fork

    def _final_link(self, place: int) -> bytes:
        """The link at a final place, by hash down from the owner's close. Each step is taken once."""
        end, link = self._end or (place, b"")
        links = self._final_links = self._final_links or [link]
        while len(links) <= end - place:
            entry = self.find(end + 1 - len(links), links[-1])
            links.append((entry.previous if entry else None) or b"")
        return links[end - place]

    # --- entering

    def attest(self, place: int, link: bytes) -> None:
        """MSG-9: somebody who can speak for the chain names this link at this place.

        A full place takes none but the final link. It is forked already, so nothing is lost but evidence.
        """
        row = self.changed.get(place) or self._rows.get(place, ())
        if not row:
            self._top = max(self._top, place)
            self.changed[place] = (Link(link, None, None, ATTESTED),)
        elif self.find(place, link) is None and (len(row) < MAX_RIVALS or self._final == (place, link)):
            self._add_rival(place, row, Link(link, None, None, ATTESTED))

    def enter(self, message: GroupMessage, *, proven: bool) -> bool:
        """MSG-10: a message that is proven, or whose link is attested here, attests its own link and the one before.

        Any other is not entered, and the answer is False.
        """
        place = message.number + 1
        row = self.changed.get(place) or self._rows.get(place, ())
        if not row and proven:
            self._top = max(self._top, place)
        elif len(row) != 1 or row[0].link != message.link:
            return self._enter_among_rivals(message, proven=proven)
        elif row[0].previous is not None:
            return True  # seen before
        self.changed[place] = (Link(message.link, message.previous, message.head, RECEIVED),)
        self._attest_previous(message)
        return True

    def deliver(self, message: GroupMessage) -> None:
        """The message, which was entered, was opened."""
        place, entry = message.number + 1, Link(message.link, message.previous, message.head, DELIVERED)
        if len(self.row(place)) == 1:
            self.changed[place] = (entry,)
        else:
            self._replace(place, entry)

    def close(self, end: int, link: bytes) -> None:
        """The owner's word that the chain has ``end`` messages and this link at its end.

        An owner who closes in two ways has ended the chain at the lower place, and confirmed nothing.
        """
        if self._end is None:
            self._end = self._final = end, link
            self.unsettle(end, self._top)
        elif self._end != (end, link):
            if end < self._end[0] or (end > self._end[0] and self._final):
                self._report_fork(min(end, self._end[0]), (self._end[1], link))
            self.unsettle(min(end, self._final[0] if self._final else end), self._end[0])
            self._end, self._final = min(self._end, (end, link)), None
        self.attest(end, link)
        self._extend_final()

    def _add_rival(self, place: int, row: Row, rival: Link) -> None:  # MSG-11
        self.changed[place] = tuple(sorted((*row, rival)))
        self._report_fork(place, tuple(entry.link for entry in self.changed[place]))
        if self._fork is None or place < self._fork:
            self.unsettle(place, self._top if self._fork is None else self._fork)
            self._fork = place

    def _report_fork(self, place: int, links: tuple[bytes, ...]) -> None:
        self.events.append(Forked(self._chain_id, place, links))

    def _attest_previous(self, message: GroupMessage) -> None:
        if self._final == (message.number + 1, message.link):
            self._extend_final()
        else:
            self.attest(message.number, message.previous)

    def _extend_final(self) -> None:
        """MSG-12: follows the owner's close down as far as the messages are here."""
        while self._final and (entry := self.find(*self._final)) and entry.previous is not None:
            place, link = self._final[0] - 1, entry.previous
            self._final = place, link
            self.attest(place, link)
            self.unsettle(place, place)

    def _replace(self, place: int, entry: Link) -> None:
        row = self.row(place)
        if len(row) == 1:
            self.changed[place] = (entry,)
        else:
            self.changed[place] = tuple(entry if entry.link == rival.link else rival for rival in row)

    def _enter_among_rivals(self, message: GroupMessage, *, proven: bool) -> bool:
        place = message.number + 1
        if proven:
            self.attest(place, message.link)
        entry = self.find(place, message.link)
        if entry is not None and entry.previous is None:
            self._replace(place, Link(message.link, message.previous, message.head, RECEIVED))
            self._attest_previous(message)
        return entry is not None

    # --- settling

    def unsettle(self, lowest: int, highest: int) -> None:
        """Marks places for ``settle``."""
        self._unsettled = min(lowest, self._unsettled[0]), max(highest, self._unsettled[1])

    def settle(self, permitted: Permission) -> None:
        """MSG-15: brings the state of delivered messages in line with what stands, and reports each change."""
        lowest, highest = self._unsettled
        for place in range(lowest, highest + 1):
            for entry in self.row(place):
                if entry.state >= DELIVERED and entry.head is not None:
                    stands = self._stands(place, entry.link) and permitted(place - 1, entry.head) is None
                    self._mark(place, entry, DELIVERED if stands else DISPUTED)
        self._unsettled = INDEX_COUNT + 1, -1

    def _mark(self, place: int, entry: Link, state: int) -> None:
        if entry.state != state:
            self._replace(place, entry._replace(state=state))
            event = Disputed if state == DISPUTED else Reinstated
            self.events.append(event(self._chain_id, place - 1, entry.link))


# --- records ---------------------------------------------------------------------------------------------------------


# One message that was seen, as most rows are: by the thousand, and so by position with literal CBOR heads.
_SEEN: Final = b"\x81\x84\x58\x20%b\x58\x20%b\x58\x20%b%c"
_SEEN_HEADS: Final = b"\x81\x84\x58\x20", b"\x58\x20", b"\x58\x20"
_TAKE_SEEN: Final = Struct("4s32s2s32s2s32sB")


def encode_row(row: Row) -> bytes:
    """The record of one place: ``[[link, previous, head, state], …]``."""
    if len(row) == 1 and None not in row[0]:
        return _SEEN % row[0]
    return encode([list(entry) for entry in row])


def decode_row(data: bytes) -> Row:
    """The row that ``encode_row`` wrote. MalformedError for anything else."""
    if len(data) == _TAKE_SEEN.size:
        front, link, h1, previous, h2, head, state = _TAKE_SEEN.unpack(data)
        if (front, h1, h2) == _SEEN_HEADS and ATTESTED < state <= DISPUTED:
            return (Link(link, previous, head, state),)
    row = tuple(_link(item) for item in shape.array(decode(data), None, _WHERE))
    links = [entry.link for entry in row]
    if not links or links != sorted(set(links)):
        raise MalformedError(_WHERE, "no link, or links are not ascending")
    return row


def _link(item: Decoded) -> Link:
    link, previous, head, state = shape.array(item, 4, _WHERE)
    entry = Link(
        shape.octets(link, HASH_BYTES, _WHERE),
        None if previous is None else shape.octets(previous, HASH_BYTES, _WHERE),
        None if head is None else shape.octets(head, HASH_BYTES, _WHERE),
        shape.uint(state, _WHERE, most=DISPUTED),
    )
    seen = entry.state != ATTESTED
    if (entry.previous is not None) != seen or (entry.head is not None) != seen:
        raise MalformedError(_WHERE, "previous link and head stand there if and only if the message was seen")
    return entry
