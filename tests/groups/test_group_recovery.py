"""What a group does about loss: asking and answering, a second device, a restored or cloned state, a new chain."""

from __future__ import annotations

import pytest

from siegel.errors import (
    Expired,
    MalformedError,
    MissingSenderKey,
    NotPermitted,
    PeerError,
    Replay,
    StateError,
)
from siegel.events import (
    ChainForked,
    CloneAlarm,
    EpochKeyReceived,
    IdentityUpdated,
    ReplyReady,
    RosterChanged,
    SenderKeyReceived,
)
from siegel.groups.certificate import Certificate
from siegel.groups.group import Group
from siegel.groups.message import parse_message, verify_signature
from siegel.groups.storage import MemoryStorage
from tests.groups.company import (
    MESSAGE,
    SEALED,
    Company,
    kinds,
    message_of,
    named,
    parts,
    records_of,
    user,
    users,
)
from tests.people import DAY, person

TEAM = ("anna", "bert", "carl")


# --- request and answer ----------------------------------------------------------------------------------------------


def test_operations_that_were_lost_are_asked_for() -> None:
    team = Company(*TEAM)
    for number in range(3):
        team.deliver(team.act("anna", "rename", f"name {number}"), "anna", to=["bert"])
    assert team["carl"].roster.height == 0
    heard = team.do("carl", "request")
    assert {*heard.events(ReplyReady, "anna"), *heard.events(ReplyReady, "bert")} == {*heard.events(ReplyReady)}
    assert {reply.to for reply in heard.events(ReplyReady)} == {user("carl")}
    assert team.answer(heard, "carl").events(RosterChanged, "carl")
    assert team["carl"].roster == team["anna"].roster


def test_one_member_can_be_asked() -> None:
    team = Company(*TEAM)
    team.deliver(team.act("anna", "rename", "x"), "anna", to=["bert"])
    out = team.act("carl", "request", to=users("bert"))
    assert [named(data) for data in out.control] == [{user("bert")}]


def test_a_fresh_key_that_was_lost_is_asked_for() -> None:
    team = Company("anna", "bert", "carl", "dora")
    team.deliver(team.act("anna", "remove", users("dora")), "anna", to=["bert"])
    out = team.act("anna", "encrypt", b"x")
    team.deliver(out, "anna")
    heard = team.ask("carl")
    assert heard.events(EpochKeyReceived, "carl")
    assert heard.texts("carl") == [b"x"], "what came too early had waited"


def test_a_chain_whose_announcement_was_lost_is_asked_for_and_read_from_then_on() -> None:
    team = Company(*TEAM)
    announcement, message = parts(team.act("anna", "encrypt", b"1"))
    assert team.hand([message], ["bert"]).errors("bert") == [MissingSenderKey]
    (key,) = team.ask("bert", "anna").events(SenderKeyReceived)
    assert (key.chain_id, key.start) == (parse_message(message).chain_id, 1)
    assert team.say("anna", "2").texts("bert") == [b"2"]
    assert team.hand([announcement], ["bert"]).texts("bert") == [b"1"], "the first announcement reaches back"


def test_nobody_but_the_owner_gives_a_chain() -> None:
    team = Company(*TEAM)
    _, message = parts(team.act("anna", "encrypt", b"1"))
    team.hand([message], ["bert"])
    assert not team.ask("bert", "carl").events(SenderKeyReceived)


def test_a_request_that_nothing_can_be_said_to_is_not_answered() -> None:
    team = Company(*TEAM)
    heard = team.do("carl", "request")
    assert heard.errors("anna") == heard.errors("bert") == [Replay]


def test_who_is_out_is_not_answered() -> None:
    team = Company(*TEAM)
    team.do("anna", "remove", users("carl"))
    heard = team.do("carl", "request")
    assert heard.errors("anna") == heard.errors("bert") == [NotPermitted]
    assert not heard.events(ReplyReady)


