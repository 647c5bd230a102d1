"""UNL-2, UNL-3: what unlocks a store: no default, nothing empty, one passphrase on every keyboard, a price."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siegel import Identity
from siegel._core.passwords import argon2id
from siegel._core.secret import Secret
from siegel.errors import InvalidArgument, KeyUnavailable, MalformedError
from siegel.store import keys
from siegel.store.keys import (
    CEILING,
    FLOOR,
    MAX_WORK,
    Argon2Cost,
    Key,
    KeyProvider,
    Kind,
    Passphrase,
    RecoveryWords,
    blob_of,
    check_cost,
    kind_of,
    require_cost,
    secret_of,
)
from siegel.words import to_words
from tests.people import person
from tests.people import secret_of as secret_bytes

SALT = bytes(range(16))


class Safe:
    """A key management service in memory; ``failing`` is what it raises instead."""

    def __init__(
        self, failing: Exception | None = None, *, gives: Any = None, kept: dict[bytes, bytes] | None = None
    ) -> None:
        self.failing, self.gives, self.kept = failing, gives, kept or {}

    def wrap(self, secret: bytes) -> bytes:
        blob = b"ticket %d" % len(self.kept)
        self.kept[blob] = secret
        return self._answer(blob)

    def unwrap(self, blob: bytes) -> bytes:
        return self._answer(self.kept[blob])

    def _answer(self, honest: bytes) -> bytes:
        if self.failing:
            raise self.failing
        return honest if self.gives is None else self.gives


def text_of(passphrase: Passphrase) -> bytes:
    return passphrase._secret.reveal()


# --- passphrases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("na\u00efve", "nai\u0308ve"),  # composed, as Windows types it; decomposed, as some keyboards do
        ("\u1e9b\u0323", "\u1e9b\u0323"),
        ("zwei Wörter", "zwei\u00a0Wörter"),
        ("二\u3000語", "二 語"),
        ("\u2126", "\u03a9"),  # ohm sign and omega are one character in normal form C
    ],
)
def test_one_passphrase_however_it_was_typed(one: str, other: str) -> None:
    assert text_of(Passphrase(one)) == text_of(Passphrase(other))


@pytest.mark.parametrize(
    ("one", "other"), [("a", "A"), ("a ", "a"), ("ﬁ", "fi"), ("２", "2"), ("x²", "x2"), ("a b", "a  b")]
)
def test_what_differs_stays_different(one: str, other: str) -> None:
    """Normal form KC would make some of these the same, and so take from what a guesser has to try."""
    assert text_of(Passphrase(one)) != text_of(Passphrase(other))


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u3000\u00a0", "\n", "line end\n", "a\0b", "\ud800", "\U000e0fff", "\uffff", "x" * 1_025, "ä" * 513],
    ids=ascii,
)
def test_what_is_no_passphrase(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Passphrase(text)
    assert text not in str(caught.value) or not text.strip()


@pytest.mark.parametrize("text", [None, b"bytes", 5])
def test_a_passphrase_is_text(text: Any) -> None:
    with pytest.raises(InvalidArgument):
        Passphrase(text)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=200))
def test_normalising_twice_changes_nothing(text: str) -> None:
    if text.strip() and len(text.encode()) < 300:
        once = text_of(Passphrase(text))
        assert text_of(Passphrase(once.decode())) == once


@pytest.mark.parametrize("key", [Passphrase("geheim"), RecoveryWords(to_words(secret_bytes("words")))], ids=repr)
def test_a_key_is_dull(key: Passphrase | RecoveryWords) -> None:
    assert repr(key) == f"<{type(key).__name__}>"
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps, hash, lambda it: it == it):  # noqa: PLR0124  # it must refuse
        with pytest.raises(TypeError):
            attempt(key)


# --- words, providers, bytes -----------------------------------------------------------------------------------------


def test_words_come_back() -> None:
    words = RecoveryWords.generate()
    assert len(words.words().split()) == 24
    assert RecoveryWords(words.words().upper()).words() == words.words()
    assert RecoveryWords.generate().words() != words.words()


def test_words_with_an_error_are_refused_without_repeating_them() -> None:
    words = RecoveryWords.generate().words().split()
    with pytest.raises(MalformedError, match="word 3"):
        RecoveryWords(" ".join([*words[:2], "geheim", *words[3:]]))


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), b"x" * 33, "text", None, 32, Identity])
def test_what_is_no_key(key: Any) -> None:
    with pytest.raises(InvalidArgument):
        kind_of(key)


def test_words_of_zeros_are_no_key() -> None:
    with pytest.raises(InvalidArgument):
        RecoveryWords(to_words(bytes(32)))


def test_every_kind_of_key_gives_32_bytes_of_its_own() -> None:
    data, safe = secret_bytes("raw"), Safe()
    held: list[Key] = [
        Identity.from_secret(data),
        data,
        RecoveryWords(to_words(secret_bytes("words"))),
        Passphrase("geheim"),
        safe,
    ]
    assert [kind_of(key) for key in held] == [Kind.IDENTITY, Kind.RAW, Kind.WORDS, Kind.PASSPHRASE, Kind.PROVIDER]
    blob = blob_of(safe, Secret(secret_bytes("provided")))
    found = {secret_of(key, cost=FLOOR, salt=SALT, blob=blob).reveal() for key in held}
    assert len(found) == 5
    assert {len(secret) for secret in found} == {32}


def test_an_identity_unlocks_by_a_key_derived_for_it() -> None:
    alice = person("alice")
    found = secret_of(alice, cost=None, salt=b"", blob=b"").reveal()
    assert found != secret_bytes("alice")
    assert found == secret_of(Identity.parse(alice.reveal()), cost=None, salt=b"", blob=b"").reveal()


def test_a_passphrase_is_stretched_as_its_cost_says() -> None:
    wanted = argon2id(Secret(b"geheim"), salt=SALT, memory_kib=19_456, passes=2, lanes=1).reveal()
    assert secret_of(Passphrase("geheim"), cost=FLOOR, salt=SALT, blob=b"").reveal() == wanted
    with pytest.raises(InvalidArgument):
        secret_of(Passphrase("geheim"), cost=None, salt=SALT, blob=b"")


def test_a_machine_with_too_little_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> Secret:
        raise MemoryError

    monkeypatch.setattr(keys, "argon2id", full)
    with pytest.raises(KeyUnavailable, match="19456 KiB") as caught:
        secret_of(Passphrase("geheim"), cost=FLOOR, salt=SALT, blob=b"")
    assert isinstance(caught.value.__cause__, MemoryError)


@pytest.mark.parametrize(
    "safe",
    [
        Safe(OSError("the service is down")),
        Safe(gives=b""),
        Safe(gives=32),
        Safe(gives="text"),
        Safe(gives=b"x" * 4_097),
    ],
)
def test_a_provider_that_fails_is_named_with_its_cause(safe: Safe) -> None:
    assert isinstance(safe, KeyProvider)
    with pytest.raises(KeyUnavailable) as wrapping:
        blob_of(safe, Secret(secret_bytes("provided")))
    with pytest.raises(KeyUnavailable) as unwrapping:
        secret_of(safe, cost=None, salt=b"", blob=b"ticket 0")
    assert wrapping.value.__cause__ is unwrapping.value.__cause__ is safe.failing


def test_a_provider_does_not_know_what_it_never_wrapped() -> None:
    with pytest.raises(KeyUnavailable) as caught:
        secret_of(Safe(), cost=None, salt=b"", blob=b"ticket 7")
    assert isinstance(caught.value.__cause__, KeyError)


# --- cost ------------------------------------------------------------------------------------------------------------

COSTS = [
    Argon2Cost(8, 1, 1),
    FLOOR._replace(memory_kib=FLOOR.memory_kib - 1),
    FLOOR._replace(passes=1),
    FLOOR._replace(lanes=0),
    FLOOR._replace(memory_kib=2**31),
    CEILING,
    FLOOR._replace(passes=CEILING.passes + 1),
    FLOOR._replace(lanes=CEILING.lanes + 1),
    FLOOR._replace(memory_kib=CEILING.memory_kib, passes=5),
]


@pytest.mark.parametrize("cost", COSTS)
def test_a_cost_outside_of_its_limits(cost: Argon2Cost) -> None:
    with pytest.raises(MalformedError):
        check_cost(cost)
    with pytest.raises(InvalidArgument) as caught:
        require_cost(cost)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "cost", [Argon2Cost(), FLOOR, Argon2Cost(MAX_WORK // 4, 4, 8), Argon2Cost(MAX_WORK // 16, 16, 1)]
)
def test_a_cost_inside_of_them(cost: Argon2Cost) -> None:
    check_cost(cost)
    require_cost(cost)


def test_the_default_is_above_the_floor() -> None:
    assert Argon2Cost() == (65_536, 3, 4)
    assert all(default > least for default, least in zip(Argon2Cost(), FLOOR, strict=True))
