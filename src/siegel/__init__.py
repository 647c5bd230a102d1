"""siegel: end-to-end encryption for business messengers. One secret per user, no third key."""

from siegel.contacts import Contacts, ContactState
from siegel.envelope import letters
from siegel.errors import PeerError, SiegelError, StateError, StoreError, TrustError
from siegel.identity import Identity, PublicIdentity, UserId
from siegel.inspection import EnvelopeInfo, audit_recipients, inspect_envelope
from siegel.safety import safety_number, safety_qr
from siegel.sealed import OpenedMessage, open_many, open_sealed, seal
from siegel.sealing_keys import SealingKeys
from siegel.succession import Succession

__version__ = "0.1.0"

__all__ = [
    "ContactState",
    "Contacts",
    "EnvelopeInfo",
    "Identity",
    "OpenedMessage",
    "PeerError",
    "PublicIdentity",
    "SealingKeys",
    "SiegelError",
    "StateError",
    "StoreError",
    "Succession",
    "TrustError",
    "UserId",
    "audit_recipients",
    "inspect_envelope",
    "letters",
    "open_many",
    "open_sealed",
    "safety_number",
    "safety_qr",
    "seal",
]
