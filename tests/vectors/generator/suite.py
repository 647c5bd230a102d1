"""Categories ``suite`` and ``merkle``: the algorithms, and how they are held (SUITE-1 … SUITE-6, MRK-1 … MRK-3)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.generator.book import Category, Group, flipped, mutation, stream
from tests.vectors.reference import cbor, curve, hpke, merkle
from tests.vectors.reference.labels import hkdf_expand, labelled, sha256


def category() -> Category:
    """The algorithms."""
    book = Category("suite")
    group = book.group("ed25519-verify", 5001)
    _signatures(group)
    _seeds(book.group("sealing-seed", 5101))
    _sealed(book.group("hpke-open", 5201))
    _content(book)
    return book


# A text to a key and a signature under it.
Forger: TypeAlias = Callable[[bytes], tuple[bytes, bytes, bytes]]

# --- SUITE-1 ----------------------------------------------------------------------------------------------------------


def forged(public: bytes, message: bytes, r: bytes, s: int) -> tuple[bytes, bytes, bytes]:
    """A key, a text and a signature from its halves."""
    return public, message, r + s.to_bytes(32, "little")


def with_torsion(seed: bytes, message: bytes) -> tuple[bytes, bytes, bytes]:
    """An honest key with a point of order 8 added, and a signature under it that cofactorless verifiers accept.

    S·B = R + h·A' holds if h is a multiple of 8, which a signer reaches by trying nonces.
    """
    scalar, _ = curve.expand(seed)
    honest = curve.times(scalar, curve.BASE)
    public = curve.compress(curve.add(honest, curve.torsion()))
    for nonce in range(1, 1000):
        r = curve.compress(curve.times(nonce, curve.BASE))
        h = curve.challenge(r, public, message)
        if h % 8 == 0:
            return forged(public, message, r, (nonce + h * scalar) % curve.L)
    raise AssertionError("one in eight")


def small_key(message: bytes) -> tuple[bytes, bytes, bytes]:
    """The identity point as a key, under which R = S·B is a signature of every text."""
    return forged(curve.small_points()[0], message, curve.compress(curve.times(7, curve.BASE)), 7)


def small_r(seed: bytes, message: bytes, r: bytes | None = None) -> tuple[bytes, bytes, bytes]:
    """An honest key and R = identity: S = h·a. Cofactorless verifiers that recompute R accept it."""
    public, r = curve.public_key(seed), r or curve.small_points()[0]
    return forged(public, message, r, curve.challenge(r, public, message) * curve.expand(seed)[0] % curve.L)


def torsion_r(seed: bytes, message: bytes) -> tuple[bytes, bytes, bytes]:
    """An honest key and R with a point of order 8 added: only cofactored verifiers accept it."""
    public, nonce = curve.public_key(seed), 5
    r = curve.compress(curve.add(curve.times(nonce, curve.BASE), curve.torsion()))
    return forged(public, message, r, (nonce + curve.challenge(r, public, message) * curve.expand(seed)[0]) % curve.L)


def _bad_signatures(seed: bytes, message: bytes) -> Iterator[tuple[str, str, tuple[bytes, bytes, bytes]]]:
    public, signature = curve.public_key(seed), curve.sign(seed, message)
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    yield "another text", "BadSignature", (public, message + b"!", signature)
    yield "another key", "BadSignature", (curve.public_key(stream("another key", 32)), message, signature)
    yield "a bit of R flipped", "BadSignature", (public, message, flipped(signature, 0))
    yield "a bit of S flipped", "BadSignature", (public, message, flipped(signature, 32))
    yield "no signature", "BadSignature", (public, message, b"")
    yield "63 bytes", "BadSignature", (public, message, signature[:63])
    yield "65 bytes", "BadSignature", (public, message, signature + b"\0")
    yield "all zeros", "BadSignature", (public, message, bytes(64))
    yield "S and R swapped", "BadSignature", (public, message, signature[32:] + signature[:32])
    yield "S + L instead of S", "Malleable", forged(public, message, r, s + curve.L)
    yield "S + 2 L", "Malleable", forged(public, message, r, s + 2 * curve.L)
    yield "S with its top bit set", "Malleable", (public, message, flipped(signature, 63, 0x80))
    yield "R = identity, S = h·a", "BadPoint", small_r(seed, message)
    not_canonical = (curve.P + 1).to_bytes(32, "little")
    yield "R = identity, not canonical", "BadPoint", small_r(seed, message, not_canonical)
    yield "R with a point of order 8 added", "BadPoint", torsion_r(seed, message)
    yield "A with a point of order 8 added", "BadPoint", with_torsion(seed, message)
    yield "A = identity", "BadPoint", small_key(message)
    key, text, identity_signature = small_key(message)
    yield "A = identity, not canonical", "BadPoint", (not_canonical, text, identity_signature)
    yield "A of 31 bytes", "BadPoint", (public[:31], message, signature)
    yield "A of 33 bytes", "BadPoint", (public + b"\0", message, signature)
    yield "A with the sign of x flipped", "BadSignature", (flipped(public, 31, 0x80), message, signature)
    yield "A = R = identity, S = 0", "BadPoint", forged(key, message, key, 0)
    prefix = b"SigEd25519 no Ed25519 collisions\x01\x00"
    prehashed = hashlib.sha512(message).digest()
    yield "Ed25519ph", "WrongAlgorithm", (public, message, curve.sign(seed, prehashed, prefix))
    context = b"SigEd25519 no Ed25519 collisions\x00\x06siegel"
    yield "Ed25519ctx", "WrongAlgorithm", (public, message, curve.sign(seed, message, context))


def signatures_by(seed: bytes, message: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Signatures under an honest key that have to be refused, each with its fault and flag."""
    public = curve.public_key(seed)
    for fault, flag, (key, text, signature) in _bad_signatures(seed, message):
        if (key, text) == (public, message) and len(signature) == 64:
            yield fault, flag, signature


