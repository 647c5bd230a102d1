"""Logs with forks: which branch holds, what is pending, what is kept (ROS-14 … ROS-18)."""

from __future__ import annotations

from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_parts import (
    END,
    MEMBERS_ADD,
    add,
    adopt,
    close,
    dismiss,
    fresh,
    leave,
    refresh,
    remove,
    rename,
    set_policy,
    set_role,
)
from tests.vectors.generator.roster_worlds import GIVES, TAKES, Forks
from tests.vectors.reference.roster_wire import ADMIN, ARCHIVIST, MEMBER, READER

FORK, PENDING, KEEP = "ROS-14", "ROS-17", "ROS-18"

ORDERS = {  # of six items
    "the other way round": (5, 4, 3, 2, 1, 0),
    "the last one first": (5, 0, 1, 2, 3, 4),
    "in pairs": (1, 0, 3, 2, 5, 4),
    "mixed": (3, 5, 0, 4, 2, 1),
    "mixed in another way": (2, 4, 1, 5, 0, 3),
    "every one twice": (4, 4, 2, 0, 2, 5, 3, 1, 1, 0, 3, 5),
}


def accepted(forks: Forks) -> None:
    """What is kept, and what holds then."""
    _winners(forks)
    _refreshes(forks)
    _left(forks)
    _pending(forks)
    _kept(forks)
    _any_order(forks)


def _winners(forks: Forks) -> None:
    sign, won = forks.sign, forks.won
    bert = sign("bert renames", "bert", rename("by bert"), "start")
    forks.accepts("the senior's branch holds", FORK, "Fork", bert, won)
    forks.accepts("the senior's branch holds, whichever comes first", FORK, "Fork AnyOrder", won, bert)
    deep = sign("frida renames above bert", "frida", rename("by frida"), bert)
    forks.accepts("a more senior admin endorses the junior's branch", FORK, "Fork", won, bert, deep)
    top = sign("anna renames again", "anna", rename("by anna again"), won)
    forks.accepts("a longer branch is no better", FORK, "Fork", bert, deep, won, top)
    dora = sign("bert makes dora an admin", "bert", set_role("dora", ADMIN), "start")
    above = sign("dora renames above that", "dora", rename("by dora"), dora)
    forks.accepts("seniority is that at the fork, not what the branch grants", FORK, "Fork", dora, above, won)
    inner = sign("bert renames above anna", "bert", rename("anna, then bert"), won)
    inner_too = sign("anna adds emil above that", "anna", add({"emil": MEMBER}), won)
    forks.accepts("a fork above a fork", FORK, "Fork", bert, won, inner, inner_too)
    frida = sign("frida renames", "frida", rename("by frida"), "start")
    forks.accepts("three branches", FORK, "Fork", bert, won, frida)
    opened = sign("frida lets members add", "frida", set_policy(MEMBERS_ADD), "start")
    by_dora = sign("dora adds emil", "dora", add({"emil": MEMBER}), opened)
    by_carl = sign("carl adds emil", "carl", add({"emil": MEMBER}), opened)
    forks.accepts("members of one height stand by user id", "ROS-8 ROS-14", "Fork", opened, by_dora, by_carl)
    for name, other in (("carl", "dora"), ("dora", "carl")):
        gone = sign(f"frida removes {name} for a while", "frida", remove(name), opened)
        back = sign(f"frida adds {name} again", "frida", add({name: MEMBER}), gone)
        young, old = (
            sign(f"{who} adds emil, {name} being new", who, add({"emil": MEMBER}), back) for who in (name, other)
        )
        comment = f"members stand by the height of their admission: {name} came back"
        forks.accepts(comment, "ROS-8 ROS-14", "Fork", opened, gone, back, young, old)
    by_bert = sign("bert renames beside them", "bert", rename("an admin"), opened)
    forks.accepts("an admin stands before members", FORK, "Fork", opened, by_dora, by_carl, by_bert)
    _ties(forks)


def _ties(forks: Forks) -> None:
    sign = forks.sign
    one, other = (sign(f"anna signs {name}", "anna", rename(name), "start") for name in ("one", "other"))
    low, high = sorted((one, other), key=forks.here.head)
    forks.accepts("one author signs both: the lower head holds", FORK, "Fork", high, low)
    forks.accepts("one author signs both, the other way round", FORK, "Fork AnyOrder", low, high)
    third = sign("anna signs a third", "anna", rename("third"), "start")
    forks.accepts("one author signs three", FORK, "Fork", one, other, third)
    frida = sign("frida endorses the higher head", "frida", rename("settled"), high)
    forks.accepts("a senior settles the tie", FORK, "Fork", low, high, frida)
    bert = sign("bert renames", "bert", rename("by bert"), "start")
    above = sign("anna endorses bert", "anna", rename("bert's, by anna"), bert)
    forks.accepts("a tie between a branch of the author's and one endorsed by them", FORK, "Fork", low, bert, above)
    below = sign("bert renames above the lower", "bert", rename("bert, above"), low)
    forks.accepts("a tie on a losing branch is none", FORK, "Fork", bert, frida, low, high, below)


