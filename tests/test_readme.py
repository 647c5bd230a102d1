"""The README's example runs, and its two commands are the ones that the gate runs."""

from __future__ import annotations

import subprocess

from tests.markdown import ROOT, code_blocks, run_examples

README = ROOT / "README.md"


def commands() -> list[str]:
    return [block.strip() for block in code_blocks(README.read_text(encoding="utf-8"), "sh")]


def test_example() -> None:
    assert run_examples(README) == 1


def test_two_commands_of_one_line_each() -> None:
    demo, tests = commands()
    assert demo.endswith("siegel demo")
    assert tests.endswith("pytest")
    assert "\n" not in demo + tests


def test_the_gate_runs_the_readme_s_own_commands() -> None:
    run = subprocess.run([ROOT / ".ci" / "run", "--commands"], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == commands()


def test_one_screen() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 55


def test_contributing_has_five_commands_and_the_gate_runs_them() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _set_up, test, lint, docs, gate = (block.strip() for block in code_blocks(contributing, "sh"))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert gate == ".ci/run"
    assert commands()[1].endswith(test)
    for part in [*lint.split(" && "), docs]:
        assert f"'{part}'" in script
