"""Of two faults in one object, the stage that comes first in the specification decides.

Faults of different stages are put into one object, pair by pair. Each stage has a fault whose error shows where it was
found: by its code, and among `malformed` by the place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from siegel import PublicIdentity, open_sealed
from siegel.errors import MalformedError, SiegelError
from tests.messages import instead, message
from tests.people import AT, DAY, person, secret_of
from tests.vectors.reference import cbor, hpke, identity, sealed
from tests.vectors.reference.sealed import Hook

SIZE_LIMIT = 37_225_488


def found(call: Callable[[], object]) -> str:
    """The code of the error, and the place for one that is malformed."""
    try:
        call()
    except MalformedError as error:
        return f"malformed {error.where.rstrip('0123456789 ')}"
    except SiegelError as error:
        return error.code
    return "nothing"


# --- sealed messages (the table in sealed.md) ------------------------------------------------------------------------

SEALED = {
    "size": "limit-exceeded",  # SEAL-18
    "encoding": "malformed byte",
    "type": "malformed sealed message",
    "version": "unsupported-version",
    "shape": "malformed body",  # SEAL-18: no padded size
    "audience": "malformed envelope entries",  # SEAL-11
    "recipient": "not-a-recipient",  # SEAL-14
    "key": "expired",  # ID-13
    "signature": "invalid-message",  # SEAL-9, as all from unseal on
    "purpose": "not-permitted",  # SEAL-17
    "trust": "unknown-sender",  # SEAL-16
}


def open_with(*faults: str) -> object:
    """Opens a message of Alice to Bob in which these stages find a fault."""
    honest = message(content_type="siegel/control" if "purpose" in faults else "text/plain")
    if "key" in faults:  # sealed to a rotating key that Bob does not hold
        honest = sealed.sealed_to(honest, (replace(honest.recipients[0], sealing_number=AT),))
    hooks: dict[str, Hook] = {}
    if "signature" in faults:
        hooks["signature"] = instead(cbor.octets(bytes(64)))
    if "audience" in faults:
        hooks["root"] = instead(bytes(32))
    if "shape" in faults:
        hooks["body"] = lambda body, _: body + b"\0"
    data = sealed.seal(honest, hooks).envelope
    if "type" in faults:
        data = data[:1] + b"\5" + data[2:]
    if "version" in faults:
        data = data[:2] + b"\2" + data[3:]
    if "encoding" in faults:
        data += b"\0"
    if "size" in faults:
        data += bytes(SIZE_LIMIT)
    opener = person("carol" if "recipient" in faults else "bob")
    return open_sealed(data, identity=opener, contacts=[] if "trust" in faults else [person("alice").user_id])


def test_the_honest_message_opens() -> None:
    assert found(open_with) == "nothing"


@pytest.mark.parametrize("stage", SEALED)
def test_sealed_each_fault_alone(stage: str) -> None:
    assert found(lambda: open_with(stage)) == SEALED[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(SEALED, 2)))
def test_sealed_the_first_of_two_decides(first: str, second: str) -> None:
    # ENC-9: an object of a foreign type and version is one of another version.
    expected = "version" if (first, second) == ("type", "version") else first
    assert found(lambda: open_with(first, second)) == SEALED[expected]


# --- public identities (the table in identity.md) --------------------------------------------------------------------

RECORD = {
    "encoding": "malformed byte",
    "type": "malformed public identity",
    "version": "unsupported-version",
    "shape": "malformed public identity issued at",  # ID-5, ENC-10
    "signing-key": "malformed public identity signing key",  # ID-6
    "sealing-key": "malformed public identity sealing key",  # ID-7
    "dates": "malformed public identity not after",  # ID-8
    "signature": "invalid-message",  # ID-9
    "clock": "expired",  # ID-10
}


def decode_with(*faults: str) -> object:
    """Decodes a record of Alice in which these stages find a fault; it is signed all the same."""
    secret, changes = secret_of("alice"), dict[str, Any]()
    record = identity.base_record(secret, AT)
    if "signing-key" in faults:
        changes["signing_key"] = b"\1" + bytes(31)  # the neutral element
    if "sealing-key" in faults:
        changes["sealing_key"] = hpke.with_coefficient(record.sealing_key, 0, hpke.Q)
    if "dates" in faults:
        changes["not_after"] = record.issued_at
    if "shape" in faults:
        changes["issued_at"] = 2**64 - 1
    record = replace(record, **changes).signed(secret)
    if "signature" in faults:
        record = replace(record, signature=bytes(64))
    data = record.encode()
    if "type" in faults:
        data = data[:1] + b"\5" + data[2:]
    if "version" in faults:
        data = data[:2] + b"\2" + data[3:]
    if "encoding" in faults:
        data += b"\0"
    return PublicIdentity.decode(data, at=AT + 90 * DAY if "clock" in faults else AT)


def test_the_honest_record_decodes() -> None:
    assert found(decode_with) == "nothing"


@pytest.mark.parametrize("stage", RECORD)
def test_record_each_fault_alone(stage: str) -> None:
    assert found(lambda: decode_with(stage)) == RECORD[stage]


@pytest.mark.parametrize(("first", "second"), list(combinations(RECORD, 2)))
def test_record_the_first_of_two_decides(first: str, second: str) -> None:
    expected = "version" if (first, second) == ("type", "version") else first
    assert found(lambda: decode_with(first, second)) == RECORD[expected]
