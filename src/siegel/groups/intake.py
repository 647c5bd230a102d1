"""Knows how a batch of inputs is taken: in order, messages of one chain together, and again what had to wait.

Laws: one outcome for each input; a batch has the outcome of its inputs one by one, but for who reports what waited;
the two caches are no state, and bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siegel.errors import InvalidArgument, InvalidMessage, MissingSenderKey, PeerError
from siegel.events import EpochKeyReceived, GroupEvent, PartRefused, SenderKeyReceived
from siegel.groups.broadcast import open_broadcast, parse_broadcast
from siegel.groups.epoch import EpochKey
from siegel.groups.member import Member
from siegel.groups.message import GroupMessage, parse_message
from siegel.groups.messages import EARLY, Outcome, receive_run
from siegel.groups.parked import Parked
from siegel.groups.receiving import BROADCAST, Receiver, take_key
from siegel.groups.state import Candidate
from siegel.groups.waiting import Waiting

MAX_MISSING: Final = 64

_MESSAGE: Final = b"\x8a\x03"


class Intake:
    """The way in, with what waits there: messages whose signature failed, and inputs that came too early."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._waiting, self._parked = Waiting(), Parked()
        self._missing: dict[bytes, None] = {}
        self._waited: tuple[tuple[bytes, ...], tuple[GroupMessage, ...]] = (), ()

    @property
    def missing_chains(self) -> tuple[bytes, ...]:
        """The chains of messages that came before their keys."""
        return tuple(self._missing)

    def take(self, candidate: Candidate, inputs: Sequence[bytes]) -> list[Outcome]:
        """One outcome for each input, in order."""
        self._waited = tuple(self._parked) if self._parked else (), tuple(self._waiting) if self._waiting else ()
        outcomes: list[Outcome] = []
        run: list[bytes] = []
        for data in inputs:
            if type(data) is not bytes:
                raise InvalidArgument("what a group receives must be bytes")
            if data[:2] == _MESSAGE:
                run.append(data)
                continue
            outcomes += self._messages(candidate, run)
            run = []
            outcomes.append(self._control(candidate, data))
        return outcomes + self._messages(candidate, run) if outcomes else self._messages(candidate, run)

    def put_back(self) -> None:
        """The last batch came to nothing: what it took out waits again."""
        parked, waiting = self._waited
        for data in parked:
            self._parked.add(data)
        self._waiting.add(waiting)

    # --- messages

    def _messages(self, candidate: Candidate, run: Sequence[bytes]) -> list[Outcome]:
        outcomes: list[Outcome] = [()] * len(run)
        by_chain: dict[bytes, tuple[list[int], list[GroupMessage]]] = {}
        for place, data in enumerate(run):
            try:
                message = parse_message(data)
            except PeerError as error:
                outcomes[place] = error.with_traceback(None)
            else:
                chain = by_chain.get(message.chain_id)
                if chain is None:
                    chain = by_chain[message.chain_id] = [], []
                chain[0].append(place)
                chain[1].append(message)
        for places, messages in by_chain.values():
            taken, early = receive_run(candidate, messages, self._waiting, self._member.user_id)
            for place, outcome in zip(places, taken, strict=True):
                outcomes[place] = outcome
            for data, reason in early:
                self._park(data, reason)
        return outcomes

    def _park(self, data: bytes, reason: PeerError) -> None:
        self._parked.add(data)
        if isinstance(reason, MissingSenderKey):
            self._missing.pop(reason.chain_id, None)
            self._missing[reason.chain_id] = None
            if len(self._missing) > MAX_MISSING:  # the oldest goes: made-up chains do not fill the list for good
                del self._missing[next(iter(self._missing))]

    # --- control

    def _control(self, candidate: Candidate, data: bytes) -> Outcome:
        outcome = self._take_control(candidate, data)
        replaced = tuple(map(EpochKeyReceived, self._judge(candidate)))
        if isinstance(outcome, PeerError):
            if isinstance(outcome, EARLY):
                self._park(data, outcome)
            if not replaced:
                return outcome
            outcome = ()
        events: list[GroupEvent] = [*outcome, *replaced]
        if any(isinstance(event, PartRefused) and isinstance(event.error, EARLY) for event in events):
            self._parked.add(data)
        events += self._again(candidate)
        for event in events:
            if isinstance(event, SenderKeyReceived):
                self._missing.pop(event.chain_id, None)
        return tuple(events)

    def _take_control(self, candidate: Candidate, data: bytes) -> Outcome:
        try:
            return Receiver(candidate, self._member).take(data)
        except PeerError as error:
            return error.with_traceback(None)

    def _again(self, candidate: Candidate) -> list[GroupEvent]:
        """Takes once more what came too early, as long as that brings something new."""
        events: list[GroupEvent] = []
        progress = True
        while progress:
            progress = False
            for data in self._parked:
                if data[:2] != _MESSAGE:
                    outcome = self._take_control(candidate, data)
                    if not isinstance(outcome, EARLY):
                        self._parked.remove(data)
                    if not isinstance(outcome, PeerError):
                        events += outcome
                        progress = True
        messages = [data for data in self._parked if data[:2] == _MESSAGE]
        for data in messages:
            self._parked.remove(data)  # what is early still comes back
        for outcome in self._messages(candidate, messages):
            if not isinstance(outcome, PeerError):
                events += outcome
        return events

    def _judge(self, candidate: Candidate) -> list[bytes]:
        """EPO-4: a key that contradicts an unproven one replaces it if it opens what a third member broadcast."""
        replaced: list[bytes] = []
        for name, rival in candidate.rivals.items():
            if any(self._opens(candidate, data, name, rival) for data in self._parked):
                take_key(candidate, name, rival)
                replaced.append(name)
        candidate.rivals.clear()
        return replaced

    def _opens(self, candidate: Candidate, data: bytes, epoch: bytes, rival: EpochKey) -> bool:
        if data[:2] != BROADCAST:
            return False
        broadcast = parse_broadcast(data)
        roster = candidate.history.roster_at(broadcast.head)
        if roster is None or roster.epoch != epoch:
            return False
        try:
            said = open_broadcast(broadcast, rival.key, group_id=candidate.group_id)
        except InvalidMessage:
            return False
        return said.sender != rival.giver and roster.role(said.sender) is not None
