"""Category ``labels``: every label, and the same objects under a wrong one (LAB-1, LAB-2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.vectors.generator.attachment_labels import attachment_labels
from tests.vectors.generator.book import Category, Group, mutation, stream
from tests.vectors.generator.chain_labels import chain_labels
from tests.vectors.generator.epoch_labels import epoch_labels
from tests.vectors.generator.messages import PEOPLE, message, reading
from tests.vectors.generator.people import ALICE, BOB, CAROL, NOW
from tests.vectors.generator.roster_labels import roster_items, roster_refusals
from tests.vectors.generator.store_labels import store_labels
from tests.vectors.generator.unlock_labels import unlock_labels
from tests.vectors.notation import spell
from tests.vectors.reference import curve, hpke, identity, merkle
from tests.vectors.reference.cbor import array, octets, read, uint
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, label, sha256
from tests.vectors.reference.sealed import Hooks, Steps, entry, salt_of, seal

Build = Callable[..., bytes]  # label text and encoded items to bytes: the honest way, or a wrong one


def _items() -> dict[str, tuple[Any, ...]]:
    """Every purpose, and items as they stand behind its label."""
    steps = seal(message("labels", [BOB]))
    header, bob = read(steps.header), BOB.user_id
    record = ALICE.record.unsigned()
    return {
        "identity": (),
        "sign": (),
        "seal": (),
        "store": (),
        "backup": (),
        "index": (),
        "hedge": (),
        "public identity": (1, 1, *record),
        "succession": (8, 1, ALICE.user_id, CAROL.user_id, NOW),
        "safety number": tuple(sorted((ALICE.user_id, bob))),
        "audience salt": (bob,),
        "audience leaf": (stream("salt", 16), bob),
        "inner content": ("text/plain", NOW, b"body"),
        "content secret": (identity.derive(ALICE.secret, "hedge"), 0, steps.root, steps.digest),
        "content keys": (steps.root,),
        "entry": (header, bob, 0),
        "message signature": (header, steps.digest),
        "message id": (header, steps.body),
        **roster_items(),
    }


def category() -> Category:
    """The vectors of this file."""
    book = Category("labels")
    group = book.group("labelled", 12001)
    for purpose, items in _items().items():
        given = {"label": f"siegel/1 {purpose}", "items": [spell(item) for item in items]}
        group.valid(f"label {purpose}", spec="LAB-1 LAB-2", flags="KnownAnswer", input=given)
    _messages(book.group("open", 12101, PEOPLE))
    _records(book)
    roster_refusals(book, FAULTS)
    chain_labels(book, FAULTS)
    epoch_labels(book, FAULTS)
    attachment_labels(book, FAULTS)
    unlock_labels(book, FAULTS)
    store_labels(book, FAULTS)
    return book


def _joined(purpose: str, *items: bytes) -> bytes:
    """Label and items without the zero byte between them."""
    return label(purpose) + array(*items)


def _other(purpose: str, *items: bytes) -> bytes:
    """Another label: this purpose in capitals."""
    return label(purpose.upper()) + b"\0" + array(*items)


FAULTS: dict[str, tuple[Build, str]] = {
    "in capitals": (_other, "WrongLabel"),
    "without the zero byte behind it": (_joined, "MissingSeparator"),
}


# --- messages ---------------------------------------------------------------------------------------------------------


def _hooks(purpose: str, build: Build) -> Hooks:
    """The steps at which the purpose's label enters, made with another label."""
    given = message("labels", [BOB])
    bob = given.recipients[0]

    def leaf(salt: bytes, user_id: bytes) -> bytes:
        honest = b"siegel/1 audience leaf\0" + array(octets(salt), octets(user_id))
        return merkle.leaf(build(purpose, octets(salt), octets(user_id)) if purpose == "audience leaf" else honest)

    def root(*_: Any) -> bytes:
        salted = hmac_sha256(given.nonce, build(purpose, octets(bob.user_id)))[:16]
        return leaf(salted if purpose == "audience salt" else salt_of(given.nonce, bob.user_id), bob.user_id)

    def keys(_: bytes, steps: Steps) -> bytes:
        return hkdf_expand(steps.secret, build(purpose, octets(steps.root)), 64)

    def infos(_: list[bytes], steps: Steps) -> list[bytes]:
        return [build(purpose, steps.header, octets(bob.user_id), uint(0))]

    def signature(_: bytes, steps: Steps) -> bytes:
        return octets(identity.sign_with(ALICE.secret, build(purpose, steps.header, octets(steps.digest))))

    def signed_by_another_key(_: bytes, steps: Steps) -> bytes:
        seed = _derived(purpose, build)
        text = b"siegel/1 message signature\0" + array(steps.header, octets(steps.digest))
        return octets(curve.sign(seed, text))

    def entries(_: list[bytes], steps: Steps) -> list[bytes]:
        key = hpke.public_key(_derived(purpose, build, BOB.secret))
        return [entry(bob, hpke.seal(key, given.eseeds[0], steps.infos[0], steps.secret))]

    hooks: dict[str, Hooks] = {
        "audience salt": {"root": root},
        "audience leaf": {"root": root},
        "inner content": {"digest": lambda _, s: sha256(_digest_input(build, s.inner))},
        "content keys": {"keys": keys},
        "entry": {"infos": infos},
        "message signature": {"signature": signature},
        "sign": {"signature": signed_by_another_key},
        "seal": {"entries": entries},
    }
    return hooks[purpose]


