"""Knows the commands that make a store, say what it is, and reach its records: create, open, put, get, ls."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Final
from unicodedata import normalize

from siegel.cli.errors import CommandError, UsageError
from siegel.cli.files import Output, input_name, read_input
from siegel.cli.store_keys import read_new_key
from siegel.cli.store_opening import collected, database, is_anchored, is_file_name, opened, told
from siegel.cli.terminal import Console, Json, moment, size, table, visible
from siegel.store.anchor import FileAnchor
from siegel.store.collection import Collection
from siegel.store.header import RESERVED
from siegel.store.records import MAX_VALUE_BYTES, Key, Record
from siegel.store.slots import Slot
from siegel.store.store import Store

_STDIN: Final = 0


# --- create and open -------------------------------------------------------------------------------------------------


def create(args: argparse.Namespace, console: Console) -> None:
    """Makes a store that one key opens."""
    if args.anchor is not None and os.path.lexists(args.anchor):
        raise CommandError("file-exists", f"{args.anchor} exists already", "each store has an anchor of its own")
    with told(args.store):
        _refuse_store(args.store)
        key = read_new_key(args, console)
        anchor = None if args.anchor is None else FileAnchor(args.anchor)
        with (
            closing(database(args.store, create=True)) as backend,
            Store.create(backend, key=key, anchor=anchor) as store,
        ):
            store_id = store.store_id.hex()
    lines = [f"made {args.store}, which one key opens; 'siegel store slots add' gives it a second one"]
    if args.new_words is not None:
        lines.append(f"{args.new_words} holds the words that open it: whoever reads them can")
    facts: dict[str, Json] = {"store": args.store, "store_id": store_id, "anchor": args.anchor, "words": args.new_words}
    console.note(facts, lines, beside_payload=False)


def _refuse_store(name: str) -> None:
    """Before a passphrase is typed twice, and before there is a file."""
    if is_file_name(name) and not os.path.lexists(name):
        return
    with closing(database(name, create=True)) as backend:
        if backend.blocks():
            raise CommandError("state-error", f"there is a store in {name} already", "'siegel store open' opens it")


def describe(args: argparse.Namespace, console: Console) -> None:
    """Says what a store is."""
    if args.acknowledge_restore and args.anchor is None:
        raise UsageError("without an anchor no restore is noticed", "say --anchor FILE with --acknowledge-restore")
    with opened(args, console) as store:
        entries, scopes, slots = collected(store), store.scopes(), store.slots()
        anchor = _anchor_state(store, args)
        facts: dict[str, Json] = {
            "store_id": store.store_id.hex(),
            "transaction": store.sequence,
            "restores": store.restores,
            "read_only": store.read_only,
            "anchor": anchor,
            "slots": [slot_facts(slot) for slot in slots],
            "collections": [
                {"name": entry.name, "records": entry.records, "fields": list(entry.fields)} for entry in entries
            ],
            "scopes": [{"name": scope.name, "held_since": scope.held_since} for scope in scopes],
        }
    records = sum(entry.records for entry in entries)
    lines = [
        f"store {facts['store_id']}, transaction {facts['transaction']}",
        f"anchor: {_ANCHORS[anchor]}",
        f"restores: {facts['restores']}",
        *_section(f"{len(slots)} of 8 slots", [slot_row(slot) for slot in slots]),
        *_section(
            f"{counted(len(entries), 'collection')}, {counted(records, 'record')}",
            [(entry.name, counted(entry.records, "record"), ", ".join(entry.fields)) for entry in entries],
        ),
        *_section(
            counted(len(scopes), "scope"),
            [(s.name, "" if s.held_since is None else f"held since {moment(s.held_since)}") for s in scopes],
        ),
    ]
    console.result(facts, lines)


_ANCHORS: Final = {
    "agrees": "agrees, the store is not older than it",
    "not-asked": "one follows this store, and was not asked (--anchor FILE)",
    "read-only": "not required to agree (--read-only)",
    "none": "none; an older copy of the whole database is not noticed",
}


def _anchor_state(store: Store, args: argparse.Namespace) -> str:
    if store.read_only:
        return "read-only"
    if args.anchor is not None:
        return "agrees"
    return "not-asked" if is_anchored(store) else "none"


def _section(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    return ["", title, *(f"  {line}" for line in (table(rows) if rows else []))]


def slot_facts(slot: Slot) -> dict[str, Json]:
    """A slot for a program."""
    cost = None if slot.cost is None else dict(slot.cost._asdict())
    return {"id": slot.id.hex(), "kind": slot.kind.name.lower(), "cost": cost}


def slot_row(slot: Slot) -> tuple[str, ...]:
    """A slot for a person."""
    cost = slot.cost
    guess = "" if cost is None else f"a guess takes {cost.memory_kib // 1024} MiB, {cost.passes} passes"
    return slot.id.hex(), slot.kind.name.lower(), guess


def counted(count: int, what: str) -> str:
    """A number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# --- put, get, ls ----------------------------------------------------------------------------------------------------


