"""Knows how a message points to an attachment: its key, sizes, digest and description (spec: attachments.md, ATT).

    [13, 1, role, key (32), size, ciphertext size, SHA-256 of the ciphertext (32), media type, name, thumbnail]

Laws: a reference that exists as an object has passed every check; both sizes agree with each other; a name is only ever
shown, and is no path on any system; the key is not printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, decode, encode
from siegel._core.frozen import Frozen
from siegel._core.labels import Label, labelled
from siegel._core.padding import padme
from siegel._core.secret import KeyObject, Secret
from siegel.errors import InvalidArgument, LimitExceeded, MalformedError
from siegel.streams import KEY_BYTES, ciphertext_bytes

DIGEST_BYTES: Final = 32
MAX_SIZE: Final = 2**48  # below the format's own limit of 2^52, and exact in every language's numbers
MAX_MEDIA_TYPE_BYTES: Final = 127
MAX_NAME_BYTES: Final = 255
MAX_THUMBNAIL_BYTES: Final = 8192
MAX_REFERENCE_BYTES: Final = 9216
ROLES: Final = ("main", "thumbnail", "preview")  # on the wire their places here

_WHERE: Final = "attachment"

# Plain ranges and no properties of characters: these depend on the version of Unicode.
_REFUSED_IN_NAMES: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029]"  # controls and line breaks
    "|[/\\\\:]"  # separators somewhere; after a colon NTFS names another stream, and Windows another drive
    "|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # Bidi_Control: would show "gpj.exe" as "exe.jpg"
)
_DEVICES: Final = re.compile("(con|prn|aux|nul|conin\\$|conout\\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\\.|$)")
_MEDIA_TYPE: Final = re.compile("[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")  # RFC 6838 §4.2


class _Description(NamedTuple):
    role: str
    media_type: str | None
    name: str | None
    thumbnail: bytes | None


class AttachmentRef(KeyObject, Frozen):
    """What a message carries instead of a large payload: whoever has it can fetch, decrypt and check the payload.

    It holds the ``key`` (32 bytes), so it travels inside a sealed message or a group message and nowhere else.
    ``role`` is ``main``, ``thumbnail`` or ``preview``. ``size`` is that of the payload, ``ciphertext_size`` that of the
    stream (both in bytes), ``digest`` the SHA-256 of the stream, which is compared where the whole is opened (ATT-8).
    ``media_type``, ``name`` and ``thumbnail`` (at most 8 KiB) are the sender's words, or None: nobody looked into the
    payload. The name is for showing. It names no place and no device on any system, and is still no path to write to:
    another file may have it already.
    """

    __slots__ = ("_encoded", "ciphertext_size", "digest", "key", "media_type", "name", "role", "size", "thumbnail")

    role: str
    key: Secret
    size: int
    ciphertext_size: int
    digest: bytes
    media_type: str | None
    name: str | None
    thumbnail: bytes | None
    _encoded: Secret

    def __init__(self, description: _Description, key: Secret, size: int, digest: bytes, encoded: bytes) -> None:
        self._set(
            **description._asdict(),
            key=key,
            size=size,
            ciphertext_size=ciphertext_bytes(padded_bytes(size)),
            digest=digest,
            _encoded=Secret(encoded),
        )

    @classmethod
    def create(
        cls,
        *,
        role: str,
        key: Secret,
        size: int,
        digest: bytes,
        media_type: str | None = None,
        name: str | None = None,
        thumbnail: bytes | None = None,
    ) -> AttachmentRef:
        """The reference to a payload of ``size`` bytes that was encrypted under ``key``. InvalidArgument."""
        description = _checked(role, media_type, name, thumbnail)
        if len(key.reveal()) != KEY_BYTES or type(digest) is not bytes or len(digest) != DIGEST_BYTES:
            raise InvalidArgument(f"a key of {KEY_BYTES} bytes and a digest of {DIGEST_BYTES} are needed")
        sizes = size, ciphertext_bytes(padded_bytes(size))
        head = shape.ATTACHMENT, shape.VERSION, ROLES.index(role)
        encoded = encode([*head, key.reveal(), *sizes, digest, media_type, name, thumbnail])
        return cls(description, key, size, digest, encoded)

    @classmethod
    def decode(cls, data: bytes) -> AttachmentRef:
        """The reference that the bytes hold (ATT-4). LimitExceeded, MalformedError, UnsupportedVersion."""
        if len(data) > MAX_REFERENCE_BYTES:
            raise LimitExceeded(_WHERE, f"larger than {MAX_REFERENCE_BYTES} bytes")
        items = shape.top_level(data, kind=shape.ATTACHMENT, fields=8, where=_WHERE)
        key = shape.octets(items[1], KEY_BYTES, f"{_WHERE} key")
        size = shape.uint(items[2], f"{_WHERE} size")
        ciphertext_size = shape.uint(items[3], f"{_WHERE} ciphertext size")
        digest = shape.octets(items[4], DIGEST_BYTES, f"{_WHERE} digest")
        description = _described(items[0], items[5:])
        if size > MAX_SIZE:
            raise LimitExceeded(f"{_WHERE} size", f"above {MAX_SIZE}")
        _check_lengths(description)
        if ciphertext_size != ciphertext_bytes(padded_bytes(size)):
            raise MalformedError(f"{_WHERE} ciphertext size", "not the one of this size")  # attack AT-1
        _check_meaning(description)
        return cls(description, Secret(key), size, digest, data)

    def encode(self) -> bytes:
        """The bytes of the reference, the key among them: for the inside of a message."""
        return self._encoded.reveal()

    @property
    def padded_size(self) -> int:
        """How many bytes were encrypted, the payload, and zeros after it."""
        return padded_bytes(self.size)

    @property
    def context(self) -> bytes:
        """The context of the stream (ATT-3)."""
        return context_for(self.role, self.size)

    def __repr__(self) -> str:
        return f"<AttachmentRef {self.role} of {self.size} bytes>"


def padded_bytes(size: int) -> int:
    """ATT-2: how many bytes are encrypted for a payload of this size."""
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise InvalidArgument(f"the size of an attachment is a number of bytes up to {MAX_SIZE}")
    return padme(size)


def context_for(role: str, size: int) -> bytes:
    """ATT-3: a stream opens in its role and at its padded size only."""
    return labelled(Label.ATTACHMENT, _number_of(role), padded_bytes(size))


def check_description(
    *, role: str, media_type: str | None = None, name: str | None = None, thumbnail: bytes | None = None
) -> None:
    """InvalidArgument unless a reference can have these, so that nothing is encrypted first."""
    _checked(role, media_type, name, thumbnail)


# --- description -----------------------------------------------------------------------------------------------------


def _number_of(role: str) -> int:
    if role not in ROLES:
        raise InvalidArgument(f"the role of an attachment is one of {', '.join(ROLES)}")
    return ROLES.index(role)


def _checked(role: str, *said: str | bytes | None) -> _Description:
    """What a caller says, as a receiver would read it."""
    items = shape.array(decode(encode([_number_of(role), *said])), 4, _WHERE)
    try:
        description = _described(items[0], items[1:])
        _check_lengths(description)
        _check_meaning(description)
    except (MalformedError, LimitExceeded) as error:
        raise InvalidArgument(str(error)) from None
    return description


def _described(role: Decoded, said: Sequence[Decoded]) -> _Description:
    media_type, name, thumbnail = said
    return _Description(
        ROLES[shape.uint(role, f"{_WHERE} role", most=len(ROLES) - 1)],
        None if media_type is None else shape.text(media_type, f"{_WHERE} media type"),
        None if name is None else shape.text(name, f"{_WHERE} name"),
        None if thumbnail is None else shape.octets(thumbnail, None, f"{_WHERE} thumbnail"),
    )


def _check_lengths(description: _Description) -> None:
    for field, data, most in (
        ("media type", (description.media_type or "").encode(), MAX_MEDIA_TYPE_BYTES),
        ("name", (description.name or "").encode(), MAX_NAME_BYTES),
        ("thumbnail", description.thumbnail or b"", MAX_THUMBNAIL_BYTES),
    ):
        if len(data) > most:
            raise LimitExceeded(f"{_WHERE} {field}", f"more than {most} bytes")


def _check_meaning(description: _Description) -> None:
    if description.media_type is not None and not _MEDIA_TYPE.fullmatch(description.media_type):  # ATT-6
        raise MalformedError(f"{_WHERE} media type", "not a type and a subtype")
    if description.name is not None:
        _check_name(description.name)
    if description.thumbnail is not None and not description.thumbnail:  # ATT-7
        raise MalformedError(f"{_WHERE} thumbnail", "empty; none at all is null")


def _check_name(name: str) -> None:
    """ATT-5: a name shows as what it is and leads nowhere (attack AT-3)."""
    where = f"{_WHERE} name"
    if _REFUSED_IN_NAMES.search(name):
        raise MalformedError(where, "holds a separator, a control or a character that changes the order of others")
    if not name or name[-1] in ". ":  # so neither "." nor "..": Windows drops both signs at the end
        raise MalformedError(where, "empty, or ends with a dot or a space")
    if _DEVICES.match(name.lower()):
        raise MalformedError(where, "names a device")
