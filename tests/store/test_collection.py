"""STO-13, STO-14, STO-15, STO-16: records under keys, revisions, scopes, fields, expiry; laws against a dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from siegel.errors import Conflict, CorruptRecord, InvalidArgument, RollbackDetected, StateError
from siegel.store.collection import Collection
from siegel.store.keyring import MAX_RECORDS, RESERVATION
from siegel.store.memory_backend import MemoryBackend
from siegel.store.records import Key, Record
from siegel.store.store import Store
from tests.store.records_at_hand import KEY, new_store

NOW = 1_800_000_000_000


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with Store.create(MemoryBackend() if request.param == "memory" else tmp_path / "s.db", key=KEY) as opened:
        yield opened


def value_of(collection: Collection, key: Key) -> bytes | None:
    record = collection.get(key)
    return record.value if record else None


# --- writing and reading ---------------------------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was_given(store: Store) -> None:
    collection = store.collection("c", index=["folder", "sender"])
    index = {"folder": "in", "sender": "alice"}
    assert collection.put("ü", b"value", index=index, expires=NOW + 1) == 1
    assert collection.get("ü", at=NOW) == Record("ü", b"value", 1, NOW + 1, index)
    assert collection.get("u") is None


def test_revisions_count_the_writings(store: Store) -> None:
    collection = store.collection("c")
    assert [collection.put("a", value) for value in (b"1", b"2", b"2")] == [1, 2, 3]
    assert collection.delete("a")
    assert not collection.delete("a")
    assert collection.put("a", b"3") == 1


def test_text_and_bytes_are_different_keys(store: Store) -> None:
    collection = store.collection("c")
    collection.put("a", b"text")
    collection.put(b"a", b"bytes")
    assert (value_of(collection, "a"), value_of(collection, b"a")) == (b"text", b"bytes")


def test_many_at_once(store: Store) -> None:
    collection = store.collection("c", index=["f"])
    assert collection.put_many([("a", b"1"), (b"b", b"2")]) == [1, 1]
    assert collection.put_many([Record("a", b"3", 77, NOW, {"f": "x"}), ("c", b"4")]) == [2, 1]
    assert collection.put_many([]) == []
    found = collection.get_many(["c", "nowhere", "a", "c"], at=0)
    assert [record and record.value for record in found] == [b"4", None, b"3", b"4"]
    assert found[2] == Record("a", b"3", 2, NOW, {"f": "x"})
    assert collection.get_many([]) == []


def test_many_are_all_or_none(store: Store) -> None:
    collection = store.collection("c")
    before = store.sequence
    with pytest.raises(InvalidArgument, match="twice"):
        collection.put_many([("a", b"1"), ("b", b"2"), ("a", b"3")])
    with pytest.raises(InvalidArgument):
        collection.put_many([("a", b"1"), ("b", "no bytes")])  # type: ignore[list-item]  # what the test is about
    assert list(collection.scan()) == []
    assert store.sequence == before
    assert store.verify().ok


def test_what_cannot_be_kept_is_refused(store: Store) -> None:
    collection = store.collection("c", index=["f"])
    for wrong in (
        {"key": 1},
        {"value": "text"},
        {"key": "u\u0308"},
        {"expires": -1},
        {"index": {"g": "x"}},
        {"index": {"f": 1}},
    ):
        with pytest.raises(InvalidArgument):
            collection.put(**{"key": "a", "value": b"", **wrong})  # type: ignore[arg-type]  # what the test is about
    assert list(collection.scan()) == []


# --- who was first ---------------------------------------------------------------------------------------------------


def test_a_writing_may_say_what_must_stand_there(store: Store) -> None:
    collection = store.collection("c")
    assert collection.put("a", b"1", expected=0) == 1
    assert collection.put("a", b"2", expected=1) == 2
    for expected in (0, 1, 3):
        with pytest.raises(Conflict):
            collection.put("a", b"no", expected=expected)
        with pytest.raises(Conflict):
            collection.delete("a", expected=expected)
    with pytest.raises(Conflict):
        collection.put("b", b"no", expected=1)
    with pytest.raises(Conflict):
        collection.delete("b", expected=1)
    assert not collection.delete("b", expected=0)
    assert value_of(collection, "a") == b"2"
    assert collection.delete("a", expected=2)
    assert store.verify().ok


# --- transactions ----------------------------------------------------------------------------------------------------


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    collection = store.collection("c")
    collection.put("old", b"1")
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(store, collection)
    assert {record.key: record.value for record in collection.scan()} == {"old": b"1"}
    assert store.verify().ok
    with store.transaction():
        collection.put("new", b"3")
        assert value_of(collection, "new") == b"3", "what was written is read inside"
        collection.delete("old")
        other = store.collection("made inside")
        other.put("a", b"4")
    assert (value_of(collection, "new"), value_of(collection, "old"), value_of(other, "a")) == (b"3", None, b"4")
    assert store.verify().ok


def fail_in_the_middle(store: Store, collection: Collection) -> None:
    with store.transaction():
        collection.put("old", b"2")
        collection.put("new", b"3")
        collection.delete("old")
        store.collection("made inside", scope="s").put("a", b"4")
        _ = 1 // 0


def test_one_inside_of_another_is_a_part_of_it(store: Store) -> None:
    collection = store.collection("c")
    before = store.sequence
    with store.transaction():
        collection.put("a", b"1")
        with store.transaction():
            collection.put("b", b"2")
    assert store.sequence == before + 1
    with pytest.raises(StateError, match="a part of the transaction failed"):
        swallow_the_failure_of_a_part(store, collection)
    assert {record.key for record in collection.scan()} == {"a", "b"}
    assert store.verify().ok


def swallow_the_failure_of_a_part(store: Store, collection: Collection) -> None:
    with store.transaction():
        collection.put("c", b"3")
        with suppress(ZeroDivisionError), store.transaction():
            collection.put("d", b"4")
            _ = 1 // 0
        with pytest.raises(StateError):
            collection.put("e", b"5")


def test_a_refused_writing_does_not_end_the_transaction(store: Store) -> None:
    collection = store.collection("c")
    collection.put("a", b"1")
    with store.transaction():
        collection.put("b", b"2")
        with pytest.raises(Conflict):
            collection.put("a", b"no", expected=0)
        with pytest.raises(InvalidArgument):
            collection.put("a", "no")  # type: ignore[arg-type]  # what the test is about
        collection.put("c", b"3")
    assert {record.key for record in collection.scan()} == {"a", "b", "c"}
    assert store.verify().ok


def test_a_transaction_that_changes_nothing_writes_nothing(store: Store) -> None:
    collection = store.collection("c")
    before = store.sequence
    with store.transaction():
        collection.get("a")
        collection.delete("a")
    assert store.sequence == before


# --- scopes ----------------------------------------------------------------------------------------------------------


def test_scopes_never_meet(store: Store) -> None:
    scopes = (None, "", "a", "b")
    for scope in scopes:
        store.collection("c", scope=scope).put("key", repr(scope).encode())
    for scope in scopes:
        collection = store.collection("c", scope=scope)
        assert value_of(collection, "key") == repr(scope).encode()
        assert [record.value for record in collection.scan()] == [repr(scope).encode()]
    store.collection("c", scope="a").delete("key")
    assert value_of(store.collection("c", scope="b"), "key") == b"'b'"


def test_each_scope_has_keys_of_its_own(store: Store) -> None:
    for name in ("c", "d"):
        for scope in (None, "a", "b"):
            store.collection(name, scope=scope).put_many([(str(number), b"") for number in range(10)])
    assert len(store._backend.keys()) == 6 + 2  # and the names of two scopes, each under a key of the scope


def test_a_data_key_that_is_used_up_is_followed_by_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siegel.store.keyring.MAX_RECORDS", 100)
    monkeypatch.setattr("siegel.store.keyring.RESERVATION", 10)
    assert MAX_RECORDS == 2**28
    assert RESERVATION < MAX_RECORDS
    collection = store.collection("c")
    for number in range(105):
        collection.put(str(number % 7), b"")
    assert len(store._backend.keys()) == 2
    collection.put_many([(str(number), b"") for number in range(100)])
    assert len(store._backend.keys()) == 3
    assert len(list(collection.scan())) == 100
    assert store.verify().ok


# --- fields ----------------------------------------------------------------------------------------------------------


def test_records_are_found_by_their_fields(store: Store) -> None:
    collection = store.collection("c", index=["folder", "sender"])
    with store.transaction():
        for number in range(600):
            index = {"folder": "in" if number % 2 else "out", "sender": str(number % 3)}
            collection.put(str(number), b"", index=index)
    assert {record.key for record in collection.find(folder="in")} == {str(n) for n in range(600) if n % 2}
    both = {record.key for record in collection.find(folder="out", sender="1")}
    assert both == {str(n) for n in range(600) if not n % 2 and n % 3 == 1}
    assert list(collection.find(folder="nowhere")) == []
    collection.put("1", b"", index={"folder": "out"})
    collection.delete("3")
    assert not {"1", "3"} & {record.key for record in collection.find(folder="in")}
    with pytest.raises(InvalidArgument):
        list(collection.find())
    with pytest.raises(InvalidArgument):
        list(collection.find(to="x"))


def test_a_further_field_finds_what_is_written_from_then_on(store: Store) -> None:
    old = store.collection("c", index=["one"])
    old.put("a", b"", index={"one": "x"})
    new = store.collection("c", index=["two"])
    new.put("b", b"", index={"two": "x"})
    assert [record.key for record in new.find(two="x")] == ["b"]
    assert [record.fields for record in old.find(one="x")] == [{"one": "x"}]
    assert {tuple(record.fields) for record in new.scan()} == {("one",), ("two",)}
    with pytest.raises(InvalidArgument):
        list(new.find(one="x"))


def test_a_tag_that_somebody_moved_finds_nothing(store: Store) -> None:
    """What the database finds is compared with what the record says."""
    collection = store.collection("c", index=["f"])
    collection.put("a", b"", index={"f": "x"})
    real = store._backend.find
    wrong = collection._tag(0, "x")
    store._backend.find = lambda number, field, _, **more: real(number, field, wrong, **more)  # type: ignore[method-assign]  # the database lies
    assert list(collection.find(f="y")) == []
    assert [record.key for record in collection.find(f="x")] == ["a"]


def test_equal_fields_of_two_scopes_have_different_tags(store: Store) -> None:
    tags = {
        store.collection(name, scope=scope, index=["f", "g"])._tag(field, "x")
        for name in ("c", "d")
        for scope in (None, "a")
        for field in (0, 1)
    }
    assert len(tags) == 8


# --- expiry ----------------------------------------------------------------------------------------------------------


def test_an_expired_record_is_not_given_out(store: Store) -> None:
    collection = store.collection("c", index=["f"])
    collection.put("a", b"1", expires=NOW, index={"f": "x"})
    for at, there in ((NOW - 1, True), (NOW, False), (NOW + 1, False)):
        assert (collection.get("a", at=at) is not None) == there
        assert (collection.get_many(["a"], at=at) != [None]) == there
        assert bool(list(collection.scan(at=at))) == there
        assert bool(list(collection.find(f="x", at=at))) == there
    collection.put("a", b"1", expires=1)
    assert collection.get("a") is None, "without an instant it is now"


def test_what_is_written_over_lives_as_long_as_it_now_says(store: Store) -> None:
    collection = store.collection("c")
    collection.put("a", b"1", expires=1)
    assert collection.put("a", b"2") == 2
    assert value_of(collection, "a") == b"2"
    assert store.sweep() == 0


# --- strict collections ----------------------------------------------------------------------------------------------


def test_a_strict_collection_reads_what_was_written(store: Store) -> None:
    loose, strict = store.collection("c", index=["f"]), store.collection("c", index=["f"], strict=True)
    loose.put("a", b"1", index={"f": "x"})
    assert value_of(strict, "a") == b"1"
    strict.put("b", b"2")
    loose.put("a", b"3", index={"f": "x"})
    loose.delete("b")
    assert value_of(strict, "a") == b"3"
    assert value_of(strict, "b") is None
    assert [record.key for record in strict.scan()] == ["a"]
    assert [record.key for record in strict.find(f="x")] == ["a"]
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(store, strict)
    assert value_of(strict, "a") == b"3"
    assert value_of(strict, "old") is None


@pytest.mark.parametrize("attack", ["old", "deleted", "resurrected"])
def test_a_strict_collection_notices_at_once(attack: str) -> None:
    """Attack ST-4."""
    backend = MemoryBackend()
    store = new_store(backend)
    strict, loose = store.collection("c", strict=True), store.collection("c")
    strict.put("a", b"old")
    (row,) = backend.scan(1, limit=1)
    if attack == "old":
        strict.put("a", b"new")
    if attack == "resurrected":
        strict.delete("a")
    assert (value_of(strict, "a") is None) == (attack == "resurrected")
    if attack == "deleted":
        del backend._rows[1][row.name]
    else:
        backend._rows[1][row.name] = row
    backend._order.clear()
    assert value_of(loose, "a") == (None if attack == "deleted" else b"old"), "only verify tells here"
    assert not store.verify().ok
    for attempt in (lambda: strict.get("a"), lambda: list(strict.scan()), lambda: strict.put("b", b"")):
        with pytest.raises(RollbackDetected):
            attempt()
    assert store.read_only
    with pytest.raises(RollbackDetected):
        Store.open(backend, key=KEY).collection("c", strict=True).get("a")


def test_no_strict_collection_where_several_write() -> None:
    class Several(MemoryBackend):
        single_writer = False

    store = Store.create(Several(), key=KEY)
    with pytest.raises(InvalidArgument, match="strict"):
        store.collection("c", strict=True)
    collection = store.collection("c")
    before = store.sequence
    assert collection.put("a", b"1") == 1
    assert collection.put("a", b"2", expected=1) == 2
    assert collection.delete("a")
    assert store.sequence == before, "the header does not follow each record"
    assert store.verify().ok


# --- damage ----------------------------------------------------------------------------------------------------------


def test_a_damaged_record_is_told_and_not_replaced() -> None:
    backend = MemoryBackend()
    store = new_store(backend)
    collection = store.collection("c")
    collection.put_many([("a", b"1"), ("b", b"2")])
    name = collection._name("a")
    row = backend._rows[1][name]
    for value in (b"", row.value[:38], row.value[:-1] + bytes([row.value[-1] ^ 1]), b"\1\0\0\0\0" + row.value[5:]):
        backend._rows[1][name] = row._replace(value=value)
        for attempt in (
            lambda: collection.get("a"),
            lambda: collection.get_many(["b", "a"]),
            lambda: list(collection.scan()),
            lambda: collection.put("a", b"3"),
            lambda: collection.delete("a"),
        ):
            with pytest.raises(CorruptRecord):
                attempt()
        assert value_of(collection, "b") == b"2"


# --- against a dictionary --------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", b"a", "ü"])
SCOPES = st.sampled_from([None, "x"])
TIMES = st.none() | st.integers(NOW - 2, NOW + 2)


class Twin(RuleBasedStateMachine):
    """A collection does what a dictionary does, through transactions that are kept or not, and after reopening."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = MemoryBackend()
        self.store = new_store(self.backend)
        self.model: dict[tuple[str | None, Key], tuple[bytes, int, int | None]] = {}
        self.strict = False

    def collection(self, scope: str | None) -> Collection:
        return self.store.collection("c", scope=scope, strict=self.strict)

    @rule(scope=SCOPES, key=KEYS, value=st.binary(max_size=3), expires=TIMES)
    def put(self, scope: str | None, key: Key, value: bytes, expires: int | None) -> None:
        revision = self.model.get((scope, key), (b"", 0, None))[1] + 1
        assert self.collection(scope).put(key, value, expires=expires) == revision
        self.model[scope, key] = value, revision, expires

    @rule(scope=SCOPES, key=KEYS)
    def delete(self, scope: str | None, key: Key) -> None:
        assert self.collection(scope).delete(key) == self.model.pop((scope, key), (b"", 0, None))[1]

    @rule(steps=st.lists(st.tuples(SCOPES, KEYS, st.none() | st.binary(max_size=3)), max_size=5), kept=st.booleans())
    def transaction(self, steps: list[tuple[str | None, Key, bytes | None]], kept: bool) -> None:  # noqa: FBT001  # drawn
        before = dict(self.model)
        try:
            with self.store.transaction():
                for scope, key, value in steps:
                    if value is None:
                        self.delete(scope, key)
                    else:
                        self.put(scope, key, value, None)
                _ = 1 // kept
        except ZeroDivisionError:
            self.model = before

    @rule()
    def sweep(self) -> None:
        gone = [place for place, (_, _, expires) in self.model.items() if expires is not None and expires <= NOW]
        assert self.store.sweep(at=NOW) == len(gone)
        for place in gone:
            del self.model[place]

    @rule(strict=st.booleans())
    def reopen(self, strict: bool) -> None:  # noqa: FBT001  # drawn
        self.store, self.strict = Store.open(self.backend, key=KEY), strict

    @rule()
    def rotate(self) -> None:
        self.store.rotate()

    @invariant()
    def the_same_records(self) -> None:
        for scope in (None, "x"):
            visible = {
                key: (value, revision)
                for (of, key), (value, revision, expires) in self.model.items()
                if of == scope and (expires is None or expires > NOW)
            }
            found = {record.key: (record.value, record.revision) for record in self.collection(scope).scan(at=NOW)}
            assert found == visible
            for key in ("a", "b", b"a", "ü"):
                record = self.collection(scope).get(key, at=NOW)
                assert (record and (record.value, record.revision)) == visible.get(key)
        assert self.store.verify() == (len(self.model), ())


TestTwin = Twin.TestCase
TestTwin.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
