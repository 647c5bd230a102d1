"""What each type of group about groups asks for, answered by the library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from siegel import Identity, MemoryStorage, Outgoing, PublicIdentity, Role, UserId
from siegel._core.codec import array_of, encode
from siegel._core.secret import Secret
from siegel._core.suite import SigningKey
from siegel.errors import PeerError
from siegel.events import (
    CloneAlarm,
    EpochKeyRefused,
    ForkDetected,
    GroupEvent,
    MessageMissing,
    MessageReceived,
    ParentContradicted,
    PartRefused,
    ReplyReady,
)
from siegel.groups import acts, sending
from siegel.groups.actions import Rename
from siegel.groups.broadcast import parse_broadcast, write_broadcast
from siegel.groups.certificate import Certificate
from siegel.groups.chain import Chain
from siegel.groups.control import CONTENT_TYPE, Control
from siegel.groups.epoch import EpochKey
from siegel.groups.group import Group
from siegel.groups.history import History, parse_item
from siegel.groups.intake import Intake
from siegel.groups.key_tree import KeyTree
from siegel.groups.links import DELIVERED, RECEIVED, Link, Row, Summary
from siegel.groups.member import Member
from siegel.groups.message import parse_message
from siegel.groups.operations import Operation
from siegel.groups.receiving import open_control
from siegel.groups.sending_chain import SendingChain
from siegel.groups.state import Candidate, State
from siegel.identity import parse_record
from siegel.inspection import inspect_envelope
from siegel.sealed import seal_content, seal_each
from tests.vectors.notation import Case, Outcome, expand
from tests.vectors.reference.operations import Operation as Answer

ANY_KEY: Final = bytes([7]) * 32
NONCE: Final = bytes([1]) * 32


def identity_of(case: Case, name: str) -> Identity:
    """A person of the fixture."""
    return Identity.from_secret(expand(case.fixture["people"][name]))


def history_of(case: Case) -> History:
    """The history of the input's log."""
    first, *rest = [parse_item(expand(case.fixture["items"][name])) for name in case.input["log"]]
    assert isinstance(first, Operation)
    history = History.found(first)
    for item in rest:
        extension = history.extend([item])
        assert not extension.refused
        history = extension.history
    return history


def operation_of(case: Case, name: str) -> Operation:
    """A named operation."""
    item = parse_item(expand(case.fixture["items"][name]))
    assert isinstance(item, Operation)
    return item


def sealed(control: bytes, sender: Identity, to: Iterable[PublicIdentity], at: int) -> bytes:
    """Any control as a sealed message: its bytes need not be control."""
    inner = array_of(encode(CONTENT_TYPE), encode(at), encode(control))
    return seal_content(
        inner, sender=sender, recipients=list(to), private=False, nonce=NONCE, salt=NONCE, sealer=seal_each
    )


# --- control ----------------------------------------------------------------------------------------------------------


def control(case: Case) -> Outcome:  # GRP-1
    reader = Identity.from_secret(NONCE)
    envelope = sealed(case.data("control"), reader, [reader.public(at=0)], 0)
    _, found = open_control(envelope, Member(reader, ()))
    assert found.encode() == case.data("control")
    return Outcome(
        {
            "groupId": found.group_id,
            "items": list(found.items),
            "key": [found.key.head, found.key.key.reveal()] if found.key else None,
            "announcements": list(found.announcements),
            "identities": list(found.identities),
            "request": [found.request.head, found.request.key, list(found.request.chains)] if found.request else None,
            "notAfter": found.not_after,
        }
    )


# --- what a client takes ----------------------------------------------------------------------------------------------


