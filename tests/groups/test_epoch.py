"""EPO-1 … EPO-6: which key belongs to a head, on every branch; which is believed; when it is used, when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import pytest

from siegel._core.codec import encode
from siegel._core.instants import LATEST
from siegel._core.secret import Secret
from siegel.errors import InvalidMessage, MalformedError
from siegel.groups import epoch, keeping
from siegel.groups.actions import Add, Adopt, FreshKey, Refresh, Rename, Role, SetRole
from siegel.groups.epoch import GRACE, MAX_AGE, EpochKey
from siegel.groups.history import History
from tests.groups.company import Company
from tests.groups.rosters import Team, add, create, leave, remove, user, users
from tests.people import AT, DAY

MEMBER, READER, ADMIN = Role.MEMBER, Role.READER, Role.ADMIN
ROLES = {"anna": ADMIN, "bert": ADMIN, "carl": MEMBER, "dora": MEMBER}


def drawn(seed: str) -> Secret:
    """A fresh key of the tests."""
    return Secret(sha256(b"a fresh key: " + seed.encode()).digest())


def fresh(seed: str, *withheld: str) -> FreshKey:
    return FreshKey(epoch.commitment_of(drawn(seed)), users(*withheld))


FIRST, SECOND, FALSE = drawn("first"), drawn("second"), drawn("false")


def derived(key: Secret, *heads: bytes) -> bytes:
    data = key.reveal()
    for head in heads:
        data = sha256(b"siegel/1 epoch derivation\0" + data + head).digest()
    return data


def value(held: EpochKey | None) -> bytes:
    assert held is not None
    return held.key.reveal()


def proven(seed: str, at: int = AT) -> EpochKey:
    return EpochKey(drawn(seed), at)


class Line:
    """A path with one head of each kind: founded, renamed, carl's friend emil admitted, mallory admitted, refreshed."""

    def __init__(self) -> None:
        self.team = Team(create(roles=ROLES, fresh=fresh("first")))
        self.root = self.team.roster.head
        self.renamed = self.act(Rename("x"))
        self.emil = self.act(add({"emil": MEMBER}))
        self.mallory = self.act(add({"mallory": MEMBER}))
        self.calm = self.act(SetRole(user("dora"), READER))
        self.refreshed = self.act(Refresh(fresh("second")))
        self.last = self.act(add({"alice": READER}))

    def act(self, action: Add | Rename | Refresh | SetRole) -> bytes:
        return self.team.act("frida", action).head

    @property
    def history(self) -> History:
        return self.team.history

    def key(self, keys: Mapping[bytes, EpochKey], head: bytes) -> EpochKey | None:
        return epoch.key_at(self.history, keys, head)


@pytest.fixture(scope="module")
def line() -> Line:
    return Line()


# --- the keys themselves ---------------------------------------------------------------------------------------------


def test_the_hashes_by_hand() -> None:
    """EPO-1, EPO-2."""
    head = sha256(b"head").digest()
    assert epoch.commitment_of(FIRST) == sha256(b"siegel/1 epoch commitment\0\x81\x58\x20" + FIRST.reveal()).digest()
    assert epoch.derive(FIRST, head).reveal() == derived(FIRST, head)


def test_every_head_has_a_key_that_follows_from_it_alone(line: Line) -> None:
    """EPO-3: kept by what changes neither who is in nor the key, derived by an admission, drawn with the rest."""
    keys = {line.root: proven("first"), line.refreshed: proven("second")}
    by_emil, by_mallory = derived(FIRST, line.emil), derived(FIRST, line.emil, line.mallory)
    for head, expected in (
        (line.root, FIRST.reveal()),
        (line.renamed, FIRST.reveal()),
        (line.emil, by_emil),
        (line.mallory, by_mallory),
        (line.calm, by_mallory),
        (line.refreshed, SECOND.reveal()),
        (line.last, derived(SECOND, line.last)),
    ):
        assert value(line.key(keys, head)) == expected


def test_whoever_comes_in_cannot_go_back(line: Line) -> None:
    """EPO-2, EPO-3."""
    keys = {line.mallory: EpochKey(Secret(derived(FIRST, line.emil, line.mallory)), AT, user("frida"))}
    for head in (line.root, line.renamed, line.emil, line.refreshed, line.last):
        assert line.key(keys, head) is None
    for head in (line.mallory, line.calm):
        assert value(line.key(keys, head)) == derived(FIRST, line.emil, line.mallory)


