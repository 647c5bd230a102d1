"""Knows answers from published standards, against which a machine's cryptography is checked before it is trusted.

Each check goes through the suite that messages go through. Laws: an answer comes from a standard or, where named, was
computed from one by hand; a check returns nothing or raises.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Final, NamedTuple

from siegel._core import bech32m, codec, suite
from siegel._core.secret import Secret
from siegel.errors import SiegelError
from siegel.identity import Identity
from siegel.sealed import open_sealed, seal
from siegel.words import from_words, to_words


class Check(NamedTuple):
    """One check: what it is about, where its answer comes from, and the check itself."""

    name: str
    source: str
    run: Callable[[], None]


class WrongAnswer(Exception):
    """This machine computes something else than the standard says, or accepts what it must refuse."""


def _expect(answer: bytes, standard: str) -> None:
    if answer != bytes.fromhex(standard):
        raise WrongAnswer("another answer than the standard's")


def _refused(attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except SiegelError:
        return
    raise WrongAnswer("accepted, and has to be refused")


# --- hashes and derivations ------------------------------------------------------------------------------------------


def _sha256() -> None:
    _expect(suite.sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


def _hmac() -> None:
    _expect(
        suite.hmac_sha256(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    )


def _hkdf() -> None:
    salt, material = bytes(range(13)), b"\x0b" * 22
    _expect(
        suite.hkdf_extract(salt=salt, material=material).reveal(),
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    )
    _expect(  # the first 32 of the standard's 42 bytes
        suite.hkdf(salt=salt, secret=Secret(material), info=bytes(range(0xF0, 0xFA))).reveal(),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
    )


def _hkdf_expand() -> None:
    extracted = Secret(bytes.fromhex("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244"))
    first, second = suite.hkdf_expand_pair(extracted, info=bytes(range(0xB0, 0x100)))
    _expect(  # the first 64 of the standard's 82 bytes
        first + second.reveal(),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71",
    )


# --- signatures ------------------------------------------------------------------------------------------------------


def _ed25519() -> None:
    pair = suite.SigningKey(Secret(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")))
    _expect(pair.public, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signed = suite.sign(pair, b"\x72")
    _expect(
        signed,
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    )
    suite.verify(pair.public, b"\x72", signed)
    _refused(lambda: suite.verify(pair.public, b"\x73", signed))


def _ed25519_small_key() -> None:
    # Under A = identity the equation S·B = R + h·A holds for S = 0, R = identity and every message.
    identity = b"\x01" + bytes(31)
    _refused(lambda: suite.verify(identity, b"any message", identity + bytes(32)))
    _refused(lambda: suite.check_signing_key(identity, where="known answer"))


def _ed25519_small_r() -> None:
    # An honest key (seed 09 × 32) and R = identity: OpenSSL accepts it, so two programs could disagree on a message.
    public = bytes.fromhex("fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618")
    r, s = b"\x01" + bytes(31), bytes.fromhex("a3bf1a5e99554d298d59351a7ace6141866e3536a68d7dd87057106c7e807601")
    _refused(lambda: suite.verify(public, b"r=0", r + s))


# --- sealing ---------------------------------------------------------------------------------------------------------

_X_WING_SEED: Final = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
_HPKE_INFO: Final = b"siegel doctor"
_HPKE_CONTENT: Final = bytes(range(32))
# The X-Wing draft's first encapsulation, to the key of the seed above; and under its shared secret the 32 bytes above,
# by the key schedule of RFC 9180 §5.1 in base mode for the suite 647a, 0001, 0002 and the info above.
_HPKE_SEALED: Final = b64decode(
    b"uDqoKNTWK5qDzv/h09O7HvMSZGQ8BwxXmJJ+QfsHkUonP4+W54Js1TdaKD19qIUwTF3gUWoPBlQkPcW5f4v+uDH2glEhmqvdcjvGUSBB"
    b"rLrvivRCZVJJQrkC5o/9IyIc2nCxtV13apLRFD6joMR19j7miQFXxxFtrj9iv3L2Cs0ruMwxziug3jZPUrjtOMedcZcVljpd04QtjotD"
    b"q3BOR1m1MnvwJ8Y8j6hXxJCNWop7iKx/K+OU2Tw3Bt3U5pjMbONwEB9NAhMlQji0ouiCG25BShzyD2wSRLaZBG9aAcqgoaVVFjALQNIE"
    b"jHfMc6+6ea/uqdLAEYvfKtuIcNwyjFUWzEWxogWBQQOeLJChEKnhazGN+1O9SaEm1rc/IVeHUXuJF8wByr0QfQaFmFTui0+YYcIm03ZM"
    b"hzOasWw2Z9L0k4TlVFbdQEFLcKavhBWF9MkMaHJdV3BO6O585uL5vlgtvumF4Dj/w0br+04iFYtshDdKmrSkTh+R3lqsUZf4m8XlRC9R"
    b"+aWTexAro76uv24cWDgKSl/tzkpOUCb4j1KPWf/S20F1Kzo9kO+r5GOJm31AhwxTDIhB6HErczZo7QM62/r7LUnTekTUBk5YY+sK8KCN"
    b"R7PMiINzvAX3ozuEG8JYfFfraVVOijdnt1BpF7a3BJhyfxbqwaNuyNjPr3UVSfInfbJ36KVamlEGsjoCBrRyH6mzBIVSxb1bWU1uJH84"
    b"wYxZGup/ViSccs57EXr8w6hiFYL5z3F4fhg97gk2eXbphAmtkhekl9+IgEI4TXcHprePX3+4QJ47U1F1NzRht3YALXmcutYoYL5wVz7L"
    b"4Tskbg2n6TpSFo4Ptql1a4le9/AUeg3IG/pkSwiKkigWDA+azxN5opQc0owG68gOROF6ovgXcBCv14qXzgho0WKeuylMUVGBLFg9rriG"
    b"hSIPTakRgRLgcEH8wk1VZKmf294ohp/gciOH16mk0W4cyFVZF+CZRKpeuqrsLPYmk6+tQqP1GPzmfSc8xsn7VHKzgOhXPsfeBqO6L9X5"
    b"MdcltJMCbLCsvT/mLQDkx5DZZdegOjwLQiK6jCqaFuKsZY9XKuDnRur8T+ugI1dvCJQieKBB+4KnClldW6y/KXziApiYpx5cOw0cYii0"
    b"hbGt5QmzX7yn7Kl7ITLny2vEZTdRRrfc6slpMIrAwqyJ54Y+uJQwFbJDFMr7nHwOhf5UPVZljCE2Mlme+r/B7EndjIhUe7LMQMnTjL0w"
    b"mbRUeEBWBTHQGIzR6cI6Dr7goD1Vd9ZrHSvLS6ryHMf+8eA4BsqWKZ3w37xW4bK0Pk/CDDf4NMSvYhJ+fa6Gw8JaL2lqyLWJ3scdWVv7"
    b"6Ute1LwH2ACzMHlv2ontt3vgKUE2E5NU64zTdZFXj5xgDdm+jsYhn91Qet8zl+1NaHB7jROyTOTNj7IoUb/p1jJAfzHtb3yxYA3lbxdX"
    b"Z0DOKjL8UUUDAUXPuX5j4OQdNUJ0oHnT5vsuFS5Jo+qchhOUppt/Mhi7ly3XoWgIu6z/RXXOCKI1zuyxnSI+diqat9xzhnVnOofiqA=="
)


def _x_wing_key() -> None:
    pair = suite.SealingSecretKey(Secret(_X_WING_SEED))
    _expect(suite.sha256(pair.public), "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb")


def _hpke_open() -> None:
    pair = suite.SealingSecretKey(Secret(_X_WING_SEED))
    _expect(suite.hpke_open(pair, _HPKE_SEALED, info=_HPKE_INFO).reveal(), _HPKE_CONTENT.hex())
    _refused(lambda: suite.hpke_open(pair, _HPKE_SEALED, info=_HPKE_INFO + b"."))
    _refused(lambda: suite.hpke_open(pair, _HPKE_SEALED[:-1] + bytes([_HPKE_SEALED[-1] ^ 1]), info=_HPKE_INFO))


def _x25519_alias() -> None:
    # u = p + 9 is the base point in another spelling; a library that reduces it has two encodings for one key.
    alias = (2**255 - 19 + 9).to_bytes(32, "little")
    _refuse_sealing_key(_public_key()[: suite.ML_KEM_KEY_BYTES] + alias)


def _ml_kem_modulus() -> None:
    _refuse_sealing_key(b"\xff" * suite.ML_KEM_KEY_BYTES + _public_key()[suite.ML_KEM_KEY_BYTES :])


def _public_key() -> bytes:
    return suite.SealingSecretKey(Secret(_X_WING_SEED)).public


def _refuse_sealing_key(data: bytes) -> None:
    suite.SealingPublicKey(_public_key(), where="known answer")
    _refused(lambda: suite.SealingPublicKey(data, where="known answer"))


# --- content, encoding, text -----------------------------------------------------------------------------------------


def _aes_gcm() -> None:
    key, answer = Secret(bytes(32)), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
    _expect(suite.encrypt_once(key, bytes(16), aad=b""), answer)
    _expect(suite.decrypt_once(key, bytes.fromhex(answer), aad=b""), "00" * 16)
    _refused(lambda: suite.decrypt_once(key, bytes.fromhex(answer), aad=b"."))


def _cbor() -> None:
    _expect(codec.encode([1, [2, 3], [4, 5]]), "8301820203820405")
    _refused(lambda: codec.decode(bytes.fromhex("1801")))  # 1, in two bytes


def _bech32m() -> None:
    valid = "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"
    prefix, values = bech32m.split(valid)
    _expect(prefix.encode() + bytes(values), b"abcdef".hex() + bytes(range(31, -1, -1)).hex())
    _refused(lambda: bech32m.split(valid[:-1] + "y"))


def _words() -> None:
    spelled = "abandon " * 23 + "art"
    _expect(to_words(bytes(32)).encode(), spelled.encode().hex())
    _expect(from_words(spelled), "00" * 32)


# --- this machine ----------------------------------------------------------------------------------------------------


def _entropy() -> None:
    if suite.random_bytes(32) == suite.random_bytes(32):
        raise WrongAnswer("two draws are the same")


def _round_trip() -> None:
    ours, theirs = Identity.generate(), Identity.generate()
    envelope = seal(b"a round trip", sender=ours, recipients=[theirs.public()])
    message = open_sealed(envelope, identity=theirs, contacts=[ours.user_id])
    _expect(message.body, b"a round trip".hex())
    _refused(lambda: open_sealed(envelope, identity=ours, contacts=[]))
    _refused(lambda: open_sealed(envelope[:-1] + bytes([envelope[-1] ^ 1]), identity=theirs, contacts=[ours.user_id]))


CHECKS: Final = (
    Check("SHA-256", "FIPS 180-4, of 'abc'", _sha256),
    Check("HMAC-SHA-256", "RFC 4231, case 2", _hmac),
    Check("HKDF-SHA256", "RFC 5869, case 1", _hkdf),
    Check("HKDF-SHA256, expand", "RFC 5869, case 2", _hkdf_expand),
    Check("Ed25519", "RFC 8032, test 2", _ed25519),
    Check("Ed25519, strict on keys", "a forgery under the key 01 00 … is refused", _ed25519_small_key),
    Check("Ed25519, strict on R", "a signature with R = 01 00 … is refused", _ed25519_small_r),
    Check("X-Wing key", "draft-connolly-cfrg-xwing-kem, vector 1", _x_wing_key),
    Check("HPKE 647a, HKDF, AES-256", "RFC 9180 over the same draft's encapsulation", _hpke_open),
    Check("X25519, strict", "u = p + 9 is refused", _x25519_alias),
    Check("ML-KEM-768, strict", "a coefficient above the modulus is refused", _ml_kem_modulus),
    Check("AES-256-GCM", "the GCM specification, case 14", _aes_gcm),
    Check("CBOR", "RFC 8949, appendix A; a longer form is refused", _cbor),
    Check("bech32m", "BIP 350", _bech32m),
    Check("24 words", "BIP 39, all zeros", _words),
    Check("random generator", "the operating system answers, two draws differ", _entropy),
    Check("round trip", "sealed and opened; a flipped bit is refused", _round_trip),
)
