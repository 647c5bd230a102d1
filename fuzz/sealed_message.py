"""Fuzzes what reads sealed messages: envelopes and letters from outside, and content from a hostile sender."""

from __future__ import annotations

from fuzz.running import Finding, instrumented, run

with instrumented():
    from siegel import Identity, SealingKeys, audit_recipients, inspect_envelope, letters, open_sealed, seal
    from siegel.errors import SiegelError
    from siegel.sealed import seal_content, seal_each

AT = 1_700_000_000_000
ALICE, BOB, CAROL = (Identity.from_secret(bytes([number]) * 32) for number in (1, 2, 3))
RECORDS = [person.public(at=AT) for person in (ALICE, BOB, CAROL)]
KEYS = SealingKeys(BOB)
BODY = b"what Alice wrote"


def _sealed(count: int, *, private: bool) -> bytes:
    return seal(BODY, sender=ALICE, recipients=RECORDS[-count:], private=private, content_type="a", at=AT)


_ENVELOPES = [_sealed(2, private=False), _sealed(3, private=True), _sealed(2, private=True)]
_CONTENTS = ["83 6161 00 41 61", "83 6161 1b0000018bcfe56800 40", "83 60 00 40", "82 6161 00", "a0", "83 f6 f6 f6"]

# The first byte: even for bytes from outside, odd for inner content that reaches Bob under a good seal.
SEEDS = [
    *(b"\0" + envelope for envelope in _ENVELOPES),
    *(b"\0" + letter for envelope in _ENVELOPES for _, letter in letters(envelope)),
    *(b"\1" + bytes.fromhex(content) for content in _CONTENTS),
]


def one_input(data: bytes) -> None:
    """Refused as a SiegelError and with nothing changed; what opens from outside is what Alice wrote."""
    before = KEYS.encode()
    if data[:1] and data[0] % 2:
        _from_a_hostile_sender(data[1:])
    else:
        _from_outside(data[1:])
    if KEYS.encode() != before:
        raise Finding("the state has changed")


def _from_outside(data: bytes) -> None:
    try:
        info = inspect_envelope(data)
    except SiegelError:
        info = None
    for read in (lambda: list(letters(data)), lambda: audit_recipients(data, allowed=[BOB.user_id])):
        try:
            read()
        except SiegelError:
            continue
        if info is None:
            raise Finding("read, and not inspected")
    try:
        message = open_sealed(data, identity=KEYS, contacts=[ALICE.user_id], allow_anonymous=True)
    except SiegelError:
        return
    if (message.body, message.sender) != (BODY, ALICE.user_id):
        raise Finding("a forgery")
    if info is None or info.message_id != message.message_id:
        raise Finding("opened, and inspected differently")


def _from_a_hostile_sender(content: bytes) -> None:
    envelope = seal_content(
        content, sender=ALICE, recipients=RECORDS[1:2], private=False, nonce=bytes(32), salt=bytes(32), sealer=seal_each
    )
    try:
        message = open_sealed(envelope, identity=KEYS, contacts=[ALICE.user_id])
    except SiegelError:
        return
    if message.sender != ALICE.user_id or message.body not in content:
        raise Finding("opened as something else")
    if not 1 <= len(message.content_type.encode()) <= 255:
        raise Finding("a content type without an allowed length")


if __name__ == "__main__":
    run(one_input, seeds=SEEDS, longest=8192)
