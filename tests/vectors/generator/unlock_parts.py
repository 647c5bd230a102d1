"""Stores, keys and honest slots, from which the vectors about unlocking a store are made."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.generator.book import stream
from tests.vectors.generator.people import ALICE
from tests.vectors.reference import texts, unlock
from tests.vectors.reference.unlock import DataKey, Keyring

ROOT: Final = stream("root key", 32)
OTHER_ROOT: Final = stream("root key of another store", 32)
STORE: Final = stream("store id", 16)
OTHER_STORE: Final = stream("id of another store", 16)
FLOOR: Final = (19_456, 2, 1)
PASSPHRASE_SALT: Final = stream("salt of a passphrase", 16)

# Keys as the vectors describe them.
IDENTITY: Final[dict[str, Any]] = {"identity": ALICE.secret.hex()}
RAW: Final[dict[str, Any]] = {"bytes": stream("key of an application", 32).hex()}
OTHER_RAW: Final[dict[str, Any]] = {"bytes": stream("another key of an application", 32).hex()}
PASSPHRASE: Final[dict[str, Any]] = {"passphrase": "correct horse battery staple"}
WORDS: Final[dict[str, Any]] = {"words": texts.write_words(stream("recovery words", 32))}
BLOB: Final = b"a ticket of the key management service"
PROVIDED: Final = stream("what the provider wrapped", 32)
PROVIDER: Final[dict[str, Any]] = {"provider": [[BLOB.hex(), PROVIDED.hex()]]}
KEYS: Final = {
    "an identity": IDENTITY,
    "32 bytes": RAW,
    "a passphrase": PASSPHRASE,
    "recovery words": WORDS,
    "a key provider": PROVIDER,
}


def parameters_for(key: dict[str, Any]) -> Any:
    """What a slot for this key says of it."""
    if "passphrase" in key:
        return [*FLOOR, PASSPHRASE_SALT]
    return BLOB if "provider" in key else None


def slot(
    key: dict[str, Any], *, root: bytes = ROOT, store_id: bytes = STORE, name: str = "slot", parameters: Any = None
) -> bytes:
    """An honest slot; ``name`` makes another one."""
    parameters = parameters_for(key) if parameters is None else parameters
    return unlock.make_slot(unlock.key_of(key), root, store_id, parameters, stream(f"salt of {name}", 32))


def table(*slots: bytes, root: bytes = ROOT, store_id: bytes = STORE) -> bytes:
    """An honest table, of however many slots."""
    return unlock.table_of(slots, unlock.tag_of(slots, root, store_id), store_id)


RING: Final = Keyring(STORE, stream("store secret", 32), 3, stream("epoch key 3", 32))
SALTS: Final = stream("salt of the store secret", 32), stream("salt of the epoch key", 32)
KEYRING: Final = RING.encode(ROOT, SALTS)
SCOPE: Final = RING.derive("record scope", b"\x64emil")[:16]
DATA_KEY: Final = DataKey(0x01020304, RING.epoch, 7, SCOPE, 65_536)
DATA: Final = stream("data key", 32)
DATA_SALT: Final = stream("salt of a data key", 32)


def row(key: DataKey = DATA_KEY, *, ring: Keyring = RING, data: bytes = DATA, place: bytes | None = None) -> bytes:
    """The row of a data key, wrapped for its place or for another one."""
    at = key.place(ring.store_id) if place is None else place
    return key.row(unlock.wrap(data, ring.epoch_key, at, DATA_SALT).wrapped)
