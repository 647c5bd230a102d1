"""Knows a store: how it is made, opened, changed as a whole, and closed (docs/spec/store.md)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast

from siegel._core.instants import LATEST, instant
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import SECRET_BYTES, random_bytes
from siegel.errors import CorruptHeader, InvalidArgument, StateError, StoreError
from siegel.files import FileName
from siegel.store.anchor import Anchor
from siegel.store.backend import Backend
from siegel.store.collection import Collection
from siegel.store.erasure import ErasureReport, erase
from siegel.store.export import export_readable, export_sealed, restore_export
from siegel.store.header import (
    HEADER,
    RESERVED,
    SLOTS,
    STORE_ID_BYTES,
    digest_of,
    store_id_of,
)
from siegel.store.keyring import Keyring
from siegel.store.keys import Argon2Cost, Key
from siegel.store.ledger import Ledger
from siegel.store.reading import read_keys
from siegel.store.records import Record
from siegel.store.retention import sweep
from siegel.store.scopes import SCOPES, Scope, introduce, lay_hold, release_hold, scopes_of
from siegel.store.slots import Slot, make_slot, open_slots, read_slot, seal_slots, slot_id, unlock, without_slot
from siegel.store.sqlite_backend import SqliteBackend
from siegel.store.verification import Verification, salvage, verify

if TYPE_CHECKING:
    import psycopg

Database: TypeAlias = "str | PathLike[str] | sqlite3.Connection | psycopg.Connection[Any] | Backend"

_POSTGRES: Final = ("postgresql://", "postgres://")
_NOT_A_FIELD: Final = "at"  # an argument of ``find``


class Store(KeyObject):
    """An encrypted store in a database.

    The database is the path of an SQLite file, the URL of a PostgreSQL database, the application's own connection to
    either, or a ``Backend``.

    Whoever reads the database sees sizes, numbers of records, how often which was written, what ``index`` and
    ``expires`` say of themselves, and nothing else: names, keys and values are encrypted or hashed under keys. Whoever
    changes it is noticed: a record that was damaged, moved, exchanged or taken from another store does not open; one
    that is older, deleted or put back is noticed by ``verify``, and at each reading of a strict collection.

    Whoever puts back an older copy of the *whole* database is noticed only with an ``anchor``, which remembers outside
    of it how far it was, and by a process that has the store open meanwhile. Without an anchor, an old copy that is put
    back between two openings is not noticed. (Over PostgreSQL, where several processes write at once, the header does
    not follow each record: freshness there is revisions and ``expected``, and no collection is strict.)

    On the application's connection, what is written within the application's own transaction is kept or undone with
    it; the anchor then hears of it at the next transaction that the store begins itself, or at ``close``.

    One thread at a time uses a store. Several processes may each open it.
    """

    __slots__ = ("_backend", "_ledger", "_own")

    def __init__(self, ledger: Ledger, *, own: bool) -> None:
        self._ledger = ledger
        self._backend = ledger.backend
        self._own = own

    # --- beginning and end ---

    @classmethod
    def create(
        cls, database: Database, *, key: Key, anchor: Anchor | None = None, cost: Argon2Cost | None = None
    ) -> Store:
        """A new store, which this key opens. StateError if there is one in this database.

        Args:
            database: Where it stands; a file of a path is made, readable by its owner alone.
            key: An ``Identity``, 32 random bytes, a ``Passphrase``, ``RecoveryWords`` or a ``KeyProvider``. Without it
                nothing comes back: give a second one to ``add_slot``.
            anchor: Remembers how far the store is, outside of the database.
            cost: What one guess at a passphrase costs.
        """
        root, store_id = Secret(random_bytes(SECRET_BYTES)), random_bytes(STORE_ID_BYTES)
        slots = seal_slots([make_slot(key, root=root, store_id=store_id, cost=cost)], root=root, store_id=store_id)
        backend, own = _backend_of(database, create=True)
        try:
            ledger = Ledger(backend, root=root, store_id=store_id, anchor=anchor)
            ledger.found(Keyring.create(root, store_id=store_id), slots)
        except BaseException:
            _leave(backend, own=own)
            raise
        return cls(ledger, own=own)

    @classmethod
    def open(cls, database: Database, *, key: Key, anchor: Anchor | None = None, read_only: bool = False) -> Store:
        """The store in this database.

        Raises:
            WrongKey: This key opens none of its slots.
            CorruptHeader: Slots, header or keys are not what was written; ``Store.salvage`` may still get at records.
            NewerFormat: A newer version of the library wrote it.
            RollbackDetected: It is older than the anchor knows. Opened with ``read_only=True`` it can be read, and
                written again after ``acknowledge_restore``.
        """
        backend, own = _backend_of(database, create=False)
        try:
            store_id, slots = _unlocking(backend.blocks())
            root = unlock(slots, key, store_id=store_id)
            ledger = Ledger(backend, root=root, store_id=store_id, anchor=anchor)
            ledger.resume(read_only=read_only)
        except BaseException:
            _leave(backend, own=own)
            raise
        return cls(ledger, own=own)

    @staticmethod
    def salvage(database: Database, *, key: Key) -> Iterator[tuple[str, Record]]:
        """Every record that still opens, with the name of its collection, of a store that may not open any more.

        Slots, catalogue and data keys have to be intact, the header not. Nothing says whether the records are the
        newest, or all; expired ones are among them. Nothing is written.
        """
        backend, own = _backend_of(database, create=False)
        try:
            yield from salvage(backend, key)
        finally:
            _leave(backend, own=own)

    def lock(self) -> None:
        """Forgets every key. From now on all is StateError but ``close``; open the store again to go on.

        Python cannot promise that no copy of a key stays in memory.
        """
        self._ledger.lock()

    def close(self) -> None:
        """Ends the use, and forgets the keys. A transaction that is open is an error."""
        if self._ledger.in_transaction:
            raise StateError("a transaction is open")
        try:
            self._ledger.settle()
        finally:
            self._ledger.lock()
            _leave(self._backend, own=self._own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- what it is ---

    @property
    def store_id(self) -> bytes:
        """16 random bytes, for as long as the store lives. They stand readable in the database."""
        return self._ledger.store_id

    @property
    def sequence(self) -> int:
        """The number of the last transaction."""
        return self._ledger.certain().header.sequence

    @property
    def restores(self) -> int:
        """How often a restore was acknowledged. Who keeps a chain or a counter here begins a new one when it rises."""
        return self._ledger.certain().header.restores

    @property
    def read_only(self) -> bool:
        """Whether every writing is refused, opened so, or a rollback was detected."""
        return self._ledger.read_only

    def collections(self) -> tuple[str, ...]:
        """The names of its collections."""
        self._ledger.certain()
        names = (entry.name for entry in self._ledger.catalogue.entries)
        return tuple(name for name in names if not name.startswith(RESERVED))

    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that have records, in order of their names, and which of them are held."""
        with self._ledger.snapshot():
            return tuple(sorted(scopes_of(self._ledger).values()))

    def collection(
        self,
        name: str,
        *,
        scope: str | None = None,
        index: Sequence[str] = (),
        strict: bool = False,
        life: int | None = None,
    ) -> Collection:
        """The collection of this name, made if there is none.

        Args:
            name: Any text.
            scope: Whose records they are: a conversation, a person. The records of each scope have keys of their own on
                disk, which can be destroyed, and never meet those of another scope, even under one key.
            index: Fields by which records are found, at most 24 over time. **What the database sees of a field:** which
                records of a scope have equal values, and so how often each value occurs; two fields together show more
                than each. A field with few values, or with values whose frequency is known, can be guessed from that.
                A field that is new in a collection finds the records written from then on.
            strict: Whether each reading is compared with what was written last. Their hashes are held in memory, about
                150 bytes a record, and read once: for sessions and keys, not for a history.
            life: After how many milliseconds a record expires that is written here without ``expires``. ``sweep``
                deletes it then.
        """
        if type(name) is not str or any(type(field) is not str or field == _NOT_A_FIELD for field in index):
            raise InvalidArgument("a collection and its fields have names, and no field is called 'at'")
        if life is not None and (type(life) is not int or not 0 < life <= LATEST):
            raise InvalidArgument("a life is a number of milliseconds")
        if strict and not self._backend.single_writer:
            raise InvalidArgument("over this database, which several write at once, no collection is strict")
        self._ledger.certain()
        entry = self._ledger.catalogue.entry_for(name, tuple(index))
        if entry not in self._ledger.catalogue.entries:
            with self._ledger.transaction():
                catalogue = self._ledger.catalogue  # another process may have been first
                entry = catalogue.entry_for(name, tuple(index))
                others = [other for other in catalogue.entries if other.number != entry.number]
                self._ledger.describe(catalogue._replace(entries=tuple(sorted([*others, entry]))))
        introduce = None if name == SCOPES else self._introduce
        return Collection(
            self._ledger, entry, scope=scope, fields=tuple(index), strict=strict, life=life, introduce=introduce
        )

    def _introduce(self, scope: str) -> None:
        introduce(self.collection(SCOPES, scope=scope))

    def transaction(self) -> AbstractContextManager[None]:
        """``with store.transaction():`` all that is written inside is kept together, durably, or not at all.

        On the application's connection its own statements belong to it, too. One inside of another is a part of it;
        if a part fails, so does the whole. Where ``Conflict`` or ``CorruptRecord`` refuses a single writing, nothing of
        that was written, and the transaction may go on.
        """
        return self._ledger.transaction()

    # --- slots and keys ---

    def slots(self) -> tuple[Slot, ...]:
        """What opens the store: for each slot its id (16 bytes), its kind, and the cost of a passphrase."""
        return tuple(read_slot(data, store_id=self.store_id) for data in self._slots())

    def add_slot(self, key: Key, *, cost: Argon2Cost | None = None) -> bytes:
        """A further key, of at most eight, that opens the store. Returns the slot's id."""
        root = self._ledger.root
        slot = make_slot(key, root=root, store_id=self.store_id, cost=cost)
        with self._ledger.transaction():
            self._write_slots([*self._slots(), slot])
        return slot_id(slot)

    def remove_slot(self, slot: bytes) -> None:
        """The key of this slot does not open the store any more; the last one stays.

        Who has an old copy of the database and the key can still read that copy, and, as the root key below the slots
        is the same, newer copies too if the root was taken out of it.
        """
        with self._ledger.transaction():
            self._write_slots(without_slot(self._slots(), slot))

    def rotate(self) -> None:
        """A new epoch: every data key is wrapped again, and what wrapped them before is forgotten.

        Records are not written again. Data keys that were deleted before do not come back from an old copy of their
        rows. Takes about half a second for 10,000 data keys.
        """
        with self._ledger.transaction():
            read_keys(self._ledger)
            self._ledger.keyring.rotate()

    def _slots(self) -> tuple[bytes, ...]:
        with self._ledger.snapshot():
            return open_slots(self._backend.blocks()[SLOTS], root=self._ledger.root, store_id=self.store_id)

    def _write_slots(self, slots: Sequence[bytes]) -> None:
        table = seal_slots(slots, root=self._ledger.root, store_id=self.store_id)
        self._backend.put_block(SLOTS, table)
        self._ledger.describe(self._ledger.catalogue._replace(slots=digest_of(table)))

    # --- upkeep ---

    def sweep(self, *, at: int | None = None) -> int:
        """Deletes the records that are expired at ``at`` (now); how many. Damaged ones stay, for ``verify``."""
        return sweep(self._ledger, instant(at))

    def erase(self, scope: str, *, at: int | None = None) -> ErasureReport:
        """Destroys the data keys of a scope, deletes its records, begins a new epoch, and cleans the database's files.

        From then on nothing that is left of the scope opens with what the store has, not even in an older copy of the
        database file beside the new header. Takes as long as ``rotate`` and deleting together; erasing twice does no
        harm. ``at`` (None: now) is the instant in the report.

        Raises:
            ScopeHeld: A legal hold lies on the scope.
            StateError: A transaction is open, or the application's is: what is not kept yet is not erased.
        """
        return erase(self._ledger, scope, names=self.collection(SCOPES, scope=scope), at=at)

    def hold(self, scope: str, *, at: int | None = None) -> None:
        """A legal hold: until ``release`` the scope is not erased, and ``sweep`` passes its records over.

        The application itself can still delete single records.
        """
        with self._ledger.transaction():
            lay_hold(self.collection(SCOPES, scope=scope), at=at)

    def release(self, scope: str) -> None:
        """Ends a legal hold."""
        with self._ledger.transaction():
            release_hold(self.collection(SCOPES, scope=scope))

    # --- to other places ---

    def export_readable(self, target: FileName, *, scope: str | None = None) -> int:
        """Writes all that the application keeps of a scope, or of everything, as lines of JSON; how many.

        For a person who asks what is known of them. **The file is not encrypted**; its owner alone can read it.
        """
        return export_readable(self._ledger, target, scope=scope)

    def export(
        self,
        target: FileName,
        *,
        key: Key,
        scope: str | None = None,
        cost: Argon2Cost | None = None,
        at: int | None = None,
    ) -> None:
        """Writes a file that ``key`` opens, for ``restore`` in another store: a scope, or everything.

        What a backup leaves behind stays here, too. Nobody signs it: whoever has the key can make such a file.
        """
        export_sealed(self._ledger, target, key=key, cost=cost, scope=scope, at=at)

    def restore(self, source: FileName, *, key: Key) -> int:
        """Takes an export over, whole or not at all; how many records were newer than what was here.

        They are encrypted under this store's keys, and marked (``Record.restored``). Errors as for ``verify_backup``.
        """
        return restore_export(self._ledger, self.collection, source, key=key)

    def verify(self) -> Verification:
        """Opens every record and compares each collection with the header; what is wrong is listed, not raised.

        Other writers wait meanwhile: about two seconds for a million records.
        """
        return verify(self._ledger)

    def acknowledge_restore(self) -> None:
        """A person says that the older state is meant. The store can be written again, and ``restores`` rises.

        Whoever keeps sending chains here must begin new ones: the old state may have been used since.
        """
        self._ledger.acknowledge()


def _backend_of(database: Database, *, create: bool) -> tuple[Backend, bool]:
    """The backend, and whether it is ours to close."""
    if type(database).__module__.partition(".")[0] == "psycopg" or str(database).startswith(_POSTGRES):
        from siegel.store.postgres_backend import PostgresBackend  # noqa: PLC0415  # psycopg is an extra

        return PostgresBackend(cast("Any", database), create=create), True
    if isinstance(database, str | PathLike):
        return SqliteBackend(Path(fspath(database)), create=create), True
    if isinstance(database, sqlite3.Connection):
        return SqliteBackend(database, create=create), True
    return cast("Backend", database), False


def _leave(backend: Backend, *, own: bool) -> None:
    if own:
        backend.close()


def _unlocking(blocks: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """The store id and the table of slots."""
    if not blocks:
        raise StoreError("there is no store in this database")
    if HEADER not in blocks or SLOTS not in blocks:
        raise CorruptHeader("the header or the slots are missing")
    return store_id_of(blocks[HEADER]), blocks[SLOTS]
