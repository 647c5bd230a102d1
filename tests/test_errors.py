"""The error tree: sorted by what the caller can do, each with a stable code and a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import siegel.errors
from siegel.errors import (
    Conflict,
    CorruptHeader,
    CorruptRecord,
    Expired,
    Fork,
    IdentityChanged,
    InvalidArgument,
    InvalidMessage,
    KeyUnavailable,
    LimitExceeded,
    MalformedError,
    MissingEpochKey,
    MissingSenderKey,
    NewerFormat,
    NotARecipient,
    NotPermitted,
    PeerError,
    Replay,
    RollbackDetected,
    ScopeHeld,
    SerializationFailure,
    SiegelError,
    StaleRoster,
    StateError,
    StoreError,
    StoreLocked,
    Superseded,
    TrustError,
    UnknownSender,
    UnsupportedVersion,
    WrongKey,
)


def family(root: type[SiegelError]) -> Iterator[type[SiegelError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


TREE = [kind for kind in family(SiegelError) if kind.__module__ == "siegel.errors"]

CODES = {
    SiegelError: "siegel-error",
    PeerError: "peer-error",
    MalformedError: "malformed",
    UnsupportedVersion: "unsupported-version",
    LimitExceeded: "limit-exceeded",
    InvalidMessage: "invalid-message",
    Replay: "replay",
    Expired: "expired",
    Superseded: "superseded",
    NotPermitted: "not-permitted",
    NotARecipient: "not-a-recipient",
    MissingSenderKey: "missing-sender-key",
    MissingEpochKey: "missing-epoch-key",
    StaleRoster: "stale-roster",
    TrustError: "trust-error",
    UnknownSender: "unknown-sender",
    IdentityChanged: "identity-changed",
    Fork: "fork",
    StateError: "state-error",
    InvalidArgument: "invalid-argument",
    Conflict: "conflict",
    ScopeHeld: "scope-held",
    SerializationFailure: "serialization-failure",
    StoreError: "store-error",
    StoreLocked: "store-locked",
    WrongKey: "wrong-key",
    KeyUnavailable: "key-unavailable",
    NewerFormat: "newer-format",
    CorruptHeader: "corrupt-header",
    CorruptRecord: "corrupt-record",
    RollbackDetected: "rollback-detected",
}
AT_FAULT = {
    PeerError: [
        MalformedError,
        UnsupportedVersion,
        LimitExceeded,
        InvalidMessage,
        Replay,
        Expired,
        Superseded,
        NotPermitted,
        NotARecipient,
        MissingSenderKey,
        MissingEpochKey,
        StaleRoster,
    ],
    TrustError: [UnknownSender, IdentityChanged, Fork],
    StateError: [InvalidArgument, Conflict, ScopeHeld, SerializationFailure],
    StoreError: [
        StoreLocked,
        WrongKey,
        KeyUnavailable,
        NewerFormat,
        CorruptHeader,
        CorruptRecord,
        RollbackDetected,
    ],
}


def test_codes_are_stable() -> None:
    assert {kind: kind.code for kind in TREE} == CODES


def test_codes_are_unique_and_in_kebab_case() -> None:
    codes = [kind.code for kind in TREE]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("kind", TREE)
def test_a_remedy_of_its_own_in_one_line(kind: type[SiegelError]) -> None:
    assert "remedy" in vars(kind)
    assert kind.remedy.endswith(".")
    assert "\n" not in kind.remedy
    assert kind.__doc__


def test_sorted_by_what_the_caller_can_do() -> None:
    for root, leaves in AT_FAULT.items():
        assert root.__bases__ == (SiegelError,)
        assert list(family(root))[1:] == leaves


def test_an_invalid_argument_is_a_value_error() -> None:
    assert issubclass(InvalidArgument, ValueError)


def test_leaves_live_in_this_room() -> None:
    public = {
        name
        for name, value in vars(siegel.errors).items()
        if isinstance(value, type) and name in {k.__name__ for k in TREE}
    }
    assert public == {kind.__name__ for kind in CODES}


def test_where_and_what() -> None:
    malformed = MalformedError("header root", "32 bytes are needed")
    assert (str(malformed), malformed.where) == ("header root: 32 bytes are needed", "header root")
    limit = LimitExceeded("body", "too large")
    assert (str(limit), limit.where) == ("body: too large", "body")
    version = UnsupportedVersion("envelope", 2)
    assert str(version) == "envelope: protocol version 2, this library speaks version 1"
    assert version.version == 2


def test_not_authentic_says_one_sentence() -> None:
    assert str(InvalidMessage()) == "the message is not authentic"
    assert InvalidMessage().args == ("the message is not authentic",)


def test_an_unknown_sender_is_named() -> None:
    assert UnknownSender(b"id").sender == b"id"
    assert UnknownSender(None).sender is None
    assert str(UnknownSender(b"id")) != str(UnknownSender(None))


def test_a_fork_carries_evidence() -> None:
    fork = Fork("two histories", (b"one", b"other"))
    assert (str(fork), fork.evidence) == ("two histories", (b"one", b"other"))


def test_a_wrong_key_says_one_sentence() -> None:
    assert WrongKey().args == ("this key does not open the store",)


def test_a_newer_format_names_its_number() -> None:
    newer = NewerFormat("slot", 2)
    assert (str(newer), newer.version) == ("slot: format 2, this library reads format 1", 2)


def test_a_serialization_failure_says_who_can_run_it_again() -> None:
    ours, theirs = SerializationFailure(retryable=True), SerializationFailure(retryable=False)
    assert (ours.retryable, theirs.retryable) == (True, False)
    assert "application" in str(theirs)
    assert "application" not in str(ours)
