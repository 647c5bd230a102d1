"""UNL-6, UNL-7: the keys below the root: bound to their place, counted, destroyed, undone with their transaction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core import codec
from siegel._core.secret import Secret
from siegel._core.suite import RecordKey, decrypt_record, encrypt_record
from siegel.errors import CorruptHeader, InvalidArgument, InvalidMessage, KeyUnavailable, StateError
from siegel.store.keyring import MAX_LOADED, MAX_RECORDS, RESERVATION, Keyring, header_key
from tests.people import secret_of

ROOT, OTHER_ROOT = Secret(secret_of("root")), Secret(secret_of("other root"))
STORE, OTHER_STORE = bytes(range(16)), bytes(range(1, 17))
NONCE = bytes(12)

Rows = dict[int, bytes]


def commit(ring: Keyring, rows: Rows) -> None:
    """What a store's transaction does with the changes."""
    changes = ring.changes()
    for kid in changes.delete:
        rows.pop(kid, None)
    rows.update(changes.put)
    ring.keep()


def reopened(ring: Keyring, rows: Rows, *, root: Secret = ROOT, store_id: bytes = STORE) -> Keyring:
    other = Keyring.decode(ring.encode(), root=root, store_id=store_id)
    other.load(rows.items())
    return other


def filled(*places: tuple[int, str]) -> tuple[Keyring, Rows, list[int]]:
    """A keyring with a data key in each place, as its rows, and their numbers."""
    ring, rows = Keyring.create(ROOT, store_id=STORE), Rows()
    kids = [ring.use(collection, ring.scope_id(scope)) for collection, scope in places]
    commit(ring, rows)
    return ring, rows, kids


def same(one: RecordKey, other: RecordKey) -> bool:
    try:
        return decrypt_record(other, NONCE, encrypt_record(one, NONCE, b"text", b""), b"") == b"text"
    except InvalidMessage:
        return False


# --- what follows from the root --------------------------------------------------------------------------------------


def test_the_same_keys_after_reopening() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    other = reopened(ring, rows)
    assert same(ring.key(kid), other.key(kid))
    assert ring.header_key.reveal() == other.header_key.reveal() == header_key(ROOT, store_id=STORE).reveal()
    assert ring.names_key(7).reveal() == other.names_key(7).reveal()
    assert ring.scope_id("emil") == other.scope_id("emil")
    assert other.encode() == ring.encode()
    assert other.changes() == ([], [])


def test_each_use_has_its_own_key() -> None:
    ring = Keyring.create(ROOT, store_id=STORE)
    keys = [ring.names_key(1), ring.names_key(2), ring.accumulator_key(1), ring.accumulator_key(2)]
    keys += [ring.index_key(1, 0), ring.index_key(1, 1), ring.index_key(2, 0)]
    ids = [ring.scope_id(None), ring.scope_id(""), ring.scope_id("emil")]
    found = {key.reveal() for key in keys} | set(ids)
    assert len(found) == len(keys) + len(ids)
    assert {len(key.reveal()) for key in keys} == {32}
    assert {len(scope) for scope in ids} == {16}


def test_two_stores_under_one_root_share_nothing() -> None:
    one, other = Keyring.create(ROOT, store_id=STORE), Keyring.create(ROOT, store_id=OTHER_STORE)
    assert one.header_key.reveal() != other.header_key.reveal()
    assert one.names_key(1).reveal() != other.names_key(1).reveal()


@pytest.mark.parametrize("root", [b"", bytes(31), bytes(33)], ids=len)
def test_a_root_has_32_bytes(root: bytes) -> None:
    with pytest.raises(InvalidArgument):
        Keyring.create(Secret(root), store_id=STORE)
    with pytest.raises(InvalidArgument):
        Keyring.create(ROOT, store_id=STORE).change_root(Secret(root))


def test_a_store_id_has_16_bytes() -> None:
    with pytest.raises(InvalidArgument):
        Keyring.create(ROOT, store_id=b"short")


# --- what is kept in the header --------------------------------------------------------------------------------------


def test_another_root_or_another_store_opens_nothing() -> None:
    encoded = Keyring.create(ROOT, store_id=STORE).encode()
    for root, store_id in ((OTHER_ROOT, STORE), (ROOT, OTHER_STORE)):
        with pytest.raises(CorruptHeader, match="not authentic"):
            Keyring.decode(encoded, root=root, store_id=store_id)


