"""The bytes of a group, read and made by hand with whatever keys an insider has: chains, messages, roster, broadcasts.

Written from the specification alone, as ``attacker.py`` is; ``test_toolbox.py`` shows that without a fault the library
accepts what is made here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cbor2
import nacl.bindings as sodium
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.attacks.attacker import NOW, Person, Signer, cbor, labelled, pad, remember_secret, sha256

GROUP_MESSAGE, OPERATION, LEAVE, CERTIFICATE, BROADCAST = 3, 4, 5, 7, 12
CREATE, ADD, REMOVE, ADOPT, DISMISS, REFRESH, SET_ROLE, SET_POLICY, RENAME, CLOSE = range(10)
ADMIN, MEMBER, READER, ARCHIVIST = range(4)
CONTROL = "siegel/control"
INDICES = 2**16


def raw_label(purpose: str) -> bytes:
    """For the uses of fixed shape, where no array follows."""
    return b"siegel/1 " + purpose.encode("ascii") + b"\0"


def sign_with(seed: bytes, text: bytes) -> bytes:
    _, pair = sodium.crypto_sign_seed_keypair(seed)
    return sodium.crypto_sign(text, pair)[:64]


# --- the key tree ----------------------------------------------------------------------------------------------------


def children(node: bytes) -> tuple[bytes, bytes]:
    both = hashlib.sha512(raw_label("key tree") + node).digest()
    return both[:32], both[32:]


def heights(start: int) -> list[int]:
    """The heights of the nodes that cover the indices from ``start`` on."""
    found: list[int] = []
    while start < INDICES:
        found.append((start & -start).bit_length() - 1 if start else 16)
        start += 1 << found[-1]
    return found


def node_above(node: bytes, index: int, height: int, *, top: int = 16) -> bytes:
    """The node of this height on the way from a node of height ``top`` to the leaf of the index."""
    for bit in range(top - 1, height - 1, -1):
        node = children(node)[index >> bit & 1]
    return node


def cover(root: bytes, start: int) -> list[bytes]:
    nodes: list[bytes] = []
    for height in heights(start):
        nodes.append(node_above(root, start, height))
        start += 1 << height
    return nodes


def leaf_of(start: int, nodes: Sequence[bytes], index: int) -> bytes:
    """The key of one message, from the nodes that an announcement holds. LookupError for one before its start."""
    for height, node in zip(heights(start), nodes, strict=True):
        if start <= index < start + (1 << height):
            return node_above(node, index, 0, top=height)
        start += 1 << height
    raise LookupError(index)


# --- messages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """A group message in pieces, to be changed and put together again."""

    chain_id: bytes
    index: int
    head: bytes
    previous: bytes
    nonce: bytes
    commitment: bytes
    ciphertext: bytes
    signature: bytes

    @classmethod
    def of(cls, data: bytes) -> Message:
        kind, version, *fields = cbor2.loads(data)
        assert (kind, version) == (GROUP_MESSAGE, 1)
        return cls(*fields)

    @property
    def header(self) -> bytes:
        items = (GROUP_MESSAGE, 1, self.chain_id, self.index, self.head, self.previous, self.nonce, self.commitment)
        return b"\x8a" + b"".join(map(cbor, items))

    @property
    def link(self) -> bytes:
        return sha256(raw_label("link") + self.header + cbor(self.ciphertext))

    @property
    def text_to_sign(self) -> bytes:
        return raw_label("group signature") + self.link

    def encode(self) -> bytes:
        return self.header + cbor(self.ciphertext) + cbor(self.signature)

    def but(self, **fields: Any) -> Message:
        return replace(self, **fields)

    def signed(self, sign: Signer) -> Message:
        return replace(self, signature=sign(self.text_to_sign))

    def opened(self, leaf: bytes) -> list[Any]:
        """``[content type, sent at, parents, body]``."""
        padded = AESGCM(leaf).decrypt(self.nonce, self.ciphertext, self.header)
        content: list[Any] = cbor2.loads(padded[4 : int.from_bytes(padded[:4], "big")])
        return content

    def encrypted(self, leaf: bytes, content: Sequence[Any]) -> Message:
        """The message with this content under this key, committed to; its signature is as it was."""
        committed = replace(self, commitment=sha256(raw_label("leaf commitment") + leaf))
        return replace(
            committed, ciphertext=AESGCM(leaf).encrypt(self.nonce, pad(cbor(list(content))), committed.header)
        )


def written(place: tuple[bytes, int, bytes, bytes], body: bytes, *, leaf: bytes, sign: Signer) -> Message:
    """A message at this place (chain id, index, head, previous link) by whoever has the keys."""
    return Message(*place, sha256(body)[:12], b"", b"", bytes(64)).encrypted(leaf, text(body)).signed(sign)


def text(body: bytes, *, at: int = NOW, kind: str = "text/plain", parents: Sequence[Any] = ()) -> list[Any]:
    return [kind, at, list(parents), body]


# --- chains ----------------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What an announcement gives to its readers."""

    certificate: list[Any]
    start: int
    nodes: list[bytes]
    link: bytes

    @classmethod
    def of(cls, announcement: bytes) -> Reading:
        encoded, start, nodes, link = cbor2.loads(announcement)
        return cls(cbor2.loads(encoded), start, nodes, link)

    @property
    def chain_id(self) -> bytes:
        chain_id: bytes = self.certificate[4]
        return chain_id

    @property
    def signing_key(self) -> bytes:
        key: bytes = self.certificate[6]
        return key

    def leaf(self, index: int) -> bytes:
        return leaf_of(self.start, self.nodes, index)


