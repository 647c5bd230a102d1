"""What each type of group about epoch keys and broadcasts asks for, answered by the reference."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.notation import Case, Outcome, brief, expand
from tests.vectors.reference import Refused, broadcast, require, roster_log
from tests.vectors.reference.broadcast import Draft
from tests.vectors.reference.epoch import Held, Holder, commitment
from tests.vectors.reference.operations import Operation


def _holder(case: Case) -> Holder:
    """Somebody with these items and keys."""
    first, *rest = (expand(case.fixture["items"][name]) for name in case.input["items"])
    holder = Holder(roster_log.begin(first), expand(case.fixture["people"][case.input.get("ours", "frida")]))
    for data in rest:
        holder.log, refusals = roster_log.arrive(holder.log, data)
        assert not refusals
    for given in case.input.get("held", ()):
        giver = expand(given["giver"]) if given.get("giver") else None
        superseded = given.get("superseded")
        holder.held[expand(given["epoch"])] = Held(expand(given["key"]), given["since"], giver, superseded)
    return holder


# --- epoch keys -------------------------------------------------------------------------------------------------------


def epoch_key(case: Case) -> Outcome:
    holder, head = _holder(case), case.data("head")
    found = holder.key(head)
    if found is None:
        raise Refused("key", "missing-epoch-key")
    epoch = holder.epoch(head)
    expected = {"epoch": epoch, "keyKind": holder.log.states[head].key_kind, "key": found.key}
    return Outcome(expected, {"commitment": commitment(found.key)})


def use_key(case: Case) -> Outcome:
    holder, head = _holder(case), case.data("head")
    return Outcome(
        {
            "entitled": holder.entitled(),
            "mayBroadcast": holder.may_broadcast(head),
            "mayAnnounce": holder.may_announce(head, case.clock),
        }
    )


def hold_keys(case: Case) -> Outcome:
    """All steps; the vector is invalid if the last one is refused."""
    holder, results, refused = _holder(case), list[dict[str, Any]](), None
    for step in case.input["steps"]:
        refused = None
        try:
            results.append(_step(case, holder, step, step.get("at", case.clock)))
        except Refused as error:
            refused = error
            results.append({"refused": error.code})
    outcome = {"steps": results, "held": holder.state()}
    if refused is not None:
        case.after |= outcome
        raise refused
    return Outcome(outcome)


def _step(case: Case, holder: Holder, step: dict[str, Any], now: int) -> dict[str, Any]:
    match step["do"]:
        case "arrive":
            for name in step["items"]:
                holder.arrive(expand(case.fixture["items"][name]), now)
        case "give":
            head, key = (expand(step[name]) for name in ("head", "key"))
            return {"taken": holder.take(expand(step["from"]), head, key, now)}
        case "hear":
            said = holder.hear(expand(step["broadcast"]))
            return {"sender": said.sender, "control": said.control}
        case "forget":
            holder.forget(now)
        case other:
            raise AssertionError(other)
    return {}


# --- broadcasts -------------------------------------------------------------------------------------------------------


def write_broadcast(case: Case) -> Outcome:
    control, hedge = case.data("control"), expand(case.random["hedge"])
    require(len(control) <= broadcast.MAX_CONTROL and len(hedge) == 32, "argument", "invalid-argument")
    names = "secret", "groupId", "rosterHead", "epochKey"
    secret, group_id, head, key = (case.data(name) for name in names)
    steps = broadcast.write(Draft(control, secret, group_id, head, key, case.clock, hedge))
    return Outcome(
        {"broadcast": brief(steps.broadcast)},
        {
            "nonce": steps.nonce,
            "commitment": steps.commitment,
            "textKey": steps.text_key,
            "signedPart": brief(steps.signed),
            "padded": brief(steps.padded),
        },
    )


def open_broadcast(case: Case) -> Outcome:
    read = broadcast.read(case.data("broadcast"))
    said = broadcast.open_broadcast(read, case.data("epochKey"), case.data("groupId"))
    return Outcome({"rosterHead": read.head, "sender": said.sender, "at": said.at, "control": brief(said.control)})


def hear_broadcast(case: Case) -> Outcome:
    said = _holder(case).hear(case.data("broadcast"))
    return Outcome({"sender": said.sender, "control": said.control})


OPERATIONS: Final[dict[str, Operation]] = {
    "epoch-key": epoch_key,
    "use-key": use_key,
    "hold-keys": hold_keys,
    "write-broadcast": write_broadcast,
    "open-broadcast": open_broadcast,
    "hear-broadcast": hear_broadcast,
}
