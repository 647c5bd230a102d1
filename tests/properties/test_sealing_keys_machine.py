"""Rotating sealing keys against a model, with a clock that jumps."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from siegel import PublicIdentity, SealingKeys, SiegelError, open_sealed, seal
from siegel._core.instants import LATEST
from siegel.errors import Expired, InvalidArgument
from tests.people import AT, DAY, person

ALICE, BOB = person("alice"), person("bob")
near = st.integers(-40, 80).map(lambda days: AT + days * DAY)
instants = st.one_of(near, near, st.sampled_from([0, 1, AT, AT + 1, LATEST - 100 * DAY, LATEST]))


class SealingKeysMachine(RuleBasedStateMachine):
    """One device rotates, publishes, expires and restarts, under a clock that goes both ways."""

    @initialize(life=st.sampled_from([1, DAY, 7 * DAY]), grace=st.sampled_from([0, 1, 30 * DAY]))
    def begin(self, life: int, grace: int) -> None:
        """A new device."""
        self.life, self.grace = life, grace
        self.keys = SealingKeys(BOB, life=life, grace=grace)
        self.newest = 0
        self.forget_at: dict[int, int] = {}
        self.sealed: dict[int, bytes] = {}  # one message to each record ever published, by sealing number

    def issued(self, at: int, *, margin: int) -> int | None:
        """The instant of the next record; None where the calendar ends."""
        number = max(at, self.newest + 1)
        return number if number <= LATEST - margin else None

    def publish(self, record: PublicIdentity, number: int, issued_at: int) -> None:
        """What holds for every record that is made."""
        assert (record.user_id, record.sealing_number, record.issued_at) == (BOB.user_id, number, issued_at)
        assert record.issued_at > self.newest
        assert PublicIdentity.decode(record.encode(), at=issued_at) == record
        self.newest = issued_at
        self.sealed[number] = seal(str(number).encode(), sender=ALICE, recipients=[record], at=issued_at)

    @rule(at=instants)
    def rotate(self, at: int) -> None:
        """A new key."""
        issued_at = self.issued(at, margin=max(self.life + self.grace, 90 * DAY))
        before = self.keys.encode()
        if issued_at is None:
            with pytest.raises(InvalidArgument):
                self.keys.rotate(at=at)
            assert self.keys.encode() == before
            return
        record = self.keys.rotate(at=at)
        assert record.not_after == issued_at + self.life
        self.publish(record, issued_at, issued_at)
        self.forget_at[issued_at] = issued_at + self.life + self.grace

    @rule(at=instants, said=st.booleans())
    def publish_number_0(self, at: int, said: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
        """The recoverable record."""
        issued_at = self.issued(at, margin=max(self.life + self.grace, 90 * DAY))
        before = self.keys.encode()
        if issued_at is None or (self.forget_at and not said):
            with pytest.raises(InvalidArgument):
                self.keys.public(replace_rotating=said, at=at)
            assert self.keys.encode() == before
            return
        self.publish(self.keys.public(replace_rotating=said, at=at), 0, issued_at)

    @rule(at=instants)
    def expire(self, at: int) -> None:
        """Deletion on schedule."""
        ended = [number for number, forget_at in self.forget_at.items() if forget_at <= at]
        assert self.keys.expire(at=at) == tuple(ended)
        for number in ended:
            del self.forget_at[number]

    @rule()
    def restart(self) -> None:
        """The application saves and starts again."""
        data = self.keys.encode()
        self.keys = SealingKeys.decode(data, identity=BOB)
        assert self.keys.encode() == data

    @rule(data=st.binary(max_size=40))
    def receive_anything(self, data: bytes) -> None:
        """Bytes from outside change nothing."""
        before = self.keys.encode()
        with pytest.raises(SiegelError):
            open_sealed(data, identity=self.keys, contacts=[ALICE.user_id])
        assert self.keys.encode() == before

    @invariant()
    def holds_what_it_should(self) -> None:
        """The numbers, and what opens with them."""
        assert self.keys.numbers == tuple(self.forget_at)
        before = self.keys.encode()
        for number, envelope in self.sealed.items():
            if number == 0 or number in self.forget_at:
                message = open_sealed(envelope, identity=self.keys, contacts=[ALICE.user_id])
                assert message.body == str(number).encode()
            else:
                with pytest.raises(Expired):
                    open_sealed(envelope, identity=self.keys, contacts=[ALICE.user_id])
        assert self.keys.encode() == before


TestSealingKeys = SealingKeysMachine.TestCase
TestSealingKeys.settings = settings(max_examples=40, stateful_step_count=25)
