"""The worked example of the chapter on unlocking, computed: a passphrase, its slot, the table, a data key."""

from __future__ import annotations

from siegel._core.codec import Value, encode
from siegel._core.labels import Label, labelled
from siegel._core.passwords import argon2id
from siegel._core.secret import Secret
from siegel._core.suite import hkdf, hkdf_expand_pair, hkdf_extract, sha256
from siegel._core.wrapping import wrap
from siegel.store.keyring import header_key
from siegel.store.slots import seal_slots, slot_id

Rows = list[tuple[str, bytes | str | int]]

ROOT = bytes(range(0x20))
STORE = bytes(range(0x10))
PHRASE = "nai\u0308ve horse"
COST = (19_456, 2, 1)
KID, COLLECTION, EPOCH, RESERVED = 5, 1, 1, 65_536


def unlock_rows(*, salt: bytes) -> Rows:
    """A store with one slot, and one of its data keys."""
    memory, passes, lanes = COST
    text = "na\u00efve horse".encode()
    given = argon2id(Secret(text), salt=salt[:16], memory_kib=memory, passes=passes, lanes=lanes)
    parameters: list[Value] = [*COST, salt[:16]]
    place = labelled(Label.UNLOCK_SLOT, 14, 1, STORE, 3, parameters)
    commitment, key = hkdf_expand_pair(hkdf_extract(salt=salt, material=given.reveal()), info=place)
    wrapped = wrap(Secret(ROOT), under=given, info=place, salt=salt)
    slot = encode([14, 1, STORE, 3, parameters, wrapped])
    root, epoch_key, data_key = Secret(ROOT), sha256(b"epoch key"), sha256(b"data key")
    secret = Secret(sha256(b"store secret"))
    scope = hkdf(salt=STORE, secret=secret, info=labelled(Label.STORE_SCOPE, None)).reveal()[:16]
    at = labelled(Label.DATA_KEY, STORE, KID, COLLECTION, scope, EPOCH, RESERVED)
    row = wrap(Secret(data_key), under=Secret(epoch_key), info=at, salt=salt)
    return [
        ("store id", STORE),
        ("root key", ROOT),
        ("passphrase, decomposed, as UTF-8", PHRASE.encode()),
        ("passphrase, normalised", text),
        ("salt of the passphrase", salt[:16]),
        ("32 bytes, with 19,456 KiB, 2 passes, 1 lane", given.reveal()),
        ("place of the root key", place),
        ("salt of the wrapping", salt),
        ("commitment", commitment),
        ("wrapping key", key.reveal()),
        ("wrapped root key", wrapped),
        ("slot", slot),
        ("slot id", slot_id(slot)),
        ("table of this slot", seal_slots([slot], root=root, store_id=STORE)),
        ("header secret", header_key(root, store_id=STORE).reveal()),
        ("store secret = SHA-256 of the ASCII text store secret", secret.reveal()),
        ("scope id of null", scope),
        ("epoch key 1 = SHA-256 of the ASCII text epoch key", epoch_key),
        ("data key = SHA-256 of the ASCII text data key", data_key),
        ("place of data key 5 of collection 1, with 65,536 reserved", at),
        ("row of the data key, with the same salt", encode([EPOCH, COLLECTION, scope, RESERVED, row])),
    ]
