"""What is to be sent: kept with what made it, given out in order and again, forgotten when it is acknowledged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel.errors import CorruptRecord, InvalidArgument, StateError
from siegel.store import outbox as room
from siegel.store.memory_backend import MemoryBackend
from siegel.store.outbox import Outbox, Parcel
from siegel.store.sqlite_backend import SqliteBackend
from siegel.store.store import Store
from tests.store.clients import fresh, undone
from tests.store.records_at_hand import KEY


def test_in_the_order_in_which_it_was_added_until_it_is_acknowledged() -> None:
    outbox = Outbox(fresh())
    assert outbox.add("bert", b"one", b"two") == (1, 2)
    assert outbox.add("carl", b"three") == (3,)
    waiting = [Parcel(1, "bert", b"one"), Parcel(2, "bert", b"two"), Parcel(3, "carl", b"three")]
    assert outbox.pending() == outbox.pending() == waiting
    assert outbox.acknowledge(2) == 1
    assert outbox.pending() == [waiting[0], waiting[2]]
    assert outbox.acknowledge(1, 3) == 2
    assert outbox.pending() == []
    assert outbox.add("bert", b"four") == (4,), "a number is given once"


def test_acknowledged_twice_or_never_added() -> None:
    outbox = Outbox(fresh())
    outbox.add("bert", b"one")
    assert outbox.acknowledge(1, 1) == 1
    assert outbox.acknowledge(1) == outbox.acknowledge(99) == outbox.acknowledge() == 0
    for number in (0, -1, 2**80, "1", True):
        with pytest.raises(InvalidArgument):
            outbox.acknowledge(number)  # type: ignore[arg-type]


def test_nothing_is_nothing() -> None:
    outbox = Outbox(fresh())
    assert outbox.add("bert") == ()
    assert outbox.add("bert", b"") == (1,)
    assert outbox.pending() == [Parcel(1, "bert", b"")]


def test_only_text_and_bytes() -> None:
    outbox = Outbox(fresh())
    for to, data in ((b"bert", b"x"), ("bert", "x"), ("bert", bytearray(b"x"))):
        with pytest.raises(InvalidArgument):
            outbox.add(to, data)  # type: ignore[arg-type]
    assert outbox.pending() == []


def test_a_page_at_a_time() -> None:
    outbox = Outbox(fresh())
    outbox.add("bert", *(b"%d" % n for n in range(1, 101)))
    outbox.acknowledge(*range(5, 90))
    assert [parcel.number for parcel in outbox.pending()] == [1, 2, 3, 4, *range(90, 101)]
    assert [parcel.number for parcel in outbox.pending(limit=5)] == [1, 2, 3, 4, 90]
    assert [parcel.number for parcel in outbox.pending(after=4, limit=3)] == [90, 91, 92]
    assert outbox.pending(after=100) == outbox.pending(limit=0) == []
    outbox.acknowledge(1, 2, 3, 4)
    assert [parcel.number for parcel in outbox.pending(limit=2)] == [90, 91]


def test_larger_than_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PART_BYTES", 10)
    outbox = Outbox(fresh())
    large = bytes(range(95))
    outbox.add("bert", large, b"small", bytes(10), bytes(11))
    assert [parcel.data for parcel in outbox.pending()] == [large, b"small", bytes(10), bytes(11)]
    outbox.acknowledge(1, 4)
    assert [parcel.data for parcel in outbox.pending()] == [b"small", bytes(10)]
    outbox.acknowledge(2, 3)
    assert outbox._parcels.get(room._PLACE) == next(outbox._parcels.scan()), "nothing else is left"


def test_the_largest_envelope_goes_in() -> None:
    outbox = Outbox(fresh())
    largest = bytes(20 * 2**20)
    outbox.add("bert", largest, b"next")
    assert [parcel.data for parcel in outbox.pending()] == [largest, b"next"]
    with pytest.raises(InvalidArgument):
        outbox.add("bert", bytes(room.MAX_BYTES + 1))


def test_large_parcels_are_given_out_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAGE_BYTES", 10)
    outbox = Outbox(fresh())
    outbox.add("bert", bytes(9), bytes(9), bytes(9))
    assert [parcel.number for parcel in outbox.pending()] == [1, 2]
    assert [parcel.number for parcel in outbox.pending(after=2)] == [3]


def test_nothing_is_given_out_before_it_is_kept() -> None:
    store = fresh()
    outbox = Outbox(store)
    with store.transaction():
        outbox.add("bert", b"one")
        with pytest.raises(StateError, match="undone"):
            outbox.pending()
    assert len(outbox.pending()) == 1


def test_what_is_undone_was_never_there() -> None:
    store = fresh()
    outbox = Outbox(store)
    with undone(store):
        outbox.add("bert", b"one")
    assert outbox.pending() == []


def test_the_applications_transaction_ends_first(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "app.db")
    connection.execute("CREATE TABLE orders (name TEXT)")
    connection.commit()
    store = Store.create(connection, key=KEY)
    outbox = Outbox(store)
    connection.execute("INSERT INTO orders VALUES ('a')")
    outbox.add("bert", b"one")
    with pytest.raises(StateError, match="application"):
        outbox.pending()
    connection.rollback()
    assert outbox.pending() == []
    connection.execute("INSERT INTO orders VALUES ('a')")
    outbox.add("bert", b"one")
    connection.commit()
    assert [parcel.data for parcel in outbox.pending()] == [b"one"]


def test_after_a_crash_it_is_given_out_again(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        Outbox(store).add("bert", b"one", b"two")
        given_out = Outbox(store).pending()
        Outbox(store).acknowledge(1)
    with Store.open(tmp_path / "s.db", key=KEY) as store:
        assert Outbox(store).pending() == given_out[1:]
        assert Outbox(store).add("bert", b"three") == (3,)


def test_two_processes_give_each_number_once(tmp_path: Path) -> None:
    one = Store.create(tmp_path / "s.db", key=KEY)
    other = Store.open(tmp_path / "s.db", key=KEY)
    outboxes = [Outbox(one), Outbox(other)]
    for number in range(10):
        assert outboxes[number % 2].add("bert", b"%d" % number) == (number + 1,)
    assert [parcel.data for parcel in outboxes[0].pending()] == [b"%d" % number for number in range(10)]
    outboxes[0].acknowledge(*range(1, 11))
    assert outboxes[1].pending() == []


def test_a_damaged_parcel_is_not_sent() -> None:
    backend = MemoryBackend()
    store = Store.create(backend, key=KEY)
    outbox = Outbox(store)
    outbox.add("bert", b"one")
    for rows in backend._rows.values():
        for name, row in rows.items():
            rows[name] = row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))
    with pytest.raises(CorruptRecord):
        outbox.pending()


def test_parcels_are_not_shown() -> None:
    assert repr(Parcel(7, "bert", b"the message")) == "<Parcel 7, 11 bytes>"
    with pytest.raises(TypeError):
        Outbox(fresh()).__reduce__()


def test_names_and_contents_are_not_readable(tmp_path: Path) -> None:
    store = Store.create(SqliteBackend(tmp_path / "s.db", create=True), key=KEY)
    Outbox(store).add("group of bert", b"a canary in the parcel")
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        assert b"canary" not in data
        assert b"bert" not in data


steps = st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=30)


@settings(deadline=None)
@given(steps)
def test_as_a_list(given_steps: list[tuple[bool, int]]) -> None:
    outbox = Outbox(fresh())
    model: dict[int, bytes] = {}
    added = 0
    for adds, number in given_steps:
        if adds:
            items = [b"%d/%d" % (added, n) for n in range(number)]
            numbers = outbox.add("bert", *items)
            assert numbers == tuple(range(added + 1, added + 1 + number))
            model |= dict(zip(numbers, items, strict=True))
            added += number
        else:
            assert outbox.acknowledge(number) == (model.pop(number, None) is not None)
        assert [(parcel.number, parcel.data) for parcel in outbox.pending(limit=1000)] == sorted(model.items())
