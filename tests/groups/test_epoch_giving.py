"""EPO-4, EPO-5 as groups keep them: who is given an epoch key, which key is believed, what is broadcast under one."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from siegel._core.codec import encode
from siegel._core.instants import LATEST
from siegel._core.padding import pad, unpad
from siegel._core.secret import Secret
from siegel._core.suite import decrypt_once, encrypt_once
from siegel.errors import InvalidMessage, MissingEpochKey, NotPermitted, StaleRoster
from siegel.events import EpochKeyReceived, EpochKeyRefused, SenderKeyReceived
from siegel.groups import broadcast, epoch, sending
from siegel.groups.actions import FreshKey, Refresh, Role
from siegel.groups.control import Control, GivenKey
from siegel.groups.epoch import EpochKey
from siegel.groups.operations import Operation
from siegel.groups.roster import propose
from siegel.groups.storage import MemoryStorage
from tests.groups.company import BROADCAST, SEALED, Company, Heard, kinds, records_of, user, users
from tests.people import DAY, HOUR, person, public

FALSE = Secret(sha256(b"a key that somebody made up").digest())


def held(team: Company, device: str, head: bytes | None = None) -> EpochKey | None:
    """The epoch key of a head, by default of the device's own, as the device holds it."""
    state = team[device]._state
    return epoch.key_at(state.history, state.keys, head or state.history.roster.head)


def same(one: EpochKey | None, other: EpochKey | None) -> bool:
    return one is not None and other is not None and one.key.reveal() == other.key.reveal()


def opened(team: Company, device: str, data: bytes) -> bool:
    """Whether a broadcast opens under any key that the device holds."""
    parsed = broadcast.parse_broadcast(data)
    for key in team[device]._state.keys.values():
        try:
            broadcast.open_broadcast(parsed, key.key, group_id=team[device].group_id)
        except InvalidMessage:
            continue
        return True
    return False


def given_keys(team: Company, heard: Heard, device: str) -> list[bytes]:
    return [event.head for event in heard.events(EpochKeyReceived, device)]


# --- only holders are given a key ------------------------------------------------------------------------------------


def suspend(team: Company, name: str) -> None:
    """Bert removes somebody while Anna, who is senior, does something else."""
    removal, rename = team.act("bert", "remove", users(name)), team.act("anna", "rename", f"without {name}?")
    team.deliver(removal, "bert")
    team.deliver(rename, "anna")
    assert user(name) in team["anna"]._state.history.suspended


@pytest.fixture
def returned() -> Company:
    """Carl was suspended when the key was refreshed, takes part again, and has learned of all that."""
    team = Company("anna", "bert", "carl", "dora", roles={"bert": Role.ADMIN})
    suspend(team, "carl")
    team.do("anna", "refresh")
    team.do("anna", "dismiss", *team["anna"].pending())
    team.ask("carl")
    assert team["carl"].roster == team["anna"].roster
    assert user("carl") in team["anna"].active - team["anna"].roster.holders
    return team


def test_whoever_is_no_holder_reads_and_writes_without_the_key(returned: Company) -> None:
    assert held(returned, "carl") is None
    assert returned.say("dora", "welcome back").texts("carl") == [b"welcome back"]
    assert returned.say("carl", "thank you").readers == {"anna", "bert", "dora"}
    assert held(returned, "carl") is None


def leaves(team: Company) -> None:
    team.do("carl", "leave")


def is_suspended_again(team: Company) -> None:
    suspend(team, "carl")


@pytest.mark.parametrize("goes", [leaves, is_suspended_again])
def test_what_is_broadcast_cannot_be_opened_by_whoever_went(returned: Company, goes: Callable[[Company], None]) -> None:
    returned.say("dora", "welcome back")
    returned.ask("carl")
    goes(returned)
    assert user("carl") not in returned["dora"].active
    out = returned.act("dora", "encrypt", b"about carl")
    assert kinds(out)[0] == BROADCAST
    assert opened(returned, "anna", out.control[0])
    assert not opened(returned, "carl", out.control[0])
    assert returned.deliver(out, "dora").readers == {"anna", "bert"}


def test_whoever_is_no_holder_refreshes_and_is_one(returned: Company) -> None:
    at = returned.at
    assert returned["carl"].refresh_due(at=at)
    assert not any(returned[name].refresh_due(at=at) for name in ("anna", "bert", "dora"))
    returned.do("carl", "refresh")
    assert (
        returned["anna"].roster.holders == returned["anna"].active == frozenset(users("anna", "bert", "carl", "dora"))
    )
    assert all(same(held(returned, name), held(returned, "carl")) for name in ("anna", "bert", "dora"))
    assert not returned["carl"].refresh_due(at=at)


