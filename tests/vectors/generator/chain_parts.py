"""Alice's chain in the vectors, and what is said in it: every secret is open, so anything can be written by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, Final

from tests.vectors.generator.book import stream
from tests.vectors.generator.people import ALICE, BOB, CAROL, NOW
from tests.vectors.reference import curve, key_tree
from tests.vectors.reference.group_message import Content, Draft, Hooks, Steps, write
from tests.vectors.reference.sender_chain import Announcement, Certificate, Close, announce, certify

SENT_AT: Final = NOW + 1000
GROUP: Final = stream("group id", 32)
HEAD: Final = stream("roster head", 32)
LATER_HEAD: Final = stream("a later roster head", 32)
SEED: Final = stream("chain signing seed", 32)
ROOT: Final = stream("chain root", 32)
KEY: Final = curve.public_key(SEED)
LINK: Final = stream("a link", 32)
PEOPLE: Final[dict[str, Any]] = {p.name: p.user_id for p in (ALICE, BOB, CAROL)}

ENDED: Final[tuple[Close, ...]] = tuple(
    sorted((stream(f"chain that ends {n}", 16), n, stream(f"final link {n}", 32)) for n in range(16))
)
UNUSED: Final[Close] = (stream("chain that was not used", 16), 0, None)


@cache
def certificate(closes: tuple[Close, ...] = (), at: int = NOW, seed: bytes = SEED) -> Certificate:
    """Alice's certificate of a chain."""
    return certify(ALICE.secret, seed, group_id=GROUP, head=HEAD, closes=closes, at=at)


CERTIFICATE: Final = certificate()


@lru_cache(maxsize=4096)
def leaf(index: int, root: bytes = ROOT) -> bytes:
    """The key of a message of the chain."""
    return key_tree.leaf(root, index)


def announcement(start: int = 0, link: bytes | None = None) -> Announcement:
    """The chain from an index on."""
    return announce(CERTIFICATE, ROOT, start, link)


def content(body: bytes = b"", **changes: Any) -> Content:
    """A text."""
    return replace(Content("text/plain", SENT_AT, (), body), **changes)


def draft(index: int, previous: bytes = CERTIFICATE.genesis, body: bytes = b"", **changes: Any) -> Draft:
    """A message of the chain, as its owner would write it."""
    honest = Draft(
        content=content(body),
        chain_id=CERTIFICATE.chain_id,
        index=index,
        head=HEAD,
        previous=previous,
        leaf=leaf(index),
        seed=SEED,
        hedge=stream(f"hedge {index} {body.hex()}", 16),
    )
    return replace(honest, **changes)


def message(index: int, previous: bytes = CERTIFICATE.genesis, body: bytes = b"", **changes: Any) -> Steps:
    """The same, written."""
    return write(draft(index, previous, body, **changes))


def faulty(given: Draft, step: str, hook: Any) -> Steps:
    """A message with one step replaced and every later step made again."""
    hooks: Hooks = {step: hook}
    return write(given, hooks)


@cache
def run(count: int) -> list[Steps]:
    """The chain's first messages."""
    messages: list[Steps] = []
    for index in range(count):
        previous = messages[-1].link if messages else CERTIFICATE.genesis
        messages.append(message(index, previous, f"message {index}".encode()))
    return messages


def damaged(data: bytes) -> bytes:
    """The message with a signature of zeros."""
    return data[:-64] + bytes(64)
