"""ID-12, ID-13: rotating sealing keys, their grace and their deletion."""

from __future__ import annotations

from typing import Any

import pytest

from siegel import PublicIdentity, SealingKeys, open_sealed, seal
from siegel._core.instants import LATEST
from siegel._core.suite import SealingSecretKey
from siegel.errors import Expired, InvalidArgument, MalformedError, SiegelError
from siegel.identity import sealing_secret
from siegel.sealing_keys import GRACE, LIFE, opening_key
from tests.people import AT, DAY, HOUR, SECOND, dates, person, public, rotating, secret_of
from tests.vectors.reference import cbor

ALICE, BOB = person("alice"), person("bob")


def opens(keys: SealingKeys, record: PublicIdentity) -> bool:
    """Whether what is sealed to this record opens."""
    envelope = seal(b"text", sender=ALICE, recipients=[record], at=record.issued_at)
    try:
        return open_sealed(envelope, identity=keys, contacts=[ALICE.user_id]).body == b"text"
    except Expired:
        return False


# --- issue -----------------------------------------------------------------------------------------------------------


def test_a_rotating_key() -> None:
    keys, record = rotating("bob")
    assert dates(record) == (BOB.user_id, AT, AT, AT + 7 * DAY)
    assert keys.numbers == (AT,)
    assert keys.user_id == BOB.user_id
    assert PublicIdentity.decode(record.encode(), at=AT) == record
    assert opens(keys, record)


def test_each_key_is_fresh() -> None:
    _, one = rotating("bob")
    _, other = rotating("bob")
    assert one.sealing_key.data != other.sealing_key.data != sealing_secret(BOB).public


def test_keys_live_side_by_side() -> None:
    keys, first = rotating("bob")
    second = keys.rotate(at=AT + DAY)
    assert keys.numbers == (AT, AT + DAY)
    assert opens(keys, first)
    assert opens(keys, second)
    assert opens(keys, BOB.public(at=AT)), "number 0 opens from the identity alone"


def test_the_instant_of_issue_only_rises() -> None:
    keys, first = rotating("bob")
    behind = keys.rotate(at=AT - DAY)
    again = keys.rotate(at=AT)
    base = keys.public(replace_rotating=True, at=0)
    last = keys.rotate(at=AT)
    assert [record.issued_at for record in (first, behind, again, base, last)] == [AT, AT + 1, AT + 2, AT + 3, AT + 4]
    assert base.sealing_number == 0
    assert last.sealing_number == AT + 4


def test_now_is_the_clock_where_none_is_given() -> None:
    keys = SealingKeys(BOB)
    record = keys.rotate()
    assert PublicIdentity.decode(record.encode()) == record
    assert keys.expire() == ()


def test_life_and_grace() -> None:
    assert (LIFE, GRACE) == (7 * DAY, 30 * DAY)
    keys = SealingKeys(BOB, life=HOUR, grace=SECOND)
    record = keys.rotate(at=AT)
    assert record.not_after == AT + HOUR
    assert keys.expire(at=AT + HOUR + SECOND - 1) == ()
    assert keys.expire(at=AT + HOUR + SECOND) == (AT,)


@pytest.mark.parametrize(("life", "grace"), [(0, 1), (-1, 1), (1, -1), (0, 0)])
def test_life_and_grace_are_lengths_of_time(life: int, grace: int) -> None:
    with pytest.raises(InvalidArgument, match="milliseconds"):
        SealingKeys(BOB, life=life, grace=grace)


@pytest.mark.parametrize(
    ("life", "grace"), [(1.5, 1), (True, 1), ("1", 1), (1, None), (1, 0.5), (LATEST + 1, 1), (1, LATEST + 1)]
)
def test_what_could_not_be_saved_is_refused(life: Any, grace: Any) -> None:
    with pytest.raises(InvalidArgument, match="milliseconds"):
        SealingKeys(BOB, life=life, grace=grace)


def test_the_longest_life_can_be_saved() -> None:
    keys = SealingKeys(BOB, life=LATEST, grace=LATEST)
    assert SealingKeys.decode(keys.encode(), identity=BOB).encode() == keys.encode()


def test_number_0_after_rotation_must_be_said() -> None:
    keys, _ = rotating("bob")
    with pytest.raises(InvalidArgument, match="replace_rotating"):
        keys.public(at=AT + 1)
    record = keys.public(replace_rotating=True, at=AT + 1)
    assert dates(record) == (BOB.user_id, 0, AT + 1, AT + 1 + 90 * DAY)
    assert keys.numbers == (AT,), "what was sealed to the rotating key still opens"


def test_number_0_without_rotation() -> None:
    keys = SealingKeys(BOB)
    assert keys.public(at=AT).encode() == BOB.public(at=AT).encode()
    assert keys.public(at=AT).issued_at == AT + 1


def test_the_far_future_is_refused_and_changes_nothing() -> None:
    keys, _ = rotating("bob")
    before = keys.encode()
    for at in (LATEST, LATEST - 37 * DAY + 1, LATEST + 1, -1):
        with pytest.raises(InvalidArgument):
            keys.rotate(at=at)
        with pytest.raises(InvalidArgument):
            keys.public(replace_rotating=True, at=at)
    assert keys.encode() == before


# --- deletion --------------------------------------------------------------------------------------------------------


def test_a_key_is_deleted_after_its_grace() -> None:
    keys, record = rotating("bob")
    ends = record.not_after + 30 * DAY
    assert keys.expire(at=ends - 1) == ()
    assert opens(keys, record), "late mail opens during the grace"
    assert keys.expire(at=ends) == (AT,)
    assert keys.numbers == ()
    assert not opens(keys, record)
    assert keys.expire(at=ends) == ()


