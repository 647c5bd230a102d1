"""A backend that fails on command: at one call, before or after the call had its effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from siegel.errors import StoreError
from siegel.store.backend import Backend
from siegel.store.memory_backend import MemoryBackend

CHANGING = ("begin", "put_block", "swap_block", "put_keys", "delete_keys", "put", "delete", "commit")
READING = ("changed", "blocks", "keys", "get", "scan", "find", "expired", "of_key")


class FailingBackend:
    """As the backend that it stands before, until the call that fails. ``rollback`` never does."""

    single_writer = True

    def __init__(self, inner: MemoryBackend) -> None:
        self.inner = inner
        self.calls = 0
        self.fail_at: int | None = None
        self.late = False

    @property
    def whole(self) -> Backend:
        """Itself; what it passes on it is not made for."""
        return cast("Backend", self)

    def arm(self, call: int | None, *, late: bool = False) -> None:
        """The call of this number fails, from 1; ``late``: after it had its effect."""
        self.calls, self.fail_at, self.late = 0, call, late

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        return self._watched(method) if name in CHANGING + READING else method

    def _watched(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls != self.fail_at:
                return method(*args, **kwargs)
            if self.late:
                method(*args, **kwargs)
            raise StoreError("the disk failed")

        return called

    def crashed(self) -> MemoryBackend:
        """What another process finds: a transaction that was open is gone."""
        if self.inner._before is not None:
            self.inner.rollback()
        return self.inner
