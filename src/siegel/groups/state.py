"""Knows a group's state as a set of small records, and the candidate for its next state (spec: group.md).

Laws: a transition works on a candidate, and nothing of the state changes before the candidate's records are committed;
it writes the records that changed and no others. Links are read from the storage chain by chain, when they are needed.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Final, Generic, TypeAlias, TypeVar

from siegel._core import shape
from siegel._core.codec import decode, encode
from siegel._core.suite import sha256
from siegel.errors import MalformedError
from siegel.groups.certificate import Certificate
from siegel.groups.chain import Chain, Step
from siegel.groups.epoch import EpochKey
from siegel.groups.history import History
from siegel.groups.links import Row, decode_row, encode_row
from siegel.groups.message import CHAIN_ID_BYTES
from siegel.groups.permission import Permissions
from siegel.groups.records import (
    Flags,
    OwedClose,
    decode_audience,
    decode_flags,
    decode_owed,
    encode_audience,
    encode_flags,
    encode_owed,
)
from siegel.groups.sending_chain import SendingChain
from siegel.groups.storage import Records, Storage
from siegel.identity import PublicIdentity, UserId, parse_record

MAX_OWN: Final = 16

_K = TypeVar("_K")
_V = TypeVar("_V")
# What decides whether our live chain may go on: the history, the chain's certificate, and who has its keys.
Fit: TypeAlias = tuple[History, Certificate | None, frozenset[UserId]]

_WHERE: Final = "group record"
_SENDING: Final = b"\x82\x50%b%b"  # chain id, the chain's record


class Overlay(Mapping[_K, _V], Generic[_K, _V]):
    """A mapping and what is to change in it; ``changed`` holds None for what is to be deleted."""

    __slots__ = ("_base", "changed")

    def __init__(self, base: MutableMapping[_K, _V]) -> None:
        self._base = base
        self.changed: dict[_K, _V | None] = {}

    def __getitem__(self, key: _K) -> _V:
        if key not in self.changed:
            return self._base[key]
        value = self.changed[key]
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[_K]:
        yield from (key for key in self._base if key not in self.changed)
        yield from (key for key, value in self.changed.items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def put(self, key: _K, value: _V | None) -> None:
        """The value from now on; None for nothing."""
        self.changed[key] = value

    def assign(self) -> None:
        """Makes the changes in the mapping below."""
        for key, value in self.changed.items():
            if value is None:
                self._base.pop(key, None)
            else:
                self._base[key] = value


class Rows(Mapping[int, Row]):
    """The link rows of one chain; those of the storage are decoded when they are asked for."""

    def __init__(self, records: Mapping[int, bytes]) -> None:
        self._records = records
        self._rows: dict[int, Row] = {}

    def __getitem__(self, place: int) -> Row:
        if place not in self._rows:
            self._rows[place] = decode_row(self._records[place])
        return self._rows[place]

    def __contains__(self, place: object) -> bool:
        return place in self._rows or place in self._records

    def get(self, place: int, default: Row = ()) -> Row:  # type: ignore[override]  # asked for each message: no detour
        """The row, or the default."""
        row = self._rows.get(place)
        if row is not None:
            return row
        return self[place] if place in self._records else default

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows.keys() | self._records.keys())

    def __len__(self) -> int:
        return len(self._rows.keys() | self._records.keys())

    def update(self, rows: Mapping[int, Row]) -> None:
        """Takes rows that were committed."""
        self._rows.update(rows)


class Identities(MutableMapping[UserId, PublicIdentity]):
    """The members' public identities; those of the storage are read and verified when they are asked for."""

    def __init__(self, records: Iterable[tuple[str, bytes]] = ()) -> None:
        self._records: dict[UserId, bytes | PublicIdentity] = {_user(name): data for name, data in records}

    def __getitem__(self, user: UserId) -> PublicIdentity:
        record = self._records[user]
        if not isinstance(record, bytes):
            return record
        public = parse_record(record)
        if public.user_id != user:
            raise MalformedError(_WHERE, "the identity of somebody else")
        self._records[user] = public
        return public

    def __setitem__(self, user: UserId, record: PublicIdentity) -> None:
        self._records[user] = record

    def __delitem__(self, user: UserId) -> None:
        del self._records[user]

    def __iter__(self) -> Iterator[UserId]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


