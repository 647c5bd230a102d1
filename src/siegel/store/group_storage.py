"""Knows how groups live in a store: their records, and that each step begins where the last one ended.

Rules: docs/rationale/store-messages.md, KEEP-1 … KEEP-6. Laws: what a step changes, what it wants to send, and what the
application writes in the same transaction are kept together or not at all; nothing is written over a state that was
not read; a state that was put back continues no chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from siegel._core import shape
from siegel._core.codec import Value, decode, encode
from siegel._core.secret import KeyObject
from siegel._core.suite import random_bytes
from siegel.errors import Conflict, InvalidArgument
from siegel.groups.keeping import put_back
from siegel.groups.state import prefix_of
from siegel.groups.storage import Outgoing
from siegel.store.collection import Collection
from siegel.store.header import STORE_ID_BYTES
from siegel.store.outbox import Outbox
from siegel.store.reading import open_row, rows_of
from siegel.store.records import Record
from siegel.store.store import Store

_HEADS: Final = "siegel/groups"
_RECORDS: Final = "siegel/group records"
_FOLDER: Final = "folder"
_OWN: Final = "own/"
_LOG: Final = "log/"
_LINKS: Final = "link/"  # the only folder with folders below it
_TOKEN_BYTES: Final = 8
_SCOPE_CHARACTERS: Final = len(prefix_of(bytes(32))) - 1
_WHERE: Final = "head of a group"

# The store's id, and how often a restore of it was acknowledged: a chain is continued in the life that began it.
_Life: TypeAlias = tuple[bytes, int]


class _Head(NamedTuple):
    """What is true of a group's records together, written anew with each commit.

    ``token`` is random; ``sums`` are the revisions of the records by folder, but for links, added up (KEEP-4).
    """

    token: bytes
    life: _Life
    sums: Mapping[str, int]

    def encode(self) -> bytes:
        sums: list[Value] = [[folder, total] for folder, total in sorted(self.sums.items()) if total]
        return encode([self.token, *self.life, sums])

    @classmethod
    def decode(cls, data: bytes) -> _Head:
        token, store_id, restores, listed = shape.array(decode(data), 4, _WHERE)
        pairs = [shape.array(item, 2, _WHERE) for item in shape.array(listed, None, _WHERE)]
        return cls(
            shape.octets(token, _TOKEN_BYTES, _WHERE),
            (shape.octets(store_id, STORE_ID_BYTES, _WHERE), shape.uint(restores, _WHERE)),
            {shape.text(folder, _WHERE): shape.uint(total, _WHERE) for folder, total in pairs},
        )


class _Stand(NamedTuple):
    """The head of a group (None: there is none) with its revision, and the life in which it was read."""

    head: _Head | None
    revision: int
    life: _Life

    @property
    def put_back(self) -> bool:
        """Whether the records may be older than what was sent: nobody has written since the store was restored."""
        return self.head is not None and self.head.life != self.life


class StoreStorage(KeyObject):
    """The groups' ``Storage`` in a store. Give it to ``Group.create``, ``join``, ``load`` and ``restore``.

    Several processes, several ``Group`` objects and several transactions may use one group: each call notices what was
    written, or undone, since the last one, and reads the group again. Where another writer comes in between, the
    call raises ``Conflict``, nothing has happened, and it can be made again; within ``with store.transaction():``, over
    a database with one writer, no other can.

    What a call returns to be sent is in the ``outbox`` as well, from the same transaction; deliver from there.

    The records of a group have the scope ``group/`` and its id in hex. Whatever else is kept under that scope, the
    group's history above all, is erased together with it.
    """

    __slots__ = ("_heads", "_ledger", "_lost", "_records", "_scope", "_stand", "_store", "outbox")

    def __init__(self, store: Store) -> None:
        self.outbox = Outbox(store)
        self._store = store
        self._ledger = store._ledger  # noqa: SLF001  # the rooms of one store share its ledger
        self._heads, self._records = self._collections(None)  # made now, not in a transaction that may be undone
        self._scope: str | None = None
        self._stand: _Stand | None = None  # where the next commit begins; None: not read yet
        self._lost = False  # whether who uses this handle holds a state that is not the stored one

    def groups(self) -> tuple[bytes, ...]:
        """The ids (32 bytes) of the groups that are here, and were not forgotten or erased."""
        entries = {entry.name: entry.number for entry in self._ledger.catalogue.entries}
        if _HEADS not in entries:
            return ()
        with self._ledger.snapshot():
            found = [open_row(self._ledger, entries[_HEADS], row) for row in rows_of(self._ledger, entries[_HEADS])]
        return tuple(
            content.key for content in found if type(content.key) is bytes and _LOG in _Head.decode(content.value).sums
        )

    def handle(self) -> StoreStorage:
        """As ``SharedStorage``; groups ask for theirs by themselves."""
        return StoreStorage(self._store)

    def changed(self) -> bool:
        """As ``SharedStorage``. What is read from then on is where the next commit begins."""
        if self._stand is not None and not self._lost:
            with self._ledger.snapshot():
                if self._read() == self._stand:
                    return False
        self._stand, self._lost = None, False
        return True

    # --- reading ---

    def load(self, prefix: str) -> list[tuple[str, bytes]]:
        """As ``Storage``, for a group's own names: all of them, a folder's, or those that begin so in one folder.

        Raises:
            Conflict: Something else was written since the last ``load``, and the two do not belong together; ask
                ``changed``, and read again from the beginning.
            RollbackDetected: A record is missing, or is not the one that was written last.
        """
        scope, rest = self._enter(prefix)
        with self._ledger.snapshot():
            stand = self._read()
            if self._lost or stand != (self._stand or stand):
                raise self._refused()
            self._stand = stand
            if stand.head is None:
                return []
            folder = _folder_of(rest)
            records = list(self._records.find(folder=folder) if rest not in {"", _LINKS} else self._records.scan())
            self._compare(stand, records, None if rest in {"", _LINKS} else folder)
        found = {_name_of(record): record.value for record in records}
        if stand.put_back and rest in {"", _OWN}:
            found = _changed(found, put_back(found))
        return [(f"{scope}/{name}", data) for name, data in found.items() if name.startswith(rest)]

    def _read(self) -> _Stand:
        record = self._heads.get(self._group_id)
        life = self._store.store_id, self._store.restores
        return _Stand(None, 0, life) if record is None else _Stand(_Head.decode(record.value), record.revision, life)

    def _compare(self, stand: _Stand, records: Iterable[Record], folder: str | None) -> None:
        """KEEP-4: what was found of a folder (None: of all) against the head, unless a person put it back."""
        if stand.head is None or stand.put_back or (folder is not None and folder.startswith(_LINKS)):
            return
        found = _sums(records)
        wanted = stand.head.sums if folder is None else {folder: stand.head.sums.get(folder, 0)}
        if any(found[name] != total for name, total in wanted.items()) or found.keys() - wanted.keys():
            if self._read() != stand:  # over a database that shows each statement something newer
                raise self._refused()
            raise self._ledger.rolled_back("a record of a group is missing, or is not the one that was written last")

    # --- writing ---

    def commit(self, changes: Mapping[str, bytes | None], outgoing: Outgoing) -> None:
        """As ``Storage``, for the records of one group. Part of the transaction that is open, or one of its own.

        Raises:
            Conflict: Something else stands there than was read, and nothing was written.
        """
        names = {self._enter(name)[1]: data for name, data in changes.items()}
        with self._ledger.step():
            stand = self._expected()
            with self._store.transaction():
                following = self._write(names, stand)
                message = () if outgoing.message is None else (outgoing.message,)
                self.outbox.add(self._scope_here, *outgoing.control, *message)
        self._stand = following  # if the end of the transaction fails, what stands there tells

    def _expected(self) -> _Stand:
        """What stands there, if it is what was read; where nothing was read, nothing may stand there."""
        stand = self._read()
        is_fresh = self._stand is None and stand.head is None
        if self._lost or not (is_fresh or stand == self._stand):
            raise self._refused()
        return stand

    def _write(self, changes: Mapping[str, bytes | None], stand: _Stand) -> _Stand:
        """The records, then the head that says what they are."""
        records, sums = self._records, Counter(stand.head.sums if stand.head else {})
        if stand.put_back:
            own = {_name_of(record): record.value for record in records.find(folder=_OWN)}
            changes = {**put_back(own), **changes}
        for record in records.get_many(name for name, data in changes.items() if data is None):
            if record is not None:
                records.delete(record.key, expected=record.revision)
                sums.subtract(_sums([record]))
        written = [_record(name, data) for name, data in changes.items() if data is not None]
        records.put_many(written)
        for name in (_name_of(record) for record in written):
            if not name.startswith(_LINKS):
                sums[_folder_of(name)] += 1
        if stand.put_back:
            sums = _sums(record for folder in sums for record in records.find(folder=folder))
        head = _Head(random_bytes(_TOKEN_BYTES), stand.life, {name: total for name, total in sums.items() if total})
        revision = self._heads.put(self._group_id, head.encode(), expected=stand.revision)
        return _Stand(head, revision, stand.life)

    # --- the group ---

    def _enter(self, name: str) -> tuple[str, str]:
        """The group's scope, and what follows in the name. InvalidArgument for another group than before."""
        scope, rest = name[:_SCOPE_CHARACTERS], name[_SCOPE_CHARACTERS + 1 :]
        if self._scope is None:
            if f"{scope}/{rest}" != name or prefix_of(_id_in(scope)) != f"{scope}/":
                raise InvalidArgument("not a name that a group gives its records")
            self._heads, self._records = self._collections(scope)
            self._scope = scope
        if name[: _SCOPE_CHARACTERS + 1] != f"{self._scope}/":
            raise InvalidArgument("this handle is for the records of another group")
        return scope, rest

    def _collections(self, scope: str | None) -> tuple[Collection, Collection]:
        strict = self._ledger.backend.single_writer
        return (
            self._store.collection(_HEADS, scope=scope, strict=strict),
            self._store.collection(_RECORDS, scope=scope, index=(_FOLDER,)),
        )

    @property
    def _scope_here(self) -> str:
        if self._scope is None:
            raise InvalidArgument("a first commit has records of a group")
        return self._scope

    @property
    def _group_id(self) -> bytes:
        return _id_in(self._scope_here)

    def _refused(self) -> Conflict:
        self._lost = True
        return Conflict("the group was written by somebody else since it was read")


def _id_in(scope: str) -> bytes:
    try:
        return bytes.fromhex(scope.partition("/")[2])
    except ValueError:
        return b""


def _folder_of(name: str) -> str:
    return name[: name.rfind("/") + 1]


def _record(name: str, data: bytes) -> Record:
    return Record(name, data, 0, None, {_FOLDER: _folder_of(name)})


def _name_of(record: Record) -> str:
    return str(record.key)


def _sums(records: Iterable[Record]) -> Counter[str]:
    """The revisions of records by folder, added up; links have none."""
    sums: Counter[str] = Counter()
    for record in records:
        if not _name_of(record).startswith(_LINKS):
            sums[_folder_of(_name_of(record))] += record.revision
    return sums


def _changed(records: Mapping[str, bytes], changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {name: data for name, data in {**records, **changes}.items() if data is not None}
