"""What an application sees of the installed package."""

from __future__ import annotations

import tomllib
from importlib import metadata, resources

import siegel
from tests.markdown import ROOT


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert siegel.__version__ == project["version"] == metadata.version("siegel")


def test_three_runtime_dependencies() -> None:
    required = metadata.requires("siegel") or []
    assert sorted(line for line in required if "extra ==" not in line) == [
        "cbor2>=6.2",
        "cryptography>=50",
        "pynacl>=1.6.2",
    ]


def test_carries_types() -> None:
    assert resources.files("siegel").joinpath("py.typed").is_file()


def test_carries_licences() -> None:
    licences = metadata.metadata("siegel").get_all("License-File")
    assert licences == ["LICENSE", "src/siegel/words.LICENSE"]
