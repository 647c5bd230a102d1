"""The messages of the vectors: what is sealed with which randomness, and how a reader is described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.vectors.generator.book import Group, mutation, stream
from tests.vectors.generator.people import ALICE, BOB, CAROL, DAVE, MALLORY, NOW, Person, fixture
from tests.vectors.reference import hpke, identity
from tests.vectors.reference.sealed import Hook, Message, Recipient, Steps, letter_of, seal

SENT_AT = NOW + 1000
TEXT = b"A note that only its readers see."
CONTENT_TYPE = "text/plain"
PEOPLE = fixture(ALICE, BOB, CAROL, DAVE, MALLORY)


def rotating(person: Person, number: int) -> Recipient:
    """A recipient at a rotating key."""
    seed = dict(person.rotating)[number]
    return Recipient(identity.user_id(person.secret), hpke.public_key(seed), number)


def message(
    name: str,
    recipients: Sequence[Person] = (BOB, CAROL),
    *,
    sender: Person | None = ALICE,
    body: bytes = TEXT,
    content_type: str = CONTENT_TYPE,
    sent_at: int = SENT_AT,
    private: bool = False,
) -> Message:
    """A message to people's base keys; the name makes its randomness."""
    return Message(
        sender=sender.secret if sender else None,
        recipients=tuple(person.recipient for person in recipients),
        content_type=content_type,
        sent_at=sent_at,
        body=body,
        private=private,
        nonce=stream(f"{name}: nonce", 32),
        salt=stream(f"{name}: salt", 32),
        eseeds=tuple(stream(f"{name}: eseed {i}", 64) for i in range(len(recipients))),
    )


def sealing(
    name: str,
    recipients: Sequence[Person | dict[str, Any]] = (BOB, CAROL),
    *,
    sender: Person | None = ALICE,
    body: Any = TEXT,
    content_type: str = CONTENT_TYPE,
    sent_at: int = SENT_AT,
    private: bool = False,
) -> dict[str, Any]:
    """``input`` and ``random`` of a vector of type seal."""
    count = len(recipients)
    return {
        "input": {
            "sender": sender.name if sender else None,
            "recipients": [r.name if isinstance(r, Person) else r for r in recipients],
            "contentType": content_type,
            "sentAt": sent_at,
            "body": body,
            "private": private,
        },
        "random": {
            "nonce": stream(f"{name}: nonce", 32),
            "salt": stream(f"{name}: salt", 32),
            "eseeds": [stream(f"{name}: eseed {i}", 64) for i in range(count)],
        },
    }


def reading(
    data: Any,
    holder: Person = BOB,
    *,
    contacts: Sequence[Person] = (ALICE,),
    violated: Sequence[Person] = (),
    held: Sequence[int] | None = None,
    allow_anonymous: bool = False,
) -> dict[str, Any]:
    """``input`` of a vector of type open."""
    return (
        {"data": data, "holder": holder.name}
        | ({} if held is None else {"held": list(held)})
        | {"contacts": [person.name for person in contacts]}
        | ({"violated": [person.name for person in violated]} if violated else {})
        | {"allowAnonymous": allow_anonymous}
    )


def faulty(given: Message, step: str, hook: Hook) -> Steps:
    """The message with one step replaced and every later step made again."""
    return seal(given, {step: hook})


def letter(given: Message, user_id: bytes, steps: Steps | None = None) -> bytes:
    """The letter of one recipient."""
    steps = steps or seal(given)
    index = [recipient.user_id for recipient in steps.recipients].index(user_id)
    return letter_of(given.nonce, steps, index, private=given.private)


class Refuser:
    """Adds openings that have to be refused, each against one honest opening, by Bob who knows Alice."""

    def __init__(self, group: Group, base: int) -> None:
        self.group, self.base = group, base

    def __call__(
        self,
        stage: str,
        comment: str,
        data: Any,
        spec: str,
        flags: str,
        *,
        code: str = "malformed",
        step: str = "bytes",
        shown: dict[str, Any] | None = None,
        **reader: Any,
    ) -> None:
        """Bytes that Bob, unless told otherwise, is given to open."""
        self.group.invalid(
            comment,
            spec=spec,
            flags=flags,
            code=code,
            stage=stage,
            base=self.base,
            mutation=mutation(step, comment),
            shown=shown,
            input=reading(data, **reader),
        )

    def deep(
        self,
        stage: str,
        comment: str,
        given: Message,
        step: str,
        hook: Hook,
        *,
        spec: str,
        flags: str,
        code: str = "invalid-message",
    ) -> None:
        """A fault at one step of sealing, after which everything was made again."""
        data = faulty(given, step, hook).envelope
        self(stage, comment, data, spec, flags, step=step, code=code)
