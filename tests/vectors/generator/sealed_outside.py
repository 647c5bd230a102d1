"""Category ``sealed-message``, refused before a secret is used: encoding, shape, audience, recipient, key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.vectors.generator.book import flipped, stream
from tests.vectors.generator.messages import Refuser, letter, message
from tests.vectors.generator.people import ALICE, BOB, CAROL, DAVE, MALLORY, NUMBERS, crowd
from tests.vectors.generator.sealed_valid import Bases
from tests.vectors.notation import joined, shake
from tests.vectors.reference import cbor, merkle, texts
from tests.vectors.reference.cbor import array, head, octets, uint
from tests.vectors.reference.labels import sha256
from tests.vectors.reference.receive import MAX_CIPHERTEXT, MAX_SEALED
from tests.vectors.reference.sealed import (
    ENVELOPE,
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


class Parts:
    """The encoded items of an honest envelope or letter, from which others are put together."""

    def __init__(self, given: Message) -> None:
        self.given, self.steps = given, seal(given)
        self.ids = [recipient.user_id for recipient in self.steps.recipients]
        self.index = self.ids.index(BOB.user_id)
        self.items = {
            "type": uint(ENVELOPE),
            "version": uint(1),
            "header": self.steps.header,
            "nonce": octets(given.nonce),
            "entries": array(*self.steps.entries),
            "body": octets(self.steps.body),
        }
        self.letter_items = {
            "type": uint(LETTER),
            "version": uint(1),
            "header": self.steps.header,
            "entry": self.steps.entries[self.index],
            "proof": path_proof(given.nonce, self.ids, self.index) if given.private else self.listing(self.ids),
            "body": octets(self.steps.body),
        }

    def envelope(self, **items: bytes) -> bytes:
        """The envelope with other items."""
        return array(*(self.items | items).values())

    def letter(self, **items: bytes) -> bytes:
        """Bob's letter with other items."""
        return array(*(self.letter_items | items).values())

    def listing(self, ids: list[bytes]) -> bytes:
        """A listing proof."""
        return listing_proof(self.given.nonce, ids)

    def header(self, *, mode: int = 0, count: int | None = None, root: bytes = b"", commitment: bytes = b"") -> bytes:
        """The header with other fields."""
        count = len(self.ids) if count is None else count
        return header(mode, count, root or self.steps.root, commitment or self.steps.commitment)

    def entry(self, user_id: bytes, number: bytes = b"\0", sealed: bytes = bytes(1168)) -> bytes:
        """An entry from its parts."""
        return array(octets(user_id), number, octets(sealed))


def refused_outside(refuse: Refuser, bases: Bases) -> None:
    """All of it, against the envelope to two."""
    two, three, private = Parts(bases.two), Parts(bases.three), Parts(bases.private)
    refuse.base = bases.opened_two
    _encoding(refuse, two)
    _top(refuse, two)
    _header(refuse, two)
    _entries(refuse, two)
    _body(refuse, two)
    refuse.base = bases.opened_three
    _audience(refuse, three)
    _roots(refuse, bases.three)
    refuse.base = bases.opened_listing
    _listings(refuse, three)
    refuse.base = bases.opened_path
    _paths(refuse, private)
    _large_letters(refuse)
    _not_for_us(refuse, bases)


