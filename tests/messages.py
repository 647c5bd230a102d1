"""Sealed messages made step by step, so that a test can put a fault at any step and have the rest stay right.

What makes them is the vectors' reference, written apart from the library; a hook replaces the result of one step, and
every later step (commitment, signature, encryption) is computed over the replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siegel import PublicIdentity
from tests.people import AT, company, person, secret_of
from tests.vectors.reference import LATEST, cbor, hpke, identity, sealed, texts
from tests.vectors.reference.sealed import Hook, Hooks, Message, Recipient, Steps

SENDER = "alice"
BODY = b"the body that was sealed"


def message(
    recipients: Sequence[PublicIdentity] = company(2)[1:],
    *,
    sender: str | None = SENDER,
    private: bool = False,
    content_type: str = "text/plain",
    body: bytes = BODY,
) -> Message:
    """What an honest sender would seal; to Bob unless said otherwise."""
    return Message(
        sender=None if sender is None else secret_of(sender),
        recipients=tuple(Recipient(p.user_id.data, p.sealing_key.data, p.sealing_number) for p in recipients),
        content_type=content_type,
        sent_at=AT,
        body=body,
        private=private,
        nonce=secret_of("nonce"),
        salt=secret_of("salt"),
        eseeds=tuple(secret_of(f"m {i}") + secret_of(f"x25519 {i}") for i in range(len(recipients))),
    )


def steps_of(honest: Message | None = None, **hooks: Hook) -> Steps:
    """All steps of one message with these steps replaced."""
    return sealed.seal(honest or message(), hooks)


def letters_of(honest: Message, steps: Steps) -> list[bytes]:
    """The letters of a message to at most 64 recipients, in the order of the entries."""
    ids = [recipient.user_id for recipient in steps.recipients]
    listing = sealed.listing_proof(honest.nonce, ids)
    proofs = [sealed.path_proof(honest.nonce, ids, index) if honest.private else listing for index in range(len(ids))]
    return [sealed.letter(steps.header, *parts, steps.body) for parts in zip(steps.entries, proofs, strict=True)]


def flip(data: bytes, at: int) -> bytes:
    """The bytes with one bit flipped in the byte at this place."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def instead(value: Any) -> Hook:
    """A hook that puts a value in place of an honest one."""
    return lambda _honest, _steps: value


# --- faults in a message to Bob that only his secret can find --------------------------------------------------------

_BOB = person("bob").user_id.data
_SEALED_AT = 39  # in an encoded entry with sealing number 0: heads, user id, number
_SMALL = b"\1" + bytes(31)  # the neutral element: a "key" under which one signature fits every message


def _sealed_byte(at: int) -> Hook:
    return lambda entries, _: [flip(entries[0], _SEALED_AT + at)]


def _sealed_differently(*, key: bytes = b"", secret: bytes = b"") -> Hook:
    bob = message().recipients[0]

    def entries(_honest: list[bytes], steps: Steps) -> list[bytes]:
        eseed = message().eseeds[0]
        return [sealed.entry(bob, hpke.seal(key or bob.sealing_key, eseed, steps.infos[0], secret or steps.secret))]

    return entries


def _info(*, user_id: bytes = _BOB, number: int = 0, header: int = 0) -> Hook:
    return lambda _, steps: [sealed.info_of(flip(steps.header, -1) if header else steps.header, user_id, number)]


def _encrypted(*, key: int = 0, header: int = 0, nonce: bytes = bytes(12)) -> Hook:
    return lambda _, steps: sealed.encrypt(
        flip(steps.body_key, 0) if key else steps.body_key,
        steps.plaintext,
        flip(steps.header, -1) if header else steps.header,
        nonce,
    )


def _signature(*, by: str = SENDER, header: int = 0, digest: int = 0) -> Hook:
    def signature(_honest: bytes, steps: Steps) -> bytes:
        signed = sealed.signed_part(
            flip(steps.header, -1) if header else steps.header, flip(steps.digest, 0) if digest else steps.digest
        )
        return cbor.octets(identity.sign_with(secret_of(by), signed))

    return signature


def _inner(
    content_type: bytes = cbor.text("a"), sent_at: bytes = cbor.uint(AT), body: bytes = cbor.octets(b"")
) -> Hook:
    return instead(cbor.array(content_type, sent_at, body))


