"""The second implementation: that it is one, that it agrees with the library, that its faults stand alone.

That reference and library agree on every vector is held by ``test_files`` (the files are what the reference gives) and
``test_v1`` (the library gives what stands in the files). Published vectors hold its primitives in ``third_party``.
"""

from __future__ import annotations

from typing import Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel._core import bech32m, codec, padding
from siegel.errors import MalformedError
from tests.vectors.files import VECTORS, Vector
from tests.vectors.notation import spell
from tests.vectors.reference import Refused, cbor, receive, texts
from tests.vectors.reference.sealed_operations import reader_of
from tests.vectors.test_mutations import changes

SMALL: Final = 300  # bytes of an encoded value of which every byte is changed


@pytest.mark.parametrize("stage", ["signature", "purpose", "trust"])
def test_a_deep_fault_is_the_only_one(stage: str) -> None:
    """Without the one check, a message that it refuses is good in every other way."""
    strangers: list[Vector] = []
    faulty = [v for v in VECTORS if v.type == "open" and not v.valid and v.test["error"]["stage"] == stage]
    for vector in faulty:
        case = vector.case()
        try:
            receive.open_sealed(case.data("data"), reader_of(case), omit=stage)
        except Refused as refused:
            if refused.code != "unknown-sender":
                raise
            strangers.append(vector)
    assert len(faulty) >= 4
    # Only where the fault is a made-up key as sender is that sender a stranger as well.
    assert {vector.test["mutation"]["step"] for vector in strangers} == ({"sender"} if stage == "signature" else set())


def test_a_body_that_opens_under_two_keys() -> None:
    """The AEAD accepts both keys of the vector: only the commitment tells them apart."""
    (vector,) = [v for v in VECTORS if v.category == "sealed-message" and "bodyKeys" in v.test.get("intermediate", {})]
    shown = vector.test["intermediate"]
    header, body = bytes.fromhex(shown["header"]), bytes.fromhex(shown["body"])
    texts_of = {AESGCM(bytes.fromhex(key)).decrypt(bytes(12), body, header) for key in shown["bodyKeys"]}
    assert len(texts_of) == 2
    assert vector.test["error"] == {"code": "invalid-message", "stage": "commitment"}


def test_a_chunk_that_opens_under_two_keys() -> None:
    """ATT-1: the same of a stream, whose keys have nonces of their own."""
    (vector,) = [v for v in VECTORS if v.category == "attachment" and "aeadKeys" in v.test.get("intermediate", {})]
    shown = {name: value for name, value in vector.test["intermediate"].items() if name != "chunk"}
    chunk = bytes.fromhex(vector.test["intermediate"]["chunk"])
    pairs = [(bytes.fromhex(key), bytes.fromhex(nonce)) for key, nonce in zip(*shown.values(), strict=True)]
    assert len({AESGCM(key).decrypt(nonce, chunk, None) for key, nonce in pairs}) == 2
    assert vector.test["error"] == {"code": "invalid-message", "stage": "commitment"}


# --- the two on bytes that are in no vector ---------------------------------------------------------------------------


def small_inputs(kind: str, name: str) -> list[Vector]:
    found = [v for v in VECTORS if v.type == kind and len(v.case().data(name)) <= SMALL]
    assert len(found) > 20
    return found


def test_both_read_the_same_encodings() -> None:
    accepted = 0
    for vector in small_inputs("decode", "data"):
        for change, data in changes(vector.case().data("data")):
            try:
                expected = spell(cbor.read(data))
            except Refused:
                expected = Refused
            try:
                found = spell(codec.decode(data))
            except MalformedError:
                found = Refused
            assert found == expected, (vector, change)
            accepted += expected is not Refused
    assert accepted > 100


def test_both_read_the_same_padding() -> None:
    for vector in small_inputs("unpad", "padded"):
        for change, data in changes(vector.case().data("padded")):
            try:
                expected = texts.unpad(data)
            except Refused:
                expected = None
            try:
                found = padding.unpad(data)
            except MalformedError:
                found = None
            assert found == expected, (vector, change)
    for length in [*range(5000), *(2**exponent + offset for exponent in range(13, 33) for offset in (-1, 0, 1))]:
        assert padding.padme(length) == texts.padme(length)


def test_both_write_the_same_texts() -> None:
    for value in (bytes(32), b"\xff" * 32, bytes(range(32))):
        for prefix in ("siegel", "siegel-secret-"):
            text = texts.write_text(prefix, value)
            assert bech32m.encode(prefix, value) == text
            assert bech32m.decode(text, prefix=prefix, length=32) == texts.read_text(text, prefix) == value
