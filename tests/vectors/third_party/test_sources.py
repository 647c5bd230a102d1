"""The finding of vectors: nothing is left out in silence, and the page names every set."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import tests.vectors.third_party as room
from tests.markdown import ROOT
from tests.vectors.third_party.sources import (
    INVENTORY,
    VARIABLE,
    Inventory,
    Source,
    each,
    find_folder,
    json_list,
)

HPKE = Source("hpke-rfc9180/test-vectors.json", json_list, "HPKE/test-vectors.json")


def test_a_folder_that_is_named_must_be_there(tmp_path: Path) -> None:
    assert find_folder({VARIABLE: str(tmp_path)}) == tmp_path
    with pytest.raises(FileNotFoundError, match=VARIABLE):
        find_folder({VARIABLE: str(tmp_path / "elsewhere")})


def test_a_set_must_be_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=HPKE.path):
        HPKE.locate({VARIABLE: str(tmp_path)})


def test_without_a_folder_the_package_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.vectors.third_party.sources.ROOT", tmp_path / "clone")
    assert find_folder({}) is None
    assert find_folder({VARIABLE: "none"}) is None
    found = HPKE.locate({})
    assert found is not None
    assert found.name == "test-vectors.json"
    assert found.is_file()
    assert Source("own", json_list).locate({}) is None


def test_a_set_that_is_nowhere_is_a_skip_that_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("tests.vectors.third_party.sources.ROOT", tmp_path / "clone")
    inventory = Inventory()
    (left_out,) = each(Source("some/set.json", json_list), inventory=inventory).args[1]
    skip, third_party = left_out.marks
    assert third_party.name == "third_party"
    assert "some/set.json is not on this machine" in skip.kwargs["reason"]
    assert inventory.summary().endswith("0 run; 1 sets left out, not on this machine: some/set.json")


def test_a_set_that_yields_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text('[{"a": 1}, {"a": 2}]', "utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    source, inventory = Source("set.json", json_list), Inventory()
    with pytest.raises(LookupError, match=r"set\.json yields no vector"):
        each(source, where=lambda case: case["a"] == 3, inventory=inventory)
    chosen = each(source, where=lambda case: case["a"] == 2, inventory=inventory)
    assert list(chosen.kwargs["ids"]) == ["set.json#1"]
    assert inventory.summary() == "third-party vectors: 0 run; 1 for algorithms that are not ours"


def test_the_page_names_every_set() -> None:
    for module in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
    page = (ROOT / "vectors" / "third-party.md").read_text("utf-8")
    missing = [source.path for source in INVENTORY.sources if source.path not in page]
    assert len(INVENTORY.sources) > 20
    assert missing == []
