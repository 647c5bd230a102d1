"""What each type of group asks for, answered by the reference: key trees, certificates, announcements, messages."""

from __future__ import annotations

import copy
from typing import Any, Final

from tests.vectors.notation import Case, Outcome, brief, expand
from tests.vectors.reference import DAY, Refused, chain, group_message, key_tree, require, sender_chain
from tests.vectors.reference.group_message import Content, Draft, Message
from tests.vectors.reference.labels import label, sha256
from tests.vectors.reference.operations import Operation

# --- labels -----------------------------------------------------------------------------------------------------------


def raw_bytes(case: Case) -> Outcome:
    name = case.input["label"].removeprefix("siegel/1 ")
    data = label(name) + b"\0" + b"".join(map(expand, case.input["parts"]))
    return Outcome({"bytes": data, "sha256": sha256(data)})


# --- key tree ---------------------------------------------------------------------------------------------------------


def leaf(case: Case) -> Outcome:
    key = key_tree.leaf(case.data("root"), case.input["index"])
    return Outcome({"leaf": key}, {"commitment": sha256(group_message.raw("leaf commitment", key))})


def cover(case: Case) -> Outcome:
    nodes = [expand(node) for node in case.input["nodes"]]
    frontier = key_tree.from_cover(case.input["start"], nodes)
    first, last = (key_tree.key_of(frontier, index) for index in (case.input["start"], key_tree.COUNT - 1))
    return Outcome({"frontier": key_tree.write(frontier), "firstLeaf": first, "lastLeaf": last})


def leaves_at_rest(given: dict[str, Any]) -> bytes:
    """A large frontier: every so many indices from 0 on a leaf, all with the same bytes."""
    node = expand(given["node"])
    return b"".join(key_tree.entry((n * given["step"], 0), node) for n in range(given["count"]))


def frontier_at_rest(case: Case) -> Outcome:
    data = leaves_at_rest(case.input["leaves"]) if "leaves" in case.input else case.data("frontier")
    frontier = key_tree.read(data)
    return Outcome({"held": key_tree.held(frontier)[:32], "nodes": len(frontier)})


def take_keys(case: Case) -> Outcome:
    """Keys of single indices, or of every n-th of a range, of which only the digest is shown."""
    if "root" in case.input:
        frontier = {(0, key_tree.DEPTH): case.data("root")}
    else:
        frontier = key_tree.read(case.data("frontier"))
    keys: list[bytes] = []
    for step in case.input["take"]:
        indices = [step] if isinstance(step, int) else range(step["first"], step["last"] + 1, step["step"])
        taken: list[bytes] = []
        for index in indices:
            try:
                taken.append(key_tree.key_of(frontier, index))
            except Refused:
                case.after["frontier"] = key_tree.write(frontier)
                raise
            frontier = key_tree.without(frontier, index)
        keys.append(taken[0] if isinstance(step, int) else sha256(b"".join(taken)))
    written = key_tree.write(frontier)
    return Outcome({"keys": keys, "frontier": written, "held": key_tree.held(frontier)[:32], "nodes": len(frontier)})


# --- certificate ------------------------------------------------------------------------------------------------------


def _closes(case: Case) -> tuple[sender_chain.Close, ...]:
    """The closes of a new certificate, in the order of their chains."""
    given = [(expand(c), index, None if link is None else expand(link)) for c, index, link in case.input["closes"]]
    return tuple(sorted(given, key=lambda close: close[0]))


def certify(case: Case) -> Outcome:
    made = sender_chain.certify(
        case.data("secret"),
        case.data("seed"),
        group_id=case.data("groupId"),
        head=case.data("rosterHead"),
        closes=_closes(case),
        at=case.clock,
    )
    try:
        sender_chain.read_certificate(made.encode())
    except Refused:
        raise Refused("argument", "invalid-argument") from None
    return Outcome({"certificate": made.encode()}, {"signedPart": made.signed_part})


def certificate(case: Case) -> Outcome:
    found = sender_chain.read_certificate(case.data("certificate"))
    return Outcome(
        {
            "groupId": found.group_id,
            "rosterHead": found.head,
            "chainId": found.chain_id,
            "sender": found.sender,
            "chainSigningKey": found.key,
            "closes": [list(close) for close in found.closes],
            "at": found.at,
        },
        {"genesis": found.genesis},
    )