def test_a_fresh_key_is_not_sealed_to_whom_it_is_withheld_from() -> None:
    """Two are suspended; the adoption takes one out and ends the suspension of the other."""
    team = Company("anna", "bert", "carl", "dora", "emil", roles={"bert": Role.ADMIN})
    rename = team.act("anna", "rename", "without carl?")
    removal = team.act("bert", "remove", users("carl"))
    demotion = team.act("bert", "set_role", user("dora"), Role.READER)
    for out, name in ((removal, "bert"), (demotion, "bert"), (rename, "anna")):
        team.deliver(out, name)
    assert team["anna"]._state.history.suspended == frozenset(users("carl", "dora"))
    team.do("anna", "adopt", *team["anna"].pending())
    assert user("dora") in team["anna"].active - team["anna"].roster.holders
    assert team["dora"].roster == team["anna"].roster
    assert held(team, "dora") is None
    assert same(held(team, "emil"), held(team, "anna"))


def test_nobody_takes_a_key_that_is_not_for_them(returned: Company) -> None:
    """Whoever gives it: a newcomer none of before, who is no holder none at all."""
    founded, key = returned["bert"].operations()[0], held(returned, "bert")
    assert key is not None
    first, group_id = Operation(founded).head, returned["bert"].group_id
    returned.add("anna", "emil")
    old = held(returned, "bert", first)
    assert old is not None
    own = held(returned, "emil")
    for name, head, given in (("carl", returned["bert"].roster.head, key), ("emil", first, old)):
        sealed = returned.sealed("bert", Control(group_id, key=GivenKey(head, given.key)), name)
        assert returned.hand([sealed], [name]).errors(name) == [NotPermitted]
    assert held(returned, "carl") is None
    assert held(returned, "emil", first) is None
    assert same(held(returned, "emil"), own)


# --- a derived key cannot be proven to newcomers ---------------------------------------------------------------------


def admitted_with(team: Company, inviter: str, name: str, key: Secret) -> None:
    """The inviter adds somebody and gives them this key, and tells the others as always."""
    invite = team.act(inviter, "add", [public(name)])
    team.deliver(invite, inviter, to=[device for device in team.groups if device != inviter])
    history = team[inviter]._state.history
    candidate, member = team.candidate(inviter)
    control = Control(
        history.roster.group_id,
        items=history.records,
        key=GivenKey(history.roster.head, key),
        identities=tuple(record.encode() for record in team[inviter]._state.identities.values()),
        not_after=team.at + DAY,
    )
    member.seal(candidate, control, users(name))
    team.hand(candidate.outgoing, [name])


@pytest.fixture
def misled() -> Company:
    """Emil came in by Bert, who told him a false key; what Anna and Carl broadcast does not open for him."""
    team = Company("anna", "bert", "carl", roles={"bert": Role.ADMIN})
    team.storages["emil"] = MemoryStorage()
    admitted_with(team, "bert", "emil", FALSE)
    assert held(team, "emil") is not None
    assert not same(held(team, "emil"), held(team, "anna"))
    return team


def test_a_false_key_is_replaced_by_one_that_opens_what_others_broadcast(misled: Company) -> None:
    assert MissingEpochKey in misled.say("carl").errors("emil")
    heard = misled.ask("emil", "anna")
    assert given_keys(misled, heard, "emil") == [misled["anna"].roster.head]
    assert heard.events(SenderKeyReceived, "emil") != []
    assert same(held(misled, "emil"), held(misled, "anna"))
    assert misled.say("carl", "again").texts("emil") == [b"again"]


def test_a_false_key_is_replaced_even_if_more_comes_with_the_true_one(misled: Company) -> None:
    misled.say("carl")
    misled.deliver(misled.act("anna", "rename", "more"), "anna", to=["bert", "carl"])
    heard = misled.ask("emil", "anna")
    assert misled["emil"].roster.name == misled["anna"].roster.name
    assert given_keys(misled, heard, "emil") != []
    assert same(held(misled, "emil"), held(misled, "anna"))