def _refreshes(forks: Forks) -> None:
    sign, spec, won = forks.sign, "ROS-16", forks.won
    frida, anna = (sign(f"{name} refreshes", name, refresh(), "start") for name in ("frida", "anna"))
    forks.accepts("a refresh of the founder loses to an act of a junior", spec, "Fork", frida, won)
    forks.accepts("among refreshes seniority decides", spec, "Fork", anna, frida)
    carl = sign("carl refreshes", "carl", refresh(), "start")
    forks.accepts("a member's refresh loses to an admin's", spec, "Fork", carl, anna)
    again = sign("frida refreshes again", "frida", refresh("carl"), frida)
    forks.accepts("two refreshes lose to an act", spec, "Fork", frida, again, won)
    above = sign("bert renames above a refresh", "bert", rename("refreshed"), anna)
    forks.accepts("an act above a refresh counts, the refresh does not", spec, "Fork", won, anna, above)
    other = sign("bert renames", "bert", rename("by bert"), "start")
    higher = sign("frida refreshes above bert", "frida", refresh(), other)
    forks.accepts("a refresh in a branch of acts endorses nothing", spec, "Fork", other, higher, won)


def _left(forks: Forks) -> None:
    sign, here, spec = forks.sign, forks.here, "ROS-15 ROS-11"
    statement = here.data(here.leave("frida leaves", "frida", "start"))
    out = sign("anna removes frida, who left", "anna", remove("frida", statements=[statement]), "start")
    own = sign("frida renames", "frida", rename("by frida"), "start")
    forks.accepts("the removal of who left comes before what they signed", spec, "Fork Leaving", own, out)
    second = here.data(here.leave("anna leaves", "anna", "start"))
    both = remove("frida", "anna", statements=[second, statement])
    by_bert = sign("bert removes frida and anna, who left", "bert", both, "start")
    forks.accepts("such a removal by the next in line outweighs who left", spec, "Fork Leaving", forks.won, by_bert)
    forks.accepts("who left on one path comes before them signing the other", spec, "Fork Leaving", out, by_bert)
    alone = sign("frida removes anna", "frida", remove("anna"), "start")
    rival = sign("bert removes frida above that", "bert", remove("frida", statements=[statement]), alone)
    forks.accepts("who left on both paths decides nothing between them", spec, "Fork Leaving", out, alone, rival)
    back = sign("anna adds frida as an admin", "anna", add({"frida": ADMIN}), out)
    after = sign("frida renames, back again", "frida", rename("back"), back)
    comment = "whoever left and came back does not win below with the old rank"
    forks.accepts(comment, spec, "Fork Leaving", own, out, back, after)
    refreshed = sign("frida refreshes", "frida", refresh(), "start")
    there = here.data(here.leave("frida leaves at her refresh", "frida", refreshed))
    final = sign("anna removes frida, who refreshed", "anna", remove("frida", statements=[there]), forks.won)
    comment = "who signed a refresh on the way to where they left is succeeded"
    forks.accepts(comment, "ROS-11", "Fork Leaving", refreshed, forks.won, final)
    ends = sign("bert closes, most senior now", "bert", END, by_bert)
    forks.accepts("who succeeds all seniors is the most senior", "ROS-11 ROS-8", "Leaving Seniority", by_bert, ends)
    acted = here.data(here.leave("frida leaves at her renaming", "frida", own))
    act = remove("frida", statements=[statement, acted])
    final = sign("anna removes frida with two statements", "anna", act, "start")
    forks.accepts("one of two statements is enough", "ROS-11", "Fork Leaving", own, final)
    _members_left(forks)


