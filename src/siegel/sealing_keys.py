"""Knows the rotating sealing keys of a user: issue, grace, deletion (spec: identity.md, ID-12, ID-13).

Laws: records of one user are ordered by the instant of issue, which only rises; a deleted key cannot be had again. Save
``encode()`` before a new record is published: a published key whose secret was lost loses messages.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Value, decode, encode
from siegel._core.instants import DAY, LATEST, instant
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import SECRET_BYTES, SealingSecretKey, random_bytes
from siegel.errors import Expired, InvalidArgument, MalformedError
from siegel.identity import (
    BASE_SEALING_NUMBER,
    RECORD_LIFE,
    USER_ID_BYTES,
    Identity,
    PublicIdentity,
    UserId,
    issue,
    sealing_secret,
)

LIFE: Final = 7 * DAY
GRACE: Final = 30 * DAY

_FORMAT: Final = "siegel sealing keys 1"  # local state, not a protocol object: it never leaves the user's own store
_WHERE: Final = "sealing keys"


class _RotatingKey(NamedTuple):
    seed: Secret
    key: SealingSecretKey
    not_after: int
    forget_at: int


class SealingKeys(KeyObject):
    """The rotating sealing secrets of one identity on one device; accepted wherever an identity opens.

    ``life`` (ms) is how long a record with a new key is valid, ``grace`` (ms) how long its secret is kept after it for
    messages on their way. Forward secrecy begins when ``expire`` deletes a key, and covers what was sealed to it.
    """

    __slots__ = ("_grace", "_keys", "_life", "_newest", "identity")

    def __init__(self, identity: Identity, *, life: int = LIFE, grace: int = GRACE) -> None:
        if type(life) is not int or type(grace) is not int or not 0 < life <= LATEST or not 0 <= grace <= LATEST:
            raise InvalidArgument("life and grace are lengths of time in milliseconds")
        self.identity = identity
        self._life, self._grace = life, grace
        self._keys: dict[int, _RotatingKey] = {}
        self._newest = 0

    @property
    def user_id(self) -> UserId:
        """Whose keys these are."""
        return self.identity.user_id

    @property
    def numbers(self) -> tuple[int, ...]:
        """Sealing numbers of the secrets held now, oldest first."""
        return tuple(self._keys)

    def rotate(self, *, at: int | None = None) -> PublicIdentity:
        """A new random key, and the record that publishes it. Save ``encode()`` first, then publish.

        The sealing number is the instant of issue: ``at``, or one more than the newest record if the clock is behind.
        """
        number = self._next_issue(at)
        seed = Secret(random_bytes(SECRET_BYTES))
        key = SealingSecretKey(seed)
        not_after = number + self._life
        record = issue(
            self.identity, sealing_key=key.public, sealing_number=number, issued_at=number, not_after=not_after
        )
        self._keys[number] = _RotatingKey(seed, key, not_after, not_after + self._grace)
        self._newest = number
        return record

    def public(self, *, replace_rotating: bool = False, at: int | None = None) -> PublicIdentity:
        """A record with sealing number 0: recoverable, and without forward secrecy.

        InvalidArgument if rotating keys are held and ``replace_rotating`` is not said: it would end forward secrecy.
        """
        if self._keys and not replace_rotating:
            raise InvalidArgument("rotating keys are held; say replace_rotating=True to publish sealing number 0")
        issued_at = self._next_issue(at)
        record = issue(
            self.identity,
            sealing_key=sealing_secret(self.identity).public,
            sealing_number=BASE_SEALING_NUMBER,
            issued_at=issued_at,
            not_after=issued_at + RECORD_LIFE,
        )
        self._newest = issued_at
        return record

    def newest(self) -> PublicIdentity | None:
        """The newest record that was published, the same bytes again; None before the first."""
        if self._newest == 0:
            return None
        held = self._keys.get(self._newest)
        return issue(
            self.identity,
            sealing_key=held.key.public if held else sealing_secret(self.identity).public,
            sealing_number=self._newest if held else BASE_SEALING_NUMBER,
            issued_at=self._newest,
            not_after=held.not_after if held else self._newest + RECORD_LIFE,
        )

    def expire(self, *, at: int | None = None) -> tuple[int, ...]:
        """Deletes the secrets whose grace has ended; their numbers. Open the mailbox first: nothing opens it later."""
        now = instant(at)
        ended = tuple(number for number, key in self._keys.items() if key.forget_at <= now)
        self._keys = {number: key for number, key in self._keys.items() if key.forget_at > now}
        return ended

    def encode(self) -> bytes:
        """The state. It holds secrets in the clear: keep it in an encrypted store, never in a backup."""
        keys: list[Value] = [
            [number, key.seed.reveal(), key.not_after, key.forget_at] for number, key in self._keys.items()
        ]
        return encode([_FORMAT, self.user_id.data, self._life, self._grace, self._newest, keys])

    @classmethod
    def decode(cls, data: bytes, *, identity: Identity) -> SealingKeys:
        """The state that ``encode`` wrote. MalformedError for other bytes, InvalidArgument for another identity."""
        items = shape.array(decode(data), 6, _WHERE)
        if items[0] != _FORMAT:
            raise MalformedError(_WHERE, "not a state of sealing keys")
        if shape.octets(items[1], USER_ID_BYTES, f"{_WHERE} user id") != identity.user_id.data:
            raise InvalidArgument("these sealing keys belong to another identity")
        life, grace, newest = (shape.uint(item, _WHERE, most=LATEST) for item in items[2:5])
        keys = cls(identity, life=life, grace=grace)
        keys._newest = newest
        previous = BASE_SEALING_NUMBER
        for entry in shape.array(items[5], None, _WHERE):
            fields = shape.array(entry, 4, _WHERE)
            number = shape.uint(fields[0], _WHERE, most=newest)
            if number <= previous:
                raise MalformedError(_WHERE, "the keys are not in the order of their numbers")
            seed = Secret(shape.octets(fields[1], SECRET_BYTES, _WHERE))
            not_after, forget_at = (shape.uint(field, _WHERE, most=LATEST) for field in fields[2:])
            keys._keys[number] = _RotatingKey(seed, SealingSecretKey(seed), not_after, forget_at)
            previous = number
        return keys

    def _next_issue(self, at: int | None) -> int:
        issued_at = max(instant(at), self._newest + 1)
        if issued_at > LATEST - max(self._life + self._grace, RECORD_LIFE):
            raise InvalidArgument("the clock is too far in the future to issue a record")
        return issued_at

    def __repr__(self) -> str:
        return f"<SealingKeys of {self.user_id}, {len(self._keys)} held>"


def opening_key(holder: Identity | SealingKeys, number: int) -> SealingSecretKey:
    """The secret for a sealing number. Expired if it is not held: deleted on schedule, or on another device."""
    if number == BASE_SEALING_NUMBER:
        return sealing_secret(holder if isinstance(holder, Identity) else holder.identity)
    held = holder._keys.get(number) if isinstance(holder, SealingKeys) else None  # noqa: SLF001  # this room's class
    if held is None:
        raise Expired(f"sealed to the rotating key {number}, which is not held here: deleted, or on another device")
    return held.key
