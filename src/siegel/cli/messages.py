"""Knows the commands seal and open: a payload in, a payload out, and one word about it beside."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from siegel.cli.errors import CommandError, UsageError, about
from siegel.cli.files import Output, input_name, os_failure, read_input, refuse_existing, write_file
from siegel.cli.people import called, letter_names, read_contacts, read_identity, read_recipient
from siegel.cli.terminal import Console, Json, moment, people, size
from siegel.envelope import MAX_BODY_BYTES, letters
from siegel.identity import PublicIdentity, UserId
from siegel.inspection import inspect_envelope
from siegel.sealed import OpenedMessage, open_sealed, seal

# More than the largest sealed message (16 MiB padded, and 16,384 entries of 1.2 kB); the library refuses the rest.
SEALED_LIMIT: Final = 40 * 2**20
_NAMED_RECIPIENTS: Final = 8


# --- seal ------------------------------------------------------------------------------------------------------------


def seal_message(args: argparse.Namespace, console: Console) -> None:
    """Seals the input to the recipients: one envelope, or one letter for each."""
    folder: Path | None = args.letters
    if folder is not None and args.output is not None:
        raise UsageError("-o and --letters exclude each other", "letters go into their folder, an envelope into a file")
    recipients = [read_recipient(path) for path in args.recipients]
    paths = _letter_paths(folder, args, recipients) if folder is not None else {}
    output = Output.named(args.output, overwrite=args.force)
    if not paths:
        output.refuse_terminal("an envelope")
    if args.private and not paths:
        console.warn("--private hides recipients only if letters reach them and never this envelope (--letters DIR)")
    sender = None if args.anonymous else read_identity(args.identity, console)
    body = read_input(args.file, limit=MAX_BODY_BYTES, console=console, typed="type what to seal")
    _refuse_too_large(body, input_name(args.file))
    envelope = seal(
        body,
        sender=sender,
        recipients=recipients,
        content_type=args.content_type,
        private=args.private,
        workers=args.workers,
    )
    if folder is not None:
        _write_letters(envelope, paths, folder=folder, overwrite=args.force)
    else:
        output.write(envelope)
    _tell_sealed(envelope, len(body), args, paths, console, beside_payload=output.on_stdout and not paths)


def _refuse_too_large(body: bytes, name: str) -> None:
    if len(body) > MAX_BODY_BYTES:
        raise CommandError(
            "limit-exceeded",
            f"{name} is larger than 16 MiB ({MAX_BODY_BYTES:,} bytes), the most that one sealed message carries",
            "'siegel encrypt-file' makes an encrypted stream of a larger one",
        )


def _letter_paths(folder: Path, args: argparse.Namespace, recipients: Sequence[PublicIdentity]) -> dict[UserId, Path]:
    if folder.exists() and not folder.is_dir():
        raise CommandError("file-exists", f"{folder} is not a folder", "name a folder for the letters")
    paths = {user_id: folder / name for user_id, name in letter_names(args.recipients, recipients).items()}
    for path in paths.values():
        refuse_existing(path, overwrite=args.force)
    return paths


def _write_letters(envelope: bytes, paths: Mapping[UserId, Path], *, folder: Path, overwrite: bool) -> None:
    """All letters or none: what was written before a failure is taken away again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise os_failure(f"make the folder {folder}", error) from None
    written: list[Path] = []
    try:
        for user_id, letter in letters(envelope):
            write_file(paths[user_id], letter, overwrite=overwrite)
            written.append(paths[user_id])
    except BaseException:  # also an interrupt: half a delivery would look like a whole one
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _tell_sealed(
    envelope: bytes,
    body_bytes: int,
    args: argparse.Namespace,
    paths: Mapping[UserId, Path],
    console: Console,
    *,
    beside_payload: bool,
) -> None:
    info = inspect_envelope(envelope)
    signed = "not signed" if args.anonymous else "signed"
    to = f"sealed {size(body_bytes)} to {people(info.recipient_count)}, {signed}"
    facts: dict[str, Json] = {
        "message_id": info.message_id.hex(),
        "recipients": [str(user_id) for user_id, _ in info.recipients],
        "private": info.private,
        "signed": not args.anonymous,
        "body_bytes": body_bytes,
        "bytes": len(envelope),
        "file": args.output,
    }
    if paths:
        facts["letters"] = [{"user_id": str(user_id), "file": str(path)} for user_id, path in paths.items()]
        lines = [f"{to}: {len(paths):,} letters in {args.letters}"]
    else:
        lines = [f"{to}: an envelope of {size(len(envelope))}"]
    console.note(facts, lines, beside_payload=beside_payload)


# --- open ------------------------------------------------------------------------------------------------------------


def open_message(args: argparse.Namespace, console: Console) -> None:
    """Opens an envelope or letter; the content comes out after all of it was verified, or not at all."""
    output = Output.named(args.output, overwrite=args.force)
    contacts = read_contacts(args.contacts, console)
    identity = read_identity(args.identity, console)
    sealed = read_input(args.file, limit=SEALED_LIMIT, console=console)
    with about(input_name(args.file), "a sealed message"):
        message = open_sealed(sealed, identity=identity, contacts=list(contacts), allow_anonymous=args.anonymous)
    if not output.on_stdout:  # a file is told of when it is there; a screen shows who speaks before what is said
        output.write(message.body)
    lines = [*_lines(message, contacts), *([""] if output.on_terminal else [])]
    console.note(_facts(message, contacts, args.output), lines, beside_payload=output.on_stdout)
    if output.on_stdout:
        output.write(message.body)


def _facts(message: OpenedMessage, contacts: dict[UserId, str | None], file: str | None) -> dict[str, Json]:
    recipients = message.recipients
    return {
        **origin_facts(message, contacts),
        "content_type": message.content_type,
        "recipients": None if recipients is None else [str(user_id) for user_id in recipients],
        "recipient_count": message.recipient_count,
        "private": message.private,
        "message_id": message.message_id.hex(),
        "body_bytes": len(message.body),
        "file": file,
    }


def _lines(message: OpenedMessage, contacts: dict[UserId, str | None]) -> list[str]:
    lines = [*origin_lines(message, contacts), f"type:  {message.content_type}, {size(len(message.body))}"]
    listed = message.recipients or ()
    if 0 < len(listed) <= _NAMED_RECIPIENTS:
        lines += [f"to:    {called(user_id, contacts)}" for user_id in listed]
    else:
        lines.append(f"to:    {people(message.recipient_count)}{', hidden from each other' if message.private else ''}")
    return lines


def origin_facts(message: OpenedMessage, contacts: dict[UserId, str | None]) -> dict[str, Json]:
    """Who sent it, and when, for a program."""
    return {
        "sender": str(message.sender) if message.sender else None,
        "sender_name": contacts.get(message.sender) if message.sender else None,
        "sent_at": message.sent_at,
    }


def origin_lines(message: OpenedMessage, contacts: dict[UserId, str | None]) -> list[str]:
    """Who sent it, and when, for a person."""
    sender = "nobody signed it" if message.sender is None else called(message.sender, contacts)
    return [f"from:  {sender}", f"sent:  {moment(message.sent_at)}, by the sender's clock"]
