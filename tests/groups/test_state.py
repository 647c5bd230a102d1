"""A state as records: what a step writes and how much of it, and that what is loaded is what was stored."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from siegel._core.codec import encode
from siegel.errors import InvalidMessage, MalformedError
from siegel.groups.group import Group
from siegel.groups.links import decode_row
from siegel.groups.records import Flags, encode_flags
from siegel.groups.state import Candidate, Overlay, Rows, State, prefix_of
from siegel.groups.storage import MemoryStorage, Outgoing
from tests.groups.company import Company, message_of, parts, records_of, user, users
from tests.people import AT, DAY, company, person, public

TEAM = ("anna", "bert", "carl")


class Watched(MemoryStorage):
    """Remembers what the last commit wrote, without the part of the names that all have."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, bytes | None] = {}

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        self.written = {name.split("/", 2)[2]: data for name, data in changes.items()}
        super().commit(changes, outgoing)

    @property
    def folders(self) -> list[str]:
        return sorted(name.partition("/")[0] for name in self.written)


def watch(team: Company, device: str) -> Watched:
    storage = Watched()
    storage.commit(records_of(team.storages[device]), Outgoing())
    team.storages[device] = storage
    team.reload(device)
    return storage


# --- what a step writes ----------------------------------------------------------------------------------------------


def test_a_message_that_is_received_writes_its_chain_and_one_row() -> None:
    team = Company(*TEAM)
    team.say("anna")
    storage = watch(team, "bert")
    team.say("anna")
    assert storage.folders == ["chain", "link"]


def test_a_message_that_is_sent_writes_the_chain_and_one_row() -> None:
    team = Company(*TEAM)
    team.say("anna")
    storage = watch(team, "anna")
    team.say("anna")
    assert storage.folders == ["link", "own"]
    assert {*storage.written} == {"own/sending", f"link/{chain_of(team)}/2"}


def chain_of(team: Company) -> str:
    sending = team["anna"]._state.sending
    assert sending
    return sending.certificate.chain_id.hex()


def test_an_operation_writes_itself_and_what_follows_from_it() -> None:
    team = Company(*TEAM)
    storage = watch(team, "bert")
    team.do("anna", "rename", "x")
    assert storage.folders == ["log"]
    team.do("anna", "remove", users("carl"))
    assert storage.folders == ["identity", "key", "key", "log", "own"], "of our own: whether a refresh is due"
    assert [data for name, data in storage.written.items() if name.startswith("identity")] == [None]


def test_a_backlog_writes_each_row_once() -> None:
    team = Company(*TEAM)
    team.say("anna")
    storage = watch(team, "bert")
    backlog = [parts(team.act("anna", "encrypt", b"x"))[0] for _ in range(100)]
    team["bert"].receive_many(backlog, at=team.at)
    assert storage.folders == ["chain", *["link"] * 100]


def test_what_is_refused_and_attests_nothing_writes_nothing_new() -> None:
    team = Company(*TEAM)
    team.say("anna")
    before = records_of(team.storages["bert"])
    data = parts(team.act("anna", "encrypt", b"x"))[0]
    for wrong in (data[:-1] + bytes((data[-1] ^ 1,)), data[:30] + bytes((data[30] ^ 1,)) + data[31:]):
        team.take("bert", wrong)
    assert records_of(team.storages["bert"]) == before


def test_in_a_group_of_a_thousand_a_message_writes_less_than_1_kib() -> None:
    """One chain and one row, whatever the size of the group, while the frontier has up to 16 nodes."""
    people = company(1000)
    anna, out = Group.create(person("alice"), members=people, name="a thousand", at=AT)
    storage = Watched()
    bob = Group.join(out.control[0], identity=person("bob"), contacts=[person("alice").user_id], storage=storage, at=AT)
    assert len(bob.roster.members) == 1000
    bob.receive_many(parts(anna.encrypt(b"first", at=AT)), at=AT)
    most = 0
    for _ in range(100):
        sent = anna.encrypt(b"x", at=AT)
        assert sent.message
        bob.receive(sent.message, at=AT)
        assert storage.folders == ["chain", "link"]
        size = sum(len(data) for data in storage.written.values() if data)
        (chain,) = bob._state.chains.values()
        assert chain.tree.node_count <= 16
        most = max(most, size)
    assert 500 < most < 1024


# --- what was stored is what is loaded -------------------------------------------------------------------------------


def everything(state: State) -> tuple[object, ...]:
    """A state by its parts, the keys as bytes."""
    return (
        state.history.records,
        {chain_id: (chain.certificate, chain.encode()) for chain_id, chain in state.chains.items()},
        {head: key.encode() for head, key in state.keys.items()},
        state.identities,
        state.closes,
        state.sending and state.sending.encode(),
        state.audience,
        state.flags,
        {chain_id: dict(state.rows(chain_id)) for chain_id in state.chains},
    )


def test_a_state_is_loaded_as_it_was() -> None:
    team = Company(*TEAM)
    for name in TEAM:
        team.say(name)
    team.clone("carl", "carl/twin")
    team.say("carl", "one", to=["bert"])
    team.say("carl/twin", "another", to=["bert"])
    team.do("bert", "rotate")
    team.act("anna", "rotate")
    team.say("anna", "in a chain that closes one that nobody knows", to=["bert"])
    team.deliver(team.act("anna", "rotate"), "anna", to=["bert"])
    team.do("carl", "leave")
    team.do("anna", "refresh")
    before = everything(team["bert"]._state)
    assert team["bert"]._state.closes
    assert everything(team.reload("bert")._state) == before


