"""What a receiver knows of one chain, by hand (spec CHN-7, MSG-9 … MSG-15).

Plain and slow: forks, ends, what is final, what stands and what has to be reported are computed anew from everything
that was attested, at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tests.vectors.reference import DAY, LATEST, key_tree, require
from tests.vectors.reference.group_message import Content, Message, is_signed, open_message
from tests.vectors.reference.key_tree import Frontier
from tests.vectors.reference.sender_chain import Announcement, Certificate, Close

GRACE: Final = 30 * DAY
MAX_RIVALS: Final = 16
MAX_WAITING: Final = 16

Event: TypeAlias = dict[str, Any]
Permitted: TypeAlias = Callable[[int, bytes], bool]  # by index and roster head
Key: TypeAlias = tuple[int, bytes]  # place and link


@dataclass
class Chain:
    """One chain. ``links``: what is attested, and the message (its previous link and head) where it is here."""

    certificate: Certificate
    start: int
    frontier: Frontier
    links: dict[Key, tuple[bytes, bytes] | None] = field(default_factory=dict[Key, "tuple[bytes, bytes] | None"])
    ends: set[Key] = field(default_factory=set[Key])
    delivered: dict[Key, bool] = field(default_factory=dict[Key, bool])  # and whether it stands
    waiting: list[Message] = field(default_factory=list[Message])
    retire_at: int | None = None

    # --- what is known (MSG-9 … MSG-12)

    def at(self, place: int) -> set[bytes]:
        """The links attested at a place."""
        return {link for there, link in self.links if there == place}

    @property
    def top(self) -> int:
        """The highest place with a link."""
        return max(place for place, _ in self.links)

    @property
    def fork(self) -> int | None:
        """The lowest place with two links."""
        places = [place for place, _ in self.links]
        return min((place for place in places if places.count(place) > 1), default=None)

    @property
    def end(self) -> Key | None:
        """Where its owner ended it."""
        return min(self.ends, default=None)

    @property
    def final(self) -> dict[int, bytes]:
        """The final places and their links."""
        if len(self.ends) != 1:
            return {}
        ((place, link),) = self.ends
        found = {place: link}
        while (message := self.links.get((place, link))) is not None:
            place, link = place - 1, message[0]
            found[place] = link
        return found

    def stands(self, place: int, link: bytes | None) -> bool:
        """Whether a link stands; of None, whether one would that is not attested yet."""
        if self.end is not None and place > self.end[0]:
            return False
        if place in self.final:
            return link == self.final[place]
        return self.fork is None or place < self.fork

    # --- what is said

    def attest(self, place: int, link: bytes) -> None:
        """Names a link at a place; a full place takes the final one alone (MSG-9)."""
        if not self.is_full(place) or self.final.get(place) == link:
            self.links.setdefault((place, link), None)

    def is_full(self, place: int) -> bool:
        """Whether as many links are attested there as may be."""
        return len(self.at(place)) >= MAX_RIVALS

    def attest_final(self) -> None:
        """Names each final link."""
        for place, link in self.final.items():
            self.attest(place, link)

    def enter(self, messages: Sequence[Message]) -> None:
        """Looks at messages from the newest down; those that are authentic attest (MSG-10)."""
        for message in sorted(messages, key=lambda message: -message.index):
            signed = not self.is_full(message.place) and is_signed(message, self.certificate.key)
            if self.is_authentic(message) or signed:
                self.links[message.place, message.link] = message.previous, message.head
                self.attest(message.index, message.previous)
                self.attest_final()

    def is_authentic(self, message: Message) -> bool:
        """Whether the message's link is attested at its place; ask when all that came with it was looked at."""
        return (message.place, message.link) in self.links

    def close(self, close: Close) -> None:
        """The owner's word on the end (CHN-3, MSG-12)."""
        _, index, link = close
        key = (0, self.certificate.genesis) if link is None else (index + 1, link)
        self.ends.add(key)
        self.attest(*key)
        self.attest_final()
        self.frontier = key_tree.below(self.frontier, key[0])

    def extend(self, certificate: Certificate, announcement: Announcement, frontier: Frontier, now: int) -> None:
        """Another announcement (CHN-7). Refused at known, having attested, if it brings no keys."""
        self.attest(0, certificate.genesis)
        self.attest(announcement.start, announcement.link)
        same = certificate.genesis == self.certificate.genesis
        alive = self.retire_at is None or now < self.retire_at
        require(same and alive and announcement.start < self.start, "known", "replay")
        most = self.start if self.end is None else min(self.start, self.end[0])
        self.frontier = key_tree.capped(key_tree.below(frontier, most) | self.frontier)
        self.start = announcement.start

    # --- acceptance

    def judge(self, message: Message, permitted: Permitted) -> Content:
        """The message's content, which is thereby delivered (MSG-13). Refused from authentic on."""
        key = message.place, message.link
        require(self.is_authentic(message), "authentic", "invalid-message")
        require(permitted(message.index, message.head), "permission", "not-permitted")
        require(key not in self.delivered, "delivered", "replay")
        require(self.stands(*key), "standing", "not-permitted")
        require(message.index >= self.start, "start", "missing-sender-key")
        content = open_message(message, key_tree.key_of(self.frontier, message.index))
        self.frontier = key_tree.without(self.frontier, message.index)
        self.delivered[key] = True
        return content

    # --- reports

    def settle(self, before: Chain, permitted: Permitted, now: int) -> list[Event]:
        """Brings the standing of delivered messages in line; what is to be reported since ``before`` (MSG-15)."""
        events: list[Event] = []
        for place in sorted({place for place, _ in self.links}):
            links = self.at(place)
            if len(links) > 1 and links != before.at(place):
                events.append({"fork": place, "links": sorted(links)})
        if self.ends != before.ends and len({place for place, _ in self.ends}) > 1:
            events.append({"fork": min(self.ends)[0], "links": sorted(link for _, link in self.ends)})
        for (place, link), stood in sorted(self.delivered.items()):
            message = self.links[place, link]
            assert message is not None
            stands = self.stands(place, link) and permitted(place - 1, message[1])
            if stands != stood:
                self.delivered[place, link] = stands
                events.append({"reinstated" if stands else "disputed": place - 1, "link": link})
        if self.retire_at is None and (self.ends or self.fork is not None):
            self.retire_at = min(now + GRACE, LATEST)
        return events

    def expire(self, now: int) -> None:
        """Deletes the keys when the grace is over."""
        if self.retire_at is not None and now >= self.retire_at:
            self.frontier, self.retire_at = {}, 0

    def gaps(self) -> list[list[int]]:
        """What exists, could be opened, and is not here: first and last of each run."""
        indices = [index for index in range(self.start, self.top) if self._is_gap(index)]
        return runs(indices)

    def _is_gap(self, index: int) -> bool:
        if key_tree.holder(self.frontier, index) is None:
            return False
        links = self.at(index + 1)
        return any(self.stands(index + 1, link) for link in links) if links else self.stands(index + 1, None)

    # --- waiting

    def wait(self, messages: Iterable[Message]) -> None:
        """Lets messages wait, the newest sixteen; one that waits already keeps its place (MSG-14)."""
        for message in messages:
            if all((message.index, message.link) != (other.index, other.link) for other in self.waiting):
                self.waiting = [*self.waiting, message][-MAX_WAITING:]


def begin(certificate: Certificate, announcement: Announcement, frontier: Frontier) -> Chain:
    """The chain of a first announcement."""
    chain = Chain(certificate, announcement.start, frontier)
    chain.attest(0, certificate.genesis)
    chain.attest(announcement.start, announcement.link)
    return chain


def runs(indices: Iterable[int]) -> list[list[int]]:
    """Ascending numbers as first and last of each run."""
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return found
