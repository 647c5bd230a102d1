"""256 bytes to one recipient, signed: seal and open against the raw primitives, and against the peers installed."""

from __future__ import annotations

import os

from benchmarks.measure import Row, compare
from benchmarks.peers import installed_peers
from benchmarks.raw import Raw
from siegel import Contacts, Identity, inspect_envelope, open_sealed, seal

BODY_BYTES = 256


def run(*, pairs: int) -> list[Row]:
    body = os.urandom(BODY_BYTES)
    alice, bob = Identity.generate(), Identity.generate()
    recipient, contacts = bob.public(), Contacts()
    contacts.add(alice.public())
    envelope = seal(body, sender=alice, recipients=[recipient])
    raw = Raw(inspect_envelope(envelope).body_bytes - 16)

    def sealing() -> bytes:
        return seal(body, sender=alice, recipients=[recipient])

    def opening() -> bytes:
        return open_sealed(envelope, identity=bob, contacts=contacts).body

    assert opening() == body
    rows = [
        compare("seal to 1", sealing, "encrypt + sign + AES", raw.seal, pairs=pairs, limit="≤ 1.45"),
        compare("open", opening, "decrypt + verify + AES", raw.open, pairs=pairs, limit="≤ 1.45"),
    ]
    for peer in installed_peers(body):
        rows.append(compare("seal to 1", sealing, peer.name, peer.seal, pairs=pairs // 4))
        rows.append(compare("open", opening, peer.name, peer.open, pairs=pairs // 4))
    return rows
