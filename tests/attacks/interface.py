"""What siegel offers to a caller, to be searched for what it should not offer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import siegel


def public_callables() -> Iterator[tuple[str, inspect.Signature]]:
    """Every public function, constructor and method."""
    for name in siegel.__all__:
        thing = getattr(siegel, name)
        if inspect.isclass(thing) and issubclass(thing, Exception):
            continue
        yield name, inspect.signature(thing)
        if inspect.isclass(thing):
            for member, function in inspect.getmembers(thing, callable):
                if not member.startswith("_") and _is_ours(thing, member):
                    yield f"{name}.{member}", inspect.signature(function)


def callables_of_messages() -> Iterator[tuple[str, inspect.Signature]]:
    """Those that bytes from others can reach: not those of the caller's own store."""
    for name, signature in public_callables():
        if not getattr(siegel, name.partition(".")[0]).__module__.startswith("siegel.store"):
            yield name, signature


def _is_ours(kind: type, member: str) -> bool:
    """Whether siegel defines it, and not the tuple, enumeration or file that the class is as well."""
    return any(member in vars(base) for base in kind.__mro__ if base.__module__.partition(".")[0] == "siegel")