def test_what_was_derived_from_a_false_key_is_derived_anew(misled: Company) -> None:
    """The false key is that of Emil's admission; since then somebody else was admitted, and the group goes by that."""
    misled.say("carl")
    first = misled["anna"].roster.head
    misled.deliver(misled.act("anna", "add", [public("frida")]), "anna", to=["bert", "carl"])
    misled.hand(
        [misled.sealed("anna", Control(misled["anna"].group_id, items=misled["anna"].operations()), "emil")], ["emil"]
    )
    assert misled["emil"].roster.head == misled["anna"].roster.head != first
    assert not same(held(misled, "emil"), held(misled, "anna"))
    key = held(misled, "anna", first)
    assert key is not None
    misled.hand(
        [misled.sealed("anna", Control(misled["anna"].group_id, key=GivenKey(first, key.key)), "emil")], ["emil"]
    )
    assert same(held(misled, "emil", first), key)
    assert same(held(misled, "emil"), held(misled, "anna"))


def rewritten(data: bytes, old: Secret, new: Secret, group_id: bytes) -> bytes:
    """What somebody broadcast, signature and all, once more under another key."""
    parsed = broadcast.parse_broadcast(data)
    _, text_key = broadcast._keys(old, parsed.nonce, group_id, parsed.head)
    text = unpad(decrypt_once(text_key, parsed.ciphertext, aad=parsed.header))
    commitment, text_key = broadcast._keys(new, parsed.nonce, group_id, parsed.head)
    header = broadcast._header(parsed.head, parsed.nonce, commitment)
    return header + encode(encrypt_once(text_key, pad(text), aad=header))


def test_nobody_shows_a_false_key_with_the_words_of_somebody_else() -> None:
    """EPO-8: a signature is good under one key only."""
    team = Company("anna", "bert", "carl", "dora", roles={"bert": Role.ADMIN})
    team.add("anna", "emil")
    true = held(team, "emil")
    assert true is not None
    assert true.giver is not None
    (data,) = (data for data in team.act("carl", "encrypt", b"hello").control if data[:2] == BROADCAST)
    head, group_id = team["bert"].roster.head, team["bert"].group_id
    shown = rewritten(data, true.key, FALSE, group_id)
    team.hand([shown, team.sealed("bert", Control(group_id, key=GivenKey(head, FALSE)), "emil")], ["emil"])
    assert same(held(team, "emil"), true)
    with pytest.raises(InvalidMessage):
        broadcast.open_broadcast(broadcast.parse_broadcast(shown), FALSE, group_id=group_id)


def test_a_key_between_two_others_is_not_put_in_without_evidence() -> None:
    """Emil holds the key of his admission, not proven; by it he knows those of the next two."""
    team = Company("anna", "bert", "carl", roles={"bert": Role.ADMIN})
    team.add("anna", "emil")
    heads: list[bytes] = []
    for name in ("dora", "frida"):
        team.deliver(team.act("anna", "add", [public(name)]), "anna", to=["bert", "carl"])
        heads.append(team["anna"].roster.head)
    group_id = team["bert"].group_id
    team.hand([team.sealed("anna", Control(group_id, items=team["anna"].operations()), "emil")], ["emil"])
    true = held(team, "emil", heads[0])
    assert same(true, held(team, "anna", heads[0]))
    team.hand([team.sealed("bert", Control(group_id, key=GivenKey(heads[0], FALSE)), "emil")], ["emil"])
    assert same(held(team, "emil", heads[0]), true)


def test_a_proven_key_ends_the_doubt_about_those_above_it() -> None:
    """Dora is told a false key of an admission; then she learns the fresh one below it."""
    team = Company("anna", "bert", "carl", "dora", roles={"bert": Role.ADMIN})
    refreshed = team.act("anna", "refresh")
    fresh = team["anna"].roster.head
    added = team.act("anna", "add", [public("emil")])
    team.deliver(refreshed, "anna", to=["bert"])
    team.deliver(added, "anna", to=["bert"])
    group_id, head = team["bert"].group_id, team["bert"].roster.head
    items = team["bert"].operations()
    team.hand([team.sealed("bert", Control(group_id, items=items, key=GivenKey(head, FALSE)), "dora")], ["dora"])
    assert not same(held(team, "dora"), held(team, "anna"))
    key = held(team, "anna", fresh)
    assert key is not None
    team.hand([team.sealed("anna", Control(group_id, key=GivenKey(fresh, key.key)), "dora")], ["dora"])
    assert same(held(team, "dora"), held(team, "anna"))
    own = held(team, "dora")
    assert own is not None
    assert own.giver is None


