"""Category ``public-identity``: the self-signed record, and everything that is no record (ID-5 … ID-10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, mutation, stream
from tests.vectors.generator.people import ALICE, BOB, MALLORY, NOW, NUMBERS
from tests.vectors.generator.suite import small_key, small_r, torsion_r, with_torsion
from tests.vectors.reference import DAY, LATEST, cbor, curve, hpke, identity
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import label

SPEC = "ID-5 ID-6 ID-7 ID-8 ID-9 ID-10"


class _Refuser:
    """Adds records that have to be refused, each against one honest record."""

    def __init__(self, group: Group, base: int) -> None:
        self.group, self.base = group, base

    def data(
        self, comment: str, stage: str, data: bytes, spec: str, flags: str, *, code: str = "malformed", now: int = NOW
    ) -> None:
        """Bytes as they are."""
        self.group.invalid(
            comment,
            spec=spec,
            flags=flags,
            code=code,
            stage=stage,
            base=self.base,
            mutation=mutation("bytes" if stage in {"encoding", "type", "version", "shape"} else "fields", comment),
            now=now,
            input={"record": data},
        )

    def signed(self, comment: str, stage: str, spec: str, flags: str, **fields: Any) -> None:
        """Alice's record with other fields, signed by her again."""
        self.data(comment, stage, replace(ALICE.record, **fields).signed(ALICE.secret).encode(), spec, flags)

    def forged(self, comment: str, spec: str, flags: str, signature: bytes) -> None:
        """Alice's record with another signature."""
        data = replace(ALICE.record, signature=signature).encode()
        self.data(comment, "signature", data, spec, flags, code="invalid-message")


def category() -> Category:
    """The vectors of this file."""
    book = Category("public-identity")
    group = book.group("public-identity", 10001)
    base = _valid(group)
    refuse = _Refuser(group, base)
    _outside(refuse)
    _shape(refuse)
    _signing_keys(refuse)
    _sealing_keys(refuse)
    _dates(refuse)
    _signatures(refuse)
    return book


def _valid(group: Group) -> int:
    alice = ALICE.record
    for comment, record, now in (
        ("sealing number 0", alice, NOW),
        ("a rotating key", identity.rotating_record(BOB.secret, BOB.rotating[0][1], NUMBERS[0]), NOW),
        ("one millisecond before its end", alice, alice.not_after - 1),
        ("dated 24 hours ahead of the clock", alice, alice.issued_at - DAY),
        ("valid for one millisecond", replace(alice, not_after=alice.issued_at + 1).signed(ALICE.secret), NOW),
        ("from the first to the last instant", replace(alice, issued_at=0, not_after=LATEST).signed(ALICE.secret), NOW),
        ("a rotating key, published again later", _republished(), NOW + DAY),
        ("sealing number 1", replace(alice, sealing_number=1).signed(ALICE.secret), NOW),
        ("an X25519 key u = p - 2, which has large order", _with_u(curve.P - 2), NOW),
        ("an X25519 key u = 2, which has large order", _with_u(2), NOW),
        ("an ML-KEM coefficient of q - 1", _with_coefficient(0, hpke.Q - 1), NOW),
    ):
        flags = "Normal" if record.issued_at == now and now < record.not_after - 1 else "Boundary"
        group.valid(
            comment,
            spec=f"{SPEC} ENC-9 ENC-10 SUITE-1 SUITE-3 SUITE-4",
            flags=flags,
            now=now,
            input={"record": record.encode()},
        )
    return group.first


def _republished() -> identity.Record:
    record = identity.rotating_record(BOB.secret, BOB.rotating[0][1], NUMBERS[0])
    return replace(record, issued_at=NOW + DAY).signed(BOB.secret)


def _with_u(u: int) -> identity.Record:
    key = ALICE.record.sealing_key[:1184] + u.to_bytes(32, "little")
    return replace(ALICE.record, sealing_key=key).signed(ALICE.secret)


def _with_coefficient(index: int, value: int) -> identity.Record:
    key = hpke.with_coefficient(ALICE.record.sealing_key, index, value)
    return replace(ALICE.record, sealing_key=key).signed(ALICE.secret)


