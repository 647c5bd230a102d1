"""Knows our side of a group: who we are, whom we can seal to, and how control goes out (spec: group.md, GRP-2, GRP-3).

Laws: nothing is sealed to anybody but active members, and newcomers; a broadcast goes out only where everybody who was
given its key may read it; a member without a usable record is skipped and named, and stops nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siegel._core.codec import array_head, bytes_head, encode
from siegel._core.instants import DAY
from siegel._core.secret import Secret
from siegel._core.suite import random_bytes
from siegel.audience import NONCE_BYTES as AUDIENCE_NONCE_BYTES
from siegel.contacts import Contacts
from siegel.errors import IdentityChanged, InvalidArgument
from siegel.groups import epoch
from siegel.groups.actions import Sealing
from siegel.groups.broadcast import MAX_CONTROL_BYTES, NONCE_BYTES, write_broadcast
from siegel.groups.control import CONTENT_TYPE, Control, GivenKey
from siegel.groups.state import Candidate
from siegel.identity import Identity, PublicIdentity, UserId
from siegel.sealed import Known, seal_content, seal_each
from siegel.sealing_keys import SealingKeys

RECORD_GRACE: Final = 30 * DAY  # so long after its end a record serves, if no newer one is known
_RENEW: Final = 30 * DAY  # so long before its end our own record is issued anew
_CONTENT: Final = array_head(3) + encode(CONTENT_TYPE)  # before the instant and the control


class Member:
    """One user on one device; ``holder`` opens what is sealed to us."""

    def __init__(self, holder: Identity | SealingKeys, contacts: Known) -> None:
        if not isinstance(holder, Identity | SealingKeys):
            raise InvalidArgument("a group takes an Identity or SealingKeys")
        self.holder, self.contacts = holder, contacts
        people = () if isinstance(contacts, Contacts) else contacts
        self._records = {public.user_id: public for public in people if isinstance(public, PublicIdentity)}
        self.identity = holder if isinstance(holder, Identity) else holder.identity
        self.user_id = self.identity.user_id

    # --- records

    def own_record(self, held: PublicIdentity | None, *, at: int) -> PublicIdentity:
        """The record that others shall seal to: the newest published one, or a fresh one with number 0."""
        published = self.holder.newest() if isinstance(self.holder, SealingKeys) else None
        newest = max((r for r in (published, held) if r), key=lambda record: record.issued_at, default=None)
        if newest is None or (not newest.sealing_number and newest.not_after - _RENEW <= at):
            return self.identity.public(at=max(at, newest.issued_at + 1 if newest else 0))
        return newest

    def record_of(self, candidate: Candidate, user: UserId) -> PublicIdentity | None:
        """The newest record known of a user that can be sealed to; None if there is none."""
        record, other = candidate.identities.get(user), self._contact(user)
        if record is None or (other is not None and other.issued_at > record.issued_at):
            record = other
        if record is None or record.not_after + RECORD_GRACE <= candidate.at:
            return None
        refused = candidate.history.roster.policy.sealing is Sealing.FORWARD_SECRET and record.sealing_number == 0
        return None if refused else record

    def _contact(self, user: UserId) -> PublicIdentity | None:
        if not isinstance(self.contacts, Contacts):
            return self._records.get(user)
        try:
            return self.contacts.get(user) if self.contacts.state(user) else None
        except IdentityChanged:
            return None

    # --- ways out

    def seal(self, candidate: Candidate, control: Control, users: Iterable[UserId]) -> tuple[UserId, ...]:
        """One sealed message to these users; who had to be skipped."""
        records = {user: self.record_of(candidate, user) for user in users}
        usable = [record for record in records.values() if record]
        if usable:
            data = control.encode()
            content = b"".join((_CONTENT, encode(candidate.at), bytes_head(len(data)), data))
            nonce, salt = random_bytes(AUDIENCE_NONCE_BYTES), random_bytes(32)
            candidate.outgoing.append(
                seal_content(
                    content,
                    sender=self.identity,
                    recipients=usable,
                    private=False,
                    nonce=nonce,
                    salt=salt,
                    sealer=seal_each,
                )
            )
        return tuple(sorted((user for user, record in records.items() if record is None), key=bytes))

    def broadcast(self, candidate: Candidate, control: Control, head: bytes, key: Secret) -> None:
        """One ciphertext for all who hold the epoch key of this head."""
        candidate.outgoing.append(
            write_broadcast(
                control.encode(),
                identity=self.identity,
                group_id=candidate.group_id,
                head=head,
                key=key,
                at=candidate.at,
                hedge=random_bytes(NONCE_BYTES),
            )
        )

    def spread(
        self, candidate: Candidate, control: Control, *, head: bytes, to: frozenset[UserId]
    ) -> tuple[UserId, ...]:
        """Control that these active members need: broadcast under the key of this head, or sealed (GRP-3)."""
        history, roster = candidate.history, candidate.history.roster_of(head)
        key, listeners = epoch.key_at(history, candidate.keys, head), epoch.listeners(history, head)
        if key is None or listeners is None or len(control.encode()) > MAX_CONTROL_BYTES:
            return self.seal(candidate, control, to)
        if control.announcements and not epoch.may_announce(roster, key, at=candidate.at):
            return self.seal(candidate, control, to)
        self.broadcast(candidate, control, head, key.key)
        return () if to is listeners else self.seal(candidate, control, to - listeners)

    def give(self, candidate: Candidate, control: Control, users: frozenset[UserId]) -> tuple[UserId, ...]:
        """Seals control to these users, with the newest epoch key for those of them who may have it (EPO-4)."""
        entitled = users & epoch.entitled(candidate.history)
        skipped = self.seal(candidate, control._replace(key=self.newest_key(candidate)), entitled)
        return (*skipped, *self.seal(candidate, control, users - entitled))

    def newest_key(self, candidate: Candidate) -> GivenKey | None:
        """The epoch key of the head that holds, if it is here."""
        head = candidate.history.roster.head
        key = epoch.key_at(candidate.history, candidate.keys, head)
        return GivenKey(head, key.key) if key else None
