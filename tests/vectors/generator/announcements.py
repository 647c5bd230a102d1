"""Category ``announcement``: what lets somebody read a chain from an index on (CHN-6, KEY-4)."""

from __future__ import annotations

from dataclasses import replace

from tests.vectors.generator.book import Category, flipped
from tests.vectors.generator.chain_certificates import Refuser
from tests.vectors.generator.chain_parts import CERTIFICATE, ENDED, LINK, ROOT, announcement, certificate
from tests.vectors.generator.people import NOW
from tests.vectors.reference import cbor
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.labels import labelled, sha256


def category() -> Category:
    """The vectors of this file."""
    book = Category("announcement")
    group = book.group("announcement", 15001)
    for start in (0, 1, 2, 10_000, 32_768, 65_535):
        data = announcement(start, LINK if start else None).encode()
        group.valid(f"a chain from index {start} on", spec="CHN-6 KEY-4", flags="Normal", input={"announcement": data})
    largest = replace(announcement(1, LINK), certificate=certificate(closes=ENDED).encode()).encode()
    comment = "the largest one: sixteen chains end, from index 1 on"
    group.valid(comment, spec="CHN-6", flags="Boundary", input={"announcement": largest})
    group = book.group("announcement", 15101)
    refuse = Refuser(group, "announcement", 15002)
    _announced_otherwise(refuse)
    _certified_otherwise(refuse)
    _covered_otherwise(refuse)
    data = announcement(1, LINK).encode()
    refuse("encoding", "2,676 bytes", data + bytes(2_676 - len(data)), "CHN-6 ENC-8", "Boundary TrailingBytes")
    return book


def _announced_otherwise(refuse: Refuser) -> None:
    honest = announcement(1, LINK)
    data = honest.encode()
    comment = "2,677 bytes"
    refuse("size", comment, data + bytes(2_677 - len(data)), "CHN-6", "Limit", code="limit-exceeded")
    parts = octets(honest.certificate), uint(1), array(*map(octets, honest.nodes)), octets(LINK)

    def items(comment: str, place: int, item: bytes, stage: str = "shape", flags: str = "WrongShape") -> None:
        changed = array(*parts[:place], item, *parts[place + 1 :])
        refuse(stage, comment, changed, "CHN-6", flags, step="items")

    for comment, changed, flags in (
        ("no bytes at all", b"", "Truncated"),
        ("one byte is missing", data[:-1], "Truncated"),
        ("one byte more", data + b"\0", "TrailingBytes"),
        ("the array's head in two bytes", b"\x98\x04" + data[1:], "NonShortest"),
    ):
        refuse("encoding", comment, changed, "CHN-6 ENC-2 ENC-8", flags)
    items("a start with a head that is too long", 1, uint(1, 1), "encoding", "NonShortest")
    nodes = b"\x9f" + b"".join(map(octets, honest.nodes)) + b"\xff"
    items("nodes of indefinite length", 2, nodes, "encoding", "Indefinite")
    refuse("shape", "three items", array(*parts[:3]), "CHN-6", "WrongShape")
    refuse("shape", "five items", array(*parts, cbor.NULL), "CHN-6", "WrongShape")
    refuse("shape", "a certificate alone", honest.certificate, "CHN-6", "WrongType")
    items("a certificate that is no byte string", 0, honest.certificate)
    items("no certificate", 0, cbor.NULL)
    ended = array(parts[0], uint(65_536), array(), parts[3])
    refuse("shape", "a start of 65,536, where nothing is left", ended, "CHN-6 CHN-8", "WrongShape", step="items")
    items("a start of text", 1, text("1"))
    items("no start", 1, cbor.NULL)
    items("no nodes", 2, cbor.NULL)
    items("nodes in one byte string", 2, octets(b"".join(honest.nodes)))
    items("a node of 31 bytes", 2, array(octets(bytes(31)), *map(octets, honest.nodes[1:])))
    items("a node of 33 bytes", 2, array(octets(bytes(33)), *map(octets, honest.nodes[1:])))
    items("a node of text", 2, array(text("x" * 32), *map(octets, honest.nodes[1:])))
    items("a link of 31 bytes", 3, octets(LINK[1:]))
    items("no link at all", 3, cbor.NULL)


def _certified_otherwise(refuse: Refuser) -> None:
    honest = announcement(1, LINK)

    def wrong(comment: str, made: bytes, flags: str, code: str = "malformed") -> None:
        data = replace(honest, certificate=made).encode()
        refuse("certificate", comment, data, "CHN-5 CHN-6", flags, code=code, step="certificate")

    wrong("an empty certificate", b"", "Truncated")
    wrong("a certificate with a byte more", CERTIFICATE.encode() + b"\0", "TrailingBytes")
    wrong("a certificate of 2,049 bytes", bytes(2_049), "Limit", "limit-exceeded")
    wrong(
        "a certificate of another version",
        b"\x8a\x07\x02" + CERTIFICATE.encode()[3:],
        "WrongVersion",
        "unsupported-version",
    )
    wrong("a certificate with another chain id", replace(CERTIFICATE, chain_id=bytes(16)).encode(), "WrongShape")
    signature = flipped(CERTIFICATE.signature, 0)
    wrong(
        "a certificate with a bad signature",
        replace(CERTIFICATE, signature=signature).encode(),
        "BadSignature",
        "invalid-message",
    )


def _covered_otherwise(refuse: Refuser) -> None:
    honest = announcement(10_000, LINK)

    def covered(comment: str, start: int, nodes: list[bytes]) -> None:
        data = replace(honest, start=start, nodes=nodes).encode()
        refuse("cover", comment, data, "CHN-6 KEY-4", "Frontier", step="nodes")

    covered("no node at all", 10_000, [])
    covered("one node too few", 10_000, honest.nodes[:-1])
    covered("one node too many", 10_000, [*honest.nodes, bytes(32)])
    covered("the nodes of another start", 9_999, honest.nodes)
    covered("the whole tree for index 1", 1, [ROOT])
    covered("seventeen nodes", 0, [bytes(32)] * 17)

    def linked(comment: str, link: bytes, spec: str = "CHN-6", flags: str = "OtherBody") -> None:
        data = announcement(0, link).encode()
        refuse("link", comment, data, spec, flags, step="link")

    items = CERTIFICATE.fields()
    linked("start 0 with another link", LINK)
    linked("start 0 with a link of zeros", bytes(32))
    whole = sha256(labelled("chain genesis", *items, octets(CERTIFICATE.signature)))
    linked("start 0 with a genesis that covers the signature", whole, "CHN-4 CHN-6", "WrongAlgorithm")
    linked("start 0 with the hash of the certificate", sha256(CERTIFICATE.encode()), "CHN-4 CHN-6", "WrongAlgorithm")
    signed = sha256(CERTIFICATE.signed_part)
    linked("start 0 with the hash of what is signed", signed, "CHN-4 CHN-6 LAB-1", "WrongLabel")
    linked("start 0 with the genesis of another certificate", certificate(at=NOW + 1).genesis, "CHN-4 CHN-6")
