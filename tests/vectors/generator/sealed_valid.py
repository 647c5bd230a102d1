"""Category ``sealed-message``, the valid half: sealing and opening, letters, inspection (SEAL-1 … SEAL-20)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, stream
from tests.vectors.generator.messages import PEOPLE, letter, message, reading, rotating, sealing
from tests.vectors.generator.people import ALICE, BOB, CAROL, DAVE, NOW, NUMBERS, crowd, fixture
from tests.vectors.generator.two_keys import two_key_message
from tests.vectors.notation import shake
from tests.vectors.reference import LATEST
from tests.vectors.reference.sealed import MAX_BODY, Message, Steps, seal, sealed_to

SEALING = (
    "SEAL-1 SEAL-2 SEAL-3 SEAL-4 SEAL-5 SEAL-6 SEAL-7 SEAL-8 SEAL-9 SEAL-10 SEAL-11 SEAL-19 LAB-1 LAB-2 SUITE-2 SUITE-6"
)
OPENING = "SEAL-11 SEAL-14 SEAL-16 SEAL-19 ENC-9"


def seals(book: Category) -> None:
    """Messages that can be sealed again byte for byte."""
    group = book.group("seal", 20001, PEOPLE)

    def add(comment: str, flags: str = "Normal", spec: str = SEALING, **given: Any) -> None:
        group.valid(comment, spec=spec, flags=flags, **sealing(comment, **given))

    add("to one recipient", "KnownAnswer", recipients=[BOB])
    add("to two recipients", "KnownAnswer")
    add("to three recipients", recipients=[BOB, CAROL, DAVE])
    add("private, to one recipient", "Private", recipients=[BOB], private=True)
    add("private, to two recipients", "Private", private=True)
    add("private, to three recipients", "Private", recipients=[BOB, CAROL, DAVE], private=True)
    add("to the sender alone", recipients=[ALICE])
    add("to the sender and another", recipients=[ALICE, BOB])
    number_1, number_2 = ({"person": "bob", "sealingNumber": number} for number in NUMBERS)
    add("to a rotating key", "Rotation", f"{SEALING} ID-12", recipients=[number_1])
    add("to a rotating key and a base key", "Rotation", f"{SEALING} ID-12", recipients=[number_2, CAROL])
    add("unsigned, to one recipient", "Unsigned", f"{SEALING} SEAL-15", recipients=[BOB], sender=None)
    add("unsigned, private, to two recipients", "Unsigned Private", f"{SEALING} SEAL-15", sender=None, private=True)
    add("an empty body", "Boundary", f"{SEALING} SEAL-18", recipients=[BOB], body=b"")
    for length in (127, 128, 129, 144, 145):  # everything else takes 128 bytes, and 256 and 272 are buckets
        body = stream("body", length)
        add(
            f"a body of {length} bytes, at the edge of a bucket",
            "Boundary",
            f"{SEALING} PAD-1 PAD-2",
            recipients=[BOB],
            body=body,
        )
    add("a body of zeros", "Boundary", f"{SEALING} PAD-1", recipients=[BOB], body=bytes(50))
    add("a body of 5000 bytes", recipients=[BOB], body=stream("body", 5000))
    spec = f"{SEALING} SEAL-17"
    add("a content type of one character", "Boundary", spec, recipients=[BOB], content_type="x")
    add("a content type of 255 bytes", "Boundary", spec, recipients=[BOB], content_type="x" * 255)
    add("a content type of 255 bytes in 85 characters", "Boundary", spec, recipients=[BOB], content_type="封" * 85)
    add("the content type siegel, which is not reserved", "Boundary", spec, recipients=[BOB], content_type="siegel")
    add("the content type Siegel/x, which is not reserved", "Boundary", spec, recipients=[BOB], content_type="Siegel/x")
    add("sent in the first millisecond", "Boundary", f"{SEALING} ENC-10", recipients=[BOB], sent_at=0)
    large = shake(b"16 MiB", MAX_BODY)
    add("a body of 16 MiB, the most there can be", "Limit", f"{SEALING} SEAL-18", recipients=[BOB], body=large)
    _arguments(group)
    _crowds(book)


def _arguments(group: Group) -> None:
    cases: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("to nobody", "SEAL-1", {"recipients": []}),
        ("to the same person twice", "SEAL-1", {"recipients": [BOB, CAROL, BOB]}),
        ("to one person at two keys", "SEAL-1", {"recipients": [BOB, {"person": "bob", "sealingNumber": NUMBERS[0]}]}),
        ("to a record that has ended", "SEAL-1", {"sent_at": NOW + 400 * 86_400_000}),
        ("an empty content type", "SEAL-17", {"content_type": ""}),
        ("a content type of 256 bytes", "SEAL-17", {"content_type": "x" * 256}),
        ("a content type of 258 bytes in 86 characters", "SEAL-17", {"content_type": "封" * 86}),
        ("a content type that is not in normal form C", "SEAL-17 ENC-5", {"content_type": "te\u0301xt"}),
        ("a reserved content type", "SEAL-17", {"content_type": "siegel/control"}),
        ("nothing but the reserved prefix", "SEAL-17", {"content_type": "siegel/"}),
        ("a body of 16 MiB and one byte", "SEAL-18", {"body": shake(b"16 MiB", MAX_BODY + 1)}),
    )
    for comment, spec, given in cases:
        group.invalid(
            f"sealing {comment}",
            spec=spec,
            flags="Limit" if "MiB" in comment else "Argument",
            code="invalid-argument",
            stage="argument",
            **sealing(comment, **given),
        )


def _crowds(book: Category) -> None:
    for count, first in ((64, 20101), (65, 20111), (257, 20121)):
        people = crowd(count)
        group = book.group("seal", first, fixture(ALICE, *people))
        spec = f"{SEALING} SEAL-12 SEAL-13"
        for private in (False, True) if count != 64 else (False,):
            comment = f"{'private, ' if private else ''}to {count} recipients"
            flags = "Private Boundary" if private else "Boundary"
            given = sealing(f"crowd of {count}", recipients=people, private=private)
            group.valid(comment, spec=spec, flags=flags, **given)


# --- openings ---------------------------------------------------------------------------------------------------------


class Bases:
    """The honest messages from which faulty ones are made, and the numbers of their valid vectors."""

    def __init__(self, group: Group) -> None:
        self.one = message("one reader", [BOB])
        self.two = message("two readers")
        self.three = message("three readers", [BOB, CAROL, DAVE])
        self.private = message("three hidden readers", [BOB, CAROL, DAVE], private=True)
        self.unsigned = message("unsigned", [BOB], sender=None)
        self.turned = sealed_to(message("a rotating key", [BOB]), (rotating(BOB, NUMBERS[0]),))
        self.group = group
        self.opened = self._add("an envelope to one", self.one)
        self.opened_two = self._add("an envelope to two", self.two)
        self.opened_three = self._add("an envelope to three", self.three)
        self.opened_private = self._add("a private envelope", self.private, "Private")
        self.opened_listing = self._letter("a letter that names all three recipients", self.three, "SEAL-12")
        self.opened_path = self._letter("a private letter", self.private, "SEAL-13 MRK-1 MRK-2")
        self.opened_unsigned = self._add("an unsigned envelope", self.unsigned, "Unsigned", allow_anonymous=True)
        self.opened_turned = self._add("an envelope to a rotating key", self.turned, "Rotation", held=NUMBERS)

    def _add(self, comment: str, given: Message, flags: str = "Normal", **reader: Any) -> int:
        data = seal(given).envelope
        spec = OPENING + {"Unsigned": " SEAL-15", "Rotation": " ID-13"}.get(flags, "")
        return self.group.valid(comment, spec=spec, flags=flags, input=reading(data, **reader))

    def _letter(self, comment: str, given: Message, spec: str) -> int:
        data = letter(given, BOB.user_id)
        return self.group.valid(comment, spec=f"{OPENING} {spec}", flags="Letter", input=reading(data))


def openings(book: Category) -> tuple[Group, Bases]:
    """What must open. Returns the group and the bases for the faulty half."""
    group = book.group("open", 21001, PEOPLE)
    bases = Bases(group)

    def add(comment: str, data: bytes, flags: str = "Normal", spec: str = OPENING, **reader: Any) -> None:
        group.valid(comment, spec=spec, flags=flags, input=reading(data, **reader))

    two, three = seal(bases.two).envelope, seal(bases.three).envelope
    add("the same envelope, opened by the other recipient", two, holder=CAROL)
    add("an envelope to three, opened by the third", three, holder=DAVE)
    own = message("a note to myself", [ALICE])
    add("a message of one's own, whom one need not know", seal(own).envelope, holder=ALICE, contacts=[])
    add("a message of one's own to another", seal(message("a copy", [ALICE, BOB])).envelope, holder=ALICE, contacts=[])
    add("a signed message to a reader who would take unsigned ones", two, allow_anonymous=True)
    add("a sender whom the reader knows among others", two, contacts=[CAROL, ALICE, DAVE])
    add("another contact is in doubt, not this sender", two, contacts=[ALICE, CAROL], violated=[CAROL], flags="Trust")
    turned = seal(bases.turned).envelope
    add(
        "the base key of a reader who also has rotating keys",
        two,
        flags="Rotation",
        spec=f"{OPENING} ID-13",
        held=NUMBERS,
    )
    add(
        "a rotating key of which only this one is held",
        turned,
        flags="Rotation",
        spec=f"{OPENING} ID-13",
        held=NUMBERS[:1],
    )
    _edges(add, bases)
    _letters(add, bases)
    return group, bases


def _edges(add: Any, bases: Bases) -> None:
    last = seal(message("the last instant", [BOB], sent_at=LATEST)).envelope
    add("sent in the last millisecond there is", last, flags="Boundary", spec=f"{OPENING} ENC-10")
    empty = seal(message("no bytes at all", [BOB], body=b"")).envelope
    add("an empty body", empty, flags="Boundary", spec=f"{OPENING} SEAL-18")
    plain = message("two keys", [BOB, CAROL], sender=None)
    first, _ = two_key_message(plain, opens_for=BOB.user_id)
    add(
        "a body that opens under two keys, read by the one to whom the header commits",
        first.envelope,
        flags="Commitment",
        spec=f"{OPENING} SEAL-6 SEAL-15 SUITE-6",
        allow_anonymous=True,
    )


def _letters(add: Any, bases: Bases) -> None:
    listing, path = f"{OPENING} SEAL-12", f"{OPENING} SEAL-13 MRK-1 MRK-2"
    for name in (CAROL, DAVE):
        data = letter(bases.three, name.user_id)
        add(f"the letter of another, {name.name}, of the same message", data, flags="Letter", spec=listing, holder=name)
    add("a letter to one", letter(bases.one, BOB.user_id), flags="Letter Boundary", spec=listing)
    alone = message("a hidden reader", [BOB], private=True)
    add("a private letter to one, whose path is empty", letter(alone, BOB.user_id), flags="Letter Boundary", spec=path)
    unsigned = letter(bases.unsigned, BOB.user_id)
    add("an unsigned letter", unsigned, flags="Letter Unsigned", spec=f"{listing} SEAL-15", allow_anonymous=True)
    add(
        "a letter to a rotating key",
        letter(bases.turned, BOB.user_id),
        flags="Letter Rotation",
        spec=listing,
        held=NUMBERS,
    )
    for count in (64, 65, 257):
        for private in (False, True) if count != 64 else (False,):
            given = message(f"crowd of {count}", crowd(count), private=private)
            data = letter(given, BOB.user_id)
            comment = f"a {'private ' if private else ''}letter to one of {count}"
            add(comment, data, flags="Letter Boundary", spec=listing if count == 64 else path)


# --- without a key ----------------------------------------------------------------------------------------------------


def outsides(book: Category, bases: Bases) -> None:
    """What anybody can do with an envelope: split it, inspect it, audit it."""
    group = book.group("letters", 20201)
    for comment, given in (("of an open envelope", bases.three), ("of a private envelope", bases.private)):
        group.valid(
            f"the letters {comment}",
            spec="SEAL-12 SEAL-13 SEAL-19",
            flags="Letter",
            input={"envelope": seal(given).envelope},
        )
    data = letter(bases.three, BOB.user_id)
    group.invalid(
        "the letters of a letter",
        spec="SEAL-12",
        flags="WrongType",
        code="malformed",
        stage="type",
        input={"envelope": data},
    )

    group = book.group("inspect", 20301)
    for comment, data in {
        "an envelope": seal(bases.two).envelope,
        "a private envelope": seal(bases.private).envelope,
        "a letter": letter(bases.three, BOB.user_id),
        "a private letter": letter(bases.private, BOB.user_id),
        "an envelope to a rotating key": seal(bases.turned).envelope,
    }.items():
        group.valid(f"{comment}, inspected", spec="SEAL-11 SEAL-19", flags="Normal", input={"data": data})

    _audits(book.group("audit", 20401), seal(bases.two), letter(bases.three, BOB.user_id))


def _audits(group: Group, honest: Steps, one_letter: bytes) -> None:
    alice, bob, carol, dave = (person.user_id for person in (ALICE, BOB, CAROL, DAVE))
    for comment, allowed in {
        "the recipients": [bob, carol],
        "the recipients and others": [alice, bob, carol, dave],
    }.items():
        given = {"data": honest.envelope, "allowed": allowed}
        group.valid(f"allowed: {comment}", spec="SEAL-20", flags="Audience", input=given)
    for comment, allowed in {"one of two": [bob], "others": [alice, dave], "nobody": []}.items():
        group.invalid(
            f"allowed: {comment}",
            spec="SEAL-20",
            flags="GhostRecipient",
            code="not-permitted",
            stage="purpose",
            base=group.first,
            input={"data": honest.envelope, "allowed": allowed},
        )
    group.invalid(
        "a letter, which does not carry all entries",
        spec="SEAL-20",
        flags="WrongType",
        code="malformed",
        stage="type",
        input={"data": one_letter, "allowed": [alice, bob, carol, dave]},
    )
