"""CHN-8: what an owner writes is read, chains end in time, a restored copy repeats no key with a nonce."""

from __future__ import annotations

from hashlib import sha256

import pytest

from siegel.errors import InvalidArgument, MalformedError, StateError
from siegel.groups import chain as chains
from siegel.groups.certificate import Announcement, Close
from siegel.groups.chain import Opened
from siegel.groups.key_tree import INDEX_COUNT
from siegel.groups.message import MAX_BODY_BYTES, parse_message, verify_signature
from siegel.groups.sending_chain import MAX_AGE, MAX_MESSAGES, SendingChain
from tests.groups.chains import CERTIFICATE, GROUP, HEAD, anything, content
from tests.people import AT, person

HEDGE = bytes(range(16))
SECRETS = sha256(b"seed").digest() + sha256(b"root").digest()


def begun(closes: tuple[Close, ...] = (), secrets: bytes = SECRETS) -> SendingChain:
    return SendingChain.begin(person("alice"), group_id=GROUP, head=HEAD, closes=closes, at=AT, secrets=secrets)


def said(chain: SendingChain, *bodies: bytes, hedge: bytes = HEDGE) -> tuple[SendingChain, list[bytes]]:
    sent: list[bytes] = []
    for body in bodies:
        chain, data, link = chain.encrypt(content(body), head=HEAD, hedge=hedge)
        assert link == parse_message(data).link == chain.previous
        sent.append(data)
    return chain, sent


def test_what_is_sent_is_read() -> None:
    chain = begun()
    first = chains.begin(Announcement.decode(chain.announcement().encode()))
    chain, sent = said(chain, b"one", b"two", b"three")
    given = [parse_message(data) for data in sent]
    step = chains.receive(first.chain, first.rows, given, permitted=anything, at=AT)
    assert [r.content.body for r in step.results if isinstance(r, Opened)] == [b"one", b"two", b"three"]
    for message in given:
        verify_signature(message, chain.certificate.signing_key)


def test_a_newcomer_reads_from_the_next_message_on() -> None:
    chain, sent = said(begun(), b"one", b"two")
    announced = Announcement.decode(chain.announcement().encode())
    assert (announced.start, announced.link) == (2, parse_message(sent[1]).link)
    assert not announced.tree.covers(1)
    first = chains.begin(announced)
    chain, later = said(chain, b"three")
    step = chains.receive(first.chain, first.rows, [parse_message(later[0])], permitted=anything, at=AT)
    assert isinstance(step.results[0], Opened)


def test_the_key_that_was_used_is_gone() -> None:
    chain, _ = said(begun(), b"one")
    assert not chain.tree.covers(0)
    assert chain.tree.covers(1)


def test_the_chain_before_stays_as_it_was() -> None:
    chain = begun()
    before = chain.encode()
    said(chain, b"one")
    assert chain.encode() == before


def test_a_restored_copy_repeats_no_nonce() -> None:
    """P9: even if the random generator was restored with it, another text, or another head, has another nonce."""
    chain = begun()
    nonces = {parse_message(said(chain, bytes((n,)))[1][0]).nonce for n in range(50)}
    nonces.add(parse_message(chain.encrypt(content(b"\0"), head=GROUP, hedge=HEDGE)[1]).nonce)
    nonces.add(parse_message(said(chain, b"\0", hedge=HEDGE[::-1])[1][0]).nonce)
    assert len(nonces) == 52
    assert said(chain, b"same")[1] == said(chain, b"same")[1], "the same text again is the same message"


def test_ends() -> None:
    chain = begun()
    assert chain.close() == Close(chain.certificate.chain_id, 0, None)
    chain, sent = said(chain, b"one", b"two")
    assert chain.close() == Close(chain.certificate.chain_id, 1, parse_message(sent[1]).link)
    successor = begun(closes=(chain.close(),), secrets=SECRETS[::-1])
    assert successor.certificate.closes == (chain.close(),)


def test_when_a_new_chain_is_due() -> None:
    chain = begun()
    assert not chain.must_end(at=AT)
    assert not chain.must_end(at=AT + MAX_AGE - 1)
    assert chain.must_end(at=AT + MAX_AGE)
    assert chain.must_end(at=AT - 1), "the clock went back behind the chain's beginning"
    assert chain.must_end(at=AT, max_messages=0)
    assert not chain._replace(number=MAX_MESSAGES - 1).must_end(at=AT)
    assert chain._replace(number=MAX_MESSAGES).must_end(at=AT)
    assert chain._replace(number=INDEX_COUNT).must_end(at=AT, max_messages=INDEX_COUNT + 1)


def test_the_last_key() -> None:
    chain = begun()
    tree = chain.tree.copy()
    for number in (0, 1):
        tree.take(number)
    chain = chain._replace(number=INDEX_COUNT - 1)
    chain, _ = said(chain, b"last")
    with pytest.raises(StateError):
        said(chain, b"one more")
    with pytest.raises(StateError):
        chain.announcement()
    assert chain.close().final_index == INDEX_COUNT - 1


def test_what_cannot_be_sent() -> None:
    chain = begun()
    before = chain.encode()
    for arguments in (
        {"content": content(bytes(MAX_BODY_BYTES + 1)), "head": HEAD, "hedge": HEDGE},
        {"content": content(), "head": HEAD[1:], "hedge": HEDGE},
        {"content": content(), "head": HEAD, "hedge": b""},
    ):
        with pytest.raises(InvalidArgument):
            chain.encrypt(arguments["content"], head=arguments["head"], hedge=arguments["hedge"])  # type: ignore[arg-type]  # a table of mixed values
    assert chain.encode() == before
    with pytest.raises(InvalidArgument):
        begun(secrets=SECRETS[1:])


def test_records_come_back() -> None:
    chain, _ = said(begun(), b"one", b"two", b"three")
    again = SendingChain.decode(chain.encode(), chain.certificate)
    assert again.encode() == chain.encode()
    assert said(again, b"four")[1] == said(chain, b"four")[1]
    assert len(chain.encode()) < 700


def test_damaged_records_are_refused() -> None:
    chain, _ = said(begun(), b"one")
    with pytest.raises(MalformedError, match="another chain"):
        SendingChain.decode(chain.encode(), CERTIFICATE)
    with pytest.raises(MalformedError, match="next message"):
        SendingChain.decode(chain._replace(number=2).encode(), chain.certificate)
    gap = chain.tree.copy()
    gap.take(5)
    with pytest.raises(MalformedError, match="next message"):
        SendingChain.decode(chain._replace(tree=gap).encode(), chain.certificate)


def test_nothing_secret_is_shown() -> None:
    chain = begun()
    shown = repr(chain)
    assert SECRETS[:32].hex() not in shown
    assert repr(SECRETS[:32])[2:-1] not in shown
    with pytest.raises(TypeError, match="not comparable"):
        assert chain == begun()
