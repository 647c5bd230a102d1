"""The handle: making, loading, what it says about itself, and which arguments it refuses."""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any

import pytest

from siegel import PublicIdentity
from siegel.errors import InvalidArgument, MalformedError, NotARecipient, Replay, StateError
from siegel.events import MessageReceived
from siegel.groups.actions import GroupPolicy, Role
from siegel.groups.group import Group
from siegel.groups.message import MAX_BODY_BYTES
from siegel.groups.storage import MemoryStorage, Outgoing
from tests.groups.company import EVERYBODY, SEALED, Company, kinds, records_of, user, users
from tests.people import AT, person, public

CONTACTS = [public(name) for name in EVERYBODY]


# --- making and loading ----------------------------------------------------------------------------------------------


def test_a_founder_is_the_first_admin_and_invites_all_by_one_envelope() -> None:
    members = {public("bert"): Role.READER, public("carl"): Role.ADMIN}
    group, out = Group.create(person("anna"), members=members, name="a team", at=AT)
    assert group.roster.roles == {user("anna"): Role.ADMIN, user("bert"): Role.READER, user("carl"): Role.ADMIN}
    assert (group.user_id, group.roster.founder, group.roster.name) == (user("anna"), user("anna"), "a team")
    assert group.active == frozenset(users("anna", "bert", "carl"))
    assert (kinds(out), out.skipped) == ([SEALED], ())
    assert len(group.group_id) == 32


def test_a_group_of_one_has_nobody_to_tell() -> None:
    group, out = Group.create(person("anna"), members=[], name="notes", at=AT)
    assert out == Outgoing()
    assert group.encrypt(b"to myself", at=AT).message is not None


def test_the_founder_may_stand_among_the_members() -> None:
    group, out = Group.create(person("anna"), members={public("anna"): Role.READER}, name="notes", at=AT)
    assert group.roster.roles == {user("anna"): Role.ADMIN}
    assert out.control == ()


def test_two_groups_with_the_same_members_are_two_groups() -> None:
    storage = MemoryStorage()
    one, _ = Group.create(person("anna"), members=[public("bert")], name="x", storage=storage, at=AT)
    other, _ = Group.create(person("anna"), members=[public("bert")], name="x", storage=storage, at=AT)
    assert one.group_id != other.group_id
    for group in (one, other):
        loaded = Group.load(group.group_id, identity=person("anna"), contacts=CONTACTS, storage=storage)
        assert loaded.roster == group.roster


def test_without_an_instant_it_is_now() -> None:
    group, out = Group.create(person("anna"), members=[person("bert").public()], name="x")
    contacts = [person("anna").user_id]
    bert = Group.join(out.control[0], identity=person("bert"), contacts=contacts)
    sent = group.encrypt(b"now")
    assert sent.message is not None
    _, outcome = bert.receive_many([*sent.control, sent.message])
    assert isinstance(outcome, tuple)
    (message,) = outcome
    assert isinstance(message, MessageReceived)
    assert abs(message.sent_at - time.time() * 1000) < 60_000


def test_a_group_goes_on_where_it_was_stored() -> None:
    team = Company("anna", "bert", "carl")
    team.say("anna", "one")
    out = team.act("anna", "encrypt", b"two")
    before, gaps = team["bert"].roster, team["bert"].gaps()
    bert = team.reload("bert")
    assert (bert.roster, bert.gaps(), bert.active) == (before, gaps, team["anna"].active)
    assert team.deliver(out, "anna").readers == {"bert", "carl"}
    assert team.say("bert", "three").readers == {"anna", "carl"}


def test_every_device_can_be_loaded_after_every_step() -> None:
    team = Company("anna", "bert", "carl")
    for number, name in enumerate(["anna", "bert", "carl", "anna", "bert"]):
        everybody = {"anna", "bert", "carl"}
        assert team.say(name, f"{number}").readers == everybody - {name}
        for device in everybody:
            team.reload(device)


def test_a_storage_without_the_group_is_no_group() -> None:
    team = Company("anna", "bert")
    with pytest.raises(InvalidArgument, match="no such group"):
        Group.load(team["anna"].group_id, identity=person("anna"), contacts=CONTACTS, storage=MemoryStorage())