def _members_left(forks: Forks) -> None:
    sign, here = forks.sign, forks.here
    carl = here.data(here.leave("carl leaves", "carl", "start"))
    both = sign("bert removes carl, who left", "bert", remove("carl", statements=[carl]), "start")
    comment = "who left and is junior to who removes them speaks for nothing"
    forks.accepts(comment, "ROS-15 ROS-11", "Fork Leaving", both, forks.won)
    lost = sign("bert renames", "bert", rename("by bert"), "start")
    there = here.leave("carl leaves on bert's branch", "carl", lost, close(1, 3))
    forks.accepts("a statement from a branch that lost stands", "ROS-11", "Fork Leaving", lost, forks.won, there)
    final = sign("anna removes carl with it", "anna", remove("carl", statements=[here.data(there)]), forks.won)
    forks.accepts("and a removal may carry it", "ROS-11", "Fork Leaving", lost, forks.won, there, final)
    grants = sign("frida makes dora an admin", "frida", set_role("dora", ADMIN), "start")
    removed = sign("anna removes bert", "anna", remove("bert"), "start")
    said = leave(here.operations[removed], "bert").encode()
    final = sign("anna removes bert, who left where he was out", "anna", remove("bert", statements=[said]), grants)
    comment = "a removal carries a statement from a branch that took its user out"
    forks.accepts(comment, "ROS-11 ROS-8", "Fork Leaving", grants, removed, final)


def _pending(forks: Forks) -> None:
    sign, won = forks.sign, forks.won
    for name, act in TAKES.items():
        forks.accepts(f"{name} in a branch that loses: suspended", PENDING, "Deciding", forks.losing(name, act), won)
    for name, act in GIVES.items():
        lost = forks.losing(name, act)
        forks.accepts(f"{name} in a branch that loses: pending", PENDING, "Deciding", lost, won)
    lost = forks.losing("bert removes mallory", remove("mallory"))
    above = sign("bert renames above that", "bert", rename("above"), lost)
    forks.accepts("all of a losing branch is pending, the lowest first", PENDING, "Deciding", lost, above, won)
    out = sign("anna removes bert", "anna", remove("bert"), "start")
    forks.accepts("a pending removal outlives its author's removal", PENDING, "Deciding", lost, out)
    frida = sign("frida renames", "frida", rename("by frida"), "start")
    by_anna = sign("anna removes bert", "anna", remove("bert"), "start")
    acts = sign("bert renames above frida", "bert", rename("suspended, and signs"), frida)
    forks.accepts("whoever is suspended keeps every right", PENDING, "Deciding", by_anna, frida, acts)
    removed = sign("anna removes carl", "anna", remove("carl"), "start")
    back = sign("anna adds carl again", "anna", add({"carl": MEMBER}), removed)
    other = forks.losing("bert removes carl", remove("carl"))
    forks.accepts("a new admission ends a suspension", PENDING, "Deciding", other, removed, back)
    same = sign("anna makes carl a reader", "anna", set_role("carl", READER), "start")
    demotes = forks.losing("bert makes carl a reader", TAKES["bert makes carl a reader"])
    forks.accepts("what both branches did suspends until it is decided", PENDING, "Deciding", demotes, same)
    emil = sign("frida adds emil", "frida", add({"emil": MEMBER}), "start")
    against = sign("bert removes emil", "bert", remove("emil"), emil)
    beside = sign("anna renames beside it", "anna", rename("beside"), emil)
    forks.accepts("whoever was admitted at the fork is suspended", PENDING, "Deciding", emil, against, beside)
    down = sign("anna makes bert a member", "anna", set_role("bert", MEMBER), "start")
    forks.accepts("an admin is demoted in a branch that loses: suspended", PENDING, "Deciding", down, frida)
    reader = sign("frida makes carl a reader", "frida", set_role("carl", READER), "start")
    even = sign("bert makes carl, a reader, an archivist", "bert", set_role("carl", ARCHIVIST), reader)
    beside = sign("anna renames beside that", "anna", rename("beside"), reader)
    comment = "a reader becomes an archivist in a branch that loses: pending"
    forks.accepts(comment, PENDING, "Deciding", reader, even, beside)
    _not_suspended(forks)
    stranger = sign("frida removes carl", "frida", remove("carl"), "start")
    forks.accepts("whoever is out is not suspended", PENDING, "Deciding", other, stranger)


def _not_suspended(forks: Forks) -> None:
    """The most senior admin, whose turn it is then to decide."""
    sign, here = forks.sign, forks.here
    statement = here.data(here.leave("frida leaves", "frida", "start"))
    all_out = sign("frida removes all admins", "frida", remove("anna", "bert"), "start")
    out = sign("anna removes frida, who left", "anna", remove("frida", statements=[statement]), "start")
    forks.accepts("the most senior admin is not suspended", f"{PENDING} ROS-8", "Deciding Leaving", all_out, out)
    ends = sign("anna dismisses her own removal", "anna", dismiss(here.head(all_out)), out)
    comment = "the most senior admin dismisses an act against themselves"
    forks.accepts(comment, "ROS-10 ROS-17", "Deciding Leaving", all_out, out, ends)


