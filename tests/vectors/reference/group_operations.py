"""What each type of group about groups asks for, answered by the reference."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from tests.vectors.notation import Case, Outcome, expand
from tests.vectors.reference import Refused, identity, roster_log
from tests.vectors.reference import chain as chains
from tests.vectors.reference.group import Client, read_control
from tests.vectors.reference.group_message import read
from tests.vectors.reference.group_sending import Invitee, Known, Live, Side, act, announced_to, invited, next_message
from tests.vectors.reference.operations import Operation
from tests.vectors.reference.roster_log import Log
from tests.vectors.reference.roster_wire import Act, read_item
from tests.vectors.reference.sender_chain import certify


def user_of(case: Case, name: str) -> bytes:
    """The user id of a person of the fixture."""
    return identity.user_id(expand(case.fixture["people"][name]))


def items_of(case: Case, names: list[str]) -> list[bytes]:
    """The encoded items of these names."""
    return [expand(case.fixture["items"][name]) for name in names]


def log_of(case: Case) -> Log:
    """The log of the input, which has nothing that is refused."""
    first, *rest = items_of(case, case.input["log"])
    log = roster_log.begin(first)
    for item in rest:
        log, refusals = roster_log.arrive(log, item)
        assert not refusals
    return log


def head_of(case: Case, name: str) -> bytes:
    """The head of a named operation."""
    return read_item(expand(case.fixture["items"][name])).head


# --- control ----------------------------------------------------------------------------------------------------------


def control(case: Case) -> Outcome:
    found = read_control(case.data("control"))
    return Outcome(
        {
            "groupId": found.group,
            "items": found.items,
            "key": found.key,
            "announcements": found.announcements,
            "identities": found.identities,
            "request": found.request,
            "notAfter": found.not_after,
        }
    )


# --- what a client takes ----------------------------------------------------------------------------------------------


def client_of(case: Case) -> Client:
    """The client of the input, before the first step."""
    client = Client(user_of(case, case.input["ours"]), log_of(case), case.clock)
    for name, key in case.input.get("keys", {}).items():
        client.keys[client.log.states[head_of(case, name)].epoch] = expand(key)
    if "own" in case.input:
        own = case.input["own"]
        secret, seed = expand(case.fixture["people"][case.input["ours"]]), expand(own["seed"])
        group = client.log.states[client.log.root].group
        certificate = certify(secret, seed, group_id=group, head=head_of(case, own["head"]), at=own["at"])
        client.own = chains.Chain(certificate, 0, {})
        client.own.attest(0, certificate.genesis)
        client.own.enter([read(expand(message)) for message in own["messages"]])
    return client


def shown(client: Client) -> dict[str, Any]:
    """What may change."""
    return {
        "head": client.log.state.head,
        "log": (len(client.log.operations), len(client.log.statements)),
        "identities": {user: record.encode() for user, record in client.identities.items()},
        "keys": dict(client.keys),
        "chains": {name: (chain.start, chain.end) for name, chain in client.chains.items()},
    }


def one_step(client: Client, case: Case, step: dict[str, Any]) -> list[str]:
    """What one step did."""
    if "message" in step:
        return client.receive(expand(step["message"]))
    under = head_of(case, step["under"]) if "under" in step else None
    return client.hear(user_of(case, step["from"]), expand(step["control"]), under)


def steps(case: Case) -> Outcome:
    client = client_of(case)
    outcomes: list[dict[str, Any]] = []
    for place, step in enumerate(case.input["steps"]):
        before, kept = shown(client), deepcopy(client)
        try:
            words = one_step(client, case, step)
        except Refused as refused:
            if place == len(case.input["steps"]) - 1:
                raise
            words, chains_now = [f"refused: {refused.code}"], client.chains
            client = kept
            client.chains = chains_now  # what is refused may attest links
        after = shown(client)
        outcomes.append(outcome(words, [name for name in before if before[name] != after[name]]))
    return Outcome({"outcomes": outcomes})


REPORTS: Final = ("message", "missing", "contradicted", "alarm", "key refused", "contradiction")


def outcome(words: list[str], changed: list[str]) -> dict[str, Any]:
    """What is compared of a step."""
    reports = sorted(word for word in words if word in REPORTS or word.startswith("answer"))
    refused = sorted(word.removeprefix("refused: ") for word in words if word.startswith("refused"))
    return {"changed": changed, "reports": reports, "refused": refused}


# --- what a client sends ----------------------------------------------------------------------------------------------


def side_of(case: Case) -> Side:
    """The sending side of the client of the input."""
    records = [identity.parse_record(expand(data)) for data in case.input["records"]]
    by_user = {record.signing_key: record for record in records}
    return Side(user_of(case, case.input["ours"]), log_of(case), case.input["holdsKey"], by_user, case.clock)


def sending(case: Case) -> Outcome:
    side = side_of(case)
    if "announceTo" in case.input:
        return Outcome(announced_to(side, {user_of(case, name) for name in case.input["announceTo"]}))
    live = None
    if case.input.get("chain"):
        chain = case.input["chain"]
        audience = frozenset(user_of(case, name) for name in chain["audience"])
        live = Live(head_of(case, chain["head"]), chain["at"], chain["messages"], audience)
    return Outcome(next_message(side, live, rotate=case.input.get("rotate", False)))


def acting(case: Case) -> Outcome:
    known = [Known(user_of(case, who), expand(chain), count) for who, chain, count in case.input["chains"]]
    return Outcome(act(side_of(case), wanted_of(case), known))


def wanted_of(case: Case) -> Act:
    """The act of the input; what it lists beside the users is for the client to find."""
    kind, *arguments = case.input["act"]
    match kind:
        case "add":
            members = sorted([user_of(case, name), role] for name, role in arguments)
            return Act("add", {"members": members})
        case "remove":
            users = sorted(user_of(case, name) for name in arguments)
            return Act("remove", {"users": users, "statements": [], "closes": [], "fresh": [b"", []]})
        case "set role":
            name, role = arguments
            return Act("set role", {"user": user_of(case, name), "role": role, "closes": []})
        case _:
            return Act("rename", {"name": arguments[0].encode()})


def invitation(case: Case) -> Outcome:
    given = case.input
    known = head_of(case, given["known"]) if "known" in given else None
    contacts = frozenset(user_of(case, name) for name in given["contacts"])
    invitee = Invitee(user_of(case, given["ours"]), contacts, known)
    return Outcome(invited(invitee, case.data("control"), user_of(case, given["from"]), case.clock))


OPERATIONS: Final[dict[str, Operation]] = {
    "control": control,
    "group": steps,
    "group-sending": sending,
    "group-act": acting,
    "group-invitation": invitation,
}
