"""What each type of group asks for, answered by the library: sealed messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from siegel import (
    Contacts,
    Identity,
    OpenedMessage,
    PublicIdentity,
    SealingKeys,
    UserId,
    audit_recipients,
    inspect_envelope,
    letters,
    open_sealed,
    seal,
)
from siegel._core import codec, padding, suite
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel.audience import audience_leaves
from siegel.envelope import Envelope, parse_sealed
from siegel.errors import IdentityChanged
from siegel.sealed import seal_content
from tests.vectors.notation import Case, Outcome, expand
from tests.vectors.production import seeds_of_rotation
from tests.vectors.reference import hpke
from tests.vectors.reference.operations import Operation

# --- people -----------------------------------------------------------------------------------------------------------


def _person(case: Case, name: str) -> dict[str, Any]:
    found: dict[str, Any] = case.fixture["people"][name]
    return found


def _identity(case: Case, name: str) -> Identity:
    identity = Identity.from_secret(expand(_person(case, name)["secret"]))
    assert bytes(identity.user_id) == expand(_person(case, name)["userId"])
    return identity


def _rotated(case: Case, name: str, numbers: Sequence[int]) -> tuple[SealingKeys, dict[int, PublicIdentity]]:
    """The device of a person that holds these rotating keys, and the records that it published."""
    keys = [key for key in _person(case, name)["rotating"] if key["number"] in numbers]
    device = SealingKeys(_identity(case, name))
    with seeds_of_rotation([expand(key["seed"]) for key in keys]):
        return device, {key["number"]: device.rotate(at=key["number"]) for key in keys}


def _record(case: Case, recipient: str | dict[str, Any]) -> PublicIdentity:
    if isinstance(recipient, str):
        return _identity(case, recipient).public(at=case.fixture["issuedAt"])
    name, number = recipient["person"], recipient["sealingNumber"]
    return _rotated(case, name, [number])[1][number]


def _contacts(case: Case) -> Contacts:
    """The contacts, of whom some are violated: somebody presented another user under their name."""
    contacts = Contacts()
    violated = case.input.get("violated", [])
    for name in case.input["contacts"]:
        contacts.add(_record(case, name), name=name)
    stranger = Identity.from_secret(b"\x01" * 32).public(at=case.fixture["issuedAt"])
    for name in violated:
        try:
            contacts.add(stranger, name=name)
        except IdentityChanged:
            continue
        raise AssertionError("another user under a pinned name was accepted")
    return contacts


# --- sealing ----------------------------------------------------------------------------------------------------------


class _Sealer:
    """Seals with the encapsulation randomness of the vector, in the order of the entries; sees the content secret."""

    def __init__(self, eseeds: list[bytes]) -> None:
        self.eseeds, self.secret = eseeds, b""

    def __call__(self, secret: Secret, jobs: Sequence[tuple[suite.SealingPublicKey, bytes]]) -> list[bytes]:
        self.secret = secret.reveal()
        pairs = zip(jobs, self.eseeds, strict=True)
        return [hpke.seal(key.data, eseed, info, self.secret) for (key, info), eseed in pairs]


def _seal(case: Case) -> tuple[bytes, bytes, list[PublicIdentity]]:
    """The envelope, the content secret, and the recipients."""
    given = case.input
    recipients = [_record(case, recipient) for recipient in given["recipients"]]
    sealer = _Sealer([expand(eseed) for eseed in case.random["eseeds"]])
    envelope = seal_content(
        codec.encode([given["contentType"], given["sentAt"], expand(given["body"])]),
        sender=_identity(case, given["sender"]) if given["sender"] is not None else None,
        recipients=recipients,
        private=given["private"],
        nonce=expand(case.random["nonce"]),
        salt=expand(case.random["salt"]),
        sealer=sealer,
    )
    return envelope, sealer.secret, recipients


def seal_message(case: Case) -> Outcome:
    """Seals with the given randomness; before that the public call has to take, or refuse, the same arguments."""
    given = case.input
    sender = _identity(case, given["sender"]) if given["sender"] is not None else None
    audience = [_record(case, recipient) for recipient in given["recipients"]]
    if len(audience) < 64:
        _ = seal(
            expand(given["body"]),
            sender=sender,
            recipients=audience,
            content_type=given["contentType"],
            private=given["private"],
            at=given["sentAt"],
        )
    data, secret, _ = _seal(case)
    envelope = parse_sealed(data)
    assert isinstance(envelope, Envelope)
    _every_recipient_opens(case, data, sender)
    return Outcome(
        {"envelope": data, "messageId": inspect_envelope(data).message_id}, _intermediate(envelope, Secret(secret))
    )


def _intermediate(envelope: Envelope, secret: Secret) -> dict[str, Any]:
    """What lies between input and envelope, taken apart with the library's own parts."""
    header = envelope.header
    commitment, body_key = suite.hkdf_expand_pair(secret, info=labelled(Label.CONTENT_KEYS, header.root))
    plaintext = suite.decrypt_once(body_key, envelope.body, aad=header.encoded)
    content = codec.decode(padding.unpad(plaintext))
    assert isinstance(content, list)
    inner, _, signature = content
    assert isinstance(inner, list)
    return {
        "leaves": audience_leaves(envelope.nonce, [entry.user_id for entry in envelope.entries]),
        "root": header.root,
        "digest": suite.sha256(labelled(Label.INNER_CONTENT, *inner)),
        "contentSecret": secret.reveal(),
        "commitment": commitment,
        "bodyKey": body_key.reveal(),
        "header": header.encoded,
        "signature": signature,
        "plaintext": plaintext,
    }


