"""Knows which message may stand: the roster's answer to a chain (spec: group.md, GRP-4).

Law: the answer is a function of certificate, index, head and history; never of when a message came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from siegel.errors import NotPermitted, PeerError, StaleRoster
from siegel.groups.certificate import Certificate
from siegel.groups.history import History
from siegel.groups.key_tree import INDEX_COUNT
from siegel.groups.links import Permission

_Refusal: TypeAlias = Callable[[], PeerError] | None  # made anew each time: an error collects the places it passes

_CLOSED: Final = "sent after its sender lost the right to it, as far as whoever took it had seen"


class Permissions:
    """The answers under one history, remembered."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._answers: dict[bytes, Permission] = {}

    def of(self, certificate: Certificate) -> Permission:
        """The answer for the messages of one chain, whose certificate's head is known."""
        answer = self._answers.get(certificate.chain_id)
        if answer is None:
            answer = self._answers[certificate.chain_id] = self._answer(certificate)
        return answer

    def _answer(self, certificate: Certificate) -> Permission:
        refusals: dict[bytes, _Refusal] = {}
        last = self._last_index(certificate)

        def permitted(index: int, head: bytes) -> PeerError | None:
            if head not in refusals:
                refusals[head] = self._refusal(certificate, head)
            refusal = refusals[head]
            if refusal is not None:
                return refusal()
            return NotPermitted(_CLOSED) if index > last else None

        return permitted

    def _last_index(self, certificate: Certificate) -> int:
        """The highest index that any close on the winning branch, or the sender's own leaving, lets stand."""
        history, sender, chain_id = self._history, certificate.sender, certificate.chain_id
        last = INDEX_COUNT
        for head, closes in history.silencings(sender):
            if history.common(head, certificate.head) != head:
                last = min(last, closes.get(chain_id, -1))
        if sender in history.leavers:
            own = [close.last_index for close in history.leavers[sender] if close.chain_id == chain_id]
            last = min(last, max(own, default=-1))
        return last

    def _refusal(self, certificate: Certificate, head: bytes) -> _Refusal:
        history, sender = self._history, certificate.sender
        if head not in history:
            return lambda: StaleRoster(head)
        if not history.is_calm(certificate.head, head):
            return lambda: NotPermitted("somebody lost rights since its chain was announced; the chain had to end")
        common = history.common(head, history.roster.head)
        if not all(history.may_post(sender, place) for place in {head, common}):
            return lambda: NotPermitted("its sender may not post")
        if sender in history.suspended:
            return lambda: NotPermitted("its sender is suspended until an admin has decided")
        return None
