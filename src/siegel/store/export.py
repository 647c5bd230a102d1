"""Knows how the records of a store, or of a scope, are handed out: readable, or sealed for another store.

Rules: docs/rationale/erasure-and-backup.md, BAK-10, BAK-11. Laws: what is readable holds no state of the library's own,
which is keys; what is sealed is taken over as a whole, in one transaction, or not at all.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from siegel._core.instants import instant
from siegel.errors import CorruptRecord
from siegel.files import FileName, NewFile
from siegel.store.backend import data_key_of
from siegel.store.carrying import Carried, Open, arriving, kept, leaving, looked_through, take_over
from siegel.store.header import RESERVED
from siegel.store.keys import Argon2Cost, Key
from siegel.store.ledger import Ledger
from siegel.store.reading import open_row, rows_of
from siegel.store.records import Record
from siegel.store.scopes import Scope, scopes_of
from siegel.store.sealed_file import Purpose, SealedFile, write_file

_Json: TypeAlias = "str | int | dict[str, _Json] | None"


# --- readable --------------------------------------------------------------------------------------------------------


def export_readable(ledger: Ledger, target: FileName, *, scope: str | None) -> int:
    """Writes JSON lines; how many."""
    count = 0
    with kept(ledger), NewFile(target) as file:
        for carried in _application_records(ledger, scope):
            file.write(json.dumps(_line_of(carried), ensure_ascii=False).encode() + b"\n")
            count += 1
        file.place()
    return count


def _application_records(ledger: Ledger, only: str | None) -> Iterator[Carried]:
    """Also those that have expired, and were not swept yet: they are there."""
    names: Mapping[bytes, Scope | None] = {ledger.keyring.scope_id(None): None, **scopes_of(ledger)}
    wanted = None if only is None else ledger.keyring.scope_id(only)
    for entry in ledger.catalogue.entries:
        for row in () if entry.name.startswith(RESERVED) else rows_of(ledger, entry.number):
            scope_id = ledger.keyring.scope_of(data_key_of(row.value))
            if wanted is not None and scope_id != wanted:
                continue
            content = open_row(ledger, entry.number, row)
            if scope_id is None or scope_id not in names:
                raise CorruptRecord(f"the record {row.name.hex()} is of a scope whose name is not known")
            fields = {entry.fields[number]: text for number, text in content.fields.items()}
            record = Record(content.key, content.value, row.revision, content.expires, fields, content.restored)
            yield Carried(entry.name, entry.fields, names[scope_id], record)


def _line_of(carried: Carried) -> dict[str, _Json]:
    record, scope = carried.record, carried.scope
    line: dict[str, _Json] = {"collection": carried.collection, "scope": None if scope is None else scope.name}
    line["key"] = _readable(record.key)
    line["value"] = _readable(record.value)
    line["revision"] = record.revision
    if record.expires is not None:
        line["expires"] = record.expires
    if record.fields:
        line["fields"] = dict(record.fields)
    if record.restored is not None:
        line["restored"] = record.restored
    return line


def _readable(data: str | bytes) -> _Json:
    """Text as it is; bytes that are UTF-8 as ``{"utf8": …}``, all others as ``{"base64": …}``."""
    if isinstance(data, str):
        return data
    try:
        return {"utf8": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode("ascii")}


# --- sealed ----------------------------------------------------------------------------------------------------------


def export_sealed(
    ledger: Ledger, target: FileName, *, key: Key, cost: Argon2Cost | None, scope: str | None, at: int | None
) -> None:
    """Writes a file that ``key`` opens."""
    now = instant(at)
    with kept(ledger):
        frames = leaving(ledger, only=scope, at=now)
        write_file(target, purpose=Purpose.EXPORT, key=key, cost=cost, signer=None, at=now, frames=frames)


def restore_export(ledger: Ledger, open_collection: Open, source: FileName, *, key: Key) -> int:
    """Takes an export over, after all of it was looked through; how many records were newer than what was here."""
    with SealedFile(source, purpose=Purpose.EXPORT, key=key, owner=None) as file:
        looked_through(arriving(file.frames()))
        with ledger.transaction():
            ledger.note_restore()
            return take_over(open_collection, arriving(file.frames()), at=file.opening.at)
