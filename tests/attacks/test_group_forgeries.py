"""Attacks by members who hold the keys to read, GR-5, GR-6, GR-8, GR-12 of the catalogue (README.md in this folder)."""

from __future__ import annotations

from dataclasses import fields, replace

import cbor2
import pytest

from siegel import PeerError, open_sealed
from siegel.errors import (
    InvalidMessage,
    MalformedError,
    MissingSenderKey,
    NotARecipient,
    NotPermitted,
    Replay,
    StaleRoster,
    UnsupportedVersion,
)
from siegel.events import ChainForked, MessageDisputed, PartRefused, SenderKeyReceived
from tests.attacks import group_wire as wire
from tests.attacks.artefacts import sealed
from tests.attacks.attacker import ALICE, BOB, CAROL, EVERYBODY, MALLORY, always, refused, sha256
from tests.attacks.group_wire import Message, text
from tests.attacks.groups import World, of_kind, texts
from tests.attacks.mutations import other_forms, replaced

OTHER_HASH = sha256(b"another")


def with_content(message: Message, world: World, body: bytes, *, index: int | None = None) -> Message:
    """What a reader can make of somebody's message: another text under the right key, at the same index or another."""
    number = message.index if index is None else index
    leaf = world.insiders[MALLORY].leaf(message.but(index=number))
    return message.but(index=number).encrypted(leaf, text(body))


# --- GR-5: in another's name -----------------------------------------------------------------------------------------


def test_gr_5_an_insiders_forgery_in_anothers_name() -> None:
    """LINE groups, Zoom, group keys without signatures (Isobe & Minematsu 2018; Mogensen & Aranha 2025): whoever can
    read can speak as anybody. Mallory knows the keys of Alice's chain and writes its next message. Holds: only the
    chain's signing key makes a message, and it comes in a certificate under Alice's identity key (P2).
    """
    world = World()
    honest = Message.of(world.say(ALICE, b"lunch at noon"))
    chain = wire.chain_of(MALLORY, world.group_id, world.head)
    next_one = with_content(honest.but(previous=honest.link), world, b"lunch is off", index=honest.index + 1)
    forgeries = {
        "no signature": next_one.but(signature=bytes(64)),
        "her identity's": next_one.signed(MALLORY.sign),
        "her chain's": next_one.signed(chain.sign),
        "of the message before": next_one.but(signature=honest.signature),
        "of another kind by Alice": next_one.signed(always(ALICE.record.encode()[-64:])),
        "at the same index": with_content(honest, world, b"lunch is off"),
        "under Alice's chain id": chain.write(b"lunch is off").but(chain_id=honest.chain_id).signed(chain.sign),
    }
    for forgery in forgeries.values():
        for person in (BOB, CAROL):
            world.refused(person, forgery.encode(), InvalidMessage)
        world.refused(ALICE, forgery.encode(), InvalidMessage)
    assert texts(world.take(MALLORY, next_one.encode())) == []
    world.everything_honest_opens()


def test_gr_5_a_certificate_in_anothers_name() -> None:
    """As above, one layer up: a chain of Mallory's own whose certificate names Alice. Holds: it is refused whoever
    seems to send it, for the certificate is signed, and so is what it travels in.
    """
    world = World()
    chain = wire.chain_of(MALLORY, world.group_id, world.head, claimed=ALICE.id)
    said = wire.control(world.group_id, announcements=[chain.announcement()])
    key = world.key
    for data in (
        world.sealed(MALLORY, BOB, announcements=[chain.announcement()]),
        world.announced(chain),
        wire.broadcast(MALLORY, world.group_id, world.head, key, said, claimed=ALICE.id),
        wire.broadcast(MALLORY, world.group_id, world.head, key, said, claimed=ALICE.id, sign=always(bytes(64))),
    ):
        world.refused(BOB, data, InvalidMessage)
    world.refused(BOB, chain.write(b"lunch is off").encode(), MissingSenderKey)
    world.everything_honest_opens()


