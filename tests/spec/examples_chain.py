"""The worked examples of the chapters on chains and messages, computed: a tree, a chain, a text."""

from __future__ import annotations

from siegel import Identity
from siegel._core.codec import Value, encode
from siegel._core.labels import Label, labelled
from siegel._core.padding import pad
from siegel._core.secret import Secret
from siegel._core.suite import sha256, sha512
from siegel.groups.certificate import Close
from siegel.groups.key_tree import KeyTree
from siegel.groups.message import Content, Parent, encode_content, leaf_commitment, parse_message
from siegel.groups.sending_chain import SendingChain

Rows = list[tuple[str, bytes | str | int]]

SEED = bytes(range(0x60, 0x80))
ROOT = bytes(range(0x80, 0xA0))
HEDGE = bytes(range(0xC0, 0xD0))
GROUP, HEAD, LINK = sha256(b"group"), sha256(b"head"), sha256(b"link")
OLD, UNUSED = Close(bytes(range(0x10)), 7, LINK), Close(bytes(range(0x10, 0x20)), 0, None)


def key_tree_rows() -> Rows:
    """Keys of some indices, the frontier after three of them, and a cover."""
    both = sha512(Label.KEY_TREE + ROOT)
    tree = KeyTree.from_root(Secret(ROOT))
    leaves = [(f"leaf {index}", tree.take(index).reveal()) for index in (0, 1, 2)]
    frontier = tree.encode()
    last = KeyTree.from_root(Secret(ROOT)).take(65_535).reveal()
    for index in range(3, 40_960):
        tree.take(index)
    _, nodes = tree.cover()
    return [
        ("root", ROOT),
        ("left child of the root", both[:32]),
        ("right child of the root", both[32:]),
        *leaves,
        ("leaf 65535", last),
        ("frontier after 0, 1 and 2, at rest", frontier),
        *((f"canonical cover from 40960, node {i}", node) for i, node in enumerate(nodes)),
    ]


def begun(alice: Identity, at: int) -> SendingChain:
    """Alice's chain, which ends two others."""
    return SendingChain.begin(alice, group_id=GROUP, head=HEAD, closes=(UNUSED, OLD), at=at, secrets=SEED + ROOT)


def chain_rows(alice: Identity, *, at: int) -> Rows:
    """The certificate of a chain, and its announcement."""
    chain = begun(alice, at)
    certificate = chain.certificate
    closes: list[Value] = [list(OLD), list(UNUSED)]
    items: list[Value] = [7, 1, GROUP, HEAD, certificate.chain_id, alice.user_id.data, chain.key.public, closes, at]
    return [
        ("group id = SHA-256 of the ASCII text group", GROUP),
        ("roster head = SHA-256 of the ASCII text head", HEAD),
        ("seed of the chain signing key", SEED),
        ("chain signing key", chain.key.public),
        ("chain id", certificate.chain_id),
        ("closes", encode(closes)),
        ("text that Alice signs", labelled(Label.CHAIN_CERTIFICATE, *items)),
        ("certificate", certificate.encode()),
        ("genesis", certificate.genesis),
        ("announcement from index 0, with the root of the tree above", chain.announcement().encode()),
    ]


def message_rows(alice: Identity, *, at: int) -> Rows:
    """The first message of that chain."""
    chain = begun(alice, at)
    parent = Parent(OLD.chain_id, OLD.final_index, LINK)
    content = Content("text/plain", at, (parent,), b"The board meets on Friday.")
    leaf = KeyTree.from_root(Secret(ROOT)).take(0)
    after, data, link = chain.encrypt(content, head=HEAD, hedge=HEDGE)
    message = parse_message(data)
    return [
        ("leaf 0", leaf.reveal()),
        ("content", encode_content(content)),
        ("padded", pad(encode_content(content))),
        ("16 random bytes", HEDGE),
        ("nonce", message.nonce),
        ("commitment", leaf_commitment(leaf)),
        ("header", message.header),
        ("ciphertext", message.ciphertext),
        ("link", link),
        ("text that the chain's key signs", Label.LINK_SIGNATURE + link),
        ("message", data),
        ("announcement from index 1", after.announcement().encode()),
    ]
