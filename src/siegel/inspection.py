"""Knows what an envelope shows without a key, and how a ghost recipient is found (spec: sealed.md, SEAL-11, SEAL-20).

What this proves: nobody but the sender can have added a reader. What it cannot prove: that a sender's client does not
give the content secret away.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from siegel.envelope import Letter, message_id, parse_envelope, parse_sealed
from siegel.errors import NotPermitted
from siegel.identity import UserId


class EnvelopeInfo(NamedTuple):
    """What anybody can read: for whom an envelope is labelled. Labels are as signed by the sender once it opens.

    ``recipients`` are (user id, sealing number) of the entries that are there: all of an envelope, the one of a letter.
    ``recipient_count`` is what the sender wrote. ``body_bytes`` is the length of the body's ciphertext.
    """

    letter: bool
    private: bool
    recipients: tuple[tuple[UserId, int], ...]
    recipient_count: int
    body_bytes: int
    message_id: bytes


def inspect_envelope(envelope: bytes) -> EnvelopeInfo:
    """Reads an envelope or letter without a key. Raises LimitExceeded, MalformedError, UnsupportedVersion.

    Entries that are not the recipients under the header's root are MalformedError: that is how an entry which a server
    added, took away or renamed is found before anybody opens it.
    """
    whole = parse_sealed(envelope)
    return EnvelopeInfo(
        letter=isinstance(whole, Letter),
        private=whole.header.private,
        recipients=tuple((UserId(entry.user_id), entry.sealing_number) for entry in whole.entries),
        recipient_count=whole.header.recipient_count,
        body_bytes=len(whole.body),
        message_id=message_id(whole.header, whole.body),
    )


def audit_recipients(envelope: bytes, *, allowed: Collection[UserId]) -> None:
    """Returns if every label of the envelope is allowed; NotPermitted names those that are not.

    A letter is MalformedError: it does not carry all entries. Raises what ``inspect_envelope`` raises.
    """
    permitted = set(allowed)
    labels = [UserId(entry.user_id) for entry in parse_envelope(envelope).entries]
    outside = [str(user_id) for user_id in labels if user_id not in permitted]
    if outside:
        raise NotPermitted("labelled for users outside the allowed set: " + ", ".join(outside))
