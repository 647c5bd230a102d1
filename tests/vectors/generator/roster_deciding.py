"""Logs with forks: operations of losing branches, adopted and dismissed (ROS-9, ROS-10)."""

from __future__ import annotations

from itertools import count

from tests.vectors.generator.roster_parts import (
    END,
    MEMBERS_ADD,
    add,
    adopt,
    close,
    dismiss,
    follow,
    fresh,
    refresh,
    remove,
    rename,
    set_policy,
    set_role,
)
from tests.vectors.generator.roster_worlds import GIVES, TAKES, Forks
from tests.vectors.reference.roster_wire import ADMIN, ARCHIVIST, MEMBER, READER

PENDING, KEEP, ADOPT, DISMISS = "ROS-17", "ROS-18", "ROS-9", "ROS-10"


def accepted(forks: Forks) -> None:
    """Adoptions and dismissals."""
    _adopted(forks)
    _dismissed(forks)


def refused(forks: Forks) -> None:
    """What is neither."""
    _not_adopted(forks)
    _not_dismissed(forks)


def _adopted(forks: Forks) -> None:
    sign, head, won = forks.sign, forks.here.head, forks.won
    spec = f"{ADOPT} {PENDING}"
    for name, act in {**TAKES, **GIVES}.items():
        lost = forks.losing(name, act)
        key = fresh() if act.kind == "remove" or "number 0" in name else None
        closes = [close(3, 1)] if name in TAKES else []
        adopts = sign(f"anna adopts: {name}", "anna", adopt(head(lost), closes=closes, key=key), won)
        forks.accepts(f"adopted: {name}", f"{spec} ROS-12 ROS-13", "Deciding", lost, won, adopts)
    lost = forks.losing("bert removes mallory", TAKES["bert removes mallory"])
    out = sign("anna removes bert", "anna", remove("bert"), "start")
    adopts = sign("anna adopts the removal of the removed", "anna", adopt(head(lost), key=fresh()), out)
    forks.accepts("what takes was judged where it was signed", spec, "Deciding", lost, out, adopts)
    own = forks.losing("anna adds emil", add({"emil": MEMBER}), "anna")
    frida = sign("frida renames", "frida", rename("by frida"), "start")
    adopts = sign("anna adopts her own", "anna", adopt(head(own)), frida)
    forks.accepts("an author adopts their own", spec, "Deciding", own, frida, adopts)
    ends = sign("frida closes", "frida", END, "start")
    left = forks.here.data(forks.here.leave("frida leaves", "frida", "start"))
    wins = sign("anna removes frida, who left", "anna", remove("frida", statements=[left]), "start")
    forks.accepts("a losing end of the group is pending", PENDING, "Deciding", ends, wins)
    _adopted_end(forks)
    _adopted_by_members(forks)
    _adopted_rest(forks)
    _adopted_in_order(forks)


def _lower(forks: Forks, than: str) -> str:
    """A renaming by the founder that holds against this other operation of hers, by its head."""
    for number in count():
        operation = follow(forks.here.operations["start"], "frida", rename(f"try {number}"))
        if operation.head < forks.here.head(than):
            return forks.here.put("frida renames, with a lower head", operation)
    raise AssertionError("one in two")


def _adopted_end(forks: Forks) -> None:
    sign, heads = forks.sign, forks.here.heads
    ends = sign("frida closes", "frida", END, "start")
    won, spec = _lower(forks, ends), f"{ADOPT} ROS-8"
    item = sign("frida adopts the end", "frida", adopt(*heads(ends)), won)
    forks.accepts("the most senior admin adopts the end of the group", spec, "Deciding Seniority", ends, won, item)
    lost = forks.losing("bert renames otherwise", GIVES["bert renames otherwise"])
    item = sign("frida adopts the end and a name", "frida", adopt(*heads(ends, lost)), won)
    forks.accepts("an adoption ends the group and goes on to its end", spec, "Deciding", ends, lost, won, item)


def _adopted_by_members(forks: Forks) -> None:
    sign, head = forks.sign, forks.here.head
    opened = sign("frida lets members add", "frida", set_policy(MEMBERS_ADD), "start")
    lost = sign("dora adds emil", "dora", add({"emil": MEMBER}), opened)
    won = sign("bert renames beside them", "bert", rename("an admin"), opened)
    adopts = sign("carl adopts dora's addition", "carl", adopt(head(lost)), won)
    spec = f"{ADOPT} ROS-7"
    forks.accepts("a member adopts what a member may do", spec, "Deciding Rights", opened, lost, won, adopts)


