"""Knows the words of the command line and their help, which is meant to be enough to live from."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final, NoReturn

from siegel import __version__
from siegel.cli.errors import UsageError
from siegel.cli.store_arguments import STORE, add_store_commands

ROLES: Final = ("main", "thumbnail", "preview")  # of attachments, whose room is not loaded for every command

_ABOUT: Final = """\
End-to-end encryption on files. One user, one secret, one seal.

  siegel keygen -o ada.key                        make an identity; the file is the secret
  siegel public -i ada.key -o ada.pub             what others need to seal to Ada
  siegel safety-number -i ada.key ben.pub         compare by phone: is ben.pub really Ben's?
  siegel seal -r ben.pub -i ada.key < note.txt > note.sealed
  siegel open -i ben.key -c ada.pub < note.sealed
"""

_MANNERS: Final = """\
Without -o a result goes to standard output, and without FILE the input comes from standard input. An existing file is
overwritten only with -f; a file appears whole or not at all. Errors and what is said about a result go to standard
error. Exit status: 0 success, 1 refused or failed, 2 wrong usage.
"""

_KEYGEN: Final = """\
Makes an identity and writes its key file: comments, and one line siegel-secret-1… . Whoever reads the file is the
user, so -o makes it readable by you alone (mode 0600). With --from-words the identity is restored from its 24 words,
which are read from a file, or from standard input: on a terminal without showing them.

  siegel keygen -o ada.key
  siegel keygen --from-words -o ada.key           asks for the words
  siegel keygen --from-words words.txt -o ada.key
"""

_PUBLIC: Final = """\
Writes the public identity of a key file: a signed record of about 1.4 kB, valid for 90 days. Give it to everybody, by
any way; whoever gets it should compare the safety number with you once. What is sealed to it opens with the key file
alone, also after years from its 24 words; it has no forward secrecy.

  siegel public -i ada.key -o ada.pub
"""

_WORDS: Final = """\
Writes the secret of a key file as 24 words (BIP 39, English), to be kept on paper: to the terminal, or with -o to a
file readable by you alone. They are never written to a pipe. 'siegel keygen --from-words' reads them back.

  siegel words -i ada.key
