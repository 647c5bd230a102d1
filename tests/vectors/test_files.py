"""The files of ``vectors/v1``: their form, their manifest, and that the generator writes them."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from tests.markdown import ROOT
from tests.vectors import regenerate
from tests.vectors.files import DOCUMENTS, FILES, FOLDER, VECTORS
from tests.vectors.generator.book import Category, written
from tests.vectors.notation import MAX_JSON_INT

SCHEMA: Final[dict[str, Any]] = json.loads((FOLDER / "v1" / "schema.json").read_bytes())
MAX_BYTES: Final = 10_000_000


# --- form -------------------------------------------------------------------------------------------------------------


def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["category"])
def test_a_file_follows_the_schema(document: dict[str, Any]) -> None:
    validator().validate(document)


@pytest.mark.parametrize(
    "change",
    [
        {"result": "acceptable"},
        {"error": {"code": "malformed"}},
        {"flags": []},
        {"spec": ["ENC"]},
        {"comment": ""},
        {"extra": 1},
        {"result": "valid"},
    ],
    ids=str,
)
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    document = json.loads(FILES["padding.json"])
    document["groups"][-1]["tests"][-1] |= change
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(document)


def scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    else:
        yield value


def test_values_are_written_in_one_way() -> None:
    for document in DOCUMENTS:
        for value in scalars(document):
            assert not isinstance(value, float)
            assert not isinstance(value, int) or value <= MAX_JSON_INT
            assert not isinstance(value, str) or not re.fullmatch(r"(?=.*[0-9])[0-9A-F]*[A-F][0-9A-F]{15,}", value)
    assert all(written(json.loads(data)) == data for data in FILES.values())


def test_numbers_are_unique_and_counted() -> None:
    numbers = Counter(vector.test["tcId"] for vector in VECTORS)
    assert [number for number, count in numbers.items() if count > 1] == []
    for document in DOCUMENTS:
        assert document["numberOfTests"] == sum(len(group["tests"]) for group in document["groups"])


def test_a_mutation_has_a_valid_base_in_its_category() -> None:
    valid = {(vector.category, vector.test["tcId"]) for vector in VECTORS if vector.valid}
    for vector in VECTORS:
        test = vector.test
        assert "base" not in test or (not vector.valid and (vector.category, test["base"]) in valid)
        assert "mutation" not in test or ("base" in test and test["mutation"].keys() == {"step", "change"})


def test_a_file_is_named_after_its_category() -> None:
    assert [f"{document['category']}.json" for document in DOCUMENTS] == list(FILES)


def test_the_readme_names_every_category_and_type() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    for document in DOCUMENTS:
        first = min(test["tcId"] for group in document["groups"] for test in group["tests"])
        kinds = dict.fromkeys(group["type"] for group in document["groups"])
        assert f"| `{document['category']}` | from {first} | {', '.join(f'`{kind}`' for kind in kinds)} |" in readme
    explained = readme.partition("## Types of group")[2]
    assert [vector.type for vector in VECTORS if f"`{vector.type}`" not in explained] == []


# --- manifest and generator -------------------------------------------------------------------------------------------


def test_the_manifest_holds_every_file() -> None:
    lines = (FOLDER / "MANIFEST").read_text("ascii").splitlines()
    listed = {path: digest for digest, path in (line.split("  ") for line in lines)}
    there = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in (FOLDER / "v1").iterdir()}
    assert listed == {path: hashlib.sha256(data).hexdigest() for path, data in there.items()}
    assert sum(map(len, there.values())) < MAX_BYTES


def test_the_generator_writes_these_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate.main(["--check"]) == 0
    assert capsys.readouterr().out.startswith(f"{len(VECTORS)} vectors in {len(FILES)} files")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER / "v1", tmp_path / "v1")
    shutil.copy(FOLDER / "MANIFEST", tmp_path)
    return tmp_path


def test_check_finds_what_differs(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate.main(["--check"], copy) == 0
    padding = copy / "v1" / "padding.json"
    padding.write_bytes(padding.read_bytes().replace(b"malformed", b"malforme", 1))
    (copy / "v1" / "merkle.json").unlink()
    (copy / "v1" / "more.json").write_bytes(b"{}")
    (copy / "v1" / "schema.json").write_bytes(b"{}")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert regenerate.main(["--check"], copy) == 1
    named = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert named == ["v1/merkle.json", "v1/more.json", "v1/padding.json", "MANIFEST"]
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_writing_makes_the_check_pass(copy: Path) -> None:
    (copy / "v1" / "merkle.json").write_bytes(b"")
    assert regenerate.main([], copy) == 0
    assert (copy / "v1" / "merkle.json").read_bytes() == FILES["merkle.json"]
    assert (copy / "MANIFEST").read_bytes() == (FOLDER / "MANIFEST").read_bytes()


# --- the generator itself ---------------------------------------------------------------------------------------------


def test_generator_and_reference_know_nothing_of_the_library() -> None:
    """Otherwise the two could share a mistake."""
    room = ROOT / "tests" / "vectors"
    paths = [*(room / "generator").glob("*.py"), *(room / "reference").glob("*.py"), room / "notation.py"]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert [name for name in names if name.partition(".")[0] in {"siegel", "random", "secrets", "time"}] == []
    assert len(paths) > 20


@pytest.mark.parametrize(
    ("padded", "code", "stage"),
    [
        (bytes(64), "malformed", "size"),
        (bytes(64), "expired", "padding"),
        (b"\0\0\0\4" + bytes(60), "malformed", "padding"),
    ],
    ids=["another stage", "another code", "not refused at all"],
)
def test_an_invalid_vector_has_to_be_refused_as_it_says(padded: bytes, code: str, stage: str) -> None:
    group = Category("padding").group("unpad", 1)
    with pytest.raises(AssertionError):
        group.invalid("no such fault", spec="PAD-1", flags="Padding", code=code, stage=stage, input={"padded": padded})
    assert group.tests == []
