"""Chain certificates and announcements, by hand (spec CHN-1 … CHN-6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from tests.vectors.reference import LATEST, Refused, cbor, curve, identity, key_tree, require
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import labelled, sha256

TYPE: Final = 7
MAX_CERTIFICATE: Final = 2_048
MAX_ANNOUNCEMENT: Final = 2_676
MAX_CLOSES: Final = 16

Close: TypeAlias = tuple[bytes, int, bytes | None]  # chain id, final index, final link


@dataclass(frozen=True)
class Certificate:
    """The fields of a certificate, in the order of the wire."""

    group_id: bytes
    head: bytes
    chain_id: bytes
    sender: bytes
    key: bytes
    closes: tuple[Close, ...]
    at: int
    signature: bytes = b""

    def fields(self) -> list[bytes]:
        """The encoded items from type to at."""
        strings = (self.group_id, self.head, self.chain_id, self.sender, self.key)
        return [uint(TYPE), uint(1), *map(octets, strings), encoded_closes(self.closes), uint(self.at)]

    @property
    def signed_part(self) -> bytes:
        """What the sender signs (CHN-5)."""
        return labelled("chain certificate", *self.fields())

    @property
    def genesis(self) -> bytes:
        """The link before the first message (CHN-4)."""
        return sha256(labelled("chain genesis", *self.fields()))

    def encode(self) -> bytes:
        """The certificate's bytes."""
        return array(*self.fields(), octets(self.signature))

    def signed(self, secret: bytes) -> Certificate:
        """The certificate signed by this identity, whatever its fields say."""
        return replace(self, signature=identity.sign_with(secret, self.signed_part))


def encoded_closes(closes: tuple[Close, ...]) -> bytes:
    """The array of closes (CHN-3)."""
    return array(*(array(octets(c), uint(i), cbor.NULL if link is None else octets(link)) for c, i, link in closes))


def chain_id_of(group_id: bytes, sender: bytes, key: bytes) -> bytes:
    """The chain id (CHN-2)."""
    return sha256(labelled("chain id", octets(group_id), octets(sender), octets(key)))[:16]


def certify(
    secret: bytes, seed: bytes, *, group_id: bytes, head: bytes, closes: tuple[Close, ...] = (), at: int
) -> Certificate:
    """The certificate of a new chain."""
    sender, key = identity.user_id(secret), curve.public_key(seed)
    chain_id = chain_id_of(group_id, sender, key)
    return Certificate(group_id, head, chain_id, sender, key, closes, at).signed(secret)


def read_certificate(data: bytes) -> Certificate:
    """The certificate after every check (CHN-5)."""
    require(len(data) <= MAX_CERTIFICATE, "size", "limit-exceeded")
    _, (group_id, head, chain_id, sender, key, closes, at, signature) = cbor.top_level(data, {TYPE: 10})
    require(all(cbor.is_octets(item, 32) for item in (group_id, head, sender, key)), "shape")
    require(cbor.is_octets(chain_id, 16) and cbor.is_uint(at, LATEST) and cbor.is_octets(signature, 64), "shape")
    certificate = Certificate(group_id, head, chain_id, sender, key, _read_closes(closes), at, signature)
    require(certificate.chain_id not in {chain_id for chain_id, _, _ in certificate.closes}, "shape")
    require(curve.is_strict(certificate.sender) and curve.is_strict(certificate.key), "signing-key")
    expected = chain_id_of(certificate.group_id, certificate.sender, certificate.key)
    require(certificate.chain_id == expected, "chain-id")
    curve.verify(certificate.sender, certificate.signed_part, signature)
    return certificate


def _read_closes(value: Any) -> tuple[Close, ...]:
    require(cbor.is_array(value) and all(cbor.is_array(item, 3) for item in value), "shape")
    for chain_id, index, link in value:
        require(cbor.is_octets(chain_id, 16) and cbor.is_uint(index, key_tree.COUNT - 1), "shape")
        require(cbor.is_octets(link, 32) or (link is None and index == 0), "shape")
    ids = [item[0] for item in value]
    require(ids == sorted(set(ids)), "shape")
    require(len(ids) <= MAX_CLOSES, "shape", "limit-exceeded")
    return tuple((chain_id, index, link) for chain_id, index, link in value)


# --- announcement (CHN-6) ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Announcement:
    """The items of an announcement; ``certificate`` encoded."""

    certificate: bytes
    start: int
    nodes: list[bytes]
    link: bytes

    def encode(self) -> bytes:
        """The announcement's bytes."""
        return array(octets(self.certificate), uint(self.start), array(*map(octets, self.nodes)), octets(self.link))


def announce(certificate: Certificate, root: bytes, start: int = 0, link: bytes | None = None) -> Announcement:
    """What lets somebody read the chain from an index on."""
    link = certificate.genesis if link is None else link
    return Announcement(certificate.encode(), start, key_tree.cover(root, start), link)


def read_announcement(data: bytes) -> tuple[Certificate, Announcement, key_tree.Frontier]:
    """The announcement after every check that looks at it alone."""
    require(len(data) <= MAX_ANNOUNCEMENT, "size", "limit-exceeded")
    value = cbor.read(data)
    require(cbor.is_array(value, 4), "shape")
    encoded, start, nodes, link = value
    require(cbor.is_octets(encoded) and cbor.is_uint(start, key_tree.COUNT - 1), "shape")
    require(cbor.is_array(nodes) and all(cbor.is_octets(node, 32) for node in nodes), "shape")
    require(cbor.is_octets(link, 32), "shape")
    try:
        certificate = read_certificate(encoded)
    except Refused as refused:
        raise Refused("certificate", refused.code) from None
    frontier = key_tree.from_cover(start, nodes)
    require(start > 0 or link == certificate.genesis, "link")
    return certificate, Announcement(encoded, start, nodes, link), frontier
