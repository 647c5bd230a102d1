"""The Python blocks of the documentation run as they stand, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.markdown import ROOT, run_examples

PAGES = sorted((ROOT / "docs").rglob("*.md"))
GUIDE = ROOT / "docs" / "guide"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example that writes a file writes it here
    count = run_examples(page)
    assert count > 0 or GUIDE not in page.parents, "a page of the guide shows how, in code that runs"