class Client:
    """A state, and a way in for what the vectors say in plain."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.member = Member(identity_of(case, case.input["ours"]), ())
        self.state = State(MemoryStorage(), history_of(case))
        for name, key in case.input.get("keys", {}).items():
            roster = self.state.history.roster_of(operation_of(case, name).head)
            self.state.keys[roster.epoch] = EpochKey(Secret(expand(key)), case.clock)
        if "own" in case.input:
            self._write(case.input["own"])
        self.intake = Intake(self.member)

    def _write(self, own: dict[str, Any]) -> None:
        """Our live chain, with the messages that we sent in it."""
        key = SigningKey(Secret(expand(own["seed"])))
        head = operation_of(self.case, own["head"]).head
        group_id = self.state.history.roster.group_id
        certificate = Certificate.create(
            self.member.identity, group_id=group_id, head=head, key=key.public, closes=(), at=own["at"]
        )
        candidate = Candidate(self.state, at=self.case.clock)
        messages = [parse_message(expand(message)) for message in own["messages"]]
        for message in messages:
            row = (Link(message.link, message.previous, message.head, DELIVERED),)
            candidate.write_rows(certificate.chain_id, {message.number + 1: row})
        tree = KeyTree.from_root(Secret(expand(own["root"])))
        for message in messages:
            tree.take(message.number)
        previous = messages[-1].link if messages else certificate.genesis
        candidate.sending = SendingChain(certificate, Secret(expand(own["seed"])), key, tree, len(messages), previous)
        self.state.storage.commit(candidate.changes(), Outgoing())
        candidate.assign()

    def bytes_of(self, step: dict[str, Any]) -> bytes:
        """What arrives in a step."""
        if "message" in step:
            return expand(step["message"])
        sender, data = identity_of(self.case, step["from"]), expand(step["control"])
        if "under" not in step:
            return sealed(data, sender, [self.member.identity.public(at=self.case.clock)], self.case.clock)
        head, history = operation_of(self.case, step["under"]).head, self.state.history
        key = Secret(ANY_KEY)
        if head in history:
            epoch = history.roster_of(head).epoch
            key = self.state.keys.setdefault(epoch, EpochKey(key, self.case.clock)).key
        return write_broadcast(
            data,
            identity=sender,
            group_id=history.roster.group_id,
            head=head,
            key=key,
            at=self.case.clock,
            hedge=NONCE,
        )

    def take(self, step: dict[str, Any]) -> tuple[tuple[GroupEvent, ...] | PeerError, list[str]]:
        """What a step gives, and what it changed."""
        data, before = self.bytes_of(step), self.shown()
        candidate = Candidate(self.state, at=self.case.clock)
        (result,) = self.intake.take(candidate, [data])
        self.state.storage.commit(candidate.changes(), Outgoing())
        candidate.assign()
        after = self.shown()
        return result, [name for name in before if before[name] != after[name]]

    def shown(self) -> dict[str, Any]:
        """What may change."""
        state = self.state
        return {
            "head": state.history.roster.head,
            "log": len(state.history.records),
            "identities": {user: record.encode() for user, record in state.identities.items()},
            "keys": {name: key.key.reveal() for name, key in state.keys.items()},
            "chains": {name: (chain.start, chain.summary.end) for name, chain in state.chains.items()},
        }

    def report(self, event: GroupEvent) -> str | None:
        """An event in the word of the vectors; None for one that the changes show."""
        if isinstance(event, ReplyReady):
            asker = next(p for p in map(self._person, self.case.fixture["people"]) if p.user_id == event.to)
            _, answer = open_control(event.control[0], Member(asker, ()))
            parts = {"items": answer.items, "key": answer.key, "chain": answer.announcements}
            return f"answer: {', '.join(part for part, there in parts.items() if there)}"
        words: dict[type[object], str] = {
            MessageReceived: "message",
            MessageMissing: "missing",
            ParentContradicted: "contradicted",
            CloneAlarm: "alarm",
            EpochKeyRefused: "key refused",
            ForkDetected: "contradiction",
        }
        return words.get(type(event))

    def _person(self, name: str) -> Identity:
        return identity_of(self.case, name)


def steps(case: Case) -> Outcome:  # GRP-2, GRP-4, GRP-5, GRP-6, GRP-7, GRP-8
    client = Client(case)
    for name in case.input.get("knows", []):  # whom the client can answer
        record = identity_of(case, name).public(at=case.clock)
        client.state.identities[record.user_id] = record
    outcomes: list[dict[str, Any]] = []
    for place, step in enumerate(case.input["steps"]):
        result, changed = client.take(step)
        if isinstance(result, PeerError) and place == len(case.input["steps"]) - 1:
            assert changed == []
            raise result
        events: tuple[GroupEvent, ...] = (PartRefused(result),) if isinstance(result, PeerError) else result
        words = (client.report(event) for event in events)
        outcomes.append(
            {
                "changed": changed,
                "reports": sorted(word for word in words if word),
                "refused": sorted(event.error.code for event in events if isinstance(event, PartRefused)),
            }
        )
    return Outcome({"outcomes": outcomes})


# --- what a client sends ----------------------------------------------------------------------------------------------


def side_of(case: Case) -> tuple[Candidate, Member]:
    """The sending side of the client of the input."""
    member, state = Member(identity_of(case, case.input["ours"]), ()), State(MemoryStorage(), history_of(case))
    for data in case.input["records"]:
        record = parse_record(expand(data))
        state.identities[record.user_id] = record
    if case.input["holdsKey"]:
        state.keys[state.history.roster.epoch] = EpochKey(Secret(ANY_KEY), case.clock)
        below = state.history.operation(state.history.roster.head).previous
        if below:  # whoever acts or announces across an admission has the key from before, too
            state.keys.setdefault(state.history.roster_of(below).epoch, EpochKey(Secret(ANY_KEY), case.clock))
    return Candidate(state, at=case.clock), member


def told(outgoing: Iterable[bytes]) -> list[dict[str, Any]]:
    """Ways out in the words of the vectors."""
    found: list[dict[str, Any]] = []
    for data in outgoing:
        if data[1] == 12:
            found.append({"broadcast": parse_broadcast(data).head})
        else:
            found.append({"sealed": sorted(bytes(user) for user, _ in inspect_envelope(data).recipients)})
    return found


def next_message(case: Case) -> Outcome:  # GRP-3, GRP-9, GRP-10
    candidate, member = side_of(case)
    before = None
    if case.input.get("chain"):
        chain = case.input["chain"]
        begun = SendingChain.begin(
            member.identity,
            group_id=candidate.group_id,
            head=operation_of(case, chain["head"]).head,
            closes=(),
            at=chain["at"],
            secrets=bytes(64),
        )
        tree = begun.tree.copy()
        for index in range(chain["messages"]):
            tree.take(index)
        before = candidate.sending = begun._replace(tree=tree, number=chain["messages"])
        candidate.audience = frozenset(identity_of(case, name).user_id for name in chain["audience"])
    if "announceTo" in case.input:
        users = frozenset(identity_of(case, name).user_id for name in case.input["announceTo"])
        skipped = sending.announce_to(candidate, member, users)
        return Outcome({"told": told(candidate.outgoing), "skipped": sorted(map(bytes, skipped))})
    candidate.flags = candidate.flags._replace(rotate=case.input.get("rotate", False))
    sending.require_posting(candidate, member)
    skipped = sending.ready_chain(candidate, member)
    assert candidate.sending is not None
    new = before is None or candidate.sending.certificate is not before.certificate
    closes = [close.chain_id for close in candidate.sending.certificate.closes] if new else []
    assert closes == ([before.certificate.chain_id] if new and before else [])
    return Outcome(
        {
            "chain": "new" if new else "same",
            "closes": bool(closes),
            "told": told(candidate.outgoing),
            "skipped": sorted(map(bytes, skipped)),
        }
    )


def acting(case: Case) -> Outcome:  # GRP-3, GRP-11
    candidate, member = side_of(case)
    for who, chain_id, count in case.input["chains"]:
        _know(candidate, identity_of(case, who), expand(chain_id), count)
    before = len(candidate.outgoing)
    skipped = _act(case, candidate, member)
    operation = candidate.history.operation(candidate.history.roster.head)
    ways = told(candidate.outgoing[before:])
    newcomers = {bytes(user) for user in candidate.history.roster.change.admitted}
    invited = [way["sealed"] for way in ways if set(way.get("sealed", [])) & newcomers]
    fresh = getattr(operation.action, "fresh", None)
    return Outcome(
        {
            "closes": [list(close) for close in getattr(operation.action, "closes", ())],
            "withheld": list(map(bytes, fresh.withheld)) if fresh else [],
            "told": [way for way in ways if way.get("sealed", []) not in invited],
            "invited": invited[0] if invited else [],
            "skipped": sorted(map(bytes, skipped)),
        }
    )


def _know(candidate: Candidate, owner: Identity, chain_id: bytes, count: int) -> None:
    """A chain of somebody of which so many messages are known."""
    head = candidate.history.roster.head
    key = SigningKey(Secret(chain_id * 2))
    certificate = Certificate.create(
        owner, group_id=candidate.group_id, head=head, key=key.public, closes=(), at=candidate.at
    )
    certificate = _named(certificate, chain_id)
    tree = KeyTree.from_root(Secret(NONCE))
    links = [certificate.genesis, *(bytes([place]) * 32 for place in range(1, count + 1))]
    rows: dict[int, Row] = {
        place: (Link(links[place], links[place - 1], head, RECEIVED),) for place in range(1, count + 1)
    }
    candidate.chains.put(chain_id, Chain(certificate, 0, tree, Summary(count)))
    candidate.write_rows(chain_id, rows)


def _named(certificate: Certificate, chain_id: bytes) -> Certificate:
    """The vectors give chains names of their own: nothing that is asked here depends on them."""
    object.__setattr__(certificate, "chain_id", chain_id)
    return certificate


def _act(case: Case, candidate: Candidate, member: Member) -> tuple[UserId, ...]:
    kind, *arguments = case.input["act"]
    match kind:
        case "add":
            known = {bytes(user): record for user, record in candidate.identities.items()}
            people = {known[bytes(identity_of(case, name).user_id)]: Role(role) for name, role in arguments}
            return acts.add(candidate, member, people)
        case "remove":
            return acts.remove(candidate, member, [identity_of(case, name).user_id for name in arguments])
        case "set role":
            name, role = arguments
            return acts.set_role(candidate, member, identity_of(case, name).user_id, Role(role))
        case _:
            return acts.act(candidate, member, Rename(arguments[0]))


def invitation(case: Case) -> Outcome:  # GRP-12
    given, holder = case.input, identity_of(case, case.input["ours"])
    storage = MemoryStorage()
    if "known" in given:
        operation = operation_of(case, given["known"])
        storage.commit({_tombstone_name(operation.group_id): encode([operation.head])}, Outgoing())
    envelope = sealed(
        case.data("control"), identity_of(case, given["from"]), [holder.public(at=case.clock)], case.clock
    )
    contacts = [identity_of(case, name).user_id for name in given["contacts"]]
    group = Group.join(envelope, identity=holder, contacts=contacts, storage=storage, at=case.clock)
    return Outcome(
        {
            "head": group.roster.head,
            "members": len(group.roster.members),
            "key": Control.decode(case.data("control")).key is not None,
        }
    )


def _tombstone_name(group_id: bytes) -> str:
    return f"group/{group_id.hex()}/forgotten"


OPERATIONS: Final[dict[str, Answer]] = {
    "control": control,
    "group": steps,
    "group-sending": next_message,
    "group-act": acting,
    "group-invitation": invitation,
}
