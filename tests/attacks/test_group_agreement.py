"""Attacks on what members agree on, GR-7 and GR-14 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel import Outgoing
from siegel.errors import InvalidMessage, NotPermitted, PeerError
from siegel.events import (
    ChainForked,
    MessageDisputed,
    MessageMissing,
    ParentContradicted,
)
from tests.attacks import group_wire as wire
from tests.attacks.attacker import ALICE, BOB, CAROL, MALLORY, Person, cbor, pad, sha256
from tests.attacks.group_wire import Message
from tests.attacks.groups import World, is_for, of_kind, parts, texts
from tests.attacks.interface import callables_of_messages
from tests.attacks.two_keys import collide

# --- GR-7: two readings ----------------------------------------------------------------------------------------------


def announced_to(world: World, person: Person, chain: wire.OwnChain) -> None:
    """The chain is announced to one member alone."""
    world.take(person, world.sealed(chain.owner, person, announcements=[chain.announcement()]))


def test_gr_7_two_trees_for_one_chain() -> None:
    """Megolm and Sender Keys (no transcript consistency; Dodis et al. 2018 for keys of each reader): Mallory gives Bob
    and Carol different keys under one certificate, so both verify the same signed bytes and read different texts.
    Holds: each message commits to its key; whoever holds another reads nothing (P7).
    """
    world = World()
    chain = wire.chain_of(MALLORY, world.group_id, world.head)
    other = replace(chain, root=sha256(b"another root"))
    assert other.certificate() == chain.certificate()
    announced_to(world, BOB, chain)
    announced_to(world, CAROL, other)
    message = chain.write(b"yes").encode()
    assert texts(world.take(BOB, message)) == [(MALLORY.id, b"yes")]
    world.refused(CAROL, message, InvalidMessage, links=True)
    assert [gap.first for gap in world.groups[CAROL].gaps()] == [0], "shown as missing, never as read"
    world.everything_honest_opens()


@pytest.mark.parametrize("committed", ["yes", "no"])
def test_gr_7_one_ciphertext_under_two_keys(committed: str) -> None:
    """As above, with a ciphertext that AES-GCM opens under both keys (appendix D of the catalogue). Control: the
    primitive does. Holds: the commitment fits one key, and under the other nothing is decrypted.
    """
    world = World()
    chain = wire.chain_of(MALLORY, world.group_id, world.head)
    other = replace(chain, root=sha256(b"another root"))
    announced_to(world, BOB, chain)
    announced_to(world, CAROL, other)
    leaf, other_leaf = chain.leaf(0), other.leaf(0)
    place = (chain.chain_id, 0, world.head, chain.genesis)
    blank = wire.written(place, b"", leaf=leaf if committed == "yes" else other_leaf, sign=chain.sign)
    blank = blank.but(nonce=bytes(12))
    plaintext = pad(cbor(wire.text(b"transfer to Bob" + bytes(200))))
    ciphertext = collide(leaf, other_leaf, plaintext, aad=blank.header, free=128)
    for key in (leaf, other_leaf):
        AESGCM(key).decrypt(bytes(12), ciphertext, blank.header)
    message = blank.but(ciphertext=ciphertext).signed(chain.sign).encode()
    if committed == "yes":
        ((sender, body),) = texts(world.take(BOB, message))
        assert (sender, body[:15]) == (MALLORY.id, b"transfer to Bob")
    else:
        world.refused(BOB, message, InvalidMessage, links=True)
    world.refused(CAROL, message, InvalidMessage, links=True)
    world.everything_honest_opens()


def test_gr_7_a_forked_chain() -> None:
    """As above, plainly: Mallory sends Bob one message and Carol another at the same place, and the server keeps the
    two apart. The catalogue asks for Fork when Bob's next message, which names what he saw, reaches Carol; but Bob's
    word proves nothing, so it is reported with his name. Once a signed one is there: a fork, with evidence (P7).
    """
    world = World()
    chain = world.begun(MALLORY)
    one, other = (chain.write(body, index=0) for body in (b"to Bob", b"to Carol"))
    for person, message in ((BOB, one), (CAROL, other)):
        assert texts(world.take(person, message.encode())) == [(MALLORY.id, message.opened(chain.leaf(0))[3])]
    for reporter, listener, held in ((BOB, CAROL, one), (CAROL, BOB, other)):
        outgoing = world.unsent(reporter, b"did you see it?")
        taken = world.take(listener, *parts(outgoing))
        (contradiction,) = of_kind(taken, ParentContradicted)
        assert (contradiction.reporter, contradiction.message_id) == (reporter.user_id, held.link)
        assert not of_kind(taken, ChainForked, MessageDisputed)
        assert texts(taken) == [(reporter.id, b"did you see it?")]
        for person in (ALICE, MALLORY):
            world.take(person, *parts(outgoing))
    for person, message, delivered in ((BOB, other, one), (CAROL, one, other)):
        taken = world.take(person, message.encode())
        (fork,) = of_kind(taken, ChainForked)
        assert (fork.sender, fork.index, set(fork.links)) == (MALLORY.user_id, 0, {one.link, other.link})
        assert fork.evidence == (chain.certificate(), message.encode())
        assert [disputed.message_id for disputed in of_kind(taken, MessageDisputed)] == [delivered.link]
        assert texts(taken) == []
        world.refused(person, chain.write(b"and on", index=1, previous=one.link).encode(), NotPermitted, links=True)
    world.everything_honest_opens()


def test_gr_7_who_lies_about_what_they_saw() -> None:
    """As above, by the reporter: Mallory names messages of Alice that never were. Holds: it is reported as Mallory's
    word; Alice's chain goes on, and nothing of hers is disputed.
    """
    world = World()
    honest = Message.of(world.say(ALICE, b"said"))
    chain = world.begun(MALLORY)
    parents = [[honest.chain_id, 0, sha256(b"another")], [sha256(b"no chain")[:16], 5, sha256(b"none")]]
    for parent in parents:
        number, blank = len(chain.links), chain.write(b"")
        lie = blank.encrypted(chain.leaf(number), wire.text(b"lie", parents=[parent])).signed(chain.sign)
        chain.links[-1] = lie.link
        taken = world.take(BOB, lie.encode())
        assert texts(taken) == [(MALLORY.id, b"lie")]
        assert not of_kind(taken, ChainForked, MessageDisputed)
        assert {report.reporter for report in of_kind(taken, ParentContradicted, MessageMissing)} <= {MALLORY.user_id}
    world.everything_honest_opens()


# --- GR-14: withheld, reordered --------------------------------------------------------------------------------------


def test_gr_14_a_withheld_message() -> None:
    """WhatsApp, Signal, Threema groups (Rösler et al. 2018): the server drops messages for some members and shows them
    as delivered. Acknowledgements are no part of groups; what holds: absence is seen, by the next message of the
    sender, or by the word of a member who has it; nothing is ever shown that did not come; and late it opens (P7).
    """
    world = World()
    world.everything_honest_opens()
    everybody = list(world.present)
    withheld = world.say(ALICE, b"the second", to=[BOB, MALLORY])
    assert world.groups[CAROL].gaps() == ()
    place = Message.of(withheld)
    said = world.unsent(BOB, b"as Alice says")
    taken = world.send(BOB, said, to=[ALICE, CAROL, MALLORY])
    assert [tuple(missing._said()) for missing in of_kind(taken[CAROL], MessageMissing)] == [
        (BOB.user_id, place.chain_id, place.index)
    ]
    assert not of_kind([*taken[ALICE], *taken[MALLORY]], MessageMissing)
    world.say(ALICE, b"the third")
    for client in (world.groups[CAROL], world.load(CAROL)):
        assert client.gaps() == ((ALICE.user_id, place.chain_id, place.index, place.index),)
    assert world.present == everybody
    assert texts(world.take(CAROL, withheld)) == [(ALICE.id, b"the second")]
    assert world.groups[CAROL].gaps() == ()
    world.everything_honest_opens()


def test_gr_14_the_end_is_cut_off() -> None:
    """As above: the last messages of a chain never come, to anybody. Nothing can show that while their sender is
    silent; the certificate of the sender's next chain says where the last one ended, and the gap is there.
    """
    world = World()
    chain_id = Message.of(world.say(ALICE, b"the first")).chain_id
    for body in (b"the second", b"the third"):
        world.unsent(ALICE, body)
    assert world.groups[BOB].gaps() == ()
    world.send(ALICE, world.groups[ALICE].rotate(at=world.at))
    for person in (BOB, CAROL, MALLORY):
        assert world.groups[person].gaps() == ((ALICE.user_id, chain_id, 1, 2),)
    world.everything_honest_opens()


@pytest.mark.parametrize("seed", range(5))
def test_gr_14_reordered_messages(seed: int) -> None:
    """As above: the server delivers in any order, operations and announcements after what needs them. Holds: everything
    opens once, the rosters are one, and nothing is missing, whatever the order (P7).
    """
    world = World()
    sent: list[tuple[Person, bytes]] = []

    def quietly(sender: Person, outgoing: Outgoing) -> None:
        sent.extend((sender, data) for data in parts(outgoing))
        world.take(ALICE if sender is BOB else BOB, *parts(outgoing))

    for number in range(3):
        for person in (ALICE, BOB):
            quietly(person, world.unsent(person, b"%d" % number))
        quietly(ALICE, world.groups[ALICE].rename(f"name {number}", at=world.at))
        quietly(BOB, world.groups[BOB].refresh(at=world.at))
    for reader in (CAROL, MALLORY):
        order = random.Random(seed).sample(sent, len(sent))
        taken = world.take(reader, *(data for _, data in order if is_for(reader, data)))
        assert sorted(texts(taken)) == sorted((p.id, b"%d" % n) for n in range(3) for p in (ALICE, BOB))
        assert world.groups[reader].roster.head == world.head
        assert world.groups[reader].gaps() == ()
        for _, data in order:
            with pytest.raises(PeerError):
                world.groups[reader].receive(data, at=world.at)
    world.everything_honest_opens()


def test_gr_14_nothing_says_delivered() -> None:
    """As above: receipts that the server forges. Holds: there is nothing to forge, no function and no event by which
    one client says that another has something. (An attachment is read like a file, by whoever has it.)
    """
    names = [name for name, _ in callables_of_messages() if not name.startswith("AttachmentReader.")]
    words = {part for name in names for part in name.lower().replace(".", "_").split("_")}
    assert {"group", "encrypt", "receive", "gaps"} <= words
    assert not words & {"ack", "acknowledge", "acknowledged", "delivered", "receipt", "receipts", "seen", "read"}
