"""Category ``broadcast``, refused behind the commitment: body, padding, content, signature.

By somebody who has the epoch key: whatever lies outside the fault was made again over it.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from tests.vectors.generator.book import Group, flipped, stream
from tests.vectors.generator.broadcast_parts import HONEST, INVALID, STEPS, Refuser, broadcast_of
from tests.vectors.generator.chain_certificates import bad_points
from tests.vectors.generator.people import ALICE, BOB, NOW
from tests.vectors.generator.suite import signatures_by, small_key
from tests.vectors.reference import LATEST, broadcast, cbor, identity, texts
from tests.vectors.reference.broadcast import Steps, signed_part
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.labels import hmac_sha256, label

SAID = ALICE.user_id, HONEST.at, HONEST.control


def refused_inside(group: Group, base: int) -> None:
    """All of it."""
    refuse = Refuser(group, base)
    _bodies(refuse)
    _padding(refuse)
    _contents(refuse)
    _signatures(refuse)


def _bodies(refuse: Refuser) -> None:
    def wrong(
        comment: str, hook: Callable[[bytes, Steps], bytes], flags: str = "OtherBody", spec: str = "EPO-9"
    ) -> None:
        data = broadcast_of({"ciphertext": hook}).broadcast
        refuse("body", comment, data, spec, flags, code=INVALID, step="ciphertext")

    def encrypted(
        aad: bytes = STEPS.header, under: bytes = STEPS.text_key, nonce: bytes = bytes(12)
    ) -> Callable[[bytes, Steps], bytes]:
        return lambda *_: AESGCM(under).encrypt(nonce, STEPS.padded, aad)

    for name, at in {"first byte": 0, "byte 50": 50, "tag": -1}.items():
        wrong(f"a bit of the {name} flipped", lambda *_, at=at: flipped(STEPS.ciphertext, at), "Damaged")
    wrong("two blocks swapped", lambda c, _: c[16:32] + c[:16] + c[32:], "Damaged")
    wrong("all zeros", lambda c, _: bytes(len(c)), "Damaged")
    other = broadcast_of(hedge=stream("another hedge", 32))
    wrong("the ciphertext of another broadcast", lambda *_: other.ciphertext)
    wrong("no associated data", encrypted(b""))
    wrong("associated data of another broadcast", encrypted(other.header))
    wrong("associated data with the ciphertext's head", encrypted(STEPS.header + b"\x58\xc0"))
    wrong("associated data without the commitment", encrypted(STEPS.header[:-34]))
    wrong("encrypted under the commitment", encrypted(under=STEPS.commitment), "WrongAlgorithm", "EPO-7 EPO-9")
    wrong("encrypted under the epoch key", encrypted(under=HONEST.key), "WrongAlgorithm", "EPO-7 EPO-9")
    wrong("encrypted with AES-128", encrypted(under=STEPS.text_key[:16]), "WrongAlgorithm", "SUITE-6 EPO-9")
    chacha = ChaCha20Poly1305(STEPS.text_key).encrypt(bytes(12), STEPS.padded, STEPS.header)
    wrong("ChaCha20-Poly1305", lambda *_: chacha, "WrongAlgorithm", "SUITE-6 EPO-9")
    nonce = STEPS.nonce[:12]
    wrong("encrypted under the nonce of the broadcast", encrypted(nonce=nonce), "WrongAlgorithm", "SUITE-6 EPO-9")


def _padding(refuse: Refuser) -> None:
    honest, said = STEPS.padded, STEPS.text

    def wrong(comment: str, padded: bytes, spec: str) -> None:
        data = broadcast_of({"padded": lambda *_: padded}).broadcast
        refuse("padding", comment, data, f"EPO-9 {spec}", "Padding", code=INVALID, step="padded")

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


def _contents(refuse: Refuser) -> None:
    def wrong(comment: str, data: bytes, spec: str = "EPO-8", flags: str = "WrongShape") -> None:
        made = broadcast_of({"text": lambda *_: data}).broadcast
        refuse("content", comment, made, spec, flags, code=INVALID, step="text")

    sender, at, control = octets(ALICE.user_id), uint(HONEST.at), octets(HONEST.control)
    signature = octets(STEPS.signature)
    for comment, items in {
        "three items": (sender, at, control),
        "five items": (sender, at, control, signature, cbor.NULL),
        "no sender": (cbor.NULL, at, control, signature),
        "a sender of 31 bytes": (octets(ALICE.user_id[1:]), at, control, signature),
        "a sender as text": (text("a" * 32), at, control, signature),
        "an instant true": (sender, cbor.TRUE, control, signature),
        "no instant": (sender, cbor.NULL, control, signature),
        "an instant as bytes": (sender, octets(b"\0"), control, signature),
        "no control": (sender, at, cbor.NULL, signature),
        "a control as text": (sender, at, text("what is said"), signature),
        "a control that is not in a byte string": (sender, at, array(control), signature),
        "no signature": (sender, at, control, cbor.NULL),
        "a signature of 63 bytes": (sender, at, control, octets(STEPS.signature[1:])),
        "a signature of 65 bytes": (sender, at, control, octets(STEPS.signature + b"\0")),
        "sender and signature exchanged": (signature, at, control, sender),
        "a number of a kind in front": (uint(0), sender, at, control, signature),
    }.items():
        wrong(comment, array(*items))
    late = uint(LATEST + 1)
    wrong("an instant after the year 9999", array(sender, late, control, signature), "ENC-10 EPO-8")
    for comment, data, spec, flags in (
        ("an instant with a head that is too long", array(sender, uint(5, 8), control, signature), "2", "NonShortest"),
        ("an array's head that is too long", b"\x98\x04" + STEPS.text[1:], "2", "NonShortest"),
        ("an array of indefinite length", b"\x9f" + STEPS.text[1:] + b"\xff", "3", "Indefinite"),
        ("an instant below 0", array(sender, cbor.head(cbor.NEGATIVE, 0), control, signature), "1", "ForbiddenType"),
        ("a control with a tag", array(sender, at, b"\xc0" + control, signature), "1", "ForbiddenType"),
        ("a byte more", STEPS.text + b"\0", "8", "TrailingBytes"),
        ("a byte less", STEPS.text[:-1], "4", "Truncated"),
        ("nothing at all", b"", "8", "Truncated"),
    ):
        wrong(f"behind the padding: {comment}", data, f"ENC-{spec} EPO-8", flags)
    wrong("no array", octets(HONEST.control))
    wrong("a map in its place", cbor.mapping((uint(0), sender), (uint(1), at), (uint(2), control)))


def _signatures(refuse: Refuser) -> None:
    def wrong(
        comment: str,
        signature: bytes,
        flags: str = "BadSignature",
        spec: str = "EPO-8",
        *,
        sender: bytes = ALICE.user_id,
        at: int = HONEST.at,
        control: bytes = HONEST.control,
    ) -> None:
        """These items with this signature, in a broadcast that is good in every other way."""
        inside = array(octets(sender), uint(at), octets(control), octets(signature))
        data = broadcast_of({"text": lambda *_: inside}).broadcast
        refuse("signature", comment, data, spec, flags, code=INVALID, step="signature")

    for comment, flags, signature in signatures_by(identity.derive(ALICE.secret, "sign"), STEPS.signed):
        wrong(f"a signature with {comment}", signature, flags, "EPO-8 SUITE-1")
    for comment, point in bad_points():
        wrong(f"a sender that {comment}", STEPS.signature, "BadPoint", "EPO-8 SUITE-1", sender=point)
    point, part, signature = small_key(STEPS.signed)
    assert part == STEPS.signed
    wrong("a sender of small order, who has signed anything", signature, "BadPoint", "EPO-8 SUITE-1", sender=point)
    by_bob = identity.sign_with(BOB.secret, STEPS.signed)
    wrong("signed by another user", by_bob, "ForeignSender")
    wrong("another user's name on it", STEPS.signature, "ForeignSender", sender=BOB.user_id)
    wrong("another instant", STEPS.signature, at=NOW + 1)
    wrong("another control", STEPS.signature, control=HONEST.control + b"!")

    def by_alice(part: bytes) -> bytes:
        return identity.sign_with(ALICE.secret, part)

    other = stream("another", 32)
    group, head, committed = HONEST.group_id, HONEST.head, STEPS.commitment
    wrong("signed for another group", by_alice(signed_part(other, head, committed, SAID)))
    wrong("signed at another head", by_alice(signed_part(group, other, committed, SAID)))
    taken, _ = broadcast.halves(hmac_sha256(STEPS.nonce, other), group, head)
    wrong(
        "signed under another epoch key, and written again", by_alice(signed_part(group, head, taken, SAID)), "Reseal"
    )
    again, _ = broadcast.halves(hmac_sha256(other, HONEST.key), group, head)
    wrong("signed under another nonce, and written again", by_alice(signed_part(group, head, again, SAID)), "Reseal")
    wrong("the control alone signed", by_alice(HONEST.control))
    parts = STEPS.signed[len(label("broadcast signature")) :]
    wrong("signed as a sealed message", by_alice(label("message signature") + parts), "WrongLabel", "LAB-1 EPO-8")
