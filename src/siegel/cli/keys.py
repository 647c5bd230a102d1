"""Knows the commands about one user's secret and what follows from it: keygen, public, words, safety-number."""

from __future__ import annotations

import argparse
import sys
import time
from getpass import getpass
from typing import Final

from siegel.cli.errors import CommandError, UsageError, about
from siegel.cli.files import Output, input_name, read_input, read_secret_file, warn_exposed
from siegel.cli.people import content_lines, key_file, read_identity, read_user_id
from siegel.cli.terminal import Console, day, size
from siegel.errors import IdentityChanged, MalformedError
from siegel.identity import Identity
from siegel.safety import check_safety, safety_number

_WORDS_LIMIT: Final = 16_384
_NUMBER_LIMIT: Final = 1_024
_WORDS_A_LINE: Final = 6


def keygen(args: argparse.Namespace, console: Console) -> None:
    """Makes an identity, or restores it from its words, and writes its key file."""
    output = Output.named(args.output, overwrite=args.force)
    identity = Identity.generate() if args.from_words is None else _from_words(args.from_words, console)
    output.write_secret(key_file(identity, created_at=time.time_ns() // 1_000_000), console)
    console.note(
        {"user_id": str(identity.user_id), "file": args.output},
        [] if output.on_terminal else [f"user id: {identity.user_id}"],  # on a screen it stands in the file's text
        beside_payload=output.on_stdout,
    )


def _from_words(name: str, console: Console) -> Identity:
    exposed = False
    if name != "-":
        data, exposed = read_secret_file(name, limit=_WORDS_LIMIT)
    elif sys.stdin is not None and sys.stdin.isatty():
        data = _ask("24 words, on one line (not shown): ").encode()
    else:
        data = read_input(None, limit=_WORDS_LIMIT, console=console)
    with about(input_name(name), remedy="check the words and their order"):
        identity = Identity.from_words(" ".join(content_lines(data)))
    if exposed:
        warn_exposed(name, console)
    return identity


def _ask(prompt: str) -> str:
    try:
        return getpass(prompt)
    except EOFError:
        raise UsageError("there is no input", "type the words, or pipe them in") from None


def words(args: argparse.Namespace, console: Console) -> None:
    """Writes the 24 words of a key file: to the screen, or to a file that is its owner's alone."""
    output = Output.named(args.output, overwrite=args.force)
    if output.on_stdout and not output.on_terminal:
        raise CommandError("secret-output", "the words are shown on a terminal only", "say -o FILE to keep them in one")
    identity = read_identity(args.identity, console)
    spelled = identity.words().split()
    lines = [" ".join(spelled[i : i + _WORDS_A_LINE]) for i in range(0, len(spelled), _WORDS_A_LINE)]
    text = "\n".join([f"# user id: {identity.user_id}", *lines, ""])
    console.note(
        {"user_id": str(identity.user_id), "file": args.output},
        ["These words are the secret: whoever reads them is the user."],
        beside_payload=output.on_stdout,
    )
    output.write_secret(text.encode("ascii"), console)


def public(args: argparse.Namespace, console: Console) -> None:
    """Writes the public identity of a key file."""
    output = Output.named(args.output, overwrite=args.force)
    output.refuse_terminal("a public identity")
    record = read_identity(args.identity, console).public()
    data = record.encode()
    output.write(data)
    console.note(
        {
            "user_id": str(record.user_id),
            "sealing_number": record.sealing_number,
            "issued_at": record.issued_at,
            "not_after": record.not_after,
            "bytes": len(data),
            "file": args.output,
        },
        [
            f"user id: {record.user_id}",
            f"{size(len(data))}, valid until {day(record.not_after)} (90 days); make a new one before it ends",
        ],
        beside_payload=output.on_stdout,
    )


def compare_safety_number(args: argparse.Namespace, console: Console) -> None:
    """Prints the safety number of two users, or compares it with what the other side shows."""
    ours, theirs = read_user_id(args.identity, console), read_user_id(args.theirs, console)
    if ours == theirs:
        raise UsageError("both are the same user", "name your own key with -i, and the other side's public identity")
    facts = {"ours": str(ours), "theirs": str(theirs)}
    if not args.compare:
        number = safety_number(ours, theirs)
        console.result({**facts, "safety_number": number}, [number])
        return
    seen = read_input(None, limit=_NUMBER_LIMIT, console=console, typed="type the number that the other side shows")
    try:
        check_safety(seen.decode("utf-8", "replace"), ours=ours, theirs=theirs)
    except MalformedError as error:
        raise CommandError(error.code, str(error), "give the number as the other side shows it") from None
    except IdentityChanged as error:
        remedy = "do not use this public identity; get it again another way, and compare again"
        raise CommandError(error.code, str(error), remedy) from None
    console.result({**facts, "same": True}, ["the safety numbers agree: both sides hold the same two identities"])
