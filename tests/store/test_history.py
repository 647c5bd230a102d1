"""A packed history: as a list of messages, whatever is appended, changed and deleted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel.errors import CorruptRecord, InvalidArgument
from siegel.store.history import MAX_MESSAGE_BYTES, PAGE_MESSAGES, History
from siegel.store.store import Store
from tests.store.records_at_hand import KEY, new_store

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 70)),
        st.tuples(st.just("replace"), st.integers(0, 200)),
        st.tuples(st.just("delete"), st.integers(0, 200)),
    ),
    max_size=12,
)


@given(STEPS, st.integers(0, 200), st.integers(0, 200))
def test_it_is_a_list_of_messages(steps: list[tuple[str, int]], start: int, stop: int) -> None:
    history, model = History(new_store(), "history", conversation="bert"), list[bytes | None]()
    for turn, (what, number) in enumerate(steps):
        text = b"%d" % turn * (turn % 3)
        if what == "append":
            assert history.append_many([text] * number) == len(model)
            model += [text] * number
        elif number >= len(model) or model[number] is None:
            if what == "delete":
                assert not history.delete(number)
            else:
                with pytest.raises(InvalidArgument):
                    history.replace(number, text)
        elif what == "replace":
            history.replace(number, text)
            model[number] = text
        else:
            assert history.delete(number)
            model[number] = None
    left = [(number, message) for number, message in enumerate(model) if message is not None]
    assert len(history) == len(model)
    assert list(history.scan()) == left
    assert list(history.scan(start, stop)) == [entry for entry in left if start <= entry[0] < stop]
    assert [history.get(number) for number in range(len(model) + 2)] == [*model, None, None]


def test_a_full_page_is_one_record() -> None:
    store = new_store()
    history, records = History(store, "h", conversation="bert"), store.collection("h", scope="bert")
    for number in range(PAGE_MESSAGES - 1):
        assert history.append(b"message") == number
    assert len(list(records.scan())) == PAGE_MESSAGES
    history.append(b"the last of the page")
    assert sorted(str(record.key) for record in records.scan()) == ["end", "page 0"]
    assert [message for _, message in history.scan(30)] == [b"message", b"the last of the page"]


def test_conversations_do_not_meet_and_are_erased_each() -> None:
    store = new_store()
    anna, bert = (History(store, "h", conversation=name) for name in ("anna", "bert"))
    anna.append_many([b"a"] * 40)
    bert.append_many([b"b"] * 40)
    store.erase("anna")
    assert len(anna) == 0
    assert [message for _, message in bert.scan()] == [b"b"] * 40


@pytest.mark.parametrize("key", ["page 0", "message 33"])
def test_a_record_that_is_missing_is_noticed(key: str) -> None:
    store = new_store()
    history = History(store, "h", conversation="bert")
    history.append_many([b"x"] * 40)
    store.collection("h", scope="bert").delete(key)
    with pytest.raises(CorruptRecord):
        list(history.scan())
    with pytest.raises(CorruptRecord):
        history.get(0 if key == "page 0" else 33)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x80",
        bytes(8),
        bytes(132),
        bytes(4) + b"\x00\x00\x00\x09xx",
        bytes(4) + b"\x00\x00\x00\xff" * 31 + b"\x00\x00\x00\x84",
    ],
)
@pytest.mark.parametrize("key", ["page 0", "message 32", "end"])
def test_what_another_room_wrote_there_is_refused(key: str, value: bytes) -> None:
    store = new_store()
    history = History(store, "h", conversation="bert")
    history.append_many([b"x"] * 33)
    store.collection("h", scope="bert").put(key, value)
    with pytest.raises(CorruptRecord):
        list(history.scan())


def test_what_is_no_message_is_refused() -> None:
    history = History(new_store(), "h", conversation="bert")
    for message in ("text", bytes(MAX_MESSAGE_BYTES + 1), None):
        with pytest.raises(InvalidArgument):
            history.append(message)  # type: ignore[arg-type]  # the point
    for number in (-1, True, "1"):
        with pytest.raises(InvalidArgument):
            history.get(number)  # type: ignore[arg-type]  # the point
    assert history.append_many([bytes(MAX_MESSAGE_BYTES)] * PAGE_MESSAGES) == 0
    assert len(list(history.scan())) == PAGE_MESSAGES


def test_nothing_of_it_is_readable_on_disk(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        history = History(store, "canary-name", conversation="canary-scope")
        history.append_many([b"canary-message %d" % number for number in range(100)])
        history.replace(5, b"canary-other")
        history.delete(99)
        files = [path.read_bytes() for path in tmp_path.iterdir()]
        assert len(files) >= 2
        assert not any(b"canary" in data or b"page 0" in data for data in files)


def test_a_transaction_that_fails_leaves_it_as_it_was(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.db", key=KEY) as store:
        history = History(store, "h", conversation="bert")
        history.append_many([b"x"] * 31)
        with pytest.raises(InvalidArgument), store.transaction():  # noqa: PT012  # what was written before is the point
            assert history.append_many([b"y"] * 5) == 31
            history.replace(99, b"")
        assert [message for _, message in history.scan()] == [b"x"] * 31
    assert sqlite3.connect(tmp_path / "s.db").execute("SELECT count(*) FROM siegel_record").fetchone()[0] >= 32
