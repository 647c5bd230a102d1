"""Attacks with stolen state, GR-10 and GR-13 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import pytest

from siegel import Group, MemoryStorage, Outgoing, PeerError, SealingKeys
from siegel.errors import Expired, InvalidMessage, MissingEpochKey, NotPermitted, Replay
from siegel.events import ChainForked, CloneAlarm, MessageDisputed, MessageReinstated
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, DAY, MALLORY, NOW, Wire, sha256
from tests.attacks.group_wire import Message
from tests.attacks.groups import CONTACTS, Insider, Thief, World, of_kind, parts, texts
from tests.markdown import ROOT

# --- GR-10: injected where the victim has written --------------------------------------------------------------------


def conversation(world: World, count: int = 6) -> tuple[list[Message], Thief]:
    """Messages that Carol wrote, none delivered yet but the announcement; and what was stolen after the third."""
    messages: list[Message] = []
    stolen = None
    for number in range(count):
        if number == 3:
            stolen = Thief.of(world.records(CAROL))
        outgoing = world.unsent(CAROL, b"%d" % number)
        world.send(CAROL, Outgoing(None, outgoing.control))
        messages.append(Message.of(outgoing.message or b""))
    assert stolen
    assert stolen.number == 3
    return messages, stolen


def test_gr_10_a_place_whose_successor_has_come() -> None:
    """Sender Keys (Balbás, Collins, Gajland 2023, figure 9): after a theft the attacker writes at a place that the
    victim has written, for a reader who was offline. Bob has 0, 1, 2 and 5; the thief, with signing key and keys from 3
    on, forges 4. Holds: 5 has named the link of 4; the forgery is a fork with evidence, and is not delivered (P7).
    """
    world = World()
    honest, stolen = conversation(world)
    world.take(BOB, *(honest[number].encode() for number in (0, 1, 2, 5)))
    forged = stolen.write(b"forged", world.head, index=4, previous=honest[3].link)
    taken = world.take(BOB, forged.encode())
    (fork,) = of_kind(taken, ChainForked)
    assert (fork.sender, fork.index, set(fork.links)) == (CAROL.user_id, 4, {forged.link, honest[4].link})
    assert forged.encode() in fork.evidence
    assert texts(taken) == []
    assert [disputed.index for disputed in of_kind(taken, MessageDisputed)] == [5]
    assert texts(world.take(BOB, honest[3].encode())) == [(CAROL.id, b"3")], "below the fork all is well"


def test_gr_10_a_place_that_is_still_empty() -> None:
    """As above, before the successor has come: the forged 3 is delivered, for it is signed with the stolen key. Holds:
    the honest 3 or 4 makes a fork of it, the forgery is disputed; the owner's next chain says which of them stands, and
    the honest ones are back (P5, P7).
    """
    world = World()
    honest, stolen = conversation(world)
    world.take(BOB, *(message.encode() for message in honest[:3]))
    forged = stolen.write(b"forged", world.head, index=3, previous=honest[2].link)
    assert texts(world.take(BOB, forged.encode())) == [(CAROL.id, b"forged")]
    taken = world.take(BOB, honest[4].encode())
    (fork,) = of_kind(taken, ChainForked)
    assert (fork.index, set(fork.links)) == (3, {forged.link, honest[3].link})
    assert [disputed.message_id for disputed in of_kind(taken, MessageDisputed)] == [forged.link]

    world.send(CAROL, world.groups[CAROL].rotate(at=world.at), to=[ALICE, MALLORY])
    ended = world.groups[CAROL].announce(to=[BOB.user_id], at=world.at)
    taken = world.take(BOB, *parts(ended), *(message.encode() for message in honest[3:]))
    assert (CAROL.id, b"5") in texts(taken)
    assert not [one for one in of_kind(taken, MessageReinstated) if one.message_id == forged.link]
    world.refused(
        BOB, stolen.write(b"again", world.head, index=6, previous=honest[5].link).encode(), NotPermitted, links=True
    )
    world.everything_honest_opens()


def test_gr_10_the_owner_hears_of_it() -> None:
    """As above: the thief goes on in Carol's chain, and some read it. Holds: one message of the thief that reaches
    Carol is a clone alarm; her next message is in a new chain, announced sealed, and the thief of the epoch key reads
    nothing.
    """
    world = World()
    world.everything_honest_opens()
    stolen = Thief.of(world.records(CAROL))
    forged = stolen.write(b"forged", world.head, index=stolen.number, previous=stolen.previous).encode()
    for person in (ALICE, BOB):
        assert texts(world.take(person, forged)) == [(CAROL.id, b"forged")]
    taken = world.take(CAROL, forged)
    (alarm,) = of_kind(taken, CloneAlarm)
    assert (alarm.chain_id, alarm.index) == (stolen.chain_id, stolen.number)
    assert forged in alarm.evidence
    seen = len(world.log)
    outgoing = world.unsent(CAROL, b"in a new chain")
    for taken in world.send(CAROL, outgoing).values():
        assert texts(taken) == [(CAROL.id, b"in a new chain")]
    assert [data[1] for data in world.log[seen:]] == [2, wire.GROUP_MESSAGE], "sealed, not broadcast"
    for person in (ALICE, BOB):
        world.refused(
            person, stolen.write(b"more", world.head, index=9, previous=sha256(b"")).encode(), NotPermitted, links=True
        )
    world.everything_honest_opens()


def test_gr_10_a_key_signs_for_its_own_chain() -> None:
    """As above, with ratcheted keys (catalogue, part C): a key that is stolen later vouches for places written under an
    earlier one. Holds: a signature is for one chain; over the end of a chain speaks the certificate of the next alone,
    signed by the owner's identity key.
    """
    world = World()
    chain = world.begun(CAROL)
    earlier = [chain.write(b"%d" % number) for number in range(3)]
    world.take(BOB, earlier[0].encode())
    later = wire.chain_of(
        CAROL, world.group_id, world.head, name="later", closes=[[chain.chain_id, 2, earlier[2].link]]
    )
    world.take(BOB, world.sealed(CAROL, BOB, announcements=[later.announcement()]))
    for index in (1, 2, 3):
        forged = chain.write(b"forged", index=index, previous=earlier[0].link).signed(later.sign)
        world.refused(BOB, forged.encode(), InvalidMessage)
    contradiction = chain.write(b"forged", index=1, previous=earlier[0].link)
    assert texts(world.take(BOB, earlier[2].encode())) == [(CAROL.id, b"2")]
    taken = world.take(BOB, contradiction.encode())
    assert of_kind(taken, ChainForked), "evidence"
    assert not of_kind(taken, MessageDisputed), "what hangs on the owner's close is final"
    assert texts(world.take(BOB, earlier[1].encode())) == [(CAROL.id, b"1")]


# --- GR-13: recorded, and stolen later -------------------------------------------------------------------------------


def claims() -> str:
    return (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


def test_gr_13_number_0_has_no_forward_secrecy() -> None:
    """Megolm, Sender Keys over static channels (megolm.md, "Dependency on secure channel"): recorded distributions and
    the long-term key, stolen later, give every past message, and the ratchet's forward secrecy is void. For members
    with sealing number 0 this is so here, and said: the 32 bytes and the record of the wire open everything (P4).
    """
    world = World()
    for _ in range(3):
        world.everything_honest_opens()
    world.remove(ALICE, MALLORY)
    world.everything_honest_opens()
    world.at += 300 * DAY
    thief = Insider(CAROL, world.group_id)
    for data in world.log:
        thief.watch(data)
    assert len(thief.bodies) == 4 * 3 + 3
    assert "Sealing number 0, the default, has none" in claims()


def test_gr_13_rotating_keys_have_it() -> None:
    """As above, for members who publish rotating keys: everything was recorded, and a month after the keys' end all
    that Bob has is stolen: identity, sealing keys, the group's storage. Holds: what was sealed to the deleted key is
    Expired, the epoch key and the chain's keys are nowhere, and no text comes out (P4).
    """
    keys = {person: SealingKeys(person.identity) for person in (ALICE, BOB)}
    records = {person: sealing.rotate(at=NOW) for person, sealing in keys.items()}
    storages = {person: MemoryStorage() for person in keys}
    alice, founding = Group.create(keys[ALICE], members=[records[BOB]], name="x", storage=storages[ALICE], at=NOW)
    bob = Group.join(founding.control[0], identity=keys[BOB], contacts=CONTACTS, storage=storages[BOB], at=NOW)
    said = [alice.encrypt(b"%d" % number, at=NOW) for number in range(3)]
    recorded = [*founding.control, *(data for outgoing in said for data in parts(outgoing))]
    received = [event for data in recorded[1:] for event in bob.receive(data, at=NOW)]
    assert texts(received) == [(ALICE.id, b"%d" % number) for number in range(3)]
    live = dict(storages[BOB].load(""))

    month, later = NOW + 10 * DAY, NOW + 60 * DAY
    for sealing in keys.values():
        sealing.rotate(at=month)
    for group, other in ((alice, bob), (bob, alice)):
        for data in parts(group.publish(at=month)):
            other.receive(data, at=month)
    for data in parts(alice.refresh(at=month)):
        bob.receive(data, at=month)
    for data in parts(alice.encrypt(b"in a new chain", at=month)):
        bob.receive(data, at=month)
    for sealing in keys.values():
        sealing.rotate(at=later)
        sealing.expire(at=later)
    bob.publish(at=later)

    stolen = dict(storages[BOB].load(""))
    thief_keys = SealingKeys.decode(keys[BOB].encode(), identity=BOB.identity)
    with pytest.raises(Expired):
        Group.join(recorded[0], identity=thief_keys, contacts=CONTACTS, at=NOW + 1)
    copy = MemoryStorage()
    copy.commit(stolen, Outgoing())
    thief = Group.load(alice.group_id, identity=thief_keys, contacts=CONTACTS, storage=copy)
    for data in recorded:
        with pytest.raises(PeerError) as caught:
            thief.receive(data, at=later)
        assert caught.type in (Expired, MissingEpochKey, Replay)
    for kept, read in ((live, [b"0", b"1", b"2"]), (stolen, [])):
        by_hand = Insider(BOB, alice.group_id)
        by_hand.keys = [data[at : at + 32] for data in kept.values() for at in range(len(data) - 31)]
        for data in recorded[1:]:
            by_hand.watch(data)
        assert by_hand.bodies == read, "with what lay there then, and with what lies there now"
    assert {number for data in recorded if data[1] == 2 for _, number, _ in Wire.of(data).entries} == {NOW}
    assert "With rotating keys there is forward secrecy from the deletion of a key on" in claims()
