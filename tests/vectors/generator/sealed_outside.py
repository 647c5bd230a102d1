"""Category ``sealed-message``, refused for what anybody can see in one item: size, encoding, type, version, shape."""

from __future__ import annotations

from tests.vectors.generator.messages import Refuser
from tests.vectors.generator.parts import Parts
from tests.vectors.generator.people import ALICE, BOB
from tests.vectors.generator.sealed_valid import Bases
from tests.vectors.notation import joined, shake
from tests.vectors.reference import cbor, texts
from tests.vectors.reference.cbor import array, head, octets, uint
from tests.vectors.reference.receive import MAX_CIPHERTEXT, MAX_SEALED
from tests.vectors.reference.sealed import ENVELOPE, LETTER


def refused_outside(refuse: Refuser, bases: Bases) -> None:
    """All of it, against the envelope to two."""
    two = Parts(bases.two)
    refuse.base = bases.opened_two
    _encoding(refuse, two)
    _top(refuse, two)
    _header(refuse, two)
    _entries(refuse, two)
    _body(refuse, two)


def _encoding(refuse: Refuser, parts: Parts) -> None:
    data, items = parts.envelope(), parts.items
    refuse("encoding", "no bytes at all", b"", "ENC-8", "Truncated")
    refuse("encoding", "the first half", data[: len(data) // 2], "ENC-4", "Truncated")
    refuse("encoding", "the last byte is missing", data[:-1], "ENC-4", "Truncated")
    refuse("encoding", "a byte behind the end", data + b"\0", "ENC-8", "TrailingBytes")
    refuse("encoding", "a letter behind the envelope", data + parts.letter(), "ENC-8", "TrailingBytes")
    refuse("encoding", "an array of indefinite length", b"\x9f" + data[1:] + b"\xff", "ENC-3", "Indefinite")
    entries = b"\x9f" + items["entries"][1:] + b"\xff"
    refuse("encoding", "entries of indefinite length", parts.envelope(entries=entries), "ENC-3", "Indefinite")
    version = uint(1, 1)
    refuse("encoding", "a version in two bytes", parts.envelope(version=version), "ENC-2", "NonShortest")
    count = array(uint(0), uint(2, 2), octets(parts.steps.root), octets(parts.steps.commitment))
    refuse("encoding", "a recipient count in three bytes", parts.envelope(header=count), "ENC-2", "NonShortest")
    body = head(cbor.BYTES, len(parts.steps.body), 4) + parts.steps.body
    refuse("encoding", "a body with a four-byte length", parts.envelope(body=body), "ENC-2", "NonShortest")
    refuse(
        "encoding",
        "entries that declare 2^32-1",
        parts.envelope(entries=head(cbor.ARRAY, 2**32 - 1)),
        "ENC-4",
        "LyingLength",
    )
    refuse(
        "encoding",
        "a body that declares 2^40 bytes",
        parts.envelope(body=head(cbor.BYTES, 2**40)),
        "ENC-4",
        "LyingLength",
    )
    tagged = head(cbor.TAG, 24) + items["body"]
    refuse("encoding", "a body with a tag", parts.envelope(body=tagged), "ENC-1", "ForbiddenType")
    too_large = shake(b"larger than any envelope", MAX_SEALED + 1)
    refuse("size", "more bytes than any envelope has", too_large, "SEAL-18", "Limit", code="limit-exceeded")


def _top(refuse: Refuser, parts: Parts) -> None:
    for kind in (0, 1, 3, 8, 12, 2**64 - 1):
        refuse("type", f"type number {kind}", parts.envelope(type=uint(kind)), "ENC-9", "WrongType")
    refuse("type", "a public identity", ALICE.record.encode(), "ENC-9", "WrongType")
    for version in (0, 2, 2**64 - 1):
        data = parts.envelope(version=uint(version))
        refuse("version", f"version {version}", data, "ENC-9", "WrongVersion", code="unsupported-version")
    data = parts.letter(version=uint(2))
    refuse("version", "a letter of version 2", data, "ENC-9", "WrongVersion", code="unsupported-version")
    items = list(parts.items.values())
    for comment, data in {
        "not an array": octets(parts.envelope()),
        "an empty array": array(),
        "true as type number": parts.envelope(type=cbor.TRUE),
        "text as version": parts.envelope(version=cbor.text("1")),
    }.items():
        refuse("type", comment, data, "ENC-9", "WrongShape")
    shape: dict[str, bytes] = {
        "no body item": array(*items[:-1]),
        "one item more": array(*items, cbor.NULL),
        "an envelope with the type number of a letter": parts.envelope(type=uint(LETTER)),
        "a letter with the type number of an envelope": parts.letter(type=uint(ENVELOPE)),
        "no nonce": parts.envelope(nonce=cbor.NULL),
        "a nonce of 31 bytes": parts.envelope(nonce=octets(parts.given.nonce[:31])),
        "a nonce of 33 bytes": parts.envelope(nonce=octets(parts.given.nonce + b"\0")),
        "entries that are a byte string": parts.envelope(entries=octets(parts.items["entries"])),
        "entries that are a map": parts.envelope(entries=cbor.mapping()),
        "no entries": parts.envelope(entries=array()),
    }
    for comment, data in shape.items():
        refuse("shape", comment, data, "SEAL-11 ENC-9", "WrongShape")


def _header(refuse: Refuser, parts: Parts) -> None:
    root, commitment = octets(parts.steps.root), octets(parts.steps.commitment)
    shape: dict[str, bytes] = {
        "three items": array(uint(0), uint(2), root),
        "five items": array(uint(0), uint(2), root, commitment, cbor.NULL),
        "not an array": octets(parts.steps.header),
        "mode 2": parts.header(mode=2),
        "mode false": array(cbor.FALSE, uint(2), root, commitment),
        "mode null": array(cbor.NULL, uint(2), root, commitment),
        "a count that is true": array(uint(0), cbor.TRUE, root, commitment),
        "a root of 31 bytes": parts.header(root=parts.steps.root[:31]),
        "a commitment of 33 bytes": parts.header(commitment=parts.steps.commitment + b"\0"),
        "a commitment of 16 bytes": parts.header(commitment=parts.steps.commitment[:16]),
        "root and commitment as text": array(uint(0), uint(2), cbor.text("a" * 32), cbor.text("b" * 32)),
    }
    for comment, data in shape.items():
        refuse("shape", f"header: {comment}", parts.envelope(header=data), "SEAL-7", "WrongShape")
    for count in (0, 1, 3, 16_384):
        data = parts.envelope(header=parts.header(count=count))
        spec = "SEAL-1 SEAL-11" if count == 0 else "SEAL-11"
        refuse("shape", f"two entries under a count of {count}", data, spec, "Audience", step="header")
    for count in (16_385, 2**64 - 1):
        data = parts.envelope(header=parts.header(count=count))
        refuse("shape", f"a count of {count}", data, "SEAL-1", "Limit", code="limit-exceeded", step="header")
    data = parts.letter(header=parts.header(count=0))
    refuse("shape", "a letter to nobody", data, "SEAL-1 SEAL-12", "Audience", step="header")


def _entries(refuse: Refuser, parts: Parts) -> None:
    other = parts.steps.entries[1 - parts.index]
    bob = BOB.user_id
    sealed = parts.steps.entries[parts.index][-1168:]
    shape = {
        "two items": array(octets(bob), octets(sealed)),
        "four items": array(octets(bob), uint(0), octets(sealed), cbor.NULL),
        "not an array": octets(sealed),
        "a user id of 31 bytes": parts.entry(bob[:31], sealed=sealed),
        "a user id as text": array(cbor.text("siegel1"), uint(0), octets(sealed)),
        "no sealing number": parts.entry(bob, cbor.NULL, sealed),
        "a sealing number as text": parts.entry(bob, cbor.text("0"), sealed),
        "a sealing number false": parts.entry(bob, cbor.FALSE, sealed),
        "1167 bytes sealed": parts.entry(bob, sealed=sealed[:-1]),
        "1169 bytes sealed, a content secret of 33": parts.entry(bob, sealed=sealed + b"\0"),
        "nothing sealed": parts.entry(bob, sealed=b""),
    }
    for comment, changed in shape.items():
        placed = [other, changed] if parts.index else [changed, other]
        refuse("shape", f"entry: {comment}", parts.envelope(entries=array(*placed)), "SEAL-8", "WrongShape")


def _body(refuse: Refuser, parts: Parts) -> None:
    body = parts.steps.body
    for comment, item in {
        "null": cbor.NULL,
        "text": cbor.text("a" * 80),
        "empty": octets(b""),
        "a tag alone": octets(bytes(16)),
        "below 64 bytes and a tag": octets(body[:79]),
        "one byte too short": octets(body[:-1]),
        "one byte too long": octets(body + b"\0"),
    }.items():
        refuse("shape", f"body: {comment}", parts.envelope(body=item), "SEAL-10 SEAL-18", "OtherBody", step="body")
    length = texts.padme(MAX_CIPHERTEXT) + 16
    items = [*parts.items.values()][:-1]
    data = joined(head(cbor.ARRAY, 6) + b"".join(items) + head(cbor.BYTES, length), shake(b"a large body", length))
    refuse("shape", "body: a bucket above the largest", data, "SEAL-18", "Limit", code="limit-exceeded", step="body")
