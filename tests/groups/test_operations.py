"""Operations and leave statements on the wire: ROS-1 … ROS-4."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from siegel import UserId
from siegel._core.codec import decode, encode
from siegel._core.instants import DAY, HOUR
from siegel.errors import (
    InvalidArgument,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    PeerError,
    SiegelError,
    UnsupportedVersion,
)
from siegel.groups.actions import (
    MAX_CLOSES,
    MAX_MEMBERS,
    MAX_NAMED,
    MAX_STATEMENTS,
    Action,
    Add,
    Adopt,
    CloseGroup,
    Create,
    Dismiss,
    FreshKey,
    GroupPolicy,
    Refresh,
    Remove,
    Rename,
    Role,
    Sealing,
    SetPolicy,
    SetRole,
    Who,
    action_value,
)
from siegel.groups.history import parse_item
from siegel.groups.operations import MAX_OPERATION_BYTES, LeaveStatement, Operation
from tests.groups.rosters import KEY, Team, add, close, create, key, leave, remove, sign, user, users
from tests.people import AT, person

TEAM = Team(create(roles={"anna": Role.ADMIN, "carl": Role.MEMBER, "dora": Role.READER}))
HEAD = bytes(range(32))

EVERY_ACT: dict[str, Action] = {
    "add": add({"emil": Role.MEMBER, "bert": Role.ARCHIVIST}),
    "remove": remove("carl", "dora", closes=(close(1, 7), close(2))),
    "remove with a statement": remove("carl", statements=[leave("carl", TEAM.roster, close(3, 65_535))]),
    "adopt": Adopt((HEAD,)),
    "adopt with a fresh key": Adopt((HEAD, bytes(32)), (close(1),), KEY),
    "dismiss": Dismiss((HEAD,)),
    "refresh": Refresh(key("dora")),
    "set role": SetRole(user("carl"), Role.READER, (close(1),)),
    "set policy": SetPolicy(GroupPolicy(Who.ADMINS, Who.MEMBERS, 1, HOUR), (close(1),)),
    "set policy with a fresh key": SetPolicy(GroupPolicy(sealing=Sealing.FORWARD_SECRET), (), KEY),
    "rename": Rename("Büro"),
    "close": CloseGroup(),
}


def signed(action: Action) -> Operation:
    return sign("frida", TEAM.roster, action)


def resigned(items: list[Any], *, label: bytes = b"siegel/1 roster operation\0") -> bytes:
    """The items with a fresh signature by Frida, made without the library's own encoder."""
    text = label + cbor2.dumps(items[:-1], canonical=True)
    signature = SigningKey(person("frida")._signing._pair[:32]).sign(text).signature
    return cbor2.dumps([*items[:-1], signature], canonical=True)


def items_of(item: Operation | LeaveStatement) -> list[Any]:
    value = decode(item.encode())
    assert isinstance(value, list)
    return value


# --- the one form ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY_ACT)
def test_what_was_signed_is_what_is_read(name: str) -> None:
    operation = signed(EVERY_ACT[name])
    again = parse_item(operation.encode())
    assert isinstance(again, Operation)
    assert again == operation
    assert again.action == EVERY_ACT[name]
    assert (again.author, again.at, again.height) == (user("frida"), AT, 1)
    assert (again.group_id, again.previous) == (TEAM.roster.group_id, TEAM.roster.head)
    assert again.encode() == encode(decode(operation.encode())) == operation.encode()


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("adopt", [3, [HEAD], [], None]),
        ("dismiss", [4, [HEAD]]),
        ("refresh", [5, [sha256(b"").digest(), [user("dora").data]]]),
        ("set role", [6, user("carl").data, 2, [[bytes(15) + b"\1", 0]]]),
        ("set policy", [7, [1, 0, 1, HOUR, 0], [[bytes(15) + b"\1", 0]], None]),
        ("rename", [8, "Büro".encode()]),
        ("close", [9]),
    ],
)
def test_the_form_of_an_act(name: str, wire: list[Any]) -> None:
    """ROS-2."""
    assert items_of(signed(EVERY_ACT[name]))[7] == wire


def test_a_founding_operation() -> None:
    """ROS-1, ROS-6: nothing below it, and an id that proves its founder."""
    founding = create(roles={"anna": Role.ADMIN}, name="x", nonce=5)
    value = items_of(founding)
    policy = [0, 1, 10_000, 7 * DAY, 0]
    action = [0, (5).to_bytes(32, "big"), b"x", policy, [[user("anna").data, 0]], [bytes(32), []]]
    unsigned = [4, 1, b"", 0, b"", user("frida").data, AT, action]
    assert value[:-1] == unsigned
    assert founding.group_id == sha256(b"siegel/1 group id\0" + cbor2.dumps(unsigned, canonical=True)).digest()
    assert founding.head == sha256(b"siegel/1 roster head\0" + cbor2.dumps(unsigned, canonical=True)).digest()
    assert founding.group_id != create("anna", nonce=5, name="x").group_id
    assert founding.group_id != create(roles={"anna": Role.ADMIN}, name="x", nonce=6).group_id


