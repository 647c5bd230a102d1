"""Messages of a group as its users see them: what is read, in which order, when it is too early, when a chain ends."""

from __future__ import annotations

import pytest

from siegel.errors import (
    InvalidMessage,
    MissingEpochKey,
    MissingSenderKey,
    NotPermitted,
    PeerError,
    Replay,
    StaleRoster,
    StateError,
)
from siegel.events import (
    MessageMissing,
    MessageReceived,
    ParentContradicted,
    PartRefused,
    RosterChanged,
    Seen,
    SenderKeyReceived,
)
from siegel.groups.actions import GroupPolicy, Role, Who
from siegel.groups.control import Control
from siegel.groups.group import Gap
from tests.groups.chains import unsigned
from tests.groups.company import BROADCAST, MESSAGE, SEALED, Company, kinds, message_of, parts, user, users
from tests.people import DAY, HOUR

TEAM = ("anna", "bert", "carl")


# --- from one to all -------------------------------------------------------------------------------------------------


def test_a_message_is_read_by_everybody_else() -> None:
    team = Company(*TEAM)
    for number, sender in enumerate(["anna", "bert", "carl", "bert", "anna"]):
        heard = team.say(sender, f"text {number}")
        assert heard.readers == {*TEAM} - {sender}
        assert all(heard.texts(reader) == [f"text {number}".encode()] for reader in heard.readers)


def test_a_chain_is_announced_once_by_one_broadcast() -> None:
    team = Company(*TEAM)
    assert kinds(team.act("anna", "encrypt", b"")) == [BROADCAST, MESSAGE]
    assert kinds(team.act("anna", "encrypt", b"")) == [MESSAGE]


def test_letters_do_instead_of_envelopes() -> None:
    team = Company(*TEAM, by_letter=True)
    team.add("anna", "dora")
    team.do("anna", "remove", users("carl"))
    assert team.say("dora").readers == {"anna", "bert"}
    assert team.do("anna", "rotate").events(SenderKeyReceived, "bert")
    assert team.say("anna").readers == {"bert", "dora"}


def test_a_batch_has_one_result_for_each_input() -> None:
    team = Company(*TEAM)
    first, second = team.act("anna", "encrypt", b"1"), team.act("bert", "encrypt", b"2")
    junk, again = b"\x8a\x03 junk", parts(first)[1]
    inputs = [*parts(first), junk, *parts(second), again]
    outcomes = team["carl"].receive_many(inputs, at=team.at)
    texts = [
        [event.body for event in outcome if isinstance(event, MessageReceived)] if isinstance(outcome, tuple) else None
        for outcome in outcomes
    ]
    assert texts == [[], [b"1"], None, [], [b"2"], None]
    assert isinstance(outcomes[2], PeerError)
    assert isinstance(outcomes[5], Replay)


def test_an_empty_batch_is_nothing() -> None:
    assert Company(*TEAM)["anna"].receive_many([]) == []


# --- time and order --------------------------------------------------------------------------------------------------


def test_messages_in_any_order_are_all_read_once() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    sent = [parts(team.act("anna", "encrypt", f"{number}".encode()))[0] for number in range(1, 6)]
    heard = team.hand([sent[3], sent[0], sent[4], sent[3], sent[2], sent[1], sent[0]], ["bert"])
    assert heard.texts("bert") == [b"4", b"1", b"5", b"3", b"2"]
    assert heard.errors("bert") == [Replay, Replay]


def test_what_is_missing_in_a_chain_is_a_gap() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    sent = [parts(team.act("anna", "encrypt", f"{number}".encode()))[0] for number in range(1, 7)]
    chain_id = message_of(team.act("anna", "encrypt", b"")).chain_id
    team.hand([sent[2], sent[5]], ["bert"])
    assert team["bert"].gaps() == (Gap(user("anna"), chain_id, 1, 2), Gap(user("anna"), chain_id, 4, 5))
    assert team.reload("bert").gaps() == (Gap(user("anna"), chain_id, 1, 2), Gap(user("anna"), chain_id, 4, 5))
    team.hand([sent[1], sent[4]], ["bert"])
    assert team["bert"].gaps() == (Gap(user("anna"), chain_id, 1, 1), Gap(user("anna"), chain_id, 4, 4))
    team.hand([sent[0], sent[3]], ["bert"])
    assert team["bert"].gaps() == ()


def test_a_message_before_its_sender_key_waits_for_it() -> None:
    team = Company(*TEAM)
    announcement, message = parts(team.act("anna", "encrypt", b"early"))
    assert team.hand([message], ["bert"]).errors("bert") == [MissingSenderKey]
    heard = team.hand([announcement], ["bert"])
    assert [type(event) for event in heard.of("bert")] == [SenderKeyReceived, MessageReceived]
    assert team.hand([message], ["bert"]).errors("bert") == [Replay]


