"""One operation after the other: ROS-5 … ROS-12, path-local."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from siegel import UserId
from siegel.errors import LimitExceeded, NotPermitted, PeerError
from siegel.groups.actions import (
    MAX_MEMBERS,
    Action,
    Add,
    Adopt,
    CloseGroup,
    Create,
    Dismiss,
    FreshKey,
    GroupPolicy,
    Refresh,
    Rename,
    Role,
    Sealing,
    SetPolicy,
    SetRole,
    Who,
)
from siegel.groups.operations import Operation
from siegel.groups.roster import Change, KeyKind, Roster
from siegel.groups.transitions import References, apply, found
from tests.groups.rosters import KEY, add, close, create, key, leave, ranked, remove, sign, user, users
from tests.people import AT, person

ADMIN, MEMBER, READER, ARCHIVIST = Role

TEAM: Mapping[str, Role] = {
    "anna": ADMIN,
    "carl": MEMBER,
    "dora": READER,
    "mallory": ARCHIVIST,
}


@dataclass
class Path:
    """A roster that goes forward by what is allowed, and stays where it is by what is not."""

    roster: Roster

    def act(self, name: str, action: Action, references: References | None = None) -> Roster:
        self.roster = self.after(name, action, references)
        return self.roster

    def after(self, name: str, action: Action, references: References | None = None) -> Roster:
        operation = sign(name, self.roster, action)
        return apply(self.roster, operation, references) if references else apply(self.roster, operation)

    def refuses(self, name: str, action: Action, references: References | None = None) -> bool:
        try:
            self.after(name, action, references)
        except NotPermitted:
            return True
        return False


def path(roles: Mapping[str, Role] = TEAM, policy: GroupPolicy = GroupPolicy()) -> Path:  # noqa: B008  # immutable
    return Path(found(create(roles=roles, policy=policy)))


# --- founding --------------------------------------------------------------------------------------------------------


def test_a_new_group() -> None:
    roster = found(create(roles=TEAM, name="team", fresh=key("dora")))
    assert (roster.name, roster.height, roster.closed, roster.founder) == ("team", 0, False, user("frida"))
    assert roster.roles == {user("frida"): ADMIN, **{user(name): role for name, role in TEAM.items()}}
    assert roster.change == Change(admitted=frozenset(roster.members))
    assert roster.key_kind is KeyKind.FRESH
    assert roster.holders == frozenset(roster.members) - {user("dora")}
    assert "5 at height 0" in repr(roster)


def test_only_a_founding_operation_founds() -> None:
    """ROS-5."""
    with pytest.raises(NotPermitted):
        found(sign("frida", path().roster, Rename("x")))
    team = path()
    with pytest.raises(NotPermitted):
        apply(team.roster, create())


@pytest.mark.parametrize("wrong", [{"group_id": bytes(32)}, {"previous": bytes(32)}, {"height": 2}])
def test_the_place_of_an_operation(wrong: Mapping[str, bytes | int]) -> None:
    """ROS-5: it stands directly on the roster's head."""
    roster = path().roster
    place = {"group_id": roster.group_id, "previous": roster.head, "height": 1, **wrong}
    operation = Operation.sign(person("frida"), **place, action=Rename("x"), at=AT)  # type: ignore[arg-type]  # by name
    with pytest.raises(NotPermitted, match="stand"):
        apply(roster, operation)


# --- who may do what -------------------------------------------------------------------------------------------------

ANY: dict[str, Action] = {
    "add": add({"emil": MEMBER}),
    "add a reader": add({"emil": READER}),
    "remove": remove("dora"),
    "refresh": Refresh(KEY),
    "set role": SetRole(user("dora"), MEMBER),
    "make an admin": SetRole(user("dora"), ADMIN),
    "set policy": SetPolicy(GroupPolicy(Who.MEMBERS, Who.ADMINS, 5)),
    "rename": Rename("x"),
    "close": CloseGroup(),
}


@pytest.mark.parametrize(
    ("name", "policy", "allowed"),
    [
        ("frida", GroupPolicy(), set(ANY)),
        ("anna", GroupPolicy(), set(ANY) - {"close"}),
        ("carl", GroupPolicy(), {"refresh"}),
        ("carl", GroupPolicy(adding=Who.MEMBERS), {"refresh", "add"}),
        ("carl", GroupPolicy(posting=Who.ADMINS), set()),
        ("dora", GroupPolicy(adding=Who.MEMBERS), set()),
        ("mallory", GroupPolicy(adding=Who.MEMBERS), set()),
        ("emil", GroupPolicy(adding=Who.MEMBERS), set()),
    ],
)
def test_rights(name: str, policy: GroupPolicy, allowed: set[str]) -> None:
    """ROS-7."""
    team = path(policy=policy)
    assert {act for act, action in ANY.items() if not team.refuses(name, action)} == allowed
    assert {act for act, action in ANY.items() if team.roster.entitled(user(name), action)} == allowed


