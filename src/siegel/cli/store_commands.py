"""Knows which function does which command of ``siegel store``."""

from __future__ import annotations

import argparse
from typing import Final

from siegel.cli import store_records, store_transfer, store_upkeep
from siegel.cli.terminal import Console

DO: Final = {
    "create": store_records.create,
    "open": store_records.describe,
    "put": store_records.put,
    "get": store_records.get,
    "ls": store_records.ls,
    "slots": store_upkeep.slots,
    "rotate": store_upkeep.rotate,
    "erase": store_upkeep.erase,
    "verify": store_upkeep.verify,
    "export": store_transfer.export,
    "restore": store_transfer.restore,
}


def store(args: argparse.Namespace, console: Console) -> None:
    """Does one of them."""
    DO[args.store_command](args, console)
