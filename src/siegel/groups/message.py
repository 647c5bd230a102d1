"""Knows the group message: its bytes, its link, and the text inside (spec: message.md, MSG-1 … MSG-8).

    [3, 1, chain id (16), index, roster head (32), previous link (32), nonce (12), commitment (32), ciphertext,
     signature (64)]

Laws: the link is a hash of everything before the signature and never of the signature (attack PR-3); the commitment is
compared before anything is decrypted (attack GR-7); whatever fails once the key is in use is the same InvalidMessage.

A backlog is read by the thousand, so a message is read by position with literal CBOR heads. What the reader refuses is
read again by the strict decoder, which says what is wrong; the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct, calcsize
from typing import Any, Final, NamedTuple, TypeAlias

from siegel._core import shape
from siegel._core.codec import Decoded, array_of, decode, encode
from siegel._core.instants import LATEST
from siegel._core.labels import Label
from siegel._core.padding import FLOOR, pad, padme, unpad
from siegel._core.secret import Secret
from siegel._core.suite import (
    HASH_BYTES,
    NONCE_BYTES,
    SIGNATURE_BYTES,
    TAG_BYTES,
    SigningKey,
    decrypt_with_nonce,
    encrypt_with_nonce,
    require_equal,
    sha256,
    sign,
    verify,
)
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError
from siegel.groups.key_tree import INDEX_COUNT

CHAIN_ID_BYTES: Final = 16
HEDGE_BYTES: Final = 16
MAX_BODY_BYTES: Final = 64 * 2**10
MAX_CONTENT_TYPE_BYTES: Final = 255
MAX_PARENTS: Final = 3

_MAX_PADDED_BYTES: Final = padme(MAX_BODY_BYTES + 512)  # content type, instant and parents take less than 512
MAX_MESSAGE_BYTES: Final = _MAX_PADDED_BYTES + 300  # MSG-8

_LINK, _COMMITMENT = bytes(Label.LINK), bytes(Label.LEAF_COMMITMENT)  # looked up once: a member of an Enum takes longer

_WHERE: Final = "group message"
_FRONT: Final = b"\x8a\x03\x01\x50"  # an array of 10: 3, 1, 16 bytes …
_BYTES_12, _BYTES_32, _BYTES_64 = b"\x4c", b"\x58\x20", b"\x58\x40"
_TAIL_BYTES: Final = len(_BYTES_64) + SIGNATURE_BYTES
_LENGTH_BYTES: Final = 4  # before a padded text (PAD-2)
_INDEX_AT: Final = len(_FRONT) + CHAIN_ID_BYTES


class GroupMessage(NamedTuple):
    """A message as it travels: ``data``. ``number`` is its index in the chain, ``link`` (32 bytes) names it there."""

    chain_id: bytes
    number: int
    head: bytes
    previous: bytes
    nonce: bytes
    commitment: bytes
    link: bytes
    data: bytes
    header_bytes: int  # before the CBOR head of the ciphertext
    text_at: int  # behind it

    @property
    def header(self) -> bytes:
        """The bytes before the ciphertext's CBOR head: the associated data of the encryption."""
        return self.data[: self.header_bytes]

    @property
    def ciphertext(self) -> bytes:
        """The padded content, encrypted: 16 bytes more than a padded size."""
        return self.data[self.text_at : -_TAIL_BYTES]

    @property
    def signature(self) -> bytes:
        """The 64 bytes over the link."""
        return self.data[-SIGNATURE_BYTES:]


class Parent(NamedTuple):
    """The newest message of another sender's chain that the author had seen."""

    chain_id: bytes
    number: int
    link: bytes


class Content(NamedTuple):
    """What a message says. ``sent_at`` (ms) is the sender's claim; ``parents`` are up to 3, ascending by chain id."""

    content_type: str
    sent_at: int
    parents: tuple[Parent, ...]
    body: bytes

    def __repr__(self) -> str:
        return f"<Content of {len(self.body)} bytes>"


