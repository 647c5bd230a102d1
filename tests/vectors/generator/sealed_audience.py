"""Category ``sealed-message``, refused for whom it is for: audience, proof, recipient, key (SEAL-3, SEAL-11 to 14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.vectors.generator.book import flipped, stream
from tests.vectors.generator.messages import Refuser, letter, message
from tests.vectors.generator.parts import Parts
from tests.vectors.generator.people import ALICE, BOB, CAROL, DAVE, MALLORY, NUMBERS, crowd
from tests.vectors.generator.sealed_valid import Bases
from tests.vectors.reference import cbor, merkle
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.labels import sha256
from tests.vectors.reference.sealed import (
    LETTER,
    Message,
    Recipient,
    Steps,
    entry,
    header,
    leaves_of,
    listing_proof,
    path_proof,
    path_proof_of,
    salt_of,
    seal,
)


def refused_for_audience(refuse: Refuser, bases: Bases) -> None:
    """All of it, against the messages to three."""
    three, private = Parts(bases.three), Parts(bases.private)
    refuse.base = bases.opened_three
    _audience(refuse, three)
    _roots(refuse, bases.three)
    refuse.base = bases.opened_listing
    _listings(refuse, three)
    refuse.base = bases.opened_path
    _paths(refuse, private)
    _large_letters(refuse)
    _not_for_us(refuse, bases)


# --- audience ---------------------------------------------------------------------------------------------------------


def _audience(refuse: Refuser, parts: Parts) -> None:
    """What a server can try: it may write the header too, but has no content secret."""
    entries, ids = parts.steps.entries, parts.ids
    ghost = entry(Recipient(MALLORY.user_id, b""), stream("ghost entry", 1168))
    bob = entries[parts.index]

    def put(comment: str, spec: str, flags: str, entries: list[bytes], nonce: bytes = b"") -> None:
        data = parts.envelope(
            header=parts.header(count=len(entries)), entries=array(*entries), nonce=octets(nonce or parts.given.nonce)
        )
        refuse("audience", comment, data, spec, flags, step="entries")

    def placed(user_ids: list[bytes]) -> list[bytes]:
        """Entries in the order of the leaves, with the honest ciphertexts as far as there are some."""
        by_id = dict(zip(ids, entries, strict=True)) | {MALLORY.user_id: ghost}
        order = sorted(user_ids, key=lambda user_id: leaves_of(parts.given.nonce, [user_id]))
        return [by_id[user_id] for user_id in order]

    put(
        "a ghost entry in its place, and the count raised",
        "SEAL-3 SEAL-11",
        "GhostRecipient",
        placed([*ids, MALLORY.user_id]),
    )
    put("a ghost entry behind the others", "SEAL-3 SEAL-11", "GhostRecipient", [*entries, ghost])
    put(
        "a ghost entry instead of another recipient's",
        "SEAL-11",
        "GhostRecipient",
        placed([BOB.user_id, CAROL.user_id, MALLORY.user_id]),
    )
    put("an entry removed, and the count lowered", "SEAL-11", "Audience", placed([BOB.user_id, CAROL.user_id]))
    put("all entries but ours removed", "SEAL-11", "Audience", [bob])
    put("two entries swapped", "SEAL-3", "Audience", [entries[1], entries[0], entries[2]])
    put("the entries in reverse order", "SEAL-3", "Audience", entries[::-1])
    put("an entry twice, and the count raised", "SEAL-1 SEAL-3", "Audience", [*entries[:1], *entries])
    put("our entry in the place of all", "SEAL-1 SEAL-3", "Audience", [bob, bob, bob])
    renamed = [e.replace(octets(DAVE.user_id), octets(MALLORY.user_id)) for e in entries]
    put("another recipient's entry renamed", "SEAL-11", "Audience", renamed)
    put("another nonce", "SEAL-2", "Audience", entries, stream("another nonce", 32))
    put("a bit of the nonce flipped", "SEAL-2", "Audience", entries, flipped(parts.given.nonce, 0))
    other_id = next(user_id for user_id in ids if user_id != BOB.user_id)
    twice = [e.replace(octets(other_id), octets(BOB.user_id)) for e in entries]
    put("one user id twice", "SEAL-1 SEAL-3", "Audience", twice)
    root = parts.header(root=stream("another root", 32))
    refuse("audience", "another root", parts.envelope(header=root), "SEAL-3 SEAL-11", "Audience", step="header")


def _roots(refuse: Refuser, given: Message) -> None:
    """A sender whose Merkle tree is another; everything after it is made from that root."""
    ids = [recipient.user_id for recipient in seal(given).recipients]

    def deep(comment: str, spec: str, root: Callable[[list[bytes]], bytes]) -> None:
        def hook(_: bytes, steps: Steps) -> bytes:
            return root(ids)

        refuse.deep("audience", comment, given, "root", hook, spec=spec, flags="WrongLabel", code="malformed")

    def leaf(user_id: bytes, salt_bytes: int = 16) -> bytes:
        salt = salt_of(given.nonce, user_id)[:salt_bytes]
        return b"siegel/1 audience leaf\0" + array(octets(salt), octets(user_id))

    deep("leaves hashed without 0x00", "MRK-1 SEAL-3", lambda ids: merkle.root([sha256(leaf(i)) for i in ids]))
    deep("leaves over the user ids alone", "SEAL-2", lambda ids: merkle.root([merkle.leaf(i) for i in ids]))
    deep("salts of 8 bytes", "SEAL-2", lambda ids: merkle.root([merkle.leaf(leaf(i, 8)) for i in ids]))
    deep(
        "the hash of all leaves instead of a tree",
        "MRK-1",
        lambda ids: sha256(b"".join(leaves_of(given.nonce, ids))),
    )
    order = seal(given, {"recipients": lambda found, _: sorted(found, key=lambda r: r.user_id)})
    assert [r.user_id for r in order.recipients] != ids
    refuse(
        "audience",
        "entries in the order of the user ids, and the root over them",
        order.envelope,
        "SEAL-3",
        "Audience",
        step="recipients",
    )


def _listings(refuse: Refuser, parts: Parts) -> None:
    ids, nonce = parts.ids, parts.given.nonce
    without = [user_id for user_id in ids if user_id != DAVE.user_id]
    with_mallory = sorted([*without, MALLORY.user_id], key=lambda user_id: leaves_of(nonce, [user_id]))
    entry_of_mallory = parts.letter_items["entry"].replace(octets(BOB.user_id), octets(MALLORY.user_id))
    shape: dict[str, bytes] = {
        "two ids under a count of three": parts.listing(without),
        "four ids under a count of three": parts.listing([*ids, MALLORY.user_id]),
        "an id of 31 bytes": array(octets(nonce), array(*map(octets, [*ids[:2], ids[2][:31]]))),
        "a nonce of 31 bytes": listing_proof(nonce[:31], ids),
        "no nonce": array(array(*map(octets, ids))),
        "ids as one byte string": array(octets(nonce), octets(b"".join(ids))),
        "null": cbor.NULL,
        "a path, where the listing is mandatory": path_proof(nonce, ids, parts.index),
    }
    for comment, proof in shape.items():
        refuse("shape", f"listing: {comment}", parts.letter(proof=proof), "SEAL-12", "Proof", step="proof")
    audience: dict[str, bytes] = {
        "the ids in reverse order": parts.listing(ids[::-1]),
        "an id twice": parts.listing([ids[0], ids[0], ids[1]]),
        "another user instead of one": parts.listing(with_mallory),
        "another nonce": listing_proof(stream("another nonce", 32), ids),
    }
    for comment, proof in audience.items():
        refuse("audience", f"listing: {comment}", parts.letter(proof=proof), "SEAL-12", "Audience", step="proof")
    passed_on = {
        "to somebody who is not listed": parts.letter(entry=entry_of_mallory),
        "to somebody put on the list": parts.letter(entry=entry_of_mallory, proof=parts.listing(with_mallory)),
    }
    for comment, data in passed_on.items():
        refuse("audience", f"a letter passed on {comment}", data, "SEAL-12", "PassedOn", step="entry", holder=MALLORY)
    root = parts.header(root=stream("another root", 32))
    refuse("audience", "a letter with another root", parts.letter(header=root), "SEAL-12", "Audience", step="header")


def _paths(refuse: Refuser, parts: Parts) -> None:
    ids, nonce, index = parts.ids, parts.given.nonce, parts.index
    path = merkle.path(index, leaves_of(nonce, ids))
    salt = salt_of(nonce, BOB.user_id)
    other = next(i for i in range(3) if i != index)
    shape: dict[str, bytes] = {
        "a listing, which would show who else reads it": listing_proof(nonce, ids),
        "the nonce behind the path": array(uint(index), octets(salt), array(*map(octets, path)), octets(nonce)),
        "a salt of 15 bytes": path_proof_of(index, salt[:15], path),
        "a salt of 32 bytes": path_proof_of(index, salt + salt, path),
        "a node of 31 bytes": path_proof_of(index, salt, [path[0][:31], *path[1:]]),
        "an index as text": array(cbor.text("0"), octets(salt), array(*map(octets, path))),
        "an index true": array(cbor.TRUE, octets(salt), array(*map(octets, path))),
        "a path as one byte string": array(uint(index), octets(salt), octets(b"".join(path))),
        "null": cbor.NULL,
    }
    for comment, proof in shape.items():
        refuse("shape", f"path: {comment}", parts.letter(proof=proof), "SEAL-13", "Proof", step="proof")
    audience: dict[str, bytes] = {
        "no node": path_proof_of(index, salt, []),
        "one node short": path_proof_of(index, salt, path[:-1]),
        "one node more": path_proof_of(index, salt, [*path, path[0]]),
        "a bit of the first node flipped": path_proof_of(index, salt, [flipped(path[0], 0), *path[1:]]),
        "a bit of the last node flipped": path_proof_of(index, salt, [*path[:-1], flipped(path[-1], 31)]),
        "another index": path_proof_of(other, salt, path),
        "an index behind the last leaf": path_proof_of(3, salt, path),
        "index 2^64-1": path_proof_of(2**64 - 1, salt, path),
        "another salt": path_proof_of(index, flipped(salt, 0), path),
        "the proof of another recipient": path_proof(nonce, ids, other),
    }
    for comment, proof in audience.items():
        refuse("audience", f"path: {comment}", parts.letter(proof=proof), "SEAL-13 MRK-2", "Proof", step="proof")
    renamed = parts.letter_items["entry"].replace(octets(BOB.user_id), octets(MALLORY.user_id))
    refuse(
        "audience",
        "a private letter passed on",
        parts.letter(entry=renamed),
        "SEAL-13",
        "PassedOn",
        step="entry",
        holder=MALLORY,
    )
    of_mallory = path_proof_of(index, salt_of(nonce, MALLORY.user_id), path)
    data = parts.letter(entry=renamed, proof=of_mallory)
    refuse(
        "audience",
        "a private letter passed on, with a salt of its own",
        data,
        "SEAL-13",
        "PassedOn",
        step="entry",
        holder=MALLORY,
    )
    count = parts.header(mode=1, count=1)
    refuse(
        "audience",
        "a private letter under a count of one",
        parts.letter(header=count),
        "SEAL-13 MRK-2",
        "Proof",
        step="header",
    )


def _large_letters(refuse: Refuser) -> None:
    """Above 64 recipients a letter has a path, below a list; there is no choice."""
    given = message("crowd of 65", crowd(65))
    steps = seal(given)
    index = [r.user_id for r in steps.recipients].index(BOB.user_id)
    listing = listing_proof(given.nonce, [r.user_id for r in steps.recipients])
    data = array(uint(LETTER), uint(1), steps.header, steps.entries[index], listing, octets(steps.body))
    refuse("shape", "a listing of 65 recipients", data, "SEAL-12 SEAL-13", "Proof", step="proof")
    data = letter(given, BOB.user_id)
    swapped = data.replace(steps.header, header(0, 64, steps.root, steps.commitment))
    refuse("shape", "a path under a count of 64", swapped, "SEAL-12 SEAL-13", "Proof", step="header")


# --- recipient and key ------------------------------------------------------------------------------------------------


def _not_for_us(refuse: Refuser, bases: Bases) -> None:
    refuse.base = bases.opened_two
    code = "not-a-recipient"
    envelope = seal(bases.two).envelope
    refuse("recipient", "an envelope to others", envelope, "SEAL-14", "NotForUs", code=code, holder=DAVE)
    refuse(
        "recipient",
        "the sender, who is no recipient",
        envelope,
        "SEAL-14",
        "NotForUs",
        code=code,
        holder=ALICE,
        contacts=[],
    )
    data = letter(bases.three, CAROL.user_id)
    refuse("recipient", "the letter of another recipient", data, "SEAL-14", "NotForUs", code=code)
    data = letter(bases.private, CAROL.user_id)
    refuse("recipient", "the private letter of another recipient", data, "SEAL-14", "NotForUs", code=code)

    refuse.base = bases.opened_turned
    turned, one = seal(bases.turned).envelope, letter(bases.turned, BOB.user_id)
    expired: dict[str, tuple[bytes, dict[str, Any]]] = {
        "a rotating key that was deleted": (turned, {"held": NUMBERS[1:]}),
        "a rotating key, and no keys are held": (turned, {"held": []}),
        "a rotating key, opened with the identity alone": (turned, {}),
        "a letter to a rotating key that was deleted": (one, {"held": NUMBERS[1:]}),
    }
    for comment, (data, reader) in expired.items():
        refuse("key", f"sealed to {comment}", data, "ID-13", "NotForUs Rotation", code="expired", **reader)
    parts = Parts(bases.one)
    refuse.base = bases.opened
    for number in (1, 2**64 - 1):
        entry_bytes = parts.entry(BOB.user_id, uint(number), parts.steps.entries[0][-1168:])
        data = parts.envelope(entries=array(entry_bytes))
        refuse(
            "key",
            f"the sealing number changed to {number}",
            data,
            "ID-13 SEAL-8",
            "MovedEntry",
            code="expired",
            held=NUMBERS,
        )
