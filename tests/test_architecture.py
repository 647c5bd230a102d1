"""Holds the direction of imports in src/siegel, and what no module may reach for. A new module gets a row below."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

import siegel
from tests.markdown import ROOT

SOURCE = ROOT / "src" / "siegel"

# A module imports only from rows above its own.
LIBRARY = (
    "siegel.errors",
    "siegel._core",
    "siegel._core.secret",
    "siegel._core.frozen",
    "siegel._core.codec",
    "siegel._core.shape",
    "siegel._core.instants",
    "siegel._core.labels",
    "siegel._core.suite",
    "siegel._core.chunked",
    "siegel._core.passwords",
    "siegel._core.wrapping",
    "siegel._core.padding",
    "siegel._core.bech32m",
    "siegel.words",
    "siegel.merkle",
    "siegel.identity",
    "siegel.events",
    "siegel.sealing_keys",
    "siegel.safety",
    "siegel.succession",
    "siegel.contacts",
    "siegel.audience",
    "siegel.envelope",
    "siegel.inspection",
    "siegel.groups",
    "siegel.groups.key_tree",
    "siegel.groups.message",
    "siegel.groups.certificate",
    "siegel.groups.links",
    "siegel.groups.waiting",
    "siegel.groups.chain",
    "siegel.groups.sending_chain",
    "siegel.groups.actions",
    "siegel.groups.operations",
    "siegel.groups.roster",
    "siegel.groups.transitions",
    "siegel.groups.branches",
    "siegel.groups.losing",
    "siegel.groups.history",
    "siegel.sealing_pool",
    "siegel.sealed",
    "siegel.streams",
    "siegel.attachments",
    "siegel.files",
    "siegel.blocking",
    "siegel.attachment_files",
    "siegel.attachment_reader",
    "siegel.groups.epoch",
    "siegel.groups.broadcast",
    "siegel.groups.control",
    "siegel.groups.permission",
    "siegel.groups.storage",
    "siegel.groups.records",
    "siegel.groups.state",
    "siegel.groups.member",
    "siegel.groups.messages",
    "siegel.groups.receiving",
    "siegel.groups.sending",
    "siegel.groups.acts",
    "siegel.groups.parked",
    "siegel.groups.intake",
    "siegel.groups.joining",
    "siegel.groups.keeping",
    "siegel.groups.group",
    "siegel.store",
    "siegel.store.damage",
    "siegel.store.keyring",
    "siegel.store.keys",
    "siegel.store.slots",
    "siegel.store.backend",
    "siegel.store.memory_backend",
    "siegel.store.sqlite_file",
    "siegel.store.sqlite_session",
    "siegel.store.sqlite_tables",
    "siegel.store.sqlite_backend",
    "siegel.store.postgres_session",
    "siegel.store.postgres_tables",
    "siegel.store.postgres_backend",
    "siegel.store.records",
    "siegel.store.freshness",
    "siegel.store.header",
    "siegel.store.state",
    "siegel.store.anchor",
    "siegel.store.record_keys",
    "siegel.store.ledger",
    "siegel.store.reading",
    "siegel.store.collection",
    "siegel.store.verification",
    "siegel.store.scopes",
    "siegel.store.retention",
    "siegel.store.erasure",
    "siegel.store.sealed_file",
    "siegel.store.carrying",
    "siegel.store.export",
    "siegel.store.store",
    "siegel.store.history",
    "siegel.store.group_commit",
    "siegel.store.async_store",
    "siegel.store.backup",
    "siegel.store.kept",
    "siegel.store.replay",
    "siegel.store.outbox",
    "siegel.store.group_storage",
    "siegel",
)
COMMAND_LINE = (
    "siegel.cli.terminal",
    "siegel.cli.errors",
    "siegel.cli.files",
    "siegel.cli.people",
    "siegel.cli.keys",
    "siegel.cli.messages",
    "siegel.cli.inspection",
    "siegel.cli.progress",
    "siegel.cli.attachments",
    "siegel.cli.store_keys",
    "siegel.cli.store_opening",
    "siegel.cli.store_records",
    "siegel.cli.store_upkeep",
    "siegel.cli.store_transfer",
    "siegel.cli.store_commands",
    "siegel.cli.known_answers",
    "siegel.cli.doctor",
    "siegel.cli.demo.stage",
    "siegel.cli.demo.company",
    "siegel.cli.demo.server",
    "siegel.cli.demo.sealed_messages",
    "siegel.cli.demo.attachments",
    "siegel.cli.demo.team",
    "siegel.cli.demo.group_messages",
    "siegel.cli.demo",
    "siegel.cli.store_arguments",
    "siegel.cli.arguments",
    "siegel.cli.program",
    "siegel.cli",
    "siegel.__main__",
)
TABLE = LIBRARY + COMMAND_LINE

MAX_LINES = 400
NAMES_WITHOUT_MEANING = {"base", "common", "helpers", "misc", "utils"}

NOWHERE = {
    "importlib",  # an import made by a call cannot be read here
    "marshal",
    "pickle",
    "random",
    "secrets",  # randomness is read in _core.suite
    "shelve",
    "uuid",
    # compression before encryption tells an attacker about the text (CRIME)
    "bz2",
    "gzip",
    "lzma",
    "zlib",
    # the cryptography and the encoding have one room each
    "cbor2",
    "cryptography",
    "nacl",
}
NOT_IN_THE_LIBRARY = {
    "argparse",
    "asyncio",
    "concurrent",
    "datetime",
    "getpass",
    "http",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "warnings",
}
CALLS_NOWHERE = {"__import__", "eval", "exec"}
CALLS_NOT_IN_THE_LIBRARY = {"input", "open", "print"}

# What is allowed all the same, and why. An entry that nothing needs is an error.
ALLOWED = {
    ("siegel._core.codec", "imports cbor2"): "the one encoder",
    ("siegel._core.suite", "imports cryptography"): "the one room of cryptography",
    ("siegel._core.chunked", "imports cryptography"): "its streams, which few programs need: loaded when they are",
    ("siegel._core.passwords", "imports cryptography"): "Argon2id, which few programs need",
    ("siegel._core.suite", "imports nacl"): "the one room of cryptography",
    ("siegel._core.suite", "imports os"): "os.urandom, the one source of randomness",
    ("siegel._core.instants", "imports time"): "the one clock",
    (
        "siegel.contacts",
        "compares held.record.sealing_key.data == public.sealing_key.data",
    ): "both are public keys, from published records",
    ("siegel.sealing_pool", "imports multiprocessing"): "seal's worker processes",
    ("siegel.files", "imports io"): "attachments are files: what they are read from and written to",
    ("siegel.files", "imports os"): "what pathlib cannot do: no link followed, one step to the name, down to the disk",
    ("siegel.files", "imports pathlib"): "tells a name from its folder",
    ("siegel.blocking", "imports asyncio"): "the one place that awaits: work that blocks, in a thread",
    ("siegel.attachment_reader", "imports io"): "it is a file to whoever reads it",
    ("siegel.attachment_reader", "imports os"): "names of files and ways to seek",
    ("siegel.attachment_reader", "imports threading"): "a lock: its reads may come from several threads",
    ("siegel.sealing_pool", "imports sys"): "which way of starting a process the system knows",
    ("siegel.store.anchor", "imports os"): "makes the file of an anchor, and sees it onto the disk",
    ("siegel.store.anchor", "imports pathlib"): "the path of an anchor",
    ("siegel.store.group_commit", "imports asyncio"): "coroutines wait for its thread",
    ("siegel.store.group_commit", "imports concurrent"): "the thread, and what it owes to whom",
    ("siegel.store.group_commit", "imports os"): "which process started the thread",
    ("siegel.store.async_store", "imports os"): "what may name a path",
    ("siegel.store.async_store", "imports pathlib"): "the path of a store",
    ("siegel.store.store", "imports os"): "what may name a path",
    ("siegel.store.store", "imports pathlib"): "the path of a store",
    ("siegel.store.store", "imports sqlite3"): "the application's connection",
    ("siegel.store.sqlite_file", "imports os"): "makes the file of a store, which only its owner may read",
    ("siegel.store.sqlite_file", "imports pathlib"): "the path of a store",
    ("siegel.store.sqlite_file", "imports sqlite3"): "a database of stores",
    ("siegel.store.sqlite_session", "imports os"): "which process opened a connection",
    ("siegel.store.sqlite_session", "imports pathlib"): "the path of a store",
    ("siegel.store.sqlite_session", "imports sqlite3"): "a database of stores",
    ("siegel.store.postgres_session", "imports os"): "which process opened a connection",
    ("siegel.store.sqlite_backend", "imports pathlib"): "the path of a store",
    ("siegel.store.sqlite_backend", "imports sqlite3"): "a database of stores",
    ("siegel.cli.doctor", "imports importlib.metadata"): "reads the versions of the dependencies",
    ("siegel.words", "imports importlib.resources"): "reads the word list that is packaged with it",
}

SECRET_WORDS = re.compile(r"(^|_)(key|h?mac|tag|secret|commitment|signature)s?(_|$)", re.IGNORECASE)


# --- the reader ------------------------------------------------------------------------------------------------------


def faults(module: str, source: str) -> list[str]:
    """What a module does that the house forbids, each as a short sentence without its subject."""
    found: list[str] = []
    if module not in TABLE:
        found.append("has no row in the table")
    if module.rpartition(".")[2] in NAMES_WITHOUT_MEANING:
        found.append("has a name without meaning")
    if len(source.splitlines()) > MAX_LINES:
        found.append(f"has more than {MAX_LINES} lines")
    for node in ast.walk(ast.parse(source)):
        found.extend(_import_faults(module, node))
        found.extend(_call_faults(module, node))
        found.extend(_comparison_faults(node))
    return found


def _import_faults(module: str, node: ast.AST) -> Iterator[str]:
    above = TABLE[: TABLE.index(module)] if module in TABLE else ()
    banned = NOWHERE if module in COMMAND_LINE else NOWHERE | NOT_IN_THE_LIBRARY
    for name in _imported(node):
        package = name.partition(".")[0]
        if package == "siegel":
            if name not in above:
                yield f"imports {name}, which is not above it"
        elif package in banned:
            yield f"imports {name if package == 'importlib' else package}"


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        origin = "siegel.<relative>" if node.level else str(node.module)
        submodules = {f"{origin}.{alias.name}" for alias in node.names} & set(TABLE)
        yield from sorted(submodules)
        if len(submodules) < len(node.names):
            yield origin


def _call_faults(module: str, node: ast.AST) -> Iterator[str]:
    banned = CALLS_NOWHERE if module in COMMAND_LINE else CALLS_NOWHERE | CALLS_NOT_IN_THE_LIBRARY
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in banned:
        yield f"calls {node.func.id}"


def _comparison_faults(node: ast.AST) -> Iterator[str]:
    """== and != stop at the first byte that differs, which can be timed (attack PR-12)."""
    if not isinstance(node, ast.Compare) or not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
        return
    sides = [node.left, *node.comparators]
    if any(_is_length_or_none(side) for side in sides):
        return
    if any(SECRET_WORDS.search(name) for side in sides for name in _names(side)):
        yield f"compares {ast.unparse(node)}"


def _is_length_or_none(side: ast.expr) -> bool:
    if isinstance(side, ast.Constant):
        return side.value is None
    return isinstance(side, ast.Call) and isinstance(side.func, ast.Name) and side.func.id == "len"


def _names(side: ast.expr) -> Iterator[str]:
    """The names along an expression: ``a``, ``b`` and ``c`` of ``a.b(x)[y].c``."""
    while True:
        match side:
            case ast.Attribute(value=value, attr=name):
                yield name
                side = value
            case ast.Call(func=value) | ast.Subscript(value=value):
                side = value
            case ast.Name(id=name):
                yield name
                return
            case _:
                return


# --- the source ------------------------------------------------------------------------------------------------------


def modules() -> dict[str, str]:
    """Each module of the package by its dotted name, with its text."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


