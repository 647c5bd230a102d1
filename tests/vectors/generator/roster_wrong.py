"""Acts and statements of another form than the one (ROS-2, ROS-3, ROS-4), built by hand, item by item."""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.generator.people import person
from tests.vectors.generator.roster_parts import POLICY, close, rename, user, users
from tests.vectors.reference import HOUR, LATEST, cbor, identity
from tests.vectors.reference.cbor import NULL, TRUE, array, octets, text, uint
from tests.vectors.reference.labels import label
from tests.vectors.reference.operations import encoded
from tests.vectors.reference.roster_wire import Statement

LOW, HIGH = users("anna", "emil")
KEY = array(octets(bytes(32)), array())
NOTHING = array()

Wrong = tuple[str, bytes, str, str, str]  # comment, encoded action, rules, flags, code


def wrong_acts(head: bytes, heads: list[bytes]) -> Iterator[Wrong]:
    """Every act that is none."""
    for comment, value in (
        ("an empty array", array()),
        ("number 10", array(uint(10))),
        ("the number as a byte string", array(octets(b"\x09"))),
        ("true as its number", array(TRUE)),
        ("a number and no array", uint(9)),
        ("null", NULL),
        ("close with a field", array(uint(9), NULL)),
        ("rename without a name", array(uint(8))),
    ):
        yield f"action: {comment}", value, "ROS-2", "WrongShape", "malformed"
    for comment, value in (*_members(), *_removals(), *_named(head), *_others(), *_policies()):
        yield comment, value, "ROS-2", "WrongShape", "malformed"
    long_name = array(uint(8), octets(b"x" * 256))
    yield "a name of 256 bytes", long_name, "ROS-3", "Limit", "limit-exceeded"
    wide_name = array(uint(8), octets("封".encode() * 86))
    yield "a name of 258 bytes in 86 characters", wide_name, "ROS-3", "Limit", "limit-exceeded"
    many = array(uint(4), array(*map(octets, heads)))
    yield "1,025 dismissed operations", many, "ROS-3", "Limit", "limit-exceeded"
    carried = array(uint(2), array(octets(LOW)), array(*[octets(b"")] * 257), NOTHING, KEY)
    yield "257 leave statements", carried, "ROS-3", "Limit", "limit-exceeded"


def _members() -> Iterator[tuple[str, bytes]]:
    def members(*pairs: tuple[bytes, bytes]) -> bytes:
        return array(uint(1), array(*(array(*pair) for pair in pairs)))

    low, high, role = octets(LOW), octets(HIGH), uint(1)
    yield "add: nobody", members()
    yield "add: members out of order", members((high, role), (low, role))
    yield "add: a member twice", members((low, role), (low, role))
    yield "add: a member twice with two roles", members((low, role), (low, uint(2)))
    yield "add: role 4", members((low, uint(4)))
    yield "add: role true", members((low, TRUE))
    yield "add: role null", members((low, NULL))
    yield "add: a user id of 31 bytes", members((octets(LOW[:31]), role))
    yield "add: a user id as text", members((text("anna"), role))
    yield "add: a member without a role", array(uint(1), array(array(low)))
    yield "add: a member that is no array", array(uint(1), array(low))
    yield "add: members null", array(uint(1), NULL)
    yield "add: two fields", array(uint(1), array(array(low, role)), NOTHING)


def _removals() -> Iterator[tuple[str, bytes]]:
    def removal(
        users_: bytes = array(octets(LOW)),  # immutable bytes
        statements: bytes = NOTHING,
        closes: bytes = NOTHING,
        fresh: bytes = KEY,
    ) -> bytes:
        return array(uint(2), users_, statements, closes, fresh)

    yield "remove: nobody", removal(array())
    yield "remove: users out of order", removal(array(octets(HIGH), octets(LOW)))
    yield "remove: a user twice", removal(array(octets(LOW), octets(LOW)))
    yield "remove: a user id of 33 bytes", removal(array(octets(LOW + b"\0")))
    yield "remove: a user and no array", removal(octets(LOW))
    yield "remove: a statement that is no byte string", removal(statements=array(array()))
    yield "remove: statements null", removal(statements=NULL)
    yield "remove: no fresh key", removal(fresh=NULL)
    yield "remove: a commitment of 31 bytes", removal(fresh=array(octets(bytes(31)), array()))
    yield "remove: a fresh key without withheld", removal(fresh=array(octets(bytes(32))))
    yield "remove: withheld null", removal(fresh=array(octets(bytes(32)), NULL))
    withheld = array(octets(HIGH), octets(LOW))
    yield "remove: withheld out of order", removal(fresh=array(octets(bytes(32)), withheld))
    twice = array(octets(LOW), octets(LOW))
    yield "remove: withheld twice from one", removal(fresh=array(octets(bytes(32)), twice))
    for comment, closes in _closes():
        yield f"remove: {comment}", removal(closes=closes)


