"""Knows what peers do when members come and go: pairwise sessions that carry sender keys, and an MLS group.

Each peer is optional; one that is not installed is None. What sender keys need is measured for one member and one
sender, and whoever reports it multiplies and says so: it is the same work for each.
"""
# pyright: reportMissingImports=false
# Peers are optional and not installed where the types are checked.

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import seconds

_SPARE = 16  # newcomers whose keys are made before anything is measured


class Pairwise:
    """Sender keys as Matrix and Signal have them: each sender's key goes to each member in a pairwise session."""

    name = "vodozemac (Olm)"

    def __init__(self, vodozemac: Any) -> None:
        self._ours, self._theirs = vodozemac.Account(), vodozemac.Account()
        self._key = vodozemac.GroupSession().session_key.to_base64().encode()
        self._session, first = self.begin()
        answering, opened = self._theirs.create_inbound_session(self._ours.curve25519_key, first.to_pre_key())
        assert opened == self._key
        self._session.decrypt(answering.encrypt(b"from now on the session is established"))

    def begin(self) -> tuple[Any, Any]:
        """A session to somebody new, and the key in it."""
        self._theirs.generate_one_time_keys(1)
        (one_time,) = self._theirs.one_time_keys.values()
        self._theirs.mark_keys_as_published()
        session = self._ours.create_outbound_session(self._theirs.curve25519_key, one_time)
        return session, session.encrypt(self._key)

    def encrypt(self) -> object:
        """The key in a session that is established."""
        return self._session.encrypt(self._key)


class Tree:
    """MLS (RFC 9420) with the key encapsulation that we have, and the package's own framing and local store."""

    name = "rine-mls (MLS, X-Wing)"

    def __init__(self, rine_mls: Any, size: int) -> None:
        self._module, self._store = rine_mls, TemporaryDirectory()
        self._members = [self._client(number) for number in range(size)]
        packages = [member.generate_key_package() for member in self._members[1:]]
        self._spare = [self._client(size + number).generate_key_package() for number in range(_SPARE)]
        self.set_up_seconds = seconds(lambda: self._begin(packages))

    def _client(self, number: int) -> Any:
        path, suite = str(Path(self._store.name) / str(number)), self._module.CIPHER_SUITE_XWING
        return self._module.MlsClient(path, os.urandom(32), suite)

    def _begin(self, packages: list[bytes]) -> None:
        self._group = self._members[0].create_group_with_members(os.urandom(16), packages)

    def add(self) -> object:
        """One newcomer, by one commit."""
        return self._group.add_member(self._spare.pop())

    def remove(self) -> object:
        """One member goes, by one commit."""
        return self._group.remove_member(self._group.member_index(self._members.pop().public_key()))

    @property
    def commit_bytes(self) -> int:
        """The size of the last commit, which every member receives whole."""
        return len(self._group.last_commit().commit)


def pairwise_peer() -> Pairwise | None:
    """The peer with pairwise sessions, if it is installed."""
    try:
        import vodozemac  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return Pairwise(vodozemac)


def tree_peer(size: int) -> Tree | None:
    """The peer with a tree, and its group of this size; takes long to set up."""
    try:
        import rine_mls  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return Tree(rine_mls, size)
