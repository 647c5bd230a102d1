"""Attacks on memory and time, GR-9 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace

import cbor2
import pytest

from siegel import PeerError, Role
from siegel._core import suite
from siegel.errors import Expired, InvalidMessage, LimitExceeded, MissingSenderKey, NotPermitted, StaleRoster
from siegel.events import MessageReceived, ReplyReady, SenderKeyReceived
from siegel.groups import key_tree
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, MALLORY, cbor, sha256
from tests.attacks.group_wire import Message
from tests.attacks.groups import DAVE, ROLES, World, of_kind, parts, texts

MOST_NODES = 4096


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every step in a key tree from here on."""
    steps: list[bytes] = []

    honest = suite.sha512

    def counted(data: bytes) -> bytes:
        steps.append(data)
        return honest(data)

    monkeypatch.setattr(key_tree, "sha512", counted)
    return steps


def test_gr_9_a_jump_costs_no_walk(derivations: list[bytes]) -> None:
    """Double Ratchet (MAX_SKIP), libsignal (25,000 jumps), vodozemac: an index far ahead forces billions of hashes, or
    is refused together with what is honest. Holds: the last index there is costs sixteen steps and sixteen nodes;
    nothing below it is lost (the catalogue's LimitExceeded has nothing to limit).
    """
    world = World()
    chain = world.begun(MALLORY)
    messages = [chain.write(b"first").encode(), chain.write(b"last", index=2**16 - 1, previous=sha256(b"")).encode()]
    before = len(b"".join(world.records(BOB).values()))
    derivations.clear()
    assert texts(world.take(BOB, messages[1])) == [(MALLORY.id, b"last")]
    assert len(derivations) <= 16
    assert len(b"".join(world.records(BOB).values())) - before <= 16 * 35 + 400
    assert texts(world.take(BOB, messages[0])) == [(MALLORY.id, b"first")]
    world.everything_honest_opens()


def test_gr_9_nothing_is_derived_for_a_stranger(derivations: list[bytes]) -> None:
    """As above, without a signature: jumps by the server, by an insider under another key, by somebody who may not
    post. Holds: authentic and permitted first; until then no key is derived, and nothing is stored.
    """
    world = World()
    chain = world.begun(MALLORY)
    far = chain.write(b"far", index=60_000, previous=sha256(b""))
    other = chain.write(b"other", index=60_001, previous=sha256(b""))
    derivations.clear()
    for signature in (bytes(64), MALLORY.sign(other.text_to_sign), far.signature):
        world.refused(BOB, other.but(signature=signature).encode(), InvalidMessage)
    world.refused(BOB, far.but(chain_id=bytes(16)).encode(), MissingSenderKey)
    world.refused(BOB, chain.write(b"", head=sha256(b"no head")).encode(), StaleRoster, links=True)
    world.remove(ALICE, MALLORY)
    assert of_kind(world.take(BOB, far.encode()), NotPermitted)
    assert derivations == []
    world.everything_honest_opens()


def test_gr_9_gaps_have_an_end() -> None:
    """As above: a gap at every second place, so that each costs a node. Holds: 4,096 nodes, 140 KiB; then the lowest
    gaps go, and what comes for them is Expired, not forged.
    """
    world = World()
    chain = world.begun(MALLORY)
    count = MOST_NODES + 100
    links = [chain.write(b"%d" % number) for number in range(2 * count)]
    outcomes = world.groups[BOB].receive_many([message.encode() for message in links[1::2]], at=world.at)
    assert sum(len(of_kind(one, MessageReceived)) for one in outcomes if not isinstance(one, PeerError)) == count
    kept = world.groups[BOB]._state.chains[chain.chain_id]
    assert kept.tree.node_count == MOST_NODES
    assert len(world.records(BOB)[f"group/{world.group_id.hex()}/chain/{chain.chain_id.hex()}"]) < 144 * 1024
    world.refused(BOB, links[0].encode(), Expired, links=True)
    assert texts(world.take(BOB, links[-2].encode())) == [(MALLORY.id, b"%d" % (2 * count - 2))]
    world.everything_honest_opens()


