"""A backend that fails at each call in turn: the state is the old one or the new one, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import pytest

from siegel.errors import StoreError
from siegel.store.memory_backend import MemoryBackend
from siegel.store.store import Store
from tests.store.clients import Client, deliver, founded, places
from tests.store.failing import FailingBackend
from tests.store.records_at_hand import KEY

MOST_CALLS = 200


class Scene:
    """Anna's store is over a backend that can fail; what the step does has a row of the application's own."""

    def __init__(self, prepare: Callable[[Scene], None]) -> None:
        self.backend: Any = FailingBackend(MemoryBackend())
        self.team = founded(Store.create(self.backend, key=KEY))
        self.anna, self.bert, self.carl = self.team
        self.anna.say("first")
        self.wire = [parcel.data for parcel in deliver(self.team)]
        self.mail: list[bytes] = []
        prepare(self)

    @property
    def kept(self) -> bool:
        """Whether the application's row is there."""
        return self.anna.store.collection("history").get("step") is not None

    def within(self, step: Callable[[Scene], None]) -> None:
        history = self.anna.store.collection("history")
        with self.anna.store.transaction():
            step(self)
            history.put("step", b"")

    def crash(self) -> None:
        """The process dies; another one finds what is on the disk."""
        events = self.anna.events
        inner = self.backend.crashed()
        self.backend = FailingBackend(inner)
        self.anna.group = None
        self.anna.use(Store.open(self.backend, key=KEY))
        self.anna.events = events

    def deliver(self) -> None:
        self.wire += [parcel.data for parcel in deliver(self.team)]
        assert all(len(messages) == 1 for messages in places(self.wire).values()), "an index was used twice"


def nothing(_: Scene) -> None:
    pass


def rotated(scene: Scene) -> None:
    scene.anna.here.remove([scene.carl.identity.user_id], at=scene.anna.clock())
    scene.deliver()


def written_to(scene: Scene) -> None:
    scene.bert.say("to anna")
    parcels = scene.bert.outbox.pending()
    scene.bert.outbox.acknowledge(*(parcel.number for parcel in parcels))
    scene.mail = [parcel.data for parcel in parcels]


def say(scene: Scene) -> None:
    scene.anna.say("step")


def remove(scene: Scene) -> None:
    scene.anna.here.remove([scene.carl.identity.user_id], at=scene.anna.clock())


def receive(scene: Scene) -> None:
    for data in scene.mail:
        scene.anna.take(data)


STEPS = {
    "the next message": (nothing, say),
    "the first message of a chain": (rotated, say),
    "a removal": (nothing, remove),
    "a message that arrives": (written_to, receive),
}
BY_STEP = pytest.mark.parametrize("name", STEPS)


def each_fault(name: str, handle: Callable[[Scene, Callable[[Scene], None]], None]) -> int:
    """Runs the step once for each call that it makes, failing there, before the call's effect and after it."""
    prepare, step = STEPS[name]
    for call in range(1, MOST_CALLS):
        for late in (False, True):
            scene = Scene(prepare)
            scene.anna.store.collection("history")
            scene.backend.arm(call, late=late)
            try:
                scene.within(step)
            except StoreError:
                scene.backend.arm(None)
                handle(scene, step)
            else:
                scene.backend.arm(None)
                assert not late
                return call - 1
    raise AssertionError("the step has no end")


def happened(scene: Scene, name: str) -> bool:
    """Whether the step is in the group's state, once everything is delivered."""
    if name == "a removal":
        return len(scene.anna.here.roster.members) == 2
    if name == "a message that arrives":
        state = copy(scene.anna.bodies)
        scene.anna.events.clear()
        for data in scene.mail:
            scene.anna.take(data)
        again = scene.anna.bodies
        assert set(state) | set(again) <= {b"to anna"}
        return b"to anna" not in again
    return b"step" in scene.bert.bodies


@BY_STEP
def test_a_crash_at_every_call_leaves_all_or_nothing(name: str) -> None:
    outcomes: list[bool] = []

    def handle(scene: Scene, _: Callable[[Scene], None]) -> None:
        scene.crash()
        scene.deliver()
        kept = scene.kept
        assert happened(scene, name) == kept
        outcomes.append(kept)
        scene.anna.say("and on")
        scene.deliver()
        assert scene.bert.bodies[-1] == b"and on"
        assert scene.bert.here.gaps() == ()
        assert scene.anna.load(scene.anna.here.group_id).roster == scene.bert.here.roster

    assert each_fault(name, handle) > 10
    assert set(outcomes) == {True, False}, "of the last call alone one cannot know"
    assert outcomes.count(True) == 1, "it is there only if COMMIT had its effect"


@BY_STEP
def test_after_an_error_the_same_call_works_again(name: str) -> None:
    def handle(scene: Scene, step: Callable[[Scene], None]) -> None:
        if not scene.kept:
            scene.anna.events.clear()
            scene.within(step)
        scene.deliver()
        assert scene.kept
        assert happened(scene, name)
        assert scene.bert.bodies.count(b"step") == (1 if step is say else 0)
        scene.anna.say("and on")
        scene.deliver()
        assert scene.bert.bodies[-1] == b"and on"
        assert scene.bert.here.gaps() == ()

    assert each_fault(name, handle) > 10


def test_a_crash_while_parcels_are_acknowledged() -> None:
    for call in range(1, MOST_CALLS):
        scene = Scene(nothing)
        anna = scene.anna
        for text in ("one", "two", "three"):
            anna.say(text)
        parcels = anna.outbox.pending()
        scene.backend.arm(call)
        try:
            anna.outbox.acknowledge(*(parcel.number for parcel in parcels[:2]))
        except StoreError:
            scene.crash()
            assert anna.outbox.pending() == parcels, "all of them again, the same bytes"
            scene.deliver()
            assert scene.bert.bodies == [b"first", b"one", b"two", b"three"]
        else:
            scene.backend.arm(None)
            assert call > 5
            assert anna.outbox.pending() == parcels[2:]
            return
    raise AssertionError("the step has no end")


def test_clients_of_these_tests_are_what_they_seem() -> None:
    scene = Scene(written_to)
    scene.within(receive)
    assert scene.kept
    assert happened(scene, "a message that arrives")
    assert isinstance(scene.anna, Client)
