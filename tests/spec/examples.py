"""The worked examples of docs/spec, computed. ``python -m tests.spec.examples`` writes them into the pages.

An example is a block of the page, named ``example-…``: lines of two values each, what it is and, indented, its hex or
text. Inputs are fixed, so a block has one content; tests hold the pages to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from siegel import Identity, Succession, letters, safety_number, safety_qr
from siegel._core.codec import Value, encode
from siegel._core.labels import Label, labelled
from siegel._core.padding import pad, padme
from siegel._core.secret import Secret
from siegel._core.suite import (
    SealingPublicKey,
    SealingSecretKey,
    decrypt_once,
    hkdf,
    hkdf_expand_pair,
    hkdf_extract,
    sha256,
    sign,
)
from siegel.audience import audience_tree, leaf_of, salt_of
from siegel.envelope import message_id, parse_envelope
from siegel.groups.control import Control, Request
from siegel.identity import hedge_secret, sealing_secret, signing_key
from siegel.merkle import MerkleTree, leaf_hash
from siegel.sealed import seal_content
from tests.markdown import ROOT
from tests.spec.examples_attachment import attachment_rows
from tests.spec.examples_chain import chain_rows, key_tree_rows, message_rows
from tests.spec.examples_epoch import broadcast_rows
from tests.spec.examples_roster import roster_rows
from tests.spec.examples_unlock import unlock_rows
from tests.vectors.reference import hpke

PAGES = ROOT / "docs" / "spec"

Rows = list[tuple[str, bytes | str | int]]

AT = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ALICE = bytes(range(0x20))
BOB = bytes(range(0x20, 0x40))
CAROL = bytes(range(0x40, 0x60))
NONCE = bytes(range(0xA0, 0xC0))
SALT = bytes(range(0xC0, 0xE0))
ESEED = bytes(range(0x60, 0xA0))


def examples() -> dict[str, Rows]:
    """Every example by its name."""
    return {
        "example-encoding": _encoding(),
        "example-padding": _padding(),
        "example-text": _text(),
        "example-labels": _labels(),
        "example-hpke": _hpke(),
        "example-merkle": _merkle(),
        "example-derivation": _derivation(),
        "example-public-identity": _public_identity(),
        "example-safety": _safety(),
        "example-succession": _succession(),
        "example-audience": _audience(),
        "example-message": _message(),
        "example-roster": _roster(),
        "example-broadcast": broadcast_rows(Identity.from_secret(ALICE), hedge=NONCE, at=AT),
        "example-key-tree": key_tree_rows(),
        "example-chain": chain_rows(Identity.from_secret(ALICE), at=AT),
        "example-control": _control(),
        "example-group-message": message_rows(Identity.from_secret(ALICE), at=AT),
        "example-attachment": attachment_rows(salt=SALT[:24]),
        "example-unlock": unlock_rows(salt=SALT),
    }


def _encoding() -> Rows:
    values: list[tuple[str, Value]] = [
        ("0", 0),
        ("23", 23),
        ("24", 24),
        ("256", 256),
        ("18446744073709551615", 2**64 - 1),
        ("h'0001'", b"\0\1"),
        ('"é", one code point', "é"),
        ("[false, true, null]", [False, True, None]),
        ("{0: [], 23: {}}", {0: [], 23: {}}),
    ]
    return [(name, encode(value)) for name, value in values]


def _padding() -> Rows:
    return [
        ("text", b"siegel"),
        ("padded", pad(b"siegel")),
        ("padded size for a length (counted in) of 65, 1000, 1025, 65537", ", ".join(map(str, _sizes()))),
    ]


def _sizes() -> Iterator[int]:
    return map(padme, (65, 1000, 1025, 65537))


def _text() -> Rows:
    alice = Identity.from_secret(ALICE)
    return [
        ("secret", ALICE),
        ("secret as text", alice.reveal()),
        ("secret as words", alice.words()),
        ("user id", bytes(alice.user_id)),
        ("user id as text", str(alice.user_id)),
    ]


def _labels() -> Rows:
    root, digest = sha256(b"root"), sha256(b"digest")
    secret = hkdf_extract(salt=SALT, material=labelled(Label.CONTENT_SECRET, b"", 0, root, digest))
    commitment, key = hkdf_expand_pair(secret, info=labelled(Label.CONTENT_KEYS, root))
    return [
        ("labelled `siegel/1 sign`, no items", labelled(Label.DERIVE_SIGN)),
        ("a = SHA-256 of the ASCII text root", root),
        ("b = SHA-256 of the ASCII text digest", digest),
        (
            "labelled `siegel/1 content secret`, items h'', 0, a, b",
            labelled(Label.CONTENT_SECRET, b"", 0, root, digest),
        ),
        ("HKDF-Extract, salt c0c1…df, of that", secret.reveal()),
        ("HKDF-Expand of that to 64 bytes, info labelled `siegel/1 content keys`, item a", commitment + key.reveal()),
    ]


def _hpke() -> Rows:
    key = SealingSecretKey(Secret(BOB)).public
    info, plaintext = b"info", bytes([0x77]) * 32
    _, shared_secret = hpke.encapsulate(key, ESEED)
    aead_key, base_nonce = hpke.key_schedule(shared_secret, info)
    sealed = hpke.seal(key, ESEED, info, plaintext)
    return [
        ("seed", BOB),
        ("public key, bytes 1184 to 1215 (X25519)", key[1184:]),
        ("SHA-256 of the public key", sha256(key)),
        ("randomness of ML-KEM (m)", ESEED[:32]),
        ("ephemeral X25519 private key", ESEED[32:]),
        ("shared secret of the KEM", shared_secret),
        ("info", info),
        ("key", aead_key),
        ("base nonce", base_nonce),
        ("plaintext", plaintext),
        ("sealed, bytes 1088 to 1119 (ephemeral X25519 public key)", sealed[1088:1120]),
        ("sealed, bytes 1120 to 1167 (ciphertext and tag)", sealed[1120:]),
        ("SHA-256 of all 1168 bytes", sha256(sealed)),
    ]


def _merkle() -> Rows:
    leaves = [leaf_hash(bytes([number])) for number in range(5)]
    tree = MerkleTree(leaves)
    return [
        *((f"leaf {number}, of the byte {number:02x}", leaf) for number, leaf in enumerate(leaves)),
        ("root of leaves 0 to 2", MerkleTree(leaves[:3]).root),
        ("root of leaves 0 to 4", tree.root),
        *((f"inclusion proof of leaf 2 of 5, node {i}", node) for i, node in enumerate(tree.inclusion_path(2))),
        *((f"consistency proof from 3 to 5, node {i}", node) for i, node in enumerate(tree.consistency_proof(3))),
    ]


def _derivation() -> Rows:
    def derived(label: Label) -> bytes:
        return hkdf(salt=b"siegel/1 identity", secret=Secret(ALICE), info=labelled(label)).reveal()

    alice = Identity.from_secret(ALICE)
    return [
        ("secret", ALICE),
        ("sign: Ed25519 seed", derived(Label.DERIVE_SIGN)),
        ("seal: seed of sealing key 0", derived(Label.DERIVE_SEAL)),
        ("store", derived(Label.DERIVE_STORE)),
        ("backup", derived(Label.DERIVE_BACKUP)),
        ("index", derived(Label.DERIVE_INDEX)),
        ("hedge", derived(Label.DERIVE_HEDGE)),
        ("user id", bytes(alice.user_id)),
        ("sealing key 0, bytes 1184 to 1215 (X25519)", sealing_secret(alice).public[1184:]),
        ("SHA-256 of sealing key 0", sha256(sealing_secret(alice).public)),
    ]


def _public_identity() -> Rows:
    record = Identity.from_secret(ALICE).public(at=AT)
    return [
        ("issued at", record.issued_at),
        ("not after", record.not_after),
        ("signature", record.encode()[-64:]),
        ("record", record.encode()),
    ]


def _safety() -> Rows:
    alice, bob = Identity.from_secret(ALICE).user_id, Identity.from_secret(BOB).user_id
    return [
        ("Alice", bytes(alice)),
        ("Bob", bytes(bob)),
        ("number", safety_number(alice, bob)),
        ("QR payload that Alice shows to Bob", safety_qr(alice, bob)),
    ]


def _succession() -> Rows:
    record = Succession.create(old=Identity.from_secret(ALICE), new=Identity.from_secret(CAROL), at=AT)
    return [("at", AT), ("record", record.encode())]


def _audience() -> Rows:
    ids = {
        name: bytes(Identity.from_secret(secret).user_id)
        for name, secret in (("Alice", ALICE), ("Bob", BOB), ("Carol", CAROL))
    }
    rows: Rows = [("nonce", NONCE)]
    for name, user_id in ids.items():
        salt = salt_of(NONCE, user_id)
        rows += [(f"user id of {name}", user_id), ("salt", salt), ("leaf", leaf_of(salt, user_id))]
    order = sorted(ids, key=lambda name: leaf_of(salt_of(NONCE, ids[name]), ids[name]))
    tree = audience_tree(NONCE, [ids[name] for name in order], where="example")
    return [*rows, ("order", ", ".join(order)), ("root", tree.root)]


def _message() -> Rows:
    alice, bob = Identity.from_secret(ALICE), Identity.from_secret(BOB)
    content: list[Value] = ["text/plain", AT, b"The board meets on Friday."]
    infos: list[bytes] = []

    def sealer(secret: Secret, jobs: Sequence[tuple[SealingPublicKey, bytes]]) -> list[bytes]:
        infos.extend(info for _, info in jobs)
        return [hpke.seal(key.data, ESEED, info, secret.reveal()) for key, info in jobs]

    inner = encode(content)
    envelope = seal_content(
        inner, sender=alice, recipients=[bob.public(at=AT)], private=False, nonce=NONCE, salt=SALT, sealer=sealer
    )
    whole = parse_envelope(envelope)
    root = whole.header.root
    digest = sha256(labelled(Label.INNER_CONTENT, *content))
    hedge = hedge_secret(alice).reveal()
    secret = hkdf_extract(salt=SALT, material=labelled(Label.CONTENT_SECRET, hedge, 0, root, digest))
    commitment, key = hkdf_expand_pair(secret, info=labelled(Label.CONTENT_KEYS, root))
    header: list[Value] = [0, 1, root, commitment]
    signed = labelled(Label.MESSAGE_SIGNATURE, header, digest)
    ((_, letter),) = letters(envelope)
    return [
        ("audience nonce", NONCE),
        ("root", root),
        ("inner content", inner),
        ("digest", digest),
        ("salt of the content secret", SALT),
        ("hedge secret of Alice", hedge),
        ("content secret", secret.reveal()),
        ("commitment", commitment),
        ("body key", key.reveal()),
        ("header", encode(header)),
        ("info of the entry", infos[0]),
        ("randomness of ML-KEM (m)", ESEED[:32]),
        ("ephemeral X25519 private key", ESEED[32:]),
        ("signed text", signed),
        ("signature", sign(signing_key(alice), signed)),
        ("body plaintext, padded", decrypt_once(key, whole.body, aad=encode(header))),
        ("message id", message_id(whole.header, whole.body)),
        ("envelope", envelope),
        ("proof of Bob's letter", encode([NONCE, [bytes(bob.user_id)]])),
        ("SHA-256 of Bob's letter", sha256(letter)),
    ]


def _roster() -> Rows:
    alice, bob, carol = map(Identity.from_secret, (ALICE, BOB, CAROL))
    return roster_rows(alice, bob, carol, nonce=NONCE, at=AT)


def _control() -> Rows:
    group_id, head, chain_id = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 80))
    asked = Control(group_id, request=Request(head, key=True, chains=(chain_id,)))
    return [
        ("group id", group_id),
        ("head", head),
        ("chain id", chain_id),
        ("control that asks for what is above the head, the epoch key and the chain", asked.encode()),
    ]


# --- on the page -----------------------------------------------------------------------------------------------------

_BLOCK = re.compile(
    r"^(?P<head>```\{code-block\} text\n:name: (?P<name>example-[a-z-]+)\n\n)(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_WIDTH = 96


def rendered(rows: Rows) -> str:
    """The lines of a block."""
    lines: list[str] = []
    for name, value in rows:
        text = value.hex() if isinstance(value, bytes) else str(value)
        hexadecimal = isinstance(value, bytes)
        lines += [name, *(f"  {part}" for part in (_wrapped(text) if hexadecimal else _filled(text)))]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(text: str) -> Iterator[str]:
    return (text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)) if text else iter(["(empty)"])


def _filled(text: str) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def blocks_on_pages() -> dict[str, str]:
    """The text of every example block in docs/spec, by name; a name that stands twice is an error."""
    found: dict[str, str] = {}
    for page in sorted(PAGES.glob("*.md")):
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
            assert match["name"] not in found, match["name"]
            found[match["name"]] = match["text"]
    return found


def values_on_pages() -> dict[str, dict[str, str]]:
    """The values as the pages give them, by example and name; lines of hex joined, lines of words by a space."""
    found: dict[str, dict[str, str]] = {}
    for example, text in blocks_on_pages().items():
        values: dict[str, list[str]] = {}
        name = ""
        for line in text.splitlines():
            if line.startswith("  "):
                values[name] = [*values.get(name, []), line[2:]]
            else:
                name = line
        found[example] = {name: (" " if " " in lines[0] else "").join(lines) for name, lines in values.items()}
    return found


def write() -> None:
    """Puts the computed examples into their blocks."""
    computed = {name: rendered(rows) for name, rows in examples().items()}
    for page in PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(
            _BLOCK.sub(lambda match: match["head"] + computed[match["name"]] + "```", text), encoding="utf-8"
        )


if __name__ == "__main__":
    write()
