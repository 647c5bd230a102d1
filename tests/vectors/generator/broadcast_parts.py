"""The honest broadcast of the vectors, and the same with one step made otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tests.vectors.generator.book import Group, mutation, stream
from tests.vectors.generator.people import ALICE, NOW
from tests.vectors.reference.broadcast import Draft, Hooks, Steps, write

HONEST: Final = Draft(
    control=b"what is said to all who hold the key",
    sender=ALICE.secret,
    group_id=stream("group id", 32),
    head=stream("roster head", 32),
    key=stream("epoch key", 32),
    at=NOW,
    hedge=stream("hedge of a broadcast", 32),
)
STEPS: Final = write(HONEST)
INVALID: Final = "invalid-message"


def broadcast_of(hooks: Hooks | None = None, **changes: Any) -> Steps:
    """A broadcast with other inputs, or with a step replaced and every later step made again."""
    return write(replace(HONEST, **changes), hooks)


def given(data: Any, key: bytes = HONEST.key, group_id: bytes = HONEST.group_id) -> dict[str, Any]:
    """The input of somebody who has a key."""
    return {"groupId": group_id, "epochKey": key, "broadcast": data}


class Refuser:
    """Adds broadcasts that have to be refused, each against the honest one."""

    def __init__(self, group: Group, base: int) -> None:
        self.group, self.base = group, base

    def __call__(
        self,
        stage: str,
        comment: str,
        data: Any,
        spec: str,
        flags: str,
        *,
        code: str = "malformed",
        step: str = "bytes",
        shown: dict[str, Any] | None = None,
        key: bytes = HONEST.key,
        group_id: bytes = HONEST.group_id,
    ) -> None:
        """Bytes that are given to somebody with this key."""
        self.group.invalid(
            comment,
            spec=spec,
            flags=flags,
            code=code,
            stage=stage,
            base=self.base,
            mutation=mutation(step, comment),
            shown=shown,
            input=given(data, key, group_id),
        )
