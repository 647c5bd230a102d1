"""Logs without forks: what is allowed at one head (ROS-5, ROS-7, ROS-8, ROS-11 … ROS-13)."""

from __future__ import annotations

from tests.vectors.generator.roster_parts import (
    ADMINS_POST,
    END,
    FORWARD_SECRET,
    POLICY,
    add,
    close,
    create,
    found,
    fresh,
    leave,
    refresh,
    remove,
    rename,
    set_policy,
    set_role,
    signed_again,
)
from tests.vectors.generator.roster_worlds import ACTS, Path, World
from tests.vectors.reference.roster_wire import ADMIN, ARCHIVIST, MEMBER, READER

PLACE, RIGHTS, SENIORITY = "ROS-5 ROS-6", "ROS-7", "ROS-7 ROS-8"


def accepted(one: Path) -> None:
    """What is allowed."""
    _rights(one)
    _keys(one)
    _seniority(one)
    _leaving(one)


def _rights(path: Path) -> None:
    path.accepts("a group that was just founded", f"{PLACE} ROS-12", "Normal")
    for author in ("frida", "anna"):
        for did, act in ACTS.items():
            path.accepts(
                f"{author}, an admin, {did}", f"{PLACE} {RIGHTS} ROS-12", "Rights", (f"{author} {did}", author, act)
            )
    path.accepts("an admin refreshes", f"{RIGHTS} ROS-12", "Rights", ("anna refreshes", "anna", refresh()))
    path.accepts("a member refreshes", f"{RIGHTS} ROS-12", "Rights", ("carl refreshes", "carl", refresh()))
    opened = ("frida lets members add", "frida", ACTS["lets members add"])
    adds = ("carl adds emil", "carl", add({"emil": MEMBER}))
    path.accepts("a member adds, where members may", f"{RIGHTS} ROS-12", "Rights", opened, adds)
    path.accepts("the most senior admin closes", f"{RIGHTS} ROS-8", "Rights", ("frida closes", "frida", END))
    same = ("frida renames to the same name", "frida", rename("a group"))
    path.accepts("the same name again", RIGHTS, "Boundary", same)
    demotes = ("frida makes anna a member", "frida", set_role("anna", MEMBER))
    path.accepts("an admin is demoted", f"{SENIORITY} ROS-12", "Rights", demotes)
    archives = ("frida makes dora an archivist", "frida", set_role("dora", ARCHIVIST))
    path.accepts("a reader becomes an archivist", RIGHTS, "Rights", archives)
    here = path.here
    removed = path.signed(("frida removes carl", "frida", remove("carl", closes=[close(1, 9), close(2, 0)])))
    here.group.valid(
        "the chains of a removed member are closed", spec="ROS-13", flags="Closes", input={"items": removed}
    )
    readers = ("frida leaves posting to admins", "frida", set_policy(ADMINS_POST, close(1, 4)))
    path.accepts("the chains of members end where only admins post", "ROS-13 ROS-7", "Closes", readers)
    reader = ("frida makes carl a reader", "frida", set_role("carl", READER, close(1, 4)))
    path.accepts("the chains of a new reader are closed", "ROS-13 ROS-7", "Closes", reader)
    twice = [*removed, removed[-1], removed[0], here.put("the same removal, signed again", _again(here, removed[-1]))]
    here.group.valid(
        "the same operation again, and under another signature", spec="ROS-6", flags="AnyOrder", input={"items": twice}
    )


def _again(here: World, name: str) -> bytes:
    again = signed_again(here.operations[name], "frida").encode()
    assert isinstance(again, bytes)
    return again


def _keys(path: Path) -> None:
    spec = "ROS-12"
    withholds = ("frida refreshes without dora", "frida", refresh("dora"))
    adds = ("anna adds emil after that", "anna", add({"emil": MEMBER}))
    renames = ("anna renames after that", "anna", rename("later"))
    path.accepts("a refresh that withholds the key", spec, "EpochKey", withholds)
    path.accepts("whoever is admitted then holds the derived key", spec, "EpochKey", withholds, adds)
    path.accepts("a renaming keeps the key and its holders", spec, "EpochKey", withholds, adds, renames)
    again = ("frida refreshes for all", "frida", refresh())
    path.accepts("the next fresh key is given to all", spec, "EpochKey", withholds, again)
    tightens = ("frida refuses number 0", "frida", set_policy(FORWARD_SECRET, key=fresh("mallory")))
    loosens = ("frida allows number 0", "frida", set_policy(POLICY))
    path.accepts("a policy that refuses number 0 brings a fresh key", spec, "EpochKey", tightens)
    path.accepts("a policy that allows number 0 again keeps the key", spec, "EpochKey", tightens, loosens)


