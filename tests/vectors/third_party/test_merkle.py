"""MRK-1 … MRK-3: inclusion and consistency proofs, each with probes that a lax verifier accepts."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from siegel.errors import MalformedError
from siegel.merkle import check_consistency, root_from_path
from tests.vectors.third_party.sources import Case, Source, each


def probes(path: Path) -> Iterator[tuple[object, Case]]:
    """A folder of files with one probe each."""
    for file in sorted(path.rglob("*.json")):
        yield file.relative_to(path).as_posix(), json.loads(file.read_bytes())


INCLUSION = Source("merkle/inclusion", probes)
CONSISTENCY = Source("merkle/consistency", probes)


def hashes(listed: list[str] | None) -> list[bytes]:
    return [b64decode(node) for node in listed or []]


@each(INCLUSION)
def test_inclusion(case: Case) -> None:
    leaf, root = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
    try:
        reached = root_from_path(leaf, index=case["leafIdx"], size=case["treeSize"], path=hashes(case["proof"]))
    except MalformedError:
        reached = None
    assert (reached != root) == case["wantErr"]


@each(CONSISTENCY)
def test_consistency(case: Case) -> None:
    try:
        check_consistency(
            old_size=case["size1"],
            old_root=b64decode(case["root1"] or ""),
            new_size=case["size2"],
            new_root=b64decode(case["root2"] or ""),
            proof=hashes(case["proof"]),
        )
    except MalformedError:
        accepted = False
    else:
        accepted = True
    assert accepted != case["wantErr"]
