"""Sealing, step by step, from explicit randomness and with a hook at each step (spec SEAL-1 … SEAL-13, SEAL-19).

``seal`` runs the steps in the order of ``Steps``' fields. A hook replaces the result of one step; every later step
builds on the replacement, so a fault deep inside is signed, committed to and encrypted like an honest value, and only
the check that is meant for it can refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import cbor, hpke, identity, merkle, texts
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, labelled, sha256

ENVELOPE: Final = 2
LETTER: Final = 6
OPEN, PRIVATE = 0, 1
LISTED: Final = 64  # recipients up to whom the letter of an open message names them all
MAX_RECIPIENTS: Final = 16_384
MAX_BODY: Final = 16 * 2**20


# --- audience (SEAL-2, SEAL-3) ----------------------------------------------------------------------------------------


def salt_of(nonce: bytes, user_id: bytes) -> bytes:
    """The salt of one recipient's leaf, 16 bytes."""
    return hmac_sha256(nonce, labelled("audience salt", cbor.octets(user_id)))[:16]


def leaf_of(salt: bytes, user_id: bytes) -> bytes:
    """The leaf hash of one recipient."""
    return merkle.leaf(labelled("audience leaf", cbor.octets(salt), cbor.octets(user_id)))


def leaves_of(nonce: bytes, user_ids: Sequence[bytes]) -> list[bytes]:
    """The leaf hashes, in the order given."""
    return [leaf_of(salt_of(nonce, user_id), user_id) for user_id in user_ids]


# --- what goes in -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipient:
    """Whom to seal to."""

    user_id: bytes
    sealing_key: bytes
    sealing_number: int = 0


@dataclass(frozen=True)
class Message:
    """What the sender wants, and the randomness. ``sender`` is a secret; ``eseeds`` in the order of the entries."""

    sender: bytes | None
    recipients: tuple[Recipient, ...]
    content_type: str
    sent_at: int
    body: bytes = field(repr=False)
    private: bool
    nonce: bytes
    salt: bytes
    eseeds: tuple[bytes, ...] = field(repr=False)


def sealed_to(message: Message, recipients: tuple[Recipient, ...]) -> Message:
    """The same message to others."""
    return replace(message, recipients=recipients)


# --- the steps --------------------------------------------------------------------------------------------------------


@dataclass
class Steps:
    """The result of each step, in order."""

    recipients: list[Recipient] = field(default_factory=list)  # in the order of their leaves
    root: bytes = b""
    inner: bytes = b""  # [content type, sent at, body]
    digest: bytes = b""
    secret: bytes = b""  # the content secret k
    keys: bytes = b""  # commitment (32) and body key (32)
    commitment: bytes = b""
    body_key: bytes = b""
    header: bytes = b""  # encoded
    infos: list[bytes] = field(default_factory=list)  # HPKE's info of each entry
    entries: list[bytes] = field(default_factory=list)  # encoded
    sender: bytes = b""  # encoded: user id or null
    signature: bytes = b""  # encoded: signature or null
    content: bytes = b""  # [inner, sender, signature]
    plaintext: bytes = b""  # padded
    body: bytes = b""  # ciphertext and tag
    envelope: bytes = b""


Hook: TypeAlias = Callable[[Any, Steps], Any]
Hooks: TypeAlias = Mapping[str, Hook]


def seal(message: Message, hooks: Hooks | None = None) -> Steps:
    """All steps of one message; ``hooks[step](honest value, steps so far)`` replaces a step's result."""
    steps = Steps()
    hooks = hooks or {}

    def step(name: str, value: Any) -> None:
        setattr(steps, name, value)
        if name in hooks:
            setattr(steps, name, hooks[name](value, steps))

    _address(message, steps, step)
    _key(message, steps, step)
    _fill(message, steps, step)
    step("envelope", envelope(steps.header, message.nonce, steps.entries, steps.body))
    return steps


def _address(message: Message, steps: Steps, step: Callable[[str, Any], None]) -> None:
    """SEAL-2, SEAL-3: who it is for."""
    step("recipients", sorted(message.recipients, key=lambda r: leaf_of(salt_of(message.nonce, r.user_id), r.user_id)))
    step("root", merkle.root(leaves_of(message.nonce, [r.user_id for r in steps.recipients])))


