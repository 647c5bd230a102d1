"""Attacks with old keys and old state, GR-4 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import os

import pytest

from siegel import Group, GroupPolicy, Role
from siegel.errors import (
    MissingEpochKey,
    MissingSenderKey,
    NotARecipient,
    PeerError,
    StaleRoster,
)
from siegel.events import ChainForked, CloneAlarm, MessageDisputed
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, HOUR, MALLORY, cbor
from tests.attacks.group_wire import Message
from tests.attacks.groups import DAVE, ROLES, World, is_for, of_kind, parts, texts


def test_gr_4_the_removed_read_nothing() -> None:
    """Sender Keys, Megolm, WhatsApp (Balbás et al. 2023; Cremers et al. 2021, 2023): keys are not changed on removal,
    old sessions stay valid. Mallory watches the wire with every key that she ever had. Holds: from the removal on she
    learns no key, no control, no text; each sender's chain is new, under the new head.
    """
    world = World()
    world.everything_honest_opens()
    old = {Message.of(data).chain_id for data in world.log if data[1] == wire.GROUP_MESSAGE}
    before_head = world.head
    removal = world.remove(ALICE, MALLORY)
    before, seen = world.insiders[MALLORY].knowledge, len(world.log)
    world.everything_honest_opens()
    world.send(BOB, world.groups[BOB].add([DAVE.record], at=world.at))
    world.send(ALICE, world.groups[ALICE].rename("without her", at=world.at))
    world.send(ALICE, world.groups[ALICE].refresh(at=world.at))
    world.everything_honest_opens()
    assert world.insiders[MALLORY].knowledge == before
    sent = [Message.of(data) for data in world.log[seen:] if data[1] == wire.GROUP_MESSAGE]
    assert not old & {message.chain_id for message in sent}
    assert before_head not in {message.head for message in sent}
    for data in (*removal.control, *world.log[seen:]):
        taken = world.take(MALLORY, data)
        assert of_kind(taken, NotARecipient, StaleRoster, MissingSenderKey, MissingEpochKey), taken


def test_gr_4_nothing_is_sent_under_an_older_head() -> None:
    """As above: a client that knows of a removal still sends under the roster before it. Holds: the head of every
    message is the newest that its sender knows, and its chain is from above the last loss of rights.
    """
    world = World()
    for act in (
        lambda: world.remove(ALICE, MALLORY),
        lambda: world.send(ALICE, world.groups[ALICE].set_role(BOB.user_id, Role.MEMBER, at=world.at)),
        lambda: world.send(ALICE, world.groups[ALICE].add([DAVE.record], at=world.at)),
    ):
        world.everything_honest_opens()
        act()
        for person in world.present:
            message = Message.of(world.say(person, b"now"))
            group = world.groups[person]
            assert message.head == group.roster.head
            certificate = group._state.sending.certificate  # type: ignore[union-attr]  # it has just sent
            assert certificate.chain_id == message.chain_id
            assert group._state.history.is_calm(certificate.head, group.roster.head)


def test_gr_4_two_removals_at_once() -> None:
    """As above, as a race: two admins remove two members at once. Holds: whoever knows of both acts seals to neither of
    the two, before anybody has decided; one is out, the other suspended; the decision takes both out.
    """
    world = World({**ROLES, DAVE: Role.MEMBER})
    world.everything_honest_opens()
    acts = {
        ALICE: world.groups[ALICE].remove([MALLORY.user_id], at=world.at),
        BOB: world.groups[BOB].remove([DAVE.user_id], at=world.at),
    }
    for admin, act in acts.items():
        for person in (ALICE, BOB, CAROL):
            if person is not admin:
                world.take(person, *(data for data in parts(act) if is_for(person, data)))
    world.present = [ALICE, BOB, CAROL]
    ids = {person.user_id for person in world.present}
    assert [world.groups[person].active for person in world.present] == [ids] * 3
    before = world.insiders[MALLORY].knowledge, world.insiders[DAVE].knowledge
    world.everything_honest_opens()
    world.send(ALICE, world.groups[ALICE].adopt(*world.groups[ALICE].pending(), at=world.at))
    assert set(world.groups[CAROL].roster.members) == ids
    world.everything_honest_opens()
    assert (world.insiders[MALLORY].knowledge, world.insiders[DAVE].knowledge) == before


def test_gr_4_a_new_chain_owes_nothing_to_the_old() -> None:
    """As above: the new key is derived from the old, so its thief follows. One state, run twice: the same removal, two
    first messages. Holds: signing key and root are drawn anew, and are no function of what was stored.
    """
    world = World()
    world.everything_honest_opens()
    world.remove(ALICE, MALLORY)
    stolen = b"".join(world.records(BOB).values())
    twins = [world.copied(BOB) for _ in range(2)]
    readings = []
    for twin in twins:
        outgoing = twin.encrypt(b"after", at=world.at)
        insider = world.insiders[CAROL]
        for data in outgoing.control:
            insider.watch(data)
        message = Message.of(outgoing.message or b"")
        readings.append(insider.readings[message.chain_id][0])
    one, other = readings
    for left, right in ((one.signing_key, other.signing_key), (one.nodes[0], other.nodes[0])):
        assert left != right
        assert left not in stolen
        assert right not in stolen


def test_gr_4_a_chain_ends_by_count_and_by_age() -> None:
    """As above: a stolen chain serves for ever if nobody is removed. Holds: after as many messages, or as long, as the
    group's policy says, the chain is closed and the next one has other keys.
    """
    world = World(policy=GroupPolicy(rotate_messages=3, rotate_age=HOUR))
    chains = [Message.of(world.say(CAROL, b"%d" % number)).chain_id for number in range(7)]
    assert [chains.index(chain) for chain in chains] == [0, 0, 0, 3, 3, 3, 6]
    world.at += HOUR
    assert Message.of(world.say(CAROL, b"later")).chain_id not in chains


def test_gr_4_a_newcomer_does_not_read_back() -> None:
    """As above, the other way: a new member with the whole wire on record, and every key that they are given. Holds:
    the derived epoch key does not lead back, and chains are announced from their next message on.
    """
    world = World({BOB: Role.ADMIN, CAROL: Role.MEMBER})
    world.everything_honest_opens()
    past = list(world.log)
    outgoing = world.groups[BOB].add([DAVE.record], at=world.at)
    world.send(BOB, outgoing)
    world.join(DAVE, next(data for data in outgoing.control if is_for(DAVE, data) and data[1] == 2))
    world.everything_honest_opens()
    newcomer = world.insiders[DAVE]
    before = newcomer.knowledge
    for data in past:
        newcomer.watch(data)
    assert newcomer.knowledge == before
    assert before[2] == 4, "what was said since"
    for data in past:
        if data[1] == wire.GROUP_MESSAGE:
            world.refused(DAVE, data, MissingSenderKey, links=True)


def test_gr_4_a_restored_old_state() -> None:
    """Signal, WhatsApp, VM snapshots (Cremers et al. 2020): an old state is put back, and sends again under used keys.
    The catalogue's RollbackDetected is the store's, with an anchor; here the group's own answer. Holds: key and nonce
    do not repeat for another text; who reads both has a fork with evidence; the owner hears of it by their own message
    and begins a new chain, in which everything opens (P7, P9).
    """
    world = World()
    world.everything_honest_opens()
    backup = world.copied(CAROL)
    said = world.say(CAROL, b"what Carol said")
    again = backup.encrypt(b"what the restored state said", at=world.at).message
    assert again
    one, other = Message.of(said), Message.of(again)
    assert (one.chain_id, one.index) == (other.chain_id, other.index)
    assert one.nonce != other.nonce
    for person in (ALICE, BOB, MALLORY):
        taken = world.take(person, again)
        (fork,) = of_kind(taken, ChainForked)
        assert (fork.sender, fork.index, set(fork.links)) == (CAROL.user_id, one.index, {one.link, other.link})
        assert again in fork.evidence
        assert [disputed.message_id for disputed in of_kind(taken, MessageDisputed)] == [one.link]
        assert texts(taken) == []
    (alarm,) = of_kind(world.take(CAROL, again), CloneAlarm)
    assert (alarm.chain_id, alarm.index) == (one.chain_id, one.index)
    assert Message.of(world.say(CAROL, b"in a new chain")).chain_id != one.chain_id
    world.everything_honest_opens()


def test_gr_4_a_restored_state_with_its_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, with the generator cloned, too: every random byte repeats. Holds: another text has another nonce under
    the same key; the same text is the same message (P9).
    """
    world = World()
    world.everything_honest_opens()
    monkeypatch.setattr(os, "urandom", lambda count: b"\7" * count)
    bodies = (b"one", b"one", b"two", b"one, and longer" * 20)
    data = [world.copied(CAROL).encrypt(body, at=world.at).message or b"" for body in bodies]
    first, again, *others = map(Message.of, data)
    assert first == again
    assert len({message.commitment for message in (first, *others)}) == 1, "one key"
    assert len({message.nonce for message in (first, *others)}) == 3