_Unpack: TypeAlias = Callable[[bytes], tuple[Any, ...]]
_message, _content = GroupMessage._make, Content._make  # in less time than by keywords


# --- writing ---------------------------------------------------------------------------------------------------------


def write_message(
    content: Content,
    *,
    chain_id: bytes,
    number: int,
    head: bytes,
    previous: bytes,
    leaf: Secret,
    signing_key: SigningKey,
    hedge: bytes,
) -> tuple[bytes, bytes]:
    """The bytes of a message and its link. ``leaf`` is the key of this index, ``hedge`` 16 fresh random bytes."""
    padded = pad(encode_content(content))
    nonce = message_nonce(leaf, hedge=hedge, head=head, previous=previous, padded=padded)
    commitment = leaf_commitment(leaf)
    header = b"".join(
        (
            _FRONT,
            chain_id,
            encode(number),
            _BYTES_32,
            head,
            _BYTES_32,
            previous,
            _BYTES_12,
            nonce,
            _BYTES_32,
            commitment,
        )
    )
    signed = header + encode(encrypt_with_nonce(leaf, nonce, padded, aad=header))
    link = link_of(signed)
    return signed + _BYTES_64 + sign(signing_key, Label.LINK_SIGNATURE + link), link


def message_nonce(leaf: Secret, *, hedge: bytes, head: bytes, previous: bytes, padded: bytes) -> bytes:
    """MSG-4: 12 bytes that differ for another text, head or predecessor even if key and ``hedge`` repeat (P9)."""
    return sha256(Label.MESSAGE_NONCE + leaf.reveal() + hedge + head + previous + padded)[:NONCE_BYTES]


def leaf_commitment(leaf: Secret) -> bytes:
    """MSG-5: 32 bytes that fix the key: one ciphertext does not open under two keys (attacks GR-7, PR-9)."""
    return sha256(_COMMITMENT + leaf.reveal())


def link_of(signed: bytes) -> bytes:
    """MSG-2: the link of a message from its signed part, which is all its bytes before the signature's CBOR head."""
    return sha256(_LINK + signed)


# --- reading ---------------------------------------------------------------------------------------------------------


def parse_message(data: bytes) -> GroupMessage:
    """MSG-1: the message that the bytes hold, nothing verified. LimitExceeded, MalformedError or UnsupportedVersion."""
    if type(data) is not bytes:
        raise InvalidArgument("a group message must be bytes")
    layout = _layout(len(data), data[_INDEX_AT]) if len(data) > _INDEX_AT else None
    if layout is not None:
        unpack, heads, least, start, text, end = layout
        front, chain_id, index, h1, head, h2, previous, h3, nonce, h4, commitment, h5, h6 = unpack(data)
        if (front, h1, h2, h3, h4, h5, h6) == heads and index >= least:
            link = sha256(_LINK + data[:end])
            return _message((chain_id, index, head, previous, nonce, commitment, link, data, start, text))
    _explain(data)
    raise MalformedError(_WHERE, "not in its one form")


# How to take such a message apart, its CBOR heads, the least index in this form; where the ciphertext's head begins,
# where it ends, and where the ciphertext does.
_Layout: TypeAlias = tuple[_Unpack, tuple[bytes, ...], int, int, int, int]


@lru_cache(maxsize=1024)
def _layout(size: int, index_head: int) -> _Layout | None:
    """The layout of a message of so many bytes whose index begins with this byte; None if there is none."""
    if index_head > 25:
        return None  # the index is below 24, in one byte (24) or in two (25): there is none above 65535
    index, least = {24: ("xB", 24), 25: ("xH", 256)}.get(index_head, ("B", 0))
    fixed = f">4s16s{index}2s32s2s32s1s12s2s32s"
    start, end = calcsize(fixed), size - _TAIL_BYTES
    text_head = _ciphertext_head(end - start)
    if not text_head:
        return None
    text = start + len(text_head)
    unpack = Struct(f"{fixed}{len(text_head)}s{end - text}x2s64x").unpack
    return unpack, (_FRONT, _BYTES_32, _BYTES_32, _BYTES_12, _BYTES_32, text_head, _BYTES_64), least, start, text, end


