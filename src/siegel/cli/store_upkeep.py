"""Knows the commands that keep a store: slots, rotate, erase, verify."""

from __future__ import annotations

import argparse
import sys

from siegel.cli.errors import CommandError, UsageError
from siegel.cli.store_keys import read_new_key
from siegel.cli.store_opening import opened
from siegel.cli.store_records import counted, slot_facts, slot_row
from siegel.cli.terminal import Console, Json, table, visible
from siegel.store.erasure import ErasureReport
from siegel.store.slots import Slot


def slots(args: argparse.Namespace, console: Console) -> None:
    """Lists, adds or removes what opens a store."""
    {"list": _list_slots, "add": _add_slot, "remove": _remove_slot}[args.slots_command](args, console)


def _list_slots(args: argparse.Namespace, console: Console) -> None:
    with opened(args, console) as store:
        found = store.slots()
    for slot in found if console.as_json else ():
        console.result(slot_facts(slot), [])
    if not console.as_json:
        console.show(table([slot_row(slot) for slot in found]))


def _add_slot(args: argparse.Namespace, console: Console) -> None:
    with opened(args, console) as store:
        slot = store.add_slot(read_new_key(args, console, prefix="new")).hex()
        count = len(store.slots())
    words = [] if args.new_words is None else [f"{args.new_words} holds the words: whoever reads them can open it"]
    lines = [f"added the slot {slot}: {counted(count, 'key')} open {args.store}", *words]
    console.note({"slot": slot, "slots": count, "words": args.new_words}, lines, beside_payload=False)


def _remove_slot(args: argparse.Namespace, console: Console) -> None:
    with opened(args, console) as store:
        slot = _slot_named(args.slot, store.slots())
        store.remove_slot(slot.id)
        count = len(store.slots())
    lines = [
        f"removed the slot {slot.id.hex()} ({slot.kind.name.lower()}): {counted(count, 'slot')} left",
        "an older copy of the database still opens with its key",
    ]
    console.note({"slot": slot.id.hex(), "slots": count}, lines, beside_payload=False)


def _slot_named(digits: str, slots_there: tuple[Slot, ...]) -> Slot:
    found = [slot for slot in slots_there if slot.id.hex().startswith(digits.lower())]
    if len(found) == 1:
        return found[0]
    what = "no slot begins" if not found else f"{len(found)} slots begin"
    raise CommandError("no-such-slot", f"{what} with '{digits}'", "'siegel store slots list' shows their ids")


def rotate(args: argparse.Namespace, console: Console) -> None:
    """Wraps the data keys under a new epoch."""
    with opened(args, console) as store:
        store.rotate()
        sequence = store.sequence
    lines = ["wrapped every data key anew, and forgot what wrapped them before"]
    console.note({"store": args.store, "transaction": sequence}, lines, beside_payload=False)


# --- erase -----------------------------------------------------------------------------------------------------------


def erase(args: argparse.Namespace, console: Console) -> None:
    """Erases a scope, after a question; the report is the result."""
    if not args.yes and (sys.stdin is None or not sys.stdin.isatty()):
        raise UsageError("erasing cannot be undone, and nobody is there to ask", "say --yes")
    with opened(args, console) as store:
        known = any(scope.name == args.scope for scope in store.scopes())
        if not known:
            console.warn(f"no records are known of a scope {args.scope}")
        if not args.yes:
            _ask(args)
        report = store.erase(args.scope)
    console.result(_report_facts(report), str(report).splitlines())
    if report.undone:
        raise CommandError(
            "erasure-unfinished", "the keys are destroyed, but not all was cleaned", "erase it once more"
        )


def _ask(args: argparse.Namespace) -> None:
    scope, name = visible(args.scope), visible(args.store)
    print(f"Erase all of {scope} in {name} for good? Type yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise CommandError("not-confirmed", "nothing was erased", "type yes, or say --yes")


def _report_facts(report: ErasureReport) -> dict[str, Json]:
    facts: dict[str, Json] = {
        name: value.hex() if isinstance(value, bytes) else value for name, value in report._asdict().items()
    }
    return facts


# --- verify ----------------------------------------------------------------------------------------------------------


def verify(args: argparse.Namespace, console: Console) -> None:
    """Opens every record, and lists what is wrong."""
    with opened(args, console, doing="verifying") as store:
        found = store.verify()
    faults: list[Json] = [fault._asdict() for fault in found.faults]
    if found.ok:
        facts: dict[str, Json] = {"records": found.records, "faults": faults}
        console.result(facts, [f"{counted(found.records, 'record')} opened, nothing is wrong"])
        return
    if not console.as_json:
        rows = [tuple(map(visible, (fault.collection, fault.record or "-", fault.what))) for fault in found.faults]
        console.show(table(rows))
    raise CommandError(
        "store-damaged",
        f"{args.store}: {counted(len(faults), 'fault')}; {counted(found.records, 'record')} opened",
        "restore what is damaged from a backup; the rest stays readable",
        {"records": found.records, "faults": faults},
    )