def _outside(refuse: _Refuser) -> None:
    record = ALICE.record
    honest, one = record.encode(), uint(1)
    fields = (*record.fields(), octets(record.signature))
    refuse.data("no bytes at all", "encoding", b"", "ENC-8", "Truncated")
    refuse.data("the first half", "encoding", honest[: len(honest) // 2], "ENC-4", "Truncated")
    refuse.data("the last byte is missing", "encoding", honest[:-1], "ENC-4", "Truncated")
    refuse.data("a byte behind the end", "encoding", honest + b"\0", "ENC-8", "TrailingBytes")
    refuse.data("the record twice", "encoding", honest * 2, "ENC-8", "TrailingBytes")
    long_number = array(one, one, *fields[:2], uint(0, 1), *fields[3:])
    refuse.data("sealing number 0 in two bytes", "encoding", long_number, "ENC-2", "NonShortest")
    long_key = array(one, one, cbor.head(cbor.BYTES, 32, 2) + record.signing_key, *fields[1:])
    refuse.data("a signing key with a two-byte length", "encoding", long_key, "ENC-2", "NonShortest")
    refuse.data("an array of indefinite length", "encoding", b"\x9f" + honest[1:] + b"\xff", "ENC-3", "Indefinite")
    instant = array(one, one, *fields[:3], cbor.head(cbor.TAG, 1) + fields[3], *fields[4:])
    refuse.data("an instant with the tag for dates", "encoding", instant, "ENC-1", "ForbiddenType")
    negative = array(one, one, *fields[:3], cbor.head(cbor.NEGATIVE, 0), *fields[4:])
    refuse.data("issued before 1970", "encoding", negative, "ENC-1", "ForbiddenType")
    for kind in (0, 2, 8, 99):
        refuse.data(f"type number {kind}", "type", array(uint(kind), one, *fields), "ENC-9", "WrongType")
    for version in (0, 2, 2**64 - 1):
        data = array(one, uint(version), *fields)
        comment = f"version {version}"
        refuse.data(comment, "version", data, "ENC-9", "WrongVersion", code="unsupported-version")
    other = array(uint(99), uint(2), *fields)
    comment = "version 2 of an unknown type"
    refuse.data(comment, "version", other, "ENC-9", "WrongVersion", code="unsupported-version")


def _shape(refuse: _Refuser) -> None:
    record, one = ALICE.record, uint(1)
    fields = (*record.fields(), octets(record.signature))
    names = ("signing key", "sealing key", "sealing number", "issued at", "not after", "signature")

    def put(comment: str, place: int, item: bytes, spec: str = "ID-5") -> None:
        items = [*fields[:place], item, *fields[place + 1 :]]
        refuse.data(f"{names[place]}: {comment}", "shape", array(one, one, *items), spec, "WrongShape")

    refuse.data("not an array", "type", octets(record.encode()), "ENC-9", "WrongShape")
    refuse.data("an empty array", "type", array(), "ENC-9", "WrongShape")
    refuse.data("the type number alone", "type", array(one), "ENC-9", "WrongShape")
    refuse.data("true as type number", "type", array(cbor.TRUE, one, *fields), "ENC-9", "WrongShape")
    refuse.data("text as version", "type", array(one, cbor.text("1"), *fields), "ENC-9", "WrongShape")
    refuse.data("the signature is missing", "shape", array(one, one, *fields[:-1]), "ID-5", "WrongShape")
    refuse.data("one item more", "shape", array(one, one, *fields, cbor.NULL), "ID-5", "WrongShape")
    refuse.data("no fields", "shape", array(one, one), "ID-5", "WrongShape")
    for place, length in ((0, 32), (1, 1216), (5, 64)):
        for wrong in (0, length - 1, length + 1):
            put(f"{wrong} bytes", place, octets(bytes(wrong)))
        put("null", place, cbor.NULL)
    put("text", 0, cbor.text("a" * 32))
    put("only ML-KEM", 1, octets(record.sealing_key[:1184]))
    for place in (2, 3, 4):
        put("a byte string", place, octets(b"\0"))
        put("false", place, cbor.FALSE)
        put("an instant after the year 9999", place, uint(LATEST + 1), "ENC-10 ID-5")
        put("2^64-1", place, uint(2**64 - 1), "ENC-10 ID-5")


def _signing_keys(refuse: _Refuser) -> None:
    spec, flags = "ID-6 SUITE-1", "BadPoint"
    seed = identity.derive(ALICE.secret, "sign")
    for index, point in enumerate(curve.small_points()):
        refuse.signed(f"a signing key of small order, multiple {index}", "signing-key", spec, flags, signing_key=point)
    not_canonical = (curve.P + 1).to_bytes(32, "little")
    refuse.signed("a signing key y = p + 1", "signing-key", spec, flags, signing_key=not_canonical)
    off_curve = next(c for c in (i.to_bytes(32, "little") for i in range(2, 99)) if curve.decompress(c) is None)
    refuse.signed("a signing key that is not on the curve", "signing-key", spec, flags, signing_key=off_curve)
    for comment, forge in {
        "a signing key of mixed order, and a signature that cofactorless verifiers accept": lambda t: with_torsion(
            seed, t
        ),
        "the identity point as signing key, and a signature that holds for every text": small_key,
    }.items():
        record = replace(ALICE.record, signing_key=forge(b"")[0])  # the key does not depend on the text
        signed = replace(record, signature=forge(record.signed_part())[2])
        refuse.data(comment, "signing-key", signed.encode(), spec, flags)


def _sealing_keys(refuse: _Refuser) -> None:
    honest = ALICE.record.sealing_key
    refuse_u = {
        "u = p, an alias of 0": curve.P,
        "u = p + 1, an alias of 1": curve.P + 1,
        "u = p + 9, an alias of 9": curve.P + 9,
        "u = 2^255 - 1": 2**255 - 1,
        "u = 9 with the top bit set": 9 | 1 << 255,
        "the honest u with the top bit set": int.from_bytes(honest[1184:], "little") | 1 << 255,
        "u = 0, of low order": 0,
        "u = 1, of low order": 1,
        "u = p - 1, of low order": curve.P - 1,
        "u of order 8": 325606250916557431795983626356110631294008115727848805560023387167927233504,
        "the other u of order 8": 39382357235489614581723060781553021112529911719440698176882885853963445705823,
        "the u of the all-zero private key": int.from_bytes(hpke.x25519_public(bytes(32)), "little"),
    }
    for comment, u in refuse_u.items():
        key = honest[:1184] + u.to_bytes(32, "little")
        refuse.signed(comment, "sealing-key", "ID-7 SUITE-3", "BadSealingKey", sealing_key=key)
    for index, value in ((0, hpke.Q), (767, hpke.Q), (0, 4095), (300, hpke.Q + 1)):
        key = hpke.with_coefficient(honest, index, value)
        comment = f"ML-KEM coefficient {index} is {value}"
        refuse.signed(comment, "sealing-key", "ID-7 SUITE-4", "BadSealingKey", sealing_key=key)
    comment = "every ML-KEM coefficient is 4095"
    key = b"\xff" * 1152 + honest[1152:]
    refuse.signed(comment, "sealing-key", "ID-7 SUITE-4", "BadSealingKey", sealing_key=key)


def _dates(refuse: _Refuser) -> None:
    issued = ALICE.record.issued_at
    refuse.signed("it ends when it begins", "dates", "ID-8", "Dates", not_after=issued)
    refuse.signed("it ends before it begins", "dates", "ID-8", "Dates", not_after=issued - 1)
    refuse.signed("it ends in 1970", "dates", "ID-8", "Dates", not_after=0)
    refuse.signed("the sealing number is after the issue", "dates", "ID-8", "Dates", sealing_number=issued + 1)
    refuse.signed("the sealing number is the last instant", "dates", "ID-8", "Dates", sealing_number=LATEST)
    record = ALICE.record
    for comment, now, code in (
        ("the clock stands at its end", record.not_after, "expired"),
        ("a year after its end", record.not_after + 365 * DAY, "expired"),
        ("dated 24 hours and a millisecond ahead", record.issued_at - DAY - 1, "not-permitted"),
        ("dated a year ahead", record.issued_at - 365 * DAY, "not-permitted"),
    ):
        refuse.data(comment, "clock", record.encode(), "ID-10", "Clock", code=code, now=now)


def _signatures(refuse: _Refuser) -> None:
    record, seed = ALICE.record, identity.derive(ALICE.secret, "sign")
    part, signature = record.signed_part(), record.signature
    spec, flags = "ID-9", "BadSignature"
    refuse.forged("a bit of R flipped", spec, flags, flipped(signature, 0))
    refuse.forged("a bit of S flipped", spec, flags, flipped(signature, 40))
    refuse.forged("all zeros", spec, flags, bytes(64))
    refuse.forged("signed by somebody else", spec, "ForeignSender", identity.sign_with(MALLORY.secret, part))
    refuse.forged(
        "signed over the bytes without label",
        f"{spec} LAB-2",
        "WrongLabel",
        identity.sign_with(ALICE.secret, part[25:]),
    )
    other = part.replace(label("public identity"), label("message signature"))
    refuse.forged("signed under another label", f"{spec} LAB-1", "WrongLabel", identity.sign_with(ALICE.secret, other))
    s = int.from_bytes(signature[32:], "little") + curve.L
    refuse.forged("S + L instead of S", f"{spec} SUITE-1", "Malleable", signature[:32] + s.to_bytes(32, "little"))
    refuse.forged("R = identity, S = h·a", f"{spec} SUITE-1", "BadPoint", small_r(seed, part)[2])
    refuse.forged("R with a point of order 8 added", f"{spec} SUITE-1", "BadPoint", torsion_r(seed, part)[2])
    changes: dict[str, dict[str, Any]] = {
        "another sealing key under the same signature": {"sealing_key": MALLORY.record.sealing_key},
        "another sealing number under the same signature": {"sealing_number": 1},
        "another instant of issue under the same signature": {"issued_at": NOW + 1},
        "a later end under the same signature": {"not_after": record.not_after + DAY},
        "another user id under the same signature": {"signing_key": BOB.user_id},
    }
    for comment, fields in changes.items():
        data = replace(record, **fields).encode()
        refuse.data(comment, "signature", data, f"{spec} ID-5", flags, code="invalid-message")
    old = replace(record, issued_at=NOW - DAY).signed(ALICE.secret)
    refuse.forged("the signature of an older record", spec, flags, old.signature)
    refuse.forged("random bytes", spec, flags, stream("no signature", 64))
