"""Knows how a person hands over what opens a store: an identity, a file of 32 bytes, a passphrase, 24 words.

Law: no passphrase and no key is an argument, part of the environment, or shown while it is typed.
"""

from __future__ import annotations

import argparse
import os
import sys
from getpass import getpass
from typing import Final

from siegel.cli.errors import CommandError, UsageError, about
from siegel.cli.files import Output, input_name, os_failure, read_input, read_secret_file, warn_exposed
from siegel.cli.people import content_lines, read_identity
from siegel.cli.terminal import Console
from siegel.store.keys import MAX_PASSPHRASE_BYTES, Key, Passphrase, RecoveryWords

_KEY_BYTES: Final = 32
_WORDS_LIMIT: Final = 16_384
_WORDS_A_LINE: Final = 6
_NO_KEY: Final = "name a key with -i, --key-file or --passphrase-fd"


def read_key(args: argparse.Namespace, console: Console, *, prefix: str = "", asked_for: str = "") -> Key:
    """The key that the options of this prefix name; a passphrase is asked for if they name none.

    ``asked_for`` stands in the prompt: what the passphrase opens.
    """
    words = _option(args, prefix, "words")
    if words is not None:
        return _words(words, console)
    return _named_key(args, console, prefix) or _checked(_ask(f"passphrase of {asked_for or args.store}: "))


def read_new_key(args: argparse.Namespace, console: Console, *, prefix: str = "", asked_for: str = "") -> Key:
    """A key that shall open something from now on: words are made and written, a passphrase is typed twice."""
    words = _option(args, prefix or "new", "words")
    if words is not None:
        return _new_words(words, console)
    key = _named_key(args, console, prefix)
    if key is not None:
        return key
    passphrase = _ask(f"new passphrase of {asked_for or args.store}: ")
    key = _checked(passphrase)  # before it is typed again
    if _ask("the same again: ") != passphrase:
        raise CommandError("passphrases-differ", "the two passphrases differ", "try again")
    return key


def _named_key(args: argparse.Namespace, console: Console, prefix: str) -> Key | None:
    identity, file = _option(args, prefix, "identity"), _option(args, prefix, "key_file")
    descriptor: int | None = getattr(args, f"{prefix}_passphrase_fd" if prefix else "passphrase_fd")
    if identity is not None:
        return read_identity(identity, console)
    if file is not None:
        return _key_file(file, console)
    return None if descriptor is None else _checked(_line_from(descriptor))


def _option(args: argparse.Namespace, prefix: str, name: str) -> str | None:
    found: str | None = getattr(args, f"{prefix}_{name}" if prefix else name, None)
    return found


def _key_file(path: str, console: Console) -> bytes:
    data, exposed = read_secret_file(path, limit=_KEY_BYTES)
    if len(data) != _KEY_BYTES or not any(data):
        raise CommandError(
            "not-a-key-file",
            f"{path} is not a file of {_KEY_BYTES} random bytes",
            f"'head -c {_KEY_BYTES} /dev/urandom > FILE' makes one; a key file of siegel goes with -i",
        )
    if exposed:
        warn_exposed(path, console)
    return data


# --- passphrases -----------------------------------------------------------------------------------------------------


def _checked(text: str) -> Passphrase:
    with about("the passphrase", remedy="choose another one"):
        return Passphrase(text)


def _ask(prompt: str) -> str:
    if not _somebody_is_there():
        raise UsageError("there is no terminal to ask for a passphrase", _NO_KEY)
    try:
        return getpass(prompt)
    except (EOFError, UnicodeDecodeError):
        raise UsageError("there is no passphrase", _NO_KEY) from None


def _somebody_is_there() -> bool:
    """Whether a terminal can be asked: otherwise ``getpass`` would read standard input, which may be the payload."""
    if not any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _line_from(descriptor: int) -> str:
    """One line, and not a byte more: a second passphrase may stand behind it."""
    line = bytearray()
    try:
        if os.isatty(descriptor):
            raise UsageError("this descriptor is a terminal, which shows what is typed", "leave --passphrase-fd out")
        while (byte := os.read(descriptor, 1)) not in {b"", b"\n"} and len(line) <= 4 * MAX_PASSPHRASE_BYTES:
            line += byte
    except OSError as error:
        raise os_failure(f"read a passphrase from descriptor {descriptor}", error) from None
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise CommandError("invalid-argument", "the passphrase is not UTF-8", "write it as UTF-8") from None


# --- recovery words --------------------------------------------------------------------------------------------------


def _words(name: str, console: Console) -> RecoveryWords:
    exposed = False
    if name != "-":
        data, exposed = read_secret_file(name, limit=_WORDS_LIMIT)
    elif sys.stdin is not None and sys.stdin.isatty():
        data = _ask("24 words, on one line (not shown): ").encode()
    else:
        data = read_input(None, limit=_WORDS_LIMIT, console=console)
    with about(input_name(name), remedy="check the words and their order"):
        words = RecoveryWords(" ".join(content_lines(data)))
    if exposed:
        warn_exposed(name, console)
    return words


def _new_words(name: str, console: Console) -> RecoveryWords:
    output = Output.named(name, overwrite=False)
    if output.on_stdout:
        raise UsageError("the words go into a file of their owner", "name a FILE")
    words = RecoveryWords.generate()
    spelled = words.words().split()
    lines = [" ".join(spelled[i : i + _WORDS_A_LINE]) for i in range(0, len(spelled), _WORDS_A_LINE)]
    # First the words, then what they open: there is never something that nobody can open.
    output.write_secret("\n".join([f"# recovery words of a store: {len(spelled)}", *lines, ""]).encode(), console)
    return words