@dataclass
class OwnChain:
    """A chain that somebody writes by hand, with any content and fault."""

    owner: Person
    group_id: bytes
    head: bytes
    seed: bytes
    root: bytes
    closes: Sequence[Sequence[Any]] = ()
    at: int = NOW
    claimed: bytes | None = None  # the sender that the certificate names, if not the owner
    links: list[bytes] = field(default_factory=list)

    @property
    def sender(self) -> bytes:
        return self.claimed or self.owner.id

    @property
    def signing_key(self) -> bytes:
        return sodium.crypto_sign_seed_keypair(self.seed)[0]

    @property
    def chain_id(self) -> bytes:
        return sha256(labelled("chain id", self.group_id, self.sender, self.signing_key))[:16]

    @property
    def fields(self) -> list[Any]:
        ended = sorted(([*close] for close in self.closes), key=lambda close: close[0])
        sender, key = self.sender, self.signing_key
        return [CERTIFICATE, 1, self.group_id, self.head, self.chain_id, sender, key, ended, self.at]

    @property
    def genesis(self) -> bytes:
        return sha256(labelled("chain genesis", *self.fields))

    def certificate(self, sign: Signer | None = None) -> bytes:
        signature = (sign or self.owner.sign)(labelled("chain certificate", *self.fields))
        return cbor([*self.fields, signature])

    def announcement(self, start: int = 0, *, nodes: Sequence[bytes] | None = None, link: bytes | None = None) -> bytes:
        before = (self.links[start - 1] if start else self.genesis) if link is None else link
        return cbor([self.certificate(), start, list(cover(self.root, start) if nodes is None else nodes), before])

    def sign(self, data: bytes) -> bytes:
        return sign_with(self.seed, data)

    def leaf(self, index: int) -> bytes:
        return node_above(self.root, index, 0)

    def write(
        self, body: bytes, *, head: bytes | None = None, index: int | None = None, previous: bytes | None = None
    ) -> Message:
        """A message at this index, the next one by default, which alone counts for those that follow."""
        number = len(self.links) if index is None else index
        if previous is None:
            previous = self.links[number - 1] if number else self.genesis
        place = (self.chain_id, number, self.head if head is None else head, previous)
        message = written(place, body, leaf=self.leaf(number), sign=self.sign)
        if index is None:
            self.links.append(message.link)
        return message


def chain_of(owner: Person, group_id: bytes, head: bytes, *, name: str = "chain", **fields: Any) -> OwnChain:
    """A chain from secrets that this name gives."""
    seed, root = (remember_secret(sha256(f"{what} of {name}".encode() + owner.id)) for what in ("seed", "root"))
    return OwnChain(owner, group_id, head, seed, root, **fields)


# --- roster ----------------------------------------------------------------------------------------------------------