def test_what_is_known_of_a_key_holds_for_those_derived_from_it(line: Line) -> None:
    told = EpochKey(FIRST, AT, user("anna"), AT + 5)
    found = line.key({line.root: told}, line.mallory)
    assert found is not None
    assert (found.since, found.giver, found.superseded) == (AT, user("anna"), AT + 5)


def test_branches_have_keys_of_their_own() -> None:
    """EPO-2: an admission on a losing branch does not give the key of another."""
    team = Team(create(roles=ROLES, fresh=fresh("first")))
    root = team.roster.head
    one = team.act("bert", add({"emil": MEMBER}), on=root).head
    other = team.act("anna", add({"emil": MEMBER}), on=root).head
    out = team.act("frida", remove("carl", fresh=fresh("second")), on=root).head
    keys = {root: proven("first")}
    assert value(epoch.key_at(team.history, keys, one)) == derived(FIRST, one)
    assert value(epoch.key_at(team.history, keys, other)) == derived(FIRST, other)
    assert epoch.key_at(team.history, keys, out) is None
    told = {one: EpochKey(Secret(derived(FIRST, one)), AT, user("bert"))}
    assert epoch.key_at(team.history, told, other) is None
    assert epoch.key_at(team.history, told, root) is None
    adopted = team.act("frida", Adopt((one,)))
    assert value(epoch.key_at(team.history, keys | {out: proven("second")}, adopted.head)) == derived(
        SECOND, adopted.head
    )


def test_the_kind_of_a_key_is_what_the_roster_says(line: Line) -> None:
    for head in line.history._branches:
        assert epoch._kind_at(line.history, head) is line.history.roster_of(head).key_kind


