"""Knows how an identity is handed over after a compromise (spec: identity.md, ID-18).

Law: a succession is signed by the old *and* the new key, and is still only a hint: whoever stole the old key can sign
one too. A person compares the new safety number; rosters change by remove and add alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siegel._core import shape
from siegel._core.codec import Value, encode
from siegel._core.frozen import Frozen
from siegel._core.instants import LATEST, instant
from siegel._core.labels import Label, labelled
from siegel._core.suite import SIGNATURE_BYTES, check_signing_key, sign, verify
from siegel.errors import InvalidArgument, MalformedError
from siegel.identity import USER_ID_BYTES, Identity, UserId, signing_key

_WHERE: Final = "succession"


class Succession(Frozen):
    """A checked record: ``old`` says, and ``new`` agrees, that ``new`` takes over; ``at`` is their claim (ms)."""

    __slots__ = ("_encoded", "at", "new", "old")

    old: UserId
    new: UserId
    at: int
    _encoded: bytes

    def __init__(self, old: UserId, new: UserId, at: int, encoded: bytes) -> None:
        self._set(old=old, new=new, at=at, _encoded=encoded)

    @classmethod
    def create(cls, *, old: Identity, new: Identity, at: int | None = None) -> Succession:
        """Signs the hand-over with both identities. InvalidArgument if they are one."""
        if old.user_id == new.user_id:
            raise InvalidArgument("an identity cannot succeed itself")
        fields: list[Value] = [old.user_id.data, new.user_id.data, instant(at)]
        signed = _signed_part(fields)
        signatures = sign(signing_key(old), signed), sign(signing_key(new), signed)
        return cls.decode(encode([shape.SUCCESSION, shape.VERSION, *fields, *signatures]))

    @classmethod
    def decode(cls, data: bytes) -> Succession:
        """The record that the bytes hold. MalformedError, UnsupportedVersion, or InvalidMessage for a signature."""
        items = shape.top_level(data, kind=shape.SUCCESSION, fields=5, where=_WHERE)
        old = shape.octets(items[0], USER_ID_BYTES, f"{_WHERE} old user id")
        new = shape.octets(items[1], USER_ID_BYTES, f"{_WHERE} new user id")
        at = shape.uint(items[2], f"{_WHERE} at", most=LATEST)
        old_signature = shape.octets(items[3], SIGNATURE_BYTES, f"{_WHERE} old signature")
        new_signature = shape.octets(items[4], SIGNATURE_BYTES, f"{_WHERE} new signature")
        if old == new:
            raise MalformedError(_WHERE, "an identity cannot succeed itself")
        check_signing_key(old, where=f"{_WHERE} old user id")
        check_signing_key(new, where=f"{_WHERE} new user id")
        signed = _signed_part(items[:3])
        verify(old, signed, old_signature)
        verify(new, signed, new_signature)
        return cls(UserId(old), UserId(new), at, data)

    def encode(self) -> bytes:
        """The signed bytes."""
        return self._encoded

    def __repr__(self) -> str:
        return f"<Succession of {self.old} by {self.new}>"


def _signed_part(fields: Sequence[Value]) -> bytes:
    return labelled(Label.SUCCESSION, shape.SUCCESSION, shape.VERSION, *fields)
