"""Processes whose group lives in one store: ``python -m tests.store.senders HOW PLACE NUMBER COUNT``.

``send`` waits for a line, then encrypts COUNT messages as fast as it can, beginning again where another was first;
``locked`` the same within a transaction each. ``work`` goes on from NUMBER until it is killed: in each transaction a
message and a row of the application's own; it tells the number of each that was kept, and delivers from its outbox to a
file. ``receive`` takes what stands in that file, each message in a transaction with a row of its own, and tells how far
it is.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from siegel import Group
from siegel.errors import Conflict, NotARecipient, Replay, SerializationFailure
from siegel.events import MessageReceived
from siegel.store.group_storage import StoreStorage
from siegel.store.postgres_backend import PostgresBackend
from siegel.store.sqlite_backend import SqliteBackend
from siegel.store.store import Store
from tests.markdown import ROOT
from tests.people import AT, HOUR, person
from tests.store.clients import CONTACTS
from tests.store.records_at_hand import KEY

LATER = AT + HOUR  # the records of the people are as old as they are in all tests
OWNERS = {"send": "anna", "locked": "anna", "work": "anna", "receive": "bert"}


def start(how: str, place: Path | str, number: int = 0, count: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.senders", how, str(place), str(number), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def opened(place: str) -> Store:
    """The store in a file, or at an address of PostgreSQL."""
    return Store.open(PostgresBackend(place) if "=" in place else SqliteBackend(place, timeout=60), key=KEY)


def group_in(store: Store, owner: str) -> tuple[Group, StoreStorage]:
    storage = StoreStorage(store)
    while True:
        try:
            (group_id,) = storage.groups()
            return Group.load(group_id, identity=person(owner), contacts=CONTACTS, storage=storage), storage
        except (Conflict, SerializationFailure):
            continue


def send(store: Store, group: Group, *, count: int, name: str, locked: bool) -> int:
    """How often another writer came in between."""
    conflicts = 0
    for number in range(count):
        while True:
            try:
                with store.transaction() if locked else nullcontext():
                    group.encrypt(f"{name} {number}".encode(), at=LATER + number)
                break
            except (Conflict, SerializationFailure):
                conflicts += 1
    return conflicts


def work(store: Store, group: Group, storage: StoreStorage, *, number: int, wire: Path) -> None:
    history = store.collection("history")
    with wire.open("ab", buffering=0) as file:
        while True:
            with store.transaction():
                group.encrypt(b"%d" % number, at=LATER + number)
                history.put(str(number), b"")
            print(number, flush=True)  # noqa: T201  # the process that started this one reads it
            number += 1
            if number % 5 == 0:
                for parcel in storage.outbox.pending():
                    file.write(parcel.data.hex().encode() + b"\n")
                    storage.outbox.acknowledge(parcel.number)


def receive(store: Store, group: Group, mail: list[bytes]) -> None:
    history = store.collection("history")
    for number, data in enumerate(mail):
        try:
            with store.transaction():
                for event in group.receive(data, at=LATER + number):
                    if isinstance(event, MessageReceived):
                        history.put(event.body.decode(), b"", expected=0)
        except (Replay, NotARecipient):
            pass
        print(number, flush=True)  # noqa: T201  # as above


def on_the_wire(wire: Path) -> list[bytes]:
    """What was delivered; a line that was cut off was not."""
    return list(_lines(wire.read_bytes()))


def _lines(data: bytes) -> Iterator[bytes]:
    for line in data.split(b"\n")[:-1]:
        yield bytes.fromhex(line.decode())


def main(how: str, place: str, number: int, count: int) -> None:
    store = opened(place)
    group, storage = group_in(store, OWNERS[how])
    wire = Path(place).with_suffix(".wire")
    match how:
        case "send" | "locked":
            name = str(number)
            print("ready", flush=True)  # noqa: T201  # as above
            sys.stdin.readline()
            print(send(store, group, count=count, name=name, locked=how == "locked"), flush=True)  # noqa: T201  # as above
        case "work":
            work(store, group, storage, number=number, wire=wire)
        case _:
            receive(store, group, on_the_wire(wire))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
