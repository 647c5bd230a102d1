"""SUITE-1, ID-6: strict Ed25519. Every verifier passes Wycheproof; CCTV and the divergence cases tell ours apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from siegel._core import suite
from siegel._core.secret import Secret
from siegel.errors import InvalidMessage, MalformedError
from tests.vectors.third_party.sources import Case, Source, each, json_list, json_tests, wycheproof


def sign_input(path: Path) -> Iterator[tuple[object, Case]]:
    """Lines ``seed ‖ public key : public key : message : signature ‖ message :`` in hexadecimal."""
    for number, line in enumerate(path.read_text("ascii").splitlines(), start=1):
        pair, public, message, signed = (bytes.fromhex(field) for field in line.rstrip(":").split(":"))
        yield number, {"seed": pair[:32], "public": public, "message": message, "signature": signed[:64]}


SIGN_INPUT = Source("cryptography-vectors/Ed25519/sign.input.first256", sign_input, "asymmetric/Ed25519/sign.input")
CCTV = Source("cctv/ed25519/ed25519vectors.json", json_list)
DIVERGENCE = Source("own-ed25519-divergence/cases.json", json_tests)

ONLY_CLEAN_VECTOR = 305  # the one of CCTV's 914 that no flag speaks against


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        suite.verify(public, message, signature)
    except InvalidMessage:
        return False
    return True


@each(SIGN_INPUT)
def test_the_authors_own_vectors(case: Case) -> None:
    key = suite.SigningKey(Secret(case["seed"]))
    assert key.public == case["public"]
    assert suite.sign(key, case["message"]) == case["signature"]
    suite.verify(case["public"], case["message"], case["signature"])
    with pytest.raises(InvalidMessage):
        suite.verify(case["public"], case["message"] + b"!", case["signature"])


@each(wycheproof("ed25519_test.subset.json"))
def test_wycheproof(case: Case) -> None:
    public = bytes.fromhex(case["publicKey"]["pk"])
    suite.check_signing_key(public, where="vector")
    valid = verifies(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
    assert valid == (case["result"] == "valid")


def defects(case: Case, of: str = "") -> list[str]:
    """What CCTV says is odd about the vector, or about its key (``_A``) alone."""
    return [flag for flag in case["flags"] or [] if flag.endswith(of)]


@each(CCTV)
def test_cctv(case: Case) -> None:
    """Stricter than RFC 8032, which leaves these open: each flag is a point that SUITE-1 forbids, or its effect."""
    public, signature = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"])
    assert verifies(public, case["msg"].encode(), signature) == (not defects(case))
    assert (case["number"] == ONLY_CLEAN_VECTOR) == (not defects(case))


@each(CCTV)
def test_cctv_keys(case: Case) -> None:
    public = bytes.fromhex(case["key"])
    if defects(case, of="_A"):
        with pytest.raises(MalformedError):
            suite.check_signing_key(public, where="vector")
    else:
        suite.check_signing_key(public, where="vector")


@each(DIVERGENCE)
def test_where_other_verifiers_disagree(case: Case) -> None:
    public, message, signature = (bytes.fromhex(case[name]) for name in ("pk", "msg", "sig"))
    suite.check_signing_key(public, where="vector")
    assert case["result"] == "invalid"
    assert True in case["observed"].values(), "somebody accepts it, else it would show nothing"
    assert not verifies(public, message, signature)
