"""Reads ``vectors/v1``; shared by the tests of the vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.markdown import ROOT
from tests.vectors.notation import Case

FOLDER: Final = ROOT / "vectors"
FILES: Final = {
    path.name: path.read_bytes() for path in sorted((FOLDER / "v1").glob("*.json")) if path.name != "schema.json"
}
DOCUMENTS: Final[list[dict[str, Any]]] = [json.loads(data) for data in FILES.values()]


@dataclass(frozen=True)
class Vector:
    """One test of one file."""

    category: str
    type: str
    fixture: dict[str, Any]
    test: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.category}-{self.test['tcId']}"

    @property
    def valid(self) -> bool:
        """Whether it has to be accepted."""
        return bool(self.test["result"] == "valid")

    def case(self) -> Case:
        """As an operation takes it."""
        return Case(self.fixture, self.test["input"], self.test.get("now"), self.test.get("random", {}))


def _read() -> Iterator[Vector]:
    for document in DOCUMENTS:
        for group in document["groups"]:
            for test in group["tests"]:
                yield Vector(document["category"], group["type"], group.get("fixture", {}), test)


VECTORS: Final = list(_read())