def _signatures(group: Group) -> None:
    seed, message = stream("signing seed", 32), b"a text to sign"
    names = "publicKey", "message", "signature"
    for name, text in {
        "a short text": message,
        "an empty text": b"",
        "1000 bytes": stream("text to sign", 1000),
    }.items():
        given = dict(zip(names, (curve.public_key(seed), text, curve.sign(seed, text)), strict=True))
        group.valid(name, spec="SUITE-1", flags="Normal", input=given)
    for name, flag, parts in _bad_signatures(seed, message):
        group.invalid(
            f"signature with {name}" if flag != "WrongAlgorithm" else name,
            spec="SUITE-1",
            flags=flag,
            code="invalid-message",
            stage="signature",
            base=group.first,
            mutation=mutation("signature", name),
            input=dict(zip(names, parts, strict=True)),
        )


# --- SUITE-2 ----------------------------------------------------------------------------------------------------------


def _seeds(group: Group) -> None:
    for seed in (stream("sealing seed", 32), bytes(32), b"\xff" * 32):
        comment = f"the sealing key of seed {seed[:4].hex()}…"
        group.valid(comment, spec="SUITE-2", flags="KnownAnswer", input={"seed": seed})


def _sealed(group: Group) -> None:
    seed, eseed = stream("sealing seed", 32), stream("encapsulation", 64)
    key, info, plain = hpke.public_key(seed), b"what it is for", stream("sealed secret", 32)
    honest = hpke.seal(key, eseed, info, plain)
    for name, text in {"32 bytes": plain, "no bytes at all": b"", "200 bytes": stream("sealed text", 200)}.items():
        given = {"seed": seed, "sealed": hpke.seal(key, eseed, info, text), "info": info}
        group.valid(f"{name} sealed", spec="SUITE-2", flags="KnownAnswer", random={"eseed": eseed}, input=given)
    given = {"seed": seed, "sealed": hpke.seal(key, eseed, b"", plain), "info": b""}
    group.valid("an empty info", spec="SUITE-2", flags="Boundary", random={"eseed": eseed}, input=given)

    def refuse(comment: str, sealed: bytes, flag: str, *, opener: bytes = seed, bound: bytes = info) -> None:
        group.invalid(
            comment,
            spec="SUITE-2",
            flags=flag,
            code="invalid-message",
            stage="unseal",
            base=group.first,
            mutation=mutation("sealed", comment),
            input={"seed": opener, "sealed": sealed, "info": bound},
        )

    refuse("another info", honest, "MovedEntry", bound=info + b"!")
    refuse("an empty info", honest, "MovedEntry", bound=b"")
    refuse("another key", honest, "NotForUs", opener=stream("another sealing seed", 32))
    for name, at in {"first byte of the ML-KEM ciphertext": 0, "last byte of the ML-KEM ciphertext": 1087}.items():
        refuse(f"a bit of the {name} flipped", flipped(honest, at), "Damaged")
    refuse("a bit of the X25519 ephemeral flipped", flipped(honest, 1088), "Damaged")
    refuse("the top bit of the X25519 ephemeral flipped, an alias", flipped(honest, 1119, 0x80), "Malleable")
    refuse("a bit of the ciphertext flipped", flipped(honest, 1120), "Damaged")
    refuse("a bit of the tag flipped", flipped(honest, -1), "Damaged")
    for name, u in {"0": bytes(32), "1": b"\1" + bytes(31), "p - 1": (curve.P - 1).to_bytes(32, "little")}.items():
        sealed = honest[:1088] + u + honest[1120:]
        refuse(f"the low-order ephemeral u = {name}", sealed, "BadSealingKey")
    refuse("no bytes at all", b"", "Truncated")
    refuse("the encapsulation alone", honest[:1120], "Truncated")
    refuse("one byte missing", honest[:-1], "Truncated")
    refuse("one byte more", honest + b"\0", "TrailingBytes")
    refuse("X25519 in front of ML-KEM", honest[1088:1120] + honest[:1088] + honest[1120:], "WrongAlgorithm")
    for name, variant in {
        "AES-128-GCM": hpke.Variant(aead=1),
        "ChaCha20-Poly1305": hpke.Variant(aead=3),
        "the identifier of another KEM": hpke.Variant(kem=0x0020),
        "the identifier of another KDF": hpke.Variant(kdf=0x0003),
        "mode PSK with an empty key": hpke.Variant(mode=1),
        "mode PSK": hpke.Variant(mode=1, psk=b"a key that both know, 32 bytes..."),
        "associated data": hpke.Variant(aad=b"associated"),
        "sequence number 1": hpke.Variant(sequence=1),
    }.items():
        refuse(f"sealed with {name}", hpke.seal(key, eseed, info, plain, variant), "WrongAlgorithm")


