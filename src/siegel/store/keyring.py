"""Knows the keys below the root: what follows from it, what is drawn, and which can be destroyed (UNL-6, UNL-7).

The root opens the header, and wraps two drawn keys: the store's *secret*, from which names, index and accumulator keys
follow for as long as the store lives, and the *epoch* key. The epoch key wraps the *data keys*, one or more for each
collection and scope, under which records stand. Destroying an epoch key destroys every data key that was not wrapped
again, in whatever old copy of its row.

Laws: a wrapped key opens at its own place only: store, number, collection, scope, epoch, reservation; a data key
encrypts at most 2^28 records; what a transaction changed here is undone when it is rolled back. Bytes in, bytes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.labels import Label, labelled
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import SECRET_BYTES, RecordKey, hkdf, random_bytes
from siegel._core.wrapping import SALT_BYTES, WRAPPED_BYTES, unwrap, wrap
from siegel.errors import CorruptHeader, InvalidArgument, InvalidMessage, KeyUnavailable, MalformedError, StateError
from siegel.store.damage import at_rest

STORE_ID_BYTES: Final = 16
SCOPE_BYTES: Final = 16
MAX_KID: Final = 2**32 - 1
MAX_COLLECTION: Final = 2**16 - 1
# 2^28 random 96-bit nonces repeat one with probability below 2^-40. Two writers that do not see each other's
# reservations, as PostgreSQL allows, may together go beyond: sixteen of them stay below NIST's 2^-32.
MAX_RECORDS: Final = 2**28
RESERVATION: Final = 2**16  # uses noted on disk at once: what a crash may waste, and how seldom a key's row is written
MAX_LOADED: Final = 4096  # loaded keys at about 2.5 kB each

_WHERE: Final = "keyring"
_MAX_EPOCH: Final = 2**32 - 1

Place = tuple[int, bytes]  # collection, scope


class _Row(NamedTuple):
    """A wrapped data key as it is stored."""

    epoch: int
    collection: int
    scope: bytes
    reserved: int
    wrapped: bytes

    @property
    def place(self) -> Place:
        return self.collection, self.scope


class _Epoch(NamedTuple):
    number: int
    key: Secret


class _Lease:
    """Uses of a data key that are noted on disk and not used up."""

    __slots__ = ("kid", "left")

    def __init__(self, kid: int, left: int) -> None:
        self.kid, self.left = kid, left


class Changes(NamedTuple):
    """What the store's transaction has to write: rows of data keys, and the numbers of rows to delete."""

    put: list[tuple[int, bytes]]
    delete: list[int]


