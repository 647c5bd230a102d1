"""Knows the broadcast: control for everybody who holds an epoch key, as one ciphertext (spec: epoch.md, EPO-7 … EPO-9).

    [12, 1, roster head (32), nonce (32), commitment (32), ciphertext]

Laws: each broadcast has a key of its own, even if the random generator repeats itself; the commitment is compared
before anything is decrypted; the sender is an output of verification; every failure is the same InvalidMessage.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.instants import LATEST
from siegel._core.labels import Label, labelled
from siegel._core.padding import pad, padme, unpad
from siegel._core.secret import Secret
from siegel._core.suite import (
    HASH_BYTES,
    SIGNATURE_BYTES,
    TAG_BYTES,
    decrypt_once,
    encrypt_once,
    hkdf_expand_pair,
    hkdf_extract,
    require_equal,
    sha256,
    sign,
    verify,
)
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError
from siegel.identity import USER_ID_BYTES, Identity, UserId, hedge_secret, signing_key

NONCE_BYTES: Final = 32
MAX_CONTROL_BYTES: Final = 2 * 2**20

_WHERE: Final = "broadcast"
_BESIDE_CONTROL: Final = 4 + 1 + 34 + 9 + 5 + 66  # length, array, sender, instant, head of the control, signature
_BESIDE_TEXT: Final = 3 + 3 * 34 + 5 + TAG_BYTES  # array, type, version, three hashes, head of the ciphertext
MAX_BROADCAST_BYTES: Final = padme(_BESIDE_CONTROL + MAX_CONTROL_BYTES) + _BESIDE_TEXT


class Broadcast(NamedTuple):
    """A broadcast as it travels, nothing of it verified; ``header`` is what stands before the ciphertext."""

    head: bytes
    nonce: bytes
    commitment: bytes
    ciphertext: bytes
    header: bytes


class Announced(NamedTuple):
    """What a broadcast says, verified: who sent it, when (ms, the sender's claim), and the encoded control."""

    sender: UserId
    at: int
    control: bytes

    def __repr__(self) -> str:
        return f"<Announced by {self.sender} at {self.at}, {len(self.control)} bytes>"


def write_broadcast(
    control: bytes, *, identity: Identity, group_id: bytes, head: bytes, key: Secret, at: int, hedge: bytes
) -> bytes:
    """The broadcast of an encoded control under the epoch key of this head. ``hedge``: 32 fresh random bytes.

    InvalidArgument for a control over 2 MiB.
    """
    if len(control) > MAX_CONTROL_BYTES or len(hedge) != NONCE_BYTES:
        raise InvalidArgument("a broadcast has at most 2 MiB, and 32 random bytes")
    said = Announced(identity.user_id, at, control)
    # EPO-9. The signature is not hashed with it: it follows from what is, and covers what follows from the nonce.
    nonce = sha256(labelled(Label.BROADCAST_NONCE, key.reveal(), hedge_secret(identity).reveal(), hedge, at, control))
    commitment, text_key = _keys(key, nonce, group_id, head)
    signature = sign(signing_key(identity), _signed(group_id, head, commitment, said))
    padded = pad(encode([said.sender.data, at, control, signature]))
    header = _header(head, nonce, commitment)
    return header + encode(encrypt_once(text_key, padded, aad=header))


def parse_broadcast(data: bytes) -> Broadcast:
    """The broadcast that the bytes hold. LimitExceeded, MalformedError or UnsupportedVersion."""
    if len(data) > MAX_BROADCAST_BYTES:
        raise LimitExceeded(_WHERE, f"larger than {MAX_BROADCAST_BYTES} bytes")
    items = shape.top_level(data, kind=shape.BROADCAST, fields=4, where=_WHERE)
    head = shape.octets(items[0], HASH_BYTES, f"{_WHERE} roster head")
    nonce = shape.octets(items[1], NONCE_BYTES, f"{_WHERE} nonce")
    commitment = shape.octets(items[2], HASH_BYTES, f"{_WHERE} commitment")
    ciphertext = shape.octets(items[3], None, f"{_WHERE} ciphertext")
    size = len(ciphertext) - TAG_BYTES
    if padme(size) != size:
        raise MalformedError(f"{_WHERE} ciphertext", "not the size of a padded text")
    return Broadcast(head, nonce, commitment, ciphertext, _header(head, nonce, commitment))


def open_broadcast(broadcast: Broadcast, key: Secret, *, group_id: bytes) -> Announced:
    """What the broadcast says, under the epoch key of its head. InvalidMessage, whatever is wrong."""
    commitment, text_key = _keys(key, broadcast.nonce, group_id, broadcast.head)
    require_equal(commitment, broadcast.commitment)
    padded = decrypt_once(text_key, broadcast.ciphertext, aad=broadcast.header)
    try:
        said, signature = _parse(unpad(padded))
    except MalformedError:
        said, signature = None, b""
    if said is None:
        raise InvalidMessage  # outside the handler: the cause stays out of the traceback
    verify(said.sender.data, _signed(group_id, broadcast.head, broadcast.commitment, said), signature)
    return said


def _parse(text: bytes) -> tuple[Announced, bytes]:
    sender, at, control, signature = shape.array(decode(text), 4, _WHERE)
    said = Announced(
        UserId(shape.octets(sender, USER_ID_BYTES, _WHERE)),
        shape.uint(at, _WHERE, most=LATEST),
        shape.octets(control, None, _WHERE),
    )
    return said, shape.octets(signature, SIGNATURE_BYTES, _WHERE)


def _header(head: bytes, nonce: bytes, commitment: bytes) -> bytes:
    """Everything before the ciphertext's CBOR head."""
    return b"\x86\x0c\x01" + encode(head) + encode(nonce) + encode(commitment)


def _keys(key: Secret, nonce: bytes, group_id: bytes, head: bytes) -> tuple[bytes, Secret]:
    """EPO-7: commitment and key of one broadcast."""
    secret = hkdf_extract(salt=nonce, material=key.reveal())
    return hkdf_expand_pair(secret, info=labelled(Label.BROADCAST_KEYS, group_id, head))


def _signed(group_id: bytes, head: bytes, commitment: bytes, said: Announced) -> bytes:
    """EPO-8. Without the commitment any holder could take what a sender said and write it again under another key."""
    sender, at, control = said
    return labelled(Label.BROADCAST_SIGNATURE, group_id, head, commitment, sender.data, at, control)