class Counted(MemoryStorage):
    """A storage that is false while it is empty, as containers are."""

    def __len__(self) -> int:
        return len(records_of(self))


def test_an_empty_storage_is_a_storage() -> None:
    here, there, elsewhere = Counted(), Counted(), Counted()
    anna, out = Group.create(person("anna"), members=[public("bert")], name="x", storage=here, at=AT)
    bert = Group.join(out.control[0], identity=person("bert"), contacts=CONTACTS, storage=there, at=AT)
    Group.restore(bert.export(), identity=person("bert"), contacts=CONTACTS, storage=elsewhere)
    for storage in (here, there, elsewhere):
        Group.load(anna.group_id, identity=person("bert"), contacts=CONTACTS, storage=storage)


# --- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", [None, b"secret", public("anna")], ids=["none", "bytes", "public"])
def test_a_group_is_somebodys(identity: Any) -> None:
    with pytest.raises(InvalidArgument):
        Group.create(identity, members=[], name="x", at=AT)


@pytest.mark.parametrize("members", [[person("bert")], [user("bert")], {user("bert"): Role.MEMBER}, [b"bert"]])
def test_members_are_given_as_public_identities(members: Any) -> None:
    with pytest.raises(InvalidArgument, match="PublicIdentity"):
        Group.create(person("anna"), members=members, name="x", at=AT)


def test_a_user_stands_once_among_the_members() -> None:
    with pytest.raises(InvalidArgument, match="twice"):
        Group.create(person("anna"), members=[public("bert"), public("bert", AT + 1)], name="x", at=AT)


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_has_1_to_255_bytes(name: str) -> None:
    with pytest.raises(InvalidArgument):
        Group.create(person("anna"), members=[], name=name, at=AT)
    with pytest.raises(InvalidArgument):
        Company("anna").act("anna", "rename", name)


def test_a_policy_has_bounds() -> None:
    with pytest.raises(InvalidArgument):
        Group.create(person("anna"), members=[], name="x", policy=GroupPolicy(rotate_messages=0), at=AT)
    with pytest.raises(InvalidArgument):
        Company("anna").act("anna", "set_policy", GroupPolicy(rotate_age=1))


@pytest.mark.parametrize("body", ["text", 5, None, [1, 2]], ids=["text", "number", "none", "list"])
def test_a_body_is_bytes(body: Any) -> None:
    team = Company("anna", "bert")
    with pytest.raises(InvalidArgument):
        team.act("anna", "encrypt", body)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_body_may_be_any_bytes(kind: Any) -> None:
    team = Company("anna", "bert")
    assert team.do("anna", "encrypt", kind(b"hello")).texts("bert") == [b"hello"]


def test_a_body_has_up_to_64_kib() -> None:
    team = Company("anna", "bert")
    assert team.do("anna", "encrypt", bytes(MAX_BODY_BYTES)).texts("bert") == [bytes(MAX_BODY_BYTES)]
    before = records_of(team.storages["anna"])
    with pytest.raises(InvalidArgument):
        team.act("anna", "encrypt", bytes(MAX_BODY_BYTES + 1))
    assert records_of(team.storages["anna"]) == before


@pytest.mark.parametrize("content_type", ["", "siegel/control", "siegel/x", "u\u0308", "x" * 256, None, b"text"])
def test_a_content_type_is_the_applications_own(content_type: Any) -> None:
    team = Company("anna", "bert")
    with pytest.raises(InvalidArgument):
        team.act("anna", "encrypt", b"", content_type=content_type)


def test_a_content_type_arrives() -> None:
    team = Company("anna", "bert")
    (message,) = team.do("anna", "encrypt", b"<b>", content_type="text/html").messages("bert")
    assert (message.content_type, message.sent_at, message.sender) == ("text/html", team.at, user("anna"))


@pytest.mark.parametrize("data", ["text", bytearray(b"\x8a\x03"), None, 5], ids=["text", "bytearray", "none", "number"])
def test_what_is_received_is_bytes(data: Any) -> None:
    team = Company("anna", "bert")
    with pytest.raises(InvalidArgument):
        team["anna"].receive(data, at=AT)


