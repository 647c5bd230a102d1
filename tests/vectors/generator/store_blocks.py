"""Header and catalogue, sealed and opened (STO-7 … STO-9)."""

from __future__ import annotations

from typing import Any

from tests.vectors.generator.book import Category, Group, flipped, stream
from tests.vectors.generator.store_parts import CATALOGUE, FIRST, OTHER_SECRET, SECOND, SECRET, sealed
from tests.vectors.generator.unlock_parts import OTHER_STORE, STORE
from tests.vectors.reference import cbor, store
from tests.vectors.reference.store import Catalogue, Header

EMPTY = Header(
    number=1,
    before=bytes(32),
    restores=0,
    anchored=False,
    changes=0,
    catalogue=stream("catalogue digest", 32),
    tallies=[],
)
MOST = 2**53 - 1
LAST = Header(
    number=MOST,
    before=bytes(32),
    restores=MOST,
    anchored=True,
    changes=MOST,
    catalogue=bytes(32),
    tallies=[(2**16 - 1, MOST, b"\xff" * 32)],
)
BARE = Catalogue(CATALOGUE.keyring, CATALOGUE.slots, [])
MANY = CATALOGUE._replace(entries=[(1, "", [str(n) for n in range(24)]), (2**16 - 1, "\u00e4", [])])


def blocks(book: Category) -> None:
    """All groups of blocks."""
    _headers(book.group("seal-header", 65_701), book.group("open-header", 65_801))
    _catalogues(book.group("seal-catalogue", 65_901), book.group("open-catalogue", 66_001))


def _show(block: bytes, *, secret: bytes = SECRET, store_id: bytes = STORE) -> dict[str, Any]:
    return {"block": block, "headerSecret": secret, "storeId": store_id}


def _below() -> dict[str, Any]:
    return {"headerSecret": SECRET, "storeId": STORE}


def _headers(making: Group, opening: Group) -> None:
    for comment, header in {
        "the first header": EMPTY,
        "a header with two collections": FIRST,
        "the largest numbers": LAST,
    }.items():
        given = _below() | {"header": header._asdict() | {"tallies": [list(tally) for tally in header.tallies]}}
        drawn, spec = {"salt": stream("salt of a header", 32)}, "STO-7 STO-9"
        making.valid(f"sealed: {comment}", spec=spec, flags="KnownAnswer", random=drawn, input=given)
        opening.valid(f"opened: {comment}", spec=spec, flags="Normal", input=_show(sealed(header, comment)))
    honest = sealed(SECOND, "header")
    base = opening.valid("a header of its store", spec="STO-7 STO-9", flags="Normal", input=_show(honest))
    _places(opening, base, honest, "state header", sealed(CATALOGUE, "catalogue"))
    first, tally = SECOND.encode(), cbor.array(cbor.uint(1), cbor.uint(2), cbor.octets(bytes(32)))
    head = [cbor.uint(8), cbor.octets(bytes(32)), cbor.uint(0), cbor.FALSE, cbor.uint(4), cbor.octets(bytes(32))]

    def tallied(*tallies: bytes) -> bytes:
        return cbor.array(*head, cbor.array(*tallies))

    def other(at: int, item: bytes) -> bytes:
        return cbor.array(*head[:at], item, *head[at + 1 :], cbor.array())

    later = cbor.array(cbor.uint(2), cbor.uint(2), cbor.octets(bytes(32)))
    for comment, content, flags in (
        ("no bytes", b"", "Truncated"),
        ("six items", cbor.array(*head), "WrongShape"),
        ("a byte behind it", first + b"\0", "TrailingBytes"),
        ("a number that is text", other(0, cbor.text("8")), "WrongShape"),
        ("31 bytes for the header before", other(1, cbor.octets(bytes(31))), "WrongShape"),
        ("null for the restores", other(2, cbor.NULL), "WrongShape"),
        ("0 for anchored", other(3, cbor.uint(0)), "WrongShape"),
        ("true for the changes of keys", other(4, cbor.TRUE), "WrongShape"),
        ("33 bytes for the catalogue", other(5, cbor.octets(bytes(33))), "WrongShape"),
        ("no array of tallies", cbor.array(*head, cbor.NULL), "WrongShape"),
        ("a tally of two items", tallied(cbor.array(cbor.uint(1), cbor.uint(2))), "WrongShape"),
        (
            "a sum of 31 bytes",
            tallied(cbor.array(cbor.uint(1), cbor.uint(2), cbor.octets(bytes(31)))),
            "WrongShape",
        ),
        (
            "a collection above 2^16 - 1",
            tallied(cbor.array(cbor.uint(2**16), cbor.uint(2), cbor.octets(bytes(32)))),
            "Limit",
        ),
        ("a collection twice", tallied(tally, tally), "WrongShape"),
        ("collections that descend", tallied(later, tally), "WrongShape"),
    ):
        _refuse_shape(opening, f"an authentic header with {comment}", "STO-7", flags, content, "state header")


