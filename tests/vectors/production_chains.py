"""What each type of group asks for, answered by the library: key trees, certificates, announcements, messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from siegel import Identity, UserId
from siegel._core import padding, suite
from siegel._core.labels import Label
from siegel._core.secret import Secret
from siegel.errors import MissingSenderKey, NotPermitted, PeerError
from siegel.groups import chain as chains
from siegel.groups import message as messages
from siegel.groups.certificate import Announcement, Certificate, Close
from siegel.groups.chain import Chain, Opened, Step
from siegel.groups.key_tree import INDEX_COUNT, KeyTree
from siegel.groups.links import Disputed, Forked, LinkEvent, Row
from siegel.groups.message import Content, GroupMessage, Parent
from siegel.groups.sending_chain import MAX_AGE, MAX_MESSAGES, SendingChain
from siegel.groups.waiting import Waiting
from tests.vectors.notation import Case, Outcome, brief, expand
from tests.vectors.reference.chain_operations import leaves_at_rest
from tests.vectors.reference.operations import Operation

# --- labels, key tree -------------------------------------------------------------------------------------------------


def raw_bytes(case: Case) -> Outcome:
    label = next(label for label in Label if label.text == case.input["label"])
    data = label + b"".join(map(expand, case.input["parts"]))
    return Outcome({"bytes": data, "sha256": suite.sha256(data)})


def leaf(case: Case) -> Outcome:
    key = KeyTree.from_root(Secret(case.data("root"))).take(case.input["index"])
    return Outcome({"leaf": key.reveal()}, {"commitment": messages.leaf_commitment(key)})


def cover(case: Case) -> Outcome:
    start, nodes = case.input["start"], [expand(node) for node in case.input["nodes"]]
    tree = KeyTree.from_cover(start, nodes)
    assert tree.cover() == (start, nodes)
    frontier = tree.encode()
    first, last = (tree.copy().take(index).reveal() for index in (start, INDEX_COUNT - 1))
    return Outcome({"frontier": frontier, "firstLeaf": first, "lastLeaf": last})


def _held(tree: KeyTree) -> list[list[int]]:
    """The indices whose keys are held, as runs."""
    runs: list[list[int]] = []
    frontier = tree.encode()
    for at in range(0, len(frontier), 35):
        first, count = int.from_bytes(frontier[at : at + 2], "big"), 1 << frontier[at + 2]
        assert tree.covers(first)
        assert tree.covers(first + count - 1)
        if runs and runs[-1][1] == first - 1:
            runs[-1][1] = first + count - 1
        else:
            runs.append([first, first + count - 1])
    return runs


def frontier_at_rest(case: Case) -> Outcome:
    data = leaves_at_rest(case.input["leaves"]) if "leaves" in case.input else case.data("frontier")
    tree = KeyTree.decode(data)
    assert tree.encode() == data
    return Outcome({"held": _held(tree)[:32], "nodes": tree.node_count})


def take_keys(case: Case) -> Outcome:
    given = case.input
    tree = KeyTree.from_root(Secret(case.data("root"))) if "root" in given else KeyTree.decode(case.data("frontier"))
    keys: list[bytes] = []
    for step in given["take"]:
        indices = [step] if isinstance(step, int) else range(step["first"], step["last"] + 1, step["step"])
        try:
            taken = [tree.take(index).reveal() for index in indices]
        except PeerError:
            case.after["frontier"] = tree.encode()
            raise
        keys.append(taken[0] if isinstance(step, int) else suite.sha256(b"".join(taken)))
    return Outcome({"keys": keys, "frontier": tree.encode(), "held": _held(tree)[:32], "nodes": tree.node_count})


# --- certificate, announcement ----------------------------------------------------------------------------------------


def _closes(case: Case) -> list[Close]:
    return [Close(expand(c), index, None if link is None else expand(link)) for c, index, link in case.input["closes"]]


def certify(case: Case) -> Outcome:
    certificate = Certificate.create(
        Identity.from_secret(case.data("secret")),
        group_id=case.data("groupId"),
        head=case.data("rosterHead"),
        key=suite.SigningKey(Secret(case.data("seed"))).public,
        closes=_closes(case),
        at=case.clock,
    )
    return Outcome({"certificate": certificate.encode()}, {"signedPart": _signed_part(certificate)})


def _signed_part(certificate: Certificate) -> bytes:
    """The items from type to at, with their label: what stands between the array's head and the signature."""
    return Label.CHAIN_CERTIFICATE + b"\x89" + certificate.encode()[1:-66]


def certificate(case: Case) -> Outcome:
    found = Certificate.decode(case.data("certificate"))
    assert found.encode() == case.data("certificate")
    return Outcome(
        {
            "groupId": found.group_id,
            "rosterHead": found.head,
            "chainId": found.chain_id,
            "sender": found.sender.data,
            "chainSigningKey": found.signing_key,
            "closes": [list(close) for close in found.closes],
            "at": found.at,
        },
        {"genesis": found.genesis},
    )


