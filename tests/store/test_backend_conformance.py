"""The laws of ``Backend``, for every backend; the one in memory is the model that the others must equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from siegel.errors import Conflict, InvalidArgument, SiegelError, StateError
from siegel.store.backend import Backend, Row
from siegel.store.memory_backend import MemoryBackend
from tests.store.conftest import Opener
from tests.store.rows import as_read, name, row, sealed

# --- as the model ----------------------------------------------------------------------------------------------------

COLLECTIONS = st.integers(1, 2)
KIDS = st.sampled_from((0, 7, 2**32 - 1))
BLOCKS = st.sampled_from(("header", "slots"))
BYTES = st.binary(max_size=3)
NAMES = st.integers(1, 6).map(name)
REVISIONS = st.integers(0, 3)
TAGS = st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=1)), max_size=2).map(tuple)
ROWS = st.builds(
    Row, NAMES, st.integers(1, 3), st.builds(sealed, KIDS, BYTES), st.none() | st.integers(19_000, 19_002), TAGS
)
ALL = 1_000


def outcome(act: Callable[[], object]) -> object:
    try:
        return act()
    except SiegelError as error:
        return type(error)


class Same(RuleBasedStateMachine):
    """Whatever is asked of both, the backend answers as the model does."""

    opener: Opener

    def __init__(self) -> None:
        super().__init__()
        self.backend = self.opener.fresh()
        self.model: Backend = MemoryBackend()
        self.open = False

    def both(self, act: Callable[[Backend], object]) -> None:
        assert outcome(lambda: act(self.backend)) == outcome(lambda: act(self.model))

    @precondition(lambda self: not self.open)
    @rule()
    def begin(self) -> None:
        self.both(lambda backend: backend.begin())
        self.open = True

    @precondition(lambda self: self.open)
    @rule(keep=st.booleans())
    def end(self, *, keep: bool) -> None:
        self.both(lambda backend: backend.commit() if keep else backend.rollback())
        self.open = False

    @precondition(lambda self: self.opener.keeps)
    @rule()
    def close_and_open_again(self) -> None:
        if self.open:
            self.model.rollback()
            self.open = False
        self.backend = self.opener.again()

    @rule(collection=COLLECTIONS, rows=st.lists(st.tuples(ROWS, REVISIONS), max_size=4, unique_by=lambda r: r[0].name))
    def put(self, collection: int, rows: list[tuple[Row, int]]) -> None:
        self.both(lambda backend: backend.put(collection, rows))

    @rule(collection=COLLECTIONS, rows=st.lists(ROWS, max_size=4, unique_by=lambda row: row.name))
    def put_over_what_is_there(self, collection: int, rows: list[Row]) -> None:
        held = {row.name: row.revision for row in self.model.scan(collection, limit=ALL)}
        self.both(lambda backend: backend.put(collection, [(row, held.get(row.name, 0)) for row in rows]))

    @rule(collection=COLLECTIONS, rows=st.lists(st.tuples(NAMES, REVISIONS), max_size=3, unique_by=lambda row: row[0]))
    def delete(self, collection: int, rows: list[tuple[bytes, int]]) -> None:
        self.both(lambda backend: backend.delete(collection, rows))

    @rule(collection=COLLECTIONS, names=st.lists(NAMES, max_size=3, unique=True))
    def delete_what_is_there(self, collection: int, names: list[bytes]) -> None:
        held = [(row.name, row.revision) for row in self.model.get(collection, names)]
        self.both(lambda backend: backend.delete(collection, held))

    @rule(block=BLOCKS, data=st.none() | BYTES)
    def put_block(self, block: str, data: bytes | None) -> None:
        self.both(lambda backend: backend.put_block(block, data))

    @rule(block=BLOCKS, data=BYTES, expected=st.none() | BYTES, right=st.booleans())
    def swap_block(self, block: str, data: bytes, expected: bytes | None, *, right: bool) -> None:
        expected = self.model.blocks().get(block) if right else expected
        self.both(lambda backend: backend.swap_block(block, data, expected))

    @rule(items=st.lists(st.tuples(KIDS, BYTES), max_size=3))
    def put_keys(self, items: list[tuple[int, bytes]]) -> None:
        self.both(lambda backend: backend.put_keys(items))

    @rule(kids=st.lists(KIDS, max_size=2))
    def delete_keys(self, kids: list[int]) -> None:
        self.both(lambda backend: backend.delete_keys(kids))

    @rule(collection=COLLECTIONS, after=st.just(b"") | NAMES, limit=st.integers(0, 3), tag=st.binary(max_size=1))
    def page(self, collection: int, after: bytes, limit: int, tag: bytes) -> None:
        self.both(lambda backend: backend.scan(collection, after=after, limit=limit))
        self.both(lambda backend: backend.find(collection, 1, tag, after=after, limit=limit))

    @rule(collection=COLLECTIONS, names=st.lists(NAMES, max_size=4))
    def get(self, collection: int, names: list[bytes]) -> None:
        self.both(lambda backend: sorted(backend.get(collection, names)))

    @rule(kid=KIDS, day=st.integers(19_000, 19_003), limit=st.integers(0, 2))
    def some(self, kid: int, day: int, limit: int) -> None:
        self.both(lambda backend: len(backend.of_key(kid, limit=limit)))
        self.both(lambda backend: len(backend.expired(day, limit=limit)))

    @invariant()
    def all_of_it(self) -> None:
        self.both(everything)


def everything(backend: Backend) -> object:
    order: Callable[[tuple[int, Row]], Any] = lambda found: (found[0], found[1].name)  # noqa: E731 - its type is told
    return [
        backend.blocks(),
        backend.keys(),
        [(backend.count(collection), backend.scan(collection, limit=ALL)) for collection in (1, 2)],
        [backend.find(c, field, tag, limit=ALL) for c in (1, 2) for field in (0, 1) for tag in (b"", b"\0", b"\1")],
        sorted(backend.expired(19_002, limit=ALL), key=order),
        [sorted(backend.of_key(kid, limit=ALL), key=order) for kid in (0, 7, 2**32 - 1)],
    ]


def test_it_answers_as_the_model_does(opener: Opener) -> None:
    here = opener

    class SameHere(Same):
        opener = here

    run_state_machine_as_test(SameHere, settings=settings(max_examples=60, stateful_step_count=25))


# --- one by one ------------------------------------------------------------------------------------------------------


def test_a_row_is_read_as_it_was_written(backend: Backend) -> None:
    written = row(1, 2**40, kid=2**32 - 1, content=bytes(range(256)) * 300, day=-1, tags=((1, b"tag"),))
    backend.put(2**15, [(written, 0)])
    assert backend.get(2**15, [written.name]) == [as_read(written)]
    assert backend.get(1, [written.name]) == [], "of another collection"


def test_many_names_in_one_call(backend: Backend) -> None:
    rows = [row(number) for number in range(1, 151)]
    backend.put(1, [(each, 0) for each in rows])
    for count in (0, 1, 2, 8, 9, 64, 65, 150):
        asked = [each.name for each in rows[:count]]
        assert sorted(backend.get(1, [*asked, name(0), *asked])) == rows[:count], count


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_a_conflict_writes_nothing_of_the_call(backend: Backend, wrong: int) -> None:
    backend.put(1, [(row(1), 0), (row(2, 2), 0)])
    before = everything(backend)
    with pytest.raises(Conflict):
        backend.put(1, [(row(3, tags=((1, b""),)), 0), (row(1, 2, content=b"new"), 1), (row(2, 3), wrong)])
    assert everything(backend) == before
    with pytest.raises(Conflict):
        backend.delete(1, [(name(1), 1), (name(2), wrong)])
    assert everything(backend) == before


def test_after_a_conflict_the_transaction_goes_on(backend: Backend) -> None:
    backend.put(1, [(row(1), 0)])
    backend.begin()
    backend.put(1, [(row(2), 0)])
    for rows in ([(row(1), 0)], [(row(3), 0), (row(1), 0)], [(row(1, 3), 2)], [(row(1, tags=((1, b""),)), 0)]):
        with pytest.raises(Conflict):
            backend.put(1, rows)
    backend.put(1, [(row(4), 0)])
    backend.commit()
    assert backend.scan(1, limit=ALL) == [row(1), row(2), row(4)]


def test_a_new_writing_has_its_own_tags_only(backend: Backend) -> None:
    backend.put(1, [(row(1, tags=((1, b"old"), (2, b"both"))), 0), (row(2, tags=((1, b"old"),)), 0)])
    backend.put(1, [(row(1, 2, tags=((1, b"new"), (2, b"both"))), 1)])
    found = [
        [each.name[0] for each in backend.find(1, *tag, limit=ALL)] for tag in ((1, b"old"), (1, b"new"), (2, b"both"))
    ]
    assert found == [[2], [1], [1]]
    backend.delete(1, [(name(1), 2)])
    assert backend.find(1, 2, b"both", limit=ALL) == []


def test_no_name_twice_in_a_call(backend: Backend) -> None:
    with pytest.raises(InvalidArgument):
        backend.put(1, [(row(1), 0), (row(1, 2), 1)])
    with pytest.raises(InvalidArgument):
        backend.delete(1, [(name(1), 1), (name(1), 1)])


def test_pages_follow_each_other(backend: Backend) -> None:
    rows = [row(number, tags=((1, b"all"),)) for number in range(1, 24)]
    backend.put(1, [(each, 0) for each in reversed(rows)])

    def pages(after: Callable[[bytes], list[Row]]) -> Iterator[Row]:
        last = b""
        while found := after(last):
            yield from found
            last = found[-1].name

    wanted = [as_read(each) for each in rows]
    assert list(pages(lambda last: backend.scan(1, after=last, limit=5))) == wanted
    assert list(pages(lambda last: backend.find(1, 1, b"all", after=last, limit=5))) == wanted


def test_transactions_do_not_nest_and_end_once(backend: Backend) -> None:
    for end in (backend.commit, backend.rollback):
        with pytest.raises(StateError, match="no transaction"):
            end()
    backend.begin()
    with pytest.raises(StateError, match="already"):
        backend.begin()
    with pytest.raises(StateError, match="open"):
        backend.scrub()
    assert not backend.joined
    backend.commit()
    with pytest.raises(StateError, match="no transaction"):
        backend.commit()


def test_an_empty_transaction(backend: Backend) -> None:
    for end in (backend.commit, backend.rollback):
        backend.begin()
        end()
    backend.put(1, [])
    backend.delete(1, [])
    backend.put_keys([])
    assert backend.delete_keys([]) == 0
    assert backend.get(1, []) == []


def test_a_closed_backend_does_nothing(backend: Backend) -> None:
    backend.begin()
    backend.put_block("header", b"of the open transaction")
    backend.close()
    backend.close()
    for call in (backend.begin, backend.blocks, backend.keys, backend.scrub, lambda: backend.get(1, [name(1)])):
        with pytest.raises(StateError, match="closed"):
            call()


def test_what_was_not_committed_is_not_there_again(opener: Opener) -> None:
    backend = opener.fresh()
    backend.put_block("header", b"kept")
    backend.begin()
    backend.put_block("header", b"not kept")
    if opener.keeps:
        assert opener.again().blocks() == {"header": b"kept"}


def test_scrubbing_tells_its_steps_in_words(opener: Opener) -> None:
    backend = opener.fresh()
    backend.put(1, [(row(1), 0)])
    backend.delete(1, [(name(1), 1)])
    steps = backend.scrub()
    assert all(" " in step for step in steps)
    assert bool(steps) == opener.keeps


def test_a_caller_who_raises_in_the_middle_loses_the_transaction_only(backend: Backend) -> None:
    backend.put(1, [(row(1), 0)])
    with suppress(KeyError):
        backend.begin()
        try:
            backend.put(1, [(row(1, 2), 1)])
            raise KeyError
        finally:
            backend.rollback()
    assert backend.scan(1, limit=ALL) == [row(1)]
