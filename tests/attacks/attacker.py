"""What an attacker has: raw primitives, the published format, and whatever keys the attack gives away.

Written from the specification alone and without siegel's own encoder, so that library and attacker cannot share a
mistake. ``forge`` builds an envelope with any fault; the tests of the toolbox show that without a fault it opens.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import cbor2
import nacl.bindings as sodium
import pytest
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from siegel import Identity, PublicIdentity, SiegelError, UserId

NOW = 1_800_000_000_000  # ms; January 2027
HOUR = 3_600_000
DAY = 24 * HOUR

ENVELOPE, LETTER = 2, 6
OPEN, PRIVATE = 0, 1
HPKE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


# --- bytes -----------------------------------------------------------------------------------------------------------


def cbor(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def labelled(purpose: str, *items: Any) -> bytes:
    return b"siegel/1 " + purpose.encode("ascii") + b"\0" + cbor(list(items))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def padme(length: int) -> int:
    size = max(length, 64)
    exponent = size.bit_length() - 1
    mask = (1 << exponent - exponent.bit_length()) - 1
    return (size + mask) & ~mask


def pad(text: bytes) -> bytes:
    counted = len(text) + 4
    return counted.to_bytes(4, "big") + text + bytes(padme(counted) - counted)


# --- people ----------------------------------------------------------------------------------------------------------

_forms_of_secrets: set[str] = set()


def remember_secret(secret: bytes) -> bytes:
    """From now on nothing that an attack provokes may show these bytes, nor a half of them."""
    for part in (secret, secret[:16], secret[16:]):
        _forms_of_secrets.update((part.hex(), part.hex().upper(), repr(part)[2:-1], str(list(part))[1:-1]))
        _forms_of_secrets.add(base64.b64encode(part).decode()[:20])
    return secret


class To(NamedTuple):
    """A recipient as an attacker writes one down: any id beside any key."""

    user_id: bytes
    sealing_key: bytes
    number: int = 0


class Person:
    """One user: the library's identity for the honest side, all raw keys for whoever stole the 32 bytes."""

    def __init__(self, name: str) -> None:
        self.secret = remember_secret(sha256(name.encode()))
        self.identity = Identity.from_secret(self.secret)
        self.user_id: UserId = self.identity.user_id
        self.id = bytes(self.user_id)
        self.record: PublicIdentity = self.identity.public(at=NOW)
        self.sealing_key: bytes = cbor2.loads(self.record.encode())[3]
        self.signing_seed = self.derive("sign")
        self.sealing_seed = self.derive("seal")
        self.derive("hedge")

    @property
    def to(self) -> To:
        return To(self.id, self.sealing_key)

    def derive(self, purpose: str) -> bytes:
        kdf = HKDF(hashes.SHA256(), 32, b"siegel/1 identity", labelled(purpose))
        return remember_secret(kdf.derive(self.secret))

    def sign(self, text: bytes) -> bytes:
        _, pair = sodium.crypto_sign_seed_keypair(self.signing_seed)
        return sodium.crypto_sign(text, pair)[:64]

    def unseal(self, sealed: bytes, info: bytes) -> bytes:
        return HPKE.decrypt(sealed, unsealing_key(self.sealing_seed), info)


def unsealing_key(seed: bytes) -> hpke.MLKEM768X25519PrivateKey:
    expanded = hashlib.shake_256(seed).digest(96)
    return hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    )


def public_sealing_key(data: bytes) -> hpke.MLKEM768X25519PublicKey:
    return hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(data[:1184]), X25519PublicKey.from_public_bytes(data[1184:])
    )


ALICE, BOB, CAROL, MALLORY = map(Person, ("alice", "bob", "carol", "mallory"))
EVERYBODY = (ALICE.user_id, BOB.user_id, CAROL.user_id, MALLORY.user_id)


def to(*people: Person) -> list[To]:
    return [person.to for person in people]


# --- records ---------------------------------------------------------------------------------------------------------


def record_signed_part(fields: Sequence[Any]) -> bytes:
    return labelled("public identity", 1, 1, *fields)


def record(
    person: Person,
    *,
    user_id: bytes | None = None,
    sealing_key: bytes | None = None,
    number: int = 0,
    issued_at: int = NOW,
    not_after: int = NOW + 90 * DAY,
    signature: bytes | None = None,
) -> bytes:
    """A public record that this person signs, with any content."""
    fields = [user_id or person.id, sealing_key or person.sealing_key, number, issued_at, not_after]
    return cbor([1, 1, *fields, person.sign(record_signed_part(fields)) if signature is None else signature])


def decoded(data: bytes, at: int = NOW) -> PublicIdentity:
    return PublicIdentity.decode(data, at=at)


# --- sealed messages: apart ------------------------------------------------------------------------------------------


@dataclass
class Wire:
    """An envelope in pieces, to be changed and put together again."""

    header: list[Any]
    nonce: bytes
    entries: list[list[Any]]
    body: bytes

    @classmethod
    def of(cls, envelope: bytes) -> Wire:
        kind, version, header, nonce, entries, body = cbor2.loads(envelope)
        assert (kind, version) == (ENVELOPE, 1)
        return cls(header, nonce, entries, body)

    @property
    def root(self) -> bytes:
        root: bytes = self.header[2]
        return root

    def copy(self) -> Wire:
        return copy.deepcopy(self)

    def encode(self) -> bytes:
        return cbor([ENVELOPE, 1, self.header, self.nonce, self.entries, self.body])

    def sort(self) -> Wire:
        """Puts the entries in the order that the format asks for."""
        self.entries.sort(key=lambda entry: leaf(self.nonce, entry[0]))
        return self

    def recount(self) -> Wire:
        """Makes the unsigned part of the header fit the entries, as a server can."""
        self.sort()
        self.header[1] = len(self.entries)
        self.header[2] = root_of(self.nonce, [entry[0] for entry in self.entries])
        return self


