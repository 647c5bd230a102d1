"""The formulas of the text give the values of its examples: computed here by hand, without the library.

CBOR by ``cbor2``, hashes by ``hashlib`` and ``hmac``, signatures by libsodium, AES by ``cryptography``. Every test is
named after the rule that it reads.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import cbor2
import nacl.bindings as sodium
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.markdown import ROOT
from tests.spec.examples import values_on_pages

VALUES = values_on_pages()


def octets(example: str, name: str) -> bytes:
    return bytes.fromhex(VALUES[f"example-{example}"][name])


def cbor(*items: Any) -> bytes:
    return cbor2.dumps(list(items), canonical=True)


def labelled(purpose: str, *items: Any) -> bytes:
    """LAB-2."""
    return b"siegel/1 " + purpose.encode() + b"\0" + cbor(*items)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def expand(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of RFC 5869 (SUITE-5)."""
    block, output = b"", b""
    while len(output) < length:
        block = hmac.digest(secret, block + info + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:length]


def derive(secret: bytes, purpose: str) -> bytes:
    """ID-1."""
    return expand(hmac.digest(b"siegel/1 identity", secret, "sha256"), labelled(purpose), 32)


def public_key(seed: bytes) -> bytes:
    return sodium.crypto_sign_seed_keypair(seed)[0]


def sealing_key(seed: bytes) -> bytes:
    """SUITE-2."""
    expanded = hashlib.shake_256(seed).digest(96)
    ml_kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
    return ml_kem + sodium.crypto_scalarmult_base(expanded[64:])


def signature(seed: bytes, text: bytes) -> bytes:
    return sodium.crypto_sign(text, sodium.crypto_sign_seed_keypair(seed)[1])[:64]


ALICE, BOB, CAROL = (bytes(range(start, start + 32)) for start in (0, 32, 64))
USER_IDS = {name: public_key(derive(s, "sign")) for name, s in (("Alice", ALICE), ("Bob", BOB), ("Carol", CAROL))}


# --- encoding, text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("0", 0),
        ("23", 23),
        ("24", 24),
        ("256", 256),
        ("18446744073709551615", 2**64 - 1),
        ("h'0001'", b"\0\1"),
        ('"é", one code point', "\u00e9"),
        ("[false, true, null]", [False, True, None]),
        ("{0: [], 23: {}}", {0: [], 23: {}}),
    ],
)
def test_enc_1_and_2(name: str, value: Any) -> None:
    """ENC-1, ENC-2, ENC-5, ENC-6."""
    assert octets("encoding", name) == cbor2.dumps(value, canonical=True)


def test_pad_1_and_2() -> None:
    """PAD-1, PAD-2: 6 bytes and a length of 4 go into 64."""
    assert octets("padding", "padded") == b"\0\0\0\x0a" + b"siegel" + bytes(54)


