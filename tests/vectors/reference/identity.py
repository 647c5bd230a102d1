"""Identities, public records, successions and safety numbers, by hand (spec ID-1 … ID-13, ID-16 … ID-18)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tests.vectors.reference import DAY, LATEST, cbor, curve, hpke, require
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, label, labelled, sha256

RECORD_LIFE: Final = 90 * DAY  # of a record with sealing number 0
KEY_LIFE: Final = 7 * DAY  # of a rotating key
KEY_GRACE: Final = 30 * DAY  # for which its secret is kept after that


@lru_cache(maxsize=4096)
def derive(secret: bytes, purpose: str) -> bytes:
    """HKDF-SHA256 with salt ``siegel/1 identity`` and the purpose's label as info: 32 bytes (ID-1)."""
    return hkdf_expand(hmac_sha256(label("identity"), secret), labelled(purpose), 32)


def sign_with(secret: bytes, message: bytes) -> bytes:
    """The identity's signature."""
    return curve.sign(derive(secret, "sign"), message)


def user_id(secret: bytes) -> bytes:
    """The user id, which is the public signing key (ID-3)."""
    return curve.public_key(derive(secret, "sign"))


def base_sealing_key(secret: bytes) -> bytes:
    """The sealing key with number 0 (ID-4)."""
    return hpke.public_key(derive(secret, "seal"))


# --- the public record (ID-5 … ID-10) ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """The fields of a public identity, in the order of the wire; ``signature`` last."""

    signing_key: bytes
    sealing_key: bytes
    sealing_number: int
    issued_at: int
    not_after: int
    signature: bytes = b""

    def fields(self) -> tuple[bytes, ...]:
        """The encoded fields without the signature."""
        numbers = (self.sealing_number, self.issued_at, self.not_after)
        return cbor.octets(self.signing_key), cbor.octets(self.sealing_key), *map(cbor.uint, numbers)

    def signed_part(self) -> bytes:
        """What the signature covers."""
        return labelled("public identity", cbor.uint(1), cbor.uint(1), *self.fields())

    def encode(self) -> bytes:
        """The record's bytes."""
        return cbor.array(cbor.uint(1), cbor.uint(1), *self.fields(), cbor.octets(self.signature))

    def signed(self, secret: bytes) -> Record:
        """The record with a signature by this identity, whatever its fields say."""
        return Record(*self.unsigned(), sign_with(secret, self.signed_part()))

    def unsigned(self) -> tuple[bytes, bytes, int, int, int]:
        """The fields as values."""
        return self.signing_key, self.sealing_key, self.sealing_number, self.issued_at, self.not_after


def base_record(secret: bytes, issued_at: int) -> Record:
    """The record with sealing number 0, 90 days long but never beyond the last instant."""
    not_after = min(issued_at + RECORD_LIFE, LATEST)
    return Record(user_id(secret), base_sealing_key(secret), 0, issued_at, not_after).signed(secret)


def rotating_record(secret: bytes, seed: bytes, number: int, life: int = KEY_LIFE) -> Record:
    """The record of a rotating key, whose number is the instant of its issue (ID-12)."""
    return Record(user_id(secret), hpke.public_key(seed), number, number, number + life).signed(secret)


def parse_record(data: bytes) -> Record:
    """The record after every check that needs no clock."""
    _, items = cbor.top_level(data, {1: 8})
    octets = cbor.is_octets(items[0], 32) and cbor.is_octets(items[1], 1216) and cbor.is_octets(items[5], 64)
    require(octets and all(cbor.is_uint(item, LATEST) for item in items[2:5]), "shape")
    record = Record(*items)
    require(curve.is_strict(record.signing_key), "signing-key")
    hpke.check_public_key(record.sealing_key)
    require(record.issued_at < record.not_after and record.sealing_number <= record.issued_at, "dates")
    curve.verify(record.signing_key, record.signed_part(), record.signature)
    return record


def read_record(data: bytes, now: int) -> Record:
    """The record after every check."""
    record = parse_record(data)
    require(record.not_after > now, "clock", "expired")
    require(record.issued_at <= now + DAY, "clock", "not-permitted")
    return record


# --- succession (ID-18) -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Succession:
    """The fields of a hand-over."""

    old: bytes
    new: bytes
    at: int
    old_signature: bytes = b""
    new_signature: bytes = b""

    def signed_part(self) -> bytes:
        """What both signatures cover."""
        fields = cbor.octets(self.old), cbor.octets(self.new), cbor.uint(self.at)
        return labelled("succession", cbor.uint(8), cbor.uint(1), *fields)

    def encode(self) -> bytes:
        """The record's bytes."""
        signatures = cbor.octets(self.old_signature), cbor.octets(self.new_signature)
        fields = cbor.octets(self.old), cbor.octets(self.new), cbor.uint(self.at)
        return cbor.array(cbor.uint(8), cbor.uint(1), *fields, *signatures)


def succession(old: bytes, new: bytes, at: int) -> Succession:
    """The hand-over between the identities of two secrets."""
    record = Succession(user_id(old), user_id(new), at)
    part = record.signed_part()
    return Succession(record.old, record.new, at, sign_with(old, part), sign_with(new, part))


def read_succession(data: bytes) -> Succession:
    """The record after every check."""
    _, items = cbor.top_level(data, {8: 7})
    old, new, at, old_signature, new_signature = items
    require(cbor.is_octets(old, 32) and cbor.is_octets(new, 32) and cbor.is_uint(at, LATEST), "shape")
    require(cbor.is_octets(old_signature, 64) and cbor.is_octets(new_signature, 64) and old != new, "shape")
    require(curve.is_strict(old) and curve.is_strict(new), "signing-key")
    record = Succession(old, new, at, old_signature, new_signature)
    curve.verify(old, record.signed_part(), old_signature)
    curve.verify(new, record.signed_part(), new_signature)
    return record


# --- safety numbers (ID-16, ID-17) ------------------------------------------------------------------------------------


def safety_number(ours: bytes, theirs: bytes) -> str:
    """60 digits in groups of five: SHA-256 over label and both ids, the lower first, modulo 10^60."""
    digest = sha256(labelled("safety number", *(cbor.octets(i) for i in sorted((ours, theirs)))))
    digits = str(int.from_bytes(digest, "big") % 10**60).zfill(60)
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))


def safety_qr(ours: bytes, theirs: bytes) -> bytes:
    """The QR payload that we show."""
    return b"\x01" + ours + theirs


def check_safety(seen: str | bytes, ours: bytes, theirs: bytes) -> None:
    """Refused unless what they show is what we expect."""
    if isinstance(seen, str):
        digits = "".join(seen.split())
        require(len(digits) == 60 and all(c in "0123456789" for c in digits), "shape")
        same = digits == safety_number(ours, theirs).replace(" ", "")
    else:
        require(seen[:1] == b"\x01", "version", "unsupported-version")
        require(len(seen) == 65, "shape")
        same = seen == safety_qr(theirs, ours)
    require(same, "trust", "identity-changed")
