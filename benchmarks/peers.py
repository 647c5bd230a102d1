"""Knows the peers: other packages that encrypt to a public key. Each is optional; one not installed is left out.

None does the same work: the name says what each does. They show an order of magnitude, not a ranking.
"""
# pyright: reportMissingImports=false
# Peers are optional and not installed where the types are checked.

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's two operations on the benchmark's body."""

    name: str
    seal: Callable[[], object]
    open: Callable[[], object]


def installed_peers(body: bytes) -> Iterator[Peer]:
    """The peers that are installed, each checked once to return the body."""
    for make in (_pynacl, _pyrage, _pyhpke, _tink, _pysequoia):
        try:
            peer = make(body)
        except ImportError:
            continue
        yield peer


def missing_peers() -> list[str]:
    """Names of the packages that are not installed."""
    missing: list[str] = []
    for package in ("nacl", "pyrage", "pyhpke", "tink", "pysequoia", "vodozemac", "olm", "rine_mls", "sqlcipher3"):
        try:
            __import__(package)
        except ImportError:
            missing.append(package)
    return missing


def _pynacl(body: bytes) -> Peer:
    from nacl.public import PrivateKey, SealedBox  # noqa: PLC0415  # optional

    secret = PrivateKey.generate()
    outer, inner = SealedBox(secret.public_key), SealedBox(secret)
    sealed = outer.encrypt(body)
    assert inner.decrypt(sealed) == body
    return Peer("PyNaCl SealedBox (X25519, unsigned)", lambda: outer.encrypt(body), lambda: inner.decrypt(sealed))


def _pyrage(body: bytes) -> Peer:
    import pyrage  # noqa: PLC0415  # optional

    secret = pyrage.x25519.Identity.generate()
    recipient = secret.to_public()
    sealed = pyrage.encrypt(body, [recipient])
    assert pyrage.decrypt(sealed, [secret]) == body
    return Peer(
        "pyrage (age, X25519, unsigned)",
        lambda: pyrage.encrypt(body, [recipient]),
        lambda: pyrage.decrypt(sealed, [secret]),
    )


def _pyhpke(body: bytes) -> Peer:
    from pyhpke import AEADId, CipherSuite, KDFId, KEMId  # noqa: PLC0415  # optional

    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
    pair = suite.kem.derive_key_pair(bytes(range(32)))

    def sealing() -> tuple[bytes, bytes]:
        encapsulated, context = suite.create_sender_context(pair.public_key)
        return encapsulated, context.seal(body)

    encapsulated, sealed = sealing()

    def opening() -> bytes:
        opened: bytes = suite.create_recipient_context(encapsulated, pair.private_key).open(sealed)
        return opened

    assert opening() == body
    return Peer("pyhpke (HPKE X25519, unsigned)", sealing, opening)


def _tink(body: bytes) -> Peer:
    import tink  # noqa: PLC0415  # optional
    from tink import hybrid  # noqa: PLC0415  # optional

    hybrid.register()
    template = hybrid.hybrid_key_templates.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM
    secret = tink.new_keyset_handle(template)
    decrypter = secret.primitive(hybrid.HybridDecrypt)
    encrypter = secret.public_keyset_handle().primitive(hybrid.HybridEncrypt)
    sealed = encrypter.encrypt(body, b"")
    assert decrypter.decrypt(sealed, b"") == body
    return Peer(
        "tink (HPKE X25519, unsigned)", lambda: encrypter.encrypt(body, b""), lambda: decrypter.decrypt(sealed, b"")
    )


def _pysequoia(body: bytes) -> Peer:
    from pysequoia import Cert, decrypt, encrypt  # noqa: PLC0415  # optional

    alice, bob = Cert.generate("Alice <alice@example.org>"), Cert.generate("Bob <bob@example.org>")
    decryptor = bob.secrets.decryptor()

    def sealing() -> bytes:
        sealed: bytes = encrypt(signer=alice.secrets.signer(), recipients=[bob], bytes=body)
        return sealed

    sealed = sealing()

    def opening() -> object:
        return decrypt(decryptor=decryptor, bytes=sealed, store=lambda _: [alice]).bytes

    assert opening() == body
    return Peer("pysequoia (OpenPGP, X25519, signed)", sealing, opening)


@dataclass(frozen=True, slots=True)
class GroupPeer:
    """A peer's group session: encrypting the body once, and decrypting its whole backlog."""

    name: str
    encrypt: Callable[[], object]
    backlog: Callable[[], object]


def installed_group_peers(body: bytes, count: int) -> Iterator[GroupPeer]:
    """The peers with group sessions that are installed, each checked once to return the body."""
    for make in (_vodozemac, _olm, _mls):
        try:
            peer = make(body, count)
        except ImportError:
            continue
        yield peer


def megolm_peer(body: bytes, count: int) -> GroupPeer | None:
    """The fastest of them alone, or None."""
    try:
        return _vodozemac(body, count)
    except ImportError:
        return None


def _vodozemac(body: bytes, count: int) -> GroupPeer:
    import vodozemac  # noqa: PLC0415  # optional

    sender = vodozemac.GroupSession()
    key = sender.session_key
    backlog = [sender.encrypt(body) for _ in range(count)]

    def decrypting() -> object:
        receiver = vodozemac.InboundGroupSession(key)
        return [receiver.decrypt(message) for message in backlog]

    assert vodozemac.InboundGroupSession(key).decrypt(backlog[0]).plaintext == body
    return GroupPeer("vodozemac (Megolm)", lambda: sender.encrypt(body), decrypting)


def _olm(body: bytes, count: int) -> GroupPeer:
    import olm  # noqa: PLC0415  # optional

    sender = olm.OutboundGroupSession()
    key, text = sender.session_key, body.hex()[: len(body)]  # takes text only: as many bytes of it
    backlog = [sender.encrypt(text) for _ in range(count)]

    def decrypting() -> object:
        receiver = olm.InboundGroupSession(key)
        return [receiver.decrypt(message) for message in backlog]

    assert olm.InboundGroupSession(key).decrypt(backlog[0])[0] == text
    return GroupPeer("python-olm (Megolm)", lambda: sender.encrypt(text), decrypting)


def _mls(body: bytes, count: int) -> GroupPeer:
    import rine_mls  # noqa: PLC0415  # optional

    store, group_id, suite = TemporaryDirectory(), os.urandom(16), rine_mls.CIPHER_SUITE_XWING
    sender, receiver = (rine_mls.MlsClient(str(Path(store.name) / who), os.urandom(32), suite) for who in "ab")
    group = sender.create_group_with_members(group_id, [receiver.generate_key_package()])
    receiver.join_from_welcome(group.last_commit().welcomes[0]).save()
    backlog = [group.encrypt_application_message(body) for _ in range(count)]

    def decrypting() -> object:
        assert store.name  # the receiver's state before the backlog, as long as this function lives
        joined = receiver.load_group(group_id)
        return [joined.decrypt_application_message(message) for message in backlog]

    decrypting()
    return GroupPeer("rine-mls (MLS, own framing)", lambda: group.encrypt_application_message(body), decrypting)
