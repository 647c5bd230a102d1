"""What a reader of chains is told in the vectors of type ``receive``: steps over objects that have names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.vectors.generator.book import Group, stream
from tests.vectors.generator.chain_parts import (
    CERTIFICATE,
    GROUP,
    HEAD,
    PEOPLE,
    ROOT,
    announcement,
    certificate,
    damaged,
    draft,
    leaf,
    message,
    run,
)
from tests.vectors.generator.people import ALICE, BOB, NOW, Person
from tests.vectors.reference.group_message import Draft, Steps, write
from tests.vectors.reference.sender_chain import Certificate, Close, announce, certify

RUN: Final = run(8)
NAMES: Final = tuple(f"message {index}" for index in range(len(RUN)))
SECOND_SEED: Final = stream("second chain signing seed", 32)
SECOND_ROOT: Final = stream("second chain root", 32)


def fixture() -> dict[str, Any]:
    """The group, its people, Alice's chain announced from several indices on, and its first messages."""
    starts = {f"from {start}": announcement(start, RUN[start - 1].link if start else None) for start in (0, 2, 3, 5)}
    objects = {name: said.encode() for name, said in starts.items()}
    objects |= {name: steps.message for name, steps in zip(NAMES, RUN, strict=True)}
    return {"groupId": GROUP, "people": PEOPLE, "objects": objects}


# --- steps ------------------------------------------------------------------------------------------------------------


def announced(name: str = "from 0", sender: Person = ALICE, at: int | None = None) -> dict[str, Any]:
    """An announcement arrives, whose carrier proves who sent it."""
    return {"do": "announce", "announcement": name, "from": sender.user_id} | ({} if at is None else {"at": at})


def received(*names: str, at: int | None = None) -> dict[str, Any]:
    """Messages arrive together."""
    return {"do": "receive", "messages": list(names)} | ({} if at is None else {"at": at})


def one_by_one(*names: str) -> list[dict[str, Any]]:
    """Messages arrive one after the other."""
    return [received(name) for name in names]


def permitting(*refused: bytes, highest: int | None = None) -> dict[str, Any]:
    """The roster changes: from now on it refuses these heads, and what is above the highest index."""
    return {"do": "permit", "refusedHeads": list(refused)} | ({} if highest is None else {"highestIndex": highest})


def expiring(at: int) -> dict[str, Any]:
    """Time passes."""
    return {"do": "expire", "at": at}


def story(
    steps: Sequence[dict[str, Any]], objects: dict[str, bytes] | None = None, refused: Sequence[bytes] = ()
) -> dict[str, Any]:
    """``now`` and ``input`` of a vector of type receive."""
    given: dict[str, Any] = {"refusedHeads": list(refused)} if refused else {}
    return {"now": NOW, "input": given | ({"objects": objects} if objects else {}) | {"steps": list(steps)}}


class Teller:
    """Adds stories: those that are accepted to the end, and those whose last message or announcement is refused."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def told(self, comment: str, spec: str, flags: str, *steps: dict[str, Any], **more: Any) -> None:
        """A story to the end."""
        self.group.valid(comment, spec=spec, flags=flags, **story(steps, **more))

    def refused(
        self, stage: str, code: str, comment: str, spec: str, flags: str, *steps: dict[str, Any], **more: Any
    ) -> None:
        """A story whose last object is refused."""
        self.group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, **story(steps, **more))


# --- objects ----------------------------------------------------------------------------------------------------------


def spoilt(*indices: int) -> dict[str, bytes]:
    """Messages of the run with a signature of zeros."""
    return {f"damaged {index}": damaged(RUN[index].message) for index in indices}


def link_before(index: int) -> bytes:
    """The link that the message of this index names in the run."""
    return RUN[index - 1].link if index else CERTIFICATE.genesis


def rival(index: int, body: bytes = b"a rival", **changes: Any) -> Steps:
    """Another message at an index of the run, with the same predecessor, signed by the chain's key."""
    return message(index, link_before(index), body, **changes)


def successor(*closes: Close, sender: Person = ALICE, seed: bytes = SECOND_SEED, at: int = NOW + 1) -> bytes:
    """The announcement of another chain, which ends these."""
    made = certify(sender.secret, seed, group_id=GROUP, head=HEAD, closes=tuple(sorted(closes)), at=at)
    return announce(made, SECOND_ROOT).encode()


def ending(index: int, link: bytes | None = None) -> Close:
    """The end of Alice's chain."""
    return CERTIFICATE.chain_id, index, RUN[index].link if link is None else link


def unused() -> Close:
    """The end of Alice's chain, if nothing was sent in it."""
    return CERTIFICATE.chain_id, 0, None


def second_chain(sender: Person = BOB) -> tuple[Certificate, list[Steps]]:
    """Another chain, of Bob unless told otherwise, and its first messages."""
    made = certify(sender.secret, SECOND_SEED, group_id=GROUP, head=HEAD, at=NOW)
    messages: list[Steps] = []
    for index in range(3):
        previous = messages[-1].link if messages else made.genesis
        messages.append(write(in_second(made, index, previous, f"{sender.name} {index}".encode())))
    return made, messages


def in_second(made: Certificate, index: int, previous: bytes, body: bytes) -> Draft:
    """A message of that chain."""
    return draft(index, previous, body, chain_id=made.chain_id, leaf=leaf(index, SECOND_ROOT), seed=SECOND_SEED)


def from_root(root: bytes = ROOT, at: int = NOW) -> bytes:
    """The announcement of Alice's chain with another tree, or under another certificate."""
    return announce(certificate(at=at), root).encode()
