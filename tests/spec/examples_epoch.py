"""The worked example of the chapter on epoch keys, computed: a fresh key, one derived from it, a broadcast."""

from __future__ import annotations

from siegel import Identity
from siegel._core.codec import encode
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel._core.suite import decrypt_once, hkdf_expand_pair, hkdf_extract, sha256
from siegel.groups import epoch
from siegel.groups.broadcast import parse_broadcast, write_broadcast
from siegel.identity import hedge_secret

Rows = list[tuple[str, bytes | str | int]]

KEY = bytes(range(0x60, 0x80))
GROUP, HEAD = sha256(b"group"), sha256(b"head")


def broadcast_rows(alice: Identity, *, hedge: bytes, at: int) -> Rows:
    """A control that says nothing, to all who hold the key of a head."""
    key, control = Secret(KEY), encode([GROUP, [], None, [], [], None, None])
    data = write_broadcast(control, identity=alice, group_id=GROUP, head=HEAD, key=key, at=at, hedge=hedge)
    broadcast = parse_broadcast(data)
    info = labelled(Label.BROADCAST_KEYS, GROUP, HEAD)
    commitment, text_key = hkdf_expand_pair(hkdf_extract(salt=broadcast.nonce, material=KEY), info=info)
    signed = labelled(Label.BROADCAST_SIGNATURE, GROUP, HEAD, commitment, alice.user_id.data, at, control)
    return [
        ("key", KEY),
        ("commitment of the key", epoch.commitment_of(key)),
        ("group id = SHA-256 of the ASCII text group", GROUP),
        ("roster head = SHA-256 of the ASCII text head", HEAD),
        ("the key that an operation with this head derives", epoch.derive(key, HEAD).reveal()),
        ("control", control),
        ("hedge secret of Alice", hedge_secret(alice).reveal()),
        ("32 random bytes", hedge),
        ("nonce", broadcast.nonce),
        ("commitment", broadcast.commitment),
        ("text key", text_key.reveal()),
        ("text that Alice signs", signed),
        ("padded", decrypt_once(text_key, broadcast.ciphertext, aad=broadcast.header)),
        ("header", broadcast.header),
        ("broadcast", data),
    ]
