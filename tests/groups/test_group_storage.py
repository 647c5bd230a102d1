"""A storage that fails on command: nothing is lost, no key and nonce encrypt twice, and the same call works again.

What is delivered here is what the storage was given to send, as a client does that sends from its outbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import siegel._core.suite
from siegel.errors import Replay, StateError
from siegel.events import MessageReceived
from siegel.groups.actions import Role
from siegel.groups.group import Group
from siegel.groups.storage import MemoryStorage, Outgoing
from tests.groups.company import Company, Heard, message_of, parts, records_of, user, users
from tests.people import AT, DAY, person, public

TEAM = ("anna", "bert", "carl", "dora")


class DiskError(Exception):
    """What a storage raises is its own."""


class Faulty(MemoryStorage):
    """Fails once, as it is told: ``before`` it has written, ``after`` it has, or at a ``load``."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: str | None = None
        self.outbox: list[bytes] = []
        self.commits = 0

    def load(self, prefix: str) -> list[tuple[str, bytes]]:
        self._fail("load")
        return super().load(prefix)

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        self.commits += 1
        self._fail("before")
        super().commit(changes, outgoing)
        self.outbox.extend(parts(outgoing))
        self._fail("after")

    def _fail(self, fault: str) -> None:
        if self.fault == fault:
            self.fault = None
            raise DiskError(fault)


@pytest.fixture(autouse=True)
def encrypted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[tuple[bytes, bytes]]]:
    """Every key and nonce that anything was encrypted under; each of them once, whatever a test does."""
    used: Counter[tuple[bytes, bytes]] = Counter()
    cipher_of = AESGCM

    class Watched:
        def __init__(self, key: bytes) -> None:
            self._key, self._cipher = key, cipher_of(key)
            self.decrypt = self._cipher.decrypt

        def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
            used[self._key, nonce] += 1
            return self._cipher.encrypt(nonce, data, aad)

    monkeypatch.setattr(siegel._core.suite, "AESGCM", Watched)
    yield used
    assert used
    assert max(used.values()) == 1, "a key encrypted twice under one nonce"


def company() -> Company:
    team = Company(*TEAM, roles={"bert": Role.ADMIN})
    for name in TEAM:
        storage = Faulty()
        storage.commit(records_of(team.storages[name]), Outgoing())
        team.storages[name] = storage
        team.reload(name)
        team.say(name, "before")
        storage.outbox.clear()
    return team


def disk(team: Company, device: str) -> Faulty:
    storage = team.storages[device]
    assert isinstance(storage, Faulty)
    return storage


def send_outbox(team: Company, device: str) -> Heard:
    outbox = disk(team, device).outbox
    heard = team.hand(tuple(outbox), [name for name in team.storages if name != device])
    outbox.clear()
    return heard


def everybody_hears_everybody(team: Company) -> None:
    active = {name for name in team.groups if user(name) in team["anna"].active}
    for name in active:
        if team["anna"].roster.may_post(user(name)):
            assert team.say(name, "after").readers == active - {name}
    for name in team.groups:
        disk(team, name).outbox.clear()


def fails(team: Company, device: str, fault: str, verb: str, *arguments: Any) -> bool:
    """Whether the call failed. It may need nothing of the storage that fails."""
    disk(team, device).fault = fault
    try:
        team.act(device, verb, *arguments)
    except DiskError:
        return True
    finally:
        disk(team, device).fault = None
    return False


