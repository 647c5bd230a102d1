"""Knows the keys in use, made ready: data keys for the records of their collection, and the keys of its hashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import MacKey
from siegel.store.keyring import Keyring, header_key
from siegel.store.records import RecordSealer

MAX_SEALERS: Final = 4_096  # as many as the keyring holds loaded


class ReadyKeys(KeyObject):
    """The keys of a keyring. Whoever changes its data keys clears them."""

    __slots__ = ("_header", "_macs", "_sealers")

    def __init__(self) -> None:
        self._header: MacKey | None = None
        self._sealers: dict[tuple[int, int], RecordSealer] = {}
        self._macs: dict[tuple[str, tuple[int, ...]], MacKey] = {}

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
        return self._mac(keyring.names_key, collection)

    def index(self, keyring: Keyring, collection: int, field: int) -> MacKey:
        """The key of a field's tags."""
        return self._mac(keyring.index_key, collection, field)

    def sums(self, keyring: Keyring, collection: int) -> MacKey:
        """The key of a collection's elements."""
        return self._mac(keyring.accumulator_key, collection)

    def _mac(self, derive: Callable[..., Secret], *place: int) -> MacKey:
        """These keys are the same for as long as the store lives."""
        key = self._macs.get((derive.__name__, place))
        if key is None:
            key = self._macs[derive.__name__, place] = MacKey(derive(*place))
        return key

    def clear(self) -> None:
        """Forgets the data keys."""
        self._sealers.clear()
