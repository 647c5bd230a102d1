"""The labels of epoch keys for the category ``labels``, and broadcasts made under wrong ones (LAB-1, LAB-2).

Epoch keys made under wrong ones stand in the category ``epoch-key``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.vectors.generator.book import Category
from tests.vectors.generator.broadcast_parts import HONEST, STEPS, broadcast_of, given
from tests.vectors.generator.people import ALICE
from tests.vectors.notation import spell
from tests.vectors.reference import identity
from tests.vectors.reference.cbor import octets, uint
from tests.vectors.reference.labels import hkdf_expand

Build = Callable[..., bytes]  # purpose and encoded items to bytes


def epoch_labels(book: Category, faults: Mapping[str, tuple[Build, str]]) -> None:
    """What follows each label, and broadcasts made under wrong ones."""
    places = [HONEST.group_id, HONEST.head]
    hedge_secret = identity.derive(ALICE.secret, "hedge")
    items: dict[str, list[Any]] = {
        "epoch commitment": [HONEST.key],
        "broadcast nonce": [HONEST.key, hedge_secret, HONEST.hedge, HONEST.at, HONEST.control],
        "broadcast keys": places,
        "broadcast signature": [*places, STEPS.commitment, ALICE.user_id, HONEST.at, HONEST.control],
    }
    group = book.group("labelled", 12_801)
    for purpose, values in items.items():
        shown = {"label": f"siegel/1 {purpose}", "items": [spell(item) for item in values]}
        group.valid(f"label {purpose}", spec="LAB-1 LAB-2", flags="KnownAnswer", input=shown)
    shown = {"label": "siegel/1 epoch derivation", "parts": [HONEST.key, HONEST.head]}
    book.group("raw", 12_821).valid("label epoch derivation", spec="LAB-1 LAB-2", flags="KnownAnswer", input=shown)
    wrong = book.group("open-broadcast", 12_841)
    signed = *map(octets, (*places, STEPS.commitment, ALICE.user_id)), uint(HONEST.at), octets(HONEST.control)
    for fault, (build, flags) in faults.items():
        committed = hkdf_expand(STEPS.extracted, build("broadcast keys", *map(octets, places)), 64)[:32]
        signature = identity.sign_with(ALICE.secret, build("broadcast signature", *signed))
        for purpose, step, value, spec in (
            ("broadcast keys", "commitment", committed, "EPO-7"),
            ("broadcast signature", "signature", signature, "EPO-8"),
        ):
            wrong.invalid(
                f"label {purpose} {fault}",
                spec=f"LAB-1 LAB-2 {spec}",
                flags=flags,
                code="invalid-message",
                stage=step,
                input=given(broadcast_of({step: lambda *_, value=value: value}).broadcast),
            )
