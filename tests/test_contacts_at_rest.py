"""Contacts across a restart: what is written is read, and nothing else is."""

from __future__ import annotations

import pytest

from siegel import Contacts, ContactState, UserId, safety_number
from siegel.errors import MalformedError, SiegelError
from tests.people import DAY, public
from tests.test_contacts import ALICE, BOB, MALLORY, again, handover, violated
from tests.vectors.reference import cbor


def test_there_and_back() -> None:
    contacts = violated()
    contacts.add(public("mallory"), name="mallory é")
    contacts.add(public("carol"))
    contacts.verify(MALLORY, safety_number(ALICE, MALLORY))
    contacts.succeed(handover("robert"))
    read = again(contacts)
    assert list(read) == list(contacts)
    assert [read.state(user) for user in read] == [
        ContactState.VIOLATED,
        ContactState.VERIFIED,
        ContactState.PINNED,
    ]
    assert read.get("mallory é") == public("mallory")
    assert read.ours == ALICE
    assert again(Contacts()).ours is None


def test_records_are_kept_past_their_end() -> None:
    contacts = Contacts()
    contacts.add(public("bob", 0))
    assert again(contacts).get(BOB).not_after == 90 * DAY


def state(
    people: list[bytes], names: list[bytes] | None = None, *, form: str = "siegel contacts 1", ours: bytes = cbor.NULL
) -> bytes:
    return cbor.array(cbor.text(form), ours, cbor.array(*people), cbor.array(*(names or [])))


def contact(record: bytes = public("bob").encode(), trust: bytes = b"\0", succession: bytes | None = None) -> bytes:
    return cbor.array(cbor.octets(record), trust, cbor.NULL if succession is None else cbor.octets(succession))


def name(text: str = "bob", user_id: UserId = BOB) -> bytes:
    return cbor.array(cbor.text(text), cbor.octets(user_id.data))


def test_states_by_hand() -> None:
    data = state([contact(succession=handover("robert").encode())], [name()], ours=cbor.octets(ALICE.data))
    assert Contacts.decode(data).encode() == data


CUT = public("bob").encode()[:-1] + b"\0"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(state([]) + b"\0", id="bytes after the end"),
        pytest.param(state([], form="siegel contacts 2"), id="another form"),
        pytest.param(state([], ours=cbor.octets(bytes(31))), id="no user id"),
        pytest.param(state([contact(trust=b"\3")]), id="no state"),
        pytest.param(state([contact(trust=cbor.NULL)]), id="null for a state"),
        pytest.param(state([contact(record=b"")]), id="no record"),
        pytest.param(state([contact(record=CUT)]), id="a record whose signature is wrong"),
        pytest.param(state([contact(), contact()]), id="a user twice"),
        pytest.param(state([contact()], [name(), name()]), id="a name twice"),
        pytest.param(state([contact()], [name("mallory", MALLORY)]), id="a name of nobody"),
        pytest.param(state([contact()], [name("u\u0308")]), id="a name that is not NFC"),
        pytest.param(state([contact(succession=b"")]), id="no hand-over"),
        pytest.param(
            state([contact(public("mallory").encode(), succession=handover("robert").encode())]),
            id="somebody else's hand-over",
        ),
    ],
)
def test_states_that_are_none(data: bytes) -> None:
    with pytest.raises(SiegelError):
        Contacts.decode(data)


def test_a_malformed_state_says_so() -> None:
    with pytest.raises(MalformedError, match="not a state of contacts"):
        Contacts.decode(state([], form="siegel sealing keys 1"))
