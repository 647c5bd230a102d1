"""Knows how a group's state is kept over time: what is forgotten on schedule, what a backup holds (spec: group.md).

Laws: keys are gone when their grace is over, and the links of a chain with its keys; an export holds no live sending
chain and no epoch key, and a state made from one, or put back from an older copy, begins a new chain before it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from siegel._core import shape
from siegel._core.codec import Value, decode, encode
from siegel._core.suite import HASH_BYTES
from siegel.errors import MalformedError
from siegel.groups import chain as chains
from siegel.groups import epoch
from siegel.groups.records import Flags, decode_flags, encode_flags
from siegel.groups.state import Candidate, State, prefix_of
from siegel.groups.storage import CARRIED_FOLDERS, Records

_FORMAT: Final = "siegel group 1"  # local state, not a protocol object
_WHERE: Final = "exported group"


def keep_house(candidate: Candidate) -> None:
    """Forgets the keys whose time is over."""
    for name in list(epoch.ended(candidate.history, candidate.keys, at=candidate.at)):
        candidate.keys.put(name, None)
    for chain_id, chain in list(candidate.chains.items()):
        expired = chains.expire(chain, at=candidate.at)
        if expired is not chain:
            candidate.chains.put(chain_id, expired)
            candidate.forget_rows(chain_id)


def exported(state: State) -> bytes:
    """The records that another device or a backup may have."""
    sending = state.sending
    live = sending.certificate.chain_id.hex() if sending else None
    records: list[Value] = []
    for folder in CARRIED_FOLDERS:
        for name, data in state.storage.load(state.prefix + folder):
            if live is None or not name.endswith(live):
                records.append([name.removeprefix(state.prefix), data])
    return encode([_FORMAT, state.history.roster.group_id, records])


def imported(data: bytes) -> tuple[bytes, dict[str, bytes | None]]:
    """Group id and records of an export. MalformedError for other bytes."""
    form, group_id, records = shape.array(decode(data), 3, _WHERE)
    if form != _FORMAT:
        raise MalformedError(_WHERE, "not an exported group")
    identity = shape.octets(group_id, HASH_BYTES, _WHERE)
    prefix = prefix_of(identity)
    found = Records({f"{prefix}own/flags": encode_flags(Flags(rotate=True))})
    for record in shape.array(records, None, _WHERE):
        name, value = shape.array(record, 2, _WHERE)
        if not shape.text(name, _WHERE).startswith(CARRIED_FOLDERS):
            raise MalformedError(_WHERE, "a record that no export holds")
        found[prefix + shape.text(name, _WHERE)] = shape.octets(value, None, _WHERE)
    return identity, found


def put_back(own: Mapping[str, bytes]) -> Records:
    """What changes in the records below ``own/`` when an older copy of a state was put back; names from ``own/`` on.

    The live chain is dropped and not closed: the state may have been used since, and where the chain ended nobody here
    knows. The next one travels sealed.
    """
    flags = decode_flags(own["own/flags"]) if "own/flags" in own else Flags()
    rotating = encode_flags(flags._replace(rotate=True))
    return Records({"own/sending": None, "own/audience": None, "own/flags": rotating})
