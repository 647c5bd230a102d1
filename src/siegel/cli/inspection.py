"""Knows the commands that need no key: inspect and audit."""

from __future__ import annotations

import argparse

from siegel._core.instants import LATEST
from siegel.cli.errors import CommandError, about
from siegel.cli.files import input_name, read_input
from siegel.cli.messages import SEALED_LIMIT
from siegel.cli.people import read_contacts
from siegel.cli.terminal import Console, Json, moment, people, size, table
from siegel.errors import NotPermitted
from siegel.identity import BASE_SEALING_NUMBER, UserId
from siegel.inspection import EnvelopeInfo, audit_recipients, inspect_envelope


def inspect(args: argparse.Namespace, console: Console) -> None:
    """Prints for whom an envelope or letter is labelled."""
    names = read_contacts(args.contacts, console)
    sealed = read_input(args.file, limit=SEALED_LIMIT, console=console)
    with about(input_name(args.file), "a sealed message"):
        info = inspect_envelope(sealed)
    console.result(_facts(info, names), _lines(info, names))


def _facts(info: EnvelopeInfo, names: dict[UserId, str | None]) -> dict[str, Json]:
    return {
        "letter": info.letter,
        "private": info.private,
        "recipient_count": info.recipient_count,
        "recipients": [
            {"user_id": str(user_id), "sealing_number": number, "name": names.get(user_id)}
            for user_id, number in info.recipients
        ],
        "body_bytes": info.body_bytes,
        "message_id": info.message_id.hex(),
    }


def _lines(info: EnvelopeInfo, names: dict[UserId, str | None]) -> list[str]:
    if info.letter:
        kind = f"letter to one of {people(info.recipient_count)}"
    else:
        kind = f"envelope to {people(info.recipient_count)}"
    if info.private:
        kind += ", private"
    rows = [("", "user id", "sealing key", "name" if names else "")]
    rows += [
        (f"{place}", str(user_id), _sealing_key(number), names.get(user_id) or ("-" if names else ""))
        for place, (user_id, number) in enumerate(info.recipients, start=1)
    ]
    return [
        f"{kind}; content of {size(info.body_bytes)}, encrypted and padded",
        f"message id {info.message_id.hex()}",
        "",
        *table(rows),
    ]


def _sealing_key(number: int) -> str:
    if number == BASE_SEALING_NUMBER:
        return "0, recoverable"
    # Anybody can write a number into a label that is no instant at all.
    return f"rotating, of {moment(number)}" if number <= LATEST else f"{number}"


def audit(args: argparse.Namespace, console: Console) -> None:
    """Succeeds if every label of an envelope is allowed, and names those that are not."""
    allowed = read_contacts(args.allow, console)
    sealed = read_input(args.file, limit=SEALED_LIMIT, console=console)
    name = input_name(args.file)
    with about(name, "a sealed message"):
        info = inspect_envelope(sealed)
        if info.letter:
            raise CommandError("malformed", f"{name} is a letter, which shows one label of all", "audit the envelope")
        try:
            audit_recipients(sealed, allowed=list(allowed))
        except NotPermitted as error:
            outside = [str(user_id) for user_id, _ in info.recipients if user_id not in allowed]
            remedy = "hold it back and ask its sender"
            raise CommandError(error.code, f"{name}: {error}", remedy, {"outside": outside}) from None
    console.result(
        {"allowed": True, "recipients": [str(user_id) for user_id, _ in info.recipients]},
        [f"{people(info.recipient_count)}, all allowed"],
    )
