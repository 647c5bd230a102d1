"""A store with two headers, its data keys and rows, from which the vectors about records at rest are made."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.generator.book import flipped, stream
from tests.vectors.generator.unlock_parts import KEYRING, OTHER_ROOT, OTHER_STORE, RAW, RING, ROOT, STORE, slot, table
from tests.vectors.notation import to_json
from tests.vectors.reference import DAY, cbor, store, unlock
from tests.vectors.reference.labels import sha256
from tests.vectors.reference.store import Catalogue, Content, Header, Place
from tests.vectors.reference.unlock import DataKey

SECRET: Final = unlock.header_secret(ROOT, STORE)
EXPIRES: Final = 20_000 * DAY + 5
CHATS, SESSIONS, FULL = 1, 2, 3
KIDS: Final[dict[tuple[int, str | None], int]] = {
    (CHATS, None): 11,
    (CHATS, "emil"): 12,
    (SESSIONS, None): 13,
    (FULL, None): 14,
}
DATA: Final = {kid: stream(f"data key {kid}", 32) for kid in KIDS.values()}


def scope_id(scope: str | None) -> bytes:
    """The id of a scope."""
    return RING.derive("record scope", store.optional(scope))[:16]


def key_row(kid: int, number: int, scope: str | None, reserved: int, *, epoch: int = RING.epoch) -> list[Any]:
    """The row of a data key, as a vector gives it."""
    key = DataKey(kid, epoch, number, scope_id(scope), reserved)
    wrapped = unlock.wrap(DATA[kid], RING.epoch_key, key.place(STORE), stream(f"salt of data key {kid}", 32)).wrapped
    return [kid, key.row(wrapped)]


KEYS: Final = [key_row(kid, *place, 2**28 if place[0] == FULL else 65_536) for place, kid in KIDS.items()]


def names_key(number: int) -> bytes:
    """The names key of a collection."""
    return RING.derive("record names", cbor.uint(number))


def sums_key(number: int) -> bytes:
    """The sums key of a collection."""
    return RING.derive("accumulator", cbor.uint(number))


def index_key(number: int, field: int) -> bytes:
    """The index key of a field."""
    return RING.derive("blind index", cbor.uint(number), cbor.uint(field))


def row(
    number: int,
    content: Content,
    *,
    scope: str | None = None,
    revision: int = 1,
    plaintext: bytes | None = None,
    **other: Any,
) -> dict[str, Any]:
    """A row as the database holds it; ``other`` changes what it says of itself and not what it was sealed for."""
    kid, name = KIDS[number, scope], store.name_of(names_key(number), scope, content.key)
    data = content.encode() if plaintext is None else plaintext
    nonce = stream(f"nonce {number} {scope} {content.key!r} {revision}", 12)
    record = store.seal(DATA[kid], Place(kid, STORE, number, name, revision), data, nonce)
    tags = [[field, store.tag_of(index_key(number, field), scope, text)] for field, text in content.fields.items()]
    day = None if content.expires is None else content.expires // DAY
    made = {"collection": number, "name": name, "revision": revision, "record": record, "day": day, "tags": tags}
    return made | other


def tally_of(number: int, *rows: dict[str, Any]) -> tuple[int, int, bytes]:
    """What the header says of these rows."""
    elements = [store.element(sums_key(number), r["name"], r["revision"], r["record"]) for r in rows]
    return number, len(rows), store.total(elements)


# --- the rows ---------------------------------------------------------------------------------------------------------

PLAIN: Final = row(CHATS, Content("note", b"hello"), revision=2)
OLDER: Final = row(CHATS, Content("note", b"earlier"))
INDEXED: Final = row(CHATS, Content("m1", b"first", None, {0: "t1"}), scope="emil")
TIMED: Final = row(CHATS, Content("timed", b"for a while", EXPIRES))
RESTORED: Final = row(CHATS, Content(b"\x01", b"from a backup", None, {}, 1_767_225_600_000))
SESSION: Final = row(SESSIONS, Content("s", b"state 2"), revision=2)
OLD_SESSION: Final = row(SESSIONS, Content("s", b"state 1"))
CAPPED: Final = row(FULL, Content("last", b"of its key"))
UNDER_TAG: Final = INDEXED["tags"][0][1]
# What a key of the store sealed with an equal tag beside it, and another text inside.
OTHER_TEXT: Final = row(CHATS, Content("m2", b"second", None, {0: "t2"}), scope="emil", tags=[[0, UNDER_TAG]])

NOW_ROWS: Final = ["plain", "indexed", "timed", "restored", "session", "capped"]
ROWS: Final[dict[str, dict[str, Any]]] = {
    "plain": PLAIN,
    "older": OLDER,
    "indexed": INDEXED,
    "timed": TIMED,
    "restored": RESTORED,
    "session": SESSION,
    "old session": OLD_SESSION,
    "capped": CAPPED,
    "other text": OTHER_TEXT,
    "damaged": PLAIN | {"record": flipped(PLAIN["record"], 20)},
    "damaged session": SESSION | {"record": flipped(SESSION["record"], -1)},
    "indexed, damaged": INDEXED | {"record": flipped(INDEXED["record"], 20)},
    "timed, another day": TIMED | {"day": TIMED["day"] + 1},
    "moved": TIMED | {"name": PLAIN["name"]},
    "elsewhere": PLAIN | {"collection": SESSIONS, "name": store.name_of(names_key(SESSIONS), None, "note")},
    "later": row(CHATS, Content("timed", b"x"), plaintext=Content("timed", b"x", 1).encode()[:-1] + cbor.uint(2**60)),
}


# --- the blocks -------------------------------------------------------------------------------------------------------

SLOTS: Final = table(slot(RAW))
OTHER_SLOTS: Final = table(slot(RAW), slot(RAW, name="another slot"))
ENTRIES: Final[list[tuple[int, str, list[str]]]] = [
    (CHATS, "chats", ["thread"]),
    (SESSIONS, "sessions", []),
    (FULL, "full", []),
]
CATALOGUE: Final = Catalogue(KEYRING, sha256(SLOTS), ENTRIES)


def sealed(what: Header | Catalogue, name: str, *, secret: bytes = SECRET, store_id: bytes = STORE) -> bytes:
    """The block of a header or a catalogue."""
    purpose = "state header" if isinstance(what, Header) else "catalogue"
    return store.seal_block(what.encode(), purpose, secret, store_id, stream(f"salt of {name}", 32))


CATALOGUE_BLOCK: Final = sealed(CATALOGUE, "catalogue")
TALLIES: Final = [
    tally_of(CHATS, PLAIN, INDEXED, TIMED, RESTORED),
    tally_of(SESSIONS, SESSION),
    tally_of(FULL, CAPPED),
]
OLD_TALLIES: Final = [tally_of(CHATS, OLDER), tally_of(SESSIONS, OLD_SESSION)]
FIRST: Final = Header(
    number=7,
    before=stream("header 6", 32),
    restores=0,
    anchored=False,
    changes=4,
    catalogue=sha256(CATALOGUE_BLOCK),
    tallies=OLD_TALLIES,
)
FIRST_BLOCK: Final = sealed(FIRST, "header 7")
SECOND: Final = FIRST._replace(number=8, before=sha256(FIRST_BLOCK), tallies=TALLIES)
SECOND_BLOCK: Final = sealed(SECOND, "header 8")
ANCHORED_BLOCK: Final = sealed(SECOND._replace(anchored=True), "header 8, anchored")
OTHER_PAST: Final = sealed(SECOND._replace(before=stream("another header 7", 32)), "header 8 after another 7")
AGAIN_BLOCK: Final = sealed(SECOND, "header 8 again")
OTHER_SECRET: Final = unlock.header_secret(OTHER_ROOT, OTHER_STORE)
BLOCKS: Final = {
    "slots": SLOTS,
    "other slots": OTHER_SLOTS,
    "catalogue": CATALOGUE_BLOCK,
    "catalogue again": sealed(CATALOGUE, "catalogue again"),
    "first": FIRST_BLOCK,
    "second": SECOND_BLOCK,
    "anchored": ANCHORED_BLOCK,
    "other past": OTHER_PAST,
    "second again": AGAIN_BLOCK,
    "foreign": sealed(SECOND, "header 8", secret=OTHER_SECRET, store_id=OTHER_STORE),
    "under another root": sealed(SECOND, "header 8", secret=unlock.header_secret(OTHER_ROOT, STORE)),
    "damaged": flipped(SECOND_BLOCK, 60),
    "later format": b"\2" + SECOND_BLOCK[1:],
}
FIXTURE: Final = to_json({"storeId": STORE, "key": RAW, "keys": KEYS, "rows": ROWS, "blocks": BLOCKS})
STANDS: Final = {"header": "second", "catalogue": "catalogue", "slots": "slots"}
STOOD: Final = STANDS | {"header": "first"}
OLD_ROWS: Final = ["older", "old session"]