def test_the_house_is_in_order() -> None:
    found = {(module, fault) for module, source in modules().items() for fault in faults(module, source)}
    assert sorted(found - set(ALLOWED)) == []
    assert sorted(set(ALLOWED) - found) == [], "allowed, and not needed"


def test_every_row_has_its_module() -> None:
    assert sorted(TABLE) == sorted(modules())


# --- the reader sees what it should ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("siegel.nowhere", "", "has no row in the table"),
        ("siegel.utils", "", "has a name without meaning"),
        ("siegel.words", "\n" * 401, "has more than 400 lines"),
        ("siegel.words", "import siegel.identity", "imports siegel.identity, which is not above it"),
        ("siegel.words", "import siegel.words", "imports siegel.words, which is not above it"),
        ("siegel.words", "from siegel import identity", "imports siegel.identity, which is not above it"),
        ("siegel.words", "from siegel.identity import UserId", "imports siegel.identity, which is not above it"),
        ("siegel.words", "from siegel import Identity", "imports siegel, which is not above it"),
        ("siegel.words", "from siegel import errors, seal", "imports siegel, which is not above it"),
        ("siegel.words", "def f():\n  from siegel import cli", "imports siegel.cli, which is not above it"),
        ("siegel.words", "from . import errors", "imports siegel.<relative>, which is not above it"),
        ("siegel.words", "import cbor2", "imports cbor2"),
        ("siegel.words", "import nacl.bindings as sodium", "imports nacl"),
        ("siegel.words", "from cryptography.hazmat.primitives import hashes", "imports cryptography"),
        ("siegel.words", "import os", "imports os"),
        ("siegel.words", "from pathlib import Path", "imports pathlib"),
        ("siegel.words", "import logging", "imports logging"),
        ("siegel.words", "from random import choice", "imports random"),
        ("siegel.words", "import importlib", "imports importlib"),
        ("siegel.words", "from zlib import crc32", "imports zlib"),
        ("siegel.words", "open('x', 'wb')", "calls open"),
        ("siegel.words", "eval('1')", "calls eval"),
        ("siegel.cli", "import random", "imports random"),
        ("siegel.cli", "exec('1')", "calls exec"),
        ("siegel.words", "x = tag == y", "compares tag == y"),
        ("siegel.words", "x = y != self._auth_tag", "compares y != self._auth_tag"),
        ("siegel.words", "x = hmac(a)[:16] == y", "compares hmac(a)[:16] == y"),
        ("siegel.words", "x = y == KEYS[0]", "compares y == KEYS[0]"),
        ("siegel.words", "x = 0 < y == secret.reveal()", "compares 0 < y == secret.reveal()"),
        ("siegel.words", "assert message.signature != b''", "compares message.signature != b''"),
    ],
)
def test_a_fault_is_seen(module: str, source: str, fault: str) -> None:
    assert fault in faults(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("siegel.identity", "from siegel import errors, words\nfrom siegel._core.suite import sign"),
        ("siegel.cli", "import sys\nfrom siegel import seal\nfrom siegel.errors import SiegelError\nprint(open)"),
        ("siegel.words", "x = len(key) == KEY_BYTES"),
        ("siegel.words", "x = key is None or key == None"),
        ("siegel.words", "x = stage == machine != keyboard"),
        ("siegel.words", "x = secret < tag"),
    ],
)
def test_no_fault_is_made_up(module: str, source: str) -> None:
    assert faults(module, source) == []


