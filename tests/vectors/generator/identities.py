"""Categories ``identity-derivation``, ``succession`` and ``safety-number`` (ID-1 … ID-4, ID-12, ID-13, ID-16 … 18)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, mutation, stream
from tests.vectors.generator.people import ALICE, BOB, CAROL, MALLORY, NOW
from tests.vectors.generator.suite import Forger, small_key, small_r, with_torsion
from tests.vectors.reference import DAY, LATEST, cbor, curve, identity
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, label, labelled, sha256

# --- derivation -------------------------------------------------------------------------------------------------------


def derivation() -> Category:
    """What follows from the one secret, and how sealing keys rotate."""
    book = Category("identity-derivation")
    group = book.group("derive", 7001)
    spec = "ID-1 ID-2 ID-3 ID-4 LAB-2 SUITE-2 SUITE-5"
    for secret in (ALICE.secret, BOB.secret, CAROL.secret, bytes(31) + b"\1", b"\xff" * 32):
        comment = f"everything that follows from {secret[:4].hex()}…"
        group.valid(comment, spec=spec, flags="KnownAnswer", input={"secret": secret})
    for secret in (
        b"",
        b"\1",
        bytes(32),
        stream("short", 16),
        stream("short", 31),
        stream("long", 33),
        stream("long", 64),
    ):
        comment = f"a secret of {len(secret)} bytes" if any(secret) or not secret else "a secret of 32 zero bytes"
        group.invalid(
            comment, spec="ID-2", flags="WeakSecret", code="invalid-argument", stage="secret", input={"secret": secret}
        )

    group = book.group("issue", 7101)
    for person, now in ((ALICE, NOW), (BOB, 0), (CAROL, LATEST - 1)):
        comment = f"a record with number 0, issued at {now}"
        group.valid(
            comment, spec="ID-4 ID-5 ID-9 ENC-10", flags="KnownAnswer", now=now, input={"secret": person.secret}
        )
    _rotation(book.group("sealing-keys", 7201))
    _other_derivations(book.group("public-identity", 7301))
    return book


def _other_derivations(group: Group) -> None:
    """A record proves one derivation to others: the signing key's. ID-4's fault is in category labels, as a message."""
    honest = ALICE.record
    given = {"record": honest.encode()}
    spec = "ID-1 ID-3 ID-9"
    base = group.valid("signed with the derived key", spec=spec, flags="KnownAnswer", now=NOW, input=given)
    seeds = {f"label {purpose}": identity.derive(ALICE.secret, purpose) for purpose in ("seal", "store", "backup")}
    seeds |= {f"label {purpose}": identity.derive(ALICE.secret, purpose) for purpose in ("index", "hedge")}
    seeds["no derivation: the secret as seed"] = ALICE.secret
    unsalted = hmac_sha256(b"", ALICE.secret)
    seeds["no salt"] = hkdf_expand(unsalted, labelled("sign"), 32)
    extracted = hmac_sha256(label("identity"), ALICE.secret)
    seeds["a label without zero byte and array"] = hkdf_expand(extracted, label("sign"), 32)
    for name, seed in seeds.items():
        signature = curve.sign(seed, honest.signed_part())
        comment = f"signed with a key derived otherwise: {name}"
        group.invalid(
            comment,
            spec=spec,
            flags="WrongLabel",
            code="invalid-message",
            stage="signature",
            base=base,
            mutation=mutation("signature", comment),
            now=NOW,
            input={"record": replace(honest, signature=signature).encode()},
        )


def _rotation(group: Group) -> None:
    life, grace = identity.KEY_LIFE, identity.KEY_GRACE

    def rotate(at: int) -> dict[str, Any]:
        return {"do": "rotate", "at": at}

    def publish(at: int, *, replace_rotating: bool = True) -> dict[str, Any]:
        return {"do": "publish", "at": at, "replaceRotating": replace_rotating}

    def expire(at: int) -> dict[str, Any]:
        return {"do": "expire", "at": at}

    def given(*steps: dict[str, Any]) -> dict[str, Any]:
        count = sum(step["do"] == "rotate" for step in steps)
        seeds = [stream(f"rotation {i}", 32) for i in range(count)]
        return {
            "random": {"seeds": seeds},
            "input": {"secret": ALICE.secret, "life": life, "grace": grace, "steps": steps},
        }

    end = NOW + life + grace
    for comment, steps in {
        "a rotating key, numbered by its instant": (rotate(NOW),),
        "two rotating keys in the same millisecond": (rotate(NOW), rotate(NOW)),
        "the clock went back a day": (rotate(NOW), rotate(NOW - DAY)),
        "number 0 after a rotating key": (rotate(NOW), publish(NOW)),
        "a rotating key after number 0": (publish(NOW), rotate(NOW)),
        "a secret one millisecond before its grace ends": (rotate(NOW), expire(end - 1)),
        "a secret when its grace ends": (rotate(NOW), expire(end)),
        "the older of two secrets": (rotate(NOW), rotate(NOW + DAY), expire(end)),
        "the number of a deleted key is not given again": (rotate(NOW), expire(end), rotate(NOW)),
    }.items():
        group.valid(comment, spec="ID-12 ID-13", flags="Rotation", **given(*steps))

    last = LATEST - identity.RECORD_LIFE
    group.valid("the last instant of a record with number 0", spec="ID-12", flags="Boundary", **given(publish(last)))
    for comment, stage, steps in (
        (
            "number 0 while a rotating key is held, not asked for",
            "argument",
            (rotate(NOW), publish(NOW, replace_rotating=False)),
        ),
        ("a record that would end after the last instant", "clock", (publish(last + 1),)),
        ("a rotating key that would end after the last instant", "clock", (rotate(last + 1),)),
        ("one more than the newest record is after the last instant", "clock", (publish(last), publish(NOW))),
        ("an instant after the last one", "argument", (rotate(LATEST + 1),)),
    ):
        group.invalid(comment, spec="ID-12", flags="Rotation", code="invalid-argument", stage=stage, **given(*steps))


# --- succession -------------------------------------------------------------------------------------------------------


def succession() -> Category:
    """The record with which an old key names a new one."""
    book = Category("succession")
    group = book.group("succeed", 8001)
    given = {"oldSecret": ALICE.secret, "newSecret": CAROL.secret}
    for now in (NOW, 0, LATEST):
        group.valid(f"a hand-over at {now}", spec="ID-18 LAB-2", flags="KnownAnswer", now=now, input=given)
    given = {"oldSecret": ALICE.secret, "newSecret": ALICE.secret}
    group.invalid(
        "an identity hands over to itself",
        spec="ID-18",
        flags="Argument",
        code="invalid-argument",
        stage="argument",
        now=NOW,
        input=given,
    )

    group = book.group("succession", 8101)
    honest = identity.succession(ALICE.secret, CAROL.secret, NOW)
    base = group.valid("a hand-over", spec="ID-18 ENC-9", flags="HandOver", input={"succession": honest.encode()})

    def refuse(
        comment: str, stage: str, data: bytes, spec: str = "ID-18", flags: str = "", *, code: str = "malformed"
    ) -> None:
        group.invalid(
            comment,
            spec=spec,
            flags=flags or ("BadSignature" if stage == "signature" else "WrongShape"),
            code=code,
            stage=stage,
            base=base,
            mutation=mutation("succession", comment),
            input={"succession": data},
        )

    _succession_outside(refuse, honest)
    _succession_inside(refuse, honest)
    return book


def _succession_outside(refuse: Any, honest: identity.Succession) -> None:
    data = honest.encode()
    old, new, at = octets(honest.old), octets(honest.new), uint(honest.at)
    signatures = octets(honest.old_signature), octets(honest.new_signature)
    one = uint(1)
    refuse("no bytes at all", "encoding", b"", "ENC-8", "Truncated")
    refuse("the last byte is missing", "encoding", data[:-1], "ENC-4", "Truncated")
    refuse("a byte behind the end", "encoding", data + b"\0", "ENC-8", "TrailingBytes")
    long_type = array(uint(8, 1), one, old, new, at, *signatures)
    refuse("a type number in two bytes", "encoding", long_type, "ENC-2", "NonShortest")
    indefinite = b"\x9f" + data[1:] + b"\xff"
    refuse("an array of indefinite length", "encoding", indefinite, "ENC-3", "Indefinite")
    refuse(
        "the type number of a public identity", "type", array(one, one, old, new, at, *signatures), "ENC-9", "WrongType"
    )
    for version in (0, 2):
        other = array(uint(8), uint(version), old, new, at, *signatures)
        refuse(f"version {version}", "version", other, "ENC-9", "WrongVersion", code="unsupported-version")
    refuse("no version", "type", array(uint(8)), "ENC-9")
    refuse("not an array", "type", octets(data), "ENC-9")
    refuse("one item missing", "shape", array(uint(8), one, old, new, at, signatures[0]))
    refuse("one item more", "shape", array(uint(8), one, old, new, at, *signatures, cbor.NULL))
    refuse("an old user id of 31 bytes", "shape", array(uint(8), one, octets(honest.old[:31]), new, at, *signatures))
    refuse("a new user id that is text", "shape", array(uint(8), one, old, cbor.text("carol"), at, *signatures))
    refuse("true instead of an instant", "shape", array(uint(8), one, old, new, cbor.TRUE, *signatures))
    late = array(uint(8), one, old, new, uint(LATEST + 1), *signatures)
    refuse("an instant after the year 9999", "shape", late, "ENC-10")
    refuse(
        "a signature of 63 bytes",
        "shape",
        array(uint(8), one, old, new, at, signatures[0], octets(honest.new_signature[:63])),
    )
    itself = identity.succession(ALICE.secret, ALICE.secret, NOW)
    refuse("an identity that succeeds itself", "shape", itself.encode())


def _succession_inside(refuse: Any, honest: identity.Succession) -> None:
    def signed(record: identity.Succession, old: bytes, new: bytes, purpose: str = "succession") -> bytes:
        part = record.signed_part().replace(label("succession"), label(purpose))
        signatures = identity.sign_with(old, part), identity.sign_with(new, part)
        return replace(record, old_signature=signatures[0], new_signature=signatures[1]).encode()

    invalid = {"stage": "signature", "code": "invalid-message"}
    seed = identity.derive(CAROL.secret, "sign")
    forgers: dict[str, Forger] = {
        "the identity point": small_key,
        "of mixed order": lambda text: with_torsion(seed, text),
    }
    for name, forge in forgers.items():
        # The key does not depend on the text, the signature does.
        part = replace(honest, new=forge(b"")[0])
        weak = replace(
            part,
            old_signature=identity.sign_with(ALICE.secret, part.signed_part()),
            new_signature=forge(part.signed_part())[2],
        )
        refuse(f"a new key that is {name}", "signing-key", weak.encode(), "ID-6 SUITE-1", "BadPoint")
    part = replace(honest, old=small_key(b"")[0])
    weak = replace(
        part,
        old_signature=small_key(part.signed_part())[2],
        new_signature=identity.sign_with(CAROL.secret, part.signed_part()),
    )
    refuse("an old key that is the identity point", "signing-key", weak.encode(), "ID-6 SUITE-1", "BadPoint")

    swapped = replace(honest, old_signature=honest.new_signature, new_signature=honest.old_signature)
    refuse("the signatures swapped", data=swapped.encode(), **invalid)
    refuse("both signatures by the old key", data=signed(honest, ALICE.secret, ALICE.secret), **invalid)
    refuse("both signatures by the new key", data=signed(honest, CAROL.secret, CAROL.secret), **invalid)
    refuse("the old signature by somebody else", data=signed(honest, MALLORY.secret, CAROL.secret), **invalid)
    refuse("the new signature by somebody else", data=signed(honest, ALICE.secret, MALLORY.secret), **invalid)
    refuse("another new user", data=replace(honest, new=MALLORY.user_id).encode(), **invalid)
    refuse("another instant", data=replace(honest, at=honest.at + 1).encode(), **invalid)
    flipped_old = replace(honest, old_signature=flipped(honest.old_signature, 0))
    refuse("a bit of the old signature flipped", data=flipped_old.encode(), **invalid)
    flipped_new = replace(honest, new_signature=flipped(honest.new_signature, 63, 0x10))
    refuse("a bit of the new signature flipped", data=flipped_new.encode(), **invalid)
    other_label = signed(honest, ALICE.secret, CAROL.secret, "public identity")
    refuse("signed under another label", data=other_label, spec="ID-18 LAB-1", flags="WrongLabel", **invalid)
    s = int.from_bytes(honest.old_signature[32:], "little") + curve.L
    malleable = replace(honest, old_signature=honest.old_signature[:32] + s.to_bytes(32, "little"))
    refuse("S + L in the old signature", data=malleable.encode(), spec="SUITE-1", flags="Malleable", **invalid)
    crafted = replace(honest, new_signature=small_r(seed, honest.signed_part())[2])
    refuse("R = identity in the new signature", data=crafted.encode(), spec="SUITE-1", flags="BadPoint", **invalid)


# --- safety numbers ---------------------------------------------------------------------------------------------------


def safety_number() -> Category:
    """What two people compare."""
    book = Category("safety-number")
    group = book.group("safety-number", 9001)
    ours, theirs = ALICE.user_id, BOB.user_id
    for comment, ids in {
        "Alice and Bob": (ours, theirs),
        "Bob and Alice, who see the same number": (theirs, ours),
        "Alice and Carol": (ours, CAROL.user_id),
        "Alice and herself": (ours, ours),
    }.items():
        group.valid(comment, spec="ID-16 ID-17 LAB-2", flags="SafetyNumber", input={"ours": ids[0], "theirs": ids[1]})
    zeros = next(i for i in range(100_000) if identity.safety_number(ours, stream(f"id {i}", 32)).startswith("000"))
    given = {"ours": ours, "theirs": stream(f"id {zeros}", 32)}
    group.valid("a number that begins with three zeros", spec="ID-16", flags="Boundary", input=given)

    group = book.group("check-safety", 9101)
    number, shown = identity.safety_number(ours, theirs), identity.safety_qr(theirs, ours)
    pair = {"ours": ours, "theirs": theirs}
    good: dict[str, dict[str, Any]] = {
        "the number": {"number": number},
        "the number without spaces": {"number": number.replace(" ", "")},
        "the number on two lines": {"number": number[:35] + "\n" + number[36:]},
        "their QR code": {"qr": shown},
    }
    for comment, seen in good.items():
        flags = "SafetyNumber" if "without" not in comment else "CaseAndSpacing"
        group.valid(comment, spec="ID-16 ID-17", flags=flags, input=pair | seen)
    _bad_numbers(group, pair, number, shown)
    return book


def _bad_numbers(group: Group, pair: dict[str, bytes], number: str, shown: bytes) -> None:
    ours, theirs = pair["ours"], pair["theirs"]

    def refuse(comment: str, stage: str, seen: dict[str, Any], flags: str = "SafetyNumber", spec: str = "") -> None:
        code = {"trust": "identity-changed", "shape": "malformed", "version": "unsupported-version"}[stage]
        group.invalid(
            comment,
            spec=spec or ("ID-16" if "number" in seen else "ID-17"),
            flags=flags,
            code=code,
            stage=stage,
            base=group.first if "number" in seen else group.first + 3,
            mutation=mutation("number" if "number" in seen else "qr", comment),
            input=pair | seen,
        )

    digit = str((int(number[-1]) + 1) % 10)
    refuse("the last digit is another", "trust", {"number": number[:-1] + digit})
    refuse("the first two groups swapped", "trust", {"number": number[6:12] + number[:6] + number[12:]})
    mallory = MALLORY.user_id
    refuse("the number of another pair", "trust", {"number": identity.safety_number(ours, mallory)}, "KeyChange")
    unlabelled = sha256(array(*map(octets, sorted((ours, theirs)))))
    digits = str(int.from_bytes(unlabelled, "big") % 10**60).zfill(60)
    refuse("a number without label", "trust", {"number": digits}, "WrongLabel", "ID-16 LAB-2")
    unsorted = labelled("safety number", *map(octets, sorted((ours, theirs), reverse=True)))
    digits = str(int.from_bytes(sha256(unsorted), "big") % 10**60).zfill(60)
    refuse("a number over the ids in the other order", "trust", {"number": digits})
    refuse("59 digits", "shape", {"number": number[:-1]}, "WrongShape")
    refuse("61 digits", "shape", {"number": number + "0"}, "WrongShape")
    refuse("no digits", "shape", {"number": ""}, "WrongShape")
    refuse("a letter among the digits", "shape", {"number": number[:-1] + "O"}, "WrongShape")
    arabic = number.translate({ord(str(i)): 0x660 + i for i in range(10)})
    refuse("Arabic-Indic digits", "shape", {"number": arabic}, "WrongShape")
    refuse("hyphens between the groups", "shape", {"number": number.replace(" ", "-")}, "WrongShape")
    refuse("a bit of their id flipped in the code", "trust", {"qr": flipped(shown, 1)})
    refuse("a bit of our id flipped in the code", "trust", {"qr": flipped(shown, 64, 0x80)})
    refuse("our own code, shown back to us", "trust", {"qr": identity.safety_qr(ours, theirs)})
    refuse("the code of somebody else for us", "trust", {"qr": identity.safety_qr(mallory, ours)}, "KeyChange")
    refuse("their code for somebody else", "trust", {"qr": identity.safety_qr(theirs, mallory)}, "KeyChange")
    for version in (0, 2, 0xFF):
        refuse(f"version {version}", "version", {"qr": bytes([version]) + shown[1:]}, "WrongVersion")
    refuse("nothing in the code", "version", {"qr": b""}, "Truncated")
    refuse("one byte missing", "shape", {"qr": shown[:-1]}, "Truncated")
    refuse("one byte more", "shape", {"qr": shown + b"\0"}, "TrailingBytes")
