"""Category ``sealed-message``, refused for who wrote it: signature, purpose, trust (SEAL-9, SEAL-15 … SEAL-17)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import flipped
from tests.vectors.generator.messages import Refuser, faulty, message
from tests.vectors.generator.people import ALICE, BOB, CAROL, DAVE, MALLORY, NOW
from tests.vectors.generator.sealed_inside import INVALID
from tests.vectors.generator.sealed_valid import Bases
from tests.vectors.generator.suite import small_key, small_r, torsion_r, with_torsion
from tests.vectors.reference import curve, identity
from tests.vectors.reference.cbor import array, octets
from tests.vectors.reference.labels import label, labelled
from tests.vectors.reference.sealed import Message, Steps, header, inner_of, seal, signed_part


def refused_for_author(refuse: Refuser, bases: Bases) -> None:
    """All of it."""
    refuse.base = bases.opened
    _signatures(refuse, bases.one)
    _resealed(refuse, bases)
    refuse.base = bases.opened
    _purpose_and_trust(refuse, bases)


# --- signature --------------------------------------------------------------------------------------------------------


def _signatures(refuse: Refuser, given: Message) -> None:
    alice, seed = ALICE.secret, identity.derive(ALICE.secret, "sign")

    def deep(comment: str, hook: Any, flags: str = "BadSignature", spec: str = "SEAL-9") -> None:
        refuse.deep("signature", comment, given, "signature", lambda _, s: octets(hook(s)), spec=spec, flags=flags)

    def text(steps: Steps) -> bytes:
        return signed_part(steps.header, steps.digest)

    deep("a bit of R flipped", lambda s: flipped(s.signature[2:], 0))
    deep("a bit of S flipped", lambda s: flipped(s.signature[2:], 33))
    deep("all bytes zero", lambda _: bytes(64))
    deep(
        "signed by somebody else in the name of the sender",
        lambda s: identity.sign_with(MALLORY.secret, text(s)),
        "ForeignSender",
        "SEAL-9 SEAL-16",
    )
    other = message("another message", [BOB])
    deep("the signature of another message", lambda _: seal(other).signature[2:])
    same = replace(given, body=b"another text")
    deep("the signature of another text", lambda _: seal(same).signature[2:], spec="SEAL-4 SEAL-9")
    deep(
        "signed over another header",
        lambda s: identity.sign_with(alice, signed_part(header(1, 1, s.root, s.commitment), s.digest)),
    )
    deep("signed over the digest alone", lambda s: identity.sign_with(alice, s.digest), spec="SEAL-9 LAB-2")
    deep(
        "signed over the inner content instead of its digest",
        lambda s: identity.sign_with(alice, labelled("message signature", s.header, s.inner)),
    )

    def unlabelled(steps: Steps) -> bytes:
        return hashlib.sha256(steps.inner).digest()

    deep(
        "a digest without label",
        lambda s: identity.sign_with(alice, signed_part(s.header, unlabelled(s))),
        "WrongLabel",
        "SEAL-4 LAB-2",
    )
    deep(
        "signed under the label of a public identity",
        lambda s: identity.sign_with(alice, text(s).replace(label("message signature"), label("public identity"))),
        "WrongLabel",
        "SEAL-9 LAB-1",
    )

    def plus_l(steps: Steps) -> bytes:
        signature = steps.signature[2:]
        s = int.from_bytes(signature[32:], "little") + curve.L
        return signature[:32] + s.to_bytes(32, "little")

    deep("S + L instead of S", plus_l, "Malleable", "SEAL-9 SUITE-1")
    deep("R = identity, S = h·a", lambda s: small_r(seed, text(s))[2], "BadPoint", "SEAL-9 SUITE-1")
    deep("R with a point of order 8 added", lambda s: torsion_r(seed, text(s))[2], "BadPoint", "SEAL-9 SUITE-1")
    for comment, forge in {
        "a sender of mixed order, whose signature cofactorless verifiers accept": lambda t: with_torsion(seed, t),
        "the identity point as sender, whose signature holds for every text": small_key,
    }.items():
        hooks = {
            "sender": lambda *_, forge=forge: octets(forge(b"")[0]),
            "signature": lambda _, s, forge=forge: octets(forge(text(s))[2]),
        }
        steps = seal(given, hooks)
        refuse("signature", comment, steps.envelope, "SEAL-9 SUITE-1 ID-6", "BadPoint", code=INVALID, step="sender")
    claimed = faulty(replace(given, sender=MALLORY.secret), "sender", lambda *_: octets(ALICE.user_id)).envelope
    refuse(
        "signature",
        "a foreign sender: signed by Mallory, said to be by Alice",
        claimed,
        "SEAL-16",
        "ForeignSender",
        code=INVALID,
        step="sender",
    )


def _resealed(refuse: Refuser, bases: Bases) -> None:
    """Carol, who can read it, makes another message of it: she has content and signature, not Alice's key."""
    refuse.base = bases.opened_two
    original = seal(bases.two)

    def resealed(given: Message, **more: Any) -> Steps:
        return seal(given, {"inner": lambda *_: original.inner, "content": lambda *_: original.content} | more)

    for comment, people in {"to Bob alone": [BOB], "to Bob and Dave": [BOB, DAVE]}.items():
        again = resealed(message(f"sealed again {comment}", people, sender=CAROL))
        refuse(
            "signature",
            f"a readable message sealed again {comment}",
            again.envelope,
            "SEAL-9 SEAL-11",
            "Reseal",
            code=INVALID,
            step="header",
        )
    ghost = message("the same with a ghost", [BOB, CAROL, MALLORY], sender=CAROL)
    ghost = replace(ghost, nonce=bases.two.nonce, salt=bases.two.salt)
    again = resealed(ghost, secret=lambda *_: original.secret)
    comment = "a ghost recipient added by a reader, with the same content secret"
    refuse("signature", comment, again.envelope, "SEAL-3 SEAL-9", "GhostRecipient Reseal", code=INVALID, step="header")
    private = resealed(replace(bases.two, private=True), secret=lambda *_: original.secret)
    comment = "an open message made private by a reader"
    refuse("signature", comment, private.envelope, "SEAL-7 SEAL-9", "Reseal", code=INVALID, step="header")

    def other_text(_: Any, steps: Steps) -> bytes:
        return array(inner_of("text/plain", NOW, b"another text"), steps.sender, steps.signature)

    text = faulty(bases.two, "content", other_text).envelope
    comment = "another text under the honest header, by a reader who has the content secret"
    refuse("signature", comment, text, "SEAL-4 SEAL-9", "Reseal", code=INVALID, step="content")


