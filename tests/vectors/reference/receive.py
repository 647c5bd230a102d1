"""Opening, stage by stage, by hand (spec SEAL-11 … SEAL-20).

Stages: size → encoding → type → version → shape → audience → recipient → key → unseal → commitment → body → padding →
content → signature → purpose → trust.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import LATEST, Refused, cbor, curve, hpke, identity, merkle, require, texts
from tests.vectors.reference.labels import hkdf_expand, labelled
from tests.vectors.reference.sealed import (
    ENVELOPE,
    LETTER,
    LISTED,
    MAX_BODY,
    MAX_RECIPIENTS,
    OPEN,
    PRIVATE,
    digest_of,
    header,
    info_of,
    inner_of,
    leaf_of,
    leaves_of,
    message_id,
    signed_part,
)

MAX_CIPHERTEXT: Final = texts.padme(MAX_BODY + 1024) + 16
MAX_SEALED: Final = MAX_CIPHERTEXT + MAX_RECIPIENTS * 1216 + 1024
INVALID: Final = "invalid-message"

Fields: TypeAlias = tuple[int, int, bytes, bytes]  # of the header: mode, count, root, commitment
Entry: TypeAlias = tuple[bytes, int, bytes]  # user id, sealing number, sealed content secret


# --- outside ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outside:
    """What anybody can read; consistent in itself."""

    is_letter: bool
    mode: int
    count: int
    root: bytes
    commitment: bytes
    entries: list[Entry]
    audience: list[bytes] | None  # the user ids, where they stand there
    body: bytes = field(repr=False)

    @property
    def header(self) -> bytes:
        """The header's bytes."""
        return header(self.mode, self.count, self.root, self.commitment)

    @property
    def message_id(self) -> bytes:
        """The message id."""
        return message_id(self.header, self.body)


def parse(data: bytes) -> Outside:
    """The envelope or letter in the bytes. Refused at size, encoding, type, version, shape or audience."""
    require(len(data) <= MAX_SEALED, "size", "limit-exceeded")
    kind, (head, *middle, body) = cbor.top_level(data, {ENVELOPE: 6, LETTER: 6})
    fields = _header(head)
    _check_body(body)
    entries, audience = (_envelope if kind == ENVELOPE else _letter)(fields, *middle)
    return Outside(kind == LETTER, *fields, entries, audience, body)


def _envelope(fields: Fields, nonce: Any, entries: Any) -> tuple[list[Entry], list[bytes] | None]:
    _, count, root, _ = fields
    listed = _entries(entries, count)
    require(cbor.is_octets(nonce, 32), "shape")
    ids = [user_id for user_id, _, _ in listed]
    _check_listing(nonce, ids, root)
    return listed, ids


def _letter(fields: Fields, entry: Any, proof: Any) -> tuple[list[Entry], list[bytes] | None]:
    mode, count, root, _ = fields
    listed = _entries([entry], 1)
    listing = mode == OPEN and count <= LISTED
    _check_proof_shape(proof, listing=listing, count=count)
    return listed, _check_letter(listed[0][0], proof, count, root)


def _header(value: Any) -> Fields:
    require(cbor.is_array(value, 4), "shape")
    mode, count, root, commitment = value
    require(cbor.is_uint(mode, PRIVATE) and cbor.is_uint(count) and count > 0, "shape")
    require(cbor.is_octets(root, 32) and cbor.is_octets(commitment, 32), "shape")
    require(count <= MAX_RECIPIENTS, "shape", "limit-exceeded")
    return mode, count, root, commitment


def _entries(value: Any, count: int) -> list[Entry]:
    require(cbor.is_array(value, count) and all(cbor.is_array(item, 3) for item in value), "shape")
    for user_id, number, sealed in value:
        require(cbor.is_octets(user_id, 32) and cbor.is_uint(number) and cbor.is_octets(sealed, 1168), "shape")
    return [(user_id, number, sealed) for user_id, number, sealed in value]


def _check_body(body: Any) -> None:
    require(cbor.is_octets(body), "shape")
    require(len(body) <= MAX_CIPHERTEXT, "shape", "limit-exceeded")
    require(len(body) >= 64 + 16 and texts.padme(len(body) - 16) == len(body) - 16, "shape")


def _check_proof_shape(proof: Any, *, listing: bool, count: int) -> None:
    require(cbor.is_array(proof, 2 if listing else 3), "shape")
    if listing:
        nonce, ids = proof
        require(cbor.is_octets(nonce, 32) and cbor.is_array(ids, count), "shape")
        require(all(cbor.is_octets(user_id, 32) for user_id in ids), "shape")
    else:
        index, salt, path = proof
        require(cbor.is_uint(index) and cbor.is_octets(salt, 16) and cbor.is_array(path), "shape")
        require(all(cbor.is_octets(node, 32) for node in path), "shape")