def _kept(forks: Forks) -> None:
    sign, here, won = forks.sign, forks.here, forks.won
    out = sign("anna removes bert", "anna", remove("bert"), "start")
    late = forks.losing("bert renames", rename("by bert"))
    forks.accepts("signed before the removal, and known in time", KEEP, "BackDated", late, out)
    lost = forks.losing("bert removes mallory", TAKES["bert removes mallory"])
    adopts = sign("anna adopts the removal of the removed", "anna", adopt(here.head(lost), key=fresh()), out)
    comment = "an operation that alone would not be kept is, once it is needed"
    forks.accepts(comment, KEEP, "Deciding BackDated", out, adopts, lost)
    above = sign("frida renames above it", "frida", rename("endorsed"), late)
    forks.accepts("a back-dated operation that a senior endorsed", KEEP, "BackDated", out, above, late)
    refreshed = sign("bert refreshes", "bert", refresh(), "start")
    above = sign("bert renames above his refresh", "bert", rename("refreshed"), refreshed)
    forks.accepts("a void operation is kept for what stands on it", KEEP, "Deciding", won, above, refreshed)
    lost = sign("anna signs on an unknown head", "anna", rename("x"), "start", previous=bytes(32))
    forks.accepts("an operation on a wrong previous head waits for it", f"ROS-5 {KEEP}", "Waiting", lost)
    grants = forks.losing("bert makes dora an admin", set_role("dora", ADMIN))
    granted = sign("dora renames above that", "dora", rename("by dora"), grants)
    too = sign("anna makes dora an admin", "anna", set_role("dora", ADMIN), "start")
    comment = "a rank that a losing branch gave is judged where the group stands"
    forks.accepts(comment, KEEP, "Deciding", too, grants, granted)
    steps = [won]
    for number in range(4):
        steps.append(sign(f"anna counts {number}", "anna", rename(f"{number}"), steps[-1]))
    forks.accepts("a path that comes from its end", KEEP, "Waiting", *steps[::-1])
    forks.accepts("a path without its first operation", KEEP, "Waiting", *steps[1:])
    unknown = [here.leave(f"carl leaves {number}", "carl", steps[-1], at=NOW + number) for number in range(65)]
    forks.accepts("the oldest of 65 waiting items is refused", KEEP, "Waiting Limit", *unknown)


def _any_order(forks: Forks) -> None:
    sign, here, won = forks.sign, forks.here, forks.won
    lost = forks.losing("bert removes mallory", TAKES["bert removes mallory"])
    above = sign("bert renames above that", "bert", rename("above"), lost)
    gone = here.leave("dora leaves", "dora", "start", close(7, 7))
    adopts = sign(
        "anna adopts: bert removes mallory", "anna", adopt(here.head(lost), closes=[close(3, 1)], key=fresh()), won
    )
    adds = sign("bert adds emil above the adoption", "bert", add({"emil": MEMBER}), adopts)
    items = [lost, above, won, gone, adopts, adds]
    spec = "ROS-5 ROS-14 ROS-17 ROS-18"
    forks.accepts("six items in the order of their signing", spec, "AnyOrder", *items)
    for comment, order in ORDERS.items():
        forks.accepts(f"the same six {comment}", spec, "AnyOrder", *(items[place] for place in order))


def _not_succeeded(forks: Forks) -> None:
    """Who cannot take a senior's place by that senior's word."""
    sign, here, spec = forks.sign, forks.here, "ROS-11 ROS-8"

    def put(comment: str, *items: str) -> None:
        forks.refuses(comment, spec, "Leaving BackDated", *items, stage="rights", code="not-permitted")

    statement = here.data(here.leave("frida leaves", "frida", "start"))
    act = remove("frida", statements=[statement])
    put("a junior who is not next in line removes who left", sign("bert removes frida, who left", "bert", act, "start"))
    out = sign("anna removes bert", "anna", remove("bert"), "start")
    put(
        "so does somebody who was taken out, below that",
        out,
        sign("bert removes frida, who left", "bert", act, "start"),
    )
    second = here.data(here.leave("anna leaves", "anna", "start"))
    act = remove("anna", statements=[second])
    put(
        "a senior stays when another's leaving is made final", sign("bert removes anna, who left", "bert", act, "start")
    )
    act = remove("frida", "anna", statements=[statement])
    put("one of two seniors has not left", sign("bert removes frida, who left, and anna", "bert", act, "start"))
    own = sign("frida renames", "frida", rename("by frida"), "start")
    there = here.data(here.leave("frida leaves at her renaming", "frida", own))
    late = sign("anna removes frida beside that", "anna", remove("frida", statements=[there]), "start")
    put("a statement serves against what its user signed on the way to it", own, late)
    act = remove("frida", statements=[statement])
    put("a member makes a leaving final", sign("carl removes frida, who left", "carl", act, "start"))