def test_a_strangers_head_costs_no_roster(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broadcast names any head it likes before anything of it is verified; a roster costs its whole path."""

    def fail(_history: History, head: bytes) -> None:
        raise AssertionError(head)

    monkeypatch.setattr(History, "roster_of", fail)
    monkeypatch.setattr(History, "roster_at", fail)
    keys = {line.last: EpochKey(FALSE, AT)}
    assert [line.key(keys, head) for head in (line.root, line.emil, line.calm, line.refreshed)] == [None] * 4
    assert value(line.key({line.root: proven("first")}, line.emil)) == derived(FIRST, line.emil)


# --- what is given ---------------------------------------------------------------------------------------------------


def given(line: Line, keys: Mapping[bytes, EpochKey], head: bytes, key: Secret, name: str = "anna") -> EpochKey | None:
    return epoch.given(line.history, keys, head, key, giver=user(name), at=AT + 7)


def facts(held: EpochKey | None) -> object:
    return held and (held.key.reveal(), *held[1:])


def test_a_fresh_key_is_proven_by_its_commitment(line: Line) -> None:
    """EPO-1, EPO-4."""
    assert facts(given(line, {}, line.root, FIRST)) == (FIRST.reveal(), AT + 7, None, None)
    assert facts(given(line, {}, line.renamed, FIRST)) == (FIRST.reveal(), AT + 7, None, None)
    assert given(line, {line.root: proven("first")}, line.renamed, FIRST) is None
    for keys in ({}, {line.root: proven("first")}):
        for key in (SECOND, FALSE, Secret(bytes(32))):
            with pytest.raises(InvalidMessage):
                given(line, keys, line.root, key)


def test_a_derived_key_is_proven_by_the_one_below(line: Line) -> None:
    """EPO-4."""
    keys = {line.root: proven("first")}
    assert given(line, keys, line.emil, Secret(derived(FIRST, line.emil))) is None
    for key in (FIRST, FALSE, Secret(derived(FIRST, line.mallory))):
        with pytest.raises(InvalidMessage):
            given(line, keys, line.emil, key)


def test_a_derived_key_without_the_one_below_is_somebodys_word(line: Line) -> None:
    """EPO-4."""
    assert facts(given(line, {}, line.emil, FALSE)) == (FALSE.reveal(), AT + 7, user("anna"), None)
    keys = {line.emil: EpochKey(FALSE, AT, user("anna"))}
    assert given(line, keys, line.emil, FALSE, "bert") is None
    above = Secret(derived(FALSE, line.mallory))
    assert given(line, keys, line.calm, above, "bert") is None
    for head, key in ((line.emil, Secret(derived(FIRST, line.emil))), (line.mallory, FALSE)):
        rival = given(line, keys, head, key, "bert")
        assert facts(rival) == (key.reveal(), AT + 7, user("bert"), None)


def changes(line: Line, keys: Mapping[bytes, EpochKey], head: bytes, key: EpochKey) -> dict[bytes, object]:
    return {name: facts(held) for name, held in epoch.taken(line.history, keys, head, key).items()}


def test_a_proven_key_ends_what_was_only_said_above_it(line: Line) -> None:
    """EPO-4."""
    said, other = EpochKey(FALSE, AT, user("anna")), EpochKey(FALSE, AT)
    keys = {line.emil: said, line.mallory: said, line.last: said, line.refreshed: other}
    assert changes(line, keys, line.root, proven("first")) == {
        line.root: facts(proven("first")),
        line.emil: None,
        line.mallory: None,
    }
    assert changes(line, keys, line.refreshed, proven("second")) == {
        line.refreshed: facts(proven("second")),
        line.last: None,
    }


def test_what_took_the_place_of_another_ends_what_came_of_that(line: Line) -> None:
    """EPO-4."""
    said, rival = EpochKey(FALSE, AT, user("anna")), EpochKey(SECOND, AT, user("bert"))
    keys = {line.emil: said, line.mallory: said}
    assert changes(line, keys, line.emil, rival) == {line.emil: facts(rival), line.mallory: None}
    assert changes(line, keys, line.mallory, rival) == {line.mallory: facts(rival)}
    assert changes(line, {line.root: said}, line.emil, rival) == {line.emil: facts(rival)}


def test_somebodys_word_below_ends_nothing(line: Line) -> None:
    said, other = EpochKey(FALSE, AT, user("anna")), EpochKey(SECOND, AT, user("bert"))
    assert changes(line, {line.mallory: said}, line.emil, other) == {line.emil: facts(other)}


def test_a_proven_key_is_never_forgotten_for_another(line: Line) -> None:
    keys = {line.mallory: EpochKey(FALSE, AT), line.last: proven("second")}
    assert changes(line, keys, line.root, proven("first")) == {line.root: facts(proven("first"))}


# --- who has it ------------------------------------------------------------------------------------------------------


def suspended(withheld: tuple[str, ...]) -> Team:
    """Bert removes Carl, Frida does something else and then refreshes."""
    team = Team(create(roles=ROLES, fresh=fresh("first")))
    root = team.roster.head
    team.act("bert", remove("carl", fresh=fresh("lost")), on=root)
    team.act("frida", Rename("x"), on=root)
    team.act("frida", Refresh(fresh("second", *withheld)))
    assert team.names(team.history.suspended) == {"carl"}
    return team


def test_active_holders_may_be_given_a_key() -> None:
    """EPO-4."""
    team = Team(create(roles=ROLES, fresh=fresh("first", "dora")))
    assert team.names(epoch.entitled(team.history)) == {"frida", "anna", "bert", "carl"}
    team.take(leave("carl", team.roster))
    assert team.names(epoch.entitled(team.history)) == {"frida", "anna", "bert"}
    assert team.names(epoch.entitled(suspended(()).history)) == {"frida", "anna", "bert", "dora"}
    assert team.names(epoch.entitled(suspended(("carl", "dora")).history)) == {"frida", "anna", "bert"}


def test_a_key_is_used_where_all_who_may_have_it_take_part() -> None:
    """EPO-5."""
    team = suspended(())
    assert epoch.listeners(team.history, team.roster.head) is None
    team = suspended(("carl",))
    root = next(iter(team.history._branches))
    assert epoch.listeners(team.history, team.roster.head) == team.roster.holders
    assert epoch.listeners(team.history, root) is None
    team.take(leave("dora", team.roster))
    assert epoch.listeners(team.history, team.roster.head) is None


# --- the one that holds ----------------------------------------------------------------------------------------------


def settled(line: Line, keys: Mapping[bytes, EpochKey]) -> dict[bytes, object]:
    return {head: facts(held) for head, held in epoch.settled(line.history, keys, at=AT + 9).items()}


def test_the_key_that_holds_is_held_by_itself_and_the_others_are_superseded(line: Line) -> None:
    """EPO-6."""
    keys = {line.root: proven("first"), line.emil: EpochKey(FALSE, AT, None, AT + 1), line.refreshed: proven("second")}
    assert settled(line, keys) == {
        line.last: (derived(SECOND, line.last), AT, None, None),
        line.root: (FIRST.reveal(), AT, None, AT + 9),
        line.refreshed: (SECOND.reveal(), AT, None, AT + 9),
    }


def test_a_head_that_holds_again_has_its_key_again(line: Line) -> None:
    held = EpochKey(Secret(derived(SECOND, line.last)), AT, None, AT + 1)
    assert settled(line, {line.last: held}) == {line.last: (held.key.reveal(), AT, None, None)}
    assert settled(line, {line.last: held._replace(superseded=None)}) == {}
    assert settled(line, {}) == {}


# --- ages ------------------------------------------------------------------------------------------------------------


def aged(at: int) -> Team:
    """A group whose founder says that it is of this instant."""
    return Team(create(roles=ROLES, fresh=fresh("first"), at=at))


@pytest.mark.parametrize(
    ("said", "since", "young"),
    [(AT, AT, 14), (AT, AT + DAY, 14), (AT + DAY, AT, 14), (LATEST, AT, 14), (AT - DAY, AT, 13), (0, AT, 0)],
)
def test_a_key_is_as_old_as_its_author_says_or_older(said: int, since: int, young: int) -> None:
    """EPO-5."""
    team, key, end = aged(said), proven("first", since), AT + young * DAY
    assert epoch.may_announce(team.roster, key, at=end - 1) is bool(young)
    assert not epoch.may_announce(team.roster, key, at=end)


def test_an_admission_does_not_make_a_key_younger() -> None:
    """EPO-5."""
    team = aged(AT)
    team.act("frida", add({"emil": MEMBER}), at=AT + 13 * DAY)
    assert not epoch.may_announce(team.roster, proven("first", AT + 13 * DAY), at=AT + MAX_AGE)


@pytest.mark.parametrize(
    ("superseded", "end"),
    [
        (None, AT + MAX_AGE + GRACE),
        (AT + DAY, AT + DAY + GRACE),
        (AT + 40 * DAY, AT + MAX_AGE + GRACE),
    ],
)
def test_a_key_is_gone_a_grace_after_it_was_of_use(superseded: int | None, end: int) -> None:
    """EPO-6."""
    team = aged(AT)
    keys = {team.roster.head: proven("first")._replace(superseded=superseded)}
    assert epoch.forget_at(team.history, team.roster.head, keys[team.roster.head]) == end
    assert list(epoch.ended(team.history, keys, at=end - 1)) == []
    assert list(epoch.ended(team.history, keys, at=end)) == [team.roster.head]


def test_no_claim_keeps_a_key_longer() -> None:
    """EPO-6."""
    for said in (AT, AT + DAY, LATEST):
        team = aged(said)
        assert epoch.forget_at(team.history, team.roster.head, proven("first")) == AT + MAX_AGE + GRACE
    team = aged(AT - DAY)
    assert epoch.forget_at(team.history, team.roster.head, proven("first")) == AT - DAY + MAX_AGE + GRACE


# --- at rest ---------------------------------------------------------------------------------------------------------

RECORDS = [proven("first"), EpochKey(FIRST, 0, user("anna"), LATEST), EpochKey(FIRST, LATEST, None, 0)]


@pytest.mark.parametrize("key", RECORDS, ids=["proven", "told", "over"])
def test_a_key_comes_back(key: EpochKey) -> None:
    assert facts(EpochKey.decode(key.encode())) == facts(key)
    assert FIRST.reveal().hex() not in repr(key)


@pytest.mark.parametrize(
    "data",
    [
        encode([FIRST.reveal(), AT, None]),
        encode([FIRST.reveal()[1:], AT, None, None]),
        encode([FIRST.reveal(), LATEST + 1, None, None]),
        encode([FIRST.reveal(), AT, bytes(31), None]),
        encode([FIRST.reveal(), AT, None, LATEST + 1]),
        encode([FIRST.reveal(), None, None, None]),
        b"",
    ],
)
def test_records_of_another_form(data: bytes) -> None:
    with pytest.raises(MalformedError):
        EpochKey.decode(data)


def test_no_key_leaves_with_an_export() -> None:
    """EPO-6."""
    team = Company("anna", "bert")
    team.do("anna", "refresh")
    keys = team["bert"]._state.keys.values()
    exported = team["bert"].export()
    assert len(keys) == 2
    assert not any(key.key.reveal() in exported for key in keys)
    assert not any("/key/" in name for name in keeping.imported(exported)[1])