@pytest.mark.parametrize(
    ("policy", "posters"),
    [
        (GroupPolicy(), {"frida", "anna", "carl"}),
        (GroupPolicy(posting=Who.ADMINS), {"frida", "anna"}),
    ],
)
def test_who_may_post(policy: GroupPolicy, posters: set[str]) -> None:
    roster = path(policy=policy).roster
    assert {name for name in ("frida", *TEAM, "emil") if roster.may_post(user(name))} == posters


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("frida", add({"carl": MEMBER})),
        ("frida", add({"emil": MEMBER, "carl": MEMBER})),
        ("frida", remove("emil")),
        ("frida", remove("frida")),
        ("frida", SetRole(user("frida"), MEMBER)),
        ("frida", SetRole(user("emil"), MEMBER)),
        ("frida", SetRole(user("carl"), MEMBER)),
        ("frida", SetPolicy(GroupPolicy())),
    ],
)
def test_acts_without_meaning(name: str, action: Action) -> None:
    assert path().refuses(name, action)


def test_nothing_after_the_end() -> None:
    team = path()
    team.act("frida", CloseGroup())
    assert team.roster.closed
    assert all(team.refuses("frida", action) for action in ANY.values())


def test_not_more_than_there_is_room_for() -> None:
    """ROS-3."""
    crowd = tuple((UserId(number.to_bytes(32, "big")), MEMBER) for number in range(MAX_MEMBERS - 1))
    founding = Operation.found(person("frida"), action=Create(bytes(32), "x", GroupPolicy(), crowd, KEY), at=AT)
    team = Path(found(founding))
    assert len(team.roster.members) == MAX_MEMBERS
    with pytest.raises(LimitExceeded):
        team.after("frida", add({"emil": MEMBER}))


# --- seniority -------------------------------------------------------------------------------------------------------


def test_seniority() -> None:
    """ROS-8: the founder, then by the height of the grant, then by id; members before strangers."""
    team = path({"anna": MEMBER, "bert": ADMIN, "carl": ADMIN, "dora": MEMBER})
    team.act("frida", SetRole(user("anna"), ADMIN))
    first, second = users("bert", "carl")
    expected = [user("frida"), first, second, user("anna"), user("dora"), *users("emil", "mallory")]
    everybody = users("frida", "anna", "bert", "carl", "dora", "emil", "mallory")
    assert sorted(everybody, key=team.roster.seniority) == expected


def test_only_juniors_are_removed_or_changed() -> None:
    """ROS-8."""
    team = path({"anna": MEMBER, "bert": ADMIN})
    team.act("bert", SetRole(user("anna"), ADMIN))
    for name in ("frida", "bert"):
        assert team.refuses("anna", remove(name))
        assert team.refuses("anna", SetRole(user(name), READER))
    assert not team.refuses("bert", remove("anna"))
    assert not team.refuses("frida", SetRole(user("bert"), READER))
    assert team.refuses("bert", remove("frida"))


def test_a_grant_counts_anew() -> None:
    """ROS-8: whoever was demoted and is admin again stands behind those who were admins meanwhile."""
    team = path({"anna": ADMIN, "bert": MEMBER})
    team.act("frida", SetRole(user("anna"), MEMBER))
    team.act("frida", SetRole(user("bert"), ADMIN))
    team.act("bert", SetRole(user("anna"), ADMIN))
    assert team.refuses("anna", remove("bert"))
    assert not team.refuses("bert", remove("anna"))


def test_a_founder_who_comes_back_is_no_longer_first() -> None:
    """ROS-8, ROS-11."""
    team = path({"anna": ADMIN})
    gone = leave("frida", team.roster)
    here = References(common={gone.head: 0})
    team.act("anna", remove("frida", statements=[gone]), here)
    team.act("anna", add({"frida": ADMIN}))
    assert team.refuses("frida", remove("anna"))
    assert not team.refuses("anna", remove("frida"))
    assert not team.refuses("anna", CloseGroup())


# --- leave statements ------------------------------------------------------------------------------------------------


