"""References for the category ``attachment``, good and bad, and the names that nobody may give (ATT-2 … ATT-7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tests.vectors.generator.attachment_parts import HONEST
from tests.vectors.generator.book import Group, mutation
from tests.vectors.notation import shake
from tests.vectors.reference.attachment import MOST, Reference, stream_size
from tests.vectors.reference.cbor import FALSE, NULL, array, octets, text, uint
from tests.vectors.reference.texts import padme

FIELDS: Final = ("role", "key", "size", "ciphertext size", "digest", "media type", "name", "thumbnail")

NAMES: Final = (
    *("a", "n" * 255, "photo.jpg", ".hidden", "a..b", " a", "Straße – Łódź.pdf", "写真.png", "\U0001f4f7.jpg"),
    *("console.txt", "com", "com10", "lpt.txt", "aux1.c", "my con", "con-1", "nul_", "coné.txt", "comx.txt", "é" * 127),
    "👩\u200d⚕️ (join\u200cers).png",
    'tricky <>|?*"%~$.txt',
)
PATHS: Final = (
    "/",
    "/etc/passwd",
    "../x",
    "..\\x",
    "a/b",
    "a\\b",
    "C:x",
    "C:\\x",
    "file.txt:hidden.exe",
    "\\\\host\\x",
)
DOTTED: Final = (".", "..", "...", "a.", "a ", " ", "photo.jpg.", "photo.jpg ", "a. .")
CONTROLS: Final = (0x00, 0x01, 0x08, 0x09, 0x0A, 0x0D, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9F, 0x2028, 0x2029)
BIDI: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
DEVICES: Final = (
    *("con", "CON", "Con.txt", "con.tar.gz", "con .txt", "prn", "aux.h", "nul", "NUL.jpg", "conin$", "CONOUT$.x"),
    *("com0", "com1", "COM9.log", "lpt0", "lpt5.x", "LPT9", "com¹", "com².txt", "LPT³"),
)
MEDIA_TYPES: Final = (
    *("image", "/jpeg", "image/", "image//jpeg", "image/jpeg/x", "image/jpeg; q=1", "image/jpeg ", " image/jpeg"),
    *("image /jpeg", "image/jpég", "-image/jpeg", "image/.jpeg", "image/*", "a/b\n", "a/b,c/d", "ımage/jpeg"),
)


def of_size(size: int) -> Reference:
    """A reference to a payload that is not there."""
    return replace(HONEST, size=size, stream_size=stream_size(padme(max(size, 64))))


def with_item(place: int, item: bytes) -> bytes:
    """The honest reference with another item, encoded already."""
    items = HONEST.items()
    return array(uint(13), uint(1), *items[:place], item, *items[place + 1 :])


# --- good -------------------------------------------------------------------------------------------------------------


def references(group: Group) -> int:
    """References that are taken; the number of the first."""

    def valid(comment: str, spec: str, flags: str = "Boundary", **changes: Any) -> int:
        reference = replace(HONEST, **changes)
        return group.valid(comment, spec=spec, flags=flags, input={"reference": reference.encode()})

    base = valid("a reference with everything", "ATT-2 ATT-3 ATT-4 ATT-5 ATT-6 ATT-7", "Normal")
    valid("no media type, name or thumbnail", "ATT-4", "Normal", media_type=None, name=None, thumbnail=None)
    for role, name in ((1, "thumbnail"), (2, "preview")):
        valid(f"role {name}", "ATT-3 ATT-4", "Normal", role=role)
    for size in (0, 1, 64, 65, 16_383, 16_384, 16_385, 2**32, 2**32 + 1, MOST):
        given = {"reference": of_size(size).encode()}
        group.valid(f"a payload of {size} bytes", spec="ATT-1 ATT-2 ATT-4", flags="Boundary Sizes", input=given)
    valid("a media type of 127 bytes", "ATT-6", media_type="a/" + "b" * 125)
    for media_type in ("application/vnd.api+json", "Image/JPEG", "0/0", "a!#$&-^_.+/b!#$&-^_.+"):
        valid(f"media type {media_type}", "ATT-6", media_type=media_type)
    for size in (1, 8192):
        valid(f"a thumbnail of bytes: {size}", "ATT-7", thumbnail=bytes(size))
    for name in NAMES:
        valid(f"a name of {len(name.encode())} bytes: {name[:40]}", "ATT-5", "Name Boundary", name=name)
    return base


def described(group: Group) -> None:
    """What a sender may say of a payload, and what not."""

    def given(**changes: Any) -> dict[str, Any]:
        return {"role": "main", "mediaType": None, "name": None, "thumbnail": None} | changes

    spec = "ATT-4 ATT-5 ATT-6 ATT-7"
    base = group.valid("nothing but a role", spec=spec, flags="Normal", input=given())
    everything = given(role="preview", mediaType="image/jpeg", name="Zoë.jpg", thumbnail=b"x")
    group.valid("everything", spec=spec, flags="Normal", input=everything)
    for comment, rule, changes in (
        ("an unknown role", "ATT-4", {"role": "poster"}),
        ("a name that is a path", "ATT-5", {"name": "../../etc/passwd"}),
        ("a name that is not in normal form C", "ATT-5", {"name": "Zoe\u0308.jpg"}),
        ("a name that is too long", "ATT-5", {"name": "n" * 256}),
        ("a media type with a parameter", "ATT-6", {"mediaType": "text/plain; charset=utf-8"}),
        ("a media type that is too long", "ATT-6", {"mediaType": "a/" + "b" * 126}),
        ("an empty thumbnail", "ATT-7", {"thumbnail": b""}),
        ("a thumbnail that is too large", "ATT-7", {"thumbnail": shake(b"thumbnail", 8193)}),
    ):
        group.invalid(
            comment,
            spec=f"ATT-4 {rule}" if rule != "ATT-4" else rule,
            flags="Argument",
            code="invalid-argument",
            stage="argument",
            base=base,
            mutation=mutation("argument", comment),
            input=given(**changes),
        )


# --- refused ----------------------------------------------------------------------------------------------------------


class Refuser:
    """Adds references that have to be refused, each against the honest one."""

    def __init__(self, group: Group, base: int) -> None:
        self.group, self.base = group, base

    def __call__(
        self, stage: str, comment: str, data: Any, spec: str, flags: str = "WrongShape", *, code: str = "malformed"
    ) -> None:
        """One of them."""
        change = mutation("bytes", comment)
        given = {"reference": data}
        self.group.invalid(
            comment, spec=spec, flags=flags, code=code, stage=stage, base=self.base, mutation=change, input=given
        )


def refused_references(group: Group, base: int) -> None:
    """All but for names."""
    refuse = Refuser(group, base)
    refuse("size", "9217 bytes", shake(b"too long", 9217), "ATT-4", "Limit", code="limit-exceeded")
    _bytes(refuse)
    _shapes(refuse)
    for comment, rule, reference in (
        ("a size of 2^48 + 1", "ATT-2", of_size(MOST + 1)),
        ("a size of 2^64 - 1", "ATT-2", replace(HONEST, size=2**64 - 1)),
        ("a media type of 128 bytes", "ATT-6", replace(HONEST, media_type="a/" + "b" * 126)),
        ("a thumbnail of 8193 bytes", "ATT-7", replace(HONEST, thumbnail=bytes(8193))),
    ):
        refuse("limit", comment, reference.encode(), f"ATT-4 {rule}", "Limit", code="limit-exceeded")
    _sizes(refuse)
    for role in (3, 2**64 - 1):
        refuse("shape", f"an unknown role: {role}", replace(HONEST, role=role).encode(), "ATT-3 ATT-4")
    for media_type in MEDIA_TYPES:
        reference = replace(HONEST, media_type=media_type)
        refuse("description", f"media type {media_type!r}", reference.encode(), "ATT-6")
    refuse("description", "an empty media type", replace(HONEST, media_type="").encode(), "ATT-6")
    refuse("description", "an empty thumbnail", replace(HONEST, thumbnail=b"").encode(), "ATT-7")


def _bytes(refuse: Refuser) -> None:
    honest = HONEST.encode()
    refuse("encoding", "a byte behind the end", honest + b"\0", "ENC-8 ATT-4", "TrailingBytes")
    refuse("encoding", "the last byte is missing", honest[:-1], "ENC-4 ATT-4", "Truncated")
    refuse("encoding", "nothing at all", b"", "ENC-8 ATT-4", "Truncated")
    refuse("encoding", "a size longer than its shortest form", with_item(2, uint(100, 2)), "ENC-2 ATT-4", "NonShortest")
    refuse("type", "type number 12", HONEST.encode(kind=12), "ENC-9 ATT-4", "WrongType")
    refuse("type", "a byte string that holds a reference", octets(honest), "ENC-9 ATT-4", "WrongType")
    for version in (0, 2):
        data = HONEST.encode(version=version)
        refuse("version", f"version {version}", data, "ENC-9 ATT-4", "WrongVersion", code="unsupported-version")
    later = HONEST.encode(kind=12, version=2)
    refuse(
        "version", "another type in a later version", later, "ENC-9 ATT-4", "WrongVersion", code="unsupported-version"
    )


def _shapes(refuse: Refuser) -> None:
    items = HONEST.items()
    refuse("shape", "one item too few", array(uint(13), uint(1), *items[:-1]), "ATT-4")
    refuse("shape", "one item too many", array(uint(13), uint(1), *items, NULL), "ATT-4")
    for place, field in enumerate(FIELDS):
        wrong = text("0") if place in (0, 2, 3) else uint(1)
        refuse("shape", f"{field} of another type", with_item(place, wrong), "ATT-4")
        refuse("shape", f"{field} is false", with_item(place, FALSE), "ATT-4")
        if place < 5:
            refuse("shape", f"{field} is null", with_item(place, NULL), "ATT-4")
    for place in (1, 4):
        for size in (0, 31, 33):
            refuse("shape", f"{FIELDS[place]} of {size} bytes", with_item(place, octets(bytes(size))), "ATT-4")
    refuse("shape", "the role as a word", with_item(0, text("main")), "ATT-4")
    refuse("shape", "the media type as bytes", with_item(5, octets(b"image/jpeg")), "ATT-4 ATT-6")
    refuse("shape", "the name as bytes", with_item(6, octets(b"a.jpg")), "ATT-4 ATT-5")
    refuse("shape", "the thumbnail as text", with_item(7, text("a")), "ATT-4 ATT-7")


def _sizes(refuse: Refuser) -> None:
    """Sizes that do not belong together (attack AT-1)."""
    honest = HONEST.stream_size
    for comment, size in {
        "a ciphertext size one too small": honest - 1,
        "a ciphertext size one too large": honest + 1,
        "a ciphertext size of 0": 0,
        "the ciphertext size of an unpadded payload": stream_size(100),
        "a ciphertext size without the tag": honest - 16,
        "a ciphertext size without the header": honest - 56,
        "a ciphertext size 2^32 too large": honest + 2**32,
        "a ciphertext size one chunk too large": honest + 16_400,
    }.items():
        reference = replace(HONEST, stream_size=size)
        refuse("sizes", comment, reference.encode(), "ATT-1 ATT-2 ATT-4", "Sizes")
    for comment, size in {
        "a size one step too large": 105,
        "a size 2^32 too large": 100 + 2**32,
        "a size of 0": 0,
    }.items():
        refuse("sizes", comment, replace(HONEST, size=size).encode(), "ATT-1 ATT-2 ATT-4", "Sizes")
    full = replace(of_size(16_384), stream_size=56 + 16_400)
    refuse("sizes", "no last chunk behind a full one", full.encode(), "ATT-1 ATT-4", "Sizes")


def refused_names(group: Group, base: int) -> None:
    """Names that lead somewhere, or show as others (attack AT-3)."""
    refuse = Refuser(group, base)

    def refuse_name(what: str, name: str) -> None:
        refuse("description", f"{what}: {name!r}", replace(HONEST, name=name).encode(), "ATT-5", "Name")

    refuse("description", "an empty name", replace(HONEST, name="").encode(), "ATT-5", "Name")
    for path in PATHS:
        refuse_name("a separator", path)
    for name in DOTTED:
        refuse_name("a full stop or space at the end", name)
    for code in CONTROLS:
        refuse_name("a control or line break", f"a{chr(code)}.exe")
    refuse_name("a control at the end", "photo.jpg\0")
    for code in BIDI:
        refuse_name("a character that changes the order", f"photo-{chr(code)}gpj.exe")
    for name in DEVICES:
        refuse_name("a device", name)
    for comment, name in {"a name of 256 bytes": "n" * 256, "128 characters, 256 bytes": "é" * 128}.items():
        refuse(
            "limit", comment, replace(HONEST, name=name).encode(), "ATT-4 ATT-5", "Limit Name", code="limit-exceeded"
        )
    for comment, raw in {
        "a name that is not in normal form C": text("Zoe\u0308.jpg"),
        "a name that is not UTF-8": b"\x62\xff\xfe",
        "a name with a surrogate": b"\x63\xed\xa0\x80",
        "a name with an overlong separator": b"\x62\xc0\xaf",
    }.items():
        refuse("encoding", comment, with_item(6, raw), "ENC-5 ATT-5", "BadText Name")