def operation(
    author: Person,
    group_id: bytes,
    previous: bytes,
    height: int,
    action: Sequence[Any],
    *,
    claimed: bytes | None = None,
    sign: Signer | None = None,
    at: int = NOW,
) -> bytes:
    """An operation by hand; ``claimed`` is the author whom it names, if not who signs."""
    fields = [OPERATION, 1, group_id, height, previous, claimed or author.id, at, list(action)]
    return cbor([*fields, (sign or author.sign)(labelled("roster operation", *fields))])


def head_of(encoded: bytes) -> bytes:
    return sha256(labelled("roster head", *cbor2.loads(encoded)[:8]))


def action_of(item: bytes) -> list[Any]:
    """The action of an operation; that of a leave statement is empty."""
    fields = cbor2.loads(item)
    return [*fields[7]] if fields[0] == OPERATION else [None]


def leave_statement(
    user: Person, group_id: bytes, head: bytes, *, closes: Sequence[Any] = (), sign: Signer | None = None, at: int = NOW
) -> bytes:
    fields = [LEAVE, 1, group_id, head, user.id, list(closes), at]
    return cbor([*fields, (sign or user.sign)(labelled("leave statement", *fields))])


def epoch_commitment(key: bytes) -> bytes:
    return sha256(labelled("epoch commitment", key))


def removal(user: bytes, key: bytes, *, statements: Sequence[bytes] = (), closes: Sequence[Any] = ()) -> list[Any]:
    return [REMOVE, [user], list(statements), list(closes), [epoch_commitment(key), []]]


# --- control ---------------------------------------------------------------------------------------------------------


def control(
    group_id: bytes,
    *,
    items: Sequence[bytes] = (),
    key: Sequence[bytes] | None = None,
    announcements: Sequence[bytes] = (),
    identities: Sequence[bytes] = (),
    request: Sequence[Any] | None = None,
    not_after: int | None = None,
) -> bytes:
    return cbor(
        [
            group_id,
            list(items),
            list(key) if key else None,
            list(announcements),
            list(identities),
            list(request) if request else None,
            not_after,
        ]
    )


def derived_key(key: bytes, head: bytes) -> bytes:
    return sha256(raw_label("epoch derivation") + key + head)


def broadcast_keys(key: bytes, nonce: bytes, group_id: bytes, head: bytes) -> tuple[bytes, bytes]:
    """Commitment and key of one broadcast."""
    output = HKDF(hashes.SHA256(), 64, nonce, labelled("broadcast keys", group_id, head)).derive(key)
    return output[:32], output[32:]


def broadcast_header(head: bytes, nonce: bytes, commitment: bytes) -> bytes:
    return b"\x86" + b"".join(map(cbor, (BROADCAST, 1, head, nonce, commitment)))


def broadcast(
    author: Person,
    group_id: bytes,
    head: bytes,
    key: bytes,
    said: bytes,
    *,
    claimed: bytes | None = None,
    sign: Signer | None = None,
    nonce: bytes | None = None,
    at: int = NOW,
) -> bytes:
    """A control under an epoch key by hand; ``claimed`` is the sender whom it names, if not who signs."""
    sender, salt = claimed or author.id, nonce or sha256(b"nonce" + said)
    commitment, text_key = broadcast_keys(key, salt, group_id, head)
    signature = (sign or author.sign)(labelled("broadcast signature", group_id, head, commitment, sender, at, said))
    padded = pad(cbor([sender, at, said, signature]))
    header = broadcast_header(head, salt, commitment)
    return header + cbor(AESGCM(text_key).encrypt(bytes(12), padded, header))


def said_in(data: bytes, group_id: bytes, keys: Sequence[bytes]) -> list[Any] | None:
    """``[sender, at, control, signature]`` of a broadcast, if one of these epoch keys opens it."""
    _, _, head, nonce, commitment, ciphertext = cbor2.loads(data)
    for key in keys:
        expected, text_key = broadcast_keys(key, nonce, group_id, head)
        if expected == commitment:
            padded = AESGCM(text_key).decrypt(bytes(12), ciphertext, broadcast_header(head, nonce, commitment))
            said: list[Any] = cbor2.loads(padded[4 : int.from_bytes(padded[:4], "big")])
            return said
    return None
