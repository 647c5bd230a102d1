"""The label of attachments for the category ``labels``, and streams made under wrong ones (LAB-1, LAB-2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.vectors.generator.attachment_parts import attached
from tests.vectors.generator.book import Category
from tests.vectors.reference.cbor import uint

Build = Callable[..., bytes]  # purpose and encoded items to bytes


def attachment_labels(book: Category, faults: Mapping[str, tuple[Build, str]]) -> None:
    """What follows the label, and payloads in a context under a wrong one."""
    shown = {"label": "siegel/1 attachment", "items": [0, 104]}
    group = book.group("labelled", 12_881)
    group.valid("label attachment", spec="LAB-1 LAB-2", flags="KnownAnswer", input=shown)
    wrong = book.group("attachment", 12_891)
    for fault, (build, flags) in faults.items():
        reference, stream = attached(100, context=build("attachment", uint(0), uint(104)))
        wrong.invalid(
            f"label attachment {fault}",
            spec="LAB-1 LAB-2 ATT-3",
            flags=flags,
            code="invalid-message",
            stage="commitment",
            input={"reference": reference.encode(), "stream": list(stream.parts)},
        )
