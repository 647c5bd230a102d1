"""Knows the one secret of a user and the public record made from it (spec: ``docs/spec/identity.md``, ID-1 … ID-10).

Laws: everything a user needs follows from 32 random bytes; no function takes a private and a public key; a public
record that exists as an object has passed every check.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siegel import words as _words
from siegel._core import bech32m, shape
from siegel._core.codec import Value, encode
from siegel._core.frozen import Frozen
from siegel._core.instants import DAY, LATEST, instant
from siegel._core.labels import Label, labelled
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import (
    SEALING_KEY_BYTES,
    SECRET_BYTES,
    SIGNATURE_BYTES,
    SIGNING_KEY_BYTES,
    SealingPublicKey,
    SealingSecretKey,
    SigningKey,
    check_signing_key,
    hkdf,
    random_bytes,
    sign,
    verify,
)
from siegel.errors import Expired, InvalidArgument, MalformedError, NotPermitted

USER_ID_BYTES: Final = SIGNING_KEY_BYTES
BASE_SEALING_NUMBER: Final = 0
RECORD_LIFE: Final = 90 * DAY
MAX_AHEAD: Final = DAY  # a record dated later than this is refused: it would outrank every honest record for long

_ID_PREFIX: Final = "siegel"
_SECRET_PREFIX: Final = "siegel-secret-"
_WHERE: Final = "public identity"


class UserId(Frozen):
    """A user's id: the 32 bytes of the Ed25519 public key. Text form ``siegel1…`` (bech32m).

    Raises MalformedError unless given 32 bytes. That they are a usable key is checked where the key is used.
    """

    __slots__ = ("data",)

    data: bytes

    def __init__(self, data: bytes) -> None:
        if type(data) is not bytes or len(data) != USER_ID_BYTES:
            raise MalformedError("user id", f"{USER_ID_BYTES} bytes are needed")
        object.__setattr__(self, "data", data)  # not _set: a large envelope makes thousands of them

    @classmethod
    def parse(cls, text: str) -> UserId:
        """The user id written as ``siegel1…``. MalformedError for a typing error or another kind of text."""
        user_id = cls(bech32m.decode(text, prefix=_ID_PREFIX, length=USER_ID_BYTES))
        check_signing_key(user_id.data, where="user id")
        return user_id

    def __bytes__(self) -> bytes:
        return self.data

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, UserId) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.data)

    def __str__(self) -> str:
        return bech32m.encode(_ID_PREFIX, self.data)

    def __repr__(self) -> str:
        return f"<UserId {self}>"


class Identity(KeyObject):
    """One user, one secret: 32 random bytes from which all keys of the user follow (HKDF-SHA256, RFC 5869).

    Whoever holds the secret is the user. It is not printed, copied, pickled or compared; ``words()`` and ``reveal()``
    are the two ways to write it down.
    """

    __slots__ = ("_hedge", "_sealing", "_secret", "_signing", "user_id")

    def __init__(self, secret: Secret) -> None:  # ID-2
        if len(secret.reveal()) != SECRET_BYTES or not any(secret.reveal()):
            raise InvalidArgument(f"an identity secret is {SECRET_BYTES} bytes, not all zero")
        self._secret = secret
        self._signing = SigningKey(_derive(secret, Label.DERIVE_SIGN))
        self._hedge = _derive(secret, Label.DERIVE_HEDGE)
        self._sealing: SealingSecretKey | None = None
        self.user_id = UserId(self._signing.public)  # ID-3

    @classmethod
    def generate(cls) -> Identity:
        """A new user, from the operating system's random generator. StateError if that fails."""
        return cls(Secret(random_bytes(SECRET_BYTES)))

    @classmethod
    def from_secret(cls, secret: bytes) -> Identity:
        """The user of these 32 bytes. InvalidArgument for another length or all zeros."""
        return cls(Secret(secret))

    @classmethod
    def from_words(cls, words: str) -> Identity:
        """The user of these 24 words (BIP 39 English). MalformedError names the place of a wrong word."""
        return cls(Secret(_words.from_words(words)))

    @classmethod
    def parse(cls, text: str) -> Identity:
        """The user of this text ``siegel-secret-1…`` (bech32m). MalformedError for a typing error or other text."""
        return cls(Secret(bech32m.decode(text, prefix=_SECRET_PREFIX, length=SECRET_BYTES)))

    def words(self) -> str:
        """The secret as 24 words for paper. They are the secret: whoever reads them is the user."""
        return _words.to_words(self._secret.reveal())

    def reveal(self) -> str:
        """The secret as text ``siegel-secret-1…``. Whoever reads it is the user."""
        return bech32m.encode(_SECRET_PREFIX, self._secret.reveal())

    def public(self, *, at: int | None = None) -> PublicIdentity:
        """A record with sealing number 0, valid for 90 days from ``at`` (ms; None: now).

        What is sealed to it opens from the 32 bytes alone: with all devices lost, or from paper. It has no forward
        secrecy. Where rotating keys exist, use ``SealingKeys.public(replace_rotating=True)``.
        """
        issued_at = instant(at)
        return issue(
            self,
            sealing_key=sealing_secret(self).public,
            sealing_number=BASE_SEALING_NUMBER,
            issued_at=issued_at,
            not_after=min(issued_at + RECORD_LIFE, LATEST),
        )

    def __repr__(self) -> str:
        return f"<Identity of {self.user_id}>"


