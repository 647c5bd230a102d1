"""UNL-4, UNL-5: what unlocks a store, and what does not: other keys, other stores, changed costs, removed slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core import codec
from siegel._core.secret import Secret
from siegel.errors import CorruptHeader, InvalidArgument, KeyUnavailable, NewerFormat, StoreError, WrongKey
from siegel.store import keys, slots
from siegel.store.keys import FLOOR, Argon2Cost, Key, Kind, Passphrase, RecoveryWords
from siegel.store.slots import make_slot, open_slot, open_slots, read_slot, seal_slots, slot_id, unlock, without_slot
from siegel.words import to_words
from tests.people import person, secret_of
from tests.store.test_keys import COSTS, Safe

ROOT, OTHER_ROOT = Secret(secret_of("root")), Secret(secret_of("other root"))
STORE, OTHER_STORE = bytes(range(16)), bytes(range(1, 17))
RAW, OTHER_RAW = secret_of("raw"), secret_of("other raw")
WORDS = to_words(secret_of("words"))
SAFE = Safe()
PASSPHRASE = "correct horse"


def made(key: Key, *, root: Secret = ROOT, store_id: bytes = STORE) -> bytes:
    return make_slot(key, root=root, store_id=store_id, cost=FLOOR if isinstance(key, Passphrase) else None)


def table(*slots: bytes, root: Secret = ROOT, store_id: bytes = STORE) -> bytes:
    return seal_slots(slots, root=root, store_id=store_id)


def edited(slot: bytes, place: Sequence[int], value: Any) -> bytes:
    """The slot with another value at a place of its array, well formed."""
    items: Any = codec.decode(slot)
    inner = items
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return codec.encode(items)


SLOTS: dict[str, tuple[bytes, Key, Key]] = {
    "identity": (made(person("alice")), person("alice"), person("bob")),
    "bytes": (made(RAW), RAW, OTHER_RAW),
    "passphrase": (made(Passphrase(PASSPHRASE)), Passphrase(PASSPHRASE), Passphrase("correct horses")),
    "words": (made(RecoveryWords(WORDS)), RecoveryWords(WORDS), RecoveryWords.generate()),
}
SECRET = SLOTS["bytes"][0]
PASSWORD = SLOTS["passphrase"][0]
PROVIDED = made(SAFE)


# --- one slot --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SLOTS)
def test_a_slot_opens_for_its_key_and_no_other(name: str) -> None:
    slot, key, other = SLOTS[name]
    assert open_slot(slot, key, store_id=STORE).reveal() == ROOT.reveal()
    with pytest.raises(WrongKey) as caught:
        open_slot(slot, other, store_id=STORE)
    assert caught.value.__context__ is None


def test_a_provider_opens_its_own_slot() -> None:
    assert open_slot(PROVIDED, SAFE, store_id=STORE).reveal() == ROOT.reveal()
    with pytest.raises(KeyUnavailable):
        open_slot(PROVIDED, Safe(), store_id=STORE)
    with pytest.raises(WrongKey):
        open_slot(PROVIDED, Safe(gives=OTHER_RAW, kept=SAFE.kept), store_id=STORE)


def test_a_key_of_another_kind_opens_nothing() -> None:
    for name, (_, key, _) in SLOTS.items():
        for other, (slot, _, _) in SLOTS.items():
            if name != other:
                with pytest.raises(WrongKey):
                    open_slot(slot, key, store_id=STORE)


def test_the_same_32_bytes_are_another_key_in_another_kind() -> None:
    slot = made(RAW)
    as_words = edited(slot, [3], Kind.WORDS.value)
    with pytest.raises(WrongKey):
        open_slot(as_words, RecoveryWords(to_words(RAW)), store_id=STORE)


@pytest.mark.parametrize("name", SLOTS)
def test_a_slot_of_another_store_opens_nothing(name: str) -> None:
    slot, key, _ = SLOTS[name]
    with pytest.raises(CorruptHeader, match="another store"):
        open_slot(slot, key, store_id=OTHER_STORE)
    with pytest.raises(WrongKey):
        open_slot(edited(slot, [2], OTHER_STORE), key, store_id=OTHER_STORE)


@pytest.mark.parametrize("at", range(len(SECRET)))
def test_no_byte_of_a_slot_can_be_changed(at: int) -> None:
    for bit in (1, 0x80):
        with pytest.raises(StoreError) as caught:
            open_slot(SECRET[:at] + bytes([SECRET[at] ^ bit]) + SECRET[at + 1 :], RAW, store_id=STORE)
        assert isinstance(caught.value, WrongKey | CorruptHeader | NewerFormat)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_slot(data: bytes) -> None:
    with pytest.raises((CorruptHeader, NewerFormat)):
        open_slot(data, RAW, store_id=STORE)


def test_a_slot_of_a_later_version_says_so() -> None:
    with pytest.raises(NewerFormat, match="format 2"):
        open_slot(edited(SECRET, [1], 2), RAW, store_id=STORE)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ([0], 15),
        ([3], 0),
        ([3], 6),
        ([3], Kind.PASSPHRASE.value),
        ([3], Kind.PROVIDER.value),
        ([4], []),
        ([4], b""),
        ([5], bytes(111)),
        ([5], bytes(113)),
        ([5], None),
    ],
)
def test_a_slot_has_one_shape(place: list[int], value: Any) -> None:
    with pytest.raises(CorruptHeader):
        open_slot(edited(SECRET, place, value), RAW, store_id=STORE)


@pytest.mark.parametrize("value", [None, [65_536, 3, 4], [65_536, 3, 4, bytes(15)], [65_536, 3, True, bytes(16)]])
def test_the_parameters_of_a_passphrase_have_one_shape(value: Any) -> None:
    with pytest.raises(CorruptHeader):
        read_slot(edited(PASSWORD, [4], value), store_id=STORE)


@pytest.mark.parametrize("value", [None, b"", bytes(4_097)], ids=repr)
def test_what_a_provider_wrote_has_limits(value: Any) -> None:
    with pytest.raises(CorruptHeader):
        read_slot(edited(PROVIDED, [4], value), store_id=STORE)


def test_a_slot_says_what_it_is_and_nothing_secret() -> None:
    slot = read_slot(PASSWORD, store_id=STORE)
    assert (slot.kind, slot.cost, slot.id) == (Kind.PASSPHRASE, FLOOR, slot_id(PASSWORD))
    assert repr(slot) == f"<Slot {slot.id.hex()}, passphrase>"
    assert read_slot(SECRET, store_id=STORE).cost is None


def test_the_same_key_makes_another_slot_each_time() -> None:
    assert made(RAW) != made(RAW)
    assert slot_id(made(RAW)) != slot_id(made(RAW))
    one, other = (read_slot(made(Passphrase(PASSPHRASE)), store_id=STORE) for _ in range(2))
    assert one.salt != other.salt


# --- cost (ST-1) -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", COSTS)
def test_a_cost_outside_of_its_limits_is_refused_before_anything_is_derived(
    monkeypatch: pytest.MonkeyPatch, cost: Argon2Cost
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(keys, "argon2id", lambda *given, **cost: calls.append((given, cost)))
    weak = edited(PASSWORD, [4], [*cost, bytes(16)])
    with pytest.raises(CorruptHeader, match="cost"):
        open_slot(weak, Passphrase(PASSPHRASE), store_id=STORE)
    with pytest.raises(CorruptHeader, match="cost"):
        unlock(table(weak), Passphrase(PASSPHRASE), store_id=STORE)
    with pytest.raises(InvalidArgument):
        make_slot(Passphrase(PASSPHRASE), root=ROOT, store_id=STORE, cost=cost)
    assert calls == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_another_valid_cost_opens_nothing(number: int) -> None:
    read: Any = codec.decode(PASSWORD)
    with pytest.raises(WrongKey):
        open_slot(edited(PASSWORD, [4, number], read[4][number] + 1), Passphrase(PASSPHRASE), store_id=STORE)


def test_the_cost_is_bound_even_where_the_derivation_would_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "argon2id", lambda *_, **__: Secret(RAW))
    slot = made(Passphrase(PASSPHRASE))
    assert open_slot(slot, Passphrase("anything"), store_id=STORE).reveal() == ROOT.reveal()
    for number in range(3):
        read: Any = codec.decode(slot)
        with pytest.raises(WrongKey):
            open_slot(edited(slot, [4, number], read[4][number] + 1), Passphrase("anything"), store_id=STORE)
    with pytest.raises(WrongKey):
        open_slot(edited(slot, [4, 3], bytes(16)), Passphrase("anything"), store_id=STORE)


def test_only_a_passphrase_has_a_cost() -> None:
    with pytest.raises(InvalidArgument):
        make_slot(RAW, root=ROOT, store_id=STORE, cost=FLOOR)


def test_the_default_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "argon2id", lambda *_, **__: Secret(RAW))
    slot = make_slot(Passphrase(PASSPHRASE), root=ROOT, store_id=STORE)
    assert read_slot(slot, store_id=STORE).cost == Argon2Cost(65_536, 3, 4)


@pytest.mark.parametrize("key", [b"", bytes(32), "text", None])
def test_no_key_no_slot(key: Any) -> None:
    with pytest.raises(InvalidArgument):
        make_slot(key, root=ROOT, store_id=STORE)
    with pytest.raises(InvalidArgument):
        unlock(table(SECRET), key, store_id=STORE)


@pytest.mark.parametrize(("root", "store_id"), [(Secret(b"short"), STORE), (ROOT, b"short")])
def test_a_slot_keeps_a_root_of_a_store(root: Secret, store_id: bytes) -> None:
    with pytest.raises(InvalidArgument):
        make_slot(RAW, root=root, store_id=store_id)


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_key_of_the_table_unlocks() -> None:
    whole = table(*(slot for slot, _, _ in SLOTS.values()), PROVIDED)
    for _, key, other in SLOTS.values():
        assert unlock(whole, key, store_id=STORE).reveal() == ROOT.reveal()
        with pytest.raises(WrongKey):
            unlock(whole, other, store_id=STORE)
    assert unlock(whole, SAFE, store_id=STORE).reveal() == ROOT.reveal()


def test_the_second_slot_of_a_kind_is_tried_too() -> None:
    whole = table(SECRET, made(OTHER_RAW))
    assert unlock(whole, OTHER_RAW, store_id=STORE).reveal() == ROOT.reveal()


def test_a_provider_may_have_the_second_slot() -> None:
    second = Safe()
    second.kept = {b"ticket 9": b"x" * 32}
    whole = table(PROVIDED, made(second))
    assert unlock(whole, second, store_id=STORE).reveal() == ROOT.reveal()
    with pytest.raises(KeyUnavailable):
        unlock(whole, Safe(), store_id=STORE)


def test_one_to_eight_slots() -> None:
    many = [made(RAW) for _ in range(9)]
    assert unlock(table(*many[:8]), RAW, store_id=STORE).reveal() == ROOT.reveal()
    for wrong in ([], many, [many[0], many[0]]):
        with pytest.raises(InvalidArgument):
            table(*wrong)
        honest: Any = codec.decode(table(many[0]))
        with pytest.raises(CorruptHeader):
            unlock(codec.encode([*honest[:3], wrong, honest[4]]), RAW, store_id=STORE)


def test_a_slot_is_added() -> None:
    before = table(SECRET)
    listed = open_slots(before, root=ROOT, store_id=STORE)
    after = table(*listed, SLOTS["words"][0])
    assert listed == (SECRET,)
    for key in (RAW, RecoveryWords(WORDS)):
        assert unlock(after, key, store_id=STORE).reveal() == ROOT.reveal()


def test_a_removed_slot_opens_nothing_even_when_it_is_put_back() -> None:
    both = table(SECRET, made(OTHER_RAW))
    left = without_slot(open_slots(both, root=ROOT, store_id=STORE), slot_id(SECRET))
    after = table(*left)
    with pytest.raises(WrongKey):
        unlock(after, RAW, store_id=STORE)
    items: Any = codec.decode(after)
    for listed in ([SECRET, *left], [*left, SECRET], [SECRET]):
        with pytest.raises(CorruptHeader, match="not authentic"):
            unlock(codec.encode([*items[:3], listed, items[4]]), RAW, store_id=STORE)


def test_the_last_slot_stays_and_an_unknown_one_is_named() -> None:
    with pytest.raises(InvalidArgument, match="last"):
        without_slot([SECRET], slot_id(SECRET))
    with pytest.raises(InvalidArgument, match="no slot"):
        without_slot([SECRET], bytes(16))


def test_a_new_passphrase_keeps_the_root_and_the_identity() -> None:
    identity = made(person("alice"))
    before = table(identity, PASSWORD)
    changed = (*without_slot(open_slots(before, root=ROOT, store_id=STORE), slot_id(PASSWORD)), made(Passphrase("new")))
    after = table(*changed)
    assert changed[0] == identity
    assert unlock(after, Passphrase("new"), store_id=STORE).reveal() == ROOT.reveal()
    assert unlock(after, person("alice"), store_id=STORE).reveal() == ROOT.reveal()
    with pytest.raises(WrongKey):
        unlock(after, Passphrase(PASSPHRASE), store_id=STORE)


def test_the_table_of_another_store_is_refused() -> None:
    other = table(made(RAW, store_id=OTHER_STORE), store_id=OTHER_STORE)
    with pytest.raises(CorruptHeader, match="another store"):
        unlock(other, RAW, store_id=STORE)
    items: Any = codec.decode(other)
    with pytest.raises(CorruptHeader, match="another store"):
        unlock(codec.encode([*items[:2], STORE, *items[3:]]), RAW, store_id=STORE)


def test_a_slot_of_another_root_makes_no_table() -> None:
    foreign = made(OTHER_RAW, root=OTHER_ROOT)
    with pytest.raises(CorruptHeader, match="not authentic"):
        unlock(table(foreign, SECRET), OTHER_RAW, store_id=STORE)
    with pytest.raises(CorruptHeader, match="not authentic"):
        open_slots(table(SECRET), root=OTHER_ROOT, store_id=STORE)


def test_no_byte_of_the_table_can_be_changed() -> None:
    whole = table(SECRET)
    for at in range(len(whole)):
        with pytest.raises(StoreError):
            unlock(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], RAW, store_id=STORE)
    for wrong in (whole[:-1], whole + b"\0", b""):
        with pytest.raises(CorruptHeader):
            unlock(wrong, RAW, store_id=STORE)


def test_the_table_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked is what is used: bytes cannot change between two looks at them (attack ST-2)."""
    seen: list[bytes] = []
    reader = slots.read_slot

    def watched(data: bytes, *, store_id: bytes) -> slots.Slot:
        seen.append(data)
        return reader(data, store_id=store_id)

    monkeypatch.setattr(slots, "read_slot", watched)
    unlock(table(SECRET, PASSWORD), RAW, store_id=STORE)
    assert seen == [SECRET, PASSWORD]


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_table(data: bytes) -> None:
    with pytest.raises((CorruptHeader, NewerFormat)):
        unlock(data, RAW, store_id=STORE)