def test_a_head_does_not_cover_the_signature() -> None:
    """ROS-6."""
    operation = signed(Rename("x"))
    text = b"siegel/1 roster head\0" + cbor2.dumps(items_of(operation)[:-1], canonical=True)
    assert operation.head == sha256(text).digest()


def test_a_leave_statement() -> None:
    """ROS-4."""
    statement = leave("carl", TEAM.roster, close(1, 2), at=7)
    unsigned = [5, 1, TEAM.roster.group_id, TEAM.roster.head, user("carl").data, [[bytes(15) + b"\1", 2]], 7]
    assert items_of(statement)[:-1] == unsigned
    again = parse_item(statement.encode())
    assert again == statement
    assert isinstance(again, LeaveStatement)
    assert (again.user_id, again.head, again.closes, again.at) == (user("carl"), TEAM.roster.head, (close(1, 2),), 7)


def test_items_are_told_apart() -> None:
    operation, statement = signed(Rename("x")), leave("carl", TEAM.roster)
    assert len({operation, signed(Rename("x")), signed(Rename("y"))}) == 2
    assert len({statement, leave("carl", TEAM.roster), leave("dora", TEAM.roster)}) == 2
    assert operation != statement
    assert "Rename" in repr(operation)
    assert str(user("carl")) in repr(statement)


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item", [signed(Rename("x")), create(), leave("carl", TEAM.roster)], ids=["rename", "create", "leave"]
)
def test_every_changed_byte_is_refused(item: Operation | LeaveStatement) -> None:
    data = item.encode()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(PeerError):
            parse_item(bytes(changed))


@pytest.mark.parametrize("item", [signed(Rename("x")), leave("carl", TEAM.roster)], ids=["rename", "leave"])
def test_a_signature_of_another_or_for_another_use(item: Operation | LeaveStatement) -> None:
    items = items_of(item)
    place = 5 if isinstance(item, Operation) else 4
    items[place] = user("dora").data
    with pytest.raises(InvalidMessage):
        parse_item(encode(items))
    swapped = b"siegel/1 leave statement\0" if isinstance(item, Operation) else b"siegel/1 roster operation\0"
    items[place] = user("frida").data
    with pytest.raises(InvalidMessage):
        parse_item(resigned(items, label=swapped))


def test_a_carried_statement_is_verified() -> None:
    forged = items_of(leave("carl", TEAM.roster))
    forged[4] = user("dora").data
    items = items_of(signed(remove("carl", statements=[leave("carl", TEAM.roster)])))
    items[7][2] = [encode(forged)]
    with pytest.raises(InvalidMessage):
        Operation(resigned(items))
    items[7][2] = [b"nothing"]
    with pytest.raises(MalformedError):
        Operation(resigned(items))


def test_kind_and_version() -> None:
    items = items_of(signed(Rename("x")))
    with pytest.raises(UnsupportedVersion):
        parse_item(resigned([4, 2, *items[2:]]))
    with pytest.raises(MalformedError):
        parse_item(resigned([3, 1, *items[2:]]))
    with pytest.raises(MalformedError):
        parse_item(resigned([5, 1, *items[2:]]))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (2, b""),
        (2, bytes(31)),
        (3, 0),
        (3, True),
        (4, b""),
        (4, bytes(33)),
        (5, bytes(31)),
        (5, bytes(32)),
        (6, -1 + 2**64),
    ],
)
def test_the_shape_of_an_operation(place: int, value: Any) -> None:
    """ROS-1."""
    items = items_of(signed(Rename("x")))
    items[place] = value
    with pytest.raises(MalformedError):
        Operation(resigned(items))


@pytest.mark.parametrize(("place", "value"), [(2, bytes(32)), (3, 1), (4, bytes(32))])
def test_the_place_of_a_founding_operation(place: int, value: Any) -> None:
    """ROS-1."""
    items = items_of(create())
    items[place] = value
    with pytest.raises(MalformedError):
        Operation(resigned(items))


def test_the_founder_is_in_without_being_named() -> None:
    items = items_of(create())
    items[7][4] = [[user("frida").data, 1]]
    with pytest.raises(MalformedError, match="founder"):
        Operation(resigned(items))


LOW, HIGH = (one.data for one in users("anna", "bert"))
POLICY = [0, 0, 10_000, 7 * DAY, 0]
FRESH = [bytes(32), []]