def _derive(secret: Secret, purpose: Label) -> Secret:  # ID-1
    return hkdf(salt=Label.IDENTITY.text.encode("ascii"), secret=secret, info=labelled(purpose))


# For the rooms above; not public: no raw signing and no key agreement is offered to applications (attack PR-5).


def signing_key(identity: Identity) -> SigningKey:
    """The key that signs for this user, always over a labelled text."""
    return identity._signing  # noqa: SLF001  # the class is this room's own


def hedge_secret(identity: Identity) -> Secret:
    """The secret mixed into fresh keys against a repeated random generator (P9)."""
    return identity._hedge  # noqa: SLF001  # the class is this room's own


def store_secret(identity: Identity) -> Secret:
    """The secret that unlocks this user's stores."""
    return _derive(identity._secret, Label.DERIVE_STORE)  # noqa: SLF001  # the class is this room's own


def backup_secret(identity: Identity) -> Secret:
    """The secret that opens this user's backups."""
    return _derive(identity._secret, Label.DERIVE_BACKUP)  # noqa: SLF001  # the class is this room's own


def sealing_secret(identity: Identity) -> SealingSecretKey:
    """The base sealing key, number 0 (ID-4); loaded at its first use."""
    if identity._sealing is None:  # noqa: SLF001  # the class is this room's own
        identity._sealing = SealingSecretKey(_derive(identity._secret, Label.DERIVE_SEAL))  # noqa: SLF001  # as above
    return identity._sealing  # noqa: SLF001  # as above


# --- the public record -----------------------------------------------------------------------------------------------


