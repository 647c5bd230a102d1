"""Knows how two people compare keys: safety numbers and their QR payload (spec: identity.md, ID-16, ID-17).

Law: both sides compute the same; a comparison returns nothing or raises.
"""

from __future__ import annotations

import hmac
from typing import Final

from siegel._core.labels import Label, labelled
from siegel._core.suite import sha256
from siegel.errors import IdentityChanged, MalformedError, UnsupportedVersion
from siegel.identity import USER_ID_BYTES, UserId

_DIGITS: Final = 60
_GROUP: Final = 5
_QR_VERSION: Final = b"\x01"


def safety_number(ours: UserId, theirs: UserId) -> str:
    """60 decimal digits in twelve groups of five, the same on both sides; 199 bits of a SHA-256 over both ids.

    Compare them in person or over another channel. That two numbers agree means: both devices hold the same two ids.
    """
    low, high = sorted((ours.data, theirs.data))
    number = int.from_bytes(sha256(labelled(Label.SAFETY_NUMBER, low, high)), "big") % 10**_DIGITS
    digits = f"{number:0{_DIGITS}d}"
    return " ".join(digits[i : i + _GROUP] for i in range(0, _DIGITS, _GROUP))


def safety_qr(ours: UserId, theirs: UserId) -> bytes:
    """The QR payload that we show to them, 65 bytes: version, our id, their id."""
    return _QR_VERSION + ours.data + theirs.data


def check_safety(seen: str | bytes, *, ours: UserId, theirs: UserId) -> None:
    """Compares what the other side shows: its number (spaces do not matter) or the payload of its QR code.

    Raises IdentityChanged if it differs; MalformedError or UnsupportedVersion if it is no such thing.
    """
    if isinstance(seen, str):
        digits = "".join(seen.split())
        if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
            raise MalformedError("safety number", f"{_DIGITS} digits are needed")
        same = hmac.compare_digest(digits, safety_number(ours, theirs).replace(" ", ""))
    else:
        if seen[:1] != _QR_VERSION:
            raise UnsupportedVersion("safety number QR", seen[0] if seen else 0)
        if len(seen) != 1 + 2 * USER_ID_BYTES:
            raise MalformedError("safety number QR", f"{1 + 2 * USER_ID_BYTES} bytes are needed, not {len(seen)}")
        same = hmac.compare_digest(seen, safety_qr(theirs, ours))  # they show: their id first
    if not same:
        raise IdentityChanged("the safety numbers differ: the two devices do not hold the same two identities")
