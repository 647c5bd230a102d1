"""The small records of a group's state: each comes back as it was, and anything else is malformed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.codec import encode
from siegel.errors import MalformedError
from siegel.groups.certificate import Close
from siegel.groups.records import (
    Flags,
    OwedClose,
    decode_audience,
    decode_flags,
    decode_owed,
    encode_audience,
    encode_flags,
    encode_owed,
)
from siegel.groups.state import State
from tests.groups.company import Company, user, users

TEAM = ("anna", "bert", "carl", "dora")
OTHERS = ("emil", "mallory")


def state_of(team: Company, device: str) -> State:
    state = State.load(team.storages[device], team[device].group_id)
    assert state is not None
    return state


@given(st.builds(Flags, st.booleans(), st.booleans(), st.lists(st.binary(min_size=16, max_size=16)).map(tuple)))
def test_flags_come_back(flags: Flags) -> None:
    assert decode_flags(encode_flags(flags)) == flags


@given(st.one_of(st.none(), st.binary(max_size=40)), st.integers(0, 65_535))
def test_an_owed_close_comes_back(link: bytes | None, index: int) -> None:
    owed = OwedClose(user("anna"), Close(bytes(16), index, link))
    assert decode_owed(encode_owed(owed)) == owed
    assert len(owed.name) == 32


@given(st.frozensets(st.sampled_from(TEAM + OTHERS)))
def test_any_audience_comes_back(names: frozenset[str]) -> None:
    history = state_of(Company(*TEAM), "anna").history
    audience = frozenset(user(name) for name in names)
    assert decode_audience(encode_audience(audience, history), history) == audience


def test_an_audience_of_all_is_a_few_bytes_and_means_those_of_its_head() -> None:
    team = Company(*TEAM)
    before = state_of(team, "anna").history
    data = encode_audience(before.active, before)
    assert data == encode([before.roster.head, [], []])
    team.do("anna", "remove", users("carl"))
    after = state_of(team, "anna").history
    assert decode_audience(data, after) == before.active


def test_who_takes_no_part_is_not_in_the_audience_of_those_who_do() -> None:
    team = Company(*TEAM)
    team.do("dora", "leave")
    history = state_of(team, "anna").history
    data = encode_audience(history.active, history)
    assert decode_audience(data, history) == {user("anna"), user("bert"), user("carl")}


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        [bytes(32), [], []],
        [bytes(31), [], []],
        ["head", [bytes(31)], []],
        ["head", [], [None]],
        ["head", {}, []],
    ],
)
def test_another_audience_is_malformed(record: list[object] | None) -> None:
    history = state_of(Company(*TEAM), "anna").history
    if record and record[0] == "head":
        record = [history.roster.head, *record[1:]]
    with pytest.raises(MalformedError):
        decode_audience(encode(record), history)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("record", [None, [], [0, False, []], [True, None, []], [True, False, [bytes(15)]]])
def test_other_flags_are_malformed(record: object) -> None:
    with pytest.raises(MalformedError):
        decode_flags(encode(record))  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("record", [None, [bytes(32)], [bytes(31), bytes(16), 0, None], [bytes(32), bytes(16), 1, 0]])
def test_another_owed_close_is_malformed(record: object) -> None:
    with pytest.raises(MalformedError):
        decode_owed(encode(record))  # type: ignore[arg-type]  # on purpose
