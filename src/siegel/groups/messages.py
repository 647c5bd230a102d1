"""Knows how a group takes messages: whose chain, what the roster says, what is reported (spec: GRP-4 … GRP-7).

Laws: the status of a message is a function of what was received, whatever the order and the batches; an input that is
refused raises, unless there is something to report beside it; content types of the protocol never reach an application.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from siegel.errors import Expired, InvalidMessage, MissingSenderKey, NotPermitted, PeerError, Replay
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

_OWN: Final = "our own message"


def receive_run(candidate: Candidate, messages: Sequence[GroupMessage], waiting: Waiting) -> list[Outcome]:
    """Messages of one chain; one outcome for each, in order. What has no input of its own stands with the last."""
    chain_id = messages[0].chain_id
    sending = candidate.sending
    if sending is not None and sending.certificate.chain_id == chain_id:
        return _receive_own(candidate, own_chain(candidate), messages)
    chain = candidate.chains.get(chain_id)
    if chain is None:
        return [MissingSenderKey(chain_id) for _ in messages]
    if chain.retire_at is not None and candidate.at >= chain.retire_at:
        return [_too_late(chain, message) for message in messages]
    if chain_id in candidate.flags.own:
        return _receive_own(candidate, chain, messages)
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
    sender = chain.certificate.sender
    outcomes = [_outcome(candidate, sender, result) for result in step.results]
    if step.events or step.released:
        outcomes[-1] = with_events(outcomes[-1], _more(candidate, step, messages, waiting))
    return outcomes


def _more(candidate: Candidate, step: Step, messages: Sequence[GroupMessage], waiting: Waiting) -> list[GroupEvent]:
    """What a run reports beside its own messages: of the chain, and of messages that had waited."""
    sender = step.chain.certificate.sender
    events = list(link_events(step, sender, messages))
    for message, result in step.released:
        waiting.remove([message])
        outcome = _outcome(candidate, sender, result)
        events.extend((PartRefused(outcome),) if isinstance(outcome, PeerError) else outcome)
    return events


def with_events(outcome: Outcome, events: Sequence[GroupEvent]) -> Outcome:
    """An outcome with more to report: an error is then an event as well, because raising would lose the others."""
    return (*events, PartRefused(outcome)) if isinstance(outcome, PeerError) else (*outcome, *events)


def _outcome(candidate: Candidate, sender: UserId, result: Result) -> Outcome:
    if not isinstance(result, Opened):
        return result
    message, content = result
    if content.content_type.startswith(RESERVED):  # GRP-2
        return NotPermitted("a content type of the protocol itself, in a message")
    parents = tuple([Seen(*parent) for parent in content.parents]) if content.parents else ()
    received = MessageReceived(
        content.body,
        sender,
        content.content_type,
        content.sent_at,
        message.chain_id,
        message.number,
        parents,
        message.link,
    )
    return (received, *_parent_events(candidate, sender, parents)) if parents else (received,)


def _parent_events(candidate: Candidate, reporter: UserId, parents: Sequence[Seen]) -> Iterator[GroupEvent]:
    """What a sender has seen and is not here, or is another here (GRP-6)."""
    for chain_id, index, link in parents:
        row = candidate.rows(chain_id).get(index + 1, ())
        if not row:
            yield MessageMissing(reporter, chain_id, index)
        elif all(entry.link != link for entry in row):
            yield ParentContradicted(reporter, chain_id, index, link)
        elif all(entry.previous is None for entry in row):
            yield MessageMissing(reporter, chain_id, index)


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
        Replay(_OWN) if seen and message not in step.unproven else InvalidMessage()
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
