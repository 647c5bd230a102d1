"""Attacks on what callers do with results and secrets, EN-5 and EN-6 of the catalogue (README.md in this folder)."""

from __future__ import annotations

import copy
import json
import os
import pickle
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from siegel import (
    Group,
    Identity,
    MemoryStorage,
    Outgoing,
    PublicIdentity,
    SealingKeys,
    SiegelError,
    Succession,
    UserId,
    inspect_envelope,
    letters,
    open_sealed,
    seal,
)
from siegel.errors import InvalidArgument, MalformedError
from siegel.identity import hedge_secret, sealing_secret, signing_key
from tests.attacks.artefacts import ENVELOPE, RECORD, SUCCESSION, sealed
from tests.attacks.attacker import (
    ALICE,
    BOB,
    CAROL,
    EVERYBODY,
    MALLORY,
    NOW,
    Person,
    assert_no_secret,
    refused,
    remember_secret,
    sha256,
)
from tests.attacks.failures import after_a_secret
from tests.attacks.groups import World
from tests.attacks.interface import public_callables
from tests.attacks.mutations import field

# --- EN-5: verified is not used --------------------------------------------------------------------------------------


class Chameleon(bytes):
    """Bytes that say one thing when they are compared and another when they are read."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def as_text(data: bytes) -> str:
    return data.decode("latin-1")


@pytest.mark.parametrize("kind", [bytearray, memoryview, Chameleon, list, as_text])
def test_en_5_only_bytes_that_cannot_change(kind: Callable[[bytes], Any]) -> None:
    """OpenPGP.js CVE-2025-47934, gpg.fail, event-id caches: the data used is not the data verified. A buffer that
    changes between check and use, or lies. Holds: untrusted input is ``bytes`` exactly.
    """
    for artefact in (ENVELOPE, RECORD, SUCCESSION):
        with refused(InvalidArgument):
            artefact.read(kind(artefact.data))
    for read in (inspect_envelope, letters):
        with refused(InvalidArgument):
            read(kind(ENVELOPE.data))
    with refused(MalformedError):
        UserId(kind(BOB.id))


@pytest.mark.parametrize("view", [bytearray, lambda data: memoryview(bytearray(data))], ids=["bytearray", "memoryview"])
def test_en_5_a_body_that_changes_while_it_is_sealed(view: Callable[[bytes], Any]) -> None:
    """As above, on the sender's side: the recipients are an iterator that changes the body. Holds: one text is signed
    and encrypted, the one at the time of sealing.
    """
    body = view(b"meet at noon")

    def people() -> Any:
        yield BOB.record
        body[8:12] = b"nine"
        yield CAROL.record

    envelope = seal(body, sender=ALICE.identity, recipients=people(), at=NOW)
    body[8:12] = b"dawn"
    read = {open_sealed(envelope, identity=p.identity, contacts=EVERYBODY).body for p in (BOB, CAROL)}
    assert read == {b"meet at nine"}


def test_en_5_no_yes_or_no() -> None:
    """As above: ``if verify(…)`` forgotten, or inverted. Holds: no public function returns a truth value, but for when
    it is time to refresh, who may post, and what every file is asked; an authentic result is an object that cannot be
    changed, anything else is raised.
    """
    of_groups = {"Group.refresh_due", "Roster.entitled", "Roster.is_senior", "Roster.may_post"}
    found = {name for name, signature in public_callables() if "bool" in str(signature.return_annotation)}
    of_files = {"AttachmentReader.readable", "AttachmentReader.seekable"}
    assert found == of_groups | of_files | {"StoreStorage.changed"}  # whether to read again, asked by groups
    message = open_sealed(ENVELOPE.data, identity=BOB.identity, contacts=EVERYBODY)
    results = {
        "body": message,
        "user_id": BOB.record,
        "data": BOB.user_id,
        "recipients": inspect_envelope(ENVELOPE.data),
    }
    for attribute, result in results.items():
        with pytest.raises((AttributeError, TypeError)):
            setattr(result, attribute, getattr(MALLORY.record, attribute, b"forged"))
        with pytest.raises((AttributeError, TypeError)):
            result.forged = True  # type: ignore[attr-defined]  # the attack


def test_en_5_what_is_shown_is_what_is_opened() -> None:
    """As above: a second parser with another reading. Holds: what anybody sees of an envelope and what its readers are
    told agree, for the audience, the mode and the id.
    """
    for private in (False, True):
        envelope = sealed(BOB, CAROL, private=private)
        info = inspect_envelope(envelope)
        message = open_sealed(envelope, identity=BOB.identity, contacts=EVERYBODY)
        shown = {user_id for user_id, _ in info.recipients}
        assert (message.message_id, message.private) == (info.message_id, info.private)
        assert message.recipient_count == info.recipient_count == len(shown)
        assert message.recipients is None if private else set(message.recipients or ()) == shown
    assert PublicIdentity.decode(RECORD.data, at=NOW).encode() == RECORD.data
    assert Succession.decode(SUCCESSION.data).encode() == SUCCESSION.data


# --- EN-6: secrets in sight ------------------------------------------------------------------------------------------


def rotating() -> SealingKeys:
    keys = SealingKeys(BOB.identity)
    keys.rotate(at=NOW)
    remember_secret(field(keys.encode(), (5, 0, 1)))
    return keys


KEY_OBJECTS: dict[str, Callable[[], object]] = {
    "Identity": lambda: BOB.identity,
    "SealingKeys": rotating,
    "Secret": lambda: hedge_secret(BOB.identity),
    "SigningKey": lambda: signing_key(BOB.identity),
    "SealingSecretKey": lambda: sealing_secret(BOB.identity),
}


@pytest.mark.parametrize("name", KEY_OBJECTS)
def test_en_6_key_objects_are_dull(name: str) -> None:
    """matrix-sdk RUSTSEC-2022-0062, vodozemac CVE-2024-34063: secrets in logs, reprs, pickles, crash reports. Holds: no
    ordinary way of looking at a key object shows a secret, copies it or compares it (memory is not wiped, and nobody
    says so).
    """
    key = KEY_OBJECTS[name]()
    assert_no_secret(repr(key), str(key), f"{key}", f"{key!r:>200}", ascii(key), repr([key]), repr({1: key}))
    looks: list[Callable[[Any], object]] = [vars, json.dumps, pickle.dumps, copy.copy, copy.deepcopy]
    looks += [hash, iter, len, bytes, dict]
    for look in looks:
        with pytest.raises(TypeError):
            look(key)
    for compare in (key.__eq__, key.__ne__):
        with pytest.raises(TypeError):
            compare(key)
    with pytest.raises(TypeError):
        _ = key == b""


def report_of(call: Callable[[], object]) -> str:
    """What a crash reporter sends: the traceback with the local variables of every frame inside the library."""
    try:
        call()
    except (SiegelError, OSError) as error:
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(whole.format())
    raise AssertionError("it was to fail")


def test_en_6_crash_reports_of_a_reader() -> None:
    """As above, in tracebacks with local variables, for every way in which opening fails. Holds: no secret of the
    reader and no content secret.
    """
    for envelope in after_a_secret().values():
        for holder in (BOB.identity, rotating()):
            report = report_of(partial(open_sealed, envelope, identity=holder, contacts=EVERYBODY))
            assert "open_content" in report
            assert_no_secret(report)


def test_en_6_crash_reports_of_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, where sealing or rotating fails half-way. Holds: no secret of the sender."""

    def broken(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr("siegel.sealing_pool._CONTEXT.Process", broken)
    people = [Identity.generate().public(at=NOW) for _ in range(40)]
    report = report_of(lambda: seal(b"text", sender=ALICE.identity, recipients=people, at=NOW, workers=2))
    assert "seal_content" in report
    assert_no_secret(report)

    keys = rotating()
    monkeypatch.setattr(os, "urandom", bytes)
    for fail in (lambda: keys.rotate(at=NOW + 1), lambda: sealed(BOB), Identity.generate):
        assert_no_secret(report_of(fail))


class FullDisk(MemoryStorage):
    """Shows what it was to write, and fails."""

    def __init__(self, records: Mapping[str, bytes]) -> None:
        super().__init__()
        super().commit(records, Outgoing())
        self.shown: list[bytes] = []

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        del outgoing
        self.shown = [data for data in changes.values() if data]
        raise OSError("no space left on device")


def test_en_6_crash_reports_of_a_group() -> None:
    """As above, where a group cannot store what it has just made: chains, epoch keys, its own state. Holds: no record
    that was on its way to the storage is in the report.
    """
    world = World()
    announcement = world.unsent(CAROL, b"text").control[0]
    acts: list[Callable[[Group], object]] = [
        lambda group: group.encrypt(b"text", at=NOW),
        lambda group: group.remove([MALLORY.user_id], at=NOW),
        lambda group: group.refresh(at=NOW),
        lambda group: group.receive(announcement, at=NOW),
    ]
    for act in acts:
        disk = world.storages[ALICE] = FullDisk(world.records(ALICE))
        report = report_of(partial(act, world.load(ALICE)))
        assert "_commit" in report
        assert disk.shown
        for record in disk.shown:
            assert repr(record)[2:60] not in report


def test_en_6_errors_carry_no_input() -> None:
    """As above: an error message that repeats what was typed. Holds: the same fault in two different secrets gives the
    same text.
    """
    spoils: list[Callable[[Person], object]] = [
        lambda person: Identity.parse(_swapped(person.identity.reveal(), 40)),
        lambda person: Identity.parse(person.identity.reveal()[:-1]),
        lambda person: Identity.parse(person.identity.reveal().upper() + "x"),
        lambda person: Identity.from_words(person.identity.words().replace(" ", " x", 1)),
        lambda person: Identity.from_words(" ".join(person.identity.words().split()[:-1])),
        lambda person: Identity.from_secret(person.secret + b"\0"),
        lambda person: UserId.parse(person.identity.reveal()),
    ]
    for spoil in spoils:
        said: set[str] = set()
        for person in (ALICE, BOB, CAROL):
            with refused(MalformedError, InvalidArgument) as caught:
                spoil(person)
            said.add(str(caught.value))
        assert len(said) == 1


def _swapped(text: str, at: int) -> str:
    return text[:at] + ("q" if text[at] != "q" else "p") + text[at + 1 :]


def test_en_6_texts_are_not_shown_either() -> None:
    """As above, for what a message says. Holds: an opened message prints its id, its length and its sender."""
    message = open_sealed(sealed(BOB, body=sha256(b"canary")), identity=BOB.identity, contacts=EVERYBODY)
    for shown in (repr(message), str(message), f"{message}"):
        assert sha256(b"canary").hex() not in shown
        assert repr(sha256(b"canary"))[2:-1] not in shown