def _key(message: Message, steps: Steps, step: Callable[[str, Any], None]) -> None:
    """SEAL-4 … SEAL-8: the content secret, what commits to it, and who gets it."""
    step("inner", inner_of(message.content_type, message.sent_at, message.body))
    step("digest", digest_of(steps.inner))
    hedge = b"" if message.sender is None else identity.derive(message.sender, "hedge")
    mode = PRIVATE if message.private else OPEN
    items = cbor.octets(hedge), cbor.uint(mode), cbor.octets(steps.root), cbor.octets(steps.digest)
    step("secret", hmac_sha256(message.salt, labelled("content secret", *items)))
    step("keys", hkdf_expand(steps.secret, labelled("content keys", cbor.octets(steps.root)), 64))
    step("commitment", steps.keys[:32])
    step("body_key", steps.keys[32:])
    step("header", header(mode, len(steps.recipients), steps.root, steps.commitment))
    step("infos", [info_of(steps.header, r.user_id, r.sealing_number) for r in steps.recipients])
    step(
        "entries",
        [
            entry(r, hpke.seal(r.sealing_key, eseed, info, steps.secret))
            for r, eseed, info in zip(steps.recipients, message.eseeds, steps.infos, strict=True)
        ],
    )


def _fill(message: Message, steps: Steps, step: Callable[[str, Any], None]) -> None:
    """SEAL-9, SEAL-10: signature and body."""
    signed = signed_part(steps.header, steps.digest)
    sender = message.sender
    step("sender", cbor.NULL if sender is None else cbor.octets(identity.user_id(sender)))
    step("signature", cbor.NULL if sender is None else cbor.octets(identity.sign_with(sender, signed)))
    step("content", cbor.array(steps.inner, steps.sender, steps.signature))
    step("plaintext", texts.pad(steps.content))
    step("body", encrypt(steps.body_key, steps.plaintext, steps.header))


def inner_of(content_type: str, sent_at: int, body: bytes) -> bytes:
    """The inner content."""
    return cbor.array(cbor.text(content_type), cbor.uint(sent_at), cbor.octets(body))


def digest_of(inner: bytes) -> bytes:
    """The digest of the inner content (SEAL-4): label and the encoded array."""
    return sha256(b"siegel/1 inner content\0" + inner)


def header(mode: int, count: int, root: bytes, commitment: bytes) -> bytes:
    """The header (SEAL-7)."""
    return cbor.array(cbor.uint(mode), cbor.uint(count), cbor.octets(root), cbor.octets(commitment))


def info_of(header_bytes: bytes, user_id: bytes, number: int) -> bytes:
    """HPKE's info of an entry (SEAL-8)."""
    return labelled("entry", header_bytes, cbor.octets(user_id), cbor.uint(number))


def entry(recipient: Recipient, sealed: bytes) -> bytes:
    """An entry (SEAL-8)."""
    return cbor.array(cbor.octets(recipient.user_id), cbor.uint(recipient.sealing_number), cbor.octets(sealed))


def signed_part(header_bytes: bytes, digest: bytes) -> bytes:
    """What the sender signs (SEAL-9)."""
    return labelled("message signature", header_bytes, cbor.octets(digest))


def encrypt(key: bytes, plaintext: bytes, aad: bytes, nonce: bytes = bytes(12)) -> bytes:
    """AES-256-GCM under a key used once (SUITE-6)."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def message_id(header_bytes: bytes, body: bytes) -> bytes:
    """The message id (SEAL-19)."""
    return sha256(labelled("message id", header_bytes, cbor.octets(body)))


# --- envelope and letters (SEAL-11 … SEAL-13) -------------------------------------------------------------------------


def envelope(header_bytes: bytes, nonce: bytes, entries: Sequence[bytes], body: bytes) -> bytes:
    """The envelope."""
    fields = header_bytes, cbor.octets(nonce), cbor.array(*entries), cbor.octets(body)
    return cbor.array(cbor.uint(ENVELOPE), cbor.uint(1), *fields)


def letter(header_bytes: bytes, entry_bytes: bytes, proof: bytes, body: bytes) -> bytes:
    """A letter."""
    return cbor.array(cbor.uint(LETTER), cbor.uint(1), header_bytes, entry_bytes, proof, cbor.octets(body))


def listing_proof(nonce: bytes, user_ids: Sequence[bytes]) -> bytes:
    """The proof that names everybody (SEAL-12)."""
    return cbor.array(cbor.octets(nonce), cbor.array(*map(cbor.octets, user_ids)))


def path_proof(nonce: bytes, user_ids: Sequence[bytes], index: int) -> bytes:
    """The proof that names nobody else (SEAL-13)."""
    path = merkle.path(index, leaves_of(nonce, user_ids))
    return path_proof_of(index, salt_of(nonce, user_ids[index]), path)


def path_proof_of(index: int, salt: bytes, path: Sequence[bytes]) -> bytes:
    """The same from its parts."""
    return cbor.array(cbor.uint(index), cbor.octets(salt), cbor.array(*map(cbor.octets, path)))


def letter_of(nonce: bytes, steps: Steps, index: int, *, private: bool) -> bytes:
    """The letter of the entry at this index."""
    ids = [r.user_id for r in steps.recipients]
    listed = not private and len(ids) <= LISTED
    proof = listing_proof(nonce, ids) if listed else path_proof(nonce, ids, index)
    return letter(steps.header, steps.entries[index], proof, steps.body)