def test_only_what_has_ended_is_deleted() -> None:
    keys, first = rotating("bob")
    second = keys.rotate(at=AT + DAY)
    assert keys.expire(at=AT + 37 * DAY) == (AT,)
    assert keys.numbers == (AT + DAY,)
    assert not opens(keys, first)
    assert opens(keys, second)


def test_a_deleted_key_does_not_come_back() -> None:
    keys, _ = rotating("bob")
    secret = keys.encode()
    keys.expire(at=LATEST)
    after = keys.encode()
    assert len(after) < len(secret)
    assert keys.expire(at=0) == (), "the clock going backwards brings nothing back"
    assert keys.encode() == after
    assert keys.rotate(at=AT).sealing_number == AT + 1, "nor is a number used twice"


def test_the_seed_is_gone_from_the_state() -> None:
    keys, _ = rotating("bob")
    seed = keys._keys[AT].seed.reveal()
    assert seed in keys.encode()
    keys.expire(at=LATEST)
    assert seed not in keys.encode()


def test_opening_keys() -> None:
    keys, record = rotating("bob")
    assert opening_key(keys, AT).public == record.sealing_key.data
    for holder in (keys, BOB):
        assert opening_key(holder, 0).public == sealing_secret(BOB).public
        with pytest.raises(Expired, match="rotating key 7"):
            opening_key(holder, 7)
    with pytest.raises(Expired):
        opening_key(BOB, AT)


# --- at rest ---------------------------------------------------------------------------------------------------------


def test_there_and_back() -> None:
    keys = SealingKeys(BOB, life=HOUR, grace=DAY)
    records = [keys.rotate(at=AT), keys.rotate(at=AT + 5)]
    keys.public(replace_rotating=True, at=AT + 9)
    again = SealingKeys.decode(keys.encode(), identity=BOB)
    assert again.encode() == keys.encode()
    assert again.numbers == keys.numbers
    assert all(opens(again, record) for record in records)
    renewed = again.rotate(at=0)
    assert dates(renewed) == (BOB.user_id, AT + 10, AT + 10, AT + 10 + HOUR)
    assert again.expire(at=AT + HOUR + DAY + 4) == (AT,)


def test_a_state_is_for_one_identity() -> None:
    keys, _ = rotating("bob")
    with pytest.raises(InvalidArgument, match="another identity"):
        SealingKeys.decode(keys.encode(), identity=ALICE)


def state(*entries: bytes, form: bytes = b"", life: int = 1, newest: int = AT) -> bytes:
    head = form or cbor.text("siegel sealing keys 1")
    fields = cbor.octets(BOB.user_id.data), cbor.uint(life), cbor.uint(1), cbor.uint(newest), cbor.array(*entries)
    return cbor.array(head, *fields)


def key(number: int, seed: bytes = secret_of("a rotating key"), end: int = AT, forget: int = AT) -> bytes:
    return cbor.array(cbor.uint(number), cbor.octets(seed), cbor.uint(end), cbor.uint(forget))


def test_states_by_hand() -> None:
    read = SealingKeys.decode(state(key(5), key(AT)), identity=BOB)
    assert read.numbers == (5, AT)
    assert opening_key(read, 5).public == SealingSecretKey(read._keys[AT].seed).public


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(state() + b"\0", id="bytes after the end"),
        pytest.param(state(form=cbor.text("siegel sealing keys 2")), id="another form"),
        pytest.param(state(form=cbor.uint(1)), id="no form"),
        pytest.param(public("bob").encode(), id="a record"),
        pytest.param(state(life=LATEST + 1), id="life beyond the last instant"),
        pytest.param(state(life=0), id="no life"),
        pytest.param(state(newest=LATEST + 1), id="newest beyond the last instant"),
        pytest.param(state(key(AT + 1)), id="a key newer than the newest"),
        pytest.param(state(key(0)), id="number 0 is no rotating key"),
        pytest.param(state(key(5), key(5)), id="one number twice"),
        pytest.param(state(key(6), key(5)), id="not oldest first"),
        pytest.param(state(key(5, seed=bytes(31))), id="a short seed"),
        pytest.param(state(key(5, forget=LATEST + 1)), id="kept beyond the last instant"),
        pytest.param(state(key(5, end=LATEST + 1)), id="valid beyond the last instant"),
        pytest.param(state(cbor.array()), id="an empty key"),
    ],
)
def test_states_that_are_none(data: bytes) -> None:
    with pytest.raises(SiegelError):
        SealingKeys.decode(data, identity=BOB)


def test_a_malformed_state_says_so() -> None:
    with pytest.raises(MalformedError, match="not a state of sealing keys"):
        SealingKeys.decode(state(form=cbor.text("siegel contacts 1")), identity=BOB)


# --- the newest record -----------------------------------------------------------------------------------------------


def test_the_newest_record_is_the_one_that_was_published() -> None:
    keys = SealingKeys(ALICE)
    assert keys.newest() is None
    first = keys.rotate(at=AT)
    assert keys.newest() == first
    second = keys.rotate(at=AT + DAY)
    assert keys.newest() == second != first
    recoverable = keys.public(replace_rotating=True, at=AT + 2 * DAY)
    assert keys.newest() == recoverable
    assert SealingKeys.decode(keys.encode(), identity=ALICE).newest() == recoverable
