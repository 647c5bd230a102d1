"""Knows whom the caller knows: pinned, verified, violated (spec: identity.md, ID-11, ID-14, ID-15, ID-19).

Laws: a pinned key changes by a person's act alone; a violation stays until a person resolves it; an older record never
replaces a newer one. The library never fetches a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from siegel._core import shape
from siegel._core.codec import Decoded, Value, decode, encode
from siegel.errors import IdentityChanged, InvalidArgument, MalformedError, Superseded, UnknownSender
from siegel.events import ContactEvent, ForkDetected, SealingKeyShared, SuccessionClaimed
from siegel.identity import USER_ID_BYTES, PublicIdentity, UserId, parse_record
from siegel.safety import check_safety
from siegel.succession import Succession

_FORMAT: Final = "siegel contacts 1"  # local state, not a protocol object
_WHERE: Final = "contacts"


class ContactState(Enum):
    """How far a contact is trusted. ``VIOLATED`` stays until ``accept`` or ``verify`` resolves it."""

    PINNED = 0
    VERIFIED = 1
    VIOLATED = 2


class _Contact(NamedTuple):
    record: PublicIdentity
    state: ContactState = ContactState.PINNED
    succession: Succession | None = None


class Contacts:
    """The people whom the caller knows, by user id; and by ``name``, the caller's own account id, where given.

    A name is what a directory could lie about: it is pinned to the first user id that was added under it, and another
    id under that name is IdentityChanged, never a silent swap (attacks ID-1, ID-2). ``ours`` is needed by ``verify``.
    """

    __slots__ = ("_names", "_people", "ours")

    def __init__(self, ours: UserId | None = None) -> None:
        self.ours = ours
        self._people: dict[UserId, _Contact] = {}
        self._names: dict[str, UserId] = {}

    # --- what a directory or a peer hands us

    def add(self, public: PublicIdentity, *, name: str | None = None) -> tuple[ContactEvent, ...]:
        """Pins a new contact, or takes a newer record of a known one. Returns events.

        Raises Superseded (older than the record held; nothing changes) and IdentityChanged (another user under this
        name, or another record of the same instant); the pinned contact is then ``VIOLATED`` and its record kept.
        """
        _check_name(name)
        pinned = self._names.get(name, public.user_id) if name is not None else public.user_id
        if pinned != public.user_id:
            self._violate(pinned)
            raise IdentityChanged("the name is pinned to another user id; the pinned record is kept")
        held = self._people.get(public.user_id)
        if held and held.record != public:
            self._check_order(held, public)
        events = self._shared_sealing_keys(public)
        self._people[public.user_id] = held._replace(record=public) if held else _Contact(public)
        if name is not None:
            self._names[name] = public.user_id
        return events

    def succeed(self, succession: Succession) -> tuple[ContactEvent, ...]:
        """Takes note of a hand-over: the old contact becomes ``VIOLATED``; the new one is not pinned by this.

        A second hand-over to somebody else is a fork, reported with both as evidence. UnknownSender if the old user is
        not a contact.
        """
        held = self._require(succession.old)
        if held.succession is not None and held.succession.new == succession.new:
            return ()
        self._people[succession.old] = held._replace(
            state=ContactState.VIOLATED, succession=held.succession or succession
        )
        if held.succession is not None:
            return (ForkDetected(succession.old, (held.succession.encode(), succession.encode())),)
        return (SuccessionClaimed(succession.old, succession.new),)

    # --- what a person decides

    def accept(self, public: PublicIdentity, *, name: str | None = None) -> None:
        """A person accepts this record, and this user for the name. The state becomes ``PINNED``, never ``VERIFIED``.

        Superseded if a newer record of this user is held: accepting cannot roll back.
        """
        _check_name(name)
        held = self._people.get(public.user_id)
        if held and public.issued_at < held.record.issued_at:
            raise Superseded("a newer record of this user is held")
        self._people[public.user_id] = _Contact(public, succession=held.succession if held else None)
        if name is not None:
            self._names[name] = public.user_id

    def verify(self, user_id: UserId, number: str | bytes) -> None:
        """A person compared safety numbers: what the other side shows, its 60 digits or its QR payload.

        Then the state is ``VERIFIED``. If it differs: IdentityChanged; the state stays. InvalidArgument if no ``ours``.
        """
        if self.ours is None:
            raise InvalidArgument("these contacts do not know their owner: Contacts(identity.user_id)")
        held = self._require(user_id)
        check_safety(number, ours=self.ours, theirs=user_id)
        self._people[user_id] = held._replace(state=ContactState.VERIFIED)

    # --- what the caller asks

    def state(self, user_id: UserId) -> ContactState | None:
        """How far the user is trusted; None for nobody we know."""
        held = self._people.get(user_id)
        return held.state if held else None

    def get(self, who: UserId | str) -> PublicIdentity:
        """The record to seal to, by user id or name.

        InvalidArgument if unknown; IdentityChanged if violated: a hard stop until a person has decided.
        """
        user_id = self._names.get(who) if isinstance(who, str) else who
        held = self._people.get(user_id) if user_id else None
        if held is None:
            raise InvalidArgument("nobody of this name or id is in the contacts")
        if held.state is ContactState.VIOLATED:
            raise IdentityChanged("the identity of this contact is in doubt; nothing is sealed to it")
        return held.record

    def require(self, sender: UserId) -> None:
        """Returns if a message of this sender may be delivered: UnknownSender or IdentityChanged otherwise."""
        if self._require(sender).state is ContactState.VIOLATED:
            raise IdentityChanged("the identity of the sender is in doubt; open again when a person has decided")

    def __iter__(self) -> Iterator[UserId]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)

    # --- at rest

    def encode(self) -> bytes:
        """The state, without secrets. Whoever can change these bytes decides whom we know: keep them in the store."""
        people: list[Value] = [
            [held.record.encode(), held.state.value, held.succession.encode() if held.succession else None]
            for held in self._people.values()
        ]
        names: list[Value] = [[name, user_id.data] for name, user_id in self._names.items()]
        return encode([_FORMAT, self.ours.data if self.ours else None, people, names])

    @classmethod
    def decode(cls, data: bytes) -> Contacts:
        """The state that ``encode`` wrote; every record is checked again. MalformedError for other bytes."""
        form, ours, people, names = shape.array(decode(data), 4, _WHERE)
        if form != _FORMAT:
            raise MalformedError(_WHERE, "not a state of contacts")
        contacts = cls(None if ours is None else UserId(shape.octets(ours, USER_ID_BYTES, _WHERE)))
        for entry in shape.array(people, None, _WHERE):
            contact = _contact(entry)
            if contact.record.user_id in contacts._people:
                raise MalformedError(_WHERE, "a user stands twice")
            contacts._people[contact.record.user_id] = contact
        for entry in shape.array(names, None, _WHERE):
            raw_name, raw_id = shape.array(entry, 2, _WHERE)
            name, user_id = shape.text(raw_name, _WHERE), UserId(shape.octets(raw_id, USER_ID_BYTES, _WHERE))
            if name in contacts._names or user_id not in contacts._people:
                raise MalformedError(_WHERE, "a name stands twice, or is of nobody in the contacts")
            contacts._names[name] = user_id
        return contacts

    # --- inside

    def _require(self, user_id: UserId) -> _Contact:
        held = self._people.get(user_id)
        if held is None:
            raise UnknownSender(user_id.data)
        return held

    def _violate(self, user_id: UserId) -> None:
        self._people[user_id] = self._people[user_id]._replace(state=ContactState.VIOLATED)

    def _check_order(self, held: _Contact, public: PublicIdentity) -> None:
        if public.issued_at < held.record.issued_at:
            raise Superseded("a newer record of this user is held")
        if public.issued_at == held.record.issued_at:
            self._violate(public.user_id)
            raise IdentityChanged("another record of the same instant is held: two devices, or a stolen key")

    def _shared_sealing_keys(self, public: PublicIdentity) -> tuple[ContactEvent, ...]:
        # Reported and not refused: refusing would let a squatter who copied the key lock its owner out.
        return tuple(
            SealingKeyShared(public.user_id, other)
            for other, held in self._people.items()
            if other != public.user_id and held.record.sealing_key.data == public.sealing_key.data
        )


def _check_name(name: str | None) -> None:
    if name is not None:
        if type(name) is not str:
            raise InvalidArgument("a name is text")
        encode(name)  # refuses what could not be saved: other text than Unicode normal form C


def _contact(value: Decoded) -> _Contact:
    """One contact as ``encode`` wrote it, its records checked again."""
    raw_record, raw_state, raw_succession = shape.array(value, 3, _WHERE)
    record = parse_record(shape.octets(raw_record, None, _WHERE))
    state = ContactState(shape.uint(raw_state, _WHERE, most=ContactState.VIOLATED.value))
    if raw_succession is None:
        return _Contact(record, state)
    succession = Succession.decode(shape.octets(raw_succession, None, _WHERE))
    if succession.old != record.user_id:
        raise MalformedError(_WHERE, "a hand-over stands with another user")
    return _Contact(record, state, succession)
