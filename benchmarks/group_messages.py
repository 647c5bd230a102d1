"""256 bytes to a group: one message, and a backlog of 10,000, against the raw primitives and Megolm.

A backlog is timed from bytes to contents: parsing, one signature, and for each message its hashes, key and decryption.
"""

from __future__ import annotations

import hashlib
import os

import nacl.bindings as sodium
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.measure import Row, compare
from benchmarks.peers import installed_group_peers
from siegel import Identity
from siegel.errors import PeerError
from siegel.groups import chain as chains
from siegel.groups.chain import Opened
from siegel.groups.message import Content, parse_message
from siegel.groups.sending_chain import SendingChain

BODY_BYTES = 256
BACKLOG = 10_000
AT = 1_700_000_000_000
HEAD = bytes(32)


class Owner:
    """Writes messages of the benchmark's body, one after the other."""

    def __init__(self) -> None:
        self.content = Content("application/octet-stream", AT, (), os.urandom(BODY_BYTES))
        self.chain = SendingChain.begin(
            Identity.generate(), group_id=HEAD, head=HEAD, closes=(), at=AT, secrets=os.urandom(64)
        )
        self.begun = chains.begin(self.chain.announcement())

    def encrypt(self) -> bytes:
        self.chain, data, _ = self.chain.encrypt(self.content, head=HEAD, hedge=os.urandom(16))
        return data


class Reader:
    """Receives what it has not seen, one after the other; and a whole backlog, each time from the beginning."""

    def __init__(self, owner: Owner, messages: list[bytes]) -> None:
        self.begun, self.messages = owner.begun, messages
        self.chain, self.rows, self.place = owner.begun.chain, dict(owner.begun.rows), 0

    def receive(self) -> None:
        message = parse_message(self.messages[self.place])
        step = chains.receive(self.chain, self.rows, [message], permitted=_permitted, at=AT)
        assert type(step.results[0]) is Opened
        self.chain, self.place = step.chain, self.place + 1
        self.rows |= step.rows

    def backlog(self, times: int = 1) -> None:
        for _ in range(times):
            self._from_the_beginning(self.messages)

    def skip(self, message: bytes) -> None:
        self._from_the_beginning([message])

    def _from_the_beginning(self, messages: list[bytes]) -> None:
        parsed = [parse_message(data) for data in messages]
        step = chains.receive(self.begun.chain, self.begun.rows, parsed, permitted=_permitted, at=AT)
        assert type(step.results[-1]) is Opened


def run(*, pairs: int) -> list[Row]:
    owner = Owner()
    messages = [owner.encrypt() for _ in range(BACKLOG if pairs > 100 else BACKLOG // 10)]
    reader, raw = Reader(owner, messages), Raw(messages[-1])
    far = owner.chain._replace(number=60_000).encrypt(owner.content, head=HEAD, hedge=bytes(16))[1]
    backlog, steps = f"backlog of {len(messages):,}", min(pairs, len(messages) - 1)
    tenth, backwards = Reader(owner, messages[: len(messages) // 10]), Reader(owner, messages[::-1])
    rows = [
        compare("group encrypt", owner.encrypt, "sign + hashes + AES", raw.encrypt, pairs=pairs, limit="≤ 1.45"),
        compare("group receive", reader.receive, "verify + hashes + AES", raw.receive, pairs=steps, limit="≤ 1.45"),
        compare(
            "receive after a skip of 60,000",
            lambda: reader.skip(far),
            "receive of the next",
            Reader(owner, messages).receive,  # the first index of a chain costs 16 steps as well: no fair opponent
            pairs=steps,
        ),
        compare(backlog, reader.backlog, "hashes + AES of each", lambda: [raw.open() for _ in messages], pairs=7),
        compare(
            backlog,
            reader.backlog,
            "ten of a tenth",
            lambda: tenth.backlog(10),
            pairs=7,
            limit="≤ 1.10",
        ),
        compare(f"{backlog}, newest first", backwards.backlog, "in order", reader.backlog, pairs=7),
    ]
    for peer in installed_group_peers(owner.content.body, len(messages)):
        rows.append(compare("group encrypt", owner.encrypt, peer.name, peer.encrypt, pairs=pairs // 4))
        rows.append(compare(backlog, reader.backlog, peer.name, peer.backlog, pairs=7, limit="≤ 0.22"))
    return rows


def _permitted(_number: int, _head: bytes) -> PeerError | None:
    return None


class Raw:
    """What a message cannot do without, as directly as Python allows, on inputs of the same lengths."""

    def __init__(self, data: bytes) -> None:
        message = parse_message(data)
        self.verify_key, self.signing_key = sodium.crypto_sign_seed_keypair(os.urandom(32))
        self.signed = sodium.crypto_sign(os.urandom(57), self.signing_key)
        self.key, self.nonce, self.header, self.data = os.urandom(32), os.urandom(12), message.header, data
        self.padded = bytes(len(message.ciphertext) - 16)
        self.ciphertext = AESGCM(self.key).encrypt(self.nonce, self.padded, self.header)

    def encrypt(self) -> None:
        """Sign, SHA-512 of a node, AES with a new key; SHA-256 for nonce, commitment and link."""
        hashlib.sha512(self.key).digest()
        hashlib.sha256(self.padded).digest()
        hashlib.sha256(self.key).digest()
        AESGCM(self.key).encrypt(self.nonce, self.padded, self.header)
        hashlib.sha256(self.data).digest()
        sodium.crypto_sign(self.signed[64:], self.signing_key)

    def receive(self) -> None:
        """Verify, and open."""
        sodium.crypto_sign_open(self.signed, self.verify_key)
        self.open()

    def open(self) -> bytes:
        """SHA-512 of a node, SHA-256 for link and commitment, AES with a new key."""
        hashlib.sha256(self.data).digest()
        hashlib.sha512(self.key).digest()
        hashlib.sha256(self.key).digest()
        return AESGCM(self.key).decrypt(self.nonce, self.ciphertext, self.header)
