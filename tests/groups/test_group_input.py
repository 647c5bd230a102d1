"""Whatever bytes come, a group raises a PeerError or returns; and what it refuses has changed nothing but links."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel.errors import InvalidArgument, PeerError, SiegelError
from siegel.groups.actions import Role
from siegel.groups.control import Control, GivenKey, Request
from siegel.groups.group import Group
from siegel.groups.storage import MemoryStorage
from tests.groups.company import BROADCAST, LETTER, MESSAGE, SEALED, Company, parts, records_of, users
from tests.groups.test_intake import a_day
from tests.people import person, public

TEAM = ("anna", "bert", "carl", "dora")
FRONTS = (SEALED, LETTER, BROADCAST, MESSAGE, b"\x86", b"\x8a", b"")

DAY = a_day()


def links_aside(records: dict[str, bytes]) -> dict[str, bytes]:
    """The records but those of links, and of what a chain's record says of its links and its end."""
    return {name: data for name, data in records.items() if "/link/" not in name and "/chain/" not in name}


def nodes(team: Company, device: str) -> dict[bytes, int]:
    """How many keys each chain holds."""
    return {chain_id: chain.tree.node_count for chain_id, chain in team[device]._state.chains.items()}


def refuses(team: Company, device: str, data: bytes) -> bool:
    """Whether the input is refused; then it has changed nothing."""
    before, keys = records_of(team.storages[device]), nodes(team, device)
    try:
        team[device].receive(data, at=team.at)
    except PeerError:
        assert links_aside(records_of(team.storages[device])) == links_aside(before)
        assert nodes(team, device) == keys
        return True
    return False


@given(front=st.sampled_from(FRONTS), rest=st.binary(max_size=2000))
def test_arbitrary_bytes_are_refused(front: bytes, rest: bytes) -> None:
    team, _ = DAY
    before = records_of(team.storages["bert"])
    assert refuses(team, "bert", front + rest)
    assert records_of(team.storages["bert"]) == before


@given(data=st.data())
def test_changed_inputs_are_refused_or_were_changed_where_nothing_is_said(data: st.DataObject) -> None:
    """One or two bytes changed, cut or doubled; taken by somebody who has seen nothing of the day."""
    team, wire = DAY
    changed = bytearray(data.draw(st.sampled_from(wire[:-4])))
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(changed) - 1))
        match data.draw(st.sampled_from(("flip", "cut", "double", "swap"))):
            case "flip":
                changed[place] ^= data.draw(st.integers(1, 255))
            case "cut":
                del changed[place : place + data.draw(st.integers(1, 40))]
            case "double":
                changed[place:place] = changed[place : place + data.draw(st.integers(1, 40))]
            case _:
                changed[place:] = changed[place:][::-1]
        if not changed:
            break
    team.clone("bert/later", "bert/now")
    refuses(team, "bert/now", bytes(changed))


@given(seed=st.integers(0, 10_000))
def test_parts_of_several_inputs_are_refused(seed: int) -> None:
    """The front of one, the end of another, as a server would swap them."""
    team, wire = DAY
    choice = random.Random(seed)
    one, other = choice.choices(wire[:-4], k=2)
    cut = choice.randrange(1, min(len(one), len(other)))
    if one[:cut] + other[cut:] not in wire:
        assert refuses(team, "bert", one[:cut] + other[cut:])


@given(data=st.data())
def test_whatever_stands_in_control_is_refused_or_taken(data: st.DataObject) -> None:
    """A member may seal and broadcast what they like."""
    team, wire = DAY
    team.clone("bert/later", "bert/now")
    state = team["anna"]._state
    known = [
        *state.history.records,
        *(record.encode() for record in state.identities.values()),
        *(chain.certificate.encode() for chain in state.chains.values()),
        *([state.sending.announcement().encode()] if state.sending else []),
        *wire[:3],
        b"",
        b"\x80",
    ]
    strings = st.lists(st.sampled_from(known) | st.binary(max_size=40), max_size=3).map(tuple)
    heads = st.sampled_from([team["anna"].roster.head, bytes(32), team["anna"].group_id])
    keys = [key.key for key in state.keys.values()]
    control = Control(
        data.draw(st.sampled_from([team["anna"].group_id, bytes(32)])),
        items=data.draw(strings),
        key=data.draw(st.none() | st.builds(GivenKey, heads, st.sampled_from(keys))),
        announcements=data.draw(strings),
        identities=data.draw(strings),
        request=data.draw(st.none() | st.builds(Request, heads, st.booleans(), st.just((bytes(16),)))),
        not_after=data.draw(st.sampled_from([None, 0, 2**46])),
    )
    sender = data.draw(st.sampled_from(["anna", "carl", "dora"]))
    if data.draw(st.booleans()):
        refuses(team, "bert/now", team.sealed(sender, control, "bert"))
    else:
        refuses(team, "bert/now", team.broadcast(sender, control))


@given(control=st.binary(max_size=200))
def test_what_opens_and_is_no_control_is_not_authentic(control: bytes) -> None:
    team, _ = DAY

    class Raw:
        announcements = ()

        def encode(self) -> bytes:
            return control

    candidate, member = team.candidate("carl")
    member.seal(candidate, Raw(), users("bert"))  # type: ignore[arg-type]  # bytes of any form where control should be
    assert refuses(team, "bert", candidate.outgoing[0])


@given(front=st.sampled_from(FRONTS), rest=st.binary(max_size=400))
def test_arbitrary_bytes_are_no_invitation(front: bytes, rest: bytes) -> None:
    storage = MemoryStorage()
    with pytest.raises(SiegelError):
        Group.join(front + rest, identity=person("bert"), contacts=[public("anna")], storage=storage)
    assert records_of(storage) == {}


@given(data=st.data())
def test_a_changed_invitation_is_none(data: st.DataObject) -> None:
    changed = bytearray(INVITATION)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    storage = MemoryStorage()
    with pytest.raises(SiegelError):
        Group.join(bytes(changed), identity=person("bert"), contacts=[public("anna")], storage=storage, at=ANNA.at)
    assert records_of(storage) == {}


ANNA = Company("anna")
(INVITATION,) = ANNA.act("anna", "add", [public("bert")]).control[-1:]


@given(data=st.data())
def test_a_changed_export_is_refused_or_the_same_group(data: st.DataObject) -> None:
    team, _ = DAY
    changed = bytearray(EXPORTED)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    storage = MemoryStorage()
    try:
        restored = Group.restore(bytes(changed), identity=person("bert"), contacts=[], storage=storage)
    except PeerError:
        assert records_of(storage) == {}
    else:
        assert restored.group_id == team["bert"].group_id


EXPORTED = DAY[0]["bert"].export()


def test_the_wrong_type_is_the_callers_fault() -> None:
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    for wrong in (None, 5, "text", bytearray(b"\x8a\x03"), [b""]):
        with pytest.raises(InvalidArgument):
            team["bert"].receive(wrong, at=team.at)  # type: ignore[arg-type]  # what a caller without types may do
        with pytest.raises(InvalidArgument):
            team["bert"].receive_many([b"", wrong], at=team.at)  # type: ignore[list-item]  # as above
    assert team.deliver(team.act("anna", "encrypt", b"x"), "anna").readers == {"bert", "carl", "dora"}


def test_every_prefix_of_every_input_is_refused() -> None:
    team, wire = DAY
    for data in wire[:-4]:
        for size in range(0, len(data), max(1, len(data) // 40)):
            assert refuses(team, "bert", data[:size])
    assert parts(team.act("anna", "encrypt", b"x"))