def _adopted_rest(forks: Forks) -> None:
    sign, head = forks.sign, forks.here.head
    for lost_act, own_act, comment in (
        (add({"emil": MEMBER}), add({"emil": READER}), "an addition of somebody who is in by now"),
        (remove("mallory"), remove("mallory"), "a removal of somebody who is out by now"),
        (set_role("carl", READER), set_role("carl", READER), "a role that is given by now"),
        (set_role("carl", READER), remove("carl"), "a role of somebody who is out by now"),
        (set_policy(MEMBERS_ADD), set_policy(MEMBERS_ADD), "a policy that holds by now"),
        (rename("bert's"), rename("bert's"), "a name that is given by now"),
    ):
        lost = forks.losing(f"bert does it: {comment}", lost_act)
        won = sign(f"anna does it: {comment}", "anna", own_act, "start")
        adopts = sign(f"anna adopts: {comment}", "anna", adopt(head(lost)), won)
        forks.accepts(f"nothing is left to do: {comment}", ADOPT, "Deciding", lost, won, adopts)
    lost = forks.losing("bert removes mallory and carl", TAKES["bert removes mallory and carl"])
    won = sign("anna removes carl", "anna", remove("carl"), "start")
    adopts = sign("anna adopts the rest of the removal", "anna", adopt(head(lost), key=fresh()), won)
    forks.accepts("a removal of which one half is done", ADOPT, "Deciding", lost, won, adopts)
    opened = sign("frida lets members add", "frida", set_policy(MEMBERS_ADD), "start")
    mixed = sign("bert adds emil as a reader", "bert", add({"emil": READER}), opened)
    demotes = sign("anna makes bert a member", "anna", set_role("bert", MEMBER), opened)
    reader = sign("anna adds emil, bert being demoted", "anna", add({"emil": MEMBER}), demotes)
    adopts = sign("anna adopts what is done by now", "anna", adopt(head(mixed)), reader)
    comment = "nothing is left to do, and the author has lost the right to the whole"
    forks.accepts(comment, ADOPT, "Deciding", opened, mixed, demotes, reader, adopts)


def _adopted_in_order(forks: Forks) -> None:
    sign, head, heads, won = forks.sign, forks.here.head, forks.here.heads, forks.won
    adds = forks.losing("bert adds emil", GIVES["bert adds emil"])
    grants = sign("bert makes emil an admin", "bert", set_role("emil", ADMIN), adds)
    both = sign("anna adopts both", "anna", adopt(*heads(adds, grants)), won)
    forks.accepts("two are adopted in their order", ADOPT, "Deciding", adds, grants, won, both)
    reverse = sign("anna adopts both the other way round", "anna", adopt(*heads(grants, adds)), won)
    forks.accepts("two are adopted in the other order", ADOPT, "Deciding", adds, grants, won, reverse)
    out = forks.losing("bert removes carl", remove("carl"))
    back = sign("bert adds carl as a reader", "bert", add({"carl": READER}), out)
    act = adopt(*heads(out, back), closes=[close(1, 2)], key=fresh())
    again = sign("anna adopts taking out and putting in", "anna", act, won)
    comment = "one adoption takes somebody out and admits them again"
    forks.accepts(comment, f"{ADOPT} ROS-12 ROS-13", "Deciding EpochKey", out, back, won, again)
    later = sign("anna adopts the addition", "anna", adopt(head(adds)), won)
    forks.accepts("an adoption waits for what it names", f"{ADOPT} {KEEP}", "Waiting", won, later, adds)
    forks.accepts("and asks for it", f"{ADOPT} {KEEP}", "Waiting", won, later)


