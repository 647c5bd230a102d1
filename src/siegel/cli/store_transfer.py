"""Knows the commands that take records out of a store and into another: export, restore."""

from __future__ import annotations

import argparse
from pathlib import Path

from siegel.cli.errors import CommandError, UsageError
from siegel.cli.files import Output, os_failure, refuse_device
from siegel.cli.store_keys import read_key, read_new_key
from siegel.cli.store_opening import opened
from siegel.cli.store_records import counted
from siegel.cli.terminal import Console, size
from siegel.errors import InvalidMessage, LimitExceeded, MalformedError, WrongKey
from siegel.store.keys import Key
from siegel.store.store import Store


def export(args: argparse.Namespace, console: Console) -> None:
    """Writes the records of a store, or of a scope: for another store, or readable."""
    target = _target(args)
    if args.readable:
        if any((args.export_identity, args.export_key_file, args.export_passphrase, args.export_words)) or (
            args.export_passphrase_fd is not None
        ):
            raise UsageError("what is readable has no key", "leave out --readable, or the key")
        console.warn(f"{target} is not encrypted: whoever gets it reads all of it")
    with opened(args, console, doing="exporting") as store:
        if args.scope is not None and all(scope.name != args.scope for scope in store.scopes()):
            raise CommandError(
                "no-such-scope", f"there is no scope {args.scope}", "'siegel store open' shows which are"
            )
        try:
            if args.readable:
                count: int | None = store.export_readable(target, scope=args.scope)
            else:
                key = read_new_key(args, console, prefix="export", asked_for=str(target))
                store.export(target, key=key, scope=args.scope)
                count = None
        except OSError as error:
            raise os_failure(f"write {target}", error) from None
    written = target.stat().st_size
    what = "everything" if args.scope is None else f"the scope {args.scope}"
    lines = (
        [f"wrote {counted(count, 'record')} to {target}, readable"]
        if count is not None
        else [f"wrote {what} to {target}: {size(written)}, encrypted", "keys that this device sends with stayed here"]
    )
    facts = {"file": str(target), "scope": args.scope, "readable": args.readable, "bytes": written, "records": count}
    console.note(facts, lines, beside_payload=False)


def _target(args: argparse.Namespace) -> Path:
    path = Output.named(args.output, overwrite=args.force).path
    if path is None:
        raise UsageError("an export goes into a file", "say -o FILE")
    refuse_device(path)
    taken = [args.store, args.anchor, *(f"{args.store}{log}" for log in ("-wal", "-shm"))]
    if any(path.resolve() == Path(name).resolve() for name in taken if name):
        raise UsageError(f"{path} is the store's own", "name another file with -o")
    return path


def restore(args: argparse.Namespace, console: Console) -> None:
    """Takes an export over: all of it, or nothing."""
    source: str = args.file
    try:
        length = Path(source).stat().st_size
        with opened(args, console, doing="restoring", bytes_to_write=max(length, 1)) as store:
            key = read_key(args, console, prefix="export", asked_for=source)
            count = _restored(store, source, key)
    except OSError as error:
        raise os_failure(f"read {source}", error) from None
    lines = [f"took over {counted(count, 'record')} from {source}; those that were as new here stayed as they were"]
    console.note({"file": source, "records": count}, lines, beside_payload=False)


def _restored(store: Store, source: str, key: Key) -> int:
    try:
        return store.restore(source, key=key)
    except (MalformedError, LimitExceeded) as error:
        raise CommandError(
            error.code, f"{source} is not an export of a store", "'siegel store export' makes one"
        ) from None
    except WrongKey as error:
        raise CommandError(
            error.code, f"this key does not open {source}", "try another key; nothing was changed"
        ) from None
    except InvalidMessage as error:
        remedy = "take another copy; nothing was taken over"
        raise CommandError(error.code, f"{source} was damaged, or cut off", remedy) from None
