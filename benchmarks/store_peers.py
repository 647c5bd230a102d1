"""Knows the peers of the store: tables of keys and values in SQLite, plain, encrypted by hand, and by SQLCipher.

None does the same work: none hashes its keys, knows revisions, or notices a row that was moved, set back or deleted.
Plain SQLite is what an application would have without encryption; the loop encrypts the value and leaves the key
readable.
"""
# pyright: reportMissingImports=false
# SQLCipher is optional and not installed where the types are checked.

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel import Store

Items = Sequence[tuple[str, bytes]]

_PUT = "INSERT INTO records (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_GET = "SELECT value FROM records WHERE key = ?"


class Plain:
    """One table in a file, with a write-ahead log and every commit on the disk."""

    name = "plain SQLite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{type(self).__name__}.db"
        self.connection = self.connect()
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA cache_size = -16384",
            "CREATE TABLE records (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT",
        ):
            self.connection.execute(statement)

    def connect(self) -> Any:
        return sqlite3.connect(self.path, isolation_level=None)

    def put_many(self, items: Items) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(_PUT, items)
        self.connection.execute("COMMIT")

    def put(self, key: str, value: bytes) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute(_PUT, (key, value))
        self.connection.execute("COMMIT")

    def get(self, key: str) -> bytes:
        (value,) = self.connection.execute(_GET, (key,)).fetchone()
        return bytes(value)

    def scan(self) -> int:
        return sum(1 for _ in self.connection.execute("SELECT key, value FROM records"))

    def close(self) -> None:
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()


class Handmade(Plain):
    """The same with AES-256-GCM over each value, under one key, bound to the key of the row."""

    name = "SQLite and an AES-GCM loop"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cipher = AESGCM(os.urandom(32))

    def _sealed(self, key: str, value: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.cipher.encrypt(nonce, value, key.encode())

    def put_many(self, items: Items) -> None:
        super().put_many([(key, self._sealed(key, value)) for key, value in items])

    def put(self, key: str, value: bytes) -> None:
        super().put(key, self._sealed(key, value))

    def get(self, key: str) -> bytes:
        sealed = super().get(key)
        return self.cipher.decrypt(sealed[:12], sealed[12:], key.encode())

    def scan(self) -> int:
        rows = self.connection.execute("SELECT key, value FROM records")
        return sum(1 for key, sealed in rows if self.cipher.decrypt(sealed[:12], sealed[12:], key.encode()))


class Cipher(Plain):
    """The same in a file that SQLCipher encrypts, page by page, under a raw key."""

    name = "SQLCipher"

    def connect(self) -> Any:
        from sqlcipher3 import dbapi2  # noqa: PLC0415  # optional

        connection = dbapi2.connect(str(self.path), isolation_level=None)
        connection.execute(f"PRAGMA key = \"x'{os.urandom(32).hex()}'\"")
        return connection


class Ours(Plain):
    """A store with one collection."""

    name = "siegel"

    def __init__(self, folder: Path) -> None:  # no table of its own
        self.path = folder / "siegel.db"
        self.store = Store.create(self.path, key=os.urandom(32))
        self.collection = self.store.collection("records")

    def put_many(self, items: Items) -> None:
        self.collection.put_many(items)

    def put(self, key: str, value: bytes) -> None:
        self.collection.put(key, value)

    def get(self, key: str) -> bytes:
        record = self.collection.get(key)
        assert record is not None
        return record.value

    def scan(self) -> int:
        return sum(1 for _ in self.collection.scan())

    def close(self) -> None:
        self.store.close()


def installed_store_peers(folder: Path) -> Iterator[Plain]:
    """The peers that are installed."""
    for kind in (Plain, Handmade, Cipher):
        try:
            peer = kind(folder)
        except ImportError:
            continue
        yield peer
