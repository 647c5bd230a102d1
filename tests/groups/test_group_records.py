"""The records of a large group travel page by page: to a few sealed, to most of the group in one ciphertext."""

from __future__ import annotations

import pytest

from siegel import UserId
from siegel.groups import acts
from siegel.groups.actions import Role
from siegel.groups.storage import Outgoing
from tests.groups.company import BROADCAST, EVERYBODY, SEALED, Company, kinds, named, user
from tests.people import public


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records a page, instead of a thousand."""
    monkeypatch.setattr(acts, "MAX_IDENTITIES", 2)


def sealed_to(out: Outgoing) -> list[set[UserId]]:
    return [named(data) for data in out.control if data[:2] == SEALED]


def test_whoever_is_invited_at_the_beginning_gets_the_later_pages_with_everybody_else() -> None:
    team = Company(*EVERYBODY[:5])
    assert [data[:2] for _, data in team.wire] == [SEALED, BROADCAST, BROADCAST]
    for device in EVERYBODY[:5]:
        assert len(team[device]._state.identities) == 5, device


def test_a_newcomer_gets_all_pages_sealed_and_nobody_else_gets_one_again() -> None:
    team = Company(*EVERYBODY[:5])
    out = team.act("anna", "add", [team.public("frida")])
    assert kinds(out) == [BROADCAST, SEALED, SEALED, SEALED]  # the act, the invitation, two more pages
    assert sealed_to(out) == [{user("frida")}] * 3
    assert not team.deliver(out, "anna", to=["bert"]).errors("bert")


def test_a_newcomer_can_seal_to_everybody_from_the_pages_alone() -> None:
    team = Company(*EVERYBODY[:5], contacts=[public("anna")])
    team.add("anna", "frida")
    team.do("anna", "set_role", user("frida"), Role.ADMIN)
    out = team.act("frida", "remove", [user("bert")])
    assert out.skipped == ()
    assert named(out.control[0]) == {user(name) for name in EVERYBODY} - {user("bert")}
