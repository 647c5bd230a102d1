"""Attacks on who is in a group, GR-1, GR-2 and GR-11 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from siegel import Group, MemoryStorage, PeerError, Role
from siegel.errors import InvalidMessage, MalformedError, NotARecipient, NotPermitted, Replay, Superseded, UnknownSender
from siegel.events import ForkDetected, OperationPending, ReplyReady, RosterChanged, SuspensionChanged
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, DAY, MALLORY, Person, always, forge, refused, to
from tests.attacks.groups import CONTACTS, DAVE, GHOST, ROLES, World, is_for, names_in, of_kind, parts
from tests.attacks.mutations import field, replaced

ADD_GHOST = [wire.ADD, [[GHOST.id, wire.MEMBER]]]


def last_operation(world: World, reader: Person) -> bytes:
    """The newest operation that went over the wire, as one of its readers has it."""
    operations: list[bytes] = [item for _, control in world.insiders[reader].controls for item in control[1]]
    return operations[-1]


# --- GR-1: ghosts ----------------------------------------------------------------------------------------------------


def test_gr_1_a_ghost_member_added_by_the_server() -> None:
    """WhatsApp, Signal, Threema, Matrix (Rösler et al. 2018; Albrecht et al. 2023, 2025): the server adds a member, and
    clients send it their keys. Holds: membership changes by an entitled member's signature alone; the server has none,
    and borrows none; nothing is ever sealed to the ghost (P6).
    """
    world = World()
    place = (world.group_id, world.head, world.height + 1)
    world.send(ALICE, world.groups[ALICE].rename("another name", at=world.at))
    renaming = last_operation(world, BOB)
    forged = {
        wire.operation(GHOST, *place, ADD_GHOST): NotPermitted,
        wire.operation(GHOST, *place, ADD_GHOST, claimed=ALICE.id): InvalidMessage,
        wire.operation(ALICE, *place, ADD_GHOST, sign=always(bytes(64))): InvalidMessage,
        wire.operation(ALICE, *place, ADD_GHOST, sign=always(field(renaming, (8,)))): InvalidMessage,
        replaced(renaming, (7,), ADD_GHOST): InvalidMessage,
        wire.operation(ALICE, *place, ADD_GHOST, sign=always(b"")): MalformedError,
    }
    for operation, error in forged.items():
        for person in world.present:
            world.refused(person, world.sealed(GHOST, person, items=[operation]), error)
    for person in world.present:
        world.refused(person, world.sealed(GHOST, person, identities=[GHOST.record.encode()]), NotPermitted)
    world.everything_honest_opens()
    assert GHOST.user_id not in world.groups[BOB].roster.members
    assert not [data for data in world.log if data[1] == 2 and GHOST.user_id in names_in(data)]
    assert world.insiders[GHOST].knowledge == (0, 0, 0)


def test_gr_1_whoever_has_no_right_admits_nobody() -> None:
    """As above, by insiders: a plain member, a reader, an outsider who knows the group's id, somebody who makes a ghost
    an admin. With the real epoch key, and sealed. Holds: refused for want of the right, whoever signs (P6).
    """
    world = World({**ROLES, DAVE: Role.READER})
    place = (world.group_id, world.head, world.height + 1)
    for author in (MALLORY, CAROL, DAVE, GHOST):
        operation = wire.operation(author, *place, ADD_GHOST)
        spoken = wire.control(world.group_id, items=[operation])
        world.refused(BOB, world.sealed(author, BOB, items=[operation]), NotPermitted)
        world.refused(BOB, wire.broadcast(author, world.group_id, world.head, world.key, spoken), NotPermitted)
    own_role = wire.operation(MALLORY, *place, [wire.SET_ROLE, MALLORY.id, wire.ADMIN, []])
    world.refused(BOB, world.sealed(MALLORY, BOB, items=[own_role]), NotPermitted)
    world.everything_honest_opens()


def test_gr_1_an_admin_who_was_removed_admits_nobody() -> None:
    """As above, by an ex-admin (Threema, Matrix: old rights, replayed state): Bob signs under the head at which he was
    an admin, and under the one that removed him. Holds: the first loses to the senior's removal and is not kept, the
    second was never valid; the ghost gets nothing (P6).
    """
    world = World()
    before, height = world.head, world.height
    world.remove(ALICE, BOB)
    for head, place in ((before, height + 1), (world.head, world.height + 1)):
        operation = wire.operation(BOB, world.group_id, head, place, ADD_GHOST)
        for person in world.present:
            world.refused(person, world.sealed(BOB, person, items=[operation]), NotPermitted)
    world.everything_honest_opens()
    assert world.insiders[GHOST].knowledge == (0, 0, 0)


def test_gr_1_the_group_id_confers_nothing() -> None:
    """WhatsApp's and Signal's secret group ids: who knows it can join. Holds: an outsider who knows id and heads is
    answered nothing, gives no key, speaks under none.
    """
    world = World()
    key = b"a key of the ghost's own making!"
    spoken = wire.control(world.group_id, announcements=[])
    attempts = [
        (world.sealed(GHOST, BOB, request=[world.head, True, []]), NotPermitted),
        (world.sealed(GHOST, BOB, request=[bytes(32), True, [bytes(16)]]), NotPermitted),
        (world.sealed(GHOST, BOB, key=[world.head, key]), NotPermitted),
        (wire.broadcast(GHOST, world.group_id, world.head, key, spoken), InvalidMessage),
    ]
    for data, error in attempts:
        world.refused(BOB, data, error)
    chain = wire.chain_of(GHOST, world.group_id, world.head)
    world.refused(BOB, world.sealed(GHOST, BOB, announcements=[chain.announcement()]), NotPermitted)
    world.everything_honest_opens()


def test_gr_1_an_invitation_by_somebody_else() -> None:
    """Matrix, WhatsApp: the server invites into a group of its own, or passes an invitation on. Holds: an invitation is
    by who admitted us, whom we know, in the newest operation of its log, and of the group that it says (P6).
    """
    world = World()
    world.send(ALICE, world.groups[ALICE].add([DAVE.record], at=world.at))
    _, (_, items, key, _, records, *_) = world.insiders[DAVE].controls[-1]

    def invited(author: Person, log: list[bytes], group_id: bytes = world.group_id) -> bytes:
        said = wire.control(group_id, items=log, key=key, identities=records, not_after=world.at + DAY)
        return forge(author, to(DAVE), inner=[wire.CONTROL, world.at, said])

    def join(invitation: bytes) -> Group:
        return Group.join(invitation, identity=DAVE.identity, contacts=CONTACTS, at=world.at)

    for invitation, error in (
        (invited(GHOST, items), UnknownSender),
        (invited(BOB, items), NotPermitted),
        (invited(ALICE, items[:-1]), NotPermitted),
        (invited(ALICE, items, bytes(32)), NotPermitted),
        (invited(ALICE, [replaced(items[-1], (7,), ADD_GHOST)]), InvalidMessage),
        (forge(ALICE, to(DAVE), inner=["text/plain", world.at, b"come in"]), NotPermitted),
    ):
        with refused(error):
            join(invitation)
    assert join(invited(ALICE, items)).roster.head == world.head


def test_gr_1_a_replayed_invitation() -> None:
    """As above: the invitation of somebody who was removed, or went, is delivered once more. Holds: a group that is
    known or was left comes back only by a later admission; until then it is Replay, with the state and without it.
    """
    world = World()
    invitation = world.log[0]

    def join_again(at: int) -> None:
        Group.join(invitation, identity=CAROL.identity, contacts=CONTACTS, storage=world.storages[CAROL], at=at)

    for at in (world.at, world.at + 20 * DAY):
        before = world.records(CAROL)
        with refused(Replay):
            join_again(at)
        assert world.records(CAROL) == before
    world.groups[CAROL].forget()
    with refused(Replay):
        join_again(world.at)
    world.present.remove(CAROL)
    world.remove(BOB, CAROL)
    with refused(Replay):
        join_again(world.at)
    outgoing = world.groups[BOB].add([CAROL.record], at=world.at)
    world.send(BOB, outgoing)
    world.join(CAROL, next(data for data in outgoing.control if is_for(CAROL, data) and data[1] == 2))
    world.everything_honest_opens()


# --- GR-2: who did it ------------------------------------------------------------------------------------------------


def test_gr_2_nobody_rewrites_who_did_it() -> None:
    """Sender Keys (Balbás, Collins, Gajland 2023): control messages are not authentic; the server shows a removal as
    somebody else's, or as the member's own leaving. Holds: author, target, statements and place are under the author's
    signature; all members hold the same bytes (P6).
    """
    world = World()
    before = world.head
    world.remove(BOB, MALLORY)
    removal = last_operation(world, CAROL)
    statement = wire.leave_statement(MALLORY, world.group_id, before, sign=BOB.sign)
    rewritten = [
        replaced(removal, (5,), ALICE.id),
        replaced(removal, (7, 1), [CAROL.id]),
        replaced(removal, (7, 1), sorted([CAROL.id, MALLORY.id])),
        replaced(removal, (7, 2), [wire.leave_statement(MALLORY, world.group_id, before)]),
        replaced(removal, (6,), world.at + DAY),
        replaced(removal, (3,), 7),
        statement,
        replaced(statement, (4,), CAROL.id),
        wire.operation(
            ALICE,
            world.group_id,
            world.head,
            world.height + 1,
            wire.removal(CAROL.id, bytes(32), statements=[statement]),
        ),
    ]
    for item in rewritten:
        for person in world.present:
            world.refused(person, world.sealed(MALLORY, person, items=[item]), InvalidMessage)
    assert len({world.groups[person].operations() for person in world.present}) == 1
    world.everything_honest_opens()


def test_gr_2_who_left_has_said_so() -> None:
    """As above: a member is shown as gone by their own wish, and comes back by an old one. Holds: a leave statement is
    the leaver's alone; it counts for the membership that they left and for no later one.
    """
    world = World()
    leaving = world.groups[CAROL].leave(at=world.at)
    world.present.remove(CAROL)
    world.send(CAROL, leaving)
    world.remove(BOB, CAROL)
    outgoing = world.groups[ALICE].add([CAROL.record], at=world.at)
    world.send(ALICE, outgoing)
    world.storages[CAROL] = MemoryStorage()
    world.join(CAROL, next(data for data in outgoing.control if is_for(CAROL, data) and data[1] == 2))
    (statement,) = (
        item for _, control in world.insiders[BOB].controls for item in control[1] if wire.action_of(item) == [None]
    )
    for person in world.present:
        world.refused(person, world.sealed(GHOST, person, items=[statement]), Replay)
    assert world.groups[BOB].active == {person.user_id for person in world.present}
    world.everything_honest_opens()


def test_gr_2_two_admins_remove_the_same_member() -> None:
    """As above: one version, one target, two actors. The catalogue asks for Fork; here two honest acts prove nothing
    against anybody, so the rule decides: whatever the order, everybody has the senior's removal, and the other is there
    to be seen.
    """
    world = World({**ROLES, DAVE: Role.MEMBER})
    acts = {admin: world.groups[admin].remove([MALLORY.user_id], at=world.at) for admin in (ALICE, BOB)}
    world.present.remove(MALLORY)
    for person, order in ((ALICE, [BOB]), (BOB, [ALICE]), (CAROL, [ALICE, BOB]), (DAVE, [BOB, ALICE])):
        taken = [one for admin in order for one in world.take(person, *parts(acts[admin]))]
        assert not of_kind(taken, ForkDetected, PeerError)
        assert [operation.author for operation in world.groups[person].pending()] == [BOB.user_id]
    assert len({world.groups[person].roster.head for person in world.present}) == 1
    assert MALLORY.user_id not in world.groups[CAROL].roster.members
    world.everything_honest_opens()


# --- GR-11: back in time ---------------------------------------------------------------------------------------------


def test_gr_11_everything_once_more() -> None:
    """Threema (Paterson et al. 2023), TUF, Matrix: an old roster rewinds a removal. Everything that was ever sent is
    sent again, in any order. Holds: no roster goes back, nobody returns, no text is delivered twice, no state changes.
    """
    world = World()
    world.everything_honest_opens()
    world.remove(ALICE, MALLORY)
    world.everything_honest_opens()
    world.send(BOB, world.groups[BOB].set_role(CAROL.user_id, Role.READER, at=world.at))
    world.send(ALICE, world.groups[ALICE].refresh(at=world.at))
    world.everything_honest_opens()
    chance = random.Random(11)
    log = chance.sample(world.log, len(world.log)) + world.log[::-1]
    for person in world.present:
        before, head = world.records(person), world.groups[person].roster.head
        for data in log:
            with pytest.raises(PeerError) as caught:
                world.groups[person].receive(data, at=world.at)
            expected = (Replay, NotPermitted, Superseded) if is_for(person, data) else (NotARecipient,)
            assert caught.type in expected
        assert world.records(person) == before
        assert world.groups[person].roster.head == head
    world.everything_honest_opens()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_gr_11_two_admins_at_once(order: tuple[int, int, int]) -> None:
    """As above: two admins sign the next version at once. The catalogue blocks sending until a person resolves it, and
    so gives any admin a way to stop the group; here the senior's branch holds at once, whatever the order of arrival,
    what lost is reported and waits, and everybody goes on.
    """
    world = World({**ROLES, DAVE: Role.ADMIN})
    acts = [
        world.groups[ALICE].rename("the senior's name", at=world.at),
        world.groups[BOB].rename("the junior's name", at=world.at),
        world.groups[DAVE].remove([MALLORY.user_id], at=world.at),
    ]
    for person in (CAROL, ALICE, BOB, DAVE):
        taken = [one for act in order for one in world.take(person, *parts(acts[act]))]
        assert not of_kind(taken, ForkDetected)
    group = world.groups[CAROL]
    assert (group.roster.name, group.roster.height) == ("the senior's name", 1)
    assert {operation.author for operation in group.pending()} == {BOB.user_id, DAVE.user_id}
    assert group.active == {person.user_id for person in (ALICE, BOB, CAROL, DAVE)}
    world.present.remove(MALLORY)
    before = world.insiders[MALLORY].knowledge
    world.everything_honest_opens()
    assert world.insiders[MALLORY].knowledge == before


def test_gr_11_an_admin_who_back_dates() -> None:
    """As above, by an insider: Bob, an admin, signs under a head that his senior has built on since, with any date that
    he likes. Holds: no roster changes by it, it is reported with its author, whom it goes against is kept apart until a
    senior decides, and then all is as before (P6).
    """
    world = World()
    before, height = world.head, world.height
    world.send(ALICE, world.groups[ALICE].rename("endorsed", at=world.at))
    head = world.head
    dated = wire.operation(
        BOB, world.group_id, before, height + 1, wire.removal(CAROL.id, bytes(32)), at=world.at - 90 * DAY
    )
    for person in (ALICE, BOB, MALLORY):
        taken = world.take(person, world.sealed(BOB, person, items=[dated]))
        (pending,) = of_kind(taken, OperationPending)
        assert (pending.author, pending.against) == (BOB.user_id, (CAROL.user_id,))
        assert not of_kind(taken, RosterChanged)
    world.take(CAROL, world.sealed(BOB, CAROL, items=[dated]))
    assert world.head == head
    decision = world.groups[ALICE].dismiss(*world.groups[ALICE].pending(), at=world.at)
    for taken in world.send(ALICE, decision).values():
        assert [change.ended for change in of_kind(taken, SuspensionChanged)] == [(CAROL.user_id,)]
    for person in world.present:
        world.refused(person, world.sealed(BOB, person, items=[dated]), Replay)
    world.everything_honest_opens()


def test_gr_11_what_was_void_is_not_kept() -> None:
    """As above: decisions and refreshes under old heads. Holds: Superseded, nothing stored, nobody suspended."""
    world = World()
    before, height = world.head, world.height
    world.send(ALICE, world.groups[ALICE].rename("endorsed", at=world.at))
    refresh = [wire.REFRESH, [wire.epoch_commitment(bytes(32)), []]]
    for author in (BOB, MALLORY):
        dated = wire.operation(author, world.group_id, before, height + 1, refresh)
        for person in world.present:
            world.refused(person, world.sealed(author, person, items=[dated]), Superseded)
    world.everything_honest_opens()


def test_gr_11_nothing_hostile_is_answered() -> None:
    """RFC 9750 (automatic rejoin trusts the server), WhatsApp's silent receipts: broken or foreign input makes a client
    send. Holds: what is refused sends nothing; only a request is answered, to an active member, with what is theirs.
    """
    sent: list[bytes] = []

    class Outbox(MemoryStorage):
        def commit(self, changes: object, outgoing: object) -> None:
            sent.extend(outgoing.control)  # type: ignore[attr-defined]
            super().commit(changes, outgoing)  # type: ignore[arg-type]

    world = World()
    world.remove(ALICE, MALLORY)
    outbox = Outbox()
    outbox.commit(world.records(BOB), Group.create(GHOST.identity, members=[], name="x", at=world.at)[1])
    world.storages[BOB] = outbox
    world.load(BOB)
    chance = random.Random(11)
    unknown = wire.operation(ALICE, world.group_id, bytes(32), 9, [wire.RENAME, b"name"])
    hostile = [
        world.sealed(MALLORY, BOB, request=[world.head, True, []]),
        world.sealed(GHOST, BOB, request=[world.head, True, []]),
        world.sealed(GHOST, BOB, items=[unknown]),
        *(chance.randbytes(200) for _ in range(100)),
        *(data[:50] + bytes([chance.randrange(256)]) + data[51:] for data in world.log * 5),
    ]
    for data in hostile:
        with pytest.raises(PeerError):
            world.groups[BOB].receive(data, at=world.at)
    assert sent == []
    (reply,) = of_kind(world.take(BOB, world.sealed(CAROL, BOB, request=[world.head, True, []])), ReplyReady)
    assert reply.to == CAROL.user_id
    assert [names_in(data) for data in reply.control] == [[CAROL.user_id]]
    assert sent == list(reply.control)
    again = of_kind(world.take(BOB, world.sealed(CAROL, BOB, request=[world.head, True, []])), ReplyReady)
    assert [names_in(data) for reply in again for data in reply.control] == [[CAROL.user_id]], "asked again, told again"