def test_any_admin_removes_who_has_left() -> None:
    """ROS-11."""
    team = path({"anna": ADMIN, "carl": MEMBER})
    gone = leave("frida", team.roster)
    here = References(common={gone.head: 0})
    assert team.refuses("anna", remove("frida"))
    assert team.refuses("carl", remove("frida", statements=[gone]), here)
    assert team.refuses("frida", remove("frida", statements=[gone]), here)
    team.act("anna", remove("frida", statements=[gone]), here)
    assert team.roster.roles == {user("anna"): ADMIN, user("carl"): MEMBER}


def test_a_statement_serves_one_membership() -> None:
    """ROS-11."""
    team = path({"anna": ADMIN})
    gone = leave("frida", team.roster)
    here = References(common={gone.head: 0})
    team.act("anna", remove("frida", statements=[gone]), here)
    team.act("anna", add({"frida": MEMBER}))
    team.act("anna", SetRole(user("frida"), ADMIN))
    assert team.refuses("anna", remove("frida", statements=[gone]), here)


def test_a_statement_of_somebody_else() -> None:
    """ROS-11."""
    team = path({"anna": ADMIN, "carl": MEMBER})
    gone = leave("carl", team.roster)
    assert team.refuses("anna", remove("frida", statements=[gone]), References(common={gone.head: 0}))
    other = leave("carl", found(create(nonce=9)))
    assert team.refuses("anna", remove("carl", statements=[other]), References(common={other.head: 0}))


# --- adopting and dismissing -----------------------------------------------------------------------------------------


def losing(team: Path, name: str, action: Action) -> tuple[bytes, References]:
    """An operation on another branch than the one that the team goes."""
    operation = sign(name, team.roster, action)
    apply(team.roster, operation)
    return operation.head, References({operation.head: operation})


def test_adopting() -> None:
    """ROS-9."""
    team = path({"anna": ADMIN, "carl": MEMBER, "dora": MEMBER})
    head, known = losing(team, "anna", remove("carl"))
    team.act("frida", Rename("x"))
    assert team.refuses("carl", Adopt((head,), (), KEY), known)
    assert team.refuses("dora", Adopt((head,), (), KEY), known)
    assert team.refuses("frida", Adopt((head,)), known), "who is out has the old key"
    roster = team.act("frida", Adopt((head,), (close(1),), KEY), known)
    assert user("carl") not in roster.members
    assert roster.change == Change(removed=frozenset(users("carl")), silenced=frozenset(users("carl")))
    assert roster.decided == {head}
    assert team.refuses("frida", Adopt((head,)), known), "once"


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (add({"emil": MEMBER}), KeyKind.DERIVED),
        (SetRole(user("carl"), ADMIN), KeyKind.KEPT),
        (SetPolicy(GroupPolicy(adding=Who.MEMBERS)), KeyKind.KEPT),
        (Rename("other"), KeyKind.KEPT),
    ],
)
def test_what_gives_needs_its_author_now(action: Action, kind: KeyKind) -> None:
    """ROS-9."""
    team = path({"anna": ADMIN, "bert": ADMIN, "carl": MEMBER})
    head, known = losing(team, "bert", action)
    other = Path(team.roster)
    team.act("frida", Rename("x"))
    assert team.act("anna", Adopt((head,)), known).key_kind is kind
    other.act("frida", SetRole(user("bert"), MEMBER))
    assert other.refuses("anna", Adopt((head,)), known)


@pytest.mark.parametrize("action", [remove("carl"), SetRole(user("carl"), READER)])
def test_what_takes_was_judged_where_it_was_signed(action: Action) -> None:
    """ROS-9."""
    team = path({"anna": ADMIN, "bert": ADMIN, "carl": MEMBER})
    head, known = losing(team, "bert", action)
    team.act("frida", remove("bert"))
    fresh = KEY if "Remove" in repr(type(action)) else None
    assert team.act("anna", Adopt((head,), (), fresh), known).roles.get(user("carl")) in (None, READER)


def test_an_adopter_needs_the_right_too() -> None:
    """ROS-9."""
    team = path({"anna": ADMIN, "bert": ADMIN, "carl": MEMBER}, GroupPolicy(adding=Who.MEMBERS))
    for action, takes in ((remove("anna"), True), (add({"emil": MEMBER}), False), (add({"emil": READER}), False)):
        head, known = losing(team, "frida", action)
        own = Path(team.roster)
        own.act("frida", Rename("x"))
        fresh = KEY if takes else None
        assert own.refuses("carl", Adopt((head,), (), fresh), known) is (action != add({"emil": MEMBER}))
        assert own.refuses("anna", Adopt((head,), (), fresh), known) is takes, "nobody removes themselves"


