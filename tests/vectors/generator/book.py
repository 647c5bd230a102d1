"""How a category of vectors is written down: groups, numbers that are never used again, results from the reference."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from tests.vectors.generator.flags import NOTES
from tests.vectors.notation import Case, to_json
from tests.vectors.reference import Refused
from tests.vectors.reference.attachment_operations import OPERATIONS as ATTACHMENTS
from tests.vectors.reference.chain_operations import OPERATIONS as CHAINS
from tests.vectors.reference.epoch_operations import OPERATIONS as EPOCH
from tests.vectors.reference.group_operations import OPERATIONS as GROUPS
from tests.vectors.reference.operations import OPERATIONS as PLAIN
from tests.vectors.reference.roster_operations import OPERATIONS as ROSTER
from tests.vectors.reference.sealed_operations import OPERATIONS as SEALED
from tests.vectors.reference.store_operations import OPERATIONS as STORES
from tests.vectors.reference.unlock_operations import OPERATIONS as UNLOCK

OPERATIONS: Final = PLAIN | SEALED | CHAINS | ROSTER | EPOCH | GROUPS | ATTACHMENTS | UNLOCK | STORES


def stream(name: str, count: int) -> bytes:
    """Bytes that take the place of randomness: SHAKE256 of a name. They stand in the vectors in full."""
    return hashlib.shake_256(b"siegel test vectors: " + name.encode()).digest(count)


def flipped(data: bytes, index: int, mask: int = 1) -> bytes:
    """The bytes with bits of one of them flipped."""
    at = index % len(data)
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def mutation(step: str, change: str) -> dict[str, str]:
    """What was done to the base, at which step; all later steps were done again."""
    return {"step": step, "change": change}


@dataclass
class Group:
    """Vectors of one type. Numbers rise from ``first``: append only, and never take one away that was published."""

    type: str
    first: int
    fixture: dict[str, Any] = field(default_factory=dict[str, Any])
    tests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def valid(self, comment: str, *, spec: str, flags: str, **given: Any) -> int:
        """Adds a vector that gives what the reference gives. Its number."""
        test, case = self._begin(comment, spec, flags, given)
        outcome = OPERATIONS[self.type](case)
        if outcome.intermediate:
            test["intermediate"] = to_json(outcome.intermediate)
        test["expected"] = to_json(outcome.expected)
        test["result"] = "valid"
        return self._add(test)

    def invalid(
        self,
        comment: str,
        *,
        spec: str,
        flags: str,
        code: str,
        stage: str,
        shown: dict[str, Any] | None = None,
        **given: Any,
    ) -> int:
        """Adds a vector that the reference refuses with exactly this code at exactly this stage. Its number.

        ``shown`` holds values with which a reader can check what the comment claims.
        """
        test, case = self._begin(comment, spec, flags, given)
        try:
            OPERATIONS[self.type](case)
        except Refused as refused:
            if (refused.code, refused.stage) != (code, stage):
                raise AssertionError(f"{comment}: {refused}, not {code} at stage {stage}") from refused
        else:
            raise AssertionError(f"{comment}: the reference does not refuse it")
        if shown is not None:
            test["intermediate"] = to_json(shown)
        if case.after:
            test["expected"] = to_json(case.after)
        test["result"] = "invalid"
        test["error"] = {"code": code, "stage": stage}
        return self._add(test)

    def _begin(self, comment: str, spec: str, flags: str, given: dict[str, Any]) -> tuple[dict[str, Any], Case]:
        test: dict[str, Any] = {"tcId": 0, "comment": comment, "flags": flags.split(), "spec": spec.split()}
        for name in ("base", "mutation", "now", "random", "input"):
            if given.get(name) is not None:
                test[name] = to_json(given.pop(name))
        assert not {name: value for name, value in given.items() if value is not None}, given
        return test, Case(self.fixture, test["input"], test.get("now"), test.get("random", {}))

    def _add(self, test: dict[str, Any]) -> int:
        test["tcId"] = self.first + len(self.tests)
        self.tests.append(test)
        return int(test["tcId"])


@dataclass
class Category:
    """One file of vectors."""

    name: str
    groups: list[Group] = field(default_factory=list[Group])

    def group(self, kind: str, first: int, fixture: dict[str, Any] | None = None) -> Group:
        """A new group whose numbers begin with ``first``."""
        self.groups.append(Group(kind, first, to_json(fixture or {})))
        return self.groups[-1]

    def document(self) -> dict[str, Any]:
        """The file's content."""
        tests = [test for group in self.groups for test in group.tests]
        used = {flag for test in tests for flag in test["flags"]}
        return {
            "format": 1,
            "protocol": "siegel/1",
            "category": self.name,
            "schema": "schema.json",
            "generator": {"name": "tests.vectors.regenerate", "version": "1"},
            "notes": {flag: note for flag, note in NOTES.items() if flag in used},
            "numberOfTests": len(tests),
            "groups": [
                {"type": group.type} | ({"fixture": group.fixture} if group.fixture else {}) | {"tests": group.tests}
                for group in self.groups
                if group.tests
            ],
        }


def written(document: dict[str, Any]) -> bytes:
    """The bytes of a file: one stable form."""
    return json.dumps(document, indent=1, ensure_ascii=True).encode("ascii") + b"\n"