class Insight(NamedTuple):
    """What a legitimate recipient learns."""

    content_secret: bytes
    body_key: bytes
    inner: list[Any]
    sender: bytes | None
    signature: bytes | None


def insight(envelope: bytes, reader: Person) -> Insight:
    """Opens an envelope the way its recipient can, keys included."""
    wire = Wire.of(envelope)
    entry = next(entry for entry in wire.entries if entry[0] == reader.id)
    secret = reader.unseal(entry[2], entry_info(wire.header, entry[0], entry[1]))
    _, body_key = content_keys(secret, wire.root)
    plaintext = decrypt_body(body_key, wire.body, wire.header)
    inner, sender, signature = cbor2.loads(plaintext[4 : int.from_bytes(plaintext[:4], "big")])
    return Insight(secret, body_key, inner, sender, signature)


# --- sealed messages: together ---------------------------------------------------------------------------------------


def salt_of(nonce: bytes, user_id: bytes) -> bytes:
    return hmac.digest(nonce, labelled("audience salt", user_id), "sha256")[:16]


def leaf(nonce: bytes, user_id: bytes) -> bytes:
    return sha256(b"\0" + labelled("audience leaf", salt_of(nonce, user_id), user_id))


def root_of(nonce: bytes, user_ids: Sequence[bytes]) -> bytes:
    return merkle_root(sorted(leaf(nonce, user_id) for user_id in user_ids))


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:]))


def content_keys(secret: bytes, root: bytes) -> tuple[bytes, bytes]:
    """Commitment and body key."""
    output = HKDFExpand(hashes.SHA256(), 64, labelled("content keys", root)).derive(secret)
    return output[:32], output[32:]


def entry_info(header: Sequence[Any], user_id: bytes, number: int) -> bytes:
    return labelled("entry", list(header), user_id, number)


def seal_entry(header: Sequence[Any], recipient: To, secret: bytes) -> list[Any]:
    info = entry_info(header, recipient.user_id, recipient.number)
    sealed = HPKE.encrypt(secret, public_sealing_key(recipient.sealing_key), info)
    return [recipient.user_id, recipient.number, sealed]


def signed_part(header: Sequence[Any], inner: Sequence[Any]) -> bytes:
    return labelled("message signature", list(header), sha256(labelled("inner content", *inner)))


def encrypt_body(body_key: bytes, plaintext: bytes, header: Sequence[Any]) -> bytes:
    return AESGCM(body_key).encrypt(bytes(12), plaintext, cbor(list(header)))


def decrypt_body(body_key: bytes, body: bytes, header: Sequence[Any]) -> bytes:
    return AESGCM(body_key).decrypt(bytes(12), body, cbor(list(header)))


CONTENT: list[Any] = ["text/plain", NOW, b"meet at noon"]
NONCE = sha256(b"an audience nonce that the attacker chose")
SECRET = sha256(b"a content secret that the attacker chose")
BY_AUTHOR = object()  # the signature that the named author would make

Signer = Callable[[bytes], bytes]


def always(signature: bytes | None) -> Signer:
    """Signs every text with this one signature, which was made for another."""
    return lambda _: signature or b""


def forge(
    author: Person | None,
    recipients: Sequence[To],
    *,
    inner: Any = CONTENT,
    mode: int = OPEN,
    nonce: bytes = NONCE,
    secret: bytes = SECRET,
    sender: Any = BY_AUTHOR,
    sign: Signer | object | None = BY_AUTHOR,
    text: Callable[[bytes], bytes] = lambda text: text,
    padded: Callable[[bytes], bytes] = pad,
) -> bytes:
    """A whole envelope by hand. ``sender`` and ``sign`` default to the author's own; ``text`` and ``padded`` are the
    last two steps before encryption, to be replaced by faulty ones.
    """
    root = root_of(nonce, [recipient.user_id for recipient in recipients])
    commitment, body_key = content_keys(secret, root)
    header = [mode, len(recipients), root, commitment]
    if sender is BY_AUTHOR:
        sender = author.id if author else None
    if sign is BY_AUTHOR:
        sign = author.sign if author else None
    signature = sign(signed_part(header, inner)) if callable(sign) else None
    body = encrypt_body(body_key, padded(text(cbor([inner, sender, signature]))), header)
    return Wire(header, nonce, [seal_entry(header, to, secret) for to in recipients], body).sort().encode()


def with_body(envelope: bytes, reader: Person, plaintext: bytes) -> bytes:
    """The envelope with another padded text under the key that its reader knows; nothing else changes."""
    wire = Wire.of(envelope)
    wire.body = encrypt_body(insight(envelope, reader).body_key, plaintext, wire.header)
    return wire.encode()


# --- what every refusal must keep ------------------------------------------------------------------------------------


@contextmanager
def refused(*errors: type[SiegelError]) -> Generator[pytest.ExceptionInfo[SiegelError]]:
    """The block raises exactly one of these classes, without a cause, and shows no secret (attack EN-6)."""
    with pytest.raises(errors) as caught:
        yield caught
    error = caught.value
    assert type(error) in errors, "a subclass, or another leaf of the tree"
    assert error.__cause__ is None
    assert error.__context__ is None
    assert_no_secret(str(error), repr(error), repr(vars(error)))


def assert_no_secret(*texts: str) -> None:
    """None of the texts shows a secret of a person in a form that a log would have."""
    for text in texts:
        assert not any(form in text for form in _forms_of_secrets), "a secret is shown"
