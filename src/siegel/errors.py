"""The error tree, sorted by what the caller can do (spec: ``docs/spec/index.md``).

Laws: an error is distinct before a secret has been used and identical after; no message holds secret bytes; every
class has a stable ``code`` (kebab case, used in vectors and logs) and a one-line ``remedy``.
"""

from __future__ import annotations

from typing import ClassVar


class SiegelError(Exception):
    """Root of everything that siegel raises on purpose."""

    code: ClassVar[str] = "siegel-error"
    remedy: ClassVar[str] = "See the error's own class."


# --- the peer, or the wire -------------------------------------------------------------------------------------------


class PeerError(SiegelError):
    """The bytes are at fault: drop them, count, go on. Our state is exactly what it was."""

    code = "peer-error"
    remedy = "Drop the bytes and go on; nothing has changed."


class MalformedError(PeerError):
    """The bytes do not have the one allowed shape. No secret has been touched.

    ``where`` names the place: a field of the format, or ``byte N`` of the input.
    """

    code = "malformed"
    remedy = "Drop the bytes; they are damaged, or were never made by this protocol."

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


class UnsupportedVersion(PeerError):
    """A known kind of object in a protocol version that this library does not speak."""

    code = "unsupported-version"
    remedy = "Update the library that is older; there is no negotiation."

    def __init__(self, where: str, version: int) -> None:
        super().__init__(f"{where}: protocol version {version}, this library speaks version 1")
        self.version = version


class LimitExceeded(PeerError):
    """The input is larger than the protocol allows. Refused before any work was done on it."""

    code = "limit-exceeded"
    remedy = "Drop the bytes; large payloads travel as encrypted streams."

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


class InvalidMessage(PeerError):
    """Not authentic. One sentence and no cause, whatever failed after a secret was used (attack SM-11)."""

    code = "invalid-message"
    remedy = "Drop the bytes; ask the sender to send again if the message was expected."

    def __init__(self) -> None:
        super().__init__("the message is not authentic")


class Replay(PeerError):
    """Authentic, and seen before."""

    code = "replay"
    remedy = "Drop it; the message was delivered already."


class Expired(PeerError):
    """Authentic or addressed to us, and too late: a record past its end, a key that was deleted on schedule."""

    code = "expired"
    remedy = "Ask for a fresh record, or ask the sender to seal again to the newest one."


class Superseded(PeerError):
    """A validly signed record that is older than the one already held."""

    code = "superseded"
    remedy = "Keep the newer record; somebody served an old one."


class NotPermitted(PeerError):
    """Authentic, and not allowed here."""

    code = "not-permitted"
    remedy = "Drop it; whoever made it had no right to."


class NotARecipient(PeerError):
    """The envelope names other users, not this one."""

    code = "not-a-recipient"
    remedy = "Open it with the identity it was sealed for; inspect_envelope lists for whom it is labelled."

    def __init__(self) -> None:
        super().__init__("no entry of this envelope is for this identity")


class MissingSenderKey(PeerError):
    """A group message of ``chain_id`` (16 bytes), or of a part of it, whose keys have not arrived. Nothing is lost."""

    code = "missing-sender-key"
    remedy = "Ask the sender for the chain's announcement, then give the message again."

    def __init__(self, chain_id: bytes) -> None:
        super().__init__(f"the chain {chain_id.hex()} was not announced to us, or from a later message on")
        self.chain_id = chain_id


class MissingEpochKey(PeerError):
    """A broadcast of a group under an epoch key that has not arrived, or was deleted. Nothing is lost."""

    code = "missing-epoch-key"
    remedy = "Ask a member for the group's epoch key, then give the broadcast again."


class StaleRoster(PeerError):
    """It refers to an operation of the group that has not arrived: ``head`` (32 bytes). Nothing is lost."""

    code = "stale-roster"
    remedy = "Ask the sender for the group's operations, then give it again."

    def __init__(self, head: bytes) -> None:
        super().__init__(f"the group's operation {head.hex()[:16]} has not arrived")
        self.head = head


# --- a person must decide --------------------------------------------------------------------------------------------


class TrustError(SiegelError):
    """The cryptography is fine; whether to trust it is for a person to decide."""

    code = "trust-error"
    remedy = "Ask a person; compare safety numbers over another channel."