def test_an_instant_lies_between_1970_and_9999() -> None:
    group = Company("anna")["anna"]
    for at in (-1, 2**60):
        with pytest.raises(InvalidArgument):
            group.encrypt(b"", at=at)


@pytest.mark.parametrize("exported", [b"", b"\x00", b"\x83\x00\x00\x00", b"\x80"])
def test_an_export_has_one_form(exported: bytes) -> None:
    with pytest.raises(MalformedError):
        Group.restore(exported, identity=person("anna"), contacts=[])


def test_nothing_of_a_group_is_shown() -> None:
    team = Company("anna", "bert")
    out = team.act("anna", "encrypt", b"the words")
    shown = repr(team["anna"]) + repr(out)
    assert "of 2" in shown
    assert "words" not in shown
    assert person("anna").reveal() not in shown


# --- somebody else's -------------------------------------------------------------------------------------------------


def test_groups_with_the_same_members_do_not_take_each_others_messages() -> None:
    one, other = Company("anna", "bert"), Company("anna", "bert")
    out = one.act("anna", "encrypt", b"for one group")
    heard = other.hand([*out.control, *([out.message] if out.message else [])], ["bert"])
    assert heard.readers == set()
    assert [error.__name__ for error in heard.errors("bert")] == ["StaleRoster", "MissingSenderKey"]


def test_our_own_words_come_back_as_a_replay() -> None:
    team = Company("anna", "bert")
    out = team.act("anna", "encrypt", b"hello")
    assert out.message is not None
    for group in (team["anna"], team.reload("anna")):
        for data in (*out.control, out.message):
            with pytest.raises(Replay):
                group.receive(data, at=team.at)


def test_an_invitation_for_others_is_not_for_us() -> None:
    _, out = Group.create(person("anna"), members=[public("bert")], name="x", at=AT)
    with pytest.raises(NotARecipient):
        Group.join(out.control[0], identity=person("carl"), contacts=CONTACTS, at=AT)


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_closed_group_takes_nothing_more() -> None:
    team = Company("anna", "bert", roles={"bert": Role.ADMIN})
    team.say("bert")
    with pytest.raises(StateError):
        team.act("bert", "close")
    team.do("anna", "close")
    acts: list[tuple[str, Any]] = [
        ("encrypt", b"x"),
        ("rename", "x"),
        ("rotate", None),
        ("refresh", None),
        ("add", [public("carl")]),
        ("close", None),
    ]
    for device in ("anna", "bert"):
        assert team[device].roster.closed
        assert not team[device].refresh_due(at=AT * 2)
        for verb, argument in acts:
            with pytest.raises(StateError):
                team.act(device, verb, *([] if argument is None else [argument]))


def test_a_message_after_the_close_is_refused() -> None:
    team = Company("anna", "bert", "carl")
    team.say("carl")
    close = team.act("anna", "close")
    team.deliver(close, "anna", to=["bert"])
    assert team.say("carl", "late").readers == {"anna", "bert"}, "carl does not know, and said it before the end"


def test_a_forgotten_group_is_gone() -> None:
    team = Company("anna", "bert")
    team.say("bert")
    team["anna"].forget()
    (name,) = records_of(team.storages["anna"])
    assert name.endswith("/forgotten")
    for verb in ("encrypt", "receive"):
        with pytest.raises(StateError):
            getattr(team["anna"], verb)(b"", at=team.at)
    with pytest.raises(InvalidArgument):
        team.reload("anna")


def test_records_of_a_public_identity_that_ended_long_ago_are_not_sealed_to() -> None:
    old: PublicIdentity = public("bert", AT - 200 * 86_400_000)
    group, out = Group.create(person("anna"), members=[old, public("carl")], name="x", at=AT)
    assert out.skipped == (user("bert"),)
    assert user("bert") in group.roster.members
    assert len(out.control) == 1


def test_a_handle_is_not_copied() -> None:
    group, _ = Group.create(person("anna"), members=[], name="a team", at=AT)
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="two of them would write in one chain"):
            duplicate(group)
