"""What clients tell each other beside messages: one form for everything, with bounds on each part."""

from __future__ import annotations

from hashlib import sha256

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel._core.codec import Value, encode
from siegel._core.instants import LATEST
from siegel._core.secret import Secret
from siegel.errors import LimitExceeded, MalformedError, SiegelError
from siegel.groups.certificate import MAX_ANNOUNCEMENT_BYTES
from siegel.groups.control import (
    MAX_ANNOUNCEMENTS,
    MAX_ASKED,
    MAX_IDENTITIES,
    MAX_ITEMS,
    Control,
    GivenKey,
    Request,
)
from siegel.groups.operations import MAX_OPERATION_BYTES
from tests.groups.chains import GROUP, HEAD
from tests.people import AT

KEY = sha256(b"epoch key").digest()
CHAINS = (bytes(16), b"\1" * 16)
EMPTY: list[Value] = [GROUP, [], None, [], [], None, None]
FULL: list[Value] = [
    GROUP,
    [b"an operation", b"a statement"],
    [HEAD, KEY],
    [b"an announcement"],
    [b"a record", b"another"],
    [HEAD, True, list(CHAINS)],
    AT,
]


def fields(control: Control) -> tuple[object, ...]:
    """The parts, with the key in the clear, so that they can be compared."""
    key = control.key and (control.key.head, control.key.key.reveal())
    return (*control[:2], key, *control[3:])


def full() -> Control:
    return Control(
        GROUP,
        items=(b"an operation", b"a statement"),
        key=GivenKey(HEAD, Secret(KEY)),
        announcements=(b"an announcement",),
        identities=(b"a record", b"another"),
        request=Request(HEAD, True, CHAINS),  # noqa: FBT003  # a named tuple on the wire
        not_after=AT,
    )


def test_the_form_by_hand() -> None:
    assert full().encode() == cbor2.dumps(FULL, canonical=True)
    assert Control(GROUP).encode() == cbor2.dumps(EMPTY, canonical=True)


def test_a_control_comes_back() -> None:
    for control in (full(), Control(GROUP)):
        assert fields(Control.decode(control.encode())) == fields(control)


def test_what_it_holds_is_not_shown() -> None:
    shown = repr(full())
    assert "announcement" not in shown
    assert KEY.hex() not in shown
    assert repr(KEY)[2:-1] not in shown


def changed(place: int, value: Value) -> list[Value]:
    items = list(FULL)
    items[place] = value
    return items


MANY: list[Value] = [b""] * (MAX_ITEMS + 1)


@pytest.mark.parametrize(
    ("items", "kind", "where"),
    [
        (FULL[:6], MalformedError, "array of 7"),
        ([*FULL, None], MalformedError, "array of 7"),
        (changed(0, GROUP[1:]), MalformedError, "group id"),
        (changed(1, None), MalformedError, "roster items"),
        (changed(1, ["text"]), MalformedError, "roster items"),
        (changed(1, MANY), LimitExceeded, "roster items"),
        (changed(1, [bytes(MAX_OPERATION_BYTES + 1)]), LimitExceeded, "roster items"),
        (changed(2, [HEAD]), MalformedError, "epoch key"),
        (changed(2, [HEAD, KEY[1:]]), MalformedError, "epoch key"),
        (changed(2, [HEAD[1:], KEY]), MalformedError, "epoch key"),
        (changed(2, []), MalformedError, "epoch key"),
        (changed(3, MANY[: MAX_ANNOUNCEMENTS + 1]), LimitExceeded, "announcements"),
        (changed(3, [bytes(MAX_ANNOUNCEMENT_BYTES + 1)]), LimitExceeded, "announcements"),
        (changed(4, MANY[: MAX_IDENTITIES + 1]), LimitExceeded, "identities"),
        (changed(4, [bytes(2_049)]), LimitExceeded, "identities"),
        (changed(5, [HEAD, True]), MalformedError, "request"),
        (changed(5, [HEAD, 1, []]), MalformedError, "not true or false"),
        (changed(5, [HEAD[1:], True, []]), MalformedError, "request"),
        (changed(5, [HEAD, True, [bytes(15)]]), MalformedError, "request"),
        (changed(5, [HEAD, True, [bytes(16)] * (MAX_ASKED + 1)]), LimitExceeded, "chains"),
        (changed(6, LATEST + 1), MalformedError, "not after"),
        (changed(6, [0]), MalformedError, "not after"),
        (changed(6, -1), MalformedError, "negative"),
    ],
)
def test_what_is_refused(items: list[Value], kind: type[SiegelError], where: str) -> None:
    with pytest.raises(kind, match=where):
        Control.decode(cbor2.dumps(items, canonical=True))


def test_as_much_as_there_may_be() -> None:
    most = [
        changed(1, MANY[:MAX_ITEMS]),
        changed(1, [bytes(MAX_OPERATION_BYTES)]),
        changed(3, [bytes(MAX_ANNOUNCEMENT_BYTES)] * MAX_ANNOUNCEMENTS),
        changed(4, [bytes(2_048)] * MAX_IDENTITIES),
        changed(5, [HEAD, False, [bytes(16)] * MAX_ASKED]),
        changed(6, LATEST),
        changed(6, 0),
    ]
    for items in most:
        assert Control.decode(encode(items)).encode() == encode(items)


strings = st.lists(st.binary(max_size=20), max_size=4).map(tuple)
thirty_two = st.binary(min_size=32, max_size=32)
controls = st.builds(
    Control,
    thirty_two,
    items=strings,
    key=st.none() | st.builds(lambda head, key: GivenKey(head, Secret(key)), thirty_two, thirty_two),
    announcements=strings,
    identities=strings,
    request=st.none()
    | st.builds(
        Request, thirty_two, st.booleans(), st.lists(st.binary(min_size=16, max_size=16), max_size=3).map(tuple)
    ),
    not_after=st.none() | st.integers(0, LATEST),
)


@given(controls)
def test_one_form(control: Control) -> None:
    data = control.encode()
    again = Control.decode(data)
    assert fields(again) == fields(control)
    assert again.encode() == data


@given(st.binary(max_size=200))
def test_any_bytes_are_a_control_or_refused(data: bytes) -> None:
    try:
        control = Control.decode(data)
    except (MalformedError, LimitExceeded):
        return
    assert control.encode() == data
