"""Reads the fenced code blocks of Markdown pages, so that the examples in them can be run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def code_blocks(page: str, language: str) -> list[str]:
    """The blocks of one language, each behind as many blank lines as put its errors on the page's own line numbers."""
    return [
        "\n" * page.count("\n", 0, match.start("code")) + match["code"]
        for match in _FENCE.finditer(page)
        if match["language"] == language
    ]


def run_examples(path: Path) -> int:
    """Run the Python blocks of a page in order in one namespace, as a reader would. Returns how many there were."""
    blocks = code_blocks(path.read_text(encoding="utf-8"), "python")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, str(path), "exec"), namespace)  # noqa: S102  # the page is ours, running it is the test
    return len(blocks)