def test_no_byte_of_it_can_be_changed() -> None:
    encoded = Keyring.create(ROOT, store_id=STORE).encode()
    for at in range(len(encoded)):
        with pytest.raises(CorruptHeader):
            Keyring.decode(encoded[:at] + bytes([encoded[at] ^ 1]) + encoded[at + 1 :], root=ROOT, store_id=STORE)
    with pytest.raises(CorruptHeader):
        Keyring.decode(encoded[:-1], root=ROOT, store_id=STORE)


def test_secret_and_epoch_key_do_not_change_places() -> None:
    secret, number, epoch = _array(Keyring.create(ROOT, store_id=STORE).encode())
    with pytest.raises(CorruptHeader):
        Keyring.decode(codec.encode([epoch, number, secret]), root=ROOT, store_id=STORE)


def test_an_older_epoch_does_not_pass_for_a_later_one() -> None:
    secret, number, epoch = _array(Keyring.create(ROOT, store_id=STORE).encode())
    assert number == 1
    with pytest.raises(CorruptHeader):
        Keyring.decode(codec.encode([secret, 2, epoch]), root=ROOT, store_id=STORE)


def _array(data: bytes) -> list[codec.Decoded]:
    items = codec.decode(data)
    assert isinstance(items, list)
    return items


# --- data keys -------------------------------------------------------------------------------------------------------


def test_one_key_for_each_collection_and_scope() -> None:
    ring, rows, kids = filled((1, "emil"), (2, "emil"), (1, "carl"), (1, "emil"))
    assert kids[0] == kids[3]
    assert len(set(kids)) == len(rows) == 3
    assert ring.kids(scope=ring.scope_id("emil")) == (kids[0], kids[1])
    assert ring.kids(collection=1) == (kids[0], kids[2])
    assert ring.kids(collection=1, scope=ring.scope_id("carl")) == (kids[2],)
    assert sorted(ring.kids()) == sorted(set(kids))
    assert not any(same(ring.key(one), ring.key(other)) for one in set(kids) for other in set(kids) - {one})


@pytest.mark.parametrize("item", [0, 1, 2, 3])
def test_a_wrapped_key_is_bound_to_epoch_collection_scope_and_reservation(item: int) -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    items = _array(rows[kid])
    number = items[item]
    items[item] = number + 1 if isinstance(number, int) else ring.scope_id("carl")
    rows[kid] = codec.encode(items)
    with pytest.raises(CorruptHeader, match=f"data key {kid}"):
        reopened(ring, rows).key(kid)


def test_a_wrapped_key_is_bound_to_its_number() -> None:
    ring, rows, (kid, other) = filled((1, "emil"), (1, "carl"))
    rows[kid], rows[other] = rows[other], rows[kid]
    swapped = reopened(ring, rows)
    for number in (kid, other):
        with pytest.raises(CorruptHeader, match="not authentic"):
            swapped.key(number)


def test_a_wrapped_key_is_bound_to_its_store() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    other = Keyring.create(ROOT, store_id=OTHER_STORE)
    other.load(rows.items())
    with pytest.raises(CorruptHeader):
        other.key(kid)
    ring.key(kid)


def test_no_byte_of_a_row_can_be_changed() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    honest = rows[kid]
    for at in range(len(honest)):
        changed = honest[:at] + bytes([honest[at] ^ 1]) + honest[at + 1 :]
        with pytest.raises(CorruptHeader):
            reopened(ring, {kid: changed}).key(kid)


@given(st.binary(max_size=200))
def test_a_damaged_row_costs_its_own_records_only(data: bytes) -> None:
    ring, rows, (kid, other) = filled((1, "emil"), (1, "carl"))
    rows[kid] = data
    found = reopened(ring, rows)
    with pytest.raises(CorruptHeader):
        found.key(kid)
    assert same(found.key(other), ring.key(other))
    fresh = found.use(1, found.scope_id("emil"))
    assert fresh not in {kid, other}
    found.key(fresh)


@pytest.mark.parametrize("kid", [0, 2**32])
def test_a_row_with_an_impossible_number_is_damaged(kid: int) -> None:
    ring, rows, (honest,) = filled((1, "emil"))
    rows[kid] = rows.pop(honest)
    with pytest.raises(CorruptHeader):
        reopened(ring, rows).key(kid)


def test_a_key_that_is_not_there_is_named() -> None:
    ring = Keyring.create(ROOT, store_id=STORE)
    with pytest.raises(KeyUnavailable, match="data key 5"):
        ring.key(5)


def test_many_keys_do_not_stay_loaded() -> None:
    ring, _, kids = filled(*((1, str(number)) for number in range(MAX_LOADED + 1)))
    for kid in kids:
        ring.key(kid)
    assert len(ring._loaded) <= MAX_LOADED
    assert ring.key(kids[0]) is ring.key(kids[0])