def must_end(case: Case) -> Outcome:
    given = case.input
    begun = SendingChain.begin(
        Identity.from_secret(b"\1" * 32),
        group_id=bytes(32),
        head=bytes(32),
        closes=(),
        at=given["at"],
        secrets=bytes(64),
    )
    ends = begun._replace(number=given["sent"]).must_end(
        at=case.clock, max_messages=given.get("messages", MAX_MESSAGES), max_age=given.get("age", MAX_AGE)
    )
    return Outcome({"mustEnd": ends})


def announcement(case: Case) -> Outcome:
    found = Announcement.decode(case.data("announcement"))
    assert found.encode() == case.data("announcement")
    last = found.tree.copy().take(INDEX_COUNT - 1).reveal()
    return Outcome({"chainId": found.certificate.chain_id, "start": found.start, "link": found.link, "lastLeaf": last})


# --- messages ---------------------------------------------------------------------------------------------------------


def _content_of(given: dict[str, Any]) -> Content:
    parents = tuple(Parent(expand(chain_id), index, expand(link)) for chain_id, index, link in given["parents"])
    return Content(given["contentType"], given["sentAt"], parents, expand(given["body"]))


def _shown(content: Content) -> dict[str, Any]:
    return {
        "contentType": content.content_type,
        "sentAt": content.sent_at,
        "parents": [list(parent) for parent in content.parents],
        "body": brief(content.body),
    }


def send(case: Case) -> Outcome:
    own = SendingChain.begin(
        Identity.from_secret(case.data("secret")),
        group_id=case.data("groupId"),
        head=case.data("rosterHead"),
        closes=_closes(case),
        at=case.clock,
        secrets=expand(case.random["secrets"]),
    )
    hedges = iter(case.random["hedges"])
    results, steps = list[dict[str, Any]](), list[dict[str, Any]]()
    for step in case.input["steps"]:
        if step["do"] == "announce":
            results.append({"announcement": own.announcement().encode()})
            continue
        key, content = own.tree.copy().take(own.number), _content_of(step)
        own, data, link = own.encrypt(content, head=expand(step["rosterHead"]), hedge=expand(next(hedges)))
        sent = messages.parse_message(data)
        assert messages.open_message(sent, key) == content
        results.append({"message": brief(data), "link": link})
        padded = padding.pad(messages.encode_content(content))
        found = {"nonce": sent.nonce, "commitment": sent.commitment}
        steps.append({"leaf": key.reveal(), "padded": brief(padded)} | found)
    return Outcome(
        {"results": results, "close": list(own.close())}, {"certificate": own.certificate.encode(), "messages": steps}
    )


def read_one(case: Case) -> Outcome:
    message = messages.parse_message(case.data("message"))
    messages.verify_signature(message, case.data("chainSigningKey"))
    return Outcome(
        _shown(messages.open_message(message, Secret(case.data("leaf")))),
        {"link": message.link},
    )


# --- a receiver -------------------------------------------------------------------------------------------------------


