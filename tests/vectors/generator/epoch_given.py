"""Category ``epoch-key``, keys that are given: proven, told, replaced, refused, forgotten (EPO-4, EPO-6)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from tests.vectors.generator.book import Category, flipped, stream
from tests.vectors.generator.epoch_parts import (
    AGAIN,
    BACK,
    BRANCHES,
    CALM,
    EMIL,
    FALSE,
    FIRST,
    FOUNDED,
    GONE,
    MALLORY,
    OUT,
    QUARREL,
    RENAMED,
    SECOND,
    WITHOUT,
    held,
    line,
    refresh,
    said,
    world,
)
from tests.vectors.generator.people import NOW, person
from tests.vectors.generator.roster_parts import create, found, user
from tests.vectors.generator.roster_worlds import World
from tests.vectors.reference import DAY, LATEST
from tests.vectors.reference.broadcast import halves, header
from tests.vectors.reference.cbor import array, octets
from tests.vectors.reference.epoch import commitment, derived
from tests.vectors.reference.labels import hmac_sha256, label, labelled, sha256

Step = dict[str, Any]


def given_keys(book: Category) -> None:
    """All of it."""
    Believed(world(book.group("hold-keys", 35_301))).tell()
    OverTime(world(book.group("hold-keys", 35_401))).tell()
    Refused(world(book.group("hold-keys", 35_501))).tell()


class Stories:
    """Adds vectors in which somebody holds keys; later steps come a second after each other."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.first = held(here, "founding", FIRST)

    def give(self, name: str, on: str, key: bytes, at: int = NOW) -> Step:
        """Somebody gives the key of a head."""
        return {"do": "give", "from": user(name), "head": self.here.head(on), "key": key, "at": at}

    def hear(self, name: str, on: str, key: bytes) -> Step:
        """A broadcast under this key comes."""
        return {"do": "hear", "broadcast": said(self.here, name, on, key).broadcast}

    def given(self, items: list[str], keys: list[Step], steps: tuple[Step, ...], ours: str) -> dict[str, Any]:
        """``input`` and ``now``."""
        return {"now": NOW, "input": {"ours": ours, "items": items, "held": keys, "steps": list(steps)}}

    def valid(self, comment: str, spec: str, items: list[str], keys: list[Step], *steps: Step) -> None:
        """The last step is not refused."""
        self.here.group.valid(comment, spec=spec, flags="EpochKey", **self.given(items, keys, steps, "frida"))

    def invalid(
        self,
        comment: str,
        spec: str,
        items: list[str],
        keys: list[Step],
        *steps: Step,
        code: str = "invalid-message",
        stage: str = "proof",
        flags: str = "EpochKey",
        ours: str = "frida",
    ) -> None:
        """The last step is refused."""
        given = self.given(items, keys, steps, ours)
        self.here.group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, **given)


# --- what is believed -------------------------------------------------------------------------------------------------