def _closes() -> Iterator[tuple[str, bytes]]:
    first, second = (encoded(list(close(number))) for number in (1, 2))
    yield "closes out of order", array(second, first)
    yield "a chain closed twice", array(first, first)
    yield "a chain closed twice at two indices", array(first, encoded(list(close(1, 3))))
    yield "a chain id of 15 bytes", array(array(octets(bytes(15)), uint(0)))
    yield "a last index of 65,536", array(array(octets(bytes(16)), uint(65_536)))
    yield "a last index null", array(array(octets(bytes(16)), NULL))
    yield "a close of three items", array(array(octets(bytes(16)), uint(0), NULL))
    yield "closes null", NULL


def _named(head: bytes) -> Iterator[tuple[str, bytes]]:
    one = octets(head)
    yield "adopt: nothing", array(uint(3), array(), NOTHING, NULL)
    yield "adopt: an operation twice", array(uint(3), array(one, one), NOTHING, NULL)
    yield "adopt: a head of 31 bytes", array(uint(3), array(octets(head[:31])), NOTHING, NULL)
    yield "adopt: a fresh key of one item", array(uint(3), array(one), NOTHING, array(octets(bytes(32))))
    yield "adopt: without a fresh key's place", array(uint(3), array(one), NOTHING)
    yield "dismiss: nothing", array(uint(4), array())
    yield "dismiss: an operation twice", array(uint(4), array(one, one))
    yield "dismiss: a head and no array", array(uint(4), one)


def _others() -> Iterator[tuple[str, bytes]]:
    yield "refresh: no fresh key", array(uint(5), NULL)
    yield "set role: role 4", array(uint(6), octets(LOW), uint(4), NOTHING)
    yield "set role: a list of users", array(uint(6), array(octets(LOW)), uint(1), NOTHING)
    yield "set role: without closes", array(uint(6), octets(LOW), uint(1))
    yield "rename: an empty name", array(uint(8), octets(b""))
    yield "rename: a name as text", array(uint(8), text("name"))
    yield "rename: a name that is cut off inside a character", array(uint(8), octets("Büro".encode()[:2]))
    yield "rename: a name with a surrogate", array(uint(8), octets(b"\xed\xa0\x80"))
    yield "rename: a name with an overlong form", array(uint(8), octets(b"\xc1\xa1"))


def _policies() -> Iterator[tuple[str, bytes]]:
    for comment, place, value in (
        ("posting 2", 0, uint(2)),
        ("posting false", 0, cbor.FALSE),
        ("adding 2", 1, uint(2)),
        ("chains of no message", 2, uint(0)),
        ("chains of 65,537 messages", 2, uint(65_537)),
        ("chains of less than an hour", 3, uint(HOUR - 1)),
        ("chains of more than 365 days", 3, uint(365 * 24 * HOUR + 1)),
        ("sealing 2", 4, uint(2)),
    ):
        items = [uint(number) for number in POLICY]
        items[place] = value
        yield f"set policy: {comment}", array(uint(7), array(*items), NOTHING, NULL)
    four = array(*(uint(number) for number in POLICY[:4]))
    yield "set policy: four items", array(uint(7), four, NOTHING, NULL)
    yield "set policy: null", array(uint(7), NULL, NOTHING, NULL)


# --- leave statements -------------------------------------------------------------------------------------------------

PLACES = {"group id": 2, "head": 3, "user id": 4, "closes": 5, "at": 6}


def wrong_statements(honest: Statement) -> Iterator[tuple[str, bytes, str]]:
    """Comment, bytes and rules of statements of another shape, signed by the leaver."""

    def put(name: str, item: bytes) -> bytes:
        items = list(honest.items())
        items[PLACES[name]] = item
        signed = label("leave statement") + b"\0" + array(*items)
        return array(*items, octets(identity.sign_with(person("carl").secret, signed)))

    for name in ("group id", "head"):
        yield f"{name}: 31 bytes", put(name, octets(bytes(31))), "ROS-4"
        yield f"{name}: empty", put(name, octets(b"")), "ROS-4"
        yield f"{name}: null", put(name, NULL), "ROS-4"
    yield "user id: 31 bytes", put("user id", octets(user("carl")[:31])), "ROS-4"
    yield "user id: text", put("user id", text("carl")), "ROS-4"
    for comment, closes in _closes():
        yield comment, put("closes", closes), "ROS-2 ROS-4"
    yield "at: one after the last instant", put("at", uint(LATEST + 1)), "ROS-4 ENC-10"
    yield "at: text", put("at", text("now")), "ROS-4"
    yield "signature: 63 bytes", array(*honest.items(), octets(bytes(63))), "ROS-4"
    yield "an action in the place of closes", put("closes", encoded(rename("x").value())), "ROS-4"