class UnknownSender(TrustError):
    """The message is authentic, and its sender is nobody the caller knows; or it has no sender.

    ``sender`` holds the 32 bytes of the authenticated user id, or None for an unsigned message.
    """

    code = "unknown-sender"
    remedy = "Add the sender to the contacts after checking who it is, then open again."

    def __init__(self, sender: bytes | None) -> None:
        super().__init__("the sender is not in the contacts" if sender else "the message is unsigned and has no sender")
        self.sender = sender


class IdentityChanged(TrustError):
    """Somebody presents another key, or another record, for a user who is already pinned."""

    code = "identity-changed"
    remedy = "Do not send; compare safety numbers, then accept the new record or keep the old one."


class Fork(TrustError):
    """Two signed histories of one author. ``evidence`` holds the signed bytes of both, and convinces third parties."""

    code = "fork"
    remedy = "Keep the evidence and talk to its author; a stolen key or a cloned device made it."

    def __init__(self, what: str, evidence: tuple[bytes, ...]) -> None:
        super().__init__(what)
        self.evidence = evidence


# --- the caller ------------------------------------------------------------------------------------------------------


class StateError(SiegelError):
    """The call comes at the wrong moment for this object."""

    code = "state-error"
    remedy = "Read the method's docstring: the call is not possible in this state."


class InvalidArgument(StateError, ValueError):
    """The caller's own argument cannot be used."""

    code = "invalid-argument"
    remedy = "Correct the argument that the message names."


class Conflict(StateError):
    """Somebody else wrote the record since it was read, or it is there, or is not there, against what was expected."""

    code = "conflict"
    remedy = "Read the record again and decide with what stands there now."


class ScopeHeld(StateError):
    """Somebody laid a legal hold on the scope: it is neither erased nor swept before the hold is released."""

    code = "scope-held"
    remedy = "Ask who laid the hold; release it when it has ended, then erase."


class SerializationFailure(StateError):
    """Another writer was first, and the database gave the transaction up. Nothing of it is written.

    ``retryable`` is False inside the application's own transaction: only the application can run that one again.
    """

    code = "serialization-failure"
    remedy = "Run the whole transaction again, with what it reads."

    def __init__(self, *, retryable: bool) -> None:
        whose = "transaction" if retryable else "application's transaction"
        super().__init__(f"another writer was first; the {whose} has to be run again")
        self.retryable = retryable


# --- data at rest ----------------------------------------------------------------------------------------------------


class StoreError(SiegelError):
    """The encrypted store."""

    code = "store-error"
    remedy = "See the error's own class."


class StoreLocked(StoreError):
    """Another process or connection writes to the store, and did not end in time. Nothing is written."""

    code = "store-locked"
    remedy = "Try again when the other writer is done; end transactions soon."


class WrongKey(StoreError):
    """This passphrase, identity, key or list of words does not open the store. No more is known, or said."""

    code = "wrong-key"
    remedy = "Try the right key; nothing is lost, and nothing was changed."

    def __init__(self) -> None:
        super().__init__("this key does not open the store")


class KeyUnavailable(StoreError):
    """A key that would be needed cannot be had now: its provider failed, or it was destroyed when data was erased."""

    code = "key-unavailable"
    remedy = "If a key provider failed, try again later; what was erased does not come back."


class NewerFormat(StoreError):
    """The store was written by a newer version of the library, in a format that this one does not read."""

    code = "newer-format"
    remedy = "Update the library; the store is untouched."

    def __init__(self, where: str, version: int) -> None:
        super().__init__(f"{where}: format {version}, this library reads format 1")
        self.version = version


class CorruptHeader(StoreError):
    """The store's slots, header or keys are not what this library wrote under this key: damaged, changed, or moved."""

    code = "corrupt-header"
    remedy = "Restore the store from a backup; the store itself is left as it is."


class CorruptRecord(StoreError):
    """A record is not what this library wrote at this place: damaged, changed, or moved. The others stay readable."""

    code = "corrupt-record"
    remedy = "Restore the record from a backup, or delete it; the other records stay readable."


class RollbackDetected(StoreError):
    """The store, or a record of it, is older than what was written: an older copy was put back."""

    code = "rollback-detected"
    remedy = "Ask who restored the store; acknowledge the restore if it was meant, and begin new chains."
