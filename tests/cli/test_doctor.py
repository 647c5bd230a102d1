"""The self-test finds nothing on a good machine, and every fault on a bad one."""

from __future__ import annotations

import hashlib
import hmac
import importlib.metadata
import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core import bech32m, codec, suite
from siegel._core.secret import Secret
from siegel.cli import doctor, known_answers
from siegel.cli.known_answers import CHECKS
from tests.cli.conftest import Run
from tests.markdown import ROOT


def test_nothing_is_wrong_here(run: Run) -> None:
    done = run("doctor")
    assert (done.status, done.err) == (0, "")
    head, blank, *rows, blank_too, last = done.out.decode().splitlines()
    assert head.startswith("siegel 0.")
    assert blank == blank_too == ""
    assert last == f"all {len(rows)} checks passed"
    assert len(rows) == len(CHECKS) + len(doctor.REQUIRED)
    assert all(row.startswith("ok  ") for row in rows)


def test_as_json(run: Run) -> None:
    facts = json.loads(run("doctor", "--json").out)
    assert facts["ok"] is True
    assert [check["name"] for check in facts["checks"]] == [*doctor.REQUIRED, *(check.name for check in CHECKS)]
    assert all(check["ok"] for check in facts["checks"])


def test_the_versions_are_the_package_s_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [re.fullmatch(r"([a-z0-9]+)>=([0-9.]+)", line) for line in project["dependencies"]]
    assert {line[1]: tuple(map(int, line[2].split("."))) for line in required if line} == doctor.REQUIRED


@pytest.mark.parametrize(("version", "ok"), [("49.9", False), ("50.0.0rc1", True), ("51", True), ("unknown", False)])
def test_an_old_library_is_a_fault(run: Run, monkeypatch: pytest.MonkeyPatch, version: str, ok: bool) -> None:  # noqa: FBT001  # a table
    monkeypatch.setattr(importlib.metadata, "version", lambda _: version)
    findings = {check["name"]: check["ok"] for check in json.loads(run("doctor", "--json").out)["checks"]}
    assert findings["cryptography"] is ok


def test_a_missing_library_is_a_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", missing)
    done = run("doctor")
    assert done.status == 1
    assert done.out.decode().count("FAIL  ") == 3
    assert "3 of 20 checks failed: cryptography, pynacl, cbor2" in done.err


def nothing(*_: object, **__: object) -> None:
    return None


def _wrong_hash(_: bytes) -> bytes:
    return bytes(32)


def _wrong_secret(**_: object) -> Secret:
    return Secret(bytes(32))


def _wrong_pair(*_: object, **__: object) -> tuple[bytes, Secret]:
    return bytes(32), Secret(bytes(32))


# What a broken library would do, and the checks that have to see it.
FAULTS: dict[str, tuple[object, str, Callable[..., Any], set[str]]] = {
    "hash": (suite, "sha256", _wrong_hash, {"SHA-256", "X-Wing key"}),
    "mac": (suite, "hmac_sha256", lambda *_: bytes(32), {"HMAC-SHA-256"}),
    "derivation": (suite, "hkdf", _wrong_secret, {"HKDF-SHA256"}),
    "extraction": (suite, "hkdf_extract", _wrong_secret, {"HKDF-SHA256"}),
    "expansion": (suite, "hkdf_expand_pair", _wrong_pair, {"HKDF-SHA256, expand"}),
    "signature": (suite, "sign", lambda *_: bytes(64), {"Ed25519"}),
    "verification that accepts all": (
        suite, "verify", nothing, {"Ed25519", "Ed25519, strict on keys", "Ed25519, strict on R"}),
    "keys that are not checked": (suite, "check_signing_key", nothing, {"Ed25519, strict on keys"}),
    "prime order that is not checked": (suite, "_is_prime_order", lambda _: True, {"Ed25519, strict on keys"}),
    "aliases of X25519 keys": (suite, "_check_x25519", nothing, {"X25519, strict"}),
    "opening": (suite, "hpke_open", _wrong_secret, {"HPKE 647a, HKDF, AES-256"}),
    "encryption": (suite, "encrypt_once", lambda *_, **__: bytes(32), {"AES-256-GCM"}),
    "decryption that accepts all": (suite, "decrypt_once", lambda *_, **__: bytes(16), {"AES-256-GCM"}),
    "decoding that accepts all": (codec, "decode", lambda _: 1, {"CBOR"}),
    "a checksum that is not checked": (bech32m, "split", lambda _: ("abcdef", list(range(31, -1, -1))), {"bech32m"}),
    "a random generator that repeats": (suite, "random_bytes", lambda count: b"x" * count, {"random generator"}),
    "words": (known_answers, "to_words", lambda _: "abandon " * 24, {"24 words"}),
    "an envelope that opens for all": (known_answers, "open_sealed", nothing, {"round trip"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(run: Run, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    room, name, broken, checks = FAULTS[fault]
    monkeypatch.setattr(room, name, broken)
    done = run("doctor", "--json")
    assert done.status == 1
    assert json.loads(done.err)["error"]["code"] == "self-test"
    assert checks <= {check["name"] for check in json.loads(done.out)["checks"] if not check["ok"]}


def test_every_check_is_seen_to_fail() -> None:
    ml_kem_has_its_own_library_check = {"ML-KEM-768, strict"}
    seen = set().union(*(checks for *_, checks in FAULTS.values()))
    assert seen | ml_kem_has_its_own_library_check == {check.name for check in CHECKS}


def test_a_modulus_that_is_not_checked_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lax:
        def __init__(self, data: bytes, *, where: str) -> None:
            pass

    monkeypatch.setattr(suite, "SealingPublicKey", Lax)
    failed = {check["name"] for check in json.loads(run("doctor", "--json").out)["checks"] if not check["ok"]}
    assert {"ML-KEM-768, strict", "X25519, strict"} <= failed


# --- the recorded ciphertext, by hand --------------------------------------------------------------------------------


def test_the_recorded_ciphertext_follows_the_standards() -> None:
    """X-Wing and the key schedule of RFC 9180 from their parts, without the library's HPKE."""
    expanded = hashlib.shake_256(known_answers._X_WING_SEED).digest(96)
    ml_kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    sealed = known_answers._HPKE_SEALED
    drafts_ciphertext = "17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33"
    assert hashlib.sha256(sealed[:1120]).hexdigest() == drafts_ciphertext
    shared = hashlib.sha3_256(
        ml_kem.decapsulate(sealed[:1088])
        + x25519.exchange(X25519PublicKey.from_public_bytes(sealed[1088:1120]))
        + sealed[1088:1120]
        + x25519.public_key().public_bytes_raw()
        + bytes.fromhex("5c2e2f2f5e5c")
    ).digest()
    key, nonce = _key_schedule(shared, known_answers._HPKE_INFO)
    assert AESGCM(key).decrypt(nonce, sealed[1120:], b"") == known_answers._HPKE_CONTENT


def _key_schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    suite_id = b"HPKE" + bytes.fromhex("647a00010002")

    def extract(label: bytes, material: bytes, salt: bytes = b"") -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite_id + label + material, "sha256")

    def expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        text = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + context
        return hmac.digest(secret, text + b"\x01", "sha256")[:length]

    context = b"\x00" + extract(b"psk_id_hash", b"") + extract(b"info_hash", info)
    secret = extract(b"secret", b"", salt=shared)
    return expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
