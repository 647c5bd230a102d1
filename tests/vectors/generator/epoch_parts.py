"""The group of the vectors about epoch keys: a log with heads of every kind, on three branches, and the keys of it."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.generator.book import Group, stream
from tests.vectors.generator.people import NOW, person
from tests.vectors.generator.roster_parts import (
    FORWARD_SECRET,
    PEOPLE,
    add,
    adopt,
    create,
    dismiss,
    found,
    remove,
    rename,
    set_policy,
    set_role,
    users,
)
from tests.vectors.generator.roster_worlds import World
from tests.vectors.notation import to_json
from tests.vectors.reference import broadcast, epoch
from tests.vectors.reference.broadcast import Draft, Hooks, Steps
from tests.vectors.reference.cbor import NULL, array, octets
from tests.vectors.reference.roster_wire import ADMIN, MEMBER, READER, Act

# The names of the items that somebody has heard of, in order.
FOUNDED: Final = ["founding"]
RENAMED: Final = [*FOUNDED, "renamed"]
EMIL: Final = [*RENAMED, "emil added"]
MALLORY: Final = [*EMIL, "mallory added"]
CALM: Final = [*MALLORY, "dora a reader"]
OUT: Final = [*CALM, "carl removed"]
BACK: Final = [*OUT, "carl back"]
QUARREL: Final = [*RENAMED, "bert removes dora"]
WITHOUT: Final = [*QUARREL, "refreshed without dora"]
AGAIN: Final = [*WITHOUT, "dismissed"]
GONE: Final = [*AGAIN, "carl leaves"]
STRICT: Final = [*RENAMED, "number 0 refused"]
BRANCHES: Final = [*RENAMED, "bert adds emil"]
ADOPTED: Final = [*BRANCHES, "adopted"]


def fresh(name: str) -> bytes:
    """A fresh key."""
    return stream(f"epoch key {name}", 32)


FIRST, SECOND, LOST, FALSE = map(fresh, ("first", "second", "lost", "false"))


def brought(key: bytes, *withheld: str) -> list[Any]:
    """The fresh key of an operation."""
    return [epoch.commitment(key), users(*withheld)]


def refresh(key: bytes, *withheld: str) -> Act:
    """Brings a fresh key."""
    return Act("refresh", {"fresh": brought(key, *withheld)})


def world(group: Group) -> World:
    """Frida, Anna and Bert are admins, Carl and Dora members."""
    group.fixture |= to_json({"people": {name: person(name).user_id for name in PEOPLE}})
    here = World(group)
    roles = {"anna": ADMIN, "bert": ADMIN, "carl": MEMBER, "dora": MEMBER}
    here.put("founding", found("frida", create(roles, key=brought(FIRST))))
    here.sign("renamed", "frida", rename("another name"), "founding")
    here.sign("emil added", "anna", add({"emil": MEMBER}), "renamed")
    here.sign("mallory added", "frida", add({"mallory": MEMBER}), "emil added")
    here.sign("dora a reader", "frida", set_role("dora", READER), "mallory added")
    here.sign("carl removed", "frida", remove("carl", key=brought(SECOND)), "dora a reader")
    here.sign("carl back", "frida", add({"carl": MEMBER}), "carl removed")
    here.sign("bert removes dora", "bert", remove("dora", key=brought(LOST)), "founding")
    here.sign("refreshed without dora", "frida", refresh(SECOND, "dora"), "renamed")
    here.sign("dismissed", "frida", dismiss(here.head("bert removes dora")), "refreshed without dora")
    here.sign("number 0 refused", "frida", set_policy(FORWARD_SECRET, key=brought(SECOND)), "renamed")
    here.sign("bert adds emil", "bert", add({"emil": MEMBER}), "founding")
    here.sign("adopted", "frida", adopt(here.head("bert adds emil")), "renamed")
    here.leave("carl leaves", "carl", "dismissed")
    return here


def line(here: World, *names: str, key: bytes = FIRST) -> bytes:
    """The key that follows from another one by these admissions."""
    for name in names:
        key = epoch.derived(key, here.head(name))
    return key


def held(here: World, name: str, key: bytes, since: int = NOW, **more: Any) -> dict[str, Any]:
    """A key that is held for the epoch of this operation."""
    return {"epoch": here.head(name), "key": key, "since": since} | more


# --- what is broadcast ------------------------------------------------------------------------------------------------


def nothing(here: World) -> bytes:
    """Control that says nothing."""
    return array(octets(here.operations["founding"].group), array(), NULL, array(), array(), NULL, NULL)


def said(here: World, name: str, on: str, key: bytes, hooks: Hooks | None = None, **changes: Any) -> Steps:
    """What somebody broadcasts at a head."""
    fields: dict[str, Any] = {
        "control": nothing(here),
        "sender": person(name).secret,
        "group_id": here.operations["founding"].group,
        "head": here.head(on),
        "key": key,
        "at": NOW + 1_000,
        "hedge": stream(f"hedge of {name} at {on}", 32),
    }
    return broadcast.write(Draft(**(fields | changes)), hooks)