def test_gr_5_what_somebody_said_is_not_said_again() -> None:
    """As above, for broadcasts: Mallory opens what Alice broadcast, and writes it again, under another nonce, head or
    epoch key, or as her own. Holds: the signature covers group, head, and the key of that one ciphertext.
    """
    world = World()
    world.say(ALICE, b"lunch at noon")
    (data,) = [data for data in world.log if data[1] == wire.BROADCAST]
    opened = wire.said_in(data, world.group_id, world.insiders[MALLORY].keys)
    assert opened
    sender, at, said, signature = opened
    old_head, old_key = world.head, world.key
    world.send(ALICE, world.groups[ALICE].refresh(at=world.at))
    for head, key in ((old_head, old_key), (world.head, world.key)):
        again = wire.broadcast(
            MALLORY, world.group_id, head, key, said, claimed=sender, sign=always(signature), nonce=OTHER_HASH, at=at
        )
        world.refused(BOB, again, InvalidMessage)
        own = wire.broadcast(MALLORY, world.group_id, head, key, said, at=at)
        world.refused(BOB, own, NotPermitted)
    world.refused(BOB, data, Replay)
    world.everything_honest_opens()


# --- GR-6: every field -----------------------------------------------------------------------------------------------

CHANGED = {
    "chain_id": OTHER_HASH[:16],
    "index": 7,
    "head": OTHER_HASH,
    "previous": OTHER_HASH,
    "nonce": OTHER_HASH[:12],
    "commitment": OTHER_HASH,
    "ciphertext": OTHER_HASH * 2 + OTHER_HASH[:16],
    "signature": OTHER_HASH * 2,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Message)])
def test_gr_6_every_field_is_signed(name: str) -> None:
    """SFrame (Isobe, Ito, Minematsu 2021), MLS (RFC 9750: replay by insiders): the signature covers short tags, or not
    the place. Each field is changed, and the honest signature kept. Holds: it is over the hash of all that stands
    before it. (A new field is in the table or the test fails.)
    """
    world = World()
    honest = Message.of(world.unsent_to_all(ALICE, b"lunch at noon"))
    changed = honest.but(**{name: CHANGED[name]})
    assert changed.encode() != honest.encode()
    error = MissingSenderKey if name == "chain_id" else InvalidMessage
    for person in (BOB, CAROL, MALLORY):
        world.refused(person, changed.encode(), error)
        assert texts(world.take(person, honest.encode())) == [(ALICE.id, b"lunch at noon")]


def test_gr_6_type_version_and_form_are_signed() -> None:
    """As above, for what is no field: type, version and each CBOR head in another form. Holds: refused by shape, before
    any key.
    """
    world = World()
    data = world.unsent_to_all(ALICE, b"lunch at noon")
    with refused(UnsupportedVersion):
        world.groups[BOB].receive(replaced(data, (1,), 2), at=world.at)
    for kind in (0, 2, 4, 5, 6, 7, 12):
        world.refused(BOB, replaced(data, (0,), kind), MalformedError)
    for _, _, other in other_forms(cbor2.loads(data)):
        world.refused(BOB, other, MalformedError)
    assert texts(world.take(BOB, data)) == [(ALICE.id, b"lunch at noon")]


def test_gr_6_signed_content_at_another_index() -> None:
    """As above: an insider takes what Alice signed at index 0 and encrypts it anew at index 1, key and commitment
    right. Holds: index and previous link are signed; what fits the signature is at its own place and nowhere else.
    """
    world = World()
    honest = Message.of(world.say(ALICE, b"yes"))
    content = honest.opened(world.insiders[MALLORY].leaf(honest))
    moved = honest.but(index=1)
    again = moved.encrypted(world.insiders[MALLORY].leaf(moved), content)
    resigned = again.but(signature=MALLORY.sign(again.text_to_sign))
    for forged in (moved, again, again.but(previous=honest.link), resigned):
        for person in (BOB, CAROL):
            world.refused(person, forged.encode(), InvalidMessage)
    world.everything_honest_opens()


