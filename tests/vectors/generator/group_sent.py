"""What a client has to send, and how somebody comes in: the second half of the category ``group`` (GRP-3, GRP-9 …)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.vectors.generator.group_parts import FOUNDED, KEY, LATER, control, record, rotating
from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_parts import FORWARD_SECRET, create, found, set_policy
from tests.vectors.generator.roster_worlds import World
from tests.vectors.reference import DAY
from tests.vectors.reference.roster_wire import ADMIN, MEMBER, READER

EVERYBODY: Final = ("frida", "anna", "bert", "carl", "dora")
NEXT: Final = "GRP-3 GRP-9 GRP-10"


class Sender:
    """Decisions of one client, Frida unless told otherwise, who has everybody's records and the epoch key."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.records = {name: record(name) for name in (*EVERYBODY, "emil")}

    def given(self, **changes: Any) -> dict[str, Any]:
        """Clock and input."""
        usual = {"ours": "frida", "log": ["founding"], "holdsKey": True, "records": list(self.records.values())}
        now = changes.pop("now", LATER)
        return {"now": now, "input": {**usual, **changes}}

    def told(self, comment: str, spec: str, flags: str, **changes: Any) -> None:
        """A decision."""
        self.here.group.valid(comment, spec=spec, flags=flags, **self.given(**changes))

    def refused(self, stage: str, comment: str, spec: str, flags: str, **changes: Any) -> None:
        """What a client must not do."""
        self.here.group.invalid(
            comment, spec=spec, flags=flags, code="state-error", stage=stage, **self.given(**changes)
        )

    def without(self, *names: str) -> list[bytes]:
        """The records of all but these."""
        return [data for name, data in self.records.items() if name not in names]


def live(
    head: str = "founding", messages: int = 1, at: int = NOW, audience: Sequence[str] = EVERYBODY
) -> dict[str, Any]:
    """A live chain."""
    return {"head": head, "messages": messages, "at": at, "audience": list(audience)}


def sent(here: World) -> None:
    """What goes out before the next message."""
    sender, flag = Sender(here), "Sending"
    here.sign("forward secrecy", "frida", set_policy(FORWARD_SECRET, key=[bytes(32), []]), "founding")
    here.sign("carl removed, anna withheld", "anna", here.operations["carl removed by anna"].action, "founding")
    sender.told("the first chain", NEXT, flag)
    sender.told("the chain goes on", NEXT, flag, chain=live())
    sender.told("without the epoch key it goes sealed", NEXT, flag, holdsKey=False)
    sender.told("a member without a record is skipped", NEXT, flag, holdsKey=False, records=sender.without("carl"))
    sender.told("a record that ended 29 days ago serves", NEXT, flag, holdsKey=False, now=NOW + 119 * DAY)
    sender.told("a record that ended 30 days ago does not", NEXT, flag, holdsKey=False, now=NOW + 120 * DAY)
    sender.told("an epoch of fourteen days carries no announcement", NEXT, flag, now=NOW + 14 * DAY)
    sender.told("an epoch that is a moment younger does", NEXT, flag, now=NOW + 14 * DAY - 1)
    strict = ["founding", "forward secrecy"]
    mixed = [*sender.without("carl"), rotating("carl")]
    sender.told("number 0 is refused by the policy", NEXT, flag, log=strict, holdsKey=False, records=mixed)
    sender.told(
        "a newcomer: the chain goes on, and is announced", NEXT, flag, log=["founding", "emil added"], chain=live()
    )
    unkeyed = {"log": ["founding", "emil added"], "holdsKey": False, "chain": live()}
    sender.told("a newcomer, without the epoch key: sealed to them alone", NEXT, flag, **unkeyed)
    sender.told("somebody was removed", NEXT, flag, log=["founding", "bert removed"], chain=live())
    sender.told("somebody became a reader", NEXT, flag, log=["founding", "bert a reader"], chain=live())
    sender.told("a fresh key", NEXT, flag, log=["founding", "refreshed"], chain=live())
    sender.told("another name changes nothing", NEXT, flag, log=["founding", "renamed"], chain=live())
    sender.told("somebody left: everything goes sealed", NEXT, flag, log=["founding", "carl leaves"], chain=live())
    lost = ["founding", "renamed", "carl removed by anna"]
    sender.told("somebody is suspended", NEXT, flag, log=lost, chain=live())
    sender.told("the branch of the chain lost", NEXT, flag, log=lost, chain=live("carl removed by anna"))
    sender.told("the chain has its most messages", NEXT, flag, log=["founding"], chain=live(messages=10_000))
    sender.told("the chain is seven days old", NEXT, flag, chain=live(), now=NOW + 7 * DAY)
    sender.told("the chain begins after now", NEXT, flag, chain=live(at=LATER + 1))
    sender.told("after an alarm: a new chain, sealed", NEXT, flag, chain=live(), rotate=True)
    sender.told("on demand, to somebody who lacks it", "GRP-3 GRP-10", flag, chain=live(), announceTo=["carl"])
    no = "Sending"
    sender.refused("posting", "a reader posts", NEXT, no, ours="dora")
    sender.refused("posting", "somebody who is not in posts", NEXT, no, ours="mallory")
    sender.refused("posting", "a leaver posts", NEXT, no, ours="carl", log=["founding", "carl leaves"])
    sender.refused("posting", "somebody suspended posts", NEXT, no, ours="carl", log=lost)
    sender.refused(
        "audience", "on demand, to somebody who is not in", "GRP-3 GRP-10", no, chain=live(), announceTo=["mallory"]
    )
    gone = {"log": ["founding", "carl leaves"], "announceTo": ["carl"]}
    sender.refused("audience", "on demand, to a leaver", "GRP-3 GRP-10", no, chain=live(), **gone)


