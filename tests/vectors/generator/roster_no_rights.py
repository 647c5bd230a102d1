"""Logs without forks: what is refused at one head (ROS-5, ROS-7, ROS-8, ROS-11 … ROS-13)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.people import NOW
from tests.vectors.generator.roster_parts import (
    ADMINS_POST,
    END,
    FORWARD_SECRET,
    MEMBERS_ADD,
    POLICY,
    add,
    close,
    create,
    follow,
    found,
    fresh,
    leave,
    refresh,
    remove,
    rename,
    set_policy,
    set_role,
    user,
)
from tests.vectors.generator.roster_worlds import ACTS, Path
from tests.vectors.reference.roster_wire import ADMIN, ARCHIVIST, MEMBER, READER, Act

PLACE, RIGHTS, SENIORITY = "ROS-5 ROS-6", "ROS-7", "ROS-7 ROS-8"


def refused(one: Path) -> None:
    """What is refused."""
    _no_place(one)
    _no_right(one)
    _no_meaning(one)
    _no_seniority(one)
    _no_leaving(one)
    _no_closes(one)
    _no_key(one)


def _no_place(path: Path) -> None:
    here = path.here
    founding = here.operations["founding"]

    def put(comment: str, items: list[str], stage: str = "place", code: str = "not-permitted") -> None:
        path.refuses_items(comment, PLACE, "Place", items, stage=stage, code=code)

    alone = here.sign("a renaming", "frida", rename("x"), "founding")
    put("a log that does not begin with a founding operation", [alone])
    wrong: dict[str, dict[str, Any]] = {
        "a height left out": {"height": 2},
        "the greatest height": {"height": 2**64 - 1},
        "another group, on this group's head": {"group_id": bytes(32)},
    }
    for comment, changes in wrong.items():
        put(comment, ["founding", here.sign(f"a renaming: {comment}", "frida", rename("y"), "founding", **changes)])
    above = here.sign("a renaming above it", "frida", rename("z"), alone, height=1)
    put("the height of the parent", ["founding", alone, above])
    second = found("frida", create({"anna": ADMIN}, nonce=1))
    put("a second founding operation", ["founding", here.put("a second founding operation", second)])
    foreign = follow(second, "frida", rename("x"))
    put("an operation of another group", ["founding", here.put("a renaming of another group", foreign)])
    left = here.put("a statement of another group", leave(second, "carl"))
    put("a leave statement of another group", ["founding", left])
    ended = here.sign("frida closes", "frida", END, "founding")
    for did, act in {"renames": rename("x"), "refreshes": refresh(), "adds": add({"emil": MEMBER})}.items():
        late = here.sign(f"frida {did} after the end", "frida", act, ended)
        put(f"frida {did} in a group that has ended", ["founding", ended, late])
    operation = here.sign("anna signs in the name of frida", "anna", rename("x"), "founding", author=user("frida"))
    statement = here.put("anna signs that carl leaves", leave(founding, "anna", user_id=user("carl")))
    for comment, forged in {
        "an operation with a forged author": operation,
        "a forged leave statement": statement,
    }.items():
        path.refuses_items(
            comment,
            "ROS-6 SUITE-1",
            "ForeignSender",
            ["founding", forged],
            stage="signature",
            code="invalid-message",
        )


def _no_right(path: Path) -> None:
    acts = {**ACTS, "refreshes": refresh(), "closes": END}
    for author, role in {"carl": "member", "dora": "reader", "mallory": "archivist", "emil": "stranger"}.items():
        for did, act in acts.items():
            if (author, did) == ("carl", "refreshes") or (author == "emil" and did.startswith("adds")):
                continue
            path.refuses(f"a {role} {did}", RIGHTS, "Rights", (f"{author} {did}", author, act))
    path.refuses("a stranger adds another", RIGHTS, "Rights", ("emil adds bert", "emil", add({"bert": MEMBER})))
    path.refuses("an admin who is not the most senior closes", SENIORITY, "Rights", ("anna closes", "anna", END))
    opened = ("frida lets members add", "frida", ACTS["lets members add"])
    for what, given in {"an admin": ADMIN, "a reader": READER, "an archivist": ARCHIVIST}.items():
        step = (f"carl adds emil as {what}", "carl", add({"emil": given}))
        path.refuses(f"a member adds {what}", RIGHTS, "Rights", opened, step)
    name = "carl adds bert as a member and emil as a reader"
    mixed = (name, "carl", add({"bert": MEMBER, "emil": READER}))
    path.refuses("a member adds a member and a reader", RIGHTS, "Rights", opened, mixed)
    reader = ("dora adds emil, where members add", "dora", add({"emil": MEMBER}))
    path.refuses("a reader adds, where members may", RIGHTS, "Rights", opened, reader)
    quiet = ("frida leaves posting to admins", "frida", set_policy(ADMINS_POST))
    refreshes = ("carl refreshes, where admins post", "carl", refresh())
    path.refuses("a member refreshes, where only admins post", RIGHTS, "Rights", quiet, refreshes)
    out = ("frida removes anna", "frida", remove("anna"))
    path.refuses("an admin after being removed", RIGHTS, "Rights", out, ("anna renames, removed", "anna", rename("x")))
    down = ("frida makes anna a member", "frida", set_role("anna", MEMBER))
    path.refuses("an admin after being demoted", RIGHTS, "Rights", down, ("anna renames, demoted", "anna", rename("x")))


def _no_meaning(path: Path) -> None:
    for comment, act in {
        "adds somebody who is in": add({"carl": MEMBER}),
        "adds somebody who is in, and somebody who is not": add({"carl": MEMBER, "emil": MEMBER}),
        "removes somebody who is not in": remove("emil"),
        "removes somebody who is in, and somebody who is not": remove("carl", "emil"),
        "gives a role to somebody who is not in": set_role("emil", MEMBER),
        "gives the role that there is": set_role("carl", MEMBER),
        "makes an admin an admin": set_role("anna", ADMIN),
        "sets the policy that there is": set_policy(POLICY),
    }.items():
        path.refuses(f"the founder {comment}", RIGHTS, "Rights", (f"frida {comment}", "frida", act))
    out, again = ("frida removes dora", "frida", remove("dora")), ("frida removes dora again", "frida", remove("dora"))
    path.refuses("the founder removes somebody twice", RIGHTS, "Rights", out, again)
    role = ("frida gives dora a role after that", "frida", set_role("dora", MEMBER))
    path.refuses("the founder gives a role to somebody who was removed", RIGHTS, "Rights", out, role)


def _no_seniority(path: Path) -> None:
    for author, act, comment in (
        ("anna", remove("frida"), "removes the founder"),
        ("anna", set_role("frida", MEMBER), "demotes the founder"),
        ("anna", remove("carl", "frida"), "removes the founder and a member"),
        ("frida", remove("frida"), "removes herself"),
        ("frida", remove("carl", "frida"), "removes a member and herself"),
        ("frida", set_role("frida", READER), "gives herself another role"),
    ):
        path.refuses(f"{author} {comment}", SENIORITY, "Seniority", (f"{author} {comment}", author, act))
    both = ("frida adds bert and emil as admins", "frida", add({"bert": ADMIN, "emil": ADMIN}))
    for author, act, comment in (
        ("emil", remove("bert"), "an admin of the same height with a lower id"),
        ("bert", remove("anna"), "an admin of an older grant with a higher id"),
    ):
        path.refuses(
            f"{author} removes {comment}", SENIORITY, "Seniority", both, (f"{author} removes, too junior", author, act)
        )
    founding = path.here.put("founding by anna", found("anna", create({"bert": ADMIN})))
    removes_anna = path.here.sign("bert removes anna, whose id is higher", "bert", remove("anna"), founding)
    comment = "an admin whose id is lower removes the founder"
    path.refuses_items(comment, SENIORITY, "Seniority", [founding, removes_anna], stage="rights")
    closes = path.here.sign("bert closes", "bert", END, founding)
    comment = "an admin whose id is lower than the founder's closes"
    path.refuses_items(comment, SENIORITY, "Seniority", [founding, closes], stage="rights")
    demotes = ("frida makes anna a member", "frida", set_role("anna", MEMBER))
    meanwhile = ("frida makes carl an admin meanwhile", "frida", set_role("carl", ADMIN))
    promotes = ("frida makes anna an admin again", "frida", set_role("anna", ADMIN))
    removes = ("anna removes carl, who is senior now", "anna", remove("carl"))
    path.refuses("an old grant counts no more", SENIORITY, "Seniority", demotes, meanwhile, promotes, removes)


def _no_leaving(path: Path) -> None:
    here, spec = path.here, "ROS-11"

    def put(comment: str, items: list[str], stage: str = "rights") -> None:
        path.refuses_items(comment, spec, "Leaving", items, stage=stage)

    put("a statement of somebody who is not in", ["founding", here.leave("emil leaves", "emil", "founding")])
    out = here.sign("frida removes carl", "frida", remove("carl"), "founding")
    put("a statement of somebody who was removed", ["founding", out, here.leave("carl leaves, removed", "carl", out)])
    frida, carl = here.leave("frida leaves", "frida", "founding"), here.leave("carl leaves", "carl", "founding")
    statements = {"frida": [here.data(frida)], "carl": [here.data(carl)]}
    act = remove("frida", statements=statements["carl"])
    name = here.sign("anna removes frida with carl's statement", "anna", act, "founding")
    put("the statement of another does not remove a senior", ["founding", name])
    act = remove("dora", statements=statements["carl"])
    name = here.sign("anna removes dora with carl's statement", "anna", act, "founding")
    put("a statement of somebody who is not removed", ["founding", name])
    act = remove("frida", statements=statements["frida"])
    put(
        "a member removes who has left",
        ["founding", frida, here.sign("carl removes frida, who left", "carl", act, "founding")],
    )
    put(
        "nobody removes themselves, left or not",
        ["founding", frida, here.sign("frida removes herself, who left", "frida", act, "founding")],
    )
    gone = here.sign("anna removes frida, who left", "anna", act, "founding")
    back = here.sign("anna adds frida as an admin", "anna", add({"frida": ADMIN}), gone)
    void = here.sign("anna removes frida with the old statement", "anna", act, back)
    put("a statement of an earlier membership", ["founding", gone, back, void])
    other = leave(found("frida", create({"carl": MEMBER}, nonce=1)), "carl", head=here.head("founding"))
    act = remove("carl", statements=[other.encode()])
    put(
        "a removal carries a statement of another group",
        ["founding", here.sign("anna removes carl, who left another group", "anna", act, "founding")],
    )


def _no_closes(path: Path) -> None:
    ends = [close(1, 5)]
    for comment, act in {
        "removing a reader": remove("dora", closes=ends),
        "making a member an admin": set_role("carl", ADMIN, *ends),
        "making a reader a member": set_role("dora", MEMBER, *ends),
        "demoting an admin, who may still post": set_role("anna", MEMBER, *ends),
        "letting members add": set_policy(MEMBERS_ADD, *ends),
    }.items():
        path.refuses(
            f"chains are closed by {comment}", "ROS-13", "Closes", (f"closes, {comment}", "frida", act), stage="closes"
        )

    closing = ("frida leaves posting to admins, and closes", "frida", set_policy(ADMINS_POST, *ends))
    out = ("frida removes carl", "frida", remove("carl"))
    comment = "chains are closed by a policy that silences nobody, for there is no member"
    path.refuses(comment, "ROS-13", "Closes", out, closing, stage="closes")
    quiet = ("frida leaves posting to admins", "frida", set_policy(ADMINS_POST))
    again = ("frida lets members add, and closes", "frida", set_policy([1, 0, *ADMINS_POST[2:]], *ends))
    comment = "chains are closed by a policy where only admins posted before"
    path.refuses(comment, "ROS-13", "Closes", quiet, again, stage="closes")


def _no_key(path: Path) -> None:
    spec = "ROS-12"

    def put(comment: str, act: Act) -> None:
        path.refuses(comment, spec, "EpochKey", (comment, "frida", act), stage="epoch-key")

    put("a policy refuses number 0 without a fresh key", set_policy(FORWARD_SECRET))
    put("a fresh key where a policy lets members add", set_policy(MEMBERS_ADD, key=fresh()))
    tightens = ("frida refuses number 0", "frida", set_policy(FORWARD_SECRET, key=fresh()))
    loosens = ("frida allows number 0 with a fresh key", "frida", set_policy(POLICY, key=fresh()))
    path.refuses("a fresh key where number 0 is allowed again", spec, "EpochKey", tightens, loosens, stage="epoch-key")
    put("a fresh key withheld from its author", refresh("frida"))
    put("a fresh key withheld from somebody who is not in", refresh("emil"))
    put("a fresh key withheld from whom it takes out", remove("carl", key=fresh("carl")))
    put("a removal's key withheld from its author", remove("carl", key=fresh("frida")))
    here = path.here
    for name, whom in {"its founder": "frida", "a stranger": "emil"}.items():
        act = create({"carl": MEMBER}, key=fresh(whom), nonce=2)
        item = here.put(f"founding, the key withheld from {name}", found("frida", act, NOW))
        comment = f"a group is founded with a key withheld from {name}"
        path.refuses_items(comment, spec, "EpochKey", [item], stage="epoch-key")