def test_gr_6_a_replayed_message() -> None:
    """As above, unchanged: the server, or a member, delivers a message again; with its own signature, and with another.
    Holds: Replay, without a text, and without a second signature making a second message (PR-3).
    """
    world = World()
    data = world.say(ALICE, b"pay the invoice")
    again = Message.of(data).but(signature=bytes(64)).encode()
    for person in (BOB, CAROL, MALLORY, ALICE):
        world.refused(person, data, Replay)
        world.load(person)
        world.refused(person, data, Replay)
        world.refused(person, again, Replay, InvalidMessage)
    assert [type(one) for one in world.groups[BOB].receive_many([data] * 3, at=world.at)] == [Replay] * 3
    world.everything_honest_opens()


# --- GR-8: chains of others ------------------------------------------------------------------------------------------


def test_gr_8_a_chain_announced_by_somebody_else() -> None:
    """Matrix CVE-2022-39249, CVE-2022-39252, CVE-2021-40823: forwarded sender keys are accepted and attributed to their
    owner. Bob, an honest admin's account, passes on what Alice announced. Holds: only its owner announces a chain; no
    form to forward one exists.
    """
    world = World()
    outgoing = world.unsent(ALICE, b"for the others")
    for data in outgoing.control:
        world.insiders[BOB].watch(data)
    message = Message.of(outgoing.message or b"")
    (_, control) = world.insiders[BOB].controls[-1]
    (announcement,) = control[3]
    said = wire.control(world.group_id, announcements=[announcement])
    for person in (CAROL, MALLORY):
        world.refused(person, world.sealed(BOB, person, announcements=[announcement]), NotPermitted)
        spoken = wire.broadcast(BOB, world.group_id, world.head, world.key, said)
        world.refused(person, spoken, NotPermitted)
        world.refused(person, message.encode(), MissingSenderKey)
    for person in (BOB, CAROL, MALLORY):
        taken = world.take(person, *outgoing.control, *([message.encode()] if person is BOB else []))
        assert texts(taken) == [(ALICE.id, b"for the others")], "what came too early has waited"
    world.everything_honest_opens()


def test_gr_8_a_replayed_announcement() -> None:
    """As above, and Megolm: an old announcement, which reaches further back, is delivered again to bring used keys
    back. Holds: Replay; keys that were held once never return, whether they were used, skipped past the end, or
    expired.
    """
    world = World()
    data = world.say(ALICE, b"once")
    announcement = next(one for one in world.log if one[1] == wire.BROADCAST)
    for person in (BOB, CAROL, MALLORY):
        world.refused(person, announcement, Replay)
        world.refused(person, data, Replay)
    world.remove(ALICE, MALLORY)
    world.everything_honest_opens()
    for person in (BOB, CAROL):
        world.refused(person, announcement, Replay)
        world.refused(person, data, Replay)
    world.at += 31 * 86_400_000
    world.everything_honest_opens()
    for person in (BOB, CAROL):
        before = world.groups[person]._state.chains[Message.of(data).chain_id].tree.node_count
        with pytest.raises(PeerError):
            world.groups[person].receive(announcement, at=world.at)
        assert world.groups[person]._state.chains[Message.of(data).chain_id].tree.node_count == before == 0


def test_gr_8_a_known_chain_announced_otherwise() -> None:
    """As above: another certificate, other keys, another link for a chain that is known, signed by its own owner.
    Holds: other keys change nothing (Replay); another certificate is a fork at the very beginning, and the chain is
    dead.
    """
    world = World()
    chain = world.begun(MALLORY)
    first = chain.write(b"first").encode()
    world.take(BOB, first)
    other_root = wire.cover(OTHER_HASH, 0)
    other_keys = world.sealed(MALLORY, BOB, announcements=[chain.announcement(nodes=other_root)])
    world.refused(BOB, other_keys, Replay)
    assert texts(world.take(BOB, chain.write(b"second").encode())) == [(MALLORY.id, b"second")]
    twin = replace(chain, at=chain.at + 1)
    assert (twin.chain_id, twin.genesis != chain.genesis) == (chain.chain_id, True)
    taken = world.take(BOB, world.sealed(MALLORY, BOB, announcements=[twin.announcement()]))
    (fork,) = of_kind(taken, ChainForked)
    assert (fork.sender, fork.index, set(fork.links)) == (MALLORY.user_id, 0, {chain.genesis, twin.genesis})
    assert len(of_kind(taken, MessageDisputed)) == 2
    assert of_kind(taken, PartRefused)
    world.refused(BOB, chain.write(b"third").encode(), NotPermitted, links=True)
    world.everything_honest_opens()