def _every_recipient_opens(case: Case, data: bytes, sender: Identity | None) -> None:
    given = case.input
    known = [sender.user_id] if sender else []
    for recipient in given["recipients"]:
        name, number = (
            (recipient, 0) if isinstance(recipient, str) else (recipient["person"], recipient["sealingNumber"])
        )
        reader = _rotated(case, name, [number])[0] if number else _identity(case, name)
        opened = open_sealed(data, identity=reader, contacts=known, allow_anonymous=sender is None)
        assert (opened.sender, opened.body) == (sender.user_id if sender else None, expand(given["body"]))
        assert (opened.content_type, opened.sent_at) == (given["contentType"], given["sentAt"])


# --- opening ----------------------------------------------------------------------------------------------------------


def opener(case: Case) -> Callable[[bytes], OpenedMessage]:
    """Opens as the vector's reader, whose state has to be the same afterwards, whatever happens."""
    given = case.input
    if "held" in given:
        reader: Identity | SealingKeys = _rotated(case, given["holder"], given["held"])[0]
    else:
        reader = _identity(case, given["holder"])
    contacts = _contacts(case)

    def state() -> tuple[bytes, bytes | str]:
        return contacts.encode(), reader.encode() if isinstance(reader, SealingKeys) else reader.reveal()

    before = state()

    def opened(data: bytes) -> OpenedMessage:
        try:
            return open_sealed(data, identity=reader, contacts=contacts, allow_anonymous=given["allowAnonymous"])
        finally:
            assert state() == before

    return opened


def open_message(case: Case) -> Outcome:
    opened = opener(case)(case.data("data"))
    return Outcome(
        {
            "body": opened.body,
            "sender": None if opened.sender is None else bytes(opened.sender),
            "contentType": opened.content_type,
            "sentAt": opened.sent_at,
            "recipients": None if opened.recipients is None else [bytes(user_id) for user_id in opened.recipients],
            "recipientCount": opened.recipient_count,
            "private": opened.private,
            "messageId": opened.message_id,
        }
    )


def seal_and_open(case: Case) -> Outcome:
    return Outcome({"body": opener(case)(_seal(case)[0]).body})


# --- without a key ----------------------------------------------------------------------------------------------------


def split(case: Case) -> Outcome:
    return Outcome({"letters": [[bytes(user_id), letter] for user_id, letter in letters(case.data("envelope"))]})


def inspect(case: Case) -> Outcome:
    info = inspect_envelope(case.data("data"))
    return Outcome(
        {
            "letter": info.letter,
            "private": info.private,
            "recipients": [[bytes(user_id), number] for user_id, number in info.recipients],
            "recipientCount": info.recipient_count,
            "bodyBytes": info.body_bytes,
            "messageId": info.message_id,
        }
    )


def audit(case: Case) -> Outcome:
    audit_recipients(case.data("data"), allowed=[UserId(expand(user_id)) for user_id in case.input["allowed"]])
    return Outcome({"permitted": True})


OPERATIONS: Final[dict[str, Operation]] = {
    "seal": seal_message,
    "open": open_message,
    "seal-open": seal_and_open,
    "letters": split,
    "inspect": inspect,
    "audit": audit,
}
