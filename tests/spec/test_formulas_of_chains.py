"""The formulas of the chapters on chains and messages give the values of the examples: by hand, not by the library."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.spec.test_formulas import (
    ALICE,
    USER_IDS,
    VALUES,
    cbor,
    derive,
    labelled,
    octets,
    public_key,
    sha256,
    signature,
)

AT = 1_767_225_600_000
SEED, ROOT, HEDGE = bytes(range(0x60, 0x80)), bytes(range(0x80, 0xA0)), bytes(range(0xC0, 0xD0))


def raw(purpose: str, *parts: bytes) -> bytes:
    """LAB-2, where the table says raw."""
    return b"siegel/1 " + purpose.encode() + b"\0" + b"".join(parts)


def node_at(first: int, height: int, node: bytes = ROOT) -> bytes:
    """KEY-1: from the root down by the bits of an index."""
    for bit in range(15, height - 1, -1):
        both = hashlib.sha512(raw("key tree", node)).digest()
        node = both[32:] if first >> bit & 1 else both[:32]
    return node


# --- the tree --------------------------------------------------------------------------------------------------------


def test_key_1() -> None:
    """KEY-1."""
    children = octets("key-tree", "left child of the root") + octets("key-tree", "right child of the root")
    assert children == hashlib.sha512(raw("key tree", octets("key-tree", "root"))).digest()
    for index in (0, 1, 2, 65_535):
        assert octets("key-tree", f"leaf {index}") == node_at(index, 0)


def test_key_2_and_4() -> None:
    """KEY-2, KEY-4: after 0, 1 and 2 the frontier is the canonical cover of [3, 65536)."""
    start, frontier = 3, b""
    while start < 65_536:
        height = (start & -start).bit_length() - 1
        frontier += start.to_bytes(2, "big") + bytes([height]) + node_at(start, height)
        start += 1 << height
    assert octets("key-tree", "frontier after 0, 1 and 2, at rest") == frontier
    cover = [octets("key-tree", f"canonical cover from 40960, node {i}") for i in (0, 1)]
    assert cover == [node_at(40_960, 13), node_at(49_152, 14)]


# --- the chain -------------------------------------------------------------------------------------------------------


def certificate() -> list[Any]:
    """CHN-1, CHN-2, CHN-3: the items from type to at."""
    group, head, link = sha256(b"group"), sha256(b"head"), sha256(b"link")
    key = public_key(SEED)
    chain_id = sha256(labelled("chain id", group, USER_IDS["Alice"], key))[:16]
    closes = [[bytes(range(0x10)), 7, link], [bytes(range(0x10, 0x20)), 0, None]]
    return [7, 1, group, head, chain_id, USER_IDS["Alice"], key, closes, AT]


def test_chn_1_to_5() -> None:
    """CHN-1, CHN-2, CHN-3, CHN-4, CHN-5."""
    items = certificate()
    part = labelled("chain certificate", *items)
    assert [octets("chain", name) for name in ("chain id", "chain signing key", "closes")] == [
        items[4],
        items[6],
        cbor2.dumps(items[7], canonical=True),
    ]
    assert octets("chain", "text that Alice signs") == part
    assert octets("chain", "certificate") == cbor(*items, signature(derive(ALICE, "sign"), part))
    assert octets("chain", "genesis") == sha256(labelled("chain genesis", *items))


def test_chn_6() -> None:
    """CHN-6, at the beginning and after the first message."""
    genesis, made = octets("chain", "genesis"), octets("chain", "certificate")
    name = "announcement from index 0, with the root of the tree above"
    assert octets("chain", name) == cbor(made, 0, [ROOT], genesis)
    nodes = [node_at(1 << height, height) for height in range(16)]
    link = octets("group-message", "link")
    assert octets("group-message", "announcement from index 1") == cbor(made, 1, nodes, link)


# --- the message -----------------------------------------------------------------------------------------------------


def test_msg_1_to_7() -> None:
    """MSG-1, MSG-2, MSG-3, MSG-4, MSG-5, MSG-6, MSG-7."""
    leaf, head, genesis = node_at(0, 0), sha256(b"head"), octets("chain", "genesis")
    parents = [[bytes(range(0x10)), 7, sha256(b"link")]]
    text = cbor("text/plain", AT, parents, b"The board meets on Friday.")
    padded = (len(text) + 4).to_bytes(4, "big") + text
    padded += bytes(-len(padded) % 16)  # sizes from 128 to 255 are multiples of 16
    nonce = sha256(raw("message nonce", leaf, HEDGE, head, genesis, padded))[:12]
    items: list[Any] = [3, 1, certificate()[4], 0, head, genesis, nonce, sha256(raw("leaf commitment", leaf))]
    header = b"\x8a" + cbor(*items)[1:]
    ciphertext = AESGCM(leaf).encrypt(nonce, padded, header)
    signed = header + cbor2.dumps(ciphertext)
    link = sha256(raw("link", signed))
    message = signed + cbor2.dumps(signature(SEED, raw("group signature", link)))
    values = (
        leaf,
        text,
        padded,
        HEDGE,
        nonce,
        items[7],
        header,
        ciphertext,
        link,
        raw("group signature", link),
        message,
    )
    assert [*VALUES["example-group-message"].values()][:11] == [value.hex() for value in values]
    assert cbor2.loads(message)[:9] == [*items, ciphertext]
