"""Knows sealed messages: one to one, one to many, no session.

Spec: sealed.md, SEAL-1, SEAL-4 … SEAL-10, SEAL-15 … SEAL-17.

Laws: nobody but the sender can have added a reader; the sender is an output of verification; a content secret is fresh
for each text, so the zero nonce of its key is used once; nothing of a message comes out before all of it is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias
from unicodedata import is_normalized

from siegel._core import shape
from siegel._core.codec import array_head, array_of, decode, encode
from siegel._core.instants import LATEST, instant
from siegel._core.labels import Label, labelled
from siegel._core.padding import pad, unpad
from siegel._core.secret import Secret
from siegel._core.suite import (
    SIGNATURE_BYTES,
    SealingPublicKey,
    decrypt_once,
    encrypt_once,
    hkdf_expand_pair,
    hkdf_extract,
    hpke_open,
    hpke_seal,
    random_bytes,
    require_equal,
    sha256,
    sign,
    verify,
)
from siegel.audience import NONCE_BYTES, audience_leaves
from siegel.contacts import Contacts
from siegel.envelope import (
    MAX_BODY_BYTES,
    MAX_RECIPIENTS,
    Header,
    encode_entry,
    encode_envelope,
    make_header,
    message_id,
    mode_of,
    parse_sealed,
)
from siegel.errors import InvalidArgument, InvalidMessage, MalformedError, NotPermitted, SiegelError, UnknownSender
from siegel.identity import USER_ID_BYTES, Identity, PublicIdentity, UserId, hedge_secret, signing_key
from siegel.merkle import MerkleTree
from siegel.sealing_keys import SealingKeys, opening_key

RESERVED: Final = "siegel/"
_CONTENT: Final = array_head(3)  # before inner content, author and signature
_ENTRY: Final = Label.ENTRY + array_of(b"", b"", b"")  # before header, user id and number
MAX_CONTENT_TYPE_BYTES: Final = 255

_SIGNED_TAIL_BYTES: Final = 2 + USER_ID_BYTES + 2 + SIGNATURE_BYTES
_UNSIGNED_TAIL_BYTES: Final = 2

Known: TypeAlias = Contacts | Collection[PublicIdentity | UserId]
Sealer: TypeAlias = Callable[[Secret, Sequence[tuple[SealingPublicKey, bytes]]], list[bytes]]


class OpenedMessage(NamedTuple):
    """A message that was verified as a whole.

    ``sender`` is who signed it, or None if unsigned. ``sent_at`` (ms) is the sender's claim. ``recipients`` is the set
    that the sender signed, or None where it is not known: private mode, unsigned, or a letter to more than 64.
    ``message_id`` (32 bytes) is for replay protection, which this room does not have. ``late`` is set by rooms above.
    """

    body: bytes
    sender: UserId | None
    content_type: str
    sent_at: int
    recipients: tuple[UserId, ...] | None
    recipient_count: int
    private: bool
    message_id: bytes
    late: bool = False

    def __repr__(self) -> str:
        return f"<OpenedMessage {self.message_id.hex()}, {len(self.body)} bytes from {self.sender}>"


class _Content(NamedTuple):
    content_type: str
    sent_at: int
    body: bytes
    sender: bytes | None
    signature: bytes  # empty if unsigned
    digest: bytes  # of the inner content


# --- seal ------------------------------------------------------------------------------------------------------------


def seal(
    body: bytes,
    *,
    sender: Identity | None,
    recipients: Iterable[PublicIdentity],
    content_type: str = "application/octet-stream",
    private: bool = False,
    at: int | None = None,
    workers: int | None = None,
) -> bytes:
    """An envelope that exactly these recipients can open, signed by the sender.

    ``recipients``: 1 to 16,384 with distinct user ids; a sender who should read it too is one of them. ``private``
    hides the recipients from each other, if only letters and never the envelope reach them. ``sender=None`` makes an
    unsigned message: who wrote it, and to whom, is then not protected. ``workers`` seals in that many processes, which
    pays from about a thousand recipients on (the calling script needs the usual ``if __name__ == "__main__"``).

    Raises InvalidArgument for a body over 16 MiB, no or too many recipients, one user twice, a record not valid at
    ``at``, a content type that is empty, over 255 bytes, not NFC or begins with ``siegel/``.
    """
    sent_at = instant(at)
    audience = list(recipients)
    _check_body(body)
    _check_recipients(audience, sent_at)
    check_content_type(content_type)
    if workers is not None and (type(workers) is not int or workers < 1):
        raise InvalidArgument("workers is a number of processes")
    return seal_content(
        array_of(encode(content_type), encode(sent_at), encode(bytes(body))),
        sender=sender,
        recipients=audience,
        private=private,
        nonce=random_bytes(NONCE_BYTES),
        salt=random_bytes(32),
        sealer=_sealer(workers or 1),
    )


def seal_content(
    inner: bytes,
    *,
    sender: Identity | None,
    recipients: Sequence[PublicIdentity],
    private: bool,
    nonce: bytes,
    salt: bytes,
    sealer: Sealer,
) -> bytes:
    """The envelope around an encoded inner content, from explicit randomness (SEAL-2 … SEAL-10).

    For rooms above and for vectors; checks nothing.
    """
    leaves = audience_leaves(nonce, [public.user_id.data for public in recipients])
    placed = sorted(zip(leaves, recipients, strict=True), key=lambda pair: pair[0])
    root = MerkleTree([leaf for leaf, _ in placed]).root
    digest = sha256(Label.INNER_CONTENT + inner)  # SEAL-4

    hedge = hedge_secret(sender).reveal() if sender else b""
    mode = mode_of(private=private)  # the signature covers it, so two modes are two plaintexts and need two keys
    secret = hkdf_extract(salt=salt, material=labelled(Label.CONTENT_SECRET, hedge, mode, root, digest))
    del hedge  # raw bytes: a crash report that shows local variables must not find them when a step below fails
    commitment, body_key = hkdf_expand_pair(secret, info=labelled(Label.CONTENT_KEYS, root))
    header = make_header(private=private, recipient_count=len(placed), root=root, commitment=commitment)

    jobs = [(p.sealing_key, _entry_info(header, p.user_id.data, p.sealing_number)) for _, p in placed]
    sealed = sealer(secret, jobs)
    entries = [encode_entry(p.user_id.data, p.sealing_number, s) for (_, p), s in zip(placed, sealed, strict=True)]

    author = sender.user_id.data if sender else None
    signature = sign(signing_key(sender), _signed_part(header, digest)) if sender else None
    plaintext = pad(_CONTENT, inner, encode(author), encode(signature))
    body = encrypt_once(body_key, plaintext, aad=header.encoded)  # SEAL-10
    return encode_envelope(header, nonce, entries, body)


def seal_each(secret: Secret, jobs: Sequence[tuple[SealingPublicKey, bytes]]) -> list[bytes]:
    """Seals the secret to each key under its info, one after the other."""
    return [hpke_seal(key, secret, info=info) for key, info in jobs]


def _sealer(workers: int) -> Sealer:
    if workers == 1:
        return seal_each
    from siegel.sealing_pool import seal_in_processes  # noqa: PLC0415  # costs as much as all other imports together

    return seal_in_processes(workers)


def _entry_info(header: Header, user_id: bytes, number: int) -> bytes:
    return b"".join((_ENTRY, header.encoded, encode(user_id), encode(number)))


def _signed_part(header: Header, digest: bytes) -> bytes:  # SEAL-9
    return Label.MESSAGE_SIGNATURE + array_of(header.encoded, encode(digest))


def _check_body(body: bytes) -> None:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidArgument("the body must be bytes")
    if memoryview(body).nbytes > MAX_BODY_BYTES:  # len() of a view counts items, which may be wider than a byte
        raise InvalidArgument(f"the body is larger than {MAX_BODY_BYTES} bytes; encrypt it as a stream instead")


def _check_recipients(recipients: Sequence[PublicIdentity], sent_at: int) -> None:
    if not 1 <= len(recipients) <= MAX_RECIPIENTS:
        raise InvalidArgument(f"1 to {MAX_RECIPIENTS} recipients are needed, not {len(recipients)}")
    for public in recipients:
        if not isinstance(public, PublicIdentity):
            raise InvalidArgument("a recipient is a PublicIdentity")
        if public.not_after <= sent_at:
            raise InvalidArgument(f"the record of {public.user_id} has ended; ask for a fresh one")
    if len({public.user_id.data for public in recipients}) != len(recipients):
        raise InvalidArgument("a user stands twice among the recipients")


def check_content_type(content_type: str) -> None:
    """InvalidArgument unless an application may use this content type."""
    if type(content_type) is not str or not content_type or not is_normalized("NFC", content_type):
        raise InvalidArgument("a content type is text in Unicode normal form C")
    if len(content_type.encode("utf-8", "replace")) > MAX_CONTENT_TYPE_BYTES:
        raise InvalidArgument(f"a content type has at most {MAX_CONTENT_TYPE_BYTES} bytes")
    if content_type.startswith(RESERVED):
        raise InvalidArgument(f"content types beginning {RESERVED} belong to the protocol")


# --- open ------------------------------------------------------------------------------------------------------------


def open_sealed(
    envelope: bytes, *, identity: Identity | SealingKeys, contacts: Known, allow_anonymous: bool = False
) -> OpenedMessage:
    """The message in an envelope or letter, after all of it was verified. Stateless: it opens the same bytes twice.

    ``contacts`` says whom the caller knows; our own messages are known. Unsigned ones need ``allow_anonymous``.

    Raises, in this order: LimitExceeded, MalformedError, UnsupportedVersion (nothing secret was touched);
    NotARecipient; Expired (the sealing key is not held); InvalidMessage (not authentic); NotPermitted (a message of the
    protocol itself); UnknownSender, IdentityChanged (authentic, and for a person to decide).
    """
    header, body, audience, content = open_content(envelope, identity)
    if content.content_type.startswith(RESERVED):  # SEAL-17
        raise NotPermitted("a message of the protocol itself, not for applications")
    sender = UserId(content.sender) if content.sender is not None else None
    require_known(sender, identity.user_id, contacts, allow_anonymous=allow_anonymous)
    return OpenedMessage(
        body=content.body,
        sender=sender,
        content_type=content.content_type,
        sent_at=content.sent_at,
        recipients=tuple(map(UserId, audience)) if audience is not None and sender else None,
        recipient_count=header.recipient_count,
        private=header.private,
        message_id=message_id(header, body),
    )


def open_many(
    envelopes: Iterable[bytes],
    *,
    identity: Identity | SealingKeys,
    contacts: Known,
    allow_anonymous: bool = False,
) -> list[OpenedMessage | SiegelError]:
    """``open_sealed`` for each; one result per input, in order. A bad one is its error and stops no other."""
    return [_open_or_error(e, identity=identity, contacts=contacts, allow=allow_anonymous) for e in envelopes]


def _open_or_error(
    envelope: bytes, *, identity: Identity | SealingKeys, contacts: Known, allow: bool
) -> OpenedMessage | SiegelError:
    try:
        return open_sealed(envelope, identity=identity, contacts=contacts, allow_anonymous=allow)
    except SiegelError as error:
        return error.with_traceback(None)


def open_content(
    data: bytes, holder: Identity | SealingKeys
) -> tuple[Header, bytes, tuple[bytes, ...] | None, _Content]:
    """Header, body ciphertext, audience and verified content. For rooms above, which receive protocol messages."""
    sealed = parse_sealed(data)
    header = sealed.header
    entry = sealed.entry_for(holder.user_id.data)
    key = opening_key(holder, entry.sealing_number)
    secret = hpke_open(key, entry.sealed, info=_entry_info(header, entry.user_id, entry.sealing_number))
    commitment, body_key = hkdf_expand_pair(secret, info=labelled(Label.CONTENT_KEYS, header.root))
    require_equal(commitment, header.commitment)  # SEAL-6, before decryption: no body opens under two keys
    padded = decrypt_once(body_key, sealed.body, aad=header.encoded)
    return header, sealed.body, sealed.audience, _read_content(padded, header)


def _read_content(padded: bytes, header: Header) -> _Content:
    """The content with a verified sender. InvalidMessage for whatever is wrong with it: a secret has been used."""
    try:
        content = _parse_content(unpad(padded))
    except MalformedError:
        content = None
    if content is None:
        raise InvalidMessage  # outside the handler: the cause stays out of the traceback
    if content.sender is not None:
        verify(content.sender, _signed_part(header, content.digest), content.signature)
    return content


def _parse_content(plaintext: bytes) -> _Content:
    inner, sender, signature = shape.array(decode(plaintext), 3, "content")
    content_type, sent_at, body = shape.array(inner, 3, "inner content")
    if (sender is None) != (signature is None):  # SEAL-15
        raise MalformedError("content", "a sender without signature, or a signature without sender")
    # The inner content as it came: behind the head of the array, before the encoded sender and signature.
    received = plaintext[1 : -_SIGNED_TAIL_BYTES if sender is not None else -_UNSIGNED_TAIL_BYTES]
    content = _Content(
        shape.text(content_type, "content type"),
        shape.uint(sent_at, "sent at", most=LATEST),
        shape.octets(body, None, "body"),
        None if sender is None else shape.octets(sender, USER_ID_BYTES, "sender"),
        b"" if signature is None else shape.octets(signature, SIGNATURE_BYTES, "signature"),
        sha256(Label.INNER_CONTENT + received),
    )
    if not 1 <= len(content.content_type.encode()) <= MAX_CONTENT_TYPE_BYTES or len(content.body) > MAX_BODY_BYTES:
        raise MalformedError("inner content", "content type or body has no allowed length")
    return content


def require_known(sender: UserId | None, ours: UserId, contacts: Known, *, allow_anonymous: bool) -> None:
    """UnknownSender or IdentityChanged unless the caller knows the sender, or wants unsigned messages (SEAL-16)."""
    if sender is None:
        if not allow_anonymous:
            raise UnknownSender(None)
    elif sender == ours:
        return
    elif isinstance(contacts, Contacts):
        contacts.require(sender)
    elif not any(sender == (known if isinstance(known, UserId) else known.user_id) for known in contacts):
        raise UnknownSender(sender.data)
