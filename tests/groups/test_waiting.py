"""MSG-14: what waits to be vouched for is bounded, whoever fills it."""

from __future__ import annotations

import pytest

from siegel.groups import waiting
from siegel.groups.message import GroupMessage, parse_message
from siegel.groups.waiting import MAX_BYTES, MAX_PER_CHAIN, Waiting
from tests.groups.chains import CERTIFICATE, damaged, data_of, run

ONE = parse_message(data_of(0))


def message(number: int, chain: int = 0) -> GroupMessage:
    return ONE._replace(number=number, chain_id=bytes((chain,)) * 16)


def test_messages_wait_by_chain_index_and_link() -> None:
    cache, given = Waiting(), run(0, 2)
    cache.add([*given, damaged(given[0])])
    assert cache.of(CERTIFICATE.chain_id) == given
    assert cache.of(bytes(16)) == []
    cache.remove(given[:1])
    cache.remove(given[:1])
    assert cache.of(CERTIFICATE.chain_id) == given[1:]


def test_sixteen_for_a_chain() -> None:
    cache = Waiting()
    cache.add(message(number, chain) for number in range(20) for chain in (1, 2))
    for chain in (1, 2):
        assert [m.number for m in cache.of(bytes((chain,)) * 16)] == list(range(20 - MAX_PER_CHAIN, 20))


def test_one_chain_does_not_drive_out_another() -> None:
    cache = Waiting()
    cache.add([message(0, 1), *(message(number, 2) for number in range(20))])
    assert [m.number for m in cache.of(bytes((1,)) * 16)] == [0]
    cache.remove([message(0, 1)])
    assert list(cache._by_chain) == [bytes((2,)) * 16]


def test_four_mebibytes_in_all() -> None:
    cache = Waiting()
    long = bytes(64 * 2**10)
    cache.add(message(0, chain)._replace(data=long) for chain in range(200))
    kept = [chain for chain in range(200) if cache.of(bytes((chain,)) * 16)]
    assert kept == list(range(200 - len(kept), 200))
    assert 60 <= len(kept) <= MAX_BYTES // len(long)
    assert cache._bytes == sum(waiting._size(m) for m in cache._messages.values()) <= MAX_BYTES
    cache.remove(list(cache._messages.values()))
    assert cache._bytes == 0


@pytest.mark.parametrize("count", [1, 17])
def test_the_count_follows(count: int) -> None:
    cache = Waiting()
    cache.add(message(number) for number in range(count))
    assert cache._bytes == min(count, MAX_PER_CHAIN) * waiting._size(ONE)