def test_gr_8_a_chain_ended_by_somebody_else() -> None:
    """As above: Mallory's certificate says that Alice's chain has ended, before or after it is known, and before or
    after Alice says so herself. Holds: a close is its owner's; another's changes nothing, and takes no place.
    """
    for order in ([MALLORY, ALICE], [ALICE, MALLORY]):
        world = World()
        old = wire.chain_of(ALICE, world.group_id, world.head)
        messages = [old.write(b"%d" % number) for number in range(3)]
        end = {
            ALICE: wire.chain_of(
                ALICE, world.group_id, world.head, name="new", closes=[[old.chain_id, 1, messages[1].link]]
            ),
            MALLORY: wire.chain_of(MALLORY, world.group_id, world.head, name="new", closes=[[old.chain_id, 0, None]]),
        }
        for owner in order:
            assert of_kind(world.take(CAROL, world.announced(end[owner])), SenderKeyReceived)
        world.take(CAROL, world.announced(old))
        taken = world.take(CAROL, *(message.encode() for message in messages))
        assert texts(taken) == [(ALICE.id, b"0"), (ALICE.id, b"1")]
        assert of_kind(taken, NotPermitted)

        known = world.begun(BOB)
        enemy = wire.chain_of(MALLORY, world.group_id, world.head, name="enemy", closes=[[known.chain_id, 0, None]])
        world.take(CAROL, world.announced(enemy))
        assert texts(world.take(CAROL, known.write(b"goes on").encode())) == [(BOB.id, b"goes on")]


# --- GR-12: in another place -----------------------------------------------------------------------------------------


def test_gr_12_what_belongs_elsewhere() -> None:
    """Wire, Threema, WhatsApp's broadcasts: a ciphertext is moved into another conversation. Two groups with the same
    members, and messages of one to one. Holds: chain ids, heads, epoch keys and operations name their group; each kind
    of thing is read at its own door (P10).
    """
    here, there = World(), World()
    outgoing = there.unsent(ALICE, b"for the other group")
    there_key = there.key
    message = outgoing.message or b""
    chain = wire.chain_of(MALLORY, there.group_id, there.head)
    operation = wire.operation(ALICE, there.group_id, there.head, 1, [wire.RENAME, b"name"])
    moved = [
        (message, MissingSenderKey),
        (outgoing.control[0], StaleRoster),
        (there.log[0], NotPermitted),
        (here.sealed(MALLORY, BOB, announcements=[chain.announcement()]), NotPermitted),
        (here.sealed(MALLORY, BOB, items=[operation]), NotPermitted),
        (here.sealed(MALLORY, BOB, key=[there.head, there_key]), StaleRoster),
        (there.announced(chain), StaleRoster),
        (wire.broadcast(MALLORY, there.group_id, here.head, here.key, b""), InvalidMessage),
        (sealed(BOB), NotPermitted),
        (sealed(CAROL), NotARecipient),
        (ALICE.record.encode(), MalformedError),
    ]
    for data, error in moved:
        here.refused(BOB, data, error)
    for data in (message, outgoing.control[0]):
        with refused(MalformedError):
            open_sealed(data, identity=BOB.identity, contacts=EVERYBODY)
    with refused(NotPermitted):
        open_sealed(there.log[0], identity=BOB.identity, contacts=EVERYBODY)
    here.everything_honest_opens()


def test_gr_12_what_is_the_protocols_own_is_no_text() -> None:
    """As above: a message of the group that looks like control, by a member. Holds: content types of the protocol are
    refused on sending, and never handed over as an application's message.
    """
    world = World()
    for kind in ("siegel/control", "siegel/anything"):
        with pytest.raises(ValueError, match="siegel/"):
            world.groups[BOB].encrypt(b"", content_type=kind, at=world.at)
        chain = world.begun(MALLORY, name=kind)
        empty = chain.write(b"")
        disguised = empty.encrypted(chain.leaf(0), text(b"", kind=kind)).signed(chain.sign)
        world.refused(BOB, disguised.encode(), NotPermitted, links=True)
    world.everything_honest_opens()
