"""The labels of records at rest for the category ``labels``, and what was sealed under wrong ones (LAB-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.vectors.generator.book import Category, stream
from tests.vectors.generator.store_parts import CATALOGUE, CHATS, DATA, PLAIN, SECOND, SECOND_BLOCK, SECRET
from tests.vectors.generator.unlock_parts import STORE
from tests.vectors.notation import spell
from tests.vectors.reference import store
from tests.vectors.reference.store import Content, Place

Build = Callable[..., bytes]  # purpose and encoded items to bytes

KID = 11


def store_labels(book: Category, faults: Mapping[str, tuple[Build, str]]) -> None:
    """What follows each label, and what is refused under wrong ones."""
    clear = SECOND_BLOCK[: store.CLEAR]
    items: dict[str, list[Any]] = {
        "row": [1, KID, STORE, CHATS, PLAIN["name"], 2],
        "state header": [clear],
        "catalogue": [clear],
    }
    group = book.group("labelled", 12_981)
    for purpose, values in items.items():
        shown = {"label": f"siegel/1 {purpose}", "items": [spell(item) for item in values]}
        group.valid(f"label {purpose}", spec="LAB-1 LAB-2", flags="KnownAnswer", input=shown)
    rows, headers, catalogues = (
        book.group(kind, first)
        for kind, first in (("open-record", 12_986), ("open-header", 12_989), ("open-catalogue", 12_992))
    )
    place, plain, nonce = Place(KID, STORE, CHATS, PLAIN["name"], 2), Content("note", b"hello").encode(), bytes(12)
    for fault, (build, flags) in faults.items():
        at = {"dataKey": DATA[KID], "kid": KID, "storeId": STORE, "collection": CHATS, "name": place.name}
        given = at | {"revision": 2, "record": store.seal(DATA[KID], place, plain, nonce, build)}
        rows.invalid(
            f"label row {fault}",
            spec="LAB-1 LAB-2 STO-1",
            flags=flags,
            code="corrupt-record",
            stage="record",
            input=given,
        )
        for purpose, blocks, content in (
            ("state header", headers, SECOND.encode()),
            ("catalogue", catalogues, CATALOGUE.encode()),
        ):
            block = store.seal_block(content, purpose, SECRET, STORE, stream("salt", 32), build)
            blocks.invalid(
                f"label {purpose} {fault}",
                spec="LAB-1 LAB-2 STO-9",
                flags=flags,
                code="corrupt-header",
                stage=purpose,
                input={"block": block, "headerSecret": SECRET, "storeId": STORE},
            )