class State:
    """What is known of one group. It changes by ``Candidate.assign`` alone."""

    def __init__(self, storage: Storage, history: History) -> None:
        self.storage, self.history = storage, history
        self.permissions = Permissions(history)
        self.prefix = prefix_of(history.roster.group_id)
        self.chains: dict[bytes, Chain] = {}
        self.keys: dict[bytes, EpochKey] = {}
        self.identities = Identities()
        self.closes: dict[bytes, OwedClose] = {}
        self.sending: SendingChain | None = None
        self.audience: frozenset[UserId] = frozenset()
        self.flags = Flags()
        self.ready: Fit | None = None  # what our live chain was last found to be fit for
        self._rows: dict[bytes, Rows] = {}

    @classmethod
    def load(cls, storage: Storage, group_id: bytes) -> State | None:
        """The state in the storage; None if there is no such group. MalformedError for records of another form."""
        prefix = prefix_of(group_id)
        log = [data for _, data in storage.load(f"{prefix}log/")]
        if not log:
            return None
        state = cls(storage, History.load(log))
        if state.prefix != prefix:
            raise MalformedError(_WHERE, "the log of another group")
        certificates = {_id(name): Certificate.decode(data) for name, data in storage.load(f"{prefix}certificate/")}
        for name, data in storage.load(f"{prefix}chain/"):
            state.chains[_id(name)] = Chain.decode(data, _certificate(certificates, _id(name)))
        state.keys = {_id(name): EpochKey.decode(data) for name, data in storage.load(f"{prefix}key/")}
        state.identities = Identities(storage.load(f"{prefix}identity/"))
        state.closes = {_id(name): decode_owed(data) for name, data in storage.load(f"{prefix}close/")}
        own = {name.removeprefix(f"{prefix}own/"): data for name, data in storage.load(f"{prefix}own/")}
        if "flags" in own:
            state.flags = decode_flags(own["flags"])
        if "audience" in own:
            state.audience = decode_audience(own["audience"], state.history)
        if "sending" in own:
            chain_id, chain = shape.array(decode(own["sending"]), 2, _WHERE)
            certificate = _certificate(certificates, shape.octets(chain_id, CHAIN_ID_BYTES, _WHERE))
            state.sending = SendingChain.decode(shape.octets(chain, None, _WHERE), certificate)
        return state

    def rows(self, chain_id: bytes) -> Rows:
        """The links of one chain."""
        if chain_id not in self._rows:
            found = self.storage.load(f"{self.prefix}link/{chain_id.hex()}/")
            self._rows[chain_id] = Rows({int(name.rpartition("/")[2]): data for name, data in found})
        return self._rows[chain_id]

    def note_rows(self, written: Mapping[bytes, Mapping[int, Row]], forgotten: Iterable[bytes]) -> None:
        """Links that were committed. Nothing is read here: a commit that is done is never told as one that failed."""
        for chain_id, rows in written.items():
            if chain_id in self._rows:
                self._rows[chain_id].update(rows)
        for chain_id in forgotten:
            self._rows[chain_id] = Rows({})


