"""The group of the vectors about groups: its log, its people's chains and records, and control in their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.vectors.generator.book import Group, stream
from tests.vectors.generator.people import NOW, person
from tests.vectors.generator.roster_parts import (
    PEOPLE,
    add,
    create,
    found,
    refresh,
    remove,
    rename,
    set_role,
)
from tests.vectors.generator.roster_worlds import World
from tests.vectors.notation import to_json
from tests.vectors.reference import DAY, cbor, identity, key_tree
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.group_message import Content, Draft, Parent, write
from tests.vectors.reference.labels import labelled, sha256
from tests.vectors.reference.roster_wire import ADMIN, MEMBER, READER
from tests.vectors.reference.sender_chain import Certificate, Close, announce, certify

KEY: Final = stream("epoch key", 32)
COMMITMENT: Final = sha256(labelled("epoch commitment", octets(KEY)))
LATER: Final = NOW + 60_000


def world(group: Group) -> World:
    """Frida and Anna are admins, Bert and Carl members, Dora a reader. Later Bert is removed, Emil added."""
    group.fixture |= to_json({"people": {name: person(name).secret for name in PEOPLE}})
    here = World(group)
    roles = {"anna": ADMIN, "bert": MEMBER, "carl": MEMBER, "dora": READER}
    here.put("founding", found("frida", create(roles, key=[COMMITMENT, []])))
    here.sign("renamed", "frida", rename("another name"), "founding")
    here.sign("emil added", "frida", add({"emil": MEMBER}), "founding")
    here.sign("bert removed", "frida", remove("bert", closes=[[chain("bert").chain_id, 1]]), "founding")
    here.sign("bert a reader", "frida", set_role("bert", READER, [chain("bert").chain_id, 1]), "founding")
    here.sign("refreshed", "frida", refresh(), "founding")
    here.sign("carl removed by anna", "anna", remove("carl"), "founding")
    here.sign("emil back", "frida", add({"emil": MEMBER}), "renamed")
    here.leave("carl leaves", "carl", "founding", [chain("carl").chain_id, 0])
    return here


# --- chains -----------------------------------------------------------------------------------------------------------


class Writer:
    """Somebody's chain that begins at a head, and messages in it."""

    def __init__(self, name: str, group_id: bytes, head: bytes, *closes: Close, number: int = 0) -> None:
        self.name, self.number = name, number
        self.seed, self.root = stream(f"{name} chain {number} seed", 32), stream(f"{name} chain {number} root", 32)
        self.certificate: Certificate = certify(
            person(name).secret, self.seed, group_id=group_id, head=head, closes=tuple(sorted(closes)), at=NOW
        )
        self.links = [self.certificate.genesis]

    @property
    def chain_id(self) -> bytes:
        """The chain id."""
        return self.certificate.chain_id

    def announcement(self, start: int = 0) -> bytes:
        """The encoded announcement from an index on, all messages before it having been written."""
        return announce(self.certificate, self.root, start, self.links[start]).encode()

    def write(self, head: bytes, *parents: Parent, body: bytes = b"a message", damaged: bool = False) -> bytes:
        """The next message, under a head."""
        index = len(self.links) - 1
        steps = write(
            Draft(
                content=Content("text/plain", NOW, tuple(sorted(parents)), body),
                chain_id=self.chain_id,
                index=index,
                head=head,
                previous=self.links[-1],
                leaf=key_tree.leaf(self.root, index),
                seed=self.seed,
                hedge=stream(f"{self.name} hedge {index} {body.hex()}", 16),
            )
        )
        self.links.append(steps.link)
        return steps.message[:-64] + bytes(64) if damaged else steps.message


_FOUNDING: Final = found(
    "frida", create({"anna": ADMIN, "bert": MEMBER, "carl": MEMBER, "dora": READER}, key=[COMMITMENT, []])
)
GROUP_ID: Final = _FOUNDING.group
FOUNDED: Final = _FOUNDING.head


def chain(name: str, head: bytes = FOUNDED, *closes: Close, number: int = 0) -> Writer:
    """Somebody's chain from the founding on, or from another head."""
    return Writer(name, GROUP_ID, head, *closes, number=number)


# --- control ----------------------------------------------------------------------------------------------------------


def control(
    *,
    group: bytes = GROUP_ID,
    items: Sequence[bytes] = (),
    key: tuple[bytes, bytes] | None = None,
    announcements: Sequence[bytes] = (),
    identities: Sequence[bytes] = (),
    request: tuple[bytes, bool, Sequence[bytes]] | None = None,
    not_after: int | None = None,
) -> bytes:
    """Control with these parts."""
    return array(
        octets(group),
        strings(items),
        array(*map(octets, key)) if key else cbor.NULL,
        strings(announcements),
        strings(identities),
        asking(*request) if request else cbor.NULL,
        cbor.NULL if not_after is None else uint(not_after),
    )


def spoilt(**changed: bytes) -> bytes:
    """Control without any part, whose fields of these names have another encoding."""
    nothing = strings([])
    fields = {"group": octets(GROUP_ID), "items": nothing, "key": cbor.NULL, "announcements": nothing}
    fields |= {"identities": nothing, "request": cbor.NULL, "not_after": cbor.NULL}
    assert changed.keys() <= fields.keys()
    return array(*(fields | changed).values())


def strings(items: Sequence[bytes]) -> bytes:
    """An array of byte strings."""
    return array(*map(octets, items))


def asking(head: bytes, key: bool, chains: Sequence[bytes]) -> bytes:  # noqa: FBT001  # as it stands on the wire
    """The encoding of a request."""
    return array(octets(head), cbor.TRUE if key else cbor.FALSE, strings(chains))


def record(name: str, issued_at: int = NOW) -> bytes:
    """Somebody's public identity with number 0."""
    return identity.base_record(person(name).secret, issued_at).encode()


def rotating(name: str, life: int = 7 * DAY) -> bytes:
    """Somebody's public identity with a rotating key."""
    seed = stream(f"{name} rotating", 32)
    return identity.rotating_record(person(name).secret, seed, NOW, life).encode()


def heard(sender: str, data: bytes, under: str | None = None) -> dict[str, Any]:
    """A step: control from somebody, sealed, or broadcast under the head of an operation."""
    return {"from": sender, "control": data} | ({"under": under} if under else {})


def message(data: bytes) -> dict[str, Any]:
    """A step: a message."""
    return {"message": data}
