"""Knows every domain-separation label, one table (spec: ``docs/spec/labels.md``, LAB-1, LAB-2).

Laws: labels are unique and none is a prefix of another; what is signed, MACed, hashed or used as ``info`` is
``label ‖ 0x00 ‖ deterministic CBOR array of the named items``, so no two uses can ever agree on their bytes.
"""

from __future__ import annotations

from enum import Enum

from siegel._core.codec import Value, array_of, encode


class Label(bytes, Enum):
    """One label per purpose: its ASCII text followed by the separating zero byte."""

    IDENTITY = b"siegel/1 identity\0"
    DERIVE_SIGN = b"siegel/1 sign\0"
    DERIVE_SEAL = b"siegel/1 seal\0"
    DERIVE_STORE = b"siegel/1 store\0"
    DERIVE_BACKUP = b"siegel/1 backup\0"
    DERIVE_INDEX = b"siegel/1 index\0"
    DERIVE_HEDGE = b"siegel/1 hedge\0"
    PUBLIC_IDENTITY = b"siegel/1 public identity\0"
    SUCCESSION = b"siegel/1 succession\0"
    SAFETY_NUMBER = b"siegel/1 safety number\0"
    AUDIENCE_SALT = b"siegel/1 audience salt\0"
    AUDIENCE_LEAF = b"siegel/1 audience leaf\0"
    INNER_CONTENT = b"siegel/1 inner content\0"
    CONTENT_SECRET = b"siegel/1 content secret\0"
    CONTENT_KEYS = b"siegel/1 content keys\0"
    ENTRY = b"siegel/1 entry\0"
    MESSAGE_SIGNATURE = b"siegel/1 message signature\0"
    MESSAGE_ID = b"siegel/1 message id\0"
    ROSTER_OPERATION = b"siegel/1 roster operation\0"
    ROSTER_HEAD = b"siegel/1 roster head\0"
    GROUP_ID = b"siegel/1 group id\0"
    LEAVE_STATEMENT = b"siegel/1 leave statement\0"
    KEY_TREE = b"siegel/1 key tree\0"
    LEAF_COMMITMENT = b"siegel/1 leaf commitment\0"
    CHAIN_ID = b"siegel/1 chain id\0"
    CHAIN_CERTIFICATE = b"siegel/1 chain certificate\0"
    CHAIN_GENESIS = b"siegel/1 chain genesis\0"
    MESSAGE_NONCE = b"siegel/1 message nonce\0"
    LINK = b"siegel/1 link\0"
    LINK_SIGNATURE = b"siegel/1 group signature\0"
    EPOCH_COMMITMENT = b"siegel/1 epoch commitment\0"
    EPOCH_DERIVATION = b"siegel/1 epoch derivation\0"
    BROADCAST_NONCE = b"siegel/1 broadcast nonce\0"
    BROADCAST_KEYS = b"siegel/1 broadcast keys\0"
    BROADCAST_SIGNATURE = b"siegel/1 broadcast signature\0"
    UNLOCK_SLOT = b"siegel/1 unlock slot\0"
    SLOT_ID = b"siegel/1 slot id\0"
    SLOT_TABLE = b"siegel/1 slot table\0"
    STORE_HEADER = b"siegel/1 header secret\0"
    STORE_SECRET = b"siegel/1 wrapped secret\0"
    STORE_EPOCH = b"siegel/1 wrapped epoch\0"
    DATA_KEY = b"siegel/1 wrapped data key\0"
    STORE_SCOPE = b"siegel/1 record scope\0"
    RECORD_NAMES = b"siegel/1 record names\0"
    BLIND_INDEX = b"siegel/1 blind index\0"
    ACCUMULATOR = b"siegel/1 accumulator\0"
    RECORD = b"siegel/1 row\0"
    HEADER = b"siegel/1 state header\0"
    CATALOGUE = b"siegel/1 catalogue\0"
    ATTACHMENT = b"siegel/1 attachment\0"
    BACKUP_KEY = b"siegel/1 archive key\0"
    BACKUP_STREAM = b"siegel/1 archive stream\0"
    BACKUP_SIGNATURE = b"siegel/1 archive signature\0"

    @property
    def text(self) -> str:
        """The label as the specification writes it, without the zero byte."""
        return self[:-1].decode("ascii")


def labelled(label: Label, *items: Value) -> bytes:
    """``label ‖ 0x00 ‖ CBOR array of the items``."""
    return label + array_of(*[encode(item) for item in items])