def test_only_what_is_left_is_done() -> None:
    """ROS-9."""
    team = path({"anna": ADMIN, "carl": MEMBER})
    both, known = losing(team, "anna", add({"dora": MEMBER, "emil": MEMBER}))
    team.act("frida", add({"dora": READER}))
    roster = team.act("frida", Adopt((both,)), known)
    assert roster.roles[user("dora")] is READER
    assert roster.roles[user("emil")] is MEMBER
    nothing, known = losing(team, "anna", remove("carl"))
    team.act("frida", remove("carl"))
    roster = team.act("frida", Adopt((nothing,)), known)
    assert (roster.key_kind, roster.change) == (KeyKind.KEPT, Change())
    for action in (SetRole(user("dora"), MEMBER), SetPolicy(GroupPolicy(adding=Who.MEMBERS)), Rename("y")):
        done, known = losing(team, "anna", action)
        team.act("frida", action)
        assert team.act("frida", Adopt((done,)), known).change == Change()


def test_in_the_order_given() -> None:
    """ROS-9."""
    team = path({"anna": ADMIN})
    first = sign("anna", team.roster, add({"carl": MEMBER}))
    second = sign("anna", apply(team.roster, first), SetRole(user("carl"), ADMIN))
    known = References({first.head: first, second.head: second})
    team.act("frida", Rename("x"))
    assert team.after("frida", Adopt((first.head, second.head)), known).role(user("carl")) is ADMIN
    assert team.after("frida", Adopt((second.head, first.head)), known).role(user("carl")) is MEMBER


def test_taken_out_and_put_in_by_one_adoption() -> None:
    """ROS-9, ROS-12: whoever came back was out, and the key is fresh."""
    team = path({"anna": ADMIN, "carl": MEMBER})
    out = sign("anna", team.roster, remove("carl"))
    back = sign("anna", apply(team.roster, out), add({"carl": READER}))
    known = References({out.head: out, back.head: back})
    team.act("frida", Rename("x"))
    assert team.refuses("frida", Adopt((out.head, back.head)), known)
    change = team.act("frida", Adopt((out.head, back.head), (), KEY), known).change
    carl = frozenset(users("carl"))
    assert change == Change(admitted=carl, removed=carl, silenced=carl)


@pytest.mark.parametrize("action", [Refresh(KEY), Dismiss((bytes(32),)), Adopt((bytes(32),))])
def test_some_losing_operations_are_void(action: Action) -> None:
    """ROS-9, ROS-10."""
    team = path({"anna": ADMIN})
    operation = sign("anna", team.roster, action)
    known = References({operation.head: operation})
    assert team.refuses("frida", Adopt((operation.head,)), known)
    assert team.refuses("frida", Dismiss((operation.head,)), known)


def test_dismissing() -> None:
    """ROS-10: not by its target, and not by a junior of its author."""
    team = path({"anna": ADMIN, "bert": MEMBER, "carl": MEMBER, "dora": MEMBER})
    team.act("frida", SetRole(user("bert"), ADMIN))
    team.act("frida", SetRole(user("dora"), ADMIN))
    head, known = losing(team, "bert", remove("dora", "carl"))
    act = Dismiss((head,))
    team.act("frida", Rename("x"))
    assert {name for name in ("frida", "anna", "bert", "carl", "dora") if not team.refuses(name, act, known)} == {
        "frida",
        "anna",
        "bert",
    }
    other = Path(team.roster)
    other.act("frida", remove("bert"))
    assert other.refuses("dora", act, known), "the target"
    other.act("frida", SetRole(user("carl"), READER))
    other.act("frida", SetRole(user("carl"), ADMIN))
    assert other.refuses("carl", act, known), "the other target"
    roster = other.act("anna", act, known)
    assert (roster.decided, roster.change, roster.key_kind) == (frozenset((head,)), Change(), KeyKind.KEPT)
    assert other.refuses("anna", act, known), "once"


def test_a_junior_dismisses_once_the_author_is_gone() -> None:
    """ROS-10."""
    team = path({"bert": ADMIN, "carl": MEMBER, "dora": MEMBER})
    team.act("frida", SetRole(user("dora"), ADMIN))
    head, known = losing(team, "bert", remove("carl"))
    team.act("frida", Rename("x"))
    assert team.refuses("dora", Dismiss((head,)), known)
    team.act("frida", remove("bert"))
    assert not team.refuses("dora", Dismiss((head,)), known)


