"""Knows how to hold secret bytes so that they do not leak by accident (attack EN-6).

Laws: nothing here is printed, pickled, copied, hashed or compared with ``==``. Python cannot promise to wipe memory,
and this class does not claim to.
"""

from __future__ import annotations

from typing import NoReturn

from siegel.errors import InvalidArgument


class KeyObject:
    """Base of every object that holds a secret: dull, and impossible to duplicate or compare by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"{type(self).__name__} is not comparable; compare public user ids")

    __hash__ = None  # type: ignore[assignment]  # the documented way to make a class unhashable

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled; a second copy of a key is a clone")

    __copy__ = _refuse
    __deepcopy__ = _refuse
    __reduce__ = _refuse
    __reduce_ex__ = _refuse
    __getstate__ = _refuse


class Secret(KeyObject):
    """Secret bytes. ``reveal()`` is the only way to them, so every use can be found by its name."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        if type(data) is not bytes:
            raise InvalidArgument("a secret is made of bytes")
        self._data = data

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return self._data
