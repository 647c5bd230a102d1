"""Broadcasts, by hand and step by step, with a hook at each step (spec EPO-7 … EPO-9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import LATEST, Refused, cbor, curve, identity, require, texts
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, labelled, sha256

TYPE: Final = 12
MAX_CONTROL: Final = 2_097_152
MAX_BROADCAST: Final = 2_162_814
INVALID: Final = "invalid-message"


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """Everything from which a broadcast follows; ``hedge`` are the 32 random bytes of the nonce."""

    control: bytes = field(repr=False)
    sender: bytes = field(repr=False)  # the secret
    group_id: bytes
    head: bytes
    key: bytes = field(repr=False)
    at: int
    hedge: bytes


@dataclass
class Steps:
    """The result of each step, in order."""

    nonce: bytes = b""
    extracted: bytes = b""
    commitment: bytes = b""
    text_key: bytes = b""
    signed: bytes = b""
    signature: bytes = b""
    text: bytes = b""
    padded: bytes = b""
    header: bytes = b""
    ciphertext: bytes = b""
    broadcast: bytes = b""


Hook: TypeAlias = Callable[[Any, Steps], Any]
Hooks: TypeAlias = Mapping[str, Hook]


def write(draft: Draft, hooks: Hooks | None = None) -> Steps:
    """All steps of one broadcast; ``hooks[step](honest value, steps so far)`` replaces a step's result."""
    steps = Steps()
    user_id = identity.user_id(draft.sender)

    def step(name: str, value: Any) -> None:
        setattr(steps, name, value)
        if hooks and name in hooks:
            setattr(steps, name, hooks[name](value, steps))

    step("nonce", nonce_of(draft))
    step("extracted", hmac_sha256(steps.nonce, draft.key))
    commitment, text_key = halves(steps.extracted, draft.group_id, draft.head)
    step("commitment", commitment)
    step("text_key", text_key)
    step("signed", signed_part(draft.group_id, draft.head, steps.commitment, (user_id, draft.at, draft.control)))
    step("signature", curve.sign(identity.derive(draft.sender, "sign"), steps.signed))
    step("text", array(octets(user_id), uint(draft.at), octets(draft.control), octets(steps.signature)))
    step("padded", texts.pad(steps.text))
    step("header", header(draft.head, steps.nonce, steps.commitment))
    step("ciphertext", AESGCM(steps.text_key).encrypt(bytes(12), steps.padded, steps.header))
    step("broadcast", steps.header + octets(steps.ciphertext))
    return steps


def nonce_of(draft: Draft) -> bytes:
    """The nonce (EPO-9)."""
    hedge_secret = identity.derive(draft.sender, "hedge")
    strings = map(octets, (draft.key, hedge_secret, draft.hedge))
    return sha256(labelled("broadcast nonce", *strings, uint(draft.at), octets(draft.control)))


def halves(extracted: bytes, group_id: bytes, head: bytes) -> tuple[bytes, bytes]:
    """Commitment and text key (EPO-7)."""
    output = hkdf_expand(extracted, labelled("broadcast keys", octets(group_id), octets(head)), 64)
    return output[:32], output[32:]


def signed_part(group_id: bytes, head: bytes, commitment: bytes, said: tuple[bytes, int, bytes]) -> bytes:
    """What the sender signs (EPO-8); ``said`` are sender, instant and control."""
    sender, at, control = said
    places = map(octets, (group_id, head, commitment))
    return labelled("broadcast signature", *places, octets(sender), uint(at), octets(control))


def header(head: bytes, nonce: bytes, commitment: bytes) -> bytes:
    """The bytes before the ciphertext's CBOR head (EPO-7)."""
    return cbor.head(cbor.ARRAY, 6) + uint(TYPE) + uint(1) + octets(head) + octets(nonce) + octets(commitment)


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broadcast:
    """A broadcast that was read, nothing of it verified."""

    head: bytes
    nonce: bytes
    commitment: bytes
    ciphertext: bytes = field(repr=False)


@dataclass(frozen=True)
class Said:
    """What it says, and who says so."""

    sender: bytes
    at: int
    control: bytes = field(repr=False)


def read(data: bytes) -> Broadcast:
    """The broadcast in the bytes. Refused at size, encoding, type, version or shape."""
    require(len(data) <= MAX_BROADCAST, "size", "limit-exceeded")
    _, (head, nonce, commitment, ciphertext) = cbor.top_level(data, {TYPE: 6})
    require(all(cbor.is_octets(item, 32) for item in (head, nonce, commitment)), "shape")
    require(cbor.is_octets(ciphertext), "shape")
    size = len(ciphertext) - 16
    require(size >= 64 and texts.padme(size) == size, "shape")
    return Broadcast(head, nonce, commitment, ciphertext)


def open_broadcast(broadcast: Broadcast, key: bytes, group_id: bytes) -> Said:
    """What the broadcast says. Refused at commitment, body, padding, content or signature."""
    commitment, text_key = halves(hmac_sha256(broadcast.nonce, key), group_id, broadcast.head)
    require(commitment == broadcast.commitment, "commitment", INVALID)
    before = header(broadcast.head, broadcast.nonce, broadcast.commitment)
    try:
        padded = AESGCM(text_key).decrypt(bytes(12), broadcast.ciphertext, before)
    except InvalidTag:
        raise Refused("body", INVALID) from None
    plain = texts.unpad(padded, "padding", INVALID)
    try:
        said, signature = _content(cbor.read(plain))
    except Refused:
        raise Refused("content", INVALID) from None
    signed = signed_part(group_id, broadcast.head, commitment, (said.sender, said.at, said.control))
    try:
        curve.verify(said.sender, signed, signature)
    except Refused:
        raise Refused("signature", INVALID) from None
    return said


def _content(value: Any) -> tuple[Said, bytes]:
    require(cbor.is_array(value, 4), "content")
    sender, at, control, signature = value
    require(cbor.is_octets(sender, 32) and cbor.is_octets(signature, 64), "content")
    require(cbor.is_uint(at, LATEST) and cbor.is_octets(control), "content")
    return Said(sender, at, control), signature