class Candidate:
    """The next state of a group in the making: change it, commit ``changes()``, then ``assign()``."""

    __slots__ = (
        *("_forgotten", "_log", "_ready", "_rows", "_state", "at", "audience", "chains", "closes", "flags", "history"),
        *("identities", "keys", "origin", "outgoing", "permissions", "rivals", "sending"),
    )

    def __init__(self, state: State, *, at: int) -> None:
        self._state = state
        self.at = at
        self.history, self.permissions = state.history, state.permissions
        self.chains = Overlay(state.chains)
        self.keys = Overlay(state.keys)
        self.identities = Overlay(state.identities)
        self.closes = Overlay(state.closes)
        self.sending, self.audience, self.flags = state.sending, state.audience, state.flags
        self.origin = state.history.roster.key_origin.head
        self.rivals: dict[bytes, EpochKey] = {}  # keys that contradict one which is held and not proven
        self.outgoing: list[bytes] = []
        self._ready = state.ready
        self._rows: dict[bytes, dict[int, Row]] = {}
        self._forgotten: list[bytes] = []
        self._log: list[bytes] = []

    @property
    def group_id(self) -> bytes:
        """The group's 32 bytes."""
        return self.history.roster.group_id

    def rows(self, chain_id: bytes) -> Mapping[int, Row]:
        """The links of one chain, with what has changed already."""
        rows, changed = self._state.rows(chain_id), self._rows.get(chain_id)
        return ChainMap(changed, rows) if changed else rows  # type: ignore[arg-type]  # written is the first map alone

    def take(self, step: Step) -> None:
        """A transition of one chain."""
        chain_id = step.chain.certificate.chain_id
        self.chains.put(chain_id, step.chain)
        self.write_rows(chain_id, step.rows)

    def write_rows(self, chain_id: bytes, rows: dict[int, Row]) -> None:
        """Links of one chain."""
        if chain_id in self._rows:
            self._rows[chain_id] |= rows
        elif rows:
            self._rows[chain_id] = rows

    def forget_rows(self, chain_id: bytes) -> None:
        """The links of a chain whose keys are gone."""
        self._forgotten.append(chain_id)

    def advance(self, history: History, stored: tuple[bytes, ...]) -> None:
        """Another history, and what it adds to the log."""
        self.history = history
        self.permissions = Permissions(history)
        self._log.extend(stored)

    def is_ready(self, fit: Fit) -> bool:
        """Whether our live chain was found fit for the very same objects before (sending.py)."""
        ready = self._ready
        return ready is not None and ready[0] is fit[0] and ready[1] is fit[1] and ready[2] is fit[2]

    def set_ready(self, fit: Fit) -> None:
        """Our live chain was found fit for these."""
        self._ready = fit

    # --- ending

    def changes(self) -> dict[str, bytes | None]:
        """The records that change, by name."""
        state, prefix = self._state, self._state.prefix
        records = Records({f"{prefix}log/{sha256(item).hex()}": item for item in self._log})
        for chain_id, chain in self.chains.changed.items():
            if chain and chain_id not in state.chains:
                records[f"{prefix}certificate/{chain_id.hex()}"] = chain.certificate.encode()
            records[f"{prefix}chain/{chain_id.hex()}"] = chain.encode() if chain else None
        for chain_id, rows in self._rows.items():
            folder = f"{prefix}link/{chain_id.hex()}/"
            for place, row in rows.items():
                records[f"{folder}{place}"] = encode_row(row)
        for chain_id in self._forgotten:
            records.update({name: None for name, _ in state.storage.load(f"{prefix}link/{chain_id.hex()}/")})
        for epoch, key in self.keys.changed.items():
            records[f"{prefix}key/{epoch.hex()}"] = key.encode() if key else None
        for user, record in self.identities.changed.items():
            records[f"{prefix}identity/{user.data.hex()}"] = record.encode() if record else None
        for name, owed in self.closes.changed.items():
            records[f"{prefix}close/{name.hex()}"] = encode_owed(owed) if owed else None
        self._add_own(records)
        return records

    def _add_own(self, records: dict[str, bytes | None]) -> None:
        state, prefix, sending = self._state, self._state.prefix, self.sending
        if sending is not state.sending:
            records[f"{prefix}own/sending"] = (
                _SENDING % (sending.certificate.chain_id, encode(sending.encode())) if sending else None
            )
            if sending and (not state.sending or sending.certificate is not state.sending.certificate):
                name = f"{prefix}certificate/{sending.certificate.chain_id.hex()}"
                records[name] = sending.certificate.encode()
        if self.audience is not state.audience:
            records[f"{prefix}own/audience"] = encode_audience(self.audience, self.history)
        if self.flags is not state.flags:
            records[f"{prefix}own/flags"] = encode_flags(self.flags)

    def assign(self) -> None:
        """The candidate is the state."""
        state = self._state
        state.history, state.permissions = self.history, self.permissions
        state.sending, state.audience, state.flags = self.sending, self.audience, self.flags
        state.ready = self._ready
        for overlay in (self.chains, self.keys, self.identities, self.closes):
            if overlay.changed:
                overlay.assign()
        state.note_rows(self._rows, self._forgotten)


def prefix_of(group_id: bytes) -> str:
    """What the names of a group's records begin with."""
    return f"group/{group_id.hex()}/"


def _id(name: str) -> bytes:
    try:
        return bytes.fromhex(name.rpartition("/")[2])
    except ValueError:
        pass
    raise MalformedError(_WHERE, "a name without an id")


def _user(name: str) -> UserId:
    return UserId(_id(name))


def _certificate(certificates: Mapping[bytes, Certificate], chain_id: bytes) -> Certificate:
    certificate = certificates.get(chain_id)
    if certificate is None or certificate.chain_id != chain_id:
        raise MalformedError(_WHERE, "a chain without its certificate")
    return certificate