def _check_letter(user_id: bytes, proof: list[Any], count: int, root: bytes) -> list[bytes] | None:
    if len(proof) == 2:
        _check_listing(proof[0], proof[1], root)
        require(user_id in proof[1], "audience")
        return [bytes(item) for item in proof[1]]
    index, salt, path = proof
    require(merkle.root_of_path(leaf_of(salt, user_id), index, count, path, "audience") == root, "audience")
    return None


def _check_listing(nonce: bytes, ids: list[bytes], root: bytes) -> None:
    leaves = leaves_of(nonce, ids)
    require(leaves == sorted(set(leaves)) and merkle.root(leaves) == root, "audience")


def audit(data: bytes, allowed: Collection[bytes]) -> None:
    """SEAL-20: refused unless every label of the envelope is allowed."""
    outside = parse(data)
    require(not outside.is_letter, "type")
    require(all(user_id in allowed for user_id, _, _ in outside.entries), "purpose", "not-permitted")


# --- inside -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """Who opens, with which keys, and whom they know."""

    secret: bytes = field(repr=False)
    rotating: Mapping[int, bytes] = field(repr=False)  # seeds by sealing number, those that are held
    known: Collection[bytes] = ()
    violated: Collection[bytes] = ()
    allow_anonymous: bool = False


@dataclass(frozen=True)
class Opened:
    """A verified message."""

    outside: Outside
    content_type: str
    sent_at: int
    body: bytes = field(repr=False)
    sender: bytes | None


def open_sealed(data: bytes, reader: Reader, *, omit: str = "") -> Opened:
    """The message. ``omit`` names one of signature, purpose, trust that is left out, to show that it alone refuses."""
    outside = parse(data)
    ours = identity.user_id(reader.secret)
    entry = next((entry for entry in outside.entries if entry[0] == ours), None)
    if entry is None:
        raise Refused("recipient", "not-a-recipient")
    secret = _unseal(outside, entry, reader)
    keys = hkdf_expand(secret, labelled("content keys", cbor.octets(outside.root)), 64)
    require(keys[:32] == outside.commitment, "commitment", INVALID)
    try:
        padded = AESGCM(keys[32:]).decrypt(bytes(12), outside.body, outside.header)
    except InvalidTag:
        raise Refused("body", INVALID) from None
    opened, signed, signature = _content(outside, texts.unpad(padded, "padding", INVALID))
    if opened.sender is not None and omit != "signature":
        curve.verify(opened.sender, signed, signature)
    require(not opened.content_type.startswith("siegel/") or omit == "purpose", "purpose", "not-permitted")
    if omit != "trust":
        _check_trust(opened.sender, ours, reader)
    return opened


def _unseal(outside: Outside, entry: Entry, reader: Reader) -> bytes:
    user_id, number, sealed = entry
    seed = reader.rotating.get(number) if number else identity.derive(reader.secret, "seal")
    if seed is None:
        raise Refused("key", "expired")
    return hpke.unseal(seed, sealed, info_of(outside.header, user_id, number))


def _content(outside: Outside, plain: bytes) -> tuple[Opened, bytes, bytes]:
    """The content, what its signature has to cover, and the signature."""
    try:
        value = cbor.read(plain)
    except Refused:
        raise Refused("content", INVALID) from None
    require(cbor.is_array(value, 3) and cbor.is_array(value[0], 3), "content", INVALID)
    (content_type, sent_at, body), sender, signature = value
    require(type(content_type) is str and 1 <= len(content_type.encode()) <= 255, "content", INVALID)
    require(cbor.is_uint(sent_at, LATEST), "content", INVALID)
    require(cbor.is_octets(body) and len(body) <= MAX_BODY, "content", INVALID)
    unsigned = sender is None and signature is None
    require(unsigned or (cbor.is_octets(sender, 32) and cbor.is_octets(signature, 64)), "content", INVALID)
    signed = signed_part(outside.header, digest_of(inner_of(content_type, sent_at, body)))
    return Opened(outside, content_type, sent_at, body, sender), signed, signature or b""


def _check_trust(sender: bytes | None, ours: bytes, reader: Reader) -> None:
    if sender is None:
        require(reader.allow_anonymous, "trust", "unknown-sender")
    elif sender != ours:
        require(sender in reader.known, "trust", "unknown-sender")
        require(sender not in reader.violated, "trust", "identity-changed")
