"""What the vectors of chains reach, and that reference and library agree on bytes that are in no vector."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from siegel.errors import PeerError
from siegel.groups.certificate import Announcement, Certificate
from siegel.groups.key_tree import KeyTree
from siegel.groups.message import parse_message
from tests.markdown import ROOT
from tests.vectors.files import VECTORS, Vector
from tests.vectors.reference import Refused, group_message, key_tree, sender_chain
from tests.vectors.test_mutations import changes, first

PAGES: Final = {name: (ROOT / "docs" / "spec" / f"{name}.md").read_text("utf-8") for name in ("chain", "message")}
SILENT: Final = {"commitment", "body", "padding", "content"}


def stages(page: str, rule: str) -> list[str]:
    """The first column of the table of checks in a rule."""
    text = PAGES[page].partition(f"**{rule}.**")[2]
    table = text[text.index("| stage |") :].partition("\n\n")[0]
    return re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)


def invalid(category: str, *types: str) -> list[Vector]:
    return [v for v in VECTORS if not v.valid and v.category == category and (not types or v.type in types)]


# --- what they reach --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vectors", "wanted"),
    [
        (invalid("chain-certificate", "certificate"), stages("chain", "CHN-5")),
        (invalid("announcement") + invalid("group-message", "receive"), stages("chain", "CHN-6")),
        (invalid("group-message"), stages("message", "MSG-13")),
    ],
    ids=["certificate", "announcement", "message"],
)
def test_every_stage_refuses_something(vectors: list[Vector], wanted: list[str]) -> None:
    assert len(wanted) > 6
    assert sorted(set(wanted) - {vector.test["error"]["stage"] for vector in vectors}) == []


def test_from_the_commitment_on_there_is_one_error() -> None:
    for vector in invalid("group-message", "group-message", "receive"):
        error = vector.test["error"]
        silent = error["stage"] in {*SILENT, "authentic"}
        assert silent == (error["code"] == "invalid-message"), vector


def test_a_refusal_on_the_way_has_its_code_and_stage() -> None:
    table = dict(re.findall(r"^\| `([a-z-]+)` \|[^|]*\| `([a-z-]+)` \|$", PAGES["message"], re.MULTILINE))
    table |= {"permission": "not-permitted"}
    found = [refused for vector in VECTORS if vector.type == "receive" for refused in refusals(vector.test["expected"])]
    assert len(found) > 100
    assert [r for r in found if r["stage"] in table and r["refused"] != table[r["stage"]]] == []


def refusals(value: Any) -> list[dict[str, str]]:
    """Every verdict in an expectation that refuses."""
    if isinstance(value, list):
        return [found for item in value for found in refusals(item)]
    if isinstance(value, dict):
        own = [value] if "refused" in value else []
        return own + [found for item in value.values() for found in refusals(item)]
    return []


def test_a_ciphertext_that_opens_under_two_keys() -> None:
    """The AEAD accepts both keys of the vector: only the commitment tells them apart (MSG-5, attack GR-7)."""
    (vector,) = [v for v in VECTORS if v.category == "group-message" and "leaves" in v.test.get("intermediate", {})]
    shown = vector.test["intermediate"]
    nonce, header, ciphertext = (bytes.fromhex(shown[name]) for name in ("nonce", "header", "ciphertext"))
    texts = {AESGCM(bytes.fromhex(key)).decrypt(nonce, ciphertext, header) for key in shown["leaves"]}
    assert len(texts) == 2
    assert vector.test["error"] == {"code": "invalid-message", "stage": "commitment"}


# --- the two on bytes that are in no vector ---------------------------------------------------------------------------


def same_verdict(data: bytes, read: Callable[[bytes], object], ours: Callable[[bytes], object]) -> bool:
    """Whether both accept the bytes, or both refuse them with one code. The answer is whether they accept."""
    try:
        read(data)
    except Refused as refused:
        expected = refused.code
    else:
        expected = ""
    try:
        ours(data)
    except PeerError as error:
        found = error.code
    else:
        found = ""
    assert found == expected, data.hex()
    return not expected


def parts(message: Any) -> list[object]:
    """The fields of a message, as reference and library name them."""
    number = message.index if isinstance(message, group_message.Message) else message.number
    fields = "chain_id", "head", "previous", "nonce", "commitment", "ciphertext", "signature", "link"
    return [number, *(getattr(message, name) for name in fields)]


@pytest.mark.parametrize(
    "comment", ["a message", "a message of index 24", "a message of index 256", "a body of 256 bytes"]
)
def test_both_read_the_same_messages(comment: str) -> None:
    data = first("group-message", comment).case().data("message")
    accepted = [one for _, one in changes(data) if same_verdict(one, group_message.read, parse_message)]
    assert len(accepted) > 200
    for one in [data, *accepted]:
        assert parts(group_message.read(one)) == parts(parse_message(one))


def test_both_read_the_same_certificates() -> None:
    data = first("certificate", "a certificate that ends two").case().data("certificate")
    accepted = [c for c, one in changes(data) if same_verdict(one, sender_chain.read_certificate, Certificate.decode)]
    assert accepted == []


def test_both_read_the_same_announcements() -> None:
    """What is not signed in it, start, nodes and link, is held by its carrier."""
    data = first("announcement", "a chain from index 10000 on").case().data("announcement")
    for change, one in changes(data):
        if same_verdict(one, sender_chain.read_announcement, Announcement.decode):
            assert change.startswith("flipped")


def test_both_read_the_same_frontiers() -> None:
    data = first("frontier", "a hole between two nodes").case().data("frontier")
    accepted = [one for _, one in changes(data) if same_verdict(one, key_tree.read, KeyTree.decode)]
    assert all(key_tree.write(key_tree.read(one)) == KeyTree.decode(one).encode() == one for one in accepted)
    assert len(accepted) > 60
