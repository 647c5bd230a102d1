"""Library and reference on logs that are in no vector: random acts, allowed or not, in random orders of arrival."""

from __future__ import annotations

import random

import pytest

from tests.vectors.files import VECTORS
from tests.vectors.generator.roster_parts import (
    ADMINS_POST,
    END,
    FORWARD_SECRET,
    MEMBERS_ADD,
    PEOPLE,
    POLICY,
    add,
    adopt,
    close,
    create,
    dismiss,
    follow,
    found,
    fresh,
    leave,
    refresh,
    remove,
    rename,
    set_policy,
    set_role,
    user,
)
from tests.vectors.notation import to_json
from tests.vectors.production_roster import Log
from tests.vectors.reference import cbor, curve, roster_log
from tests.vectors.reference.cbor import is_octets
from tests.vectors.reference.labels import labelled
from tests.vectors.reference.operations import encoded
from tests.vectors.reference.roster_wire import ACTS, ADMIN, MEMBER, Act, Operation, Statement

LOGS = 40
LENGTH = 30  # of each
KINDS = ("add", "remove", "carry", "leave", "adopt", "dismiss", "refresh", "role", "policy", "rename", "close")
WEIGHTS = (4, 4, 2, 3, 8, 3, 3, 5, 2, 2, 0.2)


class Writer:
    """Signs what comes to mind, mostly where it means something."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)
        roles = {"anna": ADMIN, "bert": self.choice.choice([ADMIN, MEMBER]), "carl": MEMBER, "dora": MEMBER}
        founding = found("frida", create(roles, self.choice.choice([POLICY, MEMBERS_ADD])))
        self.log = roster_log.begin(founding.encode())
        self.statements: list[Statement] = []

    def item(self) -> Operation | Statement:
        """An operation on a random head, often the one that holds; or a leave statement."""
        log = self.log
        heads = list(log.operations)
        head = self.choice.choice([log.state.head, log.state.head, self.choice.choice(heads)])
        author = self.choice.choice(["frida", "anna", "bert", *PEOPLE])
        kind = self.choice.choices(KINDS, WEIGHTS)[0]
        if kind == "leave":
            self.statements.append(leave(log.operations[head], author, *self.closes()))
            return self.statements[-1]
        return follow(log.operations[head], author, self.act(kind, head))

    def act(self, kind: str, head: bytes) -> Act:
        """An act that means something at this head, more often than not."""
        choice, state = self.choice, self.log.states[head]
        inside = [name for name in PEOPLE if user(name) in state.members]
        outside = [name for name in PEOPLE if name not in inside] or ["frida"]
        one, role = choice.choice(inside), choice.choice([0, 1, 1, 2, 3])
        losing = [other for other in self.log.operations if other not in self.log.path(head)]
        named = choice.sample(losing, k=min(len(losing), choice.choice([1, 1, 2]))) or [head]
        takes = any(self.log.operations[other].action.kind == "remove" for other in named)
        match kind:
            case "add":
                return add({choice.choice(outside): role})
            case "remove":
                carried = [s.encode() for s in self.statements if s.user_id == user(one)][: choice.choice([0, 2])]
                return remove(one, statements=carried, closes=self.closes())
            case "carry":
                said = {s.user_id: s.encode() for s in choice.sample(self.statements, k=len(self.statements))}
                names = [name for name in inside if user(name) in said][: choice.choice([1, 2, 3])]
                return remove(*names or [one], statements=[said[user(name)] for name in names])
            case "adopt":
                return adopt(*named, closes=self.closes(), key=fresh() if takes is (choice.random() < 0.9) else None)
            case "dismiss":
                return dismiss(*named)
            case "refresh":
                return refresh(*choice.sample(PEOPLE, k=choice.choice([0, 0, 1])))
            case "role":
                return set_role(one, role, *self.closes())
            case "policy":
                policy = choice.choice([POLICY, MEMBERS_ADD, ADMINS_POST, FORWARD_SECRET])
                return set_policy(policy, key=choice.choice([None, fresh()]))
            case "rename":
                return rename(choice.choice(["one", "two", "three"]))
            case _:
                return END

    def closes(self) -> list[list[object]]:
        """Nobody's chain, or one."""
        return [list(close(7, 3))] if self.choice.random() < 0.2 else []


def compared(seed: int) -> roster_log.Log:
    """The log of one writer, after every arrival of which both say the same and refuse the same for the same reason."""
    writer = Writer(seed)
    library = Log(writer.log.operations[writer.log.root].encode())
    late: list[bytes] = []
    for _ in range(LENGTH):
        late.append(writer.item().encode())
        if writer.choice.random() < 0.4:
            continue  # the next ones overtake it
        writer.choice.shuffle(late)
        while late:
            data = late.pop()
            refused = library.arrive(data)
            writer.log, refusals = roster_log.arrive(writer.log, data)
            codes = sorted((one, error.code) for one, error in refused)
            assert codes == sorted((one, error.code) for one, error in refusals), seed
            assert to_json(library.summary()) == to_json(roster_log.summary(writer.log)), seed
    return writer.log


def test_both_read_the_same_logs() -> None:
    """ROS-5 … ROS-18; and the logs are about something: of each kind of act some is allowed, and each thing happens."""
    happened = set[str]()
    for seed in range(LOGS):
        log = compared(seed)
        happened |= {operation.action.kind for operation in log.operations.values()}
        happened |= {what for what, value in roster_log.summary(log).items() if value}
    assert happened >= set(ACTS) | {"pending", "suspended", "leavers", "ties", "decided", "closed"}


@pytest.mark.parametrize(
    ("kind", "name", "key", "label"),
    [
        ("roster-operation", "operation", 5, "roster operation"),
        ("leave-statement", "statement", 4, "leave statement"),
    ],
)
def test_a_fault_in_the_shape_is_signed(kind: str, name: str, key: int, label: str) -> None:
    """So nothing but the check that is meant refuses it. Only a fault of key, signature or count cannot be signed."""
    faulty = [v for v in VECTORS if v.type == kind and not v.valid and v.test["error"]["stage"] == "shape"]
    signed = 0
    for vector in faulty:
        items = cbor.read(vector.case().data(name))
        if (
            len(items) == {"operation": 9, "statement": 8}[name]
            and is_octets(items[key], 32)
            and is_octets(items[-1], 64)
        ):
            curve.verify(items[key], labelled(label, *map(encoded, items[:-1])), items[-1])
            signed += 1
    assert len(faulty) - signed == {"operation": 9, "statement": 5}[name]
