"""Category ``group-message``, refused once a key is used: commitment, ciphertext, padding, content.

All are signed by the chain's key; whatever fails is one and the same ``invalid-message``, the stage says what failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from tests.vectors.generator.book import Group, flipped, stream
from tests.vectors.generator.chain_parts import LINK, ROOT, SENT_AT, content, draft, faulty, leaf
from tests.vectors.generator.group_message_outside import HONEST, STEPS, Refuser
from tests.vectors.generator.two_keys import colliding_block
from tests.vectors.notation import joined, shake
from tests.vectors.reference import LATEST, cbor, key_tree, texts
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.group_message import Draft, Steps, encoded_parents, raw, write
from tests.vectors.reference.labels import label, sha256

INVALID = "invalid-message"


def refused_inside(group: Group, base: int) -> None:
    """All of it."""
    refuse = Refuser(group, base)
    _keys(refuse)
    _commitments(refuse)
    _two_keys(refuse)
    _ciphertexts(refuse)
    _padding(refuse)
    _contents(refuse)
    _parents(refuse)


# --- commitment -------------------------------------------------------------------------------------------------------


def _keys(refuse: Refuser) -> None:
    """A sender who derives the leaf of index 5 in another way."""

    def wrong(comment: str, key: bytes, flags: str = "WrongAlgorithm", spec: str = "KEY-1 MSG-5") -> None:
        data = write(replace(HONEST, leaf=key)).message
        refuse("commitment", comment, data, spec, flags, code=INVALID, step="leaf")

    wrong("the leaf of the index before", leaf(4))
    wrong("the leaf of the next index", leaf(6))
    wrong("the leaf by the bits of the index, the lowest first", key_tree.leaf(ROOT, int(f"{5:016b}"[::-1], 2)))
    wrong("the leaf with left and right exchanged", key_tree.leaf(ROOT, 65_535 - 5))
    wrong("a leaf of depth 15", key_tree.node_at(ROOT, (4, 1)))
    wrong("a leaf of depth 17", key_tree.children(leaf(5))[0])
    wrong("the leaf of another chain", leaf(5, stream("another root", 32)), "NoKey")
    for comment, step in {
        "label key tree in capitals": label("KEY TREE") + b"\0",
        "label key tree without the zero byte behind it": label("key tree"),
    }.items():
        flags = "MissingSeparator" if "without" in comment else "WrongLabel"
        wrong(comment, key_tree.node_at(ROOT, (5, 0), step), flags, "LAB-1 LAB-2 KEY-1")


def _commitments(refuse: Refuser) -> None:
    def wrong(comment: str, commitment: bytes, flags: str = "Commitment", spec: str = "MSG-5") -> None:
        data = faulty(HONEST, "commitment", lambda *_: commitment).message
        refuse("commitment", comment, data, spec, flags, code=INVALID, step="commitment")

    key, honest = HONEST.leaf, STEPS.commitment
    wrong("a bit of the commitment flipped by the sender", flipped(honest, 0))
    wrong("the last bit of the commitment flipped by the sender", flipped(honest, 31, 0x80))
    wrong("a commitment of zeros", bytes(32))
    wrong("the commitment of another leaf", sha256(raw("leaf commitment", leaf(6))))
    wrong("the leaf itself as commitment", key)
    wrong("the hash of the leaf without a label", sha256(key), "WrongLabel", "LAB-1 MSG-5")
    for comment, prefix in {
        "label leaf commitment in capitals": label("LEAF COMMITMENT") + b"\0",
        "label leaf commitment without the zero byte behind it": label("leaf commitment"),
    }.items():
        flags = "MissingSeparator" if "without" in comment else "WrongLabel"
        wrong(comment, sha256(prefix + key), flags, "LAB-1 LAB-2 MSG-5")
    half = hashlib.sha512(raw("leaf commitment", key)).digest()[:32]
    wrong("the first half of SHA-512", half, "WrongAlgorithm", "SUITE-5 MSG-5")


def _two_keys(refuse: Refuser) -> None:
    """A sender who gave two readers different trees and one ciphertext (attack GR-7)."""
    keys, nonce, at = (leaf(5), leaf(5, stream("the other reader's root", 32))), stream("nonce of two keys", 12), 48
    body = stream("a body with a free block", 96)

    def written(said: bytes) -> Steps:
        return write(draft(5, LINK, said), {"nonce": lambda *_: nonce})

    probe = written(body)
    block = colliding_block((keys[0], keys[1]), probe.ciphertext[:-16], at, probe.header, nonce)
    keystream = bytes(a ^ b for a, b in zip(probe.ciphertext, probe.padded, strict=False))
    plain = bytes(a ^ b for a, b in zip(block, keystream[at : at + 16], strict=True))
    start = at - probe.padded.index(body)
    steps = written(body[:start] + plain + body[start + 16 :])
    AESGCM(keys[1]).decrypt(nonce, steps.ciphertext, steps.header)  # the tag holds under the other key too
    shown = {"header": steps.header, "nonce": nonce, "ciphertext": steps.ciphertext, "leaves": list(keys)}
    comment = "a ciphertext that opens under two keys, read with the one to which the header does not commit"
    refuse(
        "commitment",
        comment,
        steps.message,
        "MSG-5 SUITE-6",
        "Commitment",
        code=INVALID,
        step="ciphertext",
        shown=shown,
        key=keys[1],
    )


# --- body and padding -------------------------------------------------------------------------------------------------


def _ciphertexts(refuse: Refuser) -> None:
    def wrong(
        comment: str, hook: Callable[[bytes, Steps], bytes], flags: str = "OtherBody", spec: str = "MSG-7"
    ) -> None:
        data = faulty(HONEST, "ciphertext", hook).message
        refuse("body", comment, data, spec, flags, code=INVALID, step="ciphertext")

    key = HONEST.leaf

    def encrypted(aad: bytes, under: bytes = key, nonce: bytes | None = None) -> Callable[[bytes, Steps], bytes]:
        return lambda _, s: AESGCM(under).encrypt(nonce or s.nonce, s.padded, aad)

    for name, at in {"first byte": 0, "byte 50": 50, "tag": -1}.items():
        wrong(f"a bit of the {name} flipped", lambda *_, at=at: flipped(STEPS.ciphertext, at), "Damaged")
    wrong("two blocks swapped", lambda c, _: c[16:32] + c[:16] + c[32:], "Damaged")
    wrong("all zeros", lambda c, _: bytes(len(c)), "Damaged")
    wrong("the ciphertext of another message", lambda *_: write(draft(6, LINK, HONEST.content.body)).ciphertext)
    wrong("no associated data", encrypted(b""))
    wrong("associated data of another index", encrypted(write(replace(HONEST, index=6)).header))
    wrong("associated data with the ciphertext's head", lambda _, s: encrypted(s.header + b"\x58\x60")(b"", s))
    wrong("encrypted under the commitment", encrypted(STEPS.header, under=STEPS.commitment), "WrongAlgorithm")
    wrong("encrypted with AES-128", encrypted(STEPS.header, under=key[:16]), "WrongAlgorithm")
    chacha = ChaCha20Poly1305(key)
    wrong("ChaCha20-Poly1305", lambda _, s: chacha.encrypt(s.nonce, s.padded, s.header), "WrongAlgorithm")
    wrong("encrypted under a nonce of zeros", encrypted(STEPS.header, nonce=bytes(12)), "WrongAlgorithm", "MSG-4 MSG-7")
    nonce = flipped(STEPS.nonce, 11)
    wrong(
        "encrypted under another nonce than the header's",
        encrypted(STEPS.header, nonce=nonce),
        "OtherBody",
        "MSG-4 MSG-7",
    )
    index = HONEST.index.to_bytes(12, "big")
    wrong("encrypted under the index as nonce", encrypted(STEPS.header, nonce=index), "WrongAlgorithm", "MSG-4 MSG-7")


def _padding(refuse: Refuser) -> None:
    honest, said = STEPS.padded, STEPS.content

    def wrong(comment: str, padded: bytes, spec: str) -> None:
        data = faulty(HONEST, "padded", lambda *_: padded).message
        refuse("padding", comment, data, f"MSG-7 {spec}", "Padding", code=INVALID, step="padded")

    size, length = len(honest), len(said)
    wrong("the last padding byte is 1", flipped(honest, -1), "PAD-1")
    wrong("the first padding byte is 1", flipped(honest, length + 4), "PAD-1")
    wrong("the next size, filled with zeros", honest + bytes(texts.padme(size + 1) - size), "PAD-2")
    wrong("twice the size", honest + bytes(size), "PAD-2")
    wrong("a length that does not count itself", length.to_bytes(4, "big") + honest[4:], "PAD-1")
    wrong("a length in little-endian order", (length + 4).to_bytes(4, "little") + honest[4:], "PAD-1")
    wrong("a length beyond the end", (size + 1).to_bytes(4, "big") + honest[4:], "PAD-1")
    wrong("length 0", bytes(4) + honest[4:], "PAD-1")
    wrong("no length", said + bytes(size - length), "PAD-1")
    wrong("zeros alone", bytes(64), "PAD-1")


# --- content ----------------------------------------------------------------------------------------------------------


def inner(data: bytes, given: Draft = HONEST) -> bytes:
    """The honest message with another content, padded, encrypted and signed again."""
    return faulty(given, "content", lambda *_: data).message


def _contents(refuse: Refuser) -> None:
    def wrong(comment: str, data: bytes, spec: str = "MSG-6", flags: str = "WrongShape") -> None:
        refuse("content", comment, inner(data), spec, flags, code=INVALID, step="content")

    kind, at, none, body = text("text/plain"), uint(SENT_AT), array(), octets(b"a text")
    for comment, items in {
        "three items": (kind, at, body),
        "five items": (kind, at, none, body, cbor.NULL),
        "a content type of bytes": (octets(b"text/plain"), at, none, body),
        "no content type": (cbor.NULL, at, none, body),
        "an empty content type": (text(""), at, none, body),
        "a content type of 256 bytes": (text("\u00e9" * 128), at, none, body),
        "an instant true": (kind, cbor.TRUE, none, body),
        "an instant as text": (kind, text("0"), none, body),
        "no instant": (kind, cbor.NULL, none, body),
        "no body at all": (kind, at, none, cbor.NULL),
        "a body of text": (kind, at, none, text("a text")),
        "a body in an array": (kind, at, none, array(body)),
        "no parents": (kind, at, cbor.NULL, body),
        "parents in a byte string": (kind, at, octets(b""), body),
        "parents and body exchanged": (kind, at, body, none),
    }.items():
        wrong(comment, array(*items))
    large = message_with_large_body(65_537)
    comment = "a body of 65,537 bytes"
    refuse("content", comment, large, "MSG-6 MSG-8", "Limit", code=INVALID, step="content")
    wrong("an instant after the year 9999", array(kind, uint(LATEST + 1), none, body), "ENC-10 MSG-6")
    wrong("an instant with a head that is too long", array(kind, uint(5, 8), none, body), "ENC-2 MSG-6", "NonShortest")
    body_head = cbor.head(cbor.BYTES, 6, 1) + b"a text"
    wrong("a body with a head that is too long", array(kind, at, none, body_head), "ENC-2 MSG-6", "NonShortest")
    kind_head = cbor.head(cbor.TEXT, 10, 1) + b"text/plain"
    wrong("a type with a head that is too long", array(kind_head, at, none, body), "ENC-2 MSG-6", "NonShortest")
    wrong(
        "an array's head that is too long", b"\x98\x04" + array(kind, at, none, body)[1:], "ENC-2 MSG-6", "NonShortest"
    )
    wrong("no parents, of indefinite length", array(kind, at, b"\x9f\xff", body), "ENC-3 MSG-6", "Indefinite")
    wrong("an instant below 0", array(kind, cbor.head(cbor.NEGATIVE, 0), none, body), "ENC-1 MSG-6", "ForbiddenType")
    wrong("a body with a tag", array(kind, at, none, b"\xc0" + body), "ENC-1 MSG-6", "ForbiddenType")
    wrong("a type not in normal form C", array(text("te\u0301xt/plain"), at, none, body), "ENC-5 MSG-6", "BadText")
    bad = cbor.head(cbor.TEXT, 4) + b"te\xffx"
    wrong("a type that is not UTF-8", array(bad, at, none, body), "ENC-5 MSG-6", "BadText")
    wrong("a byte more", array(kind, at, none, body) + b"\0", "ENC-8 MSG-6", "TrailingBytes")
    wrong("a byte less", array(kind, at, none, body)[:-1], "ENC-4 MSG-6", "Truncated")
    wrong("nothing at all", b"", "ENC-8 MSG-6", "Truncated")
    wrong("no array", octets(b"a text"))
    wrong("a map in its place", cbor.mapping((uint(0), kind), (uint(1), at), (uint(2), none), (uint(3), body)))


def message_with_large_body(size: int) -> dict[str, Any]:
    """A message whose body was chosen so that its ciphertext is SHAKE256 of a seed, which is short to write down."""
    nonce, seed = stream("nonce of a large body", 12), b"ciphertext of a large body"

    def written(body: bytes) -> Steps:
        return write(draft(5, LINK, content=content(body)), {"nonce": lambda *_: nonce})

    probe = written(bytes(size))
    start = probe.padded.index(cbor.head(cbor.BYTES, size)) + 5  # an array, a type, an instant, no parents, this head
    keystream = probe.ciphertext[start : start + size]
    wanted = hashlib.shake_256(seed).digest(size)
    data = written(bytes(a ^ b for a, b in zip(keystream, wanted, strict=True))).message
    front = data.index(wanted)
    return joined(data[:front], shake(seed, size), data[front + size :])


def _parents(refuse: Refuser) -> None:
    def wrong(comment: str, parents: bytes) -> None:
        said = array(text("text/plain"), uint(SENT_AT), parents, octets(b""))
        refuse("content", comment, inner(said), "MSG-6", "WrongShape", code=INVALID, step="content")

    ids = sorted(stream(f"another chain {n}", 16) for n in range(4))
    one = octets(ids[0]), uint(0), octets(LINK)
    wrong("four parents", encoded_parents(tuple((chain_id, 0, LINK) for chain_id in ids)))
    wrong("parents in descending order", encoded_parents(((ids[1], 0, LINK), (ids[0], 0, LINK))))
    wrong("the same parent twice", encoded_parents(((ids[0], 0, LINK), (ids[0], 0, LINK))))
    wrong("two parents of one chain", encoded_parents(((ids[0], 0, LINK), (ids[0], 1, LINK))))
    wrong("a parent with index 65,536", encoded_parents(((ids[0], 65_536, LINK),)))
    wrong("a parent with a chain id of 15 bytes", encoded_parents(((ids[0][1:], 0, LINK),)))
    wrong("a parent with a link of 33 bytes", encoded_parents(((ids[0], 0, LINK + b"\0"),)))
    wrong("a parent of two items", array(array(*one[:2])))
    wrong("a parent of four items", array(array(*one, cbor.NULL)))
    wrong("a parent without a link", array(array(*one[:2], cbor.NULL)))
    wrong("a parent without an array", array(*one))
    wrong("a parent true", array(cbor.TRUE))