FAULTS = ("before", "after", "load")
ACTS: dict[str, list[Any]] = {
    "encrypt": [b"hello"],
    "rename": ["another name"],
    "add": [[public("emil")]],
    "remove": [users("carl")],
    "set_role": [user("carl"), Role.READER],
    "refresh": [],
    "rotate": [],
    "leave": [],
    "request": [],
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verb", ACTS)
def test_whatever_fails_the_same_call_works_again(verb: str, fault: str) -> None:
    team = company()
    team.storages["emil"] = Faulty()
    before = records_of(disk(team, "bert"))
    failed = fails(team, "bert", fault, verb, *ACTS[verb])
    assert failed or fault == "load"
    done = bool(disk(team, "bert").outbox)
    assert done == (fault != "before")
    if not done:
        assert records_of(disk(team, "bert")) == before
    if failed:
        try:
            team.act("bert", verb, *ACTS[verb])
        except StateError:
            assert done
            assert verb in {"add", "remove", "set_role"}, "nothing of it is left to do"
    heard = send_outbox(team, "bert")
    assert heard.texts("dora") == ([b"hello"] * (done + failed) if verb == "encrypt" else [])
    assert team["anna"].roster == team["bert"].roster == team["dora"].roster
    everybody_hears_everybody(team)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_new_chain_is_stored_before_anything_is_said_in_it(fault: str) -> None:
    team = company()
    team.do("anna", "remove", users("dora"))
    del team.groups["dora"]
    fails(team, "bert", fault, "encrypt", b"1")
    team.act("bert", "encrypt", b"2")
    heard = send_outbox(team, "bert")
    assert heard.texts("anna") == heard.texts("carl") == [b"1", b"2"][fault == "before" :]
    assert not heard.errors("anna")
    everybody_hears_everybody(team)


def test_a_load_that_fails_after_a_commit_that_failed_is_tried_again() -> None:
    team = company()
    disk(team, "bert").fault = "after"
    with pytest.raises(DiskError):
        team.act("bert", "encrypt", b"1")
    for _ in range(3):
        disk(team, "bert").fault = "load"
        with pytest.raises(DiskError):
            team.act("bert", "encrypt", b"2")
    team.act("bert", "encrypt", b"3")
    assert send_outbox(team, "bert").texts("anna") == [b"1", b"3"]


def test_a_message_that_could_not_be_stored_is_received_again() -> None:
    team = company()
    (message,) = parts(team.act("anna", "encrypt", b"x"))
    for fault in ("before", "before"):
        disk(team, "bert").fault = fault
        with pytest.raises(DiskError):
            team["bert"].receive(message, at=team.at)
    team.reload("bert")
    disk(team, "bert").fault = "load"
    with pytest.raises(DiskError):
        team["bert"].receive(message, at=team.at)
    assert team.hand([message], ["bert"]).texts("bert") == [b"x"]
    assert team.hand([message], ["bert"]).errors("bert") == [Replay]


def test_a_message_that_was_stored_is_not_received_again() -> None:
    """The storage had taken it and said that it failed: only who asks the storage knows what holds."""
    team = company()
    (message,) = parts(team.act("anna", "encrypt", b"x"))
    disk(team, "bert").fault = "after"
    with pytest.raises(DiskError):
        team["bert"].receive(message, at=team.at)
    assert team.hand([message], ["bert"]).errors("bert") == [Replay]
    everybody_hears_everybody(team)


def test_what_waited_for_its_key_still_waits_if_the_key_could_not_be_stored() -> None:
    team = company()
    (sealed,) = team.act("anna", "rotate").control
    (message,) = parts(team.act("anna", "encrypt", b"early"))
    team.hand([message], ["bert"])
    disk(team, "bert").fault = "before"
    with pytest.raises(DiskError):
        team["bert"].receive(sealed, at=team.at)
    assert team.hand([sealed], ["bert"]).texts("bert") == [b"early"]


def test_what_waited_for_a_word_of_the_next_one_still_waits() -> None:
    team = company()
    first, second = (parts(team.act("anna", "encrypt", text))[0] for text in (b"1", b"2"))
    broken = first[:-1] + bytes((first[-1] ^ 0xF0,))
    team.hand([broken], ["bert"])
    disk(team, "bert").fault = "before"
    with pytest.raises(DiskError):
        team["bert"].receive(second, at=team.at)
    assert sorted(team.hand([second], ["bert"]).texts("bert")) == [b"1", b"2"]


@pytest.mark.parametrize("fault", ["before", "after"])
def test_an_operation_that_could_not_be_stored_is_received_again(fault: str) -> None:
    team = company()
    out = team.act("anna", "remove", users("dora"))
    for device in ("bert", "carl"):
        disk(team, device).fault = fault
        with pytest.raises(DiskError):
            team[device].receive(out.control[0], at=team.at)
        team.hand(out.control, [device])
    del team.groups["dora"], team.storages["dora"]
    assert team["bert"].roster == team["carl"].roster == team["anna"].roster
    everybody_hears_everybody(team)


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_group_that_could_not_be_stored_does_not_exist_or_can_be_loaded(fault: str) -> None:
    storage = Faulty()
    storage.fault = fault
    with pytest.raises(DiskError):
        Group.create(person("anna"), members=[public("bert")], name="x", storage=storage, at=AT)
    assert bool(storage.outbox) == (fault == "after")
    group, out = Group.create(person("anna"), members=[public("bert")], name="x", storage=storage, at=AT)
    bert = Group.join(out.control[0], identity=person("bert"), contacts=[public("anna")], at=AT)
    sent = group.encrypt(b"x", at=AT)
    (message,) = [e for o in bert.receive_many(parts(sent), at=AT) if isinstance(o, tuple) for e in o][1:]
    assert isinstance(message, MessageReceived)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_invitation_that_could_not_be_stored_is_taken_again(fault: str) -> None:
    anna, out = Group.create(person("anna"), members=[public("bert")], name="x", at=AT)
    storage, contacts = Faulty(), [public("anna")]

    def join() -> Group:
        return Group.join(out.control[0], identity=person("bert"), contacts=contacts, storage=storage, at=AT)

    storage.fault = fault
    with pytest.raises(DiskError):
        join()
    if fault == "after":
        with pytest.raises(Replay):
            join()
        bert = Group.load(anna.group_id, identity=person("bert"), contacts=contacts, storage=storage)
    else:
        bert = join()
    assert bert.roster == anna.roster
    sent = anna.encrypt(b"x", at=AT)
    assert len([o for o in bert.receive_many(parts(sent), at=AT) if isinstance(o, tuple)]) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_that_could_not_be_stored_is_restored_again(fault: str) -> None:
    team = company()
    exported, storage = team["bert"].export(), Faulty()

    def restore() -> Group:
        return Group.restore(exported, identity=person("bert"), contacts=team.contacts, storage=storage)

    storage.fault = fault
    with pytest.raises(DiskError):
        restore()
    if fault == "after":
        with pytest.raises(StateError):
            restore()
        team.storages["bert"] = storage
        team.reload("bert")
    else:
        team.groups["bert"], team.storages["bert"] = restore(), storage
    team.ask("bert")
    everybody_hears_everybody(team)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_group_that_could_not_be_forgotten_is_whole_or_gone(fault: str) -> None:
    team = company()
    storage = disk(team, "bert")
    storage.fault = fault
    with pytest.raises(DiskError):
        team["bert"].forget()
    if fault == "after":
        left = records_of(storage)
        with pytest.raises(StateError):
            team.act("bert", "encrypt", b"x")
        assert records_of(storage) == left, "nothing grows out of what was forgotten"
    else:
        everybody_hears_everybody(team)
        team["bert"].forget()
    assert len(records_of(storage)) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_forgotten_on_schedule_is_forgotten_the_next_time(fault: str) -> None:
    team = company()
    chain_id = message_of(team.act("anna", "encrypt", b"x")).chain_id
    team.do("anna", "rotate")
    team.tick(31 * DAY)
    out = team.act("anna", "encrypt", b"x")
    disk(team, "bert").fault = fault
    with pytest.raises(DiskError):
        team["bert"].receive(parts(out)[-1], at=team.at)
    team.tick(DAY)
    assert team.deliver(out, "anna").readers == {"bert", "carl", "dora"}
    assert team["bert"]._state.chains[chain_id].tree.node_count == 0
    assert not any(f"/link/{chain_id.hex()}/" in name for name in records_of(disk(team, "bert")))


def test_a_state_put_back_to_an_earlier_one_repeats_no_nonce(encrypted: Counter[tuple[bytes, bytes]]) -> None:
    """A snapshot, a clone: the same key comes again, and another text gets another nonce (P9)."""
    team = company()
    earlier = records_of(disk(team, "bert"))
    keys: set[bytes] = set()
    for text in (b"one", b"two", b"three"):
        disk(team, "bert").commit(earlier, Outgoing())
        team.reload("bert")
        before = set(encrypted)
        team.act("bert", "encrypt", text)
        keys |= {key for key, _ in set(encrypted) - before}
    assert len(keys) == 1


def test_nothing_is_committed_where_nothing_changes() -> None:
    team = company()
    (message,) = parts(team.act("anna", "encrypt", b"x"))
    team.hand([message], ["bert"])
    team.hand([message], ["bert"])
    before = disk(team, "bert").commits
    for data in (b"", b"\x8a\x03", b"\x86\x0c", b"\x86\x02", b"junk"):
        team.take("bert", data)
    assert disk(team, "bert").commits == before


# --- when a commit is done -------------------------------------------------------------------------------------------


class Crowded(Faulty):
    """Somebody else writes right after each commit: what would be read then is refused."""

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        super().commit(changes, outgoing)
        self.fault = "load"


def test_a_commit_that_is_done_is_never_told_as_one_that_failed() -> None:
    """Nothing is read between the commit and the answer: whoever is told of an error would say the same again."""
    team = company()
    for name in ("anna", "bert"):
        crowded = Crowded()
        crowded.commit(records_of(team.storages[name]), Outgoing())
        crowded.fault = None
        team.storages[name] = crowded
        team.reload(name)  # no link is at hand
    sent = team.act("anna", "encrypt", b"once").message
    assert sent is not None
    assert disk(team, "anna").outbox.count(sent) == 1
    (received,) = team["bert"].receive(sent, at=team.at)
    assert isinstance(received, MessageReceived)
    for name in ("anna", "bert"):
        disk(team, name).fault = None
        team.reload(name)
    with pytest.raises(Replay):
        team["bert"].receive(sent, at=team.at)
