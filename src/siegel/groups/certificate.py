"""Knows how a sender chain is introduced: its certificate, and the announcement of its keys (spec: chain.md, CHN).

    [7, 1, group id (32), roster head (32), chain id (16), sender (32), chain signing key (32), closes, at,
     signature (64)]

Laws: only the owner announces, with the identity's signature; a certificate holds nothing secret, so evidence of a fork
convinces whoever sees it; a certificate that exists as an object has passed every check; the hash that a chain begins
with covers the certificate and not its signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, Value, decode, encode
from siegel._core.frozen import Frozen
from siegel._core.instants import LATEST, instant
from siegel._core.labels import Label, labelled
from siegel._core.suite import (
    HASH_BYTES,
    SIGNATURE_BYTES,
    SIGNING_KEY_BYTES,
    check_signing_key,
    sha256,
    sign,
    verify,
)
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError
from siegel.groups.key_tree import DEPTH, INDEX_COUNT, NODE_BYTES, KeyTree
from siegel.groups.message import CHAIN_ID_BYTES
from siegel.identity import USER_ID_BYTES, Identity, UserId, signing_key

GROUP_ID_BYTES: Final = HASH_BYTES
MAX_CLOSES: Final = 16  # as many as a user has live chains
MAX_CERTIFICATE_BYTES: Final = 2048
MAX_ANNOUNCEMENT_BYTES: Final = MAX_CERTIFICATE_BYTES + (DEPTH + 2) * (NODE_BYTES + 2) + 16

_WHERE: Final = "chain certificate"
_PAYLOAD: Final = "announcement"


class Close(NamedTuple):
    """CHN-3: its owner's word on where a chain ends: last index and the link there; None (and index 0) if unused."""

    chain_id: bytes
    final_index: int
    final_link: bytes | None

    @property
    def end(self) -> int:
        """How many messages the chain has."""
        return self.final_index + 1 if self.final_link is not None else 0


class Certificate(Frozen):
    """A checked certificate (CHN-1, CHN-5). ``at`` (ms) is its owner's claim.

    ``genesis`` (CHN-4) is the link before the chain's first message.

    Equal certificates have equal content; the signature does not count.
    """

    __slots__ = ("_encoded", "at", "chain_id", "closes", "genesis", "group_id", "head", "sender", "signing_key")

    group_id: bytes
    head: bytes
    chain_id: bytes
    sender: UserId
    signing_key: bytes
    closes: tuple[Close, ...]
    at: int
    genesis: bytes
    _encoded: bytes

    def __init__(self, items: Sequence[Decoded], encoded: bytes) -> None:
        self._set(
            group_id=shape.octets(items[0], GROUP_ID_BYTES, f"{_WHERE} group id"),
            head=shape.octets(items[1], HASH_BYTES, f"{_WHERE} roster head"),
            chain_id=shape.octets(items[2], CHAIN_ID_BYTES, f"{_WHERE} chain id"),
            sender=UserId(shape.octets(items[3], USER_ID_BYTES, f"{_WHERE} sender")),
            signing_key=shape.octets(items[4], SIGNING_KEY_BYTES, f"{_WHERE} signing key"),
            closes=_closes(items[5]),
            at=shape.uint(items[6], f"{_WHERE} at", most=LATEST),
            genesis=sha256(_unsigned(Label.CHAIN_GENESIS, items)),
            _encoded=encoded,
        )
        if any(close.chain_id == self.chain_id for close in self.closes):
            raise MalformedError(f"{_WHERE} closes", "a chain cannot end before it begins")

    @classmethod
    def create(
        cls, identity: Identity, *, group_id: bytes, head: bytes, key: bytes, closes: Sequence[Close], at: int
    ) -> Certificate:
        """Signs that this identity writes a chain under ``key`` (a fresh Ed25519 public key) from ``head`` on.

        ``closes`` are the owner's own chains that end with it, at most 16, in any order.
        """
        ended: list[Decoded] = [list(close) for close in sorted(closes, key=lambda close: close.chain_id)]
        sender = identity.user_id.data
        chain_id = chain_id_of(group_id, sender, key)
        fields: list[Decoded] = [group_id, head, chain_id, sender, key, ended, instant(at)]
        signature = sign(signing_key(identity), _unsigned(Label.CHAIN_CERTIFICATE, fields))
        try:
            return cls(fields, encode([shape.CHAIN_CERTIFICATE, shape.VERSION, *fields, signature]))
        except (MalformedError, LimitExceeded) as error:
            raise InvalidArgument(str(error)) from None

    @classmethod
    def decode(cls, data: bytes) -> Certificate:
        """The certificate that the bytes hold. LimitExceeded, MalformedError, UnsupportedVersion, InvalidMessage."""
        if len(data) > MAX_CERTIFICATE_BYTES:
            raise LimitExceeded(_WHERE, f"larger than {MAX_CERTIFICATE_BYTES} bytes")
        items = shape.top_level(data, kind=shape.CHAIN_CERTIFICATE, fields=8, where=_WHERE)
        certificate = cls(items[:7], data)
        signature = shape.octets(items[7], SIGNATURE_BYTES, f"{_WHERE} signature")
        check_signing_key(certificate.sender.data, where=f"{_WHERE} sender")
        check_signing_key(certificate.signing_key, where=f"{_WHERE} signing key")
        if certificate.chain_id != chain_id_of(certificate.group_id, certificate.sender.data, certificate.signing_key):
            raise MalformedError(f"{_WHERE} chain id", "not the one of group, sender and signing key")
        verify(certificate.sender.data, _unsigned(Label.CHAIN_CERTIFICATE, items[:7]), signature)
        return certificate

    def encode(self) -> bytes:
        """The signed bytes, the same that were decoded."""
        return self._encoded

    def __eq__(self, other: object) -> bool:
        return self.genesis == other.genesis if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.genesis)

    def __repr__(self) -> str:
        return f"<Certificate of chain {self.chain_id.hex()} by {self.sender}>"


