"""Knows the commands encrypt-file and decrypt-file: a large file for any server, and the small reference that opens it.

Laws: a target appears when all of it is there, and has its reference by then; who stops in the middle leaves neither.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unicodedata import normalize

from siegel.attachment_files import decrypt_file, encrypt_file
from siegel.attachment_reader import AttachmentReader
from siegel.attachments import MAX_REFERENCE_BYTES, MAX_THUMBNAIL_BYTES, AttachmentRef, check_description
from siegel.cli.errors import CommandError, UsageError, about
from siegel.cli.files import (
    STDOUT_NAME,
    Output,
    appearing,
    input_name,
    os_failure,
    read_file,
    read_input,
    read_secret_file,
    refuse_device,
    warn_exposed,
)
from siegel.cli.messages import SEALED_LIMIT, origin_facts, origin_lines
from siegel.cli.people import read_contacts, read_identity, read_recipient
from siegel.cli.progress import ProgressBar
from siegel.cli.terminal import Console, Json, people, size
from siegel.errors import InvalidArgument, InvalidMessage, PeerError, StateError
from siegel.identity import PublicIdentity
from siegel.inspection import inspect_envelope
from siegel.sealed import open_sealed, seal

_CONTENT_TYPE: Final = "application/vnd.siegel.attachment"
_ENDING: Final = ".ref"
_PIECE: Final = 2**20


# --- encrypt-file ----------------------------------------------------------------------------------------------------


def encrypt_to_file(args: argparse.Namespace, console: Console) -> None:
    """Encrypts a file, and writes the reference with its key: for its owner alone, or sealed to recipients."""
    _require_signature_to_fit(args)
    _require_file(args.file)
    target = _file_output(args.output, args.file, overwrite=args.force)
    reference = _reference_output(args)
    name, thumbnail = _described(args)
    recipients = _recipients(args.recipients)
    sender = read_identity(args.identity, console) if args.identity else None
    made: Path | None = None
    try:
        with (
            _told("encrypt", args.file, target),
            appearing(target, overwrite=args.force) as part,
            ProgressBar(console, "encrypting") as progress,
        ):
            ref = encrypt_file(
                args.file, part, role=args.role, media_type=args.type, name=name, thumbnail=thumbnail,
                progress=progress,
            )  # fmt: skip
            # First the reference, then the target: what cannot be opened any more is never there.
            if recipients:
                envelope = seal(ref.encode(), sender=sender, recipients=recipients, content_type=_CONTENT_TYPE)
                reference.write(envelope)
            else:
                reference.write_secret(ref.encode(), console)
            made = None if args.force else reference.path
    except BaseException:  # also an interrupt
        if made is not None:
            made.unlink(missing_ok=True)
        raise
    _tell_encrypted(ref, args, reference, recipients, console)


def _require_signature_to_fit(args: argparse.Namespace) -> None:
    signed = args.identity is not None or args.anonymous
    if args.recipients and not signed:
        raise UsageError("one of -i and --anonymous is required with -r", "say who signs the reference")
    if signed and not args.recipients:
        raise UsageError("-i and --anonymous are for a sealed reference", "say with -r to whom it is sealed")


def _described(args: argparse.Namespace) -> tuple[str | None, bytes | None]:
    """Name and thumbnail, after all that the reference shall say was checked."""
    # Some keyboards and disks give letters and accents apart, which nobody could correct.
    name = None if args.name is None else normalize("NFC", args.name)
    with about("--name", remedy="choose another name"):
        check_description(role=args.role, name=name)
    with about("--type", remedy="say type and subtype, such as image/jpeg"):
        check_description(role=args.role, media_type=args.type)
    if args.thumbnail is None:
        return name, None
    thumbnail = read_file(args.thumbnail, limit=MAX_THUMBNAIL_BYTES)
    with about(args.thumbnail, remedy="name a picture of up to 8 KiB"):
        check_description(role=args.role, thumbnail=thumbnail)
    return name, thumbnail


def _recipients(paths: Sequence[str]) -> list[PublicIdentity]:
    recipients = [read_recipient(path) for path in paths]
    if len({public.user_id for public in recipients}) < len(recipients):  # sealing would say so, after all the work
        raise CommandError("invalid-argument", "a user stands twice among the recipients", "name everybody once")
    return recipients


def _require_file(source: str) -> None:
    if source == "-":
        raise UsageError("standard input has no size that is known before its end", "name a file")


def _file_output(name: str, *others: str, overwrite: bool) -> Path:
    """The path of a file that appears whole, and is none of the others."""
    path = Output.named(name, overwrite=overwrite).path
    if path is None:
        raise UsageError("the whole goes into a file", "say -o FILE")
    refuse_device(path)
    for other in others:
        if _same(path, other):
            raise UsageError(f"{path} is also what is read", "name another file with -o")
    return path


def _same(one: str | Path, other: str | Path) -> bool:
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return Path(one).samefile(other)  # on some disks upper and lower case are one name
    except OSError:
        return False


def _reference_name(given: str | None, file: str) -> str:
    return f"{file}{_ENDING}" if given is None else given


def _reference_output(args: argparse.Namespace) -> Output:
    output = Output.named(_reference_name(args.reference, args.output), overwrite=args.force)
    output.refuse_terminal("a reference")
    if output.path is not None and any(_same(output.path, other) for other in (args.file, args.output)):
        raise UsageError(f"{output.path} is also the source or the target", "name another file with --reference")
    return output


def _tell_encrypted(
    ref: AttachmentRef,
    args: argparse.Namespace,
    reference: Output,
    recipients: Sequence[PublicIdentity],
    console: Console,
) -> None:
    facts: dict[str, Json] = {
        "file": args.output,
        "reference": None if reference.path is None else str(reference.path),
        "recipients": [str(public.user_id) for public in recipients],
        "signed": bool(recipients) and not args.anonymous,
        **_facts(ref),
    }
    where = STDOUT_NAME if reference.path is None else str(reference.path)
    if recipients:
        signed = "not signed" if args.anonymous else "signed"
        line = f"the reference is sealed to {people(len(recipients))}, {signed}: {where}"
    else:
        line = f"the key is in the reference {where}: whoever has both can read it"
    lines = [f"encrypted {size(ref.size)}: {args.output} has {ref.ciphertext_size:,}, and may lie on any server", line]
    console.note(facts, lines, beside_payload=reference.on_stdout)


# --- decrypt-file ----------------------------------------------------------------------------------------------------


def decrypt_to_file(args: argparse.Namespace, console: Console) -> None:
    """Decrypts a file, or some bytes of it, by its reference: as it is, or sealed to the identity."""
    if args.identity is None and (args.contacts or args.anonymous):
        raise UsageError("-c and --anonymous are for a sealed reference", "say with -i whose key opens it")
    _require_file(args.file)
    reference = _reference_name(args.reference, args.file)
    output = Output.named(args.output, overwrite=args.force)
    if args.range is None or output.path is not None:
        _file_output(args.output, args.file, reference, overwrite=args.force)
    output.refuse_terminal("a part of a file")
    if args.reference is None and not Path(reference).exists():
        raise CommandError("no-reference", f"there is no reference {reference}", "say with --reference where it is")
    ref, facts, lines = _read_reference(reference, args, console)
    if args.range is None:
        first, end, done = 0, ref.size, "after all of it was verified"
        _decrypt_whole(args, ref, console)
    else:
        first, end = wanted = _bounds(args.range, ref)
        done = f"which are those from {first:,} to {end - 1:,}, each verified; the rest was not read"
        with ProgressBar(console, "decrypting") as progress:
            _decrypt_range(args.file, output, ref, wanted, progress)
    where = args.output if output.path is not None else STDOUT_NAME
    facts |= {"file": args.output, "first": first, "bytes": end - first, "whole": args.range is None}
    console.note(facts, [*lines, f"wrote {size(end - first)} to {where}, {done}"], beside_payload=output.on_stdout)


def _decrypt_whole(args: argparse.Namespace, ref: AttachmentRef, console: Console) -> None:
    target = Path(args.output)
    with (
        _told("decrypt", args.file, target),
        appearing(target, overwrite=args.force) as part,
        ProgressBar(console, "decrypting") as progress,
    ):
        decrypt_file(args.file, part, ref, progress=progress)


def _bounds(asked: tuple[int, int | None], ref: AttachmentRef) -> tuple[int, int]:
    first, last = asked
    if first >= ref.size:
        raise CommandError(
            "range",
            f"there is no byte {first:,}: the file has {size(ref.size)}, counted from 0",
            "ask for earlier ones",
        )
    return first, ref.size if last is None else min(last + 1, ref.size)


def _decrypt_range(
    source: str, output: Output, ref: AttachmentRef, wanted: tuple[int, int], progress: ProgressBar
) -> None:
    first, end = wanted
    with _told("decrypt", source, output.path), AttachmentReader(source, ref) as reader, output.stream() as file:
        reader.seek(first)
        for start in range(first, end, _PIECE):
            file.write(reader.read(min(end - start, _PIECE)))
            progress(start - first, end - first)


# --- references ------------------------------------------------------------------------------------------------------


def _read_reference(
    name: str, args: argparse.Namespace, console: Console
) -> tuple[AttachmentRef, dict[str, Json], list[str]]:
    """The reference, and what is to be said of it: to a program, to a person."""
    if args.identity is None:
        ref = _bare_reference(name, console)
        return ref, _facts(ref), [_line(ref)]
    contacts = read_contacts(args.contacts, console)
    identity = read_identity(args.identity, console)
    sealed = read_input(name, limit=SEALED_LIMIT, console=console)
    if _is_reference(sealed):
        raise CommandError(
            "not-sealed", f"{input_name(name)} is not sealed: nobody proves who made it", "leave -i away to use it so"
        )
    with about(input_name(name), "a sealed reference"):
        message = open_sealed(sealed, identity=identity, contacts=list(contacts), allow_anonymous=args.anonymous)
        ref = AttachmentRef.decode(message.body)
    return ref, {**origin_facts(message, contacts), **_facts(ref)}, [*origin_lines(message, contacts), _line(ref)]


def _bare_reference(name: str, console: Console) -> AttachmentRef:
    if name == "-":
        data, exposed = read_input(name, limit=SEALED_LIMIT, console=console), False
    else:
        data, exposed = read_secret_file(name, limit=SEALED_LIMIT)
    if _is_sealed(data):
        raise CommandError("sealed", f"{input_name(name)} is sealed", "say with -i whose key opens it")
    remedy = "say with --reference which file it is, or get it again"
    if len(data) > MAX_REFERENCE_BYTES:
        raise CommandError("limit-exceeded", f"{input_name(name)} is too large to be a reference", remedy)
    with about(input_name(name), "a reference", remedy=remedy):
        ref = AttachmentRef.decode(data)
    if exposed:
        warn_exposed(name, console)
    return ref


def _is_reference(data: bytes) -> bool:
    try:
        AttachmentRef.decode(data)
    except PeerError:
        return False
    return True


def _is_sealed(data: bytes) -> bool:
    try:
        inspect_envelope(data)
    except PeerError:
        return False
    return True


def _facts(ref: AttachmentRef) -> dict[str, Json]:
    return {
        "role": ref.role,
        "size": ref.size,
        "ciphertext_size": ref.ciphertext_size,
        "sha256": ref.digest.hex(),
        "media_type": ref.media_type,
        "name": ref.name,
        "thumbnail_bytes": None if ref.thumbnail is None else len(ref.thumbnail),
    }


def _line(ref: AttachmentRef) -> str:
    words = [
        ref.role,
        size(ref.size),
        *([ref.media_type] if ref.media_type else []),
        *([f'called "{ref.name}"'] if ref.name else []),
        *([f"with a thumbnail of {size(len(ref.thumbnail))}"] if ref.thumbnail else []),
    ]
    return f"file:  {', '.join(words)}"


# --- failures --------------------------------------------------------------------------------------------------------


@contextmanager
def _told(doing: str, source: str, target: Path | None) -> Generator[None]:
    """Errors inside the block are told with the names that the person gave."""
    try:
        yield
    except BrokenPipeError:
        raise
    except InvalidArgument as error:  # all else was checked before
        raise CommandError(error.code, str(error), "only files are taken, no links, folders or pipes") from None
    except StateError as error:
        raise CommandError(error.code, str(error), "wait until nobody writes to it") from None
    except InvalidMessage as error:
        raise CommandError(
            error.code,
            f"{source} is not the file that the reference means: it was changed, or is another one, or not all of it",
            "fetch it again; if that does not help, ask the sender",
        ) from None
    except FileExistsError:
        raise CommandError("file-exists", f"{target} exists already", "-f overwrites it") from None
    except OSError as error:
        if error.filename == source:
            what = f"read {source}"
        elif error.filename is not None:  # the target's folder, or a name in it
            what = f"write {target}"
        else:
            what = f"{doing} {source}"
        raise os_failure(what, error) from None
