"""LAB-1, LAB-2: each use has its own label, and no two uses agree on their bytes."""

from __future__ import annotations

import ast
from itertools import permutations

import cbor2
import pytest

from siegel._core.labels import Label, labelled
from siegel.errors import InvalidArgument
from tests.markdown import ROOT


def test_unique_and_prefix_free() -> None:
    for one, other in permutations(Label.__members__.values(), 2):
        assert not one.value.startswith(other.value)
    assert len(Label) == len(Label.__members__), "an alias is a label with two uses"


@pytest.mark.parametrize("label", Label)
def test_form(label: Label) -> None:
    assert label.text.startswith("siegel/1 ")
    assert label.text == label.text.strip()
    assert label.value == label.text.encode("ascii") + b"\0"
    assert label.value.count(0) == 1, "the zero byte is the separator alone"


def test_labelled() -> None:
    items = (7, b"x", "y", [True, None])
    assert labelled(Label.ENTRY, *items) == b"siegel/1 entry\0" + cbor2.dumps(items, canonical=True)
    assert labelled(Label.ENTRY) == b"siegel/1 entry\0\x80"


def test_items_do_not_run_together() -> None:
    assert labelled(Label.ENTRY, b"ab", b"c") != labelled(Label.ENTRY, b"a", b"bc")
    assert labelled(Label.ENTRY, [1, 2]) != labelled(Label.ENTRY, 1, 2)
    assert labelled(Label.ENTRY, [1]) != labelled(Label.ENTRY, [True])


def test_only_values_with_an_encoding() -> None:
    with pytest.raises(InvalidArgument):
        labelled(Label.ENTRY, -1)


def test_labels_stand_in_the_registry_only() -> None:
    for path in sorted((ROOT / "src" / "siegel").rglob("*.py")):
        if path.name == "labels.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            assert not (isinstance(text, str) and text.startswith("siegel/1 ")), path
            assert not (isinstance(text, bytes) and text.startswith(b"siegel/1 ")), path


def test_every_label_has_one_use() -> None:
    uses = [
        node.attr
        for path in sorted((ROOT / "src" / "siegel").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Label"
    ]
    waiting = {"DERIVE_INDEX"}  # a derivation that a room to come will ask for
    assert set(uses) == set(Label.__members__) - waiting
