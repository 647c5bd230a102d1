"""Knows what to call it when bytes at rest are not what this library writes (attack ST-2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from siegel.errors import (
    CorruptHeader,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    NewerFormat,
    StoreError,
    UnsupportedVersion,
)

P = ParamSpec("P")
T = TypeVar("T")


def at_rest(where: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A reader of bytes from the store: what the strict readers raise becomes CorruptHeader or NewerFormat."""

    def decorate(read: Callable[P, T]) -> Callable[P, T]:
        @wraps(read)
        def reading(*args: P.args, **named: P.kwargs) -> T:
            fault: StoreError
            try:
                return read(*args, **named)
            except UnsupportedVersion as error:
                fault = NewerFormat(where, error.version)
            except (MalformedError, LimitExceeded) as error:
                fault = CorruptHeader(str(error))
            except InvalidMessage:
                fault = CorruptHeader(f"{where}: not authentic")
            raise fault  # outside the handlers: no context

        return reading

    return decorate
