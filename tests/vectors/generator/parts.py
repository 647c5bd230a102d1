"""The encoded items of an honest envelope or letter, from which faulty ones are put together by hand."""

from __future__ import annotations

from tests.vectors.generator.people import BOB
from tests.vectors.reference.cbor import array, octets, uint
from tests.vectors.reference.sealed import ENVELOPE, LETTER, Message, header, listing_proof, path_proof, seal


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