def test_another_group_is_none() -> None:
    team = Company(*TEAM)
    assert State.load(team.storages["anna"], bytes(32)) is None


def test_a_public_identity_is_verified_when_it_is_asked_for() -> None:
    team = Company(*TEAM)
    prefix, anna, carl = prefix_of(team["bert"].group_id), user("anna"), user("carl")
    forged = bytearray(public("anna").encode())
    forged[-1] ^= 1
    changes = {f"{prefix}identity/{anna.data.hex()}": bytes(forged)}
    changes[f"{prefix}identity/{carl.data.hex()}"] = public("anna").encode()
    team.storages["bert"].commit(changes, Outgoing())
    state = State.load(team.storages["bert"], team["bert"].group_id)
    assert state is not None
    assert len(state.identities) == len(TEAM)
    with pytest.raises(InvalidMessage):
        state.identities[anna]
    with pytest.raises(MalformedError):  # a true record, of somebody else
        state.identities[carl]
    assert state.identities[user("bert")] == public("bert")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("log/00", b""),
        ("chain/zz", encode(None)),
        ("chain/" + 16 * "00", encode(None)),
        ("key/" + 32 * "00", b""),
        ("identity/zz", b""),
        ("close/" + 16 * "00", encode([])),
        ("own/flags", encode([0, 1, []])),
        ("own/flags", encode([True, False, [bytes(15)]])),
        ("own/audience", encode(bytes(31))),
        ("own/audience", encode([bytes(32), [], []])),  # a head that is not in the log
        ("own/sending", encode([bytes(16), b""])),
    ],
)
def test_records_of_another_form_are_malformed(name: str, data: bytes) -> None:
    team = Company(*TEAM)
    team.say("anna")
    prefix = prefix_of(team["bert"].group_id)
    team.storages["bert"].commit({prefix + name: data}, Outgoing())
    with pytest.raises(MalformedError):
        team.reload("bert")


def test_the_log_of_another_group_is_malformed() -> None:
    one, other = Company(*TEAM), Company(*TEAM)
    records = {
        name.replace(other["bert"].group_id.hex(), one["bert"].group_id.hex()): data
        for name, data in records_of(other.storages["bert"]).items()
    }
    storage = MemoryStorage()
    storage.commit(records, Outgoing())
    with pytest.raises(MalformedError, match="another group"):
        State.load(storage, one["bert"].group_id)


# --- parts -----------------------------------------------------------------------------------------------------------


def test_an_overlay_is_the_base_with_its_changes() -> None:
    base = {1: "one", 2: "two"}
    overlay = Overlay(base)
    assert overlay == base
    overlay.put(2, None)
    overlay.put(3, "three")
    overlay.put(4, None)
    assert dict(overlay) == {1: "one", 3: "three"}
    assert (len(overlay), 2 in overlay, overlay.get(2), 3 in overlay, 5 in overlay) == (2, False, None, True, False)
    with pytest.raises(KeyError):
        overlay[2]
    assert base == {1: "one", 2: "two"}
    overlay.assign()
    assert base == {1: "one", 3: "three"}


def test_rows_are_those_of_the_storage_and_those_since() -> None:
    team = Company(*TEAM)
    team.say("anna")
    team.say("anna")
    chain_id = message_of(team.act("anna", "encrypt", b"x")).chain_id
    folder = f"{prefix_of(team['bert'].group_id)}link/{chain_id.hex()}/"
    records = {int(name.removeprefix(folder)): data for name, data in team.storages["bert"].load(folder)}
    rows = Rows(records)
    assert (len(rows), sorted(rows), 1 in rows, 7 in rows, rows.get(7)) == (3, [0, 1, 2], True, False, ())
    assert rows[1] == rows.get(1) == decode_row(records[1])
    with pytest.raises(KeyError):
        rows[7]
    rows.update({7: rows[1]})
    assert (len(rows), rows[7], 7 in rows) == (4, rows[1], True)


def test_a_candidate_leaves_the_state_alone_until_it_is_assigned() -> None:
    team = Company(*TEAM)
    team.say("anna")
    state = team["bert"]._state
    before = everything(state)
    candidate = Candidate(state, at=team.at)
    assert candidate.changes() == {}
    candidate.flags = Flags(rotate=True)
    for chain_id, chain in list(candidate.chains.items()):
        candidate.chains.put(chain_id, None)
        candidate.forget_rows(chain_id)
        assert chain_id in state.chains
        assert chain.summary.top
    candidate.identities.put(user("carl"), public("carl", AT + DAY))
    assert everything(state) == before
    changes = candidate.changes()
    prefix = prefix_of(team["bert"].group_id)
    assert changes[f"{prefix}own/flags"] == encode_flags(Flags(rotate=True))
    assert sum(data is None for data in changes.values()) == 3, "a chain and its two rows"
    candidate.assign()
    assert state.flags.rotate
    assert not state.chains
