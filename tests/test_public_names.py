"""The interface that applications rely on: each name and each signature, and nothing beside them."""

from __future__ import annotations

import inspect
from enum import Enum
from io import RawIOBase

import siegel
from siegel.errors import SiegelError

MAX_NAMES = 60

FUNCTIONS = {
    "audit_recipients": "(envelope, *, allowed)",
    "decrypt_file": "(source, target, ref, *, progress=None)",
    "decrypt_file_async": "(source, target, ref, *, progress=None)",
    "encrypt_file": "(source, target, *, role='main', media_type=None, name=None, thumbnail=None, progress=None)",
    "encrypt_file_async": "(source, target, *, role='main', media_type=None, name=None, thumbnail=None, progress=None)",
    "inspect_envelope": "(envelope)",
    "letters": "(envelope)",
    "open_many": "(envelopes, *, identity, contacts, allow_anonymous=False)",
    "open_sealed": "(envelope, *, identity, contacts, allow_anonymous=False)",
    "parts": "(staging, size=8388608, *, start=0)",
    "restore_backup": "(source, store, *, owner, passphrase=None, progress=None)",
    "safety_number": "(ours, theirs)",
    "safety_qr": "(ours, theirs)",
    "seal": "(body, *, sender, recipients, content_type='application/octet-stream', private=False, at=None, "
    "workers=None)",
    "verify_backup": "(source, *, owner, passphrase=None, progress=None)",
    "write_backup": "(store, target, *, identity, passphrase=None, cost=None, at=None, progress=None)",
}
METHODS = {
    "Anchor": {
        "advance": "(self, sequence, digest)",
        "get": "(self)",
    },
    "AttachmentReader": {
        "__init__": "(self, source, ref)",
        "aread": "(self, size=-1)",
        "close": "(self)",
        "read": "(self, size=-1, /)",
        "readable": "(self)",
        "readall": "(self)",
        "readinto": "(self, buffer, /)",
        "seek": "(self, offset, whence=0, /)",
        "seekable": "(self)",
    },
    "AttachmentRef": {
        "create": "(*, role, key, size, digest, media_type=None, name=None, thumbnail=None)",
        "decode": "(data)",
        "encode": "(self)",
    },
    "AsyncStore": {
        "close": "(self)",
        "collection": "(self, name, *, scope=None, index=(), strict=False, life=None)",
        "create": "(database, *, key, anchor=None, cost=None)",
        "open": "(database, *, key, anchor=None, read_only=False)",
        "read": "(self, question)",
        "run": "(self, task)",
        "write": "(self, change)",
    },
    "CallbackAnchor": {
        "advance": "(self, sequence, digest)",
        "get": "(self)",
    },
    "Collection": {
        "delete": "(self, key, *, expected=None)",
        "find": "(self, *, at=None, **index)",
        "get": "(self, key, *, at=None)",
        "get_many": "(self, keys, *, at=None)",
        "put": "(self, key, value, *, index=None, expires=None, expected=None, at=None)",
        "put_many": "(self, items, *, at=None)",
        "scan": "(self, *, at=None)",
    },
    "Contacts": {
        "__init__": "(self, ours=None)",
        "accept": "(self, public, *, name=None)",
        "add": "(self, public, *, name=None)",
        "decode": "(data)",
        "encode": "(self)",
        "get": "(self, who)",
        "require": "(self, sender)",
        "state": "(self, user_id)",
        "succeed": "(self, succession)",
        "verify": "(self, user_id, number)",
    },
    "FileAnchor": {
        "__init__": "(self, path)",
        "advance": "(self, sequence, digest)",
        "get": "(self)",
    },
    "Group": {
        "add": "(self, members, *, role=<Role.MEMBER: 1>, at=None)",
        "adopt": "(self, *operations, at=None)",
        "announce": "(self, *, to, at=None)",
        "close": "(self, *, at=None)",
        "create": "(identity, *, members, name, policy=GroupPolicy(posting=<Who.MEMBERS: 0>, adding=<Who.ADMINS: 1>, "
        "rotate_messages=10000, rotate_age=604800000, sealing=<Sealing.ANY: 0>), storage=None, at=None)",
        "dismiss": "(self, *operations, at=None)",
        "encrypt": "(self, body, *, content_type='application/octet-stream', at=None)",
        "export": "(self)",
        "forget": "(self)",
        "gaps": "(self)",
        "join": "(invitation, *, identity, contacts, storage=None, at=None)",
        "leave": "(self, *, at=None)",
        "load": "(group_id, *, identity, contacts, storage)",
        "operations": "(self, since=None)",
        "pending": "(self)",
        "publish": "(self, *, at=None)",
        "receive": "(self, data, *, at=None)",
        "receive_many": "(self, items, *, at=None)",
        "refresh": "(self, *, at=None)",
        "refresh_due": "(self, *, at=None)",
        "remove": "(self, user_ids, *, at=None)",
        "rename": "(self, name, *, at=None)",
        "request": "(self, *, to=None, at=None)",
        "restore": "(exported, *, identity, contacts, storage=None)",
        "rotate": "(self, *, at=None)",
        "set_policy": "(self, policy, *, at=None)",
        "set_role": "(self, user_id, role, *, at=None)",
    },
    "Identity": {
        "from_secret": "(secret)",
        "from_words": "(words)",
        "generate": "()",
        "parse": "(text)",
        "public": "(self, *, at=None)",
        "reveal": "(self)",
        "words": "(self)",
    },
    "KeyProvider": {
        "unwrap": "(self, blob)",
        "wrap": "(self, secret)",
    },
    "MemoryStorage": {
        "commit": "(self, changes, outgoing)",
        "load": "(self, prefix)",
    },
    "Passphrase": {
        "__init__": "(self, text)",
    },
    "Outbox": {
        "__init__": "(self, store)",
        "acknowledge": "(self, *numbers)",
        "add": "(self, to, *data)",
        "pending": "(self, *, after=0, limit=100)",
    },
    "PublicIdentity": {
        "decode": "(data, *, at=None)",
        "encode": "(self)",
    },
    "RecoveryWords": {
        "__init__": "(self, words)",
        "generate": "()",
        "words": "(self)",
    },
    "ReplayGuard": {
        "__init__": "(self, store, *, horizon=7776000000)",
        "take": "(self, message, *, at=None)",
    },
    "Roster": {
        "entitled": "(self, user, action)",
        "is_senior": "(self, user, other)",
        "may_post": "(self, user)",
        "role": "(self, user)",
        "seniority": "(self, user)",
        "seniors": "(self, user)",
    },
    "SealingKeys": {
        "__init__": "(self, identity, *, life=604800000, grace=2592000000)",
        "decode": "(data, *, identity)",
        "encode": "(self)",
        "expire": "(self, *, at=None)",
        "newest": "(self)",
        "public": "(self, *, replace_rotating=False, at=None)",
        "rotate": "(self, *, at=None)",
    },
    "Storage": {
        "commit": "(self, changes, outgoing)",
        "load": "(self, prefix)",
    },
    "Store": {
        "acknowledge_restore": "(self)",
        "add_slot": "(self, key, *, cost=None)",
        "close": "(self)",
        "collection": "(self, name, *, scope=None, index=(), strict=False, life=None)",
        "collections": "(self)",
        "create": "(database, *, key, anchor=None, cost=None)",
        "erase": "(self, scope, *, at=None)",
        "export": "(self, target, *, key, scope=None, cost=None, at=None)",
        "export_readable": "(self, target, *, scope=None)",
        "hold": "(self, scope, *, at=None)",
        "lock": "(self)",
        "open": "(database, *, key, anchor=None, read_only=False)",
        "release": "(self, scope)",
        "remove_slot": "(self, slot)",
        "restore": "(self, source, *, key)",
        "rotate": "(self)",
        "salvage": "(database, *, key)",
        "scopes": "(self)",
        "slots": "(self)",
        "sweep": "(self, *, at=None)",
        "transaction": "(self)",
        "verify": "(self)",
    },
    "StoreStorage": {
        "__init__": "(self, store)",
        "changed": "(self)",
        "commit": "(self, changes, outgoing)",
        "groups": "(self)",
        "handle": "(self)",
        "load": "(self, prefix)",
    },
    "StoredContacts": {
        "__init__": "(self, store, *, ours=None)",
        "reload": "(self)",
        "save": "(self)",
    },
    "StoredSealingKeys": {
        "__init__": "(self, store, *, identity, life=604800000, grace=2592000000)",
        "reload": "(self)",
        "save": "(self)",
    },
    "StreamDecryptor": {
        "__init__": "(self, key, *, context)",
        "finalize": "(self)",
        "update": "(self, data)",
        "update_into": "(self, data, buffer)",
    },
    "StreamEncryptor": {
        "__init__": "(self, key, *, context)",
        "finalize": "(self)",
        "update": "(self, data)",
        "update_into": "(self, data, buffer)",
    },
    "Succession": {
        "create": "(*, old, new, at=None)",
        "decode": "(data)",
        "encode": "(self)",
    },
    "UserId": {
        "parse": "(text)",
    },
}
ATTRIBUTES = {
    "AttachmentRef": {
        "ciphertext_size",
        "context",
        "digest",
        "key",
        "media_type",
        "name",
        "padded_size",
        "role",
        "size",
        "thumbnail",
    },
    "CallbackAnchor": {"read", "write"},
    "Collection": {"name", "scope"},
    "ContactState": {"PINNED", "VERIFIED", "VIOLATED"},
    "Contacts": {"ours"},
    "EnvelopeInfo": {"body_bytes", "letter", "message_id", "private", "recipient_count", "recipients"},
    "ErasureReport": {
        *("at", "damaged", "epoch", "keys", "limits", "lost", "records", "scope_id", "sequence", "steps", "store_id"),
        "undone",
    },
    "Gap": {"chain_id", "first", "last", "sender"},
    "Group": {"active", "group_id", "roster", "user_id"},
    "GroupPolicy": {"adding", "posting", "rotate_age", "rotate_messages", "sealing"},
    "Identity": {"user_id"},
    "OpenedMessage": {
        "body",
        "content_type",
        "late",
        "message_id",
        "private",
        "recipient_count",
        "recipients",
        "sender",
        "sent_at",
    },
    "Outgoing": {"control", "message", "skipped"},
    "PublicIdentity": {"issued_at", "not_after", "sealing_key", "sealing_number", "user_id"},
    "Record": {"expires", "fields", "key", "restored", "revision", "value"},
    "Role": {"ADMIN", "ARCHIVIST", "MEMBER", "READER"},
    "Roster": {
        "admins",
        "change",
        "closed",
        "decided",
        "epoch",
        "first_admin",
        "founder",
        "group_id",
        "head",
        "height",
        "holders",
        "key_kind",
        "key_origin",
        "members",
        "name",
        "policy",
        "roles",
    },
    "Sealing": {"ANY", "FORWARD_SECRET"},
    "SealingKeys": {"identity", "numbers", "user_id"},
    "Store": {"read_only", "restores", "sequence", "store_id"},
    "StoreStorage": {"outbox"},
    "StoredContacts": {"contacts"},
    "StoredSealingKeys": {"keys"},
    "Succession": {"at", "new", "old"},
    "UserId": {"data"},
    "Who": {"ADMINS", "MEMBERS"},
}
ERRORS = {"PeerError", "SiegelError", "StateError", "StoreError", "TrustError"}


