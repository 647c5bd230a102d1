"""siegel: end-to-end encryption for business messengers. One secret per user, no third key."""

from typing import TYPE_CHECKING, Final

from siegel.contacts import Contacts, ContactState
from siegel.envelope import letters
from siegel.errors import PeerError, SiegelError, StateError, StoreError, TrustError
from siegel.identity import Identity, PublicIdentity, UserId
from siegel.inspection import EnvelopeInfo, audit_recipients, inspect_envelope
from siegel.safety import safety_number, safety_qr
from siegel.sealed import OpenedMessage, open_many, open_sealed, seal
from siegel.sealing_keys import SealingKeys
from siegel.succession import Succession

if TYPE_CHECKING:
    from siegel.attachment_files import decrypt_file, decrypt_file_async, encrypt_file, encrypt_file_async, parts
    from siegel.attachment_reader import AttachmentReader
    from siegel.attachments import AttachmentRef
    from siegel.groups.actions import GroupPolicy, Role, Sealing, Who
    from siegel.groups.group import Gap, Group
    from siegel.groups.roster import Roster
    from siegel.groups.storage import MemoryStorage, Outgoing, Storage
    from siegel.store.anchor import Anchor, CallbackAnchor, FileAnchor
    from siegel.store.async_store import AsyncStore
    from siegel.store.backup import restore_backup, verify_backup, write_backup
    from siegel.store.collection import Collection
    from siegel.store.erasure import ErasureReport
    from siegel.store.group_storage import StoreStorage
    from siegel.store.kept import StoredContacts, StoredSealingKeys
    from siegel.store.keys import KeyProvider, Passphrase, RecoveryWords
    from siegel.store.outbox import Outbox
    from siegel.store.records import Record
    from siegel.store.replay import ReplayGuard
    from siegel.store.store import Store
    from siegel.streams import StreamDecryptor, StreamEncryptor

__version__ = "0.1.0"

__all__ = [
    "Anchor",
    "AsyncStore",
    "AttachmentReader",
    "AttachmentRef",
    "CallbackAnchor",
    "Collection",
    "ContactState",
    "Contacts",
    "EnvelopeInfo",
    "ErasureReport",
    "FileAnchor",
    "Gap",
    "Group",
    "GroupPolicy",
    "Identity",
    "KeyProvider",
    "MemoryStorage",
    "OpenedMessage",
    "Outbox",
    "Outgoing",
    "Passphrase",
    "PeerError",
    "PublicIdentity",
    "Record",
    "RecoveryWords",
    "ReplayGuard",
    "Role",
    "Roster",
    "Sealing",
    "SealingKeys",
    "SiegelError",
    "StateError",
    "Storage",
    "Store",
    "StoreError",
    "StoreStorage",
    "StoredContacts",
    "StoredSealingKeys",
    "StreamDecryptor",
    "StreamEncryptor",
    "Succession",
    "TrustError",
    "UserId",
    "Who",
    "audit_recipients",
    "decrypt_file",
    "decrypt_file_async",
    "encrypt_file",
    "encrypt_file_async",
    "inspect_envelope",
    "letters",
    "open_many",
    "open_sealed",
    "parts",
    "restore_backup",
    "safety_number",
    "safety_qr",
    "seal",
    "verify_backup",
    "write_backup",
]

_OF_GROUPS: Final = frozenset(
    {"Gap", "Group", "GroupPolicy", "MemoryStorage", "Outgoing", "Role", "Roster", "Sealing", "Storage", "Who"}
)
_OF_ATTACHMENTS: Final = frozenset(
    {"AttachmentReader", "AttachmentRef", "StreamDecryptor", "StreamEncryptor", "decrypt_file", "decrypt_file_async"}
    | {"encrypt_file", "encrypt_file_async", "parts"}
)
_OF_STORES: Final = frozenset(
    {"Anchor", "CallbackAnchor", "Collection", "FileAnchor", "KeyProvider", "Passphrase", "RecoveryWords", "Record"}
    | {"ErasureReport", "Store", "restore_backup", "verify_backup", "write_backup"}
)
_IN_STORES: Final = frozenset({"Outbox", "ReplayGuard", "StoreStorage", "StoredContacts", "StoredSealingKeys"})
_ASYNC: Final = frozenset({"AsyncStore"})


def __getattr__(name: str) -> object:
    """The names of groups, attachments and stores, loaded when one is first used: who uses none starts the sooner."""
    rooms: tuple[object, ...]
    if name in _OF_GROUPS:
        from siegel.groups import actions, group, roster, storage  # noqa: PLC0415  # the purpose of this function

        rooms = actions, group, roster, storage
    elif name in _OF_ATTACHMENTS:
        from siegel import attachment_files, attachment_reader, attachments, streams  # noqa: PLC0415  # as above

        rooms = attachment_files, attachment_reader, attachments, streams
    elif name in _OF_STORES:
        from siegel.store import anchor, backup, collection, erasure, keys, records, store  # noqa: PLC0415  # as above

        rooms = anchor, backup, collection, erasure, keys, records, store
    elif name in _IN_STORES:
        from siegel.store import group_storage, kept, outbox, replay  # noqa: PLC0415  # as above

        rooms = group_storage, kept, outbox, replay
    elif name in _ASYNC:
        from siegel.store import async_store  # noqa: PLC0415  # as above

        rooms = (async_store,)
    else:
        raise AttributeError(f"module 'siegel' has no attribute {name!r}")
    names = _OF_GROUPS | _OF_ATTACHMENTS | _OF_STORES | _IN_STORES | _ASYNC
    for room in rooms:
        globals().update({found: vars(room)[found] for found in names & vars(room).keys()})
    return globals()[name]
