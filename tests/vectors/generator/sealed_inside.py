"""Category ``sealed-message``, refused once a secret is used: entry, commitment, body, padding, content.

Whatever fails from the entry to the signature is one and the same ``invalid-message``; the stage says what failed.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import flipped, stream
from tests.vectors.generator.messages import Refuser, message
from tests.vectors.generator.parts import Parts
from tests.vectors.generator.people import ALICE, BOB, CAROL, MALLORY, NUMBERS
from tests.vectors.generator.sealed_valid import Bases
from tests.vectors.generator.two_keys import two_key_message
from tests.vectors.reference import LATEST, cbor, hpke, identity, texts
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import hkdf_expand, labelled
from tests.vectors.reference.sealed import (
    Message,
    Steps,
    encrypt,
    entry,
    header,
    info_of,
    inner_of,
    leaf_of,
    salt_of,
    seal,
)

INVALID = "invalid-message"


def refused_inside(refuse: Refuser, bases: Bases) -> None:
    """All of it."""
    refuse.base = bases.opened_two
    _entries(refuse, bases)
    refuse.base = bases.opened
    _other_hpke(refuse, bases.one)
    _commitments(refuse, bases)
    refuse.base = bases.opened
    _bodies(refuse, bases)
    _padding(refuse, bases.one)
    _contents(refuse, bases.one)


# --- unseal -----------------------------------------------------------------------------------------------------------


def _entries(refuse: Refuser, bases: Bases) -> None:
    parts = Parts(bases.two)
    ours, theirs = (parts.steps.entries[i] for i in (parts.index, 1 - parts.index))
    sealed_ours, sealed_theirs = ours[-1168:], theirs[-1168:]

    def put(comment: str, sealed: bytes, flags: str = "Damaged", spec: str = "SEAL-8 SUITE-2") -> None:
        changed = parts.entry(BOB.user_id, sealed=sealed)
        placed = [theirs, changed] if parts.index else [changed, theirs]
        data = parts.envelope(entries=array(*placed))
        refuse("unseal", comment, data, spec, flags, code=INVALID, step="entries")

    for name, at in {"ML-KEM ciphertext": 0, "X25519 ephemeral": 1100, "sealed secret": 1125, "tag": 1167}.items():
        put(f"a bit of the {name} flipped", flipped(sealed_ours, at))
    put("the top bit of the X25519 ephemeral flipped, an alias", flipped(sealed_ours, 1119, 0x80), "Malleable")
    put("the ephemeral is the low-order point 0", sealed_ours[:1088] + bytes(32) + sealed_ours[1120:], "BadSealingKey")
    put("all bytes zero", bytes(1168))
    put("what is sealed to another recipient", sealed_theirs, "MovedEntry")
    older = Parts(message("an older message"))
    put("our entry of an older message", older.steps.entries[older.index][-1168:], "MovedEntry")

    def header_changed(comment: str, flags: str = "Damaged", **fields: Any) -> None:
        data = parts.envelope(header=parts.header(**fields))
        refuse("unseal", comment, data, "SEAL-7 SEAL-8", flags, code=INVALID, step="header")

    header_changed("a bit of the commitment flipped on the way", commitment=flipped(parts.steps.commitment, 0))
    header_changed("the mode changed to private on the way", mode=1)
    ghost = sorted([*parts.ids, MALLORY.user_id], key=lambda u: leaf_of(salt_of(bases.two.nonce, u), u))
    by_id = dict(zip(parts.ids, parts.steps.entries, strict=True)) | {MALLORY.user_id: parts.entry(MALLORY.user_id)}
    root = seal(
        replace(bases.two, recipients=(*bases.two.recipients, MALLORY.recipient), eseeds=(*bases.two.eseeds, bytes(64)))
    ).root
    data = parts.envelope(
        header=parts.header(count=3, root=root), entries=array(*(by_id[user_id] for user_id in ghost))
    )
    comment = "a ghost entry, and the root in the header made to fit"
    refuse("unseal", comment, data, "SEAL-3 SEAL-8 SEAL-11", "GhostRecipient", code=INVALID, step="entries")


def _other_hpke(refuse: Refuser, given: Message) -> None:
    """A sender who seals the content secret otherwise."""
    eseed, bob = given.eseeds[0], given.recipients[0]

    def sealed_otherwise(comment: str, spec: str, flags: str, info: Any, key: bytes = b"", **variant: Any) -> None:
        def hook(_: Any, steps: Steps) -> list[bytes]:
            return [
                entry(bob, hpke.seal(key or bob.sealing_key, eseed, info(steps), steps.secret, hpke.Variant(**variant)))
            ]

        refuse.deep("unseal", comment, given, "entries", hook, spec=spec, flags=flags)

    def honest(steps: Steps) -> bytes:
        return steps.infos[0]

    numbers = {"0 sealed under number 1": 1, f"0 sealed under number {NUMBERS[0]}": NUMBERS[0]}
    for comment, number in numbers.items():
        sealed_otherwise(comment, "SEAL-8", "MovedEntry", lambda s, n=number: info_of(s.header, bob.user_id, n))
    sealed_otherwise(
        "info with another user id", "SEAL-8 ID-15", "MovedEntry", lambda s: info_of(s.header, CAROL.user_id, 0)
    )
    sealed_otherwise(
        "info without header", "SEAL-8", "MovedEntry", lambda _: labelled("entry", octets(bob.user_id), uint(0))
    )
    other_header = header(1, 1, bytes(32), bytes(32))
    sealed_otherwise(
        "info with another header", "SEAL-8", "MovedEntry", lambda _: info_of(other_header, bob.user_id, 0)
    )
    sealed_otherwise("an empty info", "SEAL-8", "MovedEntry", lambda _: b"")
    other_key = hpke.public_key(identity.derive(BOB.secret, "store"))
    sealed_otherwise("sealed to the key of another derivation", "ID-1 ID-4", "WrongLabel", honest, other_key)
    sealed_otherwise(
        "sealed to the rotating key under number 0",
        "ID-12 SEAL-8",
        "MovedEntry",
        honest,
        hpke.public_key(BOB.rotating[0][1]),
    )
    sealed_otherwise("sealed to somebody else's key", "SEAL-8", "NotForUs", honest, CAROL.recipient.sealing_key)
    variants: dict[str, dict[str, Any]] = {
        "AES-128-GCM": {"aead": 1},
        "ChaCha20-Poly1305": {"aead": 3},
        "mode PSK": {"mode": 1, "psk": bytes(32)},
        "associated data": {"aad": b"associated"},
        "sequence number 1": {"sequence": 1},
    }
    for name, variant in variants.items():
        sealed_otherwise(f"sealed with {name}", "SUITE-2 SEAL-8", "WrongAlgorithm", honest, **variant)
    sealed_otherwise(
        "sealed to a squatter who published our key under his id, and relabelled for us",
        "ID-15 SEAL-8",
        "SharedKey",
        lambda s: info_of(s.header, MALLORY.user_id, 0),
    )


# --- commitment -------------------------------------------------------------------------------------------------------


def _commitments(refuse: Refuser, bases: Bases) -> None:
    given, bob = bases.one, bases.one.recipients[0]
    spec, flags = "SEAL-6 SUITE-6", "Commitment"

    def deep(comment: str, step: str, hook: Any, rule: str = spec, flag: str = flags) -> None:
        refuse.deep("commitment", comment, given, step, hook, spec=rule, flags=flag)

    deep("a bit of the commitment flipped by the sender", "commitment", lambda c, _: flipped(c, 0))
    deep("the last bit of the commitment flipped by the sender", "commitment", lambda c, _: flipped(c, 31, 0x80))
    deep("a commitment of zeros", "commitment", lambda *_: bytes(32))
    deep("commitment and body key swapped", "keys", lambda k, _: k[32:] + k[:32])
    other = stream("another content secret", 32)

    def another(_: Any, steps: Steps) -> list[bytes]:
        return [entry(bob, hpke.seal(bob.sealing_key, given.eseeds[0], steps.infos[0], other))]

    deep("another content secret in the entry", "entries", another, "SEAL-5 SEAL-6 SUITE-6")
    deep("a root left out of the expansion", "keys", lambda _, s: hkdf_expand(s.secret, labelled("content keys"), 64))
    info = {"another root in the expansion": labelled("content keys", octets(stream("another root", 32)))}
    for comment, value in info.items():
        deep(comment, "keys", lambda _, s, value=value: hkdf_expand(s.secret, value, 64))

    def sha512(_: Any, steps: Steps) -> bytes:
        return hmac.digest(steps.secret, labelled("content keys", octets(steps.root)) + b"\1", "sha512")

    deep("keys expanded with SHA-512", "keys", sha512, "SUITE-5 SEAL-6", "WrongAlgorithm")

    def unexpanded(_: Any, steps: Steps) -> bytes:
        return hashlib.sha256(steps.secret).digest() + steps.secret

    deep("the content secret itself as body key", "keys", unexpanded, "SUITE-5 SEAL-6", "WrongAlgorithm")
    refuse.base = bases.opened_unsigned
    plain = message("two keys", [BOB, CAROL], sender=None)
    steps, other_key = two_key_message(plain, opens_for=BOB.user_id)
    comment = "a body that opens under two keys, read by the one to whom the header does not commit"
    refuse(
        "commitment",
        comment,
        steps.envelope,
        spec,
        flags,
        code=INVALID,
        step="entries",
        shown={"header": steps.header, "body": steps.body, "bodyKeys": [steps.body_key, other_key]},
        holder=CAROL,
        allow_anonymous=True,
    )


# --- body and padding -------------------------------------------------------------------------------------------------


def _bodies(refuse: Refuser, bases: Bases) -> None:
    given = bases.one
    steps = seal(given)
    longer = seal(replace(given, body=stream("a longer body", 300)))
    spec, flags = "SEAL-10 SUITE-6", "OtherBody"

    def deep(comment: str, hook: Any, rule: str = spec, flag: str = flags) -> None:
        refuse.deep("body", comment, given, "body", hook, spec=rule, flags=flag)

    for name, at in {"first byte": 0, "byte 100": 100, "tag": -1}.items():
        deep(f"a bit of the {name} flipped", lambda body, _, at=at: flipped(body, at), spec, "Damaged")
    deep("two blocks swapped", lambda body, _: body[16:32] + body[:16] + body[32:], spec, "Damaged")
    deep("cut to a smaller bucket", lambda body, _: body[:80], "SEAL-10 SEAL-18")
    deep(
        "extended with zeros to the next bucket",
        lambda body, _: body + bytes(texts.padme(len(body) - 15) + 16 - len(body)),
        "SEAL-10 SEAL-18",
    )
    deep("all zeros", lambda body, _: bytes(len(body)), spec, "Damaged")
    deep(
        "nonce 1 instead of 0",
        lambda _, s: encrypt(s.body_key, s.plaintext, s.header, bytes(11) + b"\1"),
        spec,
        "WrongAlgorithm",
    )
    deep("encrypted with AES-128", lambda _, s: encrypt(s.body_key[:16], s.plaintext, s.header), spec, "WrongAlgorithm")
    deep(
        "encrypted with the content secret",
        lambda _, s: encrypt(s.secret, s.plaintext, s.header),
        spec,
        "WrongAlgorithm",
    )
    deep("no associated data", lambda _, s: encrypt(s.body_key, s.plaintext, b""))
    deep(
        "the header in another mode as associated data",
        lambda _, s: encrypt(s.body_key, s.plaintext, header(1, 1, s.root, s.commitment)),
    )
    deep(
        "the body of another message of the same sender",
        lambda *_: seal(message("another", [BOB])).body,
        f"{spec} SEAL-19",
    )
    deep("the body of another text under the same key", lambda *_: longer.body)

    def replayed(_: Any, steps_now: Steps) -> bytes:
        return steps.body

    # The content secret, nonce and audience are those of the first message: only the header's mode differs.
    again = seal(replace(given, private=True), {"secret": lambda *_: steps.secret, "body": replayed})
    comment = "the body of an older message under another header of the same content secret"
    refuse("body", comment, again.envelope, f"{spec} SEAL-19", flags, code=INVALID, step="body")


def _padding(refuse: Refuser, given: Message) -> None:
    size = len(seal(given).plaintext)

    def deep(comment: str, hook: Any, spec: str) -> None:
        refuse.deep("padding", comment, given, "plaintext", hook, spec=f"SEAL-10 {spec}", flags="Padding")

    deep("the last padding byte is 1", lambda p, _: flipped(p, -1), "PAD-1")
    deep("the first padding byte is 1", lambda p, s: flipped(p, len(s.content) + 4), "PAD-1")
    deep("the next bucket, filled with zeros", lambda p, _: p + bytes(texts.padme(size + 1) - size), "PAD-2")
    deep("twice the size", lambda p, _: p + bytes(size), "PAD-2")
    deep("a length that does not count itself", lambda p, s: len(s.content).to_bytes(4, "big") + p[4:], "PAD-1")
    deep("a length in little-endian order", lambda p, s: (len(s.content) + 4).to_bytes(4, "little") + p[4:], "PAD-1")
    deep("a length beyond the end", lambda p, _: (size + 1).to_bytes(4, "big") + p[4:], "PAD-1")
    deep("length 0", lambda p, _: bytes(4) + p[4:], "PAD-1")
    deep("no length", lambda _, s: s.content + bytes(size - len(s.content)), "PAD-1")
    deep("zeros alone", lambda *_: bytes(64), "PAD-1")


# --- content ----------------------------------------------------------------------------------------------------------


def _contents(refuse: Refuser, given: Message) -> None:
    """The content is made otherwise; digest, signature and encryption are made again over it."""

    def inner(comment: str, hook: Any, spec: str = "SEAL-4", flags: str = "WrongShape") -> None:
        refuse.deep("content", comment, given, "inner", hook, spec=spec, flags=flags)

    def content(comment: str, hook: Any, spec: str = "SEAL-10", flags: str = "WrongShape") -> None:
        refuse.deep("content", comment, given, "content", hook, spec=spec, flags=flags)

    kind, at, body = cbor.text(given.content_type), uint(given.sent_at), octets(given.body)
    for comment, items in {
        "two items": (kind, at),
        "four items": (kind, at, body, cbor.NULL),
        "a content type of bytes": (octets(b"text/plain"), at, body),
        "no content type": (cbor.NULL, at, body),
        "an instant true": (kind, cbor.TRUE, body),
        "an instant as text": (kind, cbor.text("0"), body),
        "no body item": (kind, at, cbor.NULL),
        "a body of text": (kind, at, cbor.text("text")),
        "a body of an array": (kind, at, array(uint(1))),
    }.items():
        inner(f"inner content: {comment}", lambda *_, items=items: array(*items))
    inner("inner content: not an array", lambda *_: octets(b"content"))
    inner("an empty content type", lambda *_: inner_of("", given.sent_at, given.body), "SEAL-17")
    inner("a content type of 256 bytes", lambda *_: inner_of("x" * 256, given.sent_at, given.body), "SEAL-17")
    inner("an instant after the year 9999", lambda *_: inner_of("text", LATEST + 1, given.body), "ENC-10 SEAL-4")
    inner(
        "an instant with eight bytes too many", lambda *_: array(kind, uint(5, 8), body), "ENC-2 SEAL-4", "NonShortest"
    )
    inner(
        "a negative instant", lambda *_: array(kind, cbor.head(cbor.NEGATIVE, 0), body), "ENC-1 SEAL-4", "ForbiddenType"
    )
    inner(
        "a content type not in normal form C",
        lambda *_: array(cbor.text("te\u0301xt"), at, body),
        "ENC-5 SEAL-17",
        "BadText",
    )
    bad = cbor.head(cbor.TEXT, 4) + b"te\xffx"
    inner("a content type that is not UTF-8", lambda *_: array(bad, at, body), "ENC-5 SEAL-17", "BadText")
    inner(
        "a body of indefinite length",
        lambda *_: array(kind, at, b"\x5f" + body + b"\xff"),
        "ENC-3 SEAL-4",
        "Indefinite",
    )

    content("a byte behind the content", lambda c, _: c + b"\0", "ENC-8 SEAL-10", "TrailingBytes")
    content("content that ends too early", lambda c, _: c[:-1], "ENC-4 SEAL-10", "Truncated")
    content("no bytes at all", lambda *_: b"", "ENC-8 SEAL-10", "Truncated")
    content("content: two items", lambda _, s: array(s.inner, s.sender))
    content("content: four items", lambda _, s: array(s.inner, s.sender, s.signature, cbor.NULL))
    content("content: not an array", lambda c, _: octets(c))
    content("a sender of 31 bytes", lambda _, s: array(s.inner, octets(ALICE.user_id[:31]), s.signature))
    content("a sender as text", lambda _, s: array(s.inner, cbor.text("alice"), s.signature))
    content("a signature of 63 bytes", lambda _, s: array(s.inner, s.sender, octets(s.signature[2:65])))
    content("a signature of no bytes", lambda _, s: array(s.inner, s.sender, octets(b"")))
    content("a sender without signature", lambda _, s: array(s.inner, s.sender, cbor.NULL), "SEAL-15", "Unsigned")
    content("a signature without sender", lambda _, s: array(s.inner, cbor.NULL, s.signature), "SEAL-15", "Unsigned")
    content(
        "a sender false and no signature", lambda _, s: array(s.inner, cbor.FALSE, cbor.NULL), "SEAL-15", "Unsigned"
    )
