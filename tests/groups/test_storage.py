"""What a group asks of its storage, held by the one in memory: records by prefix, as one dictionary would have them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siegel.groups.storage import MemoryStorage, Outgoing, Storage
from tests.people import person

NOTHING = Outgoing()
NAMES = (
    "flags",
    "group/aa/log/1",
    "group/aa/log/2",
    "group/aa/key/1",
    "group/aa/forgotten",
    "group/ab/log/1",
    "group/aa",
)


def filled() -> MemoryStorage:
    storage = MemoryStorage()
    storage.commit({name: name.encode() for name in NAMES}, NOTHING)
    return storage


def found(storage: Storage, prefix: str) -> dict[str, bytes]:
    pairs = list(storage.load(prefix))
    assert len(dict(pairs)) == len(pairs), "a record stands twice"
    return dict(pairs)


def test_records_by_what_their_names_begin_with() -> None:
    storage = filled()
    for prefix in (
        "",
        "f",
        "group",
        "group/",
        "group/aa",
        "group/aa/",
        "group/aa/log/",
        "group/aa/log/1",
        "group/b",
        "x",
    ):
        assert found(storage, prefix) == {name: name.encode() for name in NAMES if name.startswith(prefix)}, prefix


def test_written_deleted_and_written_again() -> None:
    storage = filled()
    storage.commit({"group/aa/log/1": None, "group/aa/log/2": b"new", "never there": None}, NOTHING)
    assert found(storage, "group/aa/log/") == {"group/aa/log/2": b"new"}
    storage.commit({"group/aa/log/1": b"", "group/aa/log/2": None}, NOTHING)
    assert found(storage, "group/aa/log/") == {"group/aa/log/1": b""}


def test_what_was_loaded_does_not_change() -> None:
    storage = filled()
    loaded = storage.load("group/")
    storage.commit(dict.fromkeys(NAMES), NOTHING)
    assert len(loaded) == 6
    assert list(storage.load("")) == []


def test_two_storages_are_two() -> None:
    filled()
    assert list(MemoryStorage().load("")) == []


def test_what_is_sent_is_not_shown() -> None:
    out = Outgoing(b"the message", (b"the control",), (person("alice").user_id,))
    assert repr(out) == "<Outgoing: message True, 1 control>"
    assert Outgoing() == (None, (), ())


names = st.lists(st.sampled_from(["a", "b", "ab", ""]), min_size=1, max_size=4).map("/".join)
changes = st.dictionaries(names, st.none() | st.binary(max_size=3), max_size=5)


@given(st.lists(changes, max_size=6), names)
def test_as_one_dictionary(steps: list[dict[str, bytes | None]], prefix: str) -> None:
    storage, model = MemoryStorage(), dict[str, bytes]()
    for step in steps:
        storage.commit(step, NOTHING)
        model |= {name: data for name, data in step.items() if data is not None}
        model = {name: data for name, data in model.items() if step.get(name, data) is not None}
        assert found(storage, prefix) == {name: data for name, data in model.items() if name.startswith(prefix)}
        assert found(storage, "") == model