# --- the public names ------------------------------------------------------------------------------------------------

MAX_PUBLIC_NAMES = 60
PUBLIC_NAMES = {
    # who
    "Identity",
    "PublicIdentity",
    "SealingKeys",
    "Succession",
    "UserId",
    # whether it is them
    "ContactState",
    "Contacts",
    "safety_number",
    "safety_qr",
    # sealed messages
    "EnvelopeInfo",
    "OpenedMessage",
    "audit_recipients",
    "inspect_envelope",
    "letters",
    "open_many",
    "open_sealed",
    "seal",
    # stores
    "Anchor",
    "AsyncStore",
    "CallbackAnchor",
    "Collection",
    "FileAnchor",
    "KeyProvider",
    "Passphrase",
    "ErasureReport",
    "RecoveryWords",
    "Record",
    "Store",
    "restore_backup",
    "verify_backup",
    "write_backup",
    # what a client keeps in them
    "Outbox",
    "ReplayGuard",
    "StoreStorage",
    "StoredContacts",
    "StoredSealingKeys",
    # attachments
    "AttachmentReader",
    "AttachmentRef",
    "StreamDecryptor",
    "StreamEncryptor",
    "decrypt_file",
    "decrypt_file_async",
    "encrypt_file",
    "encrypt_file_async",
    "parts",
    # groups
    "Gap",
    "Group",
    "GroupPolicy",
    "MemoryStorage",
    "Outgoing",
    "Role",
    "Roster",
    "Sealing",
    "Storage",
    "Who",
    # errors, sorted by what the caller can do
    "PeerError",
    "SiegelError",
    "StateError",
    "StoreError",
    "TrustError",
}


def test_public_names() -> None:
    assert set(siegel.__all__) == PUBLIC_NAMES
    assert len(siegel.__all__) == len(PUBLIC_NAMES) <= MAX_PUBLIC_NAMES
    assert all(getattr(siegel, name).__doc__ for name in siegel.__all__)
