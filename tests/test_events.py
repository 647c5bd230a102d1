"""Events are values: two that say the same are equal, and none can be changed."""

from __future__ import annotations

import pytest

from siegel import UserId
from siegel.events import ContactEvent, ForkDetected, SealingKeyShared, SuccessionClaimed
from tests.people import person

ALICE, BOB = person("alice").user_id, person("bob").user_id
EVENTS: list[ContactEvent] = [
    SealingKeyShared(ALICE, BOB),
    SuccessionClaimed(ALICE, BOB),
    ForkDetected(ALICE, (b"one", b"other")),
]


def test_the_union_names_them_all() -> None:
    assert {type(event) for event in EVENTS} == set(ContactEvent.__args__)


def test_equal_by_what_they_say() -> None:
    assert SealingKeyShared(ALICE, BOB) == EVENTS[0]
    assert SealingKeyShared(BOB, ALICE) != EVENTS[0]
    assert hash(SealingKeyShared(ALICE, BOB)) == hash(EVENTS[0])


def test_events_of_two_kinds_are_never_equal() -> None:
    assert SealingKeyShared(ALICE, BOB) != SuccessionClaimed(ALICE, BOB)


@pytest.mark.parametrize("values", [(), (ALICE,), (ALICE, BOB, BOB)])
def test_an_event_says_all_of_its_things(values: tuple[UserId, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        SealingKeyShared(*values)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_frozen(event: ContactEvent) -> None:
    for name in type(event).__annotations__:
        with pytest.raises(AttributeError):
            setattr(event, name, None)
