"""Knows how a group takes messages: whose chain, what the roster says, what is reported (spec: GRP-4 … GRP-7).

Laws: the status of a message is a function of what was received, whatever the order and the batches; an input that is
refused raises, unless there is something to report beside it; content types of the protocol never reach an application.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from siegel.errors import (
    Expired,
    InvalidMessage,
    MissingEpochKey,
    MissingSenderKey,
    NotPermitted,
    PeerError,
    Replay,
    StaleRoster,
)
from siegel.events import (
    ChainForked,
    CloneAlarm,
    GroupEvent,
    MessageDisputed,
    MessageMissing,
    MessageReceived,
    MessageReinstated,
    ParentContradicted,
    PartRefused,
    Seen,
)
from siegel.groups import chain as chains
from siegel.groups.chain import Chain, Opened, Result, Step
from siegel.groups.key_tree import KeyTree
from siegel.groups.links import Disputed, Forked, LinkEvent, Summary
from siegel.groups.message import GroupMessage, verify_signature
from siegel.groups.state import Candidate
from siegel.groups.waiting import Waiting
from siegel.identity import UserId
from siegel.sealed import RESERVED

Outcome: TypeAlias = tuple[GroupEvent, ...] | PeerError

EARLY: Final = (StaleRoster, MissingSenderKey, MissingEpochKey)  # nothing is wrong: something has not come yet

_received = MessageReceived._make  # in less time than by keywords

_OWN: Final = "our own message"
_FOREIGN: Final = "in our own chain, and not by us"


def receive_run(
    candidate: Candidate, messages: Sequence[GroupMessage], waiting: Waiting, ours: UserId
) -> tuple[list[Outcome], list[tuple[bytes, PeerError]]]:
    """Messages of one chain; one outcome for each, in order. What has no input of its own stands with the last.

    And what is early, of these and of those that had waited: the bytes of each, and why.
    """
    chain_id = messages[0].chain_id
    sending = candidate.sending
    if sending is not None and sending.certificate.chain_id == chain_id:
        return _receive_own(candidate, own_chain(candidate), messages), []
    chain = candidate.chains.get(chain_id)
    if chain is None:
        return [MissingSenderKey(chain_id) for _ in messages], [(m.data, MissingSenderKey(chain_id)) for m in messages]
    if chain.retire_at is not None and candidate.at >= chain.retire_at:
        return [_too_late(chain, message) for message in messages], []
    if chain_id in candidate.flags.own:
        return _receive_own(candidate, chain, messages), []
    step = chains.receive(
        chain,
        candidate.rows(chain_id),
        messages,
        permitted=candidate.permissions.of(chain.certificate),
        at=candidate.at,
        waiting=waiting.of(chain_id),
    )
    candidate.take(step)
    if step.unproven:
        waiting.add(step.unproven)
    outcomes = [_outcome(candidate, chain, result, ours) for result in step.results]
    if step.events or step.released:
        events = list(link_events(step, chain.certificate.sender, messages))
        outcomes[-1] = with_events(outcomes[-1], [*events, *_released(candidate, step, waiting, ours)])
    refused = [place for place, result in enumerate(step.results) if type(result) is not Opened]
    taken = [*((messages[place], step.results[place]) for place in refused), *step.released]
    return outcomes, [(message.data, result) for message, result in taken if isinstance(result, EARLY)]


def _released(candidate: Candidate, step: Step, waiting: Waiting, ours: UserId) -> list[GroupEvent]:
    """What became of messages that had waited."""
    events: list[GroupEvent] = []
    for message, result in step.released:
        waiting.remove([message])
        outcome = _outcome(candidate, step.chain, result, ours)
        events.extend((PartRefused(outcome),) if isinstance(outcome, PeerError) else outcome)
    return events


def with_events(outcome: Outcome, events: Sequence[GroupEvent]) -> Outcome:
    """An outcome with more to report: an error is then an event as well, because raising would lose the others."""
    return (*events, PartRefused(outcome)) if isinstance(outcome, PeerError) else (*outcome, *events)


def _outcome(candidate: Candidate, chain: Chain, result: Result, ours: UserId) -> Outcome:
    if not isinstance(result, Opened):
        return result
    message, content = result
    if content.content_type.startswith(RESERVED):  # GRP-2
        return NotPermitted("a content type of the protocol itself, in a message")
    parents = tuple([Seen(*parent) for parent in content.parents]) if content.parents else ()
    received = _received(
        (
            content.body,
            chain.certificate.sender,
            content.content_type,
            content.sent_at,
            message.chain_id,
            message.number,
            parents,
            message.link,
        )
    )
    return (received, *_parent_events(candidate, chain, message, parents, ours)) if parents else (received,)


def _parent_events(
    candidate: Candidate, chain: Chain, message: GroupMessage, parents: Sequence[Seen], ours: UserId
) -> Iterator[GroupEvent]:
    """What a sender has seen and is not here, or is another here (GRP-6)."""
    reporter = chain.certificate.sender
    for parent in parents:
        row = candidate.rows(parent.chain_id).get(parent.index + 1, ())
        if row and all(entry.link != parent.message_id for entry in row):
            yield ParentContradicted(reporter, *parent)
        elif all(entry.previous is None for entry in row) and _is_for_us(candidate, chain, message, parent, ours):
            yield MessageMissing(reporter, parent.chain_id, parent.index)


def _is_for_us(candidate: Candidate, chain: Chain, message: GroupMessage, parent: Seen, ours: UserId) -> bool:
    """Whether a message that somebody has seen can be read by us, too: it is not one from before we came.

    Of a chain that is not known one can tell only if we were in already when its reader's own chain began.
    """
    known = candidate.chains.get(parent.chain_id)
    if known is not None:
        return known.tree.covers(parent.index)
    return message.number > 0 and candidate.history.roster_of(chain.certificate.head).role(ours) is not None


def _too_late(chain: Chain, message: GroupMessage) -> PeerError:
    try:
        verify_signature(message, chain.certificate.signing_key)
    except PeerError as error:
        return error.with_traceback(None)
    return Expired("the keys of this chain were forgotten on schedule")


def link_events(step: Step, sender: UserId, messages: Sequence[GroupMessage] = ()) -> Iterator[GroupEvent]:
    """The events of a chain, for the application. ``messages``: what is at hand as evidence."""
    for event in step.events:
        yield _link_event(event, step.chain, sender, messages)


def _link_event(event: LinkEvent, chain: Chain, sender: UserId, messages: Sequence[GroupMessage]) -> GroupEvent:
    if isinstance(event, Forked):
        signed = [m.data for m in messages if m.number + 1 == event.place or m.number == event.place]
        evidence = (chain.certificate.encode(), *signed)
        return ChainForked(sender, event.chain_id, max(event.place - 1, 0), event.links, evidence)
    kind = MessageDisputed if isinstance(event, Disputed) else MessageReinstated
    return kind(sender, event.chain_id, event.number, event.link)


# --- our own chains --------------------------------------------------------------------------------------------------


def own_chain(candidate: Candidate) -> Chain:
    """Our live chain as a receiver sees it who has read everything."""
    sending = candidate.sending
    if sending is None:
        raise LookupError("no live chain")
    return Chain(sending.certificate, 0, KeyTree([]), Summary(sending.number))


def _receive_own(candidate: Candidate, chain: Chain, messages: Sequence[GroupMessage]) -> list[Outcome]:
    """Our own words come back (Replay), or somebody else writes in our name (GRP-7)."""
    chain_id, rows = chain.certificate.chain_id, candidate.rows(chain.certificate.chain_id)
    known = [any(entry.link == m.link and entry.previous for entry in rows.get(m.number + 1, ())) for m in messages]
    step = chains.receive(chain, rows, messages, permitted=lambda _index, _head: None, at=candidate.at)
    outcomes: list[Outcome] = [
        InvalidMessage() if message in step.unproven else Replay(_OWN) if seen else NotPermitted(_FOREIGN)
        for message, seen in zip(messages, known, strict=True)
    ]
    foreign = [m for m, seen in zip(messages, known, strict=True) if not seen and m not in step.unproven]
    if foreign:
        candidate.write_rows(chain_id, step.rows)
        candidate.flags = candidate.flags._replace(rotate=True)
        evidence = (chain.certificate.encode(), *(message.data for message in foreign))
        forks = link_events(step, chain.certificate.sender, messages)
        outcomes[-1] = with_events(outcomes[-1], [CloneAlarm(chain_id, foreign[0].number, evidence), *forks])
    return outcomes
