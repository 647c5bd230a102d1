"""What each type of group asks for, answered by the reference: sealed messages."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from tests.vectors.notation import Case, Outcome, expand
from tests.vectors.reference import cbor, hpke, identity, receive, require, sealed
from tests.vectors.reference.operations import Operation


def person(case: Case, name: str) -> dict[str, Any]:
    """A person of the fixture."""
    found: dict[str, Any] = case.fixture["people"][name]
    return found


def _recipient(case: Case, given: str | dict[str, Any]) -> tuple[sealed.Recipient, int]:
    """A recipient and the end of their record: number 0 by name, a rotating key by name and number."""
    name, number = (given, 0) if isinstance(given, str) else (given["person"], given["sealingNumber"])
    secret = expand(person(case, name)["secret"])
    if number == 0:
        end = case.fixture["issuedAt"] + identity.RECORD_LIFE
        return sealed.Recipient(identity.user_id(secret), identity.base_sealing_key(secret)), end
    seed = next(expand(key["seed"]) for key in person(case, name)["rotating"] if key["number"] == number)
    return sealed.Recipient(identity.user_id(secret), hpke.public_key(seed), number), number + identity.KEY_LIFE


def message_of(case: Case, *, checked: bool = True) -> sealed.Message:
    """The message that input and randomness describe. Refused at stage argument, as the sealing call refuses it."""
    given = case.input
    found = [_recipient(case, recipient) for recipient in given["recipients"]]
    recipients = tuple(recipient for recipient, _ in found)
    body, content_type = expand(given["body"]), given["contentType"]
    distinct = len({recipient.user_id for recipient in recipients}) == len(recipients)
    alive = all(given["sentAt"] < end for _, end in found)
    named = 1 <= len(content_type.encode()) <= 255 and unicodedata.is_normalized("NFC", content_type)
    sized = 1 <= len(recipients) <= sealed.MAX_RECIPIENTS and len(body) <= sealed.MAX_BODY
    allowed = named and not content_type.startswith("siegel/")
    require(not checked or (distinct and alive and allowed and sized), "argument", "invalid-argument")
    return sealed.Message(
        sender=None if given["sender"] is None else expand(person(case, given["sender"])["secret"]),
        recipients=recipients,
        content_type=content_type,
        sent_at=given["sentAt"],
        body=body,
        private=given["private"],
        nonce=expand(case.random["nonce"]),
        salt=expand(case.random["salt"]),
        eseeds=tuple(expand(eseed) for eseed in case.random["eseeds"]),
    )


def seal(case: Case) -> Outcome:
    message = message_of(case)
    steps = sealed.seal(message)
    outcome = {"envelope": steps.envelope, "messageId": sealed.message_id(steps.header, steps.body)}
    signature = cbor.read(steps.signature)
    intermediate = {
        "leaves": sealed.leaves_of(message.nonce, [r.user_id for r in steps.recipients]),
        "root": steps.root,
        "digest": steps.digest,
        "contentSecret": steps.secret,
        "commitment": steps.commitment,
        "bodyKey": steps.body_key,
        "header": steps.header,
        "signature": signature,
        "plaintext": steps.plaintext,
    }
    return Outcome(outcome, intermediate)


def reader_of(case: Case) -> receive.Reader:
    """Who opens: ``holder``, with the rotating keys in ``held``, who knows ``contacts``."""
    holder = person(case, case.input["holder"])
    return receive.Reader(
        secret=expand(holder["secret"]),
        rotating={
            key["number"]: expand(key["seed"])
            for key in holder.get("rotating", [])
            if key["number"] in case.input.get("held", [])
        },
        known=[expand(person(case, name)["userId"]) for name in case.input["contacts"]],
        violated=[expand(person(case, name)["userId"]) for name in case.input.get("violated", [])],
        allow_anonymous=case.input["allowAnonymous"],
    )


def open_sealed(case: Case) -> Outcome:
    opened = receive.open_sealed(case.data("data"), reader_of(case))
    outside = opened.outside
    named = outside.mode == sealed.OPEN and opened.sender is not None
    return Outcome(
        {
            "body": opened.body,
            "sender": opened.sender,
            "contentType": opened.content_type,
            "sentAt": opened.sent_at,
            "recipients": outside.audience if named else None,
            "recipientCount": outside.count,
            "private": outside.mode == sealed.PRIVATE,
            "messageId": outside.message_id,
        }
    )


def seal_open(case: Case) -> Outcome:
    """What a sender without checks seals is opened: for messages too long to be written out."""
    opened = receive.open_sealed(sealed.seal(message_of(case, checked=False)).envelope, reader_of(case))
    return Outcome({"body": opened.body})


def letters(case: Case) -> Outcome:
    data = case.data("envelope")
    outside = receive.parse(data)
    require(not outside.is_letter, "type")
    nonce = cbor.read(data)[3]
    steps = sealed.Steps(
        recipients=[sealed.Recipient(user_id, b"", number) for user_id, number, _ in outside.entries],
        header=outside.header,
        entries=[cbor.array(cbor.octets(u), cbor.uint(n), cbor.octets(s)) for u, n, s in outside.entries],
        body=outside.body,
    )
    private = outside.mode == sealed.PRIVATE
    written = [sealed.letter_of(nonce, steps, index, private=private) for index in range(outside.count)]
    return Outcome({"letters": [[r.user_id, letter] for r, letter in zip(steps.recipients, written, strict=True)]})


def inspect(case: Case) -> Outcome:
    outside = receive.parse(case.data("data"))
    return Outcome(
        {
            "letter": outside.is_letter,
            "private": outside.mode == sealed.PRIVATE,
            "recipients": [[user_id, number] for user_id, number, _ in outside.entries],
            "recipientCount": outside.count,
            "bodyBytes": len(outside.body),
            "messageId": outside.message_id,
        }
    )


def audit(case: Case) -> Outcome:
    receive.audit(case.data("data"), [expand(user_id) for user_id in case.input["allowed"]])
    return Outcome({"permitted": True})


OPERATIONS: Final[dict[str, Operation]] = {
    "seal": seal,
    "open": open_sealed,
    "seal-open": seal_open,
    "letters": letters,
    "inspect": inspect,
    "audit": audit,
}