def _encoding(refuse: Refuser, parts: Parts) -> None:
    data, items = parts.envelope(), parts.items
    refuse("encoding", "no bytes at all", b"", "ENC-8", "Truncated")
    refuse("encoding", "the first half", data[: len(data) // 2], "ENC-4", "Truncated")
    refuse("encoding", "the last byte is missing", data[:-1], "ENC-4", "Truncated")
    refuse("encoding", "a byte behind the end", data + b"\0", "ENC-8", "TrailingBytes")
    refuse("encoding", "a letter behind the envelope", data + parts.letter(), "ENC-8", "TrailingBytes")
    refuse("encoding", "an array of indefinite length", b"\x9f" + data[1:] + b"\xff", "ENC-3", "Indefinite")
    entries = b"\x9f" + items["entries"][1:] + b"\xff"
    refuse("encoding", "entries of indefinite length", parts.envelope(entries=entries), "ENC-3", "Indefinite")
    version = uint(1, 1)
    refuse("encoding", "a version in two bytes", parts.envelope(version=version), "ENC-2", "NonShortest")
    count = array(uint(0), uint(2, 2), octets(parts.steps.root), octets(parts.steps.commitment))
    refuse("encoding", "a recipient count in three bytes", parts.envelope(header=count), "ENC-2", "NonShortest")
    body = head(cbor.BYTES, len(parts.steps.body), 4) + parts.steps.body
    refuse("encoding", "a body with a four-byte length", parts.envelope(body=body), "ENC-2", "NonShortest")
    refuse(
        "encoding",
        "entries that declare 2^32-1",
        parts.envelope(entries=head(cbor.ARRAY, 2**32 - 1)),
        "ENC-4",
        "LyingLength",
    )
    refuse(
        "encoding",
        "a body that declares 2^40 bytes",
        parts.envelope(body=head(cbor.BYTES, 2**40)),
        "ENC-4",
        "LyingLength",
    )
    tagged = head(cbor.TAG, 24) + items["body"]
    refuse("encoding", "a body with a tag", parts.envelope(body=tagged), "ENC-1", "ForbiddenType")
    too_large = shake(b"larger than any envelope", MAX_SEALED + 1)
    refuse("size", "more bytes than any envelope has", too_large, "SEAL-18", "Limit", code="limit-exceeded")


def _top(refuse: Refuser, parts: Parts) -> None:
    for kind in (0, 1, 3, 8, 12, 2**64 - 1):
        refuse("type", f"type number {kind}", parts.envelope(type=uint(kind)), "ENC-9", "WrongType")
    refuse("type", "a public identity", ALICE.record.encode(), "ENC-9", "WrongType")
    for version in (0, 2, 2**64 - 1):
        data = parts.envelope(version=uint(version))
        refuse("version", f"version {version}", data, "ENC-9", "WrongVersion", code="unsupported-version")
    data = parts.letter(version=uint(2))
    refuse("version", "a letter of version 2", data, "ENC-9", "WrongVersion", code="unsupported-version")
    items = list(parts.items.values())
    for comment, data in {
        "not an array": octets(parts.envelope()),
        "an empty array": array(),
        "true as type number": parts.envelope(type=cbor.TRUE),
        "text as version": parts.envelope(version=cbor.text("1")),
    }.items():
        refuse("type", comment, data, "ENC-9", "WrongShape")
    shape: dict[str, bytes] = {
        "no body item": array(*items[:-1]),
        "one item more": array(*items, cbor.NULL),
        "an envelope with the type number of a letter": parts.envelope(type=uint(LETTER)),
        "a letter with the type number of an envelope": parts.letter(type=uint(ENVELOPE)),
        "no nonce": parts.envelope(nonce=cbor.NULL),
        "a nonce of 31 bytes": parts.envelope(nonce=octets(parts.given.nonce[:31])),
        "a nonce of 33 bytes": parts.envelope(nonce=octets(parts.given.nonce + b"\0")),
        "entries that are a byte string": parts.envelope(entries=octets(parts.items["entries"])),
        "entries that are a map": parts.envelope(entries=cbor.mapping()),
        "no entries": parts.envelope(entries=array()),
    }
    for comment, data in shape.items():
        refuse("shape", comment, data, "SEAL-11 ENC-9", "WrongShape")


def _header(refuse: Refuser, parts: Parts) -> None:
    root, commitment = octets(parts.steps.root), octets(parts.steps.commitment)
    shape: dict[str, bytes] = {
        "three items": array(uint(0), uint(2), root),
        "five items": array(uint(0), uint(2), root, commitment, cbor.NULL),
        "not an array": octets(parts.steps.header),
        "mode 2": parts.header(mode=2),
        "mode false": array(cbor.FALSE, uint(2), root, commitment),
        "mode null": array(cbor.NULL, uint(2), root, commitment),
        "a count that is true": array(uint(0), cbor.TRUE, root, commitment),
        "a root of 31 bytes": parts.header(root=parts.steps.root[:31]),
        "a commitment of 33 bytes": parts.header(commitment=parts.steps.commitment + b"\0"),
        "a commitment of 16 bytes": parts.header(commitment=parts.steps.commitment[:16]),
        "root and commitment as text": array(uint(0), uint(2), cbor.text("a" * 32), cbor.text("b" * 32)),
    }
    for comment, data in shape.items():
        refuse("shape", f"header: {comment}", parts.envelope(header=data), "SEAL-7", "WrongShape")
    for count in (0, 1, 3, 16_384):
        data = parts.envelope(header=parts.header(count=count))
        spec = "SEAL-1 SEAL-11" if count == 0 else "SEAL-11"
        refuse("shape", f"two entries under a count of {count}", data, spec, "Audience", step="header")
    for count in (16_385, 2**64 - 1):
        data = parts.envelope(header=parts.header(count=count))
        refuse("shape", f"a count of {count}", data, "SEAL-1", "Limit", code="limit-exceeded", step="header")
    data = parts.letter(header=parts.header(count=0))
    refuse("shape", "a letter to nobody", data, "SEAL-1 SEAL-12", "Audience", step="header")


def _entries(refuse: Refuser, parts: Parts) -> None:
    other = parts.steps.entries[1 - parts.index]
    bob = BOB.user_id
    sealed = parts.steps.entries[parts.index][-1168:]
    shape = {
        "two items": array(octets(bob), octets(sealed)),
        "four items": array(octets(bob), uint(0), octets(sealed), cbor.NULL),
        "not an array": octets(sealed),
        "a user id of 31 bytes": parts.entry(bob[:31], sealed=sealed),
        "a user id as text": array(cbor.text("siegel1"), uint(0), octets(sealed)),
        "no sealing number": parts.entry(bob, cbor.NULL, sealed),
        "a sealing number as text": parts.entry(bob, cbor.text("0"), sealed),
        "a sealing number false": parts.entry(bob, cbor.FALSE, sealed),
        "1167 bytes sealed": parts.entry(bob, sealed=sealed[:-1]),
        "1169 bytes sealed, a content secret of 33": parts.entry(bob, sealed=sealed + b"\0"),
        "nothing sealed": parts.entry(bob, sealed=b""),
    }
    for comment, changed in shape.items():
        placed = [other, changed] if parts.index else [changed, other]
        refuse("shape", f"entry: {comment}", parts.envelope(entries=array(*placed)), "SEAL-8", "WrongShape")


def _body(refuse: Refuser, parts: Parts) -> None:
    body = parts.steps.body
    for comment, item in {
        "null": cbor.NULL,
        "text": cbor.text("a" * 80),
        "empty": octets(b""),
        "a tag alone": octets(bytes(16)),
        "below 64 bytes and a tag": octets(body[:79]),
        "one byte too short": octets(body[:-1]),
        "one byte too long": octets(body + b"\0"),
    }.items():
        refuse("shape", f"body: {comment}", parts.envelope(body=item), "SEAL-10 SEAL-18", "OtherBody", step="body")
    length = texts.padme(MAX_CIPHERTEXT) + 16
    items = [*parts.items.values()][:-1]
    data = joined(head(cbor.ARRAY, 6) + b"".join(items) + head(cbor.BYTES, length), shake(b"a large body", length))
    refuse("shape", "body: a bucket above the largest", data, "SEAL-18", "Limit", code="limit-exceeded", step="body")


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
