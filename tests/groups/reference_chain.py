"""One sender's chain, slowly and obviously: everything is computed anew from the set of what was received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What a message is, without its bytes. ``sound``: it opens under the key of its index."""

    number: int
    link: bytes
    previous: bytes
    signed: bool
    sound: bool
    permitted: bool


def attested(messages: Iterable[Said], statements: Iterable[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
    """Every (place, link) that somebody who may speak for the chain has named."""
    found = set(statements)
    while True:
        authentic = [said for said in messages if said.signed or (said.number + 1, said.link) in found]
        more = {(said.number + 1, said.link) for said in authentic} | {(s.number, s.previous) for s in authentic}
        if more <= found:
            return found
        found |= more


def final(messages: Iterable[Said], known: set[tuple[int, bytes]], ends: set[tuple[int, bytes]]) -> dict[int, bytes]:
    """The places that hang on the owner's close, with their links; none if its owner closed in two ways."""
    if len(ends) != 1:
        return {}
    previous = {(said.number + 1, said.link): said.previous for said in messages}
    ((place, link),) = ends
    found = {place: link}
    while (place, link) in known and (place, link) in previous:
        place, link = place - 1, previous[place, link]
        found[place] = link
    return found


def statuses(
    messages: Iterable[Said],
    *,
    genesis: bytes,
    starts: Iterable[tuple[int, bytes]],
    ends: Iterable[tuple[int, bytes]],
) -> dict[bytes, str]:
    """The standing of each message, by its link."""
    messages, starts, closes = list(messages), list(starts), set(ends)
    known = attested(messages, {(0, genesis), *starts, *closes})
    fixed = final(messages, known, closes)
    places = [place for place, _ in known]
    forks = [place for place in places if places.count(place) > 1]
    held_from = min(start for start, _ in starts)

    def stands(place: int, link: bytes) -> bool:
        if closes and place > min(end for end, _ in closes):
            return False
        if place in fixed:
            return fixed[place] == link
        return not forks or place < min(forks)

    def status(said: Said) -> str:
        if (said.number + 1, said.link) not in known:
            return "not authentic"
        if not said.permitted:
            return "not permitted"
        if not stands(said.number + 1, said.link):
            return "disputed"
        if said.number < held_from:
            return "missing key"
        return "accepted" if said.sound else "does not open"

    return {said.link: status(said) for said in messages}