def test_a_message_before_its_sender_key_can_be_given_again() -> None:
    """What waits is a cache: a device that starts anew has lost it, and has lost nothing."""
    team = Company(*TEAM)
    announcement, message = parts(team.act("anna", "encrypt", b"early"))
    with pytest.raises(MissingSenderKey) as early:
        team["bert"].receive(message, at=team.at)
    assert early.value.chain_id == message_of(team.act("anna", "encrypt", b"")).chain_id
    team.reload("bert")
    assert team.hand([announcement, message], ["bert"]).texts("bert") == [b"early"]


def test_a_message_from_a_newer_roster_waits_for_it() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    rename = team.act("anna", "rename", "another name")
    message = team.act("anna", "encrypt", b"1")
    with pytest.raises(StaleRoster) as early:
        team["bert"].receive(parts(message)[0], at=team.at)
    assert early.value.head == team["anna"].roster.head
    heard = team.hand(rename.control, ["bert"])
    assert [type(event) for event in heard.of("bert")] == [RosterChanged, MessageReceived]
    assert team["bert"].gaps() == ()


def test_a_chain_from_a_newer_roster_waits_for_it() -> None:
    team = Company(*TEAM)
    renamed = team.act("anna", "rename", "x")
    announcement, message = parts(team.act("anna", "encrypt", b"1"))
    assert team.hand([announcement, message], ["bert"]).errors("bert") == [StaleRoster, MissingSenderKey]
    assert team.hand(renamed.control, ["bert"]).texts("bert") == [b"1"]


def test_a_broadcast_before_its_epoch_key_waits_for_it() -> None:
    team = Company(*TEAM, "dora")
    removal = team.act("anna", "remove", users("dora"))
    announcement, message = parts(team.act("anna", "encrypt", b"1"))
    (sealed,) = removal.control
    operation = team["anna"].operations()[-1]
    without_key = team.sealed("anna", Control(team["anna"].group_id, items=(operation,)), "bert")
    assert team.hand([without_key, announcement, message], ["bert"]).errors("bert") == [
        MissingEpochKey,
        MissingSenderKey,
    ]
    assert team.hand([sealed], ["bert"]).texts("bert") == [b"1"]


def test_what_waits_is_taken_however_it_comes() -> None:
    """Everything that two acts and two messages need, backwards."""
    team = Company(*TEAM, "dora")
    outs = [
        team.act("anna", "remove", users("dora")),
        team.act("anna", "encrypt", b"1"),
        team.act("anna", "rename", "x"),
        team.act("anna", "encrypt", b"2"),
    ]
    inputs = [data for out in outs for data in parts(out)]
    heard = team.hand(inputs[::-1], ["bert"])
    assert sorted(heard.texts("bert")) == [b"1", b"2"]
    assert team["bert"].roster == team["anna"].roster


# --- parents ---------------------------------------------------------------------------------------------------------


def test_a_message_names_what_its_sender_had_seen() -> None:
    team = Company(*TEAM)
    (first,) = team.say("anna", "question").messages("bert")
    (answer,) = team.say("bert", "answer").messages("carl")
    assert answer.parents == (Seen(first.chain_id, first.index, first.message_id),)
    (second,) = team.say("bert", "more").messages("carl")
    assert second.parents == (), "nothing new was seen in between"


def test_three_parents_are_named_the_newest_of_each_chain() -> None:
    team = Company("anna", "bert", "carl", "dora", "emil", "frida")
    seen = [team.say(name, "x").messages("anna") for name in ("bert", "bert", "carl", "dora", "emil")]
    (message,) = team.say("anna").messages("frida")
    newest = sorted(Seen(m.chain_id, m.index, m.message_id) for (m,) in seen[2:])
    assert list(message.parents) == newest


def test_a_parent_that_is_not_here_is_reported() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    withheld = team.act("anna", "encrypt", b"1")
    team.deliver(withheld, "anna", to=["bert"])
    heard = team.say("bert", "did you see that?")
    (missing,) = heard.events(MessageMissing, "carl")
    assert missing == MessageMissing(user("bert"), message_of(withheld).chain_id, 1)
    assert heard.texts("carl") == [b"did you see that?"]
    assert heard.events(MessageMissing, "anna") == []
    assert team["carl"].gaps() == (), "bert's word is no proof that the message exists"


def test_a_parent_that_is_another_here_is_reported() -> None:
    """A sender with two faces, each shown to another member."""
    team = Company(*TEAM)
    team.say("anna", "0")
    team.clone("anna", "anna/twin")
    team.say("anna", "yes", to=["bert"])
    (no,) = team.say("anna/twin", "no", to=["carl"]).messages("carl")
    heard = team.say("bert", "she said yes", to=["carl"])
    assert heard.texts("carl") == [b"she said yes"]
    (event,) = heard.events(ParentContradicted)
    assert (event.reporter, event.chain_id, event.index) == (user("bert"), no.chain_id, 1)
    assert event.message_id != no.message_id