def test_an_answer_stands_in_what_the_storage_is_to_send() -> None:
    team = Company(*TEAM)
    team.deliver(team.act("anna", "rename", "x"), "anna", to=["bert"])
    request = team.act("carl", "request", to=users("anna")).control
    sent: list[bytes] = []

    class Outbox(MemoryStorage):
        def commit(self, changes: object, outgoing: object) -> None:
            sent.extend(outgoing.control)  # type: ignore[attr-defined]
            super().commit(changes, outgoing)  # type: ignore[arg-type]

    outbox = Outbox()
    outbox.commit(records_of(team.storages["anna"]), team.act("bert", "request", to=[]))
    anna = Group.load(team["anna"].group_id, identity=person("anna"), contacts=team.contacts, storage=outbox)
    (reply,) = anna.receive(request[0], at=team.at)
    assert isinstance(reply, ReplyReady)
    assert list(reply.control) == sent


# --- a second device -------------------------------------------------------------------------------------------------


def test_two_devices_of_one_user_both_read_and_both_send() -> None:
    team = Company(*TEAM)
    for name in TEAM:
        team.say(name, "before")
    tablet = team.link("bert", "bert/tablet")
    assert tablet.roster == team["bert"].roster
    assert team.ask("bert/tablet").events(EpochKeyReceived)
    everybody = {*TEAM, "bert/tablet"}
    assert team.say("anna").readers == everybody - {"anna"}, "a chain that was announced before goes on"
    assert team.say("bert/tablet").readers == everybody - {"bert/tablet"}
    team.do("bert", "rotate")
    for device in ("bert", "bert/tablet", "anna", "carl", "bert", "bert/tablet"):
        assert team.say(device).readers == everybody - {device}
    team.do("anna", "remove", users("carl"))
    for device in ("bert/tablet", "bert", "anna"):
        assert team.say(device).readers == {"anna", "bert", "bert/tablet"} - {device}


def test_the_first_device_gives_its_chain_to_the_second() -> None:
    team = Company(*TEAM)
    team.say("bert", "before")
    team.link("bert", "bert/tablet")
    assert team.say("bert", "1").errors("bert/tablet") == [MissingSenderKey]
    assert team.ask("bert/tablet").events(SenderKeyReceived)
    assert team.say("bert", "2").texts("bert/tablet") == [b"2"]


def test_an_export_holds_no_live_chain_no_epoch_key_and_no_links() -> None:
    team = Company(*TEAM)
    for name in TEAM:
        team.say(name)
    exported = team["anna"].export()
    live = [
        data for name, data in records_of(team.storages["anna"]).items() if "/own/sending" in name or "/key/" in name
    ]
    links = [data for name, data in records_of(team.storages["anna"]).items() if "/link/" in name]
    assert len(live) == 2
    assert links
    assert not any(data in exported for data in live + links)
    own = message_of(team.act("anna", "encrypt", b"")).chain_id
    assert own not in exported


def test_a_restored_device_begins_a_new_chain_that_travels_sealed() -> None:
    team = Company(*TEAM)
    (before,) = team.say("bert").messages("anna")
    team.say("anna", "1")
    exported = team["bert"].export()
    heard = team.say("anna", "2")
    team.groups["bert"] = Group.restore(
        exported, identity=person("bert"), contacts=team.contacts, storage=MemoryStorage()
    )
    again = [data for sender, data in team.wire if sender == "anna" and data[:2] == MESSAGE]
    assert team.hand(again, ["bert"]).texts("bert") == [b"2"], "what came before the backup cannot be read again"
    assert heard.texts("bert") == [b"2"]
    out = team.act("bert", "encrypt", b"restored")
    assert kinds(out) == [SEALED, MESSAGE]
    assert message_of(out).chain_id != before.chain_id
    assert team.deliver(out, "bert").readers == {"anna", "carl"}
    assert kinds(team.act("bert", "encrypt", b"x")) == [MESSAGE]


def test_a_restored_device_of_an_old_state_catches_up() -> None:
    team = Company(*TEAM, "dora")
    exported = team["bert"].export()
    team.do("anna", "remove", users("dora"))
    team.do("anna", "rename", "x")
    team.say("anna")
    team.groups["bert"] = Group.restore(
        exported, identity=person("bert"), contacts=team.contacts, storage=MemoryStorage()
    )
    assert team["bert"].roster.height == 0
    assert team.say("carl").readers == {"anna"}
    assert team.ask("bert").texts("bert") == [b"hello"]
    assert team["bert"].roster == team["anna"].roster
    assert team.say("bert").readers == {"anna", "carl"}