# --- purpose and trust ------------------------------------------------------------------------------------------------


def _purpose_and_trust(refuse: Refuser, bases: Bases) -> None:
    for content_type in ("siegel/control", "siegel/", "siegel/x; charset=utf-8"):
        data = seal(message("reserved", [BOB], content_type=content_type)).envelope
        comment = f"the reserved content type {content_type}"
        refuse("purpose", comment, data, "SEAL-17", "Reserved", code="not-permitted", step="inner")
    unsigned = message("reserved", [BOB], content_type="siegel/control", sender=None)
    comment = "an unsigned message with a reserved content type"
    refuse(
        "purpose",
        comment,
        seal(unsigned).envelope,
        "SEAL-15 SEAL-17",
        "Reserved",
        code="not-permitted",
        step="inner",
        allow_anonymous=True,
    )

    one, unknown, changed = seal(bases.one).envelope, "unknown-sender", "identity-changed"
    refuse("trust", "a sender whom nobody knows", one, "SEAL-16", "Trust", code=unknown, contacts=[])
    refuse(
        "trust", "a sender who is not among the contacts", one, "SEAL-16", "Trust", code=unknown, contacts=[CAROL, DAVE]
    )
    refuse(
        "trust",
        "a stranger, to a reader who takes unsigned messages",
        one,
        "SEAL-16",
        "Trust",
        code=unknown,
        contacts=[],
        allow_anonymous=True,
    )
    refuse("trust", "a sender who is in doubt", one, "SEAL-16 ID-14", "Trust", code=changed, violated=[ALICE])
    refuse.base = bases.opened_unsigned
    refuse(
        "trust",
        "an unsigned message that nobody asked for",
        seal(bases.unsigned).envelope,
        "SEAL-15",
        "Unsigned",
        code=unknown,
    )
    refuse.base = bases.opened_listing
    from_mallory = seal(message("mallory", [BOB], sender=MALLORY)).envelope
    refuse(
        "trust",
        "a properly signed message of a stranger",
        from_mallory,
        "SEAL-16",
        "ForeignSender",
        code=unknown,
        step="sender",
    )