# --- what an operation did -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "change"),
    [
        (add({"emil": MEMBER}), Change(admitted=frozenset(users("emil")))),
        (
            remove("carl", "dora"),
            Change(removed=frozenset(users("carl", "dora")), silenced=frozenset(users("carl"))),
        ),
        (SetRole(user("anna"), MEMBER), Change(demoted=frozenset(users("anna")))),
        (
            SetRole(user("anna"), READER),
            Change(demoted=frozenset(users("anna")), silenced=frozenset(users("anna"))),
        ),
        (SetRole(user("dora"), ADMIN), Change()),
        (SetRole(user("dora"), ARCHIVIST), Change()),
        (SetPolicy(GroupPolicy(posting=Who.ADMINS)), Change(muted=True)),
        (SetPolicy(GroupPolicy(adding=Who.MEMBERS)), Change()),
        (Rename("x"), Change()),
    ],
)
def test_changes(action: Action, change: Change) -> None:
    assert path().after("frida", action).change == change


def test_chains_are_closed_where_somebody_is_silenced() -> None:
    """ROS-13."""
    team = path()
    closes = (close(1, 5),)
    assert not team.refuses("frida", remove("carl", closes=closes))
    assert team.refuses("frida", remove("dora", closes=closes))
    assert not team.refuses("frida", SetRole(user("carl"), READER, closes))
    assert team.refuses("frida", SetRole(user("dora"), MEMBER, closes))
    assert not team.refuses("frida", SetPolicy(GroupPolicy(posting=Who.ADMINS), closes))
    assert team.refuses("frida", SetPolicy(GroupPolicy(adding=Who.MEMBERS), closes))


# --- the epoch key ---------------------------------------------------------------------------------------------------


def test_which_key() -> None:
    """ROS-12."""
    team = path()
    strict = GroupPolicy(sealing=Sealing.FORWARD_SECRET)
    kinds: list[tuple[Action, KeyKind]] = [
        (add({"emil": MEMBER}), KeyKind.DERIVED),
        (remove("emil"), KeyKind.FRESH),
        (Refresh(KEY), KeyKind.FRESH),
        (SetRole(user("dora"), MEMBER), KeyKind.KEPT),
        (SetRole(user("anna"), READER), KeyKind.KEPT),
        (SetPolicy(strict, (), KEY), KeyKind.FRESH),
        (SetPolicy(GroupPolicy()), KeyKind.KEPT),
        (Rename("x"), KeyKind.KEPT),
        (CloseGroup(), KeyKind.KEPT),
    ]
    assert team.refuses("frida", SetPolicy(strict))
    assert team.refuses("frida", SetPolicy(GroupPolicy(adding=Who.MEMBERS), (), KEY))
    for action, kind in kinds:
        before = team.roster.key_origin
        roster = team.act("frida", action)
        assert roster.key_kind is kind, action
        assert (roster.key_origin.head == roster.head) is (kind is KeyKind.FRESH)
        assert (roster.key_origin == before) is (kind is not KeyKind.FRESH)


def test_who_holds_the_key() -> None:
    """ROS-12: members minus withheld; what was admitted since holds it, too."""
    team = path()
    assert team.act("frida", Refresh(key("carl", "dora"))).holders == set(users("frida", "anna", "mallory"))
    assert team.act("frida", add({"emil": MEMBER})).holders == set(users("frida", "anna", "mallory", "emil"))
    assert team.act("frida", Rename("x")).holders == set(users("frida", "anna", "mallory", "emil"))
    assert team.act("frida", remove("carl")).holders == set(users("frida", "anna", "dora", "mallory", "emil"))


@pytest.mark.parametrize("withheld", ["frida", "emil"])
def test_from_whom_a_key_cannot_be_withheld(withheld: str) -> None:
    """ROS-12: its author has it, and who is not in does not get it."""
    assert path().refuses("frida", Refresh(key(withheld)))
    with pytest.raises(NotPermitted):
        found(create(roles=TEAM, fresh=key(withheld)))


# --- laws ------------------------------------------------------------------------------------------------------------


def test_a_roster_is_not_changed_by_going_on() -> None:
    team = path()
    before, roles = team.roster, dict(team.roster.roles)
    for action in ANY.values():
        team.after("frida", action)
    assert before.roles == roles
    with pytest.raises(TypeError):
        before.members[user("emil")] = before.members[user("carl")]  # type: ignore[index]  # that is the point


def test_what_is_refused_is_a_peers_fault() -> None:
    with pytest.raises(PeerError):
        path().after("emil", Add(ranked({"emil": ADMIN})))
    assert isinstance(FreshKey(bytes(32)).withheld, tuple)
