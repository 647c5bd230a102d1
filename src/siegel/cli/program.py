"""Knows the command as a whole: parse, do, and how an error leaves it.

Laws: no traceback for what siegel, the operating system or a person's Ctrl-C does; no secret among the arguments, where
every user of the machine can read it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from siegel.cli import inspection, keys, messages
from siegel.cli.arguments import build_parser
from siegel.cli.errors import FAILED, CommandError, UsageError, translated
from siegel.cli.files import os_failure
from siegel.cli.people import SECRET_PREFIX
from siegel.cli.terminal import Console
from siegel.errors import SiegelError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit status: 0 success, 1 refused or failed, 2 wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(as_json="--json" in words)
    try:
        return _run(words, console)
    except BrokenPipeError:
        _let_go_of_stdout()
        return FAILED
    except KeyboardInterrupt:
        failure = CommandError("interrupted", "interrupted", "")
        console.leave_line()
    except CommandError as error:
        failure = error
    except SiegelError as error:
        failure = translated(error)
    except OSError as error:
        failure = os_failure("go on", error)
        _let_go_of_stdout_if_full()
    console.fail(code=failure.code, message=str(failure), remedy=failure.remedy, details=failure.details)
    return failure.status


def _run(words: Sequence[str], console: Console) -> int:
    if any(SECRET_PREFIX in word.lower() for word in words):
        raise UsageError(
            "a secret stands on the command line, where other users of this machine can read it",
            "write it to a file of mode 0600 and name that file; if the machine is shared, make a new identity",
        )
    status = 0
    try:
        args = build_parser().parse_args(words)
    except SystemExit as done:  # --help and --version
        status = int(done.code or 0)
    else:
        DO[args.command](args, console)
    _flush_stdout()  # here, where a full disk or a closed pipe can still be told
    return status


def _flush_stdout() -> None:
    if sys.stdout is not None:  # None if the caller closed it
        sys.stdout.flush()


def _let_go_of_stdout_if_full() -> None:
    try:
        _flush_stdout()
    except OSError:
        _let_go_of_stdout()


def _let_go_of_stdout() -> None:
    """Nobody reads any more. Python would try to flush once again when it exits, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


# What these load would add a quarter to every start, and only they need it.


def _encrypt_file(args: argparse.Namespace, console: Console) -> None:
    from siegel.cli.attachments import encrypt_to_file  # noqa: PLC0415  # as said above

    encrypt_to_file(args, console)


def _decrypt_file(args: argparse.Namespace, console: Console) -> None:
    from siegel.cli.attachments import decrypt_to_file  # noqa: PLC0415  # as said above

    decrypt_to_file(args, console)


def _store(args: argparse.Namespace, console: Console) -> None:
    from siegel.cli.store_commands import store  # noqa: PLC0415  # as said above

    store(args, console)


def _demo(args: argparse.Namespace, console: Console) -> None:
    from siegel.cli.demo import demo  # noqa: PLC0415  # as said above

    demo(args, console)


def _doctor(args: argparse.Namespace, console: Console) -> None:
    from siegel.cli.doctor import doctor  # noqa: PLC0415  # as said above

    doctor(args, console)


DO = {
    "keygen": keys.keygen,
    "public": keys.public,
    "words": keys.words,
    "seal": messages.seal_message,
    "open": messages.open_message,
    "encrypt-file": _encrypt_file,
    "decrypt-file": _decrypt_file,
    "store": _store,
    "inspect": inspection.inspect,
    "audit": inspection.audit,
    "safety-number": keys.compare_safety_number,
    "demo": _demo,
    "doctor": _doctor,
}
