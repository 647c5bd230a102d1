"""Every flag of the vectors: the kind of bug that a vector with it finds, and the properties P1 … P10 at stake."""

from __future__ import annotations

from typing import Any, Final


def _note(kind: str, description: str, properties: str) -> dict[str, Any]:
    return {"bugType": kind, "description": description, "properties": properties.split()}


NOTES: Final[dict[str, dict[str, Any]]] = {
    # --- honest objects
    "Normal": _note("BASIC", "An ordinary object, as the library writes it.", "P1 P2"),
    "Boundary": _note("EDGE_CASE", "A value at the very end of its range, which is still allowed.", "P10"),
    "KnownAnswer": _note("BASIC", "A derivation with all its intermediate values.", "P3 P10"),
    # --- encoding
    "NonShortest": _note("ENCODING", "A CBOR head that is longer than its argument needs.", "P10"),
    "Indefinite": _note("ENCODING", "An item of indefinite length.", "P10"),
    "ForbiddenType": _note("ENCODING", "A negative integer, float, tag, undefined or other simple value.", "P10"),
    "LyingLength": _note(
        "ENCODING", "A declared length of which less is there; nothing may be allocated for it.", "P10"
    ),
    "BadText": _note("ENCODING", "Text that is not UTF-8, or not in Unicode normal form C.", "P10"),
    "MapKey": _note("ENCODING", "A map key of another type or above 23, out of order, or given twice.", "P10"),
    "Depth": _note("ENCODING", "Containers that nest deeper than 8.", "P10"),
    "TrailingBytes": _note("ENCODING", "Bytes behind the end of the object.", "P10"),
    "Truncated": _note("ENCODING", "The object ends too early.", "P10"),
    "WrongShape": _note("ENCODING", "An item of the wrong type, length or count; a number outside its range.", "P10"),
    "WrongType": _note("ENCODING", "An object of another kind.", "P10"),
    "WrongVersion": _note("ENCODING", "Another protocol version; there is no negotiation.", "P10"),
    # --- padding
    "Padding": _note(
        "ENCODING", "Padding that is not the one form for its text: it could carry a second meaning.", "P10"
    ),
    # --- texts
    "Checksum": _note("ENCODING", "A checksum that does not match: a typing error.", "P10"),
    "WrongKind": _note("AUTH_BYPASS", "A text of another kind: a secret given as a user id, or the reverse.", "P2 P10"),
    "SpareBits": _note(
        "ENCODING", "A text whose unused last bits are not zero: a second text for the same bytes.", "P10"
    ),
    "CaseAndSpacing": _note("EDGE_CASE", "Case or spacing that is not significant.", "P10"),
    "TextForm": _note("ENCODING", "A text that is no bech32m string, or does not hold 32 bytes.", "P10"),
    "WordList": _note("ENCODING", "Words of another count, another list or another language.", "P10"),
    "WeakSecret": _note("CONFIDENTIALITY", "A secret that is no secret: all zeros, or of another length.", "P1 P2"),
    # --- labels and algorithms
    "WrongLabel": _note("AUTH_BYPASS", "Bytes made under the label of another purpose.", "P2 P10"),
    "MissingSeparator": _note("AUTH_BYPASS", "The zero byte between label and items is missing.", "P2 P10"),
    "WrongAlgorithm": _note("MISSING_STEP", "Another hash, mode or cipher than the one suite has.", "P3 P10"),
    "BadPoint": _note("AUTH_BYPASS", "An Ed25519 point that is not canonical, small, or not of prime order.", "P2 P7"),
    "Malleable": _note("AUTH_BYPASS", "A second form of a valid signature.", "P7 P10"),
    "BadSignature": _note("AUTH_BYPASS", "A signature of another text, by another key, or damaged.", "P2"),
    "BadSealingKey": _note("CONFIDENTIALITY", "A sealing key that is not canonical or contributes nothing.", "P1 P3"),
    "Proof": _note("AUTH_BYPASS", "A Merkle proof of the wrong length, place or node.", "P1"),
    # --- records and contacts
    "Dates": _note("MISSING_STEP", "Dates that contradict each other.", "P5 P10"),
    "Clock": _note("REPLAY", "A record past its end, or dated ahead of the clock.", "P5"),
    "Rollback": _note("ROLLBACK", "An older record than the one held.", "P5 P8"),
    "KeyChange": _note(
        "AUTH_BYPASS", "Another key for a user who is pinned: a person decides, not the network.", "P1 P2"
    ),
    "SharedKey": _note("CONFIDENTIALITY", "One sealing key under two user ids.", "P1"),
    "Rotation": _note("CONFIDENTIALITY", "Rotating sealing keys: numbers, order, deletion.", "P4 P5"),
    "HandOver": _note("AUTH_BYPASS", "A succession, which is a hint and never moves trust by itself.", "P2 P5"),
    "SafetyNumber": _note("AUTH_BYPASS", "What two people compare.", "P1 P2"),
    # --- sealed messages
    "Audience": _note("CONFIDENTIALITY", "Entries or a proof that are not the audience which the sender signed.", "P1"),
    "GhostRecipient": _note("CONFIDENTIALITY", "A reader whom the sender did not name.", "P1"),
    "PassedOn": _note("CONFIDENTIALITY", "A letter passed on to somebody whom the sender did not name.", "P1"),
    "NotForUs": _note("BASIC", "No entry for this reader, or a key that is not held any more.", "P1 P4"),
    "MovedEntry": _note("AUTH_BYPASS", "A sealed content secret under another label, number or header.", "P1 P2"),
    "Damaged": _note("AUTH_BYPASS", "Bits flipped on the way.", "P1 P2"),
    "Commitment": _note("AUTH_BYPASS", "A key that the header does not commit to: two readers, two texts.", "P7"),
    "OtherBody": _note("AUTH_BYPASS", "A body under a header, key, nonce or size that is not its own.", "P2 P7"),
    "Reseal": _note(
        "AUTH_BYPASS", "A recipient, who knows the content secret, seals the text again to others.", "P1 P2"
    ),
    "ForeignSender": _note("AUTH_BYPASS", "A sender's name on a text that this sender did not sign.", "P2"),
    "Unsigned": _note("AUTH_BYPASS", "A message without sender, which only who asks for it may get.", "P2"),
    "Reserved": _note("AUTH_BYPASS", "A message of the protocol itself handed to an application.", "P6"),
    "Trust": _note("AUTH_BYPASS", "An authentic message whose sender is unknown or in doubt.", "P2"),
    "Limit": _note("LIMIT", "More than the protocol allows; refused before work is done on it.", "P10"),
    "Letter": _note("BASIC", "One recipient's share of an envelope.", "P1"),
    "Private": _note("BASIC", "A message whose recipients stay hidden from each other.", "P1"),
    # --- rosters
    "Place": _note("MISSING_STEP", "An operation of another group, at another height, or behind the end.", "P6"),
    "Rights": _note("AUTH_BYPASS", "Who has the right to an act, and who has not.", "P6"),
    "Seniority": _note("AUTH_BYPASS", "Which admin may take something from which.", "P6"),
    "Leaving": _note("AUTH_BYPASS", "A member's word that they are out: for one membership, and nobody else's.", "P6"),
    "Closes": _note(
        "MISSING_STEP", "The ends of the chains of those who may post no longer, and of nobody else.", "P6"
    ),
    "EpochKey": _note("CONFIDENTIALITY", "Which operations bring a fresh epoch key, and who gets it.", "P1 P5 P6"),
    "Fork": _note("ROLLBACK", "Branches of one head: which of them holds.", "P6"),
    "BackDated": _note("ROLLBACK", "Signed at an old head by somebody who has lost the right since.", "P5 P6"),
    "Deciding": _note("AUTH_BYPASS", "Operations of losing branches: suspending, adopted, dismissed.", "P6"),
    "Waiting": _note("MISSING_STEP", "Items that come before what they need.", "P6"),
    "AnyOrder": _note("EDGE_CASE", "The same items in another order, or more than once: the same roster.", "P6 P7"),
    # --- chains of messages
    "KeyTree": _note("CONFIDENTIALITY", "Which keys follow from which nodes of a key tree.", "P4"),
    "UsedKey": _note("CONFIDENTIALITY", "A key that was used, dropped, or forgotten on schedule.", "P4"),
    "Frontier": _note(
        "CONFIDENTIALITY", "Nodes of a key tree that are not at their place, too few or too many.", "P4 P10"
    ),
    "Backlog": _note("BASIC", "Messages that are authentic because of the messages after them.", "P2 P7"),
    "OutOfOrder": _note("EDGE_CASE", "Messages in another order or other batches, with gaps, or more than once.", "P7"),
    "Insider": _note("AUTH_BYPASS", "A member, who has all keys of a chain, writes in its owner's name.", "P2"),
    "NoKey": _note("MISSING_STEP", "A message of a chain, or of a part of a chain, that was not announced here.", "P4"),
    "Announced": _note("AUTH_BYPASS", "Who announces a chain, how often, and what it changes.", "P1 P2 P4"),
    "Replayed": _note("REPLAY", "A message that was delivered before.", "P7"),
    "Contradiction": _note("AUTH_BYPASS", "Two links at one place of a chain: two readers could see two texts.", "P7"),
    "Ended": _note("ROLLBACK", "What its owner's close ends, and what it confirms.", "P5 P7"),
    "Permission": _note("AUTH_BYPASS", "What the roster permits, and what it no longer does.", "P6"),
    "Argument": _note("MISSING_STEP", "What the caller asks for cannot be done.", "P1 P10"),
    # --- groups
    "Authority": _note("AUTH_BYPASS", "Who may say what in a group, and by which way.", "P2 P6"),
    "Parents": _note("MISSING_STEP", "What a message says of others that its sender had seen.", "P7"),
    "Clone": _note("ROLLBACK", "Somebody writes in our own chain: state was cloned, restored or stolen.", "P5 P9"),
    "Sending": _note("CONFIDENTIALITY", "What a client sends, to whom, and when its chain has to change.", "P1 P5"),
    "Invitation": _note("AUTH_BYPASS", "How somebody comes into a group.", "P6"),
    # --- attachments
    "Name": _note("AUTH_BYPASS", "A name that leads somewhere, or shows as another one.", "P10"),
    "Sizes": _note("MISSING_STEP", "Sizes of payload and stream that contradict each other.", "P7 P10"),
    "Chunks": _note("AUTH_BYPASS", "A stream cut or continued, its chunks moved, doubled or exchanged.", "P7"),
    "OtherStream": _note("AUTH_BYPASS", "A stream under another key, context or reference than its own.", "P2 P7"),
    "RandomAccess": _note("BASIC", "A part of a stream, opened without the rest.", "P7"),
    # --- stores
    "Cost": _note("CONFIDENTIALITY", "The cost of a guess at a passphrase: outside of its limits, or changed.", "P8"),
    "WrongKey": _note("CONFIDENTIALITY", "A key that is not the one which something was wrapped under.", "P8"),
    "OtherPlace": _note("AUTH_BYPASS", "A slot or a wrapped key at another place than its own.", "P8"),
}