def test_gr_9_chains_of_one_member() -> None:
    """As above: chain after chain. Holds: sixteen live ones of a member; each that is to be more must say which has
    ended, and of that the keys go.
    """
    world = World()
    chains = [wire.chain_of(MALLORY, world.group_id, world.head, name=f"{number}") for number in range(17)]
    for chain in chains[:16]:
        assert of_kind(world.take(BOB, world.announced(chain)), SenderKeyReceived)
    world.refused(BOB, world.announced(chains[16]), LimitExceeded)
    assert texts(world.take(BOB, chains[15].write(b"in the last").encode())) == [(MALLORY.id, b"in the last")]
    more = replace(chains[16], closes=[[chains[0].chain_id, 0, None]])
    assert of_kind(world.take(BOB, world.announced(more)), SenderKeyReceived)
    kept = world.groups[BOB]._state.chains
    assert sum(chain.tree.node_count > 0 for chain in kept.values()) == 16
    world.refused(BOB, chains[0].write(b"in the first").encode(), NotPermitted, links=True)
    world.present.remove(MALLORY)
    world.everything_honest_opens()


def test_gr_9_a_flood_of_what_nobody_can_judge() -> None:
    """As above: messages of chains that nobody announced, broadcasts under heads that nobody knows, bad signatures, by
    the thousand. Holds: the two caches are bounded, nothing is stored, and the honest message among them is read.
    """
    world = World()
    honest = Message.of(world.unsent_to_all(ALICE, b"lunch at noon"))
    chance = random.Random(9)
    before = world.records(BOB)
    flood = [
        honest.but(**change).encode()
        for number in range(700)
        for change in (
            {"chain_id": chance.randbytes(16)},
            {"head": chance.randbytes(32), "signature": chance.randbytes(64)},
            {"index": number, "signature": chance.randbytes(64)},
        )
    ]
    unknown = wire.control(world.group_id)
    flood += [wire.broadcast(MALLORY, world.group_id, chance.randbytes(32), world.key, unknown) for _ in range(300)]
    tracemalloc.start()
    for data in chance.sample(flood, len(flood)):
        with pytest.raises(PeerError):
            world.groups[BOB].receive(data, at=world.at)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 6 * 2**20
    assert world.records(BOB) == before
    assert texts(world.take(BOB, honest.encode())) == [(ALICE.id, b"lunch at noon")]
    world.everything_honest_opens()


def test_gr_9_a_flood_does_not_hide_what_is_missing() -> None:
    """As above: the list of chains to ask for is filled with some that are none. Holds: the newest are asked for."""
    world = World()
    chance = random.Random(9)
    outgoing = world.unsent(ALICE, b"too early")
    honest = Message.of(outgoing.message or b"")
    for _ in range(100):
        world.refused(BOB, honest.but(chain_id=chance.randbytes(16)).encode(), MissingSenderKey)
    world.refused(BOB, honest.encode(), MissingSenderKey)
    asked = world.groups[BOB].request(to=[ALICE.user_id], at=world.at)
    world.insiders[ALICE].watch(asked.control[0])
    _, (*_, request, _) = world.insiders[ALICE].controls[-1]
    assert honest.chain_id in request[2]
    assert len(request[2]) == 64
    (reply,) = of_kind(world.take(ALICE, *asked.control), ReplyReady)
    assert of_kind(world.take(BOB, *reply.control), SenderKeyReceived)
    world.take(MALLORY, *parts(outgoing))
    world.take(CAROL, *parts(outgoing))
    world.everything_honest_opens()


def test_gr_9_sizes_are_capped_before_any_work() -> None:
    """As above: honest heads with huge contents. Holds: LimitExceeded or MalformedError before a key or a signature."""
    world = World({**ROLES, DAVE: Role.MEMBER})
    large = bytes(20 * 2**20)
    chain = wire.chain_of(MALLORY, world.group_id, world.head)
    message = chain.write(b"")
    many = wire.control(world.group_id, items=[b"\x80"] * 20_000)
    for data in (
        message.but(ciphertext=large).encode(),
        wire.broadcast_header(world.head, bytes(32), bytes(32)) + cbor(large),
        cbor([2, 1, [0, 1, bytes(32), bytes(32)], bytes(32), [], large]),
    ):
        with pytest.raises(PeerError) as caught:
            world.groups[BOB].receive(data, at=world.at)
        assert caught.type.code in ("limit-exceeded", "malformed")
    world.refused(BOB, wire.broadcast(MALLORY, world.group_id, world.head, world.key, many), InvalidMessage)
    for identities in (20, 1_001):
        crowd = wire.control(world.group_id, identities=[MALLORY.record.encode()] * identities)
        data = wire.broadcast(MALLORY, world.group_id, world.head, world.key, crowd)
        with pytest.raises(PeerError):
            world.groups[BOB].receive(data, at=world.at)
    assert cbor2.loads(many)[0] == world.group_id
    world.everything_honest_opens()
