"""1,000 and 10,000 recipients: seal, seal in two processes, split into letters, open one letter."""

from __future__ import annotations

import os
from time import perf_counter

from benchmarks.measure import Row, compare
from benchmarks.raw import Raw, new_key
from siegel import Contacts, Identity, PublicIdentity, letters, open_sealed, seal

BODY_BYTES = 256


def run(*, pairs: int) -> list[Row]:
    body = os.urandom(BODY_BYTES)
    alice, bob = Identity.generate(), Identity.generate()
    everybody = [bob.public(), *_strangers(9_999)]
    contacts = Contacts()
    contacts.add(alice.public())
    raw = Raw(512)

    def to(recipients: list[PublicIdentity], workers: int | None = None) -> bytes:
        return seal(body, sender=alice, recipients=recipients, workers=workers)

    loaded = [new_key().public_key() for _ in range(1_000)]

    def encrypt_thousand() -> None:
        for key in loaded:
            raw.encrypt(key)

    few, whole = to(everybody[:1_000]), to(everybody)
    single = to(everybody[:1])
    letter = next(letter for user_id, letter in letters(whole) if user_id == bob.user_id)

    def opened(data: bytes) -> bytes:
        return open_sealed(data, identity=bob, contacts=contacts).body

    assert opened(letter) == opened(single) == body
    thousand, slow = everybody[:1_000], max(3, pairs // 400)
    return [
        compare(
            "seal to 1,000", lambda: to(thousand), "1,000 × encrypt", encrypt_thousand, pairs=slow, limit="≤ 1.15"
        ),
        compare(
            "seal to 10,000", lambda: to(everybody), "the same with workers=2", lambda: to(everybody, 2),
            pairs=max(3, slow // 2), limit="≥ 1.3", clock=perf_counter,  # the other process has a processor of its own
        ),
        compare(
            "open 1 letter of 10,000", lambda: opened(letter), "open an envelope to 1", lambda: opened(single),
            pairs=pairs, limit="≤ 1.3",
        ),
        compare(
            "10,000 letters", lambda: _split(whole), "1,000 letters", lambda: _split(few), pairs=slow, limit="about 10",
        ),
    ]  # fmt: skip


def _split(envelope: bytes) -> int:
    return sum(len(letter) for _, letter in letters(envelope))


def _strangers(count: int) -> list[PublicIdentity]:
    return [Identity.generate().public() for _ in range(count)]
