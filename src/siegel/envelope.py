"""Knows the outside of a sealed message: envelopes and letters, what anybody can read.

Spec: sealed.md, SEAL-7, SEAL-8, SEAL-11 … SEAL-14, SEAL-18, SEAL-19.

Laws: parsing needs no key and touches no secret; an object of this room is consistent in itself: its entries or its
proof lead to the root in the header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, Value, array_head, array_of, bytes_head, decode, encode
from siegel._core.labels import Label
from siegel._core.padding import FLOOR, padme
from siegel._core.suite import HASH_BYTES, SEALED_OVERHEAD_BYTES, SECRET_BYTES, TAG_BYTES, sha256
from siegel.audience import NONCE_BYTES, SALT_BYTES, audience_tree, leaf_of, salt_of
from siegel.errors import LimitExceeded, MalformedError, NotARecipient
from siegel.identity import USER_ID_BYTES, UserId
from siegel.merkle import MerkleTree, root_from_path

MAX_RECIPIENTS: Final = 16_384
MAX_BODY_BYTES: Final = 16 * 2**20
LISTED_RECIPIENTS: Final = 64  # up to here the letter of an open message names the whole audience
SEALED_SECRET_BYTES: Final = SEALED_OVERHEAD_BYTES + SECRET_BYTES

_MAX_CONTENT_BYTES: Final = MAX_BODY_BYTES + 1024  # with content type, instant, sender and signature
_MAX_CIPHERTEXT_BYTES: Final = padme(_MAX_CONTENT_BYTES) + TAG_BYTES
_MAX_ENTRY_BYTES: Final = SEALED_SECRET_BYTES + USER_ID_BYTES + 16
_MAX_SEALED_BYTES: Final = _MAX_CIPHERTEXT_BYTES + MAX_RECIPIENTS * _MAX_ENTRY_BYTES + 1024

_OPEN, _PRIVATE = 0, 1
_ENTRY: Final = array_head(3)


class Header(NamedTuple):
    """What the sender signs about the outside: mode, size and root of the audience, commitment to the body key.

    In ``private`` mode the recipients are hidden from each other. ``encoded`` is the header as it stands on the wire.
    """

    private: bool
    recipient_count: int
    root: bytes
    commitment: bytes
    encoded: bytes


def mode_of(*, private: bool) -> int:
    """The mode as the header writes it."""
    return _PRIVATE if private else _OPEN


def make_header(*, private: bool, recipient_count: int, root: bytes, commitment: bytes) -> Header:
    """The header with its one encoding."""
    encoded = array_of(encode(mode_of(private=private)), encode(recipient_count), encode(root), encode(commitment))
    return Header(private, recipient_count, root, commitment, encoded)


class Entry(NamedTuple):
    """One recipient's entry: user id, number of the sealing key, the content secret sealed to it (1168 bytes)."""

    user_id: bytes
    sealing_number: int
    sealed: bytes


def encode_entry(user_id: bytes, sealing_number: int, sealed: bytes) -> bytes:
    """An entry as it stands on the wire."""
    return b"".join((_ENTRY, encode(user_id), encode(sealing_number), bytes_head(len(sealed)), sealed))


def encode_envelope(header: Header, nonce: bytes, entries: Sequence[bytes], body: bytes) -> bytes:
    """The envelope of encoded entries, which stand in the order of their leaves."""
    front = shape.front(shape.ENVELOPE, 4), header.encoded, encode(nonce)
    return b"".join((*front, array_head(len(entries)), *entries, bytes_head(len(body)), body))


class Envelope(NamedTuple):
    """A whole sealed message, for all its recipients; ``tree`` is over the leaves of its entries."""

    header: Header
    nonce: bytes
    entries: Sequence[Entry]
    body: bytes
    tree: MerkleTree

    def entry_for(self, user_id: bytes) -> Entry:
        """The entry of this user. NotARecipient if there is none (SEAL-14)."""
        for entry in self.entries:
            if entry.user_id == user_id:
                return entry
        raise NotARecipient

    @property
    def audience(self) -> tuple[bytes, ...] | None:
        """The user ids of all recipients; None in private mode, where they are no recipient's business."""
        return None if self.header.private else tuple(entry.user_id for entry in self.entries)

    def letter(self, index: int) -> bytes:
        """The encoded letter for the entry at this index."""
        entry = self.entries[index]
        if lists_audience(self.header):
            proof: list[Value] = [self.nonce, [other.user_id for other in self.entries]]
        else:
            proof = [index, salt_of(self.nonce, entry.user_id), self.tree.inclusion_path(index)]
        return shape.assemble(shape.LETTER, self.header.encoded, encode_entry(*entry), encode(proof), encode(self.body))


class Letter(NamedTuple):
    """One recipient's share of a sealed message; ``audience`` is None where the letter does not name the others."""

    header: Header
    entry: Entry
    audience: tuple[bytes, ...] | None
    body: bytes

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The one entry."""
        return (self.entry,)

    def entry_for(self, user_id: bytes) -> Entry:
        """The one entry, if it is this user's. NotARecipient otherwise."""
        if self.entry.user_id != user_id:
            raise NotARecipient
        return self.entry


def lists_audience(header: Header) -> bool:
    """Whether a letter under this header names all recipients (and must) instead of proving one membership."""
    return not header.private and header.recipient_count <= LISTED_RECIPIENTS