def test_a_key_that_does_not_fit_its_commitment_is_reported() -> None:
    """EPO-1."""
    team = Company("anna", "bert", "carl")
    head, group_id = team["anna"].roster.head, team["anna"].group_id
    heard = team.hand([team.sealed("bert", Control(group_id, key=GivenKey(head, FALSE)), "carl")], ["carl"])
    (event,) = heard.events(EpochKeyRefused, "carl")
    assert (event.sender, event.head) == (user("bert"), head)
    assert same(held(team, "carl"), held(team, "anna"))


# --- what somebody claims about the time -----------------------------------------------------------------------------


def refreshed_in(team: Company, name: str, at: int) -> None:
    """A fresh key for all, whose operation says that it is of another time."""
    key = Secret(sha256(b"a fresh key").digest())
    action = Refresh(FreshKey(epoch.commitment_of(key)))
    operation = propose(team[name].roster, person(name), action, at=at)
    control = Control(team[name].group_id, items=(operation.encode(),), key=GivenKey(operation.head, key))
    team.hand([team.sealed(name, control, *team.groups)], list(team.groups))
    assert team["anna"].roster.head == operation.head


def test_a_refresh_of_the_future_does_not_put_off_the_next_one() -> None:
    team = Company("anna", "bert", "carl")
    refreshed_in(team, "bert", LATEST)
    assert not team["anna"].refresh_due(at=team.at + 7 * DAY - HOUR)
    assert team["anna"].refresh_due(at=team.at + 7 * DAY)
    assert kinds(team.act("carl", "encrypt", b"soon"))[0] == BROADCAST
    team.at += 14 * DAY
    assert kinds(team.act("carl", "encrypt", b"late"))[0] == SEALED


def test_a_refresh_of_the_past_makes_the_next_one_due() -> None:
    team = Company("anna", "bert", "carl")
    refreshed_in(team, "bert", team.at - 14 * DAY)
    assert team["anna"].refresh_due(at=team.at)
    assert kinds(team.act("carl", "encrypt", b"at once"))[0] == SEALED


def test_a_key_is_gone_when_its_time_is_over() -> None:
    """EPO-6."""
    team = Company("anna", "bert", "carl")
    old = team["anna"].roster.head
    team.at += DAY
    team.do("anna", "refresh")
    assert held(team, "carl", old) is not None
    superseded = team.at
    team.at = superseded + 30 * DAY - HOUR
    team.do("anna", "rename", "not yet")
    assert held(team, "carl", old) is not None
    team.at = superseded + 30 * DAY + HOUR
    team.do("anna", "rename", "now")
    assert held(team, "carl", old) is None
    assert held(team, "carl") is not None
    assert [name for name in records_of(team.storages["carl"]) if "/key/" in name and old.hex() in name] == []


# --- what comes too early --------------------------------------------------------------------------------------------


def test_what_is_early_waits_whatever_stands_beside_it() -> None:
    """A newer record has overtaken the announcement, and the operation that it stands on has not come."""
    team = Company("anna", "bert", "carl")
    older, newer = (person("carl").public(at=team.tick()).encode() for _ in range(2))
    group_id = team["carl"].group_id
    rename = team.act("anna", "rename", "x")
    team.deliver(rename, "anna", to=["carl"])
    candidate, member = team.candidate("carl")
    sending.begin_chain(candidate, member)
    announced = sending.announcement(candidate, member)._replace(identities=(older,))
    early = team.sealed("carl", announced, "bert")
    team.hand([team.sealed("carl", Control(group_id, identities=(newer,)), "bert")], ["bert"])
    assert team.hand([early], ["bert"]).errors("bert") == [StaleRoster]
    assert team.deliver(rename, "anna", to=["bert"]).events(SenderKeyReceived, "bert") != []


def test_a_key_of_a_head_that_is_not_known_is_early_whoever_gives_it() -> None:
    """Dora, whom Anna does not know to be in yet, gives the key of her own admission."""
    team = Company("anna", "bert", "carl", roles={"bert": Role.ADMIN})
    team.storages["dora"] = MemoryStorage()
    added = team.act("bert", "add", [public("dora")])
    team.deliver(added, "bert", to=["dora"])
    head, group_id = team["dora"].roster.head, team["dora"].group_id
    key = held(team, "dora")
    assert key is not None
    given = team.sealed("dora", Control(group_id, key=GivenKey(head, key.key)), "anna")
    heard = team.hand([given], ["anna"])
    assert heard.errors("anna") == [StaleRoster]