def _digest_input(build: Build, inner: bytes) -> bytes:
    """Label and inner content, which is the array itself."""
    return build("inner content").removesuffix(array()) + inner


def _derived(purpose: str, build: Build, secret: bytes = ALICE.secret) -> bytes:
    """What follows from a secret under a wrong label."""
    return hkdf_expand(hmac_sha256(label("identity"), secret), build(purpose), 32)


def _messages(group: Group) -> None:
    given = message("labels", [BOB])
    base = group.valid(
        "a message under the right labels", spec="LAB-1 LAB-2", flags="Normal", input=reading(seal(given).envelope)
    )
    for purpose, stage, spec in (
        ("audience salt", "audience", "SEAL-2"),
        ("audience leaf", "audience", "SEAL-2"),
        ("content keys", "commitment", "SEAL-6"),
        ("entry", "unseal", "SEAL-8"),
        ("seal", "unseal", "ID-1 ID-4"),
        ("inner content", "signature", "SEAL-4"),
        ("message signature", "signature", "SEAL-9"),
        ("sign", "signature", "ID-1"),
    ):
        for fault, (build, flags) in FAULTS.items():
            comment = f"label {purpose} {fault}"
            group.invalid(
                comment,
                spec=f"LAB-1 LAB-2 {spec}",
                flags=flags,
                code="malformed" if stage == "audience" else "invalid-message",
                stage=stage,
                base=base,
                mutation=mutation(purpose, comment),
                input=reading(seal(given, _hooks(purpose, build)).envelope),
            )


# --- records ----------------------------------------------------------------------------------------------------------


def _records(book: Category) -> None:
    record, hand_over = ALICE.record, identity.succession(ALICE.secret, CAROL.secret, NOW)
    fields = octets(hand_over.old), octets(hand_over.new), uint(hand_over.at)
    identities, successions = book.group("public-identity", 12201), book.group("succession", 12301)
    numbers = book.group("check-safety", 12401)
    for fault, (build, flags) in FAULTS.items():
        part = build("public identity", uint(1), uint(1), *record.fields())
        signed = replace(record, signature=identity.sign_with(ALICE.secret, part))
        _refuse(identities, "public identity", fault, flags, {"record": signed.encode()}, now=NOW)

        part = build("succession", uint(8), uint(1), *fields)
        old = replace(hand_over, old_signature=identity.sign_with(ALICE.secret, part))
        new = replace(hand_over, new_signature=identity.sign_with(CAROL.secret, part))
        for name, changed in {"old": old, "new": new}.items():
            which = f"{fault}, in the {name} signature"
            _refuse(successions, "succession", which, flags, {"succession": changed.encode()})

        text = build("safety number", *map(octets, sorted((ALICE.user_id, BOB.user_id))))
        digits = str(int.from_bytes(sha256(text), "big") % 10**60).zfill(60)
        given = {"ours": ALICE.user_id, "theirs": BOB.user_id, "number": digits}
        _refuse(numbers, "safety number", fault, flags, given, code="identity-changed", stage="trust")


def _refuse(
    group: Group,
    purpose: str,
    fault: str,
    flags: str,
    given: dict[str, Any],
    *,
    code: str = "invalid-message",
    stage: str = "signature",
    now: int | None = None,
) -> None:
    group.invalid(
        f"label {purpose} {fault}", spec="LAB-1 LAB-2", flags=flags, code=code, stage=stage, now=now, input=given
    )
