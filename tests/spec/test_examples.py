"""The worked examples of the specification say what the code does, and what they show opens."""

from __future__ import annotations

import pytest

from siegel import Identity, PublicIdentity, Succession, open_sealed
from tests.spec import examples

COMPUTED = examples.examples()
VALUES = examples.values_on_pages()


def on_page(example: str, name: str) -> bytes:
    """One value, read from the page and not from the code that wrote it."""
    return bytes.fromhex(VALUES[example][name])


@pytest.mark.parametrize("name", COMPUTED)
def test_the_page_says_what_the_code_does(name: str) -> None:
    assert examples.blocks_on_pages()[name] == examples.rendered(COMPUTED[name]), "python -m tests.spec.examples"


def test_no_other_example_stands_on_a_page() -> None:
    assert examples.blocks_on_pages().keys() == COMPUTED.keys()


def test_the_message_opens() -> None:
    alice, bob = Identity.from_secret(examples.ALICE), Identity.from_secret(examples.BOB)
    opened = open_sealed(on_page("example-message", "envelope"), identity=bob, contacts=[alice.user_id])
    assert (opened.body, opened.sender) == (b"The board meets on Friday.", alice.user_id)
    assert opened.message_id == on_page("example-message", "message id")


def test_the_records_decode() -> None:
    alice, carol = Identity.from_secret(examples.ALICE), Identity.from_secret(examples.CAROL)
    record = PublicIdentity.decode(on_page("example-public-identity", "record"), at=examples.AT)
    succession = Succession.decode(on_page("example-succession", "record"))
    assert record.user_id == succession.old == alice.user_id
    assert succession.new == carol.user_id