class Believed(Stories):
    """Keys that are taken."""

    def tell(self) -> None:
        """All of them."""
        self.proven()
        self.told()
        self.rivals()
        self.line()

    def proven(self) -> None:
        """By a commitment, or by the key below."""
        here, give = self.here, self.give
        self.valid("a fresh key", "EPO-1 EPO-4", FOUNDED, [], give("anna", "founding", FIRST))
        self.valid("a fresh key, at a head above it", "EPO-1 EPO-4", RENAMED, [], give("carl", "renamed", FIRST))
        twice = give("anna", "founding", FIRST), give("bert", "founding", FIRST, NOW + 1_000)
        self.valid("the same key twice", "EPO-4", FOUNDED, [], *twice)
        by_emil = line(here, "emil added")
        self.valid("a derived key that was known", "EPO-4", EMIL, [self.first], give("bert", "emil added", by_emil))
        branch = give("anna", "bert adds emil", line(here, "bert adds emil"))
        self.valid("a derived key of a losing branch that was known", "EPO-4", BRANCHES, [self.first], branch)
        other = give("anna", "carl removed", SECOND)
        self.valid("the fresh key of the head that holds", "EPO-1 EPO-4 EPO-6", OUT, [self.first], other)
        old = give("anna", "founding", FIRST)
        second = held(here, "carl removed", SECOND)
        self.valid("a fresh key of an old epoch, superseded at once", "EPO-1 EPO-4 EPO-6", OUT, [second], old)

    def told(self) -> None:
        """Somebody's word."""
        here, give = self.here, self.give
        by_emil = line(here, "emil added")
        told = give("anna", "emil added", by_emil)
        self.valid("a derived key of which nothing is held", "EPO-4", EMIL, [], told)
        self.valid("a false one, which nobody can tell", "EPO-4", EMIL, [], give("anna", "emil added", FALSE))
        again = give("bert", "emil added", by_emil, NOW + 1_000)
        self.valid("a told key, told by another", "EPO-4", EMIL, [], told, again)
        above = give("bert", "dora a reader", line(here, "emil added", "mallory added"), NOW + 1_000)
        self.valid("a key that follows from a told one", "EPO-2 EPO-4", CALM, [], told, above)
        below = give("bert", "emil added", FALSE, NOW + 1_000)
        top = give("anna", "mallory added", line(here, "emil added", "mallory added"))
        self.valid("what is told below another told key changes nothing above", "EPO-4", CALM, [], top, below)

    def rivals(self) -> None:
        """One word against another."""
        here, give, hear = self.here, self.give, self.hear
        true = line(here, "emil added")
        false = give("anna", "emil added", FALSE)
        rival = give("bert", "emil added", true, NOW + 2_000)
        self.valid("another told key, and no broadcast", "EPO-4", EMIL, [], false, rival)
        for comment, name, on, key in (
            ("a broadcast of a third member opens", "carl", "emil added", true),
            ("a broadcast of who told the first key opens", "anna", "emil added", true),
            ("a broadcast of the new giver opens", "bert", "emil added", true),
            ("a broadcast of somebody who is not in opens", "mallory", "emil added", true),
            ("no broadcast opens", "carl", "emil added", stream("a third key", 32)),
            ("a broadcast of another epoch opens", "carl", "renamed", true),
        ):
            heard = hear(name, on, key)
            self.valid(f"another told key, and {comment}", "EPO-4 EPO-8", EMIL, [], false, heard, rival)
        kept = hear("carl", "dora a reader", line(here, "emil added", "mallory added"))
        top = give("bert", "mallory added", line(here, "emil added", "mallory added"), NOW + 2_000)
        self.valid(
            "another told key, and a broadcast at a head that keeps it",
            "EPO-4 EPO-8",
            CALM,
            [],
            give("anna", "mallory added", FALSE),
            kept,
            top,
        )
        rewritten = self.rewritten("carl", "emil added", true, FALSE)
        self.valid(
            "another told key, and what a third member said, written again under it",
            "EPO-4 EPO-8",
            EMIL,
            [],
            give("anna", "emil added", true),
            {"do": "hear", "broadcast": rewritten},
            give("bert", "emil added", FALSE, NOW + 2_000),
        )

    def rewritten(self, name: str, on: str, old: bytes, new: bytes) -> bytes:
        """The same text and signature, under another epoch key."""
        here = self.here
        honest = said(here, name, on, old)
        commitment_of, _ = halves(hmac_sha256(honest.nonce, new), here.operations["founding"].group, here.head(on))
        before = header(here.head(on), honest.nonce, commitment_of)
        hooks = {"text": lambda *_: honest.text, "nonce": lambda *_: honest.nonce, "header": lambda *_: before}
        return said(here, name, on, new, hooks).broadcast

    def line(self) -> None:
        """What follows for the keys above."""
        here, give = self.here, self.give
        told = [
            held(here, "emil added", FALSE, giver=user("anna")),
            held(here, "mallory added", FALSE, giver=user("anna")),
        ]
        fresh = give("bert", "founding", FIRST, NOW + 1_000)
        self.valid("a proven key ends what was told above it", "EPO-4 EPO-6", CALM, told, fresh)
        apart = [*told, held(here, "carl back", FALSE, giver=user("anna"))]
        self.valid("a proven key ends nothing above another fresh one", "EPO-4 EPO-6", BACK, apart, fresh)
        true = line(here, "emil added")
        heard = self.hear("carl", "emil added", true)
        rival = give("bert", "emil added", true, NOW + 2_000)
        self.valid("a key that took the place of another ends what came of that", "EPO-4", CALM, told, heard, rival)