# --- how often a key is used -----------------------------------------------------------------------------------------


def test_uses_are_noted_on_disk_before_they_are_used() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    scope = ring.scope_id("emil")
    for _ in range(RESERVATION - 1):
        assert ring.use(1, scope) == kid
    assert ring.changes() == ([], [])
    assert ring.use(1, scope) == kid
    assert [number for number, _ in ring.changes().put] == [kid]
    commit(ring, rows)
    assert _array(rows[kid])[3] == 2 * RESERVATION


def test_what_a_crash_leaves_of_a_reservation_is_not_used() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    other = reopened(ring, rows)
    assert other.use(1, other.scope_id("emil")) == kid
    commit(other, rows)
    assert _array(rows[kid])[3] == 2 * RESERVATION


def test_a_key_that_has_done_its_work_is_followed_by_another() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    scope = ring.scope_id("emil")
    assert ring.use(1, scope, count=MAX_RECORDS - RESERVATION) == kid
    following = ring.use(1, scope, count=1)
    assert following != kid
    commit(ring, rows)
    assert _array(rows[kid])[3] == MAX_RECORDS
    assert reopened(ring, rows).use(1, scope) == following


@given(st.lists(st.integers(1, MAX_RECORDS // 2), max_size=8))
def test_no_key_is_used_more_often_than_it_may(counts: list[int]) -> None:
    ring, rows, scope = Keyring.create(ROOT, store_id=STORE), Rows(), bytes(16)
    used: dict[int, int] = {}
    for count in counts:
        kid = ring.use(1, scope, count=count)
        used[kid] = used.get(kid, 0) + count
        commit(ring, rows)
        reserved = _array(rows[kid])[3]
        assert isinstance(reserved, int)
        assert used[kid] <= reserved <= MAX_RECORDS
        ring = reopened(ring, rows)


@pytest.mark.parametrize(
    ("collection", "scope", "count"),
    [(-1, bytes(16), 1), (2**16, bytes(16), 1), (1, b"emil", 1), (1, bytes(16), 0), (1, bytes(16), MAX_RECORDS + 1)],
)
def test_what_has_no_place(collection: int, scope: bytes, count: int) -> None:
    with pytest.raises(InvalidArgument):
        Keyring.create(ROOT, store_id=STORE).use(collection, scope, count=count)


# --- destroying, rotating --------------------------------------------------------------------------------------------


def test_a_destroyed_key_is_gone() -> None:
    ring, rows, (kid, other) = filled((1, "emil"), (1, "carl"))
    ring.key(kid)
    ring.destroy([kid])
    assert ring.changes() == ([], [kid])
    commit(ring, rows)
    for found in (ring, reopened(ring, rows)):
        with pytest.raises(KeyUnavailable):
            found.key(kid)
        found.key(other)
        assert found.use(1, found.scope_id("emil")) != kid
        found.undo()


def test_a_damaged_key_can_be_destroyed() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    rows[kid] = b"damaged"
    found = reopened(ring, rows)
    found.destroy([kid])
    assert found.changes() == ([], [kid])
    found.undo()
    with pytest.raises(CorruptHeader):
        found.key(kid)
    found.destroy([kid])
    found.keep()
    with pytest.raises(KeyUnavailable):
        found.key(kid)


def test_rotation_keeps_every_key_and_destroys_the_epoch() -> None:
    ring, rows, kids = filled((1, "emil"), (1, "carl"), (2, "emil"))
    before, old_header = dict(rows), ring.encode()
    held = [ring.key(kid) for kid in kids]
    assert ring.rotate() == ()
    commit(ring, rows)
    assert ring.epoch == 2
    found = reopened(ring, rows)
    assert found.epoch == 2
    assert all(same(key, found.key(kid)) for key, kid in zip(held, kids, strict=True))
    assert all(rows[kid] != before[kid] for kid in kids)
    old_rows = reopened(ring, before)
    for kid in kids:
        with pytest.raises(CorruptHeader, match="another epoch"):
            old_rows.key(kid)
    assert Keyring.decode(old_header, root=ROOT, store_id=STORE).epoch == 1, "as long as somebody has the old header"


def test_an_old_row_under_the_number_of_the_new_epoch_opens_nothing() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    old = _array(rows[kid])
    ring.rotate()
    commit(ring, rows)
    rows[kid] = codec.encode([2, *old[1:]])
    with pytest.raises(CorruptHeader, match="not authentic"):
        reopened(ring, rows).key(kid)


def test_what_was_erased_does_not_come_back_with_an_old_row() -> None:
    ring, rows, (kid, other) = filled((1, "emil"), (1, "carl"))
    residue = rows[kid]
    ring.destroy([kid])
    ring.rotate()
    commit(ring, rows)
    found = reopened(ring, rows | {kid: residue})
    with pytest.raises(CorruptHeader):
        found.key(kid)
    found.key(other)


def test_rotation_names_the_keys_that_were_lost_before() -> None:
    ring, rows, (kid, other, third) = filled((1, "emil"), (1, "carl"), (2, "carl"))
    rows[kid] = b"damaged"
    rows[third] = rows[third][:-1] + bytes([rows[third][-1] ^ 1])
    found = reopened(ring, rows)
    assert found.rotate() == tuple(sorted((kid, third)))
    assert [number for number, _ in found.changes().put] == [other]


def test_ten_thousand_keys_are_wrapped_again() -> None:
    ring, rows, kids = filled(*((1, str(number)) for number in range(10_000)))
    ring.rotate()
    commit(ring, rows)
    assert len(rows) == len(kids) == 10_000
    reopened(ring, rows).key(kids[-1])


def test_a_new_root_keeps_names_and_data_and_leaves_the_old_root_nothing() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    names, held, header = ring.names_key(1).reveal(), ring.key(kid), ring.header_key.reveal()
    ring.change_root(OTHER_ROOT)
    commit(ring, rows)
    assert header != ring.header_key.reveal()
    found = reopened(ring, rows, root=OTHER_ROOT)
    assert found.names_key(1).reveal() == names
    assert same(found.key(kid), held)
    assert (ring.epoch, found.epoch) == (2, 2)
    with pytest.raises(CorruptHeader):
        Keyring.decode(ring.encode(), root=ROOT, store_id=STORE)


def test_who_had_the_old_root_has_no_key_of_what_is_written_next() -> None:
    ring, rows, (kid, other) = filled((1, "emil"), (1, "carl"))
    for retired in (ring.change_root, lambda _: ring.rotate(retire=True)):
        assert retired(OTHER_ROOT) == ()
        commit(ring, rows)
        fresh = ring.use(1, ring.scope_id("emil"))
        assert fresh not in {kid, other}
        assert not same(ring.key(fresh), ring.key(kid))
        assert same(ring.key(other), reopened(ring, rows, root=OTHER_ROOT).key(other))
        commit(ring, rows)
        kid = fresh


# --- transactions ----------------------------------------------------------------------------------------------------


def test_what_was_rolled_back_never_was() -> None:
    ring, rows, (kid, other) = filled((1, "emil"), (1, "carl"))
    encoded, held = ring.encode(), ring.key(other)
    fresh = ring.use(3, ring.scope_id("dora"))
    ring.use(1, ring.scope_id("carl"), count=RESERVATION + 1)
    ring.destroy([kid])
    ring.rotate()
    ring.change_root(OTHER_ROOT)
    ring.undo()
    assert ring.changes() == ([], [])
    assert (ring.encode(), ring.epoch) == (encoded, 1)
    assert sorted(ring.kids()) == sorted((kid, other))
    ring.key(kid)
    assert same(held, ring.key(other))
    assert ring.header_key.reveal() == header_key(ROOT, store_id=STORE).reveal()
    with pytest.raises(KeyUnavailable):
        ring.key(fresh)
    assert ring.use(3, ring.scope_id("dora")) != fresh
    assert ring.use(1, ring.scope_id("carl")) == other
    commit(ring, rows)
    assert _array(rows[other])[3] == 2 * RESERVATION, "what was rolled back is not counted, and not used"


def test_two_writers_take_turns() -> None:
    ring, rows, (kid,) = filled((1, "emil"))
    other = reopened(ring, rows)
    assert other.use(1, other.scope_id("emil")) == kid
    dora = other.use(1, other.scope_id("dora"))
    commit(other, rows)
    ring.load(rows.items())
    assert same(ring.key(dora), other.key(dora))
    assert ring.use(1, ring.scope_id("emil")) == kid
    assert ring.changes() == ([], []), "its own reservation still stands"
    other.destroy([kid])
    commit(other, rows)
    ring.load(rows.items())
    assert ring.use(1, ring.scope_id("emil")) != kid


def test_nothing_is_loaded_over_open_changes() -> None:
    ring, rows, _ = filled((1, "emil"))
    for change in (lambda: ring.use(2, bytes(16)), lambda: ring.change_root(OTHER_ROOT)):
        change()
        with pytest.raises(StateError):
            ring.load(rows.items())
        ring.undo()
    ring.load(rows.items())
