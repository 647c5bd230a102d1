"""Category ``broadcast``, refused before it is decrypted: size, encoding, type, version, shape, commitment.

Whatever stands in the header is authenticated data of the encryption, which was made over it.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.generator.book import Group, flipped, stream
from tests.vectors.generator.broadcast_parts import HONEST, INVALID, STEPS, Refuser, broadcast_of
from tests.vectors.generator.two_keys import colliding_block
from tests.vectors.notation import joined, shake
from tests.vectors.reference import broadcast, cbor, texts
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.epoch import derived
from tests.vectors.reference.group_message import raw
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, labelled, sha256

NAMES = ("type", "version", "roster head", "nonce", "commitment")


def items_of() -> list[bytes]:
    """The encoded items before the ciphertext."""
    return [uint(12), uint(1), octets(HONEST.head), octets(STEPS.nonce), octets(STEPS.commitment)]


def sealed(header: bytes, key: bytes = STEPS.text_key) -> bytes:
    """The honest text encrypted under any header."""
    return header + octets(AESGCM(key).encrypt(bytes(12), STEPS.padded, header))


def instead(name: str, item: bytes) -> bytes:
    """The honest broadcast with another item in its header, encrypted again."""
    items = items_of()
    items[NAMES.index(name)] = item
    return sealed(b"\x86" + b"".join(items))


def longer(item: bytes) -> bytes:
    """The item with its head one step longer than it needs to be."""
    (value,) = cbor.read(array(item))
    return uint(value, 1) if isinstance(value, int) else cbor.head(cbor.BYTES, len(value), 2) + value


def refused_outside(group: Group, base: int) -> None:
    """All of it."""
    refuse = Refuser(group, base)
    _encodings(refuse)
    _shapes(refuse)
    _commitments(refuse)
    _two_keys(refuse)


def _encodings(refuse: Refuser) -> None:
    honest = STEPS.broadcast
    long = joined(honest, shake(b"too long", broadcast.MAX_BROADCAST + 1 - len(honest)))
    refuse("size", "2,162,815 bytes", long, "EPO-7", "Limit", code="limit-exceeded")
    filled = joined(honest, shake(b"as long as may be", broadcast.MAX_BROADCAST - len(honest)))
    refuse("encoding", "2,162,814 bytes", filled, "EPO-7 ENC-8", "Boundary TrailingBytes")

    def wrong(comment: str, data: bytes, spec: str, flags: str) -> None:
        refuse("encoding", comment, data, f"EPO-7 {spec}", flags)

    wrong("no bytes at all", b"", "ENC-8", "Truncated")
    wrong("one byte is missing", honest[:-1], "ENC-4", "Truncated")
    wrong("the ciphertext is missing", STEPS.header, "ENC-4", "Truncated")
    wrong("one byte more", honest + b"\0", "ENC-8", "TrailingBytes")
    wrong("the array's head in two bytes", sealed(b"\x98\x06" + STEPS.header[1:]), "ENC-2", "NonShortest")
    wrong("an array of indefinite length", sealed(b"\x9f" + STEPS.header[1:]) + b"\xff", "ENC-3", "Indefinite")
    for name, item in zip(NAMES, items_of(), strict=True):
        wrong(f"{name} with a head that is too long", instead(name, longer(item)), "ENC-2", "NonShortest")
    ciphertext = cbor.head(cbor.BYTES, len(STEPS.ciphertext), 4) + STEPS.ciphertext
    wrong("ciphertext with a head that is too long", STEPS.header + ciphertext, "ENC-2", "NonShortest")
    pieces = b"\x5f" + octets(STEPS.ciphertext) + b"\xff"
    wrong("ciphertext of indefinite length", STEPS.header + pieces, "ENC-3", "Indefinite")
    wrong("a roster head with a tag", instead("roster head", b"\xd8\x40" + items_of()[2]), "ENC-1", "ForbiddenType")
    for comment, data, flags in (
        ("the type of a group message", instead("type", uint(3)), "WrongType"),
        ("the type of an envelope", instead("type", uint(2)), "WrongType"),
        ("the type of a backup", instead("type", uint(10)), "WrongType"),
        ("the type number 0", instead("type", uint(0)), "WrongType"),
        ("a type of bytes", instead("type", octets(b"\x0c")), "WrongShape"),
        ("a byte string that holds a broadcast", octets(honest), "WrongShape"),
        ("an empty array", array(), "WrongShape"),
    ):
        refuse("type", comment, data, "EPO-7 ENC-9", flags)
    for version in (0, 2):
        data = instead("version", uint(version))
        refuse("version", f"version {version}", data, "ENC-9 EPO-8", "WrongVersion", code="unsupported-version")


def _shapes(refuse: Refuser) -> None:
    def wrong(comment: str, data: bytes, flags: str = "WrongShape", spec: str = "EPO-7") -> None:
        refuse("shape", comment, data, spec, flags)

    for name in NAMES[2:]:
        value = cbor.read(items_of()[NAMES.index(name)])
        wrong(f"{name} of 31 bytes", instead(name, octets(value[1:])))
        wrong(f"{name} of 33 bytes", instead(name, octets(value + b"\0")))
        wrong(f"{name} as text", instead(name, text("a" * 32)))
        wrong(f"{name} null", instead(name, cbor.NULL))
    items = items_of()
    sized = octets(STEPS.ciphertext)
    wrong("five items", array(*items))
    wrong("seven items", array(*items, sized, cbor.NULL))
    wrong("with an operation's head behind the roster head", array(*items[:3], cbor.NULL, *items[3:], sized))
    wrong("ciphertext as text", array(*items, text("a" * 80)))
    wrong("ciphertext null", array(*items, cbor.NULL))
    for size in (0, 16, 64, 79, 81, 87):
        comment = f"a ciphertext of {size} bytes, which is no padded size"
        wrong(comment, array(*items, octets(bytes(size))), "Padding", "EPO-7 EPO-9 PAD-2")


def _commitments(refuse: Refuser) -> None:
    def wrong(
        comment: str,
        commitment: bytes,
        flags: str = "Commitment",
        spec: str = "EPO-7 SUITE-6",
    ) -> None:
        """Signed and encrypted over this commitment."""
        data = broadcast_of({"commitment": lambda *_: commitment}).broadcast
        refuse("commitment", comment, data, spec, flags, code=INVALID, step="commitment")

    honest, secret = STEPS.commitment, STEPS.extracted
    places = octets(HONEST.group_id), octets(HONEST.head)
    wrong("a bit of the commitment flipped by the sender", flipped(honest, 0))
    wrong("the last bit of the commitment flipped by the sender", flipped(honest, 31, 0x80))
    wrong("a commitment of zeros", bytes(32))
    wrong("the text key as commitment", STEPS.text_key)
    wrong("the hash of the text key as commitment", sha256(STEPS.text_key))
    wrong("the commitment of the epoch key", sha256(labelled("epoch commitment", octets(HONEST.key))))
    exchanged = labelled("broadcast keys", *places[::-1])
    wrong("group id and roster head exchanged", hkdf_expand(secret, exchanged, 64)[:32], "WrongLabel", "EPO-7")
    bare = raw("broadcast keys", HONEST.group_id, HONEST.head)
    wrong("the bare bytes instead of an array", hkdf_expand(secret, bare, 64)[:32], "WrongAlgorithm", "LAB-2 EPO-7")
    swapped, _ = broadcast.halves(hmac_sha256(HONEST.key, STEPS.nonce), HONEST.group_id, HONEST.head)
    wrong("salt and key of the extraction exchanged", swapped, "WrongAlgorithm", "SUITE-5 EPO-7")
    unextracted, _ = broadcast.halves(HONEST.key, HONEST.group_id, HONEST.head)
    wrong("expanded without an extraction", unextracted, "WrongAlgorithm", "SUITE-5 EPO-7")
    wrong("SHA-512, cut", hashlib.sha512(honest).digest()[:32], "WrongAlgorithm", "SUITE-5 EPO-7")

    def opened_with(comment: str, key: bytes, spec: str = "EPO-3 EPO-7") -> None:
        refuse("commitment", comment, STEPS.broadcast, spec, "Commitment", code=INVALID, step="epoch key", key=key)

    opened_with("read with another epoch key", stream("another epoch key", 32))
    opened_with("read with the epoch key, a bit of it flipped", flipped(HONEST.key, 31, 0x80))
    opened_with("read with a key derived from it", derived(HONEST.key, HONEST.head), "EPO-2 EPO-7")
    opened_with("read with the text key", STEPS.text_key)
    other = stream("another group", 32)
    refuse(
        "commitment",
        "read by another group with the same key",
        STEPS.broadcast,
        "EPO-7",
        "Commitment",
        code=INVALID,
        step="group id",
        group_id=other,
    )
    head = instead("roster head", octets(stream("another head", 32)))
    comment = "moved to another head of the same epoch"
    refuse("commitment", comment, head, "EPO-7", "Commitment", code=INVALID, step="roster head")
    nonce = instead("nonce", octets(flipped(STEPS.nonce, 0)))
    refuse("commitment", "another nonce", nonce, "EPO-7 EPO-9", "Commitment", code=INVALID, step="nonce")


def _two_keys(refuse: Refuser) -> None:
    """One ciphertext for two readers who were told different epoch keys."""
    keys = HONEST.key, stream("the other reader's epoch key", 32)
    control = stream("a control with a free block", 96)
    probe = broadcast_of(control=control)
    at = (probe.padded.index(control) // 16 + 1) * 16
    secret = hmac_sha256(probe.nonce, keys[1])
    text_keys = probe.text_key, broadcast.halves(secret, HONEST.group_id, HONEST.head)[1]
    block = colliding_block(text_keys, probe.ciphertext[:-16], at, probe.header)
    keystream = bytes(a ^ b for a, b in zip(probe.ciphertext, probe.padded, strict=False))
    plain = bytes(a ^ b for a, b in zip(block, keystream[at : at + 16], strict=True))
    padded = probe.padded[:at] + plain + probe.padded[at + 16 :]
    steps = broadcast_of({"nonce": lambda *_: probe.nonce, "padded": lambda *_: padded}, control=control)
    for key in text_keys:
        AESGCM(key).decrypt(bytes(12), steps.ciphertext, steps.header)  # the tag holds under both
    assert texts.padme(len(padded)) == len(padded)
    refuse(
        "commitment",
        "a ciphertext that opens under two keys, read with the one to which the header does not commit",
        steps.broadcast,
        "EPO-7 SUITE-6",
        "Commitment",
        code=INVALID,
        step="ciphertext",
        shown={"header": steps.header, "ciphertext": steps.ciphertext, "textKeys": list(text_keys)},
        key=keys[1],
    )
