"""What each type of group about epoch keys and broadcasts asks for, answered by the library."""

from __future__ import annotations

from typing import Any, Final

from siegel import Identity, UserId
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel._core.suite import decrypt_once
from siegel.errors import InvalidMessage, MissingEpochKey, PeerError
from siegel.events import EpochKeyReceived, EpochKeyRefused
from siegel.groups import broadcast as broadcasts
from siegel.groups import epoch
from siegel.groups.broadcast import Broadcast
from siegel.groups.control import Control, GivenKey
from siegel.groups.epoch import EpochKey
from siegel.groups.history import History, parse_item
from siegel.groups.intake import Intake
from siegel.groups.member import Member
from siegel.groups.messages import EARLY
from siegel.groups.receiving import Receiver, settle_keys
from siegel.groups.state import Candidate, State
from siegel.groups.storage import MemoryStorage
from tests.vectors.notation import Case, Outcome, brief, expand
from tests.vectors.reference.operations import Operation

READER: Final = Identity.from_secret(b"\1" * 32)  # opens nothing: whose keys they are, the vector says


class Holder:
    """A member's state in the making, with what waits beside it."""

    def __init__(self, case: Case) -> None:
        items = [expand(case.fixture["items"][name]) for name in case.input["items"]]
        self.case = case
        self.candidate = Candidate(State(MemoryStorage(), History.load(items)), at=case.now or 0)
        self.member = Member(READER, ())
        self.member.user_id = UserId(expand(case.fixture["people"][case.input.get("ours", "frida")]))
        self.intake = Intake(self.member)
        for given in case.input.get("held", ()):
            giver = UserId(expand(given["giver"])) if given.get("giver") else None
            key = EpochKey(Secret(expand(given["key"])), given["since"], giver, given.get("superseded"))
            self.candidate.keys.put(expand(given["epoch"]), key)

    @property
    def history(self) -> History:
        return self.candidate.history

    def key(self, head: bytes) -> EpochKey | None:
        return epoch.key_at(self.history, self.candidate.keys, head)

    def step(self, step: dict[str, Any]) -> dict[str, Any]:
        self.candidate.at = step.get("at", self.candidate.at)
        match step["do"]:
            case "arrive":
                for name in step["items"]:
                    self.arrive(expand(self.case.fixture["items"][name]))
            case "give":
                given = GivenKey(expand(step["head"]), Secret(expand(step["key"])))
                return {"taken": self.give(UserId(expand(step["from"])), given)}
            case "hear":
                return self.hear(expand(step["broadcast"]))
            case "forget":
                for name in list(epoch.ended(self.history, self.candidate.keys, at=self.candidate.at)):
                    self.candidate.keys.put(name, None)
            case other:
                raise AssertionError(other)
        return {}

    def arrive(self, data: bytes) -> None:
        extension = self.history.extend([parse_item(data)])
        assert not extension.refused
        self.candidate.advance(extension.history, extension.stored)
        settle_keys(self.candidate)

    def give(self, giver: UserId, given: GivenKey) -> str:
        receiver = Receiver(self.candidate, self.member)
        known = self.key(given.head) if given.head in self.history else None
        receiver._take_key(given, giver, b"")
        if any(isinstance(event, EpochKeyRefused) for event in receiver._events):
            raise InvalidMessage
        if any(isinstance(event, EpochKeyReceived) for event in receiver._events):
            held = self.key(given.head)
            assert held is not None
            return "told" if held.giver else "proven"
        if self.candidate.rivals:
            return "replaced" if self.intake._judge(self.candidate) else "rival"
        assert known is not None
        return "held"

    def hear(self, data: bytes) -> dict[str, Any]:
        hearer = Hearer(self.candidate, self.member)
        try:
            hearer._take_broadcast(data)
        except EARLY:
            self.intake._parked.add(data)
            raise
        return hearer.heard

    def state(self) -> list[dict[str, Any]]:
        return [
            {
                "epoch": name,
                "key": key.key.reveal(),
                "since": key.since,
                "giver": key.giver and key.giver.data,
                "superseded": key.superseded,
            }
            for name, key in sorted(self.candidate.keys.items())
        ]


