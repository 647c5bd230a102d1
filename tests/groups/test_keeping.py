"""What is forgotten on schedule, and what an export holds."""

from __future__ import annotations

import pytest

from siegel._core.codec import Value, decode, encode
from siegel._core.shape import array, octets, text
from siegel.errors import MalformedError
from siegel.groups import keeping
from siegel.groups.group import Group
from siegel.groups.records import Flags, encode_flags
from siegel.groups.state import Candidate
from tests.groups.company import Company, records_of, users
from tests.people import DAY, HOUR, person

TEAM = ("anna", "bert", "carl")


def records(exported: bytes) -> dict[str, bytes]:
    """Names and bytes of an export."""
    _, _, items = array(decode(exported), 3, "export")
    pairs = [array(item, 2, "record") for item in array(items, None, "records")]
    return {text(name, "name"): octets(data, None, "data") for name, data in pairs}


def kept(team: Company, device: str, at: int) -> dict[str, bytes | None]:
    candidate = Candidate(team[device]._state, at=at)
    keeping.keep_house(candidate)
    return {name.split("/", 2)[2]: data for name, data in candidate.changes().items()}


# --- on schedule -----------------------------------------------------------------------------------------------------


def test_nothing_is_forgotten_before_its_time() -> None:
    team = Company(*TEAM)
    for name in TEAM:
        team.say(name)
    team.do("anna", "rotate")
    team.do("carl", "refresh")
    assert kept(team, "bert", team.at + 29 * DAY) == {}


def test_the_keys_and_links_of_an_ended_chain_go_together() -> None:
    team = Company(*TEAM)
    team.say("anna")
    team.do("anna", "rotate")
    ended = team.at
    changes = kept(team, "bert", ended + 30 * DAY)
    assert sorted(name.partition("/")[0] for name in changes) == ["chain", "link", "link"]
    assert [name for name, data in changes.items() if data is None] == [n for n in changes if n.startswith("link")]
    assert kept(team, "bert", ended + 30 * DAY - 1) == {}


def test_a_superseded_epoch_key_goes_after_its_grace() -> None:
    team = Company(*TEAM)
    team.do("anna", "refresh")
    changes = kept(team, "bert", team.at + 30 * DAY)
    assert [name.partition("/")[0] for name in changes] == ["key"]
    assert [*changes.values()] == [None]


def test_the_chains_of_who_is_out_go_after_their_grace() -> None:
    team = Company(*TEAM)
    team.say("carl")
    team.do("anna", "remove", users("carl"))
    changes = kept(team, "bert", team.at + 30 * DAY)
    assert {name.partition("/")[0] for name in changes} == {"chain", "key", "link"}


def test_the_house_is_kept_once_an_hour() -> None:
    team = Company(*TEAM)
    team.do("anna", "refresh")
    team.say("bert")
    before = records_of(team.storages["carl"])
    team.tick(31 * DAY)
    team["carl"].receive_many([], at=team.at)
    gone = before.keys() - records_of(team.storages["carl"]).keys()
    assert [name.split("/")[2] for name in gone] == ["key"]
    team["carl"]._state.keys.clear()
    assert team["carl"]._kept_house == team.at
    team["carl"].receive_many([], at=team.tick(HOUR - 1_000))
    assert team["carl"]._kept_house == team.at - HOUR + 1_000
    team["carl"].receive_many([], at=team.tick())
    assert team["carl"]._kept_house == team.at


# --- export ----------------------------------------------------------------------------------------------------------


def test_an_export_holds_the_log_the_chains_of_others_and_the_records() -> None:
    team = Company(*TEAM)
    for name in TEAM:
        team.say(name)
    found = records(team["anna"].export())
    folders = [name.partition("/")[0] for name in found]
    assert {folder: folders.count(folder) for folder in sorted(set(folders))} == {
        "certificate": 2,
        "chain": 2,
        "identity": 3,
        "log": 1,
    }


def test_an_export_without_a_live_chain_is_one_too() -> None:
    team = Company(*TEAM)
    assert {name.partition("/")[0] for name in records(team["bert"].export())} == {"identity", "log"}


def test_a_chain_that_ended_here_is_in_it_without_a_key() -> None:
    team = Company(*TEAM)
    team.say("anna", "mine")
    own = team["anna"]._state.sending
    assert own
    team.do("anna", "rotate")
    found = records(team["anna"].export())
    assert f"chain/{own.certificate.chain_id.hex()}" in found
    assert own.encode() not in found.values()
    restored = Group.restore(team["anna"].export(), identity=person("anna"), contacts=team.contacts)
    assert restored._state.chains[own.certificate.chain_id].tree.node_count == 0
    assert restored._state.sending is None
    assert restored._state.flags.rotate


def test_a_restored_state_rotates() -> None:
    group_id, found = keeping.imported(Company(*TEAM)["anna"].export())
    (flags,) = [data for name, data in found.items() if name.endswith("/own/flags")]
    assert flags == encode_flags(Flags(rotate=True))
    assert all(name.startswith(f"group/{group_id.hex()}/") for name in found)


def changed(exported: bytes, *, form: Value = None, name: Value = None, data: Value = None) -> bytes:
    said, group_id, _ = array(decode(exported), 3, "export")
    items: list[Value] = [[one, bytes_] for one, bytes_ in records(exported).items()]
    if name is not None:
        items.append([name, b"" if data is None else data])
    assert isinstance(group_id, bytes)
    assert isinstance(said, str)
    return encode([said if form is None else form, group_id, items])


@pytest.mark.parametrize(
    "name", ["own/sending", "own/flags", "key/00", "link/00/1", "forgotten", "", "log", 5, b"log/"]
)
def test_no_export_holds_other_records(name: Value) -> None:
    exported = Company(*TEAM)["anna"].export()
    with pytest.raises(MalformedError):
        keeping.imported(changed(exported, name=name))


@pytest.mark.parametrize("form", ["siegel group 2", "", 1, b"siegel group 1"])
def test_an_export_says_what_it_is(form: Value) -> None:
    exported = Company(*TEAM)["anna"].export()
    assert keeping.imported(changed(exported)) == keeping.imported(exported)
    with pytest.raises(MalformedError):
        keeping.imported(changed(exported, form=form))


@pytest.mark.parametrize("name", ["log/00", "chain/00", "certificate/zz", "identity/00", "close/00"])
def test_a_record_of_another_form_is_found_before_anything_is_stored(name: str) -> None:
    team = Company(*TEAM)
    with pytest.raises(MalformedError):
        Group.restore(changed(team["anna"].export(), name=name), identity=person("anna"), contacts=[])
