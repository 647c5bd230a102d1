"""Knows what to call it when bytes at rest are not what this library writes (attack ST-2)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from siegel.errors import CorruptHeader, InvalidMessage, LimitExceeded, MalformedError, NewerFormat, UnsupportedVersion


@contextmanager
def at_rest(where: str) -> Generator[None]:
    """What the strict readers raise in here becomes CorruptHeader or NewerFormat: the bytes come from the store."""
    what: str | None = None
    try:
        yield
    except UnsupportedVersion as error:
        raise NewerFormat(where, error.version) from None
    except (MalformedError, LimitExceeded) as error:
        what = str(error)
    except InvalidMessage:
        what = f"{where}: not authentic"
    if what is not None:  # outside the handlers: no context
        raise CorruptHeader(what)
