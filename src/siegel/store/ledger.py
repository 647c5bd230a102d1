"""Knows what an open store holds to be true, and its one transaction (docs/spec/store.md, STO-11, STO-12).

Laws: the candidate first, the assignment last. What a transaction changes is sealed into a new header, written against
the header that was there, committed, and only then believed; whatever fails before leaves the old state, and whatever
fails in COMMIT is read again before anything else is done. The number of the header never goes down: not against what
this process has seen, not against the anchor.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import MacKey
from siegel.errors import CorruptRecord, KeyUnavailable, RollbackDetected, SiegelError, StateError, StoreError
from siegel.store.anchor import Anchor
from siegel.store.backend import Backend
from siegel.store.freshness import Counts
from siegel.store.header import CATALOGUE, HEADER, SLOTS, Catalogue, digest_of
from siegel.store.keyring import Keyring
from siegel.store.record_keys import ReadyKeys
from siegel.store.state import Changes, Position, State, behind, first_state, next_state, read_state

_CLOSED: Final = "the store is locked or closed; open it again"


class Ledger(KeyObject):
    """The state of one open store over one backend."""

    __slots__ = (
        *("_above", "_anchor", "_catalogue", "_depth", "_dirty", "_doomed", "_floor", "_keys", "_known", "_refusal"),
        *("_restores", "_rolled_back", "_root", "_state", "_unsure", "backend", "counts", "ready", "store_id"),
    )

    def __init__(self, backend: Backend, *, root: Secret, store_id: bytes, anchor: Anchor | None) -> None:
        self.backend = backend
        self.store_id = store_id
        self._root: Secret | None = root
        self._anchor = anchor
        self._keys: Keyring | None = None
        self._state: State | None = None
        self._floor: Position | None = None  # known to be durable: nothing below it is believed
        self._unsure = True  # the state has to be read again before it is relied on
        self._refusal: str | None = None  # why nothing may be written
        self._rolled_back = False
        self._known: Position | None = None  # what the anchor said when it disagreed
        self.ready = ReadyKeys()
        self.counts = Counts()
        # The transaction that is open, and its candidates.
        self._depth = 0
        self._doomed = False
        self._dirty = False
        self._catalogue: Catalogue | None = None
        self._restores = 0
        self._above = 0

    # --- what is known ---

    @property
    def keyring(self) -> Keyring:
        """The keys. StateError after ``lock``."""
        if self._keys is None:
            raise StateError(_CLOSED)
        return self._keys

    @property
    def state(self) -> State:
        """What was read or written last."""
        if self._state is None:
            raise StateError(_CLOSED)
        return self._state

    def certain(self) -> State:
        """The state, read again where an error or the application's own transaction left it open."""
        if self._unsure and not (self._depth or self._rolled_back or self._root is None):
            with self.snapshot():
                pass
        return self.state

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, with what this transaction has changed in it."""
        return self._catalogue or self.state.catalogue

    @property
    def read_only(self) -> bool:
        """Whether every writing is refused."""
        return self._refusal is not None

    @property
    def anchored(self) -> bool:
        """Whether an anchor follows."""
        return self._anchor is not None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction or a snapshot is open."""
        return self._depth > 0

    # --- the transaction ---

    @contextmanager
    def transaction(self) -> Generator[None]:
        """One transaction; inside of another it is a part of that one, and if it fails, so does the whole."""
        self._refuse_writing()
        if self._depth:
            with self._part():
                yield
            return
        self._begin()
        try:
            yield
            self._refuse_doomed()
            state, joined = self._commit()
        except BaseException:
            self._undo()
            raise
        finally:
            self._depth = 0
        self._believe(state, joined=joined)

    @contextmanager
    def _part(self) -> Generator[None]:
        try:
            yield
        except BaseException:
            self._doomed = True
            raise

    @contextmanager
    def step(self) -> Generator[None]:
        """One change of records: a transaction, or a step of the one that is open.

        A refusal has changed nothing, and the transaction may go on; after any other error it may not.
        """
        if not self._depth:
            with self.transaction():
                yield
            return
        self._refuse_writing()
        self._refuse_doomed()
        try:
            yield
        except (StateError, CorruptRecord, KeyUnavailable):
            raise
        except BaseException:
            self._doomed = True
            raise

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """A time in which nobody else writes and the state is what the database says. It changes nothing itself."""
        if self._depth:
            yield
            return
        self._begin()
        try:
            yield
        finally:
            self._undo()
            self._depth = 0

    def _refuse_writing(self) -> None:
        if self._keys is None:
            raise StateError(_CLOSED)
        if self._refusal is not None:
            raise RollbackDetected(self._refusal) if self._rolled_back else StateError(self._refusal)

    def _refuse_doomed(self) -> None:
        if self._doomed:
            raise StateError("a part of the transaction failed, so nothing of it is kept: leave it, and begin again")

    def _begin(self) -> None:
        if self._root is None:
            raise StateError(_CLOSED)
        try:
            self.backend.begin()
            if self.backend.changed() or self._unsure:
                self._read()
        except BaseException:
            self._unsure = True
            self._roll_back()
            raise
        header = self.state.header
        self._depth, self._doomed, self._dirty = 1, False, False
        self._catalogue, self._restores, self._above = None, header.restores, 0
        self.counts.begin(header.tallies)

    def _commit(self) -> tuple[State | None, bool]:
        """Writes and commits: the new state, None if it is the old one; whether it is part of another transaction."""
        keys = self.keyring.changes()
        if keys.put:
            self.backend.put_keys(keys.put)
        if keys.delete:
            self.backend.delete_keys(keys.delete)
        state = self._candidate(keys_changed=bool(keys.put or keys.delete))
        joined = self.backend.joined
        try:
            self.backend.commit()
        except BaseException:
            self._unsure = True  # it may have been kept all the same
            raise
        return state, joined

    def _candidate(self, *, keys_changed: bool) -> State | None:
        """The new state, its blocks written; None if nothing has to be."""
        old = self.state
        catalogue = self.catalogue._replace(keyring=self.keyring.encode())
        counted = (self._dirty or keys_changed) and self.backend.single_writer
        if not counted and catalogue == old.catalogue and self._restores == old.header.restores:
            return None
        anchored = self._anchor is not None
        changes = Changes(catalogue, self.counts.tallies, keys_changed, self._restores, anchored, self._above)
        state = next_state(old, changes, key=self._header_key(), store_id=self.store_id)
        if state.catalogue_block != old.catalogue_block:
            self.backend.put_block(CATALOGUE, state.catalogue_block)
        if not self.backend.swap_block(HEADER, state.block, old.block):
            self._unsure = True
            raise StoreError("another writer changed the header in the middle of a transaction")
        return state

    def _believe(self, state: State | None, *, joined: bool) -> None:
        self.keyring.keep()
        if state is not None:
            self._state = state
        if joined:
            self._unsure = True  # the application may still roll back
        elif state is not None:
            self._floor = state.position
            self.tell_anchor()

    def _undo(self) -> None:
        """After whatever went wrong, and after a snapshot: as it was before."""
        if self._keys is not None:
            keys = self._keys.changes()
            if keys.put or keys.delete or self._catalogue is not None:
                self._keys.undo()
                self.ready.clear()
        self.counts.undo()
        self._catalogue = None
        self._roll_back()

    def _roll_back(self) -> None:
        try:
            self.backend.rollback()
        except SiegelError:  # no transaction is open any more, or the error that led here says more
            self._unsure = True

    # --- what a transaction changes ---

    def count(self, collection: int, elements: Mapping[bytes, int | None], *, removed: Sequence[int]) -> None:
        """Rows were written under these names (None: deleted): their elements, and those of the rows before."""
        self._dirty = True
        added = [element for element in elements.values() if element is not None]
        self.counts.count(collection, added=added, removed=removed, rows=len(added) - len(removed))
        self.counts.note(collection, elements.items())

    def describe(self, catalogue: Catalogue) -> None:
        """Takes note of another catalogue."""
        self._catalogue = catalogue

    def note_restore(self) -> None:
        """Within a transaction: content was restored, and whoever keeps a chain here begins a new one."""
        self._restores += 1

    def look_again(self) -> None:
        """Reads what other processes have changed since, keys above all."""
        with self.snapshot():
            keys = self.keyring.changes()
            if not (self.backend.single_writer or keys.put or keys.delete):
                self.keyring.load(self.backend.keys())
                self.ready.clear()

    # --- reading the state ---

    def _read(self) -> None:
        blocks = self.backend.blocks()
        if self._state is None or self._state.blocks().items() - blocks.items():
            state = read_state(blocks, key=self._header_key(), store_id=self.store_id)
            if self._floor is not None and (why := behind(state, self._floor)):
                raise self.rolled_back(why)
            self._take(state)
        self._unsure = self.backend.joined  # the application may still undo what was read
        if not self._unsure:
            self._floor = self.state.position

    def _take(self, state: State) -> None:
        """Believes what was read, with the keys that belong to it."""
        keyring, old = self._keys, self._state
        if keyring is None or keyring.encode() != state.catalogue.keyring:
            keyring, old = Keyring.decode(state.catalogue.keyring, root=self.root, store_id=self.store_id), None
        if old is None or self._unsure or old.header.ring_changes != state.header.ring_changes:
            keyring.load(self.backend.keys())
            self.ready.clear()
        self._keys, self._state = keyring, state
        self.counts.believe(state.header.tallies)

    def rolled_back(self, why: str) -> RollbackDetected:
        """From now on nothing is written, until somebody acknowledges it."""
        self._refusal, self._rolled_back = why, True
        return RollbackDetected(why)

    @property
    def root(self) -> Secret:
        """The root key. StateError after ``lock``."""
        if self._root is None:
            raise StateError(_CLOSED)
        return self._root

    def _header_key(self) -> MacKey:
        return self.ready.header(self.root, self.store_id)

    # --- from its beginning to its end ---

    def found(self, keyring: Keyring, slots: bytes) -> None:
        """Writes the first header of a new store, and its slots. StateError if there is a store already."""
        anchored = self._anchor is not None
        catalogue = Catalogue(keyring.encode(), digest_of(slots))
        state = first_state(catalogue, anchored=anchored, key=self._header_key(), store_id=self.store_id)
        try:
            self.backend.begin()
            self._refuse_store()
            for name, block in {**state.blocks(), SLOTS: slots}.items():
                self.backend.put_block(name, block)
            joined = self.backend.joined
            self.backend.commit()
        except BaseException:
            self._roll_back()
            raise
        self._keys, self._unsure = keyring, False
        self._believe(state, joined=joined)

    def _refuse_store(self) -> None:
        if self.backend.blocks() or self.backend.keys():
            raise StateError("there is a store in this database already; open it")

    def resume(self, *, read_only: bool) -> None:
        """Reads the state for the first time, and compares it with the anchor."""
        try:
            self.backend.begin()
            self._read()
        finally:
            self._roll_back()
        if read_only:
            self._refusal = "the store was opened for reading only"
        known = self._anchor.get() if self._anchor else None
        why = behind(self.state, known) if known else None
        if self._anchor is not None and known is None and self.state.header.anchored:
            why = "the anchor knows nothing of a store that it has followed"
        if why is not None:
            self._known = known
            error = self.rolled_back(why)
            if not read_only:
                raise error

    def acknowledge(self) -> None:
        """A person says that the older state is meant: from now on it is newer than all that was seen."""
        if not self._rolled_back:
            raise StateError("no rollback was detected")
        before = self._refusal, self._floor
        above = max((position[0] for position in (self._floor, self._known) if position), default=0)
        self._refusal, self._floor, self._state, self._unsure, self._rolled_back = None, None, None, True, False
        try:
            with self.transaction():
                self._restores, self._above = self._restores + 1, above
        except BaseException:
            (self._refusal, self._floor), self._rolled_back = before, True
            raise
        self._known = None

    def settle(self) -> None:
        """Before the end: what the application has committed since is read, and the anchor told."""
        if self._keys is not None and self._refusal is None:
            self.certain()
            self.tell_anchor()

    def tell_anchor(self) -> None:
        """Tells the anchor how far the store is known to be on the disk."""
        if self._anchor is None or self._floor is None or self._rolled_back:
            return
        try:
            self._anchor.advance(*self._floor)
        except Exception as error:
            raise StoreError("the transaction is kept, but the anchor could not be told of it") from error

    def lock(self) -> None:
        """Forgets every key."""
        if self._depth:
            raise StateError("a transaction is open")
        self._root = self._keys = self._state = None
        self.ready = ReadyKeys()
        self.counts = Counts()
