"""Group messages, by hand and step by step, with a hook at each step (spec MSG-1 … MSG-8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import LATEST, Refused, cbor, curve, require, texts
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.key_tree import COUNT
from tests.vectors.reference.labels import label, sha256

TYPE: Final = 3
MAX_BODY: Final = 65_536
MAX_PADDED: Final = 67_584
MAX_MESSAGE: Final = 67_884
MAX_PARENTS: Final = 3
INVALID: Final = "invalid-message"

Parent: TypeAlias = tuple[bytes, int, bytes]  # chain id, index, link


def raw(purpose: str, *parts: bytes) -> bytes:
    """``label ‖ 0x00 ‖ parts`` (LAB-2)."""
    return label(purpose) + b"\0" + b"".join(parts)


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What a message says."""

    content_type: str
    sent_at: int
    parents: tuple[Parent, ...]
    body: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The inner plaintext (MSG-6)."""
        return array(text(self.content_type), uint(self.sent_at), encoded_parents(self.parents), octets(self.body))


def encoded_parents(parents: tuple[Parent, ...]) -> bytes:
    """The array of parents."""
    return array(*(array(octets(chain_id), uint(index), octets(link)) for chain_id, index, link in parents))


@dataclass(frozen=True)
class Draft:
    """Everything from which a message follows; ``hedge`` are the 16 random bytes of the nonce."""

    content: Content
    chain_id: bytes
    index: int
    head: bytes
    previous: bytes
    leaf: bytes = field(repr=False)
    seed: bytes = field(repr=False)
    hedge: bytes


@dataclass
class Steps:
    """The result of each step, in order."""

    content: bytes = b""
    padded: bytes = b""
    nonce: bytes = b""
    commitment: bytes = b""
    header: bytes = b""
    ciphertext: bytes = b""
    signed: bytes = b""  # header and ciphertext with its head
    link: bytes = b""
    signature: bytes = b""
    message: bytes = b""


Hook: TypeAlias = Callable[[Any, Steps], Any]
Hooks: TypeAlias = Mapping[str, Hook]


def write(draft: Draft, hooks: Hooks | None = None) -> Steps:
    """All steps of one message; ``hooks[step](honest value, steps so far)`` replaces a step's result."""
    steps = Steps()

    def step(name: str, value: Any) -> None:
        setattr(steps, name, value)
        if hooks and name in hooks:
            setattr(steps, name, hooks[name](value, steps))

    step("content", draft.content.encode())
    step("padded", texts.pad(steps.content))
    step("nonce", nonce_of(draft, steps.padded))
    step("commitment", sha256(raw("leaf commitment", draft.leaf)))
    step("header", header(draft.chain_id, draft.index, (draft.head, draft.previous), steps.nonce, steps.commitment))
    step("ciphertext", AESGCM(draft.leaf).encrypt(steps.nonce, steps.padded, steps.header))
    step("signed", steps.header + octets(steps.ciphertext))
    step("link", link_of(steps.signed))
    step("signature", curve.sign(draft.seed, raw("group signature", steps.link)))
    step("message", steps.signed + octets(steps.signature))
    return steps


def nonce_of(draft: Draft, padded: bytes) -> bytes:
    """The nonce (MSG-4)."""
    parts = (draft.leaf, draft.hedge, draft.head, draft.previous, padded)
    return sha256(raw("message nonce", *parts))[:12]


def header(chain_id: bytes, index: int, hashes: tuple[bytes, bytes], nonce: bytes, commitment: bytes) -> bytes:
    """The bytes before the ciphertext's CBOR head (MSG-1); ``hashes`` are roster head and previous link."""
    items = (octets(chain_id), uint(index), *map(octets, (*hashes, nonce, commitment)))
    return cbor.head(cbor.ARRAY, 10) + uint(TYPE) + uint(1) + b"".join(items)


def link_of(signed: bytes) -> bytes:
    """The link (MSG-2)."""
    return sha256(raw("link", signed))


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """A message that was read, nothing of it verified."""

    chain_id: bytes
    index: int
    head: bytes
    previous: bytes
    nonce: bytes
    commitment: bytes
    ciphertext: bytes = field(repr=False)
    signature: bytes

    @property
    def header(self) -> bytes:
        """The associated data."""
        return header(self.chain_id, self.index, (self.head, self.previous), self.nonce, self.commitment)

    @property
    def link(self) -> bytes:
        """The link."""
        return link_of(self.header + octets(self.ciphertext))

    @property
    def place(self) -> int:
        """Where the message stands."""
        return self.index + 1


def read(data: bytes) -> Message:
    """The message in the bytes. Refused at size, encoding, type, version or shape."""
    require(len(data) <= MAX_MESSAGE, "size", "limit-exceeded")
    _, (chain_id, index, head, previous, nonce, commitment, ciphertext, signature) = cbor.top_level(data, {TYPE: 10})
    strings = {16: [chain_id], 32: [head, previous, commitment], 12: [nonce], 64: [signature]}
    require(all(cbor.is_octets(item, n) for n, items in strings.items() for item in items), "shape")
    require(cbor.is_uint(index, COUNT - 1) and cbor.is_octets(ciphertext), "shape")
    size = len(ciphertext) - 16
    require(64 <= size <= MAX_PADDED and texts.padme(size) == size, "shape")
    return Message(chain_id, index, head, previous, nonce, commitment, ciphertext, signature)


def is_signed(message: Message, key: bytes) -> bool:
    """Whether the chain's key signed it (MSG-3)."""
    try:
        curve.verify(key, raw("group signature", message.link), message.signature)
    except Refused:
        return False
    return True


def open_message(message: Message, leaf: bytes) -> Content:
    """What the message says (MSG-5 … MSG-7). Refused at commitment, body, padding or content."""
    require(message.commitment == sha256(raw("leaf commitment", leaf)), "commitment", INVALID)
    try:
        padded = AESGCM(leaf).decrypt(message.nonce, message.ciphertext, message.header)
    except InvalidTag:
        raise Refused("body", INVALID) from None
    plain = texts.unpad(padded, "padding", INVALID)
    try:
        return _read_content(cbor.read(plain))
    except Refused:
        raise Refused("content", INVALID) from None


def _read_content(value: Any) -> Content:
    require(cbor.is_array(value, 4), "content")
    content_type, sent_at, parents, body = value
    require(type(content_type) is str and 1 <= len(content_type.encode()) <= 255, "content")
    require(cbor.is_uint(sent_at, LATEST), "content")
    require(cbor.is_octets(body) and len(body) <= MAX_BODY, "content")
    require(cbor.is_array(parents) and len(parents) <= MAX_PARENTS, "content")
    for parent in parents:
        require(cbor.is_array(parent, 3) and cbor.is_octets(parent[0], 16), "content")
        require(cbor.is_uint(parent[1], COUNT - 1) and cbor.is_octets(parent[2], 32), "content")
    ids = [parent[0] for parent in parents]
    require(ids == sorted(set(ids)), "content")
    return Content(content_type, sent_at, tuple((c, i, link) for c, i, link in parents), body)
