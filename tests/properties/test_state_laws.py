"""After any PeerError, and after any failed opening, the state is what it was, to the byte."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import Contacts, PublicIdentity, SiegelError, Succession, open_many, open_sealed, safety_number, seal
from siegel.errors import PeerError
from tests.messages import FAULTS, message
from tests.people import AT, company, person, public, rotating
from tests.properties.strategies import mutants
from tests.vectors.reference import sealed as by_hand

ALICE, BOB = person("alice"), person("bob")
KEYS, ROTATING = rotating("bob")
ENVELOPES = [
    seal(b"text", sender=person(sender), recipients=[record, *company(4)[2:]], at=AT)
    for sender in ("alice", "mallory")
    for record in (public("bob"), ROTATING, rotating("bob")[1])
]
FAULTY = [by_hand.seal(message(), hooks).envelope for hooks in FAULTS.values()]
HANDOVERS = [Succession.create(old=person(old), new=person("robert"), at=AT) for old in ("alice", "stranger")]
RECORDS = [public("alice"), public("alice", AT - 1), rotating("alice", AT - 1)[1], public("mallory")]


def contacts() -> Contacts:
    known = Contacts(BOB.user_id)
    known.add(public("alice"), name="alice")
    known.verify(ALICE.user_id, safety_number(BOB.user_id, ALICE.user_id))
    return known


CONTACTS = contacts()


@settings(max_examples=300)
@given(st.one_of(mutants(ENVELOPES), st.sampled_from(ENVELOPES), st.sampled_from(FAULTY), st.binary(max_size=50)))
def test_opening_changes_nothing(data: bytes) -> None:
    before = KEYS.encode(), CONTACTS.encode()
    for holder in (KEYS, BOB):
        with suppress(SiegelError):
            open_sealed(data, identity=holder, contacts=CONTACTS)
    open_many([data, data], identity=KEYS, contacts=CONTACTS)
    assert (KEYS.encode(), CONTACTS.encode()) == before


@settings(max_examples=300)
@given(mutants([record.encode() for record in RECORDS]), st.sampled_from([None, "alice", "somebody"]))
def test_a_refused_record_changes_nothing(data: bytes, name: str | None) -> None:
    known = contacts()
    before = known.encode()
    for decide in (known.add, known.accept):
        try:
            decide(PublicIdentity.decode(data, at=AT), name=name)
        except PeerError:
            assert known.encode() == before
        except SiegelError:
            before = known.encode()  # a TrustError: the contact is violated, and that is its point
        else:
            before = known.encode()


@given(mutants([handover.encode() for handover in HANDOVERS]))
def test_a_refused_handover_changes_nothing(data: bytes) -> None:
    known = contacts()
    before = known.encode()
    try:
        known.succeed(Succession.decode(data))
    except SiegelError:
        assert known.encode() == before
    else:
        assert data == HANDOVERS[0].encode(), "only what was signed is taken"


@pytest.mark.parametrize("record", RECORDS[1:3], ids=["older", "older, rotating"])
def test_a_superseded_record_changes_nothing(record: PublicIdentity) -> None:
    before = CONTACTS.encode()
    for name in (None, "alice", "another name"):
        with pytest.raises(PeerError):
            CONTACTS.add(record, name=name)
        with pytest.raises(PeerError):
            CONTACTS.accept(record, name=name)
    assert CONTACTS.encode() == before
