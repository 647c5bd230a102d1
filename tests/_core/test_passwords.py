"""Argon2id: the answers of RFC 9106's own kind, from the reference implementation in libsodium."""

from __future__ import annotations

import pytest
from nacl.bindings import crypto_pwhash_alg, crypto_pwhash_ALG_ARGON2ID13

from siegel._core.passwords import argon2id
from siegel._core.secret import Secret

SALT = bytes(range(16))


@pytest.mark.parametrize(("memory_kib", "passes"), [(8, 1), (64, 2), (1024, 3)])
def test_what_libsodium_gives(memory_kib: int, passes: int) -> None:
    """libsodium has one lane only; the lanes are covered by the vectors."""
    wanted = crypto_pwhash_alg(32, b"correct horse", SALT, passes, memory_kib << 10, crypto_pwhash_ALG_ARGON2ID13)
    found = argon2id(Secret(b"correct horse"), salt=SALT, memory_kib=memory_kib, passes=passes, lanes=1)
    assert found.reveal() == wanted


def test_every_number_counts() -> None:
    def derived(
        passphrase: bytes = b"a", salt: bytes = SALT, *, memory: int = 64, passes: int = 1, lanes: int = 1
    ) -> bytes:
        return argon2id(Secret(passphrase), salt=salt, memory_kib=memory, passes=passes, lanes=lanes).reveal()

    found = {
        derived(),
        derived(b"b"),
        derived(salt=SALT[::-1]),
        derived(memory=72),
        derived(passes=2),
        derived(lanes=2),
    }
    assert len(found) == 6