def _next_bucket(honest: bytes, _: Steps) -> bytes:
    return honest + bytes(texts.padme(len(honest) + 1) - len(honest))


FAULTS: dict[str, Hooks] = {
    "a bit of the ML-KEM ciphertext": {"entries": _sealed_byte(500)},
    "a bit of the X25519 ephemeral": {"entries": _sealed_byte(1100)},
    "a bit of the sealed secret": {"entries": _sealed_byte(1130)},
    "a bit of the sealed secret's tag": {"entries": _sealed_byte(1167)},
    "sealed to another key": {"entries": _sealed_differently(key=company(3)[2].sealing_key.data)},
    "another secret sealed": {"entries": _sealed_differently(secret=secret_of("another content secret"))},
    "sealed for another user": {"infos": _info(user_id=company(3)[2].user_id.data)},
    "sealed for another number": {"infos": _info(number=1)},
    "sealed under another header": {"infos": _info(header=1)},
    "another commitment": {"commitment": lambda honest, _: flip(honest, 0)},
    "a bit of the body": {"body": lambda honest, _: flip(honest, 3)},
    "a bit of the body's tag": {"body": lambda honest, _: flip(honest, -1)},
    "body under another key": {"body": _encrypted(key=1)},
    "body under another header": {"body": _encrypted(header=1)},
    "body under another nonce": {"body": _encrypted(nonce=b"\1" + bytes(11))},
    "a padding byte": {"plaintext": lambda honest, _: flip(honest, -1)},
    "padded to the next bucket": {"plaintext": _next_bucket},
    "length zero": {"plaintext": lambda honest, _: bytes(4) + honest[4:]},
    "length beyond the end": {"plaintext": lambda honest, _: b"\xff" * 4 + honest[4:]},
    "no padding form at all": {"plaintext": instead(bytes(64))},
    "content that is no CBOR": {"content": instead(b"\xff")},
    "no content": {"content": instead(b"")},
    "content with bytes after its end": {"content": lambda honest, _: honest + b"\0"},
    "content that is no array": {"content": instead(cbor.octets(bytes(100)))},
    "content of two items": {"content": lambda _, steps: cbor.array(steps.inner, steps.sender)},
    "content of four items": {
        "content": lambda _, steps: cbor.array(steps.inner, steps.sender, steps.signature, cbor.NULL)
    },
    "inner content that is no array": {"inner": instead(cbor.octets(b""))},
    "inner content of two items": {"inner": instead(cbor.array(cbor.text("a"), cbor.uint(AT)))},
    "inner content with a long head": {"inner": _inner(sent_at=cbor.uint(0, 1))},
    "inner content with a float": {"inner": _inner(sent_at=b"\xf9\0\0")},
    "content type of bytes": {"inner": _inner(content_type=cbor.octets(b"a"))},
    "empty content type": {"inner": _inner(content_type=cbor.text(""))},
    "content type of 256 bytes": {"inner": _inner(content_type=cbor.text("a" * 256))},
    "content type not NFC": {"inner": _inner(content_type=cbor.text("u\u0308"))},
    "content type not UTF-8": {"inner": _inner(content_type=b"\x61\xff")},
    "sent at null": {"inner": _inner(sent_at=cbor.NULL)},
    "sent after the year 9999": {"inner": _inner(sent_at=cbor.uint(LATEST + 1))},
    "body of text": {"inner": _inner(body=cbor.text("a"))},
    "sender without signature": {"signature": instead(cbor.NULL)},
    "signature without sender": {"sender": instead(cbor.NULL)},
    "sender of 31 bytes": {"sender": instead(cbor.octets(bytes(31)))},
    "signature of 63 bytes": {"signature": instead(cbor.octets(bytes(63)))},
    "sender that is no point": {"sender": instead(cbor.octets(b"\2" + bytes(31)))},
    "sender of small order": {
        "sender": instead(cbor.octets(_SMALL)),
        "signature": instead(cbor.octets(_SMALL + bytes(32))),
    },
    "somebody else as sender": {"sender": instead(cbor.octets(company(3)[2].user_id.data))},
    "a bit of the signature": {"signature": lambda honest, _: flip(honest, -1)},
    "signed by somebody else": {"signature": _signature(by="mallory")},
    "signed for another header": {"signature": _signature(header=1)},
    "signed for other content": {"signature": _signature(digest=1)},
}
