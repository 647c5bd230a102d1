"""Category ``group-message``, refused before a key is used: size, encoding, type, version, shape, signature.

The chain's key has signed each of them, but for those whose fault is the signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Group, flipped, mutation, stream
from tests.vectors.generator.chain_parts import CERTIFICATE, HEAD, KEY, LINK, SEED, draft, faulty, leaf
from tests.vectors.generator.people import ALICE, BOB
from tests.vectors.generator.suite import signatures_by
from tests.vectors.notation import joined, shake
from tests.vectors.reference import cbor, curve, identity
from tests.vectors.reference.cbor import array, octets, text, uint
from tests.vectors.reference.group_message import Draft, Steps, link_of, raw, write
from tests.vectors.reference.labels import label, sha256

HONEST = draft(5, LINK, b"a text that its readers see")
STEPS = write(HONEST)
NAMES = ("type", "version", "chain id", "index", "roster head", "previous link", "nonce", "commitment", "ciphertext")


class Refuser:
    """Adds messages that have to be refused, each against one honest one, by somebody who has the right keys."""

    def __init__(self, group: Group, base: int) -> None:
        self.group, self.base = group, base

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
        shown: dict[str, Any] | None = None,
        key: bytes | None = None,
    ) -> None:
        """Bytes that are given to a reader."""
        self.group.invalid(
            comment,
            spec=spec,
            flags=flags,
            code=code,
            stage=stage,
            base=self.base,
            mutation=mutation(step, comment),
            shown=shown,
            input={"message": data, "chainSigningKey": KEY, "leaf": key or leaf(HONEST.index)},
        )


def items_of(steps: Steps = STEPS, given: Draft = HONEST) -> list[bytes]:
    """The encoded items from type to ciphertext."""
    strings = given.head, given.previous, steps.nonce, steps.commitment, steps.ciphertext
    return [uint(3), uint(1), octets(given.chain_id), uint(given.index), *map(octets, strings)]


def signed(head: bytes, items: list[bytes], signature: bytes | None = None) -> bytes:
    """A message of whatever items, signed by the chain's key over whatever bytes they give."""
    part = head + b"".join(items)
    made = curve.sign(SEED, raw("group signature", link_of(part))) if signature is None else signature
    return part + octets(made)


def instead(name: str, item: bytes) -> bytes:
    """The honest message with another item, signed again."""
    items = items_of()
    items[NAMES.index(name)] = item
    return signed(b"\x8a", items)


def refused_outside(group: Group, base: int) -> None:
    """All of it."""
    refuse = Refuser(group, base)
    _encodings(refuse)
    _shapes(refuse)
    _signatures(refuse)
    _forgeries(refuse)
    filled = joined(STEPS.message, shake(b"as long as may be", 67_884 - len(STEPS.message)))
    refuse("encoding", "67,884 bytes", filled, "MSG-8 ENC-8", "Boundary TrailingBytes")


