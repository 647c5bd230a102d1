"""``python -m benchmarks [WORKLOAD …] [--quick] [--json FILE] [--plot FILE]``: Markdown tables on standard output."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    attachments,
    group_messages,
    groups,
    growth,
    imports,
    many_recipients,
    membership,
    one_recipient,
    plot,
    store,
)
from benchmarks.measure import Fact, Row
from benchmarks.peers import missing_peers

WORKLOADS: dict[str, Callable[..., Sequence[Row | Fact]]] = {
    "one-recipient": one_recipient.run,
    "many-recipients": many_recipients.run,
    "group-messages": group_messages.run,
    "groups": groups.run,
    "membership": membership.run,
    "attachments": attachments.run,
    "growth": growth.run,
    "imports": imports.run,
    "store": store.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="siegel against the raw primitives")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of: {', '.join(WORKLOADS)}")
    parser.add_argument("--quick", action="store_true", help="fewer pairs; says whether it runs, not how fast")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="measure how cost grows, and draw it (SVG)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    unknown = set(arguments.workloads) - WORKLOADS.keys()
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    lines: list[Row | Fact] = []
    for name in arguments.workloads or WORKLOADS:
        if name == "growth" and arguments.plot:
            continue
        print(f"{name} …", file=sys.stderr)
        lines += WORKLOADS[name](pairs=40 if arguments.quick else 4_000)
    if arguments.plot:
        print("growth …", file=sys.stderr)
        charts = growth.measure(quick=arguments.quick)
        arguments.plot.write_text(plot.draw(charts), encoding="utf-8")
        lines += growth.facts(charts)
    rows, facts = [line for line in lines if isinstance(line, Row)], [line for line in lines if isinstance(line, Fact)]
    print("\n\n".join(filter(None, (_table(rows), _list(facts), _missing()))))
    if arguments.json:
        parts = {"rows": [asdict(row) for row in rows], "facts": [asdict(fact) for fact in facts]}
        arguments.json.write_text(json.dumps({"machine": _machine(), **parts}, indent=1))
    return 0


def _table(rows: list[Row]) -> str:
    lines = [
        "| what | siegel | against | theirs | ratio | wanted |",
        "|---|---:|---|---:|---:|---|",
        *(
            f"| {row.what} | {_time(row.ours)} | {row.against} | {_time(row.theirs)} | {row.ratio:.2f} | {row.limit} |"
            for row in rows
        ),
    ]
    return "\n".join(lines) if rows else ""


def _list(facts: list[Fact]) -> str:
    lines = [
        "| what | siegel | | wanted |",
        "|---|---:|---|---|",
        *(f"| {fact.what} | {_number(fact.value)} | {fact.unit} | {fact.limit} |" for fact in facts),
    ]
    return "\n".join(lines) if facts else ""


def _missing() -> str:
    return f"Peers not installed: {', '.join(missing_peers()) or 'none'}."


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _machine() -> dict[str, str]:
    packages = ("siegel", "cryptography", "pynacl", "cbor2")
    return {"python": platform.python_version(), "system": platform.machine(), **{p: version(p) for p in packages}}


if __name__ == "__main__":
    sys.exit(main())
