"""Fuzzes what reads records: public identities, hand-overs, and the saved states that hold them."""

from __future__ import annotations

from fuzz.running import Finding, instrumented, run

with instrumented():
    from siegel import Contacts, Identity, PublicIdentity, SealingKeys, Succession
    from siegel._core import shape
    from siegel._core.codec import Value, encode
    from siegel._core.labels import Label, labelled
    from siegel._core.suite import sign
    from siegel.errors import SiegelError
    from siegel.identity import sealing_secret, signing_key

AT = 1_700_000_000_000
ALICE = Identity.from_secret(b"\1" * 32)
BOB = Identity.from_secret(b"\2" * 32)
RECORD = ALICE.public(at=AT)
KEY = sealing_secret(ALICE).public
HANDOVER = Succession.create(old=ALICE, new=BOB, at=AT)


def _contacts() -> bytes:
    contacts = Contacts(BOB.user_id)
    contacts.add(RECORD, name="alice")
    contacts.succeed(HANDOVER)
    return contacts.encode()


def _sealing_keys() -> bytes:
    keys = SealingKeys(ALICE)
    keys.rotate(at=AT)
    return keys.encode()


# The first byte says how the rest is used: 0 … 3 as bytes for one reader, otherwise as changes that are signed.
READERS = [
    lambda data: PublicIdentity.decode(data, at=AT).encode(),
    lambda data: Succession.decode(data).encode(),
    lambda data: Contacts.decode(data).encode(),
    lambda data: SealingKeys.decode(data, identity=ALICE).encode(),
]
SEEDS = [
    b"\0" + RECORD.encode(),
    b"\1" + HANDOVER.encode(),
    b"\2" + _contacts(),
    b"\3" + _sealing_keys(),
    b"\4" + bytes(26),
    b"\4" + bytes.fromhex("04a0 ff7f 0000018bcfe56800 0000018bcfe56800 0000018bcfe56801"),
]


def one_input(data: bytes) -> None:
    """Refused as a SiegelError, or read; and what was read writes itself as the very same bytes."""
    chosen, rest = data[0] if data else 0, data[1:]
    if chosen >= len(READERS):
        chosen, rest = 0, signed(rest)
    try:
        written = READERS[chosen](rest)
    except SiegelError:
        return
    if written != rest:
        raise Finding("accepted, and not the one encoding")


def signed(changes: bytes) -> bytes:
    """Alice's record with changes that she signed: place and bytes in the sealing key, number, issued at, not after."""
    place = int.from_bytes(changes[:2], "big") % len(KEY)
    patched = (KEY[:place] + changes[2:4] + KEY[place + 2 :])[: len(KEY)]
    numbers = [int.from_bytes(changes[at : at + 8], "big") for at in (4, 12, 20)]
    fields: list[Value] = [ALICE.user_id.data, patched, *numbers]
    text = labelled(Label.PUBLIC_IDENTITY, shape.PUBLIC_IDENTITY, shape.VERSION, *fields)
    return encode([shape.PUBLIC_IDENTITY, shape.VERSION, *fields, sign(signing_key(ALICE), text)])


if __name__ == "__main__":
    run(one_input, seeds=SEEDS, longest=4096)