def must_end(case: Case) -> Outcome:
    """CHN-8; the group's policy may say other limits."""
    given = case.input
    messages, age = given.get("messages", 10_000), given.get("age", 7 * DAY)
    full = given["sent"] >= min(messages, key_tree.COUNT)
    return Outcome({"mustEnd": full or not given["at"] <= case.clock < given["at"] + age})


def announcement(case: Case) -> Outcome:
    found, said, frontier = sender_chain.read_announcement(case.data("announcement"))
    last = key_tree.key_of(frontier, key_tree.COUNT - 1)
    return Outcome({"chainId": found.chain_id, "start": said.start, "link": said.link, "lastLeaf": last})


# --- messages ---------------------------------------------------------------------------------------------------------


def _content_of(given: dict[str, Any]) -> Content:
    parents = tuple((expand(chain_id), index, expand(link)) for chain_id, index, link in given["parents"])
    return Content(given["contentType"], given["sentAt"], parents, expand(given["body"]))


def _shown(content: Content) -> dict[str, Any]:
    return {
        "contentType": content.content_type,
        "sentAt": content.sent_at,
        "parents": [list(parent) for parent in content.parents],
        "body": brief(content.body),
    }


def send(case: Case) -> Outcome:
    """The life of a chain, on its owner's side: messages, announcements and, at last, the close."""
    given, secrets = case.input, expand(case.random["secrets"])
    seed, root = secrets[:32], secrets[32:]
    begun = sender_chain.certify(
        case.data("secret"),
        seed,
        group_id=case.data("groupId"),
        head=case.data("rosterHead"),
        closes=_closes(case),
        at=case.clock,
    )
    hedges, index, link = iter(case.random["hedges"]), 0, begun.genesis
    results, steps = list[dict[str, Any]](), list[dict[str, Any]]()
    for step in given["steps"]:
        if step["do"] == "announce":
            results.append({"announcement": sender_chain.announce(begun, root, index, link).encode()})
            continue
        content = _content_of(step)
        require(_can_be_said(content), "argument", "invalid-argument")
        key = key_tree.leaf(root, index)
        draft = Draft(content, begun.chain_id, index, expand(step["rosterHead"]), link, key, seed, expand(next(hedges)))
        made = group_message.write(draft)
        results.append({"message": brief(made.message), "link": made.link})
        steps.append({"leaf": key, "padded": brief(made.padded), "nonce": made.nonce, "commitment": made.commitment})
        index, link = index + 1, made.link
    close = [begun.chain_id, index - 1, link] if index else [begun.chain_id, 0, None]
    return Outcome({"results": results, "close": close}, {"certificate": begun.encode(), "messages": steps})


def _can_be_said(content: Content) -> bool:
    """Whether a reader would take it (MSG-6)."""
    body, empty = content.body, Content(content.content_type, content.sent_at, content.parents, b"")
    draft = Draft(empty, bytes(16), 0, bytes(32), bytes(32), bytes(32), bytes(32), bytes(16))
    made = group_message.write(draft, {"signature": lambda *_: bytes(64)})
    try:
        group_message.open_message(group_message.read(made.message), bytes(32))
    except Refused:
        return False
    return len(body) <= group_message.MAX_BODY


def read_one(case: Case) -> Outcome:
    """A message alone: read, its own signature verified, opened under a leaf."""
    message = group_message.read(case.data("message"))
    require(group_message.is_signed(message, case.data("chainSigningKey")), "authentic", "invalid-message")
    content = group_message.open_message(message, case.data("leaf"))
    return Outcome(_shown(content), {"link": message.link})


# --- a receiver -------------------------------------------------------------------------------------------------------


