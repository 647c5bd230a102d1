"""What the type checkers were told about is what happens."""

from __future__ import annotations

import asyncio
from pathlib import Path

from siegel import Succession
from siegel.events import SuccessionClaimed
from tests.people import person
from tests.typing import interface


def test_the_interface_as_it_is_typed(tmp_path: Path) -> None:
    alice, bob = person("alice"), person("bob")
    record = interface.identities(alice, bob)
    handover = Succession.create(old=alice, new=person("alice, again"))
    contacts = interface.contacts_of(bob, alice.public(), handover)
    assert interface.messages(alice, bob, record, contacts).body == b"text"
    assert str(alice.user_id) in interface.told(SuccessionClaimed(alice.user_id, bob.user_id))
    (tmp_path / "source").write_bytes(b"text")
    assert asyncio.run(interface.attachments(tmp_path)).name == "a.txt"
    interface.errors()
