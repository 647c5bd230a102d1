"""What a client takes, part by part: control and announcements (GRP-2, GRP-5), and who tells the stories."""

from __future__ import annotations

from tests.vectors.generator.group_parts import (
    FOUNDED,
    KEY,
    LATER,
    chain,
    control,
    heard,
    record,
    rotating,
)
from tests.vectors.generator.group_read import Reader, messages, reports, requests
from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_worlds import World


def taken(here: World) -> None:
    reader = Reader(here)
    _parts(reader)
    _announcements(reader)
    messages(reader)
    reports(reader)
    requests(reader)


def _parts(reader: Reader) -> None:
    here = reader.here
    item = control(items=[here.data("renamed")])
    for comment, sender, under in (
        ("an operation from its author", "frida", None),
        ("an operation that somebody else passes on", "bert", None),
        ("an operation from somebody who was never in", "mallory", None),
        ("an operation that a reader broadcasts", "dora", "founding"),
    ):
        reader.told(comment, "GRP-2", "Authority", heard(sender, item, under))
    reader.told(
        "a record that somebody else passes on",
        "GRP-2",
        "Authority",
        heard("carl", control(identities=[record("bert")])),
    )
    reader.told(
        "a newer record",
        "GRP-2",
        "Authority",
        *(heard("bert", control(identities=[record("bert", at)])) for at in (NOW, NOW + 1)),
    )
    twice = [heard("bert", control(identities=[data])) for data in (record("bert"), rotating("bert"))]
    reader.told("two records of one instant", "GRP-2", "Authority", *twice)
    reader.told("an epoch key that fits", "GRP-2", "Authority", heard("carl", control(key=(FOUNDED, KEY))))
    reader.told(
        "an epoch key that does not fit", "GRP-2", "Authority", heard("carl", control(key=(FOUNDED, KEY[::-1])))
    )
    both = control(items=[here.data("renamed")], identities=[record("mallory")])
    reader.told("of two parts one is refused", "GRP-2", "Authority", heard("frida", both))
    added = control(items=[here.data("emil added")], identities=[record("emil")])
    reader.told("a newcomer and their record", "GRP-2", "Authority", heard("frida", added))
    spec, flag = "GRP-2", "Authority"
    reader.refused(
        "carrier",
        "not-permitted",
        "an epoch key in a broadcast",
        spec,
        flag,
        heard("carl", control(key=(FOUNDED, KEY)), "founding"),
    )
    asks = control(request=(FOUNDED, True, []))
    reader.refused("carrier", "not-permitted", "a request in a broadcast", spec, flag, heard("carl", asks, "founding"))
    reader.refused(
        "carrier",
        "not-permitted",
        "an end in a broadcast",
        spec,
        flag,
        heard("carl", control(not_after=LATER), "founding"),
    )
    reader.refused(
        "group",
        "not-permitted",
        "control of another group",
        spec,
        flag,
        heard("frida", control(group=bytes(32), items=[here.data("renamed")])),
    )
    reader.refused(
        "authority",
        "not-permitted",
        "a broadcast of somebody who is not in",
        spec,
        flag,
        heard("mallory", item, "founding"),
    )
    reader.refused(
        "authority",
        "not-permitted",
        "an epoch key from somebody who is not in",
        spec,
        flag,
        heard("mallory", control(key=(FOUNDED, KEY))),
    )
    reader.refused(
        "authority",
        "not-permitted",
        "an epoch key from a leaver",
        spec,
        flag,
        heard("carl", control(key=(FOUNDED, KEY))),
        log=["founding", "carl leaves"],
    )
    losing = ["founding", "renamed", "carl removed by anna"]
    reader.refused(
        "authority",
        "not-permitted",
        "an epoch key from somebody suspended",
        spec,
        flag,
        heard("carl", control(key=(FOUNDED, KEY))),
        log=losing,
    )
    reader.refused(
        "authority",
        "not-permitted",
        "a record of somebody who is not in",
        spec,
        flag,
        heard("frida", control(identities=[record("mallory")])),
    )
    reader.refused(
        "order",
        "superseded",
        "an older record",
        spec,
        flag,
        *(heard("bert", control(identities=[record("bert", at)])) for at in (NOW + 1, NOW)),
    )
    reader.refused(
        "news", "replay", "an operation that is known", spec, flag, heard("frida", item), heard("frida", item)
    )
    reader.refused(
        "head",
        "stale-roster",
        "a broadcast under a head that is not known",
        spec,
        flag,
        heard("carl", item, "refreshed"),
    )
    reader.refused(
        "head",
        "stale-roster",
        "an operation above one that is not known",
        spec,
        flag,
        heard("frida", control(items=[here.data("emil back")])),
    )


def _announcements(reader: Reader) -> None:
    here, spec, flag = reader.here, "GRP-5", "Authority"
    bert, carl = chain("bert"), chain("carl")
    said = control(announcements=[bert.announcement()])
    reader.told("a chain, sealed", spec, flag, heard("bert", said))
    reader.told("a chain, broadcast", spec, flag, heard("bert", said, "founding"))
    later = heard("bert", said, "renamed")
    reader.told("a chain, broadcast under a later head", spec, flag, later, log=["founding", "renamed"])
    first = chain("bert", number=1)
    closes = control(announcements=[chain("bert", FOUNDED, (first.chain_id, 0, None), number=2).announcement()])
    known = control(announcements=[first.announcement()])
    reader.told("a chain that ends the one before", spec, flag, heard("bert", known), heard("bert", closes))
    reader.told("the end comes before the chain", spec, flag, heard("bert", closes), heard("bert", known))
    foreign = control(announcements=[chain("carl", FOUNDED, (first.chain_id, 0, None)).announcement()])
    reader.told("a chain that ends somebody else's", spec, flag, heard("bert", known), heard("carl", foreign))
    reader.told(
        "from somebody removed meanwhile, at a head where they were in",
        spec,
        flag,
        heard("bert", said),
        log=["founding", "bert removed"],
    )
    reader.refused("authority", "not-permitted", "a chain announced by somebody else", spec, flag, heard("carl", said))
    reader.refused("known", "replay", "a chain that is known", spec, flag, heard("bert", said), heard("bert", said))
    reader.refused(
        "rights",
        "not-permitted",
        "a reader's chain",
        spec,
        flag,
        heard("dora", control(announcements=[chain("dora").announcement()])),
        ours="carl",
    )
    unknown = chain("bert", here.head("renamed"))
    reader.refused(
        "head",
        "stale-roster",
        "a chain from a head that is not known",
        spec,
        flag,
        heard("bert", control(announcements=[unknown.announcement()])),
    )
    gone = heard("carl", control(announcements=[carl.announcement()]), "bert removed")
    reader.refused(
        "rights",
        "not-permitted",
        "broadcast after somebody was removed",
        spec,
        flag,
        gone,
        log=["founding", "bert removed"],
    )
    other = control(announcements=[chain("frida", here.head("bert removed")).announcement()])
    reader.refused(
        "group",
        "not-permitted",
        "in another group",
        spec,
        flag,
        heard("frida", b"\x87\x58\x20" + bytes(32) + other[35:]),
        log=["founding", "bert removed"],
    )
    many = [heard("bert", control(announcements=[chain("bert", number=n).announcement()])) for n in range(17)]
    reader.refused("limit", "limit-exceeded", "a seventeenth live chain", spec, flag, *many)