class Keyring(KeyObject):
    """All keys of an open store. Made by ``create`` or ``decode``, then given the data keys' rows with ``load``.

    Within a transaction: ask for keys, write ``changes()`` and ``encode()`` (which belongs into the sealed header),
    then ``keep()`` after COMMIT or ``undo()`` after ROLLBACK. A row of a new number is inserted, never overwritten.
    """

    __slots__ = (
        "_before",
        "_damaged",
        "_encoded",
        "_epoch",
        "_leases",
        "_loaded",
        "_places",
        "_root",
        "_rows",
        "_secret",
        "_undo",
        "store_id",
    )

    def __init__(self, root: Secret, *, store_id: bytes, secret: Secret, epoch: _Epoch, encoded: bytes | None) -> None:
        self.store_id = store_id
        self._root, self._secret, self._epoch, self._encoded = root, secret, epoch, encoded
        self._rows: dict[int, _Row] = {}
        self._damaged: frozenset[int] = frozenset()
        self._places: dict[Place, list[int]] = {}
        self._leases: dict[Place, _Lease] = {}
        self._loaded: dict[int, RecordKey] = {}
        self._undo: dict[int, _Row | None] = {}
        self._before: tuple[Secret, _Epoch, bytes | None, frozenset[int]] | None = None

    @classmethod
    def create(cls, root: Secret, *, store_id: bytes) -> Keyring:
        """The keyring of a new store: ``root`` 32 fresh random bytes, ``store_id`` 16. It has no data keys."""
        if len(root.reveal()) != SECRET_BYTES or len(store_id) != STORE_ID_BYTES:
            raise InvalidArgument(f"a root key has {SECRET_BYTES} bytes, a store id {STORE_ID_BYTES}")
        secret, epoch = _fresh_key(), _Epoch(1, _fresh_key())
        return cls(root, store_id=store_id, secret=secret, epoch=epoch, encoded=None)

    @classmethod
    @at_rest(_WHERE)
    def decode(cls, data: bytes, *, root: Secret, store_id: bytes) -> Keyring:
        """The keyring that ``encode`` wrote for this store. CorruptHeader for anything else."""
        items = shape.array(decode(data), 3, _WHERE)
        secret = shape.octets(items[0], WRAPPED_BYTES, f"{_WHERE} secret")
        number = shape.uint(items[1], f"{_WHERE} epoch", most=_MAX_EPOCH)
        wrapped = shape.octets(items[2], WRAPPED_BYTES, f"{_WHERE} epoch key")
        epoch = _Epoch(number, unwrap(wrapped, under=root, info=_epoch_place(store_id, number)))
        opened = unwrap(secret, under=root, info=_secret_place(store_id))
        return cls(root, store_id=store_id, secret=opened, epoch=epoch, encoded=data)

    def encode(self) -> bytes:
        """The wrapped secret and epoch key, at most 234 bytes, an item of the header. The same until they change."""
        if self._encoded is None:
            number = self._epoch.number
            secret = _wrap(self._secret, under=self._root, info=_secret_place(self.store_id))
            epoch = _wrap(self._epoch.key, under=self._root, info=_epoch_place(self.store_id, number))
            self._encoded = encode([secret, number, epoch])
        return self._encoded

    # --- what follows from the root and from the store's secret ------------------------------------------------------

    @property
    def header_key(self) -> Secret:
        """32 bytes, to seal the header with; other ones when the root changes."""
        return header_key(self._root, store_id=self.store_id)

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 1."""
        return self._epoch.number

    def names_key(self, collection: int) -> Secret:
        """32 bytes, to hash logical keys of this collection with."""
        return self._derive(Label.RECORD_NAMES, collection)

    def index_key(self, collection: int, field: int) -> Secret:
        """32 bytes, to hash the values of this field of this collection with."""
        return self._derive(Label.BLIND_INDEX, collection, field)

    def accumulator_key(self, collection: int) -> Secret:
        """32 bytes, for the accumulator of this collection."""
        return self._derive(Label.ACCUMULATOR, collection)

    def scope_id(self, scope: str | None) -> bytes:
        """16 bytes that stand for a scope, the same in every collection; None is the scope of what has none."""
        return self._derive(Label.STORE_SCOPE, scope).reveal()[:SCOPE_BYTES]

    def _derive(self, label: Label, *items: int | str | None) -> Secret:
        return hkdf(salt=self.store_id, secret=self._secret, info=labelled(label, *items))

    # --- data keys ---------------------------------------------------------------------------------------------------

    def load(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Takes all rows of data keys as the backend has them now: at opening, and after another writer was there.

        A row that is damaged costs its own records, not the store: ``key`` says so when it is asked for.
        """
        if self._undo or self._before:
            raise StateError("the keyring has changes that are neither kept nor undone")
        parsed = {kid: _parse(kid, data) for kid, data in rows}
        found = {kid: row for kid, row in parsed.items() if row is not None}
        self._damaged = frozenset(parsed.keys() - found.keys())
        self._loaded = {kid: key for kid, key in self._loaded.items() if found.get(kid) == self._rows.get(kid)}
        self._leases = {place: lease for place, lease in self._leases.items() if lease.kid in found}
        self._rows = found
        self._sort()

    def use(self, collection: int, scope: bytes, *, count: int = 1) -> int:
        """The number of the key under which ``count`` further records of this collection and scope are encrypted.

        It may draw a new key, or note a further reservation: see ``changes``.
        """
        lease = self._leases.get((collection, scope))
        if lease is None or lease.left < count:
            lease = self._reserve((collection, scope), count)
        lease.left -= count
        return lease.kid

    def key(self, kid: int) -> RecordKey:
        """The data key of this number, loaded. KeyUnavailable if there is none (erased); CorruptHeader if damaged."""
        loaded = self._loaded.get(kid)
        if loaded is None:
            loaded = RecordKey(self._open(kid))
            if len(self._loaded) >= MAX_LOADED:
                self._loaded.clear()
            self._loaded[kid] = loaded
        return loaded

    def kids(self, *, collection: int | None = None, scope: bytes | None = None) -> tuple[int, ...]:
        """The numbers of all data keys; of one collection, one scope, or both."""
        return tuple(
            kid
            for kid, row in self._rows.items()
            if collection in {None, row.collection} and scope in {None, row.scope}
        )

    def serves(self, collection: int, scope: bytes) -> bool:
        """Whether there is a data key for this collection and scope."""
        return bool(self._places.get((collection, scope)))

    def scope_of(self, kid: int) -> bytes | None:
        """The id of the scope that a data key belongs to; None if there is no such key."""
        row = self._rows.get(kid)
        return None if row is None else row.scope

    def destroy(self, kids: Iterable[int]) -> None:
        """Forgets these data keys. Old copies of their rows open until the epoch is rotated."""
        self._remember()
        for kid in kids:
            self._loaded.pop(kid, None)
            self._damaged -= {kid}
            self._set(kid, None)
        self._leases.clear()
        self._sort()

    def rotate(self, *, retire: bool = False) -> tuple[int, ...]:
        """A new epoch: its key is drawn, all data keys are wrapped again, and the old epoch key is forgotten.

        With ``retire`` nothing more is encrypted under the data keys of now. Returns the numbers of keys that did not
        open, and now never will: their rows were damaged before.
        """
        self._remember()
        secrets: dict[int, Secret] = {}
        for kid in self._rows:
            try:
                secrets[kid] = self._open(kid)
            except CorruptHeader:
                continue
        lost = sorted(self._rows.keys() - secrets.keys() | self._damaged)
        self._epoch, self._encoded = _Epoch(self._epoch.number + 1, _fresh_key()), None
        for kid, secret in secrets.items():
            row = self._rows[kid]
            self._put(kid, secret, row._replace(reserved=MAX_RECORDS) if retire else row)
        if retire:
            self._leases.clear()
        return tuple(lost)

    def change_root(self, root: Secret) -> tuple[int, ...]:
        """Another root key, epoch and data keys: who had the old root reads nothing that is written from now on.

        They still tell which logical keys there are: names, and what is indexed, stay as they were. Returns what
        ``rotate`` returns.
        """
        if len(root.reveal()) != SECRET_BYTES:
            raise InvalidArgument(f"a root key has {SECRET_BYTES} bytes")
        self._remember()
        self._root = root
        return self.rotate(retire=True)

    # --- the transaction ---------------------------------------------------------------------------------------------

    def changes(self) -> Changes:
        """What was changed since the last ``keep`` or ``undo``, to be written in the same transaction."""
        put = [(kid, _encoded(row)) for kid in self._undo if (row := self._rows.get(kid)) is not None]
        return Changes(put, [kid for kid in self._undo if kid not in self._rows])

    def keep(self) -> None:
        """The transaction is committed: what was changed stays."""
        self._undo.clear()
        self._before = None

    def undo(self) -> None:
        """The transaction is rolled back: everything is as it was, and reservations are noted anew."""
        for kid, row in self._undo.items():
            self._loaded.pop(kid, None)
            if row is None:
                self._rows.pop(kid, None)
            else:
                self._rows[kid] = row
        if self._before is not None:
            self._root, self._epoch, self._encoded, self._damaged = self._before
        self._leases.clear()
        self._sort()
        self.keep()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _remember(self) -> None:
        if self._before is None:
            self._before = self._root, self._epoch, self._encoded, self._damaged

    def _sort(self) -> None:
        self._places = {}
        for kid, row in self._rows.items():
            self._places.setdefault(row.place, []).append(kid)

    def _reserve(self, place: Place, count: int) -> _Lease:
        collection, scope = place
        if not 0 < count <= MAX_RECORDS or not 0 <= collection <= MAX_COLLECTION or len(scope) != SCOPE_BYTES:
            raise InvalidArgument("a collection's number, the id of a scope, and a number of records are needed")
        wanted = max(count, RESERVATION)
        for kid in reversed(self._places.get(place, [])):
            row = self._rows[kid]
            if row.reserved + wanted <= MAX_RECORDS:
                self._put(kid, self._open(kid), row._replace(reserved=row.reserved + wanted))
                break
        else:
            kid = self._fresh_kid()
            self._put(kid, _fresh_key(), _Row(self._epoch.number, collection, scope, wanted, b""))
            self._places.setdefault(place, []).append(kid)
        lease = self._leases[place] = _Lease(kid, wanted)
        return lease

    def _fresh_kid(self) -> int:
        # Random, so that two processes need not agree, and a destroyed key's number hardly ever returns.
        while True:
            kid = int.from_bytes(random_bytes(4), "big")
            if kid and kid not in self._rows and kid not in self._damaged:
                return kid

    def _open(self, kid: int) -> Secret:
        row = self._rows.get(kid)
        if row is None and kid in self._damaged:
            raise CorruptHeader(f"data key {kid}: its row is damaged")
        if row is None:
            raise KeyUnavailable(f"data key {kid}: it is not in the store; its data was erased")
        if row.epoch != self._epoch.number:
            raise CorruptHeader(f"data key {kid}: it is wrapped for another epoch")
        try:
            return unwrap(row.wrapped, under=self._epoch.key, info=self._place(kid, row))
        except InvalidMessage:
            pass
        raise CorruptHeader(f"data key {kid}: not authentic")

    def _put(self, kid: int, secret: Secret, row: _Row) -> None:
        row = row._replace(epoch=self._epoch.number)
        self._set(kid, row._replace(wrapped=_wrap(secret, under=self._epoch.key, info=self._place(kid, row))))

    def _set(self, kid: int, row: _Row | None) -> None:
        self._undo.setdefault(kid, self._rows.get(kid))
        if row is None:
            self._rows.pop(kid, None)
        else:
            self._rows[kid] = row

    def _place(self, kid: int, row: _Row) -> bytes:
        return labelled(Label.DATA_KEY, self.store_id, kid, row.collection, row.scope, row.epoch, row.reserved)


