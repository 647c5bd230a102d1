"""Knows the words of ``siegel store`` and their help."""

from __future__ import annotations

import argparse
from typing import Final

STORE: Final = """\
An encrypted store in a database: the path of an SQLite file, or a URL postgresql://… without a password in it.

  siegel store create cabinet.db                  asks for a passphrase, twice
  siegel store put cabinet.db notes monday note.txt
  siegel store get cabinet.db notes monday
  siegel store open cabinet.db                    what is in it

What opens it: -i KEY, --key-file FILE with 32 random bytes, --passphrase-fd N, --words FILE, and otherwise a passphrase
that is asked for. No passphrase and no key is ever an argument. 'siegel store COMMAND --help' tells the rest.
"""

_CREATE: Final = """\
Makes a store that one key opens. Without that key nothing comes back: add a second one with 'siegel store slots add'.

  siegel store create cabinet.db                  asks for a passphrase, twice
  siegel store create cabinet.db -i ada.key
  siegel store create cabinet.db --key-file store.key --anchor /other/disk/anchor

An anchor remembers outside of the database how far the store was, so that an older copy of the whole is noticed.
"""

_OPEN: Final = """\
Opens a store, and says what it is: slots, collections, numbers of records, scopes, anchor.

  siegel store open cabinet.db
  siegel store open cabinet.db --anchor /other/disk/anchor --acknowledge-restore

With --acknowledge-restore a person says that an older copy was put back on purpose. Programs that keep groups in the
store begin new chains then.
"""

_PUT: Final = """\
Writes a record of up to 16 MiB, from FILE (right behind KEY) or standard input. One that is there is replaced only with
-f, and keeps its expiry and what it is found by.

  siegel store put cabinet.db notes monday note.txt
  siegel store put cabinet.db messages 17 --scope care-team < message
"""

_GET: Final = """\
Writes the value of a record: to standard output, or with -o to a file.

  siegel store get cabinet.db notes monday
  siegel store get cabinet.db messages 17 --scope care-team -o message
"""

_LS: Final = """\
Lists the collections with their numbers of records, or the keys of one collection and scope, sorted.

  siegel store ls cabinet.db
  siegel store ls cabinet.db messages --scope care-team

A key of bytes is shown as 0x and hexadecimal digits; 'get --hex' takes these.
"""

_SLOTS: Final = """\
One to eight keys open a store, each in a slot of its own.

  siegel store slots list cabinet.db
  siegel store slots add cabinet.db --new-words cabinet.words
  siegel store slots remove cabinet.db 9d2f…      the id that list shows
"""

_SLOTS_LIST: Final = "Shows for each slot its id, its kind, and what a guess at a passphrase costs.\n"

_SLOTS_ADD: Final = """\
Adds a key, of at most eight. The options without 'new' open the store; those with it say what shall open it, too.

  siegel store slots add cabinet.db --new-identity ada.key
  siegel store slots add cabinet.db -i ada.key --new-passphrase
  siegel store slots add cabinet.db --new-words cabinet.words
"""

_SLOTS_REMOVE: Final = """\
The key of this slot does not open the store any more; the last slot stays. Who has an older copy of the database and
the key still reads that copy.

  siegel store slots remove cabinet.db 9d2f41…
"""

_ROTATE: Final = """\
Wraps every data key again, and forgets what wrapped them before. Records are not written again.

  siegel store rotate cabinet.db
"""

_ERASE: Final = """\
Destroys the data keys of a scope, deletes its records, and cleans the database's files. It cannot be undone. The report
on standard output says what was done, and what no erasure reaches.

  siegel store erase cabinet.db care-team
  siegel store erase cabinet.db care-team --yes > report.txt
"""

_VERIFY: Final = """\
Opens every record and compares each collection with the header. Lists what is wrong, and exits with 1 if anything is.

  siegel store verify cabinet.db --anchor /other/disk/anchor
"""

_EXPORT: Final = """\
Writes the records of a store, or of a scope, to a file. It is encrypted, and opens with a key of its own: the options
with 'export', and otherwise a passphrase that is asked for twice. With --readable it is lines of JSON that anybody
reads, for a person who asks what is known of them.

  siegel store export cabinet.db -o cabinet.export
  siegel store export cabinet.db --scope ada --readable -o ada.jsonl

Keys that this device sends with stay where they are.
"""

_RESTORE: Final = """\
Takes an export over into a store, after all of it was verified: whole or not at all. A record that is as new here stays
as it is. The options with 'export' open FILE, and the others the store.

  siegel store restore other.db cabinet.export
  siegel store restore other.db cabinet.export -i ada.key --export-words cabinet.words
"""

COMMANDS: Final = {
    "create": ("make a store", _CREATE),
    "open": ("say what a store is", _OPEN),
    "put": ("write a record", _PUT),
    "get": ("read a record", _GET),
    "ls": ("list collections and keys", _LS),
    "slots": ("list, add and remove keys", _SLOTS),
    "rotate": ("wrap the data keys anew", _ROTATE),
    "erase": ("destroy what belongs to a scope", _ERASE),
    "verify": ("look through everything", _VERIFY),
    "export": ("write the records to a file", _EXPORT),
    "restore": ("take such a file over", _RESTORE),
}
SLOT_COMMANDS: Final = {
    "list": ("what opens the store", _SLOTS_LIST),
    "add": ("a further key", _SLOTS_ADD),
    "remove": ("a key that shall open it no more", _SLOTS_REMOVE),
}