class Receiver:
    """Somebody in a group, with all chains that were announced to them; what the group itself adds is done here."""

    def __init__(self, case: Case) -> None:
        self.group_id = expand(case.fixture["groupId"])
        self.objects = case.fixture["objects"] | case.input.get("objects", {})
        self.refused = [expand(head) for head in case.input.get("refusedHeads", [])]
        self.highest = INDEX_COUNT
        self.chains: dict[bytes, Chain] = {}
        self.rows: dict[bytes, dict[int, Row]] = {}
        self.closes: list[tuple[UserId, Close]] = []
        self.waiting = Waiting()
        self.events: list[LinkEvent] = []
        self.last: PeerError | None = None

    def permitted(self, number: int, head: bytes) -> PeerError | None:
        return NotPermitted("by the list") if head in self.refused or number > self.highest else None

    def step(self, step: dict[str, Any], now: int) -> dict[str, Any]:
        self.events, self.last = [], None
        match step["do"]:
            case "announce":
                found = self._attempt(lambda: self._announce(expand(self.objects[step["announcement"]]), step, now))
            case "receive":
                found = self._receive([expand(self.objects[name]) for name in step["messages"]], now)
            case "permit":
                self.refused = [expand(head) for head in step["refusedHeads"]]
                self.highest = step.get("highestIndex", INDEX_COUNT)
                for known in list(self.chains.values()):
                    self._take(chains.review(known, self._rows(known), permitted=self.permitted))
                found = {}
            case "expire":
                self.chains = {name: chains.expire(known, at=now) for name, known in self.chains.items()}
                found = {}
            case other:
                raise AssertionError(other)
        events = shown_events(self.events)
        return found | ({"events": events} if events else {})

    def _attempt(self, act: Callable[[], None]) -> dict[str, Any]:
        try:
            act()
        except PeerError as error:
            self.last = error.with_traceback(None)
            return {"refused": error.code}
        return {}

    def _rows(self, known: Chain) -> dict[int, Row]:
        return self.rows[known.certificate.chain_id]

    def _take(self, step: Step) -> Step:
        chain_id = step.chain.certificate.chain_id
        self.chains[chain_id] = step.chain
        self.rows.setdefault(chain_id, {}).update(step.rows)
        self.events += step.events
        return step

    def _announce(self, data: bytes, given: dict[str, Any], now: int) -> None:
        said = Announcement.decode(data)
        certificate = said.certificate
        if (certificate.group_id, certificate.sender.data) != (self.group_id, expand(given["from"])):
            raise NotPermitted("only its owner announces a chain, and in its group")
        self.closes += [(certificate.sender, close) for close in certificate.closes]
        known = self.chains.get(certificate.chain_id)
        if known is None:
            step = self._take(chains.begin(said))
        else:
            step = self._take(chains.extend(known, self._rows(known), said, permitted=self.permitted, at=now))
        for owner, close in self.closes:
            ended = self.chains.get(close.chain_id)
            if ended is not None and ended.certificate.sender == owner:
                self._take(chains.close(ended, self._rows(ended), close, permitted=self.permitted, at=now))
        for result in step.results:
            assert isinstance(result, PeerError)
            raise result

    def _receive(self, given: list[bytes], now: int) -> dict[str, Any]:
        results: list[Opened | PeerError | None] = [None] * len(given)
        by_chain: dict[bytes, list[tuple[int, GroupMessage]]] = {}
        for n, data in enumerate(given):
            try:
                message = messages.parse_message(data)
            except PeerError as error:
                results[n] = error.with_traceback(None)
            else:
                if message.chain_id in self.chains:
                    by_chain.setdefault(message.chain_id, []).append((n, message))
                else:
                    results[n] = MissingSenderKey(message.chain_id)
        released: list[dict[str, Any]] = []
        for chain_id, numbered in by_chain.items():
            step = self._judge(self.chains[chain_id], [message for _, message in numbered], now)
            for (n, _), result in zip(numbered, step.results, strict=True):
                results[n] = result
            released += [{"index": m.number, "link": m.link, "result": _verdict(result)} for m, result in step.released]
        if len(results) == 1 and isinstance(results[0], PeerError):
            self.last = results[0]
        return {"results": [_verdict(result) for result in results]} | ({"released": released} if released else {})

    def _judge(self, known: Chain, given: Sequence[GroupMessage], now: int) -> Step:
        waiting = self.waiting.of(known.certificate.chain_id)
        step = self._take(
            chains.receive(known, self._rows(known), given, permitted=self.permitted, at=now, waiting=waiting)
        )
        self.waiting.remove(message for message, _ in step.released)
        self.waiting.add(step.unproven)
        return step

    def state(self) -> dict[str, Any]:
        return {chain_id.hex(): self._state(known) for chain_id, known in sorted(self.chains.items())}

    def _state(self, known: Chain) -> dict[str, Any]:
        again = Chain.decode(known.encode(), known.certificate)
        assert again.encode() == known.encode()
        return {
            "start": known.start,
            "held": _held(known.tree),
            "top": known.summary.top,
            "fork": known.summary.fork,
            "end": known.summary.end,
            "final": known.summary.final,
            "retireAt": known.retire_at,
            "gaps": [list(run) for run in chains.gaps(known, self._rows(known))],
        }


def shown_events(events: Sequence[LinkEvent]) -> list[dict[str, Any]]:
    """One step's events in a stable order; of the forks of one place those that name most links."""
    forks = sorted({(e.chain_id, e.place, tuple(sorted(e.links))) for e in events if isinstance(e, Forked)})
    widest = [f for f in forks if not any(f[:2] == other[:2] and set(f[2]) < set(other[2]) for other in forks)]
    shown = [{"chain": chain_id, "fork": place, "links": list(links)} for chain_id, place, links in widest]
    others = sorted((e for e in events if not isinstance(e, Forked)), key=lambda e: (e.chain_id, e.number, e.link))
    for event in others:
        kind = "disputed" if isinstance(event, Disputed) else "reinstated"
        shown.append({"chain": event.chain_id, kind: event.number, "link": event.link})
    return shown


def _verdict(result: Opened | PeerError | None) -> dict[str, Any]:
    assert result is not None
    return {"refused": result.code} if isinstance(result, PeerError) else {"accepted": _shown(result.content)}


def receive(case: Case) -> Outcome:
    receiver = Receiver(case)
    steps = [receiver.step(step, step.get("at", case.clock)) for step in case.input["steps"]]
    outcome = {"steps": steps, "chains": receiver.state()}
    if receiver.last is not None:
        case.after |= outcome
        raise receiver.last
    return Outcome(outcome)


OPERATIONS: Final[dict[str, Operation]] = {
    "raw": raw_bytes,
    "leaf": leaf,
    "cover": cover,
    "frontier": frontier_at_rest,
    "take-keys": take_keys,
    "certify": certify,
    "certificate": certificate,
    "must-end": must_end,
    "announcement": announcement,
    "send": send,
    "group-message": read_one,
    "receive": receive,
}