def _encodings(refuse: Refuser) -> None:
    honest = STEPS.message
    refuse(
        "size",
        "67,885 bytes",
        joined(honest, shake(b"too long", 67_885 - len(honest))),
        "MSG-8",
        "Limit",
        code="limit-exceeded",
    )

    def wrong(comment: str, data: bytes, spec: str, flags: str) -> None:
        refuse("encoding", comment, data, f"MSG-1 {spec}", flags)

    wrong("no bytes at all", b"", "ENC-8", "Truncated")
    wrong("one byte is missing", honest[:-1], "ENC-4", "Truncated")
    wrong("the signature is missing", STEPS.signed, "ENC-4", "Truncated")
    wrong("one byte more", honest + b"\0", "ENC-8", "TrailingBytes")
    wrong("the array's head in two bytes", signed(b"\x98\x0a", items_of()), "ENC-2", "NonShortest")
    wrong("an array of indefinite length", signed(b"\x9f", items_of()) + b"\xff", "ENC-3", "Indefinite")
    for name, item in zip(NAMES, items_of(), strict=True):
        wrong(f"{name} with a head that is too long", instead(name, longer(item)), "ENC-2", "NonShortest")
    for width in (2, 4, 8):
        wrong(f"an index in {width} bytes", instead("index", uint(5, width)), "ENC-2", "NonShortest")
    signature = cbor.head(cbor.BYTES, 64, 2) + STEPS.signature
    wrong("signature with a head that is too long", STEPS.signed + signature, "ENC-2", "NonShortest")
    for name in ("chain id", "ciphertext"):
        item = items_of()[NAMES.index(name)]
        pieces = b"\x5f" + item + b"\xff"
        wrong(f"{name} of indefinite length", instead(name, pieces), "ENC-3", "Indefinite")
    tagged = b"\xd8\x40" + octets(HEAD)
    wrong("a roster head with a tag", instead("roster head", tagged), "ENC-1", "ForbiddenType")
    for comment, item in {
        "below 0": cbor.head(cbor.NEGATIVE, 4),
        "as a float": b"\xf9\x45\x00",
        "undefined": b"\xf7",
        "a simple value": b"\xe5",
        "a big number": b"\xc2\x41\x05",
    }.items():
        wrong(f"an index {comment}", instead("index", item), "ENC-1", "ForbiddenType")

    for comment, data, flags in (
        ("the type of an envelope", instead("type", uint(2)), "WrongType"),
        ("the type of a chain certificate", instead("type", uint(7)), "WrongType"),
        ("the type number 0", instead("type", uint(0)), "WrongType"),
        ("a type of bytes", instead("type", octets(b"\3")), "WrongShape"),
        ("a certificate in its place", CERTIFICATE.encode(), "WrongType"),
        ("a byte string that holds a message", octets(honest), "WrongShape"),
        ("an empty array", array(), "WrongShape"),
    ):
        refuse("type", comment, data, "MSG-1 MSG-13 ENC-9", flags)
    for version in (0, 2):
        data = instead("version", uint(version))
        refuse("version", f"version {version}", data, "MSG-13 ENC-9", "WrongVersion", code="unsupported-version")


def longer(item: bytes) -> bytes:
    """The item with its head one step longer than it needs to be."""
    major, info = item[0] >> 5, item[0] & 31
    width = {24: 1, 25: 2}.get(info, 0)
    argument = int.from_bytes(item[1 : 1 + width], "big") if width else info
    return cbor.head(major, argument, {0: 1, 1: 2, 2: 4}[width]) + item[1 + width :]


def _shapes(refuse: Refuser) -> None:
    def wrong(comment: str, data: bytes, spec: str = "MSG-1 MSG-13", flags: str = "WrongShape") -> None:
        refuse("shape", comment, data, spec, flags, step="items")

    wrong("nine items", signed(b"\x89", items_of()[:-1]))
    wrong("eleven items", signed(b"\x8b", [*items_of(), cbor.NULL]))
    strings = {
        "chain id": HONEST.chain_id,
        "roster head": HEAD,
        "previous link": LINK,
        "nonce": STEPS.nonce,
        "commitment": STEPS.commitment,
    }
    for name, value in strings.items():
        wrong(f"a {name} that is one byte short", instead(name, octets(value[:-1])))
        wrong(f"a {name} that is one byte long", instead(name, octets(value + b"\0")))
        wrong(f"a {name} of text", instead(name, text("x" * len(value))))
        wrong(f"no {name}", instead(name, cbor.NULL))
    for comment, item in {
        "65,536": uint(65_536),
        "2^32": uint(2**32),
        "2^64 - 1": uint(2**64 - 1),
        "true": cbor.TRUE,
        "null": cbor.NULL,
        "in a byte string": octets(b"\5"),
        "as text": text("5"),
    }.items():
        wrong(f"index {comment}", instead("index", item), "MSG-1 MSG-13 CHN-8")
    ciphertext = STEPS.ciphertext
    for comment, data in {
        "of text": text("x" * len(ciphertext)),
        "null": cbor.NULL,
        "as an array": array(octets(ciphertext)),
        "empty": octets(b""),
        "of a tag alone": octets(bytes(16)),
        "of 79 bytes": octets(ciphertext[:79]),
        "one byte short": octets(ciphertext[:-1]),
        "one byte long": octets(ciphertext + b"\0"),
        "of 137 bytes and a tag, no padded size": octets(bytes(137 + 16)),
        "of 1,025 bytes and a tag, no padded size": octets(bytes(1_025 + 16)),
    }.items():
        wrong(f"a ciphertext {comment}", instead("ciphertext", data), "MSG-7 MSG-13 PAD-2")
    for size in (0, 32, 63, 65):
        wrong(f"a signature of {size} bytes", signed(b"\x8a", items_of(), bytes(size)), "MSG-3 MSG-13")
    wrong("a signature of text", STEPS.signed + text("x" * 64), "MSG-3 MSG-13")
    wrong("no signature", STEPS.signed + cbor.NULL, "MSG-3 MSG-13")


