"""Clients of the tests: people whose groups live in stores, and a server that takes from their outboxes.

Whatever is delivered here was given out by an outbox; the return values of the groups are not looked at.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress

from siegel import Group, Identity, PublicIdentity
from siegel.envelope import letters
from siegel.errors import MalformedError, PeerError
from siegel.events import GroupEvent, MessageReceived
from siegel.groups.message import parse_message
from siegel.groups.state import prefix_of
from siegel.store.group_storage import StoreStorage
from siegel.store.memory_backend import MemoryBackend
from siegel.store.outbox import Outbox, Parcel
from siegel.store.store import Store
from tests.people import AT, SECOND, person, public, secret_of

TEAM = ("anna", "bert", "carl")
CONTACTS: tuple[PublicIdentity, ...] = tuple(public(name) for name in (*TEAM, "dora", "emil"))

_MESSAGE = b"\x8a\x03"


class Clock:
    """The instant of the tests; it goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> int:
        self.at += SECOND
        return self.at


class Client:
    """One person's device: a store, and in it at most one group that matters here."""

    def __init__(self, name: str, store: Store, clock: Clock) -> None:
        self.name, self.clock = name, clock
        self.identity: Identity = person(name)
        self.group: Group | None = None
        self.events: list[GroupEvent] = []
        self.errors: list[PeerError] = []
        self.use(store)

    def use(self, store: Store) -> None:
        """The device goes on with this store."""
        self.store = store
        self.storage = StoreStorage(store)
        if ids := self.storage.groups():
            self.group = self.load(ids[0])

    def load(self, group_id: bytes, storage: StoreStorage | None = None) -> Group:
        """A group object of its own, from the store."""
        return Group.load(group_id, identity=self.identity, contacts=CONTACTS, storage=storage or self.storage)

    @property
    def here(self) -> Group:
        assert self.group is not None
        return self.group

    @property
    def outbox(self) -> Outbox:
        return self.storage.outbox

    @property
    def bodies(self) -> list[bytes]:
        """What was read, in order."""
        return [event.body for event in self.events if isinstance(event, MessageReceived)]

    def say(self, text: str) -> None:
        self.here.encrypt(text.encode(), at=self.clock())

    def take(self, data: bytes) -> None:
        """Bytes that a server delivers."""
        try:
            if self.group is not None:
                self.events += self.group.receive(data, at=self.clock())
                return
            shares = dict(letters(data)) if data[:1] == b"\x86" and data[1:2] == b"\x02" else {}
            if self.identity.user_id in shares:
                self.group = Group.join(
                    data, identity=self.identity, contacts=CONTACTS, storage=self.storage, at=self.clock()
                )
        except PeerError as error:
            self.errors.append(error)


def founded(*stores: Store, names: Iterable[str] = TEAM) -> list[Client]:
    """A group of clients with these stores (fresh ones in memory, if none are given); the first founds it."""
    clock = Clock()
    people = list(names)
    given = list(stores) + [fresh() for _ in people[len(stores) :]]
    clients = [Client(name, store, clock) for name, store in zip(people, given, strict=True)]
    first = clients[0]
    first.group, _ = Group.create(
        first.identity,
        members=[public(name) for name in people[1:]],
        name="a team",
        storage=first.storage,
        at=clock(),
    )
    deliver(clients)
    return clients


def stored(client: Client) -> dict[str, bytes]:
    """All records of the client's group, as a new handle loads them."""
    return dict(StoreStorage(client.store).load(prefix_of(client.here.group_id)))


def fresh() -> Store:
    """A store in memory."""
    return Store.create(MemoryBackend(), key=secret_of("store"))


class ApplicationError(Exception):
    """Something of the application's own that fails."""


@contextmanager
def undone(store: Store) -> Generator[None]:
    """A transaction in which the application fails at the end."""
    with suppress(ApplicationError), store.transaction():
        yield
        raise ApplicationError


def deliver(clients: Iterable[Client]) -> list[Parcel]:
    """Empties all outboxes, in their order; whatever that brings about is delivered, too."""
    everybody = list(clients)
    sent: list[Parcel] = []
    while parcels := [(client, parcel) for client in everybody for parcel in client.outbox.pending()]:
        for sender, parcel in parcels:
            for client in everybody:
                if client is not sender and _is_for(client, parcel.data):
                    client.take(parcel.data)
            sender.outbox.acknowledge(parcel.number)
            sent.append(parcel)
    return sent


def _is_for(client: Client, data: bytes) -> bool:
    try:
        return client.identity.user_id in dict(letters(data))
    except MalformedError:
        return True


def places(wire: Iterable[bytes]) -> dict[tuple[bytes, int], set[bytes]]:
    """The group messages of a wire by chain and index; each should be one message."""
    found: dict[tuple[bytes, int], set[bytes]] = {}
    for data in wire:
        if data[:2] == _MESSAGE:
            message = parse_message(data)
            found.setdefault((message.chain_id, message.number), set()).add(data)
    return found
