"""Knows objects that cannot be changed once they are made: what was verified is what is used (attack EN-5).

Plain tuples with names serve elsewhere; here is the base of the few that need a class of their own.
The standard library's dataclasses would do, and cost a third of the time that importing siegel takes.
"""

from __future__ import annotations

from typing import NoReturn


class Frozen:
    """Base of immutable objects. The constructor sets its slots with ``_set``, once."""

    __slots__ = ()

    def _set(self, **slots: object) -> None:
        for name, value in slots.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")