# --- SUITE-5, SUITE-6 -------------------------------------------------------------------------------------------------


def _content(book: Category) -> None:
    group = book.group("hkdf", 5301)
    for length in (0, 13, 32, 100):
        given = {"salt": stream("salt", length), "secret": stream("input key", 32), "info": b"siegel/1 store\0\x80"}
        group.valid(f"HKDF-SHA256, salt of {length} bytes", spec="SUITE-5", flags="KnownAnswer", input=given)

    group = book.group("content-keys", 5401)
    secret, root = stream("content secret", 32), stream("root", 32)
    info = labelled("content keys", cbor.octets(root))
    keys = hkdf_expand(secret, info, 64)
    given = {"contentSecret": secret, "root": root, "commitment": keys[:32]}
    base = group.valid("commitment and body key", spec="SUITE-5 SUITE-6 SEAL-6", flags="KnownAnswer", input=given)
    sha512 = hmac.digest(secret, info + b"\1", "sha512")[:32]  # the first block of HKDF-Expand
    for name, change in {
        "a bit of the commitment flipped": {"commitment": flipped(keys[:32], 0)},
        "the last bit of the commitment flipped": {"commitment": flipped(keys[:32], -1, 0x80)},
        "another content secret": {"contentSecret": stream("another content secret", 32)},
        "another root": {"root": stream("another root", 32)},
        "the body key as commitment": {"commitment": keys[32:]},
        "half of the commitment": {"commitment": keys[:16]},
        "no commitment": {"commitment": b""},
        "HKDF with SHA-512": {"commitment": sha512},
    }.items():
        group.invalid(
            name,
            spec="SUITE-5 SUITE-6 SEAL-6",
            flags="WrongAlgorithm" if "SHA" in name else "Commitment",
            code="invalid-message",
            stage="commitment",
            base=base,
            mutation=mutation("commitment", name),
            input=given | change,
        )
    _ciphertexts(book)