def header_key(root: Secret, *, store_id: bytes) -> Secret:
    """32 bytes, to open the header with; needed before there is a keyring."""
    return hkdf(salt=store_id, secret=root, info=labelled(Label.STORE_HEADER))


def _secret_place(store_id: bytes) -> bytes:
    return labelled(Label.STORE_SECRET, store_id)


def _epoch_place(store_id: bytes, number: int) -> bytes:
    return labelled(Label.STORE_EPOCH, store_id, number)


def _fresh_key() -> Secret:
    return Secret(random_bytes(SECRET_BYTES))


def _wrap(secret: Secret, *, under: Secret, info: bytes) -> bytes:
    return wrap(secret, under=under, info=info, salt=random_bytes(SALT_BYTES))


def _encoded(row: _Row) -> bytes:
    return encode([row.epoch, row.collection, row.scope, row.reserved, row.wrapped])


def _parse(kid: int, data: bytes) -> _Row | None:
    """The row, None if it has not the shape of one."""
    where = "data key"
    try:
        items = shape.array(decode(data), 5, where)
        if not 0 < kid <= MAX_KID:
            return None
        return _Row(
            shape.uint(items[0], where, most=_MAX_EPOCH),
            shape.uint(items[1], where, most=MAX_COLLECTION),
            shape.octets(items[2], SCOPE_BYTES, where),
            shape.uint(items[3], where, most=MAX_RECORDS),
            shape.octets(items[4], WRAPPED_BYTES, where),
        )
    except MalformedError:
        return None