def _explain(data: bytes) -> None:
    """Raises what is wrong, stage by stage, with bytes that the reader refused."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise LimitExceeded(_WHERE, f"larger than {MAX_MESSAGE_BYTES} bytes")
    items = shape.top_level(data, kind=shape.GROUP_MESSAGE, fields=8, where=_WHERE)
    shape.octets(items[0], CHAIN_ID_BYTES, f"{_WHERE} chain id")
    shape.uint(items[1], f"{_WHERE} index", most=INDEX_COUNT - 1)
    shape.octets(items[2], HASH_BYTES, f"{_WHERE} roster head")
    shape.octets(items[3], HASH_BYTES, f"{_WHERE} previous link")
    shape.octets(items[4], NONCE_BYTES, f"{_WHERE} nonce")
    shape.octets(items[5], HASH_BYTES, f"{_WHERE} commitment")
    shape.octets(items[7], SIGNATURE_BYTES, f"{_WHERE} signature")
    size = len(shape.octets(items[6], None, f"{_WHERE} ciphertext")) - TAG_BYTES
    if not _is_padded(size):
        raise MalformedError(f"{_WHERE} ciphertext", "not the size of a padded text")


def _is_padded(size: int) -> bool:
    return FLOOR <= size <= _MAX_PADDED_BYTES and padme(size) == size


@lru_cache(maxsize=1024)
def _ciphertext_head(room: int) -> bytes:
    """The CBOR head of the ciphertext that fills ``room`` bytes with it; empty if no ciphertext does."""
    head = _bytes_head(room)
    return head if _is_padded(room - len(head) - TAG_BYTES) else b""


@lru_cache(maxsize=1024)
def _bytes_head(room: int) -> bytes:
    """The shortest CBOR head of the byte string that fills ``room`` bytes with it; empty if none does."""
    for head_bytes, least, most in ((1, 0, 23), (2, 24, 0xFF), (3, 0x100, 0xFFFF), (5, 0x10000, 0xFFFFFFFF)):
        size = room - head_bytes
        if least <= size <= most:
            return encode(bytes(size))[:head_bytes]
    return b""


# --- opening ---------------------------------------------------------------------------------------------------------


def verify_signature(message: GroupMessage, signing_key: bytes) -> None:
    """MSG-3: InvalidMessage unless the chain's key signed this message."""
    verify(signing_key, Label.LINK_SIGNATURE + message.link, message.signature)


def open_message(message: GroupMessage, leaf: Secret) -> Content:
    """MSG-7: what the message says, under the key of its index. InvalidMessage, whatever is wrong."""
    require_equal(leaf_commitment(leaf), message.commitment)
    data, ciphertext = message.data, message.data[message.text_at : -_TAIL_BYTES]
    padded = decrypt_with_nonce(leaf, message.nonce, ciphertext, aad=data[: message.header_bytes])
    try:
        return _usual_content(padded) or decode_content(unpad(padded))
    except MalformedError:
        pass
    raise InvalidMessage  # outside the handler: the cause stays out of the traceback


def encode_content(content: Content) -> bytes:
    """MSG-6, the inner plaintext ``[content type, sent at, parents, body]``. InvalidArgument if it cannot hold it."""
    if type(content.body) is not bytes or len(content.body) > MAX_BODY_BYTES:
        raise InvalidArgument(f"a body is at most {MAX_BODY_BYTES} bytes; larger ones travel as encrypted streams")
    if not _are_parents(content.parents):
        raise InvalidArgument(f"parents are at most {MAX_PARENTS}, one for a chain, ascending")
    try:
        shape.uint(content.sent_at, "sent at", most=LATEST)
        for parent in content.parents:
            _parent(list(parent))
    except MalformedError as error:
        raise InvalidArgument(str(error)) from None
    parents = encode([list(parent) for parent in content.parents]) if content.parents else b"\x80"
    return array_of(_encoded_type(content.content_type), encode(content.sent_at), parents, encode(content.body))