def _ciphertexts(book: Category) -> None:
    key, aad, plain = stream("body key", 32), b"associated", stream("plaintext", 64)
    group = book.group("content-encrypt", 5501)
    for length in (0, 1, 16, 64, 1000):
        given = {"key": key, "plaintext": stream("plaintext", length), "aad": aad}
        group.valid(f"{length} bytes encrypted", spec="SUITE-6", flags="KnownAnswer", input=given)

    group = book.group("content-decrypt", 5601)
    honest = AESGCM(key).encrypt(bytes(12), plain, aad)
    given = {"key": key, "sealed": honest, "aad": aad}
    base = group.valid("64 bytes decrypted", spec="SUITE-6", flags="Normal", input=given)
    for name, change in {
        "a bit of the first byte flipped": {"sealed": flipped(honest, 0)},
        "a bit of the tag flipped": {"sealed": flipped(honest, -1)},
        "other associated data": {"aad": b"Associated"},
        "no associated data": {"aad": b""},
        "another key": {"key": stream("another body key", 32)},
        "the tag cut to 15 bytes": {"sealed": honest[:-1]},
        "the tag cut to 12 bytes": {"sealed": honest[:-4]},
        "no bytes at all": {"sealed": b""},
        "nonce 1 instead of 0": {"sealed": AESGCM(key).encrypt(bytes(11) + b"\1", plain, aad)},
        "AES-128 with half of the key": {"sealed": AESGCM(key[:16]).encrypt(bytes(12), plain, aad)},
    }.items():
        group.invalid(
            name,
            spec="SUITE-6",
            flags="WrongAlgorithm" if "AES" in name or "nonce" in name else "Damaged",
            code="invalid-message",
            stage="body",
            base=base,
            mutation=mutation("sealed", name),
            input=given | change,
        )


# --- Merkle trees -----------------------------------------------------------------------------------------------------


def merkle_category() -> Category:
    """Trees, inclusion and consistency proofs."""
    book = Category("merkle")
    group = book.group("merkle-tree", 6001)
    data = [stream(f"leaf {i}", i) for i in range(9)]
    for size in (1, 2, 3, 4, 5, 7, 8, 9):
        given = {"leaves": data[:size]}
        group.valid(f"tree of {size} leaves", spec="MRK-1 MRK-2", flags="KnownAnswer", input=given)
    leaves = [merkle.leaf(stream(f"leaf {i}", i)) for i in range(70)]
    _inclusion(book.group("inclusion", 6101), leaves)
    _consistency(book.group("consistency", 6201), leaves)
    return book


