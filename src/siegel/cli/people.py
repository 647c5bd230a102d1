"""Knows the files that stand for people: key files, public identities, folders of them; and their names for a person.

A key file is text: comment lines that begin with ``#``, and one line ``siegel-secret-1…``. A public identity is the
binary record of ``PublicIdentity.encode``. A file's name without its ending is the label shown beside a user id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from siegel.cli.errors import CommandError, UsageError, about
from siegel.cli.files import os_failure, read_file, read_secret_file, warn_exposed
from siegel.cli.terminal import Console, moment
from siegel.errors import MalformedError
from siegel.identity import Identity, PublicIdentity, UserId, parse_record

SECRET_PREFIX: Final = "siegel-secret-1"
USER_ID_PREFIX: Final = "siegel1"

_LIMIT: Final = 16_384  # a public identity has about 1.4 kB, a key file less
_PUBLIC_IDENTITY: Final = "a public identity"
_SECRET_MARK: Final = SECRET_PREFIX.encode("ascii")


# --- key files -------------------------------------------------------------------------------------------------------


def key_file(identity: Identity, *, created_at: int) -> bytes:
    """The text of a key file. Whoever reads it is the user."""
    lines = (f"# created {moment(created_at)}", f"# user id: {identity.user_id}", identity.reveal())
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def read_identity(path: str, console: Console) -> Identity:
    """The identity in a key file; a warning if others can read the file."""
    data, exposed = read_secret_file(path, limit=_LIMIT)
    lines = content_lines(data)
    if len(lines) != 1 or not lines[0].lower().startswith(SECRET_PREFIX):
        raise CommandError(
            "not-a-key-file",
            f"{path} is not a key file: it has not one line {SECRET_PREFIX}…",
            "'siegel keygen -o FILE' makes one",
        )
    with about(path, remedy="copy the key file again, or restore it from its words"):
        identity = Identity.parse(lines[0])
    if exposed:
        warn_exposed(path, console)
    return identity


def content_lines(data: bytes) -> list[str]:
    """The lines of a text file that are neither empty nor comments; none if the bytes are no text."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


# --- public identities -----------------------------------------------------------------------------------------------


def read_recipient(path: str) -> PublicIdentity:
    """A record that may be sealed to now."""
    if path.lower().startswith(USER_ID_PREFIX) and not Path(path).exists():
        raise UsageError(
            "a user id alone has no sealing key", "a recipient is a public identity file, made by 'siegel public'"
        )
    data = _read_public(path)
    with about(path):
        try:
            return PublicIdentity.decode(data)
        except MalformedError as error:
            # argparse gives -r every word up to the next option, so the input may be among them.
            raise CommandError(
                error.code,
                f"{path} is not {_PUBLIC_IDENTITY}: {error}",
                "if it is the input, name it before -r or behind --",
            ) from None


def _read_public(path: str) -> bytes:
    data = read_file(path, limit=_LIMIT)
    if _SECRET_MARK in data.lower():
        raise CommandError(
            "secret-given",
            f"{path} holds a secret; a public identity is needed",
            "'siegel public' makes one from it",
        )
    return data


def read_contacts(names: Iterable[str], console: Console) -> dict[UserId, str | None]:
    """User ids and their labels, from files, folders of files, and user ids ``siegel1…``.

    A record whose time has ended still says who a user id is. What is in a folder and no public identity is left out,
    with a warning: a contact fewer refuses a message, and never accepts one.
    """
    known: dict[UserId, str | None] = {}
    for name in names:
        written = _written_user_id(name)
        if written is not None:
            known.setdefault(written, None)
            continue
        files = _folder(name) if Path(name).is_dir() else [Path(name)]
        for path in files:
            try:
                with about(str(path), _PUBLIC_IDENTITY):
                    known.setdefault(parse_record(_read_public(str(path))).user_id, path.stem)
            except CommandError as error:
                if files == [Path(name)]:
                    raise
                console.warn(f"left out: {error}")
    return known


def _folder(name: str) -> list[Path]:
    try:
        entries = sorted(Path(name).iterdir())
    except OSError as error:
        raise os_failure(f"read {name}", error) from None
    return [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]


def read_user_id(name: str, console: Console) -> UserId:
    """The user of a key file, a public identity file, or a user id ``siegel1…``."""
    written = _written_user_id(name)
    if written is not None:
        return written
    data = read_file(name, limit=_LIMIT)
    if _SECRET_MARK in data.lower():
        return read_identity(name, console).user_id
    with about(name, _PUBLIC_IDENTITY):
        return parse_record(data).user_id


def _written_user_id(text: str) -> UserId | None:
    """The user id that the word itself is; None if it is the name of a file."""
    if not text.lower().startswith(USER_ID_PREFIX):
        return None
    try:
        return UserId.parse(text)
    except MalformedError:
        if Path(text).exists():
            return None
        with about(text):
            raise


# --- labels ----------------------------------------------------------------------------------------------------------


def called(user_id: UserId, names: dict[UserId, str | None]) -> str:
    """Label and user id, or the user id alone."""
    name = names.get(user_id)
    return f"{name}  {user_id}" if name else str(user_id)


def letter_names(paths: Sequence[str], recipients: Sequence[PublicIdentity]) -> dict[UserId, str]:
    """A file name for the letter of each recipient: after its file, or its user id where two files are named alike."""
    stems = [Path(path).stem for path in paths]
    folded = [stem.casefold() for stem in stems]  # on some disks upper and lower case are one name
    return {
        public.user_id: f"{stem if folded.count(stem.casefold()) == 1 else public.user_id}.letter"
        for stem, public in zip(stems, recipients, strict=True)
    }
