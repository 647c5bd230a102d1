"""Knows what a client keeps whole beside its groups: its contacts, and its rotating sealing keys.

Rules: docs/rationale/store-messages.md, KEEP-11, KEEP-12. Law: a copy that is not the newest overwrites nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from siegel._core.secret import KeyObject
from siegel.contacts import Contacts
from siegel.errors import Conflict
from siegel.identity import Identity, UserId
from siegel.sealing_keys import GRACE, LIFE, SealingKeys
from siegel.store.collection import Collection
from siegel.store.store import Store

_COLLECTION: Final = "siegel/client"


class _Encoded(Protocol):
    def encode(self) -> bytes: ...


_E = TypeVar("_E", bound=_Encoded)


class _Kept(KeyObject, Generic[_E]):
    """One object in one record, and the bytes that were read or written there last."""

    __slots__ = ("_collection", "_decode", "_empty", "_held", "_key", "_ledger", "_value")

    def __init__(self, store: Store, key: str, *, empty: Callable[[], _E], decode: Callable[[bytes], _E]) -> None:
        self._empty, self._decode = empty, decode
        self._ledger = store._ledger  # noqa: SLF001  # the rooms of one store share its ledger
        self._collection: Collection = store.collection(_COLLECTION, strict=self._ledger.backend.single_writer)
        self._key = key
        self._held: bytes | None = None
        self._value = self._read()

    def reload(self) -> None:
        """Reads what stands in the store now, into a new object; give that to whoever holds the old one."""
        self._value = self._read()

    def save(self) -> None:
        """Keeps the object as it is now. Part of the transaction that is open, or one of its own.

        Raises:
            Conflict: Something else stands there than was read or saved here last: somebody else saved, or the
                transaction of our last saving was undone. Nothing is written; ``reload``, and do again what is missing.
        """
        data = self._value.encode()
        with self._ledger.step():
            record = self._collection.get(self._key)
            if (record.value if record else None) != self._held:
                raise Conflict("something else was saved here since it was read")
            self._collection.put(self._key, data, expected=record.revision if record else 0)
        self._held = data

    def _read(self) -> _E:
        record = self._collection.get(self._key)
        value = self._empty() if record is None else self._decode(record.value)
        self._held = record.value if record else None
        return value


class StoredContacts(_Kept[Contacts]):
    """The ``Contacts`` of a store: read when this is made, changed in memory, kept by ``save``.

    ``ours`` as for ``Contacts``; it counts where nothing was saved yet.
    """

    __slots__ = ()

    def __init__(self, store: Store, *, ours: UserId | None = None) -> None:
        super().__init__(store, "contacts", empty=lambda: Contacts(ours), decode=Contacts.decode)

    @property
    def contacts(self) -> Contacts:
        """The contacts, to be used and changed."""
        return self._value


class StoredSealingKeys(_Kept[SealingKeys]):
    """The ``SealingKeys`` of an identity in a store: read when this is made, changed in memory, kept by ``save``.

    Save before a new record is published, and before what was opened with a key is acknowledged. After a restore,
    ``rotate`` once and publish: secrets of keys that were published since are lost. ``life`` and ``grace`` as for
    ``SealingKeys``; they count where nothing was saved yet.
    """

    __slots__ = ()

    def __init__(self, store: Store, *, identity: Identity, life: int = LIFE, grace: int = GRACE) -> None:
        super().__init__(
            store,
            f"sealing keys/{identity.user_id}",
            empty=lambda: SealingKeys(identity, life=life, grace=grace),
            decode=lambda data: SealingKeys.decode(data, identity=identity),
        )

    @property
    def keys(self) -> SealingKeys:
        """The keys, to be used, rotated and expired."""
        return self._value