def refused(forks: Forks) -> None:
    """What is not worth keeping."""
    sign, here, won = forks.sign, forks.here, forks.won

    def put(comment: str, flags: str, *items: str, code: str = "not-permitted", spec: str = KEEP) -> None:
        forks.refuses(comment, spec, flags, *items, stage="keep", code=code)

    out = sign("anna removes bert", "anna", remove("bert"), "start")
    down = sign("anna demotes bert", "anna", set_role("bert", MEMBER), "start")
    for what, act in {
        "renames": rename("b"),
        "adds emil": add({"emil": MEMBER}),
        "removes carl": remove("carl"),
        "makes carl an admin": set_role("carl", ADMIN),
    }.items():
        late = forks.losing(f"bert {what}", act)
        put(f"back-dated by an admin who was removed: {what}", "BackDated", out, late, spec="ROS-14 ROS-18")
        put(f"back-dated by an admin who was demoted: {what}", "BackDated", down, late, spec="ROS-14 ROS-18")
    late = forks.losing("bert renames", rename("b"))
    wrong = sign("dora renames without a right", "dora", rename("no"), late)
    put("what is not valid above a back-dated operation falls with it", "BackDated", out, wrong, late)
    left = here.leave("carl leaves on bert's branch", "carl", late)
    put("a statement at a back-dated operation falls with it", "BackDated Leaving", out, left, late)
    dora = sign("anna makes dora an admin above that", "anna", set_role("dora", ADMIN), down)
    up = sign("anna makes bert an admin again", "anna", set_role("bert", ADMIN), dora)
    late = forks.losing("bert removes dora", remove("dora"))
    put("back-dated by an admin who is junior now to whom they name", "BackDated", down, dora, up, late)
    grants = sign("frida makes dora an admin", "frida", set_role("dora", ADMIN), "start")
    gone = sign("anna removes bert above that", "anna", remove("bert"), grants)
    late = sign("bert renames beside his removal", "bert", rename("b"), grants)
    above = sign("dora renames above him", "dora", rename("d"), late)
    put("an act above a back-dated operation falls with it", "BackDated", grants, gone, above, late)
    _not_succeeded(forks)
    statement = here.data(here.leave("frida leaves", "frida", "start"))
    gone = sign("anna removes frida, who left", "anna", remove("frida", statements=[statement]), "start")
    late = sign("frida adds emil as an admin", "frida", add({"emil": ADMIN}), "start")
    put("back-dated by the founder, who left", "BackDated Leaving", gone, late, spec="ROS-15 ROS-18")
    adds = forks.losing("bert adds emil", add({"emil": MEMBER}))
    renames = forks.losing("bert renames", rename("b"))
    refreshed = forks.losing("bert refreshes", refresh())
    put("a refresh that loses", "Fork", won, refreshed, code="superseded", spec="ROS-16 ROS-18")
    for what, act in {"adoption": adopt(here.head(adds)), "dismissal": dismiss(here.head(adds))}.items():
        late = sign(f"bert's {what}", "bert", act, renames)
        put(f"a losing {what}", "Fork", won, adds, renames, late, code="superseded", spec="ROS-17 ROS-18")
    frida = sign("frida refreshes", "frida", refresh(), "start")
    put("the founder's refresh beside an act", "Fork", won, frida, code="superseded", spec="ROS-16 ROS-18")
    many = [forks.losing(f"bert renames {number}", rename(f"{number}")) for number in range(65)]
    put("the 65th pending operation of one author", "Limit", won, *many, code="limit-exceeded")
    grants = forks.losing("bert makes dora an admin", set_role("dora", ADMIN))
    granted = sign("dora renames above that", "dora", rename("by dora"), grants)
    put("by an admin of a losing branch alone", "BackDated", won, grants, granted)
    comment = "62 are pending, and two come together"
    above = sign("bert adds emil above his renaming", "bert", add({"emil": MEMBER}), many[62])
    forks.accepts(comment, KEEP, "Limit Waiting", won, *many[:62], above, many[62])
    said = [here.leave(f"dora leaves {number}", "dora", "start", at=NOW + number) for number in range(65)]
    put("the 65th leave statement of one user", "Limit Leaving", *said, code="limit-exceeded")