# --- over time --------------------------------------------------------------------------------------------------------


class OverTime(Stories):
    """Keys that are superseded, hold again, and are forgotten."""

    def tell(self) -> None:
        """All of it."""
        here = self.here

        def arrive(*names: str, at: int) -> Step:
            return {"do": "arrive", "items": list(names), "at": at}

        def forget(at: int) -> Step:
            return {"do": "forget", "at": at}

        derive = arrive("emil added", at=NOW + DAY)
        self.valid("an admission comes", "EPO-2 EPO-6", RENAMED, [self.first], derive)
        both = derive, arrive("mallory added", "dora a reader", at=NOW + 2 * DAY)
        self.valid("admissions come one after the other", "EPO-2 EPO-6", RENAMED, [self.first], *both)
        out = arrive("carl removed", at=NOW + DAY)
        self.valid("a removal comes, and its key later", "EPO-6", CALM, [self.first], out)
        drawn = self.give("anna", "carl removed", SECOND, NOW + DAY + 1_000)
        self.valid("a removal comes, and its key", "EPO-6", CALM, [self.first], out, drawn)
        switch = arrive("bert adds emil", at=NOW + 1_000), arrive("renamed", at=NOW + 2_000)
        self.valid("the branch of an admission loses", "EPO-2 EPO-6", FOUNDED, [self.first], *switch)
        fresh = here.sign("anna refreshes", "anna", refresh(SECOND), "founding")
        to_and_fro = (
            arrive(fresh, at=NOW + 1_000),
            self.give("anna", fresh, SECOND, NOW + 2_000),
            arrive("renamed", at=NOW + 3_000),
        )
        self.valid("an epoch holds again", "EPO-6", FOUNDED, [self.first], *to_and_fro)
        gone = out, forget(NOW + 31 * DAY - 1)
        self.valid("a millisecond before a grace is over", "EPO-6", CALM, [self.first], *gone)
        self.valid("a grace is over", "EPO-6", CALM, [self.first], out, forget(NOW + 31 * DAY))
        old = NOW + 44 * DAY
        self.valid("a millisecond before an old key is gone", "EPO-6", FOUNDED, [self.first], forget(old - 1))
        self.valid("an old key is gone, though its epoch holds", "EPO-6", FOUNDED, [self.first], forget(old))
        self._claims(forget)
        late = held(here, "founding", FIRST, superseded=NOW + 20 * DAY)
        self.valid("superseded when it was old already", "EPO-6", EMIL, [late], forget(old))

    def _claims(self, forget: Any) -> None:
        """What the author says of the time."""
        for comment, at, end in (
            ("of the future", LATEST, NOW + 44 * DAY),
            ("of the past", NOW - DAY, NOW + 43 * DAY),
        ):
            here = self.here
            act = create({"anna": 0}, key=[commitment(FIRST), []], nonce=7)
            name = here.put(f"founded {comment}", found("frida", act, at))
            key = held(here, name, FIRST)
            self.valid(f"an operation {comment}: not yet", "EPO-5 EPO-6", [name], [key], forget(end - 1))
            self.valid(f"an operation {comment}: gone", "EPO-5 EPO-6", [name], [key], forget(end))


# --- what is refused --------------------------------------------------------------------------------------------------