def _inclusion(group: Group, leaves: list[bytes]) -> None:
    def case(index: int, size: int) -> dict[str, Any]:
        path = merkle.path(index, leaves[:size])
        return {"leafHash": leaves[index], "index": index, "size": size, "path": path}

    for index, size in ((0, 1), (0, 2), (1, 2), (2, 3), (4, 5), (6, 7), (0, 64), (64, 65), (63, 65), (69, 70)):
        comment = f"leaf {index} of {size}"
        group.valid(comment, spec="MRK-1 MRK-2", flags="Boundary", input=case(index, size))

    honest = case(2, 7)
    base = group.valid("leaf 2 of 7", spec="MRK-1 MRK-2", flags="Normal", input=honest)
    path: list[bytes] = honest["path"]
    changes: dict[str, dict[str, Any]] = {
        "a path that is one node short": {"path": path[:-1]},
        "a path without its first node": {"path": path[1:]},
        "an empty path": {"path": []},
        "a path with one node more": {"path": [*path, leaves[0]]},
        "a path with its last node twice": {"path": [*path, path[-1]]},
        "an index one behind the last leaf": {"index": 7},
        "an index far outside": {"index": 2**32},
        "a size of 0": {"size": 0},
        "a size in which the path would be shorter": {"size": 4},
        "a size in which the path would be longer": {"size": 9},
        "an index at which the path would be shorter": {"index": 6},
        "a node of 31 bytes": {"path": [*path[:-1], path[-1][:31]]},
        "a node of 33 bytes": {"path": [path[0] + b"\0", *path[1:]]},
        "an empty node": {"path": [b"", *path[1:]]},
        "a path in a tree of one leaf": {"index": 0, "size": 1, "path": path[:1]},
    }
    for name, change in changes.items():
        group.invalid(
            name,
            spec="MRK-2",
            flags="Proof",
            code="malformed",
            stage="proof",
            base=base,
            mutation=mutation("path", name),
            input=honest | change,
        )


def _consistency(group: Group, leaves: list[bytes]) -> None:
    def case(old: int, new: int) -> dict[str, Any]:
        roots = {"oldRoot": merkle.root(leaves[:old]), "newRoot": merkle.root(leaves[:new])}
        return {"oldSize": old, "newSize": new, "proof": merkle.consistency(old, leaves[:new])} | roots

    for old, new in ((1, 1), (1, 2), (2, 3), (3, 7), (4, 7), (4, 8), (6, 7), (7, 7), (8, 9), (32, 65), (65, 70)):
        comment = f"{old} leaves are the beginning of {new}"
        group.valid(comment, spec="MRK-3", flags="Boundary", input=case(old, new))
    honest = case(5, 7)
    base = group.valid("5 leaves are the beginning of 7", spec="MRK-3", flags="Normal", input=honest)
    proof: list[bytes] = honest["proof"]
    rewritten = [sha256(b"another leaf"), *leaves[1:]]
    for name, change in {
        "the roots swapped": {"oldRoot": honest["newRoot"], "newRoot": honest["oldRoot"]},
        "a bit of the old root flipped": {"oldRoot": flipped(honest["oldRoot"], 0)},
        "a bit of the new root flipped": {"newRoot": flipped(honest["newRoot"], 0)},
        "a bit of the first node flipped": {"proof": [flipped(proof[0], 0), *proof[1:]]},
        "a bit of the last node flipped": {"proof": [*proof[:-1], flipped(proof[-1], 0)]},
        "a proof that is one node short": {"proof": proof[:-1]},
        "a proof without its first node": {"proof": proof[1:]},
        "no proof": {"proof": []},
        "a proof with one node more": {"proof": [*proof, leaves[0]]},
        "an old size of 0": {"oldSize": 0},
        "an old size above the new one": {"oldSize": 8},
        "another old size": {"oldSize": 4},
        "another new size": {"newSize": 9},
        "equal sizes and another root": {"oldSize": 7, "proof": []},
        "equal sizes and a proof": {"oldSize": 7, "oldRoot": honest["newRoot"], "proof": proof[:1]},
        "a node of 31 bytes": {"proof": [proof[0][:31], *proof[1:]]},
        "a history with another first leaf": {"newRoot": merkle.root(rewritten[:7])},
        "inner nodes hashed without 0x01": {"newRoot": _root_without_prefix(leaves[:7])},
    }.items():
        group.invalid(
            name,
            spec="MRK-1 MRK-3" if "0x01" in name else "MRK-3",
            flags="Proof",
            code="malformed",
            stage="proof",
            base=base,
            mutation=mutation("proof", name),
            input=honest | change,
        )


def _root_without_prefix(leaves: list[bytes]) -> bytes:
    while len(leaves) > 1:
        pairs = [
            sha256(b"".join(leaves[i : i + 2])) if i + 1 < len(leaves) else leaves[i] for i in range(0, len(leaves), 2)
        ]
        leaves = pairs
    return leaves[0]