@pytest.mark.parametrize(
    "action",
    [
        [],
        [10],
        [9, None],
        [True],
        "close",
        [8, "name"],
        [8, b""],
        [8, b"\xff"],
        [8, b"\xed\xa0\x80"],
        [1, []],
        [1, [[LOW, 4]]],
        [1, [[LOW, True]]],
        [1, [[LOW]]],
        [1, [[HIGH, 1], [LOW, 1]]],
        [1, [[LOW, 1], [LOW, 2]]],
        [2, [], [], [], FRESH],
        [2, [HIGH, LOW], [], [], FRESH],
        [2, [LOW], [], [], None],
        [2, [LOW], [], [], [bytes(31), []]],
        [2, [LOW], [], [], [bytes(32), [HIGH, LOW]]],
        [2, [LOW], [], [], [bytes(32)]],
        [2, [LOW], [], [[bytes(16), 65_536]], FRESH],
        [2, [LOW], [], [[bytes(15), 0]], FRESH],
        [2, [LOW], [], [[bytes(16), 0], [bytes(16), 1]], FRESH],
        [3, [], [], None],
        [3, [HEAD, HEAD], [], None],
        [3, [bytes(31)], [], None],
        [4, []],
        [5, None],
        [6, LOW, 4, []],
        [6, [LOW], 1, []],
        [7, POLICY[:4], [], None],
        [7, [2, *POLICY[1:]], [], None],
        [7, [0, 0, 0, 7 * DAY, 0], [], None],
        [7, [0, 0, 65_537, 7 * DAY, 0], [], None],
        [7, [0, 0, 1, HOUR - 1, 0], [], None],
        [7, [0, 0, 1, 366 * DAY, 0], [], None],
        [7, [*POLICY[:4], 2], [], None],
    ],
    ids=repr,
)
def test_the_shape_of_an_act(action: Any) -> None:
    """ROS-2."""
    items = items_of(signed(Rename("x")))
    items[7] = action
    with pytest.raises(MalformedError) as refused:
        Operation(resigned(items))
    assert refused.value.where.startswith("roster operation action")


def strangers(count: int) -> list[UserId]:
    return [UserId(number.to_bytes(32, "big")) for number in range(count)]


def heads(count: int) -> tuple[bytes, ...]:
    return tuple(number.to_bytes(32, "big") for number in range(count))


def members(count: int) -> tuple[tuple[UserId, Role], ...]:
    return tuple((one, Role.MEMBER) for one in strangers(count))


TOO_LARGE: dict[str, Callable[[], Action]] = {
    "members": lambda: Add(members(MAX_MEMBERS + 1)),
    "removed": lambda: Remove(tuple(strangers(MAX_MEMBERS + 1)), (), (), KEY),
    "withheld": lambda: Refresh(FreshKey(bytes(32), tuple(strangers(MAX_MEMBERS + 1)))),
    "name": lambda: Rename("ü" * 128),
    "dismissed": lambda: Dismiss(heads(MAX_NAMED + 1)),
    "adopted": lambda: Adopt(heads(MAX_NAMED + 1)),
    "closes": lambda: remove("carl", closes=tuple(close(number) for number in range(MAX_CLOSES + 1))),
    "statements": lambda: Remove(users("carl"), (b"",) * (MAX_STATEMENTS + 1), (), KEY),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_limits(name: str) -> None:
    """ROS-3: one more than the limit is refused on both sides."""
    action = TOO_LARGE[name]()
    with pytest.raises(InvalidArgument, match="more than"):
        signed(action)
    items = items_of(signed(Rename("x")))
    items[7] = action_value(action)
    with pytest.raises(LimitExceeded):
        Operation(resigned(items))


def test_the_largest() -> None:
    """ROS-3: the founder is one of the members."""
    action = Create(bytes(32), "x" * 255, GroupPolicy(), members(MAX_MEMBERS - 1), KEY)
    data = Operation.found(person("frida"), action=action, at=AT).encode()
    with pytest.raises(InvalidArgument, match="more than"):
        Operation.found(person("frida"), action=action._replace(members=members(MAX_MEMBERS)), at=AT)
    assert len(data) < 400_000
    assert Operation(data).encode() == data
    for parse in (Operation, LeaveStatement, parse_item):
        with pytest.raises(LimitExceeded):
            parse(bytes(MAX_OPERATION_BYTES + 1))


def test_a_name_in_whatever_normal_form() -> None:
    """ROS-2: versions of Unicode differ in what is normal, and whether an operation is valid must not."""
    for name in ("Bu\u0308ro", "\ufffe", "\U0010ffff", "\0"):
        assert Operation(signed(Rename(name)).encode()).action == Rename(name)
    with pytest.raises(InvalidArgument):
        signed(Rename("\ud800"))


def test_a_statement_outside_the_limits_is_not_signed() -> None:
    with pytest.raises(InvalidArgument):
        leave("carl", TEAM.roster, close(2), close(1))
    with pytest.raises(InvalidArgument):
        leave("carl", TEAM.roster, at=-1)


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    for parse in (Operation, LeaveStatement, parse_item):
        with pytest.raises(SiegelError):
            parse(data)


@given(st.sampled_from(sorted(EVERY_ACT)), st.integers(0, 20), st.sampled_from([0, True, None, b"", "", [], [[]], [0]]))
def test_one_field_of_another_kind(name: str, place: int, value: Any) -> None:
    """Whatever stands in a field: an error of ours, or the same bytes again."""
    items = items_of(signed(EVERY_ACT[name]))
    items[7][place % len(items[7])] = value
    data = resigned(items)
    try:
        assert Operation(data).encode() == data
    except PeerError:
        return
