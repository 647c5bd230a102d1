"""Knows what a store is unlocked with, and how 32 bytes come of it (spec: UNL-2, UNL-3).

Laws: no key is a default, and none is empty (attack ST-11); what a passphrase costs has a floor and a ceiling, which
are checked before anything is derived (ST-1).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple, Protocol, TypeAlias, runtime_checkable
from unicodedata import category, normalize

from siegel import words as _words
from siegel._core.passwords import argon2id
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import SECRET_BYTES, random_bytes
from siegel.errors import InvalidArgument, KeyUnavailable, MalformedError
from siegel.identity import Identity, store_secret

MAX_PASSPHRASE_BYTES: Final = 1_024
MAX_BLOB_BYTES: Final = 4_096  # what a key provider may make of 32 bytes


class Passphrase(KeyObject):
    """A passphrase that a person chose: 1 to 1,024 bytes of UTF-8 after normalisation.

    It is brought to Unicode normal form C, and every kind of space becomes the common one, as RFC 8265 has it
    (OpaqueString): so the same words typed on another keyboard are the same passphrase. Case counts. InvalidArgument
    for an empty one, one of spaces alone, and for control characters or characters that Unicode does not know.
    """

    __slots__ = ("_secret",)

    def __init__(self, text: str) -> None:
        if type(text) is not str or not text.strip():
            raise InvalidArgument("a passphrase is text that is not empty")
        if any(category(sign) in {"Cc", "Cs", "Cn"} for sign in text):
            raise InvalidArgument("a passphrase has no control characters, such as a line end, and no unknown ones")
        spaced = "".join(" " if category(sign) == "Zs" else sign for sign in text)
        data = normalize("NFC", spaced).encode("utf-8")
        if len(data) > MAX_PASSPHRASE_BYTES:
            raise InvalidArgument(f"a passphrase has at most {MAX_PASSPHRASE_BYTES} bytes of UTF-8")
        self._secret = Secret(data)


class RecoveryWords(KeyObject):
    """24 words for paper (BIP 39 English) that unlock a store: 32 random bytes, no passphrase.

    They are another secret than the words of an identity, and do not restore one. MalformedError names the place of a
    wrong word.
    """

    __slots__ = ("_secret",)

    def __init__(self, words: str) -> None:
        self._secret = _raw(_words.from_words(words))

    @classmethod
    def generate(cls) -> RecoveryWords:
        """New words, from the operating system's random generator."""
        return cls(_words.to_words(random_bytes(SECRET_BYTES)))

    def words(self) -> str:
        """The words. Whoever reads them can unlock the store."""
        return _words.to_words(self._secret.reveal())


@runtime_checkable
class KeyProvider(Protocol):
    """A key outside of this process that unlocks a store: a key management service, a security module, a keystore."""

    def wrap(self, secret: bytes) -> bytes:
        """1 to 4,096 bytes from which only this provider can get the 32-byte secret back."""
        ...

    def unwrap(self, blob: bytes) -> bytes:
        """The secret. Raises if it cannot; whatever it raises becomes the cause of KeyUnavailable."""
        ...


Key: TypeAlias = "Identity | bytes | Passphrase | RecoveryWords | KeyProvider"


class Kind(IntEnum):
    """What kind of key opens a slot. There is no kind without a key."""

    IDENTITY = 1
    RAW = 2
    PASSPHRASE = 3
    WORDS = 4
    PROVIDER = 5


def kind_of(key: Key) -> Kind:
    """Its kind. InvalidArgument for what is no key."""
    match key:
        case Identity():
            return Kind.IDENTITY
        case bytes():
            _raw(key)
            return Kind.RAW
        case Passphrase():
            return Kind.PASSPHRASE
        case RecoveryWords():
            return Kind.WORDS
        case KeyProvider():
            return Kind.PROVIDER
        case _:
            raise InvalidArgument(
                "a store is unlocked by an Identity, 32 bytes, a Passphrase, RecoveryWords or a KeyProvider"
            )


def _raw(data: bytes) -> Secret:
    if len(data) != SECRET_BYTES or not any(data):
        raise InvalidArgument(f"a key is {SECRET_BYTES} bytes, not all zero")
    return Secret(data)


# --- cost ------------------------------------------------------------------------------------------------------------


class Argon2Cost(NamedTuple):
    """What one guess at a passphrase costs: Argon2id (RFC 9106). The default takes about 0.3 seconds and 64 MiB.

    Memory from 19 MiB to 1 GiB, 2 to 16 passes, 1 to 8 lanes, and at most 4 GiB of memory times passes.
    """

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4


FLOOR: Final = Argon2Cost(19_456, 2, 1)
CEILING: Final = Argon2Cost(1_048_576, 16, 8)
MAX_WORK: Final = 4 * 1_048_576  # memory times passes: about six seconds, so that no file can stall a program for long


def check_cost(cost: Argon2Cost) -> None:
    """MalformedError for less than the floor, which a guess could be had cheaper by, or more than the ceiling."""
    for name, value, least, most in zip(cost._fields, cost, FLOOR, CEILING, strict=True):
        if not least <= value <= most:
            raise MalformedError("cost", f"{name} {value} is not from {least} to {most}")
    if cost.memory_kib * cost.passes > MAX_WORK:
        raise MalformedError("cost", "memory times passes is above 4 GiB")


def require_cost(cost: Argon2Cost) -> None:
    """InvalidArgument for a cost that the caller may not ask for."""
    try:
        check_cost(cost)
    except MalformedError as error:
        what = str(error)
    else:
        return
    raise InvalidArgument(what)


# --- 32 bytes ---------------------------------------------------------------------------------------------------------


def secret_of(key: Key, *, cost: Argon2Cost | None, salt: bytes, blob: bytes) -> Secret:
    """The 32 bytes under which the root is wrapped. KeyUnavailable if they cannot be had."""
    match key:
        case Identity():
            return store_secret(key)
        case bytes():
            return _raw(key)
        case Passphrase() if cost is not None:
            return _stretched(key, cost, salt)
        case RecoveryWords():
            return key._secret  # noqa: SLF001  # the class is this room's own
        case KeyProvider():
            return _asked(key, blob)
        case _:
            raise InvalidArgument("a passphrase needs a cost")


def _stretched(passphrase: Passphrase, cost: Argon2Cost, salt: bytes) -> Secret:
    try:
        return argon2id(passphrase._secret, salt=salt, **cost._asdict())  # noqa: SLF001  # the class is this room's own
    except MemoryError as error:  # within the ceiling, and still more than this machine has
        raise KeyUnavailable(f"the passphrase takes {cost.memory_kib} KiB of memory, which are not there") from error


def blob_of(provider: KeyProvider, secret: Secret) -> bytes:
    """What the provider makes of the secret. KeyUnavailable if it fails."""
    try:
        blob = provider.wrap(secret.reveal())
    except Exception as error:  # the application's code: what it raises becomes the cause
        raise KeyUnavailable("the key provider did not wrap the key") from error
    if type(blob) is not bytes or not 0 < len(blob) <= MAX_BLOB_BYTES:
        raise KeyUnavailable(f"the key provider gave no bytes, or more than {MAX_BLOB_BYTES}")
    return blob


def _asked(provider: KeyProvider, blob: bytes) -> Secret:
    try:
        data = provider.unwrap(blob)
    except Exception as error:  # the application's code: what it raises becomes the cause
        raise KeyUnavailable("the key provider did not unwrap the key") from error
    if type(data) is not bytes or len(data) != SECRET_BYTES:
        raise KeyUnavailable(f"the key provider did not give {SECRET_BYTES} bytes")
    return Secret(data)