def test_a_restored_state_replaces_nothing() -> None:
    team = Company(*TEAM)
    exported = team["bert"].export()
    team.say("bert")
    before = records_of(team.storages["bert"])
    with pytest.raises(StateError):
        Group.restore(exported, identity=person("bert"), contacts=[], storage=team.storages["bert"])
    assert records_of(team.storages["bert"]) == before


# --- clones ----------------------------------------------------------------------------------------------------------


def test_two_instances_of_one_state_that_both_send_are_noticed_by_both() -> None:
    team = Company(*TEAM)
    team.say("bert", "0")
    team.clone("bert", "bert/twin")
    chain = message_of(team.act("carl", "encrypt", b"")).chain_id
    one, two = team.act("bert", "encrypt", b"one"), team.act("bert/twin", "encrypt", b"two")
    for out, device, other in ((one, "bert", "bert/twin"), (two, "bert/twin", "bert")):
        (alarm,) = team.deliver(out, device, to=[other]).events(CloneAlarm)
        assert alarm.index == 1
        assert alarm.chain_id != chain
        certificate, message = Certificate.decode(alarm.evidence[0]), parse_message(alarm.evidence[-1])
        assert certificate.sender == user("bert")
        verify_signature(message, certificate.signing_key)
    for device in ("bert", "bert/twin"):
        out = team.act(device, "encrypt", b"a new chain")
        assert kinds(out) == [SEALED, MESSAGE]
        assert message_of(out).chain_id != message_of(one).chain_id
        assert team.deliver(out, device).texts("anna") == [b"a new chain"]


def test_the_others_see_that_a_chain_forked() -> None:
    team = Company(*TEAM)
    team.say("bert", "0")
    team.clone("bert", "bert/twin")
    assert team.say("bert", "one", to=["anna"]).readers == {"anna"}
    heard = team.say("bert/twin", "two", to=["anna"])
    (fork,) = heard.events(ChainForked)
    assert (fork.sender, fork.index) == (user("bert"), 1)
    assert heard.readers == set()


def test_an_alarm_is_remembered() -> None:
    team = Company(*TEAM)
    team.say("bert", "0")
    team.clone("bert", "bert/twin")
    team.say("bert/twin", "two", to=["bert"])
    team.reload("bert")
    assert kinds(team.act("bert", "encrypt", b"x")) == [SEALED, MESSAGE]


def test_a_message_in_our_own_ended_chain_is_an_alarm() -> None:
    team = Company(*TEAM)
    team.say("bert", "0")
    team.clone("bert", "bert/twin")
    team.deliver(team.act("bert", "rotate"), "bert", to=["anna", "carl"])
    assert team.say("bert/twin", "later", to=["bert"]).events(CloneAlarm)


def test_our_own_words_are_no_alarm_after_the_chain_ended() -> None:
    team = Company(*TEAM)
    out = team.act("bert", "encrypt", b"0")
    team.do("bert", "rotate")
    for device in (team["bert"], team.reload("bert")):
        with pytest.raises(Replay):
            device.receive(parts(out)[-1], at=team.at)


def test_a_twin_whose_chain_was_ended_by_the_other_is_alarmed() -> None:
    """The other instance closed the chain that both think is theirs: what is said in it reaches nobody any more."""
    team = Company(*TEAM)
    team.say("bert", "0")
    team.clone("bert", "bert/twin")
    rotation = team.act("bert", "rotate")
    assert team.deliver(rotation, "bert").events(CloneAlarm, "bert/twin")
    assert team.deliver(rotation, "bert", to=["bert/twin"]).errors("bert/twin") == [Replay], "once"
    assert team.say("bert/twin", "I am still heard").readers == {"anna", "bert", "carl"}


# --- keys on demand --------------------------------------------------------------------------------------------------


def test_a_rotation_is_announced_sealed_and_ends_the_old_chain() -> None:
    team = Company(*TEAM)
    (before,) = team.say("anna").messages("bert")
    team.clone("anna", "anna/thief")
    out = team.act("anna", "rotate")
    assert kinds(out) == [SEALED]
    team.deliver(out, "anna", to=["bert", "carl"])
    assert team.say("anna/thief", "in her name", to=["bert"]).readers == set()
    (after,) = team.say("anna").messages("bert")
    assert after.chain_id != before.chain_id
    assert after.index == 0


