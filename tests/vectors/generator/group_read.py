"""What a client takes: messages, what is reported of them, requests (GRP-4, GRP-6 … GRP-8)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.group_parts import (
    FOUNDED,
    KEY,
    LATER,
    chain,
    control,
    heard,
    message,
)
from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_worlds import World


class Reader:
    """Stories of one client, Dora unless told otherwise."""

    def __init__(self, here: World) -> None:
        self.here = here

    def told(self, comment: str, spec: str, flags: str, *steps: dict[str, Any], **given: Any) -> None:
        """A story to the end."""
        self.here.group.valid(comment, spec=spec, flags=flags, now=LATER, input=self._input(steps, given))

    def refused(self, stage: str, code: str, comment: str, spec: str, flags: str, *steps: Any, **given: Any) -> None:
        """A story whose last input is refused."""
        self.here.group.invalid(
            comment, spec=spec, flags=flags, code=code, stage=stage, now=LATER, input=self._input(steps, given)
        )

    def _input(self, steps: tuple[Any, ...], given: dict[str, Any]) -> dict[str, Any]:
        return {"ours": "dora", "log": ["founding"], **given, "steps": list(steps)}


def messages(reader: Reader) -> None:
    here, spec, flag = reader.here, "GRP-4", "Authority"

    def story(writer: Any, *heads: str) -> list[dict[str, Any]]:
        announced = heard(writer.name, control(announcements=[writer.announcement()]))
        return [announced, *(message(writer.write(here.head(head))) for head in heads)]

    reader.told("a message at its certificate's head", spec, flag, *story(chain("bert"), "founding"))
    reader.told("a message at a later head", spec, flag, *story(chain("bert"), "renamed"), log=["founding", "renamed"])
    reader.told(
        "at an older head than the one that holds",
        spec,
        flag,
        *story(chain("carl"), "founding"),
        log=["founding", "renamed"],
    )
    removed = ["founding", "bert removed"]
    reader.told(
        "up to where the removal closes the chain",
        spec,
        flag,
        *story(chain("bert"), "founding", "founding"),
        log=removed,
    )
    left = ["founding", "carl leaves"]
    reader.told(
        "up to where a leaver says that their chain ends", spec, flag, *story(chain("carl"), "founding"), log=left
    )
    lost = ["founding", "renamed", "carl removed by anna"]
    reader.told(
        "on a branch that lost, by one who may post at the fork",
        spec,
        flag,
        *story(chain("anna", here.head("carl removed by anna")), "carl removed by anna"),
        log=lost,
    )
    no = "not-permitted"
    reader.refused(
        "closes",
        no,
        "above where the removal closes the chain",
        spec,
        flag,
        *story(chain("bert"), *["founding"] * 3),
        log=removed,
    )
    reader.refused(
        "closes",
        no,
        "a second chain of one who was removed",
        spec,
        flag,
        *story(chain("bert", number=1), "founding"),
        log=removed,
    )
    reader.refused(
        "closes",
        no,
        "above where a leaver says that their chain ends",
        spec,
        flag,
        *story(chain("carl"), *["founding"] * 2),
        log=left,
    )
    reader.refused(
        "rights",
        no,
        "at a head above a removal, in the old chain",
        spec,
        flag,
        *story(chain("carl"), "bert removed"),
        log=removed,
    )
    reader.refused(
        "closes",
        no,
        "above where a member became a reader",
        spec,
        flag,
        *story(chain("bert"), *["founding"] * 3),
        log=["founding", "bert a reader"],
    )
    reader.refused(
        "rights", no, "by somebody who is suspended", spec, flag, *story(chain("carl"), "founding"), log=lost
    )
    reader.refused("head", "stale-roster", "at a head that is not known", spec, flag, *story(chain("bert"), "renamed"))
    reader.refused(
        "known", "missing-sender-key", "in a chain that is not known", spec, flag, message(chain("bert").write(FOUNDED))
    )


def reports(reader: Reader) -> None:
    spec, flag = "GRP-6", "Parents"
    bert, carl = chain("bert"), chain("carl")
    both = [heard(w.name, control(announcements=[w.announcement()])) for w in (bert, carl)]
    first = bert.write(FOUNDED)
    here, gone, other = (
        (bert.chain_id, 0, bert.links[1]),
        (bert.chain_id, 1, bert.links[1]),
        (bert.chain_id, 0, bytes(32)),
    )

    def naming(parent: Any) -> dict[str, Any]:
        return message(chain("carl").write(FOUNDED, parent))

    reader.told("a parent that is here", spec, flag, *both, message(first), naming(here))
    reader.told("a parent that is missing", spec, flag, *both, naming(here))
    reader.told("a parent above the newest", spec, flag, *both, message(first), naming(gone))
    reader.told("a parent that is another here", spec, flag, *both, message(first), naming(other))
    reader.told("a parent of a chain that is not known, by the first message", spec, flag, both[1], naming(here))
    writer = chain("carl")
    two = [message(writer.write(FOUNDED)), message(writer.write(FOUNDED, here))]
    reader.told("a parent of a chain that is not known, by a later message", spec, flag, both[1], *two)
    damaged = message(chain("carl").write(FOUNDED, other, damaged=True))
    reader.refused(
        "authentic",
        "invalid-message",
        "what is not authentic reports nothing",
        spec,
        flag,
        *both,
        message(first),
        damaged,
    )
    _own(reader)


def _own(reader: Reader) -> None:
    spec, flag = "GRP-7", "Clone"
    ours, twin = chain("carl"), chain("carl")
    sent = [ours.write(FOUNDED, body=bytes([n])) for n in range(2)]
    own = {"head": "founding", "at": NOW, "seed": ours.seed, "root": ours.root, "messages": sent}
    given = {"ours": "carl", "own": own}
    twin.links = ours.links[:2]
    other = twin.write(FOUNDED, body=b"by a twin")
    twin.links = list(ours.links)
    next_one = twin.write(FOUNDED, body=b"by a twin")
    reader.told("a twin writes the next message", spec, flag, message(next_one), **given)
    reader.told("a twin writes another message in place of ours", spec, flag, message(other), **given)
    reader.refused("delivered", "replay", "our own message comes back", spec, flag, message(sent[1]), **given)
    unsigned = next_one[:-64] + bytes(64)
    reader.refused(
        "authentic",
        "invalid-message",
        "somebody without the key writes in our chain",
        spec,
        flag,
        message(unsigned),
        **given,
    )


def requests(reader: Reader) -> None:
    spec, flag = "GRP-8", "Authority"
    here = reader.here
    knows = {"knows": ["carl", "frida", "bert"], "log": ["founding", "renamed"]}
    known = here.head("renamed")
    ours = chain("anna")
    own = {"own": {"head": "founding", "at": NOW, "seed": ours.seed, "root": ours.root, "messages": []}, "ours": "anna"}
    key = {"keys": {"founding": KEY}}
    reader.told("what is above a head", spec, flag, heard("carl", control(request=(FOUNDED, False, []))), **knows)
    reader.told(
        "everything, for a head that is not known",
        spec,
        flag,
        heard("carl", control(request=(bytes(32), False, []))),
        **knows,
    )
    reader.told("the epoch key", spec, flag, heard("carl", control(request=(known, True, []))), **knows, **key)
    reader.told(
        "our chain", spec, flag, heard("carl", control(request=(known, False, [ours.chain_id]))), **knows, **own
    )
    reader.refused(
        "news", "replay", "nothing that is here", spec, flag, heard("carl", control(request=(known, True, []))), **knows
    )
    reader.refused(
        "authority",
        "not-permitted",
        "by somebody who is not in",
        spec,
        flag,
        heard("mallory", control(request=(FOUNDED, True, []))),
        **knows,
    )
    left = knows | {"log": ["founding", "carl leaves"]}
    reader.refused(
        "authority",
        "not-permitted",
        "by a leaver",
        spec,
        flag,
        heard("carl", control(request=(FOUNDED, True, []))),
        **left,
    )