def add_store_commands(store: argparse.ArgumentParser) -> None:
    """Gives ``siegel store`` its commands; ``store_command`` is the name of the one chosen, ``slots_command`` below."""
    made = _commands(store, COMMANDS, "store_command")
    slots = _commands(made["slots"], SLOT_COMMANDS, "slots_command")
    _create(made["create"])
    for parser in (made["open"], made["ls"], made["get"], made["verify"], made["export"], slots["list"]):
        _opened(parser)
        parser.add_argument(
            "--read-only", action="store_true", help="read it also if it is older than the anchor knows"
        )
    for parser in (made["put"], slots["add"], slots["remove"], made["rotate"], made["erase"], made["restore"]):
        _opened(parser)
    made["open"].add_argument(
        "--acknowledge-restore", action="store_true", help="an older copy is meant: go on with it"
    )
    made["ls"].add_argument("collection", metavar="COLLECTION", nargs="?", help="list its keys")
    _scope(made["ls"])
    _record(made["put"])
    made["put"].add_argument("file", nargs="?", metavar="FILE", help="the value (default: standard input)")
    _force(made["put"], "replace a record that is there")
    _record(made["get"])
    made["get"].add_argument("-o", "--output", metavar="FILE", help="write the value to FILE")
    _force(made["get"], "overwrite what exists")
    key_options(slots["add"], "new", required=True)
    slots["remove"].add_argument("slot", metavar="ID", help="the slot's id, or its first digits")
    made["erase"].add_argument("scope", metavar="SCOPE", help="whose records")
    made["erase"].add_argument("--yes", action="store_true", help="do not ask")
    key_options(made["export"], "export")
    made["export"].add_argument("-o", "--output", metavar="FILE", required=True, help="write it to FILE")
    made["export"].add_argument("--readable", action="store_true", help="lines of JSON, not encrypted")
    _scope(made["export"], "only these records: a conversation, a person")
    _force(made["export"], "overwrite what exists")
    key_options(made["restore"], "export")
    made["restore"].add_argument("file", metavar="FILE", help="the export")
    for parser in (*made.values(), *slots.values()):
        parser.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="for programs: one JSON object per line"
        )


def _commands(
    parent: argparse.ArgumentParser, table: dict[str, tuple[str, str]], dest: str
) -> dict[str, argparse.ArgumentParser]:
    commands = parent.add_subparsers(dest=dest, metavar="COMMAND", required=True, parser_class=type(parent))
    return {
        name: commands.add_parser(
            name,
            help=summary,
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for name, (summary, text) in table.items()
    }


def _create(parser: argparse.ArgumentParser) -> None:
    _store(parser)
    chosen = key_options(parser, "")
    chosen.add_argument("--new-words", metavar="FILE", help="make 24 recovery words, and write them to FILE")
    _anchor(parser)


def _opened(parser: argparse.ArgumentParser) -> None:
    _store(parser)
    chosen = key_options(parser, "")
    chosen.add_argument("--words", metavar="FILE", help="recovery words in FILE; '-' asks for them, or reads a pipe")
    _anchor(parser)


def _store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="an SQLite file, or a URL postgresql://…")


def _anchor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--anchor", metavar="FILE", help="remembers how far the store is; keep it on another disk")


def key_options(
    parser: argparse.ArgumentParser, prefix: str, *, required: bool = False
) -> argparse._MutuallyExclusiveGroup:
    """The options that name a key; those with a prefix are of another key than the one that opens the store."""
    group = parser.add_mutually_exclusive_group(required=required)
    option = f"--{prefix}-" if prefix else "--"
    group.add_argument(*(() if prefix else ("-i",)), f"{option}identity", metavar="KEY", help="a key file")
    group.add_argument(f"{option}key-file", metavar="FILE", help="32 random bytes, in a file of mode 0600")
    group.add_argument(
        f"{option}passphrase-fd", metavar="N", type=_descriptor, help="a passphrase, one line from there"
    )
    if prefix:
        group.add_argument(f"{option}passphrase", action="store_true", help="a passphrase, asked for")
        group.add_argument(f"{option}words", metavar="FILE", help="24 recovery words, in FILE")
    return group


def _descriptor(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise argparse.ArgumentTypeError("the number of a file descriptor, such as 3")
    return int(text)


def _record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("collection", metavar="COLLECTION", help="the name of a collection")
    parser.add_argument("key", metavar="KEY", help="what the record is called")
    parser.add_argument("--hex", action="store_true", help="KEY is bytes, in hexadecimal")
    _scope(parser)


def _scope(
    parser: argparse.ArgumentParser, what: str = "whose records: a conversation, a person (default: nobody's)"
) -> None:
    parser.add_argument("--scope", metavar="SCOPE", help=what)


def _force(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("-f", "--force", action="store_true", help=what)
