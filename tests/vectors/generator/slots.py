"""Category ``slot``: what unlocks a store, and the keys below its root (UNL-1 … UNL-7)."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.generator.book import Category, Group, flipped, stream
from tests.vectors.generator.keyrings import keyrings
from tests.vectors.generator.slots_refused import refused_slots
from tests.vectors.generator.two_keys import colliding_block
from tests.vectors.generator.unlock_parts import (
    FLOOR,
    IDENTITY,
    KEYS,
    OTHER_RAW,
    OTHER_ROOT,
    OTHER_STORE,
    PASSPHRASE,
    PASSPHRASE_SALT,
    PROVIDED,
    RAW,
    ROOT,
    STORE,
    WORDS,
    slot,
    table,
)
from tests.vectors.reference import cbor, texts, unlock

DEFAULT: Final = (65_536, 3, 4)
UNDER, PLACE, SALT = stream("key that wraps", 32), b"a place", stream("salt of a wrapped key", 32)
WRAPPED: Final = unlock.wrap(ROOT, UNDER, PLACE, SALT)


def category() -> Category:
    """The vectors of this file."""
    book = Category("slot")
    _wrapped(book.group("wrap", 60_001), book.group("unwrap", 60_101))
    _passphrases(book.group("passphrase", 60_301))
    _made(book.group("make-slot", 60_401))
    opening = book.group("open-slot", 60_501)
    for name, key in KEYS.items():
        given = {"slot": slot(key), "storeId": STORE, "key": key}
        opening.valid(f"a slot for {name}", spec="UNL-2 UNL-4", flags="Normal", input=given)
    refused_slots(opening)
    _tables(book.group("slot-table", 60_701), book.group("unlock", 60_801))
    keyrings(book)
    return book


# --- wrapped keys -----------------------------------------------------------------------------------------------------


def _wrapped(making: Group, opening: Group) -> None:
    given = {"key": ROOT, "under": UNDER, "place": PLACE}
    making.valid("a key for a place", spec="UNL-1", flags="KnownAnswer", random={"salt": SALT}, input=given)
    zeros = given | {"key": bytes(32), "under": bytes(32), "place": b""}
    making.valid("zeros under zeros", spec="UNL-1", flags="KnownAnswer", random={"salt": bytes(32)}, input=zeros)

    def show(wrapped: bytes, under: bytes = UNDER, place: bytes = PLACE) -> dict[str, Any]:
        return {"wrapped": wrapped, "under": under, "place": place}

    honest = WRAPPED.wrapped
    base = opening.valid("a key at its place", spec="UNL-1", flags="Normal", input=show(honest))

    def refuse(comment: str, flags: str, given: dict[str, Any], shown: dict[str, Any] | None = None) -> None:
        opening.invalid(
            comment,
            spec="UNL-1",
            flags=flags,
            code="invalid-message",
            stage="unwrap",
            base=base,
            input=given,
            shown=shown,
        )

    refuse("under another key", "WrongKey", show(honest, under=ROOT))
    for name, place in {"another": b"a plaice", "no": b"", "a longer": PLACE + b"\0"}.items():
        refuse(f"at {name} place", "OtherPlace", show(honest, place=place))
    for name, at in {"salt": 0, "commitment": 32, "key": 64, "tag": -1}.items():
        refuse(f"a bit of the {name} flipped", "Damaged", show(flipped(honest, at)))
    refuse("one byte is missing", "Truncated", show(honest[:-1]))
    refuse("one byte more", "TrailingBytes", show(honest + b"\0"))
    refuse("no bytes at all", "Truncated", show(b""))
    longer = honest[:64] + AESGCM(WRAPPED.key).encrypt(bytes(12), ROOT + b"\0", b"")
    refuse("33 bytes, wrapped by who knows the key", "WrongShape", show(longer))
    nonce = honest[:64] + AESGCM(WRAPPED.key).encrypt(bytes(11) + b"\1", ROOT, b"")
    refuse("another nonce", "WrongAlgorithm", show(nonce))
    other = unlock.wrap(OTHER_ROOT, UNDER, PLACE, stream("another salt", 32)).wrapped
    refuse("the salt of another wrapping", "Damaged", show(other[:32] + honest[32:]))
    refuse("the commitment of another wrapping", "Commitment", show(honest[:32] + other[32:64] + honest[64:]))
    refuse("the text of another wrapping", "Damaged", show(honest[:64] + other[64:]))
    _two_keys(opening, refuse, show)


def _two_keys(opening: Group, refuse: Any, show: Any) -> None:
    """One text that AES-GCM opens for two holders: the commitment is of the first."""
    keys = [unlock.keys_of(under, PLACE, SALT) for under in (UNDER, OTHER_ROOT)]
    probe = stream("a text for two keys", 32)
    block = colliding_block((keys[0][2], keys[1][2]), probe, 16, b"")
    text = probe[:16] + block
    plain = bytes(a ^ b for a, b in zip(text, AESGCM(keys[0][2]).encrypt(bytes(12), bytes(32), b""), strict=False))
    sealed = AESGCM(keys[0][2]).encrypt(bytes(12), plain, b"")
    AESGCM(keys[1][2]).decrypt(bytes(12), sealed, b"")  # the tag holds under the other key too
    wrapped = SALT + keys[0][1] + sealed
    opening.valid("a text for two keys, opened by the first", spec="UNL-1", flags="Commitment", input=show(wrapped))
    shown = {"wrappingKeys": [keys[0][2], keys[1][2]], "text": sealed}
    refuse("a text for two keys, opened by the second", "Commitment", show(wrapped, under=OTHER_ROOT), shown)


# --- passphrases ------------------------------------------------------------------------------------------------------


def _passphrases(group: Group) -> None:
    def show(text: str, cost: tuple[int, int, int] = FLOOR) -> dict[str, Any]:
        return {"text": text, "cost": list(cost), "salt": PASSPHRASE_SALT}

    for comment, text in {
        "plain letters": "correct horse battery staple",
        "one letter": "x",
        "letters with marks, composed": "na\u00efve",
        "the same, decomposed": "nai\u0308ve",
        "a space that does not break": "zwei\u00a0W\u00f6rter",
        "an ideographic space": "\u4e8c\u3000\u8a9e",
        "spaces at both ends": " x ",
        "a ligature, which stays": "\ufb01",
        "emoji with joiners": "\U0001f469\u200d\U0001f4bb",
        "1,024 bytes": "x" * 1024,
    }.items():
        group.valid(f"passphrase: {comment}", spec="UNL-3", flags="KnownAnswer", input=show(text))
    group.valid("the default cost", spec="UNL-3", flags="KnownAnswer Cost", input=show("x", DEFAULT))
    for cost in ((19_456, 2, 8), (19_457, 3, 3)):
        group.valid(f"the cost {cost}", spec="UNL-3", flags="Boundary Cost", input=show("x", cost))
    for comment, text in {
        "nothing": "",
        "a space": " ",
        "kinds of spaces": "\u00a0\u3000\u2003",
        "a line end behind it": "x\n",
        "a tabulator": "a\tb",
        "a zero": "a\0b",
        "a character that is none": "a\uffff",
        "an unassigned character": "a\U000e0fff",
        "1,025 bytes": "x" * 1025,
        "513 characters of two bytes": "\u00e4" * 513,
    }.items():
        _argument(group, f"no passphrase: {comment}", "UNL-3", "Argument", show(text))
    for comment, cost in COSTS.items():
        _argument(group, f"a cost with {comment}", "UNL-3", "Cost", show("x", cost))


COSTS: Final = {
    "almost nothing": (8, 1, 1),
    "19,455 KiB": (19_455, 2, 1),
    "one pass": (65_536, 1, 4),
    "no passes": (65_536, 0, 4),
    "no lanes": (65_536, 3, 0),
    "17 passes": (65_536, 17, 4),
    "nine lanes": (65_536, 3, 9),
    "more than 1 GiB": (1_048_577, 2, 4),
    "2 TiB": (2**31, 2, 4),
    "five passes over 1 GiB": (1_048_576, 5, 4),
}


def _argument(group: Group, comment: str, spec: str, flags: str, given: dict[str, Any], **more: Any) -> None:
    group.invalid(comment, spec=spec, flags=flags, code="invalid-argument", stage="argument", input=given, **more)


# --- making -----------------------------------------------------------------------------------------------------------


def _made(group: Group) -> None:
    for name, key in KEYS.items():
        given: dict[str, Any] = {"key": key, "root": ROOT, "storeId": STORE}
        drawn = {"salt": stream("salt of slot", 32)}
        if "passphrase" in key:
            given["cost"], drawn["passphraseSalt"] = list(FLOOR), PASSPHRASE_SALT
        if "provider" in key:
            drawn["provided"] = PROVIDED
        group.valid(f"a slot made for {name}", spec="UNL-2 UNL-4", flags="KnownAnswer", random=drawn, input=given)
    drawn = {"salt": stream("salt of slot", 32), "passphraseSalt": PASSPHRASE_SALT}
    for comment, key in {
        "no bytes": {"bytes": ""},
        "31 bytes": {"bytes": "01" * 31},
        "33 bytes": {"bytes": "01" * 33},
        "zeros": {"bytes": "00" * 32},
        "words of zeros": {"words": texts.write_words(bytes(32))},
        "an empty passphrase": {"passphrase": ""},
    }.items():
        given = {"key": key, "root": ROOT, "storeId": STORE}
        _argument(group, f"a slot for no key: {comment}", "UNL-2", "WeakSecret", given, random=drawn)
    for comment, cost in COSTS.items():
        given = {"key": PASSPHRASE, "cost": list(cost), "root": ROOT, "storeId": STORE}
        _argument(group, f"a slot with {comment}", "UNL-3 UNL-4", "Cost", given, random=drawn)


# --- tables -----------------------------------------------------------------------------------------------------------


def _tables(making: Group, opening: Group) -> None:
    many = [slot(RAW, name=f"slot {number}") for number in range(9)]
    for count in (1, 2, 8):
        given: dict[str, Any] = {"slots": many[:count], "root": ROOT, "storeId": STORE}
        making.valid(f"a table of {count}", spec="UNL-5", flags="Normal" if count == 2 else "Boundary", input=given)
    for comment, slots in {"no slots": [], "nine slots": many, "a slot twice": [many[0], many[1], many[0]]}.items():
        given = {"slots": slots, "root": ROOT, "storeId": STORE}
        _argument(making, f"a table of {comment}", "UNL-5", "Argument", given)

    every = [slot(key) for key in KEYS.values()]
    for name, key in KEYS.items():
        given = {"table": table(*every), "storeId": STORE, "key": key}
        opening.valid(f"one of five: {name}", spec="UNL-2 UNL-5", flags="Normal", input=given)
    second = table(slot(OTHER_RAW, name="first"), slot(RAW))
    given = {"table": second, "storeId": STORE, "key": RAW}
    opening.valid("the second slot of its kind", spec="UNL-5", flags="Normal", input=given)
    given = {"table": table(*many[:8]), "storeId": STORE, "key": RAW}
    base = opening.valid("eight slots of one key", spec="UNL-5", flags="Boundary", input=given)

    def refuse(
        stage: str,
        comment: str,
        flags: str,
        data: bytes,
        *,
        key: dict[str, Any] = RAW,
        code: str = "corrupt-header",
        spec: str = "",
    ) -> None:
        given = {"table": data, "storeId": STORE, "key": key}
        spec = f"UNL-5 {spec}"
        opening.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, base=base, input=given)

    _keys_of_tables(refuse)
    _tags_of_tables(refuse)
    _shapes_of_tables(refuse, many)


def _keys_of_tables(refuse: Any) -> None:
    every = table(*(slot(key) for key in KEYS.values()))
    wrong, unavailable = "wrong-key", "key-unavailable"
    refuse("unwrap", "a key of no slot", "WrongKey", every, key=OTHER_RAW, code=wrong)
    refuse("unwrap", "a kind of which there is no slot", "WrongKey", table(slot(WORDS)), code=wrong)
    refuse("unwrap", "another passphrase", "WrongKey", every, key={"passphrase": "correct horse"}, code=wrong)
    refuse("unwrap", "a provider that fails", "WrongKey", every, key={"provider": []}, code=unavailable)
    refuse("argument", "no key at all", "WeakSecret", every, key={"bytes": ""}, code="invalid-argument", spec="UNL-2")
    low = slot(PASSPHRASE, parameters=[8, 1, 1, PASSPHRASE_SALT])
    refuse("cost", "beside the honest slot one that is too cheap", "Cost", table(slot(RAW), low), spec="UNL-3")


def _tags_of_tables(refuse: Any) -> None:
    mine, gone = slot(RAW), slot(IDENTITY)
    tag = unlock.tag_of([mine], ROOT, STORE)
    both = unlock.tag_of([mine, gone], ROOT, STORE)
    for comment, slots, said in (
        ("a removed slot put back behind", [mine, gone], tag),
        ("a removed slot put back in front", [gone, mine], tag),
        ("a slot left out", [mine], both),
        ("the slots in another order", [gone, mine], both),
    ):
        refuse("table", comment, "Rollback", unlock.table_of(slots, said, STORE))
    put_back = unlock.table_of([gone, mine], tag, STORE)
    refuse("table", "opened by the slot that was put back", "Rollback", put_back, key=IDENTITY)
    for comment, said in {
        "a flipped bit": flipped(tag, 5),
        "the root of another store": unlock.tag_of([mine], OTHER_ROOT, STORE),
        "another store id": unlock.tag_of([mine], ROOT, OTHER_STORE),
        "zeros": bytes(32),
    }.items():
        refuse("table", f"a tag of {comment}", "Damaged", unlock.table_of([mine], said, STORE))
    foreign = slot(RAW, root=OTHER_ROOT)
    refuse("table", "a slot with the root of another store", "OtherPlace", unlock.table_of([foreign], tag, STORE))


def _shapes_of_tables(refuse: Any, many: list[bytes]) -> None:
    mine = slot(RAW)
    honest = table(mine)
    refuse("encoding", "one byte is missing", "Truncated", honest[:-1])
    refuse("encoding", "one byte more", "TrailingBytes", honest + b"\0")
    refuse("encoding", "no bytes at all", "Truncated", b"")
    refuse("type", "a slot in place of a table", "WrongType", mine)
    refuse("version", "a later version", "WrongVersion", b"\x85\x0f\x02" + honest[3:], code="newer-format")
    for comment, slots in {"no slots": [], "nine slots": many, "a slot twice": [mine, mine]}.items():
        refuse("shape", f"a table with {comment}", "WrongShape", table(*slots))
    tag = cbor.octets(bytes(31))
    items = [cbor.uint(15), cbor.uint(1), cbor.octets(STORE), cbor.array(cbor.octets(mine)), tag]
    refuse("shape", "a tag of 31 bytes", "WrongShape", cbor.array(*items))
    refuse("shape", "an item too few", "WrongShape", cbor.array(*items[:4]))
    refuse(
        "shape",
        "a slot that is no byte string",
        "WrongShape",
        cbor.array(*items[:3], cbor.array(mine), tag[:1] + b"\x20" + bytes(32)),
    )
    elsewhere = table(slot(RAW, store_id=OTHER_STORE), store_id=OTHER_STORE)
    refuse("store", "the table of another store", "OtherPlace", elsewhere)
    inside = table(slot(RAW, store_id=OTHER_STORE))
    refuse("store", "a slot of another store in it", "OtherPlace", inside, spec="UNL-4")
    refuse("encoding", "a slot in it that is cut off", "Truncated", table(mine[:-1]), spec="UNL-4")
