"""The formulas of the chapter on epoch keys give the values of its example: by hand, not by the library."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.spec.test_formulas import ALICE, USER_IDS, cbor, derive, expand, labelled, octets, sha256, signature

AT = 1_767_225_600_000


def value(name: str) -> bytes:
    return octets("broadcast", name)


KEY, CONTROL = value("key"), value("control")
GROUP, HEAD = sha256(b"group"), sha256(b"head")


def test_epo_1_and_2() -> None:
    """EPO-1, EPO-2."""
    assert value("commitment of the key") == sha256(labelled("epoch commitment", KEY))
    derived = sha256(b"siegel/1 epoch derivation\0" + KEY + HEAD)
    assert value("the key that an operation with this head derives") == derived


def test_epo_7() -> None:
    """EPO-7: the two halves, and the header."""
    secret = hmac.digest(value("nonce"), KEY, "sha256")
    halves = expand(secret, labelled("broadcast keys", GROUP, HEAD), 64)
    assert value("commitment") + value("text key") == halves
    header = b"\x86" + cbor(12, 1, HEAD, value("nonce"), value("commitment"))[1:]
    assert value("header") == header


def test_epo_8() -> None:
    """EPO-8: what is signed, and by whom."""
    user_id = USER_IDS["Alice"]
    signed = labelled("broadcast signature", GROUP, HEAD, value("commitment"), user_id, AT, CONTROL)
    assert value("text that Alice signs") == signed
    text = cbor(user_id, AT, CONTROL, signature(derive(ALICE, "sign"), signed))
    padded = value("padded")
    assert padded == (len(text) + 4).to_bytes(4, "big") + text + bytes(len(padded) - len(text) - 4)


def test_epo_9() -> None:
    """EPO-9: the nonce, and the encryption under the text key and a nonce of zeros."""
    hashed = labelled("broadcast nonce", KEY, derive(ALICE, "hedge"), value("32 random bytes"), AT, CONTROL)
    assert value("hedge secret of Alice") == derive(ALICE, "hedge")
    assert value("nonce") == sha256(hashed)
    ciphertext = AESGCM(value("text key")).encrypt(bytes(12), value("padded"), value("header"))
    assert value("broadcast") == b"\x86" + cbor(12, 1, HEAD, value("nonce"), value("commitment"), ciphertext)[1:]