class Refused(Stories):
    """Keys that are not taken."""

    def tell(self) -> None:
        """All of them."""
        self.commitments()
        self.derivations()
        self.givers()
        self.holders()
        self.times()

    def commitments(self) -> None:
        """A fresh key that does not fit."""
        give = self.give
        for comment, key in (
            ("another key", FALSE),
            ("a bit of it flipped", flipped(FIRST, 0)),
            ("its last bit flipped", flipped(FIRST, 31, 0x80)),
            ("zeros", bytes(32)),
            ("its commitment", commitment(FIRST)),
            ("the key that is derived from it", line(self.here, "emil added")),
            ("the fresh key of another branch", SECOND),
        ):
            spec, items = "EPO-1 EPO-4", FOUNDED
            self.invalid(f"for a fresh key: {comment}", spec, items, [], give("anna", "founding", key))
            if key in {FALSE, bytes(32)}:
                again = f"for a fresh key that is held: {comment}"
                self.invalid(again, spec, items, [self.first], give("anna", "founding", key))
        self.invalid("for a fresh key: the first one", "EPO-1 EPO-4", OUT, [], give("anna", "carl removed", FIRST))
        for comment, flags, made in (
            ("label epoch commitment in capitals", "WrongLabel", sha256(_shout("epoch commitment", FIRST))),
            ("label epoch commitment without the zero byte", "MissingSeparator", sha256(_joined(FIRST))),
            ("the hash of the key without a label", "WrongLabel", sha256(FIRST)),
            ("the key without its CBOR array", "WrongAlgorithm", sha256(label("epoch commitment") + b"\0" + FIRST)),
            ("an HMAC under the key", "WrongAlgorithm", hmac_sha256(FIRST, label("epoch commitment") + b"\0\x80")),
            ("SHA-512, cut", "WrongAlgorithm", _sha512(labelled("epoch commitment", octets(FIRST)))),
        ):
            act = create({"anna": 0}, key=[made, []], nonce=9)
            name = self.here.put(f"a commitment made otherwise: {comment}", found("frida", act))
            spec = "LAB-1 LAB-2 EPO-1" if "label" in comment else "SUITE-5 EPO-1"
            self.invalid(
                f"a commitment made otherwise: {comment}", spec, [name], [], give("anna", name, FIRST), flags=flags
            )

    def derivations(self) -> None:
        """A derived key that is not the one that follows from a proven key."""
        here = self.here
        head, parent = here.head("emil added"), here.head("renamed")
        prefix = label("epoch derivation")
        for comment, spec, key in (
            ("another key", "EPO-2 EPO-4", FALSE),
            ("the key of the parent", "EPO-2 EPO-4", FIRST),
            ("derived with the parent's head", "EPO-2 EPO-4", derived(FIRST, parent)),
            ("derived with the head of another admission", "EPO-2 EPO-4", line(here, "bert adds emil")),
            ("derived twice", "EPO-2 EPO-4", derived(derived(FIRST, head), head)),
            ("derived from another key", "EPO-2 EPO-4", derived(SECOND, head)),
            ("head and key exchanged", "EPO-2", sha256(prefix + b"\0" + head + FIRST)),
            ("with a CBOR array", "LAB-2 EPO-2", sha256(prefix + b"\0" + array(octets(FIRST), octets(head)))),
            ("in capitals", "LAB-1 LAB-2 EPO-2", sha256(prefix.upper() + b"\0" + FIRST + head)),
            ("without the zero byte", "LAB-2 EPO-2", sha256(prefix + FIRST + head)),
            ("without a label", "LAB-1 EPO-2", sha256(FIRST + head)),
            ("as an HMAC", "SUITE-5 EPO-2", hmac.digest(FIRST, prefix + b"\0" + head, "sha256")),
            ("the key of the next admission", "EPO-2 EPO-4", line(here, "emil added", "mallory added")),
        ):
            given = self.give("anna", "emil added", key)
            self.invalid(f"for a derived key: {comment}", spec, MALLORY, [self.first], given)
        above = self.give("anna", "mallory added", FALSE)
        proven = held(here, "emil added", line(here, "emil added"))
        self.invalid("for a key above one that is proven: another", "EPO-2 EPO-4", MALLORY, [proven], above)
        heard = self.hear("carl", "emil added", FALSE)
        comment = "for a key that is proven: another, though a broadcast of a third member opens under it"
        false = self.give("anna", "emil added", FALSE)
        self.invalid(comment, "EPO-4", EMIL, [], heard, self.give("bert", "founding", FIRST), false)

    def givers(self) -> None:
        """Who gives no key, and heads that are not known."""
        here, give = self.here, self.give
        for comment, items, name in (
            ("who is not in", EMIL, "mallory"),
            ("who is suspended", QUARREL, "dora"),
            ("who is suspended, and no holder", WITHOUT, "dora"),
            ("who has left", GONE, "carl"),
            ("who was removed", OUT, "carl"),
        ):
            self.invalid(
                f"given by somebody {comment}",
                "EPO-4",
                items,
                [],
                give(name, "renamed", FIRST),
                code="not-permitted",
                stage="giver",
            )
        outsider = {"do": "give", "from": person("a stranger").user_id, "head": here.head("founding"), "key": FIRST}
        self.invalid(
            "given by a stranger", "EPO-4", FOUNDED, [], outsider, code="not-permitted", stage="giver", flags="EpochKey"
        )
        self.valid("given by who takes part again and is no holder", "EPO-4", AGAIN, [], give("dora", "renamed", FIRST))
        for comment, name in (("", "anna"), (", by somebody who is not in", "mallory")):
            self.invalid(
                f"for a head that is not known{comment}",
                "EPO-3 EPO-4",
                FOUNDED,
                [],
                give(name, "emil added", FALSE),
                code="stale-roster",
                stage="head",
            )

    def holders(self) -> None:
        """Keys that are not for who gets them."""
        by_emil = line(self.here, "emil added")
        for comment, items, on, key, ours in (
            ("a newcomer, of a head before", MALLORY, "renamed", FIRST, "emil"),
            ("a newcomer, of the admission before theirs", MALLORY, "emil added", by_emil, "mallory"),
            ("who was removed, of the head without them", OUT, "carl removed", SECOND, "carl"),
            ("who came back, of the head without them", BACK, "carl removed", SECOND, "carl"),
            ("who it was withheld from", WITHOUT, "refreshed without dora", SECOND, "dora"),
            ("who it was withheld from, and who takes part again", AGAIN, "dismissed", SECOND, "dora"),
            ("who was let in by a branch that lost, of the other", BRANCHES, "renamed", FIRST, "emil"),
        ):
            self.invalid(
                f"given to {comment}",
                "EPO-4",
                items,
                [],
                self.give("anna", on, key),
                code="not-permitted",
                stage="holder",
                ours=ours,
            )

    def times(self) -> None:
        """Keys that are over."""
        for comment, items, on, at in (
            ("a fresh key of 44 days", FOUNDED, "founding", NOW + 44 * DAY),
            ("a told key of 44 days", EMIL, "emil added", NOW + 44 * DAY),
            ("a fresh key of a year", RENAMED, "renamed", NOW + 365 * DAY),
        ):
            key = FALSE if on == "emil added" else FIRST
            self.invalid(
                comment,
                "EPO-4 EPO-5 EPO-6",
                items,
                [],
                self.give("anna", on, key, at),
                code="expired",
                stage="age",
            )
        gone = {"do": "forget", "at": NOW + 44 * DAY}, self.give("anna", "founding", FIRST, NOW + 44 * DAY)
        comment = "a fresh key that was forgotten"
        self.invalid(comment, "EPO-4 EPO-6", FOUNDED, [self.first], *gone, code="expired", stage="age")
        early = self.give("anna", "founding", FIRST, NOW + 44 * DAY - 1)
        self.valid("a fresh key a millisecond before that", "EPO-4 EPO-6", FOUNDED, [], early)


def _shout(purpose: str, key: bytes) -> bytes:
    return label(purpose.upper()) + b"\0" + array(octets(key))


def _joined(key: bytes) -> bytes:
    return label("epoch commitment") + array(octets(key))


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()[:32]
