"""``python -m benchmarks [WORKLOAD …] [--quick] [--json FILE]``: a Markdown table on standard output."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks import group_messages, imports, many_recipients, one_recipient
from benchmarks.measure import Row
from benchmarks.peers import missing_peers

WORKLOADS = {
    "one-recipient": one_recipient.run,
    "many-recipients": many_recipients.run,
    "group-messages": group_messages.run,
    "imports": imports.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="siegel against the raw primitives")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of: {', '.join(WORKLOADS)}")
    parser.add_argument("--quick", action="store_true", help="fewer pairs; says whether it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    unknown = set(arguments.workloads) - WORKLOADS.keys()
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    for name in arguments.workloads or WORKLOADS:
        print(f"{name} …", file=sys.stderr)
        rows += WORKLOADS[name](pairs=40 if arguments.quick else 4_000)
    print(_table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": _machine(), "rows": [asdict(row) for row in rows]}, indent=1))
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
    missing = missing_peers()
    return "\n".join([*lines, "", f"Peers not installed: {', '.join(missing) or 'none'}."])


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _machine() -> dict[str, str]:
    packages = ("siegel", "cryptography", "pynacl", "cbor2")
    return {"python": platform.python_version(), "system": platform.machine(), **{p: version(p) for p in packages}}


if __name__ == "__main__":
    sys.exit(main())