def message_id(header: Header, body: bytes) -> bytes:
    """32 bytes that name a message, the same for its envelope and all its letters (SEAL-19)."""
    return sha256(Label.MESSAGE_ID + array_of(header.encoded, encode(body)))


def letters(envelope: bytes) -> Iterator[tuple[UserId, bytes]]:
    """Splits an envelope into letters, one for each recipient, in the order of the entries.

    A server delivers letters so that each phone loads 1.2 kB and not the whole envelope. Raises what
    ``inspect_envelope`` raises, before the first letter.
    """
    whole = parse_envelope(envelope)
    return ((UserId(entry.user_id), whole.letter(index)) for index, entry in enumerate(whole.entries))


# --- parsing ---------------------------------------------------------------------------------------------------------


def parse_sealed(data: bytes) -> Envelope | Letter:
    """The envelope or letter that the bytes hold, consistent in itself (SEAL-11 … SEAL-13).

    Raises LimitExceeded, MalformedError or UnsupportedVersion; says where.
    """
    if len(data) > _MAX_SEALED_BYTES:
        raise LimitExceeded("sealed message", f"larger than {_MAX_SEALED_BYTES} bytes")
    items = shape.array(decode(data), None, "sealed message")
    kind = shape.kind_of(items, "sealed message")
    if kind == shape.ENVELOPE:
        return _envelope(shape.array(items, 6, "envelope")[2:])
    if kind == shape.LETTER:
        return _letter(shape.array(items, 6, "letter")[2:])
    raise MalformedError("sealed message", "neither an envelope nor a letter")


def parse_envelope(data: bytes) -> Envelope:
    """Like ``parse_sealed``; a letter is MalformedError."""
    whole = parse_sealed(data)
    if isinstance(whole, Letter):
        raise MalformedError("envelope", "this is a letter; only the envelope names all entries")
    return whole


def _envelope(items: list[Decoded]) -> Envelope:
    header = _header(items[0])
    nonce = shape.octets(items[1], NONCE_BYTES, "envelope nonce")
    entries = [_entry(item) for item in shape.array(items[2], header.recipient_count, "envelope entries")]
    body = _body(items[3])
    tree = audience_tree(nonce, [entry.user_id for entry in entries], where="envelope entries")
    if tree.root != header.root:
        raise MalformedError("envelope entries", "they are not the recipients that the sender named")
    return Envelope(header, nonce, entries, body, tree)


def _letter(items: list[Decoded]) -> Letter:
    header = _header(items[0])
    entry = _entry(items[1])
    body = _body(items[3])
    if lists_audience(header):  # SEAL-12
        nonce, ids = shape.array(items[2], 2, "letter proof")
        audience = tuple(
            shape.octets(user_id, USER_ID_BYTES, "letter proof user id")
            for user_id in shape.array(ids, header.recipient_count, "letter proof user ids")
        )
        root = audience_tree(
            shape.octets(nonce, NONCE_BYTES, "letter proof nonce"), audience, where="letter proof"
        ).root
        if entry.user_id not in audience:
            raise MalformedError("letter proof", "the letter's user is not among the recipients")
        _require_root(root, header)
        return Letter(header, entry, audience, body)
    index, salt, path = shape.array(items[2], 3, "letter proof")  # SEAL-13
    root = root_from_path(
        leaf_of(shape.octets(salt, SALT_BYTES, "letter proof salt"), entry.user_id),
        index=shape.uint(index, "letter proof index"),
        size=header.recipient_count,
        path=[
            shape.octets(node, HASH_BYTES, "letter proof path") for node in shape.array(path, None, "letter proof path")
        ],
    )
    _require_root(root, header)
    return Letter(header, entry, None, body)


def _require_root(root: bytes, header: Header) -> None:
    if root != header.root:
        raise MalformedError("letter proof", "the sender did not name this recipient")


def _header(value: Decoded) -> Header:
    mode, count, root, commitment = shape.array(value, 4, "header")
    header = make_header(
        private=shape.uint(mode, "header mode", most=_PRIVATE) == _PRIVATE,
        recipient_count=shape.uint(count, "header recipient count"),
        root=shape.octets(root, HASH_BYTES, "header root"),
        commitment=shape.octets(commitment, HASH_BYTES, "header commitment"),
    )
    if not header.recipient_count:
        raise MalformedError("header recipient count", "a message has at least one recipient")
    if header.recipient_count > MAX_RECIPIENTS:
        raise LimitExceeded("header recipient count", f"more than {MAX_RECIPIENTS} recipients")
    return header


def _entry(value: Decoded) -> Entry:
    user_id, number, sealed = shape.array(value, 3, "entry")
    return Entry(
        shape.octets(user_id, USER_ID_BYTES, "entry user id"),
        shape.uint(number, "entry sealing number"),
        shape.octets(sealed, SEALED_SECRET_BYTES, "entry sealed secret"),
    )


def _body(value: Decoded) -> bytes:
    body = shape.octets(value, None, "body")
    if len(body) > _MAX_CIPHERTEXT_BYTES:
        raise LimitExceeded("body", f"larger than {MAX_BODY_BYTES} bytes; large payloads travel as encrypted streams")
    size = len(body) - TAG_BYTES
    if size < FLOOR or padme(size) != size:
        raise MalformedError("body", "not the size of a padded text")
    return body