def put(args: argparse.Namespace, console: Console) -> None:
    """Writes a record."""
    key, read_stdin = _key_of(args), args.file in {None, "-"}
    if args.collection.startswith(RESERVED):
        raise CommandError("invalid-argument", f"{RESERVED}… is the library's own", "choose another name")
    if read_stdin and (args.passphrase_fd == _STDIN or args.words == "-"):
        raise UsageError("standard input cannot be the key and the value", "name a FILE")
    value = read_input(args.file, limit=MAX_VALUE_BYTES, console=console, typed="type the value")
    if len(value) > MAX_VALUE_BYTES:
        raise CommandError(
            "limit-exceeded",
            f"{input_name(args.file)} is larger than 16 MiB, the most that one record holds",
            "'siegel encrypt-file' makes an encrypted file of a larger one",
        )
    with opened(args, console) as store, store.transaction():
        collection = store.collection(args.collection, scope=args.scope)
        before = collection.get(key)
        if before is not None and not args.force:
            raise CommandError("record-exists", f"{_shown(key)} is there already", "-f replaces it")
        if before is not None and before.fields:
            collection = store.collection(args.collection, scope=args.scope, index=tuple(before.fields))
        revision = collection.put(
            key,
            value,
            index=before.fields if before else None,
            expires=before.expires if before else None,
            expected=before.revision if before else None,
        )
    facts = {**_place(args, key), "revision": revision, "bytes": len(value)}
    console.note(facts, [f"wrote {size(len(value))} to {_shown(key)}, revision {revision}"], beside_payload=False)


def get(args: argparse.Namespace, console: Console) -> None:
    """Reads a record: its value comes out after it was verified."""
    key = _key_of(args)
    output = Output.named(args.output, overwrite=args.force)
    with opened(args, console) as store:
        record = _collection(store, args).get(key)
    if record is None:
        raise CommandError(
            "no-such-record", f"there is no record {_shown(key)}", "'siegel store ls' shows what there is"
        )
    output.write(record.value)
    console.note(
        {**_place(args, key), **_record_facts(record), "file": args.output},
        [] if output.on_stdout else [f"wrote {size(len(record.value))} to {args.output}, revision {record.revision}"],
        beside_payload=output.on_stdout,
    )


def ls(args: argparse.Namespace, console: Console) -> None:
    """Lists the collections, or the keys of one."""
    if args.collection is None:
        if args.scope is not None:
            raise UsageError("--scope is of a collection", "name the COLLECTION, too")
        with opened(args, console) as store:
            entries = collected(store)
        for entry in entries if console.as_json else ():
            console.result({"collection": entry.name, "records": entry.records, "fields": list(entry.fields)}, [])
        if not console.as_json:
            rows = [(visible(entry.name), counted(entry.records, "record")) for entry in entries]
            console.show(table(rows) if rows else [])
        return
    with opened(args, console) as store:
        found = sorted(_listed(_collection(store, args)))
    for shown, facts in found:
        console.result(facts, [shown])


def _listed(collection: Collection) -> Iterator[tuple[str, dict[str, Json]]]:
    for record in collection.scan():
        yield _shown(record.key), {**_named(record.key), **_record_facts(record)}


def _collection(store: Store, args: argparse.Namespace) -> Collection:
    """One that is there, with all its fields; asking the store would make it."""
    for entry in collected(store):
        if entry.name == args.collection:
            return store.collection(entry.name, scope=args.scope, index=entry.fields)
    raise CommandError(
        "no-such-collection", f"there is no collection {args.collection}", "'siegel store ls' shows what there is"
    )


def _key_of(args: argparse.Namespace) -> Key:
    if not args.hex:
        return normalize("NFC", args.key)  # as the library has it; some keyboards give letters and accents apart
    try:
        return bytes.fromhex(args.key.removeprefix("0x"))
    except ValueError:
        raise UsageError(
            f"{args.key} is not hexadecimal", "with --hex KEY is digits and a to f, two for a byte"
        ) from None


def _place(args: argparse.Namespace, key: Key) -> dict[str, Json]:
    return {"collection": args.collection, "scope": args.scope, **_named(key)}


def _named(key: Key) -> dict[str, Json]:
    return {"key": key} if isinstance(key, str) else {"key_hex": key.hex()}


def _record_facts(record: Record) -> dict[str, Json]:
    return {
        "revision": record.revision,
        "bytes": len(record.value),
        "expires": record.expires,
        "fields": dict(record.fields),
        "restored": record.restored,
    }


def _shown(key: Key) -> str:
    return key if isinstance(key, str) else f"0x{key.hex()}"