def signature(function: object) -> str:
    """Parameters and defaults without annotations, and without the class of a class method."""
    assert callable(function)
    found = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def members(kind: type) -> set[str]:
    """What a class offers beyond the tuple, the enumeration or the file that it may be, or in its own way."""
    inherited = {*dir(tuple), *dir(Enum), *dir(RawIOBase)} - vars(kind).keys()
    return {name for name in dir(kind) if not name.startswith("_")} - inherited


def test_every_name_and_no_other() -> None:
    assert set(siegel.__all__) == FUNCTIONS.keys() | METHODS.keys() | ATTRIBUTES.keys() | ERRORS
    assert len(siegel.__all__) == len(set(siegel.__all__)) <= MAX_NAMES
    assert list(siegel.__all__) == sorted(siegel.__all__)


def test_functions() -> None:
    assert {name: signature(getattr(siegel, name)) for name in FUNCTIONS} == FUNCTIONS


def test_methods() -> None:
    for name, methods in METHODS.items():
        kind = getattr(siegel, name)
        assert {method: signature(getattr(kind, method)) for method in methods} == methods


def test_members() -> None:
    for name in METHODS.keys() | ATTRIBUTES.keys():
        expected = ATTRIBUTES.get(name, set()) | {m for m in METHODS.get(name, {}) if m != "__init__"}
        assert members(getattr(siegel, name)) == expected, name


def test_the_roots_of_the_errors_and_no_leaf() -> None:
    for name in ERRORS:
        kind = getattr(siegel, name)
        assert kind is SiegelError or kind.__bases__ == (SiegelError,)


def test_everything_says_what_it_is() -> None:
    for name in siegel.__all__:
        assert inspect.getdoc(getattr(siegel, name)), name
    for name, methods in METHODS.items():
        for method in methods:
            assert method == "__init__" or inspect.getdoc(getattr(getattr(siegel, name), method)), (name, method)
