"""Fuzzes what reads the keys of a store: slots, tables of slots, keyrings, rows of data keys."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.running import Finding, instrumented, run

with instrumented():
    from siegel._core.secret import Secret
    from siegel.errors import StoreError
    from siegel.store.keyring import Keyring
    from siegel.store.slots import make_slot, open_slot, seal_slots, unlock

KEY, ROOT, STORE = b"\1" * 32, Secret(b"\2" * 32), b"\3" * 16
SLOT = make_slot(KEY, root=ROOT, store_id=STORE)
TABLE = seal_slots([SLOT], root=ROOT, store_id=STORE)
RING = Keyring.create(ROOT, store_id=STORE)
KID = RING.use(1, RING.scope_id("emil"))
((_, ROW),) = RING.changes().put


def _root_in_slot(data: bytes) -> None:
    _expect(open_slot(data, KEY, store_id=STORE).reveal() == ROOT.reveal())


def _root_by_table(data: bytes) -> None:
    _expect(unlock(data, KEY, store_id=STORE).reveal() == ROOT.reveal())


def _keyring(data: bytes) -> None:
    _expect(Keyring.decode(data, root=ROOT, store_id=STORE).names_key(1).reveal() == RING.names_key(1).reveal())


def _data_key(data: bytes) -> None:
    ring = Keyring.decode(RING.encode(), root=ROOT, store_id=STORE)
    ring.load([(KID, data)])
    ring.key(KID)


def _expect(same: bool) -> None:  # noqa: FBT001  # reads as a sentence
    if not same:
        raise Finding("opened, and to another key")


# The first byte says how the rest is used: 0 … 3 as bytes for one reader, otherwise as a slot in an authentic table.
READERS: list[tuple[Callable[[bytes], None], bytes]] = [
    (_root_in_slot, SLOT),
    (_root_by_table, TABLE),
    (_keyring, RING.encode()),
    (_data_key, ROW),
]
SEEDS = [bytes([number]) + honest for number, (_, honest) in enumerate(READERS)] + [b"\4" + SLOT]


def one_input(data: bytes) -> None:
    """Refused as an error of the store, or it is what the store wrote, to the last bit."""
    chosen, rest = data[0] if data else 0, data[1:]
    if chosen >= len(READERS):
        chosen, rest = 1, seal_slots([rest], root=ROOT, store_id=STORE)
    read, honest = READERS[chosen]
    try:
        read(rest)
    except StoreError:
        return
    if rest != honest:
        raise Finding("accepted, and not what the store wrote")


if __name__ == "__main__":
    run(one_input, seeds=SEEDS, longest=4096)