def _catalogues(making: Group, opening: Group) -> None:
    for comment, catalogue in {
        "a catalogue": CATALOGUE,
        "no collections": BARE,
        "24 fields, and the last number": MANY,
    }.items():
        given = _below() | {
            "catalogue": catalogue._asdict() | {"entries": [list(entry) for entry in catalogue.entries]}
        }
        drawn, spec = {"salt": stream("salt of a catalogue", 32)}, "STO-8 STO-9"
        making.valid(f"sealed: {comment}", spec=spec, flags="KnownAnswer", random=drawn, input=given)
        opening.valid(f"opened: {comment}", spec=spec, flags="Normal", input=_show(sealed(catalogue, comment)))
    honest = sealed(CATALOGUE, "catalogue")
    base = opening.valid("a catalogue of its store", spec="STO-8 STO-9", flags="Normal", input=_show(honest))
    _places(opening, base, honest, "catalogue", sealed(SECOND, "header"))
    ring, slots = cbor.octets(CATALOGUE.keyring), cbor.octets(CATALOGUE.slots)

    def listed(*entries: tuple[int, str, list[str]]) -> bytes:
        return CATALOGUE._replace(entries=list(entries)).encode()

    for comment, content, flags in (
        ("no bytes", b"", "Truncated"),
        ("two items", cbor.array(ring, slots), "WrongShape"),
        ("a byte behind it", CATALOGUE.encode() + b"\0", "TrailingBytes"),
        ("a keyring that is text", cbor.array(cbor.text("keys"), slots, cbor.array()), "WrongShape"),
        ("31 bytes for the slots", cbor.array(ring, cbor.octets(bytes(31)), cbor.array()), "WrongShape"),
        ("a collection above 2^16 - 1", listed((2**16, "chats", [])), "Limit"),
        ("a number twice", listed((1, "chats", []), (1, "sessions", [])), "WrongShape"),
        ("numbers that descend", listed((2, "chats", []), (1, "sessions", [])), "WrongShape"),
        ("a name twice", listed((1, "chats", []), (2, "chats", [])), "WrongShape"),
        ("a field twice", listed((1, "chats", ["thread", "thread"])), "WrongShape"),
        ("25 fields", listed((1, "chats", [str(n) for n in range(25)])), "Limit"),
        (
            "a name that is bytes",
            cbor.array(ring, slots, cbor.array(cbor.array(cbor.uint(1), cbor.octets(b"chats"), cbor.array()))),
            "WrongShape",
        ),
        (
            "no fields",
            cbor.array(ring, slots, cbor.array(cbor.array(cbor.uint(1), cbor.text("chats")))),
            "WrongShape",
        ),
    ):
        _refuse_shape(opening, f"an authentic catalogue with {comment}", "STO-8", flags, content, "catalogue")


def _places(group: Group, base: int, honest: bytes, purpose: str, other: bytes) -> None:
    """Blocks of another store, key, kind and format."""

    def refuse(
        comment: str, flags: str, given: dict[str, Any], *, stage: str = purpose, code: str = "corrupt-header"
    ) -> None:
        group.invalid(comment, spec="STO-9", flags=flags, code=code, stage=stage, base=base, input=given)

    content = (SECOND if purpose == "state header" else CATALOGUE).encode()
    foreign = store.seal_block(content, purpose, OTHER_SECRET, OTHER_STORE, stream("salt", 32))
    renamed = foreign[:1] + STORE + foreign[17:]
    refuse("of another store", "OtherPlace", _show(foreign), stage="store")
    refuse("of another store, which says this one", "OtherPlace", _show(renamed))
    refuse("asked for in another store", "OtherPlace", _show(honest, store_id=OTHER_STORE), stage="store")
    refuse("under another root", "WrongKey", _show(honest, secret=OTHER_SECRET))
    refuse("a block of the other kind", "WrongType", _show(other))
    refuse("a later format", "WrongVersion", _show(b"\2" + honest[1:]), stage="format", code="newer-format")
    refuse("an earlier format", "WrongVersion", _show(b"\0" + honest[1:]), stage="format", code="newer-format")
    for name, at in {"salt": 17, "text": 49, "tag": -1}.items():
        refuse(f"a bit of the {name} flipped", "Damaged", _show(flipped(honest, at)))
    refuse("one byte is missing", "Truncated", _show(honest[:-1]))
    refuse("one byte more", "TrailingBytes", _show(honest + b"\0"))
    refuse("64 bytes", "Truncated", _show(honest[:64]), stage="format")
    refuse("no bytes at all", "Truncated", _show(b""), stage="format")


def _refuse_shape(  # noqa: PLR0917  # so that a vector is read in one line
    group: Group, comment: str, spec: str, flags: str, content: bytes, purpose: str
) -> None:
    block = store.seal_block(content, purpose, SECRET, STORE, stream("salt of another shape", 32))
    group.invalid(comment, spec=spec, flags=flags, code="corrupt-header", stage=purpose, input=_show(block))
