"""Rows of an open store: all of them, page by page, under the right key, and as they were written."""

from __future__ import annotations

import pytest

from siegel.errors import CorruptRecord, KeyUnavailable, RollbackDetected
from siegel.store import reading
from siegel.store.memory_backend import MemoryBackend
from siegel.store.reading import open_row, rows_of, sealer_of, watch_of
from siegel.store.store import Store
from tests.store.records_at_hand import KEY, new_store


def filled(count: int) -> Store:
    store = new_store()
    store.collection("c").put_many([(str(number), b"") for number in range(count)])
    return store


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9])
def test_all_rows_come_once_and_in_order(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 4)
    names = [row.name for row in rows_of(filled(count)._ledger, 1)]
    assert names == sorted(set(names))
    assert len(names) == count


def test_a_row_opens_and_a_damaged_one_does_not() -> None:
    ledger = filled(1)._ledger
    (row,) = rows_of(ledger, 1)
    assert open_row(ledger, 1, row).key == "0"
    for value in (b"", b"\x01\x00\x00\x00\x01" + row.value[5:], row.value[:-1]):
        with pytest.raises(CorruptRecord) as caught:
            open_row(ledger, 1, row._replace(value=value))
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_a_key_that_another_process_drew_is_found() -> None:
    backend = MemoryBackend()
    one = new_store(backend)
    one.collection("c")
    other = Store.open(backend, key=KEY)
    backend.changed = lambda: True  # type: ignore[method-assign]  # the other writes
    other.collection("c", scope="new").put("a", b"1")
    record = one.collection("c", scope="new").get("a")
    assert record is not None
    assert record.value == b"1"
    with pytest.raises(KeyUnavailable):
        sealer_of(one._ledger, 1, 0)


def test_a_watch_is_read_once_and_only_if_it_agrees() -> None:
    store = filled(5)
    ledger = store._ledger
    with ledger.snapshot():
        watch = watch_of(ledger, 1)
        assert len(watch) == 5
        assert watch_of(ledger, 1) is watch
        assert watch.tally() == ledger.counts.tally(1)
    store = filled(5)
    store._backend._rows[1].popitem()  # type: ignore[attr-defined]  # the one in memory
    with store._ledger.snapshot(), pytest.raises(RollbackDetected):
        watch_of(store._ledger, 1)
    assert store.read_only
