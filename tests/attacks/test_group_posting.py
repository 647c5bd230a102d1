"""Attacks by who may not post, or not any more, GR-3 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import pytest

from siegel import Group, GroupPolicy, MemoryStorage, Role, Who
from siegel.errors import (
    Expired,
    MissingSenderKey,
    NotPermitted,
    PeerError,
    Replay,
    StateError,
)
from siegel.events import ChainForked, MessageDisputed, SenderKeyReceived
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, DAY, MALLORY, sha256
from tests.attacks.group_wire import Message
from tests.attacks.groups import CONTACTS, DAVE, World, is_for, of_kind, texts


def test_gr_3_a_message_by_a_removed_member_with_an_old_head() -> None:
    """WhatsApp (Albrecht et al. 2025, §8): nobody deletes the inbound sessions of a removed member, who goes on posting
    as if not told. The catalogue's NotMember is NotPermitted here. Holds: whoever takes the right to post says where
    each chain ended; beyond that nothing stands, whatever head it names; what was sent before still opens (P6).
    """
    world = World()
    chain = world.begun(MALLORY)
    first, second = (chain.write(body).encode() for body in (b"before, and late", b"before"))
    for person in (ALICE, BOB):
        world.take(person, first, second)
    before = world.head
    world.remove(ALICE, MALLORY)
    assert texts(world.take(CAROL, second, first)) == [(MALLORY.id, b"before"), (MALLORY.id, b"before, and late")]
    old_head = chain.write(b"I am still here").encode()
    new_head = chain.write(b"I am still here", head=world.head).encode()
    for person in world.present:
        for data in (old_head, new_head):
            world.refused(person, data, NotPermitted, links=True)
        world.refused(person, first, Replay)
        assert world.groups[person].gaps() == (), "what may not be read is not missed"
    assert before != world.head
    world.everything_honest_opens()


def test_gr_3_a_chain_begun_after_the_removal() -> None:
    """As above, with a new chain: under the old head and the old epoch key, which she holds, and under the new ones.
    Holds: a chain that the removal did not list, and that is not from above it, has no message that stands.
    """
    world = World()
    before, key = world.head, world.key
    world.remove(ALICE, MALLORY)
    chain = wire.chain_of(MALLORY, world.group_id, before)
    said = wire.control(world.group_id, announcements=[chain.announcement()])
    dated = wire.broadcast(MALLORY, world.group_id, before, key, said)
    for person in world.present:
        assert of_kind(world.take(person, dated), SenderKeyReceived, PeerError)
        world.refused(person, chain.write(b"I am still here").encode(), NotPermitted, links=True)
        world.refused(person, chain.write(b"still", head=world.head).encode(), NotPermitted, links=True)
        under_new = wire.chain_of(MALLORY, world.group_id, world.head, name="new")
        world.refused(person, world.sealed(MALLORY, person, announcements=[under_new.announcement()]), NotPermitted)
        world.refused(person, under_new.write(b"still").encode(), MissingSenderKey)
    world.everything_honest_opens()


def test_gr_3_a_gap_left_on_purpose() -> None:
    """As above, prepared: before she is removed Mallory skips most of her chain, so that the last index that an admin
    saw leaves room for sixty thousand messages. Holds: a removal says up to where its author knows every link; what was
    said behind a gap of several messages goes with what could still be put into it.
    """
    world = World()
    chain = world.begun(MALLORY)
    first = chain.write(b"good morning").encode()
    far = chain.write(b"good evening", index=60_000, previous=bytes(32)).encode()
    for person in (ALICE, BOB, CAROL):
        assert texts(world.take(person, first, far)) == [(MALLORY.id, b"good morning"), (MALLORY.id, b"good evening")]
    removal = world.groups[ALICE].remove([MALLORY.user_id], at=world.at)
    world.present.remove(MALLORY)
    for taken in world.send(ALICE, removal).values():
        assert [disputed.index for disputed in of_kind(taken, MessageDisputed)] == [60_000]
    for person in world.present:
        for _ in range(3):
            world.refused(person, chain.write(b"I am still here").encode(), NotPermitted, links=True)
    world.everything_honest_opens()


def test_gr_3_one_missing_message_takes_nothing_away() -> None:
    """Control of the one above: a message that the admin lacks, and whose successor is there, has its link named by
    that one. Nobody can put another in its place, so the removal lets it come late, and everything behind it stand.
    """
    world = World()
    chain = world.begun(MALLORY)
    data = [chain.write(b"%d" % number).encode() for number in range(4)]
    world.take(ALICE, data[0], data[1], data[3])
    world.remove(ALICE, MALLORY)
    for person in (BOB, CAROL):
        assert texts(world.take(person, *data)) == [(MALLORY.id, b"%d" % number) for number in range(4)]
    assert texts(world.take(ALICE, data[2])) == [(MALLORY.id, b"2")]
    for person in world.present:
        taken = world.take(person, chain.write(b"another", index=2).encode())
        assert [fork.index for fork in of_kind(taken, ChainForked)] == [2]
        assert texts(taken) == []
    world.everything_honest_opens()


def test_gr_3_an_admin_from_a_backup_takes_nothing_away() -> None:
    """As above, for an admin whose links are not there: an export has none. Holds: what was read before the export, and
    what came after it without a gap, stands; what was left out since does not become room.
    """
    world = World()
    chain = world.begun(MALLORY)
    data = [chain.write(b"%d" % number).encode() for number in range(4)]
    far = chain.write(b"far", index=60_000, previous=bytes(32)).encode()
    for person in (ALICE, CAROL):
        world.take(person, *data, far)
    world.take(BOB, *data[:2])
    world.storages[BOB] = MemoryStorage()
    exported = world.groups[BOB].export()
    world.groups[BOB] = Group.restore(exported, identity=BOB.identity, contacts=CONTACTS, storage=world.storages[BOB])
    world.take(BOB, *data[2:], far)
    taken = world.send(BOB, world.groups[BOB].remove([MALLORY.user_id], at=world.at), to=[ALICE, CAROL])
    for person in (ALICE, CAROL):
        assert [disputed.index for disputed in of_kind(taken[person], MessageDisputed)] == [60_000]
        world.refused(person, chain.write(b"I am still here").encode(), NotPermitted, links=True)


def test_gr_3_a_gap_from_before_the_admin_came() -> None:
    """As above, where it does not hold: the admin who removes came after the gap was made, and has no keys of that
    part. What can be put into it is bounded by the chain, signed by Mallory, and shown as missing until then. (A close
    by hash instead of by index would be another format.)
    """
    world = World()
    chain = world.begun(MALLORY)
    first = chain.write(b"first").encode()
    far = chain.write(b"far", index=60_000, previous=sha256(b"")).encode()
    world.take(CAROL, first, far)
    outgoing = world.groups[ALICE].add({DAVE.record: Role.ADMIN}, at=world.at)
    world.send(ALICE, outgoing)
    world.join(DAVE, next(data for data in outgoing.control if is_for(DAVE, data) and data[1] == 2))
    newest = chain.announcement(60_001, link=Message.of(far).link)
    world.take(DAVE, world.sealed(MALLORY, DAVE, announcements=[newest]))
    last = chain.write(b"last", index=60_001, previous=Message.of(far).link).encode()
    world.take(DAVE, last)
    assert [gap.last - gap.first for gap in world.groups[CAROL].gaps()] == [59_998]
    world.remove(DAVE, MALLORY)
    assert texts(world.take(CAROL, chain.write(b"still here").encode())) == [(MALLORY.id, b"still here")]
    world.refused(
        CAROL, chain.write(b"", index=60_002, previous=Message.of(last).link).encode(), NotPermitted, links=True
    )
    world.everything_honest_opens()


def test_gr_3_a_leaver_who_goes_on() -> None:
    """As above, prepared otherwise: Mallory leaves, and says that her chain ends where it could end at the latest.
    Holds: once an admin has made it final, nothing counts beyond what the admin knew.
    """
    world = World()
    chain = world.begun(MALLORY)
    farewell = chain.write(b"good bye").encode()
    for person in (ALICE, BOB, CAROL):
        world.take(person, farewell)
    statement = wire.leave_statement(MALLORY, world.group_id, world.head, closes=[[chain.chain_id, wire.INDICES - 1]])
    for person in (ALICE, BOB, CAROL):
        world.take(person, world.sealed(MALLORY, person, items=[statement]))
    world.remove(ALICE, MALLORY)
    for person in world.present:
        world.refused(person, chain.write(b"I am still here").encode(), NotPermitted, links=True)
    world.everything_honest_opens()


def test_gr_3_keys_of_a_removed_member_are_gone() -> None:
    """As above: keys that wait for ever. Holds: a month after the removal those of the removed member's chains are
    deleted, and what comes then is Expired.
    """
    world = World()
    world.everything_honest_opens()
    late = world.unsent(MALLORY, b"late").message
    assert late
    world.remove(ALICE, MALLORY)
    world.at += 31 * DAY
    world.everything_honest_opens()
    for person in world.present:
        chain = world.groups[person]._state.chains[Message.of(late).chain_id]
        assert (chain.certificate.sender, chain.tree.node_count) == (MALLORY.user_id, 0)
        world.refused(person, late, Expired)


def test_gr_3_a_reader_who_posts() -> None:
    """As above, by somebody who never had the right: a reader, an archivist, a member in a channel of the admins.
    Holds: the own client refuses with StateError; made by hand, neither chain nor message is taken, under no head.
    """
    for role, policy in (
        (Role.READER, GroupPolicy()),
        (Role.ARCHIVIST, GroupPolicy()),
        (Role.MEMBER, GroupPolicy(posting=Who.ADMINS)),
    ):
        world = World({BOB: Role.ADMIN, MALLORY: role}, policy=policy)
        with pytest.raises(StateError):
            world.groups[MALLORY].encrypt(b"hear me", at=world.at)
        chain = wire.chain_of(MALLORY, world.group_id, world.head)
        announced = [chain.announcement()]
        said = wire.control(world.group_id, announcements=announced)
        for person in (ALICE, BOB):
            world.refused(person, world.sealed(MALLORY, person, announcements=announced), NotPermitted)
            spoken = wire.broadcast(MALLORY, world.group_id, world.head, world.key, said)
            world.refused(person, spoken, NotPermitted)
            world.refused(person, chain.write(b"hear me").encode(), MissingSenderKey)
        world.everything_honest_opens()


def test_gr_3_a_member_who_lost_the_right() -> None:
    """As above: a member who was made a reader, and all members when the group becomes a channel of its admins; both go
    on in chains that everybody holds. Holds: refused beyond what had been seen; what had been read stays.
    """
    world = World()
    chains = {person: world.begun(person) for person in (CAROL, MALLORY)}
    for chain in chains.values():
        for person in (ALICE, BOB):
            world.take(person, chain.write(b"while I may").encode())
    world.send(ALICE, world.groups[ALICE].set_role(MALLORY.user_id, Role.READER, at=world.at))
    for person in (ALICE, BOB):
        world.refused(person, chains[MALLORY].write(b"no more").encode(), NotPermitted, links=True)
    world.send(ALICE, world.groups[ALICE].set_policy(GroupPolicy(posting=Who.ADMINS), at=world.at))
    for person in (ALICE, BOB):
        world.refused(person, chains[CAROL].write(b"no more").encode(), NotPermitted, links=True)
    world.everything_honest_opens()