def test_gr_4_both_messages_are_evidence() -> None:
    """As above: evidence for third parties. Whoever has both messages at hand gets them with the certificate: all of it
    signed, by the chain's key and its owner, and none of it secret.
    """
    world = World()
    chain = world.begun(MALLORY)
    one, other = (chain.write(body, index=0) for body in (b"one", b"other"))
    (result,) = of_kind(
        [
            event
            for taken in world.groups[BOB].receive_many([one.encode(), other.encode()], at=world.at)
            if not isinstance(taken, PeerError)
            for event in taken
        ],
        ChainForked,
    )
    assert result.evidence == (chain.certificate(), one.encode(), other.encode())
    world.everything_honest_opens()


def test_gr_4_an_export_never_speaks_in_the_old_chain() -> None:
    """As above, by a backup of the library's own. Holds: an export has no live chain and no epoch key; what is restored
    begins a chain of its own, and the state that went on is not disturbed.
    """
    world = World()
    world.everything_honest_opens()
    live = world.groups[CAROL]._state.sending
    assert live
    exported = world.groups[CAROL].export()
    for secret in (live.seed.reveal(), *(cbor(node) for node in world.insiders[CAROL].keys), world.key):
        assert secret not in exported
    restored = Group.restore(exported, identity=CAROL.identity, contacts=[])
    first = restored.encrypt(b"from the backup", at=world.at)
    assert Message.of(first.message or b"").chain_id != live.certificate.chain_id
    for person in (ALICE, BOB, MALLORY):
        taken = world.take(person, *parts(first))
        assert texts(taken) == [(CAROL.id, b"from the backup")]
        assert not of_kind(taken, ChainForked, PeerError)
    world.everything_honest_opens()
