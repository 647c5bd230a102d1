"""Knows the demo's chapters on sealed messages."""

from __future__ import annotations

from functools import partial
from typing import Final

from siegel._core.instants import DAY
from siegel.cli.demo.company import Person
from siegel.cli.demo.server import with_flipped_bit, with_ghost
from siegel.cli.demo.stage import Stage, is_refused
from siegel.cli.files import read_file, write_file
from siegel.cli.terminal import size
from siegel.envelope import letters
from siegel.errors import (
    Expired,
    InvalidMessage,
    MalformedError,
    NotARecipient,
    NotPermitted,
)
from siegel.identity import Identity, PublicIdentity
from siegel.inspection import audit_recipients, inspect_envelope
from siegel.sealed import open_sealed, seal
from siegel.sealing_keys import SealingKeys

_NOTICE: Final = b"To all: the works meeting is on Friday at ten, in the canteen.\n"
_NOTE: Final = b"Your results are in, and there is nothing to worry about.\n"
_OLD_NOTE: Final = b"Eva, the customer in the third street calls it quits. Nobody knows yet.\n"
_FLIPS: Final = 100
_LIMIT: Final = 2**20


def notice_to_all(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """One message to six: an envelope, cut into letters, opened by each."""
    ada = people[0]
    stage.begin("A notice to all")
    (ada.folder / "notice.txt").write_bytes(_NOTICE)
    envelope = seal(
        read_file(ada.folder / "notice.txt", limit=_LIMIT),
        sender=ada.identity,
        recipients=[person.record for person in people],
        content_type="text/plain",
        at=now,
    )
    write_file(ada.folder / "notice.sealed", envelope)
    by_id = {person.identity.user_id: person for person in people}
    for user_id, letter in letters(envelope):
        (by_id[user_id].mailbox / "notice.letter").write_bytes(letter)
    letter_bytes = (ada.mailbox / "notice.letter").stat().st_size
    stage.tell(
        f"Ada seals {size(len(_NOTICE))} to six people: one envelope of {size(len(envelope))}.",
        f"The server cuts it into six letters of {size(letter_bytes)}, one for each mailbox.",
    )
    opened = [person.open(person.mailbox / "notice.letter", person.folder / "notice from Ada.txt") for person in people]
    stage.shown(
        "all six opened theirs and hold the same text",
        holds=all(read_file(person.folder / "notice from Ada.txt", limit=_LIMIT) == _NOTICE for person in people),
    )
    stage.shown(
        "each knows from the signature that Ada wrote it, and to which six",
        holds=all(one.sender == ada.identity.user_id and set(one.recipients or ()) == set(by_id) for one in opened),
    )


def private_note(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """One message to one; a colleague who gets hold of it."""
    _, ben, chiara, deniz, *_ = people
    stage.begin("A private note")
    envelope = seal(_NOTE, sender=chiara.identity, recipients=[deniz.record], content_type="text/plain", at=now)
    for person in (ben, deniz):
        (person.mailbox / "note.sealed").write_bytes(envelope)
    stage.tell(f"Chiara seals {size(len(_NOTE))} to Deniz: {size(len(envelope))}. Ben's mailbox gets a copy.")
    message = deniz.open(deniz.mailbox / "note.sealed", deniz.folder / "note.txt")
    stage.shown(
        "Deniz opened it; it is from Chiara",
        holds=message.sender == chiara.identity.user_id and read_file(deniz.folder / "note.txt", limit=_LIMIT) == _NOTE,
    )
    copy, target = ben.mailbox / "note.sealed", ben.folder / "note.txt"
    stage.refused("Ben", NotARecipient, partial(ben.open, copy, target), unwritten=[target])


def ghost_recipient(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """The server adds a reader: bluntly, and with everything recomputed that can be without a key."""
    ghost = Identity.generate()
    stage.begin("The server adds a reader")
    envelope = read_file(people[0].folder / "notice.sealed", limit=_LIMIT)
    blunt = with_ghost(envelope, ghost.public(at=now), forge_root=False)
    stage.tell("It puts a seventh entry, for a key of its own, into Ada's envelope.")
    quote = stage.refused(
        "whoever inspects the envelope, without any key", MalformedError, partial(inspect_envelope, blunt)
    )
    stage.quote(quote)
    _all_refuse(stage, people, blunt, MalformedError)

    forged = with_ghost(envelope, ghost.public(at=now), forge_root=True)
    allowed = [person.identity.user_id for person in people]
    stage.tell("It tries again, and makes count, order and root of the tree fit.")
    audit = partial(audit_recipients, forged, allowed=allowed)
    stage.refused("an audit against the six, naming the ghost", NotPermitted, audit, naming=str(ghost.user_id))
    _all_refuse(stage, people, forged, InvalidMessage)
    stage.refused("the ghost", InvalidMessage, partial(open_sealed, forged, identity=ghost, contacts=allowed))


def _all_refuse(
    stage: Stage, people: tuple[Person, ...], tampered: bytes, error: type[MalformedError | InvalidMessage]
) -> None:
    for person in people:
        (person.mailbox / "tampered.sealed").write_bytes(tampered)
    targets = [person.folder / "tampered.txt" for person in people]
    attempts = [
        partial(person.open, person.mailbox / "tampered.sealed", target)
        for person, target in zip(people, targets, strict=True)
    ]
    stage.refused("each of the six", error, *attempts, unwritten=targets)


def flipped_bit(stage: Stage, people: tuple[Person, ...], _: int) -> None:
    """Bits of a letter change on the way."""
    ben = people[1]
    stage.begin("A flipped bit")
    letter = read_file(ben.mailbox / "notice.letter", limit=_LIMIT)
    last = len(letter) * 8 - 1
    damaged, target = ben.mailbox / "damaged.letter", ben.folder / "damaged.txt"
    damaged.write_bytes(with_flipped_bit(letter, last))
    stage.tell("Ben's letter arrives with its very last bit flipped.")
    stage.quote(stage.refused("Ben", InvalidMessage, partial(ben.open, damaged, target), unwritten=[target]))
    places = [last * place // _FLIPS for place in range(_FLIPS)]
    stage.shown(
        f"{_FLIPS} other bits, one by one, spread over all {last + 1:,}: refused too",
        holds=all(is_refused(partial(ben.opened, with_flipped_bit(letter, bit))) for bit in places),
    )


def old_key(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """A rotating key is deleted on schedule; what was sealed to it is closed, also to a thief."""
    _, ben, _, _, eva, _ = people
    stage.begin("An old key")
    then = now - 40 * DAY
    keys = SealingKeys(eva.identity)
    record = keys.rotate(at=then)
    recorded = seal(_OLD_NOTE, sender=ben.identity, recipients=[record], content_type="text/plain", at=then + DAY)
    arrived, read = eva.mailbox / "old note.sealed", eva.folder / "old note.txt"
    arrived.write_bytes(recorded)
    stage.tell(
        "40 days ago Eva published a key for 7 days, with 30 of grace for late post.",
        "Ben sealed a note to it, and somebody recorded it on the way.",
    )
    eva.open(arrived, read, keys=keys)
    readable = read_file(read, limit=_LIMIT) == _OLD_NOTE
    read.unlink()
    forgotten = record.sealing_number in keys.expire(at=now)
    stage.shown("Eva opened it then and deleted it; the key was deleted on schedule", holds=readable and forgotten)
    write_file(eva.folder / "sealing keys", keys.encode(), secret=True)
    stage.tell("Today a thief takes the device, with every file and key that is on it.")
    stolen = SealingKeys.decode(read_file(eva.folder / "sealing keys", limit=_LIMIT), identity=eva.identity)
    stage.quote(
        stage.refused("the thief, with the recorded note", Expired, partial(eva.open, arrived, read, keys=stolen))
    )
    stage.refused("whoever loads that public record", Expired, partial(PublicIdentity.decode, record.encode(), at=now))


CHAPTERS: Final = (notice_to_all, private_note, ghost_recipient, flipped_bit, old_key)
