"""Knows the demo's chapter on attachments."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from siegel._core.suite import random_bytes
from siegel.attachment_files import decrypt_file, encrypt_file
from siegel.attachment_reader import AttachmentReader
from siegel.attachments import AttachmentRef
from siegel.cli.demo.company import Person
from siegel.cli.demo.server import with_flipped_bit
from siegel.cli.demo.stage import Stage
from siegel.cli.files import read_file, write_file
from siegel.cli.terminal import size
from siegel.errors import InvalidMessage
from siegel.sealed import seal

_PHOTO_BYTES: Final = 3_000_000
_PART: Final = 4_096
_LIMIT: Final = 2**22


class _Server:
    """Keeps the ciphertext, gives ranges of it, and counts what it gives."""

    def __init__(self, path: Path) -> None:
        self.path, self.given = path, 0

    def read_at(self, offset: int, length: int) -> bytes:
        found = read_file(self.path, limit=_LIMIT)[offset : offset + length]
        self.given += len(found)
        return found


def photo(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """A large file lies on a server, and is read whole or in parts; what the server changes is refused."""
    _, _, chiara, deniz, _, _ = people
    stage.begin("A photo from a care visit")
    taken, server = chiara.folder / "photo.jpg", _Server(stage.folder / "photo.enc")
    write_file(taken, random_bytes(_PHOTO_BYTES))
    ref = encrypt_file(taken, server.path, media_type="image/jpeg", name="photo.jpg")
    sealed = seal(ref.encode(), sender=chiara.identity, recipients=[deniz.record], at=now)
    (deniz.mailbox / "photo.sealed").write_bytes(sealed)
    stage.tell(
        f"Chiara encrypts a photo of {size(ref.size)}; a server keeps {ref.ciphertext_size:,}.",
        f"The key to it goes to Deniz, in a sealed reference of {size(len(sealed))}.",
    )
    message = deniz.opened(read_file(deniz.mailbox / "photo.sealed", limit=_LIMIT))
    received, target = AttachmentRef.decode(message.body), deniz.folder / "photo.jpg"
    decrypt_file(server.path, target, received)
    plain = read_file(target, limit=_LIMIT)
    stage.shown(
        "Deniz decrypts it, and has Chiara's photo",
        holds=message.sender == chiara.identity.user_id and plain == read_file(taken, limit=_LIMIT),
    )
    target.unlink()
    middle = _PHOTO_BYTES // 2
    part = _part(server, received, middle)
    stage.shown(
        f"he reads {size(_PART)} in its middle, for which {server.given:,} are fetched",
        holds=part == plain[middle : middle + _PART] and server.given < _PHOTO_BYTES // 10,
    )
    _tampered(stage, server, received, target, plain)


def _tampered(stage: Stage, server: _Server, ref: AttachmentRef, target: Path, plain: bytes) -> None:
    kept, middle = read_file(server.path, limit=_LIMIT), _PHOTO_BYTES // 2
    whole = partial(decrypt_file, server.path, target, ref)
    there, first = partial(_part, server, ref, middle), partial(_part, server, ref, 0)
    server.path.write_bytes(with_flipped_bit(kept, len(kept) * 4))
    stage.tell("A bit flips in the middle of what the server keeps.")
    stage.refused("Deniz, who wants the whole", InvalidMessage, whole, unwritten=[target])
    stage.refused("Deniz, who reads there", InvalidMessage, there)
    stage.shown("what lies before it still comes out, each byte verified", holds=first() == plain[:_PART])
    server.path.write_bytes(kept[: len(kept) // 2])
    stage.tell("The server loses the second half.")
    stage.refused("Deniz, who wants the whole", InvalidMessage, whole, unwritten=[target])
    stage.refused("Deniz, who reads the beginning, which is there", InvalidMessage, first)


def _part(server: _Server, ref: AttachmentRef, offset: int) -> bytes:
    with AttachmentReader(server, ref) as reader:
        reader.seek(offset)
        return reader.read(_PART)


CHAPTERS: Final = (photo,)