def _seniority(path: Path) -> None:
    both = ("frida adds bert and emil as admins", "frida", add({"bert": ADMIN, "emil": ADMIN}))
    path.accepts("admins of one height stand by user id", SENIORITY, "Seniority", both)
    lower = ("bert makes emil a member", "bert", set_role("emil", MEMBER))
    path.accepts("of two admins of one height the lower id removes rights", SENIORITY, "Seniority", both, lower)
    higher = ("anna removes bert", "anna", remove("bert"))
    path.accepts("an older grant outweighs the id", SENIORITY, "Seniority", both, higher)
    demotes = ("frida makes anna a member", "frida", set_role("anna", MEMBER))
    promotes = ("frida makes anna an admin again", "frida", set_role("anna", ADMIN))
    meanwhile = ("frida makes carl an admin meanwhile", "frida", set_role("carl", ADMIN))
    path.accepts("a grant counts anew", SENIORITY, "Seniority", demotes, meanwhile, promotes)
    removes = ("carl removes anna, who is junior now", "carl", remove("anna"))
    path.accepts(
        "whoever was an admin before stands behind", SENIORITY, "Seniority", demotes, meanwhile, promotes, removes
    )
    dora = ("frida makes dora an admin", "frida", set_role("dora", ADMIN))
    bert = ("frida adds bert as an admin after that", "frida", add({"bert": ADMIN}))
    path.accepts("a grant by role and one by admission, a height later", SENIORITY, "Seniority", dora, bert)
    here = path.here
    founding = here.put("founding by anna", found("anna", create({"bert": ADMIN})))
    removes_bert = here.sign("anna removes bert, whose id is lower", "anna", remove("bert"), founding)
    given = {"items": [founding, removes_bert]}
    here.group.valid("the founder is the most senior, whatever the id", spec=SENIORITY, flags="Seniority", input=given)


def _leaving(path: Path) -> None:
    here, spec = path.here, "ROS-11"

    def put(comment: str, items: list[str], flags: str = "Leaving", rules: str = spec) -> None:
        here.group.valid(comment, spec=rules, flags=flags, input={"items": items})

    gone = here.leave("carl leaves", "carl", "founding", close(1, 4))
    more = here.leave("carl leaves, with another chain", "carl", "founding", close(1, 5), close(2, 0))
    put("a member leaves", ["founding", gone])
    put("the closes of two statements count together", ["founding", gone, more])
    put("the same statement twice", ["founding", gone, gone])
    again = here.put(
        "carl leaves, signed again", signed_again(leave(here.operations["founding"], "carl", close(1, 4)), "carl")
    )
    put("the same statement under another signature", ["founding", gone, again])
    final = here.sign("anna removes carl, who left", "anna", remove("carl", statements=[here.data(gone)]), "founding")
    put("a removal makes it final", ["founding", gone, final])
    put("a removal with a statement that did not arrive itself", ["founding", final])
    back = here.sign("anna adds carl again", "anna", add({"carl": MEMBER}), final)
    put("a new admission makes the statement void", ["founding", gone, final, back])
    put("an old statement that comes late", ["founding", final, back, gone])
    later = here.leave("carl leaves again", "carl", back)
    put("whoever came back leaves again", ["founding", gone, final, back, later])
    first = here.leave("frida leaves", "frida", "founding")
    put("the founder leaves", ["founding", first], rules=f"{spec} ROS-8")
    statement = here.data(first)
    out = here.sign("anna removes frida, who left", "anna", remove("frida", statements=[statement]), "founding")
    put("a junior makes the leaving of a senior final", ["founding", out], "Leaving Seniority", f"{spec} ROS-8")
    closes = here.sign("anna closes, most senior now", "anna", END, out)
    put("the next admin is the most senior", ["founding", out, closes], "Seniority", f"{SENIORITY} {spec}")
    returns = here.sign("anna adds frida as an admin", "anna", add({"frida": ADMIN}), out)
    removes = here.sign("anna removes the founder who came back", "anna", remove("frida"), returns)
    rules = f"{spec} ROS-8"
    put("a founder who came back is the last of the admins", ["founding", out, returns], "Seniority", rules)
    put("a founder who came back is removed", ["founding", out, returns, removes], "Seniority", rules)
    ended = here.sign("frida closes", "frida", END, "founding")
    after = here.leave("carl leaves the closed group", "carl", ended)
    put("a member leaves a group that has ended", ["founding", ended, after])
    unknown = here.leave("carl leaves as of an unknown head", "carl", final, head=bytes(32))
    put("a statement waits for its head", ["founding", unknown], "Waiting", f"{spec} ROS-18")
