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
    from siegel.groups.actions import GroupPolicy, Role, Sealing, Who
    from siegel.groups.group import Gap, Group
    from siegel.groups.roster import Roster
    from siegel.groups.storage import MemoryStorage, Outgoing, Storage

__version__ = "0.1.0"

__all__ = [
    "ContactState",
    "Contacts",
    "EnvelopeInfo",
    "Gap",
    "Group",
    "GroupPolicy",
    "Identity",
    "MemoryStorage",
    "OpenedMessage",
    "Outgoing",
    "PeerError",
    "PublicIdentity",
    "Role",
    "Roster",
    "Sealing",
    "SealingKeys",
    "SiegelError",
    "StateError",
    "Storage",
    "StoreError",
    "Succession",
    "TrustError",
    "UserId",
    "Who",
    "audit_recipients",
    "inspect_envelope",
    "letters",
    "open_many",
    "open_sealed",
    "safety_number",
    "safety_qr",
    "seal",
]

_OF_GROUPS: Final = frozenset(
    {"Gap", "Group", "GroupPolicy", "MemoryStorage", "Outgoing", "Role", "Roster", "Sealing", "Storage", "Who"}
)


def __getattr__(name: str) -> object:
    """The names of groups, loaded when one is first used: a program without groups starts in two thirds of the time."""
    if name not in _OF_GROUPS:
        raise AttributeError(f"module 'siegel' has no attribute {name!r}")
    from siegel.groups import actions, group, roster, storage  # noqa: PLC0415  # the purpose of this function

    for room in (actions, group, roster, storage):
        globals().update({found: vars(room)[found] for found in _OF_GROUPS & vars(room).keys()})
    return globals()[name]
