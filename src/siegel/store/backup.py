"""Knows the backup of a store: one file, opened by a passphrase or by its owner's identity, and signed by the owner.

Rules: docs/rationale/erasure-and-backup.md, BAK-1 … BAK-9. Laws: nothing is restored from a file that does not verify
as a whole, down to the signature of the owner who was expected; what is restored says so; what a device sends with
never leaves it, so a store that was restored begins new chains. A passphrase opens a file, and nothing else depends on
it.
"""

from __future__ import annotations

from typing import NamedTuple

from siegel._core.instants import instant
from siegel.errors import InvalidArgument
from siegel.files import FileName
from siegel.identity import Identity, UserId
from siegel.store.carrying import arriving, kept, leaving, looked_through, take_over
from siegel.store.keys import Argon2Cost, Passphrase
from siegel.store.sealed_file import Progress, Purpose, SealedFile, write_file
from siegel.store.store import Store


class Backup(NamedTuple):
    """What a backup that was verified holds."""

    owner: UserId
    """Who signed it."""
    at: int
    """When it was made, as its owner's clock said."""
    records: int
    """How many records of the application are in it."""
    collections: tuple[str, ...]
    """The names of the application's collections, in order."""


def write_backup(
    store: Store,
    target: FileName,
    *,
    identity: Identity,
    passphrase: Passphrase | None = None,
    cost: Argon2Cost | None = None,
    at: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Writes a backup of the whole store. The file appears whole or not at all; one of that name is replaced.

    In it are the application's records, contacts, and of groups what received messages need. Left behind are the keys
    that this device sends with, epoch keys, rotating sealing secrets, and what waits to be sent. Its size, within 12 %,
    and its age are what others learn of it. Other writers of the store wait meanwhile.

    Args:
        store: Any store of this user.
        target: The name of the file.
        identity: Signs the backup, and opens it unless there is a passphrase: then 24 words and the file are enough.
        passphrase: Opens the backup in the identity's place. It can be another for each backup, and changes nothing
            about the identity; a backup that was made before opens with the passphrase that it was made with.
        cost: What a guess at the passphrase costs.
        at: The instant that it says it was made (None: now). Records that have expired by then are left out.
        progress: Called with the records done and the records in all.

    Raises:
        CorruptRecord: A record does not open; nothing is written, as a backup without it would look whole.
        StateError: A transaction is open, or the application's is: what it wrote may still be undone.
        InvalidArgument: The target is a database, a link, a folder or no regular file.
    """
    now, ledger = instant(at), store._ledger  # noqa: SLF001  # the rooms of one store share its ledger
    with kept(ledger):
        write_file(
            target,
            purpose=Purpose.BACKUP,
            key=identity if passphrase is None else passphrase,
            cost=cost,
            signer=identity,
            at=now,
            frames=leaving(ledger, only=None, at=now, progress=progress),
        )


def verify_backup(
    source: FileName,
    *,
    owner: Identity | UserId,
    passphrase: Passphrase | None = None,
    progress: Progress | None = None,
) -> Backup:
    """Reads a backup to its end, proves all of it, and says what is in it. Nothing is written anywhere.

    Args:
        source: The name of the file.
        owner: Whose backup it has to be. With a passphrase the user id is enough.
        passphrase: What it was made with, if it was.
        progress: Called with the bytes done and the bytes in all.

    Raises:
        MalformedError: It is no backup, or a passphrase costs less or more than is allowed. No key was touched.
        WrongKey: This identity or passphrase does not open it.
        InvalidMessage: It was damaged, cut off, put together from several, or is not signed by its owner.
        NotPermitted: It holds keys that must not be in a backup.
    """
    with _opened(source, owner, passphrase, progress) as file:
        return _verified(file, owner)


def restore_backup(
    source: FileName,
    store: Store,
    *,
    owner: Identity | UserId,
    passphrase: Passphrase | None = None,
    progress: Progress | None = None,
) -> Backup:
    """Takes a backup over into a store, in one transaction, after all of it was verified; what it held.

    On an empty machine make the store first: ``Store.create(path, key=identity)`` with an identity from 24 words.
    In a store that has records, a record is replaced if that of the backup has the higher revision, and one that was
    deleted since comes back; groups and contacts are taken over only where there are none. What is taken over says so
    (``Record.restored``), and ``Store.restores`` rises, so that groups begin new chains before they send.

    Arguments and errors as for ``verify_backup``; CorruptRecord if a record of the store does not open.
    """
    ledger = store._ledger  # noqa: SLF001  # the rooms of one store share its ledger
    with _opened(source, owner, passphrase, progress) as file:
        backup = _verified(file, owner)
        with ledger.transaction():
            ledger.note_restore()
            take_over(store.collection, arriving(file.frames()), at=backup.at)
        return backup


def _opened(
    source: FileName, owner: Identity | UserId, passphrase: Passphrase | None, progress: Progress | None
) -> SealedFile:
    key = owner if passphrase is None else passphrase
    if isinstance(key, UserId):
        raise InvalidArgument("a user id opens nothing: give the identity, or the passphrase")
    return SealedFile(source, purpose=Purpose.BACKUP, key=key, owner=_id_of(owner), progress=progress)


def _verified(file: SealedFile, owner: Identity | UserId) -> Backup:
    records, collections = looked_through(arriving(file.frames()))
    return Backup(_id_of(owner), file.opening.at, records, tuple(sorted(collections)))


def _id_of(owner: Identity | UserId) -> UserId:
    return owner.user_id if isinstance(owner, Identity) else owner
