"""STO-9, STO-10: from blocks to a state, from a state to the next, and what is behind what is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.secret import Secret
from siegel._core.suite import MacKey, sha256
from siegel.errors import CorruptHeader
from siegel.store.freshness import Tally
from siegel.store.header import Catalogue, Entry
from siegel.store.state import Changes, State, behind, first_state, next_state, read_state
from tests.people import secret_of
from tests.store.records_at_hand import STORE_ID

KEY = MacKey(Secret(secret_of("header")))
SLOTS = b"a table of slots"
CATALOGUE = Catalogue(b"keyring", sha256(SLOTS))


def first(*, anchored: bool = False) -> State:
    return first_state(CATALOGUE, anchored=anchored, key=KEY, store_id=STORE_ID)


def after(
    state: State,
    *,
    catalogue: Catalogue = CATALOGUE,
    keys_changed: bool = False,
    restores: int = 0,
    anchored: bool = False,
    above: int = 0,
) -> State:
    changes = Changes(catalogue, {9: Tally(1, 5), 2: Tally()}, keys_changed, restores, anchored, above)
    return next_state(state, changes, key=KEY, store_id=STORE_ID)


def read(blocks: dict[str, bytes]) -> State:
    return read_state(blocks, key=KEY, store_id=STORE_ID)


def test_what_is_written_is_read() -> None:
    for state in (
        first(),
        first(anchored=True),
        after(first()),
        after(first(), catalogue=CATALOGUE._replace(entries=())),
    ):
        assert read({**state.blocks(), "slots": SLOTS}) == state


def test_the_first_header() -> None:
    header = first().header
    assert (header.sequence, header.previous, header.restores, header.tallies) == (1, bytes(32), 0, ())
    assert not header.anchored
    assert first(anchored=True).header.anchored


def test_each_header_follows_the_one_before() -> None:
    old = first()
    new = after(old, keys_changed=True, restores=4)
    assert new.header.sequence == 2
    assert new.header.previous == old.position[1] == sha256(old.block)
    assert new.header.ring_changes == 1
    assert new.header.restores == 4
    assert new.header.tallies == ((2, Tally()), (9, Tally(1, 5)))
    assert after(new, above=40).header.sequence == 41
    assert after(new, above=1).header.sequence == 3


def test_an_anchor_is_never_forgotten() -> None:
    assert after(after(first(), anchored=True)).header.anchored


def test_the_catalogue_is_sealed_again_only_if_it_differs() -> None:
    old = first()
    assert after(old).catalogue_block == old.catalogue_block
    other = after(old, catalogue=CATALOGUE._replace(entries=(Entry(1, "messages"),)))
    assert other.catalogue_block != old.catalogue_block
    assert other.header.catalogue == sha256(other.catalogue_block)


def test_blocks_of_two_times_are_no_state() -> None:
    old = first()
    new = after(old, catalogue=CATALOGUE._replace(entries=(Entry(1, "messages"),)))
    whole = {**new.blocks(), "slots": SLOTS}
    assert read(whole) == new
    for name, block in {**old.blocks(), "slots": b"an older table"}.items():
        with pytest.raises(CorruptHeader):
            read({**whole, name: block})
    for name in whole:
        with pytest.raises(CorruptHeader):
            read({other: block for other, block in whole.items() if other != name})


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_state_follows_what_is_known_or_is_behind_it(now: int, known: int) -> None:
    states = [first()]
    for _ in range(6):
        states.append(after(states[-1]))
    why = behind(states[now], states[known].position)
    assert (why is None) == (now >= known)


def test_another_past_is_behind_where_it_can_be_told() -> None:
    old = first()
    one, other = after(old), after(old)
    assert behind(one, one.position) is None
    for state in (other, after(other)):
        assert behind(state, one.position) is not None
    assert behind(after(after(other)), one.position) is None, "further on, nothing tells"