class PublicIdentity(Frozen):
    """A self-signed record: who a user is and where to seal to. Made by ``Identity.public`` or ``decode``, checked.

    ``sealing_number`` 0 is the key that follows from the identity secret; above 0 it is a rotating key, numbered by the
    instant of its issue. ``issued_at`` and ``not_after`` are instants (ms). Sealing twice to one object loads its key
    once.
    """

    __slots__ = ("_encoded", "issued_at", "not_after", "sealing_key", "sealing_number", "user_id")

    user_id: UserId
    sealing_key: SealingPublicKey
    sealing_number: int
    issued_at: int
    not_after: int
    _encoded: bytes

    def __init__(
        self,
        user_id: UserId,
        *,
        sealing_key: SealingPublicKey,
        sealing_number: int,
        issued_at: int,
        not_after: int,
        encoded: bytes,
    ) -> None:
        self._set(
            user_id=user_id,
            sealing_key=sealing_key,
            sealing_number=sealing_number,
            issued_at=issued_at,
            not_after=not_after,
            _encoded=encoded,
        )

    @classmethod
    def decode(cls, data: bytes, *, at: int | None = None) -> PublicIdentity:
        """The record that the bytes hold, after every check, the clock last (ID-10): what is Expired is authentic.

        Raises MalformedError (encoding, shape, a key that is not canonical or weak), UnsupportedVersion,
        InvalidMessage (signature), Expired (past ``not_after``), NotPermitted (dated more than 24 h ahead of ``at``).
        """
        now = instant(at)
        record = parse_record(data)
        if record.not_after <= now:
            raise Expired(f"{_WHERE}: the record has ended")
        if record.issued_at > now + MAX_AHEAD:
            raise NotPermitted(f"{_WHERE}: dated more than 24 hours ahead of the clock")
        return record

    def encode(self) -> bytes:
        """The signed bytes, about 1.4 kB, the same that were decoded."""
        return self._encoded

    def __eq__(self, other: object) -> bool:
        return self._encoded == other._encoded if isinstance(other, PublicIdentity) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._encoded)

    def __repr__(self) -> str:
        return f"<PublicIdentity of {self.user_id}, sealing number {self.sealing_number}>"


def parse_record(data: bytes) -> PublicIdentity:
    """The record (ID-5), after every check that needs no clock. For rooms that keep records past their end."""
    items = shape.top_level(data, kind=shape.PUBLIC_IDENTITY, fields=6, where=_WHERE)
    user_id = shape.octets(items[0], SIGNING_KEY_BYTES, f"{_WHERE} signing key")
    sealing_key = shape.octets(items[1], SEALING_KEY_BYTES, f"{_WHERE} sealing key")
    sealing_number = shape.uint(items[2], f"{_WHERE} sealing number", most=LATEST)
    issued_at = shape.uint(items[3], f"{_WHERE} issued at", most=LATEST)
    not_after = shape.uint(items[4], f"{_WHERE} not after", most=LATEST)
    signature = shape.octets(items[5], SIGNATURE_BYTES, f"{_WHERE} signature")
    check_signing_key(user_id, where=f"{_WHERE} signing key")  # ID-6
    loaded = SealingPublicKey(sealing_key, where=f"{_WHERE} sealing key")  # ID-7
    if not_after <= issued_at:  # ID-8
        raise MalformedError(f"{_WHERE} not after", "the record ends before it begins")
    if sealing_number > issued_at:
        raise MalformedError(f"{_WHERE} sealing number", "the key is younger than the record")
    verify(user_id, _signed_part(items[:5]), signature)  # ID-9
    return PublicIdentity(
        UserId(user_id),
        sealing_key=loaded,
        sealing_number=sealing_number,
        issued_at=issued_at,
        not_after=not_after,
        encoded=data,
    )


def issue(
    identity: Identity, *, sealing_key: bytes, sealing_number: int, issued_at: int, not_after: int
) -> PublicIdentity:
    """A new signed record of this identity for one of its own sealing keys. InvalidArgument if none would be valid."""
    if not_after <= issued_at:
        raise InvalidArgument("the clock is too far in the future to issue a record")
    fields: list[Value] = [identity.user_id.data, sealing_key, sealing_number, issued_at, not_after]
    signature = sign(signing_key(identity), _signed_part(fields))
    data = encode([shape.PUBLIC_IDENTITY, shape.VERSION, *fields, signature])
    loaded = SealingPublicKey(sealing_key, where=f"{_WHERE} sealing key")
    return PublicIdentity(
        identity.user_id,
        sealing_key=loaded,
        sealing_number=sealing_number,
        issued_at=issued_at,
        not_after=not_after,
        encoded=data,
    )


def _signed_part(fields: Sequence[Value]) -> bytes:
    return labelled(Label.PUBLIC_IDENTITY, shape.PUBLIC_IDENTITY, shape.VERSION, *fields)