def _dismissed(forks: Forks) -> None:
    sign, head, won = forks.sign, forks.here.head, forks.won
    spec = f"{DISMISS} {PENDING}"
    lost = forks.losing("bert removes mallory", TAKES["bert removes mallory"])
    for name in ("anna", "frida", "bert"):
        ends = sign(f"{name} dismisses the removal", name, dismiss(head(lost)), won)
        comment = {"anna": "a senior dismisses", "frida": "the founder dismisses", "bert": "the author dismisses"}[name]
        forks.accepts(comment, spec, "Deciding", lost, won, ends)
    other = forks.losing("bert adds emil", GIVES["bert adds emil"])
    both = sign("anna dismisses both", "anna", dismiss(head(lost), head(other)), won)
    forks.accepts("two are dismissed", spec, "Deciding", lost, other, won, both)
    grants = sign("frida makes dora an admin", "frida", set_role("dora", ADMIN), won)
    removes = sign("anna removes bert above that", "anna", remove("bert"), grants)
    junior = sign("dora dismisses what bert signed", "dora", dismiss(head(lost)), removes)
    forks.accepts("a junior dismisses once the author is gone", spec, "Deciding", lost, won, grants, removes, junior)


def _not_adopted(forks: Forks) -> None:
    sign, head, heads, won = forks.sign, forks.here.head, forks.here.heads, forks.won

    def put(comment: str, *items: str, stage: str = "rights", spec: str = ADOPT) -> None:
        forks.refuses(comment, spec, "Deciding", *items, stage=stage)

    own_path = {"the parent": won, "an operation further below": "start", "the founding operation": "founding"}
    for what, named in own_path.items():
        item = sign(f"anna adopts {what}", "anna", adopt(head(named)), won)
        put(f"{what} is adopted", won, item)
        item = sign(f"anna dismisses {what}", "anna", dismiss(head(named)), won)
        put(f"{what} is dismissed", won, item, spec=DISMISS)
    adds = forks.losing("bert adds emil", add({"emil": MEMBER}))
    first = sign("anna adopts the addition", "anna", adopt(head(adds)), won)
    twice = sign("anna adopts the addition again", "anna", adopt(head(adds)), first)
    put("adopted twice", adds, won, first, twice)
    ends = sign("anna dismisses the addition", "anna", dismiss(head(adds)), won)
    after = sign("anna adopts what she dismissed", "anna", adopt(head(adds)), ends)
    put("adopted after being dismissed", adds, won, ends, after)
    member = sign("carl adopts the addition", "carl", adopt(head(adds)), won)
    put("a member adopts where only admins add", adds, won, member)
    void = {
        "refresh": forks.losing("bert refreshes", refresh()),
        "adoption": sign("bert adopts", "bert", adopt(head(adds)), sign("bert renames", "bert", rename("b"), "start")),
        "dismissal": sign("bert dismisses", "bert", dismiss(head(adds)), "bert renames"),
    }
    below = {"refresh": [void["refresh"]], "adoption": [adds, "bert renames", void["adoption"]]}
    below["dismissal"] = [adds, "bert renames", void["dismissal"]]
    for what, name in void.items():
        item = sign(f"anna adopts a {what}", "anna", adopt(head(name)), won)
        put(f"a losing {what} is adopted", *below[what], won, item)
    demoted = sign("anna makes bert a member", "anna", set_role("bert", MEMBER), won)
    for what, act in {
        "adds emil": add({"emil": MEMBER}),
        "renames": rename("b"),
        "makes carl an admin": set_role("carl", ADMIN),
    }.items():
        lost = forks.losing(f"bert {what}", act)
        item = sign(f"anna adopts, bert being demoted: {what}", "anna", adopt(head(lost)), demoted)
        put(f"the author lost the right to what gives: {what}", lost, won, demoted, item)
    reader = sign("frida makes carl a reader", "frida", set_role("carl", READER), "start")
    even = sign("bert makes carl, a reader, an archivist", "bert", set_role("carl", ARCHIVIST), reader)
    down = sign("anna makes bert a member beside that", "anna", set_role("bert", MEMBER), reader)
    item = sign("anna adopts the archivist", "anna", adopt(head(even)), down)
    put("the author lost the right to a change to a role with equal rights", reader, even, down, item)
    done = forks.losing("bert renames otherwise", GIVES["bert renames otherwise"])
    same = sign("anna gives the same name", "anna", GIVES["bert renames otherwise"], "start")
    item = sign("carl adopts what is done by now", "carl", adopt(head(done)), same)
    put("a member adopts an act of admins of which nothing is left", done, same, item)
    _not_adopted_against(forks)
    out = forks.losing("bert removes mallory", TAKES["bert removes mallory"])
    item = sign("anna adopts without a key", "anna", adopt(head(out)), won)
    put("an adoption takes somebody out without a fresh key", out, won, item, stage="epoch-key", spec=f"{ADOPT} ROS-12")
    item = sign("anna adopts with a key", "anna", adopt(head(adds), key=fresh()), won)
    put("an adoption that only admits brings a fresh key", adds, won, item, stage="epoch-key", spec=f"{ADOPT} ROS-12")
    item = sign("anna adopts with closes", "anna", adopt(head(adds), closes=[close(1)]), won)
    put("an adoption that only admits closes chains", adds, won, item, stage="closes", spec=f"{ADOPT} ROS-13")
    item = sign("anna adopts one good, one twice over", "anna", adopt(*heads(out, "start"), key=fresh()), won)
    put("one of two named operations cannot be adopted", out, won, item)