def acts(here: World) -> None:
    """What an act lists, and who is told."""
    sender, spec, flag = Sender(here), "GRP-3 GRP-11", "Sending"
    chains = [["bert", bytes([2]) * 16, 3], ["bert", bytes([1]) * 16, 0], ["carl", bytes([3]) * 16, 2]]

    def told(comment: str, *act: Any, **changes: Any) -> None:
        sender.told(comment, spec, flag, act=list(act), **{"chains": chains, **changes})

    def refused(comment: str, *act: Any, **changes: Any) -> None:
        sender.refused("act", comment, spec, flag, act=list(act), **{"chains": chains, **changes})

    told("another name: one broadcast", "rename", "a name")
    told("another name, without the epoch key", "rename", "a name", holdsKey=False)
    told("another name, while somebody is leaving", "rename", "a name", log=["founding", "carl leaves"])
    told("a removal: the key, sealed to those who stay", "remove", "bert")
    told("a removal of two", "remove", "bert", "carl")
    told("a removal: somebody has no record", "remove", "bert", records=sender.without("dora"))
    left = {"log": ["founding", "carl leaves"]}
    told("a removal, while somebody is leaving: the key is withheld", "remove", "bert", **left)
    told("a removal of who left: what they said counts", "remove", "carl", **left)
    told("a member becomes a reader", "set role", "bert", READER)
    told("a reader becomes a member", "set role", "dora", MEMBER)
    told("a newcomer: one invitation, one broadcast", "add", ["emil", MEMBER])
    told("two newcomers, one without a record that serves", "add", ["emil", MEMBER], now=NOW + 120 * DAY)
    refused("a member removes", "remove", "dora", ours="bert")
    refused("a junior admin removes the founder", "remove", "frida", ours="anna")
    refused("somebody removes themselves", "remove", "frida")
    refused("somebody who is in is added", "add", ["bert", MEMBER])
    refused("a member makes an admin", "set role", "dora", ADMIN, ours="bert")
    refused("the role is as it was", "set role", "bert", MEMBER)
    refused("a member gives another name", "rename", "a name", ours="bert")
    refused("somebody who is not in", "rename", "a name", ours="mallory")
    refused("in a branch that lost their right", "rename", "a name", ours="bert", log=["founding", "bert removed"])


def invitations(here: World) -> None:
    """Who is let in by what."""
    spec, flag, end = "GRP-12", "Invitation", LATER + DAY
    group = here.group
    here.sign("emil added again", "frida", here.operations["emil back"].action, "refreshed")
    other = found("frida", create({"emil": MEMBER}, nonce=1))
    items = {"founding": here.data("founding")}

    def input_of(*names: str, sender: str = "frida", ours: str = "emil", **changes: Any) -> dict[str, Any]:
        parts: dict[str, Any] = {"items": [here.data(name) for name in names], "not_after": end}
        parts |= changes.pop("parts", {})
        usual = {"ours": ours, "contacts": ["frida", "anna"], "from": sender, "control": control(**parts)}
        return {**usual, **changes}

    def let_in(comment: str, *names: str, **changes: Any) -> None:
        group.valid(comment, spec=spec, flags=flag, now=LATER, input=input_of(*names, **changes))

    def refused(code: str, stage: str, comment: str, *names: str, **changes: Any) -> None:
        now = changes.pop("now", LATER)
        given = input_of(*names, **changes)
        group.invalid(comment, spec=spec, flags=flag, code=code, stage=stage, now=now, input=given)

    added = ("founding", "emil added")
    let_in("a member of the first hour", "founding", ours="bert", parts={"key": (FOUNDED, KEY)})
    let_in("a newcomer", *added)
    let_in(
        "a newcomer with a derived key, which nobody can check", *added, parts={"key": (here.head("emil added"), KEY)}
    )
    let_in("added above the last head that was known", "founding", "renamed", "emil back", known="founding")
    refused("unknown-sender", "trust", "by somebody unknown", *added, contacts=["anna"])
    refused("not-permitted", "invitation", "control that is no invitation", *added, parts={"not_after": None})
    refused("expired", "time", "a moment too late", *added, now=end + 1)
    refused("invalid-message", "log", "no founding operation", "emil added")
    refused("invalid-message", "log", "an operation is lacking", "founding", "emil back")
    refused(
        "invalid-message",
        "log",
        "an item of another group",
        *added,
        parts={"items": [*items.values(), here.data("emil added"), other.encode()]},
    )
    refused("not-permitted", "admission", "the log of another group", *added, parts={"group": bytes(32)})
    refused("not-permitted", "admission", "by a member who did not admit us", *added, sender="anna")
    refused("not-permitted", "admission", "somebody else was admitted", *added, ours="mallory")
    refused(
        "not-permitted", "admission", "the admission is not the newest operation", "founding", "renamed", ours="bert"
    )
    refused(
        "invalid-message",
        "key",
        "a key that does not fit",
        "founding",
        ours="bert",
        parts={"key": (FOUNDED, KEY[::-1])},
    )
    refused("replay", "news", "a group that was forgotten", "founding", "renamed", "emil back", known="emil back")
    refused("replay", "news", "a group whose last head the log lacks", *added, known="refreshed")
