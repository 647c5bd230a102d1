"""Knows the keys in use, made ready: data keys for the records of their collection, and the keys of its hashes."""

from __future__ import annotations

from typing import Final

from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import MacKey
from siegel.store.keyring import Keyring, header_key
from siegel.store.records import RecordSealer

MAX_SEALERS: Final = 4_096  # as many as the keyring holds loaded


class ReadyKeys(KeyObject):
    """The keys of a keyring. Whoever changes its data keys clears them."""

    __slots__ = ("_header", "_index", "_names", "_sealers", "_sums")

    def __init__(self) -> None:
        self._header: MacKey | None = None
        self._sealers: dict[tuple[int, int], RecordSealer] = {}
        # These are the same for as long as the store lives.
        self._names: dict[int, MacKey] = {}
        self._index: dict[tuple[int, int], MacKey] = {}
        self._sums: dict[int, MacKey] = {}

    def sealer(self, keyring: Keyring, collection: int, kid: int) -> RecordSealer:
        """The sealer of a data key for a collection; a key at another collection opens nothing. As ``Keyring.key``."""
        sealer = self._sealers.get((collection, kid))
        if sealer is None:
            key = keyring.key(kid)
            if len(self._sealers) >= MAX_SEALERS:
                self._sealers.clear()
            sealer = RecordSealer(key, kid=kid, store_id=keyring.store_id, collection=collection)
            self._sealers[collection, kid] = sealer
        return sealer

    def header(self, root: Secret, store_id: bytes) -> MacKey:
        """The key of the store's header and catalogue."""
        if self._header is None:
            self._header = MacKey(header_key(root, store_id=store_id))
        return self._header

    def names(self, keyring: Keyring, collection: int) -> MacKey:
        """The key of a collection's names."""
        key = self._names.get(collection)
        if key is None:
            key = self._names[collection] = MacKey(keyring.names_key(collection))
        return key

    def index(self, keyring: Keyring, collection: int, field: int) -> MacKey:
        """The key of a field's tags."""
        key = self._index.get((collection, field))
        if key is None:
            key = self._index[collection, field] = MacKey(keyring.index_key(collection, field))
        return key

    def sums(self, keyring: Keyring, collection: int) -> MacKey:
        """The key of a collection's elements."""
        key = self._sums.get(collection)
        if key is None:
            key = self._sums[collection] = MacKey(keyring.accumulator_key(collection))
        return key

    def clear(self) -> None:
        """Forgets the data keys."""
        self._sealers.clear()