def _not_adopted_against(forks: Forks) -> None:
    """Who may do it as their own act may adopt it."""
    sign, head = forks.sign, forks.here.head
    frida = sign("frida renames", "frida", rename("by frida"), "start")
    lost = forks.losing("anna removes bert", remove("bert"), "anna")
    item = sign("bert adopts his own removal", "bert", adopt(head(lost), key=fresh()), frida)
    forks.refuses("the target adopts", f"{ADOPT} ROS-8", "Deciding Seniority", lost, frida, item, stage="rights")
    lost = sign("frida removes anna", "frida", remove("anna"), "start")
    won = _lower(forks, lost)
    item = sign("bert adopts the removal of anna", "bert", adopt(head(lost), key=fresh()), won)
    comment = "a junior of the target adopts, whoever signed it"
    forks.refuses(comment, f"{ADOPT} ROS-8", "Deciding Seniority", lost, won, item, stage="rights")
    ends = sign("frida closes", "frida", END, "start")
    won = _lower(forks, ends)
    item = sign("anna adopts the end", "anna", adopt(head(ends)), won)
    comment = "an admin who is not the most senior adopts the end of the group"
    forks.refuses(comment, f"{ADOPT} ROS-8", "Deciding Seniority", ends, won, item, stage="rights")
    left = forks.here.leave("frida leaves", "frida", "start")
    act = remove("frida", statements=[forks.here.data(left)])
    carried = sign("anna removes frida, who left", "anna", act, "start")
    item = sign("anna adopts with frida's statement", "anna", adopt(head(carried), key=fresh()), frida)
    comment = "a statement that the adopted removal carries counts for nothing"
    forks.refuses(comment, f"{ADOPT} ROS-8 ROS-11", "Deciding Leaving", frida, carried, item, stage="rights")


def _not_dismissed(forks: Forks) -> None:
    sign, head, won = forks.sign, forks.here.head, forks.won

    def put(comment: str, *items: str, spec: str = DISMISS) -> None:
        forks.refuses(comment, spec, "Deciding", *items, stage="rights")

    lost = forks.losing("bert removes mallory", TAKES["bert removes mallory"])
    for name in ("carl", "mallory", "emil"):
        item = sign(f"{name} dismisses the removal", name, dismiss(head(lost)), won)
        put(f"somebody dismisses who is no admin: {name}", lost, won, item)
    frida = sign("frida renames", "frida", rename("by frida"), "start")
    against = forks.losing("anna removes bert", remove("bert"), "anna")
    item = sign("bert dismisses his own removal", "bert", dismiss(head(against)), frida)
    put("the target of a removal dismisses it", against, frida, item)
    promotes = forks.losing("bert makes carl an admin", set_role("carl", ADMIN))
    too = sign("frida makes carl an admin", "frida", set_role("carl", ADMIN), "start")
    item = sign("carl dismisses his promotion", "carl", dismiss(head(promotes)), too)
    put("the one who is promoted dismisses it", promotes, too, item)
    by_anna = forks.losing("anna adds emil", add({"emil": MEMBER}), "anna")
    item = sign("bert dismisses what anna signed", "bert", dismiss(head(by_anna)), frida)
    put("a junior of the author dismisses", by_anna, frida, item)
    first = sign("anna dismisses the removal", "anna", dismiss(head(lost)), won)
    item = sign("anna dismisses it again", "anna", dismiss(head(lost)), first)
    put("dismissed twice", lost, won, first, item)
    void = forks.losing("bert refreshes", refresh())
    item = sign("anna dismisses a refresh", "anna", dismiss(head(void)), won)
    put("a losing refresh is dismissed", void, won, item)
