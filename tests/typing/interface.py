"""What type checkers infer for the public interface. Read by mypy and pyright, and run by ``test_interface``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

from siegel import (
    AttachmentReader,
    AttachmentRef,
    Contacts,
    ContactState,
    EnvelopeInfo,
    Identity,
    OpenedMessage,
    PublicIdentity,
    SealingKeys,
    SiegelError,
    StreamDecryptor,
    StreamEncryptor,
    Succession,
    UserId,
    audit_recipients,
    decrypt_file,
    decrypt_file_async,
    encrypt_file,
    encrypt_file_async,
    inspect_envelope,
    letters,
    open_many,
    open_sealed,
    parts,
    safety_number,
    safety_qr,
    seal,
)
from siegel.errors import Fork, InvalidArgument, MalformedError, UnknownSender, UnsupportedVersion
from siegel.events import ContactEvent, ForkDetected, SealingKeyShared, SuccessionClaimed


def identities(alice: Identity, bob: Identity) -> PublicIdentity:
    """Keys, records and texts."""
    assert_type(Identity.generate(), Identity)
    assert_type(Identity.from_words(alice.words()), Identity)
    assert_type(Identity.parse(alice.reveal()), Identity)
    assert_type(alice.user_id, UserId)
    assert_type(UserId.parse(str(alice.user_id)), UserId)
    assert_type(bytes(alice.user_id), bytes)
    keys = SealingKeys(bob)
    record = keys.rotate()
    assert_type(record, PublicIdentity)
    assert_type(PublicIdentity.decode(record.encode()), PublicIdentity)
    assert_type(record.user_id, UserId)
    assert_type(record.sealing_number, int)
    assert_type(record.not_after, int)
    assert_type(keys.numbers, tuple[int, ...])
    assert_type(keys.expire(), tuple[int, ...])
    assert_type(SealingKeys.decode(keys.encode(), identity=bob), SealingKeys)
    assert_type(safety_number(alice.user_id, bob.user_id), str)
    assert_type(safety_qr(alice.user_id, bob.user_id), bytes)
    return bob.public()


def contacts_of(bob: Identity, alice: PublicIdentity, succession: Succession) -> Contacts:
    """Contacts and their events."""
    contacts = Contacts(bob.user_id)
    assert_type(contacts.add(alice, name="alice"), tuple[ContactEvent, ...])
    assert_type(contacts.succeed(succession), tuple[ContactEvent, ...])
    assert_type(contacts.state(alice.user_id), ContactState | None)
    contacts.accept(alice)
    assert_type(contacts.get("alice"), PublicIdentity)
    assert_type(list(contacts), list[UserId])
    return contacts


def told(event: ContactEvent) -> str:
    """A match over events is complete without a default."""
    match event:
        case SealingKeyShared(user_id=user_id, other=other):
            return f"{user_id} and {other}"
        case SuccessionClaimed(old=old, new=new):
            return f"{old} to {new}"
        case ForkDetected(user_id=user_id, evidence=evidence):
            return f"{user_id}: {len(evidence)}"


def messages(alice: Identity, bob: Identity, record: PublicIdentity, contacts: Contacts) -> OpenedMessage:
    """Sealing and opening."""
    envelope = seal(b"text", sender=alice, recipients=[record])
    assert_type(envelope, bytes)
    assert_type(seal(b"text", sender=None, recipients=(record,), private=True), bytes)
    assert_type(letters(envelope), Iterator[tuple[UserId, bytes]])
    assert_type(inspect_envelope(envelope), EnvelopeInfo)
    assert_type(inspect_envelope(envelope).recipients, tuple[tuple[UserId, int], ...])
    audit_recipients(envelope, allowed={bob.user_id})
    for known in (contacts, [alice.user_id], {alice.public()}, frozenset({alice.user_id})):
        assert_type(open_sealed(envelope, identity=bob, contacts=known), OpenedMessage)
    results = open_many([envelope], identity=SealingKeys(bob), contacts=contacts)
    assert_type(results, list[OpenedMessage | SiegelError])
    for result in results:
        if isinstance(result, SiegelError):
            assert_type(result.code, str)
        else:
            assert_type(result, OpenedMessage)
    message = open_sealed(envelope, identity=bob, contacts=contacts)
    assert_type(message.body, bytes)
    assert_type(message.sender, UserId | None)
    assert_type(message.recipients, tuple[UserId, ...] | None)
    return message


async def attachments(folder: Path) -> AttachmentRef:
    """Files, readers and streams."""
    source, staging, copy = folder / "source", folder / "staging", str(folder / "copy")
    assert_type(await encrypt_file_async(source, staging), AttachmentRef)
    ref = encrypt_file(str(source), staging, name="a.txt", progress=max)
    assert_type(AttachmentRef.decode(ref.encode()), AttachmentRef)
    assert_type(list(parts(staging)), list[tuple[int, bytes]])
    decrypt_file(staging, copy, ref)
    await decrypt_file_async(staging, copy, ref)
    with AttachmentReader(staging, ref) as reader:
        assert_type(reader.read(1), bytes)
        assert_type(await reader.aread(), bytes)
        assert_type(reader.seek(0), int)
        assert_type(reader.readinto(bytearray(1)), int)
    with staging.open("rb") as file:
        assert_type(AttachmentReader(file, ref).readall(), bytes)
    key = bytes(32)
    assert_type(StreamEncryptor(key, context=b"").update(b""), bytes)
    assert_type(StreamDecryptor(key, context=b"").update_into(b"", bytearray(20_000)), int)
    return ref


def errors() -> None:
    """What errors carry."""
    assert_type(MalformedError("where", "what").where, str)
    assert_type(UnsupportedVersion("where", 2).version, int)
    assert_type(UnknownSender(None).sender, bytes | None)
    assert_type(Fork("what", (b"", b"")).evidence, tuple[bytes, ...])
    value: ValueError = InvalidArgument("a ValueError too")
    assert_type(value.args, tuple[Any, ...])


if TYPE_CHECKING:
    # What must not pass: each line is an error, and an exemption that is not needed is one too.

    def refused(alice: Identity, record: PublicIdentity, users: Collection[UserId], envelope: bytes) -> None:
        """Misuse that a type checker finds."""
        seal("text", sender=alice, recipients=[record])  # type: ignore[arg-type]  # text is no body
        seal(b"", sender=alice, recipients=record)  # type: ignore[arg-type]  # one recipient is a list of one
        seal(b"", sender=alice, recipients=users)  # type: ignore[arg-type]  # nothing can be sealed to an id
        seal(b"", sender=record, recipients=[record])  # type: ignore[arg-type]  # a record cannot sign
        seal(b"", alice, [record])  # type: ignore[call-arg]  # after the body everything has its name
        seal(b"", recipients=[record])  # type: ignore[call-arg]  # an unsigned message must be asked for
        open_sealed(envelope, identity=alice)  # type: ignore[call-arg]  # whom the caller knows must be said
        open_sealed(envelope, identity=record, contacts=users)  # type: ignore[arg-type]  # a record cannot open
        audit_recipients(envelope, allowed=["siegel1"])  # type: ignore[list-item]  # ids, not texts
        recipients: Iterable[PublicIdentity] = [alice]  # type: ignore[list-item]  # secret and public are two types
        assert recipients
