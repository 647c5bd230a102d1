"""Category ``chain-certificate``: how a chain is introduced, and how long it lives (CHN-1 … CHN-5, CHN-8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, mutation, stream
from tests.vectors.generator.chain_parts import (
    CERTIFICATE,
    ENDED,
    GROUP,
    HEAD,
    KEY,
    LINK,
    SEED,
    UNUSED,
    certificate,
)
from tests.vectors.generator.people import ALICE, BOB, NOW
from tests.vectors.generator.suite import signatures_by
from tests.vectors.reference import DAY, LATEST, cbor, curve, identity
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.labels import label, labelled, sha256
from tests.vectors.reference.sender_chain import Certificate, Close, chain_id_of, encoded_closes

CLOSING = certificate(closes=tuple(sorted((*ENDED[:2], UNUSED))))
NAMES = ("type", "version", "group id", "roster head", "chain id", "sender", "chain signing key", "closes", "at")


def category() -> Category:
    """The certificates."""
    book = Category("chain-certificate")
    _certify(book.group("certify", 14001))
    _valid(book.group("certificate", 14101))
    group = book.group("certificate", 14201)
    refuse = Refuser(group, "certificate", 14101)
    _encodings(refuse)
    _shapes(refuse)
    _closes(refuse)
    _keys(refuse)
    _signatures(refuse)
    data = CLOSING.encode()
    refuse("encoding", "2,048 bytes", data + bytes(2_048 - len(data)), "CHN-1 ENC-8", "Boundary TrailingBytes")
    _ends(book.group("must-end", 14501))
    return book


class Refuser:
    """Adds objects that have to be refused, each against one honest one."""

    def __init__(self, group: Group, name: str, base: int) -> None:
        self.group, self.name, self.base = group, name, base

    def __call__(
        self,
        stage: str,
        comment: str,
        data: Any,
        spec: str,
        flags: str,
        *,
        code: str = "malformed",
        step: str = "bytes",
    ) -> None:
        self.group.invalid(
            comment,
            spec=spec,
            flags=flags,
            code=code,
            stage=stage,
            base=self.base,
            mutation=mutation(step, comment),
            input={self.name: data},
        )


# --- making -----------------------------------------------------------------------------------------------------------


def _certify(group: Group) -> None:
    def given(closes: list[Any]) -> dict[str, Any]:
        return {"secret": ALICE.secret, "seed": SEED, "groupId": GROUP, "rosterHead": HEAD, "closes": closes}

    for comment, closes in {
        "a chain that ends none": [],
        "a chain that ends one": [ENDED[0]],
        "a chain that ends one in which nothing was sent": [UNUSED],
        "a chain that ends sixteen, given in another order": [*reversed(ENDED)],
    }.items():
        group.valid(comment, spec="CHN-1 CHN-3 CHN-5", flags="KnownAnswer", now=NOW, input=given(closes))
    group.valid("at the last instant", spec="CHN-1 ENC-10", flags="Boundary", now=LATEST, input=given([]))
    seventeen: list[Close] = [*ENDED, UNUSED]
    refused: dict[str, list[Close]] = {
        "seventeen chains to end": seventeen,
        "the same chain twice": [ENDED[0], ENDED[0]],
        "the same chain with two ends": [ENDED[0], (ENDED[0][0], 3, LINK)],
        "no final link beside an index above 0": [(ENDED[0][0], 3, None)],
        "a final index of 65,536": [(ENDED[0][0], 65_536, LINK)],
        "the new chain itself": [(CERTIFICATE.chain_id, 3, LINK)],
    }
    for comment, ended in refused.items():
        group.invalid(
            f"asked to end {comment}",
            spec="CHN-3",
            flags="Argument",
            code="invalid-argument",
            stage="argument",
            now=NOW,
            input=given(ended),
        )


# --- good ones --------------------------------------------------------------------------------------------------------


def _valid(group: Group) -> None:
    for comment, made in {
        "a certificate that ends two chains and an unused one": CLOSING,
        "a certificate that ends none": CERTIFICATE,
        "a certificate that ends sixteen": certificate(closes=ENDED),
        "a certificate at instant 0": certificate(at=0),
        "a certificate at the last instant": certificate(at=LATEST),
        "a close at index 0 with a link, and one at 65,535": certificate(
            closes=((bytes(16), 0, LINK), (b"\xff" * 16, 65_535, LINK))
        ),
    }.items():
        spec = "CHN-1 CHN-2 CHN-3 CHN-4 CHN-5"
        group.valid(comment, spec=spec, flags="Normal", input={"certificate": made.encode()})


# --- bad ones ---------------------------------------------------------------------------------------------------------


def signed_items(items: list[bytes], secret: bytes = ALICE.secret) -> bytes:
    """A certificate of whatever items from type to at, validly signed over them."""
    part = label("chain certificate") + b"\0" + array(*items)
    return array(*items, octets(identity.sign_with(secret, part)))


def instead(name: str, item: bytes) -> bytes:
    """The honest certificate with another item, signed again."""
    items = CLOSING.fields()
    items[NAMES.index(name)] = item
    return signed_items(items)


def _encodings(refuse: Refuser) -> None:
    honest = CLOSING.encode()
    comment = "2,049 bytes"
    refuse("size", comment, honest + bytes(2_049 - len(honest)), "CHN-1", "Limit", code="limit-exceeded")

    def wrong(comment: str, data: bytes, spec: str, flags: str) -> None:
        refuse("encoding", comment, data, f"CHN-5 {spec}", flags)

    wrong("no bytes at all", b"", "ENC-8", "Truncated")
    wrong("one byte is missing", honest[:-1], "ENC-4", "Truncated")
    wrong("one byte more", honest + b"\0", "ENC-8", "TrailingBytes")
    wrong("the array's head in two bytes", b"\x98\x0a" + honest[1:], "ENC-2", "NonShortest")
    wrong("an array of indefinite length", b"\x9f" + honest[1:] + b"\xff", "ENC-3", "Indefinite")
    for name, item in {
        "version": uint(1, 1),
        "group id": cbor.head(cbor.BYTES, 32, 2) + GROUP,
        "chain id": cbor.head(cbor.BYTES, 16, 1) + CLOSING.chain_id,
        "closes": cbor.head(cbor.ARRAY, 3, 1) + encoded_closes(CLOSING.closes)[1:],
    }.items():
        wrong(f"{name} with a head that is too long", instead(name, item), "ENC-2", "NonShortest")
    closes = b"\x9f" + encoded_closes(CLOSING.closes)[1:] + b"\xff"
    wrong("closes of indefinite length", instead("closes", closes), "ENC-3", "Indefinite")
    wrong("a sender with a tag", instead("sender", b"\xd8\x40" + octets(ALICE.user_id)), "ENC-1", "ForbiddenType")
    wrong("at as a float", instead("at", b"\xfb" + bytes(8)), "ENC-1", "ForbiddenType")
    wrong("at below 0", instead("at", cbor.head(cbor.NEGATIVE, 0)), "ENC-1", "ForbiddenType")

    for comment, data, flags in (
        ("the type of a succession", instead("type", uint(8)), "WrongType"),
        ("the type of a group message", instead("type", uint(3)), "WrongType"),
        ("a type of text", instead("type", text("7")), "WrongShape"),
        ("a bare byte string", octets(honest), "WrongShape"),
        ("an empty array", array(), "WrongShape"),
    ):
        refuse("type", comment, data, "CHN-1 CHN-5 ENC-9", flags)
    for version in (0, 2):
        data = instead("version", uint(version))
        refuse("version", f"version {version}", data, "CHN-5 ENC-9", "WrongVersion", code="unsupported-version")


def _shapes(refuse: Refuser) -> None:
    def wrong(comment: str, data: bytes, spec: str = "CHN-1 CHN-5") -> None:
        refuse("shape", comment, data, spec, "WrongShape", step="items")

    items = CLOSING.fields()
    wrong("nine items", signed_items(items[:-1]))
    wrong("eleven items", signed_items([*items, cbor.NULL]))
    strings = {
        "group id": GROUP,
        "roster head": HEAD,
        "chain id": CLOSING.chain_id,
        "sender": CLOSING.sender,
        "chain signing key": KEY,
    }
    for name, value in strings.items():
        wrong(f"a {name} that is one byte short", instead(name, octets(value[:-1])))
        wrong(f"a {name} that is one byte long", instead(name, octets(value + b"\0")))
        wrong(f"a {name} of text", instead(name, text("x" * len(value))))
        wrong(f"no {name}", instead(name, cbor.NULL))
    for comment, item in {"as text": text("0"), "true": cbor.TRUE, "null": cbor.NULL, "an array": array()}.items():
        wrong(f"at: {comment}", instead("at", item))
    wrong("at after the year 9999", instead("at", uint(LATEST + 1)), "CHN-1 ENC-10")
    for comment, item in {"null": cbor.NULL, "a byte string": octets(b""), "a map": cbor.mapping()}.items():
        wrong(f"closes: {comment}", instead("closes", item))
    for size in (0, 63, 65):
        wrong(f"a signature of {size} bytes", array(*items, octets(bytes(size))))
    wrong("a signature of text", array(*items, text("x" * 64)))


def _closes(refuse: Refuser) -> None:
    chain_id, index, _ = ENDED[0]
    items = {
        "of two items": (octets(chain_id), uint(index)),
        "of four items": (octets(chain_id), uint(index), octets(LINK), cbor.NULL),
        "with a chain id of 15 bytes": (octets(chain_id[1:]), uint(index), octets(LINK)),
        "with a chain id of 17 bytes": (octets(chain_id + b"\0"), uint(index), octets(LINK)),
        "with an index of 65,536": (octets(chain_id), uint(65_536), octets(LINK)),
        "with no index": (octets(chain_id), cbor.NULL, octets(LINK)),
        "with an index true": (octets(chain_id), cbor.TRUE, octets(LINK)),
        "with a link of 31 bytes": (octets(chain_id), uint(index), octets(LINK[1:])),
        "with a link of 33 bytes": (octets(chain_id), uint(index), octets(LINK + b"\0")),
        "with an empty link": (octets(chain_id), uint(0), octets(b"")),
        "with a link false": (octets(chain_id), uint(0), cbor.FALSE),
        "with no link beside an index above 0": (octets(chain_id), uint(1), cbor.NULL),
    }
    for comment, close in items.items():
        data = instead("closes", array(array(*close)))
        refuse("shape", f"a close {comment}", data, "CHN-3 CHN-5", "WrongShape", step="closes")
    refuse("shape", "a close that is no array", instead("closes", array(octets(chain_id))), "CHN-3", "WrongShape")

    def wrong(comment: str, closes: tuple[Close, ...], code: str = "malformed") -> None:
        made = replace(CLOSING, closes=closes).signed(ALICE.secret).encode()
        refuse("shape", comment, made, "CHN-3 CHN-5", "WrongShape", code=code, step="closes")

    wrong("closes in descending order", tuple(reversed(ENDED[:2])))
    wrong("the same close twice", (ENDED[0], ENDED[0]))
    wrong("one chain with two ends", (ENDED[0], (chain_id, 5, LINK)))
    wrong("an end for the chain itself", ((CERTIFICATE.chain_id, 5, LINK),))
    wrong("seventeen closes", tuple(sorted((*ENDED, UNUSED))), "limit-exceeded")


def bad_points() -> Iterator[tuple[str, bytes]]:
    """Bytes that are no key."""
    yield "is the neutral element", curve.small_points()[0]
    yield "is a point of order 8", curve.small_points()[1]
    yield "is the neutral element, not canonical", (curve.P + 1).to_bytes(32, "little")
    honest = curve.decompress(KEY)
    assert honest is not None
    yield "has a point of order 8 added", curve.compress(curve.add(honest, curve.torsion()))
    yield "is above the field", b"\xff" * 32
    yield (
        "is no point",
        next(y.to_bytes(32, "little") for y in range(2, 99) if not curve.decompress(bytes([y]) + bytes(31))),
    )


def _keys(refuse: Refuser) -> None:
    for comment, point in bad_points():
        chain_id = chain_id_of(GROUP, CLOSING.sender, point)
        made = replace(CLOSING, key=point, chain_id=chain_id).signed(ALICE.secret)
        refuse(
            "signing-key",
            f"a chain signing key that {comment}",
            made.encode(),
            "CHN-5 SUITE-1",
            "BadPoint",
            step="chain signing key",
        )
    for comment, point in bad_points():
        made = replace(CLOSING, sender=point, chain_id=chain_id_of(GROUP, point, KEY)).signed(ALICE.secret)
        refuse("signing-key", f"a sender that {comment}", made.encode(), "CHN-5 SUITE-1", "BadPoint", step="sender")
    other = stream("another group", 32)
    digest = sha256(labelled("chain id", octets(GROUP), octets(CLOSING.sender), octets(KEY)))
    for comment, chain_id, flags in (
        ("a bit of the chain id flipped", flipped(CLOSING.chain_id, 0), "WrongShape"),
        ("the chain id of another group", chain_id_of(other, CLOSING.sender, KEY), "ForeignSender"),
        ("the chain id of another sender", chain_id_of(GROUP, BOB.user_id, KEY), "ForeignSender"),
        ("the chain id of another key", chain_id_of(GROUP, CLOSING.sender, BOB.user_id), "ForeignSender"),
        ("the last 16 bytes of the hash as chain id", digest[16:], "WrongAlgorithm"),
        ("a chain id of zeros", bytes(16), "WrongShape"),
    ):
        made = replace(CLOSING, chain_id=chain_id).signed(ALICE.secret)
        refuse("chain-id", comment, made.encode(), "CHN-2 CHN-5", flags, step="chain id")
    stolen = replace(CLOSING, sender=BOB.user_id).signed(BOB.secret)
    comment = "another member claims the chain with its id"
    refuse("chain-id", comment, stolen.encode(), "CHN-2 CHN-5", "ForeignSender", step="sender")


def _signatures(refuse: Refuser) -> None:
    part, honest = CLOSING.signed_part, CLOSING.signature

    def wrong(comment: str, signature: bytes, flags: str = "BadSignature", spec: str = "CHN-5 SUITE-1") -> None:
        data = replace(CLOSING, signature=signature).encode()
        refuse("signature", comment, data, spec, flags, code="invalid-message", step="signature")

    for comment, flags, signature in signatures_by(identity.derive(ALICE.secret, "sign"), part):
        wrong(f"a signature with {comment}", signature, flags)
    wrong("signed by another user", identity.sign_with(BOB.secret, part), "ForeignSender")
    wrong("signed by the chain's own key", curve.sign(SEED, part), "ForeignSender")
    wrong("signed under the label of genesis", _under("chain genesis", CLOSING), "WrongLabel", "CHN-4 CHN-5 LAB-1")
    for name, changed in _changes():
        comment = f"another {name}, and the old signature"
        data = replace(changed, signature=honest).encode()
        refuse("signature", comment, data, "CHN-1 CHN-5", "BadSignature", code="invalid-message", step="items")


def _changes() -> Iterator[tuple[str, Certificate]]:
    """The certificate with one field changed, and all that follows from it, but for the signature."""
    other = stream("another group", 32)
    yield "group id", replace(CLOSING, group_id=other, chain_id=chain_id_of(other, CLOSING.sender, KEY))
    yield "roster head", replace(CLOSING, head=flipped(HEAD, 31))
    key = curve.public_key(stream("another chain seed", 32))
    yield "chain signing key", replace(CLOSING, key=key, chain_id=chain_id_of(GROUP, CLOSING.sender, key))
    yield "at", replace(CLOSING, at=NOW + 1)
    yield "list of closes", replace(CLOSING, closes=CLOSING.closes[:-1])
    later = tuple((chain_id, index + (link is not None), link) for chain_id, index, link in CLOSING.closes)
    yield "final index", replace(CLOSING, closes=later)


def _under(purpose: str, made: Certificate) -> bytes:
    return identity.sign_with(ALICE.secret, labelled(purpose, *made.fields()))


# --- CHN-8 ------------------------------------------------------------------------------------------------------------


def _ends(group: Group) -> None:
    life = 7 * DAY
    cases: dict[str, tuple[int, dict[str, Any]]] = {
        "the first message of a new chain": (NOW, {"sent": 0}),
        "after 9,999 messages": (NOW, {"sent": 9_999}),
        "after 10,000 messages": (NOW, {"sent": 10_000}),
        "a millisecond before seven days": (NOW + life - 1, {"sent": 1}),
        "after seven days": (NOW + life, {"sent": 1}),
        "the clock stands before its beginning": (NOW - 1, {"sent": 1}),
        "after the 5 messages of a policy": (NOW, {"sent": 5, "messages": 5}),
        "after the hour of a policy": (NOW + DAY // 24, {"sent": 1, "age": DAY // 24}),
        "after 65,535 messages, where the policy allows more": (NOW, {"sent": 65_535, "messages": 65_536}),
        "after 65,536 messages, whatever the policy says": (NOW, {"sent": 65_536, "messages": 65_536}),
    }
    for comment, (now, given) in cases.items():
        group.valid(comment, spec="CHN-8", flags="Boundary", now=now, input={"at": NOW} | given)