class Receiver:
    """Somebody in a group, with all chains that were announced to them."""

    def __init__(self, case: Case) -> None:
        self.group_id = expand(case.fixture["groupId"])
        self.objects = case.fixture["objects"] | case.input.get("objects", {})
        self.refused = [expand(head) for head in case.input.get("refusedHeads", [])]
        self.highest = key_tree.COUNT  # index that is permitted
        self.chains: dict[bytes, chain.Chain] = {}
        self.closes: list[tuple[bytes, sender_chain.Close]] = []  # with their owner
        self.last: Refused | None = None  # how the last thing given alone was refused

    def permitted(self, index: int, head: bytes) -> bool:
        return head not in self.refused and index <= self.highest

    def step(self, step: dict[str, Any], now: int) -> dict[str, Any]:
        """What one step gives."""
        before = copy.deepcopy(self.chains)
        self.last = None
        match step["do"]:
            case "announce":
                found = self._announce(expand(self.objects[step["announcement"]]), expand(step["from"]), now)
            case "receive":
                found = self._receive([expand(self.objects[name]) for name in step["messages"]])
            case "permit":
                self.refused = [expand(head) for head in step["refusedHeads"]]
                self.highest = step.get("highestIndex", key_tree.COUNT)
                found = {}
            case "expire":
                for known in self.chains.values():
                    known.expire(now)
                found = {}
            case other:
                raise AssertionError(other)
        return found | self._events(before, now)

    def _announce(self, data: bytes, sender: bytes, now: int) -> dict[str, Any]:
        try:
            said, announced, frontier = sender_chain.read_announcement(data)
            require((said.group_id, said.sender) == (self.group_id, sender), "sender", "not-permitted")
        except Refused as refused:
            self.last = refused
            return _verdict(refused)
        self.closes += [(said.sender, close) for close in said.closes]
        found: dict[str, Any] = {}
        if said.chain_id in self.chains:
            try:
                self.chains[said.chain_id].extend(said, announced, frontier, now)
            except Refused as refused:
                self.last = refused
                found = _verdict(refused)
        else:
            self.chains[said.chain_id] = chain.begin(said, announced, frontier)
        for owner, close in self.closes:
            known = self.chains.get(close[0])
            if known is not None and known.certificate.sender == owner:
                known.close(close)
        return found

    def _receive(self, given: list[bytes]) -> dict[str, Any]:
        results: list[Any] = [None] * len(given)
        by_chain: dict[bytes, list[tuple[int, Message]]] = {}
        for n, data in enumerate(given):
            try:
                message = group_message.read(data)
                require(message.chain_id in self.chains, "chain", "missing-sender-key")
            except Refused as refused:
                results[n] = refused
            else:
                by_chain.setdefault(message.chain_id, []).append((n, message))
        released: list[dict[str, Any]] = []
        for chain_id, numbered in by_chain.items():
            judged, freed = self._judge(self.chains[chain_id], [message for _, message in numbered])
            for (n, _), result in zip(numbered, judged, strict=True):
                results[n] = result
            released += freed
        if len(results) == 1 and isinstance(results[0], Refused):
            self.last = results[0]
        return {"results": [_verdict(result) for result in results]} | ({"released": released} if released else {})

    def _judge(self, known: chain.Chain, given: list[Message]) -> tuple[list[Content | Refused], list[dict[str, Any]]]:
        everything = [*given, *known.waiting]
        known.enter(everything)
        results: dict[int, Content | Refused] = {}
        for n in sorted(range(len(everything)), key=lambda n: everything[n].index):
            try:
                results[n] = known.judge(everything[n], self.permitted)
            except Refused as refused:
                results[n] = refused
        freed = [
            {"index": message.index, "link": message.link, "result": _verdict(results[n])}
            for n, message in enumerate(everything)
            if n >= len(given) and known.is_authentic(message)
        ]
        known.waiting = [message for message in known.waiting if not known.is_authentic(message)]
        known.wait(message for message in given if not known.is_authentic(message))
        return [results[n] for n in range(len(given))], freed

    def _events(self, before: dict[bytes, chain.Chain], now: int) -> dict[str, Any]:
        events: list[Any] = []
        for chain_id, known in sorted(self.chains.items()):
            earlier = before.get(chain_id) or chain.Chain(known.certificate, known.start, {})
            events += [{"chain": chain_id} | event for event in known.settle(earlier, self.permitted, now)]
        events.sort(key=lambda event: "fork" not in event)  # forks first; the order is else by chain and place
        return {"events": events} if events else {}

    def state(self) -> dict[str, Any]:
        """What is known of each chain."""
        return {chain_id.hex(): _state(known) for chain_id, known in sorted(self.chains.items())}


def _state(known: chain.Chain) -> dict[str, Any]:
    final = known.final
    lowest = min(final, default=None)
    return {
        "start": known.start,
        "held": key_tree.held(known.frontier),
        "top": known.top,
        "fork": known.fork,
        "end": known.end,
        "final": None if lowest is None else [lowest, final[lowest]],
        "retireAt": known.retire_at,
        "gaps": known.gaps(),
    }


def _verdict(result: Content | Refused) -> dict[str, Any]:
    if isinstance(result, Refused):
        return {"refused": result.code, "stage": result.stage}
    return {"accepted": _shown(result)}


def receive(case: Case) -> Outcome:
    """All steps; the vector is invalid if the last one is a single object that is refused."""
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