def test_keys_are_announced_to_active_members_only() -> None:
    team = Company(*TEAM)
    with pytest.raises(StateError, match="no chain"):
        team.act("anna", "announce", to=users("bert"))
    team.say("anna", "1", to=[])
    for outsiders in (users("dora"), users("bert", "dora")):
        with pytest.raises(StateError, match="active members"):
            team.act("anna", "announce", to=outsiders)
    out = team.act("anna", "announce", to=users("bert"))
    assert [named(data) for data in out.control] == [{user("bert")}]
    team.deliver(out, "anna")
    assert team.say("anna", "2").readers == {"bert"}


def test_a_record_that_everybody_has_is_not_published_again() -> None:
    team = Company(*TEAM)
    assert parts(team.act("anna", "publish")) == []
    team.tick(80 * DAY)
    out = team.act("anna", "publish")
    assert len(parts(out)) == 1
    assert team.deliver(out, "anna").events(IdentityUpdated, "bert")
    assert parts(team.act("anna", "publish")) == []


def test_whoever_posts_publishes_their_newest_record_by_the_way() -> None:
    team = Company(*TEAM)
    team.say("anna")
    team.tick(80 * DAY)
    assert team.say("anna").events(IdentityUpdated, "bert")


def test_who_is_away_for_long_is_skipped_and_named() -> None:
    """Their record ended, and so did its grace: nothing is sealed to a key that may be anybody's by now."""
    team = Company(*TEAM, contacts=users("anna", "bert", "carl"))
    team.tick(100 * DAY)
    assert team.say("anna").readers == {"bert", "carl"}
    team.tick(21 * DAY)
    out = team.act("anna", "rotate")
    assert {*out.skipped} == {*users("bert", "carl")}
    assert [named(data) for data in out.control] == [{user("anna")}]


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_keys_of_an_ended_chain_wait_thirty_days_for_late_messages() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    late, later = (parts(team.act("anna", "encrypt", text))[0] for text in (b"late", b"later"))
    team.do("anna", "rotate")
    team.tick(29 * DAY)
    assert team.hand([late], ["bert"]).texts("bert") == [b"late"]
    team.tick(2 * DAY)
    before = records_of(team.storages["bert"])
    assert team.hand([later], ["bert"]).errors("bert") == [Expired]
    gone = before.keys() - records_of(team.storages["bert"]).keys()
    assert any("/link/" in name for name in gone)
    assert team["bert"].gaps() == ()


def test_epoch_keys_are_gone_on_schedule() -> None:
    team = Company(*TEAM)
    team.do("anna", "refresh")
    team.say("bert", "x")

    def held(name: str) -> int:
        return sum("/key/" in record for record in records_of(team.storages[name]))

    assert held("carl") == 2
    team.tick(31 * DAY)
    team.say("bert", "y")
    assert held("carl") == 1
    team.tick(31 * DAY)
    team.say("bert", "z")
    assert held("carl") == 0


def test_an_export_of_another_form_leaves_the_storage_alone() -> None:
    team = Company(*TEAM)
    team.say("anna")
    exported = team["bert"].export()
    for place in range(0, len(exported), 7):
        storage, changed = MemoryStorage(), bytearray(exported)
        changed[place] ^= 0x41
        try:
            Group.restore(bytes(changed), identity=person("bert"), contacts=[], storage=storage)
        except PeerError:
            assert records_of(storage) == {}


def test_a_cut_export_is_malformed() -> None:
    exported = Company(*TEAM)["bert"].export()
    for size in range(0, len(exported), 11):
        with pytest.raises(MalformedError):
            Group.restore(exported[:size], identity=person("bert"), contacts=[])


def test_a_message_that_is_read_after_a_restart_is_read_once() -> None:
    team = Company(*TEAM)
    out = team.act("anna", "encrypt", b"x")
    assert team.deliver(out, "anna").readers == {"bert", "carl"}
    for device in ("bert", "carl"):
        team.reload(device)
    heard = team.deliver(out, "anna")
    assert heard.readers == set()
    assert heard.errors("bert") == [Replay, Replay]
