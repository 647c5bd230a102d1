"""Writes ``vectors/v1`` and ``vectors/MANIFEST``, or proves that they are what the generator writes.

python -m tests.vectors.regenerate            writes every file
python -m tests.vectors.regenerate --check    compares byte for byte and changes nothing; exit code 1 on a difference
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.markdown import ROOT
from tests.vectors.generator import (
    announcements,
    attachments,
    broadcasts,
    chain_certificates,
    contacts,
    encoding,
    epoch_keys,
    group,
    group_message,
    identities,
    key_trees,
    labels,
    padding,
    public_identity,
    roster_log,
    roster_operation,
    sealed_message,
    slots,
    stores,
    suite,
    text_forms,
)
from tests.vectors.generator.book import Category, written

FOLDER: Final = ROOT / "vectors"
MANIFEST: Final = "MANIFEST"
SCHEMA: Final = "v1/schema.json"  # written by hand, and hashed like the rest

CATEGORIES: Final[tuple[Callable[[], Category], ...]] = (
    encoding.category,
    padding.category,
    text_forms.category,
    text_forms.recovery_words,
    labels.category,
    suite.category,
    suite.merkle_category,
    identities.derivation,
    public_identity.category,
    contacts.category,
    identities.succession,
    identities.safety_number,
    sealed_message.category,
    key_trees.category,
    chain_certificates.category,
    announcements.category,
    group_message.category,
    roster_operation.category,
    roster_log.category,
    epoch_keys.category,
    broadcasts.category,
    group.category,
    attachments.category,
    slots.category,
    stores.category,
)


@cache
def build() -> dict[str, bytes]:
    """The files of all categories, by their path in ``vectors``."""
    documents = [make().document() for make in CATEGORIES]
    return {f"v1/{document['category']}.json": written(document) for document in documents}


def manifest(files: dict[str, bytes]) -> bytes:
    """Lines as ``sha256sum`` writes them: ``sha256sum --check MANIFEST`` works in the folder ``vectors``."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items())]
    return "".join(lines).encode("ascii")


def everything(folder: Path) -> dict[str, bytes]:
    """All files as they should be, the manifest among them."""
    files = build() | {SCHEMA: (folder / SCHEMA).read_bytes()}
    return files | {MANIFEST: manifest(files)}


def differences(folder: Path) -> list[str]:
    """What is missing, different or too much in the folder, a line each."""
    wanted = everything(folder)
    there = {path.relative_to(folder).as_posix() for path in (folder / "v1").rglob("*") if path.is_file()}
    found = [f"{path}: missing" for path in wanted if not (folder / path).is_file()]
    found += [f"{path}: not written by the generator" for path in sorted(there - wanted.keys())]
    return found + [
        f"{path}: differs from what the generator writes"
        for path, data in wanted.items()
        if (folder / path).is_file() and (folder / path).read_bytes() != data
    ]


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectors.regenerate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare and change nothing")
    check = parser.parse_args(arguments).check
    if not check:
        for path, data in everything(folder).items():
            (folder / path).write_bytes(data)
    faults = differences(folder)
    lines = (
        [*faults]
        if faults
        else [f"{_count()} vectors in {len(build())} files, byte for byte what the generator writes"]
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if faults else 0


def _count() -> int:
    return sum(json.loads(data)["numberOfTests"] for data in build().values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