# --- authentic --------------------------------------------------------------------------------------------------------


def _signatures(refuse: Refuser) -> None:
    part, link = STEPS.signed, STEPS.link

    def wrong(comment: str, signature: bytes, flags: str = "BadSignature", spec: str = "MSG-3 MSG-10 SUITE-1") -> None:
        data = part + octets(signature)
        refuse("authentic", comment, data, spec, flags, code="invalid-message", step="signature")

    honest = raw("group signature", link)
    for comment, flags, signature in signatures_by(SEED, honest):
        wrong(f"a signature with {comment}", signature, flags)
    labels = "LAB-1 LAB-2 MSG-3"
    for comment, signed_text in {
        "label group signature in capitals": label("GROUP SIGNATURE") + b"\0" + link,
        "label group signature without the zero byte behind it": label("group signature") + link,
        "a label and CBOR": label("group signature") + b"\0" + array(octets(link)),
        "the label of a sealed message": raw("message signature", link),
        "no label": link,
    }.items():
        flags = "MissingSeparator" if "without" in comment else "WrongLabel"
        wrong(f"signed under {comment}", curve.sign(SEED, signed_text), flags, labels)
    wrong(
        "signed over the message itself",
        curve.sign(SEED, raw("group signature", part)),
        "WrongAlgorithm",
        "MSG-2 MSG-3",
    )
    for comment, prefix in {
        "label link in capitals": label("LINK") + b"\0",
        "label link without the zero byte behind it": label("link"),
    }.items():
        flags = "MissingSeparator" if "without" in comment else "WrongLabel"
        signature = curve.sign(SEED, raw("group signature", sha256(prefix + part)))
        wrong(f"a link under {comment}", signature, flags, "LAB-1 LAB-2 MSG-2")
    whole = curve.sign(SEED, raw("group signature", link_of(STEPS.message)))
    wrong("a link that covers a signature", whole, "WrongAlgorithm", "MSG-2 MSG-3")
    header = curve.sign(SEED, raw("group signature", link_of(STEPS.header)))
    wrong("a link that does not cover the ciphertext", header, "WrongAlgorithm", "MSG-2 MSG-3")
    wrong("signed by the sender's identity", identity.sign_with(ALICE.secret, honest), "ForeignSender")


def _forgeries(refuse: Refuser) -> None:
    """A member has the chain's leaves, and not its signing key."""

    def wrong(comment: str, data: bytes, flags: str = "Insider", spec: str = "MSG-3 MSG-10 MSG-13") -> None:
        refuse("authentic", comment, data, spec, flags, code="invalid-message", step="signature")

    other = draft(5, LINK, b"what its owner never said")
    wrong("a member's text, signed with a key of their own", write(replace(other, seed=stream("member", 32))).message)
    wrong("a member's text, signed by their identity", member_signed(other))
    unsigned = write(other, {"signature": lambda *_: bytes(64)})
    wrong("a member's text with a signature of zeros", unsigned.message)
    wrong("a member's text with the signature of an honest one", unsigned.signed + octets(STEPS.signature))
    for name, changed in moved():
        data = write(changed, {"signature": lambda *_: STEPS.signature}).message
        wrong(f"the same text under another {name}, with the old signature", data)
    for name, hook in {"nonce": lambda n, _: flipped(n, 0), "commitment": lambda c, _: flipped(c, 0)}.items():
        steps = faulty(HONEST, name, hook)
        wrong(f"another {name} and the old signature", steps.signed + octets(STEPS.signature), "Damaged")
    ciphertext = flipped(STEPS.ciphertext, 0)
    data = STEPS.header + octets(ciphertext) + octets(STEPS.signature)
    wrong("another ciphertext and the old signature", data, "Damaged")


def moved() -> Iterator[tuple[str, Draft]]:
    """The honest message at another place."""
    yield "index", replace(HONEST, index=6, leaf=leaf(6))
    yield "roster head", replace(HONEST, head=flipped(HEAD, 0))
    yield "previous link", replace(HONEST, previous=flipped(LINK, 0))
    yield "chain id", replace(HONEST, chain_id=flipped(HONEST.chain_id, 0))


def member_signed(given: Draft) -> bytes:
    """A message that Bob has signed as himself."""
    steps = write(given)
    return steps.signed + octets(identity.sign_with(BOB.secret, raw("group signature", steps.link)))
