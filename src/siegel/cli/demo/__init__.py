"""The command demo: the main job on real files in a temporary folder, told as it happens.

A chapter is a function of stage, company and instant. A room of the library that has something to show gets a module
here with its chapters, and a place in ``CHAPTERS``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Final

from siegel.cli.demo import attachments, group_messages, sealed_messages
from siegel.cli.demo.company import found_company
from siegel.cli.demo.stage import Stage
from siegel.cli.errors import CommandError
from siegel.cli.terminal import BOLD, DIM, GREEN, Console, Json, painted

CHAPTERS: Final = (*sealed_messages.CHAPTERS, *attachments.CHAPTERS, *group_messages.CHAPTERS)

_SHOWN_OF_ID: Final = 16


def demo(_: argparse.Namespace, console: Console) -> None:
    """Tells all chapters; CommandError if an outcome is not as promised."""
    begun = time.perf_counter()
    now = time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory(prefix="siegel-demo-") as folder:
        stage = Stage(console, Path(folder))
        people = found_company(stage.folder, at=now)
        _cast(console, [(p.name, p.role, str(p.identity.user_id)) for p in people], len(people[0].record.encode()))
        for chapter in CHAPTERS:
            chapter(stage, people, now)
    _sum_up(stage, console, time.perf_counter() - begun)


def _cast(console: Console, people: list[tuple[str, str, str]], record_bytes: int) -> None:
    if console.as_json:
        return
    lines = [painted("A company of six, with real files in a temporary folder", BOLD, colour=console.colour)]
    for name, role, user_id in people:
        shown = painted(f"{user_id[:_SHOWN_OF_ID]}…", DIM, colour=console.colour)
        lines.append(f"   {name:<8}{role:<20}{shown}")
    lines.append(f"   Each has one secret of 32 bytes, and a public record of {record_bytes:,}.")
    console.show(lines)


def _sum_up(stage: Stage, console: Console, seconds: float) -> None:
    broken = stage.broken
    steps: list[Json] = [outcome._asdict() for outcome in stage.outcomes]
    if console.as_json:
        console.result({"ok": not broken, "seconds": round(seconds, 3), "outcomes": steps}, [])
    if broken:
        raise CommandError(
            "demo",
            f"{len(broken)} of {len(steps)} outcomes were not as promised: {broken[0].what}",
            "run 'siegel doctor' and report what it says",
        )
    summary = painted(
        f"{len(steps)} outcomes in {stage.chapters} chapters, all as promised", GREEN, colour=console.colour
    )
    if not console.as_json:
        stage.close([f"{summary}, in {seconds:.2f} s. The folder is deleted."])
