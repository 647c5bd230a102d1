"""Knows the owner's side of a sender chain: writing messages, announcing, ending.

Laws: a chain belongs to one instance of a user and is never in a backup; ``encrypt`` returns the chain without the key
it used, and nothing may be sent before that chain is stored; if stored state is cloned or restored all the same, key
and nonce still do not repeat for another text (``message_nonce``). Pure: randomness and time are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.instants import DAY
from siegel._core.secret import Secret
from siegel._core.suite import HASH_BYTES, SECRET_BYTES, SigningKey
from siegel.errors import InvalidArgument, MalformedError, StateError
from siegel.groups.certificate import Announcement, Certificate, Close, chain_id_of
from siegel.groups.key_tree import INDEX_COUNT, KeyTree
from siegel.groups.message import HEDGE_BYTES, Content, write_message
from siegel.identity import Identity

MAX_MESSAGES: Final = 10_000
MAX_AGE: Final = 7 * DAY

_WHERE: Final = "sending chain record"
_RECORD: Final = b"\x84\x58\x20%b%b%b\x58\x20%b"  # an array of 4: seed, frontier, number, previous link


class SendingChain(NamedTuple):
    """A live chain of our own: ``number`` is the index of the next message, ``previous`` the link before it."""

    certificate: Certificate
    seed: Secret
    key: SigningKey
    tree: KeyTree
    number: int
    previous: bytes

    @classmethod
    def begin(
        cls, identity: Identity, *, group_id: bytes, head: bytes, closes: Sequence[Close], at: int, secrets: bytes
    ) -> SendingChain:
        """A new chain from this roster head on. ``secrets``: 64 fresh random bytes, signing seed and tree root."""
        if len(secrets) != 2 * SECRET_BYTES:
            raise InvalidArgument(f"a chain begins with {2 * SECRET_BYTES} random bytes")
        seed, root = Secret(secrets[:SECRET_BYTES]), Secret(secrets[SECRET_BYTES:])
        key = SigningKey(seed)
        certificate = Certificate.create(identity, group_id=group_id, head=head, key=key.public, closes=closes, at=at)
        return cls(certificate, seed, key, KeyTree.from_root(root), 0, certificate.genesis)

    def must_end(self, *, at: int, max_messages: int = MAX_MESSAGES, max_age: int = MAX_AGE) -> bool:
        """CHN-8: whether the next message needs a new chain: this one is long, or old, or begins after ``at``."""
        return self.number >= min(max_messages, INDEX_COUNT) or not 0 <= at - self.certificate.at < max_age

    def encrypt(self, content: Content, *, head: bytes, hedge: bytes) -> tuple[SendingChain, bytes, bytes]:
        """The chain after this message, the message's bytes, and its link.

        ``head`` (32) is the newest roster head known, ``hedge`` 16 fresh random bytes. StateError at the chain's end,
        InvalidArgument for a content that no message can hold.
        """
        if self.number >= INDEX_COUNT:
            raise StateError("the chain has no key left; begin a new one")
        if len(head) != HASH_BYTES or len(hedge) != HEDGE_BYTES:
            raise InvalidArgument(f"a roster head has {HASH_BYTES} bytes, the random part of a nonce {HEDGE_BYTES}")
        tree = self.tree.copy()
        data, link = write_message(
            content,
            chain_id=self.certificate.chain_id,
            number=self.number,
            head=head,
            previous=self.previous,
            leaf=tree.take(self.number),
            signing_key=self.key,
            hedge=hedge,
        )
        following = SendingChain(self.certificate, self.seed, self.key, tree, self.number + 1, link)
        return following, data, link

    def announcement(self) -> Announcement:
        """What lets its receiver read from the next message on, and nothing before. StateError at the chain's end."""
        if self.number >= INDEX_COUNT:
            raise StateError("the chain has no key left to announce")
        return Announcement(self.certificate, self.number, self.tree.copy(), self.previous)

    def close(self) -> Close:
        """Our word that the chain ends here, for the certificate of the next one."""
        chain_id = self.certificate.chain_id
        return Close(chain_id, self.number - 1, self.previous) if self.number else Close(chain_id, 0, None)

    def encode(self) -> bytes:
        """The chain's record, secret: everything but the certificate, which is a record of its own."""
        return _RECORD % (self.seed.reveal(), encode(self.tree.encode()), encode(self.number), self.previous)

    @classmethod
    def decode(cls, data: bytes, certificate: Certificate) -> SendingChain:
        """The chain that ``encode`` wrote. MalformedError for anything else."""
        seed, frontier, number, previous = shape.array(decode(data), 4, _WHERE)
        secret = Secret(shape.octets(seed, SECRET_BYTES, _WHERE))
        key = SigningKey(secret)
        tree = KeyTree.decode(shape.octets(frontier, None, _WHERE))
        chain = cls(
            certificate,
            secret,
            key,
            tree,
            shape.uint(number, _WHERE, most=INDEX_COUNT),
            shape.octets(previous, HASH_BYTES, _WHERE),
        )
        if chain_id_of(certificate.group_id, certificate.sender.data, key.public) != certificate.chain_id:
            raise MalformedError(_WHERE, "the keys of another chain")
        try:
            start, _ = tree.cover()
        except StateError:
            start = -1
        if start != chain.number:
            raise MalformedError(_WHERE, "not the keys from the next message on")
        return chain