"""

_SEAL: Final = """\
Seals up to 16 MiB to 1 to 16,384 recipients, signed by you. Exactly the recipients can open it, and each learns from
the signature who wrote it. If you want to read it again yourself, be one of the recipients.

  siegel seal -r ben.pub -i ada.key < note.txt > note.sealed
  siegel seal notice.txt -r staff/*.pub -i ada.key -o notice.sealed
  siegel seal notice.txt -r staff/*.pub -i ada.key --private --letters outbox/

-r takes every word up to the next option: name FILE before it, or behind another option.
"""

_OPEN: Final = """\
Opens an envelope or a letter. The content comes out after all of it was verified, or not at all. The sender must be
among the contacts; that a public identity is really the person's is what 'siegel safety-number' is for.

  siegel open -i ben.key -c ada.pub note.sealed
  siegel open -i ben.key -c contacts/ -o notice.txt notice.letter
  siegel open -i ben.key -c siegel1… --json -o notice.txt notice.letter
"""

_ENCRYPT_FILE: Final = """\
Encrypts a file of any size, in constant memory, under a key that it draws. What comes out may lie on any server. The
key goes into the reference, a small file beside it (FILE.ref): readable by you alone, or with -r sealed to recipients,
as 'siegel seal' does it. Name, type and thumbnail are what you say; nothing is taken from SOURCE.

  siegel encrypt-file visit.jpg -o visit.enc
  siegel encrypt-file visit.jpg -o visit.enc -r ben.pub -i ada.key --name visit.jpg --type image/jpeg

Encrypting again makes another file, under another key: an upload that broke off goes on with the same one.
"""

_DECRYPT_FILE: Final = """\
Decrypts a file by its reference (SOURCE.ref). The file appears after all of it was verified, or not at all. With -i the
reference is sealed, and its sender must be among the contacts. The name in a reference is shown and never written to.

  siegel decrypt-file visit.enc -o visit.jpg
  siegel decrypt-file visit.enc -o visit.jpg -i ben.key -c ada.pub
  siegel decrypt-file film.enc --range 1000000-1999999 -o part.bin

With --range only what is needed is read. Each byte that comes out is authentic and at its place; of the rest of the
file nothing is known. Without -o it goes to standard output, piece by piece.
"""

_INSPECT: Final = """\
Shows without any key for whom an envelope or letter is labelled, and whether the labels are the audience under the
root in its header. That the sender signed this header is proved when a recipient opens it.

  siegel inspect notice.sealed
  siegel inspect -c staff/ notice.sealed          with the names of files in staff/
"""

_AUDIT: Final = """\
Succeeds if every label of an envelope is among the allowed, and otherwise names those that are not and exits with 1.
It needs no key. It takes whole envelopes, since a letter shows one label. It cannot know to whom a sender's program
gives the content by other ways.

  siegel audit --allow staff/ notice.sealed
  siegel audit --allow ben.pub --allow siegel1… < notice.sealed
"""

_SAFETY: Final = """\
Prints the safety number of two users: 60 digits, the same on both sides. Compare it in person or by phone. With
--compare the number that the other side shows is read from standard input, and a difference is an error.

  siegel safety-number -i ada.key ben.pub
  siegel safety-number -i ada.key ben.pub --compare
"""

_DEMO: Final = """\
Runs the main job on real files in a temporary folder: a company of six, a notice to all, a private note, a server
that adds a reader, a flipped bit, an old key, a photo that is read in parts; then a group of the six, a channel, a
dismissal, an admin who back-dates, a message that is withheld. Every outcome is checked; one that is not as promised
makes it fail.
"""

_DOCTOR: Final = """\
Tests this installation: versions of the libraries, answers from published standards, refusals that they ask for, the
random generator, and a round trip. Exits with 1 if anything is wrong.
"""

COMMANDS: Final = {
    "keygen": ("make an identity, or restore one from its words", _KEYGEN),
    "public": ("write your public identity", _PUBLIC),
    "words": ("write your secret as 24 words for paper", _WORDS),
    "seal": ("seal to recipients", _SEAL),
    "open": ("open what was sealed to you", _OPEN),
    "encrypt-file": ("encrypt a file of any size", _ENCRYPT_FILE),
    "decrypt-file": ("decrypt such a file, or a part of it", _DECRYPT_FILE),
    "store": ("keep records in an encrypted store", STORE),
    "inspect": ("show who can open it; needs no key", _INSPECT),
    "audit": ("check who can open it; needs no key", _AUDIT),
    "safety-number": ("make sure that a public identity is a person's", _SAFETY),
    "demo": ("see it work", _DEMO),
    "doctor": ("test this installation", _DOCTOR),
}


class Parser(argparse.ArgumentParser):
    """Reports wrong usage as an error of one line, like every other."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError instead of printing and exiting."""
        raise UsageError(message, f"'{self.prog} --help' shows how")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``command`` is the name of the one chosen."""
    parser = Parser(
        prog="siegel",
        description=_ABOUT,
        epilog=_MANNERS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"siegel {__version__}", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    made: dict[str, argparse.ArgumentParser] = {}
    for name, (summary, text) in COMMANDS.items():
        made[name] = commands.add_parser(
            name,
            help=summary,
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    _secrets(made["keygen"], made["public"], made["words"])
    _seal(made["seal"])
    _open(made["open"])
    _encrypt_file(made["encrypt-file"])
    _decrypt_file(made["decrypt-file"])
    add_store_commands(made["store"])
    _without_a_key(made["inspect"], made["audit"])
    _safety_number(made["safety-number"])
    for command in made.values():
        command.add_argument("--json", action="store_true", help="for programs: one JSON object per line, errors too")
    return parser


def _identity(parser: argparse._ActionsContainer, *, required: bool = True) -> None:
    parser.add_argument("-i", "--identity", metavar="KEY", required=required, help="your key file")


def _output(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help=f"write {what} to FILE")
    _force(parser)


def _force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="overwrite what exists")


def _file(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help=f"{what} (default: standard input)")


def _contacts(parser: argparse.ArgumentParser, purpose: str) -> None:
    parser.add_argument(
        "-c",
        "--contacts",
        metavar="WHO",
        action="append",
        default=[],
        help=f"{purpose}: a public identity, a folder of them, or a user id siegel1…; repeatable",
    )


def _secrets(keygen: argparse.ArgumentParser, public: argparse.ArgumentParser, words: argparse.ArgumentParser) -> None:
    _output(keygen, "the key file")
    keygen.add_argument(
        "--from-words", metavar="FILE", nargs="?", const="-", help="restore from the 24 words in FILE, or asked for"
    )
    _identity(public)
    _output(public, "the public identity")
    _identity(words)
    _output(words, "the words")


def _recipients(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """To whom, and who signs."""
    parser.add_argument(
        "-r",
        "--recipients",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=None if required else [],
        required=required,
        help="public identities to seal to; repeatable",
    )
    author = parser.add_mutually_exclusive_group(required=required)
    _identity(author, required=False)
    author.add_argument(
        "--anonymous",
        action="store_true",
        help="do not sign: nobody can know who wrote it, and a recipient could rebuild it for others",
    )


def _seal(parser: argparse.ArgumentParser) -> None:
    _recipients(parser)
    parser.add_argument("--private", action="store_true", help="hide the recipients from each other; with --letters")
    parser.add_argument(
        "--letters", metavar="DIR", type=Path, help="write one letter per recipient into DIR, named after its file"
    )
    parser.add_argument(
        "--content-type",
        metavar="TYPE",
        default="application/octet-stream",
        help="what the content is, for the recipients' programs (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", metavar="N", type=_workers, help="seal in N processes; pays from about 1,000 recipients on"
    )
    _output(parser, "the envelope")
    _file(parser, "what to seal")


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError("a number of processes, 1 to 1024")
    return int(text)


def _open(parser: argparse.ArgumentParser) -> None:
    _identity(parser)
    _contacts(parser, "whom you know")
    parser.add_argument("--anonymous", action="store_true", help="open it also if nobody signed it")
    _output(parser, "the content")
    _file(parser, "the envelope or letter")


def _encrypt_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="SOURCE", help="the file to encrypt")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="write the encrypted file to FILE")
    parser.add_argument(
        "--reference", metavar="FILE", help="write the reference to FILE (default: that of -o, and .ref)"
    )
    _recipients(parser, required=False)
    parser.add_argument("--name", help="how the file is called, for the recipient to see")
    parser.add_argument("--type", metavar="TYPE", help="its media type, such as image/jpeg")
    parser.add_argument("--thumbnail", metavar="FILE", help="a picture of up to 8 KiB to put into the reference")
    parser.add_argument(
        "--role", choices=ROLES, default=ROLES[0], help="what it is in its message (default: %(default)s)"
    )
    _force(parser)


def _decrypt_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="SOURCE", help="the encrypted file")
    parser.add_argument("--reference", metavar="FILE", help="its reference (default: SOURCE.ref)")
    _identity(parser, required=False)
    _contacts(parser, "whom you know")
    parser.add_argument("--anonymous", action="store_true", help="open the reference also if nobody signed it")
    parser.add_argument(
        "--range", metavar="FIRST-LAST", type=_range, help="only these bytes, counted from 0; FIRST- is up to the end"
    )
    _output(parser, "what was encrypted")


def _range(text: str) -> tuple[int, int | None]:
    found = re.fullmatch("([0-9]{1,18})-([0-9]{1,18})?", text)
    first, last = (None, None) if found is None else found.groups()
    if first is None or (last is not None and int(last) < int(first)):
        raise argparse.ArgumentTypeError("the first and the last byte, counted from 0, such as 0-499 or 500-")
    return int(first), None if last is None else int(last)


def _without_a_key(inspect: argparse.ArgumentParser, audit: argparse.ArgumentParser) -> None:
    _contacts(inspect, "show their names")
    _file(inspect, "the envelope or letter")
    audit.add_argument(
        "--allow",
        metavar="WHO",
        action="append",
        required=True,
        help="who may be a recipient: a public identity, a folder of them, or a user id siegel1…; repeatable",
    )
    _file(audit, "the envelope")


def _safety_number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-i", "--identity", metavar="WHO", required=True, help="you: key file, public identity, user id"
    )
    parser.add_argument("theirs", metavar="THEIRS", help="the other side: public identity or user id")
    parser.add_argument("--compare", action="store_true", help="compare with what the other side shows")