def chain_id_of(group_id: bytes, sender: bytes, key: bytes) -> bytes:
    """CHN-2: the 16 bytes that name a chain: nobody can claim the chain of another sender, group or key."""
    return sha256(labelled(Label.CHAIN_ID, group_id, sender, key))[:CHAIN_ID_BYTES]


def _unsigned(label: Label, fields: Sequence[Value]) -> bytes:
    return labelled(label, shape.CHAIN_CERTIFICATE, shape.VERSION, *fields)


def _closes(value: Decoded) -> tuple[Close, ...]:
    where = f"{_WHERE} closes"
    closes = tuple(_close(item, where) for item in shape.array(value, None, where))
    ids = [close.chain_id for close in closes]
    if ids != sorted(set(ids)):
        raise MalformedError(where, "not ascending, or a chain stands twice")
    if len(ids) > MAX_CLOSES:
        raise LimitExceeded(where, f"more than {MAX_CLOSES} chains")
    return closes


def _close(value: Decoded, where: str) -> Close:
    chain_id, index, link = shape.array(value, 3, where)
    close = Close(
        shape.octets(chain_id, CHAIN_ID_BYTES, where),
        shape.uint(index, where, most=INDEX_COUNT - 1),
        None if link is None else shape.octets(link, HASH_BYTES, where),
    )
    if close.final_link is None and close.final_index:
        raise MalformedError(where, "without a link a chain is unused, and its index is 0")
    return close


# --- announcement ----------------------------------------------------------------------------------------------------


class Announcement(NamedTuple):
    """CHN-6: what lets somebody read a chain from ``start`` on: certificate, keys, and the link before that message."""

    certificate: Certificate
    start: int
    tree: KeyTree
    link: bytes

    def encode(self) -> bytes:
        """``[certificate, start, nodes, link before start]``. Secret: it travels encrypted and signed."""
        start, nodes = self.tree.cover()
        if start != self.start or start == INDEX_COUNT:
            raise InvalidArgument("the keys do not begin at the start, or there are none")
        return encode([self.certificate.encode(), start, nodes, self.link])

    @classmethod
    def decode(cls, data: bytes) -> Announcement:
        """The announcement that the bytes hold, its certificate verified. Raises what ``Certificate.decode`` does.

        Who sent the bytes is the caller's to check: nobody but the certificate's sender may.
        """
        if len(data) > MAX_ANNOUNCEMENT_BYTES:
            raise LimitExceeded(_PAYLOAD, f"larger than {MAX_ANNOUNCEMENT_BYTES} bytes")
        items = shape.array(decode(data), 4, _PAYLOAD)
        encoded = shape.octets(items[0], None, f"{_PAYLOAD} certificate")
        start = shape.uint(items[1], f"{_PAYLOAD} start", most=INDEX_COUNT - 1)
        nodes = [shape.octets(node, NODE_BYTES, f"{_PAYLOAD} node") for node in shape.array(items[2], None, _PAYLOAD)]
        link = shape.octets(items[3], HASH_BYTES, f"{_PAYLOAD} link")
        certificate = Certificate.decode(encoded)
        tree = KeyTree.from_cover(start, nodes)
        if not start and link != certificate.genesis:
            raise MalformedError(f"{_PAYLOAD} link", "a chain begins with the hash of its certificate")
        return cls(certificate, start, tree, link)