def test_a_newcomer_hears_nothing_of_what_was_before() -> None:
    team = Company("anna", "bert", "carl")
    team.say("anna", "0")
    team.say("bert", "1")
    team.add("anna", "dora")
    assert [type(event) for event in team.say("anna", "2").of("dora")] == [SenderKeyReceived, MessageReceived]
    heard = team.say("carl", "3")
    assert not heard.events(MessageMissing)
    assert team["dora"].gaps() == ()


# --- when a chain ends -----------------------------------------------------------------------------------------------


def test_a_chain_ends_after_its_messages() -> None:
    team = Company(*TEAM, policy=GroupPolicy(rotate_messages=3))
    heard = [team.say("anna", str(number)) for number in range(8)]
    assert [message.index for one in heard for message in one.messages("bert")] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert len({message.chain_id for one in heard for message in one.messages("bert")}) == 3


def test_a_chain_ends_with_its_time() -> None:
    team = Company(*TEAM, policy=GroupPolicy(rotate_age=HOUR))
    (first,) = team.say("anna").messages("bert")
    team.tick(HOUR - 2_000)
    (second,) = team.say("anna").messages("bert")
    team.tick(1_000)
    (third,) = team.say("anna").messages("bert")
    assert first.chain_id == second.chain_id != third.chain_id


def test_a_chain_does_not_outlive_a_clock_that_goes_back() -> None:
    team = Company(*TEAM)
    (first,) = team.say("anna").messages("bert")
    team.tick(-HOUR)
    (second,) = team.say("anna").messages("bert")
    assert first.chain_id != second.chain_id


def test_an_old_epoch_announces_nothing() -> None:
    """A key that many were given long ago announces no new chain; it is sealed to each of them."""
    team = Company(*TEAM)
    team.tick(15 * DAY)
    out = team.act("anna", "encrypt", b"x")
    assert kinds(out) == [SEALED, MESSAGE]
    assert team.deliver(out, "anna").readers == {"bert", "carl"}
    team.do("bert", "refresh")
    assert kinds(team.act("carl", "encrypt", b"x")) == [BROADCAST, MESSAGE]


def test_after_a_refresh_everybody_begins_anew() -> None:
    team = Company(*TEAM)
    before = {name: message_of(team.act(name, "encrypt", b"")).chain_id for name in TEAM}
    team.do("carl", "refresh")
    for name in TEAM:
        out = team.act(name, "encrypt", b"x")
        assert message_of(out).chain_id != before[name]
        assert kinds(out) == [BROADCAST, MESSAGE]
        assert team.deliver(out, name).readers == {*TEAM} - {name}


# --- who may post ----------------------------------------------------------------------------------------------------


def test_in_a_channel_only_admins_post() -> None:
    team = Company(*TEAM, policy=GroupPolicy(posting=Who.ADMINS), roles={"bert": Role.ADMIN})
    assert team.say("anna").readers == {"bert", "carl"}
    assert team.say("bert").readers == {"anna", "carl"}
    with pytest.raises(StateError, match="may not post"):
        team.act("carl", "encrypt", b"x")


@pytest.mark.parametrize("role", [Role.READER, Role.ARCHIVIST])
def test_a_reader_reads_and_does_not_post(role: Role) -> None:
    team = Company(*TEAM, roles={"carl": role})
    assert team.say("anna").readers == {"bert", "carl"}
    assert team["bert"].roster.roles[user("carl")] is role, "everybody can see who reads"
    for verb in ("encrypt", "rotate", "announce", "refresh"):
        arguments: dict[str, list[object]] = {"encrypt": [b"x"], "announce": []}
        with pytest.raises(StateError):
            team.act("carl", verb, *arguments.get(verb, []), **({"to": users("anna")} if verb == "announce" else {}))


def test_forged_bytes_are_not_authentic() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    data = parts(team.act("anna", "encrypt", b"1"))[0]
    assert team.hand([unsigned(data)], ["bert"]).errors("bert") == [InvalidMessage]
    assert team.hand([data], ["bert"]).texts("bert") == [b"1"]


def test_a_message_with_a_broken_signature_is_read_when_the_next_one_vouches_for_it() -> None:
    team = Company(*TEAM)
    team.say("anna", "0")
    first, second = (parts(team.act("anna", "encrypt", text))[0] for text in (b"1", b"2"))
    assert team.hand([unsigned(first)], ["bert"]).errors("bert") == [InvalidMessage]
    assert team.hand([second], ["bert"]).texts("bert") == [b"2", b"1"]


def test_a_message_that_is_refused_beside_something_to_report_is_an_event() -> None:
    """The sender signs two messages for one place: the second is refused, and the fork is reported."""
    team = Company(*TEAM)
    team.say("anna", "0")
    team.clone("anna", "anna/twin")
    team.say("anna", "yes", to=["bert"])
    heard = team.say("anna/twin", "no", to=["bert"])
    (refused,) = heard.events(PartRefused)
    assert isinstance(refused.error, NotPermitted)
    assert heard.readers == set()