def test_text_1() -> None:
    """TEXT-1; the checksum is held by the vectors of BIP 350 (tests/vectors/third_party)."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    for name, prefix, data in (("secret", "siegel-secret-1", ALICE), ("user id", "siegel1", USER_IDS["Alice"])):
        bits = int.from_bytes(data, "big") << 4
        characters = "".join(alphabet[bits >> 5 * (51 - i) & 31] for i in range(52))
        assert VALUES["example-text"][f"{name} as text"][:-6] == prefix + characters


def test_word_1() -> None:
    """WORD-1; the list is held by its hash in the reference of the vectors."""
    words = (ROOT / "src" / "siegel" / "words.txt").read_text("ascii").split()
    bits = int.from_bytes(ALICE + sha256(ALICE)[:1], "big")
    expected = [words[bits >> 11 * (23 - i) & 2047] for i in range(24)]
    assert VALUES["example-text"]["secret as words"].split(" ") == expected


# --- labels and algorithms -------------------------------------------------------------------------------------------


def test_lab_2() -> None:
    """LAB-2, and with it SUITE-5."""
    a, b = sha256(b"root"), sha256(b"digest")
    material = labelled("content secret", b"", 0, a, b)
    secret = hmac.digest(bytes(range(0xC0, 0xE0)), material, "sha256")
    assert list(VALUES["example-labels"].values()) == [
        value.hex()
        for value in (labelled("sign"), a, b, material, secret, expand(secret, labelled("content keys", a), 64))
    ]


def test_suite_2() -> None:
    """SUITE-2, the key pair; tests/vectors/reference has the rest, by hand as well."""
    assert octets("hpke", "SHA-256 of the public key") == sha256(sealing_key(octets("hpke", "seed")))


def test_mrk_1_to_3() -> None:
    """MRK-1, MRK-2, MRK-3 on trees of three and five leaves."""

    def node(left: bytes, right: bytes) -> bytes:
        return sha256(b"\1" + left + right)

    leaves = [sha256(b"\0" + bytes([i])) for i in range(5)]
    assert leaves == [octets("merkle", f"leaf {i}, of the byte 0{i}") for i in range(5)]
    two, four = node(leaves[0], leaves[1]), node(leaves[2], leaves[3])
    assert octets("merkle", "root of leaves 0 to 2") == node(two, leaves[2])
    assert octets("merkle", "root of leaves 0 to 4") == node(node(two, four), leaves[4])
    assert [octets("merkle", f"inclusion proof of leaf 2 of 5, node {i}") for i in range(3)] == [
        leaves[3],
        two,
        leaves[4],
    ]
    proof = [octets("merkle", f"consistency proof from 3 to 5, node {i}") for i in range(4)]
    assert proof == [leaves[2], leaves[3], two, leaves[4]]


# --- identity --------------------------------------------------------------------------------------------------------


def test_id_1_3_and_4() -> None:
    """ID-1, ID-3, ID-4."""
    derived = [derive(ALICE, purpose) for purpose in ("sign", "seal", "store", "backup", "index", "hedge")]
    base = sealing_key(derived[1])
    expected = [ALICE, *derived, USER_IDS["Alice"], base[1184:], sha256(base)]
    assert list(VALUES["example-derivation"].values()) == [value.hex() for value in expected]


def test_id_5_and_9() -> None:
    """ID-5, ID-9, with the life of ID-12."""
    at = int(VALUES["example-public-identity"]["issued at"])
    fields = [1, 1, USER_IDS["Alice"], sealing_key(derive(ALICE, "seal")), 0, at, at + 90 * 86_400_000]
    signed = signature(derive(ALICE, "sign"), labelled("public identity", *fields))
    assert octets("public-identity", "record") == cbor(*fields, signed)


def test_id_16_and_17() -> None:
    """ID-16, ID-17."""
    alice, bob = USER_IDS["Alice"], USER_IDS["Bob"]
    number = int.from_bytes(sha256(labelled("safety number", *sorted((alice, bob)))), "big") % 10**60
    assert VALUES["example-safety"]["number"].replace(" ", "") == f"{number:060}"
    assert octets("safety", "QR payload that Alice shows to Bob") == b"\1" + alice + bob


def test_id_18() -> None:
    """ID-18."""
    fields = [8, 1, USER_IDS["Alice"], USER_IDS["Carol"], int(VALUES["example-succession"]["at"])]
    signatures = [signature(derive(secret, "sign"), labelled("succession", *fields)) for secret in (ALICE, CAROL)]
    assert octets("succession", "record") == cbor(*fields, *signatures)


# --- sealed messages -------------------------------------------------------------------------------------------------


def leaf(nonce: bytes, user_id: bytes) -> bytes:
    """SEAL-2."""
    salt = hmac.digest(nonce, labelled("audience salt", user_id), "sha256")[:16]
    return sha256(b"\0" + labelled("audience leaf", salt, user_id))


def test_seal_2_and_3() -> None:
    """SEAL-2, SEAL-3."""
    leaves = {leaf(octets("audience", "nonce"), user_id): name for name, user_id in USER_IDS.items()}
    first, second, third = sorted(leaves)
    assert VALUES["example-audience"]["order"] == ", ".join(leaves[one] for one in (first, second, third))
    assert octets("audience", "root") == sha256(b"\1" + sha256(b"\1" + first + second) + third)


def test_seal_4_to_6() -> None:
    """SEAL-4, SEAL-5, SEAL-6."""
    inner = cbor2.loads(octets("message", "inner content"))
    digest = sha256(labelled("inner content", *inner))
    root = leaf(octets("message", "audience nonce"), USER_IDS["Bob"])
    material = labelled("content secret", derive(ALICE, "hedge"), 0, root, digest)
    secret = hmac.digest(octets("message", "salt of the content secret"), material, "sha256")
    keys = expand(secret, labelled("content keys", root), 64)
    assert octets("message", "digest") == digest
    assert octets("message", "root") == root
    assert octets("message", "content secret") == secret
    assert octets("message", "commitment") + octets("message", "body key") == keys


def test_seal_7_to_9() -> None:
    """SEAL-7, SEAL-8, SEAL-9."""
    header = [0, 1, octets("message", "root"), octets("message", "commitment")]
    signed = labelled("message signature", header, octets("message", "digest"))
    assert octets("message", "header") == cbor(*header)
    assert octets("message", "info of the entry") == labelled("entry", header, USER_IDS["Bob"], 0)
    assert octets("message", "signed text") == signed
    assert octets("message", "signature") == signature(derive(ALICE, "sign"), signed)


def test_seal_10_to_12_and_19() -> None:
    """SEAL-10, SEAL-11, SEAL-12, SEAL-19."""
    header, nonce = octets("message", "header"), octets("message", "audience nonce")
    envelope = cbor2.loads(octets("message", "envelope"))
    entry, body = envelope[4][0], envelope[5]
    text = cbor(cbor2.loads(octets("message", "inner content")), USER_IDS["Alice"], octets("message", "signature"))
    padded = (len(text) + 4).to_bytes(4, "big") + text
    padded += bytes(-len(padded) % 16)  # sizes from 128 to 255 are multiples of 16
    assert AESGCM(octets("message", "body key")).encrypt(bytes(12), padded, header) == body
    assert envelope == [2, 1, cbor2.loads(header), nonce, [entry], body]
    assert entry[:2] == [USER_IDS["Bob"], 0]
    proof = [nonce, [USER_IDS["Bob"]]]
    assert octets("message", "proof of Bob's letter") == cbor(*proof)
    assert octets("message", "SHA-256 of Bob's letter") == sha256(cbor(6, 1, envelope[2], entry, proof, body))
    assert octets("message", "message id") == sha256(labelled("message id", envelope[2], body))


# --- rosters ---------------------------------------------------------------------------------------------------------


def test_ros_1_to_4_and_6() -> None:
    """ROS-1, ROS-2, ROS-4, ROS-6."""
    alice, bob, carol = (USER_IDS[name] for name in ("Alice", "Bob", "Carol"))
    seeds = {
        user: derive(secret, "sign") for user, secret in zip((alice, bob, carol), (ALICE, BOB, CAROL), strict=True)
    }
    at = 1_767_225_600_000
    none: list[Any] = []
    policy, members = [0, 1, 10_000, 604_800_000, 0], sorted([[bob, 0], [carol, 1]])

    def operation(*items: Any) -> tuple[bytes, bytes]:
        """Its bytes and its head."""
        written = [4, 1, *items]
        signed = signature(seeds[items[3]], labelled("roster operation", *written))
        return cbor(*written, signed), sha256(labelled("roster head", *written))

    create = [0, bytes(range(0xA0, 0xC0)), b"board", policy, members, [b"\x11" * 32, none]]
    items = [4, 1, b"", 0, b"", alice, at, create]
    group = sha256(labelled("group id", *items))
    founding, head = operation(*items[2:])
    assert octets("roster", "action of the founding operation") == cbor(*create)
    assert octets("roster", "text that Alice signs") == labelled("roster operation", *items)
    assert octets("roster", "group id") == group
    assert (octets("roster", "founding operation"), octets("roster", "head of the founding operation")) == (
        founding,
        head,
    )
    removal = operation(group, 1, head, bob, at + 1, [2, [carol], none, none, [b"\x22" * 32, none]])
    names = "Bob's removal of Carol, height 1", "head of the removal"
    assert tuple(octets("roster", name) for name in names) == removal
    renaming = operation(group, 1, head, alice, at + 2, [8, b"the board"])
    names = "Alice's renaming, height 1", "head of the renaming"
    assert tuple(octets("roster", name) for name in names) == renaming
    adoption = operation(group, 2, renaming[1], alice, at + 4, [3, [removal[1]], none, [b"\x33" * 32, none]])
    names = "Alice's adoption, height 2", "head of the adoption"
    assert tuple(octets("roster", name) for name in names) == adoption
    left = [5, 1, group, head, carol, none, at + 3]
    text = labelled("leave statement", *left)
    assert octets("roster", "text that Carol signs to leave") == text
    assert octets("roster", "her leave statement") == cbor(*left, signature(seeds[carol], text))