@lru_cache(maxsize=256)
def _encoded_type(kind: str) -> bytes:
    """The encoding of a content type that is allowed. Applications use a handful of types."""
    if type(kind) is not str or not kind or len(kind.encode("utf-8", "replace")) > MAX_CONTENT_TYPE_BYTES:
        raise InvalidArgument(f"a content type is text of 1 to {MAX_CONTENT_TYPE_BYTES} bytes")
    return encode(kind)


def decode_content(text: bytes) -> Content:
    """The content that ``encode_content`` wrote. MalformedError for anything else."""
    kind, sent_at, parents, body = shape.array(decode(text), 4, "content")
    content = Content(
        shape.text(kind, "content type"),
        shape.uint(sent_at, "sent at", most=LATEST),
        tuple(_parent(parent) for parent in shape.array(parents, None, "parents")),
        shape.octets(body, None, "body"),
    )
    if not 1 <= len(content.content_type.encode()) <= MAX_CONTENT_TYPE_BYTES or len(content.body) > MAX_BODY_BYTES:
        raise MalformedError("content", "content type or body has no allowed length")
    if not _are_parents(content.parents):
        raise MalformedError("parents", f"more than {MAX_PARENTS}, or not ascending")
    return content


def _usual_content(padded: bytes) -> Content | None:
    """The content by position if it has the usual form: an instant after 1970-02-19, and no parents."""
    layout = _content_layout(len(padded), padded[: _LENGTH_BYTES + 3])
    if layout is None:
        return None
    unpack, heads = layout
    front, instant_head, sent_at, parents, body_head, body, rest = unpack(padded)
    kind = _content_type(front)
    if kind is None or (instant_head, parents, body_head, rest) != heads or not 2**32 <= sent_at <= LATEST:
        return None
    return _content((kind, sent_at, (), body))


@lru_cache(maxsize=256)
def _content_layout(size: int, front: bytes) -> tuple[_Unpack, tuple[int, int, bytes, bytes]] | None:
    """How to take a usual content apart whose padded form has so many bytes and begins like this: with its length, the
    array's head, and the head of the content type. And the CBOR heads from the instant on, and the zeros at the end.
    """
    end = int.from_bytes(front[:_LENGTH_BYTES], "big")
    if len(front) < _LENGTH_BYTES + 3 or not _LENGTH_BYTES <= end <= size or padme(end) != size:
        return None
    _, short, long = front[_LENGTH_BYTES:]
    kind_bytes = 2 + short - 0x60 if short < 0x78 else 3 + long  # with the array's head and its own
    room = end - _LENGTH_BYTES - kind_bytes - 9 - 1  # behind the instant and the empty array
    body_head = _bytes_head(room)
    body_bytes = room - len(body_head)
    if kind_bytes < 3 or not body_head or body_bytes > MAX_BODY_BYTES:
        return None
    form = f">{_LENGTH_BYTES}x{kind_bytes}sBQB{len(body_head)}s{body_bytes}s{size - end}s"
    return Struct(form).unpack, (0x1B, 0x80, body_head, bytes(size - end))


@lru_cache(maxsize=256)
def _content_type(front: bytes) -> str | None:
    """The content type if it and the array's head are these bytes; else None. Applications use a handful of types."""
    try:
        kind = decode(front[1:])
    except MalformedError:
        return None
    return (
        kind if front[0] == 0x84 and type(kind) is str and 1 <= len(kind.encode()) <= MAX_CONTENT_TYPE_BYTES else None
    )


def _parent(value: Decoded) -> Parent:
    chain_id, index, link = shape.array(value, 3, "parent")
    return Parent(
        shape.octets(chain_id, CHAIN_ID_BYTES, "parent chain id"),
        shape.uint(index, "parent index", most=INDEX_COUNT - 1),
        shape.octets(link, HASH_BYTES, "parent link"),
    )


def _are_parents(parents: Sequence[Parent]) -> bool:
    if not parents:
        return True
    ids = [parent.chain_id for parent in parents]
    return len(ids) <= MAX_PARENTS and ids == sorted(set(ids))
