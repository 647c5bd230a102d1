"""Real groups on real devices, and a server that drops, delays, doubles, reorders and changes what they send.

What must hold at every step: a message is delivered once to a reader, as it was sent, and to nobody who was out where
its sender stood; whatever comes, only errors of the library leave it; a device that starts anew from its storage is the
same. And when everything has come and was asked for, all who take part hold the same roster and the same messages.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from siegel import UserId
from siegel.envelope import letters
from siegel.errors import PeerError, SiegelError
from siegel.events import MessageDisputed, MessageReceived, MessageReinstated, ReplyReady
from siegel.groups import epoch
from siegel.groups.actions import GroupPolicy, Role, Who
from siegel.groups.group import Group
from siegel.groups.links import DELIVERED
from siegel.groups.message import GroupMessage, parse_message
from siegel.groups.storage import MemoryStorage, Outgoing
from tests.groups.company import LETTER, SEALED, Company, owner, parts, user, users
from tests.people import public

FOUNDER = "anna"
PEOPLE = ("anna", "bert", "carl", "dora", "emil")
TABLET = "bert/tablet"
GHOSTS = ("bert/ghost", "dora/ghost")
HONEST = (*PEOPLE, TABLET)

numbers = st.integers(min_value=0, max_value=10_000)
people = st.sampled_from(HONEST)
posters = st.sampled_from((*PEOPLE, *PEOPLE, TABLET))
admins = st.sampled_from(("anna", "anna", "bert", "bert", "carl", TABLET))


RANDOM = ("siegel.groups.acts", "siegel.groups.sending", "siegel.groups.member")


class Sent(NamedTuple):
    """A message as its sender gave it away: to whom it is, as far as the sender knew."""

    sender: str
    body: bytes
    audience: frozenset[UserId]
    heads: frozenset[bytes]
    message: GroupMessage


class GroupMachine(RuleBasedStateMachine):
    """A company, and everything that ever went over its wire."""

    @initialize(adding=st.sampled_from(Who), seed=numbers, by_letter=st.booleans())
    def found(self, adding: Who, seed: int, *, by_letter: bool) -> None:
        # Hashes decide between branches: without randomness a failure can be made smaller, and made again.
        self.patches = [patch(f"{module}.random_bytes", random.Random(seed).randbytes) for module in RANDOM]
        for one in self.patches:
            one.start()
        self.team = Company(*PEOPLE[:4], roles={"bert": Role.ADMIN}, policy=GroupPolicy(adding=adding))
        self.team.storages["emil"] = MemoryStorage()
        self.by_letter = by_letter
        self.wire: list[bytes] = []
        self.sent: dict[bytes, Sent] = {}
        self.read: defaultdict[str, set[bytes]] = defaultdict(set)
        self.fresh: defaultdict[str, list[bytes]] = defaultdict(list)  # what has not been delivered to a device yet
        for name in PEOPLE[:4]:
            self.write(name)
            for other in PEOPLE[:4]:
                self.deliver_news(other)
        self.team.link("bert", TABLET)
        self.ask(TABLET)
        for device in (*PEOPLE[:4], TABLET):
            self.deliver_news(device)
        self.shared: set[bytes] = set()  # chains that two instances believe to be their own

    # --- what people do

    @rule(device=posters, count=st.integers(1, 3))
    def speak(self, device: str, count: int) -> None:
        for _ in range(count):
            self.write(device)

    @rule(device=admins, number=numbers)
    def act(self, device: str, number: int) -> None:
        self.perform(device, number)

    @rule(seed=numbers)
    def act_at_once(self, seed: int) -> None:
        """Several act before they hear of each other."""
        choice = random.Random(seed)
        for device in choice.sample(("anna", "bert", "carl"), k=2):
            self.perform(device, choice.randrange(10_000))

    @precondition(lambda self: not self.team.groups.keys().isdisjoint(GHOSTS))
    @rule(device=st.sampled_from(GHOSTS), number=numbers)
    def haunt(self, device: str, number: int) -> None:
        """An old state that hears of nothing goes on: its user may be out since, and what it signs is back-dated."""
        if number % 3:
            self.write(device)
        else:
            self.perform(device, number // 3)

    @rule(device=st.sampled_from(GHOSTS))
    def take_the_state_of_today(self, device: str) -> None:
        sending = self.team.clone(owner(device), device)._state.sending
        if sending:
            self.shared.add(sending.certificate.chain_id)

    @precondition(lambda self: any(group.pending() for group in self.team.groups.values()))
    @rule(device=st.sampled_from(("anna", "bert")), adopts=st.booleans())
    def decide(self, device: str, *, adopts: bool) -> None:
        for operation in self.team[device].pending():
            self.send(device, "adopt" if adopts else "dismiss", operation)

    @rule(device=people)
    def ask(self, device: str) -> None:
        """Requests and answers go by once: the server keeps them no longer than it takes."""
        kept = list(self.wire)
        self.send(device, "request")
        self.wire = kept

    @rule(device=people)
    def start_anew(self, device: str) -> None:
        if device in self.team.groups:
            before = seen_from_outside(self.team[device])
            assert seen_from_outside(self.team.reload(device)) == before

    # --- what the server does

    @rule(device=people)
    def deliver_news(self, device: str) -> None:
        self.hand(device, self.fresh.pop(device, []))

    @rule(device=people)
    def deliver_news_at_once(self, device: str) -> None:
        self.hand_batch(device, self.fresh.pop(device, []))

    @rule(device=people, seed=numbers, count=st.integers(1, 12))
    def deliver(self, device: str, seed: int, count: int) -> None:
        """Some of what was ever sent, in any order, some of it twice."""
        if self.wire:
            choice = random.Random(seed)
            window = self.wire[-choice.choice((5, 20, len(self.wire))) :]
            self.hand(device, choice.choices(window, k=count))

    @rule(device=people, seed=numbers)
    def drop(self, device: str, seed: int) -> None:
        """Lost for now; whoever waits long enough gets everything."""
        choice = random.Random(seed)
        self.fresh[device] = [data for data in self.fresh[device] if choice.random() < 0.6]

    @precondition(lambda self: self.wire)
    @rule(device=people, number=numbers, place=numbers, flip=st.integers(1, 255))
    def swap(self, device: str, number: int, place: int, flip: int) -> None:
        """Changed bytes are refused, or were changed where nothing was said."""
        changed = bytearray(self.wire[number % len(self.wire)])
        changed[place % len(changed)] ^= flip
        self.hand(device, [bytes(changed)])

    @rule(seed=numbers)
    def deliver_everything(self, seed: int) -> None:
        self.settle(random.Random(seed))

    def teardown(self) -> None:
        try:
            self.settle(random.Random(0))
        finally:
            for one in self.patches:
                one.stop()

    # --- sending

    def write(self, device: str) -> None:
        body = f"{len(self.sent)} by {device}".encode()
        out = self.send(device, "encrypt", body)
        if out and out.message:
            message, state = parse_message(out.message), self.team[device]._state
            assert state.sending
            heads = frozenset({message.head, state.sending.certificate.head})
            self.sent[message.link] = Sent(device, body, state.history.active, heads, message)
            self.read[device].add(message.link)

    def perform(self, device: str, number: int) -> None:
        """One of the acts that mean something, entitled or not."""
        who, role = PEOPLE[number % len(PEOPLE)], list(Role)[number // 7 % len(Role)]
        acts: list[tuple[str, list[Any]]] = [
            ("add", [[public(who)]]),
            ("add", [[public("emil")]]),
            ("remove", [users(who)]),
            ("remove", [users("dora")]),
            ("set_role", [user(who), role]),
            ("set_policy", [GroupPolicy(posting=list(Who)[number // 7 % len(Who)])]),
            ("rename", [f"name {number}"]),
            ("refresh", []),
            ("rotate", []),
            ("leave", []),
        ]
        verb, arguments = acts[number // 5 % len(acts)]
        if verb != "leave" or device not in {FOUNDER, TABLET}:
            self.send(device, verb, *arguments)

    def send(self, device: str, verb: str, *arguments: Any) -> Outgoing | None:
        if device not in self.team.groups:
            return None
        try:
            out = self.team.act(device, verb, *arguments)
        except SiegelError:
            return None
        self.post(device, parts(out))
        return out

    def post(self, device: str, data: Iterable[bytes]) -> None:
        for one in data:
            self.wire.append(one)
            for other in HONEST:
                if other != device:
                    self.fresh[other].append(one)

    # --- receiving

    def hand(self, device: str, inputs: Iterable[bytes]) -> None:
        for data in inputs:
            share = self.share(device, data)
            if device in self.team.groups:
                with suppress(PeerError):
                    self.note(device, self.team[device].receive(share, at=self.team.tick()))
            elif share[:2] in {SEALED, LETTER}:
                self.join(device, share)

    def hand_batch(self, device: str, inputs: Sequence[bytes]) -> None:
        if device not in self.team.groups:
            self.hand(device, inputs)
            return
        outcomes = self.team[device].receive_many([self.share(device, data) for data in inputs], at=self.team.tick())
        assert len(outcomes) == len(inputs)
        for outcome in outcomes:
            if not isinstance(outcome, PeerError):
                self.note(device, outcome)

    def share(self, device: str, data: bytes) -> bytes:
        if self.by_letter and data[:2] == SEALED:
            try:
                return dict(letters(data)).get(user(device), data)
            except PeerError:
                return data
        return data

    def join(self, device: str, invitation: bytes) -> None:
        with suppress(SiegelError):
            self.team.join(device, invitation)

    def note(self, device: str, events: Iterable[object]) -> None:
        for event in events:
            if isinstance(event, MessageReceived):
                sent = self.sent[event.message_id]
                assert event.message_id not in self.read[device], "delivered twice"
                assert (event.body, event.sender) == (sent.body, user(sent.sender))
                assert user(device) in sent.audience or event.chain_id in self.shared, "read by somebody who was out"
                self.read[device].add(event.message_id)
            elif isinstance(event, MessageDisputed | MessageReinstated):
                assert event.message_id in self.read[device]
            elif isinstance(event, ReplyReady):
                for other in HONEST:
                    if user(other) == event.to:
                        self.fresh[other].extend(event.control)

    # --- in the end

    def settle(self, choice: random.Random) -> None:
        """Everything is delivered to everybody, and everybody asks, until nothing new is said."""
        before = None
        while before != (before := {device: self.known(device) for device in HONEST}):
            for device in HONEST:
                everything = list(self.wire)
                choice.shuffle(everything)
                self.hand_batch(device, everything)
            self.fresh.clear()
            for device in HONEST:
                self.ask(device)
            for _ in range(2):  # the requests, then the answers
                for device in HONEST:
                    self.hand_batch(device, self.fresh.pop(device, []))
        self.agree()

    def known(self, device: str) -> object:
        if device not in self.team.groups:
            return None
        return seen_from_outside(self.team[device]), {link for link in self.sent if self.stands(device, link)}

    def holds(self, device: str, head: bytes) -> bool:
        """Whether a head is kept, and its epoch key was given or derived."""
        state = self.team[device]._state
        return head in state.history and epoch.key_at(state.history, state.keys, head) is not None

    def stands(self, device: str, link: bytes) -> bool:
        """Whether a message was delivered and is not disputed."""
        message = self.sent[link].message
        row = self.team[device]._state.rows(message.chain_id).get(message.number + 1, ())
        return any(entry.link == link and entry.state == DELIVERED for entry in row)

    def agree(self) -> None:
        """Those who take part, as the founder sees it, hold one roster; and what stands for one stands for all.

        What is kept of branches that lost depends on what came first (ROS-18), and a key from somebody who has left is
        not taken (GRP-2). So a message is compared among those who keep its heads, hold the keys, and see its sender
        alike.
        """
        founder = self.team[FOUNDER]
        part = {device: self.team[device]._state.history for device in HONEST if user(device) in founder.active}
        for history in part.values():
            assert history.roster == founder.roster
            for operation in {*history.pending} ^ {*founder.pending()}:
                assert not founder.roster.entitled(operation.author, operation.action)
        for link, sent in self.sent.items():
            if sent.message.chain_id in self.shared:
                continue  # two speak for it, and each to those whom they know
            sender = user(sent.sender)
            standing: defaultdict[object, list[bool]] = defaultdict(list)
            for device in part.keys() - {TABLET}:
                history = part[device]
                view = sender in history.suspended, history.leavers.get(sender)
                if user(device) in sent.audience - {sender} and all(self.holds(device, head) for head in sent.heads):
                    standing[view].append(self.stands(device, link))
                    assert link in self.read[device] or not standing[view][-1]
            assert all(len(set(answers)) == 1 for answers in standing.values()), f"{sent} stands for some"


def seen_from_outside(group: Group) -> object:
    return group.roster, group.active, group.pending(), group.gaps(), group.operations()


GroupMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=30)
TestGroupMachine = GroupMachine.TestCase
