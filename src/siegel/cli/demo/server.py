"""Knows what a dishonest server can do with an envelope: it holds every byte of it, and no key.

For the demo alone. The tampering follows the format exactly, so that what refuses it is the check that it is about.
"""

from __future__ import annotations

from siegel._core import shape
from siegel._core.codec import Decoded, Value, decode, encode
from siegel._core.secret import Secret
from siegel._core.suite import hpke_seal, random_bytes
from siegel.audience import audience_leaves
from siegel.identity import PublicIdentity
from siegel.merkle import MerkleTree


def with_ghost(sealed: bytes, ghost: PublicIdentity, *, forge_root: bool) -> bytes:
    """The envelope with one more entry, in its proper place and counted; the root as it was, or recomputed.

    What is sealed in the entry is made up: the server does not know the content secret.
    """
    kind, version, header_item, nonce_item, entries_item, body = shape.array(decode(sealed), 6, "envelope")
    mode, count, root, commitment = shape.array(header_item, 4, "header")
    nonce = shape.octets(nonce_item, None, "nonce")
    made_up = hpke_seal(ghost.sealing_key, Secret(random_bytes(32)), info=b"")
    added: Decoded = [ghost.user_id.data, ghost.sealing_number, made_up]
    entries = [*shape.array(entries_item, None, "entries"), added]
    ids = [shape.octets(shape.array(entry, 3, "entry")[0], None, "user id") for entry in entries]
    placed = sorted(zip(audience_leaves(nonce, ids), entries, strict=True), key=lambda pair: pair[0])
    new_root: Value = MerkleTree([leaf for leaf, _ in placed]).root if forge_root else root
    header: Value = [mode, shape.uint(count, "count") + 1, new_root, commitment]
    return encode([kind, version, header, nonce, [entry for _, entry in placed], body])


def with_flipped_bit(sealed: bytes, bit: int) -> bytes:
    """The bytes with one bit changed."""
    place, mask = bit // 8, 1 << bit % 8
    return sealed[:place] + bytes([sealed[place] ^ mask]) + sealed[place + 1 :]