class Hearer(Receiver):
    """A receiver that stops where a broadcast is opened and its sender known to be a member."""

    heard: dict[str, Any]

    def _take(self, control: Control, sender: UserId, data: bytes, *, broadcast: Broadcast | None = None) -> None:
        assert broadcast == broadcasts.parse_broadcast(data)
        self.heard = {"sender": sender.data, "control": control.encode()}


# --- epoch keys -------------------------------------------------------------------------------------------------------


def epoch_key(case: Case) -> Outcome:
    holder, head = Holder(case), case.data("head")
    found = holder.key(head)
    if found is None:
        raise MissingEpochKey
    roster = holder.history.roster_of(head)
    expected = {"epoch": roster.epoch, "keyKind": roster.key_kind.name.lower(), "key": found.key.reveal()}
    return Outcome(expected, {"commitment": epoch.commitment_of(found.key)})


def use_key(case: Case) -> Outcome:
    holder, head = Holder(case), case.data("head")
    key, roster = holder.key(head), holder.history.roster_of(head)
    return Outcome(
        {
            "entitled": sorted(map(bytes, epoch.entitled(holder.history))),
            "mayBroadcast": epoch.listeners(holder.history, head) is not None,
            "mayAnnounce": key is not None and epoch.may_announce(roster, key, at=case.clock),
        }
    )


def hold_keys(case: Case) -> Outcome:
    holder, results, last = Holder(case), list[dict[str, Any]](), None
    for step in case.input["steps"]:
        last = None
        try:
            results.append(holder.step(step))
        except PeerError as error:
            last = error.with_traceback(None)
            results.append({"refused": error.code})
    outcome = {"steps": results, "held": holder.state()}
    if last is not None:
        case.after |= outcome
        raise last
    return Outcome(outcome)


# --- broadcasts -------------------------------------------------------------------------------------------------------


def write_broadcast(case: Case) -> Outcome:
    group_id, head, control = (case.data(name) for name in ("groupId", "rosterHead", "control"))
    identity, key = Identity.from_secret(case.data("secret")), Secret(case.data("epochKey"))
    data = broadcasts.write_broadcast(
        control,
        identity=identity,
        group_id=group_id,
        head=head,
        key=key,
        at=case.clock,
        hedge=expand(case.random["hedge"]),
    )
    written = broadcasts.parse_broadcast(data)
    said = broadcasts.open_broadcast(written, key, group_id=group_id)
    assert said == (identity.user_id, case.clock, control)
    _, text_key = broadcasts._keys(key, written.nonce, group_id, head)
    signed = labelled(Label.BROADCAST_SIGNATURE, group_id, head, written.commitment, said.sender.data, said.at, control)
    return Outcome(
        {"broadcast": brief(data)},
        {
            "nonce": written.nonce,
            "commitment": written.commitment,
            "textKey": text_key.reveal(),
            "signedPart": brief(signed),
            "padded": brief(decrypt_once(text_key, written.ciphertext, aad=written.header)),
        },
    )


def open_broadcast(case: Case) -> Outcome:
    read = broadcasts.parse_broadcast(case.data("broadcast"))
    said = broadcasts.open_broadcast(read, Secret(case.data("epochKey")), group_id=case.data("groupId"))
    shown = {"sender": said.sender.data, "at": said.at, "control": brief(said.control)}
    return Outcome({"rosterHead": read.head, **shown})


def hear_broadcast(case: Case) -> Outcome:
    return Outcome(Holder(case).hear(case.data("broadcast")))


OPERATIONS: Final[dict[str, Operation]] = {
    "epoch-key": epoch_key,
    "use-key": use_key,
    "hold-keys": hold_keys,
    "write-broadcast": write_broadcast,
    "open-broadcast": open_broadcast,
    "hear-broadcast": hear_broadcast,
}
